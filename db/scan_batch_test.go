package db_test

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"flowbot/db"
	"flowbot/db/dbtest"
	"flowbot/service"
)

// manyScans writes a batch with a page for each application of every exam.
func manyScans(tb testing.TB, d *db.DB) {
	tb.Helper()
	for _, q := range []string{
		`UPDATE applications SET registration_number = 'Р-' || number, issued_on = '2025-03-01'`,
		`INSERT INTO files (sha256, size, type) SELECT md5(id::text) || md5(number), 1, 'image/jpeg' FROM applications`,
		`INSERT INTO printings (exam_id, number, applications, form, reprint, ordered_by, ordered_at)
			SELECT e.id, 1, (SELECT array_agg(a.id ORDER BY a.id) FROM applications AS a WHERE a.exam_id = e.id),
				jsonb_build_object('Profile', '{"Code": "x"}'::jsonb, 'Certificates', (SELECT jsonb_agg(jsonb_build_object(
					'RegistrationNumber', a.registration_number) ORDER BY a.id) FROM applications AS a WHERE a.exam_id = e.id)),
				false, (SELECT min(id) FROM people), now() FROM exams AS e`,
		`INSERT INTO scan_batches (center_id, exam_id, person_id, state, created_at, newest_at, settled_at)
			SELECT center_id, id, (SELECT min(id) FROM people) + id % 40, CASE WHEN id % 20 = 0 THEN 'open' ELSE 'settled' END, now(), now(),
				CASE WHEN id % 20 = 0 THEN NULL ELSE now() END FROM exams`,
		`INSERT INTO scan_files (batch_id, update_id, name, size, state, pages, added_at) SELECT id, id, 'скан.pdf', 1,
			CASE WHEN id % 20 = 0 THEN 'waiting' ELSE 'taken_apart' END, 20, now() FROM scan_batches`,
		`INSERT INTO scan_pages (batch_id, file_id, number, exam_id, state, rule, application_id, sha, evidence, added_at)
			SELECT f.batch_id, f.id, a.id, a.exam_id, CASE WHEN a.id % 19 = 0 THEN 'question' WHEN a.id % 19 = 1 THEN 'read'
				WHEN a.id % 190 = 2 THEN 'waiting' ELSE 'aside' END,
				'empty', a.id, md5(a.id::text) || md5(a.number), '{}', now()
			FROM scan_files AS f JOIN scan_batches AS b ON b.id = f.batch_id JOIN applications AS a ON a.exam_id = b.exam_id`,
		`INSERT INTO scans (application_id, version, file_name, file_sha, clean_sha, source, loaded_at)
			SELECT id, 1, 'скан.pdf', md5(id::text) || md5(number), md5(id::text) || md5(number), 'page', now() FROM applications WHERE id % 3 = 0`,
		`UPDATE scan_pages AS p SET scan_id = s.id FROM scans AS s WHERE s.application_id = p.application_id`,
		`INSERT INTO blanks (center_id, number, state, application_id, changed_at) SELECT 1, lpad(id::text, 13, '0'), 'used', id, now() FROM applications`,
		`INSERT INTO notices (person_id, kind, lane, payload, key, state)
			SELECT (SELECT min(id) FROM people) + id % 40, 'delivery', 2, '{}', 'delivery:' || id, 'queued' FROM applications`,
		`INSERT INTO deliveries (application_id, scan_id, person_id, message_id, sent_at) SELECT application_id, id, (SELECT min(id) FROM people), id, now() FROM scans`,
		`INSERT INTO river_job (kind, args, state, finalized_at, max_attempts, priority, queue, tags)
			SELECT 'read_page', jsonb_build_object('page_id', id), 'completed', now(), 6, 1, 'pages', '{}' FROM scan_pages`,
		`INSERT INTO river_job (kind, args, max_attempts, priority, queue, tags)
			SELECT 'read_page', jsonb_build_object('page_id', id), 6, 1, 'pages', '{}' FROM scan_pages WHERE state = 'waiting'`,
		`VACUUM ANALYZE`,
	} {
		if _, err := d.Bun().ExecContext(tb.Context(), q); err != nil {
			tb.Fatalf("%v\n%s", err, q)
		}
	}
}

// TestQuestionsAboutBatchesUseIndexes looks at the plans over many batches: none
// of what a page, a batch or its exam asks reads a whole table.
func TestQuestionsAboutBatchesUseIndexes(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	manyExams(t, d, 40, 1000)
	manyScans(t, d)
	e, err := d.ExamByNumber(t.Context(), service.CommandLine, "Э-77")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := d.PagesOfExam(t.Context(), e.ID, 100)
	if err != nil || len(pages) != 20 {
		t.Fatal(len(pages), err)
	}
	p := pages[slices.IndexFunc(pages, func(p service.ScanPage) bool { return p.ScanID != 0 })]
	ids := []int64{e.ID}
	heard := new(listener)
	d.Bun().AddQueryHook(heard) //nolint:staticcheck // the handle is this test's own
	whole := regexp.MustCompile(`Seq Scan on (exams|applications|printings|scan_\w+|scans|blanks|notices|deliveries|river_job)\b`)
	for name, ask := range map[string]func(ctx context.Context, tx service.Tx) error{
		"open": func(ctx context.Context, tx service.Tx) error {
			_, err := tx.OpenScanBatch(ctx, 7, e.CenterID, 0)
			return err
		},
		"files": func(ctx context.Context, tx service.Tx) error { _, err := tx.ScanFiles(ctx, p.BatchID); return err },
		"pages": func(ctx context.Context, tx service.Tx) error {
			_, err := tx.ScanPages(ctx, p.BatchID, nil, 0, 9)
			return err
		},
		"numbers": func(ctx context.Context, tx service.Tx) error {
			_, err := tx.ScanPageNumbers(ctx, p.FileID)
			return err
		},
		"waiting": func(ctx context.Context, tx service.Tx) error {
			_, _, err := tx.ScanWaiting(ctx, p.BatchID)
			return err
		},
		"votes":   func(ctx context.Context, tx service.Tx) error { _, err := tx.ScanVotes(ctx, p.BatchID); return err },
		"of scan": func(ctx context.Context, tx service.Tx) error { _, err := tx.PageOfScan(ctx, p.ScanID); return err },
		"before": func(ctx context.Context, tx service.Tx) error {
			_, err := tx.PageBefore(ctx, e.ID, p.SHA, p.ID+1)
			return err
		},
		"elsewhere": func(ctx context.Context, tx service.Tx) error {
			id, err := tx.StandsElsewhere(ctx, []string{p.SHA, ""}, 0)
			if err == nil && id != p.ApplicationID {
				t.Errorf("the file stands at %d, want %d", id, p.ApplicationID)
			}
			return err
		},
		"replaced":  func(ctx context.Context, tx service.Tx) error { _, err := tx.ScanReplacedBy(ctx, p.ScanID); return err },
		"questions": func(ctx context.Context, tx service.Tx) error { _, err := tx.QuestionsOf(ctx, e.ID); return err },
		"questioned": func(ctx context.Context, tx service.Tx) error {
			_, err := tx.Questioned(ctx, p.ApplicationID)
			return err
		},
		"exams": func(ctx context.Context, tx service.Tx) error {
			_, err := tx.ExamsForScans(ctx, e.CenterID, 20)
			return err
		},
		"number": func(ctx context.Context, tx service.Tx) error {
			a, err := tx.NumberInCenter(ctx, e.CenterID, "Р-Э-77-3")
			if err == nil && a == nil {
				t.Error("the application with the number is not found")
			}
			return err
		},
		"printed for": func(ctx context.Context, tx service.Tx) error {
			id, err := tx.PrintedFor(ctx, e.ID, "Р-Э-77-3")
			if err == nil && id == 0 {
				t.Error("the application for which it was printed is not found")
			}
			return err
		},
		"printed": func(ctx context.Context, tx service.Tx) error {
			forms, err := tx.PrintedForms(ctx, ids)
			if err == nil && (len(forms) != 20 || forms[19].Certificate.RegistrationNumber != forms[19].Application.RegistrationNumber) {
				err = fmt.Errorf("printed are %+v", forms)
			}
			return err
		},
		"state": func(ctx context.Context, tx service.Tx) error { _, err := tx.PrintedState(ctx, ids); return err },
		"exam":  func(ctx context.Context, tx service.Tx) error { _, err := tx.PagesOfExam(ctx, e.ID, 9); return err },
		"batch before": func(ctx context.Context, tx service.Tx) error {
			b := service.ScanBatch{ID: 1 << 40, ExamID: e.ID, PersonID: 7, CreatedAt: time.Now()}
			_, err := tx.ScanBatchBefore(ctx, &b, time.Now().Add(-time.Hour))
			return err
		},
		"twins": func(ctx context.Context, tx service.Tx) error { _, err := tx.AskedTwins(ctx, p.BatchID); return err },
		"to choose": func(ctx context.Context, tx service.Tx) error {
			_, err := tx.BatchesToChoose(ctx, []int64{e.CenterID, e.CenterID + 1}, 20)
			return err
		},
		"strays": func(ctx context.Context, tx service.Tx) error { _, _, _, err := tx.StrayScans(ctx, 100); return err },
		"settle": func(ctx context.Context, tx service.Tx) error { _, err := tx.PagesToSettle(ctx, p.BatchID); return err },
		"blanks": func(ctx context.Context, tx service.Tx) error {
			_, err := tx.BlanksUsedBy(ctx, p.ApplicationID)
			return err
		},
		"delivery": func(ctx context.Context, tx service.Tx) error {
			_, err := tx.HoldDelivery(ctx, 7, "delivery:70")
			return err
		},
		"delivery in trouble": func(ctx context.Context, tx service.Tx) error {
			_, err := tx.NoticeTrouble(ctx, 7, "delivery:70")
			return err
		},
		"delivery lost": func(ctx context.Context, tx service.Tx) error {
			_, err := tx.NoticeLost(ctx, 7, "delivery:70")
			return err
		},
		"deliveries lost": func(ctx context.Context, tx service.Tx) error {
			_, err := tx.LostDeliveries(ctx, p.ApplicationID)
			return err
		},
		"notice in trouble": func(ctx context.Context, tx service.Tx) error {
			_, err := tx.NoticeInTrouble(ctx, 70)
			return err
		},
		"deliveries": func(ctx context.Context, tx service.Tx) error {
			_, err := tx.DeliveriesOf(ctx, p.ApplicationID, 9)
			return err
		},
		"candidates": func(ctx context.Context, tx service.Tx) error {
			_, err := tx.CandidatesOf(ctx, e.ID)
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
			if text := strings.Join(plan, "\n"); whole.MatchString(text) {
				t.Errorf("%s: %s\n%s", name, q, text)
			}
		}
	}
}

// TestAFileOfOneUpdateIsThereOnce has a chat bring the same message twice.
func TestAFileOfOneUpdateIsThereOnce(t *testing.T) {
	t.Parallel()
	d := dbtest.New(t)
	manyExams(t, d, 1, 1)
	var person, center int64
	if err := d.Bun().NewRaw(`SELECT (SELECT min(id) FROM people), (SELECT min(id) FROM orgs)`).Scan(t.Context(), &person, &center); err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC()
	err := d.InTx(t.Context(), func(ctx context.Context, tx service.Tx) error {
		b := &service.ScanBatch{CenterID: center, PersonID: person, State: service.BatchOpen, CreatedAt: now, NewestAt: now}
		if err := tx.InsertScanBatch(ctx, b); err != nil {
			return err
		}
		file := func(update int64) *service.ScanFile {
			return &service.ScanFile{BatchID: b.ID, UpdateID: update, Name: "скан.pdf", State: service.ScanFileWaiting, AddedAt: now}
		}
		first, again := file(7), file(7)
		if isNew, err := tx.InsertScanFile(ctx, first); err != nil || !isNew {
			t.Errorf("the first is new: %v, %v", isNew, err)
		}
		if isNew, err := tx.InsertScanFile(ctx, again); err != nil || isNew || again.ID != first.ID {
			t.Errorf("the same again is %+v, new: %v, %v", again, isNew, err)
		}
		for range 2 { // by the upload page: no update tells them apart
			if isNew, err := tx.InsertScanFile(ctx, file(0)); err != nil || !isNew {
				t.Errorf("a file without an update is new: %v, %v", isNew, err)
			}
		}
		p := func() *service.ScanPage {
			return &service.ScanPage{BatchID: b.ID, FileID: first.ID, Number: 1, State: service.PageWaiting, Revision: 1, AddedAt: now}
		}
		for _, want := range []bool{true, false} {
			if isNew, err := tx.InsertScanPage(ctx, p()); err != nil || isNew != want {
				t.Errorf("a page is new: %v, %v", isNew, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
