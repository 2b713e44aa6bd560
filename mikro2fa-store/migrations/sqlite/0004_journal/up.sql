-- What preparing did to a router and restoring has not taken back: each written down before it was done.

CREATE TABLE router_journal (
    router_id TEXT NOT NULL,
    number INTEGER NOT NULL,
    -- What was done and what was there before, as JSON.
    deed TEXT NOT NULL,
    -- Seen done; otherwise it may or may not have been.
    done INTEGER NOT NULL CHECK (done IN (0, 1)),
    at INTEGER NOT NULL,
    PRIMARY KEY (router_id, number)
) STRICT;
