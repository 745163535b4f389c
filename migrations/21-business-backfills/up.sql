-- Runs that fill in the past of a KPI and are not over: begun again after a restart.
CREATE TABLE business_backfills (
    kpi_id   INTEGER PRIMARY KEY REFERENCES business_kpis (id) ON DELETE CASCADE,
    from_ms  INTEGER NOT NULL,
    until_ms INTEGER NOT NULL,
    -- Whether what is settled is asked for again.
    again    INTEGER NOT NULL
) STRICT;
