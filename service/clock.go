package service

import (
	"context"
	"fmt"
	"time"
)

// TickQueries asks about the timetable.
type TickQueries interface {
	// LastTick returns the newest planned moment of a line of the timetable that
	// was acted upon, in UTC, or the zero time.
	LastTick(ctx context.Context, name string) (time.Time, error)
}

// TickCommands notes what the timetable has done.
type TickCommands interface {
	// InsertTick notes that a planned moment of a line is acted upon, and reports
	// false when it was already. Of two transactions at one moment the second
	// waits for the first.
	InsertTick(ctx context.Context, name string, at time.Time) (bool, error)
	// PruneTicks forgets ticks planned before the moment and returns how many; the
	// newest of each line stays.
	PruneTicks(ctx context.Context, before time.Time) (int, error)
}

// The jobs of the timetable.
type (
	// ExpireReviews gives back what reviewers hold for too long, see
	// Acts.ExpireReviews.
	ExpireReviews struct{}
	// SweepFiles is the job of Upkeep.SweepFiles.
	SweepFiles struct{}
	// PruneTicks is the job of Upkeep.PruneTicks.
	PruneTicks struct{}
	// PruneUpdates is the job of Upkeep.PruneUpdates.
	PruneUpdates struct{}
	// PruneNotices is the job of Upkeep.PruneNotices.
	PruneNotices struct{}
	// PruneClaims is the job of Candidates.PruneClaims.
	PruneClaims struct{}
)

// ClockQueue is the queue of the timetable's jobs, so that they do not wait
// behind those that people have caused.
const ClockQueue = "clock"

// Kind names the job.
func (ExpireReviews) Kind() string { return "expire_reviews" }

// Kind names the job.
func (SweepFiles) Kind() string { return "sweep_files" }

// Kind names the job.
func (PruneTicks) Kind() string { return "prune_ticks" }

// Kind names the job.
func (PruneUpdates) Kind() string { return "prune_updates" }

// Kind names the job.
func (PruneNotices) Kind() string { return "prune_notices" }

// Kind names the job.
func (PruneClaims) Kind() string { return "prune_claims" }

// clockJob is how the timetable's jobs are worked. The next tick comes anyway,
// so few attempts are enough.
func clockJob() JobOptions { return JobOptions{Queue: ClockQueue, MaxAttempts: 3} }

// JobOptions implements the options of a Job.
func (ExpireReviews) JobOptions() JobOptions { return clockJob() }

// JobOptions implements the options of a Job.
func (SweepFiles) JobOptions() JobOptions { return clockJob() }

// JobOptions implements the options of a Job.
func (PruneTicks) JobOptions() JobOptions { return clockJob() }

// JobOptions implements the options of a Job.
func (PruneUpdates) JobOptions() JobOptions { return clockJob() }

// JobOptions implements the options of a Job.
func (PruneNotices) JobOptions() JobOptions { return clockJob() }

// JobOptions implements the options of a Job.
func (PruneClaims) JobOptions() JobOptions { return clockJob() }

// Ticks turns planned moments into jobs, each once over all replicas.
type Ticks struct {
	store Store
	now   Clock
}

// NewTicks returns the ticks over store.
func NewTicks(store Store, now Clock) *Ticks { return &Ticks{store: store, now: now} }

// Last returns the newest planned moment of a line that was acted upon, or the
// zero time.
func (s *Ticks) Last(ctx context.Context, name string) (time.Time, error) {
	at, err := s.store.LastTick(ctx, name)
	if err != nil {
		return time.Time{}, fmt.Errorf("last tick of %s: %w", name, err)
	}
	return at, nil
}

// Fire claims a planned moment of a line and inserts its job in the same
// transaction. It reports false, and does nothing, when the moment is claimed
// already, by this process or another.
func (s *Ticks) Fire(ctx context.Context, name string, at time.Time, j Job) (bool, error) {
	fired := false
	err := s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		var err error
		if fired, err = tx.InsertTick(ctx, name, at.UTC()); err != nil || !fired {
			return err
		}
		return tx.InsertJob(ctx, j)
	})
	if err != nil {
		return false, fmt.Errorf("tick %s: %w", name, err)
	}
	return fired, nil
}

const (
	// orphanAge is how old a stored file is that no row speaks of, before it goes:
	// longer than any transaction that is about to speak of it.
	orphanAge = 24 * time.Hour
	// tickLife is how long it is remembered what the timetable has done.
	tickLife = 30 * 24 * time.Hour
)

// Upkeep is the daily tidying.
type Upkeep struct {
	store  Store
	inbox  Inbox
	outbox Outbox
	files  FileStore
	now    Clock
}

// NewUpkeep returns the tidying over the store, its queues and the files.
func NewUpkeep(store Store, inbox Inbox, outbox Outbox, files FileStore, now Clock) *Upkeep {
	return &Upkeep{store: store, inbox: inbox, outbox: outbox, files: files, now: now}
}

// pruneBatch is how many rows one statement forgets: so few that it holds nobody
// up.
const pruneBatch = 5000

// PruneUpdates forgets the updates that were worked or dismissed longer ago than
// UpdateKeep and returns how many.
func (s *Upkeep) PruneUpdates(ctx context.Context) (int, error) {
	n, err := prune(ctx, s.now().Add(-UpdateKeep), s.inbox.PruneUpdates)
	if err != nil {
		return n, fmt.Errorf("prune updates: %w", err)
	}
	return n, nil
}

// PruneNotices forgets the notices of which nothing more became longer ago than
// NoticeKeep and returns how many.
func (s *Upkeep) PruneNotices(ctx context.Context) (int, error) {
	n, err := prune(ctx, s.now().Add(-NoticeKeep), s.outbox.PruneNotices)
	if err != nil {
		return n, fmt.Errorf("prune notices: %w", err)
	}
	return n, nil
}

// prune forgets batch by batch until a batch is not full.
func prune(ctx context.Context, before time.Time, some func(context.Context, time.Time, int) (int, error)) (int, error) {
	for total := 0; ; {
		n, err := some(ctx, before, pruneBatch)
		total += n
		if err != nil || n < pruneBatch {
			return total, err
		}
	}
}

// SweepFiles removes the stored files that no row came to speak of and returns
// how many.
func (s *Upkeep) SweepFiles(ctx context.Context) (int, error) {
	n, err := s.files.Sweep(ctx, orphanAge, func(ctx context.Context, sha string) (bool, error) {
		_, err := s.store.File(ctx, sha)
		if err != nil && AsError(err).Kind == NotFound {
			return false, nil
		}
		return err == nil, err
	})
	if err != nil {
		return n, fmt.Errorf("sweep files: %w", err)
	}
	return n, nil
}

// PruneTicks forgets old ticks and returns how many.
func (s *Upkeep) PruneTicks(ctx context.Context) (int, error) {
	n := 0
	err := s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		var err error
		n, err = tx.PruneTicks(ctx, s.now().Add(-tickLife))
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("prune ticks: %w", err)
	}
	return n, nil
}
