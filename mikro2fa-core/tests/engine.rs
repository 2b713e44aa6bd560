//! The engine's whole life over ports in memory.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::{net::Ipv4Addr, sync::Arc, time::Duration};

use mikro2fa_core::{
    engine::{EngineHandle, Fed, Requested},
    id::{AccountId, RouterId, SessionId, UserId},
    notifier::{Alert, Card},
    session::{Actor, Answer, EndReason, Session, SessionState, StateName},
    store::Store,
    testing::{
        CommitFault, Desk, Dial, Line, ManualClock, MemoryRouter, MemoryStore, RecordingNotifier,
    },
    time::{Clock, Timestamp},
};

#[path = "support/engine.rs"]
mod support;
#[path = "support/witness.rs"]
mod witness;

use support::start;
use witness::Witness;

const START: Timestamp = Timestamp(1_800_000_000_000);

struct World {
    clock: Arc<ManualClock>,
    store: MemoryStore,
    router: MemoryRouter,
    notifier: RecordingNotifier,
    handle: EngineHandle,
    engine: tokio::task::JoinHandle<()>,
    office: RouterId,
    ann: UserId,
    account: AccountId,
}

impl World {
    async fn new() -> Self {
        Self::by(Arc::clone).await
    }

    /// With an engine that goes by a clock made of the world's.
    async fn by<C: Clock + 'static>(engines: impl FnOnce(&Arc<ManualClock>) -> Arc<C>) -> Self {
        let clock = Arc::new(ManualClock::new(START));
        let store = MemoryStore::new(clock.clone());
        let mut desk = Desk::new(START);
        let office = desk.router("office");
        let ann = desk.user("Ann", 1001);
        let account = desk.account(office, "ann", Some(ann));
        let bob = desk.user("Bob", 1002);
        desk.account(office, "bob", Some(bob));
        desk.fill(&store).await.unwrap();
        let router = MemoryRouter::new(office, clock.clone());
        router.account("ann");
        router.account("bob");
        let notifier = RecordingNotifier::new(clock.clone());
        let by = engines(&clock);
        let (handle, engine) = start(&store, &router, &notifier, &by, 1).await;
        let world = Self {
            clock,
            store,
            router,
            notifier,
            handle,
            engine,
            office,
            ann,
            account,
        };
        world.handle.settled().await;
        world
    }

    async fn restart(&mut self) {
        self.engine.abort();
        let _ = (&mut self.engine).await;
        let (handle, engine) =
            start(&self.store, &self.router, &self.notifier, &self.clock, 2).await;
        self.handle = handle;
        self.engine = engine;
        self.handle.settled().await;
    }

    async fn seconds(&self, n: u64) {
        let settled = async || {
            // A router's hint is on its way until its listener has been polled.
            for _ in 0..4 {
                tokio::task::yield_now().await;
            }
            self.handle.settled().await;
        };
        self.clock.advance(Duration::from_secs(n), settled).await;
    }

    fn dial(&self, account: &str, last: u8, from: &str) -> Line {
        self.router
            .dial(&Dial::new(account, Ipv4Addr::new(10, 8, 0, last)).from(from))
            .unwrap()
    }

    async fn session(&self, id: SessionId) -> Session {
        self.store.session(id).await.unwrap().unwrap()
    }

    async fn state(&self, id: SessionId) -> StateName {
        self.session(id).await.state.name()
    }

    async fn request(&self) -> SessionId {
        let requested = self
            .handle
            .request_access(self.ann, self.account, self.office, None)
            .await
            .unwrap();
        self.handle.settled().await;
        match requested {
            Requested::Opened(id) => id,
            other => panic!("{other:?}"),
        }
    }

    async fn answer(&self, id: SessionId, answer: Answer) -> Fed {
        let (session, challenge) = self.notifier.question_to(self.ann).expect("a question");
        assert_eq!(session, id);
        let fed = self
            .handle
            .answer(session, challenge, answer, self.ann, None)
            .await
            .unwrap();
        self.handle.settled().await;
        fed
    }

    /// Requested, dialled, confirmed and open.
    async fn open(&self) -> (SessionId, Line) {
        let id = self.request().await;
        let card = self.notifier.card(id);
        assert!(matches!(card, Some(Card::ConnectNow { .. })), "{card:?}");
        let line = self.dial("ann", 4, "203.0.113.7");
        self.seconds(1).await;
        assert_eq!(self.state(id).await, StateName::Challenged);
        assert!(!self.router.passes(line));
        self.answer(id, Answer::Yes).await;
        assert_eq!(self.state(id).await, StateName::Active);
        assert!(self.router.passes(line));
        (id, line)
    }
}

#[tokio::test]
async fn a_whole_life() {
    let world = World::new().await;
    let (id, line) = world.open().await;
    world.seconds(22 * 3600).await;
    assert_eq!(world.state(id).await, StateName::Active);
    assert!(
        world.router.passes(line),
        "the lease was renewed for 22 hours"
    );
    world.seconds(3600 + 60).await;
    assert_eq!(world.state(id).await, StateName::Expiring);
    let Some(Card::Reminder {
        offer,
        choices,
        until,
    }) = world.notifier.card(id)
    else {
        panic!("{:?}", world.notifier.card(id));
    };
    assert_eq!(choices.len(), 2);
    let by = Actor::Owner { user: world.ann };
    world
        .handle
        .extend(id, Some(offer), 60, by, None)
        .await
        .unwrap();
    world.seconds(3600).await;
    assert!(world.router.passes(line), "extended");
    world.seconds(3600).await;
    let session = world.session(id).await;
    assert!(matches!(
        session.state,
        SessionState::Ended {
            reason: EndReason::Expired,
            ..
        }
    ));
    assert!(world.clock.now() > until);
    assert!(world.router.line(line).is_none(), "cut at the end");
    assert_eq!(world.router.permits(), []);
}

/// A clock that is moved once nothing is in flight moves nobody past their time: also where threads go to sleep and wake while
/// it is moved.
#[tokio::test]
async fn whoever_sleeps_was_in_flight_until_then_and_is_again_from_then_on() {
    let mut witness = None;
    let world = World::by(|clock| {
        let watching = Witness::new(Arc::clone(clock));
        witness = Some(watching.clone());
        Arc::new(watching)
    })
    .await;
    let witness = witness.unwrap();
    witness.watch(&world.handle);
    world.open().await;
    world
        .store
        .next_commit(CommitFault::Unknown { done: false });
    world.handle.messenger(Some(world.clock.now()));
    world.seconds(24 * 3600).await;
    let seen = witness.seen();
    assert!(seen.asleep > 5_000 && seen.woken > 5_000, "{seen:?}");
    assert_eq!(seen.gaps, 0, "{seen:?}");
}

#[tokio::test]
async fn not_me_cuts_and_bans() {
    let world = World::new().await;
    let id = world.request().await;
    let line = world.dial("ann", 4, "203.0.113.7");
    world.seconds(1).await;
    world.answer(id, Answer::No).await;
    assert!(world.router.line(line).is_none());
    let again = world.dial("ann", 4, "203.0.113.7");
    world.seconds(20).await;
    assert!(!world.router.passes(again));
    assert_eq!(world.notifier.questions(), []);
    let refused = world
        .handle
        .request_access(world.ann, world.account, world.office, None)
        .await;
    assert!(matches!(refused, Ok(Requested::Refused(_))), "{refused:?}");
}

#[tokio::test]
async fn a_dead_engine_leaves_the_gate_to_the_lease() {
    let mut world = World::new().await;
    let (id, line) = world.open().await;
    world.engine.abort();
    tokio::task::yield_now().await;
    let at = world.clock.now();
    assert!(world.router.passes_at(line, at + Duration::from_secs(299)));
    assert!(!world.router.passes_at(line, at + Duration::from_secs(602)));
    world.clock.advance_to(at + Duration::from_secs(700));
    world.restart().await;
    assert_eq!(world.state(id).await, StateName::Active);
    assert!(
        world.router.passes(line),
        "the same tunnel: refilled after a look"
    );
}

#[tokio::test]
async fn an_address_that_somebody_else_gets_is_shut() {
    let world = World::new().await;
    let (_, line) = world.open().await;
    let bob = Dial::new("bob", Ipv4Addr::new(10, 8, 0, 4)).from("198.51.100.1");
    let bobs = world.router.hand_over(line, &bob).unwrap();
    world.handle.tunnels_changed(world.office).await.unwrap();
    world.seconds(1).await;
    assert!(!world.router.passes(bobs));
    assert_eq!(world.router.permits(), []);
}

#[tokio::test]
async fn a_dropped_line_resumes_without_a_question() {
    let world = World::new().await;
    let (id, line) = world.open().await;
    world.seconds(60).await;
    world.router.hang_up(line);
    world.seconds(16).await;
    assert_eq!(world.state(id).await, StateName::Grace);
    let line = world.dial("ann", 5, "203.0.113.7");
    world.seconds(16).await;
    assert_eq!(world.state(id).await, StateName::Active);
    assert!(world.router.passes(line));
    assert!(matches!(
        world.notifier.card(id),
        Some(Card::Resumed { .. })
    ));
}

#[tokio::test]
async fn an_unrequested_tunnel_is_held_and_a_yes_opens_it() {
    let world = World::new().await;
    let line = world.dial("ann", 4, "203.0.113.7");
    world.seconds(16).await;
    assert!(!world.router.passes(line));
    let (id, _) = world.notifier.question_to(world.ann).expect("one message");
    world.answer(id, Answer::Yes).await;
    assert!(world.router.passes(line));
}

#[tokio::test]
async fn an_unanswered_question_ends_and_is_asked_again_on_request() {
    let world = World::new().await;
    let first = world.request().await;
    let line = world.dial("ann", 4, "203.0.113.7");
    world.seconds(16).await;
    world.seconds(301).await;
    let session = world.session(first).await;
    assert!(
        matches!(
            session.state,
            SessionState::Ended {
                reason: EndReason::Unanswered,
                ..
            }
        ),
        "{session:?}"
    );
    assert!(world.router.line(line).is_some(), "held, not cut");
    assert!(!world.router.passes(line));
    let second = world.request().await;
    assert_eq!(
        world.state(second).await,
        StateName::Challenged,
        "the held tunnel is asked about"
    );
    world.answer(second, Answer::Yes).await;
    assert!(world.router.passes(line));
}

#[tokio::test]
async fn a_router_away_at_the_tap_opens_when_it_is_back() {
    let world = World::new().await;
    let id = world.request().await;
    let line = world.dial("ann", 4, "203.0.113.7");
    world.seconds(16).await;
    world
        .router
        .away_until(world.clock.now() + Duration::from_secs(600));
    world.answer(id, Answer::Yes).await;
    assert_eq!(world.state(id).await, StateName::Opening);
    assert!(matches!(
        world.notifier.card(id),
        Some(Card::OpeningNoContact)
    ));
    world.seconds(640).await;
    assert_eq!(world.state(id).await, StateName::Active);
    assert!(world.router.passes(line));
}

#[tokio::test]
async fn operators_are_told_once_of_a_person_who_cannot_be_asked() {
    let world = World::new().await;
    world.notifier.block(world.ann, true);
    let line = world.dial("ann", 4, "203.0.113.7");
    world.seconds(16).await;
    assert!(!world.router.passes(line));
    let told = |world: &World| {
        let alerts = world.notifier.alerts();
        alerts
            .iter()
            .filter(|alert| matches!(alert, Alert::UserUnreachable { .. }))
            .count()
    };
    assert_eq!(told(&world), 1);
    world.router.hang_up(line);
    world.seconds(16).await;
    world.dial("ann", 5, "203.0.113.7");
    world.seconds(16).await;
    assert_eq!(told(&world), 1, "once");
    let user = world
        .handle
        .directory()
        .user(world.ann)
        .await
        .unwrap()
        .unwrap();
    assert!(user.unreachable);
}

// ---- what was found to be doubtful -------------------------------------------------------------

/// Killed between an answer and its permit, and dead for longer than opening may take: opened all the same, if its
/// tunnel is still there.
#[tokio::test]
async fn a_restart_gives_opening_its_time_again() {
    let mut world = World::new().await;
    let id = world.request().await;
    let line = world.dial("ann", 4, "203.0.113.7");
    world.seconds(1).await;
    let (session, challenge) = world.notifier.question_to(world.ann).unwrap();
    // The look that comes before the permit takes its time.
    world.router.latency(10_000);
    let yes = world
        .handle
        .answer(session, challenge, Answer::Yes, world.ann, None);
    assert!(matches!(yes.await.unwrap(), Fed::Stepped(_)));
    world.engine.abort();
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.state(id).await, StateName::Opening);
    assert!(!world.router.passes(line));
    world.router.latency(0);
    world
        .clock
        .advance_to(world.clock.now() + Duration::from_secs(600));
    world.restart().await;
    world.seconds(1).await;
    assert_eq!(world.state(id).await, StateName::Active);
    assert!(world.router.passes(line));
}

/// The window of a request that is there already counts as renewed when that is written down, not before.
#[tokio::test]
async fn asked_again_is_answered_when_the_new_window_is_durable() {
    let world = World::new().await;
    let id = world.request().await;
    world.seconds(600).await;
    let window = |session: &Session| session.deadline().unwrap();
    let before = window(&world.session(id).await);
    world
        .store
        .away_until(world.clock.now() + Duration::from_secs(10));
    let again = tokio::spawn({
        let (handle, ann, account, office) =
            (world.handle.clone(), world.ann, world.account, world.office);
        async move { handle.request_access(ann, account, office, None).await }
    });
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(!again.is_finished(), "nothing is written yet");
    world.seconds(30).await;
    let Requested::Exists(told) = again.await.unwrap().unwrap() else {
        panic!("it is there");
    };
    assert_eq!(told.id, id);
    let after = window(&world.session(id).await);
    assert!(after > before, "renewed");
    assert_eq!(window(&told), after, "told as it is written");
}

/// Whoever has a router's key can hint as often as they like: looks keep their distance, and the last hint is not lost.
#[tokio::test]
async fn a_flood_of_hints_causes_few_looks() {
    let world = World::new().await;
    world.router.lose_hints(true);
    let before = world.router.looks();
    for _ in 0..1_000 {
        world.handle.tunnels_changed(world.office).await.unwrap();
        world.handle.settled().await;
    }
    let looks = world.router.looks() - before;
    assert!((1..=21).contains(&looks), "{looks} looks");
    world.dial("ann", 4, "203.0.113.7");
    world.handle.tunnels_changed(world.office).await.unwrap();
    world.seconds(2).await;
    assert!(world.notifier.question_to(world.ann).is_some());
}

/// The database breaks off while the delivery of a question is written down: nothing is in flight until it is tried
/// again, or a manual clock would wait for ever.
#[tokio::test]
async fn an_unknown_outcome_of_a_delivery_lets_the_clock_go_on() {
    let world = World::new().await;
    world.request().await;
    world.notifier.latency(50);
    let line = world.dial("ann", 4, "203.0.113.7");
    let asked = || !world.store.outbox().is_empty();
    for _ in 0..100_000 {
        if asked() {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert!(asked(), "a question is on its way");
    world.store.next_commit(CommitFault::Unknown { done: true });
    world
        .store
        .next_commit(CommitFault::Unknown { done: false });
    let settled = tokio::spawn({
        let handle = world.handle.clone();
        async move { handle.settled().await }
    });
    for _ in 0..100_000 {
        if settled.is_finished() {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert!(settled.is_finished(), "nothing is in flight");
    world.seconds(5).await;
    let (session, challenge) = world.notifier.question_to(world.ann).unwrap();
    let yes = world
        .handle
        .answer(session, challenge, Answer::Yes, world.ann, None);
    assert!(matches!(yes.await.unwrap(), Fed::Stepped(_)));
    world.seconds(1).await;
    assert!(world.router.passes(line));
}

/// However much there is to write down: while the database cannot, what has to be closed is closed.
#[tokio::test]
async fn closing_does_not_wait_for_a_database_with_much_to_write() {
    let world = World::new().await;
    let (id, line) = world.open().await;
    // More strangers than the way to the database has room for, with what one transaction takes.
    for n in 0..1_700_u32 {
        let [_, _, high, low] = n.to_be_bytes();
        let name = format!("stranger{n}");
        world.router.account(&name);
        let dial = Dial::new(&name, Ipv4Addr::new(10, 9, high, low));
        world.router.dial(&dial).unwrap();
    }
    world
        .store
        .full_until(world.clock.now() + Duration::from_secs(300_000));
    world.seconds(2).await;
    assert!(world.router.passes(line));
    let ending = tokio::spawn({
        let handle = world.handle.clone();
        let by = Actor::Operator {
            who: "Olga".into(),
            reason: "lunch".into(),
        };
        async move { handle.end(id, by, None).await }
    });
    world.seconds(5).await;
    assert!(!world.router.passes(line));
    assert!(world.router.line(line).is_none(), "cut");
    assert!(!ending.is_finished(), "said when it is written");
}
