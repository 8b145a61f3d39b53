// Package drawn draws scans of certificates that never were: blanks of invented
// numbers, printed by the project's own printer, stamped, signed, and then
// scanned or photographed as badly as offices do. Tests, benchmarks and the demo
// live on it; no real person's paper is needed.
package drawn

import (
	"fmt"
	"image"
	"math"
	"math/rand/v2"

	"golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"

	"flowbot/service"
	"flowbot/templates"
)

// dpi is the resolution in which sheets are drawn, before they are scanned.
const dpi = 300

// ppm is dpi in pixels a millimetre.
const ppm = dpi / 25.4

// pixels is a length in millimetres in pixels.
func pixels(mm float64) int { return int(mm * ppm) }

// The colours of the first house's blank. Source: a picture of one in a public
// manual, seen on a screen.
var (
	violet  = ink{104, 62, 140}
	lilac   = ink{176, 140, 196}
	pink    = ink{244, 222, 230}
	green   = ink{226, 238, 214}
	reddish = ink{190, 24, 60}
	caption = ink{96, 70, 100}
	gold    = ink{206, 164, 62}
)

// Blank draws the blanks of one printing house. It is safe for concurrent use.
type Blank struct {
	profile service.BlankProfile
	art     *picture // everything but the number
	faces   map[service.Face]*opentype.Font
}

// NewBlank draws the art that all blanks of the profile share.
func NewBlank(p service.BlankProfile) (*Blank, error) {
	b := &Blank{profile: p, faces: make(map[service.Face]*opentype.Font)}
	for face, file := range map[service.Face]string{
		service.FaceSerif: templates.FontSerif, service.FaceSerifBold: templates.FontSerifBold, service.FaceSans: templates.FontSans,
	} {
		data, err := templates.Font(file)
		if err != nil {
			return nil, err
		}
		if b.faces[face], err = opentype.Parse(data); err != nil {
			return nil, fmt.Errorf("parse font %s: %w", file, err)
		}
	}
	b.art = newPicture(pixels(p.Sheet.Width), pixels(p.Sheet.Height), 255, 255, 255)
	b.ground()
	b.border()
	b.emblem()
	for _, l := range p.Lines {
		b.art.bar(l.X*ppm, (l.Y-.12)*ppm, (l.X+l.Width)*ppm, (l.Y+.12)*ppm, caption)
	}
	for _, c := range p.Captions {
		if err := b.text(b.art, c.Text, c.Face, c.Size, c.X, c.Y, c.Width, c.Align, caption); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// ground fills the blank with the fine waves of a security print.
//
//go:norace
func (b *Blank) ground() {
	p := b.art
	for y := range p.h {
		my := float64(y) / ppm
		for x := range p.w {
			mx := float64(x) / ppm
			// Pink at the edges, green in the middle.
			t := math.Abs(mx/b.profile.Sheet.Width-.5) * 2
			base := ink{green.r + (pink.r-green.r)*t, green.g + (pink.g-green.g)*t, green.b + (pink.b-green.b)*t}
			wave := math.Sin(2*math.Pi*(my/1.1+.35*math.Sin(mx*1.3))) * math.Sin(2*math.Pi*(mx/1.3+.3*math.Sin(my*.9)))
			i := 3 * (y*p.w + x)
			dark := 15 * math.Max(0, wave)
			p.pix[i], p.pix[i+1], p.pix[i+2] = uint8(base.r-dark), uint8(base.g-dark*.8), uint8(base.b-dark*.6)
		}
	}
}

// border draws the ornamental band around the blank, between two fine lines.
//
//go:norace
func (b *Blank) border() {
	f, ok := b.profile.Region(service.RegionFrame)
	inner, has := b.profile.Region(service.RegionInnerFrame)
	if !ok || !has {
		return
	}
	p := b.art
	band := inner.X - f.X
	for y := range p.h {
		for x := range p.w {
			mx, my := float64(x)/ppm, float64(y)/ppm
			inset := math.Min(math.Min(mx-f.X, f.X+f.Width-mx), math.Min(my-f.Y, f.Y+f.Height-my))
			switch {
			case inset < 0: // the paper's edge is white
				i := 3 * (y*p.w + x)
				p.pix[i], p.pix[i+1], p.pix[i+2] = 252, 251, 252
			case inset < band:
				along := mx
				if math.Min(mx-f.X, f.X+f.Width-mx) < math.Min(my-f.Y, f.Y+f.Height-my) {
					along = my
				}
				v := math.Sin(along*1.15)*math.Sin(inset*1.4) + .6*math.Sin(along*2.3+inset*2)
				p.lay(x, y, lilac, .55+.25*v)
				if math.Abs(v) < .12 {
					p.lay(x, y, violet, .8)
				}
			}
		}
	}
	for _, in := range []float64{0, band} {
		x0, y0, x1, y1 := (f.X+in)*ppm, (f.Y+in)*ppm, (f.X+f.Width-in)*ppm, (f.Y+f.Height-in)*ppm
		w := .35 * ppm
		p.bar(x0-w/2, y0-w/2, x1+w/2, y0+w/2, violet)
		p.bar(x0-w/2, y1-w/2, x1+w/2, y1+w/2, violet)
		p.bar(x0-w/2, y0-w/2, x0+w/2, y1+w/2, violet)
		p.bar(x1-w/2, y0-w/2, x1+w/2, y1+w/2, violet)
	}
}

// emblem draws a disc where a coat of arms would stand.
func (b *Blank) emblem() {
	x, y := b.profile.Sheet.Width*.27*ppm, 29*ppm
	b.art.ring(x, y, 11*ppm, 1.2*ppm, violet, 1)
	for r := 1.0; r < 9; r += 1.6 {
		b.art.ring(x, y, r*ppm, .8*ppm, gold, .8)
	}
}

// text draws one line; all lengths but the type's size are millimetres.
//
//go:norace
func (b *Blank) text(p *picture, words string, face service.Face, size, x, y, width float64, align service.Align, c ink) error {
	f, err := opentype.NewFace(b.faces[face], &opentype.FaceOptions{Size: size, DPI: dpi, Hinting: font.HintingNone})
	if err != nil {
		return fmt.Errorf("open face: %w", err)
	}
	long := float64(font.MeasureString(f, words)) / 64
	left := x * ppm
	switch align {
	case service.AlignCenter:
		left += (width*ppm - long) / 2
	case service.AlignRight:
		left += width*ppm - long
	case service.AlignLeft:
	}
	high := int(size * 2 * dpi / 72)
	x0, y0 := int(left)-2, int(y*ppm)-high
	mask := image.NewAlpha(image.Rect(0, 0, int(long)+6, high*3/2))
	d := font.Drawer{
		Dst: mask, Src: image.Opaque, Face: f,
		Dot: fixed.Point26_6{X: fixed.Int26_6((left - float64(x0)) * 64), Y: fixed.Int26_6((y*ppm - float64(y0)) * 64)},
	}
	d.DrawString(words)
	for j := range mask.Rect.Dy() {
		for i := range mask.Rect.Dx() {
			if a := mask.Pix[j*mask.Stride+i]; a > 0 {
				p.lay(x0+i, y0+j, c, float64(a)/255)
			}
		}
	}
	return nil
}

// Sheet is one certificate on its blank, before anybody has scanned it.
type Sheet struct {
	blank *Blank
	pic   *picture
	veil  *picture // what stamps and signatures let through, over white
}

// dyed lays dyes over the sheet. Ink of stamps and pens is a dye: it takes light
// away and gives none, so that toner under it stays black.
func (s *Sheet) dyed(lay func(p *picture)) {
	if s.veil == nil {
		s.veil = newPicture(s.pic.w, s.pic.h, 255, 255, 255)
	}
	for _, p := range []*picture{s.pic, s.veil} {
		p.dye = true
		lay(p)
		p.dye = false
	}
}

// hiddenFrom is the share of a box that must lie under dark dye for nobody to read
// what it holds.
const hiddenFrom = .5

// Hidden tells whether stamps and signatures hide what stands in a box: whether
// over half of it lies under dyes that take more than half of the light.
//
//go:norace
func (s *Sheet) Hidden(b service.Box) bool {
	if s.veil == nil {
		return false
	}
	dark, all := 0, 0
	for y := max(0, pixels(b.Y)); y < min(s.veil.h, pixels(b.Y+b.Height)); y++ {
		for x := max(0, pixels(b.X)); x < min(s.veil.w, pixels(b.X+b.Width)); x++ {
			i := 3 * (y*s.veil.w + x)
			light := (299*int(s.veil.pix[i]) + 587*int(s.veil.pix[i+1]) + 114*int(s.veil.pix[i+2])) / 1000
			if all++; light < 128 {
				dark++
			}
		}
	}
	return float64(dark) >= hiddenFrom*float64(max(all, 1))
}

// Cells are the boxes of a printed line's digits, that is off its place by so many
// millimetres, each as high as a capital.
func (b *Blank) Cells(line service.PrintedLine, right, down float64) ([]service.Box, error) {
	f, err := opentype.NewFace(b.faces[line.Face], &opentype.FaceOptions{Size: line.Points, DPI: dpi, Hinting: font.HintingNone})
	if err != nil {
		return nil, fmt.Errorf("open face: %w", err)
	}
	var out []service.Box
	high := line.Points * service.PointMM * .7
	x := line.X + right
	for _, c := range line.Text {
		a, _ := f.GlyphAdvance(c)
		long := float64(a) / 64 / ppm
		if c >= '0' && c <= '9' {
			out = append(out, service.Box{X: x, Y: line.Y + down - high, Width: long, Height: high})
		}
		x += long
	}
	return out, nil
}

// Mark is what tells one blank from another.
type Mark struct {
	Series string // "" for none
	Number string
	Coded  string // what the bar code says; on a blank of any house the number
	Code   Symbology
	Face   service.Face // of the digits
}

// Numbered draws the blank with its series, its number and the bar code of the
// number.
func (b *Blank) Numbered(series, number string, code Symbology) (*Sheet, error) {
	return b.Marked(Mark{series, number, number, code, service.FaceSans})
}

// Marked draws the blank with its mark.
func (b *Blank) Marked(m Mark) (*Sheet, error) {
	s := &Sheet{blank: b, pic: b.art.clone()}
	if box, ok := b.profile.Region(service.RegionBarCode); ok {
		widths, err := m.Code.Bars(m.Coded)
		if err != nil {
			return nil, err
		}
		total := 0
		for _, w := range widths {
			total += w
		}
		const quiet = 2.5 // mm on either side
		module := (box.Width - 2*quiet) / float64(total)
		x := box.X + quiet
		for i, w := range widths {
			next := x + float64(w)*module
			if i%2 == 0 {
				s.pic.bar(x*ppm, (box.Y+.5)*ppm, next*ppm, (box.Y+box.Height-.5)*ppm, reddish)
			}
			x = next
		}
	}
	if box, ok := b.profile.Region(service.RegionBlankNumber); ok {
		if err := s.digits(m.Number, m.Face, box); err != nil {
			return nil, err
		}
	}
	if box, ok := b.profile.Region(service.RegionBlankSeries); ok && m.Series != "" {
		if err := s.digits(m.Series, m.Face, box); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// digits spreads a text over a region, as the houses set their numbers.
func (s *Sheet) digits(text string, face service.Face, box service.Box) error {
	size := math.Min(box.Height*.62, 3.2) / service.PointMM / .7 // capitals fill that much of the region
	step := math.Min(box.Width/float64(len(text)+1), size*service.PointMM*1.9)
	x := box.X + (box.Width-step*float64(len(text)))/2
	base := box.Y + (box.Height+size*service.PointMM*.7)/2
	for i, c := range text {
		err := s.blank.text(s.pic, string(c), face, size, x+float64(i)*step, base, step, service.AlignCenter, reddish)
		if err != nil {
			return err
		}
	}
	return nil
}

// Print lays what was printed over the blank: the gray page, drawn in 300 dpi,
// with the blank's area at the profile's place, off by so many millimetres and
// faded to that share of black.
//
//go:norace
func (s *Sheet) Print(page *image.Gray, right, down, strength float64) {
	left := s.blank.profile.Sheet.X - right
	top := s.blank.profile.Sheet.Y - down
	for y := range s.pic.h {
		py := int(float64(y) + top*ppm)
		if py < 0 || py >= page.Rect.Dy() {
			continue
		}
		for x := range s.pic.w {
			px := int(float64(x) + left*ppm)
			if px < 0 || px >= page.Rect.Dx() {
				continue
			}
			if v := page.Pix[py*page.Stride+px]; v < 255 {
				s.pic.lay(x, y, ink{24, 22, 26}, strength*float64(255-v)/255)
			}
		}
	}
}

// Stamp presses a round blue stamp onto the sheet, its middle at x, y in
// millimetres.
func (s *Sheet) Stamp(r *rand.Rand, x, y float64) {
	blue := ink{58, 78, 170}
	cover := .55 + .35*r.Float64()
	cx, cy := x*ppm, y*ppm
	type mark struct{ x0, y0, x1, y1 float64 }
	var letters []mark // between the rings, as strokes: nobody reads them
	turn := r.Float64() * 2 * math.Pi
	for i := range 44 {
		a := turn + float64(i)*2*math.Pi/44
		for k := range 3 {
			d := (13.6 + 3.6*r.Float64()) * ppm
			e := (13.6 + 3.6*r.Float64()) * ppm
			b := a + .03*float64(k)
			letters = append(letters, mark{cx + d*math.Cos(a), cy + d*math.Sin(a), cx + e*math.Cos(b), cy + e*math.Sin(b)})
		}
	}
	s.dyed(func(p *picture) {
		for _, ring := range []struct{ radius, width float64 }{{19.5, .5}, {18.3, .9}, {12.4, .4}, {4.5, .5}} {
			p.ring(cx, cy, ring.radius*ppm, ring.width*ppm, blue, cover)
		}
		for _, m := range letters {
			p.stroke(m.x0, m.y0, m.x1, m.y1, .35*ppm, blue, cover)
		}
	})
}

// Sign writes an unreadable signature, its middle at x, y in millimetres.
func (s *Sheet) Sign(r *rand.Rand, x, y float64) {
	pen := ink{36, 42, 120}
	spots := []corner{{(x - 14) * ppm, (y + 2*r.Float64()) * ppm}}
	for i := range 26 {
		nx := x - 14 + float64(i)*1.1 + 1.6*(r.Float64()-.5)
		ny := y + 5*(r.Float64()-.5)
		if i%5 == 0 {
			ny = y - 6*r.Float64()
		}
		spots = append(spots, corner{nx * ppm, ny * ppm})
	}
	s.dyed(func(p *picture) {
		for i, to := range spots[1:] {
			p.stroke(spots[i].x, spots[i].y, to.x, to.y, .45*ppm, pen, .85)
		}
	})
}

// Blot hides a region under ink, so that nobody can read it.
func (s *Sheet) Blot(r *rand.Rand, box service.Box) {
	for range 60 {
		x, y := box.X+box.Width*r.Float64(), box.Y+box.Height*(.2+.6*r.Float64())
		s.pic.stroke(x*ppm, y*ppm, (x+4)*ppm, (y+r.Float64()-.5)*ppm, 1.6*ppm, ink{20, 20, 30}, .95)
	}
}

// Smudge lays a blot of ink on a digit, so that nothing of it is seen.
func (s *Sheet) Smudge(r *rand.Rand, cell service.Box) {
	black := ink{20, 20, 30}
	const over = .3 // mm beyond the digit
	s.pic.bar((cell.X-over)*ppm, (cell.Y-over)*ppm, (cell.X+cell.Width+over)*ppm, (cell.Y+cell.Height+over)*ppm, black)
	for range 6 {
		x, y := cell.X+cell.Width*r.Float64(), cell.Y+cell.Height*r.Float64()
		s.pic.stroke(x*ppm, y*ppm, (x+r.Float64()-.5)*ppm, (y+2*r.Float64()-1)*ppm, ppm, black, 1)
	}
}
