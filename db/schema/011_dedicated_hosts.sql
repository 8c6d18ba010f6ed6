-- Machines that one account has to itself, and which of them an instance is bound to.
CREATE TABLE dedicated_hosts (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    region TEXT NOT NULL,
    zone TEXT NOT NULL,
    host_id TEXT NOT NULL REFERENCES hosts (id),
    instance_type TEXT NOT NULL,
    instance_family TEXT NOT NULL,
    auto_placement BIGINT NOT NULL,
    client_token TEXT NOT NULL,
    allocated_ms BIGINT NOT NULL,
    released_ms BIGINT NOT NULL
);
CREATE INDEX dedicated_hosts_by_account ON dedicated_hosts (account_id, region, id);
CREATE UNIQUE INDEX dedicated_hosts_by_machine ON dedicated_hosts (host_id) WHERE released_ms = 0;

ALTER TABLE instances ADD COLUMN tenancy TEXT NOT NULL DEFAULT 'default';
ALTER TABLE instances ADD COLUMN affinity TEXT NOT NULL DEFAULT '';
ALTER TABLE instances ADD COLUMN dedicated_host_id TEXT NOT NULL DEFAULT '';
CREATE INDEX instances_by_tenancy ON instances (tenancy) WHERE tenancy <> 'default';

ALTER TABLE vpcs ADD COLUMN instance_tenancy TEXT NOT NULL DEFAULT 'default';
