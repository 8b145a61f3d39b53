package ocr

import (
	"math"
	"slices"

	"flowbot/service"
)

// Bounds of a second blank on a page. Source: 49 drawn pages with two, hard and
// photographed, of both houses. Where both were on the page whole, their size differed
// by .06 at most and they agreed by .57 at least; two places of 100 pages with one
// blank or none, of about the same size, by .32 at most. Photographed together two
// blanks bear lines of about four pixels a millimetre in a half that is not shrunk,
// and are found in no less.
const (
	secondRoom   = .9   // share of a blank that there is room for beside another
	secondLong   = 1500 // pixels, about, of a part of a page in which one is looked for
	secondTries  = 12   // quadrangles that are asked there
	secondPlaces = 6    // places that are compared
	secondSize   = .1   // by which two blanks may differ in size, as a logarithm
	secondApart  = .85  // of a blank's width or height between the middles of two
	secondAlike  = .45  // mean correlation of two
)

// several reports whether a page shows more than one blank: two places that lie
// beside each other on one plane, are of the same size and look the same. Sheets of
// a house differ in little more than names and numbers. Located says whether one was
// found, which may be made of the lines of two.
func (r *Reader) several(p *page, located bool) bool {
	if located {
		if r.another(p.img, &p.h) {
			return true
		}
		if len(r.shared) > 0 && p.off.score >= printFound { // the list's print stands where that place says
			return false
		}
	}
	w, h := p.img.w, p.img.h
	half := func(long int) int { return long * 11 / 20 }
	return r.bothIn(p.img, part{0, 0, half(w), h}, part{w - half(w), 0, half(w), h}) ||
		r.bothIn(p.img, part{0, 0, w, half(h)}, part{0, h - half(h), w, half(h)})
}

// another reports whether there is a blank beside one that was found.
func (r *Reader) another(g *gray, first *homography) bool {
	var xs, ys []float64
	for _, c := range r.sheetAt(first) {
		xs, ys = append(xs, min(max(c.x, 0), float64(g.w))), append(ys, min(max(c.y, 0), float64(g.h)))
	}
	slices.Sort(xs)
	slices.Sort(ys)
	left, right, top, low := int(xs[1]), int(xs[2]), int(ys[1]), int(ys[2]) // it may lie askew
	sheet := r.profile.Sheet
	ppm := first.resolution(sheet.Width, sheet.Height)
	if math.IsNaN(ppm) || ppm < 1 || ppm > float64(max(g.w, g.h)) {
		return false // no blank looks so
	}
	short, long := secondRoom*ppm*min(sheet.Width, sheet.Height), secondRoom*ppm*max(sheet.Width, sheet.Height)
	var rest *gray
	for _, beside := range []part{{0, 0, left, g.h}, {right, 0, g.w - right, g.h}, {0, 0, g.w, top}, {0, low, g.w, g.h - low}} {
		if float64(min(beside.w, beside.h)) < short || float64(max(beside.w, beside.h)) < long {
			continue
		}
		if rest == nil {
			rest = r.without(g, first)
		}
		for _, second := range r.likely(rest, beside) {
			if r.two(g, first, &second) {
				return true
			}
		}
	}
	return false
}

// part is a rectangle of an image.
type part struct{ x, y, w, h int }

// bothIn reports whether there is a blank in each of two parts of a page.
func (r *Reader) bothIn(g *gray, one, other part) bool {
	firsts := r.likely(g, one)
	if len(firsts) == 0 {
		return false
	}
	for _, second := range r.likely(g, other) {
		for i := range firsts {
			if r.two(g, &firsts[i], &second) {
				return true
			}
		}
	}
	return false
}

// likely lists the likeliest places of a blank in a part of a page.
func (r *Reader) likely(g *gray, in part) []homography {
	k := max(1, int(math.Round(float64(max(in.w, in.h))/secondLong)))
	cut := g.cut(in).shrunk(k)
	cut.brighten()
	var out []homography
	for _, s := range r.places(newLattice(cut), cut, secondTries) {
		if len(out) < secondPlaces {
			out = append(out, s.h.scaled(float64(k)).moved(float64(in.x), float64(in.y)))
		}
	}
	return out
}

// two reports whether two places are of two blanks.
func (r *Reader) two(g *gray, one, other *homography) bool {
	x, y := other.at(r.profile.Sheet.Width/2, r.profile.Sheet.Height/2)
	if x < 0 || y < 0 || x >= float64(g.w) || y >= float64(g.h) {
		return false // half of it lies beyond the page
	}
	off, apart := r.compared(one, other)
	return off <= secondSize && apart >= secondApart && r.alike(g, one, other) >= secondAlike
}

// sheetAt are the corners of the blank's sheet in an image.
func (r *Reader) sheetAt(h *homography) [4]point {
	c := cornersOf(service.Box{Width: r.profile.Sheet.Width, Height: r.profile.Sheet.Height})
	for i, p := range c {
		c[i].x, c[i].y = h.at(p.x, p.y)
	}
	return c
}

// compared looks at a blank in the plane of another one: by how much its sides and
// diagonals differ from what they must be, as a logarithm, and how far its middle is
// from the other's, in widths or in heights, whatever is more.
func (r *Reader) compared(one, other *homography) (off, apart float64) {
	sheet := r.profile.Sheet
	want := cornersOf(service.Box{Width: sheet.Width, Height: sheet.Height})
	plane, ok := homographyOf(r.sheetAt(one), want)
	if !ok {
		return math.Inf(1), 0
	}
	var seen []point
	var middle point
	for i, c := range r.sheetAt(other) {
		c.x, c.y = plane.at(c.x, c.y)
		middle.x, middle.y = middle.x+c.x/4, middle.y+c.y/4
		for k, p := range seen {
			off = math.Max(off, math.Abs(math.Log(c.to(p)/want[i].to(want[k]))))
		}
		seen = append(seen, c)
	}
	return off, math.Max(math.Abs(middle.x/sheet.Width-.5), math.Abs(middle.y/sheet.Height-.5))
}

// How two blanks are compared.
const (
	alikePPM               = 2.0  // pixels a millimetre
	alikeReach             = 4    // pixels by which parts of them may be off
	alikeAcross, alikeDown = 4, 3 // parts
)

// alike is how well two places agree, in the mean of their parts, from 0 to 1.
func (r *Reader) alike(g *gray, one, other *homography) float64 {
	sheet := r.profile.Sheet
	k := max(1, int(one.resolution(sheet.Width, sheet.Height)/alikePPM))
	small := g.shrunk(k)
	seen := func(h *homography) *plane {
		at := h.scaled(1 / float64(k))
		return inked(small.crop(&at, box{0, 0, sheet.Width, sheet.Height}, alikePPM))
	}
	a, b := seen(one), seen(other)
	w, h := a.w/(alikeAcross+1), a.h/(alikeDown+1) // half a part is left around all
	sum := 0.0
	for j := range alikeDown {
		for i := range alikeAcross {
			x, y := w/2+i*w, h/2+j*h
			tile := &plane{w, h, make([]float32, 0, w*h)}
			for row := y; row < y+h; row++ {
				tile.pix = append(tile.pix, b.pix[row*b.w+x:][:w]...)
			}
			best, _, _ := a.best(x, y, alikeReach, tile.unit())
			sum += max(0, float64(best))
		}
	}
	return sum / (alikeAcross * alikeDown)
}

// paperShare is the share of a part of a page that is no lighter than its paper: a
// photo shows the table, too. Source: of 24 photos of two blanks 3 were seen only
// when their light was spread so.
const paperShare = .95

// brighten makes paper white, so that fine lines stand out from it in the shade, too.
func (g *gray) brighten() {
	var hist histogram
	hist.addAll(g.pix)
	paper := max(1, int(hist.share(paperShare)))
	for i, v := range g.pix {
		g.pix[i] = byte(min(int(v)*255/paper, 255))
	}
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
	c := r.sheetAt(at)
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
