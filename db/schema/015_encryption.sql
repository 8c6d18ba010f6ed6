-- Keys of encrypted disks, wrapped by the operator's master key; whose disks are encrypted unless they say otherwise.
CREATE TABLE disk_keys (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    wrapped TEXT NOT NULL,
    created_ms BIGINT NOT NULL
);

CREATE TABLE encryption_by_default (
    account_id TEXT NOT NULL REFERENCES accounts (id),
    region TEXT NOT NULL,
    PRIMARY KEY (account_id, region)
);

ALTER TABLE volumes ADD COLUMN key_id TEXT NOT NULL DEFAULT '';
CREATE INDEX volumes_by_key ON volumes (key_id) WHERE key_id <> '';
ALTER TABLE snapshots ADD COLUMN key_id TEXT NOT NULL DEFAULT '';
CREATE INDEX snapshots_by_key ON snapshots (key_id) WHERE key_id <> '';
ALTER TABLE image_disks ADD COLUMN encrypted BIGINT NOT NULL DEFAULT 0;
