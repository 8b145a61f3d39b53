// Package ocr reads scans of printed certificates. A page is decoded at half its
// size and the blank found by its frame; the place of each line follows from that,
// and that of the print from the lines which all certificates of a list share.
//
// What the project has printed itself is compared with how it was printed: the name
// as a whole line, the registration number digit by digit. A digit is read when a
// small net, which has learned the project's own faces under ink, proposes it,
// another way of reading seconds it and none contradicts: likeness to the print, the
// strokes that only one of two digits has, a second such net, a net of other faces.
// Where digits stay open, Tesseract reads the line as a second reader.
//
// What the printing house has put on the blank is read twice, each time without
// knowing the other: the number by its bar code and, by the net of other faces, by
// its digits; the series by Tesseract in two sizes. What stays open there is looked
// at once more at the page's own size.
//
// Nothing here decides whose a page is: see service.MatchPage.
package ocr

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"flowbot/service"
)

// Reader reads pages of one exam: certificates of a closed list on the blanks of
// one house. It is not safe for concurrent use.
type Reader struct {
	*tools
	profile service.BlankProfile
	list    []service.PrintedCertificate

	numbers []*numberReader // one for each shape of number on the list
	pens    map[penKey]*pen

	cut         *encoder              // nil before it is needed
	shared      []service.PrintedLine // what the list's certificates share
	sharedTiles []*sharedTile
}

type penKey struct {
	face   service.Face
	points float64
}

// tools are what readers of any list need and what takes long to make: Tesseract
// alone 140 ms. Readers that share them do not read at the same time.
type tools struct {
	faces  typefaces
	jpeg   *decoder
	bars   *barReader
	digits *tesseract

	letters *tesseract // of series, nil before a list whose blanks have one
}

func newTools() (*tools, error) {
	t := &tools{bars: newBarReader()}
	var err error
	if t.faces, err = newTypefaces(); err != nil {
		return nil, err
	}
	if t.jpeg, err = newDecoder(); err != nil {
		return nil, err
	}
	if t.digits, err = newTesseract("eng", "0123456789-/"); err != nil {
		return nil, err
	}
	return t, nil
}

func (t *tools) close() error {
	err := t.digits.close()
	if t.letters != nil {
		err = errors.Join(err, t.letters.close())
	}
	return err
}

// NewReader returns a reader of the list's certificates. Close lets go of what it
// holds.
func NewReader(profile service.BlankProfile, list []service.PrintedCertificate) (*Reader, error) {
	t, err := newTools()
	if err != nil {
		return nil, err
	}
	return t.reader(profile, list)
}

// reader returns a reader of the list's certificates with these tools.
func (t *tools) reader(profile service.BlankProfile, list []service.PrintedCertificate) (*Reader, error) {
	r := &Reader{tools: t, profile: profile, list: list, pens: map[penKey]*pen{}, shared: shared(list)}
	r.sharedTiles = make([]*sharedTile, len(r.shared))
	if _, ok := seriesOf(&profile); ok && t.letters == nil { // now: that it is missing is no page's fault
		var err error
		if t.letters, err = newTesseract("rus", seriesLetters); err != nil {
			return nil, err
		}
	}
	shapes := map[string]bool{}
	for i := range list {
		for _, line := range list[i].Of(service.FieldRegistrationNumber) {
			shape := shapeOf(line.Text)
			if shapes[shape] {
				continue
			}
			shapes[shape] = true
			n, err := newNumberReader(r.faces, line)
			if err != nil {
				return nil, err
			}
			r.numbers = append(r.numbers, n)
		}
	}
	return r, nil
}

// Close ends the reader.
func (r *Reader) Close() error { return r.close() }

// page is a page on its way through the reader.
type page struct {
	data []byte
	part int   // the image is 1/part of the page's size
	img  *gray // light
	h    homography
	off  misprint
}

// halfAbove is the length of a page, in pixels, above which half its size is
// enough: an A4 page in 300 dpi becomes one in 150.
const halfAbove = 2800

// Read reads a page, a JPEG picture, and compares it with the list. A page on
// which no blank is found, or nothing at all, is an answer and no error.
func (r *Reader) Read(ctx context.Context, data []byte) (*service.PageReading, error) {
	p := &page{data: data, part: 1}
	out := &service.PageReading{}
	var err error
	if out.Width, out.Height, err = r.jpeg.size(data); err != nil {
		return nil, err
	}
	for max(out.Width, out.Height) > halfAbove*p.part && p.part < 8 {
		p.part *= 2
	}
	if p.img, err = r.jpeg.luma(data, p.part); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("read a page: %w", err)
	}
	k := max(1, int(math.Round(float64(max(p.img.w, p.img.h))/frameLong)))
	small := p.img.shrunk(k)
	if out.Empty = isEmpty(small); out.Empty {
		return out, nil
	}
	if !r.locate(p, small, k, out) {
		return out, nil
	}
	number, err := r.readNumber(p, out)
	if err != nil {
		return nil, err
	}
	r.compare(p, number, out)
	if err := r.readBlank(p, out); err != nil {
		return nil, err
	}
	return out, nil
}

// frameLong is about how long a page is, in pixels, when its frame is looked for:
// fine lines of pages in 200 dpi are lost in less.
const frameLong = 1000

// isEmpty reports whether a page bears less than a stroke of ink.
func isEmpty(g *gray) bool {
	var hist [256]int
	for _, v := range g.pix {
		hist[v]++
	}
	median, seen := 0, 0
	for v, n := range hist {
		if seen += n; seen*2 >= len(g.pix) {
			median = v
			break
		}
	}
	ink := 0
	for v := range max(0, median-60) {
		ink += hist[v]
	}
	return ink < len(g.pix)/2000
}

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

// cornersOf are the corners of a rectangle, clockwise from its top left one.
func cornersOf(b service.Box) [4]point {
	return [4]point{{b.X, b.Y}, {b.X + b.Width, b.Y}, {b.X + b.Width, b.Y + b.Height}, {b.X, b.Y + b.Height}}
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
		capital := c.Size * service.PointMM * .7
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

// readNumber reads the registration number. Where digits are unsure it looks once
// more in other light, and then asks Tesseract.
func (r *Reader) readNumber(p *page, out *service.PageReading) (*numberReading, error) {
	first, reader := r.bestNumber(p.img, &p.h, p.off)
	if first != nil {
		if text, unsure := reader.readings(p.img, &p.h, first); unsure == 0 {
			out.Number, out.NumberAlign = text, float64(first.Align)
			return first, nil
		}
	}
	part, err := r.numberPart(p)
	if part == nil || err != nil {
		return first, err
	}
	both := []*numberReading{first}
	if !part.gray || p.part > 1 {
		plain, h, err := r.otherLight(part, p.part)
		if err != nil {
			return nil, err
		}
		second, other := r.bestNumber(plain, h, p.off)
		switch {
		case second == nil:
		case first == nil || other != reader && second.Align > first.Align:
			first, reader = second, other
			reader.readings(plain, h, first)
			both = []*numberReading{first}
		case other == reader:
			reader.readings(plain, h, second)
			both = append(both, second)
		}
	}
	if first == nil {
		return nil, nil
	}
	var unsure int
	out.Number, out.NumberLikely, unsure = joinedNumber(both...)
	out.NumberAlign = float64(first.Align)
	if unsure == 0 || unsure > mostErased {
		return first, nil
	}
	scale := max(1, p.part/2)
	full, err := r.jpeg.luma(part.data, scale)
	if err != nil {
		return nil, err
	}
	h := part.h.scaled(1 / float64(scale))
	size := reader.line.Points * service.PointMM
	long := reader.at[len(reader.at)-1]/numberPPM + size
	x, y := reader.line.X+first.DX, reader.line.Y+first.DY
	strip := full.crop(&h, box{x - 1.2, y - size*.7 - 1, x + long + .6, y + 1}, 30/(size*.7))
	out.NumberSecond, err = r.digits.line(stretched(strip))
	return first, err
}

// otherLight shows a part without the colours of stamp and signature or, where it has
// none, at twice the size.
func (r *Reader) otherLight(part *pagePart, size int) (*gray, *homography, error) {
	var g *gray
	var err error
	if part.gray {
		size = max(1, size/2)
		g, err = r.jpeg.luma(part.data, size)
	} else {
		g, err = r.jpeg.lightest(part.data, size)
	}
	h := part.h.scaled(1 / float64(size))
	return g, &h, err
}

// pagePart is a part of a page as a JPEG of its own.
type pagePart struct {
	data []byte
	gray bool
	h    homography // to its pixels
}

// numberPart cuts out where a number can stand; nil if that is not on the page.
func (r *Reader) numberPart(p *page) (*pagePart, error) {
	head, err := r.jpeg.head(p.data)
	if err != nil {
		return nil, err
	}
	x0, y0, x1, y1 := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, n := range r.numbers {
		size := n.line.Points * service.PointMM
		long := n.at[len(n.at)-1]/numberPPM + size
		const beside = slack + 5
		a, b, c, d := p.h.bounds(box{n.line.X - beside, n.line.Y - size - beside, n.line.X + long + beside, n.line.Y + beside}, float64(p.part))
		x0, y0, x1, y1 = math.Min(x0, a), math.Min(y0, b), math.Max(x1, c), math.Max(y1, d)
	}
	left, top := max(0, int(x0))/head.block*head.block, max(0, int(y0))/head.block*head.block
	right, low := min(head.w, int(x1)+1), min(head.h, int(y1)+1)
	if right-left < head.block || low-top < head.block {
		return nil, nil
	}
	if r.cut == nil {
		if r.cut, err = newEncoder(); err != nil {
			return nil, err
		}
	}
	data, err := r.cut.cut(p.data, 0, left, top, right-left, low-top)
	if err != nil {
		return nil, nil //nolint:nilerr // a page that is damaged there was read as far as it can be
	}
	return &pagePart{data, head.gray, p.h.scaled(float64(p.part)).moved(-float64(left), -float64(top))}, nil
}

// mostErased is how many digits may be unsure for the second reader to be asked.
const mostErased = 4

// bestNumber reads the number in each shape that the list has.
func (r *Reader) bestNumber(g *gray, h *homography, off misprint) (*numberReading, *numberReader) {
	var best *numberReading
	var reader *numberReader
	for _, n := range r.numbers {
		if s := n.read(g, h, off); s != nil && (best == nil || s.Align > best.Align) {
			best, reader = s, n
		}
	}
	return best, reader
}

// stretched spreads the light of a strip from ink to paper.
func stretched(g *gray) *gray {
	var hist [256]int
	for _, v := range g.pix {
		hist[v]++
	}
	share := func(f float64) int {
		n := 0
		for v, k := range hist {
			if n += k; float64(n) >= f*float64(len(g.pix)) {
				return v
			}
		}
		return 255
	}
	low, high := share(.015), share(.6)
	out := newGray(g.w, g.h)
	for i, v := range g.pix {
		out.pix[i] = byte(min(max((int(v)-low)*255/max(high-low, 1), 0), 255))
	}
	return out
}

// likeliest is how many applications are kept with what was read, those whose number
// agrees best and those whose name does, if more than one can be meant.
const likeliest = 5

// mostNamed is how many applications a page is compared with by name at most, those
// whose number agrees best: a tenth of a second of one core.
const mostNamed = 300

// compare finds how well the likeliest applications agree with the page.
func (r *Reader) compare(p *page, number *numberReading, out *service.PageReading) {
	var all []service.CandidateReading
	for i := range r.list {
		c := service.CandidateReading{ApplicationID: r.list[i].ApplicationID, Digits: -1, Name: -1, Latin: -1, IssuedOn: -1, NameWhite: 1, LatinWhite: 1}
		for _, line := range r.list[i].Of(service.FieldRegistrationNumber) {
			c.Digits = digitsScore(number, line.Text)
		}
		all = append(all, c)
	}
	slices.SortStableFunc(all, func(a, b service.CandidateReading) int { return cmp.Compare(b.Digits, a.Digits) })
	all = all[:min(len(all), mostNamed)]
	names := r.newNameReader(p, number)
	for i := range all {
		c := &all[i]
		lines := r.certificate(c.ApplicationID)
		c.Name, c.NameWhite = names.score(lines.Of(service.FieldName))
		c.Latin, c.LatinWhite = names.score(lines.Of(service.FieldNameLatin))
		if i == 0 && out.Number != "" && r.numberOf(c.ApplicationID) == out.Number && c.AgreesByName() {
			all = all[:1] // the others are known to be others
			break
		}
	}
	out.Candidates = bestOf(all)
	for i := range out.Candidates {
		c := &out.Candidates[i]
		c.IssuedOn, _ = names.score(r.certificate(c.ApplicationID).Of(service.FieldIssuedOn))
	}
}

// bestOf keeps the likeliest of a list that is sorted by number, and those likeliest
// by name.
func bestOf(all []service.CandidateReading) []service.CandidateReading {
	if len(all) <= likeliest {
		return all
	}
	rest := slices.Clone(all[likeliest:])
	slices.SortStableFunc(rest, func(a, b service.CandidateReading) int { return cmp.Compare(b.ByName(), a.ByName()) })
	return slices.Concat(all[:likeliest], rest[:min(len(rest), likeliest)])
}

// digitsScore is the mean score of a number's digits, -1 for one of another shape.
func digitsScore(n *numberReading, number string) float64 {
	if n == nil || shapeOf(number) != n.Shape {
		return -1
	}
	sum, k := 0.0, 0
	for _, c := range number {
		if c < '0' || c > '9' {
			continue
		}
		sum += float64(n.Scores[k][c-'0'])
		k++
	}
	return sum / float64(max(k, 1))
}

func (r *Reader) certificate(id int64) *service.PrintedCertificate {
	i := slices.IndexFunc(r.list, func(c service.PrintedCertificate) bool { return c.ApplicationID == id })
	return &r.list[i]
}

func (r *Reader) numberOf(id int64) string {
	for _, line := range r.certificate(id).Of(service.FieldRegistrationNumber) {
		return line.Text
	}
	return ""
}

// nameReader compares lines of print with one page.
type nameReader struct {
	r              *Reader
	p              *page
	strips         map[service.Field]*lineAt
	dx, dy, around float64 // how far print is off its place, and how much that may be off; in millimetres
}

func (r *Reader) newNameReader(p *page, number *numberReading) *nameReader {
	n := &nameReader{r: r, p: p, strips: make(map[service.Field]*lineAt), dx: p.off.dx, dy: p.off.dy, around: p.off.around}
	if number != nil && n.around > 1 {
		n.dx, n.dy, n.around = number.DX, number.DY, 1
	}
	return n
}

// score is the worst score of a field's lines, -1 if it has none, and the worst of
// what is white of their strokes.
func (n *nameReader) score(lines []service.PrintedLine) (worst, white float64) {
	worst = -1
	for i, line := range lines {
		pen, err := n.r.pen(line.Face, line.Points)
		if err != nil {
			return -1, 1
		}
		s := n.strips[line.Field]
		if s == nil {
			s = stripOf(n.p.img, &n.p.h, n.r.area(line.Field))
			n.strips[line.Field] = s
		}
		v, w := s.score(pen, line, n.dx, n.dy, n.around)
		if i == 0 || v < worst {
			worst = v
		}
		white = max(white, w)
	}
	return worst, white
}

// pen returns the pen of a face and a size, made once.
func (r *Reader) pen(face service.Face, points float64) (*pen, error) {
	key := penKey{face, points}
	if p := r.pens[key]; p != nil {
		return p, nil
	}
	p, err := r.faces.pen(face, points*service.PointMM*linePPM)
	if err != nil {
		return nil, err
	}
	r.pens[key] = p
	return p, nil
}

// area is where the lines of a field can stand, with the slack of the print.
func (r *Reader) area(f service.Field) box {
	out := box{math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)}
	for _, place := range r.profile.Places(f) {
		high := place.Size * service.PointMM
		out.x0, out.x1 = math.Min(out.x0, place.X-slack-3), math.Max(out.x1, place.X+place.Width+slack+3)
		out.y0 = math.Min(out.y0, place.Y-high-slack-1)
		out.y1 = math.Max(out.y1, place.Y+place.Leading*float64(place.Lines-1)+.4*high+slack+1)
	}
	return out
}
