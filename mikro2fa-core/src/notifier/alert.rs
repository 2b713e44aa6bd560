//! What operators are told.

use serde::{Deserialize, Serialize};

use crate::{
    id::UserId,
    time::Timestamp,
    tunnel::{Caller, Service, Text},
};

/// Something that operators are told.
#[non_exhaustive]
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "alert", rename_all = "snake_case")]
pub enum Alert {
    /// "Not me."
    Denied {
        /// From where.
        caller: Option<Caller>,
        /// How.
        service: Option<Service>,
        /// When the tunnel came up.
        at: Timestamp,
        /// When it was answered.
        answered: Timestamp,
        /// From where its owner was last known to come, and when.
        #[serde(default)]
        last: Option<(Text, Timestamp)>,
        /// Other accounts that logged in from there within a day.
        #[serde(default)]
        others: Vec<Text>,
    },
    /// Banned for unanswered questions.
    Banned {
        /// From where.
        caller: Option<Caller>,
        /// How many were not answered.
        count: u16,
        /// Until when.
        until: Timestamp,
    },
    /// Many attempts.
    CoolDown {
        /// How many in the hour.
        count: u16,
        /// Until when.
        until: Timestamp,
    },
    /// The router cannot be reached, or can again.
    Router {
        /// Reached?
        back: bool,
        /// Since when, or for how long, it was away.
        since: Timestamp,
        /// What it said, or what went wrong.
        why: Text,
    },
    /// The gate is not whole, or is again.
    Gate {
        /// Whole?
        whole: bool,
        /// What was found.
        finding: Text,
    },
    /// What was more open than wanted was closed.
    DriftClosed {
        /// What.
        what: Text,
    },
    /// What was closed by hand is left closed.
    DriftRespected {
        /// What.
        what: Text,
    },
    /// The router switched something off by itself, because it had not heard of mikro2fa for too long; it is left off.
    ShutByRouter {
        /// What.
        what: Text,
    },
    /// An entry on the permit list is not ours.
    ForeignPermit {
        /// Its address.
        address: Text,
        /// Its comment.
        comment: Text,
    },
    /// An address stands on the break-glass list.
    Emergency {
        /// Which.
        address: Text,
        /// Until when; none = for ever.
        until: Option<Timestamp>,
    },
    /// A confirmed tunnel could not be let in.
    NotOpened {
        /// Why.
        why: Text,
    },
    /// A person cannot be written to.
    UserUnreachable {
        /// What Telegram said.
        why: Text,
    },
    /// Tunnels of accounts that nobody owns are held.
    Unowned {
        /// Whose names.
        accounts: Vec<Text>,
    },
    /// Something on the router that is not ours to mend, and weakens it or stands in the way.
    Found {
        /// What.
        what: Text,
    },
    /// A difference on the router that several rounds did not mend.
    NotMended {
        /// Which.
        what: Text,
    },
    /// Somebody asks to be let in as a user.
    Registration {
        /// The name they gave.
        name: Text,
        /// What Telegram calls them.
        telegram_name: Text,
        /// Their numeric id.
        chat: i64,
    },
    /// A chat was linked by a code.
    Linked {
        /// What Telegram calls them.
        telegram_name: Text,
        /// Their numeric id.
        chat: i64,
    },
    /// Another program fetches this bot's updates.
    BotConflict,
    /// A chat was linked in the place of another, and the person in the other one objects. Both wait for an operator.
    Relinked {
        /// Whose link it is.
        user: UserId,
        /// Which link: later ones are not meant.
        generation: u32,
        /// The chat that is linked now.
        chat: i64,
        /// The chat that was linked before.
        before: i64,
    },
    /// What an alert was about is over: it is said in the alert's own message, to everybody who was told.
    Solved {
        /// What it was about.
        matter: Matter,
        /// What was done.
        act: Act,
        /// By whom.
        by: Text,
    },
}

impl Alert {
    /// One word for each kind. What repeats about the same subject is the same message; so is what solves it.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Denied { .. } => "denied",
            Self::Banned { .. } => "banned",
            Self::CoolDown { .. } => "cool-down",
            Self::Router { .. } => "router",
            Self::Gate { .. } => "gate",
            Self::DriftClosed { .. } => "drift-closed",
            Self::DriftRespected { .. } => "drift-respected",
            Self::ShutByRouter { .. } => "shut-by-router",
            Self::ForeignPermit { .. } => "foreign-permit",
            Self::Emergency { .. } => "emergency",
            Self::NotOpened { .. } => "not-opened",
            Self::UserUnreachable { .. } => "user-unreachable",
            Self::Unowned { .. } => "unowned",
            Self::Found { .. } => "found",
            Self::NotMended { .. } => "not-mended",
            Self::Registration { .. } => "registration",
            Self::Linked { .. } => "linked",
            Self::BotConflict => "bot-conflict",
            Self::Relinked { .. } => "relinked",
            Self::Solved { matter, .. } => match matter {
                Matter::Denied => "denied",
                Matter::Banned => "banned",
                Matter::Registration => "registration",
                Matter::Linked => "linked",
                Matter::Relinked => "relinked",
            },
        }
    }
}

/// What an alert that somebody has dealt with was about.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Matter {
    /// "Not me."
    Denied,
    /// A ban for unanswered questions.
    Banned,
    /// Somebody asked to be let in as a user.
    Registration,
    /// A chat was linked.
    Linked,
    /// A new link was objected to.
    Relinked,
}

/// What was done about it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// The ban was lifted.
    Unlocked,
    /// The ban stays.
    KeptLocked,
    /// Let in as a user.
    Approved,
    /// Not let in.
    Rejected,
    /// Taken back by the person.
    Withdrawn,
    /// The chat is no longer linked.
    Unlinked,
    /// The new link stays.
    LinkKept,
    /// The link went back to the chat before.
    LinkBack,
}
