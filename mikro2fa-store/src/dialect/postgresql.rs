//! PostgreSQL: a server, any number of nodes. A round trip costs more than a row, so rows go in arrays.

use std::{collections::BTreeMap, time::Duration};

use diesel::{
    Connection, PgConnection, QueryResult,
    connection::SimpleConnection,
    deserialize::FromSql,
    pg::{Pg, PgValue},
    query_builder::AstPass,
    sql_types::{Array, BigInt, Binary, Bool, Nullable, Text},
};
use mikro2fa_core::{secret::Secret, store::StoreError};

use crate::{
    audit_log::Linked,
    connection::Purpose,
    dialect::{ClaimRow, Dialect, HeadRow, HoldRow, shared::*, whole_millis},
    error::{Failure, Outcome, unreachable_database},
    group::{Batch, Found, Holder, Table, Wanted},
    rows::{
        ban::BanWrite,
        outbox::{Fate, MessageRow, Settled},
        session::{SessionRow, Stored, decode},
    },
    statement::{Bind, execute, rows},
};

mod sql;

use sql::*;

/// What libpq is told where the URL does not say it: nobody waits for ever for a server that is gone.
const DEFAULTS: [(&str, &str); 5] = [
    ("application_name", "mikro2fa"),
    ("connect_timeout", "10"),
    ("keepalives_idle", "30"),
    ("keepalives_interval", "10"),
    ("tcp_user_timeout", "30000"),
];

/// Opens a connection.
pub(crate) fn connect(url: &Secret, purpose: Purpose) -> Result<PgConnection, StoreError> {
    let mut connection = PgConnection::establish(with_defaults(url).expose())
        .map_err(|error| unreachable_database(&error))?;
    settings(&mut connection).map_err(Failure::into_store)?;
    let own = match purpose {
        // What it runs is prepared once and finds its rows through indexes, also in tables that nobody analysed yet.
        Purpose::Writing => "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off",
        Purpose::Reading { .. } => "SET default_transaction_read_only = on",
    };
    connection
        .batch_execute(own)
        .map_err(|error| Failure::Query(error).into_store())?;
    Ok(connection)
}

fn with_defaults(url: &Secret) -> Secret {
    let mut url = url.expose().to_owned();
    let given = url
        .split_once('?')
        .map_or("", |(_, given)| given)
        .to_owned();
    let is_given = |name: &str| {
        given
            .split('&')
            .any(|pair| pair.split_once('=').is_some_and(|(key, _)| key == name))
    };
    for (name, value) in DEFAULTS {
        if !is_given(name) {
            url.push(if url.contains('?') { '&' } else { '?' });
            url.push_str(&format!("{name}={value}"));
        }
    }
    Secret::new(url)
}

/// Begins a transaction whose commit does not wait for the disk (PostgreSQL manual, *Asynchronous Commit*).
pub(crate) const BEGIN_UNSYNCED: &str = "BEGIN; SET LOCAL synchronous_commit = off";

/// What every session of ours needs, whatever the server's defaults are.
pub(crate) fn settings(connection: &mut PgConnection) -> Outcome<()> {
    connection.batch_execute(
        "SET statement_timeout = '30s'; SET lock_timeout = '10s'; SET jit = off; \
         SET idle_in_transaction_session_timeout = '60s'; SET default_transaction_isolation = 'read committed'; \
         SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
    )?;
    Ok(())
}

macro_rules! bind_arrays {
    ($($type:ty as $sql:ty),* $(,)?) => {$(
        impl Bind<Pg> for Vec<$type> {
            fn bind<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>) -> QueryResult<()> {
                out.push_bind_param::<Array<$sql>, Self>(self)
            }
        }
    )*};
}

bind_arrays! {
    &str as Text,
    i64 as BigInt,
    bool as Bool,
    &[u8] as Binary,
    Option<&str> as Nullable<Text>,
    Option<i64> as Nullable<BigInt>,
}

/// One column of many rows.
fn column<'a, T, U>(rows: &[T], pick: impl Fn(&T) -> U + 'a) -> Vec<U> {
    rows.iter().map(pick).collect()
}

/// Reads the bytes where libpq has them.
impl FromSql<Binary, Pg> for Stored {
    fn from_sql(value: PgValue<'_>) -> diesel::deserialize::Result<Self> {
        Ok(Self(decode(value.as_bytes())))
    }
}

impl Dialect for PgConnection {
    fn look(&mut self, wanted: &Wanted<'_>) -> QueryResult<Found> {
        let mut found = Found::default();
        if !wanted.routers.is_empty() || !wanted.sessions.is_empty() {
            let routers: Vec<&str> = wanted.routers.iter().copied().collect();
            let ids: Vec<&str> = wanted.sessions.iter().copied().collect();
            let locked: Vec<Locked> =
                rows::<LockedTypes, _, _>(self, LOCK, &[&routers, &ids, &ids])?;
            locked.into_iter().for_each(|row| found.add(row));
        }
        // After the locks: whoever held them may have been an earlier try of these very commits.
        let commits: Vec<&str> = wanted.commits.iter().copied().collect();
        let updates: Vec<&str> = wanted.updates.iter().copied().collect();
        let seen = rows::<(Bool, Text), (bool, String), _>(self, SEEN, &[&commits, &updates])?;
        for (is_commit, name) in seen {
            if is_commit {
                found.commits.insert(name);
            } else {
                found.updates.insert(name);
            }
        }
        Ok(found)
    }

    fn write(&mut self, batch: &Batch<'_>, now: i64) -> QueryResult<()> {
        // What leaves a table goes before what comes to the other.
        take(self, batch, Table::Open, TAKE_OPEN)?;
        take(self, batch, Table::Ended, TAKE_ENDED)?;
        write_most(self, batch, now)?;
        write_ended(self, batch)?;
        if !batch.books.is_empty() {
            let accounts: Vec<&str> = batch.books.keys().copied().collect();
            let books: Vec<&str> = batch.books.values().copied().collect();
            execute(self, PUT_BOOKS, &[&accounts, &books])?;
        }
        write_bans(self, batch)?;
        for (router, at) in batch.gates_done.iter().copied() {
            execute(self, FORGET_ORDER, &[router, at])?;
        }
        let settled: Vec<&Settled> = batch.settled.values().copied().collect();
        self.settle(&settled, now)?;
        if !batch.updates.is_empty() {
            execute(self, ADD_UPDATES, &[&batch.updates, &now])?;
        }
        Ok(())
    }

    fn begin_chain(&mut self, name: &str, now: i64) -> QueryResult<i64> {
        let hash: &[u8] = &[0; 32];
        let ids = rows::<BigInt, i64, _>(self, BEGIN_CHAIN, &[&name, &now, &hash])?;
        ids.first().copied().ok_or(diesel::result::Error::NotFound)
    }

    fn append(&mut self, chain: i64, entries: &[Linked<'_>]) -> QueryResult<()> {
        let Some(Linked { seq, hash, .. }) = entries.last() else {
            return Ok(());
        };
        let hash: &[u8] = hash;
        let rows: Vec<_> = entries.iter().map(|entry| entry.row).collect();
        let hashes: Vec<&[u8]> = entries.iter().map(|entry| entry.hash.as_slice()).collect();
        execute(
            self,
            ADD_ENTRIES,
            &[
                &chain,
                &column(entries, |entry| entry.seq),
                &column(&rows, |row| row.at),
                &column(&rows, |row| row.session.as_deref()),
                &column(&rows, |row| row.router.as_deref()),
                &column(&rows, |row| row.account.as_deref()),
                &column(&rows, |row| row.what.as_str()),
                &column(&rows, |row| row.personal.as_deref()),
                &column(&rows, |row| row.salt.as_deref()),
                &hashes,
                seq,
                &hash,
                &chain,
            ],
        )
        .map(drop)
    }

    fn lock_desk(&mut self) -> QueryResult<()> {
        self.batch_execute(LOCK_DESK)
    }

    fn lock_checkpoints(&mut self) -> QueryResult<()> {
        self.batch_execute(LOCK_CHECKPOINTS)
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

    /// Nodes claim in turn: what one of them takes out of a lane decides what the next may take. Rows that somebody
    /// is just settling are not waited for.
    fn claim(&mut self, claim: &ClaimRow) -> QueryResult<Vec<(MessageRow, Option<String>)>> {
        self.batch_execute(LOCK_CLAIMS)?;
        execute(self, DROP_USELESS, &[&claim.now, &claim.now])?;
        let due: Vec<MessageRow> = rows::<Message, _, _>(
            self,
            DUE_MESSAGES,
            &[&claim.now, &claim.now, &claim.now, &claim.at_most],
        )?;
        if due.is_empty() {
            return Ok(Vec::new());
        }
        let cards: Vec<&MessageRow> = due.iter().filter(|row| row.3).collect();
        let card_lanes = column(&cards, |row| row.2.as_str());
        execute(
            self,
            DROP_REPLACED,
            &[&card_lanes, &column(&cards, |row| row.0)],
        )?;
        let numbers = column(&due, |row| row.0);
        execute(self, CLAIM, &[&claim.node, &claim.until, &numbers])?;
        let lanes: Vec<&str> = due.iter().map(|row| row.2.as_str()).collect();
        let receipts: BTreeMap<String, String> =
            rows::<(Text, Text), (String, String), _>(self, RECEIPTS, &[&lanes])?
                .into_iter()
                .collect();
        Ok(due
            .into_iter()
            .map(|row| {
                let receipt = receipts.get(&row.2).cloned();
                (row, receipt)
            })
            .collect())
    }

    fn outbox_due(&mut self) -> QueryResult<Option<i64>> {
        let due = rows::<Nullable<BigInt>, Option<i64>, _>(self, OUTBOX_DUE, &[])?;
        Ok(due.into_iter().flatten().next())
    }

    fn settle(&mut self, settled: &[&Settled], now: i64) -> QueryResult<()> {
        let mut later = Vec::new();
        let mut gone = Vec::new();
        for row in settled {
            match &row.fate {
                Fate::Later { due, reason } => later.push((*row, *due, reason.as_str())),
                fate => gone.push((*row, fate)),
            }
        }
        if !later.is_empty() {
            execute(
                self,
                PUT_OFF,
                &[
                    &later.iter().map(|l| l.0.id.as_str()).collect::<Vec<_>>(),
                    &later
                        .iter()
                        .map(|l| l.0.node.as_deref())
                        .collect::<Vec<_>>(),
                    &column(&later, |(_, due, _)| *due),
                    &later.iter().map(|l| l.2).collect::<Vec<_>>(),
                ],
            )?;
        }
        if gone.is_empty() {
            return Ok(());
        }
        let ids: Vec<&str> = gone.iter().map(|g| g.0.id.as_str()).collect();
        let nodes: Vec<Option<&str>> = gone.iter().map(|g| g.0.node.as_deref()).collect();
        let taken: BTreeMap<String, String> =
            rows::<(Text, Text), (String, String), _>(self, TAKE_OUT, &[&ids, &nodes])?
                .into_iter()
                .collect();
        // A lane once, its last receipt: an upsert cannot touch a row twice.
        let mut receipts: BTreeMap<&str, &str> = BTreeMap::new();
        for (row, fate) in gone {
            if let (Fate::Delivered(receipt), Some(lane)) = (fate, taken.get(&row.id)) {
                receipts.insert(lane.as_str(), receipt.as_str());
            }
        }
        if !receipts.is_empty() {
            let lanes: Vec<&str> = receipts.keys().copied().collect();
            let receipts: Vec<&str> = receipts.values().copied().collect();
            execute(self, PUT_RECEIPTS, &[&now, &lanes, &receipts])?;
        }
        Ok(())
    }

    fn clock(&mut self) -> QueryResult<Option<i64>> {
        let now = rows::<BigInt, i64, _>(self, CLOCK, &[])?;
        Ok(now.first().copied())
    }

    fn hold(&mut self, node: &str, at_most: i64, lease: Duration) -> QueryResult<Vec<HoldRow>> {
        execute(self, FORGET_HOLDS, &[])?;
        execute(self, NEW_HOLDS, &[])?;
        let lease = whole_millis(lease);
        let mut held: Vec<HoldRow> = rows::<(Text, BigInt, BigInt), _, _>(
            self,
            HOLD,
            &[&node, &node, &at_most, &lease, &node, &node],
        )?;
        held.sort();
        Ok(held)
    }

    fn release(&mut self, router: &str, node: &str, epoch: i64) -> QueryResult<()> {
        execute(self, RELEASE, &[&router, &node, &epoch]).map(drop)
    }

    fn begin_serving(&mut self) -> QueryResult<()> {
        Ok(()) // other nodes serve too: what a dead one claimed is free when its time is over
    }
}

/// A row that was locked: which table, its id, the node that holds it, its epoch or version, whether it holds.
type Locked = (String, String, Option<String>, i64, bool);
type LockedTypes = (Text, Text, Nullable<Text>, BigInt, Bool);

impl Found {
    fn add(&mut self, (of, id, node, number, alive): Locked) {
        let table = match of.as_str() {
            "o" => Table::Open,
            "e" => Table::Ended,
            _ => {
                let epoch = number;
                self.holders.insert(id, Holder { node, epoch, alive });
                return;
            }
        };
        self.sessions.insert(id, (number, table));
    }
}

/// Where a session belongs.
const fn goes_to(row: &SessionRow) -> Table {
    if row.settled {
        Table::Ended
    } else {
        Table::Open
    }
}

/// Rows that leave a table.
fn take(
    connection: &mut PgConnection,
    batch: &Batch<'_>,
    table: Table,
    sql: &'static str,
) -> QueryResult<()> {
    let leave: Vec<&str> = batch
        .sessions
        .values()
        .filter(|(stored, row)| *stored == Some(table) && goes_to(row) != table)
        .map(|(_, row)| row.id.as_str())
        .collect();
    if leave.is_empty() {
        return Ok(());
    }
    execute(connection, sql, &[&leave]).map(drop)
}

/// Rows that come to a table, and rows that change in it.
fn come_and_change<'a>(batch: &Batch<'a>, table: Table) -> [Vec<&'a SessionRow>; 2] {
    let stays = batch
        .sessions
        .values()
        .filter(|(_, row)| goes_to(row) == table);
    let (change, come): (Vec<_>, Vec<_>) = stays.partition(|(stored, _)| *stored == Some(table));
    [come, change].map(|rows| rows.iter().map(|(_, row)| *row).collect())
}

fn write_most(connection: &mut PgConnection, batch: &Batch<'_>, now: i64) -> QueryResult<()> {
    let [come, change] = come_and_change(batch, Table::Open);
    let messages = &batch.outbox;
    execute(
        connection,
        WRITE,
        &[
            &column(&come, |row| row.id.as_str()),
            &column(&come, |row| row.router.as_str()),
            &column(&come, |row| row.account.as_str()),
            &column(&come, |row| row.owner.as_str()),
            &column(&come, |row| row.version),
            &column(&come, |row| row.deadline),
            &column(&come, |row| row.state_name),
            &column(&come, |row| row.ended),
            &column(&come, |row| row.opened_at),
            &column(&come, |row| row.state.as_slice()),
            &column(&change, |row| row.id.as_str()),
            &column(&change, |row| row.version),
            &column(&change, |row| row.deadline),
            &column(&change, |row| row.state_name),
            &column(&change, |row| row.ended),
            &column(&change, |row| row.state.as_slice()),
            &column(messages, |row| row.id.as_str()),
            &column(messages, |row| row.lane.as_str()),
            &column(messages, |row| row.card),
            &column(messages, |row| row.priority),
            &column(messages, |row| row.notice.as_str()),
            &column(messages, |row| row.due),
            &column(messages, |row| row.useless_after),
            &column(messages, |row| row.attempt),
            &batch.commits,
            &now,
        ],
    )
    .map(drop)
}

fn write_ended(connection: &mut PgConnection, batch: &Batch<'_>) -> QueryResult<()> {
    let [come, change] = come_and_change(batch, Table::Ended);
    if !change.is_empty() {
        execute(
            connection,
            SET_ENDED,
            &[
                &column(&change, |row| row.id.as_str()),
                &column(&change, |row| row.version),
                &column(&change, |row| row.deadline),
                &column(&change, |row| row.state_name),
                &column(&change, |row| row.ended),
                &column(&change, |row| row.state.as_slice()),
            ],
        )?;
    }
    if come.is_empty() {
        return Ok(());
    }
    execute(
        connection,
        ADD_ENDED,
        &[
            &column(&come, |row| row.id.as_str()),
            &column(&come, |row| row.router.as_str()),
            &column(&come, |row| row.account.as_str()),
            &column(&come, |row| row.owner.as_str()),
            &column(&come, |row| row.version),
            &column(&come, |row| row.deadline),
            &column(&come, |row| row.state_name),
            &column(&come, |row| row.ended),
            &column(&come, |row| row.opened_at),
            &column(&come, |row| row.state.as_slice()),
        ],
    )
    .map(drop)
}

fn write_bans(connection: &mut PgConnection, batch: &Batch<'_>) -> QueryResult<()> {
    for ban in batch.bans.values() {
        match ban {
            BanWrite::Put {
                id,
                account,
                until,
                ban,
            } => execute(connection, PUT_BAN, &[id, account, until, ban])?,
            BanWrite::Lift(id) => execute(connection, LIFT_BAN, &[id])?,
        };
    }
    Ok(())
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
