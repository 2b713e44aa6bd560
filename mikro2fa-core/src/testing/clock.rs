//! A clock that moves only when it is told to.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use futures_core::future::BoxFuture;

use crate::time::{Clock, Timestamp};

/// A clock that stands still until a test moves it.
///
/// Clones are the same clock. Sleepers wake in the order of (their time, when they began to sleep), so that a run
/// repeats itself.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    now: Timestamp,
    registered: u64,
    sleepers: BTreeMap<Key, Option<Waker>>,
    /// Woken, and not yet polled since: what they will do has not begun.
    waking: BTreeSet<Key>,
}

/// When, and as the how-manieth: what sleepers are ordered by.
type Key = (Timestamp, u64);

impl ManualClock {
    /// A clock that stands at `now`.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(State {
            now,
            registered: 0,
            sleepers: BTreeMap::new(),
            waking: BTreeSet::new(),
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When the next sleeper wants to be woken.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        let state = self.state();
        state.sleepers.keys().next().map(|&(at, _)| at)
    }

    /// How many are asleep.
    #[must_use]
    pub fn sleepers(&self) -> usize {
        self.state().sleepers.len()
    }

    /// Moves the clock, and wakes all who are due by then, in order. A clock never goes back: an earlier `at` is no
    /// move at all.
    ///
    /// What a woken task does comes after all of them are awake. Where each is to see the time that it asked for, use
    /// [`Self::advance`].
    pub fn advance_to(&self, at: Timestamp) {
        while self.fire_one(at) {}
        let mut state = self.state();
        state.now = state.now.max(at);
    }

    /// Moves the clock by `by`, one sleeper at a time: wakes it, awaits `settled`, wakes the next, also those who
    /// began to sleep meanwhile. At the end the clock stands at the full time, and `settled` was awaited once more.
    ///
    /// `settled` says when everything that was caused has happened: an engine's own `settled()`, for example.
    pub async fn advance(&self, by: Duration, settled: impl AsyncFn()) {
        let target = self.now() + by;
        settled().await;
        while self.fire_one(target) {
            self.awake().await;
            settled().await;
        }
        self.advance_to(target);
        self.awake().await;
        settled().await;
    }

    /// Completes once everybody who was woken has gone on.
    async fn awake(&self) {
        while !self.state().waking.is_empty() {
            super::turns::turns(1).await;
        }
    }

    /// Wakes the first sleeper that is due by `at`, and moves the clock to its time. Says whether there was one.
    fn fire_one(&self, at: Timestamp) -> bool {
        let waker = {
            let mut state = self.state();
            match state.sleepers.first_entry() {
                Some(first) if first.key().0 <= at => {
                    let key = *first.key();
                    let waker = first.remove();
                    state.now = state.now.max(key.0);
                    if waker.is_some() {
                        state.waking.insert(key);
                    }
                    waker
                }
                _ => return false,
            }
        };
        if let Some(waker) = waker {
            waker.wake();
        }
        true
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.state().now
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'static, ()> {
        let mut state = self.state();
        state.registered += 1;
        let key = (at, state.registered);
        if at > state.now {
            state.sleepers.insert(key, None);
        }
        Box::pin(Sleep {
            clock: self.clone(),
            key,
        })
    }
}

/// Asleep from the moment that it was made, not from its first poll, until it is dropped.
#[derive(Debug)]
struct Sleep {
    clock: ManualClock,
    key: Key,
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.clock.state();
        if state.now >= self.key.0 {
            state.sleepers.remove(&self.key);
            return Poll::Ready(());
        }
        state
            .sleepers
            .insert(self.key, Some(context.waker().clone()));
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        let mut state = self.clock.state();
        state.sleepers.remove(&self.key);
        state.waking.remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn turn() {
        tokio::task::yield_now().await;
    }

    /// Sleeps until each of `times`, in a task of its own, and writes down who woke when.
    fn sleepers(clock: &ManualClock, times: &[i64]) -> Arc<Mutex<Vec<(usize, i64)>>> {
        let woken = Arc::new(Mutex::new(Vec::new()));
        for (who, &at) in times.iter().enumerate() {
            let (clock, woken) = (clock.clone(), Arc::clone(&woken));
            let sleep = clock.sleep_until(Timestamp(at));
            tokio::spawn(async move {
                sleep.await;
                woken.lock().unwrap().push((who, clock.now().0));
            });
        }
        woken
    }

    #[tokio::test]
    async fn wakes_in_the_order_of_time_then_registration() {
        let clock = ManualClock::new(Timestamp(0));
        let woken = sleepers(&clock, &[30, 10, 20, 10]);
        turn().await;
        assert_eq!(clock.next_due(), Some(Timestamp(10)));
        clock.advance_to(Timestamp(25));
        turn().await;
        assert_eq!(*woken.lock().unwrap(), [(1, 25), (3, 25), (2, 25)]);
        assert_eq!(clock.next_due(), Some(Timestamp(30)));
    }

    #[tokio::test]
    async fn each_sees_the_time_that_it_asked_for() {
        let clock = ManualClock::new(Timestamp(0));
        let woken = sleepers(&clock, &[30, 10, 20]);
        clock.advance(Duration::from_millis(40), turn).await;
        assert_eq!(*woken.lock().unwrap(), [(1, 10), (2, 20), (0, 30)]);
        assert_eq!(clock.now(), Timestamp(40));
    }

    #[tokio::test]
    async fn who_goes_back_to_sleep_is_woken_again() {
        let clock = ManualClock::new(Timestamp(0));
        let woken = Arc::new(Mutex::new(Vec::new()));
        let (ticking, ticks) = (clock.clone(), Arc::clone(&woken));
        tokio::spawn(async move {
            loop {
                let next = ticking.now() + Duration::from_millis(10);
                ticking.sleep_until(next).await;
                ticks.lock().unwrap().push(ticking.now().0);
            }
        });
        clock.advance(Duration::from_millis(35), turn).await;
        assert_eq!(*woken.lock().unwrap(), [10, 20, 30]);
    }

    #[tokio::test]
    async fn a_dropped_sleeper_is_forgotten_and_a_past_one_does_not_sleep() {
        let clock = ManualClock::new(Timestamp(50));
        drop(clock.sleep_until(Timestamp(60)));
        assert_eq!(clock.sleepers(), 0);
        clock.sleep_until(Timestamp(50)).await;
        clock.advance_to(Timestamp(10));
        assert_eq!(clock.now(), Timestamp(50), "no clock goes back");
    }

    #[tokio::test]
    async fn whoever_woke_counts_as_asleep_until_it_let_go_of_its_sleep() {
        let clock = ManualClock::new(Timestamp(0));
        let mut sleep = clock.sleep_until(Timestamp(10));
        let mut context = Context::from_waker(Waker::noop());
        assert!(sleep.as_mut().poll(&mut context).is_pending());
        clock.advance_to(Timestamp(10));
        assert!(sleep.as_mut().poll(&mut context).is_ready());
        let mut awake = std::pin::pin!(clock.awake());
        assert!(awake.as_mut().poll(&mut context).is_pending());
        drop(sleep);
        awake.await;
    }
}
