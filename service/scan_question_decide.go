package service

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
)

// pageDeed is what is asked of a page.
type pageDeed struct {
	page     int64
	revision int
	exam     int64                // 0: its own
	done     func(*ScanPage) bool // the page looks as this deed leaves it
}

// inPage runs fn with a page held, and its batch and its exam, for the staff of
// its center. One that has moved on since the revision is a Conflict that tells
// who decided; the actor's own decision of the same kind is none, and changes
// nothing.
func (s *ScanQuestions) inPage(ctx context.Context, by Actor, d pageDeed, fn func(context.Context, *examScene, *ScanPage) error) error {
	return s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		seen, err := tx.ScanPage(ctx, d.page)
		if err != nil {
			return err
		}
		b, err := tx.ScanBatch(ctx, seen.BatchID)
		if err != nil {
			return err
		}
		own := cmp.Or(seen.ExamID, b.ExamID)
		sc, err := enterExam(ctx, tx, s.now, by, cmp.Or(d.exam, own))
		if err != nil {
			return err
		}
		if sc.exam.CenterID != b.CenterID {
			return refuse(NotFound, ReasonNotFound)
		}
		if _, err := tx.ScanBatchForUpdate(ctx, b.ID); err != nil {
			return err
		}
		p, err := tx.ScanPageForUpdate(ctx, d.page)
		if err != nil {
			return err
		}
		switch {
		case p.Revision == d.revision+1 && p.DecidedBy == sc.by.PersonID && d.done(p):
			return nil // tapped twice
		case p.Revision != d.revision:
			return movedOn(ctx, tx, sc.by, SubjectPage, p.ID, nil)
		case sc.exam.ID != own && p.Rule != PageRuleOtherExam:
			return refuse(Invalid, ReasonQuestionOtherExam)
		}
		if p.ExamID == 0 {
			p.ExamID = sc.exam.ID
		}
		whose := p.ApplicationID
		if err := fn(ctx, sc, p); err != nil || p.State == PageQuestion || p.State == PageWaiting {
			return err
		}
		return release(ctx, tx, whose, sc.now)
	})
}

// release has the scan of an application, which a question has withheld that was
// answered just now, go at the moment when it is due: else it would wait for the
// next look, see questionPause.
func release(ctx context.Context, tx Tx, applicationID int64, now time.Time) error {
	if applicationID == 0 {
		return nil
	}
	a, err := tx.Application(ctx, System, applicationID)
	if err != nil {
		return err
	}
	return enqueueDelivery(ctx, tx, a, now)
}

// Dismiss says that nothing comes of a page: it is no certificate
// (PageRuleNoScan), it must be scanned again (PageRuleRescan), or it repeats
// another (PageRuleDuplicate).
func (s *ScanQuestions) Dismiss(ctx context.Context, by Actor, pageID int64, revision int, rule MatchRule) (*ScanPageLine, error) {
	if !slices.Contains([]MatchRule{PageRuleNoScan, PageRuleRescan, PageRuleDuplicate}, rule) {
		return nil, fmt.Errorf("dismiss page %d: no rule %q for a person", pageID, rule)
	}
	err := s.inPage(ctx, by, pageDeed{
		page: pageID, revision: revision, done: func(p *ScanPage) bool { return p.State == PageAside && p.Rule == rule },
	}, func(ctx context.Context, sc *examScene, p *ScanPage) error {
		return sc.movePage(ctx, p, PageEventDismiss, rule)
	})
	if err != nil {
		return nil, fmt.Errorf("dismiss page %d: %w", pageID, err)
	}
	return s.store.PageLine(ctx, pageID)
}

// Undo makes a question of a page again: of one that was set aside, and of one
// that is a scan, whoever or whatever decided it. A question is asked as it was
// before, by the same rule and about the same application; DecidedBy and DecidedAt
// tell that and when it was taken back. The application is as it was before. It is
// refused once the scan has gone out or was handed over.
func (s *ScanQuestions) Undo(ctx context.Context, by Actor, pageID int64, revision int) (*ScanPageLine, error) {
	err := s.inPage(ctx, by, pageDeed{
		page: pageID, revision: revision, done: func(p *ScanPage) bool { return p.State == PageQuestion },
	}, func(ctx context.Context, sc *examScene, p *ScanPage) error {
		if p.NoPage() {
			return refuse(Conflict, ReasonQuestionNoPicture)
		}
		b, err := sc.tx.ScanBatch(ctx, p.BatchID)
		if err != nil {
			return err
		}
		p.ExamID = cmp.Or(b.ExamID, p.ExamID) // where it was before somebody said that it is of another
		if p.State != PageMatched {
			return sc.movePage(ctx, p, PageEventUndo, cmp.Or(p.Asked, p.Rule))
		}
		held, err := sc.tx.ApplicationsForUpdate(ctx, sc.exam.ID, []int64{p.ApplicationID})
		if err != nil {
			return err
		}
		if len(held) == 0 {
			return refuse(NotFound, ReasonNotFound)
		}
		p.ApplicationID = p.AskedForID // nobody says any more whose it is
		return s.batches.scans.detachPage(ctx, sc, p, &held[0], PageEventUndo, cmp.Or(p.Asked, PageRuleTakenBack))
	})
	if err != nil {
		return nil, fmt.Errorf("take back page %d: %w", pageID, err)
	}
	return s.store.PageLine(ctx, pageID)
}

// Again has a question read and matched anew, as if it had just come: names or
// numbers were corrected meanwhile. What comes of it is a scan, a question, or
// nothing. A page that contradicts another is refused.
func (s *ScanQuestions) Again(ctx context.Context, by Actor, pageID int64, revision int) (*ScanPageLine, error) {
	err := s.inPage(ctx, by, pageDeed{
		page: pageID, revision: revision, done: func(p *ScanPage) bool { return p.State != PageQuestion },
	}, s.again)
	if err != nil {
		return nil, fmt.Errorf("read page %d again: %w", pageID, err)
	}
	return s.store.PageLine(ctx, pageID)
}

func (*ScanQuestions) again(ctx context.Context, sc *examScene, p *ScanPage) error {
	switch {
	case p.SHA == "":
		return refuse(Conflict, ReasonQuestionNoPicture)
	case p.inPair():
		return refuse(Conflict, ReasonQuestionPair)
	}
	if err := sc.movePage(ctx, p, PageEventAgain, ""); err != nil {
		return err
	}
	return sc.tx.InsertJob(ctx, ReadPage{PageID: p.ID})
}

// inPair reports whether a page is a question because another one claims the same.
func (p *ScanPage) inPair() bool { return p.Rule == PageRuleTwice || p.Rule == PageRuleBlankTwice }

// mostAgain is how many questions are looked at to be read anew at once.
const mostAgain = 1000

// AgainCount is how many questions of an exam are read anew at once, and how many
// are left out and why.
type AgainCount struct {
	Read      int // anew
	Unopened  int // of the others: there is no picture that could be read
	Pair      int // of the others: another page contradicts it, and read alone it would be believed
	TakenBack int // of the others: a person took a decision back, and the machine would decide as before
}

// Left is how many are not read anew.
func (c AgainCount) Left() int { return c.Unopened + c.Pair + c.TakenBack }

// add sorts a question in and reports whether it is read anew.
func (c *AgainCount) add(p *ScanPage) bool {
	switch {
	case p.SHA == "":
		c.Unopened++
	case p.inPair():
		c.Pair++
	case p.DecidedBy != 0:
		c.TakenBack++
	default:
		c.Read++
		return true
	}
	return false
}

// PlanAgain tells what AgainAll would do.
func (s *ScanQuestions) PlanAgain(ctx context.Context, by Actor, examID int64) (AgainCount, error) {
	var n AgainCount
	if _, err := s.examOf(ctx, by, examID); err != nil {
		return n, err
	}
	pages, err := s.store.QuestionPages(ctx, examID, mostAgain)
	if err != nil {
		return n, fmt.Errorf("questions of exam %d: %w", examID, err)
	}
	for i := range pages {
		n.add(&pages[i])
	}
	return n, nil
}

// AgainAll is Again for the questions of an exam, but for those that AgainCount
// leaves out.
func (s *ScanQuestions) AgainAll(ctx context.Context, by Actor, examID int64) (AgainCount, error) {
	var n AgainCount
	err := inExam(ctx, s.store, s.now, by, examID, func(ctx context.Context, sc *examScene) error {
		n = AgainCount{}
		pages, err := sc.tx.QuestionPages(ctx, examID, mostAgain)
		if err != nil {
			return err
		}
		for i := range pages {
			if !n.add(&pages[i]) {
				continue
			}
			if err := s.againIn(ctx, sc, &pages[i]); err != nil {
				return err
			}
		}
		if n.Read == 0 {
			return refuse(Conflict, ReasonQuestionNone)
		}
		return nil
	})
	if err != nil {
		return AgainCount{}, fmt.Errorf("read questions of exam %d again: %w", examID, err)
	}
	return n, nil
}

// againIn is again for one of the questions of a scene's exam.
func (s *ScanQuestions) againIn(ctx context.Context, sc *examScene, seen *ScanPage) error {
	if _, err := sc.tx.ScanBatchForUpdate(ctx, seen.BatchID); err != nil {
		return err
	}
	p, err := sc.tx.ScanPageForUpdate(ctx, seen.ID)
	if err != nil {
		return err
	}
	return s.again(ctx, sc, p)
}

// Offered is nil when a page is a question at this revision, which the actor may
// decide on; else the refusal that deciding would meet.
func (s *ScanQuestions) Offered(ctx context.Context, by Actor, pageID int64, revision int) error {
	l, _, err := s.line(ctx, by, pageID)
	if err != nil {
		return err
	}
	if l.State != PageQuestion || l.Revision != revision {
		return movedOn(ctx, s.store, by, SubjectPage, pageID, nil)
	}
	return nil
}
