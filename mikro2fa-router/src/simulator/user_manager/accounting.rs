//! Sessions as the User Manager records them: by the accounting packets that reach it, and what it can do about them.

use routeros_api::Sentence;

use crate::{
    duration,
    simulator::{
        dial::Service,
        menu::MenuId,
        state::State,
        table::{Row, RowId},
        trap::Trap,
        tunnel::{Ending, Tunnel, TunnelId},
    },
};

impl State {
    /// A session that RADIUS let in has its address: the User Manager is told.
    pub(crate) fn account_start(&mut self, id: TunnelId) {
        let accounting = self
            .only(MenuId::Aaa)
            .is_some_and(|row| row.is("accounting"));
        let Some(tunnel) = self.tunnels.get(id).cloned() else {
            return;
        };
        let Some(radius) = tunnel.radius.as_ref().filter(|_| accounting) else {
            return;
        };
        let now = self.date_time(self.now);
        let address = tunnel.address.map(|address| address.to_string());
        let address = address.unwrap_or_default();
        let kind = if tunnel.service == Service::Pppoe {
            "ethernet"
        } else {
            "virtual"
        };
        let shared = [
            ("user", &*tunnel.account),
            ("nas-port-type", kind),
            ("nas-port-id", &tunnel.interface),
            ("calling-station-id", &tunnel.caller_id),
            ("acct-session-id", &tunnel.session_id),
            ("status", "start"),
            ("active", "true"),
        ];
        let menu = self.session_menu();
        let row = self.row(menu).with_all(&shared);
        let nas = radius.nas.to_string();
        let row = if self.is_six() {
            row.with_all(&[
                ("customer", "admin"),
                ("user-ip", &address),
                ("host-ip", &nas),
                ("from-time", &now),
            ])
        } else {
            let name = self.only(MenuId::Identity).map(|row| row.text("name"));
            row.with_all(&[
                ("acct-multi-session-id", &tunnel.session_id),
                ("nas-ip-address", &nas),
                ("nas-identifier", name.unwrap_or_default()),
                ("user-address", &address),
                ("started", &now),
                ("last-accounting-packet", &now),
            ])
        };
        let record = self.insert(menu, row);
        self.tunnels.recorded(id, record);
    }

    /// Such a session has ended: the User Manager is told, unless the stop gets lost or the router goes down.
    pub(crate) fn account_stop(&mut self, tunnel: &Tunnel, ending: Ending) {
        let Some(record) = tunnel.record else {
            return;
        };
        let cause = match ending {
            Ending::PeerRequest => "user-request",
            Ending::HungUp => "lost-carrier",
            Ending::NasRequest => "admin-reset",
            Ending::SessionTimeout => "session-timeout",
            Ending::Reboot => return,
        };
        if self.stops_lost {
            return;
        }
        let now = self.date_time(self.now);
        let six = self.is_six();
        let menu = self.session_menu();
        let born = self.table(menu).get(record).map(|row| row.born);
        let lived = self.now.saturating_sub(born.unwrap_or(self.now));
        let lived = std::time::Duration::from_secs(lived.as_secs());
        self.update(menu, record, |row| {
            let status = format!("{},stop", row.text("status"));
            row.set("status", status);
            row.set("active", "false");
            row.set("terminate-cause", cause);
            row.set("uptime", duration::format(lived));
            row.set(if six { "till-time" } else { "ended" }, now.clone());
            if !six {
                row.set("last-accounting-packet", now);
            }
        });
    }

    /// `close-session`: asks the session's router to end it. That works only where the router listens, on the port that is
    /// sent to, and still has the session.
    pub(crate) fn close_sessions(&mut self, menu: MenuId, sentence: &Sentence) -> Result<(), Trap> {
        self.for_each_target(menu, sentence, |state, id| {
            let row = state.table(menu).get(id).ok_or_else(Trap::no_such_item)?;
            let row = row.clone();
            let closed = state.close_session(menu, &row);
            if !closed && state.quirks.close_session_tells {
                return Err(Trap::failure("no reply from router"));
            }
            Ok(())
        })
    }

    fn close_session(&mut self, menu: MenuId, row: &Row) -> bool {
        if !row.is("active") || !self.hears_disconnects(row) {
            return false;
        }
        let Some(tunnel) = self.tunnels.of_record(row.id) else {
            return false;
        };
        self.update(menu, row.id, |row| {
            let status = format!("{},close-acked", row.text("status"));
            row.set("status", status);
        });
        self.cut(tunnel);
        true
    }

    /// Does a Disconnect-Request about this session reach anybody who listens?
    fn hears_disconnects(&self, session: &Row) -> bool {
        let nas = if self.is_six() {
            "host-ip"
        } else {
            "nas-ip-address"
        };
        let router = session.text(nas).parse().ok();
        let router = router.and_then(|address| self.user_manager_router(address));
        let Some((router, incoming)) = router.zip(self.only(MenuId::RadiusIncoming)) else {
            return false;
        };
        let sends = !self.is_six() || router.is("use-coa");
        sends && incoming.is("accept") && incoming.text("port") == router.text("coa-port")
    }

    /// A user of the User Manager was disabled; its sessions may be told to end.
    pub(crate) fn user_was_disabled(&mut self, user: RowId) {
        if !self.quirks.user_manager_disconnects_disabled {
            return;
        }
        let Some(name) = self
            .table(MenuId::UmUser)
            .get(user)
            .map(|row| row.text("name").to_owned())
        else {
            return;
        };
        let sessions = self.table(MenuId::UmSession).iter();
        let live: Vec<Row> = sessions
            .filter(|row| row.is("active") && row.text("user") == name)
            .cloned()
            .collect();
        for session in live {
            self.close_session(MenuId::UmSession, &session);
        }
    }
}
