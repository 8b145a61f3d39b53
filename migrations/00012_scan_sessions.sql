-- +goose Up
-- A batch waits for more files of its sender until a moment, or until the sender
-- says that these were all.
ALTER TABLE scan_batches ADD COLUMN awaits_until timestamptz; -- null: no more files are awaited
ALTER TABLE scan_files DROP COLUMN album;

-- Whoever looks at a thing sees what becomes of it: cards are found by its name.
CREATE INDEX cards_name ON cards (name);

-- +goose Down
DROP INDEX cards_name;
ALTER TABLE scan_files ADD COLUMN album boolean NOT NULL DEFAULT false;
ALTER TABLE scan_batches DROP COLUMN awaits_until;
