-- +goose Up
-- Files: every stored blob, named by its content.
CREATE TABLE files (
    sha256     text        PRIMARY KEY, -- lower-case hex of the content
    size       bigint      NOT NULL,    -- bytes
    type       text        NOT NULL,    -- MIME type as found in the content
    created_at timestamptz NOT NULL DEFAULT now(),

    CONSTRAINT files_sha256 CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    CONSTRAINT files_size CHECK (size >= 0)
);

-- +goose Down
DROP TABLE files;
