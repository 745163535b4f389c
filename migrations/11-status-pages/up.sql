-- Status pages for customers, and what is told on them.
CREATE TABLE uptime_pages (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    slug       TEXT NOT NULL UNIQUE,
    -- The page in YAML; checks stand in it by number.
    definition TEXT NOT NULL,
    made_ms    INTEGER NOT NULL,
    changed_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE uptime_posts (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    page_id  INTEGER NOT NULL REFERENCES uptime_pages (id) ON DELETE CASCADE,
    -- Empty where the server made it: then the page says it in its language.
    title    TEXT NOT NULL,
    severity TEXT NOT NULL,
    -- Numbers of checks, with commas between.
    checks   TEXT NOT NULL,
    -- The incident that the server made it of: its check (in `checks`) was down from then on.
    of_ms    INTEGER,
    made_ms  INTEGER NOT NULL,
    made_by  TEXT NOT NULL
) STRICT;
CREATE INDEX uptime_posts_by_page ON uptime_posts (page_id);

CREATE TABLE uptime_post_updates (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    post_id INTEGER NOT NULL REFERENCES uptime_posts (id) ON DELETE CASCADE,
    at_ms   INTEGER NOT NULL,
    stage   TEXT NOT NULL,
    -- Empty where the server made it.
    text    TEXT NOT NULL,
    made_by TEXT NOT NULL
) STRICT;
CREATE INDEX uptime_post_updates_by_post ON uptime_post_updates (post_id);
