package foreign_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"flowbot/service"
	"flowbot/service/foreign"
)

func table(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "upload.bin")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTablesAreReadInAChild(t *testing.T) {
	t.Parallel()
	b := newReader(t, foreign.Options{}).Book()
	path := table(t, "Номер потока;Программа\n118;\"Ёлки <&>\"\n")
	got, err := b.Read(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	want := []service.Sheet{{Rows: []service.SheetRow{
		{Number: 1, Cells: []string{"Номер потока", "Программа"}}, {Number: 2, Cells: []string{"118", "Ёлки <&>"}},
	}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}

	var out bytes.Buffer
	if err := b.Mark(t.Context(), path, "Ошибка", []service.SheetMark{{Row: 2, Text: "нет"}}, &out); err != nil {
		t.Fatal(err)
	}
	f, err := excelize.OpenReader(&out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got, err := f.GetCellValue("Sheet1", "C2"); err != nil || got != "нет" {
		t.Errorf("the mark is %q, %v", got, err)
	}

	out.Reset()
	form := service.SheetForm{Sheets: []service.SheetFormSheet{{Name: "Потоки", Columns: []service.SheetFormColumn{{Title: "Часов"}}}}}
	if err := b.Blank(t.Context(), form, &out); err != nil || out.Len() == 0 {
		t.Errorf("an empty workbook of %d bytes, %v", out.Len(), err)
	}
}

func TestRefusalsOfTablesComeThroughThePipe(t *testing.T) {
	t.Parallel()
	b := newReader(t, foreign.Options{}).Book()
	tests := []struct {
		name    string
		content string
		reason  service.Reason
		data    any
	}{
		{"nothing", "", service.ReasonSheetEmpty, nil},
		{"the old form", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + strings.Repeat("\x00", 600), service.ReasonSheetOld, nil},
		{"too wide", strings.Repeat("a;", 200) + "a\n", service.ReasonSheetTooManyColumns, service.FileBound{Limit: 200, Got: 201}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := table(t, tt.content)
			_, err := b.Read(t.Context(), path)
			if e := service.AsError(err); e.Reason != tt.reason || e.Kind != service.Invalid {
				t.Errorf("refused with %v", err)
			} else if diff := cmp.Diff(tt.data, e.Data); diff != "" {
				t.Error(diff)
			}
			if err := b.Mark(t.Context(), path, "Ошибка", nil, &bytes.Buffer{}); service.ReasonOf(err) != tt.reason {
				t.Errorf("not marked with %v", err)
			}
		})
	}
}

func TestATableThatNeedsTooMuchMemoryEndsWithTheChild(t *testing.T) {
	t.Parallel()
	b := newReader(t, foreign.Options{Memory: 16 << 20}).Book()
	content := strings.Repeat(strings.Repeat("слово;", 15)+"\n", 90_000)
	_, err := b.Read(t.Context(), table(t, content))
	if got := service.ReasonOf(err); got != service.ReasonFileTooHeavy {
		t.Errorf("refused for %q: %v", got, err)
	}
}
