//! Who is on which list, found without going through all entries.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
};

use super::{menu::MenuId, state::State, table::Row, table::RowId};
use crate::firewall::{AddressSet, Lists, Truth};

/// The enabled entries of one family's address lists.
#[derive(Debug, Default)]
pub(crate) struct ListIndex {
    lists: HashMap<String, Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    hosts: HashMap<IpAddr, RowId>,
    sets: BTreeMap<RowId, AddressSet>,
    /// DNS names, which nothing here resolves.
    names: BTreeMap<RowId, ()>,
}

impl ListIndex {
    pub(crate) fn add(&mut self, row: &Row) {
        if row.is("disabled") {
            return;
        }
        let entries = self.lists.entry(row.text("list").to_owned()).or_default();
        match row.text("address").parse::<AddressSet>() {
            Ok(set) => match set.single() {
                Some(address) => {
                    entries.hosts.insert(address, row.id);
                }
                None => {
                    entries.sets.insert(row.id, set);
                }
            },
            Err(_) => {
                entries.names.insert(row.id, ());
            }
        }
    }

    pub(crate) fn remove(&mut self, row: &Row) {
        let Some(entries) = self.lists.get_mut(row.text("list")) else {
            return;
        };
        entries.sets.remove(&row.id);
        entries.names.remove(&row.id);
        let host = row
            .text("address")
            .parse::<AddressSet>()
            .ok()
            .and_then(|set| set.single());
        if let Some(address) = host.filter(|address| entries.hosts.get(address) == Some(&row.id)) {
            entries.hosts.remove(&address);
        }
    }

    fn holds(&self, list: &str, address: IpAddr) -> Truth {
        let Some(entries) = self.lists.get(list) else {
            return Truth::No;
        };
        if entries.hosts.contains_key(&address)
            || entries.sets.values().any(|set| set.contains(address))
        {
            return Truth::Yes;
        }
        if entries.names.is_empty() {
            Truth::No
        } else {
            Truth::Unknown
        }
    }
}

/// Lists may include lists; deeper than this they include themselves.
const MAX_DEPTH: usize = 32;

impl State {
    /// Whether an interface belongs to a list: it is a member; or it belongs to an included list and to no excluded one
    /// (MikroTik manual, *Interface lists*: included lists are added first, then excluded ones taken away, then the members
    /// of the list itself added).
    ///
    /// Whether the members that profiles put on excluded lists count there is a switch.
    fn is_listed(&self, list: &str, interface: &str, of_profiles: bool, depth: usize) -> bool {
        let dynamic = || {
            self.table(MenuId::Interface)
                .named(interface)
                .is_some_and(|row| row.dynamic)
        };
        match list {
            "all" => return true,
            "none" => return false,
            "static" => return !dynamic(),
            "dynamic" => return dynamic() && self.quirks.dynamic_list_has_ppp,
            _ => {}
        }
        let member = self
            .table(MenuId::InterfaceListMember)
            .find(&[list.as_bytes(), interface.as_bytes()]);
        if member.is_some_and(|row| !row.is("disabled") && (of_profiles || !row.dynamic)) {
            return true;
        }
        let Some(row) = self
            .table(MenuId::InterfaceList)
            .named(list)
            .filter(|_| depth < MAX_DEPTH)
        else {
            return false;
        };
        let any = |names: &str, of_profiles: bool| {
            let mut names = names.split(',').filter(|name| !name.is_empty());
            names.any(|name| self.is_listed(name, interface, of_profiles, depth + 1))
        };
        let excluded = of_profiles && self.quirks.exclude_sees_profile_members;
        any(row.text("include"), of_profiles) && !any(row.text("exclude"), excluded)
    }
}

impl Lists for State {
    fn address_listed(&self, list: &str, address: IpAddr) -> Truth {
        self.list_index(address.is_ipv6()).holds(list, address)
    }

    fn interface_listed(&self, list: &str, interface: &str) -> Truth {
        self.is_listed(list, interface, true, 0).into()
    }

    fn interface_is(&self, pattern: &str, interface: &str) -> Truth {
        let kind = || {
            self.table(MenuId::Interface)
                .named(interface)
                .map_or("", |row| row.text("type"))
        };
        match pattern {
            _ if pattern == interface => true,
            "all-ppp" => ["l2tp-", "pptp-", "sstp-", "ovpn-", "pppoe-"]
                .iter()
                .any(|ppp| kind().starts_with(ppp)),
            "all-ethernet" => kind() == "ether",
            "all-vlan" => kind() == "vlan",
            "all-wireless" => kind() == "wlan",
            _ => false,
        }
        .into()
    }
}
