//! Words: a length of one to five bytes, then that many bytes.
//!
//! Lengths are big-endian behind a unary prefix (MikroTik manual, *API*, "API words"). They count bytes, never
//! characters. A first byte of `F1` and above is reserved: whoever meets one cannot know where the next word
//! begins, so it is refused and the connection is of no further use.

use crate::error::DecodeError;

/// The most bytes a length prefix takes.
pub const MAX_HEADER: usize = 5;

/// Appends the length prefix of a word of `len` bytes, in its shortest form.
pub fn encode_length(len: u32, out: &mut Vec<u8>) {
    let [a, b, c, d] = len.to_be_bytes();
    match len {
        0..=0x7F => out.push(d),
        0x80..=0x3FFF => out.extend_from_slice(&[c | 0x80, d]),
        0x4000..=0x1F_FFFF => out.extend_from_slice(&[b | 0xC0, c, d]),
        0x20_0000..=0x0FFF_FFFF => out.extend_from_slice(&[a | 0xE0, b, c, d]),
        0x1000_0000.. => out.extend_from_slice(&[0xF0, a, b, c, d]),
    }
}

/// Appends a word with its length prefix.
///
/// An empty word is the end of a sentence. The protocol has no words above `u32::MAX` bytes; a longer slice is
/// cut there, and [`Client`](crate::Client) refuses such a command long before.
pub fn encode_word(word: &[u8], out: &mut Vec<u8>) {
    encode_parts(&[word], out);
}

/// Appends one word made of several parts, so that `=name=value` needs no buffer of its own.
pub(crate) fn encode_parts(parts: &[&[u8]], out: &mut Vec<u8>) {
    let total: usize = parts.iter().map(|part| part.len()).sum();
    let len = u32::try_from(total).unwrap_or(u32::MAX);
    encode_length(len, out);
    let mut left = len as usize;
    for part in parts {
        let taken = part.get(..left).unwrap_or(part);
        out.extend_from_slice(taken);
        left -= taken.len();
    }
}

/// A decoded length prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Length {
    /// How many bytes the word has.
    pub len: u32,
    /// How many bytes the prefix itself took, 1 to [`MAX_HEADER`].
    pub header: usize,
}

/// Reads the length prefix at the start of `input`; `None` when more bytes are needed.
///
/// Longer forms than necessary are accepted, as RouterOS is not known to send them but nothing is lost by it.
///
/// # Errors
///
/// [`DecodeError::ControlByte`] for a reserved first byte, [`DecodeError::WordTooLong`] for a length above
/// `max_word` bytes. Both are found before anything is allocated for the word.
#[inline]
pub fn decode_length(input: &[u8], max_word: u32) -> Result<Option<Length>, DecodeError> {
    let Some(length) = parse_length(input)? else {
        return Ok(None);
    };
    if length.len > max_word {
        return Err(DecodeError::WordTooLong {
            length: length.len,
            limit: max_word,
        });
    }
    Ok(Some(length))
}

#[inline]
fn parse_length(input: &[u8]) -> Result<Option<Length>, DecodeError> {
    match input {
        [] => Ok(None),
        [short @ 0..=0x7F, ..] => Ok(Some(Length {
            len: u32::from(*short),
            header: 1,
        })),
        [first, rest @ ..] => parse_long_length(*first, rest),
    }
}

fn parse_long_length(first: u8, rest: &[u8]) -> Result<Option<Length>, DecodeError> {
    let (following, high) = match first {
        0x00..=0xBF => (1, first & 0x3F),
        0xC0..=0xDF => (2, first & 0x1F),
        0xE0..=0xEF => (3, first & 0x0F),
        0xF0 => (4, 0),
        0xF1.. => return Err(DecodeError::ControlByte(first)),
    };
    let Some(tail) = rest.get(..following) else {
        return Ok(None);
    };
    let len = tail
        .iter()
        .fold(u32::from(high), |len, byte| (len << 8) | u32::from(*byte));
    Ok(Some(Length {
        len,
        header: following + 1,
    }))
}

/// Splits the first word off bytes that the decoder has checked; `None` at their end.
#[inline]
pub(crate) fn split_word(input: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = parse_length(input).ok()??;
    input
        .get(length.header..)?
        .split_at_checked(length.len as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the reference of the protocol: the edges of each class.
    const VECTORS: &[(u32, &[u8])] = &[
        (0, &[0x00]),
        (127, &[0x7F]),
        (128, &[0x80, 0x80]),
        (16_383, &[0xBF, 0xFF]),
        (16_384, &[0xC0, 0x40, 0x00]),
        (0x1F_FFFF, &[0xDF, 0xFF, 0xFF]),
        (0x20_0000, &[0xE0, 0x20, 0x00, 0x00]),
        (0x0FFF_FFFF, &[0xEF, 0xFF, 0xFF, 0xFF]),
        (0x1000_0000, &[0xF0, 0x10, 0x00, 0x00, 0x00]),
        (u32::MAX, &[0xF0, 0xFF, 0xFF, 0xFF, 0xFF]),
    ];

    #[test]
    fn lengths_are_encoded_as_the_manual_says() {
        for (len, bytes) in VECTORS {
            let mut out = Vec::new();
            encode_length(*len, &mut out);
            assert_eq!(out, *bytes, "length {len:#x}");
        }
    }

    #[test]
    fn lengths_are_decoded_from_every_class_and_every_prefix_is_incomplete() {
        for (len, bytes) in VECTORS {
            let found = decode_length(bytes, u32::MAX).unwrap().unwrap();
            assert_eq!((found.len, found.header), (*len, bytes.len()));
            for cut in 0..bytes.len() {
                assert_eq!(decode_length(&bytes[..cut], u32::MAX).unwrap(), None);
            }
        }
    }

    #[test]
    fn reserved_control_bytes_are_refused() {
        for first in 0xF1..=0xFF {
            let found = decode_length(&[first, 0, 0, 0, 0], u32::MAX);
            assert_eq!(found, Err(DecodeError::ControlByte(first)));
        }
    }

    #[test]
    fn a_length_above_the_cap_is_refused_before_its_bytes_arrive() {
        let found = decode_length(&[0xE0, 0x20, 0x00, 0x00], 0x1F_FFFF);
        assert_eq!(
            found,
            Err(DecodeError::WordTooLong {
                length: 0x20_0000,
                limit: 0x1F_FFFF
            })
        );
    }

    #[test]
    fn longer_forms_than_needed_are_accepted() {
        let found = decode_length(&[0xC0, 0x00, 0x05], 16).unwrap().unwrap();
        assert_eq!((found.len, found.header), (5, 3));
    }

    #[test]
    fn words_are_split_off_in_turn() {
        let mut bytes = Vec::new();
        encode_word(b"!re", &mut bytes);
        encode_parts(&[b"=", b"name", b"=", b"ann"], &mut bytes);
        let (first, rest) = split_word(&bytes).unwrap();
        let (second, rest) = split_word(rest).unwrap();
        assert_eq!((first, second), (&b"!re"[..], &b"=name=ann"[..]));
        assert_eq!(split_word(rest), None);
    }
}
