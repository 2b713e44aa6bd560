//! What a rule looks at: one packet, and what connection tracking says of it.

use std::net::IpAddr;

/// Where a packet enters the filter table: which built-in chain judges it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Hook {
    /// Through the router.
    Forward,
    /// To the router itself.
    Input,
    /// From the router itself.
    Output,
}

impl Hook {
    /// The chain's name in RouterOS.
    #[must_use]
    pub const fn chain(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Input => "input",
            Self::Output => "output",
        }
    }
}

/// A packet's state in connection tracking, the value of the matcher `connection-state`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ConnectionState {
    /// The first packet of a connection.
    New,
    /// A packet of a connection seen before.
    Established,
    /// The first packet of a connection that belongs to another one (FTP data, an ICMP error).
    Related,
    /// A packet of no known connection.
    Invalid,
    /// A packet that a raw rule took out of connection tracking.
    Untracked,
}

/// Whether a packet's connection was translated.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Nat {
    /// The source was.
    pub source: bool,
    /// The destination was.
    pub destination: bool,
}

/// An IP protocol by its number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Protocol(pub u8);

impl Protocol {
    /// ICMP for IPv4.
    pub const ICMP: Self = Self(1);
    /// TCP.
    pub const TCP: Self = Self(6);
    /// UDP.
    pub const UDP: Self = Self(17);
    /// ICMP for IPv6.
    pub const ICMPV6: Self = Self(58);

    /// The protocol by RouterOS's name for it, or by number.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let by_name = NAMES
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, number)| Self(*number));
        by_name.or_else(|| name.parse().ok().map(Self))
    }

    /// RouterOS's name, where it has one that we know.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        NAMES
            .iter()
            .find(|(_, number)| *number == self.0)
            .map(|(name, _)| *name)
    }

    /// Whether packets of this protocol have ports.
    #[must_use]
    pub const fn has_ports(self) -> bool {
        matches!(self.0, 6 | 17 | 33 | 132 | 136)
    }
}

/// Names as RouterOS's completion offers them.
const NAMES: [(&str, u8); 24] = [
    ("icmp", 1),
    ("igmp", 2),
    ("ggp", 3),
    ("ipencap", 4),
    ("st", 5),
    ("tcp", 6),
    ("egp", 8),
    ("pup", 12),
    ("udp", 17),
    ("hmp", 20),
    ("xns-idp", 22),
    ("rdp", 27),
    ("dccp", 33),
    ("ipv6-encap", 41),
    ("rsvp", 46),
    ("gre", 47),
    ("ipsec-esp", 50),
    ("ipsec-ah", 51),
    ("icmpv6", 58),
    ("ospf", 89),
    ("pim", 103),
    ("vrrp", 112),
    ("l2tp", 115),
    ("sctp", 132),
];

/// One packet as the filter table sees it.
///
/// Made by [`Packet::new`] with nothing but addresses: a new UDP connection, not translated, no IPsec, interfaces
/// and ports unknown to it; then set what is known. `None` means that the packet has none, or that it is not known; see
/// each field.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Packet<'a> {
    /// Which built-in chain judges it.
    pub hook: Hook,
    /// The interface it came in by; `None` in [`Hook::Output`].
    pub in_interface: Option<&'a str>,
    /// The interface it leaves by; `None` in [`Hook::Input`].
    pub out_interface: Option<&'a str>,
    /// Source address.
    pub source: IpAddr,
    /// Destination address.
    pub destination: IpAddr,
    /// Protocol.
    pub protocol: Protocol,
    /// Source port; `None` = not known, so that a rule about it may or may not match.
    pub source_port: Option<u16>,
    /// Destination port; `None` = not known.
    pub destination_port: Option<u16>,
    /// State in connection tracking.
    pub state: ConnectionState,
    /// Whether the connection is fasttracked: then no rule sees the packet.
    pub fasttracked: bool,
    /// Whether the connection is translated; `None` = not known.
    pub nat: Option<Nat>,
    /// Whether it came through an IPsec policy and will leave through one; `None` = not known.
    pub ipsec: Option<(bool, bool)>,
    /// Whether the matchers `limit` and `dst-limit` still let it through; `None` = not known.
    pub within_limit: Option<bool>,
}

impl<'a> Packet<'a> {
    /// A packet of a new UDP connection between two addresses, with all else at its plainest.
    #[must_use]
    pub const fn new(hook: Hook, source: IpAddr, destination: IpAddr) -> Self {
        Self {
            hook,
            in_interface: None,
            out_interface: None,
            source,
            destination,
            protocol: Protocol::UDP,
            source_port: None,
            destination_port: None,
            state: ConnectionState::New,
            fasttracked: false,
            nat: Some(Nat {
                source: false,
                destination: false,
            }),
            ipsec: Some((false, false)),
            within_limit: None,
        }
    }

    /// The same packet, coming in by this interface.
    #[must_use]
    pub const fn from_interface(mut self, name: &'a str) -> Self {
        self.in_interface = Some(name);
        self
    }

    /// The same packet, leaving by this interface.
    #[must_use]
    pub const fn to_interface(mut self, name: &'a str) -> Self {
        self.out_interface = Some(name);
        self
    }

    /// The same packet in this state of connection tracking.
    #[must_use]
    pub const fn in_state(mut self, state: ConnectionState) -> Self {
        self.state = state;
        self
    }

    /// The same packet with this protocol and, where it has ports, this destination port.
    #[must_use]
    pub const fn with_protocol(
        mut self,
        protocol: Protocol,
        destination_port: Option<u16>,
    ) -> Self {
        self.protocol = protocol;
        self.destination_port = destination_port;
        self
    }
}
