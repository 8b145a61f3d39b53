package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"flowbot/service"
	"flowbot/templates"
)

type importCommand struct {
	File   string `arg:"" help:"A workbook or a text table."`
	DryRun bool   `help:"Report and change nothing."`
}

// Run prints the report. A file with bad rows changes nothing.
func (c *importCommand) Run(ctx context.Context, p *program) error {
	if info, err := os.Stat(c.File); err != nil || !info.Mode().IsRegular() {
		return fmt.Errorf("cannot read %s", c.File)
	}
	return p.with(ctx, func(i *installation) error {
		report, err := i.imports.Import(ctx, service.CommandLine, c.File, c.DryRun)
		if err != nil {
			return err
		}
		if err := printReport(p.out, &report); err != nil {
			return err
		}
		if report.Refused() {
			return errors.New("nothing was imported: the file has bad rows")
		}
		return nil
	})
}

// importKnown is what imports know beside the database: countries by name and the
// built-in blank profiles.
func importKnown() (service.ImportKnown, error) {
	var out service.ImportKnown
	countries, err := templates.Countries(service.Languages[0])
	if err != nil {
		return out, err
	}
	for _, c := range countries {
		out.Countries = append(out.Countries, service.Country(c))
	}
	profiles, err := templates.BlankProfiles()
	if err != nil {
		return out, err
	}
	out.Profiles, err = service.BuildBlankProfiles(profiles...)
	return out, err
}

func printReport(w io.Writer, r *service.ImportReport) error {
	err := r.Word(func(reason service.Reason, data any) (string, error) {
		if words := refusalWords(reason, data); words != "" {
			return words, nil
		}
		return string(reason), nil
	})
	if err != nil {
		return err
	}
	var all []error
	line := func(format string, args ...any) {
		_, err := fmt.Fprintf(w, format+"\n", args...)
		all = append(all, err)
	}
	for _, s := range r.Sheets {
		line("%s: new %d, changed %d, unchanged %d, bad %d", s.Name, s.New, s.Changed, s.Unchanged, s.Bad)
		for _, title := range s.IgnoredColumns {
			line("%s: column %q is not known and was passed over", s.Name, title)
		}
	}
	for _, name := range r.IgnoredSheets {
		line("sheet %q is not known and was passed over", name)
	}
	for _, b := range r.Bad {
		where := fmt.Sprintf("%s, row %d", b.Sheet, b.Row)
		if b.Column != "" {
			where += ", " + b.Column
		}
		line("%s: %s", where, b.Text)
	}
	if r.DryRun {
		line("dry run: nothing was changed")
	}
	return errors.Join(all...)
}
