use std::time::Duration;

use super::*;
use crate::simulator::{
    menu::MenuId,
    version::{Quirks, Version},
};

fn state(version: Version) -> State {
    let mut state = State::new(version, Quirks::default(), Duration::ZERO, 0);
    for (list, address) in [
        ("permit", "10.8.0.4"),
        ("permit", "10.8.0.5"),
        ("other", "10.8.0.4"),
    ] {
        state.configure(MenuId::AddressList, &[("list", list), ("address", address)]);
    }
    state
}

fn variables() -> Variables {
    vec![
        ("user", Value::text("ann&x=1")),
        ("remote-address", Value::Address("10.8.0.4".to_owned())),
        ("caller-id", Value::text("203.0.113.7")),
        ("interface", Value::text("*1")),
    ]
}

/// Runs a script; the messages that it logged, or why it failed.
fn run(source: &str) -> Result<Vec<String>, String> {
    run_in(&mut state(Version::V7_16), source)
}

fn run_in(state: &mut State, source: &str) -> Result<Vec<String>, String> {
    state.run_hook("on-up", source, variables());
    let failed = state
        .events
        .all()
        .into_iter()
        .find_map(|event| match event.what {
            Happening::ScriptFailed { error, .. } => Some(error),
            _ => None,
        });
    match failed {
        Some(error) => Err(error),
        None => Ok(state
            .table(MenuId::Log)
            .iter()
            .map(|row| row.text("message").to_owned())
            .collect()),
    }
}

fn listed(state: &State) -> Vec<(String, String)> {
    let entries = state.table(MenuId::AddressList).iter();
    entries
        .map(|row| (row.text("list").to_owned(), row.text("address").to_owned()))
        .collect()
}

#[test]
fn the_hand_over_takes_away_the_permit_of_that_address_and_nothing_else() {
    let forms = [
        ":do { /ip firewall address-list remove [find list=\"permit\" address=$\"remote-address\"] } on-error={}",
        "/ip/firewall/address-list/remove [find where list=permit and address=[:tostr $\"remote-address\"]]",
        ":foreach i in=[/ip firewall address-list find list=\"permit\" address=$\"remote-address\"] do={ /ip firewall address-list remove $i }",
    ];
    for script in forms {
        let mut state = state(Version::V7_16);
        run_in(&mut state, script).unwrap();
        let left = listed(&state);
        let expected = [("permit", "10.8.0.5"), ("other", "10.8.0.4")]
            .map(|(list, address)| (list.to_owned(), address.to_owned()));
        assert_eq!(left, expected, "{script}");
        run_in(&mut state, script).unwrap();
    }
}

#[test]
fn the_language() {
    let cases = [
        (":log info (\"a\" . \"b\" . 1)", "ab1"),
        (":local x 5; :log info ($x + 2 - 1)", "6"),
        (":local x \"v\"; :log info \"<$x>\"", "<v>"),
        (":log info \"$(1 + 2)\\24\\_\\\"\"", "3$ \""),
        (":log info $nothing", ""),
        (":log info $remote-address", ""),
        (":log info $\"remote-address\"", "10.8.0.4"),
        (":log info [:typeof $\"remote-address\"]", "ip"),
        (":log info [:typeof [:find \"abc\" \"x\"]]", "nil"),
        (":log info [:pick \"abcdef\" 2 4]", "cd"),
        (":log info [:len \"abc\"]", "3"),
        (
            ":if (1 < 2 && !(3 = 4)) do={ :log info yes } else={ :log info no }",
            "true",
        ),
        (
            ":local s \"\"; :for i from=0 to=2 do={ :set s ($s . $i) }; :log info $s",
            "012",
        ),
        (
            ":local s \"\"; :for i from=0 to=-1 do={ :set s ($s . $i) }; :log info $s",
            "0-1",
        ),
        (
            ":local f do={ :return ($1 . $who) }; :log info [$f \"hi \" who=\"ann\"]",
            "hi ann",
        ),
        (
            ":do { :execute \"x\" } on-error={}; :log info a",
            "unsupported",
        ),
        (
            ":do { /interface get *99 name } on-error={ :log info caught }",
            "caught",
        ),
        (
            ":onerror e in={ /interface get *99 name } do={ :log info $e }",
            "no such item",
        ),
        (
            ":local a {\"k\"=\"00123\";\"l\"=[:tostr $user]}\n:log info [:serialize to=json value=$a options=json.no-string-conversion]",
            "{\"k\":\"00123\",\"l\":\"ann&x=1\"}",
        ),
        (
            ":local a {\"k\"=\"123\"}; :log info [:serialize to=json value=$a]",
            "{\"k\":123}",
        ),
        (
            "# a comment\n{\n  :local x \\\n  7\n  /log info message=$x\n}",
            "7",
        ),
        ("/log warning (\"2fa: \" . $user)", "2fa: ann&x=1"),
    ];
    for (script, expected) in cases {
        match run(script) {
            Ok(lines) => assert_eq!(lines.join("|"), expected, "{script}"),
            Err(error) => {
                assert_eq!(expected, "unsupported", "{script}: {error}");
                assert!(error.contains("does not know"), "{script}: {error}");
            }
        }
    }
}

#[test]
fn what_cannot_be_read_does_not_run_at_all() {
    let cases = [
        ":log info a; :log info \"unfinished",
        ":log info a; :if (1 = 1) do={",
        ":log info a; nonsense",
        ":log info a; /ip firewall nonsense remove 1",
        ":log info a; /tool fetch url=\"http://x\" colour=red",
        ":log info a; /ip firewall address-list remove [find colour=red]",
        ":log info a; :log info \"\\q\"",
    ];
    for script in cases {
        let mut state = state(Version::V7_16);
        let failed = run_in(&mut state, script).is_err();
        let ran = state
            .table(MenuId::Log)
            .iter()
            .any(|row| row.text("message") == "a");
        assert!(failed, "{script}");
        assert!(!ran, "{script}");
    }
}

#[test]
fn an_argument_that_a_version_lacks_kills_the_script() {
    let script = "/tool fetch url=\"http://127.0.0.1:1/\" duration=10s output=none";
    assert!(run_in(&mut state(Version::V7_16), script).is_ok());
    assert!(
        run_in(&mut state(Version::V6_49), script)
            .unwrap_err()
            .contains("expected end of command")
    );
}

#[test]
fn endless_scripts_end() {
    assert!(
        run(":for i from=0 to=100000000 do={ }")
            .unwrap_err()
            .contains("run so long")
    );
    assert!(run(":global f do={ :global f; :return [$f] }; [$f]").is_err());
    assert!(run(&"(".repeat(10_000)).is_err());
    assert!(run(&"{".repeat(10_000)).is_err());
    assert!(run(&format!(":log info {}", "[:len ".repeat(10_000))).is_err());
    assert!(run(&format!(":log info ({}1)", "!".repeat(10_000))).is_err());
}

#[test]
fn a_webhook_is_called_with_what_the_script_says() {
    // The hook for 6.49 and 7 of the project's own reference, in short.
    let script = r#"{
  :local clean do={
    :local src [:tostr $1]
    :local ok "abcdefghijklmnopqrstuvwxyz0123456789.-_@:"
    :local out ""
    :if ([:len $src] > 0) do={
      :for i from=0 to=([:len $src] - 1) do={
        :local ch [:pick $src $i ($i + 1)]
        :if ([:typeof [:find $ok $ch]] = "nil") do={ :set ch "_" }
        :set out ($out . $ch)
      }
    }
    :return $out
  }
  :local ifname ""
  :do { :set ifname [/interface get $interface name] } on-error={}
  :local body ("v=1&ev=up&user=" . [$clean $user] . "&ip=" . [$clean $"remote-address"] . "&if=" . [$clean $ifname])
  :do {
    /tool fetch url="http://127.0.0.1:9/hook/ppp" http-method=post http-data=$body http-header-field="Content-Type: application/x-www-form-urlencoded,X-Hook-Key: 0123" check-certificate=yes output=none
  } on-error={ :log warning "2fa: hook up failed" }
}"#;
    for version in [Version::V6_49, Version::V7_16] {
        let mut state = state(version);
        run_in(&mut state, script).unwrap();
        let fetched = state.fetches.all().pop().unwrap();
        assert_eq!(fetched.body, "v=1&ev=up&user=ann_x_1&ip=10.8.0.4&if=");
        assert_eq!(
            (fetched.url.as_str(), fetched.method.as_str()),
            ("http://127.0.0.1:9/hook/ppp", "post")
        );
        assert_eq!(
            fetched.headers[1],
            ("X-Hook-Key".to_owned(), "0123".to_owned())
        );
        assert!(fetched.checks_certificate && !fetched.keeps_file);
    }
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_is_taken(source in "[\\PC\n]{0,80}") {
            let _ = run(&source);
        }

        #[test]
        fn anything_like_a_script_is_taken(source in "(:local|:set|:if|:for|:do|/ip|find|do=|\\{|\\}|\\[|\\]|\\(|\\)|\"|\\$|x|=|;| |\n|1|\\\\){0,40}") {
            let _ = run(&source);
        }
    }
}
