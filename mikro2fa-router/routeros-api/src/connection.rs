//! [`Connection`]: the protocol after login, without any I/O.
//!
//! Commands go in and become bytes to write; bytes that were read go in and become events, each with the command
//! it belongs to. Every command gets a tag of its own, so any number may be under way at a time.

use std::collections::HashMap;
use std::fmt;
use std::fmt::Write as _;
use std::hash::{BuildHasherDefault, Hasher};

use crate::decoder::{Decoder, Limits};
use crate::error::{DecodeError, Trap};
use crate::reply::Reply;
use crate::row::Row;
use crate::sentence::{Command, SentenceRef};

/// The tag of a command: numbers in turn, never used again on the same connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(u64);

impl Tag {
    fn parse(bytes: &[u8]) -> Option<Self> {
        crate::row::number(bytes).map(Self)
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One end of a connection that has logged in. `T` is what the caller wants to remember of each command.
///
/// ```
/// use routeros_api::connection::{Connection, Event};
/// use routeros_api::{Command, Limits};
///
/// let mut connection = Connection::new(Limits::default());
/// let tag = connection.send(&Command::new("/system/identity/print"), "who are you");
/// assert_eq!(connection.outbound(), b"\x16/system/identity/print\x06.tag=1\0");
/// connection.wrote(connection.outbound().len());
///
/// connection.receive(b"\x05!done\x06.tag=1\0");
/// let Some(Event::Done { tag: done, context, .. }) = connection.next()? else { panic!() };
/// assert_eq!((done, context), (tag, "who are you"));
/// # Ok::<(), routeros_api::DecodeError>(())
/// ```
pub struct Connection<T> {
    decoder: Decoder,
    outbound: Vec<u8>,
    /// How much of `outbound` has been written.
    written: usize,
    /// How many bytes came before `outbound` on this connection.
    before: u64,
    last_tag: u64,
    running: RunningMap<T>,
}

type RunningMap<T> = HashMap<Tag, Running<T>, BuildHasherDefault<TagHasher>>;

/// A command whose `!done` has not come.
struct Running<T> {
    purpose: Purpose<T>,
    /// Where the sentence begins and ends, counted in bytes from the connection's start.
    start: u64,
    end: u64,
}

enum Purpose<T> {
    Caller(T),
    /// A `/cancel` of our own: nobody waits for its replies.
    Cancel,
}

/// What a sentence from the router means to the commands under way.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a, T> {
    /// A record.
    Row {
        /// Whose.
        tag: Tag,
        /// What the caller remembers of the command.
        context: &'a mut T,
        /// The record, in the connection's buffer.
        row: Row<'a>,
    },
    /// The router reported an error. `Done` follows; there may be several traps before it.
    Trap {
        /// Whose.
        tag: Tag,
        /// What the caller remembers of the command.
        context: &'a mut T,
        /// The error.
        trap: Trap,
    },
    /// The command has ended; its tag is forgotten.
    Done {
        /// Whose.
        tag: Tag,
        /// What the caller remembered of the command.
        context: T,
        /// The sentence, for its `ret`.
        sentence: SentenceRef<'a>,
    },
    /// The router is about to close the connection. Nothing more will come for any command.
    Fatal {
        /// The router's reason, as it wrote it.
        reason: &'a [u8],
    },
    /// A sentence that means nothing here: `!empty`, a reply that nobody waits for, an unknown word.
    Ignored(Ignored),
}

/// Why a sentence was skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ignored {
    /// `!empty`, or a reply to one of our own cancels: expected, just of no interest.
    Expected,
    /// It carries no tag, or one that is not under way.
    NobodyAsked,
    /// The reply word is not known.
    UnknownReply,
}

impl<T> Connection<T> {
    /// A connection on which login is over.
    pub fn new(limits: Limits) -> Self {
        Self::with_decoder(Decoder::with_limits(limits))
    }

    /// As [`new`](Self::new), with the decoder that read the login's replies and what may wait in it.
    pub fn with_decoder(decoder: Decoder) -> Self {
        Self {
            decoder,
            outbound: Vec::new(),
            written: 0,
            before: 0,
            last_tag: 0,
            running: HashMap::default(),
        }
    }

    /// Puts a command behind what waits to be written, under a new tag.
    pub fn send(&mut self, command: &Command, context: T) -> Tag {
        self.put(command, Purpose::Caller(context))
    }

    /// Asks the router to stop a command. Its tag stays known until its `Done`; records that are on their way
    /// still come. Does nothing for a command that has ended.
    pub fn cancel(&mut self, tag: Tag) {
        if self.running.contains_key(&tag) {
            let command = Command::new("/cancel").attribute("tag", TagText::new(tag));
            self.put(&command, Purpose::Cancel);
        }
    }

    /// Takes back a command of which not one byte was written, as if it had never been sent.
    pub fn take_back(&mut self, tag: Tag) -> Option<T> {
        let running = self.running.get(&tag)?;
        let (start, end) = (running.start, running.end);
        if self.position() > start {
            return None;
        }
        self.outbound.drain(self.index(start)..self.index(end));
        for other in self.running.values_mut().filter(|other| other.start >= end) {
            other.start -= end - start;
            other.end -= end - start;
        }
        match self.running.remove(&tag)?.purpose {
            Purpose::Caller(context) => Some(context),
            Purpose::Cancel => None,
        }
    }

    /// Bytes that wait to be written.
    pub fn outbound(&self) -> &[u8] {
        self.outbound.get(self.written..).unwrap_or_default()
    }

    /// The first `count` bytes of [`outbound`](Self::outbound) have been written.
    pub fn wrote(&mut self, count: usize) {
        self.written = (self.written + count).min(self.outbound.len());
        if self.written == self.outbound.len() {
            self.before += self.written as u64;
            self.outbound.clear();
            self.written = 0;
        }
    }

    /// Whether the command's last byte was written. Until then the router cannot have acted on it, as it acts on
    /// the terminator. False for a tag that is not under way.
    pub fn is_sent(&self, tag: Tag) -> bool {
        let position = self.position();
        self.running
            .get(&tag)
            .is_some_and(|running| running.end <= position)
    }

    /// Takes bytes that were read. [`room`](Self::room) saves a copy.
    pub fn receive(&mut self, bytes: &[u8]) {
        self.decoder.feed(bytes);
    }

    /// Room to read into; see [`Decoder::room`].
    pub fn room(&mut self) -> &mut [u8] {
        self.decoder.room()
    }

    /// The first `count` bytes of the room were filled.
    pub fn filled(&mut self, count: usize) {
        self.decoder.filled(count);
    }

    /// Whether a sentence has begun and not ended: a stream that ends here was cut off.
    pub fn is_midway(&self) -> bool {
        self.decoder.is_midway()
    }

    /// Gives back the memory that a large exchange needed and that nothing uses now. To be called when no large
    /// answer is under way.
    pub fn shrink(&mut self) {
        self.decoder.shrink();
        if self.outbound.is_empty() {
            self.outbound.shrink_to(1024);
        }
        self.running.shrink_to(8);
    }

    /// What the next sentence means, or `None` when more bytes are needed.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] when the bytes break the protocol or a limit; the connection is then of no further use.
    #[expect(
        clippy::should_implement_trait,
        reason = "it is not an iterator: None means not yet, and events borrow the connection"
    )]
    pub fn next(&mut self) -> Result<Option<Event<'_, T>>, DecodeError> {
        let Some(sentence) = self.decoder.next_ref()? else {
            return Ok(None);
        };
        Ok(Some(interpret(&mut self.running, sentence)))
    }

    /// How many commands are under way, cancels among them.
    pub fn in_flight(&self) -> usize {
        self.running.len()
    }

    /// What the caller remembers of a command under way.
    pub fn context_mut(&mut self, tag: Tag) -> Option<&mut T> {
        match &mut self.running.get_mut(&tag)?.purpose {
            Purpose::Caller(context) => Some(context),
            Purpose::Cancel => None,
        }
    }

    /// The callers' commands under way, in no order.
    pub fn contexts_mut(&mut self) -> impl Iterator<Item = (Tag, &mut T)> {
        self.running
            .iter_mut()
            .filter_map(|(tag, running)| match &mut running.purpose {
                Purpose::Caller(context) => Some((*tag, context)),
                Purpose::Cancel => None,
            })
    }

    /// Ends all commands under way: each with whether it [was sent](Self::is_sent).
    pub fn abandon(&mut self) -> impl Iterator<Item = (T, bool)> + use<T> {
        let position = self.position();
        std::mem::take(&mut self.running)
            .into_values()
            .filter_map(move |running| match running.purpose {
                Purpose::Caller(context) => Some((context, running.end <= position)),
                Purpose::Cancel => None,
            })
    }

    fn put(&mut self, command: &Command, purpose: Purpose<T>) -> Tag {
        self.last_tag += 1;
        let tag = Tag(self.last_tag);
        let start = self.before + self.outbound.len() as u64;
        command.encode_tagged(TagText::new(tag).as_ref(), &mut self.outbound);
        let end = self.before + self.outbound.len() as u64;
        self.running.insert(
            tag,
            Running {
                purpose,
                start,
                end,
            },
        );
        tag
    }

    /// How many bytes were written on this connection.
    fn position(&self) -> u64 {
        self.before + self.written as u64
    }

    /// Where in `outbound` a byte of the connection lies.
    fn index(&self, position: u64) -> usize {
        usize::try_from(position - self.before)
            .map_or(self.outbound.len(), |index| index.min(self.outbound.len()))
    }
}

impl<T> fmt::Debug for Connection<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("in_flight", &self.running.len())
            .field("outbound", &self.outbound().len())
            .finish_non_exhaustive()
    }
}

#[inline]
fn interpret<'a, T>(running: &'a mut RunningMap<T>, sentence: SentenceRef<'a>) -> Event<'a, T> {
    let reply = Reply::parse_ref(sentence);
    if let Reply::Fatal { reason, .. } = reply {
        return Event::Fatal { reason };
    }
    let Some(tag) = reply.tag().and_then(Tag::parse) else {
        return Event::Ignored(Ignored::NobodyAsked);
    };
    match reply {
        Reply::Done(sentence) => match running.remove(&tag).map(|running| running.purpose) {
            Some(Purpose::Caller(context)) => Event::Done {
                tag,
                context,
                sentence,
            },
            Some(Purpose::Cancel) => Event::Ignored(Ignored::Expected),
            None => Event::Ignored(Ignored::NobodyAsked),
        },
        Reply::Re(_) | Reply::Trap { .. } => {
            match running.get_mut(&tag).map(|running| &mut running.purpose) {
                Some(Purpose::Caller(context)) => match Trap::of(&reply) {
                    Some(trap) => Event::Trap { tag, context, trap },
                    None => Event::Row {
                        tag,
                        context,
                        row: Row::new(sentence),
                    },
                },
                Some(Purpose::Cancel) => Event::Ignored(Ignored::Expected),
                None => Event::Ignored(Ignored::NobodyAsked),
            }
        }
        Reply::Empty(_) => Event::Ignored(Ignored::Expected),
        Reply::Unknown(_) | Reply::Fatal { .. } => Event::Ignored(Ignored::UnknownReply),
    }
}

/// Spreads our own numbers over the table. Nobody else chooses them, so nothing stronger is needed.
#[derive(Default)]
struct TagHasher(u64);

impl Hasher for TagHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes
            .iter()
            .for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    #[inline]
    fn write_u64(&mut self, number: u64) {
        // 2^64 divided by the golden ratio, as in Fibonacci hashing.
        self.0 = (self.0 ^ number).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}

/// A tag's digits, without an allocation.
struct TagText {
    digits: [u8; 20],
    len: usize,
}

impl TagText {
    fn new(tag: Tag) -> Self {
        let mut text = Self {
            digits: [0; 20],
            len: 0,
        };
        // A u64 has at most 20 digits, so this cannot fail.
        let _ = write!(text, "{}", tag.0);
        text
    }
}

impl fmt::Write for TagText {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        let end = self.len + part.len();
        let room = self.digits.get_mut(self.len..end).ok_or(fmt::Error)?;
        room.copy_from_slice(part.as_bytes());
        self.len = end;
        Ok(())
    }
}

impl AsRef<[u8]> for TagText {
    fn as_ref(&self) -> &[u8] {
        self.digits.get(..self.len).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
