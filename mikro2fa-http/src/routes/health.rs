//! `/healthz`, `/readyz`, `/metrics`.

use std::{convert::Infallible, sync::Arc, time::Duration};

use mikro2fa_core::gate::GateStatus;
use serde::Serialize;
use warp::{
    Filter, Reply,
    filters::BoxedFilter,
    http::{StatusCode, header},
    reject,
    reply::Response,
};

use super::Api;
use crate::{auth, error::Problem, telemetry::OPENMETRICS};

pub(super) fn filter(api: &Arc<Api>) -> BoxedFilter<(Response,)> {
    alive()
        .or(ready(api))
        .unify()
        .or(metrics(api))
        .unify()
        .boxed()
}

/// The process lives and answers: nothing else.
pub(super) fn alive() -> BoxedFilter<(Response,)> {
    warp::path!("healthz")
        .and(warp::get())
        .map(|| warp::reply::json(&Health { status: "alive" }).into_response())
        .boxed()
}

#[derive(Serialize)]
struct Health {
    status: &'static str,
}

/// What `/readyz` says. A gate that does not hold is a router's state, and no reason to take this node out of service: it is
/// told beside.
#[derive(Serialize)]
struct Ready {
    status: &'static str,
    /// How many routers' gates do not hold what was not confirmed.
    #[serde(skip_serializing_if = "is_none")]
    broken_gates: usize,
}

const fn is_none(count: &usize) -> bool {
    *count == 0
}

/// Who asks whether we are ready waits no longer for how the routers stand.
const PATIENCE: Duration = Duration::from_secs(1);

async fn broken_gates(api: &Api) -> usize {
    let status = tokio::time::timeout(PATIENCE, api.engine.status()).await;
    let routers = status.ok().and_then(Result::ok).unwrap_or_default();
    let broken = routers.iter();
    broken
        .filter(|status| status.gate == GateStatus::Broken)
        .count()
}

/// Whether this node serves its routers and can write. A router that is away is no reason: that is its state, not ours.
fn ready(api: &Arc<Api>) -> BoxedFilter<(Response,)> {
    let api = Arc::clone(api);
    warp::path!("readyz")
        .and(warp::get())
        .and(warp::any().map(move || Arc::clone(&api)))
        .and_then(|api: Arc<Api>| async move {
            let (code, status) = if !*api.ready.borrow() {
                (
                    StatusCode::SERVICE_UNAVAILABLE,
                    "starting: not all routers have been looked at",
                )
            } else if api.engine.trouble().is_some() {
                (
                    StatusCode::SERVICE_UNAVAILABLE,
                    "the database can't be written: nothing opens until it can",
                )
            } else {
                (StatusCode::OK, "ready")
            };
            let ready = Ready {
                status,
                broken_gates: broken_gates(&api).await,
            };
            let reply = warp::reply::with_status(warp::reply::json(&ready), code);
            Ok::<_, Infallible>(reply.into_response())
        })
        .boxed()
}

fn metrics(api: &Arc<Api>) -> BoxedFilter<(Response,)> {
    let with_api = Arc::clone(api);
    warp::path!("metrics")
        .and(warp::get())
        .and(auth::caller(api))
        .and(warp::any().map(move || Arc::clone(&with_api)))
        .and_then(|_, api: Arc<Api>| async move {
            let status = api
                .engine
                .status()
                .await
                .map_err(|error| reject::custom(Problem::from(error)))?;
            let text = api.metrics.text(&status);
            Ok::<_, warp::Rejection>(
                warp::reply::with_header(text, header::CONTENT_TYPE, OPENMETRICS).into_response(),
            )
        })
        .boxed()
}
