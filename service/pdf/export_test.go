package pdf

import (
	"context"
	"fmt"
	"strings"

	"flowbot/service"
)

// Plan returns what stands where on the sheets of an act, one mark a line.
func (p *Printer) Plan(ctx context.Context, f service.ActForm) (string, error) {
	pages, err := p.layoutAct(ctx, f)
	return planOf(pages), err
}

// PlanCertificates is Plan of certificates.
func (p *Printer) PlanCertificates(ctx context.Context, f service.CertificateForm) (string, error) {
	pages, err := p.layoutCertificates(ctx, f)
	return planOf(pages), err
}

// PlanTrial is Plan of a trial page. The ticks of the rulers come apart from the
// rest: theirs are the lines no longer than the longest tick.
func (p *Printer) PlanTrial(f service.TrialForm) (plan, ticks string, err error) {
	pages, err := p.layoutTrial(f)
	rest := make([][]mark, len(pages))
	var rulers [][]mark
	for i, marks := range pages {
		rulers = append(rulers, nil)
		for _, m := range marks {
			if length := max(m.x2-m.x, m.y2-m.y); m.face == "" && m.light == 0 && length < tickLong+hair {
				rulers[i] = append(rulers[i], m)
				continue
			}
			rest[i] = append(rest[i], m)
		}
	}
	return planOf(rest), planOf(rulers), err
}

func planOf(pages [][]mark) string {
	var out strings.Builder
	for i, marks := range pages {
		fmt.Fprintf(&out, "sheet %d\n", i+1)
		for _, m := range marks {
			fmt.Fprintf(&out, "%.1f %.1f mm  ", m.x, m.y)
			if m.face == "" {
				fmt.Fprintf(&out, "rule to %.1f %.1f", m.x2, m.y2)
			} else {
				fmt.Fprintf(&out, "%s %g  %q", m.face, m.points, m.text)
			}
			if m.light != 0 {
				fmt.Fprintf(&out, "  %.0f %% of black", 100*(1-m.light))
			}
			out.WriteByte('\n')
		}
	}
	return out.String()
}

// Placed is a line of a field where it stands on the sheet, in millimetres.
type Placed struct {
	X, Y, Width float64
	Points      float64
	Text        string
}

// Place places one text and returns its lines.
func (p *Printer) Place(profile *service.BlankProfile, rightBy, downBy int, field service.Field, text string) ([]Placed, error) {
	b := p.newBlank(profile, rightBy, downBy)
	marks, err := b.place(fieldText{field, text})
	if err != nil {
		return nil, err
	}
	var out []Placed
	for _, m := range marks {
		width, err := p.widths[m.face].of(m.text)
		if err != nil {
			return nil, err
		}
		out = append(out, Placed{m.x, m.y, setLine{m.text, width}.mm(m.points), m.points, m.text})
	}
	return out, nil
}

// Measure returns the width of a text in millimetres, as certificates and as acts
// measure it.
func (p *Printer) Measure(points float64, text string) (certificate, act float64, err error) {
	n, err := p.widths[serif].of(text)
	if err != nil {
		return 0, 0, err
	}
	r, err := p.newRuler()
	if err != nil {
		return 0, 0, err
	}
	act, err = r.width(style{serif, points}, text)
	return setLine{text, n}.mm(points), act, err
}
