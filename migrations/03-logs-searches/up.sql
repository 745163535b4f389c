-- Searches of lines that were saved under a name.
CREATE TABLE saved_searches (
    id         INTEGER PRIMARY KEY,
    -- Whose it is; nothing for one that everybody sees.
    user_id    INTEGER REFERENCES users (id) ON DELETE CASCADE,
    name       TEXT NOT NULL,
    -- The query string of the search page, without the range of time.
    query      TEXT NOT NULL,
    made_by    TEXT NOT NULL,
    changed_ms INTEGER NOT NULL
) STRICT;

-- Of one name there is one among those that everybody sees, and one of each person's own.
CREATE UNIQUE INDEX saved_searches_names ON saved_searches (COALESCE(user_id, 0), name COLLATE NOCASE);
