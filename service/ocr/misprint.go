package ocr

import (
	"cmp"
	"math"
	"slices"

	"flowbot/service"
)

// Bounds of what all certificates of a list share: institution, address, signatory,
// often the date. Where it lies tells where all other print of the page lies, and
// that it is a certificate of the list at all.
const (
	sharedLines = 6   // are looked for
	sharedRunes = 6   // a line has at least
	printFound  = .40 // mean correlation from which they are found
	printPlain  = .60 // from which no other place of the blank is asked
	printNear   = .9  // millimetres that other print is off by at most, then
)

// shared lists the lines that most certificates of a list share, the most common
// and longest first.
func shared(list []service.PrintedCertificate) []service.PrintedLine {
	type count struct {
		line  service.PrintedLine
		times int
	}
	counts := map[service.PrintedLine]*count{}
	var all []*count
	for i := range list {
		for _, l := range list[i].Lines {
			own := l.Field == service.FieldName || l.Field == service.FieldNameLatin || l.Field == service.FieldRegistrationNumber
			if own || len([]rune(l.Text)) < sharedRunes {
				continue
			}
			c := counts[l]
			if c == nil {
				c = &count{line: l}
				counts[l] = c
				all = append(all, c)
			}
			c.times++
		}
	}
	slices.SortStableFunc(all, func(a, b *count) int {
		return cmp.Or(cmp.Compare(b.times, a.times), cmp.Compare(len(b.line.Text), len(a.line.Text)))
	})
	var out []service.PrintedLine
	for _, c := range all[:min(len(all), sharedLines)] {
		out = append(out, c.line)
	}
	return out
}

// misprint is how far the print of a page is from its place, in millimetres.
type misprint struct {
	dx, dy float64
	score  float64 // mean correlation of the shared lines, from -1 to 1
	around float64 // by how much it may still be off
}

// misprint finds where the lines lie that the list shares, all at once: a stamp
// over one of them does not lead the others astray.
func (r *Reader) misprint(g *gray, h *homography) misprint {
	unknown := misprint{around: slack}
	const reach = int(slack * linePPM / 2)
	const side = 2*reach + 1
	var sums [side * side]float32
	n := 0
	for i := range r.shared {
		tile, err := r.sharedTile(i)
		if err != nil {
			continue
		}
		line := r.shared[i]
		x0, y0 := line.X-tile.padX/linePPM, line.Y-tile.base/linePPM
		const beside = slack + .5
		area := box{x0 - beside, y0 - beside, x0 + float64(tile.half.w*2)/linePPM + beside, y0 + float64(tile.half.h*2)/linePPM + beside}
		half := inked(g.crop(h, area, linePPM)).halved()
		cx, cy := int(math.Round(beside*linePPM/2)), int(math.Round(beside*linePPM/2))
		for k := range sums {
			sums[k] += max(0, half.match(cx+k%side-reach, cy+k/side-reach, tile.half))
		}
		n++
	}
	if n == 0 { // nothing to ask for: the first place is as good as any
		unknown.score = printPlain
		return unknown
	}
	best := 0
	for k, v := range sums {
		if v > sums[best] {
			best = k
		}
	}
	out := misprint{
		dx: float64(best%side-reach) * 2 / linePPM, dy: float64(best/side-reach) * 2 / linePPM,
		score: float64(sums[best]) / float64(n), around: printNear,
	}
	if out.score < printFound {
		unknown.score = out.score
		return unknown
	}
	return out
}

// sharedTile is a shared line as it is printed, in half of linePPM.
type sharedTile struct {
	half       *plane
	padX, base float64 // where its text starts, in pixels of linePPM
}

// sharedTile draws the shared line i once.
func (r *Reader) sharedTile(i int) (*sharedTile, error) {
	if r.sharedTiles[i] != nil {
		return r.sharedTiles[i], nil
	}
	line := r.shared[i]
	p, err := r.pen(line.Face, line.Points)
	if err != nil {
		return nil, err
	}
	capital := p.size * capitalHigh
	t := &sharedTile{padX: math.Ceil(capital * .5), base: math.Ceil(capital * 1.3)}
	w, high := int(p.width(line.Text)+2*t.padX)&^1, int(capital*1.8)&^1
	t.half = (&plane{w, high, p.draw(line.Text, w, high, t.padX, t.base)}).halved().unit()
	r.sharedTiles[i] = t
	return t, nil
}
