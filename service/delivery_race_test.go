package service_test

import (
	"encoding/json"
	"slices"
	"sync"
	"testing"
	"time"

	"flowbot/service"
)

// claimed does what a sender does up to the request: it claims what is due to a
// candidate, and asks once more.
func (d *scanDesk) claimed(to service.Actor, candidates *service.Candidates) (*service.CandidateScan, error) {
	batches, err := d.store.ClaimNotices(d.t.Context(), d.now(), 100, time.Minute)
	if err != nil {
		return nil, err
	}
	for _, b := range batches {
		if b.PersonID != to.PersonID || b.Kind != (service.DeliveryNotice{}).NoticeKind() {
			continue
		}
		var n service.DeliveryNotice
		if err := json.Unmarshal(b.Notices[0].Payload, &n); err != nil {
			return nil, err
		}
		return candidates.Due(d.t.Context(), to, n)
	}
	return nil, nil
}

// TestWhatIsTakenBackIsNotSentAtThatMoment has a sender claim a scan while somebody
// takes it away from its candidate: one of them is too late.
func TestWhatIsTakenBackIsNotSentAtThatMoment(t *testing.T) {
	t.Parallel()
	const rounds = 12
	type deed func(d *scanDesk, candidates *service.Candidates, a *service.Application, own, other service.ScanPageLine) error
	tests := []struct {
		name   string
		do     deed
		refuse service.Reason
	}{
		{"its page is taken back", func(d *scanDesk, _ *service.Candidates, _ *service.Application, own, _ service.ScanPageLine) error {
			_, err := d.questions().Undo(d.t.Context(), d.anna, own.ID, own.Revision)
			return err
		}, service.ReasonPageDelivered},
		{"the candidate is unlinked", func(d *scanDesk, candidates *service.Candidates, a *service.Application, _, _ service.ScanPageLine) error {
			_, err := candidates.Unlink(d.t.Context(), d.anna, a.ID, a.Revision)
			return err
		}, service.ReasonDeliverySending},
		{"another page replaces it", func(d *scanDesk, _ *service.Candidates, a *service.Application, _, other service.ScanPageLine) error {
			_, err := d.choose(d.anna, other, *a, replacing)
			return err
		}, service.ReasonDeliverySending},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := newScanDesk(t)
			candidates := d.candidates()
			e, list := d.waiting(rounds)
			var pages [][]byte
			for _, a := range list {
				pages = append(pages, d.scanned(a), d.scanned(a, blotted))
			}
			b := d.sends(d.anna, e, pages...)
			d.work()
			d.wait(2 * hold)
			lines, err := d.store.PageLines(t.Context(), b.ID, []service.PageState{service.PageMatched, service.PageQuestion}, 0, 2*rounds)
			if err != nil || len(lines) != 2*rounds {
				t.Fatalf("%d pages, %v", len(lines), err)
			}
			for i, a := range list {
				to := d.linked(a, int64(900+i))
				now := d.as(a)
				var sent *service.CandidateScan
				var claimErr, deedErr error
				var both sync.WaitGroup
				both.Go(func() { sent, claimErr = d.claimed(to, candidates) })
				both.Go(func() { deedErr = tt.do(d, candidates, now, lines[2*i], lines[2*i+1]) })
				both.Wait()
				if claimErr != nil || deedErr != nil && service.ReasonOf(deedErr) != tt.refuse {
					t.Fatalf("round %d: %v, %v", i, claimErr, deedErr)
				}
				if sent != nil && deedErr == nil {
					t.Errorf("round %d: scan %d goes out although it was taken back", i, sent.ScanID)
				}
			}
		})
	}
}

// linked lets a Telegram user in by the link of an application.
func (d *scanDesk) linked(a service.Application, telegramID int64) service.Actor {
	d.t.Helper()
	token, _, err := d.candidates().Invite(d.t.Context(), d.anna, a.ID, 0)
	if err != nil {
		d.t.Fatal(err)
	}
	in, err := d.arrives(service.AcceptInput{TelegramID: telegramID, Token: token})
	if err != nil {
		d.t.Fatal(err)
	}
	return in.Actor
}

// TestAScanOnItsWayStaysItsCandidates tries to take a scan away that a sender has
// claimed and that is still to go.
func TestAScanOnItsWayStaysItsCandidates(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	candidates := d.candidates()
	e, list := d.waiting(1)
	b := d.sends(d.anna, e, d.scanned(list[0]), d.scanned(list[0], blotted))
	d.work()
	d.wait(2 * hold)
	to := d.linked(list[0], 900)
	if sent, err := d.claimed(to, candidates); sent == nil || err != nil {
		t.Fatalf("claimed %+v, %v", sent, err)
	}
	lines, err := d.store.PageLines(t.Context(), b.ID, []service.PageState{service.PageMatched, service.PageQuestion}, 0, 2)
	if err != nil {
		t.Fatal(err)
	}
	other := lines[slices.IndexFunc(lines, func(l service.ScanPageLine) bool { return l.State == service.PageQuestion })]
	a := d.as(list[0])
	_, err = candidates.Unlink(t.Context(), d.anna, a.ID, a.Revision)
	refusedWith(t, "unlinking", err, service.ReasonDeliverySending)
	_, err = d.choose(d.anna, other, *a, replacing)
	refusedWith(t, "replacing", err, service.ReasonDeliverySending)

	d.exec(`UPDATE notices SET state = 'unknown', ended_at = now() WHERE kind = 'delivery'`)
	if _, err := candidates.Unlink(t.Context(), d.anna, a.ID, a.Revision); err != nil {
		t.Errorf("a request without an answer keeps the candidate linked: %v", err)
	}
}

// TestARecalledScanStaysRecalledWhenItStandsAgain replaces a scan that was recalled,
// and takes that back, for the candidate who had it and for another one.
func TestARecalledScanStaysRecalledWhenItStandsAgain(t *testing.T) {
	t.Parallel()
	for name, another := range map[string]bool{"from who is linked": false, "from who was linked before": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newScanDesk(t)
			candidates, deliveries := d.candidates(), service.NewDeliveries(d.store, &chatMessages{}, d.now)
			e, list := d.waiting(1)
			to := d.linked(list[0], 900)
			b := d.sends(d.anna, e, d.scanned(list[0]), d.scanned(list[0], blotted))
			d.work()
			d.wait(2 * hold)
			a := d.as(list[0])
			if err := candidates.Delivered(t.Context(), to, service.DeliveryNotice{ApplicationID: a.ID, ScanID: a.ScanID}, 9); err != nil {
				t.Fatal(err)
			}
			_, choices, err := deliveries.RecallChoices(t.Context(), d.anna, a.ID)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := deliveries.Recall(t.Context(), d.anna, choices[0].DeliveryID, d.as(*a).Revision); err != nil {
				t.Fatal(err)
			}
			if another {
				if _, err := candidates.Unlink(t.Context(), d.anna, a.ID, d.as(*a).Revision); err != nil {
					t.Fatal(err)
				}
				to = d.linked(list[0], 901)
			}
			lines, err := d.store.PageLines(t.Context(), b.ID, []service.PageState{service.PageQuestion}, 0, 1)
			if err != nil {
				t.Fatal(err)
			}
			other := d.chosen(lines[0], *a, replacing)
			if _, err := d.questions().Undo(t.Context(), d.anna, other.ID, other.Revision); err != nil {
				t.Fatal(err)
			}
			d.wait(2 * hold)
			if _, err := candidates.Scan(t.Context(), to, a.ID); service.ReasonOf(err) != service.ReasonCandidateNoScan {
				t.Errorf("asked for, the recalled scan came: %v", err)
			}
			if got, err := candidates.Due(t.Context(), to, service.DeliveryNotice{ApplicationID: a.ID, ScanID: a.ScanID}); got != nil || err != nil {
				t.Errorf("due is %+v, %v", got, err)
			}
		})
	}
}

// TestAScanThatStandsAgainGoesToWhoeverIsLinkedNow links another person after a scan
// was delivered, replaces it, and takes that back.
func TestAScanThatStandsAgainGoesToWhoeverIsLinkedNow(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	candidates := d.candidates()
	e, list := d.waiting(1)
	first := d.linked(list[0], 900)
	b := d.sends(d.anna, e, d.scanned(list[0]), d.scanned(list[0], blotted))
	d.work()
	d.wait(2 * hold)
	a := d.as(list[0])
	n := service.DeliveryNotice{ApplicationID: a.ID, ScanID: a.ScanID}
	if err := candidates.Delivered(t.Context(), first, n, 9); err != nil {
		t.Fatal(err)
	}
	if _, err := candidates.Unlink(t.Context(), d.anna, a.ID, d.as(*a).Revision); err != nil {
		t.Fatal(err)
	}
	second := d.linked(list[0], 901)
	lines, err := d.store.PageLines(t.Context(), b.ID, []service.PageState{service.PageQuestion}, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	other := d.chosen(lines[0], *a, replacing)
	if _, err := d.questions().Undo(t.Context(), d.anna, other.ID, other.Revision); err != nil {
		t.Fatal(err)
	}
	d.wait(2 * hold)
	if got, err := candidates.Due(t.Context(), second, n); got == nil || err != nil {
		t.Errorf("due is %+v, %v", got, err)
	}
}
