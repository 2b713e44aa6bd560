//! Interface lists and what quarantine reaches.

use super::Draft;
use crate::{
    gate::{Coverage, TELEGRAM},
    prepare::step::{Key, Menu, Step, Value},
    survey::Section,
};

impl Draft<'_> {
    pub(super) fn lists(&mut self) {
        let names = &self.choices.names;
        for list in names.interface_lists(self.choices.coverage) {
            let why = if list.name == names.exempt {
                "tunnels that are never held"
            } else {
                "tunnels that are held until their owner has confirmed"
            };
            let Some(row) = self.survey.named(Section::InterfaceLists, &list.name) else {
                let mut properties = vec![("name", Value::from(&*list.name))];
                if !list.include.is_empty() {
                    properties.push(("include", list.include.into()));
                }
                if !list.exclude.is_empty() {
                    properties.push(("exclude", (&*list.exclude).into()));
                }
                properties.push(("comment", (&*names.comment).into()));
                let key = Key::named(&list.name);
                self.step(Step::add(Menu::InterfaceList, why, key, properties));
                continue;
            };
            // A list that was made by hand is taken over. Its members stay; what it includes has to be so.
            let mut before = Vec::new();
            let mut after = Vec::new();
            for (name, wanted) in [("include", list.include), ("exclude", &*list.exclude)] {
                let has = row.list(name).any(|it| it == wanted);
                if !wanted.is_empty() && !has {
                    let more = row.list(name).chain([wanted]);
                    before.push((name, row.text(name).into()));
                    after.push((name, more.collect::<Vec<_>>().join(",").into()));
                }
            }
            let key = Key::named(&list.name);
            self.step(Step::set(Menu::InterfaceList, why, key, before, after));
        }
        self.reach();
    }

    fn reach(&mut self) {
        let names = &self.choices.names;
        let entries = self.survey.rows(Section::AddressLists);
        for network in TELEGRAM {
            let there = entries.iter().any(|row| {
                row.text("list") == names.reach
                    && row.text("address") == network
                    && !row.is("disabled")
            });
            if !there {
                self.step(Step::add(
                    Menu::AddressList,
                    "Telegram: quarantine reaches it, so that a phone behind the tunnel can answer",
                    Key::of([("list", &*names.reach), ("address", network)]),
                    vec![
                        ("list", (&*names.reach).into()),
                        ("address", network.into()),
                        ("comment", (&*names.comment).into()),
                    ],
                ));
            }
        }
    }

    /// Static bindings of servers are not among the router's dynamic interfaces.
    pub(super) fn bindings(&mut self) {
        if self.choices.coverage == Coverage::Chosen {
            return;
        }
        let names = &self.choices.names;
        let mut steps = Vec::new();
        for section in Section::BINDINGS {
            let fixed = self.survey.rows(section).iter();
            for binding in fixed.filter(|row| !row.is("dynamic")) {
                let interface = binding.text("name");
                let listed = self
                    .survey
                    .rows(Section::InterfaceListMembers)
                    .iter()
                    .any(|row| {
                        row.text("list") == names.covered
                            && row.text("interface") == interface
                            && !row.is("disabled")
                    });
                let key = Key::of([("list", &*names.covered), ("interface", interface)]);
                let exempt = self.exempt.contains(binding.text("user"));
                if exempt && listed {
                    steps.push(Step::remove(Menu::Member, "its account is exempt", key));
                } else if !exempt && !listed {
                    let properties = vec![
                        ("list", Value::from(&*names.covered)),
                        ("interface", interface.into()),
                        ("comment", (&*names.comment).into()),
                    ];
                    let why = "a static binding: not among the dynamic interfaces";
                    steps.push(Step::add(Menu::Member, why, key, properties));
                }
            }
        }
        steps.into_iter().for_each(|step| self.step(step));
    }

    /// Packets whose source cannot be where they come from.
    pub(super) fn sources(&mut self) {
        let settings = self.survey.only(Section::IpSettings);
        let Some(now) = settings.and_then(|row| row.get("rp-filter")) else {
            return;
        };
        if self.choices.strict_sources && now != "strict" {
            self.step(Step::set(
                Menu::IpSettings,
                "nobody in quarantine sends under another one's address",
                Key::default(),
                vec![("rp-filter", now.into())],
                vec![("rp-filter", "strict".into())],
            ));
        } else if now != "strict" {
            self.plan.warnings.push(format!(
                "rp-filter is `{now}`: a held tunnel can send one-way packets under a confirmed one's address. `strict` closes \
                 that; it does not go together with more than one way to the internet"
            ));
        }
    }
}
