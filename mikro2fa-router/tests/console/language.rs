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
        (
            "/user-manager user print",
            "bad command name user-manager (line 1 column 2)",
        ),
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
