package ocr

import (
	"cmp"
	"math"
	"slices"
)

// ridge is a long dark line u = a + b·v: of a steep one u is x and v is y, of a
// level one the image was transposed.
type ridge struct{ a, b, support float64 }

// cross is where a steep line meets a level one.
func cross(steep, level ridge) point {
	y := (level.a + level.b*steep.a) / (1 - level.b*steep.b)
	return point{steep.a + steep.b*y, y}
}

// Bounds of the Hough transform. The page is about 900 pixels long when it is
// looked at, so that a bin is 0.35 mm of an A4 page; slopes reach 0.2, or 11
// degrees.
const (
	ridgeStep   = 3 // rows between those that are looked at
	ridgeSlopes = 101
	ridgeSlope  = .004 // between two slopes
	ridgeBin    = 1.5  // pixels
	ridgeNear   = 3.5  // pixels from a line that belong to it
)

// stain is a dark spot of a row that may belong to a line.
type stain struct{ u, v, weight float32 }

// stains finds what is darker than both its sides.
//
//go:norace
func stains(g *gray) []stain {
	var out []stain
	mid := float32(g.h) / 2
	for y := 2; y < g.h-2; y += ridgeStep {
		r := g.pix[y*g.w : (y+1)*g.w]
		for x := 5; x < g.w-5; x++ {
			c := int(r[x])
			if c > 200 || c > int(r[x-1]) || c >= int(r[x+1]) {
				continue
			}
			side := min(int(r[x-4])+int(r[x-3]), int(r[x+3])+int(r[x+4])) * 3
			contrast := side - 2*(int(r[x-1])+c+int(r[x+1])) // six times
			if contrast < 130 {
				continue
			}
			out = append(out, stain{float32(x), float32(y) - mid, min(float32(contrast)/360, 1)})
		}
	}
	return out
}

// ridges finds the strongest long dark steep lines by a Hough transform.
//
//go:norace
func ridges(g *gray, want int) []ridge {
	spots := stains(g)
	if len(spots) < 30 {
		return nil
	}
	bins := int(float64(g.w)/ridgeBin) + int(float64(g.h)*.4/ridgeBin) + 8
	offset := float32(float64(g.h)*.2/ridgeBin) + 4
	votes := make([]float32, ridgeSlopes*bins)
	vote := func(s stain, sign float32) {
		for k := range ridgeSlopes {
			b := (float32(k) - ridgeSlopes/2) * ridgeSlope
			votes[k*bins+int((s.u-b*s.v)/ridgeBin+offset)] += sign * s.weight
		}
	}
	for _, s := range spots {
		vote(s, 1)
	}
	var out []ridge
	for len(out) < want {
		best, most := -1, float32(0)
		for i := 0; i+1 < len(votes); i++ {
			if s := votes[i] + votes[i+1]; s > most {
				best, most = i, s
			}
		}
		if best < 0 || float64(most)*ridgeStep < float64(g.h)*.08 {
			break
		}
		l := ridge{(float64(best%bins) + 1 - float64(offset)) * ridgeBin, (float64(best/bins) - ridgeSlopes/2) * ridgeSlope, 0}
		l.fit(spots)
		left := spots[:0]
		for _, s := range spots {
			if math.Abs(float64(s.u)-l.a-l.b*float64(s.v)) > ridgeNear {
				left = append(left, s)
			} else {
				vote(s, -1)
			}
		}
		if len(left) == len(spots) {
			votes[best], votes[best+1] = 0, 0
			continue
		}
		spots = left
		l.a -= l.b * float64(g.h) / 2
		out = append(out, l)
	}
	slices.SortFunc(out, func(a, b ridge) int { return cmp.Compare(b.support, a.support) })
	return out
}

// fit moves the line to the spots near it, by least squares, three times closer.
func (l *ridge) fit(spots []stain) {
	for k := range 3 {
		var n, sv, su, svv, suv float64
		near := 3 - float64(k)*.6
		for _, s := range spots {
			u, v, w := float64(s.u), float64(s.v), float64(s.weight)
			if math.Abs(u-l.a-l.b*v) < near {
				n, sv, su, svv, suv = n+w, sv+w*v, su+w*u, svv+w*v*v, suv+w*u*v
			}
		}
		if d := n*svv - sv*sv; d > 1e-6 {
			l.b = (n*suv - su*sv) / d
			l.a = (su - l.b*sv) / n
		}
		l.support = n * ridgeStep
	}
}

// quad is four corners in the order of the image: top left, top right, bottom
// right, bottom left.
type quad struct {
	corners [4]point
	score   float64
}

// lattice is the long lines of an image.
type lattice struct {
	w, h         int
	steep, level []ridge
}

func newLattice(g *gray) *lattice {
	return &lattice{g.w, g.h, ridges(g, 10), ridges(g.transposed(), 14)}
}

// quads finds quadrangles of lines whose long side is about aspect times the
// short one, the best first, at most limit.
func (l *lattice) quads(aspect float64, limit int) []quad {
	mid := func(r ridge, long int) float64 { return r.a + r.b*float64(long)/2 }
	var out []quad
	for _, left := range l.steep {
		for _, right := range l.steep {
			if mid(right, l.h) <= mid(left, l.h)+float64(l.w)*.25 {
				continue
			}
			for _, top := range l.level {
				for _, bottom := range l.level {
					if mid(bottom, l.w) <= mid(top, l.w)+float64(l.h)*.2 {
						continue
					}
					c := [4]point{cross(left, top), cross(right, top), cross(right, bottom), cross(left, bottom)}
					w, h := (c[0].to(c[1])+c[3].to(c[2]))/2, (c[0].to(c[3])+c[1].to(c[2]))/2
					off := math.Abs(math.Log(math.Max(w, h) / math.Min(w, h) / aspect))
					if off >= .08 {
						continue
					}
					cover := (math.Min(left.support, h) + math.Min(right.support, h)) / h *
						(math.Min(top.support, w) + math.Min(bottom.support, w)) / w
					out = append(out, quad{c, cover * w * h * (1 - 4*off)})
				}
			}
		}
	}
	slices.SortFunc(out, func(a, b quad) int { return cmp.Compare(b.score, a.score) })
	return out[:min(len(out), limit)]
}
