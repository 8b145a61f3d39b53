package db

import (
	"context"
	"slices"

	"github.com/uptrace/bun/dialect/pgdialect"

	"flowbot/service"
)

var _ service.ImportCommands = tx{}

// batch is how many rows one statement carries: a statement of some hundreds of
// kilobytes, which the server reads in milliseconds.
const batch = 1000

// importLock is the key of the advisory lock that an import holds.
const importLock = 0x696d706f7274 // "import"

// LockImports implements service.ImportCommands.
func (t tx) LockImports(ctx context.Context) error {
	_, err := t.NewRaw("SELECT pg_advisory_xact_lock(?)", importLock).Exec(ctx)
	return explain(err)
}

// OrgsNamed implements service.ImportCommands.
func (t tx) OrgsNamed(ctx context.Context, kind service.OrgKind, names []string) ([]service.Org, error) {
	var out []service.Org
	err := t.NewSelect().Model(&out).
		Where("kind = ?", kind).
		Where("(name = ANY (?0) OR (inn <> '' AND inn = ANY (?0)))", pgdialect.Array(names)).
		Scan(ctx)
	return out, explain(err)
}

// CohortsForImport implements service.ImportCommands. The cohorts are held first
// and looked at afterwards: a statement that has waited for a row still sees
// the other tables as they were before.
func (t tx) CohortsForImport(ctx context.Context, numbers, learners []string) ([]service.ImportedCohort, error) {
	var ids []int64
	err := t.NewRaw(`
		SELECT id FROM cohorts
		WHERE id IN (
			SELECT id FROM cohorts WHERE number = ANY (?)
			UNION
			SELECT cohort_id FROM learners WHERE number = ANY (?)
		)
		ORDER BY id
		FOR UPDATE`,
		pgdialect.Array(numbers), pgdialect.Array(learners)).Scan(ctx, &ids)
	if err != nil || len(ids) == 0 {
		return nil, explain(err)
	}
	var out []service.ImportedCohort
	err = t.NewRaw(`
		SELECT c.*, o.name AS partner_name,
			EXISTS (SELECT 1 FROM acts AS a WHERE a.cohort_id = c.id AND a.status <> ?) AS in_act
		FROM cohorts AS c JOIN orgs AS o ON o.id = c.partner_id
		WHERE c.id = ANY (?)
		ORDER BY c.id`,
		service.ActCancelled, pgdialect.Array(ids)).Scan(ctx, &out)
	return out, explain(err)
}

// LearnersForImport implements service.ImportCommands.
func (t tx) LearnersForImport(ctx context.Context, numbers []string) ([]service.Learner, error) {
	var out []service.Learner
	err := t.NewSelect().Model(&out).Where("number = ANY (?)", pgdialect.Array(numbers)).
		Order("id").For("UPDATE").Scan(ctx)
	return out, explain(err)
}

// InsertCohorts implements service.ImportCommands.
func (t tx) InsertCohorts(ctx context.Context, cohorts []service.Cohort) error {
	for some := range slices.Chunk(cohorts, batch) {
		_, err := t.NewInsert().Model(&some).ExcludeColumn("created_at", "updated_at").Returning("id").Exec(ctx)
		if err != nil {
			return explain(err)
		}
	}
	return nil
}

// UpdateCohorts implements service.ImportCommands.
func (t tx) UpdateCohorts(ctx context.Context, cohorts []service.Cohort) error {
	for some := range slices.Chunk(cohorts, batch) {
		_, err := t.NewUpdate().With("_data", t.NewValues(&some)).Model((*service.Cohort)(nil)).
			TableExpr("_data").
			Set(`partner_id = _data.partner_id, program = _data.program, program_kind = _data.program_kind,
				hours = _data.hours, start_on = _data.start_on, end_on = _data.end_on,
				revision = _data.revision, updated_at = now()`).
			Where("cohort.id = _data.id").Exec(ctx)
		if err != nil {
			return explain(err)
		}
	}
	return nil
}

// InsertLearners implements service.ImportCommands.
func (t tx) InsertLearners(ctx context.Context, learners []service.Learner) error {
	for some := range slices.Chunk(learners, batch) {
		_, err := t.NewInsert().Model(&some).ExcludeColumn("created_at", "updated_at").Returning("NULL").Exec(ctx)
		if err != nil {
			return explain(err)
		}
	}
	return nil
}

// UpdateLearners implements service.ImportCommands. The act is left alone: only
// acts take learners in and let them go.
func (t tx) UpdateLearners(ctx context.Context, learners []service.Learner) error {
	for some := range slices.Chunk(learners, batch) {
		_, err := t.NewUpdate().With("_data", t.NewValues(&some)).Model((*service.Learner)(nil)).
			TableExpr("_data").
			Set(`cohort_id = _data.cohort_id, last_name = _data.last_name, first_name = _data.first_name,
				middle_name = _data.middle_name, born_on = _data.born_on, finished = _data.finished,
				document_type = _data.document_type, document_series = _data.document_series,
				document_number = _data.document_number, registration_number = _data.registration_number,
				document_on = _data.document_on, sent_on = _data.sent_on, in_frdo = _data.in_frdo,
				revision = _data.revision, updated_at = now()`).
			Where("learner.id = _data.id").Exec(ctx)
		if err != nil {
			return explain(err)
		}
	}
	return nil
}

// TouchCohorts implements service.ImportCommands.
func (t tx) TouchCohorts(ctx context.Context, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	_, err := t.NewUpdate().Model((*service.Cohort)(nil)).
		Set("revision = revision + 1, updated_at = now()").
		Where("id = ANY (?)", pgdialect.Array(ids)).Exec(ctx)
	return explain(err)
}
