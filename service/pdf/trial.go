package pdf

import (
	"context"
	"fmt"

	"github.com/signintech/gopdf"

	"flowbot/service"
)

// Trial draws the trial page of a printer.
func (p *Printer) Trial(ctx context.Context, f service.TrialForm) ([]byte, error) {
	pages, err := p.layoutTrial(f)
	if err != nil {
		return nil, fmt.Errorf("lay out trial page: %w", err)
	}
	b, err := p.draw(ctx, blankSheet, facesOf(pages), pages, gopdf.PdfInfo{})
	if err != nil {
		return nil, fmt.Errorf("draw trial page: %w", err)
	}
	return b, nil
}

// preprinted is how light what the printing house has printed stands on a trial
// page: 30 % of black.
const preprinted = 0.7

// layoutTrial decides what stands where.
func (p *Printer) layoutTrial(f service.TrialForm) ([][]mark, error) {
	b := p.newBlank(&f.Profile, f.RightBy, f.DownBy)
	var page []mark
	for _, l := range f.Profile.Lines {
		page = append(page, mark{x: b.x + l.X, y: b.y + l.Y, x2: b.x + l.X + l.Width, y2: b.y + l.Y, light: preprinted})
	}
	return [][]mark{page}, nil
}
