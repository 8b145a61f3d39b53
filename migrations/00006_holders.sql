-- +goose Up
-- Holders: the processes that work. Each holds a lock of its session on its
-- number (db/holder.go), so the others see at once that it is gone.
CREATE TABLE holders (
    id    integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    since timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE updates ADD COLUMN holder integer; -- works it, if it waits; no reference: holders come and go
ALTER TABLE notices ADD COLUMN holder integer; -- sends it, if it is being sent

-- +goose Down
ALTER TABLE notices DROP COLUMN holder;
ALTER TABLE updates DROP COLUMN holder;
DROP TABLE holders;
