//! `/ip/hotspot`, as far as ending a session for good needs it: users, live sessions, and the cookies that let a client
//! back in by itself.

use super::{
    COMMENT, DISABLED, DYNAMIC, Field, Kind, Menu, MenuId, Verbs, field, flag, number, text,
};

const PACKAGE: &str = "hotspot";

const fn shown(name: &'static str) -> Field {
    text(name).read_only()
}

const fn counter(name: &'static str) -> Field {
    number(name).or("0").read_only()
}

/// Version 6 has it as a package of its own; in 7 it is part of the system.
const fn packaged(menu: Menu) -> Menu {
    menu.in_package_before_7(PACKAGE)
}

pub(super) static USER: Menu = packaged(
    Menu::table(
        "/ip/hotspot/user",
        Verbs::TABLE,
        &[
            text("server").or("all"),
            text("name").required(),
            text("password").sensitive().or(""),
            text("address"),
            text("mac-address"),
            field("profile", Kind::Reference(MenuId::HotspotProfile, &[])).or("default"),
            text("routes").or(""),
            field("limit-uptime", Kind::Duration),
            number("limit-bytes-in"),
            number("limit-bytes-out"),
            number("limit-bytes-total"),
            text("email").or(""),
            text("otp-secret").sensitive().since(7, 21),
            text("uptime").or("0s").read_only(),
            counter("bytes-in"),
            counter("bytes-out"),
            counter("packets-in"),
            counter("packets-out"),
            flag("default").read_only(),
            DYNAMIC,
            DISABLED,
            COMMENT,
        ],
    )
    .unique(
        &["name"],
        "already have user with this name for this server",
    ),
);

pub(super) static PROFILE: Menu = packaged(
    Menu::table(
        "/ip/hotspot/user/profile",
        Verbs::PLAIN.with(Verbs::UNSET),
        &[
            text("name").required(),
            text("address-pool").or("none"),
            field("session-timeout", Kind::Duration).or("0s"),
            text("idle-timeout").or("none"),
            text("keepalive-timeout").or("2m"),
            text("status-autorefresh").or("1m"),
            text("shared-users").or("1"),
            text("rate-limit"),
            field("add-mac-cookie", Kind::Bool).or("true"),
            field("mac-cookie-timeout", Kind::Duration).or("3d"),
            text("address-list").or(""),
            text("incoming-filter"),
            text("outgoing-filter"),
            text("incoming-packet-mark"),
            text("outgoing-packet-mark"),
            text("insert-queue-before"),
            text("parent-queue"),
            text("queue-type"),
            text("open-status-page").or("always"),
            flag("advertise"),
            text("advertise-interval"),
            text("advertise-timeout"),
            text("advertise-url"),
            flag("transparent-proxy"),
            text("on-login").or(""),
            text("on-logout").or(""),
            flag("default").read_only(),
        ],
    )
    .unique(&["name"], "profile with the same name already exists"),
);

pub(super) static ACTIVE: Menu = packaged(Menu::table(
    "/ip/hotspot/active",
    Verbs::REMOVE.with(Verbs::LOGIN),
    &[
        shown("server"),
        shown("user"),
        shown("domain"),
        shown("address"),
        shown("mac-address"),
        shown("login-by"),
        field("uptime", Kind::Age).read_only(),
        shown("session-time-left"),
        shown("idle-time").or("0s"),
        shown("keepalive-timeout").or("2m"),
        counter("bytes-in"),
        counter("bytes-out"),
        counter("packets-in"),
        counter("packets-out"),
        flag("radius").read_only(),
        flag("blocked").read_only(),
        shown("comment"),
    ],
));

pub(super) static COOKIE: Menu = packaged(Menu::table(
    "/ip/hotspot/cookie",
    Verbs::REMOVE,
    &[
        shown("user"),
        shown("domain"),
        shown("mac-address"),
        field("expires-in", Kind::TimeLeft).read_only(),
        flag("mac-cookie").read_only(),
    ],
));
