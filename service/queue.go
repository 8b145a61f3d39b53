package service

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// QueueDue narrows the queue by deadline.
type QueueDue string

// The deadlines, in the operator's zone.
const (
	DueAny     QueueDue = ""
	DueOverdue QueueDue = "overdue" // the deadline has passed
	DueToday   QueueDue = "today"
	DueWeek    QueueDue = "week" // today and the six days after it
)

// QueueFilter narrows the queue. The zero value lists all of it.
type QueueFilter struct {
	PartnerID int64 // 0: of every partner
	Due       QueueDue
	Mine      bool   // taken by whoever asks
	Search    string // how the number of an act, and so of its cohort, begins
}

// QueueItem is a package in the operator's queue with all that a line shows.
type QueueItem struct {
	ActID      int64
	Number     string
	Revision   int
	PartnerID  int64
	Partner    string // name
	Learners   int
	DueOn      Day
	Overdue    bool
	ReviewerID int64  // who has taken it; 0 when it is free
	Reviewer   string // name; "" when it is free
	Own        bool   // uploaded by whoever asks, who therefore cannot decide on it
}

// QueueCounts is what the queue's card counts. Each number stops at QueueCap.
type QueueCounts struct {
	Waiting int // packages in approval
	Overdue int // of them, past their deadline
	Mine    int // of them, taken by whoever asks
}

// QueueCap is where the counts stop: it means "so many or more". It keeps the
// card as fast with a hundred thousand packages as with a hundred.
const QueueCap = 1000

// QueuePartner is a partner with packages in approval.
type QueuePartner struct {
	ID      int64
	Name    string
	Waiting int
}

// QueueQueries asks about the packages in approval. Whoever does not represent
// the operator now sees an empty queue.
type QueueQueries interface {
	// QueuePage lists packages by deadline, the most urgent first, from offset on,
	// at most limit. Today is the day in the operator's zone.
	QueuePage(ctx context.Context, by Actor, filter QueueFilter, today Day, offset, limit int) ([]QueueItem, error)
	// QueueCounts counts packages, each number up to QueueCap.
	QueueCounts(ctx context.Context, by Actor, today Day) (QueueCounts, error)
	// QueueNext returns the id of a package that nobody has taken and that the
	// actor has not uploaded: the one after shown, if that still waits to be taken,
	// and behind the last or without shown the most urgent. It is never shown
	// itself; 0 when there is none.
	QueueNext(ctx context.Context, by Actor, shown int64) (int64, error)
	// QueuePartners lists the partners with packages in approval by name, at most
	// limit.
	QueuePartners(ctx context.Context, by Actor, limit int) ([]QueuePartner, error)
}

// Queue holds the use cases around the operator's queue.
type Queue struct {
	store Store
	now   Clock
}

// NewQueue returns the use cases over store.
func NewQueue(store Store, now Clock) *Queue { return &Queue{store: store, now: now} }

// QueueList is a page of the queue.
type QueueList struct {
	Items []QueueItem
	More  bool // there are packages behind this page
	Today Day  // in the operator's zone
}

// Page returns a page of the queue, the most urgent package first. Only
// representatives of the operator may.
func (s *Queue) Page(ctx context.Context, by Actor, filter QueueFilter, offset, limit int) (*QueueList, error) {
	today, err := s.today(ctx, by)
	if err != nil {
		return nil, fmt.Errorf("page of the queue: %w", err)
	}
	filter.Search = searched(filter.Search)
	items, err := s.store.QueuePage(ctx, by, filter, today, max(offset, 0), limit+1)
	if err != nil {
		return nil, fmt.Errorf("page of the queue: %w", err)
	}
	list := &QueueList{Items: items, Today: today}
	if len(items) > limit {
		list.Items, list.More = items[:limit], true
	}
	return list, nil
}

// Counts counts the packages of the queue.
func (s *Queue) Counts(ctx context.Context, by Actor) (QueueCounts, error) {
	today, err := s.today(ctx, by)
	if err != nil {
		return QueueCounts{}, fmt.Errorf("count the queue: %w", err)
	}
	counts, err := s.store.QueueCounts(ctx, by, today)
	if err != nil {
		return QueueCounts{}, fmt.Errorf("count the queue: %w", err)
	}
	return counts, nil
}

// Next returns the id of a package that the actor could take: the one after
// shown (0: none) by urgency, so that pressing on leads through all of them, or
// the most urgent once shown is taken or decided; 0 when there is no other.
func (s *Queue) Next(ctx context.Context, by Actor, shown int64) (int64, error) {
	if _, err := s.today(ctx, by); err != nil {
		return 0, fmt.Errorf("next in the queue: %w", err)
	}
	id, err := s.store.QueueNext(ctx, by, shown)
	if err != nil {
		return 0, fmt.Errorf("next in the queue: %w", err)
	}
	return id, nil
}

// Partners lists the partners that the queue can be narrowed to.
func (s *Queue) Partners(ctx context.Context, by Actor, limit int) ([]QueuePartner, error) {
	if _, err := s.today(ctx, by); err != nil {
		return nil, fmt.Errorf("partners in the queue: %w", err)
	}
	list, err := s.store.QueuePartners(ctx, by, limit)
	if err != nil {
		return nil, fmt.Errorf("partners in the queue: %w", err)
	}
	return list, nil
}

// today is the day in the operator's zone, for those who may look at the queue.
func (s *Queue) today(ctx context.Context, by Actor) (Day, error) {
	if !by.Has(RoleOperatorRep) {
		return Day{}, refuse(Forbidden, ReasonForbidden)
	}
	return operatorToday(ctx, s.store, s.now())
}

// operatorToday is the day that it is at a moment in the operator's zone.
func operatorToday(ctx context.Context, q PeopleQueries, now time.Time) (Day, error) {
	org, err := q.OperatorOrg(ctx)
	if err != nil {
		return Day{}, fmt.Errorf("operator organisation: %w", err)
	}
	loc, err := org.Location()
	if err != nil {
		return Day{}, err
	}
	return DayOf(now, loc), nil
}

// searched is the number that a person means: they also write «№ 118».
func searched(s string) string {
	s = strings.TrimSpace(plainText(s))
	return strings.TrimSpace(strings.TrimPrefix(s, "№"))
}
