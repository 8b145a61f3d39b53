package ocr

import (
	"math"

	"flowbot/service"
)

// Bounds of a second blank on a page. Source: drawn pages of both houses. On pages
// with one blank, of all four severities, its print was darker than its paper by 30 at
// least, and nothing else of the page by anything; on letters, by 14 at most. Of two
// blanks under a scanner the second was found by 28 at least. Two that are
// photographed together are found rarely: their lines are too fine.
const (
	secondLeast = 20.0 // by how much its print is darker than its paper at least, in the mean, of 255
	secondShare = .45  // the same as a share of that of the first
	secondTries = 12   // quadrangles of a part of a page that are asked
)

// part is a rectangle of a small page.
type part struct{ x, y, w, h int }

// parts are where blanks are looked for: the whole page, and its halves, with a
// little of the other half each, as lines of two blanks on a page are many.
func parts(g *gray) []part {
	w, h := g.w*11/20, g.h*11/20
	return []part{{0, 0, g.w, g.h}, {0, 0, w, g.h}, {g.w - w, 0, w, g.h}, {0, 0, g.w, h}, {0, g.h - h, g.w, h}}
}

// several reports whether a page shows more than one blank. At is where one was
// found, nil if none was.
func (r *Reader) several(g *gray, at *homography) bool {
	first := seenBlank{}
	if at != nil {
		first = seenBlank{*at, r.upright(g, at) / r.longPrint()}
	}
	if first.strength < secondLeast { // it may be made of the lines of two
		if first = r.strongest(g); first.strength < secondLeast {
			return false
		}
	}
	second := r.strongest(r.without(g, &first.h))
	return second.strength >= math.Max(secondLeast, secondShare*first.strength)
}

// seenBlank is a place where a blank can lie, and by how much its print is darker
// than its paper.
type seenBlank struct {
	h        homography
	strength float64
}

// strongest finds the place of a page where a blank lies most likely.
func (r *Reader) strongest(g *gray) seenBlank {
	best := seenBlank{}
	for _, p := range parts(g) {
		k := max(1, int(math.Round(float64(max(p.w, p.h))/frameLong)))
		cut := g.cut(p).shrunk(k)
		places := r.places(newLattice(cut), cut, secondTries)
		if len(places) == 0 {
			continue
		}
		if strength := places[0].score / r.longPrint(); strength > best.strength {
			best = seenBlank{places[0].h.scaled(float64(k)).moved(float64(p.x), float64(p.y)), strength}
		}
	}
	return best
}

// longPrint is how long the print is that upright asks for, in millimetres.
func (r *Reader) longPrint() float64 {
	long := 0.0
	for _, l := range r.profile.Lines {
		long += l.Width
	}
	for _, c := range r.profile.Captions {
		long += math.Min(c.Width, float64(len([]rune(c.Text)))*c.Size*service.PointMM*.55)
	}
	for _, region := range []service.Region{service.RegionInnerFrame, service.RegionFrame} {
		if f, ok := r.profile.Region(region); ok {
			long += 2 * (f.Width + f.Height)
		}
	}
	return long
}

// cut is a part of an image.
func (g *gray) cut(p part) *gray {
	out := newGray(p.w, p.h)
	for y := range p.h {
		copy(out.pix[y*p.w:(y+1)*p.w], g.pix[(p.y+y)*g.w+p.x:])
	}
	return out
}

// without is an image on which white lies over a blank.
func (r *Reader) without(g *gray, at *homography) *gray {
	out := newGray(g.w, g.h)
	copy(out.pix, g.pix)
	sheet := service.Box{Width: r.profile.Sheet.Width, Height: r.profile.Sheet.Height}
	var c [4]point
	for i, p := range cornersOf(sheet) {
		c[i].x, c[i].y = at.at(p.x, p.y)
	}
	for y := range g.h {
		from, to := math.Inf(1), math.Inf(-1)
		for i := range c {
			a, b := c[i], c[(i+1)%4]
			if (a.y <= float64(y)) == (b.y <= float64(y)) {
				continue
			}
			x := a.x + (b.x-a.x)*(float64(y)-a.y)/(b.y-a.y)
			from, to = math.Min(from, x), math.Max(to, x)
		}
		for x := max(0, int(from)); float64(x) <= to && x < g.w; x++ {
			out.pix[y*g.w+x] = 255
		}
	}
	return out
}
