package bot_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestALostDeliveryIsNotRepeated loses the sender while a scan is on its way, and
// its candidate comes back meanwhile, which asks for what was missed.
func TestALostDeliveryIsNotRepeated(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna, ada := d.hire("center", "Центр", "Анна Центрова"), d.hire("admin", "", "Ада Админова")
	d.approved(d.exam("Центр", "77", "2026-02-24", 1, registered))
	ali := d.abroad("ali", "uz", "+1")
	d.joined(ali, "77-01")
	d.loaded(anna, "77-01", "1000000000001")
	d.quietly()
	d.at = d.at.Add(deliveryHold)

	batches, err := d.store.ClaimNotices(t.Context(), d.at, 10, time.Minute)
	if err != nil || len(batches) != 1 || batches[0].Kind != "delivery" {
		t.Fatalf("claimed %+v: %v", batches, err)
	}
	if ours, err := d.store.NoticesLeave(t.Context(), batches[0], d.at); !ours || err != nil {
		t.Fatalf("left: %v, %v", ours, err)
	}
	ali.Block()
	d.settle()
	ali.Unblock()
	d.settle()
	d.at = d.at.Add(2 * time.Minute)
	if _, err := d.sender.SendAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.log.Reset() // it has told of the one that was lost
	d.settle()

	for _, m := range ali.Messages() {
		if m.File != nil {
			t.Errorf("%s came, though it may have come before", m.File.Name)
		}
	}
	var states []string
	if err := d.store.Bun().NewRaw(`SELECT state FROM notices WHERE kind = 'delivery' ORDER BY id`).Scan(t.Context(), &states); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"unknown", "skipped"}, states); diff != "" {
		t.Errorf("notices (-want +got):\n%s", diff)
	}
	d.says(ada, "Неполадки")
	if text := ada.Last().Text; !strings.Contains(text, "не подтверждено, могло дойти") {
		t.Errorf("an admin reads %q", text)
	}
}
