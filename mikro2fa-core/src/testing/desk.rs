//! A desk in few lines: users, accounts, routers.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::{
    desk::{
        Account, AccountKind, Before, ChatId, Gates, Language, Mode, NameMatching, Operator,
        Router, RouterConnection, Source, SourceKind, TransportKind, User,
    },
    directory::{DeskChange, Directory},
    id::{AccountId, OperatorId, RouterId, SourceId, UserId},
    policy::{Adopt, PolicyLevel, PolicyOverride, Unowned},
    secret::Secret,
    store::StoreError,
    time::Timestamp,
};

/// Collects what a desk holds, and fills a database with it.
///
/// Ids are counted, so that a run repeats itself. What a method sets by default can be changed through the record
/// that [`Desk::router_mut`] and its siblings give, until [`Desk::fill`].
#[derive(Clone, Debug)]
pub struct Desk {
    now: Timestamp,
    made: u64,
    system_policy: PolicyOverride,
    routers: BTreeMap<RouterId, Router>,
    sources: BTreeMap<SourceId, Source>,
    users: BTreeMap<UserId, User>,
    accounts: BTreeMap<AccountId, Account>,
    operators: BTreeMap<OperatorId, Operator>,
}

impl Desk {
    /// An empty desk. Records are made at `now`, and routers are under control since then.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self {
            now,
            made: 0,
            system_policy: PolicyOverride::default(),
            routers: BTreeMap::new(),
            sources: BTreeMap::new(),
            users: BTreeMap::new(),
            accounts: BTreeMap::new(),
            operators: BTreeMap::new(),
        }
    }

    fn next_id(&mut self) -> Uuid {
        self.made += 1;
        Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + u128::from(self.made))
    }

    /// A router with the address-list gate, enforcing, and its own PPP secrets as the source of its logins.
    pub fn router(&mut self, name: &str) -> RouterId {
        let id = RouterId::from_uuid(self.next_id());
        self.routers.insert(id, router(id, name, self.now));
        let source = SourceId::from_uuid(self.next_id());
        self.sources.insert(
            source,
            Source {
                id: source,
                kind: SourceKind::PppSecrets,
                matching: NameMatching::Exact,
                holder: Some(id),
                routers: vec![id],
            },
        );
        id
    }

    /// A user whose chat is linked.
    pub fn user(&mut self, name: &str, chat: i64) -> UserId {
        let id = UserId::from_uuid(self.next_id());
        self.users.insert(
            id,
            User {
                id,
                name: name.into(),
                chat: Some(ChatId(chat)),
                link_generation: 1,
                linked_at: Some(self.now),
                language: Language::En,
                zone_minutes: Some(0),
                suspended: false,
                unreachable: false,
                policy: PolicyLevel::default(),
                created_at: self.now,
                version: 0,
            },
        );
        id
    }

    /// A managed account in the router's own source.
    ///
    /// # Panics
    ///
    /// If `router` is none of this desk's.
    pub fn account(&mut self, router: RouterId, name: &str, owner: Option<UserId>) -> AccountId {
        let source = self.source_of(router);
        let id = AccountId::from_uuid(self.next_id());
        self.accounts.insert(
            id,
            Account {
                id,
                source,
                name: name.into(),
                owner,
                kind: AccountKind::Managed,
                handed_over: false,
                disabled: false,
                before: Before::default(),
                routes: Vec::new(),
                policy: PolicyLevel::default(),
                version: 0,
            },
        );
        id
    }

    /// Keeps an account in another kind of place on the router that holds it now.
    ///
    /// # Panics
    ///
    /// If `account` is none of this desk's.
    pub fn keep_in(&mut self, account: AccountId, kind: SourceKind) {
        let now = self.account_mut(account).source;
        let holder = self.sources.get(&now).and_then(|source| source.holder);
        let mut sources = self.sources.values();
        let there = sources.find(|source| source.holder == holder && source.kind == kind);
        let source = there.map(|source| source.id).unwrap_or_else(|| {
            let id = SourceId::from_uuid(self.next_id());
            let source = Source {
                id,
                kind,
                matching: NameMatching::Exact,
                holder,
                routers: holder.into_iter().collect(),
            };
            self.sources.insert(id, source);
            id
        });
        self.account_mut(account).source = source;
    }

    /// An operator who gets alerts in this chat.
    pub fn operator(&mut self, name: &str, chat: i64) -> OperatorId {
        let id = OperatorId::from_uuid(self.next_id());
        self.operators.insert(
            id,
            Operator {
                id,
                name: name.into(),
                chat: Some(ChatId(chat)),
                language: Language::En,
                created_at: self.now,
            },
        );
        id
    }

    /// The source that a router holds itself.
    ///
    /// # Panics
    ///
    /// If `router` is none of this desk's.
    #[must_use]
    pub fn source_of(&self, router: RouterId) -> SourceId {
        let own = self
            .sources
            .values()
            .find(|source| source.holder == Some(router));
        found(own).id
    }

    /// What the system level of policy sets.
    pub const fn policy_mut(&mut self) -> &mut PolicyOverride {
        &mut self.system_policy
    }

    /// A router, to be changed.
    ///
    /// # Panics
    ///
    /// If it is none of this desk's.
    pub fn router_mut(&mut self, id: RouterId) -> &mut Router {
        found(self.routers.get_mut(&id))
    }

    /// A source, to be changed.
    ///
    /// # Panics
    ///
    /// If it is none of this desk's.
    pub fn source_mut(&mut self, id: SourceId) -> &mut Source {
        found(self.sources.get_mut(&id))
    }

    /// A user, to be changed.
    ///
    /// # Panics
    ///
    /// If it is none of this desk's.
    pub fn user_mut(&mut self, id: UserId) -> &mut User {
        found(self.users.get_mut(&id))
    }

    /// An account, to be changed.
    ///
    /// # Panics
    ///
    /// If it is none of this desk's.
    pub fn account_mut(&mut self, id: AccountId) -> &mut Account {
        found(self.accounts.get_mut(&id))
    }

    /// All of it, in an order in which it can be made.
    #[must_use]
    pub fn changes(&self) -> Vec<DeskChange> {
        let policy = DeskChange::PutSystemPolicy(self.system_policy.clone());
        let routers = self.routers.values().cloned().map(DeskChange::PutRouter);
        let sources = self.sources.values().cloned().map(DeskChange::PutSource);
        let users = self.users.values().cloned().map(DeskChange::PutUser);
        let accounts = self.accounts.values().cloned().map(DeskChange::PutAccount);
        let operators = self.operators.values().cloned();
        std::iter::once(policy)
            .chain(routers)
            .chain(sources)
            .chain(users)
            .chain(accounts)
            .chain(operators.map(DeskChange::PutOperator))
            .collect()
    }

    /// Fills an empty database, in one change.
    ///
    /// # Errors
    ///
    /// What the database says.
    pub async fn fill(&self, directory: &dyn Directory) -> Result<(), StoreError> {
        directory.change(self.changes(), Vec::new()).await
    }
}

#[expect(
    clippy::expect_used,
    reason = "a test that asks for what it did not make is to fail there"
)]
fn found<T>(record: Option<T>) -> T {
    record.expect("the desk has made a record with this id")
}

fn router(id: RouterId, name: &str, now: Timestamp) -> Router {
    Router {
        id,
        name: name.into(),
        connection: RouterConnection {
            host: "127.0.0.1".into(),
            port: 8728,
            transport: TransportKind::Api,
            user: "mikro2fa".into(),
            password: Secret::new("not a real one"),
            pins: Vec::new(),
        },
        mode: Mode::Enforcing,
        observe_asks: true,
        gates: Gates::default(),
        unowned: Unowned::default(),
        adopt: Adopt::default(),
        since: now,
        poll_interval: 15,
        hook_key_hash: None,
        policy: PolicyLevel::default(),
        version: 0,
    }
}
