//! What a menu is: a path, properties with their kinds, and what can be done with its rows. All menus are rows of one
//! catalogue; what differs from menu to menu beyond that is in [`rules`](super::rules).

mod bridge;
mod client;
mod dns;
mod ethernet;
mod firewall;
mod firewall_tables;
mod general;
mod hotspot;
mod interface;
mod ip;
mod network;
mod ppp;
mod radius;
mod route;
mod ssh;
mod system;
#[cfg(test)]
mod tests;
mod tools;
mod user_manager;

use super::{
    policy::Policy,
    state::State,
    table::{Row, Value},
    user_manager::Spelling,
    version::Version,
};

macro_rules! catalogue {
    ($($id:ident = $menu:expr;)*) => {
        /// Every menu that is simulated.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub(crate) enum MenuId { $($id),* }

        /// All of them, in the order of [`MenuId`].
        pub(crate) static CATALOGUE: &[(MenuId, &Menu)] = &[$((MenuId::$id, &$menu)),*];

        impl MenuId {
            /// What the menu is like.
            pub(crate) const fn menu(self) -> &'static Menu {
                match self { $(Self::$id => &$menu),* }
            }
        }
    };
}

catalogue! {
    Secret = ppp::SECRET;
    Profile = ppp::PROFILE;
    Active = ppp::ACTIVE;
    Aaa = ppp::AAA;
    Interface = interface::INTERFACE;
    Ethernet = ethernet::ETHERNET;
    InterfaceList = interface::LIST;
    InterfaceListMember = interface::MEMBER;
    L2tpServer = interface::L2TP;
    L2tpSettings = interface::L2TP_SETTINGS;
    PptpServer = interface::PPTP;
    PptpSettings = interface::PPTP_SETTINGS;
    SstpServer = interface::SSTP;
    SstpSettings = interface::SSTP_SETTINGS;
    OvpnServer = interface::OVPN;
    OvpnSettings = interface::OVPN_SETTINGS;
    OvpnServers = interface::OVPN_SERVERS;
    PppoeServer = interface::PPPOE;
    PppoeServers = interface::PPPOE_SERVERS;
    L2tpClient = client::L2TP;
    SstpClient = client::SSTP;
    PppoeClient = client::PPPOE;
    Address = ip::ADDRESS;
    Pool = ip::POOL;
    PoolUsed = ip::POOL_USED;
    Settings = ip::SETTINGS;
    Service = ip::SERVICE;
    Route = route::ROUTE;
    Dns = dns::DNS;
    DnsStatic = dns::STATIC;
    Certificate = general::CERTIFICATE;
    Filter = firewall::FILTER;
    AddressList = firewall::ADDRESS_LIST;
    Connection = firewall::CONNECTION;
    Filter6 = firewall::FILTER6;
    Mangle6 = firewall::MANGLE6;
    AddressList6 = firewall::ADDRESS_LIST6;
    Connection6 = firewall::CONNECTION6;
    Identity = system::IDENTITY;
    Resource = system::RESOURCE;
    Clock = system::CLOCK;
    Package = system::PACKAGE;
    DeviceMode = system::DEVICE_MODE;
    Scheduler = system::SCHEDULER;
    Script = system::SCRIPT;
    User = system::USER;
    Group = system::GROUP;
    UserActive = system::USER_ACTIVE;
    Ssh = ssh::SSH;
    SshKeys = ssh::SSH_KEYS;
    Log = general::LOG;
    Queue = general::QUEUE;
    Radius = radius::RADIUS;
    RadiusIncoming = radius::INCOMING;
    UmSettings = user_manager::SETTINGS;
    UmUser = user_manager::USER;
    UmGroup = user_manager::GROUP;
    UmProfile = user_manager::PROFILE;
    UmUserProfile = user_manager::USER_PROFILE;
    UmRouter = user_manager::ROUTER;
    UmSession = user_manager::SESSION;
    Um6Customer = user_manager::CUSTOMER6;
    Um6User = user_manager::USER6;
    Um6Profile = user_manager::PROFILE6;
    Um6Router = user_manager::ROUTER6;
    Um6Session = user_manager::SESSION6;
    HotspotUser = hotspot::USER;
    HotspotProfile = hotspot::PROFILE;
    HotspotActive = hotspot::ACTIVE;
    HotspotCookie = hotspot::COOKIE;
    Nat = firewall_tables::NAT;
    Mangle = firewall_tables::MANGLE;
    Raw = firewall_tables::RAW;
    Arp = network::ARP;
    Lease = network::LEASE;
    Address6 = network::ADDRESS6;
    Cloud = network::CLOUD;
    WireGuard = network::WIREGUARD;
    WireGuardPeer = network::WIREGUARD_PEER;
    QueueTree = network::QUEUE_TREE;
    Netwatch = tools::NETWATCH;
    Note = tools::NOTE;
    NtpClient = tools::NTP_CLIENT;
    Logging = tools::LOGGING;
    LoggingAction = tools::LOGGING_ACTION;
    Bridge = bridge::BRIDGE;
    BridgePort = bridge::PORT;
    Vlan = bridge::VLAN;
    Neighbor = network::NEIGHBOR;
    File = tools::FILE;
}

/// A menu.
#[derive(Debug)]
pub(crate) struct Menu {
    pub(crate) path: &'static str,
    /// One record without `.id`, instead of rows.
    pub(crate) single: bool,
    pub(crate) fields: &'static [Field],
    pub(crate) verbs: Verbs,
    pub(crate) unique: Option<Unique>,
    /// What changing it needs.
    pub(crate) write_policy: Policy,
    pub(crate) since: (u8, u8),
    /// The first version that has it no more.
    pub(crate) until: (u8, u8),
    /// The package that brings it, and the first version that has it without.
    pub(crate) package: Option<(&'static str, (u8, u8))>,
}

/// What distinguishes rows, and what RouterOS says when it does not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unique {
    pub(crate) fields: &'static [&'static str],
    pub(crate) text: &'static str,
}

/// A set of commands besides `print`, `getall`, `listen`, `find` and `get`, which every menu has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Verbs(u16);

impl Verbs {
    pub(crate) const NONE: Self = Self(0);
    pub(crate) const ADD: Self = Self(1);
    pub(crate) const SET: Self = Self(2);
    pub(crate) const REMOVE: Self = Self(4);
    /// `enable` and `disable`
    pub(crate) const SWITCH: Self = Self(8);
    pub(crate) const UNSET: Self = Self(16);
    /// `move`, and `place-before` in `add`: the order means something.
    pub(crate) const MOVE: Self = Self(32);
    /// `reset-counters` and `reset-counters-all`
    pub(crate) const RESET: Self = Self(64);
    /// `close-session`
    pub(crate) const CLOSE_SESSION: Self = Self(128);
    /// `create-and-activate-profile` and `clear-profiles`
    pub(crate) const PROFILES: Self = Self(256);
    /// `activate-user-profile`
    pub(crate) const ACTIVATE: Self = Self(512);
    /// `monitor`, once
    pub(crate) const MONITOR: Self = Self(1024);
    /// `login`
    pub(crate) const LOGIN: Self = Self(2048);
    /// What most tables have.
    pub(crate) const TABLE: Self = Self(1 | 2 | 4 | 8);
    /// The same without `enable` and `disable`.
    pub(crate) const PLAIN: Self = Self(1 | 2 | 4);
    /// What ordered tables have.
    pub(crate) const ORDERED: Self = Self(127);

    pub(crate) const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(crate) const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl Menu {
    const fn table(path: &'static str, verbs: Verbs, fields: &'static [Field]) -> Self {
        Self {
            path,
            single: false,
            fields,
            verbs,
            unique: None,
            write_policy: Policy::WRITE,
            since: (0, 0),
            until: (u8::MAX, 0),
            package: None,
        }
    }

    const fn single(path: &'static str, fields: &'static [Field]) -> Self {
        let mut menu = Self::table(path, Verbs::SET, fields);
        menu.single = true;
        menu
    }

    const fn unique(mut self, fields: &'static [&'static str], text: &'static str) -> Self {
        self.unique = Some(Unique { fields, text });
        self
    }

    const fn written_with(mut self, policy: Policy) -> Self {
        self.write_policy = policy;
        self
    }

    const fn since(mut self, major: u8, minor: u8) -> Self {
        self.since = (major, minor);
        self
    }

    const fn until(mut self, major: u8, minor: u8) -> Self {
        self.until = (major, minor);
        self
    }

    /// Only where this package is installed.
    const fn in_package(mut self, name: &'static str) -> Self {
        self.package = Some((name, (u8::MAX, 0)));
        self
    }

    /// In version 6 only where this package is installed.
    const fn in_package_before_7(mut self, name: &'static str) -> Self {
        self.package = Some((name, (7, 0)));
        self
    }

    /// The package that this version needs for it.
    pub(crate) const fn package_in(&self, version: Version) -> Option<&'static str> {
        match self.package {
            Some((name, until)) if !version.at_least(until.0, until.1) => Some(name),
            _ => None,
        }
    }

    /// Whether this version has the menu.
    pub(crate) const fn exists_in(&self, version: Version) -> bool {
        version.at_least(self.since.0, self.since.1)
            && !version.at_least(self.until.0, self.until.1)
    }

    /// The index of a property.
    pub(crate) fn index(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name == name)
    }

    /// The property and its index.
    pub(crate) fn field(&self, name: &str) -> Option<(usize, &'static Field)> {
        self.fields
            .iter()
            .enumerate()
            .find(|(_, field)| field.name == name)
    }
}

/// The menu at this path in this version.
pub(crate) fn at_path(path: &str, version: Version) -> Option<MenuId> {
    let mut found = CATALOGUE
        .iter()
        .filter(|(_, menu)| menu.path == path && menu.exists_in(version));
    found.next().map(|(id, _)| *id)
}

/// What decides which menus and properties a router has: its version, the packages that are installed, and its build.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Edition {
    pub(crate) version: Version,
    pub(crate) spelling: Spelling,
    /// A bit for each menu, in the order of [`MenuId`].
    menus: u128,
}

impl Edition {
    /// Of a version, with those of its menus that are there.
    pub(crate) fn new(version: Version, spelling: Spelling, has: impl Fn(MenuId) -> bool) -> Self {
        let there = CATALOGUE.iter().filter(|(id, _)| has(*id));
        let menus = there.fold(0, |menus, (id, _)| menus | 1 << *id as u32);
        Self {
            version,
            spelling,
            menus,
        }
    }

    /// Whether this menu is there.
    pub(crate) const fn has(self, menu: MenuId) -> bool {
        self.menus & 1 << menu as u32 != 0
    }
}

/// A property of a menu.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// What a new row has if nothing is said; `None` = the property is absent then.
    pub(crate) default: Option<&'static str>,
    pub(crate) read_only: bool,
    /// `add` must carry it.
    pub(crate) required: bool,
    /// Seen only with policy `sensitive`.
    pub(crate) sensitive: bool,
    /// Sent only if asked for by `.proplist`, `stats` or `detail`.
    pub(crate) on_demand: bool,
    /// Never sent.
    pub(crate) hidden: bool,
    /// The versions that have it: from the first on, and before the second.
    pub(crate) since: (u8, u8),
    pub(crate) until: (u8, u8),
}

/// How a property's values are read and shown.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// Bytes, as they are.
    Text,
    /// `yes`/`no` in, `true`/`false` out.
    Bool,
    /// A whole number up to this one.
    Number(u64),
    /// A RouterOS duration.
    Duration,
    /// One of these words.
    Enum(&'static [&'static str]),
    /// Some of these words, joined by commas.
    Set(&'static [&'static str]),
    /// A group's policies.
    Policy,
    /// An address of either family.
    Address,
    /// A network by its prefix, `192.168.88.0/24`.
    Prefix,
    /// An address with a mask, `192.168.88.1/24`.
    AddressWithMask,
    /// An entry of an address list.
    ListEntry,
    /// Ranges of a pool.
    Ranges,
    /// An address, or the name of a pool.
    AddressOrPool,
    /// The name of a row of that menu, or one of these words.
    Reference(MenuId, &'static [&'static str]),
    /// Names of rows of that menu, joined by commas, or these words.
    References(MenuId, &'static [&'static str]),
    /// As `Reference`, with `!` before it to negate.
    Negatable(MenuId, &'static [&'static str]),
    /// A condition of a firewall rule.
    Matcher,
    /// Whether the router made the row itself.
    Dynamic,
    /// How long the row has existed.
    Age,
    /// How long it will; settable.
    TimeLeft,
    /// Worked out when it is asked for.
    Computed(fn(&State, &Row) -> Option<Value>),
}

const fn field(name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        kind,
        default: None,
        read_only: false,
        required: false,
        sensitive: false,
        on_demand: false,
        hidden: false,
        since: (0, 0),
        until: (u8::MAX, 0),
    }
}

const fn text(name: &'static str) -> Field {
    field(name, Kind::Text)
}

const fn flag(name: &'static str) -> Field {
    field(name, Kind::Bool).or("false")
}

const fn number(name: &'static str) -> Field {
    field(name, Kind::Number(u32::MAX as u64))
}

const fn words(name: &'static str, values: &'static [&'static str]) -> Field {
    field(name, Kind::Enum(values))
}

const fn computed(name: &'static str, how: fn(&State, &Row) -> Option<Value>) -> Field {
    field(name, Kind::Computed(how)).read_only()
}

const COMMENT: Field = text("comment");
const DISABLED: Field = flag("disabled");
const DYNAMIC: Field = field("dynamic", Kind::Dynamic).read_only();

impl Field {
    const fn or(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self
    }

    const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    const fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    const fn sensitive(mut self) -> Self {
        self.sensitive = true;
        self
    }

    const fn on_demand(mut self) -> Self {
        self.on_demand = true;
        self
    }

    const fn hidden(mut self) -> Self {
        self.hidden = true;
        self
    }

    const fn since(mut self, major: u8, minor: u8) -> Self {
        self.since = (major, minor);
        self
    }

    const fn until(mut self, major: u8, minor: u8) -> Self {
        self.until = (major, minor);
        self
    }

    /// Whether this version has the property.
    pub(crate) const fn exists_in(&self, version: Version) -> bool {
        version.at_least(self.since.0, self.since.1)
            && !version.at_least(self.until.0, self.until.1)
    }
}
