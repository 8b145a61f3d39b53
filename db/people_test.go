package db_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"flowbot/db"
	"flowbot/db/dbtest"
	"flowbot/service"

	"github.com/google/go-cmp/cmp"
	"github.com/uptrace/bun"
)

// crowd fills the database with n people, each a representative of one of n/10
// partners with their Telegram user 1 to n.
func crowd(tb testing.TB, d *db.DB, n int) {
	tb.Helper()
	for _, q := range []string{
		`INSERT INTO orgs (kind, name, zone) SELECT 'partner', 'Партнёр ' || i, 'Asia/Omsk' FROM generate_series(1, ?0 / 10) AS i`,
		`INSERT INTO people (name, telegram_id) SELECT 'Сотрудник ' || i, i FROM generate_series(1, ?0) AS i`,
		`INSERT INTO memberships (person_id, org_id, role) SELECT i, 1 + i % (?0 / 10), 'partner_rep' FROM generate_series(1, ?0) AS i`,
		`INSERT INTO invitations (token_hash, role, org_id, name, created_by, expires_at)
		 SELECT sha256(i::text::bytea), 'partner_rep', 1 + i % (?0 / 10), 'Гость', i, now() + interval '7 days' FROM generate_series(1, ?0) AS i`,
	} {
		if _, err := d.Bun().NewRaw(q, n).Exec(tb.Context()); err != nil {
			tb.Fatal(err)
		}
	}
	// River's and our own tables alike: the planner must know their sizes.
	if _, err := d.Bun().ExecContext(tb.Context(), "ANALYZE"); err != nil {
		tb.Fatal(err)
	}
}

func TestActorHasTheSeatsThatStandNow(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	for _, q := range []string{
		`INSERT INTO orgs (kind, name, zone) VALUES ('partner', 'Омск', 'Asia/Omsk'), ('center', 'Томск', 'Asia/Tomsk'), ('partner', 'Бывшая', 'Asia/Tokyo')`,
		`INSERT INTO people (name, telegram_id, unreachable_at) VALUES ('Оба места', 11, NULL), ('Админ', 12, now()), ('Бывший', 13, NULL), ('Ещё не пришёл', NULL, NULL)`,
		`INSERT INTO memberships (person_id, org_id, role, removed_at) VALUES
			(1, 3, 'partner_rep', now()), (1, NULL, 'admin', NULL), (1, 1, 'partner_rep', NULL), (1, 2, 'center_staff', NULL),
			(2, NULL, 'admin', NULL), (3, 3, 'partner_rep', now()), (4, 1, 'partner_rep', NULL)`,
		`INSERT INTO people (name, telegram_id) VALUES ('Сдающий', 15)`,
		`INSERT INTO memberships (person_id, role) VALUES (5, 'candidate')`,
		`INSERT INTO exams (number, center_id, address, held_on) VALUES ('316', 2, 'Томск', '2026-02-24')`,
		`INSERT INTO applications (number, exam_id, level, last_name, first_name, born_on, person_id, linked_at)
			VALUES ('316-01', 1, 'patent', 'Каримов', 'Алишер', '1990-01-01', 5, now())`,
	} {
		if _, err := d.Bun().ExecContext(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		name     string
		telegram int64
		want     service.Actor // zero: NotFound
	}{
		{"the zone is the first organisation's", 11, service.Actor{
			PersonID: 1, Name: "Оба места", Language: "ru", Zone: "Asia/Omsk",
			Seats: []service.Seat{{Role: service.RoleAdmin}, {Role: service.RolePartnerRep, OrgID: 1}, {Role: service.RoleCenterStaff, OrgID: 2}},
		}},
		{"without an organisation it is Moscow", 12, service.Actor{
			PersonID: 2, Name: "Админ", Language: "ru", Zone: "Europe/Moscow", Unreachable: true,
			Seats: []service.Seat{{Role: service.RoleAdmin}},
		}},
		{"a candidate's is their center's", 15, service.Actor{
			PersonID: 5, Name: "Сдающий", Language: "ru", Zone: "Asia/Tomsk", Seats: []service.Seat{{Role: service.RoleCandidate}},
		}},
		{"who has lost every seat is a stranger", 13, service.Actor{}},
		{"who never came is a stranger", 14, service.Actor{}},
		{"no number is nobody", 0, service.Actor{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := d.ActorByTelegram(t.Context(), tt.telegram)
			if tt.want.PersonID == 0 && service.AsError(err).Kind != service.NotFound {
				t.Errorf("got %v, want NotFound", err)
			}
			if tt.want.PersonID != 0 && err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			if err != nil {
				return
			}
			byID, err := d.ActorByID(t.Context(), got.PersonID)
			if err != nil || !cmp.Equal(got, byID) {
				t.Errorf("by id: %+v, %v", byID, err)
			}
		})
	}
	if p, err := d.PersonByTelegram(t.Context(), 13); err != nil || p.Name != "Бывший" {
		t.Errorf("a former person: %+v, %v", p, err)
	}
}

func TestPeopleOfARole(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	crowd(t, d, 30)
	_, err := d.Bun().ExecContext(t.Context(), `
		UPDATE memberships SET removed_at = now() WHERE person_id = 4;
		INSERT INTO memberships (person_id, org_id, role) VALUES (5, 2, 'partner_rep'), (6, NULL, 'admin')`)
	if err != nil {
		t.Fatal(err)
	}
	ask := func(ids []int64, err error) []int64 {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return ids
	}
	tests := []struct {
		name      string
		got, want []int64
	}{
		{"in an organisation", ask(d.PeopleIn(t.Context(), service.RolePartnerRep, 2, 100)), []int64{1, 5, 7, 10, 13, 16, 19, 22, 25, 28}},
		{"with a limit", ask(d.PeopleIn(t.Context(), service.RolePartnerRep, 2, 2)), []int64{1, 5}},
		{"in another role", ask(d.PeopleIn(t.Context(), service.RoleOperatorRep, 2, 100)), nil},
		{"admins", ask(d.PeopleIn(t.Context(), service.RoleAdmin, 0, 100)), []int64{6}},
		{"anywhere, each once", ask(d.PeopleWith(t.Context(), service.RolePartnerRep, 5)), []int64{1, 2, 3, 5, 6}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, tt.got); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}

// TestQuestionsAboutPeopleUseIndexes looks at the plans over a crowd: none of
// what is asked at every press or start reads a whole table.
func TestQuestionsAboutPeopleUseIndexes(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	crowd(t, d, 20_000)
	seat := service.Seat{Role: service.RolePartnerRep, OrgID: 5}
	now := time.Now()
	tests := map[string]func(ctx context.Context, tx service.Tx) error{
		"actor":       func(ctx context.Context, tx service.Tx) error { _, err := tx.ActorByTelegram(ctx, 777); return err },
		"actor by id": func(ctx context.Context, tx service.Tx) error { _, err := tx.ActorByID(ctx, 777); return err },
		"colleagues": func(ctx context.Context, tx service.Tx) error {
			_, err := tx.ColleaguesPage(ctx, seat, 0, 10)
			return err
		},
		"count": func(ctx context.Context, tx service.Tx) error { _, err := tx.ColleaguesCount(ctx, seat); return err },
		"invitations": func(ctx context.Context, tx service.Tx) error {
			_, err := tx.InvitationsPage(ctx, seat, now, 0, 10)
			return err
		},
		"token": func(ctx context.Context, tx service.Tx) error {
			_, err := tx.InvitationByHashForUpdate(ctx, []byte("no such hash"))
			if service.AsError(err).Kind == service.NotFound {
				return nil
			}
			return err
		},
		"own invitations": func(ctx context.Context, tx service.Tx) error {
			_, err := tx.InvitationsByForUpdate(ctx, 777)
			return err
		},
		"hold a seat": func(ctx context.Context, tx service.Tx) error { _, err := tx.HoldSeat(ctx, 777, seat); return err },
	}
	heard := new(listener)
	d.Bun().AddQueryHook(heard) //nolint:staticcheck // the handle is this test's own
	for name, ask := range tests {
		heard.queries = nil
		if err := d.InTx(t.Context(), ask); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		asked := heard.queries
		for _, q := range asked {
			if !strings.Contains(q, "FROM") {
				continue // BEGIN, COMMIT
			}
			var plan []string
			if err := d.Bun().NewRaw("EXPLAIN "+q).Scan(t.Context(), &plan); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if text := strings.Join(plan, "\n"); strings.Contains(text, "Seq Scan on people") ||
				strings.Contains(text, "Seq Scan on memberships") || strings.Contains(text, "Seq Scan on invitations") {
				t.Errorf("%s: %s\n%s", name, q, text)
			}
		}
		if len(asked) == 0 {
			t.Errorf("%s: heard no query", name)
		}
	}
}

// listener remembers the statements that a handle runs.
type listener struct{ queries []string }

func (l *listener) BeforeQuery(ctx context.Context, _ *bun.QueryEvent) context.Context { return ctx }

func (l *listener) AfterQuery(_ context.Context, e *bun.QueryEvent) {
	l.queries = append(l.queries, e.Query)
}

func BenchmarkActorByTelegram(b *testing.B) {
	d := dbtest.New(b)
	crowd(b, d, 100_000)
	for i := 0; b.Loop(); i++ {
		if _, err := d.ActorByTelegram(b.Context(), int64(1+i*7919%100_000)); err != nil {
			b.Fatal(err)
		}
	}
}

func TestHistoryKeepsTheNewestInOrder(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	if _, err := d.Bun().ExecContext(t.Context(), `INSERT INTO people (name) VALUES ('Ольга')`); err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	rows := []service.History{
		{Subject: service.SubjectAct, SubjectID: 1, At: at, Event: "one", Comment: "<b>&"},
		{Subject: service.SubjectAct, SubjectID: 1, At: at, PersonID: 1, Event: "two", FromStatus: "a", ToStatus: "b", Version: 2, JournalVersion: 3},
		{Subject: service.SubjectCohort, SubjectID: 1, At: at, Event: "of another thing"},
		{Subject: service.SubjectAct, SubjectID: 2, At: at, Event: "of another act"},
		{Subject: service.SubjectAct, SubjectID: 1, At: at.Add(-time.Hour), Event: "three"}, // in the order written
	}
	err := d.InTx(t.Context(), func(ctx context.Context, tx service.Tx) error {
		for _, h := range rows {
			if err := tx.AddHistory(ctx, h); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	rows[1].By = "Ольга"
	for limit, want := range map[int][]service.History{
		10: {rows[0], rows[1], rows[4]},
		2:  {rows[1], rows[4]},
	} {
		got, err := d.HistoryOf(t.Context(), service.SubjectAct, 1, limit)
		if err != nil {
			t.Fatal(err)
		}
		for i := range got {
			got[i].ID, got[i].At = 0, got[i].At.UTC()
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("limit %d: %s", limit, diff)
		}
	}
}
