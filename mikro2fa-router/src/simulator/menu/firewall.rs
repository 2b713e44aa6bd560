//! `/ip/firewall` and `/ipv6/firewall`: rules, lists, connections.

use super::{
    COMMENT, DISABLED, DYNAMIC, Field, Kind, Menu, MenuId, Verbs, computed, field, flag, number,
    text, words,
};
use crate::simulator::rules;

const ACTIONS: &[&str] = &[
    "accept",
    "add-dst-to-address-list",
    "add-src-to-address-list",
    "drop",
    "fasttrack-connection",
    "jump",
    "log",
    "passthrough",
    "reject",
    "return",
    "tarpit",
];

/// Words that stand for kinds of interfaces in a rule.
const INTERFACE_KINDS: &[&str] = &["all-ethernet", "all-ppp", "all-vlan", "all-wireless"];

const fn matcher(name: &'static str) -> Field {
    field(name, Kind::Matcher)
}

const fn interface(name: &'static str) -> Field {
    field(name, Kind::Negatable(MenuId::Interface, INTERFACE_KINDS))
}

const fn interface_list(name: &'static str) -> Field {
    field(name, Kind::Negatable(MenuId::InterfaceList, &[]))
}

/// What the rules of both families have, in the order in which it is shown.
const COMMON: [Field; 55] = [
    text("chain").required(),
    words("action", ACTIONS).or("accept"),
    text("jump-target"),
    text("reject-with"),
    text("address-list"),
    text("address-list-timeout"),
    matcher("connection-state"),
    matcher("connection-nat-state"),
    matcher("connection-type"),
    matcher("connection-mark"),
    matcher("connection-bytes"),
    matcher("connection-limit"),
    matcher("connection-rate"),
    matcher("src-address"),
    matcher("dst-address"),
    matcher("src-address-list"),
    matcher("dst-address-list"),
    matcher("src-address-type"),
    matcher("dst-address-type"),
    matcher("src-mac-address"),
    matcher("protocol"),
    matcher("src-port"),
    matcher("dst-port"),
    matcher("port"),
    interface("in-interface"),
    interface("out-interface"),
    interface_list("in-interface-list"),
    interface_list("out-interface-list"),
    matcher("in-bridge-port"),
    matcher("out-bridge-port"),
    interface_list("in-bridge-port-list"),
    interface_list("out-bridge-port-list"),
    matcher("ipsec-policy"),
    matcher("icmp-options"),
    matcher("tcp-flags"),
    matcher("tcp-mss"),
    matcher("packet-mark"),
    matcher("packet-size"),
    matcher("routing-mark"),
    matcher("content"),
    matcher("tls-host"),
    matcher("dscp"),
    matcher("priority"),
    matcher("ingress-priority"),
    matcher("limit"),
    matcher("dst-limit"),
    matcher("nth"),
    matcher("random"),
    matcher("time"),
    matcher("per-connection-classifier"),
    matcher("tos").since(7, 22),
    flag("log"),
    text("log-prefix").or(""),
    number("bytes").or("0").read_only(),
    number("packets").or("0").read_only(),
];

/// What is shown last.
const FLAGS: [Field; 4] = [flag("invalid").read_only(), DYNAMIC, DISABLED, COMMENT];

const OF_IPV4: [Field; 9] = [
    matcher("layer7-protocol"),
    matcher("hotspot"),
    matcher("fragment"),
    matcher("ttl"),
    matcher("psd"),
    matcher("ipv4-options"),
    matcher("p2p"),
    matcher("realm"),
    flag("hw-offload").since(7, 1).until(7, 22),
];

const OF_IPV6: [Field; 2] = [matcher("headers"), matcher("hop-limit")];

/// Puts the common properties, those of a family and the flags one after the other.
#[expect(
    clippy::indexing_slicing,
    reason = "it runs while compiling only, where an index out of bounds is an error"
)]
const fn rule<const OWN: usize, const ALL: usize>(own: [Field; OWN]) -> [Field; ALL] {
    let mut all = [const { text("") }; ALL];
    let mut index = 0;
    while index < ALL {
        all[index] = if index < COMMON.len() {
            COMMON[index]
        } else if index < COMMON.len() + OWN {
            own[index - COMMON.len()]
        } else {
            FLAGS[index - COMMON.len() - OWN]
        };
        index += 1;
    }
    all
}

static RULE: [Field; 68] = rule(OF_IPV4);
static RULE6: [Field; 61] = rule(OF_IPV6);

pub(super) static FILTER: Menu = Menu::table("/ip/firewall/filter", Verbs::ORDERED, &RULE);
pub(super) static FILTER6: Menu = Menu::table("/ipv6/firewall/filter", Verbs::ORDERED, &RULE6);

const MARKING: &[&str] = &[
    "accept",
    "fasttrack-connection",
    "jump",
    "log",
    "mark-connection",
    "mark-packet",
    "mark-routing",
    "passthrough",
    "return",
];

/// Kept, and asked for nothing: packets are judged by filter rules alone.
const MANGLE_RULE: &[Field] = &[
    text("chain").required(),
    words("action", MARKING).or("accept"),
    text("jump-target"),
    text("new-connection-mark"),
    text("new-packet-mark"),
    text("new-routing-mark"),
    flag("passthrough"),
    matcher("connection-state"),
    matcher("connection-mark"),
    matcher("src-address"),
    matcher("dst-address"),
    matcher("src-address-list"),
    matcher("dst-address-list"),
    matcher("protocol"),
    matcher("src-port"),
    matcher("dst-port"),
    interface("in-interface"),
    interface("out-interface"),
    interface_list("in-interface-list"),
    interface_list("out-interface-list"),
    flag("log"),
    text("log-prefix").or(""),
    number("bytes").or("0").read_only(),
    number("packets").or("0").read_only(),
    flag("invalid").read_only(),
    DYNAMIC,
    DISABLED,
    COMMENT,
];

pub(super) static MANGLE6: Menu = Menu::table("/ipv6/firewall/mangle", Verbs::ORDERED, MANGLE_RULE);

const ENTRY: &[Field] = &[
    text("list").required(),
    field("address", Kind::ListEntry).required(),
    field("timeout", Kind::TimeLeft),
    computed("creation-time", rules::creation_time),
    // The router's own flag, and an argument of `add` for entries that are not to be stored.
    field("dynamic", Kind::Dynamic),
    DISABLED,
    COMMENT,
];

pub(super) static ADDRESS_LIST: Menu =
    Menu::table("/ip/firewall/address-list", Verbs::TABLE, ENTRY)
        .unique(&["list", "address"], "already have such entry");
pub(super) static ADDRESS_LIST6: Menu =
    Menu::table("/ipv6/firewall/address-list", Verbs::TABLE, ENTRY)
        .unique(&["list", "address"], "already have such entry");

const TRACKED: &[Field] = &[
    text("protocol").read_only(),
    text("src-address").read_only(),
    text("src-port").read_only(),
    text("dst-address").read_only(),
    text("dst-port").read_only(),
    text("reply-src-address").read_only(),
    text("reply-src-port").read_only(),
    text("reply-dst-address").read_only(),
    text("reply-dst-port").read_only(),
    text("tcp-state").read_only(),
    text("timeout").read_only(),
    number("orig-packets").or("0").read_only(),
    number("repl-packets").or("0").read_only(),
    number("orig-bytes").or("0").read_only(),
    number("repl-bytes").or("0").read_only(),
    flag("seen-reply").read_only(),
    flag("assured").read_only(),
    flag("confirmed").read_only(),
    flag("dying").read_only(),
    flag("fasttrack").read_only(),
    flag("srcnat").read_only(),
    flag("dstnat").read_only(),
];

pub(super) static CONNECTION: Menu = Menu::table("/ip/firewall/connection", Verbs::REMOVE, TRACKED);
pub(super) static CONNECTION6: Menu =
    Menu::table("/ipv6/firewall/connection", Verbs::REMOVE, TRACKED);
