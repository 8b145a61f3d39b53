// Package cron knocks at the service by the clock and from the job queue. It is
// a timetable and a list of workers: each line of them is one call of package
// service.
package cron

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"

	"flowbot/service"
)

// Work is how one kind of job is worked.
type Work struct {
	Kind    string
	Timeout time.Duration // a run that takes longer is cancelled and tried again

	add func(*river.Workers, func(JobDone)) error
}

// On returns the work of jobs of type T: do, within the timeout.
func On[T service.Job](timeout time.Duration, do func(context.Context, T) error) Work {
	return OnOrTell(timeout, do, nil)
}

// OnOrTell is On for jobs that somebody waits for: after the last try that failed
// giveUp tells them; nil tells nobody.
func OnOrTell[T service.Job](timeout time.Duration, do, giveUp func(context.Context, T) error) Work {
	var zero T
	return Work{Kind: zero.Kind(), Timeout: timeout, add: func(all *river.Workers, done func(JobDone)) error {
		return river.AddWorkerSafely(all, &worker[T]{timeout: timeout, do: do, giveUp: giveUp, done: done})
	}}
}

// counting makes a deed of the clock that returns a count a job's work.
func counting[T service.Job](do func(context.Context) (int, error)) func(context.Context, T) error {
	return func(ctx context.Context, _ T) error {
		_, err := do(ctx)
		return err
	}
}

// worker works jobs of type T for River.
type worker[T service.Job] struct {
	river.WorkerDefaults[T]
	timeout time.Duration
	do      func(context.Context, T) error
	giveUp  func(context.Context, T) error // nil when nobody waits
	done    func(JobDone)
}

// tellTimeout bounds telling that a job is given up.
const tellTimeout = 10 * time.Second

// Timeout implements river.Worker.
func (w *worker[T]) Timeout(*river.Job[T]) time.Duration { return w.timeout }

// Work implements river.Worker.
func (w *worker[T]) Work(ctx context.Context, j *river.Job[T]) (err error) {
	begun := time.Now()
	failed := true // also when do panics
	defer func() {
		if failed && w.giveUp != nil && j.Attempt >= j.MaxAttempts {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tellTimeout)
			defer cancel()
			err = errors.Join(err, w.giveUp(ctx, j.Args))
		}
		w.done(JobDone{Kind: j.Kind, Failed: failed, Took: time.Since(begun)})
	}()
	err = w.do(ctx, j.Args)
	failed = err != nil
	return err
}

// JobDone tells that a run of a job has ended.
type JobDone struct {
	Kind   string
	Failed bool
	Took   time.Duration
}

// Services are what jobs call.
type Services struct {
	Acts     *service.Acts
	Journals *service.Journals
	Archives *service.Archives
	Imports  *service.ImportJobs
	Tasks    *service.Tasks
	Upkeep   *service.Upkeep

	Uploads      *service.Uploads
	Protocols    *service.Protocols
	Frdo         *service.Frdo
	Certificates *service.Certificates
	Scans        *service.Scans
	Batches      *service.ScanBatches
	Candidates   *service.Candidates
	Deliveries   *service.Deliveries
}

// Works lists the work of every kind of job.
func Works(s Services) []Work {
	return []Work{
		On(2*time.Minute, s.Acts.Print),
		OnOrTell(10*time.Minute, s.Journals.Check, s.Journals.GiveUp), // fetching takes up to 5 minutes, reading 3
		OnOrTell(10*time.Minute, s.Uploads.Check, s.Uploads.GiveUp),
		OnOrTell(10*time.Minute, s.Archives.Build, s.Archives.GiveUp),
		OnOrTell(10*time.Minute, s.Imports.Work, s.Imports.GiveUp),
		OnOrTell(10*time.Minute, s.Certificates.Print, s.Certificates.GiveUp),
		OnOrTell(5*time.Minute, s.Frdo.WriteExport, s.Frdo.GiveUpExport),
		OnOrTell(30*time.Minute, s.Batches.TakeApart, s.Batches.GiveUpTakeApart), // a thousand pages, or 2 GB
		OnOrTell(2*time.Minute, s.Batches.ReadPage, s.Batches.GiveUpReadPage),
		OnOrTell(5*time.Minute, s.Deliveries.Withdraw, s.Deliveries.GiveUpWithdraw),
		OnOrTell(5*time.Minute, s.Batches.Settle, s.Batches.GiveUpSettle),

		On(time.Minute, counting[service.ExpireReviews](s.Acts.ExpireReviews)),
		On(time.Minute, counting[service.ExpireProtocols](s.Protocols.Expire)),
		On(5*time.Minute, counting[service.GiveUpScans](s.Batches.GiveUpStrays)),
		On(5*time.Minute, s.Tasks.Remind),
		On(30*time.Minute, counting[service.SweepFiles](s.Upkeep.SweepFiles)),
		On(10*time.Minute, counting[service.PruneUpdates](s.Upkeep.PruneUpdates)),
		On(10*time.Minute, counting[service.PruneNotices](s.Upkeep.PruneNotices)),
		On(10*time.Minute, counting[service.PruneClaims](s.Candidates.PruneClaims)),
		On(time.Minute, counting[service.PruneTicks](s.Upkeep.PruneTicks)),
	}
}

// rescueSlack is how much longer than the longest timeout a job is left alone
// before it is taken from a worker that died without a successor.
const rescueSlack = 5 * time.Minute

// softStop is how long jobs may run on when the workers are stopped; then they
// are cancelled, to be tried again.
const softStop = 20 * time.Second

// WorkersConfig says how the job queue is worked.
type WorkersConfig struct {
	// Pool gives the connections; the workers keep one to listen on.
	Pool *pgxpool.Pool
	// ID names this process and its successors; no two may run with one at a
	// time. See Workers.Start.
	ID   string
	Log  *slog.Logger
	Done func(JobDone) // called after every run; may be nil
}

// Workers work the job queue.
type Workers struct {
	river *river.Client[pgx.Tx]
}

// NewWorkers returns workers that have not begun. Two works of one kind are an
// error.
func NewWorkers(c WorkersConfig, works []Work) (*Workers, error) {
	all := river.NewWorkers()
	if c.Done == nil {
		c.Done = func(JobDone) {}
	}
	var longest time.Duration
	for _, w := range works {
		if err := w.add(all, c.Done); err != nil {
			return nil, fmt.Errorf("work of %s: %w", w.Kind, err)
		}
		longest = max(longest, w.Timeout)
	}
	client, err := river.NewClient(riverpgxv5.New(c.Pool), &river.Config{
		ID: c.ID,
		Queues: map[string]river.QueueConfig{
			river.QueueDefault: {MaxWorkers: max(4, 2*runtime.GOMAXPROCS(0))},
			service.ClockQueue: {MaxWorkers: 2},
			service.PageQueue:  {MaxWorkers: runtime.GOMAXPROCS(0)}, // each keeps a core busy
		},
		Workers:              all,
		RescueStuckJobsAfter: longest + rescueSlack,
		SoftStopTimeout:      softStop,
		// Dead jobs stay until somebody has looked at them.
		DiscardedJobRetentionPeriod: -1,
		ErrorHandler:                failures{c.Log},
		Logger:                      slog.New(quiet{c.Log.Handler()}),
	})
	if err != nil {
		return nil, fmt.Errorf("open the job queue: %w", err)
	}
	return &Workers{client}, nil
}

// Start begins to work. What an earlier process with the same ID left running
// must have been put back before.
func (w *Workers) Start(ctx context.Context) error {
	if err := w.river.Start(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("start the workers: %w", err)
	}
	return nil
}

// Stop takes no new jobs and waits for those that run; those that take longer
// than 20 seconds are cancelled and will be tried again.
func (w *Workers) Stop(ctx context.Context) error {
	if err := w.river.Stop(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("stop the workers: %w", err)
	}
	return nil
}

// failures logs jobs that failed, by their ids.
type failures struct{ log *slog.Logger }

// HandleError implements river.ErrorHandler.
func (f failures) HandleError(ctx context.Context, j *rivertype.JobRow, err error) *river.ErrorHandlerResult {
	f.log.ErrorContext(ctx, "job failed", "job", j.ID, "kind", j.Kind, "attempt", j.Attempt, "attempts", j.MaxAttempts, "err", err)
	return nil
}

// HandlePanic implements river.ErrorHandler. The value is not logged: it may
// hold anything.
func (f failures) HandlePanic(ctx context.Context, j *rivertype.JobRow, _ any, trace string) *river.ErrorHandlerResult {
	f.log.ErrorContext(ctx, "job panicked", "job", j.ID, "kind", j.Kind, "attempt", j.Attempt, "attempts", j.MaxAttempts, "trace", trace)
	return nil
}

// quiet passes on what River itself has to say from warnings upwards: below is
// chatter, and a panic is told by failures, without its value.
type quiet struct{ slog.Handler }

// panicValue is the attribute of River's own line about a panic.
const panicValue = "panic_val"

// Enabled implements slog.Handler.
func (h quiet) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn && h.Handler.Enabled(ctx, l)
}

// Handle implements slog.Handler.
func (h quiet) Handle(ctx context.Context, r slog.Record) error {
	panicked := false
	r.Attrs(func(a slog.Attr) bool {
		panicked = a.Key == panicValue
		return !panicked
	})
	if panicked {
		return nil
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h quiet) WithAttrs(as []slog.Attr) slog.Handler { return quiet{h.Handler.WithAttrs(as)} }

// WithGroup implements slog.Handler.
func (h quiet) WithGroup(name string) slog.Handler { return quiet{h.Handler.WithGroup(name)} }
