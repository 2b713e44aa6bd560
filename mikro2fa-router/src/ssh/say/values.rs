//! Printing values so that they come through a terminal as they are.

use super::Dialect;
use crate::ssh::script::{Script, Sign};

/// Properties that a console shows as letters. Should a whole row not have them, they are asked for by name: a login
/// that is disabled must not look like one that is not.
pub(super) const FLAGS: &[&str] = &[
    "active", "blocked", "default", "disabled", "dynamic", "expired", "invalid", "radius",
    "running",
];

/// What is printed.
#[derive(Clone, Copy)]
pub(super) enum Value<'a> {
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
pub(super) fn define(line: &mut Script, dialect: &Dialect) {
    line.code(
        ":local s do={:local v $1;:if ([:typeof $v] = \"array\") do={:local j \"\";:foreach x in=$v do={\
         :set j ($j . \",\" . [:tostr $x])};:set v [:pick $j 1 [:len $j]]};:return [:tostr $v]};",
    );
    if dialect.json {
        return;
    }
    define_word(line);
}

pub(super) fn define_word(line: &mut Script) {
    line.code(
        ":local e do={:local o \"=\";:if ($1 ~ \"^[A-Za-z0-9 ._:/@,+*-]*\\$\") do={:set o (\"=\" . $1)} else={\
         :set o \"%\";:local t ",
    );
    let all: Vec<u8> = (1..=u8::MAX).collect();
    line.quoted(&all).code(
        ";:for k from=0 to=([:len $1] - 1) do={:set o ($o . [:find $t [:pick $1 $k ($k + 1)]] . \".\")}};:return $o};",
    );
}

pub(super) fn put_properties(
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

pub(super) fn put_row(line: &mut Script, dialect: &Dialect, values: &[Value<'_>]) {
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
pub(super) fn put_whole_row(line: &mut Script, is_table: bool) {
    line.code(":put (").sign(Sign::Row).code(" . ");
    line.code(if is_table { "[$e [$s $i]]" } else { "\"=\"" });
    line.code(");:foreach k,v in=$r do={:put (")
        .sign(Sign::Name);
    line.code(" . $k);:put (").sign(Sign::Field);
    line.code(" . [$e [$s $v]])};");
}
