//! Replies: what a sentence from a router means.

use std::borrow::Cow;

use crate::sentence::{Sentence, SentenceRef};

/// A reply, borrowed from the sentence it came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reply<'a> {
    /// `!re`: one record, or one report of progress. It may have no attributes at all.
    Re(SentenceRef<'a>),
    /// `!done`: the command has ended. `add` says here with `ret` which `.id` the new item has.
    Done(SentenceRef<'a>),
    /// `!trap`: an error. Not the end: `!done` follows, and there may be several traps before it.
    Trap {
        /// `category`, 0 to 7, often absent: 0 missing item or command, 1 bad value, 2 interrupted, 3 script,
        /// 4 general, 5 API, 6 terminal, 7 value from `:return` (MikroTik manual, *API*).
        category: Option<u8>,
        /// `message` as the router wrote it, empty if it wrote none.
        message: &'a [u8],
        /// The whole sentence.
        sentence: SentenceRef<'a>,
    },
    /// `!fatal`: the connection is about to close, and with it every command on it.
    Fatal {
        /// The reason, which is a bare word without `=message=`; empty if there was none.
        reason: &'a [u8],
        /// The whole sentence.
        sentence: SentenceRef<'a>,
    },
    /// `!empty`: the command was fine and has no records; `!done` follows. RouterOS 7.18 and later.
    Empty(SentenceRef<'a>),
    /// A reply that this version of the protocol does not know. To be skipped.
    Unknown(SentenceRef<'a>),
}

impl<'a> Reply<'a> {
    /// Reads a sentence as a reply. Any sentence can be read; what is not known is [`Reply::Unknown`].
    pub fn parse(sentence: &'a Sentence) -> Self {
        Self::parse_ref(sentence.view())
    }

    /// As [`parse`](Self::parse), for a borrowed sentence.
    #[inline]
    pub fn parse_ref(sentence: SentenceRef<'a>) -> Self {
        match sentence.command() {
            Some(b"!re") => Self::Re(sentence),
            Some(b"!done") => Self::Done(sentence),
            Some(b"!empty") => Self::Empty(sentence),
            Some(b"!trap") => Self::Trap {
                category: category(sentence),
                message: sentence.attribute("message").unwrap_or_default(),
                sentence,
            },
            Some(b"!fatal") => Self::Fatal {
                reason: fatal_reason(sentence),
                sentence,
            },
            _ => Self::Unknown(sentence),
        }
    }

    /// The sentence that this is.
    #[inline]
    pub fn sentence(&self) -> SentenceRef<'a> {
        match *self {
            Self::Re(sentence)
            | Self::Done(sentence)
            | Self::Empty(sentence)
            | Self::Unknown(sentence)
            | Self::Trap { sentence, .. }
            | Self::Fatal { sentence, .. } => sentence,
        }
    }

    /// The tag of the command that is answered.
    #[inline]
    pub fn tag(&self) -> Option<&'a [u8]> {
        self.sentence().api_attribute(".tag")
    }
}

fn category(sentence: SentenceRef<'_>) -> Option<u8> {
    match sentence.attribute("category")? {
        [digit @ b'0'..=b'9'] => Some(digit - b'0'),
        _ => None,
    }
}

/// The reason is a bare word; should a version send `=message=` after all, that is taken.
fn fatal_reason(sentence: SentenceRef<'_>) -> &[u8] {
    sentence
        .words()
        .skip(1)
        .find(|word| !matches!(word.first(), Some(b'=' | b'.')))
        .or_else(|| sentence.attribute("message"))
        .unwrap_or_default()
}

/// Bytes of a router as text for people: what is not UTF-8 is replaced, as comments may be in any code page.
pub(crate) fn text(bytes: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_reply_is_told_apart() {
        let of = |words: &[&str]| Sentence::from_words(words);
        assert!(matches!(Reply::parse(&of(&["!re"])), Reply::Re(_)));
        assert!(matches!(
            Reply::parse(&of(&["!empty", ".tag=1"])),
            Reply::Empty(_)
        ));
        assert!(matches!(Reply::parse(&of(&["!novel"])), Reply::Unknown(_)));
        let done = of(&["!done", ".tag=9", "=ret=*3"]);
        let done = Reply::parse(&done);
        assert_eq!(done.tag(), Some(&b"9"[..]));
        assert_eq!(done.sentence().attribute("ret"), Some(&b"*3"[..]));
    }

    #[test]
    fn a_trap_may_lack_its_category_and_its_message() {
        let full = Sentence::from_words(["!trap", "=category=2", "=message=interrupted"]);
        assert!(matches!(
            Reply::parse(&full),
            Reply::Trap {
                category: Some(2),
                message: b"interrupted",
                ..
            }
        ));
        let odd = Sentence::from_words(["!trap", "=category=12"]);
        assert!(matches!(
            Reply::parse(&odd),
            Reply::Trap {
                category: None,
                message: b"",
                ..
            }
        ));
    }

    #[test]
    fn the_reason_of_fatal_is_a_bare_word() {
        for words in [
            &["!fatal", "not logged in"][..],
            &["!fatal", ".tag=1", "not logged in"],
            &["!fatal", "=message=not logged in"],
        ] {
            let sentence = Sentence::from_words(words);
            let Reply::Fatal { reason, .. } = Reply::parse(&sentence) else {
                panic!("not fatal: {words:?}");
            };
            assert_eq!(text(reason), "not logged in");
        }
    }
}
