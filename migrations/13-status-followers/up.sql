-- Who follows a status page: readers by mail, programs by a webhook.
CREATE TABLE uptime_followers (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    page_id      INTEGER NOT NULL REFERENCES uptime_pages (id) ON DELETE CASCADE,
    -- mail or webhook.
    way          TEXT NOT NULL,
    address      TEXT NOT NULL,
    -- Opens its confirmation and its end; nobody guesses it.
    secret       TEXT NOT NULL UNIQUE,
    made_ms      INTEGER NOT NULL,
    -- Null until its owner said yes.
    confirmed_ms INTEGER,
    -- The newest update when it was confirmed: what was told before is not told again.
    after_id     INTEGER NOT NULL,
    UNIQUE (page_id, way, address)
) STRICT;

-- What was told to whom. A row is there before the message leaves, so that nothing is told twice.
CREATE TABLE uptime_told (
    follower_id INTEGER NOT NULL REFERENCES uptime_followers (id) ON DELETE CASCADE,
    update_id   INTEGER NOT NULL REFERENCES uptime_post_updates (id) ON DELETE CASCADE,
    -- 0 to be tried again, 1 under way, 2 told, 3 given up.
    state       INTEGER NOT NULL,
    tries       INTEGER NOT NULL,
    -- When it is tried again.
    next_ms     INTEGER NOT NULL,
    problem     TEXT NOT NULL,
    PRIMARY KEY (follower_id, update_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX uptime_told_by_update ON uptime_told (update_id);
