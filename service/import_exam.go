package service

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// ExamImportCommands is what an import of centers, exams, applications and
// results asks of a transaction. Lists are as long as the file, so each is one
// question.
type ExamImportCommands interface {
	// ExamsForImport returns the exams with these numbers and the exams of the
	// applications with these numbers, and holds them, in the order of their ids.
	ExamsForImport(ctx context.Context, numbers, applications []string) ([]ImportedExam, error)
	// ApplicationsForImport returns the applications with these numbers and holds
	// them. Their exams are held already.
	ApplicationsForImport(ctx context.Context, numbers []string) ([]Application, error)
	// InsertExams adds exams and sets their ids.
	InsertExams(ctx context.Context, exams []Exam) error
	// UpdateExams writes what an import can change, and the revision.
	UpdateExams(ctx context.Context, exams []Exam) error
	// TouchExams counts a revision of each exam.
	TouchExams(ctx context.Context, ids []int64) error
	// InsertApplications adds applications and sets their ids.
	InsertApplications(ctx context.Context, list []Application) error
	// UpdateApplications writes what an import can change, and the revision.
	UpdateApplications(ctx context.Context, list []Application) error
}

// ImportedExam is what an import must know of an exam that is there.
type ImportedExam struct {
	Exam
	CenterName string
	Marked     bool // an application of it has a result or a mark
}

// Events of an exam's and an application's history that imports write, beside
// those of results.
const (
	eventExamCreate       = "create"
	eventChange           = "change"              // the comment is the columns that changed
	eventApplicationsCame = "import_applications" // applications came, changed or left
	eventResultsCame      = "import_results"
)

// examKind is the sheet «Экзамены».
var examKind = rowKind[examRow]{
	name: sheetExams, may: ofCenters, columns: examColumns,
	key: columnExam, number: func(r *examRow) string { return r.Number },
	place: func(f *importFile) *importSheet[examRow] { return &f.exams },
}

// applicationKind is the sheet «Заявки».
var applicationKind = rowKind[applicationRow]{
	name: sheetApplications, may: ofCenters, columns: applicationColumns,
	key: columnApplication, number: func(r *applicationRow) string { return r.Number },
	place: func(f *importFile) *importSheet[applicationRow] { return &f.applications },
}

// importExams is what an import does with exams, their applications and results.
type importExams struct {
	*importRun
	byID         map[int64]*plannedExam // those that are there
	byNumber     map[string]*plannedExam
	applications map[string]*plannedApplication
	// Numbers that stand in the file, but whose rows are bad.
	badExams, badApplications map[string]bool

	// What is new or changes, in the order of the file.
	exams   []*plannedExam
	planned []*plannedApplication
}

// plannedExam is an exam as it will be.
type plannedExam struct {
	ImportedExam
	today   Day      // in the center's zone
	changed []string // columns; nil when nothing changes
	moved   bool     // applications come, change or leave
	marked  bool     // results do
}

// plannedApplication is an application as it will be.
type plannedApplication struct {
	Application
	was     Application  // the zero one for one that is new
	exam    *plannedExam // where it will be; nil when that row is bad
	from    *plannedExam // where it was; nil for one that is new
	changed []string     // columns of «Заявки»
	marked  bool         // its result changes
}

func (r *importExams) plan(ctx context.Context) error {
	if !ofCenters(r.by) {
		return nil
	}
	if err := r.find(ctx); err != nil {
		return err
	}
	if err := r.planExams(ctx); err != nil {
		return err
	}
	r.planApplications()
	r.planResults()
	return nil
}

// find loads and holds what the file speaks of: exams by number or through
// their applications, then the applications.
func (r *importExams) find(ctx context.Context) error {
	exams, applications := map[string]bool{}, map[string]bool{}
	for _, n := range r.file.exams.numbers {
		exams[n] = true
	}
	for _, row := range r.file.applications.rows {
		exams[row.value.exam] = true
	}
	for _, n := range slices.Concat(r.file.applications.numbers, r.file.results.numbers) {
		applications[n] = true
	}
	r.byID, r.byNumber = map[int64]*plannedExam{}, map[string]*plannedExam{}
	r.applications, r.badExams, r.badApplications = map[string]*plannedApplication{}, map[string]bool{}, map[string]bool{}
	if len(exams)+len(applications) == 0 {
		return nil
	}
	numbers := slices.Sorted(maps.Keys(applications))
	found, err := r.tx.ExamsForImport(ctx, slices.Sorted(maps.Keys(exams)), numbers)
	if err != nil {
		return fmt.Errorf("find exams: %w", err)
	}
	for _, e := range found {
		p := &plannedExam{ImportedExam: e}
		if p.today, err = r.todayIn(ctx, e.CenterID); err != nil {
			return err
		}
		r.byID[e.ID], r.byNumber[e.Number] = p, p
	}
	list, err := r.tx.ApplicationsForImport(ctx, numbers)
	if err != nil {
		return fmt.Errorf("find applications: %w", err)
	}
	for _, a := range list {
		exam, ok := r.byID[a.ExamID]
		if !ok { // moved between the two questions
			return refuse(Conflict, ReasonMovedOn)
		}
		r.applications[a.Number] = &plannedApplication{Application: a, exam: exam, from: exam, was: a}
	}
	return nil
}

func (r *importExams) planExams(ctx context.Context) error {
	sheet := &r.file.exams
	if len(sheet.rows) == 0 {
		return nil
	}
	centers, err := r.centersNamed(ctx, func(yield func(string) bool) {
		for _, row := range sheet.rows {
			if !yield(row.value.center) {
				return
			}
		}
	})
	if err != nil {
		return err
	}
	for _, number := range sheet.numbers {
		if r.byNumber[number] == nil {
			r.badExams[number] = true // until its row is found good
		}
	}
	counts := r.counts(sheet.sheetPlace)
	for _, row := range sheet.rows {
		bad := func(column string, reason Reason) { r.bad(sheet.sheetPlace, row.number, column, reason) }
		center, ok := centers[row.value.center]
		if !ok && row.value.center != "" {
			bad(columnCenter, ReasonImportNoCenter)
		}
		if !ok || row.bad {
			continue
		}
		known := r.byNumber[row.value.Number]
		if known == nil {
			if err := r.newExam(ctx, &row.value, &center); err != nil {
				return err
			}
			counts.New++
			continue
		}
		if !r.sees(known.CenterID) {
			bad(columnExam, ReasonImportExamTaken)
			continue
		}
		now := examRow{known.Exam, known.CenterName, heldTime{known.HeldOn, known.HeldAt}}
		want := merged(examColumns, sheet.has, &now, &row.value)
		want.CenterID, want.center = center.ID, center.Name
		want.HeldOn, want.HeldAt = want.held.on, want.held.clock
		diff := differing(examColumns, &now, &want)
		if len(diff) == 0 {
			counts.Unchanged++
			continue
		}
		today, err := r.todayIn(ctx, center.ID)
		if err != nil {
			return err
		}
		if column, reason := examFault(&known.ImportedExam, &want.Exam, today); reason != "" {
			bad(column, reason)
			continue
		}
		known.Exam, known.CenterName, known.changed, known.today = want.Exam, center.Name, diff, today
		r.exams = append(r.exams, known)
		counts.Changed++
	}
	return nil
}

// newExam plans an exam that is not there.
func (r *importExams) newExam(ctx context.Context, row *examRow, center *Org) error {
	e := row.Exam
	e.CenterID, e.HeldOn, e.HeldAt = center.ID, row.held.on, row.held.clock
	e.ProtocolStatus, e.Revision = ProtocolMissing, 1
	p := &plannedExam{ImportedExam: ImportedExam{Exam: e, CenterName: center.Name}}
	var err error
	if p.today, err = r.todayIn(ctx, center.ID); err != nil {
		return err
	}
	r.byNumber[e.Number] = p
	r.exams = append(r.exams, p)
	delete(r.badExams, e.Number)
	return nil
}

// examFault says why an exam cannot become another, or "". What certificates
// and the register say of an exam stays once one of them has its number.
func examFault(was *ImportedExam, want *Exam, today Day) (column string, reason Reason) {
	numbered := was.Numbered > 0
	switch {
	case want.CenterID != was.CenterID && numbered:
		return columnCenter, ReasonImportExamNumbered
	case want.CenterID != was.CenterID && was.ProtocolVersion > 0:
		return columnCenter, ReasonImportExamProtocol
	case want.Address != was.Address && numbered:
		return columnAddress, ReasonImportExamNumbered
	case want.HeldOn != was.HeldOn && numbered:
		return columnHeld, ReasonImportExamNumbered
	case want.HeldOn.After(today) && was.Marked:
		return columnHeld, ReasonImportExamMarked
	}
	return "", ""
}

func (r *importExams) planApplications() {
	sheet := &r.file.applications
	if len(sheet.rows) == 0 {
		return
	}
	counts := r.counts(sheet.sheetPlace)
	for i := range sheet.rows {
		row := &sheet.rows[i]
		bad := func(column string, reason Reason) { r.bad(sheet.sheetPlace, row.number, column, reason) }
		exam := r.byNumber[row.value.exam]
		lost := exam == nil && !r.badExams[row.value.exam] || exam != nil && !r.sees(exam.CenterID)
		if lost && row.value.exam != "" {
			bad(columnExam, ReasonImportNoExam)
		}
		country, ok := r.known.country(row.value.Citizenship)
		if !ok {
			bad(columnCitizenship, ReasonImportNoCountry)
		}
		known := r.applications[row.value.Number]
		taken := !lost && known != nil && known.from != nil && !r.sees(known.from.CenterID)
		if taken {
			bad(columnApplication, ReasonImportNumberTaken)
		}
		if lost || !ok || taken || row.bad {
			r.badApplications[row.value.Number] = true
			continue
		}
		row.value.Citizenship = country
		if known == nil {
			known = &plannedApplication{}
		}
		r.planApplication(row, known, exam, counts)
	}
}

// planApplication plans a row whose cells are good. Known is a zero value for an
// application that is not there.
func (r *importExams) planApplication(row *importRow[applicationRow], known *plannedApplication, exam *plannedExam, counts *SheetReport) {
	sheet := &r.file.applications
	fresh := known.from == nil
	now := applicationRow{Application: known.Application}
	if !fresh {
		now.exam = known.from.Number
	}
	want := merged(applicationColumns, sheet.has, &now, &row.value)
	diff := differing(applicationColumns, &now, &want)
	if len(diff) == 0 {
		counts.Unchanged++
		return
	}
	faults := applicationFaults(known, &want, exam, diff)
	for _, b := range faults {
		r.bad(sheet.sheetPlace, row.number, b.Column, b.Reason)
	}
	if len(faults) > 0 {
		r.badApplications[row.value.Number] = true
		return
	}
	known.Application, known.exam, known.changed = want.Application, exam, diff
	r.applications[want.Number] = known
	r.planned = append(r.planned, known)
	for _, e := range []*plannedExam{exam, known.from} {
		if e != nil {
			e.moved = true
		}
	}
	if fresh {
		counts.New++
	} else {
		counts.Changed++
	}
}

// applicationFaults says why an application cannot become another. Diff are the
// columns in which they differ.
func applicationFaults(known *plannedApplication, want *applicationRow, exam *plannedExam, diff []string) []BadCell {
	if known.Frozen() {
		return frozenFaults(known, want, exam, diff)
	}
	if known.PersonID != 0 && isSomebodyElse(&known.Application, &want.Application) {
		return []BadCell{{Reason: ReasonImportLinked}}
	}
	if exam == nil {
		return nil
	}
	out := bornFaults(want, exam)
	marked := known.Outcome != OutcomeAwaited || known.Violations != ViolationsUnmarked
	if marked && exam.HeldOn.After(exam.today) {
		out = append(out, BadCell{Column: columnExam, Reason: ReasonImportNotHeld})
	}
	return out
}

// frozenFaults says why an application with a registration number cannot become
// another. How to reach a candidate stands on no certificate and in no register.
// The day of birth stands on no certificate, and opens the candidate's link: it can
// be mended until they have come.
func frozenFaults(known *plannedApplication, want *applicationRow, exam *plannedExam, diff []string) []BadCell {
	var out []BadCell
	for _, column := range diff {
		switch {
		case column == columnPhone, column == columnLanguage:
		case column == columnBorn && known.PersonID == 0:
			if exam != nil {
				out = append(out, bornFaults(want, exam)...)
			}
		default:
			out = append(out, BadCell{Column: column, Reason: ReasonImportNumbered})
		}
	}
	return out
}

// bornFaults says why a day of birth cannot be one of somebody examined.
func bornFaults(want *applicationRow, exam *plannedExam) []BadCell {
	switch {
	case want.BornOn.After(exam.today):
		return []BadCell{{Column: columnBorn, Reason: ReasonImportBornAhead}}
	case !want.BornOn.Before(exam.HeldOn):
		return []BadCell{{Column: columnBorn, Reason: ReasonImportBornAtExam}}
	}
	return nil
}

// isSomebodyElse reports whether two applications are hardly about one person: of
// name, birth and document one can be mended, not two, and a name that is mended
// stays alike; how they are written does not count. The certificate of the one
// would reach the other.
func isSomebodyElse(a, b *Application) bool {
	n := 0
	for _, differs := range []bool{
		foldName(a.Name()) != foldName(b.Name()), a.BornOn != b.BornOn, foldDocument(a.IdentityDocument) != foldDocument(b.IdentityDocument),
	} {
		if differs {
			n++
		}
	}
	return n > 1 ||
		isRenamed([]string{a.LastName, a.FirstName, a.MiddleName}, []string{b.LastName, b.FirstName, b.MiddleName}) ||
		isRenamed([]string{a.LastNameLatin, a.FirstNameLatin, a.MiddleNameLatin}, []string{b.LastNameLatin, b.FirstNameLatin, b.MiddleNameLatin})
}

// isRenamed reports whether a part of a name became another, as it does where a
// column of a sheet slid against the others, in one alphabet or in both. A part may
// come or go, and the parts may change places.
func isRenamed(from, to []string) bool {
	if slices.Equal(wordsOf(from), wordsOf(to)) {
		return false
	}
	for i := range from {
		a, b := []rune(foldName(from[i])), []rune(foldName(to[i]))
		if len(a) > 0 && len(b) > 0 && !isMended(a, b) {
			return true
		}
	}
	return false
}

// wordsOf are the words of a name in a fixed order.
func wordsOf(parts []string) []string {
	words := strings.Fields(foldName(joined(parts...)))
	slices.Sort(words)
	return words
}

// mostMended is how many letters side by side a slip of the pen takes: one that is
// wrong, or two that changed places.
const mostMended = 2

// isMended reports whether one of two parts of a name is the other with a slip of
// the pen.
func isMended(a, b []rune) bool {
	least := min(len(a), len(b))
	kept := 0
	for kept < least && a[kept] == b[kept] {
		kept++
	}
	for end := 1; kept < least && a[len(a)-end] == b[len(b)-end]; end++ {
		kept++
	}
	return max(len(a), len(b))-kept <= mostMended && 2*kept >= least
}

func (r *importExams) write(ctx context.Context) error {
	if err := r.writeExams(ctx); err != nil {
		return err
	}
	if err := r.writeApplications(ctx); err != nil {
		return err
	}
	return r.remember(ctx)
}

func (r *importExams) writeExams(ctx context.Context) error {
	var come []*plannedExam
	var changed []Exam
	for _, e := range r.exams {
		if e.changed == nil {
			come = append(come, e)
			continue
		}
		e.Revision++
		changed = append(changed, e.Exam)
	}
	rows := make([]Exam, 0, len(come))
	for _, e := range come {
		rows = append(rows, e.Exam)
	}
	if err := r.tx.InsertExams(ctx, rows); err != nil {
		return fmt.Errorf("add exams: %w", err)
	}
	for i, e := range come {
		e.ID = rows[i].ID
	}
	if err := r.tx.UpdateExams(ctx, changed); err != nil {
		return fmt.Errorf("change exams: %w", err)
	}
	var touched []int64
	for id, e := range r.byID {
		if e.changed == nil && (e.moved || e.marked) {
			touched = append(touched, id)
		}
	}
	slices.Sort(touched)
	if err := r.tx.TouchExams(ctx, touched); err != nil {
		return fmt.Errorf("count revisions of exams: %w", err)
	}
	return nil
}

func (r *importExams) writeApplications(ctx context.Context) error {
	var come []*plannedApplication
	var changed []Application
	for _, a := range r.planned {
		a.ExamID = a.exam.ID
		a.Revision = a.was.Revision + 1
		if a.from == nil {
			come = append(come, a)
		} else {
			changed = append(changed, a.Application)
		}
	}
	// One exam after another: the database counts an exam anew for each statement
	// that changes its applications.
	slices.SortStableFunc(come, func(a, b *plannedApplication) int { return cmp.Compare(a.ExamID, b.ExamID) })
	slices.SortStableFunc(changed, func(a, b Application) int { return cmp.Compare(a.ExamID, b.ExamID) })
	rows := make([]Application, 0, len(come))
	for _, a := range come {
		rows = append(rows, a.Application)
	}
	if err := r.tx.InsertApplications(ctx, rows); err != nil {
		return fmt.Errorf("add applications: %w", err)
	}
	for i, a := range come {
		a.ID = rows[i].ID
	}
	if err := r.tx.UpdateApplications(ctx, changed); err != nil {
		return fmt.Errorf("change applications: %w", err)
	}
	return r.endLinks(ctx)
}

// endLinks ends the links to applications that are about somebody else now: a
// slip that bears the one's name must not bring the other's certificate.
func (r *importExams) endLinks(ctx context.Context) error {
	var ids []int64
	for _, a := range r.planned {
		if a.from != nil && isSomebodyElse(&a.was, &a.Application) {
			ids = append(ids, a.ID)
		}
	}
	if err := r.tx.EndApplicationInvitations(ctx, ids, r.by.PersonID, r.at); err != nil {
		return fmt.Errorf("end links: %w", err)
	}
	return nil
}

// remember writes down what happened to each exam, and to each application that
// was there or has a result now. That applications came is one step of the exam.
func (r *importExams) remember(ctx context.Context) error {
	var steps []History
	add := func(subject string, id int64, event, comment string) *History {
		steps = append(steps, History{
			Subject: subject, SubjectID: id, At: r.at, PersonID: r.by.PersonID, Event: event, Comment: comment,
		})
		return &steps[len(steps)-1]
	}
	for _, e := range r.exams {
		if e.changed == nil {
			add(SubjectExam, e.ID, eventExamCreate, "")
		} else {
			add(SubjectExam, e.ID, eventChange, strings.Join(e.changed, ", "))
		}
	}
	for _, number := range slices.Sorted(maps.Keys(r.byNumber)) {
		e := r.byNumber[number]
		if e.moved {
			add(SubjectExam, e.ID, eventApplicationsCame, "")
		}
		if e.marked {
			add(SubjectExam, e.ID, eventResultsCame, "")
		}
	}
	for _, a := range r.planned {
		if a.from != nil && a.changed != nil {
			add(SubjectApplication, a.ID, eventChange, strings.Join(a.changed, ", "))
		}
		if a.marked {
			h := add(SubjectApplication, a.ID, importedMark(a), a.markComment())
			h.FromStatus, h.ToStatus = string(a.was.Status()), string(a.Status())
		}
	}
	if err := r.tx.AddHistories(ctx, steps); err != nil {
		return fmt.Errorf("write history: %w", err)
	}
	return nil
}
