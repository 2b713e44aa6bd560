//! Hints: they decide nothing, and say so when they may have missed something.

use futures_core::stream::BoxStream;
use futures_util::StreamExt as _;

use super::{Means, RouterBench, Under, address};
use crate::{
    conformance::{ok, some},
    router_backend::{Hint, RouterError},
};

type Hints = BoxStream<'static, Result<Hint, RouterError>>;

impl<B: RouterBench> Under<'_, B> {
    /// Watches, if the backend says that it can.
    async fn watch(&self) -> Option<Hints> {
        let identity = ok(self.backend.identify().await, "identify");
        let watched = self.backend.watch().await;
        if identity.capabilities.watch {
            return Some(ok(watched, "watch"));
        }
        assert!(
            matches!(watched, Err(RouterError::Unsupported(_))),
            "what cannot be done is `Unsupported`"
        );
        None
    }
}

async fn next(hints: &mut Hints) -> Hint {
    let hint = some(hints.next().await, "hint: the stream has ended");
    ok(hint, "wait for a hint")
}

/// The first hint is `Gap`: take a full look. Where the transport has no hints, watching is `Unsupported`.
pub async fn a_watch_begins_with_a_gap(bench: &impl RouterBench) {
    let under = Under::new(bench);
    if let Some(mut hints) = under.watch().await {
        assert_eq!(next(&mut hints).await, Hint::Gap);
    }
}

/// Something is said when a tunnel comes up, and when one goes.
pub async fn tunnels_that_come_and_go_are_hinted_at(bench: &impl RouterBench) {
    let under = Under::new(bench);
    bench.add_account("ann").await;
    if let Some(mut hints) = under.watch().await {
        assert_eq!(next(&mut hints).await, Hint::Gap);
        bench.dial("ann", address(4)).await;
        assert_eq!(next(&mut hints).await, Hint::Tunnels);
        // One tunnel may be several changes on a router: wait for what is said of its end.
        bench.hang_up("ann").await;
        assert_eq!(next(&mut hints).await, Hint::Tunnels);
    }
}

/// A watch that broke says so or ends, and never goes on as if nothing had been missed; the next one begins with `Gap`.
pub async fn a_broken_watch_is_no_silence(bench: &impl RouterBench) {
    if bench.lacks(Means::BreakWatches) {
        return;
    }
    let under = Under::new(bench);
    if let Some(mut hints) = under.watch().await {
        assert_eq!(next(&mut hints).await, Hint::Gap);
        bench.break_watches().await;
        let said = hints.next().await;
        assert!(
            matches!(said, None | Some(Err(_) | Ok(Hint::Gap))),
            "something may have been missed: {said:?}"
        );
        let mut again = some(under.watch().await, "watch after one that broke");
        assert_eq!(next(&mut again).await, Hint::Gap);
    }
}

/// Whoever drops a watch ends it, and harms nothing else.
pub async fn a_dropped_watch_harms_nothing(bench: &impl RouterBench) {
    let under = Under::dialled(bench, &[("ann", 4)]).await;
    drop(under.watch().await);
    assert_eq!(under.tunnels().await.len(), 1);
    if let Some(mut hints) = under.watch().await {
        assert_eq!(next(&mut hints).await, Hint::Gap);
    }
}
