-- +goose Up
-- Updates: the inbox. An update is stored as it came before it is confirmed.
CREATE TABLE updates (
    update_id   bigint      PRIMARY KEY,
    chat_id     bigint      NOT NULL, -- 0 when it belongs to no chat
    raw         json        NOT NULL, -- not jsonb, which refuses some of what people can type
    state       text        NOT NULL DEFAULT 'waiting',
    attempts    integer     NOT NULL DEFAULT 0,
    run_at      timestamptz NOT NULL DEFAULT now(), -- not worked before; the lease while it is worked
    error       text        NOT NULL DEFAULT '',
    received_at timestamptz NOT NULL DEFAULT now(),
    done_at     timestamptz,

    CONSTRAINT updates_state CHECK (state IN ('waiting', 'done', 'set_aside', 'dismissed'))
);
CREATE INDEX updates_waiting ON updates (chat_id, update_id) WHERE state = 'waiting';
CREATE INDEX updates_set_aside ON updates (update_id) WHERE state = 'set_aside';
CREATE INDEX updates_done_at ON updates (done_at) WHERE state IN ('done', 'dismissed');

-- Notices: the outbox. A row is written in the transaction that causes it; the
-- text is filled when it is sent.
CREATE TABLE notices (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person_id  bigint      NOT NULL REFERENCES people,
    kind       text        NOT NULL,
    lane       smallint    NOT NULL, -- 0 answers, 1 decisions, 2 news, 3 reminders
    payload    jsonb       NOT NULL, -- facts by id, no names
    key        text        NOT NULL DEFAULT '', -- of those that wait, one per person and key; later ones replace its payload
    state      text        NOT NULL DEFAULT 'queued',
    attempts   integer     NOT NULL DEFAULT 0,
    run_at     timestamptz NOT NULL DEFAULT now(), -- not sent before; 1970: at once; the lease while sending
    error      text        NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    claim      bigint,      -- drawn by whoever is sending it, so that a lost sender that comes back changes nothing
    left_at    timestamptz, -- since when the request may be on its way
    ended_at   timestamptz,
    message_id bigint,      -- in the chat, once sent

    CONSTRAINT notices_state CHECK (state IN ('queued', 'sending', 'sent', 'skipped', 'unknown', 'failed', 'dismissed')),
    CONSTRAINT notices_lane CHECK (lane BETWEEN 0 AND 3)
);
CREATE UNIQUE INDEX notices_key ON notices (person_id, key) WHERE state = 'queued' AND key <> '';
CREATE INDEX notices_due ON notices (lane, run_at, id) WHERE state IN ('queued', 'sending');
CREATE INDEX notices_sending ON notices (run_at) WHERE state = 'sending';
CREATE INDEX notices_person ON notices (person_id, id) WHERE state IN ('queued', 'sending');
CREATE INDEX notices_troubles ON notices (id) WHERE state IN ('unknown', 'failed');
CREATE INDEX notices_ended_at ON notices (ended_at) WHERE state IN ('sent', 'skipped', 'dismissed');

-- Cards: living messages that are edited in place, one per person and name.
CREATE TABLE cards (
    person_id  bigint      NOT NULL REFERENCES people,
    name       text        NOT NULL,
    message_id bigint      NOT NULL,
    sent_at    timestamptz NOT NULL,

    PRIMARY KEY (person_id, name)
);

-- Drafts: conversations begun and not finished, at most one per person.
CREATE TABLE drafts (
    person_id  bigint      PRIMARY KEY REFERENCES people,
    id         bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    kind       text        NOT NULL, -- which conversation
    step       text        NOT NULL, -- the question that waits for an answer
    form       json        NOT NULL, -- the answers so far, to the letter: jsonb would refuse an escaped NUL
    update_id  bigint      NOT NULL DEFAULT 0, -- the last update that changed it
    message_id bigint      NOT NULL DEFAULT 0, -- the conversation's living card, 0 before it is sent
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- Draft files: what was sent into a conversation. They outlive the draft, so
-- that /cancel never loses a file: a new conversation for the same thing finds them.
CREATE TABLE draft_files (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person_id   bigint      NOT NULL REFERENCES people,
    cohort_id   bigint      REFERENCES cohorts, -- null while nobody has said what it is for
    update_id   bigint      NOT NULL,
    chat_ref    text        NOT NULL DEFAULT '', -- file_id in the chat; empty for files kept from a journal version
    kind        text        NOT NULL DEFAULT '', -- journal, screenshot; empty while it must be asked
    name        text        NOT NULL,
    size        bigint      NOT NULL DEFAULT 0,
    state       text        NOT NULL DEFAULT 'waiting', -- waiting for the worker, accepted, refused, removed
    reason      text        NOT NULL DEFAULT '', -- of the refusal
    told        boolean     NOT NULL DEFAULT false, -- the person has been shown the refusal
    file_sha    text        REFERENCES files,
    clean_sha   text        REFERENCES files,
    pages       integer     NOT NULL DEFAULT 0,
    added_at    timestamptz NOT NULL DEFAULT now(),
    kept_version integer,                           -- the journal version that it was kept from; null when sent in chat

    CONSTRAINT draft_files_kind CHECK (kind IN ('', 'journal', 'screenshot')),
    CONSTRAINT draft_files_state CHECK (state IN ('waiting', 'accepted', 'refused', 'removed')),
    CONSTRAINT draft_files_accepted CHECK (state <> 'accepted' OR (file_sha IS NOT NULL AND clean_sha IS NOT NULL))
);
CREATE UNIQUE INDEX draft_files_update ON draft_files (person_id, update_id) WHERE update_id <> 0;
CREATE INDEX draft_files_kept ON draft_files (person_id, cohort_id, kept_version) WHERE kept_version IS NOT NULL;
CREATE INDEX draft_files_person ON draft_files (person_id, cohort_id, id) WHERE state <> 'removed';

-- +goose Down
DROP TABLE draft_files;
DROP TABLE drafts;
DROP TABLE cards;
DROP TABLE notices;
DROP TABLE updates;
