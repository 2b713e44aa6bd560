//! The gate itself, as a look finds it: is it whole, and if not, what is wrong with it?
//!
//! What a session calls for and what the lists hold can be in perfect order while everybody passes: a jump is disabled, a
//! rule was dragged above it, a server has another profile. So the gate is looked at too. A gate that does not *hold* lets
//! through what was not confirmed; until it holds again, unconfirmed tunnels are cut instead of held. A gate that is not
//! *whole* but holds is mended and told about, and nobody is cut.

use std::{fmt, time::Duration};

use crate::{router_backend::Prefix, time::Timestamp, tunnel::Text};

/// What a look found of the gate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GateSeen {
    /// When the look was begun.
    pub at: Timestamp,
    /// Its switch.
    pub jumps: Jumps,
    /// What else is wrong with it; each jump that is missing or does not count is named here too, unless all are disabled.
    pub faults: Vec<GateFault>,
    /// What stands on the break-glass list: it passes without us.
    pub emergency: Vec<EmergencyEntry>,
}

impl GateSeen {
    /// A gate with nothing wrong.
    #[must_use]
    pub const fn whole(at: Timestamp) -> Self {
        Self {
            at,
            jumps: Jumps::Enabled,
            faults: Vec::new(),
            emergency: Vec::new(),
        }
    }

    /// Is everything as it was made?
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.jumps == Jumps::Enabled && self.faults.is_empty()
    }

    /// Does it hold what was not confirmed?
    #[must_use]
    pub fn holds(&self) -> bool {
        self.jumps == Jumps::Enabled && !self.faults.iter().any(|fault| fault.opens)
    }

    /// Is something wrong with it that is ours to mend? A jump that is disabled is, whoever disabled it.
    #[must_use]
    pub fn can_be_mended(&self) -> bool {
        self.jumps == Jumps::Disabled || self.faults.iter().any(|fault| fault.ours)
    }

    /// Does this address pass by the break-glass list?
    #[must_use]
    pub fn is_emergency(&self, address: std::net::IpAddr) -> bool {
        self.emergency
            .iter()
            .any(|entry| entry.address.contains(address))
    }
}

/// The jumps into the gate's chains: one for each chain and address family, and together its only switch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Jumps {
    /// Some are missing, or all: the router is not prepared, or no longer.
    Missing,
    /// All are there and count: the gate is shut.
    Enabled,
    /// All are there and none counts: everything passes.
    Disabled,
    /// All are there, and only some count.
    Mixed,
}

impl Jumps {
    /// The switch, by how many are there, how many of them count, and how many there have to be.
    #[must_use]
    pub const fn of(there: usize, enabled: usize, all: usize) -> Self {
        if there < all || there == 0 {
            Self::Missing
        } else if enabled == 0 {
            Self::Disabled
        } else if enabled == there {
            Self::Enabled
        } else {
            Self::Mixed
        }
    }

    /// Is this how they have to be?
    #[must_use]
    pub const fn are(self, enabled: bool) -> bool {
        matches!(
            (self, enabled),
            (Self::Enabled, true) | (Self::Disabled, false)
        )
    }
}

/// Something about the gate that is not as it was made.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct GateFault {
    /// What kind of thing.
    pub kind: GateFaultKind,
    /// Which, in words that an administrator finds it by. Holds what others wrote.
    pub what: Text,
    /// Does something pass by it that was not confirmed?
    pub opens: bool,
    /// Can it be mended without touching what is not ours?
    pub ours: bool,
}

impl fmt::Display for GateFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.what)
    }
}

/// What can be wrong with a gate.
#[non_exhaustive]
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum GateFaultKind {
    /// A jump is missing, disabled or changed.
    Jump,
    /// A rule before the jump lets packets of covered tunnels through.
    Above,
    /// A rule of ours is missing, disabled, changed or out of order.
    Rule,
    /// Somebody else's rule stands in the gate's own chain.
    Stranger,
    /// Covered traffic can be fasttracked: what runs outlives its permit.
    Fasttrack,
    /// The list of covered tunnels is not as it was made.
    Cover,
    /// A server gives its tunnels another profile than the gate's.
    Profile,
    /// The profile's lines that close an address at hand-over are missing.
    HandOver,
    /// It could not be read.
    Unreadable,
}

impl GateFaultKind {
    /// One word, for metrics and JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Jump => "jump",
            Self::Above => "above",
            Self::Rule => "rule",
            Self::Stranger => "stranger",
            Self::Fasttrack => "fasttrack",
            Self::Cover => "cover",
            Self::Profile => "profile",
            Self::HandOver => "hand-over",
            Self::Unreadable => "unreadable",
        }
    }
}

impl fmt::Display for GateFaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Jump => "the switch",
            Self::Above => "a rule above the gate",
            Self::Rule => "a rule of the gate",
            Self::Stranger => "a strange rule in the gate's chain",
            Self::Fasttrack => "FastTrack",
            Self::Cover => "the list of covered tunnels",
            Self::Profile => "a VPN server's profile",
            Self::HandOver => "closing an address at hand-over",
            Self::Unreadable => "reading the gate",
        })
    }
}

/// An entry of the break-glass list.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct EmergencyEntry {
    /// Which address passes.
    pub address: Prefix,
    /// Its comment, as somebody wrote it.
    pub comment: Text,
    /// How long it still lives; none = for ever.
    pub left: Option<Duration>,
}

/// How a router's gate stands, for screens.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum GateStatus {
    /// Not looked at yet.
    #[default]
    Unseen,
    /// The router is only watched: the gate is meant to be open.
    Observing,
    /// The router has no address-list gate: it is weak.
    None,
    /// As it was made.
    Whole,
    /// It holds, and something about it is not as it was made.
    Marred,
    /// It does not hold: unconfirmed tunnels are cut.
    Broken,
}

impl GateStatus {
    /// One word, for JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unseen => "unseen",
            Self::Observing => "observing",
            Self::None => "none",
            Self::Whole => "whole",
            Self::Marred => "marred",
            Self::Broken => "broken",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(opens: bool) -> GateFault {
        GateFault {
            kind: GateFaultKind::Rule,
            what: "banned".into(),
            opens,
            ours: true,
        }
    }

    #[test]
    fn a_gate_holds_by_its_switch_and_by_what_opens_it() {
        let whole = GateSeen::whole(Timestamp(0));
        assert!(whole.is_whole() && whole.holds() && !whole.can_be_mended());
        let cases = [
            (Jumps::Enabled, vec![fault(false)], true),
            (Jumps::Enabled, vec![fault(false), fault(true)], false),
            (Jumps::Disabled, vec![], false),
            (Jumps::Mixed, vec![], false),
            (Jumps::Missing, vec![], false),
        ];
        for (jumps, faults, holds) in cases {
            let seen = GateSeen {
                jumps,
                faults,
                ..whole.clone()
            };
            assert!(!seen.is_whole(), "{seen:?}");
            assert_eq!(seen.holds(), holds, "{seen:?}");
        }
    }
}
