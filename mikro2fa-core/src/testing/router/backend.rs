//! The port's own methods.

use std::sync::MutexGuard;

use async_trait::async_trait;
use futures_core::stream::BoxStream;
use futures_util::stream;
use tokio::sync::mpsc;

use super::{LookFault, MemoryRouter, SeenPart, model::Model};
use crate::{
    router_backend::{
        Applied, Command, Fence, Hint, Identity, Look, Observed, Part, RouterBackend, RouterError,
        Seen,
    },
    testing::turns::turns,
    time::Timestamp,
};

impl MemoryRouter {
    /// Takes its turns; then the router, if it answers.
    async fn reach(&self) -> Result<MutexGuard<'_, Model>, RouterError> {
        let count = self.model().faults.turns;
        turns(count).await;
        let model = self.model();
        if self.clock.now() < model.faults.away_until {
            return Err(RouterError::Unreachable("no route to host".into()));
        }
        Ok(model)
    }

    /// One part of a look, unless it was not asked for or breaks off.
    async fn part<T>(
        &self,
        asked: &Part,
        broken: bool,
        at: Timestamp,
        rows: impl FnOnce(&Model, Timestamp) -> Vec<T>,
    ) -> Result<Option<Seen<T>>, RouterError> {
        if *asked == Part::Nothing {
            return Ok(None);
        }
        let model = self.reach().await?;
        Ok((!broken).then(|| Seen {
            asked: asked.clone(),
            rows: rows(&model, self.clock.now()),
            at,
        }))
    }
}

/// Was a row asked for by one of its names?
pub(super) fn asked_for(asked: &Part, names: &[&str]) -> bool {
    match asked {
        Part::Nothing => false,
        Part::These(these) => these.iter().any(|this| names.contains(&&**this)),
        Part::All => true,
    }
}

#[async_trait]
impl RouterBackend for MemoryRouter {
    async fn identify(&self) -> Result<Identity, RouterError> {
        let model = self.reach().await?;
        Ok(Identity {
            name: "memory".into(),
            version: "7.20.8 (stable)".into(),
            board: "CHR".into(),
            uptime: model.uptime(self.clock.now()),
            capabilities: model.capabilities,
        })
    }

    async fn observe(&self, look: &Look) -> Result<Observed, RouterError> {
        let at = self.clock.now();
        let fault = {
            let mut model = self.reach().await?;
            model.looks += 1;
            model.faults.looks.pop_front()
        };
        let broken = match fault {
            Some(LookFault::Fails(error)) => return Err(error),
            Some(LookFault::BreaksOff(part)) => Some(part),
            None => None,
        };
        let breaks = |part| broken == Some(part);
        let tunnels = self
            .part(
                &look.tunnels,
                breaks(SeenPart::Tunnels),
                at,
                |model, now| model.tunnel_rows(self.id, &look.tunnels, (at, now)),
            )
            .await?;
        let router_uptime = (look.tunnels == Part::All && tunnels.is_some())
            .then(|| (self.model().uptime(self.clock.now()), at));
        let permits = self
            .part(
                &look.permits,
                breaks(SeenPart::Permits),
                at,
                |model, now| {
                    let mut rows = model.permits.rows(now);
                    rows.retain(|row| asked_for(&look.permits, &[&row.address.to_string()]));
                    rows
                },
            )
            .await?;
        let bans = self
            .part(&look.bans, breaks(SeenPart::Bans), at, |model, now| {
                let mut rows = model.bans.rows(now);
                rows.retain(|row| asked_for(&look.bans, &[&row.address.to_string()]));
                rows
            })
            .await?;
        let accounts = self
            .part(
                &look.accounts,
                breaks(SeenPart::Accounts),
                at,
                |model, _| {
                    let mut rows: Vec<_> = model.accounts.values().cloned().collect();
                    rows.retain(|row| asked_for(&look.accounts, &[&row.name]));
                    rows
                },
            )
            .await?;
        let rules = self
            .part(&look.rules, breaks(SeenPart::Rules), at, |model, _| {
                let mut rows = model.marked_rules();
                rows.retain(|row| asked_for(&look.rules, &[&row.comment]));
                if look.rules != Part::All {
                    rows.iter_mut().for_each(|row| row.place = None);
                }
                rows
            })
            .await?;
        let gate = if look.gate {
            let model = self.reach().await?;
            (!breaks(SeenPart::Gate) && !model.faults.gate_hidden)
                .then(|| model.gate_seen(at, self.clock.now()))
        } else {
            None
        };
        Ok(Observed {
            router_uptime,
            tunnels,
            permits,
            bans,
            accounts,
            rules,
            gate,
        })
    }

    async fn apply(
        &self,
        fence: &Fence,
        commands: &[Command],
    ) -> Result<Vec<Applied>, RouterError> {
        let mut outcomes = Vec::with_capacity(commands.len());
        for command in commands {
            match self.reach().await {
                Err(error) if outcomes.is_empty() => return Err(error),
                Err(_) => break,
                Ok(mut model) => {
                    let now = self.clock.now();
                    if now >= fence.until {
                        if outcomes.is_empty() {
                            return Err(RouterError::Fenced);
                        }
                        break;
                    }
                    outcomes.push(model.write(command, fence.epoch, now));
                }
            }
            if outcomes.last() == Some(&Applied::Unknown) {
                break; // the connection is closed
            }
        }
        outcomes.resize(commands.len(), Applied::NotSent);
        Ok(outcomes)
    }

    async fn watch(&self) -> Result<BoxStream<'static, Result<Hint, RouterError>>, RouterError> {
        let mut model = self.reach().await?;
        if !model.capabilities.watch {
            return Err(RouterError::Unsupported("hints"));
        }
        let (sender, receiver) = mpsc::unbounded_channel();
        // The receiver is here: it cannot have gone.
        let _ = sender.send(Ok(Hint::Gap));
        model.watches.push(sender);
        Ok(Box::pin(stream::unfold(receiver, async |mut receiver| {
            let hint = receiver.recv().await?;
            Some((hint, receiver))
        })))
    }
}
