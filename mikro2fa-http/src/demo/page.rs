//! The demo's page: what it is told, what it may ask for, and the addresses that serve it.
//!
//! The page is three files without a build step, in `assets/demo/`. It speaks JSON with whatever [`DemoWorld`] is behind:
//!
//! | address | what |
//! | --- | --- |
//! | `GET /demo` | the page, `GET /demo/NAME` its files |
//! | `GET /demo/state` | one [`Snapshot`] |
//! | `GET /demo/events` | server-sent events, each with the [`Snapshot`] as of then; the first at once |
//! | `POST /demo/act` | an [`Act`]; answered by an [`Outcome`], or by a problem (409) that says why not |
//!
//! Words in the JSON are those of the Rust names in snake case; times are milliseconds since 1970, UTC, by the world's
//! clock. The page puts sentences together in its own language, so a snapshot holds facts and no prose, but for what
//! the chat and the router themselves say.

mod act;
mod assets;
mod filter;
mod snapshot;

use async_trait::async_trait;
use tokio::sync::watch;

pub use self::{
    act::{Act, Moment, Outcome, Said, Scene},
    filter::filter,
    snapshot::{
        Client, ClientKind, ClientTunnel, Direction, Engine, Key, Language, Life, Line, ListEntry,
        Message, Phone, Power, Reach, Router, Rule, Sender, SessionState, Snapshot, Step, StepKind,
        Target, Tunnel, Verdict, WireLine,
    },
};

/// What the page looks at and plays with.
#[async_trait]
pub trait DemoWorld: Send + Sync {
    /// Everything as it is now.
    async fn snapshot(&self) -> Snapshot;

    /// Does one thing, and returns when it is done (a dial: when the router took or refused it), not when all that
    /// follows from it has happened.
    ///
    /// # Errors
    ///
    /// A sentence for whoever asked: why it can't be done now. Nothing has changed then.
    async fn act(&self, act: Act) -> Result<Outcome, String>;

    /// Told a new number whenever a snapshot would differ. The page's streams end when the sender is dropped.
    fn changes(&self) -> watch::Receiver<u64>;
}
