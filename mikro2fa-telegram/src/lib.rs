//! Telegram notifier and bot of mikro2fa, and a fake Bot API.

#[cfg(feature = "fake")]
pub mod fake_api;
pub mod markup;
