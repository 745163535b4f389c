-- KPIs that are shown to people without an account.
CREATE TABLE business_shares (
    id         INTEGER PRIMARY KEY,
    kpi_id     INTEGER NOT NULL REFERENCES business_kpis (id) ON DELETE CASCADE,
    -- Names it in its address.
    token      TEXT NOT NULL UNIQUE,
    -- For whom it is, in the words of whoever made it.
    title      TEXT NOT NULL,
    -- By which periods it is shown.
    grain      INTEGER NOT NULL,
    -- The label by which it is split; empty for none.
    label      TEXT NOT NULL,
    made_ms    INTEGER NOT NULL,
    made_by    TEXT NOT NULL,
    -- 0 for no end.
    expires_ms INTEGER NOT NULL,
    is_on      INTEGER NOT NULL
) STRICT;
CREATE INDEX business_shares_of_kpi ON business_shares (kpi_id);
