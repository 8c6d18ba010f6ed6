-- Volumes that are no root disk, and that no host has yet.
ALTER TABLE volumes RENAME TO old_volumes;
DROP INDEX volumes_by_account;
CREATE TABLE volumes (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    region TEXT NOT NULL,
    zone TEXT NOT NULL,
    host_id TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    type TEXT NOT NULL,
    iops BIGINT NOT NULL,
    throughput BIGINT NOT NULL,
    image_id TEXT NOT NULL,
    made BIGINT NOT NULL,
    deleting BIGINT NOT NULL,
    modifying BIGINT NOT NULL,
    auto_enable_io BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    instance_id TEXT NOT NULL,
    is_root BIGINT NOT NULL,
    attachment_state TEXT NOT NULL,
    device TEXT NOT NULL,
    attached_ms BIGINT NOT NULL,
    delete_on_termination BIGINT NOT NULL
);
INSERT INTO volumes
    SELECT v.id, v.account_id, v.region, v.zone, v.host_id, v.size_bytes, v.type,
           CASE v.type WHEN 'gp3' THEN 3000
                       WHEN 'gp2' THEN min(16000, max(100, 3 * ((v.size_bytes + 1073741823) / 1073741824)))
                       ELSE 0 END,
           CASE v.type WHEN 'gp3' THEN 125 ELSE 0 END,
           i.image_id, CASE WHEN g.observed IN ('placed', 'starting', 'failed') THEN 0 ELSE 1 END,
           0, 0, 0, v.created_ms, v.instance_id, 1, 'attached', v.device, v.attached_ms, 1
    FROM old_volumes v JOIN instances i ON i.id = v.instance_id JOIN guests g ON g.id = i.guest_id;
DROP TABLE old_volumes;
CREATE INDEX volumes_by_account ON volumes (account_id, region, id);
CREATE INDEX volumes_by_host ON volumes (host_id);
CREATE INDEX volumes_by_instance ON volumes (instance_id);
CREATE INDEX volumes_worth_telling ON volumes (instance_id) WHERE is_root = 0 OR delete_on_termination = 0;

CREATE TABLE volume_modifications (
    id TEXT PRIMARY KEY REFERENCES volumes (id),
    account_id TEXT NOT NULL,
    region TEXT NOT NULL,
    original_size_bytes BIGINT NOT NULL,
    original_type TEXT NOT NULL,
    original_iops BIGINT NOT NULL,
    original_throughput BIGINT NOT NULL,
    target_size_bytes BIGINT NOT NULL,
    target_type TEXT NOT NULL,
    target_iops BIGINT NOT NULL,
    target_throughput BIGINT NOT NULL,
    started_ms BIGINT NOT NULL,
    ended_ms BIGINT NOT NULL
);
CREATE INDEX volume_modifications_by_account ON volume_modifications (account_id, region, id);
