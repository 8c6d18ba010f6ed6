-- What an instance keeps of its launch for its guests, and account-wide defaults of metadata options.
ALTER TABLE instances ADD COLUMN public_key TEXT NOT NULL DEFAULT '';
-- Whether the interface gets an address of the public pool whenever its instance starts.
ALTER TABLE network_interfaces ADD COLUMN auto_public_ip BIGINT NOT NULL DEFAULT 0;

-- Empty text and 0: no preference.
CREATE TABLE instance_metadata_defaults (
    account_id TEXT NOT NULL REFERENCES accounts (id),
    region TEXT NOT NULL,
    http_tokens TEXT NOT NULL,
    http_endpoint TEXT NOT NULL,
    hop_limit BIGINT NOT NULL,
    instance_tags TEXT NOT NULL,
    PRIMARY KEY (account_id, region)
);
