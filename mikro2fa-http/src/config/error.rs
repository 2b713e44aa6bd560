//! What can be wrong with a configuration, all of it at once.

use std::fmt;

/// One thing that is wrong: where it was said, what is wrong with it, what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The field or variable, as it was written.
    pub field: String,
    /// Where it was said: a file with its line, or a variable.
    pub origin: String,
    /// What is wrong.
    pub wrong: String,
    /// What to do about it.
    pub remedy: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            field,
            origin,
            wrong,
            remedy,
        } = self;
        write!(f, "{field} ({origin}): {wrong}; {remedy}")
    }
}

/// The configuration can't be used; nothing was started or changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    /// What is wrong, never empty: the file's findings in its order, then the variables', then what values say.
    pub findings: Vec<Finding>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.findings.len() {
            1 => f.write_str("the configuration has a fault")?,
            count => write!(f, "the configuration has {count} faults")?,
        }
        self.findings
            .iter()
            .try_for_each(|finding| write!(f, "\n  {finding}"))
    }
}
