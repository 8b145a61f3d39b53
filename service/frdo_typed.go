package service

import (
	"context"
	"fmt"
	"strconv"
)

// The events of a reconciliation of typed numbers.
const (
	examReconciled  = "reconcile"      // of an exam; the comment is how many were corrected
	numberCorrected = "correct_number" // of an application; the comment is both numbers with their days
	numberConfirmed = "confirm_number" // of an application; the comment is the number with its day
)

// Reconciliation is what the answer of ФИС ФРДО has made of typed numbers.
type Reconciliation struct {
	Corrected []Application // as they are now, in the order of their names
	Withheld  int           // of these, scans that go to nobody now until a person decides
	Confirmed int           // numbers that were typed as the answer has them
	Matched   int           // rows of the table that certificates can be generated from now
}

// Reconcile has the actor's table decide on the numbers and days that people typed:
// those that it has otherwise are corrected, those that it has too are confirmed; all
// of it or nothing, and what was typed stays in the history. Two applications can get
// each other's. The scan of a corrected number that has not gone out goes to nobody by
// itself any more: it may be another's. The table stays while something can be generated
// from it. In is that of the report that the person was looking at; another one is a
// Conflict with the new, and nothing changes.
func (s *Frdo) Reconcile(ctx context.Context, by Actor, in NumbersInput) (*Reconciliation, error) {
	var out *Reconciliation
	err := s.inReport(ctx, by, in, func(ctx context.Context, sc *examScene, list []Application, report *NumbersReport) error {
		if report.Reconcilable() == 0 {
			return refuse(Invalid, ReasonFrdoNothing)
		}
		out = &Reconciliation{}
		if err := sc.reconcile(ctx, list, report, out); err != nil {
			return err
		}
		left, err := matched(ctx, sc.tx, sc.exam, sc.today, list, &numberTable{Rows: report.Rows})
		if err != nil {
			return err
		}
		if out.Matched = left.Matched; out.Matched > 0 {
			return nil
		}
		_, err = useUpload(ctx, sc.tx, sc.by, in.UploadID, UploadNumbers, in.ExamID)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reconcile typed numbers of exam %d: %w", in.ExamID, err)
	}
	return out, nil
}

// reconcile writes what a report says of the typed numbers of the applications.
func (sc *examScene) reconcile(ctx context.Context, list []Application, report *NumbersReport, out *Reconciliation) error {
	row := map[int64]*NumberRow{}
	for i := range report.Rows {
		if r := &report.Rows[i]; r.reconciles() {
			row[r.Application] = r
		}
	}
	var changed []Application
	var released []int64
	for i := range list {
		a := &list[i]
		r := row[a.ID]
		if r == nil {
			continue
		}
		event, comment := numberConfirmed, numberWithDay(a.RegistrationNumber, a.IssuedOn)
		if r.Verdict == NumberTyped {
			if a.correct(r) {
				released = append(released, a.ID)
				out.withhold(a)
			}
			event, comment = numberCorrected, comment+retyped+numberWithDay(a.RegistrationNumber, a.IssuedOn)
		}
		a.NumberTyped = false
		a.Revision++
		if r.Verdict == NumberTyped {
			out.Corrected = append(out.Corrected, *a)
		} else {
			out.Confirmed++
		}
		if err := sc.note(ctx, SubjectApplication, a.ID, event, "", "", comment); err != nil {
			return err
		}
		changed = append(changed, *a)
	}
	if err := sc.tx.ReleaseNumbers(ctx, released); err != nil {
		return err
	}
	if err := sc.tx.SaveApplications(ctx, changed); err != nil {
		return err
	}
	return sc.note(ctx, SubjectExam, sc.exam.ID, examReconciled, "", "", strconv.Itoa(len(out.Corrected)))
}

// correct gives an application the number and the day of a row, and reports whether
// the number is another one.
func (a *Application) correct(r *NumberRow) bool {
	other := alikeNumber(a.RegistrationNumber) != alikeNumber(r.Number)
	if other {
		a.RegistrationNumber = r.Number
	}
	a.IssuedOn, a.ValidUntil = r.IssuedOn, a.Level.ValidUntil(r.IssuedOn)
	return other
}

// withhold keeps the scan of an application from going out by itself, unless it has.
func (r *Reconciliation) withhold(a *Application) {
	if a.ScanID == 0 || a.DeliverAt == nil || a.DeliveredAt != nil {
		return
	}
	a.DeliverAt = nil
	r.Withheld++
}
