//! `/ppp`: accounts, profiles, live sessions.

use super::{
    COMMENT, DISABLED, Field, Kind, Menu, MenuId, Verbs, field, flag, number, text, words,
};

const SERVICES: &[&str] = &["any", "async", "l2tp", "ovpn", "pppoe", "pptp", "sstp"];
const DEFAULT_YES_NO: &[&str] = &["default", "no", "yes"];

const fn yes_no(name: &'static str) -> Field {
    words(name, DEFAULT_YES_NO).or("default")
}

pub(super) static SECRET: Menu = Menu::table(
    "/ppp/secret",
    Verbs::TABLE.with(Verbs::UNSET),
    &[
        text("name").required(),
        words("service", SERVICES).or("any"),
        text("caller-id").or(""),
        text("password").sensitive().or(""),
        field("profile", Kind::Reference(MenuId::Profile, &[])).or("default"),
        field("local-address", Kind::AddressOrPool),
        field("remote-address", Kind::AddressOrPool),
        text("remote-ipv6-prefix"),
        text("routes").or(""),
        text("ipv6-routes").or(""),
        number("limit-bytes-in").or("0"),
        number("limit-bytes-out").or("0"),
        text("last-logged-out").read_only(),
        text("last-caller-id").read_only(),
        text("last-disconnect-reason").read_only(),
        DISABLED,
        COMMENT,
    ],
)
.unique(&["name"], "secret with the same name already exists");

pub(super) static PROFILE: Menu = Menu::table(
    "/ppp/profile",
    Verbs::PLAIN.with(Verbs::UNSET),
    &[
        text("name").required(),
        field("local-address", Kind::AddressOrPool),
        field("remote-address", Kind::AddressOrPool),
        text("remote-ipv6-prefix-pool"),
        text("dhcpv6-pd-pool"),
        text("bridge"),
        text("bridge-horizon"),
        yes_no("bridge-learning"),
        text("bridge-path-cost"),
        text("bridge-port-priority"),
        field(
            "interface-list",
            Kind::Reference(MenuId::InterfaceList, &[]),
        ),
        text("incoming-filter"),
        text("outgoing-filter"),
        text("address-list").or(""),
        text("dns-server"),
        text("wins-server"),
        yes_no("use-mpls"),
        yes_no("use-compression"),
        words("use-encryption", &["default", "no", "required", "yes"]).or("default"),
        yes_no("only-one"),
        words("change-tcp-mss", DEFAULT_YES_NO).or("default"),
        yes_no("use-upnp"),
        words("use-ipv6", &["default", "no", "required", "yes"]).or("yes"),
        text("rate-limit"),
        field("session-timeout", Kind::Duration),
        field("idle-timeout", Kind::Duration),
        text("insert-queue-before"),
        text("parent-queue"),
        text("queue-type"),
        text("on-up").or(""),
        text("on-down").or(""),
        text("bridge-port-vid").since(7, 18),
        text("bridge-port-trusted").since(7, 18),
        text("dhcpv6-lease-time").since(7, 20),
        text("dhcpv6-use-radius").since(7, 20),
        text("remote-ipv6-prefix-reuse").since(7, 20),
        flag("default").read_only(),
        COMMENT,
    ],
)
.unique(&["name"], "profile with the same name already exists");

pub(super) static ACTIVE: Menu = Menu::table(
    "/ppp/active",
    Verbs::REMOVE,
    &[
        text("name").read_only(),
        text("service").read_only(),
        text("caller-id").read_only(),
        text("address").read_only(),
        field("uptime", Kind::Age).read_only(),
        text("encoding").read_only(),
        text("session-id").read_only(),
        number("limit-bytes-in").or("0").read_only(),
        number("limit-bytes-out").or("0").read_only(),
        flag("radius").read_only(),
        text("comment").read_only(),
    ],
);

pub(super) static AAA: Menu = Menu::single(
    "/ppp/aaa",
    &[
        flag("use-radius"),
        field("accounting", Kind::Bool).or("true"),
        field("interim-update", Kind::Duration).or("0s"),
        flag("use-circuit-id-in-nas-port-id"),
        flag("enable-ipv6-accounting").since(7, 15),
    ],
);
