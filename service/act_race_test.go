package service_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"flowbot/service"
)

// atOnce runs every function at one moment and returns what each gave.
func atOnce(fns ...func() error) []error {
	errs := make([]error, len(fns))
	var ready, done sync.WaitGroup
	ready.Add(len(fns))
	for i, fn := range fns {
		done.Go(func() {
			ready.Done()
			ready.Wait()
			errs[i] = fn()
		})
	}
	done.Wait()
	return errs
}

// oneWins checks that one of errs is nil and the others say that the thing has
// moved on, by whom and how. It returns the winner's index.
func oneWins(t *testing.T, errs []error, event string, names []string) int {
	t.Helper()
	winner := slices.Index(errs, nil)
	if winner < 0 {
		t.Fatalf("nobody wins: %v", errs)
	}
	for i, err := range errs {
		if i == winner {
			continue
		}
		moved, _ := service.AsError(err).Data.(service.Moved)
		if service.ReasonOf(err) != service.ReasonMovedOn || moved.Event != event || moved.By != names[winner] {
			t.Errorf("%s is told %v, %+v; %s won", names[i], err, moved, names[winner])
		}
	}
	return winner
}

func TestOfTwoReviewersOneTakesAndTheOtherIsToldWho(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for range 10 {
		a := d.in("in_approval")
		take := func(by service.Actor) func() error {
			return func() error {
				_, err := d.acts.Move(t.Context(), by, a.ID, a.Revision, service.ActTake)
				return err
			}
		}
		names := []string{d.reviewer.Name, d.other.Name}
		people := []int64{d.reviewer.PersonID, d.other.PersonID}
		winner := oneWins(t, atOnce(take(d.reviewer), take(d.other)), "take", names)
		if got := d.act(a.ID); got.ReviewerID != people[winner] || got.Revision != a.Revision+1 {
			t.Errorf("%s won: %+v", names[winner], got)
		}
	}
}

func TestADecisionPressedTwiceIsOneDecision(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	a := d.in("taken")
	approve := func() error {
		_, err := d.acts.Move(t.Context(), d.reviewer, a.ID, a.Revision, service.ActApprove)
		return err
	}
	reject := func() error {
		_, err := d.acts.Reject(t.Context(), d.reviewer, a.ID, a.Revision, "Нечитаемо")
		return err
	}
	errs := atOnce(approve, approve, reject, reject)
	wins := 0
	for _, err := range errs {
		if err == nil {
			wins++
		} else if service.ReasonOf(err) != service.ReasonMovedOn {
			t.Errorf("refused with %v", err)
		}
	}
	if wins != 1 || len(d.life(a.ID)) != 4 {
		t.Errorf("%d decisions: %q", wins, d.life(a.ID))
	}
}

func TestADoubleTapGeneratesOneAct(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for range 5 {
		c := d.cohort(3)
		tap := func() error {
			_, err := d.acts.Generate(t.Context(), d.rep, service.GenerateInput{CohortID: c.ID, Revision: c.Revision})
			return err
		}
		oneWins(t, atOnce(tap, tap, tap), "generate", []string{d.rep.Name, d.rep.Name, d.rep.Name})
		acts, err := d.store.ActsOfCohort(t.Context(), c.ID)
		if err != nil || len(acts) != 1 {
			t.Errorf("%d acts, %v", len(acts), err)
		}
	}
}

// TestALearnerStandsInOneActAtMost has a new act and two that are made anew
// reach for the same learner.
func TestALearnerStandsInOneActAtMost(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for range 10 {
		c := d.cohort(3)
		l := d.learners(c)
		a, b := d.generate(c, l[0]), d.generate(c, l[1])
		revision := d.current(c).Revision
		remake := func(a *service.Act, learner int64) func() error {
			return func() error {
				_, err := d.acts.Regenerate(t.Context(), d.rep, service.RegenerateInput{
					ActID: a.ID, Revision: a.Revision, Learners: []int64{learner, l[2]},
				})
				return err
			}
		}
		errs := atOnce(remake(a, l[0]), remake(b, l[1]), func() error {
			_, err := d.acts.Generate(t.Context(), d.colleague, service.GenerateInput{CohortID: c.ID, Revision: revision, Learners: l[2:]})
			return err
		})
		wins := 0
		for _, err := range errs {
			if err == nil {
				wins++
			} else if service.ReasonOf(err) != service.ReasonNotEligible {
				t.Errorf("refused with %v", err)
			}
		}
		if wins != 1 {
			t.Errorf("%d acts got the learner: %v", wins, errs)
		}
	}
}

func TestAPackageSentTwiceIsOneVersion(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	c := d.cohort(1)
	d.generate(c)
	for _, by := range []service.Actor{d.rep, d.colleague} {
		d.lay(by, c, service.KindJournal)
		d.lay(by, c, service.KindScreenshot)
	}
	send := func(by service.Actor) func() error {
		return func() error {
			_, err := d.acts.Submit(t.Context(), by, service.SubmitInput{CohortID: c.ID})
			return err
		}
	}
	oneWins(t, atOnce(send(d.rep), send(d.colleague), send(d.rep), send(d.colleague)), "submit",
		[]string{d.rep.Name, d.colleague.Name, d.rep.Name, d.colleague.Name})
	journals, err := d.store.Journals(t.Context(), c.ID)
	if err != nil || len(journals) != 1 {
		t.Errorf("%d versions, %v", len(journals), err)
	}
}

// TestAReviewerNeverDecidesOnWhatTheyHaveNotTaken has a replacement and a taking
// meet: either the reviewer takes the new version, or the partner is refused.
func TestAReviewerNeverDecidesOnWhatTheyHaveNotTaken(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for range 10 {
		a := d.in("in_approval")
		c := &service.Cohort{ID: a.CohortID}
		d.lay(d.rep, c, service.KindJournal)
		d.lay(d.rep, c, service.KindScreenshot)
		errs := atOnce(
			func() error {
				_, err := d.acts.Submit(t.Context(), d.rep, service.SubmitInput{CohortID: a.CohortID, BaseVersion: 1})
				return err
			},
			func() error {
				_, err := d.acts.Move(t.Context(), d.reviewer, a.ID, a.Revision, service.ActTake)
				return err
			},
		)
		got := d.act(a.ID)
		switch {
		case errs[0] == nil && service.ReasonOf(errs[1]) == service.ReasonMovedOn && got.JournalVersion == 2 && got.ReviewerID == 0:
		case service.ReasonOf(errs[0]) == service.ReasonTaken && errs[1] == nil && got.JournalVersion == 1 && got.ReviewerID == d.reviewer.PersonID:
		default:
			t.Errorf("replaced: %v, taken: %v: %+v", errs[0], errs[1], got)
		}
	}
}

// TestMoreMovesThanConnectionsDoNotWaitForEachOther fails by the test's timeout
// when a transaction asks for a second connection.
func TestMoreMovesThanConnectionsDoNotWaitForEachOther(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	calendars := service.NewCalendars(d.store, russianCalendar(t))
	acts := service.NewActs(d.store, calendars.Current, nil, d.files, d.now)
	var presses []func() error
	for range 40 {
		c := d.cohort(1)
		presses = append(presses, func() error {
			_, err := acts.Generate(t.Context(), d.rep, service.GenerateInput{CohortID: c.ID, Revision: c.Revision})
			return err
		})
	}
	for _, err := range atOnce(presses...) {
		if err != nil {
			t.Error(err)
		}
	}
}

// TestAnyOrderOfPressesKeepsTheRules draws presses of anybody on anything in a
// cohort with three acts and looks at the rows after each.
func TestAnyOrderOfPressesKeepsTheRules(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	people := []service.Actor{d.rep, d.colleague, d.both, d.reviewer, d.other, d.stranger}
	rapid.Check(t, func(rt *rapid.T) {
		w := &world{desk: d, rt: rt, c: d.cohort(5), approved: map[int64]service.Act{}}
		l := d.learners(w.c)
		for i := range 3 {
			w.ids = append(w.ids, d.generate(w.c, l[i]).ID)
		}
		for range rapid.IntRange(5, 25).Draw(rt, "presses") {
			w.press(rapid.SampledFrom(people).Draw(rt, "who"), l)
			w.look()
		}
	})
}

// world is a cohort that anybody presses upon.
type world struct {
	*desk
	rt       *rapid.T
	c        *service.Cohort
	ids      []int64
	approved map[int64]service.Act // as they were when approved
}

// press does one thing. Refusals are expected; an error of ours is not.
func (w *world) press(by service.Actor, learners []int64) {
	ctx, rt := w.t.Context(), w.rt
	id := rapid.SampledFrom(w.ids).Draw(rt, "act")
	revision := w.act(id).Revision - rapid.SampledFrom([]int{0, 0, 0, 0, 1}).Draw(rt, "stale by")
	comment := rapid.SampledFrom([]string{"Нечитаемо", "Нечитаемо", ""}).Draw(rt, "comment")
	some := rapid.SliceOfNDistinct(rapid.SampledFrom(learners), 0, 3, rapid.ID[int64]).Draw(rt, "learners")
	what := rapid.SampledFrom([]string{
		"send", "send", "move", "move", "move", "move", "reject", "reject", "cancel", "regenerate", "generate", "expire",
	}).Draw(rt, "what")
	var err error
	switch what {
	case "send":
		_, err = w.trySend(by, w.c)
	case "move":
		ev := rapid.SampledFrom([]service.ActEvent{"take", "take", "take", "approve", "release", "resend", "submit", "fall"}).Draw(rt, "event")
		_, err = w.acts.Move(ctx, by, id, revision, ev)
	case "reject":
		_, err = w.acts.Reject(ctx, by, id, revision, comment)
	case "cancel":
		_, err = w.acts.Cancel(ctx, by, id, revision, comment)
	case "regenerate":
		_, err = w.acts.Regenerate(ctx, by, service.RegenerateInput{ActID: id, Revision: revision, Learners: some})
	case "generate":
		_, err = w.acts.Generate(ctx, by, service.GenerateInput{CohortID: w.c.ID, Revision: w.current(w.c).Revision, Learners: some})
	case "expire":
		w.exec("UPDATE acts SET taken_at = taken_at - interval '25 hours' WHERE id = ?", id)
		_, err = w.acts.ExpireReviews(ctx)
	}
	if err != nil && service.AsError(err).Kind == service.Internal {
		rt.Fatalf("%s by %s: %v", what, by.Name, err)
	}
	if what == "expire" {
		w.exec("UPDATE acts SET taken_at = taken_at + interval '25 hours' WHERE id = ? AND taken_at < ?", id, w.now())
	}
}

// look reads the rows and asks whether the rules hold.
func (w *world) look() {
	ctx, rt := w.t.Context(), w.rt
	acts, err := w.store.ActsOfCohort(ctx, w.c.ID)
	if err != nil {
		rt.Fatal(err)
	}
	c := w.current(w.c)
	w.ids = w.ids[:0]
	for i := range acts {
		a := &acts[i]
		w.ids = append(w.ids, a.ID)
		w.lookAt(ctx, a, c)
	}
	var stray []int64
	err = w.store.Bun().NewRaw(`SELECT l.act_id FROM learners AS l JOIN acts AS a ON a.id = l.act_id
		WHERE l.cohort_id = ? AND a.status = 'cancelled'`, w.c.ID).Scan(ctx, &stray)
	if err != nil || len(stray) > 0 {
		rt.Fatalf("learners of cancelled acts: %v, %v", stray, err)
	}
	if len(acts) != c.Acts {
		rt.Fatalf("the cohort counts %d acts of %d", c.Acts, len(acts))
	}
}

func (w *world) lookAt(ctx context.Context, a *service.Act, c *service.Cohort) {
	rt := w.rt
	if was, ok := w.approved[a.ID]; ok && fmt.Sprint(was) != fmt.Sprint(*a) {
		rt.Fatalf("an approved act changed from %+v to %+v", was, *a)
	}
	if a.Status == service.ActApproved {
		if _, ok := w.approved[a.ID]; !ok {
			w.approved[a.ID] = *a
		}
	}
	waits := a.Status == service.ActInApproval || a.Status == service.ActRejected
	if a.DueOn.IsZero() == waits {
		rt.Fatalf("act %s is %s and due on %q", a.Number, a.Status, a.DueOn)
	}
	if a.Status == service.ActInApproval {
		j, err := w.store.Journal(ctx, a.CohortID, a.JournalVersion)
		if err != nil {
			rt.Fatal(err)
		}
		if j.RejectedAt != nil || j.Version != c.JournalVersion {
			rt.Fatalf("act %s is in approval with version %d of %d, rejected at %v", a.Number, j.Version, c.JournalVersion, j.RejectedAt)
		}
		if a.ReviewerID == j.UploadedBy {
			rt.Fatalf("act %s is reviewed by who uploaded it", a.Number)
		}
	}
	history, err := w.store.HistoryOf(ctx, service.SubjectAct, a.ID, 1000)
	if err != nil {
		rt.Fatal(err)
	}
	last := history[len(history)-1]
	if last.ToStatus != string(a.Status) || len(history) != a.Revision || last.Version != a.Version {
		rt.Fatalf("act %s: %s at revision %d version %d after %d steps, the last %+v", a.Number, a.Status, a.Revision, a.Version, len(history), last)
	}
	for i := 1; i < len(history); i++ {
		if history[i].FromStatus != history[i-1].ToStatus {
			rt.Fatalf("act %s: history jumps: %+v", a.Number, history)
		}
	}
	named, err := w.store.ActLearners(ctx, a.ID)
	if err != nil {
		rt.Fatal(err)
	}
	if (len(named) == 0) != (a.Status == service.ActCancelled) {
		rt.Fatalf("act %s is %s and names %d learners", a.Number, a.Status, len(named))
	}
	if _, err := w.store.ActVersion(ctx, a.ID, a.Version); err != nil {
		rt.Fatalf("act %s has no version %d: %v", a.Number, a.Version, err)
	}
}
