//! `:serialize to=json`.

use super::Value;

/// Without `json.no-string-conversion` text that looks like a number becomes one. Bytes that are not UTF-8 stay what they are, unless
/// `escape_bytes`: what a router makes of them is not documented.
pub(super) fn serialize(value: &Value, keep_text: bool, escape_bytes: bool, out: &mut Vec<u8>) {
    match value {
        Value::Nothing | Value::Nil | Value::Code(..) => out.extend(b"null"),
        Value::Number(_) | Value::Bool(_) => out.extend(value.shown()),
        Value::Text(text) if !keep_text && looks_like_number(text) => {
            out.extend(plain_number(text))
        }
        Value::Text(_) | Value::Address(_) | Value::Id(_) | Value::Time(_) => {
            quote(&value.shown(), escape_bytes, out);
        }
        Value::List(items) if items.iter().any(|(key, _)| key.is_some()) => {
            out.push(b'{');
            for (index, (key, value)) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                quote(key.as_deref().unwrap_or_default(), escape_bytes, out);
                out.push(b':');
                serialize(value, keep_text, escape_bytes, out);
            }
            out.push(b'}');
        }
        Value::List(items) => {
            out.push(b'[');
            for (index, (_, value)) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                serialize(value, keep_text, escape_bytes, out);
            }
            out.push(b']');
        }
    }
}

fn looks_like_number(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    !digits.is_empty() && digits.len() <= 18 && digits.iter().all(u8::is_ascii_digit)
}

/// `00123` is 123.
fn plain_number(text: &[u8]) -> Vec<u8> {
    let number = std::str::from_utf8(text)
        .ok()
        .and_then(|text| text.parse::<i64>().ok());
    number.unwrap_or(0).to_string().into_bytes()
}

fn quote(text: &[u8], escape_bytes: bool, out: &mut Vec<u8>) {
    out.push(b'"');
    for chunk in text.utf8_chunks() {
        for byte in chunk.valid().bytes() {
            match byte {
                b'"' => out.extend(b"\\\""),
                b'\\' => out.extend(b"\\\\"),
                b'\n' => out.extend(b"\\n"),
                b'\r' => out.extend(b"\\r"),
                b'\t' => out.extend(b"\\t"),
                0..=0x1f => out.extend(format!("\\u{byte:04x}").bytes()),
                _ => out.push(byte),
            }
        }
        for byte in chunk.invalid() {
            if escape_bytes {
                out.extend(format!("\\u{byte:04x}").bytes());
            } else {
                out.push(*byte);
            }
        }
    }
    out.push(b'"');
}
