//! Which node acts for which router, and the wall time that was last written down.

use std::time::Duration;

use super::{StoreBench, World};
use crate::{
    conformance::{
        ok,
        sample::{HOUR, NOW},
    },
    id::NodeId,
    router_backend::Fence,
    store::Committed,
};

impl World {
    async fn hold(&self, node: NodeId, at_most: usize) -> Vec<Fence> {
        let fences = self.store.hold_routers(node, at_most, HOUR).await;
        ok(fences, "hold routers")
    }

    /// Commits a new session under a fence.
    async fn commit_under(&self, fence: &Fence) -> Committed {
        let mut commit = self.commit_of(&self.session());
        commit.fence = Some(fence.clone());
        self.commit(&[commit]).await.remove(0)
    }
}

/// Who asks gets every router that is free, at most as many as it asked for, each once.
pub async fn free_routers_are_taken(bench: &impl StoreBench) {
    let world = World::new(bench).await;
    let mut fences = world.hold(world.node, 10).await;
    fences.sort_by_key(|fence| fence.router);
    let mut expected = [world.whose.router, world.elsewhere.router];
    expected.sort();
    let held: Vec<_> = fences.iter().map(|fence| fence.router).collect();
    assert_eq!(held, expected);
    assert!(fences.iter().all(|fence| fence.node == world.node));
    assert_eq!(world.hold(world.node, 1).await.len(), 1, "at most one");
    assert_eq!(world.hold(world.node, 0).await.len(), 0, "at most none");
}

/// Renewing is no new owner: the epoch stays, and what was held can be committed under either fence.
pub async fn renewing_keeps_the_epoch(bench: &impl StoreBench) {
    let world = World::new(bench).await;
    let renewed = world.hold(world.node, 10).await;
    let fence = renewed
        .iter()
        .find(|fence| fence.router == world.whose.router);
    let epoch = fence.map(|fence| fence.epoch);
    assert_eq!(epoch, Some(world.fence.epoch));
    assert_eq!(world.commit_under(&world.fence).await, Committed::Done);
}

/// Where leases are, nobody takes what another holds.
pub async fn a_held_router_is_not_taken(bench: &impl StoreBench) {
    let world = World::new(bench).await;
    let lapsed = bench.lapse_leases().await;
    if !lapsed {
        return; // one node: whoever asks last has all of them
    }
    let other = world.ids.node();
    assert_eq!(world.hold(other, 10).await.len(), 2, "lapsed ones are free");
    assert_eq!(world.hold(world.node, 10).await, []);
    assert_eq!(world.hold(other, 10).await.len(), 2, "and can be renewed");
}

/// A new owner has a greater epoch, and the old one's commits are `Fenced` from then on.
pub async fn who_takes_over_fences_the_one_before(bench: &impl StoreBench) {
    let world = World::new(bench).await;
    bench.lapse_leases().await;
    let fences = world.hold(world.ids.node(), 10).await;
    assert_eq!(fences.len(), 2, "both routers are taken over");
    for fence in fences {
        if fence.router == world.whose.router {
            assert!(
                fence.epoch > world.fence.epoch,
                "epoch {} has to be greater than {}",
                fence.epoch,
                world.fence.epoch
            );
            assert_eq!(world.commit_under(&fence).await, Committed::Done);
            assert_eq!(world.commit_under(&world.fence).await, Committed::Fenced);
        }
    }
}

/// A lease that is over is no right to act any more, even if nobody else took the router.
pub async fn a_lapsed_lease_is_fenced(bench: &impl StoreBench) {
    let world = World::new(bench).await;
    if bench.lapse_leases().await {
        assert_eq!(world.commit_under(&world.fence).await, Committed::Fenced);
        world.hold(world.node, 10).await;
        assert_eq!(
            world.commit_under(&world.fence).await,
            Committed::Done,
            "renewed before anybody else came, it is the same right"
        );
    }
}

/// What was given back is free at once, is no right any more, and has a greater epoch when it is taken again.
pub async fn what_is_released_is_free(bench: &impl StoreBench) {
    let world = World::new(bench).await;
    let released = [world.fence.clone()];
    ok(
        world.store.release_routers(&released).await,
        "give a router back",
    );
    assert_eq!(world.commit_under(&world.fence).await, Committed::Fenced);
    let other = world.ids.node();
    let taken = world.hold(other, 10).await;
    let fence = taken
        .iter()
        .find(|fence| fence.router == world.whose.router);
    assert!(
        fence.is_some_and(|fence| fence.epoch > world.fence.epoch),
        "taken at once, with a greater epoch: {taken:?}"
    );
}

/// Giving back what is another's by now does nothing.
pub async fn an_old_fence_releases_nothing(bench: &impl StoreBench) {
    let world = World::new(bench).await;
    bench.lapse_leases().await;
    let taken = world.hold(world.ids.node(), 10).await;
    let released = [world.fence.clone()];
    ok(
        world.store.release_routers(&released).await,
        "give back what is not ours",
    );
    for fence in taken {
        if fence.router == world.whose.router {
            assert_eq!(world.commit_under(&fence).await, Committed::Done);
        }
    }
}

/// The clock that was written down goes forward only, and each call tells what was there before.
pub async fn the_wall_time_goes_forward_only(bench: &impl StoreBench) {
    let store = bench.store();
    let second = Duration::from_secs(1);
    let mut told = Vec::new();
    for at in [NOW, NOW + second, NOW - second, NOW + second + second] {
        told.push(ok(store.touch_clock(at).await, "touch the clock"));
    }
    assert_eq!(
        told,
        [None, Some(NOW), Some(NOW + second), Some(NOW + second)]
    );
}
