//! Routers of each version, reached in each way, and somebody else at work on them.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use futures_core::stream::BoxStream;
use mikro2fa_core::{
    conformance::router_backend::ListedEntry,
    router_backend::{
        Applied, Command, Fence, Hint, Identity, Look, Observed, RouterBackend, RouterError,
    },
};
use mikro2fa_router::simulator::{
    Fault, FaultId, On, PreparedNames, Simulator, SimulatorBuilder, Switch, Version,
};
use routeros_api::{Client, Command as ApiCommand};

use crate::{
    listed::{self, LIST},
    world::World,
};

/// The commands that change something in the cases that lose one.
const CHANGES: [&str; 2] = [
    "/ip/firewall/address-list/add",
    "/ip/firewall/address-list/remove",
];

pub(crate) struct Bench {
    pub(crate) world: World,
    pub(crate) backend: Arc<NextOnly>,
    /// How rows are asked for.
    pub(crate) reads: &'static str,
    /// May its login set the scripts of a profile? Where that needs the policy `policy`, it may not.
    pub(crate) sets_hooks: bool,
    /// How long it takes until what happened to a tunnel has happened in full.
    settles_in: Duration,
}

impl Bench {
    pub(crate) async fn new(version: Version) -> Self {
        let router = Simulator::builder().prepared(PreparedNames::default());
        Self::of(router.version(version)).await
    }

    /// With switches turned for what no source settles.
    pub(crate) async fn turned(version: Version, switches: &[Switch]) -> Self {
        let mut settles_in = Duration::ZERO;
        let mut sets_hooks = true;
        let router = Simulator::builder().prepared(PreparedNames::default());
        let router = router.version(version).quirks(|quirks| {
            switches.iter().for_each(|switch| switch.turn(quirks));
            let delays = [
                quirks.address_after.unwrap_or_default(),
                quirks.membership_after,
                quirks.hooks_after,
                quirks.removal_takes,
            ];
            settles_in = delays.iter().sum();
            sets_hooks = !quirks.hooks_need_policy;
        });
        Self {
            settles_in,
            sets_hooks,
            ..Self::of(router).await
        }
    }

    /// With a User Manager beside the secrets.
    pub(crate) async fn with_users(version: Version) -> Self {
        let router = Simulator::builder().prepared(PreparedNames::default());
        Self::of(router.version(version).user_manager(true)).await
    }

    /// The same, with what no source settles the other way round.
    pub(crate) async fn with_users_otherwise(version: Version) -> Self {
        let router = Simulator::builder().prepared(PreparedNames::default());
        let router = router.version(version).user_manager(true).quirks(|quirks| {
            quirks.disabled_secret_asks_radius = false;
            quirks.incoming_port = 3799;
            quirks.close_session_tells = true;
            quirks.user_manager_disconnects_disabled = true;
            quirks.user_manager_6_says_name = true;
            quirks.bulk_stops_midway = false;
            quirks.trap_categories = false;
        });
        let bench = Self::of(router).await;
        let accept = ApiCommand::new("/radius/incoming/set").attribute("accept", "yes");
        bench.administer(accept).await;
        bench
    }

    /// The menu of the User Manager's logins, and its property for their names.
    pub(crate) fn users(&self) -> (&'static str, &'static str) {
        let identity = &self.sim().rows("/system/resource")[0]["version"];
        if identity.starts_with('6') {
            ("/tool/user-manager/user", "username")
        } else {
            ("/user-manager/user", "name")
        }
    }

    /// Its row, whichever way this build names the login.
    pub(crate) fn user(&self, name: &str) -> Option<BTreeMap<String, String>> {
        let (menu, property) = self.users();
        let rows = self.sim().rows(menu);
        rows.into_iter().find(|row| row[property] == name)
    }

    pub(crate) async fn over_tls(version: Version) -> Self {
        let router = Simulator::builder().prepared(PreparedNames::default());
        Self::in_world(World::over_tls(router.version(version)).await)
    }

    pub(crate) async fn over_ssh(version: Version) -> Self {
        let router = Simulator::builder().prepared(PreparedNames::default());
        Self {
            reads: "find",
            ..Self::in_world(World::over_ssh(router.version(version)).await)
        }
    }

    /// With a User Manager, over SSH; whose logins version 6 may call either way.
    pub(crate) async fn with_users_over_ssh(version: Version, says_name: bool) -> Self {
        let router = Simulator::builder().prepared(PreparedNames::default());
        let router = router.version(version).user_manager(true);
        let router = router.quirks(|quirks| quirks.user_manager_6_says_name = says_name);
        Self {
            reads: "find",
            ..Self::in_world(World::over_ssh(router).await)
        }
    }

    /// With what no source settles the other way round, over SSH.
    pub(crate) async fn otherwise_over_ssh(version: Version) -> Self {
        let router = Simulator::builder().prepared(PreparedNames::default());
        let router = router.version(version).quirks(|quirks| {
            quirks.active_ids_reused = false;
            quirks.timeout_can_be_set = false;
            quirks.bulk_stops_midway = false;
            quirks.json_escapes_bytes = true;
            quirks.ssh_serves_second_channel = true;
        });
        Self {
            reads: "find",
            ..Self::in_world(World::over_ssh(router).await)
        }
    }

    async fn of(router: SimulatorBuilder) -> Self {
        Self::in_world(World::of(router).await)
    }

    fn in_world(world: World) -> Self {
        let backend = Arc::new(NextOnly {
            inner: Arc::clone(&world.backend),
            sim: world.sim.clone(),
            armed: Mutex::default(),
        });
        Self {
            world,
            backend,
            reads: "print",
            sets_hooks: true,
            settles_in: Duration::ZERO,
        }
    }

    pub(crate) fn settle(&self) {
        if !self.settles_in.is_zero() {
            self.world.advance(self.settles_in);
        }
    }

    pub(crate) fn sim(&self) -> &Simulator {
        &self.world.sim
    }

    /// Somebody else at work on the router.
    pub(crate) async fn administer(&self, command: ApiCommand) {
        let administrator: Client = self.world.administrator().await;
        administrator.call(command).await.unwrap();
    }

    pub(crate) fn lose_next(&self, fault: &Fault) {
        let arm = |path: &str| self.sim().inject(On::command(path).once(), fault.clone());
        *self.backend.armed.lock().unwrap() = CHANGES.map(arm).to_vec();
    }

    pub(crate) async fn put(&self, list: &str, entry: &ListedEntry) {
        self.administer(listed::add(list, entry)).await;
    }

    pub(crate) async fn remove(&self, menu: &str, is_it: impl Fn(&str, &str) -> bool) {
        for row in self.sim().rows(menu) {
            if row.iter().any(|(name, value)| is_it(name, value)) {
                let remove =
                    ApiCommand::new(format!("{menu}/remove")).attribute(".id", &row[".id"]);
                self.administer(remove).await;
            }
        }
    }

    pub(crate) fn listed(&self, list: &str) -> Vec<ListedEntry> {
        listed::listed(self.sim().rows(LIST), list)
    }
}

/// The backend, and a hand that takes back the faults that were set for its next command once that was given.
pub(crate) struct NextOnly {
    inner: Arc<dyn RouterBackend>,
    sim: Simulator,
    armed: Mutex<Vec<FaultId>>,
}

#[async_trait]
impl RouterBackend for NextOnly {
    async fn identify(&self) -> Result<Identity, RouterError> {
        self.inner.identify().await
    }

    async fn observe(&self, look: &Look) -> Result<Observed, RouterError> {
        self.inner.observe(look).await
    }

    async fn apply(
        &self,
        fence: &Fence,
        commands: &[Command],
    ) -> Result<Vec<Applied>, RouterError> {
        let outcomes = self.inner.apply(fence, commands).await;
        for fault in self.armed.lock().unwrap().drain(..) {
            self.sim.clear_fault(fault);
        }
        outcomes
    }

    async fn watch(&self) -> Result<BoxStream<'static, Result<Hint, RouterError>>, RouterError> {
        self.inner.watch().await
    }
}
