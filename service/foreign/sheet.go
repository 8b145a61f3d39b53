package foreign

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"flowbot/service"
	"flowbot/service/sheet"
)

// Book reads tables in children. It implements service.SheetBook; what it
// writes without having read it, it writes in this process.
type Book struct{ reader *Reader }

var _ service.SheetBook = Book{}

// Book returns the reader of tables that asks the same children. Their bounds
// of memory and time are the Reader's; those of rows and bytes are sheet's own.
func (r *Reader) Book() Book { return Book{r} }

// Read implements service.SheetBook.
func (b Book) Read(ctx context.Context, path string) ([]service.Sheet, error) {
	// What the child wrote is decoded as it is copied: a second copy of a large
	// table would be as large as the table.
	r, w := io.Pipe()
	var sheets []service.Sheet
	decoded := make(chan error, 1)
	go func() {
		err := json.NewDecoder(r).Decode(&sheets)
		if err == nil {
			_, err = io.Copy(io.Discard, r)
		}
		decoded <- errors.Join(err, r.Close())
	}()
	_, err := b.reader.ask(ctx, question{Do: doReadSheets, Items: []item{{Path: path}}}, w)
	_ = w.CloseWithError(err) // always nil, see io.PipeWriter
	late := <-decoded
	if err == nil {
		err = late
	}
	if err != nil {
		return nil, fmt.Errorf("read sheets: %w", err)
	}
	return sheets, nil
}

// Mark implements service.SheetBook.
func (b Book) Mark(ctx context.Context, path, title string, marks []service.SheetMark, w io.Writer) error {
	// There may be more marks than fit a question.
	file, err := os.CreateTemp(b.reader.options.TempDir, "flowbot-marks-")
	if err != nil {
		return fmt.Errorf("hand over marks: %w", err)
	}
	defer func() { _ = os.Remove(file.Name()) }() // left over, it is swept with the system's temporary files
	err = errors.Join(json.NewEncoder(file).Encode(marks), file.Close())
	if err != nil {
		return fmt.Errorf("hand over marks: %w", err)
	}
	q := question{Do: doMarkSheets, Items: []item{{Path: path, Caption: title}, {Path: file.Name()}}}
	if _, err := b.reader.ask(ctx, q, w); err != nil {
		return fmt.Errorf("mark sheets: %w", err)
	}
	return nil
}

// Blank implements service.SheetBook.
func (Book) Blank(_ context.Context, f service.SheetForm, w io.Writer) error {
	return sheet.Blank(f, w)
}

// Table implements service.SheetBook.
func (Book) Table(_ context.Context, t service.SheetTable, w io.Writer) error {
	return sheet.Table(t, w)
}

// readSheets is Read in the child.
func readSheets(q question) error {
	sheets, err := sheet.Read(q.Items[0].Path)
	if err != nil {
		return sheetVerdict(err)
	}
	return leave(func(w io.Writer) error { return json.NewEncoder(w).Encode(sheets) })
}

// markSheets is Mark in the child.
func markSheets(q question) error {
	b, err := os.ReadFile(q.Items[1].Path)
	if err != nil {
		return err
	}
	var marks []service.SheetMark
	if err := json.Unmarshal(b, &marks); err != nil {
		return err
	}
	return leave(func(w io.Writer) error {
		return sheetVerdict(sheet.Mark(q.Items[0].Path, q.Items[0].Caption, marks, w))
	})
}

// leave writes the file that the child leaves behind.
func leave(write func(io.Writer) error) error {
	f, err := os.OpenFile(outFile, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}

// sheetVerdict makes a refusal fit for the pipe.
func sheetVerdict(err error) error {
	var refusal *service.Error
	if !errors.As(err, &refusal) || refusal.Kind != service.Invalid {
		return err
	}
	v := &verdict{Reason: refusal.Reason}
	if bound, ok := refusal.Data.(service.FileBound); ok {
		v.Limit, v.Got = bound.Limit, bound.Got
	}
	return v
}
