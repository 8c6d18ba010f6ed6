-- The first schema. Kept to the SQL that SQLite and PostgreSQL share.
CREATE TABLE accounts (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    created_ms BIGINT NOT NULL
);

CREATE TABLE access_keys (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    secret TEXT NOT NULL,
    active BIGINT NOT NULL,
    created_ms BIGINT NOT NULL
);
CREATE INDEX access_keys_by_account ON access_keys (account_id);

CREATE TABLE zones (
    name TEXT PRIMARY KEY,
    region TEXT NOT NULL,
    id TEXT NOT NULL
);

CREATE TABLE hosts (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    zone TEXT NOT NULL,
    architecture TEXT NOT NULL,
    state TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    certificate_sha256 TEXT NOT NULL,
    vcpus BIGINT NOT NULL,
    memory_mib BIGINT NOT NULL,
    disk_mib BIGINT NOT NULL,
    created_ms BIGINT NOT NULL
);
CREATE INDEX hosts_by_certificate ON hosts (certificate_sha256);

CREATE TABLE host_tokens (
    secret_sha256 TEXT PRIMARY KEY,
    zone TEXT NOT NULL,
    expires_ms BIGINT NOT NULL,
    host_id TEXT NOT NULL,
    key_sha256 TEXT NOT NULL
);

CREATE TABLE images (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    region TEXT NOT NULL,
    type TEXT NOT NULL,
    state TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    architecture TEXT NOT NULL,
    location TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    format TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    virtual_size_bytes BIGINT NOT NULL,
    root_device_name TEXT NOT NULL,
    kernel_id TEXT NOT NULL,
    ramdisk_id TEXT NOT NULL,
    kernel_cmdline TEXT NOT NULL,
    is_public BIGINT NOT NULL,
    created_ms BIGINT NOT NULL
);
CREATE INDEX images_by_account ON images (account_id, region, name);
CREATE INDEX images_by_sha256 ON images (sha256);

CREATE TABLE key_pairs (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    region TEXT NOT NULL,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    public_key TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    UNIQUE (account_id, region, name)
);

CREATE TABLE reservations (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    region TEXT NOT NULL,
    created_ms BIGINT NOT NULL
);

CREATE TABLE instances (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    region TEXT NOT NULL,
    zone TEXT NOT NULL,
    reservation_id TEXT NOT NULL REFERENCES reservations (id),
    launch_index BIGINT NOT NULL,
    image_id TEXT NOT NULL,
    kernel_id TEXT NOT NULL,
    ramdisk_id TEXT NOT NULL,
    instance_type TEXT NOT NULL,
    architecture TEXT NOT NULL,
    vcpus BIGINT NOT NULL,
    memory_mib BIGINT NOT NULL,
    core_count BIGINT NOT NULL,
    threads_per_core BIGINT NOT NULL,
    key_name TEXT NOT NULL,
    client_token TEXT NOT NULL,
    disable_api_termination BIGINT NOT NULL,
    disable_api_stop BIGINT NOT NULL,
    terminate_on_shutdown BIGINT NOT NULL,
    root_device_name TEXT NOT NULL,
    root_volume_id TEXT NOT NULL,
    root_size_bytes BIGINT NOT NULL,
    root_attached_ms BIGINT NOT NULL,
    desired TEXT NOT NULL,
    generation BIGINT NOT NULL,
    skip_os_shutdown BIGINT NOT NULL,
    reboots_wanted BIGINT NOT NULL,
    guest_id TEXT NOT NULL,
    host_id TEXT NOT NULL REFERENCES hosts (id),
    launched_ms BIGINT NOT NULL,
    desired_ms BIGINT NOT NULL,
    ended_ms BIGINT NOT NULL,
    overdue BIGINT NOT NULL,
    state_reason_code TEXT NOT NULL,
    state_reason TEXT NOT NULL,
    transition_reason TEXT NOT NULL
);
CREATE INDEX instances_by_account ON instances (account_id, region, reservation_id, id);
CREATE INDEX instances_by_reservation ON instances (reservation_id);
CREATE INDEX instances_by_host ON instances (host_id);
CREATE INDEX instances_by_root_volume ON instances (root_volume_id);
CREATE INDEX instances_by_ended ON instances (ended_ms);
CREATE INDEX instances_by_desired ON instances (desired, ended_ms, desired_ms);

CREATE TABLE instance_user_data (
    instance_id TEXT PRIMARY KEY REFERENCES instances (id),
    data BLOB NOT NULL
);

CREATE TABLE guests (
    id TEXT PRIMARY KEY,
    instance_id TEXT NOT NULL REFERENCES instances (id),
    host_id TEXT NOT NULL REFERENCES hosts (id),
    vcpus BIGINT NOT NULL,
    memory_mib BIGINT NOT NULL,
    keeps_root BIGINT NOT NULL,
    observed TEXT NOT NULL,
    generation BIGINT NOT NULL,
    reboots_done BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    observed_ms BIGINT NOT NULL
);
CREATE INDEX guests_by_instance ON guests (instance_id);
CREATE INDEX guests_by_observed ON guests (observed);

CREATE TABLE tags (
    resource_id TEXT NOT NULL,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    region TEXT NOT NULL,
    resource_type TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (resource_id, account_id, key)
);
CREATE INDEX tags_by_account ON tags (account_id, region, resource_id, key);

CREATE TABLE client_tokens (
    account_id TEXT NOT NULL REFERENCES accounts (id),
    region TEXT NOT NULL,
    action TEXT NOT NULL,
    token TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    result_id TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (account_id, region, action, token)
);
CREATE INDEX client_tokens_by_age ON client_tokens (created_ms);

CREATE TABLE events (
    id BIGINT PRIMARY KEY,
    at_ms BIGINT NOT NULL,
    account_id TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    message TEXT NOT NULL
);
CREATE INDEX events_by_resource ON events (resource_id, id);
CREATE INDEX events_by_age ON events (at_ms);

CREATE TABLE console_outputs (
    instance_id TEXT PRIMARY KEY REFERENCES instances (id),
    output BLOB NOT NULL,
    captured_ms BIGINT NOT NULL
);

CREATE TABLE settings (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
