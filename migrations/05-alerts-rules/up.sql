-- Rule files that people wrote in the web pages or sent to the API, in the format of rule files.
CREATE TABLE rule_files (
    name       TEXT PRIMARY KEY COLLATE NOCASE,
    text       TEXT NOT NULL,
    -- Who changed it last, and when.
    changed_by TEXT NOT NULL,
    changed_ms INTEGER NOT NULL
) STRICT;
