//! A clock that sees whether whoever sleeps by it can be slept past.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, OnceLock},
    task::{Context, Poll, Waker},
};

use futures_core::future::BoxFuture;
use mikro2fa_core::{
    engine::EngineHandle,
    testing::ManualClock,
    time::{Clock, Timestamp},
};

/// A manual clock, and what it has seen of one engine that goes by it.
#[derive(Clone, Debug)]
pub(crate) struct Witness {
    clock: Arc<ManualClock>,
    engine: Arc<OnceLock<EngineHandle>>,
    seen: Arc<Mutex<Seen>>,
}

/// How often somebody went to sleep or woke, and how often nothing was in flight at that moment: a clock that was moved just
/// then would have been moved past their time.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Seen {
    pub(crate) asleep: usize,
    pub(crate) woken: usize,
    pub(crate) gaps: usize,
}

impl Witness {
    pub(crate) fn new(clock: Arc<ManualClock>) -> Self {
        Self {
            clock,
            engine: Arc::default(),
            seen: Arc::default(),
        }
    }

    /// From now on.
    pub(crate) fn watch(&self, engine: &EngineHandle) {
        self.engine.set(engine.clone()).unwrap();
    }

    pub(crate) fn seen(&self) -> Seen {
        *self.seen.lock().unwrap()
    }

    fn look(&self, count: impl FnOnce(&mut Seen) -> &mut usize) {
        let Some(engine) = self.engine.get() else {
            return;
        };
        let mut context = Context::from_waker(Waker::noop());
        let settled = std::pin::pin!(engine.settled()).poll(&mut context);
        let mut seen = self.seen.lock().unwrap();
        *count(&mut seen) += 1;
        seen.gaps += usize::from(settled.is_ready());
    }
}

impl Clock for Witness {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'static, ()> {
        self.look(|seen| &mut seen.asleep);
        Box::pin(Sleep {
            sleep: self.clock.sleep_until(at),
            woken: false,
            witness: self.clone(),
        })
    }
}

struct Sleep {
    sleep: BoxFuture<'static, ()>,
    woken: bool,
    witness: Witness,
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let polled = self.sleep.as_mut().poll(context);
        self.woken = polled.is_ready();
        polled
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if self.woken {
            self.witness.look(|seen| &mut seen.woken);
        }
    }
}
