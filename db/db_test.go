package db_test

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"flowbot/db"
	"flowbot/db/dbtest"
	"flowbot/service"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/uptrace/bun"
)

func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }

// note is a job that only tests insert.
type note struct {
	N int `json:"n"`
}

func (note) Kind() string { return "test_note" }

type urgentNote struct{ note }

func (urgentNote) JobOptions() service.JobOptions {
	return service.JobOptions{Queue: "urgent", MaxAttempts: 3}
}

func TestARowAndItsJobCommitTogether(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	boom := errors.New("boom")
	for _, fail := range []error{boom, nil} {
		err := d.InTx(t.Context(), func(ctx context.Context, tx service.Tx) error {
			if err := tx.SaveFile(ctx, service.File{SHA256: sha("a"), Size: 1, Type: "text/plain", CreatedAt: time.Now()}); err != nil {
				return err
			}
			if err := tx.InsertJob(ctx, note{N: 1}); err != nil {
				return err
			}
			return fail
		})
		if !errors.Is(err, fail) {
			t.Fatalf("got %v, want %v", err, fail)
		}
		want := 1
		if fail != nil {
			want = 0
		}
		if rows, jobs := count(t, d, "files"), count(t, d, "river_job"); rows != want || jobs != want {
			t.Errorf("after %v: %d rows, %d jobs, want %d of each", fail, rows, jobs, want)
		}
	}
}

func TestAPanicRollsBack(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	func() {
		defer func() { _ = recover() }()
		_ = d.InTx(t.Context(), func(ctx context.Context, tx service.Tx) error {
			if err := tx.InsertJob(ctx, note{N: 1}); err != nil {
				t.Error(err)
			}
			panic("boom")
		})
	}()
	if n := count(t, d, "river_job"); n != 0 {
		t.Errorf("%d jobs after a panic", n)
	}
}

func TestAJobThatWaitsIsNotDoubled(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	insert := func(jobs ...service.Job) {
		t.Helper()
		err := d.InTx(t.Context(), func(ctx context.Context, tx service.Tx) error {
			for _, j := range jobs {
				if err := tx.InsertJob(ctx, j); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	insert(note{N: 1}, note{N: 1}, note{N: 2})
	insert(note{N: 1})
	if n := count(t, d, "river_job"); n != 2 {
		t.Errorf("%d jobs wait, want 2", n)
	}
	// A running job may have read what the transaction is about to change.
	exec(t, d, "UPDATE river_job SET state = 'running'")
	insert(note{N: 1})
	if n := count(t, d, "river_job"); n != 3 {
		t.Errorf("%d jobs, want one more than those that run", n)
	}
}

func TestAJobSaysHowItWantsToBeWorked(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	err := d.InTx(t.Context(), func(ctx context.Context, tx service.Tx) error {
		return tx.InsertJob(ctx, urgentNote{note{N: 1}})
	})
	if err != nil {
		t.Fatal(err)
	}
	var row struct {
		Queue       string
		MaxAttempts int
	}
	err = d.Bun().NewRaw("SELECT queue, max_attempts FROM river_job").Scan(t.Context(), &row)
	if err != nil {
		t.Fatal(err)
	}
	if row.Queue != "urgent" || row.MaxAttempts != 3 {
		t.Errorf("got %+v", row)
	}
}

// noted works notes.
type noted struct {
	river.WorkerDefaults[note]
	done chan<- int
}

func (w noted) Work(_ context.Context, j *river.Job[note]) error {
	w.done <- j.Args.N
	return nil
}

// TestAJobIsWorkedOverThePool has River work on connections that do not prepare
// statements, as the program's are.
func TestAJobIsWorkedOverThePool(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	done := make(chan int, 1)
	all := river.NewWorkers()
	river.AddWorker(all, noted{done: done})
	client, err := river.NewClient(riverpgxv5.New(d.Pool()), &river.Config{
		Workers: all, Queues: map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 1}},
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	err = d.InTx(t.Context(), func(ctx context.Context, tx service.Tx) error {
		return tx.InsertJob(ctx, note{N: 7})
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := <-done; n != 7 {
		t.Errorf("worked %d", n)
	}
	waitFor(t, d, "SELECT count(*) FROM river_job WHERE state = 'completed'", 1)
	if err := client.StopAndCancel(context.WithoutCancel(t.Context())); err != nil {
		t.Error(err)
	}
}

// TestADeadlockIsRunAgain has two transactions take two rows in opposite order:
// the server ends one of them, which then succeeds alone.
func TestADeadlockIsRunAgain(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	exec(t, d, "CREATE TABLE pairs (id int PRIMARY KEY, n int NOT NULL DEFAULT 0)")
	exec(t, d, "INSERT INTO pairs VALUES (1), (2)")
	var both, done sync.WaitGroup
	both.Add(2)
	tries := make([]int, 2)
	errs := make([]error, 2)
	for i, order := range [][]int{{1, 2}, {2, 1}} {
		done.Go(func() {
			errs[i] = db.InTx(t.Context(), d, func(ctx context.Context, tx bun.IDB) error {
				tries[i]++
				for step, id := range order {
					if _, err := tx.ExecContext(ctx, "UPDATE pairs SET n = n + 1 WHERE id = ?", id); err != nil {
						return err
					}
					if step == 0 && tries[i] == 1 {
						both.Done()
						both.Wait()
					}
				}
				return nil
			})
		})
	}
	done.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	// On a busy machine the loser can take its first row again before the winner
	// wakes, and lose once more.
	if tries[0]+tries[1] < 3 {
		t.Errorf("tries %v, want one of them twice", tries)
	}
	var sum int
	if err := d.Bun().NewRaw("SELECT sum(n) FROM pairs").Scan(t.Context(), &sum); err != nil || sum != 4 {
		t.Errorf("sum %d, %v, want 4: each transaction once", sum, err)
	}
}

func TestALostRaceEndsAfterThreeTries(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	tries := 0
	err := db.InTx(t.Context(), d, func(ctx context.Context, tx bun.IDB) error {
		tries++
		_, err := tx.ExecContext(ctx, "DO $$ BEGIN RAISE EXCEPTION 'race' USING ERRCODE = '40001'; END $$")
		return err
	})
	if err == nil || tries != 3 {
		t.Errorf("%d tries, %v; want 3 and the error", tries, err)
	}
}

func TestNULNeverReachesTheDatabase(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	var got string
	if err := d.Bun().NewRaw("SELECT ?", "a\x00b'\x00").Scan(t.Context(), &got); err != nil {
		t.Fatal(err)
	}
	if got != "ab'" {
		t.Errorf("got %q", got)
	}
	// The way of a struct's field.
	if _, err := d.Bun().ExecContext(t.Context(), "CREATE TABLE texts (t text)"); err != nil {
		t.Fatal(err)
	}
	type text struct{ T string }
	if _, err := d.Bun().NewInsert().Model(&text{T: "x\x00y"}).Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := d.Bun().NewRaw("SELECT t FROM texts").Scan(t.Context(), &got); err != nil || got != "xy" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestACancelledQueryEndsOnTheServer(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		_, err := d.Bun().ExecContext(ctx, "SELECT pg_sleep(600)")
		ended <- err
	}()
	sleeping := "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND query LIKE 'SELECT pg_sleep%'"
	waitFor(t, d, sleeping, 1)
	cancel()
	if err := <-ended; err == nil {
		t.Error("a cancelled query succeeded")
	}
	waitFor(t, d, sleeping, 0)
}

func TestAMissingRowIsNotFound(t *testing.T) {
	t.Parallel()
	_, err := dbtest.New(t).File(t.Context(), sha("nobody"))
	if service.ReasonOf(err) != service.ReasonNotFound {
		t.Errorf("got %v", err)
	}
}

func count(t *testing.T, d *db.DB, table string) int {
	t.Helper()
	n, err := d.Bun().NewSelect().Table(table).Count(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return int(n)
}

func exec(t *testing.T, d *db.DB, query string) {
	t.Helper()
	if _, err := d.Bun().ExecContext(t.Context(), query); err != nil {
		t.Fatal(err)
	}
}

// waitFor asks until the query's number is want; the test's own deadline bounds
// it.
func waitFor(t *testing.T, d *db.DB, query string, want int) {
	t.Helper()
	for {
		var n int
		if err := d.Bun().NewRaw(query).Scan(t.Context(), &n); err != nil {
			t.Fatal(err)
		}
		if n == want {
			return
		}
	}
}

// TestACallerWhoGivesUpEndsItsTransaction lets callers go in the middle of what
// River writes on the connection past database/sql, which must not roll back on
// that connection at the same moment.
func TestACallerWhoGivesUpEndsItsTransaction(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for n := range 40 {
				ctx, cancel := context.WithCancel(t.Context())
				stop := time.AfterFunc(time.Duration(rand.IntN(4000))*time.Microsecond, cancel)
				err := d.InTx(ctx, func(ctx context.Context, tx service.Tx) error {
					for j := range 10 {
						if err := tx.InsertJob(ctx, service.PrintAct{ActID: int64(worker*1000 + n), Version: j}); err != nil {
							return err
						}
					}
					return nil
				})
				stop.Stop()
				if err != nil && ctx.Err() == nil {
					t.Errorf("nobody gave up: %v", err)
				}
				cancel()
			}
		})
	}
	wg.Wait()
	var partial int
	err := d.Bun().NewRaw(`SELECT count(*) FROM (SELECT 1 FROM river_job GROUP BY args->>'act_id' HAVING count(*) <> 10) p`).Scan(t.Context(), &partial)
	if err != nil {
		t.Fatal(err)
	}
	if partial != 0 {
		t.Errorf("%d transactions were committed in part", partial)
	}
}
