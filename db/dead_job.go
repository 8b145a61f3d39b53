package db

import (
	"context"
	"fmt"
	"time"

	"flowbot/service"
)

var _ service.JobQueries = queries{}

// DeadJobs implements service.JobQueries.
func (q queries) DeadJobs(ctx context.Context, offset, limit int) ([]service.Trouble, error) {
	var rows []struct {
		ID        int64
		Kind      string
		Attempt   int
		CreatedAt time.Time
		Error     string
	}
	err := q.NewRaw(`
		SELECT id, kind, attempt, created_at, coalesce(errors[array_upper(errors, 1)]->>'error', '') AS error
		FROM river_job WHERE state = 'discarded'
		ORDER BY id DESC OFFSET ? LIMIT ?`, offset, limit).Scan(ctx, &rows)
	if err != nil {
		return nil, fmt.Errorf("dead jobs: %w", explain(err))
	}
	out := make([]service.Trouble, 0, len(rows))
	for _, r := range rows {
		out = append(out, service.Trouble{
			Kind: service.TroubleJob, ID: r.ID, What: r.Kind, Attempts: r.Attempt, At: r.CreatedAt, Error: r.Error,
		})
	}
	return out, nil
}

// DeadJobsCount implements service.JobQueries.
func (q queries) DeadJobsCount(ctx context.Context) (int, error) {
	var n int
	err := q.NewRaw(`SELECT count(*) FROM river_job WHERE state = 'discarded'`).Scan(ctx, &n)
	return n, explain(err)
}

// retryAttempts is how often a job that an admin has woken is tried again.
const retryAttempts = 3

// EndDeadJob implements service.JobCommands.
func (t tx) EndDeadJob(ctx context.Context, id int64, retry bool) (bool, error) {
	query := t.NewRaw(`DELETE FROM river_job WHERE id = ? AND state = 'discarded'`, id)
	if retry {
		query = t.NewRaw(`
			UPDATE river_job SET state = 'available', scheduled_at = now(), finalized_at = NULL, max_attempts = attempt + ?
			WHERE id = ? AND state = 'discarded'`, retryAttempts, id)
	}
	res, err := query.Exec(ctx)
	if err != nil {
		return false, fmt.Errorf("end dead job %d: %w", id, explain(err))
	}
	n, err := res.RowsAffected()
	return n == 1, err
}
