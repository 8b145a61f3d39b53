package service

import (
	"context"
	"io"
)

// The reasons for which a file is not taken as a table. All are Invalid.
const (
	ReasonSheetEmpty          Reason = "sheet.empty"            // nothing in it
	ReasonSheetOld            Reason = "sheet.xls"              // the old binary form of Excel
	ReasonSheetEncrypted      Reason = "sheet.encrypted"        // has a password
	ReasonSheetUnreadable     Reason = "sheet.unreadable"       // neither .xlsx nor a text table, or damaged
	ReasonSheetTooBig         Reason = "sheet.too_big"          // Data: FileBound in bytes, packed or unpacked
	ReasonSheetTooManySheets  Reason = "sheet.too_many_sheets"  // Data: FileBound
	ReasonSheetTooManyRows    Reason = "sheet.too_many_rows"    // Data: FileBound
	ReasonSheetTooManyColumns Reason = "sheet.too_many_columns" // Data: FileBound
	ReasonSheetTooManyCells   Reason = "sheet.too_many_cells"   // Data: FileBound
	ReasonSheetUnknown        Reason = "sheet.unknown"          // no sheet that can be imported; Data: SheetNames
	ReasonSheetNoForm         Reason = "sheet.no_form"          // no empty workbook of that name; Data: SheetNames
)

// SheetNames is the Data of a table without a known sheet, and of a blank
// workbook that is not known.
type SheetNames struct{ Known []string }

// Sheet is one sheet of a workbook, or a text table, as it is read.
type Sheet struct {
	Name     string // "" for a text table
	Hidden   bool
	Base1904 bool       // its numbers of days count from 1904, not from 1900
	Rows     []SheetRow // those with something in them, in order
}

// SheetRow is one row. Cells are in NFC, without control characters and without
// spaces at their ends; trailing empty cells are left out. A number, a date and
// a time are the number that the file holds: 46024 for 01.01.2026.
type SheetRow struct {
	Number int // as the program that shows the sheet counts, from 1
	Cells  []string
}

// Cell is the text of a column, counted from 0; "" beyond the last one.
func (r SheetRow) Cell(column int) string {
	if column < 0 || column >= len(r.Cells) {
		return ""
	}
	return r.Cells[column]
}

// SheetMark is what a returned workbook says beside one row.
type SheetMark struct {
	Sheet string // "" for a text table
	Row   int    // from 1
	Text  string
	Plain bool // nothing is wrong: in the ordinary colour
	Head  bool // the title of the column stands in this row, not in the first
}

// SheetTable is one sheet of texts to write.
type SheetTable struct {
	Name   string
	Heads  int       // how many of the first rows are headers
	Widths []float64 // of the columns, in characters
	Merged []string  // areas that look like one cell: M1:N1
	Rows   [][]string
}

// ColumnKind is what the cells of a column hold.
type ColumnKind string

// The kinds of columns.
const (
	ColumnText   ColumnKind = "text"
	ColumnNumber ColumnKind = "number"
	ColumnDay    ColumnKind = "day"
	ColumnMoment ColumnKind = "moment" // a day with ЧЧ:ММ
)

// SheetForm is a workbook to fill in.
type SheetForm struct {
	Sheets []SheetFormSheet
	Guide  SheetGuide
}

// SheetFormSheet is one sheet of it.
type SheetFormSheet struct {
	Name    string
	Columns []SheetFormColumn
}

// SheetFormColumn is one column.
type SheetFormColumn struct {
	Title    string
	Required bool
	Kind     ColumnKind
	Values   []string // the values to choose from; nil for any
	Listed   bool     // Values are the second column of the guide, too long for a list
	Hint     string   // at most 255 characters
}

// SheetGuide is a sheet with words for the reader, which the import passes over.
type SheetGuide struct {
	Name string
	Rows [][]string
}

// SheetBook reads and writes tables. Its input may come from anybody: a refusal
// is an *Error with one of the reasons above, any other error is ours. It is
// safe for concurrent use.
type SheetBook interface {
	// Read returns the sheets of an .xlsx workbook or of a text table (UTF-8 or
	// windows-1251, with semicolons, commas or tabs), recognised by content.
	Read(ctx context.Context, path string) ([]Sheet, error)
	// Mark writes the table at path as an .xlsx workbook with one column more,
	// under this title, where the marked rows say what is wrong or what became of
	// them. A column of that title which is there already is used again. All else
	// stays as it was.
	Mark(ctx context.Context, path, title string, marks []SheetMark, w io.Writer) error
	// Blank writes an empty workbook to be filled in.
	Blank(ctx context.Context, f SheetForm, w io.Writer) error
	// Table writes a workbook of one sheet in which every cell is text: whatever a
	// cell says, it is no formula, no number and no date. The same table makes the
	// same bytes.
	Table(ctx context.Context, t SheetTable, w io.Writer) error
}
