package ocr

import "strings"

// barSet is a set of symbols of one width.
type barSet struct {
	bars  [][]float64 // widths of bars and spaces in turn, in modules
	text  []string    // what each says
	wide  float64     // modules, with the space behind where the next symbol follows at once
	open  bool        // a space stands behind it, not a bar
	after bool        // a bar stands before it
}

// barCode is a way to write digits in bars, of one ratio of wide to narrow.
type barCode struct {
	name        string
	sets        []barSet
	start, stop int
	gap         float64 // modules between symbols
	middle      float64 // modules that part the two halves
	counts      []int   // how many symbols between start and stop are possible
	set         func(k, count int) int
	decode      func(first int, seen []barSymbolSeen) *barReading
}

// long is the length of a code with so many symbols, in modules, from the first bar
// to the end of the last.
func (c *barCode) long(count int) float64 {
	sum := c.sets[c.start].wide + c.sets[c.stop].wide + c.middle + float64(count+1)*c.gap
	for k := range count {
		sum += c.sets[c.set(k, count)].wide
	}
	return sum
}

// barRatios are the widths of wide bars in narrow ones that codes of two widths
// have. Source: ISO/IEC 16388 and 16390 allow 2 to 3.
var barRatios = []float64{3, 2.5, 2}

// barCodesOf are the codes that can bear so many digits.
func barCodesOf(digits int) []*barCode {
	out := []*barCode{code128Of(digits)}
	if digits == 13 {
		out = append(out, codeEAN13())
	}
	for _, ratio := range barRatios {
		out = append(out, codeInterleavedOf(digits, ratio), code39Of(digits, ratio), codabarOf(digits, ratio))
	}
	return out
}

// widthsOf spreads digits of widths.
func widthsOf(pattern string) []float64 {
	var out []float64
	for _, c := range pattern {
		out = append(out, float64(c-'0'))
	}
	return out
}

// twoWidths spreads a pattern of narrow and wide elements.
func twoWidths(pattern string, ratio float64) []float64 {
	var out []float64
	for _, c := range pattern {
		if c == 'w' {
			out = append(out, ratio)
		} else {
			out = append(out, 1)
		}
	}
	return out
}

func sumOf(widths []float64) float64 {
	sum := 0.0
	for _, w := range widths {
		sum += w
	}
	return sum
}

// symbols128 are the widths of the symbols of Code 128, 0 to 105. Source: ISO/IEC
// 15417, table 1.
const symbols128 = "212222222122222221121223121322131222122213122312132212221213221312231212112232122132122231113222123122123221223211221132221231213212223112312131311222321122321221312212322112322211212123212321232121111323131123131321112313132113132311211313231113231311112133112331132131113123113321133121313121211331231131213113213311213131311123311321331121312113312311332111314111221411431111111224111422121124121421141122141221112214112412122114122411142112142211241211221114413111241112134111111242121142121241114212124112124211411212421112421211212141214121412121111143111341131141114113114311411113411311113141114131311141411131211412211214211232"

// stop128 is the stop of Code 128 with the bar that ends it.
const stop128 = "2331112"

// Symbols of Code 128 that are not characters.
const (
	change128C = 99
	change128B = 100
	start128A  = 103
	start128B  = 104
	start128C  = 105
	modulo128  = 103
)

// code128Of may write all digits one by one, or in pairs, with changes between.
func code128Of(digits int) *barCode {
	all := barSet{wide: 11}
	for i := range len(symbols128) / 6 {
		all.bars = append(all.bars, widthsOf(symbols128[6*i:6*i+6]))
	}
	data := barSet{bars: all.bars[:start128A], wide: 11}
	starts := barSet{bars: all.bars[start128A:], wide: 11}
	stop := barSet{bars: [][]float64{widthsOf(stop128)}, wide: 13, open: true}
	c := &barCode{
		name: "code128", sets: []barSet{starts, data, stop}, start: 0, stop: 2,
		set: func(int, int) int { return 1 },
	}
	for n := (digits+1)/2 + 1; n <= digits+2; n++ { // data, a change or two, and the check
		c.counts = append(c.counts, n)
	}
	c.decode = func(first int, seen []barSymbolSeen) *barReading { return decode128(start128A+first, seen, digits) }
	return c
}

// decode128 reads symbols after a start, of which the last is the check.
func decode128(start int, seen []barSymbolSeen, digits int) *barReading {
	out := &barReading{margin: 99}
	unsure := 0
	for i := range seen {
		m := seen[i].over(func(k int) bool { return k == seen[i].best })
		out.margin = min(out.margin, m)
		if m < barMargin || seen[i].fits[seen[i].best] < barSymbol {
			unsure++
		}
	}
	data := seen[:len(seen)-1]
	sum := start
	for i := range data {
		sum += (i + 1) * data[i].best
	}
	text, ok := text128(start, data)
	out.digits = digitsOf(text, digits)
	// One wrong symbol cannot agree with the check; of more, one in 103 does.
	if !ok || out.digits == "" || sum%modulo128 != seen[len(seen)-1].best || unsure > 1 {
		return nil
	}
	out.proven = unsure == 0
	return out
}

// text128 is what symbols say after a start.
func text128(start int, data []barSymbolSeen) (string, bool) {
	pairs := start == start128C
	var out strings.Builder
	for i := range data {
		v := data[i].best
		switch {
		case pairs && v < change128C+1:
			out.WriteByte(byte('0' + v/10)) //nolint:gosec // a digit
			out.WriteByte(byte('0' + v%10))
		case pairs && v == change128B:
			pairs = false
		case !pairs && v == change128C:
			pairs = true
		case !pairs && v >= '0'-' ' && v <= '9'-' ':
			out.WriteByte(byte(v + ' '))
		case v == 102 && i == 0: // says that the standard of trade units is followed
		default:
			return "", false
		}
	}
	return out.String(), true
}

// digitsOf returns a text of so many digits, without a 0 that a symbology of
// pairs has put before an odd count, or "".
func digitsOf(text string, digits int) string {
	if len(text) == digits+1 && text[0] == '0' {
		text = text[1:]
	}
	if len(text) != digits {
		return ""
	}
	return text
}

// symbols25 are the digits of 2 of 5. Source: ISO/IEC 16390.
var symbols25 = [10]string{"nnwwn", "wnnnw", "nwnnw", "wwnnn", "nnwnw", "wnwnn", "nwwnn", "nnnww", "wnnwn", "nwnwn"}

// codeInterleavedOf writes pairs of digits, one in bars and one in spaces.
func codeInterleavedOf(digits int, ratio float64) *barCode {
	pairs := barSet{wide: 4*ratio + 6}
	for first := range 10 {
		for second := range 10 {
			var both strings.Builder
			for k := range 5 {
				both.WriteByte(symbols25[first][k])
				both.WriteByte(symbols25[second][k])
			}
			pairs.bars = append(pairs.bars, twoWidths(both.String(), ratio))
			pairs.text = append(pairs.text, string([]byte{byte('0' + first), byte('0' + second)}))
		}
	}
	start := barSet{bars: [][]float64{{1, 1, 1, 1}}, wide: 4}
	stop := barSet{bars: [][]float64{{ratio, 1, 1}}, wide: ratio + 2, open: true}
	c := &barCode{
		name: "interleaved", sets: []barSet{start, pairs, stop}, start: 0, stop: 2, counts: []int{(digits + 1) / 2},
		set: func(int, int) int { return 1 },
	}
	c.decode = func(_ int, seen []barSymbolSeen) *barReading { return spelled(&c.sets[1], seen, digits) }
	return c
}

// spelled puts together what symbols say each by itself. A symbol that is not sure
// is erased, and so is one that agrees too little.
func spelled(set *barSet, seen []barSymbolSeen, digits int) *barReading {
	out := &barReading{margin: 99}
	var text []byte
	for i := range seen {
		s := &seen[i]
		says := set.text[s.best]
		for k := range says {
			m := s.over(func(other int) bool { return set.text[other][k] == says[k] })
			if m < barMargin || s.fits[s.best] < barSymbol {
				text = append(text, markUnsure)
				continue
			}
			out.margin = min(out.margin, m)
			text = append(text, says[k])
		}
	}
	if len(text) == digits+1 {
		if text[0] != '0' && text[0] != markUnsure {
			return nil
		}
		text = text[1:]
	}
	out.digits, out.unsure = string(text), strings.Count(string(text), string(markUnsure))
	if out.unsure*barUnsure > digits {
		return nil
	}
	return out
}

// barUnsure is the part of the digits, one in so many, that may be unsure for a
// reading to count.
const barUnsure = 4

// symbols39 are the digits of Code 39, and the star around them. Source: ISO/IEC
// 16388.
var symbols39 = [10]string{
	"nnnwwnwnn", "wnnwnnnnw", "nnwwnnnnw", "wnwwnnnnn", "nnnwwnnnw",
	"wnnwwnnnn", "nnwwwnnnn", "nnnwnnwnw", "wnnwnnwnn", "nnwwnnwnn",
}

const symbol39Star = "nwnnwnwnn"

// code39Of writes each digit by itself, a narrow space behind it.
func code39Of(digits int, ratio float64) *barCode {
	wide := 6 + 3*ratio + 1
	star := twoWidths(symbol39Star, ratio)
	return singly("code39", digits, ratio, symbols39[:], [][]float64{star}, [][]float64{star}, wide)
}

// singly is a code of single digits, each with a narrow space behind it.
func singly(name string, digits int, ratio float64, symbols []string, starts, stops [][]float64, wide float64) *barCode {
	set := barSet{wide: wide}
	for d, p := range symbols {
		set.bars = append(set.bars, twoWidths(p, ratio))
		set.text = append(set.text, string(rune('0'+d)))
	}
	c := &barCode{
		name: name, start: 0, stop: 2, counts: []int{digits},
		sets: []barSet{{bars: starts, wide: sumOf(starts[0]) + 1}, set, {bars: stops, wide: sumOf(stops[0]), open: true}},
		set:  func(int, int) int { return 1 },
	}
	c.decode = func(_ int, seen []barSymbolSeen) *barReading { return spelled(&c.sets[1], seen, digits) }
	return c
}

// symbolsCodabar are its digits, and the four that begin and end it. Source: EN
// 798.
var (
	symbolsCodabar = [10]string{"nnnnnww", "nnnnwwn", "nnnwnnw", "wwnnnnn", "nnwnnwn", "wnnnnwn", "nwnnnnw", "nwnnwnn", "nwwnnnn", "wnnwnnn"}
	endsCodabar    = [4]string{"nnwwnwn", "nwnwnnw", "nnnwnww", "nnnwwwn"}
)

func codabarOf(digits int, ratio float64) *barCode {
	var ends [][]float64
	for _, p := range endsCodabar {
		ends = append(ends, twoWidths(p, ratio))
	}
	return singly("codabar", digits, ratio, symbolsCodabar[:], ends, ends, 5+2*ratio+1)
}

// symbolsEAN are the widths of the digits of EAN-13 on its right half, space first
// on the left. Source: ISO/IEC 15420.
var symbolsEAN = [10]string{"3211", "2221", "2122", "1411", "1132", "1231", "1114", "1312", "1213", "3112"}

// paritiesEAN tell the first digit by which digits of the left half are written
// backwards.
var paritiesEAN = [10]string{"000000", "001011", "001101", "001110", "010011", "011001", "011100", "010101", "010110", "011010"}

// codeEAN13 writes 13 digits of which the first is told by how the next six are
// written and the last is a check.
func codeEAN13() *barCode {
	// A symbol of the left half begins with a space: before it there is a bar of no
	// width.
	left, right := barSet{wide: 7, open: true, after: true}, barSet{wide: 7}
	for backwards := range 2 {
		for d, p := range symbolsEAN {
			if backwards == 1 {
				p = string([]byte{p[3], p[2], p[1], p[0]})
			}
			left.bars = append(left.bars, append([]float64{0}, widthsOf(p)...))
			left.text = append(left.text, string([]byte{byte('0' + d), byte('0' + backwards)}))
		}
	}
	for d, p := range symbolsEAN {
		right.bars = append(right.bars, widthsOf(p))
		right.text = append(right.text, string(rune('0'+d)))
	}
	guard := barSet{bars: [][]float64{{1, 1, 1}}, wide: 3, open: true}
	c := &barCode{name: "ean13", sets: []barSet{guard, left, right}, start: 0, stop: 0, middle: 5, counts: []int{12}}
	c.set = func(k, count int) int {
		if k < count/2 {
			return 1
		}
		return 2
	}
	c.decode = func(_ int, seen []barSymbolSeen) *barReading { return decodeEAN13(c, seen) }
	return c
}

// decodeEAN13 is sure of all digits or of none: the first and the check depend on
// all others.
func decodeEAN13(c *barCode, seen []barSymbolSeen) *barReading {
	out := &barReading{margin: 99}
	text, parity := []byte{0}, []byte{}
	for i := range seen {
		s := &seen[i]
		says := c.sets[s.set].text[s.best]
		m := s.over(func(k int) bool { return k == s.best })
		if m < barMargin || s.fits[s.best] < barSymbol {
			return nil
		}
		out.margin = min(out.margin, m)
		text = append(text, says[0])
		if len(says) > 1 {
			parity = append(parity, says[1])
		}
	}
	for d, p := range paritiesEAN {
		if p == string(parity) {
			text[0] = byte('0' + d)
		}
	}
	if text[0] == 0 {
		return nil
	}
	sum := 0
	for i, d := range text {
		sum += int(d-'0') * (1 + 2*(i%2))
	}
	if sum%10 != 0 {
		return nil
	}
	out.digits, out.proven = string(text), true
	return out
}
