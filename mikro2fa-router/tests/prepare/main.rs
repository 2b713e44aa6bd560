//! Preparing a router, and taking it back, over a real API port of the simulator.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure here fails its test"
)]

mod by_hand;
mod cut;
mod dead_man;
mod gate_table;
mod hand;
mod lint;
mod support;
mod survey;
mod whole;
