//! The console's directories and the commands in them, as far as they are simulated.

use super::{
    super::{
        command,
        menu::{self, CATALOGUE},
        version::Version,
    },
    ast::What,
};

/// Commands that belong to no menu of rows.
const OTHERS: [&str; 6] = [
    "/tool/fetch",
    "/system/reboot",
    "/log/info",
    "/log/warning",
    "/log/error",
    "/log/debug",
];

/// Where one word of a path leads.
#[derive(Debug)]
pub(super) enum Step {
    Directory(String),
    Command(What),
}

/// Takes one word from a directory (`""` is the root). A word may be shortened as long as it stays clear.
pub(super) fn step(version: Version, directory: &str, word: &str) -> Option<Step> {
    let names = names(version, directory);
    let exact = names.iter().find(|name| **name == word);
    let name = exact.or_else(|| {
        let mut matching = names
            .iter()
            .filter(|name| !word.is_empty() && name.starts_with(word));
        matching.next().filter(|_| matching.next().is_none())
    })?;
    let path = format!("{directory}/{name}");
    if let Some(other) = OTHERS.iter().find(|other| **other == path) {
        return Some(Step::Command(What::Other(other)));
    }
    let verb = menu::at_path(directory, version).and_then(|menu| {
        let verb = command::verbs(version, menu).find(|verb| verb == name)?;
        Some(What::Menu(menu, verb))
    });
    Some(verb.map_or(Step::Directory(path), Step::Command))
}

/// What can follow in a directory: its commands and the directories below it.
fn names(version: Version, directory: &str) -> Vec<&'static str> {
    let below = |path: &'static str| {
        let rest = path.strip_prefix(directory)?.strip_prefix('/')?;
        rest.split('/').next()
    };
    let menus = CATALOGUE
        .iter()
        .filter(|(_, menu)| menu.exists_in(version))
        .filter_map(|(_, menu)| below(menu.path));
    let others = OTHERS.iter().filter_map(|path| below(path));
    let verbs = menu::at_path(directory, version)
        .into_iter()
        .flat_map(|menu| command::verbs(version, menu));
    let mut names: Vec<&str> = menus.chain(others).chain(verbs).collect();
    names.sort_unstable();
    names.dedup();
    names
}
