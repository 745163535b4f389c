-- Reports that are sent each month: to whom, of which checks, and what became of the last.
CREATE TABLE uptime_readers (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    -- Addresses, one a line.
    recipients TEXT NOT NULL,
    -- Labels that its checks have, `name=value` a line; empty for every check.
    labels     TEXT NOT NULL,
    -- By whose clock months begin.
    zone       TEXT NOT NULL,
    lang       TEXT NOT NULL,
    made_ms    INTEGER NOT NULL,
    -- The month that was sent last, such as 2026-10; empty for none.
    sent       TEXT NOT NULL,
    tried_ms   INTEGER NOT NULL,
    tries      INTEGER NOT NULL,
    problem    TEXT NOT NULL
) STRICT;
