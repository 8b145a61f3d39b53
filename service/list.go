package service

import (
	"context"
	"fmt"
	"time"
)

// CohortWant is what a person wants to do with one of their cohorts.
type CohortWant string

// The wants. Each lists only the cohorts in which it can be done now.
const (
	WantAny      CohortWant = ""         // every cohort the person may see
	WantGenerate CohortWant = "generate" // «Готов к генерации»
	WantUpload   CohortWant = "upload"   // an act waits for its journal
	WantReplace  CohortWant = "replace"  // an act is in approval or rejected, and nobody reviews
)

// CohortItem is a line of a list of cohorts.
type CohortItem struct {
	ID       int64
	Number   string
	Program  string
	EndOn    Day
	Revision int
}

// ActItem is a line of a list of acts.
type ActItem struct {
	ID       int64
	Number   string
	Status   ActStatus
	Revision int
	DueOn    Day
}

// ActFilter narrows a list of acts.
type ActFilter struct {
	Statuses      []ActStatus
	Number        string  // "" for any
	Partners      []int64 // nil: of every partner
	Free          bool    // nobody has taken it
	HolderID      int64   // this person has taken it; 0 for whoever
	JournalStands bool    // the newest version of the cohort's journal is there and not rejected
}

// ListQueries pages through what a person may see.
type ListQueries interface {
	// CohortList lists cohorts by end date, newest first, from offset on, at most
	// limit. A number narrows it to that one.
	CohortList(ctx context.Context, by Actor, want CohortWant, number string, now time.Time, offset, limit int) ([]CohortItem, error)
	// ActList lists acts, newest first, from offset on, at most limit.
	ActList(ctx context.Context, by Actor, filter ActFilter, offset, limit int) ([]ActItem, error)
}

// CohortList lists the cohorts in which the actor can do what is wanted, newest
// first. A number narrows it to that one.
func (s *Acts) CohortList(ctx context.Context, by Actor, want CohortWant, number string, offset, limit int) ([]CohortItem, error) {
	list, err := s.store.CohortList(ctx, by, want, number, s.now().UTC(), offset, limit)
	if err != nil {
		return nil, fmt.Errorf("list cohorts: %w", err)
	}
	return list, nil
}

// eventStatuses lists the states from which the table has a row for the event.
func eventStatuses(ev ActEvent) []ActStatus {
	var out []ActStatus
	for _, s := range actTable.States() {
		if actTable.Knows(s, ev) {
			out = append(out, s)
		}
	}
	return out
}

// ActList lists the acts that the actor could move by the event, newest first;
// an empty event lists every act that the actor may see. A number narrows it to
// that one. It refuses events that are not of the actor's roles.
func (s *Acts) ActList(ctx context.Context, by Actor, ev ActEvent, number string, offset, limit int) ([]ActItem, error) {
	filter := ActFilter{Statuses: actTable.States(), Number: number}
	role := Role("")
	switch ev {
	case "":
	case ActSubmit, ActReplace, ActResend, ActRegenerate, ActCancel:
		role, filter.Partners, filter.Free = RolePartnerRep, by.Orgs(RolePartnerRep), true
		filter.JournalStands = ev == ActResend
	case ActTake:
		role, filter.Free = RoleOperatorRep, true
	case ActRelease, ActApprove, ActReject:
		role, filter.HolderID = RoleOperatorRep, by.PersonID
	case ActExpire, ActFall:
		return nil, refuse(Forbidden, ReasonForbidden)
	}
	if role != "" {
		if !by.Has(role) {
			return nil, refuse(Forbidden, ReasonForbidden)
		}
		filter.Statuses = eventStatuses(ev)
	}
	list, err := s.store.ActList(ctx, by, filter, offset, limit)
	if err != nil {
		return nil, fmt.Errorf("list acts: %w", err)
	}
	return list, nil
}
