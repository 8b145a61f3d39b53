package service

import (
	"context"
	"fmt"
)

// ExamView is everything that an exam's card shows.
type ExamView struct {
	Exam         Exam
	Org          Org           // the center
	Center       Center        // what its certificates need
	Protocol     *Protocol     // newest version, nil before the first
	Reviewer     string        // name of who has taken the protocol, "" when nobody has
	Applications []Application // by name
	Today        Day           // in the center's zone
	Staff        bool          // the reader works in the center: the others only look
}

// Count counts the applications that stand in the status.
func (v *ExamView) Count(status ApplicationStatus) int {
	n := 0
	for i := range v.Applications {
		if v.Applications[i].Status() == status {
			n++
		}
	}
	return n
}

// View returns an exam with its applications for whoever may see it.
func (s *Exams) View(ctx context.Context, by Actor, id int64) (*ExamView, error) {
	e, err := s.store.Exam(ctx, by, id)
	if err != nil {
		return nil, fmt.Errorf("exam %d: %w", id, err)
	}
	v, err := s.view(ctx, by, e)
	if err != nil {
		return nil, fmt.Errorf("exam %d: %w", id, err)
	}
	return v, nil
}

// ViewByNumber is View by the exam's number.
func (s *Exams) ViewByNumber(ctx context.Context, by Actor, number string) (*ExamView, error) {
	e, err := s.store.ExamByNumber(ctx, by, number)
	if err != nil {
		return nil, fmt.Errorf("exam by number: %w", err)
	}
	v, err := s.view(ctx, by, e)
	if err != nil {
		return nil, fmt.Errorf("exam %d: %w", e.ID, err)
	}
	return v, nil
}

func (s *Exams) view(ctx context.Context, by Actor, e *Exam) (*ExamView, error) {
	v := &ExamView{Exam: *e, Staff: isStaffOf(by, e.CenterID) == nil}
	org, err := s.store.Org(ctx, e.CenterID)
	if err != nil {
		return nil, fmt.Errorf("organisation %d: %w", e.CenterID, err)
	}
	v.Org = *org
	center, err := s.store.Center(ctx, e.CenterID)
	if err != nil {
		return nil, fmt.Errorf("center %d: %w", e.CenterID, err)
	}
	v.Center = *center
	loc, err := org.Location()
	if err != nil {
		return nil, err
	}
	v.Today = DayOf(s.now(), loc)
	if e.ProtocolVersion > 0 {
		if v.Protocol, err = s.store.Protocol(ctx, e.ID, e.ProtocolVersion); err != nil {
			return nil, fmt.Errorf("protocol: %w", err)
		}
	}
	if e.ReviewerID != 0 {
		p, err := s.store.Person(ctx, e.ReviewerID)
		if err != nil {
			return nil, fmt.Errorf("reviewer: %w", err)
		}
		v.Reviewer = p.Name
	}
	if v.Applications, err = s.store.Applications(ctx, e.ID); err != nil {
		return nil, fmt.Errorf("applications: %w", err)
	}
	return v, nil
}

// ApplicationView is everything that an application's card shows.
type ApplicationView struct {
	Application Application
	Exam        Exam
	Org         Org  // the center
	Today       Day  // in the center's zone
	Staff       bool // the reader works in the center: the others only look
}

// Application returns an application for whoever may see its exam.
func (s *Exams) Application(ctx context.Context, by Actor, id int64) (*ApplicationView, error) {
	a, err := s.store.Application(ctx, by, id)
	if err != nil {
		return nil, fmt.Errorf("application %d: %w", id, err)
	}
	e, err := s.store.Exam(ctx, by, a.ExamID)
	if err != nil {
		return nil, fmt.Errorf("exam %d: %w", a.ExamID, err)
	}
	org, err := s.store.Org(ctx, e.CenterID)
	if err != nil {
		return nil, fmt.Errorf("organisation %d: %w", e.CenterID, err)
	}
	loc, err := org.Location()
	if err != nil {
		return nil, err
	}
	return &ApplicationView{
		Application: *a, Exam: *e, Org: *org, Today: DayOf(s.now(), loc), Staff: isStaffOf(by, e.CenterID) == nil,
	}, nil
}

// List lists exams by day, newest first, from offset on, at most limit.
func (s *Exams) List(ctx context.Context, by Actor, f ExamFilter, offset, limit int) ([]ExamItem, error) {
	list, err := s.store.ExamList(ctx, by, f, offset, limit)
	if err != nil {
		return nil, fmt.Errorf("list exams: %w", err)
	}
	return list, nil
}

// Counts counts the exams by certificate status, each up to ExamCountCap; the
// filter's own statuses are passed over.
func (s *Exams) Counts(ctx context.Context, by Actor, f ExamFilter) (map[CertificateStatus]int, error) {
	counts, err := s.store.ExamCounts(ctx, by, f)
	if err != nil {
		return nil, fmt.Errorf("count exams: %w", err)
	}
	return counts, nil
}
