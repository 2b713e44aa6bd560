//! SQLite: one file, one node. Statements are cheap and prepared once, so rows are written one by one.

use std::{fs, path::Path, time::Duration};

use diesel::{
    Connection, QueryResult,
    connection::SimpleConnection,
    deserialize::FromSql,
    sql_types::{BigInt, Binary, Bool, Nullable, Text},
    sqlite::{Sqlite, SqliteConnection, SqliteValue},
};
use mikro2fa_core::store::StoreError;

use crate::{
    audit_log::Linked,
    connection::Purpose,
    dialect::{ClaimRow, Dialect, HeadRow, HoldRow, shared::*},
    error::{Failure, Outcome, unreachable_database},
    group::{Batch, Found, Holder, Table, Wanted},
    rows::{
        ban::BanWrite,
        outbox::{Fate, MessageRow, NewMessage, Settled},
        session::{SessionRow, Stored, decode},
    },
    statement::{execute, rows},
};

mod sql;

use sql::*;

/// How much memory the writing connection keeps of the file at most, in KiB. A large group of commits has to fit in: what does
/// not is written, read and written again before the group is through.
const WRITING: usize = 16 * 1024;
/// How much all reading ones together keep.
const READING: usize = 2 * 1024;

/// Opens the file, and makes it if there is none; nobody but its owner may read it.
pub(crate) fn connect(path: &Path, purpose: Purpose) -> Result<SqliteConnection, StoreError> {
    let failed = |why: &dyn std::fmt::Display| {
        StoreError::Unavailable(format!("{}: {why}", path.display()).into())
    };
    create(path).map_err(|error| failed(&error))?;
    // "./" so that no name is taken for a URI or for memory.
    let path = if path.is_absolute() {
        path.to_owned()
    } else {
        Path::new(".").join(path)
    };
    let name = path
        .to_str()
        .ok_or_else(|| failed(&"the path is no UTF-8"))?;
    let mut connection =
        SqliteConnection::establish(name).map_err(|error| unreachable_database(&error))?;
    prepare(&mut connection, purpose).map_err(Failure::into_store)?;
    Ok(connection)
}

fn create(path: &Path) -> std::io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// In WAL mode a commit then does not wait for the disk; the next one that does takes it along (SQLite, *PRAGMA
/// synchronous*).
pub(crate) const UNSYNCED: &str = "PRAGMA synchronous = NORMAL";
pub(crate) const SYNCED: &str = "PRAGMA synchronous = FULL";

fn prepare(connection: &mut SqliteConnection, purpose: Purpose) -> Outcome<()> {
    // WAL: reading and writing do not wait for each other. FULL: what was acknowledged survives a power cut.
    connection.batch_execute(
        "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
         PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = 16777216; \
         PRAGMA wal_autocheckpoint = 4000;",
    )?;
    let cache = match purpose {
        Purpose::Writing => WRITING,
        Purpose::Reading { of } => READING / of.max(1),
    };
    connection.batch_execute(&format!("PRAGMA cache_size = -{cache}"))?;
    if purpose != Purpose::Writing {
        connection.batch_execute("PRAGMA query_only = ON")?;
    }
    Ok(())
}

/// Reads the bytes where SQLite has them.
impl FromSql<Binary, Sqlite> for Stored {
    fn from_sql(mut value: SqliteValue<'_, '_, '_>) -> diesel::deserialize::Result<Self> {
        Ok(Self(decode(value.read_blob())))
    }
}

impl Dialect for SqliteConnection {
    fn look(&mut self, wanted: &Wanted<'_>) -> QueryResult<Found> {
        let mut found = Found::default();
        for &id in &wanted.commits {
            let seen: Vec<String> = rows::<Text, _, _>(self, SEEN_COMMIT, &[&id])?;
            found.commits.extend(seen);
        }
        for &name in &wanted.updates {
            let seen: Vec<String> = rows::<Text, _, _>(self, SEEN_UPDATE, &[&name])?;
            found.updates.extend(seen);
        }
        for &router in &wanted.routers {
            let held: Vec<(Option<String>, i64)> =
                rows::<(Nullable<Text>, BigInt), _, _>(self, HOLDER, &[&router])?;
            found.holders.extend(held.into_iter().map(|(node, epoch)| {
                let alive = true; // one node holds everything for ever
                let holder = Holder { node, epoch, alive };
                (router.to_owned(), holder)
            }));
        }
        for &id in &wanted.sessions {
            let stored: Vec<(i64, bool)> =
                rows::<(BigInt, Bool), _, _>(self, SESSION_VERSION, &[&id, &id])?;
            found
                .sessions
                .extend(stored.into_iter().map(|(version, open)| {
                    let table = if open { Table::Open } else { Table::Ended };
                    (id.to_owned(), (version, table))
                }));
        }
        Ok(found)
    }

    fn write(&mut self, batch: &Batch<'_>, now: i64) -> QueryResult<()> {
        for (table, row) in batch.sessions.values() {
            write_session(self, *table, row)?;
        }
        for (account, book) in &batch.books {
            execute(self, PUT_BOOK, &[account, book])?;
        }
        for ban in batch.bans.values() {
            match ban {
                BanWrite::Put {
                    id,
                    account,
                    until,
                    ban,
                } => execute(self, PUT_BAN, &[id, account, until, ban])?,
                BanWrite::Lift(id) => execute(self, LIFT_BAN, &[id])?,
            };
        }
        for (router, at) in batch.gates_done.iter().copied() {
            execute(self, FORGET_ORDER, &[router, at])?;
        }
        let settled: Vec<&Settled> = batch.settled.values().copied().collect();
        self.settle(&settled, now)?;
        for message in &batch.outbox {
            add_message(self, message)?;
        }
        for id in &batch.commits {
            execute(self, ADD_COMMIT, &[id, &now])?;
        }
        for name in &batch.updates {
            execute(self, ADD_UPDATE, &[name, &now])?;
        }
        Ok(())
    }

    fn begin_chain(&mut self, name: &str, now: i64) -> QueryResult<i64> {
        let hash: &[u8] = &[0; 32];
        let ids = rows::<BigInt, i64, _>(self, BEGIN_CHAIN, &[&name, &now, &hash])?;
        ids.first().copied().ok_or(diesel::result::Error::NotFound)
    }

    fn append(&mut self, chain: i64, entries: &[Linked<'_>]) -> QueryResult<()> {
        for Linked { seq, hash, row } in entries {
            let hash: &[u8] = hash;
            execute(
                self,
                ADD_ENTRY,
                &[
                    &chain,
                    seq,
                    &row.at,
                    &row.session,
                    &row.router,
                    &row.account,
                    &row.what,
                    &row.personal,
                    &row.salt,
                    &hash,
                ],
            )?;
        }
        if let Some(Linked { seq, hash, .. }) = entries.last() {
            let hash: &[u8] = hash;
            execute(self, MOVE_HEAD, &[seq, &hash, &chain])?;
        }
        Ok(())
    }

    fn lock_desk(&mut self) -> QueryResult<()> {
        Ok(()) // whoever writes is alone
    }

    fn lock_checkpoints(&mut self) -> QueryResult<()> {
        Ok(()) // whoever writes is alone
    }

    fn grown_chains(&mut self) -> QueryResult<Vec<HeadRow>> {
        rows::<(BigInt, Text, BigInt, Binary), _, _>(self, GROWN_CHAINS, &[])
    }

    fn last_checkpoint(&mut self) -> QueryResult<Option<(i64, Vec<u8>)>> {
        let last = rows::<(BigInt, Binary), _, _>(self, LAST_CHECKPOINT, &[])?;
        Ok(last.into_iter().next())
    }

    fn write_checkpoint(
        &mut self,
        seq: i64,
        now: i64,
        text: &str,
        hash: &[u8],
        heads: &[HeadRow],
    ) -> QueryResult<()> {
        execute(self, ADD_CHECKPOINT, &[&seq, &now, &text, &hash])?;
        for (chain, _, covered, _) in heads {
            execute(self, COVER_CHAIN, &[covered, chain])?;
        }
        Ok(())
    }

    fn open_sessions(
        &mut self,
        router: &str,
        after: Option<&str>,
        limit: i64,
    ) -> QueryResult<Vec<Stored>> {
        let after = after.unwrap_or_default();
        rows::<Binary, _, _>(self, OPEN_SESSIONS, &[&router, &after, &limit])
    }

    fn session(&mut self, id: &str) -> QueryResult<Option<Stored>> {
        let found: Vec<Stored> = rows::<Binary, _, _>(self, SESSION, &[&id, &id])?;
        Ok(found.into_iter().next())
    }

    fn claim(&mut self, claim: &ClaimRow) -> QueryResult<Vec<(MessageRow, Option<String>)>> {
        execute(self, DROP_USELESS, &[&claim.now, &claim.now])?;
        let due: Vec<MessageRow> = rows::<Message, _, _>(
            self,
            DUE_MESSAGES,
            &[&claim.now, &claim.now, &claim.now, &claim.at_most],
        )?;
        let mut claimed = Vec::with_capacity(due.len());
        for row in due {
            if row.3 {
                execute(self, DROP_REPLACED, &[&row.2, &row.0])?;
            }
            execute(self, CLAIM, &[&claim.node, &claim.until, &row.0])?;
            let receipt: Vec<String> = rows::<Text, _, _>(self, RECEIPT, &[&row.2])?;
            claimed.push((row, receipt.into_iter().next()));
        }
        Ok(claimed)
    }

    fn outbox_due(&mut self) -> QueryResult<Option<i64>> {
        let due = rows::<Nullable<BigInt>, Option<i64>, _>(self, OUTBOX_DUE, &[])?;
        Ok(due.into_iter().flatten().next())
    }

    fn settle(&mut self, settled: &[&Settled], now: i64) -> QueryResult<()> {
        for Settled { id, node, fate } in settled {
            if let Fate::Later { due, reason } = fate {
                execute(self, PUT_OFF, &[due, reason, id, node, node])?;
                continue;
            }
            let lane: Vec<String> = rows::<Text, _, _>(self, TAKE_OUT, &[id, node, node])?;
            if let (Fate::Delivered(receipt), Some(lane)) = (fate, lane.first()) {
                execute(self, PUT_RECEIPT, &[lane, receipt, &now])?;
            }
        }
        Ok(())
    }

    fn clock(&mut self) -> QueryResult<Option<i64>> {
        Ok(None)
    }

    fn hold(&mut self, node: &str, at_most: i64, _lease: Duration) -> QueryResult<Vec<HoldRow>> {
        execute(self, FORGET_HOLDS, &[])?;
        execute(self, NEW_HOLDS, &[])?;
        let mut held: Vec<HoldRow> =
            rows::<(Text, BigInt, BigInt), _, _>(self, HOLD, &[&node, &node, &node, &at_most])?;
        held.sort();
        Ok(held)
    }

    fn release(&mut self, router: &str, node: &str, epoch: i64) -> QueryResult<()> {
        execute(self, RELEASE, &[&router, &node, &epoch]).map(drop)
    }

    fn begin_serving(&mut self) -> QueryResult<()> {
        execute(self, FREE_CLAIMS, &[]).map(drop)
    }
}

fn write_session(
    connection: &mut SqliteConnection,
    stored: Option<Table>,
    row: &SessionRow,
) -> QueryResult<()> {
    let goes_to = if row.settled {
        Table::Ended
    } else {
        Table::Open
    };
    if stored == Some(goes_to) {
        let sql = match goes_to {
            Table::Open => SET_OPEN,
            Table::Ended => SET_ENDED,
        };
        let values: [&dyn crate::statement::Bind<Sqlite>; 6] = [
            &row.version,
            &row.deadline,
            &row.state_name,
            &row.ended,
            &row.state,
            &row.id,
        ];
        return execute(connection, sql, &values).map(drop);
    }
    match stored {
        Some(Table::Open) => execute(connection, TAKE_OPEN, &[&row.id])?,
        Some(Table::Ended) => execute(connection, TAKE_ENDED, &[&row.id])?,
        None => 0,
    };
    let sql = match goes_to {
        Table::Open => ADD_OPEN,
        Table::Ended => ADD_ENDED,
    };
    execute(
        connection,
        sql,
        &[
            &row.id,
            &row.router,
            &row.account,
            &row.owner,
            &row.version,
            &row.deadline,
            &row.state_name,
            &row.ended,
            &row.opened_at,
            &row.state,
        ],
    )
    .map(drop)
}

fn add_message(connection: &mut SqliteConnection, message: &NewMessage) -> QueryResult<()> {
    execute(
        connection,
        ADD_MESSAGE,
        &[
            &message.id,
            &message.lane,
            &message.card,
            &message.priority,
            &message.notice,
            &message.due,
            &message.useless_after,
            &message.attempt,
        ],
    )
    .map(drop)
}

type Message = (
    BigInt,
    Text,
    Text,
    Bool,
    BigInt,
    Text,
    BigInt,
    Nullable<BigInt>,
    BigInt,
);
