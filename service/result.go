package service

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strconv"
)

// Steps of the history of an application and, where they concern many, of its
// exam.
const (
	eventMarkPassed       = "mark_passed"
	eventMarkFailed       = "mark_failed"
	eventMarkAbsent       = "mark_absent"
	eventMarkNoViolations = "mark_no_violations"
	eventMarkViolations   = "mark_violations"
	eventUnmark           = "unmark"
	eventCorrect          = "correct" // after the protocol was approved

	eventPassedMany       = "passed_many"        // of an exam; the comment is the count
	eventNoViolationsMany = "no_violations_many" // of an exam; the comment is the count
)

// The refusals about results.
const (
	ReasonResultFrozen     Reason = "result.frozen"      // Data: the registration number
	ReasonResultEarly      Reason = "result.early"       // Data: the exam's Day
	ReasonResultWhy        Reason = "result.why"         // the protocol is approved: a correction says why
	ReasonResultIncomplete Reason = "result.incomplete"  // the protocol is approved: nothing may be missing
	ReasonResultAbsentMark Reason = "result.absent_mark" // violations of somebody who did not come
	ReasonResultsChanged   Reason = "result.changed"     // others are awaited than the person was told
	ReasonViolationsWhy    Reason = "result.violations_why"
)

// MarkInput is what is marked of one application.
type MarkInput struct {
	ApplicationID int64
	Revision      int        // of the application, as the person saw it
	Outcome       Outcome    // OutcomeAwaited keeps what stands
	Violations    Violations // ViolationsUnmarked keeps what stands
	Comment       string     // required for violations, and once the protocol is approved
}

// Mark writes down how an exam went for one candidate, or whether they broke its
// rules. It refuses before the day of the exam, and for good once the application
// has its registration number. After the protocol was approved a result can still
// be corrected, because a certificate printed by mistake is worse, but only with
// the reason, which stands in the history of the exam too, and so that nothing is
// missing again. If the application has moved on since the revision, Mark returns
// a Conflict and changes nothing.
func (s *Exams) Mark(ctx context.Context, by Actor, in MarkInput) (*Application, error) {
	in.Comment = plainText(in.Comment)
	var out *Application
	err := inApplication(ctx, s.store, s.now, by, in.ApplicationID, func(ctx context.Context, sc *examScene, a *Application) error {
		out = a
		if a.Revision != in.Revision {
			return movedOn(ctx, sc.tx, sc.by, SubjectApplication, a.ID, nil)
		}
		if err := canMark(sc.exam, a, sc.today); err != nil {
			return err
		}
		was := *a
		if err := applyMark(a, in); err != nil {
			return err
		}
		if a.Outcome == was.Outcome && a.Violations == was.Violations && a.ResultComment == was.ResultComment {
			return nil
		}
		return sc.saveMark(ctx, was, a, markEvent(&was, a), in.Comment)
	})
	if err != nil {
		return nil, fmt.Errorf("mark application %d: %w", in.ApplicationID, err)
	}
	return out, nil
}

// applyMark changes the facts of the result. A mark of violations goes with who
// came; a comment stays until what it is about changes.
func applyMark(a *Application, in MarkInput) error {
	if in.Outcome != OutcomeAwaited {
		a.Outcome = in.Outcome
	}
	switch {
	case in.Violations == ViolationsUnmarked:
	case a.Outcome == OutcomeAbsent:
		return refuse(Invalid, ReasonResultAbsentMark)
	case in.Violations == ViolationsFound && in.Comment == "":
		return refuse(Invalid, ReasonViolationsWhy)
	default:
		if a.Violations == ViolationsFound && in.Violations != ViolationsFound {
			a.ResultComment = ""
		}
		a.Violations = in.Violations
	}
	if a.Outcome == OutcomeAbsent {
		if a.Violations == ViolationsFound {
			a.ResultComment = ""
		}
		a.Violations = ViolationsUnmarked
	}
	if in.Comment == "" {
		return nil
	}
	if err := CheckComment(in.Comment); err != nil {
		return err
	}
	if a.Violations == ViolationsFound && in.Violations != ViolationsFound {
		return nil // the card goes on to say what rules were broken; the history has the reason
	}
	a.ResultComment = in.Comment
	return nil
}

// markEvent names the step from one result to another.
func markEvent(was, a *Application) string {
	switch {
	case a.Outcome != was.Outcome && a.Outcome == OutcomePassed:
		return eventMarkPassed
	case a.Outcome != was.Outcome && a.Outcome == OutcomeFailed:
		return eventMarkFailed
	case a.Outcome != was.Outcome && a.Outcome == OutcomeAbsent:
		return eventMarkAbsent
	case a.Violations == ViolationsFound:
		return eventMarkViolations
	}
	return eventMarkNoViolations
}

// saveMark writes a changed result and its step, if what is known of the exam
// stays whole.
func (sc *examScene) saveMark(ctx context.Context, was Application, a *Application, event, comment string) error {
	approved := sc.exam.ProtocolStatus == ProtocolApproved
	if approved && !a.Settled() {
		return refuse(Invalid, ReasonResultIncomplete)
	}
	if approved && comment == "" {
		return refuse(Invalid, ReasonResultWhy)
	}
	a.Revision++
	if err := sc.tx.SaveApplications(ctx, []Application{*a}); err != nil {
		return err
	}
	from, to := string(was.Status()), string(a.Status())
	if err := sc.note(ctx, SubjectApplication, a.ID, event, from, to, comment); err != nil {
		return err
	}
	if !approved {
		return nil
	}
	return sc.note(ctx, SubjectExam, sc.exam.ID, eventCorrect, from, to, a.Number+": "+comment)
}

// canMark refuses a result that is frozen, and one of an exam still to be held.
func canMark(e *Exam, a *Application, today Day) error {
	switch {
	case a.Frozen():
		return refuseWith(Conflict, ReasonResultFrozen, a.RegistrationNumber)
	case today.Before(e.HeldOn):
		return refuseWith(Invalid, ReasonResultEarly, e.HeldOn)
	}
	return nil
}

// CanMark is the refusal that marking the application would meet whatever is
// marked, nil when there is none. It saves people from a conversation that cannot
// succeed.
func (v *ApplicationView) CanMark() error {
	if !v.Staff {
		return refuse(Forbidden, ReasonForbidden)
	}
	return canMark(&v.Exam, &v.Application, v.Today)
}

// CanMark is the refusal that marking results of the exam would meet, nil when
// there is none.
func (v *ExamView) CanMark() error {
	if !v.Staff {
		return refuse(Forbidden, ReasonForbidden)
	}
	return canMark(&v.Exam, &Application{}, v.Today)
}

// Unmark takes back what was marked of one application by mistake: its result is
// awaited again. Where nothing was marked it changes nothing. Once the protocol is
// approved a result can be corrected, see Mark, but not taken back.
func (s *Exams) Unmark(ctx context.Context, by Actor, id int64, revision int) (*Application, error) {
	var out *Application
	err := inApplication(ctx, s.store, s.now, by, id, func(ctx context.Context, sc *examScene, a *Application) error {
		out = a
		if a.Revision != revision {
			return movedOn(ctx, sc.tx, sc.by, SubjectApplication, id, nil)
		}
		if err := canMark(sc.exam, a, sc.today); err != nil {
			return err
		}
		was := *a
		a.Outcome, a.Violations, a.ResultComment = OutcomeAwaited, ViolationsUnmarked, ""
		if a.Outcome == was.Outcome && a.Violations == was.Violations {
			return nil
		}
		return sc.saveMark(ctx, was, a, eventUnmark, "")
	})
	if err != nil {
		return nil, fmt.Errorf("unmark application %d: %w", id, err)
	}
	return out, nil
}

// AnyNumber has NoViolations mark however many there are.
const AnyNumber = -1

// NoViolations marks that nobody of those who came and have no mark yet broke the
// rules of the exam, if they are as many as the person was told, or AnyNumber;
// else it refuses and changes nothing. It returns how many it marked: none when
// everybody has their mark.
func (s *Exams) NoViolations(ctx context.Context, by Actor, examID int64, unmarked int) (int, error) {
	marked := 0
	err := inExam(ctx, s.store, s.now, by, examID, func(ctx context.Context, sc *examScene) error {
		var err error
		marked, err = sc.markMany(ctx, ApplicationAwaitingViolationsMark, unmarked, eventMarkNoViolations, eventNoViolationsMany,
			func(a *Application) { a.Violations = ViolationsNone })
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("mark no violations in exam %d: %w", examID, err)
	}
	return marked, nil
}

// PassRest marks everybody whose result is awaited as passed, if they are as many
// as the person was told; else it refuses and changes nothing. It returns how many
// it marked: none when no result is awaited.
func (s *Exams) PassRest(ctx context.Context, by Actor, examID int64, awaited int) (int, error) {
	marked := 0
	err := inExam(ctx, s.store, s.now, by, examID, func(ctx context.Context, sc *examScene) error {
		var err error
		marked, err = sc.markMany(ctx, ApplicationAwaitingResult, max(awaited, 0), eventMarkPassed, eventPassedMany,
			func(a *Application) { a.Outcome = OutcomePassed })
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("pass the rest of exam %d: %w", examID, err)
	}
	return marked, nil
}

// markMany changes the result of every application in a status and writes it down
// in the history of each and of the exam. Expected is how many they must be, or
// AnyNumber.
func (sc *examScene) markMany(ctx context.Context, status ApplicationStatus, expected int, event, many string, mark func(*Application)) (int, error) {
	all, err := sc.tx.ApplicationsForUpdate(ctx, sc.exam.ID, nil)
	if err != nil {
		return 0, err
	}
	var changed []Application
	var steps []History
	for i := range all {
		a := &all[i]
		if a.Status() != status {
			continue
		}
		if err := canMark(sc.exam, a, sc.today); err != nil {
			return 0, err
		}
		from := string(a.Status())
		mark(a)
		a.Revision++
		changed = append(changed, *a)
		steps = append(steps, History{
			Subject: SubjectApplication, SubjectID: a.ID, At: sc.now, PersonID: sc.by.PersonID,
			Event: event, FromStatus: from, ToStatus: string(a.Status()),
		})
	}
	if len(changed) == 0 {
		return 0, nil
	}
	if expected != AnyNumber && len(changed) != expected {
		return 0, refuse(Conflict, ReasonResultsChanged)
	}
	if err := sc.tx.SaveApplications(ctx, changed); err != nil {
		return 0, err
	}
	if err := sc.tx.AddHistories(ctx, steps); err != nil {
		return 0, err
	}
	return len(changed), sc.note(ctx, SubjectExam, sc.exam.ID, many, "", "", strconv.Itoa(len(changed)))
}

// ResultQueue is an exam's applications whose result is awaited, by name.
type ResultQueue struct {
	Exam  Exam
	Items []Application
	At    int // where the queue goes on; 0 when it is empty
}

// ResultQueue returns the queue of the exam of an application that the actor may
// see. It goes on with this application or, if its result is no longer awaited,
// with the next one by name, after the last with the first.
func (s *Exams) ResultQueue(ctx context.Context, by Actor, applicationID int64) (*ResultQueue, error) {
	a, err := s.store.Application(ctx, by, applicationID)
	if err != nil {
		return nil, fmt.Errorf("results from application %d on: %w", applicationID, err)
	}
	e, err := s.store.Exam(ctx, by, a.ExamID)
	if err != nil {
		return nil, fmt.Errorf("results of exam %d: %w", a.ExamID, err)
	}
	all, err := s.store.Applications(ctx, e.ID)
	if err != nil {
		return nil, fmt.Errorf("results of exam %d: %w", e.ID, err)
	}
	q := &ResultQueue{Exam: *e}
	for i := range all {
		if all[i].ID == applicationID {
			q.At = len(q.Items)
		}
		if all[i].Status() == ApplicationAwaitingResult {
			q.Items = append(q.Items, all[i])
		}
	}
	if q.At == len(q.Items) {
		q.At = 0
	}
	return q, nil
}

// columnCandidate is a column that the import of results passes over: it tells
// people whose row it is.
const columnCandidate = "Сдающий"

// ResultsTable writes the sheet «Результаты» of an exam for the staff of its
// center, with a row for each application that lacks its result or its mark of
// violations: filled in and sent back it is imported. The document's name is the
// exam's number.
func (s *Exams) ResultsTable(ctx context.Context, by Actor, examID int64) (Document, error) {
	doc, err := s.resultsTable(ctx, by, examID)
	if err != nil {
		return Document{}, fmt.Errorf("table of results of exam %d: %w", examID, err)
	}
	return doc, nil
}

func (s *Exams) resultsTable(ctx context.Context, by Actor, examID int64) (Document, error) {
	e, err := s.store.Exam(ctx, by, examID)
	if err != nil {
		return Document{}, err
	}
	if err := isStaffOf(by, e.CenterID); err != nil {
		return Document{}, err
	}
	list, err := s.store.Applications(ctx, examID)
	if err != nil {
		return Document{}, err
	}
	t := SheetTable{
		Name: sheetResults, Heads: 1, Widths: []float64{20, 40, 16, 12, 40},
		Rows: [][]string{{columnApplication, columnCandidate, columnResult, columnViolations, columnComment}},
	}
	for i := range list {
		if a := &list[i]; !a.Settled() {
			t.Rows = append(t.Rows, []string{a.Number, a.Name(), wordOf(outcomeWords, a.Outcome), wordOf(violationWords, a.Violations), a.ResultComment})
		}
	}
	var b bytes.Buffer
	if err := s.book.Table(ctx, t, &b); err != nil {
		return Document{}, err
	}
	return Document{Name: fileName(e.Number), Size: int64(b.Len()), Open: func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(b.Bytes())), nil
	}}, nil
}

// wordOf is the word by which a value is chosen, "" for one that none names.
func wordOf[V comparable](choices []choice[V], value V) string {
	for _, c := range choices {
		if c.value == value {
			return c.words[0]
		}
	}
	return ""
}
