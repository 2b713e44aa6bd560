//! A surveyed router as rules ask about it: tables, lists, and the doors that tunnels come in by.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use crate::{
    check::Facts,
    firewall::{AddressSet, Firewall, Lists, Rule, Ruleset, Truth},
    gate::Family,
    survey::{Record, Section, State, Survey},
};

/// Any interface that the gate does not cover. No interface of a router is called so.
pub(super) const ELSEWHERE: &str = "\u{0}elsewhere";

/// A way in for tunnels: what comes up with one profile, or by a static binding.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Door {
    /// What it is called among interfaces here.
    pub(super) interface: String,
    /// For people.
    pub(super) what: String,
    /// The router makes its interface when the tunnel comes up.
    dynamic: bool,
    /// The list that its profile puts it on.
    list: Option<String>,
    /// The addresses that its tunnels get; empty = not known.
    pub(super) addresses: Vec<AddressSet>,
}

pub(super) struct World<'w> {
    survey: &'w Survey,
    /// The list of covered tunnels.
    covered: &'w str,
    doors: Vec<Door>,
    /// Lists of which all entries were read.
    lists: BTreeSet<&'w str>,
    entries: BTreeMap<&'w str, Vec<&'w str>>,
}

impl<'w> World<'w> {
    pub(super) fn of(survey: &'w Survey, facts: &'w Facts) -> Self {
        let names = &facts.names;
        let whole = Family::ALL.into_iter().all(|family| {
            let found = survey.found(Section::address_lists(family));
            !matches!(found.state, State::Refused(_))
        });
        let all = [
            &names.permit,
            &names.ban,
            &names.reach,
            &names.emergency,
            &names.alive,
        ];
        let lists = all
            .into_iter()
            .map(String::as_str)
            .filter(|_| whole)
            .collect();
        let mut entries: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for family in Family::ALL {
            for row in survey.rows(Section::address_lists(family)) {
                if !row.is("disabled") {
                    entries
                        .entry(row.text("list"))
                        .or_default()
                        .push(row.text("address"));
                }
            }
        }
        Self {
            survey,
            covered: &names.covered,
            doors: doors(survey, facts),
            lists,
            entries,
        }
    }

    /// What an unconfirmed tunnel can come in by.
    pub(super) fn doors(&self) -> &[Door] {
        &self.doors
    }

    /// The tables of a family; none where the router has no such firewall.
    pub(super) fn firewall(&self, family: Family) -> Option<Firewall> {
        if !self.survey.has(Section::filter(family)) {
            return None;
        }
        let table = |section| {
            let rules = self.survey.rows(section).iter();
            Ruleset::new(
                rules
                    .map(|row| Rule::from_properties(row.properties()))
                    .collect(),
            )
        };
        Some(Firewall {
            raw: table(Section::raw(family)),
            mangle: table(Section::mangle(family)),
            filter: table(Section::filter(family)),
        })
    }

    /// What stands on a list, as far as it was read.
    pub(super) fn entries(&self, list: &str) -> impl Iterator<Item = AddressSet> {
        let entries = self.entries.get(list).into_iter().flatten();
        entries.filter_map(|entry| entry.parse().ok())
    }

    fn has_names(&self, list: &str) -> bool {
        let mut entries = self.entries.get(list).into_iter().flatten();
        entries.any(|entry| entry.parse::<AddressSet>().is_err())
    }

    fn door(&self, interface: &str) -> Option<&Door> {
        self.doors.iter().find(|door| door.interface == interface)
    }

    fn is_dynamic(&self, interface: &str) -> Truth {
        if interface == ELSEWHERE {
            return Truth::Unknown;
        }
        if let Some(door) = self.door(interface) {
            return door.dynamic.into();
        }
        let row = self.survey.named(Section::Interfaces, interface);
        row.map_or(Truth::Unknown, |row| row.is("dynamic").into())
    }

    /// Members are reckoned in this order: `include`, `exclude`, then the static ones (MikroTik manual, *Interface lists*).
    fn belongs(&self, list: &str, interface: &str, depth: u8) -> Truth {
        match list {
            "all" => return Truth::Yes,
            "none" => return Truth::No,
            "dynamic" => return self.is_dynamic(interface),
            "static" => return self.is_dynamic(interface).negate(),
            _ => {}
        }
        if depth > 8 || !self.survey.is_whole(Section::InterfaceListMembers) {
            return Truth::Unknown;
        }
        let member = self
            .survey
            .rows(Section::InterfaceListMembers)
            .iter()
            .any(|row| {
                row.text("list") == list
                    && row.text("interface") == interface
                    && !row.is("disabled")
            });
        let by_profile = self
            .door(interface)
            .is_some_and(|door| door.list.as_deref() == Some(list));
        if member || by_profile {
            return Truth::Yes;
        }
        let Some(row) = self.survey.named(Section::InterfaceLists, list) else {
            return Truth::No;
        };
        let any_of = |property: &str| {
            row.list(property).fold(Truth::No, |sum, list| {
                sum.or(self.belongs(list, interface, depth + 1))
            })
        };
        any_of("include").and(any_of("exclude").negate())
    }
}

impl Lists for World<'_> {
    fn address_listed(&self, list: &str, address: IpAddr) -> Truth {
        let listed = self.entries(list).any(|set| set.contains(address));
        match listed {
            true => Truth::Yes,
            false if self.has_names(list) || !self.lists.contains(list) => Truth::Unknown,
            false => Truth::No,
        }
    }

    fn set_listed(&self, list: &str, set: &AddressSet) -> Truth {
        let within = |entry: AddressSet| entry.contains(set.first()) && entry.contains(set.last());
        let apart = |entry: AddressSet| {
            entry.is_ipv4() != set.is_ipv4()
                || entry.last() < set.first()
                || set.last() < entry.first()
        };
        if self.entries(list).any(within) {
            Truth::Yes
        } else if self.lists.contains(list)
            && !self.has_names(list)
            && self.entries(list).all(apart)
        {
            Truth::No
        } else {
            Truth::Unknown
        }
    }

    fn family_listed(&self, list: &str, ipv6: bool) -> Truth {
        let none = self.entries(list).all(|entry| entry.is_ipv4() == ipv6);
        if none && self.lists.contains(list) && !self.has_names(list) {
            Truth::No
        } else {
            Truth::Unknown
        }
    }

    fn interface_listed(&self, list: &str, interface: &str) -> Truth {
        if interface == ELSEWHERE && list != "all" && list != "none" {
            // By its definition it is none that the gate covers; of other lists nothing is known.
            return if list == self.covered {
                Truth::No
            } else {
                Truth::Unknown
            };
        }
        self.belongs(list, interface, 0)
    }

    fn interface_is(&self, pattern: &str, interface: &str) -> Truth {
        if interface == ELSEWHERE {
            return Truth::Unknown;
        }
        let Some(door) = self.door(interface) else {
            return (pattern == interface).into();
        };
        match pattern {
            _ if pattern == interface => Truth::Yes,
            "all-ppp" => Truth::Yes,
            "all-ethernet" | "all-vlan" | "all-wireless" => Truth::No,
            // A rule made for one live tunnel.
            _ if door.dynamic && pattern.starts_with('<') => Truth::Unknown,
            _ => Truth::No,
        }
    }
}

/// One for each profile that a login of a managed account can come up with, and each static binding.
fn doors(survey: &Survey, facts: &Facts) -> Vec<Door> {
    let mut doors = Vec::new();
    let mut profiles: BTreeSet<&str> = BTreeSet::new();
    for section in Section::SERVERS {
        for row in survey.rows(section) {
            let off = row.is("disabled") || matches!(row.text("enabled"), "false" | "no");
            if !off {
                profiles.insert(row.get("default-profile").unwrap_or("default"));
            }
        }
    }
    let exempt = |name: &str| facts.account(name).is_some_and(|account| account.exempt);
    for secret in survey.rows(Section::Secrets) {
        if !secret.is("disabled") && !exempt(secret.text("name")) {
            profiles.insert(secret.get("profile").unwrap_or("default"));
        }
    }
    for name in profiles {
        let profile = survey.named(Section::Profiles, name);
        doors.push(Door {
            interface: format!("\u{0}tunnel of {name}"),
            what: format!("a tunnel with the profile {name}"),
            dynamic: true,
            list: profile
                .and_then(|row| row.get("interface-list"))
                .map(str::to_owned),
            addresses: addresses(survey, profile, name),
        });
    }
    for section in Section::BINDINGS {
        for row in survey.rows(section) {
            if row.is("dynamic") || row.is("disabled") || exempt(row.text("user")) {
                continue;
            }
            doors.push(Door {
                interface: row.text("name").to_owned(),
                what: format!("the static binding {}", row.text("name")),
                dynamic: false,
                list: None,
                addresses: Vec::new(),
            });
        }
    }
    doors
}

/// What tunnels of a profile get; empty if one of them is not known.
fn addresses(survey: &Survey, profile: Option<&Record>, name: &str) -> Vec<AddressSet> {
    let of_profile = profile.and_then(|row| row.get("remote-address"));
    let of_secrets = survey
        .rows(Section::Secrets)
        .iter()
        .filter(|secret| secret.get("profile").unwrap_or("default") == name)
        .filter_map(|secret| secret.get("remote-address"));
    let mut all = Vec::new();
    for text in of_profile.into_iter().chain(of_secrets) {
        match resolved(survey, text) {
            Some(sets) => all.extend(sets),
            None => return Vec::new(),
        }
    }
    all
}

/// An address, or the ranges of a pool.
fn resolved(survey: &Survey, text: &str) -> Option<Vec<AddressSet>> {
    if let Ok(set) = text.parse() {
        return Some(vec![set]);
    }
    let pool = survey.named(Section::Pools, text)?;
    pool.list("ranges")
        .map(|range| range.parse().ok())
        .collect()
}
