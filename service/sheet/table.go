package sheet

import (
	"fmt"
	"io"
	"strings"

	"github.com/xuri/excelize/v2"

	"flowbot/service"
)

// Table writes a workbook of one sheet of texts. See service.SheetBook.
func Table(t service.SheetTable, w io.Writer) error {
	f := excelize.NewFile()
	defer func() { _ = f.Close() }()
	if err := fillTable(f, t); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	return write(f, w)
}

func fillTable(f *excelize.File, t service.SheetTable) error {
	if err := f.SetSheetName(f.GetSheetName(0), t.Name); err != nil {
		return err
	}
	body, err := f.NewStyle(&excelize.Style{NumFmt: textFormat})
	if err != nil {
		return err
	}
	head, err := f.NewStyle(&excelize.Style{
		Font:      &excelize.Font{Bold: true},
		Alignment: &excelize.Alignment{WrapText: true, Horizontal: "center", Vertical: "center"},
		NumFmt:    textFormat,
	})
	if err != nil {
		return err
	}
	for i, width := range t.Widths {
		letter, err := excelize.ColumnNumberToName(i + 1)
		if err != nil {
			return err
		}
		if err := f.SetColWidth(t.Name, letter, letter, width); err != nil {
			return err
		}
	}
	for i, row := range t.Rows {
		style := body
		if i < t.Heads {
			style = head
		}
		if err := fillRow(f, t.Name, i+1, row, style); err != nil {
			return err
		}
	}
	for _, area := range t.Merged {
		from, to, _ := strings.Cut(area, ":")
		if err := f.MergeCell(t.Name, from, to); err != nil {
			return err
		}
	}
	return nil
}

func fillRow(f *excelize.File, sheet string, number int, row []string, style int) error {
	for i, text := range row {
		at, err := excelize.CoordinatesToCellName(i+1, number)
		if err != nil {
			return err
		}
		if text != "" { // an empty cell stays one
			if err := f.SetCellStr(sheet, at, text); err != nil {
				return err
			}
		}
		if err := f.SetCellStyle(sheet, at, at, style); err != nil {
			return err
		}
	}
	return nil
}
