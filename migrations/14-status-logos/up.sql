-- The logo of a status page, as it was sent.
CREATE TABLE uptime_logos (
    page_id INTEGER PRIMARY KEY REFERENCES uptime_pages (id) ON DELETE CASCADE,
    bytes   BLOB NOT NULL
) STRICT;
