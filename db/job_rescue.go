package db

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"
)

// putBackJobs makes the jobs available again that a worker with this ID was
// running when its process died, and returns how many. A job without attempts
// left is dead: it may be what kills the process.
func putBackJobs(ctx context.Context, q bun.IDB, workerID string) (int, error) {
	res, err := q.NewRaw(`
		UPDATE river_job SET
			state = CASE WHEN attempt >= max_attempts THEN 'discarded' ELSE 'available' END::river_job_state,
			finalized_at = CASE WHEN attempt >= max_attempts THEN now() END,
			scheduled_at = CASE WHEN attempt >= max_attempts THEN scheduled_at ELSE now() END,
			errors = array_append(errors, jsonb_build_object(
				'at', now(), 'attempt', attempt, 'error', 'the process ended while the job ran', 'trace', ''))
		WHERE state = 'running' AND attempted_by[array_upper(attempted_by, 1)] = ?`, workerID).Exec(ctx)
	if err != nil {
		return 0, fmt.Errorf("put jobs back: %w", explain(err))
	}
	n, err := res.RowsAffected()
	return int(n), err
}
