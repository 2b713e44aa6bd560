//! The client against a scripted router on a loopback port: what it writes, and what it makes of what it reads.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking"
)]

mod batches;
mod calls;
mod endings;
mod hostile;
mod login;
mod peer;
mod streams;
#[cfg(feature = "tls")]
mod tls;
mod writes;
