//! What no history breaks.

use std::time::Duration;

use proptest::prelude::*;
use uuid::Uuid;

use super::script::{ANN, BOB, fresh, opening, tunnel};
use crate::{
    id::{ChallengeId, OfferId},
    policy::{Policy, Resume},
    session::{
        Actor, Answer, ChallengeKind, Confirmed, EndReason, Event, Ignored, Out, Outcome, Reach,
        Session, SessionState, StateName, StepContext, step,
    },
    time::Timestamp,
};

/// Ids as they are drawn in a history, and some that are not.
fn challenge() -> impl Strategy<Value = ChallengeId> {
    (0_u128..40).prop_map(|n| ChallengeId::from_uuid(Uuid::from_u128(1_000 + n)))
}

fn offer() -> impl Strategy<Value = Option<OfferId>> {
    prop::option::of((0_u128..40).prop_map(|n| OfferId::from_uuid(Uuid::from_u128(2_000 + n))))
}

fn actor() -> impl Strategy<Value = Actor> {
    prop_oneof![
        Just(Actor::Owner { user: ANN }),
        Just(Actor::Owner { user: BOB }),
        Just(Actor::Operator {
            who: "olga".into(),
            reason: "".into()
        }),
        Just(Actor::Router),
        Just(Actor::Policy),
    ]
}

/// An event, or an answer to whatever is asked now.
#[derive(Clone, Debug)]
enum Move {
    Event(Event),
    AnswerNow(Answer),
    DeliverNow,
    Deadline,
    Tunnel(u8, bool),
    Resume(u8, bool),
}

fn moves() -> impl Strategy<Value = Move> {
    let users = prop_oneof![Just(ANN), Just(BOB)];
    let answers = prop_oneof![Just(Answer::Yes), Just(Answer::No)];
    let reasons = prop_oneof![Just(EndReason::EndedByUser), Just(EndReason::UserSuspended)];
    prop_oneof![
        4 => Just(Move::AnswerNow(Answer::Yes)),
        1 => Just(Move::AnswerNow(Answer::No)),
        3 => Just(Move::DeliverNow),
        4 => Just(Move::Deadline),
        2 => (1_u8..5, any::<bool>()).prop_map(|(n, home)| Move::Tunnel(n, home)),
        2 => (1_u8..5, any::<bool>()).prop_map(|(n, home)| Move::Resume(n, home)),
        4 => Just(Move::Event(Event::Opened)),
        1 => Just(Move::Event(Event::AccountReady)),
        1 => Just(Move::Event(Event::RequestedAgain)),
        2 => Just(Move::Event(Event::TunnelGone)),
        1 => Just(Move::Event(Event::GhostSuspected)),
        1 => Just(Move::Event(Event::MessengerBack)),
        1 => Just(Move::Event(Event::Router(Reach::Away))),
        1 => Just(Move::Event(Event::Router(Reach::Back))),
        1 => Just(Move::Event(Event::PermitTaken)),
        1 => Just(Move::Event(Event::OfferWanted)),
        1 => Just(Move::Event(Event::CardWanted)),
        1 => Just(Move::Event(Event::Released)),
        1 => users.clone().prop_map(|by| Move::Event(Event::NotMe { by })),
        2 => (challenge(), answers, users).prop_map(|(challenge, answer, by)| {
            Move::Event(Event::Answered { challenge, answer, by })
        }),
        1 => challenge().prop_map(|challenge| Move::Event(Event::Undeliverable { challenge })),
        2 => (offer(), 0_u32..300, actor())
            .prop_map(|(offer, minutes, by)| Move::Event(Event::Extended { offer, minutes, by })),
        1 => (reasons, actor()).prop_map(|(reason, by)| Move::Event(Event::End { reason, by })),
        1 => Just(Move::Event(Event::Refused { why: "no".into() })),
        1 => (0_i64..90_000).prop_map(|s| {
            Move::Event(Event::MessengerAway { since: Timestamp(s * 1000) })
        }),
    ]
}

fn policies() -> impl Strategy<Value = Policy> {
    (
        1_u64..7200,
        60_u64..100_000,
        0_u64..10_000,
        0_u64..120,
        0_u8..3,
    )
        .prop_map(|(timeout, duration, before, grace, resume)| Policy {
            confirmation_timeout: Duration::from_secs(timeout),
            session_duration: Duration::from_secs(duration),
            max_total: Duration::from_secs(duration * 2),
            reminder_before: Duration::from_secs(before),
            reconnect_grace: Duration::from_secs(grace),
            resume: [Resume::Off, Resume::PrivateCaller, Resume::AnyCaller][usize::from(resume)],
            ..Policy::default()
        })
}

/// What a history has shown so far, kept beside the machine and by other means.
struct Witness {
    /// Confirmed by whom it may be: set by an owner's yes to the open question, in its time.
    proven: bool,
    started_at: Option<Timestamp>,
}

fn event_of(session: &Session, what: &Move, now: Timestamp) -> Event {
    let open = match &session.state {
        SessionState::Challenged { challenge, .. } => challenge.id,
        _ => ChallengeId::from_uuid(Uuid::from_u128(1)),
    };
    let caller = |home: bool| if home { "203.0.113.7" } else { "198.51.100.9" };
    match what {
        Move::Event(event) => event.clone(),
        Move::AnswerNow(answer) => Event::Answered {
            challenge: open,
            answer: *answer,
            by: ANN,
        },
        Move::DeliverNow => Event::Delivered { challenge: open },
        Move::Deadline => Event::DeadlineReached,
        Move::Tunnel(n, home) => Event::TunnelUp {
            tunnel: tunnel(*n, caller(*home), now),
            kind: ChallengeKind::Requested,
            first_time: false,
        },
        Move::Resume(n, home) => Event::Resumed {
            tunnel: tunnel(*n, caller(*home), now),
        },
    }
}

#[expect(
    clippy::too_many_arguments,
    reason = "everything that one step had and made"
)]
fn watch(
    before: &Session,
    event: &Event,
    outcome: Outcome,
    after: &Session,
    out: &Out,
    now: Timestamp,
    policy: &Policy,
    witness: &mut Witness,
) {
    // Ignored changes nothing.
    if let Outcome::Ignored(_) = outcome {
        assert_eq!(before, after, "ignored, and changed: {event:?}");
        assert_eq!(
            *out,
            Out::default(),
            "ignored, and asked for something: {event:?}"
        );
    }
    // Nothing opens what has ended.
    if before.is_ended() {
        assert!(after.is_ended(), "{event:?} opened what had ended");
    }
    // Property 2: nobody gets in without an answer of the owner to the open question.
    if let (
        SessionState::Challenged { challenge, .. },
        Event::Answered {
            challenge: id,
            answer,
            by,
        },
    ) = (&before.state, event)
    {
        let good = *id == challenge.id && *by == ANN && *answer == Answer::Yes;
        witness.proven |= good && outcome == Outcome::Stepped;
    }
    if matches!(event, Event::LetIn { .. }) && outcome == Outcome::Stepped {
        witness.proven = true;
    }
    if let Some(access) = after.access() {
        assert!(witness.proven, "confirmed by nobody: {event:?}");
        let started_at = *witness.started_at.get_or_insert(access.started_at);
        assert_eq!(
            access.started_at, started_at,
            "the end counts from the one answer"
        );
        assert!(
            access.expires_at <= started_at + policy.max_total,
            "longer than the most"
        );
        // Extensions never shorten.
        if let Some(old) = before.access() {
            assert!(access.expires_at >= old.expires_at);
        }
    }
    // Property 3: nothing passes past its end.
    if let Some((_, expires_at)) = after.lets_through(now) {
        assert!(now < expires_at);
    }
    // Property 4, the machine's part: another tunnel gets in only by its own answer or by the rules of resuming.
    if let (Some((old, _)), Some((new, _))) = (before.lets_through(now), after.lets_through(now)) {
        assert_eq!(
            old.key, new.key,
            "a permit moved to another tunnel: {event:?}"
        );
    }
    // Property 6: every transition is in the audit log.
    if before.state.name() != after.state.name() {
        assert!(
            !out.audit.is_empty(),
            "no word of {event:?} in the audit log"
        );
    }
    // What is open has an end.
    if after.is_open()
        && !matches!(&after.state, SessionState::Challenged { challenge, .. }
        if challenge.paused_at.is_some())
    {
        assert!(after.deadline().is_some(), "open for ever: {after:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, ..ProptestConfig::default() })]

    #[test]
    fn no_history_breaks_the_rules(
        policy in policies(),
        requested in any::<bool>(),
        history in prop::collection::vec((0_u64..20_000, moves()), 1..40),
    ) {
        let mut now = Timestamp(0);
        let mut out = Out::default();
        let context = StepContext { now, policy: &policy, fresh: fresh(0) };
        let first = tunnel(1, "203.0.113.7", now);
        let mut session = if requested {
            opening().requested(&context, &mut out)
        } else {
            opening().challenged(&first, &ChallengeKind::Unrequested, true, &context, &mut out)
        };
        let mut witness = Witness { proven: false, started_at: None };
        for (n, (pause, what)) in history.iter().enumerate() {
            // Now and then exactly at the deadline: that is where mistakes are.
            now = match session.deadline() {
                Some(at) if pause % 3 == 0 && at > now => at,
                _ => now + Duration::from_millis(*pause * (pause % 7)),
            };
            let context = StepContext { now, policy: &policy, fresh: fresh(n as u128 + 1) };
            let event = event_of(&session, what, now);
            let before = session.clone();
            out.clear();
            let outcome = step(&mut session, &event, &context, &mut out);
            watch(&before, &event, outcome, &session, &out, now, &policy, &mut witness);

            // A deadline that is reached moves something, and an early call nothing.
            let due = session.deadline();
            let before = session.clone();
            out.clear();
            let context = StepContext { now, policy: &policy, fresh: fresh(n as u128 + 500) };
            let outcome = step(&mut session, &Event::DeadlineReached, &context, &mut out);
            match due {
                Some(at) if at <= now => prop_assert_eq!(outcome, Outcome::Stepped, "stuck: {:?}", before),
                _ => prop_assert!(matches!(outcome, Outcome::Ignored(_)), "too early: {:?}", before),
            }
            watch(&before, &Event::DeadlineReached, outcome, &session, &out, now, &policy, &mut witness);
        }
    }

    /// Property 5: what is applied twice has the effect of once.
    #[test]
    fn twice_is_once(
        policy in policies(),
        history in prop::collection::vec((0_u64..5_000, moves()), 1..25),
    ) {
        let mut now = Timestamp(0);
        let mut out = Out::default();
        let context = StepContext { now, policy: &policy, fresh: fresh(0) };
        let first = tunnel(1, "203.0.113.7", now);
        let mut session =
            opening().challenged(&first, &ChallengeKind::Unrequested, true, &context, &mut out);
        for (n, (pause, what)) in history.iter().enumerate() {
            now = now + Duration::from_millis(*pause);
            let context = StepContext { now, policy: &policy, fresh: fresh(n as u128 + 1) };
            let event = event_of(&session, what, now);
            out.clear();
            step(&mut session, &event, &context, &mut out);
            let once = session.clone();
            // An operator's word moves the end as often as it is given, and a tunnel comes up once.
            let counts = matches!(&event, Event::TunnelUp { .. })
                || matches!(&event, Event::Extended { by: Actor::Operator { .. }, .. });
            if !counts {
                out.clear();
                step(&mut session, &event, &context, &mut out);
                prop_assert_eq!(&session, &once, "{:?} twice", event);
            }
            session = once;
        }
    }
}

#[test]
fn a_policy_that_asks_cannot_confirm() {
    let asking = Policy::default();
    assert_eq!(Confirmed::by_policy(&asking, 1), None);
    let open = Policy {
        require_confirmation: false,
        ..Policy::default()
    };
    assert!(Confirmed::by_policy(&open, 1).is_some());
}

#[test]
fn a_deadline_in_the_future_is_early() {
    let policy = Policy::default();
    let mut out = Out::default();
    let context = StepContext {
        now: Timestamp(0),
        policy: &policy,
        fresh: fresh(0),
    };
    let mut session = opening().requested(&context, &mut out);
    let outcome = step(&mut session, &Event::DeadlineReached, &context, &mut out);
    assert_eq!(outcome, Outcome::Ignored(Ignored::Early));
    assert_eq!(session.state.name(), StateName::Requested);
}
