//! What is done with logins on a router by `mikro2fa account` and `mikro2fa router`, beside a running `mikro2fa serve` and without.

use std::time::{Duration, Instant};

use mikro2fa_router::simulator::{Dial, Flow, Simulator};

use crate::{
    office::{Office, by_hand, founded},
    program::Served,
};

/// Long enough for whoever serves the router to look at it and to do what they think has to be done.
const A_WHILE: Duration = Duration::from_secs(2);

/// Who of these cannot log in.
fn disabled(sim: &Simulator, menu: &str) -> Vec<String> {
    let rows = sim.rows(menu).into_iter();
    let disabled = rows.filter(|row| row["disabled"] == "true");
    disabled.map(|row| row["name"].clone()).collect()
}

/// What the User Manager has beside a login's name.
fn attributes(sim: &Simulator, name: &str) -> String {
    let rows = sim.rows("/user-manager/user");
    let row = rows.into_iter().find(|row| row["name"] == name).unwrap();
    row["attributes"].clone()
}

/// What was handed over gets back whether it may log in, and what was exempt the profile that it had; in both places.
#[tokio::test(flavor = "multi_thread")]
async fn restoring_gives_accounts_back_what_they_had() {
    for serving in [true, false] {
        let sim = Simulator::builder()
            .account("ann", "pw")
            .account("shut", "pw")
            .account("boss", "pw")
            .account_with_profile("site", "pw", "default")
            .user_manager_account("uma", "pw")
            .user_manager_account("ute", "pw")
            .user_manager_account("link", "pw")
            .user_manager_account("copy", "pw");
        let office = Office::of(sim).await;
        let sim = &office.sim;
        for line in [
            "/ppp secret set shut disabled=yes",
            "/user-manager user set ute disabled=yes otp-secret=GEZDGNBVGY3TQOJQ",
            "/user-manager user set link \
             attributes=\"Framed-IP-Address:10.8.7.7,Mikrotik-Group:default,Mikrotik-Rate-Limit:1M/1M\"",
        ] {
            by_hand(sim, line);
        }
        let before = office.export();
        let mut served = Served::start(office.at());
        office.add(sim.admin_password(), 0);
        // With one that is exempt from the start: what others can be exempt by is there then.
        office.prepare(&["--exempt", "boss"]);
        // Of one nobody tells the desk that it has a profile of prepare's now.
        by_hand(
            sim,
            "/user-manager user set copy attributes=Mikrotik-Group:mikro2fa-vpn",
        );
        let listed = office.account(&["import", "office", "--yes"]);
        assert!(listed.contains("8 imported"), "{listed}");
        for account in ["ann", "shut", "uma", "ute"] {
            let said = office.account(&["hand-over", account]);
            assert!(said.contains("is handed over"), "{said}");
        }
        for account in ["site", "link"] {
            office.account(&["exempt", account, "--reason", "a link", "--sure", account]);
        }
        let attributes = |name: &str| attributes(sim, name);
        assert!(attributes("link").contains("Mikrotik-Group:mikro2fa-exempt-vpn"));
        let all_shut = |sim: &Simulator| {
            disabled(sim, "/ppp/secret") == ["ann", "shut"]
                && disabled(sim, "/user-manager/user") == ["uma", "ute"]
        };
        sim.until(all_shut).await;
        if !serving {
            served.signal("TERM");
            assert_eq!(served.left().code(), Some(0));
        }

        let asked = Instant::now();
        let said = office.says(&["restore", "office", "--yes"], 0);
        for line in [
            "note: PPP secret `ann` was handed over: it is given back, enabled",
            "note: PPP secret `shut` was handed over: it is given back, disabled",
            "note: User Manager login `uma` was handed over: it is given back, enabled",
            "note: User Manager login `link` gets back the profile `default`",
            "note: User Manager login `copy` gets back the profile `default-encryption`",
        ] {
            assert!(said.contains(line), "no `{line}` in {said}");
        }
        // Nobody serves it: nobody is waited for.
        let would_wait = Duration::from_secs(30);
        assert!(
            serving || asked.elapsed() < would_wait,
            "{:?}",
            asked.elapsed()
        );
        assert_eq!(attributes("copy"), "Mikrotik-Group:default-encryption");
        by_hand(sim, "/user-manager user set copy attributes=\"\"");
        assert_eq!(office.export(), before, "serving: {serving}");
        let shown = office.account(&["show", "uma", "--in", "user-manager", "--json"]);
        assert!(shown.contains("\"handed_over\": false"), "{shown}");
        assert!(!shown.contains("\"before\": {\n    \"enabled\""), "{shown}");
    }
}

/// Logins of the User Manager are no part of the plan: their profile is one of their attributes, and preparing puts it there again.
#[tokio::test(flavor = "multi_thread")]
async fn preparing_makes_logins_of_the_user_manager_exempt_again() {
    let sim = Simulator::builder()
        .account("boss", "pw")
        .user_manager_account("link", "pw")
        .user_manager_account("uma", "pw");
    let office = Office::of(sim).await;
    let sim = &office.sim;
    let own = "Framed-IP-Address:10.8.7.7,Mikrotik-Group:default";
    let set = format!("/user-manager user set link attributes=\"{own}\"");
    by_hand(sim, &set);
    founded(office.at());
    office.add(sim.admin_password(), 0);
    office.prepare(&["--exempt", "boss"]);
    office.account(&["import", "office", "--yes"]);
    office.account(&["exempt", "link", "--reason", "a link", "--sure", "link"]);
    let exempt = "Framed-IP-Address:10.8.7.7,Mikrotik-Group:mikro2fa-exempt-vpn";
    assert_eq!(attributes(sim, "link"), exempt);
    office.says(&["restore", "office", "--yes"], 0);
    assert_eq!(attributes(sim, "link"), own);

    // The profile is made for it, though no secret needs it.
    office.prepare(&[]);
    assert_eq!(attributes(sim, "link"), exempt);
    let passes = |name: &str| {
        let tunnel = sim.dial(Dial::new(name, "pw")).unwrap();
        let to_office = Flow::between(&tunnel, [192, 168, 88, 10]);
        sim.would_pass(&to_office).passes()
    };
    assert!(passes("link") && !passes("uma"), "it is, and nobody else");
}

/// Whoever serves the router reads the desk within ten seconds. By what it read before, it would disable a login that was given back.
#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_is_given_back_beside_a_running_mikro2fa_stays_so() {
    let office = Office::new().await;
    let sim = &office.sim;
    let served = Served::start(office.at());
    office.add(sim.admin_password(), 0);
    office.prepare(&[]);
    office.account(&["import", "office", "--yes"]);
    office.account(&["hand-over", "ann"]);
    let is_shut = |sim: &Simulator| disabled(sim, "/ppp/secret") == ["ann"];
    sim.until(is_shut).await;

    sim.clear_commands();
    let said = office.account(&["hand-over", "ann", "--back"]);
    assert!(said.contains("is given back"), "{said}");
    // A tunnel makes it look at the router at once.
    let site = sim.dial(Dial::new("site", "pw")).unwrap();
    let again = tokio::time::timeout(A_WHILE, sim.until(is_shut)).await;
    assert!(again.is_err(), "it is disabled again");
    site.hang_up();
    let commands = sim.commands().into_iter();
    let sets = commands.filter(|it| it.command == "/ppp/secret/set");
    assert_eq!(sets.count(), 1, "it is enabled once, and nothing else");
    drop(served);
}
