package pdf_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"flowbot/service"
	"flowbot/service/pdf"
	"flowbot/templates"
)

// profiles are the built-in ones, by their codes.
func profiles(tb testing.TB) map[string]service.BlankProfile {
	tb.Helper()
	tables, err := templates.BlankProfiles()
	if err != nil {
		tb.Fatal(err)
	}
	list, err := service.BuildBlankProfiles(tables...)
	if err != nil {
		tb.Fatal(err)
	}
	out := make(map[string]service.BlankProfile)
	for _, p := range list {
		out[p.Code] = p
	}
	return out
}

// plain is a certificate of which everything fits at its full size.
func plain() service.Certificate {
	return service.Certificate{
		Application: "316-01", Level: service.LevelPatent, Name: "Каримов Алишер Рустамович", NameLatin: "Karimov Alisher",
		Institution: "Приморским центром тестирования", Address: "г. Владивосток, ул. Светланская, д. 1",
		IssuedOn: service.NewDay(2024, time.December, 16), ValidUntil: service.NewDay(2027, time.December, 16),
		RegistrationNumber: "24-10-40538-000002-1",
		SignatoryPosition:  "Директор", SignatoryName: "А. А. Центрова",
	}
}

// exam is a form of one certificate of each sort: plain, a real institution's
// long name, and one none of whose texts fits its line.
func exam(profile service.BlankProfile) service.CertificateForm {
	long := plain()
	long.Application, long.Level, long.ValidUntil = "316-02", service.LevelPermanent, service.Day{}
	long.Name, long.NameLatin = "Нгуен Тхи", ""
	long.Institution = "Федеральным государственным бюджетным образовательным учреждением высшего образования «Приморский государственный университет»"
	long.SignatoryPosition = "Директор центра тестирования иностранных граждан"
	ugly := plain()
	ugly.Application, ugly.Level = "316-03", service.LevelTemporary
	ugly.Name = "Мухаммад-Константинопольский-Рождественский Абдурахмон Абдувохидович угли"
	ugly.NameLatin = "Mukhammad-Konstantinopolskiy-Rozhdestvenskiy Abdurakhmon Abduvokhidovich ugli"
	ugly.Institution = "Федеральным государственным автономным образовательным учреждением высшего образования " +
		"«Дальневосточный межрегиональный государственный университет народного хозяйства имени Николая Николаевича Муравьёва-Амурского»"
	ugly.Address = "690000, Приморский край, г. Владивосток, ул. Большая Выдуманная, д. 111, корпус 2, строение 3"
	ugly.IssuedOn, ugly.ValidUntil = service.NewDay(2024, time.September, 30), service.NewDay(2027, time.September, 30)
	ugly.RegistrationNumber = "24-10-40538-000002-1/2024"
	ugly.SignatoryPosition = "Исполняющая обязанности директора департамента международного образования и тестирования"
	ugly.SignatoryName = "Александра-Виктория Константиновна Щукарь-Ёлкина-Задунайская"
	return service.CertificateForm{
		Exam: "316", Date: service.NewDay(2024, time.December, 16), Profile: profile,
		Certificates: []service.Certificate{plain(), long, ugly},
	}
}

// golden compares a plan with the one in testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s moved (-want +got):\n%s", name, diff)
	}
}

func TestCertificatesStandWhereTheirPlanSays(t *testing.T) {
	t.Parallel()
	p := newPrinter(t)
	for code, profile := range profiles(t) {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			got, err := p.PlanCertificates(t.Context(), exam(profile))
			if err != nil {
				t.Fatal(err)
			}
			golden(t, "certificate_"+code, got)
		})
	}
}

func TestOffsetsMoveEverything(t *testing.T) {
	t.Parallel()
	p := newPrinter(t)
	for code, profile := range profiles(t) {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			f := exam(profile)
			straight, err := p.PlanCertificates(t.Context(), f)
			if err != nil {
				t.Fatal(err)
			}
			f.RightBy, f.DownBy = 15, -12
			moved, err := p.PlanCertificates(t.Context(), f)
			if err != nil {
				t.Fatal(err)
			}
			before, after := sheets(t, straight), sheets(t, moved)
			for i := range before {
				for j, m := range before[i] {
					n := after[i][j]
					if n.text != m.text || n.points != m.points || math.Abs(n.x-m.x-1.5) > 0.11 || math.Abs(n.y-m.y+1.2) > 0.11 {
						t.Errorf("sheet %d: %v became %v", i+1, m, n)
					}
				}
			}
		})
	}
}

func TestCertificatesMeasureTextAsTheLibraryDoes(t *testing.T) {
	t.Parallel()
	p := newPrinter(t)
	for _, text := range []string{"Ёлкина-Щукарь Ә. Җ.", "24-10-40538-000002-1", "№ «a» — 100 %", "AVATAR"} {
		got, want, err := p.Measure(9.5, text)
		if err != nil || math.Abs(got-want) > 0.001 {
			t.Errorf("%q is %.3f mm, the library says %.3f, %v", text, got, want, err)
		}
	}
}

func TestSameCertificatesAreTheSameBytes(t *testing.T) {
	t.Parallel()
	for code, profile := range profiles(t) {
		f := exam(profile)
		first, err := newPrinter(t).Certificates(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		p := newPrinter(t)
		for range 2 {
			if got, err := p.Certificates(t.Context(), f); err != nil || !bytes.Equal(first, got) {
				t.Fatalf("%s: the same certificates gave another file, %v", code, err)
			}
		}
		// The same letters, differently composed.
		f.Certificates[0].Name = "  " + norm.NFD.String(f.Certificates[0].Name) + "\n"
		if got, err := p.Certificates(t.Context(), f); err != nil || !bytes.Equal(first, got) {
			t.Errorf("%s: letters apart gave another file, %v", code, err)
		}
		f.DownBy++
		if got, err := p.Certificates(t.Context(), f); err != nil || bytes.Equal(first, got) {
			t.Errorf("%s: another offset gave the same file, %v", code, err)
		}
	}
}

func TestWhatCannotBePrintedIsRefusedByItsApplication(t *testing.T) {
	t.Parallel()
	p := newPrinter(t)
	tests := []struct {
		name string
		put  func(f *service.CertificateForm)
		want error // nil if it can be printed
	}{
		{"emoji in a name", func(f *service.CertificateForm) { f.Certificates[2].Name = "Ли 😀" }, &service.GlyphError{Application: "316-03", Rune: '😀'}},
		{"Chinese name", func(f *service.CertificateForm) { f.Certificates[1].Name = "李 Ян" }, &service.GlyphError{Application: "316-02", Rune: '李'}},
		{"direction mark", func(f *service.CertificateForm) { f.Certificates[0].NameLatin = "Li\u202eYan" }, &service.GlyphError{Application: "316-01", Rune: '\u202e'}},
		{"arrow in the institution", func(f *service.CertificateForm) { f.Certificates[0].Institution = "Центром ⇶" }, &service.GlyphError{Application: "316-01", Rune: '⇶'}},
		{"endless name", func(f *service.CertificateForm) { f.Certificates[1].Name = strings.Repeat("Абдувохид ", 30) }, &service.FitError{Application: "316-02", Field: service.FieldName}},
		{"endless word", func(f *service.CertificateForm) { f.Certificates[1].Name = strings.Repeat("Ы", 90) }, &service.FitError{Application: "316-02", Field: service.FieldName}},
		{"endless number", func(f *service.CertificateForm) { f.Certificates[2].RegistrationNumber = strings.Repeat("7", 60) }, &service.FitError{Application: "316-03", Field: service.FieldRegistrationNumber}},
		{"endless Latin name", func(f *service.CertificateForm) { f.Certificates[2].NameLatin = strings.Repeat("Abduvokhid ", 30) }, &service.FitError{Application: "316-03", Field: service.FieldNameLatin}},
		{"off the right edge", func(f *service.CertificateForm) { f.RightBy = 200; f.Certificates = f.Certificates[2:] }, &service.FitError{Application: "316-03", Field: service.FieldName, OffSheet: true}},
		{"off the left edge", func(f *service.CertificateForm) { f.RightBy = -160 }, &service.FitError{Application: "316-01", Field: service.FieldIssuedOn, OffSheet: true}},
		{"letters of Kazakh and Tatar", func(f *service.CertificateForm) { f.Certificates[0].Name = "Әсел Қайратқызы Җәләл" }, nil},
		{"Latin name with marks", func(f *service.CertificateForm) { f.Certificates[0].NameLatin = "Müller-Ångström Žofie" }, nil},
		{"no Latin name", func(f *service.CertificateForm) { f.Certificates[0].NameLatin = "" }, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := exam(profiles(t)["blank-210"])
			tt.put(&f)
			b, err := p.Certificates(t.Context(), f)
			var glyph *service.GlyphError
			var fit *service.FitError
			var got error
			switch {
			case errors.As(err, &glyph):
				got = glyph
			case errors.As(err, &fit):
				got = fit
			case err != nil:
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

func TestACertificateThatIsNotWholeIsAnError(t *testing.T) {
	t.Parallel()
	p := newPrinter(t)
	for name, drop := range map[string]func(c *service.Certificate){
		"name":        func(c *service.Certificate) { c.Name = " " },
		"institution": func(c *service.Certificate) { c.Institution = "" },
		"address":     func(c *service.Certificate) { c.Address = "" },
		"date":        func(c *service.Certificate) { c.IssuedOn = service.Day{} },
		"number":      func(c *service.Certificate) { c.RegistrationNumber = "" },
		"position":    func(c *service.Certificate) { c.SignatoryPosition = "" },
		"signatory":   func(c *service.Certificate) { c.SignatoryName = "\n" },
		"level":       func(c *service.Certificate) { c.Level = "" },
	} {
		f := exam(profiles(t)["vector-200"])
		drop(&f.Certificates[1])
		if b, err := p.Certificates(t.Context(), f); err == nil {
			t.Errorf("%d bytes without the %s", len(b), name)
		}
	}
}

// TestNoTextLeavesItsFieldAndNoneIsCut sets texts of any length with any offsets.
func TestNoTextLeavesItsFieldAndNoneIsCut(t *testing.T) {
	t.Parallel()
	p := newPrinter(t)
	houses := profiles(t)
	word := rapid.StringMatching(`[А-ЯЁA-Zа-яёa-z0-9«».,/-]{1,18}`)
	rapid.Check(t, func(t *rapid.T) {
		profile := houses[rapid.SampledFrom([]string{"blank-210", "vector-200"}).Draw(t, "house")]
		place := rapid.SampledFrom(profile.Fields).Draw(t, "field")
		text := strings.Join(rapid.SliceOfN(word, 1, 25).Draw(t, "words"), " ")
		if place.Field == service.FieldPlace {
			text += "\n" + strings.Join(rapid.SliceOfN(word, 1, 10).Draw(t, "address"), " ")
		}
		right, down := rapid.IntRange(-200, 200).Draw(t, "right"), rapid.IntRange(-200, 200).Draw(t, "down")
		lines, err := p.Place(&profile, right, down, place.Field, text)
		var fit *service.FitError
		if errors.As(err, &fit) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if message := misplaced(&profile, right, down, place.Field, lines); message != "" {
			t.Fatal(message)
		}
		squeeze := func(s string) string { return strings.Join(strings.Fields(strings.ToUpper(s)), "") }
		var whole strings.Builder
		for _, l := range lines {
			whole.WriteString(l.Text)
		}
		if want, got := squeeze(text), squeeze(whole.String()); got != want {
			t.Fatalf("%q became %q", want, got)
		}
	})
}

// misplaced tells what is wrong with the place of a field's lines, "" if nothing
// is: they must be within one of the field's places, the blank and the sheet.
func misplaced(profile *service.BlankProfile, right, down int, field service.Field, lines []pdf.Placed) string {
	const hair = 0.01 // mm
	sheet := profile.Sheet
	x0, y0 := sheet.X+float64(right)/10, sheet.Y+float64(down)/10
	within := func(place service.BlankField) bool {
		for i, l := range lines {
			x, y := l.X-x0, l.Y-y0
			if x < place.X-hair || x+l.Width > place.X+place.Width+hair || math.Abs(y-place.Y-float64(i)*place.Leading) > hair ||
				l.Points > place.Size || l.Points < place.Floor || i >= place.Lines {
				return false
			}
		}
		return true
	}
	found := false
	for _, place := range profile.Places(field) {
		found = found || within(place)
	}
	if !found {
		return fmt.Sprintf("%s is in none of its places: %v", field, lines)
	}
	for i, l := range lines {
		size := l.Points * service.PointMM
		above, below := l.Y-size*service.TypeAbove, l.Y+size*service.TypeBelow
		if l.X < x0-hair || l.X+l.Width > x0+sheet.Width+hair || above < y0-hair || below > y0+sheet.Height+hair {
			return fmt.Sprintf("%s leaves the blank: %v", field, l)
		}
		if l.X < -hair || l.X+l.Width > service.SheetWidth+hair || above < -hair || below > service.SheetHeight+hair {
			return fmt.Sprintf("%s leaves the sheet: %v", field, l)
		}
		if i > 0 && l.Y-lines[i-1].Y < size*service.TypeLeading-hair {
			return fmt.Sprintf("%s touches the line above: %v", field, l)
		}
	}
	return ""
}

// run runs a program of poppler and fails if it complains.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	var complaints bytes.Buffer
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), name, args...)
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil || complaints.Len() != 0 {
		t.Fatalf("%s: %v %s", name, err, &complaints)
	}
	return string(out)
}

// kept writes a file for other programs.
func kept(t *testing.T, b []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "form.pdf")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestOtherProgramsReadTheSameWordsFromCertificates(t *testing.T) {
	t.Parallel()
	p := newPrinter(t)
	for code, profile := range profiles(t) {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			f := exam(profile)
			plan, err := p.PlanCertificates(t.Context(), f)
			if err != nil {
				t.Fatal(err)
			}
			b, err := p.Certificates(t.Context(), f)
			if err != nil {
				t.Fatal(err)
			}
			file := kept(t, b)
			words := strings.Split(strings.TrimSuffix(run(t, "pdftotext", "-layout", file, "-"), "\f"), "\f")
			pages := sheets(t, plan)
			if len(words) != len(pages) {
				t.Fatalf("%d pages, want %d", len(words), len(pages))
			}
			for i, marks := range pages {
				want := make(map[string]int)
				for _, m := range marks {
					for _, word := range strings.Fields(m.text) {
						want[word]++
					}
				}
				got := make(map[string]int)
				for _, word := range strings.Fields(words[i]) {
					got[word]++
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("sheet %d (-want +got):\n%s", i+1, diff)
				}
			}
			if info := run(t, "pdfinfo", file); !strings.Contains(info, "(A4)") {
				t.Errorf("not A4:\n%s", info)
			}
			for font := range strings.Lines(run(t, "pdffonts", file)) {
				if strings.HasPrefix(font, "PT") && !strings.Contains(font, "yes no  yes") {
					t.Errorf("not embedded with its letters: %s", font)
				}
			}
			// The faces have 300 KB each.
			if len(b) > 100<<10 {
				t.Errorf("%d bytes: the faces are embedded whole", len(b))
			}
		})
	}
}

func BenchmarkCertificates(b *testing.B) {
	p, err := pdf.New()
	if err != nil {
		b.Fatal(err)
	}
	f := exam(profiles(b)["blank-210"])
	three := f.Certificates
	f.Certificates = nil
	for i := range 1000 {
		c := three[i%3]
		c.Name = fmt.Sprintf("%s %d", c.Name, i)
		f.Certificates = append(f.Certificates, c)
	}
	for b.Loop() {
		if _, err := p.Certificates(b.Context(), f); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*len(f.Certificates))/b.Elapsed().Seconds(), "pages/s")
}

func TestWhatACenterMayWriteCanBePrinted(t *testing.T) {
	t.Parallel()
	p, err := pdf.New()
	if err != nil {
		t.Fatal(err)
	}
	var words []string
	for r := range rune(0x2300) {
		word, err := service.CheckCenterValue(service.CenterAddress, "д"+string(r)+"м")
		if err == nil {
			words = append(words, word, strings.ToUpper(word))
		}
	}
	if len(words) < 2*250 {
		t.Fatalf("only %d letters may be written", len(words)/2)
	}
	for _, face := range []service.Face{service.FaceSerif, service.FaceSerifBold, service.FaceSans} {
		profile := profiles(t)["blank-210"]
		profile.Fields = slices.Clone(profile.Fields)
		for i := range profile.Fields {
			profile.Fields[i].Face = face
		}
		for _, word := range words {
			c := plain()
			c.SignatoryName = word
			_, err := p.CertificateLines(t.Context(), service.CertificateForm{Profile: profile, Certificates: []service.Certificate{c}})
			if err != nil {
				t.Errorf("%s: %q: %v", face, word, err)
			}
		}
	}
	for _, text := range []string{"Центром 🙂", "Центром ⇶", "\u674e", "ა"} {
		if _, err := service.CheckCenterValue(service.CenterInstitution, text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}
