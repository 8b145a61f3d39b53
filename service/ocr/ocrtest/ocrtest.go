// Package ocrtest draws and reads pages for tests in a program of its own, which is
// built without the race detector. With the detector both take several times as
// long and as much memory, and it finds nothing there: each page is drawn, and read,
// by one goroutine.
package ocrtest

import (
	"bytes"
	"context"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"flowbot/service"
	"flowbot/service/ocr/drawn"
	"flowbot/service/pdf"
)

// Program is the path of the program. Called with ArgDraw it draws, else it is a
// child of an ocr.Pool.
func Program(tb testing.TB) string {
	tb.Helper()
	path, err := build()
	if err != nil {
		tb.Fatal(err)
	}
	return path
}

// ArgDraw has the program draw what it reads about on its standard input.
const ArgDraw = "draw"

// build builds the program once a process. It stays in .cache, for the next ones:
// the go command sees whether it is still of today's source.
var build = sync.OnceValues(func() (path string, err error) {
	ctx := context.Background()
	module, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("find the module: %w", err)
	}
	dir := filepath.Join(filepath.Dir(strings.TrimSpace(string(module))), ".cache", "ocrtest")
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return "", err
	}
	lock, err := os.Create(filepath.Join(dir, "lock"))
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	// Tests of other packages build it at the same time.
	if err := unix.Flock(int(lock.Fd()), unix.LOCK_EX); err != nil {
		return "", fmt.Errorf("wait for who builds: %w", err)
	}
	path = filepath.Join(dir, "plain")
	out, err := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-o", path, "flowbot/service/ocr/ocrtest/testdata/plain").CombinedOutput() //nolint:gosec // a path of our own
	if err != nil {
		return "", fmt.Errorf("build the program: %w: %s", err, out)
	}
	return path, nil
})

// Marked is a blank with its mark, before anything is printed on it.
type Marked struct {
	Mark  drawn.Mark
	Stamp bool // its upper edge lies over some of the digits
}

// request is what the program is to draw: one of the last four.
type request struct {
	Profile  service.BlankProfile
	Seed     uint64
	Severity drawn.Severity
	Corpus   *drawn.Order
	Marked   []Marked
	Signed   []drawn.Signed
	Pairs    bool // two of them on a page
	Beside   bool // side by side
	White    image.Point
}

// response is what it has drawn.
type response struct {
	Certificates []service.PrintedCertificate
	Pages        []drawn.Page
	Scans        []drawn.Scan
}

// Corpus is drawn.Draw: the same of the same profile, seed and order, and drawn once
// for all tests of a process, which leave it as it is. Its Form is empty.
func Corpus(tb testing.TB, profile service.BlankProfile, seed uint64, o drawn.Order) *drawn.Corpus {
	tb.Helper()
	got := ask(tb, &request{Profile: profile, Seed: seed, Corpus: &o})
	return &drawn.Corpus{Profile: profile, Certificates: got.Certificates, Pages: got.Pages}
}

// Blanks scans blanks that bear nothing but their marks, in the order in which they
// are given. It shares them as Corpus does.
func Blanks(tb testing.TB, profile service.BlankProfile, seed uint64, v drawn.Severity, blanks ...Marked) []drawn.Scan {
	tb.Helper()
	return ask(tb, &request{Profile: profile, Seed: seed, Severity: v, Marked: blanks}).Scans
}

// Scans is drawn.Scans. It shares them as Corpus does.
func Scans(tb testing.TB, profile service.BlankProfile, seed uint64, v drawn.Severity, sheets ...drawn.Signed) []drawn.Scan {
	tb.Helper()
	return ask(tb, &request{Profile: profile, Seed: seed, Severity: v, Signed: sheets}).Scans
}

// Pairs is drawn.Pairs. It shares them as Corpus does.
func Pairs(tb testing.TB, profile service.BlankProfile, seed uint64, v drawn.Severity, beside bool, sheets ...drawn.Signed) []drawn.Scan {
	tb.Helper()
	return ask(tb, &request{Profile: profile, Seed: seed, Severity: v, Signed: sheets, Pairs: true, Beside: beside}).Scans
}

// White is a white page, a JPEG in gray, of so many pixels.
func White(tb testing.TB, size image.Point) []byte {
	tb.Helper()
	return ask(tb, &request{White: size}).Scans[0].JPEG
}

// asked are the responses of this process by their requests.
var asked sync.Map // of func() (*response, error)

func ask(tb testing.TB, r *request) *response {
	tb.Helper()
	question, err := json.Marshal(r)
	if err != nil {
		tb.Fatal(err)
	}
	program := Program(tb)
	once, _ := asked.LoadOrStore(string(question), sync.OnceValues(func() (*response, error) { return run(program, question) }))
	got, err := once.(func() (*response, error))()
	if err != nil {
		tb.Fatal(err)
	}
	return got
}

// drawing lets one program draw at a time: each takes up to 300 MB for a photo.
var drawing sync.Mutex

func run(program string, question []byte) (*response, error) {
	drawing.Lock()
	defer drawing.Unlock()
	var out, failure bytes.Buffer
	cmd := exec.CommandContext(context.Background(), program, ArgDraw)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(question), &out, &failure
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("draw pages: %w: %s", err, failure.String())
	}
	got := &response{}
	if err := gob.NewDecoder(&out).Decode(got); err != nil {
		return nil, fmt.Errorf("draw pages: %w", err)
	}
	return got, nil
}

// Draw answers one request: the program's side.
func Draw(ctx context.Context, in io.Reader, out io.Writer) error {
	var r request
	if err := json.NewDecoder(in).Decode(&r); err != nil {
		return fmt.Errorf("read what to draw: %w", err)
	}
	dir, err := os.MkdirTemp("", "ocrtest-")
	if err != nil {
		return err
	}
	got, err := r.draw(ctx, dir)
	if err = errors.Join(err, os.RemoveAll(dir)); err != nil {
		return err
	}
	return gob.NewEncoder(out).Encode(got)
}

func (r *request) draw(ctx context.Context, dir string) (*response, error) {
	out := &response{}
	var err error
	switch {
	case r.White != image.Point{}:
		out.Scans, err = r.white()
		return out, err
	case len(r.Marked) > 0:
		out.Scans, err = r.blanks()
		return out, err
	}
	press, err := pdf.New()
	if err != nil {
		return nil, err
	}
	if r.Pairs {
		out.Scans, err = drawn.Pairs(ctx, press, r.Profile, r.Seed, r.Severity, r.Signed, r.Beside, dir)
		return out, err
	}
	if r.Corpus == nil {
		out.Scans, err = drawn.Scans(ctx, press, r.Profile, r.Seed, r.Severity, r.Signed, dir)
		return out, err
	}
	r.Corpus.Dir = dir
	c, err := drawn.Draw(ctx, press, r.Profile, r.Seed, *r.Corpus)
	if err != nil {
		return nil, err
	}
	out.Certificates, out.Pages = c.Certificates, c.Pages
	return out, nil
}

// blanks draws the marked blanks.
func (r *request) blanks() ([]drawn.Scan, error) {
	blank, err := drawn.NewBlank(r.Profile)
	if err != nil {
		return nil, err
	}
	random := rand.New(rand.NewPCG(r.Seed, 8)) //nolint:gosec // nothing secret is drawn
	var out []drawn.Scan
	for _, m := range r.Marked {
		sheet, err := blank.Marked(m.Mark)
		if err != nil {
			return nil, err
		}
		if m.Stamp {
			sheet.Stamp(random, 40+40*random.Float64(), 138) // mm, the number of the first house's blanks
		}
		scan, err := r.Severity.Scan(random, sheet)
		if err != nil {
			return nil, err
		}
		out = append(out, *scan)
	}
	return out, nil
}

// white draws the white page.
func (r *request) white() ([]drawn.Scan, error) {
	page := image.NewGray(image.Rectangle{Max: r.White})
	for i := range page.Pix {
		page.Pix[i] = 255
	}
	var b bytes.Buffer
	err := jpeg.Encode(&b, page, nil)
	return []drawn.Scan{{JPEG: b.Bytes(), Gray: true}}, err
}
