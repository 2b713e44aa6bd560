//! What the backend keeps and gives up, against a router that says what the script says.

use std::{pin::pin, time::Duration};

use futures_core::future::BoxFuture;
use futures_util::poll;
use mikro2fa_core::{
    id::{NodeId, SessionId},
    router_backend::{Lease, Prefix},
};
use tokio::time::Instant;
use uuid::Uuid;

use super::*;
use crate::{
    budget,
    scripted::{Scripted, Then},
};

mod budget_kept;

/// Stands still unless it is moved.
#[derive(Debug)]
struct Still(std::sync::atomic::AtomicI64);

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Relaxed))
    }

    fn sleep_until(&self, _at: Timestamp) -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }
}

const NOW: i64 = 1_763_000_000_000;

struct Bench {
    router: Scripted,
    clock: Arc<Still>,
    backend: RouterOs<Scripted>,
}

fn bench(script: impl IntoIterator<Item = (&'static str, Then)>) -> Bench {
    let router = Scripted::new(script);
    let clock = Arc::new(Still(NOW.into()));
    let backend = RouterOs::new(
        router.clone(),
        id(),
        ListNames::default(),
        InstallationId::from_uuid(Uuid::from_u128(0)),
        Arc::clone(&clock) as Arc<dyn Clock>,
        Settings::default(),
    );
    Bench {
        router,
        clock,
        backend,
    }
}

fn id() -> RouterId {
    RouterId::from_uuid(Uuid::from_u128(1))
}

fn fence(until: Timestamp) -> Fence {
    Fence {
        router: id(),
        node: NodeId::from_uuid(Uuid::from_u128(2)),
        epoch: 3,
        until,
    }
}

fn for_ever() -> Fence {
    fence(Timestamp::MAX)
}

fn permit(last: u8) -> Command {
    Command::Permit {
        session: SessionId::from_uuid(Uuid::from_u128(7)),
        address: Prefix::host(std::net::Ipv4Addr::new(10, 8, 0, last).into()),
        lease: Lease::new(Duration::from_secs(30), Timestamp::MAX, Timestamp(NOW)).unwrap(),
    }
}

fn done(handle: &str) -> Applied {
    Applied::Done {
        handle: Some(handle.into()),
    }
}

fn handle(connection: u64, id: &str) -> String {
    format!("{:x}:{id}", NOW.unsigned_abs() / 100 + connection)
}

#[tokio::test]
async fn a_connection_is_made_when_it_is_needed_and_kept() {
    let bench = bench([
        ("/ip/firewall/address-list/add", Then::Answer("done *1")),
        ("/ip/firewall/address-list/add", Then::Answer("done *2")),
    ]);
    assert_eq!(bench.router.open(), [false; 0]);
    for _ in 0..2 {
        bench
            .backend
            .apply(&for_ever(), &[permit(4)])
            .await
            .unwrap();
    }
    assert_eq!(bench.router.open(), [true]);
}

#[tokio::test]
async fn ids_of_a_broken_connection_are_not_trusted_on_the_next() {
    let bench = bench([
        ("/ip/firewall/address-list/add", Then::Answer("done *1F")),
        ("/ip/firewall/address-list/add", Then::Break),
        ("/ip/firewall/address-list/print", Then::Answer("done")),
    ]);
    let made = bench
        .backend
        .apply(&for_ever(), &[permit(4)])
        .await
        .unwrap();
    assert_eq!(made, [done(&handle(1, "*1F"))]);
    let lost = bench
        .backend
        .apply(&for_ever(), &[permit(5), permit(6)])
        .await;
    assert_eq!(lost.unwrap(), [Applied::Unknown, Applied::NotSent]);
    let revoke = Command::Revoke {
        session: SessionId::from_uuid(Uuid::from_u128(7)),
        address: Prefix::host(std::net::Ipv4Addr::new(10, 8, 0, 4).into()),
        known: Some(handle(1, "*1F").as_str().into()),
    };
    let revoked = bench.backend.apply(&for_ever(), &[revoke]).await.unwrap();
    assert_eq!(revoked, [Applied::AlreadySo]);
    assert_eq!(bench.router.open(), [false, true]);
}

#[tokio::test]
async fn a_look_over_a_connection_that_broke_unnoticed_is_taken_again() {
    let bench = bench([
        ("/ppp/active/print", Then::Answer("done")),
        UPTIME,
        ("/ppp/active/print", Then::Break),
        ("/ppp/active/print", Then::Answer("done")),
        UPTIME,
    ]);
    for _ in 0..2 {
        let observed = bench.backend.observe(&TUNNELS).await.unwrap();
        assert!(observed.tunnels.is_some());
    }
    assert_eq!(bench.router.open(), [false, true]);
}

#[tokio::test]
async fn a_router_that_breaks_each_connection_is_not_asked_for_ever() {
    let bench = bench([("/ppp/active/print", Then::Break)]);
    let error = bench.backend.observe(&TUNNELS).await.unwrap_err();
    assert!(matches!(error, RouterError::Unreachable(_)), "{error}");
    assert_eq!(bench.router.open(), [false]);
}

#[tokio::test]
async fn nothing_is_written_without_the_right_to() {
    let bench = bench([]);
    let lapsed = bench
        .backend
        .apply(&fence(Timestamp(NOW)), &[permit(4)])
        .await;
    assert_eq!(lapsed, Err(RouterError::Fenced));
    let mut elsewhere = for_ever();
    elsewhere.router = RouterId::from_uuid(Uuid::from_u128(9));
    let other = bench.backend.apply(&elsewhere, &[permit(4)]).await;
    assert_eq!(other, Err(RouterError::Fenced));
    assert_eq!(bench.router.open(), [false; 0]);
}

/// Lets the fence lapse once the first window was answered.
#[tokio::test]
async fn the_right_is_asked_for_before_each_write() {
    let script = (0..64).map(|_| ("/ip/firewall/address-list/add", Then::Answer("done *1")));
    let bench = bench(script);
    let commands: Vec<Command> = (0..100).map(permit).collect();
    let clock = Arc::clone(&bench.clock);
    let soon = fence(Timestamp(NOW + 1));
    // All of the first window is asked at one instant; the script's answers move the clock on.
    bench
        .router
        .state
        .on_last
        .lock()
        .unwrap()
        .replace(Box::new(move || {
            clock.0.store(NOW + 1, Ordering::Relaxed);
        }));
    let outcomes = bench.backend.apply(&soon, &commands).await.unwrap();
    assert!(
        outcomes[..64]
            .iter()
            .all(|it| matches!(it, Applied::Done { .. }))
    );
    assert!(outcomes[64..].iter().all(|it| *it == Applied::NotSent));
    assert_eq!(
        bench.router.open(),
        [true],
        "losing the right is no fault of the line"
    );
}

#[tokio::test]
async fn a_router_that_cannot_be_reached_is_an_error_before_anything_was_written() {
    let bench = bench([]);
    bench.router.state.refuses.store(true, Ordering::Relaxed);
    let error = bench
        .backend
        .apply(&for_ever(), &[permit(4)])
        .await
        .unwrap_err();
    assert!(matches!(error, RouterError::Unreachable(_)), "{error}");
}

#[tokio::test]
async fn dropping_an_order_closes_the_connection_and_dropping_a_look_does_not() {
    let bench = bench([
        ("/ppp/active/print", Then::Silence),
        ("/ip/firewall/address-list/add", Then::Silence),
    ]);
    let tunnels = Look {
        tunnels: Part::All,
        ..Look::default()
    };
    {
        let mut look = pin!(bench.backend.observe(&tunnels));
        assert!(poll!(&mut look).is_pending());
    }
    assert_eq!(bench.router.open(), [true]);
    {
        let (fence, commands) = (for_ever(), [permit(4)]);
        let mut order = pin!(bench.backend.apply(&fence, &commands));
        assert!(poll!(&mut order).is_pending());
    }
    assert_eq!(bench.router.open(), [false]);
}

const ANN: &str = ".id=*80000A;name=ann;service=l2tp;caller-id=203.0.113.7;address=10.8.0.4;\
                   session-id=0x81C00002;uptime=5s";

const UPTIME: (&str, Then) = ("/system/resource/print", Then::Answer("uptime=5h"));
const CALL: &str = "/ppp/active/print =.proplist=.id,session-id,uptime";

/// Fifteen more than ann.
fn crowd(row: impl Fn(u32) -> String) -> String {
    let rows: Vec<String> = (0x0080_000C..0x0080_001B).map(row).collect();
    rows.join(" | ")
}

const TUNNELS: Look = Look {
    tunnels: Part::All,
    permits: Part::Nothing,
    bans: Part::Nothing,
    accounts: Part::Nothing,
    rules: Part::Nothing,
    gate: false,
};

/// What a second look sees, of many who are known, ann among them, and somebody who is not.
async fn second_look(asked_about: Then) -> Observed {
    let first = crowd(|id| {
        format!(
            ".id=*{id:X};name=u{id};service=l2tp;caller-id=203.0.113.7;address=10.8.1.{};session-id=0x{id:X};uptime=5s",
            id & 0xFF
        )
    });
    let first = format!("{ANN} | {first}");
    let second = crowd(|id| format!(".id=*{id:X};session-id=0x{id:X};uptime=20s"));
    let second = format!(
        ".id=*80000A;session-id=0x81C00002;uptime=20s | .id=*80000B;session-id=0x81C00003;uptime=3s | {second}"
    );
    let bench = bench([
        (
            "/ppp/active/print =.proplist=.id,name,service",
            Then::Answer(first.leak()),
        ),
        UPTIME,
        (CALL, Then::Answer(second.leak())),
        (
            "/ppp/active/print =.proplist=.id,name,service,caller-id,address,uptime,session-id ?=.id=*80000B",
            asked_about,
        ),
    ]);
    bench.backend.observe(&TUNNELS).await.unwrap();
    bench.clock.0.store(NOW + 15_000, Ordering::Relaxed);
    bench.backend.observe(&TUNNELS).await.unwrap()
}

#[tokio::test]
async fn a_second_look_asks_only_about_whom_it_does_not_know() {
    let bob = ".id=*80000B;name=bob;address=10.8.0.5;uptime=3s;session-id=0x81C00003";
    let seen = second_look(Then::Answer(bob)).await.tunnels.unwrap();
    assert_eq!((seen.asked, seen.at), (Part::All, Timestamp(NOW + 15_000)));
    let shown: Vec<_> = seen
        .rows
        .iter()
        .map(|it| (&*it.account, it.uptime.as_secs()))
        .collect();
    assert_eq!(shown.len(), 17);
    assert_eq!((shown[0], shown[16]), (("ann", 20), ("bob", 3)));
    assert_eq!(
        seen.rows[0].addresses.v4,
        Some(std::net::Ipv4Addr::new(10, 8, 0, 4))
    );
}

#[tokio::test]
async fn a_second_look_that_breaks_off_saw_no_tunnels_and_all_else() {
    let observed = second_look(Then::Answer("no no such item (4)")).await;
    assert_eq!(observed, Observed::default());
}

#[tokio::test]
async fn a_few_are_printed_whole_so_that_whoever_dials_waits_for_one_answer() {
    let bob = ".id=*80000B;name=bob;address=10.8.0.5;uptime=3s;session-id=0x81C00003";
    let both: &str = format!("{ANN} | {bob}").leak();
    let print = "/ppp/active/print =.proplist=.id,name,service";
    let bench = bench([
        (print, Then::Answer(ANN)),
        UPTIME,
        (print, Then::Answer(both)),
    ]);
    bench.backend.observe(&TUNNELS).await.unwrap();
    let seen = bench.backend.observe(&TUNNELS).await.unwrap();
    assert_eq!(seen.tunnels.unwrap().rows.len(), 2);
}

#[tokio::test]
async fn the_uptime_is_asked_once_a_connection_and_with_each_look_at_permits() {
    let print = "/ppp/active/print =.proplist=.id,name,service";
    let list = ("/ip/firewall/address-list/print", Then::Answer("done"));
    let list6 = ("/ipv6/firewall/address-list/print", Then::Answer("done"));
    let none = || (print, Then::Answer("done"));
    let script = [none(), UPTIME, none(), none(), UPTIME, list, list6];
    // On the connection that breaks, and on the one after it.
    let after = [(print, Then::Break), none(), UPTIME];
    let bench = bench(script.into_iter().chain(after));
    let with_permits = Look {
        permits: Part::All,
        ..TUNNELS
    };
    let mut told = Vec::new();
    for look in [&TUNNELS, &TUNNELS, &with_permits, &TUNNELS] {
        let seen = bench.backend.observe(look).await.unwrap();
        told.push(seen.router_uptime.is_some());
    }
    assert_eq!(told, [true, false, true, true]);
    assert_eq!(bench.router.open(), [false, true]);
}

#[tokio::test]
async fn a_watch_begins_with_a_gap_and_ends_with_the_connection() {
    // What is asked behind it is answered: so it has begun.
    let bench = bench([("/system/identity/print", Then::Answer("name=office"))]);
    let hints: Vec<_> = bench.backend.watch().await.unwrap().collect().await;
    assert_eq!(hints[..2], [Ok(Hint::Gap), Ok(Hint::Tunnels)]);
    assert!(matches!(hints[2], Err(RouterError::Unreachable(_))));
    assert_eq!(hints.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn looks_wait_for_the_budget_and_closing_does_not() {
    let look = || ("/ppp/active/print", Then::Answer("done"));
    let remove = ("/ip/firewall/address-list/print", Then::Answer("done"));
    let looks = [look(), UPTIME].into_iter().chain((0..78).map(|_| look()));
    let bench = bench(looks.chain([remove, look()]));
    let begun = Instant::now();
    for _ in 0..79 {
        bench.backend.observe(&TUNNELS).await.unwrap();
    }
    assert_eq!(begun.elapsed(), Duration::ZERO, "80 of 100 requests");
    let revoke = Command::Revoke {
        session: SessionId::from_uuid(Uuid::from_u128(7)),
        address: Prefix::host(std::net::Ipv4Addr::new(10, 8, 0, 4).into()),
        known: None,
    };
    bench.backend.apply(&for_ever(), &[revoke]).await.unwrap();
    assert_eq!(begun.elapsed(), Duration::ZERO);
    bench.backend.observe(&TUNNELS).await.unwrap();
    assert_eq!(begun.elapsed(), budget::Limits::default().window);
}

#[tokio::test]
async fn who_a_router_is() {
    let identify = |version: &'static str, packages: &'static str| {
        [
            ("/system/resource/print", Then::Answer(version)),
            ("/system/identity/print", Then::Answer("name=office")),
            ("/system/package/print", Then::Answer(packages)),
        ]
    };
    let new = bench(identify(
        "uptime=1d2h;version=7.20.8 (stable);board-name=CHR",
        "name=routeros;disabled=false | name=user-manager;disabled=false;available=true",
    ));
    let identity = new.backend.identify().await.unwrap();
    assert_eq!((&*identity.name, &*identity.board), ("office", "CHR"));
    assert_eq!(&*identity.version, "7.20.8 (stable)");
    assert_eq!(identity.uptime, Duration::from_secs(93_600));
    let can = identity.capabilities;
    assert!(can.ppp && can.ipv6 && can.wireguard && can.watch && can.pipeline && can.leases);
    assert!(!can.user_manager, "it could be installed, and is not");

    let old = bench(identify(
        "uptime=1d2h;version=6.49.18 (long-term);board-name=RB951",
        "name=ppp;disabled=false | name=ipv6;disabled=true | name=user-manager;disabled=false",
    ));
    let can = old.backend.identify().await.unwrap().capabilities;
    assert!(can.ppp && can.user_manager && !can.ipv6 && !can.wireguard);

    let ancient = bench(identify(
        "uptime=1d2h;version=6.42.1 (stable);board-name=RB951",
        "done",
    ));
    let error = ancient.backend.identify().await.unwrap_err();
    assert_eq!(
        error,
        RouterError::UnsupportedVersion("6.42.1 (stable)".into())
    );
}
