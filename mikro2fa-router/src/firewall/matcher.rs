//! One condition of a rule.

use super::{AddressSet, ConnectionState, Lists, Packet, Protocol, evaluate::Side};

/// Whether something holds: yes, no, or not to be said.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Truth {
    /// It does not hold.
    No,
    /// What is known does not say.
    Unknown,
    /// It holds.
    Yes,
}

impl Truth {
    /// Both hold: one *no* is enough to say no.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Yes, Self::Yes) => Self::Yes,
            _ => Self::Unknown,
        }
    }

    /// One of them holds: one *yes* is enough to say yes.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        self.negate().and(other.negate()).negate()
    }

    /// The opposite; what is not known stays so.
    #[must_use]
    pub const fn negate(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Unknown => Self::Unknown,
            Self::Yes => Self::No,
        }
    }
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Self::Yes } else { Self::No }
    }
}

/// A set of [`ConnectionState`]s, the value of `connection-state`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct StateSet(u8);

impl StateSet {
    /// Reads a comma list of RouterOS's words.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        text.split(',').try_fold(Self::default(), |set, word| {
            Some(Self(set.0 | Self::bit(state_of(word)?)))
        })
    }

    /// Whether the state belongs to the set.
    #[must_use]
    pub const fn contains(self, state: ConnectionState) -> bool {
        self.0 & Self::bit(state) != 0
    }

    const fn bit(state: ConnectionState) -> u8 {
        1 << state as u8
    }
}

fn state_of(word: &str) -> Option<ConnectionState> {
    Some(match word {
        "new" => ConnectionState::New,
        "established" => ConnectionState::Established,
        "related" => ConnectionState::Related,
        "invalid" => ConnectionState::Invalid,
        "untracked" => ConnectionState::Untracked,
        _ => return None,
    })
}

/// A condition. All conditions of a rule must hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Matcher {
    /// The condition must *not* hold: the value began with `!`.
    Not(Box<Self>),
    /// `src-address`
    SourceAddress(AddressSet),
    /// `dst-address`
    DestinationAddress(AddressSet),
    /// `src-address-list`
    SourceList(String),
    /// `dst-address-list`
    DestinationList(String),
    /// `in-interface`
    InInterface(String),
    /// `out-interface`
    OutInterface(String),
    /// `in-interface-list`
    InInterfaceList(String),
    /// `out-interface-list`
    OutInterfaceList(String),
    /// `protocol`
    Protocol(Protocol),
    /// `src-port`: inclusive ranges
    SourcePort(Vec<(u16, u16)>),
    /// `dst-port`
    DestinationPort(Vec<(u16, u16)>),
    /// `port`: either of the two
    AnyPort(Vec<(u16, u16)>),
    /// `connection-state`
    State(StateSet),
    /// `connection-nat-state=srcnat`
    SourceTranslated,
    /// `connection-nat-state=dstnat`
    DestinationTranslated,
    /// `ipsec-policy`, in the direction `incoming`, matching packets that are under a policy if `protected`
    IpsecPolicy {
        /// `in`, else `out`.
        incoming: bool,
        /// `ipsec`, else `none`.
        protected: bool,
    },
    /// `limit` or `dst-limit`
    Limit,
    /// A matcher, or a value of one, that is not understood.
    Unknown {
        /// The property's name.
        name: String,
        /// Its value.
        value: String,
    },
}

impl Matcher {
    /// Reads one property of a rule. A property that is not understood becomes [`Matcher::Unknown`], never nothing.
    #[must_use]
    pub fn parse(name: &str, value: &str) -> Self {
        let (negated, plain) = value
            .strip_prefix('!')
            .map_or((false, value), |plain| (true, plain));
        match Self::parse_plain(name, plain) {
            Some(matcher) if negated => Self::Not(Box::new(matcher)),
            Some(matcher) => matcher,
            None => Self::Unknown {
                name: name.to_owned(),
                value: value.to_owned(),
            },
        }
    }

    fn parse_plain(name: &str, value: &str) -> Option<Self> {
        Some(match name {
            "src-address" => Self::SourceAddress(value.parse().ok()?),
            "dst-address" => Self::DestinationAddress(value.parse().ok()?),
            "src-address-list" => Self::SourceList(value.to_owned()),
            "dst-address-list" => Self::DestinationList(value.to_owned()),
            "in-interface" => Self::InInterface(value.to_owned()),
            "out-interface" => Self::OutInterface(value.to_owned()),
            "in-interface-list" => Self::InInterfaceList(value.to_owned()),
            "out-interface-list" => Self::OutInterfaceList(value.to_owned()),
            "protocol" => Self::Protocol(Protocol::from_name(value)?),
            "src-port" => Self::SourcePort(parse_ports(value)?),
            "dst-port" => Self::DestinationPort(parse_ports(value)?),
            "port" => Self::AnyPort(parse_ports(value)?),
            "connection-state" => Self::State(StateSet::parse(value)?),
            "connection-nat-state" => match value {
                "srcnat" => Self::SourceTranslated,
                "dstnat" => Self::DestinationTranslated,
                _ => return None,
            },
            "ipsec-policy" => {
                let (direction, policy) = value.split_once(',')?;
                Self::IpsecPolicy {
                    incoming: choose(direction, "in", "out")?,
                    protected: choose(policy, "ipsec", "none")?,
                }
            }
            "limit" | "dst-limit" => Self::Limit,
            _ => return None,
        })
    }

    /// Whether the packet meets the condition.
    #[must_use]
    pub fn holds(&self, packet: &Packet<'_>, lists: &dyn Lists) -> Truth {
        self.met_by(packet, lists)
    }

    /// The list this matcher asks about, if it asks about an address list, and for which end.
    pub(super) fn listed(&self) -> Option<(&str, Side)> {
        match self {
            Self::Not(matcher) => matcher.listed(),
            Self::SourceList(list) => Some((list, Side::Source)),
            Self::DestinationList(list) => Some((list, Side::Destination)),
            _ => None,
        }
    }
}

pub(super) fn in_ranges(port: u16, ranges: &[(u16, u16)]) -> bool {
    let mut ranges = ranges.iter();
    ranges.any(|(first, last)| (*first..=*last).contains(&port))
}

/// `80`, `80,443`, `1000-2000,8080`.
fn parse_ports(text: &str) -> Option<Vec<(u16, u16)>> {
    text.split(',')
        .map(|part| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last) = (first.parse().ok()?, last.parse().ok()?);
            (first <= last).then_some((first, last))
        })
        .collect()
}

fn choose(word: &str, yes: &str, no: &str) -> Option<bool> {
    match word {
        _ if word == yes => Some(true),
        _ if word == no => Some(false),
        _ => None,
    }
}
