//! The gate's chains, the jumps into them, and what stands above.

use mikro2fa_core::gate::GateFaultKind;

use super::{Asked, Found, Inspection, Wrong, family_name, filter};
use crate::{
    gate::{Family, GateNames, GateRule, Way, Which},
    sentence::Sentence,
    survey::Record,
};

/// How the fault of a jump ends that is there and does not count.
pub(super) const IS_DISABLED: &str = "is disabled";

/// All names that the gate's chains can have.
pub(super) fn own_chains(names: &GateNames) -> [String; 4] {
    let name = |way, which| names.chain(way, which);
    [
        name(Way::Forward, Which::First),
        name(Way::Forward, Which::Second),
        name(Way::Input, Which::First),
        name(Way::Input, Which::Second),
    ]
}

/// Is this a jump into one of them?
pub(super) fn leads_into(names: &GateNames, row: &Record) -> bool {
    Way::ALL.into_iter().any(|way| {
        row.text("chain") == way.chain()
            && row.text("action") == "jump"
            && names.which_chain(way, row.text("jump-target")).is_some()
    })
}

/// RouterOS leaves out what stands at its default.
fn action(row: &Record) -> &str {
    row.get("action").unwrap_or("accept")
}

fn counts(row: &Record) -> bool {
    !row.is("disabled") && !row.is("invalid")
}

/// Can a packet that it matches get by what stands below it?
fn can_pass(row: &Record) -> bool {
    !matches!(
        action(row),
        "drop"
            | "reject"
            | "tarpit"
            | "log"
            | "passthrough"
            | "add-src-to-address-list"
            | "add-dst-to-address-list"
    )
}

fn is_same(rule: &GateRule, row: &Record) -> bool {
    // `accept` can be left out.
    let implied = row.get("action").is_none().then_some(("action", "accept"));
    rule.does_the_same_as(row.properties().chain(implied))
}

/// A rule as people find it: where it stands, and what its comment says.
fn shown(row: &Record) -> String {
    let comment = match row.text("comment") {
        "" => "without comment".to_owned(),
        comment => format!("\"{comment}\""),
    };
    format!("{} in {}, {comment}", action(row), row.text("chain"))
}

/// The jump into a chain of the gate, as it was found.
struct Jump<'r> {
    row: &'r Record,
    which: Which,
    /// It jumps whatever comes.
    sound: bool,
}

impl Inspection<'_> {
    fn is_ours(&self, row: &Record) -> bool {
        self.names.owns(row.text("comment"))
    }

    fn chain_rows(&self, family: Family, way: Way, which: Which) -> Vec<&Record> {
        let chain = self.names.chain(way, which);
        let own = self.rows(Asked::Own(family)).iter();
        own.filter(|row| row.text("chain") == chain).collect()
    }

    fn built_in(&self, family: Family, way: Way) -> impl Iterator<Item = &Record> {
        let rows = self.rows(Asked::BuiltIn(family)).iter();
        rows.filter(move |row| row.text("chain") == way.chain())
    }

    fn jumps(&self, family: Family, way: Way) -> Vec<Jump<'_>> {
        self.built_in(family, way)
            .filter(|row| action(row) == "jump" && !row.is("dynamic"))
            .filter_map(|row| {
                let which = self.names.which_chain(way, row.text("jump-target"))?;
                // With all its conditions.
                let mut own = self.rows(Asked::Own(family)).iter();
                let whole = own.find(|it| it.id() == row.id()).unwrap_or(row);
                Some(Jump {
                    row,
                    which,
                    sound: is_same(&self.names.jump(way, which), whole),
                })
            })
            .collect()
    }

    /// One built-in chain: its jump, and the gate's chain behind it.
    pub(super) fn way(&self, family: Family, way: Way, found: &mut Found) {
        found.needed += 1;
        let jumps = self.jumps(family, way);
        // The one that counts first, then the first one.
        let best = jumps
            .iter()
            .find(|jump| jump.sound && counts(jump.row))
            .or_else(|| jumps.iter().find(|jump| jump.sound));
        let which = best.map_or_else(
            || {
                let empty = self.chain_rows(family, way, Which::First).is_empty();
                let second = !self.chain_rows(family, way, Which::Second).is_empty();
                if empty && second {
                    Which::Second
                } else {
                    Which::First
                }
            },
            |jump| jump.which,
        );
        let rebuilt = self.chain(family, way, which, found);
        self.jump(family, way, &jumps, best, which, rebuilt, found);
    }

    /// The gate's chain; true if it has to be built anew beside.
    fn chain(&self, family: Family, way: Way, which: Which, found: &mut Found) -> bool {
        let rows = self.chain_rows(family, way, which);
        let expected = self.names.chain_rules(way, which);
        let place = |row: &Record| expected.iter().position(|rule| is_same(rule, row));
        let places: Vec<(&Record, Option<usize>)> =
            rows.iter().map(|row| (*row, place(row))).collect();
        let in_order = |rows: &mut dyn Iterator<Item = usize>| {
            let mut next = 0;
            for place in rows {
                if place > next || place + 1 < next {
                    return false;
                }
                next = place + 1;
            }
            next == expected.len()
        };
        let strangers: Vec<&Record> = places
            .iter()
            .filter(|(row, place)| place.is_none() && counts(row) && can_pass(row))
            .map(|(row, _)| *row)
            .collect();
        let all = &mut places.iter().filter_map(|(_, place)| *place);
        let ordered = in_order(all);
        let counting = &mut places
            .iter()
            .filter(|(row, _)| counts(row))
            .filter_map(|(_, place)| *place);
        if in_order(counting) && strangers.is_empty() {
            return false;
        }
        let chain = self.names.chain(way, which);
        let name = family_name(family);
        let rebuild = || self.rebuild(family, way, which);
        if ordered && strangers.is_empty() {
            // All is there; some of it does not count.
            for (row, place) in places
                .iter()
                .filter(|(row, place)| place.is_some() && !counts(row))
            {
                let rule = place.and_then(|place| expected.get(place));
                let drops = rule.and_then(|rule| rule.property("action")) == Some("drop");
                let set = Sentence::new(filter(family).set)
                    .of([row.id()])
                    .with("disabled", "no");
                let what = format!("{name}: {} {IS_DISABLED}", shown(row));
                found
                    .wrong
                    .push(Wrong::new(GateFaultKind::Rule, what, drops, vec![set]));
            }
            return false;
        }
        for stranger in &strangers {
            let ours = self.is_ours(stranger);
            let (kind, word) = if ours {
                (GateFaultKind::Rule, "was changed")
            } else {
                (GateFaultKind::Stranger, "is not ours")
            };
            let what = format!("{name}: {} {word}", shown(stranger));
            found.wrong.push(Wrong::new(kind, what, true, rebuild()));
        }
        let mut lacks = false;
        for (index, rule) in expected.iter().enumerate() {
            let counting = places
                .iter()
                .any(|(row, place)| *place == Some(index) && counts(row));
            if !counting {
                lacks = true;
                let drops = rule.property("action") == Some("drop");
                let what = format!("{name}: {chain} lacks \"{}\"", rule.comment(self.names));
                found
                    .wrong
                    .push(Wrong::new(GateFaultKind::Rule, what, drops, rebuild()));
            }
        }
        if !lacks && strangers.is_empty() {
            let what = format!("{name}: {chain} is out of order");
            found
                .wrong
                .push(Wrong::new(GateFaultKind::Rule, what, true, rebuild()));
        }
        // Without anything of the gate there is nothing to build beside.
        self.exists()
    }

    /// The whole chain under its other name; the jump is turned to it afterwards, so that there is no moment without one.
    fn rebuild(&self, family: Family, way: Way, which: Which) -> Vec<Sentence> {
        if !self.exists() {
            return Vec::new();
        }
        let paths = filter(family);
        let other = self.chain_rows(family, way, which.other());
        let (own, strange): (Vec<&Record>, Vec<&Record>) =
            other.into_iter().partition(|row| self.is_ours(row));
        let mut mend = Vec::new();
        if !own.is_empty() {
            mend.push(Sentence::new(paths.remove).of(own.iter().map(|row| row.id())));
        }
        for rule in self.names.chain_rules(way, which.other()) {
            mend.push(self.add(family, &rule, strange.first().copied()));
        }
        mend
    }

    fn add(&self, family: Family, rule: &GateRule, before: Option<&Record>) -> Sentence {
        let add = rule
            .properties
            .iter()
            .fold(Sentence::new(filter(family).add), |add, (name, value)| {
                add.with(name, value.as_str())
            })
            .with("comment", rule.comment(self.names));
        match before {
            Some(row) => add.with("place-before", row.id()),
            None => add,
        }
    }

    /// The jump itself. What switches the gate on comes last of all.
    #[expect(clippy::too_many_arguments, reason = "all of one place, used once")]
    fn jump(
        &self,
        family: Family,
        way: Way,
        jumps: &[Jump<'_>],
        best: Option<&Jump<'_>>,
        which: Which,
        rebuilt: bool,
        found: &mut Found,
    ) {
        let paths = filter(family);
        let place = format!("{}: the jump of {}", family_name(family), way.chain());
        let target = if rebuilt { which.other() } else { which };
        let first = self.built_in(family, way).find(|row| !row.is("dynamic"));
        let above: Option<&Record> = best.and_then(|jump| {
            self.built_in(family, way)
                .take_while(|row| row.id() != jump.row.id())
                .find(|row| {
                    !row.is("dynamic") && counts(row) && can_pass(row) && !self.spares_covered(row)
                })
        });
        let mut wrong = |kind, what: String, mends: bool| {
            let mut told = Wrong::new(kind, what, true, Vec::new());
            told.fault.ours = mends;
            found.wrong.push(told);
        };
        let mut again = false;
        match best {
            None if self.exists() => {
                wrong(GateFaultKind::Jump, format!("{place} is not there"), true);
                again = true;
            }
            None => {
                wrong(GateFaultKind::Jump, format!("{place} is not there"), false);
                return;
            }
            Some(jump) => {
                found.jumps += 1;
                if counts(jump.row) {
                    found.enabled += 1;
                } else {
                    wrong(GateFaultKind::Jump, format!("{place} {IS_DISABLED}"), true);
                }
                if let Some(above) = above {
                    let what = format!("{}: {}", family_name(family), shown(above));
                    wrong(GateFaultKind::Above, what, true);
                    again = true;
                }
            }
        }
        if again {
            // A new one on top rather than the old one moved: what cannot be added leaves the old one where it is.
            let rule = self.names.jump(way, target);
            found.last.push(self.add(family, &rule, first));
        } else if let Some(jump) = best
            && (rebuilt || !counts(jump.row))
        {
            let set = Sentence::new(paths.set).of([jump.row.id()]);
            let set = if rebuilt {
                set.with("jump-target", self.names.chain(way, target))
            } else {
                set
            };
            found.last.push(set.with("disabled", "no"));
        }
        // What is left of ours and leads nowhere any more.
        let mut leavings: Vec<&str> = Vec::new();
        for jump in jumps {
            let stays = !again && best.is_some_and(|best| best.row.id() == jump.row.id());
            // Made by hand, and doing just what ours does: it is taken for ours.
            let ours = jump.sound || self.is_ours(jump.row);
            if !stays && (again || !jump.sound) && ours {
                leavings.push(jump.row.id());
            }
        }
        if rebuilt {
            let expected = self.names.chain_rules(way, which);
            let ours =
                |row: &&Record| self.is_ours(row) || expected.iter().any(|rule| is_same(rule, row));
            let old = self.chain_rows(family, way, which).into_iter();
            leavings.extend(old.filter(ours).map(Record::id));
        }
        if !leavings.is_empty() && (again || rebuilt) {
            found.last.push(Sentence::new(paths.remove).of(leavings));
        }
    }

    /// A rule that certainly matches nothing that the gate covers.
    fn spares_covered(&self, row: &Record) -> bool {
        let not_covered = format!("!{}", self.names.covered);
        row.text("in-interface-list") == not_covered
            && row.text("out-interface-list") == not_covered
    }

    /// Before each fasttrack rule two that pass covered traffic without the bypass.
    pub(super) fn companions(&self, family: Family, found: &mut Found) {
        let rows: Vec<&Record> = self.built_in(family, Way::Forward).collect();
        let companions = self.names.companions(Way::Forward.chain());
        for (index, fasttrack) in rows.iter().enumerate() {
            let fasttracks = action(fasttrack) == "fasttrack-connection"
                && counts(fasttrack)
                && !fasttrack.is("dynamic");
            if !fasttracks {
                continue;
            }
            for companion in &companions {
                let mut before = rows
                    .iter()
                    .take(index)
                    .filter(|row| is_same(companion, row));
                if before.clone().any(|row| counts(row)) {
                    continue;
                }
                let mend = if !self.exists() {
                    Vec::new()
                } else if let Some(row) = before.next() {
                    let set = Sentence::new(filter(family).set).of([row.id()]);
                    vec![set.with("disabled", "no")]
                } else {
                    vec![self.add(family, companion, Some(fasttrack))]
                };
                let what = format!(
                    "{}: nothing keeps covered traffic from {}",
                    family_name(family),
                    shown(fasttrack)
                );
                found
                    .wrong
                    .push(Wrong::new(GateFaultKind::Fasttrack, what, false, mend));
            }
        }
    }
}
