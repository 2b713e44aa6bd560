//! Whether the router answers, and who is told.

use std::time::Duration;

use tracing::info;

use super::super::{Keeper, Next};
use crate::{
    engine::{EngineEvent, backoff},
    notifier::Alert,
    retry::Retry,
    router_backend::{Look, RouterError},
    session::{EndReason, Event, Reach, SessionState},
    tunnel::Text,
};

/// Operators are told when the router did not answer for so long.
const AWAY: Duration = Duration::from_secs(60);
/// An unreachable router is tried at least so often.
const RETRY_MOST: Duration = Duration::from_secs(30);

impl Keeper {
    pub(super) fn reached(&mut self) {
        if self.contact.reachable == Some(true) {
            return;
        }
        let now = self.clock.now();
        let first = self.contact.reachable.is_none();
        let since = self.contact.since;
        let alerted = std::mem::take(&mut self.contact.alerted);
        self.contact.reachable = Some(true);
        self.contact.since = now;
        self.contact.failures = 0;
        self.contact.trouble = None;
        if alerted {
            self.alert_now(
                None,
                Alert::Router {
                    back: true,
                    since,
                    why: "".into(),
                },
            );
        }
        self.tell_reach(Reach::Back, first);
    }

    pub(super) fn failed(&mut self, error: &RouterError) -> Next {
        let now = self.clock.now();
        let news = self.contact.reachable != Some(false);
        if news {
            info!(router = %self.fence.router, %error, "the router does not answer");
            self.contact.reachable = Some(false);
            self.contact.since = now;
        }
        self.contact.failures = self.contact.failures.saturating_add(1);
        self.contact.trouble = Some(error.to_string().into());
        self.tell_rules(&Err(error.to_string().into()));
        self.cannot_let_go(&error.to_string().into());
        self.mirror.disconnected();
        self.gate.away();
        self.look = Look::complete();
        if news {
            self.tell_reach(Reach::Away, false);
        }
        if !self.contact.alerted && now.since(self.contact.since) >= AWAY {
            self.contact.alerted = true;
            let why: Text = error.to_string().into();
            let since = self.contact.since;
            self.alert_now(
                None,
                Alert::Router {
                    back: false,
                    since,
                    why,
                },
            );
        }
        let first = match error.retry() {
            Retry::Now => Duration::from_millis(100),
            Retry::After(pause) => pause,
            Retry::Never => RETRY_MOST,
        };
        let mut chance = [0];
        self.entropy.fill(&mut chance);
        let [chance] = chance;
        let attempt = self.contact.failures - 1;
        Next::Rest(now + backoff::jittered(attempt, first, RETRY_MOST.max(first), chance))
    }

    /// At first contact only what waits for it is told.
    fn tell_reach(&mut self, reach: Reach, first: bool) {
        let _ = self
            .events
            .send(EngineEvent::Router(Box::new(self.status())));
        let concerned: Vec<_> = self
            .sessions
            .iter()
            .filter(|(_, entry)| {
                entry.latest().is_some_and(|session| match session.state {
                    SessionState::Opening { give_up_at, .. } => !first || give_up_at.is_none(),
                    SessionState::Requested { .. } | SessionState::Active { .. } => !first,
                    SessionState::Ended {
                        reason: EndReason::Denied,
                        remains: Some(_),
                        ..
                    } => !first,
                    _ => false,
                })
            })
            .map(|(id, _)| *id)
            .collect();
        for id in concerned {
            self.feed(id, Event::Router(reach).into());
        }
    }
}
