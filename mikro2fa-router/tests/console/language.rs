//! The console's language, typed at the router itself.

use mikro2fa_router::simulator::{Simulator, Version};

async fn router(version: Version) -> Simulator {
    let builder = Simulator::builder().version(version);
    let builder = builder.account("ann", "pw").account("bob", "pw");
    builder.start().await.unwrap()
}

/// What a line prints, without the last line's end.
fn typed(sim: &Simulator, line: &str) -> String {
    let printed = String::from_utf8(sim.console(line)).unwrap();
    let printed = printed.strip_suffix("\r\n").unwrap_or(&printed);
    printed.replace("\r\n", "\n")
}

#[tokio::test]
async fn lines_and_what_they_print() {
    let sim = router(Version::V7_16).await;
    let cases = [
        (":put 1", "1"),
        ("put \"a b\"", "a b"),
        (":put ((1 + 2) . \"x\")", "3x"),
        (":put [/system identity get name]", "MikroTik"),
        (":put [/ppp/secret/get ann service]", "any"),
        (
            ":put [/ppp secret get [find name=\"ann\"] disabled]",
            "false",
        ),
        (
            ":put [/ppp secret print count-only where name=\"ann\"]",
            "1",
        ),
        ("/ppp secret print count-only", "2"),
        (":put [/ppp secret find]", "*1;*2"),
        (
            ":put [:len [/ppp secret find where name~\"^[ab]\" and !disabled]]",
            "2",
        ),
        (":put [/ppp secret add name=eve password=x]", "*3"),
        (
            "/ppp secret set [find name=eve] comment=\"x \\\"y\\\" \\24 \\D0\\96\"",
            "",
        ),
        (":put [/ppp secret get eve comment]", "x \"y\" $ Ж"),
        (
            "/ppp secret disable eve; /ppp secret enable [find name=ann]",
            "",
        ),
        (":put [/ppp secret get eve disabled]", "true"),
        (
            ":foreach i in=[/ppp secret find] do={ :put ([:tostr $i] . \"\\t\" . [/ppp secret get $i name]) }",
            "*1\tann\n*2\tbob\n*3\teve",
        ),
        (
            "/ppp secret print terse where name=eve",
            " 2 X comment=x \"y\" $ Ж name=eve service=any caller-id= password=x profile=default routes= ipv6-routes= limit-bytes-in=0 limit-bytes-out=0 last-logged-out=1970-01-01 00:00:00 ",
        ),
        ("/ppp secret remove eve", ""),
        ("/ppp secret remove [find name=eve]", ""),
        ("/ppp secret remove eve", "no such item"),
        (
            ":put [/ppp secret get [find name=eve] name]",
            "no such item",
        ),
        (
            "/ppp secret add name=ann",
            "failure: secret with the same name already exists",
        ),
        (
            ":do { /ppp secret add name=ann; :put ok } on-error={ :put err }",
            "err",
        ),
        (
            ":onerror e in={ /ppp secret add name=ann } do={ :put (\"err \" . $e) }",
            "err failure: secret with the same name already exists",
        ),
        ("/ppp secret print as-value", ""),
        (
            ":put [/ppp secret print as-value proplist=.id,name]",
            ".id=*1;name=ann;.id=*2;name=bob",
        ),
        (
            ":put [:serialize to=json value=[/ppp secret print as-value proplist=.id,name,disabled]]",
            "[{\".id\":\"*1\",\"name\":\"ann\",\"disabled\":false},{\".id\":\"*2\",\"name\":\"bob\",\"disabled\":false}]",
        ),
        ("/ip address; :put [:len [find]]; /; :put 2", "2\n2"),
        (":put [:typeof [/ppp secret get ann comment]]", "nil"),
        (
            ":put \"a\"; :put \"unfinished",
            "syntax error (line 1 column 16)",
        ),
        (":put \"\\q\"", "syntax error (line 1 column 7)"),
        (":put \"\\4b\"", "syntax error (line 1 column 7)"),
        ("/iot user print", "bad command name iot (line 1 column 2)"),
        (
            "/ppp secret set ann colour=red",
            "expected end of command (line 1 column 21)",
        ),
        (
            "/ppp secret add ann",
            "expected end of command (line 1 column 17)",
        ),
        (":put $nothing", ""),
        (":put [:typeof $nothing]", "nothing"),
    ];
    let mut wrong = Vec::new();
    for (line, printed) in cases {
        let found = typed(&sim, line);
        if found != printed {
            wrong.push(format!(
                "{line}\n  printed {found:?}\n  not     {printed:?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn a_variable_called_like_a_property_means_the_property() {
    let sim = router(Version::V7_16).await;
    let found = typed(
        &sim,
        ":local name bob; :put [/ppp secret find where name=$name]",
    );
    assert_eq!(found, "*1;*2");
    let found = typed(
        &sim,
        ":local wanted bob; :put [/ppp secret find where name=$wanted]",
    );
    assert_eq!(found, "*2");
}

#[tokio::test]
async fn newer_versions_name_the_parameter() {
    let sim = router(Version::V7_22).await;
    let answer = typed(&sim, "/ppp secret set ann colour=red");
    assert_eq!(answer, "bad parameter colour (line 1 column 21)");
}

/// Lines and what they print, one after another on the same router.
async fn check(version: Version, cases: &[(&str, &str)]) {
    let sim = router(version).await;
    let mut wrong = Vec::new();
    for (line, printed) in cases {
        let found = typed(&sim, line);
        if found != *printed {
            wrong.push(format!(
                "{line}\n  printed {found:?}\n  not     {printed:?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn conditions() {
    let cases = [
        (
            "/ip firewall address-list add list=a address=10.0.0.1 timeout=10m comment=x",
            "",
        ),
        ("/ip firewall address-list add list=a address=10.1.0.1", ""),
        (
            "/ip firewall address-list add list=b address=10.0.0.2 disabled=yes",
            "",
        ),
        ("/ip firewall address-list", ""),
        (":put [/ip firewall address-list find list=a]", "*1;*2"),
        (
            ":put [/ip firewall address-list find where list=a comment=x]",
            "*1",
        ),
        (
            ":put [/ip firewall address-list find list=a and comment]",
            "*1",
        ),
        (
            ":put [/ip firewall address-list find where list=a && !comment]",
            "*2",
        ),
        (
            ":put [/ip firewall address-list find comment=\"\"]",
            "*2;*3",
        ),
        (":put [/ip firewall address-list find disabled]", "*3"),
        (
            ":put [/ip firewall address-list find where disabled=no]",
            "*1;*2",
        ),
        (
            ":put [/ip firewall address-list find disabled!=yes]",
            "*1;*2",
        ),
        (
            ":put [/ip firewall address-list find list=b or address=10.1.0.1]",
            "*2;*3",
        ),
        (
            ":put [/ip firewall address-list find where (list=b or comment=x) and !disabled]",
            "*1",
        ),
        (
            ":put [/ip firewall address-list find where address in 10.0.0.0/16]",
            "*1;*3",
        ),
        (
            ":put [/ip firewall address-list find where address~\"\\\\.1\\$\"]",
            "*1;*2",
        ),
        (
            ":put [/ip firewall address-list find where timeout<11m]",
            "*1",
        ),
        (
            ":put [/ip firewall address-list find where timeout>11m]",
            "",
        ),
        (":put [/ip firewall address-list find where dynamic]", "*1"),
        (":put [/ip firewall address-list find where .id=*2]", "*2"),
        (
            ":local i *3; :put [/ip firewall address-list find where .id=$i]",
            "*3",
        ),
        (":put [/ip firewall address-list find where false]", ""),
        (
            ":put [/ip firewall address-list find where colour=red]",
            "expected end of command (line 1 column 44)",
        ),
        (
            ":put [/ip firewall address-list find where comment~\"(\"]",
            "invalid regular expression",
        ),
        (
            ":put [/ip firewall address-list get *1 timeout]",
            "00:10:00",
        ),
        (
            ":put [:typeof [/ip firewall address-list get *1 timeout]]",
            "time",
        ),
        (":put [:typeof [/ip firewall address-list get *1]]", "array"),
        (
            ":local r [/ip firewall address-list get *1]; :put ($r->\"address\")",
            "10.0.0.1",
        ),
        (":put [/ip firewall address-list get 1 address]", "10.1.0.1"),
        (
            ":put [/ip firewall address-list get 7 address]",
            "no such item",
        ),
        (
            ":put [/ip firewall address-list get [find] address]",
            "invalid internal item number",
        ),
        (
            ":put [/ip firewall address-list get *1 nothing]",
            "input does not match any value of value-name",
        ),
    ];
    check(Version::V7_16, &cases).await;
}

#[tokio::test]
async fn rows_are_changed_in_all_ways() {
    let cases = [
        (
            "/ip firewall filter add chain=forward action=drop comment=one; /ip firewall filter add chain=forward action=drop comment=two",
            "",
        ),
        (
            ":global n [:len [/ip firewall filter find]]; :put ($n > 2)",
            "true",
        ),
        (
            "/ip firewall filter move [find comment=two] 0",
            "failure: can not place before dynamic item",
        ),
        (
            ":global a [/ip firewall filter find comment=one]; :global b [/ip firewall filter find comment=two]",
            "",
        ),
        (
            ":put ([/ip firewall filter find comment~\"^(one|two)\"] = ($a . \";\" . $b))",
            "true",
        ),
        ("/ip firewall filter move $b destination=$a", ""),
        (
            ":put ([/ip firewall filter find comment~\"^(one|two)\"] = ($b . \";\" . $a))",
            "true",
        ),
        (
            "/ip firewall filter comment [find comment=one] comment=three",
            "",
        ),
        (
            ":put [/ip firewall filter print count-only where comment=three]",
            "1",
        ),
        (
            "/ip firewall filter set [find comment=three] disabled=yes !comment",
            "",
        ),
        (":put [:len [/ip firewall filter find comment=three]]", "0"),
        ("/ip firewall filter unset [find comment=two] comment", ""),
        (":put [:len [/ip firewall filter find comment=two]]", "0"),
        (
            ":global i [/ip firewall filter add chain=input action=drop place-before=0]",
            "failure: can not place before dynamic item",
        ),
        (":put [:len $i]", "0"),
        (
            "/ppp secret set ann,bob comment=both; :put [/ppp secret print count-only where comment=both]",
            "2",
        ),
        (
            "/ppp secret set 0,1 comment=by-place; :put [/ppp secret print count-only where comment=by-place]",
            "2",
        ),
        (
            "/ppp secret set [find] profile=nothing",
            "input does not match any value of profile",
        ),
        (
            "/ppp secret set ann disabled=",
            "expected input value (line 1 column 30)",
        ),
        (
            "/ppp secret add password=x",
            "missing value(s) of argument(s) name",
        ),
        (
            "/ppp secret remove",
            "missing value(s) of argument(s) numbers",
        ),
        ("/ppp secret set ann service=l2", ""),
        (":put [/ppp secret get ann service]", "l2tp"),
        (
            "/system identity set name=gw; :put [/system identity get name]",
            "gw",
        ),
        ("/system identity print", "  name: gw\n"),
        (
            "/log warning \"by hand\"; :put [/log get [find message=\"by hand\"] topics]",
            "script,warning",
        ),
    ];
    check(Version::V7_16, &cases).await;
}

#[tokio::test]
async fn words_may_be_short_where_they_stay_clear() {
    let cases = [
        (":put [/ppp sec pri count where name=ann]", "1"),
        ("/ip fire addr add list=a addr=10.0.0.1", ""),
        (":put [/ip firewall address-list find]", "*1"),
        // On a router it could be cloud as well as nothing else here.
        ("/ip d print", "bad command name d (line 1 column 5)"),
        ("/i p print", "bad command name i (line 1 column 2)"),
        (
            "/ip/firewall/natt/print",
            "bad command name natt (line 1 column 14)",
        ),
        (
            "/ppp secret; set ann disab=yes; :put [get ann disabled]; ..; :put [secret find]",
            "true\n*1;*2",
        ),
        (
            "/ppp { secret { remove ann } }; :put [:len [/ppp secret find]]",
            "1",
        ),
        ("ppp secret print count-only", "1"),
    ];
    check(Version::V7_16, &cases).await;
}

#[tokio::test]
async fn the_language_itself() {
    let cases = [
        (":local a {1;2;\"k\"=3}; :put ($a->0 . ($a->\"k\"))", "13"),
        (
            ":foreach k,v in={\"a\"=1;\"b\"=2} do={ :put \"$k=$v\" }",
            "a=1\nb=2",
        ),
        (":for i from=0 to=10 step=5 do={ :put $i }", "0\n5\n10"),
        (
            ":local n 0; :while ($n < 3) do={ :set n ($n + 1) }; :put $n",
            "3",
        ),
        (
            ":if ([:len \"\"] = 0) do={ :put empty } else={ :put full }",
            "empty",
        ),
        (":put [:pick \"abcdef\" 2]", "c"),
        (":put [:pick {1;2;3} 1 3]", "2;3"),
        (":put [:find \"abcabc\" \"c\" 2]", "5"),
        (":put [:typeof [:find \"abc\" \"x\"]]", "nil"),
        (":put [:tonum \"12\"]", "12"),
        (":put [:typeof [:tonum \"x\"]]", "nil"),
        (":put [:toarray \"1,2\"]", "1;2"),
        (":put [:totime 90]", "00:01:30"),
        (":put (10 / 4 * 2)", "4"),
        (":put (1 / 0)", "division by zero"),
        (":put (\"a\" ~ \"[a-c]\")", "true"),
        (":error \"on purpose\"", "on purpose"),
        (
            ":do { :error \"x\" } on-error={ :put caught }; :put after",
            "caught\nafter",
        ),
        (":delay 10s; :put done", "done"),
        (":global f do={ :return ($1 . $b) }; :put [$f x b=y]", "xy"),
        (":put [$f p b=q]", "pq"),
        (
            ":put [:parse \"/ppp secret print\"]",
            "(evl /ppp/secret/print)",
        ),
        (
            ":put [:parse \"/nonsense\"]",
            "(<%% bad command name nonsense (line 1 column 2))",
        ),
        (":put \"\\a\\41\\?\"", "\u{7}A?"),
        ("# a remark", ""),
        ("", ""),
        (":nonsense", "bad command name nonsense (line 1 column 2)"),
        ("}", "syntax error (line 1 column 1)"),
        (":put (1 + 2", "syntax error (line 1 column 12)"),
        (
            ":put [/ppp secret",
            "expected command name (line 1 column 18)",
        ),
        (":execute \"x\"", "the simulator does not know :execute"),
    ];
    check(Version::V7_22, &cases).await;
    let old = [
        (
            ":onerror e in={ :error x } do={}",
            "bad command name onerror (line 1 column 2)",
        ),
        (
            ":put [:serialize to=json value=1]",
            "bad command name serialize (line 1 column 8)",
        ),
        (
            ":put [/ppp secret get ann last-logged-out]",
            "jan/01/1970 00:00:00",
        ),
        ("/user active request-logout 9", "no such item"),
        (
            "/interface wireguard print",
            "bad command name wireguard (line 1 column 12)",
        ),
    ];
    check(Version::V6_49, &old).await;
}

#[tokio::test]
async fn records_as_json() {
    let cases = [
        ("/ppp secret set ann comment=\"00123\"", ""),
        (
            ":put [:serialize to=json value=[/ppp secret get ann comment]]",
            "123",
        ),
        (
            ":put [:serialize to=json value=[/ppp secret get ann comment] options=json.no-string-conversion]",
            "\"00123\"",
        ),
        (
            ":put [:serialize to=json value=[/ppp secret print as-value proplist=name,comment where name=ann] options=json.no-string-conversion]",
            "[{\"name\":\"ann\",\"comment\":\"00123\"}]",
        ),
        (
            ":put [:serialize to=json value=[/system identity print as-value]]",
            "{\"name\":\"MikroTik\"}",
        ),
        (
            ":put [:serialize to=json value={1;\"a\\\"b\";true}]",
            "[1,\"a\\\"b\",true]",
        ),
        (
            ":put [:serialize to=json value=1 options=json.nonsense]",
            "input does not match any value of options",
        ),
    ];
    check(Version::V7_16, &cases).await;
    let before = [(
        ":put [:serialize to=json value=1 options=json.no-string-conversion]",
        "bad parameter options",
    )];
    check(Version::new(7, 15, 3), &before).await;
}

#[tokio::test]
async fn what_is_printed_for_people() {
    let sim = router(Version::V7_16).await;
    sim.console("/ip firewall address-list add list=office address=10.0.0.1 comment=\"a b\"; /ip firewall address-list add list=x address=10.0.0.2 disabled=yes");
    let columns = typed(&sim, "/ip firewall address-list print");
    assert!(
        columns.starts_with(
            "Flags: X - disabled, D - dynamic \nColumns: LIST, ADDRESS, CREATION-TIME"
        ),
        "{columns}"
    );
    assert!(
        columns.contains(";;; a b\n 0    office 10.0.0.1"),
        "{columns}"
    );
    assert!(columns.contains("\n 1 X  x      10.0.0.2"), "{columns}");
    let detail = typed(&sim, "/ip firewall address-list print detail where list=x");
    assert!(
        detail.contains(" 1 X  list=\"x\" address=10.0.0.2"),
        "{detail}"
    );
    let ids = typed(&sim, "/ip firewall address-list print terse show-ids");
    assert!(ids.starts_with(" *1    comment=a b list=office"), "{ids}");
    // Lines of details are no longer than the terminal is wide.
    let wide = typed(&sim, "/ppp secret print detail");
    assert!(wide.lines().all(|line| line.len() <= 80), "{wide}");
}
