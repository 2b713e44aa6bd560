//! One row as the router gave it.

use std::fmt;

use mikro2fa_core::tunnel::Text;
use routeros_api::Row;

use crate::text;

/// One row as the router gave it: its properties as text, in the router's order.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Record {
    properties: Vec<(Text, Text)>,
}

impl Record {
    /// Reads a row. What is not UTF-8 is carried, so that it can be said back to the router as the same bytes.
    #[must_use]
    pub(crate) fn of(row: Row<'_>) -> Self {
        let properties = row.attributes();
        Self {
            properties: properties
                .map(|(name, value)| (text::decode(name), text::decode(value)))
                .collect(),
        }
    }

    /// A row of these properties, for tests and for what is imagined.
    #[must_use]
    pub fn from_properties<'a>(properties: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let properties = properties.into_iter();
        Self {
            properties: properties.map(|(n, v)| (n.into(), v.into())).collect(),
        }
    }

    /// A property that says something: what is empty is as good as left out, since menus differ in which of the two they do.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut all = self.properties.iter();
        let found = all.find(|(it, _)| &**it == name);
        found.map(|(_, value)| &**value).filter(|it| !it.is_empty())
    }

    /// A property; empty if there is none.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    /// Is this flag set? `true` and `yes` both occur.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        matches!(self.text(name), "true" | "yes")
    }

    /// Its `.id`; empty in menus of one record.
    #[must_use]
    pub fn id(&self) -> &str {
        self.text(".id")
    }

    /// All properties, in the router's order.
    pub fn properties(&self) -> impl Iterator<Item = (&str, &str)> {
        self.properties.iter().map(|(n, v)| (&**n, &**v))
    }

    /// The words of a comma list.
    pub fn list(&self, name: &str) -> impl Iterator<Item = &str> {
        let words = self.text(name).split(',').map(str::trim);
        words.filter(|word| !word.is_empty())
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.properties.iter().map(|(n, v)| (n, v)))
            .finish()
    }
}
