//! The hot path, written once for each database: what a transition, a start and a delivery do.
//!
//! All methods run inside a transaction that the caller began, except where they say otherwise. Both implementations
//! pass the same suite; nothing else in this crate knows which database it talks to.

use std::time::Duration;

use diesel::QueryResult;

use crate::{
    audit_log::Linked,
    group::{Batch, Found, Wanted},
    rows::{
        outbox::{MessageRow, Settled},
        session::Stored,
    },
};

#[cfg(feature = "postgresql")]
pub(crate) mod postgresql;
#[cfg(feature = "sqlite")]
pub(crate) mod sqlite;

/// Another row `x` of its lane that stops row `o` from being handed out: one before it, or of a card one after it, or
/// one before it that is being sent (`$claimed`).
macro_rules! held_back {
    ($claimed:literal) => {
        concat!(
            "(SELECT 1 FROM outbox x WHERE x.lane = o.lane AND CASE WHEN o.card \
             THEN x.number > o.number OR (x.number < o.number AND ",
            $claimed,
            ") ELSE x.number < o.number END)"
        )
    };
}
pub(crate) use held_back;

/// Statements that both databases read alike.
mod shared;

/// Who asks for messages, as it is written.
#[derive(Clone, Debug)]
pub(crate) struct ClaimRow {
    pub(crate) node: String,
    pub(crate) at_most: i64,
    pub(crate) until: i64,
    pub(crate) now: i64,
}

/// A right to act, as it is read: router, epoch, until.
pub(crate) type HoldRow = (String, i64, i64);

/// A chain's head, as a checkpoint takes it: id, name, seq, hash.
pub(crate) type HeadRow = (i64, String, i64, Vec<u8>);

/// What is written differently on each database.
pub(crate) trait Dialect {
    /// Locks the rights to act and the sessions of a group, in the order of their ids, and says what is there. Until
    /// the transaction ends nobody else changes them.
    fn look(&mut self, wanted: &Wanted<'_>) -> QueryResult<Found>;

    /// Writes what the winners of a group write, audit aside. `now` is remembered with commits and updates.
    fn write(&mut self, batch: &Batch<'_>, now: i64) -> QueryResult<()>;

    /// Begins an audit chain, and gives its number.
    fn begin_chain(&mut self, name: &str, now: i64) -> QueryResult<i64>;

    /// Appends entries to a chain, and keeps its new head.
    fn append(&mut self, chain: i64, entries: &[Linked<'_>]) -> QueryResult<()>;

    /// Only one node at a time changes the desk: what a change looks at stays as it is until it is made.
    fn lock_desk(&mut self) -> QueryResult<()>;

    /// Only one node at a time writes a checkpoint. Called before anything else that a transaction locks in the
    /// audit log.
    fn lock_checkpoints(&mut self) -> QueryResult<()>;

    /// The heads of chains that grew since the last checkpoint.
    fn grown_chains(&mut self) -> QueryResult<Vec<HeadRow>>;

    /// The last checkpoint: seq and hash.
    fn last_checkpoint(&mut self) -> QueryResult<Option<(i64, Vec<u8>)>>;

    /// Writes a checkpoint over these heads.
    fn write_checkpoint(
        &mut self,
        seq: i64,
        now: i64,
        text: &str,
        hash: &[u8],
        heads: &[HeadRow],
    ) -> QueryResult<()>;

    /// A router's sessions that are not settled, in the order of their ids. Needs no transaction.
    fn open_sessions(
        &mut self,
        router: &str,
        after: Option<&str>,
        limit: i64,
    ) -> QueryResult<Vec<Stored>>;

    /// One session, ended or not. Needs no transaction.
    fn session(&mut self, id: &str) -> QueryResult<Option<Stored>>;

    /// Hands out messages that are due: the head of each lane, what goes out first first. Drops what is useless, and
    /// rows of a card that have a later one. With each comes the receipt of its lane.
    fn claim(&mut self, claim: &ClaimRow) -> QueryResult<Vec<(MessageRow, Option<String>)>>;

    /// When a claim would next find something. Needs no transaction.
    fn outbox_due(&mut self) -> QueryResult<Option<i64>>;

    /// Settles messages.
    fn settle(&mut self, settled: &[&Settled], now: i64) -> QueryResult<()>;

    /// The clock that router leases are judged by, in milliseconds; none where they never lapse.
    fn clock(&mut self) -> QueryResult<Option<i64>>;

    /// Renews a node's rights to act, and takes those that are free.
    fn hold(&mut self, node: &str, at_most: i64, lease: Duration) -> QueryResult<Vec<HoldRow>>;

    /// Gives a right to act back, if it is still this one.
    fn release(&mut self, router: &str, node: &str, epoch: i64) -> QueryResult<()>;

    /// This process serves: on a database for one node, what a process before it had claimed is free again.
    fn begin_serving(&mut self) -> QueryResult<()>;
}

/// Milliseconds as a column.
#[cfg(feature = "postgresql")]
pub(crate) fn whole_millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
