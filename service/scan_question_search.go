package service

import (
	"context"
	"fmt"
	"strings"
)

// FoundApplications is what a search has found.
type FoundApplications struct {
	Items []Application
	More  bool // there are more after these
}

// Search finds the applications of the exam of a page to which a certificate is
// due, by a part of the name, also in Latin, by the number, or by the last digits
// of the registration number; from offset on, at most limit.
func (s *ScanQuestions) Search(ctx context.Context, by Actor, pageID int64, text string, offset, limit int) (*FoundApplications, error) {
	_, e, err := s.line(ctx, by, pageID)
	if err != nil {
		return nil, err
	}
	list, err := s.store.QuestionApplications(ctx, e.ID, joined(strings.Fields(PlainName(text))...), offset, limit+1)
	if err != nil {
		return nil, fmt.Errorf("search in exam %d: %w", e.ID, err)
	}
	return &FoundApplications{Items: list[:min(len(list), limit)], More: len(list) > limit}, nil
}

// BatchPages is a part of the pages of a batch.
type BatchPages struct {
	Batch ScanBatch
	Exam  *Exam // nil while it is not known
	Pages []ScanPageLine
	Count int // of all of them
}

// Pages lists the pages of a batch that are in these states, for the staff of its
// center.
func (s *ScanQuestions) Pages(ctx context.Context, by Actor, batchID int64, states []PageState, offset, limit int) (*BatchPages, error) {
	b, err := s.batches.visible(ctx, by, batchID)
	if err != nil {
		return nil, err
	}
	out := &BatchPages{Batch: *b}
	if b.ExamID != 0 {
		if out.Exam, err = s.store.Exam(ctx, by, b.ExamID); err != nil {
			return nil, fmt.Errorf("exam %d: %w", b.ExamID, err)
		}
	}
	if out.Count, err = s.store.PageLinesCount(ctx, batchID, states); err != nil {
		return nil, fmt.Errorf("pages of batch %d: %w", batchID, err)
	}
	out.Pages, err = s.store.PageLines(ctx, batchID, states, offset, limit)
	if err != nil {
		return nil, fmt.Errorf("pages of batch %d: %w", batchID, err)
	}
	return out, nil
}

// LoadedAt returns the scan that stands at an application, and the page that it
// came from, 0 for none.
func (s *ScanQuestions) LoadedAt(ctx context.Context, by Actor, applicationID int64) (*Scan, int64, error) {
	a, err := s.store.Application(ctx, by, applicationID)
	if err != nil {
		return nil, 0, fmt.Errorf("application %d: %w", applicationID, err)
	}
	if a.ScanID == 0 {
		return nil, 0, refuse(Conflict, ReasonScanMissing)
	}
	scan, err := s.store.Scan(ctx, a.ScanID)
	if err != nil {
		return nil, 0, fmt.Errorf("scan of application %d: %w", applicationID, err)
	}
	p, err := s.store.PageOfScan(ctx, a.ScanID)
	if err != nil || p == nil {
		return scan, 0, err
	}
	return scan, p.ID, nil
}
