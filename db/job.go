package db

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/riverqueue/river"

	"flowbot/service"
)

// jobOptions is what a job may say about how it wants to be worked.
type jobOptions interface{ JobOptions() service.JobOptions }

// JobDone implements service.JobCommands. Source of the state: River,
// JobCompleteTx.
func (t tx) JobDone(ctx context.Context, j service.Job) error {
	args, err := json.Marshal(j)
	if err != nil {
		return fmt.Errorf("encode job %s: %w", j.Kind(), err)
	}
	_, err = t.NewRaw(`
		UPDATE river_job SET state = 'completed', finalized_at = now()
		WHERE kind = ? AND args @> ?::jsonb AND args = ?::jsonb AND state = 'running'`,
		j.Kind(), string(args), string(args)).Exec(ctx)
	if err != nil {
		return fmt.Errorf("end job %s: %w", j.Kind(), explain(err))
	}
	return nil
}

// InsertJob implements service.JobCommands. An equal job that waits is held
// until the transaction ends, so that a worker begins it only after the commit;
// one that runs already may have missed the change, and one that failed may wait
// for hours, so these do not count, unless the same update asks again.
func (t tx) InsertJob(ctx context.Context, j service.Job) error {
	args, err := json.Marshal(j)
	if err != nil {
		return fmt.Errorf("encode job %s: %w", j.Kind(), err)
	}
	// It is made anew: the workers hear of what is inserted.
	_, err = t.NewRaw(`DELETE FROM river_job WHERE kind = ?0 AND args @> ?1::jsonb AND args = ?1::jsonb AND state = 'scheduled'`,
		j.Kind(), string(args)).Exec(ctx)
	if err != nil {
		return fmt.Errorf("bring job %s forward: %w", j.Kind(), explain(err))
	}
	return t.insertJob(ctx, j, args, time.Time{})
}

// InsertJobLater implements service.JobCommands. The queue looks for jobs that have
// become due every five seconds. Source: River, maintenance.JobSchedulerIntervalDefault.
func (t tx) InsertJobLater(ctx context.Context, j service.Job, after time.Duration) error {
	args, err := json.Marshal(j)
	if err != nil {
		return fmt.Errorf("encode job %s: %w", j.Kind(), err)
	}
	return t.insertJob(ctx, j, args, time.Now().Add(after))
}

// insertJob inserts a job that begins at a moment, zero for at once, unless an equal
// one waits.
func (t tx) insertJob(ctx context.Context, j service.Job, args []byte, at time.Time) error {
	var waiting int64
	// The containment is what the index answers; equality is what is meant. The
	// update that asks is no part of the work, but one that comes again asks for
	// nothing new, whatever became of the job.
	err := t.NewRaw(`
		SELECT count(*) FROM (
			SELECT 1 FROM river_job
			WHERE kind = ?0 AND args @> ?1::jsonb - 'update_id' AND args - 'update_id' = ?1::jsonb - 'update_id'
			  AND (state IN ('available', 'pending', 'scheduled') OR args->'update_id' = ?1::jsonb->'update_id')
			LIMIT 1
			FOR UPDATE SKIP LOCKED
		) w`, j.Kind(), string(args)).Scan(ctx, &waiting)
	if err != nil {
		return fmt.Errorf("look for job %s: %w", j.Kind(), explain(err))
	}
	if waiting > 0 {
		return nil
	}
	opts := &river.InsertOpts{ScheduledAt: at}
	if o, ok := j.(jobOptions); ok {
		want := o.JobOptions()
		opts.Queue, opts.MaxAttempts = want.Queue, want.MaxAttempts
	}
	if _, err := t.jobs.InsertTx(ctx, t.pgx, j, opts); err != nil {
		return fmt.Errorf("insert job %s: %w", j.Kind(), explain(err))
	}
	return nil
}
