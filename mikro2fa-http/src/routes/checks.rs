//! What is asked of the outside before something is kept, so that a wrong password is told to whoever typed it.

use async_trait::async_trait;
use mikro2fa_core::{
    desk::{RouterConnection, RouterDesk},
    router_backend::{Identity, RouterError},
    secret::Secret,
    time::Timestamp,
};
use mikro2fa_router::check::Report;
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

    /// Reads a router with its daily login, and judges it.
    ///
    /// # Errors
    ///
    /// [`RouterError`] if it cannot be read.
    async fn doctor(&self, desk: &RouterDesk, now: Timestamp) -> Result<Report, RouterError> {
        mikro2fa_router::check::examine(desk, now).await
    }

    /// Asks Telegram whose token this is.
    ///
    /// # Errors
    ///
    /// [`BotError`]: it is none, is refused, or Telegram does not answer.
    async fn bot(&self, token: &Secret) -> Result<BotIdentity, BotError>;
}
