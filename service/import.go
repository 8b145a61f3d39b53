package service

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
)

// Imports loads cohorts and learners, what testing centres have, and calendar
// years from tables.
type Imports struct {
	store Store
	book  SheetBook
	known importKnown
	now   Clock
}

// NewImports returns the use cases over store; book reads the tables.
func NewImports(store Store, book SheetBook, known ImportKnown, now Clock) *Imports {
	return &Imports{store: store, book: book, known: known.index(), now: now}
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

// Import loads the table at path: sheets of cohorts, learners, centers, exams,
// applications and results, or a calendar year. Admins may import all of them,
// the operator's representatives cohorts and learners, a partner's
// representatives learners of the own cohorts, a center's staff the center's
// sheets. What the file says of others is a bad row that tells nothing. A file
// with a bad row changes nothing, and neither does a dry run; the report tells
// both. The same file again changes nothing. A file that is no table at all is
// refused with a reason sheet.*. One import runs at a time.
func (s *Imports) Import(ctx context.Context, by Actor, path string, dryRun bool) (ImportReport, error) {
	return s.run(ctx, by, path, dryRun, func(context.Context, Tx, ImportReport) error { return nil })
}

// run is Import with a deed that is done in the transaction that writes, if one
// does.
func (s *Imports) run(ctx context.Context, by Actor, path string, dryRun bool, also func(context.Context, Tx, ImportReport) error) (ImportReport, error) {
	if err := mayImport(by); err != nil {
		return ImportReport{}, err
	}
	sheets, err := s.book.Read(ctx, path)
	if err != nil {
		return ImportReport{}, err
	}
	file, err := readImport(sheets, kindNames(by))
	if ReasonOf(err) == ReasonSheetUnknown && by.Has(RoleCenterStaff) && isRegister(sheets) {
		err = refuse(Invalid, ReasonSheetRegister)
	}
	if err != nil {
		return ImportReport{}, err
	}
	var report ImportReport
	err = s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		run := importRun{tx: tx, at: s.now(), file: file, known: &s.known, report: file.report.clone()}
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
	file, err := readImport(sheets, kindNames(CommandLine))
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

func (r ImportReport) clone() ImportReport {
	r.Sheets, r.Bad = slices.Clone(r.Sheets), slices.Clone(r.Bad)
	return r
}

// bad writes down one bad cell.
func (r *ImportReport) bad(at sheetPlace, b BadCell, err error) {
	refusal := AsError(err)
	b.Sheet, b.mark, b.Reason, b.Data = r.Sheets[at.index].Name, at.mark, refusal.Reason, refusal.Data
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
