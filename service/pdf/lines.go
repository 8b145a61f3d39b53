package pdf

import (
	"context"
	"fmt"

	"flowbot/service"
)

// CertificateLines tells where on the blank each line of certificates stands, in
// the order of the form: what Certificates draws, as it should be found on a scan.
// The printer's offsets are left out, since they only undo the printer's own.
func (p *Printer) CertificateLines(ctx context.Context, f service.CertificateForm) ([][]service.PrintedLine, error) {
	words, err := p.newCertificateWords()
	if err != nil {
		return nil, err
	}
	b := p.newBlank(&f.Profile, 0, 0)
	faces := make(map[string]service.Face, len(blankFaces))
	for face, name := range blankFaces {
		faces[name] = face
	}
	out := make([][]service.PrintedLine, 0, len(f.Certificates))
	for i := range f.Certificates {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("lines of certificates: %w", err)
		}
		texts, err := words.of(&f.Certificates[i])
		if err != nil {
			return nil, err
		}
		var lines []service.PrintedLine
		for _, t := range texts {
			marks, err := b.page([]fieldText{t})
			if err != nil {
				return nil, named(err, f.Certificates[i].Application)
			}
			for _, m := range marks {
				lines = append(lines, service.PrintedLine{
					Field: t.field, Text: m.text, X: m.x - b.x, Y: m.y - b.y, Face: faces[m.face], Points: m.points,
				})
			}
		}
		out = append(out, lines)
	}
	return out, nil
}
