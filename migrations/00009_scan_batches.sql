-- +goose Up
-- Scan batches: what one person sends of an exam's certificates until it is
-- reported.
CREATE TABLE scan_batches (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    center_id    bigint      NOT NULL REFERENCES orgs,
    exam_id      bigint      REFERENCES exams,  -- null while it has to be found from the pages, and for good if no page can be read
    person_id    bigint      NOT NULL REFERENCES people,
    state        text        NOT NULL DEFAULT 'open', -- service.BatchState
    message_id   bigint,                        -- of the card of progress in the person's chat
    shown_at     timestamptz,                   -- when that card was last changed
    created_at   timestamptz NOT NULL,
    newest_at    timestamptz NOT NULL,          -- when the newest file came
    settled_at   timestamptz,
    chosen_by    bigint      REFERENCES people, -- who said which exam it is; null: the pages did, or it came for that exam
    given_up_at  timestamptz,                   -- when its sender was told that it cannot be settled; null again once it is

    CONSTRAINT scan_batches_state CHECK (state IN ('open', 'choosing', 'settled', 'cancelled')),
    CONSTRAINT scan_batches_settled CHECK ((state = 'settled') = (settled_at IS NOT NULL))
);
CREATE INDEX scan_batches_open ON scan_batches (person_id, id) WHERE state IN ('open', 'choosing');
CREATE INDEX scan_batches_choosing ON scan_batches (center_id, id) WHERE state = 'choosing';
CREATE INDEX scan_batches_to_settle ON scan_batches (id) WHERE state = 'open';
CREATE INDEX scan_batches_exam ON scan_batches (exam_id, id);

-- Scan files: the files of a batch as they came.
CREATE TABLE scan_files (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    batch_id   bigint      NOT NULL REFERENCES scan_batches,
    update_id  bigint      NOT NULL DEFAULT 0, -- of the message that brought it; 0: it came by the upload page
    chat_ref   text        NOT NULL DEFAULT '', -- file_id in the chat; empty: it came by the upload page
    name       text        NOT NULL,           -- as the sender called it
    size       bigint      NOT NULL,           -- bytes
    album      boolean     NOT NULL DEFAULT false, -- more may follow at once, and nobody announces the last
    state      text        NOT NULL DEFAULT 'waiting', -- service.ScanFileState
    reason     text        NOT NULL DEFAULT '', -- of the refusal
    words      text        NOT NULL DEFAULT '', -- of the refusal, plain
    file_sha   text        REFERENCES files,   -- as it came; null before it was fetched
    pages      integer     NOT NULL DEFAULT 0, -- found so far
    added_at   timestamptz NOT NULL,

    CONSTRAINT scan_files_state CHECK (state IN ('waiting', 'taken_apart', 'refused', 'cancelled')),
    CONSTRAINT scan_files_refused CHECK ((state = 'refused') = (reason <> ''))
);
CREATE INDEX scan_files_batch ON scan_files (batch_id, id);
CREATE INDEX scan_files_waiting ON scan_files (batch_id) WHERE state = 'waiting';
CREATE UNIQUE INDEX scan_files_update ON scan_files (update_id) WHERE update_id <> 0;

-- Scan pages: what was read on each page, and what was decided by it. None is
-- ever destroyed.
CREATE TABLE scan_pages (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    batch_id       bigint      NOT NULL REFERENCES scan_batches,
    file_id        bigint      NOT NULL REFERENCES scan_files,
    number         integer     NOT NULL,           -- in its file, from 1
    name           text        NOT NULL DEFAULT '', -- of the archive's entry that it came from
    exam_id        bigint      REFERENCES exams,    -- null while it has to be found, and for good if it cannot be read
    state          text        NOT NULL DEFAULT 'waiting', -- service.PageState
    rule           text        NOT NULL DEFAULT '', -- service.MatchRule, or another reason of the state
    application_id bigint      REFERENCES applications, -- whose certificate it is, or seems to be
    scan_id        bigint      REFERENCES scans,    -- the scan that it became
    twin_id        bigint      REFERENCES scan_pages, -- the page that it repeats
    named_id       bigint      REFERENCES applications, -- as which its file, or its entry of an archive, is called
    sha            text        REFERENCES files,    -- the page as it was taken out of its file; null: it could not be
    clean_sha      text        REFERENCES files,    -- upright, cropped, a PDF
    thumb_sha      text        REFERENCES files,
    view_sha       text        REFERENCES files,    -- for a person who has to decide; null before it was drawn
    lines_sha      text        REFERENCES files,    -- the lines of number and name
    evidence       jsonb,                           -- service.PageReading; null before it was read
    program        text        NOT NULL DEFAULT '', -- version that read it
    asked          text        NOT NULL DEFAULT '', -- service.MatchRule by which it was last made a question; empty: never since it was read
    asked_for_id   bigint      REFERENCES applications, -- whose it seemed to be then
    decided_by     bigint      REFERENCES people,   -- null: the machine; of a question: who took a decision back
    decided_at     timestamptz,
    revision       integer     NOT NULL DEFAULT 1,
    added_at       timestamptz NOT NULL,
    read_at        timestamptz,

    CONSTRAINT scan_pages_number UNIQUE (file_id, number),
    CONSTRAINT scan_pages_state CHECK (state IN ('waiting', 'read', 'matched', 'question', 'aside', 'cancelled')),
    CONSTRAINT scan_pages_matched CHECK (state <> 'matched' OR (scan_id IS NOT NULL AND application_id IS NOT NULL)),
    CONSTRAINT scan_pages_exam CHECK (state IN ('waiting', 'read', 'aside', 'cancelled') OR exam_id IS NOT NULL)
);
CREATE INDEX scan_pages_batch ON scan_pages (batch_id, id);
CREATE INDEX scan_pages_waiting ON scan_pages (batch_id) WHERE state = 'waiting';
CREATE INDEX scan_pages_read ON scan_pages (batch_id) WHERE state = 'read';
CREATE INDEX scan_pages_questions ON scan_pages (exam_id, id) WHERE state = 'question';
CREATE INDEX scan_pages_application ON scan_pages (application_id, id) WHERE application_id IS NOT NULL;
CREATE INDEX scan_pages_sha ON scan_pages (exam_id, sha);
CREATE INDEX scan_pages_scan ON scan_pages (scan_id) WHERE scan_id IS NOT NULL;

-- A page became the scan. Supported: readings of the machine agree with whose it
-- is; only such a scan may go out before its hold is over.
ALTER TABLE scans DROP CONSTRAINT scans_source;
ALTER TABLE scans ADD CONSTRAINT scans_source CHECK (source IN ('person', 'archive', 'page'));
ALTER TABLE scans ADD COLUMN supported boolean NOT NULL DEFAULT false;
ALTER TABLE scans ADD COLUMN page_sha text REFERENCES files; -- the page as it was taken out of its file; null: that was not done
-- A file or a page stands at one application.
CREATE INDEX scans_standing_file ON scans (file_sha) WHERE replaced_at IS NULL;
CREATE INDEX scans_standing_page ON scans (page_sha) WHERE replaced_at IS NULL AND page_sha IS NOT NULL;

-- The scan of one certificate is read before it is loaded.
ALTER TABLE uploads ADD COLUMN evidence jsonb; -- service.PageReading; null: nothing was read
ALTER TABLE uploads ADD COLUMN page_sha text REFERENCES files; -- the page as it was taken out of its file
ALTER TABLE uploads ADD COLUMN lines_sha text REFERENCES files; -- the lines of number and name; null where no blank was found

-- Deliveries of an exam can be paused, and a delivery recalled.
ALTER TABLE exams ADD COLUMN paused_at timestamptz;
ALTER TABLE exams ADD COLUMN paused_by bigint REFERENCES people;
ALTER TABLE exams ADD CONSTRAINT exams_paused CHECK ((paused_at IS NULL) = (paused_by IS NULL));
CREATE INDEX exams_on_pause ON exams (held_on, id) WHERE paused_at IS NOT NULL;
-- The scans that have not reached their candidate: few.
CREATE INDEX applications_on_way ON applications (exam_id) WHERE scan_id IS NOT NULL AND deliver_at IS NOT NULL AND delivered_at IS NULL;
ALTER TABLE deliveries ADD COLUMN recall text NOT NULL DEFAULT ''; -- service.RecallState
ALTER TABLE deliveries ADD COLUMN recalled_by bigint REFERENCES people;
ALTER TABLE deliveries ADD COLUMN recalled_at timestamptz;
ALTER TABLE deliveries ADD CONSTRAINT deliveries_recall CHECK (recall IN ('', 'asked', 'done', 'failed', 'unknown'));
ALTER TABLE deliveries ADD CONSTRAINT deliveries_recalled CHECK ((recall = '') = (recalled_at IS NULL));

-- Upload links: addresses of our own server at which a person sends scans of an
-- exam that are too large for the chat.
CREATE TABLE upload_links (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    token_hash bytea       NOT NULL UNIQUE,
    person_id  bigint      NOT NULL REFERENCES people,
    exam_id    bigint      NOT NULL REFERENCES exams,
    update_id  bigint      NOT NULL DEFAULT 0, -- that asked for it
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at    timestamptz                     -- its files have been handed over
);
-- Asking again renews the link that was not used.
CREATE UNIQUE INDEX upload_links_unused ON upload_links (person_id, exam_id) WHERE used_at IS NULL;

-- Upload files: what has come by a link, each once.
CREATE TABLE upload_files (
    link_id  bigint      NOT NULL REFERENCES upload_links,
    upload   text        NOT NULL, -- its name on the machine that took it
    batch_id bigint      NOT NULL REFERENCES scan_batches,
    name     text        NOT NULL, -- as the sender called it
    size     bigint      NOT NULL, -- bytes
    added_at timestamptz NOT NULL,

    PRIMARY KEY (link_id, upload)
);

-- +goose Down
DROP TABLE upload_files;
DROP TABLE upload_links;
DROP INDEX applications_on_way;
DROP INDEX exams_on_pause;
ALTER TABLE deliveries DROP COLUMN recall, DROP COLUMN recalled_by, DROP COLUMN recalled_at;
ALTER TABLE exams DROP COLUMN paused_at, DROP COLUMN paused_by;
DROP TABLE scan_pages;
DROP TABLE scan_files;
DROP TABLE scan_batches;
ALTER TABLE uploads DROP COLUMN evidence, DROP COLUMN page_sha, DROP COLUMN lines_sha;
DROP INDEX scans_standing_file;
ALTER TABLE scans DROP COLUMN page_sha;
ALTER TABLE scans DROP COLUMN supported;
ALTER TABLE scans DROP CONSTRAINT scans_source;
ALTER TABLE scans ADD CONSTRAINT scans_source CHECK (source IN ('person', 'archive')) NOT VALID;
