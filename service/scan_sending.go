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

// SendingAt returns when a scan really goes that may go from a moment on: not in the
// past, nor in the quiet hours of its center's zone.
func SendingAt(at, now time.Time, zone string) time.Time {
	if at.Before(now) {
		at = now
	}
	return QuietUntil(LaneNews, at, zone)
}

// quietUntil is the moment before which no scan goes because it is night, nil when it
// is not.
func quietUntil(now time.Time, zone string) *time.Time {
	if at := SendingAt(now, now, zone); at.After(now) {
		return &at
	}
	return nil
}

// LoadedScans is how it stands with the loaded scans of an exam.
type LoadedScans struct {
	Unnamed int        // scans of which no blank is known
	Waiting int        // scans that have not gone to their candidate yet
	Linked  int        // of these, those whose candidate has come to the bot
	At      *time.Time // UTC; when the last of those goes; nil when none does
	Paused  bool       // nothing goes until it is resumed
}

// Loaded tells how it stands with the loaded scans of an exam.
func (s *ScanBatches) Loaded(ctx context.Context, by Actor, examID int64) (*LoadedScans, error) {
	e, err := s.store.Exam(ctx, by, examID)
	if err != nil {
		return nil, fmt.Errorf("exam %d: %w", examID, err)
	}
	org, err := s.store.Org(ctx, e.CenterID)
	if err != nil {
		return nil, fmt.Errorf("organisation %d: %w", e.CenterID, err)
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
		if at := SendingAt(*a.DeliverAt, s.now(), org.Zone); out.At == nil || at.After(*out.At) {
			out.At = &at
		}
	}
	return out, nil
}
