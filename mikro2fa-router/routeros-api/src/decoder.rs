//! [`Decoder`]: bytes in, sentences out, for either end of a connection.

use std::ops::Range;

use crate::error::DecodeError;
use crate::sentence::{Sentence, SentenceRef};
use crate::word::{Length, decode_length};

/// The buffer that an idle decoder keeps: enough for most answers, little for hundreds of connections.
const IDLE_BUFFER: usize = 2 * 1024;
/// How far the buffer grows to make reads larger; only a larger sentence makes it grow further.
const BUSY_BUFFER: usize = 64 * 1024;

/// What a decoder accepts. All sizes are checked before room is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longest word in bytes. Default 16 MiB: real words stay below 64 KiB, file contents and scripts aside.
    pub max_word: u32,
    /// Longest sentence in bytes, prefixes included. Default 32 MiB: two of the longest words.
    pub max_sentence_bytes: usize,
    /// Most words in a sentence. Default 4096: the widest menus have about a hundred properties.
    pub max_words: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_word: 16 << 20,
            max_sentence_bytes: 32 << 20,
            max_words: 4096,
        }
    }
}

/// Finds sentences in a stream of bytes, however it was cut into pieces.
///
/// Room is made for bytes that have come, never for those that a length announces. Empty sentences are skipped.
/// After an error the place where the next word begins is lost, so the decoder keeps answering with that error.
///
/// ```
/// use routeros_api::{Command, Decoder};
///
/// let mut bytes = Vec::new();
/// Command::new("/ppp/secret/add").attribute("name", "ann").encode(&mut bytes);
/// let (head, tail) = bytes.split_at(7);
///
/// let mut decoder = Decoder::default();
/// decoder.feed(head);
/// assert!(decoder.next()?.is_none());
/// decoder.feed(tail);
/// let sentence = decoder.next()?.ok_or("a whole sentence")?;
/// assert_eq!(sentence.attribute("name"), Some(&b"ann"[..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct Decoder {
    limits: Limits,
    /// Initialised throughout; what has come and was not yet given out is `start..end`.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// How far from `start` the current sentence was looked through, and how many words that were.
    scan: Scan,
    /// A read filled all the room there was.
    eager: bool,
    failed: Option<DecodeError>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Scan {
    at: usize,
    words: usize,
}

impl Decoder {
    /// A decoder with limits of its own.
    pub fn with_limits(limits: Limits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }

    /// Goes on with other limits, such as those for after login.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Takes bytes as they came.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.make_room(bytes.len());
        if let Some(room) = self.buffer.get_mut(self.end..self.end + bytes.len()) {
            room.copy_from_slice(bytes);
            self.end += bytes.len();
        }
    }

    /// Room to read into directly, never empty; say with [`filled`](Self::filled) how much was used.
    ///
    /// It starts small and becomes large once a read has filled it.
    pub fn room(&mut self) -> &mut [u8] {
        let wanted = if self.eager { BUSY_BUFFER } else { IDLE_BUFFER };
        let missing = wanted.saturating_sub(self.buffer.len());
        self.make_room(missing.max(wanted / 4));
        self.buffer.get_mut(self.end..).unwrap_or_default()
    }

    /// The first `count` bytes of [`room`](Self::room) have been filled.
    pub fn filled(&mut self, count: usize) {
        self.end = (self.end + count).min(self.buffer.len());
        self.eager |= self.end == self.buffer.len();
    }

    /// The next whole sentence, or `None` when more bytes are needed.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when the bytes break the protocol or a limit; the connection is then of no further use.
    #[expect(
        clippy::should_implement_trait,
        reason = "it is not an iterator: None means not yet, and errors repeat"
    )]
    pub fn next(&mut self) -> Result<Option<Sentence>, DecodeError> {
        Ok(self.next_ref()?.map(SentenceRef::to_sentence))
    }

    /// The next whole sentence as a view into the decoder's buffer: decoding it allocates nothing.
    ///
    /// # Errors
    ///
    /// As [`next`](Self::next).
    #[inline]
    pub fn next_ref(&mut self) -> Result<Option<SentenceRef<'_>>, DecodeError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        match self.find() {
            Ok(Some(wire)) => Ok(self.buffer.get(wire).map(SentenceRef::from_wire)),
            Ok(None) => Ok(None),
            Err(error) => {
                self.failed = Some(error);
                Err(error)
            }
        }
    }

    /// Where in the buffer the next sentence's words lie; the sentence counts as given out.
    #[inline]
    fn find(&mut self) -> Result<Option<Range<usize>>, DecodeError> {
        loop {
            let pending = self.buffer.get(self.start..self.end).unwrap_or_default();
            let Some(found) = find_sentence(pending, &mut self.scan, &self.limits)? else {
                return Ok(None);
            };
            let first = self.start;
            self.start += found.length + found.terminator;
            self.scan = Scan::default();
            // A lone terminator says nothing. Dropped at once, so a flood of them fills no buffer.
            if found.length > 0 {
                return Ok(Some(first..first + found.length));
            }
        }
    }

    /// Whether bytes of an unfinished sentence are waiting: a stream that ends here was cut off.
    pub fn is_midway(&self) -> bool {
        let pending = self.buffer.get(self.start..self.end).unwrap_or_default();
        pending.iter().any(|byte| *byte != 0)
    }

    /// Gives back what a large answer made the buffer grow to, if nothing waits in it.
    pub fn shrink(&mut self) {
        if self.start == self.end && self.buffer.len() > IDLE_BUFFER {
            (self.start, self.end) = (0, 0);
            self.buffer = Vec::new();
            self.eager = false;
        }
    }

    /// Makes sure that `extra` bytes fit behind `end`: by moving what is pending to the front, else by growing.
    fn make_room(&mut self, extra: usize) {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
        if self.buffer.len() - self.end >= extra {
            return;
        }
        self.buffer.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        let needed = self.end + extra;
        if self.buffer.len() < needed {
            // Doubling keeps the copying of a large sentence in proportion to its size.
            let doubled = if self.end > self.buffer.len() / 2 {
                self.buffer.len() * 2
            } else {
                0
            };
            self.buffer.resize(needed.max(doubled).max(IDLE_BUFFER), 0);
        }
    }
}

/// A whole sentence at the front of the pending bytes.
struct Found {
    /// How many bytes its words take.
    length: usize,
    /// How many bytes its terminator takes: 1, unless written in a longer form than necessary.
    terminator: usize,
}

/// Looks for the terminator of the sentence at the front, going on where `scan` says the last look ended.
#[inline]
fn find_sentence(
    pending: &[u8],
    scan: &mut Scan,
    limits: &Limits,
) -> Result<Option<Found>, DecodeError> {
    let Scan { mut at, mut words } = *scan;
    loop {
        let rest = pending.get(at..).unwrap_or_default();
        let Some(Length { len, header }) = decode_length(rest, limits.max_word)? else {
            break;
        };
        if len == 0 {
            return Ok(Some(Found {
                length: at,
                terminator: header,
            }));
        }
        let after = at.saturating_add(header).saturating_add(len as usize);
        if after > limits.max_sentence_bytes {
            return Err(DecodeError::SentenceTooLong {
                limit: limits.max_sentence_bytes,
            });
        }
        if words >= limits.max_words {
            return Err(DecodeError::TooManyWords {
                limit: limits.max_words,
            });
        }
        if after > pending.len() {
            break;
        }
        words += 1;
        at = after;
    }
    *scan = Scan { at, words };
    Ok(None)
}

#[cfg(test)]
mod tests;
