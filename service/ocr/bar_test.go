package ocr

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/oned"
)

// barsOf draws a bar code by somebody else's encoder: true is a bar.
func barsOf(t *testing.T, format gozxing.BarcodeFormat, w gozxing.Writer, text string) []bool {
	t.Helper()
	m, err := w.Encode(text, format, 1, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	row := make([]bool, m.GetWidth())
	for x := range row {
		row[x] = m.Get(x, 0)
	}
	for len(row) > 0 && !row[0] {
		row = row[1:]
	}
	for len(row) > 0 && !row[len(row)-1] {
		row = row[:len(row)-1]
	}
	return row
}

// The place of the bars that are drawn, in millimetres.
var drawnBars = box{5, 4, 75, 10}

// drawBars draws bars between 8 and 72 mm in 6 pixels a millimetre, softened and
// grained, on a line that leans by so many millimetres from top to bottom.
func drawBars(r *rand.Rand, bars []bool, blur, grain, lean float64) (*gray, *homography) {
	const ppm = 6
	g := newGray(80*ppm, 14*ppm)
	module := 64 * ppm / float64(len(bars))
	edge := func(x float64) float64 { return .5 * (1 + math.Erf(x/(math.Max(blur, .2)*math.Sqrt2))) }
	for y := range g.h {
		my := float64(y) / ppm
		for x := range g.w {
			v := 0.0
			if my > 4.5 && my < 9.5 {
				at := float64(x) + .5 - 8*ppm - lean*ppm*(my-7)/6
				for i, bar := range bars {
					if from := float64(i) * module; bar && math.Abs(at-from) < 6*module+20 {
						v += edge(at-from) - edge(at-from-module)
					}
				}
			}
			g.pix[y*g.w+x] = byte(min(max(225-130*v+r.NormFloat64()*grain, 0), 255))
		}
	}
	return g, &homography{ppm, 0, 0, 0, ppm, 0, 0, 0, 1}
}

// wellFormed are texts that each code takes.
var barWriters = []struct {
	name   string
	format gozxing.BarcodeFormat
	writer gozxing.Writer
	digits []int
	text   func(number string) string
	proven bool
}{
	{"code128", gozxing.BarcodeFormat_CODE_128, oned.NewCode128Writer(), []int{7, 12, 13}, func(n string) string { return n }, true},
	{"interleaved", gozxing.BarcodeFormat_ITF, oned.NewITFWriter(), []int{12, 13}, func(n string) string {
		if len(n)%2 == 1 {
			n = "0" + n
		}
		return n
	}, false},
	{"code39", gozxing.BarcodeFormat_CODE_39, oned.NewCode39Writer(), []int{7, 13}, func(n string) string { return n }, false},
	{"codabar", gozxing.BarcodeFormat_CODABAR, oned.NewCodaBarWriter(), []int{10, 13}, func(n string) string { return "A" + n + "B" }, false},
	{"ean13", gozxing.BarcodeFormat_EAN_13, oned.NewEAN13Writer(), []int{13}, func(n string) string { return n }, true},
}

// barNumber invents a number; one of 13 digits ends with the check of EAN-13.
func barNumber(r *rand.Rand, digits int) string {
	out := make([]byte, digits)
	sum := 0
	for i := range out {
		out[i] = byte('0' + r.IntN(10))
		if i < 12 {
			sum += int(out[i]-'0') * (1 + 2*(i%2))
		}
	}
	if digits == 13 {
		out[12] = byte('0' + (10-sum%10)%10)
	}
	return string(out)
}

func TestBarCodesOfEachKindAreRead(t *testing.T) {
	t.Parallel()
	for _, w := range barWriters {
		for _, digits := range w.digits {
			t.Run(fmt.Sprintf("%s of %d", w.name, digits), func(t *testing.T) {
				t.Parallel()
				r := rand.New(rand.NewPCG(5, uint64(digits)))
				b := newBarReader()
				for k, how := range []struct{ blur, grain, lean float64 }{{.3, 2, 0}, {.9, 6, .2}, {.6, 9, -.3}} {
					number := barNumber(r, digits)
					g, h := drawBars(r, barsOf(t, w.format, w.writer, w.text(number)), how.blur, how.grain, how.lean)
					got := b.read(g, h, drawnBars, digits)
					if got == nil {
						t.Errorf("page %d of %s is not read", k, number)
						continue
					}
					if got.digits != number || got.kind != w.name || got.proven != w.proven {
						t.Errorf("page %d of %s reads %+v", k, number, got)
					}
				}
			})
		}
	}
}

// TestSpoiledBarCodesAreNeverMisread turns a few modules of bar codes over: what is
// still sure of itself must be right.
func TestSpoiledBarCodesAreNeverMisread(t *testing.T) {
	t.Parallel()
	for _, w := range barWriters {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(9, 9))
			b := newBarReader()
			for range 12 {
				number := barNumber(r, 13)
				bars := barsOf(t, w.format, w.writer, w.text(number))
				for range 1 + r.IntN(3) {
					at := 12 + r.IntN(len(bars)-24)
					bars[at] = !bars[at]
				}
				g, h := drawBars(r, bars, .5, 4, 0)
				got := b.read(g, h, drawnBars, 13)
				if got == nil {
					continue
				}
				for i := range number {
					if got.digits[i] != markUnsure && got.digits[i] != number[i] {
						t.Errorf("a spoiled code of %s reads %+v", number, got)
						break
					}
				}
			}
		})
	}
}

func TestWhatIsNoBarCodeIsNotRead(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 1))
	b := newBarReader()
	for range 20 {
		bars := make([]bool, 80+r.IntN(160))
		for i := range bars {
			bars[i] = r.IntN(2) == 0
		}
		g, h := drawBars(r, bars, .4, 3, 0)
		if got := b.read(g, h, drawnBars, 13); got != nil {
			t.Errorf("bars of chance read %+v", got)
		}
	}
	empty := newGray(480, 84)
	if got := b.read(empty, &homography{6, 0, 0, 0, 6, 0, 0, 0, 1}, drawnBars, 13); got != nil {
		t.Errorf("nothing reads %+v", got)
	}
}
