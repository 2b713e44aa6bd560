//! How a session ends, one by one or all at once.

use std::net::IpAddr;

use super::{
    super::{event::Happening, menu::MenuId, state::State},
    Tunnel, TunnelId, Tunnels,
};

/// Why a session ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ending {
    /// The client hung up.
    PeerRequest,
    /// It did not answer any more.
    HungUp,
    /// It was removed on the router.
    NasRequest,
    /// Its time was over.
    SessionTimeout,
    /// The router was started again.
    Reboot,
}

impl Ending {
    /// As `last-disconnect-reason` says it.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::PeerRequest => "peer-request",
            Self::HungUp => "hung-up",
            Self::NasRequest => "nas-request",
            Self::SessionTimeout => "session-timeout",
            Self::Reboot => "reboot",
        }
    }
}

impl State {
    /// Undoes all that came with the session.
    pub(crate) fn end_tunnel(&mut self, id: TunnelId, ending: Ending) {
        let Some(tunnel) = self.tunnels.all.remove(&id) else {
            return;
        };
        self.tunnels.behind.remove(&id);
        if let Some(ids) = self.tunnels.by_account.get_mut(&tunnel.account) {
            ids.remove(&id);
            if ids.is_empty() {
                self.tunnels.by_account.remove(&tunnel.account);
            }
        }
        for (menu, row) in tunnel.rows.iter().rev() {
            let still_its = self
                .table(*menu)
                .get(*row)
                .is_some_and(|row| row.tunnel == Some(id));
            if still_its {
                self.delete(*menu, *row);
            }
        }
        if let Some(address) = tunnel.address {
            if self.tunnels.by_address.get(&address) == Some(&id) {
                self.tunnels.by_address.remove(&address);
            }
            if let Some(pool) = &tunnel.pool {
                self.pools.give_back(pool, address);
            }
        }
        self.note_end(&tunnel, ending);
        if ending != Ending::Reboot {
            self.hook("on-down", &tunnel);
        }
        if matches!(ending, Ending::NasRequest | Ending::SessionTimeout) {
            self.plan_redial(tunnel.dial);
        }
    }

    fn note_end(&mut self, tunnel: &Tunnel, ending: Ending) {
        let now = self.date_time(self.now);
        self.account_stop(tunnel, ending);
        let secret = self.table(MenuId::Secret).named(&tunnel.account);
        let local = tunnel.radius.is_none();
        if let Some(secret) = secret.filter(|_| local).map(|row| row.id) {
            self.update(MenuId::Secret, secret, |row| {
                row.set("last-logged-out", now);
                row.set("last-caller-id", tunnel.caller_id.clone());
                row.set("last-disconnect-reason", ending.text());
            });
        }
        self.log(
            "ppp,info,account",
            format!("{} logged out, {}", tunnel.account, ending.text()),
        );
        let address = tunnel.address.map(IpAddr::V4);
        let what = Happening::Ended {
            account: tunnel.account.clone(),
            address,
            reason: ending.text(),
        };
        self.events.push(self.now, what);
    }

    /// Starts again: what is dynamic is lost, sessions and connections are gone, ids and session ids begin anew.
    pub(crate) fn reboot(&mut self) {
        let mut clients = self.redials();
        clients.extend(
            self.tunnels
                .all
                .values()
                .filter(|tunnel| !tunnel.closing)
                .map(|tunnel| tunnel.dial.clone()),
        );
        for tunnel in self.tunnels.ids() {
            self.end_tunnel(tunnel, Ending::Reboot);
        }
        let next = self.tunnels.next;
        self.tunnels = Tunnels {
            next,
            ..Tunnels::default()
        };
        self.close_all();
        self.listeners.clear();
        self.pools.clear();
        self.flows.clear();
        self.forget_volatile();
        self.refresh_fasttrack_dummy();
        self.log("system,info", "router rebooted");
        self.events.push(self.now, Happening::Rebooted);
        clients.into_iter().for_each(|dial| self.plan_redial(dial));
    }
}
