//! SQLite and PostgreSQL behind one type: [`DieselStore`] is the [`Store`] and the [`Directory`] of mikro2fa.
//!
//! # What it is, and is not
//!
//! It keeps what the engine commits and what the desk edits, and gives it back. It decides nothing: versions, fences
//! and lanes are compared, never interpreted.
//!
//! # How to think of it
//!
//! * **One thread writes.** It owns the only writing connection of a process; groups of commits, claims of messages and
//!   changes of the desk go through it in turn. A few threads read. Async threads never block: they send work and await
//!   the answer, and work that was sent is done, also when nobody waits any more.
//! * **A group of commits is one transaction.** Fences and versions are locked in the order of their ids, losers are
//!   dropped, winners written. What a constraint stands against is found by trying the group one by one, and refused
//!   alone.
//! * **An open session is one compact row**, read as a stream at start; what is over moves to a table of its own.
//! * **The hot path is written once for each database**; the desk is not, and does not know which one it talks to.
//! * **The audit log** is a chain of hashes for each writer, with checkpoints over all; names and addresses enter as
//!   salted hashes, so that they can be erased.
//! * **Secrets** are sealed with a [`Key`] that is kept elsewhere, each for its own place.
//!
//! # Example
//!
//! ```
//! use mikro2fa_core::{
//!     directory::{DeskChange, Directory},
//!     secret::Secret,
//! };
//! use mikro2fa_store::{DatabaseUrl, DieselStore, Key, Options};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let url = DatabaseUrl::sqlite(folder.path().join("mikro2fa.db"));
//! let key = Key::from_base64("q3p4CrYkQhUHLf5MFyJzsVrxlWbBVjdWU8Rf0gGBaS4=")?;
//!
//! let store = DieselStore::open(&url, &key, Options::default()).await?;
//! let change = DeskChange::PutSecret { name: "bot-token".into(), value: Secret::new("1:AAA") };
//! store.change(vec![change], Vec::new()).await?;
//! store.close().await?;
//!
//! let again = DieselStore::open(&url, &key, Options::default()).await?;
//! assert_eq!(again.secret("bot-token").await?, Some(Secret::new("1:AAA")));
//! # Ok(())
//! # }
//! ```
//!
//! [`Store`]: mikro2fa_core::store::Store
//! [`Directory`]: mikro2fa_core::directory::Directory

#![forbid(unsafe_code)]

mod audit_log;
mod config;
mod connection;
mod dialect;
mod directory;
mod error;
mod group;
mod migrate;
mod rows;
mod schema;
mod sealed;
mod statement;
mod store;
mod threads;
mod writer;

pub use config::{DatabaseUrl, Options, Role};
pub use error::Error;
pub use sealed::Key;
pub use store::DieselStore;
