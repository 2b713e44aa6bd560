//! Would this packet pass? The question that a gate is about, asked of the rules as they stand in the router.

mod judge;
mod route;
mod track;

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

pub(crate) use {route::Networks, track::Flows};

use super::{TunnelHandle, tunnel::TunnelId};
use crate::firewall::{Protocol, Verdict};

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
