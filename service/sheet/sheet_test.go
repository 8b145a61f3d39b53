package sheet_test

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/charmap"

	"flowbot/service"
	"flowbot/service/sheet"
)

// file writes content under a name that says nothing.
func file(tb testing.TB, content []byte) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "upload.bin")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

// book writes a workbook as Excel would.
func book(tb testing.TB, fill func(f *excelize.File)) []byte {
	tb.Helper()
	f := excelize.NewFile()
	defer f.Close()
	fill(f)
	b, err := f.WriteToBuffer()
	if err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func set(tb testing.TB, f *excelize.File, name, cell string, value any) {
	tb.Helper()
	if err := f.SetCellValue(name, cell, value); err != nil {
		tb.Fatal(err)
	}
}

func windows1251(tb testing.TB, s string) []byte {
	tb.Helper()
	b, err := charmap.Windows1251.NewEncoder().Bytes([]byte(s))
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

func utf16Text(s string) []byte {
	b := []byte{0xff, 0xfe}
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}

func rows(cells ...[]string) []service.SheetRow {
	var out []service.SheetRow
	for i, c := range cells {
		if c != nil {
			out = append(out, service.SheetRow{Number: i + 1, Cells: c})
		}
	}
	return out
}

func TestTextTablesAreReadInEveryForm(t *testing.T) {
	t.Parallel()
	want := rows([]string{"Номер потока", "Программа"}, []string{"118", "Ёлки"})
	tests := []struct {
		name    string
		content []byte
		want    []service.SheetRow
	}{
		{"semicolons", []byte("Номер потока;Программа\n118;Ёлки\n"), want},
		{"commas", []byte("Номер потока,Программа\r\n118,Ёлки"), want},
		{"tabs", []byte("Номер потока\tПрограмма\n118\tЁлки\n"), want},
		{"mark of UTF-8", []byte("\ufeffНомер потока;Программа\n118;Ёлки\n"), want},
		{"windows-1251", windows1251(t, "Номер потока;Программа\r\n118;Ёлки\r\n"), want},
		{"UTF-16, the Unicode text of Excel", utf16Text("Номер потока\tПрограмма\r\n118\tЁлки\r\n"), want},
		{"a line that names the delimiter", []byte("sep=,\nНомер потока,Программа\n118,Ёлки\n"), want},
		{"quotes around cells", []byte(`"Номер потока";"Программа"` + "\n" + `"118";"Ёлки"`), want},
		{"decomposed letters, spaces that do not break", []byte("Номер\u00a0потока;Программа\n 118\u00a0;\u0415\u0308лки\u200b\n"), want},
		{"empty lines keep their numbers", []byte("a;b\n\n;\nc;d\n"), rows([]string{"a", "b"}, nil, nil, []string{"c", "d"})},
		{"a line inside of a cell", []byte("a;b\n\"c\nd\";e\nf;g\n"), rows([]string{"a", "b"}, []string{"c d", "e"}, []string{"f", "g"})},
		{"quotes inside of a text", []byte("a;b\nООО \"Ромашка\";5\n"), rows([]string{"a", "b"}, []string{`ООО "Ромашка"`, "5"})},
		{"a delimiter inside of quotes", []byte("\"a,b,c,d\";e\n"), rows([]string{"a,b,c,d", "e"})},
		{"no delimiter at all", []byte("# замечание; с точкой\nгод 2028\nисточник ст. 112; часть 2\n"), rows([]string{"# замечание; с точкой"}, []string{"год 2028"}, []string{"источник ст. 112; часть 2"})},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := sheet.Read(file(t, tt.content))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]service.Sheet{{Rows: tt.want}}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWorkbookGivesWhatItHolds(t *testing.T) {
	t.Parallel()
	content := book(t, func(f *excelize.File) {
		if err := f.SetSheetName("Sheet1", "Потоки"); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"Слушатели", "Скрытый", "Пустой"} {
			if _, err := f.NewSheet(name); err != nil {
				t.Fatal(err)
			}
		}
		set(t, f, "Потоки", "A1", " Номер потока ")
		set(t, f, "Потоки", "C1", "Дата начала")
		set(t, f, "Потоки", "A2", 118)
		set(t, f, "Потоки", "C2", time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC))
		set(t, f, "Потоки", "A5", "0118")
		set(t, f, "Потоки", "B5", true)
		if err := f.SetCellFormula("Потоки", "D5", "1+1"); err != nil {
			t.Fatal(err)
		}
		if err := f.SetCellRichText("Слушатели", "A1", []excelize.RichTextRun{{Text: "Ива"}, {Text: "нов"}}); err != nil {
			t.Fatal(err)
		}
		set(t, f, "Скрытый", "A1", "тайна")
		if err := f.SetSheetVisible("Скрытый", false); err != nil {
			t.Fatal(err)
		}
	})
	got, err := sheet.Read(file(t, content))
	if err != nil {
		t.Fatal(err)
	}
	want := []service.Sheet{
		{Name: "Потоки", Rows: rows([]string{"Номер потока", "", "Дата начала"}, []string{"118", "", "46023"}, nil, nil, []string{"0118", "1"})},
		{Name: "Слушатели", Rows: rows([]string{"Иванов"})},
		{Name: "Скрытый", Hidden: true},
		{Name: "Пустой"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWorkbookTellsFromWhenItsDaysCount(t *testing.T) {
	t.Parallel()
	yes := true
	content := book(t, func(f *excelize.File) {
		set(t, f, "Sheet1", "A1", "x")
		if err := f.SetWorkbookProps(&excelize.WorkbookPropsOptions{Date1904: &yes}); err != nil {
			t.Fatal(err)
		}
	})
	got, err := sheet.Read(file(t, content))
	if err != nil {
		t.Fatal(err)
	}
	if !got[0].Base1904 {
		t.Error("the workbook counts from 1904")
	}
}

// parts packs files into a zip.
func parts(tb testing.TB, files map[string]io.Reader) []byte {
	tb.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestSpeed) })
	for name, content := range files {
		w, err := z.Create(name)
		if err != nil {
			tb.Fatal(err)
		}
		if _, err := io.Copy(w, content); err != nil {
			tb.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// rewritten is a small workbook with one part changed.
func rewritten(tb testing.TB, name string, change func(string) io.Reader) []byte {
	tb.Helper()
	content := book(tb, func(f *excelize.File) { set(tb, f, "Sheet1", "A1", "x") })
	z, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		tb.Fatal(err)
	}
	files := map[string]io.Reader{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			tb.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			tb.Fatal(err)
		}
		files[f.Name] = bytes.NewReader(b)
		if f.Name == name {
			files[f.Name] = change(string(b))
		}
	}
	return parts(tb, files)
}

// zeroes is n bytes of nothing.
type zeroes struct{}

func (zeroes) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func sheetOf(cells string) func(string) io.Reader {
	return func(string) io.Reader {
		return strings.NewReader(`<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>` + cells + `</sheetData></worksheet>`)
	}
}

func TestWhatIsNoTableIsRefused(t *testing.T) {
	t.Parallel()
	const first = "xl/worksheets/sheet1.xml"
	ole := "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + strings.Repeat("\x00", 1000)
	good := book(t, func(f *excelize.File) { set(t, f, "Sheet1", "A1", "x") })
	tests := []struct {
		name    string
		content []byte
		want    service.Reason
	}{
		{"nothing", nil, service.ReasonSheetEmpty},
		{"the old form of Excel", []byte(ole), service.ReasonSheetOld},
		{"a password", append([]byte(ole), utf16Text("EncryptedPackage")...), service.ReasonSheetEncrypted},
		{"a PDF", []byte("%PDF-1.7\n\x00\x01\x02"), service.ReasonSheetUnreadable},
		{"a picture", []byte("\x89PNG\r\n\x1a\n\x00\x00\x00"), service.ReasonSheetUnreadable},
		{"a zip of something else", parts(t, map[string]io.Reader{"readme.txt": strings.NewReader("x")}), service.ReasonSheetUnreadable},
		{"a workbook cut off", good[:len(good)/2], service.ReasonSheetUnreadable},
		{"a quote that never ends", []byte("a;b\n\"c;d\ne;f\n"), service.ReasonSheetUnreadable},
		{"a sheet cut off", rewritten(t, first, func(s string) io.Reader { return strings.NewReader(s[:len(s)-30]) }), service.ReasonSheetUnreadable},
		{"a bomb in a sheet", rewritten(t, first, func(string) io.Reader { return io.LimitReader(zeroes{}, 300<<20) }), service.ReasonSheetTooBig},
		{"a bomb in the texts", rewritten(t, "xl/styles.xml", func(string) io.Reader { return io.LimitReader(zeroes{}, 100<<20) }), service.ReasonSheetTooBig},
		{"millions of empty elements", rewritten(t, "xl/styles.xml", func(string) io.Reader {
			return strings.NewReader("<styleSheet><cellXfs>" + strings.Repeat("<xf/>", 4_000_000) + "</cellXfs></styleSheet>")
		}), service.ReasonSheetTooBig},
		{"a far row", rewritten(t, first, sheetOf(`<row r="1048576"><c r="A1048576"><v>1</v></c></row>`)), service.ReasonSheetTooManyRows},
		{"a far column", rewritten(t, first, sheetOf(`<row r="1"><c r="XFD1"><v>1</v></c></row>`)), service.ReasonSheetTooManyColumns},
		{"a row that Excel does not have", rewritten(t, first, sheetOf(`<row r="99999999"><c><v>1</v></c></row>`)), service.ReasonSheetUnreadable},
		{"a text table of too many rows", []byte(strings.Repeat("a\n", 100_001)), service.ReasonSheetTooManyRows},
		{"a text table of too many columns", []byte(strings.Repeat("a;", 200) + "a\n"), service.ReasonSheetTooManyColumns},
		{"a text too long", []byte(strings.Repeat("a;b\n", 9<<20)), service.ReasonSheetTooBig},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := sheet.Read(file(t, tt.content))
			if reason := service.ReasonOf(err); reason != tt.want {
				t.Errorf("refused for %q (%v), want %q; %d sheets", reason, err, tt.want, len(got))
			}
			if err != nil && service.AsError(err).Kind != service.Invalid {
				t.Errorf("kind is %s", service.AsError(err).Kind)
			}
		})
	}
}

func TestReadingLeavesNothingBehind(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	content := book(t, func(f *excelize.File) {
		s, err := f.NewStreamWriter("Sheet1")
		if err != nil {
			t.Fatal(err)
		}
		for i := range 50_000 { // above the size that lies in a file
			if err := s.SetRow(fmt.Sprint("A", i+1), []any{strings.Repeat("слово ", 50), i}); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Flush(); err != nil {
			t.Fatal(err)
		}
	})
	got, err := sheet.Read(file(t, content))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(got[0].Rows); n != 50_000 {
		t.Errorf("%d rows", n)
	}
	left, err := filepath.Glob(filepath.Join(dir, "flowbot-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestMarksStandBesideTheirRows(t *testing.T) {
	t.Parallel()
	workbook := func(more ...string) []byte {
		return book(t, func(f *excelize.File) {
			set(t, f, "Sheet1", "A1", "Номер")
			set(t, f, "Sheet1", "B1", "Дата")
			set(t, f, "Sheet1", "A2", "118")
			set(t, f, "Sheet1", "B2", time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC))
			set(t, f, "Sheet1", "A3", "119")
			if err := f.SetCellFormula("Sheet1", "B3", "B2+1"); err != nil {
				t.Fatal(err)
			}
			for i, text := range more {
				set(t, f, "Sheet1", fmt.Sprint("C", i+1), text)
			}
			if _, err := f.NewSheet("Другой"); err != nil {
				t.Fatal(err)
			}
			set(t, f, "Другой", "A1", "как было")
		})
	}
	tests := []struct {
		name    string
		content []byte
		sheet   string
		want    []string // column C of the first sheet
		rest    string   // A1 of the other sheet
	}{
		{"a workbook", workbook(), "Sheet1", []string{"Ошибка", "", "=1+1"}, "как было"},
		{"a workbook that was refused before", workbook("Ошибка", "старая"), "Sheet1", []string{"Ошибка", "", "=1+1"}, "как было"},
		{"a text table", []byte("Номер;Дата\n118;01.01.2026\n119;=cmd()\n"), "", []string{"Ошибка", "", "=1+1"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			marks := []service.SheetMark{{Sheet: tt.sheet, Row: 3, Text: "=1+1"}}
			if err := sheet.Mark(file(t, tt.content), "Ошибка", marks, &out); err != nil {
				t.Fatal(err)
			}
			f, err := excelize.OpenReader(&out)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			for i, want := range tt.want {
				cell := fmt.Sprint("C", i+1)
				if got, err := f.GetCellValue("Sheet1", cell); err != nil || got != want {
					t.Errorf("%s is %q, %v; want %q", cell, got, err, want)
				}
			}
			if formula, err := f.GetCellFormula("Sheet1", "C3"); err != nil || formula != "" {
				t.Errorf("the mark became the formula %q, %v", formula, err)
			}
			if tt.rest == "" {
				if got, err := f.GetCellFormula("Sheet1", "B3"); err != nil || got != "" {
					t.Errorf("a text became the formula %q, %v", got, err)
				}
				if got, err := f.GetCellValue("Sheet1", "B3"); err != nil || got != "=cmd()" {
					t.Errorf("a text became %q, %v", got, err)
				}
				return
			}
			if got, err := f.GetCellFormula("Sheet1", "B3"); err != nil || got != "B2+1" {
				t.Errorf("the sender's formula became %q, %v", got, err)
			}
			if got, err := f.GetCellValue("Sheet1", "B2", excelize.Options{RawCellValue: true}); err != nil || got != "46023" {
				t.Errorf("the sender's date became %q, %v", got, err)
			}
			if got, err := f.GetCellValue("Другой", "A1"); err != nil || got != tt.rest {
				t.Errorf("the other sheet says %q, %v", got, err)
			}
		})
	}
}

func TestMarksStandInTheRowOfTheHeaders(t *testing.T) {
	t.Parallel()
	content := book(t, func(f *excelize.File) {
		if err := f.MergeCell("Sheet1", "A1", "T1"); err != nil {
			t.Fatal(err)
		}
		set(t, f, "Sheet1", "A1", "Сведения")
		set(t, f, "Sheet1", "A3", "Номер")
		set(t, f, "Sheet1", "A4", "118")
		set(t, f, "Sheet1", "A5", "119")
	})
	marks := []service.SheetMark{
		{Sheet: "Sheet1", Row: 3, Head: true, Plain: true}, {Sheet: "Sheet1", Row: 4, Text: "подходит", Plain: true}, {Sheet: "Sheet1", Row: 5, Text: "нет"},
	}
	path := file(t, content)
	for range 2 { // the second time the column is there
		var out bytes.Buffer
		if err := sheet.Mark(path, "Результат", marks, &out); err != nil {
			t.Fatal(err)
		}
		path = file(t, out.Bytes())
	}
	f, err := excelize.OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	got, err := f.GetRows("Sheet1")
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{{"Сведения"}, nil, {"Номер", "Результат"}, {"118", "подходит"}, {"119", "нет"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestATableIsTextsAlone(t *testing.T) {
	t.Parallel()
	table := service.SheetTable{
		Name: "Шаблон", Heads: 1, Widths: []float64{20, 30}, Merged: []string{"A1:B1"},
		Rows: [][]string{{"Заголовок", ""}, {"=1+1", "01.01.2026"}, {"", "5"}},
	}
	var first, second bytes.Buffer
	for _, out := range []*bytes.Buffer{&first, &second} {
		if err := sheet.Table(table, out); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("the same table makes other bytes")
	}
	f, err := excelize.OpenReader(&first)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for cell, want := range map[string]string{"A1": "Заголовок", "A2": "=1+1", "B2": "01.01.2026", "B3": "5"} {
		kind, err := f.GetCellType("Шаблон", cell)
		if err != nil {
			t.Fatal(err)
		}
		value, err := f.GetCellValue("Шаблон", cell)
		if err != nil {
			t.Fatal(err)
		}
		if kind != excelize.CellTypeSharedString || value != want {
			t.Errorf("%s is %q of the type %d", cell, value, kind)
		}
	}
}

func TestAWorkbookThatCannotBeWrittenAgainComesBackAsItsTexts(t *testing.T) {
	t.Parallel()
	// The width of columns is a word: the rows are read, the sheet as a whole is not.
	content := rewritten(t, "xl/worksheets/sheet1.xml", func(string) io.Reader {
		return strings.NewReader(`<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">` +
			`<cols><col min="a" max="b" width="wide"/></cols>` +
			`<sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>Номер</t></is></c></row><row r="3"><c r="A3"><v>118</v></c></row></sheetData></worksheet>`)
	})
	var out bytes.Buffer
	if err := sheet.Mark(file(t, content), "Ошибка", []service.SheetMark{{Sheet: "Sheet1", Row: 3, Text: "нет"}}, &out); err != nil {
		t.Fatal(err)
	}
	got, err := sheet.Read(file(t, out.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	want := []service.Sheet{{Name: "Sheet1", Rows: rows([]string{"Номер", "Ошибка"}, nil, []string{"118", "нет"})}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestEmptyWorkbookHasHeadersListsAndHints(t *testing.T) {
	t.Parallel()
	form := service.SheetForm{
		Sheets: []service.SheetFormSheet{
			{Name: "Потоки", Columns: []service.SheetFormColumn{
				{Title: "Номер потока", Required: true, Kind: service.ColumnText, Hint: strings.Repeat("Ж", 300)},
				{Title: "Дата начала", Kind: service.ColumnDay},
				{Title: "Завершил успешно", Kind: service.ColumnText, Values: []string{"Да", "Нет"}},
				{Title: "Тип документа", Kind: service.ColumnText, Values: []string{"а", "б"}, Listed: true, Hint: "Номер или слова"},
			}},
			{Name: "Слушатели", Columns: []service.SheetFormColumn{{Title: "Фамилия"}}},
		},
		Guide: service.SheetGuide{Name: "Справка", Rows: [][]string{{"1", "а"}, {"2", "б"}}},
	}
	var out bytes.Buffer
	if err := sheet.Blank(form, &out); err != nil {
		t.Fatal(err)
	}
	content := out.Bytes()
	got, err := sheet.Read(file(t, content))
	if err != nil {
		t.Fatal(err)
	}
	want := []service.Sheet{
		{Name: "Потоки", Rows: rows([]string{"Номер потока", "Дата начала", "Завершил успешно", "Тип документа"})},
		{Name: "Слушатели", Rows: rows([]string{"Фамилия"})},
		{Name: "Справка", Rows: rows([]string{"1", "а"}, []string{"2", "б"})},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	f, err := excelize.OpenReader(bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	panes, err := f.GetPanes("Потоки")
	if err != nil || !panes.Freeze || panes.YSplit != 1 {
		t.Errorf("the headers are not frozen: %+v, %v", panes, err)
	}
	checks, err := f.GetDataValidations("Потоки")
	if err != nil {
		t.Fatal(err)
	}
	var lists, hints []string
	for _, c := range checks {
		if c.Formula1 != "" {
			lists = append(lists, c.Formula1)
		}
		if c.Prompt != nil {
			hints = append(hints, *c.Prompt)
		}
	}
	if diff := cmp.Diff([]string{`"Да,Нет"`, `'Справка'!$B$1:$B$2`}, lists); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{strings.Repeat("Ж", 255), "Номер или слова"}, hints); diff != "" {
		t.Error(diff)
	}
}
