package service

import (
	"slices"
	"strings"
)

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
