//! The filter table of RouterOS as a pure function: rules, a packet and lists in, a verdict out.
//!
//! The router's check asks with it whether an unconfirmed tunnel would reach anything; the simulator asks with it
//! whether a packet passes. It reads rules as `/ip/firewall/filter/print` and `/ipv6/firewall/filter/print` give them, and
//! follows MikroTik's manual, *Filter* and *Common Firewall Matchers and Actions*: rules of a chain are tried from top to
//! bottom, the first terminating one that matches decides, `jump` and `return` move between chains, and what reaches
//! the end of a built-in chain is accepted.
//!
//! **Three values, not two.** A rule can carry a matcher that this module does not know (`layer7-protocol`, `time`), or
//! one that the packet does not say enough for. Such a rule is followed both ways: if both end the same, that is the
//! verdict; if they differ it is [`Verdict::CannotProve`], with the rule that is to blame. So an unknown
//! matcher in a rule that decides nothing costs nothing, and one that matters never yields a false *drop*.
//!
//! **FastTrack.** A packet of a fasttracked connection never sees the table ([`Decision::Fasttracked`]). A packet that
//! reaches a `fasttrack-connection` rule goes on to the next rule (which is why RouterOS's default configuration repeats
//! that rule with `accept`), and [`Evaluation::fasttrack`] says that its connection is fasttracked from then on.
//!
//! ```
//! use mikro2fa_router::firewall::{Hook, Packet, Rule, Ruleset, StaticLists, Verdict};
//!
//! let rules = Ruleset::new(vec![
//!     Rule::from_properties([("chain", "forward"), ("action", "accept"), ("dst-address-list", "reach")]),
//!     Rule::from_properties([("chain", "forward"), ("action", "drop"), ("src-address-list", "!permit")]),
//! ]);
//! let mut lists = StaticLists::default();
//! lists.add_address("permit", "10.8.0.4");
//!
//! let from = |source: &str| Packet::new(Hook::Forward, source.parse().unwrap(), "192.168.88.10".parse().unwrap());
//! assert_eq!(rules.evaluate(&from("10.8.0.4"), &lists).verdict(), Verdict::Pass);
//! assert_eq!(rules.evaluate(&from("10.8.0.5"), &lists).verdict(), Verdict::Drop);
//! ```

mod address;
mod evaluate;
mod lists;
mod matcher;
mod packet;
mod probe;
mod proof;
mod rule;
mod subject;
#[cfg(test)]
mod tests;

pub use address::{AddressSet, ParseAddressError};
pub use evaluate::{Decision, Doubt, DoubtReason, Evaluation, Fasttrack, Ruleset, Verdict};
pub use lists::{Lists, StaticLists};
pub use matcher::{Matcher, StateSet, Truth};
pub use packet::{ConnectionState, Hook, Nat, Packet, Protocol};
pub use probe::{End, Probe};
pub use proof::{Firewall, Judged, Proof, RuleAt, Table};
pub use rule::{Action, Rule};
