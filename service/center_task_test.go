package service_test

import (
	"context"
	"slices"
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
		{service.TaskFillCenter, 1, ""},
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
		{c.boris, slices.Delete(slices.Clone(want), 1, 2)}, // another has taken the protocol
		{c.stranger, []line{{service.TaskFillCenter, 1, ""}, {service.TaskToGenerate, 1, "Э-12"}}},
		{c.admin, []line{{service.TaskFillCenter, 2, ""}}},
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

// TestACenterIsToBeFilledInAsLongAsCertificatesWaitForIt asks for what is not
// known only when something is due that needs it.
func TestACenterIsToBeFilledInAsLongAsCertificatesWaitForIt(t *testing.T) {
	t.Parallel()
	failed := func(_ int, a *service.Application) {
		a.Outcome, a.Violations = service.OutcomeFailed, service.ViolationsNone
	}
	const all = `name_instrumental = 'Центром', issue_address = 'Тверь', signatory_position = 'Директор', signatory_name = 'Мостова'`
	for _, tt := range []struct {
		name  string
		known string // of the center
		fill  func(n int, a *service.Application)
		due   bool
	}{
		{"nothing is known", "", passed, true},
		{"nothing is known, and nobody passed", "", failed, false},
		{"only the blanks are known", `blank_profile = 'blank-210'`, passed, true},
		{"only the blanks are known, and all have their number", `blank_profile = 'blank-210'`, numbered, false},
		{"all but the blanks is known", all, passed, true},
		{"all but the blanks is known, and all have their number", all, numbered, true},
		{"all is known", all + `, blank_profile = 'blank-210'`, passed, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newCenter(t)
			e := c.exam(1, tt.fill)
			centers := service.NewCenters(c.store, nil, nil, service.NewUploads(nil, nil, nil, nil, 0, nil, nil), nil, c.now)
			is := func(by service.Actor, due bool) {
				t.Helper()
				list, err := centers.ToFill(t.Context(), by)
				if err != nil || (len(list) == 1 && list[0].ID == c.org.ID) != due || !due && len(list) > 0 {
					t.Errorf("%s is asked about %+v, %v", by.Name, list, err)
				}
			}
			is(c.admin, false) // no certificate is due before the protocol is approved
			c.approve(e)
			if tt.known != "" {
				for _, q := range []string{`INSERT INTO centers (org_id) VALUES (?)`, `UPDATE centers SET ` + tt.known + ` WHERE org_id = ?`} {
					if _, err := c.store.Bun().NewRaw(q, c.org.ID).Exec(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
			}
			is(c.anna, tt.due)
			is(c.admin, tt.due)
			is(c.stranger, false)
			is(service.Actor{}, false)
		})
	}
}
