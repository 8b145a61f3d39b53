package bot_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"sync"
	"time"

	"flowbot/bot/emulator"
	"flowbot/service"
	"flowbot/service/ocr/drawn"
)

// fakePages reads what a test says of each page. It knows the pages by a pattern
// that is drawn on them; on any other page it finds no blank.
type fakePages struct {
	mu    sync.Mutex
	said  map[int]said
	slots chan struct{} // nil: pages are read as they come; else one for each
	dead  chan struct{} // closed when whoever reads dies
}

// said is what is read on a page.
type said struct {
	number  string // registration number, '?' where it is unsure
	name    string // number of the certificate whose name is read; "" is that of number
	also    string // number of another certificate with that name, "" for none
	blank   string
	empty   bool
	several bool // two blanks are on the page
	poison  bool // nothing can be read at all
}

func newFakePages() *fakePages { return &fakePages{said: map[int]said{}, dead: make(chan struct{})} }

// Recognise implements service.Recogniser.
func (f *fakePages) Recognise(ctx context.Context, list *service.PageList, page []byte) (*service.RecognisedPage, error) {
	f.mu.Lock()
	slots, dead := f.slots, f.dead
	f.mu.Unlock()
	if slots != nil {
		select {
		case <-slots:
		case <-dead:
			return nil, errors.New("died")
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	img, err := jpeg.Decode(bytes.NewReader(page))
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	s, known := f.said[patternOf(img)]
	f.mu.Unlock()
	if s.poison {
		return nil, &service.Error{Kind: service.Invalid, Reason: service.ReasonPageUnreadable}
	}
	s.empty = s.empty || patternOf(img) == 0 && isWhite(img)
	r := service.PageReading{Width: img.Bounds().Dx(), Height: img.Bounds().Dy(), Empty: s.empty, Located: known && !s.empty && !s.several, Several: s.several}
	if r.Located {
		r.Number, r.NumberAlign, r.Resolution = s.number, .9, 300
		r.BlankCode, r.BlankDigits = s.blank, s.blank
		name := s.name
		if name == "" {
			name = s.number
		}
		for _, c := range list.Certificates {
			read := service.CandidateReading{ApplicationID: c.ApplicationID, Digits: .2, Name: .1, NameWhite: .6, Latin: .1, LatinWhite: .6, IssuedOn: .5}
			for _, l := range c.Of(service.FieldRegistrationNumber) {
				if l.Text == s.number {
					read.Digits = .97
				}
				if l.Text == name || l.Text == s.also {
					read.Name, read.NameWhite, read.Latin, read.LatinWhite = .95, .01, .95, .01
				}
			}
			r.Candidates = append(r.Candidates, read)
		}
	}
	return &service.RecognisedPage{Reading: r, Clean: page, Thumb: page}, nil
}

// Show implements service.Recogniser.
func (f *fakePages) Show(_ context.Context, _ *service.BlankProfile, page []byte, r *service.PageReading) (*service.ShownPage, error) {
	out := &service.ShownPage{View: page}
	if r.Located {
		out.Lines = page
	}
	return out, nil
}

// A pattern is patternSide by patternSide squares, black or white, the first of
// them black, of patternSquare pixels each.
const (
	patternSide   = 4
	patternSquare = 40
)

// drawPattern draws a page that can be told from others by its number.
func drawPattern(n int) image.Image {
	p := image.NewGray(image.Rect(0, 0, patternSide*patternSquare, patternSide*patternSquare))
	for i := range p.Pix {
		x, y := i%p.Stride/patternSquare, i/p.Stride/patternSquare
		if (n<<1|1)>>(y*patternSide+x)&1 == 0 {
			p.Pix[i] = 0xff
		}
	}
	return p
}

// patternOf is the number of a page.
func patternOf(p image.Image) int {
	n := 0
	for i := range patternSide * patternSide {
		at := p.At(p.Bounds().Min.X+i%patternSide*patternSquare+patternSquare/2, p.Bounds().Min.Y+i/patternSide*patternSquare+patternSquare/2)
		if color.GrayModel.Convert(at).(color.Gray).Y < 0x80 {
			n |= 1 << i
		}
	}
	return n >> 1
}

// isWhite reports whether nothing is on a page.
func isWhite(p image.Image) bool {
	b := p.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			if color.GrayModel.Convert(p.At(x, y)).(color.Gray).Y < 0xf0 {
				return false
			}
		}
	}
	return true
}

// page draws a new page on which this is read.
func (d *desk) page(s said) []byte {
	d.t.Helper()
	d.pages.mu.Lock()
	defer d.pages.mu.Unlock()
	n := len(d.pages.said) + 1
	d.pages.said[n] = s
	var b bytes.Buffer
	if err := jpeg.Encode(&b, drawPattern(n), nil); err != nil {
		d.t.Fatal(err)
	}
	return b.Bytes()
}

// certificate is a page on which the certificate of an application is read well,
// on a blank of its own.
func (d *desk) certificate(number string) []byte {
	d.t.Helper()
	a := d.application(number)
	return d.page(said{number: a.RegistrationNumber, blank: blankOf(a)})
}

// blankOf is the blank on which a desk prints an application's certificate.
func blankOf(a *service.Application) string {
	return "4815162342" + a.RegistrationNumber[len(a.RegistrationNumber)-5:len(a.RegistrationNumber)-2]
}

// bound is a PDF of pages as a scanner makes it.
func (d *desk) bound(name string, pages ...[]byte) emulator.Attachment {
	d.t.Helper()
	var b bytes.Buffer
	binder := drawn.NewBinder(&b)
	for _, p := range pages {
		c, err := jpeg.DecodeConfig(bytes.NewReader(p))
		if err == nil {
			err = binder.Add(&drawn.Scan{JPEG: p, Gray: c.ColorModel == color.GrayModel})
		}
		if err != nil {
			d.t.Fatal(err)
		}
	}
	if err := binder.Close(); err != nil {
		d.t.Fatal(err)
	}
	return emulator.Attachment{Name: name, MIME: "application/pdf", Data: b.Bytes()}
}

// shot is a photo of a page.
func shot(page []byte) emulator.Attachment { return emulator.Attachment{Photo: true, Data: page} }

// scanning is an exam of the center whose certificates are printed and wait for
// their scans: applications NUMBER-01 and so on.
func (d *desk) scanning(number string, applications int, fill ...func(n int, a *service.Application)) *service.Exam {
	d.t.Helper()
	e := d.exam("Центр", number, "2026-02-24", applications, append([]func(int, *service.Application){registered}, fill...)...)
	d.approved(e)
	return e
}

// hold has every page wait for a word of read.
func (d *desk) hold() {
	d.pages.mu.Lock()
	defer d.pages.mu.Unlock()
	d.pages.slots = make(chan struct{}, 1000)
}

// release has all pages read.
func (d *desk) release() {
	d.pages.mu.Lock()
	defer d.pages.mu.Unlock()
	close(d.pages.slots)
	d.pages.slots = nil
}

// crash has the workers die over the pages that they hold, and begins anew with
// another bot, sender and workers.
func (d *desk) crash() {
	d.t.Helper()
	d.pages.mu.Lock()
	close(d.pages.dead)
	d.pages.slots, d.pages.dead = nil, make(chan struct{})
	d.pages.mu.Unlock()
	d.stop()
	d.log.Reset() // it has told of the jobs that died
	d.boot()
}

// read lets so many pages be read, waits until they are, and sends what is to be
// told by then.
func (d *desk) read(pages int) {
	d.t.Helper()
	d.awaits("every page found", `SELECT NOT EXISTS (SELECT FROM scan_files WHERE state = 'waiting')`)
	var before int
	count := `SELECT count(*) FROM scan_pages WHERE state <> 'waiting'`
	if err := d.store.Bun().NewRaw(count).Scan(d.t.Context(), &before); err != nil {
		d.t.Fatal(err)
	}
	for range pages {
		d.pages.slots <- struct{}{}
	}
	d.awaits("so many pages read", `SELECT (`+count+`) >= ?`, before+pages)
	d.sendsAll()
}

// tell handles updates and sends what is to be told, whatever is still worked.
func (d *desk) tell() {
	d.t.Helper()
	d.serve()
	d.awaits("every page found", `SELECT NOT EXISTS (SELECT FROM scan_files WHERE state = 'waiting')`)
	d.sendsAll()
}

func (d *desk) sendsAll() {
	d.t.Helper()
	for {
		n, err := d.sender.SendAll(d.t.Context())
		if err != nil {
			d.t.Fatal(err)
		}
		if n == 0 {
			return
		}
	}
}

// awaits waits until a query answers true.
func (d *desk) awaits(what, query string, args ...any) {
	d.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		var is bool
		if err := d.store.Bun().NewRaw(query, args...).Scan(d.t.Context(), &is); err != nil {
			d.t.Fatal(err)
		}
		if is {
			return
		}
		select {
		case <-tick.C:
		case <-d.t.Context().Done():
			d.t.Fatal("waited in vain: " + what)
		}
	}
}
