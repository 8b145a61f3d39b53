package service

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Imports loads cohorts, learners and calendar years from tables.
type Imports struct {
	store Store
	book  SheetBook
	now   Clock
}

// NewImports returns the use cases over store; book reads the tables.
func NewImports(store Store, book SheetBook, now Clock) *Imports {
	return &Imports{store: store, book: book, now: now}
}

// ImportReport tells what an import did, or would do.
type ImportReport struct {
	DryRun        bool
	Sheets        []SheetReport
	IgnoredSheets []string  // names of sheets that are not known, cut
	Bad           []BadCell // in the order of the file; any of them refuses the whole file
}

// SheetReport counts the rows of one sheet.
type SheetReport struct {
	Name           string
	New            int
	Changed        int
	Unchanged      int
	Bad            int      // rows
	IgnoredColumns []string // titles that are not known, the first ones, cut
}

// BadCell says what is wrong with one cell, or with one row.
type BadCell struct {
	Sheet  string
	Row    int    // as the program that shows the sheet counts, from 1
	Column string // title; "" when the row as a whole is bad
	Reason Reason
	Data   any    // facts for the text; may be nil
	Text   string // the reason in words, once Word has found them

	mark string // name of the sheet as the file has it
}

// Refused reports whether nothing was imported because of bad rows.
func (r *ImportReport) Refused() bool { return len(r.Bad) > 0 }

// BadRows counts the rows that are bad.
func (r *ImportReport) BadRows() int {
	n := 0
	for _, s := range r.Sheets {
		n += s.Bad
	}
	return n
}

// Word finds the words for every bad cell, as say gives them for a reason and
// its facts.
func (r *ImportReport) Word(say func(Reason, any) (string, error)) error {
	for i := range r.Bad {
		b := &r.Bad[i]
		words, err := say(b.Reason, b.Data)
		if err != nil {
			return fmt.Errorf("words of a bad row: %w", err)
		}
		b.Text = words
	}
	return nil
}

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
	// PartnersNamed lists the partners with one of these names or INNs.
	PartnersNamed(ctx context.Context, names []string) ([]Org, error)
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

// Import loads the table at path: the sheets «Потоки» and «Слушатели», or a
// calendar year. Admins may import all of them, the operator's representatives
// cohorts and learners, a partner's representatives learners of the own
// cohorts. A file with a bad row changes nothing, and neither does a dry run;
// the report tells both. The same file again changes nothing. A file that is no
// table at all is refused with a reason sheet.*. One import runs at a time.
func (s *Imports) Import(ctx context.Context, by Actor, path string, dryRun bool) (ImportReport, error) {
	return s.run(ctx, by, path, dryRun, func(context.Context, Tx, ImportReport) error { return nil })
}

// run is Import with a deed that is done in the transaction that writes, if one
// does.
func (s *Imports) run(ctx context.Context, by Actor, path string, dryRun bool, also func(context.Context, Tx, ImportReport) error) (ImportReport, error) {
	if !by.Has(RoleAdmin) && !by.Has(RoleOperatorRep) && !by.Has(RolePartnerRep) {
		return ImportReport{}, refuse(Forbidden, ReasonForbidden)
	}
	sheets, err := s.book.Read(ctx, path)
	if err != nil {
		return ImportReport{}, err
	}
	file, err := readImport(sheets)
	if err != nil {
		return ImportReport{}, err
	}
	var report ImportReport
	err = s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		run := importRun{tx: tx, at: s.now(), file: file, report: file.report.clone()}
		run.report.DryRun = dryRun
		if err := run.plan(ctx, by); err != nil {
			return err
		}
		report = run.report
		if dryRun || report.Refused() {
			return nil
		}
		if err := run.write(ctx); err != nil {
			return err
		}
		return also(ctx, tx, report)
	})
	if err != nil {
		return ImportReport{}, fmt.Errorf("import: %w", err)
	}
	return report, nil
}

// CheckSheets reports what can be said of a table without the database: the
// bad cells, the columns and the sheets that are not known. Its counts are 0.
func CheckSheets(sheets []Sheet) (ImportReport, error) {
	file, err := readImport(sheets)
	if err != nil {
		return ImportReport{}, err
	}
	return file.report, nil
}

// Marked writes the refused table at path as a workbook in which every bad row
// says what is wrong with it. The report must have been worded.
func (s *Imports) Marked(ctx context.Context, path string, r *ImportReport, w io.Writer) error {
	type key struct {
		sheet string
		row   int
	}
	var marks []SheetMark
	at := map[key]int{}
	for _, b := range r.Bad {
		words := b.Text
		if b.Column != "" {
			words = b.Column + ": " + words
		}
		k := key{b.mark, b.Row}
		if i, ok := at[k]; ok {
			marks[i].Text += "\n" + words
			continue
		}
		at[k] = len(marks)
		marks = append(marks, SheetMark{Sheet: b.mark, Row: b.Row, Text: words})
	}
	return s.book.Mark(ctx, path, columnError, marks, w)
}

// BlankNames lists the workbooks that Blank knows.
func BlankNames() []string { return []string{"cohorts"} }

// Blank writes the empty workbook of that name. Hints are the words beside the
// columns, by sheet and title; a column without any has none. An unknown name
// is Invalid with the known ones.
func (s *Imports) Blank(ctx context.Context, name string, hints map[string]map[string]string, w io.Writer) error {
	if !slices.Contains(BlankNames(), name) {
		return refuseWith(Invalid, ReasonSheetNoForm, SheetNames{BlankNames()})
	}
	form := SheetForm{Sheets: []SheetFormSheet{
		formSheet(sheetCohorts, cohortColumns, hints[sheetCohorts]),
		formSheet(sheetLearners, learnerColumns, hints[sheetLearners]),
	}}
	form.Guide.Name = sheetGuide
	for n, document := range documentNames {
		if n > 0 {
			form.Guide.Rows = append(form.Guide.Rows, []string{strconv.Itoa(n), document})
		}
	}
	return s.book.Blank(ctx, form, w)
}

func formSheet[T any](name string, columns []sheetColumn[T], hints map[string]string) SheetFormSheet {
	out := SheetFormSheet{Name: name}
	for _, c := range columns {
		f := c.form
		f.Hint = hints[c.title]
		out.Columns = append(out.Columns, f)
	}
	return out
}

// importFile is a table as it was read, before the database is asked.
type importFile struct {
	cohorts  importSheet[cohortRow]
	learners importSheet[learnerRow]
	calendar *CalendarYear
	report   ImportReport

	calendarMark string   // name of the calendar's sheet in the file
	taken        []*Sheet // those that were read
}

// importSheet is one sheet as it was read.
type importSheet[T any] struct {
	mark    string // its name in the file
	index   int    // of its SheetReport
	has     []bool // which of the columns it has
	rows    []importRow[T]
	numbers []string // of all rows, the bad ones too
	first   int      // its first row below the headers; 0 if there is none
}

// importRow is one row. Of a bad one only the cells that could be read have a
// value; it is kept to find what else is wrong with it.
type importRow[T any] struct {
	number int
	bad    bool
	value  T
}

func (r ImportReport) clone() ImportReport {
	r.Sheets, r.Bad = slices.Clone(r.Sheets), slices.Clone(r.Bad)
	return r
}

// readImport reads the sheets that it knows by name, else by their columns.
func readImport(sheets []Sheet) (*importFile, error) {
	f := &importFile{}
	rows := 0
	for i := range sheets {
		sh := &sheets[i]
		if !sh.Hidden {
			rows += len(sh.Rows)
		}
	}
	if rows == 0 {
		return nil, refuse(Invalid, ReasonSheetEmpty)
	}
	// A sheet that has one of our names goes before one that only looks alike.
	for _, kindOf := range []func(*Sheet) string{kindByName, kindByColumns} {
		for i := range sheets {
			if kind := kindOf(&sheets[i]); kind != "" && !sheets[i].Hidden && !f.has(kind) {
				f.take(&sheets[i], kind)
			}
		}
	}
	for i := range sheets {
		if sh := &sheets[i]; !sh.Hidden && len(sh.Rows) > 0 && !f.took(sh) {
			f.report.IgnoredSheets = ignore(f.report.IgnoredSheets, sh.Name)
		}
	}
	if len(f.report.Sheets) == 0 {
		return nil, refuseWith(Invalid, ReasonSheetUnknown, SheetNames{[]string{sheetCohorts, sheetLearners, sheetCalendar}})
	}
	f.report.close()
	return f, nil
}

// has reports whether a sheet of the kind was taken.
func (f *importFile) has(kind string) bool {
	return slices.ContainsFunc(f.report.Sheets, func(r SheetReport) bool { return r.Name == kind })
}

// took reports whether this sheet was taken, or is ours to pass over.
func (f *importFile) took(sh *Sheet) bool {
	return slices.Contains(f.taken, sh) || kindByName(sh) == sheetGuide
}

// take reads one sheet into the place of its kind.
func (f *importFile) take(sh *Sheet, kind string) {
	if kind != sheetGuide {
		f.taken = append(f.taken, sh)
	}
	switch kind {
	case sheetCohorts:
		f.cohorts = readSheet(&f.report, kind, sh, cohortColumns, columnCohort)
		checkRows(&f.report, &f.cohorts, func(r *cohortRow) (string, Reason) {
			if r.EndOn.Before(r.StartOn) {
				return columnEnd, ReasonImportEndBefore
			}
			return "", ""
		})
	case sheetLearners:
		f.learners = readSheet(&f.report, kind, sh, learnerColumns, columnLearner)
		checkRows(&f.report, &f.learners, func(r *learnerRow) (string, Reason) {
			if !r.BornOn.IsZero() && !r.DocumentOn.IsZero() && !r.BornOn.Before(r.DocumentOn) {
				return columnBorn, ReasonImportBornLate
			}
			return "", ""
		})
	case sheetCalendar:
		f.takeCalendar(sh)
	}
}

// What a report says of names that are not known: a file can have many, and
// long ones, and the report is to fit one message.
const (
	mostIgnored    = 10
	longestIgnored = 40 // characters
)

func ignore(known []string, name string) []string {
	if len(known) == mostIgnored {
		return known
	}
	if r := []rune(name); len(r) > longestIgnored {
		name = string(r[:longestIgnored]) + "…"
	}
	return append(known, name)
}

// fewestTitles is how many known titles make a text table one of ours.
const fewestTitles = 3

// kindByName is the known name that a sheet has, or "".
func kindByName(sh *Sheet) string {
	for _, known := range []string{sheetCohorts, sheetLearners, sheetCalendar, sheetGuide} {
		if fold(sh.Name) == fold(known) {
			return known
		}
	}
	return ""
}

// kindByColumns is the known name of a sheet that has another one. A text
// table, which has none, is known by some of the titles; a sheet of a workbook
// that was given another name must have all of them that are required.
func kindByColumns(sh *Sheet) string {
	if len(sh.Rows) == 0 || kindByName(sh) != "" {
		return ""
	}
	cohorts, allCohorts := knownTitles(sh.Rows[0], cohortColumns)
	learners, allLearners := knownTitles(sh.Rows[0], learnerColumns)
	if sh.Name == "" {
		allCohorts, allLearners = cohorts >= fewestTitles, learners >= fewestTitles
	}
	switch {
	case allCohorts && (cohorts > learners || !allLearners):
		return sheetCohorts
	case allLearners:
		return sheetLearners
	default:
		return calendarOrNothing(sh)
	}
}

// calendarOrNothing finds a calendar year by the line that names the year.
// Remarks may stand before it.
func calendarOrNothing(sh *Sheet) string {
	for _, r := range sh.Rows {
		first := r.Cell(0)
		if strings.HasPrefix(first, "#") {
			continue
		}
		if word, _, _ := strings.Cut(fold(first), " "); word == wordYear {
			return sheetCalendar
		}
		return ""
	}
	return ""
}

// knownTitles counts the columns that a header has, and reports whether all
// required ones are there.
func knownTitles[T any](header SheetRow, columns []sheetColumn[T]) (n int, all bool) {
	all = true
	for _, c := range columns {
		if slices.ContainsFunc(header.Cells, func(title string) bool { return fold(title) == fold(c.title) }) {
			n++
		} else if c.required {
			all = false
		}
	}
	return n, all
}

// bad writes down one bad cell.
func (r *ImportReport) bad(sheet int, mark string, b BadCell, err error) {
	refusal := AsError(err)
	b.Sheet, b.mark, b.Reason, b.Data = r.Sheets[sheet].Name, mark, refusal.Reason, refusal.Data
	r.Bad = append(r.Bad, b)
}

// close puts the bad cells in the order of the file and counts their rows.
func (r *ImportReport) close() {
	index := make(map[string]int, len(r.Sheets))
	for i, s := range r.Sheets {
		index[s.Name], r.Sheets[i].Bad = i, 0
	}
	slices.SortStableFunc(r.Bad, func(a, b BadCell) int {
		return cmp.Or(cmp.Compare(index[a.Sheet], index[b.Sheet]), cmp.Compare(a.Row, b.Row))
	})
	for i, b := range r.Bad {
		if i == 0 || r.Bad[i-1].Sheet != b.Sheet || r.Bad[i-1].Row != b.Row {
			r.Sheets[index[b.Sheet]].Bad++
		}
	}
}

// readSheet reads the rows of a sheet. The headers stand in row 1, in any
// order; key is the title of the number that no two rows may share.
func readSheet[T any](report *ImportReport, kind string, sh *Sheet, columns []sheetColumn[T], key string) importSheet[T] {
	out := importSheet[T]{mark: sh.Name, index: len(report.Sheets), has: make([]bool, len(columns))}
	report.Sheets = append(report.Sheets, SheetReport{Name: kind})
	if len(sh.Rows) == 0 {
		return out
	}
	header, rows := sh.Rows[0], sh.Rows[1:]
	if header.Number != 1 {
		header, rows = SheetRow{Number: 1}, sh.Rows
	}
	at := columnsAt(report, &out, header, columns)
	if len(rows) > 0 {
		out.first = rows[0].Number
	}
	for _, b := range report.Bad {
		if b.mark == sh.Name && b.Row == 1 {
			return out // without its columns no row can be read
		}
	}
	seen := make(map[string]int, len(rows))
	for _, r := range rows {
		row := importRow[T]{number: r.Number}
		for i, c := range columns {
			if at[i] < 0 {
				continue
			}
			cell := strings.TrimSpace(r.Cell(at[i]))
			err := c.read(cell, sh, &row.value)
			switch {
			case c.required && cell == "":
				err = refuse(Invalid, ReasonImportRequired)
			case err == nil && c.title == key:
				number, _ := readText(longestNumber)(cell, sh)
				out.numbers = append(out.numbers, number)
				if first, ok := seen[number]; ok {
					err = refuseWith(Invalid, ReasonImportRepeated, ImportRow{first})
				} else {
					seen[number] = r.Number
				}
			}
			if err != nil {
				row.bad = true
				report.bad(out.index, sh.Name, BadCell{Row: r.Number, Column: c.title}, err)
			}
		}
		out.rows = append(out.rows, row)
	}
	return out
}

// columnsAt finds where each column stands, -1 for one that is not there.
func columnsAt[T any](report *ImportReport, out *importSheet[T], header SheetRow, columns []sheetColumn[T]) []int {
	at := make([]int, len(columns))
	for i := range at {
		at[i] = -1
	}
	for j, title := range header.Cells {
		i := slices.IndexFunc(columns, func(c sheetColumn[T]) bool { return fold(c.title) == fold(title) })
		switch {
		case title == "" || fold(title) == fold(columnError):
		case i < 0:
			sheet := &report.Sheets[out.index]
			sheet.IgnoredColumns = ignore(sheet.IgnoredColumns, title)
		case at[i] >= 0:
			report.bad(out.index, out.mark, BadCell{Row: 1, Column: columns[i].title}, refuse(Invalid, ReasonImportColumnTwice))
		default:
			at[i], out.has[i] = j, true
		}
	}
	for i, c := range columns {
		if c.required && at[i] < 0 {
			report.bad(out.index, out.mark, BadCell{Row: 1, Column: c.title}, refuse(Invalid, ReasonImportColumnMissing))
		}
	}
	return at
}

// checkRows finds the rows whose cells do not go together.
func checkRows[T any](report *ImportReport, sh *importSheet[T], check func(*T) (column string, reason Reason)) {
	for i := range sh.rows {
		row := &sh.rows[i]
		if column, reason := check(&row.value); reason != "" && !row.bad {
			row.bad = true
			report.bad(sh.index, sh.mark, BadCell{Row: row.number, Column: column}, refuse(Invalid, reason))
		}
	}
}

// takeCalendar reads a calendar year: its text form, one word a cell or not.
func (f *importFile) takeCalendar(sh *Sheet) {
	index := len(f.report.Sheets)
	f.report.Sheets = append(f.report.Sheets, SheetReport{Name: sheetCalendar})
	var b strings.Builder
	line := 1
	for _, r := range sh.Rows {
		for ; line < r.Number; line++ {
			b.WriteByte('\n')
		}
		cells := slices.Clone(r.Cells)
		if len(cells) > 0 {
			if d, ok := parseDay(cells[0], sh.Base1904); ok {
				cells[0] = d.Russian()
			}
		}
		b.WriteString(strings.TrimRight(strings.Join(cells, " "), " "))
	}
	y, err := ParseCalendarYear(b.String())
	if err != nil {
		row := 1
		if fault, ok := AsError(err).Data.(CalendarFault); ok && fault.Line > 0 {
			row = fault.Line
		}
		f.report.bad(index, sh.Name, BadCell{Row: row}, err)
		return
	}
	f.calendar, f.calendarMark = &y, sh.Name
}
