//! Who is who: users, operators, sources, accounts, routers. What the desk edits, and the engine reads.

use std::{net::IpAddr, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    id::{AccountId, InstallationId, OperatorId, RegistrationId, RouterId, SourceId, UserId},
    policy::{Adopt, PolicyLevel, PolicyOverride, Unowned},
    secret::Secret,
    time::Timestamp,
    tunnel::Text,
};

/// A language that texts exist in.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// Russian.
    Ru,
}

/// A private chat in Telegram: its numeric id, which is the person's own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ChatId(pub i64);

/// A person with a Telegram chat.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct User {
    /// Whose id this is.
    pub id: UserId,
    /// The name that operators know.
    pub name: Text,
    /// The linked chat; none until a code was used.
    pub chat: Option<ChatId>,
    /// Grows with each link, so that buttons of an earlier chat are dead.
    pub link_generation: u32,
    /// When the chat was linked.
    pub linked_at: Option<Timestamp>,
    /// The language of texts.
    pub language: Language,
    /// Minutes east of UTC in which times are shown; none until the person has chosen.
    pub zone_minutes: Option<i16>,
    /// Paused by an operator: nothing opens.
    pub suspended: bool,
    /// Telegram said that this chat cannot be written to (bot blocked, account deleted).
    pub unreachable: bool,
    /// What this person's policy sets.
    pub policy: PolicyLevel,
    /// When the record was made.
    pub created_at: Timestamp,
    /// Counts changes, so that two editors cannot overwrite each other.
    pub version: u32,
}

/// A person who administers. Signs in by a token, or acts in the chat of the user that is theirs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Operator {
    /// Whose id this is.
    pub id: OperatorId,
    /// The name shown to others.
    pub name: Text,
    /// The chat that alerts go to.
    pub chat: Option<ChatId>,
    /// The language of alerts.
    pub language: Language,
    /// When the record was made.
    pub created_at: Timestamp,
}

/// How names of one source are compared.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NameMatching {
    /// Letter by letter (PPP secrets).
    #[default]
    Exact,
    /// Without case, without `DOMAIN\` before and `@realm` behind (RADIUS servers that do so).
    Folded,
}

impl NameMatching {
    /// The form under which equal names are equal.
    #[must_use]
    pub fn key(self, name: &str) -> Text {
        match self {
            Self::Exact => name.into(),
            Self::Folded => {
                let name = name.rsplit_once('\\').map_or(name, |(_, name)| name);
                let name = name.split_once('@').map_or(name, |(name, _)| name);
                name.to_lowercase().into()
            }
        }
    }
}

/// What kind of place logins are kept in.
#[non_exhaustive]
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// A router's PPP secrets.
    #[default]
    PppSecrets,
    /// A User Manager, on this router or another.
    UserManager,
    /// A RADIUS server that is not ours: accounts are known by name only.
    Radius,
}

/// Where logins are kept; serves one or more routers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Source {
    /// Whose id this is.
    pub id: SourceId,
    /// What kind of place.
    pub kind: SourceKind,
    /// How names match.
    pub matching: NameMatching,
    /// The router that holds it; none for RADIUS.
    pub holder: Option<RouterId>,
    /// The routers whose logins it decides.
    pub routers: Vec<RouterId>,
}

/// How an account is treated.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountKind {
    /// Asked about: the normal case.
    #[default]
    Managed,
    /// A site link: never asked about, open on the router itself.
    Exempt,
}

/// What a login was on its router before mikro2fa changed it: what it is given back as.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Before {
    /// May it log in? None where it is not handed over, or was given back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Its profile, empty where it had none of its own; none where it is not exempt, or was given back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<Text>,
}

/// A VPN login of one source.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Account {
    /// Whose id this is.
    pub id: AccountId,
    /// Where it is kept.
    pub source: SourceId,
    /// The login's name.
    pub name: Text,
    /// Who owns it; none = unowned.
    pub owner: Option<UserId>,
    /// Asked about, or not.
    pub kind: AccountKind,
    /// Handed over: mikro2fa may disable and enable it on the router (gate `account`).
    pub handed_over: bool,
    /// Switched off at the desk: its sessions end, and its tunnels are held.
    #[serde(default)]
    pub disabled: bool,
    /// What its login was before mikro2fa changed it.
    #[serde(default)]
    pub before: Before,
    /// Fixed routes behind it (`routes` of the secret), permitted and revoked with the tunnel's own address.
    pub routes: Vec<(IpAddr, u8)>,
    /// What this account's policy sets.
    pub policy: PolicyLevel,
    /// Counts changes.
    pub version: u32,
}

/// A firewall rule with `2FA` in its comment that was bound to an account or a user: gate `rule`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RuleBinding {
    /// The rule's whole comment, by which it is found again.
    pub comment: Text,
    /// Enabled while this one has a confirmed tunnel and no other.
    #[serde(flatten)]
    pub to: Bound,
}

/// Whose tunnels a bound rule follows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// Those of one account.
    Account(AccountId),
    /// Those of all accounts that this user owns.
    User(UserId),
}

impl Bound {
    /// Is this one of the accounts?
    #[must_use]
    pub fn concerns(&self, account: &Account) -> bool {
        match self {
            Self::Account(id) => account.id == *id,
            Self::User(id) => account.owner == Some(*id),
        }
    }
}

/// Does mikro2fa act on a router, or only say what it would have done?
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The gate is shut.
    #[default]
    Enforcing,
    /// Jumps disabled, permits virtual.
    Observing,
}

/// How a router is reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransportKind {
    /// RouterOS API in the clear. Only where an operator says so.
    #[default]
    Api,
    /// RouterOS API over TLS.
    ApiTls,
    /// Console over SSH.
    Ssh,
    /// Console over SSH, with the SHA-1 algorithms that RouterOS 6 needs. Only where an operator says so.
    SshLegacy,
}

/// Where a router is and how to log in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RouterConnection {
    /// Host name or address.
    pub host: Text,
    /// TCP port.
    pub port: u16,
    /// Which service.
    pub transport: TransportKind,
    /// The daily login.
    pub user: Text,
    /// Its password. Over SSH it may be a private key, with its passphrase on the line behind it.
    pub password: Secret,
    /// SHA-256 fingerprints of certificates or host keys that are trusted, lower-case hex.
    pub pins: Vec<Text>,
}

/// What the parts of a router's gate are called: the one place where that is kept. Chosen when a router is prepared, so that
/// lists made by hand are taken over.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct ListNames {
    /// Address list: addresses that are let through.
    pub permit: Text,
    /// Address list: addresses that reach nothing at all.
    pub ban: Text,
    /// Address list: what quarantine reaches.
    pub reach: Text,
    /// Address list: the operators' break-glass list.
    pub emergency: Text,
    /// Address list: holds one renewed entry while we live: the dead man's switch reads it.
    pub alive: Text,
    /// Interface list: the tunnels that are held.
    pub covered: Text,
    /// Interface list: the tunnels that are not.
    pub exempt: Text,
    /// The gate's chain for what is forwarded.
    pub forward_chain: Text,
    /// The gate's chain for what goes to the router.
    pub input_chain: Text,
    /// The profile of covered accounts.
    pub profile: Text,
    /// The profile of exempt accounts.
    pub exempt_profile: Text,
    /// The daily login.
    pub user: Text,
    /// Its group.
    pub group: Text,
    /// How the comments of the gate's own rows begin.
    pub comment: Text,
}

impl Default for ListNames {
    fn default() -> Self {
        Self {
            permit: "mikro2fa-permit".into(),
            ban: "mikro2fa-ban".into(),
            reach: "mikro2fa-reach".into(),
            emergency: "mikro2fa-emergency".into(),
            alive: "mikro2fa-alive".into(),
            covered: "mikro2fa-covered".into(),
            exempt: "mikro2fa-exempt".into(),
            forward_chain: "mikro2fa-forward".into(),
            input_chain: "mikro2fa-input".into(),
            profile: "mikro2fa-vpn".into(),
            exempt_profile: "mikro2fa-exempt-vpn".into(),
            user: "mikro2fa".into(),
            group: "mikro2fa-daily".into(),
            comment: "mikro2fa gate".into(),
        }
    }
}

/// The means of holding a tunnel back that a router has.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct Gates {
    /// The address-list gate was prepared. Without it the router is *weak*.
    pub address_list: bool,
    /// What its parts are called.
    pub lists: Box<ListNames>,
    /// Bound rules.
    pub rules: Vec<RuleBinding>,
}

impl Default for Gates {
    fn default() -> Self {
        Self {
            address_list: true,
            lists: Box::default(),
            rules: Vec::new(),
        }
    }
}

/// One RouterOS device under control.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Router {
    /// Whose id this is.
    pub id: RouterId,
    /// The name shown to people.
    pub name: Text,
    /// How it is reached.
    pub connection: RouterConnection,
    /// Acted on, or only watched.
    pub mode: Mode,
    /// What holds tunnels back there.
    pub gates: Gates,
    /// Are owners asked while it is only observed? If not, it is written down that they would have been.
    pub observe_asks: bool,
    /// Tunnels of accounts that nobody owns.
    pub unowned: Unowned,
    /// Tunnels from before.
    pub adopt: Adopt,
    /// When this router was taken under control, or last switched to enforcing: tunnels up before are *from before*.
    pub since: Timestamp,
    /// How often it is looked at, in seconds. Default 15.
    pub poll_interval: u32,
    /// SHA-256 of the key that its webhook calls carry, lower-case hex; none = no webhook.
    pub hook_key_hash: Option<Text>,
    /// What this router's policy sets.
    pub policy: PolicyLevel,
    /// Counts changes.
    pub version: u32,
}

impl Router {
    /// Switches between observing and enforcing at `now`: the record, and the order that has the gate follow it.
    ///
    /// The same mode again is the order again: who says so finds the gate in another state than the record. Tunnels that
    /// are up when enforcing begins are *from before*.
    #[must_use]
    pub fn switched(self, mode: Mode, now: Timestamp) -> (Self, GateOrder) {
        let order = GateOrder {
            router: self.id,
            mode,
            at: now,
        };
        let since = if mode == Mode::Enforcing && self.mode == Mode::Observing {
            now
        } else {
            self.since
        };
        (
            Self {
                mode,
                since,
                ..self
            },
            order,
        )
    }
}

/// An operator's order to shut or to open a router's gate, kept until it was seen done.
///
/// A gate that is found in another state without an order was switched by somebody on the router.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct GateOrder {
    /// Of which router.
    pub router: RouterId,
    /// What it is switched to.
    pub mode: Mode,
    /// When that was said; two orders differ in it.
    pub at: Timestamp,
}

/// All that the engine needs to know to serve one router.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RouterDesk {
    /// Which installation we are: stands in our comments.
    pub installation: InstallationId,
    /// The router.
    pub router: Router,
    /// The sources that decide its logins.
    pub sources: Vec<Source>,
    /// Their accounts.
    pub accounts: Vec<Account>,
    /// Owners of these accounts.
    pub users: Vec<Arc<User>>,
    /// What the system level of policy sets.
    pub system_policy: PolicyOverride,
    /// The order to switch its gate that was not yet seen done.
    pub order: Option<GateOrder>,
}

/// What became of a registration.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RegistrationState {
    /// An operator has to look.
    Pending,
    /// Somebody became a user.
    Approved,
    /// Not let in.
    Rejected,
    /// Taken back by the person.
    Withdrawn,
}

/// Somebody's wish to be let in as a user.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Registration {
    /// Whose id this is.
    pub id: RegistrationId,
    /// From which chat.
    pub chat: ChatId,
    /// The name they gave.
    pub name: Text,
    /// What Telegram calls them; changes at their will.
    pub telegram_name: Text,
    /// The language their Telegram is in.
    pub language: Language,
    /// When it was sent.
    pub at: Timestamp,
    /// What became of it.
    pub state: RegistrationState,
}

mod index;

pub use index::Desk;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folded_names_are_one() {
        for name in [
            "ann",
            "ANN",
            "CORP\\Ann",
            "ann@example.com",
            "CORP\\ANN@example.com",
        ] {
            assert_eq!(&*NameMatching::Folded.key(name), "ann", "{name}");
        }
        assert_ne!(
            NameMatching::Exact.key("ANN"),
            NameMatching::Exact.key("ann")
        );
    }
}
