//! `/user-manager` of version 7, and `/tool/user-manager` of version 6: an optional package in both. The newer one was
//! written anew, with other names. No command tree of the older one is public; its properties are those of MikroTik's old
//! wiki, *User Manager*, and of programs in use.

use super::{
    COMMENT, DISABLED, Field, Kind, Menu, MenuId, Verbs, computed, field, flag, number, text, words,
};
use crate::simulator::user_manager;

const PACKAGE: &str = "user-manager";

/// `print` shows it, and nobody can set it.
const fn shown(name: &'static str) -> Field {
    text(name).read_only()
}

const fn seven(menu: Menu) -> Menu {
    menu.since(7, 0).in_package(PACKAGE)
}

const fn six(menu: Menu) -> Menu {
    menu.until(7, 0).in_package(PACKAGE)
}

pub(super) static SETTINGS: Menu = seven(Menu::single(
    "/user-manager",
    &[
        flag("enabled"),
        number("authentication-port").or("1812"),
        number("accounting-port").or("1813"),
        text("certificate").or("none"),
        text("radsec-certificate").or("none").since(7, 21),
        flag("use-profiles"),
        words("require-message-auth", &["no", "yes-for-request-resp"])
            .or("yes-for-request-resp")
            .since(7, 15),
    ],
));

pub(super) static USER: Menu = seven(
    Menu::table(
        "/user-manager/user",
        Verbs::TABLE.with(Verbs::MONITOR),
        &[
            text("name").required(),
            text("password").sensitive().or(""),
            text("otp-secret").sensitive().or(""),
            field("group", Kind::Reference(MenuId::UmGroup, &[])).or("default"),
            text("shared-users").or("1"),
            text("attributes").or(""),
            text("caller-id"),
            DISABLED,
            COMMENT,
        ],
    )
    // Its own text is not public: this is the form that the menus beside it use.
    .unique(&["name"], "user with the same name already exists"),
);

pub(super) static GROUP: Menu = seven(
    Menu::table(
        "/user-manager/user/group",
        Verbs::PLAIN,
        &[
            text("name").required(),
            text("default-name").read_only(),
            text("outer-auths").or("pap,chap,mschap1,mschap2"),
            text("inner-auths").or(""),
            text("attributes").or(""),
            COMMENT,
        ],
    )
    .unique(&["name"], "group with the same name already exists"),
);

pub(super) static PROFILE: Menu = seven(
    Menu::table(
        "/user-manager/profile",
        Verbs::PLAIN,
        &[
            text("name").required(),
            text("name-for-users").or(""),
            text("validity").or("unlimited"),
            words("starts-when", &["assigned", "first-auth"]).or("assigned"),
            text("price").or("0"),
            text("override-shared-users").or("off"),
            COMMENT,
        ],
    )
    .unique(&["name"], "profile with the same name already exists"),
);

pub(super) static USER_PROFILE: Menu = seven(Menu::table(
    "/user-manager/user-profile",
    Verbs::ADD.with(Verbs::REMOVE).with(Verbs::ACTIVATE),
    &[
        field("user", Kind::Reference(MenuId::UmUser, &[])).required(),
        field("profile", Kind::Reference(MenuId::UmProfile, &[])).required(),
        shown("state").or("running-active"),
        shown("end-time").or("unlimited"),
    ],
));

pub(super) static ROUTER: Menu = seven(
    Menu::table(
        "/user-manager/router",
        Verbs::TABLE,
        &[
            text("name").required(),
            field("address", Kind::Address).required(),
            text("shared-secret").sensitive().or(""),
            number("coa-port").or("3799"),
            words("protocol", &["radsec", "udp"]).or("udp").since(7, 21),
            DISABLED,
            COMMENT,
        ],
    )
    .unique(&["name"], "router with the same name already exists"),
);

pub(super) static SESSION: Menu = seven(Menu::table(
    "/user-manager/session",
    Verbs::REMOVE.with(Verbs::CLOSE_SESSION),
    &[
        shown("user"),
        shown("acct-session-id"),
        shown("acct-multi-session-id"),
        shown("nas-ip-address"),
        shown("nas-identifier"),
        shown("nas-port-id"),
        shown("nas-port-type"),
        shown("calling-station-id"),
        shown("user-address"),
        shown("status"),
        shown("started"),
        shown("ended"),
        shown("terminate-cause"),
        // As of the last accounting packet.
        shown("uptime").or("0s"),
        number("download").or("0").read_only(),
        number("upload").or("0").read_only(),
        shown("last-accounting-packet"),
        flag("active").read_only(),
    ],
));

// ---- version 6 ----------------------------------------------------------------------------------

pub(super) static CUSTOMER6: Menu = six(Menu::table(
    "/tool/user-manager/customer",
    Verbs::TABLE,
    &[
        text("login").required(),
        text("password").sensitive().or(""),
        text("permissions").or("owner"),
        DISABLED,
        COMMENT,
    ],
)
.unique(&["login"], "customer with the same login already exists"));

pub(super) static USER6: Menu = six(Menu::table(
    "/tool/user-manager/user",
    Verbs::TABLE.with(Verbs::PROFILES),
    &[
        text("customer").required(),
        text("username").required(),
        text("password").sensitive().or(""),
        text("shared-users").or("1"),
        text("caller-id"),
        flag("caller-id-bind-on-first-use"),
        field("ip-address", Kind::Address),
        text("wireless-psk").or(""),
        text("wireless-enc-key").or(""),
        text("first-name").or(""),
        text("last-name").or(""),
        text("phone").or(""),
        text("location").or(""),
        text("email").or(""),
        shown("actual-profile"),
        shown("uptime-used").or("0s"),
        number("download-used").or("0").read_only(),
        number("upload-used").or("0").read_only(),
        shown("last-seen").or("never"),
        computed("active-sessions", user_manager::active_sessions),
        computed("active", user_manager::is_active),
        flag("incomplete").read_only(),
        DISABLED,
        COMMENT,
    ],
)
.unique(&["username"], "user with the same name already exists"));

pub(super) static PROFILE6: Menu = six(Menu::table(
    "/tool/user-manager/profile",
    Verbs::PLAIN,
    &[
        text("name").required(),
        text("owner").or("admin"),
        text("name-for-users").or(""),
        text("validity").or("0s"),
        text("starts-at").or("now"),
        text("price").or("0"),
        text("override-shared-users").or("off"),
    ],
)
.unique(&["name"], "profile with the same name already exists"));

pub(super) static ROUTER6: Menu = six(Menu::table(
    "/tool/user-manager/router",
    Verbs::TABLE,
    &[
        text("customer").required(),
        text("name").required(),
        field("ip-address", Kind::Address).required(),
        text("shared-secret").sensitive().or(""),
        flag("use-coa"),
        number("coa-port").or("3799"),
        text("log").or("auth-fail"),
        DISABLED,
        COMMENT,
    ],
)
.unique(&["name"], "router with the same name already exists"));

pub(super) static SESSION6: Menu = six(Menu::table(
    "/tool/user-manager/session",
    Verbs::REMOVE.with(Verbs::CLOSE_SESSION),
    &[
        shown("customer"),
        shown("user"),
        shown("nas-port"),
        shown("nas-port-type"),
        shown("nas-port-id"),
        shown("calling-station-id"),
        shown("acct-session-id"),
        shown("user-ip"),
        shown("host-ip"),
        shown("status"),
        shown("from-time"),
        shown("till-time"),
        shown("terminate-cause"),
        // As of the last accounting packet.
        shown("uptime").or("0s"),
        number("download").or("0").read_only(),
        number("upload").or("0").read_only(),
        flag("active").read_only(),
    ],
));
