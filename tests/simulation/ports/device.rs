//! The router.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures_core::stream::BoxStream;
use mikro2fa_core::{
    router_backend::{
        Applied, Command, Fence, Hint, Identity, Look, Observed, RouterBackend, RouterError,
    },
    testing::{CommandFault, LookFault, MemoryRouter, SeenPart},
    time::Clock,
};

use crate::{invariants, truth::Truth};

/// A router in memory whose calls can take time, and which says whose line each tunnel is.
#[derive(Debug)]
pub(crate) struct Device {
    pub(crate) router: MemoryRouter,
    pub(crate) truth: Arc<Truth>,
}

impl Device {
    /// How long this call takes before it is carried out, and after.
    fn pause(&self) -> (Duration, Duration) {
        let now = self.truth.now();
        let mut truth = self.truth.lock();
        let pause = truth.faults.pauses.pop_front().unwrap_or_default();
        if pause != Default::default() {
            truth.say(now, || format!("the router pauses: {pause:?}"));
            // Nothing else is sent meanwhile: all that is due waits for so long.
            let until = truth.excused_until.max(now);
            truth.excuse(until + pause.0 + pause.1 + Duration::from_millis(1_500));
        }
        pause
    }

    async fn sleep(&self, pause: Duration) {
        if !pause.is_zero() {
            let until = self.truth.now() + pause;
            self.truth.clock.sleep_until(until).await;
        }
    }

    fn is_away(&self) -> bool {
        self.truth.now() < self.truth.lock().away_until
    }

    /// Sets what becomes of this look.
    fn break_look(&self) {
        if self.is_away() {
            return;
        }
        let now = self.truth.now();
        let poll = self.truth.settings.poll();
        let mut truth = self.truth.lock();
        let Some(fault) = truth.faults.looks.pop_front() else {
            return;
        };
        truth.say(now, || format!("the look goes wrong: {fault:?}"));
        truth.excuse(match &fault {
            LookFault::Fails(_) => now + Duration::from_secs(40),
            LookFault::BreaksOff(SeenPart::Tunnels | SeenPart::Permits) => {
                now + Duration::from_secs(3)
            }
            LookFault::BreaksOff(_) => now + poll + Duration::from_secs(1),
        });
        drop(truth);
        self.router.next_look(fault);
    }

    /// Sets what becomes of one of these commands.
    fn break_command(&self, commands: &[Command]) {
        if self.is_away() {
            return;
        }
        let now = self.truth.now();
        let poll = self.truth.settings.poll();
        let mut truth = self.truth.lock();
        let Some(fault) = truth.faults.commands.pop_front() else {
            return;
        };
        let Some(meant) = commands
            .get(truth.commands as usize % commands.len().max(1))
            .cloned()
        else {
            return;
        };
        truth.say(now, || format!("a command goes wrong: {fault:?} {meant:?}"));
        let second = Duration::from_secs(1);
        truth.excuse(now + poll + 6 * second);
        if let CommandFault::Late(delay) = fault {
            // Looked for again after 10 s and 60 s; what is no permit, with the next poll.
            truth.excuse(now + 62 * second);
            truth.excuse(now + delay + poll + second);
            truth.late_until = truth.late_until.max(now + delay);
            truth.late_most = truth.late_most.max(delay);
        }
        drop(truth);
        self.router
            .next_command_that(move |command| *command == meant, fault);
    }
}

#[async_trait]
impl RouterBackend for Device {
    async fn identify(&self) -> Result<Identity, RouterError> {
        self.truth.enter().await;
        let result = self.router.identify().await;
        self.truth.leave().await;
        result
    }

    async fn observe(&self, look: &Look) -> Result<Observed, RouterError> {
        self.truth.enter().await;
        let begun = self.truth.now();
        let (before, after) = self.pause();
        self.sleep(before).await;
        self.break_look();
        let mut result = self.router.observe(look).await;
        invariants::know_lines(&self.truth, &self.router, self.truth.now());
        if let Ok(observed) = &mut result {
            // The router answered late: the look was begun before that.
            if let Some((_, at)) = &mut observed.router_uptime {
                *at = begun;
            }
            if let Some(seen) = &mut observed.tunnels {
                seen.at = begun;
                let mut truth = self.truth.lock();
                for tunnel in &mut seen.rows {
                    tunnel.seen_at = begun;
                    if let Some(line) = self.router.line_of(&tunnel.key) {
                        truth.saw(tunnel, line);
                    }
                }
            }
            for seen in [&mut observed.permits, &mut observed.bans] {
                seen.iter_mut().for_each(|seen| seen.at = begun);
            }
        }
        self.truth.say(|| match &result {
            Ok(observed) => format!("look {}: {}", shown(look), seen(observed)),
            Err(error) => format!("look {}: {error}", shown(look)),
        });
        self.sleep(after).await;
        self.truth.leave().await;
        result
    }

    async fn apply(
        &self,
        fence: &Fence,
        commands: &[Command],
    ) -> Result<Vec<Applied>, RouterError> {
        self.truth.enter().await;
        for command in commands {
            invariants::sent(&self.truth, command);
        }
        let (before, after) = self.pause();
        self.sleep(before).await;
        self.break_command(commands);
        let result = self.router.apply(fence, commands).await;
        self.truth.say(|| match &result {
            Ok(outcomes) => {
                let lines = commands.iter().zip(outcomes);
                let lines: Vec<String> = lines
                    .map(|(command, outcome)| format!("{command:?} -> {outcome:?}"))
                    .collect();
                format!("apply {}", lines.join("\n             "))
            }
            Err(error) => format!("apply {commands:?}: {error}"),
        });
        self.sleep(after).await;
        self.truth.leave().await;
        result
    }

    async fn watch(&self) -> Result<BoxStream<'static, Result<Hint, RouterError>>, RouterError> {
        self.truth.enter().await;
        let result = self.router.watch().await;
        self.truth.leave().await;
        result
    }
}

fn shown(look: &Look) -> String {
    let parts = [
        ("tunnels", &look.tunnels),
        ("permits", &look.permits),
        ("bans", &look.bans),
        ("accounts", &look.accounts),
        ("rules", &look.rules),
    ];
    let asked: Vec<String> = parts
        .into_iter()
        .filter(|(_, part)| **part != Default::default())
        .map(|(name, part)| format!("{name} {part:?}"))
        .collect();
    asked.join(", ")
}

fn seen(observed: &Observed) -> String {
    let tunnels = observed.tunnels.as_ref().map(|seen| {
        let rows: Vec<String> = seen
            .rows
            .iter()
            .map(|t| {
                let address = t
                    .addresses
                    .v4
                    .map_or_else(|| "-".into(), |ip| ip.to_string());
                format!(
                    "{} {} {address} {}s",
                    t.key.handle,
                    t.account,
                    t.uptime.as_secs()
                )
            })
            .collect();
        format!("[{}]", rows.join("; "))
    });
    let permits = observed.permits.as_ref().map(|seen| {
        let rows: Vec<String> = seen
            .rows
            .iter()
            .map(|p| format!("{} {:?} {:?}", p.address, p.tag, p.left))
            .collect();
        format!("permits [{}]", rows.join("; "))
    });
    format!(
        "{} {}",
        tunnels.unwrap_or_default(),
        permits.unwrap_or_default()
    )
}
