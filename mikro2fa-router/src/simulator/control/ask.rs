//! What the control port is asked for, and how it is done.

use std::{collections::BTreeMap, fmt, net::IpAddr, time::Duration};

use routeros_api::Command;
use serde::Deserialize;
use serde_json::json;

use super::{Answer, Refusal, StatusCode, answer};
use crate::simulator::{
    Dial, Endpoint, Fault, FaultId, Flow, FlowState, On, Reachability, Service, Simulator, Switch,
    Then, TunnelHandle, TunnelId,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Dialling {
    account: String,
    password: String,
    #[serde(default)]
    service: Vpn,
    caller_id: Option<String>,
    redial_ms: Option<u64>,
}

/// The password stays out.
impl fmt::Debug for Dialling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dialling({})", self.account)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Vpn {
    #[default]
    L2tp,
    Pptp,
    Sstp,
    Ovpn,
    Pppoe,
}

impl From<Vpn> for Service {
    fn from(vpn: Vpn) -> Self {
        match vpn {
            Vpn::L2tp => Self::L2tp,
            Vpn::Pptp => Self::Pptp,
            Vpn::Sstp => Self::Sstp,
            Vpn::Ovpn => Self::Ovpn,
            Vpn::Pppoe => Self::Pppoe,
        }
    }
}

impl Dialling {
    pub(super) fn act(self, sim: &Simulator) -> Answer {
        let mut dial = Dial::new(self.account, self.password).by(self.service.into());
        if let Some(caller) = self.caller_id {
            dial = dial.from(caller);
        }
        dial.redials_after = self.redial_ms.map(Duration::from_millis);
        match sim.dial(dial) {
            Ok(tunnel) => Ok(answer::tunnel(&tunnel)),
            Err(refused) => Err(Refusal::by_router(refused.to_string())),
        }
    }
}

/// One tunnel by its number, or all of an account's.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Whose {
    Tunnel { tunnel: u64 },
    Account { account: String },
}

impl Whose {
    pub(super) fn end(self, sim: &Simulator, how: impl Fn(&TunnelHandle)) -> Answer {
        let tunnels = match self {
            Self::Tunnel { tunnel } => sim
                .tunnels()
                .into_iter()
                .filter(|it| it.id().number() == tunnel)
                .collect(),
            Self::Account { account } => sim.tunnels_of(&account),
        };
        tunnels.iter().for_each(how);
        Ok(json!({ "count": tunnels.len() }))
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Account {
    pub(super) account: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Advance {
    ms: u64,
}

impl Advance {
    pub(super) fn act(self, sim: &Simulator) -> Answer {
        sim.advance(Duration::from_millis(self.ms));
        Ok(answer::clock(sim))
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Accounting {
    pub(super) stops_lost: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Date {
    pub(super) unix: i64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Turn {
    switch: String,
}

impl Turn {
    pub(super) fn act(self, sim: &Simulator) -> Answer {
        let switch = Switch::named(&self.switch)
            .ok_or_else(|| Refusal::bad(format!("there is no switch {}", self.switch)))?;
        sim.set_quirks(|quirks| switch.turn(quirks));
        Ok(json!({}))
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reach {
    pub(super) reachability: How,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum How {
    Reachable,
    Refusing,
    Silent,
}

impl From<How> for Reachability {
    fn from(how: How) -> Self {
        match how {
            How::Reachable => Self::Reachable,
            How::Refusing => Self::Refusing,
            How::Silent => Self::Silent,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Injection {
    fault: Kind,
    command: Option<String>,
    menu: Option<String>,
    user: Option<String>,
    #[serde(default)]
    skip: u32,
    times: Option<u32>,
}

/// By the names of [`Fault::name`].
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
enum Kind {
    Latency {
        ms: u64,
    },
    LoseReply,
    Late {
        ms: u64,
    },
    CutBefore,
    CutAfter,
    CutMidReply {
        bytes: usize,
    },
    Partial {
        rows: usize,
        then: After,
    },
    Trap {
        category: Option<u8>,
        message: String,
    },
    RefuseLogin,
    Fatal {
        reason: String,
    },
    Stall,
    Garbage {
        bytes: Vec<u8>,
    },
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum After {
    Silence,
    Cut,
    Trap(String),
}

impl From<Kind> for Fault {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Latency { ms } => Self::Latency(Duration::from_millis(ms)),
            Kind::LoseReply => Self::LoseReply,
            Kind::Late { ms } => Self::Late(Duration::from_millis(ms)),
            Kind::CutBefore => Self::CutBefore,
            Kind::CutAfter => Self::CutAfter,
            Kind::CutMidReply { bytes } => Self::CutMidReply(bytes),
            Kind::Partial { rows, then } => {
                let then = match then {
                    After::Silence => Then::Silence,
                    After::Cut => Then::Cut,
                    After::Trap(text) => Then::Trap(text),
                };
                Self::Partial { rows, then }
            }
            Kind::Trap { category, message } => Self::Trap { category, message },
            Kind::RefuseLogin => Self::RefuseLogin,
            Kind::Fatal { reason } => Self::Fatal(reason),
            Kind::Stall => Self::Stall,
            Kind::Garbage { bytes } => Self::Garbage(bytes),
        }
    }
}

impl Injection {
    pub(super) fn act(self, sim: &Simulator) -> Answer {
        let mut on = match (self.command, self.menu) {
            (None, None) => On::any(),
            (Some(command), None) => On::command(command),
            (None, Some(menu)) => On::menu(menu),
            (Some(_), Some(_)) => return Err(Refusal::bad("say command or menu, not both")),
        };
        on = on.skip(self.skip);
        if let Some(times) = self.times {
            on = on.times(times);
        }
        if let Some(user) = self.user {
            on = on.by(user);
        }
        Ok(json!({ "id": sim.inject(on, self.fault.into()).0 }))
    }
}

pub(super) fn clear_fault(sim: &Simulator, id: &str) -> Answer {
    match id.parse() {
        Ok(id) => {
            sim.clear_fault(FaultId(id));
            Ok(json!({}))
        }
        Err(_) => Err(Refusal::of(
            StatusCode::NOT_FOUND,
            format!("{id} is no fault's id"),
        )),
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Packet {
    from: Place,
    to: Place,
    #[serde(default)]
    protocol: Carrier,
    port: Option<u16>,
    from_port: Option<u16>,
    #[serde(default)]
    state: Known,
    source: Option<IpAddr>,
    destination: Option<IpAddr>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Place {
    Address(IpAddr),
    Router(RouterItself),
    Tunnel {
        tunnel: u64,
    },
    Host {
        host: IpAddr,
        behind: Option<String>,
    },
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RouterItself {
    Router,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Carrier {
    #[default]
    Tcp,
    Udp,
    Icmp,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Known {
    #[default]
    New,
    Established,
    Related,
    Invalid,
    Untracked,
    Fasttracked,
}

impl From<Known> for FlowState {
    fn from(known: Known) -> Self {
        match known {
            Known::New => Self::New,
            Known::Established => Self::Established,
            Known::Related => Self::Related,
            Known::Invalid => Self::Invalid,
            Known::Untracked => Self::Untracked,
            Known::Fasttracked => Self::Fasttracked,
        }
    }
}

impl Place {
    fn endpoint(self, sim: &Simulator) -> Result<Endpoint, Refusal> {
        Ok(match self {
            Self::Address(address)
            | Self::Host {
                host: address,
                behind: None,
            } => Endpoint::Host(address),
            Self::Host {
                host,
                behind: Some(interface),
            } => Endpoint::HostBehind(host, interface),
            Self::Router(RouterItself::Router) => Endpoint::Router,
            Self::Tunnel { tunnel } => {
                let ids = sim.tunnels().into_iter().map(|it| it.id());
                let mut found = ids.filter(|id: &TunnelId| id.number() == tunnel);
                let why = || Refusal::by_router(format!("there is no live tunnel {tunnel}"));
                Endpoint::Tunnel(found.next().ok_or_else(why)?)
            }
        })
    }
}

impl Packet {
    pub(super) fn flow(self, sim: &Simulator) -> Result<Flow, Refusal> {
        let flow = Flow::between(self.from.endpoint(sim)?, self.to.endpoint(sim)?);
        let port = self.port.unwrap_or(443);
        let mut flow = match self.protocol {
            Carrier::Tcp => flow.tcp(port),
            Carrier::Udp => flow.udp(port),
            Carrier::Icmp => flow.icmp(),
        };
        if let Some(port) = self.from_port {
            flow = flow.from_port(port);
        }
        if let Some(source) = self.source {
            flow = flow.spoofing(source);
        }
        if let Some(destination) = self.destination {
            flow = flow.addressed_to(destination);
        }
        Ok(flow.in_state(self.state.into()))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    command: String,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
}

/// Values stay out: passwords are among them.
impl fmt::Debug for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Order({})", self.command)
    }
}

impl Order {
    pub(super) fn act(self, sim: &Simulator) -> Answer {
        let command = self
            .attributes
            .iter()
            .fold(Command::new(self.command), |command, (name, value)| {
                command.attribute(name, value)
            });
        match sim.administer(&command) {
            Ok(ret) => Ok(json!({ "ret": ret })),
            Err(trap) => Err(Refusal::by_router(trap)),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Typed {
    line: String,
}

/// Values stay out here as well.
impl fmt::Debug for Typed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Typed")
    }
}

impl Typed {
    pub(super) fn act(self, sim: &Simulator) -> Answer {
        let printed = sim.console(self.line);
        Ok(json!({ "printed": String::from_utf8_lossy(&printed) }))
    }
}
