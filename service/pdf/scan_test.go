package pdf_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// scanned is a picture; the gray one is dark on its right half.
func scanned(t *testing.T, w, h int, gray bool) []byte {
	t.Helper()
	var img image.Image
	if gray {
		g := image.NewGray(image.Rect(0, 0, w, h))
		for i := range g.Pix {
			g.Pix[i] = byte(255 - 155*(i%w*2/w))
		}
		img = g
	} else {
		c := image.NewRGBA(image.Rect(0, 0, w, h))
		for y := range h {
			for x := range w {
				c.Set(x, y, color.RGBA{R: byte(x), G: byte(y), B: 200, A: 255})
			}
		}
		img = c
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, img, nil); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestAScanIsOnePageWithThePictureAsItIs(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		w, h int
		gray bool
		dots float64
		size string
	}{
		{"in colour", 600, 300, false, 300, "144 x 72 pts"},
		{"in gray", 300, 600, true, 150, "144 x 288 pts"},
		{"of odd dots", 1000, 700, false, 203.2, "354.33 x 248.03 pts"},
		{"of unknown dots, upright", 210, 297, false, 0, "595.28 x 841.89 pts (A4)"},
		{"of unknown dots, across", 600, 300, true, 0, "841.89 x 420.94 pts"},
		{"of unknown dots, square", 500, 500, true, 0, "595.28 x 595.28 pts"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p, picture := newPrinter(t), scanned(t, tt.w, tt.h, tt.gray)
			made, err := p.ScanPage(t.Context(), picture, tt.dots)
			if err != nil {
				t.Fatal(err)
			}
			dir, file := t.TempDir(), kept(t, made)
			facts := run(t, "pdfinfo", file)
			for line := range strings.Lines(facts) {
				name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
				value = strings.TrimSpace(value)
				switch name {
				case "Pages":
					if value != "1" {
						t.Errorf("it has %s pages", value)
					}
				case "Page size":
					if value != tt.size {
						t.Errorf("the page is %s, want %s", value, tt.size)
					}
				case "Title", "Subject", "Author", "Creator", "Producer", "CreationDate", "ModDate":
					t.Errorf("it says its %s, %s", name, value)
				}
			}
			run(t, "pdfimages", "-j", file, filepath.Join(dir, "image"))
			inside, err := os.ReadFile(filepath.Join(dir, "image-000.jpg"))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(inside, picture) {
				t.Error("the picture is another one")
			}
			for _, word := range []string{"/Info", "/ID", "/Metadata", "pdfcpu"} {
				if bytes.Contains(made, []byte(word)) {
					t.Errorf("it holds %s", word)
				}
			}
			if again, err := p.ScanPage(t.Context(), picture, tt.dots); err != nil || !bytes.Equal(made, again) {
				t.Errorf("made again it is another file, %v", err)
			}
		})
	}
}

func TestAScanIsDrawnUprightToItsEdges(t *testing.T) {
	t.Parallel()
	made, err := newPrinter(t).ScanPage(t.Context(), scanned(t, 200, 100, true), 72)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	run(t, "pdftoppm", "-r", "72", "-gray", "-singlefile", kept(t, made), filepath.Join(dir, "page"))
	drawn, err := os.ReadFile(filepath.Join(dir, "page.pgm"))
	if err != nil {
		t.Fatal(err)
	}
	pixels, ok := bytes.CutPrefix(drawn, []byte("P5\n200 100\n255\n"))
	if !ok {
		t.Fatalf("the page begins with %q", drawn[:20])
	}
	for _, at := range []struct{ x, y, want int }{{0, 0, 255}, {0, 99, 255}, {199, 0, 100}, {199, 99, 100}} {
		if got := int(pixels[at.y*200+at.x]); got < at.want-4 || got > at.want+4 {
			t.Errorf("at %d, %d it is %d, want %d", at.x, at.y, got, at.want)
		}
	}
}

func TestWhatIsNoPictureBecomesNoScan(t *testing.T) {
	t.Parallel()
	p := newPrinter(t)
	for _, b := range [][]byte{nil, []byte("%PDF-1.7"), scanned(t, 100, 100, true)[:20]} {
		if _, err := p.ScanPage(t.Context(), b, 300); err == nil {
			t.Errorf("%d bytes became a scan", len(b))
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.ScanPage(ctx, scanned(t, 100, 100, true), 300); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
}
