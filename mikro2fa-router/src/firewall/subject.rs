//! What a rule is held against: one packet, or all packets of a kind at once.

use super::{
    AddressSet, Hook, Lists, Matcher, Packet, Protocol, StateSet, Truth, matcher::in_ranges,
};

/// What conditions ask about.
pub(super) trait Subject {
    fn hook(&self) -> Hook;
    /// No rule sees it.
    fn is_fasttracked(&self) -> bool;
    fn source_within(&self, set: &AddressSet) -> Truth;
    fn destination_within(&self, set: &AddressSet) -> Truth;
    fn source_listed(&self, list: &str, lists: &dyn Lists) -> Truth;
    fn destination_listed(&self, list: &str, lists: &dyn Lists) -> Truth;
    /// What `ask` says of the interface it came in by; an interface that there is not is none.
    fn of_in_interface(&self, ask: &dyn Fn(&str) -> Truth) -> Truth;
    fn of_out_interface(&self, ask: &dyn Fn(&str) -> Truth) -> Truth;
    fn has_protocol(&self, protocol: Protocol) -> Truth;
    fn source_port_in(&self, ranges: &[(u16, u16)]) -> Truth;
    fn destination_port_in(&self, ranges: &[(u16, u16)]) -> Truth;
    fn state_in(&self, states: StateSet) -> Truth;
    fn source_translated(&self) -> Truth;
    fn destination_translated(&self) -> Truth;
    /// Under an IPsec policy on its way in, or out.
    fn under_ipsec(&self, incoming: bool) -> Truth;
    fn within_limit(&self) -> Truth;
    /// Are source and destination the same address?
    fn ends_meet(&self) -> Truth;
}

fn or_unknown(known: Option<bool>) -> Truth {
    known.map_or(Truth::Unknown, Truth::from)
}

impl Subject for Packet<'_> {
    fn hook(&self) -> Hook {
        self.hook
    }

    fn is_fasttracked(&self) -> bool {
        self.fasttracked
    }

    fn source_within(&self, set: &AddressSet) -> Truth {
        set.contains(self.source).into()
    }

    fn destination_within(&self, set: &AddressSet) -> Truth {
        set.contains(self.destination).into()
    }

    fn source_listed(&self, list: &str, lists: &dyn Lists) -> Truth {
        lists.address_listed(list, self.source)
    }

    fn destination_listed(&self, list: &str, lists: &dyn Lists) -> Truth {
        lists.address_listed(list, self.destination)
    }

    fn of_in_interface(&self, ask: &dyn Fn(&str) -> Truth) -> Truth {
        self.in_interface.map_or(Truth::No, ask)
    }

    fn of_out_interface(&self, ask: &dyn Fn(&str) -> Truth) -> Truth {
        self.out_interface.map_or(Truth::No, ask)
    }

    fn has_protocol(&self, protocol: Protocol) -> Truth {
        (self.protocol == protocol).into()
    }

    fn source_port_in(&self, ranges: &[(u16, u16)]) -> Truth {
        port_in(self.protocol, self.source_port, ranges)
    }

    fn destination_port_in(&self, ranges: &[(u16, u16)]) -> Truth {
        port_in(self.protocol, self.destination_port, ranges)
    }

    fn state_in(&self, states: StateSet) -> Truth {
        states.contains(self.state).into()
    }

    fn source_translated(&self) -> Truth {
        or_unknown(self.nat.map(|nat| nat.source))
    }

    fn destination_translated(&self) -> Truth {
        or_unknown(self.nat.map(|nat| nat.destination))
    }

    fn under_ipsec(&self, incoming: bool) -> Truth {
        or_unknown(
            self.ipsec
                .map(|(inward, outward)| if incoming { inward } else { outward }),
        )
    }

    fn within_limit(&self) -> Truth {
        or_unknown(self.within_limit)
    }

    fn ends_meet(&self) -> Truth {
        (self.source == self.destination).into()
    }
}

pub(super) fn port_in(protocol: Protocol, port: Option<u16>, ranges: &[(u16, u16)]) -> Truth {
    match port {
        _ if !protocol.has_ports() => Truth::No,
        Some(port) => in_ranges(port, ranges).into(),
        None => Truth::Unknown,
    }
}

impl Matcher {
    /// Does the subject meet the condition?
    pub(super) fn met_by(&self, subject: &dyn Subject, lists: &dyn Lists) -> Truth {
        match self {
            Self::Not(matcher) => matcher.met_by(subject, lists).negate(),
            Self::SourceAddress(set) => subject.source_within(set),
            Self::DestinationAddress(set) => subject.destination_within(set),
            Self::SourceList(list) => subject.source_listed(list, lists),
            Self::DestinationList(list) => subject.destination_listed(list, lists),
            Self::InInterface(name) => subject.of_in_interface(&|it| lists.interface_is(name, it)),
            Self::OutInterface(name) => {
                subject.of_out_interface(&|it| lists.interface_is(name, it))
            }
            Self::InInterfaceList(list) => {
                subject.of_in_interface(&|it| lists.interface_listed(list, it))
            }
            Self::OutInterfaceList(list) => {
                subject.of_out_interface(&|it| lists.interface_listed(list, it))
            }
            Self::Protocol(protocol) => subject.has_protocol(*protocol),
            Self::SourcePort(ranges) => subject.source_port_in(ranges),
            Self::DestinationPort(ranges) => subject.destination_port_in(ranges),
            Self::AnyPort(ranges) => {
                let source = subject.source_port_in(ranges);
                source.or(subject.destination_port_in(ranges))
            }
            Self::State(states) => subject.state_in(*states),
            Self::SourceTranslated => subject.source_translated(),
            Self::DestinationTranslated => subject.destination_translated(),
            Self::IpsecPolicy {
                incoming,
                protected,
            } => {
                let under = subject.under_ipsec(*incoming);
                if *protected { under } else { under.negate() }
            }
            Self::Limit => subject.within_limit(),
            Self::Unknown { .. } => Truth::Unknown,
        }
    }
}
