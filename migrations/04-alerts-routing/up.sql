-- Alerts that fire, and those whose end was not told to everybody yet.
CREATE TABLE alerts (
    -- FNV-1a of the labels, as a signed number.
    fingerprint   INTEGER PRIMARY KEY,
    -- JSON objects.
    labels        TEXT NOT NULL,
    annotations   TEXT NOT NULL,
    starts_ms     INTEGER NOT NULL,
    ends_ms       INTEGER,
    updated_ms    INTEGER NOT NULL,
    is_timeout    INTEGER NOT NULL,
    generator_url TEXT NOT NULL
) STRICT;

-- Silences, those that are over lately included.
CREATE TABLE silences (
    id          TEXT PRIMARY KEY,
    -- A JSON array of name, operator and value.
    matchers    TEXT NOT NULL,
    starts_ms   INTEGER NOT NULL,
    ends_ms     INTEGER NOT NULL,
    updated_ms  INTEGER NOT NULL,
    created_by  TEXT NOT NULL,
    comment     TEXT NOT NULL,
    annotations TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The notification log: what a channel was told of a group last.
CREATE TABLE notifications (
    receiver   TEXT NOT NULL,
    -- Kind and number, as slack[0].
    channel    TEXT NOT NULL,
    group_key  TEXT NOT NULL,
    at_ms      INTEGER NOT NULL,
    -- JSON arrays of hashes, each a text.
    firing     TEXT NOT NULL,
    resolved   TEXT NOT NULL,
    expires_ms INTEGER NOT NULL,
    PRIMARY KEY (receiver, channel, group_key)
) STRICT, WITHOUT ROWID;

-- The history of what was told to whom. Only ever appended; old lines are pruned by age and number.
CREATE TABLE tellings (
    id        INTEGER PRIMARY KEY,
    at_ms     INTEGER NOT NULL,
    receiver  TEXT NOT NULL,
    channel   TEXT NOT NULL,
    reason    TEXT NOT NULL,
    firing    INTEGER NOT NULL,
    resolved  INTEGER NOT NULL,
    group_key TEXT NOT NULL,
    error     TEXT,
    tries     INTEGER NOT NULL
) STRICT;
CREATE INDEX tellings_by_time ON tellings (at_ms);

-- The history of alerts: when each changed its state. Only ever appended; old lines are pruned by age and number.
CREATE TABLE alert_changes (
    id          INTEGER PRIMARY KEY,
    at_ms       INTEGER NOT NULL,
    fingerprint INTEGER NOT NULL,
    labels      TEXT NOT NULL,
    -- inactive, pending or firing; nothing for an alert that was or is not known.
    from_state  TEXT,
    to_state    TEXT,
    -- The rule's group and file, or nothing for an alert of others.
    source      TEXT NOT NULL
) STRICT;
CREATE INDEX alert_changes_by_time ON alert_changes (at_ms);
CREATE INDEX alert_changes_by_alert ON alert_changes (fingerprint, at_ms);
