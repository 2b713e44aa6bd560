//! A router in memory, a store in memory, the engine, the bot, a fake Bot API, one clock.

use std::{net::Ipv4Addr, sync::Arc, time::Duration};

use mikro2fa_core::{
    desk::{ChatId, Language, RouterDesk, User},
    directory::{DeskChange, Directory},
    engine::{Backends, EngineBuilder, EngineHandle},
    entropy::SeededEntropy,
    id::{RouterId, UserId},
    router_backend::RouterBackend,
    session::{Session, StateName},
    testing::{Desk, Dial, Line, ManualClock, MemoryRouter, MemoryStore},
    time::{Clock, Timestamp},
};
use mikro2fa_telegram::{
    Telegram, TelegramConfig,
    fake_api::{FakeBotApi, FakeClock, FakeConfig, FakeMessage, FakeUser},
};
use tokio::task::JoinHandle;

/// Thursday, 20 November 2025, 15:40 UTC.
pub(crate) const START: Timestamp = Timestamp(1_763_653_200_000);
pub(crate) const YES: &str = "Yes, it was me";
pub(crate) const NO: &str = "No, not me";

pub(crate) struct World {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) store: MemoryStore,
    pub(crate) router: MemoryRouter,
    pub(crate) api: FakeBotApi,
    pub(crate) handle: EngineHandle,
    pub(crate) ann_id: UserId,
    /// Ann, a user with one account.
    pub(crate) ann: FakeUser,
    /// Olga, who administers.
    pub(crate) olga: FakeUser,
    config: TelegramConfig,
    engine: JoinHandle<()>,
    bot: JoinHandle<()>,
    runs: u64,
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}, |_| {}).await
    }

    /// A world with another configuration, or another desk.
    pub(crate) async fn with(
        configure: impl FnOnce(&mut TelegramConfig),
        furnish: impl FnOnce(&mut Furniture),
    ) -> Self {
        let clock = Arc::new(ManualClock::new(START));
        let store = MemoryStore::new(clock.clone());
        let mut desk = Desk::new(START);
        let office = desk.router("office");
        let ann = desk.user("Ann", 1001);
        desk.account(office, "ann", Some(ann));
        let bob = desk.user("Bob", 1002);
        desk.account(office, "bob", Some(bob));
        desk.operator("Olga", 9001);
        let router = MemoryRouter::new(office, clock.clone());
        router.account("ann");
        router.account("bob");
        let mut furniture = Furniture {
            desk,
            router,
            office,
            ann,
        };
        furnish(&mut furniture);
        let Furniture { desk, router, .. } = furniture;
        desk.fill(&store).await.unwrap();

        let fake_time = clock.clone();
        let api = FakeBotApi::start(FakeConfig {
            clock: FakeClock::custom(move || fake_time.now().millis()),
            ..FakeConfig::default()
        })
        .await
        .unwrap();
        let mut config = TelegramConfig {
            per_second: None,
            ..TelegramConfig::new(api.token()).api_url(api.url())
        };
        configure(&mut config);
        let phone = |id, name| {
            let user = api.user(id, name, None, Some("en"));
            user.send("/start");
            user
        };
        let (ann_phone, olga) = (phone(1001, "Ann"), phone(9001, "Olga"));
        phone(1002, "Bob");
        let (handle, engine, bot) = start(&store, &router, &config, &clock, 1).await;
        let world = Self {
            clock,
            store,
            router,
            api,
            handle,
            ann_id: ann,
            ann: ann_phone,
            olga,
            config,
            engine,
            bot,
            runs: 1,
        };
        world.settled().await;
        world
    }

    /// The process is killed.
    pub(crate) async fn kill(&mut self) {
        self.bot.abort();
        self.engine.abort();
        let _ = (&mut self.bot).await;
        let _ = (&mut self.engine).await;
    }

    pub(crate) async fn start(&mut self) {
        self.runs += 1;
        let (handle, engine, bot) = start(
            &self.store,
            &self.router,
            &self.config,
            &self.clock,
            self.runs,
        )
        .await;
        self.handle = handle;
        self.engine = engine;
        self.bot = bot;
    }

    /// Waits until nothing is on its way anywhere: not in the engine, not between bot and Bot API.
    pub(crate) async fn settled(&self) {
        loop {
            let mut changes = self.api.subscribe();
            let before = self.api.events();
            for _ in 0..8 {
                tokio::task::yield_now().await;
            }
            self.handle.settled().await;
            let still = self
                .api
                .with(|world| world.pending_updates() == 0 && world.in_flight() == 0);
            if still && self.api.events() == before {
                return;
            }
            if !still {
                let news = tokio::time::timeout(Duration::from_secs(20), changes.changed());
                news.await
                    .expect("something is stuck between bot and Bot API")
                    .unwrap();
            }
        }
    }

    pub(crate) async fn seconds(&self, n: u64) {
        self.clock
            .advance(Duration::from_secs(n), || self.settled())
            .await;
    }

    /// Lets time go on second by second until this is so, while something waits for the clock.
    pub(crate) async fn seconds_until(&self, what: &str, so: impl Fn() -> bool) {
        let passing = async {
            while !so() {
                self.clock
                    .advance(Duration::from_secs(1), || self.handle.settled())
                    .await;
                tokio::task::yield_now().await;
            }
        };
        let passed = tokio::time::timeout(Duration::from_secs(20), passing).await;
        passed.unwrap_or_else(|_| panic!("waited in vain for {what}"));
    }

    pub(crate) fn dial(&self, account: &str, last: u8, from: &str) -> Line {
        self.router
            .dial(&Dial::new(account, Ipv4Addr::new(10, 8, 0, last)).from(from))
            .unwrap()
    }

    /// The newest message of the bot's in Ann's chat.
    pub(crate) fn card(&self) -> FakeMessage {
        self.ann.last().expect("a message")
    }

    pub(crate) fn reads(&self, begin: &str) -> FakeMessage {
        let card = self.card();
        assert!(
            card.text.starts_with(begin),
            "expected {begin:?}, found {:?}",
            card.text
        );
        card
    }

    /// Ann taps, and hears this.
    pub(crate) async fn tap(&self, message: i64, label: &str) -> String {
        let tap = self.ann.tap(message, label).unwrap();
        self.settled().await;
        self.ann.answer_to(&tap).await.unwrap().text
    }

    pub(crate) async fn tap_raw(&self, message: i64, data: &str) -> String {
        let tap = self.ann.tap_raw(message, data);
        self.settled().await;
        self.ann.answer_to(&tap).await.unwrap().text
    }

    /// Somebody taps under a message as it is now, and hears this. Keys that have just replaced others are given time.
    pub(crate) async fn taps(&self, who: &FakeUser, message: i64, label: &str) -> String {
        self.seconds(2).await;
        let shown = who.shown();
        let now = shown.iter().find(|now| now.id == message).unwrap();
        let mut buttons = now.keyboard.iter().flatten();
        let button = buttons.find(|button| button.label.starts_with(label));
        let button = button.unwrap_or_else(|| panic!("no {label:?} under {now:#?}"));
        let tap = who.tap_raw(message, &button.data);
        self.settled().await;
        who.answer_to(&tap).await.unwrap().text
    }

    /// Ann writes, and everything settles.
    pub(crate) async fn says(&self, text: &str) -> i64 {
        let id = self.ann.send(text);
        self.settled().await;
        id
    }

    /// Requested and dialled; the question is there.
    pub(crate) async fn asked(&self) -> (FakeMessage, Line) {
        self.says("/request_vpn").await;
        self.reads("Connect now");
        let line = self.dial("ann", 4, "203.0.113.7");
        self.seconds(1).await;
        (self.reads("Was it you?"), line)
    }

    /// Confirmed and open.
    pub(crate) async fn open(&self) -> (FakeMessage, Line) {
        let (question, line) = self.asked().await;
        assert_eq!(self.tap(question.id, YES).await, "Opening.");
        (self.reads("Open: ann on office"), line)
    }

    pub(crate) async fn sessions(&self) -> Vec<Session> {
        let found = self
            .store
            .sessions(&Default::default(), &Default::default())
            .await
            .unwrap();
        found.rows
    }

    pub(crate) async fn states(&self) -> Vec<StateName> {
        self.sessions()
            .await
            .into_iter()
            .map(|session| session.state.name())
            .collect()
    }

    pub(crate) async fn user(&self) -> User {
        self.store.user(self.ann_id).await.unwrap().unwrap()
    }

    pub(crate) async fn change_user(&self, change: impl FnOnce(&mut User)) {
        let mut user = self.user().await;
        change(&mut user);
        user.version += 1;
        self.handle
            .change_desk(vec![DeskChange::PutUser(user)], Vec::new())
            .await
            .unwrap();
        self.settled().await;
    }

    pub(crate) fn last_texts(&self, user: &FakeUser, count: usize) -> Vec<String> {
        let shown: Vec<_> = user
            .shown()
            .into_iter()
            .filter(|m| m.from_bot)
            .map(|m| m.text)
            .collect();
        shown[shown.len().saturating_sub(count)..].to_vec()
    }
}

/// What can be changed before the world begins.
pub(crate) struct Furniture {
    pub(crate) desk: Desk,
    pub(crate) router: MemoryRouter,
    pub(crate) office: RouterId,
    pub(crate) ann: UserId,
}

impl Furniture {
    pub(crate) fn second_account(&mut self) {
        self.desk.account(self.office, "ann-home", Some(self.ann));
        self.router.account("ann-home");
    }

    pub(crate) fn in_russian(&mut self) {
        let user = self.desk.user_mut(self.ann);
        user.language = Language::Ru;
        user.zone_minutes = Some(180);
        user.chat = Some(ChatId(1001));
    }
}

async fn start(
    store: &MemoryStore,
    router: &MemoryRouter,
    config: &TelegramConfig,
    clock: &Arc<ManualClock>,
    seed: u64,
) -> (EngineHandle, JoinHandle<()>, JoinHandle<()>) {
    let router: Arc<dyn RouterBackend> = Arc::new(router.clone());
    let backends: Arc<dyn Backends> = Arc::new(move |_: &RouterDesk| Arc::clone(&router));
    let (store, clock): (Arc<MemoryStore>, Arc<dyn Clock>) =
        (Arc::new(store.clone()), clock.clone());
    let telegram = Telegram::new(config, store.clone(), clock.clone()).unwrap();
    let notifier = Arc::new(telegram.notifier());
    let entropy = Arc::new(SeededEntropy::new(seed));
    let (engine, handle) =
        EngineBuilder::new(store.clone(), store.clone(), notifier, backends, clock)
            .entropy(entropy.clone())
            .answers_by_polling()
            .build()
            .await
            .unwrap();
    let mut ready = engine.ready();
    let engine = tokio::spawn(engine.run());
    ready.wait_for(|ready| *ready).await.unwrap();
    let bot = telegram.bot(handle.clone(), store, entropy);
    let bot = tokio::spawn(bot.run(std::future::pending()));
    (handle, engine, bot)
}
