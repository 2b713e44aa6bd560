//! Sentences as console lines, whatever they are about. Pure.
//!
//! A line is one block of script. It reads rows one by one (`get` of a whole row: it cannot be torn, flags are in it, and a
//! property that this version does not have is just missing), and prints behind a mark that was drawn for this line what
//! came of each step. A line that changes something says so once it is done, and then reads back what is there now: the
//! console answers to a `remove` or `set` that found nothing as it does to one that did something (MikroTik manual,
//! Console; nothing is printed either way).
//!
//! What `print as-value` prints is not used: it has no escaping, leaves flags out before 7.20, and as JSON turns a duration
//! into a date (measured by the authors of tik4net, *findings-cli*). Each value is made a string by the router first.

mod ask;
mod change;
mod values;

use std::collections::BTreeSet;

use self::{
    ask::{conditions, print},
    change::change,
    values::{Value, define, put_row},
};
use super::script::{Mark, Script, Sign};
use crate::{handle::Id, sentence::Sentence};

/// Longest line in bytes. Tens of kilobytes were seen to work.
pub(super) const LONGEST_LINE: usize = 30_000;

/// What this connection's console was found to be like.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Dialect {
    /// It writes JSON that keeps strings as they are.
    pub(super) json: bool,
    /// Menus that are one record, not a table.
    pub(super) single: BTreeSet<&'static str>,
}

/// Menus that are one record in every version. Others are found out when nothing can be found in them.
const SINGLE: &[&str] = &[
    "/interface/l2tp-server/server",
    "/interface/pptp-server/server",
    "/interface/sstp-server/server",
    "/ip/dns",
    "/ip/settings",
    "/ppp/aaa",
    "/radius/incoming",
    "/system/clock",
    "/system/device-mode",
    "/system/identity",
    "/system/resource",
    "/user-manager",
];

impl Dialect {
    pub(super) fn new(json: bool) -> Self {
        Self {
            json,
            single: SINGLE.iter().copied().collect(),
        }
    }
}

/// A line, and how its output is to be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Said {
    pub(super) line: Script,
    pub(super) form: Form,
}

/// What a line's output is made of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Form {
    /// Rows with these properties; none = each row brings its properties' names.
    Rows(Option<Vec<&'static str>>),
    /// A number.
    Count,
    /// A change, and rows that were read back.
    Change(Change),
}

/// How a change is seen to have been made.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Change {
    /// The rows that have to be there.
    pub(super) ids: Vec<Id>,
    /// Something was made, and has an id.
    pub(super) makes: bool,
    /// A row has to have come back, whichever.
    pub(super) reads_back: bool,
    /// What was removed can be seen for a moment longer.
    pub(super) lingers: bool,
    /// What is read back of each row.
    pub(super) columns: Vec<&'static str>,
    /// What each row has to say.
    pub(super) expected: Vec<(&'static str, Vec<u8>)>,
}

/// Why a sentence can't be said on a console.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(super) enum Unspeakable {
    #[error("this is too long for one line of a console")]
    TooLong,
    #[error("what was asked for is no query")]
    Query,
    #[error("a guard is about a row without an id")]
    Guard,
}

/// A sentence as lines. More than one only if it asks for more than fits into one; their rows together are the answer.
pub(super) fn say(
    sentence: &Sentence,
    dialect: &Dialect,
    mark: &mut impl FnMut() -> Mark,
) -> Result<Vec<Said>, Unspeakable> {
    if sentence.path().only_looks() {
        let wanted = conditions(sentence.queries())?;
        return print(sentence, dialect, wanted, mark);
    }
    let said = change(sentence, dialect, mark())?;
    if said.line.len() > LONGEST_LINE {
        return Err(Unspeakable::TooLong);
    }
    Ok(vec![said])
}

/// A line that prints one row with this value, to see whether it comes back.
pub(super) fn probe(value: &[u8], json: bool, mark: Mark) -> Said {
    let mut line = Script::new(mark);
    let dialect = Dialect::new(json);
    line.code("{");
    define(&mut line, &dialect);
    let columns = ["value", "zeros", "truth", "time"];
    let values: [&[u8]; 4] = [value, b"00123", b"true", b"1d"];
    let values = values.map(Value::Text);
    put_row(&mut line, &dialect, &values);
    line.put(Sign::End).code("}");
    Said {
        line,
        form: Form::Rows(Some(columns.to_vec())),
    }
}

#[cfg(test)]
mod tests;
