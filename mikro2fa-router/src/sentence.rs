//! What is said to a router, neither API nor SSH yet: a command from a closed list, attributes, properties, a query.
//!
//! Values are bytes and stay values: how each is kept from becoming anything else is the transport's business.

mod path;

use std::fmt;

pub use path::Path;

/// One step of a query. Steps are evaluated in their order on a stack, and what is left has to be true (MikroTik
/// manual, API, *Queries*).
#[derive(Clone, PartialEq, Eq)]
pub enum Query {
    /// The record has this property.
    Has(&'static str),
    /// The property has this value.
    Equals(&'static str, Vec<u8>),
    /// One of the two before.
    Or,
}

/// A row that has to be there, and to be so, for a sentence to be meant. A way to a router that can look and change in
/// one go does so; another leaves it out, and the look that came before has to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Guard {
    path: Path,
    id: Vec<u8>,
    properties: Vec<(&'static str, Vec<u8>)>,
}

impl Guard {
    /// The row with this id, in the menu that this path prints.
    #[must_use]
    pub fn new(path: Path, id: impl AsRef<[u8]>) -> Self {
        Self {
            path,
            id: id.as_ref().to_vec(),
            properties: Vec::new(),
        }
    }

    /// With this value.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Vec<u8>>) -> Self {
        self.properties.push((name, value.into()));
        self
    }

    /// Prints the menu that the row is in.
    #[must_use]
    pub const fn path(&self) -> Path {
        self.path
    }

    /// The row's id.
    #[must_use]
    pub fn id(&self) -> &[u8] {
        &self.id
    }

    /// What it has to have.
    #[must_use]
    pub fn properties(&self) -> &[(&'static str, Vec<u8>)] {
        &self.properties
    }
}

/// One thing said to a router.
#[derive(Clone, PartialEq, Eq)]
pub struct Sentence {
    path: Path,
    attributes: Vec<(&'static str, Vec<u8>)>,
    proplist: &'static [&'static str],
    queries: Vec<Query>,
    guards: Vec<Guard>,
}

impl Sentence {
    /// A command without anything.
    #[must_use]
    pub const fn new(path: Path) -> Self {
        Self {
            path,
            attributes: Vec::new(),
            proplist: &[],
            queries: Vec::new(),
            guards: Vec::new(),
        }
    }

    /// With an attribute.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Vec<u8>>) -> Self {
        self.attributes.push((name, value.into()));
        self
    }

    /// With these items as what it is about. RouterOS takes a comma list of ids.
    #[must_use]
    pub fn of<I: AsRef<[u8]>>(self, ids: impl IntoIterator<Item = I>) -> Self {
        let mut list = Vec::new();
        for id in ids {
            if !list.is_empty() {
                list.push(b',');
            }
            list.extend_from_slice(id.as_ref());
        }
        self.with(".id", list)
    }

    /// Only these properties.
    #[must_use]
    pub const fn only(mut self, proplist: &'static [&'static str]) -> Self {
        self.proplist = proplist;
        self
    }

    /// Only records that have this property.
    #[must_use]
    pub fn having(mut self, name: &'static str) -> Self {
        self.queries.push(Query::Has(name));
        self
    }

    /// Only records with this value.
    #[must_use]
    pub fn equal(mut self, name: &'static str, value: impl Into<Vec<u8>>) -> Self {
        self.queries.push(Query::Equals(name, value.into()));
        self
    }

    /// Only records with one of these values.
    #[must_use]
    pub fn one_of<V: Into<Vec<u8>>>(
        mut self,
        name: &'static str,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        for (index, value) in values.into_iter().enumerate() {
            self.queries.push(Query::Equals(name, value.into()));
            if index > 0 {
                self.queries.push(Query::Or);
            }
        }
        self
    }

    /// Only if all these are so.
    #[must_use]
    pub fn guarded(mut self, guards: impl IntoIterator<Item = Guard>) -> Self {
        self.guards.extend(guards);
        self
    }

    /// Only records that meet one of the last two conditions.
    #[must_use]
    pub fn either(mut self) -> Self {
        self.queries.push(Query::Or);
        self
    }

    /// Or records with one of these values of another property, where the query was a choice before.
    #[must_use]
    pub fn or_one_of<V: Into<Vec<u8>>>(
        mut self,
        name: &'static str,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        for value in values {
            self.queries.push(Query::Equals(name, value.into()));
            self.queries.push(Query::Or);
        }
        self
    }

    /// Which command.
    #[must_use]
    pub const fn path(&self) -> Path {
        self.path
    }

    /// What has to be so for it to be meant.
    #[must_use]
    pub fn guards(&self) -> &[Guard] {
        &self.guards
    }

    /// Attributes, in their order.
    #[must_use]
    pub fn attributes(&self) -> &[(&'static str, Vec<u8>)] {
        &self.attributes
    }

    /// The properties asked for; empty = all.
    #[must_use]
    pub const fn proplist(&self) -> &'static [&'static str] {
        self.proplist
    }

    /// The query, in its order.
    #[must_use]
    pub fn queries(&self) -> &[Query] {
        &self.queries
    }

    /// About how many bytes it takes, whatever carries it.
    #[must_use]
    pub fn size(&self) -> u64 {
        let attributes = self.attributes.iter().map(|(n, v)| n.len() + v.len() + 3);
        let proplist = self.proplist.iter().map(|name| name.len() + 1);
        let queries = self.queries.iter().map(|query| match query {
            Query::Has(name) => name.len() + 2,
            Query::Equals(name, value) => name.len() + value.len() + 4,
            Query::Or => 4,
        });
        let words: usize = attributes.chain(proplist).chain(queries).sum();
        // The command's word, `=.proplist=`, a tag, the terminator.
        (self.path.as_str().len() + 24 + words) as u64
    }
}

/// How passwords are named in sentences: their values are never shown.
const PASSWORD: &str = "password";

/// Passwords are left out.
impl fmt::Debug for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path)?;
        for (name, value) in &self.attributes {
            if *name == PASSWORD {
                write!(f, " ={name}=…")?;
            } else {
                write!(f, " ={name}={}", value.escape_ascii())?;
            }
        }
        if !self.proplist.is_empty() {
            write!(f, " =.proplist={}", self.proplist.join(","))?;
        }
        for query in &self.queries {
            write!(f, " {query:?}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Has(name) => write!(f, "?{name}"),
            Self::Equals(name, value) => write!(f, "?={name}={}", value.escape_ascii()),
            Self::Or => f.write_str("?#|"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_one_value_on_the_stack() {
        let said = Sentence::new(Path::SecretPrint)
            .only(&[".id", "name"])
            .one_of("name", ["ann", "bob", "c=d"]);
        assert_eq!(
            format!("{said:?}"),
            "/ppp/secret/print =.proplist=.id,name ?=name=ann ?=name=bob ?#| ?=name=c=d ?#|"
        );
    }

    #[test]
    fn a_password_is_not_shown() {
        let said = Sentence::new(Path::SecretAdd)
            .with("name", "ann")
            .with("password", "hunter2");
        assert_eq!(format!("{said:?}"), "/ppp/secret/add =name=ann =password=…");
    }

    #[test]
    fn ids_are_joined() {
        let said = Sentence::new(Path::ListRemove).of(["*1", "*2F"]);
        assert_eq!(
            format!("{said:?}"),
            "/ip/firewall/address-list/remove =.id=*1,*2F"
        );
    }
}
