//! What PostgreSQL is asked.

use crate::dialect::held_back;

/// The server's own clock, in milliseconds, as it goes on within a transaction.
macro_rules! now {
    () => {
        "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"
    };
}

pub(super) const CLOCK: &str = concat!("SELECT ", now!());

/// Rights to act, then sessions, each in the order of ids, so that nobody waits for somebody who waits for them.
pub(super) const LOCK: &str = concat!(
    "WITH h AS (SELECT router_id, node_id, epoch, until > ",
    now!(),
    " AS alive FROM router_leases WHERE router_id = ANY(?) ORDER BY router_id FOR SHARE), \
     o AS (SELECT id, version FROM open_sessions WHERE id = ANY(?) ORDER BY id FOR UPDATE), \
     e AS (SELECT id, version FROM ended_sessions WHERE id = ANY(?) ORDER BY id FOR UPDATE) \
     SELECT 'h', router_id, node_id, epoch, alive FROM h UNION ALL SELECT 'o', id, NULL, version, true FROM o \
     UNION ALL SELECT 'e', id, NULL, version, true FROM e"
);
pub(super) const SEEN: &str = "SELECT true, id FROM commits_seen WHERE id = ANY(?) \
     UNION ALL SELECT false, name FROM updates_seen WHERE name = ANY(?)";
/// What nearly every group writes, in one round trip.
pub(super) const WRITE: &str = "WITH opened AS (INSERT INTO open_sessions (id, router_id, account_id, owner_id, \
     version, deadline, state_name, ended, opened_at, state) SELECT * FROM unnest(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)), \
     stepped AS (UPDATE open_sessions s SET version = n.version, deadline = n.deadline, state_name = n.state_name, \
     ended = n.ended, state = n.state FROM unnest(?, ?, ?, ?, ?, ?) \
     AS n (id, version, deadline, state_name, ended, state) WHERE s.id = n.id), \
     said AS (INSERT INTO outbox (id, lane, card, priority, notice, due, useless_after, attempt, claimed_until) \
     SELECT n.*, 0 FROM unnest(?, ?, ?, ?, ?, ?, ?, ?) n) \
     INSERT INTO commits_seen (id, at) SELECT unnest(?), ?";
pub(super) const ADD_UPDATES: &str = "INSERT INTO updates_seen (name, at) SELECT unnest(?), ?";

pub(super) const HOLD: &str = concat!(
    "WITH t AS (SELECT router_id FROM router_leases WHERE node_id = ? OR node_id IS NULL OR until <= ",
    now!(),
    " ORDER BY node_id IS DISTINCT FROM ?, router_id LIMIT ? FOR UPDATE SKIP LOCKED) \
     UPDATE router_leases l SET until = ? + ",
    now!(),
    ", node_id = ?, epoch = l.epoch + (l.node_id IS DISTINCT FROM ?)::int FROM t \
     WHERE l.router_id = t.router_id RETURNING l.router_id, l.epoch, l.until"
);

pub(super) const ADD_ENDED: &str = "INSERT INTO ended_sessions (id, router_id, account_id, owner_id, version, deadline, \
     state_name, ended, opened_at, state) SELECT * FROM unnest(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
pub(super) const SET_ENDED: &str = "UPDATE ended_sessions s SET version = n.version, deadline = n.deadline, \
     state_name = n.state_name, ended = n.ended, state = n.state FROM unnest(?, ?, ?, ?, ?, ?) \
     AS n (id, version, deadline, state_name, ended, state) WHERE s.id = n.id";
pub(super) const TAKE_OPEN: &str = "DELETE FROM open_sessions WHERE id = ANY(?)";
pub(super) const TAKE_ENDED: &str = "DELETE FROM ended_sessions WHERE id = ANY(?)";

pub(super) const PUT_BOOKS: &str = "INSERT INTO books (account_id, book) SELECT * FROM unnest(?, ?) \
     ON CONFLICT (account_id) DO UPDATE SET book = excluded.book";
pub(super) const PUT_BAN: &str = "INSERT INTO bans (id, account_id, until, ban) VALUES (?, ?, ?, ?) \
     ON CONFLICT (id) DO UPDATE SET account_id = excluded.account_id, until = excluded.until, ban = excluded.ban";
pub(super) const LIFT_BAN: &str = "DELETE FROM bans WHERE id = ?";

/// Locks are numbers of our own, "2fa2" to "2fa4"; two installations in one database have a schema each.
pub(super) const LOCK_CLAIMS: &str =
    "SELECT pg_advisory_xact_lock(845506098, hashtext(current_schema()))";
pub(super) const DROP_REPLACED: &str = "DELETE FROM outbox USING unnest(?, ?) AS n (lane, number) \
     WHERE outbox.lane = n.lane AND outbox.number < n.number";
pub(super) const DUE_MESSAGES: &str = concat!(
    "SELECT number, id, lane, card, priority, notice, due, useless_after, attempt FROM outbox o \
     WHERE due <= ? AND claimed_until <= ? AND NOT EXISTS ",
    held_back!("x.claimed_until > ?"),
    " ORDER BY priority, due, number LIMIT ? FOR UPDATE OF o SKIP LOCKED"
);
pub(super) const CLAIM: &str = "UPDATE outbox SET claimed_by = ?, claimed_until = ?, attempt = attempt + 1 \
     WHERE number = ANY(?)";
pub(super) const RECEIPTS: &str = "SELECT lane, receipt FROM lanes WHERE lane = ANY(?)";
pub(super) const PUT_OFF: &str = "UPDATE outbox SET due = n.due, reason = n.reason, claimed_by = NULL, claimed_until = 0 \
     FROM unnest(?, ?, ?, ?) AS n (id, node, due, reason) \
     WHERE outbox.id = n.id AND (n.node IS NULL OR claimed_by = n.node)";
pub(super) const TAKE_OUT: &str = "DELETE FROM outbox USING unnest(?, ?) AS n (id, node) \
     WHERE outbox.id = n.id AND (n.node IS NULL OR claimed_by = n.node) RETURNING outbox.id, outbox.lane";
pub(super) const PUT_RECEIPTS: &str = "INSERT INTO lanes (lane, receipt, at) SELECT n.*, ? FROM unnest(?, ?) n \
     ON CONFLICT (lane) DO UPDATE SET receipt = excluded.receipt, at = excluded.at";

pub(super) const ADD_ENTRIES: &str = "WITH added AS (INSERT INTO audit_entries (chain, seq, at, session_id, router_id, \
     account_id, what, personal, salt, hash) SELECT ?, n.* FROM unnest(?, ?, ?, ?, ?, ?, ?, ?, ?) n) \
     UPDATE audit_chains SET seq = ?, hash = ? WHERE id = ?";
pub(super) const LOCK_CHECKPOINTS: &str =
    "SELECT pg_advisory_xact_lock(845506099, hashtext(current_schema()))";
pub(super) const LOCK_DESK: &str =
    "SELECT pg_advisory_xact_lock(845506100, hashtext(current_schema()))";
