-- What preparing did to a router and restoring has not taken back: each written down before it was done.

CREATE TABLE router_journal (
    router_id TEXT NOT NULL,
    number BIGINT NOT NULL,
    -- What was done and what was there before, as JSON.
    deed TEXT NOT NULL,
    -- Seen done; otherwise it may or may not have been.
    done BOOLEAN NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (router_id, number)
);
