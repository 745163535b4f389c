-- What people and programs marked in time: deploys, notes, outages. Old ones go when there are too many.
CREATE TABLE annotations (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    -- From when to when; the same where it is an instant.
    at_ms      INTEGER NOT NULL,
    until_ms   INTEGER NOT NULL,
    text       TEXT NOT NULL,
    -- A JSON list, in the order in which they were given.
    tags       TEXT NOT NULL,
    -- The dashboard it belongs to, and the panel of it; empty and 0 where it belongs to none.
    board_uid  TEXT NOT NULL,
    board_id   INTEGER NOT NULL,
    panel_id   INTEGER NOT NULL,
    -- Who made it; 0 where that is no person.
    user_id    INTEGER NOT NULL,
    made_by    TEXT NOT NULL,
    made_ms    INTEGER NOT NULL,
    changed_ms INTEGER NOT NULL,
    -- What else a program keeps with it: a JSON object.
    data       TEXT NOT NULL
) STRICT;
CREATE INDEX annotations_by_end ON annotations (until_ms, at_ms);

-- Tags taken apart at their first colon, to find annotations by.
CREATE TABLE annotation_tags (
    annotation_id INTEGER NOT NULL REFERENCES annotations (id) ON DELETE CASCADE,
    key           TEXT NOT NULL,
    value         TEXT NOT NULL,
    PRIMARY KEY (annotation_id, key, value)
) STRICT, WITHOUT ROWID;
CREATE INDEX annotation_tags_by_key ON annotation_tags (key, value);
