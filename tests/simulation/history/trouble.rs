//! What goes wrong, and what administrators do on the router by hand.

use super::*;

impl World {
    pub(super) fn by_hand(&mut self) {
        match self.chance.below(100) {
            0..25 => {
                let (login, enabled) = (self.login(), self.chance.percent(50));
                self.truth
                    .say(|| format!("by hand: {login} enabled: {enabled}"));
                self.router.enable_account(login, enabled);
            }
            25..45 => self.remove_permit(),
            45..65 => self.foreign_permit(),
            65..75 => {
                let login = self.login();
                let gone = !self.router.accounts().iter().any(|row| &*row.name == login);
                self.truth.say(|| format!("by hand: {login} there: {gone}"));
                if gone {
                    self.router.account(login);
                } else {
                    self.router.remove_account(login);
                }
            }
            75..90 => {
                let enabled = self.chance.percent(50);
                self.truth
                    .say(|| format!("by hand: the rule counts: {enabled}"));
                self.router.remove_rules(RULE);
                if self.chance.percent(80) {
                    self.router.rule(RULE, enabled);
                }
            }
            90..95 => {
                let live = self.live();
                if let Some(live) = self.chance.any(&live) {
                    self.truth
                        .say(|| format!("by hand: {:?} is cut", live.line));
                    self.router.hang_up(live.line);
                }
            }
            _ => self.gate_by_hand(),
        }
    }

    /// Somebody breaks the gate, or puts right what somebody broke. What opens it has a minute, until it is looked at.
    fn gate_by_hand(&mut self) {
        if self.mode == Mode::Observing || self.ordered || self.settings.weak {
            return;
        }
        let now = self.now();
        let (on, faults) = self.router.gate_as_it_is();
        if !on || !faults.is_empty() {
            self.truth
                .say(|| "by hand: the gate is repaired".to_owned());
            return self.router.repair_gate();
        }
        let (opens, ours) = self
            .chance
            .pick(&[(true, true), (true, false), (false, true)]);
        let off = self.chance.percent(25);
        self.truth
            .say(|| format!("by hand: the gate breaks: opens {opens}, ours {ours}, off {off}"));
        if off {
            self.router.gate(false);
        } else {
            self.router.break_gate(GateFault {
                kind: GateFaultKind::Rule,
                what: "by hand".into(),
                opens,
                ours,
            });
        }
        self.truth.lock().gate_bad_until = now + GATE_LOOK;
    }

    fn remove_permit(&mut self) {
        let rows = self.router.permits();
        if let Some(row) = self.chance.any(&rows) {
            self.truth.say(|| format!("by hand: {row:?} is removed"));
            self.router.remove_permit(row.address);
            self.truth.lock().foreign.remove(&row.address.address);
        }
    }

    /// Where there is no entry yet: a second one of the same address is refused.
    fn foreign_permit(&mut self) {
        let live = self.live();
        let Some(address) = self.chance.any(&live).and_then(|live| live.address) else {
            return;
        };
        let prefix = Prefix::host(address.into());
        if self
            .router
            .permits()
            .iter()
            .any(|row| row.address == prefix)
        {
            return;
        }
        let left = self.chance.percent(50).then(|| Duration::from_secs(300));
        self.truth
            .say(|| format!("by hand: a permit for {address}, {left:?}"));
        self.truth.lock().foreign.insert(address.into());
        self.router
            .put_permit(prefix, PermitTag::Foreign("by hand".into()), left);
    }

    pub(super) fn trouble(&mut self) {
        match self.chance.below(100) {
            0..12 => self.break_command(),
            12..22 => self.break_look(),
            22..32 => self.pause(),
            32..42 => self.lose_router(),
            42..50 => self.lose_hints(),
            50..62 => self.break_store(),
            62..74 => self.break_messenger(),
            74..80 => self.lose_answers(),
            _ => self.crash(),
        }
    }

    fn break_command(&mut self) {
        let seconds = self.chance.between(1, 55);
        let retry = self.chance.pick(&[
            Retry::Now,
            Retry::After(Duration::from_secs(2)),
            Retry::Never,
        ]);
        let fault = self.chance.pick(&[
            CommandFault::LostReply,
            CommandFault::Late(Duration::from_secs(seconds)),
            CommandFault::Late(Duration::from_secs(seconds)),
            CommandFault::LostCommand,
            CommandFault::Refused {
                reason: "failure".into(),
                retry,
            },
        ]);
        self.truth.lock().faults.commands.push_back(fault);
    }

    fn break_look(&mut self) {
        let part = self.chance.pick(&[
            SeenPart::Tunnels,
            SeenPart::Tunnels,
            SeenPart::Permits,
            SeenPart::Bans,
            SeenPart::Accounts,
            SeenPart::Rules,
        ]);
        let fault = self.chance.pick(&[
            LookFault::BreaksOff(part),
            LookFault::BreaksOff(part),
            LookFault::Fails(RouterError::TimedOut),
            LookFault::Fails(RouterError::LoginRefused("mikro2fa".into())),
        ]);
        self.truth.lock().faults.looks.push_back(fault);
    }

    /// The router stops in the middle, as it does when it is busy.
    fn pause(&mut self) {
        let seconds = self.chance.between(1, 25);
        let pause = Duration::from_millis(seconds * 1_000 + self.chance.below(1_000));
        let pause = if self.chance.percent(50) {
            (pause, Duration::ZERO)
        } else {
            (Duration::ZERO, pause)
        };
        self.truth.lock().faults.pauses.push_back(pause);
    }

    fn lose_router(&mut self) {
        let now = self.now();
        let seconds = self.chance.pick(&[2, 20, 90, 400]);
        let mut until = now + Duration::from_secs(seconds);
        if self.chance.percent(50) {
            until = now + Duration::from_secs(self.chance.between(12, 40));
            self.truth.say(|| "the router reboots".to_owned());
            self.router.reboot();
            self.no_dial_until = now + Duration::from_secs(10);
            self.truth.lock().late_until = now;
        }
        self.truth
            .say(|| format!("the router is away until {until:?}"));
        self.router.away_until(until);
        let poll = self.settings.poll();
        let mut truth = self.truth.lock();
        truth.away_until = until;
        truth.excuse(until + Duration::from_secs(40));
        truth.hints_bad_until = truth
            .hints_bad_until
            .max(until + Duration::from_secs(31) + poll);
    }

    fn lose_hints(&mut self) {
        let lost = self.chance.percent(50);
        self.truth.say(|| format!("hints are lost: {lost}"));
        let (now, poll) = (self.now(), self.settings.poll());
        self.router.lose_hints(lost);
        if !lost && self.chance.percent(50) {
            self.router.break_watches();
        }
        let mut truth = self.truth.lock();
        truth.hints_bad_until = if lost {
            Timestamp::MAX
        } else {
            now + poll + Duration::from_secs(31)
        };
    }

    fn break_store(&mut self) {
        let now = self.now();
        let until = now + Duration::from_secs(self.chance.pick(&[1, 10, 60]));
        let mut truth = self.truth.lock();
        truth.store_bad_until = truth.store_bad_until.max(until + Duration::from_secs(20));
        let fault = self.chance.pick(&[
            Some(CommitFault::Fails(StoreError::Busy)),
            Some(CommitFault::Unknown { done: true }),
            Some(CommitFault::Unknown { done: false }),
            Some(CommitFault::Conflict),
            Some(CommitFault::Refused("constraint".into())),
            None,
            None,
        ]);
        if let Some(fault) = fault {
            truth.faults.commits.push_back(fault);
            return;
        }
        truth.store_shut_until = truth.store_shut_until.max(until);
        drop(truth);
        let full = self.chance.percent(50);
        self.truth.say(|| {
            format!(
                "the database is {} until {until:?}",
                if full { "full" } else { "away" }
            )
        });
        if full {
            self.store.full_until(until);
        } else {
            self.store.away_until(until);
        }
    }

    fn break_messenger(&mut self) {
        let seconds = self.chance.pick(&[2, 30, 200]);
        match self.chance.below(100) {
            0..60 => {
                let fault = self.chance.pick(&[
                    DeliveryFault::SlowDown(Duration::from_secs(seconds)),
                    DeliveryFault::Refused("bad request".into()),
                    DeliveryFault::Unavailable,
                    DeliveryFault::Unknown { sent: true },
                    DeliveryFault::Unknown { sent: false },
                ]);
                self.truth.lock().faults.deliveries.push_back(fault);
            }
            60..80 => {
                let until = self.now() + Duration::from_secs(seconds);
                self.truth
                    .say(|| format!("the messenger is away until {until:?}"));
                self.phones.away_until(until);
            }
            _ => {
                let (person, blocked) = (self.person(), self.chance.percent(60));
                self.truth
                    .say(|| format!("{} blocks the bot: {blocked}", person.name));
                self.phones.block(person.user, blocked);
            }
        }
    }

    /// Answers cannot be fetched, or can again.
    fn lose_answers(&mut self) {
        if !self.settings.polling {
            return;
        }
        let now = self.now();
        self.messenger_away = self.messenger_away.is_none().then_some(now);
        let away = self.messenger_away;
        self.truth
            .say(|| format!("answers cannot be fetched since {away:?}"));
        if let Some(handle) = self.handle() {
            handle.messenger(away);
        }
    }

    fn crash(&mut self) {
        let Some(engine) = &self.engine else { return };
        let task = engine.task.abort_handle();
        if self.chance.percent(25) {
            return self.kill();
        }
        let calls = self.chance.between(1, 12) as u32;
        let after = self.chance.percent(50);
        self.truth
            .say(|| format!("the engine is to die at port call {calls}, after it: {after}"));
        self.truth.lock().faults.crash = Some(Crash {
            calls,
            after,
            engine: task,
        });
    }

    /// After a while, sometimes longer than any lease; sometimes with a clock that is behind.
    pub(super) async fn start_again(&mut self) {
        let seconds = self.chance.pick(&[0, 0, 3, 40, 150, 800]);
        self.truth
            .say(|| format!("-- the engine stays dead for {seconds} s"));
        self.advance(Duration::from_secs(seconds)).await;
        if self.chance.percent(10) {
            self.truth.lock().faults.wall_ahead = Some(Duration::from_secs(3_600));
        }
        self.start().await;
    }
}
