//! What was done to a router, in the database: written down before it is done.

use async_trait::async_trait;
use mikro2fa_core::{
    directory::{DeskChange, JournalEntry},
    id::RouterId,
    store::StoreError,
};
use mikro2fa_router::prepare::{Deed, Entry, Journal};

use super::Desk;

/// A router's journal.
pub(super) struct DeskJournal<'a> {
    pub(super) desk: &'a Desk<'a>,
    pub(super) router: RouterId,
}

impl DeskJournal<'_> {
    async fn read(&self) -> Result<Vec<JournalEntry>, StoreError> {
        self.desk.directory.journal(self.router).await
    }

    async fn write(&self, change: DeskChange) -> Result<(), StoreError> {
        self.desk.directory.change(vec![change], Vec::new()).await
    }
}

#[async_trait]
impl Journal for DeskJournal<'_> {
    async fn begin(&self, deed: &Deed) -> Result<u32, StoreError> {
        let entries = self.read().await?;
        let last = entries.iter().map(|entry| entry.number).max();
        let number = last.unwrap_or(0).saturating_add(1);
        let deed = serde_json::to_string(deed).map_err(|error| unreadable(number, &error))?;
        self.write(DeskChange::PutJournal(JournalEntry {
            router: self.router,
            number,
            deed: deed.into(),
            done: false,
            at: self.desk.now,
        }))
        .await?;
        Ok(number)
    }

    async fn done(&self, number: u32) -> Result<(), StoreError> {
        let entries = self.read().await?;
        let entry = entries.into_iter().find(|entry| entry.number == number);
        let entry = entry.ok_or(StoreError::NotFound("journal entry"))?;
        self.write(DeskChange::PutJournal(JournalEntry {
            done: true,
            ..entry
        }))
        .await
    }

    async fn entries(&self) -> Result<Vec<Entry>, StoreError> {
        let read = |entry: JournalEntry| {
            let deed = serde_json::from_str(&entry.deed)
                .map_err(|error| unreadable(entry.number, &error))?;
            Ok(Entry {
                number: entry.number,
                deed,
                done: entry.done,
            })
        };
        self.read().await?.into_iter().map(read).collect()
    }

    async fn forget(&self) -> Result<(), StoreError> {
        self.write(DeskChange::ForgetJournal(self.router)).await
    }
}

fn unreadable(number: u32, error: &serde_json::Error) -> StoreError {
    StoreError::Conflict(
        format!("entry {number} of the router's journal is of another version: {error}").into(),
    )
}
