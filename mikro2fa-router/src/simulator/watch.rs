//! `listen` and `print follow`: who is told of which changes.

use std::collections::HashMap;

use super::{
    menu::MenuId,
    read::View,
    reply::{Reply, attribute},
    session::{ConnectionId, Out},
    state::State,
    table::RowId,
};

/// Commands that wait for changes, by menu.
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    by_menu: HashMap<MenuId, Vec<Listener>>,
}

#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) connection: ConnectionId,
    pub(crate) tag: Option<Vec<u8>>,
    pub(crate) view: View,
}

impl Listener {
    /// One that is told nothing, and can be cancelled.
    pub(crate) fn to_nothing(connection: ConnectionId, tag: Option<Vec<u8>>) -> Self {
        Self {
            connection,
            tag,
            view: View::of_nothing(),
        }
    }

    fn is(&self, connection: ConnectionId, tag: Option<&[u8]>) -> bool {
        self.connection == connection && self.tag.as_deref() == tag
    }
}

impl Listeners {
    pub(crate) fn has(&self, menu: MenuId, connection: ConnectionId, tag: Option<&[u8]>) -> bool {
        self.of(menu).iter().any(|it| it.is(connection, tag))
    }

    /// It has ended by itself.
    pub(crate) fn forget(&mut self, menu: MenuId, connection: ConnectionId, tag: Option<&[u8]>) {
        if let Some(listeners) = self.by_menu.get_mut(&menu) {
            listeners.retain(|it| !it.is(connection, tag));
        }
    }

    pub(crate) fn add(&mut self, menu: MenuId, listener: Listener) {
        self.by_menu.entry(menu).or_default().push(listener);
    }

    /// Ends what runs on a connection, all of it or that with one tag; the tags of what was ended.
    pub(crate) fn cancel(
        &mut self,
        connection: ConnectionId,
        only: Option<&[u8]>,
    ) -> Vec<Option<Vec<u8>>> {
        let mut ended = Vec::new();
        for listeners in self.by_menu.values_mut() {
            listeners.retain_mut(|listener| {
                let meant = listener.connection == connection
                    && only.is_none_or(|tag| listener.tag.as_deref() == Some(tag));
                if meant {
                    ended.push(listener.tag.take());
                }
                !meant
            });
        }
        self.by_menu.retain(|_, listeners| !listeners.is_empty());
        ended
    }

    pub(crate) fn clear(&mut self) {
        self.by_menu.clear();
    }

    fn of(&self, menu: MenuId) -> &[Listener] {
        self.by_menu.get(&menu).map_or(&[], Vec::as_slice)
    }
}

impl State {
    /// Tells those who listen what a row looks like now.
    pub(crate) fn tell_changed(&self, menu: MenuId, id: RowId) {
        for listener in self.listeners.of(menu) {
            let Some(row) = self.table(menu).get(id) else {
                return;
            };
            if !self.is_wanted(row, &listener.view) {
                continue;
            }
            let mut reply = Reply::to(listener.tag.as_deref());
            reply.re(|out| self.write_row(row, &listener.view, out));
            self.push(listener.connection, Out::Bytes(reply.bytes));
        }
    }

    /// Tells those who listen that a row has gone.
    pub(crate) fn tell_dead(&self, menu: MenuId, id: RowId) {
        let dead: &[u8] = if self.quirks.dead_says_yes {
            b"yes"
        } else {
            b"true"
        };
        for listener in self.listeners.of(menu) {
            let mut reply = Reply::to(listener.tag.as_deref());
            reply.re(|out| {
                attribute(b".id", id.to_string().as_bytes(), out);
                attribute(b".dead", dead, out);
            });
            self.push(listener.connection, Out::Bytes(reply.bytes));
        }
    }
}
