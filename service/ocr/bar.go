package ocr

import (
	"cmp"
	"math"
	"slices"
)

// barPPM is the resolution in which a bar code is looked at, in pixels a
// millimetre.
const barPPM = 12

// barReading is what was read of a bar code.
type barReading struct {
	digits string // markUnsure where one is not sure
	unsure int
	proven bool // the code's own check character agrees, and every symbol is sure
	kind   string
	fit    float64 // how well the worst symbol agrees, up to 1
	margin float64 // of the surest value against the next, where it is least
	low    float64 // where the bars end, in millimetres from the blank's top
}

// better reports whether a reading says more than another, which may be nil.
func (b *barReading) better(than *barReading) bool {
	switch {
	case b == nil:
		return false
	case than == nil:
		return true
	case b.proven != than.proven:
		return b.proven
	case b.unsure != than.unsure:
		return b.unsure < than.unsure
	}
	return b.margin > than.margin
}

// barReader reads one-dimensional bar codes by comparing what stands at their place
// with all symbols of all codes that can bear digits: which one a printing house
// uses is not known. It is not safe for concurrent use.
type barReader struct {
	codes map[int][]*barCode // by how many digits they bear
	ink   map[inkKey][][]float32

	looked []float32 // what the last look saw
}

// inkKey names the symbols of a code as blur leaves them.
type inkKey struct {
	code *barCode
	set  int
	blur int
}

func newBarReader() *barReader {
	return &barReader{codes: map[int][]*barCode{}, ink: map[inkKey][][]float32{}}
}

// How bars are compared.
const (
	barLooks  = 4   // samples of a module
	barLeast  = .14 // mm, the narrowest module
	barMost   = 1.4 // mm, the widest
	barEdge   = .28 // of full ink, at which the first and the last bar begin and end
	barEdges  = 7   // of them that are tried on each side
	barEnds   = .74 // how well start and stop must agree at least
	barGlance = .45 // the same at a glance, before the ends are moved to where they fit
	barStep   = .12 // modules between the places that are tried for an end
	barReach  = 5   // of them on either side
	barTries  = 5   // codes that are read through
	barShift  = .15 // modules between the places that are tried for a symbol
	barShifts = 3   // of them on either side
	barQuiet  = .40 // of full ink, that may lie beside a proven code at most
	barStreak = .75 // of full ink, that may lie beside any code at most
	barSymbol = .80 // how well a symbol must agree at least to be read
	barTorn   = .55 // below which none may agree, for then it is no code of that kind
	barMargin = .90 // by how much the rest that a sure symbol leaves is less than another's, as a logarithm
	barGrain  = .01 // share of a symbol's ink that grain leaves in any case
)

// barBlurs are the deviations of blur that are tried, in modules.
var barBlurs = []float64{.2, .45, .7}

// read reads the bar code of so many digits in an area; nil if nothing there is one.
func (b *barReader) read(g *gray, h *homography, area box, digits int) *barReading {
	line, low := barLine(g, h, area)
	if line == nil {
		return nil
	}
	best := b.along(line, digits)
	if best != nil {
		best.low = low
	}
	return best
}

// along reads the bar code of a line; nil if it is none.
func (b *barReader) along(line []float64, digits int) *barReading {
	var best *barReading
	for _, inner := range []bool{false, true} {
		for _, e := range b.ends(line, digits, inner) {
			if r := b.through(line, &e); r.better(best) {
				best = r
			}
			if best != nil && best.proven {
				return best
			}
		}
		if best != nil && best.unsure == 0 {
			break
		}
	}
	return best
}

// barLine is the ink along a bar code, 0 for paper and 1 for full ink, nil where no
// bars are, and where they end below. Rows in which no bars stand are left out, and
// stains do not count.
func barLine(g *gray, h *homography, area box) (line []float64, low float64) {
	const above, beside = 2.0, 3.0 // mm by which the code may be off its place
	c := g.crop(h, box{area.x0 - beside, area.y0 - above, area.x1 + beside, area.y1 + above}, barPPM)
	const high = 5 // rows of a band
	bands := make([][]float64, c.h/high)
	energy := make([]float64, len(bands))
	for k := range bands {
		bands[k] = make([]float64, c.w)
		for y := k * high; y < (k+1)*high; y++ {
			for x, v := range c.pix[y*c.w : (y+1)*c.w] {
				bands[k][x] += float64(v) / high
			}
		}
		for x := 2; x < c.w; x++ {
			d := bands[k][x] - bands[k][x-2]
			energy[k] += d * d
		}
	}
	sorted := slices.Sorted(slices.Values(energy))
	if len(sorted) < 4 {
		return nil, 0
	}
	enough := sorted[len(sorted)*4/5] * .45
	var kept [][]float64
	for k, e := range energy {
		if e >= enough {
			kept = append(kept, bands[k])
			low = area.y0 - above + float64((k+1)*high)/barPPM
		}
	}
	return straightened(averaged(kept), barPPM), low
}

// averaged adds up the bands of a code that leans by what makes its edges sharpest.
// Of each column the middle half of the bands counts.
func averaged(bands [][]float64) []float64 {
	wide := len(bands[0])
	out, most := make([]float64, wide), -1.0
	column := make([]float64, len(bands))
	line := make([]float64, wide)
	for _, lean := range []float64{0, -.4, .4, -.8, .8} { // pixels from band to band
		for x := range wide {
			for k, band := range bands {
				at := x + int(math.Round(lean*(float64(k)-float64(len(bands)-1)/2)))
				column[k] = band[min(max(at, 0), wide-1)]
			}
			slices.Sort(column)
			from := len(column) / 4
			sum := 0.0
			for _, v := range column[from : len(column)-from] {
				sum += v
			}
			line[x] = sum / float64(len(column)-2*from)
		}
		sharp := 0.0
		for x := 2; x < wide; x++ {
			d := line[x] - line[x-2]
			sharp += d * d
		}
		if lean == 0 {
			sharp *= 1.05
		}
		if sharp > most {
			most = sharp
			copy(out, line)
		}
	}
	return out
}

// straightened turns light into ink, by the lightest and the darkest nearby.
func straightened(light []float64, ppm float64) []float64 {
	reach := int(2.6 * ppm)
	paper, ink := make([]float64, len(light)), make([]float64, len(light))
	for x := range light {
		near := light[max(0, x-reach):min(len(light), x+reach+1)]
		paper[x], ink[x] = slices.Max(near), slices.Min(near)
	}
	paper, ink = smoothed(paper, reach/2), smoothed(ink, reach/2)
	apart := make([]float64, len(light))
	for x := range light {
		apart[x] = paper[x] - ink[x]
	}
	sorted := slices.Sorted(slices.Values(apart))
	usual := sorted[len(sorted)*6/10]
	if usual < 12 {
		return nil
	}
	out := make([]float64, len(light))
	for x, v := range light {
		out[x] = (paper[x] - v) / max(apart[x], .6*usual)
	}
	return out
}

// barEnd is where a code may begin and end on a line.
type barEnd struct {
	code   *barCode
	count  int     // symbols between start and stop
	x      float64 // where the first bar begins, in pixels
	module float64 // in pixels
	first  int     // which of the starts it is
	blur   int
	fit    float64
	quiet  bool // nothing lies beside it
}

// barBorder is where ink begins or ends on a line, in pixels.
type barBorder struct {
	x     float64
	inner bool // of the first bar its end, of the last its beginning
}

// borders are the first and the last borders of bars, at most barEdges of a kind.
func borders(line []float64, inner bool) (starts, stops []barBorder) {
	var falls, rises []barBorder
	for x := 1; x < len(line); x++ {
		if line[x-1] < barEdge && line[x] >= barEdge {
			rises = append(rises, barBorder{float64(x) - (line[x]-barEdge)/(line[x]-line[x-1]), false})
		}
		if line[x-1] >= barEdge && line[x] < barEdge {
			falls = append(falls, barBorder{float64(x) - (barEdge-line[x])/(line[x-1]-line[x]), false})
		}
	}
	first := func(b []barBorder) []barBorder { return slices.Clone(b[:min(len(b), barEdges)]) }
	last := func(b []barBorder) []barBorder { return slices.Clone(b[max(0, len(b)-barEdges):]) }
	starts, stops = first(rises), last(falls)
	if inner { // a streak hides where the code begins or ends
		for _, b := range first(falls) {
			starts = append(starts, barBorder{b.x, true})
		}
		for _, b := range last(rises) {
			stops = append(stops, barBorder{b.x, true})
		}
	}
	return starts, stops
}

// span is where a code of so many symbols begins and ends between two borders.
func (c *barCode) span(count int, start, stop barBorder) (from, to float64) {
	long, before, behind := c.long(count), 0.0, 0.0
	if start.inner {
		before = c.sets[c.start].bars[0][0]
	}
	if stop.inner {
		last := c.sets[c.stop].bars[0]
		behind = last[len(last)-1]
	}
	module := (stop.x - start.x) / (long - before - behind)
	return start.x - before*module, stop.x + behind*module
}

// ends finds the likeliest beginnings and ends of codes, from the outer borders of
// their bars or from the inner ones, too.
func (b *barReader) ends(line []float64, digits int, inner bool) []barEnd {
	if b.codes[digits] == nil {
		b.codes[digits] = barCodesOf(digits)
	}
	starts, stops := borders(line, inner)
	s := sumsOf(line)
	var out []barEnd
	for _, start := range starts {
		for _, stop := range stops {
			if stop.x-start.x < float64(len(line))*.4 || inner && !start.inner && !stop.inner {
				continue
			}
			for _, code := range b.codes[digits] {
				for _, count := range code.counts {
					from, to := code.span(count, start, stop)
					if e, ok := b.tried(line, s, code, count, from, to); ok {
						out = append(out, e)
					}
				}
			}
		}
	}
	// Two or three bars in the middle of a code can look like its start.
	rank := func(e *barEnd) float64 { return e.fit * e.code.long(e.count) * e.module }
	slices.SortFunc(out, func(a, b barEnd) int { return cmp.Compare(rank(&b), rank(&a)) })
	var kept []barEnd
	for _, e := range out {
		alike := slices.ContainsFunc(kept, func(k barEnd) bool {
			return k.code == e.code && k.count == e.count && math.Abs(k.x-e.x) < e.module && math.Abs(k.module/e.module-1) < .01
		})
		if !alike && len(kept) < barTries {
			kept = append(kept, e)
		}
	}
	return kept
}

// tried is a code that may begin and end at these places; false if it does not.
func (b *barReader) tried(line []float64, s sums, code *barCode, count int, from, to float64) (barEnd, bool) {
	module := (to - from) / code.long(count)
	if module < barLeast*barPPM || module > barMost*barPPM {
		return barEnd{}, false
	}
	quiet := math.Max(s.mean(from-3.2*module, from-.9*module), s.mean(to+.9*module, to+3.2*module))
	if quiet > barStreak {
		return barEnd{}, false
	}
	e := b.fitEnds(line, code, count, from, to)
	e.quiet = quiet <= barQuiet
	return e, e.fit > barEnds
}

// fitEnds moves the ends of a code to where its start and its stop agree best.
func (b *barReader) fitEnds(line []float64, code *barCode, count int, from, to float64) barEnd {
	best := barEnd{code: code, count: count, fit: -1}
	module := (to - from) / code.long(count)
	behind := to - code.sets[code.stop].wide*module
	// Most of what is tried is far from it, which one look at either end tells.
	const middle = 1
	if _, a, _ := b.bestEnd(line, b.symbols(code, code.start, middle), from, module, 0); a < barGlance {
		return best
	}
	if _, z, _ := b.bestEnd(line, b.symbols(code, code.stop, middle), behind, module, 0); z < barGlance {
		return best
	}
	var left, right float64
	for blur := range barBlurs {
		first, last := b.symbols(code, code.start, blur), b.symbols(code, code.stop, blur)
		x, a, which := b.bestEnd(line, first, from, module, barReach)
		y, z, _ := b.bestEnd(line, last, behind, module, barReach)
		if fit := math.Min(a, z) + .01*(a+z); fit > best.fit {
			best.fit, best.blur, best.first, left, right = fit, blur, which, x, y
		}
	}
	best.x = left
	best.module = (right + code.sets[code.stop].wide*module - left) / code.long(count)
	return best
}

// bestEnd is where near a place a symbol of a set stands best, how well, and which.
func (b *barReader) bestEnd(line []float64, symbols [][]float32, at, module float64, reach int) (x, fit float64, which int) {
	fit = -1
	for k := -reach; k <= reach; k++ {
		place := at + float64(k)*barStep*module
		looked := b.look(line, place, module, len(symbols[0]))
		if looked == nil {
			continue
		}
		for i, s := range symbols {
			if v := dotted(looked, s); v > fit {
				x, fit, which = place, v, i
			}
		}
	}
	return x, fit, which
}

// look samples so much of a line, from half a module before a place, as a unit: its
// mean taken away, its length one; nil beyond the line or where it is flat.
//
//go:norace
func (b *barReader) look(line []float64, at, module float64, n int) []float32 {
	b.looked = slices.Grow(b.looked[:0], n)[:n]
	out := b.looked
	step := module / barLooks
	x := at - .5*module + .5*step - .5
	if x < 0 || x+float64(n)*step >= float64(len(line)-1) {
		return nil
	}
	sum, square := float32(0), float32(0)
	for i := range out {
		k := int(x)
		f := float32(x - float64(k))
		v := float32(line[k])*(1-f) + float32(line[k+1])*f
		out[i] = v
		sum += v
		square += v * v
		x += step
	}
	mean := sum / float32(n)
	rest := square - sum*mean
	if rest < .02*float32(n) {
		return nil
	}
	scale := 1 / float32(math.Sqrt(float64(rest)))
	for i := range out {
		out[i] = (out[i] - mean) * scale
	}
	return out
}

//go:norace
func dotted(a, b []float32) float64 {
	sum := float32(0)
	for i, v := range a {
		sum += v * b[i]
	}
	return float64(sum)
}

// symbols are a code's symbols of a set as that blur leaves them, as units.
func (b *barReader) symbols(code *barCode, set, blur int) [][]float32 {
	key := inkKey{code, set, blur}
	if out := b.ink[key]; out != nil {
		return out
	}
	s := &code.sets[set]
	out := make([][]float32, len(s.bars))
	for i, widths := range s.bars {
		out[i] = blurred(widths, s, barBlurs[blur])
	}
	b.ink[key] = out
	return out
}

// blurred samples a symbol's ink from half a module before it to its end, with the
// bar that stands beside it.
func blurred(widths []float64, s *barSet, sigma float64) []float32 {
	edge := func(x float64) float64 { return .5 * (1 + math.Erf(x/(sigma*math.Sqrt2))) }
	n := int(math.Round((s.wide + .5) * barLooks))
	if s.open {
		n += barLooks / 2
	}
	out := make([]float32, n)
	sum, square := 0.0, 0.0
	for i := range out {
		x := -.5 + (float64(i)+.5)/barLooks
		v, at := 0.0, 0.0
		for k, w := range widths {
			if k%2 == 0 {
				v += edge(x-at) - edge(x-at-w)
			}
			at += w
		}
		if !s.open {
			v += edge(x - s.wide)
		}
		if s.after {
			v += 1 - edge(x)
		}
		out[i] = float32(v)
		sum, square = sum+v, square+v*v
	}
	mean := sum / float64(n)
	scale := 1 / math.Sqrt(square-sum*mean)
	for i, v := range out {
		out[i] = float32((float64(v) - mean) * scale)
	}
	return out
}

// barSymbolSeen is how well each symbol of a set agrees with a place.
type barSymbolSeen struct {
	set   int
	fits  []float64
	best  int
	shift float64
}

// rest is the share of ink that a fit leaves unexplained.
func rest(fit float64) float64 { return 1 - fit*math.Max(fit, 0) + barGrain }

// over is by how much the best of the symbols is better than the best of others for
// which same says false.
func (s *barSymbolSeen) over(same func(i int) bool) float64 {
	next := -1.0
	for i, f := range s.fits {
		if !same(i) {
			next = math.Max(next, f)
		}
	}
	return math.Log(rest(next) / rest(s.fits[s.best]))
}

// through reads a code from its start to its stop; nil if it makes no sense.
func (b *barReader) through(line []float64, e *barEnd) *barReading {
	seen := make([]barSymbolSeen, 0, e.count)
	worst, drift := 1.0, 0.0
	at := e.code.sets[e.code.start].wide + e.code.gap
	for k := range e.count {
		if e.code.middle > 0 && k == e.count/2 {
			at += e.code.middle
		}
		set := e.code.set(k, e.count)
		one, ok := b.at(line, e, set, at+drift)
		if !ok {
			return nil
		}
		worst = math.Min(worst, one.fits[one.best])
		drift += .5 * one.shift
		seen = append(seen, one)
		at += e.code.sets[set].wide + e.code.gap
	}
	if worst < barTorn {
		return nil
	}
	out := e.code.decode(e.first, seen)
	if out != nil {
		out.kind, out.fit = e.code.name, worst
		out.proven = out.proven && e.quiet
	}
	return out
}

// at compares a place, in modules from the start, with the symbols of a set.
func (b *barReader) at(line []float64, e *barEnd, set int, place float64) (barSymbolSeen, bool) {
	symbols := b.symbols(e.code, set, e.blur)
	out := barSymbolSeen{set: set, fits: make([]float64, len(symbols))}
	for i := range out.fits {
		out.fits[i] = -1
	}
	found := false
	for k := -barShifts; k <= barShifts; k++ {
		shift := float64(k) * barShift
		looked := b.look(line, e.x+(place+shift)*e.module, e.module, len(symbols[0]))
		if looked == nil {
			continue
		}
		found = true
		for i, s := range symbols {
			v := dotted(looked, s)
			if v > out.fits[out.best] {
				out.best, out.shift = i, shift
			}
			out.fits[i] = math.Max(out.fits[i], v)
		}
	}
	return out, found
}
