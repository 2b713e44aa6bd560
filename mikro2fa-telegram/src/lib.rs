//! Telegram notifier and bot of mikro2fa, and a fake Bot API.

pub mod callback;
#[cfg(feature = "fake")]
pub mod fake_api;
pub mod markup;
pub mod text;
