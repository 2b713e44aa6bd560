//! The whole table of addresses.
//!
//! All below `/api`, and `/metrics`, want a token: `authorization: Bearer m2fa_…`. Bodies are JSON. Lists come in pages,
//! `{"rows": […], "next": "…"}`, of `limit` rows (50; at most 500), and `next` goes into `after` for the page behind.
//! Records are changed with the `version` as it was read, so that nobody overwrites what somebody else has changed
//! meanwhile. Times are milliseconds since 1970, UTC; durations are seconds. What fails answers with problem details
//! ([`crate::error`]) and changes nothing.
//!
//! | method | address | what |
//! | --- | --- | --- |
//! | `GET` | `/healthz` | whether the process lives |
//! | `GET` | `/readyz` | whether it serves all its routers and can write |
//! | `GET` | `/metrics` | numbers for Prometheus |
//! | `POST` | `/hook/ppp` | something happened on the router whose key is in `X-Hook-Key`: a hint, nothing more |
//! | `GET` | `/api/users` | a page of them |
//! | `POST` | `/api/users` | a new one: `name`, perhaps `language`, `zone_minutes`, `policy` |
//! | `GET` | `/api/users/ID` | one |
//! | `PATCH` | `/api/users/ID` | changes: `version` as it was read, and the fields to change |
//! | `GET` | `/api/users/ID/accounts` | the accounts that they own |
//! | `POST` | `/api/users/ID/link-code` | a one-time code that ties a chat to them, shown once: `{"form": "link"}` for `https://t.me/BOT?start=CODE`, or `"typed"`; earlier ones die |
//! | `GET` | `/api/accounts` | a page of them; of one `source` |
//! | `POST` | `/api/accounts` | a new one: `source` or `router`, `name`, perhaps `owner`, `kind`, `handed_over`, `routes`, `policy` |
//! | `GET` | `/api/accounts/ID` | one |
//! | `PATCH` | `/api/accounts/ID` | changes: `version` as it was read, and the fields to change |
//! | `DELETE` | `/api/accounts/ID` | forgets one without an open session; the login itself stays where it is, unless `login=true` is said: then its sessions are ended, and it is removed from the router |
//! | `POST`, `DELETE` | `/api/accounts/ID/exempt` | opens it for good, as `{"reason": "…", "sure": "NAME"}`: nobody is asked; or ends that, and cuts its tunnels |
//! | `POST`, `DELETE` | `/api/accounts/ID/hand-over` | mikro2fa disables its login while no session is open; or gives it back as it was |
//! | `POST`, `DELETE` | `/api/accounts/ID/disabled` | switches it off, on the router too, its sessions first; or on |
//! | `GET` | `/api/routers` | all of them |
//! | `POST` | `/api/routers` | a new one, with a source for its own PPP secrets |
//! | `GET` | `/api/routers/ID` | one |
//! | `PATCH` | `/api/routers/ID` | changes: `version` as it was read, and the fields to change |
//! | `DELETE` | `/api/routers/ID` | ends its sessions, and forgets it, its source and accounts; while it has a gate only with `leave_the_gate=true` |
//! | `POST` | `/api/routers/ID/prepare` | what preparing it would change, with a `fingerprint`; done when that is said as `confirm`: `set_up` (`user`, `password`: used for this call, kept nowhere), perhaps `exempt`, `cover_again`, `only`, `pppoe`, `from`, `observe`, `restrict_service`, `strict_sources`, `webhook`, `api_tls`, `names` |
//! | `POST` | `/api/routers/ID/restore` | the same for taking it back: `set_up`, then `confirm` |
//! | `GET` | `/api/routers/ID/logins` | its logins as they are now, beside their accounts, and who may own them |
//! | `POST` | `/api/routers/ID/logins` | makes a login and its account: `name`, perhaps `owner`, `profile`, `service`, `address`; its password is shown once |
//! | `POST` | `/api/routers/ID/import` | makes accounts of logins that have none: perhaps `only`, a list of names, and `owners`, users by name of login |
//! | `GET` | `/api/routers/ID/report` | who would have been stopped while it was only observed, when and why; `since` a time |
//! | `GET` | `/api/routers/ID/rules` | its firewall rules with `2FA` in their comment, as they stand now, and whom they are bound to |
//! | `POST` | `/api/routers/ID/rules` | binds one: `comment`, and `account` or `user` |
//! | `DELETE` | `/api/routers/ID/rules` | unbinds the one with this `comment`, and switches it off |
//! | `POST` | `/api/routers/ID/hook-key` | a new key for its webhook calls, shown once; the one before is dead |
//! | `GET` | `/api/sessions` | a page of them, the newest first; of one `router`, `account`, `owner`, in one `state`, or only `open` ones |
//! | `GET` | `/api/sessions/ID` | one |
//! | `POST` | `/api/sessions/ID/end` | ends it: perhaps `reason` |
//! | `POST` | `/api/sessions/ID/extend` | moves its end by `minutes`, within policy: perhaps `reason` |
//! | `GET` | `/api/bans` | those that hold now; of one `account` |
//! | `DELETE` | `/api/bans/ID` | lifts one; its account's owner is told |
//! | `GET`, `PUT` | `/api/settings/policy` | the system level of policy |
//! | `PUT` | `/api/settings/bot-token` | the bot's token, as `{"token": "…"}`; asked about at Telegram, used at once, never shown again |
//! | `GET`, `PUT` | `/api/settings/self-registration` | whether strangers may ask the bot to be let in: `{"on": true}` |
//! | `GET`, `PUT` | `/api/settings/clock` | whether this machine's clock is believed; `{"trusted": true}` vouches for it, where it was earlier than at the last run |
//! | `GET` | `/api/sources` | where logins are kept: each router's PPP secrets, its User Manager |
//! | `PATCH` | `/api/sources/ID` | how names are compared there, as `{"matching": "exact"}` or `"folded"`: without case, domain and realm |
//! | `GET`, `POST` | `/api/settings/operators` | who administers, and whose chats alerts go to |
//! | `DELETE` | `/api/settings/operators/ID` | no longer |
//! | `POST` | `/api/settings/tokens` | a new API token, as `{"name": "…", "days": 90}`, shown once |
//! | `DELETE` | `/api/settings/tokens` | the token of this very call |

mod accounts;
mod bans;
mod call;
mod checks;
mod health;
mod hook;
mod input;
mod preparing;
mod routers;
mod rules;
mod sessions;
mod settings;
mod sources;
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
    desk::Desk,
    error::{self, Kind, Problem},
    telemetry::Metrics,
};

pub use self::checks::Checks;
pub(crate) use self::routers::{Host, Pin, usual_port};
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
    /// Whoever calls, at the desk.
    fn desk<'a>(&'a self, call: &call::Call) -> Desk<'a> {
        Desk {
            directory: &*self.directory,
            entropy: &*self.entropy,
            engine: Some(&self.engine),
            now: call.now,
            who: call.who(),
        }
    }

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
        .or(call::area(api, "sources", sources::answer))
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
