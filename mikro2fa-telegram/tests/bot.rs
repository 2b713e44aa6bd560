//! Engine, notifier and bot together, over the fake Bot API: what people see, tap and hear.

#![cfg(feature = "fake")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

#[path = "bot/delivery.rs"]
mod delivery;
#[path = "bot/desk.rs"]
mod desk;
#[path = "bot/life.rs"]
mod life;
#[path = "bot/links.rs"]
mod links;
#[path = "bot/people.rs"]
mod people;
#[path = "bot/taps.rs"]
mod taps;
#[path = "bot/world.rs"]
mod world;
