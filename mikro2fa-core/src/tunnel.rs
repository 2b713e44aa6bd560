//! A tunnel: one live VPN connection as its router reports it, and when two reports are about the same one.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::Arc,
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::{id::RouterId, time::Timestamp};

/// Shared text: names, handles, comments. Hostile until escaped where it is written.
pub type Text = Arc<str>;

/// What names a tunnel on its router: the menu, the row's id, and the session id where there is one.
///
/// Ids start over when a router reboots, so an equal key is not yet the same tunnel: see [`Tunnel::same_as`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct TunnelKey {
    /// The router that reports it.
    pub router: RouterId,
    /// Which kind of list it was seen in.
    pub source: TunnelSource,
    /// The row's id there (`.id`, a peer's public key, …).
    pub handle: Text,
    /// What tells two uses of one handle apart (`session-id`), where the router has it.
    pub nonce: Option<Text>,
}

/// Which kind of list a tunnel was seen in.
#[non_exhaustive]
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum TunnelSource {
    /// `/ppp/active`.
    Ppp,
    /// A WireGuard peer with a recent handshake.
    WireGuard,
    /// `/ip/ipsec/active-peers`.
    Ike,
    /// `/ip/hotspot/active`.
    Hotspot,
}

/// The VPN protocol.
#[non_exhaustive]
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Service {
    /// PPTP.
    Pptp,
    /// L2TP, with or without IPsec.
    L2tp,
    /// SSTP.
    Sstp,
    /// OpenVPN.
    Ovpn,
    /// PPPoE.
    Pppoe,
    /// WireGuard.
    WireGuard,
    /// IKEv2.
    Ike2,
    /// Hotspot.
    Hotspot,
    /// Anything else.
    Other,
}

impl Service {
    /// The protocol's usual name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pptp => "PPTP",
            Self::L2tp => "L2TP",
            Self::Sstp => "SSTP",
            Self::Ovpn => "OpenVPN",
            Self::Pppoe => "PPPoE",
            Self::WireGuard => "WireGuard",
            Self::Ike2 => "IKEv2",
            Self::Hotspot => "Hotspot",
            Self::Other => "VPN",
        }
    }
}

/// The addresses a tunnel was given.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Addresses {
    /// The IPv4 address; absent until the router has given one.
    pub v4: Option<Ipv4Addr>,
    /// IPv6 prefixes that are fixed for the account, with their lengths.
    pub v6: Vec<(Ipv6Addr, u8)>,
}

impl Addresses {
    /// Has it no address yet?
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.v4.is_none() && self.v6.is_empty()
    }
}

/// Where a tunnel comes from.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Caller {
    /// A public or private IP address (PPTP, L2TP, SSTP, OpenVPN).
    Ip(IpAddr),
    /// Anything else, as the router gave it: a MAC for PPPoE, a number. Chosen by the client.
    Other(Text),
}

impl Caller {
    /// An IP address if it reads as one, else the text itself.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        text.parse()
            .map_or_else(|_| Self::Other(text.into()), Self::Ip)
    }

    /// Is it an address that only means something inside a site (RFC 1918, RFC 4193, RFC 6598, loopback, link-local)?
    #[must_use]
    pub fn is_private(&self) -> bool {
        match self {
            Self::Ip(IpAddr::V4(ip)) => {
                let [a, b, ..] = ip.octets();
                ip.is_private()
                    || ip.is_loopback()
                    || ip.is_link_local()
                    || (a == 100 && (64..128).contains(&b))
            }
            Self::Ip(IpAddr::V6(ip)) => {
                ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local()
            }
            Self::Other(_) => false,
        }
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(ip) => ip.fmt(f),
            Self::Other(text) => f.write_str(text),
        }
    }
}

/// One live VPN connection, as seen at one moment.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct Tunnel {
    /// What names it on its router.
    pub key: TunnelKey,
    /// The login's name, as the router spells it.
    pub account: Text,
    /// The VPN protocol.
    pub service: Service,
    /// What it was given. Filled in once; a later change is another tunnel.
    pub addresses: Addresses,
    /// Where it comes from. Filled in once, likewise.
    pub caller: Option<Caller>,
    /// How long it had been up when it was seen, in whole seconds (the router's own count).
    #[serde(with = "crate::time::seconds")]
    pub uptime: Duration,
    /// When the look that saw it was begun, by our clock.
    pub seen_at: Timestamp,
}

/// Are two reports about the same tunnel? Only `Yes` opens, only `No` ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Same {
    /// Beyond doubt.
    Yes,
    /// Another tunnel.
    No,
    /// Cannot be told from these two; look again.
    Unsure,
}

/// What whole seconds, and an answer that came slowly, can make of an uptime.
const JITTER: Duration = Duration::from_secs(4);

impl Tunnel {
    /// When it came up, by our clock: jitters by seconds from look to look, so it is shown and never compared.
    #[must_use]
    pub fn up_at(&self) -> Timestamp {
        self.seen_at - self.uptime
    }

    /// Is `newer`, seen after `self`, the same tunnel?
    ///
    /// Names, address and caller have to be equal (an address or a caller may appear once). Then the router's own
    /// count of its uptime has to have gone on: a smaller one, or one that began after `self` was seen, is another
    /// tunnel that re-uses the id, as after a reboot. Two clocks may drift by 500 parts in a million.
    #[must_use]
    pub fn same_as(&self, newer: &Self) -> Same {
        self.same_within(newer, Duration::ZERO)
    }

    /// The same, where the looks took long: an uptime may have been read so much later than its look was begun.
    #[must_use]
    pub fn same_within(&self, newer: &Self, took: Duration) -> Same {
        let named_alike =
            self.key == newer.key && self.account == newer.account && self.service == newer.service;
        if !named_alike
            || changed(self.addresses.v4.as_ref(), newer.addresses.v4.as_ref())
            || changed(self.caller.as_ref(), newer.caller.as_ref())
            || (!self.addresses.v6.is_empty() && self.addresses.v6 != newer.addresses.v6)
        {
            return Same::No;
        }
        let lost_address = self.addresses.v4.is_some() && newer.addresses.v4.is_none();
        let lost_caller = self.caller.is_some() && newer.caller.is_none();
        match self.went_on(newer.uptime, newer.seen_at, took) {
            Same::Yes if lost_address || lost_caller => Same::Unsure,
            same => same,
        }
    }

    /// The same of a later report that names it alike in all: by its uptime alone.
    #[must_use]
    pub fn went_on(&self, uptime: Duration, seen_at: Timestamp, took: Duration) -> Same {
        let gone_by = seen_at.since(self.seen_at);
        let slack = JITTER + gone_by / 2_000 + took;
        // It fell back, or it began after `self` was seen.
        if uptime + took < self.uptime || uptime + slack < gone_by {
            return Same::No;
        }
        if uptime.abs_diff(self.uptime + gone_by) > slack {
            return Same::Unsure;
        }
        Same::Yes
    }
}

/// Both known, and different.
fn changed<T: PartialEq>(older: Option<&T>, newer: Option<&T>) -> bool {
    matches!((older, newer), (Some(older), Some(newer)) if older != newer)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn seen(at: i64, uptime: u64) -> Tunnel {
        Tunnel {
            key: TunnelKey {
                router: RouterId::from_uuid(Uuid::from_u128(1)),
                source: TunnelSource::Ppp,
                handle: "*1F".into(),
                nonce: Some("0x81C00002".into()),
            },
            account: "ann".into(),
            service: Service::L2tp,
            addresses: Addresses {
                v4: Some(Ipv4Addr::new(10, 8, 0, 4)),
                v6: Vec::new(),
            },
            caller: Some(Caller::parse("203.0.113.7")),
            uptime: Duration::from_secs(uptime),
            seen_at: Timestamp(at * 1000),
        }
    }

    #[test]
    fn jitter_is_the_same_tunnel() {
        for uptime in 57..=63 {
            assert_eq!(
                seen(100, 45).same_as(&seen(115, uptime)),
                Same::Yes,
                "{uptime}"
            );
        }
    }

    #[test]
    fn a_smaller_uptime_is_another_tunnel() {
        assert_eq!(seen(100, 45).same_as(&seen(115, 44)), Same::No);
    }

    #[test]
    fn what_began_after_the_last_look_is_another_tunnel() {
        // Same id, same session id, same caller, after a reboot that nobody saw.
        assert_eq!(seen(100, 45).same_as(&seen(4_000, 3_000)), Same::No);
    }

    #[test]
    fn an_uptime_that_jumped_is_a_doubt() {
        assert_eq!(seen(100, 45).same_as(&seen(115, 90)), Same::Unsure);
        assert_eq!(seen(100, 45).same_as(&seen(130, 50)), Same::Unsure);
    }

    #[test]
    fn drift_of_days_is_no_doubt() {
        let three_days = 3 * 86_400;
        assert_eq!(
            seen(0, 10).same_as(&seen(three_days, 10 + 259_200 + 20)),
            Same::Yes
        );
    }

    #[test]
    fn an_address_appears_once() {
        let mut early = seen(100, 1);
        early.addresses.v4 = None;
        early.caller = None;
        assert_eq!(early.same_as(&seen(101, 2)), Same::Yes);
        assert_eq!(seen(99, 0).same_as(&early), Same::Unsure);
        let mut moved = seen(101, 2);
        moved.addresses.v4 = Some(Ipv4Addr::new(10, 8, 0, 5));
        assert_eq!(seen(100, 1).same_as(&moved), Same::No);
        let mut elsewhere = seen(101, 2);
        elsewhere.caller = Some(Caller::parse("198.51.100.9"));
        assert_eq!(seen(100, 1).same_as(&elsewhere), Same::No);
    }
}
