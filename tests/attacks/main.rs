//! The attacks that mikro2fa is there to stop, each as tests that fail on what it describes. They are played as the
//! end-to-end tests are: mikro2fa as it is served, a RouterOS simulator behind a real API port, a Bot API on loopback,
//! on SQLite and on PostgreSQL, with a clock that is moved by hand.
//!
//! The attacker mostly knows somebody's VPN password, which is where the router's own defence ends. What counts is asked of
//! the router's rules (would this packet pass?), of the chat (who was asked, and what were they told?), and of the
//! database.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

#[path = "../support/harness.rs"]
mod harness;

mod a01_prompt_bombing;
mod a28_foreign_permit;
