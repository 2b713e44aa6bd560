//! A router in memory, in our words: tunnels, lists, logins, rules, and whether a packet would pass.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    desk::SourceKind,
    gate::GateFault,
    id::RouterId,
    router_backend::{
        AccountRow, Capabilities, Command, Hint, PermitRow, PermitTag, Prefix, RuleRow,
    },
    time::{Clock, Timestamp},
    tunnel::{Caller, Service, Text, TunnelKey},
};

mod apply;
mod backend;
mod faults;
mod model;
#[cfg(test)]
mod tests;

pub use faults::{CommandFault, LookFault, SeenPart};
use model::Model;

/// [`RouterBackend`](crate::router_backend::RouterBackend) over a router in memory that is prepared with the
/// address-list gate, with faults that a test can set at any time.
///
/// Clones are the same router. It behaves as RouterOS does: ids start over when it reboots, entries with a time-out
/// lapse by the clock and do not survive a reboot, a second entry of one list and address is refused, a tunnel whose
/// client crashed stays listed until its keepalive is over, uptimes are whole seconds.
///
/// What it is asked from within a test ([`Self::passes`], [`Self::permits`], …) is the truth, without any fault.
#[derive(Clone)]
pub struct MemoryRouter {
    id: RouterId,
    clock: Arc<dyn Clock>,
    model: Arc<Mutex<Model>>,
}

/// One client's connection: the truth that no router tells, never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Line(pub u64);

/// How a client dials in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dial {
    /// The login's name.
    pub account: Text,
    /// What it is given; none = not yet, see [`MemoryRouter::give_address`].
    pub address: Option<Ipv4Addr>,
    /// From where.
    pub caller: Option<Caller>,
    /// How.
    pub service: Service,
    /// The row's id, instead of the router's next one: for ids that are used again.
    pub handle: Option<Text>,
    /// The session id, instead of the router's next one.
    pub nonce: Option<Text>,
}

impl Dial {
    /// L2TP from `203.0.113.7`.
    #[must_use]
    pub fn new(account: &str, address: Ipv4Addr) -> Self {
        Self {
            account: account.into(),
            address: Some(address),
            caller: Some(Caller::parse("203.0.113.7")),
            service: Service::L2tp,
            handle: None,
            nonce: None,
        }
    }

    /// From somewhere else.
    #[must_use]
    pub fn from(mut self, caller: &str) -> Self {
        self.caller = Some(Caller::parse(caller));
        self
    }
}

/// Why a client was not let in at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefusedDial {
    /// The router has no such login.
    #[error("no such account")]
    Unknown,
    /// The login is disabled.
    #[error("the account is disabled")]
    Disabled,
    /// Another tunnel has this address.
    #[error("the address is in use")]
    AddressInUse,
}

/// A tunnel as it really is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveTunnel {
    /// Whose.
    pub line: Line,
    /// What names it on the router now.
    pub key: TunnelKey,
    /// The login's name.
    pub account: Text,
    /// What it was given.
    pub address: Option<Ipv4Addr>,
    /// From where it comes.
    pub caller: Option<Caller>,
    /// Since when it is up.
    pub up_at: Timestamp,
    /// Its client is gone, and the router has not noticed.
    pub ghost: bool,
}

impl MemoryRouter {
    /// A prepared router without logins, that boots now.
    #[must_use]
    pub fn new(id: RouterId, clock: Arc<dyn Clock>) -> Self {
        let model = Model::new(clock.now());
        Self {
            id,
            clock,
            model: Arc::new(Mutex::new(model)),
        }
    }

    /// The router as it is now: what lapsed has lapsed, what came late has come.
    fn model(&self) -> MutexGuard<'_, Model> {
        let mut model = self.model.lock().unwrap_or_else(PoisonError::into_inner);
        model.catch_up(self.clock.now());
        model
    }

    /// Which router this is.
    #[must_use]
    pub const fn id(&self) -> RouterId {
        self.id
    }

    /// Adds an enabled PPP secret.
    pub fn account(&self, name: &str) {
        self.put_account(SourceKind::PppSecrets, name, "", &[]);
    }

    /// Adds an enabled login, or replaces it.
    pub fn put_account(&self, source: SourceKind, name: &str, comment: &str, routes: &[Prefix]) {
        self.model().put_account(source, name, comment, routes);
    }

    /// Removes a login, as somebody would by hand.
    pub fn remove_account(&self, name: &str) {
        self.model()
            .accounts
            .retain(|_, account| &*account.name != name);
    }

    /// Enables or disables a login, as somebody would by hand. Tunnels that are up stay up.
    pub fn enable_account(&self, name: &str, enabled: bool) {
        for account in self.model().accounts.values_mut() {
            if &*account.name == name {
                account.enabled = enabled;
            }
        }
    }

    /// The logins as they stand.
    #[must_use]
    pub fn accounts(&self) -> Vec<AccountRow> {
        self.model().accounts.values().cloned().collect()
    }

    /// A client dials in.
    ///
    /// # Errors
    ///
    /// If the router does not let it in.
    pub fn dial(&self, dial: &Dial) -> Result<Line, RefusedDial> {
        let now = self.clock.now();
        let mut model = self.model();
        let line = model.dial(dial, now)?;
        model.hint(Hint::Tunnels);
        Ok(line)
    }

    /// The router gives a tunnel its address.
    pub fn give_address(&self, line: Line, address: Ipv4Addr) {
        let mut model = self.model();
        if let Some(live) = model.tunnels.get_mut(&line) {
            live.address = Some(address);
        }
        model.hint(Hint::Tunnels);
    }

    /// A client hangs up, or is cut by hand.
    pub fn hang_up(&self, line: Line) {
        let mut model = self.model();
        if model.tunnels.remove(&line).is_some() {
            model.hint(Hint::Tunnels);
        }
    }

    /// A client dies without a word: its tunnel stays listed until the keepalive is over.
    pub fn crash(&self, line: Line) {
        let now = self.clock.now();
        let mut model = self.model();
        let until = now + model.keepalive;
        if let Some(live) = model.tunnels.get_mut(&line) {
            live.ghost_until.get_or_insert(until);
        }
    }

    /// How long a crashed client's tunnel stays listed. Default 30 s.
    pub fn keepalive(&self, keepalive: Duration) {
        self.model().keepalive = keepalive;
    }

    /// A client hangs up, and before anybody could look its address is another one's.
    ///
    /// # Errors
    ///
    /// If the router does not let the other one in.
    pub fn hand_over(&self, line: Line, to: &Dial) -> Result<Line, RefusedDial> {
        let now = self.clock.now();
        let mut model = self.model();
        let address = model.tunnels.remove(&line).and_then(|live| live.address);
        let to = Dial {
            address: address.or(to.address),
            ..to.clone()
        };
        let line = model.dial(&to, now)?;
        model.hint(Hint::Tunnels);
        Ok(line)
    }

    /// The router reboots: tunnels and entries with a time-out are gone, ids start over, connections break.
    pub fn reboot(&self) {
        let now = self.clock.now();
        self.model().reboot(now);
    }

    /// The tunnels that are up, in the order in which they came up.
    #[must_use]
    pub fn lines(&self) -> Vec<LiveTunnel> {
        let model = self.model();
        let tunnels = model.tunnels.iter();
        tunnels
            .map(|(line, live)| live.truth(*line, self.id))
            .collect()
    }

    /// One tunnel, if it is up.
    #[must_use]
    pub fn line(&self, line: Line) -> Option<LiveTunnel> {
        let model = self.model();
        let live = model.tunnels.get(&line)?;
        Some(live.truth(line, self.id))
    }

    /// Whose tunnel a key names now.
    #[must_use]
    pub fn line_of(&self, key: &TunnelKey) -> Option<Line> {
        self.model().find(key)
    }

    /// Would a packet of this client reach something beyond quarantine now? The question that matters.
    #[must_use]
    pub fn passes(&self, line: Line) -> bool {
        self.passes_at(line, self.clock.now())
    }

    /// Would it at that time, if nobody touched the router until then?
    #[must_use]
    pub fn passes_at(&self, line: Line, at: Timestamp) -> bool {
        self.model().passes(line, at)
    }

    /// Would a covered packet from this address at that time, whoever sends it?
    #[must_use]
    pub fn address_passes_at(&self, address: IpAddr, at: Timestamp) -> bool {
        self.model().address_passes(address, at)
    }

    /// Switches the gate's jump rules: without them everything passes (observe mode).
    pub fn gate(&self, on: bool) {
        self.model().gate = on;
    }

    /// Is the gate shut?
    #[must_use]
    pub fn gate_is_shut(&self) -> bool {
        self.model().jumps() == crate::router_backend::Jumps::Enabled
    }

    /// Takes the gate away, or puts it there, open: prepared or not.
    pub fn prepared(&self, prepared: bool) {
        let mut model = self.model();
        model.unprepared = !prepared;
        model.gate = false;
    }

    /// Something about the gate is no longer as it was made. One that opens it lets everything pass.
    pub fn break_gate(&self, fault: GateFault) {
        self.model().gate_faults.push(fault);
    }

    /// What is wrong with the gate as it stands; the switch beside it: are the jumps enabled?
    #[must_use]
    pub fn gate_as_it_is(&self) -> (bool, Vec<GateFault>) {
        let model = self.model();
        (model.gate, model.gate_faults.clone())
    }

    /// Until when the dead man's switch was told that somebody lives; none = never told since the router started.
    #[must_use]
    pub fn alive_until(&self) -> Option<Timestamp> {
        self.model().alive_until
    }

    /// The gate cannot be read: each look that asks for it has that part broken off.
    pub fn hide_gate(&self, hide: bool) {
        self.model().faults.gate_hidden = hide;
    }

    /// Somebody puts all of the gate right by hand.
    pub fn repair_gate(&self) {
        let mut model = self.model();
        model.gate = true;
        model.gate_faults.clear();
    }

    /// This account's tunnels are not covered by the gate.
    pub fn exempt(&self, account: &str) {
        self.model().exempt.insert(account.into());
    }

    /// The permit list as it stands.
    #[must_use]
    pub fn permits(&self) -> Vec<PermitRow> {
        let now = self.clock.now();
        self.model().permits.rows(now)
    }

    /// The ban list as it stands.
    #[must_use]
    pub fn bans(&self) -> Vec<PermitRow> {
        let now = self.clock.now();
        self.model().bans.rows(now)
    }

    /// Puts an entry on the permit list, as somebody would by hand. `left` none = for ever.
    pub fn put_permit(&self, address: Prefix, tag: PermitTag, left: Option<Duration>) {
        let now = self.clock.now();
        let mut model = self.model();
        let handle = model.next_handle();
        model.permits.put(handle, address, tag, left, now);
    }

    /// Takes what is on the permit list for an address off it, as somebody would by hand.
    pub fn remove_permit(&self, address: Prefix) {
        self.model().permits.remove(address);
    }

    /// Puts an entry on the ban list, as somebody would by hand.
    pub fn put_ban(&self, address: Prefix, tag: PermitTag, left: Option<Duration>) {
        let now = self.clock.now();
        let mut model = self.model();
        let handle = model.next_handle();
        model.bans.put(handle, address, tag, left, now);
    }

    /// Puts an address on the operators' break-glass list.
    pub fn emergency(&self, address: IpAddr, left: Option<Duration>) {
        let now = self.clock.now();
        let mut model = self.model();
        let handle = model.next_handle();
        let tag = PermitTag::Foreign("emergency".into());
        model
            .emergency
            .put(handle, Prefix::host(address), tag, left, now);
    }

    /// Adds a firewall rule in the forward chain. One without `2FA` in its comment is not seen.
    pub fn rule(&self, comment: &str, enabled: bool) {
        let mut model = self.model();
        let handle = model.next_handle();
        let rule = RuleRow {
            handle: format!("*{handle:X}").into(),
            comment: comment.into(),
            enabled,
            chain: "forward".into(),
            action: "accept".into(),
            place: None,
        };
        model.rules.push(rule);
    }

    /// Moves the first rule with this comment to the top, as somebody would by hand.
    pub fn move_rule_to_top(&self, comment: &str) {
        let mut model = self.model();
        let at = model
            .rules
            .iter()
            .position(|rule| &*rule.comment == comment);
        if let Some(at) = at {
            let rule = model.rules.remove(at);
            model.rules.insert(0, rule);
        }
    }

    /// Gives a rule another comment, as somebody would by hand.
    pub fn rename_rule(&self, comment: &str, to: &str) {
        for rule in &mut self.model().rules {
            if &*rule.comment == comment {
                rule.comment = to.into();
            }
        }
    }

    /// Removes all rules with this comment, as somebody would by hand.
    pub fn remove_rules(&self, comment: &str) {
        self.model().rules.retain(|rule| &*rule.comment != comment);
    }

    /// The rules as they stand.
    #[must_use]
    pub fn rules(&self) -> Vec<RuleRow> {
        self.model().rules.clone()
    }

    /// The router tracks connections of this address.
    pub fn track_connections(&self, address: IpAddr) {
        self.model().tracked.insert(address);
    }

    /// Does the router track connections of this address?
    #[must_use]
    pub fn tracks_connections(&self, address: IpAddr) -> bool {
        self.model().tracked.contains(&address)
    }

    /// What can be done with this router. Default: everything.
    pub fn capable_of(&self, capabilities: Capabilities) {
        self.model().capabilities = capabilities;
    }

    /// Every command that ran, and when: also those whose reply was lost.
    #[must_use]
    pub fn commands(&self) -> Vec<(Timestamp, Command)> {
        self.model().ran.clone()
    }

    /// How many looks were taken.
    #[must_use]
    pub fn looks(&self) -> u64 {
        self.model().looks
    }

    /// The router cannot be reached until then; watches break.
    pub fn away_until(&self, at: Timestamp) {
        let now = self.clock.now();
        let mut model = self.model();
        model.faults.away_until = at;
        if now < at {
            model.break_watches();
        }
    }

    /// Sets what becomes of the next command for which nothing is set yet. Several wait in a row.
    pub fn next_command(&self, fault: CommandFault) {
        self.next_command_that(|_| true, fault);
    }

    /// Sets what becomes of the next command that `is_meant` picks.
    pub fn next_command_that(
        &self,
        is_meant: impl Fn(&Command) -> bool + Send + 'static,
        fault: CommandFault,
    ) {
        self.model()
            .faults
            .commands
            .push((Box::new(is_meant), fault));
    }

    /// Sets what becomes of the next look for which nothing is set yet. Several wait in a row.
    pub fn next_look(&self, fault: LookFault) {
        self.model().faults.looks.push_back(fault);
    }

    /// Hints are lost without a trace, as over a connection that died without a word.
    pub fn lose_hints(&self, lose: bool) {
        self.model().faults.hints_lost = lose;
    }

    /// Watches break off, as when the connection is cut.
    pub fn break_watches(&self) {
        self.model().break_watches();
    }

    /// Each part of a look and each command takes so many turns more, in which other tasks run, and the router may
    /// change.
    pub fn latency(&self, turns: u32) {
        self.model().faults.turns = turns;
    }
}

impl fmt::Debug for MemoryRouter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryRouter")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
