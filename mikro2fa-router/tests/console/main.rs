//! The simulator's console: the language, and OpenSSH's own client on it.

#![cfg(feature = "simulator-ssh")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that finds something else than it expects is to stop there"
)]

#[cfg(feature = "ssh")]
mod channels;
mod faults;
mod keys;
mod language;
mod openssh;
mod secure_shell;
