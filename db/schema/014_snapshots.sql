-- Snapshots, volumes and images that lie on their layers, and the accounts that may use them.
CREATE TABLE snapshots (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    region TEXT NOT NULL,
    volume_id TEXT NOT NULL,
    volume_size_bytes BIGINT NOT NULL,
    parent_id TEXT NOT NULL,
    image_id TEXT NOT NULL,
    depth BIGINT NOT NULL,
    state TEXT NOT NULL,
    state_message TEXT NOT NULL,
    description TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    completed_ms BIGINT NOT NULL,
    host_id TEXT NOT NULL,
    cut BIGINT NOT NULL,
    sha256 TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    progress BIGINT NOT NULL,
    is_public BIGINT NOT NULL
);
CREATE INDEX snapshots_by_account ON snapshots (account_id, region, id);
CREATE INDEX snapshots_by_parent ON snapshots (parent_id);
CREATE INDEX snapshots_by_content ON snapshots (sha256);
CREATE INDEX snapshots_by_image ON snapshots (image_id);
CREATE INDEX snapshots_public ON snapshots (region, id) WHERE is_public = 1;
CREATE INDEX snapshots_by_host ON snapshots (host_id, volume_id, cut) WHERE host_id <> '';

CREATE TABLE former_layers (
    sha256 TEXT PRIMARY KEY
);

CREATE TABLE snapshot_permissions (
    snapshot_id TEXT NOT NULL REFERENCES snapshots (id),
    account_id TEXT NOT NULL,
    PRIMARY KEY (snapshot_id, account_id)
);
CREATE INDEX snapshot_permissions_by_account ON snapshot_permissions (account_id);

CREATE TABLE image_disks (
    image_id TEXT NOT NULL REFERENCES images (id),
    device TEXT NOT NULL,
    snapshot_id TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    type TEXT NOT NULL,
    iops BIGINT NOT NULL,
    throughput BIGINT NOT NULL,
    delete_on_termination BIGINT NOT NULL,
    PRIMARY KEY (image_id, device)
);
CREATE INDEX image_disks_by_snapshot ON image_disks (snapshot_id);

ALTER TABLE volumes ADD COLUMN snapshot_id TEXT NOT NULL DEFAULT '';
ALTER TABLE volumes ADD COLUMN below_id TEXT NOT NULL DEFAULT '';
ALTER TABLE volumes ADD COLUMN cuts BIGINT NOT NULL DEFAULT 0;
CREATE INDEX volumes_by_below ON volumes (below_id) WHERE below_id <> '';
