//! Looks: what was asked for, all of it or none of it.

use std::time::Duration;

use super::{Means, RouterBench, Under, address, comment_of_others, host};
use crate::{
    conformance::{
        sample::{MINUTE, SECOND},
        some, start_and_drop,
    },
    desk::SourceKind,
    router_backend::{Look, Part, PermitTag},
    testing::SeenPart,
    tunnel::{Same, Service},
};

use super::ListedEntry;

/// A tunnel is seen as it is.
pub async fn a_tunnel_is_seen_as_it_is(bench: &impl RouterBench) {
    let under = Under::dialled(bench, &[("ann", 4)]).await;
    let before = bench.now();
    let tunnel = under.tunnel_of("ann").await;
    assert_eq!(tunnel.key.router, bench.router());
    assert_eq!(tunnel.service, Service::L2tp);
    assert_eq!(tunnel.addresses.v4, Some(address(4)));
    assert!(tunnel.caller.is_some(), "where it comes from is told");
    assert!(
        tunnel.uptime <= Duration::from_secs(60),
        "it came up just now"
    );
    assert!(
        before <= tunnel.seen_at && tunnel.seen_at <= bench.now(),
        "seen when the look was begun"
    );
}

/// A tunnel that stays is the same in every look, whatever time goes by.
pub async fn a_tunnel_stays_the_same(bench: &impl RouterBench) {
    let under = Under::dialled(bench, &[("ann", 4)]).await;
    let first = under.tunnel_of("ann").await;
    if !bench.lacks(Means::Advance) {
        bench.advance(10 * MINUTE + SECOND / 2).await;
    }
    let later = under.tunnel_of("ann").await;
    assert_eq!(first.same_as(&later), Same::Yes, "{first:?} and {later:?}");
}

/// A client that hung up and dialled in again has another tunnel, though name, address and caller are the same.
pub async fn a_redialled_tunnel_is_another_one(bench: &impl RouterBench) {
    let under = Under::dialled(bench, &[("ann", 4)]).await;
    let first = under.tunnel_of("ann").await;
    bench.hang_up("ann").await;
    bench.dial("ann", address(4)).await;
    let second = under.tunnel_of("ann").await;
    assert_eq!(first.same_as(&second), Same::No, "{first:?} and {second:?}");
}

/// What is not seen by a complete look is not there.
pub async fn a_complete_look_shows_all(bench: &impl RouterBench) {
    let under = Under::dialled(bench, &[("ann", 4), ("bob", 5), ("eve", 6)]).await;
    let mut seen: Vec<_> = under
        .tunnels()
        .await
        .into_iter()
        .map(|tunnel| tunnel.account)
        .collect();
    seen.sort();
    assert_eq!(seen, ["ann".into(), "bob".into(), "eve".into()]);
    bench.hang_up("bob").await;
    let mut seen: Vec<_> = under
        .tunnels()
        .await
        .into_iter()
        .map(|tunnel| tunnel.account)
        .collect();
    seen.sort();
    assert_eq!(seen, ["ann".into(), "eve".into()]);
}

/// What was not asked for is not told, and what was asked for is told even where there is nothing.
pub async fn only_what_was_asked_for_is_told(bench: &impl RouterBench) {
    let under = Under::new(bench);
    let nothing = under.look(&Look::default()).await;
    assert_eq!(nothing, crate::router_backend::Observed::default());
    let look = Look {
        permits: Part::All,
        rules: Part::All,
        ..Look::default()
    };
    let seen = under.look(&look).await;
    assert!(seen.tunnels.is_none() && seen.bans.is_none() && seen.accounts.is_none());
    let permits = some(seen.permits, "permit list, though an empty one");
    assert_eq!((permits.asked, permits.rows), (Part::All, vec![]));
    assert!(seen.rules.is_some(), "rules, though there are none");
}

/// Tunnels of the accounts that were named, and no others.
pub async fn tunnels_can_be_asked_for_by_account(bench: &impl RouterBench) {
    let under = Under::dialled(bench, &[("ann", 4), ("bob", 5)]).await;
    let look = Look {
        tunnels: Part::These(vec!["bob".into(), "nobody".into()]),
        ..Look::default()
    };
    let seen = under.look(&look).await;
    let tunnels = some(seen.tunnels, "part with tunnels");
    let accounts: Vec<_> = tunnels.rows.iter().map(|row| &*row.account).collect();
    assert_eq!(accounts, ["bob"]);
    assert_eq!(tunnels.asked, look.tunnels, "what was asked is told back");
}

/// Entries for the addresses that were named, and no others.
pub async fn permits_can_be_asked_for_by_address(bench: &impl RouterBench) {
    let under = Under::new(bench);
    let session = under.ids.session();
    let permits = [4, 5, 6].map(|last| under.permit(session, last));
    under.apply(&permits).await;
    let look = Look {
        permits: Part::These(vec![host(5).to_string().into(), host(9).to_string().into()]),
        ..Look::default()
    };
    let seen = some(under.look(&look).await.permits, "part with permits");
    let addresses: Vec<_> = seen.rows.iter().map(|row| row.address).collect();
    assert_eq!(addresses, [host(5)]);
}

/// Logins that were named, enabled or not; one that is not there has no row.
pub async fn accounts_can_be_asked_for_by_name(bench: &impl RouterBench) {
    for name in ["ann", "bob"] {
        bench.add_account(name).await;
    }
    let under = Under::new(bench);
    let look = Look {
        accounts: Part::These(vec!["ann".into(), "nobody".into()]),
        ..Look::default()
    };
    let seen = some(under.look(&look).await.accounts, "part with logins");
    let rows: Vec<_> = seen
        .rows
        .iter()
        .map(|row| (&*row.name, row.source, row.enabled))
        .collect();
    assert_eq!(rows, [("ann", SourceKind::PppSecrets, true)]);
}

/// Of rules only those are seen that have `2FA` in their comment, enabled or not.
pub async fn only_marked_rules_are_seen(bench: &impl RouterBench) {
    bench.add_rule("office network", true).await;
    bench.add_rule("2FA ann", false).await;
    bench.add_rule("server room, 2FA", true).await;
    let under = Under::new(bench);
    let look = Look {
        rules: Part::All,
        ..Look::default()
    };
    let seen = some(under.look(&look).await.rules, "part with rules");
    let mut rules: Vec<_> = seen
        .rows
        .iter()
        .map(|row| (&*row.comment, row.enabled))
        .collect();
    rules.sort_unstable();
    assert_eq!(rules, [("2FA ann", false), ("server room, 2FA", true)]);
}

/// Of an entry is told whose it is: ours with session and epoch, another installation's, or somebody else's; and how
/// long it lives, if not for ever.
pub async fn it_is_told_whose_an_entry_is(bench: &impl RouterBench) {
    let under = Under::new(bench);
    let session = under.ids.session();
    let permit = [under.permit(session, 4)];
    let applied = under.backend.apply(&under.fence(7), &permit).await;
    assert!(applied.is_ok(), "{applied:?}");
    bench
        .put_permit(&ListedEntry {
            address: host(5),
            left: Some(MINUTE),
            comment: comment_of_others(session),
        })
        .await;
    bench
        .put_permit(&ListedEntry {
            address: host(6),
            left: None,
            comment: "by hand".into(),
        })
        .await;
    let look = Look {
        permits: Part::All,
        ..Look::default()
    };
    let mut rows = some(under.look(&look).await.permits, "part with permits").rows;
    rows.sort_by_key(|row| row.address);
    let tags: Vec<_> = rows.iter().map(|row| row.tag.clone()).collect();
    assert_eq!(tags[0], PermitTag::Ours { session, epoch: 7 });
    assert_eq!(
        tags[1],
        PermitTag::OtherInstallation(super::OTHER_INSTALLATION.into())
    );
    assert_eq!(tags[2], PermitTag::Foreign("by hand".into()));
    let lives: Vec<_> = rows.iter().map(|row| row.left.is_some()).collect();
    assert_eq!(lives, [true, true, false], "a static one lives for ever");
}

/// A part that broke off in the middle is not there at all; the others are.
pub async fn a_part_that_broke_off_is_not_there(bench: &impl RouterBench) {
    if bench.lacks(Means::BreakOff) {
        return;
    }
    let under = Under::dialled(bench, &[("ann", 4), ("bob", 5)]).await;
    under.one(under.permit(under.ids.session(), 4)).await;
    bench.break_off_next_look(SeenPart::Tunnels).await;
    let seen = under.look(&Look::complete()).await;
    assert_eq!(seen.tunnels, None, "half of it would be taken for gone");
    assert!(seen.permits.is_some_and(|seen| seen.rows.len() == 1));
    bench.break_off_next_look(SeenPart::Permits).await;
    let seen = under.look(&Look::complete()).await;
    assert_eq!(seen.permits, None);
    assert!(seen.tunnels.is_some_and(|seen| seen.rows.len() == 2));
    assert_eq!(under.tunnels().await.len(), 2, "the next look is whole");
}

/// With all tunnels comes the router's own uptime; after a reboot it is smaller than it would have to be.
pub async fn the_uptime_shows_a_reboot(bench: &impl RouterBench) {
    let under = Under::dialled(bench, &[("ann", 4)]).await;
    if !bench.lacks(Means::Advance) {
        bench.advance(10 * MINUTE).await;
    }
    let (before, at) = some(
        under.look(&Look::complete()).await.router_uptime,
        "router's uptime",
    );
    if bench.lacks(Means::Reboot) {
        return;
    }
    bench.reboot().await;
    let seen = under.look(&Look::complete()).await;
    let (after, later) = some(seen.router_uptime, "router's uptime after a reboot");
    assert!(later >= at);
    assert!(after < before, "{after:?} after {before:?}: a reboot");
    let tunnels = some(seen.tunnels, "part with tunnels").rows;
    assert_eq!(tunnels, [], "its tunnels are gone");
}

/// Entries with a time-out do not survive a reboot.
pub async fn a_reboot_takes_leases(bench: &impl RouterBench) {
    if bench.lacks(Means::Reboot) {
        return;
    }
    let under = Under::new(bench);
    under.one(under.permit(under.ids.session(), 4)).await;
    bench.reboot().await;
    let look = Look::complete();
    let permits = some(under.look(&look).await.permits, "part with permits");
    assert_eq!(permits.rows, []);
}

/// A look that is dropped in the middle has changed nothing, and the next one is whole.
pub async fn a_dropped_look_changes_nothing(bench: &impl RouterBench) {
    let under = Under::dialled(bench, &[("ann", 4)]).await;
    under.one(under.permit(under.ids.session(), 4)).await;
    let look = Look::complete();
    for _ in 0..3 {
        start_and_drop(under.backend.observe(&look));
    }
    assert!(bench.is_up("ann").await);
    assert_eq!(under.permitted().await, [host(4)]);
    let seen = under.look(&look).await;
    assert!(seen.tunnels.is_some_and(|seen| seen.rows.len() == 1));
    assert!(seen.permits.is_some_and(|seen| seen.rows.len() == 1));
}
