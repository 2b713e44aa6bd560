//! Plans reach the wanted state from any observed one; looks change only what they saw.

use std::{collections::BTreeMap, net::Ipv4Addr, sync::Arc, time::Duration};

use proptest::prelude::*;
use uuid::Uuid;

use super::{Entry, Finding, Heard, Mirror, Plan, Wanted, WantedPermit, plan};
use crate::{
    desk::SourceKind,
    id::{RouterId, SessionId},
    router_backend::{AccountRow, Command, Observed, Part, PermitRow, PermitTag, Prefix, Seen},
    time::Timestamp,
    tunnel::{Addresses, Caller, Service, Tunnel, TunnelKey, TunnelSource},
};

const NOW: Timestamp = Timestamp(1_000_000_000);

fn session(n: u8) -> SessionId {
    SessionId::from_uuid(Uuid::from_u128(u128::from(n)))
}

fn address(n: u8) -> Prefix {
    Prefix::host(Ipv4Addr::new(10, 8, 0, n).into())
}

fn tunnel(n: u8, account: &str, uptime: u64, at: Timestamp) -> Tunnel {
    Tunnel {
        key: TunnelKey {
            router: RouterId::from_uuid(Uuid::from_u128(1)),
            source: TunnelSource::Ppp,
            handle: format!("*{n}").into(),
            nonce: Some("0x1".into()),
        },
        account: account.into(),
        service: Service::L2tp,
        addresses: Addresses {
            v4: Some(Ipv4Addr::new(10, 8, 0, n)),
            v6: Vec::new(),
        },
        caller: Some(Caller::parse("203.0.113.7")),
        uptime: Duration::from_secs(uptime),
        seen_at: at,
    }
}

fn looked(asked: Part, rows: Vec<Tunnel>, at: Timestamp) -> Observed {
    Observed {
        tunnels: Some(Seen { asked, rows, at }),
        ..Observed::default()
    }
}

// ---- the mirror --------------------------------------------------------------------------------

#[test]
fn absent_from_a_partial_look_is_not_gone() {
    let mut mirror = Mirror::default();
    let rows = vec![tunnel(1, "ann", 5, NOW), tunnel(2, "bob", 5, NOW)];
    assert_eq!(mirror.take_in(looked(Part::All, rows, NOW)).up.len(), 2);
    let later = NOW + Duration::from_secs(10);
    let only_ann = Part::These(vec!["ann".into()]);
    let changes = mirror.take_in(looked(
        only_ann.clone(),
        vec![tunnel(1, "ann", 15, later)],
        later,
    ));
    assert_eq!(
        (changes.up.len(), changes.gone.len()),
        (0, 0),
        "bob was not asked about"
    );
    let changes = mirror.take_in(looked(only_ann, Vec::new(), later + Duration::from_secs(5)));
    assert_eq!(changes.gone.len(), 1);
    assert_eq!(mirror.tunnels.len(), 1, "bob is still there");
}

#[test]
fn a_look_that_broke_off_changes_nothing() {
    let mut mirror = Mirror::default();
    mirror.take_in(looked(Part::All, vec![tunnel(1, "ann", 5, NOW)], NOW));
    let changes = mirror.take_in(Observed::default());
    assert_eq!(changes, super::Changes::default());
    assert_eq!(mirror.tunnels.len(), 1);
}

#[test]
fn an_id_used_again_is_one_gone_and_one_up() {
    let mut mirror = Mirror::default();
    mirror.take_in(looked(Part::All, vec![tunnel(1, "ann", 500, NOW)], NOW));
    let later = NOW + Duration::from_secs(10);
    let changes = mirror.take_in(looked(Part::All, vec![tunnel(1, "ann", 3, later)], later));
    assert_eq!((changes.up.len(), changes.gone.len()), (1, 1));
}

#[test]
fn a_doubtful_row_keeps_what_was_certain() {
    let mut mirror = Mirror::default();
    mirror.take_in(looked(Part::All, vec![tunnel(1, "ann", 500, NOW)], NOW));
    let later = NOW + Duration::from_secs(10);
    let changes = mirror.take_in(looked(Part::All, vec![tunnel(1, "ann", 700, later)], later));
    assert_eq!(
        (changes.up.len(), changes.gone.len(), changes.unsure.len()),
        (0, 0, 1)
    );
    let kept = mirror.tunnels.values().next().unwrap();
    assert_eq!(kept.uptime, Duration::from_secs(500));
}

#[test]
fn a_reboot_is_told_by_the_routers_uptime() {
    let mut mirror = Mirror::default();
    let up = |seconds, at| Observed {
        router_uptime: Some((Duration::from_secs(seconds), at)),
        ..Observed::default()
    };
    let after = |seconds| NOW + Duration::from_secs(seconds);
    assert!(!mirror.take_in(up(100, NOW)).rebooted);
    assert!(
        !mirror.take_in(up(113, after(15))).rebooted,
        "seconds of jitter"
    );
    assert!(mirror.take_in(up(20, after(40))).rebooted);
    assert!(!mirror.take_in(up(35, after(55))).rebooted, "once");
}

#[test]
fn a_permit_that_vanished_was_taken_and_one_that_lapsed_was_not() {
    let mut mirror = Mirror::default();
    let tag = |n| PermitTag::Ours {
        session: session(n),
        epoch: 1,
    };
    let row = |n, left| PermitRow {
        handle: "*1".into(),
        tag: tag(n),
        address: address(n),
        left: Some(Duration::from_secs(left)),
    };
    let seen = |rows, at| Observed {
        permits: Some(Seen {
            asked: Part::All,
            rows,
            at,
        }),
        ..Observed::default()
    };
    mirror.take_in(seen(vec![row(1, 600), row(2, 8)], NOW));
    let changes = mirror.take_in(seen(Vec::new(), NOW + Duration::from_secs(10)));
    assert_eq!(changes.taken, [(address(1), tag(1))]);
}

#[test]
fn what_was_added_after_a_look_began_is_not_missed_by_it() {
    let mut mirror = Mirror::default();
    let entry = Entry {
        handle: "*1".into(),
        tag: PermitTag::Ours {
            session: session(1),
            epoch: 1,
        },
        lapses_at: Some(NOW + Duration::from_secs(30)),
        seen_at: NOW + Duration::from_secs(1),
    };
    mirror.permitted(address(1), entry);
    let nothing = Seen {
        asked: Part::All,
        rows: Vec::new(),
        at: NOW,
    };
    let changes = mirror.take_in(Observed {
        permits: Some(nothing),
        ..Observed::default()
    });
    assert_eq!(changes.taken, []);
    assert_eq!(mirror.permits.len(), 1);
}

// ---- the plan ----------------------------------------------------------------------------------

#[derive(Clone, Debug)]
enum Found {
    Ours(u8, Option<u64>),
    Foreign,
}

fn found() -> impl Strategy<Value = Found> {
    prop_oneof![
        4 => (0_u8..6, prop::option::weighted(0.9, 0_u64..700)).prop_map(|(s, l)| Found::Ours(s, l)),
        1 => Just(Found::Foreign),
    ]
}

fn wanted_permits() -> impl Strategy<Value = BTreeMap<Prefix, WantedPermit>> {
    prop::collection::btree_map(
        (1_u8..8).prop_map(address),
        (0_u8..6, 0_u64..90_000, any::<bool>()).prop_map(|(n, left, probing)| WantedPermit {
            session: session(n),
            account: "ann".into(),
            expires_at: NOW + Duration::from_secs(left),
            lease: Duration::from_secs(600),
            probing,
        }),
        0..6,
    )
}

/// Does to the mirror what an obedient router would.
fn obey(mirror: &mut Mirror, commands: &[Command]) {
    for command in commands {
        match command {
            Command::Revoke { address, .. } => mirror.revoked(address),
            Command::Permit {
                session,
                address,
                lease,
            }
            | Command::Renew {
                session,
                address,
                lease,
                ..
            } => {
                let foreign = mirror
                    .permits
                    .get(address)
                    .is_some_and(|e| matches!(e.tag, PermitTag::Foreign(_)));
                let seconds = lease.seconds_at(NOW);
                if let (false, Some(seconds)) = (foreign, seconds) {
                    let entry = Entry {
                        handle: "*9".into(),
                        tag: PermitTag::Ours {
                            session: *session,
                            epoch: 1,
                        },
                        lapses_at: Some(NOW + Duration::from_secs(seconds)),
                        seen_at: NOW,
                    };
                    mirror.permitted(*address, entry);
                }
            }
            Command::CutTunnel { key, .. } => {
                mirror.tunnels.remove(key);
            }
            _ => {}
        }
    }
}

fn is_ours(entry: &Entry) -> bool {
    matches!(entry.tag, PermitTag::Ours { .. })
}

proptest! {
    #[test]
    fn one_round_reaches_the_wanted_state_and_the_next_is_empty(
        permits in wanted_permits(),
        observed in prop::collection::btree_map((1_u8..8).prop_map(address), found(), 0..8),
        shut in any::<bool>(),
    ) {
        let wanted = Wanted { permits, shut, ..Wanted::default() };
        let mut mirror = Mirror::default();
        for (address, found) in observed {
            let (tag, left) = match found {
                Found::Ours(n, left) => (PermitTag::Ours { session: session(n), epoch: 1 }, left),
                Found::Foreign => (PermitTag::Foreign("by hand".into()), None),
            };
            let lapses_at = left.map(|left| NOW + Duration::from_secs(left));
            mirror.permitted(address, Entry { handle: "*1".into(), tag, lapses_at, seen_at: NOW });
        }
        let first = plan(&wanted, &mirror, NOW);
        // What would outlive its session is shortened, which closes.
        let closes = |c: &Command| !c.opens() || matches!(c, Command::Renew { .. });
        prop_assert!(first.close.iter().all(closes), "an opening command among the closing");
        prop_assert!(first.open.iter().all(Command::opens), "a closing command among the opening");
        if shut {
            let adds = first.open.iter().any(|c| matches!(c, Command::Permit { .. }));
            prop_assert!(!adds, "opened while shut");
        }
        obey(&mut mirror, &first.close);
        let closed = plan(&wanted, &mirror, NOW);
        prop_assert_eq!(&closed.close, &Vec::new(), "closing is done in one round");
        obey(&mut mirror, &closed.open);
        let second = plan(&wanted, &mirror, NOW);
        prop_assert_eq!(&second.close, &Vec::new());
        // What somebody else has put there is refused by the router, and stays a difference.
        let left: Vec<_> = second.open.iter().filter(|command| match command {
            Command::Permit { address, .. } => !mirror.permits.contains_key(address),
            _ => true,
        }).collect();
        prop_assert_eq!(left, Vec::<&Command>::new());
        // Now the router has what is wanted, and of ours nothing else.
        for (address, entry) in mirror.permits.iter().filter(|(_, entry)| is_ours(entry)) {
            let alive = !entry.lapsed(NOW);
            let fits = wanted.permits.get(address).is_some_and(|permit| {
                matches!(entry.tag, PermitTag::Ours { session, .. } if session == permit.session)
            });
            prop_assert!(fits || !alive, "{address} is open");
            let for_ever = entry.lapses_at.is_none();
            prop_assert!(!for_ever, "{address} is open for ever");
            if let Some(permit) = wanted.permits.get(address).filter(|_| fits && alive) {
                let slack = Duration::from_secs(3);
                prop_assert!(entry.lapses_at <= Some(permit.expires_at + slack), "outlives its session");
            }
        }
    }
}

#[test]
fn a_foreign_entry_is_found_and_left_alone() {
    let mut mirror = Mirror::default();
    let tag = PermitTag::Foreign("by hand".into());
    let entry = Entry {
        handle: "*1".into(),
        tag,
        lapses_at: None,
        seen_at: NOW,
    };
    mirror.permitted(address(1), entry);
    let plan = plan(&Wanted::default(), &mirror, NOW);
    let comment = "by hand".into();
    let found = Finding::ForeignPermit {
        address: address(1),
        comment,
    };
    assert_eq!(
        plan,
        Plan {
            findings: vec![found],
            ..Plan::default()
        }
    );
}

fn login(name: &str, source: SourceKind, enabled: bool) -> AccountRow {
    AccountRow {
        handle: "*1".into(),
        name: name.into(),
        source,
        enabled,
        comment: "".into(),
        routes: Vec::new(),
    }
}

fn logins(rows: Vec<AccountRow>) -> Mirror {
    let mut mirror = Mirror::default();
    let asked = Part::These(vec!["ann".into(), "bob".into()]);
    mirror.take_in(Observed {
        accounts: Some(Seen {
            asked,
            rows,
            at: NOW,
        }),
        ..Observed::default()
    });
    mirror
}

/// Ann's login in one place is handed over, and is to be open, or not.
fn handed_over(source: SourceKind, open: bool) -> Wanted {
    let ann = (source, Arc::from("ann"));
    Wanted {
        accounts: [(ann.clone(), open)].into(),
        enabling: [ann].into(),
        ..Wanted::default()
    }
}

#[test]
fn a_login_is_the_one_of_its_own_place() {
    use SourceKind::{PppSecrets, UserManager};
    for (kept, other) in [(PppSecrets, UserManager), (UserManager, PppSecrets)] {
        let mirror = logins(vec![login("ann", kept, false)]);
        let first = plan(&handed_over(kept, true), &mirror, NOW);
        assert!(
            matches!(&first.open[..], [Command::SetAccount { source, enabled: true, .. }] if *source == kept),
            "{first:?}"
        );
        let elsewhere = plan(&handed_over(other, true), &mirror, NOW);
        assert_eq!(elsewhere.open, []);
        assert_eq!(elsewhere.findings, [Finding::AccountGone("ann".into())]);
    }
}

#[test]
fn a_name_that_stands_in_two_places_is_found_and_enabled_in_neither() {
    use SourceKind::{PppSecrets, UserManager};
    for enabled in [false, true] {
        let both = vec![
            login("ann", PppSecrets, enabled),
            login("ann", UserManager, true),
        ];
        let mirror = logins(both);
        let same = Finding::SameName("ann".into());
        let opening = plan(&handed_over(PppSecrets, true), &mirror, NOW);
        assert_eq!(
            (&opening.open[..], &opening.findings[..]),
            (&[][..], &[same][..])
        );
        // What closes still closes.
        let closing = plan(&handed_over(PppSecrets, false), &mirror, NOW);
        assert_eq!(closing.close.len(), usize::from(enabled));
    }
}

#[test]
fn another_installation_stops_opening_but_not_closing() {
    let mut mirror = Mirror::default();
    let other = PermitTag::OtherInstallation("0badcafe".into());
    let entry = |tag| Entry {
        handle: "*1".into(),
        tag,
        lapses_at: Some(Timestamp::MAX),
        seen_at: NOW,
    };
    mirror.permitted(address(1), entry(other));
    mirror.permitted(
        address(2),
        entry(PermitTag::Ours {
            session: session(9),
            epoch: 1,
        }),
    );
    let permit = WantedPermit {
        session: session(3),
        account: "ann".into(),
        expires_at: NOW + Duration::from_secs(600),
        lease: Duration::from_secs(600),
        probing: true,
    };
    let wanted = Wanted {
        permits: [(address(3), permit)].into(),
        ..Wanted::default()
    };
    let plan = plan(&wanted, &mirror, NOW);
    assert_eq!(plan.open, []);
    assert!(
        matches!(plan.close[..], [Command::Revoke { .. }]),
        "{:?}",
        plan.close
    );
}

#[test]
fn a_doubt_is_revoked_unseen_until_its_lease_is_over() {
    let mut mirror = Mirror::default();
    mirror
        .doubts
        .add(address(1), session(1), NOW, NOW + Duration::from_secs(100));
    let now = |seconds| NOW + Duration::from_secs(seconds);
    let at = |mirror: &Mirror, seconds| plan(&Wanted::default(), mirror, now(seconds)).close.len();
    let look = |mirror: &mut Mirror, seconds| {
        let asked = Part::These(vec![address(1).to_string().into()]);
        let seen = Seen {
            asked,
            rows: Vec::new(),
            at: now(seconds),
        };
        mirror.take_in(Observed {
            permits: Some(seen),
            ..Observed::default()
        });
    };
    assert_eq!(at(&mirror, 0), 1);
    look(&mut mirror, 0);
    assert_eq!(at(&mirror, 5), 0, "looked for, not there; again later");
    assert_eq!(mirror.doubts.next(), Some(now(10)));
    assert_eq!(at(&mirror, 10), 1);
    look(&mut mirror, 10);
    look(&mut mirror, 60);
    assert_eq!(
        mirror.doubts.next(),
        Some(now(100)),
        "and at the end of its lease"
    );
    look(&mut mirror, 100);
    assert!(mirror.doubts.is_empty());
}

#[test]
fn shared_tunnels_cost_one_allocation() {
    let seen = Arc::new(tunnel(1, "ann", 5, NOW));
    let mut mirror = Mirror::default();
    mirror.tunnels.insert(seen.key.clone(), Arc::clone(&seen));
    assert!(Arc::ptr_eq(mirror.same(&seen).unwrap(), &seen));
}

// ---- the dead man's switch -----------------------------------------------------------------------

#[test]
fn the_dead_mans_switch_hears_of_us_at_half_time() {
    let lease = Duration::from_secs(600);
    let wanted = Wanted {
        alive: Some(lease),
        ..Wanted::default()
    };
    let mut mirror = Mirror::default();
    let tells = |plan: &Plan| matches!(plan.open[..], [Command::KeepAlive { lease: it }] if it.seconds_at(NOW).is_some());
    assert!(tells(&plan(&wanted, &mirror, NOW)), "nothing is known yet");
    mirror.alive_until = Some(NOW + lease);
    let quiet = plan(&wanted, &mirror, NOW);
    let half = Some(NOW + lease / 2);
    assert_eq!((&quiet.open[..], quiet.next), (&[][..], half));
    let at_half = plan(&wanted, &mirror, NOW + lease / 2);
    assert_eq!(at_half.open.len(), 1, "{at_half:?}");
    mirror.disconnected();
    assert!(tells(&plan(&wanted, &mirror, NOW)), "told anew");
    // Where nothing depends on it, where the clock is not trusted, where the router is only watched.
    for other in [
        Wanted::default(),
        Wanted {
            shut: true,
            ..wanted.clone()
        },
        Wanted {
            observing: true,
            ..wanted
        },
    ] {
        assert_eq!(plan(&other, &mirror, NOW), Plan::default());
    }
}

#[test]
fn a_switch_that_would_wait_too_long_is_told_at_once() {
    let mut mirror = Mirror::default();
    let wanted = Wanted {
        alive: Some(Duration::from_secs(600)),
        ..Wanted::default()
    };
    assert_eq!(plan(&wanted, &mirror, NOW).close, []);
    mirror.alive_until = Some(NOW + Duration::from_secs(86_400));
    let plan = plan(&wanted, &mirror, NOW);
    assert!(
        matches!(plan.close[..], [Command::KeepAlive { .. }]),
        "{plan:?}"
    );
}

#[test]
fn what_went_off_unheard_was_nobodys_hand() {
    let lease = Duration::from_secs(600);
    let mut heard = Heard::default();
    assert!(!heard.may_have_gone_off(None, NOW), "nothing is known");
    heard.told(NOW, NOW + lease, None);
    let later = |seconds| NOW + Duration::from_secs(seconds);
    assert!(!heard.may_have_gone_off(None, later(599)));
    assert!(heard.may_have_gone_off(None, later(600)));
    // Told again, what is found at once went off before that; what is found later did not.
    heard.told(later(700), later(1_300), None);
    assert!(heard.may_have_gone_off(None, later(720)));
    assert!(!heard.may_have_gone_off(None, later(760)));
    // A router that has started since then has forgotten that it was told.
    assert!(!heard.may_have_gone_off(Some(later(700)), later(800)));
    assert!(heard.may_have_gone_off(Some(later(750)), later(800)));
    // Told in time, there is no silence.
    heard.told(later(900), later(1_500), None);
    assert!(!heard.may_have_gone_off(None, later(901)));
}

#[test]
fn a_login_that_is_off_was_shut_by_whom_it_was() {
    let mirror = logins(vec![login("ann", SourceKind::PppSecrets, false)]);
    let wanted = |unheard| Wanted {
        enabling: std::collections::BTreeSet::new(),
        unheard,
        ..handed_over(SourceKind::PppSecrets, true)
    };
    let found = |unheard| plan(&wanted(unheard), &mirror, NOW).findings;
    assert_eq!(found(false), [Finding::DisabledByHand("ann".into())]);
    assert_eq!(found(true), [Finding::ShutByRouter("ann".into())]);
}
