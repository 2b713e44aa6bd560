//! A session: our record of one access, from request or tunnel-up to its end.
//!
//! A state holds only what it has, so an open session without an end cannot be written down, and every way into
//! [`SessionState::Opening`] takes a [`Confirmed`], which only the verification of an answer, an operator's word, or a
//! policy that asks for none can make.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    id::{AccountId, OfferId, RouterId, SessionId, UserId},
    time::Timestamp,
    tunnel::{Text, Tunnel},
};

mod challenge;
mod effect;
mod event;
mod step;
#[cfg(test)]
mod tests;

pub use challenge::{Answer, Asked, Challenge, ChallengeKind, Confirmed, Rejected};
pub use effect::{Effect, Out};
pub(crate) use event::same_caller;
pub use event::{Event, Reach};
pub(crate) use step::RESUMES;
pub use step::{Fresh, Ignored, Opening, Outcome, StepContext, step};

/// Counts changes of a session in the store; a commit wins only against the version it was made from.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Version(pub u64);

/// Our record of one access.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Session {
    /// Whose id this is.
    pub id: SessionId,
    /// The router whose tunnel it is about.
    pub router: RouterId,
    /// The login.
    pub account: AccountId,
    /// Whom questions go to. Fixed for the session's life: a re-linked account ends it.
    pub owner: UserId,
    /// Counts changes in the store.
    pub version: Version,
    /// When the record was made.
    pub opened_at: Timestamp,
    /// Made in observe mode: permits are virtual, ends are *would have been*.
    pub trial: bool,
    /// Where it stands.
    pub state: SessionState,
}

/// What a confirmed session has, whatever becomes of its tunnel.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Access {
    /// Why it may be open.
    pub confirmed: Confirmed,
    /// When it was confirmed; its duration counts from here.
    pub started_at: Timestamp,
    /// When it ends, whatever happens.
    pub expires_at: Timestamp,
    /// How often in a row it was resumed without a question.
    pub resumes: u8,
}

/// What is left of an ended session on the router: its tunnel, until a complete look no longer shows it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Remains {
    /// The tunnel. What was concluded about it holds until it is gone.
    pub tunnel: Arc<Tunnel>,
    /// Held in quarantine until then, and then cut; none = cut at once.
    pub hold_until: Option<Timestamp>,
}

/// Where a session stands.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionState {
    /// Asked for; its tunnel has not come up yet.
    Requested {
        /// The window's end.
        until: Timestamp,
        /// The account was seen enabled, and its owner told to connect.
        ready: bool,
    },
    /// Its tunnel is held, and its owner asked.
    Challenged {
        /// The one tunnel that is asked about.
        tunnel: Arc<Tunnel>,
        /// The question.
        challenge: Challenge,
    },
    /// Confirmed; the permit is not yet seen on the router.
    Opening {
        /// The confirmed tunnel.
        tunnel: Arc<Tunnel>,
        /// Why, and until when.
        access: Access,
        /// Since when it is opening: only a look begun later counts.
        since: Timestamp,
        /// When opening is given up; none while the router cannot be reached.
        give_up_at: Option<Timestamp>,
        /// A resume: its owner gets a notice, not a receipt.
        resumed: bool,
    },
    /// Open.
    Active {
        /// The tunnel that is let through.
        tunnel: Arc<Tunnel>,
        /// Why, and until when.
        access: Access,
        /// When the reminder is due.
        remind_at: Option<Timestamp>,
        /// Extension buttons that the owner asked for.
        offer: Option<OfferId>,
    },
    /// Open, and its owner reminded that it ends.
    Expiring {
        /// The tunnel that is let through.
        tunnel: Arc<Tunnel>,
        /// Why, and until when.
        access: Access,
        /// The reminder's buttons: used once.
        offer: OfferId,
    },
    /// Its tunnel is gone or given up; nothing is let through. A reconnect may resume it.
    Grace {
        /// The tunnel that was.
        tunnel: Arc<Tunnel>,
        /// Why, and until when; goes on running.
        access: Access,
        /// Until when a reconnect may resume it.
        until: Timestamp,
        /// A complete look no longer shows it. Until then it is a suspected ghost, to be cut.
        gone: bool,
    },
    /// Over. Nothing opens it again.
    Ended {
        /// Why.
        reason: EndReason,
        /// When.
        at: Timestamp,
        /// When it had been opened, if it was.
        started_at: Option<Timestamp>,
        /// Its tunnel, until it is gone.
        remains: Option<Remains>,
    },
}

/// Why a session ended. Stored by its place: what is new comes last.
#[non_exhaustive]
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// Nobody connected within the window.
    NeverConnected,
    /// "Not me".
    Denied,
    /// No answer before the deadline.
    Unanswered,
    /// The question could not be delivered.
    Undeliverable,
    /// The time was over.
    Expired,
    /// By its user.
    EndedByUser,
    /// By an operator.
    EndedByOperator,
    /// The tunnel went away.
    TunnelGone,
    /// A newer connection took its place.
    Replaced,
    /// Came up without a request, and nobody said it was theirs.
    Unrequested,
    /// The account, or it from this caller, is banned.
    Banned,
    /// The router did not open in time, or refused.
    NotOpened,
    /// Its user was paused.
    UserSuspended,
    /// The account is no longer its user's.
    AccountUnlinked,
    /// The account is no longer on the router.
    AccountGone,
    /// Somebody closed it on the router by hand.
    DisabledOnRouter,
    /// The router is no longer under control.
    RouterRemoved,
    /// The router closed it by itself, because it had not heard of mikro2fa for too long.
    ShutByRouter,
}

impl EndReason {
    /// Is a tunnel that is left cut at once? Otherwise it is held.
    #[must_use]
    pub const fn cuts(self) -> bool {
        !matches!(
            self,
            Self::Unanswered
                | Self::Undeliverable
                | Self::Unrequested
                | Self::Banned
                | Self::NotOpened
                | Self::RouterRemoved
        )
    }

    /// Its name in stored and served text.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NeverConnected => "never_connected",
            Self::Denied => "denied",
            Self::Unanswered => "unanswered",
            Self::Undeliverable => "undeliverable",
            Self::Expired => "expired",
            Self::EndedByUser => "ended_by_user",
            Self::EndedByOperator => "ended_by_operator",
            Self::TunnelGone => "tunnel_gone",
            Self::Replaced => "replaced",
            Self::Unrequested => "unrequested",
            Self::Banned => "banned",
            Self::NotOpened => "not_opened",
            Self::UserSuspended => "user_suspended",
            Self::AccountUnlinked => "account_unlinked",
            Self::AccountGone => "account_gone",
            Self::DisabledOnRouter => "disabled_on_router",
            Self::ShutByRouter => "shut_by_router",
            Self::RouterRemoved => "router_removed",
        }
    }
}

/// A state's name, for lists and counts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StateName {
    /// See [`SessionState::Requested`].
    Requested,
    /// See [`SessionState::Challenged`].
    Challenged,
    /// See [`SessionState::Opening`].
    Opening,
    /// See [`SessionState::Active`].
    Active,
    /// See [`SessionState::Expiring`].
    Expiring,
    /// See [`SessionState::Grace`].
    Grace,
    /// See [`SessionState::Ended`].
    Ended,
}

impl StateName {
    /// Its name in stored and served text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Challenged => "challenged",
            Self::Opening => "opening",
            Self::Active => "active",
            Self::Expiring => "expiring",
            Self::Grace => "grace",
            Self::Ended => "ended",
        }
    }
}

impl SessionState {
    /// Its name.
    #[must_use]
    pub const fn name(&self) -> StateName {
        match self {
            Self::Requested { .. } => StateName::Requested,
            Self::Challenged { .. } => StateName::Challenged,
            Self::Opening { .. } => StateName::Opening,
            Self::Active { .. } => StateName::Active,
            Self::Expiring { .. } => StateName::Expiring,
            Self::Grace { .. } => StateName::Grace,
            Self::Ended { .. } => StateName::Ended,
        }
    }
}

impl Session {
    /// The tunnel that it is about, as long as the router may still show it.
    #[must_use]
    pub const fn tunnel(&self) -> Option<&Arc<Tunnel>> {
        match &self.state {
            SessionState::Challenged { tunnel, .. }
            | SessionState::Opening { tunnel, .. }
            | SessionState::Active { tunnel, .. }
            | SessionState::Expiring { tunnel, .. }
            | SessionState::Grace {
                tunnel,
                gone: false,
                ..
            }
            | SessionState::Ended {
                remains: Some(Remains { tunnel, .. }),
                ..
            } => Some(tunnel),
            SessionState::Requested { .. }
            | SessionState::Grace { .. }
            | SessionState::Ended { .. } => None,
        }
    }

    /// What it has when it was confirmed and is not over.
    #[must_use]
    pub const fn access(&self) -> Option<&Access> {
        match &self.state {
            SessionState::Opening { access, .. }
            | SessionState::Active { access, .. }
            | SessionState::Expiring { access, .. }
            | SessionState::Grace { access, .. } => Some(access),
            _ => None,
        }
    }

    /// The tunnel that may be let through now, and until when. This is the one place that says so.
    #[must_use]
    pub fn lets_through(&self, now: Timestamp) -> Option<(&Arc<Tunnel>, Timestamp)> {
        match &self.state {
            SessionState::Opening { tunnel, access, .. }
            | SessionState::Active { tunnel, access, .. }
            | SessionState::Expiring { tunnel, access, .. }
                if access.expires_at > now =>
            {
                Some((tunnel, access.expires_at))
            }
            _ => None,
        }
    }

    /// Is it about a tunnel that nobody had asked for, and that was not confirmed so far?
    #[must_use]
    pub const fn is_asked_unrequested(&self) -> bool {
        match &self.state {
            SessionState::Challenged { challenge, .. } => {
                matches!(challenge.kind, ChallengeKind::Unrequested)
            }
            _ => false,
        }
    }

    /// Is it over?
    #[must_use]
    pub const fn is_ended(&self) -> bool {
        matches!(self.state, SessionState::Ended { .. })
    }

    /// Is it over, and nothing of it left on the router? Then the engine forgets it.
    #[must_use]
    pub const fn is_settled(&self) -> bool {
        matches!(self.state, SessionState::Ended { remains: None, .. })
    }

    /// Does it stop its account from being asked for again?
    #[must_use]
    pub const fn is_open(&self) -> bool {
        !self.is_ended()
    }

    /// A process takes it over. How long its router could be reached meanwhile nobody knows: what waits for that waits
    /// anew, from when the router answers.
    pub fn recovered(&mut self) {
        if let SessionState::Opening { give_up_at, .. } = &mut self.state {
            *give_up_at = None;
        }
    }

    /// When [`Event::DeadlineReached`] is due. Early or repeated calls do nothing.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        match &self.state {
            SessionState::Requested { until, .. } => Some(*until),
            SessionState::Challenged { challenge, .. } => challenge.due(),
            SessionState::Opening {
                access, give_up_at, ..
            } => Some(give_up_at.map_or(access.expires_at, |at| at.min(access.expires_at))),
            SessionState::Active {
                access, remind_at, ..
            } => Some(remind_at.map_or(access.expires_at, |at| at.min(access.expires_at))),
            SessionState::Expiring { access, .. } => Some(access.expires_at),
            SessionState::Grace { access, until, .. } => Some((*until).min(access.expires_at)),
            SessionState::Ended { remains, .. } => remains.as_ref().and_then(|r| r.hold_until),
        }
    }
}

/// One choice of the reminder: how much longer, and when the session would then end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Choice {
    /// How much is added, in minutes.
    pub minutes: u32,
    /// The new end.
    pub until: Timestamp,
}

impl Choice {
    /// How much is added.
    #[must_use]
    pub fn added(&self) -> Duration {
        Duration::from_secs(u64::from(self.minutes) * 60)
    }
}

/// Who did something, as the audit log and people see it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// The session's owner, in their own chat.
    Owner {
        /// Which person.
        user: UserId,
    },
    /// An operator.
    Operator {
        /// Their name.
        who: Text,
        /// The reason they gave; empty where none is asked for.
        reason: Text,
    },
    /// Somebody on the router, by hand.
    Router,
    /// mikro2fa itself: a deadline, a policy.
    Policy,
}
