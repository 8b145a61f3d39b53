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
	ink, half *plane
	area      box
}

// strip takes the area of a field's lines out of a page.
func stripOf(g *gray, h *homography, area box) *lineAt {
	p := inked(g.crop(h, area, linePPM))
	return &lineAt{p, p.halved(), area}
}

// score is how well a printed line agrees with what stands at its place, from -1
// to 1: the correlation of its pieces of a few letters, weighted by their ink,
// each with a small shift of its own, for the length of a line drifts. dx and dy
// are how far the print is from its place, in millimetres, and around how much
// that may be off.
func (s *lineAt) score(p *pen, line service.PrintedLine, dx, dy, around float64) float64 {
	capital := p.size * .70
	pad := capital
	long := p.width(line.Text)
	w, h := int(long+2*pad)&^1, int(capital*1.55)&^1
	if w < 4 || h < 4 || w > s.ink.w*2 {
		return -1
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
		best, at := float32(-1), 0
		for fy := -2; fy <= 2; fy++ {
			for fx := -3; fx <= 3; fx++ {
				if v := s.ink.match(2*bx+x0+drift+fx, 2*by+fy, piece); v > best {
					best, at = v, fx
				}
			}
		}
		if best > .5 {
			drift += at
		}
		sum += float64(best) * ink
		weight += ink
	}
	return sum / math.Max(weight, 1)
}
