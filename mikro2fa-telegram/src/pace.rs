//! Not faster than Telegram takes it: in all, and to one chat.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use mikro2fa_core::time::{Clock, Timestamp};
use tokio::time::Instant;

/// A chat takes one message a second, and three at once before that counts (Bot API FAQ; the burst is experience).
const CHAT_INTERVAL: Duration = Duration::from_secs(1);
const CHAT_BURST: u32 = 3;
/// After a halving the rate grows back by one a second each minute.
const RECOVERY: Duration = Duration::from_secs(60);
/// Chats that were not written to for so long are forgotten.
const FORGET: Duration = Duration::from_secs(60);

/// When the next message may go. Waiting is real time, since it is about the wire; what the server said ("retry after")
/// is kept by the engine's clock, by which the message is also tried again.
#[derive(Debug)]
pub(crate) struct Pace {
    clock: Arc<dyn Clock>,
    per_second: Option<u32>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// When the message after all those promised so far may go.
    next: Option<Instant>,
    chats: BTreeMap<i64, Instant>,
    resting: BTreeMap<i64, Timestamp>,
    all_rest: Option<Timestamp>,
    /// Taken off the rate, and since when.
    slower_by: u32,
    slowed_at: Option<Instant>,
}

impl Pace {
    pub(crate) fn new(per_second: Option<u32>, clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            per_second,
            state: Mutex::default(),
        }
    }

    /// Waits for this message's turn.
    ///
    /// # Errors
    ///
    /// How long the server does not want to hear from us.
    pub(crate) async fn turn(&self, chat: i64) -> Result<(), Duration> {
        let at = {
            let mut state = self.state();
            if let Some(rest) = state.rest(chat, self.clock.now()) {
                return Err(rest);
            }
            let Some(per_second) = self.per_second else {
                return Ok(());
            };
            state.promise(chat, per_second, Instant::now())
        };
        tokio::time::sleep_until(at).await;
        Ok(())
    }

    /// The server said "retry after": that chat rests, and if another one rests too, everything, at half the rate.
    pub(crate) fn refused(&self, chat: i64, pause: Duration) {
        let now = self.clock.now();
        let mut state = self.state();
        state.resting.retain(|_, until| *until > now);
        let until = now + pause;
        if state.resting.keys().any(|other| *other != chat) {
            state.all_rest = state.all_rest.max(Some(until));
            if let Some(per_second) = self.per_second {
                let rate = state.rate(per_second, Instant::now());
                state.slower_by = per_second - (rate / 2).max(1);
                state.slowed_at = Some(Instant::now());
            }
        }
        state.resting.insert(chat, until);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn rest(&self, chat: i64, now: Timestamp) -> Option<Duration> {
        let until = self.all_rest.max(self.resting.get(&chat).copied())?;
        (until > now).then(|| until.since(now))
    }

    fn rate(&self, per_second: u32, now: Instant) -> u32 {
        let minutes = self.slowed_at.map_or(0, |at| {
            now.duration_since(at).as_secs() / RECOVERY.as_secs()
        });
        let slower = self
            .slower_by
            .saturating_sub(u32::try_from(minutes).unwrap_or(u32::MAX));
        per_second.saturating_sub(slower).max(1)
    }

    /// When this message may go; the next ones are counted from there.
    fn promise(&mut self, chat: i64, per_second: u32, now: Instant) -> Instant {
        let interval = Duration::from_secs(1) / self.rate(per_second, now);
        let all = self.next.map_or(now, |next| next.max(now));
        let burst = CHAT_INTERVAL * (CHAT_BURST - 1);
        // The chat's own count may lie in the future by its burst before anything waits.
        let counted = self.chats.get(&chat).copied().map_or(now, |at| at.max(now));
        let own = counted.checked_sub(burst).map_or(now, |at| at.max(now));
        let at = all.max(own);
        self.next = Some(all + interval);
        self.chats.insert(chat, counted.max(at) + CHAT_INTERVAL);
        if self.chats.len() > 1_000 {
            self.chats.retain(|_, at| *at + FORGET > now);
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use mikro2fa_core::testing::ManualClock;

    use super::*;

    #[test]
    fn one_chat_takes_three_at_once_and_then_one_a_second() {
        let (mut state, now) = (State::default(), Instant::now());
        let waits: Vec<u128> = (0..5)
            .map(|_| (state.promise(1, 1_000, now) - now).as_millis())
            .collect();
        assert_eq!(waits, [0, 1, 2, 1000, 2000]);
        assert_eq!((state.promise(2, 1_000, now) - now).as_millis(), 5);
    }

    #[test]
    fn all_chats_together_keep_the_rate() {
        let (mut state, now) = (State::default(), Instant::now());
        let last = (0..26)
            .map(|chat| state.promise(chat, 25, now) - now)
            .last();
        assert_eq!(last.map(|wait| wait.as_millis()), Some(1000));
    }

    #[test]
    fn a_refused_chat_rests_and_two_of_them_slow_everything_down() {
        let clock = Arc::new(ManualClock::new(Timestamp(0)));
        let pace = Pace::new(Some(24), clock.clone());
        let rest = |chat| {
            pace.state()
                .rest(chat, clock.now())
                .map(|rest| rest.as_secs())
        };
        pace.refused(1, Duration::from_secs(7));
        assert_eq!((rest(1), rest(2)), (Some(7), None));
        pace.refused(2, Duration::from_secs(5));
        assert_eq!((rest(1), rest(3)), (Some(7), Some(5)));
        assert_eq!(pace.state().rate(24, Instant::now()), 12);
        assert_eq!(pace.state().rate(24, Instant::now() + RECOVERY * 3), 15);
        clock.advance_to(Timestamp(7_000));
        assert_eq!((rest(1), rest(3)), (None, None));
    }
}
