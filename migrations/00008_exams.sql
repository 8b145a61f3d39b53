-- +goose Up
-- Centers: what a certificate's print needs of a testing centre. The row is
-- made when the first of it is known.
CREATE TABLE centers (
    org_id             bigint      PRIMARY KEY REFERENCES orgs,
    name_instrumental  text        NOT NULL DEFAULT '', -- «Экзамен проведен …»
    issue_address      text        NOT NULL DEFAULT '',
    signatory_position text        NOT NULL DEFAULT '',
    signatory_name     text        NOT NULL DEFAULT '',
    blank_profile      text        NOT NULL DEFAULT '', -- code of a profile; empty: none chosen
    printer_id         bigint,                          -- the one chosen last; null: no offsets
    revision           integer     NOT NULL DEFAULT 1,
    updated_at         timestamptz NOT NULL DEFAULT now()
);

-- Printers: how far a center's printer misses, measured on a trial page.
CREATE TABLE printers (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    center_id  bigint      NOT NULL REFERENCES orgs,
    name       text        NOT NULL,
    right_by   integer     NOT NULL DEFAULT 0, -- tenths of a millimetre by which everything moves to the right
    down_by    integer     NOT NULL DEFAULT 0, -- tenths of a millimetre by which everything moves down
    revision   integer     NOT NULL DEFAULT 1,
    removed_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),

    CONSTRAINT printers_name CHECK (name <> ''),
    CONSTRAINT printers_right CHECK (right_by BETWEEN -200 AND 200),
    CONSTRAINT printers_down CHECK (down_by BETWEEN -200 AND 200)
);
CREATE UNIQUE INDEX printers_center_name ON printers (center_id, name) WHERE removed_at IS NULL;
ALTER TABLE centers ADD CONSTRAINT centers_printer FOREIGN KEY (printer_id) REFERENCES printers;

-- Blank profiles that centers have added; the built-in ones are files.
CREATE TABLE blank_profiles (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    center_id  bigint      NOT NULL REFERENCES orgs,
    code       text        NOT NULL, -- own-<id of the center>-<ordinal>
    name       text        NOT NULL,
    source     jsonb       NOT NULL, -- service.BlankProfile
    added_by   bigint      REFERENCES people,
    added_at   timestamptz NOT NULL DEFAULT now(),
    removed_at timestamptz,

    CONSTRAINT blank_profiles_code UNIQUE (code)
);
CREATE INDEX blank_profiles_center ON blank_profiles (center_id, id);

CREATE TABLE exams (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    number          text        NOT NULL,
    center_id       bigint      NOT NULL REFERENCES orgs,
    venue           text        NOT NULL DEFAULT '', -- «Площадка»
    address         text        NOT NULL,            -- of the venue
    held_on         date        NOT NULL,
    held_at         text        NOT NULL DEFAULT '', -- ЧЧ:ММ in the center's zone
    protocol_status  text       NOT NULL DEFAULT 'missing',
    protocol_version integer    NOT NULL DEFAULT 0, -- newest version, 0 before the first
    protocol_comment text       NOT NULL DEFAULT '', -- of the last rejection
    reviewer_id     bigint      REFERENCES people, -- who has taken the protocol
    taken_at        timestamptz,
    revision        integer     NOT NULL DEFAULT 1,
    -- Counts of the exam's applications, kept by exams_recount alone.
    applications    integer     NOT NULL DEFAULT 0,
    unsettled       integer     NOT NULL DEFAULT 0, -- lack their result or their violations mark
    successful      integer     NOT NULL DEFAULT 0, -- passed without violations
    numbered        integer     NOT NULL DEFAULT 0, -- of the successful, those that have their registration number
    loaded          integer     NOT NULL DEFAULT 0, -- of the successful, those whose scan is loaded
    unnamed         integer     NOT NULL DEFAULT 0, -- of the loaded, those whose blank nobody has said
    certificate_status text     NOT NULL GENERATED ALWAYS AS (CASE
        WHEN unsettled > 0 OR protocol_status <> 'approved' THEN 'not_ready'
        WHEN successful = 0       THEN 'not_needed'
        WHEN numbered < successful THEN 'to_generate'
        WHEN loaded = 0           THEN 'to_load'
        WHEN loaded < successful  THEN 'partly_loaded'
        ELSE 'loaded' END) STORED, -- service.CertificateStatusOf says the same
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),

    CONSTRAINT exams_number_unique UNIQUE (number),
    CONSTRAINT exams_number CHECK (number <> ''),
    CONSTRAINT exams_held_at CHECK (held_at ~ '^([0-9]{2}:[0-9]{2})?$'),
    CONSTRAINT exams_protocol_status CHECK (protocol_status IN ('missing', 'to_check', 'in_check', 'approved', 'rejected')),
    CONSTRAINT exams_protocol_version CHECK ((protocol_version = 0) = (protocol_status = 'missing')),
    CONSTRAINT exams_protocol_taken CHECK ((reviewer_id IS NOT NULL) = (protocol_status = 'in_check') AND (reviewer_id IS NULL) = (taken_at IS NULL)),
    CONSTRAINT exams_protocol_comment CHECK (protocol_status <> 'rejected' OR protocol_comment <> '')
);
CREATE INDEX exams_center ON exams (center_id, held_on, id);
CREATE INDEX exams_held_on ON exams (held_on, id);
CREATE INDEX exams_number_prefix ON exams (number text_pattern_ops);
CREATE INDEX exams_center_certificates ON exams (center_id, certificate_status, held_on, id);
CREATE INDEX exams_certificates ON exams (certificate_status, held_on, id);
CREATE INDEX exams_center_protocols ON exams (center_id, protocol_status, held_on, id) WHERE protocol_status IN ('missing', 'to_check', 'in_check', 'rejected');
CREATE INDEX exams_center_unnamed ON exams (center_id, held_on, id) WHERE unnamed > 0;
CREATE INDEX exams_reviewer ON exams (reviewer_id) WHERE reviewer_id IS NOT NULL;

-- Protocols: every version of an exam's protocol; none is changed or destroyed.
CREATE TABLE protocols (
    exam_id     bigint      NOT NULL REFERENCES exams,
    version     integer     NOT NULL, -- from 1
    number      text        NOT NULL, -- such as 316/24
    dated_on    date        NOT NULL,
    file_name   text        NOT NULL, -- as the sender called it
    file_sha    text        NOT NULL REFERENCES files, -- as it came
    clean_sha   text        NOT NULL REFERENCES files, -- what others get
    pages       integer     NOT NULL,
    uploaded_by bigint      NOT NULL REFERENCES people,
    uploaded_at timestamptz NOT NULL,

    PRIMARY KEY (exam_id, version),
    CONSTRAINT protocols_number CHECK (number <> '')
);

CREATE TABLE applications (
    id                  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    number              text        NOT NULL,
    exam_id             bigint      NOT NULL REFERENCES exams,
    level               text        NOT NULL,
    last_name           text        NOT NULL,
    first_name          text        NOT NULL,
    middle_name         text        NOT NULL DEFAULT '',
    last_name_latin     text        NOT NULL DEFAULT '',
    first_name_latin    text        NOT NULL DEFAULT '',
    middle_name_latin   text        NOT NULL DEFAULT '',
    born_on             date        NOT NULL,
    gender              text        NOT NULL DEFAULT '', -- m, f; empty: not known
    identity_document   text        NOT NULL DEFAULT '', -- series and number
    citizenship         text        NOT NULL DEFAULT '', -- ISO 3166-1 alpha-2; XX: stateless
    phone               text        NOT NULL DEFAULT '', -- digits with the country's code, no plus
    language            text        NOT NULL DEFAULT '', -- of the candidate; empty: not known
    outcome             text        NOT NULL DEFAULT '', -- absent, failed, passed; empty: awaited
    violations          text        NOT NULL DEFAULT '', -- none, found; empty: not marked
    result_comment      text        NOT NULL DEFAULT '',
    registration_number text        NOT NULL DEFAULT '', -- of ФИС ФРДО
    issued_on           date,
    valid_until         date,                            -- null with a registration number: without limit
    scan_id             bigint,                          -- the loaded scan; null: not loaded
    handed_on           date,                            -- the paper was handed over
    person_id           bigint      REFERENCES people,   -- the candidate, once linked
    linked_at           timestamptz,
    deliver_at          timestamptz,                     -- the scan goes out then; null: nothing to send
    delivered_at        timestamptz,                     -- the present scan reached its candidate
    revision            integer     NOT NULL DEFAULT 1,
    created_at          timestamptz NOT NULL DEFAULT now(),
    updated_at          timestamptz NOT NULL DEFAULT now(),

    CONSTRAINT applications_number_unique UNIQUE (number),
    CONSTRAINT applications_number CHECK (number <> ''),
    CONSTRAINT applications_level CHECK (level IN ('patent', 'temporary', 'permanent')),
    CONSTRAINT applications_gender CHECK (gender IN ('', 'm', 'f')),
    CONSTRAINT applications_outcome CHECK (outcome IN ('', 'absent', 'failed', 'passed')),
    CONSTRAINT applications_violations CHECK (violations IN ('', 'none', 'found')),
    -- A certificate is made only for those who passed without violations.
    CONSTRAINT applications_entitled CHECK (registration_number = '' OR (outcome = 'passed' AND violations = 'none')),
    CONSTRAINT applications_registered CHECK ((registration_number <> '') = (issued_on IS NOT NULL)),
    CONSTRAINT applications_valid CHECK (valid_until IS NULL OR registration_number <> ''),
    CONSTRAINT applications_loaded CHECK (scan_id IS NULL OR registration_number <> ''),
    CONSTRAINT applications_handed CHECK (handed_on IS NULL OR registration_number <> ''),
    CONSTRAINT applications_linked CHECK ((person_id IS NULL) = (linked_at IS NULL))
);
CREATE INDEX applications_exam ON applications (exam_id, last_name, first_name, id);
CREATE UNIQUE INDEX applications_registration_number ON applications (registration_number) WHERE registration_number <> '';
CREATE INDEX applications_person ON applications (person_id) WHERE person_id IS NOT NULL;
CREATE INDEX applications_phone ON applications (phone) WHERE phone <> '';

-- Scans: every scan of a certificate that was ever loaded.
CREATE TABLE scans (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    application_id bigint      NOT NULL REFERENCES applications,
    version        integer     NOT NULL, -- from 1, of the application's scans
    file_name      text        NOT NULL, -- as the sender called it
    file_sha       text        NOT NULL REFERENCES files, -- as it came
    clean_sha      text        NOT NULL REFERENCES files, -- what the candidate gets
    blank_series   text        NOT NULL DEFAULT '',
    blank_number   text        NOT NULL DEFAULT '', -- empty: not read yet
    source         text        NOT NULL, -- person: loaded for one application; archive: by its name in a zip
    loaded_by      bigint      REFERENCES people,
    loaded_at      timestamptz NOT NULL,
    replaced_at    timestamptz,          -- a newer one took its place

    CONSTRAINT scans_version UNIQUE (application_id, version),
    CONSTRAINT scans_source CHECK (source IN ('person', 'archive'))
);
ALTER TABLE applications ADD CONSTRAINT applications_scan FOREIGN KEY (scan_id) REFERENCES scans;
CREATE INDEX scans_unnamed ON scans (application_id) WHERE blank_number = '' AND replaced_at IS NULL;
CREATE UNIQUE INDEX scans_blank ON scans (blank_series, blank_number) WHERE blank_number <> '' AND replaced_at IS NULL;

-- Deliveries: each time a scan reached, or may have reached, a candidate.
CREATE TABLE deliveries (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    application_id bigint      NOT NULL REFERENCES applications,
    scan_id        bigint      NOT NULL REFERENCES scans,
    person_id      bigint      NOT NULL REFERENCES people,
    message_id     bigint      NOT NULL, -- in the person's chat
    sent_at        timestamptz NOT NULL
);
CREATE INDEX deliveries_application ON deliveries (application_id, id);
CREATE INDEX deliveries_person ON deliveries (person_id, id);

-- Blank ranges: the numbers of the blanks that a center has received.
CREATE TABLE blank_ranges (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    center_id   bigint      NOT NULL REFERENCES orgs,
    series      text        NOT NULL DEFAULT '',
    first       text        NOT NULL, -- digits, as long as last: so their order is that of the numbers
    last        text        NOT NULL,
    count       integer     NOT NULL,
    received_on date        NOT NULL,
    added_by    bigint      NOT NULL REFERENCES people,
    added_at    timestamptz NOT NULL,
    removed_at  timestamptz,

    CONSTRAINT blank_ranges_numbers CHECK (first ~ '^[0-9]+$' AND last ~ '^[0-9]+$' AND length(first) = length(last) AND first COLLATE "C" <= last COLLATE "C"),
    CONSTRAINT blank_ranges_count CHECK (count > 0)
);
CREATE INDEX blank_ranges_center ON blank_ranges (center_id, series, id) WHERE removed_at IS NULL;

-- Blanks: the ones of which something became. A blank of a range that is not
-- here is free.
CREATE TABLE blanks (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    center_id      bigint      NOT NULL REFERENCES orgs,
    series         text        NOT NULL DEFAULT '',
    number         text        NOT NULL,
    state          text        NOT NULL, -- used: bears a certificate; spoiled
    application_id bigint      REFERENCES applications, -- whose certificate it bears, or bore
    reason         text        NOT NULL DEFAULT '', -- why it is spoiled
    changed_by     bigint      REFERENCES people,
    changed_at     timestamptz NOT NULL,

    CONSTRAINT blanks_once UNIQUE (series, number),
    CONSTRAINT blanks_number CHECK (number <> ''),
    CONSTRAINT blanks_state CHECK (state IN ('used', 'spoiled')),
    CONSTRAINT blanks_used CHECK (state <> 'used' OR application_id IS NOT NULL),
    CONSTRAINT blanks_spoiled CHECK (state <> 'spoiled' OR reason <> '')
);
CREATE INDEX blanks_center ON blanks (center_id, changed_at, id);
CREATE INDEX blanks_application ON blanks (application_id) WHERE application_id IS NOT NULL;

-- Printings: every PDF made for blanks, because blanks are accountable.
CREATE TABLE printings (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    exam_id      bigint      NOT NULL REFERENCES exams,
    number       integer     NOT NULL, -- of the exam's printings, from 1
    applications bigint[]    NOT NULL, -- in the order of the pages
    form         jsonb       NOT NULL, -- service.CertificateForm, as it was when ordered
    parts        text[]      NOT NULL DEFAULT '{}', -- SHA-256 of the files in the order of the pages; empty until a worker has drawn them
    fault        jsonb,                -- why it cannot be drawn; null: it was, or will be
    reprint      boolean     NOT NULL, -- one of them at least was printed before
    downloads    integer     NOT NULL DEFAULT 0, -- how often the files were given out again: each time can be another printing
    ordered_by   bigint      NOT NULL REFERENCES people,
    ordered_at   timestamptz NOT NULL,
    update_id    bigint      NOT NULL DEFAULT 0, -- of the chat; the same one again is the same printing

    CONSTRAINT printings_pages CHECK (cardinality(applications) > 0)
);
CREATE UNIQUE INDEX printings_exam ON printings (exam_id, number);
CREATE UNIQUE INDEX printings_update ON printings (exam_id, update_id) WHERE update_id <> 0;

-- Uploads: files sent in chat for something of an exam. They outlive the
-- conversation, so that /cancel never loses a file.
CREATE TABLE uploads (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person_id  bigint      NOT NULL REFERENCES people,
    purpose    text        NOT NULL, -- protocol, numbers, scan, archive, profile
    subject_id bigint      NOT NULL, -- the exam, the application or the center, by the purpose
    update_id  bigint      NOT NULL,
    chat_ref   text        NOT NULL, -- file_id in the chat
    name       text        NOT NULL,
    size       bigint      NOT NULL DEFAULT 0,
    state      text        NOT NULL DEFAULT 'waiting',
    reason     text        NOT NULL DEFAULT '', -- of the refusal
    words      text        NOT NULL DEFAULT '', -- of the refusal
    told       boolean     NOT NULL DEFAULT false, -- the person has been shown the refusal
    file_sha   text        REFERENCES files, -- as it came
    clean_sha  text        REFERENCES files, -- what others get
    type       text        NOT NULL DEFAULT '', -- MIME type of the clean one
    pages      integer     NOT NULL DEFAULT 0,
    added_at   timestamptz NOT NULL,

    CONSTRAINT uploads_purpose CHECK (purpose IN ('protocol', 'numbers', 'scan', 'archive', 'profile')),
    CONSTRAINT uploads_state CHECK (state IN ('waiting', 'accepted', 'refused', 'removed')),
    CONSTRAINT uploads_accepted CHECK (state <> 'accepted' OR (file_sha IS NOT NULL AND clean_sha IS NOT NULL))
);
CREATE UNIQUE INDEX uploads_update ON uploads (person_id, update_id);
CREATE INDEX uploads_subject ON uploads (person_id, purpose, subject_id, id) WHERE state <> 'removed';

-- A candidate's link leads to one application.
ALTER TABLE invitations ADD COLUMN application_id bigint REFERENCES applications;
ALTER TABLE invitations ADD CONSTRAINT invitations_application CHECK ((application_id IS NOT NULL) = (role = 'candidate'));
CREATE INDEX invitations_application_id ON invitations (application_id) WHERE application_id IS NOT NULL;

-- Candidate claims: what strangers have said to find their applications by
-- telephone, and the language that they read until they are somebody. One row
-- per Telegram user, forgotten some days after the last word.
CREATE TABLE candidate_claims (
    telegram_id bigint      PRIMARY KEY,
    language    text        NOT NULL DEFAULT '', -- chosen; empty: that of their Telegram
    step        text        NOT NULL DEFAULT '', -- what is awaited; empty: nothing
    phone       text        NOT NULL DEFAULT '', -- their own contact's, digits
    born_on     date,
    tries       integer     NOT NULL DEFAULT 0, -- that led nowhere
    next_at     timestamptz NOT NULL,           -- no answer is compared before this moment
    updated_at  timestamptz NOT NULL,

    CONSTRAINT candidate_claims_step CHECK (step IN ('', 'phone', 'born', 'digits'))
);
CREATE INDEX candidate_claims_updated_at ON candidate_claims (updated_at);

-- An application's status, from its facts. service.Application.Status says the
-- same. Where facts compete: not come, then violations, then failed, then passed.
-- +goose StatementBegin
CREATE FUNCTION application_status(outcome text, violations text, loaded boolean, handed boolean) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE
        WHEN outcome = 'absent'   THEN 'absent'
        WHEN violations = 'found' THEN 'violated'
        WHEN outcome = ''         THEN 'awaiting_result'
        WHEN violations = ''      THEN 'awaiting_violations_mark'
        WHEN outcome = 'failed'   THEN 'failed'
        WHEN handed               THEN 'completed'
        WHEN loaded               THEN 'awaiting_handover'
        ELSE 'awaiting_certificate' END
$$;
-- +goose StatementEnd

-- exams_recount counts the applications of exams anew. The triggers below call
-- it after every statement that changes applications, so that no writer can
-- forget to.
-- +goose StatementBegin
CREATE FUNCTION exams_recount(exam_ids bigint[]) RETURNS void
LANGUAGE sql AS $$
    UPDATE exams AS e SET applications = c.applications, unsettled = c.unsettled,
        successful = c.successful, numbered = c.numbered, loaded = c.loaded, unnamed = c.unnamed
    FROM (
        SELECT i.exam_id, count(a.id) AS applications,
            count(a.id) FILTER (WHERE a.status IN ('awaiting_result', 'awaiting_violations_mark')) AS unsettled,
            count(a.id) FILTER (WHERE a.success) AS successful,
            count(a.id) FILTER (WHERE a.success AND a.registration_number <> '') AS numbered,
            count(a.id) FILTER (WHERE a.success AND a.scan_id IS NOT NULL) AS loaded,
            count(a.id) FILTER (WHERE a.blank_number = '') AS unnamed
        FROM (SELECT DISTINCT unnest(exam_ids) AS exam_id) AS i
        LEFT JOIN LATERAL (
            SELECT applications.id, registration_number, scan_id, scans.blank_number, s.status,
                s.status IN ('awaiting_certificate', 'awaiting_handover', 'completed') AS success
            FROM applications LEFT JOIN scans ON scans.id = scan_id, LATERAL (
                SELECT application_status(outcome, violations, scan_id IS NOT NULL, handed_on IS NOT NULL) AS status
            ) AS s
            WHERE exam_id = i.exam_id
        ) AS a ON true
        GROUP BY i.exam_id
    ) AS c
    WHERE e.id = c.exam_id
      AND (e.applications, e.unsettled, e.successful, e.numbered, e.loaded, e.unnamed)
          IS DISTINCT FROM (c.applications, c.unsettled, c.successful, c.numbered, c.loaded, c.unnamed)
$$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION applications_changed() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE ids bigint[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        ids := ARRAY(SELECT DISTINCT exam_id FROM came);
    ELSIF TG_OP = 'DELETE' THEN
        ids := ARRAY(SELECT DISTINCT exam_id FROM went);
    ELSE
        ids := ARRAY(SELECT exam_id FROM came UNION SELECT exam_id FROM went);
    END IF;
    -- A count that has waited for another writer must see what that one wrote,
    -- so the exams are held in a statement of their own.
    PERFORM 1 FROM exams WHERE id = ANY (ids) ORDER BY id FOR UPDATE;
    PERFORM exams_recount(ids);
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER applications_inserted AFTER INSERT ON applications
    REFERENCING NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION applications_changed();
CREATE TRIGGER applications_updated AFTER UPDATE ON applications
    REFERENCING NEW TABLE AS came OLD TABLE AS went FOR EACH STATEMENT EXECUTE FUNCTION applications_changed();
CREATE TRIGGER applications_deleted AFTER DELETE ON applications
    REFERENCING OLD TABLE AS went FOR EACH STATEMENT EXECUTE FUNCTION applications_changed();

-- +goose Down
ALTER TABLE invitations DROP COLUMN application_id;
DROP TABLE candidate_claims;
DROP TABLE uploads;
DROP TABLE printings;
DROP TABLE blanks;
DROP TABLE blank_ranges;
DROP TABLE deliveries;
ALTER TABLE applications DROP CONSTRAINT applications_scan;
DROP TABLE scans;
DROP TABLE applications;
DROP FUNCTION applications_changed();
DROP FUNCTION exams_recount(bigint[]);
DROP FUNCTION application_status(text, text, boolean, boolean);
DROP TABLE protocols;
DROP TABLE exams;
DROP TABLE blank_profiles;
ALTER TABLE centers DROP CONSTRAINT centers_printer;
DROP TABLE printers;
DROP TABLE centers;
