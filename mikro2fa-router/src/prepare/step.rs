//! What a plan consists of: single commands, each with what it is for and what it is about.

use std::{borrow::Cow, fmt};

use mikro2fa_core::{secret::Secret, tunnel::Text};

use crate::{
    gate::Family,
    sentence::Path,
    survey::{Record, Section},
};

macro_rules! menus {
    ($($(#[$doc:meta])* $name:ident = $path:literal, $section:ident, $add:expr, $set:expr, $remove:expr, $shift:expr;)*) => {
        /// A menu that prepare and restore change. There is no other way to name one.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[non_exhaustive]
        pub enum Menu {
            $($(#[$doc])* $name,)*
        }

        impl Menu {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Its path, as the API writes it.
            #[must_use]
            pub const fn path(self) -> &'static str {
                match self { $(Self::$name => $path,)* }
            }

            /// The part of a survey that shows it.
            #[must_use]
            pub const fn section(self) -> Section {
                match self { $(Self::$name => Section::$section,)* }
            }

            pub(crate) const fn add(self) -> Option<Path> {
                match self { $(Self::$name => $add,)* }
            }

            pub(crate) const fn set(self) -> Option<Path> {
                match self { $(Self::$name => $set,)* }
            }

            pub(crate) const fn remove(self) -> Option<Path> {
                match self { $(Self::$name => $remove,)* }
            }

            pub(crate) const fn shift(self) -> Option<Path> {
                match self { $(Self::$name => $shift,)* }
            }
        }
    };
}

menus! {
    /// What users of the router may do.
    Group = "/user/group", Groups, Some(Path::GroupAdd), Some(Path::GroupSet), Some(Path::GroupRemove), None;
    /// Users of the router.
    User = "/user", Users, Some(Path::UserAdd), Some(Path::UserSet), Some(Path::UserRemove), None;
    /// Interface lists.
    InterfaceList = "/interface/list", InterfaceLists, Some(Path::InterfaceListAdd), Some(Path::InterfaceListSet), Some(Path::InterfaceListRemove), None;
    /// Their members.
    Member = "/interface/list/member", InterfaceListMembers, Some(Path::MemberAdd), None, Some(Path::MemberRemove), None;
    /// Address lists.
    AddressList = "/ip/firewall/address-list", AddressLists, Some(Path::ListAdd), None, Some(Path::ListRemove), None;
    /// Address lists of IPv6.
    AddressList6 = "/ipv6/firewall/address-list", AddressLists6, None, None, Some(Path::List6Remove), None;
    /// PPP profiles.
    Profile = "/ppp/profile", Profiles, Some(Path::ProfileAdd), Some(Path::ProfileSet), Some(Path::ProfileRemove), None;
    /// PPP logins.
    Secret = "/ppp/secret", Secrets, None, Some(Path::SecretSet), None, None;
    /// Filter rules.
    Filter = "/ip/firewall/filter", Filter, Some(Path::FilterAdd), Some(Path::FilterSet), Some(Path::FilterRemove), Some(Path::FilterMove);
    /// Filter rules of IPv6.
    Filter6 = "/ipv6/firewall/filter", Filter6, Some(Path::Filter6Add), Some(Path::Filter6Set), Some(Path::Filter6Remove), Some(Path::Filter6Move);
    /// Mangle rules.
    Mangle = "/ip/firewall/mangle", Mangle, Some(Path::MangleAdd), None, Some(Path::MangleRemove), None;
    /// Mangle rules of IPv6.
    Mangle6 = "/ipv6/firewall/mangle", Mangle6, Some(Path::Mangle6Add), None, Some(Path::Mangle6Remove), None;
    /// The L2TP server.
    L2tpServer = "/interface/l2tp-server/server", L2tpServer, None, Some(Path::L2tpSettingsSet), None, None;
    /// The PPTP server.
    PptpServer = "/interface/pptp-server/server", PptpServer, None, Some(Path::PptpSettingsSet), None, None;
    /// The SSTP server.
    SstpServer = "/interface/sstp-server/server", SstpServer, None, Some(Path::SstpSettingsSet), None, None;
    /// OpenVPN servers.
    OvpnServer = "/interface/ovpn-server/server", OvpnServers, None, Some(Path::OvpnSettingsSet), None, None;
    /// PPPoE servers.
    PppoeServer = "/interface/pppoe-server/server", PppoeServers, None, Some(Path::PppoeServersSet), None, None;
    /// Certificates.
    Certificate = "/certificate", Certificates, Some(Path::CertificateAdd), None, Some(Path::CertificateRemove), None;
    /// What runs by the clock.
    Scheduler = "/system/scheduler", Schedulers, Some(Path::SchedulerAdd), Some(Path::SchedulerSet), Some(Path::SchedulerRemove), None;
    /// Services of the router.
    Service = "/ip/service", Services, None, Some(Path::ServiceSet), None, None;
    /// Settings of IPv4.
    IpSettings = "/ip/settings", IpSettings, None, Some(Path::IpSettingsSet), None, None;
}

impl Menu {
    /// The filter rules of a family.
    #[must_use]
    pub const fn filter(family: Family) -> Self {
        match family {
            Family::V4 => Self::Filter,
            Family::V6 => Self::Filter6,
        }
    }

    /// The mangle rules of a family.
    #[must_use]
    pub const fn mangle(family: Family) -> Self {
        match family {
            Family::V4 => Self::Mangle,
            Family::V6 => Self::Mangle6,
        }
    }

    /// The menu of this path.
    #[must_use]
    pub fn of(path: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|menu| menu.path() == path)
    }

    /// The server menu that this section of a survey shows.
    #[must_use]
    pub fn server(section: Section) -> Option<Self> {
        let mut all = Self::ALL.iter().copied();
        all.find(|menu| menu.section() == section)
    }
}

/// A property's value.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// For everybody to see.
    Plain(Text),
    /// Never shown.
    Secret(Secret),
}

impl Value {
    /// The value itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        match self {
            Self::Plain(text) => text,
            Self::Secret(secret) => secret.expose(),
        }
    }

    /// As it may be shown.
    #[must_use]
    pub fn shown(&self) -> Cow<'_, str> {
        match self {
            Self::Plain(text) => Cow::Borrowed(text),
            Self::Secret(_) => Cow::Borrowed("(hidden)"),
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.shown())
    }
}

impl<T: Into<Text>> From<T> for Value {
    fn from(text: T) -> Self {
        Self::Plain(text.into())
    }
}

/// Properties with their values.
pub type Properties = Vec<(&'static str, Value)>;

/// What a row is found by: all of these have to be so. Empty in menus of one record.
#[derive(Clone, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Key(pub Vec<(String, String)>);

impl Key {
    /// The row of this name.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self::of([("name", name)])
    }

    /// The row with these.
    #[must_use]
    pub fn of<'a>(properties: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let all = properties.into_iter();
        Self(all.map(|(n, v)| (n.to_owned(), v.to_owned())).collect())
    }

    /// Is it this row? The router's own rows, made for live tunnels or connections, are never meant.
    #[must_use]
    pub fn meets(&self, row: &Record) -> bool {
        let timed = row.get("timeout").is_some();
        (timed || !row.is("dynamic"))
            && self
                .0
                .iter()
                .all(|(name, value)| same(row.text(name), value))
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [] => f.write_str("settings"),
            [(_, only)] => f.write_str(only),
            all => {
                for (index, (name, value)) in all.iter().enumerate() {
                    let gap = if index > 0 { " " } else { "" };
                    write!(f, "{gap}{name}={value}")?;
                }
                Ok(())
            }
        }
    }
}

/// Do these two values mean the same? RouterOS writes flags in two ways, line ends too, and sets in an order of its own.
#[must_use]
pub fn same(one: &str, other: &str) -> bool {
    fn plain(text: &str) -> Cow<'_, str> {
        match text {
            "yes" => Cow::Borrowed("true"),
            "no" => Cow::Borrowed("false"),
            _ if text.contains('\r') => Cow::Owned(text.replace("\r\n", "\n")),
            _ if text.contains(',') => {
                let mut words: Vec<&str> = text.split(',').collect();
                words.sort_unstable();
                Cow::Owned(words.join(","))
            }
            _ => Cow::Borrowed(text),
        }
    }
    // A flag that is not set is left out.
    let absent = |text: &str| matches!(text, "" | "no" | "false");
    plain(one) == plain(other) || absent(one) && absent(other)
}

/// Where a rule stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Place {
    /// Before the first rule of this chain that is not the router's own: nothing can be placed before those.
    FirstOf(&'static str),
    /// Before the fasttrack rule with this number, from 0, among those that are not the router's own.
    BeforeFasttrack(usize),
}

impl Place {
    /// The row that this is before, in the rules as they stand.
    #[must_use]
    pub fn find<'a>(&self, rows: &'a [Record]) -> Option<&'a Record> {
        let mut fixed = rows.iter().filter(|row| !row.is("dynamic"));
        match self {
            Self::FirstOf(chain) => fixed.find(|row| row.text("chain") == *chain),
            Self::BeforeFasttrack(number) => fixed
                .filter(|row| row.text("action") == "fasttrack-connection")
                .nth(*number),
        }
    }
}

/// What a step does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Act {
    /// Makes a row.
    Add {
        /// What it is found by afterwards.
        key: Key,
        /// As a copy of the row of this name, with these properties instead of its.
        copy_from: Option<Text>,
        /// Where; at the end if nothing is said.
        place: Option<Place>,
        /// What it is like.
        properties: Properties,
    },
    /// Changes rows.
    Set {
        /// Which; all of them have what `before` says.
        keys: Vec<Key>,
        /// What they had.
        before: Vec<(&'static str, Text)>,
        /// What they get. An empty value takes a property away.
        after: Properties,
    },
    /// Takes a row away that prepare made.
    Remove {
        /// Which.
        key: Key,
    },
    /// Moves a rule.
    Move {
        /// Which.
        key: Key,
        /// To where.
        place: Place,
    },
    /// Signs a certificate with its own key.
    Sign {
        /// Its name.
        name: Text,
    },
}

/// One command, with what it is for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// What it is for, in a few words for the one who reads the plan.
    pub why: Cow<'static, str>,
    /// In which menu.
    pub menu: Menu,
    /// What it does.
    pub act: Act,
}

impl Step {
    /// Makes a row.
    pub(crate) fn add(
        menu: Menu,
        why: impl Into<Cow<'static, str>>,
        key: Key,
        properties: Properties,
    ) -> Self {
        Self {
            why: why.into(),
            menu,
            act: Act::Add {
                key,
                copy_from: None,
                place: None,
                properties,
            },
        }
    }

    /// Changes one row.
    pub(crate) fn set(
        menu: Menu,
        why: impl Into<Cow<'static, str>>,
        key: Key,
        before: Vec<(&'static str, Text)>,
        after: Properties,
    ) -> Self {
        Self {
            why: why.into(),
            menu,
            act: Act::Set {
                keys: vec![key],
                before,
                after,
            },
        }
    }

    /// Takes a row away.
    pub(crate) fn remove(menu: Menu, why: impl Into<Cow<'static, str>>, key: Key) -> Self {
        Self {
            why: why.into(),
            menu,
            act: Act::Remove { key },
        }
    }
}
