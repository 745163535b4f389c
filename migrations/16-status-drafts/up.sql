-- Posts that only editors see yet, texts to choose from, and when an update was changed.
ALTER TABLE uptime_post_updates ADD COLUMN edited_ms INTEGER;

-- A post of its own table, so that nothing that reads posts can show one by mistake.
CREATE TABLE uptime_post_drafts (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    page_id    INTEGER NOT NULL REFERENCES uptime_pages (id) ON DELETE CASCADE,
    title      TEXT NOT NULL,
    severity   TEXT NOT NULL,
    -- Numbers of checks, with commas between.
    checks     TEXT NOT NULL,
    stage      TEXT NOT NULL,
    text       TEXT NOT NULL,
    changed_ms INTEGER NOT NULL,
    changed_by TEXT NOT NULL
) STRICT;
CREATE INDEX uptime_post_drafts_by_page ON uptime_post_drafts (page_id);

CREATE TABLE uptime_post_templates (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    -- Of pages in this language.
    language TEXT NOT NULL,
    -- The built-in text that it stands in place of; null for one more.
    ready    TEXT,
    name     TEXT NOT NULL,
    -- Empty where it fits any.
    stage    TEXT NOT NULL,
    text     TEXT NOT NULL,
    UNIQUE (language, name),
    UNIQUE (language, ready)
) STRICT;
