-- Why the sender of an alert wants nobody told of it now, though it goes on; such as `maintenance: Move`.
ALTER TABLE alerts ADD COLUMN hush TEXT;
