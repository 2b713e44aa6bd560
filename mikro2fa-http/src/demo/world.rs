//! The demo's world: a simulated router, a stand-in for Telegram, and the same mikro2fa as in production between them.
//!
//! Nothing is wired here that [`App`] does not wire: the world only starts it, talks to its REST, dials into the
//! router and holds the phones. All of it goes over loopback sockets. The end-to-end tests play in the same world, with
//! other [`WorldOptions`].
//!
//! ```
//! use mikro2fa_http::demo::world::{HOME, World};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let world = World::start("en").await?;
//! world.request().await?;
//! let tunnel = world.dial("ann", HOME)?;
//! assert!(!world.reaches_office(&tunnel));
//! let question = world.ann.message_where(|message| message.text.starts_with("Was it you?")).await?;
//! world.ann.tap(question.id, "Yes, it was me")?;
//! world.until_router("the gate opens", |_| world.reaches_office(&tunnel)).await?;
//! world.end().await;
//! # Ok(())
//! # }
//! ```

mod options;
mod people;
mod rest;

use std::{collections::BTreeMap, net::Ipv4Addr, time::Duration};

use mikro2fa_core::{
    engine::{EngineEvent, EngineHandle},
    id::AccountId,
    session::Session,
    time::Clock,
};
use mikro2fa_router::simulator::{
    Dial, DialRefused, Flow, SimClock, Simulator, SimulatorBuilder, TunnelHandle,
};
use mikro2fa_store::{DatabaseUrl, DieselStore, Key, Options};
use mikro2fa_telegram::fake_api::{FakeBotApi, FakeClock, FakeConfig, FakeUser};
use tokio::sync::{Mutex, broadcast};

pub use self::{
    options::{RouterOptions, WorldOptions},
    people::Site,
};
use super::clock::DemoClock;
use crate::app::{App, AppError, Plan};

/// What an operation in the world fails with: a sentence.
pub type Outcome<T> = Result<T, Trouble>;

/// What went wrong in the demo's world, in a sentence.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct Trouble(pub(super) String);

impl Trouble {
    /// A sentence of its own.
    pub fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }

    fn because(what: &str) -> impl FnOnce(&dyn std::fmt::Display) -> Self + '_ {
        move |why| Self(format!("{what}: {why}"))
    }
}

/// Where the office's file server is.
pub const FILES: Ipv4Addr = Ipv4Addr::new(192, 168, 88, 10);
/// From where ann dials.
pub const HOME: &str = "203.0.113.7";
/// From where somebody dials who has learnt ann's password.
pub const ELSEWHERE: &str = "198.51.100.23";
/// From where bob dials.
pub const BOBS: &str = "192.0.2.44";
/// Every demo account's password; it protects nothing.
pub const PASSWORD: &str = "demo";
/// Nothing on loopback takes so long; only ever fails a step.
pub const WATCHDOG: Duration = Duration::from_secs(60);

/// A router, three phones, and mikro2fa.
#[derive(Debug)]
pub struct World {
    /// The only time there is.
    pub clock: DemoClock,
    /// The router `office`.
    pub sim: Simulator,
    /// Its id in mikro2fa.
    pub router: String,
    /// What mikro2fa takes for Telegram.
    pub telegram: FakeBotApi,
    /// Owns the login `ann`.
    pub ann: FakeUser,
    /// Owns the login `bob`.
    pub bob: FakeUser,
    /// The operator.
    pub olga: FakeUser,
    language: String,
    accounts: BTreeMap<AccountId, (String, String)>,
    users: BTreeMap<String, String>,
    sim_clock: SimClock,
    rest: reqwest::Client,
    running: Mutex<Running>,
    database: DatabaseUrl,
    key: Key,
    // Last, so that it goes when nothing uses it any more.
    _folder: tempfile::TempDir,
}

/// What happens to sessions.
#[derive(Debug)]
pub struct SessionEvents(Option<broadcast::Receiver<EngineEvent>>);

impl SessionEvents {
    /// The next session that changed; none for anything else. Never, once the engine is dead.
    pub async fn recv(&mut self) -> Option<Box<Session>> {
        let received = match &mut self.0 {
            Some(events) => events.recv().await,
            None => std::future::pending().await,
        };
        match received {
            Ok(EngineEvent::Session(session)) => Some(session),
            Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => None,
            Err(broadcast::error::RecvError::Closed) => {
                self.0 = None;
                None
            }
        }
    }
}

#[derive(Debug, Default)]
struct Running {
    app: Option<App>,
    token: String,
    address: String,
}

impl World {
    /// A fresh world: router prepared, accounts bound, phones linked.
    ///
    /// # Errors
    ///
    /// What could not be started.
    pub async fn start(language: &str) -> Outcome<Self> {
        Self::start_with(WorldOptions {
            language: language.into(),
            ..WorldOptions::default()
        })
        .await
    }

    /// The same, otherwise furnished.
    ///
    /// # Errors
    ///
    /// What could not be started.
    pub async fn start_with(options: WorldOptions) -> Outcome<Self> {
        let clock = DemoClock::default();
        let began = clock.now();
        let sim_clock = SimClock::external({
            let clock = clock.clone();
            move || clock.now().since(began)
        });
        let telegram_clock = {
            let clock = clock.clone();
            FakeClock::custom(move || clock.now().millis())
        };
        let config = FakeConfig {
            clock: telegram_clock,
            watchdog: WATCHDOG,
            ..options.telegram
        };
        let telegram = FakeBotApi::start(config)
            .await
            .map_err(|e| Trouble::because("the stand-in for Telegram does not start")(&e))?;
        let folder = tempfile::Builder::new()
            .prefix("mikro2fa-demo-")
            .tempdir()
            .map_err(|e| Trouble::because("no folder for the demo's database")(&e))?;
        let database = options
            .database
            .unwrap_or_else(|| DatabaseUrl::sqlite(folder.path().join("demo.db")));
        let language = options.language;
        let mut world = Self {
            ann: telegram.user(1001, "Ann", Some("ann"), Some(&language)),
            bob: telegram.user(1002, "Bob", Some("bob"), Some(&language)),
            olga: telegram.user(1003, "Olga", Some("olga"), Some(&language)),
            sim: simulator(&sim_clock, options.office.simulator).await?,
            router: String::new(),
            clock,
            telegram,
            language,
            accounts: BTreeMap::new(),
            users: BTreeMap::new(),
            sim_clock,
            rest: reqwest::Client::new(),
            running: Mutex::default(),
            database,
            key: fresh_key()?,
            _folder: folder,
        };
        world
            .furnish(options.policy, options.office.record, &options.account)
            .await?;
        Ok(world)
    }

    fn plan(&self) -> Plan {
        let any = (Ipv4Addr::LOCALHOST, 0).into();
        Plan {
            listen: any,
            hook_listen: any,
            database: self.database.clone(),
            key: self.key.clone(),
            telegram_api_url: self.telegram.url(),
            telegram_per_second: None,
            clock: std::sync::Arc::new(self.clock.clone()),
        }
    }

    /// Starts mikro2fa, on the database as it is.
    ///
    /// # Errors
    ///
    /// It is running already, or can't be started.
    pub async fn start_engine(&self) -> Outcome<()> {
        let mut running = self.running.lock().await;
        if running.app.is_some() {
            return Err(Trouble("mikro2fa is running already".into()));
        }
        let app = App::start(self.plan())
            .await
            .map_err(|e: AppError| Trouble::because("mikro2fa does not start")(&e))?;
        if let Some(token) = &app.first_token {
            running.token = token.expose().to_owned();
        }
        running.address = format!("http://{}", app.address);
        // Answered only when its routers are served: before that it would count as settled.
        let served = app.engine.desk_changed(None).await;
        running.app = Some(app);
        drop(running);
        served.map_err(|e| Trouble::because("mikro2fa does not serve")(&e))?;
        self.settle().await;
        Ok(())
    }

    /// Kills mikro2fa in the middle of whatever it does.
    ///
    /// # Errors
    ///
    /// It is dead already.
    pub async fn kill_engine(&self) -> Outcome<()> {
        let app = self.running.lock().await.app.take();
        let app = app.ok_or_else(|| Trouble("mikro2fa is dead already".into()))?;
        app.kill()
            .await
            .map_err(|e| Trouble::because("the database")(&e))
    }

    /// Ends it all at once: nothing of this world is needed any more.
    pub async fn end(&self) {
        let app = self.running.lock().await.app.take();
        if let Some(app) = app
            && let Err(error) = app.kill().await
        {
            tracing::warn!(%error, "the demo's database was not closed as it should be");
        }
    }

    /// What mikro2fa keeps, while it is dead.
    ///
    /// # Errors
    ///
    /// It lives, or the database can't be opened.
    pub async fn open_store(&self) -> Outcome<DieselStore> {
        if self.engine_runs().await {
            return Err(Trouble("the database is mikro2fa's while it lives".into()));
        }
        DieselStore::open(&self.database, &self.key, Options::default())
            .await
            .map_err(|e| Trouble::because("the database")(&e))
    }

    /// What happens to sessions, as long as this engine lives.
    pub async fn subscribe(&self) -> SessionEvents {
        SessionEvents(self.engine().await.map(|engine| engine.subscribe()))
    }

    /// The engine, as long as it lives.
    pub async fn engine(&self) -> Option<EngineHandle> {
        let running = self.running.lock().await;
        running.app.as_ref().map(|app| app.engine.clone())
    }

    /// Whether mikro2fa lives.
    pub async fn engine_runs(&self) -> bool {
        self.running.lock().await.app.is_some()
    }

    /// The person and the name of an account.
    pub fn whose(&self, account: Option<AccountId>) -> (String, String) {
        account
            .and_then(|account| self.accounts.get(&account))
            .cloned()
            .unwrap_or_default()
    }

    /// The id of the account of this name.
    ///
    /// # Errors
    ///
    /// There is none.
    pub fn account(&self, name: &str) -> Outcome<AccountId> {
        let mut accounts = self.accounts.iter();
        let found = accounts.find(|(_, (_, account))| account == name);
        found
            .map(|(id, _)| *id)
            .ok_or_else(|| Trouble(format!("there is no account {name}")))
    }

    /// The id of the user of this name.
    ///
    /// # Errors
    ///
    /// There is none.
    pub fn user(&self, name: &str) -> Outcome<&str> {
        let found = self.users.get(name);
        found
            .map(String::as_str)
            .ok_or_else(|| Trouble(format!("there is no user {name}")))
    }

    /// Ann asks for access, and waits until she may connect. Her card may have said so from its beginning.
    ///
    /// # Errors
    ///
    /// Nothing was said to her.
    pub async fn request(&self) -> Outcome<()> {
        let asked = self.ann.send("/request_vpn");
        self.ann
            .message_where(|card| card.id > asked)
            .await
            .map_err(|e| Trouble::because("no word on the request")(&e))?;
        self.settle().await;
        Ok(())
    }

    // ---- time --------------------------------------------------------------------------------

    /// Lets time go by, stopping wherever somebody wants to be woken.
    pub async fn advance(&self, by: Duration) {
        let target = self.clock.now() + by;
        self.settle().await;
        loop {
            let there = self.clock.step_towards(target);
            self.sim_clock.moved();
            self.clock.awake().await;
            self.settle().await;
            if there {
                return;
            }
        }
    }

    /// Nothing is in flight any more.
    pub async fn settle(&self) {
        if let Some(engine) = self.engine().await {
            engine.settled().await;
        }
    }

    // ---- the VPN client ------------------------------------------------------------------------

    /// Somebody dials into the office's router with an account's password.
    ///
    /// # Errors
    ///
    /// Why the router turned them away.
    pub fn dial(&self, account: &str, caller: &str) -> Result<TunnelHandle, DialRefused> {
        self.sim.dial(Dial::new(account, PASSWORD).from(caller))
    }

    /// Would a new packet of this tunnel to the office's file server pass, by the rules as they stand?
    pub fn reaches_office(&self, tunnel: &TunnelHandle) -> bool {
        self.sim
            .would_pass(&Flow::between(tunnel, FILES).tcp(445))
            .passes()
    }

    /// The same for the next packet of a connection that is established.
    pub fn reaches_office_established(&self, tunnel: &TunnelHandle) -> bool {
        let flow = Flow::between(tunnel, FILES).tcp(445).established();
        self.sim.would_pass(&flow).passes()
    }

    /// Waits until the office's router is in a state, by its own changes.
    ///
    /// # Errors
    ///
    /// It never was.
    pub async fn until_router(
        &self,
        what: &str,
        mut holds: impl FnMut(&Simulator) -> bool,
    ) -> Outcome<()> {
        tokio::time::timeout(WATCHDOG, self.sim.until(|sim| holds(sim)))
            .await
            .map_err(|_| Trouble(format!("waited {WATCHDOG:?} for this: {what}")))
    }
}

async fn simulator(clock: &SimClock, made_of: SimulatorBuilder) -> Outcome<Simulator> {
    made_of
        .clock(clock.clone())
        .start()
        .await
        .map_err(|e| Trouble::because("the simulated router does not start")(&e))
}

fn fresh_key() -> Outcome<Key> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|e| Trouble::because("no random numbers")(&e))?;
    Ok(Key::from_bytes(&bytes))
}
