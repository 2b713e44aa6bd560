//! The gate's rules as values.

use super::{FASTTRACKED_STATES, GateNames, RESOLVER_LIMIT, TELEGRAM_PORTS, Way};

/// A firewall rule of the gate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GateRule {
    /// What it is for: stands in its comment, behind [`GateNames::comment`].
    pub purpose: &'static str,
    /// What RouterOS is told: `chain`, `action`, then the conditions. No comment, not whether it is disabled.
    pub properties: Vec<(&'static str, String)>,
}

/// Which of its two names a chain of the gate has. A chain that has to change is built under the other one, and the jump
/// then turned to it, so that there is no moment without a whole chain.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Which {
    /// The plain name.
    #[default]
    First,
    /// The name with `-2` behind it.
    Second,
}

impl Which {
    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
        }
    }
}

/// What stands in the comment of a jump.
pub const SWITCH: &str = "the switch";

/// What stands in the comment of the rules before a fasttrack rule.
pub const COMPANION: &str = "covered traffic is never fasttracked";

/// Properties of a rule that do not say what it does to packets: counters, the router's own flags, what is written down.
const SAYS_NOTHING: [&str; 12] = [
    ".id",
    ".nextid",
    ".about",
    "about",
    "comment",
    "bytes",
    "packets",
    "dynamic",
    "invalid",
    "disabled",
    "log-prefix",
    "hw-offload",
];

impl GateRule {
    /// A property.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<&str> {
        let mut all = self.properties.iter();
        all.find(|(it, _)| *it == name).map(|(_, value)| &**value)
    }

    /// Its whole comment.
    #[must_use]
    pub fn comment(&self, names: &GateNames) -> String {
        names.comment_for(self.purpose)
    }

    /// Does a rule with these properties, as `print` gives them, do the same to packets? Whether it is disabled, its comment
    /// and its counters do not count; any condition that the gate's rule does not have does. Logging does not count either: it
    /// is the administrator's to switch on.
    #[must_use]
    pub fn does_the_same_as<'a>(
        &self,
        properties: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> bool {
        let mut met = 0;
        for (name, value) in properties {
            if SAYS_NOTHING.contains(&name) || name == "log" {
                continue;
            }
            match self.property(name) {
                Some(wanted) if same_value(name, wanted, value) => met += 1,
                Some(_) => return false,
                // What is unset is left out, sent empty, or sent as nothing at all.
                None if value.is_empty() => {}
                None => return false,
            }
        }
        met == self.properties.len()
    }
}

/// RouterOS prints sets in an order of its own.
fn same_value(name: &str, wanted: &str, seen: &str) -> bool {
    if wanted == seen {
        return true;
    }
    if name != "connection-state" && name != "dst-port" {
        return false;
    }
    let sorted = |text: &str| {
        let mut words: Vec<String> = text.split(',').map(str::to_owned).collect();
        words.sort_unstable();
        words
    };
    sorted(wanted) == sorted(seen)
}

fn rule(
    chain: &str,
    action: &str,
    purpose: &'static str,
    conditions: &[(&'static str, &str)],
) -> GateRule {
    let mut properties = vec![("chain", chain.to_owned()), ("action", action.to_owned())];
    let conditions = conditions.iter();
    properties.extend(conditions.map(|(name, value)| (*name, (*value).to_owned())));
    GateRule {
        purpose,
        properties,
    }
}

impl GateNames {
    /// The name of the gate's chain behind a built-in one.
    #[must_use]
    pub fn chain(&self, way: Way, which: Which) -> String {
        let plain = match way {
            Way::Forward => &self.forward_chain,
            Way::Input => &self.input_chain,
        };
        match which {
            Which::First => plain.clone(),
            Which::Second => format!("{plain}-2"),
        }
    }

    /// Which chain of the gate a jump leads to; none if it leads elsewhere.
    #[must_use]
    pub fn which_chain(&self, way: Way, target: &str) -> Option<Which> {
        [Which::First, Which::Second]
            .into_iter()
            .find(|which| self.chain(way, *which) == target)
    }

    /// The rules of the gate's chain behind a built-in one, in their order. The same for both families: nothing of IPv6 is
    /// on the permit list unless the account's prefix is fixed, and nothing is on the reach list.
    #[must_use]
    pub fn chain_rules(&self, way: Way, which: Which) -> Vec<GateRule> {
        let chain = self.chain(way, which);
        match way {
            Way::Forward => self.forward_rules(&chain),
            Way::Input => self.input_rules(&chain),
        }
    }

    /// The one jump of a built-in chain. It stands above everything static in it.
    #[must_use]
    pub fn jump(&self, way: Way, which: Which) -> GateRule {
        let target = self.chain(way, which);
        rule(way.chain(), "jump", SWITCH, &[("jump-target", &target)])
    }

    /// The two rules that stand directly before a fasttrack rule of this chain: what it would have passed is passed for covered
    /// tunnels without the bypass.
    #[must_use]
    pub fn companions(&self, chain: &str) -> [GateRule; 2] {
        ["in-interface-list", "out-interface-list"].map(|side| {
            let conditions = [
                ("connection-state", FASTTRACKED_STATES),
                (side, &*self.covered),
            ];
            rule(chain, "accept", COMPANION, &conditions)
        })
    }

    /// The two rules for the emergency list let such a tunnel to and from everything but other tunnels.
    fn forward_rules(&self, chain: &str) -> Vec<GateRule> {
        let elsewhere = format!("!{}", self.covered);
        let not_permitted = format!("!{}", self.permit);
        let from = ("in-interface-list", &*self.covered);
        let to = ("out-interface-list", &*self.covered);
        let source = ("src-address-list", &*not_permitted);
        let destination = ("dst-address-list", &*not_permitted);
        vec![
            rule(
                chain,
                "drop",
                "banned",
                &[from, ("src-address-list", &self.ban)],
            ),
            rule(
                chain,
                "return",
                "emergency, from",
                &[
                    from,
                    ("out-interface-list", &elsewhere),
                    ("src-address-list", &self.emergency),
                ],
            ),
            rule(
                chain,
                "return",
                "emergency, to",
                &[
                    to,
                    ("in-interface-list", &elsewhere),
                    ("dst-address-list", &self.emergency),
                ],
            ),
            rule(
                chain,
                "accept",
                "quarantine reaches this",
                &[
                    from,
                    source,
                    ("dst-address-list", &self.reach),
                    ("protocol", "tcp"),
                    ("dst-port", TELEGRAM_PORTS),
                ],
            ),
            rule(chain, "drop", "not permitted, from", &[from, source]),
            rule(
                chain,
                "accept",
                "answers to quarantine",
                &[
                    to,
                    destination,
                    ("src-address-list", &self.reach),
                    ("connection-state", "established"),
                ],
            ),
            rule(chain, "drop", "not permitted, to", &[to, destination]),
            rule(chain, "return", "to the administrator's own rules", &[]),
        ]
    }

    /// To the router itself quarantine reaches the resolver, slowly, and nothing else.
    fn input_rules(&self, chain: &str) -> Vec<GateRule> {
        let not_permitted = format!("!{}", self.permit);
        let from = ("in-interface-list", &*self.covered);
        let source = ("src-address-list", &*not_permitted);
        let resolver = |protocol| {
            rule(
                chain,
                "accept",
                "quarantine may resolve names",
                &[
                    from,
                    source,
                    ("protocol", protocol),
                    ("dst-port", "53"),
                    ("limit", RESOLVER_LIMIT),
                ],
            )
        };
        vec![
            rule(
                chain,
                "drop",
                "banned",
                &[from, ("src-address-list", &self.ban)],
            ),
            rule(
                chain,
                "return",
                "emergency",
                &[from, ("src-address-list", &self.emergency)],
            ),
            resolver("udp"),
            resolver("tcp"),
            rule(chain, "drop", "not permitted", &[from, source]),
            rule(chain, "return", "to the administrator's own rules", &[]),
        ]
    }
}
