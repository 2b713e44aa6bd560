//! The real program as a process: exit codes, first run, signals, what it says about bad configuration.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

#[cfg(feature = "simulate")]
mod desk;
#[cfg(feature = "demo")]
mod killed;
#[cfg(feature = "simulate")]
mod logins;
#[cfg(feature = "simulate")]
mod office;
mod program;
#[cfg(feature = "simulate")]
mod router;
mod simulate;

use std::time::Duration;

use mikro2fa_core::{
    directory::{Directory as _, PageOf},
    engine::SystemClock,
    store::Store as _,
    time::Clock as _,
};
use mikro2fa_store::{DatabaseUrl, DieselStore, Key, Options};
use serde_json::json;

#[cfg(feature = "demo")]
use program::Shown;
use program::{Served, died_of, http, run, taken_port, text};

#[test]
fn all_that_is_wrong_is_said_with_code_2() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("mikro2fa.toml"),
        "listn = \"x\"\n[log]\nlevel = \"loud\"\n",
    )
    .unwrap();
    for arguments in [
        &["serve"][..],
        &["config", "check"],
        &["config", "show"],
        &["migrate"],
        &["audit", "verify"],
    ] {
        let output = run(
            folder.path(),
            arguments,
            &[("MIKRO2FA_DATABASE_URL", "mysql://x")],
        );
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let said = text(&output.stderr);
        for part in [
            "3 faults",
            "mikro2fa.toml, line 1",
            "did you mean listen?",
            "\"loud\" is no log level",
            "MIKRO2FA_DATABASE_URL",
        ] {
            assert!(said.contains(part), "{part:?} in {said}");
        }
    }
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        1,
        "nothing was made"
    );
}

#[test]
fn wrong_usage_is_code_2_and_help_is_0() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(run(folder.path(), &["dance"], &[]).status.code(), Some(2));
    assert_eq!(run(folder.path(), &["--help"], &[]).status.code(), Some(0));
    assert_eq!(run(folder.path(), &["version"], &[]).status.code(), Some(0));
    assert_eq!(
        run(folder.path(), &["config", "show"], &[]).status.code(),
        Some(0)
    );
}

#[test]
fn the_first_run_makes_a_key_and_a_token_and_sigterm_is_a_good_end() {
    let folder = tempfile::tempdir().unwrap();
    let mut served = Served::start(folder.path());
    let token = served.token.clone().unwrap();
    assert_eq!(served.get("/healthz", "").0, 200);
    assert_eq!(served.get("/api/users", "m2fa_x").0, 401);
    let (status, made) = http(
        served.address,
        "POST",
        "/api/users",
        &token,
        &json!({"name": "Ann"}).to_string(),
    );
    assert_eq!(status, 201, "{made}");
    served.signal("TERM");
    assert_eq!(served.left().code(), Some(0));

    let mut again = Served::start(folder.path());
    assert_eq!(again.token, None, "only the first run prints one");
    let (_, users) = again.get("/api/users", &token);
    assert_eq!(users["rows"][0]["name"], "Ann");
    again.signal("INT");
    assert_eq!(again.left().code(), Some(0));
    let verified = run(folder.path(), &["audit", "verify"], &[]);
    assert_eq!(
        verified.status.code(),
        Some(0),
        "{}",
        text(&verified.stderr)
    );
    assert!(text(&verified.stdout).contains("the audit log is whole"));
}

/// Where this machine's clock is earlier than it was, nothing is opened until somebody vouches for it.
#[test]
fn a_clock_that_went_back_is_vouched_for_on_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let mut first = Served::start(folder.path());
    let token = first.token.clone().unwrap();
    first.signal("TERM");
    assert_eq!(first.left().code(), Some(0));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let open = async || {
        let file = DatabaseUrl::sqlite(folder.path().join("mikro2fa.db"));
        let key = Key::from_bytes(&[7; 32]);
        DieselStore::open(&file, &key, Options::default())
            .await
            .unwrap()
    };
    // As if it had last run in a year.
    runtime.block_on(async {
        let store = open().await;
        let later = SystemClock::new().now() + Duration::from_secs(365 * 86_400);
        store.touch_clock(later).await.unwrap();
        store.close().await.unwrap();
    });
    let trusted = |served: &Served| {
        let (status, clock) = served.get("/api/settings/clock", &token);
        assert_eq!(status, 200, "{clock}");
        clock["trusted"].as_bool().unwrap()
    };
    let mut doubtful = Served::start(folder.path());
    assert!(!trusted(&doubtful));
    doubtful.signal("TERM");
    assert_eq!(doubtful.left().code(), Some(0));
    let mut vouched = Served::start_saying(folder.path(), &["serve", "--trust-clock"], &[]);
    assert!(trusted(&vouched));
    vouched.signal("TERM");
    assert_eq!(vouched.left().code(), Some(0));
    let log = runtime.block_on(async { open().await.audit(None, &PageOf::default()).await });
    let log = format!("{log:?}");
    assert!(
        log.contains("vouched for this machine's clock") && log.contains("the command line"),
        "{log}"
    );
}

#[test]
fn a_killed_process_leaves_what_it_said() {
    let folder = tempfile::tempdir().unwrap();
    let mut served = Served::start(folder.path());
    let token = served.token.clone().unwrap();
    let (status, _) = http(
        served.address,
        "POST",
        "/api/users",
        &token,
        &json!({"name": "Ann"}).to_string(),
    );
    assert_eq!(status, 201);
    served.signal("KILL");
    assert_eq!(died_of(served.left()), Some(9));
    let again = Served::start(folder.path());
    assert_eq!(again.get("/api/users", &token).1["rows"][0]["name"], "Ann");
}

#[test]
fn a_port_in_use_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (_listener, address) = taken_port();
    let address = address.to_string();
    let output = run(folder.path(), &["serve"], &[("MIKRO2FA_LISTEN", &address)]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    assert!(
        said.contains(&address) && said.contains("is in use"),
        "{said}"
    );
    assert!(
        !folder.path().join("mikro2fa.db").exists(),
        "nothing was made"
    );
}

#[test]
fn a_database_that_is_none_another_key_and_a_second_server_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(folder.path());
    let token = served.token.clone().unwrap();
    let second = run(
        folder.path(),
        &["serve"],
        &[("MIKRO2FA_LISTEN", "127.0.0.1:0")],
    );
    assert_eq!(second.status.code(), Some(1));
    assert!(
        text(&second.stderr).contains("mikro2fa.db"),
        "{}",
        text(&second.stderr)
    );

    let secret = json!({"token": "123456:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw", "unchecked": true})
        .to_string();
    assert_eq!(
        http(
            served.address,
            "PUT",
            "/api/settings/bot-token",
            &token,
            &secret
        )
        .0,
        200
    );
    drop(served);
    let other = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let output = run(
        folder.path(),
        &["serve"],
        &[("MIKRO2FA_LISTEN", "127.0.0.1:0"), ("MIKRO2FA_KEY", other)],
    );
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).contains("sealed with another key"),
        "{}",
        text(&output.stderr)
    );

    std::fs::write(
        folder.path().join("junk.db"),
        "this is no database, whatever its name says",
    )
    .unwrap();
    let output = run(
        folder.path(),
        &["migrate"],
        &[("MIKRO2FA_DATABASE_URL", "sqlite://junk.db")],
    );
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).contains("junk.db"),
        "{}",
        text(&output.stderr)
    );
    let output = run(
        folder.path(),
        &["audit", "verify"],
        &[("MIKRO2FA_DATABASE_URL", "sqlite://nowhere.db")],
    );
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stderr).contains("there is no such file"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn a_key_file_that_others_may_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mikro2fa.key");
    std::fs::write(&path, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    for arguments in [&["serve"][..], &["config", "check"]] {
        let output = run(folder.path(), arguments, &[]);
        assert_eq!(output.status.code(), Some(2));
        assert!(
            text(&output.stderr).contains("chmod 600"),
            "{}",
            text(&output.stderr)
        );
    }
}

#[cfg(feature = "demo")]
#[test]
fn the_demo_plays_its_script() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(
        folder.path(),
        &["demo", "--script"],
        &[("TMPDIR", folder.path().to_str().unwrap())],
    );
    let (said, wrong) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{said}\n{wrong}");
    assert!(said.contains("0 not"), "{said}");
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        0,
        "nothing stays behind"
    );
}

#[cfg(feature = "demo")]
#[test]
fn the_demos_page_is_served_until_it_is_ended_and_nothing_stays_behind() {
    let folder = tempfile::tempdir().unwrap();
    let demo = Shown::start(folder.path());
    let (status, state) = http(demo.address, "GET", "/demo/state", "", "");
    assert_eq!((status, &state["router"]["power"]), (200, &json!("up")));
    let (status, _) = http(
        demo.address,
        "POST",
        "/demo/act",
        "",
        r#"{"do":"play","scene":"confirm"}"#,
    );
    assert_eq!(status, 200);
    let (_, state) = http(demo.address, "GET", "/demo/state", "", "");
    assert_eq!(state["life"]["state"], "challenged", "{state}");
    assert_eq!(demo.ended_by("INT"), Some(0));
    assert_eq!(Shown::start(folder.path()).ended_by("TERM"), Some(0));
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        0,
        "nothing stays behind"
    );
}
