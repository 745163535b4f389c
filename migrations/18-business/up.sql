-- Numbers that say how the business goes: what is counted, and what was counted.
CREATE TABLE business_kpis (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT NOT NULL UNIQUE COLLATE NOCASE,
    -- The KPI in YAML, as it can be exported and read back, with <secret> in place of its password.
    definition TEXT NOT NULL,
    password   TEXT NOT NULL,
    -- The file it comes from; empty for KPIs that were made in the browser or by the API.
    file       TEXT NOT NULL,
    made_ms    INTEGER NOT NULL,
    changed_ms INTEGER NOT NULL
) STRICT;

-- Parts of a KPI: values of its labels. All of a KPI is segment 0, which is not in here.
CREATE TABLE business_segments (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    kpi_id INTEGER NOT NULL REFERENCES business_kpis (id) ON DELETE CASCADE,
    label  TEXT NOT NULL,
    value  TEXT NOT NULL,
    UNIQUE (kpi_id, label, value)
) STRICT;

CREATE TABLE business_values (
    kpi_id     INTEGER NOT NULL REFERENCES business_kpis (id) ON DELETE CASCADE,
    -- 0 hour, 1 day, 2 week, 3 month, 4 quarter, 5 year.
    grain      INTEGER NOT NULL,
    segment_id INTEGER NOT NULL,
    -- Its number as periods are counted.
    period     INTEGER NOT NULL,
    -- Null where it was asked for and there is none.
    value      REAL,
    -- 0 its period goes on, 1 that is over, 2 it does not change any more.
    standing   INTEGER NOT NULL,
    -- 0 collected, 1 backfilled, 2 pushed, 3 combined, 4 derived.
    origin     INTEGER NOT NULL,
    at_ms      INTEGER NOT NULL,
    -- Of how much of its period there are values, 0 to 1.
    complete   REAL NOT NULL,
    -- What it was when its period was over, where that is not what it is.
    first      REAL,
    PRIMARY KEY (kpi_id, grain, segment_id, period)
) STRICT, WITHOUT ROWID;

-- The first period of a grain whose value may still change, by KPI.
CREATE TABLE business_progress (
    kpi_id INTEGER NOT NULL REFERENCES business_kpis (id) ON DELETE CASCADE,
    grain  INTEGER NOT NULL,
    next   INTEGER NOT NULL,
    PRIMARY KEY (kpi_id, grain)
) STRICT, WITHOUT ROWID;

-- Funnels and retentions ('funnel', 'retention'), in YAML.
CREATE TABLE business_others (
    kind       TEXT NOT NULL,
    name       TEXT NOT NULL COLLATE NOCASE,
    definition TEXT NOT NULL,
    file       TEXT NOT NULL,
    PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;

-- By whose clock days begin, and with which day weeks do (0 for Monday). One row at most.
CREATE TABLE business_calendar (
    one        INTEGER PRIMARY KEY CHECK (one = 1),
    time_zone  TEXT NOT NULL,
    week_start INTEGER NOT NULL
) STRICT;
