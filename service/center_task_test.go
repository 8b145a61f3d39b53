package service_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"flowbot/service"
)

// TestTheStaffOfACenterSeeWhatItsExamsWaitFor has one exam or two for each task
// and some that nobody must touch.
func TestTheStaffOfACenterSeeWhatItsExamsWaitFor(t *testing.T) {
	t.Parallel()
	c := newCenter(t) // 2 March 2026, a Monday
	numbered := func(n int, a *service.Application) {
		passed(n, a)
		a.RegistrationNumber, a.IssuedOn = "р-"+a.Number, day(t, "2026-02-27")
	}
	failed := func(_ int, a *service.Application) {
		a.Outcome, a.Violations = service.OutcomeFailed, service.ViolationsNone
	}
	set := func(e *service.Exam, change string, args ...any) {
		t.Helper()
		if _, err := c.store.Bun().NewRaw(`UPDATE exams SET `+change+` WHERE id = ?`, append(args, e.ID)...).Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
	}

	c.exam(2)                                // results are missing
	set(c.exam(1), `held_on = '2026-03-02'`) // it is the exam's day: nothing is due yet
	set(c.exam(1), `held_on = '2026-03-09'`) // in a week
	noProtocol := c.exam(1, passed)          // its protocol is missing
	c.exam(0)                                // without applications there is nothing to record
	for _, fill := range []func(int, *service.Application){passed, passed, numbered, failed} {
		c.approve(c.exam(2, fill)) // two to generate, one to load, one that needs nothing
	}
	free, mine := c.exam(1, passed), c.exam(1, passed)
	c.approve(free)
	c.approve(mine)
	set(free, `protocol_status = 'to_check'`)
	set(mine, `protocol_status = 'in_check', reviewer_id = ?, taken_at = now()`, c.anna.PersonID)
	c.approve(c.examOf(c.stranger.Orgs(service.RoleCenterStaff)[0], 1, passed))

	calendar := russianCalendar(t)
	tasks := service.NewTasks(c.store, func(context.Context) (*service.Calendar, error) { return calendar, nil }, c.now)
	type line struct {
		Kind  service.TaskKind
		Count int
		Exam  string
	}
	lines := func(list []service.Task) []line {
		var out []line
		for _, task := range list {
			out = append(out, line{task.Kind, task.Count, task.Exam})
		}
		return out
	}
	want := []line{
		{service.TaskProtocolMine, 1, mine.Number},
		{service.TaskToLoad, 1, "Э-8"},
		{service.TaskToGenerate, 2, ""},
		{service.TaskProtocolFree, 1, free.Number},
		{service.TaskProtocol, 1, noProtocol.Number},
		{service.TaskResults, 1, "Э-1"},
	}
	for _, tt := range []struct {
		by   service.Actor
		want []line
	}{
		{c.anna, want},
		{c.boris, want[1:]}, // another has taken the protocol
		{c.stranger, []line{{service.TaskToGenerate, 1, "Э-12"}}},
		{c.admin, nil},
	} {
		list, err := tasks.List(t.Context(), tt.by)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, lines(list)); diff != "" {
			t.Errorf("tasks of %s: %s", tt.by.Name, diff)
		}
	}

	for _, tt := range []struct {
		day  string
		want []line
	}{
		{"2026-03-02", want},
		{"2026-03-01", nil}, // a Sunday
	} {
		n := service.ReminderNotice{Day: day(t, tt.day), Orgs: []int64{c.org.ID}}
		r, err := tasks.Reminder(t.Context(), c.anna, n)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, lines(r.Tasks)); diff != "" {
			t.Errorf("reminder of %s: %s", tt.day, diff)
		}
	}
}
