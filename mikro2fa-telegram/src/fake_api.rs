//! A Bot API on loopback, which behaves as Telegram's own server does, also when it refuses.
//!
//! For tests, and for the demo: point any Bot API client at [`FakeBotApi::url`] with [`FakeBotApi::token`], and play the
//! people at the other end through [`FakeUser`]. It is not a proxy and knows nothing of the real Telegram.
//!
//! What is modelled is what a bot for private chats meets: long polling with its confirmation rules, one poller at a
//! time, taps that are lost after 150 s, messages that can't be deleted after 48 h, HTML checked as the server checks
//! it, rate limits, blocks, revoked tokens; and on top of it faults: replies lost after the deed, deeds lost after the
//! reply, stalls, a server that is down. Descriptions of refusals are the server's own words. What it can't know from
//! the server's source, it leaves out: files, inline mode, payments, channels.
//!
//! # Examples
//!
//! A person starts the bot, the bot asks, the person taps:
//!
//! ```
//! use mikro2fa_telegram::fake_api::{FakeBotApi, FakeConfig};
//! use teloxide::{prelude::*, types::{InlineKeyboardButton, InlineKeyboardMarkup}};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let api = FakeBotApi::start(FakeConfig::default()).await?;
//! let ann = api.user(42, "Ann", Some("ann"), Some("en"));
//! ann.send("/start");
//!
//! let bot = Bot::new(api.token()).set_api_url(api.url().parse()?);
//! let yes = InlineKeyboardButton::callback("Yes, it was me", "1yes");
//! bot.send_message(ChatId(42), "Was it you?").reply_markup(InlineKeyboardMarkup::new([[yes]])).await?;
//!
//! let question = ann.message_where(|message| message.text == "Was it you?").await?;
//! let tap = ann.tap(question.id, "Yes, it was me")?;
//! let updates = bot.get_updates().await?;
//! assert_eq!(updates.len(), 2); // the /start and the tap
//!
//! bot.answer_callback_query(tap.clone().into()).text("Opening.").await?;
//! assert_eq!(ann.answer_to(&tap).await?.text, "Opening.");
//! # Ok(())
//! # }
//! ```

use std::{
    fmt, io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use serde_json::Value;
use thiserror::Error;
use tokio::{
    net::TcpSocket,
    sync::{mpsc, watch},
    task::AbortHandle,
};

mod clock;
mod faults;
mod json;
mod limits;
mod methods;
mod params;
mod phone;
mod polling;
mod refusal;
mod server;
mod updates;
mod world;

pub use clock::{FakeClock, ManualTime};
pub use faults::{Fault, FaultRule};
pub use limits::Limits;
pub use phone::{FakeGroup, FakeUser, PhoneError};
pub use refusal::Refusal;
pub use world::{
    CallOutcome, FakeAnswer, FakeButton, FakeCall, FakeMessage, FakeTap, FakeWebhook, World,
};

use faults::Faults;
use limits::Rates;
use updates::Updates;
use world::{Ended, Person, Poll};

/// How a fake server begins. The default suits a test: loopback, a free port, no rate limits, the machine's clock.
#[derive(Clone, Debug)]
pub struct FakeConfig {
    /// Where to listen. Default: loopback, a free port.
    pub listen: SocketAddr,
    /// The bot's token; what stands before the colon is the bot's id.
    pub token: String,
    /// The bot's user name. Default `mikro2fa_bot`.
    pub username: String,
    /// What `getMe` says about groups; BotFather can turn it off. Default on, as it is for a new bot.
    pub can_join_groups: bool,
    /// The server's time.
    pub clock: FakeClock,
    /// The first update's id. The real server starts anywhere.
    pub first_update_id: i64,
    /// Rate limits; `None` = none, so that a test's speed decides nothing.
    pub limits: Option<Limits>,
    /// How many calls are remembered. Default 100,000.
    pub keep_calls: usize,
    /// How long a wait may take before it is given up, in real time. It only ever fails a test. Default 30 s.
    pub watchdog: Duration,
}

impl Default for FakeConfig {
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            token: "4200000000:AAFakeFakeFakeFakeFakeFakeFakeFakeFa".to_owned(),
            username: "mikro2fa_bot".to_owned(),
            can_join_groups: true,
            clock: FakeClock::System,
            first_update_id: 731_000_001,
            limits: None,
            keep_calls: 100_000,
            watchdog: Duration::from_secs(30),
        }
    }
}

/// A condition did not come true in the watchdog's time.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("waited {waited:?} for {what}; the chats are:\n{chats}")]
pub struct NotSeen {
    /// What was waited for.
    pub what: String,
    /// How long.
    pub waited: Duration,
    /// What the chats held at the end.
    pub chats: String,
}

/// A running fake server. Clones are the same server; it stops when the last of them is gone.
#[derive(Clone, Debug)]
pub struct FakeBotApi {
    shared: Arc<Shared>,
    server: Arc<Server>,
}

#[derive(Debug)]
struct Server {
    address: SocketAddr,
    /// Bound and not listening: keeps the port ours while the server is down, and connections to it are refused.
    _place: TcpSocket,
    doors: mpsc::UnboundedSender<Option<std::net::TcpListener>>,
    task: AbortHandle,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl FakeBotApi {
    /// Starts a server on the current tokio runtime.
    ///
    /// # Errors
    ///
    /// The address can't be listened on.
    pub async fn start(config: FakeConfig) -> io::Result<Self> {
        let place = match config.listen {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        place.set_reuseaddr(true)?;
        place.bind(config.listen)?;
        let address = place.local_addr()?;
        let (doors, opened) = mpsc::unbounded_channel();
        // It cannot be closed yet: the receiver is in our hands.
        let _ = doors.send(Some(listen(address)?));
        let shared = Arc::new(Shared::new(config));
        let task = tokio::spawn(server::serve(opened, Arc::clone(&shared))).abort_handle();
        Ok(Self {
            shared,
            server: Arc::new(Server {
                address,
                _place: place,
                doors,
                task,
            }),
        })
    }

    /// What to give a client as the Bot API's address.
    pub fn url(&self) -> String {
        format!("http://{}/", self.server.address)
    }

    /// The token that the server takes.
    pub fn token(&self) -> String {
        self.shared.peek(|world| world.token.clone())
    }

    /// The server's time.
    pub fn clock(&self) -> &FakeClock {
        &self.shared.clock
    }

    /// Moves a manual clock on, and with it everything that time decides.
    pub fn advance(&self, by: Duration) {
        self.shared.clock.advance(by);
        self.shared.change(|_| ());
    }

    /// A person with a phone who has not written to the bot yet. The same id again is the same person.
    pub fn user(
        &self,
        id: i64,
        first_name: &str,
        username: Option<&str>,
        language_code: Option<&str>,
    ) -> FakeUser {
        let person = Person {
            id,
            first_name: first_name.to_owned(),
            username: username.map(str::to_owned),
            language_code: language_code.map(str::to_owned),
        };
        self.shared.change(|world| phone::add_person(world, person));
        FakeUser::new(Arc::clone(&self.shared), id)
    }

    /// A group without the bot. Ids of groups are negative.
    pub fn group(&self, id: i64, title: &str) -> FakeGroup {
        self.shared
            .change(|world| phone::add_group(world, id, title));
        FakeGroup::new(Arc::clone(&self.shared), id)
    }

    /// Queues any update at all; its `update_id` is set. Says the id.
    pub fn push_update(&self, update: Value) -> i64 {
        let now = self.shared.clock.now();
        self.shared
            .change(|world| world.updates.push_raw(update, now))
    }

    /// Lets update ids go on from here, also backwards, as the real server may after a week without updates.
    pub fn continue_update_ids_from(&self, next: i64) {
        self.shared
            .change(|world| world.updates.continue_from(next));
    }

    /// Makes calls go wrong.
    pub fn inject(&self, rule: FaultRule) {
        self.shared.faults().add(rule);
    }

    /// Nothing goes wrong any more, except what already stalls.
    pub fn clear_faults(&self) {
        self.shared.faults().clear();
    }

    /// Lets all calls go on that stall now.
    pub fn release(&self) {
        self.shared.released.send_modify(|count| *count += 1);
    }

    /// Takes the server down, breaking all connections and refusing new ones, or brings it back.
    pub fn set_down(&self, down: bool) {
        let before = self.shared.down.send_replace(down);
        if before == down {
            return;
        }
        let door = if down {
            Ok(None)
        } else {
            listen(self.server.address).map(Some)
        };
        match door {
            // A server that is gone has no door: there is nothing left to open or shut.
            Ok(door) => drop(self.server.doors.send(door)),
            Err(error) => {
                tracing::error!(%error, "the fake server cannot listen on its own port again")
            }
        }
    }

    /// Turns rate limits on or off.
    pub fn set_limits(&self, limits: Option<Limits>) {
        self.shared.change(|world| world.limits = limits);
    }

    /// The token is not taken any more, or is again. A poll that waits ends with 401.
    pub fn set_revoked(&self, revoked: bool) {
        self.shared.change(|world| {
            world.revoked = revoked;
            if revoked {
                world.poll.end(Ended::Revoked);
            }
        });
    }

    /// The calls of the bot so far, oldest first.
    pub fn calls(&self) -> Vec<FakeCall> {
        self.shared
            .peek(|world| world.calls.iter().cloned().collect())
    }

    /// Looks at everything at once. Keep it short: calls wait meanwhile.
    pub fn with<R>(&self, look: impl FnOnce(&World) -> R) -> R {
        self.shared.peek(|world| look(world))
    }

    /// Grows with everything that happens here; a loop that waits for quiet compares it.
    pub fn events(&self) -> u64 {
        *self.shared.changes.borrow()
    }

    /// Tells of each change of [`FakeBotApi::events`].
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.shared.changes.subscribe()
    }

    /// Waits until `condition` is true.
    ///
    /// # Errors
    ///
    /// The watchdog's time is over.
    pub async fn until(
        &self,
        what: &str,
        condition: impl Fn(&World) -> bool,
    ) -> Result<(), NotSeen> {
        self.shared
            .wait_for(what, |world| condition(world).then_some(()))
            .await
    }

    /// Waits until `find` finds something, and gives it.
    ///
    /// # Errors
    ///
    /// The watchdog's time is over.
    pub async fn wait_for<T>(
        &self,
        what: &str,
        find: impl Fn(&World) -> Option<T>,
    ) -> Result<T, NotSeen> {
        self.shared.wait_for(what, find).await
    }
}

fn listen(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let listener = std::net::TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

struct Shared {
    world: Mutex<World>,
    faults: Mutex<Faults>,
    changes: watch::Sender<u64>,
    released: watch::Sender<u64>,
    down: watch::Sender<bool>,
    clock: FakeClock,
    watchdog: Duration,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeBotApi")
            .field("clock", &self.clock)
            .finish_non_exhaustive()
    }
}

impl Shared {
    fn new(config: FakeConfig) -> Self {
        let bot_id = config
            .token
            .split(':')
            .next()
            .and_then(|id| id.parse().ok())
            .unwrap_or(1);
        let world = World {
            bot_id,
            bot_username: config.username,
            can_join_groups: config.can_join_groups,
            token: config.token,
            revoked: false,
            people: Default::default(),
            chats: Default::default(),
            updates: Updates::new(config.first_update_id),
            calls: Default::default(),
            calls_made: 0,
            keep_calls: config.keep_calls.max(1),
            taps: Vec::new(),
            commands: Default::default(),
            webhook: None,
            limits: config.limits,
            rates: Rates::default(),
            next_message: 1,
            poll: Poll::default(),
            in_flight: 0,
        };
        Self {
            world: Mutex::new(world),
            faults: Mutex::default(),
            changes: watch::Sender::new(0),
            released: watch::Sender::new(0),
            down: watch::Sender::new(false),
            clock: config.clock,
            watchdog: config.watchdog,
        }
    }

    fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something and tells whoever waits.
    fn change<R>(&self, change: impl FnOnce(&mut World) -> R) -> R {
        let result = change(&mut self.lock());
        self.changes.send_modify(|count| *count += 1);
        result
    }

    /// Looks, and tells nobody.
    fn peek<R>(&self, look: impl FnOnce(&mut World) -> R) -> R {
        look(&mut self.lock())
    }

    fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn meet_fault(&self, method: &str, chat: Option<i64>) -> Option<Fault> {
        self.faults().meet(method, chat)
    }

    async fn stall(&self) {
        let mut released = self.released.subscribe();
        // An error means that the server is gone, and then there is nothing to hold back.
        let _ = released.changed().await;
    }

    async fn wait_for<T>(
        &self,
        what: &str,
        find: impl Fn(&World) -> Option<T>,
    ) -> Result<T, NotSeen> {
        let mut changes = self.changes.subscribe();
        let found = async {
            loop {
                if let Some(found) = self.peek(|world| find(world)) {
                    return Some(found);
                }
                if changes.changed().await.is_err() {
                    return None;
                }
            }
        };
        match tokio::time::timeout(self.watchdog, found).await {
            Ok(Some(found)) => Ok(found),
            _ => Err(NotSeen {
                what: what.to_owned(),
                waited: self.watchdog,
                chats: self.peek(|world| dump(world)),
            }),
        }
    }
}

/// The chats as text, for whoever looks at a failed test.
fn dump(world: &World) -> String {
    let mut text = String::new();
    for chat in world.chats.values() {
        text.push_str(&format!("chat {}\n", chat.id));
        for message in &chat.messages {
            let who = if message.from_bot { "bot" } else { "them" };
            let gone = if message.deleted { " (deleted)" } else { "" };
            text.push_str(&format!(
                "  {} {who}{gone}: {}\n",
                message.id,
                message.text.replace('\n', " / ")
            ));
            if !message.keyboard.is_empty() {
                text.push_str(&format!("     {:?}\n", message.labels()));
            }
        }
    }
    text
}
