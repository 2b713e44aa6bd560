//! The contract of [`Store`]: what a database has to keep, whatever happens to it.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    conformance::{
        ok,
        sample::{HOUR, Ids, NOW, Whose, entry, requested},
        some,
    },
    directory::Directory,
    id::{NodeId, SessionId},
    router_backend::Fence,
    session::{Session, Version},
    store::{Claim, Commit, Committed, OutboxRow, Store},
    testing::Desk,
    time::Timestamp,
};

mod commit;
mod hold;
mod lane;
mod outbox;
mod recall;

pub use commit::*;
pub use hold::*;
pub use lane::*;
pub use outbox::*;
pub use recall::*;

/// A fresh, empty database, and what may happen to it.
#[async_trait]
pub trait StoreBench: Send + Sync {
    /// The hot path.
    fn store(&self) -> Arc<dyn Store>;

    /// The desk of the same database.
    fn directory(&self) -> Arc<dyn Directory>;

    /// Breaks the connection in the middle of the next commit, which is written all the same if `done`. Says whether
    /// it can do that.
    async fn break_next_commit(&self, done: bool) -> bool {
        let _ = done;
        false
    }

    /// Makes all router leases be over now. Says whether there are leases: with one node, routers are held for ever,
    /// and whoever asks last has them.
    async fn lapse_leases(&self) -> bool;
}

/// Two routers, each with an account, one user, and a node that holds both.
pub(super) struct World {
    store: Arc<dyn Store>,
    directory: Arc<dyn Directory>,
    ids: Ids,
    whose: Whose,
    elsewhere: Whose,
    node: NodeId,
    fence: Fence,
}

impl World {
    async fn new(bench: &impl StoreBench) -> Self {
        let mut desk = Desk::new(NOW);
        let (office, plant) = (desk.router("office"), desk.router("plant"));
        let owner = desk.user("Ann", 1001);
        let whose = Whose {
            router: office,
            account: desk.account(office, "ann", Some(owner)),
            owner,
        };
        let elsewhere = Whose {
            router: plant,
            account: desk.account(plant, "ann", Some(owner)),
            owner,
        };
        let (store, directory) = (bench.store(), bench.directory());
        ok(desk.fill(&*directory).await, "fill an empty desk");
        let ids = Ids::default();
        let node = ids.node();
        let fences = ok(store.hold_routers(node, 10, HOUR).await, "hold the routers");
        let fence = fences.into_iter().find(|fence| fence.router == office);
        Self {
            fence: some(fence, "fence for the router that was just made"),
            store,
            directory,
            ids,
            whose,
            elsewhere,
            node,
        }
    }

    fn session(&self) -> Session {
        requested(self.ids.session(), self.whose)
    }

    fn empty_commit(&self) -> Commit {
        Commit::new(self.ids.commit(), Some(self.fence.clone()))
    }

    /// A new session, or a later version of one, with one audit entry.
    fn commit_of(&self, session: &Session) -> Commit {
        let before = session.version.0 - 1;
        let mut commit = self.empty_commit();
        let stepped_from = (before > 0).then_some(Version(before));
        commit.sessions.push((stepped_from, session.clone()));
        commit
            .audit
            .push(entry(session.id, self.whose, "committed"));
        commit
    }

    /// Puts a message into the outbox.
    async fn send(&self, row: &OutboxRow) {
        self.send_all(std::slice::from_ref(row)).await;
    }

    /// Puts messages into the outbox, with one commit.
    async fn send_all(&self, rows: &[OutboxRow]) {
        let mut commit = self.empty_commit();
        commit.outbox.extend_from_slice(rows);
        self.commit_all(&[commit]).await;
    }

    async fn commit(&self, group: &[Commit]) -> Vec<Committed> {
        ok(self.store.commit(group).await, "commit")
    }

    /// Commits, and fails the case if any of it is not done.
    #[track_caller]
    fn commit_all(&self, group: &[Commit]) -> impl Future<Output = ()> + use<> {
        let (store, group) = (Arc::clone(&self.store), group.to_vec());
        async move {
            let outcomes = ok(store.commit(&group).await, "commit");
            assert_eq!(
                outcomes,
                vec![Committed::Done; group.len()],
                "what nothing stands against is done"
            );
        }
    }

    async fn stored(&self, id: SessionId) -> Option<Session> {
        ok(self.store.session(id).await, "read a session")
    }

    /// How many audit entries there are about a session.
    async fn audited(&self, id: SessionId) -> usize {
        let page = self.directory.audit(Some(id), &Default::default()).await;
        ok(page, "read the audit log").rows.len()
    }

    async fn claim_by(&self, node: NodeId, at_most: usize, now: Timestamp) -> Vec<OutboxRow> {
        let claim = Claim {
            node,
            at_most,
            until: now + HOUR,
            now,
        };
        ok(self.store.claim_outbox(&claim).await, "claim messages")
    }

    /// Claims for an hour all that is due.
    async fn claim(&self, now: Timestamp) -> Vec<OutboxRow> {
        self.claim_by(self.node, 100, now).await
    }
}
