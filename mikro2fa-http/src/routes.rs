//! The whole table of addresses.
//!
//! | address | who | what |
//! | --- | --- | --- |
//! | `/healthz`, `/readyz` | anybody | whether the process lives, whether it serves |
//! | `/metrics` | a token | numbers for Prometheus |
//! | `/hook/ppp` | a router's key | something happened there: a hint, nothing more |
//! | `/api/users` | a token | people with a chat |
//! | `/api/accounts` | a token | VPN logins, and who owns them |
//! | `/api/routers` | a token | RouterOS devices under control |
//! | `/api/sessions` | a token | accesses: list, show, end, extend |
//! | `/api/bans` | a token | who is locked out, and letting them back |
//! | `/api/settings` | a token | policy, bot token, operators, tokens |
//!
//! Lists come in pages: `{"rows": […], "next": "…"}`, and `next` goes into `after` for the page behind. Times are
//! milliseconds since 1970, UTC. What fails answers with problem details ([`crate::error`]).

mod accounts;
mod bans;
mod call;
mod checks;
mod health;
mod hook;
mod input;
mod routers;
mod sessions;
mod settings;
mod users;

use std::sync::Arc;

use mikro2fa_core::{
    directory::Directory,
    engine::{EngineError, EngineHandle},
    entropy::Entropy,
    store::{Store, StoreError},
    time::Clock,
};
use tokio::sync::{Notify, watch};
use warp::{Filter, Reply, filters::BoxedFilter, reply::Response};

use crate::{
    error::{self, Kind, Problem},
    telemetry::Metrics,
};

pub use self::checks::Checks;
pub(crate) use self::settings::{BOT_TOKEN, SELF_REGISTRATION};

/// What all addresses stand on.
#[derive(Debug)]
pub struct Api {
    pub(crate) engine: EngineHandle,
    pub(crate) directory: Arc<dyn Directory>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) metrics: Metrics,
    checks: Arc<dyn Checks>,
    /// Told when what is kept for the bot was changed.
    pub(crate) bot_changed: Arc<Notify>,
    ready: watch::Receiver<bool>,
    hooks: hook::HookKeys,
}

impl Api {
    /// Over a running engine; `ready` is [`mikro2fa_core::engine::Engine::ready`].
    #[must_use]
    pub fn new(
        engine: EngineHandle,
        store: Arc<dyn Store>,
        ready: watch::Receiver<bool>,
        entropy: Arc<dyn Entropy>,
        checks: Arc<dyn Checks>,
    ) -> Self {
        Self {
            directory: Arc::clone(engine.directory()),
            clock: Arc::clone(engine.clock()),
            metrics: Metrics::default(),
            hooks: hook::HookKeys::default(),
            engine,
            store,
            entropy,
            checks,
            bot_changed: Arc::default(),
            ready,
        }
    }
}

/// Everything, for the listener of operators and programs.
pub fn filter(api: &Arc<Api>) -> BoxedFilter<(Response,)> {
    let areas = call::area(api, "users", users::answer)
        .or(call::area(api, "accounts", accounts::answer))
        .unify()
        .or(call::area(api, "routers", routers::answer))
        .unify()
        .or(call::area(api, "sessions", sessions::answer))
        .unify()
        .or(call::area(api, "bans", bans::answer))
        .unify()
        .or(call::area(api, "settings", settings::answer))
        .unify()
        .boxed();
    counted(
        api,
        areas
            .or(health::filter(api))
            .unify()
            .or(hook::filter(api))
            .unify()
            .boxed(),
    )
}

/// What routers may reach, where they have a listener of their own: the webhook, and whether somebody is there.
pub fn hook_filter(api: &Arc<Api>) -> BoxedFilter<(Response,)> {
    counted(api, hook::filter(api).or(health::alive()).unify().boxed())
}

/// Ends in an answer whatever happens, and counts it.
fn counted(api: &Arc<Api>, filter: BoxedFilter<(Response,)>) -> BoxedFilter<(Response,)> {
    let api = Arc::clone(api);
    filter
        .recover(error::recover)
        .map(move |reply| {
            let response = Reply::into_response(reply);
            api.metrics.answered(response.status());
            response
        })
        .boxed()
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound(what) => Self::with(Kind::NotFound, format!("no such {what}")),
            StoreError::Conflict(why) => Self::with(Kind::Conflict, why.to_string()),
            StoreError::Busy | StoreError::Unavailable(_) | StoreError::Full => {
                tracing::warn!(%error, "the database could not be asked");
                Self::with(
                    Kind::Unavailable,
                    "the database does not answer; try again in a moment",
                )
            }
            error => Self::internal(&error),
        }
    }
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Store(error) => error.into(),
            EngineError::UnknownSession
            | EngineError::UnknownRouter
            | EngineError::UnknownAccount => Self::with(Kind::NotFound, error.to_string()),
            EngineError::Ignored(_) => Self::with(Kind::Conflict, error.to_string()),
            EngineError::Stopping | EngineError::NotWritten(_) => {
                Self::with(Kind::Unavailable, error.to_string())
            }
            error => Self::internal(&error),
        }
    }
}
