//! The one reader of the machine's clocks.

use std::time::Duration;

use futures_core::future::BoxFuture;
use rustix::time::{ClockId, Timespec, clock_gettime};

use crate::time::{Clock, Timestamp};

/// tokio's timers stand still while the machine sleeps, so long sleeps are taken in pieces.
const PIECE: Duration = Duration::from_secs(10);

/// Wall time at the start, and from there the boot-time clock, which counts while the machine sleeps
/// (`clock_gettime(2)`, `CLOCK_BOOTTIME`).
///
/// So a step of the wall clock moves no deadline, and after a suspend what is due is due.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    booted: Duration,
    wall: Timestamp,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl SystemClock {
    /// Starts it from the wall clock.
    #[must_use]
    pub fn new() -> Self {
        let wall = Timestamp::default() + read(ClockId::Realtime);
        Self {
            booted: read(ClockId::Boottime),
            wall,
        }
    }
}

fn read(clock: ClockId) -> Duration {
    let Timespec { tv_sec, tv_nsec } = clock_gettime(clock);
    let seconds = u64::try_from(tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(tv_nsec).unwrap_or(0))
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        self.wall + read(ClockId::Boottime).saturating_sub(self.booted)
    }

    fn sleep_until(&self, at: Timestamp) -> BoxFuture<'static, ()> {
        let clock = *self;
        Box::pin(async move {
            loop {
                let left = at.since(clock.now());
                if left.is_zero() {
                    return;
                }
                #[expect(
                    clippy::disallowed_methods,
                    reason = "the one real clock of this crate"
                )]
                tokio::time::sleep(left.min(PIECE)).await;
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn never_wakes_early() {
        let clock = SystemClock::new();
        let at = clock.now() + Duration::from_millis(3);
        clock.sleep_until(at).await;
        assert!(clock.now() >= at);
    }
}
