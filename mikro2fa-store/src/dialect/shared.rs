//! Statements that both databases read alike.

pub(super) const SESSION: &str = "SELECT state FROM open_sessions WHERE id = ? \
     UNION ALL SELECT state FROM ended_sessions WHERE id = ?";
pub(super) const OPEN_SESSIONS: &str =
    "SELECT state FROM open_sessions WHERE router_id = ? AND id > ? ORDER BY id LIMIT ?";

pub(super) const DROP_USELESS: &str =
    "DELETE FROM outbox WHERE useless_after < ? AND claimed_until <= ?";
/// By priority, because an index leads to the first of each; what is claimed comes back when its claim is over.
pub(super) const OUTBOX_DUE: &str = concat!(
    "SELECT min(at) FROM (SELECT CASE WHEN claimed_until > due THEN claimed_until ELSE due END AS at FROM outbox \
     WHERE claimed_until > 0 UNION ALL SELECT (SELECT o.due FROM outbox o \
     WHERE o.priority = p.n AND o.claimed_until = 0 AND NOT EXISTS ",
    held_back!("x.claimed_until > 0"),
    " ORDER BY o.due LIMIT 1) FROM (SELECT 1 AS n UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 \
     UNION ALL SELECT 5 UNION ALL SELECT 6) p) ats"
);

pub(super) const FORGET_ORDER: &str = "DELETE FROM gate_orders WHERE router_id = ? AND at = ?";

pub(super) const FORGET_HOLDS: &str =
    "DELETE FROM router_leases WHERE router_id NOT IN (SELECT id FROM routers)";
pub(super) const NEW_HOLDS: &str = "INSERT INTO router_leases (router_id, node_id, epoch, until) \
     SELECT id, NULL, 0, 0 FROM routers WHERE true ON CONFLICT DO NOTHING";
pub(super) const RELEASE: &str = "UPDATE router_leases SET node_id = NULL \
     WHERE router_id = ? AND node_id = ? AND epoch = ?";

pub(super) const BEGIN_CHAIN: &str = "INSERT INTO audit_chains (name, started_at, seq, hash, covered) \
     VALUES (?, ?, 0, ?, 0) RETURNING id";
pub(super) const GROWN_CHAINS: &str =
    "SELECT id, name, seq, hash FROM audit_chains WHERE seq > covered ORDER BY id";
pub(super) const LAST_CHECKPOINT: &str =
    "SELECT seq, hash FROM audit_checkpoints ORDER BY seq DESC LIMIT 1";
pub(super) const ADD_CHECKPOINT: &str =
    "INSERT INTO audit_checkpoints (seq, at, heads, hash) VALUES (?, ?, ?, ?)";
pub(super) const COVER_CHAIN: &str = "UPDATE audit_chains SET covered = ? WHERE id = ?";
