package service

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Exam is one session at one place on one date, held by a testing centre. Its
// status of certificates is computed, see CertificateStatusOf.
type Exam struct {
	ID              int64  `bun:",pk,autoincrement"`
	Number          string // unique in the installation
	CenterID        int64  // Org
	Venue           string // «Площадка»; may be empty
	Address         string // of the venue
	HeldOn          Day    `bun:"type:date"`
	HeldAt          string // ЧЧ:ММ in the center's zone; "" when it is not known
	ProtocolStatus  ProtocolStatus
	ProtocolVersion int        // newest version of the protocol, 0 before the first
	ProtocolComment string     // of the last rejection
	ReviewerID      int64      `bun:",nullzero"` // who has taken the protocol; 0 when free
	TakenAt         *time.Time // UTC; set together with ReviewerID
	PausedAt        *time.Time // UTC; since when nothing is delivered, nil: it is
	PausedBy        int64      `bun:",nullzero"` // set together with PausedAt
	Revision        int        // +1 on every change of the exam itself; guards against stale buttons
	CreatedAt       time.Time  `bun:",nullzero"` // UTC
	UpdatedAt       time.Time  `bun:",nullzero"` // UTC

	// What the database counts and computes of the exam's applications.
	Applications      int               `bun:",scanonly"`
	Unsettled         int               `bun:",scanonly"` // lack their result or their violations mark
	Successful        int               `bun:",scanonly"` // passed without violations
	Numbered          int               `bun:",scanonly"` // of these, have their registration number
	Loaded            int               `bun:",scanonly"` // of these, have their scan
	Unnamed           int               `bun:",scanonly"` // loaded, and nobody has said their blank
	CertificateStatus CertificateStatus `bun:",scanonly"`
}

// Level is what a certificate is for.
type Level string

// The levels.
const (
	LevelPatent    Level = "patent"    // «Патент или разрешение на работу»
	LevelTemporary Level = "temporary" // «Разрешение на временное проживание (РВП)»
	LevelPermanent Level = "permanent" // «Вид на жительство (ВНЖ)»
)

// Levels are all of them, in the order in which they are offered.
var Levels = []Level{LevelPatent, LevelTemporary, LevelPermanent}

// validYears is how long a certificate of each level is valid from its issue
// date, in years; 0 is without limit. Source: the domain, section 3.
var validYears = map[Level]int{LevelPatent: 3, LevelTemporary: 3, LevelPermanent: 0}

// ValidUntil is the last day of a certificate of the level: the same day of a
// later year, 28 February for the 29th. The zero day is without limit.
func (l Level) ValidUntil(issued Day) Day {
	years := validYears[l]
	if years == 0 || issued.IsZero() {
		return Day{}
	}
	until := Day{Year: issued.Year + years, Month: issued.Month, Day: issued.Day}
	if issued.Month == time.February && issued.Day == 29 && until.Year%4 != 0 {
		until.Day = 28
	}
	return until
}

// Outcome is how an exam went for a candidate.
type Outcome string

// The outcomes.
const (
	OutcomeAwaited Outcome = ""
	OutcomeAbsent  Outcome = "absent"
	OutcomeFailed  Outcome = "failed"
	OutcomePassed  Outcome = "passed"
)

// Violations tells whether a candidate broke the rules of the exam.
type Violations string

// The marks.
const (
	ViolationsUnmarked Violations = ""
	ViolationsNone     Violations = "none"
	ViolationsFound    Violations = "found"
)

// Application is one candidate at one exam. Its status is never set: it follows
// from the facts, see Status.
type Application struct {
	ID                 int64  `bun:",pk,autoincrement"`
	Number             string // unique in the installation
	ExamID             int64
	Level              Level
	LastName           string
	FirstName          string
	MiddleName         string // may be empty, as all below down to the language
	LastNameLatin      string
	FirstNameLatin     string
	MiddleNameLatin    string
	BornOn             Day    `bun:"type:date"`
	Gender             string // m, f
	IdentityDocument   string // series and number
	Citizenship        string // ISO 3166-1 alpha-2; XX: stateless
	Phone              string // digits with the country's code, no plus
	Language           string // of the candidate, one of CandidateLanguages
	Outcome            Outcome
	Violations         Violations
	ResultComment      string
	RegistrationNumber string     // of ФИС ФРДО; "" before
	NumberTyped        bool       // a person typed it, and no answer of ФИС ФРДО has said it since
	IssuedOn           Day        `bun:"type:date,nullzero"` // of the certificate; set together with the number
	ValidUntil         Day        `bun:"type:date,nullzero"` // last day; zero with a number: without limit
	ScanID             int64      `bun:",nullzero"`          // the loaded scan; 0: not loaded
	HandedOn           Day        `bun:"type:date,nullzero"` // the paper was handed over; zero before
	PersonID           int64      `bun:",nullzero"`          // the candidate, once linked
	LinkedAt           *time.Time // UTC
	DeliverAt          *time.Time // UTC; the scan goes out then, nil: nothing to send
	DeliveredAt        *time.Time // UTC; the present scan reached its candidate
	Revision           int        // +1 on every change
	CreatedAt          time.Time  `bun:",nullzero"` // UTC
	UpdatedAt          time.Time  `bun:",nullzero"` // UTC

	BlankSeries string `bun:",scanonly"` // of the loaded scan
	BlankNumber string `bun:",scanonly"` // of the loaded scan

	BlankState BlankState `bun:",scanonly"` // of that blank; "" while its number is not known

	ScanSource ScanSource `bun:",scanonly"` // of the loaded scan; "" for none
}

// Name is the full name in the order of the papers: last, first, middle.
func (a *Application) Name() string { return joined(a.LastName, a.FirstName, a.MiddleName) }

// NameLatin is Name in Latin letters, "" when it is not known.
func (a *Application) NameLatin() string {
	return joined(a.LastNameLatin, a.FirstNameLatin, a.MiddleNameLatin)
}

// joined puts the words that are there on one line.
func joined(words ...string) string {
	return strings.Join(strings.Fields(strings.Join(words, " ")), " ")
}

// Unlimited reports whether the certificate is valid without limit.
func (a *Application) Unlimited() bool { return a.RegistrationNumber != "" && a.ValidUntil.IsZero() }

// ApplicationStatus is where an application stands.
type ApplicationStatus string

// The statuses, in the order of the domain.
const (
	ApplicationAwaitingResult         ApplicationStatus = "awaiting_result"
	ApplicationAbsent                 ApplicationStatus = "absent"
	ApplicationFailed                 ApplicationStatus = "failed"
	ApplicationAwaitingViolationsMark ApplicationStatus = "awaiting_violations_mark"
	ApplicationViolated               ApplicationStatus = "violated"
	ApplicationAwaitingCertificate    ApplicationStatus = "awaiting_certificate"
	ApplicationAwaitingHandover       ApplicationStatus = "awaiting_handover"
	ApplicationCompleted              ApplicationStatus = "completed"
)

// ApplicationStatuses are all of them, in the order of the domain.
var ApplicationStatuses = []ApplicationStatus{
	ApplicationAwaitingResult, ApplicationAbsent, ApplicationFailed, ApplicationAwaitingViolationsMark,
	ApplicationViolated, ApplicationAwaitingCertificate, ApplicationAwaitingHandover, ApplicationCompleted,
}

// Status computes where the application stands. Where facts compete: not come,
// then violations, then failed, then passed; the mark of violations is required
// of those who came. The function application_status says the same in SQL, and a
// test ties the two together.
func (a *Application) Status() ApplicationStatus {
	switch {
	case a.Outcome == OutcomeAbsent:
		return ApplicationAbsent
	case a.Violations == ViolationsFound:
		return ApplicationViolated
	case a.Outcome == OutcomeAwaited:
		return ApplicationAwaitingResult
	case a.Violations == ViolationsUnmarked:
		return ApplicationAwaitingViolationsMark
	case a.Outcome == OutcomeFailed:
		return ApplicationFailed
	case !a.HandedOn.IsZero():
		return ApplicationCompleted
	case a.ScanID != 0:
		return ApplicationAwaitingHandover
	}
	return ApplicationAwaitingCertificate
}

// Entitled reports whether a certificate is due: passed, without violations.
func (a *Application) Entitled() bool {
	return a.Outcome == OutcomePassed && a.Violations == ViolationsNone
}

// Settled reports whether the application has its result and, if the candidate
// came, its mark of violations.
func (a *Application) Settled() bool {
	s := a.Status()
	return s != ApplicationAwaitingResult && s != ApplicationAwaitingViolationsMark
}

// Frozen reports whether the result can change no more: it is printed.
func (a *Application) Frozen() bool { return a.RegistrationNumber != "" }

// CertificateStatus is how far an exam is with its certificates.
type CertificateStatus string

// The statuses, in the order of the domain, which is the order in which they are
// asked.
const (
	CertificatesNotReady     CertificateStatus = "not_ready"
	CertificatesNotNeeded    CertificateStatus = "not_needed"
	CertificatesToGenerate   CertificateStatus = "to_generate"
	CertificatesToLoad       CertificateStatus = "to_load"
	CertificatesPartlyLoaded CertificateStatus = "partly_loaded"
	CertificatesLoaded       CertificateStatus = "loaded"
)

// CertificateStatuses are all of them, in the order of the domain.
var CertificateStatuses = []CertificateStatus{
	CertificatesNotReady, CertificatesNotNeeded, CertificatesToGenerate,
	CertificatesToLoad, CertificatesPartlyLoaded, CertificatesLoaded,
}

// CertificateStatusOf computes an exam's status of certificates from its
// protocol's status and its applications. The column exams.certificate_status
// says the same in SQL, and a test ties the two together.
func CertificateStatusOf(protocol ProtocolStatus, applications []Application) CertificateStatus {
	var successful, numbered, loaded int
	for i := range applications {
		a := &applications[i]
		if !a.Settled() {
			return CertificatesNotReady
		}
		if !a.Entitled() {
			continue
		}
		successful++
		if a.RegistrationNumber != "" {
			numbered++
		}
		if a.ScanID != 0 {
			loaded++
		}
	}
	switch {
	case protocol != ProtocolApproved:
		return CertificatesNotReady
	case successful == 0:
		return CertificatesNotNeeded
	case numbered < successful:
		return CertificatesToGenerate
	case loaded == 0:
		return CertificatesToLoad
	case loaded < successful:
		return CertificatesPartlyLoaded
	}
	return CertificatesLoaded
}

// ExamFilter narrows a list of exams. The zero filter lists all that the actor
// may see.
type ExamFilter struct {
	Number       string              // "" for any; else the exam of this number alone
	Search       string              // how the number begins; "" for any
	Own          bool                // only those of centers in which the actor works
	Certificates []CertificateStatus // nil for any
	Protocols    []ProtocolStatus    // nil for any
	From, To     Day                 // held on these days or between them; zero: without bound
	Unsettled    bool                // only those in which a result or a mark is missing
	Settled      bool                // only those with applications in which none is missing
	ReviewerID   int64               // this person has taken the protocol; 0 for whoever
	HeldBefore   Day                 // only those held before this day; zero: any
	Questions    bool                // only those with scanned pages that a person decides on
	Scheduled    bool                // only those with scans on their way to candidates, linked or not, that nobody has paused
	Paused       bool                // only those whose deliveries are paused
	GivableAt    time.Time           // only those that nobody has paused, with scans that can go at this moment before their hold is over; zero: any
}

// ApplicationFilter narrows a list of the applications of an exam. The zero
// filter lists all.
type ApplicationFilter struct {
	Status ApplicationStatus // "" for any
	Search string            // a part of the name, also in Latin, or of the number; Ё is Е; "" for any
}

// ExamItem is a line of a list of exams.
type ExamItem struct {
	ID                int64
	Number            string
	CenterID          int64
	Center            string // name
	HeldOn            Day
	ProtocolStatus    ProtocolStatus
	CertificateStatus CertificateStatus
	Applications      int
	Successful        int
	Loaded            int
	Revision          int
}

// ExamCountCap is where the counts of exams stop for whoever asks: it means "so
// many or more". What one center has does not grow with the installation; an admin
// sees all of it, and their list is to be as fast in a large one as in a small.
func ExamCountCap(by Actor) int {
	if by.Has(RoleAdmin) {
		return 100
	}
	return 1000
}

// ExamQueries asks about exams and applications. The actor sees what the staff
// of the exam's center see; admins see every exam.
type ExamQueries interface {
	// Exam returns the exam if the actor may see it, else NotFound.
	Exam(ctx context.Context, by Actor, id int64) (*Exam, error)
	// ExamByNumber is Exam by its number.
	ExamByNumber(ctx context.Context, by Actor, number string) (*Exam, error)
	// ExamList lists exams by day, newest first, from offset on, at most limit.
	ExamList(ctx context.Context, by Actor, filter ExamFilter, offset, limit int) ([]ExamItem, error)
	// ExamCounts counts the exams by certificate status, each up to ExamCountCap;
	// the filter's own statuses are passed over.
	ExamCounts(ctx context.Context, by Actor, filter ExamFilter) (map[CertificateStatus]int, error)
	// Applications lists the applications of an exam by name.
	Applications(ctx context.Context, examID int64) ([]Application, error)
	// ApplicationsPage lists the exam's applications by name, from offset on, at
	// most limit.
	ApplicationsPage(ctx context.Context, examID int64, filter ApplicationFilter, offset, limit int) ([]Application, error)
	// ApplicationCounts counts the exam's applications by their status.
	ApplicationCounts(ctx context.Context, examID int64) (map[ApplicationStatus]int, error)
	// LoadedScans returns the SHA-256 of what candidates get, by the id of the
	// application, for each loaded scan of the exam.
	LoadedScans(ctx context.Context, examID int64) (map[int64]string, error)
	// Application returns the application if the actor may see its exam, else
	// NotFound.
	Application(ctx context.Context, by Actor, id int64) (*Application, error)
	// ApplicationByNumber is Application by its number.
	ApplicationByNumber(ctx context.Context, by Actor, number string) (*Application, error)
}

// ExamCommands changes exams and applications. Whoever changes an application
// has locked its exam before: InExam does.
type ExamCommands interface {
	// ExamForUpdate is Exam and holds the row until the transaction ends.
	ExamForUpdate(ctx context.Context, by Actor, id int64) (*Exam, error)
	// SaveExam writes every column of an exam that exists but what is counted.
	SaveExam(ctx context.Context, e *Exam) error
	// ApplicationsForUpdate returns the exam's applications with these ids, nil for
	// all, by name, and holds them. Ids of other exams are left out.
	ApplicationsForUpdate(ctx context.Context, examID int64, ids []int64) ([]Application, error)
	// SaveApplications writes every column of applications that exist but number
	// and exam.
	SaveApplications(ctx context.Context, list []Application) error
}

// Exams holds the use cases around exams, their applications and results.
type Exams struct {
	store Store
	book  SheetBook
	now   Clock
}

// NewExams returns the use cases over store; book writes the tables to fill in.
func NewExams(store Store, book SheetBook, now Clock) *Exams {
	return &Exams{store: store, book: book, now: now}
}

// examScene is an exam with what most deeds look at, held by the transaction.
type examScene struct {
	tx     Tx
	by     Actor // with the rights as they stand now
	exam   *Exam
	center *Center
	org    *Org // of the center
	today  Day  // in the center's zone
	now    time.Time
}

// inExam runs fn with an exam held, for the staff of its center. Whoever else may
// see the exam is Forbidden, everybody else gets NotFound. Rights are asked once
// more inside: one can have ended since the press came in.
func inExam(ctx context.Context, store Store, now Clock, by Actor, examID int64, fn func(context.Context, *examScene) error) error {
	return store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		sc, err := enterExam(ctx, tx, now, by, examID)
		if err != nil {
			return err
		}
		return fn(ctx, sc)
	})
}

func enterExam(ctx context.Context, tx Tx, now Clock, by Actor, examID int64) (*examScene, error) {
	sc := &examScene{tx: tx, by: by, now: now().UTC()}
	var err error
	if sc.exam, err = tx.ExamForUpdate(ctx, by, examID); err != nil {
		return nil, err
	}
	if by.PersonID != 0 {
		if sc.by, err = tx.ActorByID(ctx, by.PersonID); err != nil {
			return nil, err
		}
	}
	if !by.IsSystem() {
		if err := isStaffOf(sc.by, sc.exam.CenterID); err != nil {
			return nil, err
		}
	}
	if sc.org, err = tx.Org(ctx, sc.exam.CenterID); err != nil {
		return nil, fmt.Errorf("organisation %d: %w", sc.exam.CenterID, err)
	}
	if sc.center, err = tx.Center(ctx, sc.exam.CenterID); err != nil {
		return nil, fmt.Errorf("center %d: %w", sc.exam.CenterID, err)
	}
	loc, err := sc.org.Location()
	if err != nil {
		return nil, err
	}
	sc.today = DayOf(sc.now, loc)
	return sc, nil
}

// isStaffOf refuses whoever does not work in the center now.
func isStaffOf(by Actor, centerID int64) error {
	if !by.In(RoleCenterStaff, centerID) {
		return refuse(Forbidden, ReasonForbidden)
	}
	return nil
}

// inApplication is inExam for the exam of an application, which is held too.
func inApplication(ctx context.Context, store Store, now Clock, by Actor, applicationID int64, fn func(context.Context, *examScene, *Application) error) error {
	return store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		seen, err := tx.Application(ctx, by, applicationID)
		if err != nil {
			return err
		}
		sc, err := enterExam(ctx, tx, now, by, seen.ExamID)
		if err != nil {
			return err
		}
		held, err := tx.ApplicationsForUpdate(ctx, seen.ExamID, []int64{applicationID})
		if err != nil {
			return err
		}
		if len(held) == 0 { // it has moved to another exam
			return refuse(NotFound, ReasonNotFound)
		}
		return fn(ctx, sc, &held[0])
	})
}

// note writes one step of the life of the exam or of one of its applications.
func (sc *examScene) note(ctx context.Context, subject string, id int64, event, from, to, comment string) error {
	return sc.tx.AddHistory(ctx, History{
		Subject: subject, SubjectID: id, At: sc.now, PersonID: sc.by.PersonID,
		Event: event, FromStatus: from, ToStatus: to, Comment: comment,
	})
}
