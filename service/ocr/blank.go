package ocr

import (
	"cmp"
	"math"
	"slices"

	"flowbot/service"
)

// readBlank reads the number of the blank twice: by its bar code, and by its digits,
// each without knowing the other. Where that leaves something open it looks once
// more at the page's own size, and in the colour that shows the number best.
func (r *Reader) readBlank(p *page, out *service.PageReading) error {
	b, err := r.lookAtBlank(p)
	if err != nil {
		return err
	}
	b.tell(out)
	if !b.enough() {
		return nil // a series without a number names no blank
	}
	return r.readSeries(p, out)
}

func (r *Reader) lookAtBlank(p *page) (*blankReading, error) {
	nets, err := loadNets()
	if err != nil {
		return nil, err
	}
	net := nets.strange
	b := &blankReading{digits: r.profile.Digits}
	b.bar, b.hasBar = regionOf(&r.profile, service.RegionBarCode)
	b.line, b.hasLine = regionOf(&r.profile, service.RegionBlankNumber)
	if !b.hasBar || !b.hasLine {
		return b, nil // one reading alone is none
	}
	b.look(r.bars, net, p.img, &p.h)
	if b.enough() {
		return b, nil
	}
	return b, r.closer(p, b.around(), b.bar, func(g *gray, h *homography) bool {
		b.look(r.bars, net, g, h)
		return !b.enough()
	})
}

func regionOf(p *service.BlankProfile, name service.Region) (box, bool) {
	b, ok := p.Region(name)
	return box{b.X, b.Y, b.X + b.Width, b.Y + b.Height}, ok
}

// blankReading collects what the looks at a blank's number say.
type blankReading struct {
	digits          int
	bar, line       box
	hasBar, hasLine bool

	bars  []*barReading
	lines []*lineReading
}

// around is the place of both.
func (b *blankReading) around() box {
	return box{math.Min(b.bar.x0, b.line.x0), math.Min(b.bar.y0, b.line.y0), math.Max(b.bar.x1, b.line.x1), math.Max(b.bar.y1, b.line.y1)}
}

// look reads a picture.
func (b *blankReading) look(bars *barReader, net *glyphNet, g *gray, h *homography) {
	if _, unsure := b.code(); unsure > 0 {
		if seen := bars.read(g, h, b.bar, b.digits); seen != nil {
			b.bars = append(b.bars, seen)
		}
	}
	if _, unsure := b.text(); unsure > 0 {
		if place, ok := findLine(g, h, b.beyond(), b.line.y1-b.line.y0, b.digits); ok {
			if seen := net.readLine(g, h, place, b.digits); seen != nil {
				b.lines = append(b.lines, seen)
			}
		}
	}
}

// Where a line of digits is looked for, in millimetres.
const (
	lineSlackX = 1.5 // beside its region
	lineSlackY = 1.0 // above and below it
	barsBelow  = .2  // bars may end so far below their region
	barsAbove  = .9  // or so far above its end, and still be where they should
)

// beyond is where the line of digits may stand: its region with some room, moved as
// far as the bars above it are.
func (b *blankReading) beyond() box {
	out := box{b.line.x0 - lineSlackX, b.line.y0 - lineSlackY, b.line.x1 + lineSlackX, b.line.y1 + lineSlackY}
	if n := len(b.bars); n > 0 && b.line.y0 > b.bar.y0 {
		if off := b.bars[n-1].low - b.bar.y1; off > barsBelow || off < -barsAbove {
			out.y0, out.y1 = out.y0+off, out.y1+off
		}
	}
	return out
}

// code is the number by the bar code, and how many of its digits are unsure. Looks
// that contradict each other leave a digit unsure.
func (b *blankReading) code() (string, int) {
	var texts []string
	for _, s := range b.bars {
		texts = append(texts, s.digits)
	}
	return united(texts, b.digits)
}

// text is the number by its digits.
func (b *blankReading) text() (string, int) {
	var texts []string
	for _, l := range b.lines {
		text, _ := l.text()
		texts = append(texts, text)
	}
	return united(texts, b.digits)
}

// united is what readings of so many digits say together, and how many digits they
// leave unsure.
func united(texts []string, digits int) (string, int) {
	out := make([]byte, digits)
	unsure := 0
	for k := range out {
		out[k] = markUnsure
		for _, t := range texts {
			switch {
			case t[k] == markUnsure:
			case out[k] == markUnsure:
				out[k] = t[k]
			case out[k] != t[k]:
				out[k] = 'x'
			}
		}
		if out[k] == 'x' || out[k] == markUnsure {
			out[k] = markUnsure
			unsure++
		}
	}
	if unsure == digits {
		return "", digits
	}
	return string(out), unsure
}

// enough reports whether another look can add nothing that is needed.
func (b *blankReading) enough() bool {
	var out service.PageReading
	b.tell(&out)
	_, ok := service.BlankNumberOf(&out)
	return ok
}

// tell writes down what was read.
func (b *blankReading) tell(out *service.PageReading) {
	out.BlankCode, _ = b.code()
	out.BlankDigits, _ = b.text()
	out.BlankMaybe = b.maybe()
	for _, s := range b.bars {
		out.BlankKind = s.kind
	}
}

// glyphMaybe is by how much the logarithm of a digit's likelihood may be less than
// the likeliest digit's for it to be possible.
const glyphMaybe = 3

// maybe lists for each place the digits that can stand there, the likeliest first.
func (b *blankReading) maybe() []string {
	if len(b.lines) == 0 {
		return nil
	}
	out := make([]string, b.digits)
	for k := range out {
		var odds [glyphClasses]float32
		for _, l := range b.lines {
			for i, v := range l.odds[k] {
				odds[i] += v / float32(len(b.lines))
			}
		}
		digits := []byte("0123456789")
		slices.SortStableFunc(digits, func(x, y byte) int { return cmp.Compare(odds[y-'0'], odds[x-'0']) })
		n := 1
		for n < len(digits) && odds[digits[n]-'0'] > odds[digits[0]-'0']-glyphMaybe {
			n++
		}
		out[k] = string(digits[:n])
	}
	return out
}

// closerBeside is the room around a blank's mark when it is looked at closer, in
// millimetres: how far it may be off, and paper beside it.
const closerBeside = 6.0

// closer shows a part of the page at its own size, in the light of all colours and
// then in those that show coloured print best, until see has seen enough.
func (r *Reader) closer(p *page, part, bars box, see func(g *gray, h *homography) bool) error {
	cut, err := r.cutOut(p, box{part.x0 - closerBeside, part.y0 - closerBeside, part.x1 + closerBeside, part.y1 + closerBeside})
	if cut == nil || err != nil {
		return err
	}
	if cut.gray {
		if p.part == 1 {
			return nil // as it was looked at
		}
		g, err := r.jpeg.luma(cut.data, 1)
		if err != nil {
			return err
		}
		see(g, &cut.h)
		return nil
	}
	c, err := r.jpeg.colours(cut.data)
	if err != nil {
		return err
	}
	if p.part > 1 && !see(c.light(), &cut.h) {
		return nil
	}
	see(c.aside(&cut.h, bars), &cut.h)
	return nil
}
