//! `/radius`: the servers that this router asks, and whether it listens to them.

use super::{COMMENT, DISABLED, Field, Kind, Menu, Verbs, field, flag, number, text, words};

const SERVICES: &[&str] = &[
    "ppp", "login", "hotspot", "wireless", "dhcp", "ipsec", "dot1x",
];

const fn port(name: &'static str, default: &'static str) -> Field {
    number(name).or(default)
}

pub(super) static RADIUS: Menu = Menu::table(
    "/radius",
    Verbs::TABLE.with(Verbs::MOVE),
    &[
        field("service", Kind::Set(SERVICES)).or(""),
        text("called-id").or(""),
        text("domain").or(""),
        field("address", Kind::Address).or("0.0.0.0"),
        text("secret").sensitive().or(""),
        port("authentication-port", "1812"),
        port("accounting-port", "1813"),
        field("timeout", Kind::Duration).or("300ms"),
        flag("accounting-backup"),
        text("realm").or(""),
        words("protocol", &["radsec", "udp"]).or("udp"),
        text("certificate").or("none"),
        field("src-address", Kind::Address).or("0.0.0.0"),
        words("require-message-auth", &["no", "yes-for-request-resp"])
            .or("yes-for-request-resp")
            .since(7, 15),
        field("radsec-timeout", Kind::Duration)
            .or("3300ms")
            .since(7, 19),
        DISABLED,
        COMMENT,
    ],
);

pub(super) static INCOMING: Menu = Menu::single(
    "/radius/incoming",
    &[
        flag("accept"),
        // Sources disagree about which it is until somebody says: see `Quirks::incoming_port`.
        number("port").or("1700"),
        text("vrf").or("main").since(7, 1),
    ],
);
