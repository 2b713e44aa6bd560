//! `mikro2fa router` as a process, against a simulated router: added, prepared, checked, restored, removed; by itself, and beside
//! a running `mikro2fa serve`.

use std::time::Instant;

use mikro2fa_router::simulator::{Dial, Simulator, Via};
use serde_json::json;

use crate::{
    office::{Office, PREPARE, WATCHDOG, founded, serves},
    program::{Served, http, run, text},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_router_is_added_prepared_restored_and_removed() {
    let office = Office::new().await;
    let admin = office.sim.admin_password().to_owned();
    assert!(office.add(&admin, 1).contains("no key to seal passwords"));
    let token = founded(office.at());

    assert!(
        office
            .says(&["list"], 0)
            .contains("no router is under control")
    );
    let refused = office.add("wrong", 1);
    assert!(refused.contains("nothing was kept"), "{refused}");
    assert!(
        office
            .says(&["list"], 0)
            .contains("no router is under control")
    );
    let added = office.add(&admin, 0);
    assert!(added.contains("It has no gate yet"), "{added}");
    assert!(office.add(&admin, 1).contains("a router office already"));
    let listed = office.says(&["list"], 0);
    assert!(
        listed.contains("observing") && listed.contains("none: weak"),
        "{listed}"
    );
    let unknown = office.says(&["prepare", "offise"], 1);
    assert!(unknown.contains("there is no router `offise`"), "{unknown}");

    let before = office.export();
    assert!(office.lets_strangers_in());
    // It has a PPPoE server: that is asked about. Without a terminal nothing is done unasked; nor with another password.
    let asked = office.says(&["prepare", "office"], 1);
    assert!(asked.contains("PPPoE"), "{asked}");
    let unsaid = office.says(&["prepare", "office", "--pppoe", "cover"], 1);
    assert!(unsaid.contains("say --yes"), "{unsaid}");
    let out = office.says_as("wrong", &PREPARE, 1);
    assert!(
        out.contains("cannot be set up with the login `admin`"),
        "{out}"
    );
    let script = office.says(&["prepare", "office", "--pppoe", "cover", "--print"], 0);
    assert!(
        script.contains("/ip firewall filter add chain=\"mikro2fa-forward\""),
        "{script}"
    );
    assert_eq!(office.export(), before, "so far nothing was done");

    let done = office.prepare(&[]);
    assert!(
        done.contains("each read back") && done.contains("the gate is shut"),
        "{done}"
    );
    assert!(!office.lets_strangers_in());
    let again = office.prepare(&[]);
    assert!(again.contains("there is nothing to do"), "{again}");
    let listed = office.says(&["list"], 0);
    assert!(
        listed.contains("enforcing") && listed.contains("prepared"),
        "{listed}"
    );
    let checked = run(office.at(), &["router", "check", "office"], &[]);
    let checked = text(&checked.stdout) + &text(&checked.stderr);
    assert!(checked.contains("PPP tunnels: no"), "{checked}");

    let restored = office.says(&["restore", "office", "--yes"], 0);
    assert!(
        restored.contains("No tunnel is held on office"),
        "{restored}"
    );
    assert_eq!(office.export(), before);
    assert!(office.lets_strangers_in());
    assert!(office.says(&["list"], 0).contains("none: weak"));

    // Prepared again. The order to open the gate, which nobody saw done, is not carried out by whoever serves it now.
    office.prepare(&[]);
    assert_ne!(office.export(), before);
    let mut served = Served::start(office.at());
    let begun = Instant::now();
    let is_settled = || {
        let (_, routers) = served.get("/api/routers", &token);
        routers["rows"][0]["switching"] == false
    };
    while !is_settled() {
        assert!(begun.elapsed() < WATCHDOG, "no order is ever seen done");
    }
    assert!(!office.lets_strangers_in());
    served.signal("TERM");
    assert_eq!(served.left().code(), Some(0));
    // Removed: that restores it.
    let removed = office.says(&["remove", "office", "--yes"], 0);
    assert!(removed.contains("office is out of control"), "{removed}");
    assert_eq!(office.export(), before);
    assert!(
        office
            .says(&["list"], 0)
            .contains("no router is under control")
    );

    // Or, if somebody says so, the gate stays.
    office.add(&admin, 0);
    office.prepare(&[]);
    let unsaid = office.says(&["remove", "office", "--leave-the-gate"], 1);
    assert!(unsaid.contains("say --yes"), "{unsaid}");
    office.says(&["remove", "office", "--leave-the-gate", "--yes"], 0);
    assert!(!office.lets_strangers_in());
}

/// Lists that somebody made by hand are used, and given back as they were.
#[tokio::test(flavor = "multi_thread")]
async fn names_that_were_chosen_are_used_everywhere() {
    let office = Office::new().await;
    founded(office.at());
    office.add(office.sim.admin_password(), 0);
    let wrong = office.says(&["prepare", "office", "--name", "premit=x"], 2);
    assert!(wrong.contains("no part of the gate"), "{wrong}");
    let before = office.export();
    let names = [
        "permit=vpn ok",
        "covered=tunnels",
        "exempt=sites",
        "forward-chain=vpn-forward",
        "input-chain=vpn-input",
        "profile=vpn",
        "exempt-profile=site",
        "user=watcher",
        "group=watchers",
        "comment=vpn gate",
    ];
    office.prepare(&names.map(|name| ["--name", name]).concat());
    let export = office.export().join("\n");
    assert!(
        !export.contains("mikro2fa-permit") && !export.contains("mikro2fa-forward"),
        "{export}"
    );
    assert!(!office.lets_strangers_in());
    // From here on nobody has to say them again.
    let again = office.prepare(&[]);
    assert!(again.contains("there is nothing to do"), "{again}");
    let other = [&PREPARE[..], &["--name", "permit=other"]].concat();
    let other = office.says(&other, 1);
    assert!(other.contains("restore it first"), "{other}");
    let checked = run(office.at(), &["router", "check", "office"], &[]);
    let checked = text(&checked.stdout) + &text(&checked.stderr);
    assert!(checked.contains("PPP tunnels: no"), "{checked}");

    // The watch and the switch know them, too.
    let served = Served::start(office.at());
    let opened = office.says(&["mode", "office", "observe"], 0);
    assert!(opened.contains("its gate is open"), "{opened}");
    assert!(office.lets_strangers_in());
    let shut = office.says(&["mode", "office", "enforce"], 0);
    assert!(shut.contains("it is enforced"), "{shut}");
    assert!(!office.lets_strangers_in());
    let filter = |sim: &Simulator| sim.rows("/ip/firewall/filter").len();
    let rules = filter(&office.sim);
    drop(served);
    assert_eq!(filter(&office.sim), rules, "nothing was made beside it");
    // It was killed, and has lost its lock: nobody is waited for.
    office.says(&["restore", "office", "--yes"], 0);
    assert_eq!(office.export(), before);
}

/// Whoever serves the router would shut its gate again: it opens the gate itself before anything is taken back.
#[tokio::test(flavor = "multi_thread")]
async fn beside_a_running_mikro2fa_the_gate_is_opened_by_it_first() {
    let office = Office::new().await;
    let served = Served::start(office.at());
    let before = office.export();
    office.add(office.sim.admin_password(), 0);
    office.prepare(&[]);
    office.sim.until(serves).await;
    office.sim.clear_commands();
    office.says(&["restore", "office", "--yes"], 0);
    assert_eq!(office.export(), before);
    let writes: Vec<(String, String)> = office
        .sim
        .commands()
        .into_iter()
        .filter(|it| it.via == Via::Api && !it.command.ends_with("/print"))
        .filter(|it| it.command.starts_with("/ip") && !it.command.contains("address-list"))
        .map(|it| (it.user, it.command))
        .collect();
    let first = writes.first().unwrap();
    assert_eq!(
        *first,
        (
            "mikro2fa".to_owned(),
            "/ipv6/firewall/filter/set".to_owned()
        ),
        "{writes:?}"
    );
    assert!(
        writes.iter().skip(2).all(|(user, _)| user == "admin"),
        "nobody worked against it: {writes:?}"
    );
    let said = office.says(&["remove", "office", "--yes"], 0);
    assert!(said.contains("there is nothing of prepare"), "{said}");
    assert_eq!(served.get("/healthz", "").0, 200);
}

/// REST shows a plan first, and does what was shown and nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn over_rest_a_plan_is_shown_and_then_carried_out() {
    let office = Office::new().await;
    let served = Served::start(office.at());
    let token = served.token.clone().unwrap();
    office.add(office.sim.admin_password(), 0);
    let (_, routers) = served.get("/api/routers", &token);
    let id = routers["rows"][0]["id"].as_str().unwrap().to_owned();
    let ask = |method: &str, path: &str, body: serde_json::Value| {
        let path = format!("/api/routers/{id}{path}");
        http(served.address, method, &path, &token, &body.to_string())
    };
    let before = office.export();
    let set_up = json!({"user": "admin", "password": office.sim.admin_password()});
    let (status, said) = ask(
        "POST",
        "/prepare",
        json!({"set_up": {"user": "admin", "password": "wrong"}}),
    );
    assert_eq!(status, 503, "{said}");
    let (status, plan) = ask(
        "POST",
        "/prepare",
        json!({"set_up": set_up, "pppoe": "cover"}),
    );
    assert_eq!((status, &plan["done"]), (200, &json!(false)), "{plan}");
    assert!(!plan["steps"].as_array().unwrap().is_empty());
    assert!(!plan.to_string().contains(office.sim.admin_password()));
    // Fixed addresses as on the command line, and with the same words where they make no sense.
    let fixed = |range: &str| json!({"set_up": set_up, "pppoe": "cover", "fixed_addresses": range});
    for wrong in ["10.8.1.9-10.8.1.2", "10.8.1.2"] {
        let (status, said) = ask("POST", "/prepare", fixed(wrong));
        assert_eq!(status, 422, "{said}");
        let said = said["detail"].as_str().unwrap();
        let words = said.strip_prefix("fixed_addresses: ").unwrap();
        let on_the_line = ["prepare", "office", "--fixed-addresses", wrong];
        assert!(office.says(&on_the_line, 2).contains(words), "{words}");
    }
    let (status, ranged) = ask("POST", "/prepare", fixed("10.8.1.2-10.8.1.9"));
    assert_eq!(status, 200, "{ranged}");
    let steps = ranged["steps"].to_string();
    assert!(
        steps.contains("remote-address=10.8.1.2") && !plan.to_string().contains("10.8.1.2"),
        "{steps}"
    );
    let confirm = plan["fingerprint"].clone();
    // With other choices it is another plan.
    let other = json!({"set_up": set_up, "pppoe": "exempt", "confirm": confirm});
    assert_eq!(ask("POST", "/prepare", other).0, 409);
    assert_eq!(office.export(), before);
    let (status, done) = ask(
        "POST",
        "/prepare",
        json!({"set_up": set_up, "pppoe": "cover", "confirm": confirm}),
    );
    assert_eq!((status, &done["done"]), (200, &json!(true)), "{done}");
    assert!(!office.lets_strangers_in());
    let (status, refused) = ask("DELETE", "", json!(null));
    assert_eq!(status, 409, "{refused}");

    let (_, plan) = ask("POST", "/restore", json!({"set_up": set_up}));
    let (status, done) = ask(
        "POST",
        "/restore",
        json!({"set_up": set_up, "confirm": plan["fingerprint"]}),
    );
    assert_eq!((status, &done["done"]), (200, &json!(true)), "{done}");
    assert_eq!(office.export(), before);
    assert_eq!(ask("DELETE", "", json!(null)).0, 204);
}

/// The router makes a certificate itself; it is pinned, used from then on, and taken back.
#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_for_the_api_over_tls_is_made_pinned_and_taken_back() {
    let sim = Simulator::builder().api_tls(0).account("ann", "pw");
    let sim = sim.start().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let office = Office { folder, sim };
    // As a router leaves the factory: the service is there, and has none.
    let say = |line: &str| {
        let said = office.sim.console(line);
        assert!(said.is_empty(), "{line}: {}", text(&said));
    };
    say("/ip service set api-ssl certificate=none disabled=yes");
    say("/certificate remove api-ssl");
    founded(office.at());
    office.add(office.sim.admin_password(), 0);
    let before = office.export();
    let done = office.prepare(&["--api-tls"]);
    assert!(done.contains("/certificate sign mikro2fa-api"), "{done}");
    let certificates = office.sim.rows("/certificate");
    assert_eq!(certificates.len(), 1, "{certificates:?}");
    assert_eq!(certificates[0]["subject-alt-name"], "IP:127.0.0.1");
    let port = office.sim.api_tls_address().unwrap().port().to_string();
    let listed = office.says(&["list"], 0);
    assert!(
        listed.contains("API over TLS") && listed.contains(&port),
        "{listed}"
    );
    office.sim.clear_commands();
    let again = office.prepare(&["--api-tls"]);
    assert!(again.contains("there is nothing to do"), "{again}");
    let checked = run(office.at(), &["router", "check", "office"], &[]);
    let checked = text(&checked.stdout) + &text(&checked.stderr);
    assert!(checked.contains("PPP tunnels: no"), "{checked}");
    let vias: Vec<Via> = office.sim.commands().iter().map(|it| it.via).collect();
    assert!(
        !vias.is_empty() && vias.iter().all(|via| *via == Via::ApiTls),
        "{vias:?}"
    );

    // Another certificate is another router.
    say("/ip service set api-ssl certificate=none");
    let refused = office.says(&[&PREPARE[..], &["--api-tls"]].concat(), 1);
    assert!(refused.contains("cannot be set up"), "{refused}");
    say("/ip service set api-ssl certificate=mikro2fa-api");

    office.says(&["restore", "office", "--yes"], 0);
    assert_eq!(office.export(), before);
    assert_eq!(office.sim.rows("/certificate").len(), 0);
    let listed = office.says(&["list"], 0);
    assert!(listed.contains("API in the clear"), "{listed}");
}

/// Somebody's own way in is not cut by switching the gate on later either, neither here nor over REST.
#[tokio::test(flavor = "multi_thread")]
async fn the_gate_is_not_switched_on_before_somebodys_own_way_in() {
    let sim = Simulator::builder().account("ann", "pw").fixed_account(
        "site",
        "pw",
        [127, 0, 0, 1].into(),
    );
    let office = Office::of(sim).await;
    let served = Served::start(office.at());
    let token = served.token.clone().unwrap();
    office.add(office.sim.admin_password(), 0);
    office.prepare(&["--observe"]);
    // From here on the administrator, and mikro2fa, come through a tunnel of this very router.
    let way = office.sim.dial(Dial::new("site", "pw")).unwrap();
    let words = "that account would be held and the way cut; make it exempt first";
    let refused = office.says(&["mode", "office", "enforce"], 1);
    assert!(refused.contains(words), "{refused}");
    let prepare = [&PREPARE[..], &["--observe"]].concat();
    assert!(office.says(&prepare, 1).contains(words), "the same words");
    let (_, routers) = served.get("/api/routers", &token);
    let router = &routers["rows"][0];
    let path = format!("/api/routers/{}", router["id"].as_str().unwrap());
    let change = json!({"version": router["version"], "mode": "enforcing"}).to_string();
    let (status, said) = http(served.address, "PATCH", &path, &token, &change);
    assert!(
        status == 409 && said.to_string().contains(words),
        "{status} {said}"
    );
    assert!(office.says(&["list"], 0).contains("observing"));
    assert!(office.lets_strangers_in());
    // Without it, or if somebody insists.
    way.hang_up();
    let shut = office.says(&["mode", "office", "enforce"], 0);
    assert!(shut.contains("it is enforced"), "{shut}");
    office.says(&["mode", "office", "observe"], 0);
    office.sim.dial(Dial::new("site", "pw")).unwrap();
    let insisted = office.says(&["mode", "office", "enforce", "--unchecked"], 0);
    assert!(insisted.contains("it is enforced"), "{insisted}");
    assert!(!office.lets_strangers_in());
}
