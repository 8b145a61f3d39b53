package db_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"flowbot/db"
	"flowbot/db/dbtest"
	"flowbot/service"
)

// manyExams fills centers with exams of twenty applications.
func manyExams(tb testing.TB, d *db.DB, centers, exams int) {
	tb.Helper()
	for _, q := range []string{
		fmt.Sprintf(`INSERT INTO orgs (kind, name) SELECT 'center', 'Центр ' || i FROM generate_series(1, %d) i`, centers),
		fmt.Sprintf(`INSERT INTO people (name, telegram_id) SELECT 'Сотрудник ' || i, 5000 + i FROM generate_series(1, %d) i`, centers),
		`INSERT INTO memberships (person_id, org_id, role)
			SELECT p.id, o.id, 'center_staff' FROM orgs o JOIN people p ON p.name = 'Сотрудник ' || substr(o.name, 7) WHERE o.kind = 'center'`,
		`INSERT INTO people (name, telegram_id) VALUES ('Админ', 4999)`,
		`INSERT INTO memberships (person_id, role) SELECT id, 'admin' FROM people WHERE telegram_id = 4999`,
		fmt.Sprintf(`INSERT INTO exams (number, center_id, address, held_on, protocol_status, protocol_version)
			SELECT 'Э-' || i, (SELECT min(id) FROM orgs WHERE kind = 'center') + i %% %d, 'адрес', date '2025-01-13' + i %% 300,
				CASE WHEN i %% 10 = 0 THEN 'missing' ELSE 'approved' END, CASE WHEN i %% 10 = 0 THEN 0 ELSE 1 END
			FROM generate_series(1, %d) i`, centers, exams),
		`INSERT INTO applications (number, exam_id, level, last_name, first_name, born_on, outcome, violations)
			SELECT e.number || '-' || i, e.id, 'patent', 'Фамилия ' || i, 'Имя', '1990-01-01', 'passed', 'none'
			FROM exams e, generate_series(1, 20) i`,
		`VACUUM ANALYZE`,
	} {
		if _, err := d.Bun().ExecContext(tb.Context(), q); err != nil {
			tb.Fatal(err)
		}
	}
}

// TestQuestionsAboutExamsUseIndexes looks at the plans over many exams: none of
// what a list or a card asks reads a whole table.
func TestQuestionsAboutExamsUseIndexes(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	manyExams(t, d, 40, 4000)
	staff, err := d.ActorByTelegram(t.Context(), 5007)
	if err != nil {
		t.Fatal(err)
	}
	admin, err := d.ActorByTelegram(t.Context(), 4999)
	if err != nil {
		t.Fatal(err)
	}
	day := service.NewDay(2025, 3, 3)
	filters := map[string]service.ExamFilter{
		"all":        {},
		"day":        {From: day, To: day},
		"status":     {Certificates: []service.CertificateStatus{service.CertificatesToGenerate}},
		"number":     {Number: "Э-77"},
		"search":     {Search: "Э-77"},
		"paused":     {Paused: true},
		"on its way": {Scheduled: true},
		"can go":     {GivableAt: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)},
	}
	heard := new(listener)
	d.Bun().AddQueryHook(heard) //nolint:staticcheck // the handle is this test's own
	check := func(name string, ask func(ctx context.Context, tx service.Tx) error) {
		t.Helper()
		heard.queries = nil
		if err := d.InTx(t.Context(), ask); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, q := range heard.queries {
			if !strings.Contains(q, "FROM") {
				continue // BEGIN, COMMIT
			}
			var plan []string
			if err := d.Bun().NewRaw("EXPLAIN "+q).Scan(t.Context(), &plan); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			text := strings.Join(plan, "\n")
			if strings.Contains(text, "Seq Scan on exams") || strings.Contains(text, "Seq Scan on applications") {
				t.Errorf("%s: %s\n%s", name, q, text)
			}
		}
	}
	for who, by := range map[string]service.Actor{"staff": staff, "admin": admin} {
		for name, f := range filters {
			check(who+", list, "+name, func(ctx context.Context, tx service.Tx) error {
				list, err := tx.ExamList(ctx, by, f, 0, 9)
				if err == nil && len(list) == 0 && name == "all" {
					t.Errorf("%s sees nothing", who)
				}
				return err
			})
			check(who+", counts, "+name, func(ctx context.Context, tx service.Tx) error { _, err := tx.ExamCounts(ctx, by, f); return err })
		}
	}
	list, err := d.ExamList(t.Context(), staff, service.ExamFilter{}, 0, 1)
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	id := list[0].ID
	for name, ask := range map[string]func(ctx context.Context, tx service.Tx) error{
		"exam": func(ctx context.Context, tx service.Tx) error { _, err := tx.Exam(ctx, staff, id); return err },
		"number": func(ctx context.Context, tx service.Tx) error {
			_, err := tx.ExamByNumber(ctx, staff, list[0].Number)
			return err
		},
		"counts": func(ctx context.Context, tx service.Tx) error { _, err := tx.ApplicationCounts(ctx, id); return err },
		"page": func(ctx context.Context, tx service.Tx) error {
			_, err := tx.ApplicationsPage(ctx, id, service.ApplicationFilter{}, 8, 9)
			return err
		},
		"search": func(ctx context.Context, tx service.Tx) error {
			_, err := tx.ApplicationsPage(ctx, id, service.ApplicationFilter{Search: "фамилия 1"}, 0, 9)
			return err
		},
		"scans": func(ctx context.Context, tx service.Tx) error { _, err := tx.LoadedScans(ctx, id); return err },
		"application": func(ctx context.Context, tx service.Tx) error {
			_, err := tx.ApplicationByNumber(ctx, staff, list[0].Number+"-3")
			return err
		},
	} {
		check(name, ask)
	}
}
