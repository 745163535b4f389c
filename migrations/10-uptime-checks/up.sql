-- Checks: what is probed again and again, in which state that was when, and why it was down.
CREATE TABLE uptime_checks (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT NOT NULL UNIQUE,
    -- The check in YAML, as it can be exported and read back; secrets are in it.
    definition TEXT NOT NULL,
    -- The file it comes from; empty for checks that were made in the browser or by the API.
    file       TEXT NOT NULL,
    made_ms    INTEGER NOT NULL,
    changed_ms INTEGER NOT NULL
) STRICT;

-- Times in one state (0 unknown, 1 up, 2 down, 3 paused). The last of a check goes on: it is certain until `until_ms`.
CREATE TABLE uptime_spans (
    check_id INTEGER NOT NULL REFERENCES uptime_checks (id) ON DELETE CASCADE,
    from_ms  INTEGER NOT NULL,
    until_ms INTEGER NOT NULL,
    state    INTEGER NOT NULL,
    PRIMARY KEY (check_id, from_ms)
) STRICT, WITHOUT ROWID;

-- Results added up, by the hour and by the day of UTC (hours or days since 1970-01-01).
CREATE TABLE uptime_hours (
    check_id  INTEGER NOT NULL REFERENCES uptime_checks (id) ON DELETE CASCADE,
    hour      INTEGER NOT NULL,
    failed    INTEGER NOT NULL,
    latencies BLOB NOT NULL,
    PRIMARY KEY (check_id, hour)
) STRICT, WITHOUT ROWID;
CREATE TABLE uptime_days (
    check_id  INTEGER NOT NULL REFERENCES uptime_checks (id) ON DELETE CASCADE,
    day       INTEGER NOT NULL,
    failed    INTEGER NOT NULL,
    latencies BLOB NOT NULL,
    PRIMARY KEY (check_id, day)
) STRICT, WITHOUT ROWID;

CREATE TABLE uptime_incidents (
    check_id     INTEGER NOT NULL REFERENCES uptime_checks (id) ON DELETE CASCADE,
    from_ms      INTEGER NOT NULL,
    confirmed_ms INTEGER NOT NULL,
    -- Null while it goes on.
    until_ms     INTEGER,
    -- Which part of the probe failed, and why in words.
    kind         TEXT NOT NULL,
    cause        TEXT NOT NULL,
    excerpt      TEXT NOT NULL,
    PRIMARY KEY (check_id, from_ms)
) STRICT, WITHOUT ROWID;
CREATE INDEX uptime_incidents_by_time ON uptime_incidents (from_ms);

-- Announced maintenance. What is changed or ended leaves the past as it was: it is in force until then, and another
-- row from then on.
CREATE TABLE uptime_maintenance (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    title       TEXT NOT NULL,
    -- When and of which checks, in YAML.
    definition  TEXT NOT NULL,
    in_force_from_ms  INTEGER NOT NULL,
    in_force_until_ms INTEGER NOT NULL,
    made_by     TEXT NOT NULL
) STRICT;
