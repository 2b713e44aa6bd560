//! A storm: 10,000 tunnels come up at once on 200 routers, each a question that is durable before anybody is asked.
//!
//! Everything is as in production: simulated routers with a real API port each, the RouterOS backend, the engine, and
//! a database that waits for its disk; only the messenger is in memory. The routers and their clients share the
//! processor with what is measured. The limit is a log that takes as many events over loopback connections, one
//! `fdatasync` for all that wait.
//!
//! ```text
//! cargo bench --bench storm                    # SQLite, and PostgreSQL where MIKRO2FA_TEST_POSTGRESQL names one
//! ```

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a bench ends when something fails"
)]

use std::{
    collections::HashMap,
    net::Ipv4Addr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use mikro2fa_core::{
    desk::RouterDesk,
    engine::{Backends, EngineBuilder, SystemClock},
    id::{AccountId, InstallationId, NodeId, OutboxId, RouterId, SessionId},
    router_backend::{Fence, RouterBackend},
    session::{Session, StateName},
    store::{Claim, Commit, Committed, Memory, OutboxRow, Sent, Store, StoreError},
    testing::{Desk, RecordingNotifier},
    time::{Clock, Timestamp},
};
use mikro2fa_router::{
    backend_for,
    simulator::{Dial, PreparedNames, SimClock, Simulator},
};
use mikro2fa_store::DieselStore;
use tokio::{runtime::Runtime, sync::Notify};
use uuid::Uuid;

#[path = "shared/database.rs"]
mod database;
#[path = "shared/limits.rs"]
mod limits;
#[path = "shared/measure.rs"]
mod measure;

use database::Database;
use measure::{beside, figure, heading, median, percentile, rate, sized, time};

const PASSWORD: &str = "pw";

fn main() {
    let folder = database::folder();
    let (routers, accounts) = (sized(200, 4), sized(50, 5));
    let tunnels = routers * accounts;
    let databases = [
        Some(Database::sqlite(folder.path())),
        Database::postgresql(),
    ];
    for database in databases.into_iter().flatten() {
        let limit = || limits::group_commit(folder.path(), 32, tunnels);
        let before = rate(tunnels, limit());
        let storm = Storm::new(&database, routers, accounts);
        heading(&format!(
            "{tunnels} tunnels at once on {routers} routers, {}",
            database.name()
        ));
        let seen = storm.blow();
        let limit = median(vec![before, rate(tunnels, limit()), rate(tunnels, limit())]);
        figure(
            "limit: a log on the disk, 32 connections",
            limit,
            "events/s",
        );
        let committed = rate(tunnels, seen.committed);
        beside(
            "questions durable, from the first dial on",
            committed,
            "questions/s",
            limit,
        );
        let alone = rate(tunnels, seen.dialled);
        figure("the routers let clients in at", alone, "tunnels/s");
        time(
            "from a tunnel's dial to its question durable, p50",
            percentile(&seen.waits, 50),
        );
        time("  p99", percentile(&seen.waits, 99));
        time("  the longest", percentile(&seen.waits, 100));
        figure("questions in one transaction, on average", seen.group, "");
        let asked = rate(tunnels, seen.delivered);
        figure(
            "questions shown, one after the other a chat",
            asked,
            "questions/s",
        );
    }
}

/// What a storm showed.
struct Seen {
    /// From the first dial until all clients were in.
    dialled: Duration,
    /// From the first dial until the last question was durable.
    committed: Duration,
    /// Until the last one was shown.
    delivered: Duration,
    /// From each tunnel's dial until its question was durable.
    waits: Vec<Duration>,
    /// How many questions one transaction held.
    group: f64,
}

struct Storm {
    /// Of the routers; apart from what is measured as far as one machine allows.
    _routers_runtime: Runtime,
    engine_runtime: Runtime,
    simulators: Vec<Simulator>,
    names: Vec<(AccountId, String)>,
    store: Arc<Counting>,
    notifier: RecordingNotifier,
}

impl Storm {
    fn new(database: &Database, routers: usize, accounts: usize) -> Self {
        let runtime = |threads| {
            let mut builder = tokio::runtime::Builder::new_multi_thread();
            builder
                .worker_threads(threads)
                .enable_all()
                .build()
                .unwrap()
        };
        let (routers_runtime, engine_runtime) = (runtime(1), runtime(2));
        let names: Vec<String> = (0..accounts).map(|n| format!("user{n:03}")).collect();
        let start = Simulator::builder()
            .prepared(PreparedNames::default())
            .clock(SimClock::real());
        let start = names
            .iter()
            .fold(start, |start, name| start.account(name.as_str(), PASSWORD));
        let simulators: Vec<Simulator> = routers_runtime.block_on(async {
            let mut all = Vec::new();
            for _ in 0..routers {
                all.push(start.clone().start().await.unwrap());
            }
            all
        });
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let (desk, names) = desk(&simulators, &names, clock.now());
        let store = engine_runtime.block_on(async {
            let store = database.open().await;
            desk.fill(&store).await.unwrap();
            Arc::new(Counting::new(store, names.len()))
        });
        let notifier = RecordingNotifier::new(Arc::clone(&clock));
        let storm = Self {
            _routers_runtime: routers_runtime,
            engine_runtime,
            simulators,
            names,
            store,
            notifier,
        };
        storm.start(clock);
        storm
    }

    /// Starts the engine, and waits until it listens to every router.
    fn start(&self, clock: Arc<dyn Clock>) {
        let backends: Arc<dyn Backends> = {
            let (clock, installation) =
                (Arc::clone(&clock), InstallationId::from_uuid(Uuid::nil()));
            Arc::new(move |desk: &RouterDesk| -> Arc<dyn RouterBackend> {
                backend_for(&desk.router, installation, Arc::clone(&clock)).unwrap()
            })
        };
        let store: Arc<dyn Store> = self.store.clone();
        let directory = Arc::new(self.store.inner.clone());
        let notifier = Arc::new(self.notifier.clone());
        self.engine_runtime.block_on(async {
            let (engine, handle) = EngineBuilder::new(store, directory, notifier, backends, clock)
                .build()
                .await
                .unwrap();
            let mut ready = engine.ready();
            tokio::spawn(engine.run());
            ready.wait_for(|ready| *ready).await.unwrap();
            for simulator in &self.simulators {
                let listens = |simulator: &Simulator| {
                    simulator.commands_seen().contains_key("/ppp/active/listen")
                };
                simulator.until(listens).await;
            }
            handle.settled().await;
        });
    }

    fn blow(&self) -> Seen {
        let begun = Instant::now();
        let mut dials = HashMap::new();
        let accounts = self.names.len() / self.simulators.len();
        for n in 0..accounts {
            for (router, simulator) in self.simulators.iter().enumerate() {
                let (account, name) = &self.names[router * accounts + n];
                let caller = Ipv4Addr::from(0xcb00_7100 + u32::try_from(n).unwrap());
                let dial = Dial::new(name.as_str(), PASSWORD).from(caller.to_string());
                dials.insert(*account, Instant::now());
                simulator.dial(dial).unwrap();
            }
        }
        let dialled = begun.elapsed();
        let counted = self.engine_runtime.block_on(self.store.all());
        let last = counted.iter().map(|(_, at)| *at).max().unwrap();
        let waits = counted.iter().map(|(account, at)| *at - dials[account]);
        let waits = waits.collect();
        let everything = self.names.len();
        self.engine_runtime.block_on(
            self.notifier
                .wait_for(|notifier| (notifier.questions().len() >= everything).then_some(())),
        );
        let (questions, groups) = *self.store.groups.lock().unwrap();
        Seen {
            dialled,
            committed: last - begun,
            delivered: begun.elapsed(),
            waits,
            group: f64::from(questions) / f64::from(groups),
        }
    }
}

fn desk(
    simulators: &[Simulator],
    names: &[String],
    now: Timestamp,
) -> (Desk, Vec<(AccountId, String)>) {
    let mut desk = Desk::new(now);
    let mut all = Vec::new();
    for (n, simulator) in simulators.iter().enumerate() {
        let router = desk.router(&format!("router{n:03}"));
        let connection = &mut desk.router_mut(router).connection;
        connection.port = simulator.api_address().port();
        connection.user = simulator.names().user.as_str().into();
        connection.password = mikro2fa_core::secret::Secret::new(simulator.daily_password());
        for name in names {
            let chat = i64::try_from(all.len()).unwrap() + 1;
            let user = desk.user(name, chat);
            all.push((desk.account(router, name, Some(user)), name.clone()));
        }
    }
    (desk, all)
}

/// A database that says when each question was durable.
#[derive(Debug)]
struct Counting {
    inner: DieselStore,
    expected: usize,
    counted: Mutex<Vec<(AccountId, Instant)>>,
    /// How many questions were written, in how many transactions.
    groups: Mutex<(u32, u32)>,
    done: Notify,
}

impl Counting {
    fn new(inner: DieselStore, expected: usize) -> Self {
        Self {
            inner,
            expected,
            counted: Mutex::default(),
            groups: Mutex::default(),
            done: Notify::new(),
        }
    }

    async fn all(&self) -> Vec<(AccountId, Instant)> {
        loop {
            let done = self.done.notified();
            let counted = self.counted.lock().unwrap().clone();
            if counted.len() >= self.expected {
                return counted;
            }
            done.await;
        }
    }

    fn count(&self, group: &[Commit], results: &[Committed]) {
        let now = Instant::now();
        let written = group.iter().zip(results);
        let questions: Vec<_> = written
            .filter(|(_, result)| **result == Committed::Done)
            .flat_map(|(commit, _)| &commit.sessions)
            .filter(|(before, session)| {
                before.is_none() && session.state.name() == StateName::Challenged
            })
            .map(|(_, session)| (session.account, now))
            .collect();
        if questions.is_empty() {
            return;
        }
        let mut groups = self.groups.lock().unwrap();
        groups.0 += u32::try_from(questions.len()).unwrap();
        groups.1 += 1;
        self.counted.lock().unwrap().extend(questions);
        self.done.notify_waiters();
    }
}

#[async_trait]
impl Store for Counting {
    async fn commit(&self, group: &[Commit]) -> Result<Vec<Committed>, StoreError> {
        let results = self.inner.commit(group).await?;
        self.count(group, &results);
        Ok(results)
    }

    async fn session(&self, id: SessionId) -> Result<Option<Session>, StoreError> {
        self.inner.session(id).await
    }

    async fn open_sessions(
        &self,
        router: RouterId,
        after: Option<SessionId>,
        limit: usize,
    ) -> Result<Vec<Session>, StoreError> {
        self.inner.open_sessions(router, after, limit).await
    }

    async fn memory(&self, router: RouterId) -> Result<Memory, StoreError> {
        self.inner.memory(router).await
    }

    async fn claim_outbox(&self, claim: &Claim) -> Result<Vec<OutboxRow>, StoreError> {
        self.inner.claim_outbox(claim).await
    }

    async fn outbox_due(&self) -> Result<Option<Timestamp>, StoreError> {
        self.inner.outbox_due().await
    }

    async fn settle_outbox(
        &self,
        node: NodeId,
        sent: &[(OutboxId, Sent)],
    ) -> Result<(), StoreError> {
        self.inner.settle_outbox(node, sent).await
    }

    async fn hold_routers(
        &self,
        node: NodeId,
        at_most: usize,
        lease: Duration,
    ) -> Result<Vec<Fence>, StoreError> {
        self.inner.hold_routers(node, at_most, lease).await
    }

    async fn release_routers(&self, fences: &[Fence]) -> Result<(), StoreError> {
        self.inner.release_routers(fences).await
    }

    async fn touch_clock(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        self.inner.touch_clock(now).await
    }
}
