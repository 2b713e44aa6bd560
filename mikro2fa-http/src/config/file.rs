//! The configuration file: read with a cap, every value with its line.

use std::{
    io::Read,
    path::{Path, PathBuf},
};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{DEFAULT_FILE, FIELDS, Finding, Origin, field, field::Gathered};

/// More than any real configuration; a device file or a log named by mistake stops here.
const MAX_BYTES: u64 = 256 * 1024;

/// The file's text. A file that nobody named may be absent.
pub(super) fn read(named: Option<&Path>, findings: &mut Vec<Finding>) -> Option<(PathBuf, String)> {
    let path = named.unwrap_or_else(|| Path::new(DEFAULT_FILE));
    match read_capped(path) {
        Ok(text) => Some((path.to_path_buf(), text)),
        Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => {
            findings.push(Finding {
                field: path.display().to_string(),
                origin: "configuration file".to_owned(),
                wrong: format!("it can't be read: {error}"),
                remedy: "name another file with --config, or make this one readable".to_owned(),
            });
            None
        }
    }
}

fn read_capped(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    std::fs::File::open(path)?
        .take(MAX_BYTES + 1)
        .read_to_string(&mut text)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(std::io::Error::other(format!(
            "it is longer than {MAX_BYTES} bytes"
        )));
    }
    Ok(text)
}

/// Says to `gathered` what the text says; what it says wrongly goes to `findings`.
pub(super) fn gather(
    path: &Path,
    text: &str,
    gathered: &mut Gathered,
    findings: &mut Vec<Finding>,
) {
    let (table, errors) = DeTable::parse_recoverable(text);
    let line = |at: usize| 1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count();
    let place = |at: usize| Origin::File {
        path: path.to_path_buf(),
        line: line(at),
    };
    findings.extend(errors.iter().map(|error| Finding {
        field: "TOML".to_owned(),
        origin: place(error.span().map_or(0, |span| span.start)).to_string(),
        wrong: error.message().to_owned(),
        remedy: "see mikro2fa.example.toml for how it is written".to_owned(),
    }));
    walk("", table.get_ref(), &place, gathered, findings);
}

fn walk(
    prefix: &str,
    table: &DeTable<'_>,
    place: &impl Fn(usize) -> Origin,
    gathered: &mut Gathered,
    findings: &mut Vec<Finding>,
) {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(name, _)| name.span().start);
    for (name, value) in entries {
        let key = format!("{prefix}{}", name.get_ref());
        let origin = place(name.span().start);
        match value.get_ref() {
            DeValue::Table(inner) if is_table(&key) => {
                walk(&format!("{key}."), inner, place, gathered, findings)
            }
            _ => entry(&key, value, origin, gathered, findings),
        }
    }
}

/// Whether fields live under `key`.
fn is_table(key: &str) -> bool {
    FIELDS.iter().any(|field| {
        field
            .key
            .strip_prefix(key)
            .is_some_and(|rest| rest.starts_with('.'))
    })
}

fn entry(
    key: &str,
    value: &Spanned<DeValue<'_>>,
    origin: Origin,
    gathered: &mut Gathered,
    findings: &mut Vec<Finding>,
) {
    let mut wrong = |wrong: String, remedy: String| {
        findings.push(Finding {
            field: key.to_owned(),
            origin: origin.to_string(),
            wrong,
            remedy,
        });
    };
    let Some(field) = FIELDS.iter().find(|field| field.key == key) else {
        let known = FIELDS
            .iter()
            .filter(|field| !field.environment_only)
            .map(|field| field.key);
        return wrong(
            "there is no such option".to_owned(),
            field::advice(key, known, "remove it"),
        );
    };
    if field.environment_only {
        let remedy = format!(
            "remove it from the file, and use {} or a key file",
            field.variable
        );
        return wrong("a secret does not belong into this file".to_owned(), remedy);
    }
    match value.get_ref().as_str() {
        Some(text) => gathered.say(field, text.to_owned(), origin),
        None => wrong(
            format!("it is {}, not text", value.get_ref().type_str()),
            "put it in quotes".to_owned(),
        ),
    }
}
