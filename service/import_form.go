package service

import (
	"context"
	"io"
	"slices"
	"strconv"
)

// BlankNames lists the workbooks that Blank knows.
func BlankNames() []string { return []string{"cohorts"} }

// Blank writes the empty workbook of that name. Hints are the words beside the
// columns, by sheet and title; a column without any has none. An unknown name
// is Invalid with the known ones.
func (s *Imports) Blank(ctx context.Context, name string, hints map[string]map[string]string, w io.Writer) error {
	if !slices.Contains(BlankNames(), name) {
		return refuseWith(Invalid, ReasonSheetNoForm, SheetNames{BlankNames()})
	}
	form := SheetForm{Sheets: []SheetFormSheet{
		formSheet(sheetCohorts, cohortColumns, hints[sheetCohorts]),
		formSheet(sheetLearners, learnerColumns, hints[sheetLearners]),
	}}
	form.Guide.Name = sheetGuide
	for n, document := range documentNames {
		if n > 0 {
			form.Guide.Rows = append(form.Guide.Rows, []string{strconv.Itoa(n), document})
		}
	}
	return s.book.Blank(ctx, form, w)
}

func formSheet[T any](name string, columns []sheetColumn[T], hints map[string]string) SheetFormSheet {
	out := SheetFormSheet{Name: name}
	for _, c := range columns {
		f := c.form
		f.Hint = hints[c.title]
		out.Columns = append(out.Columns, f)
	}
	return out
}
