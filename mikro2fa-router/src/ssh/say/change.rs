//! Changing something, saying so once it is done, and reading back what is there now.

use std::collections::BTreeSet;

use super::{
    Change, Dialect, Form, Said, Unspeakable,
    ask::{equals, truth},
    values::{define, put_properties},
};
use crate::{
    handle::Id,
    sentence::Sentence,
    ssh::script::{Mark, Script, Sign},
};

/// What a change is about.
enum Target<'a> {
    Rows(Vec<Id>),
    Named(&'a [u8]),
    /// The one record that the menu is, or nothing yet.
    Menu,
}

impl<'a> Target<'a> {
    fn of(attributes: &'a [(&'static str, Vec<u8>)]) -> Self {
        let named = attributes.iter().find(|it| is_target(it.0));
        let Some((_, list)) = named else {
            return Self::Menu;
        };
        let ids: Option<Vec<Id>> = list.split(|byte| *byte == b',').map(Id::parse).collect();
        ids.map_or(Self::Named(list), Self::Rows)
    }
}

fn is_target(name: &str) -> bool {
    matches!(name, ".id" | "numbers")
}

pub(super) fn change(
    sentence: &Sentence,
    dialect: &Dialect,
    mark: Mark,
) -> Result<Said, Unspeakable> {
    let mut line = Script::new(mark);
    line.code("{");
    define(&mut line, dialect);
    let guarded = !sentence.guards().is_empty();
    if guarded {
        guard(&mut line, sentence)?;
        line.code(":if ($g) do={");
    }
    let change = body(&mut line, sentence, dialect);
    if guarded {
        line.code("} else={").put(Sign::Otherwise).code("};");
    }
    line.put(Sign::End).code("}");
    Ok(Said {
        line,
        form: Form::Change(change),
    })
}

/// `$g` says whether all guards hold. A row that is not there, or can't be read, does not.
fn guard(line: &mut Script, sentence: &Sentence) -> Result<(), Unspeakable> {
    line.code(":local g true;");
    for guard in sentence.guards() {
        let id = Id::parse(guard.id()).ok_or(Unspeakable::Guard)?;
        line.code(":do {:local r [").menu(guard.path().menu());
        line.code(" get ").id(&id).code("];");
        for (name, value) in guard.properties() {
            line.code(":if ([$s ($r->\"").code(name).code("\")] != ");
            line.quoted(value).code(") do={:set g false};");
        }
        line.code("} on-error={:set g false};");
    }
    Ok(())
}

fn body(line: &mut Script, sentence: &Sentence, dialect: &Dialect) -> Change {
    let menu = sentence.path().menu();
    let verb = sentence.path().verb();
    let target = Target::of(sentence.attributes());
    let makes = verb == "add";
    line.code(if makes { ":local i [" } else { "" }).menu(menu);
    line.code(" ").code(verb);
    match &target {
        Target::Rows(ids) => {
            line.code(" ");
            for (index, id) in ids.iter().enumerate() {
                line.code(if index == 0 { "" } else { "," }).id(id);
            }
        }
        Target::Named(name) => {
            line.code(" ").quoted(name);
        }
        Target::Menu => {}
    }
    arguments(line, sentence);
    line.code(if makes { "];" } else { ";" });
    if makes {
        line.code(":put (")
            .sign(Sign::Made)
            .code(" . [:tostr $i]);");
    }
    line.put(Sign::Did);
    match verb {
        "add" | "set" | "enable" | "disable" => read_back(line, dialect, sentence, target, makes),
        "remove" => {
            count_left(line, menu, &target);
            Change {
                lingers: menu == "/ppp/active",
                ..Change::default()
            }
        }
        _ => Change::default(),
    }
}

fn arguments(line: &mut Script, sentence: &Sentence) {
    for (name, value) in sentence.attributes() {
        if is_target(name) {
            continue;
        }
        line.code(" ").code(name);
        if name.starts_with('!') {
            continue;
        }
        line.code("=");
        match Id::parse(value) {
            Some(id) if TAKES_ID.contains(name) => line.id(&id),
            _ => line.quoted(value),
        };
    }
}

/// Arguments that name a row.
const TAKES_ID: &[&str] = &["copy-from", "destination", "place-before"];

fn read_back(
    line: &mut Script,
    dialect: &Dialect,
    sentence: &Sentence,
    target: Target<'_>,
    makes: bool,
) -> Change {
    let menu = sentence.path().menu();
    let mut expected: Vec<(&'static str, Vec<u8>)> = sentence
        .attributes()
        .iter()
        .filter(|(name, value)| is_comparable(name, value))
        .cloned()
        .collect();
    match sentence.path().verb() {
        "enable" => expected.push(("disabled", b"no".to_vec())),
        "disable" => expected.push(("disabled", b"yes".to_vec())),
        _ => {}
    }
    let mut columns = vec![".id"];
    columns.extend(expected.iter().map(|it| it.0));
    let mut change = Change {
        makes,
        reads_back: true,
        columns,
        expected,
        ..Change::default()
    };
    match target {
        Target::Rows(ids) => {
            line.code(":foreach i in=[").menu(menu).code(" find where ");
            any_of(line, &ids);
            line.code("] do={:local r [").menu(menu).code(" get $i];");
            put_properties(line, dialect, menu, &change.columns);
            line.code("};");
            change.ids = ids;
        }
        Target::Named(name) => {
            line.code(":local i ").quoted(name).code(";");
            line.code(":local r [").menu(menu).code(" get $i];");
            put_properties(line, dialect, menu, &change.columns);
        }
        Target::Menu if makes => {
            line.code(":local r [").menu(menu).code(" get $i];");
            put_properties(line, dialect, menu, &change.columns);
        }
        Target::Menu => {
            let one = Dialect {
                single: BTreeSet::from([menu]),
                ..dialect.clone()
            };
            line.code(":local i \"\";:local r [").menu(menu);
            line.code(" get];");
            put_properties(line, &one, menu, &change.columns);
        }
    }
    change
}

/// What reads back as it was said, or so that the two can be compared whatever form the version gives it.
fn is_comparable(name: &str, value: &[u8]) -> bool {
    matches!(name, "comment" | "list" | "name" | "timeout") || truth(value).is_some()
}

fn any_of(line: &mut Script, ids: &[Id]) {
    for (index, id) in ids.iter().enumerate() {
        line.code(if index == 0 { "(.id=" } else { " or (.id=" });
        line.id(id).code(")");
    }
}

fn count_left(line: &mut Script, menu: &'static str, target: &Target<'_>) {
    line.code(":put (").sign(Sign::Left).code(" . [:len [");
    line.menu(menu).code(" find where ");
    match target {
        Target::Rows(ids) => any_of(line, ids),
        Target::Named(name) => equals(line, "name", name),
        Target::Menu => {
            line.code("false");
        }
    }
    line.code("]]);");
}
