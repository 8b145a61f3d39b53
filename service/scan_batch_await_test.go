package service_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flowbot/service"
)

// due has the workers do what was to be done later, by now.
func (d *scanDesk) due() {
	d.t.Helper()
	d.exec(`UPDATE river_job SET state = 'available' WHERE state = 'scheduled'`)
	d.work()
}

// quiet lets the time pass in which more files are awaited.
func (d *scanDesk) quiet() {
	d.t.Helper()
	d.wait(service.SessionPause)
	d.due()
}

// sendsOn has Anna send a file in the conversation about an exam, and reads it.
func (d *scanDesk) sendsOn(e *service.Exam, pages ...[]byte) *service.ScanBatch {
	d.t.Helper()
	in := d.message(e, packed(d.t, pages...))
	in.Session = true
	b, err := d.batches.Receive(d.t.Context(), d.anna, in)
	if err != nil {
		d.t.Fatal(err)
	}
	d.work()
	return b
}

// settles tells what jobs there are that will settle a batch.
func (d *scanDesk) settles() []string {
	d.t.Helper()
	var out []string
	err := d.store.Bun().NewRaw(`SELECT state::text FROM river_job WHERE kind = 'settle_batch' AND state <> 'completed' ORDER BY id`).Scan(d.t.Context(), &out)
	if err != nil {
		d.t.Fatal(err)
	}
	return out
}

// TestFilesOfAConversationAreOneBatch sends one file after another, each when the one
// before is read, and a colleague's beside them.
func TestFilesOfAConversationAreOneBatch(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(d *scanDesk, e *service.Exam){
		"the sender says that these were all": func(d *scanDesk, e *service.Exam) {
			for range 2 { // pressed twice
				if err := d.batches.SentAll(d.t.Context(), d.anna, e.ID); err != nil {
					d.t.Fatal(err)
				}
			}
			d.work()
		},
		"nothing comes any more": func(d *scanDesk, _ *service.Exam) { d.quiet() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newScanDesk(t)
			e, list := d.waiting(4)
			first := d.sendsOn(e, d.scanned(list[0]))
			for _, a := range list[1:3] {
				d.wait(service.SessionPause * 3 / 4)
				if err := d.batches.SentAll(t.Context(), d.boris, e.ID); err != nil { // of his own
					t.Fatal(err)
				}
				d.due()
				if b := d.sendsOn(e, d.scanned(a)); b.ID != first.ID {
					t.Errorf("the next file came to %+v", b)
				}
			}
			if v := d.view(first); v.Batch.State != service.BatchOpen || !v.Awaits || v.Read != 3 {
				t.Errorf("the view is %+v", v)
			}
			if diff := cmp.Diff([]string{"scheduled"}, d.settles()); diff != "" {
				t.Error(diff)
			}
			end(d, e)
			if v := d.view(first); v.Batch.State != service.BatchSettled || v.Awaits || v.Matched != 3 {
				t.Errorf("the view is %+v", v)
			}
			if diff := cmp.Diff([]string{"scan_batch", "scan_report"}, d.told(d.anna)); diff != "" {
				t.Error(diff)
			}
			if left := d.settles(); left != nil {
				t.Errorf("jobs are left: %q", left)
			}
			if next := d.sendsOn(e, d.scanned(list[3])); next.ID == first.ID {
				t.Error("a settled batch takes files")
			}
		})
	}
}

// TestTheEndIsSaidBeforeEverythingIsRead has the sender say so while a page waits.
func TestTheEndIsSaidBeforeEverythingIsRead(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	e, list := d.waiting(2)
	in := d.message(e, packed(t, d.scanned(list[0]), d.scanned(list[1])))
	in.Session = true
	b, err := d.batches.Receive(t.Context(), d.anna, in)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // taken apart, the first is read
		d.workOne(func(string) bool { return true })
	}
	if err := d.batches.SentAll(t.Context(), d.anna, e.ID); err != nil {
		t.Fatal(err)
	}
	if got := d.settles(); got != nil {
		t.Errorf("it is settled before it is read: %q", got)
	}
	d.work()
	if v := d.view(b); v.Batch.State != service.BatchSettled || v.Matched != 2 {
		t.Errorf("the view is %+v", v)
	}
}

// TestABatchThatAwaitsFilesOutlivesItsJob loses the job that would settle it.
func TestABatchThatAwaitsFilesOutlivesItsJob(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	e, list := d.waiting(1)
	b := d.sendsOn(e, d.scanned(list[0]))
	if n, err := d.batches.GiveUpStrays(t.Context()); err != nil || n != 0 {
		t.Errorf("%d strays, %v", n, err)
	}
	for _, wait := range []time.Duration{0, service.SessionPause} {
		d.exec(`DELETE FROM river_job WHERE state = 'scheduled'`)
		d.wait(wait)
		if n, err := d.batches.GiveUpStrays(t.Context()); err != nil || n != 1 {
			t.Errorf("%d strays, %v", n, err)
		}
	}
	d.work()
	if v := d.view(b); v.Batch.State != service.BatchSettled || v.Matched != 1 {
		t.Errorf("the view is %+v", v)
	}
}
