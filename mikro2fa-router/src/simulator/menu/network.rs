//! What a network has beside what the project needs: neighbours, leases, WireGuard, queues. Kept and shown, without effect.

use super::{COMMENT, DISABLED, DYNAMIC, Kind, Menu, Verbs, field, flag, text};

pub(super) static ARP: Menu = Menu::table(
    "/ip/arp",
    Verbs::TABLE,
    &[
        text("address").or("0.0.0.0"),
        text("interface").required(),
        text("mac-address").or("00:00:00:00:00:00"),
        field("published", Kind::Bool).or("false"),
        COMMENT,
        DISABLED,
        flag("invalid").read_only(),
        DYNAMIC,
    ],
);

/// Who answers next door. There is no command tree of it; the properties are those of MikroTik's manual, *Neighbor
/// discovery*.
pub(super) static NEIGHBOR: Menu = Menu::table(
    "/ip/neighbor",
    Verbs::NONE,
    &[
        text("interface").read_only(),
        text("address").read_only(),
        text("address4").read_only().since(7, 1),
        text("mac-address").read_only(),
        text("identity").read_only(),
        text("platform").or("MikroTik").read_only(),
        text("version").read_only(),
        text("unpack").or("none").read_only(),
        field("age", Kind::Age).read_only(),
        field("uptime", Kind::Age).read_only(),
        text("software-id").read_only(),
        text("board").read_only(),
        field("ipv6", Kind::Bool).or("false").read_only(),
        text("interface-name").read_only(),
        text("system-description").read_only(),
        text("system-caps").or("").read_only(),
        text("system-caps-enabled").or("").read_only(),
    ],
);

pub(super) static LEASE: Menu = Menu::table(
    "/ip/dhcp-server/lease",
    Verbs::TABLE.with(Verbs::UNSET),
    &[
        text("address"),
        text("address-lists").or(""),
        text("agent-circuit-id").since(7, 22),
        text("agent-remote-id").since(7, 22),
        field("allow-dual-stack-queue", Kind::Bool),
        field("always-broadcast", Kind::Bool),
        field("block-access", Kind::Bool),
        text("client-id"),
        text("dhcp-option").or(""),
        text("dhcp-option-set"),
        text("insert-queue-before"),
        text("lease-time"),
        text("mac-address"),
        text("parent-queue"),
        text("queue-type"),
        text("rate-limit"),
        text("routes"),
        text("server"),
        field("use-src-mac", Kind::Bool),
        COMMENT,
        DISABLED,
        DYNAMIC,
    ],
);

pub(super) static ADDRESS6: Menu = Menu::table(
    "/ipv6/address",
    Verbs::TABLE,
    &[
        text("address"),
        field("advertise", Kind::Bool),
        field("auto-link-local", Kind::Bool).since(7, 18),
        field("eui-64", Kind::Bool),
        text("from-pool"),
        text("interface"),
        field("no-dad", Kind::Bool),
        COMMENT,
        DISABLED,
    ],
);

pub(super) static CLOUD: Menu = Menu::single(
    "/ip/cloud",
    &[
        text("ddns-enabled").or("false"),
        text("ddns-update-interval").or("none"),
        field("update-time", Kind::Bool).or("true"),
    ],
);

pub(super) static WIREGUARD: Menu = Menu::table(
    "/interface/wireguard",
    Verbs::TABLE,
    &[
        text("name"),
        text("listen-port"),
        text("mtu").or("1420"),
        text("private-key").sensitive(),
        text("vrf").since(7, 22),
        COMMENT,
        DISABLED,
        flag("running").read_only(),
    ],
)
.unique(&["name"], "already have such name")
.since(7, 1);

pub(super) static WIREGUARD_PEER: Menu = Menu::table(
    "/interface/wireguard/peers",
    Verbs::TABLE.with(Verbs::MOVE),
    &[
        text("name").since(7, 15),
        text("allowed-address").required(),
        text("client-address").since(7, 12),
        text("client-allowed-address").since(7, 22),
        text("client-dns").since(7, 12),
        text("client-endpoint").since(7, 12),
        text("client-keepalive").since(7, 12),
        text("client-listen-port").since(7, 12),
        text("endpoint-address").or(""),
        text("endpoint-port").or("0"),
        text("interface").required(),
        text("is-responder").since(7, 15).until(7, 18),
        text("persistent-keepalive"),
        text("preshared-key").sensitive(),
        text("private-key").sensitive().since(7, 12),
        text("public-key"),
        field("responder", Kind::Bool).since(7, 18),
        COMMENT,
        DISABLED,
        DYNAMIC,
    ],
)
.since(7, 1);

pub(super) static QUEUE_TREE: Menu = Menu::table(
    "/queue/tree",
    Verbs::TABLE.with(Verbs::RESET),
    &[
        text("name"),
        text("bucket-size").or("0.1"),
        text("burst-limit").or("0"),
        text("burst-threshold").or("0"),
        text("burst-time").or("0s"),
        text("limit-at").or("0"),
        text("max-limit").or("0"),
        text("packet-mark").or(""),
        text("parent").required(),
        text("priority").or("8"),
        text("queue").or("default-small"),
        COMMENT,
        DISABLED,
        flag("invalid").read_only(),
    ],
)
.unique(&["name"], "already have such name");
