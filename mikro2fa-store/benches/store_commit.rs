//! How many transitions a second become durable, and how long a start takes to read 100,000 sessions back, each beside
//! what this machine's disk and memory allow.
//!
//! ```text
//! cargo bench -p mikro2fa-store                     # SQLite, and PostgreSQL where MIKRO2FA_TEST_POSTGRESQL names one
//! ```
//!
//! A transition is a tunnel that came up: a new session with its question, two audit entries, one message.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a bench prints, and ends when something fails"
)]

use std::{
    collections::HashMap,
    fs,
    io::Write as _,
    net::Ipv4Addr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use diesel::{Connection, connection::SimpleConnection};
use mikro2fa_core::{
    audit::{AuditEntry, AuditKind},
    id::{AccountId, ChallengeId, CommitId, OutboxId, RouterId, SessionId, UserId},
    notifier::{Card, Delivery, Notice, Question, QuestionKind, Remark, Subject},
    policy::Policy,
    session::{
        Access, Challenge, ChallengeKind, Confirmed, Session, SessionState, StateName, Version,
    },
    store::{Commit, Committed, Lane, OutboxRow, Priority, Store},
    time::Timestamp,
    tunnel::{Addresses, Caller, Service, Tunnel, TunnelKey, TunnelSource},
};
use mikro2fa_store::{DatabaseUrl, DieselStore, Key, Options};
use tokio::task::JoinSet;
use uuid::Uuid;

const SESSIONS: u64 = 100_000;
const ROUTERS: u64 = 200;
/// Sessions in a page, and routers read at once, as in the engine.
const PAGE: usize = 1_000;
const AT_A_TIME: usize = 4;
const NOW: Timestamp = Timestamp(1_790_000_000_000);
const ROUND: Duration = Duration::from_millis(1_500);

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    println!("group  fdatasync + append   SQLite           PostgreSQL   (transitions/s)");
    let server = std::env::var("MIKRO2FA_TEST_POSTGRESQL").ok();
    for group in [1, 16, 64, 512] {
        let limit = append(folder.path(), group);
        let url = DatabaseUrl::sqlite(folder.path().join(format!("commits-{group}.db")));
        let sqlite = runtime.block_on(commits(&url, group));
        let postgresql = server.as_deref().map(|server| {
            let database = Database::new(server);
            runtime.block_on(commits(&database.url(), group))
        });
        let share = |rate: f64| format!("{rate:>9.0} ({:>4.1} %)", 100.0 * rate / limit);
        println!(
            "{group:>5}  {limit:>12.0}   {}   {}",
            share(sqlite),
            postgresql.map_or_else(|| "-".to_owned(), share)
        );
    }
    runtime.block_on(one_at_a_time(folder.path(), server.as_deref()));
    runtime.block_on(recovery(folder.path(), server.as_deref()));
}

/// How long a transition takes to be durable when nothing else is written, beside one `fdatasync`, in turn.
async fn one_at_a_time(folder: &Path, server: Option<&str>) {
    let sqlite = open(&DatabaseUrl::sqlite(folder.join("alone.db"))).await;
    let database = server.map(Database::new);
    let postgresql = match &database {
        Some(database) => Some(open(&database.url()).await),
        None => None,
    };
    let mut file = fs::File::create(folder.join("alone")).unwrap();
    let [mut disk, mut in_sqlite, mut in_postgresql] = [const { Vec::new() }; 3];
    for number in 0..1_000 {
        let begun = Instant::now();
        file.write_all(&[1; 4_096]).unwrap();
        file.sync_data().unwrap();
        disk.push(begun.elapsed());
        let commit = [challenged(number)];
        let stores = [
            (Some(&sqlite), &mut in_sqlite),
            (postgresql.as_ref(), &mut in_postgresql),
        ];
        for (store, took) in stores {
            let Some(store) = store else { continue };
            let begun = Instant::now();
            assert_eq!(store.commit(&commit).await.unwrap(), [Committed::Done]);
            took.push(begun.elapsed());
        }
    }
    println!("\none transition at a time, p50 and p99");
    for (what, mut all) in [
        ("fdatasync of 4 KiB", disk),
        ("SQLite", in_sqlite),
        ("PostgreSQL", in_postgresql),
    ] {
        all.sort();
        let ms = |at: usize| all.get(at).map(|took| took.as_secs_f64() * 1e3);
        if let (Some(middle), Some(late)) = (ms(all.len() / 2), ms(all.len() * 99 / 100)) {
            println!("{what:<20} {middle:>8.3} ms {late:>8.3} ms");
        }
    }
}

/// A database of this bench's own.
struct Database {
    server: String,
    name: String,
}

impl Database {
    fn new(server: &str) -> Self {
        let name = format!("m2fa_bench_{}", Uuid::new_v4().simple());
        diesel::PgConnection::establish(server)
            .unwrap()
            .batch_execute(&format!("CREATE DATABASE {name}"))
            .unwrap();
        Self {
            server: server.to_owned(),
            name,
        }
    }

    fn url(&self) -> DatabaseUrl {
        let (place, parameters) = match self.server.split_once('?') {
            Some((place, parameters)) => (place, format!("?{parameters}")),
            None => (self.server.as_str(), String::new()),
        };
        let (host, _) = place.rsplit_once('/').unwrap();
        format!("{host}/{}{parameters}", self.name).parse().unwrap()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Ok(mut connection) = diesel::PgConnection::establish(&self.server) {
            let _ = connection.batch_execute(&format!("DROP DATABASE {} WITH (FORCE)", self.name));
        }
    }
}

async fn open(url: &DatabaseUrl) -> DieselStore {
    DieselStore::open(url, &Key::from_bytes(&[1; 32]), Options::default())
        .await
        .unwrap()
}

/// Ids that sort by time.
fn id(kind: u64, number: u64) -> Uuid {
    let high = (NOW.millis() as u64 + number / 16) << 16 | 0x7000 | kind;
    Uuid::from_u64_pair(high, 0x8000_0000_0000_0000 | number)
}

fn tunnel(number: u64) -> Arc<Tunnel> {
    let router = RouterId::from_uuid(id(1, number % ROUTERS));
    let [_, _, _, _, _, a, b, c] = number.to_be_bytes();
    Arc::new(Tunnel {
        key: TunnelKey {
            router,
            source: TunnelSource::Ppp,
            handle: format!("*{:X}", 0x8000_0000 + number).into(),
            nonce: Some(format!("0x{:08x}", 0x8120_0000 + number).into()),
        },
        account: format!("vpn_user_{number:06}").into(),
        service: Service::L2tp,
        addresses: Addresses {
            v4: Some(Ipv4Addr::new(10, a, b, c)),
            v6: Vec::new(),
        },
        caller: Some(Caller::Ip(Ipv4Addr::new(198, 18, b, c).into())),
        uptime: Duration::from_secs(3),
        seen_at: NOW,
    })
}

fn session(number: u64, state: SessionState) -> Session {
    Session {
        id: SessionId::from_uuid(id(2, number)),
        router: RouterId::from_uuid(id(1, number % ROUTERS)),
        account: AccountId::from_uuid(id(3, number)),
        owner: UserId::from_uuid(id(4, number)),
        version: Version(1),
        opened_at: NOW,
        trial: false,
        state,
    }
}

fn challenged(number: u64) -> Commit {
    let policy = Policy::default();
    let challenge = ChallengeId::from_uuid(Uuid::from_u128(u128::from(number) * 0x9e37_79b9));
    let tunnel = tunnel(number);
    let mut commit = Commit::new(CommitId::from_uuid(id(5, number)), None);
    let session = session(
        number,
        SessionState::Challenged {
            tunnel: Arc::clone(&tunnel),
            challenge: Challenge::new(challenge, ChallengeKind::Requested, NOW, &policy),
        },
    );
    let entry = |what| AuditEntry {
        at: NOW,
        session: Some(session.id),
        router: Some(session.router),
        account: Some(session.account),
        what,
    };
    commit.audit = vec![
        entry(AuditKind::SessionOpened {
            state: StateName::Challenged,
        }),
        entry(AuditKind::Challenged {
            challenge,
            tunnel: tunnel.key.clone(),
            caller: tunnel.caller.clone(),
        }),
    ];
    commit.outbox = vec![OutboxRow {
        id: OutboxId::from_uuid(id(6, number)),
        lane: Lane::card(session.id),
        priority: Priority::Question,
        notice: Notice::Card {
            user: session.owner,
            card: Card::Question(Question {
                challenge,
                kind: QuestionKind::Requested,
                caller: tunnel.caller.clone(),
                service: tunnel.service,
                at: NOW,
                deadline: NOW + policy.confirmation_timeout,
                first_time: false,
                early: false,
                remark: Remark::None,
                trial: false,
            }),
            delivery: Delivery::Move,
            subject: Subject {
                session: Some(session.id),
                account_id: Some(session.account),
                router_id: Some(session.router),
                account: tunnel.account.clone(),
                router: "office".into(),
                person: "Ann".into(),
            },
        },
        due: NOW,
        useless_after: Some(NOW + policy.confirmation_timeout),
        attempt: 0,
        previous: None,
    }];
    commit.sessions = vec![(None, session)];
    commit
}

/// Transitions a second, in groups of this size.
async fn commits(url: &DatabaseUrl, group: u64) -> f64 {
    let store = open(url).await;
    let mut number = 0;
    let mut done = 0;
    let mut spent = Duration::ZERO;
    while spent < ROUND {
        let commits: Vec<Commit> = (number..number + group).map(challenged).collect();
        number += group;
        let begun = Instant::now();
        let outcomes = store.commit(&commits).await.unwrap();
        spent += begun.elapsed();
        assert!(outcomes.iter().all(|outcome| *outcome == Committed::Done));
        done += outcomes.len();
    }
    done as f64 / spent.as_secs_f64()
}

/// What the disk allows: the same bytes appended to a file, and one `fdatasync` a group.
fn append(folder: &Path, group: u64) -> f64 {
    let mut file = fs::File::create(folder.join("append")).unwrap();
    let record = [1; 1_024];
    let mut done = 0;
    let begun = Instant::now();
    while begun.elapsed() < ROUND / 3 {
        for _ in 0..group {
            file.write_all(&record).unwrap();
        }
        file.sync_data().unwrap();
        done += group;
    }
    done as f64 / begun.elapsed().as_secs_f64()
}

/// Fills a database, opens it again, and reads what a start reads: some routers at a time, while the log beside it is read by one
/// thread.
async fn recovery(folder: &Path, server: Option<&str>) {
    println!("\nrecovery of {SESSIONS} open sessions on {ROUTERS} routers, after opening");
    let log = replay(folder);
    println!("  a log of 4 events each read back: {:>4.0} ms", log * 1e3);
    let url = DatabaseUrl::sqlite(folder.join("recovery.db"));
    tell("SQLite", recover(&url).await, log);
    if let Some(server) = server {
        let database = Database::new(server);
        tell("PostgreSQL", recover(&database.url()).await, log);
    }
}

fn tell(name: &str, (opened, first, all, peak): (f64, f64, f64, u64), log: f64) {
    println!(
        "  {name}: open {:.0} ms, first router after {:.1} ms, all after {:.0} ms ({:.1} x the log), {} KiB more at peak",
        opened * 1e3,
        first * 1e3,
        all * 1e3,
        all / log,
        peak
    );
}

async fn recover(url: &DatabaseUrl) -> (f64, f64, f64, u64) {
    let store = open(url).await;
    for page in 0..SESSIONS / 1_000 {
        let commit = |number| {
            let access = Access {
                confirmed: Confirmed::by_operator("ann".into(), "bench".into()),
                started_at: NOW,
                expires_at: NOW + Duration::from_secs(86_400),
                resumes: 0,
            };
            let state = SessionState::Active {
                tunnel: tunnel(number),
                access,
                remind_at: Some(NOW + Duration::from_secs(82_800)),
                offer: None,
            };
            let mut commit = Commit::new(CommitId::from_uuid(id(5, number)), None);
            commit.sessions.push((None, session(number, state)));
            commit
        };
        let commits: Vec<Commit> = (page * 1_000..(page + 1) * 1_000).map(commit).collect();
        store.commit(&commits).await.unwrap();
    }
    store.close().await.unwrap();
    let begun = Instant::now();
    let store = open(url).await;
    let opened = begun.elapsed().as_secs_f64();
    let before = high_water();
    let begun = Instant::now();
    let (store, next) = (Arc::new(store), Arc::new(AtomicU64::new(0)));
    let mut readers = JoinSet::new();
    for _ in 0..AT_A_TIME {
        let (store, next) = (Arc::clone(&store), Arc::clone(&next));
        readers.spawn(async move {
            let (mut count, mut sum, mut first) = (0, 0, None);
            loop {
                let router = next.fetch_add(1, Ordering::Relaxed);
                if router >= ROUTERS {
                    return (count, sum, first);
                }
                let (sessions, versions) = read_back(&store, router).await;
                count += sessions;
                sum += versions;
                first = first.or_else(|| Some(begun.elapsed().as_secs_f64()));
            }
        });
    }
    let (mut count, mut sum, mut first) = (0, 0, f64::INFINITY);
    while let Some(read) = readers.join_next().await {
        let (sessions, versions, its_first) = read.unwrap();
        count += sessions;
        sum += versions;
        first = its_first.map_or(first, |its| first.min(its));
    }
    let all = begun.elapsed().as_secs_f64();
    assert_eq!((count, sum), (SESSIONS, SESSIONS));
    (opened, first, all, high_water() - before)
}

/// How many open sessions a router has, and the sum of their versions.
async fn read_back(store: &DieselStore, router: u64) -> (u64, u64) {
    let router = RouterId::from_uuid(id(1, router));
    let (mut count, mut sum, mut after) = (0, 0, None);
    loop {
        let page = store.open_sessions(router, after, PAGE).await.unwrap();
        count += page.len() as u64;
        sum += page.iter().map(|session| session.version.0).sum::<u64>();
        after = page.last().map(|session| session.id);
        if page.len() < PAGE {
            return (count, sum);
        }
    }
}

/// The most memory this process had, in KiB.
fn high_water() -> u64 {
    fs::read_to_string("/proc/self/status")
        .unwrap_or_default()
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| rest.trim().strip_suffix(" kB"))
        .and_then(|number| number.trim().parse().ok())
        .unwrap_or(0)
}

/// What memory allows: 64-byte records of 4 events a session, checked and put into a hash map. Seconds.
fn replay(folder: &Path) -> f64 {
    let sum = |record: &[u8]| {
        record.iter().fold(0x811c_9dc5_u32, |h, b| {
            (h ^ u32::from(*b)).wrapping_mul(0x0100_0193)
        })
    };
    let mut log = Vec::new();
    for event in 0..4_u64 {
        for number in 0..SESSIONS {
            let mut record = [0; 60];
            let parts = [number, event, number * 31 + event];
            for (to, part) in record.chunks_mut(8).zip(parts) {
                to.copy_from_slice(&part.to_le_bytes());
            }
            log.extend(record);
            log.extend(sum(&record).to_le_bytes());
        }
    }
    let path = folder.join("replay");
    fs::write(&path, &log).unwrap();
    drop(log);
    let begun = Instant::now();
    let log = fs::read(&path).unwrap();
    let mut found: HashMap<u64, (u64, u64)> = HashMap::with_capacity(SESSIONS as usize);
    for record in log.chunks_exact(64) {
        let (record, check) = record.split_at(60);
        assert_eq!(sum(record).to_le_bytes(), check);
        let part = |n: usize| u64::from_le_bytes(record[n..n + 8].try_into().unwrap());
        found.insert(part(0), (part(8), part(16)));
    }
    assert_eq!(found.len() as u64, SESSIONS);
    begun.elapsed().as_secs_f64()
}
