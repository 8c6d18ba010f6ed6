-- Disks that come with an instance's type and go with its guest, and where a launch wished to have them.
ALTER TABLE instances ADD COLUMN store_disks BIGINT NOT NULL DEFAULT 0;
ALTER TABLE instances ADD COLUMN store_disk_bytes BIGINT NOT NULL DEFAULT 0;
ALTER TABLE instances ADD COLUMN store_devices TEXT NOT NULL DEFAULT '';
CREATE INDEX instances_with_store ON instances (host_id) WHERE store_disks > 0 AND ended_ms = 0;
-- Also what a host's disks are promised.
DROP INDEX volumes_by_host;
CREATE INDEX volumes_by_host ON volumes (host_id, size_bytes);
