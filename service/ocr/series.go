package ocr

import (
	"slices"
	"strings"

	"flowbot/service"
)

// seriesLetters are what a series of a blank is written in.
const seriesLetters = "АБВГДЕЖЗИКЛМНОПРСТУФХЦЧШЩЭЮЯ0123456789"

// seriesAlike are letters that were taken for each other in 3 of 76 drawn series,
// surely and twice: a series that seems to have one is left to a person.
const seriesAlike = "ШЩ"

// seriesPPM is the resolution in which a series is looked at, in pixels a
// millimetre.
const seriesPPM = 12

// Shapes of a set series, in shares of a letter's height.
const (
	seriesGap   = .3  // between letters as Tesseract is used to
	seriesSame  = .12 // between the parts of one letter at most
	seriesThin  = .08 // the least width of a letter
	seriesRoom  = .6  // paper around the letters
	seriesInk   = .09 // of the darkest column, from which one has ink
	seriesLeast = 2   // letters
	seriesMost  = 10  // letters
	seriesSure  = 75  // percent, of the least sure letter
)

// readSeries reads the series beside a blank's number: the same twice, in two sizes
// of which Tesseract cuts letters differently, or nothing.
func (r *Reader) readSeries(p *page, out *service.PageReading) error {
	region, ok := seriesOf(&r.profile)
	if !ok {
		return nil
	}
	line, letters := together(p.img.crop(&p.h, region, seriesPPM))
	if letters < seriesLeast || letters > seriesMost {
		return nil
	}
	var said []string
	for _, high := range []int{34, 46} {
		text, sure, err := r.letters.letters(stretched(line.inHeight(high)))
		if err != nil {
			return err
		}
		if sure < seriesSure || len([]rune(text)) != letters || !isSeries(text) || strings.ContainsAny(text, seriesAlike) {
			return nil
		}
		said = append(said, text)
	}
	if said[0] == said[1] {
		out.BlankSeries = said[0]
	}
	return nil
}

// seriesOf is where the series of a blank stands; false if it has none.
func seriesOf(p *service.BlankProfile) (box, bool) {
	region, ok := regionOf(p, service.RegionBlankSeries)
	return region, ok && p.Series
}

// isSeries reports whether a text is of letters alone, or of digits: one among the
// others is the likelier misread.
func isSeries(text string) bool {
	rest := len(strings.Trim(text, "0123456789"))
	return rest == 0 || rest == len(text) && !strings.ContainsAny(text, "0123456789")
}

// together sets the letters of a line closer, as Tesseract wants them, and counts
// them.
func together(g *gray) (line *gray, letters int) {
	dark := make([]float64, g.w)
	light := stretched(g)
	for y := range g.h {
		for x, v := range light.pix[y*g.w : (y+1)*g.w] {
			dark[x] += float64(255-v) / 255
		}
	}
	most := slices.Max(dark)
	if most < 3 {
		return nil, 0
	}
	var runs [][2]int
	high := float64(g.h) * .6
	for x, v := range dark {
		if v < seriesInk*most {
			continue
		}
		if n := len(runs); n > 0 && float64(x-runs[n-1][1]) <= seriesSame*high {
			runs[n-1][1] = x + 1
			continue
		}
		runs = append(runs, [2]int{x, x + 1})
	}
	runs = slices.DeleteFunc(runs, func(r [2]int) bool { return float64(r[1]-r[0]) < seriesThin*high })
	if len(runs) == 0 {
		return nil, 0
	}
	gap, room := int(seriesGap*high), int(seriesRoom*high)
	wide := 2*room - gap
	for _, r := range runs {
		wide += r[1] - r[0] + gap
	}
	out := newGray(wide, g.h)
	for i := range out.pix {
		out.pix[i] = 255
	}
	at := room
	for _, r := range runs {
		for y := range g.h {
			from, to := max(0, r[0]-gap/3), min(g.w, r[1]+gap/3)
			copy(out.pix[y*wide+at-(r[0]-from):], light.pix[y*g.w+from:y*g.w+to])
		}
		at += r[1] - r[0] + gap
	}
	return out, len(runs)
}

// inHeight is the picture stretched to so many rows.
func (g *gray) inHeight(rows int) *gray {
	k := float64(rows) / float64(g.h)
	h := homography{1, 0, 0, 0, 1, 0, 0, 0, 1}
	return g.crop(&h, box{0, 0, float64(g.w), float64(g.h)}, k)
}
