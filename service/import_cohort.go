package service

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// ImportedCohort is what an import must know of a cohort that is there.
type ImportedCohort struct {
	Cohort
	PartnerName string
	InAct       bool // an act of it stands
}

// ImportCommands is what an import asks of a transaction. Lists are as long as
// the file, so each is one question.
type ImportCommands interface {
	// LockImports lets one import run at a time, until the transaction ends.
	LockImports(ctx context.Context) error
	// OrgsNamed lists the organisations of a kind with one of these names or INNs.
	OrgsNamed(ctx context.Context, kind OrgKind, names []string) ([]Org, error)
	// CohortsForImport returns the cohorts with these numbers and the cohorts of
	// the learners with these numbers, and holds them, in the order of their ids.
	CohortsForImport(ctx context.Context, numbers, learners []string) ([]ImportedCohort, error)
	// LearnersForImport returns the learners with these numbers and holds them.
	LearnersForImport(ctx context.Context, numbers []string) ([]Learner, error)
	// InsertCohorts adds cohorts and sets their ids.
	InsertCohorts(ctx context.Context, cohorts []Cohort) error
	// UpdateCohorts writes what an import can change, and the revision.
	UpdateCohorts(ctx context.Context, cohorts []Cohort) error
	// InsertLearners adds learners.
	InsertLearners(ctx context.Context, learners []Learner) error
	// UpdateLearners writes what an import can change, and the revision.
	UpdateLearners(ctx context.Context, learners []Learner) error
	// TouchCohorts counts a revision of each cohort.
	TouchCohorts(ctx context.Context, ids []int64) error
}

// Events of a cohort's history that imports write.
const (
	CohortCreated          = "create"
	CohortChanged          = "change"          // Comment: the columns that changed
	CohortLearnersImported = "import_learners" // learners came, changed or left
)

// cohortRow is a row of «Потоки».
type cohortRow struct {
	Cohort
	partner string // name or INN as it stands in the file
}

// learnerRow is a row of «Слушатели».
type learnerRow struct {
	Learner
	cohort string // its number
}

var cohortColumns = []sheetColumn[cohortRow]{
	columnOf(columnCohort, readText(longestNumber), func(r *cohortRow) *string { return &r.Number }).must(),
	columnOf(columnProgram, readText(longestProgram), func(r *cohortRow) *string { return &r.Program }).must(),
	columnOf(columnProgramKind, readText(longestProgram), func(r *cohortRow) *string { return &r.ProgramKind }),
	columnOf(columnHours, readNumber(mostHours), func(r *cohortRow) *int { return &r.Hours }).of(ColumnNumber),
	columnOf(columnPartner, readText(longestProgram), func(r *cohortRow) *string { return &r.partner }).must(),
	columnOf(columnStart, readDay(firstTraining), func(r *cohortRow) *Day { return &r.StartOn }).must().of(ColumnDay),
	columnOf(columnEnd, readDay(firstTraining), func(r *cohortRow) *Day { return &r.EndOn }).must().of(ColumnDay),
}

var learnerColumns = []sheetColumn[learnerRow]{
	columnOf(columnCohort, readText(longestNumber), func(r *learnerRow) *string { return &r.cohort }).must(),
	columnOf(columnLearner, readText(longestNumber), func(r *learnerRow) *string { return &r.Number }).must(),
	columnOf(columnLastName, readText(longestName), func(r *learnerRow) *string { return &r.LastName }).must(),
	columnOf(columnFirstName, readText(longestName), func(r *learnerRow) *string { return &r.FirstName }).must(),
	columnOf(columnMiddleName, readText(longestName), func(r *learnerRow) *string { return &r.MiddleName }),
	columnOf(columnBorn, readDay(firstBirth), func(r *learnerRow) *Day { return &r.BornOn }).of(ColumnDay),
	columnOf(columnFinished, readYesNo, func(r *learnerRow) *bool { return &r.Finished }).of(ColumnText, wordYes, wordNo),
	columnOf(columnDocumentType, readDocument, func(r *learnerRow) *DocumentType { return &r.DocumentType }).
		of(ColumnText, documentNames[1:]...).listed(),
	columnOf(columnDocumentSeries, readText(longestName), func(r *learnerRow) *string { return &r.DocumentSeries }),
	columnOf(columnDocumentNumber, readText(longestName), func(r *learnerRow) *string { return &r.DocumentNumber }),
	columnOf(columnRegistrationNumber, readText(longestName), func(r *learnerRow) *string { return &r.RegistrationNumber }),
	columnOf(columnDocumentOn, readDay(firstTraining), func(r *learnerRow) *Day { return &r.DocumentOn }).of(ColumnDay),
	columnOf(columnSent, readDay(firstTraining), func(r *learnerRow) *Day { return &r.SentOn }).of(ColumnDay),
	columnOf(columnInFRDO, readYesNo, func(r *learnerRow) *bool { return &r.InFRDO }).of(ColumnText, wordYes, wordNo),
}

// cohortKind is the sheet «Потоки».
var cohortKind = rowKind[cohortRow]{
	name: sheetCohorts, may: ofAllCohorts, columns: cohortColumns,
	key: columnCohort, number: func(r *cohortRow) string { return r.Number },
	check: func(r *cohortRow) (string, Reason) {
		if r.EndOn.Before(r.StartOn) {
			return columnEnd, ReasonImportEndBefore
		}
		return "", ""
	},
	place: func(f *importFile) *importSheet[cohortRow] { return &f.cohorts },
}

// learnerKind is the sheet «Слушатели».
var learnerKind = rowKind[learnerRow]{
	name: sheetLearners, may: func(by Actor) bool { return ofAllCohorts(by) || by.Has(RolePartnerRep) }, columns: learnerColumns,
	key: columnLearner, number: func(r *learnerRow) string { return r.Number },
	check: func(r *learnerRow) (string, Reason) {
		if !r.BornOn.IsZero() && !r.DocumentOn.IsZero() && !r.BornOn.Before(r.DocumentOn) {
			return columnBorn, ReasonImportBornLate
		}
		return "", ""
	},
	place: func(f *importFile) *importSheet[learnerRow] { return &f.learners },
}

// ofAllCohorts reports whether the actor works with the cohorts of every
// partner.
func ofAllCohorts(by Actor) bool { return by.Has(RoleAdmin) || by.Has(RoleOperatorRep) }

// importCohorts is what an import does with cohorts and their learners.
type importCohorts struct {
	*importRun
	byNumber map[string]*ImportedCohort
	byID     map[int64]*ImportedCohort

	newCohorts      []Cohort
	changedCohorts  []Cohort
	changes         [][]string // columns, of each of changedCohorts
	newLearners     []learnerRow
	changedLearners []learnerRow
	touched         map[int64]bool // cohorts that are there and whose learners come, change or leave
}

func (r *importCohorts) plan(ctx context.Context) error {
	if err := r.find(ctx); err != nil {
		return err
	}
	if err := r.planCohorts(ctx); err != nil {
		return err
	}
	return r.planLearners(ctx)
}

// find loads and holds the cohorts that the file speaks of, by number or
// through their learners.
func (r *importCohorts) find(ctx context.Context) error {
	if !learnerKind.may(r.by) { // whoever loads cohorts loads learners too
		return nil
	}
	numbers := map[string]bool{}
	for _, n := range r.file.cohorts.numbers {
		numbers[n] = true
	}
	for _, row := range r.file.learners.rows {
		numbers[row.value.cohort] = true
	}
	if len(numbers) == 0 {
		return nil
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
func (r *importCohorts) sees(c *ImportedCohort) bool {
	return ofAllCohorts(r.by) || r.by.In(RolePartnerRep, c.PartnerID)
}

func (r *importCohorts) planCohorts(ctx context.Context) error {
	sheet := &r.file.cohorts
	if len(sheet.rows) == 0 || !cohortKind.may(r.by) {
		return nil // what a refused sheet would do tells of foreign cohorts
	}
	partners, err := r.orgsNamed(ctx, OrgPartner, func(yield func(string) bool) {
		for _, row := range sheet.rows {
			if !yield(row.value.partner) {
				return
			}
		}
	})
	if err != nil {
		return err
	}
	counts := r.counts(sheet.sheetPlace)
	for _, row := range sheet.rows {
		bad := func(column string, reason Reason) { r.bad(sheet.sheetPlace, row.number, column, reason) }
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
			counts.New++
			continue
		}
		now := cohortRow{known.Cohort, known.PartnerName}
		want := merged(cohortColumns, sheet.has, &now, &row.value)
		want.PartnerID, want.partner = partner.ID, partner.Name
		diff := differing(cohortColumns, &now, &want)
		switch {
		case len(diff) == 0:
			counts.Unchanged++
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
			counts.Changed++
		}
	}
	return nil
}

func (r *importCohorts) planLearners(ctx context.Context) error {
	sheet := &r.file.learners
	if len(sheet.rows) == 0 || !learnerKind.may(r.by) {
		return nil
	}
	counts := r.counts(sheet.sheetPlace)
	found, err := r.tx.LearnersForImport(ctx, sheet.numbers)
	if err != nil {
		return fmt.Errorf("find learners: %w", err)
	}
	known := make(map[string]*Learner, len(found))
	for i := range found {
		known[found[i].Number] = &found[i]
	}
	inFile := make(map[string]bool, len(r.file.cohorts.numbers))
	if cohortKind.may(r.by) {
		for _, n := range r.file.cohorts.numbers {
			inFile[n] = true
		}
	}
	r.touched = map[int64]bool{}
	for _, row := range sheet.rows {
		bad := func(column string, reason Reason) { r.bad(sheet.sheetPlace, row.number, column, reason) }
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
			counts.New++
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
			counts.Unchanged++
			continue
		}
		want.Revision++
		r.changedLearners = append(r.changedLearners, want)
		r.touch(from)
		r.touch(cohort)
		counts.Changed++
	}
	return nil
}

// touch remembers that the learners of a cohort that is there change.
func (r *importCohorts) touch(c *ImportedCohort) {
	if c != nil {
		r.touched[c.ID] = true
	}
}

func (r *importCohorts) write(ctx context.Context) error {
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
	return r.remember(ctx)
}

// remember counts the revisions of the cohorts whose learners changed, and
// writes down what happened to each cohort.
func (r *importCohorts) remember(ctx context.Context) error {
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
