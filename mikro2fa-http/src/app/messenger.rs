//! The messenger that is there now: none before a bot's token is set, another one after it was changed.

use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use mikro2fa_core::{
    id::OutboxId,
    notifier::{Notice, Notifier, NotifierError},
    store::Receipt,
};

/// Passes on to whichever messenger there is. Without one, messages wait in the outbox.
#[derive(Default)]
pub(super) struct Messenger(RwLock<Option<Arc<dyn Notifier>>>);

impl Messenger {
    /// From now on this one.
    pub(super) fn set(&self, notifier: Option<Arc<dyn Notifier>>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = notifier;
    }

    fn now(&self) -> Option<Arc<dyn Notifier>> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
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
