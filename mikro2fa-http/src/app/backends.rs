//! Routers as the desk keeps them, as backends for the engine.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use mikro2fa_core::{
    desk::RouterDesk,
    engine::Backends,
    router_backend::{
        Applied, Command, Fence, Hint, Identity, Look, Observed, RouterBackend, RouterError,
    },
    time::Clock,
};

/// RouterOS for every router.
pub(super) struct RouterOsBackends {
    clock: Arc<dyn Clock>,
}

impl RouterOsBackends {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock }
    }
}

impl fmt::Debug for RouterOsBackends {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RouterOsBackends")
    }
}

impl Backends for RouterOsBackends {
    fn backend(&self, desk: &RouterDesk) -> Arc<dyn RouterBackend> {
        mikro2fa_router::backend_for(&desk.router, desk.installation, Arc::clone(&self.clock))
            .unwrap_or_else(|error| Arc::new(Unusable(error)))
    }
}

/// A router whose record makes no backend. It is served all the same, as one that answers this to everything: so the
/// reason is seen where a router's state is seen.
struct Unusable(RouterError);

#[async_trait]
impl RouterBackend for Unusable {
    async fn identify(&self) -> Result<Identity, RouterError> {
        Err(self.0.clone())
    }

    async fn observe(&self, _: &Look) -> Result<Observed, RouterError> {
        Err(self.0.clone())
    }

    async fn apply(&self, _: &Fence, _: &[Command]) -> Result<Vec<Applied>, RouterError> {
        Err(self.0.clone())
    }

    async fn watch(&self) -> Result<BoxStream<'static, Result<Hint, RouterError>>, RouterError> {
        Err(self.0.clone())
    }
}
