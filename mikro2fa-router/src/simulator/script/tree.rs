//! The console's directories and the commands in them, as far as they are simulated.

use super::{
    super::{
        command,
        menu::{self, CATALOGUE, Edition, MenuId},
    },
    ast::What,
};

/// Commands that belong to no menu of rows.
const OTHERS: [&str; 8] = [
    "/ip/ssh/regenerate-host-key",
    "/user/ssh-keys/import",
    "/tool/fetch",
    "/system/reboot",
    "/log/info",
    "/log/warning",
    "/log/error",
    "/log/debug",
];

/// What else real routers have in these directories, so that a word is short enough here only if it is there (the manual's CLI reference;
/// trees of 7.10 to 7.24). None of it is simulated.
const BESIDE: [(&str, &[&str]); 10] = [
    (
        "",
        &[
            "beep",
            "blink",
            "caps-man",
            "certificate",
            "console",
            "container",
            "disk",
            "environment",
            "execute",
            "export",
            "file",
            "import",
            "iot",
            "ipv6",
            "log",
            "mpls",
            "partitions",
            "password",
            "ping",
            "port",
            "quit",
            "radius",
            "redo",
            "resolve",
            "routing",
            "safe-mode",
            "snmp",
            "special-login",
            "terminal",
            "tool",
            "tr069-client",
            "undo",
        ],
    ),
    (
        "/ip",
        &[
            "arp",
            "cloud",
            "dhcp-client",
            "dhcp-relay",
            "dhcp-server",
            "export",
            "hotspot",
            "ipsec",
            "kid-control",
            "nat-pmp",
            "neighbor",
            "packing",
            "proxy",
            "smb",
            "socks",
            "tftp",
            "traffic-flow",
            "upnp",
            "vrf",
        ],
    ),
    (
        "/ip/firewall",
        &[
            "calea",
            "export",
            "layer7-protocol",
            "mangle",
            "nat",
            "raw",
            "service-port",
        ],
    ),
    (
        "/ipv6",
        &[
            "address",
            "dhcp-client",
            "dhcp-relay",
            "dhcp-server",
            "export",
            "nd",
            "neighbor",
            "pool",
            "route",
            "settings",
        ],
    ),
    ("/ipv6/firewall", &["export", "mangle", "nat", "raw"]),
    ("/ppp", &["export", "l2tp-secret"]),
    (
        "/interface",
        &[
            "6to4",
            "bonding",
            "bridge",
            "dot1x",
            "eoip",
            "eoipv6",
            "export",
            "gre",
            "gre6",
            "ipip",
            "ipipv6",
            "l2tp-client",
            "l2tp-ether",
            "lte",
            "macsec",
            "macvlan",
            "mesh",
            "monitor-traffic",
            "ovpn-client",
            "ppp-client",
            "ppp-server",
            "pppoe-client",
            "pptp-client",
            "sstp-client",
            "veth",
            "vlan",
            "vpls",
            "vrrp",
            "vxlan",
            "wifi",
            "wireguard",
            "wireless",
        ],
    ),
    (
        "/system",
        &[
            "backup",
            "check-installation",
            "console",
            "default-configuration",
            "device-mode",
            "export",
            "hardware",
            "health",
            "history",
            "leds",
            "license",
            "logging",
            "note",
            "ntp",
            "reset-configuration",
            "routerboard",
            "shutdown",
            "sleep",
            "special-login",
            "ssh",
            "ssh-exec",
            "sup-output",
            "swos",
            "telnet",
            "ups",
            "upgrade",
            "watchdog",
        ],
    ),
    ("/user", &["aaa", "export", "settings"]),
    (
        "/tool",
        &[
            "bandwidth-server",
            "bandwidth-test",
            "calea",
            "e-mail",
            "flood-ping",
            "graphing",
            "ip-scan",
            "mac-scan",
            "mac-server",
            "mac-telnet",
            "netwatch",
            "ping",
            "ping-speed",
            "profile",
            "romon",
            "sms",
            "sniffer",
            "speed-test",
            "torch",
            "traceroute",
            "traffic-generator",
            "traffic-monitor",
            "wol",
        ],
    ),
];

/// Where one word of a path leads.
#[derive(Debug)]
pub(super) enum Step {
    Directory(String),
    Command(What),
}

/// Takes one word from a directory (`""` is the root). A word may be shortened as long as it stays clear.
pub(super) fn step(edition: Edition, directory: &str, word: &str) -> Option<Step> {
    let names = names(edition, directory);
    let exact = names.iter().find(|name| **name == word);
    let name = exact.or_else(|| {
        let mut matching = names
            .iter()
            .filter(|name| !word.is_empty() && name.starts_with(word));
        matching.next().filter(|_| matching.next().is_none())
    })?;
    if !is_simulated(edition, directory, name) {
        return None;
    }
    let path = format!("{directory}/{name}");
    if let Some(other) = OTHERS.iter().find(|other| **other == path) {
        return Some(Step::Command(What::Other(other)));
    }
    let verb = menu_at(edition, directory).and_then(|menu| {
        let verb = command::verbs(edition.version, menu).find(|verb| verb == name)?;
        Some(What::Menu(menu, verb))
    });
    Some(verb.map_or(Step::Directory(path), Step::Command))
}

fn menu_at(edition: Edition, path: &str) -> Option<MenuId> {
    menu::at_path(path, edition.version).filter(|menu| edition.has(*menu))
}

fn is_simulated(edition: Edition, directory: &str, name: &str) -> bool {
    simulated(edition, directory).contains(&name)
}

/// What can follow in a directory of a real router.
fn names(edition: Edition, directory: &str) -> Vec<&'static str> {
    let beside = BESIDE.iter().filter(|(place, _)| *place == directory);
    let mut names = simulated(edition, directory);
    names.extend(beside.flat_map(|(_, names)| names.iter().copied()));
    names.sort_unstable();
    names.dedup();
    names
}

/// What can follow in a directory here: its commands and the directories below it.
fn simulated(edition: Edition, directory: &str) -> Vec<&'static str> {
    let below = |path: &'static str| {
        let rest = path.strip_prefix(directory)?.strip_prefix('/')?;
        rest.split('/').next()
    };
    let menus = CATALOGUE
        .iter()
        .filter(|(id, _)| edition.has(*id))
        .filter_map(|(_, menu)| below(menu.path));
    let others = OTHERS.iter().filter_map(|path| below(path));
    let verbs = menu_at(edition, directory)
        .into_iter()
        .flat_map(|menu| command::verbs(edition.version, menu));
    menus.chain(others).chain(verbs).collect()
}
