package pdf_test

import (
	"bufio"
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"

	"flowbot/service"
	"flowbot/templates"
)

func trial(profile service.BlankProfile) service.TrialForm {
	return service.TrialForm{Profile: profile, Printer: "Кабинет 12, HP", RightBy: 5, DownBy: -3}
}

func TestATrialPageStandsWhereItsPlanSays(t *testing.T) {
	t.Parallel()
	p := newPrinter(t)
	for code, profile := range profiles(t) {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			got, _, err := p.PlanTrial(trial(profile))
			if err != nil {
				t.Fatal(err)
			}
			golden(t, "trial_"+code, got)
		})
	}
}

func TestRulersHaveATickForEveryMillimetre(t *testing.T) {
	t.Parallel()
	p := newPrinter(t)
	for code, profile := range profiles(t) {
		f := trial(profile)
		f.RightBy, f.DownBy = 0, 0
		_, ticks, err := p.PlanTrial(f)
		if err != nil {
			t.Fatal(err)
		}
		across, along := make(map[float64]bool), make(map[float64]bool)
		for _, m := range sheets(t, ticks)[0] {
			switch {
			case m.x == m.x2:
				across[m.x] = true
			case m.y == m.y2:
				along[m.y] = true
			}
		}
		for mm := 12.0; mm <= profile.Sheet.Width; mm++ {
			if !across[profile.Sheet.X+mm] {
				t.Errorf("%s: no tick at %.0f mm across", code, mm)
			}
		}
		for mm := 12.0; mm <= profile.Sheet.Height; mm++ {
			if !along[profile.Sheet.Y+mm] {
				t.Errorf("%s: no tick at %.0f mm along", code, mm)
			}
		}
	}
}

func TestATrialPageOfAHighBlankHasItsStepsOnAnother(t *testing.T) {
	t.Parallel()
	profile := profiles(t)["blank-210"]
	profile.Sheet.Height = 290
	plan, _, err := newPrinter(t).PlanTrial(trial(profile))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(sheets(t, plan)); n != 2 {
		t.Errorf("%d sheets", n)
	}
}

func TestTheSameTrialIsTheSameBytes(t *testing.T) {
	t.Parallel()
	f := trial(profiles(t)["blank-210"])
	first, err := newPrinter(t).Trial(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := newPrinter(t).Trial(t.Context(), f); err != nil || !bytes.Equal(first, again) {
		t.Errorf("the same trial gave another file, %v", err)
	}
}

// picture is a page drawn in gray.
type picture struct {
	width, height int
	levels        []byte // 0 is black
}

// inkDPI is the resolution pages are measured in: a pixel is 0.042 mm.
const inkDPI = 600

// drawn has poppler draw the first page of a file.
func drawn(t *testing.T, b []byte) picture {
	t.Helper()
	file := kept(t, b)
	out := filepath.Join(filepath.Dir(file), "page")
	run(t, "pdftoppm", "-r", strconv.Itoa(inkDPI), "-gray", "-singlefile", file, out)
	f, err := os.Open(out + ".pgm")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	r := bufio.NewReader(f)
	var p picture
	var most int
	if _, err := fmt.Fscanf(r, "P5\n%d %d\n%d\n", &p.width, &p.height, &most); err != nil || most != 255 {
		t.Fatalf("not a gray picture of 255 levels: %v", err)
	}
	p.levels = make([]byte, p.width*p.height)
	if _, err := r.Read(nil); err != nil {
		t.Fatal(err)
	}
	for n := 0; n < len(p.levels); {
		m, err := r.Read(p.levels[n:])
		if err != nil {
			t.Fatal(err)
		}
		n += m
	}
	return p
}

// ink returns the edges, in millimetres, of what is black within the box.
func (p picture) ink(left, top, right, bottom float64) (x0, y0, x1, y1 float64) {
	const perMM = inkDPI / 25.4
	x0, y0, x1, y1 = math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for y := max(0, int(top*perMM)); y < min(p.height, int(bottom*perMM)); y++ {
		for x := max(0, int(left*perMM)); x < min(p.width, int(right*perMM)); x++ {
			if p.levels[y*p.width+x] >= 96 {
				continue
			}
			x0, x1 = min(x0, float64(x)/perMM), max(x1, float64(x+1)/perMM)
			y0, y1 = min(y0, float64(y)/perMM), max(y1, float64(y+1)/perMM)
		}
	}
	return x0, y0, x1, y1
}

// offsets are some that printers have, in tenths of a millimetre.
var offsets = [][2]int{{0, 0}, {15, -12}, {-38, 67}}

// near is how far a mark may stand from where the profile says, in millimetres.
const near = 0.2

// bearing is what a letter of a face keeps free at its left, in sizes of the type.
func bearing(t *testing.T, face service.Face, letter rune) float64 {
	t.Helper()
	file := map[service.Face]string{
		service.FaceSerif: templates.FontSerif, service.FaceSerifBold: templates.FontSerifBold, service.FaceSans: templates.FontSans,
	}[face]
	b, err := templates.Font(file)
	if err != nil {
		t.Fatal(err)
	}
	font, err := sfnt.Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	glyph, err := font.GlyphIndex(nil, letter)
	if err != nil {
		t.Fatal(err)
	}
	bounds, _, err := font.GlyphBounds(nil, glyph, fixed.I(1000), 0)
	if err != nil {
		t.Fatal(err)
	}
	return float64(bounds.Min.X) / 64 / 1000
}

func TestADrawnCertificateStandsWhereTheProfileSays(t *testing.T) {
	t.Parallel()
	p := newPrinter(t)
	for code, profile := range profiles(t) {
		for _, by := range offsets {
			t.Run(fmt.Sprintf("%s moved by %v", code, by), func(t *testing.T) {
				t.Parallel()
				c := plain()
				// Letters that begin and end with an upright and stand on the line.
				c.Name, c.Institution, c.Address, c.SignatoryName = "НИНИН НИН", "НИНИН", "НИН", "ННН"
				b, err := p.Certificates(t.Context(), service.CertificateForm{
					Profile: profile, RightBy: by[0], DownBy: by[1], Certificates: []service.Certificate{c},
				})
				if err != nil {
					t.Fatal(err)
				}
				page := drawn(t, b)
				dx, dy := profile.Sheet.X+float64(by[0])/10, profile.Sheet.Y+float64(by[1])/10
				for _, field := range []service.Field{service.FieldName, service.FieldPlace, service.FieldInstitution, service.FieldAddress, service.FieldSignatoryName} {
					places := profile.Places(field)
					if len(places) == 0 {
						continue
					}
					place := places[0]
					size := place.Size * service.PointMM
					x0, _, x1, y1 := page.ink(dx+place.X-1, dy+place.Y-size*0.8, dx+place.X+place.Width+1, dy+place.Y+size*0.2)
					if got, want := y1-dy, place.Y; math.Abs(got-want) > near {
						t.Errorf("%s stands at %.2f mm, want %.2f", field, got, want)
					}
					// The letter Н begins and ends the text.
					free := bearing(t, place.Face, 'Н') * size
					got, want := (x0+x1)/2-dx, place.X+place.Width/2
					switch place.Align {
					case service.AlignLeft:
						got, want = x0-dx-free, place.X
					case service.AlignRight:
						got, want = x1-dx+free, place.X+place.Width
					case service.AlignCenter:
					}
					if math.Abs(got-want) > near {
						t.Errorf("%s is set to %.2f mm across, want %.2f", field, got, want)
					}
				}
			})
		}
	}
}

func TestTheCrossesOfADrawnTrialPageStandWhereTheStepsSay(t *testing.T) {
	t.Parallel()
	p := newPrinter(t)
	for code, profile := range profiles(t) {
		for _, by := range offsets {
			t.Run(fmt.Sprintf("%s moved by %v", code, by), func(t *testing.T) {
				t.Parallel()
				b, err := p.Trial(t.Context(), service.TrialForm{Profile: profile, RightBy: by[0], DownBy: by[1]})
				if err != nil {
					t.Fatal(err)
				}
				page := drawn(t, b)
				dx, dy := profile.Sheet.X+float64(by[0])/10, profile.Sheet.Y+float64(by[1])/10
				for _, at := range [][2]float64{
					{20, 20},
					{profile.Sheet.Width - 20, 20},
					{20, profile.Sheet.Height - 6},
					{profile.Sheet.Width - 20, profile.Sheet.Height - 6},
				} {
					x, y := dx+at[0], dy+at[1]
					// The ends of the arms, away from the letter at the upper right.
					_, top, _, bottom := page.ink(x-3.5, y-1, x-2.5, y+1)
					left, _, right, _ := page.ink(x-1, y+2.5, x+1, y+3.5)
					if math.Abs((left+right)/2-x) > near || math.Abs((top+bottom)/2-y) > near {
						t.Errorf("the cross at %v stands at %.2f %.2f", at, (left+right)/2-dx, (top+bottom)/2-dy)
					}
				}
			})
		}
	}
}

func TestATrialPageIsDrawnWhateverThePrinterIsCalled(t *testing.T) {
	t.Parallel()
	f := trial(profiles(t)["blank-210"])
	f.Printer, f.Profile.Name = "Принтер 😀\n中", strings.Repeat("Типография ", 6)
	f.Profile.Captions = append(f.Profile.Captions, service.BlankCaption{
		X: 14, Y: 30, Width: 80, Align: service.AlignLeft, Face: service.FaceSans, Size: 9, Text: "証 сертификат",
	})
	plan, _, err := newPrinter(t).PlanTrial(f)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Принтер: Принтер ? ?.", `"? сертификат"`} {
		if !strings.Contains(plan, want) {
			t.Errorf("no %s in\n%s", want, plan)
		}
	}
}

func TestATrialPageTellsHowToTry(t *testing.T) {
	t.Parallel()
	b, err := newPrinter(t).Trial(t.Context(), trial(profiles(t)["vector-200"]))
	if err != nil {
		t.Fatal(err)
	}
	words := strings.Join(strings.Fields(run(t, "pdftotext", "-raw", kept(t, b), "-")), " ")
	for _, want := range []string{
		"Пробная печать", "Типография «Вектор», 200 × 145 мм. Принтер: Кабинет 12, HP. Поправки: вправо 0,5 мм, вниз −0,3 мм.",
		"от креста А до креста Б должно быть 160,0 мм", "до левого края листа должно быть 25,0 мм, до верхнего края 20,0 мм",
		"чёрно-белую копию чистого бланка", "Образцов-Примеров Образец Образцович", "РАЗРЕШЕНИЯ НА ВРЕМЕННОЕ ПРОЖИВАНИЕ", "СЕРТИФИКАТ",
	} {
		if !strings.Contains(words, want) {
			t.Errorf("the page has no %q:\n%s", want, words)
		}
	}
}
