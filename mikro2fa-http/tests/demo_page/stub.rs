//! A world of cardboard: it remembers what the page asked for and moves one session through its states. Enough to look
//! at the page and to try its addresses; the real one has sockets.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use mikro2fa_http::demo::page::{
    Act, Client, ClientKind, ClientTunnel, DemoWorld, Direction, Engine, Key, Language, Life, Line,
    ListEntry, Message, Outcome, Phone, Power, Reach, Router, Rule, Said, Scene, Sender,
    SessionState, Snapshot, Step, StepKind, Target, Tunnel, Verdict, WireLine,
};
use tokio::sync::watch;

const START: i64 = 1_795_183_351_000;

pub(crate) struct StubWorld {
    snapshot: Mutex<Snapshot>,
    acts: Mutex<Vec<Act>>,
    changed: watch::Sender<u64>,
}

impl StubWorld {
    pub(crate) fn new(language: Language) -> Self {
        Self {
            snapshot: Mutex::new(fresh(language)),
            acts: Mutex::default(),
            changed: watch::Sender::new(0),
        }
    }

    #[allow(dead_code, reason = "only the tests ask")]
    pub(crate) fn acts(&self) -> Vec<Act> {
        self.acts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn change<T>(&self, change: impl FnOnce(&mut Snapshot) -> T) -> T {
        let result = change(&mut self.snapshot.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.send_modify(|number| *number += 1);
        result
    }
}

#[async_trait]
impl DemoWorld for StubWorld {
    async fn snapshot(&self) -> Snapshot {
        self.snapshot
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    async fn act(&self, act: Act) -> Result<Outcome, String> {
        self.acts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(act.clone());
        self.change(|snapshot| perform(snapshot, act))
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }
}

fn perform(world: &mut Snapshot, act: Act) -> Result<Outcome, String> {
    match act {
        Act::Dial { client } if client == "ann" => set(world, SessionState::Challenged),
        Act::Dial { client } => {
            return Err(format!("{client} has no line in a world of cardboard"));
        }
        Act::HangUp { .. } | Act::DropLine { .. } => set(world, SessionState::Grace),
        Act::Tap { data, .. } => {
            set(
                world,
                if data == "yes" {
                    SessionState::Active
                } else {
                    SessionState::Ended
                },
            );
            let said = Said {
                text: if data == "yes" {
                    "Opening."
                } else {
                    "This question is closed. Nothing changed."
                }
                .into(),
                popup: data != "yes",
            };
            return Ok(Outcome { said: Some(said) });
        }
        Act::Send { phone, text } => {
            let message = Message {
                id: 1000 + world.phones.len() as i64,
                ..person(&text, world.now)
            };
            world
                .phones
                .iter_mut()
                .filter(|it| it.id == phone)
                .for_each(|it| it.messages.push(message.clone()));
        }
        Act::Advance { seconds } => world.now += i64::from(seconds) * 1000,
        Act::AdvanceTo { .. } => set(world, SessionState::Expiring),
        Act::Unplug => {
            world.router = Router {
                power: Power::Unplugged,
                tunnels: vec![],
                lists: vec![],
                ..world.router.clone()
            }
        }
        Act::CutOff => world.router.power = Power::CutOff,
        Act::Plug | Act::Reboot => world.router.power = Power::Up,
        Act::KillEngine => world.engine = Engine::Dead,
        Act::StartEngine => world.engine = Engine::Running,
        Act::Play { scene } => {
            *world = fresh(world.language);
            world.scene = Some(scene);
            if scene == Scene::Confirm {
                set(world, SessionState::Challenged);
            }
        }
        Act::StartOver => *world = fresh(world.language),
        Act::Reach { client } => {
            let (through, up) =
                world
                    .clients
                    .iter()
                    .find(|it| it.id == client)
                    .map_or((false, false), |it| {
                        (
                            it.tunnel.as_ref().is_some_and(|tunnel| tunnel.through),
                            it.tunnel.is_some(),
                        )
                    });
            world
                .clients
                .iter_mut()
                .filter(|it| it.id == client)
                .for_each(|it| it.reach = reach(up, through));
        }
    }
    Ok(Outcome::default())
}

fn reach(up: bool, through: bool) -> Vec<Reach> {
    let one = |target, address: &str, open: bool, rule: &str| Reach {
        target,
        address: address.into(),
        verdict: if !up {
            Verdict::NoWay
        } else if open {
            Verdict::Passed
        } else {
            Verdict::Dropped
        },
        rule: up.then(|| rule.into()),
    };
    let office = if through { "*8" } else { "*4" };
    vec![
        one(Target::Files, "10.20.0.10:445", through, office),
        one(Target::Intranet, "10.20.0.11:443", through, office),
        one(Target::Telegram, "149.154.167.220:443", true, "*3"),
    ]
}

/// One session, drawn in any state.
fn set(world: &mut Snapshot, state: SessionState) {
    use SessionState::{Active, Challenged, Ended, Expiring, Grace};
    let now = world.now;
    let step = |at, what, took_us| Step { at, what, took_us };
    let mut steps = vec![
        step(now - 90_000, StepKind::Requested, None),
        step(now - 19_212, StepKind::Up, None),
        step(now - 19_000, StepKind::Asked, Some(7_310)),
    ];
    let through = matches!(state, Active | Expiring);
    if through || state == Grace {
        steps.push(step(now - 4_000, StepKind::Confirmed, None));
        steps.push(step(now - 3_990, StepKind::Opened, Some(4_120)));
    }
    match state {
        Grace => steps.extend([
            step(now - 10, StepKind::Closed, None),
            step(now - 5, StepKind::Dropped, None),
        ]),
        Ended => steps.extend([
            step(now - 50, StepKind::Denied, None),
            step(now - 40, StepKind::Ended, None),
        ]),
        _ => {}
    }
    let open = matches!(state, Active | Expiring | Grace);
    world.life = Some(Life {
        person: "ann".into(),
        account: "ann-vpn".into(),
        state,
        reason: (state == Ended).then(|| "denied".into()),
        steps,
        answer_by: (state == Challenged).then_some(now + 281_000),
        remind_at: open.then_some(now + 23 * 3_600_000),
        ends_at: open.then_some(now + 24 * 3_600_000),
    });
    let up = !matches!(state, Grace | Ended);
    let tunnel = ClientTunnel {
        address: "10.8.0.14".into(),
        since: now - 19_212,
        through,
    };
    if let Some(ann) = world.clients.first_mut() {
        ann.line = if up {
            Line::Up
        } else if state == Ended {
            Line::Cut
        } else {
            Line::Down
        };
        ann.tunnel = up.then_some(tunnel);
        ann.reach = reach(up, through);
    }
    world
        .router
        .tunnels
        .retain(|tunnel| tunnel.name != "ann-vpn");
    world
        .router
        .lists
        .retain(|entry| entry.address != "10.8.0.14");
    if up {
        let ours = row(
            "*80000A",
            "ann-vpn",
            "l2tp",
            "203.0.113.5",
            "10.8.0.14",
            now - 19_212,
            through,
            Some(state),
        );
        world.router.tunnels.insert(0, ours);
    }
    if through {
        world.router.lists.insert(
            0,
            entry(
                "mikro2fa-permit",
                "10.8.0.14",
                Some(now + 580_000),
                "mikro2fa demo 0199e2",
            ),
        );
    }
    if let Some(phone) = world.phones.first_mut() {
        phone.messages.retain(|message| message.id < 50);
        phone.messages.push(card(state, now));
    }
}

fn card(state: SessionState, now: i64) -> Message {
    let key = |label: &str, data: &str| Key {
        label: label.into(),
        data: data.into(),
    };
    let facts = "From <code>203.0.113.5</code>, L2TP, 14:02.";
    let (text, keys) = match state {
        SessionState::Challenged => (
            format!(
                "<b>Was it you? <code>ann-vpn</code> on <code>office-gw</code></b>\n{facts} First time from this address.\n\nUntil \
                 you answer, this connection reaches nothing. Please answer by 14:07.\nIf you did not just connect, tap “No”: we \
                 cut it, lock the account and tell the administrator."
            ),
            vec![vec![key("Yes, it was me", "yes")], vec![key("No, not me", "no")]],
        ),
        SessionState::Expiring => (
            "<b>Ends at 15:02: <code>ann-vpn</code> on <code>office-gw</code></b>\n1 h left. Extend, or let it end.".into(),
            vec![vec![key("+1 hour, to 16:02", "1h"), key("+4 hours, to 19:02", "4h")], vec![key("End now", "end")]],
        ),
        SessionState::Active => (
            format!("<b>Open: <code>ann-vpn</code> on <code>office-gw</code></b>\nUntil tomorrow 14:02 (24 h). {facts}"),
            vec![vec![key("End now", "end")], vec![key("Not me, close it", "no")]],
        ),
        _ => (
            "<b>Closed and reported: <code>ann-vpn</code></b>\n<script>alert(1)</script> &lt;b&gt; <img src=x onerror=alert(1)> stays text.".into(),
            vec![],
        ),
    };
    Message {
        id: 50,
        from: Sender::Bot,
        text,
        at: now,
        edited: state != SessionState::Challenged,
        silent: false,
        keys,
    }
}

fn person(text: &str, at: i64) -> Message {
    Message {
        id: 1,
        from: Sender::Person,
        text: text.into(),
        at,
        edited: false,
        silent: false,
        keys: vec![],
    }
}

fn bot(id: i64, text: &str, at: i64) -> Message {
    Message {
        id,
        from: Sender::Bot,
        silent: true,
        ..person(text, at)
    }
}

#[allow(clippy::too_many_arguments, reason = "one argument a column")]
fn row(
    id: &str,
    name: &str,
    service: &str,
    caller: &str,
    address: &str,
    since: i64,
    through: bool,
    session: Option<SessionState>,
) -> Tunnel {
    let text = |text: &str| text.to_owned();
    Tunnel {
        id: text(id),
        name: text(name),
        service: text(service),
        caller: text(caller),
        address: text(address),
        since,
        through,
        session,
    }
}

fn entry(list: &str, address: &str, until: Option<i64>, comment: &str) -> ListEntry {
    ListEntry {
        list: list.into(),
        address: address.into(),
        until,
        comment: comment.into(),
    }
}

fn client(id: &str, kind: ClientKind, person: &str, service: &str, caller: &str) -> Client {
    Client {
        id: id.into(),
        kind,
        person: person.into(),
        account: format!("{person}-vpn"),
        service: service.into(),
        caller: caller.into(),
        line: Line::Down,
        tunnel: None,
        reach: vec![],
    }
}

fn rules() -> Vec<Rule> {
    let texts = [
        (
            "forward",
            "in-interface-list=mikro2fa-vpn",
            "jump mikro2fa",
            412,
        ),
        (
            "mikro2fa",
            "in-interface-list=mikro2fa-vpn src-address-list=mikro2fa-ban",
            "drop",
            0,
        ),
        (
            "mikro2fa",
            "in-interface-list=mikro2fa-vpn src-address-list=!mikro2fa-permit dst-address-list=mikro2fa-reach",
            "accept",
            41,
        ),
        (
            "mikro2fa",
            "in-interface-list=mikro2fa-vpn src-address-list=!mikro2fa-permit",
            "drop",
            14,
        ),
        (
            "mikro2fa",
            "out-interface-list=mikro2fa-vpn dst-address-list=!mikro2fa-permit connection-state=established",
            "accept",
            38,
        ),
        (
            "mikro2fa",
            "out-interface-list=mikro2fa-vpn dst-address-list=!mikro2fa-permit",
            "drop",
            2,
        ),
        ("mikro2fa", "", "return", 357),
        (
            "forward",
            "connection-state=established,related",
            "accept",
            90_211,
        ),
        (
            "forward",
            "connection-state=new in-interface=ether1",
            "drop",
            7,
        ),
    ];
    texts
        .iter()
        .enumerate()
        .map(|(i, (chain, matches, action, packets))| Rule {
            id: format!("*{:X}", i + 1),
            chain: (*chain).into(),
            matches: (*matches).into(),
            action: (*action).into(),
            comment: if i == 0 {
                "mikro2fa demo: gate".into()
            } else {
                String::new()
            },
            disabled: false,
            packets: *packets,
        })
        .collect()
}

fn wire() -> Vec<WireLine> {
    let lines = [
        (
            Direction::FromRouter,
            "!re .tag=2 =.id=*80000A =name=ann-vpn =caller-id=203.0.113.5",
        ),
        (
            Direction::ToRouter,
            "/ppp/active/print .tag=31 =.proplist=.id,name,address,caller-id,session-id,uptime",
        ),
        (
            Direction::FromRouter,
            "!re .tag=31 =address=10.8.0.14 =session-id=0x81700012  !done",
        ),
        (
            Direction::ToChat,
            "sendMessage chat=ann “Was it you? ann-vpn on office-gw”",
        ),
    ];
    lines
        .iter()
        .map(|(direction, text)| WireLine {
            at: START,
            direction: *direction,
            text: (*text).into(),
        })
        .collect()
}

fn fresh(language: Language) -> Snapshot {
    let phone = |person: &str| Phone {
        id: person.into(),
        person: person.into(),
        bot: "Office gate".into(),
        messages: vec![
            bot(
                2,
                "<b>Ended: <code>ann-vpn</code> on <code>office-gw</code></b>\n14:28 – 22:40. The time is over.",
                START - 55_000_000,
            ),
            Message {
                id: 3,
                ..person_text(START - 100_000)
            },
            bot(
                4,
                "<b>Connect now: <code>ann-vpn</code>, <code>office-gw</code></b>\nby 14:32 (30 min)\n\nThen open this chat: I ask whether it was you.",
                START - 99_000,
            ),
        ],
        board: vec![
            vec!["Request access".into()],
            vec!["My sessions".into(), "Status".into()],
            vec!["Turn off access".into()],
        ],
    };
    Snapshot {
        now: START,
        running: true,
        language,
        engine: Engine::Running,
        scene: None,
        life: None,
        clients: vec![
            client("ann", ClientKind::Owner, "ann", "l2tp", "203.0.113.5"),
            client("bob", ClientKind::Owner, "bob", "sstp", "192.0.2.61"),
            client("thief", ClientKind::Thief, "ann", "l2tp", "198.51.100.77"),
        ],
        phones: vec![phone("ann"), phone("bob")],
        router: Router {
            name: "office-gw".into(),
            version: "7.16.1".into(),
            api: "127.0.0.1:8728".into(),
            power: Power::Up,
            up_since: START - 900_000_000,
            tunnels: vec![
                row(
                    "*800001",
                    "lee-ovpn",
                    "ovpn",
                    "203.0.113.180",
                    "10.8.0.22",
                    START - 83_164_000,
                    true,
                    Some(SessionState::Expiring),
                ),
                row(
                    "*800002",
                    "petra",
                    "sstp",
                    "192.0.2.61",
                    "10.8.0.38",
                    START - 58_000,
                    true,
                    Some(SessionState::Active),
                ),
            ],
            lists: vec![
                entry(
                    "mikro2fa-permit",
                    "10.8.0.22",
                    Some(START + 451_000),
                    "mikro2fa demo 0199e20d",
                ),
                entry(
                    "mikro2fa-permit",
                    "10.8.0.38",
                    Some(START + 542_000),
                    "mikro2fa demo 0199e9a0",
                ),
                entry("mikro2fa-reach", "149.154.160.0/20", None, "mikro2fa demo"),
                entry("mikro2fa-reach", "91.108.4.0/22", None, "mikro2fa demo"),
            ],
            rules: rules(),
        },
        wire: wire(),
    }
}

fn person_text(at: i64) -> Message {
    person("Request access", at)
}
