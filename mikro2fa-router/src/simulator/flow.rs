//! Would this packet pass? The question that a gate is about, asked of the rules as they stand in the router.

use std::{
    collections::HashMap,
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use super::{TunnelHandle, dial::TunnelId, menu::MenuId, state::State, table::RowId};
use crate::firewall::{
    AddressSet, ConnectionState, Decision, Evaluation, Hook, Packet, Protocol, Verdict,
};

/// Where a packet comes from, or goes to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Endpoint {
    /// The client of a live tunnel.
    Tunnel(TunnelId),
    /// A host behind one of the router's interfaces; which one, its address says.
    Host(IpAddr),
    /// A host behind this interface, whatever its address says.
    HostBehind(IpAddr, String),
    /// The router itself.
    Router,
}

impl From<&TunnelHandle> for Endpoint {
    fn from(tunnel: &TunnelHandle) -> Self {
        Self::Tunnel(tunnel.id())
    }
}

impl From<TunnelId> for Endpoint {
    fn from(tunnel: TunnelId) -> Self {
        Self::Tunnel(tunnel)
    }
}

impl From<IpAddr> for Endpoint {
    fn from(address: IpAddr) -> Self {
        Self::Host(address)
    }
}

impl From<Ipv4Addr> for Endpoint {
    fn from(address: Ipv4Addr) -> Self {
        Self::Host(address.into())
    }
}

impl From<Ipv6Addr> for Endpoint {
    fn from(address: Ipv6Addr) -> Self {
        Self::Host(address.into())
    }
}

impl From<[u8; 4]> for Endpoint {
    fn from(address: [u8; 4]) -> Self {
        Self::Host(address.into())
    }
}

/// What connection tracking knows of a packet's connection.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum FlowState {
    /// Nothing: it is the first packet.
    #[default]
    New,
    /// Packets went both ways before.
    Established,
    /// It belongs to another connection.
    Related,
    /// It fits no connection.
    Invalid,
    /// Connection tracking was told to leave it alone.
    Untracked,
    /// It is established and was fasttracked: no rule sees it.
    Fasttracked,
}

/// A packet to be judged: who sends it to whom, and in which state its connection is.
///
/// ```
/// use mikro2fa_router::simulator::{Flow, Endpoint};
/// let flow = Flow::between(Endpoint::Router, [192, 168, 88, 10]).tcp(443).established();
/// # let _ = flow;
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Flow {
    from: Endpoint,
    to: Endpoint,
    source: Option<IpAddr>,
    destination: Option<IpAddr>,
    protocol: Protocol,
    source_port: u16,
    destination_port: u16,
    state: FlowState,
}

impl Flow {
    /// The first packet of a TCP connection to port 443, from port 50000.
    #[must_use]
    pub fn between(from: impl Into<Endpoint>, to: impl Into<Endpoint>) -> Self {
        Self {
            from: from.into(),
            to: to.into(),
            source: None,
            destination: None,
            protocol: Protocol::TCP,
            source_port: 50_000,
            destination_port: 443,
            state: FlowState::New,
        }
    }

    /// With a source address that is not the sender's own.
    #[must_use]
    pub const fn spoofing(mut self, source: IpAddr) -> Self {
        self.source = Some(source);
        self
    }

    /// Addressed to this address of the receiver's, where it has more than one.
    #[must_use]
    pub const fn addressed_to(mut self, destination: IpAddr) -> Self {
        self.destination = Some(destination);
        self
    }

    /// By TCP to this port.
    #[must_use]
    pub const fn tcp(self, port: u16) -> Self {
        self.by(Protocol::TCP, port)
    }

    /// By UDP to this port.
    #[must_use]
    pub const fn udp(self, port: u16) -> Self {
        self.by(Protocol::UDP, port)
    }

    /// An ICMP echo request.
    #[must_use]
    pub const fn icmp(self) -> Self {
        self.by(Protocol::ICMP, 0)
    }

    /// From this port.
    #[must_use]
    pub const fn from_port(mut self, port: u16) -> Self {
        self.source_port = port;
        self
    }

    const fn by(mut self, protocol: Protocol, port: u16) -> Self {
        self.protocol = protocol;
        self.destination_port = port;
        self
    }

    /// In this state of connection tracking.
    #[must_use]
    pub const fn in_state(mut self, state: FlowState) -> Self {
        self.state = state;
        self
    }

    /// Of a connection that is established.
    #[must_use]
    pub const fn established(self) -> Self {
        self.in_state(FlowState::Established)
    }

    /// Of a connection that is fasttracked.
    #[must_use]
    pub const fn fasttracked(self) -> Self {
        self.in_state(FlowState::Fasttracked)
    }
}

/// The rule that decided about a packet, as it stands in the router.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DecidingRule {
    /// `/ip/firewall/filter` or `/ipv6/firewall/filter`
    pub menu: &'static str,
    /// Its `.id`.
    pub id: String,
    /// Its place in the order of `print`, from 0.
    pub position: usize,
    /// Its chain.
    pub chain: String,
    /// Its comment, empty if it has none.
    pub comment: String,
}

/// What became of a packet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Passage {
    /// Whether it passes. One of which nothing can be proved does not count as passing.
    pub verdict: Verdict,
    /// The rule that decided, if one did.
    pub rule: Option<DecidingRule>,
    /// Why, in words.
    pub why: String,
    /// Its connection bypasses the rules from now on.
    pub fasttracked: bool,
}

impl Passage {
    /// Whether the packet passes for certain.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.verdict == Verdict::Pass
    }

    /// Whether it is taken away for certain.
    #[must_use]
    pub fn is_dropped(&self) -> bool {
        self.verdict == Verdict::Drop
    }

    fn dropped(why: impl Into<String>) -> Self {
        Self {
            verdict: Verdict::Drop,
            rule: None,
            why: why.into(),
            fasttracked: false,
        }
    }
}

impl fmt::Display for Passage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.verdict {
            Verdict::Pass => "passes",
            Verdict::Drop => "is dropped",
            Verdict::CannotProve => "cannot be judged",
        };
        write!(f, "{verdict}: {}", self.why)
    }
}

/// Connections that were let through, by what identifies them.
#[derive(Debug, Default)]
pub(crate) struct Flows {
    by_key: HashMap<FlowKey, RowId>,
    /// Fasttracked ones whose row was removed, where that does not end the bypass.
    bypassing: std::collections::HashSet<FlowKey>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct FlowKey {
    protocol: u8,
    source: (IpAddr, u16),
    destination: (IpAddr, u16),
}

impl FlowKey {
    /// The menu that shows it.
    const fn menu(self) -> MenuId {
        if self.source.0.is_ipv6() {
            MenuId::Connection6
        } else {
            MenuId::Connection
        }
    }

    /// The same connection, seen from its other end.
    const fn reversed(self) -> Self {
        Self {
            protocol: self.protocol,
            source: self.destination,
            destination: self.source,
        }
    }
}

impl Flows {
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// Why a packet never comes to the rules.
struct NoWay(&'static str);

/// A flow with everything that the rules ask about.
struct Route {
    hook: Hook,
    in_interface: Option<String>,
    out_interface: Option<String>,
    source: IpAddr,
    destination: IpAddr,
}

impl State {
    /// Judges a packet in the state it says it is in. An established one that reaches a fasttrack rule has its connection
    /// bypass the rules from then on, as on the router.
    pub(crate) fn would_pass(&mut self, flow: &Flow) -> Passage {
        let route = match self.route(flow) {
            Ok(route) => route,
            Err(NoWay(why)) => return Passage::dropped(why),
        };
        let key = key_of(flow, &route);
        let state = match flow.state {
            FlowState::Established if self.is_fasttracked(key) => FlowState::Fasttracked,
            state => state,
        };
        let passage = self.judge(flow, &route, state);
        if passage.fasttracked && state == FlowState::Established {
            self.mark_fasttracked(key);
        }
        passage
    }

    /// Sends a packet: its connection's state is what connection tracking knows of it, and a new connection that passes is
    /// known from then on.
    pub(crate) fn send_packet(&mut self, flow: &Flow) -> Passage {
        let route = match self.route(flow) {
            Ok(route) => route,
            Err(NoWay(why)) => return Passage::dropped(why),
        };
        let key = key_of(flow, &route);
        let known = self.flow_row(key).is_some();
        let state = match flow.state {
            FlowState::New | FlowState::Established | FlowState::Fasttracked => {
                match (self.is_fasttracked(key), known) {
                    (true, _) => FlowState::Fasttracked,
                    (false, true) => FlowState::Established,
                    (false, false) => FlowState::New,
                }
            }
            state => state,
        };
        let passage = self.judge(flow, &route, state);
        if passage.passes() && state == FlowState::New {
            self.track(key);
        }
        if passage.passes() && passage.fasttracked && state == FlowState::Established {
            self.mark_fasttracked(key);
        }
        passage
    }

    fn judge(&mut self, flow: &Flow, route: &Route, state: FlowState) -> Passage {
        if let Some(passage) = self.reverse_path(route) {
            return passage;
        }
        let ipv6 = route.source.is_ipv6();
        let ruleset = self.ruleset(ipv6);
        let mut packet = Packet::new(route.hook, route.source, route.destination);
        packet.in_interface = route.in_interface.as_deref();
        packet.out_interface = route.out_interface.as_deref();
        packet.protocol = flow.protocol;
        packet.source_port = Some(flow.source_port);
        packet.destination_port = Some(flow.destination_port);
        packet.within_limit = Some(true);
        // What goes to the router itself is never fasttracked.
        packet.fasttracked = state == FlowState::Fasttracked && route.hook == Hook::Forward;
        packet.state = match state {
            FlowState::New => ConnectionState::New,
            FlowState::Established | FlowState::Fasttracked => ConnectionState::Established,
            FlowState::Related => ConnectionState::Related,
            FlowState::Invalid => ConnectionState::Invalid,
            FlowState::Untracked => ConnectionState::Untracked,
        };
        let evaluation = ruleset.evaluate(&packet, self);
        let rule = evaluation.rule().and_then(|index| {
            let rule = ruleset.rules().get(index)?;
            let menu = if ipv6 {
                MenuId::Filter6
            } else {
                MenuId::Filter
            };
            Some(DecidingRule {
                menu: menu.menu().path,
                id: rule.id.clone(),
                position: index,
                chain: rule.chain.clone(),
                comment: rule.comment.clone(),
            })
        });
        let has_ports = flow.protocol == Protocol::TCP || flow.protocol == Protocol::UDP;
        Passage {
            verdict: evaluation.verdict(),
            why: explain(&evaluation, rule.as_ref(), route.hook),
            rule,
            fasttracked: has_ports
                && route.hook == Hook::Forward
                && evaluation.fasttrack.is_some_and(|mark| mark.certain),
        }
    }

    /// `rp-filter`: a packet whose source is not reached through the interface that it came by.
    fn reverse_path(&self, route: &Route) -> Option<Passage> {
        let strict = self
            .only(MenuId::Settings)
            .is_some_and(|row| row.text("rp-filter") == "strict");
        let came_by = route
            .in_interface
            .as_deref()
            .filter(|_| strict && route.source.is_ipv4())?;
        let way_back = self.interface_towards(route.source);
        (way_back != came_by).then(|| {
            Passage::dropped(format!(
                "rp-filter is strict and {} is behind {way_back}",
                route.source
            ))
        })
    }

    fn route(&self, flow: &Flow) -> Result<Route, NoWay> {
        let (in_interface, own) = self.locate(&flow.from)?;
        let (out_interface, to) = self.locate(&flow.to)?;
        let destination = flow.destination.or(to);
        let source = flow
            .source
            .or(own)
            .or_else(|| self.own_address(destination?.is_ipv6()));
        let destination = destination.or_else(|| self.own_address(source?.is_ipv6()));
        let (Some(source), Some(destination)) = (source, destination) else {
            return Err(NoWay("one of the two has no address"));
        };
        if source.is_ipv4() != destination.is_ipv4() {
            return Err(NoWay("source and destination are of different families"));
        }
        let to_router = flow.to == Endpoint::Router || self.is_own(destination);
        let hook = match flow.from {
            Endpoint::Router => Hook::Output,
            _ if to_router => Hook::Input,
            _ => Hook::Forward,
        };
        let out_interface = if hook == Hook::Input {
            None
        } else {
            out_interface
        };
        Ok(Route {
            hook,
            in_interface,
            out_interface,
            source,
            destination,
        })
    }

    /// The interface that an endpoint is behind, and its address.
    fn locate(&self, endpoint: &Endpoint) -> Result<(Option<String>, Option<IpAddr>), NoWay> {
        match endpoint {
            Endpoint::Router => Ok((None, None)),
            Endpoint::Host(address) => Ok((
                Some(self.interface_towards(*address).to_owned()),
                Some(*address),
            )),
            Endpoint::HostBehind(address, interface) => {
                Ok((Some(interface.clone()), Some(*address)))
            }
            Endpoint::Tunnel(id) => {
                let tunnel = self.tunnels.get(*id).ok_or(NoWay("the tunnel is not up"))?;
                Ok((
                    Some(tunnel.interface.clone()),
                    tunnel.address.map(IpAddr::V4),
                ))
            }
        }
    }

    /// The interface behind which an address is: a tunnel's, one whose network holds it, else the way to the internet.
    fn interface_towards(&self, address: IpAddr) -> &str {
        if let Some(tunnel) = self.tunnels.with_address(address) {
            return &tunnel.interface;
        }
        let mut connected = self
            .table(MenuId::Address)
            .iter()
            .filter(|row| !row.dynamic && !row.is("disabled"));
        let holds = |text: &str| {
            text.parse::<AddressSet>()
                .is_ok_and(|set| set.contains(address))
        };
        connected
            .find(|row| holds(row.text("address")))
            .map_or("ether1", |row| row.text("interface"))
    }

    fn is_own(&self, address: IpAddr) -> bool {
        self.own_addresses().any(|own| own == address)
    }

    fn own_addresses(&self) -> impl Iterator<Item = IpAddr> {
        // A tunnel's row repeats the profile's local address, and there may be ten thousand of those.
        let addresses = self
            .table(MenuId::Address)
            .iter()
            .filter(|row| !row.dynamic && !row.is("disabled"));
        let own = addresses.filter_map(|row| row.text("address").split('/').next()?.parse().ok());
        let profiles = self.table(MenuId::Profile).iter();
        own.chain(profiles.filter_map(|row| row.text("local-address").parse().ok()))
    }

    fn own_address(&self, ipv6: bool) -> Option<IpAddr> {
        if ipv6 {
            Some(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1).into())
        } else {
            self.own_addresses().find(IpAddr::is_ipv4)
        }
    }

    fn flow_row(&mut self, key: FlowKey) -> Option<RowId> {
        let found = [key, key.reversed()]
            .into_iter()
            .find_map(|key| Some((key, *self.flows.by_key.get(&key)?)));
        let (known, row) = found?;
        if self.table(key.menu()).get(row).is_some() {
            return Some(row);
        }
        self.flows.by_key.remove(&known);
        None
    }

    fn is_fasttracked(&mut self, key: FlowKey) -> bool {
        let row = self.flow_row(key);
        let marked = row
            .and_then(|row| self.table(key.menu()).get(row))
            .is_some_and(|row| row.is("fasttrack"));
        marked
            || self.flows.bypassing.contains(&key)
            || self.flows.bypassing.contains(&key.reversed())
    }

    fn track(&mut self, key: FlowKey) -> RowId {
        let protocol = Protocol(key.protocol);
        let name = protocol
            .name()
            .map_or_else(|| key.protocol.to_string(), str::to_owned);
        let end = |(address, port): (IpAddr, u16)| match (protocol.has_ports(), address) {
            (true, IpAddr::V4(_)) => format!("{address}:{port}"),
            (true, IpAddr::V6(_)) => format!("[{address}]:{port}"),
            (false, _) => address.to_string(),
        };
        let (source, destination) = (end(key.source), end(key.destination));
        let mut row = self.row(key.menu()).with_all(&[
            ("protocol", &name),
            ("src-address", &source),
            ("dst-address", &destination),
            ("reply-src-address", &destination),
            ("reply-dst-address", &source),
            ("timeout", "1d"),
            ("confirmed", "true"),
            ("seen-reply", "true"),
        ]);
        if protocol == Protocol::TCP {
            row.set("tcp-state", "established");
        }
        let id = self.insert(key.menu(), row);
        self.flows.by_key.insert(key, id);
        id
    }

    fn mark_fasttracked(&mut self, key: FlowKey) {
        let row = self.flow_row(key).unwrap_or_else(|| self.track(key));
        self.update(key.menu(), row, |row| row.set("fasttrack", "true"));
        if self.quirks.fasttrack_outlives_removal {
            self.flows.bypassing.insert(key);
        }
    }
}

const fn key_of(flow: &Flow, route: &Route) -> FlowKey {
    FlowKey {
        protocol: flow.protocol.0,
        source: (route.source, flow.source_port),
        destination: (route.destination, flow.destination_port),
    }
}

fn explain(evaluation: &Evaluation, rule: Option<&DecidingRule>, hook: Hook) -> String {
    let by = rule.map_or_else(String::new, |rule| {
        let comment = if rule.comment.is_empty() {
            "without comment"
        } else {
            &rule.comment
        };
        format!("rule {} of {} ({comment})", rule.position, rule.chain)
    });
    match evaluation.decision {
        Decision::Accepted(_) => format!("{by} accepts it"),
        Decision::Dropped(_) => format!("{by} drops it"),
        Decision::EndOfChain => format!("no rule of {} stops it", hook.chain()),
        Decision::Fasttracked => "its connection is fasttracked, so no rule sees it".to_owned(),
        Decision::Open(doubt) => format!("{by}: {}", doubt.reason),
    }
}
