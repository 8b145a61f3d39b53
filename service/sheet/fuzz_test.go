package sheet_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"

	"flowbot/service"
	"flowbot/service/sheet"
)

// FuzzImport feeds files to the reader, what it reads to the rules of the
// import, and a refused file to the writer. Nothing panics, a refusal is one
// that a person understands, and the limits hold.
func FuzzImport(f *testing.F) {
	f.Add([]byte("Номер потока;Номер заявки;Фамилия;Имя;Дата рождения\n118;1;Иванов;Иван;01.02.1990\n"))
	f.Add([]byte("\ufeffНомер потока,Программа,Образовательный партнёр,Дата начала,Дата окончания\n118,\"Я\nзык\",7701234567,46023,31.02.2026\n"))
	f.Add(windows1251(f, "Номер потока\tНомер заявки\tФамилия\tИмя\tТип документа\r\n118\t1\tИванов\tИван\t8\r\n"))
	f.Add([]byte(service.StatutoryYear(2028).Text()))
	f.Add([]byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"))
	f.Add(book(f, func(w *excelize.File) {
		if err := w.SetSheetName("Sheet1", "Слушатели"); err != nil {
			f.Fatal(err)
		}
		set(f, w, "Слушатели", "A1", "Номер потока")
		set(f, w, "Слушатели", "B1", "Номер заявки")
		set(f, w, "Слушатели", "C1", "Завершил успешно")
		set(f, w, "Слушатели", "A2", 118)
		set(f, w, "Слушатели", "C2", true)
	}))
	f.Add([]byte(`<row r="9"><c r="B9" t="s"><v>77</v></c><c t="inlineStr"><is><t>x</t></is></c></row><row r="2"/>`))
	f.Add([]byte(`<row><c t="inlineStr"><is><r><t>Номер потока</t></r></is></c></row><row r="3"><c r="A3" t="d"><v>2026-01-01T00:00:00</v></c><c t="b"><v>1</v></c></row>`))
	f.Fuzz(func(t *testing.T, content []byte) {
		if bytes.HasPrefix(content, []byte("<")) { // rows of a workbook: its checksums would stop every change
			content = rewritten(t, "xl/worksheets/sheet1.xml", sheetOf(string(content)))
		}
		path := filepath.Join(t.TempDir(), "upload.bin")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		sheets, err := sheet.Read(path)
		if err != nil {
			understood(t, err)
			return
		}
		checkLimits(t, sheets)
		report, err := service.CheckSheets(sheets)
		if err != nil {
			understood(t, err)
			return
		}
		if !report.Refused() {
			return
		}
		if err := report.Word(func(r service.Reason, _ any) (string, error) { return string(r), nil }); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		err = service.NewImports(nil, sheet.Book{}, service.ImportKnown{}, nil).Marked(t.Context(), path, &report, io.Writer(&out))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(out.Bytes(), []byte("PK")) {
			t.Error("the refused table is no workbook")
		}
	})
}

func understood(t *testing.T, err error) {
	t.Helper()
	var refusal *service.Error
	if !errors.As(err, &refusal) || refusal.Kind != service.Invalid || !strings.HasPrefix(string(refusal.Reason), "sheet.") {
		t.Fatalf("failed with %v", err)
	}
}

func checkLimits(t *testing.T, sheets []service.Sheet) {
	t.Helper()
	cells := 0
	for _, sh := range sheets {
		number := 0
		for _, r := range sh.Rows {
			if r.Number <= number || r.Number > 100_000 {
				t.Fatalf("row %d after row %d", r.Number, number)
			}
			number = r.Number
			cells += len(r.Cells)
			if len(r.Cells) > 200 || len(r.Cells) == 0 || r.Cells[len(r.Cells)-1] == "" {
				t.Fatalf("row %d has %d cells", r.Number, len(r.Cells))
			}
			for _, c := range r.Cells {
				if !utf8.ValidString(c) || strings.ContainsAny(c, "\x00\n\r\t") {
					t.Fatalf("row %d holds %q", r.Number, c)
				}
			}
		}
	}
	if len(sheets) > 50 || cells > 1_500_000 {
		t.Fatalf("%d sheets, %d cells", len(sheets), cells)
	}
}
