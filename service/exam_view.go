package service

import (
	"context"
	"fmt"
	"strings"
)

// ExamView is everything that an exam's card shows. It holds no applications: an
// exam can have hundreds, and its card counts them.
type ExamView struct {
	Exam     Exam
	Org      Org                       // the center
	Center   Center                    // what its certificates need
	Protocol *Protocol                 // newest version, nil before the first
	Reviewer string                    // name of who has taken the protocol, "" when nobody has
	PausedBy string                    // name of who has paused the deliveries, "" when nobody has
	ByStatus map[ApplicationStatus]int // how many applications stand in each status
	Today    Day                       // in the center's zone
	Staff    bool                      // the reader works in the center: the others only look

	Questions int // scanned pages that a person decides on
	Typed     int // registration numbers that a person typed
}

// Count counts the applications that stand in the status.
func (v *ExamView) Count(status ApplicationStatus) int { return v.ByStatus[status] }

// TakesNumbers reports whether an answer of ФИС ФРДО can be imported: numbers are
// missing, or some that a person typed can be held against it.
func (v *ExamView) TakesNumbers() bool {
	switch v.Exam.CertificateStatus {
	case CertificatesToGenerate:
		return true
	case CertificatesToLoad, CertificatesPartlyLoaded, CertificatesLoaded:
		return v.Typed > 0
	case CertificatesNotReady, CertificatesNotNeeded:
	}
	return false
}

// ExamNext names what an exam waits for.
type ExamNext string

// What an exam can wait for, in the order of its life.
const (
	NextApplications ExamNext = "applications" // there are none yet
	NextHold         ExamNext = "hold"         // the day of the exam
	NextResults      ExamNext = "results"      // results are missing
	NextViolations   ExamNext = "violations"   // marks of violations are missing
	NextProtocol     ExamNext = "protocol"     // to be uploaded, or replaced
	NextApproval     ExamNext = "approval"     // of the protocol
	NextNumbers      ExamNext = "numbers"      // of ФИС ФРДО
	NextScans        ExamNext = "scans"
	NextHandover     ExamNext = "handover"
	NextNothing      ExamNext = "nothing"
)

// Next is what the exam waits for now.
func (v *ExamView) Next() ExamNext {
	e := &v.Exam
	switch {
	case e.Applications == 0:
		return NextApplications
	case e.Unsettled > 0 && v.Today.Before(e.HeldOn):
		return NextHold
	case v.Count(ApplicationAwaitingResult) > 0:
		return NextResults
	case v.Count(ApplicationAwaitingViolationsMark) > 0:
		return NextViolations
	case e.ProtocolStatus == ProtocolMissing || e.ProtocolStatus == ProtocolRejected:
		return NextProtocol
	case e.ProtocolStatus != ProtocolApproved:
		return NextApproval
	case e.Numbered < e.Successful:
		return NextNumbers
	case e.Loaded < e.Successful:
		return NextScans
	case v.Count(ApplicationAwaitingHandover) > 0:
		return NextHandover
	}
	return NextNothing
}

// View returns an exam with its applications for whoever may see it.
func (s *Exams) View(ctx context.Context, by Actor, id int64) (*ExamView, error) {
	e, err := s.store.Exam(ctx, by, id)
	if err != nil {
		return nil, fmt.Errorf("exam %d: %w", id, err)
	}
	v, err := s.view(ctx, by, e)
	if err != nil {
		return nil, fmt.Errorf("exam %d: %w", id, err)
	}
	return v, nil
}

// ViewByNumber is View by the exam's number.
func (s *Exams) ViewByNumber(ctx context.Context, by Actor, number string) (*ExamView, error) {
	e, err := s.store.ExamByNumber(ctx, by, number)
	if err != nil {
		return nil, fmt.Errorf("exam by number: %w", err)
	}
	v, err := s.view(ctx, by, e)
	if err != nil {
		return nil, fmt.Errorf("exam %d: %w", e.ID, err)
	}
	return v, nil
}

func (s *Exams) view(ctx context.Context, by Actor, e *Exam) (*ExamView, error) {
	v := &ExamView{Exam: *e, Staff: isStaffOf(by, e.CenterID) == nil}
	org, err := s.store.Org(ctx, e.CenterID)
	if err != nil {
		return nil, fmt.Errorf("organisation %d: %w", e.CenterID, err)
	}
	v.Org = *org
	center, err := s.store.Center(ctx, e.CenterID)
	if err != nil {
		return nil, fmt.Errorf("center %d: %w", e.CenterID, err)
	}
	v.Center = *center
	loc, err := org.Location()
	if err != nil {
		return nil, err
	}
	v.Today = DayOf(s.now(), loc)
	if e.ProtocolVersion > 0 {
		if v.Protocol, err = s.store.Protocol(ctx, e.ID, e.ProtocolVersion); err != nil {
			return nil, fmt.Errorf("protocol: %w", err)
		}
	}
	if e.ReviewerID != 0 {
		p, err := s.store.Person(ctx, e.ReviewerID)
		if err != nil {
			return nil, fmt.Errorf("reviewer: %w", err)
		}
		v.Reviewer = p.Name
	}
	if e.PausedBy != 0 {
		p, err := s.store.Person(ctx, e.PausedBy)
		if err != nil {
			return nil, fmt.Errorf("who paused: %w", err)
		}
		v.PausedBy = p.Name
	}
	if v.ByStatus, err = s.store.ApplicationCounts(ctx, e.ID); err != nil {
		return nil, fmt.Errorf("count applications: %w", err)
	}
	if v.Typed, err = s.store.TypedNumbers(ctx, e.ID); err != nil {
		return nil, fmt.Errorf("count typed numbers: %w", err)
	}
	questions, err := s.store.QuestionCount(ctx, e.ID, 0)
	if err != nil {
		return nil, fmt.Errorf("count questions: %w", err)
	}
	v.Questions = questions.Count
	return v, nil
}

// ApplicationView is everything that an application's card shows.
type ApplicationView struct {
	Application Application
	Exam        Exam
	Org         Org  // the center
	Today       Day  // in the center's zone
	Staff       bool // the reader works in the center: the others only look
	Delivery    DeliveryFacts
}

// Application returns an application for whoever may see its exam.
func (s *Exams) Application(ctx context.Context, by Actor, id int64) (*ApplicationView, error) {
	a, err := s.store.Application(ctx, by, id)
	if err != nil {
		return nil, fmt.Errorf("application %d: %w", id, err)
	}
	e, err := s.store.Exam(ctx, by, a.ExamID)
	if err != nil {
		return nil, fmt.Errorf("exam %d: %w", a.ExamID, err)
	}
	org, err := s.store.Org(ctx, e.CenterID)
	if err != nil {
		return nil, fmt.Errorf("organisation %d: %w", e.CenterID, err)
	}
	loc, err := org.Location()
	if err != nil {
		return nil, err
	}
	facts, err := deliveryFacts(ctx, s.store, a, s.now())
	if err != nil {
		return nil, err
	}
	facts.QuietUntil = quietUntil(s.now(), org.Zone)
	return &ApplicationView{
		Application: *a, Exam: *e, Org: *org, Today: DayOf(s.now(), loc), Staff: isStaffOf(by, e.CenterID) == nil, Delivery: facts,
	}, nil
}

// ApplicationByNumber is Application by the application's number.
func (s *Exams) ApplicationByNumber(ctx context.Context, by Actor, number string) (*Application, error) {
	a, err := s.store.ApplicationByNumber(ctx, by, number)
	if err != nil {
		return nil, fmt.Errorf("application by number: %w", err)
	}
	return a, nil
}

// ApplicationList is a page of an exam's applications, by name.
type ApplicationList struct {
	Exam  Exam
	Items []Application
	More  bool // there are applications behind this page
}

// Applications returns a page of the applications of an exam that the actor may
// see, from offset on, at most limit.
func (s *Exams) Applications(ctx context.Context, by Actor, examID int64, f ApplicationFilter, offset, limit int) (*ApplicationList, error) {
	e, err := s.store.Exam(ctx, by, examID)
	if err != nil {
		return nil, fmt.Errorf("applications of exam %d: %w", examID, err)
	}
	f.Search = searched(f.Search)
	items, err := s.store.ApplicationsPage(ctx, e.ID, f, max(offset, 0), limit+1)
	if err != nil {
		return nil, fmt.Errorf("applications of exam %d: %w", examID, err)
	}
	list := &ApplicationList{Exam: *e, Items: items}
	if len(items) > limit {
		list.Items, list.More = items[:limit], true
	}
	return list, nil
}

// History returns the steps of an exam that the actor may see, oldest first.
func (s *Exams) History(ctx context.Context, by Actor, id int64) (*Exam, []History, error) {
	e, err := s.store.Exam(ctx, by, id)
	if err != nil {
		return nil, nil, fmt.Errorf("history of exam %d: %w", id, err)
	}
	steps, err := s.store.HistoryOf(ctx, SubjectExam, id, historyLimit)
	if err != nil {
		return nil, nil, fmt.Errorf("history of exam %d: %w", id, err)
	}
	return e, steps, nil
}

// ApplicationHistory returns the steps of an application that the actor may see,
// oldest first.
func (s *Exams) ApplicationHistory(ctx context.Context, by Actor, id int64) (*Application, []History, error) {
	a, err := s.store.Application(ctx, by, id)
	if err != nil {
		return nil, nil, fmt.Errorf("history of application %d: %w", id, err)
	}
	steps, err := s.store.HistoryOf(ctx, SubjectApplication, id, historyLimit)
	if err != nil {
		return nil, nil, fmt.Errorf("history of application %d: %w", id, err)
	}
	return a, steps, nil
}

// Found is what a number leads to: one exam, one application, or the exams whose
// numbers begin with it.
type Found struct {
	ExamID        int64 // 0: no exam has just this number
	ApplicationID int64 // 0: no application has just this number
	Exams         []ExamItem
	More          bool // more exams begin with it
}

// Find looks for a number among the exams and applications that the actor may
// see, and lists at most limit exams whose numbers begin with it.
func (s *Exams) Find(ctx context.Context, by Actor, number string, limit int) (*Found, error) {
	number = searched(number)
	if number == "" {
		return &Found{}, nil
	}
	for _, n := range []string{number, strings.ToUpper(number)} { // as a telephone types it
		e, err := s.store.ExamByNumber(ctx, by, n)
		if err == nil {
			return &Found{ExamID: e.ID}, nil
		}
		if AsError(err).Kind != NotFound {
			return nil, fmt.Errorf("find exam: %w", err)
		}
		a, err := s.store.ApplicationByNumber(ctx, by, n)
		if err == nil {
			return &Found{ApplicationID: a.ID}, nil
		}
		if AsError(err).Kind != NotFound {
			return nil, fmt.Errorf("find application: %w", err)
		}
	}
	list, err := s.store.ExamList(ctx, by, ExamFilter{Search: number}, 0, limit+1)
	if err != nil {
		return nil, fmt.Errorf("find exams: %w", err)
	}
	f := &Found{Exams: list}
	if len(list) > limit {
		f.Exams, f.More = list[:limit], true
	}
	if len(list) == 1 {
		return &Found{ExamID: list[0].ID}, nil
	}
	return f, nil
}

// The refusals of ParsePeriod.
const (
	ReasonPeriodUnreadable Reason = "exam.period_unreadable"
	ReasonPeriodBackwards  Reason = "exam.period_backwards"
)

// ParsePeriod reads a day, ДД.ММ.ГГГГ, or two with a dash between them.
func ParsePeriod(text string) (from, to Day, err error) {
	text = strings.NewReplacer("—", "–", "-", "–", " ", "", " ", "").Replace(strings.TrimSpace(text))
	first, second, both := strings.Cut(text, "–")
	if !both {
		second = first
	}
	if from, err = ParseDay(first); err == nil {
		to, err = ParseDay(second)
	}
	switch {
	case err != nil:
		return Day{}, Day{}, &Error{Kind: Invalid, Reason: ReasonPeriodUnreadable, Err: err}
	case to.Before(from):
		return Day{}, Day{}, refuse(Invalid, ReasonPeriodBackwards)
	}
	return from, to, nil
}

// List lists exams by day, newest first, from offset on, at most limit.
func (s *Exams) List(ctx context.Context, by Actor, f ExamFilter, offset, limit int) ([]ExamItem, error) {
	list, err := s.store.ExamList(ctx, by, f, offset, limit)
	if err != nil {
		return nil, fmt.Errorf("list exams: %w", err)
	}
	return list, nil
}

// Counts counts the exams by certificate status, each up to ExamCountCap; the
// filter's own statuses are passed over.
func (s *Exams) Counts(ctx context.Context, by Actor, f ExamFilter) (map[CertificateStatus]int, error) {
	counts, err := s.store.ExamCounts(ctx, by, f)
	if err != nil {
		return nil, fmt.Errorf("count exams: %w", err)
	}
	return counts, nil
}
