//! The desk: who is who, lists for screens, keyboards of the chat. One code for both databases.

use std::sync::Arc;

use async_trait::async_trait;
use diesel::prelude::*;
use mikro2fa_core::{
    audit::AuditEntry,
    ban::Ban,
    desk::{
        Account, ChatId, GateOrder, Operator, Registration, RegistrationState, Router, RouterDesk,
        Source, User,
    },
    directory::{
        ApiToken, AuditReport, AuditRow, DeskChange, Digest, Directory, JournalEntry, Keyboard,
        KeyboardId, Page, PageOf, SessionFilter,
    },
    id::{AccountId, BanId, InstallationId, RegistrationId, RouterId, SessionId, SourceId, UserId},
    policy::PolicyOverride,
    secret::Secret,
    session::Session,
    store::{Memory, StoreError},
    time::Timestamp,
    tunnel::Text,
};

use crate::{
    audit_log,
    connection::AnyConnection,
    error::Outcome,
    rows::{
        self,
        account::{AccountRow, SourceRow},
        audit::EntryRow,
        from_json, id,
        journal::JournalRow,
        keyboard::{KeyboardRow, TokenRow, keyboard_id},
        name,
        person::{OperatorRow, RegistrationRow, UserRow},
        router::{OrderRow, RouterRow},
    },
    schema::{
        accounts, api_tokens, bans, books, gate_orders, keyboards, link_codes, meta, operators,
        registrations, router_journal, router_leases, routers, secrets, settings, source_routers,
        sources, users,
    },
    store::DieselStore,
    writer::{Writer, is_file_served},
};

mod change;
mod lists;

/// As many registrations as are shown at once.
const REGISTRATIONS: i64 = 100;

/// Names in the table `meta`.
const INSTALLATION: &str = "installation";
const CLOCK: &str = "clock";
const SYSTEM_POLICY: &str = "system_policy";
const DESK_VERSION: &str = "desk_version";

fn known(connection: &mut AnyConnection, name: &str) -> Outcome<Option<String>> {
    Ok(meta::table
        .find(name)
        .select(meta::value)
        .first(connection)
        .optional()?)
}

fn keep(connection: &mut AnyConnection, name: &str, value: &str) -> Outcome<()> {
    diesel::delete(meta::table.find(name)).execute(connection)?;
    diesel::insert_into(meta::table)
        .values((meta::name.eq(name), meta::value.eq(value)))
        .execute(connection)?;
    Ok(())
}

/// Makes the installation's id, if this database has none yet.
pub(crate) fn found_installation(connection: &mut AnyConnection, now: i64) -> Outcome<()> {
    connection.dialect().lock_desk()?;
    if known(connection, INSTALLATION)?.is_some() {
        return Ok(());
    }
    let mut random = [0; 10];
    getrandom::fill(&mut random)
        .map_err(|error| StoreError::Unavailable(format!("no random numbers: {error}").into()))?;
    let made = u64::try_from(now).unwrap_or_default();
    let id = uuid::Builder::from_unix_timestamp_millis(made, &random).into_uuid();
    let id = InstallationId::from_uuid(id).to_string();
    keep(connection, INSTALLATION, &id)
}

/// See [`mikro2fa_core::store::Store::touch_clock`].
pub(crate) fn touch_clock(
    connection: &mut AnyConnection,
    now: Timestamp,
) -> Outcome<Option<Timestamp>> {
    let before: Option<Timestamp> = known(connection, CLOCK)?
        .map(|text| from_json("the last wall time", &text))
        .transpose()?;
    if before.is_none_or(|before| before < now) {
        keep(connection, CLOCK, &now.millis().to_string())?;
    }
    Ok(before)
}

/// See [`mikro2fa_core::store::Store::memory`]. Bans that are over by now come too: whoever asks knows the time.
pub(crate) fn memory(connection: &mut AnyConnection, router: RouterId) -> Outcome<Memory> {
    connection.read(|connection| {
        let decided = || {
            accounts::table
                .inner_join(
                    source_routers::table.on(source_routers::source_id.eq(accounts::source_id)),
                )
                .filter(source_routers::router_id.eq(router.to_string()))
                .select(accounts::id)
        };
        let stored: Vec<(String, String)> = books::table
            .filter(books::account_id.eq_any(decided()))
            .order(books::account_id)
            .load(connection)?;
        let books = stored
            .into_iter()
            .map(|(account, book)| Ok((id("an account", &account)?, from_json("a book", &book)?)))
            .collect::<Outcome<_>>()?;
        let stored: Vec<String> = bans::table
            .filter(bans::account_id.eq_any(decided()))
            .order(bans::id)
            .select(bans::ban)
            .load(connection)?;
        let bans = stored
            .iter()
            .map(|ban| Ok(rows::ban::ban(ban)?))
            .collect::<Outcome<_>>()?;
        Ok(Memory { books, bans })
    })
}

fn read_sources(connection: &mut AnyConnection, of: Option<RouterId>) -> Outcome<Vec<Source>> {
    let mut served: Vec<(String, String)> = source_routers::table
        .order((source_routers::source_id, source_routers::place))
        .select((source_routers::source_id, source_routers::router_id))
        .load(connection)?;
    if let Some(router) = of.map(|router| router.to_string()) {
        let wanted: Vec<String> = served
            .iter()
            .filter(|(_, serves)| *serves == router)
            .map(|(source, _)| source.clone())
            .collect();
        served.retain(|(source, _)| wanted.contains(source));
    }
    let stored: Vec<SourceRow> = sources::table.order(sources::id).load(connection)?;
    let mut found = Vec::with_capacity(stored.len());
    for row in stored {
        let routers = served
            .iter()
            .filter(|(source, _)| *source == row.id)
            .map(|(_, router)| id("a source's router", router))
            .collect::<Result<Vec<RouterId>, _>>()?;
        if of.is_none() || !routers.is_empty() {
            found.push(row.source(routers)?);
        }
    }
    Ok(found)
}

/// See [`Directory::desk_version`].
fn read_desk_version(connection: &mut AnyConnection) -> Outcome<u64> {
    let stored = known(connection, DESK_VERSION)?;
    let version = stored.map(|text| from_json("the desk's version", &text));
    Ok(version.transpose()?.unwrap_or_default())
}

fn read_order(connection: &mut AnyConnection, router: RouterId) -> Outcome<Option<GateOrder>> {
    let row: Option<OrderRow> = gate_orders::table
        .find(router.to_string())
        .first(connection)
        .optional()?;
    Ok(row.map(rows::router::order).transpose()?)
}

/// Clocks of nodes and server may differ by this much, in milliseconds.
const CLOCKS_DIFFER: i64 = 60_000;

fn read_served(connection: &mut AnyConnection, router: RouterId, now: Timestamp) -> Outcome<bool> {
    let holds = router_leases::table
        .find(router.to_string())
        .filter(router_leases::node_id.is_not_null())
        .filter(router_leases::until.gt(now.millis().saturating_sub(CLOCKS_DIFFER)));
    let count: i64 = holds.count().get_result(connection)?;
    Ok(count > 0)
}

fn read_system_policy(connection: &mut AnyConnection) -> Outcome<PolicyOverride> {
    match known(connection, SYSTEM_POLICY)? {
        Some(policy) => Ok(from_json("the system's policy", &policy)?),
        None => Ok(PolicyOverride::default()),
    }
}

fn read_installation(connection: &mut AnyConnection) -> Outcome<InstallationId> {
    let stored = known(connection, INSTALLATION)?
        .ok_or_else(|| StoreError::Corrupt("it has no installation id".into()))?;
    Ok(id("the installation", &stored)?)
}

/// Reads rows as domain records.
macro_rules! each {
    ($rows:expr, $record:expr) => {
        $rows
            .into_iter()
            .map($record)
            .collect::<Result<Vec<_>, StoreError>>()
    };
}

fn read_router_desk(
    connection: &mut AnyConnection,
    key: &crate::sealed::Key,
    router: RouterId,
) -> Outcome<Option<RouterDesk>> {
    let stored: Option<RouterRow> = routers::table
        .find(router.to_string())
        .first(connection)
        .optional()?;
    let Some(stored) = stored else {
        return Ok(None);
    };
    let sources = read_sources(connection, Some(router))?;
    let ids: Vec<String> = sources.iter().map(|source| source.id.to_string()).collect();
    let stored_accounts: Vec<AccountRow> = accounts::table
        .filter(accounts::source_id.eq_any(&ids))
        .order(accounts::id)
        .load(connection)?;
    let owners = accounts::table
        .filter(accounts::source_id.eq_any(&ids))
        .filter(accounts::owner_id.is_not_null())
        .select(accounts::owner_id.assume_not_null());
    let stored_users: Vec<UserRow> = users::table
        .filter(users::id.eq_any(owners))
        .order(users::id)
        .load(connection)?;
    Ok(Some(RouterDesk {
        installation: read_installation(connection)?,
        router: stored.router(key)?,
        sources,
        accounts: each!(stored_accounts, AccountRow::account)?,
        users: each!(stored_users, |row: UserRow| row.user().map(Arc::new))?,
        system_policy: read_system_policy(connection)?,
        order: read_order(connection, router)?,
    }))
}

#[async_trait]
impl Directory for DieselStore {
    async fn change(
        &self,
        changes: Vec<DeskChange>,
        audit: Vec<AuditEntry>,
    ) -> Result<(), StoreError> {
        let entries = each!(&audit, EntryRow::new)?;
        let key = self.shared.key.clone();
        let work = move |writer: &mut Writer| {
            writer.audited(|connection, log| {
                connection.dialect().lock_desk()?;
                if changes.iter().any(DeskChange::concerns_engine) {
                    let next = read_desk_version(connection)? + 1;
                    keep(connection, DESK_VERSION, &next.to_string())?;
                }
                for change in changes {
                    change::apply(connection, &key, change)?;
                }
                log.append(connection, &entries.iter().collect::<Vec<_>>())
            })
        };
        self.shared.writer.run(work).await
    }

    async fn installation(&self) -> Result<InstallationId, StoreError> {
        self.read(read_installation).await
    }

    async fn router_desk(&self, router: RouterId) -> Result<Option<RouterDesk>, StoreError> {
        let key = self.shared.key.clone();
        self.read(move |c| c.read(|c| read_router_desk(c, &key, router)))
            .await
    }

    async fn routers(&self) -> Result<Vec<Router>, StoreError> {
        let stored: Vec<RouterRow> = self
            .read(|c| Ok(routers::table.order((routers::name, routers::id)).load(c)?))
            .await?;
        each!(stored, |row: RouterRow| row.router(&self.shared.key))
    }

    async fn sources(&self) -> Result<Vec<Source>, StoreError> {
        self.read(|c| c.read(|c| read_sources(c, None))).await
    }

    async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        let row: Option<UserRow> = self
            .read(move |c| Ok(users::table.find(id.to_string()).first(c).optional()?))
            .await?;
        row.map(UserRow::user).transpose()
    }

    async fn user_of_chat(&self, chat: ChatId) -> Result<Option<User>, StoreError> {
        let query = users::table.filter(users::chat.eq(chat.0));
        let row: Option<UserRow> = self.read(move |c| Ok(query.first(c).optional()?)).await?;
        row.map(UserRow::user).transpose()
    }

    async fn users(&self, page: &PageOf) -> Result<Page<User>, StoreError> {
        let (after, at_most) = lists::place::<UserId>(page)?;
        let after = after.map(|id| id.to_string()).unwrap_or_default();
        let query = users::table
            .filter(users::id.gt(after))
            .order(users::id)
            .limit(at_most + 1);
        let stored: Vec<UserRow> = self.read(move |c| Ok(query.load(c)?)).await?;
        let found = each!(stored, UserRow::user)?;
        Ok(lists::page(found, at_most, |user| user.id.to_string()))
    }

    async fn account(&self, id: AccountId) -> Result<Option<Account>, StoreError> {
        let row: Option<AccountRow> = self
            .read(move |c| Ok(accounts::table.find(id.to_string()).first(c).optional()?))
            .await?;
        row.map(AccountRow::account).transpose()
    }

    async fn accounts_of(&self, user: UserId) -> Result<Vec<Account>, StoreError> {
        let query = accounts::table
            .filter(accounts::owner_id.eq(user.to_string()))
            .order((accounts::name, accounts::id));
        let stored: Vec<AccountRow> = self.read(move |c| Ok(query.load(c)?)).await?;
        each!(stored, AccountRow::account)
    }

    async fn accounts(
        &self,
        source: Option<SourceId>,
        page: &PageOf,
    ) -> Result<Page<Account>, StoreError> {
        let (after, at_most) = lists::place::<AccountId>(page)?;
        let after = after.map(|id| id.to_string()).unwrap_or_default();
        let stored: Vec<AccountRow> = self
            .read(move |c| {
                let mut query = accounts::table.into_boxed();
                if let Some(source) = source {
                    query = query.filter(accounts::source_id.eq(source.to_string()));
                }
                Ok(query
                    .filter(accounts::id.gt(after))
                    .order(accounts::id)
                    .limit(at_most + 1)
                    .load(c)?)
            })
            .await?;
        let found = each!(stored, AccountRow::account)?;
        Ok(lists::page(found, at_most, |account| {
            account.id.to_string()
        }))
    }

    async fn operators(&self) -> Result<Vec<Operator>, StoreError> {
        let stored: Vec<OperatorRow> = self
            .read(|c| Ok(operators::table.order(operators::id).load(c)?))
            .await?;
        each!(stored, OperatorRow::operator)
    }

    async fn link_code(
        &self,
        digest: Digest,
        now: Timestamp,
    ) -> Result<Option<UserId>, StoreError> {
        let query = link_codes::table
            .find(digest.hex())
            .filter(link_codes::until.gt(now.millis()))
            .select(link_codes::user_id);
        let user: Option<String> = self.read(move |c| Ok(query.first(c).optional()?)).await?;
        user.map(|user| id("a link code's user", &user)).transpose()
    }

    async fn registration(&self, id: RegistrationId) -> Result<Option<Registration>, StoreError> {
        let query = registrations::table.find(id.to_string());
        let row: Option<RegistrationRow> =
            self.read(move |c| Ok(query.first(c).optional()?)).await?;
        row.map(RegistrationRow::registration).transpose()
    }

    async fn registration_of_chat(&self, chat: ChatId) -> Result<Option<Registration>, StoreError> {
        let query = registrations::table
            .filter(registrations::chat.eq(chat.0))
            .order((registrations::at.desc(), registrations::id.desc()));
        let row: Option<RegistrationRow> =
            self.read(move |c| Ok(query.first(c).optional()?)).await?;
        row.map(RegistrationRow::registration).transpose()
    }

    async fn registrations(
        &self,
        state: RegistrationState,
    ) -> Result<Vec<Registration>, StoreError> {
        let query = registrations::table
            .filter(registrations::state.eq(name(&state)?))
            .order((registrations::at, registrations::id))
            .limit(REGISTRATIONS);
        let stored: Vec<RegistrationRow> = self.read(move |c| Ok(query.load(c)?)).await?;
        each!(stored, RegistrationRow::registration)
    }

    async fn system_policy(&self) -> Result<PolicyOverride, StoreError> {
        self.read(read_system_policy).await
    }

    async fn secret(&self, name: &str) -> Result<Option<Secret>, StoreError> {
        let query = secrets::table.find(name.to_owned()).select(secrets::sealed);
        let sealed: Option<Vec<u8>> = self.read(move |c| Ok(query.first(c).optional()?)).await?;
        let open = |sealed: Vec<u8>| self.shared.key.open(&change::secret_place(name), &sealed);
        sealed.map(open).transpose()
    }

    async fn setting(&self, name: &str) -> Result<Option<Text>, StoreError> {
        let query = settings::table
            .find(name.to_owned())
            .select(settings::value);
        let value: Option<String> = self.read(move |c| Ok(query.first(c).optional()?)).await?;
        Ok(value.map(Text::from))
    }

    async fn token(&self, digest: Digest, now: Timestamp) -> Result<Option<ApiToken>, StoreError> {
        let row: Option<TokenRow> = self
            .read(move |c| Ok(api_tokens::table.find(digest.hex()).first(c).optional()?))
            .await?;
        row.filter(|row| row.until.is_none_or(|until| now.millis() < until))
            .map(TokenRow::token)
            .transpose()
    }

    async fn has_tokens(&self) -> Result<bool, StoreError> {
        let query = api_tokens::table.select(api_tokens::digest);
        let first: Option<String> = self.read(move |c| Ok(query.first(c).optional()?)).await?;
        Ok(first.is_some())
    }

    async fn journal(&self, router: RouterId) -> Result<Vec<JournalEntry>, StoreError> {
        let query = router_journal::table
            .filter(router_journal::router_id.eq(router.to_string()))
            .order(router_journal::number);
        let rows: Vec<JournalRow> = self.read(move |c| Ok(query.load(c)?)).await?;
        rows.into_iter().map(JournalRow::entry).collect()
    }

    async fn keyboard(&self, id: KeyboardId) -> Result<Option<Keyboard>, StoreError> {
        let query = keyboards::table.find(keyboard_id(id));
        let row: Option<KeyboardRow> = self.read(move |c| Ok(query.first(c).optional()?)).await?;
        row.map(KeyboardRow::keyboard).transpose()
    }

    async fn sessions(
        &self,
        filter: &SessionFilter,
        page: &PageOf,
    ) -> Result<Page<Session>, StoreError> {
        let (before, at_most) = lists::place::<SessionId>(page)?;
        let before = before.map(|id| id.to_string());
        let filter = filter.clone();
        let found = self
            .read(move |c| c.read(|c| lists::sessions(c, &filter, before.as_deref(), at_most + 1)))
            .await?;
        let found = each!(found, |(_, state)| rows::session::decode(&state))?;
        Ok(lists::page(found, at_most, |session| {
            session.id.to_string()
        }))
    }

    async fn bans(
        &self,
        account: Option<AccountId>,
        now: Timestamp,
    ) -> Result<Vec<Ban>, StoreError> {
        let stored: Vec<String> = self
            .read(move |c| {
                let holds = bans::until.is_null().or(bans::until.gt(now.millis()));
                let mut query = bans::table.into_boxed();
                if let Some(account) = account {
                    query = query.filter(bans::account_id.eq(account.to_string()));
                }
                Ok(query
                    .filter(holds)
                    .order(bans::id)
                    .select(bans::ban)
                    .load(c)?)
            })
            .await?;
        each!(&stored, |ban| rows::ban::ban(ban))
    }

    async fn ban(&self, id: BanId) -> Result<Option<Ban>, StoreError> {
        let query = bans::table.find(id.to_string()).select(bans::ban);
        let ban: Option<String> = self.read(move |c| Ok(query.first(c).optional()?)).await?;
        ban.map(|ban| rows::ban::ban(&ban)).transpose()
    }

    async fn audit(
        &self,
        session: Option<SessionId>,
        page: &PageOf,
    ) -> Result<Page<AuditRow>, StoreError> {
        let (before, at_most) = lists::place::<i64>(page)?;
        let session = session.map(|session| session.to_string());
        let mut stored = self
            .read(move |c| lists::audit(c, session.as_deref(), before, at_most + 1))
            .await?;
        let next = lists::cut(&mut stored, at_most, |row| row.number.to_string());
        let rows = each!(stored, |row| Ok(AuditRow {
            seq: rows::count("an audit entry", row.seq)?,
            entry: row.row().entry()?,
        }))?;
        Ok(Page { rows, next })
    }

    async fn router_audit(
        &self,
        router: RouterId,
        since: Timestamp,
        page: &PageOf,
    ) -> Result<Page<AuditRow>, StoreError> {
        let (before, at_most) = lists::place::<i64>(page)?;
        let mut stored = self
            .read(move |c| {
                lists::router_audit(c, &router.to_string(), since.millis(), before, at_most + 1)
            })
            .await?;
        let next = lists::cut(&mut stored, at_most, |row| row.number.to_string());
        let rows = each!(stored, |row| Ok(AuditRow {
            seq: rows::count("an audit entry", row.seq)?,
            entry: row.row().entry()?,
        }))?;
        Ok(Page { rows, next })
    }

    async fn desk_version(&self) -> Result<u64, StoreError> {
        self.read(read_desk_version).await
    }

    async fn gate_order(&self, router: RouterId) -> Result<Option<GateOrder>, StoreError> {
        self.read(move |c| read_order(c, router)).await
    }

    async fn is_served(&self, router: RouterId, now: Timestamp) -> Result<bool, StoreError> {
        let beside = self.shared.beside.clone();
        let is_alive = move || beside.is_none_or(is_file_served);
        self.read(move |c| Ok(read_served(c, router, now)? && is_alive()))
            .await
    }

    async fn verify_audit(&self) -> Result<AuditReport, StoreError> {
        self.read(|c| c.read(audit_log::verify)).await
    }

    async fn sweep(&self, now: Timestamp) -> Result<u64, StoreError> {
        let mut swept = 0;
        // A thousand rows at a time: commits that wait meanwhile are not kept waiting long.
        while let Some(rows) = self.write(move |c, _| lists::sweep(c, now)).await? {
            swept += rows;
        }
        Ok(swept)
    }
}
