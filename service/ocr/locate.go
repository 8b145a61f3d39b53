package ocr

import (
	"cmp"
	"math"
	"slices"

	"flowbot/service"
)

// tries are how many quadrangles of a page are asked for each frame: first, and then
// where what they frame does not bear the print that it must. Streaks of a scanner
// are long and straight, and lead to many that are none.
var tries = [...]int{4, 12, 48}

// locate finds the blank by its frame or, where the scanner has cut that off, by
// the inner edge of its border, and which way is up. There are other lines beside
// them, so that each quadrangle is asked how well the house's own print stands
// where it must, and the best of them for what the list has printed there.
func (r *Reader) locate(p *page, small *gray, k int, out *service.PageReading) bool {
	lines := newLattice(small)
	best, off := standing{}, misprint{score: -1}
	for _, limit := range tries {
		for i, s := range r.places(lines, small, limit) {
			if i >= printTries || off.score >= printPlain {
				break
			}
			h := s.h.scaled(float64(k))
			if found := r.misprint(p.img, &h); found.score > off.score {
				best, off = s, found
			}
		}
	}
	if best.score <= 0 {
		return false
	}
	p.h, p.off = best.h.scaled(float64(k)), off
	out.Located, out.Turn = true, (360-90*best.turn)%360
	whole := p.h.scaled(float64(p.part))
	for i, c := range cornersOf(service.Box{Width: r.profile.Sheet.Width, Height: r.profile.Sheet.Height}) {
		out.Corners[i].X, out.Corners[i].Y = whole.at(c.x, c.y)
	}
	out.Resolution = whole.resolution(r.profile.Sheet.Width, r.profile.Sheet.Height) * 25.4
	return true
}

// places lists where the blank can lie, the likeliest by the house's print first.
func (r *Reader) places(lines *lattice, small *gray, limit int) []standing {
	var out []standing
	for _, region := range []service.Region{service.RegionInnerFrame, service.RegionFrame} {
		f, ok := r.profile.Region(region)
		if !ok {
			continue
		}
		aspect := math.Max(f.Width, f.Height) / math.Min(f.Width, f.Height)
		for _, q := range lines.quads(aspect, limit) {
			out = r.standings(out, small, q, f, cornersOf(f))
		}
	}
	slices.SortStableFunc(out, func(a, b standing) int { return cmp.Compare(b.score, a.score) })
	return out
}

// printTries is how many of the places where a blank can lie are asked for the
// print that the list shares.
const printTries = 8

// standing is a place where a blank can lie.
type standing struct {
	score float64 // of the house's own print
	turn  int     // in quarters
	h     homography
}

// standings adds the ways in which the frame f can stand in a quadrangle.
func (r *Reader) standings(out []standing, small *gray, q quad, f service.Box, on [4]point) []standing {
	for rot := range 4 {
		var at [4]point
		for i := range at {
			at[i] = q.corners[(i+rot)%4]
		}
		if (at[0].to(at[1]) > at[1].to(at[2])) != (f.Width > f.Height) {
			continue
		}
		h, ok := homographyOf(on, at)
		if !ok {
			continue
		}
		if s := r.upright(small, &h); s > 0 {
			out = append(out, standing{s, rot, h})
		}
	}
	return out
}

// light is the mean light of a box of the blank; false if none of it is on the page.
//
//go:norace
func (g *gray) light(h *homography, b box) (float64, bool) {
	sum, n := 0, 0
	for y := b.y0; y <= b.y1; y += .5 {
		for x := b.x0; x <= b.x1; x += 1.6 {
			u, v := h.at(x, y)
			if iu, iv := int(u), int(v); u >= 0 && v >= 0 && iu < g.w && iv < g.h {
				sum += int(g.pix[iv*g.w+iu])
				n++
			}
		}
	}
	return float64(sum) / float64(max(n, 1)), n > 0
}

// upright is how well the house's own print agrees with a place of the blank: its
// frames, captions and lines are darker than what is on both sides of them.
func (r *Reader) upright(g *gray, h *homography) float64 {
	score := 0.0
	add := func(b box, gap float64) {
		high := b.y1 - b.y0
		in, ok1 := g.light(h, b)
		above, ok2 := g.light(h, box{b.x0, b.y0 - gap - high, b.x1, b.y0 - gap})
		below, ok3 := g.light(h, box{b.x0, b.y1 + gap, b.x1, b.y1 + gap + high})
		if ok1 && ok2 && ok3 {
			score += (min(above, below) - in) * (b.x1 - b.x0)
		}
	}
	for _, l := range r.profile.Lines {
		add(box{l.X, l.Y - .3, l.X + l.Width, l.Y + .3}, .9)
	}
	for _, c := range r.profile.Captions {
		capital := c.Size * service.PointMM * capitalHigh
		long := math.Min(c.Width, float64(len([]rune(c.Text)))*c.Size*service.PointMM*.55)
		x := c.X
		switch c.Align {
		case service.AlignCenter:
			x += (c.Width - long) / 2
		case service.AlignRight:
			x += c.Width - long
		case service.AlignLeft:
		}
		add(box{x, c.Y - capital, x + long, c.Y}, capital*.4)
	}
	for _, region := range []service.Region{service.RegionInnerFrame, service.RegionFrame} {
		f, ok := r.profile.Region(region)
		if !ok {
			continue
		}
		c := cornersOf(f)
		for i := range c {
			score += g.edge(h, c[i], c[(i+1)%4])
		}
	}
	return score
}

// edge is how much darker a straight line of the blank is than both its sides, by
// its length.
//
//go:norace
func (g *gray) edge(h *homography, from, to point) float64 {
	const pieces, aside, off = 8, 1.1, .35 // mm
	long := from.to(to)
	dx, dy := (to.x-from.x)/long, (to.y-from.y)/long
	light := func(a, b, across float64) (float64, bool) {
		sum, n := 0, 0
		for at := a; at < b; at += 1.6 {
			u, v := h.at(from.x+dx*at-dy*across, from.y+dy*at+dx*across)
			if iu, iv := int(u), int(v); u >= 0 && v >= 0 && iu < g.w && iv < g.h {
				sum += int(g.pix[iv*g.w+iu])
				n++
			}
		}
		return float64(sum) / float64(max(n, 1)), n > 0
	}
	score := 0.0
	for k := range pieces {
		a, b := long*float64(k)/pieces, long*float64(k+1)/pieces
		best := -30.0
		for _, shift := range []float64{-off, 0, off} {
			in, ok1 := light(a, b, shift)
			one, ok2 := light(a, b, shift-aside)
			other, ok3 := light(a, b, shift+aside)
			if ok1 && ok2 && ok3 {
				best = math.Max(best, math.Min(one, other)-in)
			}
		}
		score += best * (b - a)
	}
	return score
}
