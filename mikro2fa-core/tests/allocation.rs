//! What a step and a session cost in memory, counted exactly by an allocator that counts.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::{
    alloc::System,
    collections::BTreeMap,
    net::Ipv4Addr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use mikro2fa_core::{
    enforcement::Mirror,
    id::{AccountId, ChallengeId, OfferId, RouterId, SessionId, UserId},
    policy::Policy,
    router_backend::{Observed, Part, Seen},
    session::{
        Actor, Answer, ChallengeKind, Confirmed, Effect, EndReason, Event, Fresh, Opening, Out,
        Outcome, Reach, Session, StepContext, step,
    },
    time::Timestamp,
    tunnel::{Addresses, Caller, Service, Tunnel, TunnelKey, TunnelSource},
};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use uuid::Uuid;

#[global_allocator]
static COUNTING: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The counter counts for the whole process: one test at a time.
static ALONE: Mutex<()> = Mutex::new(());

const ANN: UserId = UserId::from_uuid(Uuid::from_u128(1));
const BOB: UserId = UserId::from_uuid(Uuid::from_u128(2));
const ROUTER: RouterId = RouterId::from_uuid(Uuid::from_u128(3));
const FRESH: Fresh = Fresh {
    challenge: ChallengeId::from_uuid(Uuid::from_u128(4)),
    offer: OfferId::from_uuid(Uuid::from_u128(5)),
};

fn tunnel(n: u32, now: Timestamp) -> Tunnel {
    Tunnel {
        key: TunnelKey {
            router: ROUTER,
            source: TunnelSource::Ppp,
            handle: format!("*8{n:07X}").into(),
            nonce: Some(format!("0x81{n:06x}").into()),
        },
        account: format!("user{n:06}").into(),
        service: Service::L2tp,
        addresses: Addresses {
            v4: Some(Ipv4Addr::from(0x0a00_0000 + n)),
            v6: Vec::new(),
        },
        caller: Some(Caller::Ip(Ipv4Addr::from(0xcb00_7100 + (n & 0xff)).into())),
        uptime: Duration::ZERO,
        seen_at: now,
    }
}

fn opening(n: u32) -> Opening {
    Opening {
        id: SessionId::from_uuid(Uuid::from_u128(0x1000_0000 + u128::from(n))),
        router: ROUTER,
        account: AccountId::from_uuid(Uuid::from_u128(0x2000_0000 + u128::from(n))),
        owner: ANN,
        trial: false,
    }
}

/// Steps through events that all count.
fn lived(mut session: Session, events: &[(i64, Event)], policy: &Policy) -> Session {
    for (seconds, event) in events {
        let context = at(*seconds, policy);
        let outcome = step(&mut session, event, &context, &mut Out::default());
        assert_eq!(
            outcome,
            Outcome::Stepped,
            "{event:?} in {:?}",
            session.state
        );
    }
    session
}

const fn at(seconds: i64, policy: &Policy) -> StepContext<'_> {
    StepContext {
        now: Timestamp(seconds * 1_000),
        policy,
        fresh: FRESH,
    }
}

const fn yes() -> Event {
    Event::Answered {
        challenge: FRESH.challenge,
        answer: Answer::Yes,
        by: ANN,
    }
}

/// A session in every state that a session can be in.
fn states(policy: &Policy) -> Vec<Session> {
    let mut out = Out::default();
    let own = Arc::new(tunnel(1, Timestamp(0)));
    let start = at(0, policy);
    let requested = opening(1).requested(&start, &mut out);
    let kind = ChallengeKind::Unrequested;
    let challenged = opening(2).challenged(&own, &kind, true, &start, &mut out);
    let delivered = Event::Delivered {
        challenge: FRESH.challenge,
    };
    let lived = |from: &Session, events: &[(i64, Event)]| lived(from.clone(), events, policy);
    let asked = lived(&challenged, &[(0, delivered)]);
    let away = Event::MessengerAway {
        since: Timestamp(0),
    };
    let opened = lived(&asked, &[(1, yes())]);
    let active = lived(&opened, &[(2, Event::Opened)]);
    let expiring = lived(&active, &[(82_802, Event::DeadlineReached)]);
    let ghost = lived(&active, &[(50, Event::GhostSuspected)]);
    vec![
        lived(&requested, &[(0, Event::AccountReady)]),
        lived(&challenged, &[(0, away)]),
        lived(&opened, &[(2, Event::Router(Reach::Away))]),
        lived(&active, &[(50, Event::TunnelGone)]),
        lived(&asked, &[(3_600, Event::DeadlineReached)]),
        lived(&asked, &[(1, Event::TunnelGone)]),
        requested,
        challenged,
        asked,
        opened,
        active,
        expiring,
        ghost,
    ]
}

/// Every event there is, as it would come for the tunnels of [`states`], and from strangers.
fn events() -> Vec<Event> {
    let newer = Arc::new(Tunnel {
        key: tunnel(2, Timestamp(0)).key,
        ..tunnel(1, Timestamp(0))
    });
    let challenge = FRESH.challenge;
    let stranger = ChallengeId::from_uuid(Uuid::from_u128(99));
    let answered = |challenge, answer, by| Event::Answered {
        challenge,
        answer,
        by,
    };
    let operator = Actor::Operator {
        who: "olga".into(),
        reason: "asked for".into(),
    };
    let extended = |offer, by| Event::Extended {
        offer,
        minutes: 60,
        by,
    };
    vec![
        Event::AccountReady,
        Event::RequestedAgain,
        Event::TunnelUp {
            tunnel: Arc::clone(&newer),
            kind: ChallengeKind::Requested,
            first_time: false,
        },
        Event::TunnelGone,
        Event::GhostSuspected,
        Event::Resumed { tunnel: newer },
        Event::Delivered { challenge },
        Event::Delivered {
            challenge: stranger,
        },
        Event::Undeliverable { challenge },
        Event::MessengerAway {
            since: Timestamp(1_000),
        },
        Event::MessengerBack,
        Event::Router(Reach::Away),
        Event::Router(Reach::Back),
        Event::Released,
        answered(challenge, Answer::Yes, ANN),
        answered(challenge, Answer::No, ANN),
        answered(challenge, Answer::Yes, BOB),
        answered(stranger, Answer::Yes, ANN),
        Event::NotMe { by: ANN },
        Event::NotMe { by: BOB },
        Event::LetIn {
            confirmed: Confirmed::by_operator("olga".into(), "no phone".into()),
            until: None,
        },
        Event::Opened,
        Event::Refused {
            why: "no such list".into(),
        },
        Event::PermitTaken,
        Event::OfferWanted,
        Event::CardWanted,
        extended(Some(FRESH.offer), Actor::Owner { user: ANN }),
        extended(None, Actor::Owner { user: ANN }),
        extended(None, operator.clone()),
        Event::End {
            reason: EndReason::EndedByOperator,
            by: operator,
        },
        Event::DeadlineReached,
    ]
}

/// Does a step ask something of people? Then its text has to be somewhere.
fn asks(out: &Out) -> bool {
    out.effects.iter().any(|effect| {
        matches!(
            effect,
            Effect::Card(..) | Effect::Inform(_) | Effect::Alert(_)
        )
    })
}

#[test]
fn a_step_that_asks_nothing_of_anybody_allocates_nothing() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let policy = Policy::default();
    let mut out = Out {
        effects: Vec::with_capacity(16),
        audit: Vec::with_capacity(16),
    };
    let (mut silent, mut stepped) = (0, 0);
    for session in states(&policy) {
        for event in events() {
            for seconds in [2, 51, 3_700, 82_900, 90_000, 400_000] {
                let context = at(seconds, &policy);
                // Others of this process may allocate meanwhile: what a step itself does, it does each time.
                let allocations = (0..3).map(|_| {
                    let mut session = session.clone();
                    out.clear();
                    let counting = Region::new(COUNTING);
                    let outcome = step(&mut session, &event, &context, &mut out);
                    (counting.change().allocations, outcome, session)
                });
                let (allocations, outcome, after) =
                    allocations.min_by_key(|(count, ..)| *count).unwrap();
                if asks(&out) {
                    continue;
                }
                silent += 1;
                stepped += u32::from(outcome == Outcome::Stepped);
                assert_eq!(
                    allocations, 0,
                    "{:?} by {event:?} at {seconds} s became {:?}",
                    session.state, after.state
                );
            }
        }
    }
    assert!(silent > 1_500, "{silent} such steps");
    assert!(
        stepped > 25,
        "{stepped} of them changed something, the others were ignored"
    );
}

#[test]
fn a_session_is_small() {
    assert!(size_of::<Session>() <= 208, "{} B", size_of::<Session>());
    assert!(size_of::<Tunnel>() <= 160, "{} B", size_of::<Tunnel>());
    assert!(
        size_of::<AccountId>() == 16,
        "an account is an id; its name is read from the desk"
    );
}

/// A hundred thousand sessions with the mirror of their tunnels: what a router's keeper holds for them, without the
/// desk.
#[test]
fn a_hundred_thousand_sessions_with_their_mirror() {
    const SESSIONS: u32 = 100_000;
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let policy = Policy::default();
    let now = Timestamp(1_800_000_000_000);
    let context = StepContext {
        now,
        policy: &policy,
        fresh: FRESH,
    };
    let before = Region::new(COUNTING);
    let mut mirror = Mirror::default();
    let seen = |rows, at| Observed {
        tunnels: Some(Seen {
            asked: Part::All,
            rows,
            at,
        }),
        ..Observed::default()
    };
    let rows = (0..SESSIONS).map(|n| tunnel(n, now)).collect();
    mirror.take_in(seen(rows, now));
    let mut sessions = BTreeMap::new();
    let mut out = Out::default();
    for (n, tunnel) in (0..).zip(mirror.tunnels.values()) {
        out.clear();
        let proof = Confirmed::by_operator("".into(), "".into());
        let session = opening(n).confirmed(tunnel, proof, &context, &mut out);
        sessions.insert(session.id, Box::new(session));
    }
    let shared = bytes(&before) / SESSIONS as usize;

    // Later looks find the same tunnels, with the names that the backend has learnt, and a longer uptime.
    let gone_by = Duration::from_secs(15);
    let again = |tunnel: &Arc<Tunnel>| Tunnel {
        uptime: gone_by,
        seen_at: now + gone_by,
        ..(**tunnel).clone()
    };
    let rows = mirror.tunnels.values().map(again).collect();
    let changes = mirror.take_in(seen(rows, now + gone_by));
    assert_eq!(changes, mikro2fa_core::enforcement::Changes::default());
    let later = bytes(&before) / SESSIONS as usize;

    println!(
        "a session with its tunnel and the mirror's entry: {shared} B, after another look {later} B"
    );
    assert_eq!(sessions.len(), 100_000);
    assert!(shared <= 700, "{shared} B a session");
    assert!(later <= 880, "{later} B a session after another look");
}

fn bytes(region: &Region<'_, System>) -> usize {
    let change = region.change();
    change.bytes_allocated - change.bytes_deallocated
}
