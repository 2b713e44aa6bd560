//! The router itself: what it holds, and its gate.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use tokio::sync::mpsc;

use super::{
    Dial, Line, LiveTunnel, RefusedDial, apply::Written, backend::asked_for, faults::Faults,
};
use crate::{
    desk::SourceKind,
    gate::{EmergencyEntry, GateFault, GateFaultKind, GateSeen},
    id::RouterId,
    router_backend::{
        AccountRow, Capabilities, Command, Hint, Jumps, Part, PermitRow, PermitTag, Prefix,
        RouterError, RuleRow,
    },
    time::Timestamp,
    tunnel::{Addresses, Caller, Service, Text, Tunnel, TunnelKey, TunnelSource},
};

/// What bindable rules have in their comment.
const MARK: &str = "2FA";

#[derive(Debug)]
pub(super) struct Model {
    booted_at: Timestamp,
    /// Ids start over with each boot.
    handles: u64,
    lines: u64,
    pub(super) keepalive: Duration,
    pub(super) tunnels: BTreeMap<Line, Live>,
    pub(super) permits: List,
    pub(super) bans: List,
    pub(super) emergency: List,
    pub(super) accounts: BTreeMap<u64, AccountRow>,
    pub(super) rules: Vec<RuleRow>,
    pub(super) tracked: BTreeSet<IpAddr>,
    pub(super) gate: bool,
    /// It has no gate at all.
    pub(super) unprepared: bool,
    pub(super) gate_faults: Vec<GateFault>,
    /// Until when the dead man's switch was told that somebody lives.
    pub(super) alive_until: Option<Timestamp>,
    pub(super) exempt: BTreeSet<Text>,
    pub(super) capabilities: Capabilities,
    pub(super) watches: Vec<mpsc::UnboundedSender<Result<Hint, RouterError>>>,
    pub(super) late: Vec<(Timestamp, Written)>,
    pub(super) ran: Vec<(Timestamp, Command)>,
    pub(super) looks: u64,
    pub(super) faults: Faults,
}

#[derive(Debug)]
pub(super) struct Live {
    handle: Text,
    nonce: Text,
    pub(super) account: Text,
    service: Service,
    pub(super) address: Option<Ipv4Addr>,
    caller: Option<Caller>,
    up_at: Timestamp,
    pub(super) ghost_until: Option<Timestamp>,
}

impl Live {
    fn key(&self, router: RouterId) -> TunnelKey {
        TunnelKey {
            router,
            source: TunnelSource::Ppp,
            handle: self.handle.clone(),
            nonce: Some(self.nonce.clone()),
        }
    }

    pub(super) fn truth(&self, line: Line, router: RouterId) -> LiveTunnel {
        LiveTunnel {
            line,
            key: self.key(router),
            account: self.account.clone(),
            address: self.address,
            caller: self.caller.clone(),
            up_at: self.up_at,
            ghost: self.ghost_until.is_some(),
        }
    }

    fn row(&self, router: RouterId, begun: Timestamp, now: Timestamp) -> Tunnel {
        Tunnel {
            key: self.key(router),
            account: self.account.clone(),
            service: self.service,
            addresses: Addresses {
                v4: self.address,
                v6: Vec::new(),
            },
            caller: self.caller.clone(),
            uptime: whole_seconds(now.since(self.up_at)),
            seen_at: begun,
        }
    }
}

const fn whole_seconds(duration: Duration) -> Duration {
    Duration::from_secs(duration.as_secs())
}

/// An address list.
#[derive(Debug, Default)]
pub(super) struct List(pub(super) Vec<Entry>);

#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) handle: Text,
    pub(super) address: Prefix,
    pub(super) tag: PermitTag,
    /// None = static: it lives for ever, also through reboots.
    pub(super) until: Option<Timestamp>,
}

impl Entry {
    fn is_live(&self, at: Timestamp) -> bool {
        self.until.is_none_or(|until| at < until)
    }
}

impl List {
    pub(super) fn put(
        &mut self,
        handle: u64,
        address: Prefix,
        tag: PermitTag,
        left: Option<Duration>,
        now: Timestamp,
    ) -> Text {
        let handle: Text = format!("*{handle:X}").into();
        self.0.push(Entry {
            handle: handle.clone(),
            address,
            tag,
            until: left.map(|left| now + left),
        });
        handle
    }

    pub(super) fn remove(&mut self, address: Prefix) {
        self.0.retain(|entry| entry.address != address);
    }

    pub(super) fn rows(&self, now: Timestamp) -> Vec<PermitRow> {
        let live = self.0.iter().filter(|entry| entry.is_live(now));
        live.map(|entry| PermitRow {
            handle: entry.handle.clone(),
            tag: entry.tag.clone(),
            address: entry.address,
            left: entry.until.map(|until| until.since(now)),
        })
        .collect()
    }

    fn covers(&self, address: IpAddr, at: Timestamp) -> bool {
        self.0
            .iter()
            .any(|entry| entry.is_live(at) && entry.address.contains(address))
    }
}

impl Model {
    pub(super) fn new(now: Timestamp) -> Self {
        Self {
            booted_at: now,
            handles: 0,
            lines: 0,
            keepalive: Duration::from_secs(30),
            tunnels: BTreeMap::new(),
            permits: List::default(),
            bans: List::default(),
            emergency: List::default(),
            accounts: BTreeMap::new(),
            rules: Vec::new(),
            tracked: BTreeSet::new(),
            gate: true,
            unprepared: false,
            gate_faults: Vec::new(),
            alive_until: None,
            exempt: BTreeSet::new(),
            capabilities: Capabilities {
                watch: true,
                pipeline: true,
                ppp: true,
                user_manager: true,
                wireguard: false,
                ipv6: true,
                leases: true,
                gate: true,
            },
            watches: Vec::new(),
            late: Vec::new(),
            ran: Vec::new(),
            looks: 0,
            faults: Faults::none(),
        }
    }

    /// Brings the router to `now`: what comes late comes at its own time, and what is over goes.
    pub(super) fn catch_up(&mut self, now: Timestamp) {
        while let Some(at) = self
            .late
            .iter()
            .map(|(at, _)| *at)
            .min()
            .filter(|at| *at <= now)
        {
            self.forget(at);
            if let Some(place) = self.late.iter().position(|(due, _)| *due == at) {
                let (_, written) = self.late.remove(place);
                self.run(&written, at);
            }
        }
        self.forget(now);
    }

    /// Drops what is over at `now`.
    fn forget(&mut self, now: Timestamp) {
        for list in [&mut self.permits, &mut self.bans, &mut self.emergency] {
            list.0.retain(|entry| entry.is_live(now));
        }
        let before = self.tunnels.len();
        self.tunnels
            .retain(|_, live| live.ghost_until.is_none_or(|until| now < until));
        if self.tunnels.len() < before {
            self.hint(Hint::Tunnels);
        }
    }

    pub(super) const fn next_handle(&mut self) -> u64 {
        self.handles += 1;
        self.handles
    }

    pub(super) fn uptime(&self, now: Timestamp) -> Duration {
        whole_seconds(now.since(self.booted_at))
    }

    pub(super) fn hint(&mut self, hint: Hint) {
        if !self.faults.hints_lost {
            self.watches
                .retain(|watch| watch.send(Ok(hint.clone())).is_ok());
        }
    }

    pub(super) fn break_watches(&mut self) {
        for watch in self.watches.drain(..) {
            // Whoever dropped the other end wants no more of it.
            let _ = watch.send(Err(RouterError::Unreachable("connection reset".into())));
        }
    }

    pub(super) fn put_account(
        &mut self,
        source: SourceKind,
        name: &str,
        comment: &str,
        routes: &[Prefix],
    ) {
        self.accounts
            .retain(|_, account| account.source != source || &*account.name != name);
        let handle = self.next_handle();
        self.accounts.insert(
            handle,
            AccountRow {
                handle: format!("*{handle:X}").into(),
                name: name.into(),
                source,
                enabled: true,
                comment: comment.into(),
                routes: routes.to_vec(),
            },
        );
    }

    pub(super) fn dial(&mut self, dial: &Dial, now: Timestamp) -> Result<Line, RefusedDial> {
        let mut accounts = self.accounts.values();
        let account = accounts.find(|account| account.name == dial.account);
        if !account.ok_or(RefusedDial::Unknown)?.enabled {
            return Err(RefusedDial::Disabled);
        }
        let mut tunnels = self.tunnels.values();
        if dial.address.is_some() && tunnels.any(|live| live.address == dial.address) {
            return Err(RefusedDial::AddressInUse);
        }
        let number = self.next_handle();
        self.lines += 1;
        let line = Line(self.lines);
        let handle = || format!("*{number:X}").into();
        let nonce = || format!("0x{:08X}", 0x81c0_0000 + number).into();
        self.tunnels.insert(
            line,
            Live {
                handle: dial.handle.clone().unwrap_or_else(handle),
                nonce: dial.nonce.clone().unwrap_or_else(nonce),
                account: dial.account.clone(),
                service: dial.service,
                address: dial.address,
                caller: dial.caller.clone(),
                up_at: now,
                ghost_until: None,
            },
        );
        Ok(line)
    }

    pub(super) fn reboot(&mut self, now: Timestamp) {
        self.tunnels.clear();
        self.tracked.clear();
        self.late.clear();
        for list in [&mut self.permits, &mut self.bans, &mut self.emergency] {
            list.0.retain(|entry| entry.until.is_none());
        }
        self.booted_at = now;
        self.handles = 0;
        self.break_watches();
    }

    pub(super) fn find(&self, key: &TunnelKey) -> Option<Line> {
        let mut tunnels = self.tunnels.iter();
        tunnels
            .find(|(_, live)| live.key(key.router) == *key)
            .map(|(line, _)| *line)
    }

    /// The tunnels of the accounts that were asked for, by a look that was begun at the one time and comes at the other.
    pub(super) fn tunnel_rows(
        &self,
        router: RouterId,
        asked: &Part,
        (begun, now): (Timestamp, Timestamp),
    ) -> Vec<Tunnel> {
        let tunnels = self.tunnels.values();
        tunnels
            .filter(|live| asked_for(asked, &[&live.account]))
            .map(|live| live.row(router, begun, now))
            .collect()
    }

    pub(super) fn marked_rules(&self) -> Vec<RuleRow> {
        let rules = (0..).zip(&self.rules);
        rules
            .filter(|(_, rule)| rule.comment.contains(MARK))
            .map(|(place, rule)| RuleRow {
                place: Some(place),
                ..rule.clone()
            })
            .collect()
    }

    pub(super) const fn jumps(&self) -> Jumps {
        match (self.unprepared, self.gate) {
            (true, _) => Jumps::Missing,
            (false, true) => Jumps::Enabled,
            (false, false) => Jumps::Disabled,
        }
    }

    pub(super) fn passes(&self, line: Line, at: Timestamp) -> bool {
        self.tunnels.get(&line).is_some_and(|live| {
            let address = live.address.map(IpAddr::V4);
            self.exempt.contains(&live.account)
                || address.is_some_and(|address| self.address_passes(address, at))
        })
    }

    /// The generated rule set, as far as it decides: banned goes nowhere, then permitted and break-glass pass.
    pub(super) fn address_passes(&self, address: IpAddr, at: Timestamp) -> bool {
        let banned = self.bans.covers(address, at);
        let permitted = self.permits.covers(address, at) || self.emergency.covers(address, at);
        let open = !self.gate || self.gate_faults.iter().any(|fault| fault.opens);
        open || (permitted && !banned)
    }

    pub(super) fn gate_seen(&self, begun: Timestamp, now: Timestamp) -> GateSeen {
        let emergency = self.emergency.rows(now).into_iter().map(|row| {
            let comment = match row.tag {
                PermitTag::Foreign(comment) => comment,
                PermitTag::Ours { .. } | PermitTag::OtherInstallation(_) => "".into(),
            };
            EmergencyEntry {
                address: row.address,
                comment,
                left: row.left,
            }
        });
        let missing = self.unprepared.then(|| GateFault {
            kind: GateFaultKind::Jump,
            what: "no jump leads into the gate".into(),
            opens: true,
            ours: false,
        });
        GateSeen {
            at: begun,
            jumps: self.jumps(),
            faults: self.gate_faults.iter().cloned().chain(missing).collect(),
            emergency: emergency.collect(),
        }
    }

    /// Puts right what is ours, and switches it on.
    pub(super) fn mend_gate(&mut self) -> bool {
        let before = (self.gate, self.gate_faults.len());
        self.gate = !self.unprepared;
        self.gate_faults.retain(|fault| !fault.ours);
        before != (self.gate, self.gate_faults.len())
    }
}
