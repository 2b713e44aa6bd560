//! What is asked of the outside before something is kept, so that a wrong password is told to whoever typed it.

use async_trait::async_trait;
use mikro2fa_core::{
    desk::RouterConnection,
    router_backend::{Identity, RouterError},
};

/// Asks the outside.
#[async_trait]
pub trait Checks: Send + Sync + std::fmt::Debug {
    /// Connects to a router, logs in, and says what is there.
    ///
    /// # Errors
    ///
    /// [`RouterError`] says what has to be looked at.
    async fn router(&self, connection: &RouterConnection) -> Result<Identity, RouterError>;
}

/// Over the network, as the engine will.
#[derive(Clone, Copy, Debug, Default)]
pub struct NetworkChecks;

#[async_trait]
impl Checks for NetworkChecks {
    async fn router(&self, connection: &RouterConnection) -> Result<Identity, RouterError> {
        mikro2fa_router::probe(connection).await
    }
}
