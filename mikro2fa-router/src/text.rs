//! A router's bytes as text, and back to the very same bytes.
//!
//! RouterOS stores what a client sent it: comments and names may be in any code page (MikroTik users report
//! Windows-1251 from WinBox). Replacing what is not UTF-8 by U+FFFD would make one name of two, and a login that is
//! mistaken for another is a way in. So each byte that is not part of valid UTF-8, and NUL, which databases refuse in
//! text, becomes one character of a private range; characters of that range are carried byte by byte too. What
//! [`encode`] gives back is what [`decode`] was given, hence different bytes are different texts.

use std::borrow::Cow;

use mikro2fa_core::tunnel::Text;

/// Byte `b` is carried as this character plus `b`: the last 256 but 256 of private use area B.
const CARRIER: u32 = 0x10_FE00;

/// Bytes as text.
pub(crate) fn decode(bytes: &[u8]) -> Text {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.chars().any(is_carried) => text.into(),
        _ => carry(bytes).into(),
    }
}

/// The bytes that a text was decoded from; a text that was never decoded gives its own UTF-8.
pub(crate) fn encode(text: &str) -> Cow<'_, [u8]> {
    if !text.chars().any(|c| carried_byte(c).is_some()) {
        return Cow::Borrowed(text.as_bytes());
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut buffer = [0; 4];
    for c in text.chars() {
        match carried_byte(c) {
            Some(byte) => bytes.push(byte),
            None => bytes.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes()),
        }
    }
    Cow::Owned(bytes)
}

/// Bytes for the eye only, as in error texts: what is not UTF-8 is replaced, and only the beginning is kept.
pub(crate) fn shown(bytes: &[u8]) -> Text {
    const MOST: usize = 400;
    let head = bytes.get(..MOST).unwrap_or(bytes);
    String::from_utf8_lossy(head).into()
}

fn carry(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 4);
    let mut buffer = [0; 4];
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if is_carried(c) {
                text.extend(c.encode_utf8(&mut buffer).bytes().filter_map(carrier));
            } else {
                text.push(c);
            }
        }
        text.extend(chunk.invalid().iter().copied().filter_map(carrier));
    }
    text
}

/// Must this character be carried byte by byte?
const fn is_carried(c: char) -> bool {
    c == '\0' || carried_byte(c).is_some()
}

fn carrier(byte: u8) -> Option<char> {
    char::from_u32(CARRIER + u32::from(byte))
}

const fn carried_byte(c: char) -> Option<u8> {
    let [_, _, block, byte] = (c as u32).to_be_bytes();
    if c as u32 & !0xFF == CARRIER && block == 0xFE {
        Some(byte)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_text_stays_as_it_is() {
        for text in ["", "ann", "Анна", "a\u{FFFD}b", "😀"] {
            assert_eq!(&*decode(text.as_bytes()), text);
            assert_eq!(&*encode(text), text.as_bytes());
        }
    }

    #[test]
    fn names_in_another_code_page_stay_different() {
        let (anna, inna) = (b"\xC0\xED\xED\xE0", b"\xC8\xED\xED\xE0"); // Windows-1251
        assert_ne!(decode(anna), decode(inna));
        assert_eq!(&*encode(&decode(anna)), anna);
    }

    #[test]
    fn nul_never_reaches_a_database() {
        assert!(!decode(b"a\0b").contains('\0'));
        assert_eq!(&*encode(&decode(b"a\0b")), b"a\0b");
    }

    #[test]
    fn nobody_can_write_what_another_name_is_carried_as() {
        let carried = decode(b"\xC0");
        let forged = decode(carried.as_bytes());
        assert_ne!(carried, forged);
        assert_eq!(&*encode(&forged), carried.as_bytes());
    }

    proptest! {
        #[test]
        fn bytes_come_back(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let text = decode(&bytes);
            prop_assert_eq!(&*encode(&text), &bytes[..]);
            prop_assert!(!text.contains('\0'));
        }

        #[test]
        fn texts_come_back(text in "\\PC{0,32}[\u{10FE00}-\u{10FEFF}\\PC]{0,8}") {
            let decoded = decode(text.as_bytes());
            prop_assert_eq!(&*encode(&decoded), text.as_bytes());
        }
    }
}
