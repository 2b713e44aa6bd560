//! The table of fields, and what was gathered for each.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::{OsStr, OsString},
};

use super::{FILE_VARIABLE, Finding, Origin, SET_UP_PASSWORD_VARIABLE};

/// All variables of ours begin so.
const PREFIX: &str = "MIKRO2FA_";

/// Variables for the test suite: none of ours, and no typing mistake.
const TEST_PREFIX: &str = "MIKRO2FA_TEST_";

/// A field of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its key in the file; a dot means a table.
    pub key: &'static str,
    /// Its environment variable.
    pub variable: &'static str,
    /// Its default as it would be written; `None` where there is none.
    pub default: Option<&'static str>,
    /// Only the environment may say it: a secret has no place in a file that people copy around.
    pub environment_only: bool,
}

const fn field(key: &'static str, variable: &'static str, default: Option<&'static str>) -> Field {
    Field {
        key,
        variable,
        default,
        environment_only: false,
    }
}

/// Every field, in the order in which they are shown.
pub const FIELDS: [Field; 8] = [
    field("listen", "MIKRO2FA_LISTEN", Some("127.0.0.1:8480")),
    field("hook_listen", "MIKRO2FA_HOOK_LISTEN", None),
    field(
        "database_url",
        "MIKRO2FA_DATABASE_URL",
        Some("sqlite://mikro2fa.db"),
    ),
    field("key_file", "MIKRO2FA_KEY_FILE", Some("mikro2fa.key")),
    Field {
        key: "key",
        variable: "MIKRO2FA_KEY",
        default: None,
        environment_only: true,
    },
    field("log.level", "MIKRO2FA_LOG_LEVEL", Some("info")),
    field("log.format", "MIKRO2FA_LOG_FORMAT", Some("text")),
    field(
        "telegram.api_url",
        "MIKRO2FA_TELEGRAM_API_URL",
        Some("https://api.telegram.org"),
    ),
];

/// What was said about each field, the last word only.
#[derive(Default)]
pub(super) struct Gathered(BTreeMap<&'static str, (String, Origin)>);

impl Gathered {
    pub(super) fn defaults() -> Self {
        let said = FIELDS
            .iter()
            .filter_map(|field| Some((field.key, (field.default?.to_owned(), Origin::Default))));
        Self(said.collect())
    }

    pub(super) fn say(&mut self, field: &Field, value: String, origin: Origin) {
        self.0.insert(field.key, (value, origin));
    }

    pub(super) fn said(&self, key: &str) -> Option<(&str, &Origin)> {
        self.0
            .get(key)
            .map(|(value, origin)| (value.as_str(), origin))
    }
}

/// Those variables that are ours and are text. An empty one counts as not set, as container tools leave them so.
pub(super) fn variables(
    environment: impl IntoIterator<Item = (OsString, OsString)>,
    findings: &mut Vec<Finding>,
) -> BTreeMap<&'static str, String> {
    let known: BTreeSet<&'static str> = FIELDS
        .iter()
        .map(|field| field.variable)
        .chain([FILE_VARIABLE])
        .collect();
    let mut ours = BTreeMap::new();
    for (name, value) in environment {
        let Some(name) = name
            .to_str()
            .filter(|name| name.starts_with(PREFIX) && !name.starts_with(TEST_PREFIX))
            .filter(|name| *name != SET_UP_PASSWORD_VARIABLE)
        else {
            continue;
        };
        match known.get(name) {
            Some(known) => read_variable(known, &value, &mut ours, findings),
            None => findings.push(Finding {
                field: name.to_owned(),
                origin: "environment".to_owned(),
                wrong: "there is no such variable".to_owned(),
                remedy: advice(name, known.iter().copied(), "unset it"),
            }),
        }
    }
    findings.sort_by(|a, b| a.field.cmp(&b.field)); // the environment has no order of its own
    ours
}

fn read_variable(
    name: &'static str,
    value: &OsStr,
    ours: &mut BTreeMap<&'static str, String>,
    findings: &mut Vec<Finding>,
) {
    match value.to_str() {
        Some("") => {}
        Some(text) => {
            ours.insert(name, text.to_owned());
        }
        None => findings.push(Finding {
            field: name.to_owned(),
            origin: "environment".to_owned(),
            wrong: "the value is not UTF-8".to_owned(),
            remedy: "set it to plain text".to_owned(),
        }),
    }
}

pub(super) fn gather(variables: &BTreeMap<&'static str, String>, gathered: &mut Gathered) {
    for field in &FIELDS {
        if let Some(value) = variables.get(field.variable) {
            gathered.say(field, value.clone(), Origin::Environment(field.variable));
        }
    }
}

/// "did you mean …", where something known is near enough; else `otherwise`.
pub(super) fn advice<'a>(
    written: &str,
    known: impl Iterator<Item = &'a str>,
    otherwise: &str,
) -> String {
    let near = known.map(|name| (distance(written, name), name)).min();
    match near {
        Some((distance, name)) if distance <= 1 + name.len() / 5 => {
            format!("did you mean {name}? if not, {otherwise}")
        }
        _ => otherwise.to_owned(),
    }
}

/// Levenshtein's distance in bytes, both sides cut at 64.
fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let (a, b) = (a.get(..64).unwrap_or(a), b.get(..64).unwrap_or(b));
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.iter().enumerate() {
        let mut diagonal = i;
        let mut before = i + 1;
        let mut next = vec![before];
        for (cell, right) in row.iter().skip(1).zip(b) {
            before = (diagonal + usize::from(left != right))
                .min(cell + 1)
                .min(before + 1);
            diagonal = *cell;
            next.push(before);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        let cases = [
            ("", "", 0),
            ("a", "", 1),
            ("listen", "listn", 1),
            ("kitten", "sitting", 3),
            ("abc", "abc", 0),
        ];
        for (a, b, expected) in cases {
            assert_eq!(distance(a, b), expected, "{a} {b}");
            assert_eq!(distance(b, a), expected, "{b} {a}");
        }
    }

    #[test]
    fn a_variable_is_the_key_in_capitals() {
        for field in FIELDS {
            let expected = format!("{PREFIX}{}", field.key.replace('.', "_").to_uppercase());
            assert_eq!(field.variable, expected);
        }
    }
}
