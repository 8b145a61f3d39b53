package drawn

import (
	"image"
	"math"
)

// picture is 8-bit RGB, row by row.
type picture struct {
	w, h int
	pix  []uint8
	dye  bool // what is laid takes light away and gives none
}

func newPicture(w, h int, r, g, b uint8) *picture {
	p := &picture{w: w, h: h, pix: make([]uint8, 3*w*h)}
	for i := 0; i < len(p.pix); i += 3 {
		p.pix[i], p.pix[i+1], p.pix[i+2] = r, g, b
	}
	return p
}

func (p *picture) clone() *picture {
	out := &picture{w: p.w, h: p.h, pix: make([]uint8, len(p.pix))}
	copy(out.pix, p.pix)
	return out
}

// ink is a colour of what is laid over paper.
type ink struct{ r, g, b float64 } // 0 to 255

// lay covers a pixel by ink: cover 0 leaves the paper, 1 hides it.
//
//go:norace
func (p *picture) lay(x, y int, c ink, cover float64) {
	if x < 0 || y < 0 || x >= p.w || y >= p.h || cover <= 0 {
		return
	}
	cover = math.Min(cover, 1)
	i := 3 * (y*p.w + x)
	if p.dye {
		p.pix[i] = uint8(float64(p.pix[i]) * (1 - cover*(1-c.r/255)))
		p.pix[i+1] = uint8(float64(p.pix[i+1]) * (1 - cover*(1-c.g/255)))
		p.pix[i+2] = uint8(float64(p.pix[i+2]) * (1 - cover*(1-c.b/255)))
		return
	}
	p.pix[i] = uint8(float64(p.pix[i])*(1-cover) + c.r*cover)
	p.pix[i+1] = uint8(float64(p.pix[i+1])*(1-cover) + c.g*cover)
	p.pix[i+2] = uint8(float64(p.pix[i+2])*(1-cover) + c.b*cover)
}

// bar fills a rectangle, in pixels, with soft edges.
//
//go:norace
func (p *picture) bar(x0, y0, x1, y1 float64, c ink) {
	for y := int(y0); y <= int(y1); y++ {
		cy := math.Min(y1, float64(y+1)) - math.Max(y0, float64(y))
		for x := int(x0); x <= int(x1); x++ {
			cx := math.Min(x1, float64(x+1)) - math.Max(x0, float64(x))
			p.lay(x, y, c, math.Max(cx, 0)*math.Max(cy, 0))
		}
	}
}

// stroke draws a line of the given width, in pixels.
//
//go:norace
func (p *picture) stroke(x0, y0, x1, y1, width float64, c ink, cover float64) {
	dx, dy := x1-x0, y1-y0
	length := math.Hypot(dx, dy)
	if length == 0 {
		return
	}
	half := width / 2
	for y := int(math.Min(y0, y1) - half - 1); y <= int(math.Max(y0, y1)+half+1); y++ {
		for x := int(math.Min(x0, x1) - half - 1); x <= int(math.Max(x0, x1)+half+1); x++ {
			px, py := float64(x)+.5-x0, float64(y)+.5-y0
			along := math.Max(0, math.Min(length, (px*dx+py*dy)/length))
			d := math.Hypot(px-along*dx/length, py-along*dy/length)
			p.lay(x, y, c, cover*math.Max(0, math.Min(1, half-d+.5)))
		}
	}
}

// ring draws a circle of the given width, in pixels.
//
//go:norace
func (p *picture) ring(cx, cy, radius, width float64, c ink, cover float64) {
	for y := int(cy - radius - width); y <= int(cy+radius+width); y++ {
		for x := int(cx - radius - width); x <= int(cx+radius+width); x++ {
			d := math.Abs(math.Hypot(float64(x)+.5-cx, float64(y)+.5-cy) - radius)
			p.lay(x, y, c, cover*math.Max(0, math.Min(1, width/2-d+.5)))
		}
	}
}

// at is the colour of a point between pixels; outside is the colour beyond the
// edges.
//
//go:norace
func (p *picture) at(x, y float64, outside ink) (r, g, b float64) {
	x -= .5
	y -= .5
	ix, iy := int(math.Floor(x)), int(math.Floor(y))
	if ix < 0 || iy < 0 || ix >= p.w-1 || iy >= p.h-1 {
		return outside.r, outside.g, outside.b
	}
	fx, fy := x-float64(ix), y-float64(iy)
	i := 3 * (iy*p.w + ix)
	j := i + 3*p.w
	q := p.pix
	mix := func(k int) float64 {
		top := float64(q[i+k])*(1-fx) + float64(q[i+k+3])*fx
		low := float64(q[j+k])*(1-fx) + float64(q[j+k+3])*fx
		return top*(1-fy) + low*fy
	}
	return mix(0), mix(1), mix(2)
}

// shrunk averages the picture to a smaller size.
//
//go:norace
func (p *picture) shrunk(w, h int) *picture {
	if w >= p.w && h >= p.h {
		return p
	}
	out := &picture{w: w, h: h, pix: make([]uint8, 3*w*h)}
	for y := range h {
		y0, y1 := y*p.h/h, max((y+1)*p.h/h, y*p.h/h+1)
		for x := range w {
			x0, x1 := x*p.w/w, max((x+1)*p.w/w, x*p.w/w+1)
			var r, g, b, n int
			for j := y0; j < y1; j++ {
				for i := 3 * (j*p.w + x0); i < 3*(j*p.w+x1); i += 3 {
					r, g, b, n = r+int(p.pix[i]), g+int(p.pix[i+1]), b+int(p.pix[i+2]), n+1
				}
			}
			k := 3 * (y*w + x)
			out.pix[k], out.pix[k+1], out.pix[k+2] = uint8(r/n), uint8(g/n), uint8(b/n) //nolint:gosec // means of bytes
		}
	}
	return out
}

// blurred softens, close to a Gaussian of that sigma in pixels.
//
//go:norace
func (p *picture) blurred(sigma float64) *picture {
	if sigma < .15 {
		return p
	}
	// A kernel of three taps, [a 1-2a a], has the variance 2a; steps of at most
	// .2 keep it smooth.
	steps := max(1, int(math.Ceil(sigma*sigma/.4)))
	a := sigma * sigma / float64(steps) / 2
	var t taps
	for i := range t.middle {
		t.middle[i] = float64(i) * (1 - 2*a)
	}
	for i := range t.sides {
		t.sides[i] = float64(i) * a
	}
	out := p.clone()
	long := 3 * p.w
	one, two := make([]uint8, long), make([]uint8, long)
	for range steps {
		for y := range out.h {
			line := out.pix[y*long : (y+1)*long]
			copy(one, line)
			t.along(line, one)
		}
		above, here := one, two // rows as they were
		copy(above, out.pix[:long])
		for y := range out.h {
			line := out.pix[y*long : (y+1)*long]
			below := out.pix[min(y+1, out.h-1)*long:][:long]
			copy(here, line)
			t.across(line, above, here, below)
			above, here = here, above
		}
	}
	return out
}

// taps are a filter of three taps: what each value of the middle one gives, and
// each sum of the two at its sides.
type taps struct {
	middle [256]float64
	sides  [511]float64
}

// along filters a row of RGB values.
//
//go:norace
func (t *taps) along(to, from []uint8) {
	for i := range to {
		l, r := i-3, i+3
		if l < 0 {
			l = i
		}
		if r >= len(from) {
			r = i
		}
		to[i] = uint8(t.middle[from[i]] + t.sides[int(from[l])+int(from[r])] + .5)
	}
}

// across filters a row with the rows above and below it.
//
//go:norace
func (t *taps) across(to, above, here, below []uint8) {
	for i := range to {
		to[i] = uint8(t.middle[here[i]] + t.sides[int(above[i])+int(below[i])] + .5)
	}
}

// gray is the picture's luma.
//
//go:norace
func (p *picture) gray() *image.Gray {
	out := image.NewGray(image.Rect(0, 0, p.w, p.h))
	for i := range out.Pix {
		out.Pix[i] = uint8((299*int(p.pix[3*i]) + 587*int(p.pix[3*i+1]) + 114*int(p.pix[3*i+2])) / 1000) //nolint:gosec // weights of 1 in all
	}
	return out
}

// split makes each pixel white, from that light on, or black.
//
//go:norace
func (p *picture) split(light float64) {
	for i := 0; i < len(p.pix); i += 3 {
		v := uint8(0)
		if .299*float64(p.pix[i])+.587*float64(p.pix[i+1])+.114*float64(p.pix[i+2]) >= light {
			v = 255
		}
		p.pix[i], p.pix[i+1], p.pix[i+2] = v, v, v
	}
}

// rgba is the picture as the encoders take it.
//
//go:norace
func (p *picture) rgba() *image.RGBA {
	out := image.NewRGBA(image.Rect(0, 0, p.w, p.h))
	for i, j := 0, 0; i < len(p.pix); i, j = i+3, j+4 {
		out.Pix[j], out.Pix[j+1], out.Pix[j+2], out.Pix[j+3] = p.pix[i], p.pix[i+1], p.pix[i+2], 255
	}
	return out
}
