use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn encoded(sentences: &[Vec<Vec<u8>>]) -> Vec<u8> {
    let mut out = Vec::new();
    for words in sentences {
        Sentence::from_words(words).encode(&mut out);
    }
    out
}

fn drain(decoder: &mut Decoder) -> Result<Vec<Sentence>, DecodeError> {
    let mut found = Vec::new();
    while let Some(sentence) = decoder.next()? {
        found.push(sentence);
    }
    Ok(found)
}

fn tight() -> Limits {
    Limits {
        max_word: 100,
        max_sentence_bytes: 300,
        max_words: 8,
    }
}

#[test]
fn empty_sentences_are_skipped_and_fill_no_buffer() {
    let mut decoder = Decoder::default();
    for _ in 0..1000 {
        decoder.feed(&[0; 1024]);
        assert_eq!(decoder.next(), Ok(None));
    }
    assert!(decoder.buffer.len() <= IDLE_BUFFER);
    assert!(!decoder.is_midway());
    decoder.feed(b"\x00\x03!re\x00\x00");
    assert_eq!(
        decoder.next().unwrap().unwrap().command(),
        Some(&b"!re"[..])
    );
    assert_eq!(decoder.next(), Ok(None));
}

#[test]
fn a_word_of_five_length_bytes_is_read_when_it_is_allowed() {
    let mut decoder = Decoder::default();
    decoder.feed(b"\xF0\x00\x00\x00\x03!re\x00");
    let sentence = decoder.next().unwrap().unwrap();
    assert_eq!(sentence.words().collect::<Vec<_>>(), [b"!re"]);
}

#[test]
fn a_terminator_in_a_longer_form_ends_its_sentence_all_the_same() {
    let mut decoder = Decoder::default();
    decoder.feed(b"\x80\x00\x03!re\x80\x00\x05!done\x00");
    let found = drain(&mut decoder).unwrap();
    let commands: Vec<_> = found.iter().filter_map(Sentence::command).collect();
    assert_eq!(commands, [&b"!re"[..], b"!done"]);
}

#[test]
fn each_limit_is_reported_by_name_and_goes_on_being_reported() {
    let cases: [(&[u8], DecodeError); 4] = [
        (b"\xF8", DecodeError::ControlByte(0xF8)),
        (
            b"\x80\xC8",
            DecodeError::WordTooLong {
                length: 200,
                limit: 100,
            },
        ),
        (
            b"\x01a\x01a\x01a\x01a\x01a\x01a\x01a\x01a\x01a",
            DecodeError::TooManyWords { limit: 8 },
        ),
        (
            &[[99; 100], [99; 100], [99; 100], [99; 100]].concat(),
            DecodeError::SentenceTooLong { limit: 300 },
        ),
    ];
    for (bytes, error) in cases {
        let mut decoder = Decoder::with_limits(tight());
        decoder.feed(bytes);
        assert_eq!(decoder.next(), Err(error));
        decoder.feed(b"\x03!re\x00");
        assert_eq!(decoder.next(), Err(error), "a lost place stays lost");
    }
}

#[test]
fn an_announced_length_makes_no_room() {
    let mut decoder = Decoder::with_limits(Limits {
        max_word: u32::MAX,
        max_sentence_bytes: usize::MAX,
        max_words: 8,
    });
    decoder.feed(&[0xF0, 0xFF, 0xFF, 0xFF, 0xFF, b'x']);
    assert_eq!(decoder.next(), Ok(None));
    assert!(decoder.is_midway());
    assert!(decoder.buffer.len() <= IDLE_BUFFER);
}

#[test]
fn reading_into_the_room_is_the_same_as_feeding() {
    let bytes = encoded(&vec![vec![b"!re".to_vec(), vec![b'x'; 300]]; 1000]);
    let mut decoder = Decoder::default();
    let mut left = &bytes[..];
    let mut found = 0;
    while !left.is_empty() {
        let room = decoder.room();
        let count = room.len().min(left.len());
        room[..count].copy_from_slice(&left[..count]);
        left = &left[count..];
        decoder.filled(count);
        found += drain(&mut decoder).unwrap().len();
    }
    assert_eq!(found, 1000);
    assert!(decoder.buffer.len() <= 2 * BUSY_BUFFER);
    decoder.shrink();
    assert!(decoder.buffer.is_empty());
}

fn any_word() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        vec(any::<u8>(), 1..40),
        vec(any::<u8>(), 120..300),
        vec(any::<u8>(), 16_380..16_390)
    ]
}

proptest! {
    #[test]
    fn sentences_survive_the_wire_however_it_is_cut(
        sentences in vec(vec(any_word(), 1..6), 0..5),
        cuts in vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let bytes = encoded(&sentences);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let mut decoder = Decoder::default();
        let mut found = Vec::new();
        for piece in cuts.windows(2) {
            decoder.feed(&bytes[piece[0]..piece[1]]);
            found.extend(drain(&mut decoder).unwrap());
        }
        let expected: Vec<Sentence> = sentences.iter().map(Sentence::from_words).collect();
        prop_assert_eq!(found, expected);
        prop_assert!(!decoder.is_midway());
    }

    #[test]
    fn any_bytes_are_read_or_refused_within_the_limits(pieces in vec(vec(any::<u8>(), 0..200), 0..30)) {
        let mut decoder = Decoder::with_limits(tight());
        for piece in &pieces {
            decoder.feed(piece);
            let Ok(found) = drain(&mut decoder) else { return Ok(()) };
            for sentence in &found {
                let wire = sentence.view().wire().len();
                prop_assert!(wire <= 300 && sentence.words().count() <= 8);
                prop_assert!(sentence.words().all(|word| (1..=100).contains(&word.len())));
                let _ = (sentence.attributes().count(), sentence.queries().count());
                let _ = crate::Reply::parse(sentence).tag();
            }
            prop_assert!(decoder.buffer.len() <= IDLE_BUFFER);
        }
    }
}
