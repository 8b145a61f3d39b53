package pdf

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/signintech/gopdf"
	"github.com/skip2/go-qrcode"

	"flowbot/service"
)

// The faces of the letters that PT Serif does not have: the lines for candidates
// are in their languages.
const (
	slipLatin    = "SlipLatin"
	slipArmenian = "SlipArmenian"
	slipHan      = "SlipHan"
)

// slipFaces are tried in this order, letter by letter.
var slipFaces = []string{serif, slipLatin, slipArmenian, slipHan}

// The sheet of slips, in millimetres: two columns of four, cut along the lines
// between.
var slipSheet = size{width: 210, height: 297}

const (
	slipColumns = 2
	slipRows    = 4
	slipWidth   = 210.0 / slipColumns
	slipHeight  = 297.0 / slipRows
	slipMargin  = 7.0  // of a slip; printers leave up to 5 mm of a sheet's edge blank
	codeSide    = 40.0 // of the QR code with its quiet border: over 0.8 mm a module, read from half a metre
	codeGap     = 4.0  // between the code and the words
	cutLight    = 0.6  // of the cutting lines
)

// slipTextStyle is that of everything but the name. Names are set in the largest
// size in which they take no more than slipNameLines.
var slipTextStyle = style{serif, 8.5}

var slipNameSizes = []float64{11, 9, 7}

// slipNameLines leaves room for the rest in every language. What is longer in the
// smallest size is cut: the number of the application tells slips apart.
const slipNameLines = 4

// slipWords is the data of the definitions in templates/form/slip.txt.
type slipWords struct {
	Exam   string
	Number string
	Day    string
}

// slipPage is what stands on one sheet.
type slipPage struct {
	marks []mark
	codes []slipCode
}

// slipCode is a QR code, in millimetres.
type slipCode struct {
	x, y float64
	link string
}

// Slips draws the slips of candidates, eight on a sheet. It implements
// service.Printer.
func (p *Printer) Slips(ctx context.Context, f service.SlipForm) ([]byte, error) {
	pages, err := p.layoutSlips(ctx, f)
	if err != nil {
		return nil, fmt.Errorf("lay out slips: %w", err)
	}
	title, err := say(p.slip, "title", slipWords{Exam: f.Exam})
	if err != nil {
		return nil, err
	}
	doc, err := p.openSlips(gopdf.PdfInfo{Title: title, CreationDate: f.Day.At(0, 0, time.UTC)})
	if err != nil {
		return nil, err
	}
	for _, page := range pages {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := drawSlips(doc, page); err != nil {
			return nil, err
		}
	}
	var out bytes.Buffer
	if _, err := doc.WriteTo(&out); err != nil {
		return nil, fmt.Errorf("write slips: %w", err)
	}
	return out.Bytes(), nil
}

func (p *Printer) openSlips(info gopdf.PdfInfo) (*gopdf.GoPdf, error) {
	return p.open(slipSheet, append([]string{serifBold}, slipFaces...), info)
}

// layoutSlips says where everything stands.
func (p *Printer) layoutSlips(ctx context.Context, f service.SlipForm) ([]slipPage, error) {
	doc, err := p.openSlips(gopdf.PdfInfo{})
	if err != nil {
		return nil, err
	}
	doc.AddPage()
	r := &ruler{doc: doc, known: map[glyph]bool{}}
	var pages []slipPage
	for i, s := range f.Slips {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		at := i % (slipColumns * slipRows)
		if at == 0 {
			pages = append(pages, slipPage{marks: cuttingLines()})
		}
		page := &pages[len(pages)-1]
		x := float64(at%slipColumns)*slipWidth + slipMargin
		y := float64(at/slipColumns)*slipHeight + (slipHeight-codeSide)/2
		page.codes = append(page.codes, slipCode{x, y, s.Link})
		words := float64(at/slipColumns)*slipHeight + slipMargin
		marks, err := p.layoutSlip(r, f, s, x+codeSide+codeGap, words)
		if err != nil {
			return nil, fmt.Errorf("slip of application %s: %w", s.Number, err)
		}
		page.marks = append(page.marks, marks...)
	}
	return pages, nil
}

// cuttingLines stand between the slips.
func cuttingLines() []mark {
	var out []mark
	for c := 1; c < slipColumns; c++ {
		x := float64(c) * slipWidth
		out = append(out, mark{x: x, x2: x, y2: slipSheet.height, light: cutLight})
	}
	for r := 1; r < slipRows; r++ {
		y := float64(r) * slipHeight
		out = append(out, mark{y: y, x2: slipSheet.width, y2: y, light: cutLight})
	}
	return out
}

// layoutSlip sets the words of one slip to the right of its code, from x and y on.
func (p *Printer) layoutSlip(r *ruler, f service.SlipForm, s service.Slip, x, y float64) ([]mark, error) {
	const width = slipWidth - 2*slipMargin - codeSide - codeGap
	var out []mark
	lines, in, err := slipName(r, width, s)
	if err != nil {
		return nil, err
	}
	for _, line := range lines {
		y += in.line()
		out = append(out, mark{x: x, y: y, face: in.face, points: in.points, text: line})
	}
	y += slipTextStyle.line() / 2
	words := slipWords{Exam: f.Exam, Number: s.Number, Day: f.Day.Russian()}
	for _, place := range []string{"exam", "number", "how"} {
		text, err := say(p.slip, place, words)
		if err != nil {
			return nil, err
		}
		if out, y, err = slipText(out, r, x, y, width, text); err != nil {
			return nil, err
		}
	}
	if s.Words != "" {
		y += slipTextStyle.line() / 2
		if out, _, err = slipText(out, r, x, y, width, s.Words); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// slipName breaks the name into lines: the Cyrillic one, else the Latin one, else
// none, for the number of the application stands below.
func slipName(r *ruler, width float64, s service.Slip) ([]string, style, error) {
	for _, name := range []string{s.Name, s.NameLatin} {
		lines, in, err := fitName(r, width, name)
		if err == nil || !isGlyphError(err) {
			return lines, in, err
		}
	}
	return nil, style{}, nil
}

func fitName(r *ruler, width float64, name string) (lines []string, in style, err error) {
	for _, points := range slipNameSizes {
		in = style{serifBold, points}
		if lines, err = r.wrap(in, width, name); err != nil || len(lines) <= slipNameLines {
			return lines, in, err
		}
	}
	return lines[:slipNameLines], in, nil
}

// run is a part of a line in one face.
type run struct {
	face, text string
}

// slipText sets a text below y, each letter in the first face that has it.
func slipText(out []mark, r *ruler, x, y, width float64, text string) ([]mark, float64, error) {
	var line []run
	used := 0.0
	flush := func() {
		y += slipTextStyle.line()
		at := x
		for _, part := range line {
			out = append(out, mark{x: at, y: y, face: part.face, points: slipTextStyle.points, text: part.text})
			w, _ := r.width(style{part.face, slipTextStyle.points}, part.text) // measured before
			at += w
		}
		line, used = nil, 0
	}
	for _, word := range unbroken(clean(text)) {
		runs, wide, err := runsOf(r, word)
		if err != nil {
			return nil, 0, err
		}
		if used > 0 && used+wide > width {
			flush()
			if runs, wide, err = runsOf(r, strings.TrimLeft(word, " ")); err != nil {
				return nil, 0, err
			}
		}
		for _, part := range runs {
			if n := len(line); n > 0 && line[n-1].face == part.face {
				line[n-1].text += part.text
				continue
			}
			line = append(line, part)
		}
		used += wide
	}
	if len(line) > 0 {
		flush()
	}
	return out, y, nil
}

// unbroken cuts a text into the parts that a line break may stand between: words
// with the space before them, and letters of Chinese. A sign that ends something
// stays with what it ends.
func unbroken(text string) []string {
	var out []string
	for i, c := range text {
		alone := unicode.Is(unicode.Han, c) || i > 0 && endsHan(out[len(out)-1]) && !strings.ContainsRune("，。、」” ", c)
		if i == 0 || c == ' ' || alone {
			out = append(out, "")
		}
		out[len(out)-1] += string(c)
	}
	return out
}

func endsHan(s string) bool {
	for _, c := range s {
		if !unicode.Is(unicode.Han, c) {
			return false
		}
	}
	return true
}

// runsOf cuts a text where the face changes, and measures it.
func runsOf(r *ruler, text string) ([]run, float64, error) {
	var out []run
	total := 0.0
	for _, c := range text {
		face, err := faceOf(r, c)
		if err != nil {
			return nil, 0, err
		}
		if n := len(out); n > 0 && out[n-1].face == face {
			out[n-1].text += string(c)
			continue
		}
		out = append(out, run{face, string(c)})
	}
	for _, part := range out {
		w, err := r.width(style{part.face, slipTextStyle.points}, part.text)
		if err != nil {
			return nil, 0, err
		}
		total += w
	}
	return out, total, nil
}

// faceOf finds the first face that has the letter.
func faceOf(r *ruler, c rune) (string, error) {
	var err error
	for _, face := range slipFaces {
		if _, err = r.width(style{face, slipTextStyle.points}, string(c)); err == nil {
			return face, nil
		}
		if !isGlyphError(err) {
			return "", err
		}
	}
	return "", err
}

func isGlyphError(err error) bool {
	var g *service.GlyphError
	return errors.As(err, &g)
}

// drawSlips draws one sheet.
func drawSlips(doc *gopdf.GoPdf, page slipPage) error {
	doc.AddPage()
	doc.SetLineWidth(ruleWidth)
	for _, m := range page.marks {
		doc.SetGrayStroke(m.light)
		if err := drawMark(doc, m); err != nil {
			return err
		}
	}
	doc.SetGrayFill(0)
	for _, c := range page.codes {
		if err := drawCode(doc, c); err != nil {
			return err
		}
	}
	return nil
}

// drawCode draws a QR code: modules that stand side by side as one rectangle.
func drawCode(doc *gopdf.GoPdf, c slipCode) error {
	code, err := qrcode.New(c.link, qrcode.Medium)
	if err != nil {
		return fmt.Errorf("make a QR code: %w", err)
	}
	modules := code.Bitmap()
	step := codeSide / float64(len(modules))
	for y, row := range modules {
		for x := 0; x < len(row); {
			if !row[x] {
				x++
				continue
			}
			first := x
			for x < len(row) && row[x] {
				x++
			}
			doc.RectFromUpperLeftWithStyle(c.x+float64(first)*step, c.y+float64(y)*step, float64(x-first)*step, step, "F")
		}
	}
	return nil
}
