-- Launch templates. latest_version: the greatest there is; last_version: the greatest there ever was.
CREATE TABLE launch_templates (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    default_version BIGINT NOT NULL,
    latest_version BIGINT NOT NULL,
    last_version BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    UNIQUE (account_id, region, name)
);
CREATE INDEX launch_templates_by_account ON launch_templates (account_id, region, id);

CREATE TABLE launch_template_versions (
    launch_template_id TEXT NOT NULL REFERENCES launch_templates (id),
    version BIGINT NOT NULL,
    description TEXT NOT NULL,
    data TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (launch_template_id, version)
);
