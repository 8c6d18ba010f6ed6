-- The firmware that images are made for, and that instances were launched with: all of them with a BIOS so far.
ALTER TABLE images ADD COLUMN boot_mode TEXT NOT NULL DEFAULT 'legacy-bios';
ALTER TABLE instances ADD COLUMN boot_mode TEXT NOT NULL DEFAULT 'legacy-bios';
ALTER TABLE instances ADD COLUMN current_boot_mode TEXT NOT NULL DEFAULT 'legacy-bios';
