package service_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"flowbot/service"
	"flowbot/templates"
)

// houses are the built-in profiles.
func houses(t *testing.T) []service.BlankProfile {
	t.Helper()
	tables, err := templates.BlankProfiles()
	if err != nil {
		t.Fatal(err)
	}
	profiles, err := service.BuildBlankProfiles(tables...)
	if err != nil {
		t.Fatalf("%v: %+v", err, service.AsError(err).Data)
	}
	return profiles
}

// rowsOf are the rows of a table as a sheet has them.
func rowsOf(table [][]string) []service.SheetRow {
	var rows []service.SheetRow
	for i, cells := range table {
		rows = append(rows, service.SheetRow{Number: i + 1, Cells: slices.Clone(cells)})
	}
	return rows
}

func TestTwoHousesComeWithTheProgram(t *testing.T) {
	t.Parallel()
	profiles := houses(t)
	if len(profiles) != 2 || profiles[0].Code != "blank-210" || profiles[1].Code != "vector-200" {
		t.Fatalf("%d profiles", len(profiles))
	}
	first, second := &profiles[0], &profiles[1]
	if first.Series || !second.Series {
		t.Error("the second house alone has a series")
	}
	if !first.IsBlankNumber("7724000123456") || first.IsBlankNumber("772400012345") || first.IsBlankNumber("77240001234567") ||
		first.IsBlankNumber("77240001234५6") || first.IsBlankNumber("772400012345A") {
		t.Error("a number of the first house has 13 digits")
	}
	// Source: the domain, section 3.3. Millimetres, to 2.
	for field, want := range map[service.Field]struct{ left, y, right float64 }{
		service.FieldPurposeLeft:        {14.6, 103, 97.7},
		service.FieldIssuedOn:           {15, 132, 50},
		service.FieldValidUntil:         {68, 132, 98},
		service.FieldRegistrationNumber: {52, 140, 97.7},
		service.FieldName:               {112, 43, 195},
		service.FieldNameLatin:          {112, 49, 195},
		service.FieldPurposeRight:       {112, 82, 195},
		service.FieldPlace:              {112, 98.6, 195},
	} {
		got := first.Places(field)[0]
		near := func(a, b float64) bool { return a-b < 0.5 && b-a < 0.5 }
		if got.Y != want.y || !near(got.X, want.left) || !near(got.X+got.Width, want.right) {
			t.Errorf("%s stands at %.1f to %.1f, %.1f, want %v", field, got.X, got.X+got.Width, got.Y, want)
		}
	}
	if place := first.Places(service.FieldPlace)[0]; place.Lines != 3 || place.Leading != 10.2 {
		t.Errorf("the institution has %d lines, %.1f mm apart", place.Lines, place.Leading)
	}
	if box, _ := first.Region(service.RegionBarCode); box != (service.Box{X: 21, Y: 111, Width: 73, Height: 6}) {
		t.Errorf("the bar code stands at %v", box)
	}
}

func TestAProfileIsReadFromTheTableItWrites(t *testing.T) {
	t.Parallel()
	for _, want := range houses(t) {
		got, err := service.ReadBlankProfile(rowsOf(want.Table()))
		if err != nil {
			t.Fatalf("%s: %v: %+v", want.Code, err, service.AsError(err).Data)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", want.Code, diff)
		}
		// A printing keeps its profile as JSON.
		b, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var kept service.BlankProfile
		if err := json.Unmarshal(b, &kept); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, kept); diff != "" {
			t.Errorf("%s as JSON (-want +got):\n%s", want.Code, diff)
		}
	}
}

func TestAProfileIsReadAsPeopleLeaveIt(t *testing.T) {
	t.Parallel()
	want := houses(t)[0]
	column := func(table [][]string, title string) int { return slices.Index(table[0], title) }
	tests := map[string]func(table [][]string) [][]string{
		"decimal points, as Excel keeps numbers": func(table [][]string) [][]string {
			for _, row := range table[1:] {
				for _, title := range []string{"x", "y", "ширина", "высота", "кегль"} {
					row[column(table, title)] = strings.ReplaceAll(row[column(table, title)], ",", ".")
				}
			}
			return table
		},
		"noise of Excel behind the hundredths": func(table [][]string) [][]string {
			for _, row := range table[1:] {
				if cell := &row[column(table, "x")]; *cell == "14,6" {
					*cell = "14.600000000000001"
				}
			}
			return table
		},
		"columns the other way round": func(table [][]string) [][]string {
			for _, row := range table {
				slices.Reverse(row)
			}
			return table
		},
		"capitals, Cyrillic axes, a column of notes": func(table [][]string) [][]string {
			for i, row := range table {
				if i == 0 {
					for j, title := range row {
						row[j] = strings.ToUpper(map[string]string{"x": "х", "y": "у"}[title] + title)
					}
					row[column(table, "ХX")], row[column(table, "УY")] = "Х", "у"
				}
				table[i] = append(row, "заметка")
			}
			return table
		},
		"a heading above and empty rows between": func(table [][]string) [][]string {
			return append([][]string{{"Профиль бланка"}, nil, table[0], {}, {"", " "}}, table[1:]...)
		},
		"words in another case": func(table [][]string) [][]string {
			for _, row := range table[1:] {
				for _, title := range []string{"вид", "что", "выравнивание", "шрифт", "прописными"} {
					row[column(table, title)] = strings.ToUpper(row[column(table, title)])
				}
			}
			return table
		},
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			profile := houses(t)[0]
			got, err := service.ReadBlankProfile(rowsOf(change(cloned(profile.Table()))))
			if err != nil {
				t.Fatalf("%v: %+v", err, service.AsError(err).Data)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func cloned(table [][]string) [][]string {
	out := make([][]string, len(table))
	for i, row := range table {
		out[i] = slices.Clone(row)
	}
	return out
}

func TestAWrongProfileIsRefusedByRowAndColumn(t *testing.T) {
	t.Parallel()
	// set changes a cell of the nth row whose kind and subject these are.
	set := func(kind, subject, column, text string) func(table [][]string) [][]string {
		return func(table [][]string) [][]string {
			for _, row := range table[1:] {
				if row[0] == kind && row[1] == subject {
					row[slices.Index(table[0], column)] = text
					break
				}
			}
			return table
		}
	}
	drop := func(kind, subject string) func(table [][]string) [][]string {
		return func(table [][]string) [][]string {
			return slices.DeleteFunc(table, func(row []string) bool { return row[0] == kind && row[1] == subject })
		}
	}
	twice := func(kind string) func(table [][]string) [][]string {
		return func(table [][]string) [][]string {
			i := slices.IndexFunc(table, func(row []string) bool { return row[0] == kind })
			return append(table, table[i])
		}
	}
	const last = -1 // the row that was added
	tests := []struct {
		name   string
		change func(table [][]string) [][]string
		reason service.Reason
		row    int
		column string
	}{
		{"nothing", func([][]string) [][]string { return nil }, service.ReasonProfileNoHeader, 0, ""},
		{"another table", func([][]string) [][]string { return [][]string{{"Фамилия", "Имя"}} }, service.ReasonProfileNoHeader, 0, ""},
		{"a column gone", func(table [][]string) [][]string { table[0][5] = "выс."; return table }, service.ReasonProfileNoColumn, 1, "высота"},
		{"a column twice", func(table [][]string) [][]string { table[0][13] = "Y"; return table }, service.ReasonProfileColumnTwice, 1, "y"},
		{"too many rows", func(table [][]string) [][]string {
			for range 300 {
				table = append(table, table[len(table)-1])
			}
			return table
		}, service.ReasonProfileTooManyRows, 0, ""},
		{"an unknown kind", set("поле", "ФИО", "вид", "полее"), service.ReasonProfileNoWord, 7 + 4, "вид"},
		{"an unknown field", set("поле", "ФИО", "что", "имя"), service.ReasonProfileNoWord, 7 + 4, "что"},
		{"an unknown face", set("поле", "ФИО", "шрифт", "Arial"), service.ReasonProfileNoWord, 7 + 4, "шрифт"},
		{"no alignment", set("поле", "ФИО", "выравнивание", ""), service.ReasonProfileNoWord, 7 + 4, "выравнивание"},
		{"no width", set("поле", "цель слева", "ширина", ""), service.ReasonProfileRequired, 7, "ширина"},
		{"letters for a number", set("поле", "цель слева", "y", "1O3"), service.ReasonProfileNoNumber, 7, "y"},
		{"not a number", set("поле", "цель слева", "y", "NaN"), service.ReasonProfileNoNumber, 7, "y"},
		{"endless", set("поле", "цель слева", "x", "Inf"), service.ReasonProfileNoNumber, 7, "x"},
		{"below zero", set("поле", "цель слева", "x", "-1"), service.ReasonProfileNoNumber, 7, "x"},
		{"half a line", set("поле", "цель слева", "строк", "1,5"), service.ReasonProfileNoNumber, 7, "строк"},
		{"a type that cannot be read", set("поле", "цель слева", "наименьший кегль", "3"), service.ReasonProfileNoNumber, 7, "наименьший кегль"},
		{"a floor above the size", set("поле", "цель слева", "наименьший кегль", "12"), service.ReasonProfileFloor, 7, "наименьший кегль"},
		{"lines that touch", set("поле", "учреждение и адрес", "межстрочный шаг", "3,4"), service.ReasonProfileLeading, 7 + 9, "межстрочный шаг"},
		{"lines without a step", set("поле", "учреждение и адрес", "межстрочный шаг", ""), service.ReasonProfileRequired, 7 + 9, "межстрочный шаг"},
		{"wider than the blank", set("поле", "цель слева", "ширина", "200"), service.ReasonProfileOffBlank, 7, ""},
		{"above the blank", set("поле", "цель слева", "y", "2"), service.ReasonProfileOffBlank, 7, ""},
		{"lines below the blank", set("поле", "учреждение и адрес", "строк", "8"), service.ReasonProfileOffBlank, 7 + 9, ""},
		{"a blank wider than the sheet", set("бланк", "", "x", "1"), service.ReasonProfileOffSheet, 6, ""},
		{"a blank of no height", set("бланк", "", "высота", "0"), service.ReasonProfileOffSheet, 6, ""},
		{"no blank", drop("бланк", ""), service.ReasonProfileNoRow, 0, ""},
		{"two blanks", twice("бланк"), service.ReasonProfileRepeated, last, ""},
		{"two names", twice("свойство"), service.ReasonProfileRepeated, last, "что"},
		{"two bar codes", func(table [][]string) [][]string {
			i := slices.IndexFunc(table, func(row []string) bool { return row[1] == "штрихкод" })
			return append(table, table[i])
		}, service.ReasonProfileRepeated, last, "что"},
		{"no name of the house", set("свойство", "название", "текст", ""), service.ReasonProfileRequired, 2, "текст"},
		{"a long name of the house", set("свойство", "название", "текст", strings.Repeat("Ж", 61)), service.ReasonProfileTooLong, 2, "текст"},
		{"a series of neither yes nor no", set("свойство", "серия", "текст", "АБ"), service.ReasonProfileNoWord, 4, "текст"},
		{"digits in words", set("свойство", "цифр в номере", "текст", "тринадцать"), service.ReasonProfileNoNumber, 5, "текст"},
		{"no digits", drop("свойство", "цифр в номере"), service.ReasonProfileNoRow, 0, ""},
		{"no field for the name", drop("поле", "ФИО"), service.ReasonProfileNoRow, 0, ""},
		{"no field for the institution", drop("поле", "учреждение и адрес"), service.ReasonProfileNoRow, 0, ""},
		{"no region of the number", drop("область", "номер бланка"), service.ReasonProfileNoRow, 0, ""},
		{"no field for the Latin name", drop("поле", "ФИО латиницей"), "", 0, ""},
		{"no region of the bar code", drop("область", "штрихкод"), "", 0, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			profile := houses(t)[0]
			table := tt.change(cloned(profile.Table()))
			if tt.row == last {
				tt.row = len(table)
			}
			_, err := service.ReadBlankProfile(rowsOf(table))
			if got := service.ReasonOf(err); got != tt.reason {
				t.Fatalf("reason %q, want %q: %+v", got, tt.reason, service.AsError(err).Data)
			}
			if err == nil {
				return
			}
			refusal := service.AsError(err)
			fault, ok := refusal.Data.(service.ProfileFault)
			if !ok || refusal.Kind != service.Invalid || fault.Row != tt.row || fault.Column != tt.column {
				t.Errorf("%s %+v, want row %d, column %q", refusal.Kind, refusal.Data, tt.row, tt.column)
			}
		})
	}
}

// TestAnyTableIsReadOrRefused puts anything into the cells of a table. What is
// read is whole on the blank.
func TestAnyTableIsReadOrRefused(t *testing.T) {
	t.Parallel()
	first := houses(t)[0]
	table := first.Table()
	cell := rapid.OneOf(
		rapid.StringMatching(`-?[0-9]{1,5}([,.][0-9]{1,3})?`),
		rapid.SampledFrom([]string{"", "Да", "Нет", "поле", "бланк", "область", "ФИО", "вправо", "без засечек", "1e300", "NaN", "вид"}),
		rapid.String(),
	)
	rapid.Check(t, func(t *rapid.T) {
		rows := rowsOf(table)
		for range rapid.IntRange(1, 4).Draw(t, "changes") {
			row := rapid.IntRange(0, len(rows)-1).Draw(t, "row")
			column := rapid.IntRange(0, len(rows[row].Cells)-1).Draw(t, "column")
			rows[row].Cells[column] = cell.Draw(t, "cell")
		}
		p, err := service.ReadBlankProfile(rows)
		var refusal *service.Error
		if err != nil {
			if !errors.As(err, &refusal) || refusal.Kind != service.Invalid {
				t.Fatalf("not a refusal: %v", err)
			}
			return
		}
		for _, f := range p.Fields {
			box := f.Box()
			if box.X < -0.01 || box.Y < -0.01 || box.X+box.Width > p.Sheet.Width+0.01 || box.Y+box.Height > p.Sheet.Height+0.01 {
				t.Fatalf("%s leaves the blank: %+v", f.Field, box)
			}
		}
		again, err := service.ReadBlankProfile(rowsOf(p.Table()))
		if err != nil {
			t.Fatalf("its own table is refused: %v", err)
		}
		if diff := cmp.Diff(p, again); diff != "" {
			t.Fatalf("its own table is another profile:\n%s", diff)
		}
	})
}
