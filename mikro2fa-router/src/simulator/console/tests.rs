use std::time::Duration;

use proptest::{collection::vec, prelude::*, sample::select};

use super::*;
use crate::simulator::{
    menu::MenuId,
    script::all_rights,
    version::{Quirks, Version},
};

fn router(version: Version) -> State {
    let mut state = State::new(version, Quirks::default(), Duration::ZERO, 0);
    state.factory("");
    state.office("10.8.0.2-10.8.0.9");
    for name in ["ann", "bob"] {
        state.configure(MenuId::Secret, &[("name", name), ("password", "pw")]);
    }
    state
}

fn typed(state: &mut State, line: &[u8]) -> Vec<u8> {
    let caller = all_rights();
    state
        .type_line(
            &caller,
            Console::default(),
            Via::Console,
            line,
            Vec::new(),
            None,
        )
        .output
}

/// Any bytes as one word of the console, as the reference says that it can be done without thinking.
fn quoted(bytes: &[u8]) -> Vec<u8> {
    let mut word = vec![b'"'];
    for byte in bytes {
        if byte.is_ascii_alphanumeric() {
            word.push(*byte);
        } else {
            word.extend(format!("\\{byte:02X}").bytes());
        }
    }
    word.push(b'"');
    word
}

#[test]
fn hostile_values_arrive_as_they_are_and_do_nothing() {
    let mut state = router(Version::V7_16);
    for hostile in [
        &b"\"]; /system identity set name=lost; [\""[..],
        b"$x $(1 + 1) $[/system identity print] \\ \"",
        b"\r\n/system identity set name=lost\n",
        b"\xcf\xf0\xe8\xe2\xe5\xf2 \x00\x01\x7f\xff",
        "Кириллица".as_bytes(),
        b"a,b",
        b"1",
        b"*1",
    ] {
        let name = quoted(hostile);
        let add = [b"/ppp secret add password=x name=".as_slice(), &name].concat();
        assert_eq!(typed(&mut state, &add), b"", "{hostile:?}");
        let find = [b"/ppp secret find where name=".as_slice(), &name].concat();
        let get = [b":put [/ppp secret get [", find.as_slice(), b"] name]"].concat();
        assert_eq!(typed(&mut state, &get), [hostile, b"\r\n"].concat());
        let remove = [b"/ppp secret remove [", find.as_slice(), b"]"].concat();
        assert_eq!(typed(&mut state, &remove), b"");
        assert_eq!(state.table(MenuId::Secret).len(), 2, "{hostile:?}");
    }
    let identity = state.only(MenuId::Identity).map(|row| row.text("name"));
    assert_eq!(identity, Some("MikroTik"));
}

#[test]
fn what_a_package_brings_is_not_there_without_it() {
    for (version, line, unknown) in [
        (
            Version::V6_49,
            "/tool user-manager user print",
            "bad command name user-manager (line 1 column 7)\r\n",
        ),
        (
            Version::V7_16,
            "/user-manager user print",
            "bad command name user-manager (line 1 column 2)\r\n",
        ),
    ] {
        let mut state = router(version);
        let printed = typed(&mut state, line.as_bytes());
        assert_eq!(String::from_utf8_lossy(&printed), unknown);
        // A word is short enough if nothing else that is there begins so.
        assert_eq!(
            typed(&mut state, b":put [/us get [find name=admin] group]"),
            b"full\r\n"
        );
        state.install_user_manager();
        let printed = typed(&mut state, line.as_bytes());
        assert!(!printed.starts_with(b"bad command"), "{version}");
    }
}

#[test]
fn some_builds_of_6_call_a_login_name_wherever_it_is_named() {
    const USERS: &str = "/tool user-manager user";
    for (says_name, own, other) in [(false, "username", "name"), (true, "name", "username")] {
        let quirks = Quirks {
            user_manager_6_says_name: says_name,
            ..Quirks::default()
        };
        let mut state = State::new(Version::V6_49, quirks, Duration::ZERO, 0);
        state.factory("");
        state.install_user_manager();
        let mut says = |line: String, printed: &str| {
            let answer = typed(&mut state, line.as_bytes());
            assert_eq!(String::from_utf8_lossy(&answer), printed, "{line}");
        };
        for name in ["ann", "bob"] {
            let add = format!("{USERS} add customer=admin {own}={name} password=pw");
            says(add, "");
        }
        let get = |find: &str| format!(":put [{USERS} get [find {find}] {own}]");
        says(get(&format!("where {own}=bob")), "bob\r\n");
        says(get(&format!("{own}~\"^b\" and !disabled")), "bob\r\n");
        says(get(&format!("customer=admin {own}=bob")), "bob\r\n");
        // A variable that is called like a property is that property; one that is called otherwise is a value.
        let find = format!(":local {own} bob; :put [:len [{USERS} find {own}=${own}]]");
        says(find, "2\r\n");
        let find = format!(":local {other} bob; :put [:len [{USERS} find {own}=${other}]]");
        says(find, "1\r\n");
        let print = format!("{USERS} print count-only where {own}=bob");
        says(print, "1\r\n");
        says(format!("{USERS} set [find {own}=bob] {own}=eve"), "");
        says(get(&format!("{own}=eve")), "eve\r\n");
        says(format!(":put ([{USERS} get eve]->\"{own}\")"), "eve\r\n");
        let detail = format!("{USERS} print detail where {own}=eve");
        let detail = String::from_utf8(typed(&mut state, detail.as_bytes())).unwrap();
        let names = |name: &str| detail.contains(&format!(" {name}=\"eve\""));
        assert!(names(own) && !names(other), "{detail}");
        // The other name makes a line unreadable, and none of it is done.
        let before = state.table(MenuId::Um6User).len();
        for line in [
            format!("{USERS} remove [find {other}=eve]"),
            format!("{USERS} remove [find where !({other}=eve)]"),
            format!("{USERS} add customer=admin {other}=dora; {USERS} remove eve"),
        ] {
            let answer = typed(&mut state, line.as_bytes());
            let answer = String::from_utf8_lossy(&answer);
            assert!(
                answer.starts_with("expected end of command"),
                "{line}: {answer}"
            );
            assert_eq!(state.table(MenuId::Um6User).len(), before, "{line}");
        }
        let get = format!(":put [{USERS} get eve {other}]");
        let answer = typed(&mut state, get.as_bytes());
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.contains("value-name"), "{answer}");
    }
}

#[test]
fn bridges_and_vlans_are_interfaces() {
    let mut state = router(Version::V7_16);
    for (line, printed) in [
        (
            ":put [/interface vlan add interface=bridge vlan-id=7 name=guests]",
            "*4\r\n",
        ),
        (":put [/interface get guests type]", "vlan\r\n"),
        ("/interface disable guests", ""),
        (":put [/interface vlan get guests disabled]", "true\r\n"),
        ("/interface vlan set guests name=lab", ""),
        (":put [/interface find name=lab]", "*4\r\n"),
        (
            "/interface vlan add interface=bridge name=ether1",
            "failure: already have device with such name\r\n",
        ),
        ("/interface bridge add", ""),
        (":put [/interface get bridge1 type]", "bridge\r\n"),
        (
            "/interface bridge port add bridge=bridge1 interface=ether2",
            "",
        ),
        (":put [/interface get ether2 slave]", "true\r\n"),
        (
            "/interface bridge port add bridge=bridge interface=ether2",
            "failure: device already added as bridge port\r\n",
        ),
        ("/interface bridge port remove [find]", ""),
        (":put [/interface ethernet get ether2 slave]", "false\r\n"),
        ("/interface vlan remove lab", ""),
        (":put [:len [/interface find name=lab]]", "0\r\n"),
    ] {
        let answer = typed(&mut state, line.as_bytes());
        assert_eq!(String::from_utf8_lossy(&answer), printed, "{line}");
    }
}

#[test]
fn what_is_deep_or_long_is_an_answer_too() {
    let mut state = router(Version::V7_16);
    let many = 20_000;
    let lines = [
        "[".repeat(many),
        "(".repeat(many),
        "{".repeat(many),
        ":put [:len ".repeat(many),
        format!(":put ({}1)", "!".repeat(many)),
        format!(":put ({}1)", "1 + ".repeat(many)),
        format!(":put ($x{})", "->1".repeat(many)),
        format!(":put {}", "\"$(".repeat(many)),
        format!(":put {}1{}", "{".repeat(many), "}".repeat(many)),
        ":if (true) do={".repeat(many),
        ":do {".repeat(many),
        ";".repeat(1 << 20),
        "/ip firewall ".repeat(many),
        "..".repeat(many),
        format!("/ppp secret find where {}disabled", "!".repeat(many)),
        format!("/ppp secret find where {}", "(disabled or ".repeat(many)),
        format!("/ppp secret find where {}", "name=a or ".repeat(many)),
        format!("/ppp secret print where name~\"{}\"", "(a*)*".repeat(900)),
        ":global f do={ :global f; :return [$f] }; $f".to_owned(),
        ":global g do={ :global g; :foreach i in={1} do={ :if (true) do={ :do { [$g] } on-error={} } } }; $g".to_owned(),
        format!(":put \"{}\"", "a".repeat(1 << 20)),
        ":local s \"ab\"; :for i from=1 to=100 do={ :set s ($s . $s) }".to_owned(),
        ":while (true) do={}".to_owned(),
    ];
    for line in lines {
        let printed = typed(&mut state, line.as_bytes());
        let start: String = line.chars().take(40).collect();
        assert!(printed.is_empty() || printed.ends_with(b"\r\n"), "{start}");
    }
    assert_eq!(typed(&mut state, b":put alive"), b"alive\r\n");
}

#[test]
fn a_line_that_cannot_be_read_does_nothing() {
    let mut state = router(Version::V7_16);
    for line in [
        "/ppp secret remove ann; :put \"unfinished",
        "/ppp secret remove ann; /ppp secret remove bob colour=red",
        "/ppp secret remove ann; nonsense",
        "/ppp secret remove ann; :put \"\\q\"",
        "/ppp secret remove ann; }",
        "/ppp secret remove ann; [/ppp secret]",
    ] {
        let printed = typed(&mut state, line.as_bytes());
        assert!(printed.ends_with(b")\r\n"), "{line}: {printed:?}");
        assert_eq!(state.table(MenuId::Secret).len(), 2, "{line}");
    }
}

/// Pieces of lines, so that some of what is drawn makes sense.
const PIECES: [&str; 44] = [
    "/ppp secret ",
    "/ip firewall address-list ",
    "/system identity ",
    "print ",
    "add ",
    "set ",
    "remove ",
    "find ",
    "get ",
    "where ",
    "terse ",
    "detail ",
    "as-value ",
    "count-only ",
    "name=",
    "comment=",
    "disabled=",
    "ann",
    "*1",
    "0",
    "yes",
    "\"",
    "$x",
    "$",
    "[",
    "]",
    "(",
    ")",
    "{",
    "}",
    ";",
    "\n",
    " ",
    "=",
    "~",
    "!",
    " and ",
    ":put ",
    ":local x ",
    ":foreach i in=",
    " do=",
    ":if ",
    ":serialize to=json value=",
    "\\",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_bytes_are_answered(line in vec(any::<u8>(), 0..120)) {
        let mut state = router(Version::V7_16);
        let printed = typed(&mut state, &line);
        prop_assert!(printed.is_empty() || printed.ends_with(b"\r\n"));
        prop_assert!(state.commands.totals().commands > 0);
    }

    #[test]
    fn anything_like_a_line_is_answered(pieces in vec(select(PIECES.to_vec()), 0..24), version in select(vec![Version::V6_49, Version::V7_16, Version::V7_22])) {
        let mut state = router(version);
        let printed = typed(&mut state, pieces.concat().as_bytes());
        prop_assert!(printed.is_empty() || printed.ends_with(b"\r\n"));
        prop_assert!(state.commands.totals().commands > 0);
    }

    #[test]
    fn any_value_goes_in_and_comes_out(value in vec(any::<u8>(), 0..60)) {
        let mut state = router(Version::V7_16);
        let set = [b"/ppp secret set ann comment=".as_slice(), &quoted(&value)].concat();
        prop_assert_eq!(typed(&mut state, &set), b"");
        let printed = typed(&mut state, b":put [/ppp secret get ann comment]");
        prop_assert_eq!(printed, [value.as_slice(), b"\r\n"].concat());
        let find = [b":put [:len [/ppp secret find where comment=".as_slice(), &quoted(&value), b"]]"].concat();
        let found = if value.is_empty() { b"2\r\n" } else { b"1\r\n" };
        prop_assert_eq!(typed(&mut state, &find), found);
    }
}
