-- Placement groups, and which one an instance is in.
CREATE TABLE placement_groups (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    strategy TEXT NOT NULL,
    partition_count BIGINT NOT NULL,
    spread_level TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    UNIQUE (account_id, region, name)
);
CREATE INDEX placement_groups_by_account ON placement_groups (account_id, region, id);

ALTER TABLE instances ADD COLUMN placement_group_id TEXT NOT NULL DEFAULT '';
ALTER TABLE instances ADD COLUMN placement_group_name TEXT NOT NULL DEFAULT '';
ALTER TABLE instances ADD COLUMN partition_number BIGINT NOT NULL DEFAULT 0;
CREATE INDEX instances_by_placement_group ON instances (placement_group_id, id);
