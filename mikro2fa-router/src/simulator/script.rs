//! A small interpreter of RouterOS scripts: enough for the on-up and on-down hooks of a PPP profile, and loud about the rest.
//!
//! It runs what MikroTik's manual, *Scripting*, describes of local variables, strings with `$name` and `$( )` in them, `:if`, `:for`,
//! `:foreach`, `:do … on-error`, `:onerror`, functions, a handful of commands in brackets, `/log`, `/tool fetch`, and `add`,
//! `set`, `remove`, `find`, `get` of the menus there are. As on the router, a script that cannot be read does not run at all, and
//! an error while it runs stops it unless it is caught. What this interpreter does not know is never caught: it ends the script
//! and is told as [`Happening::ScriptFailed`](super::Happening::ScriptFailed), so that no test passes on a script that did nothing.

mod ast;
mod parse;
mod run;
#[cfg(test)]
mod tests;

use std::{fmt, sync::Arc};

pub(crate) use run::Variables;

use super::{event::Happening, state::State};

/// A value of the scripting language.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Nil,
    Text(String),
    Number(i64),
    Bool(bool),
    /// An address; text everywhere but in `:typeof`.
    Address(String),
    List(Vec<(Option<String>, Self)>),
    Code(Arc<Vec<ast::Statement>>),
}

/// What ends a script, or a part of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Failure {
    /// As RouterOS would say it; `on-error` catches it.
    Error(String),
    /// Beyond this interpreter; nothing catches it.
    Unsupported(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(text) => f.write_str(text),
            Self::Unsupported(text) => write!(f, "the simulator does not know {text}"),
        }
    }
}

impl Value {
    fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// As it looks in a string.
    fn shown(&self) -> String {
        match self {
            Self::Nil | Self::Code(_) => String::new(),
            Self::Text(text) | Self::Address(text) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::Bool(holds) => holds.to_string(),
            Self::List(items) => {
                let item = |(key, value): &(Option<String>, Self)| match key {
                    Some(key) => format!("{key}={}", value.shown()),
                    None => value.shown(),
                };
                items.iter().map(item).collect::<Vec<_>>().join(";")
            }
        }
    }

    const fn type_name(&self) -> &'static str {
        match self {
            Self::Nil => "nil",
            Self::Text(_) => "str",
            Self::Number(_) => "num",
            Self::Bool(_) => "bool",
            Self::Address(_) => "ip",
            Self::List(_) => "array",
            Self::Code(_) => "code",
        }
    }
}

impl State {
    /// Runs a profile's hook. What goes wrong is in `/log` and among the events.
    pub(crate) fn run_hook(&mut self, hook: &'static str, source: &str, variables: Variables) {
        if source.trim().is_empty() {
            return;
        }
        let outcome = parse::parse(source, self.version)
            .and_then(|script| run::run(self, &script, variables));
        if let Err(failure) = outcome {
            let error = failure.to_string();
            self.log("script,error", format!("script error: {error}"));
            self.events
                .push(self.now, Happening::ScriptFailed { hook, error });
            self.changes += 1;
        }
    }
}
