//! The gate's chains, its jumps, and the rules before each fasttrack rule.

use super::Draft;
use crate::{
    gate::{Family, GateRule, SWITCH, Way, Which},
    prepare::step::{Act, Key, Menu, Place, Step, Value},
    survey::{Record, Section},
};

/// What is known of one of the four jumps, while the plan is made.
pub(super) struct Chain {
    family: Family,
    way: Way,
    /// The chain that is whole, or will be by the time that the jump is turned.
    built: Which,
    /// Rows of the other one, which go once nothing leads there.
    left: Vec<Key>,
}

impl Draft<'_> {
    /// Has both chains of a family whole before anything leads to them, and a jump to each, disabled if it is new.
    pub(super) fn build_chains(&mut self, family: Family) -> Vec<Chain> {
        Way::ALL
            .into_iter()
            .map(|way| self.build_chain(family, way))
            .collect()
    }

    fn build_chain(&mut self, family: Family, way: Way) -> Chain {
        let names = &self.choices.names;
        let rows = self.survey.filter(family);
        let jumps = jumps(rows, way, names);
        // A disabled jump is the one to be turned, too; an enabled one comes first.
        let jump = jumps
            .iter()
            .find(|row| !row.is("disabled"))
            .or_else(|| jumps.first());
        let target = jump.and_then(|row| names.which_chain(way, row.text("jump-target")));
        let in_force = target.filter(|_| jump.is_some_and(|row| !row.is("disabled")));
        let of = |which| -> Vec<&Record> {
            let chain = names.chain(way, which);
            let all = rows.iter().filter(|row| !row.is("dynamic"));
            all.filter(|row| row.text("chain") == chain).collect()
        };
        let now = target.unwrap_or_default();
        let whole = |which| {
            let wanted = names.chain_rules(way, which);
            agrees(&of(which), &wanted) && of(which).len() == wanted.len()
        };
        // In use and wrong: the other one is built. Not in use: what an interrupted run left is gone on with.
        let goes_on = in_force.is_none() && agrees(&of(now), &names.chain_rules(way, now));
        let built = if whole(now) || goes_on {
            now
        } else {
            now.other()
        };
        let menu = Menu::filter(family);
        let wanted = names.chain_rules(way, built);
        let mut has = of(built);
        if !agrees(&has, &wanted) {
            for row in std::mem::take(&mut has) {
                if names.owns(row.text("comment")) {
                    self.step(Step::remove(
                        menu,
                        "a rest that nothing leads to",
                        key_of(row),
                    ));
                } else {
                    self.refuse(format!(
                        "rule `{}` in chain {} was not made by prepare: move it to another chain",
                        row.text("comment"),
                        row.text("chain")
                    ));
                }
            }
        }
        for rule in wanted.iter().skip(has.len()) {
            self.step(add(menu, rule, names, None, false));
        }
        if jump.is_none() {
            let rule = names.jump(way, built);
            let place = has_chain(rows, way).then_some(Place::FirstOf(way.chain()));
            self.step(add(menu, &rule, names, place, true));
        }
        let rest = of(built.other());
        let rest = rest
            .into_iter()
            .filter(|row| names.owns(row.text("comment")));
        Chain {
            family,
            way,
            built,
            left: rest.map(key_of).collect(),
        }
    }

    /// Turns a jump to the chain that is whole, puts it on top, and enables it.
    pub(super) fn switch(&mut self, chain: &Chain, may_switch_on: bool) {
        let Chain {
            family,
            way,
            built,
            left,
        } = chain;
        let names = &self.choices.names;
        let menu = Menu::filter(*family);
        let rows = self.survey.filter(*family);
        let jumps = jumps(rows, *way, names);
        let in_force = jumps.iter().find(|row| !row.is("disabled"));
        let jump = in_force.or_else(|| jumps.first()).copied();
        let wanted = names.jump(*way, *built);
        let comment = wanted.comment(names);
        let target = names.chain(*way, *built);
        let mut key = jump.map_or_else(
            || {
                Key::of([
                    ("chain", way.chain()),
                    ("action", "jump"),
                    ("jump-target", &*target),
                    ("comment", &*comment),
                ])
            },
            key_of,
        );
        // Whatever else the jump asks for would let packets past it.
        let pure = jump.is_none_or(|row| {
            let shown = row.properties();
            let shown = shown.map(|(name, value)| match name {
                "jump-target" => (name, &*target),
                _ => (name, value),
            });
            wanted.does_the_same_as(shown)
        });
        if let (Some(row), false) = (jump, pure) {
            let place = Some(Place::FirstOf(way.chain()));
            self.step(add(menu, &wanted, names, place, true));
            let old = key_of(row);
            key = Key::of([
                ("chain", way.chain()),
                ("action", "jump"),
                ("jump-target", &*target),
                ("comment", &*names.comment_for(SWITCH)),
            ]);
            self.enable(menu, &key, true, may_switch_on);
            self.step(Step::remove(
                menu,
                "a jump with a condition of its own",
                old,
            ));
        } else {
            if let Some(row) = jump.filter(|row| row.text("jump-target") != target) {
                self.step(Step::set(
                    menu,
                    "the jump is turned to the new chain",
                    key_of(row),
                    vec![("jump-target", row.text("jump-target").into())],
                    vec![("jump-target", (&*target).into())],
                ));
                key = key_with(row, "jump-target", &target);
            }
            let first = rows
                .iter()
                .filter(|row| !row.is("dynamic"))
                .find(|row| row.text("chain") == way.chain());
            if let (Some(row), Some(first)) = (jump, first)
                && row.id() != first.id()
            {
                self.step(Step {
                    why: "above everything else in its chain".into(),
                    menu,
                    act: Act::Move {
                        key: key.clone(),
                        place: Place::FirstOf(way.chain()),
                    },
                });
            }
            let disabled = jump.is_none_or(|row| row.is("disabled"));
            self.enable(menu, &key, disabled, may_switch_on);
        }
        for row in jumps
            .iter()
            .filter(|row| jump.is_none_or(|it| it.id() != row.id()))
        {
            self.step(Step::remove(menu, "a second jump", key_of(row)));
        }
        for key in left {
            self.step(Step::remove(
                menu,
                "the chain that was in use before",
                key.clone(),
            ));
        }
    }

    fn enable(&mut self, menu: Menu, key: &Key, disabled: bool, may_switch_on: bool) {
        if self.choices.observe {
            if !disabled {
                self.step(Step::set(
                    menu,
                    "observing: nobody is held",
                    key.clone(),
                    vec![("disabled", "false".into())],
                    vec![("disabled", "yes".into())],
                ));
            }
        } else if disabled && may_switch_on {
            self.step(Step::set(
                menu,
                "the switch: from here on the gate holds",
                key.clone(),
                vec![("disabled", "true".into())],
                vec![("disabled", "no".into())],
            ));
        }
    }

    /// Directly before each fasttrack rule, wherever it stands.
    pub(super) fn companions(&mut self, family: Family) {
        let names = &self.choices.names;
        let tables = [
            (Menu::filter(family), Section::filter(family)),
            (Menu::mangle(family), Section::mangle(family)),
        ];
        for (menu, section) in tables {
            let rows: Vec<&Record> = self
                .survey
                .rows(section)
                .iter()
                .filter(|row| !row.is("dynamic"))
                .collect();
            let mut number = 0;
            let mut begun = 0;
            for (at, row) in rows.iter().enumerate() {
                if row.text("action") != "fasttrack-connection" {
                    continue;
                }
                let chain = row.text("chain");
                let before = rows.get(begun..at).unwrap_or_default();
                for rule in names.companions(chain) {
                    let there = before
                        .iter()
                        .any(|row| !row.is("disabled") && rule.does_the_same_as(row.properties()));
                    if !there {
                        let place = Some(Place::BeforeFasttrack(number));
                        self.step(add(menu, &rule, names, place, false));
                    }
                }
                number += 1;
                begun = at + 1;
            }
        }
    }
}

/// Jumps of a built-in chain to a chain of the gate.
fn jumps<'a>(rows: &'a [Record], way: Way, names: &crate::gate::GateNames) -> Vec<&'a Record> {
    let fixed = rows.iter().filter(|row| !row.is("dynamic"));
    fixed
        .filter(|row| row.text("chain") == way.chain() && row.text("action") == "jump")
        .filter(|row| names.which_chain(way, row.text("jump-target")).is_some())
        .collect()
}

fn has_chain(rows: &[Record], way: Way) -> bool {
    rows.iter()
        .any(|row| !row.is("dynamic") && row.text("chain") == way.chain())
}

/// Are these the first of those, enabled and in their order?
fn agrees(rows: &[&Record], wanted: &[GateRule]) -> bool {
    rows.len() <= wanted.len()
        && rows.iter().zip(wanted).all(|(row, rule)| {
            !row.is("disabled") && !row.is("invalid") && rule.does_the_same_as(row.properties())
        })
}

/// Everything about a rule that says what it does, and its comment: another one like it does the same.
pub(crate) fn key_of(row: &Record) -> Key {
    const NOT: [&str; 12] = [
        ".id",
        ".nextid",
        ".about",
        "about",
        "bytes",
        "packets",
        "dynamic",
        "invalid",
        "disabled",
        "log",
        "log-prefix",
        "hw-offload",
    ];
    let all = row.properties();
    Key::of(all.filter(|(name, value)| !NOT.contains(name) && !value.is_empty()))
}

fn key_with(row: &Record, name: &str, value: &str) -> Key {
    let mut key = key_of(row);
    for (it, old) in &mut key.0 {
        if it == name {
            value.clone_into(old);
        }
    }
    key
}

fn add(
    menu: Menu,
    rule: &GateRule,
    names: &crate::gate::GateNames,
    place: Option<Place>,
    disabled: bool,
) -> Step {
    let comment = rule.comment(names);
    let mut properties: Vec<(&'static str, Value)> = rule
        .properties
        .iter()
        .map(|(name, value)| (*name, Value::from(&**value)))
        .collect();
    let mut key = Key(rule
        .properties
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect());
    key.0.push(("comment".to_owned(), comment.clone()));
    properties.push(("comment", comment.into()));
    if disabled {
        properties.push(("disabled", "yes".into()));
    }
    let mut step = Step::add(menu, rule.purpose, key, properties);
    if let Act::Add { place: it, .. } = &mut step.act {
        *it = place;
    }
    step
}
