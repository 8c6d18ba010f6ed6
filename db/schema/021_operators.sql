-- Accounts whose keys open the operators' API.
ALTER TABLE accounts ADD COLUMN is_operator BIGINT NOT NULL DEFAULT 0;
