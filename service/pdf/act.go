package pdf

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"flowbot/service"
)

// The sheet of an act and its margins, in millimetres. Source of the left
// margins: GOST R 7.0.97-2016, at least 20 mm left, above and below, 10 mm right.
var actSheet = size{width: 297, height: 210}

const (
	left   = 20.0
	right  = 297.0 - 12
	top    = 20.0
	bottom = 210.0 - 20 // of the text; the footer stands below
	footer = 210.0 - 12 // baseline
)

var (
	titleStyle  = style{serifBold, 14}
	textStyle   = style{serif, 11}
	labelStyle  = style{serifBold, 11}
	headStyle   = style{serifBold, 8.5}
	cellStyle   = style{serif, 9}
	smallStyle  = style{serif, 8}
	footerStyle = style{serif, 9}
)

const (
	padding    = 1.5  // mm between the rules of a cell and its text
	labelWidth = 56.0 // mm for the labels above the table
)

// actWords is the data of the definitions in templates/form/act.txt.
type actWords struct {
	service.ActForm
	Sent   int // documents sent to their learners
	InFRDO int // documents entered in ФИС ФРДО
	Page   int
	Pages  int
}

// actColumn is one column of the table. The columns' widths add up to the
// width between the margins.
type actColumn struct {
	place   string // of its heading in the form
	width   float64
	grouped bool // stands under the common heading
	left    bool // text is set to the left, else to the middle
	text    func(row int, l service.ActFormLearner, w actFixed) string
}

// actFixed is what cells say where a fact is a yes or no.
type actFixed struct{ notSent, yes, no, absent string }

var actColumns = []actColumn{
	{"column.n", 10, false, false, func(row int, _ service.ActFormLearner, _ actFixed) string { return strconv.Itoa(row) }},
	{"column.name", 50, false, true, func(_ int, l service.ActFormLearner, _ actFixed) string { return l.Name }},
	{"column.learner", 26, false, false, func(_ int, l service.ActFormLearner, _ actFixed) string { return l.Number }},
	{"column.type", 46, true, true, func(_ int, l service.ActFormLearner, _ actFixed) string { return l.DocTypeName }},
	{"column.series", 17, true, false, func(_ int, l service.ActFormLearner, _ actFixed) string { return l.Series }},
	{"column.number", 24, true, false, func(_ int, l service.ActFormLearner, _ actFixed) string { return l.DocNumber }},
	{"column.registration", 32, true, false, func(_ int, l service.ActFormLearner, _ actFixed) string { return l.RegistrationNumber }},
	{"column.issued", 19, true, false, func(_ int, l service.ActFormLearner, _ actFixed) string { return l.IssuedOn.Russian() }},
	{"column.sent", 25, false, false, func(_ int, l service.ActFormLearner, w actFixed) string {
		if l.SentOn == nil {
			return w.notSent
		}
		return l.SentOn.Russian()
	}},
	{"column.frdo", 16, false, false, func(_ int, l service.ActFormLearner, w actFixed) string {
		if l.InFRDO {
			return w.yes
		}
		return w.no
	}},
}

// actLayout is an act on its way to the sheets: pages that are full, and the
// one that is being filled down to y.
type actLayout struct {
	*ruler
	form  *Printer
	words actWords
	fixed actFixed
	head  []mark // the table's heading, as if it began at y 0
	headH float64

	pages     [][]mark
	y         float64
	tableTop  float64 // of the rows on this page, if the table has begun
	inTable   bool
	firstRows bool // no row yet on this page
}

// layoutAct decides what stands where.
func (p *Printer) layoutAct(ctx context.Context, f service.ActForm) ([][]mark, error) {
	r, err := p.newRuler()
	if err != nil {
		return nil, err
	}
	a := &actLayout{ruler: r, form: p, words: actWords{ActForm: f}}
	for _, l := range f.Learners {
		if l.SentOn != nil {
			a.words.Sent++
		}
		if l.InFRDO {
			a.words.InFRDO++
		}
	}
	for place, to := range map[string]*string{
		"sent.no": &a.fixed.notSent, "frdo.yes": &a.fixed.yes, "frdo.no": &a.fixed.no, "absent": &a.fixed.absent,
	} {
		if *to, err = a.say(place); err != nil {
			return nil, err
		}
	}
	if a.head, a.headH, err = a.heading(); err != nil {
		return nil, err
	}
	a.newPage()
	if err := a.opening(); err != nil {
		return nil, err
	}
	ending, height, err := a.ending()
	if err != nil {
		return nil, err
	}
	if err := a.table(ctx, height); err != nil {
		return nil, err
	}
	if a.y+height > bottom {
		a.newPage()
	}
	a.put(shift(ending, a.y)...)
	if err := a.footers(); err != nil {
		return nil, err
	}
	return a.pages, nil
}

func (a *actLayout) say(place string) (string, error) { return say(a.form.act, place, a.words) }

func (a *actLayout) put(m ...mark) {
	last := len(a.pages) - 1
	a.pages[last] = append(a.pages[last], m...)
}

func (a *actLayout) newPage() {
	a.closeTable()
	a.pages = append(a.pages, nil)
	a.y = top
}

// opening writes everything above the table.
func (a *actLayout) opening() error {
	for _, part := range []struct {
		place string
		style style
		after float64 // mm
	}{{"title", titleStyle, 0.5}, {"subtitle", textStyle, 5}} {
		text, err := a.say(part.place)
		if err != nil {
			return err
		}
		if err := a.flow(part.style, left, right, text, middle); err != nil {
			return err
		}
		a.y += part.after
	}
	for _, place := range []string{"partner", "program", "kind", "cohort"} {
		label, err := a.say(place + ".label")
		if err != nil {
			return err
		}
		value, err := a.say(place)
		if err != nil {
			return err
		}
		page, y := len(a.pages), a.y
		if err := a.flow(textStyle, left+labelWidth, right, value, atLeft); err != nil {
			return err
		}
		// The label stands beside the first line, wherever the value ends.
		if y+textStyle.line() > bottom {
			page, y = page+1, top
		}
		a.pages[page-1] = append(a.pages[page-1], mark{x: left, y: y + textStyle.capital(), face: labelStyle.face, points: labelStyle.points, text: label})
		a.y += 1
	}
	a.y += 2
	intro, err := a.say("intro")
	if err != nil {
		return err
	}
	if err := a.flow(textStyle, left, right, intro, atLeft); err != nil {
		return err
	}
	a.y += 1
	return nil
}

// align is where a line of text stands between two edges.
type align int

const (
	atLeft align = iota
	middle
)

// set places one line of text between two edges, its capitals' top at y.
func (a *actLayout) set(s style, from, to, y float64, text string, where align) (mark, error) {
	m := mark{x: from, y: y + s.capital(), face: s.face, points: s.points, text: text}
	if where == middle {
		w, err := a.width(s, text)
		if err != nil {
			return mark{}, err
		}
		m.x = (from + to - w) / 2
	}
	return m, nil
}

// block sets paragraphs between two edges from y down and returns their height.
func (a *actLayout) block(s style, from, to, y float64, text string, where align) ([]mark, float64, error) {
	var out []mark
	start := y
	for paragraph := range strings.Lines(text) {
		lines, err := a.wrap(s, to-from, paragraph)
		if err != nil {
			return nil, 0, err
		}
		for _, line := range lines {
			m, err := a.set(s, from, to, y, line, where)
			if err != nil {
				return nil, 0, err
			}
			out = append(out, m)
			y += s.line()
		}
	}
	return out, y - start, nil
}

// flow writes paragraphs from where the page is filled, over as many pages as
// they take.
func (a *actLayout) flow(s style, from, to float64, text string, where align) error {
	marks, _, err := a.block(s, from, to, 0, text, where)
	if err != nil {
		return err
	}
	for _, m := range marks {
		if a.y+s.line() > bottom {
			a.newPage()
		}
		m.y = a.y + s.capital()
		a.put(m)
		a.y += s.line()
	}
	return nil
}

// heading draws the table's heading as if it began at y 0: names of the
// columns, some of them under a common name, and the columns' numbers.
func (a *actLayout) heading() ([]mark, float64, error) {
	group, err := a.say("group")
	if err != nil {
		return nil, 0, err
	}
	groupH := headStyle.capital() + 2*padding
	type cell struct {
		lines []mark
		h     float64
	}
	cells := make([]cell, len(actColumns))
	height := 0.0
	x := left
	groupFrom, groupTo := 0.0, 0.0
	for i, c := range actColumns {
		text, err := a.say(c.place)
		if err != nil {
			return nil, 0, err
		}
		lines, h, err := a.block(headStyle, x+padding/2, x+c.width-padding/2, 0, text, middle)
		if err != nil {
			return nil, 0, err
		}
		cells[i] = cell{lines, h - headStyle.line() + headStyle.capital()}
		need := cells[i].h + 2*padding
		if c.grouped {
			need += groupH
			if groupFrom == 0 {
				groupFrom = x
			}
			groupTo = x + c.width
		}
		height = max(height, need)
		x += c.width
	}
	numbersH := smallStyle.capital() + 2*padding
	var out []mark
	m, err := a.set(headStyle, groupFrom, groupTo, padding, group, middle)
	if err != nil {
		return nil, 0, err
	}
	out = append(out, m, rule(groupFrom, groupH, groupTo, groupH))
	x = left
	for i, c := range actColumns {
		from := 0.0
		if c.grouped {
			from = groupH
		}
		out = append(out, shift(cells[i].lines, from+(height-from-cells[i].h)/2)...)
		number, err := a.set(smallStyle, x, x+c.width, height+padding, strconv.Itoa(i+1), middle)
		if err != nil {
			return nil, 0, err
		}
		out = append(out, number)
		if x == groupFrom {
			from = 0 // the common heading has an edge of its own
		}
		out = append(out, rule(x, from, x, height+numbersH))
		x += c.width
	}
	out = append(out,
		rule(x, 0, x, height+numbersH),
		rule(left, 0, x, 0),
		rule(left, height, x, height),
		rule(left, height+numbersH, x, height+numbersH))
	return out, height + numbersH, nil
}

// openTable draws the heading and starts the rows of this page.
func (a *actLayout) openTable() {
	a.put(shift(a.head, a.y)...)
	a.y += a.headH
	a.tableTop, a.inTable, a.firstRows = a.y, true, true
}

// closeTable draws the upright rules of this page's rows.
func (a *actLayout) closeTable() {
	if !a.inTable {
		return
	}
	a.inTable = false
	if a.firstRows {
		return
	}
	x := left
	a.put(rule(x, a.tableTop, x, a.y))
	for _, c := range actColumns {
		x += c.width
		a.put(rule(x, a.tableTop, x, a.y))
	}
}

// table writes the rows. The last one stays with what follows the table, of
// the height ending, so that no sheet bears signatures alone.
func (a *actLayout) table(ctx context.Context, ending float64) error {
	for i, l := range a.words.Learners {
		if err := ctx.Err(); err != nil {
			return err
		}
		marks, height, err := a.row(i+1, l)
		if glyph := (*service.GlyphError)(nil); errors.As(err, &glyph) {
			return &service.GlyphError{Learner: l.Number, Rune: glyph.Rune}
		}
		if err != nil {
			return fmt.Errorf("row %d: %w", i+1, err)
		}
		if top+a.headH+height > bottom {
			return fmt.Errorf("row %d is %.0f mm high and fits no sheet", i+1, height)
		}
		need := height
		if !a.inTable {
			need += a.headH
		}
		if i == len(a.words.Learners)-1 && top+a.headH+height+ending <= bottom {
			need += ending
		}
		if a.y+need > bottom {
			a.newPage()
		}
		if !a.inTable {
			a.openTable()
		}
		a.put(shift(marks, a.y)...)
		a.y += height
		a.firstRows = false
		a.put(rule(left, a.y, right, a.y))
	}
	a.closeTable()
	return nil
}

// row draws one learner as if the row began at y 0. It is never split.
func (a *actLayout) row(n int, l service.ActFormLearner) ([]mark, float64, error) {
	type cell struct {
		marks []mark
		h     float64
	}
	cells := make([]cell, len(actColumns))
	height := 0.0
	x := left
	for i, c := range actColumns {
		text := c.text(n, l, a.fixed)
		if clean(text) == "" {
			text = a.fixed.absent
		}
		where := middle
		if c.left {
			where = atLeft
		}
		marks, h, err := a.block(cellStyle, x+padding, x+c.width-padding, 0, text, where)
		if err != nil {
			return nil, 0, err
		}
		cells[i] = cell{marks, h - cellStyle.line() + cellStyle.capital()}
		height = max(height, cells[i].h+2*padding)
		x += c.width
	}
	var out []mark
	for _, c := range cells {
		out = append(out, shift(c.marks, (height-c.h)/2)...)
	}
	return out, height, nil
}

// ending draws the totals and the places for two signatures as if they began
// at y 0, and returns their height.
func (a *actLayout) ending() ([]mark, float64, error) {
	const (
		gap   = 15.0 // mm between the two sides
		width = (right - left - gap) / 2
	)
	totals, err := a.say("totals")
	if err != nil {
		return nil, 0, err
	}
	y := 3.5
	out, h, err := a.block(textStyle, left, right, y, totals, atLeft)
	if err != nil {
		return nil, 0, err
	}
	y += h + 4
	lowest := y
	for i, side := range []string{"sign.partner", "sign.operator"} {
		from := left + float64(i)*(width+gap)
		marks, h, err := a.signature(side, from, from+width)
		if err != nil {
			return nil, 0, err
		}
		out = append(out, shift(marks, y)...)
		lowest = max(lowest, y+h)
	}
	return out, lowest, nil
}

// signature draws where one side signs: a line for the position, one for the
// signature and the name, the place of the seal and of the date.
func (a *actLayout) signature(side string, from, to float64) ([]mark, float64, error) {
	const (
		space     = 9.0 // mm for writing by hand
		signature = 45.0
		between   = 5.0
	)
	var out []mark
	y := 0.0
	line := func(from, to float64, place string) error {
		out = append(out, rule(from, y, to, y))
		hint, err := a.say(place)
		if err != nil {
			return err
		}
		m, err := a.set(smallStyle, from, to, y+1.1, hint, middle)
		out = append(out, m)
		return err
	}
	title, err := a.say(side)
	if err != nil {
		return nil, 0, err
	}
	m, err := a.set(labelStyle, from, to, y, title, atLeft)
	if err != nil {
		return nil, 0, err
	}
	out = append(out, m)
	y += labelStyle.capital() + space
	if err := line(from, to, "sign.position"); err != nil {
		return nil, 0, err
	}
	y += smallStyle.capital() + space
	if err := line(from, from+signature, "sign.signature"); err != nil {
		return nil, 0, err
	}
	if err := line(from+signature+between, to, "sign.name"); err != nil {
		return nil, 0, err
	}
	y += smallStyle.capital() + 5
	stamp, err := a.say("sign.stamp")
	if err != nil {
		return nil, 0, err
	}
	date, err := a.say("sign.date")
	if err != nil {
		return nil, 0, err
	}
	m, err = a.set(textStyle, from, to, y, stamp, atLeft)
	if err != nil {
		return nil, 0, err
	}
	out = append(out, m)
	m, err = a.set(textStyle, from+signature+between, to, y, date, atLeft)
	if err != nil {
		return nil, 0, err
	}
	return append(out, m), y + textStyle.line(), nil
}

// footers number the sheets, once it is known how many there are.
func (a *actLayout) footers() error {
	a.words.Pages = len(a.pages)
	for i := range a.pages {
		a.words.Page = i + 1
		text, err := a.say("footer.left")
		if err != nil {
			return err
		}
		m, err := a.set(footerStyle, left, right, 0, clean(text), atLeft)
		if err != nil {
			return err
		}
		m.y = footer
		number, err := a.say("footer.right")
		if err != nil {
			return err
		}
		w, err := a.width(footerStyle, number)
		if err != nil {
			return err
		}
		if _, err := a.width(footerStyle, m.text); err != nil {
			return err
		}
		a.pages[i] = append(a.pages[i], m, mark{x: right - w, y: footer, face: footerStyle.face, points: footerStyle.points, text: number})
	}
	return nil
}

func rule(x, y, x2, y2 float64) mark { return mark{x: x, y: y, x2: x2, y2: y2} }

// shift returns the marks moved down by dy.
func shift(marks []mark, dy float64) []mark {
	out := make([]mark, len(marks))
	for i, m := range marks {
		m.y += dy
		m.y2 += dy
		out[i] = m
	}
	return out
}
