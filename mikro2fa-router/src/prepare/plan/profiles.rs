//! Profiles: own copies, never a change of one that prepare did not make. Connections that the router dials itself use
//! `default-encryption` too, and the way to the internet must not end up in quarantine.

use std::collections::{BTreeMap, BTreeSet};

use mikro2fa_core::tunnel::Text;

use super::Draft;
use crate::{
    gate::{Coverage, GateNames},
    prepare::{
        choices::{Choices, Subscribers},
        hook,
        step::{Act, Key, Menu, Step, Value, same},
    },
    survey::{ProfileUser, Record, Section},
};

/// The two kinds of profiles that prepare makes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Kind {
    Covered,
    Exempt,
}

/// Ids or names that go into one command.
const AT_ONCE: usize = 100;

/// The built-in profile that servers have unless told otherwise: its copy has the plain name.
const USUAL: &str = "default-encryption";

impl Kind {
    fn base(self, names: &GateNames) -> &str {
        match self {
            Self::Covered => &names.profile,
            Self::Exempt => &names.exempt_profile,
        }
    }

    /// What the copy of a profile is called.
    fn copy_of(self, source: &str, names: &GateNames) -> String {
        let base = self.base(names);
        if source == USUAL {
            base.to_owned()
        } else {
            format!("{base}-{source}")
        }
    }

    /// Of which profile this is a copy.
    fn source_of<'a>(self, copy: &'a str, names: &GateNames) -> Option<&'a str> {
        let rest = copy.strip_prefix(self.base(names))?;
        if rest.is_empty() {
            return Some(USUAL);
        }
        rest.strip_prefix('-').filter(|rest| !rest.is_empty())
    }
}

impl Draft<'_> {
    /// Did prepare make this profile, of which kind, and as a copy of which? Version 6 keeps no comment with profiles.
    pub(super) fn own_profile<'p>(&self, profile: &'p str) -> Option<(Kind, &'p str)> {
        let names = &self.choices.names;
        let row = self.survey.named(Section::Profiles, profile)?;
        let comment = row.text("comment");
        if !(names.owns(comment) || comment.is_empty() && self.survey.version.major < 7) {
            return None;
        }
        [Kind::Covered, Kind::Exempt]
            .into_iter()
            .find_map(|kind| Some((kind, kind.source_of(profile, names)?)))
    }

    /// Chosen to be exempt, or exempt already and not to be covered again.
    pub(super) fn exempt_accounts(&self) -> BTreeSet<Text> {
        let mut exempt = self.choices.exempt.clone();
        for secret in self.survey.rows(Section::Secrets) {
            let kind = self.own_profile(secret.text("profile"));
            if kind.is_some_and(|(kind, _)| kind == Kind::Exempt) {
                exempt.insert(secret.text("name").into());
            }
        }
        for account in &self.choices.cover_again {
            exempt.remove(account);
        }
        exempt
    }

    /// The choices by which the router was prepared, as far as it shows which tunnels are held.
    pub(super) fn covered_as_it_stands(&self) -> Choices {
        let names = &self.choices.names;
        let list = self.survey.named(Section::InterfaceLists, &names.covered);
        let all = list.is_none_or(|list| list.list("include").any(|it| it == "dynamic"));
        let secrets = self.survey.rows(Section::Secrets).iter();
        let covered = secrets.filter(|secret| {
            let own = self.own_profile(secret.text("profile"));
            own.is_some_and(|(kind, _)| kind == Kind::Covered)
        });
        Choices {
            coverage: if all {
                Coverage::AllTunnels
            } else {
                Coverage::Chosen
            },
            chosen: covered.map(|secret| secret.text("name").into()).collect(),
            ..self.choices.clone()
        }
    }

    /// What an account's profile has to be; none = it is left as it is.
    fn wanted_kind(&self, secret: &Record) -> Option<Kind> {
        let name = secret.text("name");
        if self.exempt.contains(name) {
            return Some(Kind::Exempt);
        }
        match self.choices.coverage {
            Coverage::Chosen => self.choices.chosen.contains(name).then_some(Kind::Covered),
            Coverage::AllTunnels if secret.text("service") == "pppoe" => self.subscribers(),
            Coverage::AllTunnels => Some(Kind::Covered),
        }
    }

    fn subscribers(&self) -> Option<Kind> {
        match self.choices.subscribers {
            Subscribers::Ask => None,
            Subscribers::Cover => Some(Kind::Covered),
            Subscribers::Exempt => Some(Kind::Exempt),
        }
    }

    /// The profile that something which has this one gets; none if it has it already.
    fn instead(&self, profile: &str, kind: Kind) -> Option<(Text, Text)> {
        let source = match self.own_profile(profile) {
            Some((own, _)) if own == kind => return None,
            Some((_, source)) => source,
            None => profile,
        };
        self.survey.named(Section::Profiles, source)?;
        let copy = kind.copy_of(source, &self.choices.names);
        Some((source.into(), copy.into()))
    }

    /// Every server and account whose profile has to be another one: what it has, and the copy that it gets.
    fn repointed(&self) -> Vec<Repointed<'_>> {
        let mut all = Vec::new();
        for used in self.survey.profile_uses() {
            let kind = match used.user {
                ProfileUser::Secret => self.wanted_kind(used.row),
                ProfileUser::Server if self.choices.coverage == Coverage::AllTunnels => {
                    Some(Kind::Covered)
                }
                ProfileUser::PppoeServer if self.choices.coverage == Coverage::AllTunnels => {
                    self.subscribers()
                }
                _ => None,
            };
            if let Some(kind) = kind
                && let Some((source, copy)) = self.instead(used.profile, kind)
            {
                all.push(Repointed {
                    user: used.user,
                    section: used.section,
                    row: used.row,
                    has: used.profile,
                    kind,
                    source,
                    copy,
                });
            }
        }
        all
    }

    /// Makes the copies that are missing, and mends those that are there. Nobody has a new one yet.
    pub(super) fn profile_copies(&mut self) {
        let mut wanted: BTreeMap<(Kind, Text), Text> = BTreeMap::new();
        for it in self.repointed() {
            wanted.insert((it.kind, it.copy), it.source);
        }
        if self.choices.exempt_users && self.survey.named(Section::Profiles, USUAL).is_some() {
            let copy = Kind::Exempt.copy_of(USUAL, &self.choices.names);
            wanted.insert((Kind::Exempt, copy.into()), USUAL.into());
        }
        for row in self.survey.rows(Section::Profiles) {
            let name = row.text("name");
            if let Some((kind, source)) = self.own_profile(name) {
                wanted.insert((kind, name.into()), source.into());
            }
        }
        for ((kind, copy), source) in wanted {
            self.profile_copy(kind, &copy, &source);
        }
    }

    fn profile_copy(&mut self, kind: Kind, copy: &str, source: &str) {
        let names = &self.choices.names;
        let original = self.survey.named(Section::Profiles, source);
        let list = match (kind, self.choices.coverage) {
            (Kind::Exempt, _) => Some(&names.exempt),
            (Kind::Covered, Coverage::Chosen) => Some(&names.covered),
            (Kind::Covered, Coverage::AllTunnels) => None,
        };
        if let (Some(list), Some(other)) = (list, original.and_then(|it| it.get("interface-list")))
        {
            self.have_include(other, list);
        }
        let scripts = ["on-up", "on-down"].map(|event| {
            let theirs = original.map_or("", |it| it.text(event));
            (event, self.script(kind, event, theirs))
        });
        let why = match kind {
            Kind::Covered => {
                "a copy for covered accounts: an address is closed when it changes hands"
            }
            Kind::Exempt => "a copy for exempt accounts: their tunnels are never held",
        };
        let Some(row) = self.survey.named(Section::Profiles, copy) else {
            let mut properties = vec![("name", Value::from(copy))];
            if let Some(list) = list {
                properties.push(("interface-list", (&**list).into()));
            }
            if kind == Kind::Covered {
                properties.extend(scripts.map(|(event, script)| (event, script.into())));
            }
            if self.survey.version.major >= 7 {
                properties.push((
                    "comment",
                    names.comment_for(&format!("copy of {source}")).into(),
                ));
            }
            let mut step = Step::add(Menu::Profile, why, Key::named(copy), properties);
            if let Act::Add { copy_from, .. } = &mut step.act {
                *copy_from = Some(source.into());
            }
            self.step(step);
            return;
        };
        if self.own_profile(copy).is_none() {
            let why = format!(
                "there is a profile `{copy}` already, not made by prepare: choose another name for ours"
            );
            self.refuse(why);
            return;
        }
        let mut before = Vec::new();
        let mut after = Vec::new();
        if let Some(list) = list.filter(|list| row.text("interface-list") != list.as_str()) {
            before.push(("interface-list", row.text("interface-list").into()));
            after.push(("interface-list", Value::from(&**list)));
        }
        for (event, script) in scripts {
            let has = row.text(event);
            let fine = kind == Kind::Exempt
                || if self.choices.webhook.is_some() {
                    same(has, &script)
                } else {
                    has.replace("\r\n", "\n")
                        .starts_with(names.hand_over_script().trim_end())
                };
            if !fine {
                before.push((event, has.into()));
                after.push((event, script.into()));
            }
        }
        self.step(Step::set(
            Menu::Profile,
            why,
            Key::named(copy),
            before,
            after,
        ));
    }

    /// What a copy does when a tunnel comes or goes: first the address is closed, then mikro2fa is told, then what the
    /// original did.
    fn script(&self, kind: Kind, event: &'static str, theirs: &str) -> String {
        if kind == Kind::Exempt {
            return theirs.to_owned();
        }
        let mut script = self.choices.names.hand_over_script();
        if let Some(webhook) = &self.choices.webhook {
            script.push_str(&hook::script(webhook, event));
        }
        script.push_str(theirs);
        script
    }

    /// A profile puts its tunnels on one list only. Where the original has one already, that list gets ours as a part of it.
    fn have_include(&mut self, list: &str, part: &str) {
        let Some(row) = self.survey.named(Section::InterfaceLists, list) else {
            return;
        };
        let ours = [&self.choices.names.covered, &self.choices.names.exempt];
        if row.list("include").any(|it| it == part) || ours.iter().any(|it| it.as_str() == list) {
            return;
        }
        let more = row.list("include").chain([part]);
        let more = more.collect::<Vec<_>>().join(",");
        let step = Step::set(
            Menu::InterfaceList,
            "tunnels that were on this list stay on it",
            Key::named(list),
            vec![("include", row.text("include").into())],
            vec![("include", more.into())],
        );
        if !self.plan.steps.contains(&step) {
            self.step(step);
        }
    }

    /// Servers and accounts get the copies: this is in force for tunnels that come up from now on.
    pub(super) fn hand_over_to_profiles(&mut self) {
        let mut steps = Vec::new();
        let mut accounts: BTreeMap<(Text, Text), Vec<Key>> = BTreeMap::new();
        for it in self.repointed() {
            let has: Text = it.has.into();
            if it.user == ProfileUser::Secret {
                let accounts = accounts.entry((has, it.copy)).or_default();
                accounts.push(Key::named(it.row.text("name")));
                continue;
            }
            let Some(menu) = Menu::server(it.section) else {
                continue;
            };
            let key = match (it.row.get("name"), it.row.get("interface")) {
                (Some(name), _) => Key::named(name),
                (None, Some(interface)) => Key::of([
                    ("interface", interface),
                    ("service-name", it.row.text("service-name")),
                ]),
                (None, None) => Key::default(),
            };
            steps.push(Step::set(
                menu,
                "the server gives new tunnels our copy",
                key,
                vec![("default-profile", has)],
                vec![("default-profile", Value::Plain(it.copy))],
            ));
        }
        for ((has, copy), keys) in accounts {
            for keys in keys.chunks(AT_ONCE) {
                steps.push(Step {
                    why: "accounts get our copy of their profile".into(),
                    menu: Menu::Secret,
                    act: Act::Set {
                        keys: keys.to_vec(),
                        before: vec![("profile", has.clone())],
                        after: vec![("profile", Value::Plain(copy.clone()))],
                    },
                });
            }
        }
        steps.into_iter().for_each(|step| self.step(step));
        self.fixed_addresses();
    }

    /// The sturdiest way: an address that never changes hands.
    fn fixed_addresses(&mut self) {
        let Some((first, last)) = self.choices.fixed_addresses else {
            return;
        };
        let secrets = self.survey.rows(Section::Secrets);
        let taken: BTreeSet<&str> = secrets
            .iter()
            .filter_map(|it| it.get("remote-address"))
            .collect();
        let mut free = (u32::from(first)..=u32::from(last))
            .map(|number| std::net::Ipv4Addr::from(number).to_string())
            .filter(|address| !taken.contains(&**address));
        let mut steps = Vec::new();
        let mut without = 0_u32;
        for secret in secrets {
            let covered = self.wanted_kind(secret) == Some(Kind::Covered);
            let named = secret.get("remote-address");
            // A pool's name is no address.
            let fixed = named.is_some_and(|it| it.parse::<std::net::IpAddr>().is_ok());
            if !covered || fixed {
                continue;
            }
            let Some(address) = free.next() else {
                without += 1;
                continue;
            };
            steps.push(Step::set(
                Menu::Secret,
                "a fixed address: it never changes hands",
                Key::named(secret.text("name")),
                vec![("remote-address", secret.text("remote-address").into())],
                vec![("remote-address", address.into())],
            ));
        }
        if without > 0 {
            self.refuse(format!(
                "the range {first} to {last} is too small: {without} accounts would go without a fixed address"
            ));
        }
        steps.into_iter().for_each(|step| self.step(step));
    }
}

struct Repointed<'a> {
    user: ProfileUser,
    section: Section,
    row: &'a Record,
    has: &'a str,
    kind: Kind,
    source: Text,
    copy: Text,
}
