package ocr

import (
	"math"

	"flowbot/service"
)

// point is a place in an image, in pixels, or on the blank, in millimetres.
type point struct{ x, y float64 }

func (p point) to(q point) float64 { return math.Hypot(p.x-q.x, p.y-q.y) }

// homography takes a place on the blank, in millimetres, to one in an image, in
// pixels.
type homography [9]float64

func (h *homography) at(x, y float64) (u, v float64) {
	d := h[6]*x + h[7]*y + h[8]
	return (h[0]*x + h[1]*y + h[2]) / d, (h[3]*x + h[4]*y + h[5]) / d
}

// scaled is the homography to an image k times as large.
func (h homography) scaled(k float64) homography {
	for i := range 6 {
		h[i] *= k
	}
	return h
}

// resolution is the pixels of a millimetre in the middle of a blank.
func (h *homography) resolution(width, height float64) float64 {
	x0, y0 := h.at(width/2-1, height/2)
	x1, y1 := h.at(width/2+1, height/2)
	return math.Hypot(x1-x0, y1-y0) / 2
}

// homographyOf takes four points to four others; false when three of them stand
// in one line.
func homographyOf(from, to [4]point) (homography, bool) {
	var a [8][9]float64
	for i := range from {
		x, y, u, v := from[i].x, from[i].y, to[i].x, to[i].y
		a[2*i] = [9]float64{x, y, 1, 0, 0, 0, -u * x, -u * y, u}
		a[2*i+1] = [9]float64{0, 0, 0, x, y, 1, -v * x, -v * y, v}
	}
	for c := range 8 {
		best := c
		for k := c + 1; k < 8; k++ {
			if math.Abs(a[k][c]) > math.Abs(a[best][c]) {
				best = k
			}
		}
		if math.Abs(a[best][c]) < 1e-12 {
			return homography{}, false
		}
		a[c], a[best] = a[best], a[c]
		for k := range 8 {
			if k == c {
				continue
			}
			f := a[k][c] / a[c][c]
			for j := c; j < 9; j++ {
				a[k][j] -= f * a[c][j]
			}
		}
	}
	h := homography{8: 1}
	for i := range 8 {
		h[i] = a[i][8] / a[i][i]
	}
	return h, true
}

// box is a rectangle of the blank, in millimetres.
type box struct{ x0, y0, x1, y1 float64 }

// moved is the homography to an image whose corner lies so many pixels aside.
func (h homography) moved(dx, dy float64) homography {
	for i := range 3 {
		h[i] += dx * h[6+i]
		h[3+i] += dy * h[6+i]
	}
	return h
}

// bounds are the pixels that a box of the blank spans in an image k times as large.
func (h *homography) bounds(b box, k float64) (x0, y0, x1, y1 float64) {
	x0, y0, x1, y1 = math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, c := range [4]point{{b.x0, b.y0}, {b.x1, b.y0}, {b.x1, b.y1}, {b.x0, b.y1}} {
		u, v := h.at(c.x, c.y)
		x0, x1 = math.Min(x0, u*k), math.Max(x1, u*k)
		y0, y1 = math.Min(y0, v*k), math.Max(y1, v*k)
	}
	return x0, y0, x1, y1
}

// cornersOf are the corners of a rectangle, clockwise from its top left one.
func cornersOf(b service.Box) [4]point {
	return [4]point{{b.X, b.Y}, {b.X + b.Width, b.Y}, {b.X + b.Width, b.Y + b.Height}, {b.X, b.Y + b.Height}}
}
