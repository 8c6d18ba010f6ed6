-- How many layers lie under a snapshot is counted: flattening makes it less.
ALTER TABLE snapshots DROP COLUMN depth;
