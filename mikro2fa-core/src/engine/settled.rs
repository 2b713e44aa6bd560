//! Nothing in flight: what a manual clock waits for before it moves on.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use futures_core::future::BoxFuture;
use tokio::sync::Notify;

#[derive(Debug, Default)]
struct Inner {
    busy: AtomicUsize,
    idle: Notify,
}

/// Counts what is in flight: messages, commits, port calls, due outbox rows.
#[derive(Clone, Debug, Default)]
pub struct Activity(Arc<Inner>);

/// Something is in flight as long as this lives. It travels inside the message it stands for.
#[derive(Debug)]
pub struct Busy(Arc<Inner>);

impl Activity {
    /// Something begins.
    #[must_use]
    pub fn begin(&self) -> Busy {
        self.0.busy.fetch_add(1, Ordering::SeqCst);
        Busy(Arc::clone(&self.0))
    }

    /// Sleeps, and is in flight from the moment it wakes. Whoever goes to sleep asks the clock first, and only then drops what
    /// stood for it: otherwise a clock that is moved once nothing is in flight could be moved past its time.
    pub(crate) async fn woken(&self, mut sleep: BoxFuture<'static, ()>) -> Busy {
        (&mut sleep).await;
        self.begin() // before the clock sees that it woke
    }

    /// How much is in flight.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.busy.load(Ordering::SeqCst)
    }

    /// Completes once nothing is in flight. Cancel safe.
    pub async fn settled(&self) {
        loop {
            let idle = self.0.idle.notified();
            if self.count() == 0 {
                return;
            }
            idle.await;
        }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        if self.0.busy.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.0.idle.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn waits_for_the_last() {
        let activity = Activity::default();
        activity.settled().await;
        let (a, b) = (activity.begin(), activity.begin());
        let waiting = tokio::spawn({
            let activity = activity.clone();
            async move { activity.settled().await }
        });
        drop(a);
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(b);
        waiting.await.unwrap();
    }
}
