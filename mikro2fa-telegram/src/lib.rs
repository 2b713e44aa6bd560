//! mikro2fa in Telegram: what is said to people, what they answer, and a Bot API on loopback to try it with.
//!
//! * [`TelegramNotifier`] is the core's [`Notifier`](mikro2fa_core::notifier::Notifier): it turns a card, a notice or an
//!   alert into words and buttons and brings it into a chat. One session has one message, its *card*, which is edited
//!   when it informs and moved when it asks.
//! * [`Bot`] listens. It fetches updates by long polling, turns each into a call of the engine, and confirms it only when
//!   what came of it is durable. It decides nothing: whether an answer counts is judged by the session.
//! * [`text`] holds all wording, in English and Russian; [`markup`] the rules of Telegram's HTML.
//! * [`callback`] and [`link`] are the two things that come back from outside: button data and one-time codes.
//! * `fake_api` (feature `fake`) is a Bot API server for tests and for the demo.
//!
//! What a tap has to pass before it does anything: it comes from a private chat and that chat's own person; its data has
//! exactly our form; the keyboard it names is in the store, was shown to this very person through the link that there is
//! now, and is not over; and then the engine, or for operators the role they have now, says yes.
//!
//! # Examples
//!
//! A whole life against the fake Bot API, with everything else in memory:
//!
//! ```
//! use std::{net::Ipv4Addr, sync::Arc};
//!
//! use mikro2fa_core::{
//!     desk::RouterDesk,
//!     engine::EngineBuilder,
//!     entropy::SystemEntropy,
//!     router_backend::RouterBackend,
//!     testing::{Desk, Dial, ManualClock, MemoryRouter, MemoryStore},
//!     time::Timestamp,
//! };
//! use mikro2fa_telegram::{Telegram, TelegramConfig, fake_api::{FakeBotApi, FakeConfig}};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let now = Timestamp(1_800_000_000_000);
//! let clock = Arc::new(ManualClock::new(now));
//! let store = Arc::new(MemoryStore::new(clock.clone()));
//! let mut desk = Desk::new(now);
//! let office = desk.router("office");
//! let ann = desk.user("Ann", 42);
//! desk.account(office, "ann", Some(ann));
//! desk.fill(&*store).await?;
//! let router = MemoryRouter::new(office, clock.clone());
//! router.account("ann");
//!
//! let api = FakeBotApi::start(FakeConfig::default()).await?;
//! let config = TelegramConfig::new(api.token()).api_url(api.url());
//! let telegram = Telegram::new(&config, store.clone(), clock.clone())?;
//! let (backend, notifier) = (Arc::new(router.clone()), Arc::new(telegram.notifier()));
//! let backends = Arc::new(move |_: &RouterDesk| backend.clone() as Arc<dyn RouterBackend>);
//! let (engine, handle) =
//!     EngineBuilder::new(store.clone(), store.clone(), notifier, backends, clock.clone()).build().await?;
//! tokio::spawn(engine.run());
//! let bot = telegram.bot(handle, store, Arc::new(SystemEntropy));
//! tokio::spawn(bot.run(std::future::pending()));
//!
//! let phone = api.user(42, "Ann", None, Some("en"));
//! phone.send("/request_vpn");
//! phone.message_where(|message| message.text.starts_with("Connect now")).await?;
//! let tunnel = router.dial(&Dial::new("ann", Ipv4Addr::new(10, 8, 0, 4)).from("203.0.113.7")).unwrap();
//! let question = phone.message_where(|message| message.text.starts_with("Was it you?")).await?;
//! assert!(!router.passes(tunnel));
//!
//! phone.tap(question.id, "Yes, it was me")?;
//! phone.message_where(|message| message.text.starts_with("Open: ann on office")).await?;
//! assert!(router.passes(tunnel));
//! # Ok(())
//! # }
//! ```

mod api;
mod bot;
pub mod callback;
mod command;
mod config;
mod countdown;
mod courier;
mod dialogue;
mod error;
#[cfg(feature = "fake")]
pub mod fake_api;
mod handlers;
mod inbox;
mod keyboard;
pub mod link;
pub mod markup;
mod notifier;
mod office;
mod pace;
mod poll;
mod render;
mod routes;
pub mod text;
mod throttle;
mod trouble;

pub use bot::{Bot, BotIdentity, Telegram};
pub use config::{TELEGRAM, TelegramConfig};
pub use error::Error;
pub use notifier::TelegramNotifier;
