package service_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"flowbot/service"
	"flowbot/service/foreign"
	"flowbot/service/pdf"
	"flowbot/templates"
)

// scanDesk is a center that scans its certificates. Only the reading of pages is
// made up.
type scanDesk struct {
	*press
	blanks  *service.Blanks
	scans   *service.Scans
	config  service.ScanBatchesConfig
	batches *service.ScanBatches
	chat    *chatFiles
	watched *watchedFiles
	reader  *fakeRecogniser
	updates int64
	pages   int
}

func newScanDesk(t *testing.T) *scanDesk {
	t.Helper()
	return newScanDeskReading(t, nil)
}

// newScanDeskReading is newScanDesk with what reads its pages; nil is the one that
// is made up.
func newScanDeskReading(t *testing.T, recogniser service.Recogniser) *scanDesk {
	t.Helper()
	d := &scanDesk{press: newPress(t), chat: &chatFiles{files: map[string][]byte{}}, updates: 5_000_000}
	d.reader = &fakeRecogniser{pages: map[int]func(*service.PageList) (*service.PageReading, error){}, read: map[int]int{}}
	if recogniser == nil {
		recogniser = d.reader
	}
	d.blanks = service.NewBlanks(d.store, d.now)
	tables, err := templates.BlankProfiles()
	if err != nil {
		t.Fatal(err)
	}
	profiles, err := service.BuildBlankProfiles(tables...)
	if err != nil {
		t.Fatal(err)
	}
	printer, err := pdf.New()
	if err != nil {
		t.Fatal(err)
	}
	reader, err := foreign.New(foreign.Options{TempDir: t.TempDir(), Children: 2})
	if err != nil {
		t.Fatal(err)
	}
	say := func(r service.Reason, _ any) (string, error) { return string(r), nil }
	d.watched = &watchedFiles{FileStore: d.files}
	d.uploads = service.NewUploads(d.store, d.chat, reader, d.files, maxDownload, say, d.now)
	d.scans = service.NewScans(service.ScansConfig{
		Store: d.store, Files: d.watched, Uploads: d.uploads, Printer: printer, Recogniser: recogniser, Profiles: profiles, Hold: hold, Now: d.now,
	})
	d.config = service.ScanBatchesConfig{
		Store: d.store, Chat: d.chat, Foreign: reader, Files: d.watched, Scans: d.scans,
		Sheet:       func(thumbs []service.PageThumb) ([]byte, error) { return fmt.Appendf(nil, "%d", len(thumbs)), nil },
		MaxDownload: maxDownload, Say: say, Program: "test", Awaits: true, Now: d.now,
	}
	d.batches = service.NewScanBatches(d.config)
	d.filled()
	return d
}

// watchedFiles lets a test do something while a worker is about to store a file.
type watchedFiles struct {
	service.FileStore
	before func() // each file; nil: nothing
}

// Put implements service.FileStore.
func (w *watchedFiles) Put(ctx context.Context, r io.Reader) (sha256 string, size int64, err error) {
	if w.before != nil {
		w.before()
	}
	return w.FileStore.Put(ctx, r)
}

// waiting is an exam whose certificates are printed, signed and to be scanned.
func (d *scanDesk) waiting(applications int, fill ...func(n int, a *service.Application)) (*service.Exam, []service.Application) {
	d.t.Helper()
	e := d.exam(applications, append([]func(int, *service.Application){numbered}, fill...)...)
	d.approve(e)
	return e, d.applications(e)
}

// fakeRecogniser reads what a test says of each page. It knows the pages by the
// pattern that is drawn on them.
type fakeRecogniser struct {
	mu    sync.Mutex
	pages map[int]func(*service.PageList) (*service.PageReading, error)
	read  map[int]int // how often
}

// Recognise implements service.Recogniser.
func (f *fakeRecogniser) Recognise(_ context.Context, list *service.PageList, page []byte) (*service.RecognisedPage, error) {
	id, err := patternOf(page)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	f.read[id]++
	read := f.pages[id]
	f.mu.Unlock()
	r, err := read(list)
	if err != nil {
		return nil, err
	}
	return &service.RecognisedPage{Reading: *r, Clean: page, Thumb: page}, nil
}

// Show implements service.Recogniser.
func (f *fakeRecogniser) Show(_ context.Context, _ *service.BlankProfile, page []byte, r *service.PageReading) (*service.ShownPage, error) {
	out := &service.ShownPage{View: page}
	if r.Located {
		out.Lines = page
	}
	return out, nil
}

// Patterns are four by four squares, white or black, of 16 pixels each.
const (
	patternSide   = 4
	patternSquare = 16
)

// drawPattern draws a page that can be told from others.
func drawPattern(t *testing.T, id int) []byte {
	t.Helper()
	p := image.NewGray(image.Rect(0, 0, patternSide*patternSquare, patternSide*patternSquare))
	for i := range p.Pix {
		x, y := i%p.Stride/patternSquare, i/p.Stride/patternSquare
		if id>>(y*patternSide+x)&1 == 0 {
			p.Pix[i] = 0xff
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, p, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func patternOf(page []byte) (int, error) {
	p, err := jpeg.Decode(bytes.NewReader(page))
	if err != nil {
		return 0, err
	}
	id := 0
	for i := range patternSide * patternSide {
		at := p.At(i%patternSide*patternSquare+patternSquare/2, i/patternSide*patternSquare+patternSquare/2)
		if color.GrayModel.Convert(at).(color.Gray).Y < 0x80 {
			id |= 1 << i
		}
	}
	return id, nil
}

// page draws a new page on which the reader reads what read says.
func (d *scanDesk) page(read func(*service.PageList) (*service.PageReading, error)) []byte {
	d.t.Helper()
	d.reader.mu.Lock()
	defer d.reader.mu.Unlock()
	d.pages++
	d.reader.pages[d.pages] = read
	return drawPattern(d.t, d.pages)
}

// scanned is a page on which an application's certificate is read well; each
// change makes it worse.
func (d *scanDesk) scanned(a service.Application, changes ...func(*service.PageReading)) []byte {
	d.t.Helper()
	return d.page(func(list *service.PageList) (*service.PageReading, error) {
		r := &service.PageReading{Width: 64, Height: 64, Located: true, Resolution: 300, Number: a.RegistrationNumber, NumberAlign: .9}
		for _, c := range list.Certificates {
			score := service.CandidateReading{ApplicationID: c.ApplicationID, Digits: .3, Name: .1, NameWhite: .6, Latin: .1, LatinWhite: .6, IssuedOn: .9}
			if c.ApplicationID == a.ID {
				score.Digits, score.Name, score.NameWhite, score.Latin, score.LatinWhite = .97, .95, .01, .95, .01
			}
			r.Candidates = append(r.Candidates, score)
		}
		for _, change := range changes {
			change(r)
		}
		return r, nil
	})
}

// onBlank says that both readings of the number of the blank agree.
func onBlank(number string) func(*service.PageReading) {
	return func(r *service.PageReading) { r.BlankCode, r.BlankDigits = number, number }
}

// blotted says that the last digit of the registration number cannot be read.
func blotted(r *service.PageReading) { r.Number = r.Number[:len(r.Number)-1] + "?" }

// empty says that there is nothing on the page.
func empty(r *service.PageReading) {
	*r = service.PageReading{Width: r.Width, Height: r.Height, Empty: true}
}

// noBlank says that the page is something else.
func noBlank(r *service.PageReading) { *r = service.PageReading{Width: r.Width, Height: r.Height} }

// twoBlanks says that two blanks are on the page.
func twoBlanks(r *service.PageReading) {
	*r = service.PageReading{Width: r.Width, Height: r.Height, Several: true}
}

// misnamed says that the name is another.
func misnamed(r *service.PageReading) {
	for i := range r.Candidates {
		c := &r.Candidates[i]
		c.Name, c.NameWhite, c.Latin, c.LatinWhite = .1, .6, .1, .6
	}
}

// unreadable is a page that kills its reader.
func (d *scanDesk) unreadable() []byte {
	d.t.Helper()
	return d.page(func(*service.PageList) (*service.PageReading, error) {
		return nil, &service.Error{Kind: service.Invalid, Reason: service.ReasonPageUnreadable}
	})
}

// packed is a file with these pages: an archive, or the page itself.
func packed(t *testing.T, pages ...[]byte) []byte {
	t.Helper()
	if len(pages) == 1 {
		return pages[0]
	}
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i, p := range pages {
		f, err := w.Create(fmt.Sprintf("стр%03d.jpg", i+1))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(p); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// sends has somebody send a file of pages for an exam; nil finds it by itself.
func (d *scanDesk) sends(by service.Actor, e *service.Exam, pages ...[]byte) *service.ScanBatch {
	d.t.Helper()
	b, err := d.trySend(by, e, packed(d.t, pages...), false)
	if err != nil {
		d.t.Fatal(err)
	}
	return b
}

func (d *scanDesk) trySend(by service.Actor, e *service.Exam, file []byte, album bool) (*service.ScanBatch, error) {
	d.t.Helper()
	in := d.message(e, file)
	in.Album = album
	return d.batches.Receive(d.t.Context(), by, in)
}

// message is a file that has come in chat.
func (d *scanDesk) message(e *service.Exam, file []byte) service.ReceiveScans {
	d.t.Helper()
	d.updates++
	ref := fmt.Sprintf("scan-%d", d.updates)
	d.chat.files[ref] = file
	in := service.ReceiveScans{UpdateID: d.updates, ChatRef: ref, Name: "скан.zip", Size: int64(len(file))}
	if e != nil {
		in.ExamID = e.ID
	}
	return in
}

// work does every job of scans that waits, and those that come of it, each once.
func (d *scanDesk) work() {
	d.t.Helper()
	for d.workOne(func(string) bool { return true }) {
	}
}

// workOne does the oldest job that waits and is wanted.
func (d *scanDesk) workOne(wanted func(kind string) bool) bool {
	d.t.Helper()
	var jobs []struct {
		ID   int64
		Kind string
		Args string
	}
	err := d.store.Bun().NewRaw(`SELECT id, kind, args::text AS args FROM river_job WHERE state = 'available'
		AND kind IN ('take_apart', 'read_page', 'settle_batch') ORDER BY id`).Scan(d.t.Context(), &jobs)
	if err != nil {
		d.t.Fatal(err)
	}
	for _, j := range jobs {
		if !wanted(j.Kind) {
			continue
		}
		d.exec(`UPDATE river_job SET state = 'completed', finalized_at = now() WHERE id = ?`, j.ID)
		if err := d.do(j.Kind, j.Args); err != nil {
			d.t.Fatalf("%s %s: %v", j.Kind, j.Args, err)
		}
		return true
	}
	return false
}

func (d *scanDesk) do(kind, args string) error {
	d.t.Helper()
	switch kind {
	case service.TakeApart{}.Kind():
		return d.batches.TakeApart(d.t.Context(), parsed[service.TakeApart](d.t, args))
	case service.ReadPage{}.Kind():
		return d.batches.ReadPage(d.t.Context(), parsed[service.ReadPage](d.t, args))
	default:
		return d.batches.Settle(d.t.Context(), parsed[service.SettleBatch](d.t, args))
	}
}

func parsed[T any](t *testing.T, args string) T {
	t.Helper()
	var j T
	if err := json.Unmarshal([]byte(args), &j); err != nil {
		t.Fatal(err)
	}
	return j
}

func (d *scanDesk) exec(query string, args ...any) {
	d.t.Helper()
	if _, err := d.store.Bun().NewRaw(query, args...).Exec(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
}

// view is a batch as its sender sees it.
func (d *scanDesk) view(b *service.ScanBatch) *service.BatchView {
	d.t.Helper()
	v, err := d.batches.Batch(d.t.Context(), d.anna, b.ID)
	if err != nil {
		d.t.Fatal(err)
	}
	return v
}

// fates tells what became of each page of a batch, in order: its state, rule and
// the last three letters of its application's number.
func (d *scanDesk) fates(b *service.ScanBatch) []string {
	d.t.Helper()
	pages, err := d.store.ScanPages(d.t.Context(), b.ID, nil, 0, 1000)
	if err != nil {
		d.t.Fatal(err)
	}
	out := make([]string, 0, len(pages))
	for i := range pages {
		out = append(out, d.fate(&pages[i]))
	}
	return out
}

func (d *scanDesk) fate(p *service.ScanPage) string {
	d.t.Helper()
	words := []string{string(p.State), string(p.Rule)}
	if p.ApplicationID != 0 {
		a, err := d.store.Application(d.t.Context(), service.CommandLine, p.ApplicationID)
		if err != nil {
			d.t.Fatal(err)
		}
		words = append(words, a.Number[len(a.Number)-3:])
	}
	return strings.Join(words, " ")
}

// loadedOf lists the applications of an exam that have a scan, by the last letters
// of their number, each with the number of its blank.
func (d *scanDesk) loadedOf(e *service.Exam) []string {
	d.t.Helper()
	var out []string
	for _, a := range d.applications(e) {
		if a.ScanID != 0 {
			out = append(out, strings.TrimSpace(a.Number[len(a.Number)-3:]+" "+a.BlankNumber))
		}
	}
	slices.Sort(out)
	return out
}

// told lists the kinds of notices that wait for a person.
func (d *scanDesk) told(who service.Actor) []string {
	d.t.Helper()
	var out []string
	err := d.store.Bun().NewRaw(`SELECT kind FROM notices WHERE person_id = ? AND state = 'queued' ORDER BY id`, who.PersonID).
		Scan(d.t.Context(), &out)
	if err != nil {
		d.t.Fatal(err)
	}
	return out
}
