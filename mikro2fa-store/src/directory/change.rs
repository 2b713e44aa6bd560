//! What a change at the desk writes. Runs in a transaction; an error takes back all of it.

use diesel::prelude::*;
use mikro2fa_core::{
    desk::{Account, GateOrder, Operator, Registration, Router, Source, User},
    directory::{ApiToken, DeskChange, Digest, JournalEntry, Keyboard},
    id::{AccountId, OperatorId, RouterId, UserId},
    secret::Secret,
    store::StoreError,
    time::Timestamp,
};

use super::{SYSTEM_POLICY, keep};
use crate::{
    connection::AnyConnection,
    error::Outcome,
    rows::{
        account::{AccountRow, SourceRow},
        journal::JournalRow,
        json,
        keyboard::{KeyboardRow, TokenRow},
        person::{OperatorRow, RegistrationRow, UserRow},
        plain,
        router::{RouterRow, order_row},
    },
    schema::{
        accounts, api_tokens, gate_orders, keyboards, link_codes, open_sessions, operators,
        registrations, router_journal, routers, secrets, settings, source_routers, sources, users,
    },
    sealed::Key,
};

/// What a kept secret is sealed for.
pub(super) fn secret_place(name: &str) -> String {
    format!("secrets:{name}:sealed")
}

/// Makes one change, or says what stands against it.
pub(super) fn apply(connection: &mut AnyConnection, key: &Key, change: DeskChange) -> Outcome<()> {
    match change {
        DeskChange::PutUser(user) => put_user(connection, &user),
        DeskChange::PutOperator(operator) => put_operator(connection, &operator),
        DeskChange::RemoveOperator(id) => remove_operator(connection, id),
        DeskChange::PutSource(source) => put_source(connection, &source),
        DeskChange::PutAccount(account) => put_account(connection, &account),
        DeskChange::RemoveAccount(id) => remove_account(connection, id),
        DeskChange::PutRouter(router) => put_router(connection, key, &router),
        DeskChange::RemoveRouter(id) => remove_router(connection, id),
        DeskChange::PutRegistration(registration) => put_registration(connection, &registration),
        DeskChange::PutLinkCode {
            digest,
            user,
            until,
        } => put_link_code(connection, digest, user, until),
        DeskChange::UseLinkCode { digest, now } => use_link_code(connection, digest, now),
        DeskChange::PutSystemPolicy(policy) => keep(connection, SYSTEM_POLICY, &json(&policy)?),
        DeskChange::PutSecret { name, value } => put_secret(connection, key, &name, &value),
        DeskChange::PutSetting { name, value } => put_setting(connection, &name, &value),
        DeskChange::PutToken(token) => put_token(connection, &token),
        DeskChange::RevokeToken(digest) => revoke_token(connection, digest),
        DeskChange::PutKeyboard(keyboard) => put_keyboard(connection, &keyboard),
        DeskChange::OrderGate(order) => order_gate(connection, &order),
        DeskChange::PutJournal(entry) => put_journal(connection, &entry),
        DeskChange::ForgetJournal(router) => forget_journal(connection, router),
        _ => Err(conflict("this change is not known to the database").into()),
    }
}

fn conflict(why: &'static str) -> StoreError {
    StoreError::Conflict(why.into())
}

fn found(rows: usize, what: &'static str) -> Outcome<()> {
    if rows == 0 {
        return Err(StoreError::NotFound(what).into());
    }
    Ok(())
}

/// A record wins only against the version before its own; 0 = new.
fn check_version(stored: Option<i64>, version: u32, what: &str) -> Result<(), StoreError> {
    if stored == version.checked_sub(1).map(i64::from) {
        return Ok(());
    }
    let why = format!("this {what} was changed meanwhile: read it again");
    Err(StoreError::Conflict(why.into()))
}

/// Is there such a row?
macro_rules! is_known {
    ($connection:expr, $table:ident, $id:expr) => {
        diesel::select(diesel::dsl::exists($table::table.find($id.to_string())))
            .get_result::<bool>($connection)?
    };
}

fn check_known(is_known: bool, what: &'static str) -> Outcome<()> {
    found(usize::from(is_known), what)
}

fn put_user(connection: &mut AnyConnection, user: &User) -> Outcome<()> {
    let row = UserRow::new(user)?;
    let id = user.id.to_string();
    let stored = users::table.find(&id).select(users::version);
    let stored: Option<i64> = stored.first(connection).optional()?;
    check_version(stored, user.version, "user")?;
    if let Some(chat) = user.chat {
        let other = users::table
            .filter(users::chat.eq(chat.0))
            .filter(users::id.ne(&id));
        if diesel::select(diesel::dsl::exists(other)).get_result::<bool>(connection)? {
            return Err(conflict("this chat is linked to another user").into());
        }
    }
    diesel::delete(users::table.find(&id)).execute(connection)?;
    diesel::insert_into(users::table)
        .values(&row)
        .execute(connection)?;
    Ok(())
}

fn put_operator(connection: &mut AnyConnection, operator: &Operator) -> Outcome<()> {
    let row = OperatorRow::new(operator)?;
    diesel::delete(operators::table.find(operator.id.to_string())).execute(connection)?;
    diesel::insert_into(operators::table)
        .values(&row)
        .execute(connection)?;
    Ok(())
}

fn remove_operator(connection: &mut AnyConnection, id: OperatorId) -> Outcome<()> {
    let removed = diesel::delete(operators::table.find(id.to_string())).execute(connection)?;
    found(removed, "operator")
}

fn put_source(connection: &mut AnyConnection, source: &Source) -> Outcome<()> {
    for router in source.holder.iter().chain(&source.routers) {
        check_known(is_known!(connection, routers, router), "router")?;
    }
    let (row, served) = SourceRow::new(source)?;
    diesel::delete(source_routers::table.filter(source_routers::source_id.eq(&row.id)))
        .execute(connection)?;
    diesel::delete(sources::table.find(&row.id)).execute(connection)?;
    diesel::insert_into(sources::table)
        .values(&row)
        .execute(connection)?;
    for router in &served {
        diesel::insert_into(source_routers::table)
            .values(router)
            .execute(connection)?;
    }
    rename(connection, source)
}

/// The forms under which names are equal follow the source's way of matching.
fn rename(connection: &mut AnyConnection, source: &Source) -> Outcome<()> {
    let id = source.id.to_string();
    let names: Vec<(String, String, String)> = accounts::table
        .filter(accounts::source_id.eq(&id))
        .select((accounts::id, accounts::name, accounts::name_key))
        .load(connection)?;
    for (account, name, key) in names {
        let now = source.matching.key(&name);
        if *now != *key {
            diesel::update(accounts::table.find(account))
                .set(accounts::name_key.eq(now.as_ref()))
                .execute(connection)?;
        }
    }
    Ok(())
}

fn put_account(connection: &mut AnyConnection, account: &Account) -> Outcome<()> {
    let id = account.id.to_string();
    let stored = accounts::table.find(&id).select(accounts::version);
    let stored: Option<i64> = stored.first(connection).optional()?;
    check_version(stored, account.version, "account")?;
    let source: Option<SourceRow> = sources::table
        .find(account.source.to_string())
        .first(connection)
        .optional()?;
    let source = source.ok_or(StoreError::NotFound("source"))?;
    if let Some(owner) = account.owner {
        check_known(is_known!(connection, users, owner), "user")?;
    }
    let row = AccountRow::new(account, source.matching()?)?;
    let same_name = accounts::table
        .filter(accounts::source_id.eq(account.source.to_string()))
        .filter(accounts::name_key.eq(&row.name_key))
        .filter(accounts::id.ne(&id));
    if diesel::select(diesel::dsl::exists(same_name)).get_result::<bool>(connection)? {
        return Err(conflict("this source has an account of that name").into());
    }
    diesel::delete(accounts::table.find(&id)).execute(connection)?;
    diesel::insert_into(accounts::table)
        .values(&row)
        .execute(connection)?;
    Ok(())
}

fn remove_account(connection: &mut AnyConnection, id: AccountId) -> Outcome<()> {
    let open = open_sessions::table
        .filter(open_sessions::account_id.eq(id.to_string()))
        .filter(open_sessions::ended.eq(false));
    if diesel::select(diesel::dsl::exists(open)).get_result::<bool>(connection)? {
        return Err(conflict("the account has an open session: end it first").into());
    }
    let removed = diesel::delete(accounts::table.find(id.to_string())).execute(connection)?;
    found(removed, "account")
}

fn put_router(connection: &mut AnyConnection, key: &Key, router: &Router) -> Outcome<()> {
    let id = router.id.to_string();
    let stored = routers::table.find(&id).select(routers::version);
    let stored: Option<i64> = stored.first(connection).optional()?;
    check_version(stored, router.version, "router")?;
    let row = RouterRow::new(router, key)?;
    diesel::delete(routers::table.find(&id)).execute(connection)?;
    diesel::insert_into(routers::table)
        .values(&row)
        .execute(connection)?;
    Ok(())
}

fn order_gate(connection: &mut AnyConnection, order: &GateOrder) -> Outcome<()> {
    check_known(is_known!(connection, routers, order.router), "router")?;
    let (router, mode, at) = order_row(order)?;
    diesel::delete(gate_orders::table.find(&router)).execute(connection)?;
    diesel::insert_into(gate_orders::table)
        .values((
            gate_orders::router_id.eq(&router),
            gate_orders::mode.eq(&mode),
            gate_orders::at.eq(at),
        ))
        .execute(connection)?;
    Ok(())
}

/// A router, its own sources, and their accounts.
fn remove_router(connection: &mut AnyConnection, id: RouterId) -> Outcome<()> {
    let id = id.to_string();
    let removed = diesel::delete(routers::table.find(&id)).execute(connection)?;
    found(removed, "router")?;
    diesel::delete(gate_orders::table.find(&id)).execute(connection)?;
    diesel::delete(router_journal::table.filter(router_journal::router_id.eq(&id)))
        .execute(connection)?;
    let own: Vec<String> = sources::table
        .filter(sources::holder_id.eq(&id))
        .select(sources::id)
        .load(connection)?;
    diesel::delete(accounts::table.filter(accounts::source_id.eq_any(&own))).execute(connection)?;
    diesel::delete(source_routers::table.filter(source_routers::source_id.eq_any(&own)))
        .execute(connection)?;
    diesel::delete(source_routers::table.filter(source_routers::router_id.eq(&id)))
        .execute(connection)?;
    diesel::delete(sources::table.filter(sources::id.eq_any(&own))).execute(connection)?;
    Ok(())
}

fn put_registration(connection: &mut AnyConnection, registration: &Registration) -> Outcome<()> {
    let row = RegistrationRow::new(registration)?;
    diesel::delete(registrations::table.find(registration.id.to_string())).execute(connection)?;
    diesel::insert_into(registrations::table)
        .values(&row)
        .execute(connection)?;
    Ok(())
}

fn put_link_code(
    connection: &mut AnyConnection,
    digest: Digest,
    user: UserId,
    until: Timestamp,
) -> Outcome<()> {
    check_known(is_known!(connection, users, user), "user")?;
    let user = user.to_string();
    diesel::delete(link_codes::table.filter(link_codes::user_id.eq(&user))).execute(connection)?;
    diesel::insert_into(link_codes::table)
        .values((
            link_codes::digest.eq(digest.hex()),
            link_codes::user_id.eq(&user),
            link_codes::until.eq(until.millis()),
        ))
        .execute(connection)?;
    Ok(())
}

/// Once: of two that use it, one deletes the row.
fn use_link_code(connection: &mut AnyConnection, digest: Digest, now: Timestamp) -> Outcome<()> {
    let good = link_codes::table
        .filter(link_codes::digest.eq(digest.hex()))
        .filter(link_codes::until.gt(now.millis()));
    found(diesel::delete(good).execute(connection)?, "link code")
}

fn put_secret(
    connection: &mut AnyConnection,
    key: &Key,
    name: &str,
    value: &Secret,
) -> Outcome<()> {
    let sealed = key.seal(&secret_place(name), value)?;
    let name = plain(name)?;
    diesel::delete(secrets::table.find(&name)).execute(connection)?;
    diesel::insert_into(secrets::table)
        .values((secrets::name.eq(&name), secrets::sealed.eq(sealed)))
        .execute(connection)?;
    Ok(())
}

fn put_setting(connection: &mut AnyConnection, name: &str, value: &str) -> Outcome<()> {
    let (name, value) = (plain(name)?, plain(value)?);
    diesel::delete(settings::table.find(&name)).execute(connection)?;
    diesel::insert_into(settings::table)
        .values((settings::name.eq(&name), settings::value.eq(&value)))
        .execute(connection)?;
    Ok(())
}

fn put_token(connection: &mut AnyConnection, token: &ApiToken) -> Outcome<()> {
    let row = TokenRow::new(token)?;
    diesel::delete(api_tokens::table.find(&row.digest)).execute(connection)?;
    diesel::insert_into(api_tokens::table)
        .values(&row)
        .execute(connection)?;
    Ok(())
}

fn revoke_token(connection: &mut AnyConnection, digest: Digest) -> Outcome<()> {
    let revoked = diesel::delete(api_tokens::table.find(digest.hex())).execute(connection)?;
    found(revoked, "token")
}

fn put_journal(connection: &mut AnyConnection, entry: &JournalEntry) -> Outcome<()> {
    check_known(is_known!(connection, routers, entry.router), "router")?;
    let row = JournalRow::new(entry)?;
    let place = router_journal::table.find((&row.router_id, row.number));
    diesel::delete(place).execute(connection)?;
    diesel::insert_into(router_journal::table)
        .values(&row)
        .execute(connection)?;
    Ok(())
}

fn forget_journal(connection: &mut AnyConnection, router: RouterId) -> Outcome<()> {
    let all = router_journal::table.filter(router_journal::router_id.eq(router.to_string()));
    diesel::delete(all).execute(connection)?;
    Ok(())
}

fn put_keyboard(connection: &mut AnyConnection, keyboard: &Keyboard) -> Outcome<()> {
    let row = KeyboardRow::new(keyboard)?;
    diesel::delete(keyboards::table.find(&row.id)).execute(connection)?;
    diesel::insert_into(keyboards::table)
        .values(&row)
        .execute(connection)?;
    Ok(())
}
