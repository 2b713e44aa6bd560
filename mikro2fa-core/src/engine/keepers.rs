//! The way to this node's keepers.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{mpsc, oneshot};

use super::{
    Activity, EngineError, Fed,
    keeper::{Mail, Message, Queued, Reply},
    settled::Busy,
};
use crate::{
    id::{OutboxId, RouterId, SessionId},
    session::{Event, Ignored, Rejected},
    store::{Sent, Store},
};

/// The mailboxes of this node's keepers.
#[derive(Clone, Debug)]
pub(super) struct Keepers {
    pub(super) mailboxes: Arc<Mutex<BTreeMap<RouterId, mpsc::Sender<Mail>>>>,
    pub(super) store: Arc<dyn Store>,
    pub(super) activity: Activity,
}

impl Keepers {
    pub(super) fn mailbox(&self, router: RouterId) -> Option<mpsc::Sender<Mail>> {
        self.lock().get(&router).cloned()
    }

    pub(super) fn all(&self) -> Vec<(RouterId, mpsc::Sender<Mail>)> {
        self.lock()
            .iter()
            .map(|(router, mailbox)| (*router, mailbox.clone()))
            .collect()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, BTreeMap<RouterId, mpsc::Sender<Mail>>> {
        self.mailboxes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) async fn send(&self, router: RouterId, message: Message) -> Result<(), EngineError> {
        let mailbox = self.mailbox(router).ok_or(EngineError::UnknownRouter)?;
        let mail = (message, self.activity.begin());
        mailbox.send(mail).await.map_err(|_| EngineError::Stopping)
    }

    pub(super) async fn feed(&self, id: SessionId, queued: Queued) -> Result<Fed, EngineError> {
        let busy = self.activity.begin();
        Ok(self.feed_as(id, queued, busy).await?.0)
    }

    /// `busy` goes with it: nothing counts as in flight while the database cannot be written.
    async fn feed_as(
        &self,
        id: SessionId,
        queued: Queued,
        busy: Busy,
    ) -> Result<(Fed, Busy), EngineError> {
        let session = self
            .store
            .session(id)
            .await?
            .ok_or(EngineError::UnknownSession)?;
        let (reply, fed) = oneshot::channel();
        let queued = Queued {
            reply: Some(Reply::Fed(reply, self.activity.clone())),
            ..queued
        };
        let mailbox = self
            .mailbox(session.router)
            .ok_or(EngineError::UnknownRouter)?;
        let sent = mailbox.send((Message::Feed(id, queued), busy)).await;
        sent.map_err(|_| EngineError::Stopping)?;
        match fed.await.map_err(|_| EngineError::Stopping)? {
            // Its keeper has forgotten it: it is over.
            (Fed::Unknown, busy) => {
                let stale = Ignored::Answer(Rejected::Stale);
                Ok((Fed::Ignored(stale, Box::new(session)), busy))
            }
            fed => Ok(fed),
        }
    }

    /// An event that settles a message in the same commit. Says whether it did.
    pub(super) async fn settle(
        &self,
        id: SessionId,
        event: Event,
        settled: (OutboxId, Sent),
        busy: Busy,
    ) -> (bool, Busy) {
        let queued = Queued {
            settled: Some(settled),
            ..event.into()
        };
        match self.feed_as(id, queued, busy).await {
            Ok((fed, busy)) => (matches!(fed, Fed::Stepped(_)), busy),
            Err(_) => (false, self.activity.begin()),
        }
    }
}
