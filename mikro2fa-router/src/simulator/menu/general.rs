//! What has no family: certificates, the log, queues.

use super::{COMMENT, DISABLED, DYNAMIC, Field, Menu, Verbs, computed, flag, number, text};
use crate::simulator::rules;

const fn shown(name: &'static str) -> Field {
    text(name).read_only()
}

/// Templates, and what `sign` makes of them: self-signed, since there is no authority here. Nothing is imported. Whatever
/// `key-size` says, keys are of one kind.
pub(super) static CERTIFICATE: Menu = Menu::table(
    "/certificate",
    Verbs::PLAIN,
    &[
        text("name"),
        text("digest-algorithm").or("sha256"),
        shown("key-type").or("ec"),
        text("common-name"),
        text("key-size").or("prime256v1"),
        text("subject-alt-name"),
        number("days-valid"),
        text("key-usage"),
        flag("private-key").read_only(),
        flag("authority").read_only(),
        flag("expired").read_only(),
        flag("trusted"),
        shown("fingerprint"),
        shown("invalid-before"),
        shown("invalid-after"),
        computed("expires-after", rules::expires_after),
    ],
)
.unique(&["name"], "already have such name");

pub(super) static LOG: Menu = Menu::table(
    "/log",
    Verbs::NONE,
    &[
        text("time").read_only(),
        text("topics").read_only(),
        text("message").read_only(),
        text("buffer").or("memory").read_only(),
    ],
);

pub(super) static QUEUE: Menu = Menu::table(
    "/queue/simple",
    Verbs::ORDERED,
    &[
        text("name"),
        text("target").required(),
        text("dst"),
        text("parent").or("none"),
        text("packet-marks").or(""),
        text("priority").or("8/8"),
        text("queue").or("default-small/default-small"),
        text("limit-at").or("0/0"),
        text("max-limit").or("0/0"),
        text("burst-limit").or("0/0"),
        text("burst-threshold").or("0/0"),
        text("burst-time").or("0s/0s"),
        text("bucket-size").or("0.1/0.1"),
        text("time"),
        text("total-queue").or("default-small"),
        text("total-priority").or("8"),
        text("total-limit-at").or("0"),
        text("total-max-limit").or("0"),
        text("total-burst-limit").or("0"),
        text("total-burst-threshold").or("0"),
        text("total-burst-time").or("0s"),
        text("total-bucket-size").or("0.1"),
        text("bytes").or("0/0").read_only(),
        text("packets").or("0/0").read_only(),
        number("total-bytes").or("0").read_only().on_demand(),
        text("rate").or("0/0").read_only(),
        flag("invalid").read_only(),
        DYNAMIC,
        DISABLED,
        COMMENT,
    ],
)
.unique(&["name"], "already have such name");
