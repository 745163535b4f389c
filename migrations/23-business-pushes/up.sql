-- Requests with numbers of programs that may come twice: what was taken under which key.
CREATE TABLE business_pushes (
    -- In the order in which they came.
    id     INTEGER PRIMARY KEY,
    kpi_id INTEGER NOT NULL REFERENCES business_kpis (id) ON DELETE CASCADE,
    key    TEXT NOT NULL,
    -- SHA-256 of the request.
    digest BLOB NOT NULL,
    -- How many numbers were taken, and when.
    taken  INTEGER NOT NULL,
    at_ms  INTEGER NOT NULL,
    UNIQUE (kpi_id, key)
) STRICT;
