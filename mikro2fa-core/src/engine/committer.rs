//! One committer a node: what has gathered while the last transaction ran becomes the next one.

use std::{collections::VecDeque, pin::pin, sync::Arc, time::Duration};

use futures_core::future::BoxFuture;
use tokio::sync::mpsc;
use tracing::warn;

use crate::{
    engine::{Activity, backoff, bell::Bell, settled::Busy},
    id::SessionId,
    retry::Retry,
    session::Session,
    store::{Commit, Committed, Store, StoreError},
    time::Clock,
};

/// How many commits one transaction takes at most.
const GROUP: usize = 512;

/// A commit on its way, and where its outcome goes.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) commit: Commit,
    pub(super) reply: tokio::sync::oneshot::Sender<(Verdict, Busy)>,
    /// In flight until it is answered.
    pub(super) busy: Busy,
}

/// An order that was taken.
#[derive(Debug)]
pub(super) struct Waiting {
    commit: Commit,
    reply: tokio::sync::oneshot::Sender<(Verdict, Busy)>,
    busy: Option<Busy>,
}

impl From<Order> for Waiting {
    fn from(order: Order) -> Self {
        Self {
            commit: order.commit,
            reply: order.reply,
            busy: Some(order.busy),
        }
    }
}

/// What became of it.
#[derive(Debug)]
pub(super) enum Verdict {
    /// Durable.
    Done,
    /// Its update was counted before: nothing was written now. This is how the session stands.
    Repeated(Option<Box<Session>>),
    /// Somebody else changed this session: this is how it stands.
    Conflict(Option<Box<Session>>),
    /// The router is no longer ours.
    Fenced,
    /// It cannot be written.
    Refused(crate::tunnel::Text),
}

pub(super) struct Committer {
    pub(super) store: Arc<dyn Store>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) activity: Activity,
    pub(super) orders: mpsc::Receiver<Order>,
    /// Taken, and not written yet.
    pub(super) waiting: VecDeque<Waiting>,
    /// Told while the database cannot be written, and when it can again.
    pub(super) trouble: tokio::sync::watch::Sender<Option<StoreError>>,
    /// Rows for the outbox were written.
    pub(super) outbox: Arc<Bell>,
}

impl Committer {
    pub(super) async fn run(mut self) {
        let mut orders = Vec::with_capacity(GROUP);
        loop {
            if self.waiting.is_empty() {
                if self.orders.recv_many(&mut orders, GROUP).await == 0 {
                    return;
                }
                self.waiting.extend(orders.drain(..).map(Waiting::from));
            }
            self.write().await;
        }
    }

    async fn write(&mut self) {
        let working = self.activity.begin();
        let most = self.waiting.len().min(GROUP);
        let mut group = Vec::with_capacity(most);
        let mut replies = Vec::with_capacity(most);
        for waiting in self.waiting.drain(..most) {
            group.push(waiting.commit);
            replies.push(waiting.reply);
            drop(waiting.busy); // from here on, `working` stands for all of them
        }
        let (results, _working) = self.commit(&group, working).await;
        if group
            .iter()
            .any(|commit| !commit.outbox.is_empty() || !commit.settled.is_empty())
        {
            self.outbox.ring(&self.activity);
        }
        for ((commit, reply), result) in group.into_iter().zip(replies).zip(results) {
            let verdict = match result {
                Committed::Done => Verdict::Done,
                Committed::Repeated => self.repeated(&commit).await,
                Committed::Conflict { session } => self.conflict(session).await,
                Committed::Fenced => Verdict::Fenced,
                Committed::Refused(why) => Verdict::Refused(why),
            };
            let _ = reply.send((verdict, self.activity.begin()));
        }
    }

    /// There already: this very commit, when it was sent again after an unknown outcome, or another one that answered
    /// the same update.
    async fn repeated(&self, commit: &Commit) -> Verdict {
        let Some((_, session)) = commit.sessions.first() else {
            return Verdict::Done;
        };
        match self.store.session(session.id).await {
            Ok(Some(found)) if found == *session => Verdict::Done,
            Ok(found) => Verdict::Repeated(found.map(Box::new)),
            Err(error) => Verdict::Refused(error.to_string().into()),
        }
    }

    async fn conflict(&self, id: SessionId) -> Verdict {
        match self.store.session(id).await {
            Ok(session) => Verdict::Conflict(session.map(Box::new)),
            Err(error) => Verdict::Refused(error.to_string().into()),
        }
    }

    /// Nobody waits to be rid of an order meanwhile: keepers go on closing. What is ordered now is not in flight before
    /// the database can be written again.
    async fn pause(&mut self, sleep: BoxFuture<'static, ()>) -> Busy {
        for waiting in &mut self.waiting {
            waiting.busy = None;
        }
        let mut pause = pin!(self.activity.woken(sleep));
        loop {
            tokio::select! {
                biased;
                busy = &mut pause => return busy,
                Some(order) = self.orders.recv() => {
                    let waiting = Waiting::from(order);
                    self.waiting.push_back(Waiting { busy: None, ..waiting });
                }
            }
        }
    }

    /// Until the database has taken the group. While it cannot, nothing opens; closing goes on without it.
    async fn commit(&mut self, group: &[Commit], working: Busy) -> (Vec<Committed>, Busy) {
        let mut working = working;
        let mut attempt = 0;
        loop {
            let error = match self.store.commit(group).await {
                Ok(results) => {
                    self.trouble
                        .send_if_modified(|trouble| trouble.take().is_some());
                    return (results, working);
                }
                Err(error) => error,
            };
            warn!(%error, attempt, "the database did not take a group of commits");
            let first = match error.retry() {
                Retry::Now => Duration::from_millis(20),
                Retry::After(pause) => pause,
                Retry::Never => {
                    let why: crate::tunnel::Text = error.to_string().into();
                    self.trouble.send_replace(Some(error));
                    return (vec![Committed::Refused(why); group.len()], working);
                }
            };
            if attempt > 0 {
                self.trouble.send_if_modified(|trouble| {
                    let news = trouble.is_none();
                    *trouble = Some(error);
                    news
                });
            }
            let pause = backoff::delay(attempt, first, Duration::from_secs(10));
            let sleep = self.clock.sleep_until(self.clock.now() + pause);
            drop(working); // a manual clock must be able to move
            working = self.pause(sleep).await;
            attempt = attempt.saturating_add(1);
        }
    }
}
