package ocr

import (
	"math"
	"slices"
)

// linePlaces is where the digits of a line stand, in millimetres of the blank:
// evenly spread, on a line that may lean.
type linePlaces struct {
	x, y  float64 // middle of the first digit
	pitch float64 // from digit to digit
	lean  float64 // down, for each digit
	high  float64 // of a digit
}

// digitPPM is the resolution in which the line of digits is looked for, in pixels
// a millimetre.
const digitPPM = 6

// Bounds of what a line of digits looks like. Its place is known to the millimetre
// or two; how its digits are spread is the house's taste.
const (
	leastPitch = .62 // of the region's height
	mostPitch  = 2.4 // of the region's height
	leastDigit = 1.3 // mm, height
)

// paperLight is the share of a place with digits that is no lighter than its paper.
// Digits cover less than half of it; what is lighter than that share is grain.
const paperLight = .7

// inkMap is ink over paper of an area, in steps of 255.
func inkMap(g *gray, h *homography, area box, ppm float64) *plane {
	c := g.crop(h, area, ppm)
	out := &plane{c.w, c.h, make([]float32, len(c.pix))}
	// The paper's light, in columns of a few millimetres: most of a column is paper.
	block := max(1, int(4*ppm))
	count := (c.w + block - 1) / block
	papers := make([]float32, count)
	for k := range count {
		var hist histogram
		for y := range c.h {
			hist.addAll(c.pix[y*c.w+k*block : y*c.w+min((k+1)*block, c.w)])
		}
		papers[k] = float32(hist.share(paperLight))
	}
	for x := range c.w {
		at := (float64(x)+.5)/float64(block) - .5
		i := min(max(int(math.Floor(at)), 0), count-1)
		j := min(i+1, count-1)
		f := float32(min(max(at-float64(i), 0), 1))
		paper := papers[i]*(1-f) + papers[j]*f
		for y := range c.h {
			out.pix[y*c.w+x] = max(paper-float32(c.pix[y*c.w+x]), 0)
		}
	}
	return out
}

// findLine finds where in an area a line of n digits stands, false if nothing like
// one does. The line's region is so high.
func findLine(g *gray, h *homography, area box, high float64, n int) (linePlaces, bool) {
	ink := inkMap(g, h, area, digitPPM)
	rows := make([]float64, ink.h)
	aside := max(0, int(float64(ink.h)-high*digitPPM)/2)
	columns := columnsOf(ink, aside, ink.h-aside)
	x0, pitch, ok := comb(columns, n, high*digitPPM)
	if !ok {
		return linePlaces{}, false
	}
	// The rows in which the places of digits are darker than what is between them.
	for y := range ink.h {
		line := make([]float64, ink.w)
		for x := range line {
			line[x] = float64(ink.pix[y*ink.w+x])
		}
		s := sumsOf(line)
		half := min(.3*pitch, .3*high*digitPPM)
		on := make([]float64, n)
		for i := range n {
			c := x0 + float64(i)*pitch
			on[i] = s.mean(c-half, c+half) - min(s.mean(c-.5*pitch-half*.3, c-.5*pitch+half*.3), s.mean(c+.5*pitch-half*.3, c+.5*pitch+half*.3))
		}
		slices.Sort(on)
		rows[y] = sumsOf(on).mean(float64(n)/5, float64(n)*4/5)
	}
	from, to, ok := bandOf(rows, leastDigit*digitPPM, high*digitPPM*1.02)
	if !ok {
		return linePlaces{}, false
	}
	out := linePlaces{
		x: area.x0 + x0/digitPPM, y: area.y0 + (from+to)/2/digitPPM,
		pitch: pitch / digitPPM, high: (to - from) / digitPPM,
	}
	out.settle(ink, area, n)
	return out, true
}

// columnsOf is the mean ink of each column between two rows.
func columnsOf(ink *plane, top, low int) []float64 {
	out := make([]float64, ink.w)
	for y := max(top, 0); y < min(low, ink.h); y++ {
		for x, v := range ink.pix[y*ink.w : (y+1)*ink.w] {
			out[x] += float64(v) / float64(low-top)
		}
	}
	return out
}

// comb finds the even spread of n digits, in pixels: ink at their places, paper
// between and on both sides of them.
func comb(columns []float64, n int, high float64) (first, pitch float64, ok bool) {
	sorted := slices.Clone(columns)
	slices.Sort(sorted)
	most := 2 * sorted[len(sorted)*4/5] // so that a stamp does not outweigh all digits
	capped := make([]float64, len(columns))
	for i, v := range columns {
		capped[i] = min(v, max(most, 1))
	}
	s := sumsOf(capped)
	best := 0.0
	wide := float64(len(columns))
	for p := leastPitch * high; p <= min(mostPitch*high, wide/float64(n)); p += .2 {
		half := min(.32*p, .27*high)
		gap := max(.5*p-half, .12*p) * .7
		for x := half; x+float64(n-1)*p+half <= wide; x += max(1, p/16) {
			score := 0.0
			for i := range n {
				c := x + float64(i)*p
				score += s.mean(c-half, c+half) - .5*(s.mean(c-.5*p-gap, c-.5*p+gap)+s.mean(c+.5*p-gap, c+.5*p+gap))
			}
			// Beside the first and the last there is nothing.
			score -= s.mean(x-1.25*p, x-.6*p) + s.mean(x+(float64(n)-.4)*p, x+(float64(n)+.25)*p)
			if score > best {
				best, first, pitch = score, x, p
			}
		}
	}
	return first, pitch, best > float64(n)*1.2
}

// bandOf finds the stretch of rows with the most above what is beside it.
func bandOf(rows []float64, least, most float64) (from, to float64, ok bool) {
	s := sumsOf(rows)
	best := 0.0
	for a := 0.0; a < float64(len(rows)); a += .5 {
		for b := a + least; b <= min(a+most, float64(len(rows))); b += .5 {
			aside := (b - a) * .22
			score := (s.mean(a, b) - .5*(s.mean(a-aside, a)+s.mean(b, b+aside))) * math.Sqrt(b-a)
			edge := min(s.mean(a, a+2), s.mean(b-2, b))
			if score += .5 * edge * math.Sqrt(b-a); score > best {
				best, from, to = score, a, b
			}
		}
	}
	return from, to, best > 0
}

// settle fits the places to the middles of the digits' ink.
func (l *linePlaces) settle(ink *plane, area box, n int) {
	var xs, ys, ks []float64
	for k := range n {
		cx, cy := l.x+float64(k)*l.pitch-area.x0, l.y-area.y0
		half := min(.48*l.pitch, .5*l.high)
		var sum, sx, sy float64
		for y := int((cy - .75*l.high) * digitPPM); y <= int((cy+.75*l.high)*digitPPM); y++ {
			for x := int((cx - half) * digitPPM); x <= int((cx+half)*digitPPM); x++ {
				if x < 0 || y < 0 || x >= ink.w || y >= ink.h {
					continue
				}
				v := float64(ink.pix[y*ink.w+x])
				v *= v // faint ground counts less
				sum, sx, sy = sum+v, sx+v*(float64(x)+.5), sy+v*(float64(y)+.5)
			}
		}
		if sum <= 0 {
			continue
		}
		dx, dy := sx/sum/digitPPM-cx, sy/sum/digitPPM-cy
		ks, xs, ys = append(ks, float64(k)), append(xs, min(max(dx, -.2*l.high), .2*l.high)), append(ys, min(max(dy, -.2*l.high), .2*l.high))
	}
	if len(ks) < 4 {
		return
	}
	a, b := straight(ks, xs)
	l.x, l.pitch = l.x+a, l.pitch+b
	a, b = straight(ks, ys)
	if math.Abs(b)*float64(n) > .5 { // the blank's place is known better than that
		b = 0
		a = median(ys)
	}
	l.y, l.lean = l.y+a, b
}

// cut samples the cell of digit k, at the line's place moved and stretched by
// shares of a digit's height.
func (l *linePlaces) cut(g *gray, h *homography, k int, right, down, stretch float64, cell *[glyphCellWide * glyphCellHigh]float32) {
	step := l.high * stretch / glyphCapital
	cx, cy := l.x+float64(k)*l.pitch+right*l.high, l.y+float64(k)*l.lean+down*l.high
	for y := range glyphCellHigh {
		for x := range glyphCellWide {
			sum := float32(0)
			for look := range 4 {
				mx := cx + (float64(x)+.25+.5*float64(look%2)-glyphCellWide/2)*step
				my := cy + (float64(y)+.25+.5*float64(look/2)-glyphCellHigh/2)*step
				sum += g.lightAt(h, mx, my)
			}
			cell[y*glyphCellWide+x] = sum / 4
		}
	}
	inkOverPaper(cell)
}

// lightAt is the light of one place of the blank, between pixels; beyond the image
// it is white.
func (g *gray) lightAt(h *homography, x, y float64) float32 {
	u, v := h.at(x, y)
	u, v = u-.5, v-.5
	if u < 0 || v < 0 || u >= float64(g.w-1) || v >= float64(g.h-1) {
		return 255
	}
	iu, iv := int(u), int(v)
	fu, fv := float32(u)-float32(iu), float32(v)-float32(iv)
	i := iv*g.w + iu
	top := float32(g.pix[i])*(1-fu) + float32(g.pix[i+1])*fu
	low := float32(g.pix[i+g.w])*(1-fu) + float32(g.pix[i+g.w+1])*fu
	return top*(1-fv) + low*fv
}

// lineReading is what each digit of a line is likely to be.
type lineReading struct {
	place linePlaces
	odds  [][glyphClasses]float32 // logarithms of likelihoods
}

// glyphSure is the logarithm of a sure digit's likelihood, at least.
const glyphSure = -.07

// glyphClear is the same where each of the first looks alone is that sure, so that
// no more are needed.
const glyphClear = -.015

// cellLooks are the ways in which each cell is cut: its place is known to a tenth of
// its height. What they say is averaged.
var cellLooks = [][3]float64{{.05, .04, 1.07}, {-.05, -.04, .94}, {0, 0, 1}, {.05, -.05, 1}, {-.05, .05, 1.03}}

// clearLooks are how many of them come first.
const clearLooks = 2

// readLine reads the digits of a line, each by itself, knowing nothing of what they
// should be; nil if there seem to be more of them than there should.
func (n *glyphNet) readLine(g *gray, h *homography, place linePlaces, digits int) *lineReading {
	// One more on each side tells whether the line begins where it seems to, for a
	// stain can look like a digit to whoever sees ink alone.
	place.x, place.y = place.x-place.pitch, place.y-place.lean
	odds := make([][glyphClasses]float32, digits+2)
	for k := range odds {
		odds[k] = n.readCell(g, h, &place, k)
	}
	from, best := 1, digitness(odds[1:digits+1])
	for _, f := range []int{0, 2} {
		if v := digitness(odds[f : f+digits]); v > best+lineBetter {
			from, best = f, v
		}
	}
	for k := range odds {
		if _, sure := sureGlyph(&odds[k]); sure && (k < from || k >= from+digits) {
			return nil
		}
	}
	place.x, place.y = place.x+float64(from)*place.pitch, place.y+float64(from)*place.lean
	return &lineReading{place, odds[from : from+digits]}
}

// lineBetter is by how much a line that begins one digit aside must look more like
// digits.
const lineBetter = .5

// digitness is how much cells look like digits, whichever.
func digitness(odds [][glyphClasses]float32) float64 {
	sum := 0.0
	for k := range odds {
		sum += float64(max(odds[k][likeliestGlyph(&odds[k])], -4))
	}
	return sum
}

// likeliestGlyph is the likeliest digit.
func likeliestGlyph(odds *[glyphClasses]float32) int {
	best := 0
	for d := range 10 {
		if odds[d] > odds[best] {
			best = d
		}
	}
	return best
}

// sureGlyph is the likeliest digit, and whether it is sure.
func sureGlyph(odds *[glyphClasses]float32) (int, bool) {
	best := likeliestGlyph(odds)
	return best, odds[best] >= glyphSure
}

// readCell reads digit k of a line.
func (n *glyphNet) readCell(g *gray, h *homography, place *linePlaces, k int) (odds [glyphClasses]float32) {
	var cell [glyphCellWide * glyphCellHigh]float32
	var s glyphState
	var sum [glyphClasses]float64
	looked, clear := 0.0, 0
	for i, look := range cellLooks {
		if i == clearLooks && clear == clearLooks && sum[likeliestGlyph(&s.out)] > clearLooks-.1 {
			break
		}
		place.cut(g, h, k, look[0], look[1], look[2], &cell)
		n.read(&cell, &s)
		looked++
		if s.out[likeliestGlyph(&s.out)] >= glyphClear {
			clear++
		}
		for j, v := range s.out {
			sum[j] += math.Exp(float64(v))
		}
	}
	for j, v := range sum {
		odds[j] = float32(math.Log(max(v/looked, 1e-9)))
	}
	return odds
}

// text is the digits, markUnsure where one is not sure; unsure counts those.
func (l *lineReading) text() (text string, unsure int) {
	out := make([]byte, len(l.odds))
	for k := range l.odds {
		d, sure := sureGlyph(&l.odds[k])
		out[k] = byte('0' + d) //nolint:gosec // a digit
		if !sure {
			out[k] = markUnsure
			unsure++
		}
	}
	return string(out), unsure
}
