//! The routing table: a route to the network of each of the router's addresses follows that address, and what a route
//! says of itself is worked out from where its gateway is.

use std::{borrow::Cow, net::IpAddr};

use super::{
    menu::MenuId,
    state::State,
    table::{Row, RowId, Value},
};

fn flag(holds: bool) -> Option<Value> {
    Some(Cow::Borrowed(if holds { b"true" } else { b"false" }))
}

fn owned(text: String) -> Option<Value> {
    Some(Cow::Owned(text.into_bytes()))
}

/// The interface through which a gateway is reached: it is one, or an address in a connected network.
fn way_to<'s>(state: &'s State, gateway: &'s str) -> Option<&'s str> {
    let running = |name: &str| {
        let interface = state.table(MenuId::Interface).named(name);
        interface.is_some_and(|row| !row.is("disabled"))
    };
    let interface = match gateway.parse::<IpAddr>() {
        Ok(address) => state.networks().interface_of(address)?,
        Err(_) => gateway,
    };
    running(interface).then_some(interface)
}

fn is_active(state: &State, row: &Row) -> bool {
    let needs_no_gateway = row.is("blackhole") || !matches!(row.text("type"), "" | "unicast");
    !row.is("disabled") && (needs_no_gateway || way_to(state, row.text("gateway")).is_some())
}

/// `active`: in use.
pub(crate) fn active(state: &State, row: &Row) -> Option<Value> {
    flag(is_active(state, row))
}

/// `inactive`: enabled, and still not in use.
pub(crate) fn inactive(state: &State, row: &Row) -> Option<Value> {
    flag(!row.is("disabled") && !is_active(state, row))
}

/// `static`: made by hand.
pub(crate) fn is_static(_: &State, row: &Row) -> Option<Value> {
    flag(!row.dynamic)
}

/// `connect`: to a network of the router's own.
pub(crate) fn is_connected(_: &State, row: &Row) -> Option<Value> {
    flag(row.dynamic)
}

/// `gateway-status` of version 6: whether the gateway can be reached, and by which interface.
pub(crate) fn gateway_status(state: &State, row: &Row) -> Option<Value> {
    let gateway = row.text("gateway");
    match way_to(state, gateway) {
        _ if gateway.is_empty() => None,
        None => owned(format!("{gateway} unreachable")),
        Some(interface) if interface == gateway => owned(format!("{gateway} reachable")),
        Some(interface) => owned(format!("{gateway} reachable via  {interface}")),
    }
}

/// `immediate-gw` of version 7: the interface, after the gateway's address where it has one.
pub(crate) fn immediate_gateway(state: &State, row: &Row) -> Option<Value> {
    let gateway = row.text("gateway");
    let interface = way_to(state, gateway)?;
    owned(if interface == gateway {
        gateway.to_owned()
    } else {
        format!("{gateway}%{interface}")
    })
}

impl State {
    /// An address has come: so does the route to its network.
    pub(crate) fn connect_route(&mut self, address: RowId) {
        let Some(row) = self
            .table(MenuId::Address)
            .get(address)
            .filter(|row| !row.is("disabled"))
        else {
            return;
        };
        let (own, length) = row
            .text("address")
            .split_once('/')
            .unwrap_or_else(|| (row.text("address"), "32"));
        let (interface, network) = (row.text("interface"), row.text("network"));
        let seven = self.version.major >= 7;
        let mut route = self
            .row(MenuId::Route)
            .made_by_router()
            .with("dst-address", format!("{network}/{length}"))
            .with_all(&[("gateway", interface), ("distance", "0"), ("scope", "10")]);
        if seven {
            route.set("local-address", format!("{own}%{interface}"));
            route.set("target-scope", "5");
        } else {
            route.set("pref-src", own);
        }
        let route = self.insert(MenuId::Route, route);
        self.connected.insert(address, route);
    }

    /// An address has gone: so does the route to its network.
    pub(crate) fn disconnect_route(&mut self, address: RowId) {
        if let Some(route) = self.connected.remove(&address) {
            self.delete(MenuId::Route, route);
        }
    }
}
