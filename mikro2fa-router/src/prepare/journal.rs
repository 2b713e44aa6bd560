//! What was done to a router, and what was there before.
//!
//! Each deed is written down before its command is sent, so that whatever is cut in between, there is no change on the router
//! that the journal does not know of. A deed that was begun and not done may or may not have happened: taking back looks at
//! the router, and both cases are met.

use async_trait::async_trait;
use mikro2fa_core::store::StoreError;
use serde::{Deserialize, Serialize};

use super::step::{Act, Key, Menu, Step};

/// A change on a router, with what it takes to undo it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "did", rename_all = "snake_case")]
pub enum Deed {
    /// Made a row.
    Added {
        /// In the menu of this path.
        menu: String,
        /// What it is found by.
        key: Key,
    },
    /// Changed rows.
    Changed {
        /// In the menu of this path.
        menu: String,
        /// Which.
        keys: Vec<Key>,
        /// What they had; empty = nothing.
        before: Vec<(String, String)>,
        /// What they got. No secret: what it replaced cannot be had back either.
        after: Vec<(String, String)>,
    },
}

impl Deed {
    /// What a step does, if it is anything that has to be undone: what takes away or moves only what prepare made itself
    /// is not.
    #[must_use]
    pub fn of(step: &Step) -> Option<Self> {
        let menu = step.menu.path().to_owned();
        match &step.act {
            Act::Add { key, .. } => Some(Self::Added {
                menu,
                key: key.clone(),
            }),
            Act::Set {
                keys,
                before,
                after,
            } => {
                let owned = |text: &str| text.to_owned();
                let after = after.iter().filter(|(name, _)| *name != "password");
                (!before.is_empty()).then(|| Self::Changed {
                    menu,
                    keys: keys.clone(),
                    before: before.iter().map(|(n, v)| (owned(n), owned(v))).collect(),
                    after: after
                        .map(|(n, v)| (owned(n), v.shown().into_owned()))
                        .collect(),
                })
            }
            Act::Remove { .. } | Act::Move { .. } | Act::Sign { .. } => None,
        }
    }

    /// The menu; none if this version of the program does not know it.
    #[must_use]
    pub fn menu(&self) -> Option<Menu> {
        match self {
            Self::Added { menu, .. } | Self::Changed { menu, .. } => Menu::of(menu),
        }
    }
}

/// A deed with its number.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Counts up from 1, in the order in which things were begun.
    pub number: u32,
    /// What.
    pub deed: Deed,
    /// Was it answered and read back? If not, it may or may not have happened.
    pub done: bool,
}

/// Where deeds are written down; of one router.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Writes down what is about to be done, durably, before it returns; its number.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: then nothing must be done.
    async fn begin(&self, deed: &Deed) -> Result<u32, StoreError>;

    /// It was done, and seen.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: then it stays begun, which is no less safe.
    async fn done(&self, number: u32) -> Result<(), StoreError>;

    /// All that was begun, in its order.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    async fn entries(&self) -> Result<Vec<Entry>, StoreError>;

    /// All of it was taken back: it is forgotten.
    ///
    /// # Errors
    ///
    /// [`StoreError`].
    async fn forget(&self) -> Result<(), StoreError>;
}

/// A journal in memory, for tests and for whoever keeps none: what it knows is lost with the process.
#[derive(Debug, Default)]
pub struct MemoryJournal(std::sync::Mutex<Vec<Entry>>);

impl MemoryJournal {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Entry>> {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[async_trait]
impl Journal for MemoryJournal {
    async fn begin(&self, deed: &Deed) -> Result<u32, StoreError> {
        let mut entries = self.lock();
        let number = entries
            .last()
            .map_or(1, |last| last.number.saturating_add(1));
        entries.push(Entry {
            number,
            deed: deed.clone(),
            done: false,
        });
        Ok(number)
    }

    async fn done(&self, number: u32) -> Result<(), StoreError> {
        let mut entries = self.lock();
        let entry = entries.iter_mut().find(|entry| entry.number == number);
        entry
            .map(|entry| entry.done = true)
            .ok_or(StoreError::NotFound("journal entry"))
    }

    async fn entries(&self) -> Result<Vec<Entry>, StoreError> {
        Ok(self.lock().clone())
    }

    async fn forget(&self) -> Result<(), StoreError> {
        self.lock().clear();
        Ok(())
    }
}
