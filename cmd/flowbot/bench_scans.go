package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"text/tabwriter"

	"flowbot/service"
	"flowbot/service/ocr"
	"flowbot/service/ocr/drawn"
	"flowbot/service/pdf"
	"flowbot/templates"
)

// scanBench is what is measured of scans, all on drawn ones.
type scanBench struct {
	Only   string `help:"Of scans: one part alone, speed, recall, safety or batch." enum:"all,speed,recall,safety,batch" default:"all"`
	Others bool   `help:"Of scans: measure Tesseract and ocrmypdf beside." negatable:"" default:"true"`
	Seed   uint64 `help:"Of scans: which pages are drawn. No rule or bound was chosen by those of 2000 and above." default:"2000"`
	Pages  int    `help:"Of scans: how many pages must not match wrongly." default:"3000"`
}

// threadLimit keeps Tesseract's threads from waiting for each other; its library
// reads it when a process starts.
const threadLimit = "OMP_THREAD_LIMIT"

// run measures what was asked for, in a process that is set up for it.
func (b scanBench) run(ctx context.Context, p *program) error {
	if os.Getenv(threadLimit) != "1" {
		return b.again(ctx, p)
	}
	for _, part := range []struct {
		name string
		run  func(ctx context.Context, p *program) error
	}{{"speed", b.speed}, {"recall", b.recall}, {"safety", b.safety}, {"batch", b.batch}} {
		if b.Only != "all" && b.Only != part.name {
			continue
		}
		if err := part.run(ctx, p); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	return nil
}

// again runs the same measurement in a process with the limit in its environment.
func (b scanBench) again(ctx context.Context, p *program) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	cmd := exec.CommandContext(ctx, self, "bench", "scans", "--only="+b.Only, fmt.Sprintf("--others=%v", b.Others), //nolint:gosec // this program
		fmt.Sprintf("--seed=%d", b.Seed), fmt.Sprintf("--pages=%d", b.Pages))
	cmd.Env = append(os.Environ(), threadLimit+"=1")
	cmd.Stdout, cmd.Stderr = p.out, p.stderr
	return cmd.Run()
}

// scanStage draws pages and reads them. It is not safe for concurrent use.
type scanStage struct {
	press *pdf.Printer
	blank *drawn.Blank
	dir   string
}

// newScanStage is a stage for blanks of the built-in profile of that code.
func newScanStage(code string) (*scanStage, error) {
	tables, err := templates.BlankProfiles()
	if err != nil {
		return nil, err
	}
	profiles, err := service.BuildBlankProfiles(tables...)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(profiles, func(p service.BlankProfile) bool { return p.Code == code })
	if i < 0 {
		return nil, fmt.Errorf("no blank profile %s", code)
	}
	s := &scanStage{}
	if s.press, err = pdf.New(); err != nil {
		return nil, err
	}
	if s.blank, err = drawn.NewBlank(profiles[i]); err != nil {
		return nil, err
	}
	if s.dir, err = os.MkdirTemp("", "flowbot-bench-"); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *scanStage) close() error { return os.RemoveAll(s.dir) }

// each draws a corpus and hands its pages over, one in memory at a time, with a
// reader of its list.
func (s *scanStage) each(ctx context.Context, seed uint64, o drawn.Order, take func(d *drawn.Drawing, r *ocr.Reader, p *drawn.Page) error) (err error) {
	o.Dir = s.dir
	d, err := drawn.NewDrawing(ctx, s.press, s.blank, seed, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	r, err := ocr.NewReader(d.Profile, d.Certificates)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	for {
		page, err := d.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := take(d, r, page); err != nil {
			return err
		}
	}
}

// scanCount counts what became of pages.
type scanCount struct {
	pages     int
	matched   int // whatever they matched
	wrong     int // what they are not
	readable  int // a certificate of the list whose number a person can read
	right     int // of the readable ones, to their application
	numbered  int // with a number of the blank
	answered  int // of those, whatever the answer
	misread   int // of those, wrongly
	questions int // a person must look at them
}

func (c *scanCount) add(o scanCount) {
	c.pages += o.pages
	c.matched += o.matched
	c.wrong += o.wrong
	c.readable += o.readable
	c.right += o.right
	c.numbered += o.numbered
	c.answered += o.answered
	c.misread += o.misread
	c.questions += o.questions
}

// judge reads a page and compares what was decided with what is true.
func judge(ctx context.Context, d *drawn.Drawing, r *ocr.Reader, p *drawn.Page) (scanCount, service.MatchRule, error) {
	reading, err := r.Read(ctx, p.JPEG)
	if err != nil {
		return scanCount{}, "", err
	}
	id, rule := service.MatchPage(d.Certificates, reading)
	c := scanCount{pages: 1}
	switch {
	case id != 0:
		c.matched = 1
		if id != p.ApplicationID {
			c.wrong = 1
		}
	case rule != service.MatchEmpty:
		c.questions = 1
	}
	if p.Kind == drawn.KindGood || p.Kind == drawn.KindDuplicate {
		c.readable = 1
		if id == p.ApplicationID {
			c.right = 1
		}
	}
	if p.BlankNumber != "" {
		c.numbered = 1
		if blank, read := service.BlankNumberOf(reading); read {
			c.answered = 1
			if blank.Number != p.BlankNumber {
				c.misread = 1
			}
		}
	}
	return c, rule, nil
}

// table is printed in columns, which tabs part.
type table struct {
	w   *tabwriter.Writer
	err error
}

func newTable(out io.Writer) *table { return &table{w: tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)} }

func (t *table) row(format string, cells ...any) {
	_, err := fmt.Fprintf(t.w, format+"\n", cells...)
	t.err = errors.Join(t.err, err)
}

func (t *table) print() error { return errors.Join(t.err, t.w.Flush()) }

// share is a part of a whole with both.
func share(part, whole int) string {
	if whole == 0 {
		return "none of 0"
	}
	return fmt.Sprintf("%.3f (%d of %d)", float64(part)/float64(whole), part, whole)
}

// inParallel runs numbered tasks on all cores, each worker on a stage of its own,
// until one fails.
func inParallel(ctx context.Context, tasks int, run func(ctx context.Context, task int) error) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var next atomic.Int64
	var wait sync.WaitGroup
	for range runtime.NumCPU() {
		wait.Go(func() {
			for {
				n := int(next.Add(1)) - 1
				if n >= tasks || ctx.Err() != nil {
					return
				}
				if err := run(ctx, n); err != nil {
					stop(err)
				}
			}
		})
	}
	wait.Wait()
	return context.Cause(ctx)
}

// The applications of a drawn exam, and what is among their pages besides.
const (
	recallApplications = 100
	recallForeign      = 10
	recallExtra        = 1 // empty pages, and letters
)

// recall counts how many pages of each severity find their application.
func (b scanBench) recall(ctx context.Context, p *program) error {
	severities := append(slices.Clone(drawn.Severities), drawn.Bilevel)
	counts := make([]scanCount, len(severities))
	err := inParallel(ctx, len(severities), func(ctx context.Context, n int) (err error) {
		s, err := newScanStage("blank-210")
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.close()) }()
		o := drawn.Order{
			Applications: recallApplications, Foreign: recallForeign, Empty: recallExtra, Letters: recallExtra,
			Severity: severities[n], Symbology: drawn.Symbologies[n%len(drawn.Symbologies)],
		}
		return s.each(ctx, b.Seed+uint64(n), o, func(d *drawn.Drawing, r *ocr.Reader, page *drawn.Page) error { //nolint:gosec // a few severities
			c, _, err := judge(ctx, d, r, page)
			counts[n].add(c)
			return err
		})
	})
	if err != nil {
		return err
	}
	w := newTable(p.out)
	w.row("recall, seed %d\tmatched of what a person could read\twrong of all\tnumber of the blank answered\twrongly", b.Seed)
	for n, c := range counts {
		w.row("%s\t%s\t%d of %d\t%s\t%d", severities[n].Name, share(c.right, c.readable), c.wrong, c.pages, share(c.answered, c.numbered), c.misread)
	}
	return w.print()
}

// The exam that is drawn again and again for safety: mostly what must not match.
const (
	safetyApplications = 20
	safetyForeign      = 3
	safetyStrangers    = 2
	safetySmudged      = 4
	safetyDuplicates   = 1
	safetyPages        = 2*safetyApplications + safetyForeign + safetyStrangers + safetySmudged + safetyDuplicates
)

// safetyProfiles are the houses whose blanks are drawn, the first mostly.
var safetyProfiles = []string{"blank-210", "blank-210", "blank-210", "vector-200"}

// safetyKinds are the kinds of its pages, in the order in which they are printed.
var safetyKinds = []string{
	drawn.KindGood, drawn.KindDuplicate, drawn.KindBlotted, drawn.KindFalsified, drawn.KindForeign, drawn.KindStranger, drawn.KindSmudged,
}

// safety counts wrong matches among many pages of many exams, of all severities.
// One of them is an error.
func (b scanBench) safety(ctx context.Context, p *program) error {
	severities := append(slices.Clone(drawn.Severities[1:]), drawn.Bilevel)
	exams := (b.Pages + safetyPages - 1) / safetyPages
	var mu sync.Mutex
	kinds := map[string]*scanCount{}
	var all scanCount
	err := inParallel(ctx, exams, func(ctx context.Context, n int) (err error) {
		s, err := newScanStage(safetyProfiles[n%len(safetyProfiles)])
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.close()) }()
		seed := b.Seed + 1000 + uint64(n) //nolint:gosec // a small count
		o := drawn.Order{
			Applications: safetyApplications, Falsified: safetyApplications, Foreign: safetyForeign, Strangers: safetyStrangers,
			Smudged: safetySmudged, Duplicates: safetyDuplicates,
			Severity: severities[n/len(safetyProfiles)%len(severities)], Symbology: drawn.Symbologies[n%len(drawn.Symbologies)],
		}
		return s.each(ctx, seed, o, func(d *drawn.Drawing, r *ocr.Reader, page *drawn.Page) error {
			c, rule, err := judge(ctx, d, r, page)
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			if kinds[page.Kind] == nil {
				kinds[page.Kind] = &scanCount{}
			}
			kinds[page.Kind].add(c)
			all.add(c)
			if c.wrong > 0 {
				_, err = fmt.Fprintf(p.stderr, "wrong: seed %d, %s, a %s page with %s matched by %s\n", seed, o.Severity.Name, page.Kind, page.Number, rule)
			}
			if err == nil && all.pages%500 == 0 {
				_, err = fmt.Fprintf(p.stderr, "%d pages, %d wrong\n", all.pages, all.wrong)
			}
			return err
		})
	})
	if err != nil {
		return err
	}
	w := newTable(p.out)
	w.row("safety, seeds %d to %d\tpages\tmatched\tquestions\twrong\tnumber of the blank answered\twrongly", b.Seed+1000, b.Seed+1000+uint64(exams)-1) //nolint:gosec // a small count
	for _, kind := range safetyKinds {
		if c := kinds[kind]; c != nil {
			w.row("%s\t%d\t%d\t%d\t%d\t%s\t%d", kind, c.pages, c.matched, c.questions, c.wrong, share(c.answered, c.numbered), c.misread)
		}
	}
	w.row("all\t%d\t%d\t%d\t%d\t%s\t%d", all.pages, all.matched, all.questions, all.wrong, share(all.answered, all.numbered), all.misread)
	if err := w.print(); err != nil {
		return err
	}
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return fmt.Errorf("ask for the memory: %w", err)
	}
	if _, err := fmt.Fprintf(p.out, "at most %d MB, with what draws the pages\n", used.Maxrss>>10); err != nil {
		return err
	}
	if all.wrong+all.misread > 0 {
		return fmt.Errorf("%d pages matched wrongly, %d numbers of blanks are wrong", all.wrong, all.misread)
	}
	return nil
}
