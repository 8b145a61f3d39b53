package service

import (
	"context"
	"fmt"
	"time"
)

// ScanPageLine is a page with what a list says of it.
type ScanPageLine struct {
	ScanPage
	File        string // name of its file, as the sender called it
	Place       int    // of the page in its archive's entry, or in its file, from 1
	Places      int    // how many pages that has
	Application string // number of its application, "" for none
	Owner       string // last and first name of whose application it is
	AskedIn     int64  // exam of its batch, else its own; 0: none is known
	By          string // name of who decided, "" for the machine
}

// QuestionCount is how many pages of an exam wait for a person, and which of them
// one is.
type QuestionCount struct {
	Count   int
	Place   int // from 1; 0: it is none of them
	Reading int // pages that are still being read
}

// ScanQuestionQueries asks about the pages that a person decides on.
type ScanQuestionQueries interface {
	// PageLine returns NotFound when there is no such page.
	PageLine(ctx context.Context, id int64) (*ScanPageLine, error)
	// PageLines lists the pages of a batch in these states, in the order in which
	// they were sent, from offset on, at most limit.
	PageLines(ctx context.Context, batchID int64, states []PageState, offset, limit int) ([]ScanPageLine, error)
	// PageLinesCount counts them.
	PageLinesCount(ctx context.Context, batchID int64, states []PageState) (int, error)
	// QuestionCount counts the questions of an exam and finds the place of one.
	QuestionCount(ctx context.Context, examID, pageID int64) (QuestionCount, error)
	// QuestionsAfter lists the questions of an exam in their order, beginning with
	// the one after a page, from the first again at the end, at most limit.
	QuestionsAfter(ctx context.Context, examID, after int64, limit int) ([]int64, error)
	// QuestionPages lists the questions of an exam in their order, at most limit,
	// without their evidence.
	QuestionPages(ctx context.Context, examID int64, limit int) ([]ScanPage, error)
	// QuestionOfBatch returns the first question of an exam that came with a batch, 0
	// when there is none.
	QuestionOfBatch(ctx context.Context, examID, batchID int64) (int64, error)
	// LastDecided returns the page of an exam, or of its batches, on which a person
	// decided last, since a moment, if it can be taken back: it was set aside, or its
	// scan stands and was not delivered. It is nil when there is none.
	LastDecided(ctx context.Context, examID, personID int64, since time.Time) (*ScanPageLine, error)
	// QuestionApplications lists the applications of an exam to which a certificate
	// with a number is due, by name, from offset on, at most limit: those that have
	// the text in their name, also in Latin, or in one of their numbers; Ё is Е.
	QuestionApplications(ctx context.Context, examID int64, text string, offset, limit int) ([]Application, error)
}

// ScanQuestionCommands writes what is drawn for the person who decides.
type ScanQuestionCommands interface {
	// SavePageView writes the pictures of a page. It changes nothing else, so it
	// needs no lock.
	SavePageView(ctx context.Context, pageID int64, view, lines string) error
}

// The refusals of this subject.
const (
	// No reading of the machine supports the choice: it is repeated with Confirmed
	// once the person has looked.
	ReasonQuestionUnsupported Reason = "question.unsupported"
	// The blank was read on another page too; Data: BlankFault.
	ReasonQuestionBlankTwice Reason = "question.blank_twice"
	ReasonQuestionNoPicture  Reason = "question.no_picture" // there is no picture that could be somebody's scan
	ReasonQuestionOtherExam  Reason = "question.other_exam" // the application is of another exam
	ReasonQuestionNone       Reason = "question.none"       // the exam has none that could be read again
	ReasonQuestionPair       Reason = "question.pair"       // the page contradicts another: read alone it would be believed
)

// ScanQuestions has people decide on the pages of which the machine is not
// certain.
type ScanQuestions struct {
	batches *ScanBatches
	store   Store
	now     Clock
}

// NewScanQuestions returns the use cases over what the batches work with.
func NewScanQuestions(batches *ScanBatches) *ScanQuestions {
	return &ScanQuestions{batches: batches, store: batches.store, now: batches.now}
}

// undoShown is how long the last decision is offered to be taken back beside the
// next question. Later it is taken back from its own page.
const undoShown = time.Hour

// Count counts the questions of an exam, for the staff of its center.
func (s *ScanQuestions) Count(ctx context.Context, by Actor, examID int64) (int, error) {
	if _, err := s.examOf(ctx, by, examID); err != nil {
		return 0, err
	}
	c, err := s.store.QuestionCount(ctx, examID, 0)
	if err != nil {
		return 0, fmt.Errorf("questions of exam %d: %w", examID, err)
	}
	return c.Count, nil
}

// examOf returns an exam of a center in which the actor works.
func (s *ScanQuestions) examOf(ctx context.Context, by Actor, examID int64) (*Exam, error) {
	e, err := s.store.Exam(ctx, by, examID)
	if err != nil {
		return nil, fmt.Errorf("exam %d: %w", examID, err)
	}
	return e, isStaffOf(by, e.CenterID)
}

// Next returns the question of an exam that follows a page, the first one again
// after the last, nil when there is none. After 0 is the first.
func (s *ScanQuestions) Next(ctx context.Context, by Actor, examID, after int64) (*QuestionView, error) {
	if _, err := s.examOf(ctx, by, examID); err != nil {
		return nil, err
	}
	ids, err := s.store.QuestionsAfter(ctx, examID, after, 1)
	if err != nil {
		return nil, fmt.Errorf("questions of exam %d: %w", examID, err)
	}
	if len(ids) == 0 {
		return nil, nil //nolint:nilnil // there is none, which is no error
	}
	return s.Question(ctx, by, ids[0])
}

// First returns the question of an exam that somebody who was told of a batch looks
// at first: of that batch, else the first of all; nil when there is none.
func (s *ScanQuestions) First(ctx context.Context, by Actor, examID, batchID int64) (*QuestionView, error) {
	id, err := s.store.QuestionOfBatch(ctx, examID, batchID)
	if err != nil {
		return nil, fmt.Errorf("questions of batch %d: %w", batchID, err)
	}
	return s.Next(ctx, by, examID, max(0, id-1))
}

// QuestionsDone is how an exam stands once it has no questions.
type QuestionsDone struct {
	Exam    Exam
	Reading int           // pages that are still being read
	Undo    *ScanPageLine // what the person decided last and can take back; nil for nothing
}

// Done tells how an exam stands that has no questions left.
func (s *ScanQuestions) Done(ctx context.Context, by Actor, examID int64) (*QuestionsDone, error) {
	e, err := s.examOf(ctx, by, examID)
	if err != nil {
		return nil, err
	}
	c, err := s.store.QuestionCount(ctx, examID, 0)
	if err != nil {
		return nil, fmt.Errorf("questions of exam %d: %w", examID, err)
	}
	undo, err := s.LastDecided(ctx, by, examID)
	return &QuestionsDone{Exam: *e, Reading: c.Reading, Undo: undo}, err
}

// LastDecided returns what the actor decided last in an exam and can take back,
// nil for nothing.
func (s *ScanQuestions) LastDecided(ctx context.Context, by Actor, examID int64) (*ScanPageLine, error) {
	if _, err := s.examOf(ctx, by, examID); err != nil {
		return nil, err
	}
	l, err := s.store.LastDecided(ctx, examID, by.PersonID, s.now().Add(-undoShown))
	if err != nil {
		return nil, fmt.Errorf("last decision in exam %d: %w", examID, err)
	}
	return l, nil
}

// line returns a page that the actor may look at, with its exam; it is zero for a
// page that could not be read and whose batch found none.
func (s *ScanQuestions) line(ctx context.Context, by Actor, pageID int64) (*ScanPageLine, *Exam, error) {
	l, err := s.store.PageLine(ctx, pageID)
	if err != nil {
		return nil, nil, fmt.Errorf("page %d: %w", pageID, err)
	}
	b, err := s.store.ScanBatch(ctx, l.BatchID)
	if err != nil {
		return nil, nil, fmt.Errorf("batch %d: %w", l.BatchID, err)
	}
	if isStaffOf(by, b.CenterID) != nil {
		if by.Has(RoleAdmin) {
			return nil, nil, refuse(Forbidden, ReasonForbidden)
		}
		return nil, nil, refuse(NotFound, ReasonNotFound)
	}
	id := l.ExamID
	if id == 0 {
		id = b.ExamID
	}
	if id == 0 {
		return l, &Exam{CenterID: b.CenterID}, nil
	}
	e, err := s.store.Exam(ctx, by, id)
	if err != nil {
		return nil, nil, fmt.Errorf("exam %d: %w", id, err)
	}
	return l, e, nil
}
