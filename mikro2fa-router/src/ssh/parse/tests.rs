use proptest::prelude::*;

use super::*;
use crate::ssh::say::Form;

fn mark() -> Mark {
    Mark::new([0xAB; 16])
}

/// `@` stands for the mark, a line end for CR LF.
fn output(text: &str) -> Vec<u8> {
    let text = text.replace('@', &mark().text()).replace('\n', "\r\n");
    text.into_bytes()
}

fn heard(text: &str, form: &Form) -> Option<Answer> {
    answer(&output(text), mark(), form)
}

fn rows(text: &str) -> Option<Vec<String>> {
    let form = Form::Rows(Some(vec![".id", "name"]));
    let answer = heard(text, &form)?;
    assert!(matches!(answer.end, End::Done { ret: None }), "{answer:?}");
    Some(shown(&answer))
}

fn shown(answer: &Answer) -> Vec<String> {
    let row = |row: Row<'_>| {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let properties = row
            .attributes()
            .map(|(name, value)| format!("{}={}", text(name), text(value)));
        properties.collect::<Vec<_>>().join(" ")
    };
    answer.rows.iter().map(row).collect()
}

fn change() -> Change {
    Change {
        ids: vec![Id::parse(b"*1").unwrap()],
        reads_back: true,
        columns: vec![".id", "disabled"],
        expected: vec![("disabled", b"yes".to_vec())],
        ..Change::default()
    }
}

fn kind(text: &str, change: Change) -> Option<Result<(), No>> {
    let answer = heard(text, &Form::Change(change))?;
    Some(match answer.end {
        End::Done { .. } => Ok(()),
        End::Refused(refused) => Err(refused.kind),
        end => panic!("{end:?}"),
    })
}

#[test]
fn rows_are_read_in_both_forms() {
    assert_eq!(
        rows("@r=*1@f=ann\n@r=*2@f%65.194.0..\n@.\n").unwrap(),
        [".id=*1 name=ann", ".id=*2 name=B\u{FFFD}\u{1}\0"]
    );
    assert_eq!(
        rows("@j[\"*1\",\"a\\\"b\\n\",\".\"]\n@j[\"*2\",\"\",\".\"]\n@.\n").unwrap(),
        [".id=*1 name=a\"b\n", ".id=*2"]
    );
    assert_eq!(rows("@.\n").unwrap(), [""; 0]);
    let all = heard(
        "@r=*1\n@kname\n@f=a\n@kx\n@f=\n@r=*2\n@.\n",
        &Form::Rows(None),
    )
    .unwrap();
    assert_eq!(shown(&all), [".id=*1 name=a", ".id=*2"]);
}

#[test]
fn what_breaks_off_is_no_answer() {
    for text in [
        "",
        "\n",
        "@r=*1@f=ann\n",
        "@r=*1\n@.\n",
        "@f=ann\n@.\n",
        "@r=*1@f=ann@f=more\n@.\n",
        "@r=*1@r=*2@f=ann\n@.\n",
        "@r*1@f=ann\n@.\n",
        "@r=*1@f=a\"b\n@.\n",
        "@r=*1@f%65\n@.\n",
        "@r=*1@f%256.\n@.\n",
        "@r=*1@f%-1.\n@.\n",
        "@j[\"*1\",\"ann\"]\n@.\n",
        "@j[\"*1\",\".\"]\n@.\n",
        "@kname\n@.\n",
    ] {
        assert_eq!(rows(text), None, "{text}");
    }
    let cut = output("@r=*1@f=ann\n@.\n");
    let form = Form::Rows(Some(vec![".id", "name"]));
    for end in 0..cut.len() - 3 {
        assert!(answer(&cut[..end], mark(), &form).is_none(), "{end}");
    }
}

#[test]
fn errors_are_in_the_routers_words_wherever_they_stand() {
    let form = Form::Rows(Some(vec![".id", "name"]));
    for (text, kind) in [
        ("no such item\n", No::Gone),
        ("@r=*1@f=ann\nno such item (4)\n", No::Gone),
        (
            "bad command name ppp (line 1 column 12)\n",
            No::NoSuchCommand,
        ),
        ("expected end of command (line 1 column 37)\n", No::Other),
        ("not enough permissions (9)\n", No::Denied),
        ("expected item id\n", No::Gone),
        ("failure: already have such entry\n@.\n", No::Exists),
    ] {
        let answer = heard(text, &form).unwrap();
        assert!(answer.rows.is_empty());
        let End::Refused(refused) = answer.end else {
            panic!("{text}");
        };
        assert_eq!(refused.kind, kind, "{text}");
    }
}

#[test]
fn a_change_is_done_when_it_reads_back() {
    assert_eq!(kind("@d\n@r=*1@f=true\n@.\n", change()), Some(Ok(())));
    // Said, and then something else is there, or nothing.
    for text in [
        "@d\n@r=*1@f=false\n@.\n",
        "@d\n@r=*1@f=\n@.\n",
        "@d\n@r=*2@f=true\n@.\n",
        "@d\n@.\n",
        "@d\nno such item\n",
        "@d\n@r=*1\n@.\n",
    ] {
        assert_eq!(kind(text, change()), Some(Err(No::GivenUp)), "{text}");
    }
    assert_eq!(kind("no such item\n", change()), Some(Err(No::Gone)));
    assert_eq!(kind("@o\n@.\n", change()), Some(Err(No::Gone)));
    for text in ["", "@d\n", "@.\n", "@d\n@r=*1@f=true\n"] {
        assert_eq!(kind(text, change()), None, "{text}");
    }
}

#[test]
fn an_entry_must_not_live_longer_than_was_said() {
    let entry = || Change {
        makes: true,
        reads_back: true,
        columns: vec![".id", "timeout"],
        expected: vec![("timeout", b"600s".to_vec())],
        ..Change::default()
    };
    for (text, outcome) in [
        ("@m*5\n@d\n@r=*5@f=00:10:00\n@.\n", Ok(())),
        ("@m*5\n@d\n@r=*5@f=9m59s\n@.\n", Ok(())),
        ("@m*5\n@d\n@r=*5@f=00:10:01\n@.\n", Err(No::GivenUp)),
        ("@m*5\n@d\n@r=*5@f=\n@.\n", Err(No::GivenUp)),
        ("@m*5\n@d\n@r=*5@f=0s\n@.\n", Err(No::GivenUp)),
        ("@m\n@d\n@r=*5@f=9m59s\n@.\n", Err(No::GivenUp)),
        ("@m*5\nno such item\n", Err(No::GivenUp)),
    ] {
        assert_eq!(kind(text, entry()), Some(outcome), "{text}");
    }
    let made = heard("@m*5\n@d\n@r=*5@f=1s\n@.\n", &Form::Change(entry())).unwrap();
    let ret = Some((*b"*5").into());
    assert_eq!(made.end, End::Done { ret });
}

#[test]
fn what_was_to_go_has_gone() {
    let gone = |lingers| Change {
        lingers,
        ..Change::default()
    };
    assert_eq!(kind("@d\n@l0\n@.\n", gone(false)), Some(Ok(())));
    assert_eq!(kind("@d\n@l1\n@.\n", gone(false)), Some(Err(No::GivenUp)));
    assert_eq!(kind("@d\n@l1\n@.\n", gone(true)), Some(Ok(())));
}

#[test]
fn a_count_is_a_number() {
    let counted = heard("@c12\n@.\n", &Form::Count).unwrap();
    let ret = Some((*b"12").into());
    assert_eq!(counted.end, End::Done { ret });
    for text in ["@c\n@.\n", "@c-1\n@.\n", "@.\n"] {
        assert!(heard(text, &Form::Count).is_none(), "{text}");
    }
}

proptest! {
    #[test]
    fn anything_is_read_without_a_panic(
        pieces in proptest::collection::vec(
            prop_oneof![
                Just(output("@")), Just(output("@r=")), Just(output("@f=")), Just(output("@j[")),
                Just(output("@.\n")), Just(output("@d\n")), Just(output("@k=")),
                proptest::collection::vec(any::<u8>(), 0..12),
            ],
            0..24,
        ),
    ) {
        let output = pieces.concat();
        for form in [
            Form::Count,
            Form::Rows(None),
            Form::Rows(Some(vec![".id", "name"])),
            Form::Rows(Some(vec![".id"])),
            Form::Change(change()),
        ] {
            let _ = answer(&output, mark(), &form);
        }
    }

    /// Whatever a value is, it comes back as one value of one row: what a router encodes, and what it does not.
    #[test]
    fn no_value_is_more_than_a_value(value in proptest::collection::vec(any::<u8>(), 0..40)) {
        let mut text = output("@r=*1@f%");
        for byte in &value {
            let index = byte.checked_sub(1).map(|index| index.to_string());
            text.extend(index.unwrap_or_default().bytes());
            text.push(b'.');
        }
        text.extend(output("\n@.\n"));
        let form = Form::Rows(Some(vec![".id", "name"]));
        let answer = answer(&text, mark(), &form).unwrap();
        prop_assert_eq!(answer.rows.len(), 1);
        let row = answer.rows.get(0).unwrap();
        prop_assert_eq!(row.bytes("name").unwrap_or_default(), &value[..]);
    }
}
