//! The desk's records, and what may become of them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    desk::{Account, GateOrder, Operator, Registration, Router, RouterDesk, Source, User},
    directory::{ApiToken, DeskChange, Digest, JournalEntry, Keyboard, KeyboardId},
    id::{
        AccountId, InstallationId, OperatorId, RegistrationId, RouterId, SessionId, SourceId,
        UserId,
    },
    policy::PolicyOverride,
    secret::Secret,
    session::Session,
    store::StoreError,
    time::Timestamp,
    tunnel::Text,
};

#[derive(Clone, Debug)]
pub(super) struct Records {
    pub(super) installation: InstallationId,
    pub(super) users: BTreeMap<UserId, User>,
    pub(super) operators: BTreeMap<OperatorId, Operator>,
    pub(super) sources: BTreeMap<SourceId, Source>,
    pub(super) accounts: BTreeMap<AccountId, Account>,
    pub(super) routers: BTreeMap<RouterId, Router>,
    pub(super) registrations: BTreeMap<RegistrationId, Registration>,
    pub(super) codes: BTreeMap<Digest, LinkCode>,
    pub(super) system_policy: PolicyOverride,
    pub(super) secrets: BTreeMap<Text, Secret>,
    pub(super) settings: BTreeMap<Text, Text>,
    pub(super) tokens: BTreeMap<Digest, ApiToken>,
    pub(super) keyboards: BTreeMap<KeyboardId, Keyboard>,
    pub(super) orders: BTreeMap<RouterId, GateOrder>,
    pub(super) version: u64,
    pub(super) journal: BTreeMap<(RouterId, u32), JournalEntry>,
}

#[derive(Clone, Debug)]
pub(super) struct LinkCode {
    pub(super) user: UserId,
    pub(super) until: Timestamp,
}

type Sessions = BTreeMap<SessionId, Session>;

impl Records {
    pub(super) fn new(installation: InstallationId) -> Self {
        Self {
            installation,
            users: BTreeMap::new(),
            operators: BTreeMap::new(),
            sources: BTreeMap::new(),
            accounts: BTreeMap::new(),
            routers: BTreeMap::new(),
            registrations: BTreeMap::new(),
            codes: BTreeMap::new(),
            system_policy: PolicyOverride::default(),
            secrets: BTreeMap::new(),
            settings: BTreeMap::new(),
            tokens: BTreeMap::new(),
            keyboards: BTreeMap::new(),
            orders: BTreeMap::new(),
            version: 0,
            journal: BTreeMap::new(),
        }
    }

    /// Makes one change, or says what stands against it. The caller keeps the records from before.
    pub(super) fn apply(
        &mut self,
        change: DeskChange,
        sessions: &Sessions,
    ) -> Result<(), StoreError> {
        self.version += u64::from(change.concerns_engine());
        match change {
            DeskChange::PutUser(user) => self.put_user(user),
            DeskChange::PutOperator(operator) => {
                self.operators.insert(operator.id, operator);
                Ok(())
            }
            DeskChange::RemoveOperator(id) => removed(self.operators.remove(&id), "operator"),
            DeskChange::PutSource(source) => self.put_source(source),
            DeskChange::PutAccount(account) => self.put_account(account),
            DeskChange::RemoveAccount(id) => self.remove_account(id, sessions),
            DeskChange::PutRouter(router) => self.put_router(router),
            DeskChange::RemoveRouter(id) => self.remove_router(id),
            DeskChange::PutRegistration(registration) => {
                self.registrations.insert(registration.id, registration);
                Ok(())
            }
            DeskChange::PutLinkCode {
                digest,
                user,
                until,
            } => self.put_link_code(digest, user, until),
            DeskChange::UseLinkCode { digest, now } => {
                let good = self.link_code(digest, now).is_some();
                removed(
                    good.then(|| self.codes.remove(&digest)).flatten(),
                    "link code",
                )
            }
            DeskChange::PutSystemPolicy(policy) => {
                self.system_policy = policy;
                Ok(())
            }
            DeskChange::PutSecret { name, value } => {
                self.secrets.insert(name, value);
                Ok(())
            }
            DeskChange::PutSetting { name, value } => {
                self.settings.insert(name, value);
                Ok(())
            }
            DeskChange::PutToken(token) => {
                self.tokens.insert(token.digest, token);
                Ok(())
            }
            DeskChange::RevokeToken(digest) => removed(self.tokens.remove(&digest), "token"),
            DeskChange::PutKeyboard(keyboard) => {
                self.keyboards.insert(keyboard.id, keyboard);
                Ok(())
            }
            DeskChange::OrderGate(order) => {
                known(self.routers.contains_key(&order.router), "router")?;
                self.orders.insert(order.router, order);
                Ok(())
            }
            DeskChange::PutJournal(entry) => {
                if !self.routers.contains_key(&entry.router) {
                    return Err(StoreError::NotFound("router"));
                }
                self.journal.insert((entry.router, entry.number), entry);
                Ok(())
            }
            DeskChange::ForgetJournal(router) => {
                self.journal.retain(|(of, _), _| *of != router);
                Ok(())
            }
        }
    }

    fn put_user(&mut self, user: User) -> Result<(), StoreError> {
        let stored = self.users.get(&user.id).map(|stored| stored.version);
        check_version(stored, user.version, "user")?;
        let taken = self
            .users
            .values()
            .any(|other| other.id != user.id && other.chat.is_some() && other.chat == user.chat);
        if taken {
            return Err(conflict("this chat is linked to another user"));
        }
        self.users.insert(user.id, user);
        Ok(())
    }

    fn put_source(&mut self, source: Source) -> Result<(), StoreError> {
        let named = source.holder.iter().chain(&source.routers);
        for router in named {
            known(self.routers.contains_key(router), "router")?;
        }
        self.sources.insert(source.id, source);
        Ok(())
    }

    fn put_account(&mut self, account: Account) -> Result<(), StoreError> {
        let stored = self.accounts.get(&account.id).map(|stored| stored.version);
        check_version(stored, account.version, "account")?;
        let source = self.sources.get(&account.source);
        let matching = source.ok_or(StoreError::NotFound("source"))?.matching;
        if let Some(owner) = account.owner {
            known(self.users.contains_key(&owner), "user")?;
        }
        let key = matching.key(&account.name);
        let taken = self.accounts.values().any(|other| {
            other.id != account.id
                && other.source == account.source
                && matching.key(&other.name) == key
        });
        if taken {
            return Err(conflict("this source has an account of that name"));
        }
        self.accounts.insert(account.id, account);
        Ok(())
    }

    fn remove_account(&mut self, id: AccountId, sessions: &Sessions) -> Result<(), StoreError> {
        let open = sessions
            .values()
            .any(|session| session.account == id && session.is_open());
        if open {
            return Err(conflict("the account has an open session: end it first"));
        }
        removed(self.accounts.remove(&id), "account")
    }

    fn put_router(&mut self, router: Router) -> Result<(), StoreError> {
        let stored = self.routers.get(&router.id).map(|stored| stored.version);
        check_version(stored, router.version, "router")?;
        self.routers.insert(router.id, router);
        Ok(())
    }

    fn remove_router(&mut self, id: RouterId) -> Result<(), StoreError> {
        removed(self.routers.remove(&id), "router")?;
        self.orders.remove(&id);
        self.journal.retain(|(of, _), _| *of != id);
        self.sources.retain(|_, source| source.holder != Some(id));
        for source in self.sources.values_mut() {
            source.routers.retain(|router| *router != id);
        }
        self.accounts
            .retain(|_, account| self.sources.contains_key(&account.source));
        Ok(())
    }

    fn put_link_code(
        &mut self,
        digest: Digest,
        user: UserId,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        known(self.users.contains_key(&user), "user")?;
        self.codes.retain(|_, code| code.user != user);
        self.codes.insert(digest, LinkCode { user, until });
        Ok(())
    }

    pub(super) fn link_code(&self, digest: Digest, now: Timestamp) -> Option<UserId> {
        let code = self.codes.get(&digest)?;
        (now < code.until).then_some(code.user)
    }

    fn sources_of_router(&self, router: RouterId) -> impl Iterator<Item = &Source> {
        self.sources
            .values()
            .filter(move |source| source.routers.contains(&router))
    }

    pub(super) fn accounts_of_router(&self, router: RouterId) -> BTreeSet<AccountId> {
        let sources: BTreeSet<SourceId> = self
            .sources_of_router(router)
            .map(|source| source.id)
            .collect();
        self.accounts
            .values()
            .filter(|account| sources.contains(&account.source))
            .map(|account| account.id)
            .collect()
    }

    pub(super) fn router_desk(&self, router: RouterId) -> Option<RouterDesk> {
        let accounts: Vec<Account> = self
            .accounts_of_router(router)
            .iter()
            .filter_map(|id| self.accounts.get(id).cloned())
            .collect();
        let owners: BTreeSet<UserId> = accounts
            .iter()
            .filter_map(|account| account.owner)
            .collect();
        Some(RouterDesk {
            installation: self.installation,
            router: self.routers.get(&router)?.clone(),
            sources: self.sources_of_router(router).cloned().collect(),
            users: owners
                .iter()
                .filter_map(|id| self.users.get(id).cloned().map(Arc::new))
                .collect(),
            accounts,
            system_policy: self.system_policy.clone(),
            order: self.orders.get(&router).copied(),
        })
    }

    /// Forgets keyboards and codes that are over; says how many.
    pub(super) fn sweep(&mut self, now: Timestamp) -> usize {
        let before = self.keyboards.len() + self.codes.len();
        self.keyboards.retain(|_, keyboard| now < keyboard.ends_at);
        self.codes.retain(|_, code| now < code.until);
        before - self.keyboards.len() - self.codes.len()
    }
}

fn conflict(why: &'static str) -> StoreError {
    StoreError::Conflict(why.into())
}

fn known(is_known: bool, what: &'static str) -> Result<(), StoreError> {
    is_known.then_some(()).ok_or(StoreError::NotFound(what))
}

fn removed<T>(record: Option<T>, what: &'static str) -> Result<(), StoreError> {
    record.map(|_| ()).ok_or(StoreError::NotFound(what))
}

/// A record wins only against the version before its own; 0 = new.
fn check_version(stored: Option<u32>, version: u32, what: &str) -> Result<(), StoreError> {
    if stored == version.checked_sub(1) {
        return Ok(());
    }
    Err(StoreError::Conflict(
        format!("this {what} was changed meanwhile: read it again").into(),
    ))
}
