package ocr

import (
	"bytes"
	"image"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"testing"

	"flowbot/service"
)

// lesson is a cell and what stands in its middle; 10 is no digit.
type lesson struct {
	cell [glyphCellWide * glyphCellHigh]float32
	kind int
}

// strip is drawn print in 300 dpi, as light: 0 to 255.
type strip struct {
	w, h int
	pix  []float32
}

const stripPPM = 300 / 25.4

// wet lays a stroke that lets through a share of the light.
func (s *strip) wet(x0, y0, x1, y1, width float64, cover []bool) {
	r := width / 2
	dx, dy := x1-x0, y1-y0
	long := dx*dx + dy*dy
	for y := max(0, int(min(y0, y1)-r)); y <= min(s.h-1, int(max(y0, y1)+r+1)); y++ {
		for x := max(0, int(min(x0, x1)-r)); x <= min(s.w-1, int(max(x0, x1)+r+1)); x++ {
			px, py := float64(x)-x0, float64(y)-y0
			t := 0.0
			if long > 0 {
				t = min(max((px*dx+py*dy)/long, 0), 1)
			}
			if math.Hypot(px-t*dx, py-t*dy) <= r {
				cover[y*s.w+x] = true
			}
		}
	}
}

func (s *strip) dye(cover []bool, through float32) {
	for i, c := range cover {
		if c {
			s.pix[i] *= through
		}
	}
}

// soil lays what offices lay over numbers: stamps, signatures, strokes, streaks,
// smudges.
func (s *strip) soil(r *rand.Rand) {
	cover := make([]bool, len(s.pix))
	w, h := float64(s.w), float64(s.h)
	mm := func(a, b float64) float64 { return (a + (b-a)*r.Float64()) * stripPPM }
	through := float32(.25 + .55*r.Float64())
	switch r.IntN(8) {
	case 0, 1: // a stamp's rings and letters
		cx, cy := w*(1.6*r.Float64()-.3), h/2+mm(-20, 20)
		for range 1 + r.IntN(4) {
			radius, width := mm(3, 21), mm(.25, 1)
			for y := range s.h {
				for x := range s.w {
					if math.Abs(math.Hypot(float64(x)-cx, float64(y)-cy)-radius) <= width/2 {
						cover[y*s.w+x] = true
					}
				}
			}
		}
		for range 40 + r.IntN(60) {
			a, d := 2*math.Pi*r.Float64(), mm(12, 18)
			x, y := cx+d*math.Cos(a), cy+d*math.Sin(a)
			s.wet(x, y, x+mm(-2.5, 2.5), y+mm(-2.5, 2.5), mm(.2, .5), cover)
		}
	case 2, 3: // a signature of straight strokes
		x, y := w*(1.4*r.Float64()-.4), h*r.Float64()
		width, step, high := mm(.25, .6), mm(.4, 2), mm(2, 7)
		for range 10 + r.IntN(25) {
			nx, ny := x+step+mm(-1, 1), h*.5+(r.Float64()-.5)*2*high
			s.wet(x, y, nx, ny, width, cover)
			x, y = nx, ny
		}
	case 4: // a signature of loops
		x0, y0, a, b := w*r.Float64(), h/2+mm(-2, 2), mm(1, 4), mm(1, 4)
		width, pace, turn := mm(.25, .6), mm(.2, 1.2), .3+.5*r.Float64()
		px, py := x0, y0
		for k := range 80 {
			x, y := x0+pace*float64(k)*.3+a*math.Cos(turn*float64(k)), y0+b*math.Sin(turn*float64(k)+.5)
			if k > 0 {
				s.wet(px, py, x, y, width, cover)
			}
			px, py = x, y
		}
	case 5: // a few free strokes
		for range 1 + r.IntN(6) {
			x, y := w*r.Float64(), h*r.Float64()
			s.wet(x, y, x+mm(-6, 6), y+mm(-4, 4), mm(.15, .9), cover)
		}
	case 6: // streaks along or across
		for range 1 + r.IntN(3) {
			at := r.Float64()
			if r.IntN(2) == 0 {
				s.wet(w*at, 0, w*at+mm(-.3, .3), h, mm(.08, .4), cover)
			} else {
				s.wet(0, h*at, w, h*at+mm(-.5, .5), mm(.08, .5), cover)
			}
		}
	case 7: // a smudge
		cx, cy, radius := w*r.Float64(), h*r.Float64(), mm(.5, 3)
		for y := range s.h {
			for x := range s.w {
				d := math.Hypot(float64(x)-cx, float64(y)-cy) / radius
				s.pix[y*s.w+x] *= 1 - (1-through)*float32(math.Exp(-d*d))
			}
		}
		return
	}
	s.dye(cover, through)
}

// drawnLine is a line of digits as a scanner sees it.
type drawnLine struct {
	g          *gray
	h          homography // of millimetres
	text       string
	at         []float64 // where each letter begins
	y, size    float64
	wide       float64
	paper, ink float32
}

// drawLine draws one line and scans it.
func drawLine(t *testing.T, r *rand.Rand, pens map[service.Face]*pen) *drawnLine {
	t.Helper()
	faces := []service.Face{service.FaceSerif, service.FaceSerif, service.FaceSerif, service.FaceSans, service.FaceSerifBold}
	face := faces[r.IntN(len(faces))]
	const points = 11
	p := pens[face]
	text := []byte("00-00-00000-000000-0")
	for i, c := range text {
		if c == '0' {
			text[i] = byte('0' + r.IntN(10))
		}
	}
	l := &drawnLine{text: string(text), size: points * service.PointMM, y: 5, wide: p.advance('0') / stripPPM}
	const left = 4.0
	s := &strip{w: 566, h: 94}
	s.pix = make([]float32, s.w*s.h)
	l.paper = float32(200 + 55*r.Float64())
	wave, fx, fy := float32(12*r.Float64()), .3+.5*r.Float64(), .3+.5*r.Float64()
	for y := range s.h {
		for x := range s.w {
			v := math.Sin(float64(x)*fx+2*math.Sin(float64(y)*.1)) * math.Sin(float64(y)*fy+2*math.Sin(float64(x)*.08))
			s.pix[y*s.w+x] = l.paper - wave*float32(max(0, v))
		}
	}
	full := float32(.5 + .5*r.Float64())
	black := l.paper * (.06 + .06*float32(r.Float64()))
	ink := p.draw(l.text, s.w, s.h, left*stripPPM, l.y*stripPPM)
	for i, v := range ink {
		s.pix[i] += (black - s.pix[i]) * full * v / 255
	}
	l.ink = l.paper - (l.paper-black)*full
	x := left
	for _, c := range l.text {
		l.at = append(l.at, x)
		x += p.advance(c) / stripPPM
	}
	if r.IntN(4) == 0 { // print of the back
		faint := float32(.04 + .14*r.Float64())
		dx, dy := r.IntN(s.w), r.IntN(s.h)
		for y := range s.h {
			for x := range s.w {
				s.pix[y*s.w+x] -= faint * ink[(y+dy)%s.h*s.w+(s.w-1-x+dx)%s.w]
			}
		}
	}
	if r.IntN(8) > 0 {
		for range 1 + r.IntN(3) {
			s.soil(r)
		}
	}
	l.scan(t, r, s)
	return l
}

// scan resamples the strip turned and blurred, adds grain, and squeezes it.
func (l *drawnLine) scan(t *testing.T, r *rand.Rand, s *strip) {
	t.Helper()
	dpi := []float64{300, 200, 200, 150, 150, 150}
	ppm := dpi[r.IntN(len(dpi))] / 25.4
	angle := (r.Float64() - .5) * .1
	shrink := stripPPM / ppm
	w, h := int(float64(s.w)/shrink), int((float64(s.h)+float64(s.w)*math.Abs(math.Sin(angle)))/shrink)
	cos, sin := math.Cos(angle), math.Sin(angle)
	at := func(x, y float64) float32 {
		x, y = min(max(x, 0), float64(s.w-2)), min(max(y, 0), float64(s.h-2))
		ix, iy := int(x), int(y)
		fx, fy := float32(x)-float32(ix), float32(y)-float32(iy)
		i := iy*s.w + ix
		return (s.pix[i]*(1-fx)+s.pix[i+1]*fx)*(1-fy) + (s.pix[i+s.w]*(1-fx)+s.pix[i+s.w+1]*fx)*fy
	}
	slope := float32(0)
	if r.IntN(3) == 0 {
		slope = float32(r.Float64() * .4)
	}
	blur, noise := .1+1.1*r.Float64(), 11*r.Float64()
	img := image.NewGray(image.Rect(0, 0, w, h))
	cx, cy, sx, sy := float64(w)/2, float64(h)/2, float64(s.w)/2, float64(s.h)/2
	light := make([]float32, w*h)
	for y := range h {
		for x := range w {
			sum := float32(0)
			for k := range 4 {
				u, v := (float64(x)+.25+.5*float64(k%2)-cx)*shrink, (float64(y)+.25+.5*float64(k/2)-cy)*shrink
				sum += at(u*cos+v*sin+sx, -u*sin+v*cos+sy)
			}
			light[y*w+x] = sum / 4 * (1 - slope*float32(x)/float32(w))
		}
	}
	light = softened(light, w, h, blur)
	for i, v := range light {
		img.Pix[i] = uint8(min(max(float64(v)+r.NormFloat64()*noise, 0), 255))
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 38 + r.IntN(50)}); err != nil {
		t.Fatal(err)
	}
	seen, err := jpeg.Decode(&b)
	if err != nil {
		t.Fatal(err)
	}
	back := seen.(*image.Gray)
	l.g = newGray(w, h)
	for y := range h {
		copy(l.g.pix[y*w:(y+1)*w], back.Pix[y*back.Stride:])
	}
	k := ppm
	l.h = homography{
		k * cos, -k * sin, cx + (-sx*cos+sy*sin)/shrink,
		k * sin, k * cos, cy + (-sx*sin-sy*cos)/shrink,
		0, 0, 1,
	}
	if ppm > 11 && r.IntN(2) == 0 { // as it is read at half its size
		l.g, l.h = l.g.shrunk(2), l.h.scaled(.5)
	}
	l.paper *= 1 - slope/2
	l.ink *= 1 - slope/2
}

// softened is a Gaussian blur.
func softened(in []float32, w, h int, sigma float64) []float32 {
	var k [7]float32
	sum := float32(0)
	for i := range k {
		k[i] = float32(math.Exp(-float64((i-3)*(i-3)) / 2 / sigma / sigma))
		sum += k[i]
	}
	for i := range k {
		k[i] /= sum
	}
	mid, out := make([]float32, len(in)), make([]float32, len(in))
	for y := range h {
		for x := range w {
			v := float32(0)
			for i, f := range k {
				v += f * in[y*w+min(max(x+i-3, 0), w-1)]
			}
			mid[y*w+x] = v
		}
	}
	for y := range h {
		for x := range w {
			v := float32(0)
			for i, f := range k {
				v += f * mid[min(max(y+i-3, 0), h-1)*w+x]
			}
			out[y*w+x] = v
		}
	}
	return out
}

// lessons cuts the cells of a line, and some beside its digits.
func (l *drawnLine) lessons(r *rand.Rand, out []lesson) []lesson {
	var cell [glyphCellWide * glyphCellHigh]float32
	offX, offY := r.NormFloat64()*.07, r.NormFloat64()*.07
	size := l.size * (1 + r.NormFloat64()*.015)
	for i, c := range []byte(l.text) {
		if c == '-' && r.IntN(3) > 0 {
			continue
		}
		kind := 10
		x, y := l.at[i]+offX+r.NormFloat64()*.06, l.y+offY+r.NormFloat64()*.06
		switch {
		case c != '-' && r.IntN(12) == 0: // half a letter aside, or off the line
			if r.IntN(2) == 0 {
				x += l.wide * (.4 + .2*r.Float64()) * float64(1-2*r.IntN(2))
			} else {
				y += l.size * (.3 + .5*r.Float64()) * float64(1-2*r.IntN(2))
			}
		case c != '-':
			kind = int(c - '0')
		}
		wide := l.wide
		if c == '-' {
			wide *= .66
		}
		contrast := (l.paper - l.ink) * float32(math.Exp(r.NormFloat64()*.12))
		paper := l.paper + float32(r.NormFloat64()*4)
		cellAt(&cell, l.g, &l.h, x, y, wide, size, paper, paper-contrast)
		out = append(out, lesson{cell, kind})
	}
	return out
}

func taughtPens(t *testing.T) map[service.Face]*pen {
	t.Helper()
	faces, err := newTypefaces()
	if err != nil {
		t.Fatal(err)
	}
	out := map[service.Face]*pen{}
	for f := range faces {
		if out[f], err = faces.pen(f, 11*service.PointMM*stripPPM); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// learnSights lets a net go on learning from so many drawn cells; from random
// weights if it has none. The same seed draws the same cells.
func learnSights(t *testing.T, weights []byte, seed uint64, cells int) []byte {
	t.Helper()
	const fresh = 2          // batches between two new lines
	room := min(8000, cells) // cells that are kept to learn from
	r := rand.New(rand.NewPCG(seed, 4))
	pens := taughtPens(t)
	p := newGlyphTeacher(r)
	if n, err := newGlyphNet(weights); err == nil {
		p.net = n
	}
	var seen []lesson
	for len(seen) < room {
		seen = drawLine(t, r, pens).lessons(r, seen)
	}
	for k := 0; k < cells; k += teachBatch {
		if k/teachBatch%fresh == 0 {
			for _, l := range drawLine(t, r, pens).lessons(r, nil) {
				seen[r.IntN(len(seen))] = l
			}
		}
		for range teachBatch {
			l := &seen[r.IntN(len(seen))]
			p.learn(&l.cell, l.kind)
		}
		p.apply(teachRate(k, cells), teachBatch)
	}
	return p.packed(t)
}

// sightsJudged is how well the cells of drawn lines are read.
type sightsJudged struct{ cells, right, sure, wrong int }

func judgeSights(t *testing.T, weights []byte, lines int) sightsJudged {
	t.Helper()
	n, err := newGlyphNet(weights)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(2, 9))
	pens := taughtPens(t)
	var s glyphState
	var out sightsJudged
	for range lines {
		for _, l := range drawLine(t, r, pens).lessons(r, nil) {
			n.read(&l.cell, &s)
			best := 0
			for i, v := range s.out {
				if v > s.out[best] {
					best = i
				}
			}
			out.cells++
			if best == l.kind {
				out.right++
			}
			if best < 10 && math.Exp(float64(s.out[best])) >= sightPlain {
				out.sure++
				if best != l.kind {
					out.wrong++
				}
			}
		}
	}
	return out
}

// TestDigitsUnderInkAreRead draws lines of the project's faces under stamps,
// signatures, streaks and smudges, and lets the nets read them.
func TestDigitsUnderInkAreRead(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		weights *[]byte
		seed    uint64
	}{{"number.net", &sightWeights, 1}, {"twin.net", &twinWeights, 7}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			weights := *tt.weights
			if *teach == tt.name {
				start := weights
				if !*goOn {
					start = nil
				}
				weights = learnSights(t, start, tt.seed, *cells)
				writeNet(t, tt.name, weights)
			}
			got := judgeSights(t, weights, 20)
			t.Logf("%+v", got)
			if got.right < got.cells*97/100 || got.sure < got.cells*3/4 || got.wrong > 1 {
				t.Errorf("of %d cells %d are right, %d sure, %d of them wrong", got.cells, got.right, got.sure, got.wrong)
			}
		})
	}
}
