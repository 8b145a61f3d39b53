package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// bench is one measurement of the README.
type bench struct {
	name  string
	about string
	run   func(ctx context.Context, p *program) error
}

// benches lists the measurements as the command asks for them.
func benches(c *benchCommand) []bench {
	return []bench{
		{"answers", "how soon people are answered, also behind a queue of 100,000 notices", benchAnswers},
		{"tasks", "«Мои задачи» with 1,000,000 learners and 20,000 acts, beside 1 % of them", benchTasks},
		{"exams", "«Экзамены» with counts and the card of an exam with 500 applications at 1,000,000, beside 1 % of them", benchExams},
		{"certificates", "an exam of 1,000 certificates drawn and written, beside WeasyPrint on the same pages", benchPrinting},
		{"scans", "pages read and matched: how fast, beside Tesseract and ocrmypdf, how many of each kind, and none wrongly", c.Scans.run},
		{"import", "a workbook of 20,000 applications with exams and results: new, again and changed", benchImport},
		{"memory", "what a PDF bomb and a picture bomb do to the serving process", benchMemory},
	}
}

type benchCommand struct {
	Name string `arg:"" optional:"" help:"Which one; list prints them; all when left out."`

	Scans scanBench `embed:""`
}

// Run runs one measurement, or all of them, and prints what it found.
func (c *benchCommand) Run(ctx context.Context, p *program) error {
	all := benches(c)
	if c.Name == "list" || c.Name == "" {
		for _, b := range all {
			if _, err := fmt.Fprintf(p.out, "%s\t%s\n", b.name, b.about); err != nil {
				return err
			}
			if c.Name == "list" {
				continue
			}
			if err := b.run(ctx, p); err != nil {
				return fmt.Errorf("%s: %w", b.name, err)
			}
		}
		return nil
	}
	n := slices.IndexFunc(all, func(b bench) bool { return b.name == c.Name })
	if n < 0 {
		names := []string{"list"}
		for _, b := range all {
			names = append(names, b.name)
		}
		return usageError("no such bench; there are: " + strings.Join(names, ", "))
	}
	return all[n].run(ctx, p)
}
