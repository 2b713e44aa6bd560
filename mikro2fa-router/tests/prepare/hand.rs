//! What prepare must not cut, and what it must not touch.

use mikro2fa_core::desk::TransportKind;
use mikro2fa_router::{
    gate::{Coverage, GateNames},
    prepare::{self, Choices, Login, MemoryJournal, Subscribers},
    simulator::{Dial, Flow, Service, Simulator, TunnelHandle},
};
use routeros_api::Command;

use crate::support::{choices, configuration, plan_again, prepare, restore_all, survey};

fn add(sim: &Simulator, menu: &str, properties: &[(&str, &str)]) {
    let mut command = Command::new(format!("{menu}/add"));
    for (name, value) in properties {
        command = command.attribute(*name, *value);
    }
    sim.administer(&command).unwrap();
}

/// Whether a tunnel gets into the office.
fn to_office(sim: &Simulator, tunnel: &TunnelHandle) -> bool {
    sim.would_pass(&Flow::between(tunnel, [192, 168, 88, 10]))
        .passes()
}

/// The administrator comes through a tunnel of this very router.
async fn through_a_tunnel() -> Simulator {
    let sim = Simulator::builder()
        .account("ann", "pw")
        .fixed_account("site", "pw", [127, 0, 0, 1].into())
        .start()
        .await
        .unwrap();
    sim.dial(Dial::new("site", "pw")).unwrap();
    sim
}

#[tokio::test]
async fn the_hand_that_prepares_is_not_cut() {
    let sim = through_a_tunnel().await;
    let before = configuration(&sim);
    let refused = prepare(&sim, &choices(), &MemoryJournal::default()).await;
    let why = refused.unwrap_err().to_string();
    assert!(
        why.contains("account `site`") && why.contains("make it exempt"),
        "{why}"
    );
    assert_eq!(configuration(&sim), before, "nothing was done");
}

#[tokio::test]
async fn a_tunnel_has_to_come_up_exempt_before_the_gate_is_shut() {
    let sim = through_a_tunnel().await;
    let exempt = Choices {
        exempt: ["site".into()].into(),
        ..choices()
    };
    let journal = MemoryJournal::default();
    let plan = prepare(&sim, &exempt, &journal).await.unwrap();
    assert_eq!(plan.waits.len(), 1, "{:?}", plan.waits);
    assert!(
        to_office(&sim, &sim.tunnels_of("site")[0]),
        "not cut, though it is not on the exempt list yet"
    );
    let ann = sim.dial(Dial::new("ann", "pw")).unwrap();
    assert!(to_office(&sim, &ann), "so the jumps are not enabled");

    sim.tunnels_of("site")[0].hang_up();
    sim.dial(Dial::new("site", "pw")).unwrap();
    // It stays exempt without being named again.
    let plan = prepare(&sim, &choices(), &journal).await.unwrap();
    assert_eq!(plan.waits, Vec::<String>::new());
    assert!(!to_office(&sim, &ann));
    assert!(to_office(&sim, &sim.tunnels_of("site")[0]));
    assert!(plan_again(&sim, &choices()).await.is_done());
}

/// Who switches the gate on later is told the same as who prepares.
#[tokio::test]
async fn the_hand_is_not_cut_by_switching_the_gate_on_later() {
    let sim = through_a_tunnel().await;
    let observing = Choices {
        observe: true,
        ..choices()
    };
    let refused = prepare(&sim, &observing, &MemoryJournal::default()).await;
    let said = refused.unwrap_err().to_string();
    let names = GateNames::default();
    let cut_off = async |exempt: &[&str]| {
        let exempt = exempt.iter().map(|&it| it.into()).collect();
        prepare::cut_off(&survey(&sim).await, &names, exempt)
    };
    let now = cut_off(&[]).await;
    assert_eq!(now.len(), 1, "{now:?}");
    assert!(said.contains(&now[0]), "{said}, and not {now:?}");
    // Exempt at the desk, and its tunnel is from before that.
    let dial_again = cut_off(&["site"]).await;
    assert!(
        dial_again[0].contains("has to dial again"),
        "{dial_again:?}"
    );
    let exempt = Choices {
        exempt: ["site".into()].into(),
        ..observing
    };
    prepare(&sim, &exempt, &MemoryJournal::default())
        .await
        .unwrap();
    sim.tunnels_of("site")[0].hang_up();
    sim.dial(Dial::new("site", "pw")).unwrap();
    assert_eq!(cut_off(&[]).await, Vec::<String>::new());
    sim.tunnels_of("site")[0].hang_up();
    assert_eq!(cut_off(&[]).await, Vec::<String>::new(), "nobody comes so");
}

#[tokio::test]
async fn a_way_over_a_route_behind_a_tunnel_counts_too() {
    let sim = Simulator::builder()
        .account("site", "pw")
        .start()
        .await
        .unwrap();
    let site = sim.dial(Dial::new("site", "pw")).unwrap();
    let gateway = site.address().unwrap().to_string();
    add(
        &sim,
        "/ip/route",
        &[("dst-address", "127.0.0.0/8"), ("gateway", &gateway)],
    );
    let why = prepare(&sim, &choices(), &MemoryJournal::default()).await;
    let why = why.unwrap_err().to_string();
    assert!(
        why.contains("127.0.0.1 is reached through the tunnel of account `site`"),
        "{why}"
    );
}

#[tokio::test]
async fn the_way_to_the_internet_is_named_and_left_alone() {
    let sim = Simulator::builder()
        .account("ann", "pw")
        .start()
        .await
        .unwrap();
    let wan = [
        ("name", "wan"),
        ("interface", "ether1"),
        ("profile", "default-encryption"),
    ];
    add(&sim, "/interface/pppoe-client", &wan);
    let journal = MemoryJournal::default();
    let plan = prepare(&sim, &choices(), &journal).await.unwrap();
    assert!(
        plan.warnings
            .iter()
            .any(|it| it.contains("pppoe-client `wan`")),
        "{:?}",
        plan.warnings
    );
    let profile = |name: &str| {
        let rows = sim.rows("/ppp/profile");
        rows.into_iter().find(|row| row["name"] == name).unwrap()
    };
    let original = profile("default-encryption");
    assert!(!original.contains_key("interface-list"));
    assert_eq!(original.get("on-up").map_or("", String::as_str), "");
    assert_eq!(
        sim.rows("/interface/pppoe-client")[0]["profile"],
        "default-encryption"
    );
    // With a profile that puts it on the list, the way out would be held.
    let names = GateNames::default();
    add(
        &sim,
        "/ppp/profile",
        &[("name", "uplink"), ("interface-list", &names.covered)],
    );
    add(
        &sim,
        "/interface/l2tp-client",
        &[
            ("name", "hq"),
            ("connect-to", "192.0.2.1"),
            ("profile", "uplink"),
        ],
    );
    let why = prepare(&sim, &choices(), &journal)
        .await
        .unwrap_err()
        .to_string();
    assert!(why.contains("l2tp-client `hq`"), "{why}");
}

#[tokio::test]
async fn subscribers_are_asked_about_first() {
    let sim = Simulator::builder()
        .account_with_profile("home", "pw", "default")
        .start()
        .await
        .unwrap();
    let ask = Choices {
        subscribers: Subscribers::Ask,
        ..choices()
    };
    let why = prepare(&sim, &ask, &MemoryJournal::default()).await;
    let why = why.unwrap_err().to_string();
    let says = |part| why.contains(part);
    assert!(says("PPPoE servers are enabled"), "{why}");
    // How it is said, at the command line and over REST.
    assert!(
        says("held like others, with `--pppoe cover`, or never, with `--pppoe exempt`"),
        "{why}"
    );
    assert!(says("over REST, `pppoe` is `cover` or `exempt`"), "{why}");

    let exempt = Choices {
        subscribers: Subscribers::Exempt,
        exempt: ["home".into()].into(),
        ..choices()
    };
    let journal = MemoryJournal::default();
    prepare(&sim, &exempt, &journal).await.unwrap();
    let home = Dial::new("home", "pw")
        .by(Service::Pppoe)
        .from("02:00:00:00:00:99");
    let home = sim.dial(home).unwrap();
    assert!(
        sim.would_pass(&Flow::between(&home, [192, 168, 88, 10]))
            .passes()
    );
    assert!(plan_again(&sim, &exempt).await.is_done());
}

#[tokio::test]
async fn only_chosen_accounts_can_be_covered() {
    let sim = Simulator::builder()
        .account("ann", "pw")
        .account("bob", "pw")
        .start()
        .await
        .unwrap();
    let before = configuration(&sim);
    let chosen = Choices {
        coverage: Coverage::Chosen,
        chosen: ["ann".into()].into(),
        subscribers: Subscribers::Ask,
        ..choices()
    };
    let journal = MemoryJournal::default();
    prepare(&sim, &chosen, &journal).await.unwrap();
    let ann = sim.dial(Dial::new("ann", "pw")).unwrap();
    let bob = sim.dial(Dial::new("bob", "pw")).unwrap();
    let passes = |tunnel| {
        sim.would_pass(&Flow::between(tunnel, [192, 168, 88, 10]))
            .passes()
    };
    assert!(!passes(&ann) && passes(&bob));
    assert!(plan_again(&sim, &chosen).await.is_done());
    restore_all(&sim, &chosen, &journal).await.unwrap();
    assert_eq!(configuration(&sim), before);
}

#[tokio::test]
async fn what_somebody_else_made_is_not_taken_for_ours() {
    let sim = Simulator::builder().start().await.unwrap();
    add(
        &sim,
        "/user/group",
        &[("name", "mikro2fa-daily"), ("policy", "read")],
    );
    let user = [("name", "mikro2fa"), ("group", "read"), ("password", "x")];
    add(&sim, "/user", &user);
    let why = prepare(&sim, &choices(), &MemoryJournal::default()).await;
    let why = why.unwrap_err().to_string();
    assert!(
        why.contains("group `mikro2fa-daily`") && why.contains("user `mikro2fa`"),
        "{why}"
    );
}

#[tokio::test]
async fn an_account_that_is_not_there_is_not_exempt() {
    let sim = Simulator::builder()
        .account("ann", "pw")
        .start()
        .await
        .unwrap();
    let wrong = Choices {
        exempt: ["sit".into()].into(),
        ..choices()
    };
    let why = prepare(&sim, &wrong, &MemoryJournal::default()).await;
    assert!(
        why.unwrap_err()
            .to_string()
            .contains("no such PPP secret: `sit`")
    );
}

#[tokio::test]
async fn restore_leaves_what_somebody_changed_and_says_so() {
    let sim = Simulator::builder()
        .account("ann", "pw")
        .account("bob", "pw")
        .start()
        .await
        .unwrap();
    let journal = MemoryJournal::default();
    prepare(&sim, &choices(), &journal).await.unwrap();
    let set = Command::new("/ppp/secret/set")
        .attribute(".id", "bob")
        .attribute("profile", "default");
    sim.administer(&set).unwrap();
    add(
        &sim,
        "/ip/firewall/filter",
        &[
            ("chain", "mikro2fa-forward"),
            ("action", "log"),
            ("comment", "mine"),
        ],
    );
    let found = restore_all(&sim, &choices(), &journal).await.unwrap();
    assert_eq!(found.left.len(), 2, "{:?}", found.left);
    assert!(found.left.iter().any(|it| it.contains("`mine`")));
    assert!(
        found
            .left
            .iter()
            .any(|it| it.contains("/ppp/secret bob: profile is `default`"))
    );
    let rows = sim.rows("/ppp/secret");
    assert_eq!(
        (&*rows[0]["profile"], &*rows[1]["profile"]),
        ("default-encryption", "default")
    );
}

#[tokio::test]
async fn a_lost_journal_does_not_keep_restore_from_its_work() {
    let sim = Simulator::builder()
        .account("ann", "pw")
        .account_with_profile("bob", "pw", "default")
        .start()
        .await
        .unwrap();
    let before = configuration(&sim);
    prepare(&sim, &choices(), &MemoryJournal::default())
        .await
        .unwrap();
    restore_all(&sim, &choices(), &MemoryJournal::default())
        .await
        .unwrap();
    assert_eq!(configuration(&sim), before);
}

#[tokio::test]
async fn the_daily_login_has_least_rights_and_one_address() {
    let sim = Simulator::builder().start().await.unwrap();
    for (transport, policy) in [(TransportKind::Api, "api"), (TransportKind::Ssh, "ssh")] {
        let names = GateNames {
            user: format!("daily-{policy}"),
            group: format!("group-{policy}"),
            ..GateNames::default()
        };
        let choices = Choices {
            names: names.clone(),
            login: Login {
                transport,
                from: Some("192.0.2.7/32".into()),
                ..choices().login
            },
            ..choices()
        };
        prepare(&sim, &choices, &MemoryJournal::default())
            .await
            .unwrap();
        let row = |menu: &str, name: &str| {
            let rows = sim.rows(menu).into_iter();
            let mut rows = rows.filter(|row| row["name"] == name);
            rows.next().unwrap()
        };
        let group = row("/user/group", &names.group);
        let granted: Vec<&str> = group["policy"]
            .split(',')
            .filter(|it| !it.starts_with('!'))
            .collect();
        let mut wanted = vec!["read", "write", policy];
        wanted.sort_unstable();
        let mut granted = granted;
        granted.sort_unstable();
        assert_eq!(granted, wanted);
        let user = row("/user", &names.user);
        assert_eq!(user["address"].trim_end_matches("/32"), "192.0.2.7");
        assert!(
            sim.commands()
                .iter()
                .all(|it| !format!("{it:?}").contains("daily-password"))
        );
    }
}
