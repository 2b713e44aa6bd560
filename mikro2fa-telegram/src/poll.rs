//! Fetches updates, and confirms them only when what they brought about is durable.
//!
//! teloxide's own loop confirms a batch when it arrives, while handlers still run: whoever is killed then has lost a
//! tap. Here a batch is asked past only after every update in it was dealt with. Taps of one chat are dealt with in
//! their order, chats beside each other.
//!
//! Telegram forgets a tap after 150 s (`Client.cpp`, `add_update`). So the engine is told when updates cannot be fetched,
//! and the clocks of open questions stand still meanwhile.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::ControlFlow,
    sync::Arc,
    time::Duration,
};

use mikro2fa_core::{notifier::Alert, time::Timestamp};
use teloxide::{
    dispatching::UpdateHandler,
    dptree,
    types::{Update, UpdateKind},
};
use tokio::task::JoinSet;
use tracing::{error, info, warn};

use crate::{
    handlers,
    office::{Failure, Office},
    routes::routes,
    trouble::Trouble,
};

/// Without news from Telegram for so long, the clocks of questions stand still.
const AWAY_AFTER: Duration = Duration::from_secs(60);
/// Pauses after failures: from, to.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Another poller is there: a pause longer than the server's own three seconds.
const CONFLICT_PAUSE: Duration = Duration::from_secs(3);
/// An update is given up after so many tries; a tap is forgotten by Telegram at about the same time.
const TRIES: u32 = 12;
/// Updates that were dealt with are remembered, since a restart of ids or a lost confirmation may bring them again.
const REMEMBERED: usize = 100_000;

/// What a poll brought.
pub(crate) struct Fetched(Result<Vec<Update>, Trouble>);

pub(crate) struct Poller {
    office: Arc<Office>,
    routes: UpdateHandler<Failure>,
    /// The next update to ask for.
    offset: Option<i64>,
    seen: BTreeSet<u32>,
    order: std::collections::VecDeque<u32>,
    /// When updates were last fetched.
    fetched_at: Timestamp,
    failures: u32,
    told_conflict: bool,
}

impl Poller {
    pub(crate) fn new(office: Arc<Office>) -> Self {
        let fetched_at = office.now();
        Self {
            office,
            routes: routes(),
            offset: None,
            seen: BTreeSet::new(),
            order: std::collections::VecDeque::new(),
            fetched_at,
            failures: 1,
            told_conflict: false,
        }
    }

    /// One poll. May be dropped at any time.
    pub(crate) fn fetch(&self) -> impl Future<Output = Fetched> + use<> {
        // After a failure the first look does not wait: what is there says at once that answers can be fetched again.
        let (wait, offset, office) = (self.failures == 0, self.offset, Arc::clone(&self.office));
        async move { Fetched(office.courier.api.get_updates(offset, wait).await) }
    }

    /// All that a poll brought, and until when to pause then. Not to be dropped halfway, except by a crash.
    pub(crate) async fn digest(&mut self, fetched: Fetched) -> Option<Timestamp> {
        match fetched.0 {
            Ok(updates) => {
                self.fetched(updates).await;
                None
            }
            Err(trouble) => Some(self.failed(trouble).await),
        }
    }

    /// Confirms what was dealt with, so that it is not brought again.
    pub(crate) async fn confirm(&self) {
        if self.offset.is_some() {
            // Not confirmed is not lost: it comes again and changes nothing.
            let _ = self
                .office
                .courier
                .api
                .get_updates(self.offset, false)
                .await;
        }
    }

    async fn fetched(&mut self, updates: Vec<Update>) {
        self.fetched_at = self.office.now();
        self.told_conflict = false;
        let next = updates
            .iter()
            .map(|update| i64::from(update.id.0))
            .max()
            .map(|last| last + 1);
        let mut chats: BTreeMap<i64, Vec<Update>> = BTreeMap::new();
        for update in updates {
            if self.remember(update.id.0) {
                chats.entry(chat_of(&update)).or_default().push(update);
            }
        }
        let mut working = JoinSet::new();
        for (_, updates) in chats {
            let (office, routes) = (Arc::clone(&self.office), self.routes.clone());
            working.spawn(async move {
                for update in updates {
                    deal_with(&office, &routes, update).await;
                }
            });
        }
        while working.join_next().await.is_some() {}
        if next.is_some() {
            self.offset = next;
        }
        if self.failures > 0 {
            self.failures = 0;
            // Only now: the answers that were waiting count before any question is put again.
            self.office.engine.messenger(None);
        }
    }

    async fn failed(&mut self, trouble: Trouble) -> Timestamp {
        self.failures = self.failures.saturating_add(1);
        let now = self.office.now();
        if now.since(self.fetched_at) >= AWAY_AFTER {
            self.office.engine.messenger(Some(self.fetched_at));
        }
        let backoff = (FIRST_PAUSE * 2_u32.saturating_pow(self.failures.saturating_sub(2).min(8)))
            .min(LONGEST_PAUSE);
        let pause = match &trouble {
            Trouble::SlowDown(pause) => *pause,
            Trouble::Conflict(why) => {
                warn!(%why, "another program uses this bot's token, or a webhook is set");
                self.conflict(why).await;
                backoff.max(CONFLICT_PAUSE)
            }
            Trouble::Token => {
                error!("telegram refuses the bot token: nobody can be asked until it is right");
                LONGEST_PAUSE
            }
            other => {
                warn!(trouble = ?other, "updates cannot be fetched");
                backoff
            }
        };
        now + pause
    }

    async fn conflict(&mut self, why: &str) {
        if why.to_lowercase().contains("webhook") {
            // Ours now: updates that wait are kept.
            if let Err(trouble) = self.office.courier.api.delete_webhook().await {
                warn!(?trouble, "the webhook could not be removed");
            }
        } else if !self.told_conflict {
            self.told_conflict = self
                .office
                .alert("bot-conflict", Alert::BotConflict, "".into())
                .await
                .is_ok();
        }
    }

    /// Is it new? Kept as a set: after a quiet week ids begin anywhere (Bot API, Update).
    fn remember(&mut self, id: u32) -> bool {
        if !self.seen.insert(id) {
            return false;
        }
        self.order.push_back(id);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.seen.remove(&oldest);
        }
        true
    }
}

/// Deals with one update until it is done, or given up. Never waits while it counts as being in flight.
async fn deal_with(office: &Arc<Office>, routes: &UpdateHandler<Failure>, update: Update) {
    let mut pause = FIRST_PAUSE;
    let mut last = String::new();
    for _ in 0..TRIES {
        let busy = office.engine.busy();
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
        drop(busy);
        office.courier.clock.sleep_until(office.now() + pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    handlers::apologise(office, &update, &last).await;
}

/// Whose order it has to keep.
fn chat_of(update: &Update) -> i64 {
    match &update.kind {
        UpdateKind::CallbackQuery(query) => i64::try_from(query.from.id.0).unwrap_or_default(),
        _ => update.chat().map_or(0, |chat| chat.id.0),
    }
}
