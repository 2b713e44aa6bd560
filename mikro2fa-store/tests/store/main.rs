//! Tests of the store on both databases. PostgreSQL's server is named by `MIKRO2FA_TEST_POSTGRESQL`
//! (`postgres://…`, a user who may create databases); without it these tests fail.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "tests fail by panicking"
)]

mod audit_log;
mod commits;
mod conformance;
mod desk;
mod durability;
mod migrations;
mod nodes;
mod outbox;
mod sample;
mod secrets;
mod support;
