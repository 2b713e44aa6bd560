//! Who may come to the router: the daily login, its group, the service that it uses.

use std::collections::BTreeSet;

use mikro2fa_core::{desk::TransportKind, tunnel::Text};

use super::Draft;
use crate::{
    prepare::step::{Key, Menu, Step, Value},
    survey::{Record, Section},
};

impl Draft<'_> {
    /// The daily user with least rights, in a group of its own, from one address.
    pub(super) fn access(&mut self) {
        let names = &self.choices.names;
        let policy = policy(self.choices.login.transport);
        match self.survey.named(Section::Groups, &names.group) {
            None => {
                let properties = vec![
                    ("name", Value::from(&*names.group)),
                    ("policy", policy.into()),
                    ("comment", (&*names.comment).into()),
                ];
                self.step(Step::add(
                    Menu::Group,
                    "what mikro2fa may do: read and write, and not make users",
                    Key::named(&names.group),
                    properties,
                ));
            }
            Some(group) if granted(group) != policy.split(',').collect() => {
                if names.owns(group.text("comment")) {
                    let before = vec![("policy", group.text("policy").into())];
                    self.step(Step::set(
                        Menu::Group,
                        "what mikro2fa may do: read and write, and not make users",
                        Key::named(&names.group),
                        before,
                        vec![("policy", policy.into())],
                    ));
                } else {
                    self.refuse(format!(
                        "there is a group `{}` already, with other rights and not made by prepare: choose another name for ours",
                        names.group
                    ));
                }
            }
            Some(_) => {}
        }
        self.daily_user();
    }

    fn daily_user(&mut self) {
        let names = &self.choices.names;
        let Some(from) = self.from() else {
            self.refuse(format!(
                "from which address mikro2fa comes is not clear: `{}` is logged in from more than one address, or from none that \
                 the router shows; say it",
                self.choices.set_up_user
            ));
            return;
        };
        let password = Value::Secret(self.choices.login.password.clone());
        let Some(user) = self.survey.named(Section::Users, &names.user) else {
            let properties = vec![
                ("name", Value::from(&*names.user)),
                ("group", (&*names.group).into()),
                ("address", from.into()),
                ("password", password),
                ("comment", (&*names.comment).into()),
            ];
            self.step(Step::add(
                Menu::User,
                "the daily login, from this address only",
                Key::named(&names.user),
                properties,
            ));
            return;
        };
        if !names.owns(user.text("comment")) {
            self.refuse(format!(
                "there is a user `{}` already, not made by prepare: choose another name for ours",
                names.user
            ));
            return;
        }
        let mut before = Vec::new();
        let mut after = Vec::new();
        if user.text("group") != names.group {
            before.push(("group", user.text("group").into()));
            after.push(("group", Value::from(&*names.group)));
        }
        // No restriction at all lets us in, too, and was not made by us.
        let allowed: Vec<&str> = user.list("address").collect();
        let host = from.trim_end_matches("/32");
        if !allowed.iter().any(|it| it.trim_end_matches("/32") == host) && !allowed.is_empty() {
            let more = allowed.iter().copied().chain([&*from]);
            before.push(("address", user.text("address").into()));
            after.push(("address", more.collect::<Vec<_>>().join(",").into()));
        }
        if user.is("disabled") {
            before.push(("disabled", "true".into()));
            after.push(("disabled", "no".into()));
        }
        if !self.choices.login.works {
            after.push(("password", password));
        }
        let key = Key::named(&names.user);
        self.step(Step::set(Menu::User, "the daily login", key, before, after));
    }

    /// From where mikro2fa comes, as the router sees it.
    fn from(&self) -> Option<Text> {
        if let Some(from) = &self.choices.login.from {
            return Some(from.clone());
        }
        let ours = self.own_sessions().filter_map(|row| row.get("address"));
        let mut addresses: BTreeSet<&str> = ours.collect();
        let only = addresses.pop_first()?;
        addresses
            .is_empty()
            .then(|| format!("{only}/{}", if only.contains(':') { 128 } else { 32 }).into())
    }

    /// Sessions of the set-up login over the way that mikro2fa comes by.
    pub(super) fn own_sessions(&self) -> impl Iterator<Item = &Record> {
        let via = match self.choices.login.transport {
            TransportKind::Ssh | TransportKind::SshLegacy => "ssh",
            _ => "api",
        };
        let sessions = self.survey.rows(Section::Sessions).iter();
        sessions.filter(move |row| {
            row.text("name") == &*self.choices.set_up_user && row.text("via").starts_with(via)
        })
    }

    /// Last of all: who may come to the service, since that could cut this very session.
    pub(super) fn service(&mut self) {
        if !self.choices.restrict_service {
            return;
        }
        let name = match self.choices.login.transport {
            TransportKind::ApiTls => "api-ssl",
            TransportKind::Ssh | TransportKind::SshLegacy => "ssh",
            _ => "api",
        };
        let rows = self.survey.rows(Section::Services).iter();
        let row = rows
            .filter(|row| !row.is("dynamic"))
            .find(|row| row.text("name") == name);
        let (Some(row), Some(from)) = (row, self.from()) else {
            return;
        };
        let host = from.trim_end_matches("/32");
        let allowed: Vec<&str> = row.list("address").collect();
        if allowed.iter().any(|it| it.trim_end_matches("/32") == host) {
            return;
        }
        let others: BTreeSet<&str> = self
            .survey
            .rows(Section::Sessions)
            .iter()
            .filter(|it| it.text("via").starts_with(name.trim_end_matches("-ssl")))
            .filter_map(|it| it.get("address"))
            .filter(|it| *it != host)
            .collect();
        if !others.is_empty() {
            let others: Vec<&str> = others.into_iter().collect();
            self.plan.warnings.push(format!(
                "who is logged in to `{name}` from {} cannot log in again once it is restricted",
                others.join(", ")
            ));
        }
        let more: Vec<&str> = allowed.into_iter().chain([&*from]).collect();
        self.step(Step::set(
            Menu::Service,
            "only from here",
            Key::named(name),
            vec![("address", row.text("address").into())],
            vec![("address", more.join(",").into())],
        ));
    }
}

const fn policy(transport: TransportKind) -> &'static str {
    match transport {
        TransportKind::Ssh | TransportKind::SshLegacy => "ssh,read,write",
        _ => "api,read,write",
    }
}

/// RouterOS prints every policy, refused ones with `!`.
fn granted(group: &Record) -> BTreeSet<&str> {
    let words = group.list("policy");
    words.filter(|word| !word.starts_with('!')).collect()
}
