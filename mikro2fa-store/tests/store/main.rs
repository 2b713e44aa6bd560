//! Tests of the store on both databases. PostgreSQL's server is named by `MIKRO2FA_TEST_POSTGRESQL`
//! (`postgres://…`, a user who may create databases); without it these tests fail.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

mod conformance;
mod support;
