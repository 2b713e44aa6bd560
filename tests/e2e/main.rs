//! Whole lives, end to end: mikro2fa as it is served, a RouterOS simulator behind a real API port, a Bot API on
//! loopback, on SQLite and on PostgreSQL. The clock is moved by hand; nothing waits for real time.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

#[path = "../support/harness.rs"]
mod harness;

mod again;
mod dead_man;
mod death;
mod gates;
mod life;
mod logins;
mod people;
mod ssh;
mod switching;
mod telegram;
mod trouble;
mod user_manager;
