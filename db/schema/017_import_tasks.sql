-- Imports of foreign disks and exports of images, which go on in the background.
CREATE TABLE import_tasks (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    region TEXT NOT NULL,
    kind TEXT NOT NULL,
    description TEXT NOT NULL,
    architecture TEXT NOT NULL,
    boot_mode TEXT NOT NULL,
    state TEXT NOT NULL,
    message TEXT NOT NULL,
    per_cent BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    ended_ms BIGINT NOT NULL,
    image_id TEXT NOT NULL,
    created_ms BIGINT NOT NULL
);
CREATE INDEX import_tasks_by_account ON import_tasks (account_id, region, kind, id);
CREATE INDEX import_tasks_open ON import_tasks (created_ms, id) WHERE ended_ms = 0;

CREATE TABLE import_disks (
    task_id TEXT NOT NULL REFERENCES import_tasks (id),
    position BIGINT NOT NULL,
    description TEXT NOT NULL,
    device TEXT NOT NULL,
    format TEXT NOT NULL,
    url TEXT NOT NULL,
    bucket TEXT NOT NULL,
    object_key TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    snapshot_id TEXT NOT NULL,
    PRIMARY KEY (task_id, position)
);

CREATE TABLE export_tasks (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    region TEXT NOT NULL,
    image_id TEXT NOT NULL,
    description TEXT NOT NULL,
    format TEXT NOT NULL,
    bucket TEXT NOT NULL,
    prefix TEXT NOT NULL,
    state TEXT NOT NULL,
    message TEXT NOT NULL,
    per_cent BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    ended_ms BIGINT NOT NULL,
    created_ms BIGINT NOT NULL
);
CREATE INDEX export_tasks_by_account ON export_tasks (account_id, region, id);
CREATE INDEX export_tasks_open ON export_tasks (created_ms, id) WHERE ended_ms = 0;
