//! The demo's one clock: runs as real time does, and can be moved on.

use std::{
    collections::BTreeSet,
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use futures_util::future::BoxFuture;
use mikro2fa_core::{
    engine::SystemClock,
    time::{Clock, Timestamp},
};
use tokio::sync::{Notify, watch};

/// Real time, plus whatever it was moved on by. Clones are the same clock.
#[derive(Clone)]
pub struct DemoClock(Arc<Inner>);

struct Inner {
    real: SystemClock,
    state: Mutex<State>,
    moved: watch::Sender<u64>,
    /// Told whenever somebody is no longer asleep.
    left: Notify,
}

#[derive(Default)]
struct State {
    ahead: Duration,
    asleep: BTreeSet<(Timestamp, u64)>,
    slept: u64,
}

impl fmt::Debug for DemoClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DemoClock({:?})", self.now())
    }
}

impl Default for DemoClock {
    fn default() -> Self {
        Self(Arc::new(Inner {
            real: SystemClock::new(),
            state: Mutex::default(),
            moved: watch::Sender::new(0),
            left: Notify::new(),
        }))
    }
}

impl DemoClock {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Told whenever the clock was moved on.
    pub fn moved(&self) -> watch::Receiver<u64> {
        self.0.moved.subscribe()
    }

    /// Moves on towards `target`, as far as somebody wants to be woken on the way, so that nothing is slept through:
    /// leases are renewed, looks are taken, reminders come in their order. Says whether `target` is reached.
    pub fn step_towards(&self, target: Timestamp) -> bool {
        let next = self.state().asleep.first().map(|(at, _)| *at);
        let stop = next.filter(|at| *at < target).unwrap_or(target);
        self.jump(stop.since(self.now()));
        stop == target
    }

    /// Moves on at once, past everything that is due meanwhile, as the clock of a machine does that was asleep.
    pub fn suspend(&self, by: Duration) {
        self.jump(by);
    }

    fn jump(&self, by: Duration) {
        self.state().ahead += by;
        self.0.moved.send_modify(|count| *count += 1);
    }

    /// Completes once everybody who is due has been woken and goes on.
    pub async fn awake(&self) {
        loop {
            let left = self.0.left.notified();
            let now = self.now();
            let late = self
                .state()
                .asleep
                .first()
                .is_some_and(|(at, _)| *at <= now);
            if !late {
                return;
            }
            left.await;
        }
    }
}

impl Clock for DemoClock {
    fn now(&self) -> Timestamp {
        self.0.real.now() + self.state().ahead
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'static, ()> {
        let clock = self.clone();
        let key = {
            let mut state = self.state();
            state.slept += 1;
            let key = (at, state.slept);
            state.asleep.insert(key);
            key
        };
        let woken = {
            let clock = self.clone();
            async move {
                let mut moved = clock.moved();
                loop {
                    moved.borrow_and_update();
                    let left = at.since(clock.now());
                    if left.is_zero() {
                        return;
                    }
                    let real = clock.0.real.sleep_until(clock.0.real.now() + left);
                    tokio::select! {
                        () = real => {}
                        _ = moved.changed() => {}
                    }
                }
            }
        };
        Box::pin(Sleeper {
            clock,
            key,
            woken: Box::pin(woken),
        })
    }
}

/// Counts as asleep until it is dropped.
struct Sleeper {
    clock: DemoClock,
    key: (Timestamp, u64),
    woken: BoxFuture<'static, ()>,
}

impl Future for Sleeper {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.woken.as_mut().poll(context)
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        self.clock.state().asleep.remove(&self.key);
        self.clock.0.left.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn stops_wherever_somebody_wants_to_be_woken() {
        let clock = DemoClock::default();
        let start = clock.now();
        let woken = Arc::new(Mutex::new(Vec::new()));
        for minutes in [30, 10, 20] {
            let (clock, woken) = (clock.clone(), Arc::clone(&woken));
            let sleep = clock.sleep_until(start + Duration::from_secs(minutes * 60));
            tokio::spawn(async move {
                sleep.await;
                let at = clock.now().since(start).as_secs() / 60;
                woken.lock().unwrap().push((minutes, at));
            });
        }
        tokio::task::yield_now().await;
        while !clock.step_towards(start + Duration::from_secs(3_600)) {
            clock.awake().await;
        }
        assert_eq!(*woken.lock().unwrap(), [(10, 10), (20, 20), (30, 30)]);
        assert!(clock.now() >= start + Duration::from_secs(3_600));
    }

    #[tokio::test]
    async fn whoever_woke_counts_as_asleep_until_it_let_go_of_its_sleep() {
        let clock = DemoClock::default();
        let mut sleep = clock.sleep_until(clock.now() + Duration::from_secs(60));
        clock.suspend(Duration::from_secs(61));
        (&mut sleep).await;
        assert!(clock.awake().now_or_never().is_none());
        drop(sleep);
        clock.awake().await;
    }
}
