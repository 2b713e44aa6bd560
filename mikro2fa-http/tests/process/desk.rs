//! The command line at the desk: by itself, and beside a running `mikro2fa serve`, which notices.

use std::path::Path;

use mikro2fa_router::simulator::{Dial, PreparedNames, Simulator};
use serde_json::json;

use crate::program::{Served, http, run, text};

/// What it printed, if it left with this code.
fn said(folder: &Path, arguments: &[&str], code: i32) -> String {
    let output = run(folder, arguments, &[]);
    let said = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    said
}

#[test]
fn people_are_added_and_wrong_names_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    assert!(said(at, &["user", "list"], 1).contains("no such file"));
    let mut served = Served::start(at); // which makes the database
    served.signal("TERM");
    assert_eq!(served.left().code(), Some(0));
    assert!(said(at, &["user", "add", "Ann Lee"], 0).contains("user Ann Lee was added"));
    assert!(said(at, &["user", "add", "Ann Lee"], 1).contains("a user Ann Lee already"));
    assert!(said(at, &["user", "add", " x"], 1).contains("no space around it"));
    assert!(said(at, &["user", "list"], 0).contains("no chat"));
    let code = said(at, &["user", "link-code", "Ann Lee", "--typed"], 0);
    assert!(
        code.contains("good for 15 min") && code.contains("/start "),
        "{code}"
    );
    let nobody = said(at, &["user", "link-code", "Eve"], 1);
    assert!(nobody.contains("there is no user `Eve`"), "{nobody}");
    let nobody = said(at, &["account", "show", "eve"], 1);
    assert!(nobody.contains("there is no account `eve`"), "{nobody}");
    let nowhere = said(at, &["router", "mode", "attic", "enforce"], 1);
    assert!(nowhere.contains("there is no router `attic`"), "{nowhere}");
    let nowhere = said(at, &["account", "import", "attic"], 1);
    assert!(nowhere.contains("there is no router `attic`"), "{nowhere}");
    said(at, &["router", "report", "attic", "--since", "7w"], 2);
}

/// The router by its daily login, over REST.
fn add(served: &Served, sim: &Simulator) {
    let router = json!({
        "name": "office", "host": "127.0.0.1", "port": sim.api_address().port(), "transport": "api",
        "user": sim.names().user, "password": sim.daily_password(),
    });
    let token = served.token.as_deref().unwrap();
    let body = router.to_string();
    let (status, made) = http(served.address, "POST", "/api/routers", token, &body);
    assert_eq!(status, 201, "{made}");
}

fn is_shut(sim: &Simulator) -> bool {
    let rows = sim.rows("/ip/firewall/filter");
    let mut jumps = rows
        .iter()
        .filter(|row| row.get("action").is_some_and(|action| action == "jump"));
    jumps.all(|row| {
        !matches!(
            row.get("disabled").map(String::as_str),
            Some("true" | "yes")
        )
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_mikro2fa_notices_what_is_done_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let sim = Simulator::builder()
        .prepared(PreparedNames::default())
        .account("ann", "a password")
        .start()
        .await
        .unwrap();
    let served = Served::start(at);
    add(&served, &sim);

    let preview = said(at, &["account", "import", "office"], 0);
    assert!(
        preview.contains("ann") && preview.contains("Nothing was done"),
        "{preview}"
    );
    said(at, &["user", "add", "Ann"], 0);
    let stranger = said(
        at,
        &["account", "import", "office", "--yes", "--owner", "eve=Ann"],
        1,
    );
    assert!(stranger.contains("no login `eve`"), "{stranger}");
    let made = said(
        at,
        &["account", "import", "office", "--yes", "--owner", "ann=Ann"],
        0,
    );
    assert!(
        made.contains("1 imported, 0 of them owned by nobody"),
        "{made}"
    );

    assert!(is_shut(&sim));
    let opened = said(at, &["router", "mode", "office", "observe"], 0);
    assert!(opened.contains("its gate is open"), "{opened}");
    assert!(!is_shut(&sim));
    let report = said(at, &["router", "report", "office"], 0);
    assert!(report.contains("0 questions, 0 confirmed"), "{report}");
    let shut = said(at, &["router", "mode", "office", "enforce"], 0);
    assert!(shut.contains("it is enforced"), "{shut}");
    assert!(is_shut(&sim));
}

/// Both of a router's places, told apart on the command line.
#[tokio::test(flavor = "multi_thread")]
async fn logins_of_both_places_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let sim = Simulator::builder()
        .prepared(PreparedNames::default())
        .account("ann", "a password")
        .account("ANN", "a password")
        .user_manager_account("ann", "another")
        .user_manager_account("uma", "a password")
        .start()
        .await
        .unwrap();
    let served = Served::start(at);
    let token = served.token.clone().unwrap();
    add(&served, &sim);
    let disabled = |menu: &str, name: &str| {
        let rows = sim.rows(menu);
        let row = rows.iter().find(|row| row["name"] == name).unwrap();
        row["disabled"] == "true"
    };

    // How names are compared is said of each place; of the User Manager once it has an account here.
    let folded = ["router", "names", "office", "folded", "--user-manager"];
    let none = said(at, &folded, 1);
    assert!(none.contains("import them first"), "{none}");
    let unclear = ["account", "import", "office", "--yes", "--only", "ann"];
    let unclear = said(at, &unclear, 1);
    assert!(unclear.contains("--in user-manager"), "{unclear}");
    let preview = said(
        at,
        &["account", "import", "office", "--in", "user-manager"],
        0,
    );
    assert!(
        preview.contains("User Manager") && !preview.contains("PPP secrets  "),
        "{preview}"
    );
    let made = said(at, &["account", "import", "office", "--yes"], 0);
    assert!(made.contains("4 imported"), "{made}");
    let names = said(at, &folded, 0);
    assert!(
        names.contains("compared without case, domain and realm"),
        "{names}"
    );
    let matching = |kind: &str| {
        let (_, sources) = http(served.address, "GET", "/api/sources", &token, "");
        let rows = sources["rows"].as_array().unwrap();
        let source = rows.iter().find(|row| row["kind"] == kind).unwrap();
        source["matching"].as_str().unwrap().to_owned()
    };
    assert_eq!(matching("user_manager"), "folded");
    assert_eq!(matching("ppp_secrets"), "exact", "that of the other place");
    // Two of its secrets would be one.
    let twins = said(at, &["router", "names", "office", "folded"], 1);
    assert!(twins.contains("would be one"), "{twins}");
    let back = said(
        at,
        &["router", "names", "office", "exact", "--user-manager"],
        0,
    );
    assert!(back.contains("compared letter by letter"), "{back}");
    assert_eq!(matching("user_manager"), "exact");

    let which = said(at, &["account", "disable", "ann"], 1);
    assert!(
        which.contains("more than one account `ann`") && which.contains("--in"),
        "{which}"
    );
    let listed = said(at, &["account", "list", "--router", "office"], 0);
    assert!(
        listed.contains("User Manager") && listed.contains("PPP secrets"),
        "{listed}"
    );
    said(
        at,
        &["account", "disable", "ann", "--in", "user-manager"],
        0,
    );
    assert!(disabled("/user-manager/user", "ann") && !disabled("/ppp/secret", "ann"));
    said(at, &["account", "enable", "ann", "--in", "user-manager"], 0);
    assert!(!disabled("/user-manager/user", "ann"));
    let shown = said(at, &["account", "show", "ann", "--in", "ppp-secrets"], 0);
    assert!(shown.contains("PPP secrets"), "{shown}");

    let create = [
        "account",
        "create",
        "office",
        "dora",
        "--in",
        "user-manager",
    ];
    let made = said(at, &create, 0);
    let password = made.lines().last().unwrap();
    assert_eq!(password.len(), 24, "{made}");
    sim.dial(Dial::new("dora", password)).unwrap().hang_up();
    said(at, &["account", "delete", "dora", "--login", "--yes"], 0);
    assert!(sim.dial(Dial::new("dora", password)).is_err());
    let live = said(at, &["account", "list", "--router", "office", "--live"], 0);
    assert!(live.contains("only the PPP secret is asked"), "{live}");
}
