-- EC2 Fleets of the type instant. request: what CreateFleet was asked for, as a form.
CREATE TABLE fleets (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    region TEXT NOT NULL,
    client_token TEXT NOT NULL,
    request TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    deleted_ms BIGINT NOT NULL
);
CREATE INDEX fleets_by_deleted ON fleets (deleted_ms);

-- Each launch that was tried, in order; config and choice count the request's configurations and overrides from 0.
CREATE TABLE fleet_launches (
    fleet_id TEXT NOT NULL REFERENCES fleets (id),
    position BIGINT NOT NULL,
    config BIGINT NOT NULL,
    choice BIGINT NOT NULL,
    instance_type TEXT NOT NULL,
    error_code TEXT NOT NULL,
    error_message TEXT NOT NULL,
    PRIMARY KEY (fleet_id, position)
);

CREATE TABLE fleet_instances (
    fleet_id TEXT NOT NULL REFERENCES fleets (id),
    instance_id TEXT NOT NULL,
    position BIGINT NOT NULL,
    PRIMARY KEY (fleet_id, instance_id)
);
