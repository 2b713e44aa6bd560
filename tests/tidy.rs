//! Repository rules that no other tool checks.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn read(path: impl AsRef<Path>) -> String {
    let path = Path::new(ROOT).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(ROOT)
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

/// Every file of the repository, relative to its root; those that were just deleted left out.
fn files() -> Vec<PathBuf> {
    let list = output("git", &["ls-files", "-z"]);
    let files = list.split_terminator('\0').map(PathBuf::from);
    files
        .filter(|path| Path::new(ROOT).join(path).is_file())
        .collect()
}

fn markdown() -> impl Iterator<Item = PathBuf> {
    let all = files().into_iter();
    all.filter(|path| path.extension().is_some_and(|end| end == "md"))
}

/// Without fenced code: what is shown there is typed, not followed.
fn prose(text: &str) -> String {
    text.split("```").step_by(2).collect()
}

/// All packages that are built here or for here, as cargo sees them.
fn metadata() -> Value {
    let host = output("rustc", &["-vV"]);
    let host = host.lines().find_map(|line| line.strip_prefix("host: "));
    let platform = format!("--filter-platform={}", host.unwrap());
    let arguments = ["metadata", "--locked", "--format-version=1", &platform];
    serde_json::from_str(&output(env!("CARGO"), &arguments)).unwrap()
}

/// One binary in the whole workspace, or `cargo run -- demo` does not know which to run.
#[test]
fn one_binary() {
    let metadata = metadata();
    let members = metadata["packages"].as_array().unwrap().iter();
    let members = members.filter(|package| package["source"].is_null());
    let targets = members.flat_map(|package| package["targets"].as_array().unwrap());
    let binaries: Vec<_> = targets
        .filter(|target| target["kind"][0] == "bin")
        .map(|target| target["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        binaries,
        ["mikro2fa"],
        "make the others examples or subcommands"
    );
}

/// Everything that is linked may be used under a licence that `deny.toml` allows.
#[test]
fn licences_are_permissive() {
    let rules = read("deny.toml");
    let rules = rules.split_once("[licenses]").unwrap().1;
    let (allowed, exceptions) = rules.split_once(']').unwrap();
    let exceptions = exceptions.split_once("\n[").unwrap().0;
    let allowed: BTreeSet<_> = allowed.split('"').skip(1).step_by(2).collect();
    let permits = |expression: &str| {
        let alternatives = expression.split(" OR ").flat_map(|part| part.split('/'));
        alternatives.into_iter().any(|alternative| {
            let mut parts = alternative.split(" AND ");
            parts.all(|part| allowed.contains(part.trim_matches([' ', '(', ')'])))
        })
    };
    for package in metadata()["packages"].as_array().unwrap() {
        let (name, licence) = (package["name"].as_str().unwrap(), &package["license"]);
        let fine = licence.as_str().is_some_and(permits);
        assert!(
            fine || exceptions.contains(&format!("name = \"{name}\"")),
            "{name} has the licence {licence}: do without it, or allow it in deny.toml"
        );
    }
}

/// Whoever follows a link of a page, or looks a path up that it names, finds it.
#[test]
fn what_pages_point_to_is_there() {
    let files = files();
    let top = files.iter().filter_map(|path| path.iter().next()?.to_str());
    let top: BTreeSet<_> = top.collect();
    let mut missing = Vec::new();
    for page in markdown() {
        let text = prose(&read(&page));
        let links = text.split("](").skip(1);
        let links = links.filter_map(|rest| rest.split(')').next());
        let words = text.split('`').skip(1).step_by(2);
        let paths = words.filter(|word| {
            let first = word.split('/').next().unwrap();
            word.contains('/') && !word.contains(' ') && top.contains(first)
        });
        let links = links.filter(|link| !leads(&page, link));
        let paths = paths.filter(|path| {
            // From the root, or from the folder of the crate whose page it is.
            let mut folders = page.ancestors().skip(1);
            !folders.any(|folder| Path::new(ROOT).join(folder).join(path).exists())
        });
        missing.extend(
            links
                .chain(paths)
                .map(|what| format!("{}: {what}", page.display())),
        );
    }
    assert!(missing.is_empty(), "there is no\n{}", missing.join("\n"));
}

/// Whether a page's link leads somewhere, as far as that can be seen without a network.
fn leads(page: &Path, link: &str) -> bool {
    let (path, heading) = link.split_once('#').unwrap_or((link, ""));
    if path.contains("://") || path.starts_with("mailto:") {
        return true;
    }
    let target = match path {
        "" => page.to_owned(),
        path => page.parent().unwrap().join(path),
    };
    Path::new(ROOT).join(&target).exists()
        && (heading.is_empty() || headings(&read(&target)).contains(heading))
}

/// A page's headings, as links name them.
fn headings(text: &str) -> BTreeSet<String> {
    let lines = text.lines().filter(|line| line.starts_with('#'));
    lines
        .map(|line| {
            let heading = line.trim_start_matches('#').trim().to_lowercase();
            let kept = heading
                .chars()
                .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}

/// SQLite and PostgreSQL have the same steps, and after each the same tables with the same columns and indexes.
#[test]
fn migrations_are_twins() {
    let folder = |database| format!("mikro2fa-store/migrations/{database}");
    let steps = |database| -> BTreeSet<_> {
        let entries = fs::read_dir(Path::new(ROOT).join(folder(database))).unwrap();
        entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect()
    };
    let both = steps("sqlite");
    assert_eq!(both, steps("postgresql"));
    for step in both {
        for file in ["up.sql", "down.sql"] {
            let shape = |database| shape(&read(format!("{}/{step}/{file}", folder(database))));
            assert_eq!(shape("sqlite"), shape("postgresql"), "{step}/{file}");
        }
    }
}

/// The names in a migration: of what it makes or drops, and of each table's columns. Types and functions differ.
fn shape(sql: &str) -> Vec<String> {
    let lines = sql.lines().map(str::trim_end);
    let lines = lines.filter(|line| !line.trim_start().starts_with("--"));
    lines
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let first = words.next()?;
            match first {
                // A column that is added: its table and its name.
                "ALTER" if line.contains(" ADD COLUMN ") => {
                    let names: Vec<&str> = line.split_whitespace().take(6).collect();
                    Some(names.join(" "))
                }
                "CREATE" | "DROP" | "ALTER" => {
                    Some(line.trim_end_matches([';', '(', ' ']).to_owned())
                }
                _ if line.starts_with("    ")
                    && first.chars().all(|c| c.is_lowercase() || c == '_') =>
                {
                    Some(format!("  {first}"))
                }
                _ => None,
            }
        })
        .filter(|line| !line.contains(" TRIGGER ") && !line.contains(" FUNCTION "))
        .collect()
}

/// Each change log has the form of Keep a Changelog.
#[test]
fn change_logs_have_their_form() {
    const KINDS: [&str; 6] = [
        "Added",
        "Changed",
        "Deprecated",
        "Removed",
        "Fixed",
        "Security",
    ];
    for page in markdown().filter(|page| page.ends_with("CHANGELOG.md")) {
        let text = read(&page);
        assert!(text.starts_with("# Changelog\n"), "{}", page.display());
        let mut version = "";
        for line in text.lines() {
            if let Some(kind) = line.strip_prefix("### ") {
                assert!(
                    !version.is_empty() && KINDS.contains(&kind),
                    "{}: {line}",
                    page.display()
                );
            } else if let Some(heading) = line.strip_prefix("## ") {
                version = heading;
                assert!(
                    version == "[Unreleased]" || is_release(version),
                    "{}: {line}: neither [Unreleased] nor [1.2.3] - 2027-01-31",
                    page.display()
                );
            }
        }
        assert!(!version.is_empty(), "{}: no version", page.display());
    }
}

fn is_release(heading: &str) -> bool {
    let Some((version, date)) = heading.split_once(" - ") else {
        return false;
    };
    let numbers = |text: &str, between| {
        text.split(between)
            .filter(|n| n.parse::<u16>().is_ok())
            .count()
            == 3
    };
    let version = version
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    version.is_some_and(|version| numbers(version, '.')) && date.len() == 10 && numbers(date, '-')
}

/// No file speaks of a folder of the machine that it was written on.
#[test]
fn no_file_speaks_of_a_build_machine() {
    // Put together here, or this file would be found.
    let places = ["work", "root", "home", "Users", "tmp/target"].map(|name| format!("/{name}/"));
    for path in files() {
        // Not text: nothing to read.
        let Ok(text) = fs::read_to_string(Path::new(ROOT).join(&path)) else {
            continue;
        };
        for (number, line) in text.lines().enumerate() {
            let found = places.iter().find(|place| {
                line.match_indices(place.as_str()).any(|(at, _)| {
                    // In the middle of a longer path or of an address it is another folder.
                    let before = line[..at].chars().next_back();
                    before.is_none_or(|c| !c.is_alphanumeric() && !"-_.~/".contains(c))
                })
            });
            assert!(
                found.is_none(),
                "{}, line {}: {}",
                path.display(),
                number + 1,
                found.unwrap()
            );
        }
    }
}
