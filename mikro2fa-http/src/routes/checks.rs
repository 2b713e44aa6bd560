//! What is asked of the outside before something is kept, so that a wrong password is told to whoever typed it.

use async_trait::async_trait;
use mikro2fa_core::{
    desk::RouterConnection,
    router_backend::{Identity, RouterError},
    secret::Secret,
};
use mikro2fa_telegram::{BotIdentity, Error as BotError};

/// Asks the outside.
#[async_trait]
pub trait Checks: Send + Sync + std::fmt::Debug {
    /// Connects to a router, logs in, and says what is there.
    ///
    /// # Errors
    ///
    /// [`RouterError`] says what has to be looked at.
    async fn router(&self, connection: &RouterConnection) -> Result<Identity, RouterError>;

    /// Asks Telegram whose token this is.
    ///
    /// # Errors
    ///
    /// [`BotError`]: it is none, is refused, or Telegram does not answer.
    async fn bot(&self, token: &Secret) -> Result<BotIdentity, BotError>;
}
