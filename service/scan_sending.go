package service

import (
	"context"
	"fmt"
	"time"
)

// Fits is the refusal that a file of so many bytes would meet because the chat
// cannot fetch it, or nil.
func (s *ScanBatches) Fits(size int64) error { return s.in.fits(size) }

// Sending returns the newest batch of the actor's that is not settled: what more
// files join. It is nil when there is none.
func (s *ScanBatches) Sending(ctx context.Context, by Actor) (*ScanBatch, error) {
	var newest *ScanBatch
	for _, center := range by.Orgs(RoleCenterStaff) {
		b, err := s.store.OpenScanBatch(ctx, by.PersonID, center, 0)
		if err != nil {
			return nil, fmt.Errorf("open batch of person %d: %w", by.PersonID, err)
		}
		if b != nil && (newest == nil || b.ID > newest.ID) {
			newest = b
		}
	}
	return newest, nil
}

// Departure is when the scans of an exam go to their candidates.
type Departure struct {
	Waiting int        // scans that have not gone yet
	Linked  int        // of these, those whose candidate can be reached by the bot
	At      *time.Time // UTC; when the last of those goes, quiet hours left out; nil when none does
	Paused  bool       // nothing goes until it is resumed
}

// Departure tells when the loaded scans of an exam go to their candidates.
func (s *ScanBatches) Departure(ctx context.Context, by Actor, examID int64) (*Departure, error) {
	e, err := s.store.Exam(ctx, by, examID)
	if err != nil {
		return nil, fmt.Errorf("exam %d: %w", examID, err)
	}
	list, err := s.store.Applications(ctx, examID)
	if err != nil {
		return nil, fmt.Errorf("applications of exam %d: %w", examID, err)
	}
	d := &Departure{Paused: e.PausedAt != nil}
	for i := range list {
		a := &list[i]
		if a.ScanID == 0 || a.DeliverAt == nil || a.DeliveredAt != nil {
			continue
		}
		d.Waiting++
		if a.PersonID == 0 {
			continue
		}
		d.Linked++
		if d.At == nil || a.DeliverAt.After(*d.At) {
			d.At = a.DeliverAt
		}
	}
	return d, nil
}
