// Package sheet reads and writes tables: workbooks of Excel's present form and
// text tables. What it reads may come from anybody, so every count has a limit
// and nothing but the content says what a file is.
package sheet

import (
	"context"
	"io"

	"flowbot/service"
)

// Book is service.SheetBook in this process. Files from outside are better read
// in a child with limits of its own: a decoder of XML can ask for several times
// the memory of what it decodes.
type Book struct{}

var _ service.SheetBook = Book{}

// Read implements service.SheetBook. It does not look at ctx while it reads:
// the limits bound its time.
func (Book) Read(ctx context.Context, path string) ([]service.Sheet, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return Read(path)
}

// Mark implements service.SheetBook.
func (Book) Mark(ctx context.Context, path, title string, marks []service.SheetMark, w io.Writer) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return Mark(path, title, marks, w)
}

// Blank implements service.SheetBook.
func (Book) Blank(ctx context.Context, f service.SheetForm, w io.Writer) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return Blank(f, w)
}

// Table implements service.SheetBook.
func (Book) Table(ctx context.Context, t service.SheetTable, w io.Writer) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return Table(t, w)
}

// The limits of what is read. The largest honest table that the domain knows,
// 20,000 learners in 14 columns, is 25 MiB of XML in 2 MiB of workbook.
const (
	maxFile    = 64 << 20  // bytes as they come
	maxText    = 32 << 20  // bytes of a text table
	maxUnzip   = 256 << 20 // bytes of all parts of a workbook
	maxOther   = 64 << 20  // bytes of its parts that are no sheets: they are decoded at once
	maxTags    = 3_000_000 // elements in those parts
	maxParts   = 2000
	maxSheets  = 50
	maxRows    = 100_000 // of a sheet
	maxColumns = 200
	maxCells   = 1_500_000 // of all sheets
	maxLetters = 32 << 20  // bytes of text in all cells
	// maxCell is the longest text of one cell, in bytes; more is cut off. Source:
	// Excel's limit of 32,767 characters.
	maxCell = 4 * 32_767
	// inMemory is the size in bytes above which a part lies in a file while it is
	// read.
	inMemory = 16 << 20
)

func refuse(r service.Reason, cause error) error {
	return &service.Error{Kind: service.Invalid, Reason: r, Err: cause}
}

func exceeds(r service.Reason, limit, got int64) error {
	return &service.Error{Kind: service.Invalid, Reason: r, Data: service.FileBound{Limit: limit, Got: got}}
}

// budget is what all sheets of a file together may hold.
type budget struct{ cells, letters int64 }

func (b *budget) spend(cells []string) error {
	b.cells += int64(len(cells))
	if b.cells > maxCells {
		return exceeds(service.ReasonSheetTooManyCells, maxCells, b.cells)
	}
	for _, c := range cells {
		b.letters += int64(len(c))
	}
	if b.letters > maxLetters {
		return exceeds(service.ReasonSheetTooBig, maxLetters, b.letters)
	}
	return nil
}

// row cleans the cells of one row and puts it behind the others, unless there
// is nothing in it.
func (b *budget) row(rows []service.SheetRow, number int, raw []string) ([]service.SheetRow, error) {
	if err := b.spend(raw); err != nil {
		return nil, err
	}
	cells := make([]string, 0, len(raw))
	last := 0
	for i, cell := range raw {
		cells = append(cells, clean(cell))
		if cells[i] != "" {
			last = i + 1
		}
	}
	switch {
	case last == 0:
		return rows, nil
	case last > maxColumns:
		return nil, exceeds(service.ReasonSheetTooManyColumns, maxColumns, int64(last))
	case number > maxRows:
		return nil, exceeds(service.ReasonSheetTooManyRows, maxRows, int64(number))
	}
	return append(rows, service.SheetRow{Number: number, Cells: cells[:last:last]}), nil
}
