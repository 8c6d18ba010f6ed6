-- Disks. What was launched before had the type that its image shows.
CREATE TABLE volumes (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    region TEXT NOT NULL,
    zone TEXT NOT NULL,
    host_id TEXT NOT NULL REFERENCES hosts (id),
    size_bytes BIGINT NOT NULL,
    type TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    instance_id TEXT NOT NULL,
    device TEXT NOT NULL,
    attached_ms BIGINT NOT NULL
);
CREATE INDEX volumes_by_account ON volumes (account_id, region, id);

INSERT INTO volumes
    SELECT i.root_volume_id, i.account_id, i.region, i.zone, i.host_id, i.root_size_bytes, 'gp3', i.root_attached_ms,
           i.id, i.root_device_name, i.root_attached_ms
    FROM instances i JOIN guests g ON g.id = i.guest_id
    WHERE g.observed <> 'removed';
DELETE FROM tags WHERE resource_id IN
    (SELECT i.root_volume_id FROM instances i JOIN guests g ON g.id = i.guest_id WHERE g.observed = 'removed');
