package templates_test

import (
	"strings"
	"testing"

	"flowbot/templates"
)

func TestActCountsInWordsWithTheRightPlural(t *testing.T) {
	t.Parallel()
	form, err := templates.Form("act")
	if err != nil {
		t.Fatal(err)
	}
	tests := map[int]string{
		0:       "0 (ноль) слушателей",
		1:       "1 (один) слушатель",
		2:       "2 (два) слушателя",
		5:       "5 (пять) слушателей",
		11:      "11 (одиннадцать) слушателей",
		14:      "14 (четырнадцать) слушателей",
		21:      "21 (двадцать один) слушатель",
		40:      "40 (сорок) слушателей",
		112:     "112 (сто двенадцать) слушателей",
		304:     "304 (триста четыре) слушателя",
		1000:    "1000 (одна тысяча) слушателей",
		2022:    "2022 (две тысячи двадцать два) слушателя",
		111_901: "111901 (сто одиннадцать тысяч девятьсот один) слушатель",
	}
	for n, want := range tests {
		var out strings.Builder
		if err := form.ExecuteTemplate(&out, "count.learners", n); err != nil {
			t.Fatal(err)
		}
		if out.String() != want {
			t.Errorf("%d learners are %q, want %q", n, out.String(), want)
		}
	}
}

func TestFontsAreThere(t *testing.T) {
	t.Parallel()
	for _, file := range []string{templates.FontSerif, templates.FontSerifBold, templates.FontSans} {
		if b, err := templates.Font(file); err != nil || len(b) == 0 {
			t.Errorf("font %s: %d bytes, %v", file, len(b), err)
		}
	}
}
