-- What became of letters about KPIs; the letters themselves are in business_others.
CREATE TABLE business_digests (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    name     TEXT NOT NULL UNIQUE COLLATE NOCASE,
    -- When it goes out, in words of its own: what was due before that was chosen is not sent.
    schedule TEXT NOT NULL,
    since_ms INTEGER NOT NULL,
    -- The period that nobody has to care for any more, sent or given up; empty for none.
    settled  TEXT NOT NULL,
    -- The period that is being sent; empty for none.
    claimed  TEXT NOT NULL,
    -- The period that was sent last, and when.
    sent     TEXT NOT NULL,
    sent_ms  INTEGER NOT NULL,
    tried_ms INTEGER NOT NULL,
    tries    INTEGER NOT NULL,
    problem  TEXT NOT NULL
) STRICT;
