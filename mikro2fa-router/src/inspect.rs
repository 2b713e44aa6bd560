//! The gate as it stands on a router, held against what it has to be: what is wrong with it, and what puts it right. Pure:
//! rows in, faults and sentences out.
//!
//! A look at it is a dozen small questions, some sixty rows on an ordinary router: the gate's own rules whole, since a
//! condition that somebody added must not be overlooked; of `forward` and `input` only what says where our jumps stand among the
//! other rules; one row for each list, profile and server.
//!
//! Not judged here, but by the router's check: rules that the router made itself above the jumps (a hotspot's), which nobody can
//! move; mangle and raw; who is on the exempt list.

use std::collections::{BTreeMap, BTreeSet};

use mikro2fa_core::{
    gate::{EmergencyEntry, GateFault, GateFaultKind, GateSeen, Jumps},
    time::Timestamp,
};

use crate::{
    duration,
    gate::{Coverage, Family, GateNames, Way},
    prefix,
    sentence::{Path, Sentence},
    survey::{Record, Section, State, Survey},
    transport::{Answer, End, No},
};

mod chain;
mod profile;

/// One question about the gate.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum Asked {
    /// The gate's own chains, and the jumps into them.
    Own(Family),
    /// The chains that it stands in.
    BuiltIn(Family),
    /// The interface lists.
    Lists,
    /// All profiles, by what the gate cares about.
    Profiles,
    /// A kind of VPN server.
    Server(Server),
    /// The break-glass list.
    Emergency(Family),
}

/// Kinds of VPN servers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) enum Server {
    L2tp,
    Pptp,
    Sstp,
    Ovpn,
    Pppoe,
}

impl Server {
    const ALL: [Self; 5] = [Self::L2tp, Self::Pptp, Self::Sstp, Self::Ovpn, Self::Pppoe];

    const fn print(self) -> Path {
        match self {
            Self::L2tp => Path::L2tpSettingsPrint,
            Self::Pptp => Path::PptpSettingsPrint,
            Self::Sstp => Path::SstpSettingsPrint,
            Self::Ovpn => Path::OvpnSettingsPrint,
            Self::Pppoe => Path::PppoeServersPrint,
        }
    }

    const fn set(self) -> Path {
        match self {
            Self::L2tp => Path::L2tpSettingsSet,
            Self::Pptp => Path::PptpSettingsSet,
            Self::Sstp => Path::SstpSettingsSet,
            Self::Ovpn => Path::OvpnSettingsSet,
            Self::Pppoe => Path::PppoeServersSet,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::L2tp => "L2TP",
            Self::Pptp => "PPTP",
            Self::Sstp => "SSTP",
            Self::Ovpn => "OpenVPN",
            Self::Pppoe => "PPPoE",
        }
    }
}

impl Asked {
    /// All of them; those of IPv6 where there may be any.
    pub(crate) fn all(ipv6: bool) -> Vec<Self> {
        let families = if ipv6 {
            &Family::ALL[..]
        } else {
            &Family::ALL[..1]
        };
        let of_family = families
            .iter()
            .flat_map(|&it| [Self::Own(it), Self::BuiltIn(it), Self::Emergency(it)]);
        of_family
            .chain([Self::Lists, Self::Profiles])
            .chain(Server::ALL.map(Self::Server))
            .collect()
    }

    /// The menu of a survey that has it.
    const fn section(self) -> Section {
        match self {
            Self::Own(family) | Self::BuiltIn(family) => Section::filter(family),
            Self::Lists => Section::InterfaceLists,
            Self::Profiles => Section::Profiles,
            Self::Server(Server::L2tp) => Section::L2tpServer,
            Self::Server(Server::Pptp) => Section::PptpServer,
            Self::Server(Server::Sstp) => Section::SstpServer,
            Self::Server(Server::Ovpn) => Section::OvpnServers,
            Self::Server(Server::Pppoe) => Section::PppoeServers,
            Self::Emergency(family) => Section::address_lists(family),
        }
    }

    /// Which of its rows.
    fn is_about(self, row: &Record, names: &GateNames) -> bool {
        match self {
            Self::Own(_) => {
                let chains = chain::own_chains(names);
                let is_one = |name: &str| chains.iter().any(|chain| chain == row.text(name));
                is_one("chain") || is_one("jump-target")
            }
            Self::BuiltIn(_) => Way::ALL.iter().any(|way| way.chain() == row.text("chain")),
            Self::Lists => [&names.covered, &names.exempt]
                .iter()
                .any(|name| **name == row.text("name")),
            Self::Emergency(_) => row.text("list") == names.emergency,
            Self::Profiles | Self::Server(_) => true,
        }
    }

    pub(crate) fn sentence(self, names: &GateNames) -> Sentence {
        match self {
            Self::Own(family) => {
                let chains = chain::own_chains(names);
                Sentence::new(filter(family).print)
                    .one_of("chain", chains.clone())
                    .one_of("jump-target", chains)
                    .either()
            }
            Self::BuiltIn(family) => Sentence::new(filter(family).print)
                .only(&[
                    ".id",
                    "chain",
                    "action",
                    "jump-target",
                    "connection-state",
                    "in-interface-list",
                    "out-interface-list",
                    "src-address",
                    "dst-address",
                    "protocol",
                    "in-interface",
                    "out-interface",
                    "src-address-list",
                    "dst-address-list",
                    "disabled",
                    "invalid",
                    "dynamic",
                    "comment",
                ])
                .one_of("chain", Way::ALL.map(Way::chain)),
            Self::Lists => Sentence::new(Path::InterfaceListPrint)
                .only(&[".id", "name", "include", "exclude"])
                .one_of("name", [&*names.covered, &names.exempt]),
            Self::Profiles => Sentence::new(Path::ProfilePrint).only(&[
                ".id",
                "name",
                "interface-list",
                "on-up",
                "on-down",
                "comment",
            ]),
            Self::Server(server) => {
                let sentence = Sentence::new(server.print());
                match server {
                    Server::L2tp | Server::Pptp | Server::Sstp => {
                        sentence.only(&["default-profile"])
                    }
                    // One record in old versions, a list in new ones, each with properties of its own.
                    Server::Ovpn => sentence,
                    Server::Pppoe => sentence.only(&[".id", "service-name", "default-profile"]),
                }
            }
            Self::Emergency(family) => Sentence::new(match family {
                Family::V4 => Path::ListPrint,
                Family::V6 => Path::List6Print,
            })
            .only(&[".id", "address", "timeout", "comment", "disabled"])
            .equal("list", &*names.emergency),
        }
    }
}

struct FilterPaths {
    print: Path,
    add: Path,
    set: Path,
    remove: Path,
}

const fn filter(family: Family) -> FilterPaths {
    match family {
        Family::V4 => FilterPaths {
            print: Path::FilterPrint,
            add: Path::FilterAdd,
            set: Path::FilterSet,
            remove: Path::FilterRemove,
        },
        Family::V6 => FilterPaths {
            print: Path::Filter6Print,
            add: Path::Filter6Add,
            set: Path::Filter6Set,
            remove: Path::Filter6Remove,
        },
    }
}

const fn family_name(family: Family) -> &'static str {
    match family {
        Family::V4 => "IPv4",
        Family::V6 => "IPv6",
    }
}

/// What was seen of the gate before, as far as rows alone do not say how it has to be. Kept over connections.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Memory {
    /// The covered list was seen to include every tunnel.
    all_tunnels: bool,
    /// Servers that gave their tunnels a profile of the gate's, and which.
    servers: BTreeMap<(Server, String), String>,
}

/// The gate as it stands.
pub(crate) struct Inspection<'a> {
    names: &'a GateNames,
    rows: BTreeMap<Asked, Vec<Record>>,
    /// Menus that this router does not have.
    absent: BTreeSet<Asked>,
}

/// Something that is wrong, and what puts it right.
struct Wrong {
    fault: GateFault,
    mend: Vec<Sentence>,
}

impl Wrong {
    fn new(kind: GateFaultKind, what: String, opens: bool, mend: Vec<Sentence>) -> Self {
        Self {
            fault: GateFault {
                kind,
                what: what.into(),
                opens,
                ours: !mend.is_empty(),
            },
            mend,
        }
    }
}

/// All that an inspection found.
#[derive(Default)]
struct Found {
    wrong: Vec<Wrong>,
    /// What switches it on, after all the rest was mended.
    last: Vec<Sentence>,
    jumps: usize,
    enabled: usize,
    needed: usize,
}

impl<'a> Inspection<'a> {
    /// Takes the answers; none if one of them is not whole, since then nothing can be said.
    pub(crate) fn read<'b>(
        names: &'a GateNames,
        answers: impl IntoIterator<Item = (Asked, &'b Answer)>,
    ) -> Option<Self> {
        let mut inspection = Self {
            names,
            rows: BTreeMap::new(),
            absent: BTreeSet::new(),
        };
        for (asked, answer) in answers {
            match (&answer.end, answer.complete()) {
                (_, Some(rows)) => {
                    let rows = rows.iter().map(Record::of).collect();
                    inspection.rows.insert(asked, rows);
                }
                (End::Refused(no), _) if no.kind == No::NoSuchCommand => {
                    inspection.absent.insert(asked);
                }
                _ => return None,
            }
        }
        Some(inspection)
    }

    /// Of a router that was surveyed; none if a menu that it needs could not be read.
    pub(crate) fn of(survey: &Survey, names: &'a GateNames) -> Option<Self> {
        let mut inspection = Self {
            names,
            rows: BTreeMap::new(),
            absent: BTreeSet::new(),
        };
        for asked in Asked::all(true) {
            let section = asked.section();
            match survey.found(section).state {
                State::Whole => {
                    let rows = survey.rows(section).iter();
                    let rows = rows.filter(|row| asked.is_about(row, names)).cloned();
                    inspection.rows.insert(asked, rows.collect());
                }
                State::NotThere => {
                    inspection.absent.insert(asked);
                }
                State::Refused(_) => return None,
            }
        }
        Some(inspection)
    }

    /// What is wrong, each with what puts it right. What puts all of it right stands at the first that has anything.
    pub(crate) fn faults(&self, memory: &Memory) -> Vec<(GateFault, Vec<Sentence>)> {
        let mut all = self.mends(memory);
        let found = self.judge(memory).wrong.into_iter();
        let mut faults: Vec<_> = found.map(|wrong| (wrong.fault, Vec::new())).collect();
        if let Some((_, mend)) = faults.iter_mut().find(|(fault, _)| fault.ours) {
            *mend = std::mem::take(&mut all);
        }
        faults
    }

    fn rows(&self, asked: Asked) -> &[Record] {
        self.rows.get(&asked).map_or(&[], Vec::as_slice)
    }

    /// Has the router a firewall of this family?
    fn has(&self, family: Family) -> bool {
        let asked = Asked::Own(family);
        self.rows.contains_key(&asked) && !self.absent.contains(&asked)
    }

    fn families(&self) -> impl Iterator<Item = Family> {
        Family::ALL.into_iter().filter(|family| self.has(*family))
    }

    /// Does the gate stand here, if only in part? Where nothing of it is, nothing is made.
    fn exists(&self) -> bool {
        self.families().any(|family| {
            let built_in = self.rows(Asked::BuiltIn(family)).iter();
            !self.rows(Asked::Own(family)).is_empty()
                || built_in
                    .clone()
                    .any(|row| chain::leads_into(self.names, row))
        })
    }

    /// What is worth remembering for the next time.
    pub(crate) fn learn(&self, memory: &mut Memory) {
        let covered = self.list(&self.names.covered);
        memory.all_tunnels |=
            covered.is_some_and(|row| row.list("include").any(|it| it == "dynamic"));
        for (key, row) in self.servers() {
            let profile = row.text("default-profile");
            if self.is_own_profile(profile) {
                memory.servers.insert(key, profile.to_owned());
            }
        }
    }

    /// How it stands, for a look that was begun at `at`.
    pub(crate) fn seen(&self, memory: &Memory, at: Timestamp) -> GateSeen {
        let found = self.judge(memory);
        let emergency = [Family::V4, Family::V6]
            .into_iter()
            .flat_map(|family| self.rows(Asked::Emergency(family)))
            .filter(|row| !row.is("disabled"))
            .filter_map(|row| {
                Some(EmergencyEntry {
                    address: prefix::parse(row.text("address"))?,
                    comment: row.text("comment").into(),
                    left: row
                        .get("timeout")
                        .and_then(|text| duration::parse(text).ok()),
                })
            });
        let jumps = Jumps::of(found.jumps, found.enabled, found.needed);
        let named = |wrong: &Wrong| {
            // All disabled is told by the switch itself.
            let told = jumps == Jumps::Disabled && wrong.fault.what.ends_with(chain::IS_DISABLED);
            !(told && wrong.fault.kind == GateFaultKind::Jump)
        };
        GateSeen {
            at,
            jumps,
            faults: found
                .wrong
                .into_iter()
                .filter(named)
                .map(|wrong| wrong.fault)
                .collect(),
            emergency: emergency.collect(),
        }
    }

    /// What puts right what is ours, in order; the jumps last.
    pub(crate) fn mends(&self, memory: &Memory) -> Vec<Sentence> {
        let found = self.judge(memory);
        let mends = found.wrong.into_iter().flat_map(|wrong| wrong.mend);
        let mut all: Vec<Sentence> = Vec::new();
        for sentence in mends.chain(found.last) {
            if !all.contains(&sentence) {
                all.push(sentence);
            }
        }
        all
    }

    fn judge(&self, memory: &Memory) -> Found {
        let mut found = Found::default();
        self.cover(memory, &mut found);
        self.profiles(&mut found);
        self.repointed(memory, &mut found);
        for family in self.families() {
            for way in Way::ALL {
                self.way(family, way, &mut found);
            }
            self.companions(family, &mut found);
        }
        found
    }

    fn list(&self, name: &str) -> Option<&Record> {
        let mut lists = self.rows(Asked::Lists).iter();
        lists.find(|row| row.text("name") == name)
    }

    /// The list of covered tunnels: everything that is gated hangs on it.
    fn cover(&self, memory: &Memory, found: &mut Found) {
        if self.absent.contains(&Asked::Lists) {
            return;
        }
        let exists = self.exists();
        let wanted = self.names.interface_lists(Coverage::AllTunnels);
        for wanted in wanted {
            let is_cover = wanted.name == self.names.covered;
            let row = self.list(&wanted.name);
            let add = || {
                let add = Sentence::new(Path::InterfaceListAdd)
                    .with("name", &*wanted.name)
                    .with("comment", &*self.names.comment);
                let add = if wanted.include.is_empty() {
                    add
                } else {
                    add.with("include", wanted.include)
                        .with("exclude", &*wanted.exclude)
                };
                vec![add]
            };
            let Some(row) = row else {
                let mend = if exists { add() } else { Vec::new() };
                let what = format!("the interface list {} is not there", wanted.name);
                found
                    .wrong
                    .push(Wrong::new(GateFaultKind::Cover, what, is_cover, mend));
                continue;
            };
            if !is_cover {
                continue;
            }
            let includes = row.list("include").any(|it| it == "dynamic");
            let chosen = !memory.all_tunnels && self.is_filled_by_profiles();
            let leaves_out: Vec<&str> = row
                .list("exclude")
                .filter(|it| *it != self.names.exempt)
                .collect();
            if (includes || chosen) && leaves_out.is_empty() {
                continue;
            }
            let what = if leaves_out.is_empty() {
                format!("{} does not include the tunnels", wanted.name)
            } else {
                format!("{} leaves out {}", wanted.name, leaves_out.join(","))
            };
            let mend = Sentence::new(Path::InterfaceListSet).of([row.id()]);
            let mend = if chosen {
                mend.with("exclude", "")
            } else {
                mend.with("include", wanted.include)
                    .with("exclude", &*wanted.exclude)
            };
            found
                .wrong
                .push(Wrong::new(GateFaultKind::Cover, what, true, vec![mend]));
        }
    }
}
