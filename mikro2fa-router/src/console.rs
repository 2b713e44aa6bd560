//! Values in console syntax, for lines over SSH, for scripts that are written to a router and for those that people run. A
//! value that came from anywhere can become part of any of them only through [`Quoted`], and a [`Quoted`] can only be made by
//! escaping.

use std::fmt;

/// A value as a string literal of RouterOS's console, quotes included.
///
/// Every byte but letters, digits, blanks and a few harmless signs is written as `\XX`, two capital hexadecimal digits,
/// which stands for that byte wherever a string literal may stand (MikroTik manual, Scripting, *Constant Escape
/// Sequences*). So `"`, `\`, `$`, brackets and line ends never stand in a line as themselves, text in any code page comes
/// back byte for byte, and the result is plain ASCII.
///
/// ```
/// use mikro2fa_router::console::Quoted;
///
/// let name = "\"]; /system reset-configuration; [\"";
/// assert_eq!(
///     Quoted::new(name).as_str(),
///     r#""\22\5D\3B /system reset-configuration\3B \5B\22""#
/// );
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Quoted(String);

impl Quoted {
    /// Escapes a value.
    #[must_use]
    pub fn new(value: impl AsRef<[u8]>) -> Self {
        let value = value.as_ref();
        let mut literal = String::with_capacity(value.len() + 2);
        literal.push('"');
        for &byte in value {
            if is_plain(byte) {
                literal.push(char::from(byte));
            } else {
                literal.push('\\');
                literal.push(digit(byte >> 4));
                literal.push(digit(byte & 0xF));
            }
        }
        literal.push('"');
        Self(literal)
    }

    /// As it stands in a line.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Quoted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Quoted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Means itself inside quotes, in every version.
const fn is_plain(byte: u8) -> bool {
    matches!(
        byte,
        b'A'..=b'Z'
            | b'a'..=b'z'
            | b'0'..=b'9'
            | b' '
            | b'.'
            | b'_'
            | b':'
            | b'/'
            | b'@'
            | b','
            | b'+'
            | b'-'
    )
}

const fn digit(nibble: u8) -> char {
    (match nibble {
        0..=9 => b'0' + nibble,
        _ => b'A' - 10 + nibble,
    }) as char
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The rules for string literals, written down a second time from the manual's table: what a console makes of one.
    /// None if it is no literal, or if anything of it would be run.
    fn understood(literal: &str) -> Option<Vec<u8>> {
        let inner = literal.strip_prefix('"')?.strip_suffix('"')?.as_bytes();
        let mut value = Vec::new();
        let mut rest = inner;
        while let [first, tail @ ..] = rest {
            rest = match (first, tail) {
                (b'"' | b'$' | b'\0'..=b'\x1F', _) => return None,
                (b'\\', [sign, tail @ ..]) if b"\"\\$?".contains(sign) => {
                    value.push(*sign);
                    tail
                }
                (b'\\', [letter, tail @ ..]) if b"nrtabfv_".contains(letter) => {
                    let at = b"nrtabfv_".iter().position(|it| it == letter)?;
                    value.push(*b"\n\r\t\x07\x08\x0C\x0B ".get(at)?);
                    tail
                }
                (b'\\', [high, low, tail @ ..]) => {
                    let digit = |sign: &u8| match sign {
                        b'0'..=b'9' => Some(sign - b'0'),
                        b'A'..=b'F' => Some(sign - b'A' + 10),
                        _ => None,
                    };
                    value.push(digit(high)? << 4 | digit(low)?);
                    tail
                }
                (b'\\', _) => return None,
                (plain, tail) => {
                    value.push(*plain);
                    tail
                }
            };
        }
        Some(value)
    }

    #[test]
    fn plain_text_stays_readable() {
        assert_eq!(
            Quoted::new("mikro2fa-permit").as_str(),
            "\"mikro2fa-permit\""
        );
        assert_eq!(Quoted::new("").as_str(), "\"\"");
    }

    #[test]
    fn what_means_something_to_a_console_stands_nowhere() {
        for byte in 0..=u8::MAX {
            let literal = Quoted::new([byte]);
            let inner = literal.as_str().trim_matches('"');
            for sign in ["\"", "$", "[", "]", "(", "{", ";", "\n", "\r", "#", "?"] {
                assert!(!inner.contains(sign), "{byte}: {literal}");
            }
            assert!(literal.as_str().is_ascii());
        }
    }

    proptest! {
        #[test]
        fn any_bytes_come_back(bytes in proptest::collection::vec(any::<u8>(), 0..96)) {
            prop_assert_eq!(understood(Quoted::new(&bytes).as_str()), Some(bytes));
        }
    }
}
