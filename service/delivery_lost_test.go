package service_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flowbot/service"
)

// lost has the newest scan leave for the chat of a candidate without an answer.
func (d *deliveryDesk) lost(to service.Actor) {
	d.t.Helper()
	res, err := d.store.Bun().NewRaw(`UPDATE notices SET state = 'unknown', left_at = ?, ended_at = ? WHERE person_id = ? AND kind = 'delivery' AND state = 'queued'`,
		d.now(), d.now(), to.PersonID).Exec(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	if n, err := res.RowsAffected(); n != 1 || err != nil {
		d.t.Fatalf("%d scans were on their way, %v", n, err)
	}
}

// lostDesk is a desk whose first candidate has been sent a scan that nobody
// confirmed.
func lostDesk(t *testing.T) (*deliveryDesk, service.Actor) {
	t.Helper()
	d := newDeliveryDesk(t, 1)
	d.load(1, true)
	ali := d.link(1)
	d.wait(hold)
	d.lost(ali)
	return d, ali
}

// facts is how the delivery of the first application stands for its staff.
func (d *deliveryDesk) facts() service.DeliveryFacts {
	d.t.Helper()
	v, err := d.exams.Application(d.t.Context(), d.anna, d.a(1).ID)
	if err != nil {
		d.t.Fatal(err)
	}
	return v.Delivery
}

// due tells whether the scan of the first application would go to somebody now.
func (d *deliveryDesk) due(to service.Actor) bool {
	d.t.Helper()
	a := d.a(1)
	due, err := d.candidates.Due(d.t.Context(), to, service.DeliveryNotice{ApplicationID: a.ID, ScanID: a.ScanID})
	if err != nil {
		d.t.Fatal(err)
	}
	return due != nil
}

// events lists what was written down of the first application, oldest first.
func (d *deliveryDesk) events() []string {
	d.t.Helper()
	list, err := d.store.HistoryOf(d.t.Context(), service.SubjectApplication, d.a(1).ID, 100)
	if err != nil {
		d.t.Fatal(err)
	}
	var out []string
	for _, h := range list {
		out = append(out, h.Event)
	}
	return out
}

func TestALostDeliveryCannotBeRecalledAndWaitsForADecision(t *testing.T) {
	t.Parallel()
	d, ali := lostDesk(t)
	a := d.a(1)
	_, _, err := d.deliveries.RecallChoices(t.Context(), d.anna, a.ID)
	refusedWith(t, "recall", err, service.ReasonDeliveryUnconfirmed)
	refusedWith(t, "send again undecided", d.deliveries.SendAgain(t.Context(), d.anna, a.ID, a.Revision), service.ReasonDeliveryNoAgain)
	if f := d.facts(); !f.Lost || f.LostBefore || f.Again() {
		t.Errorf("staff see %+v", f)
	}
	if d.due(ali) {
		t.Error("it goes once more by itself")
	}
}

func TestALostDeliveryThatHasArrivedCountsAsDelivered(t *testing.T) {
	t.Parallel()
	d, ali := lostDesk(t)
	left := d.now().UTC()
	d.wait(time.Hour)
	a := d.a(1)
	if err := d.deliveries.DecideLost(t.Context(), d.anna, a.ID, a.Revision, true); err != nil {
		t.Fatal(err)
	}
	if at := d.a(1).DeliveredAt; at == nil || !at.Equal(left) {
		t.Errorf("it was delivered at %v, want %v", at, left)
	}
	if f := d.facts(); f.Unknown() || f.Again() || f.Recallable {
		t.Errorf("staff see %+v", f)
	}
	_, _, err := d.deliveries.RecallChoices(t.Context(), d.anna, a.ID)
	refusedWith(t, "recall", err, service.ReasonDeliveryUnconfirmed)
	refusedWith(t, "send again", d.deliveries.SendAgain(t.Context(), d.anna, a.ID, d.a(1).Revision), service.ReasonDeliveryNoAgain)
	refusedWith(t, "a double tap", d.deliveries.DecideLost(t.Context(), d.anna, a.ID, a.Revision, true), service.ReasonMovedOn)
	refusedWith(t, "once more", d.deliveries.DecideLost(t.Context(), d.anna, a.ID, d.a(1).Revision, true), service.ReasonDeliveryNotLost)
	if d.due(ali) {
		t.Error("it goes once more")
	}
	d.load(1, true) // corrected
	d.wait(hold)
	if got, err := d.candidates.Scan(t.Context(), ali, a.ID); err != nil || !got.Corrected {
		t.Errorf("the next scan is %+v, %v, no corrected one", got, err)
	}
}

func TestALostDeliveryThatWasNotSentWaitsToBeSentAgain(t *testing.T) {
	t.Parallel()
	d, ali := lostDesk(t)
	a := d.a(1)
	if err := d.deliveries.DecideLost(t.Context(), d.anna, a.ID, a.Revision, false); err != nil {
		t.Fatal(err)
	}
	if f := d.facts(); f.Unknown() || !f.Again() || f.Recalled {
		t.Errorf("staff see %+v", f)
	}
	e := d.current(d.exam)
	if err := d.deliveries.Pause(t.Context(), d.anna, e.ID, e.Revision); err != nil {
		t.Fatal(err)
	}
	if err := d.deliveries.Resume(t.Context(), d.anna, e.ID, e.Revision+1); err != nil {
		t.Fatal(err)
	}
	if d.due(ali) || slices.Contains(d.told(ali), "delivery") {
		t.Error("it goes by itself")
	}
	if err := d.deliveries.SendAgain(t.Context(), d.boris, a.ID, d.a(1).Revision); err != nil {
		t.Fatal(err)
	}
	if !d.due(ali) || !slices.Contains(d.told(ali), "delivery") {
		t.Error("it does not go")
	}
	if diff := cmp.Diff([]string{"delivery_denied", "send_again"}, d.events()[2:]); diff != "" {
		t.Error(diff)
	}
	v, err := d.deliveries.LostTold(t.Context(), d.admin, service.LostNotice{ApplicationID: a.ID, PersonID: d.anna.PersonID})
	if err != nil || v.By != "Анна Центрова" || v.Arrived || !slices.Contains(d.told(d.admin), "delivery_lost") {
		t.Errorf("an admin is told %v and reads %+v, %v", d.told(d.admin), v, err)
	}
}

func TestOnlyStaffOfTheCenterDecideOnLostDeliveries(t *testing.T) {
	t.Parallel()
	d, ali := lostDesk(t)
	a := d.a(1)
	for _, tt := range []struct {
		who  service.Actor
		want service.Reason
	}{{d.admin, service.ReasonForbidden}, {d.stranger, service.ReasonNotFound}, {ali, service.ReasonNotFound}} {
		refusedWith(t, "decide", d.deliveries.DecideLost(t.Context(), tt.who, a.ID, a.Revision, true), tt.want)
	}
	var all sync.WaitGroup
	reasons := make([]service.Reason, 2)
	for i, by := range []service.Actor{d.anna, d.boris} {
		all.Go(func() {
			reasons[i] = service.ReasonOf(d.deliveries.DecideLost(t.Context(), by, a.ID, a.Revision, i == 0))
		})
	}
	all.Wait()
	slices.Sort(reasons)
	if diff := cmp.Diff([]service.Reason{"", service.ReasonMovedOn}, reasons); diff != "" {
		t.Errorf("of two who decide at once (-want +got):\n%s", diff)
	}
}

// TestWhatWasLostOnItsWayToAnEarlierCandidateIsDecidedToo decides on it once
// somebody else is linked, who keeps theirs.
func TestWhatWasLostOnItsWayToAnEarlierCandidateIsDecidedToo(t *testing.T) {
	t.Parallel()
	for _, arrived := range []bool{true, false} {
		d, _ := lostDesk(t)
		d.unlink()
		right := d.link(1)
		d.delivered(right, 21)
		if f := d.facts(); f.Lost || !f.LostBefore || !f.Recallable {
			t.Errorf("staff see %+v", f)
		}
		had := *d.a(1).DeliveredAt
		if err := d.deliveries.DecideLost(t.Context(), d.anna, d.a(1).ID, d.a(1).Revision, arrived); err != nil {
			t.Fatal(err)
		}
		if a := d.a(1); a.DeliveredAt == nil || !a.DeliveredAt.Equal(had) || a.DeliverAt == nil {
			t.Errorf("who is linked now lost theirs: %+v", a)
		}
		if choices := d.choices(); len(choices) != 1 || !choices[0].Present {
			t.Errorf("recalled can be %+v", choices)
		}
	}
}

// TestALostDeliveryThatAnAdminDismissesWaitsForStaff has it not be sent again by
// itself once it is no trouble any more.
func TestALostDeliveryThatAnAdminDismissesWaitsForStaff(t *testing.T) {
	t.Parallel()
	d, ali := lostDesk(t)
	troubles := service.NewTroubles(d.store, d.now)
	list, err := troubles.Page(t.Context(), d.admin, service.TroubleNotice, 0, 5)
	if err != nil || len(list) != 1 {
		t.Fatalf("troubles: %+v, %v", list, err)
	}
	if err := troubles.Dismiss(t.Context(), d.admin, service.TroubleNotice, list[0].ID); err != nil {
		t.Fatal(err)
	}
	if f := d.facts(); f.Unknown() || !f.Again() {
		t.Errorf("staff see %+v", f)
	}
	if d.due(ali) {
		t.Error("it goes by itself")
	}
	if diff := cmp.Diff([]string{"delivery_dismissed"}, d.events()[2:]); diff != "" {
		t.Error(diff)
	}
}
