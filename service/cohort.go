package service

import (
	"context"
	"time"
)

// Cohort is one training period of a partner: programme, dates, learners.
type Cohort struct {
	ID             int64  `bun:",pk,autoincrement"`
	Number         string // unique in the installation
	PartnerID      int64
	Program        string
	ProgramKind    string
	Hours          int
	StartOn        Day       `bun:"type:date"`
	EndOn          Day       `bun:"type:date"`
	Acts           int       // acts ever generated; the next one takes the next ordinal
	JournalVersion int       // newest version of the journal, 0 before the first
	Revision       int       // +1 on every change; guards against stale buttons
	CreatedAt      time.Time `bun:",nullzero"` // UTC
	UpdatedAt      time.Time `bun:",nullzero"` // UTC
}

// Ended reports whether the cohort's papers can be made: from the day after its
// end date, in the partner's zone.
func (c *Cohort) Ended(today Day) bool { return today.After(c.EndOn) }

// screenshotsSince is the first end date of a cohort from which screenshots are
// required with the journal. Source: the domain, section 2 (since 2025).
var screenshotsSince = Day{Year: 2025, Month: time.January, Day: 1}

// NeedsScreenshots reports whether at least one screenshot must come with the
// journal.
func (c *Cohort) NeedsScreenshots() bool { return !c.EndOn.Before(screenshotsSince) }

// DocumentType is the kind of a qualification document, as the import numbers
// it.
type DocumentType int16

// The document types, by their number in the file; 0 means none.
const (
	DocumentNone              DocumentType = 0
	DocumentQualification     DocumentType = 1 // Удостоверение о повышении квалификации
	DocumentRetraining        DocumentType = 2 // Диплом о профессиональной переподготовке
	DocumentWorker            DocumentType = 3 // Свидетельство о профессии рабочего
	DocumentClerk             DocumentType = 4 // Свидетельство о должности служащего
	DocumentQualificationCert DocumentType = 5 // Свидетельство о повышении квалификации
	DocumentShortTerm         DocumentType = 6 // Удостоверение о краткосрочном повышении квалификации
	DocumentAdditional        DocumentType = 7 // Диплом о дополнительном образовании
)

// Learner is a person trained in a cohort.
type Learner struct {
	ID                 int64 `bun:",pk,autoincrement"`
	CohortID           int64
	Number             string // of the application, unique in the installation
	LastName           string
	FirstName          string
	MiddleName         string       // may be empty
	BornOn             Day          `bun:"type:date,nullzero"`
	Finished           bool         // finished successfully
	DocumentType       DocumentType `bun:",nullzero"`
	DocumentSeries     string       // may be empty
	DocumentNumber     string
	RegistrationNumber string
	DocumentOn         Day       `bun:"type:date,nullzero"` // date of the qualification document
	SentOn             Day       `bun:"type:date,nullzero"` // when it was sent to the learner
	InFRDO             bool      `bun:"in_frdo"`
	ActID              int64     `bun:",nullzero"` // the standing act that names this learner
	Revision           int       // +1 on every change
	CreatedAt          time.Time `bun:",nullzero"` // UTC
	UpdatedAt          time.Time `bun:",nullzero"` // UTC
}

// Name is the full name in the order of the papers: last, first, middle.
func (l *Learner) Name() string {
	name := l.LastName + " " + l.FirstName
	if l.MiddleName != "" {
		name += " " + l.MiddleName
	}
	return name
}

// Documented reports whether the learner finished successfully with a complete
// qualification document, which is all of Eligible but being free.
func (l *Learner) Documented() bool {
	return l.Finished && l.DocumentType != DocumentNone && l.DocumentNumber != "" &&
		l.RegistrationNumber != "" && !l.DocumentOn.IsZero()
}

// Eligible reports whether the learner can be chosen for a new act. The index
// learners_eligible says the same in SQL; a test ties the two together.
func (l *Learner) Eligible() bool { return l.Documented() && l.ActID == 0 }

// CohortQueries asks about cohorts and learners.
type CohortQueries interface {
	// Cohort returns the cohort if the actor may see it (a representative of its
	// partner, of the operator, an admin), else NotFound.
	Cohort(ctx context.Context, by Actor, id int64) (*Cohort, error)
	// CohortByNumber is Cohort by its number.
	CohortByNumber(ctx context.Context, by Actor, number string) (*Cohort, error)
	// EligibleLearners lists the ids of the learners who can be chosen, by name.
	EligibleLearners(ctx context.Context, cohortID int64) ([]int64, error)
	// EligibleCount counts them.
	EligibleCount(ctx context.Context, cohortID int64) (int, error)
	// LearnersPage lists learners who can be chosen for an act: the eligible and,
	// when actID is not 0, those that the act names; by name, from offset on, at
	// most limit.
	LearnersPage(ctx context.Context, cohortID, actID int64, offset, limit int) ([]Learner, error)
	// ActLearners lists the learners whom a standing act names, by name.
	ActLearners(ctx context.Context, actID int64) ([]Learner, error)
}

// CohortCommands changes cohorts and learners.
type CohortCommands interface {
	// CohortForUpdate is Cohort and holds the row until the transaction ends.
	// Whoever also locks acts of the cohort locks the cohort first.
	CohortForUpdate(ctx context.Context, by Actor, id int64) (*Cohort, error)
	// SaveCohort writes every column of a cohort that exists.
	SaveCohort(ctx context.Context, c *Cohort) error
	// LearnersForUpdate returns the learners of the cohort with these ids and
	// holds them. Ids of other cohorts are left out.
	LearnersForUpdate(ctx context.Context, cohortID int64, ids []int64) ([]Learner, error)
	// SetLearnersAct makes exactly these learners stand in the act; learners who
	// stood in it before and are not named are free again.
	SetLearnersAct(ctx context.Context, actID int64, ids []int64) error
}
