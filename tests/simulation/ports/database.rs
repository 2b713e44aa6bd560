//! The database.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use mikro2fa_core::{
    id::{NodeId, OutboxId, RouterId, SessionId},
    router_backend::Fence,
    session::Session,
    store::{Claim, Commit, Committed, Memory, OutboxRow, Sent, Store, StoreError},
    testing::{CommitFault, MemoryStore},
    time::Timestamp,
};

use crate::{invariants, truth::Truth};

/// A database in memory whose every commit is looked through.
#[derive(Debug)]
pub(crate) struct Database {
    pub(crate) store: MemoryStore,
    pub(crate) truth: Arc<Truth>,
    /// Each commit takes so many turns more, in which other tasks run.
    pub(crate) turns: u64,
}

impl Database {
    /// Sets what becomes of this group.
    fn break_commit(&self) -> Option<CommitFault> {
        let now = self.truth.now();
        let mut truth = self.truth.lock();
        if now < truth.store_shut_until {
            return None;
        }
        let fault = truth.faults.commits.pop_front()?;
        // What is sent again after an unknown outcome may have been done: it is not judged anew.
        let unknown = matches!(fault, CommitFault::Unknown { .. });
        let sent_again = std::mem::replace(&mut truth.sent_again, unknown);
        if sent_again && matches!(fault, CommitFault::Refused(_) | CommitFault::Conflict) {
            return None;
        }
        truth.say(now, || format!("the commit goes wrong: {fault:?}"));
        truth.store_bad_until = truth.store_bad_until.max(now + Duration::from_secs(20));
        drop(truth);
        self.store.next_commit(fault.clone());
        Some(fault)
    }

    /// Takes in what is durable now.
    fn take_in(
        &self,
        group: &[Commit],
        fault: Option<&CommitFault>,
        result: &Result<Vec<Committed>, StoreError>,
    ) {
        let stored = self.store.all_sessions();
        for (place, commit) in group.iter().enumerate() {
            let done = match result {
                Ok(results) => results.get(place) == Some(&Committed::Done),
                // The connection broke: it is done unless its session stands there in another state.
                Err(StoreError::OutcomeUnknown) => {
                    fault == Some(&CommitFault::Unknown { done: true })
                        && (commit.sessions.first())
                            .is_none_or(|(_, session)| stored.contains(session))
                }
                Err(_) => false,
            };
            if done {
                invariants::durable(&self.truth, commit);
            }
        }
    }

    /// Slow, but it is done before that.
    async fn turns(&self) {
        for _ in 0..self.turns {
            tokio::task::yield_now().await;
        }
    }
}

#[async_trait]
impl Store for Database {
    async fn commit(&self, group: &[Commit]) -> Result<Vec<Committed>, StoreError> {
        self.truth.enter().await;
        let fault = self.break_commit();
        let result = self.store.commit(group).await;
        self.take_in(group, fault.as_ref(), &result);
        if result
            .as_ref()
            .map_or(true, |all| all.iter().any(|one| *one != Committed::Done))
        {
            self.truth.say(|| format!("commit: {result:?}"));
        }
        self.turns().await;
        self.truth.leave().await;
        result
    }

    async fn session(&self, id: SessionId) -> Result<Option<Session>, StoreError> {
        self.truth.enter().await;
        let result = self.store.session(id).await;
        self.truth.leave().await;
        result
    }

    async fn open_sessions(
        &self,
        router: RouterId,
        after: Option<SessionId>,
        limit: usize,
    ) -> Result<Vec<Session>, StoreError> {
        self.truth.enter().await;
        // Small pages, so that there are several.
        let result = self.store.open_sessions(router, after, limit).await;
        self.truth.leave().await;
        result
    }

    async fn memory(&self, router: RouterId) -> Result<Memory, StoreError> {
        self.truth.enter().await;
        let result = self.store.memory(router).await;
        self.truth.leave().await;
        result
    }

    async fn claim_outbox(&self, claim: &Claim) -> Result<Vec<OutboxRow>, StoreError> {
        self.truth.enter().await;
        let result = self.store.claim_outbox(claim).await;
        self.truth.leave().await;
        result
    }

    async fn outbox_due(&self) -> Result<Option<Timestamp>, StoreError> {
        self.truth.enter().await;
        let result = self.store.outbox_due().await;
        self.truth.leave().await;
        result
    }

    async fn settle_outbox(
        &self,
        node: NodeId,
        sent: &[(OutboxId, Sent)],
    ) -> Result<(), StoreError> {
        self.truth.enter().await;
        let result = self.store.settle_outbox(node, sent).await;
        if result.is_ok() {
            let mut truth = self.truth.lock();
            sent.iter().for_each(|(id, _)| {
                truth.unsettled.remove(id);
            });
        } else {
            self.truth.lock().orphans += 1;
        }
        self.truth.leave().await;
        result
    }

    async fn hold_routers(
        &self,
        node: NodeId,
        at_most: usize,
        lease: Duration,
    ) -> Result<Vec<Fence>, StoreError> {
        self.truth.enter().await;
        let result = self.store.hold_routers(node, at_most, lease).await;
        self.truth.leave().await;
        result
    }

    async fn release_routers(&self, fences: &[Fence]) -> Result<(), StoreError> {
        self.truth.enter().await;
        let result = self.store.release_routers(fences).await;
        self.truth.leave().await;
        result
    }

    async fn touch_clock(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        self.truth.enter().await;
        let result = self.store.touch_clock(now).await;
        let ahead = self.truth.lock().faults.wall_ahead.take();
        self.truth.leave().await;
        match (result, ahead) {
            (Ok(_), Some(ahead)) => Ok(Some(now + ahead)),
            (result, _) => result,
        }
    }
}
