-- Room held for instances before they are launched, the hosts that hold it, and who is in it.
CREATE TABLE capacity_reservations (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id),
    region TEXT NOT NULL,
    zone TEXT NOT NULL,
    instance_type TEXT NOT NULL,
    architecture TEXT NOT NULL,
    platform TEXT NOT NULL,
    tenancy TEXT NOT NULL,
    vcpus BIGINT NOT NULL,
    memory_mib BIGINT NOT NULL,
    instance_count BIGINT NOT NULL,
    match_criteria TEXT NOT NULL,
    state TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    end_ms BIGINT NOT NULL,
    ended_ms BIGINT NOT NULL
);
CREATE INDEX capacity_reservations_by_account ON capacity_reservations (account_id, region, id);
CREATE INDEX capacity_reservations_by_state ON capacity_reservations (state, end_ms);

CREATE TABLE capacity_reservation_rooms (
    reservation_id TEXT NOT NULL REFERENCES capacity_reservations (id),
    host_id TEXT NOT NULL REFERENCES hosts (id),
    instances BIGINT NOT NULL,
    PRIMARY KEY (reservation_id, host_id)
);

ALTER TABLE guests ADD COLUMN capacity_reservation_id TEXT NOT NULL DEFAULT '';
CREATE INDEX guests_by_capacity_reservation ON guests (capacity_reservation_id) WHERE capacity_reservation_id <> '';

ALTER TABLE instances ADD COLUMN capacity_preference TEXT NOT NULL DEFAULT 'open';
ALTER TABLE instances ADD COLUMN capacity_target TEXT NOT NULL DEFAULT '';
