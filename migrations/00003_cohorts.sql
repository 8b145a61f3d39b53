-- +goose Up
CREATE TABLE cohorts (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    number          text        NOT NULL,
    partner_id      bigint      NOT NULL REFERENCES orgs,
    program         text        NOT NULL,
    program_kind    text        NOT NULL DEFAULT '',
    hours           integer     NOT NULL DEFAULT 0,
    start_on        date        NOT NULL,
    end_on          date        NOT NULL,
    acts            integer     NOT NULL DEFAULT 0, -- acts ever generated; the next act takes the next ordinal
    journal_version integer     NOT NULL DEFAULT 0, -- newest version of the journal, 0 before the first
    revision        integer     NOT NULL DEFAULT 1,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),

    CONSTRAINT cohorts_number_unique UNIQUE (number),
    CONSTRAINT cohorts_number CHECK (number <> ''),
    CONSTRAINT cohorts_days CHECK (end_on >= start_on),
    CONSTRAINT cohorts_hours CHECK (hours >= 0)
);
CREATE INDEX cohorts_partner ON cohorts (partner_id, end_on, id);
CREATE INDEX cohorts_end_on ON cohorts (end_on);

CREATE TABLE acts (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    number          text        NOT NULL, -- cohort number, slash, ordinal: 118/1
    cohort_id       bigint      NOT NULL REFERENCES cohorts,
    partner_id      bigint      NOT NULL REFERENCES orgs, -- the cohort's partner, which never changes once an act exists
    status          text        NOT NULL,
    version         integer     NOT NULL DEFAULT 1, -- of the document
    revision        integer     NOT NULL DEFAULT 1, -- of the row
    journal_version integer,     -- the version it was sent with; null before
    reviewer_id     bigint      REFERENCES people, -- who has taken it
    taken_at        timestamptz,
    due_on          date,        -- deadline of whoever must act; null when nobody must
    comment         text        NOT NULL DEFAULT '', -- of the last rejection or of the cancellation
    generated_by    bigint      NOT NULL REFERENCES people,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    submitted_at    timestamptz, -- of the last sending to approval

    CONSTRAINT acts_number_unique UNIQUE (number),
    CONSTRAINT acts_status CHECK (status IN ('awaiting_journal', 'in_approval', 'rejected', 'approved', 'cancelled')),
    CONSTRAINT acts_journal CHECK (journal_version IS NOT NULL OR status IN ('awaiting_journal', 'cancelled')),
    CONSTRAINT acts_taken CHECK ((reviewer_id IS NULL) = (taken_at IS NULL)),
    CONSTRAINT acts_taken_in_approval CHECK (reviewer_id IS NULL OR status = 'in_approval'),
    CONSTRAINT acts_comment CHECK (status NOT IN ('rejected', 'cancelled') OR comment <> ''),
    CONSTRAINT acts_due CHECK ((due_on IS NOT NULL) = (status IN ('in_approval', 'rejected')))
);
CREATE INDEX acts_cohort ON acts (cohort_id, id);
CREATE INDEX acts_queue ON acts (due_on, id) WHERE status = 'in_approval';
CREATE INDEX acts_number_prefix ON acts (number text_pattern_ops) WHERE status = 'in_approval'; -- search in the queue
CREATE INDEX acts_taken ON acts (taken_at) WHERE reviewer_id IS NOT NULL;
CREATE INDEX acts_partner_open ON acts (partner_id, status, due_on, id) WHERE status IN ('awaiting_journal', 'in_approval', 'rejected');
CREATE INDEX acts_reviewer ON acts (reviewer_id) WHERE reviewer_id IS NOT NULL;

-- Act versions: every generated document of an act. The form is what was
-- printed, so that a later correction of a learner cannot change history.
CREATE TABLE act_versions (
    act_id       bigint      NOT NULL REFERENCES acts,
    version      integer     NOT NULL,
    form         jsonb       NOT NULL, -- service.ActForm
    file_sha     text        REFERENCES files, -- null until the worker has printed it
    generated_by bigint      NOT NULL REFERENCES people,
    generated_at timestamptz NOT NULL,

    PRIMARY KEY (act_id, version)
);

CREATE TABLE learners (
    id                  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    cohort_id           bigint      NOT NULL REFERENCES cohorts,
    number              text        NOT NULL, -- of the application
    last_name           text        NOT NULL,
    first_name          text        NOT NULL,
    middle_name         text        NOT NULL DEFAULT '',
    born_on             date,
    finished            boolean     NOT NULL DEFAULT false, -- finished successfully
    document_type       smallint,    -- 1 to 7, see service.DocumentType
    document_series     text        NOT NULL DEFAULT '',
    document_number     text        NOT NULL DEFAULT '',
    registration_number text        NOT NULL DEFAULT '',
    document_on         date,        -- date of the qualification document
    sent_on             date,        -- when it was sent to the learner
    in_frdo             boolean     NOT NULL DEFAULT false,
    act_id              bigint      REFERENCES acts, -- the standing act that names this learner
    revision            integer     NOT NULL DEFAULT 1,
    created_at          timestamptz NOT NULL DEFAULT now(),
    updated_at          timestamptz NOT NULL DEFAULT now(),

    CONSTRAINT learners_number_unique UNIQUE (number),
    CONSTRAINT learners_number CHECK (number <> ''),
    CONSTRAINT learners_document_type CHECK (document_type BETWEEN 1 AND 7)
);
CREATE INDEX learners_cohort ON learners (cohort_id, last_name, first_name, id);
CREATE INDEX learners_act ON learners (act_id) WHERE act_id IS NOT NULL;
-- The eligible: the predicate is service.Learner.Eligible in SQL.
CREATE INDEX learners_eligible ON learners (cohort_id)
    WHERE act_id IS NULL AND finished AND document_type IS NOT NULL AND document_number <> ''
      AND registration_number <> '' AND document_on IS NOT NULL;

-- Journals: every version of a cohort's journal with its screenshots.
CREATE TABLE journals (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    cohort_id   bigint      NOT NULL REFERENCES cohorts,
    version     integer     NOT NULL,
    uploaded_by bigint      NOT NULL REFERENCES people,
    uploaded_at timestamptz NOT NULL,
    rejected_by bigint      REFERENCES people,
    rejected_at timestamptz,
    comment     text        NOT NULL DEFAULT '', -- why it was rejected
    sheet_sha   text        REFERENCES files, -- contact sheet of the journal and its screenshots; null until drawn

    CONSTRAINT journals_version UNIQUE (cohort_id, version),
    CONSTRAINT journals_rejected CHECK ((rejected_at IS NULL) = (rejected_by IS NULL))
);

CREATE TABLE journal_files (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    journal_id bigint  NOT NULL REFERENCES journals,
    kind       text    NOT NULL,
    position   integer NOT NULL, -- order among the files of one kind, from 1
    name       text    NOT NULL, -- as the sender called it
    file_sha   text    NOT NULL REFERENCES files, -- the original as it came
    clean_sha  text    NOT NULL REFERENCES files, -- what others get: pictures re-encoded without metadata
    pages      integer NOT NULL DEFAULT 1,

    CONSTRAINT journal_files_kind CHECK (kind IN ('journal', 'screenshot')),
    CONSTRAINT journal_files_position UNIQUE (journal_id, kind, position)
);
CREATE UNIQUE INDEX journal_files_one_journal ON journal_files (journal_id) WHERE kind = 'journal';

-- History: what happened to a thing; written in the transaction of the deed and
-- never changed.
CREATE TABLE history (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subject     text        NOT NULL, -- act, cohort, org, person; update, notice, job: what an admin did about a trouble
    subject_id  bigint      NOT NULL,
    at          timestamptz NOT NULL,
    person_id   bigint      REFERENCES people, -- null: the clock or the command line
    event       text        NOT NULL,
    from_status text        NOT NULL DEFAULT '',
    to_status   text        NOT NULL DEFAULT '',
    comment     text        NOT NULL DEFAULT '',
    version         integer, -- of the act's document after the step
    journal_version integer  -- of the journal after the step
);
CREATE INDEX history_subject ON history (subject, subject_id, id);

-- +goose Down
DROP TABLE history;
DROP TABLE journal_files;
DROP TABLE journals;
DROP TABLE learners;
DROP TABLE act_versions;
DROP TABLE acts;
DROP TABLE cohorts;
