//! What there is: the command trees of the versions, and what they say of something that is said.

use std::collections::{BTreeMap, BTreeSet};

use flate2::read::GzDecoder;
use mikro2fa_router::sentence::{Query, Sentence};
use serde_json::Value;

pub(crate) const SCHEMAS: [(&str, &[u8]); 8] = [
    (
        "7.10.2",
        include_bytes!("../data/routeros-schema-7.10.2.json.gz"),
    ),
    (
        "7.12.2",
        include_bytes!("../data/routeros-schema-7.12.2.json.gz"),
    ),
    (
        "7.15.3",
        include_bytes!("../data/routeros-schema-7.15.3.json.gz"),
    ),
    (
        "7.16.2",
        include_bytes!("../data/routeros-schema-7.16.2.json.gz"),
    ),
    (
        "7.18.2",
        include_bytes!("../data/routeros-schema-7.18.2.json.gz"),
    ),
    (
        "7.20.8",
        include_bytes!("../data/routeros-schema-7.20.8.json.gz"),
    ),
    (
        "7.22.3",
        include_bytes!("../data/routeros-schema-7.22.3.json.gz"),
    ),
    (
        "7.24",
        include_bytes!("../data/routeros-schema-7.24.json.gz"),
    ),
];

/// Where a version's tree does not say which properties there are, this one's word is taken.
const TELLS_PROPERTIES: &str = "7.20.8";

/// Menus that the trees leave out. They are only read, with properties that MikroTik's manual names (*L2TP*, *PPPoE* and
/// their kin, client settings), and a router that does not know one is read as without it.
const NOT_RECORDED: [&str; 6] = [
    "/interface/l2tp-client",
    "/interface/pptp-client",
    "/interface/sstp-client",
    "/interface/ovpn-client",
    "/interface/pppoe-client",
    "/interface/ppp-client",
];

/// See [`Schemas::problems`].
const OVPN: &str = "/interface/ovpn-server/server";
/// No tree of version 6 is public. Of its User Manager, what MikroTik's old wiki (*User Manager*, *User Manager/Active
/// sessions*) and programs in use say: the menu, what can be done in it, its properties. Every other menu that is used is the
/// same in 6 and 7.
const SIX: [(&str, &[&str], &[&str]); 4] = [
    (
        "/tool/user-manager/user",
        &[
            "print",
            "set",
            "add",
            "remove",
            "create-and-activate-profile",
        ],
        &[
            "username",
            "name",
            "password",
            "customer",
            "disabled",
            "comment",
            "ip-address",
            "actual-profile",
            // Of the last command.
            "profile",
        ],
    ),
    (
        "/tool/user-manager/customer",
        &["print"],
        &["login", "disabled"],
    ),
    (
        "/tool/user-manager/session",
        &["print", "close-session"],
        &["user", "user-ip", "host-ip", "active"],
    ),
    (
        "/tool/user-manager/router",
        &["print"],
        &["name", "ip-address", "coa-port", "use-coa"],
    ),
];

fn problems_in_six(used: &Use<'_>) -> Vec<String> {
    let (menu, verb) = used.command.rsplit_once('/').unwrap();
    let known = SIX.iter().find(|(path, ..)| *path == menu);
    let Some((_, _, properties)) = known.filter(|(_, verbs, _)| verbs.contains(&verb)) else {
        return vec![format!("6.49: {} is no command", used.command)];
    };
    let of_row = [".id"];
    let names = used.attributes.iter().chain(&used.properties);
    names
        .filter(|name| !properties.contains(*name) && !of_row.contains(*name))
        .map(|name| format!("6.49: {} knows no {name}", used.command))
        .collect()
}

pub(crate) struct Schemas(BTreeMap<&'static str, Value>);

/// One thing that is sent: a command word, and the names that it uses.
pub(crate) struct Use<'a> {
    pub(crate) command: &'a str,
    pub(crate) attributes: BTreeSet<&'a str>,
    pub(crate) properties: BTreeSet<&'a str>,
}

impl Schemas {
    pub(crate) fn load() -> Self {
        let read = |(version, bytes)| {
            let tree: Value = serde_json::from_reader(GzDecoder::new(bytes)).unwrap();
            (version, tree["paths"].clone())
        };
        Self(SCHEMAS.into_iter().map(read).collect())
    }

    pub(crate) fn problems(&self, version: &str, used: &Use<'_>) -> Vec<String> {
        if used.command.starts_with("/tool/user-manager/") {
            return problems_in_six(used);
        }
        let (menu, verb) = used.command.rsplit_once('/').unwrap();
        if NOT_RECORDED.contains(&menu) {
            return Vec::new();
        }
        let node = &self.0[version][menu];
        // Over the API every menu that prints can be listened to.
        let verb = if verb == "listen" { "print" } else { verb };
        let Some(arguments) = node["commands"][verb].as_object() else {
            return vec![format!("{version}: {} is no command", used.command)];
        };
        let mut problems = Vec::new();
        for name in &used.attributes {
            let name = name.trim_start_matches('!');
            let argument = if name == ".id" { "numbers" } else { name };
            if !arguments.contains_key(argument) {
                problems.push(format!(
                    "{version}: {} has no argument {name}",
                    used.command
                ));
            }
        }
        let known = self.properties(version, menu);
        let unknown = used
            .properties
            .iter()
            .filter(|name| !known.contains(**name));
        problems.extend(unknown.map(|name| format!("{version}: {menu} has no property {name}")));
        let mandatory = node["manual"]["arguments"]
            .as_object()
            .into_iter()
            .flatten();
        for (name, _) in mandatory.filter(|(_, it)| it["mandatory"] == true) {
            if verb == "add" && !used.attributes.contains(name.as_str()) {
                problems.push(format!("{version}: {} needs {name}", used.command));
            }
        }
        // OpenVPN's is a menu of one record or a list, by version; each is spoken to as it answered.
        let one_record = !arguments.contains_key("numbers") || menu == OVPN;
        let target = [".id", "numbers"];
        let aimed = one_record || target.iter().any(|it| used.attributes.contains(it));
        if matches!(verb, "set" | "remove") && !aimed {
            problems.push(format!("{version}: {} is about nothing", used.command));
        }
        problems
    }

    /// What `print` can show: arguments of `add` and `set`, and what is read-only.
    fn properties(&self, version: &str, menu: &str) -> BTreeSet<String> {
        let mut names = BTreeSet::from([".id".to_owned()]);
        // Little is recorded of what is read-only in the IPv6 firewall; it is IPv4's with longer addresses.
        let twin = menu.replace("/ipv6/firewall/", "/ip/firewall/");
        for (version, menu) in [(version, menu), (TELLS_PROPERTIES, &twin)] {
            let node = &self.0[version][menu];
            let lists = node["properties"].as_array().into_iter().flatten();
            names.extend(lists.map(|name| name.as_str().unwrap().to_owned()));
            let objects = [
                &node["commands"]["add"],
                &node["commands"]["set"],
                &node["manual"]["arguments"],
                &node["manual"]["read_only"],
            ];
            let objects = objects.into_iter().filter_map(Value::as_object).flatten();
            names.extend(objects.map(|(name, _)| name.clone()));
            let flags = node["manual"]["flags"].as_object().into_iter().flatten();
            names.extend(flags.map(|(_, name)| name.as_str().unwrap().to_owned()));
        }
        names
    }
}

pub(crate) fn used_by(sentence: &Sentence) -> Use<'_> {
    let queries = sentence.queries().iter().filter_map(|query| match query {
        Query::Has(name) | Query::Equals(name, _) => Some(*name),
        Query::Or => None,
    });
    Use {
        command: sentence.path().as_str(),
        attributes: sentence
            .attributes()
            .iter()
            .map(|(name, _)| *name)
            .collect(),
        properties: sentence.proplist().iter().copied().chain(queries).collect(),
    }
}

pub(crate) fn check<'a>(schemas: &Schemas, uses: impl Iterator<Item = Use<'a>>) {
    let mut problems = BTreeSet::new();
    for used in uses {
        for (version, _) in SCHEMAS {
            problems.extend(schemas.problems(version, &used));
        }
    }
    assert_eq!(problems, BTreeSet::new());
}
