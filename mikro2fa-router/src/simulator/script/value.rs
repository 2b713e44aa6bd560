//! Values of the scripting language.

use std::{fmt::Write as _, net::IpAddr, time::Duration};

use super::{
    super::{
        menu::{Field, Kind},
        state::State,
        table::{Row, RowId},
    },
    ast::Block,
};
use crate::duration;

/// A value of the scripting language.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// What a variable is that nobody declared.
    Nothing,
    Nil,
    /// Bytes: a router keeps whatever it was sent, in any encoding.
    Text(Vec<u8>),
    Number(i64),
    Bool(bool),
    Time(Duration),
    /// An address; text everywhere but in `:typeof`.
    Address(String),
    /// A row's.
    Id(RowId),
    List(Vec<(Option<Vec<u8>>, Self)>),
    /// Statements, and how `:parse` shows them.
    Code(Block, Option<String>),
}

impl Value {
    pub(crate) fn text(text: impl AsRef<[u8]>) -> Self {
        Self::Text(text.as_ref().to_vec())
    }

    /// As it looks in a string.
    pub(super) fn shown(&self) -> Vec<u8> {
        match self {
            Self::Nothing | Self::Nil => Vec::new(),
            Self::Code(_, text) => text.as_deref().unwrap_or("(code)").as_bytes().to_vec(),
            Self::Text(text) => text.clone(),
            Self::Address(text) => text.clone().into_bytes(),
            Self::Number(number) => number.to_string().into_bytes(),
            Self::Bool(holds) => holds.to_string().into_bytes(),
            Self::Time(time) => clock_time(*time).into_bytes(),
            Self::Id(id) => id.to_string().into_bytes(),
            Self::List(items) => {
                let item = |(key, value): &(Option<Vec<u8>>, Self)| match key {
                    Some(key) => [key.as_slice(), b"=", &value.shown()].concat(),
                    None => value.shown(),
                };
                items.iter().map(item).collect::<Vec<_>>().join(&b";"[..])
            }
        }
    }

    /// The same for what is text by nature: names, messages.
    pub(super) fn lossy(&self) -> String {
        String::from_utf8_lossy(&self.shown()).into_owned()
    }

    pub(super) const fn type_name(&self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Nil => "nil",
            Self::Text(_) => "str",
            Self::Number(_) => "num",
            Self::Bool(_) => "bool",
            Self::Time(_) => "time",
            Self::Address(_) => "ip",
            Self::Id(_) => "id",
            Self::List(_) => "array",
            Self::Code(..) => "code",
        }
    }

    pub(super) const fn is_nothing(&self) -> bool {
        matches!(self, Self::Nothing | Self::Nil)
    }

    pub(super) fn number(&self) -> Option<i64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Text(text) => std::str::from_utf8(text).ok()?.parse().ok(),
            Self::Bool(holds) => Some(i64::from(*holds)),
            Self::Time(time) => i64::try_from(time.as_secs()).ok(),
            _ => None,
        }
    }

    /// As an argument of a command: `yes` and `no` instead of `true` and `false`, lists joined by commas.
    pub(super) fn argument(&self) -> Vec<u8> {
        match self {
            Self::Bool(holds) => if *holds { "yes" } else { "no" }.into(),
            Self::List(items) => items
                .iter()
                .map(|(_, value)| value.argument())
                .collect::<Vec<_>>()
                .join(&b","[..]),
            value => value.shown(),
        }
    }

    /// A bare word: what it looks like.
    pub(super) fn literal(word: &[u8]) -> Self {
        match word {
            b"true" | b"yes" => return Self::Bool(true),
            b"false" | b"no" => return Self::Bool(false),
            _ => {}
        }
        let Ok(text) = std::str::from_utf8(word) else {
            return Self::text(word);
        };
        let hex = text.strip_prefix("0x").filter(|digits| {
            !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
        });
        if let Some(number) = hex.and_then(|digits| i64::from_str_radix(digits, 16).ok()) {
            return Self::Number(number);
        }
        if text.bytes().all(|byte| byte.is_ascii_digit())
            && let Ok(number) = text.parse()
        {
            return Self::Number(number);
        }
        if let Some(id) = RowId::parse(word) {
            return Self::Id(id);
        }
        let begins_with_digit = text
            .bytes()
            .next()
            .is_some_and(|byte| byte.is_ascii_digit());
        if begins_with_digit && let Ok(time) = duration::parse(text) {
            return Self::Time(time);
        }
        if begins_with_digit && text.parse::<IpAddr>().is_ok() {
            return Self::Address(text.to_owned());
        }
        Self::text(word)
    }
}

/// As scripts and `as-value` show a time: `01:22:53`, `1d01:22:53`, `00:00:00.300`.
pub(super) fn clock_time(time: Duration) -> String {
    const DAY: u64 = 86_400;
    let seconds = time.as_secs();
    let (days, rest) = (seconds / DAY, seconds % DAY);
    let (weeks, days) = (days / 7, days % 7);
    let mut text = String::new();
    // Writing to a String cannot fail.
    if weeks > 0 {
        let _ = write!(text, "{weeks}w");
    }
    if days > 0 {
        let _ = write!(text, "{days}d");
    }
    let _ = write!(
        text,
        "{:02}:{:02}:{:02}",
        rest / 3_600,
        rest / 60 % 60,
        rest % 60
    );
    let below = time.subsec_nanos();
    if below > 0 {
        let digits = format!("{below:09}");
        let _ = write!(text, ".{}", digits.trim_end_matches('0'));
    }
    text
}

impl State {
    /// A property with its type; nil where the row does not have it.
    pub(crate) fn typed(&self, row: &Row, name: &str) -> Value {
        if name == ".id" {
            return if row.menu.single {
                Value::Nil
            } else {
                Value::Id(row.id)
            };
        }
        let shown = self.property(row, name.as_bytes());
        match (row.menu.field(self.read_as(row.menu, name)), shown) {
            (Some((_, field)), Some(shown)) => with_type(field, &shown),
            _ => Value::Nil,
        }
    }
}

/// What a property's value is to a script.
pub(super) fn with_type(field: &Field, shown: &[u8]) -> Value {
    let text = std::str::from_utf8(shown).unwrap_or_default();
    let typed = match field.kind {
        Kind::Bool | Kind::Dynamic => boolean(text),
        Kind::Number(_) => text.parse().ok().map(Value::Number),
        Kind::Duration | Kind::Age | Kind::TimeLeft => time(text),
        Kind::Address => Some(Value::Address(text.to_owned())),
        // What is worked out has no kind of its own: flags, uptimes, counters.
        Kind::Computed(_) => boolean(text)
            .or_else(|| digits(text).then(|| text.parse().ok().map(Value::Number))?)
            .or_else(|| matches!(field.name, "uptime" | "expires-after").then(|| time(text))?),
        _ => None,
    };
    typed.unwrap_or_else(|| Value::Text(shown.to_vec()))
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn boolean(text: &str) -> Option<Value> {
    match text {
        "true" | "yes" => Some(Value::Bool(true)),
        "false" | "no" => Some(Value::Bool(false)),
        _ => None,
    }
}

fn time(text: &str) -> Option<Value> {
    duration::parse(text).ok().map(Value::Time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_look_as_scripts_show_them() {
        for (seconds, shown) in [
            (0, "00:00:00"),
            (4_973, "01:22:53"),
            (91_373, "1d01:22:53"),
            (788_645, "1w2d03:04:05"),
        ] {
            assert_eq!(clock_time(Duration::from_secs(seconds)), shown);
            assert_eq!(
                duration::parse(shown).unwrap(),
                Duration::from_secs(seconds)
            );
        }
        assert_eq!(clock_time(Duration::from_micros(60)), "00:00:00.00006");
    }

    #[test]
    fn bare_words_are_what_they_look_like() {
        for (word, kind) in [
            ("yes", "bool"),
            ("00123", "num"),
            ("0x1F", "num"),
            ("*1F", "id"),
            ("10m", "time"),
            ("10.8.0.4", "ip"),
            ("10.8.0.0/24", "str"),
            ("ann", "str"),
            ("99999999999999999999", "str"),
        ] {
            assert_eq!(Value::literal(word.as_bytes()).type_name(), kind, "{word}");
        }
    }
}
