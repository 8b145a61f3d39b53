package service

import (
	"context"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"time"
)

// The refusals of this subject.
const (
	ReasonDeliveryPaused    Reason = "delivery.paused"    // nothing of the exam goes out; Data: Exam
	ReasonDeliveryNothing   Reason = "delivery.nothing"   // no scan can go before its time; Data: GivePlan
	ReasonDeliveryChanged   Reason = "delivery.changed"   // other scans than those that were asked about
	ReasonDeliveryNoAgain   Reason = "delivery.no_again"  // the scan is on its way, or has arrived
	ReasonDeliverySending   Reason = "delivery.sending"   // a sender has it at this very moment
	ReasonDeliveryNotSent   Reason = "delivery.not_sent"  // nothing was delivered that could be recalled
	ReasonDeliveryTooOld    Reason = "delivery.too_old"   // the messenger deletes it no more
	ReasonDeliveryRecalling Reason = "delivery.recalling" // somebody has recalled it already
)

// recallable is how long after its sending a message can be deleted. Source:
// Telegram Bot API, deleteMessage.
const recallable = 48 * time.Hour

// ChatMessages takes messages back out of chats.
type ChatMessages interface {
	// Withdraw deletes a message of ours in the private chat of a person and tells
	// what became of it: RecallDone, RecallFailed or RecallUnknown. An error means
	// that nothing has happened, and another try may go well.
	Withdraw(ctx context.Context, telegramID, messageID int64) (RecallState, error)
}

// DeliveryQueries asks about deliveries.
type DeliveryQueries interface {
	// Delivery returns NotFound when there is none.
	Delivery(ctx context.Context, id int64) (*Delivery, error)
	// DeliveriesOf lists the deliveries of an application, newest first, at most
	// limit.
	DeliveriesOf(ctx context.Context, applicationID int64, limit int) ([]Delivery, error)
	// LostDeliveries lists the deliveries of an application that left without an
	// answer and that nobody has decided on, oldest first.
	LostDeliveries(ctx context.Context, applicationID int64) ([]LostDelivery, error)
	// NoticeTrouble returns what is wrong with a notice of the key to a person:
	// NoticeUnknown or NoticeFailed, "" when nothing is, or when it was queued anew.
	NoticeTrouble(ctx context.Context, personID int64, key string) (NoticeState, error)
}

// DeliveryCommands changes deliveries. Whoever does holds the application.
type DeliveryCommands interface {
	// SaveRecall writes what became of a recall.
	SaveRecall(ctx context.Context, d *Delivery) error
	// EndNoticeTroubles dismisses the notices of the key to a person that are
	// unknown or failed.
	EndNoticeTroubles(ctx context.Context, personID int64, key string, now time.Time) error
}

// mostDeliveries bounds the deliveries of an application that are looked at: each
// press of «Получить копию» is one.
const mostDeliveries = 100

// Deliveries is what staff decide about scans on their way to candidates.
type Deliveries struct {
	store Store
	chat  ChatMessages
	now   Clock
}

// NewDeliveries returns the use cases over store.
func NewDeliveries(store Store, chat ChatMessages, now Clock) *Deliveries {
	return &Deliveries{store: store, chat: chat, now: now}
}

// DeliveryFacts is how the delivery of an application's scan stands beside what
// the application itself says.
type DeliveryFacts struct {
	Lost           bool        // a request left, no answer came: it may have arrived, and a person decides
	LostBefore     bool        // so did an earlier scan, or one to an earlier candidate
	Failed         bool        // it could not be sent
	Withheld       bool        // it was recalled, or counts as not sent, and goes to nobody by itself
	Recalled       bool        // the present scan was recalled from somebody
	Recall         RecallState // of the newest recall, the worst of its messages
	RecalledAt     time.Time   // UTC; when that was asked for
	RecallMessages int         // whose recall that was
	Recallable     bool        // something can be taken back
	Linked         bool        // there is somebody to send it to
	Believed       bool        // nothing but a person's word says that the present scan has arrived
	BelievedBy     string      // name of that person, "" if nobody knows it any more

	Due        bool       // its hold is over and nothing withholds it: it goes now, or when the night is over
	QuietUntil *time.Time // UTC; nothing goes before, it is night; nil: it is not

	Question *OpenQuestion // the page without whose decision the scan does not go; nil for none
}

// Again reports whether a person can decide to send the scan once more.
func (f *DeliveryFacts) Again() bool { return f.Linked && !f.Lost && (f.Failed || f.Withheld) }

// Unknown reports whether a person has to decide what became of a delivery.
func (f *DeliveryFacts) Unknown() bool { return f.Lost || f.LostBefore }

func deliveryFacts(ctx context.Context, q Queries, a *Application, now time.Time) (f DeliveryFacts, err error) {
	list, err := q.DeliveriesOf(ctx, a.ID, mostDeliveries)
	if err != nil {
		return f, fmt.Errorf("deliveries of application %d: %w", a.ID, err)
	}
	for i := range list {
		d := &list[i]
		switch {
		case d.RecalledAt == nil:
		case d.RecalledAt.After(f.RecalledAt):
			f.Recall, f.RecalledAt, f.RecallMessages = d.Recall, *d.RecalledAt, 1
		case d.RecalledAt.Equal(f.RecalledAt):
			f.Recall = worse(f.Recall, d.Recall)
			f.RecallMessages++
		}
		f.Recallable = f.Recallable || d.recallable(now)
		f.Recalled = f.Recalled || d.ScanID == a.ScanID && d.RecalledAt != nil
	}
	if a.believed(list) {
		f.Believed = true
		if f.BelievedBy, err = believedBy(ctx, q, a); err != nil {
			return f, err
		}
	}
	lost, err := q.LostDeliveries(ctx, a.ID)
	if err != nil {
		return f, fmt.Errorf("lost deliveries of application %d: %w", a.ID, err)
	}
	for i := range lost {
		present := a.awaits(&lost[i])
		f.Lost, f.LostBefore = f.Lost || present, f.LostBefore || !present
	}
	f.Withheld, f.Linked = a.withheld(), a.PersonID != 0
	if f.Question, err = questionAbout(ctx, q, a); err != nil {
		return f, err
	}
	if a.PersonID == 0 || a.ScanID == 0 || a.DeliveredAt != nil {
		return f, nil
	}
	n := DeliveryNotice{ApplicationID: a.ID, ScanID: a.ScanID}
	state, err := q.NoticeTrouble(ctx, a.PersonID, n.NoticeKey())
	if err != nil {
		return f, fmt.Errorf("delivery of application %d: %w", a.ID, err)
	}
	f.Failed = state == NoticeFailed
	if f.Lost || f.Failed || f.Question != nil || !a.Entitled() || a.DeliverAt == nil || now.Before(*a.DeliverAt) {
		return f, nil
	}
	p, err := q.Person(ctx, a.PersonID)
	if err != nil {
		return f, fmt.Errorf("person %d: %w", a.PersonID, err)
	}
	f.Due = p.UnreachableAt == nil
	return f, nil
}

// believed tells that the present scan counts as delivered, and that no message
// with it is known in the chat of its candidate.
func (a *Application) believed(list []Delivery) bool {
	of := func(d *Delivery) bool { return d.ScanID == a.ScanID && d.PersonID == a.PersonID }
	return a.DeliveredAt != nil && slices.ContainsFunc(list, func(d Delivery) bool { return of(&d) && d.MessageID == 0 }) &&
		!slices.ContainsFunc(list, func(d Delivery) bool { return of(&d) && d.MessageID != 0 })
}

// mostSteps bounds the steps among which the one is looked for by which a scan
// counts as delivered.
const mostSteps = 100

// believedBy is the name of who said last that a scan has arrived.
func believedBy(ctx context.Context, q Queries, a *Application) (string, error) {
	steps, err := q.HistoryOf(ctx, SubjectApplication, a.ID, mostSteps)
	if err != nil {
		return "", fmt.Errorf("history of application %d: %w", a.ID, err)
	}
	for _, h := range slices.Backward(steps) {
		if h.Event == deliveryBelieved {
			return h.By, nil
		}
	}
	return "", nil
}

// withheld tells that a scan is there and nothing brings it to anybody, whoever is
// linked: it was recalled, or counts as not sent, and a person decides.
func (a *Application) withheld() bool {
	return a.ScanID != 0 && a.DeliverAt == nil && a.DeliveredAt == nil
}

// recallable tells whether a delivery can be taken back.
func (d *Delivery) recallable(now time.Time) bool {
	return d.MessageID != 0 && d.Recall != RecallAsked && d.Recall != RecallDone && now.Before(d.SentAt.Add(recallable))
}

// Pause has nothing of an exam go to its candidates until Resume. What is being
// sent at this very moment still arrives. Staff of the exam's center may. Revision
// is that of the exam as it was seen.
func (s *Deliveries) Pause(ctx context.Context, by Actor, examID int64, revision int) error {
	err := s.change(ctx, by, examID, revision, func(ctx context.Context, sc *examScene) error {
		if sc.exam.PausedAt != nil {
			return movedOn(ctx, sc.tx, sc.by, SubjectExam, examID, nil)
		}
		sc.exam.PausedAt, sc.exam.PausedBy = &sc.now, sc.by.PersonID
		return sc.note(ctx, SubjectExam, examID, "pause_delivery", "", "", "")
	})
	if err != nil {
		return fmt.Errorf("pause deliveries of exam %d: %w", examID, err)
	}
	return nil
}

// Resume ends a pause: what became due meanwhile goes out at once, the rest when
// its hold is over.
func (s *Deliveries) Resume(ctx context.Context, by Actor, examID int64, revision int) error {
	err := s.change(ctx, by, examID, revision, func(ctx context.Context, sc *examScene) error {
		if sc.exam.PausedAt == nil {
			return movedOn(ctx, sc.tx, sc.by, SubjectExam, examID, nil)
		}
		sc.exam.PausedAt, sc.exam.PausedBy = nil, 0
		held, err := sc.tx.ApplicationsForUpdate(ctx, examID, nil)
		if err != nil {
			return fmt.Errorf("applications: %w", err)
		}
		for i := range held {
			if err := enqueueDelivery(ctx, sc.tx, &held[i], sc.now); err != nil {
				return err
			}
		}
		return sc.note(ctx, SubjectExam, examID, "resume_delivery", "", "", "")
	})
	if err != nil {
		return fmt.Errorf("resume deliveries of exam %d: %w", examID, err)
	}
	return nil
}

// change changes the exam itself, unless it has changed since it was seen.
func (s *Deliveries) change(ctx context.Context, by Actor, examID int64, revision int, do func(context.Context, *examScene) error) error {
	return inExam(ctx, s.store, s.now, by, examID, func(ctx context.Context, sc *examScene) error {
		if sc.exam.Revision != revision {
			return movedOn(ctx, sc.tx, sc.by, SubjectExam, examID, nil)
		}
		if err := do(ctx, sc); err != nil {
			return err
		}
		sc.exam.Revision++
		return sc.tx.SaveExam(ctx, sc.exam)
	})
}

// GivePlan is what «Выдать сейчас» does, in scans.
type GivePlan struct {
	Exam        Exam
	Going       int            // go now
	Sending     int            // of the others: their hold is over, they go already
	Held        int            // of the others: no reading of the machine supports whose they are; they wait
	Questioned  int            // of the others: a question contradicts whose they are; they wait until it is answered
	Unlinked    int            // of the others: they go when their candidate links
	Unreachable int            // of the others: their candidate's chat refuses messages
	Unconfirmed int            // of the others: they may have arrived, or could not be sent, and a person decides
	QuietUntil  *time.Time     // UTC; nothing goes before, it is night; nil: it is not
	Zone        string         // of the center
	Version     int            // names the scans that go
	Questions   []OpenQuestion // that contradict scans: the first of each exam

	now     time.Time
	skipped []int64 // applications whose hold ends, their candidates reachable or not
}

// add sorts an application into the plan.
func (p *GivePlan) add(r *CandidateReach) {
	held := r.DeliverAt != nil && p.now.Before(*r.DeliverAt)
	questioned := r.Question.PageID != 0
	if held && r.Supported && !questioned {
		p.skipped = append(p.skipped, r.ApplicationID)
	}
	switch {
	case !r.Entitled || !r.Loaded || r.Delivered || r.DeliverAt == nil:
	case r.Lost || r.Failed:
		p.Unconfirmed++
	case r.PersonID == 0:
		p.Unlinked++
	case r.Unreachable:
		p.Unreachable++
	case questioned:
		p.Questioned++
		if !slices.ContainsFunc(p.Questions, func(q OpenQuestion) bool { return q.ExamID == r.Question.ExamID }) {
			p.Questions = append(p.Questions, r.Question)
		}
	case !held:
		p.Sending++
	case r.Supported:
		p.Going++
	default:
		p.Held++
	}
}

// Later returns when a scan goes that may go from a moment on, nil when it is on its
// way.
func (p *GivePlan) Later(at time.Time) *time.Time {
	if at = SendingAt(at, p.now, p.Zone); at.After(p.now) {
		return &at
	}
	return nil
}

// planGiving asks what can go now.
func planGiving(ctx context.Context, q Queries, e *Exam, now time.Time) (*GivePlan, error) {
	list, err := q.CandidatesOf(ctx, e.ID)
	if err != nil {
		return nil, fmt.Errorf("candidates: %w", err)
	}
	org, err := q.Org(ctx, e.CenterID)
	if err != nil {
		return nil, fmt.Errorf("organisation %d: %w", e.CenterID, err)
	}
	p := &GivePlan{Exam: *e, Zone: org.Zone, now: now}
	name := fnv.New32a()
	for i := range list {
		before := len(p.skipped)
		if p.add(&list[i]); len(p.skipped) > before {
			_, _ = fmt.Fprintln(name, list[i].ScanID) // never fails
		}
	}
	p.Version = int(name.Sum32() >> 1)
	p.QuietUntil = quietUntil(now, org.Zone)
	return p, nil
}

// PlanGiving tells what Give would do. Staff of the exam's center may ask. On a
// paused exam it is ReasonDeliveryPaused, where nothing can go ReasonDeliveryNothing.
func (s *Deliveries) PlanGiving(ctx context.Context, by Actor, examID int64) (*GivePlan, error) {
	e, err := s.store.Exam(ctx, by, examID)
	if err != nil {
		return nil, fmt.Errorf("exam %d: %w", examID, err)
	}
	if err := isStaffOf(by, e.CenterID); err != nil {
		return nil, err
	}
	if e.PausedAt != nil {
		return nil, refuseWith(Conflict, ReasonDeliveryPaused, *e)
	}
	p, err := planGiving(ctx, s.store, e, s.now().UTC())
	if err != nil {
		return nil, fmt.Errorf("exam %d: %w", examID, err)
	}
	if p.Going == 0 {
		return nil, refuseWith(Conflict, ReasonDeliveryNothing, *p)
	}
	return p, nil
}

// Give has the scans of an exam go to their candidates before their hold is over,
// if readings of the machine support whose they are; the others keep it. Version is
// that of the plan that the person has seen: if other scans would go now it is
// ReasonDeliveryChanged, and nothing happens.
func (s *Deliveries) Give(ctx context.Context, by Actor, examID int64, version int) (*GivePlan, error) {
	var plan *GivePlan
	err := inExam(ctx, s.store, s.now, by, examID, func(ctx context.Context, sc *examScene) error {
		if sc.exam.PausedAt != nil {
			return refuseWith(Conflict, ReasonDeliveryPaused, *sc.exam)
		}
		held, err := sc.tx.ApplicationsForUpdate(ctx, examID, nil)
		if err != nil {
			return fmt.Errorf("applications: %w", err)
		}
		if plan, err = planGiving(ctx, sc.tx, sc.exam, sc.now); err != nil {
			return err
		}
		switch {
		case plan.Going == 0:
			return refuseWith(Conflict, ReasonDeliveryNothing, *plan)
		case plan.Version != version:
			return refuse(Conflict, ReasonDeliveryChanged)
		}
		var given []Application
		for i := range held {
			if a := &held[i]; slices.Contains(plan.skipped, a.ID) {
				a.DeliverAt = &sc.now
				if err := enqueueDelivery(ctx, sc.tx, a, sc.now); err != nil {
					return err
				}
				given = append(given, *a)
			}
		}
		if err := sc.tx.SaveApplications(ctx, given); err != nil {
			return fmt.Errorf("applications: %w", err)
		}
		return sc.note(ctx, SubjectExam, examID, "give_now", "", "", strconv.Itoa(plan.Going))
	})
	if err != nil {
		return nil, fmt.Errorf("give the scans of exam %d now: %w", examID, err)
	}
	return plan, nil
}

// SendAgain has a scan go to its candidate once more whose sending failed, or
// counts as not sent, or which was recalled: a person has decided that. Revision is
// that of the application as it was seen.
func (s *Deliveries) SendAgain(ctx context.Context, by Actor, applicationID int64, revision int) error {
	err := inApplication(ctx, s.store, s.now, by, applicationID, func(ctx context.Context, sc *examScene, a *Application) error {
		if a.Revision != revision {
			return movedOn(ctx, sc.tx, sc.by, SubjectApplication, a.ID, nil)
		}
		if sc.exam.PausedAt != nil {
			return refuseWith(Conflict, ReasonDeliveryPaused, *sc.exam)
		}
		facts, err := deliveryFacts(ctx, sc.tx, a, sc.now)
		if err != nil {
			return err
		}
		if !facts.Again() || !a.Entitled() {
			return refuse(Conflict, ReasonDeliveryNoAgain)
		}
		n := DeliveryNotice{ApplicationID: a.ID, ScanID: a.ScanID}
		if err := sc.tx.EndNoticeTroubles(ctx, a.PersonID, n.NoticeKey(), sc.now); err != nil {
			return err
		}
		a.DeliverAt, a.DeliveredAt = &sc.now, nil
		a.Revision++
		if err := sc.tx.SaveApplications(ctx, []Application{*a}); err != nil {
			return err
		}
		if err := enqueueDelivery(ctx, sc.tx, a, sc.now); err != nil {
			return err
		}
		return sc.note(ctx, SubjectApplication, a.ID, "send_again", "", "", "")
	})
	if err != nil {
		return fmt.Errorf("send the scan of application %d again: %w", applicationID, err)
	}
	return nil
}

// RecallChoice is what was delivered of an application into one chat.
type RecallChoice struct {
	DeliveryID int64 // the newest
	SentAt     time.Time
	Messages   int  // the copies that were asked for included
	Present    bool // the chat is that of the candidate who is linked now
}

// RecallChoices lists the chats from which what was delivered of an application can
// be taken back, newest first. Staff of the exam's center may ask. Nowhere is
// ReasonDeliveryNotSent, ReasonDeliveryUnconfirmed, ReasonDeliveryRecalling or
// ReasonDeliveryTooOld.
func (s *Deliveries) RecallChoices(ctx context.Context, by Actor, applicationID int64) (*Application, []RecallChoice, error) {
	a, err := s.store.Application(ctx, by, applicationID)
	if err != nil {
		return nil, nil, fmt.Errorf("application %d: %w", applicationID, err)
	}
	e, err := s.store.Exam(ctx, by, a.ExamID)
	if err != nil {
		return nil, nil, fmt.Errorf("exam %d: %w", a.ExamID, err)
	}
	if err := isStaffOf(by, e.CenterID); err != nil {
		return nil, nil, err
	}
	list, err := s.store.DeliveriesOf(ctx, a.ID, mostDeliveries)
	if err != nil {
		return nil, nil, fmt.Errorf("deliveries of application %d: %w", a.ID, err)
	}
	var out []RecallChoice
	at := map[int64]int{} // by person
	for i := range list {
		d := &list[i]
		if !d.recallable(s.now()) {
			continue
		}
		k, known := at[d.PersonID]
		if !known {
			k = len(out)
			at[d.PersonID] = k
			out = append(out, RecallChoice{DeliveryID: d.ID, SentAt: d.SentAt, Present: d.PersonID == a.PersonID})
		}
		out[k].Messages++
	}
	if len(out) == 0 {
		why, err := whyNotRecallable(ctx, s.store, a.ID, list)
		if err != nil {
			return nil, nil, err
		}
		return nil, nil, refuse(Conflict, why)
	}
	return a, out, nil
}

func whyNotRecallable(ctx context.Context, q Queries, applicationID int64, list []Delivery) (Reason, error) {
	lost, err := q.LostDeliveries(ctx, applicationID)
	if err != nil {
		return "", fmt.Errorf("lost deliveries of application %d: %w", applicationID, err)
	}
	switch {
	case len(lost) > 0:
		return ReasonDeliveryUnconfirmed, nil
	case len(list) == 0:
		return ReasonDeliveryNotSent, nil
	case list[0].Recall == RecallAsked || list[0].Recall == RecallDone:
		return ReasonDeliveryRecalling, nil
	case list[0].MessageID == 0:
		return ReasonDeliveryUnconfirmed, nil
	}
	return ReasonDeliveryTooOld, nil
}

// WithdrawScan is the job that takes what was delivered of an application out of a
// person's chat.
type WithdrawScan struct {
	ApplicationID int64 `json:"application_id"`
	PersonID      int64 `json:"person_id"`
}

// Kind names the job.
func (WithdrawScan) Kind() string { return "withdraw_scan" }

// JobOptions bound the tries: what cannot be deleted in minutes is told.
func (WithdrawScan) JobOptions() JobOptions { return JobOptions{MaxAttempts: 5} }

// Recall takes everything back that was delivered of an application into the chat
// of one delivery: copies that were asked for, and earlier scans. The scan that is
// recalled goes to nobody by itself any more, whoever is linked, until SendAgain:
// it may be wrong as well as the chat. Only who has it already keeps it. Staff of
// the exam's center may. Revision is that of the application as it was seen.
func (s *Deliveries) Recall(ctx context.Context, by Actor, deliveryID int64, revision int) (*Application, error) {
	d, err := s.store.Delivery(ctx, deliveryID)
	if err != nil {
		return nil, fmt.Errorf("delivery %d: %w", deliveryID, err)
	}
	var out *Application
	err = inApplication(ctx, s.store, s.now, by, d.ApplicationID, func(ctx context.Context, sc *examScene, a *Application) error {
		if a.Revision != revision {
			return movedOn(ctx, sc.tx, sc.by, SubjectApplication, a.ID, nil)
		}
		out = a
		return s.recall(ctx, sc, a, d.PersonID)
	})
	if err != nil {
		return nil, fmt.Errorf("recall delivery %d: %w", deliveryID, err)
	}
	return out, nil
}

func (s *Deliveries) recall(ctx context.Context, sc *examScene, a *Application, personID int64) error {
	list, err := sc.tx.DeliveriesOf(ctx, a.ID, mostDeliveries)
	if err != nil {
		return err
	}
	asked, present := 0, false
	for i := range list {
		d := &list[i]
		if d.PersonID != personID || !d.recallable(sc.now) {
			continue
		}
		asked++
		present = present || d.ScanID == a.ScanID
		d.Recall, d.RecalledBy, d.RecalledAt = RecallAsked, sc.by.PersonID, &sc.now
		if err := sc.tx.SaveRecall(ctx, d); err != nil {
			return err
		}
	}
	if asked == 0 {
		why, err := whyNotRecallable(ctx, sc.tx, a.ID, list)
		if err != nil {
			return err
		}
		return refuse(Conflict, why)
	}
	if present && (a.PersonID == personID || a.DeliveredAt == nil) {
		a.DeliverAt, a.DeliveredAt = nil, nil
	}
	a.Revision++
	if err := sc.tx.SaveApplications(ctx, []Application{*a}); err != nil {
		return err
	}
	if err := sc.note(ctx, SubjectApplication, a.ID, "recall", "", "", ""); err != nil {
		return err
	}
	if err := sc.tx.InsertJob(ctx, WithdrawScan{ApplicationID: a.ID, PersonID: personID}); err != nil {
		return err
	}
	// The owners of the installation hear of it even if nothing can be deleted now.
	return tellOfRecall(ctx, sc.tx, a.ID, personID, 0, sc.now.Add(recallNews))
}

// ApplicationNotice renews the card of an application wherever somebody looks at it
// who has had its scan sent, or recalled.
type ApplicationNotice struct {
	ApplicationID int64
}

// NoticeKind implements Notice.
func (ApplicationNotice) NoticeKind() string { return "application" }

// NoticeLane implements Notice: somebody waits for what comes of a press.
func (ApplicationNotice) NoticeLane() Lane { return LaneAnswer }

// NoticeKey implements Notice: the card shows what is newest.
func (n ApplicationNotice) NoticeKey() string {
	return "application:" + strconv.FormatInt(n.ApplicationID, 10)
}

// Undelivered notes that scans could not be sent, or left without an answer: who
// looks at their applications sees it.
func (s *Deliveries) Undelivered(ctx context.Context, list []DeliveryNotice) error {
	return s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		for _, n := range list {
			if err := renew(ctx, tx, ApplicationNotice{ApplicationID: n.ApplicationID}, time.Time{}); err != nil {
				return err
			}
		}
		return nil
	})
}

// recallNews is how long the owners are not told of a recall that its outcome, as a
// rule, follows within a second: then they get one message.
const recallNews = time.Minute

// RecallNotice tells the owners of the installation, and who has asked for it, of a
// scan that went to a wrong chat and what became of its recall.
type RecallNotice struct {
	ApplicationID int64
	PersonID      int64 // into whose chat it went
}

// NoticeKind implements Notice.
func (RecallNotice) NoticeKind() string { return "recall" }

// NoticeLane implements Notice: it is an incident.
func (RecallNotice) NoticeLane() Lane { return LaneDecision }

// NoticeKey implements Notice: the newest state is told.
func (n RecallNotice) NoticeKey() string {
	return "recall:" + strconv.FormatInt(n.ApplicationID, 10) + ":" + strconv.FormatInt(n.PersonID, 10)
}

// WithdrawnNotice tells somebody that a message was taken out of their chat. Of
// whose scan it was it says nothing.
type WithdrawnNotice struct {
	ApplicationID int64
}

// NoticeKind implements Notice.
func (WithdrawnNotice) NoticeKind() string { return "withdrawn" }

// NoticeLane implements Notice.
func (WithdrawnNotice) NoticeLane() Lane { return LaneDecision }

// NoticeKey implements Notice.
func (n WithdrawnNotice) NoticeKey() string {
	return "withdrawn:" + strconv.FormatInt(n.ApplicationID, 10)
}

// tellOfRecall queues what the owners are told, and who has asked if that is
// somebody, not before at.
func tellOfRecall(ctx context.Context, tx Tx, applicationID, personID, asker int64, at time.Time) error {
	people, err := tx.PeopleWith(ctx, RoleAdmin, tellLimit)
	if err != nil {
		return fmt.Errorf("who is told of a recall: %w", err)
	}
	if asker != 0 && !slices.Contains(people, asker) {
		people = append(people, asker)
	}
	for _, id := range people {
		if err := tx.Enqueue(ctx, id, RecallNotice{ApplicationID: applicationID, PersonID: personID}, at); err != nil {
			return fmt.Errorf("tell of a recall: %w", err)
		}
	}
	return nil
}

// Withdraw does the job: it deletes message after message. If this process dies
// after a request, the next one finds no message any more and says so.
func (s *Deliveries) Withdraw(ctx context.Context, j WithdrawScan) error {
	who, err := s.store.Person(ctx, j.PersonID)
	if err != nil {
		return fmt.Errorf("person %d: %w", j.PersonID, err)
	}
	list, err := s.asked(ctx, j)
	if err != nil {
		return err
	}
	for i := range list {
		d := &list[i]
		state, err := s.chat.Withdraw(ctx, who.TelegramID, d.MessageID)
		if err != nil { // nothing has happened
			return fmt.Errorf("withdraw delivery %d: %w", d.ID, err)
		}
		if err := s.settle(ctx, d, state); err != nil {
			return err
		}
	}
	return s.conclude(ctx, j)
}

// GiveUpWithdraw tells that the messenger did not answer all that time.
func (s *Deliveries) GiveUpWithdraw(ctx context.Context, j WithdrawScan) error {
	list, err := s.asked(ctx, j)
	if err != nil {
		return err
	}
	for i := range list {
		if err := s.settle(ctx, &list[i], RecallFailed); err != nil {
			return err
		}
	}
	return s.conclude(ctx, j)
}

// asked lists the deliveries that a job has yet to take back.
func (s *Deliveries) asked(ctx context.Context, j WithdrawScan) ([]Delivery, error) {
	list, err := s.store.DeliveriesOf(ctx, j.ApplicationID, mostDeliveries)
	if err != nil {
		return nil, fmt.Errorf("deliveries of application %d: %w", j.ApplicationID, err)
	}
	return slices.DeleteFunc(list, func(d Delivery) bool { return d.PersonID != j.PersonID || d.Recall != RecallAsked }), nil
}

func (s *Deliveries) settle(ctx context.Context, d *Delivery, to RecallState) error {
	return s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		d.Recall = to
		if err := tx.SaveRecall(ctx, d); err != nil {
			return fmt.Errorf("recall of delivery %d: %w", d.ID, err)
		}
		return nil
	})
}

// conclude tells what became of a recall: the history, the owners, who has asked,
// and the person in whose chat a message is missing now.
func (s *Deliveries) conclude(ctx context.Context, j WithdrawScan) error {
	return s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		list, err := tx.DeliveriesOf(ctx, j.ApplicationID, mostDeliveries)
		if err != nil {
			return fmt.Errorf("deliveries of application %d: %w", j.ApplicationID, err)
		}
		o := outcomeOf(list, j.PersonID)
		now := s.now().UTC()
		err = tx.AddHistory(ctx, History{Subject: SubjectApplication, SubjectID: j.ApplicationID, At: now, Event: "recall_" + string(o.State)})
		if err != nil {
			return fmt.Errorf("history of application %d: %w", j.ApplicationID, err)
		}
		if o.Done > 0 {
			if err := tx.Enqueue(ctx, j.PersonID, WithdrawnNotice{ApplicationID: j.ApplicationID}, time.Time{}); err != nil {
				return fmt.Errorf("tell person %d: %w", j.PersonID, err)
			}
		}
		if err := renew(ctx, tx, ApplicationNotice{ApplicationID: j.ApplicationID}, time.Time{}); err != nil {
			return err
		}
		return tellOfRecall(ctx, tx, j.ApplicationID, j.PersonID, o.By, time.Time{})
	})
}

// RecallOutcome is what became of the newest recall of an application's scan from
// a chat.
type RecallOutcome struct {
	State    RecallState // the worst of its messages: asked, unknown, failed, done; none: nothing was recalled
	By       int64       // Person
	At       time.Time   // UTC; when it was asked for
	Done     int         // messages that are gone
	Messages int         // all of it
}

// worse is the one of two states of a recall that says less for it.
func worse(a, b RecallState) RecallState {
	worst := []RecallState{RecallNone, RecallDone, RecallFailed, RecallUnknown, RecallAsked}
	if slices.Index(worst, b) > slices.Index(worst, a) {
		return b
	}
	return a
}

// outcomeOf gathers the newest recall from a person's chat.
func outcomeOf(list []Delivery, personID int64) RecallOutcome {
	var o RecallOutcome
	for i := range list {
		if d := &list[i]; d.PersonID == personID && d.RecalledAt != nil && d.RecalledAt.After(o.At) {
			o.At, o.By = *d.RecalledAt, d.RecalledBy
		}
	}
	for i := range list {
		d := &list[i]
		if d.PersonID != personID || d.RecalledAt == nil || !d.RecalledAt.Equal(o.At) {
			continue
		}
		o.Messages++
		o.State = worse(o.State, d.Recall)
		if d.Recall == RecallDone {
			o.Done++
		}
	}
	return o
}

// RecallView is what is told of a recall.
type RecallView struct {
	Application Application
	Exam        Exam
	Org         Org // the center
	Outcome     RecallOutcome
	By          string // name of who has asked for it
	Linked      bool   // the person into whose chat it went is still linked
	Staff       bool   // the reader works in the center
}

// RecallTold returns what is told of a recall to whoever may see the exam.
func (s *Deliveries) RecallTold(ctx context.Context, by Actor, n RecallNotice) (*RecallView, error) {
	a, e, org, err := s.whole(ctx, by, n.ApplicationID)
	if err != nil {
		return nil, err
	}
	list, err := s.store.DeliveriesOf(ctx, a.ID, mostDeliveries)
	if err != nil {
		return nil, fmt.Errorf("deliveries of application %d: %w", a.ID, err)
	}
	v := &RecallView{
		Application: *a, Exam: *e, Org: *org, Outcome: outcomeOf(list, n.PersonID),
		Linked: a.PersonID == n.PersonID, Staff: isStaffOf(by, e.CenterID) == nil,
	}
	if v.Outcome.By != 0 {
		p, err := s.store.Person(ctx, v.Outcome.By)
		if err != nil {
			return nil, fmt.Errorf("person %d: %w", v.Outcome.By, err)
		}
		v.By = p.Name
	}
	return v, nil
}

// whole returns an application, its exam and the center, for whoever may see them.
func (s *Deliveries) whole(ctx context.Context, by Actor, applicationID int64) (*Application, *Exam, *Org, error) {
	a, err := s.store.Application(ctx, by, applicationID)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("application %d: %w", applicationID, err)
	}
	e, err := s.store.Exam(ctx, by, a.ExamID)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("exam %d: %w", a.ExamID, err)
	}
	org, err := s.store.Org(ctx, e.CenterID)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("organisation %d: %w", e.CenterID, err)
	}
	return a, e, org, nil
}
