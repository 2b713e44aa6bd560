//! The page's addresses. They act without a login, so they answer only to a page of their own on this machine.

use std::{convert::Infallible, net::IpAddr, sync::Arc, time::Duration};

use futures_util::{Stream, stream};
use tokio::sync::mpsc;
use warp::{
    Filter, Rejection, Reply,
    filters::BoxedFilter,
    http::{HeaderMap, Uri, header, uri::Authority},
    reject,
    reply::Response,
    sse,
};

use super::{Act, DemoWorld, assets};
use crate::error::{Kind, Problem};

/// The longest act that is read.
const MAX_ACT_BYTES: u64 = 32 * 1024;

/// Changes that come quicker are told together: forty a second are more than anybody sees.
const BETWEEN_EVENTS: Duration = Duration::from_millis(25);

/// The page's addresses over `world`. Rejections are left to the caller's `recover`.
pub fn filter(world: Arc<dyn DemoWorld>) -> BoxedFilter<(Response,)> {
    let with_world = warp::any().map(move || Arc::clone(&world));
    let root = warp::path::end()
        .map(|| warp::redirect::temporary(Uri::from_static("/demo")).into_response());
    let index = warp::path!("demo").map(assets::index);
    let file = warp::path!("demo" / String)
        .and_then(async |name: String| assets::file(&name).ok_or_else(reject::not_found));
    let state = warp::path!("demo" / "state").and(with_world.clone()).then(
        async |world: Arc<dyn DemoWorld>| never_cached(warp::reply::json(&world.snapshot().await)),
    );
    let events = warp::path!("demo" / "events")
        .and(with_world.clone())
        .map(|world| {
            never_cached(sse::reply(
                sse::keep_alive()
                    .interval(Duration::from_secs(15))
                    .stream(snapshots(world)),
            ))
        });
    let act = warp::path!("demo" / "act")
        .and(warp::post())
        .and(json_said())
        .and(warp::body::content_length_limit(MAX_ACT_BYTES))
        .and(warp::body::json())
        .and(with_world)
        .and_then(async |act: Act, world: Arc<dyn DemoWorld>| {
            perform(act, &*world).await.map_err(reject::custom)
        });
    let read = root
        .or(index)
        .unify()
        .or(state)
        .unify()
        .or(events)
        .unify()
        .or(file)
        .unify();
    own_page()
        .and(warp::get().and(read).or(act).unify())
        .boxed()
}

async fn perform(act: Act, world: &dyn DemoWorld) -> Result<Response, Problem> {
    if let Some(detail) = act.out_of_bounds() {
        return Err(Problem::with(Kind::Invalid, detail));
    }
    match world.act(act).await {
        Ok(outcome) => Ok(never_cached(warp::reply::json(&outcome))),
        Err(why) => Err(Problem::with(Kind::Conflict, why)),
    }
}

fn never_cached(reply: impl Reply) -> Response {
    warp::reply::with_header(reply, header::CACHE_CONTROL, "no-store").into_response()
}

/// A snapshot at once and after every change, until the world or the listener is gone. Through a channel, as warp asks
/// for streams that are `Sync`, which an async trait's futures are not.
fn snapshots(
    world: Arc<dyn DemoWorld>,
) -> impl Stream<Item = Result<sse::Event, Infallible>> + Send + Sync + 'static {
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(tell(world, sender));
    stream::unfold(receiver, |mut receiver| async move {
        Some((Ok(receiver.recv().await?), receiver))
    })
}

async fn tell(world: Arc<dyn DemoWorld>, sender: mpsc::Sender<sse::Event>) {
    let mut changes = world.changes();
    changes.mark_changed();
    loop {
        let alive = tokio::select! {
            () = sender.closed() => false,
            changed = changes.changed() => changed.is_ok(),
        };
        if !alive {
            return;
        }
        tokio::time::sleep(BETWEEN_EVENTS).await;
        changes.borrow_and_update();
        let Ok(event) = sse::Event::default().json_data(world.snapshot().await) else {
            return;
        };
        if sender.send(event).await.is_err() {
            return;
        }
    }
}

/// Another site's form can send JSON, but can't say that it is (Fetch standard, section 2.2.2: safelisted types).
fn json_said() -> impl Filter<Extract = (), Error = Rejection> + Clone {
    checked(
        |headers| {
            headers
                .get("content-type")
                .is_some_and(|media| media == "application/json")
        },
        Kind::UnsupportedMediaType,
    )
}

/// Passes only what a page of this very server asks for. A name that was made to point here (DNS rebinding) is no
/// loopback name; another site's page says so in `Sec-Fetch-Site` or `Origin`.
fn own_page() -> impl Filter<Extract = (), Error = Rejection> + Clone {
    checked(is_own_page, Kind::Forbidden)
}

fn checked(
    is_good: impl Fn(&HeaderMap) -> bool + Clone + Send + Sync + 'static,
    otherwise: Kind,
) -> impl Filter<Extract = (), Error = Rejection> + Clone {
    warp::header::headers_cloned()
        .and_then(move |headers: HeaderMap| {
            let good = is_good(&headers);
            async move {
                if good {
                    Ok(())
                } else {
                    Err(reject::custom(Problem::new(otherwise)))
                }
            }
        })
        .untuple_one()
}

fn is_own_page(headers: &HeaderMap) -> bool {
    let text = |name: &str| {
        headers
            .get(name)
            .map(|value| value.to_str().unwrap_or_default())
    };
    let Some(host) = text("host") else {
        return false;
    };
    let from_here = matches!(text("sec-fetch-site"), None | Some("same-origin" | "none"));
    let origin = text("origin").is_none_or(|origin| origin.strip_prefix("http://") == Some(host));
    is_loopback(host) && from_here && origin
}

fn is_loopback(host: &str) -> bool {
    host.parse::<Authority>().is_ok_and(|authority| {
        let name = authority.host();
        name == "localhost"
            || name
                .trim_matches(['[', ']'])
                .parse()
                .is_ok_and(|ip: IpAddr| ip.is_loopback())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_page_of_its_own() {
        let cases: [(&[(&str, &str)], bool); 9] = [
            (&[("host", "127.0.0.1:8480")], true),
            (&[("host", "[::1]:8480")], true),
            (
                &[
                    ("host", "localhost:8480"),
                    ("origin", "http://localhost:8480"),
                ],
                true,
            ),
            (
                &[("host", "localhost:8480"), ("sec-fetch-site", "none")],
                true,
            ),
            (&[], false),
            (&[("host", "rebound.example:8480")], false),
            (&[("host", "127.0.0.1.rebound.example")], false),
            (
                &[
                    ("host", "localhost:8480"),
                    ("origin", "http://evil.example"),
                ],
                false,
            ),
            (
                &[("host", "localhost:8480"), ("sec-fetch-site", "cross-site")],
                false,
            ),
        ];
        for (pairs, expected) in cases {
            let headers = pairs
                .iter()
                .map(|(name, value)| {
                    (
                        name.parse::<header::HeaderName>().unwrap(),
                        value.parse().unwrap(),
                    )
                })
                .collect();
            assert_eq!(is_own_page(&headers), expected, "{pairs:?}");
        }
    }
}
