//! Interfaces that two menus show: `/interface` and that of their kind, under the same ids.

use super::{
    menu::MenuId,
    state::State,
    table::{Row, RowId},
};

/// The menus of single kinds.
const KINDS: [MenuId; 3] = [MenuId::Ethernet, MenuId::Bridge, MenuId::Vlan];

/// What both show.
const SHARED: [&str; 7] = [
    "name",
    "mtu",
    "l2mtu",
    "mac-address",
    "running",
    "disabled",
    "comment",
];

impl State {
    /// Makes the row of `/interface` for a bridge or a VLAN that is about to be; the id of both.
    pub(crate) fn make_interface(&mut self, menu: MenuId, made: &Row) -> RowId {
        let kind = if menu == MenuId::Vlan {
            "vlan"
        } else {
            "bridge"
        };
        let mut row = self.row(MenuId::Interface).with("type", kind);
        copy_shared(made, &mut row);
        self.insert(MenuId::Interface, row)
    }

    /// What was changed in one of the two menus that show an interface is so in the other.
    pub(crate) fn mirror_interfaces(&mut self, changed: MenuId) {
        for kind in KINDS {
            let other = match changed {
                MenuId::Interface => kind,
                _ if changed == kind => MenuId::Interface,
                _ => continue,
            };
            for id in self.table(kind).ids() {
                let Some(source) = self.table(changed).get(id).cloned() else {
                    continue;
                };
                let differs = |row: &Row| {
                    shared(&source, row).any(|name| row.bytes(name) != source.bytes(name))
                };
                if self.table(other).get(id).is_some_and(differs) {
                    self.update(other, id, |row| copy_shared(&source, row));
                }
            }
        }
    }

    /// `slave`, where an interface is a port of a bridge.
    pub(crate) fn mark_bridge_ports(&mut self) {
        let ports = self.table(MenuId::BridgePort).iter();
        let ports: Vec<String> = ports.map(|row| row.text("interface").to_owned()).collect();
        for menu in [MenuId::Interface, MenuId::Ethernet] {
            for id in self.table(menu).ids() {
                let Some(row) = self.table(menu).get(id) else {
                    continue;
                };
                let is_port = ports.iter().any(|port| port == row.text("name"));
                if is_port != row.is("slave") {
                    self.update(menu, id, |row| row.set("slave", is_port.to_string()));
                }
            }
        }
    }
}

/// The shared properties that both of these rows can have.
fn shared<'r>(one: &'r Row, other: &'r Row) -> impl Iterator<Item = &'static str> + 'r {
    let both = |name: &&str| one.menu.index(name).is_some() && other.menu.index(name).is_some();
    SHARED.into_iter().filter(both)
}

fn copy_shared(from: &Row, to: &mut Row) {
    for name in SHARED {
        let (Some(_), Some(index)) = (from.menu.index(name), to.menu.index(name)) else {
            continue;
        };
        to.put(index, from.bytes(name).map(|bytes| bytes.to_vec().into()));
    }
}
