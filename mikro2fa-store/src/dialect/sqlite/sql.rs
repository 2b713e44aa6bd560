//! What SQLite is asked.

use crate::dialect::held_back;

pub(super) const SEEN_COMMIT: &str = "SELECT id FROM commits_seen WHERE id = ?";
pub(super) const SEEN_UPDATE: &str = "SELECT name FROM updates_seen WHERE name = ?";
pub(super) const ADD_COMMIT: &str = "INSERT INTO commits_seen (id, at) VALUES (?, ?)";
pub(super) const ADD_UPDATE: &str = "INSERT INTO updates_seen (name, at) VALUES (?, ?)";

pub(super) const HOLDER: &str = "SELECT node_id, epoch FROM router_leases WHERE router_id = ?";
/// Whoever asks gets them at once and for ever: 9223372036854775807 is [`mikro2fa_core::time::Timestamp::MAX`].
pub(super) const HOLD: &str = "UPDATE router_leases SET until = 9223372036854775807, node_id = ?, \
     epoch = epoch + (node_id IS NOT ?) \
     WHERE router_id IN (SELECT router_id FROM router_leases ORDER BY node_id IS NOT ?, router_id LIMIT ?) \
     RETURNING router_id, epoch, until";

pub(super) const SESSION_VERSION: &str = "SELECT version, true FROM open_sessions WHERE id = ? \
     UNION ALL SELECT version, false FROM ended_sessions WHERE id = ?";
pub(super) const ADD_OPEN: &str = "INSERT INTO open_sessions (id, router_id, account_id, owner_id, version, deadline, \
     state_name, ended, opened_at, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
pub(super) const ADD_ENDED: &str = "INSERT INTO ended_sessions (id, router_id, account_id, owner_id, version, deadline, \
     state_name, ended, opened_at, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
pub(super) const SET_OPEN: &str = "UPDATE open_sessions SET version = ?, deadline = ?, state_name = ?, ended = ?, state = ? \
     WHERE id = ?";
pub(super) const SET_ENDED: &str = "UPDATE ended_sessions SET version = ?, deadline = ?, state_name = ?, ended = ?, state = ? \
     WHERE id = ?";
pub(super) const TAKE_OPEN: &str = "DELETE FROM open_sessions WHERE id = ?";
pub(super) const TAKE_ENDED: &str = "DELETE FROM ended_sessions WHERE id = ?";

pub(super) const PUT_BOOK: &str = "INSERT INTO books (account_id, book) VALUES (?, ?) \
     ON CONFLICT (account_id) DO UPDATE SET book = excluded.book";
pub(super) const PUT_BAN: &str = "INSERT INTO bans (id, account_id, until, ban) VALUES (?, ?, ?, ?) \
     ON CONFLICT (id) DO UPDATE SET account_id = excluded.account_id, until = excluded.until, ban = excluded.ban";

pub(super) const LIFT_BAN: &str = "DELETE FROM bans WHERE id = ?";

pub(super) const ADD_MESSAGE: &str = "INSERT INTO outbox (id, lane, card, priority, notice, due, useless_after, attempt, \
     claimed_until) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)";
/// Nothing of the lane before it is claimed: the statement that found it saw to that.
pub(super) const DROP_REPLACED: &str = "DELETE FROM outbox WHERE lane = ? AND number < ?";
pub(super) const DUE_MESSAGES: &str = concat!(
    "SELECT number, id, lane, card, priority, notice, due, useless_after, attempt FROM outbox o \
     WHERE due <= ? AND claimed_until <= ? AND NOT EXISTS ",
    // `+ 0`: a value that is compared as a partial index's own condition is makes SQLite prepare the statement anew each time.
    held_back!("x.claimed_until + 0 > ?"),
    " ORDER BY priority, due, number LIMIT ?"
);
pub(super) const RECEIPT: &str = "SELECT receipt FROM lanes WHERE lane = ?";
pub(super) const PUT_RECEIPT: &str = "INSERT INTO lanes (lane, receipt, at) VALUES (?, ?, ?) \
     ON CONFLICT (lane) DO UPDATE SET receipt = excluded.receipt, at = excluded.at";
pub(super) const CLAIM: &str =
    "UPDATE outbox SET claimed_by = ?, claimed_until = ?, attempt = attempt + 1 WHERE number = ?";
pub(super) const FREE_CLAIMS: &str =
    "UPDATE outbox SET claimed_by = NULL, claimed_until = 0 WHERE claimed_until > 0";
pub(super) const PUT_OFF: &str = "UPDATE outbox SET due = ?, reason = ?, claimed_by = NULL, claimed_until = 0 \
     WHERE id = ? AND (? IS NULL OR claimed_by = ?)";
pub(super) const TAKE_OUT: &str =
    "DELETE FROM outbox WHERE id = ? AND (? IS NULL OR claimed_by = ?) RETURNING lane";

pub(super) const ADD_ENTRY: &str = "INSERT INTO audit_entries (chain, seq, at, session_id, router_id, account_id, what, \
     personal, salt, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
pub(super) const MOVE_HEAD: &str = "UPDATE audit_chains SET seq = ?, hash = ? WHERE id = ?";
