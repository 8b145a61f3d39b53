package pdf

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/signintech/gopdf"

	"flowbot/service"
)

// blankSheet is the sheet on which blanks are printed.
var blankSheet = size{width: service.SheetWidth, height: service.SheetHeight}

// typeStep is by how much a text shrinks at a time, in points.
const typeStep = 0.5

// hair is what a sum of lengths may be off by in millimetres: a hundredth of what
// an eye sees.
const hair = 0.001

// blankFaces are the names under which a profile's faces stand in a PDF.
var blankFaces = map[service.Face]string{
	service.FaceSerif: serif, service.FaceSerifBold: serifBold, service.FaceSans: sans,
}

// blankFaceNames are those names, always in the same order.
var blankFaceNames = []string{serif, serifBold, sans}

// Certificates draws one sheet for each certificate.
func (p *Printer) Certificates(ctx context.Context, f service.CertificateForm) ([]byte, error) {
	pages, err := p.layoutCertificates(ctx, f)
	if err != nil {
		return nil, fmt.Errorf("lay out certificates: %w", err)
	}
	title, err := say(p.certificate, "title", f)
	if err != nil {
		return nil, err
	}
	doc, err := p.open(blankSheet, facesOf(pages), gopdf.PdfInfo{
		Title: title,
		// The day of the form and not of the drawing: the same form is the same file.
		CreationDate: f.Date.At(0, 0, time.UTC),
	})
	if err != nil {
		return nil, err
	}
	// A page has 2 KB, of which packing saves two thirds and takes longer than all the rest
	// together: a packer of 800 KB is made for every page. Source:
	// BenchmarkCertificates, 4,900 pages a second packed and 12,700 not.
	doc.SetNoCompression()
	b, err := draw(ctx, doc, pages)
	if err != nil {
		return nil, fmt.Errorf("draw certificates: %w", err)
	}
	return b, nil
}

// Text is a line of text where it stands on a sheet.
type Text struct {
	X, Y   float64 // start of the baseline, in millimetres from the sheet's top left corner
	Face   string  // the face's name in the PDF
	Points float64
	Text   string
}

// CertificateTexts tells what stands where on the sheets that Certificates draws,
// for whoever sets the same with another program.
func (p *Printer) CertificateTexts(ctx context.Context, f service.CertificateForm) ([][]Text, error) {
	pages, err := p.layoutCertificates(ctx, f)
	if err != nil {
		return nil, fmt.Errorf("lay out certificates: %w", err)
	}
	out := make([][]Text, len(pages))
	for i, marks := range pages {
		for _, m := range marks {
			out[i] = append(out[i], Text{m.x, m.y, m.face, m.points, m.text})
		}
	}
	return out, nil
}

// facesOf lists the faces that stand on the pages, always in the same order. A
// face that is not used would make a reader complain of an empty font.
func facesOf(pages [][]mark) []string {
	used := make(map[string]bool, len(faces))
	for _, marks := range pages {
		for _, m := range marks {
			used[m.face] = true
		}
	}
	var out []string
	for _, name := range blankFaceNames {
		if used[name] {
			out = append(out, name)
		}
	}
	return out
}

// layoutCertificates decides what stands where.
func (p *Printer) layoutCertificates(ctx context.Context, f service.CertificateForm) ([][]mark, error) {
	words, err := p.newCertificateWords()
	if err != nil {
		return nil, err
	}
	b := p.newBlank(&f.Profile, f.RightBy, f.DownBy)
	pages := make([][]mark, 0, len(f.Certificates))
	for i := range f.Certificates {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		texts, err := words.of(&f.Certificates[i])
		if err != nil {
			return nil, err
		}
		page, err := b.page(texts)
		if err != nil {
			return nil, named(err, f.Certificates[i].Application)
		}
		pages = append(pages, page)
	}
	return pages, nil
}

// named puts the application's number into an error that a text of it has made.
func named(err error, application string) error {
	var glyph *service.GlyphError
	if errors.As(err, &glyph) {
		glyph.Application = application
	}
	var fit *service.FitError
	if errors.As(err, &fit) {
		fit.Application = application
	}
	return err
}

// fieldText is what stands in a field; a line of the text is a paragraph, which
// begins on a line of its own.
type fieldText struct {
	field service.Field
	text  string
}

// blank places texts on a blank.
type blank struct {
	form    *Printer
	profile *service.BlankProfile
	x, y    float64 // of the blank's top left corner on the sheet, with the printer's offsets
	places  map[service.Field][]service.BlankField
	laid    map[fieldText][]mark // most texts of an exam are the same on every sheet
}

func (p *Printer) newBlank(profile *service.BlankProfile, rightBy, downBy int) *blank {
	b := &blank{
		form: p, profile: profile,
		x: profile.Sheet.X + float64(rightBy)/10, y: profile.Sheet.Y + float64(downBy)/10,
		places: make(map[service.Field][]service.BlankField), laid: make(map[fieldText][]mark),
	}
	for _, f := range profile.Fields {
		b.places[f.Field] = append(b.places[f.Field], f)
	}
	return b
}

// page places the texts of a sheet. Those of which the profile has no field are
// left out: a house may have none for the name in Latin letters.
func (b *blank) page(texts []fieldText) ([]mark, error) {
	page := make([]mark, 0, len(texts)+4)
	for _, t := range texts {
		if t.text == "" || len(b.places[t.field]) == 0 {
			continue
		}
		marks, known := b.laid[t]
		if !known {
			var err error
			if marks, err = b.place(t); err != nil {
				return nil, err
			}
			b.laid[t] = marks
		}
		page = append(page, marks...)
	}
	return page, nil
}

// place finds room for a text: in the first of the field's places where it fits.
func (b *blank) place(t fieldText) ([]mark, error) {
	for _, place := range b.places[t.field] {
		lines, points, err := b.fit(&place, t.text)
		if err != nil {
			return nil, err
		}
		if lines == nil {
			continue
		}
		marks := b.marks(&place, lines, points)
		if !b.onSheet(marks, lines) {
			return nil, &service.FitError{Field: t.field, OffSheet: true}
		}
		return marks, nil
	}
	return nil, &service.FitError{Field: t.field}
}

// fit finds the lines and the size of a text: it shrinks to the smallest size to
// stand on one line, each paragraph of it; if that is not enough, it is broken, of
// the greatest size at which the place has lines for it. It returns no lines if
// there is no room.
func (b *blank) fit(place *service.BlankField, text string) ([]setLine, float64, error) {
	w := b.form.widths[blankFaces[place.Face]]
	var paragraphs [][]piece
	for paragraph := range strings.Lines(text) {
		paragraph = clean(paragraph)
		if place.Capitals {
			paragraph = strings.ToUpper(paragraph)
		}
		pieces, err := w.pieces(paragraph)
		if err != nil {
			return nil, 0, err
		}
		paragraphs = append(paragraphs, pieces)
	}
	for _, most := range []int{len(paragraphs), place.Lines} {
		for points := place.Size; ; points = max(points-typeStep, place.Floor) {
			room := most <= place.Lines && (most == 1 || points*point*service.TypeLeading <= place.Leading+hair)
			if lines := setAll(w, paragraphs, thousandths(place.Width, points), most); room && lines != nil {
				return lines, points, nil
			}
			if points <= place.Floor {
				break
			}
		}
	}
	return nil, 0, nil
}

// thousandths is a width in mm in thousandths of the type's size.
func thousandths(width, points float64) int { return int((width + hair) / (points * point) * 1000) }

// setAll sets the paragraphs on at most so many lines, or returns none.
func setAll(w *widths, paragraphs [][]piece, limit, most int) []setLine {
	var lines []setLine
	for _, pieces := range paragraphs {
		set, ok := w.set(pieces, limit)
		if !ok || len(lines)+len(set) > most {
			return nil
		}
		lines = append(lines, set...)
	}
	return lines
}

// marks puts lines into their place on the sheet.
func (b *blank) marks(place *service.BlankField, lines []setLine, points float64) []mark {
	marks := make([]mark, len(lines))
	for i, line := range lines {
		x := b.x + place.X
		switch rest := place.Width - line.mm(points); place.Align {
		case service.AlignCenter:
			x += rest / 2
		case service.AlignRight:
			x += rest
		case service.AlignLeft:
		}
		marks[i] = mark{
			x: x, y: b.y + place.Y + float64(i)*place.Leading,
			face: blankFaces[place.Face], points: points, text: line.text,
		}
	}
	return marks
}

// mm is the width of the line in millimetres.
func (l setLine) mm(points float64) float64 { return float64(l.width) * points * point / 1000 }

// onSheet reports whether the lines are whole on the sheet.
func (b *blank) onSheet(marks []mark, lines []setLine) bool {
	for i, m := range marks {
		size := m.points * point
		if m.x < -hair || m.x+lines[i].mm(m.points) > blankSheet.width+hair ||
			m.y-size*service.TypeAbove < -hair || m.y+size*service.TypeBelow > blankSheet.height+hair {
			return false
		}
	}
	return true
}

// certificateWords fills the words of certificates.
type certificateWords struct {
	form      *Printer
	months    []string
	unlimited string
	purposes  map[service.Level]string
	dates     map[service.Day]string
}

func (p *Printer) newCertificateWords() (*certificateWords, error) {
	w := &certificateWords{form: p, purposes: make(map[service.Level]string), dates: make(map[service.Day]string)}
	months, err := say(p.certificate, "months", nil)
	if err != nil {
		return nil, err
	}
	w.months = strings.Fields(months)
	w.unlimited, err = say(p.certificate, "unlimited", nil)
	return w, err
}

// purpose is what the certificate is for, in the genitive.
func (w *certificateWords) purpose(l service.Level) (string, error) {
	if known, ok := w.purposes[l]; ok {
		return known, nil
	}
	text, err := say(w.form.certificate, "purpose."+string(l), nil)
	w.purposes[l] = text
	return text, err
}

// date is a day in words, such as 16 декабря 2024 года.
func (w *certificateWords) date(d service.Day) (string, error) {
	if known, ok := w.dates[d]; ok {
		return known, nil
	}
	if d.Month < time.January || int(d.Month) > len(w.months) {
		return "", fmt.Errorf("no month %d", d.Month)
	}
	text, err := say(w.form.certificate, "date", map[string]any{"Day": d.Day, "Month": w.months[d.Month-1], "Year": d.Year})
	w.dates[d] = text
	return text, err
}

// of gives the texts of a certificate. One that lacks what every certificate has
// is an error.
func (w *certificateWords) of(c *service.Certificate) ([]fieldText, error) {
	purpose, err := w.purpose(c.Level)
	if err != nil {
		return nil, err
	}
	issued, err := w.date(c.IssuedOn)
	if err != nil {
		return nil, fmt.Errorf("issue date of application %s: %w", c.Application, err)
	}
	until := w.unlimited
	if !c.ValidUntil.IsZero() {
		if until, err = w.date(c.ValidUntil); err != nil {
			return nil, err
		}
	}
	texts := []fieldText{
		{service.FieldPurposeLeft, purpose},
		{service.FieldIssuedOn, issued},
		{service.FieldValidUntil, until},
		{service.FieldRegistrationNumber, c.RegistrationNumber},
		{service.FieldName, c.Name},
		{service.FieldNameLatin, c.NameLatin},
		{service.FieldPurposeRight, purpose},
		{service.FieldPlace, ""},
		{service.FieldInstitution, c.Institution},
		{service.FieldAddress, c.Address},
		{service.FieldSignatoryPosition, c.SignatoryPosition},
		{service.FieldSignatoryName, c.SignatoryName},
	}
	for i := range texts {
		t := &texts[i]
		t.text = clean(t.text)
		if t.field == service.FieldPlace {
			// Together they are one text of two paragraphs.
			t.text = clean(c.Institution) + "\n" + clean(c.Address)
		}
		if t.text == "" && t.field != service.FieldNameLatin {
			return nil, fmt.Errorf("application %s has no %s", c.Application, t.field)
		}
	}
	return texts, nil
}
