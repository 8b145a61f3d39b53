package pdf_test

import (
	"bytes"
	"fmt"
	"image"
	_ "image/png" // what pdftoppm writes
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/skip2/go-qrcode"

	"flowbot/service"
	"flowbot/service/pdf"
	"flowbot/templates"
)

// slips are slips in every language, one name too long for a line and one that
// the type does not have.
func slips(t *testing.T) service.SlipForm {
	t.Helper()
	f := service.SlipForm{Exam: "ЭК-2026/77", Day: service.NewDay(2026, time.February, 24)}
	for i, language := range service.CandidateLanguages {
		set, err := templates.Load(language)
		if err != nil {
			t.Fatal(err)
		}
		words, err := set.Label("candidate_slip", nil)
		if err != nil {
			t.Fatal(err)
		}
		if language == templates.Base {
			words = ""
		}
		f.Slips = append(f.Slips, service.Slip{
			Number: fmt.Sprintf("77-%02d", i+1), Name: "Каримов Алишер Рустамович", NameLatin: "KARIMOV ALISHER", Words: words,
			Link: fmt.Sprintf("https://t.me/flowbot?start=%022d", i),
		})
	}
	f.Slips[1].Name = "Константинопольская-Задунайская Александра-Виктория Константиновна"
	f.Slips[2].Name = "王 小明"
	f.Slips[3].Name = strings.Repeat("Константинопольская-Задунайская ", 6)
	f.Slips = append(f.Slips, service.Slip{Number: "77-09", Name: "王", NameLatin: "", Link: "https://t.me/flowbot?start=9"})
	return f
}

func TestSlipsStandWhereTheyAreCut(t *testing.T) {
	t.Parallel()
	plan, codes, err := newPrinter(t).PlanSlips(t.Context(), slips(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(codes) != 2 || len(codes[0]) != 8 || len(codes[1]) != 1 {
		t.Errorf("codes: %v", codes)
	}
	golden(t, "slip", plan)
	const height, margin = 297.0 / 4, 5
	for line := range strings.Lines(plan) {
		var x, y float64
		if !strings.Contains(line, "PT") && !strings.Contains(line, "Slip") {
			continue
		}
		if _, err := fmt.Sscanf(line, "%f %f mm", &x, &y); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		if in := math.Mod(y, height); in < margin || in > height-margin {
			t.Errorf("stands where it is cut: %s", line)
		}
	}
}

// TestACodeOnPaperIsItsLink draws a sheet in pixels and compares every module of
// every code with the link's.
func TestACodeOnPaperIsItsLink(t *testing.T) {
	t.Parallel()
	p := newPrinter(t)
	f := slips(t)
	drawn, err := p.Slips(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	again, err := p.Slips(t.Context(), f)
	if err != nil || !bytes.Equal(drawn, again) {
		t.Errorf("the same slips are another file: %v", err)
	}
	_, codes, err := p.PlanSlips(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	const dpi = 200
	page := firstPage(t, drawn, dpi)
	for i, c := range codes[0] {
		compareCode(t, page, c, f.Slips[i].Link, dpi/25.4)
	}
}

func firstPage(t *testing.T, data []byte, dpi int) image.Image {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "slips.pdf")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "pdftoppm", "-png", "-singlefile", "-r", strconv.Itoa(dpi), path, filepath.Join(dir, "page")).CombinedOutput()
	if err != nil {
		t.Fatalf("pdftoppm: %v: %s", err, out)
	}
	file, err := os.Open(filepath.Join(dir, "page.png"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	img, _, err := image.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func compareCode(t *testing.T, page image.Image, c pdf.SlipCode, link string, pixels float64) {
	t.Helper()
	code, err := qrcode.New(link, qrcode.Medium)
	if err != nil {
		t.Fatal(err)
	}
	modules := code.Bitmap()
	step := c.Side / float64(len(modules))
	for y, row := range modules {
		for x, dark := range row {
			r, _, _, _ := page.At(int((c.X+(float64(x)+0.5)*step)*pixels), int((c.Y+(float64(y)+0.5)*step)*pixels)).RGBA()
			if (r < 1<<15) != dark {
				t.Fatalf("%s: module %d, %d is wrong", link, x, y)
			}
		}
	}
}
