package db

import (
	"context"
	"slices"

	"github.com/uptrace/bun/dialect/pgdialect"

	"flowbot/service"
)

var _ service.ExamImportCommands = tx{}

// ExamsForImport implements service.ExamImportCommands. The exams are held first
// and looked at afterwards: a statement that has waited for a row still sees the
// other tables as they were before.
func (t tx) ExamsForImport(ctx context.Context, numbers, applications []string) ([]service.ImportedExam, error) {
	var ids []int64
	err := t.NewRaw(`
		SELECT id FROM exams
		WHERE id IN (
			SELECT id FROM exams WHERE number = ANY (?)
			UNION
			SELECT exam_id FROM applications WHERE number = ANY (?)
		)
		ORDER BY id
		FOR UPDATE`,
		pgdialect.Array(numbers), pgdialect.Array(applications)).Scan(ctx, &ids)
	if err != nil || len(ids) == 0 {
		return nil, explain(err)
	}
	var out []service.ImportedExam
	err = t.NewRaw(`
		SELECT e.*, o.name AS center_name,
			EXISTS (SELECT 1 FROM applications AS a WHERE a.exam_id = e.id AND (a.outcome <> '' OR a.violations <> '')) AS marked
		FROM exams AS e JOIN orgs AS o ON o.id = e.center_id
		WHERE e.id = ANY (?)
		ORDER BY e.id`, pgdialect.Array(ids)).Scan(ctx, &out)
	return out, explain(err)
}

// ApplicationsForImport implements service.ExamImportCommands.
func (t tx) ApplicationsForImport(ctx context.Context, numbers []string) ([]service.Application, error) {
	var out []service.Application
	err := t.NewSelect().Model(&out).Where("number = ANY (?)", pgdialect.Array(numbers)).
		Order("id").For("UPDATE").Scan(ctx)
	return out, explain(err)
}

// InsertExams implements service.ExamImportCommands.
func (t tx) InsertExams(ctx context.Context, exams []service.Exam) error {
	for some := range slices.Chunk(exams, batch) {
		_, err := t.NewInsert().Model(&some).ExcludeColumn("created_at", "updated_at").Returning("id").Exec(ctx)
		if err != nil {
			return explain(err)
		}
	}
	return nil
}

// UpdateExams implements service.ExamImportCommands.
func (t tx) UpdateExams(ctx context.Context, exams []service.Exam) error {
	for some := range slices.Chunk(exams, batch) {
		_, err := t.NewUpdate().With("_data", t.NewValues(&some)).Model((*service.Exam)(nil)).
			TableExpr("_data").
			Set(`center_id = _data.center_id, venue = _data.venue, address = _data.address,
				held_on = _data.held_on, held_at = _data.held_at, revision = _data.revision, updated_at = now()`).
			Where("exam.id = _data.id").Exec(ctx)
		if err != nil {
			return explain(err)
		}
	}
	return nil
}

// TouchExams implements service.ExamImportCommands.
func (t tx) TouchExams(ctx context.Context, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	_, err := t.NewUpdate().Model((*service.Exam)(nil)).
		Set("revision = revision + 1, updated_at = now()").
		Where("id = ANY (?)", pgdialect.Array(ids)).Exec(ctx)
	return explain(err)
}

// InsertApplications implements service.ExamImportCommands.
func (t tx) InsertApplications(ctx context.Context, list []service.Application) error {
	for some := range slices.Chunk(list, batch) {
		_, err := t.NewInsert().Model(&some).ExcludeColumn("created_at", "updated_at").Returning("id").Exec(ctx)
		if err != nil {
			return explain(err)
		}
	}
	return nil
}

// UpdateApplications implements service.ExamImportCommands. What became of an
// application after its result is left alone.
func (t tx) UpdateApplications(ctx context.Context, list []service.Application) error {
	for some := range slices.Chunk(list, batch) {
		_, err := t.NewUpdate().With("_data", t.NewValues(&some)).Model((*service.Application)(nil)).
			TableExpr("_data").
			Set(`exam_id = _data.exam_id, level = _data.level,
				last_name = _data.last_name, first_name = _data.first_name, middle_name = _data.middle_name,
				last_name_latin = _data.last_name_latin, first_name_latin = _data.first_name_latin, middle_name_latin = _data.middle_name_latin,
				born_on = _data.born_on, gender = _data.gender, identity_document = _data.identity_document,
				citizenship = _data.citizenship, phone = _data.phone, language = _data.language,
				outcome = _data.outcome, violations = _data.violations, result_comment = _data.result_comment,
				revision = _data.revision, updated_at = now()`).
			Where("application.id = _data.id").Exec(ctx)
		if err != nil {
			return explain(err)
		}
	}
	return nil
}
