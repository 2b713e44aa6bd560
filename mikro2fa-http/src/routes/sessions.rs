//! `/api/sessions`: accesses, from request or tunnel-up to their end.

use std::sync::Arc;

use mikro2fa_core::{
    directory::SessionFilter,
    engine::Fed,
    id::{AccountId, RouterId, SessionId, UserId},
    session::{EndReason, Ignored, Session, SessionState, StateName},
    time::Timestamp,
    tunnel::Tunnel,
};
use serde::{Deserialize, Serialize};
use warp::http::{Method, StatusCode};

use super::{
    Api,
    call::{Answer, Call, id, one, rows, there},
    input::Note,
};
use crate::error::{Kind, Problem};

pub(super) async fn answer(api: Arc<Api>, call: Call) -> Answer {
    match call.tail().as_slice() {
        [] => match call.method {
            Method::GET => list(&api, &call).await,
            _ => call.no_such_method(),
        },
        [session] => match call.method {
            Method::GET => show(&api, id(session)?).await,
            _ => call.no_such_method(),
        },
        [session, "end"] if call.method == Method::POST => end(&api, &call, id(session)?).await,
        [session, "extend"] if call.method == Method::POST => {
            extend(&api, &call, id(session)?).await
        }
        [_, "end" | "extend"] => call.no_such_method(),
        _ => Err(Problem::new(Kind::NotFound)),
    }
}

/// A session as callers see it: what its state has, and nothing that an answer could be forged from.
#[derive(Serialize)]
struct SessionView {
    id: SessionId,
    router: RouterId,
    account: AccountId,
    owner: UserId,
    state: StateName,
    opened_at: Timestamp,
    trial: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    tunnel: Option<TunnelView>,
    /// Until when the state lasts unless something happens: window, deadline, end.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<Ended>,
}

#[derive(Serialize)]
struct TunnelView {
    service: &'static str,
    address: Option<std::net::Ipv4Addr>,
    caller: Option<String>,
    up_at: Timestamp,
}

#[derive(Serialize)]
struct Ended {
    reason: EndReason,
    at: Timestamp,
}

impl From<&Arc<Tunnel>> for TunnelView {
    fn from(tunnel: &Arc<Tunnel>) -> Self {
        Self {
            service: tunnel.service.name(),
            address: tunnel.addresses.v4,
            caller: tunnel.caller.as_ref().map(ToString::to_string),
            up_at: tunnel.up_at(),
        }
    }
}

impl From<&Session> for SessionView {
    fn from(session: &Session) -> Self {
        let ended = match &session.state {
            SessionState::Ended { reason, at, .. } => Some(Ended {
                reason: *reason,
                at: *at,
            }),
            _ => None,
        };
        let was_started = match &session.state {
            SessionState::Ended { started_at, .. } => *started_at,
            _ => None,
        };
        Self {
            id: session.id,
            router: session.router,
            account: session.account,
            owner: session.owner,
            state: session.state.name(),
            opened_at: session.opened_at,
            trial: session.trial,
            tunnel: session.tunnel().map(TunnelView::from),
            until: session.deadline().filter(|_| ended.is_none()),
            started_at: session
                .access()
                .map(|access| access.started_at)
                .or(was_started),
            expires_at: session.access().map(|access| access.expires_at),
            ended,
        }
    }
}

async fn list(api: &Api, call: &Call) -> Answer {
    call.only(&[
        "router", "account", "owner", "state", "open", "after", "limit",
    ])?;
    let filter = SessionFilter {
        router: call.parameter("router")?,
        account: call.parameter("account")?,
        owner: call.parameter("owner")?,
        state: call.parameter::<State>("state")?.map(|state| state.0),
        open: call.parameter("open")?.unwrap_or(false),
    };
    rows(
        api.directory.sessions(&filter, &call.page()?).await?,
        |session| SessionView::from(&session),
    )
}

/// A state's name, as it is served.
struct State(StateName);

impl std::str::FromStr for State {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        use StateName::{Active, Challenged, Ended, Expiring, Grace, Opening, Requested};
        let all = [
            Requested, Challenged, Opening, Active, Expiring, Grace, Ended,
        ];
        let found = all.into_iter().find(|state| state.as_str() == text);
        found
            .map(State)
            .ok_or_else(|| format!("one of {}", all.map(StateName::as_str).join(", ")))
    }
}

async fn show(api: &Api, id: SessionId) -> Answer {
    one(
        StatusCode::OK,
        &SessionView::from(&there(api.store.session(id).await?)?),
    )
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    #[serde(default)]
    reason: Note,
}

async fn end(api: &Api, call: &Call, id: SessionId) -> Answer {
    let End { reason } = call.json_or_default()?;
    fed(api.engine.end(id, call.actor(&reason.0), None).await?)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Extend {
    minutes: std::num::NonZeroU32,
    #[serde(default)]
    reason: Note,
}

async fn extend(api: &Api, call: &Call, id: SessionId) -> Answer {
    let Extend { minutes, reason } = call.json()?;
    fed(api
        .engine
        .extend(id, None, minutes.get(), call.actor(&reason.0), None)
        .await?)
}

/// The session as it is now, or why it is as it was.
fn fed(fed: Fed) -> Answer {
    match fed {
        Fed::Stepped(session) => one(StatusCode::OK, &SessionView::from(&*session)),
        Fed::Ignored(why, session) => Err(Problem::with(
            Kind::Conflict,
            ignored(&why, session.state.name()),
        )),
        Fed::Unknown => Err(Problem::new(Kind::NotFound)),
        Fed::Refused(why) => {
            tracing::warn!(%why, "a change of a session was not written");
            Err(Problem::with(
                Kind::Unavailable,
                "it could not be written down; try again in a moment",
            ))
        }
    }
}

fn ignored(why: &Ignored, state: StateName) -> String {
    match why {
        Ignored::OverLimit { until } => {
            format!(
                "policy allows no later end than {} (milliseconds since 1970)",
                until.millis()
            )
        }
        _ => format!("the session is {} and stays so", state.as_str()),
    }
}
