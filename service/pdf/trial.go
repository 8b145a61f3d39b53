package pdf

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/signintech/gopdf"

	"flowbot/service"
)

// The trial page, in millimetres.
const (
	preprinted = 0.7 // how light what the printing house has printed is: 30 % of black

	// No office printer reaches the edge of the paper: the ticks of the rulers end
	// far enough from it to be seen. Source: the unprintable 4.2 mm that makers of
	// laser printers name.
	tickShort  = 5.5
	tickMiddle = 6.3 // every 5 mm
	tickLong   = 7.2 // every 10 mm, with a number

	crossInset  = 20.0 // of the crosses from the blank's left, top and right edges
	crossBottom = 6.0  // of the lower crosses from the bottom edge
	crossArm    = 5.0

	stepsLeft   = 15.0
	stepsRight  = service.SheetWidth - 15
	stepsTop    = 9.0 // under the blank
	stepsBottom = service.SheetHeight - 10
	stepsIndent = 6.0 // for the number of a step
)

var (
	rulerStyle = style{sans, 6}
	crossStyle = style{sans, 9}
	trialHead  = style{serifBold, 14}
	trialText  = style{serif, 9.5}
)

// Trial draws the trial page of a printer. The same form is the same file.
func (p *Printer) Trial(ctx context.Context, f service.TrialForm) ([]byte, error) {
	pages, err := p.layoutTrial(f)
	if err != nil {
		return nil, fmt.Errorf("lay out trial page: %w", err)
	}
	title, err := say(p.certificate, "trial.title", nil)
	if err != nil {
		return nil, err
	}
	doc, err := p.open(blankSheet, facesOf(pages), gopdf.PdfInfo{Title: title})
	if err != nil {
		return nil, err
	}
	b, err := draw(ctx, doc, pages)
	if err != nil {
		return nil, fmt.Errorf("draw trial page: %w", err)
	}
	return b, nil
}

// trialWords is the data of the words under the blank: lengths in millimetres.
type trialWords struct {
	Profile, Printer string
	Right, Down      string // the printer's offsets
	Across, Along    string // between the crosses
	Aside, Above     string // of the first cross from the sheet's edges
}

// layoutTrial decides what stands where.
func (p *Printer) layoutTrial(f service.TrialForm) ([][]mark, error) {
	b := p.newBlank(&f.Profile, f.RightBy, f.DownBy)
	sample, err := p.sample()
	if err != nil {
		return nil, err
	}
	page, err := b.preprinted()
	if err != nil {
		return nil, err
	}
	page = append(page, b.rulers()...)
	crosses, err := say(p.certificate, "trial.crosses", nil)
	if err != nil {
		return nil, err
	}
	page = append(page, b.crosses(strings.Fields(crosses))...)
	texts, err := b.page(sample)
	if err != nil {
		return nil, err
	}
	pages := [][]mark{append(page, texts...)}
	steps, height, err := p.trialSteps(f)
	if err != nil {
		return nil, err
	}
	y := f.Profile.Sheet.Y + f.Profile.Sheet.Height + stepsTop
	if y+height > stepsBottom { // a blank as high as the sheet
		pages, y = append(pages, nil), top
	}
	last := len(pages) - 1
	pages[last] = append(pages[last], shift(steps, y)...)
	return pages, nil
}

// sample gives a text for every field.
func (p *Printer) sample() ([]fieldText, error) {
	c := service.Certificate{
		Level: service.LevelTemporary, IssuedOn: service.NewDay(2000, time.January, 1), ValidUntil: service.NewDay(2003, time.January, 1),
	}
	for _, part := range []struct {
		place string
		to    *string
	}{
		{"name", &c.Name},
		{"latin", &c.NameLatin},
		{"institution", &c.Institution},
		{"address", &c.Address},
		{"number", &c.RegistrationNumber},
		{"position", &c.SignatoryPosition},
		{"signatory", &c.SignatoryName},
	} {
		text, err := say(p.certificate, "sample."+part.place, nil)
		if err != nil {
			return nil, err
		}
		*part.to = text
	}
	words, err := p.newCertificateWords()
	if err != nil {
		return nil, err
	}
	return words.of(&c)
}

// preprinted draws what the printing house has printed, as far as the profile
// knows it, and the edge of the blank.
func (b *blank) preprinted() ([]mark, error) {
	page := b.rectangle(service.Box{Width: b.profile.Sheet.Width, Height: b.profile.Sheet.Height}, 0)
	for _, region := range []service.Region{
		service.RegionFrame, service.RegionInnerFrame, service.RegionBarCode, service.RegionBlankNumber, service.RegionBlankSeries,
	} {
		if box, ok := b.profile.Region(region); ok {
			page = append(page, b.rectangle(box, preprinted)...)
		}
	}
	for _, l := range b.profile.Lines {
		page = append(page, b.line(l.X, l.Y, l.X+l.Width, l.Y, preprinted)...)
	}
	for _, c := range b.profile.Captions {
		place := service.BlankField{X: c.X, Y: c.Y, Width: c.Width, Align: c.Align, Face: c.Face, Size: c.Size}
		w := b.form.widths[blankFaces[c.Face]]
		text := w.printable(c.Text)
		width, err := w.of(text)
		if err != nil {
			return nil, err
		}
		for _, m := range b.marks(&place, []setLine{{text, width}}, c.Size) {
			m.light = preprinted
			page = append(page, m)
		}
	}
	return page, nil
}

// line draws a line, in millimetres from the blank's corner, as far as it is on
// the sheet.
func (b *blank) line(x, y, x2, y2, light float64) []mark {
	x, y, x2, y2 = b.x+x, b.y+y, b.x+x2, b.y+y2
	off := func(from, to, edge float64) bool { return max(from, to) < 0 || min(from, to) > edge }
	if off(x, x2, blankSheet.width) || off(y, y2, blankSheet.height) {
		return nil
	}
	within := func(v, edge float64) float64 { return min(max(v, 0), edge) }
	return []mark{{
		x: within(x, blankSheet.width), y: within(y, blankSheet.height),
		x2: within(x2, blankSheet.width), y2: within(y2, blankSheet.height), light: light,
	}}
}

func (b *blank) rectangle(box service.Box, light float64) []mark {
	right, bottom := box.X+box.Width, box.Y+box.Height
	var out []mark
	for _, side := range [][4]float64{
		{box.X, box.Y, right, box.Y},
		{box.X, bottom, right, bottom},
		{box.X, box.Y, box.X, bottom},
		{right, box.Y, right, bottom},
	} {
		out = append(out, b.line(side[0], side[1], side[2], side[3], light)...)
	}
	return out
}

// rulers draws millimetres along the blank's top and left edges.
func (b *blank) rulers() []mark {
	var out []mark
	number := func(n int, x, y, align float64) {
		text := strconv.Itoa(n)
		width := b.width(rulerStyle, text)
		m := mark{x: b.x + x - width*align, y: b.y + y, face: rulerStyle.face, points: rulerStyle.points, text: text}
		if m.x >= 0 && m.x+width <= blankSheet.width && m.y >= rulerStyle.capital() {
			out = append(out, m)
		}
	}
	long := func(n int) float64 {
		switch {
		case n%10 == 0:
			return tickLong
		case n%5 == 0:
			return tickMiddle
		}
		return tickShort
	}
	// In the corner the one would cross the other.
	const corner = 12
	for n := corner; float64(n) <= b.profile.Sheet.Width; n++ {
		out = append(out, b.line(float64(n), 0, float64(n), long(n), 0)...)
		if n%10 == 0 {
			number(n, float64(n), tickLong+rulerStyle.capital()+0.7, .5)
		}
	}
	for n := corner; float64(n) <= b.profile.Sheet.Height; n++ {
		out = append(out, b.line(0, float64(n), long(n), float64(n), 0)...)
		if n%10 == 0 {
			number(n, tickLong+0.4, float64(n)+rulerStyle.capital()/2, 0)
		}
	}
	return out
}

// width is the width in millimetres of a text of the program's own.
func (b *blank) width(s style, text string) float64 {
	n, err := b.form.widths[s.face].of(text)
	if err != nil {
		return 0
	}
	return float64(n) * s.points * point / 1000
}

// crosses draws the crosses to measure by: left and right, above and below.
func (b *blank) crosses(names []string) []mark {
	right, bottom := b.profile.Sheet.Width-crossInset, b.profile.Sheet.Height-crossBottom
	var out []mark
	for i, at := range [][2]float64{{crossInset, crossInset}, {right, crossInset}, {crossInset, bottom}, {right, bottom}} {
		x, y := at[0], at[1]
		out = append(out, b.line(x-crossArm, y, x+crossArm, y, 0)...)
		out = append(out, b.line(x, y-crossArm, x, y+crossArm, 0)...)
		if i < len(names) {
			out = append(out, mark{x: b.x + x + 1, y: b.y + y - 1, face: crossStyle.face, points: crossStyle.points, text: names[i]})
		}
	}
	return out
}

// trialSteps sets the words under the blank, as if they began at y 0, and their
// height.
func (p *Printer) trialSteps(f service.TrialForm) ([]mark, float64, error) {
	sheet := f.Profile.Sheet
	w := p.widths[trialText.face]
	words := trialWords{
		Profile: w.printable(f.Profile.Name), Printer: w.printable(f.Printer), Right: tenths(float64(f.RightBy) / 10), Down: tenths(float64(f.DownBy) / 10),
		Across: tenths(sheet.Width - 2*crossInset), Along: tenths(sheet.Height - crossInset - crossBottom),
		Aside: tenths(sheet.X + crossInset), Above: tenths(sheet.Y + crossInset),
	}
	var out []mark
	y := 0.0
	put := func(s style, number, text string, indent float64) error {
		w := p.widths[s.face]
		pieces, err := w.pieces(clean(text))
		if err != nil {
			return err
		}
		lines, ok := w.set(pieces, thousandths(stepsRight-stepsLeft-indent, s.points))
		if !ok {
			return fmt.Errorf("a word of %d bytes is wider than the page", len(text))
		}
		for i, line := range lines {
			if i == 0 && number != "" {
				out = append(out, mark{x: stepsLeft, y: y + s.capital(), face: s.face, points: s.points, text: number})
			}
			out = append(out, mark{x: stepsLeft + indent, y: y + s.capital(), face: s.face, points: s.points, text: line.text})
			y += s.line()
		}
		y += 1
		return nil
	}
	for _, part := range []struct {
		place string
		style style
	}{{"trial.title", trialHead}, {"trial.about", trialText}} {
		text, err := say(p.certificate, part.place, words)
		if err != nil {
			return nil, 0, err
		}
		if err := put(part.style, "", text, 0); err != nil {
			return nil, 0, err
		}
	}
	steps, err := say(p.certificate, "trial.steps", words)
	if err != nil {
		return nil, 0, err
	}
	n := 0
	for step := range strings.Lines(steps) {
		n++
		if err := put(trialText, strconv.Itoa(n)+".", step, stepsIndent); err != nil {
			return nil, 0, err
		}
	}
	return out, y, nil
}

// tenths writes millimetres with one decimal and a real minus.
func tenths(v float64) string {
	s := strings.ReplaceAll(strconv.FormatFloat(v, 'f', 1, 64), ".", ",")
	if s == "-0,0" {
		return "0,0"
	}
	return strings.ReplaceAll(s, "-", "−")
}
