//! Telegram, with the token that is kept: none before one is set, another one as soon as it is changed.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use async_trait::async_trait;
use mikro2fa_core::{
    directory::Directory,
    engine::EngineHandle,
    entropy::Entropy,
    id::OutboxId,
    notifier::{Notice, Notifier, NotifierError},
    secret::Secret,
    store::{Receipt, Store, StoreError},
    time::Clock,
};
use mikro2fa_telegram::{Telegram, TelegramConfig};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::routes::{BOT_TOKEN, SELF_REGISTRATION};

/// A pause before the database is asked again.
const PAUSE: Duration = Duration::from_secs(2);

/// What the engine says things through: whichever messenger there is now. Without one, messages wait in the outbox.
#[derive(Default)]
pub(super) struct Messenger(RwLock<Option<Arc<dyn Notifier>>>);

impl Messenger {
    fn set(&self, notifier: Option<Arc<dyn Notifier>>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = notifier;
    }

    fn now(&self) -> Option<Arc<dyn Notifier>> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl fmt::Debug for Messenger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Messenger")
    }
}

#[async_trait]
impl Notifier for Messenger {
    async fn deliver(
        &self,
        id: OutboxId,
        notice: &Notice,
        previous: Option<Receipt>,
    ) -> Result<Receipt, NotifierError> {
        match self.now() {
            Some(notifier) => notifier.deliver(id, notice, previous).await,
            None => Err(NotifierError::Unavailable("no bot token is set".into())),
        }
    }
}

/// Keeps a bot running with the token that is kept.
#[derive(Debug)]
pub(super) struct BotKeeper {
    pub(super) messenger: Arc<Messenger>,
    pub(super) api_url: String,
    pub(super) per_second: Option<u32>,
    pub(super) engine: EngineHandle,
    pub(super) directory: Arc<dyn Directory>,
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) entropy: Arc<dyn Entropy>,
    /// Told when what is kept for the bot was changed.
    pub(super) changed: Arc<Notify>,
}

impl BotKeeper {
    /// Runs until `stop`, and lets the bot confirm what it has.
    pub(super) async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let telegram = self.telegram().await;
            let end = async {
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = self.changed.notified() => {}
                }
            };
            match telegram {
                Ok(Some(telegram)) => {
                    self.messenger.set(Some(Arc::new(telegram.notifier())));
                    self.engine.outbox_filled();
                    let (store, entropy) = (Arc::clone(&self.store), Arc::clone(&self.entropy));
                    telegram
                        .bot(self.engine.clone(), store, entropy)
                        .run(end)
                        .await;
                }
                Ok(None) => {
                    self.messenger.set(None);
                    self.engine.messenger(Some(self.clock.now()));
                    end.await;
                }
                Err(error) => {
                    tracing::warn!(%error, "the bot's token could not be read");
                    let _ = tokio::time::timeout(PAUSE, end).await;
                }
            }
        }
    }

    async fn telegram(&self) -> Result<Option<Telegram>, StoreError> {
        let Some(token) = self.directory.secret(BOT_TOKEN).await? else {
            tracing::warn!(
                "no bot token is set: nobody can be asked (PUT /api/settings/bot-token)"
            );
            return Ok(None);
        };
        let self_registration = self.directory.setting(SELF_REGISTRATION).await?;
        let config = TelegramConfig {
            self_registration: self_registration.as_deref() == Some("on"),
            per_second: self.per_second,
            ..config(&self.api_url, &token)
        };
        match Telegram::new(
            &config,
            Arc::clone(&self.directory),
            Arc::clone(&self.clock),
        ) {
            Ok(telegram) => Ok(Some(telegram)),
            Err(error) => {
                tracing::error!(%error, "the bot can't be started");
                Ok(None)
            }
        }
    }
}

/// With this token, against this Bot API.
pub(super) fn config(api_url: &str, token: &Secret) -> TelegramConfig {
    TelegramConfig::new(token.expose()).api_url(api_url)
}
