use super::*;
use crate::sentence::{Guard, Path, Query};

fn lines(sentence: &Sentence, json: bool) -> Vec<String> {
    let mut drawn = 0;
    let mut mark = || {
        drawn += 1;
        Mark::new([drawn; 16])
    };
    let said = say(sentence, &Dialect::new(json), &mut mark).unwrap();
    said.iter()
        .map(|said| {
            assert!(said.line.as_str().is_ascii() && !said.line.as_str().contains('\n'));
            format!("{:?}", said.line)
        })
        .collect()
}

/// The line without what every line begins with, and with marks shown as `…`.
fn line(sentence: &Sentence) -> String {
    let mut defined = Script::new(Mark::new([0; 16]));
    define(&mut defined, &Dialect::new(true));
    let lines = lines(sentence, true);
    assert_eq!(lines.len(), 1);
    lines[0].replace(defined.as_str(), "")
}

#[test]
fn rows_are_read_one_by_one_whole() {
    let said = Sentence::new(Path::ActivePrint)
        .only(&[".id", "name", "session-id"])
        .one_of("name", ["ann", "b\"];/x"]);
    assert_eq!(
        line(&said),
        "{:foreach i in=[/ppp active find where ((name=\"ann\") or (name=\"b\\22\\5D\\3B/x\"))] do={:do {\
         :local r [/ppp active get $i];\
         :put (\"…j\" . [:serialize to=json value={[$s $i];[$s ($r->\"name\")];[$s ($r->\"session-id\")];\".\"} \
         options=json.no-string-conversion]);\
         } on-error={:if ([:len [/ppp active find where .id=$i]] > 0) do={:error \"a row can not be read\"}}};\
         :put \"….\";}"
    );
}

#[test]
fn a_flag_that_a_row_lacks_is_asked_for_by_name() {
    let said = Sentence::new(Path::SecretPrint).only(&[".id", "name", "disabled"]);
    let line = line(&said);
    let asked = ":local fa ($r->\"disabled\");:if ([:typeof $fa] != \"bool\") do={\
                 :do {:set fa [/ppp secret get $i disabled]} on-error={}};";
    assert!(line.contains(asked), "{line}");
    assert!(line.contains("[$s $fa];\".\"}"), "{line}");
}

#[test]
fn a_menu_that_is_one_record_is_read_as_one() {
    let said = Sentence::new(Path::ResourcePrint).only(&["uptime"]);
    assert_eq!(
        lines(&said, false)[0].split(":local r ").nth(1).unwrap(),
        "[/system resource get];:put (\"…r\" . [$e [$s ($r->\"uptime\")]]);:put \"….\";}"
    );
}

#[test]
fn conditions_are_all_meant_and_choices_stay_together() {
    let said = Sentence::new(Path::ListPrint)
        .only(&[".id"])
        .equal("list", "permit")
        .having("comment")
        .equal("dynamic", "true")
        .one_of(".id", ["*1", "*2F"]);
    let line = line(&said);
    let where_ =
        "find where (list=\"permit\") and (comment) and (dynamic=yes) and ((.id=*1) or (.id=*2F))]";
    assert!(line.contains(where_), "{line}");
}

/// Which of its two names a login of the User Manager has in a build is not known, and the other must not be after `where`.
#[test]
fn a_property_that_may_be_missing_is_looked_up_in_the_row() {
    let said = Sentence::new(Path::Users6Print)
        .only(&[".id", "disabled"])
        .equal("disabled", "false")
        .one_of("username", ["a$b"])
        .or_one_of("name", ["a$b"]);
    let line = line(&said);
    assert!(
        line.contains("/tool user-manager user find where (disabled=no)] do={"),
        "{line}"
    );
    let picked =
        "get $i];:if ((($r->\"username\") = \"a\\24b\") or (($r->\"name\") = \"a\\24b\")) do={";
    assert!(line.contains(picked), "{line}");
}

#[test]
fn an_or_without_two_is_not_said() {
    let mut mark = || Mark::new([0; 16]);
    let said = conditions(&[Query::Has("name"), Query::Or]);
    assert_eq!(said, Err(Unspeakable::Query));
    let said = Sentence::new(Path::ActiveRemove)
        .of(["*1"])
        .guarded([Guard::new(Path::ActivePrint, "ann")]);
    assert_eq!(
        say(&said, &Dialect::new(true), &mut mark),
        Err(Unspeakable::Guard)
    );
}

#[test]
fn counting_is_left_to_the_router() {
    let said = Sentence::new(Path::ConnectionPrint).with("count-only", "");
    assert_eq!(
        line(&said),
        "{:put (\"…c\" . [/ip firewall connection print count-only]);:put \"….\";}"
    );
}

#[test]
fn what_is_made_is_read_back_in_the_same_line() {
    let said = Sentence::new(Path::ListAdd)
        .with("list", "mikro2fa-permit")
        .with("address", "10.8.0.4")
        .with("timeout", "600s")
        .with("comment", "[$x]");
    assert_eq!(
        line(&said),
        "{:local i [/ip firewall address-list add list=\"mikro2fa-permit\" address=\"10.8.0.4\" timeout=\"600s\" \
         comment=\"\\5B\\24x\\5D\"];:put (\"…m\" . [:tostr $i]);:put \"…d\";\
         :local r [/ip firewall address-list get $i];\
         :put (\"…j\" . [:serialize to=json value={[$s $i];[$s ($r->\"list\")];[$s ($r->\"timeout\")];\
         [$s ($r->\"comment\")];\".\"} options=json.no-string-conversion]);:put \"….\";}"
    );
}

#[test]
fn the_look_and_the_cut_are_one_line() {
    let said = Sentence::new(Path::ActiveRemove)
        .of(["*8"])
        .guarded([Guard::new(Path::ActivePrint, "*8").with("name", "a$")]);
    assert_eq!(
        line(&said),
        "{:local g true;:do {:local r [/ppp active get *8];\
         :if ([$s ($r->\"name\")] != \"a\\24\") do={:set g false};} on-error={:set g false};\
         :if ($g) do={/ppp active remove *8;:put \"…d\";\
         :put (\"…l\" . [:len [/ppp active find where (.id=*8)]]);} else={:put \"…o\";};:put \"….\";}"
    );
}

#[test]
fn what_does_not_fit_into_a_line_takes_two() {
    let names: Vec<Vec<u8>> = (0..50).map(|n| vec![0xD0 + n % 2; 250]).collect();
    let said = Sentence::new(Path::SecretPrint)
        .only(&[".id", "name"])
        .one_of("name", names);
    let lines = lines(&said, true);
    assert_eq!(lines.len(), 2);
    assert!(lines.iter().all(|line| line.len() < LONGEST_LINE));
    let names: usize = lines
        .iter()
        .map(|line| line.matches("(name=").count())
        .sum();
    assert_eq!(names, 50);
}

#[test]
fn a_change_that_does_not_fit_is_not_said_at_all() {
    let mut mark = || Mark::new([0; 16]);
    let said = Sentence::new(Path::ListAdd).with("comment", vec![0xFF; LONGEST_LINE]);
    assert_eq!(
        say(&said, &Dialect::new(true), &mut mark),
        Err(Unspeakable::TooLong)
    );
}
