//! A router's desk, with its look-ups ready.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    desk::{
        Account, GateOrder, NameMatching, Router, RouterDesk, RuleBinding, Source, SourceKind, User,
    },
    id::{AccountId, InstallationId, SourceId, UserId},
    policy::Policy,
    tunnel::Text,
};

/// A router's desk: accounts by id and by the name that a tunnel gives, policies resolved.
#[derive(Clone, Debug)]
pub struct Desk {
    installation: InstallationId,
    router: Router,
    sources: BTreeMap<SourceId, Source>,
    accounts: BTreeMap<AccountId, Account>,
    exact: BTreeMap<Text, AccountId>,
    folded: BTreeMap<Text, AccountId>,
    users: BTreeMap<UserId, Arc<User>>,
    /// Of accounts for which the account itself or its owner sets something.
    policies: BTreeMap<AccountId, Policy>,
    default_policy: Policy,
    /// Operators have named a network behind an account.
    has_routes: bool,
    order: Option<GateOrder>,
}

impl Desk {
    /// Makes the look-ups.
    #[must_use]
    pub fn new(desk: RouterDesk) -> Self {
        let levels = [&desk.system_policy, &*desk.router.policy];
        let default_policy = Policy::resolve(levels);
        let users: BTreeMap<UserId, Arc<User>> =
            desk.users.into_iter().map(|user| (user.id, user)).collect();
        let sources: BTreeMap<SourceId, Source> = desk
            .sources
            .into_iter()
            .map(|source| (source.id, source))
            .collect();
        let (mut exact, mut folded) = (BTreeMap::new(), BTreeMap::new());
        let mut policies = BTreeMap::new();
        for account in &desk.accounts {
            let matching = sources
                .get(&account.source)
                .map_or(NameMatching::Exact, |s| s.matching);
            let names = if matching == NameMatching::Exact {
                &mut exact
            } else {
                &mut folded
            };
            let key = match matching {
                NameMatching::Exact => Arc::clone(&account.name),
                NameMatching::Folded => matching.key(&account.name),
            };
            // The router asks RADIUS only about names that are not among its own secrets (MikroTik manual, PPP AAA): who is
            // up under a name that stands in both is the secret's.
            let secret = |id: &AccountId| {
                let known = desk.accounts.iter().find(|account| account.id == *id);
                let source = known.and_then(|account| sources.get(&account.source));
                source.is_some_and(|source| source.kind == SourceKind::PppSecrets)
            };
            if names.get(&key).is_none_or(|id| !secret(id)) {
                names.insert(key, account.id);
            }
            let owner = account.owner.and_then(|owner| users.get(&owner));
            let user = owner.map(|owner| &owner.policy);
            let nearer = [Some(&account.policy), user].into_iter().flatten();
            // Most accounts have the router's own: a policy each would be most of what a desk takes.
            if nearer.clone().any(|level| !level.is_empty()) {
                let all = levels.into_iter().chain(nearer.map(|level| &**level));
                policies.insert(account.id, Policy::resolve(all));
            }
        }
        let mut accounts = desk.accounts.iter();
        let has_routes = accounts.any(|account| !account.routes.is_empty());
        Self {
            has_routes,
            installation: desk.installation,
            router: desk.router,
            sources,
            accounts: desk
                .accounts
                .into_iter()
                .map(|account| (account.id, account))
                .collect(),
            exact,
            folded,
            users,
            policies,
            default_policy,
            order: desk.order,
        }
    }

    /// Which installation we are.
    #[must_use]
    pub const fn installation(&self) -> InstallationId {
        self.installation
    }

    /// The router.
    #[must_use]
    pub const fn router(&self) -> &Router {
        &self.router
    }

    /// The order to switch the gate that was not yet seen done.
    #[must_use]
    pub const fn order(&self) -> Option<GateOrder> {
        self.order
    }

    /// This order was seen done, and that is written down.
    #[cfg(feature = "engine")]
    pub(crate) fn order_done(&mut self, at: crate::time::Timestamp) {
        if self.order.is_some_and(|order| order.at == at) {
            self.order = None;
        }
    }

    /// An account by its id.
    #[must_use]
    pub fn account(&self, id: AccountId) -> Option<&Account> {
        self.accounts.get(&id)
    }

    /// Have operators named a network behind any account?
    pub(crate) const fn has_routes(&self) -> bool {
        self.has_routes
    }

    /// The account that a tunnel's name means.
    #[must_use]
    pub fn account_named(&self, name: &str) -> Option<&Account> {
        let id = self
            .exact
            .get(name)
            .or_else(|| self.folded.get(&NameMatching::Folded.key(name)))?;
        self.accounts.get(id)
    }

    /// A user by its id, if it owns an account here.
    #[must_use]
    pub fn user(&self, id: UserId) -> Option<&Arc<User>> {
        self.users.get(&id)
    }

    /// The owner of an account.
    #[must_use]
    pub fn owner(&self, account: &Account) -> Option<&Arc<User>> {
        account.owner.and_then(|owner| self.users.get(&owner))
    }

    /// The policy of an account; the router's where nothing else is set, or the account is not known.
    #[must_use]
    pub fn policy(&self, account: AccountId) -> &Policy {
        self.policies.get(&account).unwrap_or(&self.default_policy)
    }

    /// The router's own policy.
    #[must_use]
    pub const fn default_policy(&self) -> &Policy {
        &self.default_policy
    }

    /// Rules that are bound to an account, or to its owner.
    pub fn rules_of<'a>(&'a self, account: &'a Account) -> impl Iterator<Item = &'a RuleBinding> {
        let rules = self.router.gates.rules.iter();
        rules.filter(|binding| binding.to.concerns(account))
    }

    /// Is a tunnel under this name one that a rule follows?
    #[must_use]
    pub fn follows(&self, binding: &RuleBinding, name: &str) -> bool {
        let account = self.account_named(name);
        account.is_some_and(|account| binding.to.concerns(account))
    }

    /// All users that own an account here.
    pub fn users(&self) -> impl Iterator<Item = &Arc<User>> {
        self.users.values()
    }

    /// All accounts.
    pub fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.accounts.values()
    }

    /// Accounts that mikro2fa may disable and enable.
    pub fn handed_over(&self) -> impl Iterator<Item = &Account> {
        self.accounts.values().filter(|account| account.handed_over)
    }

    /// In which kind of place on this router an account is kept; none if elsewhere.
    #[must_use]
    pub fn source_kind(&self, account: &Account) -> Option<SourceKind> {
        let source = self.sources.get(&account.source)?;
        (source.holder == Some(self.router.id)).then_some(source.kind)
    }
}
