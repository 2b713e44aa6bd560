//! The engine: drives the three ports. Made with a builder, used through a handle, nothing global.
//!
//! Per router a *keeper* owns the sessions and never waits for the router, and an *enforcer* is the only one to talk
//! to it. One *committer* a node groups what has gathered into one transaction. An *outbox* delivers messages. All
//! time comes from one [`Clock`], and [`EngineHandle::settled`] says when nothing is in flight, so that a day passes
//! in milliseconds over real sockets. Everything lives inside [`Engine::run`]: dropping that future is the crash.

mod backoff;
mod bell;
mod committer;
mod enforcer;
mod handle;
mod keeper;
mod keepers;
mod outbox;
mod recall;
mod settled;
mod supervisor;
mod system_clock;

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, atomic::AtomicBool},
    time::Duration,
};

use tokio::{
    sync::{broadcast, mpsc, watch},
    task::JoinSet,
};
use tracing::warn;

pub use handle::{EngineError, EngineEvent, EngineHandle};
pub use keeper::{Disown, Disowned, Fed, RequestRefused, Requested, RouterStatus};
pub use settled::{Activity, Busy};
pub use system_clock::SystemClock;

use crate::{
    desk::RouterDesk,
    directory::Directory,
    entropy::{Entropy, SystemEntropy},
    id::NodeId,
    notifier::Notifier,
    router_backend::RouterBackend,
    store::{Store, StoreError},
    time::Clock,
};
use bell::Bell;
use committer::Committer;
use keepers::Keepers;
use outbox::Outbox;
use supervisor::Supervisor;

/// A stored wall time that is later than now by more than this means that our clock is not to be trusted.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(2);
/// How often it is asked whether another process has changed the desk.
const DESK_POLL: Duration = Duration::from_secs(30);
/// So many commits may wait for the committer; more wait in their keepers, which go on meanwhile.
const ORDERS: usize = 1_024;
/// Shutting down takes no longer.
const SHUTDOWN: Duration = Duration::from_secs(10);

/// Makes backends for routers.
pub trait Backends: Send + Sync {
    /// A backend for this router; connects when it is first used.
    fn backend(&self, desk: &RouterDesk) -> Arc<dyn RouterBackend>;
}

impl<F: Fn(&RouterDesk) -> Arc<dyn RouterBackend> + Send + Sync> Backends for F {
    fn backend(&self, desk: &RouterDesk) -> Arc<dyn RouterBackend> {
        self(desk)
    }
}

/// Puts an engine together.
pub struct EngineBuilder {
    store: Arc<dyn Store>,
    directory: Arc<dyn Directory>,
    notifier: Arc<dyn Notifier>,
    backends: Arc<dyn Backends>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    node: Option<NodeId>,
    answers_by_polling: bool,
    desk_poll: Duration,
}

impl std::fmt::Debug for EngineBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EngineBuilder")
    }
}

impl EngineBuilder {
    /// The ports, and the clock.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store>,
        directory: Arc<dyn Directory>,
        notifier: Arc<dyn Notifier>,
        backends: Arc<dyn Backends>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            store,
            directory,
            notifier,
            backends,
            clock,
            entropy: Arc::new(SystemEntropy),
            node: None,
            answers_by_polling: false,
            desk_poll: DESK_POLL,
        }
    }

    /// Other random numbers: repeatable ones, for tests.
    #[must_use]
    pub fn entropy(mut self, entropy: Arc<dyn Entropy>) -> Self {
        self.entropy = entropy;
        self
    }

    /// A fixed node id. By default each run has a new one.
    #[must_use]
    pub fn node(mut self, node: NodeId) -> Self {
        self.node = Some(node);
        self
    }

    /// Answers are fetched by somebody who says when they cannot be ([`EngineHandle::messenger`]): until the first
    /// word, the clocks of questions stand still from the last time that this program was alive.
    #[must_use]
    pub const fn answers_by_polling(mut self) -> Self {
        self.answers_by_polling = true;
        self
    }

    /// How often it is asked whether another process has changed the desk. Default 30 s: programs of which the engine is a
    /// part call [`EngineHandle::desk_changed`] and wait for nothing; a command line beside it is noticed by this.
    #[must_use]
    pub const fn desk_poll(mut self, every: Duration) -> Self {
        self.desk_poll = every;
        self
    }

    /// Reads what it has to know before it can run.
    ///
    /// # Errors
    ///
    /// If the database cannot be asked.
    pub async fn build(self) -> Result<(Engine, EngineHandle), StoreError> {
        let now = self.clock.now();
        let last = self.store.touch_clock(now).await?;
        let desk_version = self.directory.desk_version().await?;
        let clock_trusted = last.is_none_or(|last| last <= now + CLOCK_TOLERANCE);
        if !clock_trusted {
            warn!(
                "this machine's clock is earlier than it was when mikro2fa last ran: nothing is opened until it is \
                 right, or an operator says that it is (PUT /api/settings/clock)"
            );
        }
        let clock_trusted = Arc::new(AtomicBool::new(clock_trusted));
        let away = self
            .answers_by_polling
            .then(|| last.unwrap_or(now).min(now));
        let activity = Activity::default();
        let (orders, order_box) = mpsc::channel(ORDERS);
        let (events, _) = broadcast::channel(1_024);
        let (refresh, refreshes) = mpsc::channel(64);
        let (messenger, messenger_state) = watch::channel(away);
        let (trouble, troubled) = watch::channel(None);
        let (ready, readiness) = watch::channel(false);
        let (bell, messenger_bell) = (Arc::new(Bell::default()), Arc::new(Bell::default()));
        let node = self
            .node
            .unwrap_or_else(|| NodeId::from_uuid(self.entropy.sorted(now)));
        let keepers = Keepers {
            mailboxes: Arc::default(),
            store: Arc::clone(&self.store),
            activity: activity.clone(),
        };
        let handle = EngineHandle {
            keepers: keepers.clone(),
            directory: Arc::clone(&self.directory),
            clock: Arc::clone(&self.clock),
            activity: activity.clone(),
            events: events.clone(),
            refresh,
            messenger: Arc::new(messenger),
            messenger_bell: Arc::clone(&messenger_bell),
            clock_trusted: Arc::clone(&clock_trusted),
            trouble: troubled,
            outbox: Arc::clone(&bell),
        };
        let committer = Committer {
            store: Arc::clone(&self.store),
            clock: Arc::clone(&self.clock),
            activity: activity.clone(),
            orders: order_box,
            waiting: std::collections::VecDeque::new(),
            trouble,
            outbox: Arc::clone(&bell),
        };
        let outbox = Outbox {
            node,
            store: Arc::clone(&self.store),
            notifier: self.notifier,
            clock: Arc::clone(&self.clock),
            activity: activity.clone(),
            keepers: keepers.clone(),
            bell,
            directory: Arc::clone(&self.directory),
            entropy: Arc::clone(&self.entropy),
        };
        let supervisor = Supervisor {
            node,
            store: self.store,
            directory: self.directory,
            backends: self.backends,
            clock: self.clock,
            entropy: self.entropy,
            activity,
            orders,
            keepers,
            events,
            refresh: refreshes,
            messenger: messenger_state,
            messenger_bell,
            ready,
            clock_trusted,
            stale: std::collections::BTreeSet::new(),
            let_go: BTreeMap::new(),
            ours: BTreeMap::new(),
            lived: last,
            unserved: BTreeMap::new(),
            tasks: JoinSet::new(),
            desk_version,
            desk_poll: self.desk_poll,
            desk_at: now + self.desk_poll,
            fences: Arc::default(),
        };
        Ok((
            Engine {
                committer,
                outbox,
                supervisor,
                ready: readiness,
            },
            handle,
        ))
    }
}

/// An engine that is ready to run.
pub struct Engine {
    committer: Committer,
    outbox: Outbox,
    supervisor: Supervisor,
    ready: watch::Receiver<bool>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Engine")
    }
}

impl Engine {
    /// Turns true when all routers that are ours are being served.
    #[must_use]
    pub fn ready(&self) -> watch::Receiver<bool> {
        self.ready.clone()
    }

    /// Runs until the future is dropped. Dropping it at any point is a crash, and loses nothing: what was promised is
    /// durable, permits lapse by their leases.
    pub async fn run(self) {
        self.run_until(std::future::pending()).await;
    }

    /// Runs until `stop` completes, and then in order: nothing new is taken, what was taken is written down, routers
    /// are given back. Permits stay: the lease is theirs. Takes 10 s at most.
    pub async fn run_until(self, stop: impl Future<Output = ()>) {
        let Self {
            committer,
            outbox,
            supervisor,
            ready: _ready,
        } = self;
        let store = Arc::clone(&supervisor.store);
        let clock = Arc::clone(&supervisor.clock);
        let fences = Arc::clone(&supervisor.fences);
        let keepers = supervisor.keepers.clone();
        let mut writing = JoinSet::new();
        let mut serving = JoinSet::new();
        writing.spawn(committer.run());
        serving.spawn(outbox.run());
        serving.spawn(supervisor.run());
        tokio::select! {
            biased;
            () = stop => {}
            _ = serving.join_next() => {}
        }
        keepers.lock().clear();
        serving.shutdown().await;
        // The last keeper is gone, so the committer ends when it has written what it was given.
        let most = clock.sleep_until(clock.now() + SHUTDOWN);
        tokio::select! {
            biased;
            _ = writing.join_next() => {}
            () = most => warn!("the database did not take the last commits in time"),
        }
        let fences = std::mem::take(&mut *fences.lock().unwrap_or_else(PoisonError::into_inner));
        if let Err(error) = store.release_routers(&fences).await {
            warn!(%error, "routers could not be given back; their leases lapse");
        }
    }
}
