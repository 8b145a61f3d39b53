package ocr

import (
	"encoding/binary"
	"image"
	"math"

	"flowbot/service"
)

// Pictures makes what others see and keep of a page: always without metadata. It
// takes damaged pages as far as they can be decoded, and places of a blank that
// make no sense as none. It is not safe for concurrent use.
type Pictures struct {
	profile service.BlankProfile
	decoder *decoder
	encoder *encoder
	raw     []byte // the decoded page
	out     []byte // the drawn picture
}

// NewPictures returns the pictures of pages with blanks of one house.
func NewPictures(profile service.BlankProfile) (*Pictures, error) {
	p := &Pictures{profile: profile}
	var err error
	if p.decoder, err = newDecoder(); err != nil {
		return nil, err
	}
	if p.encoder, err = newEncoder(); err != nil {
		return nil, err
	}
	return p, nil
}

// Measures of the pictures.
const (
	cleanMargin  = 1.0      // mm around the blank
	cleanTilt    = 2.0      // mm by which a corner of a flat blank may be off its upright rectangle
	cleanDPI     = 300      // at most, where the page is drawn anew
	cleanQuality = 85       // of the JPEG there
	mostDecoded  = 12 << 20 // pixels at once; a larger page is decoded smaller
	viewSide     = 1280     // pixels: what telephones show without loss
	viewBytes    = 300_000  // what loads at once over a slow network
	thumbSide    = 240      // pixels
	linesPPM     = 24.0     // pixels a millimetre, at most
)

// Clean is the page as it is kept and given to its candidate: upright, cut to the
// blank and a millimetre around it. A scan that lies flat is cut without touching
// its pixels; a photo, or a scan askew, is straightened to the blank's shape, in
// at most 300 dots an inch. A page without a blank keeps all its pixels.
func (p *Pictures) Clean(jpeg []byte, reading *service.PageReading) ([]byte, error) {
	head, err := p.decoder.head(jpeg)
	if err != nil {
		return nil, err
	}
	place, ok := p.placed(head, reading)
	if !ok {
		if out, err := p.encoder.cut(jpeg, 0, 0, 0, 0, 0); err == nil && p.decoder.isSound(out) {
			return out, nil
		}
		return p.drawn(jpeg, head, &unmoved, box{0, 0, float64(head.w), float64(head.h)}, 1)
	}
	if place.isFlat() {
		if out, err := p.trimmed(jpeg, head, place); err == nil && p.decoder.isSound(out) {
			return out, nil
		}
	}
	sheet := p.profile.Sheet
	area := box{-cleanMargin, -cleanMargin, sheet.Width + cleanMargin, sheet.Height + cleanMargin}
	return p.drawn(jpeg, head, &place.h, area, math.Min(place.ppm, cleanDPI/25.4))
}

// unmoved is where a page lies on itself, in pixels.
var unmoved = homography{0: 1, 4: 1, 8: 1}

// drawn draws an area of the page anew.
func (p *Pictures) drawn(jpeg []byte, head jpegHead, h *homography, area box, scale float64) ([]byte, error) {
	d, err := p.drawing(jpeg, head, h, []box{area}, []float64{scale})
	if err != nil {
		return nil, err
	}
	return p.encoder.encode(d.pix, d.w, d.h, d.depth, cleanQuality)
}

// View is the page for a person who must decide whose it is: the upright blank, or
// the whole page if it bears none, at most 1280 pixels long and below 300 kB.
func (p *Pictures) View(jpeg []byte, reading *service.PageReading) ([]byte, error) {
	return p.small(jpeg, reading, viewSide, viewBytes)
}

// Thumb is the upright page, at most 240 pixels long.
func (p *Pictures) Thumb(jpeg []byte, reading *service.PageReading) ([]byte, error) {
	return p.small(jpeg, reading, thumbSide, viewBytes)
}

// Lines is the registration number as it stands on the page, and below it the
// lines of the name, enlarged; nil for a page without a blank.
func (p *Pictures) Lines(jpeg []byte, reading *service.PageReading) ([]byte, error) {
	head, err := p.decoder.head(jpeg)
	if err != nil {
		return nil, err
	}
	place, ok := p.placed(head, reading)
	if !ok {
		return nil, nil
	}
	var areas []box
	var scales []float64
	for _, fields := range [][]service.Field{{service.FieldRegistrationNumber}, {service.FieldName, service.FieldNameLatin}} {
		area, ok := p.printed(fields)
		if !ok {
			continue
		}
		areas = append(areas, area)
		scales = append(scales, math.Min((viewSide-1)/(area.x1-area.x0), linesPPM))
	}
	if len(areas) == 0 {
		return nil, nil
	}
	d, err := p.drawing(jpeg, head, &place.h, areas, scales)
	if err != nil {
		return nil, err
	}
	return p.below(d, viewBytes)
}

// small draws the blank, or the page, no longer than side and no larger than most.
func (p *Pictures) small(jpeg []byte, reading *service.PageReading, side, most int) ([]byte, error) {
	head, err := p.decoder.head(jpeg)
	if err != nil {
		return nil, err
	}
	place, ok := p.placed(head, reading)
	area := box{0, 0, p.profile.Sheet.Width, p.profile.Sheet.Height}
	if !ok {
		place = placement{h: unmoved, ppm: 1}
		area = box{0, 0, float64(head.w), float64(head.h)}
	}
	scale := math.Min(place.ppm, float64(side)/math.Max(area.x1-area.x0, area.y1-area.y0))
	d, err := p.drawing(jpeg, head, &place.h, []box{area}, []float64{scale})
	if err != nil {
		return nil, err
	}
	return p.below(d, most)
}

// below writes a drawing in the best quality that stays below so many bytes, and
// in a poor one if none does.
func (p *Pictures) below(d drawing, most int) ([]byte, error) {
	for _, quality := range []int{85, 75, 60, 45} {
		out, err := p.encoder.encode(d.pix, d.w, d.h, d.depth, quality)
		if err != nil || len(out) < most {
			return out, err
		}
	}
	return p.encoder.encode(d.pix, d.w, d.h, d.depth, 25)
}

// printed is where the lines of fields can stand, with the slack of the print.
func (p *Pictures) printed(fields []service.Field) (box, bool) {
	sheet := p.profile.Sheet
	out, found := box{sheet.Width, sheet.Height, 0, 0}, false
	for _, f := range fields {
		for _, place := range p.profile.Places(f) {
			b := place.Box()
			out.x0, out.y0 = math.Min(out.x0, b.X-slack), math.Min(out.y0, b.Y-slack)
			out.x1, out.y1 = math.Max(out.x1, b.X+b.Width+slack), math.Max(out.y1, b.Y+b.Height+slack)
			found = true
		}
	}
	return out, found
}

// placement is where a blank lies on its page.
type placement struct {
	h       homography // of the page at its own size
	corners [4]point
	ppm     float64
	turn    int
}

// placed checks what was read of the blank's place; false where there is none, or
// none that a blank can have.
func (p *Pictures) placed(head jpegHead, reading *service.PageReading) (placement, bool) {
	sheet := p.profile.Sheet
	if reading == nil || !reading.Located || sheet.Width <= 0 || sheet.Height <= 0 {
		return placement{}, false
	}
	var out placement
	// A scanner or a person may have cut something off, but not most of it.
	wide, high := float64(head.w)/2, float64(head.h)/2
	for i, c := range reading.Corners {
		if !(c.X > -wide && c.X < 3*wide && c.Y > -high && c.Y < 3*high) { // nor what is not a number
			return placement{}, false
		}
		out.corners[i] = point{c.X, c.Y}
	}
	for i, at := range out.corners {
		next, last := out.corners[(i+1)%4], out.corners[(i+3)%4]
		side := at.to(next)
		// Seen in the order of reading, each corner of a real sheet turns right.
		if side < 8 || (next.x-at.x)*(last.y-at.y)-(next.y-at.y)*(last.x-at.x) < side*at.to(last)/4 {
			return placement{}, false
		}
	}
	var ok bool
	if out.h, ok = homographyOf(cornersOf(service.Box{Width: sheet.Width, Height: sheet.Height}), out.corners); !ok {
		return placement{}, false
	}
	out.ppm = out.h.resolution(sheet.Width, sheet.Height)
	out.turn = turnOf(out.corners[0], out.corners[1])
	return out, out.ppm > .1
}

// turnOf is how many degrees clockwise a page must be turned, by a multiple of 90,
// for the upper edge of its blank to lead from left to right.
func turnOf(left, right point) int {
	dx, dy := right.x-left.x, right.y-left.y
	switch {
	case dx >= math.Abs(dy):
		return 0
	case -dy >= math.Abs(dx):
		return 90
	case -dx >= math.Abs(dy):
		return 180
	default:
		return 270
	}
}

// bounds is the upright rectangle around the blank, in pixels of the page.
func (l *placement) bounds() box {
	b := box{math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)}
	for _, c := range l.corners {
		b.x0, b.y0 = math.Min(b.x0, c.x), math.Min(b.y0, c.y)
		b.x1, b.y1 = math.Max(b.x1, c.x), math.Max(b.y1, c.y)
	}
	return b
}

// isFlat reports whether the blank lies on the page as on a scanner's glass, and
// so nearly upright that nobody minds.
func (l *placement) isFlat() bool {
	b := l.bounds()
	on := cornersOf(service.Box{X: b.x0, Y: b.y0, Width: b.x1 - b.x0, Height: b.y1 - b.y0})
	for i, c := range on {
		// The blank's top left corner is the rectangle's by how the page lies.
		if c.to(l.corners[(i+l.turn/90)%4]) > cleanTilt*l.ppm {
			return false
		}
	}
	return true
}

// trimmed cuts a flat blank out of its page, without decoding it.
func (p *Pictures) trimmed(jpeg []byte, head jpegHead, l placement) ([]byte, error) {
	b, margin := l.bounds(), cleanMargin*l.ppm
	b = box{b.x0 - margin, b.y0 - margin, b.x1 + margin, b.y1 + margin}
	// Blocks that are not whole stand at the right and at the lower edge; they
	// cannot come to the left or to the top and are lost where they would.
	w, h := float64(head.w), float64(head.h)
	wholeW, wholeH := float64(head.w/head.block*head.block), float64(head.h/head.block*head.block)
	switch l.turn {
	case 90:
		b, w, h = box{wholeH - b.y1, b.x0, wholeH - b.y0, b.x1}, wholeH, w
	case 180:
		b, w, h = box{wholeW - b.x1, wholeH - b.y1, wholeW - b.x0, wholeH - b.y0}, wholeW, wholeH
	case 270:
		b, w, h = box{b.y0, wholeW - b.x1, b.y1, wholeW - b.x0}, h, wholeW
	}
	x, y := int(math.Max(b.x0, 0))/head.block*head.block, int(math.Max(b.y0, 0))/head.block*head.block
	x1, y1 := int(math.Min(math.Ceil(b.x1), w)), int(math.Min(math.Ceil(b.y1), h))
	if x1-x < head.block || y1-y < head.block {
		return nil, errNotJPEG
	}
	return p.encoder.cut(jpeg, l.turn, x, y, x1-x, y1-y)
}

// drawing is a picture that waits for its JPEG, in bytes of Pictures.
type drawing struct {
	pix         []byte
	w, h, depth int
}

// stripGap is the white between two areas of one drawing, in pixels.
const stripGap = 16

// drawing straightens areas of the blank out of the page, one below the other,
// each with so many pixels a millimetre.
func (p *Pictures) drawing(jpeg []byte, head jpegHead, h *homography, areas []box, scales []float64) (drawing, error) {
	d := drawing{depth: 4}
	if head.gray {
		d.depth = 1
	}
	most := 0.0
	var sizes [][2]int
	for i, a := range areas {
		w, high := max(1, int(math.Round((a.x1-a.x0)*scales[i]))), max(1, int(math.Round((a.y1-a.y0)*scales[i])))
		sizes = append(sizes, [2]int{w, high})
		d.w, d.h = max(d.w, w), d.h+high
		// How much finer the page is than what is drawn of it.
		x, y := (a.x0+a.x1)/2, (a.y0+a.y1)/2
		u0, v0 := h.at(x-.5/scales[i], y)
		u1, v1 := h.at(x+.5/scales[i], y)
		most = math.Max(most, 1/math.Hypot(u1-u0, v1-v0))
	}
	d.h += stripGap * (len(areas) - 1)
	// The page is decoded at the smallest size that is about fine enough.
	part := 1
	for part < 8 && (1/float64(2*part) >= most*.95 || head.w/part*head.h/part > mostDecoded) {
		part *= 2
	}
	pw, ph := scaledTo(head.w, part), scaledTo(head.h, part)
	p.raw = grown(p.raw, pw*ph*d.depth)
	if err := p.decoder.decode(jpeg, p.raw, pw, ph, d.depth, pixelFormat(d.depth)); err != nil {
		return drawing{}, err
	}
	p.out = grown(p.out, d.w*d.h*d.depth)
	d.pix = p.out
	for i := range d.pix {
		d.pix[i] = 255
	}
	at := h.scaled(1 / float64(part))
	y := 0
	for i, a := range areas {
		d.straighten(&plate{p.raw, pw, ph, d.depth}, &at, a, scales[i], image.Rect(0, y, sizes[i][0], y+sizes[i][1]))
		y += sizes[i][1] + stripGap
	}
	return d, nil
}

// grown is a buffer of n bytes, the old one if it is long enough.
func grown(b []byte, n int) []byte {
	if cap(b) < n {
		return make([]byte, n)
	}
	return b[:n]
}

// straighten draws an area into a part of the picture. What lies beyond the page
// stays white.
//
//go:norace
func (d *drawing) straighten(page *plate, at *homography, a box, scale float64, to image.Rectangle) {
	const span = 32 // pixels over which a line is as good as straight
	for y := to.Min.Y; y < to.Max.Y; y++ {
		row := d.pix[y*d.w*d.depth:][:to.Dx()*d.depth]
		my := a.y0 + (float64(y-to.Min.Y)+.5)/scale
		u1, v1 := at.at(a.x0+.5/scale, my)
		for x := 0; x < to.Dx(); x += span {
			n := min(span, to.Dx()-x)
			u0, v0 := u1, v1
			u1, v1 = at.at(a.x0+(float64(x+n)+.5)/scale, my)
			if !(math.Abs(u0)+math.Abs(v0)+math.Abs(u1)+math.Abs(v1) < 1<<20) { // nor what is not a number
				continue
			}
			// In 16ths of a pixel, and a 65536th of that, from the middle of the first.
			l := line{int64((u0 - .5) * (16 << 16)), int64((v0 - .5) * (16 << 16)), 0, 0}
			l.du, l.dv = int64((u1-u0)*(16<<16))/int64(n), int64((v1-v0)*(16<<16))/int64(n)
			if d.depth == 1 {
				page.alongGray(l, row[x:x+n])
			} else {
				page.along(l, row[4*x:4*(x+n)])
			}
		}
	}
}

// plate is a decoded page.
type plate struct {
	pix         []byte
	w, h, depth int
}

// line goes over a page, in 16ths of a pixel times 65536.
type line struct{ u, v, du, dv int64 }

// four are the pixels around a place: the one left above, and how far its
// neighbours to the right and below are.
type four struct{ i, right, down int }

// inside finds the four pixels around most places of a page.
func (p *plate) inside(l *line) (four, bool) {
	iu, iv := int(l.u>>20), int(l.v>>20)
	return four{(iv*p.w + iu) * p.depth, p.depth, p.w * p.depth}, uint(iu) < uint(p.w-1) && uint(iv) < uint(p.h-1)
}

// atEdge finds them at the edge of the page, whose outermost pixels reach half a
// pixel beyond their middle; false beyond that.
func (p *plate) atEdge(l *line) (four, bool) {
	iu, iv := int(l.u>>20), int(l.v>>20)
	if iu < -1 || iv < -1 || iu >= p.w || iv >= p.h {
		return four{}, false
	}
	f := four{0, p.depth, p.w * p.depth}
	if iu < 0 || iu == p.w-1 {
		f.right = 0
	}
	if iv < 0 || iv == p.h-1 {
		f.down = 0
	}
	f.i = (max(iv, 0)*p.w + max(iu, 0)) * p.depth
	return f, true
}

// along draws the pixels of a line, four bytes each.
//
//go:norace
func (p *plate) along(l line, row []byte) {
	for x := 0; x < len(row); x, l.u, l.v = x+4, l.u+l.du, l.v+l.dv {
		f, ok := p.inside(&l)
		if !ok {
			if f, ok = p.atEdge(&l); !ok {
				continue
			}
		}
		// Four colours at once, each in 16 bits: the shares are 256 together.
		fu, fv := uint64(l.u>>16&15), uint64(l.v>>16&15)
		sum := spread(p.pix[f.i:])*((16-fu)*(16-fv)) + spread(p.pix[f.i+f.right:])*(fu*(16-fv)) +
			spread(p.pix[f.i+f.down:])*((16-fu)*fv) + spread(p.pix[f.i+f.right+f.down:])*(fu*fv)
		row[x], row[x+1], row[x+2] = byte(sum>>8), byte(sum>>24), byte(sum>>40) //nolint:gosec // one of four, the others are cut off
	}
}

// spread gives each of the first four bytes 16 bits.
func spread(b []byte) uint64 {
	v := uint64(binary.LittleEndian.Uint32(b))
	v = (v | v<<16) & 0x0000ffff0000ffff
	return (v | v<<8) & 0x00ff00ff00ff00ff
}

// alongGray draws the pixels of a line, a byte each.
//
//go:norace
func (p *plate) alongGray(l line, row []byte) {
	for x := range row {
		f, ok := p.inside(&l)
		if !ok {
			f, ok = p.atEdge(&l)
		}
		fu, fv := uint64(l.u>>16&15), uint64(l.v>>16&15)
		l.u, l.v = l.u+l.du, l.v+l.dv
		if !ok {
			continue
		}
		sum := uint64(p.pix[f.i])*((16-fu)*(16-fv)) + uint64(p.pix[f.i+f.right])*(fu*(16-fv)) +
			uint64(p.pix[f.i+f.down])*((16-fu)*fv) + uint64(p.pix[f.i+f.right+f.down])*(fu*fv)
		row[x] = byte(sum >> 8) //nolint:gosec // a mean of bytes
	}
}
