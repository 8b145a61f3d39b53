package service_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flowbot/service"
)

// deliveryDesk is a center with an exam whose scans are on their way.
type deliveryDesk struct {
	*center
	candidates *service.Candidates
	deliveries *service.Deliveries
	messages   *chatMessages
	exam       *service.Exam
	linked     int64 // telephones so far
}

// chatMessages forgets messages as it is told.
type chatMessages struct {
	mu    sync.Mutex
	asked []int64                                            // messages
	say   func(messageID int64) (service.RecallState, error) // nil: all are gone
}

// Withdraw implements service.ChatMessages.
func (m *chatMessages) Withdraw(_ context.Context, _, messageID int64) (service.RecallState, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked = append(m.asked, messageID)
	if m.say == nil {
		return service.RecallDone, nil
	}
	return m.say(messageID)
}

func newDeliveryDesk(t *testing.T, applications int) *deliveryDesk {
	t.Helper()
	d := &deliveryDesk{center: newCenter(t), messages: &chatMessages{}}
	d.candidates = d.center.candidates()
	d.deliveries = service.NewDeliveries(d.store, d.messages, d.now)
	d.exam = d.center.exam(applications, func(n int, a *service.Application) {
		passed(n, a)
		a.RegistrationNumber, a.IssuedOn = fmt.Sprintf("24-%d", n), service.NewDay(2026, 2, 25)
	})
	return d
}

// a is the application of an ordinal, from 1, as it is now.
func (d *deliveryDesk) a(n int) *service.Application {
	d.t.Helper()
	return &d.applications(d.exam)[n-1]
}

// load gives an application a new scan that waits for its hold.
func (d *deliveryDesk) load(n int, supported bool) {
	d.t.Helper()
	a := d.a(n)
	last, err := d.store.ScanVersion(d.t.Context(), a.ID)
	if err != nil {
		d.t.Fatal(err)
	}
	id := d.scan(a.ID, last+1)
	for _, q := range []string{
		`UPDATE scans SET supported = ?3 WHERE id = ?1`,
		`UPDATE applications SET scan_id = ?1, deliver_at = ?2, delivered_at = NULL WHERE id = ?0`,
	} {
		if _, err := d.store.Bun().NewRaw(q, a.ID, id, d.now().Add(hold), supported).Exec(d.t.Context()); err != nil {
			d.t.Fatal(err)
		}
	}
}

// link lets somebody new in by an application's link.
func (d *deliveryDesk) link(n int) service.Actor {
	d.t.Helper()
	token, _, err := d.candidates.Invite(d.t.Context(), d.anna, d.a(n).ID, 0)
	if err != nil {
		d.t.Fatal(err)
	}
	d.linked++
	in, err := d.arrives(service.AcceptInput{TelegramID: 700 + d.linked, Token: token})
	if err != nil {
		d.t.Fatal(err)
	}
	return in.Actor
}

// delivered brings the present scan of the first application to its candidate as
// a message.
func (d *deliveryDesk) delivered(to service.Actor, message int64) {
	d.t.Helper()
	a := d.a(1)
	err := d.candidates.Delivered(d.t.Context(), to, service.DeliveryNotice{ApplicationID: a.ID, ScanID: a.ScanID}, message)
	if err != nil {
		d.t.Fatal(err)
	}
}

// choices are the chats from which the scan of the first application can be
// recalled.
func (d *deliveryDesk) choices() []service.RecallChoice {
	d.t.Helper()
	_, out, err := d.deliveries.RecallChoices(d.t.Context(), d.anna, d.a(1).ID)
	if err != nil {
		d.t.Fatal(err)
	}
	return out
}

// recall recalls a choice and does the job.
func (d *deliveryDesk) recall(c service.RecallChoice, from service.Actor) error {
	d.t.Helper()
	if _, err := d.deliveries.Recall(d.t.Context(), d.anna, c.DeliveryID, d.a(1).Revision); err != nil {
		d.t.Fatal(err)
	}
	return d.deliveries.Withdraw(d.t.Context(), service.WithdrawScan{ApplicationID: d.a(1).ID, PersonID: from.PersonID})
}

// states are the recall states of the first application's deliveries by message.
func (d *deliveryDesk) states() map[int64]service.RecallState {
	d.t.Helper()
	list, err := d.store.DeliveriesOf(d.t.Context(), d.a(1).ID, 100)
	if err != nil {
		d.t.Fatal(err)
	}
	out := map[int64]service.RecallState{}
	for _, one := range list {
		out[one.MessageID] = one.Recall
	}
	return out
}

// told lists the kinds of notices that wait for a person.
func (d *deliveryDesk) told(who service.Actor) []string {
	d.t.Helper()
	var out []string
	err := d.store.Bun().NewRaw(`SELECT kind FROM notices WHERE person_id = ? AND state = 'queued' ORDER BY id`, who.PersonID).Scan(d.t.Context(), &out)
	if err != nil {
		d.t.Fatal(err)
	}
	return out
}

func TestOnlyStaffOfTheCenterDecideOnDeliveries(t *testing.T) {
	t.Parallel()
	d := newDeliveryDesk(t, 1)
	ali := d.link(1)
	d.load(1, true)
	d.delivered(ali, 9)
	delivery := d.choices()[0].DeliveryID
	for _, tt := range []struct {
		who  service.Actor
		want service.Reason
	}{{d.admin, service.ReasonForbidden}, {d.stranger, service.ReasonNotFound}, {ali, service.ReasonNotFound}} {
		ctx, e, a := t.Context(), d.exam, d.a(1)
		refusedWith(t, "pause", d.deliveries.Pause(ctx, tt.who, e.ID, e.Revision), tt.want)
		refusedWith(t, "resume", d.deliveries.Resume(ctx, tt.who, e.ID, e.Revision), tt.want)
		_, err := d.deliveries.PlanGiving(ctx, tt.who, e.ID)
		refusedWith(t, "plan", err, tt.want)
		_, err = d.deliveries.Give(ctx, tt.who, e.ID, 1)
		refusedWith(t, "give", err, tt.want)
		refusedWith(t, "send again", d.deliveries.SendAgain(ctx, tt.who, a.ID, a.Revision), tt.want)
		_, _, err = d.deliveries.RecallChoices(ctx, tt.who, a.ID)
		refusedWith(t, "choose what to recall", err, tt.want)
		_, err = d.deliveries.Recall(ctx, tt.who, delivery, a.Revision)
		refusedWith(t, "recall", err, tt.want)
	}
	refusedWith(t, "an old button", d.deliveries.Pause(t.Context(), d.anna, d.exam.ID, d.exam.Revision-1), service.ReasonMovedOn)
	_, err := d.deliveries.Recall(t.Context(), d.anna, delivery, d.a(1).Revision-1)
	refusedWith(t, "an old button", err, service.ReasonMovedOn)
	refusedWith(t, "what has arrived", d.deliveries.SendAgain(t.Context(), d.anna, d.a(1).ID, d.a(1).Revision), service.ReasonDeliveryNoAgain)
}

func TestOfTwoWhoPauseOneWins(t *testing.T) {
	t.Parallel()
	d := newDeliveryDesk(t, 1)
	var all sync.WaitGroup
	reasons := make([]service.Reason, 2)
	for i, by := range []service.Actor{d.anna, d.boris} {
		all.Go(func() { reasons[i] = service.ReasonOf(d.deliveries.Pause(t.Context(), by, d.exam.ID, d.exam.Revision)) })
	}
	all.Wait()
	slices.Sort(reasons)
	if diff := cmp.Diff([]service.Reason{"", service.ReasonMovedOn}, reasons); diff != "" {
		t.Error(diff)
	}
	e := d.current(d.exam)
	if e.PausedAt == nil || e.PausedBy == 0 || e.Revision != d.exam.Revision+1 {
		t.Errorf("the exam is %+v", e)
	}
	if err := d.deliveries.Resume(t.Context(), d.boris, e.ID, e.Revision); err != nil {
		t.Fatal(err)
	}
	refusedWith(t, "resume twice", d.deliveries.Resume(t.Context(), d.boris, e.ID, e.Revision+1), service.ReasonMovedOn)
}

// TestOnlyWhatReadingsSupportGoesBeforeItsTime gives out a batch in the night, in
// which nothing arrives.
func TestOnlyWhatReadingsSupportGoesBeforeItsTime(t *testing.T) {
	t.Parallel()
	d := newDeliveryDesk(t, 4)
	for n := range 3 {
		d.link(n + 1)
	}
	for n, supported := range []bool{true, false, true, true} {
		d.load(n+1, supported)
	}
	plan, err := d.deliveries.PlanGiving(t.Context(), d.anna, d.exam.ID)
	if err != nil {
		t.Fatal(err)
	}
	got := []int{plan.Going, plan.Sending, plan.Held, plan.Unlinked, plan.Unreachable, plan.Unconfirmed}
	if diff := cmp.Diff([]int{2, 0, 1, 1, 0, 0}, got); diff != "" || plan.QuietUntil != nil {
		t.Errorf("quiet until %v, plan (-want +got):\n%s", plan.QuietUntil, diff)
	}
	_, err = d.deliveries.Give(t.Context(), d.anna, d.exam.ID, plan.Version+1)
	refusedWith(t, "other scans than were seen", err, service.ReasonDeliveryChanged)
	if _, err := d.deliveries.Give(t.Context(), d.anna, d.exam.ID, plan.Version); err != nil {
		t.Fatal(err)
	}
	for n, skipped := range []bool{true, false, true, true} {
		if at := d.a(n + 1).DeliverAt; at.After(d.now()) == skipped {
			t.Errorf("scan %d goes at %v, now is %v", n+1, at, d.now())
		}
	}
	_, err = d.deliveries.Give(t.Context(), d.anna, d.exam.ID, plan.Version)
	refusedWith(t, "twice", err, service.ReasonDeliveryNothing)

	d.wait(12 * time.Hour)
	d.load(1, true)
	if plan, err = d.deliveries.PlanGiving(t.Context(), d.anna, d.exam.ID); err != nil || plan.QuietUntil == nil {
		t.Errorf("in the night: %+v, %v", plan, err)
	}
	if err := d.deliveries.Pause(t.Context(), d.anna, d.exam.ID, d.exam.Revision); err != nil {
		t.Fatal(err)
	}
	_, err = d.deliveries.PlanGiving(t.Context(), d.anna, d.exam.ID)
	refusedWith(t, "a plan for a paused exam", err, service.ReasonDeliveryPaused)
	_, err = d.deliveries.Give(t.Context(), d.anna, d.exam.ID, plan.Version)
	refusedWith(t, "a paused exam", err, service.ReasonDeliveryPaused)
}

func TestAScanThatAQuestionContradictsWaitsForAPerson(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	e, list := d.waiting(2)
	candidates, deliveries := d.candidates(), service.NewDeliveries(d.store, &chatMessages{}, d.now)
	to := d.linked(list[0], 700)
	d.sends(d.anna, e, d.scanned(list[0]))
	d.work()
	a := d.as(list[0])
	n := service.DeliveryNotice{ApplicationID: a.ID, ScanID: a.ScanID}
	question := d.askOne(e, d.scanned(list[0], misnamed), service.MatchNameDiffers)

	want := []service.OpenQuestion{{PageID: question.ID, ExamID: e.ID, Exam: e.Number}}
	p, err := deliveries.PlanGiving(t.Context(), d.anna, e.ID)
	if service.ReasonOf(err) != service.ReasonDeliveryNothing {
		t.Fatalf("it can be given before its hold is over: %+v, %v", p, err)
	}
	plan := service.AsError(err).Data.(service.GivePlan)
	if diff := cmp.Diff(want, plan.Questions); diff != "" || plan.Questioned != 1 || plan.Held != 0 {
		t.Errorf("%d wait for an answer, %d for their hold; questions (-want +got):\n%s", plan.Questioned, plan.Held, diff)
	}
	if v, err := d.exams.Application(t.Context(), d.anna, a.ID); err != nil || !cmp.Equal(v.Delivery.Question, &want[0]) {
		t.Errorf("the application tells of %+v, %v", v.Delivery.Question, err)
	}
	d.wait(hold)
	d.exec(`UPDATE notices SET state = 'skipped', ended_at = now() WHERE kind = 'delivery'`)
	if got, err := candidates.Due(t.Context(), to, n); got != nil || err != nil {
		t.Errorf("due is %+v, %v", got, err)
	}
	if _, err := candidates.Scan(t.Context(), to, a.ID); service.ReasonOf(err) != service.ReasonCandidateNoScan {
		t.Errorf("asked for, it came: %v", err)
	}
	var later []time.Time
	if err := d.store.Bun().NewRaw(`SELECT run_at FROM notices WHERE kind = 'delivery' AND state = 'queued'`).Scan(t.Context(), &later); err != nil {
		t.Fatal(err)
	}
	if len(later) != 1 || !later[0].After(d.now()) {
		t.Errorf("it is tried again at %v; it is %v", later, d.now())
	}
	if _, err := d.questions().Dismiss(t.Context(), d.anna, question.ID, question.Revision, service.PageRuleNoScan); err != nil {
		t.Fatal(err)
	}
	if err := d.store.Bun().NewRaw(`SELECT run_at FROM notices WHERE kind = 'delivery' AND state = 'queued'`).Scan(t.Context(), &later); err != nil {
		t.Fatal(err)
	}
	if len(later) != 1 || later[0].After(d.now()) {
		t.Errorf("once that is answered it goes at %v; it is %v", later, d.now())
	}
	if got, err := candidates.Due(t.Context(), to, n); got == nil || err != nil {
		t.Errorf("after the answer due is %+v, %v", got, err)
	}
}

// TestACopyOfAScanContradictsNothing has the page that is a scan come again among
// the pages of another exam.
func TestACopyOfAScanContradictsNothing(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	e, list := d.waiting(1, elsewhere)
	wrong, _ := d.waiting(1)
	candidates := d.candidates()
	to := d.linked(list[0], 700)
	page := d.scanned(list[0])
	d.askOne(wrong, page, service.PageRuleOtherExam)
	d.sends(d.anna, e, page)
	d.work()
	d.wait(hold)
	a := d.as(list[0])
	n := service.DeliveryNotice{ApplicationID: a.ID, ScanID: a.ScanID}
	if got, err := candidates.Due(t.Context(), to, n); got == nil || err != nil {
		t.Errorf("due is %+v, %v", got, err)
	}
	// Another picture of the same certificate may show that one of them is wrong.
	d.askOne(wrong, d.scanned(list[0]), service.PageRuleOtherExam)
	if got, err := candidates.Due(t.Context(), to, n); got != nil || err != nil {
		t.Errorf("beside another page due is %+v, %v", got, err)
	}
}

// TestWhatAnEarlierCandidateHadIsRecalledAlone recalls a scan from somebody who
// was unlinked meanwhile.
func TestWhatAnEarlierCandidateHadIsRecalledAlone(t *testing.T) {
	t.Parallel()
	d := newDeliveryDesk(t, 1)
	wrong := d.link(1)
	d.load(1, true)
	d.delivered(wrong, 11)
	d.delivered(wrong, 12) // a copy that was asked for
	if _, err := d.candidates.Unlink(t.Context(), d.anna, d.a(1).ID, d.a(1).Revision); err != nil {
		t.Fatal(err)
	}
	right := d.link(1)
	d.delivered(right, 21)
	choices := d.choices()
	if len(choices) != 2 || !choices[0].Present || choices[1].Present || choices[1].Messages != 2 {
		t.Fatalf("the choices are %+v", choices)
	}
	if err := d.recall(choices[1], wrong); err != nil {
		t.Fatal(err)
	}
	want := map[int64]service.RecallState{11: service.RecallDone, 12: service.RecallDone, 21: service.RecallNone}
	if diff := cmp.Diff(want, d.states()); diff != "" {
		t.Error(diff)
	}
	if a := d.a(1); a.DeliveredAt == nil || a.DeliverAt == nil {
		t.Error("the right candidate lost theirs")
	}
	for who, want := range map[string][]string{"recall": d.told(d.admin), "withdrawn": d.told(wrong)} {
		if !slices.Contains(want, who) {
			t.Errorf("no %s among %v", who, want)
		}
	}
	if got := d.told(d.anna); !slices.Contains(got, "recall") {
		t.Errorf("who has asked is told %v", got)
	}
	if left := d.choices(); len(left) != 1 || !left[0].Present {
		t.Errorf("left are %+v", left)
	}
}

// TestARecalledScanWaitsForAPerson recalls a scan from the candidate who is linked.
func TestARecalledScanWaitsForAPerson(t *testing.T) {
	t.Parallel()
	d := newDeliveryDesk(t, 1)
	ali := d.link(1)
	d.load(1, true)
	d.delivered(ali, 11)
	if err := d.recall(d.choices()[0], ali); err != nil {
		t.Fatal(err)
	}
	a := d.a(1)
	n := service.DeliveryNotice{ApplicationID: a.ID, ScanID: a.ScanID}
	if due, err := d.candidates.Due(t.Context(), ali, n); due != nil || err != nil {
		t.Errorf("it is due: %+v, %v", due, err)
	}
	_, err := d.candidates.Scan(t.Context(), ali, a.ID)
	refusedWith(t, "a copy", err, service.ReasonCandidateNoScan)
	_, _, err = d.deliveries.RecallChoices(t.Context(), d.anna, a.ID)
	refusedWith(t, "recall twice", err, service.ReasonDeliveryRecalling)
	if err := d.deliveries.SendAgain(t.Context(), d.anna, a.ID, a.Revision); err != nil {
		t.Fatal(err)
	}
	if due, err := d.candidates.Due(t.Context(), ali, n); due == nil || err != nil {
		t.Errorf("a person's decision does not bring it: %v", err)
	}
	refusedWith(t, "an old button", d.deliveries.SendAgain(t.Context(), d.anna, a.ID, a.Revision), service.ReasonMovedOn)
}

// TestARecalledScanGoesToNobodyElseByItself unlinks the candidate from whom a scan
// was recalled, before the recall or after it, and links another.
func TestARecalledScanGoesToNobodyElseByItself(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		steps func(d *deliveryDesk, wrong service.Actor)
	}{
		{"recalled, then unlinked", func(d *deliveryDesk, wrong service.Actor) {
			d.recalled(wrong)
			d.unlink()
			d.link(1)
		}},
		{"unlinked, then recalled", func(d *deliveryDesk, wrong service.Actor) {
			d.unlink()
			d.recalled(wrong)
			d.link(1)
		}},
		{"recalled once somebody else is linked", func(d *deliveryDesk, wrong service.Actor) {
			d.unlink()
			d.link(1)
			d.recalled(wrong)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := newDeliveryDesk(t, 1)
			wrong := d.link(1)
			d.load(1, true)
			d.wait(hold)
			d.delivered(wrong, 11)
			tt.steps(d, wrong)
			a := d.a(1)
			right, err := d.store.ActorByID(t.Context(), a.PersonID)
			if err != nil {
				t.Fatal(err)
			}
			n := service.DeliveryNotice{ApplicationID: a.ID, ScanID: a.ScanID}
			if due, err := d.candidates.Due(t.Context(), right, n); due != nil || err != nil {
				t.Errorf("due is %+v, %v", due, err)
			}
			_, err = d.candidates.Scan(t.Context(), right, a.ID)
			refusedWith(t, "a copy", err, service.ReasonCandidateNoScan)
			reach, err := d.candidates.Reach(t.Context(), d.anna, d.exam.ID)
			if err != nil || len(reach.Rest) != 1 || !reach.Rest[0].Withheld {
				t.Errorf("staff see %+v, %v", reach, err)
			}
			if err := d.deliveries.SendAgain(t.Context(), d.anna, a.ID, a.Revision); err != nil {
				t.Fatal(err)
			}
			if due, err := d.candidates.Due(t.Context(), right, n); due == nil || err != nil {
				t.Errorf("a person's decision does not bring it: %v", err)
			}
		})
	}
}

// recalled takes the scan of the first application back from somebody.
func (d *deliveryDesk) recalled(from service.Actor) {
	d.t.Helper()
	if err := d.recall(d.choices()[0], from); err != nil {
		d.t.Fatal(err)
	}
}

// unlink takes the first application away from its candidate.
func (d *deliveryDesk) unlink() {
	d.t.Helper()
	if _, err := d.candidates.Unlink(d.t.Context(), d.anna, d.a(1).ID, d.a(1).Revision); err != nil {
		d.t.Fatal(err)
	}
}

func TestARecallOfAnEarlierScanLeavesTheNewOne(t *testing.T) {
	t.Parallel()
	d := newDeliveryDesk(t, 1)
	ali := d.link(1)
	d.load(1, true)
	d.delivered(ali, 11)
	d.load(1, true) // corrected, and still held
	if err := d.recall(d.choices()[0], ali); err != nil {
		t.Fatal(err)
	}
	d.wait(hold)
	a := d.a(1)
	due, err := d.candidates.Due(t.Context(), ali, service.DeliveryNotice{ApplicationID: a.ID, ScanID: a.ScanID})
	if err != nil || due == nil || !due.Corrected {
		t.Errorf("due is %+v, %v", due, err)
	}
}

func TestARecallIsTriedUntilTheMessengerAnswers(t *testing.T) {
	t.Parallel()
	d := newDeliveryDesk(t, 1)
	ali := d.link(1)
	d.load(1, true)
	for message := range int64(3) {
		d.delivered(ali, 11+message)
	}
	broken := errors.New("no connection")
	d.messages.say = func(id int64) (service.RecallState, error) {
		switch id {
		case 13:
			return service.RecallDone, nil
		case 12:
			return service.RecallUnknown, nil
		}
		return service.RecallNone, broken
	}
	if err := d.recall(d.choices()[0], ali); !errors.Is(err, broken) {
		t.Fatalf("the error is %v", err)
	}
	want := map[int64]service.RecallState{11: service.RecallAsked, 12: service.RecallUnknown, 13: service.RecallDone}
	if diff := cmp.Diff(want, d.states()); diff != "" {
		t.Error(diff)
	}
	j := service.WithdrawScan{ApplicationID: d.a(1).ID, PersonID: ali.PersonID}
	if err := d.deliveries.Withdraw(t.Context(), j); !errors.Is(err, broken) {
		t.Errorf("the error is %v", err)
	}
	if diff := cmp.Diff([]int64{13, 12, 11, 11}, d.messages.asked); diff != "" {
		t.Errorf("messages that were asked for twice:\n%s", diff)
	}
	if err := d.deliveries.GiveUpWithdraw(t.Context(), j); err != nil {
		t.Fatal(err)
	}
	want[11] = service.RecallFailed
	if diff := cmp.Diff(want, d.states()); diff != "" {
		t.Error(diff)
	}
	v, err := d.deliveries.RecallTold(t.Context(), d.admin, service.RecallNotice{ApplicationID: j.ApplicationID, PersonID: ali.PersonID})
	if err != nil || v.Outcome.State != service.RecallUnknown || v.Outcome.Done != 1 || v.By != "Анна Центрова" || !v.Linked || v.Staff {
		t.Errorf("told is %+v, %v", v, err)
	}
	// What nobody knows of can be tried once more.
	if left := d.choices(); len(left) != 1 || left[0].Messages != 2 {
		t.Errorf("left are %+v", left)
	}
}

func TestWhatIsTooOldIsNotRecalled(t *testing.T) {
	t.Parallel()
	d := newDeliveryDesk(t, 1)
	_, _, err := d.deliveries.RecallChoices(t.Context(), d.anna, d.a(1).ID)
	refusedWith(t, "nothing was sent", err, service.ReasonDeliveryNotSent)
	ali := d.link(1)
	d.load(1, true)
	d.delivered(ali, 11)
	choice := d.choices()[0]
	d.wait(48 * time.Hour)
	_, _, err = d.deliveries.RecallChoices(t.Context(), d.anna, d.a(1).ID)
	refusedWith(t, "after 48 hours", err, service.ReasonDeliveryTooOld)
	_, err = d.deliveries.Recall(t.Context(), d.anna, choice.DeliveryID, d.a(1).Revision)
	refusedWith(t, "by an old button", err, service.ReasonDeliveryTooOld)
}
