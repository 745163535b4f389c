-- What people set so that alerts stay calm.
CREATE TABLE calm_rules (
    id         TEXT PRIMARY KEY,
    -- recurring-silences, dependencies, escalations, rotas, caps, flapping.
    kind       TEXT NOT NULL,
    -- A JSON object, as the API shows it.
    rule       TEXT NOT NULL,
    changed_by TEXT NOT NULL,
    changed_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Who takes care of alerts that fire.
CREATE TABLE handlings (
    fingerprint     INTEGER PRIMARY KEY,
    acknowledged_by TEXT,
    acknowledged_ms INTEGER,
    assignee        TEXT
) STRICT;

-- What people did about alerts. Only ever appended; old lines are pruned by age and number.
CREATE TABLE alert_notes (
    id          INTEGER PRIMARY KEY,
    at_ms       INTEGER NOT NULL,
    fingerprint INTEGER NOT NULL,
    labels      TEXT NOT NULL,
    by          TEXT NOT NULL,
    -- acknowledge, release, assign, comment.
    deed        TEXT NOT NULL,
    -- The person of assign (empty for nobody), the text of comment.
    text        TEXT NOT NULL
) STRICT;
CREATE INDEX alert_notes_by_alert ON alert_notes (fingerprint, at_ms);
CREATE INDEX alert_notes_by_time ON alert_notes (at_ms);
