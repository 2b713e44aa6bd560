//! A plan in RouterOS's own terms: as lines to be read, and as a script that does the same.

use std::fmt::Write as _;

use super::{
    plan::Plan,
    step::{Act, Key, Menu, Place, Step, Value},
};
use crate::console::Quoted;

/// A step as whoever reads a plan sees it: `+` makes, `~` changes, `-` takes away, `^` moves. Nothing in it is secret.
#[must_use]
pub fn shown(step: &Step) -> String {
    let path = console(step.menu);
    match &step.act {
        Act::Add {
            copy_from,
            place,
            properties,
            ..
        } => {
            let mut text = format!("+ {path} add");
            if let Some(source) = copy_from {
                let _ = write!(text, " copy-from={}", plain(source));
            }
            for (name, value) in properties {
                let _ = write!(text, " {name}={}", plain(&value.shown()));
            }
            if let Some(place) = place {
                let _ = write!(text, "  ({})", where_to(place));
            }
            text
        }
        Act::Set {
            keys,
            before,
            after,
        } => {
            let mut text = format!("~ {path} set {}", many(keys));
            for (name, value) in after {
                let old = before.iter().find(|(it, _)| it == name);
                let old = old.map_or("", |(_, value)| value);
                let _ = write!(text, " {name}={}", plain(&value.shown()));
                if !matches!(value, Value::Secret(_)) {
                    let _ = write!(text, " (was {})", plain(old));
                }
            }
            text
        }
        Act::Remove { key } => format!("- {path} remove {key}"),
        Act::Move { key, place } => format!("^ {path} move {key}  ({})", where_to(place)),
        Act::Sign { name } => format!("~ {path} sign {}", plain(name)),
    }
}

fn many(keys: &[Key]) -> String {
    match keys {
        [] => String::new(),
        [one] => one.to_string(),
        [first, .., last] => format!("{} of them, {first} to {last}", keys.len()),
    }
}

fn plain(value: &str) -> String {
    let needs_no_quotes = !value.is_empty()
        && value.bytes().all(|b| {
            b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b',' | b'/' | b':' | b'!' | b'_')
        });
    if needs_no_quotes {
        value.to_owned()
    } else {
        format!("\"{}\"", value.replace('\n', "\\n"))
    }
}

fn where_to(place: &Place) -> String {
    match place {
        Place::FirstOf(chain) => format!("first of chain {chain}"),
        Place::BeforeFasttrack(0) => "before the fasttrack rule".to_owned(),
        Place::BeforeFasttrack(number) => format!("before fasttrack rule {}", number + 1),
    }
}

/// The menu as the console writes it.
fn console(menu: Menu) -> String {
    let words = menu.path().trim_start_matches('/').replace('/', " ");
    format!("/{words}")
}

/// The whole plan as a script to be read, changed, and run with `/import`. Each value is quoted so that it can be nothing else.
/// What is not known here, the password of the daily login, is left for whoever runs it.
#[must_use]
pub fn script(plan: &Plan) -> String {
    let mut text = String::from(
        "# Made by mikro2fa: what preparing this router does. Read it before you run it.\n",
    );
    for warning in &plan.warnings {
        comment(&mut text, "note", warning);
    }
    for wait in &plan.waits {
        comment(&mut text, "left out", wait);
    }
    let mut last = "";
    for step in &plan.steps {
        if *step.why != *last {
            let _ = writeln!(text, "# {}", one_line(&step.why));
            last = &step.why;
        }
        text.push_str(&line(step));
        text.push('\n');
    }
    text
}

fn comment(text: &mut String, what: &str, words: &str) {
    let _ = writeln!(text, "# {what}: {}", one_line(words));
}

/// Names come from outside: none of them ends a comment.
fn one_line(words: &str) -> String {
    words
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// One step as one line.
#[must_use]
pub fn line(step: &Step) -> String {
    let path = console(step.menu);
    match &step.act {
        Act::Add {
            copy_from,
            place,
            properties,
            ..
        } => {
            let mut text = format!("{path} add");
            if let Some(source) = copy_from {
                let _ = write!(
                    text,
                    " copy-from=[find name={}]",
                    Quoted::new(crate::text::encode(source))
                );
            }
            assign(&mut text, properties);
            if let Some(place) = place {
                let _ = write!(text, " place-before={}", spot(&path, place));
            }
            text
        }
        Act::Set { keys, after, .. } => match keys.as_slice() {
            [Key(only)] if only.is_empty() => {
                let mut text = format!("{path} set");
                assign(&mut text, after);
                text
            }
            keys => {
                let mut text = String::new();
                for (index, key) in keys.iter().enumerate() {
                    let gap = if index > 0 { "\n" } else { "" };
                    let _ = write!(text, "{gap}{path} set {}", find(key));
                    assign(&mut text, after);
                }
                text
            }
        },
        Act::Remove { key } => format!("{path} remove {}", find(key)),
        Act::Sign { name } => format!("{path} sign {}", Quoted::new(crate::text::encode(name))),
        Act::Move { key, place } => {
            format!(
                "{path} move {} destination={}",
                find(key),
                spot(&path, place)
            )
        }
    }
}

fn assign(text: &mut String, properties: &[(&'static str, Value)]) {
    for (name, value) in properties {
        match value {
            Value::Secret(_) => {
                let _ = write!(text, " {name}=\"CHANGE ME\"");
            }
            Value::Plain(value) => {
                let _ = write!(text, " {name}={}", Quoted::new(crate::text::encode(value)));
            }
        }
    }
}

fn find(key: &Key) -> String {
    let mut text = String::from("[find where");
    for (name, value) in &key.0 {
        let _ = write!(text, " {name}={}", Quoted::new(crate::text::encode(value)));
    }
    text.push(']');
    text
}

fn spot(path: &str, place: &Place) -> String {
    match place {
        Place::FirstOf(chain) => {
            format!("([{path} find where chain={chain} dynamic=no]->0)")
        }
        Place::BeforeFasttrack(number) => {
            format!("([{path} find where action=fasttrack-connection dynamic=no]->{number})")
        }
    }
}
