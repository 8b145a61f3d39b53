package pdf

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/signintech/gopdf"

	"flowbot/service"
)

// lettersMeasured is how many letters a table of widths has room for: the first
// of Unicode, down to the signs № and −. The faces have nothing above but
// ligatures.
const lettersMeasured = 0x2300

// noLetter stands in a table of widths for a letter that the face does not have.
const noLetter = ^uint16(0)

// widths are the widths of a face's letters in thousandths of the type's size, as
// gopdf itself measures them, without kerning. They are kept because certificates
// are measured a thousand at a time. It never changes.
type widths [lettersMeasured]uint16

// widthsOf measures the letters of a TrueType font.
func widthsOf(font []byte) (*widths, error) {
	var face gopdf.SubsetFontObj
	if err := face.SetTTFData(font); err != nil {
		return nil, fmt.Errorf("parse font: %w", err)
	}
	w := new(widths)
	for r := range rune(lettersMeasured) {
		w[r] = noLetter
		if unicode.IsControl(r) {
			continue
		}
		if glyph, err := face.CharCodeToGlyphIndex(r); err == nil && glyph != 0 {
			w[r] = uint16(min(face.GlyphIndexToPdfWidth(glyph), uint(noLetter)-1))
		}
	}
	return w, nil
}

// of returns the width of the text. A letter that the face does not have is a
// *service.GlyphError.
func (w *widths) of(text string) (int, error) {
	sum := 0
	for _, r := range text {
		if r >= lettersMeasured || w[r] == noLetter {
			return 0, &service.GlyphError{Rune: r}
		}
		sum += int(w[r])
	}
	return sum, nil
}

// printable puts a question mark in place of each letter that the face does not
// have, for words that only accompany a form.
func (w *widths) printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r >= lettersMeasured || w[r] == noLetter {
			return '?'
		}
		return r
	}, clean(text))
}

// piece is a part of a text that no line break may part.
type piece struct {
	text   string
	width  int  // thousandths of the type's size
	spaced bool // a space stands before it, if it does not begin a line
}

// pieces cuts a text, which is clean, between words and after hyphens and
// slashes.
func (w *widths) pieces(text string) ([]piece, error) {
	var out []piece
	for _, word := range strings.Split(text, " ") {
		for i, part := range parts(word) {
			width, err := w.of(part)
			if err != nil {
				return nil, err
			}
			out = append(out, piece{part, width, i == 0})
		}
	}
	return out, nil
}

// setLine is a line of text and its width in thousandths of the type's size.
type setLine struct {
	text  string
	width int
}

// set breaks the pieces into lines no wider than limit. It reports false if a
// piece alone is wider.
func (w *widths) set(pieces []piece, limit int) ([]setLine, bool) {
	var lines []setLine
	for _, p := range pieces {
		if p.width > limit {
			return nil, false
		}
		if len(lines) > 0 {
			last := &lines[len(lines)-1]
			between, gap := "", 0
			if p.spaced {
				between, gap = " ", int(w[' '])
			}
			if last.width+gap+p.width <= limit {
				last.text += between + p.text
				last.width += gap + p.width
				continue
			}
		}
		lines = append(lines, setLine{p.text, p.width})
	}
	return lines, true
}
