//! The catalogue, on its own and against the command trees of real routers.

use std::{
    collections::{BTreeSet, HashSet},
    fs::File,
};

use flate2::read::GzDecoder;
use serde_json::Value;

use super::*;

#[test]
fn the_catalogue_is_sound() {
    assert!(CATALOGUE.len() <= 128, "`Edition` has a bit for each");
    for (index, (id, menu)) in CATALOGUE.iter().enumerate() {
        assert_eq!(*id as usize, index, "{}", menu.path);
        assert!(
            menu.path.starts_with('/') && !menu.path.ends_with('/'),
            "{}",
            menu.path
        );
        let names: HashSet<_> = menu.fields.iter().map(|field| field.name).collect();
        assert_eq!(
            names.len(),
            menu.fields.len(),
            "{} has a property twice",
            menu.path
        );
        for name in menu.unique.iter().flat_map(|unique| unique.fields) {
            assert!(menu.index(name).is_some(), "{} has no {name}", menu.path);
        }
    }
}

#[test]
fn a_path_is_one_menu_in_each_version() {
    for version in [
        Version::V6_49,
        Version::V7_12,
        Version::V7_16,
        Version::V7_18,
        Version::V7_22,
    ] {
        for (id, menu) in CATALOGUE.iter().filter(|(_, menu)| menu.exists_in(version)) {
            assert_eq!(
                at_path(menu.path, version),
                Some(*id),
                "{} in {version}",
                menu.path
            );
        }
    }
    let ovpn = "/interface/ovpn-server/server";
    assert_eq!(at_path(ovpn, Version::V7_16), Some(MenuId::OvpnSettings));
    assert_eq!(at_path(ovpn, Version::V7_18), Some(MenuId::OvpnServers));
    assert_eq!(at_path("/ppp/nothing", Version::V7_18), None);
}

/// The command trees of real routers, and the version that each is of.
const TREES: [&str; 7] = [
    "7.10.2", "7.12.2", "7.15.3", "7.16.2", "7.18.2", "7.20.8", "7.22.3",
];

fn tree(version: &str) -> Value {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data");
    let file = File::open(format!("{directory}/routeros-schema-{version}.json.gz")).unwrap();
    let tree: Value = serde_json::from_reader(GzDecoder::new(file)).unwrap();
    tree["paths"].clone()
}

fn names(object: &Value) -> BTreeSet<&str> {
    object
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, _)| name.as_str())
        .collect()
}

/// Arguments that only say which row is meant, and those of `add` that are no properties.
const NO_PROPERTIES: [&str; 4] = ["numbers", "copy-from", "place-before", "value-name"];

/// What the trees list and the simulator leaves out: settings that no part of the project, and no client's test known to us, asks
/// about. `*` = whatever else the menu has.
const LEFT_OUT: [(&str, &str); 15] = [
    ("/ipv6/firewall/mangle", "*"),
    ("/interface/l2tp-server/server", "*"),
    ("/interface/sstp-server/server", "*"),
    ("/interface/ovpn-server/server", "*"),
    ("/interface/pppoe-server/server", "*"),
    ("/ip/settings", "*"),
    // Arguments of the generic tree on menus that cannot be written.
    ("/ip/pool/used", "*"),
    ("/ppp/active", "*"),
    ("/user/active", "*"),
    ("/user-manager/session", "*"),
    ("/ip/hotspot/active", "*"),
    // Set by a fault of the simulator, and by nobody else.
    ("/system/clock", "*"),
    ("/system/script", "owner"),
    // Directories are not made here.
    ("/file", "type"),
    // The simulator's own certificate is the only one.
    ("/certificate", "*"),
];

/// Menus that the trees do not have.
const NOT_RECORDED: [&str; 6] = [
    "/interface/bridge/port",
    "/interface/vlan",
    "/ip/neighbor",
    "/interface/l2tp-client",
    "/interface/sstp-client",
    "/interface/pppoe-client",
];

/// Properties that can be written here and are in no tree.
const INVENTED: [(&str, &str); 0] = [];

#[test]
fn every_property_of_a_real_router_can_be_written_and_no_other() {
    for text in TREES {
        let version: Version = text.parse().unwrap();
        let tree = tree(text);
        for (_, menu) in CATALOGUE.iter().filter(|(_, menu)| menu.exists_in(version)) {
            if NOT_RECORDED.contains(&menu.path) {
                continue;
            }
            let node = &tree[menu.path];
            assert!(node.is_object(), "{} is not in {text}", menu.path);
            let verbs = &node["commands"];
            let mut real = names(&verbs["add"]);
            real.extend(names(&verbs["set"]));
            real.retain(|name| !NO_PROPERTIES.contains(name));
            let fields = menu.fields.iter().filter(|field| field.exists_in(version));
            let writable: BTreeSet<&str> = fields
                .filter(|field| !field.read_only)
                .map(|field| field.name)
                .collect();
            let left_out = |name: &str| {
                LEFT_OUT.contains(&(menu.path, name)) || LEFT_OUT.contains(&(menu.path, "*"))
            };
            for name in real.difference(&writable) {
                assert!(left_out(name), "{} of {text} also has {name}", menu.path);
            }
            for name in writable.difference(&real) {
                let only_on_a_row = node["properties"]
                    .as_array()
                    .is_some_and(|all| all.iter().any(|known| known == name));
                let read_once = !menu.verbs.has(Verbs::SET);
                assert!(
                    only_on_a_row || read_once || INVENTED.contains(&(menu.path, *name)),
                    "{} of {text} has no {name}",
                    menu.path
                );
            }
        }
    }
}

#[test]
fn every_command_is_one_of_a_real_router() {
    for text in TREES {
        let version: Version = text.parse().unwrap();
        let tree = tree(text);
        for (_, menu) in CATALOGUE.iter().filter(|(_, menu)| menu.exists_in(version)) {
            if NOT_RECORDED.contains(&menu.path) {
                continue;
            }
            let real = names(&tree[menu.path]["commands"]);
            for (verb, set) in [
                ("add", Verbs::ADD),
                ("set", Verbs::SET),
                ("remove", Verbs::REMOVE),
                ("enable", Verbs::SWITCH),
                ("disable", Verbs::SWITCH),
                ("unset", Verbs::UNSET),
                ("move", Verbs::MOVE),
                ("reset-counters", Verbs::RESET),
                ("close-session", Verbs::CLOSE_SESSION),
                ("activate-user-profile", Verbs::ACTIVATE),
                ("monitor", Verbs::MONITOR),
                ("login", Verbs::LOGIN),
            ] {
                let by_another_name =
                    menu.path == "/user/active" && verb == "remove" && !version.at_least(7, 19);
                let has = menu.verbs.has(set) && !by_another_name;
                assert!(
                    !has || real.contains(verb),
                    "{} of {text} has no {verb}",
                    menu.path
                );
            }
        }
    }
}
