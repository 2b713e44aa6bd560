//! Text that is safe to send as HTML, and the cleaning of what others wrote.

use std::fmt;

use unicode_segmentation::UnicodeSegmentation;

/// How long a name may be on a lock screen's lines, and elsewhere, in graphemes.
pub const SHORT: usize = 24;
/// See [`SHORT`].
pub const LONG: usize = 64;
/// How many characters one grapheme may be made of: an emoji family has seven, a letter under a hundred accents is an attack.
const GRAPHEME_CHARS: usize = 8;

/// Text that can be sent with `parse_mode` = `HTML`. There are two ways to make it of foreign text, and both escape.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Html(String);

impl Html {
    /// Our own text, or anything that needs no more than escaping: keeps its line breaks.
    pub fn text(text: &str) -> Self {
        Self(escape(text))
    }

    /// What others wrote (a name, an address, a comment): cleaned, cut to [`LONG`] graphemes, escaped, and wrapped in
    /// `<code>`, inside which Telegram makes no link, mention or command of it.
    ///
    /// # Examples
    ///
    /// ```
    /// use mikro2fa_telegram::text::Html;
    ///
    /// assert_eq!(Html::value("<b>@ann\u{202e}").as_str(), "<code>&lt;b&gt;@ann</code>");
    /// ```
    pub fn value(text: &str) -> Self {
        Self::value_within(text, LONG)
    }

    /// The same, cut to `limit` graphemes.
    pub fn value_within(text: &str, limit: usize) -> Self {
        Self(format!("<code>{}</code>", escape(&clean(text, limit))))
    }

    /// A formatted text of ours, whose variables were each made by this type.
    pub(super) const fn formatted(source: String) -> Self {
        Self(source)
    }

    /// In bold; nothing stays nothing.
    #[must_use]
    pub fn bold(self) -> Self {
        if self.is_empty() {
            self
        } else {
            Self(format!("<b>{}</b>", self.0))
        }
    }

    /// These, with something of ours between them.
    pub fn join<'a>(parts: impl IntoIterator<Item = &'a Self>, between: &str) -> Self {
        let parts: Vec<&str> = parts
            .into_iter()
            .map(Self::as_str)
            .filter(|part| !part.is_empty())
            .collect();
        Self(parts.join(&escape(between)))
    }

    /// The text to send.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text to send.
    pub fn into_string(self) -> String {
        self.0
    }

    /// Is there nothing in it?
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What its reader sees.
    pub fn plain(&self) -> String {
        crate::markup::parse(&self.0).map_or_else(|_| self.0.clone(), |markup| markup.plain)
    }
}

impl fmt::Display for Html {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// What others wrote, on one line, without what is invisible or turns the direction of text, cut to `limit` graphemes.
/// Never empty. Text with right-to-left letters is isolated, so that it does not turn ours around.
pub fn clean(text: &str, limit: usize) -> String {
    let mut line = String::new();
    // Cut roughly first, so that the length of hostile text costs nothing further on.
    for c in text.chars().take(limit.saturating_mul(GRAPHEME_CHARS * 4)) {
        match c {
            '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' | '\u{a0}' => line.push(' '),
            c if is_hidden(c) => {}
            c => line.push(c),
        }
    }
    let words: Vec<&str> = line.split(' ').filter(|word| !word.is_empty()).collect();
    let cut = cut(&words.join(" "), limit);
    if cut.is_empty() {
        return "?".to_owned();
    }
    if cut.chars().any(is_right_to_left) {
        format!("\u{2068}{cut}\u{2069}")
    } else {
        cut
    }
}

/// At most `limit` graphemes of at most eight characters each; `…` says that there was more.
pub fn cut(text: &str, limit: usize) -> String {
    let mut graphemes = text.graphemes(true);
    let kept: Vec<&str> = graphemes.by_ref().take(limit).collect();
    let more = graphemes.next().is_some();
    let keep = if more {
        limit.saturating_sub(1)
    } else {
        kept.len()
    };
    let mut result: String = kept
        .iter()
        .take(keep)
        .flat_map(|grapheme| grapheme.chars().take(GRAPHEME_CHARS))
        .collect();
    if more {
        result.truncate(result.trim_end().len());
        result.push('…');
    }
    result
}

/// Control characters, marks that turn the direction of text, and what has no width.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffc}' | '\u{e0000}'..='\u{e0fff}'
        )
}

/// Letters of scripts that are written from right to left.
const fn is_right_to_left(c: char) -> bool {
    matches!(
        c,
        '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}' | '\u{10800}'..='\u{10fff}'
        | '\u{1e800}'..='\u{1efff}'
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_others_wrote_is_cleaned() {
        assert_eq!(clean(" a\nb\r\n\tc ", 64), "a b c");
        assert_eq!(clean("\u{202e}gro.elpmaxe\u{200b}\u{0}", 64), "gro.elpmaxe");
        assert_eq!(clean("", 64), "?");
        assert_eq!(clean("\u{200b}\n", 64), "?");
        assert_eq!(clean("שלום", 64), "\u{2068}שלום\u{2069}");
    }

    #[test]
    fn it_is_cut_by_graphemes_and_before_it_is_escaped() {
        assert_eq!(cut("abcd", 4), "abcd");
        assert_eq!(cut("abcde", 4), "abc…");
        assert_eq!(cut("ab cde", 4), "ab…");
        assert_eq!(clean(&"🇩🇪".repeat(65), 64), format!("{}…", "🇩🇪".repeat(63)));
        let value = Html::value_within(&"<".repeat(9), 4);
        assert_eq!(value.as_str(), "<code>&lt;&lt;&lt;…</code>");
        let accents = format!("e{}", "\u{301}".repeat(500));
        assert_eq!(cut(&accents, 4).chars().count(), GRAPHEME_CHARS);
    }

    #[test]
    fn joining_leaves_out_what_is_empty() {
        let parts = [Html::text("a"), Html::default(), Html::text("b")];
        assert_eq!(Html::join(&parts, " & ").as_str(), "a &amp; b");
        assert_eq!(Html::default().bold(), Html::default());
    }

    proptest! {
        #[test]
        fn any_value_is_valid_and_reads_as_it_was_cleaned(text in "\\PC*|[<>&;\"'@/.{}$\\n\u{202e}\u{301}a]{0,90}") {
            let markup = crate::markup::parse(Html::value(&text).as_str()).unwrap();
            let cleaned = clean(&text, LONG);
            prop_assert_eq!(&markup.plain, cleaned.trim());
            prop_assert!(cleaned.graphemes(true).count() <= LONG + 2);
            let hidden = cleaned.contains(['\n', '\u{202e}']);
            prop_assert!(!hidden);
            prop_assert_eq!(clean(&cleaned, LONG), cleaned);
        }
    }
}
