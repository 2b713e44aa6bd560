//! A gate that somebody made by hand, under names of their own and without comments: the watch knows it by what it does, mends
//! what is there, and makes nothing beside it.

use std::{collections::BTreeMap, sync::Arc};

use mikro2fa_core::{
    desk::{ListNames, Router},
    gate::{GateFaultKind, GateSeen, Jumps},
    id::NodeId,
    router_backend::{Applied, Command, Fence, Look, RouterBackend},
    testing::{Desk, ManualClock},
    time::Timestamp,
};
use mikro2fa_router::{
    backend_for,
    gate::GateNames,
    simulator::{Dial, Flow, Simulator},
};
use routeros_api::Command as Words;

use crate::support::{connection, installation};

const NOW: Timestamp = Timestamp(1_763_000_000_000);
const FILTER: &str = "/ip/firewall/filter";
const FILTER6: &str = "/ipv6/firewall/filter";

fn names() -> GateNames {
    let owned = |text: &str| text.to_owned();
    GateNames {
        permit: owned("vpn ok"),
        ban: owned("vpn out"),
        reach: owned("vpn reach"),
        emergency: owned("break glass"),
        covered: owned("tunnels"),
        exempt: owned("sites"),
        forward_chain: owned("vpn-forward"),
        input_chain: owned("vpn-input"),
        profile: owned("vpn"),
        exempt_profile: owned("site"),
        user: owned("watcher"),
        group: owned("watchers"),
        ..GateNames::default()
    }
}

struct ByHand {
    sim: Simulator,
    router: Router,
    backend: Arc<dyn RouterBackend>,
}

impl ByHand {
    async fn new() -> Self {
        let names = names();
        let sim = Simulator::builder()
            .prepared(names.clone())
            .account("ann", "pw")
            .start()
            .await
            .unwrap();
        for menu in [FILTER, FILTER6, "/ppp/profile", "/interface/list"] {
            for row in sim.rows(menu) {
                if row.get("comment").is_some_and(|it| names.owns(it)) {
                    administer(
                        &sim,
                        &format!("{menu}/set"),
                        &[(".id", &row[".id"]), ("comment", "")],
                    );
                }
            }
        }
        let mut desk = Desk::new(NOW);
        let id = desk.router("office");
        let router = desk.router_mut(id);
        *router.gates.lists = ListNames::from(&names);
        router.connection = connection(&sim, "watcher", sim.daily_password());
        let router = router.clone();
        let clock = Arc::new(ManualClock::new(NOW));
        let backend = backend_for(&router, installation(), clock).unwrap();
        backend.identify().await.unwrap();
        Self {
            sim,
            router,
            backend,
        }
    }

    async fn gate(&self) -> GateSeen {
        let look = Look {
            gate: true,
            ..Look::default()
        };
        self.backend.observe(&look).await.unwrap().gate.unwrap()
    }

    async fn order(&self, command: Command) -> Applied {
        let fence = Fence {
            router: self.router.id,
            node: NodeId::from_uuid(uuid::Uuid::from_u128(2)),
            epoch: 1,
            until: Timestamp::MAX,
        };
        let mut applied = self.backend.apply(&fence, &[command]).await.unwrap();
        applied.remove(0)
    }

    async fn mended(&self) {
        let outcome = self.order(Command::MendGate).await;
        assert!(matches!(outcome, Applied::Done { .. }), "{outcome:?}");
        let gate = self.gate().await;
        assert!(gate.is_whole(), "{gate:?}");
        let tunnel = self.sim.dial(Dial::new("ann", "pw")).unwrap();
        let to_office = Flow::between(&tunnel, [192, 168, 88, 10]);
        assert!(self.sim.would_pass(&to_office).is_dropped());
        tunnel.hang_up();
    }

    fn rules(&self) -> Vec<BTreeMap<String, String>> {
        let mut rows = self.sim.rows(FILTER);
        rows.retain(|row| row["dynamic"] != "true");
        rows
    }

    fn rule(&self, of: &[(&str, &str)]) -> BTreeMap<String, String> {
        let all = self.rules().into_iter();
        let met = |row: &BTreeMap<String, String>| {
            of.iter()
                .all(|(name, value)| row.get(*name).is_some_and(|it| it == value))
        };
        let mut met = all.filter(met);
        met.next().unwrap()
    }
}

fn administer(sim: &Simulator, command: &str, attributes: &[(&str, &str)]) {
    let words = attributes
        .iter()
        .fold(Words::new(command), |words, (name, value)| {
            words.attribute(*name, *value)
        });
    sim.administer(&words).unwrap();
}

#[tokio::test]
async fn it_is_whole_as_it_stands() {
    let by_hand = ByHand::new().await;
    let before = by_hand.rules();
    assert!(
        before
            .iter()
            .all(|row| !row.get("comment").is_some_and(|it| it.contains("gate")))
    );
    let gate = by_hand.gate().await;
    assert!(gate.is_whole(), "{gate:?}");
    assert_eq!(by_hand.order(Command::MendGate).await, Applied::AlreadySo);
    assert_eq!(by_hand.rules(), before);
}

#[tokio::test]
async fn it_is_switched_by_its_own_jumps() {
    let by_hand = ByHand::new().await;
    let count = by_hand.rules().len();
    by_hand.order(Command::SetGate { enabled: false }).await;
    assert_eq!(by_hand.gate().await.jumps, Jumps::Disabled);
    by_hand.order(Command::SetGate { enabled: true }).await;
    assert!(by_hand.gate().await.is_whole());
    assert_eq!(by_hand.rules().len(), count);
}

#[tokio::test]
async fn what_was_disabled_is_enabled_where_it_stands() {
    let by_hand = ByHand::new().await;
    let count = by_hand.rules().len();
    let drop = by_hand.rule(&[
        ("chain", "vpn-forward"),
        ("src-address-list", "!vpn ok"),
        ("action", "drop"),
    ]);
    administer(
        &by_hand.sim,
        &format!("{FILTER}/set"),
        &[(".id", &drop[".id"]), ("disabled", "yes")],
    );
    let gate = by_hand.gate().await;
    assert!(
        !gate.holds() && gate.faults[0].kind == GateFaultKind::Rule,
        "{gate:?}"
    );
    by_hand.mended().await;
    assert_eq!(by_hand.rules().len(), count, "{:?}", by_hand.rules());
}

#[tokio::test]
async fn a_rule_that_went_is_made_and_nothing_stands_twice() {
    let by_hand = ByHand::new().await;
    let count = by_hand.rules().len();
    let drop = by_hand.rule(&[
        ("chain", "vpn-forward"),
        ("src-address-list", "!vpn ok"),
        ("action", "drop"),
    ]);
    administer(
        &by_hand.sim,
        &format!("{FILTER}/remove"),
        &[(".id", &drop[".id"])],
    );
    assert!(!by_hand.gate().await.holds());
    by_hand.mended().await;
    assert_eq!(by_hand.rules().len(), count, "{:?}", by_hand.rules());
}

#[tokio::test]
async fn its_jump_comes_back_to_the_top_and_there_is_one() {
    let by_hand = ByHand::new().await;
    let count = by_hand.rules().len();
    let first = by_hand.rules()[0][".id"].clone();
    administer(
        &by_hand.sim,
        &format!("{FILTER}/add"),
        &[
            ("chain", "forward"),
            ("action", "accept"),
            ("place-before", &first),
        ],
    );
    let gate = by_hand.gate().await;
    assert!(
        !gate.holds() && gate.faults[0].kind == GateFaultKind::Above,
        "{gate:?}"
    );
    by_hand.mended().await;
    assert_eq!(by_hand.rules().len(), count + 1, "{:?}", by_hand.rules());
}
