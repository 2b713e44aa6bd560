//! Session state machine, enforcement, ports and engine of mikro2fa.

#![forbid(unsafe_code)]

pub mod admission;
pub mod audit;
pub mod ban;
pub mod book;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod desk;
pub mod directory;
pub mod enforcement;
#[cfg(feature = "engine")]
pub mod engine;
pub mod entropy;
pub mod id;
pub mod notifier;
pub mod policy;
pub mod retry;
pub mod router_backend;
pub mod secret;
pub mod session;
pub mod store;
#[cfg(feature = "testing")]
pub mod testing;
pub mod time;
pub mod tunnel;
