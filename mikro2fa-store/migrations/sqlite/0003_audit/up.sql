-- The audit log: append-only, one chain of hashes for each writer, checkpoints over all chains.

CREATE TABLE audit_chains (
    id INTEGER NOT NULL PRIMARY KEY,
    -- Stands in each hash of the chain.
    name TEXT NOT NULL UNIQUE,
    started_at INTEGER NOT NULL,
    -- Its last entry.
    seq INTEGER NOT NULL,
    hash BLOB NOT NULL,
    -- How far the last checkpoint reaches.
    covered INTEGER NOT NULL
) STRICT;

CREATE TABLE audit_entries (
    number INTEGER NOT NULL PRIMARY KEY,
    chain INTEGER NOT NULL REFERENCES audit_chains (id),
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    session_id TEXT,
    router_id TEXT,
    account_id TEXT,
    -- What happened, as JSON; names and addresses of people stand here as salted hashes.
    what TEXT NOT NULL,
    -- Those names and addresses, and the salt. Both may be erased; the chain stays whole.
    personal TEXT,
    salt TEXT,
    hash BLOB NOT NULL,
    UNIQUE (chain, seq)
) STRICT;
CREATE INDEX audit_entries_session ON audit_entries (session_id, number) WHERE session_id IS NOT NULL;

CREATE TABLE audit_checkpoints (
    seq INTEGER NOT NULL PRIMARY KEY,
    at INTEGER NOT NULL,
    -- The last entries of all chains that grew since the checkpoint before, as JSON.
    heads TEXT NOT NULL,
    hash BLOB NOT NULL
) STRICT;
