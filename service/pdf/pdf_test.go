package pdf_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flowbot/service"
	"flowbot/service/pdf"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// names are short and long ones as they come, with letters of Kazakh and Tatar.
var names = []string{
	"Иванов Иван Иванович",
	"Щукарь-Ёлкина Александра-Виктория Константиновна",
	"Ли Ян",
	"Мұхамеджанова Әсел Қайратқызы",
	"Җәләлетдинова Һаҗәр Үзбәк кызы",
}

// form is an act of n learners: some documents sent, some entered, some
// without a series.
func form(n int) service.ActForm {
	f := service.ActForm{
		Number: "118/1", Version: 2, Date: service.NewDay(2026, time.November, 21),
		Partner:    "Общество с ограниченной ответственностью «Учебный центр „Профессионал“»",
		PartnerINN: "7701234567", Cohort: "118",
		Program: "Охрана труда при работах на высоте", ProgramKind: "Повышение квалификации", Hours: 72,
		Start: service.NewDay(2026, time.October, 1), End: service.NewDay(2026, time.October, 30),
	}
	sent := service.NewDay(2026, time.November, 9)
	for i := range n {
		l := service.ActFormLearner{
			Number: fmt.Sprintf("З-2026-%05d", i+1), Name: names[i%len(names)],
			DocType: 1, DocTypeName: "Удостоверение о повышении квалификации",
			Series: "ПК", DocNumber: fmt.Sprintf("%012d", 770000+i), RegistrationNumber: fmt.Sprintf("118-%04d", i+1),
			IssuedOn: service.NewDay(2026, time.November, 2), InFRDO: i%4 != 3,
		}
		if i%3 != 2 {
			l.SentOn = &sent
		}
		if i%5 == 4 {
			l.Series = ""
		}
		f.Learners = append(f.Learners, l)
	}
	return f
}

// ugly is an act of n learners none of whose words fits its cell.
func ugly(n int) service.ActForm {
	f := form(n)
	f.Partner = "Федеральное государственное автономное образовательное учреждение высшего образования " +
		strings.Repeat("«Санкт-Петербургский межрегиональный университет» ", 4)
	f.Program = strings.Repeat("Дополнительная профессиональная программа повышения квалификации руководителей; ", 6)
	for i := range f.Learners {
		l := &f.Learners[i]
		l.Name = strings.Repeat("Константинопольская-Рождественская-", 2) + "Задунайская " + strings.Repeat("Ы", 60) + " бин Абу Али"
		l.DocTypeName = "Удостоверение о краткосрочном повышении квалификации"
		l.RegistrationNumber = "24-10-40538-000002-1/2026-ДОПОЛНИТЕЛЬНЫЙ"
		l.DocNumber = strings.Repeat("7", 40)
	}
	return f
}

func newPrinter(t *testing.T) *pdf.Printer {
	t.Helper()
	p, err := pdf.New()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestActStandsWhereItsPlanSays(t *testing.T) {
	t.Parallel()
	p := newPrinter(t)
	for name, f := range map[string]service.ActForm{"act": form(3), "act_ugly": ugly(2)} {
		got, err := p.Plan(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, name, got)
	}
}

// planned is one mark of a plan.
type planned struct {
	x, y, x2, y2 float64
	text         string
	points       float64
}

var (
	textLine = regexp.MustCompile(`^([\d.]+) ([\d.]+) mm  (\S+) ([\d.]+)  (".*")( .*black)?$`)
	ruleLine = regexp.MustCompile(`^([\d.]+) ([\d.]+) mm  rule to ([\d.]+) ([\d.]+)( .*black)?$`)
)

// sheets reads a plan back.
func sheets(t *testing.T, plan string) [][]planned {
	t.Helper()
	number := func(s string) float64 {
		v, err := strconv.ParseFloat(s, 64)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	var out [][]planned
	for line := range strings.Lines(plan) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "sheet ") {
			out = append(out, nil)
			continue
		}
		last := &out[len(out)-1]
		if m := ruleLine.FindStringSubmatch(line); m != nil {
			*last = append(*last, planned{x: number(m[1]), y: number(m[2]), x2: number(m[3]), y2: number(m[4])})
			continue
		}
		m := textLine.FindStringSubmatch(line)
		if m == nil {
			t.Fatalf("plan line %q", line)
		}
		text, err := strconv.Unquote(m[5])
		if err != nil {
			t.Fatal(err)
		}
		*last = append(*last, planned{x: number(m[1]), y: number(m[2]), text: text, points: number(m[4])})
	}
	return out
}

func TestEverySheetIsNumberedAndHeadedAndNoRowIsSplit(t *testing.T) {
	t.Parallel()
	p := newPrinter(t)
	for _, tt := range []struct {
		name string
		form service.ActForm
	}{
		{"one learner", form(1)},
		{"as many as nearly fill a sheet", form(7)},
		{"forty", form(40)},
		{"three hundred", form(300)},
		{"one ugly", ugly(1)},
		{"twenty ugly", ugly(20)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			plan, err := p.Plan(t.Context(), tt.form)
			if err != nil {
				t.Fatal(err)
			}
			pages := sheets(t, plan)
			rows := 0
			for i, marks := range pages {
				texts := map[string]int{}
				var edges []float64 // of the rows, from the top
				for _, m := range marks {
					texts[m.text]++
					if m.text == "" && m.y == m.y2 && m.x == 20 && m.x2 == 285 {
						edges = append(edges, m.y)
					}
					if m.y > 198.1 || max(m.y, m.y2) > 190.1 && m.y < 197 || m.y < 15 || m.x < 19.9 || max(m.x, m.x2) > 285.1 {
						t.Errorf("sheet %d: %v is outside the margins", i+1, m)
					}
				}
				if want := fmt.Sprintf("Лист %d из %d", i+1, len(pages)); texts[want] != 1 {
					t.Errorf("sheet %d has no %q", i+1, want)
				}
				if last := i == len(pages)-1; texts["М.П."] > 0 != last {
					t.Errorf("sheet %d of %d: signatures %d times", i+1, len(pages), texts["М.П."])
				}
				if len(edges) == 0 {
					continue // the head filled the sheet
				}
				if texts["регистрационный"] != 1 {
					t.Errorf("sheet %d has a table without a heading", i+1)
				}
				// The first three edges are the heading's.
				rows += len(edges) - 3
				for _, m := range marks {
					if m.points != 9 || m.y > 190 { // cells only
						continue
					}
					inside := false
					for j := 3; j < len(edges); j++ {
						// The baseline and the descenders under it are within one row.
						inside = inside || m.y-2.2 > edges[j-1] && m.y+0.8 < edges[j]
					}
					if !inside {
						t.Errorf("sheet %d: %q at %.1f crosses the edge of its row", i+1, m.text, m.y)
					}
				}
			}
			if rows != len(tt.form.Learners) {
				t.Errorf("%d rows for %d learners", rows, len(tt.form.Learners))
			}
		})
	}
}

func TestSignaturesNeverStandAlone(t *testing.T) {
	t.Parallel()
	p := newPrinter(t)
	for n := 1; n <= 40; n++ {
		plan, err := p.Plan(t.Context(), form(n))
		if err != nil {
			t.Fatal(err)
		}
		last := plan[strings.LastIndex(plan, "sheet "):]
		if want := fmt.Sprintf("%q", fmt.Sprintf("118-%04d", n)); !strings.Contains(last, want) {
			t.Errorf("of %d learners none is on the last sheet:\n%s", n, last)
		}
	}
}

func TestSameActIsTheSameBytes(t *testing.T) {
	t.Parallel()
	f := form(40)
	first, err := newPrinter(t).Act(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	p := newPrinter(t)
	for range 2 {
		got, err := p.Act(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(first, got) {
			t.Fatal("the same act gave another file")
		}
	}
	f.Version++
	if other, err := p.Act(t.Context(), f); err != nil || bytes.Equal(first, other) {
		t.Errorf("another version gave the same file, %v", err)
	}
}

func TestPrinterServesManyAtOnce(t *testing.T) {
	t.Parallel()
	p := newPrinter(t)
	want, err := p.Act(t.Context(), form(20))
	if err != nil {
		t.Fatal(err)
	}
	errs := make(chan error)
	const people = 8
	for range people {
		go func() {
			got, err := p.Act(t.Context(), form(20))
			if err == nil && !bytes.Equal(want, got) {
				err = errors.New("another file")
			}
			errs <- err
		}()
	}
	for range people {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

func TestALetterThatCannotBePrintedIsRefusedByName(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		put  func(f *service.ActForm)
		want *service.GlyphError // nil if it can be printed
	}{
		{"emoji in a name", func(f *service.ActForm) { f.Learners[1].Name = "Иванов 😀 Иван" }, &service.GlyphError{Learner: "З-2026-00002", Rune: '😀'}},
		{"Chinese letter in a number", func(f *service.ActForm) { f.Learners[0].DocNumber = "12中" }, &service.GlyphError{Learner: "З-2026-00001", Rune: '中'}},
		{"direction mark in a name", func(f *service.ActForm) { f.Learners[2].Name = "Иванов\u202eИван" }, &service.GlyphError{Learner: "З-2026-00003", Rune: '\u202e'}},
		{"arrow in the programme", func(f *service.ActForm) { f.Program = "Труд ⇶" }, &service.GlyphError{Rune: '⇶'}},
		{"nul in a name", func(f *service.ActForm) { f.Learners[0].Name = "Иван\x00ов" }, &service.GlyphError{Learner: "З-2026-00001", Rune: 0}},
		{"letter with its breve apart", func(f *service.ActForm) { f.Learners[0].Name = "Зои\u0306кин" }, nil},
		{"letter with its dots apart", func(f *service.ActForm) { f.Learners[0].Name = "Е\u0308лкин" }, nil},
		{"letters of Kazakh and Tatar", func(f *service.ActForm) { f.Learners[0].Name = "ӘҒҚҢӨҰҮҺІ әғқңөұүһі ҖҗҤҥ" }, nil},
		{"Latin name with marks", func(f *service.ActForm) { f.Learners[0].Name = "Müller-Ångström Žofie" }, nil},
		{"signs of texts", func(f *service.ActForm) { f.Program = "«Ёлка» — „тест“ № 1 & <b>\u00a0100 %" }, nil},
		{"lines and tabs", func(f *service.ActForm) { f.Learners[0].Name = " Иванов\n\tИван " }, nil},
	}
	p := newPrinter(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := form(3)
			tt.put(&f)
			b, err := p.Act(t.Context(), f)
			var got *service.GlyphError
			if err != nil && !errors.As(err, &got) {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if (tt.want == nil) != (b != nil) {
				t.Errorf("%d bytes came with %v", len(b), err)
			}
		})
	}
}

func TestOtherProgramsReadAllLearnersFromTheAct(t *testing.T) {
	t.Parallel()
	const learners = 300
	b, err := newPrinter(t).Act(t.Context(), form(learners))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "act.pdf")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	var complaints bytes.Buffer
	run := func(name string, args ...string) string {
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.Stderr = &complaints
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v %s", name, err, &complaints)
		}
		return string(out)
	}
	text := run("pdftotext", "-layout", file, "-")
	for i := range learners {
		if n := strings.Count(text, fmt.Sprintf("З-2026-%05d ", i+1)); n != 1 {
			t.Errorf("learner %d stands %d times", i+1, n)
		}
	}
	for _, want := range []string{
		"АКТ ОБ ОКАЗАНИИ УСЛУГ № 118/1", "от 21.11.2026 (версия 2)", "7701234567", "ИНН 7701234567",
		"Всего по акту: 300 (триста) слушателей.", "Мұхамеджанова", "Лист 1 из", "не направлен",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the text has no %q", want)
		}
	}
	run("pdftoppm", "-r", "30", "-gray", file, filepath.Join(dir, "sheet"))
	drawn, err := filepath.Glob(filepath.Join(dir, "sheet-*.pgm"))
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.Count(text, "\f"); len(drawn) != want || want < 10 {
		t.Errorf("%d sheets drawn of %d", len(drawn), want)
	}
	if complaints.Len() != 0 {
		t.Errorf("poppler complains: %s", &complaints)
	}
}

func TestARowHigherThanASheetIsAnError(t *testing.T) {
	t.Parallel()
	f := form(1)
	f.Learners[0].Name = strings.Repeat("слово ", 1000)
	if b, err := newPrinter(t).Act(t.Context(), f); err == nil {
		t.Errorf("%d bytes of a row that fits nowhere", len(b))
	}
}

func BenchmarkAct(b *testing.B) {
	p, err := pdf.New()
	if err != nil {
		b.Fatal(err)
	}
	for _, n := range []int{40, 300} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			for b.Loop() {
				if _, err := p.Act(b.Context(), form(n)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
