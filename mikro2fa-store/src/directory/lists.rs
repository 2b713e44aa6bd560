//! Lists, page by page, and what is forgotten.

use std::{str::FromStr, time::Duration};

use diesel::prelude::*;
use mikro2fa_core::{
    directory::{Page, PageOf, SessionFilter},
    session::StateName,
    store::StoreError,
    time::Timestamp,
    tunnel::Text,
};

use crate::{
    connection::AnyConnection,
    error::Outcome,
    rows::audit::StoredEntry,
    schema::{
        audit_entries, bans, commits_seen, ended_sessions, keyboards, lanes, link_codes,
        open_sessions, updates_seen,
    },
};

/// How long a commit and an update from outside are remembered.
const REMEMBERED: Duration = Duration::from_secs(48 * 3_600);
/// How long a ban that is over can still be looked up.
const BAN_KEPT: Duration = Duration::from_secs(30 * 86_400);
/// How long the receipt of a lane's last message is kept.
const RECEIPT_KEPT: Duration = Duration::from_secs(90 * 86_400);
/// How many rows of a table are swept in one transaction.
const SWEEP: i64 = 1_000;

/// Where a page begins, and how many rows it has at most.
pub(super) fn place<T: FromStr>(page: &PageOf) -> Result<(Option<T>, i64), StoreError> {
    let after = page
        .after
        .as_deref()
        .map(str::parse)
        .transpose()
        .map_err(|_| StoreError::Conflict("no such page: take `next` of the page before".into()))?;
    let at_most = i64::try_from(page.limit).unwrap_or(i64::MAX).clamp(1, 500);
    Ok((after, at_most))
}

/// A page of rows of which one more was read than it shows.
pub(super) fn page<T>(mut rows: Vec<T>, at_most: i64, name: impl Fn(&T) -> String) -> Page<T> {
    let next = cut(&mut rows, at_most, name);
    Page { rows, next }
}

/// Cuts rows down to what a page shows; says where the next begins.
pub(super) fn cut<T>(rows: &mut Vec<T>, at_most: i64, name: impl Fn(&T) -> String) -> Option<Text> {
    let at_most = usize::try_from(at_most).unwrap_or(usize::MAX);
    let more = rows.len() > at_most;
    rows.truncate(at_most);
    rows.last().filter(|_| more).map(|row| name(row).into())
}

/// A session's id and state.
type SessionState = (String, Vec<u8>);

macro_rules! session_list {
    ($table:ident, $connection:expr, $filter:expr, $before:expr, $at_most:expr) => {{
        let (filter, before): (&SessionFilter, Option<&str>) = ($filter, $before);
        let mut query = $table::table.into_boxed();
        if let Some(router) = filter.router {
            query = query.filter($table::router_id.eq(router.to_string()));
        }
        if let Some(account) = filter.account {
            query = query.filter($table::account_id.eq(account.to_string()));
        }
        if let Some(owner) = filter.owner {
            query = query.filter($table::owner_id.eq(owner.to_string()));
        }
        if let Some(state) = filter.state {
            query = query.filter($table::state_name.eq(state.as_str()));
        }
        if filter.open {
            query = query.filter($table::ended.eq(false));
        }
        if let Some(before) = before {
            query = query.filter($table::id.lt(before.to_owned()));
        }
        query
            .order($table::id.desc())
            .limit($at_most)
            .select(($table::id, $table::state))
            .load($connection)
    }};
}

/// Sessions, the newest first: those that are not settled, and those that are.
pub(super) fn sessions(
    connection: &mut AnyConnection,
    filter: &SessionFilter,
    before: Option<&str>,
    at_most: i64,
) -> Outcome<Vec<SessionState>> {
    let mut found: Vec<SessionState> =
        session_list!(open_sessions, connection, filter, before, at_most)?;
    let may_be_settled = !filter.open && filter.state.is_none_or(|s| s == StateName::Ended);
    if may_be_settled {
        let settled: Vec<SessionState> =
            session_list!(ended_sessions, connection, filter, before, at_most)?;
        found.extend(settled);
        found.sort_by(|a, b| b.0.cmp(&a.0));
        found.truncate(usize::try_from(at_most).unwrap_or(usize::MAX));
    }
    Ok(found)
}

/// Audit entries, the last written first.
pub(super) fn audit(
    connection: &mut AnyConnection,
    session: Option<&str>,
    before: Option<i64>,
    at_most: i64,
) -> Outcome<Vec<StoredEntry>> {
    let mut query = audit_entries::table.into_boxed();
    if let Some(session) = session {
        query = query.filter(audit_entries::session_id.eq(session.to_owned()));
    }
    if let Some(before) = before {
        query = query.filter(audit_entries::number.lt(before));
    }
    Ok(query
        .order(audit_entries::number.desc())
        .limit(at_most)
        .select(StoredEntry::as_select())
        .load(connection)?)
}

/// See [`mikro2fa_core::directory::Directory::router_audit`].
pub(super) fn router_audit(
    connection: &mut AnyConnection,
    router: &str,
    since: i64,
    before: Option<i64>,
    at_most: i64,
) -> Outcome<Vec<StoredEntry>> {
    let mut query = audit_entries::table
        .filter(audit_entries::router_id.eq(router.to_owned()))
        .filter(audit_entries::at.ge(since))
        .into_boxed();
    if let Some(before) = before {
        query = query.filter(audit_entries::number.lt(before));
    }
    Ok(query
        .order(audit_entries::number.desc())
        .limit(at_most)
        .select(StoredEntry::as_select())
        .load(connection)?)
}

macro_rules! sweep_table {
    ($connection:expr, $table:ident, $key:ident, $over:expr) => {{
        let over: Vec<String> = $table::table
            .filter($over)
            .select($table::$key)
            .limit(SWEEP)
            .load($connection)?;
        if over.is_empty() {
            0
        } else {
            diesel::delete($table::table.filter($table::$key.eq_any(over))).execute($connection)?
        }
    }};
}

/// Forgets what is over, at most so many rows of each table; none when there is nothing left to forget.
pub(super) fn sweep(connection: &mut AnyConnection, now: Timestamp) -> Outcome<Option<u64>> {
    let forgotten = (now - REMEMBERED).millis();
    let at = now.millis();
    let rows = [
        sweep_table!(connection, keyboards, id, keyboards::ends_at.le(at)),
        sweep_table!(connection, link_codes, digest, link_codes::until.le(at)),
        sweep_table!(connection, commits_seen, id, commits_seen::at.le(forgotten)),
        sweep_table!(
            connection,
            updates_seen,
            name,
            updates_seen::at.le(forgotten)
        ),
        sweep_table!(
            connection,
            bans,
            id,
            bans::until.le((now - BAN_KEPT).millis())
        ),
        sweep_table!(
            connection,
            lanes,
            lane,
            lanes::at.le((now - RECEIPT_KEPT).millis())
        ),
    ];
    let rows: usize = rows.iter().sum();
    Ok((rows > 0).then(|| u64::try_from(rows).unwrap_or(u64::MAX)))
}
