-- Hosts that keep volumes in one place.
ALTER TABLE hosts ADD COLUMN storage_pool TEXT NOT NULL DEFAULT '';
CREATE INDEX hosts_by_storage_pool ON hosts (storage_pool) WHERE storage_pool <> '';
