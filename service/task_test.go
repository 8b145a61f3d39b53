package service_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flowbot/service"
)

func newTasks(t *testing.T, d *desk) *service.Tasks {
	t.Helper()
	calendar := russianCalendar(t)
	return service.NewTasks(d.store, func(context.Context) (*service.Calendar, error) { return calendar, nil }, d.now)
}

func moment(t *testing.T, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestPeopleAreRemindedInTheMorningOfWhatIsTheirs(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	tasks := newTasks(t, d)
	d.cohort(1)         // ended on 27 February
	d.in("rejected")    // to be mended by 5 March
	d.in("in_approval") // to be checked by 24 March
	d.in("approved")
	mine := d.in("in_approval") // the same, and the reviewer has it
	d.move(d.reviewer, mine.ID, service.ActTake)
	d.outbox()
	if _, err := d.SetMuted(t.Context(), d.colleague, true); err != nil {
		t.Fatal(err)
	}

	partners := []string{"Борис Двойной reminder", "Ольга Петрова reminder"}
	tests := []struct {
		name, at string
		want     []string
	}{
		{"the day after the end, a Saturday", "2026-02-28T06:00:00Z", partners},
		{"two days after the end", "2026-03-01T06:00:00Z", nil},
		{"an hour before nine", "2026-03-04T05:00:00Z", nil},
		{"a working day before the deadline", "2026-03-04T06:00:00Z", partners},
		{"a quarter past nine", "2026-03-04T06:15:00Z", nil},
		{"an hour after nine", "2026-03-04T07:00:00Z", nil},
		{"the day of the deadline", "2026-03-05T06:00:00Z", nil},
		{"the day after the deadline", "2026-03-06T06:00:00Z", partners},
		{"a Saturday after the deadline", "2026-03-07T06:00:00Z", nil},
		{"a holiday after the deadline", "2026-03-09T06:00:00Z", nil},
		{
			"a working day before the operator's deadline", "2026-03-23T06:00:00Z",
			[]string{"Борис Двойной reminder", "Вера Вторая reminder", "Ольга Петрова reminder", "Роман Проверкин reminder"},
		},
	}
	for _, tt := range tests {
		j := service.Remind{At: moment(t, tt.at)}
		if err := tasks.Remind(t.Context(), j); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, d.outbox()); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
		// The job runs again after its process has died, and what it enqueued is sent.
		if err := tasks.Remind(t.Context(), j); err != nil {
			t.Fatal(err)
		}
		if again := d.outbox(); again != nil {
			t.Errorf("%s: reminded twice: %q", tt.name, again)
		}
	}

	n := service.ReminderNotice{Day: day(t, "2026-03-23"), Orgs: []int64{d.partner.ID, d.operator.ID}}
	counts := map[string][3]int{}
	for _, by := range []service.Actor{d.rep, d.reviewer, d.other, d.stranger} {
		r, err := tasks.Reminder(t.Context(), by, n)
		if err != nil {
			t.Fatal(err)
		}
		counts[by.Name] = [3]int{len(r.Tasks), r.DueNext, r.Overdue}
	}
	want := map[string][3]int{"Ольга Петрова": {1, 0, 0}, "Роман Проверкин": {0, 2, 0}, "Вера Вторая": {0, 1, 0}, "Семён Чужой": {}}
	if diff := cmp.Diff(want, counts); diff != "" {
		t.Errorf("tasks, due next, overdue: %s", diff)
	}
}

func TestTasksAreOverdueWhereTheirDeadlineWasSet(t *testing.T) {
	t.Parallel()
	d := newDeskIn(t, "Asia/Kamchatka", "Europe/Moscow") // UTC+12 and UTC+3
	tasks := newTasks(t, d)
	d.in("in_approval") // to be checked by 24 March in Moscow
	d.in("rejected")    // to be mended by 5 March in Kamchatka
	// They read dates in the zone of their first organisation.
	moscow := d.hire(service.Seat{Role: service.RoleOperatorRep, OrgID: d.operator.ID}, "Мария Московская")
	moscow = d.enter(d.next, d.link(service.CommandLine, service.Seat{Role: service.RolePartnerRep, OrgID: d.partner.ID}, moscow.Name))
	for _, tt := range []struct {
		at   string
		want map[service.TaskKind]bool
	}{
		{"2026-03-05T11:59:00Z", map[service.TaskKind]bool{service.TaskReplace: false, service.TaskQueue: false}},
		{"2026-03-05T12:00:00Z", map[service.TaskKind]bool{service.TaskReplace: true, service.TaskQueue: false}},
		{"2026-03-24T20:59:00Z", map[service.TaskKind]bool{service.TaskReplace: true, service.TaskQueue: false}},
		{"2026-03-24T21:00:00Z", map[service.TaskKind]bool{service.TaskReplace: true, service.TaskQueue: true}},
	} {
		d.clock(tt.at)
		for _, by := range []service.Actor{d.both, moscow} {
			list, err := tasks.List(t.Context(), by)
			if err != nil {
				t.Fatal(err)
			}
			got := map[service.TaskKind]bool{}
			for _, task := range list {
				got[task.Kind] = task.Overdue
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("at %s, for %s: %s", tt.at, by.Name, diff)
			}
		}
	}
}
