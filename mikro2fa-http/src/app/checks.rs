//! What is asked of the outside before it is kept, over the network, as the engine and the bot will.

use std::sync::Arc;

use async_trait::async_trait;
use mikro2fa_core::{
    desk::RouterConnection,
    directory::Directory,
    router_backend::{Identity, RouterError},
    secret::Secret,
    time::Clock,
};
use mikro2fa_telegram::{BotIdentity, Error as BotError, Telegram};

use super::messenger;
use crate::routes::Checks;

#[derive(Debug)]
pub(super) struct NetworkChecks {
    pub(super) telegram_api_url: String,
    pub(super) directory: Arc<dyn Directory>,
    pub(super) clock: Arc<dyn Clock>,
}

#[async_trait]
impl Checks for NetworkChecks {
    async fn router(&self, connection: &RouterConnection) -> Result<Identity, RouterError> {
        mikro2fa_router::probe(connection).await
    }

    async fn bot(&self, token: &Secret) -> Result<BotIdentity, BotError> {
        let config = messenger::config(&self.telegram_api_url, token);
        Telegram::new(
            &config,
            Arc::clone(&self.directory),
            Arc::clone(&self.clock),
        )?
        .identify()
        .await
    }
}
