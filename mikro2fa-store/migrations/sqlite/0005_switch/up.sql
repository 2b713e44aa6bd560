-- Switching a router between observing and enforcing; what logins were before they were changed.

ALTER TABLE routers ADD COLUMN observe_asks INTEGER NOT NULL DEFAULT 1 CHECK (observe_asks IN (0, 1));
ALTER TABLE accounts ADD COLUMN disabled INTEGER NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1));
-- As JSON: what a login was on its router before we changed it.
ALTER TABLE accounts ADD COLUMN before TEXT NOT NULL DEFAULT '{}';

-- Orders to shut or open a gate that were not yet seen done.
CREATE TABLE gate_orders (
    router_id TEXT NOT NULL PRIMARY KEY,
    mode TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX audit_entries_router ON audit_entries (router_id, number) WHERE router_id IS NOT NULL;
