-- Switching a router between observing and enforcing; what logins were before they were changed.

ALTER TABLE routers ADD COLUMN observe_asks BOOLEAN NOT NULL DEFAULT TRUE;
ALTER TABLE accounts ADD COLUMN disabled BOOLEAN NOT NULL DEFAULT FALSE;
-- As JSON: what a login was on its router before we changed it.
ALTER TABLE accounts ADD COLUMN before TEXT NOT NULL DEFAULT '{}';

-- Orders to shut or open a gate that were not yet seen done.
CREATE TABLE gate_orders (
    router_id TEXT NOT NULL PRIMARY KEY,
    mode TEXT NOT NULL,
    at BIGINT NOT NULL
);

CREATE INDEX audit_entries_router ON audit_entries (router_id, number) WHERE router_id IS NOT NULL;
