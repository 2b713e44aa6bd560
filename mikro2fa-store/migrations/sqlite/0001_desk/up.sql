-- Who is who, and what the desk edits. Ids are 32 hexadecimal digits, times milliseconds since 1970-01-01T00:00:00Z.

-- What the database knows of itself: installation, last wall time, system policy.
CREATE TABLE meta (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE settings (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE secrets (
    name TEXT NOT NULL PRIMARY KEY,
    sealed BLOB NOT NULL
) STRICT;

CREATE TABLE users (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    chat INTEGER UNIQUE,
    link_generation INTEGER NOT NULL,
    linked_at INTEGER,
    language TEXT NOT NULL,
    zone_minutes INTEGER,
    suspended INTEGER NOT NULL CHECK (suspended IN (0, 1)),
    unreachable INTEGER NOT NULL CHECK (unreachable IN (0, 1)),
    policy TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    version INTEGER NOT NULL
) STRICT;

CREATE TABLE operators (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    chat INTEGER,
    language TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE routers (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    connection TEXT NOT NULL,
    password BLOB NOT NULL,
    mode TEXT NOT NULL,
    gates TEXT NOT NULL,
    unowned TEXT NOT NULL,
    adopt TEXT NOT NULL,
    since INTEGER NOT NULL,
    poll_interval INTEGER NOT NULL,
    hook_key_hash TEXT,
    policy TEXT NOT NULL,
    version INTEGER NOT NULL
) STRICT;
CREATE INDEX routers_name ON routers (name, id);

CREATE TABLE sources (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    matching TEXT NOT NULL,
    holder_id TEXT
) STRICT;
CREATE INDEX sources_holder ON sources (holder_id);

-- Which routers' logins a source decides, in the order they were given.
CREATE TABLE source_routers (
    source_id TEXT NOT NULL REFERENCES sources (id) ON DELETE CASCADE,
    router_id TEXT NOT NULL,
    place INTEGER NOT NULL,
    PRIMARY KEY (source_id, router_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX source_routers_router ON source_routers (router_id);

CREATE TABLE accounts (
    id TEXT NOT NULL PRIMARY KEY,
    source_id TEXT NOT NULL,
    name TEXT NOT NULL,
    -- The form under which equal names of this source are equal.
    name_key TEXT NOT NULL,
    owner_id TEXT,
    kind TEXT NOT NULL,
    handed_over INTEGER NOT NULL CHECK (handed_over IN (0, 1)),
    routes TEXT NOT NULL,
    policy TEXT NOT NULL,
    version INTEGER NOT NULL,
    UNIQUE (source_id, name_key)
) STRICT;
CREATE INDEX accounts_owner ON accounts (owner_id, name, id);
CREATE INDEX accounts_source ON accounts (source_id, id);

CREATE TABLE registrations (
    id TEXT NOT NULL PRIMARY KEY,
    chat INTEGER NOT NULL,
    name TEXT NOT NULL,
    telegram_name TEXT NOT NULL,
    language TEXT NOT NULL,
    at INTEGER NOT NULL,
    state TEXT NOT NULL
) STRICT;
CREATE INDEX registrations_chat ON registrations (chat, at, id);
CREATE INDEX registrations_state ON registrations (state, at, id);

CREATE TABLE link_codes (
    digest TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL,
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX link_codes_user ON link_codes (user_id);
CREATE INDEX link_codes_until ON link_codes (until);

CREATE TABLE api_tokens (
    digest TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    until INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE keyboards (
    id TEXT NOT NULL PRIMARY KEY,
    chat INTEGER NOT NULL,
    user_id TEXT,
    link_generation INTEGER NOT NULL,
    messages TEXT NOT NULL,
    presses TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    replaces INTEGER NOT NULL CHECK (replaces IN (0, 1)),
    ends_at INTEGER NOT NULL,
    dead INTEGER NOT NULL CHECK (dead IN (0, 1))
) STRICT;
CREATE INDEX keyboards_ends ON keyboards (ends_at);
