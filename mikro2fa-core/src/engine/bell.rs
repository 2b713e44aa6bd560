//! Wakes a task. Rings merge: nothing queues, and what is rung for counts as in flight until it is answered.

use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

use crate::engine::settled::{Activity, Busy};

/// Wakes one task.
#[derive(Debug, Default)]
pub(super) struct Bell {
    rung: Mutex<Option<Busy>>,
    wake: Notify,
}

impl Bell {
    pub(super) fn ring(&self, activity: &Activity) {
        self.rung
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert_with(|| activity.begin());
        self.wake.notify_one();
    }

    /// What was rung for is now the caller's to finish.
    pub(super) fn answer(&self, activity: &Activity) -> Busy {
        let rung = self
            .rung
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        rung.unwrap_or_else(|| activity.begin())
    }

    /// Completes when it was rung since the last time. Cancel safe.
    pub(super) async fn rung(&self) {
        self.wake.notified().await;
    }
}
