//! Takes back what prepare did.
//!
//! The jumps go first: from then on the router does what its administrator's own rules say. What was changed gets what it
//! had, by the journal, and only if it still has what prepare gave it; what prepare made is known by its comment, and goes.
//! Whatever somebody changed meanwhile is left, and told. It also works after half of a prepare, after half of a restore, and
//! without a journal, as far as names tell what a copy was made of.

use std::collections::BTreeMap;

use mikro2fa_core::{id::InstallationId, router_backend::PermitTag};

use crate::{
    gate::{Family, GateNames, Way},
    prepare::{
        journal::{Deed, Entry},
        plan::{Plan, key_of},
        step::{Act, Key, Menu, Step, Value, same},
    },
    survey::{ProfileUser, Record, Section, Survey},
    tag::Tagger,
};

/// What is to be done, and what is not.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Restoration {
    /// The steps, to be carried out as those of a prepare.
    pub plan: Plan,
    /// What stays, and why: somebody changed it, or made it.
    pub left: Vec<String>,
}

/// What takes back everything that prepare did. Pure; on a router that has nothing of it, the plan is empty.
#[must_use]
pub fn restore(
    survey: &Survey,
    names: &GateNames,
    entries: &[Entry],
    installation: InstallationId,
) -> Restoration {
    let mut draft = Draft {
        survey,
        names,
        out: Restoration::default(),
        becomes: BTreeMap::new(),
    };
    let refused = survey.refused().map(|(section, words)| {
        format!(
            "{} cannot be read ({words}): log in with a user of the group `full`",
            section.path().menu()
        )
    });
    draft.out.plan.refusals.extend(refused);
    draft.jumps();
    draft.rules();
    for entry in entries.iter().rev() {
        draft.undo(&entry.deed);
    }
    for entry in entries.iter().rev() {
        draft.certificate(&entry.deed);
    }
    draft.profile_uses();
    draft.entries(&Tagger::new(installation));
    for menu in [
        Menu::Scheduler,
        Menu::Profile,
        Menu::Member,
        Menu::InterfaceList,
        Menu::User,
        Menu::Group,
    ] {
        draft.made(menu);
    }
    draft.out
}

struct Draft<'a> {
    survey: &'a Survey,
    names: &'a GateNames,
    out: Restoration,
    /// What properties will have by the steps so far.
    becomes: BTreeMap<(Menu, String, String), String>,
}

impl Draft<'_> {
    fn step(&mut self, step: Step) {
        if !self.out.plan.steps.contains(&step) {
            self.out.plan.steps.push(step);
        }
    }

    fn leave(&mut self, what: String) {
        if !self.out.left.contains(&what) {
            self.out.left.push(what);
        }
    }

    fn fixed(&self, section: Section) -> impl Iterator<Item = &Record> {
        let rows = self.survey.rows(section).iter();
        rows.filter(|row| !row.is("dynamic"))
    }

    /// First: the gate opens at once, and whatever happens after that, nobody is locked out.
    fn jumps(&mut self) {
        for family in Family::ALL {
            let menu = Menu::filter(family);
            let mut steps = Vec::new();
            let mut foreign = Vec::new();
            for way in Way::ALL {
                let jumps = self.fixed(menu.section()).filter(|row| {
                    let target = row.text("jump-target");
                    row.text("action") == "jump" && self.names.which_chain(way, target).is_some()
                });
                for jump in jumps {
                    if self.names.owns(jump.text("comment")) {
                        if !jump.is("disabled") {
                            steps.push(Step::set(
                                menu,
                                "the gate opens",
                                key_of(jump),
                                vec![("disabled", "false".into())],
                                vec![("disabled", "yes".into())],
                            ));
                        }
                    } else {
                        foreign.push(format!(
                            "a jump to {} in chain {}, not made by prepare: it leads nowhere now",
                            jump.text("jump-target"),
                            jump.text("chain")
                        ));
                    }
                }
            }
            steps.into_iter().for_each(|step| self.step(step));
            foreign.into_iter().for_each(|what| self.leave(what));
        }
    }

    /// Then all rules of ours; jumps before the chains that they lead to.
    fn rules(&mut self) {
        for menu in [Menu::Filter, Menu::Filter6, Menu::Mangle, Menu::Mangle6] {
            let chains: Vec<String> = Way::ALL
                .into_iter()
                .flat_map(|way| {
                    [crate::gate::Which::First, crate::gate::Which::Second]
                        .map(|which| self.names.chain(way, which))
                })
                .collect();
            let mut ours: Vec<(bool, Key)> = Vec::new();
            let mut foreign = Vec::new();
            for row in self.fixed(menu.section()) {
                let of_gate = chains.iter().any(|chain| chain == row.text("chain"));
                if self.names.owns(row.text("comment")) {
                    ours.push((row.text("action") != "jump", key_of(row)));
                } else if of_gate {
                    foreign.push(format!(
                        "rule `{}` in chain {}, not made by prepare",
                        row.text("comment"),
                        row.text("chain")
                    ));
                }
            }
            ours.sort_by_key(|(later, _)| *later);
            for (_, key) in ours {
                self.step(Step::remove(menu, "a rule of the gate", key));
            }
            foreign.into_iter().for_each(|what| self.leave(what));
        }
    }

    /// What rows have by now, with the steps so far.
    fn now(&self, menu: Menu, row: &Record, key: &Key, name: &str) -> String {
        let place = (menu, key.to_string(), name.to_owned());
        let becomes = self.becomes.get(&place).cloned();
        becomes.unwrap_or_else(|| row.text(name).to_owned())
    }

    fn undo(&mut self, deed: &Deed) {
        let Some(menu) = deed.menu() else {
            self.leave(format!(
                "something that another version of this program did: {deed:?}"
            ));
            return;
        };
        let Deed::Changed {
            keys,
            before,
            after,
            ..
        } = deed
        else {
            return; // made: known by its comment
        };
        if matches!(
            menu,
            Menu::Filter | Menu::Filter6 | Menu::Mangle | Menu::Mangle6
        ) {
            return; // only jumps are ever changed, and those go
        }
        for (name, was) in before {
            let Some(name) = known(name) else {
                self.leave(format!("{name} of {}", menu.path()));
                continue;
            };
            let gave = after.iter().find(|(it, _)| it == name);
            let gave = gave.map_or("", |(_, value)| value.as_str());
            let mut back = Vec::new();
            for key in keys {
                let Some(row) = self
                    .survey
                    .rows(menu.section())
                    .iter()
                    .find(|row| key.meets(row))
                else {
                    continue; // it has gone
                };
                if self.is_made(menu, row) {
                    continue; // it goes
                }
                let has = self.now(menu, row, key, name);
                if same(&has, was) {
                    continue;
                }
                if same(&has, gave) {
                    back.push(key.clone());
                } else {
                    self.leave(format!(
                        "{} {key}: {name} is `{has}`, neither what it was (`{was}`) nor what prepare gave it",
                        menu.path()
                    ));
                }
            }
            for key in &back {
                let place = (menu, key.to_string(), name.to_owned());
                self.becomes.insert(place, was.clone());
            }
            if !back.is_empty() {
                self.step(Step {
                    why: "what it was before".into(),
                    menu,
                    act: Act::Set {
                        keys: back,
                        before: vec![(name, gave.into())],
                        after: vec![(name, Value::from(was.as_str()))],
                    },
                });
            }
        }
    }

    /// One that prepare made goes, once nothing shows it any more.
    fn certificate(&mut self, deed: &Deed) {
        let Deed::Added { menu, key } = deed else {
            return;
        };
        if Menu::of(menu) != Some(Menu::Certificate) {
            return;
        }
        let rows = self.survey.rows(Section::Certificates);
        if rows.iter().any(|row| key.meets(row)) {
            let why = "the certificate that prepare made";
            self.step(Step::remove(Menu::Certificate, why, key.clone()));
        }
    }

    /// Whatever still points to a profile that goes gets the one that this was a copy of: the journal may be lost.
    fn profile_uses(&mut self) {
        let mut steps = Vec::new();
        let mut lost = Vec::new();
        for used in self.survey.profile_uses() {
            let Some(menu) = Menu::server(used.section) else {
                continue;
            };
            let property = match used.user {
                ProfileUser::Secret => "profile",
                ProfileUser::Server | ProfileUser::PppoeServer => "default-profile",
                ProfileUser::Client => continue,
            };
            let key = match (used.row.get("name"), used.row.get("interface")) {
                (Some(name), _) => Key::named(name),
                (None, Some(interface)) => Key::of([
                    ("interface", interface),
                    ("service-name", used.row.text("service-name")),
                ]),
                (None, None) => Key::default(),
            };
            let has = self.now(menu, used.row, &key, property);
            let made = self.survey.named(Section::Profiles, &has);
            if !made.is_some_and(|row| self.is_made(Menu::Profile, row)) {
                continue;
            }
            let source = self.names.original_of(&has);
            match source.filter(|it| self.survey.named(Section::Profiles, it).is_some()) {
                Some(source) => steps.push(Step::set(
                    menu,
                    "the profile that ours was a copy of",
                    key,
                    vec![(property, (&*has).into())],
                    vec![(property, source.into())],
                )),
                None => lost.push(format!(
                    "{} {key}: its profile `{has}` goes, and what it was before is not known",
                    menu.path()
                )),
            }
        }
        steps.into_iter().for_each(|step| self.step(step));
        self.out.plan.refusals.extend(lost);
    }

    /// Did prepare make this row? By its comment; profiles of version 6 have none, and are known by name and what they do.
    fn is_made(&self, menu: Menu, row: &Record) -> bool {
        let comment = row.text("comment");
        if self.names.owns(comment) {
            return true;
        }
        menu == Menu::Profile
            && comment.is_empty()
            && self.survey.version.major < 7
            && self.names.original_of(row.text("name")).is_some()
            && (row.text("interface-list") == self.names.exempt
                || row
                    .text("on-up")
                    .replace("\r\n", "\n")
                    .starts_with(self.names.hand_over_script().trim_end()))
    }

    /// What prepare put on the reach list, and what this installation has on the others.
    fn entries(&mut self, tagger: &Tagger) {
        for menu in [Menu::AddressList, Menu::AddressList6] {
            let mut steps = Vec::new();
            for row in self.survey.rows(menu.section()) {
                let comment = row.text("comment");
                let ours = self.names.owns(comment)
                    || matches!(tagger.parse(&comment.into()), PermitTag::Ours { .. });
                if ours {
                    let key = Key::of([
                        ("list", row.text("list")),
                        ("address", row.text("address")),
                        ("comment", comment),
                    ]);
                    steps.push(Step::remove(menu, "an entry of the gate", key));
                }
            }
            steps.into_iter().for_each(|step| self.step(step));
        }
    }

    /// Rows that prepare made, by their comment.
    fn made(&mut self, menu: Menu) {
        let mut steps = Vec::new();
        let mut kept = Vec::new();
        for row in self
            .fixed(menu.section())
            .filter(|row| self.is_made(menu, row))
        {
            let name = row.text("name");
            let key = match menu {
                Menu::Member => Key::of([
                    ("list", row.text("list")),
                    ("interface", row.text("interface")),
                ]),
                _ => Key::named(name),
            };
            let rules = || self.uses_list(name);
            match menu {
                Menu::InterfaceList if rules().is_some() => kept.push(format!(
                    "interface list `{name}`: {} uses it",
                    rules().unwrap_or_default()
                )),
                _ => steps.push(Step::remove(menu, "made by prepare", key)),
            }
        }
        steps.into_iter().for_each(|step| self.step(step));
        kept.into_iter().for_each(|what| self.leave(what));
    }

    /// A rule of the administrator's that asks for this interface list.
    fn uses_list(&self, list: &str) -> Option<String> {
        let sections = [
            Section::Filter,
            Section::Filter6,
            Section::Mangle,
            Section::Mangle6,
        ];
        let mut rows = sections.into_iter().flat_map(|section| self.fixed(section));
        let asks = |row: &&Record| {
            ["in-interface-list", "out-interface-list"]
                .iter()
                .any(|name| row.text(name).trim_start_matches('!') == list)
        };
        let found = rows.find(|row| asks(row) && !self.names.owns(row.text("comment")))?;
        Some(format!("rule `{}`", found.text("comment")))
    }
}

/// The properties that prepare ever changes.
fn known(name: &str) -> Option<&'static str> {
    const ALL: [&str; 16] = [
        "certificate",
        "on-event",
        "interval",
        "start-time",
        "profile",
        "default-profile",
        "remote-address",
        "include",
        "exclude",
        "address",
        "rp-filter",
        "disabled",
        "group",
        "policy",
        "on-up",
        "interface-list",
    ];
    ALL.into_iter().find(|it| *it == name)
}
