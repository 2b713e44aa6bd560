//! How many steps a second sessions make, beside the least that such a loop can cost.
//!
//! The limit is a hash look-up and a table look-up for each event, on records of 32 bytes. Sessions are larger, so
//! the same loop on records of their size, and with look-ups that wait for one another as steps do whose next branch
//! hangs on what they read, says how much of the rest is memory. What is measured: the machine, with the account's
//! policy and the deadline that follows from each step; and the same as a keeper does it, where sessions are in
//! order of their ids, and a copy is stepped that becomes current when it is durable. Time goes on, and deadlines
//! that are reached are events like others.
//!
//! `cargo bench --bench session_step`

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "the bench's own arithmetic"
)]

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap, HashMap},
    hint::black_box,
    net::Ipv4Addr,
    sync::Arc,
    time::Duration,
};

use mikro2fa_core::{
    id::{AccountId, ChallengeId, OfferId, RouterId, SessionId, UserId},
    policy::Policy,
    session::{
        Answer, ChallengeKind, Event, Fresh, Opening, Out, Outcome, Reach, Session, StepContext,
        step,
    },
    time::Timestamp,
    tunnel::{Addresses, Caller, Service, Tunnel, TunnelKey, TunnelSource},
};
use uuid::Uuid;

#[path = "shared/measure.rs"]
mod measure;

use measure::{Xorshift, beside, figure, heading, median, processor, rate, sized};

const ANN: UserId = UserId::from_uuid(Uuid::from_u128(1));
const ROUTER: RouterId = RouterId::from_uuid(Uuid::from_u128(2));
const FRESH: Fresh = Fresh {
    challenge: ChallengeId::from_uuid(Uuid::from_u128(3)),
    offer: OfferId::from_uuid(Uuid::from_u128(4)),
};
const SEED: u64 = 88_172_645_463_325_252;

fn main() {
    for sessions in sized([1_000, 100_000], [100, 1_000]) {
        measure(sessions, sized(2_000_000, 20_000));
    }
}

fn measure(sessions: usize, steps: usize) {
    heading(&format!(
        "{sessions} sessions, {steps} steps a round, one thread"
    ));
    let mut rounds: [Vec<f64>; 5] = [const { Vec::new() }; 5];
    for _ in 0..sized(5, 1) {
        rounds[0].push(limit::<8, false>(sessions, steps));
        rounds[1].push(limit::<52, false>(sessions, steps));
        rounds[2].push(limit::<52, true>(sessions, steps));
        rounds[3].push(run(Hashed::new(sessions), sessions, steps));
        rounds[4].push(run(Kept::new(sessions), sessions, steps));
    }
    let [limit, large, waiting, hashed, kept] = rounds.map(median);
    let shown = |what, value| beside(what, value, "steps/s", limit);
    figure("limit: look-ups, records of 32 bytes", limit, "steps/s");
    shown("  records of a session's 208 bytes", large);
    shown("  and each look-up waits for the one before", waiting);
    shown("step, policy and deadline, in a hash map", hashed);
    shown("step as a keeper does: a copy, in order", kept);
    let machine = "  the machine beside look-ups that wait";
    beside(machine, hashed, "steps/s", waiting);
}

/// The least: a transition is one byte in a table.
fn limit<const WORDS: usize, const WAITS: bool>(sessions: usize, steps: usize) -> f64 {
    let table: Vec<u8> = (0..48).map(|i| ((i * 7 + 3) % 6) as u8).collect();
    let key = |n: u64| n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let records = (0..sessions as u64).map(|n| (key(n), [0; WORDS]));
    let mut map: HashMap<u64, [u32; WORDS]> = records.collect();
    let mut random = Xorshift(SEED);
    let begun = processor();
    for _ in 0..steps {
        let x = random.next();
        let session = map.get_mut(&key(x % sessions as u64)).unwrap();
        let event = (x >> 40) as usize & 7;
        session[0] = u32::from(table[session[0] as usize * 8 + event]);
        session[1] = session[1].wrapping_add(1);
        session[WORDS - 1 - (event & 3)] = x as u32;
        if WAITS {
            random.0 ^= u64::from(session[1]) | 1;
        }
    }
    let took = processor() - begun;
    black_box(&map);
    rate(steps, took)
}

// ---- the sessions and what happens to them -----------------------------------------------------------------------

fn session_id(n: usize) -> SessionId {
    SessionId::from_uuid(Uuid::from_u128(0x1000_0000 + n as u128))
}

const fn number(id: SessionId) -> usize {
    (id.as_uuid().as_u128() - 0x1000_0000) as usize
}

fn tunnel(handle: &str) -> Arc<Tunnel> {
    Arc::new(Tunnel {
        key: TunnelKey {
            router: ROUTER,
            source: TunnelSource::Ppp,
            handle: handle.into(),
            nonce: Some("0x81200000".into()),
        },
        account: "ann".into(),
        service: Service::L2tp,
        addresses: Addresses {
            v4: Some(Ipv4Addr::new(10, 8, 0, 4)),
            v6: Vec::new(),
        },
        caller: Some(Caller::Ip(Ipv4Addr::new(203, 0, 113, 7).into())),
        uptime: Duration::ZERO,
        seen_at: Timestamp(0),
    })
}

/// A question about a new tunnel: how most sessions begin.
fn begin(n: usize, tunnel: &Arc<Tunnel>, context: &StepContext<'_>, out: &mut Out) -> Session {
    let opening = Opening {
        id: session_id(n),
        router: ROUTER,
        account: AccountId::from_uuid(Uuid::from_u128(0x2000_0000 + n as u128)),
        owner: ANN,
        trial: false,
    };
    opening.challenged(tunnel, &ChallengeKind::Requested, false, context, out)
}

/// Each makes sense somewhere in a session's life; a reconnect comes as one of two tunnels.
fn events() -> [Event; 16] {
    let challenge = FRESH.challenge;
    let events = |handle| {
        [
            Event::Delivered { challenge },
            Event::Answered {
                challenge,
                answer: Answer::Yes,
                by: ANN,
            },
            Event::Opened,
            Event::Router(Reach::Away),
            Event::Router(Reach::Back),
            Event::TunnelGone,
            Event::Resumed {
                tunnel: tunnel(handle),
            },
            Event::DeadlineReached,
        ]
    };
    let [a, b] = ["*A", "*B"].map(events);
    let mut both = a.into_iter().chain(b);
    std::array::from_fn(|_| both.next().unwrap())
}

/// Where sessions are kept.
trait Sessions {
    fn get(&mut self, n: usize) -> (&mut Session, &mut Option<Timestamp>);

    /// Is a copy stepped?
    const COPIES: bool;
}

/// Each session beside the deadline that was set for it.
struct Hashed(HashMap<SessionId, (Session, Option<Timestamp>)>);

struct Kept(BTreeMap<SessionId, (Box<Session>, Option<Timestamp>)>);

fn first(n: usize) -> Session {
    let policy = Policy::default();
    let context = StepContext {
        now: Timestamp(0),
        policy: &policy,
        fresh: FRESH,
    };
    let own = tunnel(&format!("*{n:X}"));
    begin(n, &own, &context, &mut Out::default())
}

impl Hashed {
    fn new(count: usize) -> Self {
        let all = (0..count).map(|n| (session_id(n), (first(n), None)));
        Self(all.collect())
    }
}

impl Kept {
    fn new(count: usize) -> Self {
        let all = (0..count).map(|n| (session_id(n), (Box::new(first(n)), None)));
        Self(all.collect())
    }
}

impl Sessions for Hashed {
    fn get(&mut self, n: usize) -> (&mut Session, &mut Option<Timestamp>) {
        let (session, due) = self.0.get_mut(&session_id(n)).unwrap();
        (session, due)
    }

    const COPIES: bool = false;
}

impl Sessions for Kept {
    fn get(&mut self, n: usize) -> (&mut Session, &mut Option<Timestamp>) {
        let (session, due) = self.0.get_mut(&session_id(n)).unwrap();
        (session, due)
    }

    const COPIES: bool = true;
}

// ---- the loop ----------------------------------------------------------------------------------------------------

struct Loop<S> {
    sessions: S,
    policies: Vec<Policy>,
    /// What sessions begin anew with.
    tunnels: Vec<Arc<Tunnel>>,
    /// A deadline that was replaced stays, and is passed over.
    deadlines: BinaryHeap<Reverse<(Timestamp, SessionId)>>,
    out: Out,
    changed: usize,
    reached: usize,
}

fn run<S: Sessions>(sessions: S, count: usize, steps: usize) -> f64 {
    let hours = |n: u64| Duration::from_secs(n * 3_600);
    let policies = (1..=16).map(|n| Policy {
        session_duration: hours(n),
        ..Policy::default()
    });
    let mut all = Loop {
        sessions,
        policies: policies.collect(),
        tunnels: (0..1_024).map(|n| tunnel(&format!("*F{n:X}"))).collect(),
        deadlines: BinaryHeap::new(),
        out: Out::default(),
        changed: 0,
        reached: 0,
    };
    let events = events();
    for n in 0..count {
        all.set_deadline(n);
    }
    let mut random = Xorshift(SEED);
    let mut made = 0;
    let begun = processor();
    while made < steps {
        // Something happens to a session every ten seconds.
        let now = Timestamp((made * 10_000 / count) as i64);
        while let Some(n) = all.due(now) {
            all.reached += 1;
            all.step(n, &Event::DeadlineReached, now);
            made += 1;
        }
        for _ in 0..1_024 {
            let x = random.next();
            let n = (x % count as u64) as usize;
            all.step(n, &events[(x >> 40) as usize & 15], now);
        }
        made += 1_024;
    }
    let took = processor() - begun;
    let share = |part: usize| 100 * part / made;
    let changed = share(all.changed);
    assert!(
        changed >= 15,
        "only {changed} % of the steps changed anything"
    );
    assert!(
        all.reached > 0 || steps < 100_000,
        "no deadline was reached"
    );
    rate(made, took)
}

impl<S: Sessions> Loop<S> {
    /// The next session whose deadline is reached.
    fn due(&mut self, now: Timestamp) -> Option<usize> {
        while let Some(&Reverse((at, id))) = self.deadlines.peek() {
            if at > now {
                return None;
            }
            self.deadlines.pop();
            let (_, due) = self.sessions.get(number(id));
            if *due == Some(at) {
                *due = None;
                return Some(number(id));
            }
        }
        None
    }

    fn set_deadline(&mut self, n: usize) {
        let (session, due) = self.sessions.get(n);
        let next = session.deadline();
        if next != *due {
            *due = next;
            if let Some(at) = next {
                self.deadlines.push(Reverse((at, session.id)));
            }
        }
    }

    fn step(&mut self, n: usize, event: &Event, now: Timestamp) {
        let context = StepContext {
            now,
            policy: &self.policies[n % 16],
            fresh: FRESH,
        };
        let (session, due) = self.sessions.get(n);
        self.out.clear();
        if session.is_ended() {
            let own = &self.tunnels[n % 1_024];
            *session = begin(n, own, &context, &mut self.out);
        } else if S::COPIES {
            let mut next = session.clone();
            if step(&mut next, event, &context, &mut self.out) != Outcome::Stepped {
                return;
            }
            *session = next;
        } else if step(session, event, &context, &mut self.out) != Outcome::Stepped {
            return;
        }
        self.changed += 1;
        let next = session.deadline();
        if next != *due {
            *due = next;
            if let Some(at) = next {
                self.deadlines.push(Reverse((at, session_id(n))));
            }
        }
    }
}
