package service

import (
	"context"
	"fmt"
	"time"
)

// How long a batch waits, after a file, for more that may follow it.
const (
	// FilesPause is for an album: its files come within a second of each other.
	FilesPause = 2 * time.Second
	// SessionPause is while the conversation that takes scans is open, or a link for
	// uploads is in use: a person takes one photo after another. «Готово» ends it.
	SessionPause = 20 * time.Second
)

// awaits is how long more files are awaited yet.
func (b *ScanBatch) awaits(now time.Time) time.Duration {
	if b.State != BatchOpen || b.AwaitsUntil == nil {
		return 0
	}
	return max(0, b.AwaitsUntil.Sub(now))
}

// awaitMore has a batch wait for more files. It never waits less long for that than
// it was to.
func (s *ScanBatches) awaitMore(b *ScanBatch, pause time.Duration, now time.Time) {
	until := now.Add(pause)
	if s.awaits && pause > 0 && (b.AwaitsUntil == nil || until.After(*b.AwaitsUntil)) {
		b.AwaitsUntil = &until
	}
}

// settleWhenDone asks for the end of a batch, which is held, when nothing of it is
// worked any more: at once, or when no more files are awaited.
func (s *ScanBatches) settleWhenDone(ctx context.Context, tx Tx, b *ScanBatch) error {
	files, pages, err := tx.ScanWaiting(ctx, b.ID)
	if err != nil || files+pages > 0 {
		return err
	}
	j := SettleBatch{BatchID: b.ID}
	if pause := b.awaits(s.now()); pause > FilesPause {
		return tx.InsertJobLater(ctx, j, pause)
	}
	return tx.InsertJob(ctx, j) // which waits for the rest of a short pause
}

// awaitFiles waits until no more files are awaited. It reports false when that
// takes long: the job comes again then, and keeps no worker from others meanwhile.
func (s *ScanBatches) awaitFiles(ctx context.Context, b *ScanBatch) (bool, error) {
	for b.State == BatchOpen && b.AwaitsUntil != nil {
		until, pause := *b.AwaitsUntil, b.awaits(s.now())
		if pause > FilesPause {
			return false, s.comeAgain(ctx, b.ID)
		}
		wait := time.NewTimer(pause)
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			return false, ctx.Err()
		}
		var err error
		if b, err = s.store.ScanBatch(ctx, b.ID); err != nil {
			return false, err
		}
		if b.AwaitsUntil != nil && !b.AwaitsUntil.After(until) {
			break
		}
	}
	return true, nil
}

// comeAgain is settleWhenDone of a batch that is not held.
func (s *ScanBatches) comeAgain(ctx context.Context, id int64) error {
	return s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		b, err := tx.ScanBatchForUpdate(ctx, id)
		if err != nil {
			return err
		}
		return s.settleWhenDone(ctx, tx, b)
	})
}

// SentAll says that the actor has sent all scans of an exam: what is open of them
// is settled as soon as it is read. Said again, it changes nothing.
func (s *ScanBatches) SentAll(ctx context.Context, by Actor, examID int64) error {
	err := s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		e, err := tx.Exam(ctx, by, examID)
		if err != nil {
			return err
		}
		return s.sentAll(ctx, tx, by, e)
	})
	if err != nil {
		return fmt.Errorf("end the scans of exam %d: %w", examID, err)
	}
	return nil
}

// sentAll is SentAll within a transaction.
func (s *ScanBatches) sentAll(ctx context.Context, tx Tx, by Actor, e *Exam) error {
	b, err := s.awaiting(ctx, tx, by, e)
	if err != nil || b == nil {
		return err
	}
	b.AwaitsUntil = nil
	if err := tx.SaveScanBatch(ctx, b); err != nil {
		return err
	}
	if err := b.renew(ctx, tx, time.Time{}); err != nil {
		return err
	}
	return s.settleWhenDone(ctx, tx, b)
}

// awaiting returns the batch of an exam, held, for which more files of the actor's
// are awaited, nil when there is none.
func (s *ScanBatches) awaiting(ctx context.Context, tx Tx, by Actor, e *Exam) (*ScanBatch, error) {
	seen, err := tx.OpenScanBatch(ctx, by.PersonID, e.CenterID, e.ID)
	if err != nil || seen == nil || seen.AwaitsUntil == nil {
		return nil, err
	}
	b, err := tx.ScanBatchForUpdate(ctx, seen.ID)
	if err != nil || b.State != BatchOpen || b.AwaitsUntil == nil {
		return nil, err
	}
	return b, nil
}

// onTheirWay says that more scans of an exam are coming from the actor: what waits
// for more goes on waiting.
func (s *ScanBatches) onTheirWay(ctx context.Context, by Actor, e *Exam) error {
	now := s.now().UTC()
	seen, err := s.store.OpenScanBatch(ctx, by.PersonID, e.CenterID, e.ID)
	if err != nil || seen == nil || seen.AwaitsUntil == nil || seen.awaits(now) > SessionPause/2 {
		return err
	}
	return s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		b, err := s.awaiting(ctx, tx, by, e)
		if err != nil || b == nil {
			return err
		}
		s.awaitMore(b, SessionPause, now)
		return tx.SaveScanBatch(ctx, b)
	})
}
