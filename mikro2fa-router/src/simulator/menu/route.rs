//! `/ip/route`: static routes, and those to the networks of the router's own addresses.

use super::{COMMENT, DISABLED, DYNAMIC, Kind, Menu, Verbs, computed, field, number, text, words};
use crate::simulator::routes;

/// Packets are judged by the networks of `/ip/address` and the tunnels: a static route changes no verdict.
pub(super) static ROUTE: Menu = Menu::table(
    "/ip/route",
    Verbs::TABLE.with(Verbs::UNSET),
    &[
        field("dst-address", Kind::Prefix).or("0.0.0.0/0"),
        field("pref-src", Kind::Address),
        text("gateway"),
        computed("gateway-status", routes::gateway_status).until(7, 1),
        computed("immediate-gw", routes::immediate_gateway).since(7, 1),
        text("local-address").read_only().since(7, 1),
        words("check-gateway", &["arp", "bfd", "none", "ping"]),
        number("distance").or("1"),
        number("scope").or("30"),
        number("target-scope").or("10"),
        text("routing-mark").until(7, 1),
        number("route-tag").until(7, 1),
        words("type", &["blackhole", "prohibit", "unicast", "unreachable"]).until(7, 1),
        text("routing-table").or("main").since(7, 1),
        text("vrf-interface"),
        field("blackhole", Kind::Bool).since(7, 1),
        field("suppress-hw-offload", Kind::Bool)
            .or("false")
            .since(7, 1)
            .until(7, 22),
        computed("active", routes::active),
        computed("inactive", routes::inactive).since(7, 1),
        computed("static", routes::is_static),
        computed("connect", routes::is_connected),
        DYNAMIC,
        DISABLED,
        COMMENT,
    ],
);
