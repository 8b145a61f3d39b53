package drawn

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"strings"

	"flowbot/service"
)

// Range is a uniform range of a random number.
type Range struct{ From, To float64 }

func (g Range) draw(r *rand.Rand) float64 { return g.From + (g.To-g.From)*r.Float64() }

// around is from -v to v.
func around(v float64) Range { return Range{-v, v} }

// Severity is how badly sheets are printed, handled and scanned. Shares are
// probabilities. Source of the ranges of the four below: the project's
// measurements of recognition, "Severities used".
type Severity struct {
	Name          string
	Phone         bool    // photographed, not scanned
	DPI           []int   // one of them, the first with the share of the best
	Best          float64 // share of the first of DPI
	Gray          float64 // share of pages without colour
	Skew          Range   // degrees
	Perspective   float64 // corners are off by so much of the sheet's edges
	Misprint      Range   // mm, across and down
	Quality       [2]int  // of the JPEG
	Noise         Range   // sigma of 255
	Blur          Range   // sigma in pixels
	Motion        float64 // share of photos blurred by a moving hand
	Upside        float64 // share turned by 180 degrees
	Sideways      float64 // share turned by 90 or 270 degrees
	StampNumber   float64 // share with a stamp over the registration number
	StampName     float64 // share with a stamp over the name
	SignNumber    float64 // share with a signature over the number
	Streaks       float64
	Bleed         float64 // share with print seen through from the back
	Faded         Range   // ink in shares of black
	Slope, Shadow Range   // of the light, in shares
	Blotted       float64 // share whose number nobody can read
	Bilevel       Range   // light from which a pixel is white, the others black; zero: they are gray or coloured
}

// The severities.
var (
	Clean = Severity{
		Name: "clean", DPI: []int{300}, Best: 1, Gray: .3, Skew: around(.4), Misprint: around(.7), Quality: [2]int{80, 90},
		Noise: Range{0, 2}, Blur: Range{0, .3}, Faded: Range{1, 1},
	}
	Office = Severity{
		Name: "office", DPI: []int{300, 200}, Best: .55, Gray: .5, Skew: around(1.5), Misprint: around(2), Quality: [2]int{55, 85},
		Noise: Range{1, 5}, Blur: Range{0, .6}, Upside: .12, Sideways: .06, StampNumber: .15, StampName: .15, SignNumber: .1,
		Streaks: .15, Bleed: .25, Faded: Range{.8, 1}, Blotted: .03,
	}
	Hard = Severity{
		Name: "hard", DPI: []int{300, 200, 200, 150}, Best: .3, Gray: .6, Skew: around(3), Misprint: around(2), Quality: [2]int{40, 65},
		Noise: Range{4, 11}, Blur: Range{.3, 1.1}, Upside: .2, Sideways: .15, StampNumber: .45, StampName: .3, SignNumber: .25,
		Streaks: .5, Bleed: .6, Faded: Range{.55, 1}, Blotted: .07,
	}
	Phone = Severity{
		Name: "phone", Phone: true, DPI: []int{0}, Best: 1, Perspective: .035, Misprint: around(2), Quality: [2]int{65, 88},
		Noise: Range{2, 7}, Blur: Range{.3, 1.6}, Motion: .3, Upside: .05, Sideways: .25, StampNumber: .15, StampName: .15, SignNumber: .1,
		Bleed: .2, Faded: Range{.75, 1}, Slope: Range{.1, .35}, Shadow: Range{.1, .45}, Blotted: .03,
	}
	Severities = []Severity{Clean, Office, Hard, Phone}

	// Bilevel is the setting of office scanners for text: black or white.
	Bilevel = Severity{
		Name: "bilevel", DPI: []int{300, 200}, Best: .7, Gray: 1, Skew: around(1.5), Misprint: around(2), Quality: [2]int{85, 92},
		Noise: Range{1, 5}, Blur: Range{0, .6}, Upside: .12, Sideways: .06, StampNumber: .15, StampName: .15, SignNumber: .1,
		Streaks: .15, Bleed: .25, Faded: Range{.8, 1}, Blotted: .03, Bilevel: Range{120, 160},
	}
)

// Scan is a page as a scanner or a telephone gives it.
type Scan struct {
	JPEG []byte
	DPI  int // 0 for a photo
	Turn int // degrees clockwise by which the sheet lies, a multiple of 90
	Gray bool
}

// corner is a point of the page, in pixels.
type corner struct{ x, y float64 }

// Scan scans or photographs the sheet.
func (v *Severity) Scan(r *rand.Rand, s *Sheet) (*Scan, error) {
	out := &Scan{Gray: r.Float64() < v.Gray}
	switch u := r.Float64(); {
	case u < v.Upside:
		out.Turn = 180
	case u < v.Upside+v.Sideways:
		out.Turn = 90 + 180*r.IntN(2)
	}
	paper := s.pic
	if r.Float64() < v.Bleed {
		paper = bled(r, paper)
	}
	var page *picture
	if v.Phone {
		page = v.photograph(r, paper, out)
	} else {
		out.DPI = v.DPI[0]
		if r.Float64() >= v.Best {
			out.DPI = v.DPI[1+r.IntN(len(v.DPI)-1)]
		}
		page = v.scan(r, paper, out)
	}
	if r.Float64() < v.Streaks {
		streaks(r, page)
	}
	noise(r, page, v.Noise.draw(r))
	if v.Bilevel.To > 0 {
		page.split(v.Bilevel.draw(r))
	}
	quality := v.Quality[0] + r.IntN(v.Quality[1]-v.Quality[0]+1)
	data, err := encode(page, out.Gray, quality)
	if err != nil {
		return nil, err
	}
	if v.Phone && r.Float64() < .5 { // half of the turned photos say so in their EXIF
		data = oriented(data, out)
	}
	out.JPEG = data
	return out, nil
}

// scan lays the sheet into the corner of an A4 scanner, skewed.
//
//go:norace
func (v *Severity) scan(r *rand.Rand, paper *picture, out *Scan) *picture {
	w, h := pixels(service.SheetWidth), pixels(service.SheetHeight)
	if out.Turn%180 != 0 && paper.w > w { // the long edge goes along the page
		w, h = max(w, paper.h), max(h, paper.w)
	}
	if out.Turn%180 != 0 && paper.h > w { // what fills the glass fills it still
		w, h = h, w
	}
	page := newPicture(w, h, 250, 250, 248)
	angle := v.Skew.draw(r)*math.Pi/180 + float64(out.Turn)*math.Pi/180
	bw, bh := float64(paper.w), float64(paper.h)
	if out.Turn%180 != 0 {
		bw, bh = bh, bw
	}
	free := func(room, size float64) float64 { return size/2 + math.Max(0, room-size)*r.Float64() }
	cx, cy := free(float64(w), bw), free(float64(h), bh)
	cos, sin := math.Cos(angle), math.Sin(angle)
	beyond := ink{250, 250, 248}
	for y := range h {
		for x := range w {
			dx, dy := float64(x)+.5-cx, float64(y)+.5-cy
			sx, sy := dx*cos+dy*sin+float64(paper.w)/2, -dx*sin+dy*cos+float64(paper.h)/2
			if sx < 0 || sy < 0 || sx >= float64(paper.w) || sy >= float64(paper.h) {
				continue
			}
			i := 3 * (y*w + x)
			cr, cg, cb := paper.at(sx, sy, beyond)
			page.pix[i], page.pix[i+1], page.pix[i+2] = uint8(cr), uint8(cg), uint8(cb)
		}
	}
	if out.DPI < dpi {
		page = page.shrunk(w*out.DPI/dpi, h*out.DPI/dpi)
	}
	return page.blurred(v.Blur.draw(r))
}

// The size of a photo of 12 megapixels, and how much of it the sheet fills.
const (
	photoWide = 4000
	photoHigh = 3000
	photoFill = .9
)

// photograph looks at the sheet on a table from not quite above.
//
//go:norace
func (v *Severity) photograph(r *rand.Rand, paper *picture, out *Scan) *picture {
	w, h := photoWide, photoHigh
	bw, bh := float64(paper.w), float64(paper.h)
	if out.Turn%180 != 0 {
		w, h, bw, bh = h, w, bh, bw
	}
	scale := math.Min(float64(w)/bw, float64(h)/bh) * photoFill * (.9 + .1*r.Float64())
	hw, hh := bw*scale/2, bh*scale/2
	off := func(edge float64) float64 { return (2*r.Float64() - 1) * v.Perspective * edge }
	mx, my := float64(w)/2, float64(h)/2
	to := [4]corner{
		{mx - hw + off(2*hw), my - hh + off(2*hh)},
		{mx + hw + off(2*hw), my - hh + off(2*hh)},
		{mx + hw + off(2*hw), my + hh + off(2*hh)},
		{mx - hw + off(2*hw), my + hh + off(2*hh)},
	}
	pw, ph := float64(paper.w), float64(paper.h)
	from := [4]corner{{0, 0}, {pw, 0}, {pw, ph}, {0, ph}}
	for k := out.Turn / 90; k > 0; k-- { // the corner that comes to the top left
		from = [4]corner{from[3], from[0], from[1], from[2]}
	}
	m := perspective(to, from)
	table := ink{120 + 60*r.Float64(), 95 + 50*r.Float64(), 70 + 60*r.Float64()}
	page := newPicture(w, h, uint8(table.r), uint8(table.g), uint8(table.b))
	slope, direction := v.Slope.draw(r), 2*math.Pi*r.Float64()
	shadow, sx, sy, sr := v.Shadow.draw(r), r.Float64()*float64(w), r.Float64()*float64(h), (.25+.4*r.Float64())*float64(w)
	for y := range h {
		for x := range w {
			d := m[6]*float64(x) + m[7]*float64(y) + 1
			px, py := (m[0]*float64(x)+m[1]*float64(y)+m[2])/d, (m[3]*float64(x)+m[4]*float64(y)+m[5])/d
			cr, cg, cb := paper.at(px, py, table)
			u := (float64(x)/float64(w)-.5)*math.Cos(direction) + (float64(y)/float64(h)-.5)*math.Sin(direction)
			light := 1 - slope*(u+.5)
			if far := math.Hypot(float64(x)-sx, float64(y)-sy) / sr; far < 1 {
				light *= 1 - shadow*math.Min(1, 3*(1-far))
			}
			i := 3 * (y*w + x)
			page.pix[i], page.pix[i+1], page.pix[i+2] = uint8(min(cr*light, 255)), uint8(min(cg*light, 255)), uint8(min(cb*light, 255))
		}
	}
	page = page.blurred(v.Blur.draw(r))
	if r.Float64() < v.Motion {
		moved(page, 2+r.IntN(4))
	}
	return page
}

// perspective is the projection that takes the points from to the points to.
func perspective(from, to [4]corner) [8]float64 {
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
	var out [8]float64
	for i := range out {
		out[i] = a[i][8] / a[i][i]
	}
	return out
}

// bled shows the print of the back through the paper: mirrored, and faint.
//
//go:norace
func bled(r *rand.Rand, paper *picture) *picture {
	out := paper.clone()
	strength := .06 + .1*r.Float64()
	for y := range paper.h {
		for x := range paper.w {
			i, j := 3*(y*paper.w+x), 3*(y*paper.w+paper.w-1-x)
			for k := range 3 {
				back := 255 - float64(paper.pix[j+k])
				out.pix[i+k] = uint8(math.Max(0, float64(paper.pix[i+k])-strength*back))
			}
		}
	}
	return out
}

// streaks are what dust on a scanner's glass leaves along the page.
//
//go:norace
func streaks(r *rand.Rand, p *picture) {
	for range 1 + r.IntN(4) {
		x, wide, dark := r.IntN(p.w), 1+r.IntN(3), .15+.5*r.Float64()
		for y := range p.h {
			for k := range wide {
				p.lay(x+k, y, ink{90, 90, 95}, dark)
			}
		}
	}
}

// moved blurs along a level line of that many pixels.
//
//go:norace
func moved(p *picture, long int) {
	row := make([]uint8, 3*p.w)
	for y := range p.h {
		line := p.pix[3*y*p.w : 3*(y+1)*p.w]
		copy(row, line)
		for x := range p.w - long {
			for k := range 3 {
				sum := 0
				for j := range long {
					sum += int(row[3*(x+j)+k])
				}
				line[3*x+k] = uint8(sum / long) //nolint:gosec // a mean of bytes
			}
		}
	}
}

// noise adds grain; sigma is in steps of 255.
//
//go:norace
func noise(r *rand.Rand, p *picture, sigma float64) {
	if sigma <= 0 {
		return
	}
	// A table of normal numbers, entered at random for each row: as good to the
	// eye, and ten times faster than drawing each.
	var table [1 << 14]int
	for i := range table {
		table[i] = int(math.Round(r.NormFloat64() * sigma))
	}
	for y := range p.h {
		at := r.IntN(len(table))
		line := p.pix[3*y*p.w : 3*(y+1)*p.w]
		for i := 0; i < len(line); i += 3 {
			at = (at*5 + 77) & (len(table) - 1)
			n := table[at]
			for k := range 3 {
				line[i+k] = uint8(min(max(int(line[i+k])+n, 0), 255))
			}
		}
	}
}

// encode writes a JPEG.
func encode(p *picture, gray bool, quality int) ([]byte, error) {
	var img image.Image = p.gray()
	if !gray {
		// The encoder is several times faster with what it works in.
		img = ycbcr(p)
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: quality}); err != nil {
		return nil, fmt.Errorf("encode a page: %w", err)
	}
	return b.Bytes(), nil
}

//go:norace
func ycbcr(p *picture) *image.YCbCr {
	out := image.NewYCbCr(image.Rect(0, 0, p.w, p.h), image.YCbCrSubsampleRatio420)
	for y := range p.h {
		for x := range p.w {
			i := 3 * (y*p.w + x)
			l, cb, cr := color.RGBToYCbCr(p.pix[i], p.pix[i+1], p.pix[i+2])
			out.Y[y*out.YStride+x] = l
			if x%2 == 0 && y%2 == 0 {
				k := y/2*out.CStride + x/2
				out.Cb[k], out.Cr[k] = cb, cr
			}
		}
	}
	return out
}

// orientations are the values by which EXIF says how a photo must be turned
// clockwise to stand upright, by that turn. Source: CIPA DC-008, tag 274.
var orientations = map[int]uint16{90: 6, 180: 3, 270: 8}

// oriented writes into the photo how it must be turned. The sheet lies turned by
// Turn, so the viewer turns it back, and the scan counts as upright.
func oriented(data []byte, out *Scan) []byte {
	value, turned := orientations[(360-out.Turn)%360]
	if !turned {
		return data
	}
	tiff := []byte{'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0}
	binary.BigEndian.PutUint16(tiff[18:], value)
	body := append([]byte("Exif\x00\x00"), tiff...)
	segment := append([]byte{0xff, 0xe1, 0, byte(len(body) + 2)}, body...) //nolint:gosec // 34 bytes
	out.Turn = 0
	return append(append(bytes.Clone(data[:2]), segment...), data[2:]...)
}

// Empty is a page with nothing on it.
func Empty(r *rand.Rand, gray bool) ([]byte, error) {
	p := newPicture(pixels(service.SheetWidth)*2/3, pixels(service.SheetHeight)*2/3, 249, 249, 247)
	noise(r, p, 3)
	return encode(p, gray, 70)
}

// Letter is a page full of digits that is no certificate.
func (b *Blank) Letter(r *rand.Rand) ([]byte, error) {
	p := newPicture(pixels(service.SheetWidth), pixels(service.SheetHeight), 250, 250, 248)
	for line := range 40 {
		var text strings.Builder
		for range 6 {
			number := fmt.Sprintf("%02d-%02d-%05d-%06d-%d  ", r.IntN(100), r.IntN(100), r.IntN(100_000), r.IntN(1_000_000), r.IntN(10))
			text.WriteString(number[:r.IntN(15)+8] + " ")
		}
		if err := b.text(p, text.String(), service.FaceSerif, 10, 20, 25+6*float64(line), 170, service.AlignLeft, ink{30, 30, 30}); err != nil {
			return nil, err
		}
	}
	noise(r, p, 3)
	return encode(p, false, 75)
}

// Image is the sheet as a picture.
func (s *Sheet) Image() image.Image {
	out := image.NewRGBA(image.Rect(0, 0, s.pic.w, s.pic.h))
	draw.Draw(out, out.Rect, s.pic.rgba(), image.Point{}, draw.Src)
	return out
}
