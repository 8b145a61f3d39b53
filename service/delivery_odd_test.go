package service_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"flowbot/service"
)

// TestOfOneWhoGivesAndOneWhoPausesNothingSlipsOut has one person give scans now
// while a colleague pauses the exam: whoever is first, nothing is due afterwards
// until it is resumed.
func TestOfOneWhoGivesAndOneWhoPausesNothingSlipsOut(t *testing.T) {
	t.Parallel()
	d := newDeliveryDesk(t, 1)
	ali := d.link(1)
	d.load(1, true)
	for range 12 {
		plan, err := d.deliveries.PlanGiving(t.Context(), d.anna, d.exam.ID)
		if err != nil {
			t.Fatal(err)
		}
		e := d.current(d.exam)
		var given, paused error
		var both sync.WaitGroup
		both.Go(func() { _, given = d.deliveries.Give(t.Context(), d.anna, e.ID, plan.Version) })
		both.Go(func() { paused = d.deliveries.Pause(t.Context(), d.boris, e.ID, e.Revision) })
		both.Wait()
		if r := service.ReasonOf(given); paused != nil || r != "" && r != service.ReasonDeliveryPaused {
			t.Fatalf("given: %v; paused: %v", given, paused)
		}
		if d.due(ali) {
			t.Fatal("a scan of a paused exam is due")
		}
		if err := d.deliveries.Resume(t.Context(), d.boris, e.ID, d.current(d.exam).Revision); err != nil {
			t.Fatal(err)
		}
		if got, want := d.due(ali), given == nil; got != want {
			t.Fatalf("due once resumed: %t, want %t", got, want)
		}
		d.load(1, true) // for the next round
	}
}

// TestWhoHasALoadedScanStaysEntitled tries to take away that a certificate is due
// between the hold of its scan and its sending: nothing can, in the use cases or
// past them.
func TestWhoHasALoadedScanStaysEntitled(t *testing.T) {
	t.Parallel()
	d := newDeliveryDesk(t, 1)
	ali := d.link(1)
	d.load(1, true)
	a := d.a(1)
	for _, in := range []service.MarkInput{{Outcome: service.OutcomeFailed}, {Outcome: service.OutcomeAbsent}, {Violations: service.ViolationsFound}} {
		in.ApplicationID, in.Revision, in.Comment = a.ID, a.Revision, "ошибка"
		_, err := d.exams.Mark(t.Context(), d.anna, in)
		refusedWith(t, "mark", err, service.ReasonResultFrozen)
	}
	_, err := d.exams.Unmark(t.Context(), d.anna, a.ID, a.Revision)
	refusedWith(t, "take the mark back", err, service.ReasonResultFrozen)
	for _, change := range []string{`outcome = 'failed'`, `violations = 'found'`, `registration_number = '', issued_on = NULL, valid_until = NULL`} {
		_, err := d.store.Bun().NewRaw(`UPDATE applications SET `+change+` WHERE id = ?`, a.ID).Exec(t.Context())
		if err == nil || !strings.Contains(err.Error(), "applications_") {
			t.Errorf("%s: %v", change, err)
		}
	}
	d.wait(hold)
	if !d.due(ali) {
		t.Error("it does not go")
	}
}

// TestPagesBeforeTheProtocolIsApprovedGoToNobody scans certificates of an exam whose
// numbers cannot be there yet, for that exam and beside another one.
func TestPagesBeforeTheProtocolIsApprovedGoToNobody(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	e := d.exam(1, passed)
	other, _ := d.waiting(1)
	a := d.applications(e)[0]
	printed := a
	printed.RegistrationNumber = "26-10-40538-000900-1"
	_, err := d.trySend(d.anna, e, d.scanned(printed), false)
	refusedWith(t, "for that exam", err, service.ReasonBatchEarly)
	asked := d.ask(other, d.scanned(printed))
	if len(asked) != 1 {
		t.Fatalf("questions are %+v", asked)
	}
	_, err = d.choose(d.anna, asked[0], a, confirmed)
	refusedWith(t, "by a person", err, service.ReasonQuestionOtherExam)
	if got := d.as(a); got.ScanID != 0 {
		t.Errorf("the application has scan %d", got.ScanID)
	}
}

// TestNamesakesOfOneExamGetTheirOwn scans the certificates of two people of one
// name, one of them with a number of which a digit cannot be read.
func TestNamesakesOfOneExamGetTheirOwn(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	same := func(_ int, a *service.Application) {
		a.LastName, a.FirstName, a.MiddleName = "Каримов", "Алишер", "Рустамович"
		a.LastNameLatin, a.FirstNameLatin = "KARIMOV", "ALISHER"
	}
	e, list := d.waiting(2, same)
	alike := func(r *service.PageReading) { // the name is that of both
		for i := range r.Candidates {
			r.Candidates[i].Name, r.Candidates[i].Latin = .95, .95
		}
	}
	first, second := d.linked(list[0], 700), d.linked(list[1], 701)
	asked := d.ask(e, d.scanned(list[0], alike), d.scanned(list[1], alike, blotted))
	if len(asked) != 1 {
		t.Fatalf("questions are %+v", asked)
	}
	if a := d.as(list[1]); a.ScanID != 0 {
		t.Error("a name without its number was believed")
	}
	if a := d.as(list[0]); a.ScanID == 0 {
		t.Error("a name with its number was not believed")
	}
	d.wait(2 * hold)
	due := func(to service.Actor, a *service.Application) bool {
		got, err := d.candidates().Due(t.Context(), to, service.DeliveryNotice{ApplicationID: a.ID, ScanID: a.ScanID})
		if err != nil {
			t.Fatal(err)
		}
		return got != nil
	}
	if a := d.as(list[0]); !due(first, a) || due(second, a) {
		t.Error("the scan of the first goes to another")
	}
	d.chosen(asked[0], list[1], confirmed)
	d.wait(2 * hold)
	if a := d.as(list[1]); !due(second, a) || due(first, a) {
		t.Error("the scan of the second goes to another")
	}
}

func TestAScanGoesInTheDaysOfItsCenter(t *testing.T) {
	t.Parallel()
	const layout = "02.01 15:04"
	for _, tt := range []struct{ name, may, now, zone, want string }{
		{"its hold ends by day", "02.03 10:00", "02.03 09:00", "UTC", "02.03 10:00"},
		{"its hold ends at night", "02.03 21:30", "02.03 20:00", "UTC", "03.03 09:00"},
		{"its hold was over by day, and it is night", "02.03 20:30", "02.03 21:30", "UTC", "03.03 09:00"},
		{"its hold was over at night, and it is day", "02.03 03:00", "02.03 11:00", "UTC", "02.03 11:00"},
		{"it is night elsewhere", "02.03 19:00", "02.03 19:00", "Asia/Yekaterinburg", "03.03 04:00"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			at := func(s string) time.Time {
				m, err := time.Parse(layout, s)
				if err != nil {
					t.Fatal(err)
				}
				return m.AddDate(2026, 0, 0)
			}
			if got := service.SendingAt(at(tt.may), at(tt.now), tt.zone).UTC().Format(layout); got != tt.want {
				t.Errorf("it goes at %s, want %s", got, tt.want)
			}
		})
	}
}
