//! The transitions that are easy to get wrong, as a table: what happens on the left, what is then so on the right.
//!
//! Each row is a test of its own, played by the engine over ports in memory. Times are the engine's own; a tunnel is
//! named by a letter, which is also its address; sessions and questions are numbered in the order in which they were
//! made. *held* = up, and none of its packets gets beyond quarantine.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod player;
#[path = "../support/engine.rs"]
mod support;

macro_rules! rows {
    ($($(#[$doc:meta])* $name:ident: $story:literal;)*) => {
        $($(#[$doc])* #[tokio::test] async fn $name() { player::play(stringify!($name), $story).await; })*
    };
}

mod active;
mod challenged;
mod cutting;
mod ending;
mod gate;
mod networks;
mod opening;
mod overlaps;
mod requested;
mod rules;
mod switching;
mod unrequested;
