package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"flowbot/service/ocr"
	"flowbot/service/ocr/drawn"
)

// speedPages is how many pages are read by each.
const speedPages = 40

// spent is what one page took.
type spent struct{ cpu, wall time.Duration }

// racer is who reads the pages, and what it took.
type racer struct {
	name  string
	pages []spent
	found int    // pages on which it saw what it was to see
	about string // what that is
}

func (r *racer) took(s spent, found bool) {
	r.pages = append(r.pages, s)
	if found {
		r.found++
	}
}

// middle is the median of a measure over the pages.
func (r *racer) middle(measure func(spent) time.Duration) time.Duration {
	var all []time.Duration
	for _, s := range r.pages {
		all = append(all, measure(s))
	}
	slices.Sort(all)
	return quantile(all, .5)
}

// ownTime is the time that this process has spent in computing.
func ownTime() (time.Duration, error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, fmt.Errorf("ask for the time: %w", err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), nil
}

// measured runs something in this process.
func measured(run func() error) (spent, error) {
	cpu, err := ownTime()
	if err != nil {
		return spent{}, err
	}
	begun := time.Now()
	if err := run(); err != nil {
		return spent{}, err
	}
	wall := time.Since(begun)
	after, err := ownTime()
	return spent{after - cpu, wall}, err
}

// ran runs another program, its children counted with it, and returns what it
// has written.
func ran(ctx context.Context, path string, args ...string) (spent, string, error) {
	cmd := exec.CommandContext(ctx, path, args...) //nolint:gosec // found in PATH, with files of our own
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	begun := time.Now()
	if err := cmd.Run(); err != nil {
		return spent{}, "", fmt.Errorf("%s: %w: %s", filepath.Base(path), err, said.String())
	}
	return spent{cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), time.Since(begun)}, out.String(), nil
}

// speed reads the same pages in turn by the program and by others, one thread
// each.
func (b scanBench) speed(ctx context.Context, p *program) (err error) {
	s, err := newScanStage("blank-210")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	cores := runtime.GOMAXPROCS(1)
	defer runtime.GOMAXPROCS(cores)

	tesseract, missing := b.other(p.out, "tesseract")
	ocrmypdf, missingToo := b.other(p.out, "ocrmypdf")
	if err := errors.Join(missing, missingToo); err != nil {
		return err
	}
	ours := &racer{name: "flowbot", about: "matched, the number of the blank read"}
	whole := &racer{name: "flowbot, with what is kept of a page drawn", about: "the same"}
	theirs := &racer{name: "tesseract page.jpg - -l rus+eng", about: "the registration number in the text"}
	pdfs := &racer{name: "ocrmypdf -j 1 -l rus+eng", about: "the same"}
	v := drawn.Office
	v.DPI, v.Best, v.Gray, v.Blotted = []int{300}, 1, 0, 0
	o := drawn.Order{Applications: speedPages, Severity: v, Symbology: drawn.Code128}
	err = s.each(ctx, b.Seed+100, o, func(d *drawn.Drawing, r *ocr.Reader, page *drawn.Page) error {
		if len(ours.pages) == 0 { // what is made once is made
			if _, err := r.Read(ctx, page.JPEG); err != nil {
				return err
			}
		}
		if err := raceOurs(ctx, d, r, page, ours, whole); err != nil {
			return err
		}
		if tesseract != "" {
			if err := s.raceTesseract(ctx, tesseract, page, theirs); err != nil {
				return err
			}
		}
		if ocrmypdf != "" {
			return s.raceOCRmyPDF(ctx, ocrmypdf, page, pdfs)
		}
		return nil
	})
	if err != nil {
		return err
	}
	w := newTable(p.out)
	w.row("speed, %d pages, A4, 300 dpi, colour\tCPU s a page, median\twall s\tCPU times ours\twall times ours\tpages\t", speedPages)
	cpu, wall := func(s spent) time.Duration { return s.cpu }, func(s spent) time.Duration { return s.wall }
	for _, r := range []*racer{ours, whole, theirs, pdfs} {
		if len(r.pages) == 0 {
			continue
		}
		w.row("%s\t%.3f\t%.3f\t%.1f\t%.1f\t%d of %d\t%s", r.name, r.middle(cpu).Seconds(), r.middle(wall).Seconds(),
			float64(r.middle(cpu))/float64(ours.middle(cpu)), float64(r.middle(wall))/float64(ours.middle(wall)), r.found, len(r.pages), r.about)
	}
	return w.print()
}

// other finds a program to compare with, or says that it is missing.
func (b scanBench) other(out io.Writer, name string) (path string, err error) {
	if !b.Others {
		return "", nil
	}
	if path, err = exec.LookPath(name); err != nil {
		_, err = fmt.Fprintf(out, "%s is not installed, so there is nothing to compare with: tools/install bench\n", name)
	}
	return path, err
}

// raceOurs reads and matches a page, then does so again and draws what is kept.
func raceOurs(ctx context.Context, d *drawn.Drawing, r *ocr.Reader, page *drawn.Page, ours, whole *racer) error {
	var c scanCount
	took, err := measured(func() (err error) {
		c, _, err = judge(ctx, d, r, page)
		return err
	})
	if err != nil {
		return err
	}
	ours.took(took, c.right > 0 && c.answered > 0)
	pictures, err := ocr.NewPictures(d.Profile)
	if err != nil {
		return err
	}
	took, err = measured(func() error {
		reading, err := r.Read(ctx, page.JPEG)
		if err != nil {
			return err
		}
		if _, err := pictures.Clean(page.JPEG, reading); err != nil {
			return err
		}
		_, err = pictures.Thumb(page.JPEG, reading)
		return err
	})
	whole.took(took, c.right > 0 && c.answered > 0)
	return err
}

func (s *scanStage) raceTesseract(ctx context.Context, path string, page *drawn.Page, r *racer) error {
	name := filepath.Join(s.dir, "page.jpg")
	if err := os.WriteFile(name, page.JPEG, 0o600); err != nil {
		return err
	}
	took, text, err := ran(ctx, path, name, "-", "-l", "rus+eng")
	if err != nil {
		return err
	}
	r.took(took, strings.Contains(text, page.Number))
	return nil
}

func (s *scanStage) raceOCRmyPDF(ctx context.Context, path string, page *drawn.Page, r *racer) error {
	var b bytes.Buffer
	binder := drawn.NewBinder(&b)
	if err := errors.Join(binder.Add(&page.Scan), binder.Close()); err != nil {
		return err
	}
	name, text := filepath.Join(s.dir, "page.pdf"), filepath.Join(s.dir, "page.txt")
	if err := os.WriteFile(name, b.Bytes(), 0o600); err != nil {
		return err
	}
	took, _, err := ran(ctx, path, "-j", "1", "-l", "rus+eng", "--sidecar", text, name, filepath.Join(s.dir, "read.pdf"))
	if err != nil {
		return err
	}
	read, err := os.ReadFile(text)
	if err != nil {
		return err
	}
	r.took(took, strings.Contains(string(read), page.Number))
	return nil
}
