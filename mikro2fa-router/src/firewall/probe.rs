//! All packets of a kind at once: what cannot be said of every one of them is not known.

use std::net::IpAddr;

use super::{
    AddressSet, ConnectionState, Hook, Lists, Protocol, StateSet, Truth,
    subject::{Subject, port_in},
};

/// One end of a probe: which addresses it may have, and on which lists it is taken to be or not to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct End<'a> {
    /// One of these; empty = any address of its family.
    pub among: &'a [AddressSet],
    /// Of IPv6?
    pub ipv6: bool,
    /// The interface on that side; none = the router itself.
    pub interface: Option<&'a str>,
    /// Lists that it is on.
    pub on: &'a [&'a str],
    /// Lists that it is not on.
    pub not_on: &'a [&'a str],
}

impl End<'_> {
    fn within(&self, set: &AddressSet) -> Truth {
        if set.is_ipv4() == self.ipv6 {
            return Truth::No;
        }
        if self.among.is_empty() {
            return if set.is_everything() {
                Truth::Yes
            } else {
                Truth::Unknown
            };
        }
        let all = self.among.iter();
        all.map(|addresses| addresses.within(set))
            .reduce(agreed)
            .unwrap_or(Truth::Unknown)
    }

    fn listed(&self, list: &str, lists: &dyn Lists) -> Truth {
        if self.not_on.contains(&list) {
            return Truth::No;
        }
        if self.on.contains(&list) {
            return Truth::Yes;
        }
        if self.among.is_empty() {
            return lists.family_listed(list, self.ipv6);
        }
        let all = self.among.iter();
        all.map(|addresses| match addresses.single() {
            Some(address) => lists.address_listed(list, address),
            None => lists.set_listed(list, addresses),
        })
        .reduce(agreed)
        .unwrap_or(Truth::Unknown)
    }

    fn of_interface(&self, ask: &dyn Fn(&str) -> Truth) -> Truth {
        self.interface.map_or(Truth::No, ask)
    }
}

/// What can be said of all: only what is the same for each.
fn agreed(one: Truth, other: Truth) -> Truth {
    if one == other { one } else { Truth::Unknown }
}

/// All packets of a kind: where from, where to, of which protocol, in which state; everything else about them may be
/// anything. A rule that lets one of them through and drops another is followed both ways.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Probe<'a> {
    /// Which built-in chain judges them.
    pub hook: Hook,
    /// Where they come from.
    pub source: End<'a>,
    /// Where they go.
    pub destination: End<'a>,
    /// Their protocol; none = any.
    pub protocol: Option<Protocol>,
    /// Their destination port; none = any.
    pub port: Option<u16>,
    /// One that it is not.
    pub except_port: Option<u16>,
    /// Their state in connection tracking; none = any.
    pub state: Option<ConnectionState>,
}

impl Subject for Probe<'_> {
    fn hook(&self) -> Hook {
        self.hook
    }

    fn is_fasttracked(&self) -> bool {
        false
    }

    fn source_within(&self, set: &AddressSet) -> Truth {
        self.source.within(set)
    }

    fn destination_within(&self, set: &AddressSet) -> Truth {
        self.destination.within(set)
    }

    fn source_listed(&self, list: &str, lists: &dyn Lists) -> Truth {
        self.source.listed(list, lists)
    }

    fn destination_listed(&self, list: &str, lists: &dyn Lists) -> Truth {
        self.destination.listed(list, lists)
    }

    fn of_in_interface(&self, ask: &dyn Fn(&str) -> Truth) -> Truth {
        self.source.of_interface(ask)
    }

    fn of_out_interface(&self, ask: &dyn Fn(&str) -> Truth) -> Truth {
        self.destination.of_interface(ask)
    }

    fn has_protocol(&self, protocol: Protocol) -> Truth {
        self.protocol
            .map_or(Truth::Unknown, |own| (own == protocol).into())
    }

    fn source_port_in(&self, ranges: &[(u16, u16)]) -> Truth {
        self.protocol
            .map_or(Truth::Unknown, |own| port_in(own, None, ranges))
    }

    fn destination_port_in(&self, ranges: &[(u16, u16)]) -> Truth {
        let excepted =
            |(first, last): &(u16, u16)| first == last && self.except_port == Some(*first);
        if !ranges.is_empty() && ranges.iter().all(excepted) {
            return Truth::No;
        }
        self.protocol
            .map_or(Truth::Unknown, |own| port_in(own, self.port, ranges))
    }

    fn state_in(&self, states: StateSet) -> Truth {
        self.state
            .map_or(Truth::Unknown, |own| states.contains(own).into())
    }

    fn source_translated(&self) -> Truth {
        Truth::Unknown
    }

    fn destination_translated(&self) -> Truth {
        Truth::Unknown
    }

    fn under_ipsec(&self, _: bool) -> Truth {
        Truth::Unknown
    }

    fn within_limit(&self) -> Truth {
        Truth::Unknown
    }

    fn ends_meet(&self) -> Truth {
        let (source, destination) = (self.source.among, self.destination.among);
        let apart = !source.is_empty()
            && !destination.is_empty()
            && source
                .iter()
                .all(|one| destination.iter().all(|other| one.is_apart(other)));
        if apart { Truth::No } else { Truth::Unknown }
    }
}

impl AddressSet {
    /// Is every address of this set one of the other's? No = none is.
    pub(super) fn within(&self, other: &Self) -> Truth {
        let (first, last) = (other.contains(self.first()), other.contains(self.last()));
        if first && last {
            Truth::Yes
        } else if self.is_apart(other) {
            Truth::No
        } else {
            Truth::Unknown
        }
    }

    /// No address in common.
    pub(super) fn is_apart(&self, other: &Self) -> bool {
        self.is_ipv4() != other.is_ipv4()
            || self.last() < other.first()
            || other.last() < self.first()
    }

    /// All addresses of its family.
    pub(super) fn is_everything(&self) -> bool {
        match (self.first(), self.last()) {
            (IpAddr::V4(first), IpAddr::V4(last)) => {
                first.is_unspecified() && last.to_bits() == u32::MAX
            }
            (IpAddr::V6(first), IpAddr::V6(last)) => {
                first.is_unspecified() && last.to_bits() == u128::MAX
            }
            _ => false,
        }
    }
}
