//! A messenger in memory, which writes down all that it shows.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use tokio::sync::Notify;

use crate::{
    id::{ChallengeId, OutboxId, SessionId, UserId},
    notifier::{Alert, Card, Delivery, Inform, Notice, Notifier, NotifierError},
    store::Receipt,
    testing::turns::turns,
    time::{Clock, Timestamp},
    tunnel::Text,
};

#[cfg(test)]
mod tests;

/// [`Notifier`] that keeps its messages in memory, as a phone would show them.
///
/// Clones are the same messenger. It behaves as Telegram does: an edited message makes no sound, a moved one is a new
/// message and the old one goes, a message that its reader deleted is sent anew.
#[derive(Clone)]
pub struct RecordingNotifier {
    clock: Arc<dyn Clock>,
    state: Arc<Mutex<State>>,
    told: Arc<Notify>,
}

/// What becomes of one call of [`Notifier::deliver`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveryFault {
    /// Refused: too fast, not before this has gone by.
    SlowDown(Duration),
    /// Refused for good.
    Refused(Text),
    /// Not reached.
    Unavailable,
    /// No answer came: [`NotifierError::OutcomeUnknown`].
    Unknown {
        /// Was it shown all the same?
        sent: bool,
    },
}

/// What one delivery did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// A new message.
    Sent,
    /// A message was changed where it stands, without sound.
    Edited,
    /// A message was replaced by a new one below.
    Moved,
}

/// One delivery that went through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// Which row of the outbox.
    pub id: OutboxId,
    /// What was shown.
    pub notice: Notice,
    /// When.
    pub at: Timestamp,
    /// How.
    pub manner: Manner,
    /// Did the phone make a sound?
    pub sound: bool,
}

/// One message as it stands in a chat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownMessage {
    /// Its number: grows with each new message.
    pub number: u64,
    /// What it shows now.
    pub notice: Notice,
    /// When it was sent.
    pub sent_at: Timestamp,
}

#[derive(Debug, Default)]
struct State {
    sent: u64,
    shown: BTreeMap<u64, ShownMessage>,
    delivered: Vec<Delivered>,
    faults: VecDeque<DeliveryFault>,
    away_until: Option<Timestamp>,
    gone: BTreeSet<UserId>,
    turns: u32,
}

impl RecordingNotifier {
    /// A messenger with nothing in it. The clock says when messages were sent, and how long faults last.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            state: Arc::new(Mutex::new(State::default())),
            told: Arc::new(Notify::new()),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets what becomes of the next delivery for which nothing is set yet. Several wait in a row.
    pub fn next_delivery(&self, fault: DeliveryFault) {
        self.state().faults.push_back(fault);
    }

    /// The messenger cannot be reached until then.
    pub fn away_until(&self, at: Timestamp) {
        self.state().away_until = Some(at);
    }

    /// The user has blocked us, or takes that back.
    pub fn block(&self, user: UserId, blocked: bool) {
        let mut state = self.state();
        if blocked {
            state.gone.insert(user);
        } else {
            state.gone.remove(&user);
        }
    }

    /// The reader deletes all that stands in the chat.
    pub fn clear_chat(&self, user: UserId) {
        let mut state = self.state();
        state
            .shown
            .retain(|_, message| message.notice.user() != Some(user));
    }

    /// Each delivery takes so many turns more, in which other tasks run.
    pub fn latency(&self, turns: u32) {
        self.state().turns = turns;
    }

    /// Every delivery that went through, in order.
    #[must_use]
    pub fn delivered(&self) -> Vec<Delivered> {
        self.state().delivered.clone()
    }

    /// What stands in a user's chat, oldest first.
    #[must_use]
    pub fn chat(&self, user: UserId) -> Vec<ShownMessage> {
        self.shown(|notice| notice.user() == Some(user))
    }

    /// What stands in the operators' chat, oldest first.
    #[must_use]
    pub fn operators_chat(&self) -> Vec<ShownMessage> {
        self.shown(|notice| notice.user().is_none())
    }

    fn shown(&self, wanted: impl Fn(&Notice) -> bool) -> Vec<ShownMessage> {
        let state = self.state();
        let messages = state.shown.values();
        messages
            .filter(|message| wanted(&message.notice))
            .cloned()
            .collect()
    }

    /// What the card of a session last showed.
    #[must_use]
    pub fn card(&self, session: SessionId) -> Option<Card> {
        self.cards(session).pop()
    }

    /// All that the card of a session showed, in order.
    #[must_use]
    pub fn cards(&self, session: SessionId) -> Vec<Card> {
        let state = self.state();
        let notices = state.delivered.iter().map(|delivered| &delivered.notice);
        notices
            .filter_map(|notice| match notice {
                Notice::Card { card, subject, .. } if subject.session == Some(session) => {
                    Some(card.clone())
                }
                _ => None,
            })
            .collect()
    }

    /// The questions that stand in chats now, oldest message first.
    #[must_use]
    pub fn questions(&self) -> Vec<(SessionId, ChallengeId)> {
        let state = self.state();
        let messages = state.shown.values();
        messages
            .filter_map(|message| message.notice.question())
            .collect()
    }

    /// The question that a user can answer now: the newest one in their chat.
    #[must_use]
    pub fn question_to(&self, user: UserId) -> Option<(SessionId, ChallengeId)> {
        let chat = self.chat(user);
        chat.iter()
            .rev()
            .find_map(|message| message.notice.question())
    }

    /// What operators were told, in order.
    #[must_use]
    pub fn alerts(&self) -> Vec<Alert> {
        let state = self.state();
        let notices = state.delivered.iter().map(|delivered| &delivered.notice);
        notices
            .filter_map(|notice| match notice {
                Notice::Alert { alert, .. } => Some(alert.clone()),
                _ => None,
            })
            .collect()
    }

    /// What a user was told once, in order.
    #[must_use]
    pub fn informed(&self, to: UserId) -> Vec<Inform> {
        let state = self.state();
        let notices = state.delivered.iter().map(|delivered| &delivered.notice);
        notices
            .filter_map(|notice| match notice {
                Notice::Inform { user, inform, .. } if *user == to => Some(inform.clone()),
                _ => None,
            })
            .collect()
    }

    /// How often a user's phone made a sound.
    #[must_use]
    pub fn sounds(&self, user: UserId) -> usize {
        let state = self.state();
        let delivered = state.delivered.iter();
        delivered
            .filter(|delivered| delivered.sound && delivered.notice.user() == Some(user))
            .count()
    }

    /// Waits until `wanted` finds what it looks for; asks again after each delivery.
    pub async fn wait_for<T>(&self, wanted: impl Fn(&Self) -> Option<T>) -> T {
        loop {
            let told = self.told.notified();
            if let Some(found) = wanted(self) {
                return found;
            }
            told.await;
        }
    }

    /// What goes wrong before anything is shown.
    fn trouble(
        &self,
        state: &mut State,
        notice: &Notice,
    ) -> Result<Option<DeliveryFault>, NotifierError> {
        if state
            .away_until
            .is_some_and(|until| self.clock.now() < until)
        {
            return Err(NotifierError::Unavailable("connection refused".into()));
        }
        if notice.user().is_some_and(|user| state.gone.contains(&user)) {
            return Err(NotifierError::Gone("bot was blocked by the user".into()));
        }
        match state.faults.pop_front() {
            Some(DeliveryFault::SlowDown(pause)) => Err(NotifierError::SlowDown(pause)),
            Some(DeliveryFault::Refused(why)) => Err(NotifierError::Refused(why)),
            Some(DeliveryFault::Unavailable) => {
                Err(NotifierError::Unavailable("connection refused".into()))
            }
            Some(DeliveryFault::Unknown { sent: false }) => Err(NotifierError::OutcomeUnknown),
            other => Ok(other),
        }
    }

    fn deliver_now(
        &self,
        id: OutboxId,
        notice: &Notice,
        previous: Option<&Receipt>,
    ) -> Result<Receipt, NotifierError> {
        let mut state = self.state();
        let fault = self.trouble(&mut state, notice)?;
        let receipt = state.show(id, notice, previous, self.clock.now());
        match fault {
            Some(_) => Err(NotifierError::OutcomeUnknown),
            None => Ok(receipt),
        }
    }
}

impl State {
    fn show(
        &mut self,
        id: OutboxId,
        notice: &Notice,
        previous: Option<&Receipt>,
        now: Timestamp,
    ) -> Receipt {
        let old = previous
            .and_then(|receipt| receipt.0.parse().ok())
            .filter(|number| self.shown.contains_key(number));
        let (manner, sound) = manner_of(notice, old.is_some());
        let number = match (manner, old) {
            (Manner::Edited, Some(number)) => number,
            (Manner::Moved, Some(number)) => {
                self.shown.remove(&number);
                self.next_number()
            }
            _ => self.next_number(),
        };
        let sent_at = self
            .shown
            .get(&number)
            .map_or(now, |message| message.sent_at);
        self.shown.insert(
            number,
            ShownMessage {
                number,
                notice: notice.clone(),
                sent_at,
            },
        );
        self.delivered.push(Delivered {
            id,
            notice: notice.clone(),
            at: now,
            manner,
            sound,
        });
        Receipt(number.to_string().into())
    }

    const fn next_number(&mut self) -> u64 {
        self.sent += 1;
        self.sent
    }
}

/// How a message reaches its reader, and whether the phone makes a sound.
const fn manner_of(notice: &Notice, has_old: bool) -> (Manner, bool) {
    match (notice, has_old) {
        (
            Notice::Card {
                delivery: Delivery::Edit,
                ..
            },
            true,
        )
        | (Notice::Alert { .. }, true) => (Manner::Edited, false),
        (Notice::Card { delivery, .. }, true) => {
            (Manner::Moved, matches!(delivery, Delivery::Move))
        }
        (Notice::Card { delivery, .. }, false) => {
            (Manner::Sent, matches!(delivery, Delivery::Move))
        }
        (Notice::Inform { .. } | Notice::Alert { .. }, _) => (Manner::Sent, true),
    }
}

impl fmt::Debug for RecordingNotifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordingNotifier")
            .field("delivered", &self.state().delivered.len())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Notifier for RecordingNotifier {
    async fn deliver(
        &self,
        id: OutboxId,
        notice: &Notice,
        previous: Option<Receipt>,
    ) -> Result<Receipt, NotifierError> {
        let result = self.deliver_now(id, notice, previous.as_ref());
        let count = self.state().turns;
        turns(count).await;
        self.told.notify_waiters();
        result
    }
}
