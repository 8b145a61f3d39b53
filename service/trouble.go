package service

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// TroubleKind is what sort of thing did not go through.
type TroubleKind string

// The kinds.
const (
	TroubleUpdate TroubleKind = "update" // what somebody did could not be handled
	TroubleNotice TroubleKind = "notice" // a message did not arrive, or nobody knows whether it did
	TroubleJob    TroubleKind = "job"    // slow work failed every time
)

// Trouble is one thing that did not go through and waits for an admin.
type Trouble struct {
	Kind     TroubleKind
	ID       int64     // of the update, notice or job
	What     string    // kind of the notice or job; "" for an update
	Unknown  bool      // a message that may have arrived: retrying may double it
	PersonID int64     // to whom, of a notice; else 0
	Name     string    // of that person, for the admin's eyes
	Attempts int       // made so far
	At       time.Time // UTC; when it began
	Error    string    // of the last try, for whoever can read it; without names
}

// TroubleCounts is how many of each kind there are.
type TroubleCounts struct {
	Updates, Notices, Jobs int
}

// Troubles shows admins what did not go through, «Неполадки».
type Troubles struct {
	store Store
	now   Clock
}

// NewTroubles returns the use cases over store.
func NewTroubles(store Store, now Clock) *Troubles { return &Troubles{store: store, now: now} }

// Counts tells how many troubles there are.
func (s *Troubles) Counts(ctx context.Context, by Actor) (TroubleCounts, error) {
	if !by.Has(RoleAdmin) {
		return TroubleCounts{}, refuse(Forbidden, ReasonForbidden)
	}
	return countTroubles(ctx, s.store)
}

func countTroubles(ctx context.Context, q Queries) (c TroubleCounts, err error) {
	if c.Updates, err = q.UpdatesAsideCount(ctx); err != nil {
		return c, fmt.Errorf("count updates set aside: %w", err)
	}
	if c.Notices, err = q.NoticesInTroubleCount(ctx); err != nil {
		return c, fmt.Errorf("count notices in trouble: %w", err)
	}
	if c.Jobs, err = q.DeadJobsCount(ctx); err != nil {
		return c, fmt.Errorf("count dead jobs: %w", err)
	}
	return c, nil
}

// Page lists troubles of one kind, newest first, from offset on, at most limit.
func (s *Troubles) Page(ctx context.Context, by Actor, kind TroubleKind, offset, limit int) ([]Trouble, error) {
	if !by.Has(RoleAdmin) {
		return nil, refuse(Forbidden, ReasonForbidden)
	}
	var out []Trouble
	switch kind {
	case TroubleUpdate:
		us, err := s.store.UpdatesAside(ctx, offset, limit)
		if err != nil {
			return nil, fmt.Errorf("list updates set aside: %w", err)
		}
		for _, u := range us {
			out = append(out, Trouble{Kind: kind, ID: u.ID, Attempts: u.Attempts, At: u.ReceivedAt, Error: u.Error})
		}
	case TroubleNotice:
		ns, err := s.store.NoticesInTrouble(ctx, offset, limit)
		if err != nil {
			return nil, fmt.Errorf("list notices in trouble: %w", err)
		}
		for _, n := range ns {
			p, err := s.store.Person(ctx, n.PersonID)
			if err != nil {
				return nil, fmt.Errorf("addressee of notice %d: %w", n.ID, err)
			}
			out = append(out, Trouble{
				Kind: kind, ID: n.ID, What: n.Kind, Unknown: n.State == NoticeUnknown, PersonID: n.PersonID, Name: p.Name,
				Attempts: n.Attempts, At: n.CreatedAt, Error: n.Error,
			})
		}
	case TroubleJob:
		var err error
		if out, err = s.store.DeadJobs(ctx, offset, limit); err != nil {
			return nil, fmt.Errorf("list dead jobs: %w", err)
		}
	default:
		return nil, refuse(NotFound, ReasonNotFound)
	}
	return out, nil
}

// Retry has a thing tried again. NotFound: it is in trouble no more.
func (s *Troubles) Retry(ctx context.Context, by Actor, kind TroubleKind, id int64) error {
	return s.end(ctx, by, kind, id, true)
}

// Dismiss lets a thing go. NotFound: it is in trouble no more.
func (s *Troubles) Dismiss(ctx context.Context, by Actor, kind TroubleKind, id int64) error {
	return s.end(ctx, by, kind, id, false)
}

func (s *Troubles) end(ctx context.Context, by Actor, kind TroubleKind, id int64, retry bool) error {
	if !by.Has(RoleAdmin) {
		return refuse(Forbidden, ReasonForbidden)
	}
	event := "dismissed"
	if retry {
		event = "retried"
	}
	return s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		if err := still(ctx, tx, by, Seat{Role: RoleAdmin}); err != nil {
			return err
		}
		found, err := s.settle(ctx, tx, by, kind, id, retry)
		if err != nil {
			return fmt.Errorf("%s %d: %w", kind, id, err)
		}
		if !found {
			return refuse(NotFound, ReasonNotFound)
		}
		return tx.AddHistory(ctx, History{
			Subject: string(kind), SubjectID: id, At: s.now().UTC(), PersonID: by.PersonID, Event: event,
		})
	})
}

// withhold has a scan that may have arrived, and whose notice is dismissed, wait for
// the staff of its center: else it would go to its candidate again by itself.
func (s *Troubles) withhold(ctx context.Context, tx Tx, by Actor, noticeID int64) error {
	n, err := tx.NoticeInTrouble(ctx, noticeID)
	if err != nil || n == nil || n.State != NoticeUnknown || n.Kind != (DeliveryNotice{}).NoticeKind() {
		return err
	}
	var scan DeliveryNotice
	if err := json.Unmarshal(n.Payload, &scan); err != nil {
		return fmt.Errorf("payload of notice %d: %w", noticeID, err)
	}
	a, err := holdApplication(ctx, tx, scan.ApplicationID)
	if err != nil || !a.awaits(&LostDelivery{PersonID: n.PersonID, ScanID: scan.ScanID}) {
		return err
	}
	a.DeliverAt = nil
	a.Revision++
	if err := tx.SaveApplications(ctx, []Application{*a}); err != nil {
		return err
	}
	return tx.AddHistory(ctx, History{
		Subject: SubjectApplication, SubjectID: a.ID, At: s.now().UTC(), PersonID: by.PersonID, Event: "delivery_dismissed",
	})
}

// settle ends one trouble and reports whether it was one.
func (s *Troubles) settle(ctx context.Context, tx Tx, by Actor, kind TroubleKind, id int64, retry bool) (bool, error) {
	switch kind {
	case TroubleUpdate:
		if retry {
			return tx.EndUpdateAside(ctx, id, UpdateWaiting, s.now())
		}
		return tx.EndUpdateAside(ctx, id, UpdateDismissed, s.now())
	case TroubleNotice:
		if retry {
			return tx.EndNoticeTrouble(ctx, id, NoticeQueued, s.now())
		}
		if err := s.withhold(ctx, tx, by, id); err != nil {
			return false, err
		}
		return tx.EndNoticeTrouble(ctx, id, NoticeDismissed, s.now())
	case TroubleJob:
		return tx.EndDeadJob(ctx, id, retry)
	default:
		return false, nil
	}
}
