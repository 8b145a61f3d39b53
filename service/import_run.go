package service

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// importRun is one import inside its transaction: plan asks and decides, write
// changes.
type importRun struct {
	tx     Tx
	by     Actor
	at     time.Time
	file   *importFile
	report ImportReport

	byNumber map[string]*ImportedCohort
	byID     map[int64]*ImportedCohort

	newCohorts      []Cohort
	changedCohorts  []Cohort
	changes         [][]string // columns, of each of changedCohorts
	newLearners     []learnerRow
	changedLearners []learnerRow
	touched         map[int64]bool // cohorts that are there and whose learners come, change or leave
	saveYear        bool
}

// plan finds out what each row means, from what the database holds now.
func (r *importRun) plan(ctx context.Context, by Actor) error {
	var err error
	if err := r.tx.LockImports(ctx); err != nil {
		return fmt.Errorf("wait for other imports: %w", err)
	}
	if r.by, err = importActor(ctx, r.tx, by); err != nil {
		return err
	}
	if err := r.allow(); err != nil {
		return err
	}
	if err := r.find(ctx); err != nil {
		return err
	}
	if err := r.planCohorts(ctx); err != nil {
		return err
	}
	if err := r.planLearners(ctx); err != nil {
		return err
	}
	if err := r.planCalendar(ctx); err != nil {
		return err
	}
	r.report.close()
	return nil
}

// allow refuses the sheets that are not the sender's to import. One without
// rows does no harm.
func (r *importRun) allow() error {
	if !r.isStaff() && !r.by.Has(RolePartnerRep) {
		return refuse(Forbidden, ReasonForbidden)
	}
	forbidden := refuse(Invalid, ReasonImportForbidden)
	if c := &r.file.cohorts; c.first > 0 && !r.isStaff() {
		r.report.bad(c.index, c.mark, BadCell{Row: c.first}, forbidden)
	}
	if r.file.calendar != nil && !r.by.Has(RoleAdmin) {
		i := slices.IndexFunc(r.report.Sheets, func(s SheetReport) bool { return s.Name == sheetCalendar })
		r.report.bad(i, r.file.calendarMark, BadCell{Row: 1}, forbidden)
	}
	return nil
}

// merged is the known row with the columns that the file has.
func merged[T any](columns []sheetColumn[T], has []bool, now, row *T) T {
	want := *now
	for i, c := range columns {
		if has[i] {
			c.keep(row, &want)
		}
	}
	return want
}

// write makes what was planned so.
func (r *importRun) write(ctx context.Context) error {
	if err := r.tx.InsertCohorts(ctx, r.newCohorts); err != nil {
		return fmt.Errorf("add cohorts: %w", err)
	}
	if err := r.tx.UpdateCohorts(ctx, r.changedCohorts); err != nil {
		return fmt.Errorf("change cohorts: %w", err)
	}
	ids := make(map[string]int64, len(r.byNumber)+len(r.newCohorts))
	for number, c := range r.byNumber {
		ids[number] = c.ID
	}
	for _, c := range r.newCohorts {
		ids[c.Number] = c.ID
	}
	placed := func(rows []learnerRow) []Learner {
		out := make([]Learner, 0, len(rows))
		for _, row := range rows {
			row.CohortID = ids[row.cohort]
			out = append(out, row.Learner)
		}
		return out
	}
	if err := r.tx.InsertLearners(ctx, placed(r.newLearners)); err != nil {
		return fmt.Errorf("add learners: %w", err)
	}
	if err := r.tx.UpdateLearners(ctx, placed(r.changedLearners)); err != nil {
		return fmt.Errorf("change learners: %w", err)
	}
	if r.saveYear {
		if err := r.tx.SaveCalendarYear(ctx, *r.file.calendar, r.by.PersonID, r.at); err != nil {
			return fmt.Errorf("keep calendar year: %w", err)
		}
	}
	return r.remember(ctx)
}

// importActor reads the rights of the sender as they stand now. The command
// line is an admin without a person.
func importActor(ctx context.Context, q Queries, by Actor) (Actor, error) {
	if by.PersonID == CommandLine.PersonID {
		return by, nil
	}
	now, err := q.ActorByID(ctx, by.PersonID)
	var refusal *Error
	if errors.As(err, &refusal) && refusal.Kind == NotFound {
		return Actor{}, refuse(Forbidden, ReasonForbidden)
	}
	return now, err
}
