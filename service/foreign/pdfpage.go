package foreign

import (
	"bytes"
	"errors"
	"io"
	"math"
)

// pdfPage is what says how a page looks, its parents' share included.
type pdfPage struct {
	box       box
	rotate    int // 0, 90, 180 or 270, clockwise
	resources pdfDict
	contents  pdfArray
	hasNotes  bool // annotations that are drawn
}

// box is a rectangle: left, bottom, right, top.
type box [4]float64

func (b box) width() float64  { return b[2] - b[0] }
func (b box) height() float64 { return b[3] - b[1] }
func (b box) area() float64   { return max(0, b.width()) * max(0, b.height()) }

func (b box) common(c box) box {
	return box{max(b[0], c[0]), max(b[1], c[1]), min(b[2], c[2]), min(b[3], c[3])}
}

// covers tells whether a rectangle leaves no more of another than a margin that
// nobody sees: a hundredth of its sides.
func (b box) covers(c box) bool {
	return b.common(c).area() >= 0.98*c.area()
}

// pages walks through the tree of pages, and no further than most allows.
func (p *pdfReader) pages(most int) ([]pdfPage, error) {
	var out []pdfPage
	seen := make(map[pdfRef]bool)
	var walk func(node any, inherited pdfDict, depth int) error
	walk = func(node any, inherited pdfDict, depth int) error {
		if ref, ok := node.(pdfRef); ok {
			if seen[ref] {
				return errPDFOdd
			}
			seen[ref] = true
		}
		d, ok := p.resolve(node).(pdfDict)
		if !ok || depth > maxPDFDepth || len(out) > most {
			return errPDFOdd
		}
		all := make(pdfDict)
		for _, name := range []pdfName{"Resources", "MediaBox", "CropBox", "Rotate"} {
			if v := p.resolve(d[name]); v != nil {
				all[name] = v
			} else if v, ok := inherited[name]; ok {
				all[name] = v
			}
		}
		kids, isTree := p.resolve(d["Kids"]).(pdfArray)
		if !isTree {
			page, err := p.page(d, all)
			out = append(out, page)
			return err
		}
		for _, kid := range kids {
			if err := walk(kid, all, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	err := walk(p.dict(p.trailer["Root"])["Pages"], nil, 0)
	return out, err
}

func (p *pdfReader) page(d, inherited pdfDict) (pdfPage, error) {
	media, ok := p.box(inherited["MediaBox"])
	if !ok {
		return pdfPage{}, errPDFOdd
	}
	page := pdfPage{box: media, resources: p.dict(inherited["Resources"]), contents: p.array(d["Contents"]), hasNotes: p.hasNotes(d["Annots"])}
	if crop, ok := p.box(inherited["CropBox"]); ok {
		page.box = crop.common(media)
	}
	rotate, _ := asInt(inherited["Rotate"])
	page.rotate = int((rotate%360 + 360) % 360)
	if page.box.area() <= 0 || page.rotate%90 != 0 {
		return pdfPage{}, errPDFOdd
	}
	return page, nil
}

func (p *pdfReader) box(v any) (box, bool) {
	n, ok := p.numbers(v, 4)
	if !ok {
		return box{}, false
	}
	return box{min(n[0], n[2]), min(n[1], n[3]), max(n[0], n[2]), max(n[1], n[3])}, true
}

// hasNotes tells whether anything is drawn on a page from outside its contents.
func (p *pdfReader) hasNotes(v any) bool {
	for _, note := range p.array(v) {
		switch p.name(p.dict(note)["Subtype"]) {
		case "Link", "Popup":
		default:
			return true
		}
	}
	return false
}

// pdfImage is a picture as a page shows it.
type pdfImage struct {
	*pdfStream
	place  matrix // of the unit square, on the page before it is turned
	number pdfRef
}

// matrix maps x, y to m0 x + m2 y + m4, m1 x + m3 y + m5.
type matrix [6]float64

// after is the matrix that applies m first and then n.
func (m matrix) after(n matrix) matrix {
	return matrix{
		m[0]*n[0] + m[1]*n[2], m[0]*n[1] + m[1]*n[3],
		m[2]*n[0] + m[3]*n[2], m[2]*n[1] + m[3]*n[3],
		m[4]*n[0] + m[5]*n[2] + n[4], m[4]*n[1] + m[5]*n[3] + n[5],
	}
}

func (m matrix) apply(x, y float64) (float64, float64) {
	return m[0]*x + m[2]*y + m[4], m[1]*x + m[3]*y + m[5]
}

// bounds is the smallest upright rectangle around the picture of another.
func (m matrix) bounds(b box) box {
	out := box{math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)}
	for _, c := range [][2]float64{{b[0], b[1]}, {b[2], b[1]}, {b[0], b[3]}, {b[2], b[3]}} {
		x, y := m.apply(c[0], c[1])
		out = box{min(out[0], x), min(out[1], y), max(out[2], x), max(out[3], y)}
	}
	return out
}

// isUpright tells whether rectangles stay rectangles with sides along the page's.
func (m matrix) isUpright() bool {
	along, across := math.Abs(m[0])+math.Abs(m[3]), math.Abs(m[1])+math.Abs(m[2])
	return min(along, across) < max(along, across)*1e-3
}

// errMixed tells that a page is more than one picture.
var errMixed = errors.New("a page of more than one picture")

// onlyImage finds the one picture that a page consists of: nothing else can be
// seen on it, and it takes most of the page.
func (p *pdfReader) onlyImage(page pdfPage) (pdfImage, error) {
	if page.hasNotes {
		return pdfImage{}, errMixed
	}
	var content bytes.Buffer
	for _, part := range page.contents {
		s, ok := part.(*pdfStream)
		if !ok {
			return pdfImage{}, errPDFOdd
		}
		b, err := p.unpack(s, maxPDFContent-int64(content.Len()))
		if err != nil {
			return pdfImage{}, err
		}
		content.Write(b)
		content.WriteByte('\n')
	}
	d := &drawing{p: p, page: page.box, state: state{place: matrix{1, 0, 0, 1, 0, 0}, clip: page.box}}
	if err := d.run(content.Bytes(), page.resources, 0); err != nil {
		return pdfImage{}, err
	}
	if d.isMixed || len(d.images) != 1 {
		return pdfImage{}, errMixed
	}
	img := d.images[0]
	if shown := img.place.bounds(unit); shown.common(page.box).area() < page.box.area()/2 || !img.place.isUpright() {
		return pdfImage{}, errMixed
	}
	return img, nil
}

var unit = box{0, 0, 1, 1}

// drawing follows what a page draws, as far as it takes to know whether one
// picture is all that can be seen.
type drawing struct {
	p       *pdfReader
	page    box
	images  []pdfImage
	isMixed bool // something that is no picture can be seen
	state
	saved []state
	path  outline
	steps int
}

// state is what q keeps and Q brings back.
type state struct {
	place    matrix
	clip     box
	isOdd    bool // clipped to something else than a rectangle, or mixed with what lies below
	textMode float64
	isWhite  bool // what is filled
}

// outline is the corners of what is going to be filled.
type outline struct {
	points   [][2]float64
	isCurved bool
	clips    bool
}

// maxPDFSteps is the number of operators on a page. A page of letters has ten
// thousand.
const maxPDFSteps = 2 << 20

// run follows the operators of a page or of a form on it.
func (d *drawing) run(content []byte, resources pdfDict, depth int) error {
	l := pdfLexer{b: append(content, ' ')}
	var operands []any
	for {
		v, err := l.value()
		if errors.Is(err, errPDFShort) && l.at >= len(l.b) {
			return nil
		}
		if err != nil {
			return err
		}
		word, ok := v.(pdfWord)
		if !ok {
			if operands = append(operands, v); len(operands) > 1000 {
				return errPDFOdd
			}
			continue
		}
		if d.steps++; d.steps > maxPDFSteps {
			return errPDFOdd
		}
		if err := d.step(word, operands, resources, depth); err != nil {
			return err
		}
		operands = operands[:0]
	}
}

// step follows one operator. Those that draw nothing and move nothing are
// passed over. Source: ISO 32000-1, annex A.
func (d *drawing) step(op pdfWord, operands []any, resources pdfDict, depth int) error {
	n := numbersOf(operands)
	switch op {
	case "q":
		if len(d.saved) > 1000 {
			return errPDFOdd
		}
		d.saved = append(d.saved, d.state)
	case "Q":
		if len(d.saved) > 0 {
			d.state, d.saved = d.saved[len(d.saved)-1], d.saved[:len(d.saved)-1]
		}
	case "cm":
		if len(n) != 6 {
			return errPDFOdd
		}
		d.place = matrix(n).after(d.place)
	case "gs":
		d.isOdd = d.isOdd || d.p.mixes(d.p.dict(resources["ExtGState"]), operands)
	case "g", "rg", "k", "sc", "scn", "cs":
		d.isWhite = isWhite(op, n)
	case "Tr":
		if len(n) == 1 {
			d.textMode = n[0]
		}
	case "Tj", "TJ", "'", "\"":
		d.isMixed = d.isMixed || d.textMode != 3 // 3: neither filled nor stroked
	case "re", "m", "l", "c", "v", "y", "h":
		return d.extend(op, n)
	case "W", "W*":
		d.path.clips = true
	case "n", "f", "F", "f*", "S", "s", "B", "B*", "b", "b*":
		d.paint(op)
	case "Do":
		return d.show(operands, resources, depth)
	case "sh", "BI", "ID", "d0", "d1":
		return errMixed
	case "BDC":
		if len(operands) > 0 && operands[0] == pdfName("OC") { // a layer, which may be hidden
			return errMixed
		}
	}
	return nil
}

// numbersOf is the operands if all are numbers.
func numbersOf(operands []any) []float64 {
	out := make([]float64, 0, len(operands))
	for _, v := range operands {
		f, ok := v.(float64)
		if !ok {
			return nil
		}
		out = append(out, f)
	}
	return out
}

// isWhite tells whether an operator chooses white for what is filled.
func isWhite(op pdfWord, n []float64) bool {
	switch {
	case op == "g" && len(n) == 1:
		return n[0] >= 1
	case op == "rg" && len(n) == 3:
		return n[0] >= 1 && n[1] >= 1 && n[2] >= 1
	case op == "k" && len(n) == 4:
		return n[0] <= 0 && n[1] <= 0 && n[2] <= 0 && n[3] <= 0
	}
	return false
}

// mixes tells whether a set of graphics parameters lets what lies below shine
// through.
func (p *pdfReader) mixes(sets pdfDict, operands []any) bool {
	if len(operands) != 1 {
		return true
	}
	name, _ := operands[0].(pdfName)
	set := p.dict(sets[name])
	if v, ok := p.resolve(set["ca"]).(float64); ok && v < 1 {
		return true
	}
	if v := p.resolve(set["SMask"]); v != nil && v != pdfName("None") {
		return true
	}
	mode := p.array(set["BM"])
	return len(mode) > 0 && mode[0] != pdfName("Normal") && mode[0] != pdfName("Compatible")
}

// extend adds to the path.
func (d *drawing) extend(op pdfWord, n []float64) error {
	if op == "h" {
		return nil
	}
	if len(d.path.points) > 1<<16 {
		return errPDFOdd
	}
	add := func(x, y float64) {
		x, y = d.place.apply(x, y)
		d.path.points = append(d.path.points, [2]float64{x, y})
	}
	switch {
	case op == "re" && len(n) == 4:
		add(n[0], n[1])
		add(n[0]+n[2], n[1])
		add(n[0], n[1]+n[3])
		add(n[0]+n[2], n[1]+n[3])
	case (op == "m" || op == "l") && len(n) == 2:
		add(n[0], n[1])
	case (op == "c" || op == "v" || op == "y") && len(n) >= 4:
		d.path.isCurved = true
		for ; len(n) >= 2; n = n[2:] {
			add(n[0], n[1])
		}
	default:
		return errPDFOdd
	}
	return nil
}

// paint ends a path. What is painted white on nothing cannot be seen.
func (d *drawing) paint(op pdfWord) {
	bounds, isRectangle := d.path.bounds()
	onlyFills := op == "f" || op == "F" || op == "f*"
	isSeen := op != "n" && len(d.path.points) > 0 && bounds.common(d.clip).area() > 0
	if op == "S" || op == "s" {
		isSeen = op != "n" && len(d.path.points) > 0
	}
	if isSeen && (!onlyFills || !d.isWhite || len(d.images) > 0) {
		d.isMixed = true
	}
	if d.path.clips {
		d.clip = d.clip.common(bounds)
		d.isOdd = d.isOdd || !isRectangle
	}
	d.path = outline{}
}

// bounds is the smallest rectangle around a path, and whether it is one itself.
func (p outline) bounds() (b box, isRectangle bool) {
	if len(p.points) == 0 {
		return box{}, true
	}
	b = box{math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)}
	for _, c := range p.points {
		b = box{min(b[0], c[0]), min(b[1], c[1]), max(b[2], c[0]), max(b[3], c[1])}
	}
	near := func(a, b float64) bool { return math.Abs(a-b) < 0.5 }
	for _, c := range p.points {
		if !near(c[0], b[0]) && !near(c[0], b[2]) || !near(c[1], b[1]) && !near(c[1], b[3]) {
			return b, false
		}
	}
	return b, !p.isCurved && len(p.points) <= 5
}

// show draws a picture or a form.
func (d *drawing) show(operands []any, resources pdfDict, depth int) error {
	if len(operands) != 1 {
		return errPDFOdd
	}
	name, _ := operands[0].(pdfName)
	entry := d.p.dict(resources["XObject"])[name]
	s, ok := d.p.resolve(entry).(*pdfStream)
	if !ok || s.pdfDict["OC"] != nil {
		return errPDFOdd
	}
	switch d.p.name(s.pdfDict["Subtype"]) {
	case "Image":
		number, _ := entry.(pdfRef)
		return d.image(pdfImage{s, d.place, number})
	case "Form":
		return d.form(s, resources, depth)
	}
	return errPDFOdd
}

func (d *drawing) form(s *pdfStream, resources pdfDict, depth int) error {
	if depth > 8 || s.pdfDict["Group"] != nil && d.isOdd {
		return errPDFOdd
	}
	content, err := d.p.unpack(s, maxPDFContent)
	if err != nil {
		return err
	}
	if own := d.p.dict(s.pdfDict["Resources"]); own != nil {
		resources = own
	}
	before, saved := d.state, d.saved
	defer func() { d.state, d.saved = before, saved }()
	if m, ok := d.p.numbers(s.pdfDict["Matrix"], 6); ok {
		d.place = matrix(m).after(d.place)
	}
	if b, ok := d.p.box(s.pdfDict["BBox"]); ok {
		d.clip = d.clip.common(d.place.bounds(b))
	}
	return d.run(content, resources, depth+1)
}

// image draws a picture. One that covers the page hides all before it.
func (d *drawing) image(i pdfImage) error {
	shown := i.place.bounds(unit)
	isMasked := i.pdfDict["SMask"] != nil || i.pdfDict["Mask"] != nil || d.p.resolve(i.pdfDict["ImageMask"]) == true
	switch visible := shown.common(d.page).common(d.clip); {
	case visible.area() <= 0:
		return nil
	case d.isOdd, !visible.covers(shown.common(d.page)):
		d.isMixed = true
		return nil
	case visible.covers(d.page) && !isMasked && i.place.isUpright():
		d.images, d.isMixed = nil, false
	}
	for _, before := range d.images {
		if before.number == i.number && before.place == i.place {
			return nil
		}
	}
	if d.images = append(d.images, i); len(d.images) > 1000 {
		return errMixed
	}
	return nil
}

// orientation is how the picture must be turned to be seen as the page shows
// it, as Exif counts.
func (i pdfImage) orientation(rotate int) int {
	right, up := [2]float64{i.place[0], i.place[1]}, [2]float64{i.place[2], i.place[3]}
	for ; rotate > 0; rotate -= 90 {
		right, up = [2]float64{right[1], -right[0]}, [2]float64{up[1], -up[0]}
	}
	if math.Abs(right[0]) > math.Abs(right[1]) {
		switch {
		case right[0] > 0 && up[1] > 0:
			return 1
		case up[1] > 0:
			return 2
		case right[0] < 0:
			return 3
		}
		return 4
	}
	switch {
	case right[1] < 0 && up[0] < 0:
		return 5
	case right[1] < 0:
		return 6
	case up[0] > 0:
		return 7
	}
	return 8
}

// sizeOf is the picture's own width and height in pixels.
func (p *pdfReader) sizeOf(i pdfImage) (w, h float64, ok bool) {
	w, ok1 := p.resolve(i.pdfDict["Width"]).(float64)
	h, ok2 := p.resolve(i.pdfDict["Height"]).(float64)
	return w, h, ok1 && ok2 && w >= 1 && h >= 1
}

// density is the picture's pixels an inch, along its longer way, and whether
// they are as wide as they are high.
func (p *pdfReader) density(i pdfImage) (dpi float64, isSquare bool) {
	w, h, ok := p.sizeOf(i)
	across, down := math.Hypot(i.place[0], i.place[1]), math.Hypot(i.place[2], i.place[3])
	if !ok || across <= 0 || down <= 0 {
		return 0, false
	}
	x, y := w/across*72, h/down*72
	return max(x, y), max(x, y) < 1.02*min(x, y)
}

// isGray tells whether nothing of the picture can have a colour.
func (p *pdfReader) isGray(i pdfImage) bool {
	if p.resolve(i.pdfDict["ImageMask"]) == true {
		return false // its colour is that of the page
	}
	space := p.array(i.pdfDict["ColorSpace"])
	if len(space) == 0 {
		return false
	}
	switch space[0] {
	case pdfName("DeviceGray"), pdfName("CalGray"), pdfName("G"):
		return true
	case pdfName("ICCBased"):
		return len(space) == 2 && p.channels(space[1]) == 1
	}
	return false
}

func (p *pdfReader) channels(profile any) int64 {
	s, ok := profile.(*pdfStream)
	if !ok {
		return 0
	}
	n, _ := asInt(p.resolve(s.pdfDict["N"]))
	return n
}

// maxJPEG is the longest JPEG that is taken as it is, in bytes. Source: 60
// megapixels at a byte each; it lies in memory twice.
const maxJPEG = 64 << 20

// jpegOf is the picture's own JPEG, nil if it has none that shows what the page
// shows.
func (p *pdfReader) jpegOf(i pdfImage) ([]byte, error) {
	for _, name := range []pdfName{"SMask", "Mask", "Decode", "ImageMask"} {
		if v := p.resolve(i.pdfDict[name]); v != nil && v != false && !p.isIdentity(name, v) {
			return nil, nil
		}
	}
	names, parameters := p.filters(i.pdfStream)
	n := len(names)
	if n == 0 || names[n-1] != "DCTDecode" || n > 2 || n == 2 && names[0] != "FlateDecode" {
		return nil, nil
	}
	// 1 says what three colours are anyway.
	if how := p.resolve(parameters[n-1]["ColorTransform"]); how != nil && how != 1.0 {
		return nil, nil
	}
	if i.length > maxJPEG || !p.hasPlainColours(i) {
		return nil, nil
	}
	if n == 1 {
		return io.ReadAll(p.raw(i.pdfStream))
	}
	return p.unpack(&pdfStream{pdfDict: pdfDict{"Filter": pdfName("FlateDecode")}, offset: i.offset, length: i.length}, maxJPEG)
}

// isIdentity tells whether a Decode array changes nothing.
func (p *pdfReader) isIdentity(name pdfName, v any) bool {
	a := p.array(v)
	if name != "Decode" || len(a)%2 != 0 {
		return false
	}
	for k := 0; k < len(a); k += 2 {
		if a[k] != 0.0 || a[k+1] != 1.0 {
			return false
		}
	}
	return true
}

// hasPlainColours tells whether the numbers in the picture are those of a JPEG
// as everybody reads it.
func (p *pdfReader) hasPlainColours(i pdfImage) bool {
	space := p.array(i.pdfDict["ColorSpace"])
	if len(space) == 0 {
		return false
	}
	switch space[0] {
	case pdfName("DeviceGray"), pdfName("DeviceRGB"), pdfName("CalGray"), pdfName("CalRGB"):
		return true
	case pdfName("ICCBased"):
		n := int64(0)
		if len(space) == 2 {
			n = p.channels(space[1])
		}
		return n == 1 || n == 3
	}
	return false
}
