//! The User Manager of either version: logins beside the PPP secrets. Its records of sessions inform and never decide, because
//! they stay active when a stop is lost; who is there, PPP says.

use std::net::IpAddr;

use mikro2fa_core::{
    desk::SourceKind,
    router_backend::{AccountRow, Prefix},
    tunnel::Text,
};
use routeros_api::Row;

use crate::{
    handle::{Generation, Id},
    ppp::is_enabled,
    prefix,
    row::{self, Malformed},
    sentence::{Path, Sentence},
    text,
};

/// Which one. The newer was written anew, under other names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum UserManager {
    /// `/tool/user-manager`
    Six,
    /// `/user-manager`
    Seven,
}

const SEVEN: &[&str] = &[".id", "name", "disabled", "comment", "attributes"];
/// Some builds of version 6 call the login `name`: whichever it is, comes.
const SIX: &[&str] = &[".id", "username", "name", "disabled", "comment"];
const SWITCH: &[&str] = &[".id", "disabled"];

impl UserManager {
    /// All logins.
    pub(crate) const fn print(self) -> Sentence {
        self.printing(match self {
            Self::Six => SIX,
            Self::Seven => SEVEN,
        })
    }

    /// The logins of these names.
    pub(crate) fn print_of(self, names: &[Text]) -> Sentence {
        self.named(self.print(), names)
    }

    /// May this login log in?
    pub(crate) fn print_switch(self, name: &Text) -> Sentence {
        self.named(self.printing(SWITCH), std::slice::from_ref(name))
    }

    /// Enables or disables a login and touches nothing else of it, its `otp-secret` above all.
    pub(crate) fn set_switch(self, id: &Id, enabled: bool) -> Sentence {
        let path = match self {
            Self::Six => Path::Users6Set,
            Self::Seven => Path::UsersSet,
        };
        Sentence::new(path)
            .of([id])
            .with("disabled", if enabled { "no" } else { "yes" })
    }

    const fn printing(self, properties: &'static [&'static str]) -> Sentence {
        let path = match self {
            Self::Six => Path::Users6Print,
            Self::Seven => Path::UsersPrint,
        };
        Sentence::new(path).only(properties)
    }

    /// A query for a property that there is not is false, and no error (MikroTik manual, API, *Queries*); the console gets it said
    /// otherwise.
    pub(crate) fn named(self, sentence: Sentence, names: &[Text]) -> Sentence {
        let names = || names.iter().map(|name| text::encode(name));
        match self {
            Self::Six => sentence
                .one_of("username", names())
                .or_one_of("name", names()),
            Self::Seven => sentence.one_of("name", names()),
        }
    }

    /// Reads a login.
    ///
    /// # Errors
    ///
    /// If its id cannot be read.
    pub(crate) fn account(
        self,
        row: Row<'_>,
        generation: Generation,
    ) -> Result<AccountRow, Malformed> {
        let [id, name, username, disabled, comment, attributes] = row.fields([
            ".id",
            "name",
            "username",
            "disabled",
            "comment",
            "attributes",
        ]);
        let name = row::present(name).or(username);
        Ok(AccountRow {
            handle: generation.handle(&row::id(id)?),
            name: text::decode(name.unwrap_or_default()),
            source: SourceKind::UserManager,
            enabled: is_enabled(disabled),
            comment: text::decode(comment.unwrap_or_default()),
            routes: attributes.map(routes_of).unwrap_or_default(),
        })
    }
}

/// What is fixed behind a login by its own RADIUS attributes, `Name:value,Name:value` (MikroTik manual, *User Manager* and
/// *RADIUS*). Those of its group belong to everybody in it and are left out.
fn routes_of(attributes: &[u8]) -> Vec<Prefix> {
    const ROUTES: [&str; 3] = [
        "Framed-Route",
        "Framed-IPv6-Prefix",
        "Delegated-IPv6-Prefix",
    ];
    let attributes = String::from_utf8_lossy(attributes);
    let pairs = attributes
        .split(',')
        .filter_map(|pair| pair.split_once(':'));
    let routes = pairs.filter(|(name, _)| ROUTES.contains(&name.trim()));
    let destinations = routes.filter_map(|(_, route)| route.split_whitespace().next());
    destinations.filter_map(prefix::parse).collect()
}

// ---- its sessions ---------------------------------------------------------------------------------

/// A session that the User Manager takes for a live one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Record {
    pub(crate) id: Id,
    /// Which of its routers the session is on.
    pub(crate) router: IpAddr,
}

impl UserManager {
    /// The records of a login's sessions, old ones among them: which of them are live is filtered here, because nothing says how a
    /// flag is to be asked for.
    pub(crate) fn print_sessions(self, user: &str) -> Sentence {
        let (path, properties): (_, &[&str]) = match self {
            Self::Six => (
                Path::Sessions6Print,
                &[".id", "user-ip", "host-ip", "active"],
            ),
            Self::Seven => (
                Path::SessionsPrint,
                &[".id", "user-address", "nas-ip-address", "active"],
            ),
        };
        Sentence::new(path)
            .only(properties)
            .equal("user", text::encode(user))
    }

    /// Reads a record; none if it is not live, or about another address.
    pub(crate) fn record(self, row: Row<'_>, address: IpAddr) -> Option<Record> {
        let [id, theirs, theirs6, router, router6] = row.fields([
            ".id",
            "user-address",
            "user-ip",
            "nas-ip-address",
            "host-ip",
        ]);
        let parse = |bytes: Option<&[u8]>| -> Option<IpAddr> {
            std::str::from_utf8(bytes?).ok()?.parse().ok()
        };
        let (theirs, router) = match self {
            Self::Six => (theirs6, router6),
            Self::Seven => (theirs, router),
        };
        let live = row.flag("active") && parse(theirs) == Some(address);
        Some(Record {
            id: live.then(|| Id::parse(id?))??,
            router: parse(router)?,
        })
    }

    /// Where the User Manager sends what it has to say to its routers.
    pub(crate) const fn print_routers(self) -> Sentence {
        let (path, properties): (_, &[&str]) = match self {
            Self::Six => (Path::Routers6Print, &["ip-address", "coa-port", "use-coa"]),
            Self::Seven => (Path::RoutersPrint, &["address", "coa-port", "disabled"]),
        };
        Sentence::new(path).only(properties)
    }

    /// The port that this entry sends to, if it is about that router and sends at all.
    pub(crate) fn sends_to(self, row: Row<'_>, router: IpAddr) -> Option<u64> {
        let property = match self {
            Self::Six => "ip-address",
            Self::Seven => "address",
        };
        let address: IpAddr = std::str::from_utf8(row.bytes(property)?)
            .ok()?
            .parse()
            .ok()?;
        let sends = match self {
            Self::Six => row.flag("use-coa"),
            Self::Seven => true,
        };
        let port = routeros_api::row::number(row.bytes("coa-port")?)?;
        (address == router && sends && !row.flag("disabled")).then_some(port)
    }

    /// Asks a session's router to end it.
    pub(crate) fn close_session<'a>(self, ids: impl IntoIterator<Item = &'a Id>) -> Sentence {
        Sentence::new(match self {
            Self::Six => Path::Sessions6Close,
            Self::Seven => Path::SessionsClose,
        })
        .of(ids)
    }
}

/// Does the router listen to its RADIUS server, and where?
pub(crate) const fn print_incoming() -> Sentence {
    Sentence::new(Path::RadiusIncomingPrint).only(&["accept", "port"])
}

/// The port on which it does, if it does.
pub(crate) fn listens_on(row: Row<'_>) -> Option<u64> {
    let port = routeros_api::row::number(row.bytes("port")?)?;
    row.flag("accept").then_some(port)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scripted::rows;

    fn shown(attributes: &str) -> Vec<String> {
        let routes = routes_of(attributes.as_bytes());
        routes.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn fixed_routes_are_read_from_attributes() {
        assert_eq!(
            shown(
                "Mikrotik-Group:vpn,Framed-Route:10.9.0.0/24 10.8.0.4 1,Framed-Route:10.10.0.0/16"
            ),
            ["10.9.0.0/24", "10.10.0.0/16"]
        );
        assert_eq!(
            shown("Framed-IPv6-Prefix:2001:db8:7::/64, Delegated-IPv6-Prefix:2001:db8:8::/56"),
            ["2001:db8:7::/64", "2001:db8:8::/56"]
        );
        assert!(shown("Framed-IP-Address:10.8.0.4,Framed-Route:nonsense,,x").is_empty());
    }

    #[test]
    fn a_login_of_version_6_has_one_name_or_the_other() {
        for row in [
            ".id=*1;username=ann;disabled=true",
            ".id=*1;name=ann;disabled=true",
        ] {
            let rows = rows(row);
            let generation = Generation::first(mikro2fa_core::time::Timestamp(0));
            let row = UserManager::Six
                .account(rows.get(0).unwrap(), generation)
                .unwrap();
            assert_eq!((&*row.name, row.enabled), ("ann", false));
            assert_eq!(row.source, SourceKind::UserManager);
        }
        let asked = format!("{:?}", UserManager::Six.print_of(&["a".into(), "b".into()]));
        assert!(
            asked.ends_with("?=username=a ?=username=b ?#| ?=name=a ?#| ?=name=b ?#|"),
            "{asked}"
        );
    }

    #[test]
    fn only_a_live_record_of_that_address_counts() {
        let address: IpAddr = [10, 8, 0, 4].into();
        for (row, counts) in [
            (
                ".id=*1;user-address=10.8.0.4;nas-ip-address=127.0.0.1;active=true",
                true,
            ),
            (
                ".id=*1;user-address=10.8.0.4;nas-ip-address=127.0.0.1;active=yes",
                true,
            ),
            (
                ".id=*1;user-address=10.8.0.4;nas-ip-address=127.0.0.1;active=false",
                false,
            ),
            (
                ".id=*1;user-address=10.8.0.4;nas-ip-address=127.0.0.1",
                false,
            ),
            (
                ".id=*1;user-address=10.8.0.5;nas-ip-address=127.0.0.1;active=true",
                false,
            ),
            (
                ".id=*1;user-ip=10.8.0.4;host-ip=127.0.0.1;active=true",
                false,
            ),
        ] {
            let rows = rows(row);
            let record = UserManager::Seven.record(rows.get(0).unwrap(), address);
            assert_eq!(record.is_some(), counts, "{row}");
        }
    }
}
