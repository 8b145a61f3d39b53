package ocr

import (
	"math"

	"flowbot/service"
)

// evidencePPM is the resolution in which a digit under other ink is looked at, in
// pixels a millimetre.
const evidencePPM = 8

// Bounds of the evidence, which is weighed for each pair of digits: what only one
// of them has must be white where the other is right, and dark, with clean paper
// beside it, where it is right itself.
const (
	evidenceApart   = .25 // of ink, by which two digits differ at a pixel that counts
	evidenceDirt    = .35 // of ink, by which a pixel is darker than the digit explains
	evidenceSpread  = 2   // pixels around dirt that do not count
	evidenceSecond  = .20 // share of all that tells two digits apart, which seconds what is only likely
	evidenceAlone   = .26 // the same from which another digit is contradicted
	evidencePixels  = 5.0 // and at least so many pixels of full ink
	evidenceMissing = .15 // share of a digit's own ink that may be white
)

// evidenceTiles are the digits of a face as shares of ink.
type evidenceTiles struct {
	w, h int
	base float64 // row of the baseline
	ink  [10][]float32
}

func newEvidenceTiles(faces typefaces, line service.PrintedLine) (*evidenceTiles, error) {
	size := line.Points * service.PointMM * evidencePPM
	p, err := faces.pen(line.Face, size)
	if err != nil {
		return nil, err
	}
	t := &evidenceTiles{w: int(p.advance('0') + .5), base: math.Ceil(size*capitalHigh) + 2}
	t.h = int(t.base) + 2
	for d := range t.ink {
		t.ink[d] = p.draw(string(rune('0'+d)), t.w, t.h, 0, t.base)
		for i := range t.ink[d] {
			t.ink[d][i] /= 255
		}
	}
	return t, nil
}

// cell is the place of one digit with what each digit leaves unexplained there.
type cell struct {
	dark [10][]float32 // darkness at the digit's best place: 0 paper, 1 ink
	cost [10]float32
}

// place crops the cell of a digit whose baseline starts at x, y, in millimetres,
// and finds for each digit where it fits best; scale is paper and ink.
func (t *evidenceTiles) place(g *gray, h *homography, x, y float64, paper, ink float32) *cell {
	out := &cell{}
	for d := range out.cost {
		out.cost[d] = math.MaxFloat32
	}
	const reach, step = 2, .06 // mm
	for j := -reach; j <= reach; j++ {
		for i := -reach; i <= reach; i++ {
			dark := t.crop(g, h, x+float64(i)*step, y+float64(j)*step, paper, ink)
			for d := range t.ink {
				if c := misfit(dark, t.ink[d]); c < out.cost[d] {
					out.cost[d], out.dark[d] = c, dark
				}
			}
		}
	}
	return out
}

// crop is the darkness of a cell.
func (t *evidenceTiles) crop(g *gray, h *homography, x, y float64, paper, ink float32) []float32 {
	top := y - t.base/evidencePPM
	c := g.crop(h, box{x, top, x + (float64(t.w)+.01)/evidencePPM, top + (float64(t.h)+.01)/evidencePPM}, evidencePPM)
	out := make([]float32, len(c.pix))
	for i, v := range c.pix {
		out[i] = (255 - float32(v) - paper) / (ink - paper)
	}
	return out
}

// misfit is what a digit leaves unexplained: ink that is missing counts as it is,
// ink too much up to a bound, for something may lie over the digit.
//
//go:norace
func misfit(dark, ink []float32) float32 {
	sum := float32(0)
	for i, v := range dark {
		r := v - ink[i]
		if r > .4 {
			r = .4
		}
		if r < -1 {
			r = -1
		}
		sum += r * r
	}
	return sum
}

// weigh returns the digit that the cell bears most evidence of against all others,
// -1 if each is contradicted, and how much that is.
func (t *evidenceTiles) weigh(c *cell) (digit int, worst float32) {
	best := -1
	for d := range t.ink {
		if c.missing(t, d) > evidenceMissing {
			continue
		}
		least := t.least(c, d)
		if best < 0 || least > worst {
			best, worst = d, least
		}
	}
	return best, worst
}

// missing is the share of a digit's ink that is white in the cell.
func (c *cell) missing(t *evidenceTiles, d int) float32 {
	sum, all := float32(0), float32(0)
	for i, v := range t.ink[d] {
		all += v
		sum += v * min(max(1-2*c.dark[d][i], 0), 1)
	}
	return sum / all
}

// least is the evidence of a digit against the one that it is told from worst.
func (t *evidenceTiles) least(c *cell, d int) float32 {
	dark := c.dark[d]
	clean := t.clean(dark, t.ink[d])
	least := float32(math.MaxFloat32)
	for e := range t.ink {
		if e == d {
			continue
		}
		seen, all := float32(0), float32(0)
		for i, v := range dark {
			apart := t.ink[d][i] - t.ink[e][i]
			s := min(max(2*v-1, -1), 1)
			switch {
			case apart > evidenceApart: // the digit's own
				all += apart
				if clean[i] || s < 0 {
					seen += apart * s
				}
			case apart < -evidenceApart: // the other's
				all -= apart
				if s < 0 {
					seen += apart * s
				}
			}
		}
		share := seen / all
		if seen < evidencePixels {
			share = min(share, 0)
		}
		least = min(least, share)
	}
	return least
}

// clean marks the pixels that no ink which the digit does not explain lies near.
//
//go:norace
func (t *evidenceTiles) clean(dark, ink []float32) []bool {
	out := make([]bool, len(dark))
	for i := range out {
		out[i] = true
	}
	for y := range t.h {
		for x := range t.w {
			if dark[y*t.w+x]-ink[y*t.w+x] < evidenceDirt {
				continue
			}
			for v := max(0, y-evidenceSpread); v <= min(t.h-1, y+evidenceSpread); v++ {
				for u := max(0, x-evidenceSpread); u <= min(t.w-1, x+evidenceSpread); u++ {
					out[v*t.w+u] = false
				}
			}
		}
	}
	return out
}

// evidence looks at the digits of a number that likeness is not sure of, and fills
// what each is by the evidence.
func (r *numberReader) evidence(g *gray, h *homography, n *numberReading) {
	paper, ink, ok := r.levels(g, h, n)
	n.Evidence = make([]int, len(n.Scores))
	n.Weight = make([]float32, len(n.Scores))
	for k := range n.Evidence {
		n.Evidence[k] = -1
		if _, sure := digitOf(&n.Scores[k], digitSure, digitSureMargin); sure || !ok {
			continue
		}
		x, y := n.placeOf(k)
		c := r.evidenceTiles.place(g, h, x, y, paper, ink)
		n.Evidence[k], n.Weight[k] = r.evidenceTiles.weigh(c)
	}
}

// placeOf is where the baseline of a digit starts: on the straight line through
// the digits that are likely, or where the whole line lies.
func (n *numberReading) placeOf(k int) (x, y float64) {
	off := n.Line.at(float64(k))
	return n.At[k].x + off.x, n.At[k].y + off.y
}

// lineOff is how far the print is off along a line of digits, in millimetres: a
// straight line of the digit's place in the number.
type lineOff struct{ from, step point }

func (s *lineOff) at(k float64) point { return point{s.from.x + s.step.x*k, s.from.y + s.step.y*k} }

// Bounds of the line through the digits, in millimetres.
const (
	lineNear  = .13 // a digit is from it if it counts
	lineSlope = .02 // it climbs or widens by at most, from digit to digit
)

// straighten finds the line that most of the likely digits lie on. A digit seen
// where other ink lies, or a letter off, does not lead it astray.
func (n *numberReading) straighten() {
	var spots []spot
	for k, off := range n.Off {
		if n.Likely[k] {
			spots = append(spots, spot{float64(k), off})
		}
	}
	if len(spots) == 0 {
		for k, off := range n.Off {
			spots = append(spots, spot{float64(k), off})
		}
	}
	most := 0
	for i, a := range spots {
		for _, b := range spots[i:] {
			l := lineThrough(a, b)
			if math.Abs(l.step.x) > lineSlope || math.Abs(l.step.y) > lineSlope {
				continue
			}
			if near := len(l.near(spots)); near > most {
				most, n.Line = near, l
			}
		}
	}
	if near := n.Line.near(spots); len(near) > 3 {
		if l := lineOf(near); math.Abs(l.step.x) <= lineSlope && math.Abs(l.step.y) <= lineSlope {
			n.Line = l
		}
	}
}

// spot is how far digit k is off, in millimetres.
type spot struct {
	k   float64
	off point
}

// lineThrough is the line through two spots, or the level one through one.
func lineThrough(a, b spot) lineOff {
	if a.k == b.k {
		return lineOff{from: a.off}
	}
	step := point{(b.off.x - a.off.x) / (b.k - a.k), (b.off.y - a.off.y) / (b.k - a.k)}
	return lineOff{point{a.off.x - step.x*a.k, a.off.y - step.y*a.k}, step}
}

// near lists the spots near the line.
func (s *lineOff) near(spots []spot) []spot {
	var out []spot
	for _, p := range spots {
		if p.off.to(s.at(p.k)) <= lineNear {
			out = append(out, p)
		}
	}
	return out
}

// lineOf is the line through spots by least squares.
func lineOf(spots []spot) lineOff {
	var sk, skk, sx, sy, skx, sky float64
	for _, p := range spots {
		sk, skk = sk+p.k, skk+p.k*p.k
		sx, sy, skx, sky = sx+p.off.x, sy+p.off.y, skx+p.k*p.off.x, sky+p.k*p.off.y
	}
	m := float64(len(spots))
	d := m*skk - sk*sk
	if d < 1e-6 {
		return lineOff{from: point{sx / m, sy / m}}
	}
	step := point{(m*skx - sk*sx) / d, (m*sky - sk*sy) / d}
	return lineOff{point{(sx - step.x*sk) / m, (sy - step.y*sk) / m}, step}
}

// levels are the darkness of paper and of full ink around the number, from the
// digits that are likely; false when there are too few.
func (r *numberReader) levels(g *gray, h *homography, n *numberReading) (paper, ink float32, ok bool) {
	var papers, inks []float32
	for k := range n.Scores {
		d, likely := digitOf(&n.Scores[k], digitLikely, digitLikelyMargin)
		if !likely {
			continue
		}
		x, y := n.placeOf(k)
		dark := r.evidenceTiles.crop(g, h, x, y, 0, 1)
		// The straight line that takes shares of ink to darkness.
		var st, sv, stt, stv float64
		for i, v := range dark {
			t := float64(r.evidenceTiles.ink[d][i])
			st, sv, stt, stv = st+t, sv+float64(v), stt+t*t, stv+t*float64(v)
		}
		m := float64(len(dark))
		b := (m*stv - st*sv) / (m*stt - st*st)
		a := (sv - b*st) / m
		papers, inks = append(papers, float32(a)), append(inks, float32(a+b))
	}
	if len(papers) < 3 {
		return 0, 0, false
	}
	paper, ink = median(papers), median(inks)
	return paper, ink, ink-paper > 30
}
