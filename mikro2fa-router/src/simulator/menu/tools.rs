//! `/tool` and `/system`: what is watched, logged, noted. Kept and shown, without effect.

use super::{COMMENT, DISABLED, Kind, Menu, Verbs, computed, field, flag, text};
use crate::simulator::rules;

pub(super) static NETWATCH: Menu = Menu::table(
    "/tool/netwatch",
    Verbs::TABLE.with(Verbs::UNSET),
    &[
        text("name"),
        field("accept-icmp-time-exceeded", Kind::Bool)
            .or("false")
            .since(7, 16),
        text("certificate"),
        field("check-certificate", Kind::Bool),
        text("dns-server").since(7, 16),
        text("down-script"),
        field("early-failure-detection", Kind::Bool).since(7, 20),
        field("early-success-detection", Kind::Bool).since(7, 20),
        text("host").required(),
        text("http-codes"),
        field("ignore-initial-down", Kind::Bool).since(7, 18),
        field("ignore-initial-up", Kind::Bool).since(7, 18),
        text("interval"),
        text("packet-count"),
        text("packet-interval"),
        text("packet-size"),
        text("port"),
        text("record-type").since(7, 16),
        text("src-address").since(7, 12),
        text("start-delay"),
        text("startup-delay"),
        text("test-script"),
        text("thr-avg"),
        text("thr-http-time"),
        text("thr-jitter"),
        text("thr-loss-count"),
        text("thr-loss-percent"),
        text("thr-max"),
        text("thr-stdev"),
        text("thr-tcp-conn-time"),
        text("timeout"),
        text("ttl").or("255").since(7, 16),
        text("type").or("simple"),
        text("up-script"),
        COMMENT,
        DISABLED,
    ],
);

pub(super) static NOTE: Menu = Menu::single(
    "/system/note",
    &[
        text("note").or(""),
        field("show-at-cli-login", Kind::Bool)
            .or("false")
            .since(7, 15),
        field("show-at-login", Kind::Bool).or("true"),
    ],
);

pub(super) static NTP_CLIENT: Menu = Menu::single(
    "/system/ntp/client",
    &[
        field("enabled", Kind::Bool).or("false"),
        text("mode").or("unicast"),
        text("servers").or(""),
        text("vrf").or("main"),
    ],
);

pub(super) static LOGGING: Menu = Menu::table(
    "/system/logging",
    Verbs::TABLE,
    &[
        text("action").or("memory"),
        text("prefix").or(""),
        text("regex").since(7, 18),
        text("topics").or(""),
        text("comment").since(7, 22),
        DISABLED,
        flag("invalid").read_only(),
    ],
);

pub(super) static LOGGING_ACTION: Menu = Menu::table(
    "/system/logging/action",
    Verbs::PLAIN,
    &[
        text("name").required(),
        field("add-topics-string", Kind::Bool).since(7, 22),
        field("bsd-syslog", Kind::Bool).or("false").until(7, 18),
        text("cef-event-delimiter").since(7, 18),
        text("disk-file-count").or("2"),
        text("disk-file-name").or("log"),
        text("disk-lines-per-file").or("1000"),
        field("disk-stop-on-full", Kind::Bool).or("false"),
        field("email-start-tls", Kind::Bool).or("false"),
        text("email-to").or(""),
        text("memory-lines").or("1000"),
        field("memory-stop-on-full", Kind::Bool).or("false"),
        field("remember", Kind::Bool).or("true"),
        text("remote").or("0.0.0.0"),
        text("remote-log-format").or("default").since(7, 18),
        text("remote-port").or("514"),
        text("remote-protocol").or("udp").since(7, 18),
        text("script").since(7, 22),
        text("src-address").or("0.0.0.0"),
        text("syslog-facility").or("daemon"),
        text("syslog-severity").or("auto"),
        text("syslog-time-format").or("bsd-syslog"),
        text("target").required(),
        text("vrf").or("main").since(7, 20),
        COMMENT,
    ],
)
.unique(&["name"], "already have such name");

/// Files, as far as a client can make and change them itself.
///
/// What is said of one that is there twice is in no source. The time is under `creation-time` up to 7.19 and under
/// `last-modified` after that, as the command tree of 7.20 has it.
pub(super) static FILE: Menu = Menu::table(
    "/file",
    Verbs::PLAIN,
    &[
        text("name").required(),
        text("type").or(".txt file").read_only(),
        computed("size", rules::file_size),
        computed("creation-time", rules::creation_time).until(7, 20),
        computed("last-modified", rules::creation_time).since(7, 20),
        text("contents").or(""),
    ],
)
.unique(&["name"], "file with such name already exists");
