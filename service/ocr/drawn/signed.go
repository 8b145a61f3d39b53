package drawn

import (
	"context"
	"errors"
	"fmt"
	"image"
	"math/rand/v2"

	"flowbot/service"
)

// Signed is a certificate that is to be printed on a blank of its own, stamped,
// signed and scanned.
type Signed struct {
	Certificate service.Certificate
	Series      string // of the blank; "" where the house has none
	BlankNumber string
	Blotted     bool // nobody can read its registration number
}

// Scans prints certificates with the project's own printer, stamps and signs them
// beside what is printed, and scans each as the severity says; its shares of
// stamps and blots over the print are left out. The same seed draws the same. Dir
// is an empty directory for what is drawn on the way.
func Scans(ctx context.Context, press Press, profile service.BlankProfile, seed uint64, v Severity, list []Signed, dir string) (_ []Scan, err error) {
	r := rand.New(rand.NewPCG(seed, 78)) //nolint:gosec // nothing secret is drawn
	blank, err := NewBlank(profile)
	if err != nil {
		return nil, err
	}
	form := service.CertificateForm{Profile: profile, Exam: "1"}
	for _, s := range list {
		form.Certificates = append(form.Certificates, s.Certificate)
		form.Date = s.Certificate.IssuedOn
	}
	prints, err := newPrints(ctx, press, form, dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, prints.close()) }()
	out := make([]Scan, 0, len(list))
	for i := range list {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("draw scans: %w", err)
		}
		ink, err := prints.next()
		if err != nil {
			return nil, err
		}
		scan, err := signed(r, blank, &list[i], ink, &v)
		if err != nil {
			return nil, err
		}
		out = append(out, *scan)
	}
	return out, nil
}

// signed puts a printed sheet on its blank and scans it.
func signed(r *rand.Rand, blank *Blank, s *Signed, ink *image.Gray, v *Severity) (*Scan, error) {
	sheet, err := blank.Numbered(s.Series, s.BlankNumber, Code128)
	if err != nil {
		return nil, err
	}
	sheet.Print(ink, v.Misprint.draw(r), v.Misprint.draw(r), v.Faded.draw(r))
	paper := blank.profile.Sheet
	sheet.Stamp(r, paper.Width*.86, paper.Height*.87)
	sheet.Sign(r, paper.Width*.66, paper.Height*.82)
	if box, ok := blank.profile.Region(service.RegionRegistrationNumber); ok && s.Blotted {
		sheet.Blot(r, box)
	}
	return v.Scan(r, sheet)
}
