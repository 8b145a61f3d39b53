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

// LoadedScans is how it stands with the loaded scans of an exam.
type LoadedScans struct {
	Unnamed int        // scans of which no blank is known
	Waiting int        // scans that have not gone to their candidate yet
	Linked  int        // of these, those whose candidate has come to the bot
	At      *time.Time // UTC; when the last of those goes, quiet hours left out; nil when none does
	Paused  bool       // nothing goes until it is resumed
}

// Loaded tells how it stands with the loaded scans of an exam.
func (s *ScanBatches) Loaded(ctx context.Context, by Actor, examID int64) (*LoadedScans, error) {
	e, err := s.store.Exam(ctx, by, examID)
	if err != nil {
		return nil, fmt.Errorf("exam %d: %w", examID, err)
	}
	list, err := s.store.Applications(ctx, examID)
	if err != nil {
		return nil, fmt.Errorf("applications of exam %d: %w", examID, err)
	}
	out := &LoadedScans{Paused: e.PausedAt != nil}
	for i := range list {
		a := &list[i]
		if a.ScanID != 0 && a.BlankNumber == "" {
			out.Unnamed++
		}
		if a.ScanID == 0 || a.DeliverAt == nil || a.DeliveredAt != nil {
			continue
		}
		out.Waiting++
		if a.PersonID == 0 {
			continue
		}
		out.Linked++
		if out.At == nil || a.DeliverAt.After(*out.At) {
			out.At = a.DeliverAt
		}
	}
	return out, nil
}
