-- Objectives, and what was left of their budgets at the end of each day.
CREATE TABLE slos (
    name       TEXT PRIMARY KEY,
    -- In YAML, as a single objective is read.
    definition TEXT NOT NULL,
    made_ms    INTEGER NOT NULL,
    changed_ms INTEGER NOT NULL,
    changed_by TEXT NOT NULL
) STRICT;
CREATE TABLE slo_days (
    slo         TEXT NOT NULL REFERENCES slos (name) ON DELETE CASCADE ON UPDATE CASCADE,
    -- Of the labels that group, `name="value"` with commas; empty where nothing groups.
    labels      TEXT NOT NULL,
    -- Days since 1970-01-01, in UTC.
    day         INTEGER NOT NULL,
    -- The part that was left at the day's end, or at the last time that day.
    budget_left REAL NOT NULL,
    -- What was counted over the period until then.
    events      REAL NOT NULL,
    bad         REAL NOT NULL,
    PRIMARY KEY (slo, labels, day)
) STRICT, WITHOUT ROWID;
