-- What people here say of metrics, before what targets say of them.
CREATE TABLE metrics_described (
    metric      TEXT PRIMARY KEY,
    -- Empty for what the target says.
    description TEXT NOT NULL,
    unit        TEXT NOT NULL,
    -- Its word; empty for what the name says.
    category    TEXT NOT NULL,
    changed_ms  INTEGER NOT NULL,
    changed_by  TEXT NOT NULL
) STRICT;
