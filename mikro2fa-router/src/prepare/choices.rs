//! What the administrator decides before a router is prepared.

use std::{collections::BTreeSet, net::Ipv4Addr};

use mikro2fa_core::{desk::TransportKind, secret::Secret, tunnel::Text};

use crate::gate::{Coverage, GateNames, Guarded};

/// What is done about PPPoE: its tunnels are a provider's subscribers as often as they are remote workers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Subscribers {
    /// Prepare refuses where a PPPoE server is enabled, until somebody says which of the two it is.
    #[default]
    Ask,
    /// They are held like every other tunnel.
    Cover,
    /// They are never held.
    Exempt,
}

/// The call of a webhook when a tunnel comes or goes. It only makes mikro2fa look sooner.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Webhook {
    /// Where mikro2fa hears: `https://mikro2fa.example/hook/ppp`.
    pub url: Text,
    /// The router's key. Everybody who can read the router's configuration sees it, so it is good for nothing else.
    pub key: Secret,
}

/// The daily login, which watches and controls: it can read and write, and not make users.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Login {
    /// How mikro2fa comes: decides which policy its group has.
    pub transport: TransportKind,
    /// The password that it gets.
    pub password: Secret,
    /// Was this login tried just now, and let in? If not, and the user is there, its password is set anew.
    pub works: bool,
    /// From where mikro2fa comes, as the router sees it (behind NAT that is another address than its own). None = from where
    /// the set-up login is logged in now.
    pub from: Option<Text>,
}

/// Everything that is decided before a router is prepared.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Choices {
    /// What the parts of the gate are called. Names of a set-up made by hand are taken over; what they meant is not: what is
    /// not permitted is dropped, whatever a script did so far.
    pub names: GateNames,
    /// Which tunnels are held.
    pub coverage: Coverage,
    /// With [`Coverage::Chosen`]: these accounts.
    pub chosen: BTreeSet<Text>,
    /// Accounts that are never held: links between sites, the way of whoever administers.
    pub exempt: BTreeSet<Text>,
    /// Logins of the User Manager on the router are never held either. They are no part of the plan; the profile that they are exempt by
    /// is made, whether a secret needs it or not.
    pub exempt_users: bool,
    /// Accounts that were exempt and shall be so no more.
    pub cover_again: BTreeSet<Text>,
    /// PPPoE.
    pub subscribers: Subscribers,
    /// The set-up login's name: its session is the hand that must not be cut.
    pub set_up_user: Text,
    /// The daily login.
    pub login: Login,
    /// Leave the jumps disabled: the gate is built and holds nobody.
    pub observe: bool,
    /// Have profiles call the webhook.
    pub webhook: Option<Webhook>,
    /// Give each covered account without one a fixed address from this range: then an address never changes hands.
    pub fixed_addresses: Option<(Ipv4Addr, Ipv4Addr)>,
    /// What the router switches off by itself when it does not hear of mikro2fa any more.
    pub guarded: Guarded,
    /// Let only mikro2fa's address come to the service that it uses.
    pub restrict_service: bool,
    /// Give the router's API over TLS a certificate of its own, for this host: its name or address, as mikro2fa reaches it.
    pub api_tls: Option<Text>,
    /// Have the router drop packets whose source cannot be where they come from.
    pub strict_sources: bool,
}

impl Choices {
    /// The defaults for everything but who logs in.
    #[must_use]
    pub fn new(set_up_user: impl Into<Text>, login: Login) -> Self {
        Self {
            names: GateNames::default(),
            coverage: Coverage::default(),
            chosen: BTreeSet::new(),
            exempt: BTreeSet::new(),
            exempt_users: false,
            cover_again: BTreeSet::new(),
            subscribers: Subscribers::default(),
            set_up_user: set_up_user.into(),
            login,
            observe: false,
            webhook: None,
            fixed_addresses: None,
            guarded: Guarded::default(),
            restrict_service: false,
            api_tls: None,
            strict_sources: false,
        }
    }
}
