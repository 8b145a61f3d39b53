package ocr

import (
	"math"
	"slices"
	"strings"

	"flowbot/service"
)

// numberPPM is the resolution in which a printed number is looked at, in pixels a
// millimetre: about 150 dpi, of which a scan in 300 dpi is decoded at once.
const numberPPM = 6

// slack is how far print may be from its place, in millimetres: two of the
// printer's own, and what the frame's corners are off by.
const slack = 2.8

// Bounds of a digit's likeness. Source: 1,504 digits of 47 drawn pages of all four
// severities, each read twice: one reading of those that are likely was wrong
// (.66, better by .11), none of those that are sure.
const (
	digitLikely       = .62 // the least correlation of a digit that tells where the line lies
	digitLikelyMargin = .07 // by which it must be better than any other
	digitSure         = .70 // the same for a digit that is plain to see
	digitSureMargin   = .10
)

// markUnsure stands for a digit that is not sure.
const markUnsure = '?'

// numberReader reads a line of digits by comparing each with the digits of the
// face that the line was printed in. It is not safe for concurrent use. Lengths are
// in pixels of numberPPM.
type numberReader struct {
	line    service.PrintedLine // of one number of that shape
	shape   string              // the number with 0 for each digit
	pen     *pen
	at      []float64 // where each letter begins
	long    float64   // the width of all
	tiles   [10]*plane
	marks   map[rune]*plane // what stands between the digits
	base    int             // row of the baseline in a tile
	average *plane          // the line with the mean of all digits, at half size
	padX    int             // around the average
	padY    int

	evidenceTiles *evidenceTiles
	nets          *nets
	state         glyphState
}

// shapeOf is a number with 0 in the place of each digit.
func shapeOf(number string) string {
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return '0'
		}
		return r
	}, number)
}

func newNumberReader(faces typefaces, line service.PrintedLine) (*numberReader, error) {
	size := line.Points * service.PointMM * numberPPM
	p, err := faces.pen(line.Face, size)
	if err != nil {
		return nil, err
	}
	r := &numberReader{line: line, shape: shapeOf(line.Text), pen: p, base: int(size*capitalHigh) + 2}
	if r.evidenceTiles, err = newEvidenceTiles(faces, line); err != nil {
		return nil, err
	}
	if r.nets, err = loadNets(); err != nil {
		return nil, err
	}
	r.drawLetters()
	r.drawLine()
	return r, nil
}

// reach is how far a line of the shape reaches to the right of its place, with a
// letter's room, in millimetres.
func (r *numberReader) reach() float64 {
	return r.at[len(r.at)-1]/numberPPM + r.line.Points*service.PointMM
}

// letter draws one letter into a tile.
func (r *numberReader) letter(c rune, wide int) *plane {
	high := r.base + 2
	return &plane{wide, high, r.pen.draw(string(c), wide, high, .5, float64(r.base))}
}

// digitWide is the width of a digit's tile.
func (r *numberReader) digitWide() int { return int(r.pen.advance('0')+.5) + 1 }

// drawLetters draws the digits and the marks between them.
func (r *numberReader) drawLetters() {
	for d := range r.tiles {
		r.tiles[d] = r.letter(rune('0'+d), r.digitWide()).unit()
	}
	r.marks = map[rune]*plane{}
	x := 0.0
	for _, c := range r.shape {
		if c != '0' && r.marks[c] == nil {
			r.marks[c] = r.letter(c, int(r.pen.advance(c)+.5)+1).unit()
		}
		r.at = append(r.at, x)
		x += r.pen.advance(c)
	}
	r.long = x
}

// drawLine draws the whole line, with the mean of all digits in the place of each.
func (r *numberReader) drawLine() {
	wide, high := r.digitWide(), r.base+2
	mean := make([]float32, wide*high)
	for d := range 10 {
		for i, v := range r.letter(rune('0'+d), wide).pix {
			mean[i] += v / 10
		}
	}
	r.padX, r.padY = int(r.pen.advance('0')*.9), 3
	whole := &plane{w: (int(r.long) + 2*r.padX) &^ 1, h: (high + 2*r.padY) &^ 1}
	whole.pix = make([]float32, whole.w*whole.h)
	for i, c := range []rune(r.shape) {
		ink := mean
		if c != '0' {
			ink = r.letter(c, wide).pix
		}
		x0 := r.padX + int(r.at[i]+.5)
		for y := range high {
			for k := range wide {
				if x0+k < whole.w && y+r.padY < whole.h {
					whole.pix[(y+r.padY)*whole.w+x0+k] += ink[y*wide+k]
				}
			}
		}
	}
	r.average = whole.halved().unit()
}

// numberReading is what was seen of a number.
type numberReading struct {
	Shape  string
	Scores [][10]float32 // of each digit of the shape, from -1 to 1
	Align  float32       // how well the whole line agrees, from -1 to 1
	DX, DY float64       // how far the print is from its place, in millimetres

	total    float32 // how well all letters agree, added up
	Likely   []bool
	Line     lineOff   // of what they are off
	At, Off  []point   // where the baseline of each digit should start, and how far off it is, in millimetres
	Evidence []int     // each digit by the evidence against the others, -1 where there is not enough
	Weight   []float32 // of the evidence
	Sights   []sight   // of the net
	Strange  []sight   // of the net that has learned other faces, where it was asked
	Twin     []sight   // of the net that has learned the same from other lines, where it was asked
}

// read reads the number at its place; nil if nothing that looks like one stands
// there.
func (r *numberReader) read(g *gray, h *homography, off misprint) *numberReading {
	size := r.line.Points * service.PointMM
	marginX, marginY := off.around+.8, off.around+.8
	x, y := r.line.X+off.dx, r.line.Y+off.dy
	area := box{x - marginX, y - size*capitalHigh - marginY, x + r.reach() + marginX, y + marginY}
	p := inked(g.crop(h, area, numberPPM))
	// Where the whole line lies, at half size.
	nx := marginX*numberPPM - float64(r.padX)
	ny := (size*capitalHigh+marginY)*numberPPM - float64(r.base) - float64(r.padY)
	align, bx, by := p.halved().best(int(nx/2), int(ny/2), int(math.Floor(off.around*numberPPM/2)), r.average)
	if align < .25 {
		return nil
	}
	x0, y0 := float64(2*bx+r.padX), float64(2*by+r.padY)
	out := r.readAt(p, area, x0, y0)
	if slices.Contains(out.Likely, false) {
		// Under other ink the line can seem to lie one letter aside.
		letter := r.pen.advance('0')
		for _, aside := range []float64{-letter, letter} {
			if math.Abs(x0+aside-marginX*numberPPM)/numberPPM > off.around+.5 {
				continue
			}
			if other := r.readAt(p, area, x0+aside, y0); other.total > out.total {
				out = other
			}
		}
	}
	out.Align = align
	out.straighten()
	return out
}

// readAt reads the number that starts at x0, y0 of the strip of an area: the left
// of the first letter, the top of a tile.
func (r *numberReader) readAt(p *plane, area box, x0, y0 float64) *numberReading {
	out := &numberReading{Shape: r.shape}
	driftX, driftY, first := 0.0, 0.0, true
	for i, c := range []rune(r.shape) {
		cx, cy := int(math.Round(x0+r.at[i]+driftX)), int(math.Round(y0+driftY))
		if c != '0' {
			s, _, _ := p.best(cx, cy, 1, r.marks[c])
			out.total += s
			continue
		}
		around, step := 2, .5
		if first {
			around, step = 3, 1
		}
		var scores [10]float32
		top, dx, dy := float32(-1), 0, 0
		for d, tile := range r.tiles {
			s, fx, fy := p.best(cx, cy, around, tile)
			if scores[d] = s; s > top {
				top, dx, dy = s, fx-cx, fy-cy
			}
		}
		out.total += top
		out.Scores = append(out.Scores, scores)
		_, likely := digitOf(&scores, digitLikely, digitLikelyMargin)
		out.Likely = append(out.Likely, likely)
		nominal := point{r.line.X + r.at[i]/numberPPM, r.line.Y}
		out.At = append(out.At, nominal)
		out.Off = append(out.Off, point{
			area.x0 + (float64(cx+dx)+.5)/numberPPM - nominal.x, area.y0 + float64(cy+dy+r.base)/numberPPM - nominal.y,
		})
		if likely {
			driftX += step * float64(dx)
			driftY += step * float64(dy)
			first = false
		}
	}
	out.DX = (x0+driftX)/numberPPM + area.x0 - r.line.X
	out.DY = (y0+driftY+float64(r.base))/numberPPM + area.y0 - r.line.Y
	return out
}

// digitOf is the digit of the best score, and whether it reaches the least and is
// better than the others by the margin.
func digitOf(scores *[10]float32, least, margin float32) (int, bool) {
	digit, top, second := 0, float32(-1), float32(-1)
	for d, s := range scores {
		switch {
		case s > top:
			digit, top, second = d, s, top
		case s > second:
			second = s
		}
	}
	return digit, top >= least && top-second >= margin
}

// joinedNumber reads the number out of the readings of one line in different
// light. A digit is read if two ways of reading agree on it and none contradicts,
// else it is markUnsure. Likely is what the net alone proposes and nothing
// contradicts, and unsure is how many digits are not read.
func joinedNumber(readings ...*numberReading) (text, likely string, unsure int) {
	out, maybe, k := []byte(readings[0].Shape), []byte(readings[0].Shape), -1
	var hard []int // to read, by their place in the number
	for i, c := range out {
		if c != '0' {
			continue
		}
		k++
		v := votes{digit: -1, evidence: -1}
		for _, n := range readings {
			v.look(n, k)
		}
		for _, n := range readings {
			v.compare(n, k)
		}
		out[i], maybe[i] = markUnsure, markUnsure
		if v.digit >= 0 && !v.apart && v.odds >= sightLikely {
			maybe[i] = byte('0' + v.digit) //nolint:gosec // a digit
		}
		if v.read() {
			out[i] = maybe[i]
		} else {
			unsure++
		}
		if !v.plain {
			hard = append(hard, i)
		}
	}
	if unsure > mostErased { // a blot: what stands out of it may be the blot's
		for _, i := range hard {
			out[i], maybe[i] = markUnsure, markUnsure
		}
		unsure = len(hard)
	}
	return string(out), string(maybe), unsure
}

// votes are what five ways of reading say of one digit: the net, likeness to the
// print, the evidence of what only one of two digits has, a net that has never seen
// the print's faces, and a twin of the first that has learned from other lines. The
// first proposes, another must second it.
type votes struct {
	digit    int // of the net; -1: none
	odds     float64
	alike    bool    // it is the likest
	plain    bool    // and surely so
	strange  bool    // the net of strange faces says the same
	twin     float64 // odds of the twin for it
	evidence float32 // for it; negative if the evidence is not for it
	apart    bool    // something is sure of another digit
}

// Bounds of a digit that is read. Source: 7,200 digits of 449 drawn pages of all
// four severities, those under other ink among them. One digit in reach of these
// bounds was wrong, an 8 of which all ways of reading saw a 6; it was on a page of
// 150 dpi, under a stamp and a signature. With .75 for the twin two more were, and
// two pages of 280 more were read.
const (
	sightSure   = .95 // odds with which the net proposes, where likeness or evidence seconds
	sightPlain  = .99 // the same where only the net of strange faces does
	sightTwin   = .85 // mean odds of the net and of its twin where only they agree
	sightLikely = .50 // odds of each of them, then, and of the net where both likeness and evidence second
	sightOther  = .30 // odds of another digit that contradict
	twinOther   = .90 // the same of the twin
	strangeSure = .75 // odds with which the net of strange faces seconds

	digitApart       = .78 // correlation of another digit that contradicts
	digitApartMargin = .12 // and by which it is better than all others
)

// read reports whether the digit is read.
func (v *votes) read() bool {
	if v.digit < 0 || v.apart {
		return false
	}
	return v.odds >= sightSure && (v.alike || v.evidence >= 0) ||
		v.odds >= sightPlain && v.strange ||
		v.odds >= sightLikely && v.twin >= sightLikely && v.odds+v.twin >= 2*sightTwin ||
		v.odds >= sightLikely && v.alike && v.evidence >= evidenceSecond
}

// look counts what the net makes of digit k of a reading.
func (v *votes) look(n *numberReading, k int) {
	s := &n.Sights[k]
	switch {
	case s.digit < 0:
		return
	case v.digit < 0:
		v.digit, v.odds = s.digit, s.odds
	case s.digit == v.digit:
		v.odds = max(v.odds, s.odds)
	case s.odds > v.odds:
		v.apart = v.apart || v.odds >= sightOther
		v.digit, v.odds = s.digit, s.odds
	default:
		v.apart = v.apart || s.odds >= sightOther
	}
}

// compare counts what the other ways of reading make of digit k of a reading.
func (v *votes) compare(n *numberReading, k int) {
	digit, sure := digitOf(&n.Scores[k], digitSure, digitSureMargin)
	if digit == v.digit {
		v.alike, v.plain = true, v.plain || sure
	} else if _, apart := digitOf(&n.Scores[k], digitApart, digitApartMargin); apart {
		v.apart = true
	}
	if k < len(n.Strange) && n.Strange[k].digit == v.digit && n.Strange[k].odds >= strangeSure {
		v.strange = true
	}
	if k < len(n.Twin) && n.Twin[k].digit >= 0 {
		if n.Twin[k].digit == v.digit {
			v.twin = max(v.twin, n.Twin[k].odds)
		} else if n.Twin[k].odds >= twinOther {
			v.apart = true
		}
	}
	if k >= len(n.Evidence) || n.Evidence[k] < 0 {
		return
	}
	if n.Evidence[k] == v.digit {
		v.evidence = max(v.evidence, n.Weight[k])
	} else if n.Weight[k] >= evidenceAlone {
		v.apart = true
	}
}
