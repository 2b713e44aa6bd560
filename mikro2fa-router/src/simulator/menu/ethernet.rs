//! `/interface/ethernet`: the wired among the interfaces, under the same ids.

use super::{COMMENT, DISABLED, Kind, Menu, Verbs, field, flag, number, text, words};

const FLOW_CONTROL: &[&str] = &["auto", "off", "on"];

/// Properties of optical ports have no value: this router has none.
pub(super) static ETHERNET: Menu = Menu::table(
    "/interface/ethernet",
    Verbs::SET
        .with(Verbs::SWITCH)
        .with(Verbs::RESET)
        .with(Verbs::UNSET),
    &[
        text("name").required(),
        text("default-name").read_only(),
        number("mtu").or("1500"),
        number("l2mtu"),
        text("mac-address"),
        text("orig-mac-address"),
        words(
            "arp",
            &[
                "disabled",
                "enabled",
                "local-proxy-arp",
                "proxy-arp",
                "reply-only",
            ],
        )
        .or("enabled"),
        text("arp-timeout").or("auto"),
        words("loop-protect", &["default", "off", "on"]).or("default"),
        text("loop-protect-status").or("off").read_only(),
        field("loop-protect-send-interval", Kind::Duration).or("5s"),
        field("loop-protect-disable-time", Kind::Duration).or("5m"),
        field("disable-running-check", Kind::Bool).or("true"),
        field("auto-negotiation", Kind::Bool).or("true"),
        text("advertise"),
        field("full-duplex", Kind::Bool).or("true").until(7, 12),
        words("tx-flow-control", FLOW_CONTROL).or("off"),
        words("rx-flow-control", FLOW_CONTROL).or("off"),
        words("cable-settings", &["default", "short", "standard"]).or("default"),
        words("combo-mode", &["auto", "copper", "sfp"]),
        words("fec-mode", &["auto", "fec74", "fec91", "off"]),
        field("mdix-enable", Kind::Bool),
        words("sfp-rate-select", &["high", "low"]),
        number("sfp-shutdown-temperature"),
        field("sfp-ignore-rx-los", Kind::Bool).since(7, 15),
        text("speed"),
        flag("running").read_only(),
        flag("slave").read_only(),
        DISABLED,
        COMMENT,
    ],
)
.unique(&["name"], "already have device with such name");
