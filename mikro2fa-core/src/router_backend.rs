//! Port to one router, in our words. Backends speak protocol.

use std::{net::IpAddr, time::Duration};

use async_trait::async_trait;
use futures_core::stream::BoxStream;
use serde::{Deserialize, Serialize};

pub use crate::gate::{GateSeen, Jumps};
use crate::{
    id::{NodeId, RouterId, SessionId},
    retry::Retry,
    time::Timestamp,
    tunnel::{Text, Tunnel, TunnelKey},
};

/// The right to act for one router.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fence {
    /// Which router.
    pub router: RouterId,
    /// Whose right.
    pub node: NodeId,
    /// Grows with each owner; stands in the comment of what we add.
    pub epoch: u64,
    /// Until when; [`Timestamp::MAX`] where one node owns everything.
    pub until: Timestamp,
}

/// What to look at. Parts that are not asked for stay what they were.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Look {
    /// Live tunnels; with [`Part::All`] the router's own uptime comes with them.
    pub tunnels: Part,
    /// Entries of the permit list; `These` names addresses.
    pub permits: Part,
    /// Entries of the ban list; `These` names addresses.
    pub bans: Part,
    /// Logins; `These` names them.
    pub accounts: Part,
    /// Firewall rules with `2FA` in their comment; `These` names comments.
    pub rules: Part,
    /// The gate itself, and the break-glass list.
    pub gate: bool,
}

impl Look {
    /// Everything, completely.
    #[must_use]
    pub const fn complete() -> Self {
        Self {
            tunnels: Part::All,
            permits: Part::All,
            bans: Part::All,
            accounts: Part::Nothing,
            rules: Part::All,
            gate: true,
        }
    }

    /// Asks for nothing?
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        matches!(self.tunnels, Part::Nothing)
            && matches!(self.permits, Part::Nothing)
            && matches!(self.bans, Part::Nothing)
            && matches!(self.accounts, Part::Nothing)
            && matches!(self.rules, Part::Nothing)
            && !self.gate
    }

    /// Asks for what either asks for.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            tunnels: self.tunnels.and(other.tunnels),
            permits: self.permits.and(other.permits),
            bans: self.bans.and(other.bans),
            accounts: self.accounts.and(other.accounts),
            rules: self.rules.and(other.rules),
            gate: self.gate || other.gate,
        }
    }
}

/// How much of one part is asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Part {
    /// None of it.
    #[default]
    Nothing,
    /// The rows of these names or addresses.
    These(Vec<Text>),
    /// All of it: what is not seen is not there.
    All,
}

impl Part {
    /// Asks for what either asks for.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::All, _) | (_, Self::All) => Self::All,
            (Self::Nothing, part) | (part, Self::Nothing) => part,
            (Self::These(mut these), Self::These(more)) => {
                these.extend(more);
                these.sort();
                these.dedup();
                Self::These(these)
            }
        }
    }
}

/// One part as it was seen: with `All` asked, what is not in `rows` is not there; with `These`, only for those.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Seen<T> {
    /// What was asked.
    pub asked: Part,
    /// What was there.
    pub rows: Vec<T>,
    /// When the look was begun.
    pub at: Timestamp,
}

/// What a look saw. A part that was not asked for, or that broke off in the middle, is `None`.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Observed {
    /// How long the router has been up, and when that was asked; a smaller one than expected is a reboot. Comes with a look at
    /// all tunnels, unless the backend knows for sure that the router has not restarted since it last told.
    pub router_uptime: Option<(Duration, Timestamp)>,
    /// Live tunnels.
    pub tunnels: Option<Seen<Tunnel>>,
    /// The permit list.
    pub permits: Option<Seen<PermitRow>>,
    /// The ban list.
    pub bans: Option<Seen<PermitRow>>,
    /// Logins.
    pub accounts: Option<Seen<AccountRow>>,
    /// Rules with `2FA` in their comment.
    pub rules: Option<Seen<RuleRow>>,
    /// The gate; none also from a backend that cannot judge one ([`Capabilities::gate`]).
    pub gate: Option<GateSeen>,
}

/// An entry of the permit or the ban list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PermitRow {
    /// Its id on the router; good as long as the connection it was learnt on.
    pub handle: Text,
    /// Whose it is.
    pub tag: PermitTag,
    /// For which address; with its prefix length where it is no single address.
    pub address: Prefix,
    /// How long it still lives; none = for ever.
    pub left: Option<Duration>,
}

/// An address with its prefix length.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Prefix {
    /// The network's address.
    pub address: IpAddr,
    /// How many leading bits count.
    pub length: u8,
}

impl Prefix {
    /// A single address.
    #[must_use]
    pub const fn host(address: IpAddr) -> Self {
        let length = if address.is_ipv4() { 32 } else { 128 };
        Self { address, length }
    }

    /// Is it a single address?
    #[must_use]
    pub const fn is_host(&self) -> bool {
        self.length == if self.address.is_ipv4() { 32 } else { 128 }
    }

    /// Does an address belong to it? One of the other family never does.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let shared = |bits: u32, a: u128, b: u128| {
            let off = bits.saturating_sub(u32::from(self.length));
            (a ^ b).checked_shr(off).unwrap_or(0) == 0
        };
        match (self.address, address) {
            (IpAddr::V4(a), IpAddr::V4(b)) => shared(32, a.to_bits().into(), b.to_bits().into()),
            (IpAddr::V6(a), IpAddr::V6(b)) => shared(128, a.to_bits(), b.to_bits()),
            _ => false,
        }
    }
}

impl std::fmt::Display for Prefix {
    /// As RouterOS writes it: a single address without its length (MikroTik manual, Address-lists).
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.is_host() {
            self.address.fmt(f)
        } else {
            write!(f, "{}/{}", self.address, self.length)
        }
    }
}

/// Whose entry it is, by its comment `mikro2fa <installation> <session> <epoch>`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PermitTag {
    /// Ours.
    Ours {
        /// For which session.
        session: SessionId,
        /// Written by which owner of the router.
        epoch: u64,
    },
    /// Of another installation of mikro2fa, by its eight digits.
    OtherInstallation(Text),
    /// Somebody else's: the comment as it stands.
    Foreign(Text),
}

/// A login as the router has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AccountRow {
    /// Its id on the router.
    pub handle: Text,
    /// Its name.
    pub name: Text,
    /// In which kind of place.
    pub source: crate::desk::SourceKind,
    /// May it log in?
    pub enabled: bool,
    /// Its comment.
    pub comment: Text,
    /// Fixed routes behind it, as far as they read as prefixes.
    pub routes: Vec<Prefix>,
}

/// A firewall rule with `2FA` in its comment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RuleRow {
    /// Its id on the router.
    pub handle: Text,
    /// Its whole comment.
    pub comment: Text,
    /// Does it count?
    pub enabled: bool,
    /// In which chain.
    pub chain: Text,
    /// What it does.
    pub action: Text,
    /// How many rules with a comment stand above it in its chain; none where not all of them were asked for.
    pub place: Option<u32>,
}

/// A hint that something changed. It never decides anything: it causes a look.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Hint {
    /// Tunnels changed.
    Tunnels,
    /// Something may have been missed: take a full look.
    Gap,
}

/// How long a permit lives on the router without being renewed: at least 1 s, because 0 s is for ever on RouterOS
/// (MikroTik manual, Address-lists: an entry without time-out is static).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Lease {
    most: Duration,
    not_after: Timestamp,
}

impl Lease {
    /// At most `most`, and never past `not_after`; none where less than a second would be left at `now`.
    #[must_use]
    pub fn new(most: Duration, not_after: Timestamp, now: Timestamp) -> Option<Self> {
        let lease = Self { most, not_after };
        lease.seconds_at(now).map(|_| lease)
    }

    /// What is written, computed when the bytes are written: whole seconds, rounded down, at least 1.
    #[must_use]
    pub fn seconds_at(&self, now: Timestamp) -> Option<u64> {
        let seconds = self.most.min(self.not_after.since(now)).as_secs();
        (seconds >= 1).then_some(seconds)
    }

    /// The longest that an entry written at `now` could live.
    #[must_use]
    pub fn longest(&self, now: Timestamp) -> Timestamp {
        (now + self.most).min(self.not_after)
    }
}

/// An order, idempotent, in our words.
#[non_exhaustive]
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Command {
    /// Takes an entry off the permit list, whosesoever of ours it is.
    Revoke {
        /// Whose.
        session: SessionId,
        /// For which address.
        address: Prefix,
        /// Its id, if it is known on this connection.
        known: Option<Text>,
    },
    /// Ends a live tunnel, if it still is the one that this key names.
    CutTunnel {
        /// Which.
        key: TunnelKey,
        /// Its login's name, compared before it is cut where the transport can.
        account: Text,
    },
    /// Removes tracked connections of an address: clean-up for the `rule` gate.
    ForgetConnections {
        /// Which address.
        address: IpAddr,
    },
    /// Has a User Manager end what it still takes for live sessions of a login at an address, where it can reach the router:
    /// clean-up after a cut.
    CloseSessions {
        /// The login's name.
        account: Text,
        /// Which address its tunnel had.
        address: IpAddr,
    },
    /// Enables or disables a login.
    SetAccount {
        /// In which kind of place.
        source: crate::desk::SourceKind,
        /// Its name.
        name: Text,
        /// May it log in?
        enabled: bool,
    },
    /// Enables or disables a rule, found by its whole comment; ambiguous or absent is refused.
    SetRule {
        /// Its whole comment.
        comment: Text,
        /// Its id, if it is known on this connection.
        known: Option<Text>,
        /// Does it count?
        enabled: bool,
    },
    /// Switches the gate: all its jumps. Refused where one is missing.
    SetGate {
        /// Shut?
        enabled: bool,
    },
    /// Puts right what is ours of the gate: its own rules, their order, its lists and profiles, and last its jumps. Touches
    /// nothing that is not ours, and makes no gate where there is none.
    MendGate,
    /// Tells the router's dead man's switch that we live: an entry of ours on the list that it looks at, for so long. Whatever of
    /// ours was on it goes, so that the last one counts, also a shorter one.
    KeepAlive {
        /// How long.
        lease: Lease,
    },
    /// Puts a tunnel's address on the ban list, under a lease.
    Ban {
        /// Whose tunnel.
        session: SessionId,
        /// Which address.
        address: Prefix,
        /// How long.
        lease: Lease,
    },
    /// Takes an entry off the ban list.
    Unban {
        /// For which address.
        address: Prefix,
        /// Its id, if it is known on this connection.
        known: Option<Text>,
    },
    /// Puts an address on the permit list. An entry of ours for the same address is replaced, a foreign one refuses.
    Permit {
        /// For which session.
        session: SessionId,
        /// Which address.
        address: Prefix,
        /// How long.
        lease: Lease,
    },
    /// Lets entries of the permit list live on. One that has gone meanwhile is `Refused`.
    Renew {
        /// Whose.
        session: SessionId,
        /// For which address.
        address: Prefix,
        /// Its id.
        known: Text,
        /// How long.
        lease: Lease,
    },
}

impl Command {
    /// Does it let something through? What closes goes first, and is awaited.
    #[must_use]
    pub const fn opens(&self) -> bool {
        matches!(
            self,
            Self::Permit { .. }
                | Self::Renew { .. }
                | Self::KeepAlive { .. }
                | Self::Unban { .. }
                | Self::SetAccount { enabled: true, .. }
                | Self::SetRule { enabled: true, .. }
                | Self::SetGate { enabled: false }
        )
    }
}

/// What became of one command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Applied {
    /// Done; with the id of what was made.
    Done {
        /// The new entry's id.
        handle: Option<Text>,
    },
    /// It was so already.
    AlreadySo,
    /// The router said no.
    Refused {
        /// In its words.
        reason: Text,
        /// Again or not?
        retry: Retry,
    },
    /// No reply came: it may have been done, or still be.
    Unknown,
    /// It was not sent.
    NotSent,
}

/// Why a router could not be asked.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RouterError {
    /// No way there.
    #[error("router cannot be reached: {0}")]
    Unreachable(Text),
    /// Wrong name or password.
    #[error("router refused the login of user {0}: check name, password and allowed address")]
    LoginRefused(Text),
    /// Another certificate or host key than the pinned one.
    #[error("the router's certificate or host key is not the pinned one: {0}")]
    WrongIdentity(Text),
    /// Too old, or unknown.
    #[error("RouterOS {0} is not supported: 6.49 and 7 are")]
    UnsupportedVersion(Text),
    /// No answer in time.
    #[error("router did not answer in time")]
    TimedOut,
    /// The right to act has gone.
    #[error("the right to act for this router has gone to another node")]
    Fenced,
    /// What this transport or version cannot do.
    #[error("cannot do this: {0}")]
    Unsupported(&'static str),
    /// The login may not do it.
    #[error("router refused: {0}")]
    Refused(Text),
    /// Not what the protocol allows.
    #[error("router broke the protocol: {0}")]
    Protocol(Text),
}

impl RouterError {
    /// Again or not?
    #[must_use]
    pub const fn retry(&self) -> Retry {
        match self {
            Self::Unreachable(_) | Self::TimedOut | Self::Protocol(_) => {
                Retry::After(Duration::from_secs(1))
            }
            Self::LoginRefused(_) | Self::WrongIdentity(_) | Self::Refused(_) => {
                Retry::After(Duration::from_secs(30))
            }
            Self::UnsupportedVersion(_) | Self::Fenced | Self::Unsupported(_) => Retry::Never,
        }
    }
}

/// What a router is.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Identity {
    /// Its own name.
    pub name: Text,
    /// Its version, as it says it.
    pub version: Text,
    /// Its board.
    pub board: Text,
    /// How long it has been up.
    pub uptime: Duration,
    /// What can be done with it this way.
    pub capabilities: Capabilities,
}

/// What can be done with a router over this transport.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Capabilities {
    /// Hints without asking.
    pub watch: bool,
    /// Many commands in flight.
    pub pipeline: bool,
    /// PPP.
    pub ppp: bool,
    /// A User Manager.
    pub user_manager: bool,
    /// WireGuard.
    pub wireguard: bool,
    /// IPv6 firewall.
    pub ipv6: bool,
    /// Address lists with time-outs.
    pub leases: bool,
    /// Can it be told whether the gate is whole? Where not, a router that was prepared is taken at its word.
    pub gate: bool,
}

/// One router.
///
/// The engine has at most one `identify`, `observe` or `apply`, and one `watch`, running at a time. Contract, each a
/// case of the conformance suite: `observe` dropped changes nothing; `apply` gives one outcome each, in order, and is
/// never `Err` once a byte was written; closing twice is `AlreadySo`; `watch` begins with `Gap`, and says `Gap`
/// whenever it may have missed something.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait RouterBackend: Send + Sync {
    /// What it is. Connects, if it is not connected.
    ///
    /// # Errors
    ///
    /// See [`RouterError`].
    async fn identify(&self) -> Result<Identity, RouterError>;

    /// Reads what `look` asks; a part that broke off in the middle is `None`. Cancel safe: nothing was changed.
    ///
    /// # Errors
    ///
    /// See [`RouterError`]; the connection is given up on time-outs.
    async fn observe(&self, look: &Look) -> Result<Observed, RouterError>;

    /// Sends commands in order, checks `fence` before each write, stops at nothing: one outcome each. Commands of one
    /// call may run at the same time on the router: what depends on another's outcome goes in a later call. Dropping
    /// the future closes the connection; what was sent is unknown.
    ///
    /// # Errors
    ///
    /// Only before the first byte was written.
    async fn apply(&self, fence: &Fence, commands: &[Command])
    -> Result<Vec<Applied>, RouterError>;

    /// Hints from now on; begins with [`Hint::Gap`]. Dropping it ends it.
    ///
    /// # Errors
    ///
    /// [`RouterError::Unsupported`] where the transport has none.
    async fn watch(&self) -> Result<BoxStream<'static, Result<Hint, RouterError>>, RouterError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_lease_is_for_ever() {
        let now = Timestamp(1_000_000);
        let lease = |most: u64, left: i64| {
            Lease::new(Duration::from_millis(most), Timestamp(now.0 + left), now)
        };
        assert_eq!(lease(600_000, 999), None);
        assert_eq!(lease(500, 60_000), None);
        assert_eq!(
            lease(600_000, 1_999).and_then(|l| l.seconds_at(now)),
            Some(1)
        );
        assert_eq!(
            lease(600_000, 3_600_000).and_then(|l| l.seconds_at(now)),
            Some(600)
        );
        let late = lease(600_000, 10_000).and_then(|l| l.seconds_at(Timestamp(now.0 + 9_500)));
        assert_eq!(late, None, "written too late, it is not written at all");
    }
}
