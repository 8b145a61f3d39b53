package service_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"flowbot/service"
)

// TestACancelledBatchComesToNothing cancels a batch at each point of its life, and
// sends the same again.
func TestACancelledBatchComesToNothing(t *testing.T) {
	t.Parallel()
	jobs := func(kinds ...string) func(*scanDesk) {
		return func(d *scanDesk) {
			for _, kind := range kinds {
				d.workOne(func(k string) bool { return k == kind })
			}
		}
	}
	taken, read := service.TakeApart{}.Kind(), service.ReadPage{}.Kind()
	for name, tt := range map[string]struct {
		before func(*scanDesk)
		loose  bool // of no exam
		found  int  // pages
		file   service.ScanFileState
	}{
		"before its file is fetched":   {before: func(*scanDesk) {}, file: service.ScanFileCancelled},
		"before its pages are read":    {before: jobs(taken), found: 2, file: service.ScanFileTakenApart},
		"after one of them":            {before: jobs(taken, read), found: 2, file: service.ScanFileTakenApart},
		"before it is settled":         {before: (*scanDesk).readAll, found: 2, file: service.ScanFileTakenApart},
		"while its exam is asked for":  {before: (*scanDesk).work, loose: true, found: 2, file: service.ScanFileTakenApart},
		"before its exam is asked for": {before: (*scanDesk).readAll, loose: true, found: 2, file: service.ScanFileTakenApart},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newScanDesk(t)
			e, list := d.waiting(2)
			_, others := d.waiting(1, elsewhere)
			pages, of := [][]byte{d.scanned(list[0]), d.scanned(list[1])}, e
			if tt.loose {
				pages[1], of = d.scanned(others[0]), nil
			}
			b := d.sends(d.anna, of, pages...)
			tt.before(d)
			if _, err := d.batches.Cancel(t.Context(), d.anna, b.ID); err != nil {
				t.Fatal(err)
			}
			d.work()
			d.exec(`UPDATE river_job SET state = 'discarded', finalized_at = now() - interval '1 hour'`)
			if n, err := d.batches.GiveUpStrays(t.Context()); err != nil || n != 0 {
				t.Errorf("%d strays, %v", n, err)
			}
			v := d.view(b)
			if v.Batch.State != service.BatchCancelled || v.Cancelled == nil || v.Cancelled.By != d.anna.Name || v.Matched+v.Questions+v.Aside != 0 {
				t.Errorf("the view is %+v", v)
			}
			if f := v.Files[0]; f.State != tt.file || tt.found > 0 && f.FileSHA == "" {
				t.Errorf("the file is %+v", f)
			}
			if diff := cmp.Diff(slices.Repeat([]string{"cancelled cancelled"}, tt.found), d.cancelled(b)); diff != "" {
				t.Error(diff)
			}
			if left := d.loadedOf(e); left != nil {
				t.Errorf("loaded are %q", left)
			}
			err := d.tryCancel(d.boris, b)
			if moved, _ := service.AsError(err).Data.(service.Moved); moved.By != d.anna.Name || moved.Event != "cancel" {
				t.Errorf("a colleague who cancels, too, is told %v", err)
			}
			if err := d.tryChoose(d.boris, b, e); service.ReasonOf(err) != service.ReasonMovedOn {
				t.Errorf("a colleague who chooses is told %v", err)
			}
			again := d.sends(d.anna, e, pages...)
			if again.ID == b.ID {
				t.Fatal("it came to the batch that was cancelled")
			}
			d.work()
			want := []string{"matched number+name 001", "matched number+name 002"}
			if tt.loose {
				want[1] = "question other exam 001"
			}
			if diff := cmp.Diff(want, d.fates(again)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func (d *scanDesk) tryCancel(by service.Actor, b *service.ScanBatch) error {
	d.t.Helper()
	_, err := d.batches.Cancel(d.t.Context(), by, b.ID)
	return err
}

// cancelled is fates without whose the pages seemed to be. Each page tells in its
// history who cancelled it.
func (d *scanDesk) cancelled(b *service.ScanBatch) []string {
	d.t.Helper()
	pages, err := d.store.ScanPages(d.t.Context(), b.ID, nil, 0, 1000)
	if err != nil {
		d.t.Fatal(err)
	}
	out := make([]string, 0, len(pages))
	for i := range pages {
		p := &pages[i]
		out = append(out, strings.Join([]string{string(p.State), string(p.Rule)}, " "))
		steps, err := d.store.HistoryOf(d.t.Context(), service.SubjectPage, p.ID, 1)
		if err != nil || len(steps) != 1 || steps[0].Event != "cancel" || steps[0].PersonID != p.DecidedBy {
			d.t.Errorf("page %d: %+v, %v", p.Number, steps, err)
		}
	}
	return out
}

func TestWhoMayCancelABatchAndWhen(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	e, list := d.waiting(2)
	b := d.sends(d.anna, e, d.scanned(list[0]))
	for who, by := range map[string]service.Actor{"another center's staff": d.stranger, "an admin": d.admin} {
		if err := d.tryCancel(by, b); service.ReasonOf(err) != service.ReasonNotFound {
			t.Errorf("%s: %v", who, err)
		}
	}
	if err := d.tryCancel(d.boris, b); err != nil {
		t.Errorf("a colleague: %v", err)
	}
	if diff := cmp.Diff([]string{"scan_batch", "scan_report"}, d.told(d.anna)); diff != "" {
		t.Error(diff)
	}
	late := d.sends(d.anna, e, d.scanned(list[1]))
	d.work()
	for _, err := range []error{d.tryCancel(d.anna, late), d.batches.Cancellable(t.Context(), d.anna, late.ID)} {
		if service.ReasonOf(err) != service.ReasonBatchSettled {
			t.Errorf("after it was settled: %v", err)
		}
	}
	if diff := cmp.Diff([]string{"002"}, d.loadedOf(e)); diff != "" {
		t.Error(diff)
	}
}

// TestACancelledBatchTakesNothingFromAnother has one page in two batches, of which
// the first is cancelled after the second was settled.
func TestACancelledBatchTakesNothingFromAnother(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	e, list := d.waiting(1)
	page := d.scanned(list[0])
	first := d.sends(d.anna, e, page)
	d.workOne(func(kind string) bool { return kind == service.TakeApart{}.Kind() })
	second := d.sends(d.boris, e, page)
	d.workOne(func(kind string) bool { return kind == service.TakeApart{}.Kind() })
	d.readAll()
	if err := d.batches.Settle(t.Context(), service.SettleBatch{BatchID: second.ID}); err != nil {
		t.Fatal(err)
	}
	if err := d.tryCancel(d.anna, first); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"matched number+name 001"}, d.fates(second)); diff != "" {
		t.Error(diff)
	}
}

// TestEntriesOfACancelledArchiveThatAreNoPagesAreNotCounted cancels an archive with a
// text among its pages.
func TestEntriesOfACancelledArchiveThatAreNoPagesAreNotCounted(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	e, list := d.waiting(2)
	b := d.sends(d.anna, e, d.scanned(list[0]), []byte("просто текст"), d.scanned(list[1]))
	d.readAll()
	before := d.view(b)
	if err := d.tryCancel(d.anna, b); err != nil {
		t.Fatal(err)
	}
	for when, v := range map[string]*service.BatchView{"before": before, "after": d.view(b)} {
		if v.Found != 2 || v.Entries != 1 || len(v.EntriesBy) != 1 || v.EntriesBy[0].Rule != service.PageRuleNotScan {
			t.Errorf("%s there are %d pages and %d entries: %+v", when, v.Found, v.Entries, v.EntriesBy)
		}
	}
	if diff := cmp.Diff([]string{"cancelled cancelled", "cancelled not a scan", "cancelled cancelled"}, d.cancelled(b)); diff != "" {
		t.Error(diff)
	}
}
