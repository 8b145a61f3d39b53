package service

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
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

// isStaff reports whether the sender works with the cohorts of every partner.
func (r *importRun) isStaff() bool { return r.by.Has(RoleAdmin) || r.by.Has(RoleOperatorRep) }

// find loads and holds the cohorts that the file speaks of, by number or
// through their learners.
func (r *importRun) find(ctx context.Context) error {
	numbers := map[string]bool{}
	for _, n := range r.file.cohorts.numbers {
		numbers[n] = true
	}
	for _, row := range r.file.learners.rows {
		numbers[row.value.cohort] = true
	}
	found, err := r.tx.CohortsForImport(ctx, slices.Sorted(maps.Keys(numbers)), r.file.learners.numbers)
	if err != nil {
		return fmt.Errorf("find cohorts: %w", err)
	}
	r.byNumber = make(map[string]*ImportedCohort, len(found))
	r.byID = make(map[int64]*ImportedCohort, len(found))
	for i := range found {
		r.byNumber[found[i].Number], r.byID[found[i].ID] = &found[i], &found[i]
	}
	return nil
}

// sees reports whether the sender may know that the cohort is there.
func (r *importRun) sees(c *ImportedCohort) bool {
	return r.isStaff() || r.by.In(RolePartnerRep, c.PartnerID)
}

func (r *importRun) planCohorts(ctx context.Context) error {
	if !r.isStaff() {
		return nil // the sheet is refused: what it would do tells of foreign cohorts
	}
	sheet := &r.file.cohorts
	partners, err := r.partners(ctx)
	if err != nil {
		return err
	}
	counts := &r.report.Sheets
	for _, row := range sheet.rows {
		bad := func(column string, reason Reason) {
			r.report.bad(sheet.index, sheet.mark, BadCell{Row: row.number, Column: column}, refuse(Invalid, reason))
		}
		partner, ok := partners[row.value.partner]
		if !ok && row.value.partner != "" {
			bad(columnPartner, ReasonImportNoPartner)
		}
		if !ok || row.bad {
			continue
		}
		known, ok := r.byNumber[row.value.Number]
		if !ok {
			c := row.value.Cohort
			c.PartnerID, c.Revision = partner.ID, 1
			r.newCohorts = append(r.newCohorts, c)
			(*counts)[sheet.index].New++
			continue
		}
		now := cohortRow{known.Cohort, known.PartnerName}
		want := merged(cohortColumns, sheet.has, &now, &row.value)
		want.PartnerID, want.partner = partner.ID, partner.Name
		diff := differing(cohortColumns, &now, &want)
		switch {
		case len(diff) == 0:
			(*counts)[sheet.index].Unchanged++
		case known.InAct:
			for _, column := range diff {
				bad(column, ReasonImportCohortInAct)
			}
		case want.PartnerID != known.PartnerID && (known.Acts > 0 || known.JournalVersion > 0):
			bad(columnPartner, ReasonImportPartnerFixed)
		default:
			want.Revision++
			r.changedCohorts = append(r.changedCohorts, want.Cohort)
			r.changes = append(r.changes, diff)
			(*counts)[sheet.index].Changed++
		}
	}
	return nil
}

// partners finds the partners of the file by name and by INN.
func (r *importRun) partners(ctx context.Context) (map[string]Org, error) {
	names := map[string]bool{}
	for _, row := range r.file.cohorts.rows {
		names[row.value.partner] = true
	}
	out := make(map[string]Org, len(names))
	if len(names) == 0 {
		return out, nil
	}
	found, err := r.tx.PartnersNamed(ctx, slices.Sorted(maps.Keys(names)))
	if err != nil {
		return nil, fmt.Errorf("find partners: %w", err)
	}
	for _, o := range found {
		if o.INN != "" {
			out[o.INN] = o
		}
	}
	for _, o := range found {
		out[o.Name] = o
	}
	return out, nil
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

func (r *importRun) planLearners(ctx context.Context) error {
	sheet := &r.file.learners
	if len(sheet.rows) == 0 {
		return nil
	}
	found, err := r.tx.LearnersForImport(ctx, sheet.numbers)
	if err != nil {
		return fmt.Errorf("find learners: %w", err)
	}
	known := make(map[string]*Learner, len(found))
	for i := range found {
		known[found[i].Number] = &found[i]
	}
	inFile := make(map[string]bool, len(r.file.cohorts.numbers))
	if r.isStaff() {
		for _, n := range r.file.cohorts.numbers {
			inFile[n] = true
		}
	}
	r.touched = map[int64]bool{}
	for _, row := range sheet.rows {
		bad := func(column string, reason Reason) {
			r.report.bad(sheet.index, sheet.mark, BadCell{Row: row.number, Column: column}, refuse(Invalid, reason))
		}
		cohort, ok := r.byNumber[row.value.cohort]
		lost := ok && !r.sees(cohort) || !ok && !inFile[row.value.cohort]
		if lost && row.value.cohort != "" {
			bad(columnCohort, ReasonImportNoCohort)
		}
		if lost || row.bad {
			continue
		}
		was, ok := known[row.value.Number]
		if !ok {
			row.value.Revision = 1
			r.newLearners = append(r.newLearners, row.value)
			r.touch(cohort)
			r.report.Sheets[sheet.index].New++
			continue
		}
		from, ok := r.byID[was.CohortID]
		if !ok { // moved between the two questions
			return refuse(Conflict, ReasonMovedOn)
		}
		if !r.sees(from) {
			bad(columnLearner, ReasonImportNumberTaken)
			continue
		}
		now := learnerRow{*was, from.Number}
		want := merged(learnerColumns, sheet.has, &now, &row.value)
		diff := differing(learnerColumns, &now, &want)
		if was.ActID != 0 {
			printed := slices.DeleteFunc(slices.Clone(diff), func(column string) bool { return column == columnBorn })
			for _, column := range printed {
				bad(column, ReasonImportLearnerInAct)
			}
			if len(printed) > 0 {
				continue
			}
		}
		if len(diff) == 0 {
			r.report.Sheets[sheet.index].Unchanged++
			continue
		}
		want.Revision++
		r.changedLearners = append(r.changedLearners, want)
		r.touch(from)
		r.touch(cohort)
		r.report.Sheets[sheet.index].Changed++
	}
	return nil
}

// touch remembers that the learners of a cohort that is there change.
func (r *importRun) touch(c *ImportedCohort) {
	if c != nil {
		r.touched[c.ID] = true
	}
}

func (r *importRun) planCalendar(ctx context.Context) error {
	y := r.file.calendar
	if y == nil || !r.by.Has(RoleAdmin) {
		return nil
	}
	years, err := r.tx.CalendarYears(ctx)
	if err != nil {
		return fmt.Errorf("read calendar years: %w", err)
	}
	i := slices.IndexFunc(r.report.Sheets, func(s SheetReport) bool { return s.Name == sheetCalendar })
	counts := &r.report.Sheets[i]
	at := slices.IndexFunc(years, func(known CalendarYear) bool { return known.Year == y.Year })
	switch {
	case at < 0:
		counts.New, r.saveYear = 1, true
	case years[at].Text() == y.Text():
		counts.Unchanged = 1
	default:
		counts.Changed, r.saveYear = 1, true
	}
	return nil
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

// remember counts the revisions of the cohorts whose learners changed, and
// writes down what happened to each cohort.
func (r *importRun) remember(ctx context.Context) error {
	touched := maps.Clone(r.touched)
	for _, c := range r.changedCohorts {
		delete(touched, c.ID) // its revision is counted already
	}
	if err := r.tx.TouchCohorts(ctx, slices.Sorted(maps.Keys(touched))); err != nil {
		return fmt.Errorf("count revisions of cohorts: %w", err)
	}
	add := func(id int64, event, comment string) error {
		return r.tx.AddHistory(ctx, History{
			Subject: SubjectCohort, SubjectID: id, At: r.at, PersonID: r.by.PersonID,
			Event: event, Comment: comment,
		})
	}
	for _, c := range r.newCohorts {
		if err := add(c.ID, CohortCreated, ""); err != nil {
			return err
		}
	}
	for i, c := range r.changedCohorts {
		if err := add(c.ID, CohortChanged, strings.Join(r.changes[i], ", ")); err != nil {
			return err
		}
	}
	for _, id := range slices.Sorted(maps.Keys(r.touched)) {
		if err := add(id, CohortLearnersImported, ""); err != nil {
			return err
		}
	}
	return nil
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
