ALTER TABLE instances ADD COLUMN cpu_credits TEXT NOT NULL DEFAULT '';
ALTER TABLE instances ADD COLUMN detailed_monitoring BIGINT NOT NULL DEFAULT 0;
ALTER TABLE instances ADD COLUMN auto_recovery TEXT NOT NULL DEFAULT 'default';
ALTER TABLE instances ADD COLUMN interrupts_wanted BIGINT NOT NULL DEFAULT 0;
ALTER TABLE guests ADD COLUMN interrupts_done BIGINT NOT NULL DEFAULT 0;
ALTER TABLE images ADD COLUMN deprecated_ms BIGINT NOT NULL DEFAULT 0;
ALTER TABLE images ADD COLUMN last_launched_ms BIGINT NOT NULL DEFAULT 0;

-- Who else may launch an image, besides its owner and, if it is public, everybody.
CREATE TABLE image_launch_permissions (
    image_id TEXT NOT NULL REFERENCES images (id),
    account_id TEXT NOT NULL REFERENCES accounts (id),
    PRIMARY KEY (image_id, account_id)
);
CREATE INDEX image_launch_permissions_by_account ON image_launch_permissions (account_id);
