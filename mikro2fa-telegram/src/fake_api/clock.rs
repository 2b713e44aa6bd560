//! The fake server's time.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokio::sync::watch;

/// What the fake server takes for the time of day.
///
/// It decides what dates messages carry, when taps and messages are lost, what may still be deleted, and what a chat's
/// rate is. How long a poll waits is real time whatever the clock, since it is the caller's own time-out.
#[derive(Clone, Default)]
pub enum FakeClock {
    /// The machine's clock. The default.
    #[default]
    System,
    /// Stands still until [`FakeClock::advance`].
    Manual(ManualTime),
    /// Milliseconds since 1970 from somewhere else, so that a test has one clock for everything.
    Custom(Arc<dyn Fn() -> i64 + Send + Sync>),
}

/// The hands of a manual clock; clones share them.
#[derive(Clone, Debug)]
pub struct ManualTime(watch::Sender<i64>);

impl FakeClock {
    /// A clock that stands at `start`, milliseconds since 1970.
    pub fn manual(start: i64) -> Self {
        Self::Manual(ManualTime(watch::Sender::new(start)))
    }

    /// A clock that asks `now` each time.
    pub fn custom(now: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self::Custom(Arc::new(now))
    }

    /// Milliseconds since 1970.
    pub fn now(&self) -> i64 {
        match self {
            Self::System => {
                let since = SystemTime::now()
                    .duration_since(UNIX_EPOCH)
                    .unwrap_or_default();
                i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
            }
            Self::Manual(time) => *time.0.borrow(),
            Self::Custom(now) => now(),
        }
    }

    /// Moves a manual clock on; others take no notice.
    pub fn advance(&self, by: Duration) {
        if let Self::Manual(time) = self {
            time.0
                .send_modify(|now| *now = now.saturating_add(millis(by)));
        }
    }

    /// Waits: on a manual clock until somebody has moved it far enough, otherwise for real.
    pub(super) async fn pause(&self, length: Duration) {
        match self {
            Self::Manual(time) => {
                let until = self.now().saturating_add(millis(length));
                // An error means that nobody can move the clock any more: there is nothing to wait for.
                let _ = time.0.subscribe().wait_for(|now| *now >= until).await;
            }
            Self::System | Self::Custom(_) => tokio::time::sleep(length).await,
        }
    }
}

impl fmt::Debug for FakeClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::System => "System",
            Self::Manual(_) => "Manual",
            Self::Custom(_) => "Custom",
        })
    }
}

pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
