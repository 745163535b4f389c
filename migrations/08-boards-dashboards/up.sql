-- Folders of dashboards.
CREATE TABLE board_folders (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    uid        TEXT NOT NULL UNIQUE,
    title      TEXT NOT NULL,
    -- The folder it lies in; empty for none.
    parent_uid TEXT NOT NULL,
    description TEXT NOT NULL,
    version    INTEGER NOT NULL,
    made_ms    INTEGER NOT NULL,
    made_by    TEXT NOT NULL,
    changed_ms INTEGER NOT NULL,
    changed_by TEXT NOT NULL
) STRICT;

-- Dashboards. Their JSON is that of their newest version.
CREATE TABLE boards (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    uid        TEXT NOT NULL UNIQUE,
    title      TEXT NOT NULL,
    description TEXT NOT NULL,
    -- The folder it lies in; empty for none.
    folder_uid TEXT NOT NULL,
    -- A JSON list, in the order in which they were given.
    tags       TEXT NOT NULL,
    version    INTEGER NOT NULL,
    made_ms    INTEGER NOT NULL,
    made_by    TEXT NOT NULL,
    changed_ms INTEGER NOT NULL,
    changed_by TEXT NOT NULL,
    -- The file it comes from, what that held when it was read last, and the version it became; empty and 0 for none.
    file_path    TEXT NOT NULL,
    file_hash    TEXT NOT NULL,
    file_version INTEGER NOT NULL
) STRICT;
CREATE INDEX boards_by_folder ON boards (folder_uid);
CREATE INDEX boards_by_file ON boards (file_path) WHERE file_path <> '';

-- What dashboards were. Old versions go when there are too many.
CREATE TABLE board_versions (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    board_id INTEGER NOT NULL REFERENCES boards (id) ON DELETE CASCADE,
    version  INTEGER NOT NULL,
    -- The version it was made from, and the one it brought back; 0 for none.
    parent   INTEGER NOT NULL,
    restored INTEGER NOT NULL,
    made_ms  INTEGER NOT NULL,
    made_by  TEXT NOT NULL,
    message  TEXT NOT NULL,
    -- Grafana's JSON as it came, as zstd.
    json     BLOB NOT NULL,
    UNIQUE (board_id, version)
) STRICT;

-- Which dashboards people marked for themselves, by uid: ready-made ones are not kept, and can be marked all the same.
CREATE TABLE board_stars (
    user_id   INTEGER NOT NULL,
    board_uid TEXT NOT NULL,
    PRIMARY KEY (user_id, board_uid)
) STRICT, WITHOUT ROWID;
