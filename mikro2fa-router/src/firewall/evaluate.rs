//! From rules, packet and lists to a verdict.

use std::{collections::HashMap, fmt};

use super::{Action, Lists, Matcher, Packet, Rule, Truth, subject::Subject};

/// What becomes of a packet.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Verdict {
    /// It passes.
    Pass,
    /// It does not.
    Drop,
    /// It depends on something that is not known.
    CannotProve,
}

/// How a packet's way through the table ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decision {
    /// Accepted by the rule with this index in [`Ruleset::rules`].
    Accepted(usize),
    /// Dropped, rejected or held by this rule.
    Dropped(usize),
    /// Accepted because the built-in chain ended.
    EndOfChain,
    /// Accepted unseen: its connection is fasttracked.
    Fasttracked,
    /// Both are possible.
    Open(Doubt),
}

/// Why nothing can be said: the first rule that could be followed either way and brought about the difference.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Doubt {
    /// Index in [`Ruleset::rules`].
    pub rule: usize,
    /// What is wrong with it.
    pub reason: DoubtReason,
}

/// What makes a rule impossible to judge.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DoubtReason {
    /// It has a matcher that is not known, or that the packet says too little for.
    Matcher,
    /// Its action is not known.
    Action,
    /// It jumps into a chain that the packet is in already, or too deep.
    Loop,
    /// Following all chains takes more steps than are allowed.
    TooLong,
}

/// Whether a `fasttrack-connection` rule was reached, so that later packets of the connection bypass the table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fasttrack {
    /// Index in [`Ruleset::rules`].
    pub rule: usize,
    /// Whether that is certain.
    pub certain: bool,
}

/// The verdict about one packet, and what brought it about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Evaluation {
    /// How it ended.
    pub decision: Decision,
    /// Whether the connection is fasttracked from now on.
    pub fasttrack: Option<Fasttrack>,
    /// The rule that took the packet out of connection tracking, or may have; an index in [`Ruleset::rules`].
    pub untracked: Option<usize>,
}

impl Evaluation {
    /// Whether the packet passes.
    #[must_use]
    pub const fn verdict(&self) -> Verdict {
        match self.decision {
            Decision::Accepted(_) | Decision::EndOfChain | Decision::Fasttracked => Verdict::Pass,
            Decision::Dropped(_) => Verdict::Drop,
            Decision::Open(_) => Verdict::CannotProve,
        }
    }

    /// The rule that decided or that is to blame, as an index in [`Ruleset::rules`].
    #[must_use]
    pub const fn rule(&self) -> Option<usize> {
        match self.decision {
            Decision::Accepted(rule)
            | Decision::Dropped(rule)
            | Decision::Open(Doubt { rule, .. }) => Some(rule),
            Decision::EndOfChain | Decision::Fasttracked => None,
        }
    }
}

/// The rules of one filter table, in the order of `print`, sorted by chain once.
#[derive(Clone, Debug, Default)]
pub struct Ruleset {
    rules: Vec<Rule>,
    chains: HashMap<String, Vec<usize>>,
}

/// Rules looked at for one packet before giving up: far more than a table has that a router can live with.
const MAX_STEPS: usize = 1 << 16;
/// How deep jumps may nest.
const MAX_DEPTH: usize = 64;

impl Ruleset {
    /// Takes the rules in the order in which the router prints them.
    #[must_use]
    pub fn new(rules: Vec<Rule>) -> Self {
        let mut chains: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, rule) in rules.iter().enumerate().filter(|(_, rule)| !rule.inactive) {
            chains.entry(rule.chain.clone()).or_default().push(index);
        }
        Self { rules, chains }
    }

    /// All rules, also inactive ones, in order.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Follows the packet through the table.
    #[must_use]
    pub fn evaluate(&self, packet: &Packet<'_>, lists: &dyn Lists) -> Evaluation {
        let chain = packet.hook.chain();
        self.evaluate_in(chain, packet, lists, &Added::default())
    }

    /// The lists that rules put addresses on: packets may be on them that went by here before.
    pub(super) fn adding(&self) -> impl Iterator<Item = &str> {
        let active = self.rules.iter().filter(|rule| !rule.inactive);
        active.filter_map(|rule| match &rule.action {
            Action::AddSource(list) | Action::AddDestination(list) => Some(list.as_str()),
            _ => None,
        })
    }

    /// Follows whatever rules can be held against from this chain on; `before`: what others like it were put on.
    pub(super) fn evaluate_in<'r>(
        &'r self,
        chain: &str,
        subject: &dyn Subject,
        lists: &dyn Lists,
        before: &Added<'r>,
    ) -> Evaluation {
        if subject.is_fasttracked() {
            return Evaluation {
                decision: Decision::Fasttracked,
                fasttrack: None,
                untracked: None,
            };
        }
        let mut walk = Walk {
            set: self,
            subject,
            lists,
            added: before.clone(),
            ends: Ends::default(),
            fasttrack: None,
            untracked: None,
            doubt: None,
            within: Vec::new(),
            met: HashMap::new(),
            steps: 0,
        };
        if walk.chain(chain, Truth::Yes) {
            walk.ends.end_of_chain = true;
        }
        Evaluation {
            decision: walk.decision(),
            fasttrack: walk.fasttrack,
            untracked: walk.untracked,
        }
    }
}

/// Which ends are possible.
#[derive(Default)]
struct Ends {
    accepted: Option<usize>,
    dropped: Option<usize>,
    end_of_chain: bool,
}

struct Walk<'c, 'w> {
    set: &'w Ruleset,
    subject: &'w dyn Subject,
    lists: &'w dyn Lists,
    /// The lists that this packet, and those before it, have put its ends on so far. However often it did: chains that are jumped
    /// to again and again do it until the steps are used up.
    added: Added<'w>,
    ends: Ends,
    fasttrack: Option<Fasttrack>,
    untracked: Option<usize>,
    /// The first rule since which more than one way has been open.
    doubt: Option<Doubt>,
    /// The chains that the packet is in, from the outermost on.
    within: Vec<&'c str>,
    /// What was found by going through lists, by rule and matcher: only where rules are met more than once.
    met: HashMap<(usize, usize), Truth>,
    steps: usize,
}

impl<'c, 'w: 'c> Walk<'c, 'w> {
    /// Follows a chain; whether the packet may come out at its end. `taken`: whether all that are still on their way take it.
    fn chain(&mut self, name: &'c str, taken: Truth) -> bool {
        self.within.push(name);
        let returns = self.follow(name, taken);
        self.within.pop();
        returns
    }

    fn follow(&mut self, name: &str, mut taken: Truth) -> bool {
        let set = self.set;
        let Some(indexes) = set.chains.get(name) else {
            return true;
        };
        let mut may_return = false;
        for &index in indexes {
            let Some(rule) = set.rules.get(index) else {
                continue;
            };
            self.steps += 1;
            if self.steps > MAX_STEPS {
                return self.give_up(index, DoubtReason::TooLong);
            }
            let matches = self.matches(index, rule);
            if matches == Truth::No {
                continue;
            }
            let certain = matches == Truth::Yes;
            if !certain {
                self.doubt_about(index, DoubtReason::Matcher);
            }
            match self.act(index, rule, matches.and(taken)) {
                Flow::On => {}
                Flow::Return if certain => return true,
                Flow::Return => {
                    may_return = true;
                    taken = Truth::Unknown; // those that went back see no more of this chain, and are on their way still
                }
                Flow::Stop if certain => return may_return,
                Flow::Stop => {}
            }
        }
        true
    }

    /// What a rule does. `meets`: whether all that are still on their way come here and match; some do.
    fn act(&mut self, index: usize, rule: &'w Rule, meets: Truth) -> Flow {
        match &rule.action {
            Action::Accept => {
                self.ends.accepted.get_or_insert(index);
                Flow::Stop
            }
            Action::Drop | Action::Reject | Action::Tarpit => {
                self.ends.dropped.get_or_insert(index);
                Flow::Stop
            }
            Action::Return => Flow::Return,
            Action::Passthrough => Flow::On,
            Action::FasttrackConnection => {
                let certain = meets == Truth::Yes && self.doubt.is_none();
                self.fasttrack.get_or_insert(Fasttrack {
                    rule: index,
                    certain,
                });
                Flow::On
            }
            Action::NoTrack => {
                self.untracked.get_or_insert(index);
                Flow::On
            }
            Action::AddSource(list) => {
                let added = self.added.entry(list).or_default();
                added.source = added.source.or(meets);
                Flow::On
            }
            Action::AddDestination(list) => {
                let added = self.added.entry(list).or_default();
                added.destination = added.destination.or(meets);
                Flow::On
            }
            Action::Jump(target)
                if self.within.len() > MAX_DEPTH || self.within.contains(&target.as_str()) =>
            {
                self.give_up(index, DoubtReason::Loop);
                Flow::Stop
            }
            Action::Jump(target) => {
                if self.chain(target, meets) {
                    Flow::On
                } else {
                    Flow::Stop
                }
            }
            Action::Unknown(_) => {
                self.give_up(index, DoubtReason::Action);
                Flow::On
            }
        }
    }

    /// Anything may happen from here.
    fn give_up(&mut self, index: usize, reason: DoubtReason) -> bool {
        self.doubt_about(index, reason);
        self.ends.accepted.get_or_insert(index);
        self.ends.dropped.get_or_insert(index);
        true
    }

    fn doubt_about(&mut self, rule: usize, reason: DoubtReason) {
        self.doubt.get_or_insert(Doubt { rule, reason });
    }

    fn matches(&mut self, index: usize, rule: &Rule) -> Truth {
        let mut all = Truth::Yes;
        for (place, matcher) in rule.matchers.iter().enumerate() {
            all = all.and(self.holds((index, place), matcher));
            if all == Truth::No {
                break;
            }
        }
        all
    }

    /// A list matcher also sees what this packet was put on a moment ago.
    fn holds(&mut self, at: (usize, usize), matcher: &Matcher) -> Truth {
        let Some((list, side)) = matcher.listed() else {
            return matcher.met_by(self.subject, self.lists);
        };
        let meet = || matcher.met_by(self.subject, self.lists);
        // A list may be long, and chains that are jumped to again and again are as good as endless.
        let plain = if self.steps <= self.set.rules.len() {
            meet()
        } else {
            *self.met.entry(at).or_insert_with(meet)
        };
        let Some(added) = self.added.get(list) else {
            return plain;
        };
        let (same, other) = match side {
            Side::Source => (added.source, added.destination),
            Side::Destination => (added.destination, added.source),
        };
        let added = same.or(other.and(self.subject.ends_meet()));
        match matcher {
            Matcher::Not(_) => plain.and(added.negate()),
            _ => plain.or(added),
        }
    }

    fn decision(&self) -> Decision {
        let accepts = self.ends.accepted.is_some() || self.ends.end_of_chain;
        match (self.ends.dropped, self.doubt) {
            (Some(_), Some(doubt)) if accepts => Decision::Open(doubt),
            (Some(rule), _) => Decision::Dropped(rule),
            (None, _) => self
                .ends
                .accepted
                .map_or(Decision::EndOfChain, Decision::Accepted),
        }
    }
}

/// What packets were put on by rules, by list.
pub(super) type Added<'r> = HashMap<&'r str, OnList>;

/// Whether the ends of a packet were put on a list.
#[derive(Clone, Copy)]
pub(super) struct OnList {
    pub(super) source: Truth,
    pub(super) destination: Truth,
}

impl Default for OnList {
    fn default() -> Self {
        Self {
            source: Truth::No,
            destination: Truth::No,
        }
    }
}

/// An end of a packet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Source,
    Destination,
}

enum Flow {
    /// To the next rule.
    On,
    /// Back to where the chain was jumped to from.
    Return,
    /// The packet's way is over.
    Stop,
}

impl fmt::Display for DoubtReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Matcher => "whether it matches is not known",
            Self::Action => "its action is not known",
            Self::Loop => "its jumps lead in a circle",
            Self::TooLong => "the chains are too long to follow",
        })
    }
}
