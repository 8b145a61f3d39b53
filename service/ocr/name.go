package ocr

import (
	"math"

	"flowbot/service"
)

// linePPM is the resolution in which other print is compared, in pixels a
// millimetre.
const linePPM = 5

// lineAt prepares the place of a printed line once; score then compares any text
// with it.
type lineAt struct {
	ink, half   *plane
	area        box
	paper, dark float32 // the ink of paper and of print
}

// strip takes the area of a field's lines out of a page.
func stripOf(g *gray, h *homography, area box) *lineAt {
	p := inked(g.crop(h, area, linePPM))
	s := &lineAt{ink: p, half: p.halved(), area: area}
	s.paper, s.dark = s.share(0, p.w, sharePaper), s.share(0, p.w, sharePrint)
	return s
}

// score is how well a printed line agrees with what stands at its place, from -1
// to 1: the correlation of its pieces of a few letters, weighted by their ink,
// each with a small shift of its own, for the length of a line drifts. White is the
// share of a piece's strokes that the page does not show, of the worst piece. dx and dy
// are how far the print is from its place, in millimetres, and around how much
// that may be off.
func (s *lineAt) score(p *pen, line service.PrintedLine, dx, dy, around float64) (score, white float64) {
	capital := p.size * capitalHigh
	pad := capital
	long := p.width(line.Text)
	w, h := int(long+2*pad)&^1, int(capital*1.55)&^1
	if w < 4 || h < 4 || w > s.ink.w*2 {
		return -1, 1
	}
	base := capital * 1.2
	tile := &plane{w, h, p.draw(line.Text, w, h, pad, base)}
	half := tile.halved().unit()
	nx := (line.X+dx-s.area.x0)*linePPM - pad
	ny := (line.Y+dy-s.area.y0)*linePPM - base
	_, bx, by := s.half.best(int(math.Round(nx/2)), int(math.Round(ny/2)), max(1, int(around*linePPM/2+.5)), half)
	pieces := max(1, int(float64(w)/(capital*3)+.5))
	sum, weight, drift := 0.0, 0.0, 0
	for k := range pieces {
		x0, x1 := w*k/pieces, w*(k+1)/pieces
		piece := &plane{x1 - x0, h, make([]float32, (x1-x0)*h)}
		ink := 0.0
		for y := range h {
			copy(piece.pix[y*piece.w:], tile.pix[y*w+x0:y*w+x1])
		}
		for _, v := range piece.pix {
			ink += float64(v)
		}
		if ink < 1 {
			continue
		}
		piece.unit()
		best, at, down := float32(-1), 0, 0
		for fy := -2; fy <= 2; fy++ {
			for fx := -3; fx <= 3; fx++ {
				if v := s.ink.match(2*bx+x0+drift+fx, 2*by+fy, piece); v > best {
					best, at, down = v, fx, fy
				}
			}
		}
		white = max(white, s.white(tile, x0, x1, 2*bx+drift+at, 2*by+down))
		if best > .5 {
			drift += at
		}
		sum += float64(best) * ink
		weight += ink
	}
	return sum / math.Max(weight, 1), white
}

// white is the share of the strokes between the columns x0 and x1 of a tile that
// lies at dx, dy of which the page shows paper. Other ink over a line hides nothing
// from it: it darkens.
//
//go:norace
func (s *lineAt) white(tile *plane, x0, x1, dx, dy int) float64 {
	sum, all := float32(0), float32(0)
	// A photo's light falls off along a line, for paper and print alike.
	const around = 3 * linePPM
	paper := s.share(x0+dx-around, x1+dx+around, sharePaper)
	half := paper + (s.dark-s.paper)/2*(255-paper)/max(255-s.paper, 1)
	for y := range tile.h {
		for x := x0; x < x1; x++ {
			v := tile.pix[y*tile.w+x]
			u, w := x+dx, y+dy
			if v < 150 || u < 0 || w < 0 || u >= s.ink.w || w >= s.ink.h {
				continue
			}
			all += v
			sum += v * min(max((half-s.ink.pix[w*s.ink.w+u])/max(half-paper, 1), 0), 1)
		}
	}
	if all == 0 {
		return 0
	}
	return float64(sum / all)
}

// The shares of a strip that are lighter than its paper's middle, and than its print.
const (
	sharePaper = .40
	sharePrint = .95
)

// share is the ink that so much of the strip between two columns has at most.
//
//go:norace
func (s *lineAt) share(x0, x1 int, f float64) float32 {
	var hist histogram
	x0, x1 = max(x0, 0), min(x1, s.ink.w)
	if x1 <= x0 {
		return 0
	}
	for y := range s.ink.h {
		for _, v := range s.ink.pix[y*s.ink.w+x0 : y*s.ink.w+x1] {
			hist.add(byte(v))
		}
	}
	return float32(hist.share(f))
}
