//! Port to the database: the desk. Who is who, lists for screens, keyboards of the chat.

mod keyboard;

use std::fmt;

use async_trait::async_trait;

use crate::{
    audit::AuditEntry,
    ban::Ban,
    desk::{
        Account, ChatId, GateOrder, Operator, Registration, RegistrationState, Router, RouterDesk,
        Source, User,
    },
    id::{
        AccountId, BanId, InstallationId, OperatorId, RegistrationId, RouterId, SessionId,
        SourceId, UserId,
    },
    policy::PolicyOverride,
    secret::Secret,
    session::{Session, StateName},
    store::StoreError,
    time::Timestamp,
    tunnel::Text,
};
pub use keyboard::{Keyboard, KeyboardId, Press};

/// The SHA-256 of something that must not be stored itself: a one-time code, a token.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digest of a text. Only for values with at least 50 bits of chance in them.
    #[must_use]
    pub fn of(text: &str) -> Self {
        use sha2::Digest as _;
        Self(sha2::Sha256::digest(text.as_bytes()).into())
    }

    /// In lower-case hexadecimal digits.
    #[must_use]
    pub fn hex(&self) -> String {
        use std::fmt::Write as _;
        self.0
            .iter()
            .fold(String::with_capacity(64), |mut text, byte| {
                let _ = write!(text, "{byte:02x}");
                text
            })
    }
}

/// One change at the desk. Records with a `version` win only against the version before theirs (0 = new).
#[non_exhaustive]
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DeskChange {
    /// Makes or changes a user.
    PutUser(User),
    /// Makes or changes an operator.
    PutOperator(Operator),
    /// Removes an operator.
    RemoveOperator(OperatorId),
    /// Makes or changes a source.
    PutSource(Source),
    /// Makes or changes an account. Its name must be new in its source.
    PutAccount(Account),
    /// Removes an account that has no open session.
    RemoveAccount(AccountId),
    /// Makes or changes a router; its password is sealed.
    PutRouter(Router),
    /// Removes a router, its own source and accounts.
    RemoveRouter(RouterId),
    /// Makes or changes a registration.
    PutRegistration(Registration),
    /// Makes a one-time code for a user; earlier ones of theirs die.
    PutLinkCode {
        /// The code's digest.
        digest: Digest,
        /// Whose.
        user: UserId,
        /// Good until then.
        until: Timestamp,
    },
    /// Uses a one-time code: [`StoreError::NotFound`] if it is unknown, used or over, and then nothing is changed.
    UseLinkCode {
        /// The code's digest.
        digest: Digest,
        /// Now.
        now: Timestamp,
    },
    /// Sets the system level of policy.
    PutSystemPolicy(PolicyOverride),
    /// Keeps a secret, sealed: the bot's token.
    PutSecret {
        /// Its name.
        name: Text,
        /// Its value.
        value: Secret,
    },
    /// Keeps a plain setting.
    PutSetting {
        /// Its name.
        name: Text,
        /// Its value.
        value: Text,
    },
    /// Makes an API token.
    PutToken(ApiToken),
    /// Ends an API token.
    RevokeToken(Digest),
    /// Keeps a rendered keyboard.
    PutKeyboard(Keyboard),
    /// Orders a router's gate shut or open. A later order takes the place of one that was not seen done.
    OrderGate(GateOrder),
    /// Writes down what is about to be done to a router, or that it was done. The same number is the same entry.
    PutJournal(JournalEntry),
    /// All that was done to a router was taken back.
    ForgetJournal(RouterId),
}

impl DeskChange {
    /// Does an engine that serves routers have to know of it?
    #[must_use]
    pub const fn concerns_engine(&self) -> bool {
        matches!(
            self,
            Self::PutUser(_)
                | Self::PutSource(_)
                | Self::PutAccount(_)
                | Self::RemoveAccount(_)
                | Self::PutRouter(_)
                | Self::RemoveRouter(_)
                | Self::PutSystemPolicy(_)
                | Self::OrderGate(_)
        )
    }
}

/// A change that preparing makes on a router: written down before it is made, so that whatever is cut in between, restoring
/// knows of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JournalEntry {
    /// On which router.
    pub router: RouterId,
    /// Its place in the router's journal, from 1.
    pub number: u32,
    /// What, and what was there before: in the words of the adapter that made it.
    pub deed: Text,
    /// Was it seen done? Otherwise it may or may not have been.
    pub done: bool,
    /// When it was begun.
    pub at: Timestamp,
}

/// A token of the REST API, as stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ApiToken {
    /// Its digest; the token itself is shown once.
    pub digest: Digest,
    /// What it is for.
    pub name: Text,
    /// When it was made.
    pub created_at: Timestamp,
    /// Good until then; none = until revoked.
    pub until: Option<Timestamp>,
}

/// Which sessions a list shows.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SessionFilter {
    /// Of this router.
    pub router: Option<RouterId>,
    /// Of this account.
    pub account: Option<AccountId>,
    /// Of this owner.
    pub owner: Option<UserId>,
    /// In this state.
    pub state: Option<StateName>,
    /// Only those that are not over.
    pub open: bool,
}

/// Which page of a list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PageOf {
    /// What the page before gave as `next`.
    pub after: Option<Text>,
    /// How many rows at most; 1 to 500.
    pub limit: usize,
}

impl Default for PageOf {
    fn default() -> Self {
        Self {
            after: None,
            limit: 50,
        }
    }
}

/// One page.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Page<T> {
    /// Its rows, the newest first.
    pub rows: Vec<T>,
    /// Where the next one begins; none = this is the last.
    pub next: Option<Text>,
}

/// An entry of the audit log with its place in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AuditRow {
    /// Its place in its chain, from 1.
    pub seq: u64,
    /// The entry.
    pub entry: AuditEntry,
}

/// What checking the audit log found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AuditReport {
    /// How many entries were checked.
    pub entries: u64,
    /// How many chains.
    pub chains: u64,
    /// The last hash of each chain, hexadecimal: keep it elsewhere, to see later whether the end was cut off.
    pub heads: Vec<(Text, Text)>,
    /// What is wrong, in words; empty = whole.
    pub problems: Vec<Text>,
}

/// What the desk needs of a database. Implemented beside [`crate::store::Store`] by the same adapter.
///
/// Contract, each a case of the conformance suite: `change` is all or nothing, its audit entries included; a record
/// with another version than the one before it is [`StoreError::Conflict`]; secrets come back as they went in, and
/// stand nowhere in the clear.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Directory: Send + Sync + fmt::Debug {
    /// Makes changes, in one transaction, with what the audit log says of them.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] and [`StoreError::NotFound`] name what stood against it; nothing was changed.
    async fn change(
        &self,
        changes: Vec<DeskChange>,
        audit: Vec<AuditEntry>,
    ) -> Result<(), StoreError>;

    /// Which installation this is: made with the database.
    ///
    /// # Errors
    ///
    /// See [`StoreError`].
    async fn installation(&self) -> Result<InstallationId, StoreError>;

    /// All that the engine needs to know to serve a router.
    ///
    /// # Errors
    ///
    /// See [`StoreError`].
    async fn router_desk(&self, router: RouterId) -> Result<Option<RouterDesk>, StoreError>;

    /// All routers, by name.
    ///
    /// # Errors
    ///
    /// See [`StoreError`].
    async fn routers(&self) -> Result<Vec<Router>, StoreError>;

    /// All sources.
    ///
    /// # Errors
    ///
    /// See [`StoreError`].
    async fn sources(&self) -> Result<Vec<Source>, StoreError>;

    /// One user.
    ///
    /// # Errors
    ///
    /// See [`StoreError`].
    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError>;

    /// The user whose chat this is.
    ///
    /// # Errors
    ///
    /// See [`StoreError`].
    async fn user_of_chat(&self, chat: ChatId) -> Result<Option<User>, StoreError>;

    /// Users, by id.
    ///
    /// # Errors
    ///
    /// See [`StoreError`].
    async fn users(&self, page: &PageOf) -> Result<Page<User>, StoreError>;

    /// One account.
    ///
    /// # Errors
    ///
    /// See [`StoreError`].
    async fn account(&self, id: AccountId) -> Result<Option<Account>, StoreError>;

    /// A user's accounts, by name.
    ///
    /// # Errors
    ///
    /// See [`StoreError`].
    async fn accounts_of(&self, user: UserId) -> Result<Vec<Account>, StoreError>;

    /// Accounts, by id; of one source, or all.
    ///
    /// # Errors
    ///
    /// See [`StoreError`].
    async fn accounts(
        &self,
        source: Option<SourceId>,
        page: &PageOf,
    ) -> Result<Page<Account>, StoreError>;

    /// All operators.
    ///
    /// # Errors
    ///
    /// See [`StoreError`].
    async fn operators(&self) -> Result<Vec<Operator>, StoreError>;

    /// The user that a one-time code is for, if it is good.
    ///
    /// # Errors
    ///
    /// See [`StoreError`].
    async fn link_code(&self, digest: Digest, now: Timestamp)
    -> Result<Option<UserId>, StoreError>;

    /// One registration.
    ///
    /// # Errors
    ///
    /// See [`StoreError`].
    async fn registration(&self, id: RegistrationId) -> Result<Option<Registration>, StoreError>;

    /// The latest registration from a chat.
    ///
    /// # Errors
    ///
    /// See [`StoreError`].
    async fn registration_of_chat(&self, chat: ChatId) -> Result<Option<Registration>, StoreError>;

    /// Registrations in this state, the oldest first; at most 100.
    ///
    /// # Errors
    ///
    /// See [`StoreError`].
    async fn registrations(
        &self,
        state: RegistrationState,
    ) -> Result<Vec<Registration>, StoreError>;

    /// What the system level of policy sets.
    ///
    /// # Errors
    ///
    /// See [`StoreError`].
    async fn system_policy(&self) -> Result<PolicyOverride, StoreError>;

    /// A kept secret.
    ///
    /// # Errors
    ///
    /// [`StoreError::Sealed`] if the key is not the one it was sealed with.
    async fn secret(&self, name: &str) -> Result<Option<Secret>, StoreError>;

    /// A kept setting.
    ///
    /// # Errors
    ///
    /// See [`StoreError`].
    async fn setting(&self, name: &str) -> Result<Option<Text>, StoreError>;

    /// An API token that is good now.
    ///
    /// # Errors
    ///
    /// See [`StoreError`].
    async fn token(&self, digest: Digest, now: Timestamp) -> Result<Option<ApiToken>, StoreError>;

    /// Is there any API token?
    ///
    /// # Errors
    ///
    /// See [`StoreError`].
    async fn has_tokens(&self) -> Result<bool, StoreError>;

    /// What preparing has done to a router and restoring has not taken back, in the order in which it was begun.
    ///
    /// # Errors
    ///
    /// See [`StoreError`].
    async fn journal(&self, router: RouterId) -> Result<Vec<JournalEntry>, StoreError>;

    /// A rendered keyboard.
    ///
    /// # Errors
    ///
    /// See [`StoreError`].
    async fn keyboard(&self, id: KeyboardId) -> Result<Option<Keyboard>, StoreError>;

    /// Sessions, the newest first.
    ///
    /// # Errors
    ///
    /// See [`StoreError`].
    async fn sessions(
        &self,
        filter: &SessionFilter,
        page: &PageOf,
    ) -> Result<Page<Session>, StoreError>;

    /// Bans that hold now, of one account or all.
    ///
    /// # Errors
    ///
    /// See [`StoreError`].
    async fn bans(
        &self,
        account: Option<AccountId>,
        now: Timestamp,
    ) -> Result<Vec<Ban>, StoreError>;

    /// One ban.
    ///
    /// # Errors
    ///
    /// See [`StoreError`].
    async fn ban(&self, id: BanId) -> Result<Option<Ban>, StoreError>;

    /// The audit log, the newest first; of one session, or all.
    ///
    /// # Errors
    ///
    /// See [`StoreError`].
    async fn audit(
        &self,
        session: Option<SessionId>,
        page: &PageOf,
    ) -> Result<Page<AuditRow>, StoreError>;

    /// The audit log of one router since then, the newest first.
    ///
    /// # Errors
    ///
    /// See [`StoreError`].
    async fn router_audit(
        &self,
        router: RouterId,
        since: Timestamp,
        page: &PageOf,
    ) -> Result<Page<AuditRow>, StoreError>;

    /// A number that grows with each [`Directory::change`] that an engine has to know of
    /// ([`DeskChange::concerns_engine`]), whichever process makes it. Cheap: it is asked for every few seconds.
    ///
    /// # Errors
    ///
    /// See [`StoreError`].
    async fn desk_version(&self) -> Result<u64, StoreError>;

    /// The order to switch a router's gate that was not yet seen done.
    ///
    /// # Errors
    ///
    /// See [`StoreError`].
    async fn gate_order(&self, router: RouterId) -> Result<Option<GateOrder>, StoreError>;

    /// Does a process serve this router now? True from when one holds it until that has given it up, or its hold was over a minute
    /// ago (clocks differ). Where holds do not lapse, whether one that was killed is known to be gone is the implementation's.
    ///
    /// # Errors
    ///
    /// See [`StoreError`].
    async fn is_served(&self, router: RouterId, now: Timestamp) -> Result<bool, StoreError>;

    /// Checks every chain of the audit log.
    ///
    /// # Errors
    ///
    /// See [`StoreError`]; what is found wrong is no error but part of the report.
    async fn verify_audit(&self) -> Result<AuditReport, StoreError>;

    /// Forgets keyboards, codes and updates that are over; says how many rows went.
    ///
    /// # Errors
    ///
    /// See [`StoreError`].
    async fn sweep(&self, now: Timestamp) -> Result<u64, StoreError>;
}
