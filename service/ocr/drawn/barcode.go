package drawn

import (
	"fmt"
	"strings"
)

// Symbology is how a bar code writes digits.
type Symbology string

// The symbologies in which blanks are drawn. Which one real blanks bear is not
// known.
const (
	Code128     Symbology = "code128"     // ISO/IEC 15417
	Interleaved Symbology = "interleaved" // 2 of 5, ISO/IEC 16390
	Code39      Symbology = "code39"      // ISO/IEC 16388
)

// Symbologies are all of them.
var Symbologies = []Symbology{Code128, Interleaved, Code39}

// Bars are the widths of bars and spaces in turn, in modules, from the first bar to
// the last.
func (s Symbology) Bars(digits string) ([]int, error) {
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return nil, fmt.Errorf("a bar code of %q", digits)
	}
	switch s {
	case Code128:
		return code128(digits), nil
	case Interleaved:
		return interleaved(digits), nil
	case Code39:
		return code39(digits), nil
	}
	return nil, fmt.Errorf("symbology %q", s)
}

// patterns128 are the widths of the symbols 0 to 105, and the stop. Source:
// ISO/IEC 15417, table 1.
const patterns128 = "212222222122222221121223121322131222122213122312132212221213221312231212112232122132122231113222123122123221223211221132221231213212223112312131311222321122321221312212322112322211212123212321232121111323131123131321112313132113132311211313231113231311112133112331132131113123113321133121313121211331231131213113213311213131311123311321331121312113312311332111314111221411431111111224111422121124121421141122141221112214112412122114122411142112142211241211221114413111241112134111111242121142121241114212124112124211411212421112421211212141214121412121111143111341131141114113114311411113411311113141114131311141411131211412211214211232"

// widths128 are the widths of a symbol.
func widths128(n int) []int {
	var out []int
	for _, c := range patterns128[6*n : 6*n+6] {
		out = append(out, int(c-'0'))
	}
	return out
}

// code128 writes digits in pairs, and the first alone when they are odd.
func code128(digits string) []int {
	const startB, startC, toC = 104, 105, 99
	var symbols []int
	if len(digits)%2 == 1 {
		symbols = append(symbols, startB, int(digits[0]-' '), toC)
		digits = digits[1:]
	} else {
		symbols = append(symbols, startC)
	}
	for ; digits != ""; digits = digits[2:] {
		symbols = append(symbols, int(digits[0]-'0')*10+int(digits[1]-'0'))
	}
	sum := symbols[0]
	for i, s := range symbols[1:] {
		sum += (i + 1) * s
	}
	symbols = append(symbols, sum%103)
	var out []int
	for _, s := range symbols {
		out = append(out, widths128(s)...)
	}
	return append(out, 2, 3, 3, 1, 1, 1, 2) // the stop
}

// narrowWide spreads a pattern of narrow and wide elements.
func narrowWide(pattern string) []int {
	var out []int
	for _, c := range pattern {
		if c == 'w' {
			out = append(out, 3)
		} else {
			out = append(out, 1)
		}
	}
	return out
}

// patterns25 are the digits of 2 of 5. Source: ISO/IEC 16390.
var patterns25 = [10]string{"nnwwn", "wnnnw", "nwnnw", "wwnnn", "nnwnw", "wnwnn", "nwwnn", "nnnww", "wnnwn", "nwnwn"}

// interleaved writes pairs of digits, the first in bars, the second in spaces; an
// odd count gets a 0 before it.
func interleaved(digits string) []int {
	if len(digits)%2 == 1 {
		digits = "0" + digits
	}
	out := []int{1, 1, 1, 1}
	for ; digits != ""; digits = digits[2:] {
		bars, spaces := narrowWide(patterns25[digits[0]-'0']), narrowWide(patterns25[digits[1]-'0'])
		for i := range bars {
			out = append(out, bars[i], spaces[i])
		}
	}
	return append(out, 3, 1, 1)
}

// patterns39 are the digits, and the star around them. Source: ISO/IEC 16388.
var patterns39 = [10]string{
	"nnnwwnwnn", "wnnwnnnnw", "nnwwnnnnw", "wnwwnnnnn", "nnnwwnnnw",
	"wnnwwnnnn", "nnwwwnnnn", "nnnwnnwnw", "wnnwnnwnn", "nnwwnnwnn",
}

const star39 = "nwnnwnwnn"

// code39 writes each digit by itself, one narrow space between them.
func code39(digits string) []int {
	out := narrowWide(star39)
	for _, c := range digits {
		out = append(out, 1)
		out = append(out, narrowWide(patterns39[c-'0'])...)
	}
	out = append(out, 1)
	return append(out, narrowWide(star39)...)
}
