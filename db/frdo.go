package db

import (
	"context"

	"github.com/uptrace/bun/dialect/pgdialect"

	"flowbot/service"
)

var _ service.FrdoQueries = queries{}

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

// CenterApplications implements service.FrdoQueries.
func (q queries) CenterApplications(ctx context.Context, centerID, exceptExamID int64, exams int) ([]service.Application, error) {
	var out []service.Application
	newest := q.NewSelect().TableExpr("exams").Column("id").Where("center_id = ?", centerID).
		OrderExpr("held_on DESC, id DESC").Limit(int64(exams))
	err := q.NewSelect().Model(&out).ColumnExpr("application.*").
		Where("application.exam_id IN (?)", newest).Where("application.exam_id <> ?", exceptExamID).Scan(ctx)
	return out, explain(err)
}
