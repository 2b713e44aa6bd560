//! Telegram notifier and bot of mikro2fa, and a fake Bot API.

mod api;
mod bot;
pub mod callback;
mod command;
mod config;
mod courier;
mod dialogue;
mod error;
#[cfg(feature = "fake")]
pub mod fake_api;
mod handlers;
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
