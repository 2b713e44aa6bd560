//! A snapshot: everything as it is, and not as anybody thinks it is.

use std::{collections::BTreeMap, net::Ipv4Addr, time::Duration};

use mikro2fa_core::time::Clock;
use mikro2fa_router::{
    duration,
    simulator::{Flow, TunnelHandle},
};
use mikro2fa_telegram::fake_api::{FakeMessage, FakeUser};

use super::Scenery;
use crate::demo::{
    page::{
        Client, ClientKind, ClientTunnel, Direction, Engine, Key, Language, Line, ListEntry,
        Message, Phone, Reach, Router, Rule, Sender, Snapshot, Target, Tunnel, Verdict, WireLine,
    },
    world::{FILES, World},
};

const INTRANET: Ipv4Addr = Ipv4Addr::new(192, 168, 88, 20);
/// An address of Telegram's data centres (core.telegram.org, the published networks).
const TELEGRAM: Ipv4Addr = Ipv4Addr::new(149, 154, 167, 51);
const MESSAGES: usize = 100;
const WIRE: usize = 200;

type Row = BTreeMap<String, String>;

fn field<'a>(row: &'a Row, name: &str) -> &'a str {
    row.get(name).map_or("", String::as_str)
}

pub(super) fn snapshot(
    world: &World,
    scenery: &mut Scenery,
    language: Language,
    runs: bool,
) -> Snapshot {
    for client in &mut scenery.clients {
        // The router took it down.
        if client.line == Line::Up && !client.tunnel.as_ref().is_some_and(TunnelHandle::is_up) {
            client.line = Line::Cut;
            client.tunnel = None;
        }
    }
    let (person, account) = world.whose(scenery.life.account());
    Snapshot {
        now: world.clock.now().millis(),
        running: true,
        language,
        engine: if runs { Engine::Running } else { Engine::Dead },
        scene: scenery.scene,
        life: scenery.life.shown(&person, &account),
        clients: scenery
            .clients
            .iter()
            .map(|client| self::client(world, client))
            .collect(),
        phones: vec![
            phone("ann", "Ann", &world.ann),
            phone("bob", "Bob", &world.bob),
            phone("olga", "Olga", &world.olga),
        ],
        router: router(world, scenery),
        wire: wire(world),
    }
}

fn client(world: &World, client: &super::Client) -> Client {
    let up = client.tunnel.as_ref().filter(|tunnel| tunnel.is_up());
    Client {
        id: client.id.into(),
        kind: if client.thief {
            ClientKind::Thief
        } else {
            ClientKind::Owner
        },
        person: client.person.into(),
        account: client.account.into(),
        service: "l2tp".into(),
        caller: client.caller.into(),
        line: client.line,
        tunnel: up.map(|tunnel| ClientTunnel {
            address: tunnel
                .address()
                .map(|ip| ip.to_string())
                .unwrap_or_default(),
            since: up_since(world, tunnel),
            through: world.reaches_office(tunnel),
        }),
        reach: client.reach.clone(),
    }
}

fn up_since(world: &World, tunnel: &TunnelHandle) -> i64 {
    let id = tunnel.active_id().unwrap_or_default();
    let rows = world.sim.rows("/ppp/active");
    rows.iter().find(|row| field(row, ".id") == id).map_or_else(
        || world.clock.now().millis(),
        |row| since(world, field(row, "uptime")),
    )
}

/// An instant so long ago.
fn since(world: &World, uptime: &str) -> i64 {
    (world.clock.now() - span(uptime).unwrap_or_default()).millis()
}

fn span(text: &str) -> Option<Duration> {
    duration::parse(text).ok()
}

/// Tries each target once.
pub(super) fn reach(world: &World, tunnel: Option<&TunnelHandle>) -> Vec<Reach> {
    let targets = [
        (Target::Files, FILES, 445),
        (Target::Intranet, INTRANET, 443),
        (Target::Telegram, TELEGRAM, 443),
    ];
    let tunnel = tunnel.filter(|tunnel| tunnel.is_up());
    targets
        .into_iter()
        .map(|(target, address, port)| {
            let passage =
                tunnel.map(|tunnel| world.sim.send(&Flow::between(tunnel, address).tcp(port)));
            Reach {
                target,
                address: format!("{address}:{port}"),
                verdict: match &passage {
                    None => Verdict::NoWay,
                    Some(passage) if passage.passes() => Verdict::Passed,
                    Some(_) => Verdict::Dropped,
                },
                rule: passage.and_then(|passage| passage.rule).map(|rule| rule.id),
            }
        })
        .collect()
}

fn phone(id: &str, person: &str, user: &FakeUser) -> Phone {
    let shown = user.shown();
    let skip = shown.len().saturating_sub(MESSAGES);
    Phone {
        id: id.into(),
        person: person.into(),
        bot: "mikro2fa".into(),
        messages: shown.iter().skip(skip).map(message).collect(),
        board: user.menu(),
    }
}

fn message(message: &FakeMessage) -> Message {
    let key = |button: &mikro2fa_telegram::fake_api::FakeButton| Key {
        label: button.label.clone(),
        data: button.data.clone(),
    };
    Message {
        id: message.id,
        from: if message.from_bot {
            Sender::Bot
        } else {
            Sender::Person
        },
        text: if message.from_bot {
            message.html.clone()
        } else {
            message.text.clone()
        },
        at: message.sent_at,
        edited: message.edits > 0,
        silent: message.silent,
        keys: message
            .keyboard
            .iter()
            .map(|row| row.iter().map(key).collect())
            .collect(),
    }
}

fn router(world: &World, scenery: &Scenery) -> Router {
    let resource = world
        .sim
        .rows("/system/resource")
        .into_iter()
        .next()
        .unwrap_or_default();
    let identity = world
        .sim
        .rows("/system/identity")
        .into_iter()
        .next()
        .unwrap_or_default();
    Router {
        name: field(&identity, "name").into(),
        version: field(&resource, "version").into(),
        api: world.sim.api_address().to_string(),
        power: scenery.power,
        up_since: since(world, field(&resource, "uptime")),
        tunnels: tunnels(world, scenery),
        lists: lists(world),
        rules: rules(world),
    }
}

fn tunnels(world: &World, scenery: &Scenery) -> Vec<Tunnel> {
    let rows = world.sim.rows("/ppp/active");
    rows.iter()
        .map(|row| {
            let id = field(row, ".id");
            let handle = world
                .sim
                .tunnels_of(field(row, "name"))
                .into_iter()
                .find(|tunnel| tunnel.active_id().as_deref() == Some(id));
            Tunnel {
                id: id.into(),
                name: field(row, "name").into(),
                service: field(row, "service").into(),
                caller: field(row, "caller-id").into(),
                address: field(row, "address").into(),
                since: since(world, field(row, "uptime")),
                through: handle.is_some_and(|tunnel| world.reaches_office(&tunnel)),
                session: scenery.life.state_of(id),
            }
        })
        .collect()
}

fn lists(world: &World) -> Vec<ListEntry> {
    let now = world.clock.now();
    let names = world.sim.names();
    let ours = [&names.permit, &names.ban, &names.emergency, &names.reach];
    let rows = world.sim.rows("/ip/firewall/address-list");
    rows.iter()
        .filter(|row| ours.iter().any(|name| *name == field(row, "list")))
        .map(|row| ListEntry {
            list: field(row, "list").into(),
            address: field(row, "address").into(),
            until: span(field(row, "timeout")).map(|left| (now + left).millis()),
            comment: field(row, "comment").into(),
        })
        .collect()
}

/// What says what a rule does to what it matches, and no matcher.
const NO_MATCHERS: [&str; 12] = [
    ".id",
    "chain",
    "action",
    "jump-target",
    "comment",
    "disabled",
    "dynamic",
    "invalid",
    "bytes",
    "packets",
    "log",
    "log-prefix",
];

fn rules(world: &World) -> Vec<Rule> {
    let rows = world.sim.rows("/ip/firewall/filter");
    rows.iter()
        .map(|row| {
            let matchers = row
                .iter()
                .filter(|(name, value)| !NO_MATCHERS.contains(&name.as_str()) && !value.is_empty())
                .filter(|(_, value)| *value != "false")
                .map(|(name, value)| format!("{name}={value}"));
            let action = match field(row, "jump-target") {
                "" => field(row, "action").to_owned(),
                target => format!("{} {target}", field(row, "action")),
            };
            Rule {
                id: field(row, ".id").into(),
                chain: field(row, "chain").into(),
                matches: matchers.collect::<Vec<_>>().join(" "),
                action,
                comment: field(row, "comment").into(),
                disabled: matches!(field(row, "disabled"), "true" | "yes"),
                packets: field(row, "packets").parse().unwrap_or(0),
            }
        })
        .collect()
}

/// What went over the sockets, newest last, without secrets: command words and attribute names to the router, methods to
/// the Bot API.
fn wire(world: &World) -> Vec<WireLine> {
    let began = world.clock.now().millis()
        - i64::try_from(world.sim.clock().now().as_millis()).unwrap_or(0);
    let to_router = world.sim.commands().into_iter().map(|record| WireLine {
        at: began + i64::try_from(record.at.as_millis()).unwrap_or(0),
        direction: Direction::ToRouter,
        text: format!("{} {}", record.command, record.attributes.join(" ")),
    });
    let to_chat = world.telegram.calls().into_iter().map(|call| WireLine {
        at: call.at,
        direction: Direction::ToChat,
        text: call.method.to_owned(),
    });
    let mut lines: Vec<WireLine> = to_router
        .chain(to_chat.filter(|line| line.text != "getUpdates"))
        .collect();
    lines.sort_by_key(|line| line.at);
    let skip = lines.len().saturating_sub(WIRE);
    lines.split_off(skip)
}
