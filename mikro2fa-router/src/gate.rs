//! The gate: what a prepared router has so that it holds unconfirmed tunnels back by itself. Pure values; the one
//! description that prepare builds by, check and the watch compare with, restore takes back, and the simulator starts with.
//!
//! ```text
//! forward ──jump──▶ mikro2fa-forward        one jump per chain, above everything static: the only switch
//! input   ──jump──▶ mikro2fa-input
//!                    drop    from covered, banned
//!                    return  emergency
//!                    accept  from covered, not permitted, to what quarantine reaches
//!                    drop    from covered, not permitted
//!                    accept  answers to quarantine
//!                    drop    to covered, not permitted
//!                    return  to the administrator's own rules
//! ```
//!
//! **The gate only takes away**: permitted packets fall through to the administrator's own rules, and nothing but
//! quarantine's own destinations is accepted. Both ends of a packet between two tunnels are judged, since each `drop` asks
//! what is *not* permitted; returning for permitted sources first would open permitted to quarantined.
//!
//! **Covered traffic is never fasttracked**: before each fasttrack rule stand two that accept what it would have passed, so
//! that a lapsed permit stops the very next packet.

use crate::console;

mod dead_man;
mod names;
mod rules;
#[cfg(test)]
mod tests;

pub use dead_man::{DEAD_MAN, DEAD_MAN_EVERY, DEAD_MAN_POLICY, Guarded};
pub use names::{GateNames, InvalidName};
pub use rules::{COMPANION, GateRule, SWITCH, Which};

/// The two families of addresses, each with a firewall of its own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Family {
    /// `/ip firewall`
    V4,
    /// `/ipv6 firewall`
    V6,
}

impl Family {
    /// Both.
    pub const ALL: [Self; 2] = [Self::V4, Self::V6];
}

/// The built-in chains that the gate stands in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Way {
    /// What passes through the router.
    Forward,
    /// What goes to the router itself.
    Input,
}

impl Way {
    /// Both, in the order in which they are switched on.
    pub const ALL: [Self; 2] = [Self::Forward, Self::Input];

    /// The chain's name.
    #[must_use]
    pub const fn chain(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Input => "input",
        }
    }
}

/// Networks that Telegram publishes for its data centres (core.telegram.org/resources/cidr.txt); what quarantine reaches by
/// default, so that a phone behind the tunnel can answer. IPv4 only: IPv6 of covered tunnels is dropped.
pub const TELEGRAM: [&str; 7] = [
    "91.105.192.0/23",
    "91.108.4.0/22",
    "91.108.8.0/22",
    "91.108.12.0/22",
    "91.108.16.0/22",
    "91.108.56.0/22",
    "149.154.160.0/20",
];

/// Ports on which Telegram's clients talk.
pub const TELEGRAM_PORTS: &str = "80,443,5222";

/// Packets a second, and at once, that all quarantined tunnels together may send to the resolver: enough to find Telegram, too
/// little for a tunnel through DNS that is of much use.
pub const RESOLVER_LIMIT: &str = "20,40:packet";

/// The connection states that FastTrack passes in RouterOS's default configuration.
pub const FASTTRACKED_STATES: &str = "established,related,untracked";

/// Which tunnels the gate covers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Coverage {
    /// Every dynamic interface that is not on the exempt list, and the static bindings of servers: a tunnel is covered whatever
    /// its profile says, and being exempt is what has to be granted.
    #[default]
    AllTunnels,
    /// Only tunnels whose profile puts them on the covered list. Opt-in, thus open to whoever comes up with another profile: a
    /// covered account's tunnel that is not on the list has to be cut.
    Chosen,
}

/// An interface list, as it has to be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InterfaceList {
    /// Its name.
    pub name: String,
    /// Lists whose members belong to it.
    pub include: &'static str,
    /// Lists whose members do not.
    pub exclude: String,
}

impl GateNames {
    /// The interface lists, in the order in which they can be made. Built-in `dynamic` has every interface that the router
    /// made itself, PPP tunnels among them (MikroTik manual, *Interface lists*).
    #[must_use]
    pub fn interface_lists(&self, coverage: Coverage) -> [InterfaceList; 2] {
        let exempt = InterfaceList {
            name: self.exempt.clone(),
            include: "",
            exclude: String::new(),
        };
        let (include, exclude) = match coverage {
            Coverage::AllTunnels => ("dynamic", self.exempt.clone()),
            Coverage::Chosen => ("", String::new()),
        };
        let covered = InterfaceList {
            name: self.covered.clone(),
            include,
            exclude,
        };
        [exempt, covered]
    }

    /// What a covered profile's on-up and on-down begin with: a permit never outlives the tunnel that it was given for, even
    /// if the address goes to somebody else at once. It calls nobody and waits for nothing. A name with a hyphen has to be
    /// written `$"remote-address"` in a script.
    #[must_use]
    pub fn hand_over_script(&self) -> String {
        format!(
            ":do {{ /ip firewall address-list remove [find list={} address=$\"remote-address\"] }} on-error={{}}\n",
            console::Quoted::new(&self.permit)
        )
    }
}
