package service_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"flowbot/service"
)

// packages lays packages in approval: one cohort with one act each, due on the
// days. It returns the acts' ids.
func (d *desk) packages(partnerID int64, due ...string) []int64 {
	d.t.Helper()
	var ids []int64
	for _, on := range due {
		c := d.cohortOf(partnerID, 2)
		var id int64
		err := d.store.Bun().NewRaw(`
			WITH j AS (INSERT INTO journals (cohort_id, version, uploaded_by, uploaded_at) VALUES (?0, 1, ?1, now()))
			INSERT INTO acts (number, cohort_id, partner_id, status, journal_version, due_on, generated_by, created_at, updated_at)
			VALUES (?2, ?0, ?3, 'in_approval', 1, ?4, ?1, now(), now()) RETURNING id`,
			c.ID, d.rep.PersonID, c.Number+"/1", partnerID, on).Scan(d.t.Context(), &id)
		if err != nil {
			d.t.Fatal(err)
		}
		d.exec("UPDATE cohorts SET journal_version = 1, acts = 1 WHERE id = ?", c.ID)
		d.exec("UPDATE learners SET act_id = ? WHERE cohort_id = ?", id, c.ID)
		ids = append(ids, id)
	}
	return ids
}

func (d *desk) hold(by service.Actor, id int64) {
	d.t.Helper()
	d.exec("UPDATE acts SET reviewer_id = ?, taken_at = ? WHERE id = ?", by.PersonID, d.now(), id)
}

// page lists the ids of a page.
func (d *desk) page(by service.Actor, f service.QueueFilter, offset, limit int) ([]int64, bool) {
	d.t.Helper()
	list, err := d.queue.Page(d.t.Context(), by, f, offset, limit)
	if err != nil {
		d.t.Fatal(err)
	}
	var ids []int64
	for _, i := range list.Items {
		ids = append(ids, i.ActID)
	}
	return ids, list.More
}

func TestTheQueueIsSortedAndNarrowed(t *testing.T) {
	t.Parallel()
	d := newDesk(t) // today is 2026-03-02
	ids := d.packages(d.partner.ID, "2026-03-09", "2026-03-01", "2026-03-02", "2026-03-08")
	next, late, today, week := ids[0], ids[1], ids[2], ids[3]
	elsewhere := d.packages(d.stranger.Seats[0].OrgID, "2026-03-01")[0]
	d.in("approved")
	d.in("awaiting_journal")
	d.hold(d.reviewer, today)
	d.hold(d.other, week)
	number := d.act(late).Number
	cohort, _, _ := strings.Cut(number, "/")
	odd := d.packages(d.partner.ID, "2026-04-01")[0]
	d.exec(`UPDATE acts SET number = '1_0%\/1' WHERE id = ?`, odd)

	type ints = []int64
	tests := []struct {
		name   string
		by     service.Actor
		filter service.QueueFilter
		want   ints
	}{
		{"all, the most urgent first", d.reviewer, service.QueueFilter{}, ints{late, elsewhere, today, week, next, odd}},
		{"overdue", d.reviewer, service.QueueFilter{Due: service.DueOverdue}, ints{late, elsewhere}},
		{"today", d.reviewer, service.QueueFilter{Due: service.DueToday}, ints{today}},
		{"the week", d.reviewer, service.QueueFilter{Due: service.DueWeek}, ints{today, week}},
		{"of one partner", d.reviewer, service.QueueFilter{PartnerID: d.partner.ID}, ints{late, today, week, next, odd}},
		{"of one partner, overdue", d.reviewer, service.QueueFilter{PartnerID: d.partner.ID, Due: service.DueOverdue}, ints{late}},
		{"mine", d.reviewer, service.QueueFilter{Mine: true}, ints{today}},
		{"another's", d.other, service.QueueFilter{Mine: true}, ints{week}},
		{"by the act's number", d.reviewer, service.QueueFilter{Search: number}, ints{late}},
		{"by the cohort's number", d.reviewer, service.QueueFilter{Search: " № " + cohort}, ints{late}},
		{"by how it begins", d.reviewer, service.QueueFilter{Search: "10"}, ints{late, elsewhere, today, week, next}},
		{"by what is no pattern", d.reviewer, service.QueueFilter{Search: "1_0%"}, ints{odd}},
		{"by a backslash", d.reviewer, service.QueueFilter{Search: `1_0%\`}, ints{odd}},
		{"by a number that is not there", d.reviewer, service.QueueFilter{Search: "999"}, nil},
		{"by a quote", d.reviewer, service.QueueFilter{Search: `'; DROP TABLE acts; --` + "\x00"}, nil},
	}
	for _, tt := range tests {
		got, more := d.page(tt.by, tt.filter, 0, 10)
		if diff := cmp.Diff(tt.want, got); diff != "" || more {
			t.Errorf("%s: more %v, %s", tt.name, more, diff)
		}
	}
	if got, more := d.page(d.reviewer, service.QueueFilter{}, 0, 2); !more || len(got) != 2 || got[0] != late {
		t.Errorf("the first page: %v, more %v", got, more)
	}
	if got, more := d.page(d.reviewer, service.QueueFilter{}, 4, 2); more || len(got) != 2 || got[1] != odd {
		t.Errorf("the last page: %v, more %v", got, more)
	}
	if got, more := d.page(d.reviewer, service.QueueFilter{}, 6, 2); more || got != nil {
		t.Errorf("the page behind the last: %v, more %v", got, more)
	}
}

func TestALineOfTheQueueTellsAllThatItShows(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	id := d.packages(d.partner.ID, "2026-03-01")[0]
	d.hold(d.other, id)
	want := service.QueueItem{
		ActID: id, Number: d.act(id).Number, Revision: 1, PartnerID: d.partner.ID, Partner: d.partner.Name, Learners: 2,
		DueOn: day(t, "2026-03-01"), Overdue: true, ReviewerID: d.other.PersonID, Reviewer: d.other.Name,
	}
	list, err := d.queue.Page(t.Context(), d.reviewer, service.QueueFilter{}, 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&service.QueueList{Items: []service.QueueItem{want}, Today: day(t, "2026-03-02")}, list); diff != "" {
		t.Error(diff)
	}
	d.exec("UPDATE journals SET uploaded_by = ?", d.both.PersonID)
	d.exec("UPDATE acts SET reviewer_id = NULL, taken_at = NULL, due_on = '2026-03-02'")
	want.Own, want.Overdue, want.DueOn, want.ReviewerID, want.Reviewer = true, false, day(t, "2026-03-02"), 0, ""
	list, err = d.queue.Page(t.Context(), d.both, service.QueueFilter{}, 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]service.QueueItem{want}, list.Items); diff != "" {
		t.Error(diff)
	}
}

func TestTheQueueTurnsOverdueAtTheOperatorsMidnight(t *testing.T) {
	t.Parallel()
	d := newDeskIn(t, "Europe/Moscow", "Asia/Vladivostok") // UTC+10
	d.packages(d.partner.ID, "2026-03-02")
	for _, tt := range []struct {
		at   string
		want int
	}{{"2026-03-02T13:59:00Z", 0}, {"2026-03-02T14:00:00Z", 1}} {
		d.clock(tt.at)
		got, err := d.queue.Counts(t.Context(), d.reviewer)
		if err != nil || got.Overdue != tt.want || got.Waiting != 1 {
			t.Errorf("at %s: %+v, %v", tt.at, got, err)
		}
	}
}

func TestTheQueueIsCountedUpToItsCap(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ids := d.packages(d.partner.ID, "2026-03-01", "2026-03-02", "2026-03-03")
	d.hold(d.reviewer, ids[0])
	d.hold(d.other, ids[1])
	got, err := d.queue.Counts(t.Context(), d.reviewer)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(service.QueueCounts{Waiting: 3, Overdue: 1, Mine: 1}, got); diff != "" {
		t.Error(diff)
	}
	d.exec(`INSERT INTO acts (number, cohort_id, partner_id, status, journal_version, due_on, reviewer_id, taken_at, generated_by, created_at, updated_at)
		SELECT 'n' || n, cohort_id, partner_id, status, 1, '2026-03-01', ?, now(), generated_by, now(), now()
		FROM acts, generate_series(1, 1200) AS n WHERE id = ?`, d.reviewer.PersonID, ids[0])
	got, err = d.queue.Counts(t.Context(), d.reviewer)
	if err != nil {
		t.Fatal(err)
	}
	most := service.QueueCap
	if diff := cmp.Diff(service.QueueCounts{Waiting: most, Overdue: most, Mine: most}, got); diff != "" {
		t.Error(diff)
	}
}

func TestNextIsTheMostUrgentThatOneCouldTake(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	ids := d.packages(d.partner.ID, "2026-03-05", "2026-03-01", "2026-03-03", "2026-03-03")
	own, held := ids[2], ids[1]
	d.hold(d.other, held)
	d.exec("UPDATE journals SET uploaded_by = ? WHERE cohort_id = ?", d.both.PersonID, d.act(own).CohortID)
	tests := []struct {
		by    service.Actor
		shown int64
		want  int64
	}{
		{d.reviewer, 0, ids[2]},
		{d.reviewer, ids[2], ids[3]},
		{d.reviewer, ids[3], ids[0]},
		{d.reviewer, ids[0], ids[2]}, // from the beginning
		{d.reviewer, held, ids[2]},   // taken meanwhile
		{d.both, 0, ids[3]},          // not their own
		{d.both, ids[0], ids[3]},
	}
	for _, tt := range tests {
		got, err := d.queue.Next(t.Context(), tt.by, tt.shown)
		if err != nil || got != tt.want {
			t.Errorf("%s after %d: %d, %v, want %d", tt.by.Name, tt.shown, got, err, tt.want)
		}
	}
	d.hold(d.other, ids[0])
	d.hold(d.other, ids[3])
	if got, err := d.queue.Next(t.Context(), d.reviewer, own); err != nil || got != 0 {
		t.Errorf("after the only one: %d, %v", got, err)
	}
}

func TestPartnersInTheQueueAreCounted(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.packages(d.partner.ID, "2026-03-05", "2026-03-01")
	d.packages(d.stranger.Seats[0].OrgID, "2026-03-05")
	got, err := d.queue.Partners(t.Context(), d.reviewer, 10)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]service.QueuePartner{
		{ID: d.stranger.Seats[0].OrgID, Name: "Другой партнёр", Waiting: 1}, {ID: d.partner.ID, Name: d.partner.Name, Waiting: 2},
	}, got); diff != "" {
		t.Error(diff)
	}
	if got, err := d.queue.Partners(t.Context(), d.reviewer, 1); err != nil || len(got) != 1 {
		t.Errorf("one: %v, %v", got, err)
	}
}

func TestTheQueueIsTheOperatorsAlone(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	id := d.packages(d.partner.ID, "2026-03-01")[0]
	admin := d.hire(service.Seat{Role: service.RoleAdmin}, "Анна Админова")
	ask := map[string]func(service.Actor) (any, error){
		"page": func(by service.Actor) (any, error) {
			l, err := d.queue.Page(t.Context(), by, service.QueueFilter{}, 0, 10)
			if l != nil && len(l.Items) > 0 {
				return l.Items, err
			}
			return nil, err
		},
		"counts": func(by service.Actor) (any, error) { return d.queue.Counts(t.Context(), by) },
		"next":   func(by service.Actor) (any, error) { return d.queue.Next(t.Context(), by, 0) },
		"partners": func(by service.Actor) (any, error) {
			l, err := d.queue.Partners(t.Context(), by, 10)
			return len(l), err
		},
	}
	gone := d.other
	d.exec("UPDATE memberships SET removed_at = now() WHERE person_id = ?", gone.PersonID)
	for name, fn := range ask {
		for _, by := range []service.Actor{d.rep, d.stranger, admin, {}, service.CommandLine} {
			if _, err := fn(by); service.ReasonOf(err) != service.ReasonForbidden {
				t.Errorf("%s for %q: %v", name, by.Name, err)
			}
		}
		// Removed since their actor was built: the store finds nothing.
		got, err := fn(gone)
		if err != nil {
			t.Errorf("%s for somebody removed: %v", name, err)
		}
		switch got {
		case nil, 0, int64(0), service.QueueCounts{}:
		default:
			t.Errorf("%s for somebody removed: %v", name, got)
		}
	}
	_ = id
}

// TestTheQueueIsReadFromItsIndexes asks the planner with many acts that are no
// longer in the queue.
func TestTheQueueIsReadFromItsIndexes(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	id := d.packages(d.partner.ID, "2026-03-01")[0]
	d.exec(`INSERT INTO acts (number, cohort_id, partner_id, status, journal_version, generated_by, created_at, updated_at)
		SELECT 'n' || n, cohort_id, partner_id, 'approved', 1, generated_by, now(), now()
		FROM acts, generate_series(1, 5000) AS n WHERE id = ?`, id)
	d.exec(`INSERT INTO acts (number, cohort_id, partner_id, status, journal_version, due_on, generated_by, created_at, updated_at)
		SELECT 'q' || n, cohort_id, partner_id, status, 1, date '2026-03-01' + n % 30, generated_by, now(), now()
		FROM acts, generate_series(1, 3000) AS n WHERE id = ?`, id)
	d.exec("ANALYZE acts")
	for name, query := range map[string]string{
		"acts_queue":         `SELECT id FROM acts WHERE status = 'in_approval' ORDER BY due_on, id LIMIT 8`,
		"acts_number_prefix": `SELECT id FROM acts WHERE status = 'in_approval' AND number LIKE 'q17%' ORDER BY due_on, id LIMIT 8`,
	} {
		var plan string
		if err := d.store.Bun().NewRaw("EXPLAIN (FORMAT JSON) "+query).Scan(t.Context(), &plan); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(plan, fmt.Sprintf("%q", name)) {
			t.Errorf("%s is not used: %s", name, plan)
		}
	}
}
