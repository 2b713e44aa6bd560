//! Connections that the router dials itself. They are rows and nothing more: nothing is dialled, no interface appears.

use super::{COMMENT, DISABLED, Field, Kind, Menu, MenuId, Verbs, field, flag, text};

const PROFILE: Kind = Kind::Reference(MenuId::Profile, &[]);

const fn client(path: &'static str, fields: &'static [Field]) -> Menu {
    Menu::table(path, Verbs::TABLE, fields).unique(&["name"], "already have device with such name")
}

const TUNNEL: &[Field] = &[
    text("name").required(),
    text("connect-to").required(),
    text("user").or(""),
    text("password").sensitive().or(""),
    field("profile", PROFILE).or("default-encryption"),
    flag("add-default-route"),
    flag("running").read_only(),
    field("disabled", Kind::Bool).or("true"),
    COMMENT,
];

pub(super) static L2TP: Menu = client("/interface/l2tp-client", TUNNEL);
pub(super) static SSTP: Menu = client("/interface/sstp-client", TUNNEL);

pub(super) static PPPOE: Menu = client(
    "/interface/pppoe-client",
    &[
        text("name").required(),
        field("interface", Kind::Reference(MenuId::Interface, &[])).required(),
        text("user").or(""),
        text("password").sensitive().or(""),
        field("profile", PROFILE).or("default"),
        flag("add-default-route"),
        flag("use-peer-dns"),
        flag("running").read_only(),
        DISABLED,
        COMMENT,
    ],
);
