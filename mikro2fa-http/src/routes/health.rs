//! `/healthz`, `/readyz`, `/metrics`.

use std::sync::Arc;

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

/// Whether this node serves its routers and can write. A router that is away is no reason: that is its state, not ours.
fn ready(api: &Arc<Api>) -> BoxedFilter<(Response,)> {
    let api = Arc::clone(api);
    warp::path!("readyz")
        .and(warp::get())
        .map(move || {
            let (status, text) = if !*api.ready.borrow() {
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
            warp::reply::with_status(warp::reply::json(&Health { status: text }), status)
                .into_response()
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
