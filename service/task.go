package service

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Task is something that is due from a person now.
type Task struct {
	Kind     TaskKind
	CohortID int64  // of the deed, 0 when it concerns an act
	Cohort   string // number
	ActID    int64  // 0 when it concerns a cohort
	Act      string // number
	ExamID   int64  // of a deed about one exam; 0 when the task stands for several
	Exam     string // number
	DueOn    Day    // zero when nothing sets a deadline
	Overdue  bool
	CenterID int64  // of TaskFillCenter about one center; 0 when the task stands for several
	Center   string // name
	Count    int    // how many things the task stands for, at most TaskCap

	Batch BatchToChoose // of TaskBatchExam; zero for all others
}

// TaskKind names what is to be done.
type TaskKind string

// The kinds of tasks.
const (
	TaskReplace  TaskKind = "replace"  // partner: a package was rejected
	TaskUpload   TaskKind = "upload"   // partner: an act waits for its journal
	TaskGenerate TaskKind = "generate" // partner: an act can be generated
	TaskReview   TaskKind = "review"   // operator: a package that the person has taken
	TaskQueue    TaskKind = "queue"    // operator: packages that nobody has taken
	TaskTroubles TaskKind = "troubles" // admin: what could not be done or delivered

	// Of a center's staff and of admins: centers whose certificates wait for what is
	// not known of the center.
	TaskFillCenter TaskKind = "fill_center"

	// Of a center's staff; each stands for all exams that are so.
	TaskResults      TaskKind = "results"       // held, and a result or a mark is missing
	TaskProtocol     TaskKind = "protocol"      // all results are there, the protocol is not, or was rejected
	TaskProtocolFree TaskKind = "protocol_free" // a protocol waits for its check
	TaskProtocolMine TaskKind = "protocol_mine" // a protocol that the person has taken
	TaskToGenerate   TaskKind = "to_generate"   // «Требуется генерация»
	TaskToLoad       TaskKind = "to_load"       // «Требуется загрузка»
	TaskPartlyLoaded TaskKind = "partly_loaded" // «Требуется частичная загрузка»
	TaskNameBlanks   TaskKind = "name_blanks"   // scans are loaded whose blank nobody has said
	TaskQuestions    TaskKind = "questions"     // scanned pages of which the machine is not certain; counted by page
	TaskBatchExam    TaskKind = "batch_exam"    // one batch of scans of which nobody knows the exam
)

// Exams is the filter of the exams that a task of a center's staff stands for.
// Today is the day that it is for the person; a task of another kind has none.
func (k TaskKind) Exams(personID int64, today Day) ExamFilter {
	switch k {
	case TaskResults:
		return ExamFilter{Certificates: []CertificateStatus{CertificatesNotReady}, Unsettled: true, HeldBefore: today}
	case TaskProtocol:
		return ExamFilter{Protocols: []ProtocolStatus{ProtocolMissing, ProtocolRejected}, Settled: true, HeldBefore: today}
	case TaskProtocolFree:
		return ExamFilter{Protocols: []ProtocolStatus{ProtocolToCheck}}
	case TaskProtocolMine:
		return ExamFilter{ReviewerID: personID}
	case TaskToGenerate:
		return ExamFilter{Certificates: []CertificateStatus{CertificatesToGenerate}}
	case TaskToLoad:
		return ExamFilter{Certificates: []CertificateStatus{CertificatesToLoad}}
	case TaskPartlyLoaded:
		return ExamFilter{Certificates: []CertificateStatus{CertificatesPartlyLoaded}}
	case TaskQuestions:
		return ExamFilter{Questions: true}
	case TaskReplace, TaskUpload, TaskGenerate, TaskReview, TaskQueue, TaskTroubles, TaskFillCenter, TaskNameBlanks, TaskBatchExam:
	}
	return ExamFilter{}
}

const (
	// TaskLimit is how many tasks of one kind are listed. Whoever has more does
	// the most urgent first and sees the others after them.
	TaskLimit = 40
	// TaskCap is where counts stop: it means "so many or more". It keeps the list
	// as fast with a hundred thousand packages as with a hundred.
	TaskCap = 100
)

// TaskQueries asks what is due.
type TaskQueries interface {
	// PartnerTasks lists what partners must do: TaskReplace by deadline,
	// TaskUpload and TaskGenerate by the cohort's end, each at most limit. Now
	// decides, in each partner's zone, which cohorts have ended and what is overdue.
	PartnerTasks(ctx context.Context, partners []int64, now time.Time, limit int) ([]Task, error)
	// ReviewTasks lists the packages that the person has taken, by deadline.
	ReviewTasks(ctx context.Context, personID int64, limit int) ([]Task, error)
	// FreePackages counts the packages that nobody has taken, at most limit, and
	// gives the earliest deadline among them.
	FreePackages(ctx context.Context, limit int) (count int, due Day, err error)
	// CenterTasks lists what the person must do about the exams of centers, one
	// task for each kind. Now decides, in each center's zone, which exams have been
	// held.
	CenterTasks(ctx context.Context, centers []int64, personID int64, now time.Time, limit int) ([]Task, error)
	// PartnerReminders lists of PartnerTasks what a partner is reminded of on a
	// day: cohorts that ended the day before, and rejected packages that are due
	// on next or were due before overdue (a zero day: none).
	PartnerReminders(ctx context.Context, partnerID int64, today, next, overdue Day, limit int) ([]Task, error)
	// PackageReminders counts the packages in approval that are due on next, and
	// those that were due before overdue, which the person holds or nobody does.
	PackageReminders(ctx context.Context, personID int64, next, overdue Day, limit int) (dueNext, late int, err error)
	// OrgsByZone lists the zones of all organisations that have people.
	OrgsByZone(ctx context.Context) ([]OrgZone, error)
	// RemindedIn lists the people of an organisation who want reminders.
	RemindedIn(ctx context.Context, orgID int64, limit int) ([]int64, error)
}

// OrgZone is an organisation with its zone.
type OrgZone struct {
	OrgID int64
	Zone  string
}

// Tasks holds the use cases around what is due.
type Tasks struct {
	store    Store
	calendar func(context.Context) (*Calendar, error)
	now      Clock
}

// NewTasks returns the use cases over store. calendar gives the working days in
// force.
func NewTasks(store Store, calendar func(context.Context) (*Calendar, error), now Clock) *Tasks {
	return &Tasks{store: store, calendar: calendar, now: now}
}

// List returns what is due from the actor in all roles, the most urgent first:
// overdue, then by deadline, then what has none.
func (s *Tasks) List(ctx context.Context, by Actor) ([]Task, error) {
	var out []Task
	if partners := by.Orgs(RolePartnerRep); len(partners) > 0 {
		list, err := s.store.PartnerTasks(ctx, partners, s.now().UTC(), TaskLimit)
		if err != nil {
			return nil, fmt.Errorf("tasks of a partner: %w", err)
		}
		out = append(out, list...)
	}
	if by.Has(RoleOperatorRep) {
		list, err := s.operatorTasks(ctx, by)
		if err != nil {
			return nil, fmt.Errorf("tasks of the operator: %w", err)
		}
		out = append(out, list...)
	}
	if centers := by.Orgs(RoleCenterStaff); len(centers) > 0 {
		list, err := s.centerTasks(ctx, by, centers)
		if err != nil {
			return nil, fmt.Errorf("tasks of a center: %w", err)
		}
		out = append(out, list...)
	}
	fill, err := centersToFill(ctx, s.store, by)
	if err != nil {
		return nil, fmt.Errorf("centers to fill in: %w", err)
	}
	out = append(out, fillTask(fill)...)
	if by.Has(RoleAdmin) {
		c, err := countTroubles(ctx, s.store)
		if err != nil {
			return nil, fmt.Errorf("tasks of an admin: %w", err)
		}
		if n := c.Updates + c.Notices + c.Jobs; n > 0 {
			out = append(out, Task{Kind: TaskTroubles, Count: n})
		}
	}
	slices.SortStableFunc(out, moreUrgent)
	return out, nil
}

func (s *Tasks) operatorTasks(ctx context.Context, by Actor) ([]Task, error) {
	out, err := s.store.ReviewTasks(ctx, by.PersonID, TaskLimit)
	if err != nil {
		return nil, err
	}
	count, due, err := s.store.FreePackages(ctx, TaskCap)
	if err != nil {
		return nil, err
	}
	if count > 0 {
		out = append(out, Task{Kind: TaskQueue, Count: count, DueOn: due})
	}
	today, err := operatorToday(ctx, s.store, s.now())
	if err != nil {
		return nil, err
	}
	markOverdue(out, today)
	return out, nil
}

// centerTasks lists what the actor must do as staff of centers.
func (s *Tasks) centerTasks(ctx context.Context, by Actor, centers []int64) ([]Task, error) {
	out, err := s.store.CenterTasks(ctx, centers, by.PersonID, s.now().UTC(), TaskCap)
	if err != nil {
		return nil, err
	}
	batches, err := s.store.BatchesToChoose(ctx, centers, TaskLimit)
	if err != nil {
		return nil, err
	}
	for _, b := range batches {
		out = append(out, Task{Kind: TaskBatchExam, Count: 1, Batch: b})
	}
	return out, nil
}

// fillTask is the task of filling in what is not known of centers, nil for none.
func fillTask(centers []Org) []Task {
	switch len(centers) {
	case 0:
		return nil
	case 1:
		return []Task{{Kind: TaskFillCenter, CenterID: centers[0].ID, Center: centers[0].Name, Count: 1}}
	}
	return []Task{{Kind: TaskFillCenter, Count: len(centers)}}
}

// markOverdue compares deadlines with the day that it is where they were set.
func markOverdue(tasks []Task, today Day) {
	for i := range tasks {
		tasks[i].Overdue = !tasks[i].DueOn.IsZero() && today.After(tasks[i].DueOn)
	}
}

// moreUrgent orders by deadline; what has none comes last.
func moreUrgent(a, b Task) int {
	switch {
	case a.DueOn.IsZero() != b.DueOn.IsZero():
		if a.DueOn.IsZero() {
			return 1
		}
		return -1
	case a.DueOn != b.DueOn:
		return a.DueOn.Compare(b.DueOn)
	}
	return cmp.Compare(taskOrder[a.Kind], taskOrder[b.Kind])
}

// taskOrder breaks ties: what another waits for comes first.
var taskOrder = map[TaskKind]int{
	TaskReview: 1, TaskReplace: 2, TaskQueue: 3, TaskUpload: 4, TaskGenerate: 5,
	TaskProtocolMine: 6, TaskPartlyLoaded: 7, TaskToLoad: 8, TaskToGenerate: 9, TaskProtocolFree: 10, TaskProtocol: 11, TaskResults: 12,
	TaskNameBlanks: 13, TaskTroubles: 14, TaskQuestions: 0, TaskBatchExam: -1, TaskFillCenter: -2,
}

// RemindAt is the local hour at which people are reminded. Source: the
// product's owner.
const RemindAt = 9

// Remind is the job of the clock that reminds people of organisations in whose
// zone it is RemindAt o'clock.
type Remind struct {
	At time.Time `json:"at"` // the planned moment, a whole quarter of an hour
}

// Kind names the job.
func (Remind) Kind() string { return "remind" }

// JobOptions implements the options of a Job.
func (Remind) JobOptions() JobOptions { return clockJob() }

// ReminderNotice reminds a person, once a day, of what is due in the
// organisations whose morning it is. What is due is looked up when it is sent.
type ReminderNotice struct {
	Day  Day     `json:"day"`
	Orgs []int64 `json:"orgs"`
}

// NoticeKind names the notice.
func (ReminderNotice) NoticeKind() string { return "reminder" }

// NoticeLane is the lane of reminders.
func (ReminderNotice) NoticeLane() Lane { return LaneReminder }

// NoticeKey keeps one for each person.
func (ReminderNotice) NoticeKey() string { return "reminder" }

// Reminder is what a person is reminded of.
type Reminder struct {
	Tasks   []Task // of partners and of centers
	DueNext int    // packages that the operator must decide on within a working day
	Overdue int    // packages past the operator's deadline
}

// Empty reports whether there is nothing to say.
func (r *Reminder) Empty() bool { return len(r.Tasks) == 0 && r.DueNext == 0 && r.Overdue == 0 }

// reminded is the line of ticks by which a planned moment reminds once, however
// often its job runs.
const reminded = "reminded"

// Remind enqueues the reminders of one planned moment, all or none. Doing it
// again changes nothing.
func (s *Tasks) Remind(ctx context.Context, j Remind) error {
	morning, err := s.morning(ctx, j.At)
	if err != nil {
		return fmt.Errorf("remind: %w", err)
	}
	for p, n := range morning {
		r, err := s.reminderOf(ctx, p, n)
		if err != nil {
			return fmt.Errorf("remind person %d: %w", p, err)
		}
		if r.Empty() {
			delete(morning, p)
		}
	}
	err = s.store.InTx(ctx, func(ctx context.Context, tx Tx) error {
		first, err := tx.InsertTick(ctx, reminded, j.At)
		if err != nil || !first {
			return err
		}
		for _, p := range slices.Sorted(maps.Keys(morning)) {
			if err := tx.Enqueue(ctx, p, morning[p], time.Time{}); err != nil {
				return fmt.Errorf("person %d: %w", p, err)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("remind: %w", err)
	}
	return nil
}

// morning finds the people, by id, who want reminders and in whose organisations
// it is RemindAt o'clock.
func (s *Tasks) morning(ctx context.Context, at time.Time) (map[int64]ReminderNotice, error) {
	orgs, err := s.store.OrgsByZone(ctx)
	if err != nil {
		return nil, err
	}
	out := map[int64]ReminderNotice{}
	for _, o := range orgs {
		loc, err := zoneOf(o.Zone)
		if err != nil {
			return nil, err
		}
		if local := at.In(loc); local.Hour() != RemindAt || local.Minute() != 0 {
			continue
		}
		people, err := s.store.RemindedIn(ctx, o.OrgID, tellLimit)
		if err != nil {
			return nil, fmt.Errorf("people of organisation %d: %w", o.OrgID, err)
		}
		for _, p := range people {
			n := out[p]
			n.Day, n.Orgs = DayOf(at, loc), append(n.Orgs, o.OrgID)
			out[p] = n
		}
	}
	return out, nil
}

// reminderOf is Reminder for a person; whoever has no rights any more is
// reminded of nothing.
func (s *Tasks) reminderOf(ctx context.Context, personID int64, n ReminderNotice) (*Reminder, error) {
	by, err := s.store.ActorByID(ctx, personID)
	if err != nil && AsError(err).Kind == NotFound {
		return &Reminder{}, nil
	}
	if err != nil {
		return nil, err
	}
	return s.Reminder(ctx, by, n)
}

// Reminder looks up what the actor is reminded of: the day after a cohort has
// ended, one working day before a deadline, and each working day past it; the
// staff of a center, each working day, of what its exams wait for.
func (s *Tasks) Reminder(ctx context.Context, by Actor, n ReminderNotice) (*Reminder, error) {
	calendar, err := s.calendar(ctx)
	if err != nil {
		return nil, fmt.Errorf("reminder: %w", err)
	}
	var next, overdue Day
	if calendar.IsWorking(n.Day) {
		next, overdue = calendar.AddWorking(n.Day, 1), n.Day
	}
	r := &Reminder{}
	for _, org := range n.Orgs {
		if by.In(RolePartnerRep, org) {
			list, err := s.store.PartnerReminders(ctx, org, n.Day, next, overdue, TaskLimit)
			if err != nil {
				return nil, fmt.Errorf("reminder of organisation %d: %w", org, err)
			}
			r.Tasks = append(r.Tasks, list...)
		}
		if by.In(RoleOperatorRep, org) && !next.IsZero() {
			if r.DueNext, r.Overdue, err = s.store.PackageReminders(ctx, by.PersonID, next, overdue, TaskCap); err != nil {
				return nil, fmt.Errorf("reminder of organisation %d: %w", org, err)
			}
		}
	}
	if centers := remindedCenters(by, n); len(centers) > 0 && !next.IsZero() {
		list, err := s.centerTasks(ctx, by, centers)
		if err != nil {
			return nil, fmt.Errorf("reminder of centers: %w", err)
		}
		r.Tasks = append(r.Tasks, list...)
		fill, err := s.store.CentersToFill(ctx, centers, TaskCap)
		if err != nil {
			return nil, fmt.Errorf("reminder of centers to fill in: %w", err)
		}
		r.Tasks = append(r.Tasks, fillTask(fill)...)
	}
	markOverdue(r.Tasks, n.Day)
	slices.SortStableFunc(r.Tasks, moreUrgent)
	return r, nil
}

// remindedCenters are the centers of the notice in which the actor works.
func remindedCenters(by Actor, n ReminderNotice) []int64 {
	return slices.DeleteFunc(slices.Clone(n.Orgs), func(org int64) bool { return !by.In(RoleCenterStaff, org) })
}
