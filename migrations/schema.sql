-- Written by make schema with PostgreSQL 15; for reading only.

CREATE TYPE public.river_job_state AS ENUM (
    'available',
    'cancelled',
    'completed',
    'discarded',
    'pending',
    'retryable',
    'running',
    'scheduled'
);

CREATE FUNCTION public.application_status(outcome text, violations text, loaded boolean, handed boolean) RETURNS text
    LANGUAGE sql IMMUTABLE
    AS $$
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

CREATE FUNCTION public.applications_changed() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.exams_recount(exam_ids bigint[]) RETURNS void
    LANGUAGE sql
    AS $$
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

CREATE FUNCTION public.river_job_state_in_bitmask(bitmask bit, state public.river_job_state) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    AS $$
    SELECT CASE state
        WHEN 'available' THEN get_bit(bitmask, 7)
        WHEN 'cancelled' THEN get_bit(bitmask, 6)
        WHEN 'completed' THEN get_bit(bitmask, 5)
        WHEN 'discarded' THEN get_bit(bitmask, 4)
        WHEN 'pending'   THEN get_bit(bitmask, 3)
        WHEN 'retryable' THEN get_bit(bitmask, 2)
        WHEN 'running'   THEN get_bit(bitmask, 1)
        WHEN 'scheduled' THEN get_bit(bitmask, 0)
        ELSE 0
    END = 1;
$$;

CREATE TABLE public.act_versions (
    act_id bigint NOT NULL,
    version integer NOT NULL,
    form jsonb NOT NULL,
    file_sha text,
    generated_by bigint NOT NULL,
    generated_at timestamp with time zone NOT NULL
);

CREATE TABLE public.acts (
    id bigint NOT NULL,
    number text NOT NULL,
    cohort_id bigint NOT NULL,
    partner_id bigint NOT NULL,
    status text NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    revision integer DEFAULT 1 NOT NULL,
    journal_version integer,
    reviewer_id bigint,
    taken_at timestamp with time zone,
    due_on date,
    comment text DEFAULT ''::text NOT NULL,
    generated_by bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    submitted_at timestamp with time zone,
    CONSTRAINT acts_comment CHECK (((status <> ALL (ARRAY['rejected'::text, 'cancelled'::text])) OR (comment <> ''::text))),
    CONSTRAINT acts_due CHECK (((due_on IS NOT NULL) = (status = ANY (ARRAY['in_approval'::text, 'rejected'::text])))),
    CONSTRAINT acts_journal CHECK (((journal_version IS NOT NULL) OR (status = ANY (ARRAY['awaiting_journal'::text, 'cancelled'::text])))),
    CONSTRAINT acts_status CHECK ((status = ANY (ARRAY['awaiting_journal'::text, 'in_approval'::text, 'rejected'::text, 'approved'::text, 'cancelled'::text]))),
    CONSTRAINT acts_taken CHECK (((reviewer_id IS NULL) = (taken_at IS NULL))),
    CONSTRAINT acts_taken_in_approval CHECK (((reviewer_id IS NULL) OR (status = 'in_approval'::text)))
);

ALTER TABLE public.acts ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.acts_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.applications (
    id bigint NOT NULL,
    number text NOT NULL,
    exam_id bigint NOT NULL,
    level text NOT NULL,
    last_name text NOT NULL,
    first_name text NOT NULL,
    middle_name text DEFAULT ''::text NOT NULL,
    last_name_latin text DEFAULT ''::text NOT NULL,
    first_name_latin text DEFAULT ''::text NOT NULL,
    middle_name_latin text DEFAULT ''::text NOT NULL,
    born_on date NOT NULL,
    gender text DEFAULT ''::text NOT NULL,
    identity_document text DEFAULT ''::text NOT NULL,
    citizenship text DEFAULT ''::text NOT NULL,
    phone text DEFAULT ''::text NOT NULL,
    language text DEFAULT ''::text NOT NULL,
    outcome text DEFAULT ''::text NOT NULL,
    violations text DEFAULT ''::text NOT NULL,
    result_comment text DEFAULT ''::text NOT NULL,
    registration_number text DEFAULT ''::text NOT NULL,
    issued_on date,
    valid_until date,
    scan_id bigint,
    handed_on date,
    person_id bigint,
    linked_at timestamp with time zone,
    deliver_at timestamp with time zone,
    delivered_at timestamp with time zone,
    revision integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    number_typed boolean DEFAULT false NOT NULL,
    CONSTRAINT applications_entitled CHECK (((registration_number = ''::text) OR ((outcome = 'passed'::text) AND (violations = 'none'::text)))),
    CONSTRAINT applications_gender CHECK ((gender = ANY (ARRAY[''::text, 'm'::text, 'f'::text]))),
    CONSTRAINT applications_handed CHECK (((handed_on IS NULL) OR (registration_number <> ''::text))),
    CONSTRAINT applications_level CHECK ((level = ANY (ARRAY['patent'::text, 'temporary'::text, 'permanent'::text]))),
    CONSTRAINT applications_linked CHECK (((person_id IS NULL) = (linked_at IS NULL))),
    CONSTRAINT applications_loaded CHECK (((scan_id IS NULL) OR (registration_number <> ''::text))),
    CONSTRAINT applications_number CHECK ((number <> ''::text)),
    CONSTRAINT applications_number_typed CHECK (((NOT number_typed) OR (registration_number <> ''::text))),
    CONSTRAINT applications_outcome CHECK ((outcome = ANY (ARRAY[''::text, 'absent'::text, 'failed'::text, 'passed'::text]))),
    CONSTRAINT applications_registered CHECK (((registration_number <> ''::text) = (issued_on IS NOT NULL))),
    CONSTRAINT applications_valid CHECK (((valid_until IS NULL) OR (registration_number <> ''::text))),
    CONSTRAINT applications_violations CHECK ((violations = ANY (ARRAY[''::text, 'none'::text, 'found'::text])))
);

ALTER TABLE public.applications ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.applications_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.blank_profiles (
    id bigint NOT NULL,
    center_id bigint NOT NULL,
    code text NOT NULL,
    name text NOT NULL,
    source jsonb NOT NULL,
    added_by bigint,
    added_at timestamp with time zone DEFAULT now() NOT NULL,
    removed_at timestamp with time zone
);

ALTER TABLE public.blank_profiles ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.blank_profiles_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.blank_ranges (
    id bigint NOT NULL,
    center_id bigint NOT NULL,
    series text DEFAULT ''::text NOT NULL,
    first text NOT NULL,
    last text NOT NULL,
    count integer NOT NULL,
    received_on date NOT NULL,
    added_by bigint NOT NULL,
    added_at timestamp with time zone NOT NULL,
    removed_at timestamp with time zone,
    CONSTRAINT blank_ranges_count CHECK ((count > 0)),
    CONSTRAINT blank_ranges_numbers CHECK (((first ~ '^[0-9]+$'::text) AND (last ~ '^[0-9]+$'::text) AND (length(first) = length(last)) AND ((first COLLATE "C") <= (last COLLATE "C"))))
);

ALTER TABLE public.blank_ranges ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.blank_ranges_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.blanks (
    id bigint NOT NULL,
    center_id bigint NOT NULL,
    series text DEFAULT ''::text NOT NULL,
    number text NOT NULL,
    state text NOT NULL,
    application_id bigint,
    reason text DEFAULT ''::text NOT NULL,
    changed_by bigint,
    changed_at timestamp with time zone NOT NULL,
    revision integer DEFAULT 1 NOT NULL,
    CONSTRAINT blanks_number CHECK ((number <> ''::text)),
    CONSTRAINT blanks_spoiled CHECK (((state <> 'spoiled'::text) OR (reason <> ''::text))),
    CONSTRAINT blanks_state CHECK ((state = ANY (ARRAY['used'::text, 'spoiled'::text]))),
    CONSTRAINT blanks_used CHECK (((state <> 'used'::text) OR (application_id IS NOT NULL)))
);

ALTER TABLE public.blanks ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.blanks_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.calendar_years (
    year integer NOT NULL,
    days jsonb NOT NULL,
    imported_by bigint,
    imported_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.candidate_claims (
    telegram_id bigint NOT NULL,
    language text DEFAULT ''::text NOT NULL,
    step text DEFAULT ''::text NOT NULL,
    phone text DEFAULT ''::text NOT NULL,
    born_on date,
    tries integer DEFAULT 0 NOT NULL,
    next_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    invitation_id bigint,
    CONSTRAINT candidate_claims_link CHECK (((step = ANY (ARRAY['link'::text, 'link_digits'::text])) = (invitation_id IS NOT NULL))),
    CONSTRAINT candidate_claims_step CHECK ((step = ANY (ARRAY[''::text, 'phone'::text, 'born'::text, 'digits'::text, 'link'::text, 'link_digits'::text])))
);

CREATE TABLE public.cards (
    person_id bigint NOT NULL,
    name text NOT NULL,
    message_id bigint NOT NULL,
    sent_at timestamp with time zone NOT NULL
);

CREATE TABLE public.centers (
    org_id bigint NOT NULL,
    name_instrumental text DEFAULT ''::text NOT NULL,
    issue_address text DEFAULT ''::text NOT NULL,
    signatory_position text DEFAULT ''::text NOT NULL,
    signatory_name text DEFAULT ''::text NOT NULL,
    blank_profile text DEFAULT ''::text NOT NULL,
    printer_id bigint,
    revision integer DEFAULT 1 NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.cohorts (
    id bigint NOT NULL,
    number text NOT NULL,
    partner_id bigint NOT NULL,
    program text NOT NULL,
    program_kind text DEFAULT ''::text NOT NULL,
    hours integer DEFAULT 0 NOT NULL,
    start_on date NOT NULL,
    end_on date NOT NULL,
    acts integer DEFAULT 0 NOT NULL,
    journal_version integer DEFAULT 0 NOT NULL,
    revision integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT cohorts_days CHECK ((end_on >= start_on)),
    CONSTRAINT cohorts_hours CHECK ((hours >= 0)),
    CONSTRAINT cohorts_number CHECK ((number <> ''::text))
);

ALTER TABLE public.cohorts ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.cohorts_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.deliveries (
    id bigint NOT NULL,
    application_id bigint NOT NULL,
    scan_id bigint NOT NULL,
    person_id bigint NOT NULL,
    message_id bigint NOT NULL,
    sent_at timestamp with time zone NOT NULL,
    recall text DEFAULT ''::text NOT NULL,
    recalled_by bigint,
    recalled_at timestamp with time zone,
    CONSTRAINT deliveries_recall CHECK ((recall = ANY (ARRAY[''::text, 'asked'::text, 'done'::text, 'failed'::text, 'unknown'::text]))),
    CONSTRAINT deliveries_recalled CHECK (((recall = ''::text) = (recalled_at IS NULL)))
);

ALTER TABLE public.deliveries ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.deliveries_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.draft_files (
    id bigint NOT NULL,
    person_id bigint NOT NULL,
    cohort_id bigint,
    update_id bigint NOT NULL,
    chat_ref text DEFAULT ''::text NOT NULL,
    kind text DEFAULT ''::text NOT NULL,
    name text NOT NULL,
    size bigint DEFAULT 0 NOT NULL,
    state text DEFAULT 'waiting'::text NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    told boolean DEFAULT false NOT NULL,
    file_sha text,
    clean_sha text,
    pages integer DEFAULT 0 NOT NULL,
    added_at timestamp with time zone DEFAULT now() NOT NULL,
    kept_version integer,
    CONSTRAINT draft_files_accepted CHECK (((state <> 'accepted'::text) OR ((file_sha IS NOT NULL) AND (clean_sha IS NOT NULL)))),
    CONSTRAINT draft_files_kind CHECK ((kind = ANY (ARRAY[''::text, 'journal'::text, 'screenshot'::text]))),
    CONSTRAINT draft_files_state CHECK ((state = ANY (ARRAY['waiting'::text, 'accepted'::text, 'refused'::text, 'removed'::text])))
);

ALTER TABLE public.draft_files ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.draft_files_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.drafts (
    person_id bigint NOT NULL,
    id bigint NOT NULL,
    kind text NOT NULL,
    step text NOT NULL,
    form json NOT NULL,
    update_id bigint DEFAULT 0 NOT NULL,
    message_id bigint DEFAULT 0 NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE public.drafts ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.drafts_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.exams (
    id bigint NOT NULL,
    number text NOT NULL,
    center_id bigint NOT NULL,
    venue text DEFAULT ''::text NOT NULL,
    address text NOT NULL,
    held_on date NOT NULL,
    held_at text DEFAULT ''::text NOT NULL,
    protocol_status text DEFAULT 'missing'::text NOT NULL,
    protocol_version integer DEFAULT 0 NOT NULL,
    protocol_comment text DEFAULT ''::text NOT NULL,
    reviewer_id bigint,
    taken_at timestamp with time zone,
    revision integer DEFAULT 1 NOT NULL,
    applications integer DEFAULT 0 NOT NULL,
    unsettled integer DEFAULT 0 NOT NULL,
    successful integer DEFAULT 0 NOT NULL,
    numbered integer DEFAULT 0 NOT NULL,
    loaded integer DEFAULT 0 NOT NULL,
    unnamed integer DEFAULT 0 NOT NULL,
    certificate_status text GENERATED ALWAYS AS (
CASE
    WHEN ((unsettled > 0) OR (protocol_status <> 'approved'::text)) THEN 'not_ready'::text
    WHEN (successful = 0) THEN 'not_needed'::text
    WHEN (numbered < successful) THEN 'to_generate'::text
    WHEN (loaded = 0) THEN 'to_load'::text
    WHEN (loaded < successful) THEN 'partly_loaded'::text
    ELSE 'loaded'::text
END) STORED NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    paused_at timestamp with time zone,
    paused_by bigint,
    CONSTRAINT exams_held_at CHECK ((held_at ~ '^([0-9]{2}:[0-9]{2})?$'::text)),
    CONSTRAINT exams_number CHECK ((number <> ''::text)),
    CONSTRAINT exams_paused CHECK (((paused_at IS NULL) = (paused_by IS NULL))),
    CONSTRAINT exams_protocol_comment CHECK (((protocol_status <> 'rejected'::text) OR (protocol_comment <> ''::text))),
    CONSTRAINT exams_protocol_status CHECK ((protocol_status = ANY (ARRAY['missing'::text, 'to_check'::text, 'in_check'::text, 'approved'::text, 'rejected'::text]))),
    CONSTRAINT exams_protocol_taken CHECK ((((reviewer_id IS NOT NULL) = (protocol_status = 'in_check'::text)) AND ((reviewer_id IS NULL) = (taken_at IS NULL)))),
    CONSTRAINT exams_protocol_version CHECK (((protocol_version = 0) = (protocol_status = 'missing'::text)))
);

ALTER TABLE public.exams ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.exams_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.files (
    sha256 text NOT NULL,
    size bigint NOT NULL,
    type text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT files_sha256 CHECK ((sha256 ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT files_size CHECK ((size >= 0))
);

CREATE TABLE public.goose_db_version (
    id integer NOT NULL,
    version_id bigint NOT NULL,
    is_applied boolean NOT NULL,
    tstamp timestamp without time zone DEFAULT now() NOT NULL
);

ALTER TABLE public.goose_db_version ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.goose_db_version_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.guesses (
    telegram_id bigint NOT NULL,
    count integer DEFAULT 0 NOT NULL,
    next_at timestamp with time zone NOT NULL
);

CREATE TABLE public.history (
    id bigint NOT NULL,
    subject text NOT NULL,
    subject_id bigint NOT NULL,
    at timestamp with time zone NOT NULL,
    person_id bigint,
    event text NOT NULL,
    from_status text DEFAULT ''::text NOT NULL,
    to_status text DEFAULT ''::text NOT NULL,
    comment text DEFAULT ''::text NOT NULL,
    version integer,
    journal_version integer
);

ALTER TABLE public.history ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.history_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.holders (
    id integer NOT NULL,
    since timestamp with time zone DEFAULT now() NOT NULL
);

ALTER TABLE public.holders ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.holders_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.invitations (
    id bigint NOT NULL,
    token_hash bytea NOT NULL,
    role text NOT NULL,
    org_id bigint,
    name text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    created_by bigint,
    expires_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone,
    used_by bigint,
    revoked_at timestamp with time zone,
    revoked_by bigint,
    update_id bigint,
    application_id bigint,
    CONSTRAINT invitations_application CHECK (((application_id IS NOT NULL) = (role = 'candidate'::text))),
    CONSTRAINT invitations_one_end CHECK (((used_at IS NULL) OR (revoked_at IS NULL))),
    CONSTRAINT invitations_org CHECK (((org_id IS NULL) = (role = ANY (ARRAY['admin'::text, 'candidate'::text])))),
    CONSTRAINT invitations_role CHECK ((role = ANY (ARRAY['admin'::text, 'partner_rep'::text, 'operator_rep'::text, 'center_staff'::text, 'candidate'::text])))
);

ALTER TABLE public.invitations ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.invitations_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.journal_files (
    id bigint NOT NULL,
    journal_id bigint NOT NULL,
    kind text NOT NULL,
    "position" integer NOT NULL,
    name text NOT NULL,
    file_sha text NOT NULL,
    clean_sha text NOT NULL,
    pages integer DEFAULT 1 NOT NULL,
    CONSTRAINT journal_files_kind CHECK ((kind = ANY (ARRAY['journal'::text, 'screenshot'::text])))
);

ALTER TABLE public.journal_files ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.journal_files_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.journals (
    id bigint NOT NULL,
    cohort_id bigint NOT NULL,
    version integer NOT NULL,
    uploaded_by bigint NOT NULL,
    uploaded_at timestamp with time zone NOT NULL,
    rejected_by bigint,
    rejected_at timestamp with time zone,
    comment text DEFAULT ''::text NOT NULL,
    sheet_sha text,
    CONSTRAINT journals_rejected CHECK (((rejected_at IS NULL) = (rejected_by IS NULL)))
);

ALTER TABLE public.journals ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.journals_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.learners (
    id bigint NOT NULL,
    cohort_id bigint NOT NULL,
    number text NOT NULL,
    last_name text NOT NULL,
    first_name text NOT NULL,
    middle_name text DEFAULT ''::text NOT NULL,
    born_on date,
    finished boolean DEFAULT false NOT NULL,
    document_type smallint,
    document_series text DEFAULT ''::text NOT NULL,
    document_number text DEFAULT ''::text NOT NULL,
    registration_number text DEFAULT ''::text NOT NULL,
    document_on date,
    sent_on date,
    in_frdo boolean DEFAULT false NOT NULL,
    act_id bigint,
    revision integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT learners_document_type CHECK (((document_type >= 1) AND (document_type <= 7))),
    CONSTRAINT learners_number CHECK ((number <> ''::text))
);

ALTER TABLE public.learners ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.learners_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.memberships (
    id bigint NOT NULL,
    person_id bigint NOT NULL,
    org_id bigint,
    role text NOT NULL,
    added_at timestamp with time zone DEFAULT now() NOT NULL,
    added_by bigint,
    removed_at timestamp with time zone,
    removed_by bigint,
    CONSTRAINT memberships_org CHECK (((org_id IS NULL) = (role = ANY (ARRAY['admin'::text, 'candidate'::text])))),
    CONSTRAINT memberships_role CHECK ((role = ANY (ARRAY['admin'::text, 'partner_rep'::text, 'operator_rep'::text, 'center_staff'::text, 'candidate'::text])))
);

ALTER TABLE public.memberships ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.memberships_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.notices (
    id bigint NOT NULL,
    person_id bigint NOT NULL,
    kind text NOT NULL,
    lane smallint NOT NULL,
    payload jsonb NOT NULL,
    key text DEFAULT ''::text NOT NULL,
    state text DEFAULT 'queued'::text NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    run_at timestamp with time zone DEFAULT now() NOT NULL,
    error text DEFAULT ''::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    claim bigint,
    left_at timestamp with time zone,
    ended_at timestamp with time zone,
    message_id bigint,
    holder integer,
    CONSTRAINT notices_lane CHECK (((lane >= 0) AND (lane <= 3))),
    CONSTRAINT notices_state CHECK ((state = ANY (ARRAY['queued'::text, 'sending'::text, 'sent'::text, 'skipped'::text, 'unknown'::text, 'failed'::text, 'dismissed'::text])))
);

ALTER TABLE public.notices ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.notices_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.orgs (
    id bigint NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    inn text DEFAULT ''::text NOT NULL,
    zone text DEFAULT 'Europe/Moscow'::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT orgs_kind CHECK ((kind = ANY (ARRAY['partner'::text, 'operator'::text, 'center'::text]))),
    CONSTRAINT orgs_name CHECK ((name <> ''::text))
);

ALTER TABLE public.orgs ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.orgs_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.people (
    id bigint NOT NULL,
    name text NOT NULL,
    telegram_id bigint,
    language text DEFAULT 'ru'::text NOT NULL,
    muted boolean DEFAULT false NOT NULL,
    unreachable_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT people_name CHECK ((name <> ''::text))
);

ALTER TABLE public.people ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.people_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.printers (
    id bigint NOT NULL,
    center_id bigint NOT NULL,
    name text NOT NULL,
    right_by integer DEFAULT 0 NOT NULL,
    down_by integer DEFAULT 0 NOT NULL,
    revision integer DEFAULT 1 NOT NULL,
    removed_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT printers_down CHECK (((down_by >= '-200'::integer) AND (down_by <= 200))),
    CONSTRAINT printers_name CHECK ((name <> ''::text)),
    CONSTRAINT printers_right CHECK (((right_by >= '-200'::integer) AND (right_by <= 200)))
);

ALTER TABLE public.printers ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.printers_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.printings (
    id bigint NOT NULL,
    exam_id bigint NOT NULL,
    number integer NOT NULL,
    applications bigint[] NOT NULL,
    form jsonb NOT NULL,
    parts text[] DEFAULT '{}'::text[] NOT NULL,
    fault jsonb,
    reprint boolean NOT NULL,
    downloads integer DEFAULT 0 NOT NULL,
    ordered_by bigint NOT NULL,
    ordered_at timestamp with time zone NOT NULL,
    update_id bigint DEFAULT 0 NOT NULL,
    CONSTRAINT printings_pages CHECK ((cardinality(applications) > 0))
);

ALTER TABLE public.printings ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.printings_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.protocols (
    exam_id bigint NOT NULL,
    version integer NOT NULL,
    number text NOT NULL,
    dated_on date NOT NULL,
    file_name text NOT NULL,
    file_sha text NOT NULL,
    clean_sha text NOT NULL,
    pages integer NOT NULL,
    uploaded_by bigint NOT NULL,
    uploaded_at timestamp with time zone NOT NULL,
    CONSTRAINT protocols_number CHECK ((number <> ''::text))
);

CREATE TABLE public.river_job (
    id bigint NOT NULL,
    state public.river_job_state DEFAULT 'available'::public.river_job_state NOT NULL,
    attempt smallint DEFAULT 0 NOT NULL,
    max_attempts smallint DEFAULT 25 NOT NULL,
    attempted_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    finalized_at timestamp with time zone,
    scheduled_at timestamp with time zone DEFAULT now() NOT NULL,
    priority smallint DEFAULT 1 NOT NULL,
    args jsonb NOT NULL,
    attempted_by text[],
    errors jsonb[],
    kind text NOT NULL,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    queue text DEFAULT 'default'::text NOT NULL,
    tags character varying(255)[] DEFAULT '{}'::character varying[] NOT NULL,
    unique_key bytea,
    unique_states bit(8),
    CONSTRAINT finalized_or_finalized_at_null CHECK ((((finalized_at IS NULL) AND (state <> ALL (ARRAY['cancelled'::public.river_job_state, 'completed'::public.river_job_state, 'discarded'::public.river_job_state]))) OR ((finalized_at IS NOT NULL) AND (state = ANY (ARRAY['cancelled'::public.river_job_state, 'completed'::public.river_job_state, 'discarded'::public.river_job_state]))))),
    CONSTRAINT kind_length CHECK (((char_length(kind) > 0) AND (char_length(kind) < 128))),
    CONSTRAINT max_attempts_is_positive CHECK ((max_attempts > 0)),
    CONSTRAINT priority_in_range CHECK (((priority >= 1) AND (priority <= 4))),
    CONSTRAINT queue_length CHECK (((char_length(queue) > 0) AND (char_length(queue) < 128)))
);

CREATE SEQUENCE public.river_job_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.river_job_id_seq OWNED BY public.river_job.id;

CREATE UNLOGGED TABLE public.river_leader (
    elected_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    leader_id text NOT NULL,
    name text DEFAULT 'default'::text NOT NULL,
    CONSTRAINT leader_id_length CHECK (((char_length(leader_id) > 0) AND (char_length(leader_id) < 128))),
    CONSTRAINT name_length CHECK ((name = 'default'::text))
);

CREATE TABLE public.river_migration (
    line text NOT NULL,
    version bigint NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT line_length CHECK (((char_length(line) > 0) AND (char_length(line) < 128))),
    CONSTRAINT version_gte_1 CHECK ((version >= 1))
);

CREATE TABLE public.river_notification (
    id bigint NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    payload text NOT NULL,
    topic text NOT NULL,
    CONSTRAINT topic_length CHECK (((length(topic) > 0) AND (length(topic) < 128)))
);

CREATE SEQUENCE public.river_notification_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.river_notification_id_seq OWNED BY public.river_notification.id;

CREATE TABLE public.river_queue (
    name text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    paused_at timestamp with time zone,
    updated_at timestamp with time zone DEFAULT CURRENT_TIMESTAMP NOT NULL
);

CREATE TABLE public.scan_batches (
    id bigint NOT NULL,
    center_id bigint NOT NULL,
    exam_id bigint,
    person_id bigint NOT NULL,
    state text DEFAULT 'open'::text NOT NULL,
    message_id bigint,
    shown_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    newest_at timestamp with time zone NOT NULL,
    settled_at timestamp with time zone,
    chosen_by bigint,
    given_up_at timestamp with time zone,
    awaits_until timestamp with time zone,
    CONSTRAINT scan_batches_settled CHECK (((state = 'settled'::text) = (settled_at IS NOT NULL))),
    CONSTRAINT scan_batches_state CHECK ((state = ANY (ARRAY['open'::text, 'choosing'::text, 'settled'::text, 'cancelled'::text])))
);

ALTER TABLE public.scan_batches ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.scan_batches_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.scan_files (
    id bigint NOT NULL,
    batch_id bigint NOT NULL,
    update_id bigint DEFAULT 0 NOT NULL,
    chat_ref text DEFAULT ''::text NOT NULL,
    name text NOT NULL,
    size bigint NOT NULL,
    state text DEFAULT 'waiting'::text NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    words text DEFAULT ''::text NOT NULL,
    file_sha text,
    pages integer DEFAULT 0 NOT NULL,
    added_at timestamp with time zone NOT NULL,
    CONSTRAINT scan_files_refused CHECK (((state = 'refused'::text) = (reason <> ''::text))),
    CONSTRAINT scan_files_state CHECK ((state = ANY (ARRAY['waiting'::text, 'taken_apart'::text, 'refused'::text, 'cancelled'::text])))
);

ALTER TABLE public.scan_files ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.scan_files_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.scan_pages (
    id bigint NOT NULL,
    batch_id bigint NOT NULL,
    file_id bigint NOT NULL,
    number integer NOT NULL,
    name text DEFAULT ''::text NOT NULL,
    exam_id bigint,
    state text DEFAULT 'waiting'::text NOT NULL,
    rule text DEFAULT ''::text NOT NULL,
    application_id bigint,
    scan_id bigint,
    twin_id bigint,
    named_id bigint,
    sha text,
    clean_sha text,
    thumb_sha text,
    view_sha text,
    lines_sha text,
    evidence jsonb,
    program text DEFAULT ''::text NOT NULL,
    asked text DEFAULT ''::text NOT NULL,
    asked_for_id bigint,
    decided_by bigint,
    decided_at timestamp with time zone,
    revision integer DEFAULT 1 NOT NULL,
    added_at timestamp with time zone NOT NULL,
    read_at timestamp with time zone,
    CONSTRAINT scan_pages_exam CHECK (((state = ANY (ARRAY['waiting'::text, 'read'::text, 'aside'::text, 'cancelled'::text])) OR (exam_id IS NOT NULL))),
    CONSTRAINT scan_pages_matched CHECK (((state <> 'matched'::text) OR ((scan_id IS NOT NULL) AND (application_id IS NOT NULL)))),
    CONSTRAINT scan_pages_state CHECK ((state = ANY (ARRAY['waiting'::text, 'read'::text, 'matched'::text, 'question'::text, 'aside'::text, 'cancelled'::text])))
);

ALTER TABLE public.scan_pages ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.scan_pages_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.scans (
    id bigint NOT NULL,
    application_id bigint NOT NULL,
    version integer NOT NULL,
    file_name text NOT NULL,
    file_sha text NOT NULL,
    clean_sha text NOT NULL,
    blank_series text DEFAULT ''::text NOT NULL,
    blank_number text DEFAULT ''::text NOT NULL,
    source text NOT NULL,
    loaded_by bigint,
    loaded_at timestamp with time zone NOT NULL,
    replaced_at timestamp with time zone,
    supported boolean DEFAULT false NOT NULL,
    page_sha text,
    CONSTRAINT scans_source CHECK ((source = ANY (ARRAY['person'::text, 'archive'::text, 'page'::text])))
);

ALTER TABLE public.scans ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.scans_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.ticks (
    name text NOT NULL,
    at timestamp with time zone NOT NULL
);

CREATE TABLE public.updates (
    update_id bigint NOT NULL,
    chat_id bigint NOT NULL,
    raw json NOT NULL,
    state text DEFAULT 'waiting'::text NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    run_at timestamp with time zone DEFAULT now() NOT NULL,
    error text DEFAULT ''::text NOT NULL,
    received_at timestamp with time zone DEFAULT now() NOT NULL,
    done_at timestamp with time zone,
    holder integer,
    CONSTRAINT updates_state CHECK ((state = ANY (ARRAY['waiting'::text, 'done'::text, 'set_aside'::text, 'dismissed'::text])))
);

CREATE TABLE public.upload_files (
    link_id bigint NOT NULL,
    upload text NOT NULL,
    batch_id bigint NOT NULL,
    name text NOT NULL,
    size bigint NOT NULL,
    added_at timestamp with time zone NOT NULL
);

CREATE TABLE public.upload_links (
    id bigint NOT NULL,
    token_hash bytea NOT NULL,
    person_id bigint NOT NULL,
    exam_id bigint NOT NULL,
    update_id bigint DEFAULT 0 NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone
);

ALTER TABLE public.upload_links ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.upload_links_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.uploads (
    id bigint NOT NULL,
    person_id bigint NOT NULL,
    purpose text NOT NULL,
    subject_id bigint NOT NULL,
    update_id bigint NOT NULL,
    chat_ref text NOT NULL,
    name text NOT NULL,
    size bigint DEFAULT 0 NOT NULL,
    state text DEFAULT 'waiting'::text NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    words text DEFAULT ''::text NOT NULL,
    told boolean DEFAULT false NOT NULL,
    file_sha text,
    clean_sha text,
    type text DEFAULT ''::text NOT NULL,
    pages integer DEFAULT 0 NOT NULL,
    added_at timestamp with time zone NOT NULL,
    evidence jsonb,
    page_sha text,
    lines_sha text,
    CONSTRAINT uploads_accepted CHECK (((state <> 'accepted'::text) OR ((file_sha IS NOT NULL) AND (clean_sha IS NOT NULL)))),
    CONSTRAINT uploads_purpose CHECK ((purpose = ANY (ARRAY['protocol'::text, 'numbers'::text, 'scan'::text, 'archive'::text, 'profile'::text]))),
    CONSTRAINT uploads_state CHECK ((state = ANY (ARRAY['waiting'::text, 'accepted'::text, 'refused'::text, 'removed'::text])))
);

ALTER TABLE public.uploads ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.uploads_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE ONLY public.river_job ALTER COLUMN id SET DEFAULT nextval('public.river_job_id_seq'::regclass);

ALTER TABLE ONLY public.river_notification ALTER COLUMN id SET DEFAULT nextval('public.river_notification_id_seq'::regclass);

ALTER TABLE ONLY public.act_versions
    ADD CONSTRAINT act_versions_pkey PRIMARY KEY (act_id, version);

ALTER TABLE ONLY public.acts
    ADD CONSTRAINT acts_number_unique UNIQUE (number);

ALTER TABLE ONLY public.acts
    ADD CONSTRAINT acts_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.applications
    ADD CONSTRAINT applications_number_unique UNIQUE (number);

ALTER TABLE ONLY public.applications
    ADD CONSTRAINT applications_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.blank_profiles
    ADD CONSTRAINT blank_profiles_code UNIQUE (code);

ALTER TABLE ONLY public.blank_profiles
    ADD CONSTRAINT blank_profiles_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.blank_ranges
    ADD CONSTRAINT blank_ranges_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.blanks
    ADD CONSTRAINT blanks_once UNIQUE (series, number);

ALTER TABLE ONLY public.blanks
    ADD CONSTRAINT blanks_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.calendar_years
    ADD CONSTRAINT calendar_years_pkey PRIMARY KEY (year);

ALTER TABLE ONLY public.candidate_claims
    ADD CONSTRAINT candidate_claims_pkey PRIMARY KEY (telegram_id);

ALTER TABLE ONLY public.cards
    ADD CONSTRAINT cards_pkey PRIMARY KEY (person_id, name);

ALTER TABLE ONLY public.centers
    ADD CONSTRAINT centers_pkey PRIMARY KEY (org_id);

ALTER TABLE ONLY public.cohorts
    ADD CONSTRAINT cohorts_number_unique UNIQUE (number);

ALTER TABLE ONLY public.cohorts
    ADD CONSTRAINT cohorts_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.draft_files
    ADD CONSTRAINT draft_files_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.drafts
    ADD CONSTRAINT drafts_id_key UNIQUE (id);

ALTER TABLE ONLY public.drafts
    ADD CONSTRAINT drafts_pkey PRIMARY KEY (person_id);

ALTER TABLE ONLY public.exams
    ADD CONSTRAINT exams_number_unique UNIQUE (number);

ALTER TABLE ONLY public.exams
    ADD CONSTRAINT exams_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.files
    ADD CONSTRAINT files_pkey PRIMARY KEY (sha256);

ALTER TABLE ONLY public.goose_db_version
    ADD CONSTRAINT goose_db_version_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.guesses
    ADD CONSTRAINT guesses_pkey PRIMARY KEY (telegram_id);

ALTER TABLE ONLY public.history
    ADD CONSTRAINT history_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.holders
    ADD CONSTRAINT holders_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.invitations
    ADD CONSTRAINT invitations_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.journal_files
    ADD CONSTRAINT journal_files_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.journal_files
    ADD CONSTRAINT journal_files_position UNIQUE (journal_id, kind, "position");

ALTER TABLE ONLY public.journals
    ADD CONSTRAINT journals_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.journals
    ADD CONSTRAINT journals_version UNIQUE (cohort_id, version);

ALTER TABLE ONLY public.learners
    ADD CONSTRAINT learners_number_unique UNIQUE (number);

ALTER TABLE ONLY public.learners
    ADD CONSTRAINT learners_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.memberships
    ADD CONSTRAINT memberships_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.notices
    ADD CONSTRAINT notices_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.orgs
    ADD CONSTRAINT orgs_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.people
    ADD CONSTRAINT people_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.printers
    ADD CONSTRAINT printers_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.printings
    ADD CONSTRAINT printings_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.protocols
    ADD CONSTRAINT protocols_pkey PRIMARY KEY (exam_id, version);

ALTER TABLE ONLY public.river_job
    ADD CONSTRAINT river_job_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.river_leader
    ADD CONSTRAINT river_leader_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.river_migration
    ADD CONSTRAINT river_migration_pkey1 PRIMARY KEY (line, version);

ALTER TABLE ONLY public.river_notification
    ADD CONSTRAINT river_notification_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.river_queue
    ADD CONSTRAINT river_queue_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.scan_batches
    ADD CONSTRAINT scan_batches_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.scan_files
    ADD CONSTRAINT scan_files_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.scan_pages
    ADD CONSTRAINT scan_pages_number UNIQUE (file_id, number);

ALTER TABLE ONLY public.scan_pages
    ADD CONSTRAINT scan_pages_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.scans
    ADD CONSTRAINT scans_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.scans
    ADD CONSTRAINT scans_version UNIQUE (application_id, version);

ALTER TABLE ONLY public.ticks
    ADD CONSTRAINT ticks_pkey PRIMARY KEY (name, at);

ALTER TABLE ONLY public.updates
    ADD CONSTRAINT updates_pkey PRIMARY KEY (update_id);

ALTER TABLE ONLY public.upload_files
    ADD CONSTRAINT upload_files_pkey PRIMARY KEY (link_id, upload);

ALTER TABLE ONLY public.upload_links
    ADD CONSTRAINT upload_links_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.upload_links
    ADD CONSTRAINT upload_links_token_hash_key UNIQUE (token_hash);

ALTER TABLE ONLY public.uploads
    ADD CONSTRAINT uploads_pkey PRIMARY KEY (id);

CREATE INDEX acts_cohort ON public.acts USING btree (cohort_id, id);

CREATE INDEX acts_number_prefix ON public.acts USING btree (number text_pattern_ops) WHERE (status = 'in_approval'::text);

CREATE INDEX acts_partner_open ON public.acts USING btree (partner_id, status, due_on, id) WHERE (status = ANY (ARRAY['awaiting_journal'::text, 'in_approval'::text, 'rejected'::text]));

CREATE INDEX acts_queue ON public.acts USING btree (due_on, id) WHERE (status = 'in_approval'::text);

CREATE INDEX acts_reviewer ON public.acts USING btree (reviewer_id) WHERE (reviewer_id IS NOT NULL);

CREATE INDEX acts_taken ON public.acts USING btree (taken_at) WHERE (reviewer_id IS NOT NULL);

CREATE INDEX applications_born ON public.applications USING btree (born_on);

CREATE INDEX applications_exam ON public.applications USING btree (exam_id, last_name, first_name, id);

CREATE INDEX applications_on_way ON public.applications USING btree (exam_id) WHERE ((scan_id IS NOT NULL) AND (deliver_at IS NOT NULL) AND (delivered_at IS NULL));

CREATE INDEX applications_person ON public.applications USING btree (person_id) WHERE (person_id IS NOT NULL);

CREATE INDEX applications_phone ON public.applications USING btree (phone) WHERE (phone <> ''::text);

CREATE UNIQUE INDEX applications_registration_number ON public.applications USING btree (registration_number) WHERE (registration_number <> ''::text);

CREATE INDEX applications_typed ON public.applications USING btree (exam_id) WHERE number_typed;

CREATE INDEX blank_profiles_center ON public.blank_profiles USING btree (center_id, id);

CREATE INDEX blank_ranges_center ON public.blank_ranges USING btree (center_id, series, id) WHERE (removed_at IS NULL);

CREATE INDEX blanks_application ON public.blanks USING btree (application_id) WHERE (application_id IS NOT NULL);

CREATE INDEX blanks_center ON public.blanks USING btree (center_id, changed_at, id);

CREATE INDEX candidate_claims_updated_at ON public.candidate_claims USING btree (updated_at);

CREATE INDEX cards_name ON public.cards USING btree (name);

CREATE INDEX cohorts_end_on ON public.cohorts USING btree (end_on);

CREATE INDEX cohorts_partner ON public.cohorts USING btree (partner_id, end_on, id);

CREATE INDEX deliveries_application ON public.deliveries USING btree (application_id, id);

CREATE INDEX deliveries_person ON public.deliveries USING btree (person_id, id);

CREATE INDEX draft_files_kept ON public.draft_files USING btree (person_id, cohort_id, kept_version) WHERE (kept_version IS NOT NULL);

CREATE INDEX draft_files_person ON public.draft_files USING btree (person_id, cohort_id, id) WHERE (state <> 'removed'::text);

CREATE UNIQUE INDEX draft_files_update ON public.draft_files USING btree (person_id, update_id) WHERE (update_id <> 0);

CREATE INDEX exams_center ON public.exams USING btree (center_id, held_on, id);

CREATE INDEX exams_center_certificates ON public.exams USING btree (center_id, certificate_status, held_on, id);

CREATE INDEX exams_center_protocols ON public.exams USING btree (center_id, protocol_status, held_on, id) WHERE (protocol_status = ANY (ARRAY['missing'::text, 'to_check'::text, 'in_check'::text, 'rejected'::text]));

CREATE INDEX exams_center_unnamed ON public.exams USING btree (center_id, held_on, id) WHERE (unnamed > 0);

CREATE INDEX exams_certificates ON public.exams USING btree (certificate_status, held_on, id);

CREATE INDEX exams_held_on ON public.exams USING btree (held_on, id);

CREATE INDEX exams_number_prefix ON public.exams USING btree (number text_pattern_ops);

CREATE INDEX exams_on_pause ON public.exams USING btree (held_on, id) WHERE (paused_at IS NOT NULL);

CREATE INDEX exams_reviewer ON public.exams USING btree (reviewer_id) WHERE (reviewer_id IS NOT NULL);

CREATE INDEX history_subject ON public.history USING btree (subject, subject_id, id);

CREATE INDEX invitations_application_id ON public.invitations USING btree (application_id) WHERE (application_id IS NOT NULL);

CREATE INDEX invitations_created_by ON public.invitations USING btree (created_by) WHERE ((used_at IS NULL) AND (revoked_at IS NULL));

CREATE INDEX invitations_org_role ON public.invitations USING btree (org_id, role) WHERE ((used_at IS NULL) AND (revoked_at IS NULL));

CREATE UNIQUE INDEX invitations_token_hash ON public.invitations USING btree (token_hash);

CREATE UNIQUE INDEX journal_files_one_journal ON public.journal_files USING btree (journal_id) WHERE (kind = 'journal'::text);

CREATE INDEX learners_act ON public.learners USING btree (act_id) WHERE (act_id IS NOT NULL);

CREATE INDEX learners_cohort ON public.learners USING btree (cohort_id, last_name, first_name, id);

CREATE INDEX learners_eligible ON public.learners USING btree (cohort_id) WHERE ((act_id IS NULL) AND finished AND (document_type IS NOT NULL) AND (document_number <> ''::text) AND (registration_number <> ''::text) AND (document_on IS NOT NULL));

CREATE UNIQUE INDEX memberships_once ON public.memberships USING btree (person_id, role, COALESCE(org_id, (0)::bigint)) WHERE (removed_at IS NULL);

CREATE INDEX memberships_org_role ON public.memberships USING btree (org_id, role) WHERE (removed_at IS NULL);

CREATE INDEX memberships_role ON public.memberships USING btree (role) WHERE (removed_at IS NULL);

CREATE INDEX notices_due ON public.notices USING btree (lane, run_at, id) WHERE (state = ANY (ARRAY['queued'::text, 'sending'::text]));

CREATE INDEX notices_ended_at ON public.notices USING btree (ended_at) WHERE (state = ANY (ARRAY['sent'::text, 'skipped'::text, 'dismissed'::text]));

CREATE UNIQUE INDEX notices_key ON public.notices USING btree (person_id, key) WHERE ((state = 'queued'::text) AND (key <> ''::text));

CREATE INDEX notices_person ON public.notices USING btree (person_id, id) WHERE (state = ANY (ARRAY['queued'::text, 'sending'::text]));

CREATE INDEX notices_sending ON public.notices USING btree (run_at) WHERE (state = 'sending'::text);

CREATE INDEX notices_troubles ON public.notices USING btree (id) WHERE (state = ANY (ARRAY['unknown'::text, 'failed'::text]));

CREATE UNIQUE INDEX orgs_kind_inn ON public.orgs USING btree (kind, inn) WHERE (inn <> ''::text);

CREATE UNIQUE INDEX orgs_kind_name ON public.orgs USING btree (kind, name);

CREATE UNIQUE INDEX orgs_one_operator ON public.orgs USING btree (kind) WHERE (kind = 'operator'::text);

CREATE UNIQUE INDEX people_telegram_id ON public.people USING btree (telegram_id);

CREATE UNIQUE INDEX printers_center_name ON public.printers USING btree (center_id, name) WHERE (removed_at IS NULL);

CREATE UNIQUE INDEX printings_exam ON public.printings USING btree (exam_id, number);

CREATE UNIQUE INDEX printings_update ON public.printings USING btree (exam_id, update_id) WHERE (update_id <> 0);

CREATE INDEX river_job_args_index ON public.river_job USING gin (args);

CREATE INDEX river_job_kind ON public.river_job USING btree (kind);

CREATE INDEX river_job_metadata_index ON public.river_job USING gin (metadata);

CREATE INDEX river_job_prioritized_fetching_index ON public.river_job USING btree (state, queue, priority, scheduled_at, id);

CREATE INDEX river_job_state_and_finalized_at_index ON public.river_job USING btree (state, finalized_at) WHERE (finalized_at IS NOT NULL);

CREATE UNIQUE INDEX river_job_unique_idx ON public.river_job USING btree (unique_key) WHERE ((unique_key IS NOT NULL) AND (unique_states IS NOT NULL) AND public.river_job_state_in_bitmask(unique_states, state));

CREATE INDEX river_notification_created_at_idx ON public.river_notification USING btree (created_at);

CREATE INDEX river_notification_topic_id_idx ON public.river_notification USING btree (topic, id);

CREATE INDEX scan_batches_choosing ON public.scan_batches USING btree (center_id, id) WHERE (state = 'choosing'::text);

CREATE INDEX scan_batches_exam ON public.scan_batches USING btree (exam_id, id);

CREATE INDEX scan_batches_open ON public.scan_batches USING btree (person_id, id) WHERE (state = ANY (ARRAY['open'::text, 'choosing'::text]));

CREATE INDEX scan_batches_to_settle ON public.scan_batches USING btree (id) WHERE (state = 'open'::text);

CREATE INDEX scan_files_batch ON public.scan_files USING btree (batch_id, id);

CREATE UNIQUE INDEX scan_files_update ON public.scan_files USING btree (update_id) WHERE (update_id <> 0);

CREATE INDEX scan_files_waiting ON public.scan_files USING btree (batch_id) WHERE (state = 'waiting'::text);

CREATE INDEX scan_pages_application ON public.scan_pages USING btree (application_id, id) WHERE (application_id IS NOT NULL);

CREATE INDEX scan_pages_batch ON public.scan_pages USING btree (batch_id, id);

CREATE INDEX scan_pages_questions ON public.scan_pages USING btree (exam_id, id) WHERE (state = 'question'::text);

CREATE INDEX scan_pages_read ON public.scan_pages USING btree (batch_id) WHERE (state = 'read'::text);

CREATE INDEX scan_pages_scan ON public.scan_pages USING btree (scan_id) WHERE (scan_id IS NOT NULL);

CREATE INDEX scan_pages_sha ON public.scan_pages USING btree (exam_id, sha);

CREATE INDEX scan_pages_waiting ON public.scan_pages USING btree (batch_id) WHERE (state = 'waiting'::text);

CREATE UNIQUE INDEX scans_blank ON public.scans USING btree (blank_series, blank_number) WHERE ((blank_number <> ''::text) AND (replaced_at IS NULL));

CREATE INDEX scans_standing_file ON public.scans USING btree (file_sha) WHERE (replaced_at IS NULL);

CREATE INDEX scans_standing_page ON public.scans USING btree (page_sha) WHERE ((replaced_at IS NULL) AND (page_sha IS NOT NULL));

CREATE INDEX scans_unnamed ON public.scans USING btree (application_id) WHERE ((blank_number = ''::text) AND (replaced_at IS NULL));

CREATE INDEX updates_done_at ON public.updates USING btree (done_at) WHERE (state = ANY (ARRAY['done'::text, 'dismissed'::text]));

CREATE INDEX updates_set_aside ON public.updates USING btree (update_id) WHERE (state = 'set_aside'::text);

CREATE INDEX updates_waiting ON public.updates USING btree (chat_id, update_id) WHERE (state = 'waiting'::text);

CREATE UNIQUE INDEX upload_links_unused ON public.upload_links USING btree (person_id, exam_id) WHERE (used_at IS NULL);

CREATE INDEX uploads_subject ON public.uploads USING btree (person_id, purpose, subject_id, id) WHERE (state <> 'removed'::text);

CREATE UNIQUE INDEX uploads_update ON public.uploads USING btree (person_id, update_id);

CREATE TRIGGER applications_deleted AFTER DELETE ON public.applications REFERENCING OLD TABLE AS went FOR EACH STATEMENT EXECUTE FUNCTION public.applications_changed();

CREATE TRIGGER applications_inserted AFTER INSERT ON public.applications REFERENCING NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION public.applications_changed();

CREATE TRIGGER applications_updated AFTER UPDATE ON public.applications REFERENCING OLD TABLE AS went NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION public.applications_changed();

ALTER TABLE ONLY public.act_versions
    ADD CONSTRAINT act_versions_act_id_fkey FOREIGN KEY (act_id) REFERENCES public.acts(id);

ALTER TABLE ONLY public.act_versions
    ADD CONSTRAINT act_versions_file_sha_fkey FOREIGN KEY (file_sha) REFERENCES public.files(sha256);

ALTER TABLE ONLY public.act_versions
    ADD CONSTRAINT act_versions_generated_by_fkey FOREIGN KEY (generated_by) REFERENCES public.people(id);

ALTER TABLE ONLY public.acts
    ADD CONSTRAINT acts_cohort_id_fkey FOREIGN KEY (cohort_id) REFERENCES public.cohorts(id);

ALTER TABLE ONLY public.acts
    ADD CONSTRAINT acts_generated_by_fkey FOREIGN KEY (generated_by) REFERENCES public.people(id);

ALTER TABLE ONLY public.acts
    ADD CONSTRAINT acts_partner_id_fkey FOREIGN KEY (partner_id) REFERENCES public.orgs(id);

ALTER TABLE ONLY public.acts
    ADD CONSTRAINT acts_reviewer_id_fkey FOREIGN KEY (reviewer_id) REFERENCES public.people(id);

ALTER TABLE ONLY public.applications
    ADD CONSTRAINT applications_exam_id_fkey FOREIGN KEY (exam_id) REFERENCES public.exams(id);

ALTER TABLE ONLY public.applications
    ADD CONSTRAINT applications_person_id_fkey FOREIGN KEY (person_id) REFERENCES public.people(id);

ALTER TABLE ONLY public.applications
    ADD CONSTRAINT applications_scan FOREIGN KEY (scan_id) REFERENCES public.scans(id);

ALTER TABLE ONLY public.blank_profiles
    ADD CONSTRAINT blank_profiles_added_by_fkey FOREIGN KEY (added_by) REFERENCES public.people(id);

ALTER TABLE ONLY public.blank_profiles
    ADD CONSTRAINT blank_profiles_center_id_fkey FOREIGN KEY (center_id) REFERENCES public.orgs(id);

ALTER TABLE ONLY public.blank_ranges
    ADD CONSTRAINT blank_ranges_added_by_fkey FOREIGN KEY (added_by) REFERENCES public.people(id);

ALTER TABLE ONLY public.blank_ranges
    ADD CONSTRAINT blank_ranges_center_id_fkey FOREIGN KEY (center_id) REFERENCES public.orgs(id);

ALTER TABLE ONLY public.blanks
    ADD CONSTRAINT blanks_application_id_fkey FOREIGN KEY (application_id) REFERENCES public.applications(id);

ALTER TABLE ONLY public.blanks
    ADD CONSTRAINT blanks_center_id_fkey FOREIGN KEY (center_id) REFERENCES public.orgs(id);

ALTER TABLE ONLY public.blanks
    ADD CONSTRAINT blanks_changed_by_fkey FOREIGN KEY (changed_by) REFERENCES public.people(id);

ALTER TABLE ONLY public.calendar_years
    ADD CONSTRAINT calendar_years_imported_by_fkey FOREIGN KEY (imported_by) REFERENCES public.people(id);

ALTER TABLE ONLY public.candidate_claims
    ADD CONSTRAINT candidate_claims_invitation_id_fkey FOREIGN KEY (invitation_id) REFERENCES public.invitations(id);

ALTER TABLE ONLY public.cards
    ADD CONSTRAINT cards_person_id_fkey FOREIGN KEY (person_id) REFERENCES public.people(id);

ALTER TABLE ONLY public.centers
    ADD CONSTRAINT centers_org_id_fkey FOREIGN KEY (org_id) REFERENCES public.orgs(id);

ALTER TABLE ONLY public.centers
    ADD CONSTRAINT centers_printer FOREIGN KEY (printer_id) REFERENCES public.printers(id);

ALTER TABLE ONLY public.cohorts
    ADD CONSTRAINT cohorts_partner_id_fkey FOREIGN KEY (partner_id) REFERENCES public.orgs(id);

ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_application_id_fkey FOREIGN KEY (application_id) REFERENCES public.applications(id);

ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_person_id_fkey FOREIGN KEY (person_id) REFERENCES public.people(id);

ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_recalled_by_fkey FOREIGN KEY (recalled_by) REFERENCES public.people(id);

ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_scan_id_fkey FOREIGN KEY (scan_id) REFERENCES public.scans(id);

ALTER TABLE ONLY public.draft_files
    ADD CONSTRAINT draft_files_clean_sha_fkey FOREIGN KEY (clean_sha) REFERENCES public.files(sha256);

ALTER TABLE ONLY public.draft_files
    ADD CONSTRAINT draft_files_cohort_id_fkey FOREIGN KEY (cohort_id) REFERENCES public.cohorts(id);

ALTER TABLE ONLY public.draft_files
    ADD CONSTRAINT draft_files_file_sha_fkey FOREIGN KEY (file_sha) REFERENCES public.files(sha256);

ALTER TABLE ONLY public.draft_files
    ADD CONSTRAINT draft_files_person_id_fkey FOREIGN KEY (person_id) REFERENCES public.people(id);

ALTER TABLE ONLY public.drafts
    ADD CONSTRAINT drafts_person_id_fkey FOREIGN KEY (person_id) REFERENCES public.people(id);

ALTER TABLE ONLY public.exams
    ADD CONSTRAINT exams_center_id_fkey FOREIGN KEY (center_id) REFERENCES public.orgs(id);

ALTER TABLE ONLY public.exams
    ADD CONSTRAINT exams_paused_by_fkey FOREIGN KEY (paused_by) REFERENCES public.people(id);

ALTER TABLE ONLY public.exams
    ADD CONSTRAINT exams_reviewer_id_fkey FOREIGN KEY (reviewer_id) REFERENCES public.people(id);

ALTER TABLE ONLY public.history
    ADD CONSTRAINT history_person_id_fkey FOREIGN KEY (person_id) REFERENCES public.people(id);

ALTER TABLE ONLY public.invitations
    ADD CONSTRAINT invitations_application_id_fkey FOREIGN KEY (application_id) REFERENCES public.applications(id);

ALTER TABLE ONLY public.invitations
    ADD CONSTRAINT invitations_created_by_fkey FOREIGN KEY (created_by) REFERENCES public.people(id);

ALTER TABLE ONLY public.invitations
    ADD CONSTRAINT invitations_org_id_fkey FOREIGN KEY (org_id) REFERENCES public.orgs(id);

ALTER TABLE ONLY public.invitations
    ADD CONSTRAINT invitations_revoked_by_fkey FOREIGN KEY (revoked_by) REFERENCES public.people(id);

ALTER TABLE ONLY public.invitations
    ADD CONSTRAINT invitations_used_by_fkey FOREIGN KEY (used_by) REFERENCES public.people(id);

ALTER TABLE ONLY public.journal_files
    ADD CONSTRAINT journal_files_clean_sha_fkey FOREIGN KEY (clean_sha) REFERENCES public.files(sha256);

ALTER TABLE ONLY public.journal_files
    ADD CONSTRAINT journal_files_file_sha_fkey FOREIGN KEY (file_sha) REFERENCES public.files(sha256);

ALTER TABLE ONLY public.journal_files
    ADD CONSTRAINT journal_files_journal_id_fkey FOREIGN KEY (journal_id) REFERENCES public.journals(id);

ALTER TABLE ONLY public.journals
    ADD CONSTRAINT journals_cohort_id_fkey FOREIGN KEY (cohort_id) REFERENCES public.cohorts(id);

ALTER TABLE ONLY public.journals
    ADD CONSTRAINT journals_rejected_by_fkey FOREIGN KEY (rejected_by) REFERENCES public.people(id);

ALTER TABLE ONLY public.journals
    ADD CONSTRAINT journals_sheet_sha_fkey FOREIGN KEY (sheet_sha) REFERENCES public.files(sha256);

ALTER TABLE ONLY public.journals
    ADD CONSTRAINT journals_uploaded_by_fkey FOREIGN KEY (uploaded_by) REFERENCES public.people(id);

ALTER TABLE ONLY public.learners
    ADD CONSTRAINT learners_act_id_fkey FOREIGN KEY (act_id) REFERENCES public.acts(id);

ALTER TABLE ONLY public.learners
    ADD CONSTRAINT learners_cohort_id_fkey FOREIGN KEY (cohort_id) REFERENCES public.cohorts(id);

ALTER TABLE ONLY public.memberships
    ADD CONSTRAINT memberships_added_by_fkey FOREIGN KEY (added_by) REFERENCES public.people(id);

ALTER TABLE ONLY public.memberships
    ADD CONSTRAINT memberships_org_id_fkey FOREIGN KEY (org_id) REFERENCES public.orgs(id);

ALTER TABLE ONLY public.memberships
    ADD CONSTRAINT memberships_person_id_fkey FOREIGN KEY (person_id) REFERENCES public.people(id);

ALTER TABLE ONLY public.memberships
    ADD CONSTRAINT memberships_removed_by_fkey FOREIGN KEY (removed_by) REFERENCES public.people(id);

ALTER TABLE ONLY public.notices
    ADD CONSTRAINT notices_person_id_fkey FOREIGN KEY (person_id) REFERENCES public.people(id);

ALTER TABLE ONLY public.printers
    ADD CONSTRAINT printers_center_id_fkey FOREIGN KEY (center_id) REFERENCES public.orgs(id);

ALTER TABLE ONLY public.printings
    ADD CONSTRAINT printings_exam_id_fkey FOREIGN KEY (exam_id) REFERENCES public.exams(id);

ALTER TABLE ONLY public.printings
    ADD CONSTRAINT printings_ordered_by_fkey FOREIGN KEY (ordered_by) REFERENCES public.people(id);

ALTER TABLE ONLY public.protocols
    ADD CONSTRAINT protocols_clean_sha_fkey FOREIGN KEY (clean_sha) REFERENCES public.files(sha256);

ALTER TABLE ONLY public.protocols
    ADD CONSTRAINT protocols_exam_id_fkey FOREIGN KEY (exam_id) REFERENCES public.exams(id);

ALTER TABLE ONLY public.protocols
    ADD CONSTRAINT protocols_file_sha_fkey FOREIGN KEY (file_sha) REFERENCES public.files(sha256);

ALTER TABLE ONLY public.protocols
    ADD CONSTRAINT protocols_uploaded_by_fkey FOREIGN KEY (uploaded_by) REFERENCES public.people(id);

ALTER TABLE ONLY public.scan_batches
    ADD CONSTRAINT scan_batches_center_id_fkey FOREIGN KEY (center_id) REFERENCES public.orgs(id);

ALTER TABLE ONLY public.scan_batches
    ADD CONSTRAINT scan_batches_chosen_by_fkey FOREIGN KEY (chosen_by) REFERENCES public.people(id);

ALTER TABLE ONLY public.scan_batches
    ADD CONSTRAINT scan_batches_exam_id_fkey FOREIGN KEY (exam_id) REFERENCES public.exams(id);

ALTER TABLE ONLY public.scan_batches
    ADD CONSTRAINT scan_batches_person_id_fkey FOREIGN KEY (person_id) REFERENCES public.people(id);

ALTER TABLE ONLY public.scan_files
    ADD CONSTRAINT scan_files_batch_id_fkey FOREIGN KEY (batch_id) REFERENCES public.scan_batches(id);

ALTER TABLE ONLY public.scan_files
    ADD CONSTRAINT scan_files_file_sha_fkey FOREIGN KEY (file_sha) REFERENCES public.files(sha256);

ALTER TABLE ONLY public.scan_pages
    ADD CONSTRAINT scan_pages_application_id_fkey FOREIGN KEY (application_id) REFERENCES public.applications(id);

ALTER TABLE ONLY public.scan_pages
    ADD CONSTRAINT scan_pages_asked_for_id_fkey FOREIGN KEY (asked_for_id) REFERENCES public.applications(id);

ALTER TABLE ONLY public.scan_pages
    ADD CONSTRAINT scan_pages_batch_id_fkey FOREIGN KEY (batch_id) REFERENCES public.scan_batches(id);

ALTER TABLE ONLY public.scan_pages
    ADD CONSTRAINT scan_pages_clean_sha_fkey FOREIGN KEY (clean_sha) REFERENCES public.files(sha256);

ALTER TABLE ONLY public.scan_pages
    ADD CONSTRAINT scan_pages_decided_by_fkey FOREIGN KEY (decided_by) REFERENCES public.people(id);

ALTER TABLE ONLY public.scan_pages
    ADD CONSTRAINT scan_pages_exam_id_fkey FOREIGN KEY (exam_id) REFERENCES public.exams(id);

ALTER TABLE ONLY public.scan_pages
    ADD CONSTRAINT scan_pages_file_id_fkey FOREIGN KEY (file_id) REFERENCES public.scan_files(id);

ALTER TABLE ONLY public.scan_pages
    ADD CONSTRAINT scan_pages_lines_sha_fkey FOREIGN KEY (lines_sha) REFERENCES public.files(sha256);

ALTER TABLE ONLY public.scan_pages
    ADD CONSTRAINT scan_pages_named_id_fkey FOREIGN KEY (named_id) REFERENCES public.applications(id);

ALTER TABLE ONLY public.scan_pages
    ADD CONSTRAINT scan_pages_scan_id_fkey FOREIGN KEY (scan_id) REFERENCES public.scans(id);

ALTER TABLE ONLY public.scan_pages
    ADD CONSTRAINT scan_pages_sha_fkey FOREIGN KEY (sha) REFERENCES public.files(sha256);

ALTER TABLE ONLY public.scan_pages
    ADD CONSTRAINT scan_pages_thumb_sha_fkey FOREIGN KEY (thumb_sha) REFERENCES public.files(sha256);

ALTER TABLE ONLY public.scan_pages
    ADD CONSTRAINT scan_pages_twin_id_fkey FOREIGN KEY (twin_id) REFERENCES public.scan_pages(id);

ALTER TABLE ONLY public.scan_pages
    ADD CONSTRAINT scan_pages_view_sha_fkey FOREIGN KEY (view_sha) REFERENCES public.files(sha256);

ALTER TABLE ONLY public.scans
    ADD CONSTRAINT scans_application_id_fkey FOREIGN KEY (application_id) REFERENCES public.applications(id);

ALTER TABLE ONLY public.scans
    ADD CONSTRAINT scans_clean_sha_fkey FOREIGN KEY (clean_sha) REFERENCES public.files(sha256);

ALTER TABLE ONLY public.scans
    ADD CONSTRAINT scans_file_sha_fkey FOREIGN KEY (file_sha) REFERENCES public.files(sha256);

ALTER TABLE ONLY public.scans
    ADD CONSTRAINT scans_loaded_by_fkey FOREIGN KEY (loaded_by) REFERENCES public.people(id);

ALTER TABLE ONLY public.scans
    ADD CONSTRAINT scans_page_sha_fkey FOREIGN KEY (page_sha) REFERENCES public.files(sha256);

ALTER TABLE ONLY public.upload_files
    ADD CONSTRAINT upload_files_batch_id_fkey FOREIGN KEY (batch_id) REFERENCES public.scan_batches(id);

ALTER TABLE ONLY public.upload_files
    ADD CONSTRAINT upload_files_link_id_fkey FOREIGN KEY (link_id) REFERENCES public.upload_links(id);

ALTER TABLE ONLY public.upload_links
    ADD CONSTRAINT upload_links_exam_id_fkey FOREIGN KEY (exam_id) REFERENCES public.exams(id);

ALTER TABLE ONLY public.upload_links
    ADD CONSTRAINT upload_links_person_id_fkey FOREIGN KEY (person_id) REFERENCES public.people(id);

ALTER TABLE ONLY public.uploads
    ADD CONSTRAINT uploads_clean_sha_fkey FOREIGN KEY (clean_sha) REFERENCES public.files(sha256);

ALTER TABLE ONLY public.uploads
    ADD CONSTRAINT uploads_file_sha_fkey FOREIGN KEY (file_sha) REFERENCES public.files(sha256);

ALTER TABLE ONLY public.uploads
    ADD CONSTRAINT uploads_lines_sha_fkey FOREIGN KEY (lines_sha) REFERENCES public.files(sha256);

ALTER TABLE ONLY public.uploads
    ADD CONSTRAINT uploads_page_sha_fkey FOREIGN KEY (page_sha) REFERENCES public.files(sha256);

ALTER TABLE ONLY public.uploads
    ADD CONSTRAINT uploads_person_id_fkey FOREIGN KEY (person_id) REFERENCES public.people(id);
