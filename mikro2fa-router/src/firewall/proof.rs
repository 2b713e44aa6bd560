//! What can be proved of a kind of packets, over all tables that can change it.

use std::fmt;

use super::{
    Action, ConnectionState, Decision, Doubt, DoubtReason, Evaluation, Hook, Lists, Matcher,
    Packet, Probe, Rule, Ruleset, Truth, Verdict,
    evaluate::{Added, OnList},
    subject::Subject,
};

/// A table of rules.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Table {
    /// `/ip/firewall/raw`: before connection tracking. It can drop, and take packets out of tracking.
    Raw,
    /// `/ip/firewall/mangle`: it can have connections fasttracked.
    Mangle,
    /// `/ip/firewall/filter`
    Filter,
}

impl Table {
    /// As the menu is called.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Mangle => "mangle",
            Self::Filter => "filter",
        }
    }
}

/// The tables of one family that can change what becomes of a packet.
///
/// Not judged: `nat`, which can send a packet elsewhere, but not past `forward` and `input`, where its new destination is
/// judged like any other (a probe's destination is *any*), nor what its rules put on lists; routing marks; bridges with `use-ip-firewall=no`, hardware
/// offload, IPsec policies that take what the filter has passed.
#[derive(Clone, Debug, Default)]
pub struct Firewall {
    /// See [`Table::Raw`].
    pub raw: Ruleset,
    /// See [`Table::Mangle`].
    pub mangle: Ruleset,
    /// See [`Table::Filter`].
    pub filter: Ruleset,
}

/// Where a rule stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RuleAt {
    /// In which table.
    pub table: Table,
    /// Its index in that table's [`Ruleset::rules`]: its place in the order of `print`.
    pub index: usize,
}

/// What was proved of a kind of packets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Proof {
    /// All of them are dropped.
    Dropped,
    /// All of them pass; by this rule among others, or because nothing stops them.
    Passes(Option<RuleAt>),
    /// It cannot be proved, because of this rule.
    Open(RuleAt, DoubtReason),
}

/// What was proved, and whether such connections can be fasttracked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Judged {
    /// What becomes of the packets.
    pub proof: Proof,
    /// The rule that may have their connection bypass all rules from then on.
    pub fasttrack: Option<RuleAt>,
}

impl Firewall {
    /// A rule.
    #[must_use]
    pub fn rule(&self, at: RuleAt) -> Option<&Rule> {
        self.table(at.table).rules().get(at.index)
    }

    const fn table(&self, table: Table) -> &Ruleset {
        match table {
            Table::Raw => &self.raw,
            Table::Mangle => &self.mangle,
            Table::Filter => &self.filter,
        }
    }

    /// Why a rule cannot be judged, for people: which of its conditions is to blame.
    #[must_use]
    pub fn blame(&self, at: RuleAt, reason: DoubtReason) -> String {
        let Some(rule) = self.rule(at) else {
            return reason.to_string();
        };
        match (reason, &rule.action) {
            (DoubtReason::Matcher, _) => {
                if let Some((name, value)) = rule.matchers.iter().find_map(unknown_matcher) {
                    format!("nobody can tell here whether `{name}={value}` matches")
                } else if let Some(list) = self.filled(rule) {
                    format!("rules put addresses on the list `{list}` that it asks about")
                } else {
                    reason.to_string()
                }
            }
            (DoubtReason::Action, Action::Unknown(action)) => {
                format!("what its action `{action}` does is not known")
            }
            _ => reason.to_string(),
        }
    }

    /// A list that a rule asks about and that rules put addresses on.
    fn filled<'r>(&self, rule: &'r Rule) -> Option<&'r str> {
        let added = self.added_before();
        let mut lists = rule.matchers.iter().filter_map(Matcher::listed);
        lists
            .find(|(list, _)| added.contains_key(list))
            .map(|(list, _)| list)
    }

    /// What becomes of all packets of a kind.
    ///
    /// [`Proof::Dropped`] and [`Proof::Passes`] hold for each of them, also for those that come after others: whoever is not on a
    /// list that a rule puts addresses on may be on it a packet later. Where some may pass and some not it is [`Proof::Open`].
    #[must_use]
    pub fn prove(&self, probe: &Probe<'_>, lists: &dyn Lists) -> Judged {
        let before = self.added_before();
        let fasttrack = self.fasttracks(probe, lists, &before);
        let changed = |state| Probe { state, ..*probe };
        let proof = self.judge(probe, probe.state, changed, lists, &before);
        Judged { proof, fasttrack }
    }

    /// What earlier packets may have been put on.
    fn added_before(&self) -> Added<'_> {
        let may_be = OnList {
            source: Truth::Unknown,
            destination: Truth::Unknown,
        };
        let tables = [&self.raw, &self.mangle, &self.filter].into_iter();
        let lists = tables.flat_map(Ruleset::adding);
        lists.map(|list| (list, may_be)).collect()
    }

    /// What becomes of one packet, with the lists as they are.
    #[must_use]
    pub fn judge_packet(&self, packet: &Packet<'_>, lists: &dyn Lists) -> Proof {
        let changed = |state: Option<ConnectionState>| Packet {
            state: state.unwrap_or(packet.state),
            ..*packet
        };
        let none = Added::default();
        self.judge(packet, Some(packet.state), changed, lists, &none)
    }

    fn judge<'f, S: Subject>(
        &'f self,
        subject: &S,
        state: Option<ConnectionState>,
        changed: impl Fn(Option<ConnectionState>) -> S,
        lists: &dyn Lists,
        before: &Added<'f>,
    ) -> Proof {
        let (early, hook) = (raw_chain(subject.hook()), subject.hook().chain());
        let raw = self.raw.evaluate_in(early, subject, lists, before);
        if let Decision::Dropped(_) = raw.decision {
            return Proof::Dropped;
        }
        let tracked = self.filter.evaluate_in(hook, subject, lists, before);
        let mut proof = proof_of(&tracked, Table::Filter);
        if let Some(untracked) = raw.untracked
            && state != Some(ConnectionState::Untracked)
        {
            let other = changed(Some(ConnectionState::Untracked));
            let other = self.filter.evaluate_in(hook, &other, lists, before);
            let other = proof_of(&other, Table::Filter);
            let at = RuleAt {
                table: Table::Raw,
                index: untracked,
            };
            proof = either(proof, other, at);
        }
        match (raw.decision, proof) {
            (_, Proof::Dropped) => Proof::Dropped,
            (Decision::Open(doubt), _) => open(doubt, Table::Raw),
            (_, proof) => proof,
        }
    }

    /// Which rule can have such connections fasttracked.
    fn fasttracks<'f>(
        &'f self,
        probe: &Probe<'_>,
        lists: &dyn Lists,
        before: &Added<'f>,
    ) -> Option<RuleAt> {
        if probe.hook != Hook::Forward {
            return None;
        }
        let marked =
            |table: &'f Ruleset, chain| table.evaluate_in(chain, probe, lists, before).fasttrack;
        let filter = marked(&self.filter, probe.hook.chain());
        let filter = filter.map(|mark| RuleAt {
            table: Table::Filter,
            index: mark.rule,
        });
        filter.or_else(|| {
            ["prerouting", "forward", "postrouting"]
                .into_iter()
                .find_map(|chain| {
                    let mark = marked(&self.mangle, chain)?;
                    Some(RuleAt {
                        table: Table::Mangle,
                        index: mark.rule,
                    })
                })
        })
    }
}

const fn raw_chain(hook: Hook) -> &'static str {
    match hook {
        Hook::Forward | Hook::Input => "prerouting",
        Hook::Output => "output",
    }
}

fn open(doubt: Doubt, table: Table) -> Proof {
    let at = RuleAt {
        table,
        index: doubt.rule,
    };
    Proof::Open(at, doubt.reason)
}

fn proof_of(evaluation: &Evaluation, table: Table) -> Proof {
    match evaluation.decision {
        Decision::Accepted(index) => Proof::Passes(Some(RuleAt { table, index })),
        Decision::EndOfChain | Decision::Fasttracked => Proof::Passes(None),
        Decision::Dropped(_) => Proof::Dropped,
        Decision::Open(doubt) => open(doubt, table),
    }
}

/// It may be the one or the other, because of this rule.
fn either(one: Proof, other: Proof, because: RuleAt) -> Proof {
    match (one, other) {
        (one, other) if one == other => one,
        (Proof::Passes(by), Proof::Passes(_)) => Proof::Passes(by),
        (Proof::Open(at, reason), _) | (_, Proof::Open(at, reason)) => Proof::Open(at, reason),
        _ => Proof::Open(because, DoubtReason::Matcher),
    }
}

fn unknown_matcher(matcher: &Matcher) -> Option<(&str, &str)> {
    match matcher {
        Matcher::Not(inner) => unknown_matcher(inner),
        Matcher::Unknown { name, value } => Some((name, value)),
        _ => None,
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Proof {
    /// As one of three words.
    #[must_use]
    pub const fn verdict(&self) -> Verdict {
        match self {
            Self::Dropped => Verdict::Drop,
            Self::Passes(_) => Verdict::Pass,
            Self::Open(..) => Verdict::CannotProve,
        }
    }
}

#[cfg(test)]
mod tests;
