package service_test

import (
	"testing"

	"flowbot/service"
)

func TestAFileIsCalledAsOneApplicationOrAsNone(t *testing.T) {
	t.Parallel()
	exam := []service.Application{
		{ID: 1, Number: "24-118-01"}, {ID: 2, Number: "24-118/02"}, {ID: 3, Number: "7/1"}, {ID: 4, Number: "7-1"},
		{ID: 5, Number: "12/1"}, {ID: 6, Number: "А-5"}, {ID: 7, Number: "24.118.03"},
	}
	elsewhere := []service.Application{{ID: 11, Number: "12-1"}, {ID: 12, Number: "24-119-01"}, {ID: 13, Number: "24-119/02"}, {ID: 14, Number: "9"}, {ID: 15, Number: "9"}}
	names := service.NewScanNames(exam, elsewhere)
	for file, want := range map[string]int64{
		"24-118-01.pdf":           1,
		"24-118-01.JPG":           1,
		"24-118-01":               1,
		" 24-118-01 .jpeg":        1,
		"сканы/24-118-01.pdf":     1,
		`C:\сканы\24-118-01.tiff`: 1,
		"24-118-02.png":           2, // no name of a file has a slash
		"а-5.heic":                6, // capitals do not matter
		"24.118.03.pdf":           7,
		"24.118.03":               7,
		"7-1.pdf":                 0, // 7/1 and 7-1 are both in the exam
		"12-1.pdf":                0, // 12/1 of the exam, or 12-1 of another
		"24-119-01.pdf":           12,
		"24-119-02.pdf":           0, // not to the letter
		"9.pdf":                   0, // of two exams
		"IMG_0012.jpg":            0,
		"24-118-01 (1).pdf":       0,
		"24-118-01 Каримов.pdf":   0,
		"24-118-01.docx":          0,
		"24-118-01.pdf.pdf":       0,
		"24-118-0.pdf":            0,
		".pdf":                    0,
		"":                        0,
	} {
		if got := names.Of(service.SafeName(file)); got != want {
			t.Errorf("%q is called as %d, want %d", file, got, want)
		}
	}
}
