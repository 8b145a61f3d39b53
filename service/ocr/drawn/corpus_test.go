package drawn_test

import (
	"bytes"
	"errors"
	"image"
	"image/jpeg"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"flowbot/service"
	"flowbot/service/ocr/drawn"
	"flowbot/service/pdf"
	"flowbot/templates"
)

func profile(t *testing.T, code string) service.BlankProfile {
	t.Helper()
	tables, err := templates.BlankProfiles()
	if err != nil {
		t.Fatal(err)
	}
	list, err := service.BuildBlankProfiles(tables...)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range list {
		if p.Code == code {
			return p
		}
	}
	t.Fatalf("no profile %s", code)
	return service.BlankProfile{}
}

// drawing begins a small corpus with a page of each kind.
func drawing(t *testing.T, seed uint64, v drawn.Severity) *drawn.Drawing {
	t.Helper()
	press, err := pdf.New()
	if err != nil {
		t.Fatal(err)
	}
	blank, err := drawn.NewBlank(profile(t, "blank-210"))
	if err != nil {
		t.Fatal(err)
	}
	d, err := drawn.NewDrawing(t.Context(), press, blank, seed, drawn.Order{
		Applications: 2, Foreign: 1, Duplicates: 1, Falsified: 2, Strangers: 1, Smudged: 2, Empty: 1, Letters: 1,
		Severity: v, Symbology: drawn.Code128, Dir: t.TempDir(),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// low is a severity whose pages are small, so that they are drawn fast.
func low() drawn.Severity {
	v := drawn.Clean
	v.DPI = []int{100}
	return v
}

func TestACorpusHoldsWhatIsTrueOfItAndIsTheSameForOneSeed(t *testing.T) {
	t.Parallel()
	type truth struct {
		Kind        string
		Application int64
		Off         int // digits by which the number is off that of its application, or of the next one on the list
	}
	d, again := drawing(t, 5, low()), drawing(t, 5, low())
	listed := map[string]bool{}
	for _, c := range d.Certificates {
		for _, line := range c.Of(service.FieldRegistrationNumber) {
			listed[line.Text] = true
		}
	}
	got := map[truth]int{}
	for n := 0; ; n++ {
		p, err := d.Next(t.Context())
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if p.Kind != drawn.KindEmpty && p.Kind != drawn.KindLetter && listed[p.Number] != (p.ApplicationID != 0) {
			t.Errorf("%s page of application %d bears %s, on the list: %v", p.Kind, p.ApplicationID, p.Number, listed[p.Number])
		}
		got[truth{p.Kind, p.ApplicationID, nearest(listed, p.Number)}]++
		if n >= 3 { // a page that differs is followed by others that do
			continue
		}
		if twin, err := again.Next(t.Context()); err != nil || !bytes.Equal(twin.JPEG, p.JPEG) || twin.Number != p.Number {
			t.Errorf("page %d of the same seed is another: %v", n, err)
		}
	}
	want := map[truth]int{
		{drawn.KindGood, 1, 0}: 1, {drawn.KindGood, 2, 0}: 1, {drawn.KindForeign, 0, 1}: 1, {drawn.KindDuplicate, 2, 0}: 1,
		{drawn.KindFalsified, 0, 1}: 2, {drawn.KindStranger, 0, 2}: 1, {drawn.KindSmudged, 1, 0}: 1, {drawn.KindSmudged, 0, 1}: 1,
		{drawn.KindEmpty, 0, 2}: 1, {drawn.KindLetter, 0, 2}: 1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
}

// nearest is the fewest digits by which a number is off one of the list, at most 2.
func nearest(listed map[string]bool, number string) int {
	best := 2
	for other := range listed {
		if len(other) != len(number) {
			continue
		}
		off := 0
		for i := range other {
			if other[i] != number[i] {
				off++
			}
		}
		best = min(best, off)
	}
	return best
}

func TestAFalsifiedNumberIsOffByTheDigitThatIsTold(t *testing.T) {
	t.Parallel()
	const number = "24-10-05501-000123-9"
	r := rand.New(rand.NewPCG(1, 1))
	seen := map[int]bool{}
	for range 500 {
		got, digit := drawn.Falsify(r, number)
		if len(got) != len(number) || nearest(map[string]bool{number: true}, got) != 1 {
			t.Fatalf("%s of %s", got, number)
		}
		if strip := func(s string) string { return strings.ReplaceAll(s, "-", "") }; strip(got)[digit] == strip(number)[digit] {
			t.Fatalf("digit %d of %s is that of %s", digit, got, number)
		}
		seen[digit] = true
	}
	if len(seen) != 16 {
		t.Errorf("%d of 16 digits were ever changed", len(seen))
	}
}

func TestABilevelScanIsBlackAndWhite(t *testing.T) {
	t.Parallel()
	v := drawn.Bilevel
	v.DPI = []int{100, 100}
	p, err := drawing(t, 6, v).Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	img, err := jpeg.Decode(bytes.NewReader(p.JPEG))
	if err != nil {
		t.Fatal(err)
	}
	g, ok := img.(*image.Gray)
	if !ok {
		t.Fatalf("a picture of %T", img)
	}
	between, dark := 0, 0
	for _, v := range g.Pix {
		switch {
		case v < 60:
			dark++
		case v < 200:
			between++
		}
	}
	if between > len(g.Pix)/50 || dark < len(g.Pix)/100 || dark > len(g.Pix)/2 {
		t.Errorf("of %d pixels %d are dark and %d neither dark nor light", len(g.Pix), dark, between)
	}
}

// TestScansAreBoundAsOthersReadThem has poppler take the file apart.
func TestScansAreBoundAsOthersReadThem(t *testing.T) {
	t.Parallel()
	d := drawing(t, 7, low())
	name := filepath.Join(t.TempDir(), "batch.pdf")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	pages, err := d.Bind(t.Context(), f)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	if len(pages) != 11 {
		t.Errorf("%d pages", len(pages))
	}
	out, err := exec.CommandContext(t.Context(), "pdfimages", "-list", name).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if n := len(regexp.MustCompile(`(?m) jpeg .* (100|200) +(100|200) `).FindAllString(string(out), -1)); n < len(pages)-1 {
		t.Errorf("%d of %d pages are pictures in their resolution:\n%s", n, len(pages), out)
	}
	if out, err := exec.CommandContext(t.Context(), "pdfinfo", name).CombinedOutput(); err != nil || strings.Contains(string(out), "Error") {
		t.Errorf("%v: %s", err, out)
	}
}
