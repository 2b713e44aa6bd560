//! Sentences: words up to an empty one, with attributes, API attributes and queries among them.
//!
//! A sentence is kept as it came over the wire, in one buffer. Its words are found by walking that buffer, so
//! neither decoding a sentence nor reading an attribute allocates anything.

use std::fmt;

use crate::word::{encode_parts, encode_word, split_word};

/// A sentence that owns its bytes.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Sentence {
    wire: Box<[u8]>,
}

impl Sentence {
    /// Makes a sentence of these words; empty ones are left out, as they would end it.
    pub fn from_words<W: AsRef<[u8]>>(words: impl IntoIterator<Item = W>) -> Self {
        let mut wire = Vec::new();
        for word in words {
            push_word(&[word.as_ref()], &mut wire);
        }
        Self { wire: wire.into() }
    }

    /// The sentence as a view that borrows it; all that can be asked of a sentence can be asked of the view.
    #[inline]
    pub fn view(&self) -> SentenceRef<'_> {
        SentenceRef { wire: &self.wire }
    }

    /// The words in their order.
    pub fn words(&self) -> Words<'_> {
        self.view().words()
    }

    /// The first word: the command, or the reply's kind.
    pub fn command(&self) -> Option<&[u8]> {
        self.view().command()
    }

    /// The value of the first attribute `=name=value` of this name.
    pub fn attribute(&self, name: &str) -> Option<&[u8]> {
        self.view().attribute(name)
    }

    /// All attributes as (name, value), in their order.
    pub fn attributes(&self) -> Attributes<'_> {
        self.view().attributes()
    }

    /// The value of an API attribute such as `.tag`, which has no leading `=`.
    pub fn api_attribute(&self, name: &str) -> Option<&[u8]> {
        self.view().api_attribute(name)
    }

    /// The query words with their `?`, in their order, which matters.
    pub fn queries(&self) -> impl Iterator<Item = &[u8]> {
        self.view().queries()
    }

    /// Appends the sentence and its terminator.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.wire);
        out.push(0);
    }
}

impl fmt::Debug for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.view().fmt(f)
    }
}

/// A sentence that borrows its bytes, from a [`Sentence`] or from the decoder's buffer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SentenceRef<'a> {
    /// Words with their lengths, without the terminator.
    wire: &'a [u8],
}

impl<'a> SentenceRef<'a> {
    /// `wire` holds whole words and no terminator; anything after a damaged word would be left out.
    #[inline]
    pub(crate) fn from_wire(wire: &'a [u8]) -> Self {
        Self { wire }
    }

    /// The words with their lengths, without the terminator.
    #[inline]
    pub(crate) fn wire(self) -> &'a [u8] {
        self.wire
    }

    /// Copies the sentence out of the buffer that it borrows.
    pub fn to_sentence(self) -> Sentence {
        Sentence {
            wire: self.wire.into(),
        }
    }

    /// The words in their order.
    #[inline]
    pub fn words(self) -> Words<'a> {
        Words { rest: self.wire }
    }

    /// The first word: the command, or the reply's kind.
    #[inline]
    pub fn command(self) -> Option<&'a [u8]> {
        self.words().next()
    }

    /// The value of the first attribute `=name=value` of this name.
    #[inline]
    pub fn attribute(self, name: &str) -> Option<&'a [u8]> {
        self.attributes()
            .find_map(|(found, value)| (found == name.as_bytes()).then_some(value))
    }

    /// All attributes as (name, value), in their order.
    ///
    /// A word is split at its second `=`, so a value may hold more of them. An attribute without a second `=`
    /// has an empty value.
    #[inline]
    pub fn attributes(self) -> Attributes<'a> {
        let mut words = self.words();
        words.next();
        Attributes { words }
    }

    /// The value of an API attribute such as `.tag`, which has no leading `=`.
    #[inline]
    pub fn api_attribute(self, name: &str) -> Option<&'a [u8]> {
        self.words()
            .skip(1)
            .find_map(|word| word.strip_prefix(name.as_bytes())?.strip_prefix(b"="))
    }

    /// The query words with their `?`, in their order, which matters.
    pub fn queries(self) -> impl Iterator<Item = &'a [u8]> {
        self.words()
            .skip(1)
            .filter(|word| word.first() == Some(&b'?'))
    }
}

/// Passwords travel as attributes, so `Debug` shows the first word and the attributes' names only.
impl fmt::Debug for SentenceRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", lossy(self.command().unwrap_or_default()))?;
        for (name, value) in self.attributes() {
            write!(f, " {}=[{} bytes]", lossy(name), value.len())?;
        }
        Ok(())
    }
}

fn lossy(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// The words of a sentence; see [`SentenceRef::words`].
#[derive(Debug, Clone)]
pub struct Words<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Words<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let (word, rest) = split_word(self.rest)?;
        self.rest = rest;
        Some(word)
    }
}

/// The attributes of a sentence; see [`SentenceRef::attributes`].
#[derive(Debug, Clone)]
pub struct Attributes<'a> {
    words: Words<'a>,
}

impl<'a> Iterator for Attributes<'a> {
    type Item = (&'a [u8], &'a [u8]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let [b'=', pair @ ..] = self.words.next()? {
                let middle = pair
                    .iter()
                    .position(|byte| *byte == b'=')
                    .unwrap_or(pair.len());
                let (name, value) = pair.split_at_checked(middle)?;
                return Some((name, value.strip_prefix(b"=").unwrap_or(value)));
            }
        }
    }
}

/// Appends a word unless it is empty: an empty one would end the sentence.
fn push_word(parts: &[&[u8]], wire: &mut Vec<u8>) {
    if parts.iter().any(|part| !part.is_empty()) {
        encode_parts(parts, wire);
    }
}

/// A sentence under construction: a [`Command`] for a router, or a reply of a server.
///
/// No value needs quoting or escaping, and none can become another word: every word carries its length.
#[derive(Clone, Default)]
pub struct SentenceBuilder {
    wire: Vec<u8>,
    tag: Option<Box<[u8]>>,
}

impl SentenceBuilder {
    /// Starts with the first word: a command's path such as `/ppp/secret/add`, or a reply such as `!re`.
    pub fn new(first: impl AsRef<[u8]>) -> Self {
        Self::default().word(first)
    }

    /// Adds a word as it is; an empty one is left out.
    #[must_use]
    pub fn word(mut self, word: impl AsRef<[u8]>) -> Self {
        push_word(&[word.as_ref()], &mut self.wire);
        self
    }

    /// Adds `=name=value`. A value may hold any bytes; a name must not hold `=`.
    #[must_use]
    pub fn attribute(mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        encode_parts(&[b"=", name.as_ref(), b"=", value.as_ref()], &mut self.wire);
        self
    }

    /// Adds a query word, with or without its `?`. Words are evaluated in the order in which they were added.
    #[must_use]
    pub fn query(mut self, query: impl AsRef<[u8]>) -> Self {
        let query = query.as_ref();
        let mark: &[u8] = if query.starts_with(b"?") { b"" } else { b"?" };
        encode_parts(&[mark, query], &mut self.wire);
        self
    }

    /// Adds `?=name=value`: records whose property equals this value, whatever bytes it holds.
    #[must_use]
    pub fn query_equal(mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        encode_parts(
            &[b"?=", name.as_ref(), b"=", value.as_ref()],
            &mut self.wire,
        );
        self
    }

    /// Adds `=.proplist=a,b`: the router computes and sends these properties only. Name `.id` too if wanted.
    #[must_use]
    pub fn proplist(self, names: &[&str]) -> Self {
        self.attribute(".proplist", names.join(","))
    }

    /// Sets the tag, which comes back on each reply. [`Client`](crate::Client) chooses tags itself and ignores this.
    #[must_use]
    pub fn tag(mut self, tag: impl AsRef<[u8]>) -> Self {
        self.tag = Some(tag.as_ref().into());
        self
    }

    /// Appends the sentence, its tag if it has one, and the terminator.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match &self.tag {
            Some(tag) => self.encode_tagged(tag, out),
            None => {
                out.extend_from_slice(&self.wire);
                out.push(0);
            }
        }
    }

    /// Appends the sentence with this tag instead of its own.
    pub(crate) fn encode_tagged(&self, tag: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(&self.wire);
        encode_parts(&[b".tag=", tag], out);
        encode_word(b"", out);
    }

    /// The finished sentence, its tag included.
    pub fn build(&self) -> Sentence {
        let mut wire = self.wire.clone();
        if let Some(tag) = &self.tag {
            encode_parts(&[b".tag=", tag], &mut wire);
        }
        Sentence { wire: wire.into() }
    }

    /// The words written so far, the tag left out.
    pub fn view(&self) -> SentenceRef<'_> {
        SentenceRef { wire: &self.wire }
    }
}

impl fmt::Debug for SentenceBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.view().fmt(f)
    }
}

/// A command for a router: [`SentenceBuilder`] under the name that reads best where commands are made.
pub type Command = SentenceBuilder;

#[cfg(test)]
mod tests {
    use super::*;

    fn words(sentence: &Sentence) -> Vec<String> {
        sentence
            .words()
            .map(|word| String::from_utf8_lossy(word).into_owned())
            .collect()
    }

    #[test]
    fn a_command_is_written_in_the_order_it_was_made() {
        let command = Command::new("/ppp/secret/print")
            .proplist(&[".id", "name"])
            .query("?name=ann")
            .query("-comment")
            .query("#|")
            .tag("7")
            .build();
        assert_eq!(
            words(&command),
            [
                "/ppp/secret/print",
                "=.proplist=.id,name",
                "?name=ann",
                "?-comment",
                "?#|",
                ".tag=7"
            ]
        );
        assert_eq!(command.queries().count(), 3);
        assert_eq!(command.api_attribute(".tag"), Some(&b"7"[..]));
    }

    #[test]
    fn an_attribute_is_split_at_its_second_equals_sign() {
        let sentence =
            Sentence::from_words(["!re", "=comment=a=b\nc", "=empty=", "=bare", ".tag=1"]);
        assert_eq!(sentence.command(), Some(&b"!re"[..]));
        assert_eq!(sentence.attribute("comment"), Some(&b"a=b\nc"[..]));
        assert_eq!(sentence.attribute("empty"), Some(&b""[..]));
        assert_eq!(sentence.attribute("bare"), Some(&b""[..]));
        assert_eq!(sentence.attribute("absent"), None);
        assert_eq!(sentence.attributes().count(), 3);
    }

    #[test]
    fn no_value_can_become_a_word_of_its_own() {
        let hostile = b"x\0\x05=evil\n=name=root";
        let mut out = Vec::new();
        Command::new("/x/add")
            .attribute("comment", hostile)
            .encode(&mut out);
        let mut decoder = crate::Decoder::default();
        decoder.feed(&out);
        let back = decoder.next().unwrap().unwrap();
        assert_eq!(back.attribute("comment"), Some(&hostile[..]));
        assert_eq!(back.words().count(), 2);
    }

    #[test]
    fn empty_words_cannot_end_a_sentence_early() {
        let sentence = SentenceBuilder::new("").word("").word("!done").build();
        assert_eq!(words(&sentence), ["!done"]);
    }

    #[test]
    fn debug_shows_no_values() {
        let shown = format!(
            "{:?}",
            Command::new("/login").attribute("password", "hunter2")
        );
        assert_eq!(shown, "/login password=[7 bytes]");
    }
}
