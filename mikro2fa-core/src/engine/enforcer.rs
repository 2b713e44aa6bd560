//! One enforcer a router: the only one to talk to it. It decides nothing; it does what its keeper says next.

use std::sync::Arc;

use futures_util::StreamExt as _;
use tokio::sync::{mpsc, oneshot, watch};
use tracing::debug;

use crate::{
    engine::{
        Activity,
        bell::Bell,
        keeper::{Mail, Message, Next, Round},
    },
    router_backend::{Applied, Command, Fence, Hint, Look, RouterBackend},
    time::{Clock, Timestamp},
};

pub(super) struct Enforcer {
    /// As it was last renewed.
    pub(super) fence: watch::Receiver<Fence>,
    pub(super) backend: Arc<dyn RouterBackend>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) activity: Activity,
    pub(super) bell: Arc<Bell>,
    pub(super) keeper: mpsc::Sender<Mail>,
}

impl Enforcer {
    pub(super) async fn run(self) {
        let mut connected = false;
        let mut woken = None;
        loop {
            let busy = self.bell.answer(&self.activity);
            drop(woken.take());
            let Some(rest) = self.round(&mut connected).await else {
                return; // the keeper is gone
            };
            let sleep = self.clock.sleep_until(rest);
            drop(busy);
            tokio::select! {
                biased;
                () = self.bell.rung() => {}
                busy = self.activity.woken(sleep) => woken = Some(busy),
            }
        }
    }

    /// Looks, closes, opens, looks again, until the keeper has nothing more. Gives back when to begin anew.
    async fn round(&self, connected: &mut bool) -> Option<Timestamp> {
        let mut report = if *connected {
            Round::Begin
        } else {
            self.connect(connected).await
        };
        loop {
            report = match self.ask(report).await? {
                Next::Rest(until) => return Some(until),
                // The connection was given up: each attempt begins with who the router is.
                _ if !*connected => self.connect(connected).await,
                Next::Look(look) => self.look(look, connected).await,
                Next::Apply(commands) => self.apply(commands, connected).await,
            };
        }
    }

    async fn connect(&self, connected: &mut bool) -> Round {
        match self.backend.identify().await {
            Ok(identity) => {
                *connected = true;
                Round::Connected(identity.capabilities)
            }
            Err(error) => Round::Failed(error),
        }
    }

    async fn look(&self, look: Look, connected: &mut bool) -> Round {
        match self.backend.observe(&look).await {
            Ok(observed) => Round::Observed(look, Box::new(observed)),
            Err(error) => {
                debug!(%error, "a look failed");
                *connected = false;
                Round::Failed(error)
            }
        }
    }

    async fn apply(&self, commands: Vec<Command>, connected: &mut bool) -> Round {
        let began = self.clock.now();
        let fence = self.fence.borrow().clone();
        match self.backend.apply(&fence, &commands).await {
            Ok(outcomes) => {
                *connected = !outcomes.contains(&Applied::Unknown);
                Round::Applied(commands, outcomes, began)
            }
            Err(error) => {
                debug!(%error, "nothing could be sent");
                *connected = false;
                Round::Failed(error)
            }
        }
    }

    async fn ask(&self, round: Round) -> Option<Next> {
        let (reply, next) = oneshot::channel();
        let mail = (Message::Round(round, reply), self.activity.begin());
        self.keeper.send(mail).await.ok()?;
        next.await.ok()
    }
}

/// Listens for hints as long as the router gives any; each causes a look, and decides nothing.
pub(super) struct Watcher {
    pub(super) backend: Arc<dyn RouterBackend>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) activity: Activity,
    pub(super) keeper: mpsc::Sender<Mail>,
}

impl Watcher {
    pub(super) async fn run(self) {
        let mut failures = 0;
        loop {
            if let Ok(mut hints) = self.backend.watch().await {
                while let Some(Ok(hint)) = hints.next().await {
                    // The first gap is only the beginning: a look is due anyway.
                    if hint == Hint::Gap && failures == 0 {
                        failures = 1;
                        continue;
                    }
                    failures = 1;
                    if self
                        .keeper
                        .send((Message::Hint, self.activity.begin()))
                        .await
                        .is_err()
                    {
                        return;
                    }
                }
            }
            failures += 1;
            let pause = super::backoff::delay(
                failures,
                std::time::Duration::from_secs(1),
                std::time::Duration::from_secs(30),
            );
            self.clock.sleep_until(self.clock.now() + pause).await;
            if self.keeper.is_closed() {
                return;
            }
        }
    }
}
