//! `/interface`: interfaces, lists of them, VPN servers.

use super::{
    COMMENT, DISABLED, DYNAMIC, Field, Kind, Menu, MenuId, Verbs, field, flag, number, text, words,
};

pub(super) static INTERFACE: Menu = Menu::table(
    "/interface",
    Verbs::SET.with(Verbs::SWITCH).with(Verbs::RESET),
    &[
        text("name").required(),
        text("default-name").read_only(),
        text("type").read_only(),
        number("mtu").or("1500"),
        number("l2mtu"),
        number("actual-mtu").or("1500").read_only(),
        text("mac-address").read_only(),
        number("link-downs").or("0").read_only(),
        number("rx-byte").or("0").read_only(),
        number("tx-byte").or("0").read_only(),
        number("rx-packet").or("0").read_only(),
        number("tx-packet").or("0").read_only(),
        DYNAMIC,
        flag("running").read_only(),
        flag("slave").read_only(),
        DISABLED,
        COMMENT,
    ],
)
.unique(&["name"], "already have device with such name");

pub(super) static LIST: Menu = Menu::table(
    "/interface/list",
    Verbs::PLAIN,
    &[
        text("name").required(),
        field("include", Kind::References(MenuId::InterfaceList, &[])).or(""),
        field("exclude", Kind::References(MenuId::InterfaceList, &[])).or(""),
        flag("builtin").read_only(),
        DYNAMIC,
        COMMENT,
    ],
)
.unique(&["name"], "already have interface list with such name");

pub(super) static MEMBER: Menu = Menu::table(
    "/interface/list/member",
    Verbs::TABLE,
    &[
        field("list", Kind::Reference(MenuId::InterfaceList, &[])).required(),
        field("interface", Kind::Reference(MenuId::Interface, &[])).required(),
        DYNAMIC,
        DISABLED,
        COMMENT,
    ],
)
.unique(&["list", "interface"], "already have such entry");

/// A kind of VPN server: static bindings, and a dynamic row for each live session.
const fn server(path: &'static str, fields: &'static [Field]) -> Menu {
    Menu::table(path, Verbs::TABLE, fields).unique(&["name"], "already have device with such name")
}

const BINDING: &[Field] = &[
    text("name").required(),
    text("user").or(""),
    number("mtu").read_only(),
    number("mru").read_only(),
    text("client-address").read_only(),
    field("uptime", Kind::Age).read_only(),
    text("encoding").read_only(),
    flag("running").read_only(),
    DYNAMIC,
    DISABLED,
    COMMENT,
];

pub(super) static L2TP: Menu = server("/interface/l2tp-server", BINDING);
pub(super) static PPTP: Menu = server("/interface/pptp-server", BINDING);
pub(super) static SSTP: Menu = server("/interface/sstp-server", BINDING);
pub(super) static OVPN: Menu = server("/interface/ovpn-server", BINDING);

pub(super) static PPPOE: Menu = server(
    "/interface/pppoe-server",
    &[
        text("name").required(),
        text("user").or(""),
        text("service").or(""),
        text("interface").read_only(),
        text("remote-address").read_only(),
        field("uptime", Kind::Age).read_only(),
        text("encoding").read_only(),
        flag("running").read_only(),
        DYNAMIC,
        DISABLED,
        COMMENT,
    ],
);

const AUTHENTICATION: Kind = Kind::Set(&["pap", "chap", "mschap1", "mschap2"]);
const PROFILE: Kind = Kind::Reference(MenuId::Profile, &[]);

pub(super) static L2TP_SETTINGS: Menu = Menu::single(
    "/interface/l2tp-server/server",
    &[
        flag("enabled"),
        number("max-mtu").or("1450"),
        number("max-mru").or("1450"),
        text("mrru").or("disabled"),
        field("authentication", AUTHENTICATION).or("pap,chap,mschap1,mschap2"),
        number("keepalive-timeout").or("30"),
        text("max-sessions").or("unlimited"),
        field("default-profile", PROFILE).or("default-encryption"),
        words("use-ipsec", &["no", "required", "yes"]).or("no"),
        text("ipsec-secret").sensitive().or(""),
        words("caller-id-type", &["ip-address", "number"]).or("ip-address"),
        flag("one-session-per-host"),
        flag("allow-fast-path"),
    ],
);

pub(super) static PPTP_SETTINGS: Menu = Menu::single(
    "/interface/pptp-server/server",
    &[
        flag("enabled"),
        number("max-mtu").or("1450"),
        number("max-mru").or("1450"),
        text("mrru").or("disabled"),
        field("authentication", AUTHENTICATION).or("mschap1,mschap2"),
        number("keepalive-timeout").or("30"),
        field("default-profile", PROFILE).or("default-encryption"),
    ],
);

pub(super) static SSTP_SETTINGS: Menu = Menu::single(
    "/interface/sstp-server/server",
    &[
        flag("enabled"),
        number("port").or("443"),
        number("max-mtu").or("1500"),
        number("max-mru").or("1500"),
        text("mrru").or("disabled"),
        number("keepalive-timeout").or("60"),
        field("default-profile", PROFILE).or("default"),
        field("authentication", AUTHENTICATION).or("pap,chap,mschap1,mschap2"),
        text("certificate").or("none"),
        flag("verify-client-certificate"),
        text("tls-version").or("any"),
        flag("pfs"),
    ],
);

pub(super) static OVPN_SETTINGS: Menu = Menu::single(
    "/interface/ovpn-server/server",
    &[
        flag("enabled"),
        number("port").or("1194"),
        words("mode", &["ethernet", "ip"]).or("ip"),
        words("protocol", &["tcp", "udp"]).or("tcp").since(7, 1),
        number("netmask").or("24"),
        number("max-mtu").or("1500"),
        number("keepalive-timeout").or("60"),
        field("default-profile", PROFILE).or("default"),
        text("certificate").or("none"),
        flag("require-client-certificate"),
    ],
)
.until(7, 17);

pub(super) static OVPN_SERVERS: Menu = Menu::table(
    "/interface/ovpn-server/server",
    Verbs::TABLE,
    &[
        text("name").required(),
        DISABLED,
        number("port").or("1194"),
        words("mode", &["ethernet", "ip"]).or("ip"),
        words("protocol", &["tcp", "udp"]).or("tcp"),
        number("netmask").or("24"),
        number("max-mtu").or("1500"),
        number("keepalive-timeout").or("60"),
        field("default-profile", PROFILE).or("default"),
        text("certificate").or("none"),
        flag("require-client-certificate"),
        COMMENT,
    ],
)
.unique(&["name"], "already have such name")
.since(7, 17);

pub(super) static PPPOE_SERVERS: Menu = Menu::table(
    "/interface/pppoe-server/server",
    Verbs::TABLE,
    &[
        text("service-name").or(""),
        field("interface", Kind::Reference(MenuId::Interface, &[])).required(),
        text("max-mtu").or("auto"),
        text("max-mru").or("auto"),
        text("mrru").or("disabled"),
        field("authentication", AUTHENTICATION).or("pap,chap,mschap1,mschap2"),
        number("keepalive-timeout").or("10"),
        flag("one-session-per-host"),
        text("max-sessions").or("unlimited"),
        field("default-profile", PROFILE).or("default"),
        field("disabled", Kind::Bool).or("true"),
        COMMENT,
    ],
);
