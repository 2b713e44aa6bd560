//! The in-memory ports pass the suites that the real ones have to pass.

use std::sync::Arc;

use async_trait::async_trait;
use mikro2fa_core::{
    conformance::store::StoreBench,
    directory::Directory,
    store::Store,
    testing::{CommitFault, ManualClock, MemoryStore},
    time::{Clock, Timestamp},
};

const NOW: Timestamp = Timestamp(1_700_000_000_000);

struct MemoryStoreBench {
    clock: ManualClock,
    store: MemoryStore,
    several_nodes: bool,
}

impl MemoryStoreBench {
    fn one_node() -> Self {
        let clock = ManualClock::new(NOW);
        Self {
            store: MemoryStore::new(Arc::new(clock.clone())),
            clock,
            several_nodes: false,
        }
    }

    fn several_nodes() -> Self {
        let clock = ManualClock::new(NOW);
        Self {
            store: MemoryStore::several_nodes(Arc::new(clock.clone())),
            clock,
            several_nodes: true,
        }
    }
}

#[async_trait]
impl StoreBench for MemoryStoreBench {
    fn store(&self) -> Arc<dyn Store> {
        Arc::new(self.store.clone())
    }

    fn directory(&self) -> Arc<dyn Directory> {
        Arc::new(self.store.clone())
    }

    async fn break_next_commit(&self, done: bool) -> bool {
        self.store.next_commit(CommitFault::Unknown { done });
        true
    }

    async fn lapse_leases(&self) -> bool {
        let day = std::time::Duration::from_secs(86_400);
        self.clock.advance_to(self.clock.now() + day);
        self.several_nodes
    }
}

mod one_node {
    mikro2fa_core::store_conformance!(super::MemoryStoreBench::one_node());
}

mod several_nodes {
    mikro2fa_core::store_conformance!(super::MemoryStoreBench::several_nodes());
}
