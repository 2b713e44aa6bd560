//! The outer shell of mikro2fa: configuration, command line, HTTP, and the demo.

pub mod app;
pub mod auth;
pub mod cli;
pub mod config;
#[cfg(feature = "demo")]
pub mod demo;
pub mod error;
pub mod first_run;
pub mod routes;
pub mod server;
pub mod telemetry;
