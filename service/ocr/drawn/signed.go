package drawn

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"

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
func Scans(ctx context.Context, press Press, profile service.BlankProfile, seed uint64, v Severity, list []Signed, dir string) ([]Scan, error) {
	r := rand.New(rand.NewPCG(seed, 78)) //nolint:gosec // nothing secret is drawn
	blank, err := NewBlank(profile)
	if err != nil {
		return nil, err
	}
	c := &Corpus{Profile: profile, Form: service.CertificateForm{Profile: profile, Exam: "1"}}
	sheets := make([]printed, 0, len(list))
	for _, s := range list {
		sheets = append(sheets, printed{certificate: s.Certificate})
		c.Form.Date = s.Certificate.IssuedOn
	}
	names, err := c.print(ctx, press, sheets, dir)
	if err != nil {
		return nil, err
	}
	out := make([]Scan, 0, len(list))
	for i := range list {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("draw scans: %w", err)
		}
		scan, err := signed(r, blank, &list[i], names[i], &v)
		if err != nil {
			return nil, err
		}
		out = append(out, *scan)
		if err := os.Remove(names[i]); err != nil {
			return nil, fmt.Errorf("draw scans: %w", err)
		}
	}
	return out, nil
}

// signed puts a printed sheet, a picture file, on its blank and scans it.
func signed(r *rand.Rand, blank *Blank, s *Signed, name string, v *Severity) (*Scan, error) {
	ink, err := readGray(name)
	if err != nil {
		return nil, err
	}
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
