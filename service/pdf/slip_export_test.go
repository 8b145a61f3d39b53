package pdf

import (
	"context"
	"fmt"
	"strings"

	"flowbot/service"
)

// SlipCode is where a QR code stands, in millimetres.
type SlipCode struct {
	X, Y, Side float64
	Link       string
}

// PlanSlips returns what stands where on the sheets of slips, and the codes of
// each sheet.
func (p *Printer) PlanSlips(ctx context.Context, f service.SlipForm) (string, [][]SlipCode, error) {
	pages, err := p.layoutSlips(ctx, f)
	var marks [][]mark
	var codes [][]SlipCode
	var out strings.Builder
	for i, page := range pages {
		marks = append(marks, page.marks)
		codes = append(codes, nil)
		for _, c := range page.codes {
			codes[i] = append(codes[i], SlipCode{c.x, c.y, codeSide, c.link})
			fmt.Fprintf(&out, "sheet %d  %.1f %.1f mm  code %.0f mm wide\n", i+1, c.x, c.y, codeSide)
		}
	}
	return planOf(marks) + out.String(), codes, err
}
