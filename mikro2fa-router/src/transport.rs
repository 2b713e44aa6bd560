//! What carries sentences to a router and rows back. The API is one; the console over SSH can be another.

use async_trait::async_trait;
use futures_core::stream::BoxStream;
use mikro2fa_core::tunnel::Text;
use routeros_api::Rows;

use crate::{error::Error, sentence::Sentence};

/// A way to one router. What is said over it is the backend's business.
#[async_trait]
pub trait Transport: Send + Sync + 'static {
    /// An open connection.
    type Line: Line;

    /// Connects and logs in, with a deadline of its own for each step.
    ///
    /// # Errors
    ///
    /// [`Error`] naming what a person has to look at.
    async fn connect(&self) -> Result<Self::Line, Error>;

    /// What this way can do.
    fn abilities(&self) -> Abilities;
}

/// What a transport can do beyond asking and telling.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Abilities {
    /// Hints without asking.
    pub watch: bool,
    /// Several sentences under way at a time.
    pub pipeline: bool,
}

/// May something still be written? Asked right before the bytes are; quick, and never blocks.
pub type Gate = Box<dyn Fn() -> bool + Send + Sync>;

/// An open connection to a router that has logged in.
#[async_trait]
pub trait Line: Send + Sync + 'static {
    /// Says all of it, as far as it can at the same time, and gives one answer each, in the same order. `gate` is asked
    /// before each sentence that changes something is written; once it says no, no such sentence is written any more.
    ///
    /// Each sentence has a deadline. One that passes closes the line: what comes later could not be told from what was
    /// never done. Dropping the future leaves open what was done.
    async fn exchange(&self, sentences: Vec<Sentence>, gate: Gate) -> Vec<Answer>;

    /// Says something that does not end by itself, and gives an item for each record that comes.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] where the transport has nothing like it; else why the line is closed.
    async fn watch(
        &self,
        sentence: Sentence,
    ) -> Result<BoxStream<'static, Result<(), Error>>, Error>;

    /// Why nothing can be said any more; none while the line is open.
    fn closed(&self) -> Option<Error>;

    /// Closes the line at once.
    fn close(&self);
}

/// What a sentence came to.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The records that came. After anything but [`End::Done`] they are not all.
    pub rows: Rows,
    /// How it ended.
    pub end: End,
}

/// How a sentence ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum End {
    /// Done.
    Done {
        /// What it returned: the id of what was made, a count.
        ret: Option<Box<[u8]>>,
    },
    /// The router said no.
    Refused(Refused),
    /// It was said and not answered: it may have been done, or still be.
    Lost,
    /// It was not said.
    NotSent,
}

impl Answer {
    /// An answer without records.
    #[must_use]
    pub fn bare(end: End) -> Self {
        Self {
            rows: Rows::default(),
            end,
        }
    }

    /// Did no answer come?
    #[must_use]
    pub const fn is_missing(&self) -> bool {
        matches!(self.end, End::Lost | End::NotSent)
    }

    /// All records, if it was answered to the end.
    #[must_use]
    pub const fn complete(&self) -> Option<&Rows> {
        match self.end {
            End::Done { .. } => Some(&self.rows),
            _ => None,
        }
    }
}

/// What a router had against a sentence.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refused {
    /// Which kind of no.
    pub kind: No,
    /// In its words.
    pub message: Text,
}

/// Kinds of no. RouterOS leaves the category out often, so they are told apart by words that users and client libraries
/// report; how a text ends (`(4)`, `(9)`) says nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum No {
    /// There is something like it already.
    Exists,
    /// It is not there (any more).
    Gone,
    /// The login may not do that.
    Denied,
    /// This router has no such menu or command: too old, or a package is missing.
    NoSuchCommand,
    /// It was given up inside the router, and may have been done in part.
    GivenUp,
    /// Anything else.
    Other,
}

impl Refused {
    /// Reads the router's words.
    #[must_use]
    pub fn new(message: impl Into<Text>) -> Self {
        let message = message.into();
        let words = message.to_ascii_lowercase();
        let says = |needle: &str| words.contains(needle);
        let kind = if says("no such command") {
            No::NoSuchCommand
        } else if says("no such item") || says("entry not found") {
            No::Gone
        } else if says("already") {
            No::Exists
        } else if says("permission") {
            No::Denied
        } else if says("interrupted") || says("timeout (13)") {
            No::GivenUp
        } else {
            No::Other
        };
        Self { kind, message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_told_apart_by_their_words() {
        let cases = [
            ("failure: already have such entry", No::Exists),
            ("no such item", No::Gone),
            ("no such item (4)", No::Gone),
            ("failure: entry not found", No::Gone),
            ("not enough permissions (9)", No::Denied),
            ("no such command prefix", No::NoSuchCommand),
            ("no such command or directory (ipv6)", No::NoSuchCommand),
            ("interrupted", No::GivenUp),
            ("std failure: timeout (13)", No::GivenUp),
            ("invalid value for argument timeout", No::Other),
            ("", No::Other),
        ];
        for (message, kind) in cases {
            assert_eq!(Refused::new(message).kind, kind, "{message}");
        }
    }
}
