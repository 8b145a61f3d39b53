package db_test

import (
	"context"
	"testing"
	"time"

	"flowbot/db/dbtest"
	"flowbot/service"

	"github.com/google/go-cmp/cmp"
)

// asked is a job that an update asks for.
type asked struct {
	What     string `json:"what"`
	UpdateID int64  `json:"update_id"`
}

func (asked) Kind() string { return "asked" }

func TestAnUpdateThatComesAgainAsksForNothingNew(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	steps := []struct {
		name string
		job  asked
		then string // what becomes of all jobs afterwards
		want int    // jobs ever inserted
	}{
		{"the first", asked{"pack", 1}, "", 1},
		{"the same update", asked{"pack", 1}, "", 1},
		{"another press while the first waits", asked{"pack", 2}, "", 1},
		{"other work", asked{"load", 3}, "running", 2},
		{"the same update while the job runs", asked{"pack", 1}, "completed", 2},
		{"the same update when the job is done", asked{"load", 3}, "", 2},
		{"another press when the job is done", asked{"pack", 4}, "discarded", 3},
		{"the same update when the job is dead", asked{"pack", 4}, "", 3},
	}
	for _, s := range steps {
		must(t, d.InTx(t.Context(), func(ctx context.Context, tx service.Tx) error { return tx.InsertJob(ctx, s.job) }))
		var n int
		must(t, d.Pool().QueryRow(t.Context(), `SELECT count(*) FROM river_job`).Scan(&n))
		if n != s.want {
			t.Errorf("%s: %d jobs, want %d", s.name, n, s.want)
		}
		if s.then != "" {
			_, err := d.Pool().Exec(t.Context(), `UPDATE river_job SET state = $1::river_job_state,
				finalized_at = CASE WHEN $1 IN ('completed', 'discarded') THEN now() END`, s.then)
			must(t, err)
		}
	}
}

func TestAJobEndsWithTheTransactionThatHasItsEffect(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	for n := range 3 {
		must(t, d.InTx(t.Context(), func(ctx context.Context, tx service.Tx) error { return tx.InsertJob(ctx, asked{"pack", int64(n)}) }))
		_, err := d.Pool().Exec(t.Context(), `UPDATE river_job SET state = 'running' WHERE args->>'update_id' = $1 AND $1 <> '2'`, []string{"0", "1", "2"}[n])
		must(t, err)
	}
	must(t, d.InTx(t.Context(), func(ctx context.Context, tx service.Tx) error {
		for n := range 3 {
			if n != 1 {
				if err := tx.JobDone(ctx, asked{"pack", int64(n)}); err != nil {
					return err
				}
			}
		}
		return nil
	}))
	var states []string
	must(t, d.Bun().NewRaw(`SELECT state FROM river_job ORDER BY id`).Scan(t.Context(), &states))
	if diff := cmp.Diff([]string{"completed", "running", "available"}, states); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAJobForLaterIsBroughtForward(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	job := asked{"pack", 0}
	later := func(ctx context.Context, tx service.Tx) error { return tx.InsertJobLater(ctx, job, time.Hour) }
	now := func(ctx context.Context, tx service.Tx) error { return tx.InsertJob(ctx, job) }
	for _, s := range []struct {
		name   string
		insert func(ctx context.Context, tx service.Tx) error
		want   []string
	}{
		{"for later", later, []string{"scheduled"}},
		{"for later again", later, []string{"scheduled"}},
		{"at once", now, []string{"available"}},
		{"at once again", now, []string{"available"}},
		{"for later while it waits", later, []string{"available"}},
	} {
		must(t, d.InTx(t.Context(), s.insert))
		var states []string
		must(t, d.Bun().NewRaw(`SELECT state FROM river_job ORDER BY id`).Scan(t.Context(), &states))
		if diff := cmp.Diff(s.want, states); diff != "" {
			t.Errorf("%s (-want +got):\n%s", s.name, diff)
		}
	}
}
