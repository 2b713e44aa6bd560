//! `/ip`: addresses, pools, settings, services.

use super::{
    COMMENT, DISABLED, DYNAMIC, Kind, Menu, MenuId, Verbs, field, flag, number, text, words,
};

pub(super) static ADDRESS: Menu = Menu::table(
    "/ip/address",
    Verbs::TABLE,
    &[
        field("address", Kind::AddressWithMask).required(),
        text("network"),
        text("netmask"),
        text("broadcast"),
        field("interface", Kind::Reference(MenuId::Interface, &[])).required(),
        text("actual-interface").read_only(),
        flag("invalid").read_only(),
        DYNAMIC,
        DISABLED,
        COMMENT,
    ],
)
.unique(&["address", "interface"], "already have such address");

pub(super) static POOL: Menu = Menu::table(
    "/ip/pool",
    Verbs::PLAIN,
    &[
        text("name").required(),
        field("ranges", Kind::Ranges).required(),
        field("next-pool", Kind::Reference(MenuId::Pool, &["none"])),
        text("comment"),
    ],
)
.unique(&["name"], "pool with such name exists");

pub(super) static POOL_USED: Menu = Menu::table(
    "/ip/pool/used",
    Verbs::NONE,
    &[
        text("pool").read_only(),
        text("address").read_only(),
        text("owner").read_only(),
        text("info").read_only(),
    ],
);

pub(super) static SETTINGS: Menu = Menu::single(
    "/ip/settings",
    &[
        field("ip-forward", Kind::Bool).or("true"),
        field("send-redirects", Kind::Bool).or("true"),
        flag("accept-source-route"),
        flag("accept-redirects"),
        field("secure-redirects", Kind::Bool).or("true"),
        words("rp-filter", &["loose", "no", "strict"]).or("no"),
        flag("tcp-syncookies"),
        number("max-neighbor-entries").or("8192"),
        field("allow-fast-path", Kind::Bool).or("true"),
        number("icmp-rate-limit").or("10"),
        text("icmp-rate-mask").or("0x1818"),
        text("arp-timeout").or("30s"),
        flag("ipv4-fast-path-active").read_only(),
        flag("ipv4-fasttrack-active").read_only(),
    ],
);

pub(super) static SERVICE: Menu = Menu::table(
    "/ip/service",
    Verbs::SET.with(Verbs::SWITCH),
    &[
        text("name").required().read_only(),
        number("port"),
        text("address").or(""),
        field(
            "certificate",
            Kind::Reference(MenuId::Certificate, &["none"]),
        ),
        words("tls-version", &["any", "only-1.2"]),
        text("vrf").since(7, 1),
        number("max-sessions").or("20").since(7, 16),
        DYNAMIC.since(7, 17),
        flag("invalid").read_only(),
        DISABLED,
    ],
)
.unique(&["name"], "already have such name");
