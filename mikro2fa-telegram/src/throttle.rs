//! How often somebody may do something, by the engine's clock. In memory: a restart forgives.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use mikro2fa_core::time::Timestamp;

/// Chats counted at once by one rule; beyond that new ones are refused until others are forgotten.
const COUNTED: usize = 10_000;
/// How often a full rule looks for chats to forget.
const SWEEP: Duration = Duration::from_secs(1);

/// At most so many within a length of time, for each key.
#[derive(Debug)]
struct Window {
    most: usize,
    within: Duration,
    seen: Mutex<Seen>,
}

#[derive(Debug)]
struct Seen {
    times: BTreeMap<i64, VecDeque<Timestamp>>,
    /// When the forgotten ones were last swept out: not for each of a crowd.
    swept_at: Timestamp,
}

impl Window {
    const fn new(most: usize, within: Duration) -> Self {
        Self {
            most,
            within,
            seen: Mutex::new(Seen {
                times: BTreeMap::new(),
                swept_at: Timestamp(i64::MIN),
            }),
        }
    }

    /// Counts this one, if there is room for it.
    fn allows(&self, key: i64, now: Timestamp) -> bool {
        let since = now - self.within;
        let mut seen = self.seen();
        if seen.times.len() >= COUNTED && !seen.times.contains_key(&key) {
            if now.since(seen.swept_at) < SWEEP {
                return false;
            }
            seen.swept_at = now;
            seen.times
                .retain(|_, times| times.back().is_some_and(|at| *at > since));
            if seen.times.len() >= COUNTED {
                return false;
            }
        }
        let times = seen.times.entry(key).or_default();
        while times.front().is_some_and(|at| *at <= since) {
            times.pop_front();
        }
        let room = times.len() < self.most;
        if room {
            times.push_back(now);
        }
        room
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All rules of haste.
#[derive(Debug)]
pub(crate) struct Throttle {
    taps: Window,
    strange_taps: Window,
    greetings: Window,
    all_greetings: Window,
    codes: Window,
    puzzled: Window,
}

impl Throttle {
    pub(crate) const fn new() -> Self {
        Self {
            taps: Window::new(20, Duration::from_secs(60)),
            strange_taps: Window::new(5, Duration::from_secs(1)),
            greetings: Window::new(1, Duration::from_secs(600)),
            all_greetings: Window::new(5, Duration::from_secs(1)),
            codes: Window::new(5, Duration::from_secs(3600)),
            puzzled: Window::new(1, Duration::from_secs(30)),
        }
    }

    /// A tap: 20 a minute a person.
    pub(crate) fn tap(&self, person: i64, now: Timestamp) -> bool {
        self.taps.allows(person, now)
    }

    /// A tap by nobody we know: 5 a second in all.
    pub(crate) fn strange_tap(&self, now: Timestamp) -> bool {
        self.strange_taps.allows(0, now)
    }

    /// An answer to an unknown chat: once in ten minutes, and 5 a second in all.
    pub(crate) fn greeting(&self, chat: i64, now: Timestamp) -> bool {
        self.greetings.allows(chat, now) && self.all_greetings.allows(0, now)
    }

    /// A try of a code: five an hour a chat.
    pub(crate) fn code(&self, chat: i64, now: Timestamp) -> bool {
        self.codes.allows(chat, now)
    }

    /// "I don't know that": once in half a minute.
    pub(crate) fn puzzled(&self, chat: i64, now: Timestamp) -> bool {
        self.puzzled.allows(chat, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_forgets() {
        let window = Window::new(2, Duration::from_secs(1));
        let at = |millis| window.allows(7, Timestamp(millis));
        assert_eq!(
            [at(0), at(500), at(999), at(1000), at(1001), at(1500)],
            [true, true, false, true, false, true]
        );
        assert!(window.allows(8, Timestamp(999)));
    }

    #[test]
    fn a_crowd_cannot_fill_the_memory() {
        let window = Window::new(1, Duration::from_secs(1));
        for chat in 0..20_000 {
            window.allows(chat, Timestamp(0));
        }
        assert_eq!(window.seen().times.len(), COUNTED);
        assert!(!window.allows(-1, Timestamp(0)));
        assert!(window.allows(-1, Timestamp(2_000)));
        assert_eq!(window.seen().times.len(), 1);
    }
}
