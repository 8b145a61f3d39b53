package service_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"flowbot/service"
)

// deedOn does something to an act with the revision that it has.
type deedOn func(ctx context.Context, d *desk, a *service.Act) error

func moves(by func(*desk) service.Actor, ev service.ActEvent) deedOn {
	return func(ctx context.Context, d *desk, a *service.Act) error {
		_, err := d.acts.Move(ctx, by(d), a.ID, a.Revision, ev)
		return err
	}
}

func rejects(by func(*desk) service.Actor, comment string) deedOn {
	return func(ctx context.Context, d *desk, a *service.Act) error {
		_, err := d.acts.Reject(ctx, by(d), a.ID, a.Revision, comment)
		return err
	}
}

func cancels(by func(*desk) service.Actor, comment string) deedOn {
	return func(ctx context.Context, d *desk, a *service.Act) error {
		_, err := d.acts.Cancel(ctx, by(d), a.ID, a.Revision, comment)
		return err
	}
}

func regenerates(by func(*desk) service.Actor) deedOn {
	return func(ctx context.Context, d *desk, a *service.Act) error {
		_, err := d.acts.Regenerate(ctx, by(d), service.RegenerateInput{ActID: a.ID, Revision: a.Revision})
		return err
	}
}

// sends submits a fresh journal for the act's cohort.
func sends(by func(*desk) service.Actor) deedOn {
	return func(_ context.Context, d *desk, a *service.Act) error {
		_, err := d.trySend(by(d), &service.Cohort{ID: a.CohortID})
		return err
	}
}

func rep(d *desk) service.Actor       { return d.rep }
func colleague(d *desk) service.Actor { return d.colleague }
func reviewer(d *desk) service.Actor  { return d.reviewer }
func other(d *desk) service.Actor     { return d.other }
func both(d *desk) service.Actor      { return d.both }
func stranger(d *desk) service.Actor  { return d.stranger }

// beside adds another act to the cohort and brings it to approval, taken by the
// other reviewer. The first act keeps its state.
func beside(d *desk, a *service.Act) {
	c := &service.Cohort{ID: a.CohortID}
	cohort := d.current(c)
	l := d.learner(service.Learner{
		CohortID: a.CohortID, Number: cohort.Number + "-x", LastName: "Ещё", FirstName: "Один", Finished: true,
		DocumentType: 1, DocumentNumber: "9", RegistrationNumber: "9", DocumentOn: cohort.EndOn, Revision: 1,
	})
	second := d.generate(c, l)
	j := cohort.JournalVersion
	if j == 0 { // the rows that an upload for the second act alone would leave
		d.exec("INSERT INTO journals (cohort_id, version, uploaded_by, uploaded_at) VALUES (?, 1, ?, now())", a.CohortID, d.rep.PersonID)
		d.exec("UPDATE cohorts SET journal_version = 1 WHERE id = ?", a.CohortID)
		j = 1
	}
	d.exec(`UPDATE acts SET status = 'in_approval', journal_version = ?, due_on = '2026-03-24', reviewer_id = ?, taken_at = ?
		WHERE id = ?`, j, d.other.PersonID, d.now(), second.ID)
}

// standing lays a journal beside an act that waits for one, as when another act
// of the cohort was sent before.
func standing(d *desk, a *service.Act) {
	d.exec("INSERT INTO journals (cohort_id, version, uploaded_by, uploaded_at) VALUES (?, 1, ?, now())", a.CohortID, d.rep.PersonID)
	d.exec("UPDATE cohorts SET journal_version = 1 WHERE id = ?", a.CohortID)
}

func fallen(d *desk, a *service.Act) {
	standing(d, a)
	d.exec("UPDATE journals SET rejected_by = ?, rejected_at = now(), comment = 'Нечитаемо' WHERE cohort_id = ?", d.reviewer.PersonID, a.CohortID)
}

func notEnded(d *desk, a *service.Act) {
	d.exec("UPDATE cohorts SET end_on = '2026-03-02' WHERE id = ?", a.CohortID)
}

func uploadedBy(by func(*desk) service.Actor) func(*desk, *service.Act) {
	return func(d *desk, a *service.Act) {
		d.exec("UPDATE journals SET uploaded_by = ? WHERE cohort_id = ?", by(d).PersonID, a.CohortID)
	}
}

func taken(by func(*desk) service.Actor) func(*desk, *service.Act) {
	return func(d *desk, a *service.Act) {
		d.exec("UPDATE acts SET reviewer_id = ?, taken_at = ? WHERE id = ?", by(d).PersonID, d.now(), a.ID)
	}
}

// TestEveryMoveOfAnAct asks every row of the table for its move and for each of
// its refusals, and every state for the moves that it does not know.
func TestEveryMoveOfAnAct(t *testing.T) {
	t.Parallel()
	d := newDesk(t)

	const (
		waits, sent, rejected, approved, cancelled = "awaiting_journal", "in_approval", "rejected", "approved", "cancelled"
		inHand                                     = "taken" // in approval, by the reviewer
	)
	long := strings.Repeat("я", service.MaxComment)
	tests := []struct {
		state string
		name  string
		set   func(*desk, *service.Act) // what else is so; may be nil
		do    deedOn
		row   string // event and new state; "" when refused
		want  service.Reason
	}{
		{waits, "its journal is sent", nil, sends(rep), "submit in_approval", ""},
		{waits, "a colleague sends its journal", nil, sends(colleague), "submit in_approval", ""},
		{waits, "a reviewer sends a journal", nil, sends(reviewer), "", service.ReasonForbidden},
		{waits, "another partner sends a journal", nil, sends(stranger), "", service.ReasonNotFound},
		{waits, "a journal before the day after the end", notEnded, sends(rep), "", service.ReasonNotEnded},
		{waits, "a journal while another act is reviewed", beside, sends(rep), "", service.ReasonTaken},
		{waits, "sent with the journal that stands", standing, moves(rep, "resend"), "resend in_approval", ""},
		{waits, "sent with the journal that stands while another act is reviewed", beside, moves(rep, "resend"), "resend in_approval", ""},
		{waits, "sent without any journal", nil, moves(rep, "resend"), "", service.ReasonNoJournal},
		{waits, "sent with a rejected journal", fallen, moves(rep, "resend"), "", service.ReasonNoJournal},
		{waits, "a reviewer sends it", standing, moves(reviewer, "resend"), "", service.ReasonForbidden},
		{waits, "another partner sends it", standing, moves(stranger, "resend"), "", service.ReasonNotFound},
		{waits, "sent before the day after the end", func(d *desk, a *service.Act) { standing(d, a); notEnded(d, a) }, moves(rep, "resend"), "", service.ReasonNotEnded},
		{waits, "made anew", nil, regenerates(rep), "regenerate awaiting_journal", ""},
		{waits, "a reviewer makes it anew", nil, regenerates(reviewer), "", service.ReasonForbidden},
		{waits, "another partner makes it anew", nil, regenerates(stranger), "", service.ReasonNotFound},
		{waits, "made anew before the day after the end", notEnded, regenerates(rep), "", service.ReasonNotEnded},
		{waits, "cancelled", nil, cancels(rep, "Не те слушатели"), "cancel cancelled", ""},
		{waits, "cancelled without a reason", nil, cancels(rep, ""), "", service.ReasonCommentRequired},
		{waits, "cancelled with spaces", nil, cancels(rep, " \n\t\u00a0"), "", service.ReasonCommentRequired},
		{waits, "cancelled with a NUL", nil, cancels(rep, "\x00"), "", service.ReasonCommentRequired},
		{waits, "cancelled with the longest reason", nil, cancels(rep, long), "cancel cancelled", ""},
		{waits, "cancelled with a longer reason", nil, cancels(rep, long+"я"), "", service.ReasonCommentTooLong},
		{waits, "emoji count twice", nil, cancels(rep, strings.Repeat("🙂", service.MaxComment/2+1)), "", service.ReasonCommentTooLong},
		{waits, "a reviewer cancels it", nil, cancels(reviewer, "так"), "", service.ReasonForbidden},
		{waits, "another partner cancels it", nil, cancels(stranger, "так"), "", service.ReasonNotFound},
		{waits, "taken too early", nil, moves(reviewer, "take"), "", service.ReasonMovedOn},
		{waits, "approved too early", nil, moves(reviewer, "approve"), "", service.ReasonMovedOn},
		{waits, "rejected too early", nil, rejects(reviewer, "так"), "", service.ReasonMovedOn},
		{waits, "given back too early", nil, moves(reviewer, "release"), "", service.ReasonMovedOn},

		{sent, "its journal is replaced", nil, sends(rep), "replace in_approval", ""},
		{sent, "a reviewer replaces", nil, sends(reviewer), "", service.ReasonForbidden},
		{sent, "another partner replaces", nil, sends(stranger), "", service.ReasonNotFound},
		{inHand, "replaced while it is reviewed", nil, sends(rep), "", service.ReasonTaken},
		{sent, "replaced while another act is reviewed", beside, sends(rep), "", service.ReasonTaken},
		{sent, "replaced before the day after the end", notEnded, sends(rep), "", service.ReasonNotEnded},
		{sent, "made anew", nil, regenerates(rep), "regenerate in_approval", ""},
		{sent, "made anew while another act is reviewed", beside, regenerates(rep), "regenerate in_approval", ""},
		{inHand, "made anew while it is reviewed", nil, regenerates(rep), "", service.ReasonTaken},
		{sent, "a reviewer makes it anew", nil, regenerates(reviewer), "", service.ReasonForbidden},
		{sent, "made anew before the day after the end", notEnded, regenerates(rep), "", service.ReasonNotEnded},
		{sent, "cancelled", nil, cancels(rep, "Ошибка в датах"), "cancel cancelled", ""},
		{sent, "cancelled without a reason", nil, cancels(rep, ""), "", service.ReasonCommentRequired},
		{inHand, "cancelled while it is reviewed", nil, cancels(rep, "так"), "", service.ReasonTaken},
		{sent, "a reviewer cancels it", nil, cancels(reviewer, "так"), "", service.ReasonForbidden},
		{sent, "taken", nil, moves(reviewer, "take"), "take in_approval", ""},
		{sent, "taken while another act of the cohort is reviewed", beside, moves(reviewer, "take"), "take in_approval", ""},
		{sent, "taken by the partner", nil, moves(rep, "take"), "", service.ReasonForbidden},
		{sent, "taken by another partner", nil, moves(stranger, "take"), "", service.ReasonNotFound},
		{inHand, "taken by a second reviewer", nil, moves(other, "take"), "", service.ReasonTaken},
		{inHand, "taken twice", nil, moves(reviewer, "take"), "", service.ReasonTaken},
		{sent, "taken by who uploaded it", uploadedBy(both), moves(both, "take"), "", service.ReasonOwnUpload},
		{sent, "taken by a reviewer who represents the partner, too", nil, moves(both, "take"), "take in_approval", ""},
		{inHand, "given back", nil, moves(reviewer, "release"), "release in_approval", ""},
		{inHand, "given back by another", nil, moves(other, "release"), "", service.ReasonTaken},
		{inHand, "given back by the partner", nil, moves(rep, "release"), "", service.ReasonForbidden},
		{sent, "given back when free", nil, moves(reviewer, "release"), "", service.ReasonNotTaken},
		{inHand, "approved", nil, moves(reviewer, "approve"), "approve approved", ""},
		{sent, "approved without taking", nil, moves(reviewer, "approve"), "", service.ReasonNotTaken},
		{inHand, "approved by another", nil, moves(other, "approve"), "", service.ReasonTaken},
		{inHand, "approved by the partner", nil, moves(rep, "approve"), "", service.ReasonForbidden},
		{inHand, "approved by another partner", nil, moves(stranger, "approve"), "", service.ReasonNotFound},
		{sent, "approved by who uploaded it", func(d *desk, a *service.Act) { uploadedBy(both)(d, a); taken(both)(d, a) }, moves(both, "approve"), "", service.ReasonOwnUpload},
		{inHand, "rejected", nil, rejects(reviewer, "Нет подписи на л. 2 <b>&"), "reject rejected", ""},
		{inHand, "rejected without a comment", nil, rejects(reviewer, ""), "", service.ReasonCommentRequired},
		{inHand, "rejected with a comment too long", nil, rejects(reviewer, long+"я"), "", service.ReasonCommentTooLong},
		{sent, "rejected without taking", nil, rejects(reviewer, "так"), "", service.ReasonNotTaken},
		{inHand, "rejected by another", nil, rejects(other, "так"), "", service.ReasonTaken},
		{inHand, "rejected by the partner", nil, rejects(rep, "так"), "", service.ReasonForbidden},
		{sent, "rejected by who uploaded it", func(d *desk, a *service.Act) { uploadedBy(both)(d, a); taken(both)(d, a) }, rejects(both, "так"), "", service.ReasonOwnUpload},
		{sent, "sent once more", nil, moves(rep, "resend"), "", service.ReasonMovedOn},

		{rejected, "its journal is replaced", nil, sends(rep), "replace in_approval", ""},
		{rejected, "a reviewer replaces", nil, sends(reviewer), "", service.ReasonForbidden},
		{rejected, "replaced before the day after the end", notEnded, sends(rep), "", service.ReasonNotEnded},
		{rejected, "replaced while another act is reviewed", beside, sends(rep), "", service.ReasonTaken},
		{rejected, "made anew", nil, regenerates(rep), "regenerate rejected", ""},
		{rejected, "a reviewer makes it anew", nil, regenerates(reviewer), "", service.ReasonForbidden},
		{rejected, "made anew before the day after the end", notEnded, regenerates(rep), "", service.ReasonNotEnded},
		{rejected, "cancelled", nil, cancels(rep, "Не нужен"), "cancel cancelled", ""},
		{rejected, "cancelled without a reason", nil, cancels(rep, ""), "", service.ReasonCommentRequired},
		{rejected, "a reviewer cancels it", nil, cancels(reviewer, "так"), "", service.ReasonForbidden},
		{rejected, "taken", nil, moves(reviewer, "take"), "", service.ReasonMovedOn},
		{rejected, "approved", nil, moves(reviewer, "approve"), "", service.ReasonMovedOn},
		{rejected, "rejected again", nil, rejects(reviewer, "так"), "", service.ReasonMovedOn},
		{rejected, "sent with the rejected journal", nil, moves(rep, "resend"), "", service.ReasonMovedOn},

		{approved, "taken", nil, moves(reviewer, "take"), "", service.ReasonMovedOn},
		{approved, "approved again", nil, moves(reviewer, "approve"), "", service.ReasonMovedOn},
		{approved, "rejected", nil, rejects(reviewer, "так"), "", service.ReasonMovedOn},
		{approved, "given back", nil, moves(reviewer, "release"), "", service.ReasonMovedOn},
		{approved, "cancelled", nil, cancels(rep, "так"), "", service.ReasonMovedOn},
		{approved, "made anew", nil, regenerates(rep), "", service.ReasonMovedOn},
		{approved, "sent once more", nil, moves(rep, "resend"), "", service.ReasonMovedOn},
		{approved, "replaced, and nothing else waits", nil, sends(rep), "", service.ReasonNothingWaits},

		{cancelled, "taken", nil, moves(reviewer, "take"), "", service.ReasonMovedOn},
		{cancelled, "cancelled again", nil, cancels(rep, "так"), "", service.ReasonMovedOn},
		{cancelled, "made anew", nil, regenerates(rep), "", service.ReasonMovedOn},
		{cancelled, "sent", nil, moves(rep, "resend"), "", service.ReasonMovedOn},
		{cancelled, "its journal is sent", nil, sends(rep), "", service.ReasonNothingWaits},

		// What follows from something else cannot be asked for.
		{sent, "a submission by a bare word", nil, moves(rep, "submit"), "", service.ReasonForbidden},
		{rejected, "a replacement by a bare word", nil, moves(rep, "replace"), "", service.ReasonForbidden},
		{waits, "a new version by a bare word", nil, moves(rep, "regenerate"), "", service.ReasonForbidden},
		{inHand, "an expiry by a bare word", nil, moves(reviewer, "expire"), "", service.ReasonForbidden},
		{inHand, "a fall by a bare word", nil, moves(reviewer, "fall"), "", service.ReasonForbidden},
		{waits, "a cancellation by a bare word", nil, moves(rep, "cancel"), "", service.ReasonForbidden},
		{inHand, "a rejection by a bare word", nil, moves(reviewer, "reject"), "", service.ReasonForbidden},
		{waits, "a word that nobody knows", nil, moves(rep, "explode"), "", service.ReasonForbidden},
	}
	seen := []string{
		// By the clock and by another act's rejection: see the tests of each.
		"in_approval expire in_approval", "in_approval fall rejected",
	}
	for _, tt := range tests {
		state := strings.Replace(tt.state, inHand, sent, 1)
		a := d.in(tt.state)
		if tt.set != nil {
			tt.set(d, a)
		}
		before, lived := d.act(a.ID), d.life(a.ID)
		err := tt.do(t.Context(), d, before)
		after := d.act(a.ID)
		name := tt.state + ": " + tt.name
		if got := service.ReasonOf(err); got != tt.want {
			t.Errorf("%s: refused with %q (%v), want %q", name, got, err, tt.want)
			continue
		}
		if tt.want != "" {
			if diff := cmp.Diff(before, after); diff != "" {
				t.Errorf("%s: refused, and yet the act changed: %s", name, diff)
			}
			if diff := cmp.Diff(lived, d.life(a.ID)); diff != "" {
				t.Errorf("%s: refused, and yet history grew: %s", name, diff)
			}
			continue
		}
		event, to, _ := strings.Cut(tt.row, " ")
		if string(after.Status) != to || after.Revision != before.Revision+1 {
			t.Errorf("%s: %s at revision %d after %d, want %s", name, after.Status, after.Revision, before.Revision, to)
		}
		life := d.life(a.ID)
		if last := life[len(life)-1]; len(life) != len(lived)+1 || !strings.Contains(last, ": "+event+" "+state+">"+to+" ") {
			t.Errorf("%s: history %q", name, life)
		}
		seen = append(seen, state+" "+tt.row)
	}
	slices.Sort(seen)
	rows := service.ActRows()
	slices.Sort(rows)
	if diff := cmp.Diff(rows, slices.Compact(seen)); diff != "" {
		t.Errorf("rows of the table and rows tested: %s", diff)
	}
}

// TestRefusalsTellWhatTheyKnow looks at the facts that come with a refusal.
func TestRefusalsTellWhatTheyKnow(t *testing.T) {
	t.Parallel()
	d := newDesk(t)

	a := d.in("taken")
	_, err := d.acts.Move(t.Context(), d.other, a.ID, a.Revision, service.ActTake)
	want := service.Holder{PersonID: d.reviewer.PersonID, Name: "Роман Проверкин", At: *a.TakenAt, Zone: service.DefaultZone}
	if diff := cmp.Diff(want, service.AsError(err).Data); diff != "" {
		t.Errorf("who holds it: %s", diff)
	}
	_, err = d.trySend(d.rep, &service.Cohort{ID: a.CohortID})
	if diff := cmp.Diff(want, service.AsError(err).Data); diff != "" {
		t.Errorf("who keeps it from being replaced: %s", diff)
	}

	_, err = d.acts.Move(t.Context(), d.other, a.ID, a.Revision-1, service.ActTake)
	moved := service.Moved{Subject: service.SubjectAct, ID: a.ID, Event: "take", By: "Роман Проверкин", At: d.now(), Zone: d.other.Zone}
	if diff := cmp.Diff(moved, service.AsError(err).Data); diff != "" || service.AsError(err).Kind != service.Conflict {
		t.Errorf("a button of an older revision: %v %s", err, diff)
	}

	_, err = d.acts.Reject(t.Context(), d.reviewer, a.ID, a.Revision, strings.Repeat("х", service.MaxComment+1))
	if diff := cmp.Diff(service.MaxComment, service.AsError(err).Data); diff != "" {
		t.Errorf("how long a comment may be: %s", diff)
	}

	c := d.cohort(1)
	d.exec("UPDATE cohorts SET end_on = '2026-03-02' WHERE id = ?", c.ID)
	_, err = d.acts.Generate(t.Context(), d.rep, service.GenerateInput{CohortID: c.ID, Revision: 1})
	early, ok := service.AsError(err).Data.(*service.Cohort)
	if !ok || early.EndOn != day(t, "2026-03-02") {
		t.Errorf("when the cohort ends: %v", service.AsError(err).Data)
	}
}

func TestTheSchemaKnowsTheStatesOfTheTable(t *testing.T) {
	t.Parallel()
	d := newHouse(t)
	var check string
	err := d.store.Bun().NewRaw("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'acts_status'").Scan(t.Context(), &check)
	if err != nil {
		t.Fatal(err)
	}
	var inSchema []string
	for _, m := range regexp.MustCompile(`'([a-z_]+)'`).FindAllStringSubmatch(check, -1) {
		inSchema = append(inSchema, m[1])
	}
	var inTable []string
	for _, s := range service.ActStates() {
		inTable = append(inTable, string(s))
	}
	slices.Sort(inSchema)
	slices.Sort(inTable)
	if diff := cmp.Diff(inTable, inSchema); diff != "" {
		t.Error(diff)
	}
}

func TestGenerateRefuses(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	c := d.cohort(3)
	ids := d.learners(c)
	elsewhere := d.learners(d.cohort(1))
	bare := d.learner(service.Learner{CohortID: c.ID, Number: "bare", LastName: "Без", FirstName: "Документа", Finished: true, Revision: 1})
	d.generate(c, ids[0])
	none := d.cohort(0)
	early := d.cohort(1)
	d.exec("UPDATE cohorts SET end_on = '2026-03-02' WHERE id = ?", early.ID)

	tests := []struct {
		name string
		by   service.Actor
		in   service.GenerateInput
		want service.Reason
		data any
	}{
		{"a reviewer", d.reviewer, service.GenerateInput{CohortID: c.ID, Revision: 2}, service.ReasonForbidden, nil},
		{"another partner", d.stranger, service.GenerateInput{CohortID: c.ID, Revision: 2}, service.ReasonNotFound, nil},
		{"nobody", service.Actor{}, service.GenerateInput{CohortID: c.ID, Revision: 2}, service.ReasonNotFound, nil},
		{"on the last day", d.rep, service.GenerateInput{CohortID: early.ID, Revision: 1}, service.ReasonNotEnded, d.current(early)},
		{
			"a second tap", d.rep,
			service.GenerateInput{CohortID: c.ID, Revision: 1, Learners: ids[1:2]},
			service.ReasonMovedOn,
			service.Moved{Subject: "cohort", ID: c.ID, Event: "generate", By: d.rep.Name, At: d.now(), Zone: d.rep.Zone},
		},
		{"nobody chosen", d.rep, service.GenerateInput{CohortID: c.ID, Revision: 2, Learners: []int64{}}, service.ReasonNoLearners, nil},
		{"nobody eligible", d.rep, service.GenerateInput{CohortID: none.ID, Revision: 1}, service.ReasonNoLearners, nil},
		{"somebody of another act", d.rep, service.GenerateInput{CohortID: c.ID, Revision: 2, Learners: ids[:2]}, service.ReasonNotEligible, []string{"Слушатель001 Иван"}},
		{"somebody without a document", d.rep, service.GenerateInput{CohortID: c.ID, Revision: 2, Learners: []int64{ids[1], bare}}, service.ReasonNotEligible, []string{"Без Документа"}},
		{"somebody of another cohort", d.rep, service.GenerateInput{CohortID: c.ID, Revision: 2, Learners: append(elsewhere, ids[1])}, service.ReasonNotEligible, []string(nil)},
	}
	for _, tt := range tests {
		_, err := d.acts.Generate(t.Context(), tt.by, tt.in)
		if got := service.ReasonOf(err); got != tt.want {
			t.Errorf("%s: refused with %q (%v), want %q", tt.name, got, err, tt.want)
		}
		if diff := cmp.Diff(tt.data, service.AsError(err).Data); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
	if got := d.current(c); got.Acts != 1 || got.Revision != 2 {
		t.Errorf("the cohort counts %d acts at revision %d", got.Acts, got.Revision)
	}
}

func TestGenerateMakesAnActForTheChosen(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	c := d.cohort(5)
	ids := d.learners(c)

	first := d.generate(c, ids[1], ids[0], ids[1]) // chosen twice is chosen once
	second := d.generate(c)
	want := &service.Act{
		ID: first.ID, Number: c.Number + "/1", CohortID: c.ID, PartnerID: d.partner.ID, Status: service.ActAwaitingJournal,
		Version: 1, Revision: 1, GeneratedBy: d.rep.PersonID, CreatedAt: d.now(), UpdatedAt: d.now(),
	}
	if diff := cmp.Diff(want, first); diff != "" {
		t.Errorf("what came back: %s", diff)
	}
	if diff := cmp.Diff(want, d.act(first.ID)); diff != "" {
		t.Errorf("what was kept: %s", diff)
	}
	if second.Number != c.Number+"/2" {
		t.Errorf("the second act is %s", second.Number)
	}
	for a, n := range map[*service.Act]int{first: 2, second: 3} {
		named, err := d.store.ActLearners(t.Context(), a.ID)
		if err != nil || len(named) != n {
			t.Errorf("act %s names %d, %v, want %d", a.Number, len(named), err, n)
		}
	}
	if diff := cmp.Diff([]string{"Ольга Петрова: generate >awaiting_journal v1 j0 "}, d.life(first.ID)); diff != "" {
		t.Error(diff)
	}
	jobs := d.jobs("print_act")
	if diff := cmp.Diff([]string{
		fmt.Sprintf(`{"act_id": %d, "version": 1}`, first.ID), fmt.Sprintf(`{"act_id": %d, "version": 1}`, second.ID),
	}, jobs); diff != "" {
		t.Errorf("jobs: %s", diff)
	}
	v, err := d.acts.Cohort(t.Context(), d.rep, c.ID)
	if err != nil {
		t.Fatal(err)
	}
	if v.Generation != (service.Generation{Status: service.GenerationImpossible}) || v.CanGenerate || len(v.Acts) != 2 || v.CanUpload != service.ActSubmit {
		t.Errorf("the cohort's card: %+v", v)
	}
}

func (d *desk) jobs(kind string) []string {
	d.t.Helper()
	var out []string
	err := d.store.Bun().NewRaw("SELECT args::text FROM river_job WHERE kind = ? ORDER BY id", kind).Scan(d.t.Context(), &out)
	if err != nil {
		d.t.Fatal(err)
	}
	return out
}

func TestGenerationIsReadyFromTheDayAfterTheEndInThePartnersZone(t *testing.T) {
	t.Parallel()
	d := newDeskIn(t, "Asia/Kamchatka", "Europe/Moscow") // UTC+12 and UTC+3
	c := d.cohort(1)
	d.exec("UPDATE cohorts SET end_on = '2026-03-02' WHERE id = ?", c.ID)
	for _, tt := range []struct {
		at   string
		want service.GenerationStatus
	}{
		{"2026-03-02T11:59:59Z", service.GenerationImpossible},
		{"2026-03-02T12:00:00Z", service.GenerationReady},
	} {
		d.clock(tt.at)
		v, err := d.acts.Cohort(t.Context(), d.rep, c.ID)
		if err != nil {
			t.Fatal(err)
		}
		if v.Generation.Status != tt.want || v.CanGenerate != (tt.want == service.GenerationReady) || v.Generation.Eligible != 1 {
			t.Errorf("at %s: %+v", tt.at, v.Generation)
		}
		_, err = d.acts.Generate(t.Context(), d.rep, service.GenerateInput{CohortID: c.ID, Revision: 1})
		if (err == nil) != (tt.want == service.GenerationReady) {
			t.Errorf("at %s: generated with %v", tt.at, err)
		}
	}
}

// TestDeadlinesCountWorkingDaysInTheZoneOfWhoeverMustAct: the operator has 15
// working days, the partner 3, by the calendar.
func TestDeadlinesCountWorkingDaysInTheZoneOfWhoeverMustAct(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name     string
		sent     string // when the package is sent
		checkBy  string // the operator's deadline
		rejected string // when it is rejected
		mendBy   string // the partner's deadline
	}{
		// 9 March 2026 is a day off for Sunday the 8th.
		{"over the eighth of March", "2026-03-02T09:00:00Z", "2026-03-24", "2026-03-05T09:00:00Z", "2026-03-11"},
		// 13:00 in Moscow is 22:00 in Kamchatka; 15:30 is half past midnight there.
		{"the partner's next day has begun", "2026-03-16T12:30:00Z", "2026-04-06", "2026-03-16T12:30:00Z", "2026-03-20"},
		// 23:30 in Moscow on the 16th; one hour later it is the 17th there.
		{"just before the operator's midnight", "2026-03-16T20:30:00Z", "2026-04-06", "2026-03-16T20:59:00Z", "2026-03-20"},
		{"just after the operator's midnight", "2026-03-16T21:30:00Z", "2026-04-07", "2026-03-17T09:00:00Z", "2026-03-20"},
		{"over the May holidays", "2026-04-30T09:00:00Z", "2026-05-25", "2026-05-08T09:00:00Z", "2026-05-14"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := newDeskIn(t, "Asia/Kamchatka", "Europe/Moscow")
			a := d.generate(d.cohort(1))
			d.clock(tt.sent)
			d.send(d.rep, &service.Cohort{ID: a.CohortID})
			if got := d.act(a.ID).DueOn; got != day(t, tt.checkBy) {
				t.Errorf("to be checked by %s, want %s", got, tt.checkBy)
			}
			d.clock(tt.rejected)
			if got := d.reject(d.reviewer, a.ID, "Нечитаемо").DueOn; got != day(t, tt.mendBy) {
				t.Errorf("to be mended by %s, want %s", got, tt.mendBy)
			}
			d.send(d.rep, &service.Cohort{ID: a.CohortID})
			d.move(d.reviewer, a.ID, service.ActTake)
			if got := d.move(d.reviewer, a.ID, service.ActApprove).DueOn; !got.IsZero() {
				t.Errorf("approved and due on %s", got)
			}
		})
	}
}

func TestAnActIsOverdueFromTheDayAfterItsDeadlineWhereItWasSet(t *testing.T) {
	t.Parallel()
	d := newDeskIn(t, "Asia/Kamchatka", "Europe/Moscow") // UTC+12 and UTC+3
	checked := d.in("in_approval")                       // due on 2026-03-24
	mended := d.in("rejected")                           // due on 2026-03-05
	for _, tt := range []struct {
		id   int64
		at   string
		want bool
	}{
		{mended.ID, "2026-03-05T11:59:00Z", false},
		{mended.ID, "2026-03-05T12:00:00Z", true},
		{checked.ID, "2026-03-24T12:00:00Z", false}, // the partner's day after
		{checked.ID, "2026-03-24T20:59:00Z", false},
		{checked.ID, "2026-03-24T21:00:00Z", true},
	} {
		d.clock(tt.at)
		v, err := d.acts.View(t.Context(), d.reviewer, tt.id)
		if err != nil || v.Overdue != tt.want {
			t.Errorf("at %s: overdue %v, %v, due on %s", tt.at, v.Overdue, err, v.Act.DueOn)
		}
	}
}

// TestTheFirstRejectedAndMendedPackage walks the plain way and reads history.
func TestTheFirstRejectedAndMendedPackage(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	c := d.cohort(2)
	a := d.generate(c)
	d.notices()

	steps := []struct {
		name string
		do   func()
		want []string // the notices
	}{
		{"sent", func() { d.send(d.rep, c) }, []string{"Борис Двойной queue", "Вера Вторая queue", "Роман Проверкин queue"}},
		{"taken", func() { d.move(d.reviewer, a.ID, service.ActTake) }, nil},
		{"given back", func() { d.move(d.reviewer, a.ID, service.ActRelease) }, nil},
		{
			"rejected",
			func() { d.reject(d.other, a.ID, "Нет подписи на л. 2 <b>&\n«так»") },
			[]string{"Борис Двойной act_rejected reject", "Ольга Петрова act_rejected reject", "Павел Коллегов act_rejected reject"},
		},
		{"replaced by a colleague", func() { d.send(d.colleague, c) }, []string{"Борис Двойной queue", "Вера Вторая queue", "Роман Проверкин queue"}},
		{"approved by one who represents the partner, too", func() {
			d.move(d.both, a.ID, service.ActTake)
			d.move(d.both, a.ID, service.ActApprove)
		}, []string{"Ольга Петрова act_approved approve", "Павел Коллегов act_approved approve"}},
	}
	for _, s := range steps {
		s.do()
		if diff := cmp.Diff(s.want, d.notices()); diff != "" {
			t.Errorf("%s: %s", s.name, diff)
		}
	}
	if diff := cmp.Diff([]string{
		"Ольга Петрова: generate >awaiting_journal v1 j0 ",
		"Ольга Петрова: submit awaiting_journal>in_approval v1 j1 ",
		"Роман Проверкин: take in_approval>in_approval v1 j1 ",
		"Роман Проверкин: release in_approval>in_approval v1 j1 ",
		"Вера Вторая: take in_approval>in_approval v1 j1 ",
		"Вера Вторая: reject in_approval>rejected v1 j1 Нет подписи на л. 2 <b>&\n«так»",
		"Павел Коллегов: replace rejected>in_approval v1 j2 ",
		"Борис Двойной: take in_approval>in_approval v1 j2 ",
		"Борис Двойной: approve in_approval>approved v1 j2 ",
	}, d.life(a.ID)); diff != "" {
		t.Error(diff)
	}
	v, err := d.acts.View(t.Context(), d.rep, a.ID)
	if err != nil {
		t.Fatal(err)
	}
	if v.Sent.Version != 2 || v.Sent.RejectedAt != nil || len(v.Files) != 2 || v.Learners != 2 || len(v.Offers) != 0 {
		t.Errorf("the approved act's card: %+v", v)
	}
	journals, err := d.store.Journals(t.Context(), c.ID)
	if err != nil {
		t.Fatal(err)
	}
	if len(journals) != 2 || journals[0].RejectedBy != d.other.PersonID || journals[0].Comment != "Нет подписи на л. 2 <b>&\n«так»" {
		t.Errorf("versions of the journal: %+v", journals)
	}
}

func TestManyPackagesAreOneMessage(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for range 5 {
		d.in("in_approval")
	}
	three := d.cohort(3)
	for _, l := range d.learners(three) {
		d.generate(three, l)
	}
	d.send(d.rep, three)
	if diff := cmp.Diff([]string{"Борис Двойной queue", "Вера Вторая queue", "Роман Проверкин queue"}, d.notices()); diff != "" {
		t.Error(diff)
	}
}

func TestADecisionsNoticeKnowsTheRevisionThatItTellsOf(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for state, event := range map[string]string{"approved": "approve", "rejected": "reject"} {
		a := d.in(state)
		var told []struct {
			ActID    int64
			Revision int
			Event    string
		}
		err := d.store.Bun().NewRaw(`SELECT DISTINCT (payload->>'act_id')::bigint AS act_id, (payload->>'revision')::int AS revision,
			payload->>'event' AS event FROM notices WHERE kind = 'act_' || ?`, state).Scan(t.Context(), &told)
		if err != nil || len(told) != 1 || told[0].ActID != a.ID || told[0].Revision != a.Revision || told[0].Event != event {
			t.Errorf("%s: told %+v, %v of %+v", state, told, err, a)
		}
	}
}

func TestTheQueuesCardIsRenewedWhenTheQueueChanges(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	renewed := []string{"Борис Двойной queue_changed", "Вера Вторая queue_changed", "Роман Проверкин queue_changed"}
	silent := d.in("awaiting_journal")
	a := d.in("in_approval")
	d.outbox()
	steps := []struct {
		name string
		do   func()
		want []string
	}{
		{"taken", func() { d.move(d.reviewer, a.ID, service.ActTake) }, renewed[2:]},
		{"given back", func() { d.move(d.reviewer, a.ID, service.ActRelease) }, renewed[2:]},
		{"cancelled", func() {
			if _, err := d.acts.Cancel(t.Context(), d.rep, a.ID, d.act(a.ID).Revision, "Не нужен"); err != nil {
				t.Fatal(err)
			}
		}, renewed},
		{"cancelled before it was sent", func() {
			if _, err := d.acts.Cancel(t.Context(), d.rep, silent.ID, silent.Revision, "Не нужен"); err != nil {
				t.Fatal(err)
			}
		}, nil},
	}
	for _, s := range steps {
		s.do()
		if diff := cmp.Diff(s.want, d.outbox()); diff != "" {
			t.Errorf("%s: %s", s.name, diff)
		}
	}
}

// TestRejectingOneActEndsTheOthersWithTheSameJournal has an approved act, one
// under another's review, a free one, a cancelled one and one that waits.
func TestRejectingOneActEndsTheOthersWithTheSameJournal(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	c := d.cohort(6)
	l := d.learners(c)
	var ids []int64
	for i := range 5 {
		ids = append(ids, d.generate(c, l[i]).ID)
	}
	pinned, refused, reviewed, free, gone := ids[0], ids[1], ids[2], ids[3], ids[4]
	d.send(d.rep, c)
	d.move(d.other, pinned, service.ActTake)
	d.move(d.other, pinned, service.ActApprove)
	d.move(d.other, reviewed, service.ActTake)
	if _, err := d.acts.Cancel(t.Context(), d.rep, gone, d.act(gone).Revision, "Лишний"); err != nil {
		t.Fatal(err)
	}
	waits := d.generate(c, l[5]).ID
	d.notices()

	before := d.act(reviewed)
	d.reject(d.reviewer, refused, "Не тот поток")

	for id, want := range map[int64]service.ActStatus{
		pinned: service.ActApproved, refused: service.ActRejected, reviewed: service.ActRejected,
		free: service.ActRejected, gone: service.ActCancelled, waits: service.ActAwaitingJournal,
	} {
		got := d.act(id)
		if got.Status != want || got.ReviewerID != 0 || want == service.ActRejected && (got.Comment != "Не тот поток" || got.DueOn != day(t, "2026-03-05")) {
			t.Errorf("act %s: %+v, want %s", got.Number, got, want)
		}
	}
	partner := func(event string) []string {
		return []string{"Борис Двойной act_rejected " + event, "Ольга Петрова act_rejected " + event, "Павел Коллегов act_rejected " + event}
	}
	want := slices.Concat(partner("fall"), partner("fall"), partner("reject"), []string{"Вера Вторая review_ended fall"})
	slices.Sort(want)
	if diff := cmp.Diff(want, d.notices()); diff != "" {
		t.Errorf("notices: %s", diff)
	}
	if life := d.life(reviewed); life[len(life)-1] != "Роман Проверкин: fall in_approval>rejected v1 j1 Не тот поток" {
		t.Errorf("history of the act that fell: %q", life)
	}
	_, err := d.acts.Move(t.Context(), d.other, reviewed, before.Revision, service.ActApprove)
	moved := service.Moved{Subject: "act", ID: reviewed, Event: "fall", By: "Роман Проверкин", At: d.now(), Zone: service.DefaultZone}
	if diff := cmp.Diff(moved, service.AsError(err).Data); diff != "" || service.ReasonOf(err) != service.ReasonMovedOn {
		t.Errorf("the other reviewer's button: %v %s", err, diff)
	}
	_, err = d.acts.Move(t.Context(), d.rep, waits, 1, service.ActResend)
	wantReason(t, err, service.ReasonNoJournal)

	// The next version takes everything along that is not approved.
	d.send(d.colleague, c)
	for id, version := range map[int64]int{pinned: 1, refused: 2, reviewed: 2, free: 2, gone: 1, waits: 2} {
		if got := d.act(id); got.JournalVersion != version {
			t.Errorf("act %s with version %d, want %d", got.Number, got.JournalVersion, version)
		}
	}
	if got := d.act(pinned); got.Status != service.ActApproved {
		t.Errorf("the approved act is %s", got.Status)
	}
	v, err := d.acts.View(t.Context(), d.rep, pinned)
	if err != nil || v.Sent.Version != 1 || v.Newest.Version != 2 || len(v.Files) != 2 {
		t.Errorf("the approved act shows version %d of %d, %v", v.Sent.Version, v.Newest.Version, err)
	}
}

func TestANewActGoesWithTheJournalThatStands(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	c := d.cohort(2)
	l := d.learners(c)
	first := d.generate(c, l[0])
	d.send(d.rep, c)
	d.move(d.reviewer, first.ID, service.ActTake)
	second := d.generate(c, l[1])
	v, err := d.acts.View(t.Context(), d.rep, second.ID)
	if err != nil {
		t.Fatal(err)
	}
	offers := []service.ActEvent{service.ActSubmit, service.ActResend, service.ActRegenerate, service.ActCancel}
	if diff := cmp.Diff(offers, v.Offers); diff != "" || v.Newest.Version != 1 || v.Blocker == nil || v.Holder != nil {
		t.Errorf("the new act's card: %+v %s", v, diff)
	}
	got := d.move(d.colleague, second.ID, service.ActResend)
	if got.Status != service.ActInApproval || got.JournalVersion != 1 || got.SubmittedAt == nil {
		t.Errorf("sent: %+v", got)
	}
	if life := d.life(second.ID); life[1] != "Павел Коллегов: resend awaiting_journal>in_approval v1 j1 " {
		t.Errorf("history: %q", life)
	}
}

// TestOffersFollowTheTable reads the buttons of each side in each state.
func TestOffersFollowTheTable(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	type e = []service.ActEvent
	tests := []struct {
		state    string
		rep      e
		reviewer e
		other    e
	}{
		{"awaiting_journal", e{"submit", "regenerate", "cancel"}, nil, nil},
		{"in_approval", e{"replace", "regenerate", "cancel"}, e{"take"}, e{"take"}},
		{"taken", nil, e{"approve", "reject", "release"}, nil},
		{"rejected", e{"replace", "regenerate", "cancel"}, nil, nil},
		{"approved", nil, nil, nil},
		{"cancelled", nil, nil, nil},
	}
	for _, tt := range tests {
		a := d.in(tt.state)
		for who, want := range map[*service.Actor]e{&d.rep: tt.rep, &d.reviewer: tt.reviewer, &d.other: tt.other} {
			v, err := d.acts.View(t.Context(), *who, a.ID)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, v.Offers); diff != "" {
				t.Errorf("%s, %s: %s", tt.state, who.Name, diff)
			}
			if (v.Holder != nil) != (tt.state == "taken") {
				t.Errorf("%s: held by %v", tt.state, v.Holder)
			}
		}
		_, err := d.acts.View(t.Context(), d.stranger, a.ID)
		wantReason(t, err, service.ReasonNotFound)
		_, err = d.acts.View(t.Context(), d.stranger, a.ID)
		wantReason(t, err, service.ReasonNotFound)
	}
}

func TestRightsEndWithTheMembership(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	a := d.in("in_approval")
	d.exec("UPDATE memberships SET removed_at = now() WHERE person_id IN (?, ?)", d.rep.PersonID, d.reviewer.PersonID)
	// The actors still carry their seats; the store is asked by the person.
	for _, by := range []service.Actor{d.rep, d.reviewer} {
		_, err := d.acts.View(t.Context(), by, a.ID)
		wantReason(t, err, service.ReasonNotFound)
		_, err = d.acts.Move(t.Context(), by, a.ID, a.Revision, service.ActTake)
		wantReason(t, err, service.ReasonNotFound)
	}

	// One of two roles has ended: what belongs to it is refused, though the
	// other lets the person see the act.
	d.move(d.both, a.ID, service.ActTake)
	d.exec("UPDATE memberships SET removed_at = now() WHERE person_id = ? AND role = 'operator_rep'", d.both.PersonID)
	held := d.act(a.ID)
	_, err := d.acts.Move(t.Context(), d.both, a.ID, held.Revision, service.ActApprove)
	wantReason(t, err, service.ReasonForbidden)
	_, err = d.acts.Reject(t.Context(), d.both, a.ID, held.Revision, "Нечитаемо")
	wantReason(t, err, service.ReasonForbidden)
	c := d.cohort(1)
	d.exec("UPDATE memberships SET role = 'operator_rep', org_id = ? WHERE person_id = ? AND role = 'partner_rep'", d.operator.ID, d.colleague.PersonID)
	_, err = d.acts.Generate(t.Context(), d.colleague, service.GenerateInput{CohortID: c.ID, Revision: 1})
	wantReason(t, err, service.ReasonForbidden)
	_, err = d.trySend(d.colleague, &service.Cohort{ID: a.CohortID})
	wantReason(t, err, service.ReasonForbidden)
}

func TestOnlyThoseConcernedSeeAnAct(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	a := d.in("in_approval")
	center := d.org(service.OrgCenter, "Центр тестирования")
	staff := d.hire(service.Seat{Role: service.RoleCenterStaff, OrgID: center.ID}, "Степан Центров")
	admin := d.hire(service.Seat{Role: service.RoleAdmin}, "Анна Админова")
	forged := service.Actor{PersonID: d.stranger.PersonID, Seats: d.rep.Seats} // seats that the person does not have
	tests := []struct {
		by   service.Actor
		want service.Reason
	}{
		{d.rep, ""},
		{d.colleague, ""},
		{d.reviewer, ""},
		{admin, ""},
		{service.CommandLine, ""},
		{staff, service.ReasonNotFound},
		{d.stranger, service.ReasonNotFound},
		{forged, service.ReasonNotFound},
		{service.Actor{}, service.ReasonNotFound},
	}
	for _, tt := range tests {
		_, byID := d.acts.View(t.Context(), tt.by, a.ID)
		_, byNumber := d.store.ActByNumber(t.Context(), tt.by, a.Number)
		_, cohort := d.acts.Cohort(t.Context(), tt.by, a.CohortID)
		for what, err := range map[string]error{"id": byID, "number": byNumber, "cohort": cohort} {
			if got := service.ReasonOf(err); got != tt.want {
				t.Errorf("%q by %s: %v, want %q", tt.by.Name, what, err, tt.want)
			}
		}
		if _, err := d.acts.Move(t.Context(), tt.by, a.ID, a.Revision, service.ActApprove); err == nil {
			t.Errorf("%q approved", tt.by.Name)
		}
	}
}

func TestRegenerateChangesTheLearners(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for _, state := range []string{"awaiting_journal", "in_approval", "rejected"} {
		a := d.in(state)
		c := d.current(&service.Cohort{ID: a.CohortID})
		l := d.learners(c)
		extra := d.learner(service.Learner{
			CohortID: c.ID, Number: c.Number + "-new", LastName: "Новый", FirstName: "Пётр", Finished: true,
			DocumentType: service.DocumentRetraining, DocumentNumber: "7", RegistrationNumber: "7", DocumentOn: c.EndOn, Revision: 1,
		})
		got, err := d.acts.Regenerate(t.Context(), d.colleague, service.RegenerateInput{
			ActID: a.ID, Revision: a.Revision, Learners: []int64{l[1], extra},
		})
		if err != nil {
			t.Fatalf("%s: %v", state, err)
		}
		if got.Number != a.Number || got.Version != 2 || got.Status != a.Status || got.DueOn != a.DueOn || got.JournalVersion != a.JournalVersion {
			t.Errorf("%s: %+v", state, got)
		}
		named, err := d.store.ActLearners(t.Context(), a.ID)
		if err != nil || len(named) != 2 || named[0].ID != extra || named[1].ID != l[1] {
			t.Errorf("%s: names %v, %v", state, named, err)
		}
		free, err := d.store.EligibleLearners(t.Context(), c.ID)
		if err != nil || !slices.Equal(free, l[:1]) {
			t.Errorf("%s: free are %v, %v", state, free, err)
		}
		for version, learners := range map[int]int{1: 2, 2: 2} {
			v, err := d.store.ActVersion(t.Context(), a.ID, version)
			if err != nil || strings.Count(string(v.Form), `"Name"`) != learners {
				t.Errorf("%s: version %d: %s, %v", state, version, v.Form, err)
			}
		}
		_, err = d.acts.Regenerate(t.Context(), d.rep, service.RegenerateInput{ActID: a.ID, Revision: got.Revision, Learners: []int64{}})
		wantReason(t, err, service.ReasonNoLearners)
		_, err = d.acts.Regenerate(t.Context(), d.rep, service.RegenerateInput{ActID: a.ID, Revision: a.Revision})
		wantReason(t, err, service.ReasonMovedOn)
	}
}

func TestCancelFreesTheLearners(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	a := d.in("rejected")
	got, err := d.acts.Cancel(t.Context(), d.rep, a.ID, a.Revision, "Поток закрыт")
	if err != nil {
		t.Fatal(err)
	}
	if got.Comment != "Поток закрыт" || !got.DueOn.IsZero() {
		t.Errorf("cancelled: %+v", got)
	}
	c := d.current(&service.Cohort{ID: a.CohortID})
	again := d.generate(c)
	if again.Number != c.Number+"/2" {
		t.Errorf("the number of a cancelled act was given again: %s", again.Number)
	}
	v, err := d.acts.View(t.Context(), d.rep, a.ID)
	if err != nil || v.Learners != 2 {
		t.Errorf("the cancelled act says it was for %d, %v", v.Learners, err)
	}
}

func TestReviewsExpire(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	old, fresh, left := d.in("taken"), d.in("in_approval"), d.in("in_approval")
	d.wait(23*time.Hour + 59*time.Minute)
	d.move(d.other, fresh.ID, service.ActTake)
	d.move(d.both, left.ID, service.ActTake)
	d.notices()
	if n, err := d.acts.ExpireReviews(t.Context()); n != 0 || err != nil {
		t.Errorf("a minute early: %d, %v", n, err)
	}
	d.wait(2 * time.Minute)
	d.exec("UPDATE memberships SET removed_at = now() WHERE person_id = ? AND role = 'operator_rep'", d.both.PersonID)
	if n, err := d.acts.ExpireReviews(t.Context()); n != 2 || err != nil {
		t.Errorf("gave back %d, %v", n, err)
	}
	if n, err := d.acts.ExpireReviews(t.Context()); n != 0 || err != nil {
		t.Errorf("and once more: %d, %v", n, err)
	}
	for a, held := range map[*service.Act]int64{old: 0, left: 0, fresh: d.other.PersonID} {
		if got := d.act(a.ID); got.ReviewerID != held || got.Status != service.ActInApproval {
			t.Errorf("act %s: %+v", a.Number, got)
		}
	}
	if life := d.life(old.ID); life[len(life)-1] != "—: expire in_approval>in_approval v1 j1 " {
		t.Errorf("history: %q", life)
	}
	if diff := cmp.Diff([]string{"Борис Двойной review_ended expire", "Роман Проверкин review_ended expire"}, d.notices()); diff != "" {
		t.Error(diff)
	}
	_, err := d.acts.Move(t.Context(), d.reviewer, old.ID, old.Revision, service.ActApprove)
	wantReason(t, err, service.ReasonMovedOn)
	d.move(d.other, old.ID, service.ActTake)
}

// TestNothingIsToldWhenTheTransactionFails breaks a later step of a move.
func TestNothingIsToldWhenTheTransactionFails(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	a := d.in("taken")
	d.notices()
	before, lived := d.act(a.ID), d.life(a.ID)
	d.exec(`CREATE FUNCTION full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'disk full'; END $$`)
	d.exec(`CREATE CONSTRAINT TRIGGER journals_full AFTER UPDATE ON journals DEFERRABLE INITIALLY DEFERRED
		FOR EACH ROW EXECUTE FUNCTION full()`)
	_, err := d.acts.Reject(t.Context(), d.reviewer, a.ID, a.Revision, "Нечитаемо")
	wantReason(t, err, service.ReasonInternal)
	if diff := cmp.Diff(before, d.act(a.ID)); diff != "" {
		t.Errorf("the act changed: %s", diff)
	}
	if diff := cmp.Diff(lived, d.life(a.ID)); diff != "" {
		t.Errorf("history grew: %s", diff)
	}
	if got := d.notices(); len(got) != 0 {
		t.Errorf("told: %q", got)
	}
}

func TestPrintStoresTheDocumentOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	a := d.generate(d.cohort(3))
	for range 2 { // a job may run twice
		if err := d.acts.Print(t.Context(), service.PrintAct{ActID: a.ID, Version: 1}); err != nil {
			t.Fatal(err)
		}
	}
	v, err := d.store.ActVersion(t.Context(), a.ID, 1)
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := d.files.Has(t.Context(), v.FileSHA); !ok || err != nil {
		t.Errorf("the document is not stored: %v", err)
	}
	f, err := d.store.File(t.Context(), v.FileSHA)
	if err != nil || f.Type != "application/pdf" || f.Size == 0 {
		t.Errorf("its row: %+v, %v", f, err)
	}
	if diff := cmp.Diff([]string{"Ольга Петрова act_printed"}, d.notices()); diff != "" {
		t.Error(diff)
	}
	view, err := d.acts.View(t.Context(), d.rep, a.ID)
	if err != nil || !view.Printed {
		t.Errorf("printed %v, %v", view.Printed, err)
	}
}

func TestALetterThatCannotBePrintedIsTold(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	c := d.cohort(1)
	d.exec("UPDATE learners SET first_name = 'Иван 🎓' WHERE cohort_id = ?", c.ID)
	a := d.generate(c)
	if err := d.acts.Print(t.Context(), service.PrintAct{ActID: a.ID, Version: 1}); err != nil {
		t.Fatal(err)
	}
	var payload string
	if err := d.store.Bun().NewRaw("SELECT payload::text FROM notices").Scan(t.Context(), &payload); err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf(`{"rune": "🎓", "act_id": %d, "learner": "%s-001", "version": 1}`, a.ID, c.Number); payload != want {
		t.Errorf("told %s, want %s", payload, want)
	}
	if v, err := d.acts.View(t.Context(), d.rep, a.ID); err != nil || v.Printed {
		t.Errorf("printed %v, %v", v.Printed, err)
	}
}

// TestWhatAnActSaysDoesNotChange corrects a learner after the act was made.
func TestWhatAnActSaysDoesNotChange(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	c := d.cohort(1)
	d.exec("UPDATE learners SET sent_on = '2026-02-28', in_frdo = true WHERE cohort_id = ?", c.ID)
	a := d.generate(c)
	before, err := d.store.ActVersion(t.Context(), a.ID, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"Name": "Слушатель001 Иван"`, `"DocTypeName": "Удостоверение о повышении квалификации"`, `"Series": "АБ"`, `"SentOn": "2026-02-28"`,
		`"InFRDO": true`, `"Date": "2026-03-02"`, `"RegistrationNumber": "р-1"`, `"Partner": "Учебный центр «Друг»"`,
	} {
		if !strings.Contains(string(before.Form), want) {
			t.Errorf("the form has no %s: %s", want, before.Form)
		}
	}
	d.exec("UPDATE learners SET last_name = 'Другой' WHERE cohort_id = ?", c.ID)
	after, err := d.store.ActVersion(t.Context(), a.ID, 1)
	if diff := cmp.Diff(before, after); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
}

// TestEligibleInGoIsEligibleInSQL draws learners and asks both.
func TestEligibleInGoIsEligibleInSQL(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	c := d.cohort(1)
	a := d.generate(c)
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		text := rapid.SampledFrom([]string{"", "1", " ", "0"})
		l := service.Learner{
			CohortID: c.ID, Number: fmt.Sprintf("r-%d", n), LastName: "Р", FirstName: "А", Revision: 1,
			Finished:     rapid.Bool().Draw(rt, "finished"),
			DocumentType: rapid.SampledFrom([]service.DocumentType{0, 1, 7}).Draw(rt, "type"), DocumentSeries: text.Draw(rt, "series"),
			DocumentNumber: text.Draw(rt, "number"), RegistrationNumber: text.Draw(rt, "registration"),
			DocumentOn: rapid.SampledFrom([]service.Day{{}, c.EndOn}).Draw(rt, "day"),
			ActID:      rapid.SampledFrom([]int64{0, 0, a.ID}).Draw(rt, "act"),
		}
		l.ID = d.learner(l)
		ids, err := d.store.EligibleLearners(t.Context(), c.ID)
		if err != nil {
			rt.Fatal(err)
		}
		count, err := d.store.EligibleCount(t.Context(), c.ID)
		if err != nil {
			rt.Fatal(err)
		}
		page, err := d.store.LearnersPage(t.Context(), c.ID, 0, 0, 10)
		if err != nil {
			rt.Fatal(err)
		}
		want := 0
		if l.Eligible() {
			want = 1
		}
		if len(ids) != want || count != want || len(page) != want {
			rt.Errorf("eligible in Go: %v; in SQL: listed %d, counted %d, paged %d", l.Eligible(), len(ids), count, len(page))
		}
		d.exec("DELETE FROM learners WHERE id = ?", l.ID)
	})
}

func TestAnActOfNobodyIsNotFound(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	_, err := d.acts.Move(t.Context(), d.reviewer, 999, 1, service.ActTake)
	wantReason(t, err, service.ReasonNotFound)
	_, err = d.acts.Cohort(t.Context(), d.rep, 999)
	wantReason(t, err, service.ReasonNotFound)
	_, err = d.acts.Generate(t.Context(), d.rep, service.GenerateInput{CohortID: 999})
	wantReason(t, err, service.ReasonNotFound)
	err = d.acts.Print(t.Context(), service.PrintAct{ActID: 999, Version: 1})
	var refusal *service.Error
	if !errors.As(err, &refusal) || refusal.Kind != service.NotFound {
		t.Errorf("printed with %v", err)
	}
}
