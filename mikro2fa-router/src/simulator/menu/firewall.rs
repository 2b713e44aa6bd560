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

const RULE: &[Field] = &[
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
    matcher("ipsec-policy"),
    matcher("icmp-options"),
    matcher("tcp-flags"),
    matcher("tcp-mss"),
    matcher("packet-mark"),
    matcher("packet-size"),
    matcher("routing-mark"),
    matcher("layer7-protocol"),
    matcher("content"),
    matcher("tls-host"),
    matcher("hotspot"),
    matcher("fragment"),
    matcher("dscp"),
    matcher("ttl"),
    matcher("hop-limit"),
    matcher("limit"),
    matcher("dst-limit"),
    matcher("nth"),
    matcher("random"),
    matcher("psd"),
    matcher("time"),
    matcher("per-connection-classifier"),
    flag("log"),
    text("log-prefix").or(""),
    number("bytes").or("0").read_only(),
    number("packets").or("0").read_only(),
    flag("invalid").read_only(),
    DYNAMIC,
    DISABLED,
    COMMENT,
];

pub(super) static FILTER: Menu = Menu::table("/ip/firewall/filter", Verbs::ORDERED, RULE);
pub(super) static FILTER6: Menu = Menu::table("/ipv6/firewall/filter", Verbs::ORDERED, RULE);

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
    text("dst-address").read_only(),
    text("reply-src-address").read_only(),
    text("reply-dst-address").read_only(),
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
