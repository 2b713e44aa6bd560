//! What is so: the right side of a story.

use super::*;

impl Player {
    pub(super) fn fact(&self, fact: &str) -> Result<(), String> {
        let words: Vec<&str> = fact.split(' ').collect();
        let is = |expected: &str, found: String| {
            if found == expected {
                Ok(())
            } else {
                Err(found)
            }
        };
        match *words.as_slice() {
            [state @ ("open" | "shut"), address] => {
                let address = address.parse().expect("an address");
                let open = self.router.address_passes_at(address, self.clock.now());
                is(state, if open { "open" } else { "shut" }.into())
            }
            ["rule", state @ ("on" | "off" | "gone")] => is(state, self.rule()),
            [line, state @ ("passes" | "held" | "gone")] => is(state, self.state_of(line).into()),
            ["card", ref card @ ..] => is(&card.join("_"), self.card()),
            ["sessions", count] => is(count, self.sessions().len().to_string()),
            ["gate", state @ ("shut" | "open")] => {
                let shut = self.router.gate_is_shut();
                is(state, if shut { "shut" } else { "open" }.to_owned())
            }
            ["order", state @ ("none" | "open")] => {
                let order = self.store.order_of(self.office);
                is(
                    state,
                    if order.is_some() { "open" } else { "none" }.to_owned(),
                )
            }
            ["permitted", "before", "the", "gate", "shut"] => {
                let commands = self.router.commands();
                let first = |is: fn(&Command) -> bool| commands.iter().position(|(_, c)| is(c));
                let permit = first(|c| matches!(c, Command::Permit { .. }));
                let gate = first(|c| matches!(c, Command::SetGate { enabled: true }));
                is(
                    fact,
                    match (permit, gate) {
                        (Some(permit), Some(gate)) if permit < gate => fact.to_owned(),
                        found => format!("permit and gate are commands {found:?}"),
                    },
                )
            }
            ["gate", "switched", times] => {
                let commands = self.router.commands();
                is(
                    times,
                    commands
                        .iter()
                        .filter(|(_, c)| is_switch(c))
                        .count()
                        .to_string(),
                )
            }
            ["asked", count] => is(count, self.asked().len().to_string()),
            ["messages", count] => is(count, self.notifier.chat(self.ann).len().to_string()),
            ["permits", count] => is(count, self.router.permits().len().to_string()),
            ["first", "lease", time] => is(time, self.first_lease()),
            [line, "leased", time] => is(time, self.lease_of(line)),
            ["tracked", line] => {
                let address = self.address_of(line);
                let tracked = self.router.tracks_connections(address);
                tracked.then_some(()).ok_or_else(|| "not tracked".into())
            }
            ["forgotten", address] => {
                let address = Ipv4Addr::new(10, 8, 0, number(address));
                let tracked = self.router.tracks_connections(address.into());
                (!tracked)
                    .then_some(())
                    .ok_or_else(|| "still tracked".into())
            }
            ["closed", "sessions", count] => is(count, self.closed().to_string()),
            ["disabled", "before", "cut"] => self.disabled_before_cut(),
            ["found", ref finding @ ..] => self.found(&finding.join(" ")),
            ["alerts", "none"] => is("", self.alerts()),
            ["alert", ref alert @ ..] => contains(&alert.join("_"), self.alerts()),
            ["gate", "told", which] => is(which, self.gate_told().to_owned()),
            ["mended", times] => is(times, self.mended().to_string()),
            ["told", ref inform @ ..] => contains(&inform.join("_"), self.told()),
            ["judged", ref verdict @ ..] => contains(&verdict.join(" "), self.judged()),
            [
                account @ ("ann" | "bob"),
                enabled @ ("enabled" | "disabled"),
            ] => is(enabled, self.account(account)),
            [nth, ref state @ ..] if nth.parse::<usize>().is_ok() => {
                is(&state.join(" "), self.session_state(nth.parse().unwrap()))
            }
            _ => is(fact, self.result.clone()),
        }
    }

    /// In the order in which they were opened.
    pub(super) fn sessions(&self) -> Vec<Session> {
        let all = self.store.all_sessions();
        let log = self.store.audit_log();
        let opened = log
            .iter()
            .filter(|entry| matches!(entry.what, AuditKind::SessionOpened { .. }));
        opened
            .filter_map(|entry| all.iter().find(|session| Some(session.id) == entry.session))
            .cloned()
            .collect()
    }

    pub(super) fn newest(&self) -> Session {
        self.sessions().pop().expect("a session")
    }

    pub(super) fn session_state(&self, nth: usize) -> String {
        let sessions = self.sessions();
        let Some(session) = sessions.get(nth - 1) else {
            return "no such session".to_owned();
        };
        match &session.state {
            SessionState::Ended { reason, .. } => {
                format!("ended {}", reason.name().replace('_', " "))
            }
            other => other.name().as_str().to_owned(),
        }
    }

    pub(super) fn line(&self, name: &str) -> Line {
        self.lines[name]
    }

    pub(super) fn state_of(&self, line: &str) -> &'static str {
        let line = self.line(line);
        match self.router.line(line) {
            None => "gone",
            Some(_) if self.router.passes(line) => "passes",
            Some(_) => "held",
        }
    }

    pub(super) fn address_of(&self, line: &str) -> IpAddr {
        let live = self.router.line(self.line(line)).expect("up");
        live.address.expect("an address").into()
    }

    pub(super) fn lease_of(&self, line: &str) -> String {
        let address = Prefix::host(self.address_of(line));
        let permits = self.router.permits();
        let left = permits
            .iter()
            .find(|permit| permit.address == address)
            .and_then(|permit| permit.left);
        left.map_or_else(|| "none".to_owned(), |left| format!("{}s", left.as_secs()))
    }

    /// How long the first permit that was written could have lived.
    pub(super) fn first_lease(&self) -> String {
        let commands = self.router.commands();
        let first = commands.iter().find_map(|(at, command)| match command {
            Command::Permit { lease, .. } => Some(lease.longest(*at).since(*at)),
            _ => None,
        });
        first.map_or_else(
            || "none".to_owned(),
            |lease| format!("{}s", lease.as_secs()),
        )
    }

    /// Every question that was put to ann, in order, each once.
    pub(super) fn asked(&self) -> Vec<(SessionId, ChallengeId)> {
        let mut asked = Vec::new();
        for delivered in self.notifier.delivered() {
            let to_ann = delivered.notice.user() == Some(self.ann);
            if let Some(question) = delivered.notice.question().filter(|_| to_ann)
                && !asked.contains(&question)
            {
                asked.push(question);
            }
        }
        asked
    }

    /// What ann's newest card shows.
    pub(super) fn card(&self) -> String {
        let chat = self.notifier.chat(self.ann);
        let Some(Notice::Card { card, .. }) = chat.last().map(|message| &message.notice) else {
            return "none".to_owned();
        };
        let json = serde_json::to_value(card).unwrap();
        let text = |key: &str| json[key].as_str().unwrap_or_default().to_owned();
        match card {
            Card::Question(question) => {
                let kind = json["kind"]["question"].as_str().unwrap_or_default();
                let mut shown = vec![kind.to_owned(), "question".to_owned()];
                shown.extend(question.early.then(|| "early".to_owned()));
                shown.extend(question.trial.then(|| "trial".to_owned()));
                shown.join("_")
            }
            Card::Ended { trial, .. } => {
                let trial = if *trial { "_trial" } else { "" };
                format!("ended_{}{trial}", text("reason"))
            }
            _ => text("card"),
        }
    }

    pub(super) fn offer(&self) -> Option<OfferId> {
        let cards = self.notifier.cards(self.newest().id);
        cards.iter().rev().find_map(|card| match card {
            Card::Reminder { offer, .. } => Some(*offer),
            _ => None,
        })
    }

    pub(super) fn alerts(&self) -> String {
        names(&self.notifier.alerts(), "alert")
    }

    /// What operators were last told of the gate.
    pub(super) fn gate_told(&self) -> &'static str {
        let alerts = self.notifier.alerts();
        let whole = alerts.iter().rev().find_map(|alert| match alert {
            Alert::Gate { whole, .. } => Some(*whole),
            _ => None,
        });
        match whole {
            Some(true) => "whole",
            Some(false) => "broken",
            None => "nothing",
        }
    }

    /// How often the gate was mended.
    pub(super) fn mended(&self) -> usize {
        let commands = self.router.commands();
        let mends = commands.iter();
        mends
            .filter(|(_, command)| *command == Command::MendGate)
            .count()
    }

    pub(super) fn told(&self) -> String {
        names(&self.notifier.informed(self.ann), "inform")
    }

    pub(super) fn judged(&self) -> String {
        let log = self.store.audit_log();
        let verdicts = log.iter().filter_map(|entry| match &entry.what {
            AuditKind::Judged { verdict, .. } => Some(verdict.to_string()),
            _ => None,
        });
        verdicts.collect::<Vec<_>>().join(",")
    }

    pub(super) fn rule(&self) -> String {
        let rules = self.router.rules();
        let rule = rules.iter().find(|rule| &*rule.comment == RULE);
        match rule.map(|rule| rule.enabled) {
            Some(true) => "on",
            Some(false) => "off",
            None => "gone",
        }
        .to_owned()
    }

    pub(super) fn closed(&self) -> usize {
        let ran = self.router.commands();
        let closes = ran.iter().filter(|(_, command)| {
            matches!(command, Command::CloseSessions { account, .. } if &**account == "ann")
        });
        closes.count()
    }

    /// The last cut came after the last time that its login was disabled.
    pub(super) fn disabled_before_cut(&self) -> Result<(), String> {
        let ran = self.router.commands();
        let last = |is: &dyn Fn(&Command) -> bool| ran.iter().rposition(|(_, it)| is(it));
        let disabled = last(&|it| matches!(it, Command::SetAccount { enabled: false, .. }));
        let cut = last(&|it| matches!(it, Command::CutTunnel { .. }));
        match (disabled, cut) {
            (Some(disabled), Some(cut)) if disabled < cut => Ok(()),
            other => Err(format!("{other:?} of {ran:?}")),
        }
    }

    /// What operators were told that has these words in it.
    pub(super) fn found(&self, words: &str) -> Result<(), String> {
        let told: Vec<String> = self
            .notifier
            .alerts()
            .into_iter()
            .filter_map(|alert| match alert {
                Alert::Found { what } => Some(what.to_string()),
                _ => None,
            })
            .collect();
        if told.iter().any(|what| what.contains(words)) {
            Ok(())
        } else {
            Err(format!("{told:?}"))
        }
    }

    pub(super) fn account(&self, name: &str) -> String {
        let accounts = self.router.accounts();
        let row = accounts.iter().find(|row| &*row.name == name);
        match row.map(|row| row.enabled) {
            Some(true) => "enabled",
            Some(false) => "disabled",
            None => "not there",
        }
        .to_owned()
    }
}
