//! One filter rule, as read from a router.

use super::Matcher;

/// What a rule does with a packet that matches.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// Lets the packet through; nothing further is asked.
    Accept,
    /// Takes it away, silently.
    Drop,
    /// Takes it away and tells the sender.
    Reject,
    /// Holds a TCP connection open without letting it through.
    Tarpit,
    /// Back to the chain that jumped here; in a built-in chain, its end.
    Return,
    /// Goes on in another chain.
    Jump(String),
    /// Counts, or logs, and goes on.
    Passthrough,
    /// Has the connection bypass the table from now on, and goes on.
    FasttrackConnection,
    /// Takes the packet out of connection tracking, and goes on. In `raw` only.
    NoTrack,
    /// Puts the source on an address list and goes on.
    AddSource(String),
    /// Puts the destination on an address list and goes on.
    AddDestination(String),
    /// Not understood: it may do anything.
    Unknown(String),
}

/// A filter rule: where it stands, when it matches, what it does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rule {
    /// `.id`, empty if it was not given.
    pub id: String,
    /// `comment`, empty if there is none.
    pub comment: String,
    /// `chain`
    pub chain: String,
    /// `action`, with its target.
    pub action: Action,
    /// All must hold.
    pub matchers: Vec<Matcher>,
    /// Not in force: `disabled` or `invalid`.
    pub inactive: bool,
    /// Made by the router itself.
    pub dynamic: bool,
}

/// Properties that are no condition.
const NOT_MATCHERS: [&str; 17] = [
    ".id",
    ".nextid",
    ".about",
    "about",
    "comment",
    "chain",
    "action",
    "jump-target",
    "address-list",
    "address-list-timeout",
    "reject-with",
    "log",
    "log-prefix",
    "bytes",
    "packets",
    "hw-offload",
    "creation-time",
];

impl Rule {
    /// Reads a rule from its properties as `print` gives them, in any order. Without `action` it accepts, as on the
    /// router; every property not known becomes a matcher that nobody can judge.
    #[must_use]
    pub fn from_properties<'a>(properties: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut rule = Self {
            id: String::new(),
            comment: String::new(),
            chain: String::new(),
            action: Action::Accept,
            matchers: Vec::new(),
            inactive: false,
            dynamic: false,
        };
        let (mut action, mut jump_target, mut address_list) = ("accept", "", "");
        for (name, value) in properties {
            match name {
                ".id" => value.clone_into(&mut rule.id),
                "comment" => value.clone_into(&mut rule.comment),
                "chain" => value.clone_into(&mut rule.chain),
                "action" => action = value,
                "jump-target" => jump_target = value,
                "address-list" => address_list = value,
                "disabled" | "invalid" => rule.inactive |= is_true(value),
                "dynamic" => rule.dynamic = is_true(value),
                _ if NOT_MATCHERS.contains(&name) || value.is_empty() => {}
                _ => rule.matchers.push(Matcher::parse(name, value)),
            }
        }
        rule.action = action_of(action, jump_target, address_list);
        rule
    }
}

fn is_true(value: &str) -> bool {
    matches!(value, "true" | "yes")
}

fn action_of(action: &str, jump_target: &str, address_list: &str) -> Action {
    match action {
        "accept" => Action::Accept,
        "drop" => Action::Drop,
        "reject" => Action::Reject,
        "tarpit" => Action::Tarpit,
        "return" => Action::Return,
        "jump" => Action::Jump(jump_target.to_owned()),
        "passthrough" | "log" => Action::Passthrough,
        "fasttrack-connection" => Action::FasttrackConnection,
        "notrack" => Action::NoTrack,
        "add-src-to-address-list" => Action::AddSource(address_list.to_owned()),
        "add-dst-to-address-list" => Action::AddDestination(address_list.to_owned()),
        other => Action::Unknown(other.to_owned()),
    }
}
