// Package pdf draws the printed forms. What a form says stands in
// templates/form, what it says it about comes from service; here is only where
// things stand on the sheet, in millimetres from its top left corner.
package pdf

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"text/template"
	"time"

	"github.com/signintech/gopdf"

	"flowbot/service"
	"flowbot/templates"
)

// The faces, by the names under which they stand in the PDF.
const (
	serif     = "PTSerif"
	serifBold = "PTSerif-Bold"
	sans      = "PTSans"
)

// faces are the fonts' files by the names of the faces.
var faces = map[string]string{
	serif: templates.FontSerif, serifBold: templates.FontSerifBold, sans: templates.FontSans,
	slipLatin: templates.FontSlipLatin, slipArmenian: templates.FontSlipArmenian, slipHan: templates.FontSlipHan,
}

// Printer draws forms with gopdf. It implements service.Printer.
type Printer struct {
	fonts       *gopdf.FontContainer // parsed once: parsing takes longer than drawing a page
	widths      map[string]*widths   // of letters, by the face; of those that a blank can have
	act         *template.Template
	certificate *template.Template
	slip        *template.Template
}

var _ service.Printer = (*Printer)(nil)

// New reads the fonts and the words of the forms.
func New() (*Printer, error) {
	p := &Printer{fonts: &gopdf.FontContainer{}, widths: make(map[string]*widths)}
	for name, file := range faces {
		b, err := templates.Font(file)
		if err != nil {
			return nil, err
		}
		if err := p.fonts.AddTTFFontData(name, b); err != nil {
			return nil, fmt.Errorf("parse font %s: %w", file, err)
		}
		if !slices.Contains(blankFaceNames, name) {
			continue
		}
		if p.widths[name], err = widthsOf(b); err != nil {
			return nil, fmt.Errorf("widths of font %s: %w", file, err)
		}
	}
	var err error
	if p.act, err = templates.Form("act"); err != nil {
		return nil, err
	}
	if p.certificate, err = templates.Form("certificate"); err != nil {
		return nil, err
	}
	if p.slip, err = templates.Form("slip"); err != nil {
		return nil, err
	}
	return p, nil
}

// Act draws the act on A4 sheets, long edge across: the table has ten columns.
func (p *Printer) Act(ctx context.Context, f service.ActForm) ([]byte, error) {
	pages, err := p.layoutAct(ctx, f)
	if err != nil {
		return nil, fmt.Errorf("lay out act: %w", err)
	}
	title, err := say(p.act, "title", f)
	if err != nil {
		return nil, err
	}
	doc, err := p.open(actSheet, []string{serif, serifBold}, gopdf.PdfInfo{
		Title: title,
		// The day of the act and not of the drawing: the same act is the same file.
		CreationDate: f.Date.At(0, 0, time.UTC),
	})
	if err != nil {
		return nil, err
	}
	b, err := draw(ctx, doc, pages)
	if err != nil {
		return nil, fmt.Errorf("draw act: %w", err)
	}
	return b, nil
}

// size is the size of a sheet in millimetres.
type size struct{ width, height float64 }

// mark is one thing drawn on a sheet: a line of text if it has a face, else a
// ruled line. All lengths but the type's size are millimetres.
type mark struct {
	x, y   float64 // start of the text's baseline, or of the line
	x2, y2 float64 // end of the line
	face   string
	points float64
	text   string
	light  float64 // 0 is black, 1 is white
}

// ruleWidth is the thickness of ruled lines in millimetres.
const ruleWidth = 0.2

// open starts a document in which these faces can be set.
func (p *Printer) open(sheet size, faces []string, info gopdf.PdfInfo) (*gopdf.GoPdf, error) {
	doc := &gopdf.GoPdf{}
	doc.Start(gopdf.Config{Unit: gopdf.UnitMM, PageSize: gopdf.Rect{W: sheet.width, H: sheet.height}})
	doc.SetInfo(info)
	for _, name := range faces {
		if err := doc.AddTTFFontFromFontContainer(name, p.fonts); err != nil {
			return nil, fmt.Errorf("add font %s: %w", name, err)
		}
	}
	return doc, nil
}

// draw draws the pages and returns the file.
func draw(ctx context.Context, doc *gopdf.GoPdf, pages [][]mark) ([]byte, error) {
	for _, marks := range pages {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		doc.AddPage()
		doc.SetLineWidth(ruleWidth)
		light := 0.0 // a page begins in black
		for _, m := range marks {
			if m.light != light {
				light = m.light
				level := uint8(light*255 + 0.5)
				doc.SetTextColor(level, level, level)
				doc.SetGrayStroke(light)
			}
			if err := drawMark(doc, m); err != nil {
				return nil, err
			}
		}
	}
	var out bytes.Buffer
	if _, err := doc.WriteTo(&out); err != nil {
		return nil, fmt.Errorf("write: %w", err)
	}
	return out.Bytes(), nil
}

func drawMark(doc *gopdf.GoPdf, m mark) error {
	if m.face == "" {
		doc.Line(m.x, m.y, m.x2, m.y2)
		return nil
	}
	if err := doc.SetFont(m.face, "", m.points); err != nil {
		return fmt.Errorf("set font %s: %w", m.face, err)
	}
	doc.SetXY(m.x, m.y)
	if err := doc.Text(m.text); err != nil {
		return fmt.Errorf("draw text: %w", err)
	}
	return nil
}

// say returns the words of one place of a form.
func say(form *template.Template, place string, data any) (string, error) {
	var out bytes.Buffer
	if err := form.ExecuteTemplate(&out, place, data); err != nil {
		return "", fmt.Errorf("words of %s: %w", place, err)
	}
	return out.String(), nil
}
