//! The audit log: append-only, one entry for every transition, written in the same transaction as the session.
//!
//! Hashes and chains are the store's: an entry as the core makes it has none.

use serde::{Deserialize, Serialize};

use crate::{
    id::{AccountId, ChallengeId, RouterId, SessionId, UserId},
    session::{Actor, Answer, EndReason, Rejected, StateName},
    time::Timestamp,
    tunnel::{Caller, Text, TunnelKey},
};

/// One entry.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// The session it is about.
    pub session: Option<SessionId>,
    /// The router it is about.
    pub router: Option<RouterId>,
    /// The account it is about.
    pub account: Option<AccountId>,
    /// What happened.
    pub what: AuditKind,
}

/// What happened.
#[non_exhaustive]
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum AuditKind {
    /// A session changed its state.
    Transition {
        /// From.
        from: StateName,
        /// To.
        to: StateName,
        /// Who brought it about.
        actor: Actor,
    },
    /// A session was opened: asked for, or a tunnel came up.
    SessionOpened {
        /// In which state.
        state: StateName,
    },
    /// A question was put.
    Challenged {
        /// Which.
        challenge: ChallengeId,
        /// About which tunnel.
        tunnel: TunnelKey,
        /// From where that comes.
        caller: Option<Caller>,
    },
    /// An answer was counted.
    Answered {
        /// To which question.
        challenge: ChallengeId,
        /// What.
        answer: Answer,
        /// By whom.
        by: UserId,
    },
    /// An answer, or several in the last minute, changed nothing.
    AnswersIgnored {
        /// Why.
        why: Rejected,
        /// How many.
        count: u32,
    },
    /// The end was moved.
    Extended {
        /// By how many minutes.
        minutes: u32,
        /// To when.
        until: Timestamp,
        /// By whom.
        actor: Actor,
    },
    /// A session ended.
    Ended {
        /// Why.
        reason: EndReason,
        /// By whom.
        actor: Actor,
        /// In observe mode: it *would have been* closed.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        trial: bool,
    },
    /// The session's router is only observed from then on, or enforced.
    ModeChanged {
        /// Only observed?
        trial: bool,
    },
    /// A gate was seen switched, as an operator had ordered.
    GateSwitched {
        /// Is it shut now?
        enabled: bool,
        /// When that was ordered.
        ordered_at: Timestamp,
    },
    /// A tunnel was held, cut or passed without a session.
    Judged {
        /// Which tunnel.
        tunnel: TunnelKey,
        /// The login's name.
        account: Text,
        /// What became of it.
        verdict: Text,
    },
    /// Somebody was banned.
    Banned {
        /// From where; none = the whole account.
        caller: Option<Caller>,
        /// Until when; none = until lifted.
        until: Option<Timestamp>,
    },
    /// A ban was lifted.
    Unbanned {
        /// By whom.
        actor: Actor,
    },
    /// What is more open on a router than it should be was closed.
    Closed {
        /// What.
        what_was_open: Text,
    },
    /// Something was changed at the desk.
    Desk {
        /// Who.
        actor: Actor,
        /// What, in words.
        change: Text,
    },
}
