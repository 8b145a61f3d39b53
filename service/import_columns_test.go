package service

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestDaysOfCellsAreRead(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, cell string
		base1904   bool
		want       string // "" for none
	}{
		{"as people write", "01.02.2026", false, "2026-02-01"},
		{"without noughts", "1.2.2026", false, "2026-02-01"},
		{"with a time", "01.02.2026 00:00", false, "2026-02-01"},
		{"with seconds", "01.02.2026 10:20:30", false, "2026-02-01"},
		{"as programs write", "2026-02-01", false, "2026-02-01"},
		{"as programs write, with a time", "2026-02-01T00:00:00", false, "2026-02-01"},
		{"a number of Excel", "46023", false, "2026-01-01"},
		{"a number with a time", "46023.75", false, "2026-01-01"},
		{"a number of an old Macintosh", "44561", true, "2026-01-01"},
		{"the first day", "1", false, "1900-01-01"},
		{"the last day before the error of Excel", "59", false, "1900-02-28"},
		{"the day that there was not", "60", false, ""},
		{"the day after it", "61", false, "1900-03-01"},
		{"the first day of 1904", "0", true, "1904-01-01"},
		{"nought", "0", false, ""},
		{"a negative number", "-1", false, ""},
		{"the last day of Excel", "2958465", false, "9999-12-31"},
		{"a day too far", "2958466", false, ""},
		{"no number", "NaN", false, ""},
		{"endless", "Inf", false, ""},
		{"no such day", "31.02.2026", false, ""},
		{"month first", "02/01/2026", false, ""},
		{"two digits of a year", "01.02.26", false, ""},
		{"words behind", "01.02.2026 г.", false, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, ok := parseDay(tt.cell, tt.base1904)
			if got.String() != tt.want || ok != (tt.want != "") {
				t.Errorf("%q is %v, %v; want %q", tt.cell, got, ok, tt.want)
			}
		})
	}
}

func TestDaysOfExcelGoBackToTheirNumbers(t *testing.T) {
	t.Parallel()
	epoch := NewDay(1899, time.December, 30)
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(serialFeb29+1, 80_000).Draw(t, "number")
		d, ok := excelDay(float64(n), false)
		if !ok || epoch.AddDays(n) != d {
			t.Fatalf("%d is %v, %v", n, d, ok)
		}
	})
}

func TestTextsOfCellsAreRead(t *testing.T) {
	t.Parallel()
	tests := []struct {
		cell, want string
		reason     Reason
	}{
		{" Иванов  Иван ", "Иванов Иван", ""},
		{"000123", "000123", ""},
		{"1.23456789012E+11", "123456789012", ""},
		{"1E+5", "100000", ""},
		{"12E4", "12E4", ""},
		{"1.2345678901234E+19", "", ReasonImportRounded},
		{"1.5E+0", "", ReasonImportRounded},
		{"-1E+3", "", ReasonImportRounded},
		{"#N/A", "", ReasonImportFormulaError},
		{"# 5", "# 5", ""},
		{"12345678901234567890", "12345678901234567890", ""},
		{"123456789012345678901", "", ReasonImportTooLong},
	}
	for _, tt := range tests {
		t.Run(tt.cell, func(t *testing.T) {
			t.Parallel()
			got, err := readText(20)(tt.cell, &Sheet{})
			if got != tt.want || ReasonOf(err) != tt.reason {
				t.Errorf("%q is %q, %v; want %q, %q", tt.cell, got, err, tt.want, tt.reason)
			}
		})
	}
}

func TestTypesOfDocumentsAreReadByNumberAndByWords(t *testing.T) {
	t.Parallel()
	tests := []struct {
		cell string
		want DocumentType
		ok   bool
	}{
		{"", DocumentNone, true},
		{"1", DocumentQualification, true},
		{"7", DocumentAdditional, true},
		{"Диплом о  профессиональной переподготовке", DocumentRetraining, true},
		{"СВИДЕТЕЛЬСТВО О ДОЛЖНОСТИ СЛУЖАЩЕГО", DocumentClerk, true},
		{"0", DocumentNone, false},
		{"8", DocumentNone, false},
		{"1.0", DocumentNone, false},
		{"диплом", DocumentNone, false},
	}
	for _, tt := range tests {
		t.Run(tt.cell, func(t *testing.T) {
			t.Parallel()
			got, err := readDocument(tt.cell, nil)
			if got != tt.want || (err == nil) != tt.ok {
				t.Errorf("%q is %d, %v", tt.cell, got, err)
			}
			if got != DocumentNone && got.Name() == "" {
				t.Errorf("type %d has no name", got)
			}
		})
	}
	for _, none := range []DocumentType{-1, 0, 8} {
		if name := none.Name(); name != "" {
			t.Errorf("type %d is called %q", none, name)
		}
	}
}
