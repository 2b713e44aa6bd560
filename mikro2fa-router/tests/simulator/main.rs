//! The simulator over its real socket, driven by the bare codec: what any RouterOS client would see. The modules follow the
//! parts of RouterOS; the client in [`wire`] knows words and sentences and nothing else.

#![cfg(feature = "simulator")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that finds something else than it expects is to stop there"
)]

#[cfg(feature = "simulator-control")]
mod control;
mod dialect;
mod faults;
mod gate;
mod hooks;
mod hotspot;
mod lists;
mod login;
mod menus;
mod network;
mod ppp;
mod protocol;
mod quirks;
mod scale;
mod tls;
mod user_manager;
mod watching;
mod wire;
