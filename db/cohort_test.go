package db_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flowbot/db"
	"flowbot/db/dbtest"
	"flowbot/service"
)

// school is a database with two partners, each with a cohort; person 1
// represents partner 1, 2 the operator, 3 is an admin, 4 represents partner 2,
// and 5 represented partner 1 once.
func school(t *testing.T) *db.DB {
	t.Helper()
	d := dbtest.New(t)
	for _, q := range []string{
		`INSERT INTO orgs (kind, name) VALUES ('partner', 'Первый'), ('partner', 'Второй'), ('operator', 'Оператор'), ('center', 'Центр')`,
		`INSERT INTO people (name, telegram_id) SELECT 'Сотрудник ' || i, i FROM generate_series(1, 6) AS i`,
		`INSERT INTO memberships (person_id, org_id, role, removed_at) VALUES
			(1, 1, 'partner_rep', NULL), (2, 3, 'operator_rep', NULL), (3, NULL, 'admin', NULL), (4, 2, 'partner_rep', NULL),
			(5, 1, 'partner_rep', now()), (6, 4, 'center_staff', NULL)`,
		`INSERT INTO cohorts (number, partner_id, program, start_on, end_on) VALUES
			('118', 1, 'Язык', '2026-02-02', '2026-02-27'), ('200', 2, 'Язык', '2026-02-02', '2026-02-27')`,
		`INSERT INTO acts (number, cohort_id, partner_id, status, generated_by, created_at, updated_at) VALUES
			('118/1', 1, 1, 'awaiting_journal', 1, now(), now()), ('118/2', 1, 1, 'awaiting_journal', 1, now(), now())`,
	} {
		if _, err := d.Bun().ExecContext(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	return d
}

// pupils adds free learners to cohort 1 and returns their ids.
func pupils(t *testing.T, d *db.DB, names ...string) []int64 {
	t.Helper()
	var ids []int64
	for i, name := range names {
		l := service.Learner{
			CohortID: 1, Number: fmt.Sprintf("118-%d", i+1), LastName: name, FirstName: "Иван", Finished: true,
			DocumentType: service.DocumentQualification, DocumentNumber: "1", RegistrationNumber: "р-1",
			DocumentOn: service.NewDay(2026, time.February, 27), Revision: 1,
		}
		if _, err := d.Bun().NewInsert().Model(&l).ExcludeColumn("created_at", "updated_at").Returning("id").Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, l.ID)
	}
	return ids
}

func TestCohortsAreSeenByThoseWhoMay(t *testing.T) {
	t.Parallel()
	d := school(t)
	tests := []struct {
		name string
		by   service.Actor
		want []string
	}{
		{"a partner's representative", service.Actor{PersonID: 1}, []string{"118"}},
		{"the operator's representative", service.Actor{PersonID: 2}, []string{"118", "200"}},
		{"an admin", service.Actor{PersonID: 3}, []string{"118", "200"}},
		{"another partner's representative", service.Actor{PersonID: 4}, []string{"200"}},
		{"somebody whose rights have ended, whatever the seats say", service.Actor{PersonID: 5, Seats: []service.Seat{{Role: service.RolePartnerRep, OrgID: 1}}}, nil},
		{"a center's employee", service.Actor{PersonID: 6}, nil},
		{"a person who says to be an admin", service.Actor{PersonID: 6, Seats: []service.Seat{{Role: service.RoleAdmin}}}, nil},
		{"the command line", service.CommandLine, []string{"118", "200"}},
		{"the program itself", service.System, []string{"118", "200"}},
		{"nobody", service.Actor{}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var byNumber, byID, held []string
			for id, number := range []string{1: "118", 2: "200"} {
				if id == 0 {
					continue
				}
				if c, err := d.CohortByNumber(t.Context(), tt.by, number); err == nil {
					byNumber = append(byNumber, c.Number)
				} else if service.AsError(err).Kind != service.NotFound {
					t.Error(err)
				}
				if c, err := d.Cohort(t.Context(), tt.by, int64(id)); err == nil {
					byID = append(byID, c.Number)
				} else if service.AsError(err).Kind != service.NotFound {
					t.Error(err)
				}
				err := d.InTx(t.Context(), func(ctx context.Context, tx service.Tx) error {
					c, err := tx.CohortForUpdate(ctx, tt.by, int64(id))
					if err == nil {
						held = append(held, c.Number)
					}
					return err
				})
				if err != nil && service.AsError(err).Kind != service.NotFound {
					t.Error(err)
				}
			}
			for how, got := range map[string][]string{"by number": byNumber, "by id": byID, "held": held} {
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("%s: %s", how, diff)
				}
			}
		})
	}
}

func TestEligibleIsTheSameInTheDatabaseAndInTheService(t *testing.T) {
	t.Parallel()
	d := school(t)
	var want []int64
	for bits := range 1 << 6 {
		has := func(bit int) bool { return bits&(1<<bit) != 0 }
		l := service.Learner{
			CohortID: 1, Number: strconv.Itoa(bits), LastName: fmt.Sprintf("%02d", bits), FirstName: "Иван",
			Finished: has(0), Revision: 1,
		}
		if has(1) {
			l.DocumentType = service.DocumentAdditional
		}
		if has(2) {
			l.DocumentNumber = "1"
		}
		if has(3) {
			l.RegistrationNumber = "р-1"
		}
		if has(4) {
			l.DocumentOn = service.NewDay(2026, time.February, 27)
		}
		if has(5) {
			l.ActID = 1
		}
		if _, err := d.Bun().NewInsert().Model(&l).ExcludeColumn("created_at", "updated_at").Returning("id").Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
		if l.Eligible() {
			want = append(want, l.ID)
		}
	}
	if len(want) != 1 {
		t.Fatalf("%d of 64 learners are eligible", len(want))
	}
	got, err := d.EligibleLearners(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if n, err := d.EligibleCount(t.Context(), 1); err != nil || n != len(want) {
		t.Errorf("counted %d, %v", n, err)
	}
	page, err := d.LearnersPage(t.Context(), 1, 0, 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	if len(page) != 1 || !page[0].Eligible() {
		t.Errorf("the page is %+v", page)
	}
	var used int // the index must be able to answer: its predicate is the same
	if err := d.Bun().NewRaw(`SELECT count(*) FROM pg_indexes WHERE indexname = 'learners_eligible'`).Scan(t.Context(), &used); err != nil || used != 1 {
		t.Errorf("%d indexes of the eligible, %v", used, err)
	}
}

func TestLearnersPageShowsTheEligibleAndThoseOfTheAct(t *testing.T) {
	t.Parallel()
	d := school(t)
	ids := pupils(t, d, "Г", "В", "Б", "А", "Д")
	setAct(t, d, 1, ids[0], ids[1])
	setAct(t, d, 2, ids[4])
	page := func(act int64, offset, limit int) []string {
		t.Helper()
		got, err := d.LearnersPage(t.Context(), 1, act, offset, limit)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, l := range got {
			names = append(names, l.LastName)
		}
		return names
	}
	for _, tt := range []struct {
		act           int64
		offset, limit int
		want          []string
	}{
		{0, 0, 10, []string{"А", "Б"}},
		{1, 0, 10, []string{"А", "Б", "В", "Г"}},
		{1, 1, 2, []string{"Б", "В"}},
		{2, 0, 10, []string{"А", "Б", "Д"}},
	} {
		if diff := cmp.Diff(tt.want, page(tt.act, tt.offset, tt.limit)); diff != "" {
			t.Errorf("act %d from %d: %s", tt.act, tt.offset, diff)
		}
	}
	in, err := d.ActLearners(t.Context(), 1)
	if err != nil || len(in) != 2 || in[0].LastName != "В" {
		t.Errorf("in the act are %+v, %v", in, err)
	}
}

func setAct(t *testing.T, d *db.DB, act int64, ids ...int64) {
	t.Helper()
	if err := trySetAct(t, d, act, ids...); err != nil {
		t.Fatal(err)
	}
}

func trySetAct(t *testing.T, d *db.DB, act int64, ids ...int64) error {
	t.Helper()
	return d.InTx(t.Context(), func(ctx context.Context, tx service.Tx) error { return tx.SetLearnersAct(ctx, act, ids) })
}

func TestAnActHasExactlyItsLearners(t *testing.T) {
	t.Parallel()
	d := school(t)
	ids := pupils(t, d, "А", "Б", "В")
	in := func(act int64) []int64 {
		t.Helper()
		got, err := d.ActLearners(t.Context(), act)
		if err != nil {
			t.Fatal(err)
		}
		var out []int64
		for _, l := range got {
			out = append(out, l.ID)
		}
		return out
	}
	setAct(t, d, 1, ids[0], ids[1])
	setAct(t, d, 1, ids[1], ids[2])
	if diff := cmp.Diff([]int64{ids[1], ids[2]}, in(1)); diff != "" {
		t.Error(diff)
	}
	if err := trySetAct(t, d, 2, ids[0], ids[1]); service.AsError(err).Kind != service.Conflict {
		t.Errorf("a learner of act 1 came into act 2: %v", err)
	}
	if diff := cmp.Diff([]int64(nil), in(2)); diff != "" {
		t.Error(diff)
	}
	setAct(t, d, 1)
	if diff := cmp.Diff([]int64(nil), in(1)); diff != "" {
		t.Error(diff)
	}
}

func TestLearnersAreHeldByCohortAndByName(t *testing.T) {
	t.Parallel()
	d := school(t)
	ids := pupils(t, d, "В", "А", "Б")
	var names []string
	err := d.InTx(t.Context(), func(ctx context.Context, tx service.Tx) error {
		got, err := tx.LearnersForUpdate(ctx, 1, append(slices.Clone(ids), 404))
		for _, l := range got {
			names = append(names, l.LastName)
		}
		if err != nil {
			return err
		}
		if none, err := tx.LearnersForUpdate(ctx, 2, ids); err != nil || len(none) > 0 {
			t.Errorf("another cohort has %d of them, %v", len(none), err)
		}
		none, err := tx.LearnersForUpdate(ctx, 1, nil)
		if len(none) > 0 {
			t.Errorf("nobody was asked for, %d came", len(none))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"А", "Б", "В"}, names); diff != "" {
		t.Error(diff)
	}
}

func TestACohortThatIsNotThereIsNotSaved(t *testing.T) {
	t.Parallel()
	d := school(t)
	save := func(id int64, hours int) error {
		return d.InTx(t.Context(), func(ctx context.Context, tx service.Tx) error {
			c, err := tx.CohortForUpdate(ctx, service.CommandLine, 1)
			if err != nil {
				return err
			}
			c.ID, c.Hours = id, hours
			c.Revision++
			return tx.SaveCohort(ctx, c)
		})
	}
	if err := save(404, 1); service.AsError(err).Kind != service.NotFound {
		t.Errorf("saved: %v", err)
	}
	if err := save(1, 36); err != nil {
		t.Fatal(err)
	}
	c, err := d.Cohort(t.Context(), service.CommandLine, 1)
	if err != nil || c.Hours != 36 || c.Revision != 2 || c.CreatedAt.IsZero() || !c.UpdatedAt.After(c.CreatedAt) {
		t.Errorf("cohort is %+v, %v", c, err)
	}
}
