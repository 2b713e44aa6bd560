//! Routers over SSH: logging in, hostile servers, hostile names.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure here fails its test"
)]

#[path = "../support/world.rs"]
mod world;

mod changes;
mod hostile;
mod login;
mod names;
mod server;
mod survey;
