package service_test

import (
	"testing"
	"time"

	"flowbot/service"
)

// TestAReadingOnceMoreReleasesWhatAQuestionWithheld has a page in question read anew,
// which is no question then: the scan that it withheld goes at once.
func TestAReadingOnceMoreReleasesWhatAQuestionWithheld(t *testing.T) {
	t.Parallel()
	const blank = "0000000000201"
	for name, tt := range map[string]struct {
		then func(d *scanDesk, list []service.Application) func(*service.PageList) (*service.PageReading, error)
		fate string
	}{
		"it is another's": {func(d *scanDesk, list []service.Application) func(*service.PageList) (*service.PageReading, error) {
			return d.readingOf(d.scanned(list[1]))
		}, "matched number+name 002"},
		"it repeats the scan": {func(d *scanDesk, list []service.Application) func(*service.PageList) (*service.PageReading, error) {
			return d.readingOf(d.scanned(list[0], onBlank(blank)))
		}, "aside duplicate 001"},
		"nothing is on it": {func(d *scanDesk, list []service.Application) func(*service.PageList) (*service.PageReading, error) {
			return d.readingOf(d.scanned(list[0], empty))
		}, "aside empty"},
		"nobody can read it": {func(d *scanDesk, _ []service.Application) func(*service.PageList) (*service.PageReading, error) {
			return d.readingOf(d.unreadable())
		}, "aside unreadable"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newScanDesk(t)
			e, list := d.waiting(2)
			to := d.linked(list[0], 700)
			d.sends(d.anna, e, d.scanned(list[0], onBlank(blank)))
			d.work()
			a := d.as(list[0])
			page := d.scanned(list[0], misnamed)
			question := d.askOne(e, page, service.MatchNameDiffers)
			d.wait(hold)
			d.exec(`UPDATE notices SET state = 'skipped', ended_at = now() WHERE kind = 'delivery'`)
			if got, err := d.candidates().Due(t.Context(), to, service.DeliveryNotice{ApplicationID: a.ID, ScanID: a.ScanID}); got != nil || err != nil {
				t.Errorf("due is %+v, %v", got, err)
			}
			d.rereads(page, tt.then(d, list))
			if _, err := d.questions().Again(t.Context(), d.anna, question.ID, question.Revision); err != nil {
				t.Fatal(err)
			}
			if at := d.goesAt(); !at.After(d.now()) {
				t.Errorf("before it is read it goes at %v; it is %v", at, d.now())
			}
			d.work()
			p, err := d.store.ScanPage(t.Context(), question.ID)
			if err != nil {
				t.Fatal(err)
			}
			if got := d.fate(p); got != tt.fate {
				t.Errorf("the page is %q, want %q", got, tt.fate)
			}
			if at := d.goesAt(); at.After(d.now()) {
				t.Errorf("it goes at %v; it is %v", at, d.now())
			}
		})
	}
}

// readingOf is what is read on a page.
func (d *scanDesk) readingOf(page []byte) func(*service.PageList) (*service.PageReading, error) {
	d.t.Helper()
	id, err := patternOf(page)
	if err != nil {
		d.t.Fatal(err)
	}
	d.reader.mu.Lock()
	defer d.reader.mu.Unlock()
	return d.reader.pages[id]
}

// rereads has something else be read on a page from now on.
func (d *scanDesk) rereads(page []byte, read func(*service.PageList) (*service.PageReading, error)) {
	d.t.Helper()
	id, err := patternOf(page)
	if err != nil {
		d.t.Fatal(err)
	}
	d.reader.mu.Lock()
	defer d.reader.mu.Unlock()
	d.reader.pages[id] = read
}

// goesAt is when the only delivery that waits goes.
func (d *scanDesk) goesAt() time.Time {
	d.t.Helper()
	var at []time.Time
	if err := d.store.Bun().NewRaw(`SELECT run_at FROM notices WHERE kind = 'delivery' AND state = 'queued'`).Scan(d.t.Context(), &at); err != nil {
		d.t.Fatal(err)
	}
	if len(at) != 1 {
		d.t.Fatalf("deliveries go at %v", at)
	}
	return at[0]
}
