//! `/system` and `/user`.

use super::{
    COMMENT, DISABLED, Kind, Menu, MenuId, Verbs, computed, field, flag, number, text, words,
};
use crate::simulator::{policy::Policy, rules};

pub(super) static IDENTITY: Menu = Menu::single("/system/identity", &[text("name").or("MikroTik")]);

pub(super) static RESOURCE: Menu = {
    let mut menu = Menu::single(
        "/system/resource",
        &[
            computed("uptime", rules::uptime),
            computed("version", rules::version),
            computed("build-time", rules::build_time),
            number("free-memory").or("193167360").read_only(),
            number("total-memory").or("268435456").read_only(),
            text("cpu").or("QEMU").read_only(),
            number("cpu-count").or("1").read_only(),
            number("cpu-frequency").or("2400").read_only(),
            number("cpu-load").or("1").read_only(),
            number("free-hdd-space").or("58191872").read_only(),
            number("total-hdd-space").or("93564928").read_only(),
            text("architecture-name").or("x86_64").read_only(),
            text("board-name").or("CHR").read_only(),
            text("platform").or("MikroTik").read_only(),
        ],
    );
    menu.verbs = Verbs::NONE;
    menu
};

pub(super) static CLOCK: Menu = Menu::single(
    "/system/clock",
    &[
        computed("time", rules::clock_time),
        computed("date", rules::clock_date),
        field("time-zone-autodetect", Kind::Bool).or("true"),
        text("time-zone-name").or("manual"),
        text("gmt-offset").or("+00:00").read_only(),
        flag("dst-active").read_only(),
    ],
);

pub(super) static PACKAGE: Menu = Menu::table(
    "/system/package",
    Verbs::SWITCH,
    &[
        text("name").read_only(),
        text("version").read_only(),
        text("build-time").read_only(),
        text("scheduled").or("").read_only(),
        flag("disabled").read_only(),
    ],
);

/// What a router of the mode `advanced` may do. Changing it needs a button or a power cycle, so there is no command for it here.
pub(super) static DEVICE_MODE: Menu = {
    let mut menu = Menu::single(
        "/system/device-mode",
        &[
            text("mode").or("advanced").read_only(),
            words("scheduler", YES_NO).or("yes").read_only(),
            words("fetch", YES_NO).or("yes").read_only(),
            words("l2tp", YES_NO).or("yes").read_only(),
            words("pptp", YES_NO).or("yes").read_only(),
            words("container", YES_NO).or("no").read_only(),
        ],
    )
    .since(7, 1);
    menu.verbs = Verbs::NONE;
    menu
};

const YES_NO: &[&str] = &["no", "yes"];

const ALL_POLICIES: &str = "ftp,reboot,read,write,policy,test,password,sniff,sensitive,romon";

pub(super) static SCHEDULER: Menu = Menu::table(
    "/system/scheduler",
    Verbs::TABLE,
    &[
        text("name").required(),
        text("start-date"),
        text("start-time"),
        field("interval", Kind::Duration).or("0s"),
        text("on-event").or(""),
        text("owner").read_only(),
        text("policy").or(ALL_POLICIES),
        number("run-count").or("0").read_only(),
        DISABLED,
        COMMENT,
    ],
)
.unique(&["name"], "item with this name already exists");

pub(super) static SCRIPT: Menu = Menu::table(
    "/system/script",
    Verbs::PLAIN,
    &[
        text("name").required(),
        text("owner").read_only(),
        text("policy").or(ALL_POLICIES),
        flag("dont-require-permissions"),
        number("run-count").or("0").read_only(),
        text("source").or(""),
        flag("invalid").read_only(),
        COMMENT,
    ],
)
.unique(&["name"], "item with this name already exists");

pub(super) static USER: Menu = Menu::table(
    "/user",
    Verbs::TABLE,
    &[
        text("name").required(),
        text("password").or("").hidden(),
        field("group", Kind::Reference(MenuId::Group, &[])).required(),
        text("address").or(""),
        field("inactivity-timeout", Kind::Duration)
            .or("10m")
            .since(7, 16),
        words("inactivity-policy", &["lockscreen", "logout", "none"])
            .or("none")
            .since(7, 16),
        text("last-logged-in").read_only(),
        flag("expired").read_only(),
        DISABLED,
        COMMENT,
    ],
)
.unique(&["name"], "user with the same name already exists")
.written_with(Policy::POLICY);

pub(super) static GROUP: Menu = Menu::table(
    "/user/group",
    Verbs::PLAIN,
    &[
        text("name").required(),
        field("policy", Kind::Policy),
        text("skin").or("default"),
        COMMENT,
    ],
)
.unique(&["name"], "group with the same name already exists")
.written_with(Policy::POLICY);

pub(super) static USER_ACTIVE: Menu = Menu::table(
    "/user/active",
    Verbs::REMOVE,
    &[
        text("when").read_only(),
        text("name").read_only(),
        text("address").read_only(),
        text("via").read_only(),
        text("group").read_only(),
        flag("radius").read_only(),
    ],
)
.written_with(Policy::POLICY);
