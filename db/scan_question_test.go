package db_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flowbot/db/dbtest"
	"flowbot/service"
)

// TestQuestionsAboutPagesUseIndexes looks at the plans over the pages of many
// exams: nothing that a person decides on reads a whole table.
func TestQuestionsAboutPagesUseIndexes(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	manyExams(t, d, 20, 1000)
	for _, q := range []string{
		`INSERT INTO files (sha256, size, type) VALUES (repeat('a', 64), 1, 'image/jpeg')`,
		`INSERT INTO scan_batches (center_id, exam_id, person_id, state, created_at, newest_at, settled_at)
			SELECT e.center_id, e.id, (SELECT min(id) FROM people), 'settled', now(), now(), now() FROM exams e ORDER BY e.id`,
		`INSERT INTO scan_files (batch_id, update_id, name, size, state, pages, added_at)
			SELECT b.id, b.id, 'скан.pdf', 1, 'taken_apart', 20, now() FROM scan_batches b ORDER BY b.id`,
		`INSERT INTO scan_pages (batch_id, file_id, number, exam_id, state, rule, sha, added_at, decided_by, decided_at)
			SELECT f.batch_id, f.id, n, b.exam_id, CASE WHEN n <= 2 THEN 'question' ELSE 'aside' END, 'empty', repeat('a', 64), now(),
				CASE WHEN n = 3 THEN b.person_id END, CASE WHEN n = 3 THEN now() END
			FROM scan_files f JOIN scan_batches b ON b.id = f.batch_id, generate_series(1, 20) n ORDER BY f.id, n`,
		`VACUUM ANALYZE`,
	} {
		if _, err := d.Bun().ExecContext(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	staff, err := d.ActorByTelegram(t.Context(), 5007)
	if err != nil {
		t.Fatal(err)
	}
	list, err := d.ExamList(t.Context(), staff, service.ExamFilter{Questions: true}, 0, 1)
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	exam := list[0].ID
	ids, err := d.QuestionsAfter(t.Context(), exam, 0, 10)
	if err != nil || len(ids) != 2 {
		t.Fatal(ids, err)
	}
	person := staff.PersonID
	if err := d.Bun().NewRaw(`SELECT min(id) FROM people`).Scan(t.Context(), &person); err != nil {
		t.Fatal(err)
	}
	heard := new(listener)
	d.Bun().AddQueryHook(heard) //nolint:staticcheck // the handle is this test's own
	for name, ask := range map[string]func(ctx context.Context, tx service.Tx) error{
		"after": func(ctx context.Context, tx service.Tx) error {
			got, err := tx.QuestionsAfter(ctx, exam, ids[0], 1)
			if diff := cmp.Diff(ids[1:], got); diff != "" {
				t.Errorf("after the first comes %s", diff)
			}
			return err
		},
		"count": func(ctx context.Context, tx service.Tx) error {
			got, err := tx.QuestionCount(ctx, exam, ids[1])
			if diff := cmp.Diff(service.QuestionCount{Count: 2, Place: 2}, got); diff != "" {
				t.Errorf("counted are %s", diff)
			}
			return err
		},
		"pages": func(ctx context.Context, tx service.Tx) error {
			got, err := tx.QuestionPages(ctx, exam, 10)
			if err == nil && (len(got) != 2 || got[0].ID != ids[0]) {
				t.Errorf("the questions are %+v", got)
			}
			return err
		},
		"of batch": func(ctx context.Context, tx service.Tx) error {
			page, err := tx.ScanPage(ctx, ids[1])
			if err != nil {
				return err
			}
			got, err := tx.QuestionOfBatch(ctx, exam, page.BatchID)
			if want := ids[0]; err == nil && got != want {
				t.Errorf("the first of the batch is %d, want %d", got, want)
			}
			return err
		},
		"last": func(ctx context.Context, tx service.Tx) error {
			got, err := tx.LastDecided(ctx, exam, person, time.Now().Add(-time.Hour))
			if err == nil && (got == nil || got.Number != 3) {
				t.Errorf("the last decision is %+v", got)
			}
			return err
		},
		"line": func(ctx context.Context, tx service.Tx) error {
			got, err := tx.PageLine(ctx, ids[0])
			if err == nil && (got.File != "скан.pdf" || got.Places != 20 || got.AskedIn != exam) {
				t.Errorf("the page is %+v", got)
			}
			return err
		},
		"lines": func(ctx context.Context, tx service.Tx) error {
			page, err := tx.ScanPage(ctx, ids[0])
			if err != nil {
				return err
			}
			got, err := tx.PageLines(ctx, page.BatchID, []service.PageState{service.PageAside}, 8, 8)
			if len(got) != 8 {
				t.Errorf("%d pages", len(got))
			}
			return err
		},
		"search": func(ctx context.Context, tx service.Tx) error {
			_, err := tx.QuestionApplications(ctx, exam, "фамилия 1", 0, 9)
			return err
		},
		"tasks": func(ctx context.Context, tx service.Tx) error {
			_, err := tx.CenterTasks(ctx, []int64{list[0].CenterID}, staff.PersonID, time.Now(), service.TaskCap)
			return err
		},
	} {
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
			for _, table := range []string{"scan_pages", "scan_batches", "scan_files", "applications", "exams"} {
				if strings.Contains(text, "Seq Scan on "+table) {
					t.Errorf("%s: %s\n%s", name, q, text)
				}
			}
		}
	}
}
