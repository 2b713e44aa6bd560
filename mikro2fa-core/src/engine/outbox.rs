//! Claim, send, settle: messages go out at least once, and a question's deadline starts with its delivery.

use std::{sync::Arc, time::Duration};

use tokio::task::JoinSet;
use tracing::{debug, warn};

use crate::{
    directory::{DeskChange, Directory},
    engine::{Activity, backoff, bell::Bell, keepers::Keepers, settled::Busy},
    entropy::Entropy,
    id::{CommitId, NodeId, OutboxId},
    notifier::{Alert, Notice, Notifier, NotifierError, Subject},
    retry::Retry,
    session::Event,
    store::{Claim, Commit, Lane, OutboxRow, Priority, Receipt, Sent, Store},
    time::{Clock, Timestamp},
    tunnel::Text,
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
    pub(super) entropy: Arc<dyn Entropy>,
}

impl Outbox {
    pub(super) async fn run(self) {
        let outbox = Arc::new(self);
        let mut sending = JoinSet::new();
        let mut woken = None;
        outbox.bell.ring(&outbox.activity);
        loop {
            let busy = outbox.bell.answer(&outbox.activity);
            drop(woken.take());
            outbox.claim(&mut sending).await;
            let due = outbox.next_due().await;
            let at = due.map_or(Timestamp::MAX, |due| due.max(outbox.clock.now()));
            let sleep = outbox.clock.sleep_until(at);
            drop(busy);
            tokio::select! {
                biased;
                () = outbox.bell.rung() => {}
                Some(_) = sending.join_next() => {}
                busy = outbox.activity.woken(sleep), if due.is_some() && sending.len() < AT_ONCE => woken = Some(busy),
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
                    let busy = outbox.send(row, busy).await;
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

    async fn send(&self, row: OutboxRow, busy: Busy) -> Busy {
        let (id, attempt) = (row.id, row.attempt);
        let result = self
            .notifier
            .deliver(id, &row.notice, row.previous.clone())
            .await;
        let (sent, busy) = match result {
            Ok(receipt) => self.delivered(&row, receipt, busy).await,
            Err(error) => self.failed(&row, &error, attempt, busy).await,
        };
        // Else it was settled together with what followed from it.
        if let Some(sent) = sent {
            self.settle(id, sent).await;
        }
        busy
    }

    /// A question's delivery starts its deadline, in one commit with the receipt.
    async fn delivered(
        &self,
        row: &OutboxRow,
        receipt: Receipt,
        busy: Busy,
    ) -> (Option<Sent>, Busy) {
        let sent = Sent::Delivered(receipt);
        let Some((session, challenge)) = row.notice.question() else {
            return (Some(sent), busy);
        };
        let event = Event::Delivered { challenge };
        let settled = (row.id, sent.clone());
        let (taken, busy) = self.keepers.settle(session, event, settled, busy).await;
        ((!taken).then_some(sent), busy)
    }

    async fn failed(
        &self,
        row: &OutboxRow,
        error: &NotifierError,
        attempt: u32,
        busy: Busy,
    ) -> (Option<Sent>, Busy) {
        let reason: Text = error.to_string().into();
        debug!(%error, attempt, "a message was not delivered");
        let now = self.clock.now();
        let sent = match error.retry() {
            Retry::Never => {
                if matches!(error, NotifierError::Gone(_)) {
                    self.unreachable(&row.notice, &reason).await;
                }
                let sent = Sent::Dead { reason };
                let Some((session, challenge)) = row.notice.question() else {
                    return (Some(sent), busy);
                };
                let event = Event::Undeliverable { challenge };
                let settled = (row.id, sent.clone());
                let (taken, busy) = self.keepers.settle(session, event, settled, busy).await;
                return ((!taken).then_some(sent), busy);
            }
            // Being told to slow down is no failure of the message.
            Retry::Now | Retry::After(_)
                if attempt >= TRIES && !matches!(error, NotifierError::SlowDown(_)) =>
            {
                Sent::Dead { reason }
            }
            Retry::Now => Sent::Later { due: now, reason },
            Retry::After(pause) => {
                let pause = match error {
                    NotifierError::SlowDown(_) => pause,
                    _ => backoff::delay(attempt, pause, Duration::from_secs(30)),
                };
                Sent::Later {
                    due: now + pause,
                    reason,
                }
            }
        };
        (Some(sent), busy)
    }

    /// A chat cannot be written to: its user is marked, and operators are told, once.
    async fn unreachable(&self, notice: &Notice, why: &Text) {
        let Some(id) = notice.user() else {
            return;
        };
        let Ok(Some(mut user)) = self.directory.user(id).await else {
            return;
        };
        if user.unreachable {
            return;
        }
        let person = Arc::clone(&user.name);
        user.unreachable = true;
        user.version += 1;
        let marked = self
            .directory
            .change(vec![DeskChange::PutUser(user)], Vec::new())
            .await;
        if let Err(error) = marked {
            warn!(%error, "an unreachable user could not be marked");
            return;
        }
        let now = self.clock.now();
        let mut commit = Commit::new(CommitId::from_uuid(self.entropy.sorted(now)), None);
        commit.outbox.push(OutboxRow {
            id: OutboxId::from_uuid(self.entropy.sorted(now)),
            lane: Lane::alert(&format!("user-unreachable {id}")),
            priority: Priority::Info,
            notice: Notice::Alert {
                alert: Alert::UserUnreachable {
                    why: Arc::clone(why),
                },
                subject: Subject {
                    person,
                    ..Subject::default()
                },
                at: now,
            },
            due: now,
            useless_after: None,
            attempt: 0,
            previous: None,
        });
        if let Err(error) = self.store.commit(&[commit]).await {
            warn!(%error, "operators could not be told of an unreachable user");
        }
    }

    async fn settle(&self, id: OutboxId, sent: Sent) {
        if let Err(error) = self.store.settle_outbox(self.node, &[(id, sent)]).await {
            // It is claimed anew when the claim is over, and then edited, not repeated.
            warn!(%error, "a delivered message could not be settled");
        }
    }
}
