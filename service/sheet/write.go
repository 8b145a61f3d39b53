package sheet

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"

	"flowbot/service"
)

// Widths of columns, in characters of the default font.
const (
	markWidth     = 60
	narrowest     = 12
	widest        = 60
	listedColumn  = "B" // of the guide
	listedFormula = "'%s'!$" + listedColumn + "$1:$" + listedColumn + "$%d"
)

// formRows is how many rows of an empty workbook offer lists and hints.
const formRows = 20_000

// Limits of what Excel shows beside a cell. Source: ECMA-376 part 1, 18.3.1.32
// (promptTitle 32, prompt 255), and the 255 characters of a list's formula.
const (
	promptTitle = 32
	prompt      = 255
)

// Mark writes the table at path with one column more. See service.SheetBook. A
// workbook that the library can read and not write again comes back with the
// texts of its cells alone.
func Mark(path, title string, marks []service.SheetMark, w io.Writer) error {
	kind, err := recognise(path)
	if err != nil {
		return err
	}
	var out bytes.Buffer // nothing is written unless all is
	var sheets []service.Sheet
	if kind == textTable {
		if sheets, err = readText(path); err != nil {
			return err
		}
		err = markCopy(sheets, title, marks, &out)
	} else {
		err = withWorkbook(path, func(f *excelize.File) error {
			if sheets, err = readSheets(f); err != nil {
				return err
			}
			return markWorkbook(f, sheets, title, marks, &out)
		})
		if err != nil && sheets != nil {
			out.Reset()
			err = markCopy(sheets, title, marks, &out)
		}
	}
	if err != nil {
		return err
	}
	if _, err := out.WriteTo(w); err != nil {
		return fmt.Errorf("write marked workbook: %w", err)
	}
	return nil
}

// markWorkbook marks the sender's own workbook.
func markWorkbook(f *excelize.File, sheets []service.Sheet, title string, marks []service.SheetMark, w io.Writer) error {
	style, err := makeMarkStyles(f)
	if err != nil {
		return fmt.Errorf("mark: %w", err)
	}
	names := f.GetSheetList()
	for i, sh := range sheets {
		own := of(sh.Name, marks)
		if len(own) == 0 {
			continue
		}
		if err := markSheet(f, names[i], sh.Rows, title, own, style); err != nil {
			return fmt.Errorf("mark: %w", err)
		}
	}
	return write(f, w)
}

func of(sheet string, marks []service.SheetMark) []service.SheetMark {
	var out []service.SheetMark
	for _, m := range marks {
		if m.Sheet == sheet {
			out = append(out, m)
		}
	}
	return out
}

// markStyles are the styles of marks by whether nothing is wrong.
type markStyles map[bool]int

func makeMarkStyles(f *excelize.File) (markStyles, error) {
	out := make(markStyles)
	for _, plain := range []bool{false, true} {
		color := "C00000"
		if plain {
			color = "000000"
		}
		id, err := f.NewStyle(&excelize.Style{
			Font:      &excelize.Font{Color: color},
			Alignment: &excelize.Alignment{WrapText: true, Vertical: "top"},
			NumFmt:    textFormat,
		})
		if err != nil {
			return nil, err
		}
		out[plain] = id
	}
	return out, nil
}

// textFormat is Excel's own number for the format «text», "@".
// Source: ECMA-376 part 1, 18.8.30.
const textFormat = 49

// headOf is the row of the headers.
func headOf(marks []service.SheetMark) int {
	for _, m := range marks {
		if m.Head {
			return m.Row
		}
	}
	return 1
}

// markColumn is where the marks go, from 1: the column of that title in the row
// of the headers, else the first one that is free in every row.
func markColumn(rows []service.SheetRow, head int, title string) (column int, old bool) {
	for _, r := range rows {
		if r.Number == head {
			if i := slices.IndexFunc(r.Cells, func(c string) bool { return strings.EqualFold(c, title) }); i >= 0 {
				return i + 1, true
			}
		}
		column = max(column, len(r.Cells))
	}
	return column + 1, false
}

// markSheet fills the column of marks in a sheet. A text is written as text,
// never as a formula.
func markSheet(f *excelize.File, name string, rows []service.SheetRow, title string, marks []service.SheetMark, styles markStyles) error {
	head := headOf(marks)
	column, old := markColumn(rows, head, title)
	letter, err := excelize.ColumnNumberToName(column)
	if err != nil {
		return err
	}
	if old {
		for _, r := range rows {
			if r.Number > head && r.Cell(column-1) != "" {
				if err := f.SetCellStr(name, fmt.Sprint(letter, r.Number), ""); err != nil {
					return err
				}
			}
		}
	}
	all := append([]service.SheetMark{{Row: head, Head: true}}, marks...)
	for _, m := range all {
		cell := fmt.Sprint(letter, m.Row)
		text := m.Text
		if m.Row == head {
			text = strings.TrimSuffix(title+"\n"+text, "\n")
		}
		if err := f.SetCellStr(name, cell, text); err != nil {
			return err
		}
		if err := f.SetCellStyle(name, cell, cell, styles[m.Plain]); err != nil {
			return err
		}
	}
	return f.SetColWidth(name, letter, letter, markWidth)
}

// markCopy writes the sheets as a workbook of its own in which every cell is
// text.
func markCopy(sheets []service.Sheet, title string, marks []service.SheetMark, w io.Writer) error {
	f := excelize.NewFile()
	defer func() { _ = f.Close() }()
	plain, err := f.NewStyle(&excelize.Style{NumFmt: textFormat})
	if err != nil {
		return fmt.Errorf("mark: %w", err)
	}
	style, err := makeMarkStyles(f)
	if err != nil {
		return fmt.Errorf("mark: %w", err)
	}
	for i, sh := range sheets {
		name, err := sheetFor(f, i, sh.Name)
		if err != nil {
			return fmt.Errorf("mark: %w", err)
		}
		for _, r := range sh.Rows {
			if err := fillRow(f, name, r.Number, r.Cells, plain); err != nil {
				return fmt.Errorf("mark: %w", err)
			}
		}
		if own := of(sh.Name, marks); len(own) > 0 {
			if err := markSheet(f, name, sh.Rows, title, own, style); err != nil {
				return fmt.Errorf("mark: %w", err)
			}
		}
	}
	return write(f, w)
}

// sheetFor makes the i-th sheet of a new workbook, under its name if Excel
// allows that, and returns the name that it got.
func sheetFor(f *excelize.File, i int, name string) (string, error) {
	got := f.GetSheetName(0)
	if i > 0 {
		got = fmt.Sprint("Sheet", i+1)
		if _, err := f.NewSheet(got); err != nil {
			return "", err
		}
	}
	if name != "" && f.SetSheetName(got, name) == nil {
		return name, nil
	}
	return got, nil
}

func write(f *excelize.File, w io.Writer) error {
	f.Path = "" // the library refuses to write a workbook that came under another extension
	if _, err := f.WriteTo(w); err != nil {
		return fmt.Errorf("write workbook: %w", err)
	}
	return nil
}

// Blank writes an empty workbook. See service.SheetBook.
func Blank(form service.SheetForm, w io.Writer) error {
	f := excelize.NewFile()
	defer func() { _ = f.Close() }()
	b := blank{File: f, guide: form.Guide}
	if err := b.fill(form); err != nil {
		return fmt.Errorf("write empty workbook: %w", err)
	}
	return write(f, w)
}

type blank struct {
	*excelize.File
	guide  service.SheetGuide
	styles map[service.ColumnKind]int
	header map[bool]int // by whether the column is required
}

func (b *blank) fill(form service.SheetForm) error {
	if err := b.makeStyles(); err != nil {
		return err
	}
	for i, sh := range form.Sheets {
		if i == 0 {
			if err := b.SetSheetName(b.GetSheetName(0), sh.Name); err != nil {
				return err
			}
		} else if _, err := b.NewSheet(sh.Name); err != nil {
			return err
		}
		if err := b.sheet(sh); err != nil {
			return fmt.Errorf("sheet %d: %w", i+1, err)
		}
	}
	return b.writeGuide()
}

func (b *blank) makeStyles() error {
	day, moment := "dd.mm.yyyy", "dd.mm.yyyy hh:mm"
	b.styles, b.header = make(map[service.ColumnKind]int), make(map[bool]int)
	for kind, style := range map[service.ColumnKind]excelize.Style{
		service.ColumnText:   {NumFmt: textFormat},
		service.ColumnNumber: {NumFmt: 1}, // 0
		service.ColumnDay:    {CustomNumFmt: &day},
		service.ColumnMoment: {CustomNumFmt: &moment},
	} {
		id, err := b.NewStyle(&style)
		if err != nil {
			return err
		}
		b.styles[kind] = id
	}
	for required, color := range map[bool]string{true: "FCE4D6", false: "EDEDED"} {
		id, err := b.NewStyle(&excelize.Style{
			Font:      &excelize.Font{Bold: true},
			Fill:      excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{color}},
			Alignment: &excelize.Alignment{WrapText: true, Vertical: "center"},
			NumFmt:    textFormat,
		})
		if err != nil {
			return err
		}
		b.header[required] = id
	}
	return nil
}

// sheet writes the headers of a sheet; below them every column has its format,
// its hint and its list.
func (b *blank) sheet(sh service.SheetFormSheet) error {
	for i, c := range sh.Columns {
		letter, err := excelize.ColumnNumberToName(i + 1)
		if err != nil {
			return err
		}
		if err := b.SetColStyle(sh.Name, letter, b.styles[c.Kind]); err != nil {
			return err
		}
		width := min(max(utf8.RuneCountInString(c.Title)+4, narrowest), widest)
		if err := b.SetColWidth(sh.Name, letter, letter, float64(width)); err != nil {
			return err
		}
		head := letter + "1"
		if err := b.SetCellStr(sh.Name, head, c.Title); err != nil {
			return err
		}
		if err := b.SetCellStyle(sh.Name, head, head, b.header[c.Required]); err != nil {
			return err
		}
		if err := b.validate(sh.Name, letter, c); err != nil {
			return fmt.Errorf("column %d: %w", i+1, err)
		}
	}
	return b.SetPanes(sh.Name, &excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"})
}

// validate offers the values of a column, and its hint when a cell is chosen.
// Another value is kept: the import says what is wrong with it.
func (b *blank) validate(sheet, letter string, c service.SheetFormColumn) error {
	v := excelize.NewDataValidation(true)
	v.Sqref = fmt.Sprintf("%s2:%s%d", letter, letter, formRows+1)
	switch {
	case c.Listed:
		v.SetSqrefDropList(fmt.Sprintf(listedFormula, b.guide.Name, len(b.guide.Rows)))
	case len(c.Values) > 0:
		if err := v.SetDropList(c.Values); err != nil {
			return err
		}
	case c.Hint == "":
		return nil
	}
	if c.Hint != "" {
		v.SetInput(cut(c.Title, promptTitle), cut(c.Hint, prompt))
	}
	return b.AddDataValidation(sheet, v)
}

func cut(s string, letters int) string {
	if r := []rune(s); len(r) > letters {
		return string(r[:letters])
	}
	return s
}

func (b *blank) writeGuide() error {
	if len(b.guide.Rows) == 0 {
		return nil
	}
	if _, err := b.NewSheet(b.guide.Name); err != nil {
		return err
	}
	for i, row := range b.guide.Rows {
		if err := fillRow(b.File, b.guide.Name, i+1, row, 0); err != nil {
			return err
		}
	}
	return b.SetColWidth(b.guide.Name, listedColumn, listedColumn, widest)
}
