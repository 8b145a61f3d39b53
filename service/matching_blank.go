package service

import "strings"

// blankBoth is the share of a blank's digits, in percent, that its bar code and the
// digits beside it must both be sure of. The bar code is read with a margin at each
// of its symbols, of which no two are alike in fewer than two of their widths, so
// that a few digits under a stamp may stand on it alone. Source: 880 drawn pages of
// all four severities in three kinds of bar codes, no bar code of which was wrong.
const blankBoth = 60

// BlankNumberOf decides whether the number of a page's blank is read: its bar code
// and its digits are two readings that know nothing of each other, and they agree
// wherever both are sure, which is in most places. Nothing is left open, and where a
// digit is not sure that of the bar code must be one that it can be. It is pure.
func BlankNumberOf(r *PageReading) (BlankKey, bool) {
	code, digits := r.BlankCode, r.BlankDigits
	if code == "" || len(code) != len(digits) {
		return BlankKey{}, false
	}
	number, both := []byte(code), 0
	for i := range number {
		if digits[i] == '?' {
			if code[i] == '?' || i < len(r.BlankMaybe) && strings.IndexByte(r.BlankMaybe[i], code[i]) < 0 {
				return BlankKey{}, false
			}
			continue
		}
		if code[i] == '?' {
			number[i] = digits[i]
			continue
		}
		if code[i] != digits[i] {
			return BlankKey{}, false
		}
		both++
	}
	if both*100 < blankBoth*len(number) {
		return BlankKey{}, false
	}
	return BlankKey{Series: r.BlankSeries, Number: string(number)}, true
}
