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

// Bounds of a digit's reading. Source: 1,504 digits of 47 drawn pages of all four
// severities, each read twice: one reading of those that are likely was wrong
// (.66, better by .11), none of those that are sure.
const (
	digitLikely       = .62 // the least correlation of a digit that is read
	digitLikelyMargin = .07 // by which it must be better than any other
	digitSure         = .70 // the same where no second reading agrees
	digitSureMargin   = .10
)

// markUnsure stands for a digit that is not sure.
const markUnsure = '?'

// numberReader reads a line of digits by comparing each with the digits of the
// face that the line was printed in.
type numberReader struct {
	line    service.PrintedLine // of one number of that shape
	shape   string              // the number with 0 for each digit
	pen     *pen
	at      []float64 // where each letter begins, in pixels
	tiles   [10]*plane
	marks   map[rune]*plane // what stands between the digits
	base    int             // row of the baseline in a tile
	average *plane
	tenth   *evidenceTiles
	padX    int
	padY    int
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
	r := &numberReader{line: line, shape: shapeOf(line.Text), pen: p}
	if r.tenth, err = newEvidenceTiles(faces, line); err != nil {
		return nil, err
	}
	r.base = int(size*.70) + 2
	high, wide := r.base+2, int(p.advance('0')+.5)+1
	mean := make([]float32, wide*high)
	for d := range r.tiles {
		ink := p.draw(string(rune('0'+d)), wide, high, .5, float64(r.base))
		for i, v := range ink {
			mean[i] += v / 10
		}
		r.tiles[d] = (&plane{wide, high, ink}).unit()
	}
	r.marks = map[rune]*plane{}
	x := 0.0
	for _, c := range r.shape {
		if c != '0' && r.marks[c] == nil {
			w := int(p.advance(c)+.5) + 1
			r.marks[c] = (&plane{w, high, p.draw(string(c), w, high, .5, float64(r.base))}).unit()
		}
		r.at = append(r.at, x)
		x += p.advance(c)
	}
	r.padX, r.padY = int(p.advance('0')*.9), 3
	whole := &plane{w: (int(x) + 2*r.padX) &^ 1, h: (high + 2*r.padY) &^ 1}
	whole.pix = make([]float32, whole.w*whole.h)
	for i, c := range []rune(r.shape) {
		ink := mean
		if c != '0' {
			ink = p.draw(string(c), wide, high, .5, float64(r.base))
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
	return r, nil
}

// numberReading is what was seen of a number.
type numberReading struct {
	Shape  string
	Scores [][10]float32 // of each digit of the shape, from -1 to 1
	Align  float32       // how well the whole line agrees, from -1 to 1
	DX, DY float64       // how far the print is from its place, in millimetres

	total    float32 // how well all letters agree, added up
	Likely   []bool
	At, Off  []point   // where the baseline of each digit should start, and how far off it is, in millimetres
	Evidence []int     // each digit by the evidence against the others, -1 where there is not enough
	Weight   []float32 // of the evidence
}

// read reads the number at its place; nil if nothing that looks like one stands
// there.
func (r *numberReader) read(g *gray, h *homography) *numberReading {
	size := r.line.Points * service.PointMM
	marginX, marginY := slack+.8, slack+.8
	long := r.at[len(r.at)-1]/numberPPM + size
	area := box{r.line.X - marginX, r.line.Y - size*.7 - marginY, r.line.X + long + marginX, r.line.Y + marginY}
	p := inked(g.crop(h, area, numberPPM))
	// Where the whole line lies, at half size.
	nx := marginX*numberPPM - float64(r.padX)
	ny := (size*.7+marginY)*numberPPM - float64(r.base) - float64(r.padY)
	align, bx, by := p.halved().best(int(nx/2), int(ny/2), int(math.Floor(slack*numberPPM/2)), r.average)
	if align < .25 {
		return nil
	}
	x0, y0 := float64(2*bx+r.padX), float64(2*by+r.padY)
	out := r.readAt(p, area, x0, y0)
	if slices.Contains(out.Likely, false) {
		// Under other ink the line can seem to lie one letter aside.
		letter := r.pen.advance('0')
		for _, aside := range []float64{-letter, letter} {
			off := (x0 + aside - marginX*numberPPM) / numberPPM
			if math.Abs(off) > slack+.5 {
				continue
			}
			if other := r.readAt(p, area, x0+aside, y0); other.total > out.total {
				out = other
			}
		}
	}
	out.Align = align
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

// joinedNumber reads the number out of two readings of one line, the second of
// which may be nil. Each can say what a digit is in two ways, by likeness and by
// evidence; a digit is read if something is sure of it and nothing contradicts, else
// it is markUnsure. It returns how many are.
func joinedNumber(a, b *numberReading) (text string, unsure int) {
	out, k := []byte(a.Shape), -1
	for i, c := range out {
		if c != '0' {
			continue
		}
		k++
		v := votes{digit: -1}
		v.add(a, k)
		if b != nil {
			v.add(b, k)
		}
		if out[i] = markUnsure; v.read() {
			out[i] = byte('0' + v.digit) //nolint:gosec // a digit
		} else {
			unsure++
		}
	}
	return string(out), unsure
}

// votes are what is said of one digit.
type votes struct {
	digit  int // -1 before anything is said
	sure   bool
	likely int // how often it was likely
	apart  bool
}

// read reports whether the digit is read.
func (v *votes) read() bool { return v.digit >= 0 && !v.apart && (v.sure || v.likely > 1) }

// add counts what a reading says of its digit k.
func (v *votes) add(n *numberReading, k int) {
	say := func(d int) {
		if v.digit >= 0 && v.digit != d {
			v.apart = true
		}
		v.digit = d
	}
	digit, likely := digitOf(&n.Scores[k], digitLikely, digitLikelyMargin)
	if likely {
		say(digit)
		v.likely++
		if _, sure := digitOf(&n.Scores[k], digitSure, digitSureMargin); sure {
			v.sure = true
		}
	}
	if k >= len(n.Evidence) || n.Evidence[k] < 0 {
		return
	}
	least := float32(evidenceEnough)
	if n.Evidence[k] != digit {
		least = evidenceAlone
	}
	if n.Weight[k] >= least {
		say(n.Evidence[k])
		v.sure = true
	}
}
