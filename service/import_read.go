package service

import (
	"slices"
	"strings"
)

// importFile is a table as it was read, before the database is asked.
type importFile struct {
	cohorts      importSheet[cohortRow]
	learners     importSheet[learnerRow]
	calendar     *CalendarYear
	calendarAt   sheetPlace
	centers      importSheet[centerRow]
	exams        importSheet[examRow]
	applications importSheet[applicationRow]
	results      importSheet[resultRow]
	report       ImportReport
	taken        []takenSheet
}

// takenSheet is a sheet that was read.
type takenSheet struct {
	sheet *Sheet
	kind  *importKind
	place sheetPlace
	first int // its first row that says something; 0 if there is none
}

// sheetPlace is where the report speaks of a sheet.
type sheetPlace struct {
	mark  string // its name in the file
	index int    // of its SheetReport
}

// importSheet is one sheet as it was read.
type importSheet[T any] struct {
	sheetPlace
	has     []bool // which of the columns it has
	rows    []importRow[T]
	numbers []string // of all rows, the bad ones too
}

// importRow is one row. Of a bad one only the cells that could be read have a
// value; it is kept to find what else is wrong with it.
type importRow[T any] struct {
	number int
	bad    bool
	value  T
}

// importKind is a sheet that can be imported.
type importKind struct {
	name string
	may  func(Actor) bool // whose it is to import
	// titles counts the columns that a header has, and reports whether all that
	// must be there are; nil for a sheet that has none.
	titles func(header SheetRow) (n int, all bool)
	take   func(f *importFile, sh *Sheet) (place sheetPlace, first int)
	form   func() SheetFormSheet // of an empty workbook; nil for a sheet that is in none
}

// importKinds are all of them, in the order in which people are told of them. Of
// two that a header fits alike the first is meant.
var importKinds = []*importKind{
	centerKind.kind(), cohortKind.kind(), learnerKind.kind(), examKind.kind(), applicationKind.kind(), resultKind.kind(), &calendarKind,
}

// rowKind is a kind of sheets whose rows are read into a T.
type rowKind[T any] struct {
	name    string
	may     func(Actor) bool
	columns []sheetColumn[T]
	key     string          // title of the column whose value no two rows share
	number  func(*T) string // that value
	check   func(*T) (column string, reason Reason)
	place   func(*importFile) *importSheet[T]
}

func (k rowKind[T]) kind() *importKind {
	return &importKind{
		name: k.name, may: k.may,
		titles: func(header SheetRow) (int, bool) { return knownTitles(header, k.columns) },
		take: func(f *importFile, sh *Sheet) (sheetPlace, int) {
			into := k.place(f)
			*into = k.read(&f.report, sh)
			if k.check != nil {
				checkRows(&f.report, into, k.check)
			}
			below := slices.IndexFunc(sh.Rows, func(r SheetRow) bool { return r.Number > 1 })
			if below < 0 {
				return into.sheetPlace, 0
			}
			return into.sheetPlace, sh.Rows[below].Number
		},
		form: func() SheetFormSheet {
			out := SheetFormSheet{Name: k.name}
			for _, c := range k.columns {
				out.Columns = append(out.Columns, c.form)
			}
			return out
		},
	}
}

// kindNames are the names of the sheets that the actor may import.
func kindNames(by Actor) []string {
	var out []string
	for _, k := range importKinds {
		if k.may(by) {
			out = append(out, k.name)
		}
	}
	return out
}

// readImport reads the sheets that it knows by name, else by their columns.
// Known are the names that whoever has sent none of them is told.
func readImport(sheets []Sheet, known []string) (*importFile, error) {
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
	for _, kindOf := range []func(*Sheet) *importKind{kindByName, kindByColumns} {
		for i := range sheets {
			if kind := kindOf(&sheets[i]); kind != nil && !sheets[i].Hidden && !f.has(kind) {
				place, first := kind.take(f, &sheets[i])
				f.taken = append(f.taken, takenSheet{&sheets[i], kind, place, first})
			}
		}
	}
	for i := range sheets {
		if sh := &sheets[i]; !sh.Hidden && len(sh.Rows) > 0 && !f.took(sh) {
			f.report.IgnoredSheets = ignore(f.report.IgnoredSheets, sh.Name)
		}
	}
	if len(f.taken) == 0 {
		return nil, refuseWith(Invalid, ReasonSheetUnknown, SheetNames{known})
	}
	f.report.close()
	return f, nil
}

// has reports whether a sheet of the kind was taken.
func (f *importFile) has(kind *importKind) bool {
	return slices.ContainsFunc(f.taken, func(t takenSheet) bool { return t.kind == kind })
}

// took reports whether this sheet was taken, or is ours to pass over.
func (f *importFile) took(sh *Sheet) bool {
	return slices.ContainsFunc(f.taken, func(t takenSheet) bool { return t.sheet == sh }) || fold(sh.Name) == fold(sheetGuide)
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

// kindByName is the kind whose name a sheet has, or nil.
func kindByName(sh *Sheet) *importKind {
	for _, k := range importKinds {
		if fold(sh.Name) == fold(k.name) {
			return k
		}
	}
	return nil
}

// kindByColumns is the kind of a sheet that has another name. A text table,
// which has none, is known by some of the titles; a sheet of a workbook that was
// given another name must have all of them that are required.
func kindByColumns(sh *Sheet) *importKind {
	if len(sh.Rows) == 0 || kindByName(sh) != nil || fold(sh.Name) == fold(sheetGuide) {
		return nil
	}
	if sh.Name == "" && isRegisterHeader(sh.Rows[0]) {
		return nil
	}
	var best *importKind
	most, whole := 0, false
	for _, k := range importKinds {
		if k.titles == nil {
			continue
		}
		n, all := k.titles(sh.Rows[0])
		if !all && (sh.Name != "" || n < fewestTitles) {
			continue
		}
		if n > most || n == most && all && !whole {
			best, most, whole = k, n, all
		}
	}
	if best == nil && isCalendar(sh) {
		return &calendarKind
	}
	return best
}

// isRegister reports whether a sheet looks like the register's answer: numbers of
// certificates, and no numbers of applications.
func isRegister(sheets []Sheet) bool {
	return slices.ContainsFunc(sheets, func(sh Sheet) bool {
		return !sh.Hidden && slices.ContainsFunc(sh.Rows[:min(len(sh.Rows), headRows)], isRegisterHeader)
	})
}

func isRegisterHeader(r SheetRow) bool {
	number := false
	for _, cell := range r.Cells {
		if fold(cell) == fold(columnLearner) || fold(cell) == fold(columnCohort) {
			return false
		}
		c, _ := columnOfTitle(cell)
		number = number || c == columnNumber
	}
	return number
}

// knownTitles counts the columns that a header has, and reports whether all
// required ones are there.
func knownTitles[T any](header SheetRow, columns []sheetColumn[T]) (n int, all bool) {
	all = true
	for _, c := range columns {
		if slices.ContainsFunc(header.Cells, func(title string) bool { return fold(title) == fold(c.title) }) {
			n++
		} else if c.required || c.present {
			all = false
		}
	}
	return n, all
}

// read reads the rows of a sheet. The headers stand in row 1, in any order.
func (k rowKind[T]) read(report *ImportReport, sh *Sheet) importSheet[T] {
	out := importSheet[T]{sheetPlace: sheetPlace{sh.Name, len(report.Sheets)}, has: make([]bool, len(k.columns))}
	report.Sheets = append(report.Sheets, SheetReport{Name: k.name})
	if len(sh.Rows) == 0 {
		return out
	}
	header, rows := sh.Rows[0], sh.Rows[1:]
	if header.Number != 1 {
		header, rows = SheetRow{Number: 1}, sh.Rows
	}
	at := columnsAt(report, &out, header, k.columns)
	for _, b := range report.Bad {
		if b.mark == sh.Name && b.Row == 1 {
			return out // without its columns no row can be read
		}
	}
	seen := make(map[string]int, len(rows))
	for _, r := range rows {
		row := importRow[T]{number: r.Number}
		for i, c := range k.columns {
			if at[i] < 0 {
				continue
			}
			cell := strings.TrimSpace(r.Cell(at[i]))
			err := c.read(cell, sh, &row.value)
			switch {
			case c.required && cell == "":
				err = refuse(Invalid, ReasonImportRequired)
			case err == nil && c.title == k.key:
				number := k.number(&row.value)
				out.numbers = append(out.numbers, number)
				if first, ok := seen[number]; ok {
					err = refuseWith(Invalid, ReasonImportRepeated, ImportRow{first})
				} else {
					seen[number] = r.Number
				}
			}
			if err != nil {
				row.bad = true
				report.bad(out.sheetPlace, BadCell{Row: r.Number, Column: c.title}, err)
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
		case title == "" || fold(title) == fold(columnError) || fold(title) == fold(columnCandidate):
		case i < 0:
			sheet := &report.Sheets[out.index]
			sheet.IgnoredColumns = ignore(sheet.IgnoredColumns, title)
		case at[i] >= 0:
			report.bad(out.sheetPlace, BadCell{Row: 1, Column: columns[i].title}, refuse(Invalid, ReasonImportColumnTwice))
		default:
			at[i], out.has[i] = j, true
		}
	}
	for i, c := range columns {
		if (c.required || c.present) && at[i] < 0 {
			report.bad(out.sheetPlace, BadCell{Row: 1, Column: c.title}, refuse(Invalid, ReasonImportColumnMissing))
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
			report.bad(sh.sheetPlace, BadCell{Row: row.number, Column: column}, refuse(Invalid, reason))
		}
	}
}
