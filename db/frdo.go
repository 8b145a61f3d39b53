package db

import (
	"context"

	"github.com/uptrace/bun/dialect/pgdialect"

	"flowbot/service"
)

var (
	_ service.FrdoQueries  = queries{}
	_ service.FrdoCommands = tx{}
)

// NumbersTaken implements service.FrdoQueries.
func (q queries) NumbersTaken(ctx context.Context, numbers []string) (map[string]int64, error) {
	var rows []struct {
		ID                 int64
		RegistrationNumber string
	}
	err := q.NewSelect().TableExpr("applications").Column("id", "registration_number").
		Where("registration_number <> ''"). // of the index
		Where("registration_number = ANY (?)", pgdialect.Array(numbers)).Scan(ctx, &rows)
	if err != nil {
		return nil, explain(err)
	}
	out := make(map[string]int64, len(rows))
	for _, r := range rows {
		out[r.RegistrationNumber] = r.ID
	}
	return out, nil
}

// TypedNumbers implements service.FrdoQueries.
func (q queries) TypedNumbers(ctx context.Context, examID int64) (int, error) {
	n, err := q.NewSelect().TableExpr("applications").Where("exam_id = ?", examID).Where("number_typed").Count(ctx)
	return int(n), explain(err)
}

// ReleaseNumbers implements service.FrdoCommands. An index holds at every row: of two
// that get each other's number one would stand in the way of the other. What takes
// the place of a number until the end of the transaction can be none.
func (t tx) ReleaseNumbers(ctx context.Context, applications []int64) error {
	_, err := t.NewRaw(`UPDATE applications SET registration_number = 'released ' || id WHERE id = ANY (?)`, pgdialect.Array(applications)).Exec(ctx)
	return explain(err)
}

// CenterApplications implements service.FrdoQueries.
func (q queries) CenterApplications(ctx context.Context, centerID, exceptExamID int64, exams int) ([]service.Application, error) {
	var out []service.Application
	newest := q.NewSelect().TableExpr("exams").Column("id").Where("center_id = ?", centerID).
		OrderExpr("held_on DESC, id DESC").Limit(int64(exams))
	err := q.NewSelect().Model(&out).ColumnExpr("application.*").
		Where("application.exam_id IN (?)", newest).Where("application.exam_id <> ?", exceptExamID).Scan(ctx)
	return out, explain(err)
}
