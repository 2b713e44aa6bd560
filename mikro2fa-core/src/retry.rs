//! The one question that every error of a port answers.

use std::time::Duration;

/// Again or not?
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Retry {
    /// At once.
    Now,
    /// Not before this has gone by.
    After(Duration),
    /// Never: it will not get better by itself.
    Never,
}
