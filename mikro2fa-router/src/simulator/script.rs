//! RouterOS's scripting language: what the hooks of a PPP profile are written in, and what the console takes.
//!
//! It runs what MikroTik's manual, *Scripting* and *Console*, describes of variables, strings with `$name` and `$( )` in them,
//! `:if`, `:for`, `:foreach`, `:do … on-error`, `:onerror`, functions, a handful of commands in brackets, `/log`, `/tool fetch`,
//! and the commands of the menus there are, with conditions after `find` and `where`. As on the router, a script that cannot be read
//! does not run at all, and an error while it runs stops it unless it is caught. What this interpreter does not know is never
//! caught: it ends the script and is told as [`Happening::ScriptFailed`] or, at the console, as output and in the list of unknown
//! commands, so that no test passes on a script that did nothing.

mod ast;
mod json;
mod parse;
mod regex;
mod run;
#[cfg(test)]
mod tests;
mod tree;
mod value;

use std::{collections::HashMap, fmt};

pub(crate) use run::{Console, Finished, Line, Variables};
pub(crate) use value::Value;

use super::{
    command::Caller, event::Happening, menu::Edition, policy::Policy, session::ConnectionId,
    state::State,
};

/// What ends a script, or a part of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Failure {
    /// As RouterOS would say it; `on-error` catches it.
    Error(String),
    /// It cannot be read: the words that RouterOS has for it, with the place.
    Syntax(Syntax),
    /// Beyond this interpreter; nothing catches it.
    Unsupported(String),
}

/// A script that cannot be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Syntax {
    pub(crate) what: String,
    /// Names a command, menu or argument that this router does not have.
    pub(crate) unknown: bool,
    /// From 1.
    pub(crate) line: usize,
    /// In bytes, from 1.
    pub(crate) column: usize,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(text) => f.write_str(text),
            Self::Syntax(Syntax {
                what, line, column, ..
            }) => {
                write!(f, "{what} (line {line} column {column})")
            }
            Self::Unsupported(text) => write!(f, "the simulator does not know {text}"),
        }
    }
}

impl Failure {
    fn error(text: impl Into<String>) -> Self {
        Self::Error(text.into())
    }
}

/// Scripts as they were read last: a hook runs with every dial.
#[derive(Debug, Default)]
pub(crate) struct Parsed(HashMap<String, (Edition, Result<ast::Block, Failure>)>);

impl Parsed {
    /// So many are kept.
    const MOST: usize = 64;

    fn get(&mut self, source: &str, edition: Edition) -> Result<ast::Block, Failure> {
        if let Some((read_in, script)) = self.0.get(source)
            && *read_in == edition
        {
            return script.clone();
        }
        let script = parse::parse(source.as_bytes(), edition);
        if self.0.len() >= Self::MOST {
            self.0.clear();
        }
        self.0.insert(source.to_owned(), (edition, script.clone()));
        script
    }
}

impl State {
    /// Runs a profile's hook. What goes wrong is in `/log` and among the events.
    pub(crate) fn run_hook(&mut self, hook: &'static str, source: &str, variables: Variables) {
        if source.trim().is_empty() {
            return;
        }
        let mut caller = all_rights();
        if self.quirks.hooks_only_read {
            caller.policy = Policy::READ;
        }
        self.run_source(hook, source, caller, variables);
    }

    /// Runs a script as this caller.
    pub(crate) fn run_source(
        &mut self,
        hook: &'static str,
        source: &str,
        caller: Caller,
        variables: Variables,
    ) {
        let edition = self.edition();
        let outcome = self
            .parsed
            .get(source, edition)
            .and_then(|script| run::run(self, caller, &script, variables));
        if let Err(failure) = outcome {
            let error = failure.to_string();
            self.log("script,error", format!("script error: {error}"));
            self.events
                .push(self.now, Happening::ScriptFailed { hook, error });
            self.changes += 1;
        }
    }
}

/// Nobody in particular, who may do everything.
pub(crate) const fn all_rights() -> Caller {
    Caller {
        connection: ConnectionId(0),
        user: String::new(),
        policy: Policy::ALL,
    }
}
