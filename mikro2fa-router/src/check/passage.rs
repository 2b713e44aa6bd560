//! Would an unconfirmed tunnel reach anything? By evaluating the rules for all packets of a kind at once, and, where that does
//! not settle it, by looking for one packet that certainly passes.

mod world;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use mikro2fa_core::gate::GateFaultKind;

use super::{Answer, Facts, Finding, Level, filters_are_whole};
use crate::{
    firewall::{
        Action, AddressSet, ConnectionState, DoubtReason, End, Firewall, Hook, Lists as _, Matcher,
        Nat, Packet, Probe, Proof, Protocol, Rule, RuleAt, Table, Truth,
    },
    gate::Family,
    survey::Survey,
};
use world::{Door, ELSEWHERE, World};

/// What a kind of packets came to.
enum Outcome {
    Dropped,
    Passes(String),
    Open(String),
}

/// The answer; and what else was found on the way.
pub(super) fn answer(survey: &Survey, facts: &Facts, findings: &mut Vec<Finding>) -> Answer {
    if let Err(menu) = filters_are_whole(survey) {
        return Answer::CannotProve {
            because: format!("{menu} could not be read"),
        };
    }
    let world = World::of(survey, facts);
    let mut yes = None;
    let mut open = None;
    for family in Family::ALL {
        let Some(firewall) = world.firewall(family) else {
            continue;
        };
        for door in world.doors() {
            for way in Way::ALL {
                let question = Question {
                    world: &world,
                    firewall: &firewall,
                    family,
                    door,
                    way,
                    permit: &facts.names.permit,
                    emergency: &facts.names.emergency,
                    reach: &facts.names.reach,
                };
                match question.outcome() {
                    Outcome::Dropped => {}
                    Outcome::Passes(what) => yes = yes.or(Some(what)),
                    Outcome::Open(because) => open = open.or(Some(because)),
                }
            }
        }
        fasttrack(&world, &firewall, family, facts, findings);
    }
    if let Some(what) = yes {
        Answer::Yes { what }
    } else if let Some(because) = open {
        Answer::CannotProve { because }
    } else {
        Answer::No
    }
}

/// Where a packet goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Way {
    /// From the tunnel through the router.
    Out,
    /// To the tunnel.
    In,
    /// To another tunnel, which may be a confirmed one.
    Across,
    /// To the router itself, but for the resolver.
    Router,
}

impl Way {
    const ALL: [Self; 4] = [Self::Out, Self::In, Self::Across, Self::Router];
}

struct Question<'q> {
    world: &'q World<'q>,
    firewall: &'q Firewall,
    family: Family,
    door: &'q Door,
    way: Way,
    permit: &'q str,
    emergency: &'q str,
    reach: &'q str,
}

impl Question<'_> {
    fn outcome(&self) -> Outcome {
        let unconfirmed = [self.permit, self.emergency];
        let beyond = [self.reach];
        let probe = self.probe(&unconfirmed, &beyond);
        match self.firewall.prove(&probe, self.world).proof {
            Proof::Dropped => Outcome::Dropped,
            proof => self
                .witness()
                .map_or_else(|| self.undecided(&proof), Outcome::Passes),
        }
    }

    fn probe<'p>(&'p self, unconfirmed: &'p [&'p str], beyond: &'p [&'p str]) -> Probe<'p> {
        let ipv6 = self.family == Family::V6;
        let own = End {
            among: self.addresses(),
            ipv6,
            interface: Some(&self.door.interface),
            on: &[],
            not_on: unconfirmed,
        };
        let any = |interface, not_on| End {
            among: &[],
            ipv6,
            interface,
            on: &[],
            not_on,
        };
        let other = any(Some(ELSEWHERE), beyond);
        let (hook, source, destination) = match self.way {
            Way::Out => (Hook::Forward, own, other),
            Way::In => (Hook::Forward, other, own),
            Way::Across => (
                Hook::Forward,
                own,
                any(Some(self.door.interface.as_str()), beyond),
            ),
            Way::Router => (Hook::Input, own, any(None, &[])),
        };
        Probe {
            hook,
            source,
            destination,
            protocol: None,
            port: None,
            except_port: (self.way == Way::Router).then_some(53),
            state: None,
        }
    }

    fn addresses(&self) -> &[AddressSet] {
        match self.family {
            Family::V4 => &self.door.addresses,
            Family::V6 => &[],
        }
    }

    fn undecided(&self, proof: &Proof) -> Outcome {
        let because = match proof {
            Proof::Open(at, reason) => self.blamed(*at, *reason),
            Proof::Passes(by) => match by {
                Some(at) => format!("{} lets packets {} pass", self.named(*at), self.about()),
                None => format!("no rule stops packets {}", self.about()),
            },
            Proof::Dropped => return Outcome::Dropped,
        };
        Outcome::Open(because)
    }

    fn blamed(&self, at: RuleAt, reason: DoubtReason) -> String {
        let why = self.firewall.blame(at, reason);
        format!("{}: {why}, for packets {}", self.named(at), self.about())
    }

    fn named(&self, at: RuleAt) -> String {
        named(self.firewall, self.family, at)
    }

    fn about(&self) -> String {
        let door = &self.door.what;
        match self.way {
            Way::Out => format!("from {door}"),
            Way::In => format!("to {door}"),
            Way::Across => format!("from {door} to another tunnel"),
            Way::Router => format!("from {door} to the router"),
        }
    }

    /// One packet that certainly passes, in words. Tried: for each rule that lets something through, a packet made to meet it;
    /// and some plain ones.
    fn witness(&self) -> Option<String> {
        let rules = self.firewall.filter.rules();
        let letting = rules.iter().filter(|rule| {
            !rule.inactive
                && matches!(
                    rule.action,
                    Action::Accept | Action::Return | Action::Jump(_)
                )
        });
        let plain = Rule::from_properties([("chain", "forward")]);
        letting
            .chain([&plain])
            .find_map(|rule| self.passes_by(rule))
    }

    fn passes_by(&self, rule: &Rule) -> Option<String> {
        let wish = Wish::of(rule, self.world);
        let source = self.pick(&wish.source, self.way != Way::In)?;
        let destination = self.pick(&wish.destination, self.way == Way::In)?;
        let ports: &[u16] = &wish.ports;
        let mut tries = Vec::new();
        for protocol in [wish.protocol, Some(Protocol::TCP), Some(Protocol::UDP)] {
            for state in [
                wish.state,
                Some(ConnectionState::New),
                Some(ConnectionState::Established),
            ] {
                if let (Some(protocol), Some(state)) = (protocol, state) {
                    tries.push((protocol, state));
                }
            }
        }
        for (protocol, state) in tries {
            let port = ports.first().copied().unwrap_or(443);
            if self.way == Way::Router && port == 53 {
                continue;
            }
            let packet = self.packet(source, destination, protocol, port, state);
            let Proof::Passes(by) = self.firewall.judge_packet(&packet, self.world) else {
                continue;
            };
            return Some(self.told(&packet, by));
        }
        None
    }

    fn packet(
        &self,
        source: IpAddr,
        destination: IpAddr,
        protocol: Protocol,
        port: u16,
        state: ConnectionState,
    ) -> Packet<'_> {
        let own = self.door.interface.as_str();
        let (hook, from, to) = match self.way {
            Way::Out => (Hook::Forward, own, Some(ELSEWHERE)),
            Way::In => (Hook::Forward, ELSEWHERE, Some(own)),
            Way::Across => (Hook::Forward, own, Some(own)),
            Way::Router => (Hook::Input, own, None),
        };
        let mut packet = Packet::new(hook, source, destination);
        packet.in_interface = Some(from);
        packet.out_interface = to;
        packet.protocol = protocol;
        packet.source_port = protocol.has_ports().then_some(50_000);
        packet.destination_port = protocol.has_ports().then_some(port);
        packet.state = state;
        packet.nat = Some(Nat::default());
        packet.ipsec = Some((false, false));
        packet
    }

    /// An address that the rule wants; the tunnel's own has to be one of its pool, and not permitted.
    fn pick(&self, wanted: &[AddressSet], own: bool) -> Option<IpAddr> {
        let mine = if own { self.addresses() } else { &[] };
        let ipv6 = self.family == Family::V6;
        let plain: IpAddr = match (ipv6, own) {
            (false, true) => Ipv4Addr::new(10, 8, 0, 250).into(),
            (false, false) => Ipv4Addr::new(198, 51, 100, 10).into(),
            (true, true) => Ipv6Addr::new(0xfd00, 0, 0, 8, 0, 0, 0, 0x250).into(),
            (true, false) => Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x10).into(),
        };
        let candidates = wanted
            .iter()
            .flat_map(|set| [set.first(), set.last()])
            .chain(mine.iter().flat_map(|set| [set.last(), set.first()]))
            .chain([plain]);
        let fits = |address: &IpAddr| {
            let family = address.is_ipv6() == ipv6;
            let inside = mine.is_empty() || mine.iter().any(|set| set.contains(*address));
            let list = |name: &str| self.world.address_listed(name, *address) == Truth::No;
            let unlisted = if own {
                list(self.permit) && list(self.emergency)
            } else {
                list(self.reach)
            };
            let wants = wanted.is_empty() || wanted.iter().any(|set| set.contains(*address));
            family && inside && unlisted && wants
        };
        candidates.into_iter().find(fits)
    }

    fn told(&self, packet: &Packet<'_>, by: Option<RuleAt>) -> String {
        let protocol = packet.protocol.name().map_or_else(
            || format!("protocol {}", packet.protocol.0),
            str::to_uppercase,
        );
        let port = packet
            .destination_port
            .map_or_else(String::new, |port| format!(" port {port}"));
        let state = match packet.state {
            ConnectionState::New => "",
            ConnectionState::Established => ", of a connection that is established",
            ConnectionState::Related => ", of a connection that belongs to another",
            ConnectionState::Invalid => ", of no known connection",
            ConnectionState::Untracked => ", untracked",
        };
        let by = by.map_or_else(
            || "no rule stops it".to_owned(),
            |at| format!("{} accepts it", self.named(at)),
        );
        format!(
            "{protocol} {} ({} to {}{port}{state}): {by}",
            self.about(),
            packet.source,
            packet.destination
        )
    }
}

fn named(firewall: &Firewall, family: Family, at: RuleAt) -> String {
    let menu = match family {
        Family::V4 => "ip",
        Family::V6 => "ipv6",
    };
    let Some(rule) = firewall.rule(at) else {
        return format!("rule {} of /{menu}/firewall/{}", at.index, at.table);
    };
    let comment = if rule.comment.is_empty() {
        String::new()
    } else {
        format!(" ({})", rule.comment)
    };
    let table = if at.table == Table::Filter {
        String::new()
    } else {
        format!("{} ", at.table)
    };
    format!(
        "rule {} in {table}{} of /{menu}/firewall{comment}",
        at.index, rule.chain
    )
}

/// What a packet has to be like to meet a rule, as far as that can be chosen.
#[derive(Default)]
struct Wish {
    source: Vec<AddressSet>,
    destination: Vec<AddressSet>,
    protocol: Option<Protocol>,
    ports: Vec<u16>,
    state: Option<ConnectionState>,
}

impl Wish {
    fn of(rule: &Rule, world: &World<'_>) -> Self {
        let mut wish = Self::default();
        for matcher in &rule.matchers {
            match matcher {
                Matcher::SourceAddress(set) => wish.source.push(*set),
                Matcher::DestinationAddress(set) => wish.destination.push(*set),
                Matcher::SourceList(list) => wish.source.extend(world.entries(list)),
                Matcher::DestinationList(list) => wish.destination.extend(world.entries(list)),
                Matcher::Protocol(protocol) => wish.protocol = Some(*protocol),
                Matcher::DestinationPort(ranges) | Matcher::AnyPort(ranges) => {
                    wish.ports.extend(ranges.iter().map(|(first, _)| *first));
                }
                Matcher::State(states) => {
                    let all = [
                        ConnectionState::New,
                        ConnectionState::Established,
                        ConnectionState::Related,
                        ConnectionState::Untracked,
                        ConnectionState::Invalid,
                    ];
                    wish.state = all.into_iter().find(|state| states.contains(*state));
                }
                _ => {}
            }
        }
        wish
    }
}

/// Running connections of confirmed tunnels that would outlive their permits.
fn fasttrack(
    world: &World<'_>,
    firewall: &Firewall,
    family: Family,
    facts: &Facts,
    findings: &mut Vec<Finding>,
) {
    let ipv6 = family == Family::V6;
    let permit = [facts.names.permit.as_str()];
    for door in world.doors() {
        let own = End {
            among: &[],
            ipv6,
            interface: Some(door.interface.as_str()),
            on: &permit,
            not_on: &[],
        };
        let other = End {
            among: &[],
            ipv6,
            interface: Some(ELSEWHERE),
            on: &[],
            not_on: &[],
        };
        for (source, destination) in [(own, other), (other, own)] {
            let probe = Probe {
                hook: Hook::Forward,
                source,
                destination,
                protocol: Some(Protocol::TCP),
                port: None,
                except_port: None,
                state: Some(ConnectionState::Established),
            };
            let Some(at) = firewall.prove(&probe, world).fasttrack else {
                continue;
            };
            let told = findings
                .iter()
                .any(|finding| finding.code == super::code_of(GateFaultKind::Fasttrack));
            if !told {
                findings.push(Finding::new(
                    super::code_of(GateFaultKind::Fasttrack),
                    Level::High,
                    format!(
                        "{} can have connections of {} fasttracked",
                        named(firewall, family, at),
                        door.what
                    ),
                    super::means(GateFaultKind::Fasttrack),
                ));
            }
            return;
        }
    }
}
