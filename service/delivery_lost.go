package service

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// The refusals about scans of which nobody knows whether they have arrived.
const (
	// The messenger confirmed nothing that could be deleted.
	ReasonDeliveryUnconfirmed Reason = "delivery.unconfirmed"
	ReasonDeliveryNotLost     Reason = "delivery.not_lost" // there is nothing to decide
)

// deliveryBelieved is the step by which a scan counts as delivered.
const deliveryBelieved = "delivery_believed"

// LostDelivery is a scan that left for a chat without an answer: it may have
// arrived. Its message has no number that anybody knows, so it cannot be deleted.
type LostDelivery struct {
	PersonID int64
	ScanID   int64
	LeftAt   time.Time // UTC
}

// awaits tells whether the candidate of an application waits for the decision on a
// lost delivery: it is of the present scan, into the present chat, and they do not
// have it otherwise.
func (a *Application) awaits(l *LostDelivery) bool {
	return a.PersonID != 0 && l.PersonID == a.PersonID && l.ScanID == a.ScanID && a.DeliveredAt == nil
}

// DecideLost ends what nobody knows of the deliveries of an application. Those that
// have arrived, as a person says, count as delivered, although nothing of them can
// be recalled. The others count as not sent: the scan waits for SendAgain. Staff of
// the exam's center may; the admins hear of it. Revision is that of the application
// as it was seen.
func (s *Deliveries) DecideLost(ctx context.Context, by Actor, applicationID int64, revision int, arrived bool) error {
	err := inApplication(ctx, s.store, s.now, by, applicationID, func(ctx context.Context, sc *examScene, a *Application) error {
		if a.Revision != revision {
			return movedOn(ctx, sc.tx, sc.by, SubjectApplication, a.ID, nil)
		}
		lost, err := sc.tx.LostDeliveries(ctx, a.ID)
		if err != nil {
			return err
		}
		if len(lost) == 0 {
			return refuse(Conflict, ReasonDeliveryNotLost)
		}
		for i := range lost {
			if err := sc.endLost(ctx, a, &lost[i], arrived); err != nil {
				return err
			}
		}
		a.Revision++
		if err := sc.tx.SaveApplications(ctx, []Application{*a}); err != nil {
			return err
		}
		event := "delivery_denied"
		if arrived {
			event = deliveryBelieved
		}
		if err := sc.note(ctx, SubjectApplication, a.ID, event, "", "", ""); err != nil {
			return err
		}
		return tellOfLost(ctx, sc.tx, LostNotice{ApplicationID: a.ID, PersonID: sc.by.PersonID, Arrived: arrived})
	})
	if err != nil {
		return fmt.Errorf("decide on the lost deliveries of application %d: %w", applicationID, err)
	}
	return nil
}

// endLost ends one lost delivery of an application, which the caller saves.
func (sc *examScene) endLost(ctx context.Context, a *Application, l *LostDelivery, arrived bool) error {
	n := DeliveryNotice{ApplicationID: a.ID, ScanID: l.ScanID}
	if err := sc.tx.EndNoticeTroubles(ctx, l.PersonID, n.NoticeKey(), sc.now); err != nil {
		return err
	}
	switch present := a.awaits(l); {
	case arrived:
		if present {
			a.DeliveredAt = &l.LeftAt
		}
		return sc.tx.AddDelivery(ctx, &Delivery{ApplicationID: a.ID, ScanID: l.ScanID, PersonID: l.PersonID, SentAt: l.LeftAt})
	case present:
		a.DeliverAt = nil
	}
	return nil
}

// LostNotice tells the admins what was decided on a scan of which nobody knew
// whether it had arrived.
type LostNotice struct {
	ApplicationID int64
	PersonID      int64 // who has decided
	Arrived       bool
}

// NoticeKind implements Notice.
func (LostNotice) NoticeKind() string { return "delivery_lost" }

// NoticeLane implements Notice.
func (LostNotice) NoticeLane() Lane { return LaneNews }

// NoticeKey implements Notice: the newest decision is told.
func (n LostNotice) NoticeKey() string {
	return "delivery_lost:" + strconv.FormatInt(n.ApplicationID, 10)
}

func tellOfLost(ctx context.Context, tx Tx, n LostNotice) error {
	people, err := tx.PeopleWith(ctx, RoleAdmin, tellLimit)
	if err != nil {
		return fmt.Errorf("who is told of a lost delivery: %w", err)
	}
	for _, id := range people {
		if err := tx.Enqueue(ctx, id, n, time.Time{}); err != nil {
			return fmt.Errorf("tell of a lost delivery: %w", err)
		}
	}
	return nil
}

// LostView is what is told of a decision on a lost delivery.
type LostView struct {
	Application Application
	Exam        Exam
	Org         Org    // the center
	By          string // name of who has decided
	Arrived     bool
}

// LostTold returns what is told of a decision on a lost delivery to whoever may see
// the exam.
func (s *Deliveries) LostTold(ctx context.Context, by Actor, n LostNotice) (*LostView, error) {
	a, e, org, err := s.whole(ctx, by, n.ApplicationID)
	if err != nil {
		return nil, err
	}
	p, err := s.store.Person(ctx, n.PersonID)
	if err != nil {
		return nil, fmt.Errorf("person %d: %w", n.PersonID, err)
	}
	return &LostView{Application: *a, Exam: *e, Org: *org, By: p.Name, Arrived: n.Arrived}, nil
}
