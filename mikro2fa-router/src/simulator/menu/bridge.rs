//! Bridges, their ports, VLANs: interfaces that are made. Kept and shown; packets do not know of them.
//!
//! A bridge or a VLAN is a row of `/interface`, too, under the same id. Properties of bridges by version are those of the
//! command trees. There is no tree of ports and VLANs: theirs are from MikroTik's manual, *Bridging and Switching* and *VLAN*,
//! and from the field list of the Ansible collection `community.routeros`.

use super::{
    COMMENT, DISABLED, DYNAMIC, Field, Kind, Menu, MenuId, Verbs, field, flag, number, text, words,
};

const ARP: Field = words(
    "arp",
    &[
        "disabled",
        "enabled",
        "local-proxy-arp",
        "proxy-arp",
        "reply-only",
    ],
)
.or("enabled");

const FRAMES: Field = words(
    "frame-types",
    &[
        "admit-all",
        "admit-only-untagged-and-priority-tagged",
        "admit-only-vlan-tagged",
    ],
)
.or("admit-all");

const MULTICAST: &[&str] = &["disabled", "permanent", "temporary-query"];

const fn switch(name: &'static str) -> Field {
    field(name, Kind::Bool)
}

pub(super) static BRIDGE: Menu = Menu::table(
    "/interface/bridge",
    Verbs::TABLE,
    &[
        text("name"),
        text("mtu").or("auto"),
        number("actual-mtu").or("1500").read_only(),
        number("l2mtu").or("1514").read_only(),
        ARP,
        text("arp-timeout").or("auto"),
        text("mac-address").read_only(),
        words("protocol-mode", &["mstp", "none", "rstp", "stp"]).or("rstp"),
        switch("fast-forward").or("true"),
        switch("igmp-snooping").or("false"),
        words("igmp-version", &["2", "3"]),
        words("mld-version", &["1", "2"]),
        words("multicast-router", MULTICAST),
        switch("multicast-querier"),
        text("startup-query-count"),
        text("last-member-query-count"),
        text("last-member-interval"),
        text("membership-interval"),
        text("querier-interval"),
        text("query-interval"),
        text("query-response-interval"),
        text("startup-query-interval"),
        switch("auto-mac").or("true"),
        text("admin-mac"),
        field("ageing-time", Kind::Duration).or("5m"),
        text("priority").or("0x8000"),
        field("max-message-age", Kind::Duration).or("20s"),
        field("forward-delay", Kind::Duration).or("15s"),
        number("transmit-hold-count").or("6"),
        text("region-name"),
        text("region-revision"),
        number("max-hops"),
        switch("vlan-filtering").or("false"),
        words("ether-type", &["0x8100", "0x88a8", "0x9100"]),
        number("pvid"),
        FRAMES,
        switch("ingress-filtering"),
        switch("dhcp-snooping").or("false"),
        switch("add-dhcp-option82"),
        switch("mvrp").since(7, 15),
        words("port-cost-mode", &["long", "short"])
            .or("long")
            .since(7, 15),
        switch("forward-reserved-addresses")
            .or("false")
            .since(7, 16),
        text("max-learned-entries").or("auto").since(7, 16),
        text("mlag-heartbeat").since(7, 22),
        text("mlag-peer-port").since(7, 22),
        number("mlag-priority").since(7, 22),
        switch("ra-guard").since(7, 22),
        flag("running").read_only(),
        DYNAMIC,
        DISABLED,
        COMMENT,
    ],
)
.unique(&["name"], "already have device with such name");

pub(super) static PORT: Menu = Menu::table(
    "/interface/bridge/port",
    Verbs::TABLE.with(Verbs::MOVE),
    &[
        field("interface", Kind::Reference(MenuId::Interface, &[])).required(),
        field("bridge", Kind::Reference(MenuId::Bridge, &[])).required(),
        text("priority").or("0x80"),
        number("path-cost").or("10"),
        number("internal-path-cost").or("10"),
        words(
            "edge",
            &["auto", "no", "no-discover", "yes", "yes-discover"],
        )
        .or("auto"),
        words("point-to-point", &["auto", "no", "yes"]).or("auto"),
        words("learn", &["auto", "no", "yes"]).or("auto"),
        text("horizon").or("none"),
        switch("hw").or("true"),
        switch("auto-isolate").or("false"),
        switch("restricted-role").or("false"),
        switch("restricted-tcn").or("false"),
        number("pvid").or("1"),
        FRAMES,
        switch("ingress-filtering").or("true"),
        switch("unknown-unicast-flood").or("true"),
        switch("unknown-multicast-flood").or("true"),
        switch("broadcast-flood").or("true"),
        switch("tag-stacking").or("false"),
        switch("bpdu-guard").or("false"),
        switch("trusted").or("false"),
        words("multicast-router", MULTICAST).or("temporary-query"),
        switch("fast-leave").or("false"),
        flag("inactive").read_only(),
        DYNAMIC,
        DISABLED,
        COMMENT,
    ],
)
.unique(&["interface"], "device already added as bridge port");

pub(super) static VLAN: Menu = Menu::table(
    "/interface/vlan",
    Verbs::TABLE,
    &[
        text("name"),
        number("mtu").or("1500"),
        number("l2mtu").or("1510").read_only(),
        text("mac-address").read_only(),
        ARP,
        text("arp-timeout").or("auto"),
        words("loop-protect", &["default", "off", "on"]).or("default"),
        text("loop-protect-status").or("off").read_only(),
        field("loop-protect-send-interval", Kind::Duration).or("5s"),
        field("loop-protect-disable-time", Kind::Duration).or("5m"),
        field("vlan-id", Kind::Number(4_095)).or("1"),
        field("interface", Kind::Reference(MenuId::Interface, &[])).required(),
        switch("use-service-tag").or("false"),
        flag("running").read_only(),
        DISABLED,
        COMMENT,
    ],
)
.unique(&["name"], "already have device with such name");
