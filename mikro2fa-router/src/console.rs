//! Values in RouterOS's own script language.

/// A value as a quoted string that can be nothing else: every byte outside a small plain set is written as `\XX`, which
/// RouterOS reads back as that byte (MikroTik manual, *Scripting*, constant escape sequences).
pub(crate) fn quoted(value: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(value.len() + 2);
    text.push('"');
    for byte in value {
        match byte {
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
            | b'-' => text.push(char::from(*byte)),
            other => {
                let _ = write!(text, "\\{other:02X}");
            }
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_ends_its_quotes() {
        assert_eq!(quoted(b"mikro2fa-permit"), "\"mikro2fa-permit\"");
        assert_eq!(
            quoted(b"a\"; /user remove 0"),
            "\"a\\22\\3B /user remove 0\""
        );
        assert_eq!(quoted(b"$x\\\n\xC0"), "\"\\24x\\5C\\0A\\C0\"");
        assert_eq!(quoted(b""), "\"\"");
    }
}
