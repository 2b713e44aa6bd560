//! Connection tracking: which connections were let through, and which bypass the rules.

use std::{
    collections::{HashMap, HashSet},
    net::IpAddr,
};

use super::{
    super::{
        menu::MenuId,
        state::State,
        table::{Row, RowId},
    },
    Flow,
    route::Route,
};
use crate::firewall::Protocol;

/// Connections that were let through, by what identifies them.
#[derive(Debug, Default)]
pub(crate) struct Flows {
    by_key: HashMap<FlowKey, RowId>,
    /// Fasttracked ones whose row was removed, where that does not end the bypass.
    bypassing: HashSet<FlowKey>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct FlowKey {
    protocol: u8,
    source: (IpAddr, u16),
    destination: (IpAddr, u16),
}

impl FlowKey {
    /// The menu that shows it.
    const fn menu(self) -> MenuId {
        if self.source.0.is_ipv6() {
            MenuId::Connection6
        } else {
            MenuId::Connection
        }
    }

    /// The same connection, seen from its other end.
    const fn reversed(self) -> Self {
        Self {
            protocol: self.protocol,
            source: self.destination,
            destination: self.source,
        }
    }
}

impl Flows {
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

impl State {
    pub(super) fn flow_row(&mut self, key: FlowKey) -> Option<RowId> {
        let found = [key, key.reversed()]
            .into_iter()
            .find_map(|key| Some((key, *self.flows.by_key.get(&key)?)));
        let (known, row) = found?;
        if self.table(key.menu()).get(row).is_some() {
            return Some(row);
        }
        self.flows.by_key.remove(&known);
        None
    }

    pub(super) fn is_fasttracked(&mut self, key: FlowKey) -> bool {
        let row = self.flow_row(key);
        let marked = row
            .and_then(|row| self.table(key.menu()).get(row))
            .is_some_and(|row| row.is("fasttrack"));
        marked
            || self.flows.bypassing.contains(&key)
            || self.flows.bypassing.contains(&key.reversed())
    }

    pub(super) fn track(&mut self, key: FlowKey) -> RowId {
        let protocol = Protocol(key.protocol);
        let name = protocol
            .name()
            .map_or_else(|| key.protocol.to_string(), str::to_owned);
        let mut row = self.row(key.menu()).with_all(&[
            ("protocol", &name),
            ("timeout", "1d"),
            ("confirmed", "true"),
            ("seen-reply", "true"),
        ]);
        let ends = [
            ("src", key.source),
            ("dst", key.destination),
            ("reply-src", key.destination),
            ("reply-dst", key.source),
        ];
        for (side, end) in ends {
            self.show_end(&mut row, protocol, side, end);
        }
        if protocol == Protocol::TCP {
            row.set("tcp-state", "established");
        }
        let id = self.insert(key.menu(), row);
        self.flows.by_key.insert(key, id);
        id
    }

    /// One end of a connection, as the version shows it.
    fn show_end(
        &self,
        row: &mut Row,
        protocol: Protocol,
        side: &str,
        (address, port): (IpAddr, u16),
    ) {
        let apart = self
            .quirks
            .connection_ports_apart
            .unwrap_or_else(|| self.version.at_least(7, 20));
        let text = match address {
            _ if apart || !protocol.has_ports() => address.to_string(),
            IpAddr::V4(_) => format!("{address}:{port}"),
            IpAddr::V6(_) => format!("[{address}]:{port}"),
        };
        row.set(&format!("{side}-address"), text);
        if apart && protocol.has_ports() {
            row.set(&format!("{side}-port"), port.to_string());
        }
    }

    pub(super) fn mark_fasttracked(&mut self, key: FlowKey) {
        let row = self.flow_row(key).unwrap_or_else(|| self.track(key));
        self.update(key.menu(), row, |row| row.set("fasttrack", "true"));
        if self.quirks.fasttrack_outlives_removal {
            self.flows.bypassing.insert(key);
        }
    }
}

pub(super) const fn key_of(flow: &Flow, route: &Route) -> FlowKey {
    FlowKey {
        protocol: flow.protocol.0,
        source: (route.source, flow.source_port),
        destination: (route.destination, flow.destination_port),
    }
}
