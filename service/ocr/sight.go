package ocr

import (
	"math"

	"flowbot/service"
)

// lookAside are how far the looks at a digit are from its place, in millimetres: a
// net that says one thing here and another there knows neither.
var lookAside = [...]point{{0, 0}, {-.06, 0}, {.06, 0}, {0, -.06}, {0, .06}}

// sight is what the net makes of one digit of a number.
type sight struct {
	digit int     // -1: none
	odds  float64 // probability, the mean of the looks
}

// cellLight crops the cell of a digit whose baseline starts at x, y, in millimetres:
// wide is the digit's width and size that of the type, in millimetres.
func cellLight(g *gray, h *homography, x, y, wide, size float64) *gray {
	scale := glyphCapital / (size * capitalHigh)
	x0, y0 := x+(wide-glyphCellWide/scale)/2, y-(glyphCellHigh+glyphCapital)/2/scale
	return g.crop(h, box{x0, y0, x0 + (glyphCellWide+.01)/scale, y0 + (glyphCellHigh+.01)/scale}, scale)
}

// cellAt fills a cell with shares of ink: paper and ink are the light of both, in
// steps of 255.
func cellAt(cell *[glyphCellWide * glyphCellHigh]float32, g *gray, h *homography, x, y, wide, size float64, paper, ink float32) {
	k := 1 / max(paper-ink, leastGlyphContrast)
	for i, v := range cellLight(g, h, x, y, wide, size).pix {
		cell[i] = min(max((paper-float32(v))*k, -.5), 2.5)
	}
}

// readings lets the net look at the digits of a number, where the whole line says
// that they stand, and weighs the evidence of those that are not plain to see. It
// returns the number as it is read by then, and how many digits are not.
func (r *numberReader) readings(g *gray, h *homography, n *numberReading) (text string, unsure int) {
	n.Sights = make([]sight, len(n.Scores))
	paper, ink, ok := r.levels(g, h, n)
	share := float32(faintest)
	if ok {
		share = (255 - ink) / max(255-paper, 1)
	}
	if r.astray(g, h, n, share) {
		for k := range n.Sights {
			n.Sights[k].digit = -1
		}
		text, _, unsure = joinedNumber(n)
		return text, unsure
	}
	for k := range n.Sights {
		digit, sure := digitOf(&n.Scores[k], digitSure, digitSureMargin)
		looks := lookAside[:]
		if sure {
			looks = looks[:1]
		}
		x, y := n.placeOf(k)
		if n.Sights[k] = r.sightAt(r.nets.own, g, h, x, y, share, looks); sure && (n.Sights[k].digit != digit || n.Sights[k].odds < sightSure) {
			n.Sights[k] = r.sightAt(r.nets.own, g, h, x, y, share, lookAside[:])
		}
	}
	if text, _, unsure = joinedNumber(n); unsure == 0 {
		return text, 0
	}
	r.evidence(g, h, n)
	n.Strange, n.Twin = make([]sight, len(n.Sights)), make([]sight, len(n.Sights))
	for k := range n.Strange {
		n.Strange[k].digit, n.Twin[k].digit = -1, -1
		if digit, sure := digitOf(&n.Scores[k], digitSure, digitSureMargin); !sure || digit != n.Sights[k].digit {
			x, y := n.placeOf(k)
			n.Strange[k] = r.strangeAt(g, h, x, y)
			n.Twin[k] = r.sightAt(r.nets.twin, g, h, x, y, share, lookAside[:])
		}
	}
	text, _, unsure = joinedNumber(n)
	return text, unsure
}

// faintest is the light of ink over that of paper where no digit tells.
const faintest = .35

// astray reports whether the net sees digits where the marks between them must
// stand: the line is read a letter off.
func (r *numberReader) astray(g *gray, h *homography, n *numberReading, share float32) bool {
	k, seen := 0, 0
	for i, c := range []rune(r.shape) {
		if c == '0' {
			k++
			continue
		}
		off := n.Line.at(float64(k) - .5)
		wide := (r.pen.advance('0') - r.pen.advance(c)) / 2 / numberPPM
		x, y := r.line.X+r.at[i]/numberPPM-wide+off.x, r.line.Y+off.y
		if s := r.sightAt(r.nets.own, g, h, x, y, share, lookAside[:1]); s.odds >= sightSure {
			seen++
		}
	}
	return seen > 1
}

// sightAt looks at one place from some sides. Share is the light of ink over that of
// paper.
func (r *numberReader) sightAt(net *glyphNet, g *gray, h *homography, x, y float64, share float32, looks []point) sight {
	var cell [glyphCellWide * glyphCellHigh]float32
	size := r.line.Points * service.PointMM
	wide := r.pen.advance('0') / numberPPM
	paper := r.paperAt(g, h, x+wide/2, y, size)
	return r.meanSight(net, looks, func(aside point) *[glyphCellWide * glyphCellHigh]float32 {
		cellAt(&cell, g, h, x+aside.x, y+aside.y, wide, size, paper, share*paper)
		return &cell
	})
}

// strangeAt lets the net that has learned other faces look at one place.
func (r *numberReader) strangeAt(g *gray, h *homography, x, y float64) sight {
	var cell [glyphCellWide * glyphCellHigh]float32
	size := r.line.Points * service.PointMM
	wide := r.pen.advance('0') / numberPPM
	return r.meanSight(r.nets.strange, lookAside[:], func(aside point) *[glyphCellWide * glyphCellHigh]float32 {
		for i, v := range cellLight(g, h, x+aside.x, y+aside.y, wide, size).pix {
			cell[i] = float32(v)
		}
		inkOverPaper(&cell)
		return &cell
	})
}

// meanSight is what a net makes of a digit in the mean of some looks.
func (r *numberReader) meanSight(net *glyphNet, looks []point, cell func(aside point) *[glyphCellWide * glyphCellHigh]float32) sight {
	var mean [glyphClasses]float64
	for _, aside := range looks {
		net.read(cell(aside), &r.state)
		for d, v := range r.state.out {
			mean[d] += math.Exp(float64(v)) / float64(len(looks))
		}
	}
	out := sight{digit: -1}
	for d, v := range mean[:10] {
		if v > out.odds {
			out.digit, out.odds = d, v
		}
	}
	if mean[10] > out.odds {
		return sight{digit: -1}
	}
	return out
}

// paperAt is the light of the paper around a digit.
func (r *numberReader) paperAt(g *gray, h *homography, x, y, size float64) float32 {
	const ppm = 2.5
	c := g.crop(h, box{x - 1.4*size, y - 1.5*size, x + 1.4*size, y + .5*size}, ppm)
	var hist histogram
	hist.addAll(c.pix)
	return float32(hist.share(paperLight))
}
