//! What another process, or a later one, has to find: orders to switch a gate, that the desk has changed, what was done on
//! a router.

use super::{Filled, desk_entry, not_found, page};
use crate::{
    audit::AuditEntry,
    conformance::{
        ok,
        sample::{HOUR, NOW},
        some,
        store::StoreBench,
    },
    desk::{GateOrder, Mode},
    directory::DeskChange,
    id::RouterId,
    store::{Commit, Committed},
    time::Timestamp,
};

impl Filled {
    fn order(&self, mode: Mode, at: Timestamp) -> GateOrder {
        GateOrder {
            router: self.office,
            mode,
            at,
        }
    }

    /// The router's desk and the order by itself say the same.
    async fn ordered(&self) -> Option<GateOrder> {
        let desk = self.directory.router_desk(self.office).await;
        let desk = some(ok(desk, "read a router's desk"), "desk of that router");
        let order = ok(
            self.directory.gate_order(self.office).await,
            "read an order",
        );
        assert_eq!(desk.order, order);
        order
    }

    async fn version(&self) -> u64 {
        ok(self.directory.desk_version().await, "read the version")
    }
}

/// An order is kept until a commit of the router's holder says that this very one was seen done; a later one takes its
/// place.
pub async fn an_order_is_kept_until_it_was_seen_done(bench: &impl StoreBench) {
    let filled = Filled::new(bench).await;
    assert_eq!(filled.ordered().await, None);
    let first = filled.order(Mode::Enforcing, NOW);
    filled.change(DeskChange::OrderGate(first)).await;
    assert_eq!(filled.ordered().await, Some(first));
    let later = filled.order(Mode::Observing, NOW + HOUR);
    filled.change(DeskChange::OrderGate(later)).await;
    assert_eq!(filled.ordered().await, Some(later));
    let fences = filled.store.hold_routers(filled.ids.node(), 10, HOUR).await;
    let fences = ok(fences, "hold routers");
    let fence = |router: RouterId| {
        let mut fences = fences.iter();
        fences.find(|fence| fence.router == router).cloned()
    };
    let done = async |router, at| {
        let mut commit = Commit::new(filled.ids.commit(), fence(router));
        commit.gate_done = Some(at);
        let outcome = filled.store.commit(&[commit]).await;
        assert_eq!(ok(outcome, "commit"), [Committed::Done]);
    };
    done(filled.office, first.at).await;
    assert_eq!(filled.ordered().await, Some(later), "that was another one");
    done(filled.plant, later.at).await;
    assert_eq!(filled.ordered().await, Some(later), "another router's");
    done(filled.office, later.at).await;
    assert_eq!(filled.ordered().await, None);
}

/// Of a router that is not there nothing can be ordered, and with a router its order goes.
pub async fn an_order_goes_with_its_router(bench: &impl StoreBench) {
    let filled = Filled::new(bench).await;
    let unknown = GateOrder {
        router: RouterId::from_uuid(filled.ids.next()),
        ..filled.order(Mode::Enforcing, NOW)
    };
    not_found(
        &filled
            .try_change(vec![DeskChange::OrderGate(unknown)])
            .await,
    );
    let order = filled.order(Mode::Enforcing, NOW);
    filled.change(DeskChange::OrderGate(order)).await;
    filled.change(DeskChange::RemoveRouter(filled.office)).await;
    let order = filled.directory.gate_order(filled.office).await;
    assert_eq!(ok(order, "read an order"), None);
}

/// Whoever holds a router serves it, until it gives that up or a minute after its hold lapsed.
pub async fn who_holds_a_router_serves_it(bench: &impl StoreBench) {
    let filled = Filled::new(bench).await;
    let served = async |router, now| {
        let served = filled.directory.is_served(router, now).await;
        ok(served, "ask whether a router is served")
    };
    assert!(!served(filled.office, NOW).await, "nobody has held it yet");
    let fences = filled.store.hold_routers(filled.ids.node(), 10, HOUR).await;
    let fences = ok(fences, "hold routers");
    assert!(served(filled.office, NOW).await && served(filled.plant, NOW).await);
    let unknown = RouterId::from_uuid(filled.ids.next());
    assert!(!served(unknown, NOW).await);
    let mut of_office = fences.into_iter().filter(|it| it.router == filled.office);
    let fence = some(of_office.next(), "hold of that router");
    if fence.until != Timestamp::MAX {
        let lapsed = |seconds: i64| Timestamp(fence.until.0 + seconds * 1_000);
        assert!(served(filled.office, lapsed(30)).await, "clocks differ");
        assert!(!served(filled.office, lapsed(61)).await, "it has lapsed");
    }
    ok(filled.store.release_routers(&[fence]).await, "release");
    assert!(!served(filled.office, NOW).await, "it was given up");
    assert!(served(filled.plant, NOW).await, "that one was not");
}

/// The version grows with what an engine has to know of, and with nothing else; what failed did not change it.
pub async fn the_desks_version_grows_with_what_concerns_the_engine(bench: &impl StoreBench) {
    let filled = Filled::new(bench).await;
    let first = filled.version().await;
    let setting = DeskChange::PutSetting {
        name: "name".into(),
        value: "value".into(),
    };
    filled.change(setting).await;
    assert_eq!(filled.version().await, first, "a setting");
    let mut user = filled.desk.clone().user_mut(filled.ann).clone();
    user.version = 9;
    let result = filled.try_change(vec![DeskChange::PutUser(user)]).await;
    assert!(
        result.is_err(),
        "another version than the stored one's next"
    );
    assert_eq!(filled.version().await, first, "what failed");
    let order = filled.order(Mode::Enforcing, NOW);
    filled.change(DeskChange::OrderGate(order)).await;
    let second = filled.version().await;
    assert!(second > first);
    filled
        .change(DeskChange::PutSystemPolicy(Default::default()))
        .await;
    assert!(filled.version().await > second);
}

/// Of one router only its own entries are read, and only since then; each once over all pages.
pub async fn a_routers_log_is_its_own(bench: &impl StoreBench) {
    let filled = Filled::new(bench).await;
    let entry = |router, hour: u32| AuditEntry {
        router,
        at: NOW + HOUR * hour,
        ..desk_entry(&format!("hour {hour}"))
    };
    let mut expected = Vec::new();
    for hour in 0..6 {
        let of_office = entry(Some(filled.office), hour);
        let entries = vec![
            entry(Some(filled.plant), hour),
            of_office.clone(),
            entry(None, hour),
        ];
        ok(
            filled.directory.change(Vec::new(), entries).await,
            "write to the log",
        );
        if hour >= 2 {
            expected.insert(0, of_office);
        }
    }
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let since = NOW + HOUR * 2;
        let place = page(after, 3);
        let log = filled.directory.router_audit(filled.office, since, &place);
        let log = ok(log.await, "read a page of a router's log");
        assert!(log.rows.len() <= 3);
        found.extend(log.rows.into_iter().map(|row| row.entry));
        after = log.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(found, expected);
}
