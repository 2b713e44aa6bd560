//! Plays a story against an engine over ports in memory: what happens on the left, what is then so on the right.
//!
//! The words that a story is written in are the match arms of [`Player::act`] and [`Player::fact`].

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
    time::Duration,
};

use mikro2fa_core::{
    audit::AuditKind,
    desk::{AccountKind, Bound, Mode, RouterDesk, RuleBinding, SourceKind},
    directory::{DeskChange, Directory as _},
    engine::{Backends, EngineBuilder, EngineError, EngineHandle, Fed, RequestRefused, Requested},
    entropy::SeededEntropy,
    gate::{GateFault, GateFaultKind},
    id::{AccountId, ChallengeId, OfferId, RouterId, SessionId, UserId},
    notifier::{Alert, Card, Notice},
    policy::{Adopt, Resume, SecondTunnel, Seconds, Unowned},
    retry::Retry,
    router_backend::{Command, Prefix, RouterBackend},
    session::{Actor, Answer, Session, SessionState},
    testing::{
        CommandFault, DeliveryFault, Desk, Dial, Line, LookFault, ManualClock, MemoryRouter,
        MemoryStore, RecordingNotifier, SeenPart,
    },
    time::{Clock, Timestamp},
    tunnel::Caller,
};

const START: Timestamp = Timestamp(1_800_000_000_000);

/// Plays a story to its end.
///
/// # Panics
///
/// With the row's name and the line where something else was so.
pub(crate) async fn play(name: &str, story: &str) {
    let lines: Vec<&str> = story
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let given = lines.iter().filter_map(|line| line.strip_prefix("given "));
    let mut player = Player::new(given.collect()).await;
    for line in lines.iter().filter(|line| !line.starts_with("given ")) {
        let (action, facts) = line.split_once('|').unwrap_or((line, ""));
        player.act(action.trim()).await;
        for fact in facts
            .split(',')
            .map(str::trim)
            .filter(|fact| !fact.is_empty())
        {
            if let Err(found) = player.fact(fact) {
                panic!(
                    "\nrow {name}\nline `{line}`\nexpected `{fact}`, found: {found}\n\n{player}"
                );
            }
        }
    }
}

struct Player {
    clock: Arc<ManualClock>,
    store: MemoryStore,
    router: MemoryRouter,
    notifier: RecordingNotifier,
    handle: EngineHandle,
    engine: tokio::task::JoinHandle<()>,
    runs: u64,
    office: RouterId,
    ann: UserId,
    bob: UserId,
    account: AccountId,
    lines: BTreeMap<String, Line>,
    /// What the last call came to.
    result: String,
    /// The extension buttons that were used last.
    used: Option<OfferId>,
}

impl Player {
    async fn new(given: Vec<&str>) -> Self {
        let clock = Arc::new(ManualClock::new(START));
        let store = MemoryStore::new(clock.clone());
        let mut desk = Desk::new(START);
        let office = desk.router("office");
        let ann = desk.user("Ann", 1001);
        let account = desk.account(office, "ann", Some(ann));
        let bob = desk.user("Bob", 1002);
        desk.account(office, "bob", Some(bob));
        desk.account(office, "guest", None);
        let site = desk.account(office, "site", None);
        desk.account_mut(site).kind = AccountKind::Exempt;
        let router = MemoryRouter::new(office, clock.clone());
        for name in ["ann", "bob", "guest", "site"] {
            router.account(name);
        }
        router.exempt("site");
        let notifier = RecordingNotifier::new(clock.clone());
        let mut lines = BTreeMap::new();
        for given in given {
            match given {
                "ann handed over" => desk.account_mut(account).handed_over = true,
                "observing" => {
                    desk.router_mut(office).mode = Mode::Observing;
                    router.gate(false);
                }
                "observing without asking" => {
                    let office = desk.router_mut(office);
                    office.mode = Mode::Observing;
                    office.observe_asks = false;
                    router.gate(false);
                }
                "enforcing, and the gate is open" => router.gate(false),
                "not prepared" => router.prepared(false),
                "ann was enabled" => desk.account_mut(account).before.enabled = Some(true),
                "unowned pass" => desk.router_mut(office).unowned = Unowned::Pass,
                "tunnels from before go on for 2h" => {
                    let until = START + Duration::from_secs(3 * 3_600);
                    desk.router_mut(office).adopt = Adopt::Grace { until };
                }
                "unowned are cut" => desk.router_mut(office).unowned = Unowned::Cut,
                "tunnels from before are cut" => desk.router_mut(office).adopt = Adopt::Cut,
                "a rule of the account" => {
                    bind(&mut desk, office, &router, Bound::Account(account))
                }
                "a rule of the user" => {
                    desk.account(office, "ann2", Some(ann));
                    router.account("ann2");
                    bind(&mut desk, office, &router, Bound::User(ann));
                }
                "no address list" => {
                    desk.router_mut(office).gates.address_list = false;
                    router.gate(false);
                }
                "ann in the User Manager" => {
                    router.remove_account("ann");
                    router.put_account(SourceKind::UserManager, "ann", "", &[]);
                    desk.keep_in(account, SourceKind::UserManager);
                }
                "another ann in the User Manager" => {
                    router.put_account(SourceKind::UserManager, "ann", "", &[]);
                }
                behind if behind.starts_with("ann has ") => {
                    let network = behind.split(' ').nth(2).expect("a network");
                    let networks = networks_of(&router).into_iter().chain([prefix(network)]);
                    let networks: Vec<Prefix> = networks.collect();
                    router.put_account(SourceKind::PppSecrets, "ann", "", &networks);
                }
                "ann disabled" => router.enable_account("ann", false),
                "a from before" => {
                    let line = router.dial(&dial("ann", 1)).expect("dials in");
                    lines.insert("a".to_owned(), line);
                    clock.advance_to(START + Duration::from_secs(3_600));
                    desk.router_mut(office).since = clock.now();
                }
                other => given_policy(&mut desk, other),
            }
        }
        desk.fill(&store).await.unwrap();
        let (handle, engine) = start(&store, &router, &notifier, &clock, 1).await;
        let player = Self {
            clock,
            store,
            router,
            notifier,
            handle,
            engine,
            runs: 1,
            office,
            ann,
            bob,
            account,
            lines,
            result: String::new(),
            used: None,
        };
        player.settle().await;
        player
    }

    /// A router's hint is on its way until its listener has been polled.
    async fn settle(&self) {
        for _ in 0..4 {
            tokio::task::yield_now().await;
        }
        self.handle.settled().await;
    }

    // ---- what happens ---------------------------------------------------------------------------

    async fn act(&mut self, action: &str) {
        let words: Vec<&str> = action.split(' ').collect();
        match *words.as_slice() {
            ["wait", time] => {
                let time = duration(time);
                self.clock.advance(time, async || self.settle().await).await;
            }
            ["request"] => self.request().await,
            ["dial", line, ref rest @ ..] => self.dial(line, rest),
            ["hand", line, "over", "to", account, "as", new] => {
                let to = dial(account, 99).from(caller_of(account));
                let new_line = self.router.hand_over(self.line(line), &to).unwrap();
                self.lines.insert(new.to_owned(), new_line);
            }
            ["hang", "up", line] => self.router.hang_up(self.line(line)),
            ["crash", line] => self.router.crash(self.line(line)),
            ["address", line] => {
                let address = Ipv4Addr::new(10, 8, 0, number(line));
                self.router.give_address(self.line(line), address);
            }
            [answer @ ("yes" | "no"), ref rest @ ..] => self.answer(answer, rest).await,
            ["not", "me"] => {
                let id = self.newest().id;
                let fed = self.handle.not_me(id, self.ann, None).await;
                self.result = fed_name(fed);
            }
            ["extend", minutes] => {
                let offer = self.offer();
                self.used = offer;
                self.extend(offer, minutes, Actor::Owner { user: self.ann })
                    .await;
            }
            ["extend", minutes, "with", "used", "buttons"] => {
                self.extend(self.used, minutes, Actor::Owner { user: self.ann })
                    .await;
            }
            ["operator", "extends", minutes] => self.extend(None, minutes, operator()).await,
            ["operator", "lets", "in"] => {
                let id = self.newest().id;
                let fed = self
                    .handle
                    .let_in(id, "olga".into(), "no phone".into(), None);
                self.result = fed_name(fed.await);
            }
            ["operator", "ends"] => {
                let fed = self.handle.end(self.newest().id, operator(), None).await;
                self.result = fed_name(fed);
            }
            ["operator", "lifts", "the", "ban"] => self.lift_ban().await,
            _ => self.act_on_ports(&words).await,
        }
        self.settle().await;
    }

    async fn act_on_ports(&mut self, words: &[&str]) {
        match *words {
            ["router", "away", time] => {
                self.router.away_until(self.clock.now() + duration(time));
            }
            ["switch", "to", mode @ ("enforcing" | "observing")] => {
                let changes = self.switch(mode).await;
                self.handle.change_desk(changes, Vec::new()).await.unwrap();
            }
            ["switch", "to", mode, "by", "another", "process"] => {
                let changes = self.switch(mode).await;
                self.store.change(changes, Vec::new()).await.unwrap();
            }
            ["ann", "is", "disabled", "at", "the", "desk"] => {
                let mut account = self.store.account(self.account).await.unwrap().unwrap();
                account.disabled = true;
                account.version += 1;
                let change = vec![DeskChange::PutAccount(account)];
                self.handle.change_desk(change, Vec::new()).await.unwrap();
            }
            ["switching", "the", "gate", "will", "be", "lost", times] => {
                for _ in 0..times.parse().unwrap() {
                    self.router
                        .next_command_that(is_switch, CommandFault::LostCommand);
                }
            }
            ["switching", "the", "gate", "will", "be", "late", time] => {
                let late = CommandFault::Late(duration(time));
                self.router.next_command_that(is_switch, late);
            }
            ["somebody", "opens", "the", "gate"] => self.router.gate(false),
            ["somebody", "shuts", "the", "gate"] => self.router.gate(true),
            ["router", "is", "prepared"] => self.router.prepared(true),
            ["router", "reboots"] => self.router.reboot(),
            ["hint"] => self.handle.tunnels_changed(self.office).await.unwrap(),
            ["hints", "are", "lost"] => self.router.lose_hints(true),
            ["look", "breaks", "off"] => {
                self.router
                    .next_look(LookFault::BreaksOff(SeenPart::Tunnels));
            }
            ["permit", "will", "be", "refused"] => self.next_permit(CommandFault::Refused {
                reason: "no such list".into(),
                retry: Retry::Never,
            }),
            ["permit's", "reply", "will", "be", "lost"] => {
                self.next_permit(CommandFault::LostReply);
            }
            ["permit", "will", "be", "late", time] => {
                self.next_permit(CommandFault::Late(duration(time)));
            }
            ["permits", "will", "be", "lost", times] => {
                for _ in 0..times.parse().unwrap() {
                    self.next_permit(CommandFault::LostCommand);
                }
            }
            ["enabling", "will", "be", "lost", times] => {
                let enables = |command: &Command| {
                    matches!(command, Command::SetAccount { enabled: true, .. })
                };
                for _ in 0..times.parse().unwrap() {
                    self.router
                        .next_command_that(enables, CommandFault::LostCommand);
                }
            }
            ["somebody", "takes", line] => {
                self.router
                    .remove_permit(Prefix::host(self.address_of(line)));
            }
            ["gate", "opens"] => self.router.break_gate(gate_fault(true, true)),
            ["gate", "opens,", "not", "ours"] => self.router.break_gate(gate_fault(true, false)),
            ["gate", "is", "marred"] => self.router.break_gate(gate_fault(false, true)),
            ["gate", "is", "switched", "off"] => self.router.gate(false),
            ["gate", "repaired"] => self.router.repair_gate(),
            ["gate", "cannot", "be", "read"] => self.router.hide_gate(true),
            ["mending", "will", "be", "refused", times] => {
                for _ in 0..times.parse().unwrap() {
                    self.router.next_command_that(
                        |command| *command == Command::MendGate,
                        CommandFault::Refused {
                            reason: "busy".into(),
                            retry: Retry::Now,
                        },
                    );
                }
            }
            ["emergency", line] => {
                let address = Ipv4Addr::new(10, 8, 0, number(line));
                let hour = Duration::from_secs(3_600);
                self.router.emergency(address.into(), Some(hour));
            }
            ["somebody", "removes", "the", "rule"] => self.router.remove_rules(RULE),
            ["somebody", "copies", "the", "rule"] => self.router.rule(RULE, false),
            ["somebody", "renames", "the", "rule"] => {
                self.router.rename_rule(RULE, "2FA of ann, old");
            }
            ["somebody", "adds", "a", "rule"] => self.router.rule("2FA of bob", true),
            ["somebody", "moves", "the", "rule"] => {
                self.router.rule("2FA of bob", true);
                self.router.move_rule_to_top("2FA of bob");
            }
            ["somebody", "switches", "the", "rule", to] => {
                self.router.remove_rules(RULE);
                self.router.rule(RULE, to == "on");
            }
            ["switching", "will", "be", "lost", times] => {
                let switches =
                    |command: &Command| matches!(command, Command::SetRule { enabled: false, .. });
                for _ in 0..times.parse().unwrap() {
                    self.router
                        .next_command_that(switches, CommandFault::LostCommand);
                }
            }
            ["disabling", "will", "be", "refused", times] => {
                let disables = |command: &Command| {
                    matches!(command, Command::SetAccount { enabled: false, .. })
                };
                for _ in 0..times.parse().unwrap() {
                    let fault = CommandFault::Refused {
                        reason: "no such item".into(),
                        retry: Retry::After(Duration::from_secs(30)),
                    };
                    self.router.next_command_that(disables, fault);
                }
            }
            ["too", "many", "connections"] => {
                let forgets =
                    |command: &Command| matches!(command, Command::ForgetConnections { .. });
                for _ in 0..10 {
                    let fault = CommandFault::Refused {
                        reason: "6000 tracked connections are too many to look through".into(),
                        retry: Retry::Never,
                    };
                    self.router.next_command_that(forgets, fault);
                }
            }
            ["connections", "of", line] => self.router.track_connections(self.address_of(line)),
            ["somebody", "puts", network, "behind", "ann"] => {
                let networks = [prefix(network)];
                self.router
                    .put_account(SourceKind::PppSecrets, "ann", "", &networks);
            }
            ["somebody", "disables", account] => self.router.enable_account(account, false),
            ["somebody", "enables", account] => self.router.enable_account(account, true),
            ["messenger", "away", time] => {
                self.notifier.away_until(self.clock.now() + duration(time));
            }
            ["answers", "cannot", "come"] => self.handle.messenger(Some(self.clock.now())),
            ["answers", "can", "come"] => self.handle.messenger(None),
            ["next", "message", "refused"] => self
                .notifier
                .next_delivery(DeliveryFault::Refused("bad request".into())),
            ["ann", "blocks", "the", "bot"] => self.notifier.block(self.ann, true),
            ["engine", "dies"] => {
                self.engine.abort();
                let _ = (&mut self.engine).await;
            }
            ["engine", "starts"] => {
                self.runs += 1;
                let (handle, engine) = start(
                    &self.store,
                    &self.router,
                    &self.notifier,
                    &self.clock,
                    self.runs,
                )
                .await;
                self.handle = handle;
                self.engine = engine;
            }
            _ => panic!("no such action: {words:?}"),
        }
    }

    async fn switch(&self, mode: &str) -> Vec<DeskChange> {
        let mode = match mode {
            "enforcing" => Mode::Enforcing,
            "observing" => Mode::Observing,
            _ => panic!("no such mode: {mode}"),
        };
        let desk = self.store.router_desk(self.office).await.unwrap().unwrap();
        let (mut router, order) = desk.router.switched(mode, self.clock.now());
        router.version += 1;
        vec![DeskChange::PutRouter(router), DeskChange::OrderGate(order)]
    }

    fn dial(&mut self, line: &str, rest: &[&str]) {
        let (account, rest) = match *rest {
            ["as", account, ref rest @ ..] => (account, rest),
            _ => ("ann", rest),
        };
        let mut dial = dial(account, number(line)).from(caller_of(account));
        let rest = match *rest {
            [ref rest @ .., "reusing", "id", handle] => {
                dial.handle = Some(handle.into());
                rest
            }
            _ => rest,
        };
        match *rest {
            [] => {}
            ["from", "hotel"] => dial = dial.from("198.51.100.9"),
            ["from", "bob's"] => dial = dial.from(caller_of("bob")),
            ["from", "a", "mac"] => {
                dial.caller = Some(Caller::Other("00:53:00:AA:BB:CC".into()));
            }
            ["without", "address"] => dial.address = None,
            _ => panic!("no such way to dial: {rest:?}"),
        }
        match self.router.dial(&dial) {
            Ok(new) => {
                self.lines.insert(line.to_owned(), new);
                self.result = "up".to_owned();
            }
            Err(refused) => self.result = format!("{refused:?}").to_lowercase(),
        }
    }

    async fn request(&mut self) {
        let requested = self
            .handle
            .request_access(self.ann, self.account, self.office, None)
            .await
            .unwrap();
        self.result = match requested {
            Requested::Opened(_) => "opened",
            Requested::Exists(_) => "exists",
            Requested::Refused(RequestRefused::Banned) => "banned",
            Requested::Refused(_) => "refused",
        }
        .to_owned();
    }

    async fn answer(&mut self, answer: &str, rest: &[&str]) {
        let answers = |word: &str| {
            if word == "yes" {
                Answer::Yes
            } else {
                Answer::No
            }
        };
        let (session, challenge) = match *rest {
            ["to", nth] => self.asked()[nth.parse::<usize>().unwrap() - 1],
            _ => *self.asked().last().expect("a question"),
        };
        let by = if rest == ["by", "bob"] {
            self.bob
        } else {
            self.ann
        };
        let give = |answer| {
            let handle = self.handle.clone();
            async move { handle.answer(session, challenge, answer, by, None).await }
        };
        self.result = if let ["and", other] = *rest {
            let (first, second) = tokio::join!(give(answers(answer)), give(answers(other)));
            format!("{} and {}", fed_name(first), fed_name(second))
        } else {
            fed_name(give(answers(answer)).await)
        };
    }

    async fn extend(&mut self, offer: Option<OfferId>, minutes: &str, by: Actor) {
        let id = self.newest().id;
        let fed = self
            .handle
            .extend(id, offer, minutes.parse().unwrap(), by, None);
        self.result = fed_name(fed.await);
    }

    async fn lift_ban(&mut self) {
        let bans = self
            .handle
            .directory()
            .bans(Some(self.account), self.clock.now())
            .await
            .unwrap();
        for ban in bans {
            assert!(self.handle.unban(ban.id, "olga".into()).await.unwrap());
        }
    }

    fn next_permit(&self, fault: CommandFault) {
        let is_permit = |command: &Command| matches!(command, Command::Permit { .. });
        self.router.next_command_that(is_permit, fault);
    }

    // ---- what is so -----------------------------------------------------------------------------

    fn fact(&self, fact: &str) -> Result<(), String> {
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
    fn sessions(&self) -> Vec<Session> {
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

    fn newest(&self) -> Session {
        self.sessions().pop().expect("a session")
    }

    fn session_state(&self, nth: usize) -> String {
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

    fn line(&self, name: &str) -> Line {
        self.lines[name]
    }

    fn state_of(&self, line: &str) -> &'static str {
        let line = self.line(line);
        match self.router.line(line) {
            None => "gone",
            Some(_) if self.router.passes(line) => "passes",
            Some(_) => "held",
        }
    }

    fn address_of(&self, line: &str) -> IpAddr {
        let live = self.router.line(self.line(line)).expect("up");
        live.address.expect("an address").into()
    }

    fn lease_of(&self, line: &str) -> String {
        let address = Prefix::host(self.address_of(line));
        let permits = self.router.permits();
        let left = permits
            .iter()
            .find(|permit| permit.address == address)
            .and_then(|permit| permit.left);
        left.map_or_else(|| "none".to_owned(), |left| format!("{}s", left.as_secs()))
    }

    /// How long the first permit that was written could have lived.
    fn first_lease(&self) -> String {
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
    fn asked(&self) -> Vec<(SessionId, ChallengeId)> {
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
    fn card(&self) -> String {
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

    fn offer(&self) -> Option<OfferId> {
        let cards = self.notifier.cards(self.newest().id);
        cards.iter().rev().find_map(|card| match card {
            Card::Reminder { offer, .. } => Some(*offer),
            _ => None,
        })
    }

    fn alerts(&self) -> String {
        names(&self.notifier.alerts(), "alert")
    }

    /// What operators were last told of the gate.
    fn gate_told(&self) -> &'static str {
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
    fn mended(&self) -> usize {
        let commands = self.router.commands();
        let mends = commands.iter();
        mends
            .filter(|(_, command)| *command == Command::MendGate)
            .count()
    }

    fn told(&self) -> String {
        names(&self.notifier.informed(self.ann), "inform")
    }

    fn judged(&self) -> String {
        let log = self.store.audit_log();
        let verdicts = log.iter().filter_map(|entry| match &entry.what {
            AuditKind::Judged { verdict, .. } => Some(verdict.to_string()),
            _ => None,
        });
        verdicts.collect::<Vec<_>>().join(",")
    }

    fn rule(&self) -> String {
        let rules = self.router.rules();
        let rule = rules.iter().find(|rule| &*rule.comment == RULE);
        match rule.map(|rule| rule.enabled) {
            Some(true) => "on",
            Some(false) => "off",
            None => "gone",
        }
        .to_owned()
    }

    fn closed(&self) -> usize {
        let ran = self.router.commands();
        let closes = ran.iter().filter(|(_, command)| {
            matches!(command, Command::CloseSessions { account, .. } if &**account == "ann")
        });
        closes.count()
    }

    /// The last cut came after the last time that its login was disabled.
    fn disabled_before_cut(&self) -> Result<(), String> {
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
    fn found(&self, words: &str) -> Result<(), String> {
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

    fn account(&self, name: &str) -> String {
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

impl std::fmt::Display for Player {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let now = self.clock.now().since(START);
        writeln!(f, "after {now:?}, last result {:?}", self.result)?;
        for (nth, _) in self.sessions().iter().enumerate() {
            writeln!(f, "session {} {}", nth + 1, self.session_state(nth + 1))?;
        }
        for line in self.lines.keys() {
            writeln!(f, "tunnel {line} {}", self.state_of(line))?;
        }
        writeln!(f, "card {}, alerts {}", self.card(), self.alerts())?;
        writeln!(f, "told {}, judged {}", self.told(), self.judged())
    }
}

fn gate_fault(opens: bool, ours: bool) -> GateFault {
    GateFault {
        kind: if ours {
            GateFaultKind::Rule
        } else {
            GateFaultKind::Above
        },
        what: "rule 3".into(),
        opens,
        ours,
    }
}

// ---- words --------------------------------------------------------------------------------------

fn given_policy(desk: &mut Desk, given: &str) {
    let policy = desk.policy_mut();
    let seconds = |time: &str| Some(Seconds(duration(time)));
    match *given.split(' ').collect::<Vec<_>>().as_slice() {
        ["second", "tunnel", "refused"] => policy.second_tunnel = Some(SecondTunnel::Refuse),
        ["both", "tunnels"] => policy.second_tunnel = Some(SecondTunnel::Both),
        ["no", "resume"] => policy.resume = Some(Resume::Off),
        ["any", "caller", "resumes"] => policy.resume = Some(Resume::AnyCaller),
        ["no", "confirmation"] => policy.require_confirmation = Some(false),
        ["requests", "need", "not", "be"] => policy.request_first = Some(false),
        ["session_duration", time] => policy.session_duration = seconds(time),
        ["max_total", time] => policy.max_total = seconds(time),
        ["hold_for", time] => policy.hold_for = seconds(time),
        ["reconnect_grace", time] => policy.reconnect_grace = seconds(time),
        ["max_prompts_per_hour", n] => policy.max_prompts_per_hour = Some(n.parse().unwrap()),
        _ => panic!("not to be given: {given}"),
    }
}

fn prefix(text: &str) -> Prefix {
    let (address, length) = text.split_once('/').expect("a network");
    Prefix {
        address: address.parse().expect("an address"),
        length: length.parse().expect("a length"),
    }
}

/// What is behind Ann so far.
fn networks_of(router: &MemoryRouter) -> Vec<Prefix> {
    let accounts = router.accounts();
    let ann = accounts.iter().find(|row| &*row.name == "ann");
    ann.map_or_else(Vec::new, |row| row.routes.clone())
}

/// The comment of the rule that is bound.
const RULE: &str = "2FA of ann";

fn bind(desk: &mut Desk, office: RouterId, router: &MemoryRouter, to: Bound) {
    let comment = RULE.into();
    let rules = &mut desk.router_mut(office).gates.rules;
    rules.push(RuleBinding { comment, to });
    router.rule(RULE, false);
}

async fn start(
    store: &MemoryStore,
    router: &MemoryRouter,
    notifier: &RecordingNotifier,
    clock: &Arc<ManualClock>,
    seed: u64,
) -> (EngineHandle, tokio::task::JoinHandle<()>) {
    let router: Arc<dyn RouterBackend> = Arc::new(router.clone());
    let backends: Arc<dyn Backends> = Arc::new(move |_: &RouterDesk| Arc::clone(&router));
    let store = Arc::new(store.clone());
    let clock: Arc<dyn Clock> = clock.clone();
    let notifier = Arc::new(notifier.clone());
    let (engine, handle) = EngineBuilder::new(store.clone(), store, notifier, backends, clock)
        .entropy(Arc::new(SeededEntropy::new(seed)))
        .build()
        .await
        .unwrap();
    let mut ready = engine.ready();
    let engine = tokio::spawn(engine.run());
    ready.wait_for(|ready| *ready).await.unwrap();
    (handle, engine)
}

fn dial(account: &str, last: u8) -> Dial {
    Dial::new(account, Ipv4Addr::new(10, 8, 0, last))
}

fn is_switch(command: &Command) -> bool {
    matches!(command, Command::SetGate { .. })
}

fn caller_of(account: &str) -> &'static str {
    match account {
        "bob" => "192.0.2.50",
        "guest" => "192.0.2.60",
        "site" => "192.0.2.70",
        _ => "203.0.113.7",
    }
}

/// A tunnel's letter says its address: a has 10.8.0.1.
fn number(line: &str) -> u8 {
    line.bytes().next().map_or(0, |letter| letter - b'a' + 1)
}

fn duration(text: &str) -> Duration {
    let (number, unit) = text.split_at(text.len() - 1);
    let number: u64 = number.parse().unwrap();
    Duration::from_secs(match unit {
        "s" => number,
        "m" => number * 60,
        "h" => number * 3_600,
        _ => panic!("no such time: {text}"),
    })
}

fn operator() -> Actor {
    Actor::Operator {
        who: "olga".into(),
        reason: "asked for".into(),
    }
}

fn fed_name(fed: Result<Fed, EngineError>) -> String {
    match fed {
        Ok(Fed::Stepped(_)) => "counted".to_owned(),
        Ok(Fed::Ignored(why, _)) => {
            let why = format!("{why:?}").to_lowercase();
            let why = why.strip_prefix("answer(").unwrap_or(&why);
            let word = why.split([' ', ')', '{']).next().unwrap_or_default();
            format!("ignored {word}")
        }
        other => format!("{other:?}"),
    }
}

fn names<T: serde::Serialize>(all: &[T], tag: &str) -> String {
    let name = |one: &T| {
        let json = serde_json::to_value(one).unwrap();
        json[tag].as_str().unwrap_or_default().to_owned()
    };
    all.iter().map(name).collect::<Vec<_>>().join(",")
}

fn contains(expected: &str, found: String) -> Result<(), String> {
    let there = found.split(',').any(|one| one == expected);
    if there { Ok(()) } else { Err(found) }
}
