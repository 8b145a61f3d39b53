package main

import (
	"bytes"
	"context"

	"flowbot/service"
	"flowbot/service/sheet"
	"flowbot/templates"
)

type sheetCommand struct {
	Name string `arg:"" help:"centers, cohorts, exams, results or frdo-response."`
	File string `arg:"" help:"Where to write it."`
}

// Run writes the workbook. It needs no database.
func (c *sheetCommand) Run(ctx context.Context) error {
	hints, err := templates.SheetHints(service.Languages[0])
	if err != nil {
		return err
	}
	var book bytes.Buffer
	known, err := importKnown()
	if err != nil {
		return err
	}
	if err := service.NewImports(nil, sheet.Book{}, known, nil).Blank(ctx, c.Name, hints, &book); err != nil {
		return err
	}
	return writeWhole(c.File, &book)
}
