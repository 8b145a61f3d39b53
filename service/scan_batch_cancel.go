package service

import (
	"context"
	"fmt"
	"time"
)

// Cancel takes back everything of a batch that is not settled, for the staff of its
// center: none of its files is taken apart any more, and none of its pages decided.
// What has come stays stored. Sending the same again is no repetition. A batch that
// is settled is refused with ReasonBatchSettled; of two who cancel one is told that
// the other did.
func (s *ScanBatches) Cancel(ctx context.Context, by Actor, batchID int64) (*ScanBatch, error) {
	seen, err := s.visible(ctx, by, batchID)
	if err != nil {
		return nil, err
	}
	var out *ScanBatch
	err = s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		if err := holdStaff(ctx, tx, by.PersonID, seen.CenterID); err != nil {
			return err
		}
		b, err := tx.ScanBatchForUpdate(ctx, batchID)
		if err != nil {
			return err
		}
		if err := s.moveBatch(ctx, tx, by, b, BatchCancel); err != nil {
			return err
		}
		if err := cancelFiles(ctx, tx, b); err != nil {
			return err
		}
		if err := s.cancelPages(ctx, tx, by, b); err != nil {
			return err
		}
		out = b
		if err := b.renew(ctx, tx, time.Time{}); err != nil {
			return err
		}
		if by.PersonID == b.PersonID {
			return nil
		}
		return tx.Enqueue(ctx, b.PersonID, BatchReportNotice{BatchID: b.ID}, time.Time{})
	})
	if err != nil {
		return nil, fmt.Errorf("cancel batch %d: %w", batchID, err)
	}
	return out, nil
}

// Cancellable is nil while a batch can be cancelled by the actor, else the refusal
// that cancelling would meet.
func (s *ScanBatches) Cancellable(ctx context.Context, by Actor, batchID int64) error {
	b, err := s.visible(ctx, by, batchID)
	if err != nil {
		return err
	}
	if b.State == BatchSettled {
		return refuse(Conflict, ReasonBatchSettled)
	}
	if b.ended() {
		return batchMovedOn(ctx, s.store, by, b, nil)
	}
	return nil
}

// cancelFiles has the workers of a batch, which is held, leave its files alone.
func cancelFiles(ctx context.Context, tx Tx, b *ScanBatch) error {
	files, err := tx.ScanFiles(ctx, b.ID)
	if err != nil {
		return err
	}
	for i := range files {
		if files[i].State != ScanFileWaiting {
			continue
		}
		files[i].State = ScanFileCancelled
		if err := tx.SaveScanFile(ctx, &files[i]); err != nil {
			return err
		}
	}
	return nil
}

// cancelPages cancels the pages of a batch, which is held, that are not decided.
func (s *ScanBatches) cancelPages(ctx context.Context, tx Tx, by Actor, b *ScanBatch) error {
	pages, err := tx.PagesToCancel(ctx, b.ID)
	if err != nil || len(pages) == 0 {
		return err
	}
	now := s.now().UTC()
	ids := make([]int64, 0, len(pages))
	steps := make([]History, 0, len(pages))
	for i := range pages {
		p := &pages[i]
		to, err := pageTable.Next(p.State, PageEventCancel, pageMove{by, &Exam{CenterID: b.CenterID}})
		if err != nil {
			return err
		}
		ids = append(ids, p.ID)
		steps = append(steps, History{
			Subject: SubjectPage, SubjectID: p.ID, At: now, PersonID: by.PersonID,
			Event: string(PageEventCancel), FromStatus: string(p.State), ToStatus: string(to), Comment: string(PageRuleCancelled),
		})
	}
	if err := tx.CancelScanPages(ctx, ids, by.PersonID, now); err != nil {
		return err
	}
	return tx.AddHistories(ctx, steps)
}
