//! Updates in hand: those of one chat in their order, chats beside each other, and which may be confirmed.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    ops::ControlFlow,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use teloxide::{
    dispatching::UpdateHandler,
    dptree,
    types::{Update, UpdateKind},
};
use tokio::{sync::mpsc, task::JoinSet};
use tracing::info;

use crate::{
    handlers,
    office::{Failure, Office},
    routes::routes,
};

/// Pauses before an update is dealt with again: from, to.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// An update is given up after so many tries; at about the same time Telegram forgets a tap.
const TRIES: u32 = 9;
/// How long a batch is waited for before the next look at Telegram. One chat's trouble holds nobody else up.
const GRACE: Duration = Duration::from_secs(1);
/// Updates that were dealt with are remembered, since a lost confirmation brings them again.
const REMEMBERED: usize = 100_000;

/// Which updates are in hand, and which were.
#[derive(Debug, Default)]
struct Ledger {
    seen: BTreeSet<u32>,
    history: VecDeque<u32>,
    /// In the order in which they came, and whether they were dealt with.
    open: VecDeque<(u32, bool)>,
    last: Option<u32>,
}

impl Ledger {
    /// Is it new? Kept as a set, never as "above the last": after a quiet week ids begin anywhere (Bot API, Update).
    fn take(&mut self, id: u32) -> bool {
        if !self.seen.insert(id) {
            return false;
        }
        self.history.push_back(id);
        if self.history.len() > REMEMBERED
            && let Some(oldest) = self.history.pop_front()
        {
            self.seen.remove(&oldest);
        }
        self.open.push_back((id, false));
        self.last = Some(id);
        true
    }

    fn finish(&mut self, id: u32) {
        if let Some((_, done)) = self.open.iter_mut().find(|(open, _)| *open == id) {
            *done = true;
        }
        while self.open.front().is_some_and(|(_, done)| *done) {
            self.open.pop_front();
        }
    }

    /// What to ask for next: all before it is confirmed by that, so it is the oldest that was not dealt with.
    fn offset(&self) -> Option<i64> {
        let oldest = self.open.front().map(|(id, _)| i64::from(*id));
        oldest.or_else(|| self.last.map(|last| i64::from(last) + 1))
    }
}

type Queues = Arc<Mutex<BTreeMap<i64, VecDeque<Update>>>>;

/// Deals with updates. Dropping it is the crash: what was not dealt with was not confirmed.
pub(crate) struct Inbox {
    office: Arc<Office>,
    routes: UpdateHandler<Failure>,
    ledger: Ledger,
    queues: Queues,
    workers: JoinSet<()>,
    done: mpsc::UnboundedSender<u32>,
    finished: mpsc::UnboundedReceiver<u32>,
}

impl Inbox {
    pub(crate) fn new(office: Arc<Office>) -> Self {
        let (done, finished) = mpsc::unbounded_channel();
        Self {
            office,
            routes: routes(),
            ledger: Ledger::default(),
            queues: Queues::default(),
            workers: JoinSet::new(),
            done,
            finished,
        }
    }

    /// See [`Ledger::offset`].
    pub(crate) fn offset(&self) -> Option<i64> {
        self.ledger.offset()
    }

    /// Is anything in hand?
    pub(crate) fn is_empty(&self) -> bool {
        self.ledger.open.is_empty()
    }

    /// Takes a batch in hand; what is known already is left out.
    pub(crate) fn take(&mut self, updates: Vec<Update>) {
        for update in updates {
            if self.ledger.take(update.id.0) {
                self.enqueue(update);
            }
        }
    }

    /// Waits until all is dealt with, but not for long.
    pub(crate) async fn settle(&mut self) {
        let clock = Arc::clone(&self.office.courier.clock);
        let grace = clock.sleep_until(self.office.now() + GRACE);
        tokio::pin!(grace);
        while !self.is_empty() {
            tokio::select! {
                biased;
                Some(id) = self.finished.recv() => self.ledger.finish(id),
                () = &mut grace => break,
            }
        }
        while self.workers.try_join_next().is_some() {}
    }

    fn enqueue(&mut self, update: Update) {
        let chat = chat_of(&update);
        let queues = Arc::clone(&self.queues);
        let mut waiting = lock(&queues);
        match waiting.get_mut(&chat) {
            Some(queue) => queue.push_back(update),
            None => {
                waiting.insert(chat, VecDeque::from([update]));
                let (office, routes) = (Arc::clone(&self.office), self.routes.clone());
                self.workers.spawn(work(
                    office,
                    routes,
                    Arc::clone(&queues),
                    chat,
                    self.done.clone(),
                ));
            }
        }
    }
}

fn lock(queues: &Queues) -> MutexGuard<'_, BTreeMap<i64, VecDeque<Update>>> {
    queues.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whose order it has to keep.
fn chat_of(update: &Update) -> i64 {
    match &update.kind {
        UpdateKind::CallbackQuery(query) => i64::try_from(query.from.id.0).unwrap_or_default(),
        _ => update.chat().map_or(0, |chat| chat.id.0),
    }
}

/// Deals with what one chat brings, until there is nothing left.
async fn work(
    office: Arc<Office>,
    routes: UpdateHandler<Failure>,
    queues: Queues,
    chat: i64,
    done: mpsc::UnboundedSender<u32>,
) {
    loop {
        let next = {
            let mut waiting = lock(&queues);
            let next = waiting.get_mut(&chat).and_then(VecDeque::pop_front);
            if next.is_none() {
                waiting.remove(&chat);
            }
            next
        };
        let Some(update) = next else { return };
        let id = update.id.0;
        deal_with(&office, &routes, update).await;
        // Nobody to tell: the bot is being dropped.
        let _ = done.send(id);
    }
}

/// Deals with one update until it is done, or given up. Never waits while it counts as being in flight.
async fn deal_with(office: &Arc<Office>, routes: &UpdateHandler<Failure>, update: Update) {
    let mut pause = FIRST_PAUSE;
    let mut last = String::new();
    let mut busy = office.engine.busy();
    for _ in 0..TRIES {
        let input = dptree::deps![Arc::clone(office), update.clone()];
        match routes.dispatch(input).await {
            ControlFlow::Continue(_) | ControlFlow::Break(Ok(())) => return,
            ControlFlow::Break(Err(Failure::Ours(why))) => {
                handlers::apologise(office, &update, &why).await;
                return;
            }
            ControlFlow::Break(Err(Failure::Later(why))) => {
                info!(%why, "an update is dealt with again in a moment");
                last = why;
            }
        }
        busy = office.engine.sleep_until(office.now() + pause, busy).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    handlers::apologise(office, &update, &last).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_confirmed_before_it_is_dealt_with() {
        let mut ledger = Ledger::default();
        assert_eq!(ledger.offset(), None);
        assert!(ledger.take(5) && ledger.take(6) && ledger.take(7) && !ledger.take(6));
        ledger.finish(6);
        assert_eq!(ledger.offset(), Some(5));
        ledger.finish(5);
        assert_eq!(ledger.offset(), Some(7));
        ledger.finish(7);
        assert_eq!(ledger.offset(), Some(8));
    }

    #[test]
    fn ids_may_begin_anywhere() {
        let mut ledger = Ledger::default();
        ledger.take(900);
        ledger.finish(900);
        assert!(ledger.take(3));
        assert_eq!(ledger.offset(), Some(3));
        ledger.finish(3);
        assert_eq!(ledger.offset(), Some(4));
        assert!(!ledger.take(900), "a repeat is a repeat");
    }
}
