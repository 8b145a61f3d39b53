-- +goose Up
-- Organisations: partners, the one operator, testing centres.
CREATE TABLE orgs (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind       text        NOT NULL,
    name       text        NOT NULL,
    inn        text        NOT NULL DEFAULT '',
    zone       text        NOT NULL DEFAULT 'Europe/Moscow', -- IANA name; days are compared in it
    created_at timestamptz NOT NULL DEFAULT now(),

    CONSTRAINT orgs_kind CHECK (kind IN ('partner', 'operator', 'center')),
    CONSTRAINT orgs_name CHECK (name <> '')
);
CREATE UNIQUE INDEX orgs_kind_name ON orgs (kind, name);
CREATE UNIQUE INDEX orgs_kind_inn ON orgs (kind, inn) WHERE inn <> '';
CREATE UNIQUE INDEX orgs_one_operator ON orgs (kind) WHERE kind = 'operator';

CREATE TABLE people (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name           text        NOT NULL,
    telegram_id    bigint,                          -- user and private chat are one number; null before the link is used
    language       text        NOT NULL DEFAULT 'ru',
    muted          boolean     NOT NULL DEFAULT false, -- no reminders
    unreachable_at timestamptz,                     -- the chat refused our last message (blocked, deleted)
    created_at     timestamptz NOT NULL DEFAULT now(),

    CONSTRAINT people_name CHECK (name <> '')
);
CREATE UNIQUE INDEX people_telegram_id ON people (telegram_id);

-- Memberships: a role of a person in an organisation. A row is never deleted;
-- a right stands while removed_at is null.
CREATE TABLE memberships (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person_id  bigint      NOT NULL REFERENCES people,
    org_id     bigint      REFERENCES orgs, -- null for admin and candidate
    role       text        NOT NULL,
    added_at   timestamptz NOT NULL DEFAULT now(),
    added_by   bigint      REFERENCES people, -- null: from the command line
    removed_at timestamptz,
    removed_by bigint      REFERENCES people,

    CONSTRAINT memberships_role CHECK (role IN ('admin', 'partner_rep', 'operator_rep', 'center_staff', 'candidate')),
    CONSTRAINT memberships_org CHECK ((org_id IS NULL) = (role IN ('admin', 'candidate')))
);
CREATE UNIQUE INDEX memberships_once ON memberships (person_id, role, coalesce(org_id, 0)) WHERE removed_at IS NULL;
CREATE INDEX memberships_org_role ON memberships (org_id, role) WHERE removed_at IS NULL;
CREATE INDEX memberships_role ON memberships (role) WHERE removed_at IS NULL;

-- Invitations: only the hash of the token is kept.
CREATE TABLE invitations (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    token_hash bytea       NOT NULL,
    role       text        NOT NULL,
    org_id     bigint      REFERENCES orgs,
    name       text        NOT NULL, -- whom it is for
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by bigint      REFERENCES people, -- null: from the command line
    expires_at timestamptz NOT NULL,
    used_at    timestamptz,
    used_by    bigint      REFERENCES people,
    revoked_at timestamptz,
    revoked_by bigint      REFERENCES people,

    CONSTRAINT invitations_role CHECK (role IN ('admin', 'partner_rep', 'operator_rep', 'center_staff', 'candidate')),
    CONSTRAINT invitations_org CHECK ((org_id IS NULL) = (role IN ('admin', 'candidate'))),
    CONSTRAINT invitations_one_end CHECK (used_at IS NULL OR revoked_at IS NULL)
);
CREATE UNIQUE INDEX invitations_token_hash ON invitations (token_hash);
CREATE INDEX invitations_org_role ON invitations (org_id, role) WHERE used_at IS NULL AND revoked_at IS NULL;
CREATE INDEX invitations_created_by ON invitations (created_by) WHERE used_at IS NULL AND revoked_at IS NULL;

-- Guesses: wrong start payloads of one Telegram user, to slow them down.
CREATE TABLE guesses (
    telegram_id bigint      PRIMARY KEY,
    count       integer     NOT NULL DEFAULT 0,
    next_at     timestamptz NOT NULL -- no token is looked at before this moment
);

-- +goose Down
DROP TABLE guesses;
DROP TABLE invitations;
DROP TABLE memberships;
DROP TABLE people;
DROP TABLE orgs;
