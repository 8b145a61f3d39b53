package service_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"flowbot/service"
)

// TestASlowWorkerDoesNotUndoWhatBecameOfItsFile has a file given up while a worker
// that was thought dead takes it apart: at its fetching, and at its second page.
func TestASlowWorkerDoesNotUndoWhatBecameOfItsFile(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		at    int // which file is being stored
		fates []string
	}{
		"while it is fetched":         {1, []string{}},
		"while its second page comes": {3, []string{"matched number+name 001"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newScanDesk(t)
			e, list := d.waiting(3)
			b := d.sends(d.anna, e, d.scanned(list[0]), d.scanned(list[1]), d.scanned(list[2]))
			files, err := d.store.ScanFiles(t.Context(), b.ID)
			if err != nil {
				t.Fatal(err)
			}
			job, n := service.TakeApart{FileID: files[0].ID}, 0
			d.watched.before = func() {
				if n++; n == tt.at {
					if err := d.batches.GiveUpTakeApart(t.Context(), job); err != nil {
						t.Error(err)
					}
				}
			}
			if err := d.batches.TakeApart(t.Context(), job); err != nil {
				t.Fatal(err)
			}
			d.watched.before = nil
			d.work()
			v := d.view(b)
			if f := v.Files[0]; f.State != service.ScanFileRefused || f.Reason != service.ReasonFileUnread || f.Pages != len(tt.fates) {
				t.Errorf("the file is %+v", f)
			}
			if v.Batch.State != service.BatchSettled {
				t.Errorf("the batch is %s", v.Batch.State)
			}
			if diff := cmp.Diff(tt.fates, d.fates(b)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// ends asks what must be true of a batch that several have worked and decided on at
// once: nothing waits, and what was attached belongs to a batch that is settled.
func (d *scanDesk) ends(b *service.ScanBatch) service.BatchState {
	d.t.Helper()
	d.work()
	v, err := d.batches.Batch(d.t.Context(), d.boris, b.ID)
	if err != nil {
		d.t.Fatal(err)
	}
	files, pages, err := d.store.ScanWaiting(d.t.Context(), b.ID)
	if err != nil || files+pages != 0 {
		d.t.Errorf("%d files and %d pages wait, %v", files, pages, err)
	}
	if v.Batch.State == service.BatchCancelled && v.Matched+v.Questions+v.Aside != 0 {
		d.t.Errorf("of a batch that is cancelled something came: %+v", v)
	}
	if v.Batch.State == service.BatchSettled && v.Matched+v.Questions+v.Aside != v.Found {
		d.t.Errorf("of a batch that is settled something is undecided: %+v", v)
	}
	return v.Batch.State
}

// noneOfOurs fails for an error that is no refusal.
func noneOfOurs(t *testing.T, errs []error) {
	t.Helper()
	for _, err := range errs {
		if err != nil && service.AsError(err).Kind == service.Internal {
			t.Error(err)
		}
	}
}

func TestOfTwoWhoChooseTheExamOneWins(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	first, list := d.waiting(2)
	second, others := d.waiting(2, elsewhere)
	for range 5 {
		b := d.sends(d.anna, nil, d.scanned(list[0], blotted), d.scanned(others[0], blotted))
		d.work()
		choose := func(by service.Actor, e *service.Exam) func() error {
			return func() error { return d.tryChoose(by, b, e) }
		}
		names, exams := []string{d.anna.Name, d.boris.Name}, []int64{first.ID, second.ID}
		winner := oneWins(t, atOnce(choose(d.anna, first), choose(d.boris, second)), "choose", names)
		if v := d.view(b); v.Batch.ExamID != exams[winner] {
			t.Errorf("%s won, and the exam is %d", names[winner], v.Batch.ExamID)
		}
		if s := d.ends(b); s != service.BatchSettled {
			t.Errorf("the batch is %s", s)
		}
	}
}

func TestOfTwoWhoCancelOneWins(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	e, list := d.waiting(1)
	for range 5 {
		b := d.sends(d.anna, e, d.scanned(list[0]))
		cancel := func(by service.Actor) func() error {
			return func() error { return d.tryCancel(by, b) }
		}
		oneWins(t, atOnce(cancel(d.anna), cancel(d.boris)), "cancel", []string{d.anna.Name, d.boris.Name})
		if s := d.ends(b); s != service.BatchCancelled {
			t.Errorf("the batch is %s", s)
		}
	}
}

// TestACancellationMeetsEverythingElse has one person cancel a batch while another
// says its exam, more of it comes, and workers take it apart, read, give up and
// settle it.
func TestACancellationMeetsEverythingElse(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	e, list := d.waiting(3)
	ended := map[service.BatchState]int{}
	for round := range 12 {
		of := e
		if round%3 == 0 {
			of = nil
		}
		b := d.sends(d.anna, of, d.scanned(list[0]), d.scanned(list[1], blotted))
		for range round % 5 {
			d.workOne(func(string) bool { return true })
		}
		files, err := d.store.ScanFiles(t.Context(), b.ID)
		if err != nil {
			t.Fatal(err)
		}
		pages, err := d.store.ScanPages(t.Context(), b.ID, nil, 0, 10)
		if err != nil {
			t.Fatal(err)
		}
		taken, settled := service.TakeApart{FileID: files[0].ID}, service.SettleBatch{BatchID: b.ID}
		deeds := []func() error{
			func() error { return d.tryCancel(d.boris, b) },
			func() error { return d.tryChoose(d.anna, b, e) },
			func() error { return d.batches.TakeApart(t.Context(), taken) },
			func() error { return d.batches.Settle(t.Context(), settled) },
			func() error { return d.batches.GiveUpSettle(t.Context(), settled) },
		}
		if round%2 == 0 {
			deeds = append(deeds, func() error { return d.batches.GiveUpTakeApart(t.Context(), taken) })
		}
		for _, p := range pages {
			read := service.ReadPage{PageID: p.ID}
			deeds = append(deeds,
				func() error { return d.batches.ReadPage(t.Context(), read) },
				func() error { return d.batches.GiveUpReadPage(t.Context(), read) })
		}
		errs := atOnce(deeds...)
		noneOfOurs(t, errs)
		s := d.ends(b)
		if (errs[0] == nil) != (s == service.BatchCancelled) {
			t.Errorf("cancelled: %v, and the batch is %s", errs[0], s)
		}
		ended[s]++
	}
	if ended[service.BatchCancelled]+ended[service.BatchSettled] != 12 {
		t.Errorf("the batches are %v", ended)
	}
	d.holds(t, e)
}
