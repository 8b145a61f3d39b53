package service

import (
	"context"
	"time"
)

// Subjects of history.
const (
	SubjectAct    = "act"
	SubjectCohort = "cohort"
	SubjectOrg    = "org"
	SubjectPerson = "person"

	SubjectExam        = "exam"
	SubjectApplication = "application"
	SubjectBlank       = "blank"
	SubjectCenter      = "center" // ID is the organisation's
)

// History is one step in the life of a thing. It is written in the transaction
// of the deed and never changed.
type History struct {
	ID             int64  `bun:",pk,autoincrement"`
	Subject        string // see the constants
	SubjectID      int64
	At             time.Time // UTC
	PersonID       int64     `bun:",nullzero"` // 0: the clock or the command line
	Event          string
	FromStatus     string
	ToStatus       string
	Comment        string
	Version        int `bun:",nullzero"` // of the act's document after the step
	JournalVersion int `bun:",nullzero"` // of the journal after the step

	By string `bun:",scanonly"` // the person's name
}

// HistoryQueries asks what happened.
type HistoryQueries interface {
	// HistoryOf lists the steps of a thing, oldest first, at most limit; the
	// newest ones when there are more.
	HistoryOf(ctx context.Context, subject string, id int64, limit int) ([]History, error)
	// StepsSince counts the steps of one event that a thing has made since the newest
	// of others.
	StepsSince(ctx context.Context, subject string, id int64, event string, others []string) (int, error)
}

// HistoryCommands writes down what happens.
type HistoryCommands interface {
	AddHistory(ctx context.Context, h History) error
	// AddHistories is AddHistory for many steps, in their order.
	AddHistories(ctx context.Context, steps []History) error
}
