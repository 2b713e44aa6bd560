//! Asking for rows, for properties of rows, for how many there are.

use super::{
    Dialect, Form, LONGEST_LINE, Said, Unspeakable,
    values::{FLAGS, define, define_word, put_properties, put_whole_row},
};
use crate::{
    handle::Id,
    sentence::{Query, Sentence},
    ssh::script::{Mark, Script, Sign},
};

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Condition {
    Has(&'static str),
    Equals(&'static str, Vec<u8>),
    Any(Vec<Self>),
}

/// What is left on the stack has to be true, all of it.
pub(super) fn conditions(queries: &[Query]) -> Result<Vec<Condition>, Unspeakable> {
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

pub(super) fn print(
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
            end_rows(&mut line, menu, wanted);
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
        end_rows(&mut line, menu, wanted);
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

/// Properties that a build may lack. After `where` such a name makes the whole line unreadable, so they are looked up in
/// each row, where what is not there is nothing.
const PERHAPS: (&str, [&str; 2]) = ("/tool/user-manager/user", ["username", "name"]);

impl Condition {
    fn is_about_perhaps(&self, menu: &str) -> bool {
        match self {
            Self::Has(name) | Self::Equals(name, _) => {
                menu == PERHAPS.0 && PERHAPS.1.contains(name)
            }
            Self::Any(any) => any.iter().any(|one| one.is_about_perhaps(menu)),
        }
    }
}

/// Opens a loop over rows: `$i` is the id, `$r` the row.
fn begin_rows(line: &mut Script, menu: &'static str, wanted: &[Condition]) {
    let (picked, asked): (Vec<&Condition>, Vec<&Condition>) =
        wanted.iter().partition(|it| it.is_about_perhaps(menu));
    line.code(":foreach i in=[").menu(menu).code(" find");
    search(line, asked);
    line.code("] do={:do {:local r [").menu(menu);
    line.code(" get $i];");
    for condition in picked {
        line.code(":if ");
        pick(line, condition);
        line.code(" do={");
    }
}

/// A row that went while it was looked at is left out; one that is there and can't be read ends the line.
fn end_rows(line: &mut Script, menu: &'static str, wanted: &[Condition]) {
    for _ in wanted.iter().filter(|it| it.is_about_perhaps(menu)) {
        line.code("};");
    }
    line.code("} on-error={:if ([:len [").menu(menu);
    line.code(" find where .id=$i]] > 0) do={:error \"a row can not be read\"}}};");
}

/// The condition about the row at hand.
fn pick(line: &mut Script, condition: &Condition) {
    match condition {
        Condition::Has(name) => {
            line.code("([:len ($r->\"").code(name).code("\")] > 0)");
        }
        Condition::Equals(name, value) => {
            line.code("(($r->\"").code(name).code("\") = ");
            line.quoted(value).code(")");
        }
        Condition::Any(any) => {
            line.code("(");
            for (index, condition) in any.iter().enumerate() {
                line.code(if index == 0 { "" } else { " or " });
                pick(line, condition);
            }
            line.code(")");
        }
    }
}

fn search<'a>(line: &mut Script, wanted: impl IntoIterator<Item = &'a Condition>) {
    for (index, condition) in wanted.into_iter().enumerate() {
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
pub(super) fn equals(line: &mut Script, name: &'static str, value: &[u8]) {
    line.code("(").code(name).code("=");
    match (name, Id::parse(value), truth(value)) {
        (".id", Some(id), _) => line.id(&id),
        (_, _, Some(word)) if FLAGS.contains(&name) => line.code(word),
        _ => line.quoted(value),
    };
    line.code(")");
}

pub(super) const fn truth(value: &[u8]) -> Option<&'static str> {
    match value {
        b"true" | b"yes" => Some("yes"),
        b"false" | b"no" => Some("no"),
        _ => None,
    }
}
