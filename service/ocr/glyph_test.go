package ocr

import (
	"bytes"
	"image"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"

	"flowbot/service"
)

// glyph is a drawn digit, or a mark that is none, at a height that is larger than
// a cell needs.
type glyph struct {
	w, h int // h is drawnHigh
	pix  []uint8
}

const drawnHigh = 64 // rows of a drawn digit

// glyphsOf draws the digits of a face, and marks after them.
func glyphsOf(t *testing.T, f *sfnt.Font) []glyph {
	t.Helper()
	probe, err := opentype.NewFace(f, &opentype.FaceOptions{Size: 1000, DPI: 72})
	if err != nil {
		t.Fatal(err)
	}
	b, _, ok := probe.GlyphBounds('8')
	if !ok || b.Max.Y <= b.Min.Y {
		return nil
	}
	size := 1000 * drawnHigh / (float64(b.Max.Y-b.Min.Y) / 64)
	face, err := opentype.NewFace(f, &opentype.FaceOptions{Size: size, DPI: 72})
	if err != nil {
		t.Fatal(err)
	}
	var out []glyph
	for _, c := range "0123456789-/ABIM" {
		b, _, ok := face.GlyphBounds(c)
		if !ok {
			return nil
		}
		w := (b.Max.X - b.Min.X).Ceil() + 2
		m := image.NewAlpha(image.Rect(0, 0, w, drawnHigh))
		d := font.Drawer{Dst: m, Src: image.Opaque, Face: face, Dot: fixed.Point26_6{X: fixed.I(1) - b.Min.X, Y: fixed.I(drawnHigh)}}
		d.DrawString(string(c))
		out = append(out, glyph{w, drawnHigh, m.Pix})
	}
	return out
}

// facesIn draws the glyphs of all faces of a directory.
func facesIn(t *testing.T, dir string) [][]glyph {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.[ot]tf"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no faces in %s: %v", dir, err)
	}
	var out [][]glyph
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		f, err := opentype.Parse(data)
		if err != nil {
			t.Fatal(name, err)
		}
		if glyphs := glyphsOf(t, f); glyphs != nil {
			out = append(out, glyphs)
		}
	}
	return out
}

// strokesOf are shapes of digits that few faces have: a 3 with a flat top, an open
// 4, a 7 with a bar. Each line is x, y from the digit's middle, in its heights.
var strokesOf = map[int][][][2]float64{
	3: {{{-.24, -.46}, {.2, -.46}, {-.03, -.12}, {.1, -.1}, {.22, 0}, {.25, .16}, {.2, .33}, {.05, .45}, {-.12, .46}, {-.26, .4}}},
	4: {{{-.12, -.46}, {-.26, .18}, {.26, .18}}, {{.1, -.1}, {.1, .46}}},
	7: {{{-.24, -.46}, {.24, -.46}, {-.08, .46}}, {{-.14, .02}, {.2, .02}}},
}

// bent moves the points of lines a little.
func (s *glyphSampler) bent(lines [][][2]float64) [][][2]float64 {
	out := make([][][2]float64, len(lines))
	for i, line := range lines {
		for _, p := range line {
			out[i] = append(out[i], [2]float64{p[0] + s.uniform(-.04, .04), p[1] + s.uniform(-.03, .03)})
		}
	}
	return out
}

// stroked draws lines of a thickness, in heights of a digit.
func stroked(lines [][][2]float64, thick float64) glyph {
	g := glyph{drawnHigh * 3 / 4, drawnHigh, make([]uint8, drawnHigh*drawnHigh*3/4)}
	for y := range g.h {
		for x := range g.w {
			px, py := (float64(x)+.5-float64(g.w)/2)/drawnHigh, (float64(y)+.5)/drawnHigh-.5
			least := 1.0
			for _, line := range lines {
				for i, to := range line[1:] {
					from := line[i]
					dx, dy := to[0]-from[0], to[1]-from[1]
					f := ((px-from[0])*dx + (py-from[1])*dy) / (dx*dx + dy*dy)
					f = math.Max(0, math.Min(1, f))
					least = math.Min(least, math.Hypot(px-from[0]-f*dx, py-from[1]-f*dy))
				}
			}
			g.pix[y*g.w+x] = uint8(255 * math.Max(0, math.Min(1, (thick/2-least)*drawnHigh+.5)))
		}
	}
	return g
}

// glyphSampler draws cells as bad scans have them.
type glyphSampler struct {
	r     *rand.Rand
	faces [][]glyph
	wide  [48 * 56]float32 // a cell with room around, for blur
}

const (
	glyphRoomX, glyphRoomY = 16, 16 // pixels around a cell
	glyphRoomW, glyphRoomH = glyphCellWide + 2*glyphRoomX, glyphCellHigh + 2*glyphRoomY
)

func (s *glyphSampler) uniform(from, to float64) float64 { return from + (to-from)*s.r.Float64() }

// lay lays a glyph over the cell, its middle at x, y.
func (s *glyphSampler) lay(g glyph, x, y, sx, sy, turn, slant float64) {
	cos, sin := math.Cos(turn), math.Sin(turn)
	for j := range glyphRoomH {
		for i := range glyphRoomW {
			sum := 0.0
			for k := range 4 { // four looks into each pixel
				dx := float64(i) + .25 + .5*float64(k%2) - x - glyphRoomX
				dy := float64(j) + .25 + .5*float64(k/2) - y - glyphRoomY
				u, v := dx*cos+dy*sin, -dx*sin+dy*cos
				u += slant * v
				gx, gy := int(u*drawnHigh/glyphCapital/sx+float64(g.w)/2), int(v*drawnHigh/glyphCapital/sy+float64(g.h)/2)
				if gx >= 0 && gy >= 0 && gx < g.w && gy < g.h {
					sum += float64(g.pix[gy*g.w+gx])
				}
			}
			s.wide[j*glyphRoomW+i] = max(s.wide[j*glyphRoomW+i], float32(sum/1020))
		}
	}
}

// stroke lays a line through the cell.
func (s *glyphSampler) stroke(cover float64) {
	a := s.uniform(0, math.Pi)
	nx, ny := math.Cos(a), math.Sin(a)
	off, width := s.uniform(-9, 9), s.uniform(.6, 2.6)
	for j := range glyphRoomH {
		for i := range glyphRoomW {
			d := math.Abs((float64(i)-glyphRoomW/2)*nx + (float64(j)-glyphRoomH/2)*ny - off)
			if d < width/2+.5 {
				p := &s.wide[j*glyphRoomW+i]
				*p = 1 - (1-*p)*float32(1-cover*min(1, width/2+.5-d))
			}
		}
	}
}

// blur softens by sigma pixels across and down.
func (s *glyphSampler) blur(sx, sy float64) {
	row := make([]float32, max(glyphRoomW, glyphRoomH))
	soften := func(sigma float64, at, step, n int) {
		times := max(1, int(math.Ceil(sigma*sigma/.4)))
		a := float32(sigma * sigma / float64(times) / 2)
		for range times {
			for i := range n {
				row[i] = s.wide[at+i*step]
			}
			for i := range n {
				s.wide[at+i*step] = row[i]*(1-2*a) + a*(row[max(i-1, 0)]+row[min(i+1, n-1)])
			}
		}
	}
	for y := range glyphRoomH {
		soften(sx, y*glyphRoomW, 1, glyphRoomW)
	}
	for x := range glyphRoomW {
		soften(sy, x, glyphRoomW, glyphRoomH)
	}
}

// draw makes one cell and tells what is in it: a digit, or 10 for none.
func (s *glyphSampler) draw(faces [][]glyph, cell *[glyphCellWide * glyphCellHigh]float32) int {
	clear(s.wide[:])
	face := faces[s.r.IntN(len(faces))]
	class := s.r.IntN(10)
	if s.r.Float64() < .12 {
		class = 10
	}
	sy, sx := s.uniform(.84, 1.18), s.uniform(.84, 1.18)
	sx *= sy
	turn, slant := s.uniform(-.05, .05), s.uniform(-.08, .08)
	x, y := glyphCellWide/2+s.uniform(-1.9, 1.9), glyphCellHigh/2+s.uniform(-1.7, 1.7)
	pitch := float64(face[8].w) * glyphCapital / drawnHigh * sx * s.uniform(1.02, 3.2)
	kind := s.r.IntN(4)
	switch {
	case class < 10:
		one := face[class]
		if lines := strokesOf[class]; lines != nil && s.r.Float64() < .3 {
			one = stroked(s.bent(lines), s.uniform(.07, .2))
		}
		s.lay(one, x, y, sx, sy, turn, slant)
	case kind == 0 && len(face) > 10:
		s.lay(face[10+s.r.IntN(len(face)-10)], x, y, sx, sy, turn, slant)
	case kind == 1: // half of one digit and of another
		x += pitch / 2
	case kind == 2: // bars
		for i := s.uniform(0, 4); i < glyphRoomW; i += s.uniform(2, 9) {
			s.lay(glyph{10, drawnHigh, bytes.Repeat([]byte{255}, 10*drawnHigh)}, i-glyphRoomX, y, s.uniform(.5, 1.8), 2, 0, 0)
		}
	}
	if class < 10 || kind == 1 {
		for _, side := range []float64{-1, 1} {
			if s.r.Float64() < .9 {
				s.lay(face[s.r.IntN(10)], x+side*pitch+s.uniform(-.7, .7), y+s.uniform(-.5, .5), sx, sy, turn, slant)
			}
		}
	}
	cover := s.uniform(.35, .9)
	if s.r.Float64() < .22 {
		s.stroke(cover)
	}
	blur := s.uniform(.3, 2.3)
	s.blur(blur*s.uniform(.8, 1.2), blur*s.uniform(.8, 1.2))
	paper, ink := s.uniform(120, 245), s.uniform(40, 150)
	if s.r.Float64() < .3 {
		ink = s.uniform(22, 60)
	}
	grain, wave := s.uniform(0, .09)*ink, s.uniform(0, .16)*ink
	fx, fy, px, py := s.uniform(.15, .9), s.uniform(.15, .9), s.uniform(0, 6), s.uniform(0, 6)
	slope, lean := s.uniform(-.25, .25)*ink/glyphCellWide, s.uniform(-.25, .25)*ink/glyphCellHigh
	last := 0.0
	for j := range glyphCellHigh {
		for i := range glyphCellWide {
			last = .4*last + s.r.NormFloat64()*grain
			v := float64(s.wide[(j+glyphRoomY)*glyphRoomW+i+glyphRoomX])
			light := paper - ink*v + last + slope*float64(i) + lean*float64(j) -
				wave*math.Max(0, math.Sin(fx*float64(i)+px)*math.Sin(fy*float64(j)+py))
			cell[j*glyphCellWide+i] = float32(light)
		}
	}
	inkOverPaper(cell)
	return class
}

// TestDigitsOfUnknownFacesAreRead draws digits of faces that the net has never
// learned from, as badly as scans have them.
func TestDigitsOfUnknownFacesAreRead(t *testing.T) {
	t.Parallel()
	own, err := newTypefaces()
	if err != nil {
		t.Fatal(err)
	}
	var unknown [][]glyph
	for _, face := range []service.Face{service.FaceSans, service.FaceSerif, service.FaceSerifBold} {
		unknown = append(unknown, glyphsOf(t, own[face]))
	}
	weights := glyphWeights
	if *teach == "glyph.net" {
		weights = learnGlyphs(t, *cells)
		writeNet(t, *teach, weights)
	}
	net, err := newGlyphNet(weights)
	if err != nil {
		t.Fatal(err)
	}
	got := judgeGlyphs(net, unknown)
	t.Logf("%+v", got)
	if got.sure < got.digits*3/4 || got.wrong > got.digits/100 || got.ghosts > 20 {
		t.Errorf("of %d digits %d are sure, %d of them wrong, and %d of what is none", got.digits, got.sure, got.wrong, got.ghosts)
	}
}

// learnGlyphs teaches a net from nothing, from so many cells of the faces in the
// directory that -faces names.
func learnGlyphs(t *testing.T, cells int) []byte {
	t.Helper()
	s := &glyphSampler{r: rand.New(rand.NewPCG(1, 2)), faces: facesIn(t, *facesDir)}
	teacher := newGlyphTeacher(s.r)
	var cell [glyphCellWide * glyphCellHigh]float32
	for k := 0; k < cells; k += teachBatch {
		for range teachBatch {
			class := s.draw(s.faces, &cell)
			teacher.learn(&cell, class)
		}
		teacher.apply(teachRate(k, cells), teachBatch)
	}
	return teacher.packed(t)
}

// glyphsJudged is how well digits are read.
type glyphsJudged struct{ digits, right, sure, wrong, ghosts int }

func judgeGlyphs(n *glyphNet, faces [][]glyph) glyphsJudged {
	s := &glyphSampler{r: rand.New(rand.NewPCG(3, 4))}
	var cell [glyphCellWide * glyphCellHigh]float32
	var state glyphState
	var out glyphsJudged
	for range 4000 {
		class := s.draw(faces, &cell)
		n.read(&cell, &state)
		best := 0
		for i, v := range state.out {
			if v > state.out[best] {
				best = i
			}
		}
		sure := best < 10 && state.out[best] > -.05
		if class == 10 {
			if sure {
				out.ghosts++
			}
			continue
		}
		out.digits++
		if best == class {
			out.right++
		}
		if sure {
			out.sure++
			if best != class {
				out.wrong++
			}
		}
	}
	return out
}
