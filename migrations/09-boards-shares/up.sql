-- Links by which people without an account see a dashboard, and snapshots of what dashboards showed.
CREATE TABLE board_shares (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    -- Names it in its URL; nobody can guess it.
    token      TEXT NOT NULL UNIQUE,
    board_uid  TEXT NOT NULL,
    title      TEXT NOT NULL,
    -- Variables that readers may choose, a JSON list; what the others are, as in URLs (`var-job=a&var-job=b`).
    open       TEXT NOT NULL,
    fixed      TEXT NOT NULL,
    -- The range that is shown, and whether readers may choose another.
    range_from TEXT NOT NULL,
    range_to   TEXT NOT NULL,
    is_range_free INTEGER NOT NULL,
    -- Origins of pages that may embed it, a JSON list; `*` for all.
    framed_by  TEXT NOT NULL,
    made_ms    INTEGER NOT NULL,
    made_by    TEXT NOT NULL,
    -- When it ends; 0 for never.
    expires_ms INTEGER NOT NULL,
    is_on      INTEGER NOT NULL,
    -- Of a snapshot: when it was taken (0 for links), and what was shown, as zstd.
    taken_ms   INTEGER NOT NULL,
    snapshot   BLOB
) STRICT;
CREATE INDEX board_shares_by_board ON board_shares (board_uid);

-- Links show what is there; without the dashboard that is nothing. Snapshots stay until they end.
CREATE TRIGGER board_shares_go AFTER DELETE ON boards BEGIN
    DELETE FROM board_shares WHERE board_uid = OLD.uid AND taken_ms = 0;
END;
