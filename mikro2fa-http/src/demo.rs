//! The demo: a simulated router, a stand-in for Telegram, the real engine and bot between them, and a page to play with.

pub mod page;
