//! Everything a simulated router holds, and how it changes.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use super::{
    clock::Civil,
    dial::Dial,
    event::Events,
    faults::Faults,
    fetch::Fetches,
    flow::{Flows, Networks},
    lists::ListIndex,
    log::CommandLog,
    menu::{self, CATALOGUE, Edition, MenuId},
    pool::Pools,
    rules, script,
    session::Connections,
    table::{Row, RowId, Table},
    timer::Timer,
    tls::Offers,
    tunnel::Tunnels,
    version::{Quirks, Version},
    watch::Listeners,
};
use crate::firewall::{Rule, Ruleset};

/// Log lines kept, as a router keeps in memory by default.
const MAX_LOG_LINES: usize = 1_000;

/// A router's whole state. Plain data behind one lock: nothing in here waits, sleeps or does I/O.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) version: Version,
    pub(crate) quirks: Quirks,
    /// Now, on the simulator's clock.
    pub(crate) now: Duration,
    /// When it was booted, on that clock.
    pub(crate) booted: Duration,
    /// How long it had been up when the simulation began.
    pub(crate) head_start: Duration,
    /// The date when that clock was at zero, in seconds since 1970.
    pub(crate) epoch: i64,
    pub(crate) tunnels: Tunnels,
    pub(crate) pools: Pools,
    pub(crate) flows: Flows,
    pub(crate) listeners: Listeners,
    pub(crate) connections: Connections,
    pub(crate) commands: CommandLog,
    pub(crate) faults: Faults,
    pub(crate) fetches: Fetches,
    /// Accounting stops do not reach the User Manager.
    pub(crate) stops_lost: bool,
    /// What `api-ssl` can offer, for each certificate that there ever was.
    pub(crate) tls_offers: Vec<Offers>,
    /// What SSH shows; `None` where there is no SSH server.
    #[cfg(feature = "simulator-ssh")]
    pub(crate) host_keys: Option<super::ssh_server::HostKeys>,
    /// Global variables of the scripting language, by user and name.
    pub(crate) globals: HashMap<String, HashMap<String, script::Value>>,
    pub(crate) parsed: script::Parsed,
    /// What happened, for tests to look at.
    pub(crate) events: Events,
    /// Counts changes of any kind, so that a test can wait for the next.
    pub(crate) changes: u64,
    tables: Vec<Table>,
    lists: [ListIndex; 2],
    rulesets: [Option<Arc<Ruleset>>; 2],
    networks: Networks,
    /// The route to the network of each address, by the address's row.
    pub(crate) connected: HashMap<RowId, RowId>,
    expiries: BTreeSet<(Duration, MenuId, RowId)>,
    timers: BTreeMap<(Duration, u64), Timer>,
    next_timer: u64,
    /// Of each scheduler that runs: how often, and when next.
    pub(crate) schedules: BTreeMap<RowId, (Duration, Duration)>,
}

impl State {
    pub(crate) fn new(version: Version, quirks: Quirks, now: Duration, epoch: i64) -> Self {
        let tables = CATALOGUE
            .iter()
            .map(|(id, menu)| Table::new(menu, first_id(*id), reuses_ids(*id, &quirks)))
            .collect();
        let mut state = Self {
            version,
            quirks,
            now,
            booted: now,
            head_start: Duration::ZERO,
            epoch,
            tunnels: Tunnels::default(),
            pools: Pools::default(),
            flows: Flows::default(),
            listeners: Listeners::default(),
            connections: Connections::default(),
            commands: CommandLog::default(),
            faults: Faults::default(),
            fetches: Fetches::default(),
            stops_lost: false,
            tls_offers: Vec::new(),
            #[cfg(feature = "simulator-ssh")]
            host_keys: None,
            globals: HashMap::new(),
            events: Events::default(),
            changes: 0,
            tables,
            lists: [ListIndex::default(), ListIndex::default()],
            rulesets: [None, None],
            networks: Networks::default(),
            connected: HashMap::new(),
            expiries: BTreeSet::new(),
            timers: BTreeMap::new(),
            next_timer: 0,
            schedules: BTreeMap::new(),
            parsed: script::Parsed::default(),
        };
        for (id, _) in CATALOGUE.iter().filter(|(_, menu)| menu.single) {
            state.insert(*id, Row::new(id.menu(), now));
        }
        let port = state.quirks.incoming_port.to_string();
        state.configure_only(MenuId::RadiusIncoming, &[("port", &port)]);
        state
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "tables are made from the catalogue, which has one entry for each id in its order; a test says so"
    )]
    pub(crate) fn table(&self, menu: MenuId) -> &Table {
        &self.tables[menu as usize]
    }

    #[expect(clippy::indexing_slicing, reason = "as above")]
    fn table_mut(&mut self, menu: MenuId) -> &mut Table {
        &mut self.tables[menu as usize]
    }

    /// Whether this router has a menu: its version knows it, and its package is there.
    pub(crate) fn has_menu(&self, menu: MenuId) -> bool {
        let menu = menu.menu();
        let installed = |name: &str| {
            let mut packages = self.table(MenuId::Package).iter();
            packages.any(|row| row.text("name") == name && !row.is("disabled"))
        };
        menu.exists_in(self.version) && menu.package_in(self.version).is_none_or(installed)
    }

    /// Which menus there are.
    pub(crate) fn edition(&self) -> Edition {
        Edition::new(self.version, self.spelling(), |menu| self.has_menu(menu))
    }

    /// The menu at this path, if this router has it.
    pub(crate) fn menu_at(&self, path: &str) -> Option<MenuId> {
        menu::at_path(path, self.version).filter(|menu| self.has_menu(*menu))
    }

    /// The one record of a menu that has only one; the first of any other.
    pub(crate) fn only(&self, menu: MenuId) -> Option<&Row> {
        self.table(menu).iter().next()
    }

    /// The row that `.id` means: an id, or a name where rows have one.
    pub(crate) fn resolve(&self, menu: MenuId, target: &[u8]) -> Option<RowId> {
        let table = self.table(menu);
        if let Some(id) = RowId::parse(target) {
            return table.get(id).map(|row| row.id);
        }
        let named = table
            .menu()
            .unique
            .is_some_and(|unique| matches!(unique.fields, ["name" | "username" | "login"]));
        if named {
            table.find(&[target]).map(|row| row.id)
        } else {
            None
        }
    }

    /// A new row with every default.
    pub(crate) fn row(&self, menu: MenuId) -> Row {
        Row::new(menu.menu(), self.now)
    }

    /// Adds a row at the end.
    pub(crate) fn insert(&mut self, menu: MenuId, row: Row) -> RowId {
        self.insert_before(menu, row, None)
    }

    /// Adds a row before another one.
    pub(crate) fn insert_before(&mut self, menu: MenuId, row: Row, before: Option<RowId>) -> RowId {
        let expires = row.expires;
        let id = self.table_mut(menu).insert(row, before);
        self.placed(menu, id, expires)
    }

    /// Adds a row under the id that it has in another menu.
    pub(crate) fn insert_as(&mut self, menu: MenuId, row: Row, id: RowId) -> RowId {
        let expires = row.expires;
        self.table_mut(menu).insert_as(row, id);
        self.placed(menu, id, expires)
    }

    fn placed(&mut self, menu: MenuId, id: RowId, expires: Option<Duration>) -> RowId {
        if let Some(at) = expires {
            self.expiries.insert((at, menu, id));
        }
        self.entered(menu, id);
        self.changed(menu, id);
        if menu == MenuId::Address {
            self.connect_route(id);
        }
        id
    }

    /// Changes a row; nothing happens if it has gone.
    pub(crate) fn update(&mut self, menu: MenuId, id: RowId, change: impl FnOnce(&mut Row)) {
        if self.update_unheard(menu, id, change) {
            self.tell_changed(menu, id);
        }
    }

    /// The same without a word to those who listen; whether there was anything to change.
    pub(crate) fn update_unheard(
        &mut self,
        menu: MenuId,
        id: RowId,
        change: impl FnOnce(&mut Row),
    ) -> bool {
        let Some(old) = self.table(menu).get(id) else {
            return false;
        };
        let mut row = old.clone();
        change(&mut row);
        let expires = (old.expires, row.expires);
        self.left(menu, id);
        self.table_mut(menu).replace(row);
        if let (Some(at), _) = expires {
            self.expiries.remove(&(at, menu, id));
        }
        if let (_, Some(at)) = expires {
            self.expiries.insert((at, menu, id));
        }
        self.entered(menu, id);
        self.noticed(menu, id);
        if menu == MenuId::Address {
            self.disconnect_route(id);
            self.connect_route(id);
        }
        true
    }

    /// Takes a row away.
    pub(crate) fn delete(&mut self, menu: MenuId, id: RowId) -> Option<Row> {
        self.left(menu, id);
        let row = self.table_mut(menu).remove(id)?;
        if let Some(at) = row.expires {
            self.expiries.remove(&(at, menu, id));
        }
        if menu == MenuId::Address {
            self.disconnect_route(id);
            if !row.dynamic {
                self.read_networks();
            }
        }
        self.changes += 1;
        self.tell_dead(menu, id);
        Some(row)
    }

    /// Moves a row before another one, or to the end.
    pub(crate) fn move_before(&mut self, menu: MenuId, id: RowId, before: Option<RowId>) {
        self.table_mut(menu).move_before(id, before);
        self.forget_ruleset(menu);
        self.changed(menu, id);
    }

    /// What is kept beside the rows follows them: they are about to change or go.
    fn left(&mut self, menu: MenuId, id: RowId) {
        let index = usize::from(menu == MenuId::AddressList6);
        if let MenuId::AddressList | MenuId::AddressList6 = menu
            && let Some(row) = self
                .tables
                .get(menu as usize)
                .and_then(|table| table.get(id))
            && let Some(lists) = self.lists.get_mut(index)
        {
            lists.remove(row);
        }
        self.forget_ruleset(menu);
    }

    /// They are there, or there again.
    fn entered(&mut self, menu: MenuId, id: RowId) {
        let index = usize::from(menu == MenuId::AddressList6);
        if let MenuId::AddressList | MenuId::AddressList6 = menu
            && let Some(row) = self
                .tables
                .get(menu as usize)
                .and_then(|table| table.get(id))
            && let Some(lists) = self.lists.get_mut(index)
        {
            lists.add(row);
        }
        self.forget_ruleset(menu);
    }

    fn forget_ruleset(&mut self, menu: MenuId) {
        match (menu, &mut self.rulesets) {
            (MenuId::Filter, [four, _]) => *four = None,
            (MenuId::Filter6, [_, six]) => *six = None,
            _ => {}
        }
    }

    /// The networks of the router's own addresses.
    pub(crate) const fn networks(&self) -> &Networks {
        &self.networks
    }

    fn changed(&mut self, menu: MenuId, id: RowId) {
        self.noticed(menu, id);
        self.tell_changed(menu, id);
    }

    fn noticed(&mut self, menu: MenuId, id: RowId) {
        self.changes += 1;
        if menu == MenuId::Address && self.table(menu).get(id).is_some_and(|row| !row.dynamic) {
            self.read_networks();
        }
    }

    fn read_networks(&mut self) {
        self.networks = Networks::of(self.table(MenuId::Address).iter());
    }

    pub(crate) const fn list_index(&self, ipv6: bool) -> &ListIndex {
        let [four, six] = &self.lists;
        if ipv6 { six } else { four }
    }

    /// The filter rules of a family as they stand.
    pub(crate) fn ruleset(&mut self, ipv6: bool) -> Arc<Ruleset> {
        let menu = if ipv6 {
            MenuId::Filter6
        } else {
            MenuId::Filter
        };
        let known = self.rulesets.get(usize::from(ipv6)).and_then(Clone::clone);
        if let Some(known) = known {
            return known;
        }
        let rules = self
            .table(menu)
            .iter()
            .map(|row| rules::as_firewall_rule(self, row))
            .collect::<Vec<Rule>>();
        let ruleset = Arc::new(Ruleset::new(rules));
        if let Some(place) = self.rulesets.get_mut(usize::from(ipv6)) {
            *place = Some(Arc::clone(&ruleset));
        }
        ruleset
    }

    /// The date as this router sees it, in seconds since 1970.
    pub(crate) fn unix(&self, at: Duration) -> i64 {
        let since_start = i64::try_from(at.as_secs()).unwrap_or(i64::MAX);
        self.epoch.saturating_add(since_start)
    }

    /// The same as a date and time of day.
    pub(crate) fn civil(&self, at: Duration) -> Civil {
        Civil::from_unix(self.unix(at))
    }

    /// Date and time as this version writes them.
    pub(crate) fn date_time(&self, at: Duration) -> String {
        self.civil(at).date_time(self.version.has_iso_dates())
    }

    /// Writes a line into `/log`.
    pub(crate) fn log(&mut self, topics: &str, message: impl Into<String>) {
        let time = self.date_time(self.now);
        let row = self
            .row(MenuId::Log)
            .with("time", time)
            .with("topics", topics)
            .with("message", message);
        self.insert(MenuId::Log, row);
        while self.table(MenuId::Log).len() > MAX_LOG_LINES {
            let Some(first) = self.only(MenuId::Log).map(|row| row.id) else {
                break;
            };
            self.delete(MenuId::Log, first);
        }
    }

    /// Has something done later.
    pub(crate) fn schedule(&mut self, after: Duration, timer: Timer) {
        self.next_timer += 1;
        self.timers
            .insert((self.now.saturating_add(after), self.next_timer), timer);
    }

    /// Things of this kind are not done any more.
    pub(crate) fn unschedule(&mut self, is_meant: impl Fn(&Timer) -> bool) {
        self.timers.retain(|_, timer| !is_meant(timer));
    }

    /// The clients that are about to dial again.
    pub(crate) fn redials(&self) -> Vec<Dial> {
        let waiting = self.timers.values().filter_map(|timer| match timer {
            Timer::Redial(dial) => Some(dial.clone()),
            _ => None,
        });
        waiting.collect()
    }

    /// Clients of an account give up dialling again: those that wait to, and those that are up.
    pub(crate) fn give_up(&mut self, account: &str) {
        self.timers
            .retain(|_, timer| !matches!(timer, Timer::Redial(dial) if dial.account == account));
        self.tunnels.forget_redials(account);
    }

    /// When the next thing happens by itself.
    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        let expiry = self.expiries.first().map(|(at, ..)| *at);
        let timer = self.timers.keys().next().map(|(at, _)| *at);
        expiry.into_iter().chain(timer).min()
    }

    /// Lives through everything that is due until `now`, each thing at its own time.
    pub(crate) fn catch_up(&mut self, now: Duration) {
        while let Some(due) = self.next_deadline().filter(|due| *due <= now) {
            self.now = self.now.max(due);
            if let Some((at, menu, id)) =
                self.expiries.first().copied().filter(|(at, ..)| *at == due)
            {
                self.expiries.remove(&(at, menu, id));
                self.delete(menu, id);
                continue;
            }
            if let Some((_, timer)) = self.timers.pop_first() {
                self.run_timer(timer);
            }
        }
        self.now = self.now.max(now);
    }

    /// Loses what a router loses when it starts again.
    pub(crate) fn forget_volatile(&mut self) {
        self.timers.clear();
        self.globals.clear();
        for (menu, _) in CATALOGUE {
            let dynamic: Vec<RowId> = self
                .table(*menu)
                .iter()
                .filter(|row| row.dynamic)
                .map(|row| row.id)
                .collect();
            for id in dynamic {
                self.delete(*menu, id);
            }
        }
        for menu in [
            MenuId::Log,
            MenuId::Active,
            MenuId::UserActive,
            MenuId::Connection,
            MenuId::Connection6,
            MenuId::PoolUsed,
            MenuId::HotspotActive,
        ] {
            for id in self.table(menu).ids() {
                self.delete(menu, id);
            }
            self.table_mut(menu).restart_ids();
        }
        for menu in [
            MenuId::AddressList,
            MenuId::AddressList6,
            MenuId::Interface,
            MenuId::InterfaceListMember,
            MenuId::Route,
        ] {
            self.table_mut(menu).restart_ids();
        }
        self.connected.clear();
        for id in self.table(MenuId::Address).ids() {
            self.connect_route(id);
        }
        self.booted = self.now;
        self.head_start = Duration::ZERO;
        self.changes += 1;
        self.start_schedules();
    }
}

/// Rows that a router makes itself have ids of their own ranges.
const fn first_id(menu: MenuId) -> u32 {
    match menu {
        MenuId::Active => 0x80_0000,
        _ => 1,
    }
}

const fn reuses_ids(menu: MenuId, quirks: &Quirks) -> bool {
    matches!(menu, MenuId::Active) && quirks.active_ids_reused
}
