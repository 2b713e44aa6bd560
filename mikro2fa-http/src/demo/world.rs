//! The demo's world: a simulated router, a stand-in for Telegram, and the same mikro2fa as in production between them.
//!
//! Nothing is wired here that [`App`] does not wire: the world only starts it, talks to its REST, dials into the
//! router and holds the phones. All of it goes over loopback sockets.

use std::{collections::BTreeMap, net::Ipv4Addr, time::Duration};

use mikro2fa_core::{engine::EngineEvent, id::AccountId, session::Session, time::Clock};
use mikro2fa_router::simulator::{
    Dial, DialRefused, Flow, PreparedNames, SimClock, Simulator, TunnelHandle,
};
use mikro2fa_telegram::fake_api::{FakeBotApi, FakeClock, FakeConfig, FakeUser};
use serde_json::{Value, json};
use tokio::sync::{Mutex, broadcast};

use super::clock::DemoClock;
use crate::app::{App, AppError, Plan};

/// What an operation of the demo fails with: a sentence.
pub(super) type Outcome<T> = Result<T, Trouble>;

/// What went wrong in the demo's world, in a sentence.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct Trouble(pub(super) String);

impl Trouble {
    fn because(what: &str) -> impl FnOnce(&dyn std::fmt::Display) -> Self + '_ {
        move |why| Self(format!("{what}: {why}"))
    }
}

/// Where the office's file server is.
pub(super) const FILES: Ipv4Addr = Ipv4Addr::new(192, 168, 88, 10);
/// From where ann dials.
pub(super) const HOME: &str = "203.0.113.7";
/// From where somebody dials who has learnt ann's password.
pub(super) const ELSEWHERE: &str = "198.51.100.23";
/// From where bob dials.
pub(super) const BOBS: &str = "192.0.2.44";
/// Every demo account's password; it protects nothing.
pub(super) const PASSWORD: &str = "demo";
/// Nothing on loopback takes so long; only ever fails a step.
const WATCHDOG: Duration = Duration::from_secs(20);

/// A router, three phones, and mikro2fa.
pub(super) struct World {
    pub(super) clock: DemoClock,
    pub(super) sim: Simulator,
    pub(super) telegram: FakeBotApi,
    pub(super) ann: FakeUser,
    pub(super) bob: FakeUser,
    pub(super) olga: FakeUser,
    accounts: BTreeMap<AccountId, (String, String)>,
    sim_clock: SimClock,
    rest: reqwest::Client,
    running: Mutex<Running>,
    // Last, so that it goes when nothing uses it any more.
    folder: tempfile::TempDir,
    key: mikro2fa_store::Key,
}

/// What happens to sessions.
pub(super) struct SessionEvents(Option<broadcast::Receiver<EngineEvent>>);

impl SessionEvents {
    /// The next session that changed; none for anything else. Never, once the engine is dead.
    pub(super) async fn recv(&mut self) -> Option<Box<Session>> {
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

#[derive(Default)]
struct Running {
    app: Option<App>,
    token: String,
    address: String,
}

impl World {
    /// A fresh world: router prepared, accounts bound, phones linked.
    pub(super) async fn start(language: &str) -> Outcome<Self> {
        let clock = DemoClock::default();
        let began = clock.now();
        let sim_clock = SimClock::external({
            let clock = clock.clone();
            move || clock.now().since(began)
        });
        let sim = Simulator::builder()
            .clock(sim_clock.clone())
            .prepared(PreparedNames::default())
            .identity("office")
            .account("ann", PASSWORD)
            .account("bob", PASSWORD)
            .start()
            .await
            .map_err(|e| Trouble::because("the simulated router does not start")(&e))?;
        let telegram_clock = {
            let clock = clock.clone();
            FakeClock::custom(move || clock.now().millis())
        };
        let config = FakeConfig {
            clock: telegram_clock,
            watchdog: WATCHDOG,
            ..FakeConfig::default()
        };
        let telegram = FakeBotApi::start(config)
            .await
            .map_err(|e| Trouble::because("the stand-in for Telegram does not start")(&e))?;
        let folder = tempfile::Builder::new()
            .prefix("mikro2fa-demo-")
            .tempdir()
            .map_err(|e| Trouble::because("no folder for the demo's database")(&e))?;
        let mut world = Self {
            ann: telegram.user(1001, "Ann", Some("ann"), Some(language)),
            bob: telegram.user(1002, "Bob", Some("bob"), Some(language)),
            olga: telegram.user(1003, "Olga", Some("olga"), Some(language)),
            clock,
            sim,
            telegram,
            accounts: BTreeMap::new(),
            sim_clock,
            rest: reqwest::Client::new(),
            running: Mutex::default(),
            folder,
            key: fresh_key()?,
        };
        world.furnish(language).await?;
        Ok(world)
    }

    fn plan(&self) -> Outcome<Plan> {
        let url = format!("sqlite://{}", self.folder.path().join("demo.db").display());
        let any = (Ipv4Addr::LOCALHOST, 0).into();
        Ok(Plan {
            listen: any,
            hook_listen: any,
            database: url
                .parse()
                .map_err(|e| Trouble::because("the demo's database")(&e))?,
            key: self.key.clone(),
            telegram_api_url: self.telegram.url(),
            telegram_per_second: None,
            clock: std::sync::Arc::new(self.clock.clone()),
        })
    }

    /// Starts mikro2fa, on the database as it is.
    pub(super) async fn start_engine(&self) -> Outcome<()> {
        let mut running = self.running.lock().await;
        if running.app.is_some() {
            return Err(Trouble("mikro2fa is running already".into()));
        }
        let app = App::start(self.plan()?)
            .await
            .map_err(|e: AppError| Trouble::because("mikro2fa does not start")(&e))?;
        if let Some(token) = &app.first_token {
            running.token = token.expose().to_owned();
        }
        running.address = format!("http://{}", app.address);
        running.app = Some(app);
        drop(running);
        self.settle().await;
        Ok(())
    }

    /// Kills mikro2fa in the middle of whatever it does.
    pub(super) async fn kill_engine(&self) -> Outcome<()> {
        let app = self.running.lock().await.app.take();
        let app = app.ok_or_else(|| Trouble("mikro2fa is dead already".into()))?;
        app.kill()
            .await
            .map_err(|e| Trouble::because("the database")(&e))
    }

    /// Ends it all in order.
    pub(super) async fn end(&self) {
        let app = self.running.lock().await.app.take();
        if let Some(app) = app
            && let Err(error) = app.stop().await
        {
            tracing::warn!(%error, "the demo's database was not closed as it should be");
        }
    }

    /// What happens to sessions, as long as this engine lives.
    pub(super) async fn subscribe(&self) -> SessionEvents {
        let running = self.running.lock().await;
        SessionEvents(running.app.as_ref().map(|app| app.engine.subscribe()))
    }

    /// The person and the name of an account.
    pub(super) fn whose(&self, account: Option<AccountId>) -> (String, String) {
        account
            .and_then(|account| self.accounts.get(&account))
            .cloned()
            .unwrap_or_default()
    }

    /// Ann asks for access, and waits until she may connect: her new card was edited.
    pub(super) async fn request(&self) -> Outcome<()> {
        let asked = self.ann.send("/request_vpn");
        self.ann
            .message_where(|card| card.id > asked && card.edits > 0)
            .await
            .map_err(|e| Trouble::because("no word on the request")(&e))?;
        Ok(())
    }

    pub(super) async fn engine_runs(&self) -> bool {
        self.running.lock().await.app.is_some()
    }

    /// Everything through REST, as an administrator would.
    async fn furnish(&mut self, language: &str) -> Outcome<()> {
        self.start_engine().await?;
        let policy = json!({
            "session_duration": 7_200, "max_total": 28_800, "reminder_before": 1_800, "extensions": [60, 240],
        });
        self.put("settings/policy", policy).await?;
        self.put(
            "settings/bot-token",
            json!({ "token": self.telegram.token() }),
        )
        .await?;
        self.post(
            "settings/operators",
            json!({ "name": "Olga", "chat": self.olga.id(), "language": language }),
        )
        .await?;
        let api = self.sim.api_address();
        let router = self
            .post(
                "routers",
                json!({
                    "name": "office", "host": api.ip().to_string(), "port": api.port(), "transport": "api",
                    "user": "mikro2fa", "password": self.sim.daily_password(), "poll_interval": 15,
                }),
            )
            .await?;
        // A token is used after a restart.
        self.kill_engine().await?;
        self.start_engine().await?;
        self.olga.send("/start");
        for (name, account, phone) in [
            ("Ann", "ann", self.ann.clone()),
            ("Bob", "bob", self.bob.clone()),
        ] {
            let user = self
                .post(
                    "users",
                    json!({ "name": name, "language": language, "zone_minutes": 0 }),
                )
                .await?;
            let owner = text(&user, "id")?;
            let record = self
                .post(
                    "accounts",
                    json!({ "router": text(&router, "id")?, "name": account, "owner": owner }),
                )
                .await?;
            let id = text(&record, "id")?;
            let id = id
                .parse()
                .map_err(|e| Trouble::because("an account's id")(&e))?;
            self.accounts
                .insert(id, (name.to_owned(), account.to_owned()));
            let code = self
                .post(
                    &format!("users/{}/link-code", text(&user, "id")?),
                    json!({}),
                )
                .await?;
            phone.send(&format!("/start {}", text(&code, "code")?));
            phone
                .message_where(|message| !message.text.is_empty())
                .await
                .map_err(|e| Trouble::because("a phone could not be linked")(&e))?;
        }
        self.settle().await;
        Ok(())
    }

    // ---- REST --------------------------------------------------------------------------------

    pub(super) async fn post(&self, path: &str, body: Value) -> Outcome<Value> {
        self.call(reqwest::Method::POST, path, Some(body)).await
    }

    pub(super) async fn put(&self, path: &str, body: Value) -> Outcome<Value> {
        self.call(reqwest::Method::PUT, path, Some(body)).await
    }

    pub(super) async fn get(&self, path: &str) -> Outcome<Value> {
        self.call(reqwest::Method::GET, path, None).await
    }

    async fn call(
        &self,
        method: reqwest::Method,
        path: &str,
        body: Option<Value>,
    ) -> Outcome<Value> {
        let (url, token) = {
            let running = self.running.lock().await;
            (
                format!("{}/api/{path}", running.address),
                running.token.clone(),
            )
        };
        let mut request = self
            .rest
            .request(method, url)
            .bearer_auth(token)
            .timeout(WATCHDOG);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let failed = |e: reqwest::Error| Trouble::because(path)(&e);
        let response = request.send().await.map_err(failed)?;
        let status = response.status();
        let bytes = response.bytes().await.map_err(failed)?;
        let said = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        if status.is_success() {
            Ok(said)
        } else {
            Err(Trouble(format!("{path}: {status}: {said}")))
        }
    }

    /// The open sessions, the newest first; or the latest ended one too.
    pub(super) async fn sessions(&self) -> Outcome<Vec<Value>> {
        let page = self.get("sessions?limit=50").await?;
        Ok(page
            .get("rows")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default())
    }

    // ---- time --------------------------------------------------------------------------------

    /// Lets time go by, stopping wherever somebody wants to be woken.
    pub(super) async fn advance(&self, by: Duration) {
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
    pub(super) async fn settle(&self) {
        let engine = self
            .running
            .lock()
            .await
            .app
            .as_ref()
            .map(|app| app.engine.clone());
        if let Some(engine) = engine {
            engine.settled().await;
        }
    }

    // ---- the VPN client ------------------------------------------------------------------------

    pub(super) fn dial(&self, account: &str, caller: &str) -> Result<TunnelHandle, DialRefused> {
        self.sim.dial(Dial::new(account, PASSWORD).from(caller))
    }

    /// Would a new packet of this tunnel to the office's file server pass, by the rules as they stand?
    pub(super) fn reaches_office(&self, tunnel: &TunnelHandle) -> bool {
        self.sim
            .would_pass(&Flow::between(tunnel, FILES).tcp(445))
            .passes()
    }

    /// The same for the next packet of a connection that is established.
    pub(super) fn reaches_office_established(&self, tunnel: &TunnelHandle) -> bool {
        let flow = Flow::between(tunnel, FILES).tcp(445).established();
        self.sim.would_pass(&flow).passes()
    }

    /// Waits until the router is in a state, by its own changes.
    pub(super) async fn until_router(
        &self,
        what: &str,
        mut holds: impl FnMut(&Simulator) -> bool,
    ) -> Outcome<()> {
        tokio::time::timeout(WATCHDOG, self.sim.until(|sim| holds(sim)))
            .await
            .map_err(|_| Trouble(format!("waited {WATCHDOG:?} for this: {what}")))
    }
}

fn fresh_key() -> Outcome<mikro2fa_store::Key> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|e| Trouble::because("no random numbers")(&e))?;
    Ok(mikro2fa_store::Key::from_bytes(&bytes))
}

pub(super) fn text<'a>(value: &'a Value, field: &str) -> Outcome<&'a str> {
    value[field]
        .as_str()
        .ok_or_else(|| Trouble(format!("no {field} in {value}")))
}
