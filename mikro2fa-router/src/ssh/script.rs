//! A console line in the making: nothing gets into it but constants of this crate, quoted values, ids and marks.

use std::fmt;

use crate::{console::Quoted, handle::Id};

/// Stands in a router's output where something of ours begins. Drawn for each line, so that no value that stands on the
/// router can contain it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark([u8; 16]);

impl Mark {
    pub(super) const fn new(random: [u8; 16]) -> Self {
        Self(random)
    }

    /// As it stands in lines and in what is printed.
    pub(super) fn text(self) -> String {
        self.to_string()
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Not shown: whoever reads a log must not be able to forge an answer.
impl fmt::Debug for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mark(…)")
    }
}

/// What begins behind a mark.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Sign {
    /// A row, with its first property.
    Row,
    /// The next property of the row.
    Field,
    /// The name of the next property.
    Name,
    /// A row as JSON.
    Json,
    /// A number.
    Count,
    /// The id of what was made.
    Made,
    /// What was to be changed was changed. What follows was read back.
    Did,
    /// Nothing was changed: what was looked at before was not as it had to be.
    Otherwise,
    /// How many are left of what was to go.
    Left,
    /// The line has come to its end.
    End,
}

impl Sign {
    const ALL: [Self; 10] = [
        Self::Row,
        Self::Field,
        Self::Name,
        Self::Json,
        Self::Count,
        Self::Made,
        Self::Did,
        Self::Otherwise,
        Self::Left,
        Self::End,
    ];

    pub(super) const fn letter(self) -> char {
        match self {
            Self::Row => 'r',
            Self::Field => 'f',
            Self::Name => 'k',
            Self::Json => 'j',
            Self::Count => 'c',
            Self::Made => 'm',
            Self::Did => 'd',
            Self::Otherwise => 'o',
            Self::Left => 'l',
            Self::End => '.',
        }
    }

    pub(super) fn of(letter: u8) -> Option<Self> {
        let is_it = |sign: &Self| sign.letter() == char::from(letter);
        Self::ALL.into_iter().find(is_it)
    }
}

/// A line of console script. ASCII, without line ends.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Script {
    text: String,
    mark: Mark,
}

impl Script {
    pub(super) const fn new(mark: Mark) -> Self {
        Self {
            text: String::new(),
            mark,
        }
    }

    /// Adds what stands in this crate's source.
    pub(super) fn code(&mut self, code: &'static str) -> &mut Self {
        self.text.push_str(code);
        self
    }

    /// Adds a menu as both major versions write it: `/ip firewall filter`.
    pub(super) fn menu(&mut self, menu: &'static str) -> &mut Self {
        for (index, part) in menu.trim_start_matches('/').split('/').enumerate() {
            self.code(if index == 0 { "/" } else { " " }).code(part);
        }
        self
    }

    /// Adds a value.
    pub(super) fn quoted(&mut self, value: &[u8]) -> &mut Self {
        self.text.push_str(Quoted::new(value).as_str());
        self
    }

    /// Adds an id.
    pub(super) fn id(&mut self, id: &Id) -> &mut Self {
        self.text.push_str(id.text());
        self
    }

    /// Adds a string literal: the mark, and what begins there.
    pub(super) fn sign(&mut self, sign: Sign) -> &mut Self {
        self.text.push('"');
        self.text.push_str(&self.mark.text());
        self.text.push(sign.letter());
        self.text.push('"');
        self
    }

    /// Adds what prints that sign alone.
    pub(super) fn put(&mut self, sign: Sign) -> &mut Self {
        self.code(":put ").sign(sign).code(";")
    }

    pub(super) const fn mark(&self) -> Mark {
        self.mark
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn len(&self) -> usize {
        self.text.len()
    }
}

/// Without its mark.
impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text.replace(&self.mark.text(), "…"))
    }
}
