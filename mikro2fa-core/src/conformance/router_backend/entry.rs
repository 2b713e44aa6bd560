//! The permit list and the ban list: what is ours, for how long, and what is somebody else's.

use super::{
    ListedEntry, Means, RouterBench, Under, about, comment_of_others, host, is_done, is_refused,
};
use crate::{
    conformance::{
        sample::{MINUTE, SECOND},
        some,
    },
    router_backend::{Applied, Command, Lease, Look, Part, PermitTag, Prefix},
    tunnel::Text,
};

impl<'a, B: RouterBench> Under<'a, B> {
    /// After a reboot 5 is permitted, then 4, and there is an id that 4 had before.
    async fn with_a_stale_id(bench: &'a B) -> Option<(Self, Text)> {
        if bench.lacks(Means::Reboot) {
            return None;
        }
        let under = Self::new(bench);
        let session = under.ids.session();
        under.one(under.permit(session, 4)).await;
        let stale = under.handle_of(4).await;
        bench.reboot().await;
        // The connection is broken: the first call may find that out the hard way.
        let _ = under.backend.observe(&Look::complete()).await;
        for last in [5, 4] {
            let outcome = under.one(under.permit(under.ids.session(), last)).await;
            assert!(is_done(&outcome), "{outcome:?}");
        }
        Some((under, stale))
    }

    fn revoke(&self, last: u8) -> Command {
        Command::Revoke {
            session: self.ids.session(),
            address: host(last),
            known: None,
        }
    }

    async fn handle_of(&self, last: u8) -> Text {
        let look = Look {
            permits: Part::All,
            ..Look::default()
        };
        let seen = some(self.look(&look).await.permits, "part with permits");
        let row = seen.rows.into_iter().find(|row| row.address == host(last));
        some(row, "entry that was just made").handle
    }
}

/// A permit is an entry with a time-out; its id is told.
pub async fn a_permit_has_a_time_out(bench: &impl RouterBench) {
    let under = Under::new(bench);
    let outcome = under.one(under.permit(under.ids.session(), 4)).await;
    let entries = bench.permits().await;
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].address, host(4));
    about(entries[0].left, 10 * MINUTE);
    let handle = under.handle_of(4).await;
    assert_eq!(
        outcome,
        Applied::Done {
            handle: Some(handle)
        }
    );
}

/// The lease is computed when the bytes are written, not when the order was given.
pub async fn a_lease_is_computed_when_it_is_written(bench: &impl RouterBench) {
    if bench.lacks(Means::Advance) {
        return;
    }
    let under = Under::new(bench);
    let now = bench.now();
    let lease = Lease::new(10 * MINUTE, now + 2 * MINUTE, now);
    bench.advance(MINUTE).await;
    let outcome = under
        .one(Command::Permit {
            session: under.ids.session(),
            address: host(4),
            lease: some(lease, "lease"),
        })
        .await;
    assert!(is_done(&outcome), "{outcome:?}");
    about(bench.permits().await[0].left, MINUTE);
}

/// A lease of which less than a second is left is not written at all: 0 s would be for ever.
pub async fn a_lease_below_a_second_is_not_written(bench: &impl RouterBench) {
    if bench.lacks(Means::Advance) {
        return;
    }
    let under = Under::new(bench);
    let now = bench.now();
    let lease = Lease::new(10 * MINUTE, now + 2 * SECOND, now);
    let lease = some(lease, "lease");
    bench.advance(3 * SECOND / 2).await;
    let session = under.ids.session();
    let outcomes = under
        .apply(&[
            Command::Permit {
                session,
                address: host(4),
                lease,
            },
            Command::Ban {
                session,
                address: host(5),
                lease,
            },
            under.permit(session, 6),
        ])
        .await;
    assert!(
        !is_done(&outcomes[0]) && !is_done(&outcomes[1]),
        "{outcomes:?}"
    );
    assert!(is_done(&outcomes[2]), "and the others are: {outcomes:?}");
    assert_eq!(under.permitted().await, [host(6)]);
    assert_eq!(bench.bans().await, []);
}

/// A permit that nobody renews lapses by itself.
pub async fn a_permit_lapses(bench: &impl RouterBench) {
    if bench.lacks(Means::Advance) {
        return;
    }
    let under = Under::new(bench);
    under.one(under.permit(under.ids.session(), 4)).await;
    bench.advance(10 * MINUTE - 10 * SECOND).await;
    assert_eq!(under.permitted().await, [host(4)], "not yet");
    bench.advance(20 * SECOND).await;
    assert_eq!(under.permitted().await, []);
}

/// A permit for an address that has one of ours replaces it: there is one entry, with the new session and epoch.
pub async fn our_own_permit_is_replaced(bench: &impl RouterBench) {
    let under = Under::new(bench);
    under.one(under.permit(under.ids.session(), 4)).await;
    let second = under.ids.session();
    let permit = [under.permit(second, 4)];
    let outcomes = under.backend.apply(&under.fence(2), &permit).await;
    assert!(
        outcomes
            .as_ref()
            .is_ok_and(|outcomes| is_done(&outcomes[0])),
        "{outcomes:?}"
    );
    let look = Look {
        permits: Part::All,
        ..Look::default()
    };
    let seen = some(under.look(&look).await.permits, "part with permits");
    let tags: Vec<_> = seen.rows.into_iter().map(|row| row.tag).collect();
    assert_eq!(
        tags,
        [PermitTag::Ours {
            session: second,
            epoch: 2
        }]
    );
}

/// Permitting what is permitted already lets it live anew.
pub async fn permitting_twice_is_one_entry(bench: &impl RouterBench) {
    let under = Under::new(bench);
    let session = under.ids.session();
    under.one(under.permit(session, 4)).await;
    if !bench.lacks(Means::Advance) {
        bench.advance(5 * MINUTE).await;
    }
    let outcome = under.one(under.permit(session, 4)).await;
    assert!(is_done(&outcome), "{outcome:?}");
    let entries = bench.permits().await;
    assert_eq!(entries.len(), 1);
    about(entries[0].left, 10 * MINUTE);
}

/// Where somebody else's entry, or another installation's, has the address, a permit is refused, and theirs stays.
pub async fn a_foreign_entry_refuses_a_permit(bench: &impl RouterBench) {
    let under = Under::new(bench);
    let session = under.ids.session();
    for (last, comment) in [(4, "by hand".to_owned()), (5, comment_of_others(session))] {
        let theirs = ListedEntry {
            address: host(last),
            left: None,
            comment,
        };
        bench.put_permit(&theirs).await;
        let outcome = under.one(under.permit(session, last)).await;
        assert!(is_refused(&outcome), "{theirs:?}: {outcome:?}");
    }
    let entries = bench.permits().await;
    let mut stay: Vec<_> = entries
        .iter()
        .map(|entry| (entry.address, entry.left))
        .collect();
    stay.sort();
    assert_eq!(
        stay,
        [(host(4), None), (host(5), None)],
        "theirs stay as they were"
    );
}

/// Prefixes are permitted and revoked like single addresses: the routes behind an account.
pub async fn a_prefix_can_be_permitted(bench: &impl RouterBench) {
    let under = Under::new(bench);
    let route = Prefix {
        address: [192, 168, 50, 0].into(),
        length: 24,
    };
    let session = under.ids.session();
    let permit = Command::Permit {
        session,
        address: route,
        lease: under.lease(MINUTE),
    };
    assert!(is_done(&under.one(permit).await));
    assert_eq!(under.permitted().await, [route]);
    let revoke = Command::Revoke {
        session,
        address: route,
        known: None,
    };
    assert!(is_done(&under.one(revoke).await));
    assert_eq!(under.permitted().await, []);
}

/// A renewed permit lives on.
pub async fn a_renewed_permit_lives_on(bench: &impl RouterBench) {
    let under = Under::new(bench);
    let session = under.ids.session();
    under.one(under.permit(session, 4)).await;
    let renew = Command::Renew {
        session,
        address: host(4),
        known: under.handle_of(4).await,
        lease: under.lease(30 * MINUTE),
    };
    let outcome = under.one(renew).await;
    assert!(is_done(&outcome), "{outcome:?}");
    let entries = bench.permits().await;
    assert_eq!(entries.len(), 1);
    about(entries[0].left, 30 * MINUTE);
}

/// Renewing what has gone meanwhile is refused, makes nothing, and harms none of the others in its batch.
pub async fn renewing_what_has_gone_is_refused(bench: &impl RouterBench) {
    let under = Under::new(bench);
    let session = under.ids.session();
    let permits = [4, 5, 6].map(|last| under.permit(session, last));
    under.apply(&permits).await;
    let mut renewals = Vec::new();
    for last in [4, 5, 6] {
        renewals.push(Command::Renew {
            session,
            address: host(last),
            known: under.handle_of(last).await,
            lease: under.lease(30 * MINUTE),
        });
    }
    bench.remove_permit(host(5)).await;
    let outcomes = under.apply(&renewals).await;
    assert!(
        is_done(&outcomes[0]) && is_done(&outcomes[2]),
        "{outcomes:?}"
    );
    assert!(is_refused(&outcomes[1]), "{outcomes:?}");
    let mut permitted = under.permitted().await;
    permitted.sort();
    assert_eq!(permitted, [host(4), host(6)]);
    for entry in bench.permits().await {
        about(entry.left, 30 * MINUTE);
    }
}

/// Revoking takes the entry off, whosesoever of ours it is; once more, it was so already.
pub async fn revoking_twice_is_already_so(bench: &impl RouterBench) {
    let under = Under::new(bench);
    under.one(under.permit(under.ids.session(), 4)).await;
    let revoke = under.revoke(4); // of another session
    assert!(is_done(&under.one(revoke.clone()).await));
    assert_eq!(under.permitted().await, []);
    assert_eq!(under.one(revoke).await, Applied::AlreadySo);
}

/// Ids start over when a router reboots. One from before revokes nothing else: the address counts.
pub async fn a_stale_id_revokes_only_its_address(bench: &impl RouterBench) {
    if let Some((under, stale)) = Under::with_a_stale_id(bench).await {
        let revoke = Command::Revoke {
            session: under.ids.session(),
            address: host(4),
            known: Some(stale),
        };
        under.one(revoke).await;
        assert_eq!(
            under.permitted().await,
            [host(5)],
            "its own goes, the other stays"
        );
    }
}

/// An id from before a reboot renews nothing: what it means by now is another's entry.
pub async fn a_stale_id_renews_nothing(bench: &impl RouterBench) {
    if let Some((under, stale)) = Under::with_a_stale_id(bench).await {
        let renew = Command::Renew {
            session: under.ids.session(),
            address: host(4),
            known: stale,
            lease: under.lease(60 * MINUTE),
        };
        let outcome = under.one(renew).await;
        assert!(!is_done(&outcome), "{outcome:?}");
        for entry in bench.permits().await {
            about(entry.left, 10 * MINUTE);
        }
    }
}

/// What is not ours is not revoked.
pub async fn a_foreign_entry_is_not_revoked(bench: &impl RouterBench) {
    let under = Under::new(bench);
    let theirs = ListedEntry {
        address: host(4),
        left: None,
        comment: "by hand".into(),
    };
    bench.put_permit(&theirs).await;
    let outcome = under.one(under.revoke(4)).await;
    assert!(!is_done(&outcome), "nothing was removed: {outcome:?}");
    assert_eq!(bench.permits().await, [theirs]);
}

/// A ban is an entry of its own list, under a lease; once it is lifted it is gone, and lifting it again was so already.
pub async fn a_ban_is_put_and_lifted(bench: &impl RouterBench) {
    let under = Under::new(bench);
    let ban = Command::Ban {
        session: under.ids.session(),
        address: host(4),
        lease: under.lease(10 * MINUTE),
    };
    let unban = Command::Unban {
        address: host(4),
        known: None,
    };
    for _ in 0..2 {
        let outcome = under.one(ban.clone()).await;
        assert!(
            !is_refused(&outcome),
            "banned, and banned again: {outcome:?}"
        );
    }
    let entries = bench.bans().await;
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].address, host(4));
    about(entries[0].left, 10 * MINUTE);
    assert_eq!(bench.permits().await, [], "it is on no other list");
    assert!(is_done(&under.one(unban.clone()).await));
    assert_eq!(bench.bans().await, []);
    assert_eq!(under.one(unban).await, Applied::AlreadySo);
}

/// A ban that is not ours is not lifted.
pub async fn a_foreign_ban_is_not_lifted(bench: &impl RouterBench) {
    let under = Under::new(bench);
    let theirs = ListedEntry {
        address: host(4),
        left: None,
        comment: "by hand".into(),
    };
    bench.put_ban(&theirs).await;
    let unban = Command::Unban {
        address: host(4),
        known: None,
    };
    let outcome = under.one(unban).await;
    assert!(!is_done(&outcome), "nothing was removed: {outcome:?}");
    assert_eq!(bench.bans().await, [theirs]);
}
