//! What fills the variables of a text.

use fluent_bundle::{FluentArgs, FluentValue};

use super::html::{self, Html};

/// How long a reason may be, in graphemes.
const REASON: usize = 200;

#[derive(Clone, Debug)]
enum Value<'a> {
    Outside(&'a str),
    Reason(&'a str),
    Ready(String),
    Piece(Html),
    Count(u64),
    Choice(&'static str),
}

/// The variables of one text, by name. How each is made safe depends on what it is, and is decided here alone.
#[derive(Clone, Debug, Default)]
pub struct Args<'a>(Vec<(&'static str, Value<'a>)>);

impl<'a> Args<'a> {
    /// None.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// What others wrote: a name, an address, a reason.
    #[must_use]
    pub fn outside(self, name: &'static str, value: &'a str) -> Self {
        self.with(name, Value::Outside(value))
    }

    /// A reason that somebody gave: longer than a name, and nothing where none was given.
    #[must_use]
    pub fn reason(self, name: &'static str, value: &'a str) -> Self {
        self.with(name, Value::Reason(value.trim()))
    }

    /// Words that were made here: a time, a duration, the name of a state.
    #[must_use]
    pub fn ready(self, name: &'static str, value: impl Into<String>) -> Self {
        self.with(name, Value::Ready(value.into()))
    }

    /// A text that was formatted already; an empty one leaves no gap.
    #[must_use]
    pub fn piece(self, name: &'static str, value: Html) -> Self {
        self.with(name, Value::Piece(value))
    }

    /// A number, which may decide a plural.
    #[must_use]
    pub fn count(self, name: &'static str, value: impl Into<u64>) -> Self {
        self.with(name, Value::Count(value.into()))
    }

    /// Which of a text's variants is meant.
    #[must_use]
    pub fn choice(self, name: &'static str, value: &'static str) -> Self {
        self.with(name, Value::Choice(value))
    }

    fn with(mut self, name: &'static str, value: Value<'a>) -> Self {
        self.0.push((name, value));
        self
    }

    /// For text that is sent as HTML, with names of at most `limit` graphemes.
    pub(super) fn for_html(&self, limit: usize) -> FluentArgs<'static> {
        self.fluent(|value| match value {
            Value::Outside(text) => Html::value_within(text, limit).into_string(),
            Value::Reason("") => String::new(),
            Value::Reason(text) => Html::value_within(text, REASON).into_string(),
            Value::Ready(text) => Html::text(text).into_string(),
            Value::Piece(html) => html.as_str().to_owned(),
            Value::Choice(_) | Value::Count(_) => String::new(),
        })
    }

    /// For text without markup, with names of at most `limit` graphemes.
    pub(super) fn for_plain(&self, limit: usize) -> FluentArgs<'static> {
        self.fluent(|value| match value {
            Value::Outside(text) => html::clean(text, limit),
            Value::Reason("") => String::new(),
            Value::Reason(text) => html::clean(text, REASON),
            Value::Ready(text) => text.clone(),
            Value::Piece(html) => html.plain(),
            Value::Choice(_) | Value::Count(_) => String::new(),
        })
    }

    fn fluent(&self, text: impl Fn(&Value<'_>) -> String) -> FluentArgs<'static> {
        let mut args = FluentArgs::with_capacity(self.0.len());
        for (name, value) in &self.0 {
            let value: FluentValue<'static> = match value {
                Value::Count(count) => FluentValue::from(*count),
                Value::Choice(choice) => FluentValue::from(*choice),
                value => FluentValue::from(text(value)),
            };
            args.set(*name, value);
        }
        args
    }
}
