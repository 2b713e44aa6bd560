//! A database in memory.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;

use crate::{
    audit::AuditEntry,
    desk::GateOrder,
    id::{NodeId, OutboxId, RouterId, SessionId},
    router_backend::Fence,
    session::Session,
    store::{Claim, Commit, Committed, Memory, OutboxRow, Sent, Store, StoreError},
    testing::turns::turns,
    time::{Clock, Timestamp},
    tunnel::Text,
};

mod chain;
mod directory;
mod outbox;
mod records;
mod state;
#[cfg(test)]
mod tests;

use state::State;

/// How long a commit and an update from outside are remembered, so that the same one again is known.
const REMEMBERED: Duration = Duration::from_secs(48 * 3_600);

/// [`Store`] and [`crate::directory::Directory`] in memory, with faults that a test can set at any time.
///
/// Clones are the same database, so that an engine can be dropped and another started on it. Time is the clock's: it
/// judges router leases, and the faults that last until a time.
#[derive(Clone)]
pub struct MemoryStore {
    clock: Arc<dyn Clock>,
    several_nodes: bool,
    state: Arc<Mutex<State>>,
}

/// What becomes of one call of [`Store::commit`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommitFault {
    /// It fails, and nothing of the group is written.
    Fails(StoreError),
    /// The connection breaks while committing: [`StoreError::OutcomeUnknown`].
    Unknown {
        /// Was the group written all the same?
        done: bool,
    },
    /// The first session of the group has been changed by somebody else: [`Committed::Conflict`] for its commit; the
    /// others are judged as ever.
    Conflict,
    /// The group's first commit is [`Committed::Refused`] with this reason; the others are judged as ever.
    Refused(Text),
}

impl MemoryStore {
    /// An empty database that one node uses: whoever asks for routers gets them at once and for ever, as with SQLite.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self::with(clock, false)
    }

    /// An empty database that several nodes share: routers are held under leases, as with PostgreSQL.
    #[must_use]
    pub fn several_nodes(clock: Arc<dyn Clock>) -> Self {
        Self::with(clock, true)
    }

    fn with(clock: Arc<dyn Clock>, several_nodes: bool) -> Self {
        Self {
            clock,
            several_nodes,
            state: Arc::new(Mutex::new(State::new())),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets what becomes of the next commit for which nothing is set yet. Several wait in a row.
    pub fn next_commit(&self, fault: CommitFault) {
        self.state().faults.commits.push_back(fault);
    }

    /// The disk is full until then: whatever writes fails with [`StoreError::Full`]. A time that is over, or
    /// `Timestamp(0)`, ends it.
    pub fn full_until(&self, at: Timestamp) {
        self.state().faults.full_until = at;
    }

    /// The database does not answer until then: everything fails with [`StoreError::Unavailable`].
    pub fn away_until(&self, at: Timestamp) {
        self.state().faults.away_until = at;
    }

    /// Each call takes so many turns more, in which other tasks run. What it writes is written before the first.
    pub fn latency(&self, turns: u32) {
        self.state().faults.turns = turns;
    }

    /// Every session, also those that are over, by id.
    #[must_use]
    pub fn all_sessions(&self) -> Vec<Session> {
        self.state().sessions.values().cloned().collect()
    }

    /// The order to switch a router's gate that was not yet seen done.
    #[must_use]
    pub fn order_of(&self, router: RouterId) -> Option<GateOrder> {
        self.state().desk.orders.get(&router).copied()
    }

    /// The audit log, oldest first.
    #[must_use]
    pub fn audit_log(&self) -> Vec<AuditEntry> {
        self.state().audit.entries().cloned().collect()
    }

    /// Messages that are still to be delivered, in the order in which they were committed.
    #[must_use]
    pub fn outbox(&self) -> Vec<OutboxRow> {
        self.state().outbox.waiting().cloned().collect()
    }

    /// Messages that were given up, with the reason.
    #[must_use]
    pub fn dead_letters(&self) -> Vec<(OutboxRow, Text)> {
        self.state().outbox.dead().to_vec()
    }

    /// Changes an entry of the audit log behind its back, so that a test can see that it is noticed. `seq` is from 1.
    pub fn tamper_with_audit(&self, seq: u64, tamper: impl FnOnce(&mut AuditEntry)) {
        self.state().audit.tamper(seq, tamper);
    }

    /// Removes an entry of the audit log behind its back. `seq` is from 1.
    pub fn cut_from_audit(&self, seq: u64) {
        self.state().audit.cut(seq);
    }

    /// Takes its turns; then the state, if the database answers.
    async fn reading(&self) -> Result<MutexGuard<'_, State>, StoreError> {
        let count = self.state().faults.turns;
        turns(count).await;
        self.answering()
    }

    fn answering(&self) -> Result<MutexGuard<'_, State>, StoreError> {
        let state = self.state();
        if self.clock.now() < state.faults.away_until {
            return Err(StoreError::Unavailable("connection refused".into()));
        }
        Ok(state)
    }

    fn writing(&self) -> Result<MutexGuard<'_, State>, StoreError> {
        let state = self.answering()?;
        if self.clock.now() < state.faults.full_until {
            return Err(StoreError::Full);
        }
        Ok(state)
    }

    /// Writes at once, and tells afterwards: dropping the future undoes nothing.
    async fn write<T>(
        &self,
        write: impl FnOnce(&mut State, Timestamp) -> Result<T, StoreError> + Send,
    ) -> Result<T, StoreError>
    where
        T: Send,
    {
        let now = self.clock.now();
        let (result, count) = match self.writing() {
            Ok(mut state) => (write(&mut state, now), state.faults.turns),
            Err(error) => (Err(error), self.state().faults.turns),
        };
        turns(count).await;
        result
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("MemoryStore")
            .field("several_nodes", &self.several_nodes)
            .field("sessions", &state.sessions.len())
            .field("audit", &state.audit.len())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn commit(&self, group: &[Commit]) -> Result<Vec<Committed>, StoreError> {
        self.write(|state, now| state.commit_group(group, now))
            .await
    }

    async fn session(&self, id: SessionId) -> Result<Option<Session>, StoreError> {
        Ok(self.reading().await?.sessions.get(&id).cloned())
    }

    async fn open_sessions(
        &self,
        router: RouterId,
        after: Option<SessionId>,
        limit: usize,
    ) -> Result<Vec<Session>, StoreError> {
        let state = self.reading().await?;
        Ok(state
            .sessions
            .values()
            .filter(|session| session.router == router && !session.is_settled())
            .filter(|session| after.is_none_or(|after| session.id > after))
            .take(limit)
            .cloned()
            .collect())
    }

    async fn memory(&self, router: RouterId) -> Result<Memory, StoreError> {
        let now = self.clock.now();
        Ok(self.reading().await?.memory(router, now))
    }

    async fn claim_outbox(&self, claim: &Claim) -> Result<Vec<OutboxRow>, StoreError> {
        self.write(|state, _| Ok(state.outbox.claim(claim))).await
    }

    async fn outbox_due(&self) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.reading().await?.outbox.due())
    }

    async fn settle_outbox(
        &self,
        node: NodeId,
        sent: &[(OutboxId, Sent)],
    ) -> Result<(), StoreError> {
        self.write(|state, _| {
            for (id, sent) in sent {
                state.outbox.settle(*id, Some(node), sent);
            }
            Ok(())
        })
        .await
    }

    async fn hold_routers(
        &self,
        node: NodeId,
        at_most: usize,
        lease: Duration,
    ) -> Result<Vec<Fence>, StoreError> {
        let several_nodes = self.several_nodes;
        self.write(|state, now| {
            Ok(if several_nodes {
                state.hold(node, at_most, now + lease, now)
            } else {
                state.hold(node, at_most, Timestamp::MAX, Timestamp::MAX)
            })
        })
        .await
    }

    async fn release_routers(&self, fences: &[Fence]) -> Result<(), StoreError> {
        self.write(|state, _| {
            fences.iter().for_each(|fence| state.release(fence));
            Ok(())
        })
        .await
    }

    async fn touch_clock(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        self.write(|state, _| {
            let before = state.wall;
            state.wall = before.max(Some(now));
            Ok(before)
        })
        .await
    }
}
