//! Port to the database: the hot path. The desk has its own, [`crate::directory::Directory`].

use std::{fmt, time::Duration};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::{
    audit::AuditEntry,
    ban::Ban,
    book::Book,
    id::{AccountId, BanId, CommitId, NodeId, OutboxId, RouterId, SessionId},
    notifier::Notice,
    retry::Retry,
    router_backend::Fence,
    session::{Session, Version},
    time::Timestamp,
    tunnel::Text,
};

/// Rows of one lane go out one after the other; a later row of the same card replaces one not sent yet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Lane(pub Text);

impl Lane {
    /// The card of a session.
    #[must_use]
    pub fn card(session: SessionId) -> Self {
        Self(format!("card {session}").into())
    }

    /// Notices to one user.
    #[must_use]
    pub fn user(user: crate::id::UserId) -> Self {
        Self(format!("user {user}").into())
    }

    /// One subject of alerts: repeats edit the same message.
    #[must_use]
    pub fn alert(subject: &str) -> Self {
        Self(format!("alert {subject}").into())
    }

    /// Does a later row replace one that was not sent yet?
    #[must_use]
    pub fn is_card(&self) -> bool {
        self.0.starts_with("card ")
    }
}

/// What goes out first: the lanes of delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// New questions.
    Question,
    /// Taking buttons away, closing edits.
    Closing,
    /// Resends, reminders, security alerts.
    Reminder,
    /// Answers to commands.
    Reply,
    /// Notices, other alerts.
    Info,
    /// Countdowns.
    Least,
}

impl Priority {
    /// As stored: smaller goes first.
    #[must_use]
    pub const fn rank(self) -> i16 {
        match self {
            Self::Question => 1,
            Self::Closing => 2,
            Self::Reminder => 3,
            Self::Reply => 4,
            Self::Info => 5,
            Self::Least => 6,
        }
    }
}

/// What the notifier gave back for a message: names it when it is to be changed. Opaque to all but the notifier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Receipt(pub Text);

/// One message to be delivered, at least once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxRow {
    /// Whose id this is; sorts by when it was made.
    pub id: OutboxId,
    /// What it must not overtake.
    pub lane: Lane,
    /// What goes out first.
    pub priority: Priority,
    /// What.
    pub notice: Notice,
    /// Not before then.
    pub due: Timestamp,
    /// Dropped unsent after then.
    pub useless_after: Option<Timestamp>,
    /// How often it was tried.
    pub attempt: u32,
    /// The receipt of its lane's last message; filled in by the claim.
    pub previous: Option<Receipt>,
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// Delivered.
    Delivered(Receipt),
    /// Not worth sending any more.
    Useless,
    /// To be tried again.
    Later {
        /// When.
        due: Timestamp,
        /// Why.
        reason: Text,
    },
    /// Given up.
    Dead {
        /// Why.
        reason: Text,
    },
}

/// A change to a ban.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BanChange {
    /// It holds.
    Put(Ban),
    /// It no longer does.
    Lift(BanId),
}

/// All of it or none of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// So that it can be sent again.
    pub id: CommitId,
    /// The right to act; lapsed or taken over = [`Committed::Fenced`].
    pub fence: Option<Fence>,
    /// Sessions, each with the version it was stepped from; none = new.
    pub sessions: Vec<(Option<Version>, Session)>,
    /// What is remembered of accounts.
    pub books: Vec<(AccountId, Book)>,
    /// Bans.
    pub bans: Vec<BanChange>,
    /// The audit log's entries, in order.
    pub audit: Vec<AuditEntry>,
    /// Messages.
    pub outbox: Vec<OutboxRow>,
    /// What became of messages, settled with what follows from it.
    pub settled: Vec<(OutboxId, Sent)>,
    /// The order to switch the fence's gate that was seen done, by when it was given: it is forgotten.
    pub gate_done: Option<Timestamp>,
    /// The update from outside that this answers, so that the same one twice is [`Committed::Repeated`].
    pub update: Option<Text>,
}

impl Commit {
    /// An empty one.
    #[must_use]
    pub const fn new(id: CommitId, fence: Option<Fence>) -> Self {
        Self {
            id,
            fence,
            sessions: Vec::new(),
            books: Vec::new(),
            bans: Vec::new(),
            audit: Vec::new(),
            outbox: Vec::new(),
            settled: Vec::new(),
            gate_done: None,
            update: None,
        }
    }
}

/// What became of one commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Committed {
    /// Durable.
    Done,
    /// This very commit, or its update, was there already; nothing changed.
    Repeated,
    /// A session has another version; nothing changed.
    Conflict {
        /// Which.
        session: SessionId,
    },
    /// The right to act has gone; nothing changed.
    Fenced,
    /// It cannot be written; nothing changed.
    Refused(Text),
}

/// Why the database could not be asked.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Somebody else holds it.
    #[error("the database is busy")]
    Busy,
    /// It does not answer.
    #[error("the database cannot be reached: {0}")]
    Unavailable(Text),
    /// The connection broke while committing.
    #[error("the connection broke while committing: it may have been done")]
    OutcomeUnknown,
    /// No space left.
    #[error("the disk is full")]
    Full,
    /// It does not read as it was written.
    #[error("the database is damaged: {0}")]
    Corrupt(Text),
    /// Made by a later version.
    #[error(
        "the database is newer than this program: use the program that wrote it, or a later one"
    )]
    Newer,
    /// No such thing.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// It goes against what is there.
    #[error("{0}")]
    Conflict(Text),
    /// A secret could not be opened with this key.
    #[error("a secret cannot be opened with this key: {0}")]
    Sealed(Text),
}

impl StoreError {
    /// Again or not?
    #[must_use]
    pub const fn retry(&self) -> Retry {
        match self {
            Self::Busy | Self::OutcomeUnknown => Retry::Now,
            Self::Unavailable(_) | Self::Full => Retry::After(Duration::from_secs(1)),
            _ => Retry::Never,
        }
    }
}

/// Asks for messages to deliver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Who asks.
    pub node: NodeId,
    /// How many at most.
    pub at_most: usize,
    /// Nobody else gets them until then.
    pub until: Timestamp,
    /// Now.
    pub now: Timestamp,
}

/// What a start reads of one router beside its sessions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// What is remembered of accounts.
    pub books: Vec<(AccountId, Book)>,
    /// Bans that hold.
    pub bans: Vec<Ban>,
}

/// What the engine needs of a database.
///
/// Contract, each a case of the conformance suite: `commit` is all or nothing for each [`Commit`], one transaction for
/// the group, a loser harms no other, the same [`CommitId`] or update twice is `Repeated`, a dropped future does not
/// undo it; `claim_outbox` gives a row to one node until `until`, one row of a lane at a time and in order, the
/// highest priority first, and drops rows of a card that have a later one.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Store: Send + Sync + fmt::Debug {
    /// One database transaction for the group; one result for each, in order. Not cancelled by dropping the future.
    /// After [`StoreError::OutcomeUnknown`] the same commits are sent again: `Repeated` or `Done`.
    ///
    /// # Errors
    ///
    /// See [`StoreError`]; nothing of the group was written, except after `OutcomeUnknown`.
    async fn commit(&self, group: &[Commit]) -> Result<Vec<Committed>, StoreError>;

    /// One session, ended or not.
    ///
    /// # Errors
    ///
    /// See [`StoreError`].
    async fn session(&self, id: SessionId) -> Result<Option<Session>, StoreError>;

    /// Sessions of a router that are not settled, in the order of their ids, after `after`: what a start reads.
    ///
    /// # Errors
    ///
    /// See [`StoreError`].
    async fn open_sessions(
        &self,
        router: RouterId,
        after: Option<SessionId>,
        limit: usize,
    ) -> Result<Vec<Session>, StoreError>;

    /// What is remembered of the accounts that a router's sources decide.
    ///
    /// # Errors
    ///
    /// See [`StoreError`].
    async fn memory(&self, router: RouterId) -> Result<Memory, StoreError>;

    /// Messages that are due.
    ///
    /// # Errors
    ///
    /// See [`StoreError`].
    async fn claim_outbox(&self, claim: &Claim) -> Result<Vec<OutboxRow>, StoreError>;

    /// When the next message is due, if any is waiting and not claimed.
    ///
    /// # Errors
    ///
    /// See [`StoreError`].
    async fn outbox_due(&self) -> Result<Option<Timestamp>, StoreError>;

    /// What became of claimed messages.
    ///
    /// # Errors
    ///
    /// See [`StoreError`].
    async fn settle_outbox(
        &self,
        node: NodeId,
        sent: &[(OutboxId, Sent)],
    ) -> Result<(), StoreError>;

    /// Takes routers that are free or whose owner's lease lapsed, and renews ours, at most `at_most` in all. Time is
    /// the database's own.
    ///
    /// # Errors
    ///
    /// See [`StoreError`].
    async fn hold_routers(
        &self,
        node: NodeId,
        at_most: usize,
        lease: Duration,
    ) -> Result<Vec<Fence>, StoreError>;

    /// Gives routers back.
    ///
    /// # Errors
    ///
    /// See [`StoreError`].
    async fn release_routers(&self, fences: &[Fence]) -> Result<(), StoreError>;

    /// The last wall time that was written down, and writes down `now` if it is later.
    ///
    /// # Errors
    ///
    /// See [`StoreError`].
    async fn touch_clock(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError>;
}
