//! The command line at the desk: by itself, and beside a running `mikro2fa serve`, which notices.

use std::path::Path;

use mikro2fa_router::simulator::{PreparedNames, Simulator};
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
    let token = served.token.clone().unwrap();
    let router = json!({
        "name": "office", "host": "127.0.0.1", "port": sim.api_address().port(), "transport": "api",
        "user": sim.names().user, "password": sim.daily_password(),
    });
    let (status, made) = http(
        served.address,
        "POST",
        "/api/routers",
        &token,
        &router.to_string(),
    );
    assert_eq!(status, 201, "{made}");

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
