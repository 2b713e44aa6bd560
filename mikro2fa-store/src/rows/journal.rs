//! What was done to a router.

use diesel::prelude::*;
use mikro2fa_core::{directory::JournalEntry, store::StoreError, time::Timestamp};

use crate::{
    rows::{count, id, plain},
    schema::router_journal,
};

#[derive(Queryable, Insertable, Debug)]
#[diesel(table_name = router_journal)]
pub(crate) struct JournalRow {
    pub(crate) router_id: String,
    pub(crate) number: i64,
    deed: String,
    done: bool,
    at: i64,
}

impl JournalRow {
    pub(crate) fn new(entry: &JournalEntry) -> Result<Self, StoreError> {
        Ok(Self {
            router_id: entry.router.to_string(),
            number: entry.number.into(),
            deed: plain(&entry.deed)?,
            done: entry.done,
            at: entry.at.millis(),
        })
    }

    pub(crate) fn entry(self) -> Result<JournalEntry, StoreError> {
        Ok(JournalEntry {
            router: id("a journal's router", &self.router_id)?,
            number: count("a journal's number", self.number)?,
            deed: self.deed.into(),
            done: self.done,
            at: Timestamp(self.at),
        })
    }
}
