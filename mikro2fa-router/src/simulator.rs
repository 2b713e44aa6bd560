//! A RouterOS router in memory, behind a real API port: for testing whatever talks to RouterOS.
//!
//! It knows RouterOS and nothing of mikro2fa's engine, so any client in any language can be tested against it. What it
//! does:
//!
//! * **The API protocol** on a TCP port of the loopback interface, and on another over TLS: both kinds of login, tags, `print` with `.proplist` and
//!   queries, `add`, `set`, `remove` and their kin, `listen` and `/cancel`, permissions by group, errors in RouterOS's own
//!   words, in the dialect of the [`Version`] that it is.
//! * **The console** ([`Simulator::console`]), and with the feature `simulator-ssh` over SSH: one line on an `exec` channel, passwords and
//!   keys, the algorithms of each version, conditions after `find` and `where`, `print` in its forms, the scripting language as far
//!   as clients use it. What it does not know is answered as RouterOS would and told by [`Simulator::unknown_commands`].
//! * **VPN clients** that dial in, hang up and crash ([`Simulator::dial`]), with what a router makes of them: active
//!   sessions, dynamic interfaces, addresses from a pool, list memberships.
//! * **Would this packet pass?** ([`Simulator::would_pass`]) by the filter rules and lists as they stand at that moment.
//! * **Time** on a [`SimClock`] that can be moved by hand: list entries lapse, sessions of crashed clients go.
//! * **Faults** ([`Simulator::inject`]): lost replies, cut connections, late commands, reboots, an unreachable router.
//! * **Observation**: every command received ([`Simulator::commands`]), what happened ([`Simulator::events`]), and a
//!   way to wait for a condition without sleeping ([`Simulator::until`]).
//! * **A control port**, with the feature `simulator-control`: all of this for tests in other languages, as JSON over HTTP.
//!
//! Where no source says what a router does, [`Quirks`] has a switch.
//!
//! ```
//! use mikro2fa_router::simulator::{Dial, Flow, PreparedNames, Simulator};
//! use routeros_api::{Command, Decoder};
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let sim = Simulator::builder().prepared(PreparedNames::default()).account("ann", "pw").start().await?;
//!
//! // Ann dials in with her password: the tunnel is up, and held.
//! let tunnel = sim.dial(Dial::new("ann", "pw"))?;
//! let to_the_office = Flow::between(&tunnel, [192, 168, 88, 10]);
//! assert!(sim.would_pass(&to_the_office).is_dropped());
//!
//! // Any RouterOS client can now open the gate for her.
//! let mut socket = tokio::net::TcpStream::connect(sim.api_address()).await?;
//! let mut bytes = Vec::new();
//! Command::new("/login").attribute("name", "mikro2fa").attribute("password", sim.daily_password()).encode(&mut bytes);
//! Command::new("/ip/firewall/address-list/add")
//!     .attribute("list", "mikro2fa-permit")
//!     .attribute("address", tunnel.address().ok_or("an address")?.to_string())
//!     .attribute("timeout", "10m")
//!     .encode(&mut bytes);
//! socket.write_all(&bytes).await?;
//!
//! let mut decoder = Decoder::default();
//! for _ in 0..2 {
//!     let reply = loop {
//!         if let Some(reply) = decoder.next()? { break reply }
//!         let count = socket.read(decoder.room()).await?;
//!         decoder.filled(count);
//!     };
//!     assert_eq!(reply.command(), Some(&b"!done"[..]));
//! }
//! assert!(sim.would_pass(&to_the_office).passes());
//!
//! // The lease is the router's: it lapses with nobody there.
//! sim.advance(std::time::Duration::from_secs(601));
//! assert!(sim.would_pass(&to_the_office).is_dropped());
//! # Ok(())
//! # }
//! ```

mod api_server;
mod background;
mod builder;
mod clock;
mod command;
mod console;
#[cfg(feature = "simulator-control")]
mod control;
mod dial;
mod event;
mod factory;
mod faults;
mod fetch;
mod flow;
mod handle;
mod hotspot;
mod interfaces;
mod lists;
mod log;
mod menu;
mod policy;
mod pool;
mod prepared;
mod query;
mod read;
mod reply;
mod routes;
mod rules;
mod sample;
mod scheduler;
mod script;
mod session;
mod ssh_keys;
#[cfg(feature = "simulator-ssh")]
mod ssh_server;
mod state;
mod switches;
mod table;
mod timer;
mod tls;
mod trap;
mod tunnel;
mod user_manager;
mod value;
mod version;
mod watch;
mod write;

use std::{
    borrow::Borrow,
    collections::{BTreeMap, HashMap},
    fmt,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use routeros_api::{Command, tls::Fingerprint};
use rustls::pki_types::CertificateDer;
use tokio::sync::watch as signal;

#[cfg(feature = "simulator-control")]
pub use self::control::Control;
pub use self::{
    api_server::Reachability,
    builder::{SimulatorBuilder, StartError},
    clock::SimClock,
    dial::{Dial, DialRefused, Service},
    event::{Event, Happening},
    faults::{Fault, FaultId, On, Then},
    fetch::Fetched,
    flow::{DecidingRule, Endpoint, Flow, FlowState, Passage},
    handle::TunnelHandle,
    hotspot::HotspotLogin,
    log::{CommandRecord, SeenCommand, Totals, UnknownCommand, Via},
    prepared::PreparedNames,
    switches::Switch,
    tunnel::TunnelId,
    version::{
        ExcludedAddress, LoginRefusal, OnlyOne, ParseVersionError, PoolReuse, QueryBooleans,
        Quirks, Version,
    },
};
use self::{menu::MenuId, state::State};

/// A simulated router. Cheap to clone; clones are the same router, which stops when the last one is dropped.
#[derive(Clone)]
pub struct Simulator {
    shared: Arc<Shared>,
    _life: Arc<Life>,
}

/// What the router's tasks hold, weakly.
struct Shared {
    state: Mutex<State>,
    clock: SimClock,
    /// Counts changes; whoever waits for one waits on this.
    changes: signal::Sender<u64>,
}

/// The tasks end when this goes.
struct Life {
    address: SocketAddr,
    tls: Option<(SocketAddr, CertificateDer<'static>)>,
    #[cfg(feature = "simulator-ssh")]
    ssh: Option<SocketAddr>,
    reachability: signal::Sender<Reachability>,
    names: PreparedNames,
    prepared: bool,
    daily_password: String,
    admin_password: String,
    _alive: signal::Sender<()>,
}

impl Shared {
    /// Does something to the state as it is now, and tells those who wait if it changed.
    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        let (result, changes) = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.catch_up(self.clock.now());
            let result = act(&mut state);
            (result, state.changes)
        };
        self.changes.send_if_modified(|known| {
            let news = *known != changes;
            *known = changes;
            news
        });
        result
    }

    /// When something will happen by itself.
    fn next_deadline(&self) -> Option<Duration> {
        self.with(|state| state.next_deadline())
    }
}

impl Simulator {
    /// A router to be configured and started.
    #[must_use]
    pub fn builder() -> SimulatorBuilder {
        SimulatorBuilder::default()
    }

    /// Where its API listens.
    #[must_use]
    pub fn api_address(&self) -> SocketAddr {
        self._life.address
    }

    /// Where its API over TLS listens, if [`SimulatorBuilder::api_tls`] asked for it.
    #[must_use]
    pub fn api_tls_address(&self) -> Option<SocketAddr> {
        self._life.tls.as_ref().map(|(address, _)| *address)
    }

    /// The certificate that it shows there, in DER: self-signed, for `localhost` and `127.0.0.1`, and another one at each
    /// start.
    #[must_use]
    pub fn certificate(&self) -> Option<&[u8]> {
        self._life
            .tls
            .as_ref()
            .map(|(_, certificate)| certificate.as_ref())
    }

    /// The SHA-256 of [`Simulator::certificate`], to pin.
    #[must_use]
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        self.certificate().map(Fingerprint::of)
    }

    /// Where its SSH server listens, if [`SimulatorBuilder::ssh`] asked for one.
    #[cfg(feature = "simulator-ssh")]
    #[must_use]
    pub fn ssh_address(&self) -> Option<SocketAddr> {
        self._life.ssh
    }

    /// The public half of its SSH host key as `ssh-keyscan` prints it and a `known_hosts` file has it: `ssh-ed25519 AAAA…`.
    #[cfg(feature = "simulator-ssh")]
    #[must_use]
    pub fn host_key(&self) -> Option<String> {
        self.shared.with(|state| state.public_host_key())
    }

    /// The SHA-256 of that key as OpenSSH shows it: `SHA256:` and base64 without padding.
    #[cfg(feature = "simulator-ssh")]
    #[must_use]
    pub fn host_fingerprint(&self) -> Option<String> {
        self.shared.with(|state| state.host_fingerprint())
    }

    /// Makes its SSH host keys anew, as a reset does: connections there are stay, those to come see another key.
    #[cfg(feature = "simulator-ssh")]
    pub fn change_host_keys(&self) {
        self.shared.with(State::regenerate_host_keys);
    }

    /// Whether it was started with the gate in place.
    #[must_use]
    pub fn is_prepared(&self) -> bool {
        self._life.prepared
    }

    /// The names of the gate's parts, as the builder was given them.
    #[must_use]
    pub fn names(&self) -> &PreparedNames {
        &self._life.names
    }

    /// The password of the daily user, [`PreparedNames::user`].
    #[must_use]
    pub fn daily_password(&self) -> &str {
        &self._life.daily_password
    }

    /// The password of `admin`.
    #[must_use]
    pub fn admin_password(&self) -> &str {
        &self._life.admin_password
    }

    /// The clock it runs on.
    #[must_use]
    pub fn clock(&self) -> &SimClock {
        &self.shared.clock
    }

    /// Moves its clock, for everybody on it, and lives through what comes due, each thing at its own time.
    pub fn advance(&self, by: Duration) {
        self.shared.clock.advance(by);
        self.shared.with(|_| ());
    }

    // ---- VPN clients -------------------------------------------------------------------------

    /// A VPN client dials in.
    ///
    /// # Errors
    ///
    /// [`DialRefused`] says why the router turned it away.
    pub fn dial(&self, dial: impl Borrow<Dial>) -> Result<TunnelHandle, DialRefused> {
        let dial = dial.borrow();
        let id = self.shared.with(|state| state.dial(dial))?;
        Ok(TunnelHandle::new(id, &dial.account, self))
    }

    /// The clients of an account do not dial again by themselves any more ([`Dial::redialling`]).
    pub fn give_up(&self, account: &str) {
        self.shared.with(|state| state.give_up(account));
    }

    /// The live tunnels of an account, oldest first.
    #[must_use]
    pub fn tunnels_of(&self, account: &str) -> Vec<TunnelHandle> {
        let ids = self.shared.with(|state| state.tunnels.of_account(account));
        ids.into_iter()
            .map(|id| TunnelHandle::new(id, account, self))
            .collect()
    }

    /// All live tunnels, oldest first.
    #[must_use]
    pub fn tunnels(&self) -> Vec<TunnelHandle> {
        let live = self.shared.with(|state| {
            let ids = state.tunnels.ids().into_iter();
            let of = |id| Some((id, state.tunnels.get(id)?.account.clone()));
            ids.filter_map(of).collect::<Vec<_>>()
        });
        live.into_iter()
            .map(|(id, account)| TunnelHandle::new(id, &account, self))
            .collect()
    }

    /// How many tunnels are up.
    #[must_use]
    pub fn tunnel_count(&self) -> usize {
        self.shared.with(|state| state.table(MenuId::Active).len())
    }

    // ---- User Manager and hotspot ----------------------------------------------------------------

    /// Whether accounting stops are lost on their way to the User Manager, from now on: sessions whose tunnel ends stay
    /// active there, as ghosts. A reboot makes ghosts in any case, because it sends no stops.
    pub fn lose_accounting_stops(&self, lose: bool) {
        self.shared.with(|state| state.stops_lost = lose);
    }

    /// Somebody logs in at the hotspot, with a client that keeps the cookie and comes back by it when it is kicked.
    ///
    /// # Errors
    ///
    /// [`DialRefused`] says why the router turned it away.
    pub fn hotspot_login(&self, login: impl Borrow<HotspotLogin>) -> Result<(), DialRefused> {
        let login = login.borrow();
        self.shared.with(|state| state.hotspot_login(login))
    }

    // ---- packets -----------------------------------------------------------------------------

    /// Whether a packet would pass, by the rules and lists as they stand, in the state that it says its connection is in.
    ///
    /// An established one that reaches a `fasttrack-connection` rule marks its connection: from then on the same flow bypasses the
    /// rules.
    #[must_use]
    pub fn would_pass(&self, flow: &Flow) -> Passage {
        self.shared.with(|state| state.would_pass(flow))
    }

    /// Sends a packet. Its connection's state is what connection tracking knows of it, whatever the flow says: new if
    /// `/ip/firewall/connection` does not have it, established if it does, fasttracked if it is marked so. A new connection that passes
    /// is known from then on.
    #[must_use = "whether it passed is the point"]
    pub fn send(&self, flow: &Flow) -> Passage {
        self.shared.with(|state| state.send_packet(flow))
    }

    // ---- faults ------------------------------------------------------------------------------

    /// Has something go wrong with the commands that `on` says.
    pub fn inject(&self, on: On, fault: Fault) -> FaultId {
        self.shared.with(|state| state.faults.set(on, fault))
    }

    /// Takes a fault back.
    pub fn clear_fault(&self, fault: FaultId) {
        self.shared.with(|state| state.faults.clear(Some(fault)));
    }

    /// Takes all faults back, and can be reached again.
    pub fn clear_faults(&self) {
        self.shared.with(|state| state.faults.clear(None));
        self.set_reachability(Reachability::Reachable);
    }

    /// Whether it can be reached, from now on. [`Simulator::until`] tells when connections have been closed.
    pub fn set_reachability(&self, reachability: Reachability) {
        self._life.reachability.send_replace(reachability);
    }

    /// Starts again, at once: sessions, connections and what is dynamic are gone, ids and uptime begin anew.
    pub fn reboot(&self) {
        self.shared.with(State::reboot);
    }

    /// Closes every connection, of the API and of SSH.
    pub fn cut_connections(&self) {
        self.shared.with(State::close_all);
    }

    /// Sets its date, in seconds since 1970. Uptimes and time-outs do not mind.
    pub fn set_date(&self, unix_seconds: i64) {
        self.shared.with(|state| {
            let since_start = i64::try_from(state.now.as_secs()).unwrap_or(i64::MAX);
            state.epoch = unix_seconds.saturating_sub(since_start);
        });
    }

    /// Changes a switch while it runs.
    pub fn set_quirks(&self, change: impl FnOnce(&mut Quirks)) {
        self.shared.with(|state| change(&mut state.quirks));
    }

    /// Does something as the administrator at the router itself, in WinBox say: no connection, no log of commands, no faults. Takes
    /// what a client would send, and answers with what `!done` says in `ret`, which for `add` is the new id.
    ///
    /// # Errors
    ///
    /// The text of the `!trap`.
    pub fn administer(&self, command: &Command) -> Result<String, String> {
        self.shared.with(|state| state.administer(&command.build()))
    }

    /// Types a line at the console, as the administrator at the router itself; what it prints, lines ended by CR LF. As over SSH, an
    /// error is part of what is printed. No faults befall it; the log of commands has it.
    pub fn console(&self, line: impl AsRef<[u8]>) -> Vec<u8> {
        let (caller, line) = (script::all_rights(), line.as_ref());
        let console = script::Console::default();
        self.shared.with(|state| {
            state
                .type_line(&caller, console, Via::Console, line, Vec::new(), None)
                .output
        })
    }

    // ---- observation -------------------------------------------------------------------------

    /// Every command received, oldest first; only the last ones, if there were more than [`SimulatorBuilder::keep_commands`].
    #[must_use]
    pub fn commands(&self) -> Vec<CommandRecord> {
        self.shared.with(|state| state.commands.records())
    }

    /// What was ever sent with each command word.
    #[must_use]
    pub fn commands_seen(&self) -> BTreeMap<String, SeenCommand> {
        self.shared.with(|state| state.commands.seen())
    }

    /// How many commands, bytes and records there were in all.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.shared.with(|state| state.commands.totals())
    }

    /// The same for each connection, by its number.
    #[must_use]
    pub fn totals_by_connection(&self) -> BTreeMap<u64, Totals> {
        self.shared.with(|state| state.commands.by_connection())
    }

    /// Forgets the commands received so far.
    pub fn clear_commands(&self) {
        self.shared.with(|state| state.commands.clear());
    }

    /// What was asked for that this router does not have, or that the simulator does not know, oldest first: commands, menus,
    /// arguments, words of the scripting language. The first thousand; [`Simulator::clear_commands`] forgets them. A gap of the
    /// simulator shows here.
    #[must_use]
    pub fn unknown_commands(&self) -> Vec<UnknownCommand> {
        self.shared.with(|state| state.commands.unknown_commands())
    }

    /// What happened, oldest first.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        self.shared.with(|state| state.events.all())
    }

    /// Calls of `/tool fetch` by scripts, oldest first. A simulated router calls addresses of this machine only.
    #[must_use]
    pub fn fetches(&self) -> Vec<Fetched> {
        self.shared.with(|state| state.fetches.all())
    }

    /// How many connections there are, of the API and of SSH, logged in or not.
    #[must_use]
    pub fn connection_count(&self) -> usize {
        self.shared.with(|state| state.connections.len())
    }

    /// How many connections each user has, of the API and of SSH.
    #[must_use]
    pub fn connections_by_user(&self) -> HashMap<String, usize> {
        self.shared
            .with(|state| session::count_by_user(&state.connections))
    }

    /// The rows of a menu as a user with every right would read them, each property by name with `.id`; empty if the
    /// version does not have the menu. What is not UTF-8 is replaced.
    #[must_use]
    pub fn rows(&self, menu: &str) -> Vec<BTreeMap<String, String>> {
        self.shared.with(|state| {
            let Some(menu) = state.menu_at(menu) else {
                return Vec::new();
            };
            state
                .table(menu)
                .iter()
                .map(|row| describe(state, row))
                .collect()
        })
    }

    /// Counts changes of any kind: rows, commands, connections. It changes whenever something did.
    #[must_use]
    pub fn changed(&self) -> signal::Receiver<u64> {
        self.shared.changes.subscribe()
    }

    /// Waits until a condition holds, looking again after each change. It has no deadline of its own.
    ///
    /// Cancel safe.
    pub async fn until(&self, mut holds: impl FnMut(&Self) -> bool) {
        let mut changes = self.changed();
        loop {
            changes.borrow_and_update();
            if holds(self) {
                return;
            }
            // The sender lives as long as this handle does.
            if changes.changed().await.is_err() {
                return;
            }
        }
    }
}

fn describe(state: &State, row: &table::Row) -> BTreeMap<String, String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let fields = row.menu.fields.iter().enumerate();
    let mut shown: BTreeMap<String, String> = fields
        .filter_map(|(index, field)| Some((field.name.to_owned(), text(&state.show(row, index)?))))
        .collect();
    if !row.menu.single {
        shown.insert(".id".to_owned(), row.id.to_string());
    }
    shown
}

impl fmt::Debug for Simulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Simulator({})", self._life.address)
    }
}
