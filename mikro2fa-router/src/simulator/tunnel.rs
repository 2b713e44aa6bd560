//! The life of a VPN session on the router: its rows, its address, its lists and hooks, its end.

mod ending;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

pub(crate) use ending::Ending;

use super::{
    dial::{Dial, Granted, Service},
    menu::MenuId,
    script::Value,
    state::State,
    table::{Row, RowId},
    timer::Timer,
    user_manager::Attributes,
};
use crate::{duration, firewall::AddressSet};

/// A tunnel's number in the simulator; RouterOS does not know it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TunnelId(u64);

impl TunnelId {
    /// The number, from 1.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}

/// A live session.
#[derive(Clone, Debug)]
pub(crate) struct Tunnel {
    pub(crate) account: String,
    pub(crate) caller_id: String,
    pub(crate) service: Service,
    pub(crate) interface: String,
    pub(crate) address: Option<Ipv4Addr>,
    pub(crate) session_id: String,
    pub(crate) active: RowId,
    profile: String,
    /// Networks that are behind it: fixed routes and prefixes of its account.
    pub(crate) behind: Vec<AddressSet>,
    /// What the User Manager said, if it was that which let the client in.
    pub(crate) radius: Option<Attributes>,
    /// The User Manager's record of it.
    pub(crate) record: Option<RowId>,
    /// The pool its address is from.
    pool: Option<String>,
    /// Rows that go with it.
    rows: Vec<(MenuId, RowId)>,
    /// It is being ended.
    closing: bool,
    /// Its client is gone without a word, which nobody has noticed yet.
    crashed: bool,
    /// What its client would dial again with.
    dial: Dial,
}

/// The live sessions.
#[derive(Debug, Default)]
pub(crate) struct Tunnels {
    all: BTreeMap<TunnelId, Tunnel>,
    by_account: HashMap<String, BTreeSet<TunnelId>>,
    by_address: HashMap<Ipv4Addr, TunnelId>,
    /// Those with networks behind them.
    behind: BTreeSet<TunnelId>,
    next: u64,
    next_session: u32,
}

impl Tunnels {
    pub(crate) fn get(&self, id: TunnelId) -> Option<&Tunnel> {
        self.all.get(&id)
    }

    pub(crate) fn with_address(&self, address: IpAddr) -> Option<&Tunnel> {
        let IpAddr::V4(address) = address else {
            return None;
        };
        self.all.get(self.by_address.get(&address)?)
    }

    /// The tunnel that a network of which an address is part is behind.
    pub(crate) fn leading_to(&self, address: IpAddr) -> Option<&Tunnel> {
        let mut leading = self.behind.iter().filter_map(|id| self.all.get(id));
        leading.find(|tunnel| tunnel.behind.iter().any(|set| set.contains(address)))
    }

    pub(crate) fn of_account(&self, account: &str) -> Vec<TunnelId> {
        self.by_account
            .get(account)
            .map(|ids| ids.iter().copied().collect())
            .unwrap_or_default()
    }

    /// Whether a session was removed and is about to end.
    pub(crate) fn is_going(&self, id: TunnelId) -> bool {
        self.all.get(&id).is_some_and(|tunnel| tunnel.closing)
    }

    /// The clients of an account do not dial again.
    pub(crate) fn forget_redials(&mut self, account: &str) {
        for id in self.of_account(account) {
            if let Some(tunnel) = self.all.get_mut(&id) {
                tunnel.dial.redials_after = None;
            }
        }
    }

    /// The tunnel that a session of the User Manager is about.
    pub(crate) fn of_record(&self, record: RowId) -> Option<TunnelId> {
        let mut all = self.all.iter();
        let found = all.find(|(_, tunnel)| tunnel.record == Some(record));
        found.map(|(id, _)| *id)
    }

    /// The User Manager made a record of it.
    pub(crate) fn recorded(&mut self, id: TunnelId, record: RowId) {
        if let Some(tunnel) = self.all.get_mut(&id) {
            tunnel.record = Some(record);
        }
    }

    pub(crate) fn ids(&self) -> Vec<TunnelId> {
        self.all.keys().copied().collect()
    }
}

impl State {
    /// An admitted client's session comes up.
    pub(crate) fn bring_up(
        &mut self,
        dial: &Dial,
        granted: Granted,
        address: Ipv4Addr,
        pool: Option<String>,
    ) -> TunnelId {
        self.tunnels.next += 1;
        self.tunnels.next_session += 1;
        let id = TunnelId(self.tunnels.next);
        let session_id = format!(
            "0x{:X}",
            0x81C0_0001_u32.wrapping_add(self.tunnels.next_session)
        );
        let interface = self.free_interface_name(dial);
        let tunnel = Tunnel {
            account: dial.account.clone(),
            caller_id: dial.caller_id.clone(),
            service: dial.service,
            interface,
            address: Some(address),
            session_id,
            active: RowId(0),
            profile: granted.profile,
            behind: granted.behind,
            radius: granted.radius,
            record: None,
            pool,
            rows: Vec::new(),
            closing: false,
            crashed: false,
            dial: dial.clone(),
        };
        self.tunnels
            .by_account
            .entry(dial.account.clone())
            .or_default()
            .insert(id);
        if !tunnel.behind.is_empty() {
            self.tunnels.behind.insert(id);
        }
        self.tunnels.all.insert(id, tunnel.clone());
        self.add_first_rows(id, &tunnel);
        match self.quirks.address_after {
            Some(delay) => self.schedule(delay, Timer::Address(id)),
            None => self.give_address(id),
        }
        id
    }

    fn free_interface_name(&self, dial: &Dial) -> String {
        let interfaces = self.table(MenuId::Interface);
        let name = |suffix: String| format!("<{}-{}{suffix}>", dial.service.name(), dial.account);
        let mut names =
            std::iter::once(name(String::new())).chain((1_u64..).map(|n| name(format!("-{n}"))));
        names
            .find(|name| interfaces.named(name).is_none())
            .unwrap_or_default()
    }

    fn add_tunnel_row(&mut self, id: TunnelId, menu: MenuId, row: Row) -> RowId {
        let row_id = self.insert(menu, row.of_tunnel(id));
        if let Some(tunnel) = self.tunnels.all.get_mut(&id) {
            tunnel.rows.push((menu, row_id));
        }
        row_id
    }

    /// What is there from the first moment: the interface, the server's row, the active session, with its address if it comes
    /// at once.
    fn add_first_rows(&mut self, id: TunnelId, tunnel: &Tunnel) {
        let service = tunnel.service;
        let kind = format!("{}-in", service.name());
        let row = self.row(MenuId::Interface).with_all(&[
            ("name", &tunnel.interface),
            ("type", &kind),
            ("running", "true"),
        ]);
        self.add_tunnel_row(id, MenuId::Interface, row);
        let where_from = if service == Service::Pppoe {
            "remote-address"
        } else {
            "client-address"
        };
        let row = self.row(service.menu()).with_all(&[
            ("name", &tunnel.interface),
            ("user", &tunnel.account),
            (where_from, &tunnel.caller_id),
            ("encoding", service.encoding()),
            ("running", "true"),
        ]);
        self.add_tunnel_row(id, service.menu(), row);
        let local = tunnel.radius.is_none();
        let secret = self.table(MenuId::Secret).named(&tunnel.account);
        let comment = secret
            .filter(|_| local)
            .and_then(|row| row.bytes("comment").map(<[u8]>::to_vec));
        let mut row = self.row(MenuId::Active).with_all(&[
            ("name", &tunnel.account),
            ("service", service.name()),
            ("caller-id", &tunnel.caller_id),
            ("encoding", service.encoding()),
            ("session-id", &tunnel.session_id),
            ("radius", if local { "false" } else { "true" }),
        ]);
        if let (Some(comment), Some(index)) = (comment, row.menu.index("comment")) {
            row.put(index, Some(comment.into()));
        }
        if self.quirks.address_after.is_none() {
            row.set(
                "address",
                tunnel
                    .address
                    .map(|address| address.to_string())
                    .unwrap_or_default(),
            );
        }
        let active = self.add_tunnel_row(id, MenuId::Active, row);
        if let Some(tunnel) = self.tunnels.all.get_mut(&id) {
            tunnel.active = active;
        }
    }

    /// IPCP is up: the session has its address, and packets can flow.
    pub(crate) fn give_address(&mut self, id: TunnelId) {
        let Some(tunnel) = self.tunnels.get(id).cloned() else {
            return;
        };
        let Some(address) = tunnel.address else {
            return;
        };
        let text = address.to_string();
        self.tunnels.by_address.insert(address, id);
        let shown = self
            .table(MenuId::Active)
            .get(tunnel.active)
            .is_some_and(|row| row.text("address") == text);
        if !shown {
            let change = |row: &mut Row| row.set("address", text.clone());
            if self.quirks.listen_tells_addresses {
                self.update(MenuId::Active, tunnel.active, change);
            } else {
                self.update_unheard(MenuId::Active, tunnel.active, change);
            }
        }
        let profile = self.table(MenuId::Profile).named(&tunnel.profile);
        let local = profile
            .map(|row| row.text("local-address").to_owned())
            .filter(|local| !local.is_empty());
        let local = format!("{}/32", local.unwrap_or_else(|| "10.112.112.1".to_owned()));
        let row = self.row(MenuId::Address).with_all(&[
            ("address", &local),
            ("network", &text),
            ("interface", &tunnel.interface),
            ("actual-interface", &tunnel.interface),
        ]);
        self.add_tunnel_row(id, MenuId::Address, row);
        if let Some(pool) = &tunnel.pool {
            let row = self.row(MenuId::PoolUsed);
            let row = row.with_all(&[
                ("pool", pool),
                ("address", &text),
                ("owner", "PPP"),
                ("info", &tunnel.account),
            ]);
            self.add_tunnel_row(id, MenuId::PoolUsed, row);
        }
        self.add_queue(id, &tunnel, &text);
        self.account_start(id);
        self.log(
            "ppp,info,account",
            format!(
                "{} logged in, {text} from {}",
                tunnel.account, tunnel.caller_id
            ),
        );
        if self.quirks.membership_after.is_zero() {
            self.join_lists(id);
        } else {
            self.schedule(self.quirks.membership_after, Timer::Membership(id));
        }
    }

    fn add_queue(&mut self, id: TunnelId, tunnel: &Tunnel, address: &str) {
        let rate = self
            .table(MenuId::Profile)
            .named(&tunnel.profile)
            .map(|row| row.text("rate-limit").to_owned());
        let Some(rate) = rate.filter(|rate| !rate.is_empty()) else {
            return;
        };
        let limit = rate.split(' ').next().unwrap_or_default().to_owned();
        let target = format!("{address}/32");
        let row = self.row(MenuId::Queue);
        let row = row.with_all(&[
            ("name", &tunnel.interface),
            ("target", &target),
            ("max-limit", &limit),
        ]);
        self.add_tunnel_row(id, MenuId::Queue, row);
    }

    /// The profile's `address-list`, `interface-list` and `session-timeout` take effect, and its on-up runs.
    pub(crate) fn join_lists(&mut self, id: TunnelId) {
        let Some(tunnel) = self.tunnels.get(id).cloned() else {
            return;
        };
        if self.quirks.hooks_before_membership {
            self.hook("on-up", &tunnel);
        }
        let Some(profile) = self.table(MenuId::Profile).named(&tunnel.profile) else {
            return;
        };
        let named = tunnel
            .radius
            .as_ref()
            .and_then(|it| it.address_list.clone());
        let address_list = named.unwrap_or_else(|| profile.text("address-list").to_owned());
        let interface_list = profile.text("interface-list").to_owned();
        let timeout = duration::parse(profile.text("session-timeout"))
            .ok()
            .filter(|timeout| !timeout.is_zero());
        let address = tunnel
            .address
            .map(|address| address.to_string())
            .unwrap_or_default();
        let taken = self
            .table(MenuId::AddressList)
            .find(&[address_list.as_bytes(), address.as_bytes()])
            .is_some();
        if !address_list.is_empty() && !taken {
            let row = self
                .row(MenuId::AddressList)
                .with_all(&[("list", &address_list), ("address", &address)]);
            self.add_tunnel_row(id, MenuId::AddressList, row);
        }
        if !interface_list.is_empty() {
            let row = self.row(MenuId::InterfaceListMember);
            let row = row.with_all(&[("list", &interface_list), ("interface", &tunnel.interface)]);
            self.add_tunnel_row(id, MenuId::InterfaceListMember, row);
        }
        if let Some(timeout) = timeout {
            self.schedule(timeout, Timer::End(id, Ending::SessionTimeout));
        }
        if !self.quirks.hooks_before_membership {
            self.hook("on-up", &tunnel);
        }
    }

    /// Has the profile's script run: packets can flow already, and go on if it fails.
    fn hook(&mut self, hook: &'static str, tunnel: &Tunnel) {
        let Some(profile) = self.table(MenuId::Profile).named(&tunnel.profile) else {
            return;
        };
        let source = profile.text(hook).to_owned();
        if source.is_empty() {
            return;
        }
        let local = profile.text("local-address").to_owned();
        let address = |address: String| match address.is_empty() {
            true => Value::Nil,
            false => Value::Address(address),
        };
        let interface = tunnel
            .rows
            .iter()
            .find(|(menu, _)| *menu == MenuId::Interface);
        let interface = interface.map(|(_, id)| id.to_string()).unwrap_or_default();
        let remote = tunnel.address.map(|address| address.to_string());
        let variables = vec![
            ("user", Value::text(&tunnel.account)),
            ("local-address", address(local)),
            ("remote-address", address(remote.unwrap_or_default())),
            ("caller-id", Value::text(&tunnel.caller_id)),
            ("called-id", Value::text("")),
            ("interface", Value::text(interface)),
        ];
        if self.quirks.hooks_after.is_zero() {
            self.run_hook(hook, &source, variables);
        } else {
            self.schedule(
                self.quirks.hooks_after,
                Timer::Hook(hook, source, variables),
            );
        }
    }

    /// The client ends the session properly.
    pub(crate) fn hang_up(&mut self, id: TunnelId) {
        self.end_tunnel(id, Ending::PeerRequest);
    }

    /// The client is gone without a word: its row stays until the server's keepalive notices.
    pub(crate) fn crash(&mut self, id: TunnelId) {
        let Some(tunnel) = self
            .tunnels
            .all
            .get_mut(&id)
            .filter(|tunnel| !tunnel.closing && !tunnel.crashed)
        else {
            return;
        };
        tunnel.crashed = true;
        tunnel.dial.redials_after = None;
        let keepalive = self.keepalive(id);
        self.schedule(keepalive, Timer::End(id, Ending::HungUp));
        self.changes += 1;
    }

    fn keepalive(&self, id: TunnelId) -> Duration {
        let menu = match self.tunnels.get(id).map(|tunnel| tunnel.service) {
            Some(Service::Pptp) => MenuId::PptpSettings,
            Some(Service::Sstp) => MenuId::SstpSettings,
            Some(Service::Ovpn) if MenuId::OvpnServers.menu().exists_in(self.version) => {
                MenuId::OvpnServers
            }
            Some(Service::Ovpn) => MenuId::OvpnSettings,
            Some(Service::Pppoe) => MenuId::PppoeServers,
            Some(Service::L2tp) | None => MenuId::L2tpSettings,
        };
        let text = self.only(menu).map(|row| row.text("keepalive-timeout"));
        text.and_then(|text| duration::parse(text).ok())
            .unwrap_or(Duration::from_secs(30))
    }

    /// The session is removed on the router.
    pub(crate) fn cut(&mut self, id: TunnelId) {
        if self.quirks.removal_takes.is_zero() {
            self.end_tunnel(id, Ending::NasRequest);
            return;
        }
        let Some(tunnel) = self
            .tunnels
            .all
            .get_mut(&id)
            .filter(|tunnel| !tunnel.closing)
        else {
            return;
        };
        tunnel.closing = true;
        self.schedule(
            self.quirks.removal_takes,
            Timer::End(id, Ending::NasRequest),
        );
    }
}
