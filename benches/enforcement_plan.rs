//! What a round of enforcement costs: what 10,000 sessions call for, against what was seen of their router.
//!
//! The limit is one walk over two maps of that size in step, comparing keys: no comparison can be less.
//!
//! `cargo bench --bench enforcement_plan`

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::print_stdout,
    reason = "the bench's own arithmetic, and it reports by printing"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    hint::black_box,
    net::Ipv4Addr,
    sync::Arc,
    time::Duration,
};

use mikro2fa_core::{
    desk::{Desk, RouterDesk},
    directory::DeskChange,
    enforcement::{Mirror, Plan, World, plan, wanted},
    id::{AccountId, ChallengeId, InstallationId, OfferId, RouterId, SessionId, UserId},
    router_backend::{Observed, Part, PermitRow, PermitTag, Prefix, Seen},
    session::{Confirmed, Event, Fresh, Opening, Out, Session, StepContext, step},
    testing,
    time::Timestamp,
    tunnel::{Addresses, Caller, Service, Tunnel, TunnelKey, TunnelSource},
};
use uuid::Uuid;

#[path = "shared/measure.rs"]
mod measure;

use measure::{heading, median, processor, sized};

const NOW: Timestamp = Timestamp(1_800_000_000_000);
const FRESH: Fresh = Fresh {
    challenge: ChallengeId::from_uuid(Uuid::from_u128(3)),
    offer: OfferId::from_uuid(Uuid::from_u128(4)),
};

fn main() {
    let count = sized(10_000, 100);
    heading(&format!("one router, {count} sessions, one thread"));
    let site = Site::new(count);
    let (soon, renewal) = (Duration::from_secs(20), Duration::from_secs(320));
    let (half, lease) = (count / 2, Duration::from_secs(600));
    let cases = [
        ("all is well", count, lease, soon, 0, 0),
        (
            "half of the permits are missing",
            half,
            lease,
            soon,
            0,
            half,
        ),
        (
            "all leases are to be renewed",
            count,
            lease,
            renewal,
            0,
            count,
        ),
        (
            "all sessions are over",
            count,
            Duration::from_secs(200_000),
            Duration::from_secs(100_000),
            count,
            0,
        ),
    ];
    let walk = site.walk();
    show("limit: two maps walked in step", walk, count, walk);
    for (what, permits, left, after, close, open) in cases {
        let mirror = site.mirror(permits, left);
        let plan = site.round(&mirror, NOW + after);
        assert_eq!((plan.close.len(), plan.open.len()), (close, open), "{what}");
        let round = each(sized(20, 1), || site.round(&mirror, NOW + after));
        show(what, round, count, walk);
    }
}

/// Seconds that it takes once; the processor's clock is too coarse to ask it each time.
fn each<T>(times: u32, work: impl Fn() -> T) -> f64 {
    let rounds = (0..sized(9, 1)).map(|_| {
        let begun = processor();
        for _ in 0..times {
            black_box(work());
        }
        ((processor() - begun) / times).as_secs_f64()
    });
    median(rounds.collect())
}

fn show(what: &str, seconds: f64, count: usize, limit: f64) {
    let each = seconds * 1e9 / count as f64;
    println!(
        "{what:<40} {:>9.3} ms {each:>8.0} ns a session {:>8.1} times the limit",
        seconds * 1e3,
        seconds / limit
    );
}

/// A router whose sessions are all open.
struct Site {
    desk: Desk,
    sessions: BTreeMap<SessionId, Session>,
    tunnels: Vec<Arc<Tunnel>>,
}

impl Site {
    fn new(count: usize) -> Self {
        let (desk, router, accounts) = desk(count);
        let tunnels: Vec<Arc<Tunnel>> = (0..count)
            .map(|n| Arc::new(tunnel(router, n as u32)))
            .collect();
        let sessions = tunnels.iter().zip(accounts).enumerate();
        let sessions = sessions.map(|(n, (tunnel, (account, owner)))| {
            let opening = Opening {
                id: session_id(n as u32),
                router,
                account,
                owner,
                trial: false,
            };
            let session = opened(opening, tunnel, &desk);
            (session.id, session)
        });
        let sessions = sessions.collect();
        Self {
            desk,
            sessions,
            tunnels,
        }
    }

    /// The router as seen, with this many permits that still live so long.
    fn mirror(&self, permits: usize, left: Duration) -> Mirror {
        let row = |(n, tunnel): (usize, &Arc<Tunnel>)| PermitRow {
            handle: format!("*{n:X}").into(),
            tag: PermitTag::Ours {
                session: session_id(n as u32),
                epoch: 1,
            },
            address: address(tunnel),
            left: Some(left),
        };
        let mut mirror = Mirror::default();
        mirror.take_in(Observed {
            tunnels: Some(Seen {
                asked: Part::All,
                rows: self
                    .tunnels
                    .iter()
                    .map(|tunnel| (**tunnel).clone())
                    .collect(),
                at: NOW,
            }),
            permits: Some(Seen {
                asked: Part::All,
                rows: self
                    .tunnels
                    .iter()
                    .enumerate()
                    .take(permits)
                    .map(row)
                    .collect(),
                at: NOW,
            }),
            ..Observed::default()
        });
        mirror
    }

    fn round(&self, mirror: &Mirror, now: Timestamp) -> Plan {
        let world = World {
            desk: &self.desk,
            sessions: &|visit| {
                for session in self.sessions.values() {
                    visit(session, None);
                }
            },
            beginning: &BTreeSet::new(),
            held: &BTreeMap::new(),
            mirror,
            gate_holds: true,
            clock_trusted: true,
            now,
        };
        plan(&wanted(&world), mirror, now)
    }

    /// Compares two maps of as many addresses, key by key.
    fn walk(&self) -> f64 {
        let map = || -> BTreeMap<Prefix, SessionId> {
            let tunnels = self.tunnels.iter().enumerate();
            tunnels
                .map(|(n, tunnel)| (address(tunnel), session_id(n as u32)))
                .collect()
        };
        let (wanted, seen) = (map(), map());
        let alike = || wanted.iter().zip(&seen).filter(|(a, b)| a == b).count();
        assert_eq!(alike(), self.tunnels.len());
        each(sized(500, 1), alike)
    }
}

fn session_id(n: u32) -> SessionId {
    SessionId::from_uuid(Uuid::from_u128(0x1000_0000 + u128::from(n)))
}

fn address(tunnel: &Tunnel) -> Prefix {
    Prefix::host(tunnel.addresses.v4.unwrap().into())
}

fn tunnel(router: RouterId, n: u32) -> Tunnel {
    Tunnel {
        key: TunnelKey {
            router,
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
        caller: Some(Caller::Ip(Ipv4Addr::new(203, 0, 113, 7).into())),
        uptime: Duration::ZERO,
        seen_at: NOW,
    }
}

/// Confirmed, and seen open.
fn opened(opening: Opening, tunnel: &Arc<Tunnel>, desk: &Desk) -> Session {
    let context = StepContext {
        now: NOW,
        policy: desk.policy(opening.account),
        fresh: FRESH,
    };
    let mut out = Out::default();
    let proof = Confirmed::by_operator("".into(), "".into());
    let mut session = opening.confirmed(tunnel, proof, &context, &mut out);
    step(&mut session, &Event::Opened, &context, &mut out);
    session
}

/// A desk with so many accounts, each with an owner.
fn desk(count: usize) -> (Desk, RouterId, Vec<(AccountId, UserId)>) {
    let mut desk = testing::Desk::new(NOW);
    let router = desk.router("office");
    let accounts = (0..count).map(|n| {
        let owner = desk.user("Ann", n as i64 + 1);
        (
            desk.account(router, &format!("user{n:06}"), Some(owner)),
            owner,
        )
    });
    let accounts = accounts.collect();
    let mut made = RouterDesk {
        installation: InstallationId::from_uuid(Uuid::from_u128(9)),
        router: desk.router_mut(router).clone(),
        sources: Vec::new(),
        accounts: Vec::new(),
        users: Vec::new(),
        order: None,
        system_policy: Default::default(),
    };
    for change in desk.changes() {
        match change {
            DeskChange::PutSource(source) => made.sources.push(source),
            DeskChange::PutAccount(account) => made.accounts.push(account),
            DeskChange::PutUser(user) => made.users.push(Arc::new(user)),
            _ => {}
        }
    }
    (Desk::new(made), router, accounts)
}
