package db

import (
	"context"
	"slices"

	"flowbot/service"
)

var (
	_ service.HistoryQueries  = queries{}
	_ service.HistoryCommands = tx{}
)

// HistoryOf implements service.HistoryQueries.
func (q queries) HistoryOf(ctx context.Context, subject string, id int64, limit int) ([]service.History, error) {
	var out []service.History
	err := q.NewSelect().Model(&out).ColumnExpr("history.*, coalesce(p.name, '') AS by").
		Join("LEFT JOIN people AS p ON p.id = history.person_id").
		Where("history.subject = ?", subject).Where("history.subject_id = ?", id).
		Order("history.id DESC").Limit(int64(limit)).Scan(ctx)
	slices.Reverse(out)
	return out, explain(err)
}

// AddHistory implements service.HistoryCommands.
func (t tx) AddHistory(ctx context.Context, h service.History) error {
	_, err := t.NewInsert().Model(&h).Returning("NULL").Exec(ctx)
	return explain(err)
}

// AddHistories implements service.HistoryCommands.
func (t tx) AddHistories(ctx context.Context, steps []service.History) error {
	for some := range slices.Chunk(steps, batch) {
		if _, err := t.NewInsert().Model(&some).Returning("NULL").Exec(ctx); err != nil {
			return explain(err)
		}
	}
	return nil
}
