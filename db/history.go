package db

import (
	"context"
	"slices"

	"github.com/uptrace/bun/dialect/pgdialect"

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

// StepsSince implements service.HistoryQueries.
func (q queries) StepsSince(ctx context.Context, subject string, id int64, event string, others []string) (int, error) {
	n := 0
	err := q.NewRaw(`SELECT count(*) FROM history WHERE subject = ?0 AND subject_id = ?1 AND event = ?2 AND id > coalesce(
		(SELECT max(id) FROM history WHERE subject = ?0 AND subject_id = ?1 AND event = ANY (?3)), 0)`,
		subject, id, event, pgdialect.Array(others)).Scan(ctx, &n)
	return n, explain(err)
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
