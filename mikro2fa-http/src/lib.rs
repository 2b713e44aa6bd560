//! The outer shell of mikro2fa: configuration, command line, HTTP, and the demo. The binary `mikro2fa` is a few lines
//! around it.
//!
//! # What is where
//!
//! * [`config`]: file and environment, every value with its origin, every fault at once.
//! * [`app`]: the one place where database, routers, Telegram, engine and HTTP are put together.
//! * [`routes`]: REST, the webhook, health and metrics; [`error`]: what callers are told when something fails.
//! * [`server`]: the accept loop; [`auth`]: who is asking; [`first_run`]: the first token.
//! * [`demo`]: a simulated router and a stand-in for Telegram around the very same [`app`], with a page to play with.
//!
//! It decides nothing about sessions: that is `mikro2fa-core`'s. It is no framework either: whoever embeds mikro2fa uses
//! the core and its adapters, and this crate shows how.
//!
//! # Example
//!
//! A whole mikro2fa on a port of its own, as `mikro2fa serve` starts it:
//!
//! ```
//! use std::sync::Arc;
//!
//! use mikro2fa_core::engine::SystemClock;
//! use mikro2fa_http::app::{App, Plan};
//! use mikro2fa_store::{DatabaseUrl, Key};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let app = App::start(Plan {
//!     listen: "127.0.0.1:0".parse()?,
//!     hook_listen: "127.0.0.1:0".parse()?,
//!     database: DatabaseUrl::sqlite(folder.path().join("mikro2fa.db")),
//!     key: Key::from_bytes(&[7; 32]),
//!     telegram_api_url: "https://api.telegram.org".into(),
//!     telegram_per_second: Some(25),
//!     clock: Arc::new(SystemClock::new()),
//! })
//! .await?;
//!
//! assert!(app.first_token.is_some(), "the first run says its token once");
//! assert_ne!(app.address.port(), 0);
//! app.stop().await?;
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

pub mod app;
pub mod auth;
pub mod cli;
pub mod config;
#[cfg(feature = "demo")]
pub mod demo;
mod desk;
pub mod error;
pub mod first_run;
pub mod routes;
pub mod server;
pub mod telemetry;
