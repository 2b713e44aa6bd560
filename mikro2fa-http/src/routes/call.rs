//! One authorised call, as the areas see it: already read, capped and dated.

use std::{sync::Arc, time::Duration};

use bytes::{Buf, Bytes, BytesMut};
use futures_util::{Stream, StreamExt, pin_mut};
use mikro2fa_core::{
    audit::{AuditEntry, AuditKind},
    directory::{Page, PageOf},
    session::Actor,
    time::Timestamp,
    tunnel::Text,
};
use serde::{Serialize, de::DeserializeOwned};
use warp::{
    Filter, Reply,
    filters::BoxedFilter,
    http::{Method, StatusCode},
    reject,
    reply::Response,
};

use super::Api;
use crate::{
    auth::{self, Caller},
    error::{Kind, Problem},
};

/// The longest body that is read: a policy with every field is 1 kB.
const MAX_BODY: usize = 64 * 1024;

/// How long a body may take to arrive.
const BODY_TIME: Duration = Duration::from_secs(10);

/// How long an answer may take: a router that is asked before it is kept has 30 s for each of its answers.
const ANSWER_TIME: Duration = Duration::from_secs(120);

/// The longest cursor that is looked at.
const MAX_CURSOR: usize = 200;

/// What an area answers.
pub(super) type Answer = Result<Response, Problem>;

/// An authorised call below `/api/AREA`.
pub(super) struct Call {
    pub(super) caller: Caller,
    pub(super) method: Method,
    pub(super) now: Timestamp,
    tail: Vec<String>,
    query: Vec<(String, String)>,
    body: Bytes,
}

impl Call {
    /// What stands behind the area's name, piece by piece.
    pub(super) fn tail(&self) -> Vec<&str> {
        self.tail.iter().map(String::as_str).collect()
    }

    /// The body.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        serde_json::from_slice(&self.body).map_err(|error| {
            Problem::with(
                Kind::Malformed,
                format!("the body is not what this address takes: {error}"),
            )
        })
    }

    /// The body, or nothing said.
    pub(super) fn json_or_default<T: DeserializeOwned + Default>(&self) -> Result<T, Problem> {
        if self.body.is_empty() {
            Ok(T::default())
        } else {
            self.json()
        }
    }

    /// The only value of a parameter, parsed.
    pub(super) fn parameter<T: std::str::FromStr<Err: std::fmt::Display>>(
        &self,
        name: &str,
    ) -> Result<Option<T>, Problem> {
        let mut values = self
            .query
            .iter()
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value);
        let Some(value) = values.next() else {
            return Ok(None);
        };
        if values.next().is_some() {
            return Err(Problem::with(
                Kind::Malformed,
                format!("the parameter {name} stands there twice"),
            ));
        }
        let parsed = value.parse::<T>();
        parsed.map(Some).map_err(|error| {
            Problem::with(Kind::Malformed, format!("the parameter {name}: {error}"))
        })
    }

    /// Refuses parameters that this address does not know: a typing mistake in a filter would show too much.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), Problem> {
        match self
            .query
            .iter()
            .find(|(key, _)| !known.contains(&key.as_str()))
        {
            None => Ok(()),
            Some((key, _)) if known.is_empty() => Err(Problem::with(
                Kind::Malformed,
                format!("there is no parameter {key:?} here"),
            )),
            Some((key, _)) => Err(Problem::with(
                Kind::Malformed,
                format!(
                    "there is no parameter {key:?} here; there are {}",
                    known.join(", ")
                ),
            )),
        }
    }

    /// Which page of a list: `after`, as the page before gave it in `next`, and `limit`.
    pub(super) fn page(&self) -> Result<PageOf, Problem> {
        let default = PageOf::default();
        let after: Option<String> = self.parameter("after")?;
        let limit = self.parameter("limit")?.unwrap_or(default.limit);
        if !(1..=500).contains(&limit) {
            return Err(Problem::with(
                Kind::Malformed,
                "the parameter limit: 1 to 500",
            ));
        }
        if after.as_ref().is_some_and(|after| after.len() > MAX_CURSOR) {
            return Err(Problem::with(
                Kind::Malformed,
                "the parameter after: use what a page gave as next",
            ));
        }
        Ok(PageOf {
            after: after.map(Text::from),
            limit,
        })
    }

    /// The name of who is behind the call.
    pub(super) fn who(&self) -> Text {
        self.caller.name.clone()
    }

    /// Who is behind the call, as the audit log names them.
    pub(super) fn actor(&self, reason: &str) -> Actor {
        Actor::Operator {
            who: self.caller.name.clone(),
            reason: reason.into(),
        }
    }

    /// What the audit log says of a change at the desk.
    pub(super) fn audited(&self, change: impl Into<Text>) -> AuditEntry {
        let what = AuditKind::Desk {
            actor: self.actor(""),
            change: change.into(),
        };
        AuditEntry {
            at: self.now,
            session: None,
            router: None,
            account: None,
            what,
        }
    }

    /// The method is not one of the address's.
    pub(super) fn no_such_method(&self) -> Answer {
        Err(Problem::new(Kind::MethodNotAllowed))
    }
}

/// The filter of one area: its prefix, who asks, and then what they ask, read once.
pub(super) fn area<F>(
    api: &Arc<Api>,
    name: &'static str,
    answer: fn(Arc<Api>, Call) -> F,
) -> BoxedFilter<(Response,)>
where
    F: Future<Output = Answer> + Send + 'static,
{
    let with_api = Arc::clone(api);
    let with_api = warp::any().map(move || Arc::clone(&with_api));
    warp::path("api")
        .and(warp::path(name))
        .and(auth::caller(api))
        .and(warp::method())
        .and(warp::path::tail())
        .and(warp::query::<Vec<(String, String)>>())
        .and(warp::body::stream())
        .and(with_api)
        .and_then(
            move |caller, method, tail: warp::path::Tail, query, body, api: Arc<Api>| async move {
                let tail = tail
                    .as_str()
                    .split('/')
                    .filter(|piece| !piece.is_empty())
                    .map(str::to_owned)
                    .collect();
                let body = read(body, MAX_BODY).await.map_err(reject::custom)?;
                let now = api.clock.now();
                let call = Call {
                    caller,
                    method,
                    now,
                    tail,
                    query,
                    body,
                };
                let late = |_| {
                    Problem::with(
                        Kind::Unavailable,
                        "it took too long, and may still be done; look before trying again",
                    )
                };
                tokio::time::timeout(ANSWER_TIME, answer(api, call))
                    .await
                    .map_err(late)
                    .flatten()
                    .map_err(reject::custom)
            },
        )
        .boxed()
}

/// A body of at most `cap` bytes that arrives in time.
pub(super) async fn read<B: Buf>(
    body: impl Stream<Item = Result<B, warp::Error>>,
    cap: usize,
) -> Result<Bytes, Problem> {
    let whole = async {
        pin_mut!(body);
        let mut bytes = BytesMut::new();
        while let Some(piece) = body.next().await {
            let mut piece =
                piece.map_err(|_| Problem::with(Kind::Malformed, "the body broke off"))?;
            if bytes.len() + piece.remaining() > cap {
                return Err(Problem::with(
                    Kind::TooLarge,
                    format!("at most {cap} bytes are read"),
                ));
            }
            bytes.extend_from_slice(&piece.copy_to_bytes(piece.remaining()));
        }
        Ok(bytes.freeze())
    };
    let late = |_| Problem::with(Kind::Malformed, "the body did not arrive in time");
    tokio::time::timeout(BODY_TIME, whole).await.map_err(late)?
}

/// One thing.
pub(super) fn one(status: StatusCode, value: &impl Serialize) -> Answer {
    Ok(warp::reply::with_status(warp::reply::json(value), status).into_response())
}

/// A page of a list: `{"rows": […], "next": "…" or null}`.
pub(super) fn rows<T, V: Serialize>(page: Page<T>, view: impl Fn(T) -> V) -> Answer {
    #[derive(Serialize)]
    struct Rows<V> {
        rows: Vec<V>,
        next: Option<Text>,
    }
    let rows = page.rows.into_iter().map(view).collect::<Vec<_>>();
    one(
        StatusCode::OK,
        &Rows {
            rows,
            next: page.next,
        },
    )
}

/// Done, and nothing to say.
pub(super) fn done() -> Answer {
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// An id from a path; a malformed one is simply not there.
pub(super) fn id<T: std::str::FromStr>(text: &str) -> Result<T, Problem> {
    text.parse().map_err(|_| Problem::new(Kind::NotFound))
}

/// What is there, or 404.
pub(super) fn there<T>(found: Option<T>) -> Result<T, Problem> {
    found.ok_or(Problem::new(Kind::NotFound))
}
