//! Claim, send, settle: messages go out at least once, and a question's deadline starts with its delivery.

use std::{sync::Arc, time::Duration};

use tokio::task::JoinSet;
use tracing::{debug, warn};

use crate::{
    directory::Directory,
    engine::{Activity, backoff, bell::Bell, handle::Keepers},
    id::{NodeId, OutboxId},
    notifier::{Notifier, NotifierError},
    retry::Retry,
    session::Event,
    store::{Claim, OutboxRow, Receipt, Sent, Store},
    time::{Clock, Timestamp},
};

/// How many messages are under way at once.
const AT_ONCE: usize = 64;
/// Nobody else gets a claimed message for so long.
const CLAIM: Duration = Duration::from_secs(120);
/// A message is given up after so many tries.
const TRIES: u32 = 12;

pub(super) struct Outbox {
    pub(super) node: NodeId,
    pub(super) store: Arc<dyn Store>,
    pub(super) notifier: Arc<dyn Notifier>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) activity: Activity,
    pub(super) keepers: Keepers,
    pub(super) bell: Arc<Bell>,
    pub(super) directory: Arc<dyn Directory>,
}

impl Outbox {
    pub(super) async fn run(self) {
        let outbox = Arc::new(self);
        let mut sending = JoinSet::new();
        outbox.bell.ring(&outbox.activity);
        loop {
            let busy = outbox.bell.answer(&outbox.activity);
            outbox.claim(&mut sending).await;
            let due = outbox.next_due().await;
            drop(busy);
            let at = due.map_or(Timestamp::MAX, |due| due.max(outbox.clock.now()));
            tokio::select! {
                biased;
                () = outbox.bell.rung() => {}
                Some(_) = sending.join_next() => {}
                () = outbox.clock.sleep_until(at), if due.is_some() && sending.len() < AT_ONCE => {}
            }
        }
    }

    async fn claim(self: &Arc<Self>, sending: &mut JoinSet<()>) {
        while sending.try_join_next().is_some() {}
        while sending.len() < AT_ONCE {
            let now = self.clock.now();
            let at_most = AT_ONCE - sending.len();
            let claim = Claim {
                node: self.node,
                at_most,
                until: now + CLAIM,
                now,
            };
            let rows = match self.store.claim_outbox(&claim).await {
                Ok(rows) => rows,
                Err(error) => {
                    warn!(%error, "messages cannot be claimed");
                    return;
                }
            };
            if rows.is_empty() {
                return;
            }
            for row in rows {
                let outbox = Arc::clone(self);
                let busy = self.activity.begin();
                sending.spawn(async move {
                    outbox.send(row).await;
                    // The next row of its lane can go now.
                    outbox.bell.ring(&outbox.activity);
                    drop(busy);
                });
            }
        }
    }

    async fn next_due(&self) -> Option<Timestamp> {
        match self.store.outbox_due().await {
            Ok(due) => due.map(|due| due.max(self.clock.now() + Duration::from_millis(1))),
            Err(_) => Some(self.clock.now() + Duration::from_secs(1)),
        }
    }

    async fn send(&self, row: OutboxRow) {
        let (id, attempt) = (row.id, row.attempt);
        let result = self
            .notifier
            .deliver(id, &row.notice, row.previous.clone())
            .await;
        let sent = match result {
            Ok(receipt) => match self.delivered(&row, receipt).await {
                Some(sent) => sent,
                None => return, // settled together with what followed from it
            },
            Err(error) => match self.failed(&row, &error, attempt).await {
                Some(sent) => sent,
                None => return,
            },
        };
        self.settle(id, sent).await;
    }

    /// A question's delivery starts its deadline, in one commit with the receipt.
    async fn delivered(&self, row: &OutboxRow, receipt: Receipt) -> Option<Sent> {
        let sent = Sent::Delivered(receipt);
        let Some((session, challenge)) = row.notice.question() else {
            return Some(sent);
        };
        let event = Event::Delivered { challenge };
        let taken = self
            .keepers
            .settle(session, event, (row.id, sent.clone()))
            .await;
        (!taken).then_some(sent)
    }

    async fn failed(&self, row: &OutboxRow, error: &NotifierError, attempt: u32) -> Option<Sent> {
        let reason: crate::tunnel::Text = error.to_string().into();
        debug!(%error, attempt, "a message was not delivered");
        let now = self.clock.now();
        match error.retry() {
            Retry::Never => {
                if matches!(error, NotifierError::Gone(_)) {
                    super::mark_unreachable(&*self.directory, &row.notice).await;
                }
                let sent = Sent::Dead { reason };
                let Some((session, challenge)) = row.notice.question() else {
                    return Some(sent);
                };
                let event = Event::Undeliverable { challenge };
                let taken = self
                    .keepers
                    .settle(session, event, (row.id, sent.clone()))
                    .await;
                (!taken).then_some(sent)
            }
            Retry::Now | Retry::After(_) if attempt >= TRIES => Some(Sent::Dead { reason }),
            Retry::Now => Some(Sent::Later { due: now, reason }),
            Retry::After(pause) => {
                let pause = match error {
                    NotifierError::SlowDown(_) => pause,
                    _ => backoff::delay(attempt, pause, Duration::from_secs(30)),
                };
                Some(Sent::Later {
                    due: now + pause,
                    reason,
                })
            }
        }
    }

    async fn settle(&self, id: OutboxId, sent: Sent) {
        if let Err(error) = self.store.settle_outbox(self.node, &[(id, sent)]).await {
            // It is claimed anew when the claim is over, and then edited, not repeated.
            warn!(%error, "a delivered message could not be settled");
        }
    }
}
