//! The permit list and the ban list: entries of `/ip/firewall/address-list`, and of its IPv6 twin for IPv6 prefixes.
//!
//! An entry with a time-out lives in memory only and goes by itself; the same list and address twice is refused with
//! `already have such entry` (MikroTik manual, Address-lists). A single address stands there without its length.

use std::time::Duration;

use mikro2fa_core::{
    router_backend::{PermitRow, Prefix},
    tunnel::Text,
};
use routeros_api::Row;

use crate::{
    handle::{Generation, Id},
    prefix,
    row::{self, Malformed},
    sentence::{Path, Sentence},
    tag::Tagger,
    text,
};

/// Which of the two menus.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum Family {
    V4,
    V6,
}

impl Family {
    pub(crate) const fn of(prefix: Prefix) -> Self {
        if prefix.address.is_ipv4() {
            Self::V4
        } else {
            Self::V6
        }
    }

    const fn pick(self, v4: Path, v6: Path) -> Path {
        match self {
            Self::V4 => v4,
            Self::V6 => v6,
        }
    }
}

/// All entries of a list.
pub(crate) fn print(family: Family, list: &str) -> Sentence {
    Sentence::new(family.pick(Path::ListPrint, Path::List6Print))
        .only(&[".id", "address", "comment", "timeout"])
        .equal("list", list)
}

/// The entries of a list for these addresses.
pub(crate) fn print_of(
    family: Family,
    list: &str,
    addresses: impl IntoIterator<Item = Prefix>,
) -> Sentence {
    let spellings = addresses.into_iter().flat_map(prefix::spellings);
    print(family, list).one_of("address", spellings)
}

/// Makes an entry that lives this many seconds.
pub(crate) fn add(list: &str, address: Prefix, seconds: u64, comment: &str) -> Sentence {
    Sentence::new(Family::of(address).pick(Path::ListAdd, Path::List6Add))
        .with("list", list)
        .with("address", prefix::network(address).to_string())
        .with("timeout", time_out(seconds))
        .with("comment", comment)
}

/// Lets entries live this many seconds from now.
pub(crate) fn set_time_out<'a>(
    family: Family,
    ids: impl IntoIterator<Item = &'a Id>,
    seconds: u64,
) -> Sentence {
    Sentence::new(family.pick(Path::ListSet, Path::List6Set))
        .of(ids)
        .with("timeout", time_out(seconds))
}

/// Takes entries away.
pub(crate) fn remove<'a>(family: Family, ids: impl IntoIterator<Item = &'a Id>) -> Sentence {
    Sentence::new(family.pick(Path::ListRemove, Path::List6Remove)).of(ids)
}

/// Never `0s`, which would be for ever: seconds come from a lease, which has at least one.
fn time_out(seconds: u64) -> String {
    format!("{}s", seconds.max(1))
}

/// An entry as it stands there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Entry {
    pub(crate) id: Id,
    /// One for each prefix of a range; none for a DNS name.
    pub(crate) addresses: Vec<Prefix>,
    pub(crate) comment: Text,
    pub(crate) left: Option<Duration>,
}

impl Entry {
    /// Reads an entry.
    ///
    /// # Errors
    ///
    /// If its id or its time-out cannot be read: an entry that lives for ever must not look like one that ends.
    pub(crate) fn read(row: Row<'_>) -> Result<Self, Malformed> {
        let [id, address, comment, left] = row.fields([".id", "address", "comment", "timeout"]);
        let address = String::from_utf8_lossy(address.unwrap_or_default());
        Ok(Self {
            id: row::id(id)?,
            addresses: prefix::parse_entry(&address),
            comment: text::decode(comment.unwrap_or_default()),
            left: row::duration("timeout", left)?,
        })
    }

    /// As the engine sees it: a row for each prefix.
    pub(crate) fn rows(
        self,
        tagger: &Tagger,
        generation: Generation,
    ) -> impl Iterator<Item = PermitRow> {
        let handle = generation.handle(&self.id);
        let tag = tagger.parse(&self.comment);
        let left = self.left;
        self.addresses.into_iter().map(move |address| PermitRow {
            handle: handle.clone(),
            tag: tag.clone(),
            address,
            left,
        })
    }
}
