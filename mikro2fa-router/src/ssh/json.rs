//! The little JSON that is read: a list of strings, byte by byte. Names on a router need not be UTF-8, so a JSON library
//! that insists on it would refuse whole answers.

/// The strings of `["a","b"]`; none if it is anything else.
pub(super) fn strings(text: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut rest = text.trim_ascii().strip_prefix(b"[")?.strip_suffix(b"]")?;
    let mut strings = Vec::new();
    loop {
        let (string, after) = string(rest.trim_ascii_start())?;
        strings.push(string);
        rest = after.trim_ascii_start();
        if rest.is_empty() {
            return Some(strings);
        }
        rest = rest.strip_prefix(b",")?;
    }
}

/// One string, and what comes behind it.
fn string(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut rest = text.strip_prefix(b"\"")?;
    let mut value = Vec::new();
    loop {
        match rest {
            [b'"', after @ ..] => return Some((value, after)),
            [b'\\', b'u', after @ ..] => {
                let (c, after) = escaped(after)?;
                let mut buffer = [0; 4];
                value.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
                rest = after;
            }
            [b'\\', sign, after @ ..] => {
                value.push(match sign {
                    b'"' | b'\\' | b'/' => *sign,
                    b'b' => 8,
                    b'f' => 12,
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    _ => return None,
                });
                rest = after;
            }
            [byte, after @ ..] => {
                value.push(*byte);
                rest = after;
            }
            [] => return None,
        }
    }
}

/// The character of `XXXX`, or of `XXXX\uXXXX` where it takes two.
fn escaped(text: &[u8]) -> Option<(char, &[u8])> {
    let (first, rest) = unit(text)?;
    if !(0xD800..0xDC00).contains(&first) {
        return Some((char::from_u32(first)?, rest));
    }
    let (second, rest) = unit(rest.strip_prefix(b"\\u")?)?;
    let low = second.checked_sub(0xDC00).filter(|low| *low < 0x400)?;
    let c = char::from_u32(0x1_0000 + ((first - 0xD800) << 10) + low)?;
    Some((c, rest))
}

fn unit(text: &[u8]) -> Option<(u32, &[u8])> {
    let digits = std::str::from_utf8(text.get(..4)?).ok()?;
    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let unit = u32::from_str_radix(digits, 16).ok()?;
    Some((unit, text.get(4..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Vec<String>> {
        let strings = strings(text.as_bytes())?;
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Some(strings.into_iter().map(text).collect())
    }

    #[test]
    fn strings_are_read_with_all_their_escapes() {
        assert_eq!(
            read(r#"["a","", "\"\\\/\b\f\n\r\t" ,"\u0416\u00e9\ud83d\ude00"]"#).unwrap(),
            ["a", "", "\"\\/\u{8}\u{c}\n\r\t", "Жé😀"]
        );
        assert_eq!(strings(b"[\"\xC0\xFF\"]").unwrap(), [b"\xC0\xFF"]);
    }

    #[test]
    fn what_is_no_list_of_strings_is_none() {
        for odd in [
            "",
            "[]",
            "[\"a\"",
            "[\"a\",]",
            "[\"a\" \"b\"]",
            "[1]",
            "{\"a\":\"b\"}",
            "[\"a]",
            "[\"\\u12\"]",
            "[\"\\uD800\"]",
            "[\"\\ud800\\u0041\"]",
            "[\"\\x\"]",
            "[\"\\u+123\"]",
        ] {
            assert_eq!(read(odd), None, "{odd}");
        }
    }
}
