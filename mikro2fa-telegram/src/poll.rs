//! Fetches updates, and confirms them only when what they brought about is durable.
//!
//! teloxide's own loop confirms a batch when it arrives, while handlers still run: whoever is killed then has lost a
//! tap. Here Telegram is asked past an update only after it was dealt with; one that has to wait (a database that cannot
//! be written) holds nobody else up: what came after it is dealt with, and confirmed together with it.
//!
//! Telegram forgets a tap after 150 s (`Client.cpp`, `add_update`). So the engine is told when updates cannot be fetched,
//! and the clocks of open questions stand still meanwhile.

use std::{sync::Arc, time::Duration};

use mikro2fa_core::{notifier::Alert, time::Timestamp};
use teloxide::types::Update;
use tracing::{error, warn};

use crate::{inbox::Inbox, office::Office, trouble::Trouble};

/// Without news from Telegram for so long, the clocks of questions stand still.
const AWAY_AFTER: Duration = Duration::from_secs(60);
/// Pauses after failures: from, to.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Another poller is there: a pause as long as the server's own.
const CONFLICT_PAUSE: Duration = Duration::from_secs(3);

/// What a poll brought.
pub(crate) struct Fetched(Result<Vec<Update>, Trouble>);

pub(crate) struct Poller {
    office: Arc<Office>,
    inbox: Inbox,
    /// When updates were last fetched.
    fetched_at: Timestamp,
    failures: u32,
    told_conflict: bool,
}

impl Poller {
    pub(crate) fn new(office: Arc<Office>) -> Self {
        let fetched_at = office.now();
        let inbox = Inbox::new(Arc::clone(&office));
        Self {
            office,
            inbox,
            fetched_at,
            failures: 1,
            told_conflict: false,
        }
    }

    /// One poll. May be dropped at any time.
    pub(crate) fn fetch(&self) -> impl Future<Output = Fetched> + use<> {
        // After a failure the first look does not wait: what is there says at once that answers can be fetched again.
        // Nor does it while something is in hand: that would come again at once.
        let wait = self.failures == 0 && self.inbox.is_empty();
        let (offset, office) = (self.inbox.offset(), Arc::clone(&self.office));
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

    /// Finishes what is in hand, and confirms it, so that it is not brought again.
    pub(crate) async fn finish(&mut self) {
        self.inbox.settle().await;
        if self.inbox.offset().is_some() {
            // Not confirmed is not lost: it comes again and changes nothing.
            let _ = self
                .office
                .courier
                .api
                .get_updates(self.inbox.offset(), false)
                .await;
        }
    }

    async fn fetched(&mut self, updates: Vec<Update>) {
        self.fetched_at = self.office.now();
        self.told_conflict = false;
        self.inbox.take(updates);
        self.inbox.settle().await;
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
        let doublings = self.failures.saturating_sub(2).min(8);
        let backoff = (FIRST_PAUSE * 2_u32.saturating_pow(doublings)).min(LONGEST_PAUSE);
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
}
