-- The number of a volume's own file under which nothing lies any more.
ALTER TABLE volumes ADD COLUMN flat BIGINT NOT NULL DEFAULT -1;
