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

CREATE TABLE public.calendar_years (
    year integer NOT NULL,
    days jsonb NOT NULL,
    imported_by bigint,
    imported_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.cards (
    person_id bigint NOT NULL,
    name text NOT NULL,
    message_id bigint NOT NULL,
    sent_at timestamp with time zone NOT NULL
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

ALTER TABLE ONLY public.river_job ALTER COLUMN id SET DEFAULT nextval('public.river_job_id_seq'::regclass);

ALTER TABLE ONLY public.river_notification ALTER COLUMN id SET DEFAULT nextval('public.river_notification_id_seq'::regclass);

ALTER TABLE ONLY public.act_versions
    ADD CONSTRAINT act_versions_pkey PRIMARY KEY (act_id, version);

ALTER TABLE ONLY public.acts
    ADD CONSTRAINT acts_number_unique UNIQUE (number);

ALTER TABLE ONLY public.acts
    ADD CONSTRAINT acts_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.calendar_years
    ADD CONSTRAINT calendar_years_pkey PRIMARY KEY (year);

ALTER TABLE ONLY public.cards
    ADD CONSTRAINT cards_pkey PRIMARY KEY (person_id, name);

ALTER TABLE ONLY public.cohorts
    ADD CONSTRAINT cohorts_number_unique UNIQUE (number);

ALTER TABLE ONLY public.cohorts
    ADD CONSTRAINT cohorts_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.draft_files
    ADD CONSTRAINT draft_files_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.drafts
    ADD CONSTRAINT drafts_id_key UNIQUE (id);

ALTER TABLE ONLY public.drafts
    ADD CONSTRAINT drafts_pkey PRIMARY KEY (person_id);

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

ALTER TABLE ONLY public.ticks
    ADD CONSTRAINT ticks_pkey PRIMARY KEY (name, at);

ALTER TABLE ONLY public.updates
    ADD CONSTRAINT updates_pkey PRIMARY KEY (update_id);

CREATE INDEX acts_cohort ON public.acts USING btree (cohort_id, id);

CREATE INDEX acts_number_prefix ON public.acts USING btree (number text_pattern_ops) WHERE (status = 'in_approval'::text);

CREATE INDEX acts_partner_open ON public.acts USING btree (partner_id, status, due_on, id) WHERE (status = ANY (ARRAY['awaiting_journal'::text, 'in_approval'::text, 'rejected'::text]));

CREATE INDEX acts_queue ON public.acts USING btree (due_on, id) WHERE (status = 'in_approval'::text);

CREATE INDEX acts_reviewer ON public.acts USING btree (reviewer_id) WHERE (reviewer_id IS NOT NULL);

CREATE INDEX acts_taken ON public.acts USING btree (taken_at) WHERE (reviewer_id IS NOT NULL);

CREATE INDEX cohorts_end_on ON public.cohorts USING btree (end_on);

CREATE INDEX cohorts_partner ON public.cohorts USING btree (partner_id, end_on, id);

CREATE INDEX draft_files_kept ON public.draft_files USING btree (person_id, cohort_id, kept_version) WHERE (kept_version IS NOT NULL);

CREATE INDEX draft_files_person ON public.draft_files USING btree (person_id, cohort_id, id) WHERE (state <> 'removed'::text);

CREATE UNIQUE INDEX draft_files_update ON public.draft_files USING btree (person_id, update_id) WHERE (update_id <> 0);

CREATE INDEX history_subject ON public.history USING btree (subject, subject_id, id);

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

CREATE INDEX river_job_args_index ON public.river_job USING gin (args);

CREATE INDEX river_job_kind ON public.river_job USING btree (kind);

CREATE INDEX river_job_metadata_index ON public.river_job USING gin (metadata);

CREATE INDEX river_job_prioritized_fetching_index ON public.river_job USING btree (state, queue, priority, scheduled_at, id);

CREATE INDEX river_job_state_and_finalized_at_index ON public.river_job USING btree (state, finalized_at) WHERE (finalized_at IS NOT NULL);

CREATE UNIQUE INDEX river_job_unique_idx ON public.river_job USING btree (unique_key) WHERE ((unique_key IS NOT NULL) AND (unique_states IS NOT NULL) AND public.river_job_state_in_bitmask(unique_states, state));

CREATE INDEX river_notification_created_at_idx ON public.river_notification USING btree (created_at);

CREATE INDEX river_notification_topic_id_idx ON public.river_notification USING btree (topic, id);

CREATE INDEX updates_done_at ON public.updates USING btree (done_at) WHERE (state = ANY (ARRAY['done'::text, 'dismissed'::text]));

CREATE INDEX updates_set_aside ON public.updates USING btree (update_id) WHERE (state = 'set_aside'::text);

CREATE INDEX updates_waiting ON public.updates USING btree (chat_id, update_id) WHERE (state = 'waiting'::text);

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

ALTER TABLE ONLY public.calendar_years
    ADD CONSTRAINT calendar_years_imported_by_fkey FOREIGN KEY (imported_by) REFERENCES public.people(id);

ALTER TABLE ONLY public.cards
    ADD CONSTRAINT cards_person_id_fkey FOREIGN KEY (person_id) REFERENCES public.people(id);

ALTER TABLE ONLY public.cohorts
    ADD CONSTRAINT cohorts_partner_id_fkey FOREIGN KEY (partner_id) REFERENCES public.orgs(id);

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

ALTER TABLE ONLY public.history
    ADD CONSTRAINT history_person_id_fkey FOREIGN KEY (person_id) REFERENCES public.people(id);

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
