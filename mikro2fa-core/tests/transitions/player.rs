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
    desk::{AccountKind, Bound, Mode, RuleBinding, SourceKind},
    directory::{DeskChange, Directory as _},
    engine::{EngineError, EngineHandle, Fed, RequestRefused, Requested},
    gate::{GateFault, GateFaultKind},
    id::{AccountId, ChallengeId, OfferId, RouterId, SessionId, UserId},
    notifier::{Alert, Card, Notice},
    policy::{Adopt, Resume, SecondTunnel, Seconds, Unowned},
    retry::Retry,
    router_backend::{Command, Prefix},
    session::{Actor, Answer, Session, SessionState},
    testing::{
        CommandFault, DeliveryFault, Desk, Dial, Line, LookFault, ManualClock, MemoryRouter,
        MemoryStore, RecordingNotifier, SeenPart,
    },
    time::{Clock, Timestamp},
    tunnel::Caller,
};

mod facts;
mod words;

use words::*;

use crate::support::start;

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
