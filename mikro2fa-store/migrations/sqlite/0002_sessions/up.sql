-- The hot path: sessions, what is remembered of accounts, messages, rights to act.

-- Sessions that are not settled. A start reads all of them, so only `state` holds what a session is: one compact
-- versioned value. The other columns are there to find and to list it. A router's sessions lie side by side.
CREATE TABLE open_sessions (
    id TEXT NOT NULL UNIQUE,
    router_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    owner_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    deadline INTEGER,
    state_name TEXT NOT NULL,
    ended INTEGER NOT NULL CHECK (ended IN (0, 1)),
    opened_at INTEGER NOT NULL,
    state BLOB NOT NULL,
    PRIMARY KEY (router_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX open_sessions_account ON open_sessions (account_id, id);
CREATE INDEX open_sessions_owner ON open_sessions (owner_id, id);

-- Sessions that are over, and of which nothing is left on their router.
CREATE TABLE ended_sessions (
    id TEXT NOT NULL PRIMARY KEY,
    router_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    owner_id TEXT NOT NULL,
    version INTEGER NOT NULL,
    deadline INTEGER,
    state_name TEXT NOT NULL,
    ended INTEGER NOT NULL CHECK (ended IN (0, 1)),
    opened_at INTEGER NOT NULL,
    state BLOB NOT NULL
) STRICT;
CREATE INDEX ended_sessions_router ON ended_sessions (router_id, id);
CREATE INDEX ended_sessions_account ON ended_sessions (account_id, id);
CREATE INDEX ended_sessions_owner ON ended_sessions (owner_id, id);

CREATE TABLE books (
    account_id TEXT NOT NULL PRIMARY KEY,
    book TEXT NOT NULL
) STRICT;

CREATE TABLE bans (
    id TEXT NOT NULL PRIMARY KEY,
    account_id TEXT NOT NULL,
    until INTEGER,
    ban TEXT NOT NULL
) STRICT;
CREATE INDEX bans_account ON bans (account_id, id);

-- Messages that are not settled. `number` is the order they were written in.
CREATE TABLE outbox (
    number INTEGER NOT NULL PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    lane TEXT NOT NULL,
    -- A later row of this lane replaces it while it is unsent.
    card INTEGER NOT NULL CHECK (card IN (0, 1)),
    priority INTEGER NOT NULL,
    notice TEXT NOT NULL,
    due INTEGER NOT NULL,
    useless_after INTEGER,
    attempt INTEGER NOT NULL,
    -- Who claimed it, and until when it is theirs; 0 = nobody.
    claimed_by TEXT,
    claimed_until INTEGER NOT NULL,
    -- Why it was put off.
    reason TEXT
) STRICT;
CREATE INDEX outbox_due ON outbox (priority, due, number);
CREATE INDEX outbox_lane ON outbox (lane, number);
CREATE INDEX outbox_claimed ON outbox (claimed_until) WHERE claimed_until > 0;
CREATE INDEX outbox_useless ON outbox (useless_after) WHERE useless_after IS NOT NULL;

-- The receipt of each lane's last message.
CREATE TABLE lanes (
    lane TEXT NOT NULL PRIMARY KEY,
    receipt TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX lanes_at ON lanes (at);

-- Who may act for which router. The epoch grows with each new owner.
CREATE TABLE router_leases (
    router_id TEXT NOT NULL PRIMARY KEY,
    node_id TEXT,
    epoch INTEGER NOT NULL,
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What was committed already, so that the same thing twice changes nothing.
CREATE TABLE commits_seen (
    id TEXT NOT NULL PRIMARY KEY,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE updates_seen (
    name TEXT NOT NULL PRIMARY KEY,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
