//! The rules of Telegram's HTML, as the server applies them: which tags there are, how they nest, what it says when a
//! text breaks them. Pure.
//!
//! Used on both sides: edited message texts are refused by it before anybody sends them, and the fake Bot API answers
//! with the very words of the real one. Source of rules and words: `parse_html` in `td/telegram/MessageEntity.cpp` of
//! `tdlib/td`, the library that the Bot API server is made of.

use thiserror::Error;

/// A text after parsing: what the reader sees, and what is marked in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Markup {
    /// The text without tags, entities decoded, without leading and trailing white space.
    pub plain: String,
    /// The marked pieces, by start and, for the same start, the longer first.
    pub entities: Vec<Entity>,
}

/// One marked piece of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entity {
    /// What the mark is, in the Bot API's words: `bold`, `code`, …
    pub kind: &'static str,
    /// Where it begins, in UTF-16 units, as the Bot API counts.
    pub offset: usize,
    /// How long it is, in UTF-16 units.
    pub length: usize,
}

/// Why the server does not take a text. The words are the server's own, behind `can't parse entities: `.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MarkupError {
    /// A `<name` without its `>`.
    #[error("Unclosed start tag at byte offset {at}")]
    UnclosedStartTag {
        /// Where the tag begins, in bytes.
        at: usize,
    },
    /// A tag that Telegram does not know.
    #[error("Unsupported start tag \"{tag}\" at byte offset {at}")]
    UnsupportedStartTag {
        /// The tag's name in lower case.
        tag: String,
        /// Where it begins, in bytes.
        at: usize,
    },
    /// An `=` with nothing before it, inside a tag.
    #[error("Empty attribute name in the tag \"{tag}\" at byte offset {at}")]
    EmptyAttributeName {
        /// The tag's name in lower case.
        tag: String,
        /// Where it begins, in bytes.
        at: usize,
    },
    /// An attribute without a value.
    #[error(
        "Expected equal sign in declaration of an attribute of the tag \"{tag}\" at byte offset {at}"
    )]
    MissingEqualSign {
        /// The tag's name in lower case.
        tag: String,
        /// Where it begins, in bytes.
        at: usize,
    },
    /// An attribute's value without quotes that holds what must be quoted.
    #[error("Unexpected end of name token at byte offset {at}")]
    BadNameToken {
        /// Where the value begins, in bytes.
        at: usize,
    },
    /// `<span>` for anything but a spoiler.
    #[error("Tag \"span\" must have class \"tg-spoiler\" at byte offset {at}")]
    SpanWithoutSpoiler {
        /// Where the tag begins, in bytes.
        at: usize,
    },
    /// An end tag while nothing is open.
    #[error("Unexpected end tag at byte offset {at}")]
    UnexpectedEndTag {
        /// Where the tag begins, in bytes.
        at: usize,
    },
    /// A `</name` without its `>`.
    #[error("Unclosed end tag at byte offset {at}")]
    UnclosedEndTag {
        /// Where the tag begins, in bytes.
        at: usize,
    },
    /// An end tag of another tag than the innermost open one.
    #[error(
        "Unmatched end tag at byte offset {at}, expected \"</{expected}>\", found \"</{found}>\""
    )]
    UnmatchedEndTag {
        /// Where the tag begins, in bytes.
        at: usize,
        /// The innermost open tag.
        expected: String,
        /// What was closed instead.
        found: String,
    },
    /// The text is over and a tag is still open.
    #[error("Can't find end tag corresponding to start tag \"{tag}\"")]
    MissingEndTag {
        /// The innermost open tag.
        tag: String,
    },
    /// A numeric entity that is half a character.
    #[error(
        "Text contains invalid Unicode characters after decoding HTML entities, check for unmatched surrogate code units"
    )]
    HalfCharacter,
}

/// Parses `source` as the server does for `parse_mode` = `HTML`.
///
/// # Errors
///
/// The first fault, in the server's words.
///
/// # Examples
///
/// ```
/// use mikro2fa_telegram::markup::parse;
///
/// assert_eq!(parse("<b>Open</b> &amp; shut").unwrap().plain, "Open & shut");
/// assert_eq!(
///     parse("<b>Open").unwrap_err().to_string(),
///     "Can't find end tag corresponding to start tag \"b\""
/// );
/// ```
pub fn parse(source: &str) -> Result<Markup, MarkupError> {
    let mut parser = Parser {
        source: source.as_bytes(),
        at: 0,
        ..Parser::default()
    };
    while let Some(byte) = parser.peek() {
        match byte {
            b'&' => parser.entity_or_ampersand()?,
            b'<' if parser.peek_after(1) == Some(b'/') => parser.end_tag()?,
            b'<' => parser.start_tag()?,
            _ => parser.text(source),
        }
    }
    match parser.open.pop() {
        Some(open) => Err(MarkupError::MissingEndTag { tag: open.tag }),
        None => Ok(trimmed(parser.plain, parser.entities)),
    }
}

/// Tags that the server takes, with the entity each becomes.
const TAGS: [(&str, &str); 16] = [
    ("a", "text_link"),
    ("b", "bold"),
    ("strong", "bold"),
    ("i", "italic"),
    ("em", "italic"),
    ("s", "strikethrough"),
    ("strike", "strikethrough"),
    ("del", "strikethrough"),
    ("u", "underline"),
    ("ins", "underline"),
    ("tg-spoiler", "spoiler"),
    ("tg-emoji", "custom_emoji"),
    ("span", "spoiler"),
    ("pre", "pre"),
    ("code", "code"),
    ("blockquote", "blockquote"),
];

fn kind_of(tag: &str) -> Option<&'static str> {
    TAGS.iter()
        .find(|(name, _)| *name == tag)
        .map(|(_, kind)| *kind)
}

/// The server's `is_space`, which counts the end of the text (`None` here, NUL there) as space.
fn ends_word(byte: Option<u8>) -> bool {
    byte.is_none_or(|b| matches!(b, b' ' | b'\t' | b'\r' | b'\n' | 0 | 0x0b))
}

struct Open {
    tag: String,
    kind: &'static str,
    offset: usize,
}

#[derive(Default)]
struct Parser<'a> {
    source: &'a [u8],
    at: usize,
    plain: String,
    utf16: usize,
    open: Vec<Open>,
    entities: Vec<Entity>,
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.peek_after(0)
    }

    fn peek_after(&self, distance: usize) -> Option<u8> {
        self.source.get(self.at + distance).copied()
    }

    fn push(&mut self, c: char) {
        self.utf16 += c.len_utf16();
        self.plain.push(c);
    }

    fn text(&mut self, source: &str) {
        // `at` is on a boundary: everything else that moves it stops at ASCII.
        let Some(c) = source.get(self.at..).and_then(|rest| rest.chars().next()) else {
            self.at += 1;
            return;
        };
        self.at += c.len_utf8();
        self.push(c);
    }

    /// `&lt;`, `&#60;`, `&#x3c;`, each also without `;`; anything else stays as it is.
    fn entity_or_ampersand(&mut self) -> Result<(), MarkupError> {
        match decode_entity(self.source.get(self.at..).unwrap_or_default()) {
            Some((code, length)) => {
                self.push(char::from_u32(code).ok_or(MarkupError::HalfCharacter)?);
                self.at += length;
            }
            None => {
                self.push('&');
                self.at += 1;
            }
        }
        Ok(())
    }

    fn skip_spaces(&mut self) {
        while self.peek().is_some() && ends_word(self.peek()) {
            self.at += 1;
        }
    }

    /// What stands before the next space, `>` or any of `stops`.
    fn word(&mut self, stops: &[u8]) -> String {
        let start = self.at;
        while !ends_word(self.peek()) && self.peek().is_some_and(|b| !stops.contains(&b)) {
            self.at += 1;
        }
        String::from_utf8_lossy(self.source.get(start..self.at).unwrap_or_default())
            .to_ascii_lowercase()
    }

    fn start_tag(&mut self) -> Result<(), MarkupError> {
        let begin = self.at;
        self.at += 1;
        let tag = self.word(b">");
        if self.peek().is_none() {
            return Err(MarkupError::UnclosedStartTag { at: begin });
        }
        let Some(kind) = kind_of(&tag) else {
            return Err(MarkupError::UnsupportedStartTag { tag, at: begin });
        };
        let spoiler = self.attributes(&tag, begin)?;
        self.at += 1; // the '>'
        if tag == "span" && !spoiler {
            return Err(MarkupError::SpanWithoutSpoiler { at: begin });
        }
        self.open.push(Open {
            tag,
            kind,
            offset: self.utf16,
        });
        Ok(())
    }

    /// Reads up to the `>`; says whether a class `tg-spoiler` was there.
    fn attributes(&mut self, tag: &str, begin: usize) -> Result<bool, MarkupError> {
        let mut spoiler = false;
        while self.peek() != Some(b'>') {
            self.skip_spaces();
            if self.peek() == Some(b'>') {
                break;
            }
            let name = self.word(if tag == "blockquote" { b"=>" } else { b"=" });
            if name.is_empty() {
                return Err(MarkupError::EmptyAttributeName {
                    tag: tag.to_owned(),
                    at: begin,
                });
            }
            self.skip_spaces();
            if tag == "blockquote" && name == "expandable" && self.peek() != Some(b'=') {
                continue;
            }
            if self.peek() != Some(b'=') {
                return Err(MarkupError::MissingEqualSign {
                    tag: tag.to_owned(),
                    at: begin,
                });
            }
            self.at += 1;
            self.skip_spaces();
            let value = self.attribute_value()?;
            if self.peek().is_none() {
                return Err(MarkupError::UnclosedStartTag { at: begin });
            }
            spoiler |= name == "class" && value == "tg-spoiler";
        }
        Ok(spoiler)
    }

    fn attribute_value(&mut self) -> Result<String, MarkupError> {
        let start = self.at;
        match self.peek() {
            Some(quote @ (b'\'' | b'"')) => {
                self.at += 1;
                while self.peek().is_some_and(|b| b != quote) {
                    self.at += 1;
                }
                let value = self.source.get(start + 1..self.at).unwrap_or_default();
                self.at += usize::from(self.peek().is_some());
                Ok(String::from_utf8_lossy(value).into_owned())
            }
            _ => {
                while self
                    .peek()
                    .is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'))
                {
                    self.at += 1;
                }
                if !ends_word(self.peek()) && self.peek() != Some(b'>') {
                    return Err(MarkupError::BadNameToken { at: start });
                }
                let value = self.source.get(start..self.at).unwrap_or_default();
                Ok(String::from_utf8_lossy(value).to_ascii_lowercase())
            }
        }
    }

    fn end_tag(&mut self) -> Result<(), MarkupError> {
        let begin = self.at;
        let Some(open) = self.open.pop() else {
            return Err(MarkupError::UnexpectedEndTag { at: begin });
        };
        self.at += 2;
        let found = self.word(b">");
        self.skip_spaces();
        if self.peek() != Some(b'>') {
            return Err(MarkupError::UnclosedEndTag { at: begin });
        }
        self.at += 1;
        if !found.is_empty() && found != open.tag {
            return Err(MarkupError::UnmatchedEndTag {
                at: begin,
                expected: open.tag,
                found,
            });
        }
        if self.utf16 > open.offset {
            self.entities.push(Entity {
                kind: open.kind,
                offset: open.offset,
                length: self.utf16 - open.offset,
            });
        }
        Ok(())
    }
}

/// The character that an `&…` at the start of `text` stands for, and how many bytes it takes.
fn decode_entity(text: &[u8]) -> Option<(u32, usize)> {
    let run = |from: usize, keep: fn(&u8) -> bool| {
        text.get(from..)
            .unwrap_or_default()
            .iter()
            .take_while(|b| keep(b))
            .count()
    };
    let ascii = |from: usize, length: usize| {
        text.get(from..from + length)
            .and_then(|bytes| std::str::from_utf8(bytes).ok())
            .unwrap_or_default()
    };
    let (code, mut end) = if text.get(1) == Some(&b'#') {
        let (from, radix, length) = if text.get(2) == Some(&b'x') {
            (3, 16, run(3, u8::is_ascii_hexdigit))
        } else {
            (2, 10, run(2, u8::is_ascii_digit))
        };
        let code = u32::from_str_radix(ascii(from, length), radix).unwrap_or(0);
        if code == 0 || code >= 0x10_ffff || from + length >= 10 {
            return None;
        }
        (code, from + length)
    } else {
        let length = run(1, u8::is_ascii_alphabetic);
        let c = match ascii(1, length) {
            "lt" => '<',
            "gt" => '>',
            "amp" => '&',
            "quot" => '"',
            _ => return None,
        };
        (u32::from(c), 1 + length)
    };
    end += usize::from(text.get(end) == Some(&b';'));
    Some((code, end))
}

fn trimmed(plain: String, entities: Vec<Entity>) -> Markup {
    let without_start = plain.trim_start();
    let cut: usize = plain.encode_utf16().count() - without_start.encode_utf16().count();
    let kept = without_start.trim_end();
    let length = kept.encode_utf16().count();
    let mut entities: Vec<Entity> = entities
        .into_iter()
        .filter_map(|entity| {
            let start = entity.offset.saturating_sub(cut);
            let end = (entity.offset + entity.length)
                .saturating_sub(cut)
                .min(length);
            (end > start).then_some(Entity {
                offset: start,
                length: end - start,
                ..entity
            })
        })
        .collect();
    entities.sort_by_key(|entity| (entity.offset, usize::MAX - entity.length));
    Markup {
        plain: kept.to_owned(),
        entities,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plain(source: &str) -> String {
        parse(source).unwrap().plain
    }

    fn refused(source: &str) -> String {
        parse(source).unwrap_err().to_string()
    }

    #[test]
    fn marks_what_is_inside_the_tags() {
        let markup = parse("<b>Was it <code>an&lt;n</code>?</b>\nя<i>ж</i>").unwrap();
        assert_eq!(markup.plain, "Was it an<n?\nяж");
        assert_eq!(
            markup.entities,
            vec![
                Entity {
                    kind: "bold",
                    offset: 0,
                    length: 12
                },
                Entity {
                    kind: "code",
                    offset: 7,
                    length: 4
                },
                Entity {
                    kind: "italic",
                    offset: 14,
                    length: 1
                },
            ]
        );
    }

    #[test]
    fn offsets_count_utf16_and_follow_the_trim() {
        let markup = parse("  😀<b>x</b>  ").unwrap();
        assert_eq!(markup.plain, "😀x");
        assert_eq!(
            markup.entities,
            vec![Entity {
                kind: "bold",
                offset: 2,
                length: 1
            }]
        );
    }

    #[test]
    fn unknown_entities_stay_as_they_are() {
        assert_eq!(
            plain("&nbsp; &lt &#60; &#x3c;&amp;lt; & &&lt;"),
            "&nbsp; < < <&lt; & &<"
        );
        assert_eq!(plain("&#0; &#x110000;"), "&#0; &#x110000;");
    }

    #[test]
    fn says_what_the_server_says() {
        assert_eq!(
            refused("<x>a</x>"),
            "Unsupported start tag \"x\" at byte offset 0"
        );
        assert_eq!(
            refused("a<tg-time unix=1>x</tg-time>"),
            "Unsupported start tag \"tg-time\" at byte offset 1"
        );
        assert_eq!(
            refused("<b>a"),
            "Can't find end tag corresponding to start tag \"b\""
        );
        assert_eq!(
            refused("<b>a</i>"),
            "Unmatched end tag at byte offset 4, expected \"</b>\", found \"</i>\""
        );
        assert_eq!(refused("a</b>"), "Unexpected end tag at byte offset 1");
        assert_eq!(
            refused("1 < 2"),
            "Unsupported start tag \"\" at byte offset 2"
        );
        assert_eq!(refused("a<b"), "Unclosed start tag at byte offset 1");
        assert_eq!(refused("<b>a</b"), "Unclosed end tag at byte offset 4");
        assert_eq!(
            refused("<b x>a</b>"),
            "Expected equal sign in declaration of an attribute of the tag \"b\" at byte offset 0"
        );
        assert_eq!(
            refused("<span>a</span>"),
            "Tag \"span\" must have class \"tg-spoiler\" at byte offset 0"
        );
        assert_eq!(
            refused("&#xd800;"),
            "Text contains invalid Unicode characters after decoding HTML entities, check for unmatched surrogate \
             code units"
        );
    }

    #[test]
    fn takes_attributes_and_short_end_tags() {
        assert_eq!(
            plain(
                "<span class=\"tg-spoiler\">a</span><B>b</> <blockquote expandable>c</blockquote>"
            ),
            "ab c"
        );
        assert_eq!(
            plain("<a href='https://example.com/?a=1'>x</a><code class=language-rust>y</code >"),
            "xy"
        );
    }

    proptest! {
        #[test]
        fn any_text_is_taken_or_refused(source in "\\PC*|[<>/&;#xa-c =\"']{0,40}") {
            if let Ok(markup) = parse(&source) {
                let length = markup.plain.encode_utf16().count();
                prop_assert!(markup.entities.iter().all(|e| e.offset + e.length <= length));
            }
        }
    }
}
