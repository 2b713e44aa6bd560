//! All that can happen to a session.

use std::sync::Arc;

use crate::{
    id::{ChallengeId, OfferId, UserId},
    session::{Actor, Answer, ChallengeKind, Confirmed, EndReason},
    time::Timestamp,
    tunnel::{Caller, Text, Tunnel},
};

/// Can something be reached?
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reach {
    /// It answers.
    Back,
    /// It does not.
    Away,
}

/// Something that has happened. Nothing here is believed further than its own words.
#[non_exhaustive]
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// The account was seen enabled: its owner may connect.
    AccountReady,
    /// Access was asked for again while this request is open.
    RequestedAgain,
    /// A tunnel of this session's account came up, and belongs to this session. `first_time` = from a new caller.
    TunnelUp {
        /// The tunnel, with an address.
        tunnel: Arc<Tunnel>,
        /// What made us ask, if a question follows.
        kind: ChallengeKind,
        /// The caller was not seen for this account within 90 days.
        first_time: bool,
    },
    /// A complete look no longer shows the session's tunnel, or shows another in its place.
    TunnelGone,
    /// A new tunnel of the same account, caller and service is up: the session's own is a suspected ghost.
    GhostSuspected,
    /// A reconnect that needs no question, by the rules of resuming.
    Resumed {
        /// The new tunnel.
        tunnel: Arc<Tunnel>,
    },
    /// Telegram accepted the question.
    Delivered {
        /// Which.
        challenge: ChallengeId,
    },
    /// Telegram refused the question for good: the chat cannot be written to.
    Undeliverable {
        /// Which.
        challenge: ChallengeId,
    },
    /// Answers cannot be fetched from Telegram.
    MessengerAway {
        /// Since when: the last time that they could.
        since: Timestamp,
    },
    /// Answers can be fetched again.
    MessengerBack,
    /// The router answers, or does not.
    Router(Reach),
    /// The held tunnel of an ended session is judged anew: its owner asked for access.
    Released,
    /// The router is only observed from now on (`trial`), or enforced: what was virtual is real.
    ModeChanged {
        /// Only observed?
        trial: bool,
    },
    /// Somebody answered.
    Answered {
        /// Which question.
        challenge: ChallengeId,
        /// What.
        answer: Answer,
        /// Who; compared with the owner here.
        by: UserId,
    },
    /// The owner says of an open or resumed session that it is not theirs.
    NotMe {
        /// Who; compared with the owner here.
        by: UserId,
    },
    /// An operator lets this very tunnel in.
    LetIn {
        /// The proof, with who and why.
        confirmed: Confirmed,
        /// Until when, instead of the policy's duration.
        until: Option<Timestamp>,
    },
    /// The second look saw the same tunnel and its permit.
    Opened,
    /// The router refused the permit.
    Refused {
        /// In the router's words; told to operators only.
        why: Text,
    },
    /// The permit is gone, and neither a lapsed lease nor a reboot explains it: somebody closed it by hand.
    PermitTaken,
    /// What an open session's card says of the time left is to be true again.
    CardWanted,
    /// The owner asked for extension buttons.
    OfferWanted,
    /// An extension was chosen.
    Extended {
        /// The buttons it was chosen from; none = by an operator.
        offer: Option<OfferId>,
        /// By how many minutes.
        minutes: u32,
        /// Who.
        by: Actor,
    },
    /// It is ended from outside.
    End {
        /// Why.
        reason: EndReason,
        /// Who.
        by: Actor,
    },
    /// A deadline may be reached: see [`crate::session::Session::deadline`].
    DeadlineReached,
}

/// What a caller is compared by: nobody shares an unknown one.
#[must_use]
pub(crate) fn same_caller(a: Option<&Caller>, b: Option<&Caller>) -> bool {
    matches!((a, b), (Some(a), Some(b)) if a == b)
}
