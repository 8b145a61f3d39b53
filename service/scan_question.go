package service

import (
	"context"
	"time"
)

// ScanPageLine is a page with what a list says of it.
type ScanPageLine struct {
	ScanPage
	File        string // name of its file, as the sender called it
	Application string // number of its application, "" for none
	By          string // name of who decided, "" for the machine
}

// QuestionCount is how many pages of an exam wait for a person, and which of them
// one is.
type QuestionCount struct {
	Count int
	Place int // from 1; 0: it is none of them
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
	// LastDecided returns the page of an exam on which a person decided last, since
	// a moment, if it can be taken back: it was set aside, or its scan stands and
	// was not delivered. It is nil when there is none.
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
