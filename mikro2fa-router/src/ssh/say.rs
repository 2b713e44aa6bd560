//! Sentences as console lines, whatever they are about. Pure.
//!
//! A line is one block of script. It reads rows one by one (`get` of a whole row: it cannot be torn, flags are in it, and a
//! property that this version does not have is just missing), and prints behind a mark that was drawn for this line what
//! came of each step. A line that changes something says so once it is done, and then reads back what is there now: the
//! console answers to a `remove` or `set` that found nothing as it does to one that did something (MikroTik manual,
//! Console; nothing is printed either way).
//!
//! What `print as-value` prints is not used: it has no escaping, leaves flags out before 7.20, and as JSON turns a duration
//! into a date (measured by the authors of tik4net, *findings-cli*). Each value is made a string by the router first.

use std::collections::BTreeSet;

use super::script::{Mark, Script, Sign};
use crate::{
    handle::Id,
    sentence::{Query, Sentence},
};

/// Longest line in bytes. Tens of kilobytes were seen to work.
pub(super) const LONGEST_LINE: usize = 30_000;

/// What this connection's console was found to be like.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Dialect {
    /// It writes JSON that keeps strings as they are.
    pub(super) json: bool,
    /// Menus that are one record, not a table.
    pub(super) single: BTreeSet<&'static str>,
}

/// Menus that are one record in every version. Others are found out when nothing can be found in them.
const SINGLE: &[&str] = &[
    "/interface/l2tp-server/server",
    "/interface/pptp-server/server",
    "/interface/sstp-server/server",
    "/ip/dns",
    "/ip/settings",
    "/ppp/aaa",
    "/radius/incoming",
    "/system/clock",
    "/system/device-mode",
    "/system/identity",
    "/system/resource",
];

impl Dialect {
    pub(super) fn new(json: bool) -> Self {
        Self {
            json,
            single: SINGLE.iter().copied().collect(),
        }
    }
}

/// A line, and how its output is to be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Said {
    pub(super) line: Script,
    pub(super) form: Form,
}

/// What a line's output is made of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Form {
    /// Rows with these properties; none = each row brings its properties' names.
    Rows(Option<Vec<&'static str>>),
    /// A number.
    Count,
    /// A change, and rows that were read back.
    Change(Change),
}

/// How a change is seen to have been made.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Change {
    /// The rows that have to be there.
    pub(super) ids: Vec<Id>,
    /// Something was made, and has an id.
    pub(super) makes: bool,
    /// A row has to have come back, whichever.
    pub(super) reads_back: bool,
    /// What was removed can be seen for a moment longer.
    pub(super) lingers: bool,
    /// What is read back of each row.
    pub(super) columns: Vec<&'static str>,
    /// What each row has to say.
    pub(super) expected: Vec<(&'static str, Vec<u8>)>,
}

/// Why a sentence can't be said on a console.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(super) enum Unspeakable {
    #[error("this is too long for one line of a console")]
    TooLong,
    #[error("what was asked for is no query")]
    Query,
    #[error("a guard is about a row without an id")]
    Guard,
}

/// A sentence as lines. More than one only if it asks for more than fits into one; their rows together are the answer.
pub(super) fn say(
    sentence: &Sentence,
    dialect: &Dialect,
    mark: &mut impl FnMut() -> Mark,
) -> Result<Vec<Said>, Unspeakable> {
    if sentence.path().only_looks() {
        let wanted = conditions(sentence.queries())?;
        return print(sentence, dialect, wanted, mark);
    }
    let said = change(sentence, dialect, mark())?;
    if said.line.len() > LONGEST_LINE {
        return Err(Unspeakable::TooLong);
    }
    Ok(vec![said])
}

/// A line that prints one row with this value, to see whether it comes back.
pub(super) fn probe(value: &[u8], json: bool, mark: Mark) -> Said {
    let mut line = Script::new(mark);
    let dialect = Dialect::new(json);
    line.code("{");
    define(&mut line, &dialect);
    let columns = ["value", "zeros", "truth", "time"];
    let values: [&[u8]; 4] = [value, b"00123", b"true", b"1d"];
    let values = values.map(Value::Text);
    put_row(&mut line, &dialect, &values);
    line.put(Sign::End).code("}");
    Said {
        line,
        form: Form::Rows(Some(columns.to_vec())),
    }
}

// ---- asking -------------------------------------------------------------------------------------

#[derive(Clone, PartialEq, Eq, Debug)]
enum Condition {
    Has(&'static str),
    Equals(&'static str, Vec<u8>),
    Any(Vec<Self>),
}

/// What is left on the stack has to be true, all of it.
fn conditions(queries: &[Query]) -> Result<Vec<Condition>, Unspeakable> {
    let mut stack = Vec::new();
    for query in queries {
        let next = match query {
            Query::Has(name) => Condition::Has(name),
            Query::Equals(name, value) => Condition::Equals(name, value.clone()),
            Query::Or => {
                let (Some(second), Some(first)) = (stack.pop(), stack.pop()) else {
                    return Err(Unspeakable::Query);
                };
                either(first, second)
            }
        };
        stack.push(next);
    }
    Ok(stack)
}

fn either(first: Condition, second: Condition) -> Condition {
    let flat = |condition| match condition {
        Condition::Any(any) => any,
        one => vec![one],
    };
    let mut any = flat(first);
    any.extend(flat(second));
    Condition::Any(any)
}

fn print(
    sentence: &Sentence,
    dialect: &Dialect,
    wanted: Vec<Condition>,
    mark: &mut impl FnMut() -> Mark,
) -> Result<Vec<Said>, Unspeakable> {
    let said = print_once(sentence, dialect, &wanted, mark());
    if said.line.len() <= LONGEST_LINE {
        return Ok(vec![said]);
    }
    let (first, second) = halves(wanted).ok_or(Unspeakable::TooLong)?;
    if said.form == Form::Count {
        return Err(Unspeakable::TooLong);
    }
    let mut all = print(sentence, dialect, first, mark)?;
    all.extend(print(sentence, dialect, second, mark)?);
    Ok(all)
}

/// The same in two parts, split where there is most to choose from. None if there is nothing to choose from.
fn halves(mut wanted: Vec<Condition>) -> Option<(Vec<Condition>, Vec<Condition>)> {
    let choices = |condition: &Condition| match condition {
        Condition::Any(any) => any.len(),
        _ => 1,
    };
    let (at, most) = wanted
        .iter()
        .map(choices)
        .enumerate()
        .max_by_key(|it| it.1)?;
    let mut other = wanted.clone();
    match (wanted.get_mut(at)?, other.get_mut(at)?) {
        (Condition::Any(first), Condition::Any(second)) if most > 1 => {
            *second = first.split_off(most / 2);
            Some((wanted, other))
        }
        _ => None,
    }
}

fn print_once(sentence: &Sentence, dialect: &Dialect, wanted: &[Condition], mark: Mark) -> Said {
    let menu = sentence.path().menu();
    let mut line = Script::new(mark);
    line.code("{");
    if sentence.attributes().iter().any(|it| it.0 == "count-only") {
        line.code(":put (").sign(Sign::Count).code(" . [");
        line.menu(menu).code(" print count-only");
        search(&mut line, wanted);
        line.code("]);").put(Sign::End).code("}");
        return Said {
            line,
            form: Form::Count,
        };
    }
    define(&mut line, dialect);
    let is_table = !dialect.single.contains(menu);
    let columns = sentence.proplist();
    if columns.is_empty() {
        if dialect.json {
            define_word(&mut line);
        }
        if is_table {
            begin_rows(&mut line, menu, wanted);
        } else {
            line.code(":local r [").menu(menu).code(" get];");
        }
        put_whole_row(&mut line, is_table);
        if is_table {
            end_rows(&mut line, menu);
        }
        line.put(Sign::End).code("}");
        return Said {
            line,
            form: Form::Rows(None),
        };
    }
    let mut names = Vec::with_capacity(columns.len() + 1);
    if is_table {
        names.push(".id");
        names.extend(columns.iter().copied().filter(|name| *name != ".id"));
        begin_rows(&mut line, menu, wanted);
        put_properties(&mut line, dialect, menu, &names);
        end_rows(&mut line, menu);
    } else {
        names.extend_from_slice(columns);
        line.code(":local r [").menu(menu).code(" get];");
        put_properties(&mut line, dialect, menu, &names);
    }
    line.put(Sign::End).code("}");
    Said {
        line,
        form: Form::Rows(Some(names)),
    }
}

/// Opens a loop over rows: `$i` is the id, `$r` the row.
fn begin_rows(line: &mut Script, menu: &'static str, wanted: &[Condition]) {
    line.code(":foreach i in=[").menu(menu).code(" find");
    search(line, wanted);
    line.code("] do={:do {:local r [").menu(menu);
    line.code(" get $i];");
}

/// A row that went while it was looked at is left out; one that is there and can't be read ends the line.
fn end_rows(line: &mut Script, menu: &'static str) {
    line.code("} on-error={:if ([:len [").menu(menu);
    line.code(" find where .id=$i]] > 0) do={:error \"a row can not be read\"}}};");
}

fn search(line: &mut Script, wanted: &[Condition]) {
    for (index, condition) in wanted.iter().enumerate() {
        line.code(if index == 0 { " where " } else { " and " });
        one(line, condition);
    }
}

fn one(line: &mut Script, condition: &Condition) {
    match condition {
        Condition::Has(name) => {
            line.code("(").code(name).code(")");
        }
        Condition::Equals(name, value) => equals(line, name, value),
        Condition::Any(any) => {
            line.code("(");
            for (index, condition) in any.iter().enumerate() {
                line.code(if index == 0 { "" } else { " or " });
                one(line, condition);
            }
            line.code(")");
        }
    }
}

/// Text is compared with text. An id or a flag is no text, so it stands there as itself.
fn equals(line: &mut Script, name: &'static str, value: &[u8]) {
    line.code("(").code(name).code("=");
    match (name, Id::parse(value), truth(value)) {
        (".id", Some(id), _) => line.id(&id),
        (_, _, Some(word)) if FLAGS.contains(&name) => line.code(word),
        _ => line.quoted(value),
    };
    line.code(")");
}

const fn truth(value: &[u8]) -> Option<&'static str> {
    match value {
        b"true" | b"yes" => Some("yes"),
        b"false" | b"no" => Some("no"),
        _ => None,
    }
}

// ---- printing values ----------------------------------------------------------------------------

/// Properties that a console shows as letters. Should a whole row not have them, they are asked for by name: a login
/// that is disabled must not look like one that is not.
const FLAGS: &[&str] = &[
    "active", "blocked", "default", "disabled", "dynamic", "expired", "invalid", "radius",
    "running",
];

/// What is printed.
#[derive(Clone, Copy)]
enum Value<'a> {
    /// The id that a loop stands at.
    Id,
    /// A property of the row.
    Of(&'static str),
    /// A flag that was asked for by name, where it had to be.
    Flag(&'static str),
    /// This.
    Text(&'a [u8]),
}

/// `$s` makes a string of a value, as the API would: what a list holds with commas between. `$e` makes a word of a string
/// that holds nothing that a terminal could change: itself if it is harmless, its bytes as numbers if not.
fn define(line: &mut Script, dialect: &Dialect) {
    line.code(
        ":local s do={:local v $1;:if ([:typeof $v] = \"array\") do={:local j \"\";:foreach x in=$v do={\
         :set j ($j . \",\" . [:tostr $x])};:set v [:pick $j 1 [:len $j]]};:return [:tostr $v]};",
    );
    if dialect.json {
        return;
    }
    define_word(line);
}

fn define_word(line: &mut Script) {
    line.code(
        ":local e do={:local o \"=\";:if ($1 ~ \"^[A-Za-z0-9 ._:/@,+*-]*\\$\") do={:set o (\"=\" . $1)} else={\
         :set o \"%\";:local t ",
    );
    let all: Vec<u8> = (1..=u8::MAX).collect();
    line.quoted(&all).code(
        ";:for k from=0 to=([:len $1] - 1) do={:set o ($o . [:find $t [:pick $1 $k ($k + 1)]] . \".\")}};:return $o};",
    );
}

fn put_properties(
    line: &mut Script,
    dialect: &Dialect,
    menu: &'static str,
    names: &[&'static str],
) {
    let mut values = Vec::with_capacity(names.len());
    let mut flags = FLAG_VARIABLES.iter().copied();
    for &name in names {
        let flag = FLAGS.contains(&name).then(|| flags.next()).flatten();
        values.push(match flag {
            _ if name == ".id" => Value::Id,
            Some(variable) => {
                read_flag(line, dialect, menu, variable, name);
                Value::Flag(variable)
            }
            None => Value::Of(name),
        });
    }
    put_row(line, dialect, &values);
}

fn read_flag(
    line: &mut Script,
    dialect: &Dialect,
    menu: &'static str,
    variable: &'static str,
    name: &'static str,
) {
    line.code(":local ").code(variable).code(" ($r->\"");
    line.code(name).code("\");:if ([:typeof $").code(variable);
    line.code("] != \"bool\") do={:do {:set ").code(variable);
    line.code(" [").menu(menu).code(" get ");
    line.code(if dialect.single.contains(menu) {
        ""
    } else {
        "$i "
    });
    line.code(name).code("]} on-error={}};");
}

/// As many as there are flags.
const FLAG_VARIABLES: [&str; FLAGS.len()] = ["fa", "fb", "fc", "fd", "fe", "ff", "fg", "fh", "fi"];

fn put_row(line: &mut Script, dialect: &Dialect, values: &[Value<'_>]) {
    if dialect.json {
        line.code(":put (").sign(Sign::Json);
        line.code(" . [:serialize to=json value={");
        for value in values {
            string(line, value);
            line.code(";");
        }
        line.code("\".\"} options=json.no-string-conversion]);");
        return;
    }
    line.code(":put (");
    for (index, value) in values.iter().enumerate() {
        let sign = if index == 0 { Sign::Row } else { Sign::Field };
        line.code(if index == 0 { "" } else { " . " }).sign(sign);
        line.code(" . [$e ");
        string(line, value);
        line.code("]");
    }
    line.code(");");
}

fn string(line: &mut Script, value: &Value<'_>) {
    match value {
        Value::Id => line.code("[$s $i]"),
        Value::Of(name) => line.code("[$s ($r->\"").code(name).code("\")]"),
        Value::Flag(variable) => line.code("[$s $").code(variable).code("]"),
        Value::Text(text) => line.code("[$s ").quoted(text).code("]"),
    };
}

/// A row with the names of its properties, for where those are not known beforehand.
fn put_whole_row(line: &mut Script, is_table: bool) {
    line.code(":put (").sign(Sign::Row).code(" . ");
    line.code(if is_table { "[$e [$s $i]]" } else { "\"=\"" });
    line.code(");:foreach k,v in=$r do={:put (")
        .sign(Sign::Name);
    line.code(" . $k);:put (").sign(Sign::Field);
    line.code(" . [$e [$s $v]])};");
}

// ---- changing -----------------------------------------------------------------------------------

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

fn change(sentence: &Sentence, dialect: &Dialect, mark: Mark) -> Result<Said, Unspeakable> {
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

#[cfg(test)]
mod tests;
