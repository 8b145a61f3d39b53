-- +goose Up
ALTER TABLE invitations ADD COLUMN update_id bigint; -- of the chat in which it was asked for

-- +goose Down
ALTER TABLE invitations DROP COLUMN update_id;
