//! Port to people: what is said, to whom, and how; never in which words.
//!
//! A **card** is the one message that stands for a session. It is edited when it only informs, and moved (sent anew
//! with sound, the old one deleted) when it asks. A **notice** is said once.

mod alert;

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    id::{AccountId, ChallengeId, OfferId, OutboxId, RouterId, SessionId, UserId},
    retry::Retry,
    session::{Choice, EndReason},
    store::Receipt,
    time::Timestamp,
    tunnel::{Caller, Service, Text},
};
pub use alert::{Act, Alert, Matter};

/// How a card reaches its reader.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// The card's message is edited: no sound, ever. Sent silently if there is none yet.
    Edit,
    /// Sent anew without sound, the old one deleted.
    MoveSilently,
    /// Sent anew with sound, the old one deleted: somebody has to act.
    Move,
}

/// A remark in a question.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(tag = "remark", rename_all = "snake_case")]
pub enum Remark {
    /// None.
    #[default]
    None,
    /// Asked again.
    Again {
        /// For the how-manieth time.
        n: u8,
        /// Of how many at most.
        max: u8,
    },
    /// The question is now about a newer tunnel.
    Replaced {
        /// How many others there were.
        others: u16,
    },
    /// Answers could not reach us for a while.
    AfterGap,
}

/// What a question tells.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Question {
    /// Answers name it.
    pub challenge: ChallengeId,
    /// Which question it is.
    pub kind: QuestionKind,
    /// From where the tunnel comes.
    pub caller: Option<Caller>,
    /// How.
    pub service: Service,
    /// Since when it is up.
    pub at: Timestamp,
    /// Answers count until then.
    pub deadline: Timestamp,
    /// From a caller not seen for this account within 90 days.
    pub first_time: bool,
    /// Before its request was ready.
    pub early: bool,
    /// A remark.
    pub remark: Remark,
    /// Observe mode: nothing is blocked.
    pub trial: bool,
}

/// Which question.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "question", rename_all = "snake_case")]
pub enum QuestionKind {
    /// "Was it you?"
    Requested,
    /// "Not requested. Was it you?"
    Unrequested,
    /// "Is this you?", of a tunnel from before.
    Adopted,
    /// "Was this you too?", of a second tunnel.
    Second {
        /// Where the open one comes from.
        other: Option<Caller>,
    },
}

/// A remark on an open session's card.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(tag = "note", rename_all = "snake_case")]
pub enum OpenNote {
    /// None.
    #[default]
    None,
    /// Its end was moved.
    Extended {
        /// By how many minutes.
        minutes: u32,
    },
    /// The router cannot be reached.
    NoContact,
    /// None: only the time that is left has changed.
    Left,
    /// An operator let it in.
    LetIn {
        /// Who.
        operator: Text,
        /// Why.
        reason: Text,
    },
}

/// How far cutting got.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Closing {
    /// Asked of the router.
    Pending,
    /// Seen gone.
    Done,
    /// The router cannot be reached.
    NoContact,
}

/// What the card of a session shows now.
#[non_exhaustive]
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "card", rename_all = "snake_case")]
pub enum Card {
    /// Access was asked for; not ready yet.
    Preparing,
    /// Connect now.
    ConnectNow {
        /// Within which time.
        until: Timestamp,
    },
    /// The router cannot be reached; the request is kept.
    RequestedNoContact {
        /// Until when.
        until: Timestamp,
    },
    /// The question.
    Question(Question),
    /// A yes counted.
    Opening,
    /// A yes counted, and the router cannot be reached.
    OpeningNoContact,
    /// Open.
    Open {
        /// Until when.
        until: Timestamp,
        /// From where.
        caller: Option<Caller>,
        /// Since when.
        since: Timestamp,
        /// A remark.
        note: OpenNote,
        /// "Not me" is offered until then.
        not_me_until: Option<Timestamp>,
    },
    /// A reconnect without a question.
    Resumed {
        /// From where.
        caller: Option<Caller>,
        /// When.
        at: Timestamp,
        /// Open until when.
        until: Timestamp,
    },
    /// It ends soon; extend?
    Reminder {
        /// When it ends.
        until: Timestamp,
        /// The buttons' id, used once.
        offer: OfferId,
        /// What can be chosen; may be none.
        choices: Vec<Choice>,
    },
    /// The tunnel is gone; a reconnect may resume.
    Grace {
        /// Within which time.
        until: Timestamp,
    },
    /// "Not me."
    Denied {
        /// From where it came.
        caller: Option<Caller>,
        /// When it came up.
        at: Timestamp,
        /// How far cutting got.
        closing: Closing,
        /// Observe mode: nothing is closed.
        #[serde(default)]
        trial: bool,
    },
    /// Another card stands for what this one was about: it goes.
    Superseded,
    /// Over.
    Ended {
        /// Why.
        reason: EndReason,
        /// By an operator, with this reason.
        note: Text,
        /// When it had been opened; none if it never was.
        since: Option<Timestamp>,
        /// When it ended.
        at: Timestamp,
        /// From where its tunnel came.
        caller: Option<Caller>,
        /// The tunnel is still held: "it is me" can be offered.
        held: bool,
        /// Observe mode: it *would have been* closed.
        trial: bool,
    },
}

/// Something that is said to a user once.
#[non_exhaustive]
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "inform", rename_all = "snake_case")]
pub enum Inform {
    /// A second tunnel was refused.
    SecondRefused {
        /// From where.
        caller: Option<Caller>,
        /// When.
        at: Timestamp,
    },
    /// Too many attempts: not asked about until then.
    CoolDown {
        /// How many in the hour.
        count: u16,
        /// Until when.
        until: Timestamp,
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
    /// A ban is lifted.
    BanLifted,
    /// An operator undid a "not me".
    Unlocked {
        /// Who.
        operator: Text,
        /// When.
        at: Timestamp,
    },
    /// The account is now theirs, or no longer.
    Bound {
        /// Theirs now?
        now: bool,
    },
    /// Paused by an operator, or back.
    Suspended {
        /// Paused?
        now: bool,
        /// Why.
        reason: Text,
    },
    /// The registration was approved.
    Approved {
        /// Which accounts came with it.
        accounts: Vec<Text>,
    },
}

/// Who and where a message is about, in names.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Subject {
    /// The session, where it is about one.
    pub session: Option<SessionId>,
    /// The account, where it is about one.
    pub account_id: Option<AccountId>,
    /// The router, where it is about one.
    pub router_id: Option<RouterId>,
    /// The account's name.
    pub account: Text,
    /// The router's name.
    pub router: Text,
    /// The person's name.
    pub person: Text,
}

/// One message.
#[non_exhaustive]
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "notice", rename_all = "snake_case")]
pub enum Notice {
    /// The card of a session.
    Card {
        /// To whom.
        user: UserId,
        /// What it shows.
        card: Card,
        /// How it comes.
        delivery: Delivery,
        /// Names.
        subject: Subject,
    },
    /// Said to a user once.
    Inform {
        /// To whom.
        user: UserId,
        /// What.
        inform: Inform,
        /// Names.
        subject: Subject,
    },
    /// Said to the operators.
    Alert {
        /// What.
        alert: Alert,
        /// Names.
        subject: Subject,
        /// When it happened.
        at: Timestamp,
    },
}

impl Notice {
    /// The question it puts, if it puts one.
    #[must_use]
    pub const fn question(&self) -> Option<(SessionId, ChallengeId)> {
        match self {
            Self::Card {
                card: Card::Question(question),
                subject,
                ..
            } => match subject.session {
                Some(session) => Some((session, question.challenge)),
                None => None,
            },
            _ => None,
        }
    }

    /// To whom it goes; none = to the operators.
    #[must_use]
    pub const fn user(&self) -> Option<UserId> {
        match self {
            Self::Card { user, .. } | Self::Inform { user, .. } => Some(*user),
            Self::Alert { .. } => None,
        }
    }
}

/// Why a message did not get through.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotifierError {
    /// Too fast. Not before then.
    #[error("slow down for {0:?}")]
    SlowDown(Duration),
    /// The chat cannot be written to: blocked, deleted, never linked.
    #[error("the chat cannot be reached: {0}")]
    Gone(Text),
    /// The message to change is not there any more.
    #[error("the message to change is not there any more")]
    MessageGone,
    /// It may have been sent.
    #[error("no answer: it may have been sent")]
    OutcomeUnknown,
    /// The messenger cannot be reached.
    #[error("the messenger cannot be reached: {0}")]
    Unavailable(Text),
    /// Refused for good.
    #[error("the messenger refused: {0}")]
    Refused(Text),
}

impl NotifierError {
    /// Again or not?
    #[must_use]
    pub const fn retry(&self) -> Retry {
        match self {
            Self::SlowDown(pause) => Retry::After(*pause),
            Self::OutcomeUnknown | Self::Unavailable(_) => Retry::After(Duration::from_secs(1)),
            Self::MessageGone => Retry::Now,
            Self::Gone(_) | Self::Refused(_) => Retry::Never,
        }
    }
}

/// Says things to people.
///
/// Contract, each a case of the conformance suite: `deliver` with a receipt edits or moves that message; a message
/// that has gone is sent anew; the same content twice is no error; after [`NotifierError::OutcomeUnknown`] a question
/// may be repeated once, and is then the same question.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Notifier: Send + Sync {
    /// Sends, or changes what `previous` names. The receipt is stored, and given back with the next message of the
    /// same lane.
    ///
    /// # Errors
    ///
    /// See [`NotifierError`]; [`NotifierError::retry`] says whether to try again.
    async fn deliver(
        &self,
        id: OutboxId,
        notice: &Notice,
        previous: Option<Receipt>,
    ) -> Result<Receipt, NotifierError>;
}
