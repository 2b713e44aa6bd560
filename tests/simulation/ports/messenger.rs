//! The messenger.

use std::sync::Arc;

use async_trait::async_trait;
use mikro2fa_core::{
    id::OutboxId,
    notifier::{Notice, Notifier, NotifierError},
    store::Receipt,
    testing::{DeliveryFault, RecordingNotifier},
};

use crate::truth::Truth;

/// A messenger in memory that can break off.
#[derive(Debug)]
pub(crate) struct Messenger {
    pub(crate) phones: RecordingNotifier,
    pub(crate) truth: Arc<Truth>,
}

#[async_trait]
impl Notifier for Messenger {
    async fn deliver(
        &self,
        id: OutboxId,
        notice: &Notice,
        previous: Option<Receipt>,
    ) -> Result<Receipt, NotifierError> {
        self.truth.enter().await;
        let fault = self.truth.lock().faults.deliveries.pop_front();
        if let Some(fault) = fault {
            if fault == (DeliveryFault::Unknown { sent: true }) {
                self.truth.lock().orphans += 1;
            }
            self.phones.next_delivery(fault);
        }
        self.truth.lock().unsettled.insert(id);
        let result = self.phones.deliver(id, notice, previous.clone()).await;
        if result.is_err() {
            self.truth.lock().unsettled.remove(&id);
        }
        self.truth
            .say(|| format!("message {}: {result:?} after {previous:?}", shown(notice)));
        self.truth.leave().await;
        result
    }
}

fn shown(notice: &Notice) -> String {
    match notice {
        Notice::Card {
            card,
            delivery,
            subject,
            ..
        } => format!("{:?} {card:?} {delivery:?}", subject.session),
        Notice::Inform { inform, .. } => format!("{inform:?}"),
        Notice::Alert { alert, .. } => format!("{alert:?}"),
        _ => String::new(),
    }
}
