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
	if err != nil {
		return "", err
	}
	var out strings.Builder
	for i, marks := range pages {
		fmt.Fprintf(&out, "sheet %d\n", i+1)
		for _, m := range marks {
			if m.face == "" {
				fmt.Fprintf(&out, "%.1f %.1f mm  rule to %.1f %.1f\n", m.x, m.y, m.x2, m.y2)
				continue
			}
			fmt.Fprintf(&out, "%.1f %.1f mm  %s %g  %q\n", m.x, m.y, m.face, m.points, m.text)
		}
	}
	return out.String(), nil
}
