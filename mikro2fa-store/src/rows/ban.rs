//! Bans, and what is remembered of accounts.

use mikro2fa_core::{
    ban::Ban,
    store::{BanChange, StoreError},
};

use crate::rows::{from_json, json, millis};

/// A change to a ban, as it is written.
#[derive(Clone, Debug)]
pub(crate) enum BanWrite {
    /// It holds.
    Put {
        id: String,
        account: String,
        until: Option<i64>,
        ban: String,
    },
    /// It goes.
    Lift(String),
}

impl BanWrite {
    pub(crate) fn new(change: &BanChange) -> Result<Self, StoreError> {
        Ok(match change {
            BanChange::Put(ban) => Self::Put {
                id: ban.id.to_string(),
                account: ban.account.to_string(),
                until: millis(ban.until),
                ban: json(ban)?,
            },
            BanChange::Lift(id) => Self::Lift(id.to_string()),
        })
    }

    /// Which ban.
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::Put { id, .. } | Self::Lift(id) => id,
        }
    }
}

/// The ban of a row.
pub(crate) fn ban(text: &str) -> Result<Ban, StoreError> {
    from_json("a ban", text)
}
