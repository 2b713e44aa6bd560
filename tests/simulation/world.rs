//! One history's site: a router, its people, the engine, and the hand that moves the clock.

use std::{collections::BTreeSet, future::Future, sync::Arc, time::Duration};

use mikro2fa_core::{
    desk::{Bound, Mode, RouterDesk, RuleBinding},
    engine::{Backends, EngineBuilder, EngineHandle},
    entropy::SeededEntropy,
    id::{AccountId, RouterId, UserId},
    router_backend::{Prefix, RouterBackend},
    testing::{Desk, Dial, Line, ManualClock, MemoryRouter, MemoryStore, RecordingNotifier},
    time::{Clock, Timestamp},
};

use crate::{
    chance::Chance,
    invariants,
    ports::{Database, Device, Messenger},
    quiet::Quiet,
    settings::Settings,
    truth::{Known, Truth},
};

pub(crate) const START: Timestamp = Timestamp(1_800_000_000_000);
/// The comment of the rule that may be bound to Ann's account.
pub(crate) const RULE: &str = "2FA ann office";
/// Accounts that somebody owns.
pub(crate) const OWNED: [&str; 3] = ["ann", "bob", "cid"];
/// All logins of the router.
pub(crate) const LOGINS: [&str; 4] = ["ann", "bob", "cid", "eve"];
/// A home, an office with many behind it, and somewhere else.
pub(crate) const CALLERS: [&str; 4] = [
    "203.0.113.7",
    "198.51.100.9",
    "192.0.2.44",
    "0A:00:3E:11:22:33",
];

/// Somebody who owns an account.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Person {
    pub(crate) name: &'static str,
    pub(crate) user: UserId,
    pub(crate) account: AccountId,
}

/// The engine, as long as it runs.
pub(crate) struct Running {
    pub(crate) handle: EngineHandle,
    pub(crate) task: tokio::task::JoinHandle<()>,
}

pub(crate) struct World {
    pub(crate) chance: Chance,
    pub(crate) settings: Settings,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) quiet: Quiet,
    pub(crate) truth: Arc<Truth>,
    pub(crate) store: MemoryStore,
    pub(crate) router: MemoryRouter,
    pub(crate) phones: RecordingNotifier,
    pub(crate) office: RouterId,
    pub(crate) people: Vec<Person>,
    pub(crate) engine: Option<Running>,
    pub(crate) mode: Mode,
    /// Enforcing was ordered, and is durable.
    pub(crate) ordered: bool,
    pub(crate) seed: u64,
    pub(crate) starts: u64,
    pub(crate) updates: u64,
    pub(crate) no_dial_until: Timestamp,
    pub(crate) messenger_away: Option<Timestamp>,
    pub(crate) was: BTreeSet<Line>,
}

impl World {
    pub(crate) async fn new(seed: u64, quiet: Quiet, recorded: bool) -> Self {
        let mut chance = Chance::new(seed);
        let settings = Settings::draw(&mut chance);
        let clock = ManualClock::new(START);
        let store = MemoryStore::new(Arc::new(clock.clone()));
        let truth = Truth::new(clock.clone(), settings.clone(), recorded);
        let mut desk = Desk::new(START);
        let office = desk.router("office");
        let mode = if settings.observing {
            Mode::Observing
        } else {
            Mode::Enforcing
        };
        let mut people = Vec::new();
        for (place, name) in OWNED.into_iter().enumerate() {
            let user = desk.user(name, 1_001 + place as i64);
            let account = desk.account(office, name, Some(user));
            people.push(Person {
                name,
                user,
                account,
            });
            let mut truth = truth.lock();
            truth.names.insert(account.to_string(), name.to_owned());
            truth.names.insert(user.to_string(), format!("user-{name}"));
        }
        desk.account(office, "eve", None);
        desk.account_mut(people[2].account).handed_over = settings.handed_over;
        *desk.policy_mut() = settings.policy.clone();
        let record = desk.router_mut(office);
        record.poll_interval = settings.poll;
        record.mode = mode;
        record.gates.address_list = !settings.weak;
        if settings.rule {
            let account = people[0].account;
            let comment = RULE.into();
            let to = Bound::Account(account);
            record.gates.rules.push(RuleBinding { comment, to });
        }
        desk.fill(&store).await.unwrap();
        let router = MemoryRouter::new(office, Arc::new(clock.clone()));
        for login in LOGINS {
            router.account(login);
        }
        router.rule(RULE, false);
        router.gate(mode == Mode::Enforcing && !settings.weak);
        truth
            .lock()
            .names
            .insert(office.to_string(), "office".to_owned());
        let phones = RecordingNotifier::new(Arc::new(clock.clone()));
        phones.latency(chance.below(3) as u32);
        let mut world = Self {
            chance,
            settings,
            clock: Arc::new(clock),
            quiet,
            truth,
            store,
            router,
            phones,
            office,
            people,
            engine: None,
            mode,
            ordered: false,
            seed,
            starts: 0,
            updates: 0,
            no_dial_until: START,
            messenger_away: None,
            was: BTreeSet::new(),
        };
        world.start().await;
        world.settle().await;
        world
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn handle(&self) -> Option<EngineHandle> {
        self.engine.as_ref().map(|engine| engine.handle.clone())
    }

    /// Starts the engine, if the database lets it.
    pub(crate) async fn start(&mut self) {
        if self.engine.is_some() {
            return;
        }
        self.starts += 1;
        let device: Arc<dyn RouterBackend> = Arc::new(Device {
            router: self.router.clone(),
            truth: Arc::clone(&self.truth),
        });
        let backends: Arc<dyn Backends> = Arc::new(move |_: &RouterDesk| Arc::clone(&device));
        let database = Arc::new(Database {
            store: self.store.clone(),
            truth: Arc::clone(&self.truth),
            turns: self.settings.turns,
        });
        let messenger = Arc::new(Messenger {
            phones: self.phones.clone(),
            truth: Arc::clone(&self.truth),
        });
        let directory = Arc::new(self.store.clone());
        let entropy = SeededEntropy::new(self.seed.wrapping_mul(1_000_003) + self.starts);
        let clock: Arc<dyn Clock> = self.clock.clone();
        let mut builder = EngineBuilder::new(database, directory, messenger, backends, clock)
            .entropy(Arc::new(entropy));
        if self.settings.polling {
            builder = builder.answers_by_polling();
        }
        let untrusted = self.truth.lock().faults.wall_ahead.is_some();
        match builder.build().await {
            Ok((engine, handle)) => {
                self.truth
                    .say(|| format!("the engine starts (clock trusted: {})", !untrusted));
                let task = tokio::spawn(engine.run());
                let now = self.now();
                let mut truth = self.truth.lock();
                truth.alive = true;
                truth.untrusted = untrusted;
                truth.excuse(now + Duration::from_secs(1));
                if truth.late_until > now {
                    let until = truth.late_until + Duration::from_secs(62);
                    truth.excuse(until);
                }
                drop(truth);
                if self.messenger_away.is_none() {
                    handle.messenger(None);
                }
                self.engine = Some(Running { handle, task });
            }
            Err(error) => self
                .truth
                .say(|| format!("the engine cannot start: {error}")),
        }
    }

    /// The engine dies, without a word.
    pub(crate) fn kill(&mut self) {
        self.truth.say(|| "the engine is killed".to_owned());
        if let Some(engine) = self.engine.take() {
            engine.task.abort();
        }
        self.truth.lock().dead();
    }

    /// Until nothing is left to do; then everything is looked at.
    pub(crate) async fn settle(&mut self) {
        self.look_around().await;
        self.bury();
    }

    /// An engine that died at a port is dead.
    fn bury(&mut self) {
        if self
            .engine
            .as_ref()
            .is_some_and(|engine| engine.task.is_finished())
        {
            self.truth.say(|| "the engine has died".to_owned());
            self.engine = None;
            self.truth.lock().dead();
        }
    }

    async fn look_around(&self) {
        self.quiet.reached().await;
        self.truth.quiet();
        if !self.truth.is_broken() {
            invariants::gate(&self.truth, &self.router, self.mode_now());
        }
    }

    /// Time goes by; everything is looked at after each thing that happens meanwhile.
    pub(crate) async fn advance(&mut self, by: Duration) {
        let clock = Arc::clone(&self.clock);
        let mut left = by;
        while !left.is_zero() && !self.truth.is_broken() {
            let part = left.min(Duration::from_secs(60));
            clock.advance(part, async || self.look_around().await).await;
            left -= part;
        }
        self.bury();
    }

    /// Something is asked of the engine; the driver does not wait for the answer.
    pub(crate) fn call<T, F>(
        &mut self,
        what: String,
        call: impl FnOnce(EngineHandle) -> F,
        then: impl FnOnce(&Truth, &T) + Send + 'static,
    ) where
        F: Future<Output = T> + Send + 'static,
        T: std::fmt::Debug + Send + 'static,
    {
        let Some(handle) = self.handle() else {
            return;
        };
        self.truth.say(|| format!("asked: {what}"));
        let truth = Arc::clone(&self.truth);
        let call = call(handle);
        tokio::spawn(async move {
            let answer = call.await;
            truth.say(|| format!("answer to {what}: {:.160}", format!("{answer:?}")));
            then(&truth, &answer);
        });
    }

    /// A client dials in, with what the router's own lines do at that.
    pub(crate) fn dial(&mut self, dial: &Dial) -> Option<Line> {
        let now = self.now();
        if now < self.no_dial_until {
            return None;
        }
        let line = self.router.dial(dial).ok();
        self.truth.say(|| format!("dial {dial:?}: {line:?}"));
        let line = line?;
        if let Some(address) = dial.address.filter(|_| self.settings.hand_over_lines) {
            self.clear(address.into());
        }
        let known = Known {
            account: dial.account.clone(),
            caller: dial.caller.clone(),
            address: dial.address.map(Into::into),
            gone_at: None,
            seen_at: None,
        };
        self.truth.lock().lines.insert(line, known);
        Some(line)
    }

    /// What the profile's on-up and on-down begin with.
    pub(crate) fn clear(&self, address: std::net::IpAddr) {
        self.router.remove_permit(Prefix::host(address));
        self.truth.lock().foreign.remove(&address);
    }

    /// A readable history, with names instead of ids.
    pub(crate) fn history(&self) -> String {
        let trace = self.truth.lock().trace.take().unwrap_or_default();
        self.named(trace.join("\n"))
    }

    /// Names instead of ids.
    pub(crate) fn named(&self, text: String) -> String {
        let truth = self.truth.lock();
        truth
            .names
            .iter()
            .fold(text, |text, (id, name)| text.replace(id.as_str(), name))
    }
}
