//! Replies under construction.

use routeros_api::word::{encode_length, encode_word};

use super::trap::Trap;

/// What one command is answered with: sentences, ready for the wire.
#[derive(Debug, Default)]
pub(crate) struct Reply {
    pub(crate) bytes: Vec<u8>,
    /// Where each sentence ends in `bytes`.
    pub(crate) ends: Vec<usize>,
    /// How many `!re`.
    pub(crate) rows: usize,
    /// The first trap's text.
    pub(crate) trapped: Option<String>,
    /// The router closes the connection after it.
    pub(crate) closes: bool,
    tag: Option<Vec<u8>>,
}

impl Reply {
    pub(crate) fn to(tag: Option<&[u8]>) -> Self {
        Self {
            tag: tag.map(<[u8]>::to_vec),
            ..Self::default()
        }
    }

    pub(crate) fn re(&mut self, fill: impl FnOnce(&mut Vec<u8>)) {
        self.rows += 1;
        self.begin(b"!re");
        fill(&mut self.bytes);
        self.end();
    }

    pub(crate) fn done(&mut self) {
        self.begin(b"!done");
        self.end();
    }

    pub(crate) fn done_with(&mut self, value: &[u8]) {
        self.begin(b"!done");
        attribute(b"ret", value, &mut self.bytes);
        self.end();
    }

    pub(crate) fn empty(&mut self) {
        self.begin(b"!empty");
        self.end();
    }

    /// A `!trap` and, as always, a `!done` after it.
    pub(crate) fn trap(&mut self, trap: &Trap, with_category: bool) {
        self.trap_alone(trap, with_category);
        self.done();
    }

    pub(crate) fn trap_alone(&mut self, trap: &Trap, with_category: bool) {
        self.begin(b"!trap");
        if let Some(category) = trap.category.filter(|_| with_category) {
            attribute(
                b"category",
                category.to_string().as_bytes(),
                &mut self.bytes,
            );
        }
        attribute(b"message", trap.message.as_bytes(), &mut self.bytes);
        self.trapped.get_or_insert_with(|| trap.message.clone());
        self.end();
    }

    /// A `!fatal`, which has a bare word for a reason and no tag, and closes the connection.
    pub(crate) fn fatal(&mut self, reason: &str) {
        encode_word(b"!fatal", &mut self.bytes);
        encode_word(reason.as_bytes(), &mut self.bytes);
        encode_word(b"", &mut self.bytes);
        self.ends.push(self.bytes.len());
        self.closes = true;
    }

    /// Takes another reply's sentences after its own.
    pub(crate) fn append(&mut self, other: &Self) {
        let offset = self.bytes.len();
        self.bytes.extend_from_slice(&other.bytes);
        self.ends.extend(other.ends.iter().map(|end| end + offset));
        self.rows += other.rows;
    }

    /// The reply word, and the tag right after it: the sentences that the documentation of librouteros shows (its page *Api
    /// analysis*) have it there, and old clients count on it.
    fn begin(&mut self, word: &[u8]) {
        encode_word(word, &mut self.bytes);
        if let Some(tag) = &self.tag {
            parts(&[b".tag=", tag], &mut self.bytes);
        }
    }

    fn end(&mut self) {
        encode_word(b"", &mut self.bytes);
        self.ends.push(self.bytes.len());
    }
}

/// Appends `=name=value`.
pub(crate) fn attribute(name: &[u8], value: &[u8], out: &mut Vec<u8>) {
    parts(&[b"=", name, b"=", value], out);
}

fn parts(parts: &[&[u8]], out: &mut Vec<u8>) {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    // What a row holds came in as one word, so it fits into one.
    encode_length(u32::try_from(length).unwrap_or(u32::MAX), out);
    for part in parts {
        out.extend_from_slice(part);
    }
}
