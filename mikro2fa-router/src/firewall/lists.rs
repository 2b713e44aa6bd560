//! Who is on which list: what a rule with a list matcher asks.

use std::{
    collections::{HashMap, HashSet},
    net::IpAddr,
};

use super::{AddressSet, Truth};

/// Address lists and interface lists, as they are while a packet is judged.
pub trait Lists {
    /// Whether `address` is on the address list. [`Truth::Unknown`] where the list has entries that cannot be judged
    /// (a DNS name not resolved yet) and no other one holds the address.
    fn address_listed(&self, list: &str, address: IpAddr) -> Truth;

    /// The same of all addresses of a set: [`Truth::Unknown`] where it holds for some only.
    fn set_listed(&self, list: &str, set: &AddressSet) -> Truth {
        let _ = (list, set);
        Truth::Unknown
    }

    /// The same of all addresses of a family: no, where the list has none of it.
    fn family_listed(&self, list: &str, ipv6: bool) -> Truth {
        let _ = (list, ipv6);
        Truth::Unknown
    }

    /// Whether the interface belongs to the interface list, with the built-in lists `all`, `none`, `static` and
    /// `dynamic`, and with `include` and `exclude` worked out.
    fn interface_listed(&self, list: &str, interface: &str) -> Truth;

    /// Whether a rule's `in-interface` or `out-interface` means this interface. `all-ppp`, `all-ethernet` and so on are
    /// no interfaces but kinds of them; who knows the kinds answers better than this.
    fn interface_is(&self, pattern: &str, interface: &str) -> Truth {
        match pattern {
            _ if pattern == interface => Truth::Yes,
            "all-ethernet" | "all-ppp" | "all-vlan" | "all-wireless" => Truth::Unknown,
            _ => Truth::No,
        }
    }
}

/// Lists held in memory, for tests and for judging what was read from a router once.
#[derive(Clone, Debug, Default)]
pub struct StaticLists {
    addresses: HashMap<String, Vec<AddressSet>>,
    unresolved: HashSet<String>,
    interfaces: HashMap<String, HashSet<String>>,
}

impl StaticLists {
    /// Puts an address, a prefix, a range or a DNS name on an address list. A name makes every question about that list
    /// that nothing else answers [`Truth::Unknown`].
    pub fn add_address(&mut self, list: &str, address: &str) {
        match address.parse() {
            Ok(set) => self.addresses.entry(list.to_owned()).or_default().push(set),
            Err(_) => {
                self.unresolved.insert(list.to_owned());
            }
        }
    }

    /// Makes an interface a member of an interface list. Lists with `include` or `exclude` are to be worked out before.
    pub fn add_interface(&mut self, list: &str, interface: &str) {
        self.interfaces
            .entry(list.to_owned())
            .or_default()
            .insert(interface.to_owned());
    }
}

impl Lists for StaticLists {
    fn address_listed(&self, list: &str, address: IpAddr) -> Truth {
        let listed = self
            .addresses
            .get(list)
            .is_some_and(|sets| sets.iter().any(|set| set.contains(address)));
        match listed {
            true => Truth::Yes,
            false if self.unresolved.contains(list) => Truth::Unknown,
            false => Truth::No,
        }
    }

    fn set_listed(&self, list: &str, set: &AddressSet) -> Truth {
        let entries = self.addresses.get(list).map_or(&[][..], Vec::as_slice);
        if entries.iter().any(|entry| set.within(entry) == Truth::Yes) {
            Truth::Yes
        } else if !self.unresolved.contains(list) && entries.iter().all(|it| it.is_apart(set)) {
            Truth::No
        } else {
            Truth::Unknown
        }
    }

    fn family_listed(&self, list: &str, ipv6: bool) -> Truth {
        let entries = self.addresses.get(list).map_or(&[][..], Vec::as_slice);
        let mut own = entries.iter().filter(|entry| entry.is_ipv4() != ipv6);
        if own.clone().any(AddressSet::is_everything) {
            Truth::Yes
        } else if own.next().is_none() && !self.unresolved.contains(list) {
            Truth::No
        } else {
            Truth::Unknown
        }
    }

    fn interface_listed(&self, list: &str, interface: &str) -> Truth {
        match list {
            "all" => Truth::Yes,
            "none" => Truth::No,
            "static" | "dynamic" if !self.interfaces.contains_key(list) => Truth::Unknown,
            _ => self
                .interfaces
                .get(list)
                .is_some_and(|members| members.contains(interface))
                .into(),
        }
    }
}
