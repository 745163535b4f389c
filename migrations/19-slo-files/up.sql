-- The file in which an objective stands, and is changed; empty for one that was made in the browser or by the API.
ALTER TABLE slos ADD COLUMN file TEXT NOT NULL DEFAULT '';
