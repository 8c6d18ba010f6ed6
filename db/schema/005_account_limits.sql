-- What the operator allows an account in each region; -1: what the configuration allows everybody.
CREATE TABLE account_limits (
    account_id TEXT PRIMARY KEY REFERENCES accounts (id),
    instances BIGINT NOT NULL,
    vcpus BIGINT NOT NULL,
    elastic_ips BIGINT NOT NULL
);
CREATE INDEX instances_living ON instances (account_id, region) WHERE ended_ms = 0;
