//! `/ip/dns`: its settings and the names that it answers itself.

use super::{COMMENT, DISABLED, DYNAMIC, Kind, Menu, Verbs, field, flag, number, text, words};

pub(super) static DNS: Menu = Menu::single(
    "/ip/dns",
    &[
        text("servers").or(""),
        text("dynamic-servers").or("").read_only(),
        text("use-doh-server").or(""),
        flag("verify-doh-cert"),
        number("doh-max-server-connections").or("5").since(7, 8),
        number("doh-max-concurrent-queries").or("50").since(7, 8),
        field("doh-timeout", Kind::Duration).or("5s").since(7, 8),
        flag("allow-remote-requests"),
        number("max-udp-packet-size").or("4096"),
        field("query-server-timeout", Kind::Duration).or("2s"),
        field("query-total-timeout", Kind::Duration).or("10s"),
        number("max-concurrent-queries").or("100"),
        number("max-concurrent-tcp-sessions").or("20"),
        text("cache-size").or("2048KiB"),
        field("cache-max-ttl", Kind::Duration).or("1w"),
        field("address-list-extra-time", Kind::Duration)
            .or("0s")
            .since(7, 5),
        text("vrf").or("main").since(7, 15),
        text("mdns-repeat-ifaces").or("").since(7, 16),
        text("cache-used").or("38KiB").read_only(),
    ],
);

const TYPES: &[&str] = &[
    "A", "AAAA", "CNAME", "FWD", "MX", "NS", "NXDOMAIN", "SRV", "TXT",
];

pub(super) static STATIC: Menu = Menu::table(
    "/ip/dns/static",
    Verbs::TABLE.with(Verbs::MOVE),
    &[
        text("name"),
        text("regexp"),
        words("type", TYPES),
        field("address", Kind::Address),
        text("cname"),
        text("forward-to"),
        text("mx-exchange"),
        number("mx-preference"),
        text("ns"),
        text("text"),
        text("srv-target"),
        number("srv-port"),
        number("srv-priority"),
        number("srv-weight"),
        field("ttl", Kind::Duration).or("1d"),
        field("match-subdomain", Kind::Bool).since(7, 5),
        text("address-list").since(7, 5),
        DYNAMIC,
        DISABLED,
        COMMENT,
    ],
)
.unique(&["name", "address"], "entry already exists");
