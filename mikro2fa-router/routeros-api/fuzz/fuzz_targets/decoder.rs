//! Any bytes, in any pieces: read the same way as in one piece, or refused with the same error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use routeros_api::{DecodeError, Decoder, Limits, Reply, Row, Sentence};

const LIMITS: Limits = Limits {
    max_word: 4096,
    max_sentence_bytes: 16_384,
    max_words: 64,
};

fn read(pieces: &[&[u8]]) -> (Vec<Sentence>, Option<DecodeError>) {
    let mut decoder = Decoder::with_limits(LIMITS);
    let mut sentences = Vec::new();
    for piece in pieces {
        decoder.feed(piece);
        loop {
            match decoder.next() {
                Ok(Some(sentence)) => sentences.push(sentence),
                Ok(None) => break,
                Err(error) => return (sentences, Some(error)),
            }
        }
    }
    (sentences, None)
}

fuzz_target!(|input: (Vec<u8>, u16)| {
    let (bytes, cut) = input;
    let whole = read(&[&bytes]);
    let (head, tail) = bytes.split_at(usize::from(cut).min(bytes.len()));
    assert_eq!(whole, read(&[head, tail]));
    for sentence in &whole.0 {
        let reply = Reply::parse(sentence);
        let row = Row::new(sentence.view());
        let _ = (reply.tag(), row.id(), row.number("n"), row.boolean("b"), row.text("t"));
        assert!(sentence.words().count() <= LIMITS.max_words);
        let mut again = Vec::new();
        sentence.encode(&mut again);
        assert_eq!(read(&[&again]).0.first(), Some(sentence));
    }
});
