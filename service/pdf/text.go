package pdf

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/signintech/gopdf"
	"golang.org/x/text/unicode/norm"

	"flowbot/service"
)

// style is a face at a size.
type style struct {
	face   string
	points float64
}

// millimetres in a typographic point.
const point = 25.4 / 72

// leading is the distance of baselines in sizes of the type. Under 1.2 the
// breve of Й touches the line above.
const leading = 1.2

// rise is the height of a capital letter of PT Serif in sizes of the type.
// Source: the font's OS/2 table, sCapHeight 700 of 1000.
const rise = 0.7

// line is the distance of baselines in millimetres.
func (s style) line() float64 { return s.points * point * leading }

// capital is the height of a capital letter in millimetres.
func (s style) capital() float64 { return s.points * point * rise }

// clean gives the text as it is printed: letters composed, because a combining
// mark has no place of its own in the font, and every run of white space one
// space. A no-break space stays.
func clean(text string) string {
	words := strings.FieldsFunc(norm.NFC.String(text), func(r rune) bool {
		return r != '\u00a0' && r != '\u202f' && unicode.IsSpace(r)
	})
	return strings.Join(words, " ")
}

// glyph is a letter of a face.
type glyph struct {
	face string
	rune rune
}

// ruler measures text. It is not safe for concurrent use.
type ruler struct {
	doc   *gopdf.GoPdf
	known map[glyph]bool
}

func (p *Printer) newRuler() (*ruler, error) {
	doc, err := p.open(actSheet, []string{serif, serifBold}, gopdf.PdfInfo{})
	if err != nil {
		return nil, err
	}
	doc.AddPage()
	return &ruler{doc: doc, known: map[glyph]bool{}}, nil
}

// width returns the width of the text in millimetres. A letter that the face
// does not have is a *service.GlyphError: gopdf itself would print a space.
func (r *ruler) width(s style, text string) (float64, error) {
	if text == "" {
		return 0, nil
	}
	if err := r.doc.SetFont(s.face, "", s.points); err != nil {
		return 0, fmt.Errorf("set font %s: %w", s.face, err)
	}
	for _, c := range text {
		if r.known[glyph{s.face, c}] {
			continue
		}
		// Outside the basic plane the font has nothing, and the library would take
		// the low half of the letter's number for another letter.
		has, err := r.doc.IsCurrFontContainGlyph(c)
		if err != nil || !has || c > 0xffff || unicode.IsControl(c) {
			return 0, &service.GlyphError{Rune: c}
		}
		r.known[glyph{s.face, c}] = true
	}
	w, err := r.doc.MeasureTextWidth(text)
	if err != nil {
		return 0, fmt.Errorf("measure text: %w", err)
	}
	return w, nil
}

// wrap breaks the text into lines no wider than width: between words, after a
// hyphen or a slash, and inside a word only if it alone is wider than a line.
// No text is no lines.
func (r *ruler) wrap(s style, width float64, text string) ([]string, error) {
	var lines []string
	current := ""
	for _, word := range strings.Split(clean(text), " ") {
		for i, part := range parts(word) {
			candidate := part
			if current != "" && i == 0 {
				candidate = current + " " + part
			} else if current != "" {
				candidate = current + part
			}
			fits, err := r.fits(s, width, candidate)
			if err != nil {
				return nil, err
			}
			if fits {
				current = candidate
				continue
			}
			if current != "" {
				lines = append(lines, current)
			}
			full, rest, err := r.chop(s, width, part)
			if err != nil {
				return nil, err
			}
			lines, current = append(lines, full...), rest
		}
	}
	if current != "" {
		lines = append(lines, current)
	}
	return lines, nil
}

func (r *ruler) fits(s style, width float64, text string) (bool, error) {
	w, err := r.width(s, text)
	return w <= width, err
}

// chop cuts a word into full lines and what remains of it.
func (r *ruler) chop(s style, width float64, word string) (full []string, rest string, err error) {
	for _, c := range word {
		fits, err := r.fits(s, width, rest+string(c))
		if err != nil {
			return nil, "", err
		}
		if !fits && rest != "" {
			full, rest = append(full, rest), ""
		}
		rest += string(c)
	}
	return full, rest, nil
}

// parts cuts a word after its hyphens and slashes.
func parts(word string) []string {
	var out []string
	start := 0
	for i, c := range word {
		if (c == '-' || c == '/') && i > start && i+1 < len(word) {
			out = append(out, word[start:i+1])
			start = i + 1
		}
	}
	return append(out, word[start:])
}
