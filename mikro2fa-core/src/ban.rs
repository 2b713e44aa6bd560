//! Bans: of an account, or of an account from one caller, until a time or until an operator lifts it.
//!
//! A ban is enforced after login, because a router knows the name only then: the tunnel is up, reaches nothing, and
//! is not asked about.

use serde::{Deserialize, Serialize};

use crate::{
    id::{AccountId, BanId},
    time::Timestamp,
    tunnel::{Caller, Text},
};

/// Whom a ban is about. Never a caller alone: that would hit everybody behind one NAT.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "scope", rename_all = "snake_case")]
pub enum BanScope {
    /// The account, wherever it comes from: after "not me". Lifted by an operator only.
    Account,
    /// The account from one caller: after unanswered questions. Its owner's own request lifts it.
    Caller {
        /// From where; none = where no caller is known.
        caller: Option<Caller>,
    },
}

/// A ban.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Ban {
    /// Whose id this is.
    pub id: BanId,
    /// Which account.
    pub account: AccountId,
    /// All of it, or from one caller.
    #[serde(flatten)]
    pub scope: BanScope,
    /// Since when.
    pub at: Timestamp,
    /// Until when; none = until lifted.
    pub until: Option<Timestamp>,
    /// Why, for people.
    pub note: Text,
}

impl Ban {
    /// Does it hold for a tunnel of its account from `caller`, now?
    #[must_use]
    pub fn covers(&self, caller: Option<&Caller>, now: Timestamp) -> bool {
        let time = self.until.is_none_or(|until| now < until);
        time && match &self.scope {
            BanScope::Account => true,
            BanScope::Caller { caller: banned } => banned.as_ref() == caller,
        }
    }

    /// May its account's owner lift it by asking for access?
    #[must_use]
    pub const fn owner_lifts(&self) -> bool {
        matches!(self.scope, BanScope::Caller { .. })
    }
}
