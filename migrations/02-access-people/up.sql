-- People who may sign in. A person without a password comes through an identity provider or a trusted proxy.
CREATE TABLE users (
    id             INTEGER PRIMARY KEY,
    name           TEXT NOT NULL UNIQUE COLLATE NOCASE,
    email          TEXT NOT NULL DEFAULT '',
    role           TEXT NOT NULL CHECK (role IN ('viewer', 'editor', 'admin')),
    password_hash  TEXT,
    -- The issuer and subject of an identity provider, or 'proxy' and the name that it sends.
    issuer         TEXT,
    subject        TEXT,
    totp_secret    TEXT,
    -- The newest 30-second step whose code was used, so that none works twice.
    totp_step      INTEGER NOT NULL DEFAULT 0,
    disabled       INTEGER NOT NULL DEFAULT 0,
    created_ms     INTEGER NOT NULL,
    signed_in_ms   INTEGER,
    UNIQUE (issuer, subject)
) STRICT;

-- Hashes of one-time codes for people who lost their second factor.
CREATE TABLE recovery_codes (
    user_id INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    hash    BLOB NOT NULL,
    PRIMARY KEY (user_id, hash)
) STRICT, WITHOUT ROWID;

-- Browsers that are signed in, under the SHA-256 of their cookie.
CREATE TABLE sessions (
    id          INTEGER PRIMARY KEY,
    hash        BLOB NOT NULL UNIQUE,
    user_id     INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_ms  INTEGER NOT NULL,
    seen_ms     INTEGER NOT NULL,
    rotated_ms  INTEGER NOT NULL,
    address     TEXT NOT NULL,
    agent       TEXT NOT NULL
) STRICT;

-- Keys of programs, under their SHA-256.
CREATE TABLE tokens (
    id            INTEGER PRIMARY KEY,
    hash          BLOB NOT NULL UNIQUE,
    name          TEXT NOT NULL,
    -- Space separated, as "metrics:write read".
    scopes        TEXT NOT NULL,
    created_by    TEXT NOT NULL,
    created_ms    INTEGER NOT NULL,
    expires_ms    INTEGER,
    -- Requests a second; NULL for the server's own limit.
    rate_max      REAL,
    used_ms       INTEGER,
    used_from     TEXT
) STRICT;

-- Who changed what. Only ever appended; old lines are pruned by age.
CREATE TABLE audit (
    id       INTEGER PRIMARY KEY,
    at_ms    INTEGER NOT NULL,
    actor    TEXT NOT NULL,
    address  TEXT NOT NULL,
    action   TEXT NOT NULL,
    subject  TEXT NOT NULL,
    before   TEXT,
    after    TEXT
) STRICT;
CREATE INDEX audit_by_time ON audit (at_ms);
