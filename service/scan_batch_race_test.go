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
