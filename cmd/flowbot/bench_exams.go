package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"flowbot/service"
)

// Sizes of the installation in which exams are looked at: all of it, and the
// share it is compared with. Source: the domain, section 6, a year.
const (
	benchApplications = 1_000_000
	benchCenters      = 200
	benchInExam       = 50  // applications of an exam
	benchLargeExam    = 500 // applications of the exam whose card is shown
	benchExamPage     = 8   // exams on a page of the list, applications on one of the table
	benchLooks        = 2000
)

// examLook is one thing that people look at.
type examLook struct {
	name string
	do   func(ctx context.Context, r *examReader) error
}

// examLooks are what is measured, as the chat asks it.
func examLooks() []examLook {
	list := func(ctx context.Context, r *examReader, by service.Actor) error {
		if _, err := r.i.exams.Counts(ctx, by, service.ExamFilter{}); err != nil {
			return err
		}
		_, err := r.i.exams.List(ctx, by, service.ExamFilter{}, 0, benchExamPage+1)
		return err
	}
	return []examLook{
		{"list with counts, a center's staff", func(ctx context.Context, r *examReader) error { return list(ctx, r, r.staff) }},
		{"list with counts, an admin", func(ctx context.Context, r *examReader) error { return list(ctx, r, r.admin) }},
		{"list by certificate status, staff", func(ctx context.Context, r *examReader) error {
			f := service.ExamFilter{Certificates: []service.CertificateStatus{service.CertificatesToLoad}}
			if _, err := r.i.exams.Counts(ctx, r.staff, f); err != nil {
				return err
			}
			_, err := r.i.exams.List(ctx, r.staff, f, 0, benchExamPage+1)
			return err
		}},
		{fmt.Sprintf("card, %d applications", benchLargeExam), func(ctx context.Context, r *examReader) error {
			_, err := r.i.exams.View(ctx, r.staff, r.large)
			return err
		}},
		{fmt.Sprintf("table, the last page of %d", benchLargeExam), func(ctx context.Context, r *examReader) error {
			_, err := r.i.exams.Applications(ctx, r.staff, r.large, service.ApplicationFilter{}, benchLargeExam-benchExamPage, benchExamPage)
			return err
		}},
	}
}

// examReader looks at exams in one installation.
type examReader struct {
	i            *installation
	staff, admin service.Actor
	large        int64 // id of the large exam
	centers      int
	exams        int
	applications int
	took         map[string][]time.Duration // by the look's name
}

// benchExams measures the list of exams with its counts, and the card of a large
// exam, in a small and a full database, in turn, so that what else the machine
// does falls on both alike.
func benchExams(ctx context.Context, p *program) (err error) {
	shares := []float64{.01, 1}
	var readers []*examReader
	for _, share := range shares {
		st, err := newStage(ctx, p)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, st.close()) }()
		if err := st.fillExams(ctx, share); err != nil {
			return err
		}
		r := &examReader{i: st.i, took: make(map[string][]time.Duration)}
		if err := r.find(ctx); err != nil {
			return err
		}
		readers = append(readers, r)
		if _, err := fmt.Fprintf(p.out, "%.0f %%: %d centers, %d exams, %d applications\n", 100*share, r.centers, r.exams, r.applications); err != nil {
			return err
		}
	}
	looks := examLooks()
	for n := range benchLooks + benchLooks/10 {
		for _, look := range looks {
			for _, r := range readers {
				begun := time.Now()
				if err := look.do(ctx, r); err != nil {
					return fmt.Errorf("%s: %w", look.name, err)
				}
				if n >= benchLooks/10 { // the first tenth warms the caches
					r.took[look.name] = append(r.took[look.name], time.Since(begun))
				}
			}
		}
	}
	for _, look := range looks {
		for n, r := range readers {
			slices.Sort(r.took[look.name])
			if err := printLatencies(p.out, fmt.Sprintf("%s, %.0f %%", look.name, 100*shares[n]), "looks", r.took[look.name]); err != nil {
				return err
			}
		}
		small, full := readers[0].took[look.name], readers[1].took[look.name]
		if _, err := fmt.Fprintf(p.out, "%s: all beside 1 %%: p50 %.2f times, p99 %.2f times\n", look.name,
			ratio(full, small, .5), ratio(full, small, .99)); err != nil {
			return err
		}
	}
	return nil
}

// find looks up who looks, and at which exam.
func (r *examReader) find(ctx context.Context) error {
	var ids struct {
		Staff, Admin, Large          int64
		Centers, Exams, Applications int
	}
	err := r.i.db.Bun().NewRaw(`SELECT
		(SELECT id FROM people WHERE name = 'Экзамены 1') AS staff,
		(SELECT id FROM people WHERE name = 'Экзамены, администратор') AS admin,
		(SELECT id FROM exams WHERE number = 'Э-большой') AS large,
		(SELECT count(*) FROM orgs WHERE kind = 'center') AS centers,
		(SELECT count(*) FROM exams) AS exams,
		(SELECT count(*) FROM applications) AS applications`).Scan(ctx, &ids)
	if err != nil {
		return fmt.Errorf("who looks at exams: %w", err)
	}
	r.large, r.centers, r.exams, r.applications = ids.Large, ids.Centers, ids.Exams, ids.Applications
	if r.staff, err = r.i.db.ActorByID(ctx, ids.Staff); err != nil {
		return fmt.Errorf("staff: %w", err)
	}
	if r.admin, err = r.i.db.ActorByID(ctx, ids.Admin); err != nil {
		return fmt.Errorf("admin: %w", err)
	}
	return nil
}

// fillExams writes a share of the full installation. What one center has is the
// same at every share: there are fewer centers.
func (st *stage) fillExams(ctx context.Context, share float64) error {
	centers := max(1, int(share*benchCenters))
	exams := int(share * benchApplications / benchInExam)
	for _, q := range []string{
		fmt.Sprintf(`INSERT INTO orgs (kind, name) SELECT 'center', 'Экзамены ' || i FROM generate_series(1, %d) i`, centers),
		`INSERT INTO people (name, telegram_id) SELECT name, 92000000 + id FROM orgs WHERE kind = 'center'`,
		`INSERT INTO memberships (person_id, org_id, role)
			SELECT p.id, o.id, 'center_staff' FROM orgs o JOIN people p ON p.telegram_id = 92000000 + o.id WHERE o.kind = 'center'`,
		`INSERT INTO people (name, telegram_id) VALUES ('Экзамены, администратор', 93000000)`,
		`INSERT INTO memberships (person_id, role) SELECT id, 'admin' FROM people WHERE telegram_id = 93000000`,
		// Of a hundred exams four wait for results, two for numbers, two for scans.
		fmt.Sprintf(`INSERT INTO exams (number, center_id, address, held_on, protocol_status, protocol_version)
			SELECT 'Э-' || i, (SELECT min(id) FROM orgs WHERE kind = 'center') + i %% %[1]d, 'г. Тверь, ул. Лесная, д. 5',
				date '2025-01-13' + i / %[1]d, CASE WHEN i / %[1]d %% 100 < 4 THEN 'missing' ELSE 'approved' END,
				CASE WHEN i / %[1]d %% 100 < 4 THEN 0 ELSE 1 END
			FROM generate_series(0, %[2]d) i`, centers, exams-1),
		`INSERT INTO exams (number, center_id, address, held_on, protocol_status, protocol_version)
			SELECT 'Э-большой', min(id), 'г. Тверь, ул. Лесная, д. 5', '2025-02-24', 'approved', 1 FROM orgs WHERE kind = 'center'`,
		`INSERT INTO files (sha256, size, type) VALUES (repeat('0', 64), 1, 'application/pdf')`,
		`INSERT INTO protocols (exam_id, version, number, dated_on, file_name, file_sha, clean_sha, pages, uploaded_by, uploaded_at)
			SELECT id, 1, id || '/25', held_on, 'протокол.pdf', repeat('0', 64), repeat('0', 64), 1, 1, now() FROM exams WHERE protocol_version = 1`,
		fmt.Sprintf(`INSERT INTO applications (number, exam_id, level, last_name, first_name, born_on, outcome, violations, registration_number, issued_on)
			SELECT e.number || '-' || i, e.id, 'patent', 'Фамилия' || i, 'Имя', '1990-01-01',
				CASE WHEN e.protocol_version = 0 AND i %% 2 = 0 THEN '' WHEN i %% 8 = 0 THEN 'failed' ELSE 'passed' END,
				CASE WHEN e.protocol_version = 0 AND i %% 2 = 0 THEN '' ELSE 'none' END,
				CASE WHEN e.protocol_version = 0 OR i %% 8 = 0 OR e.id %% 50 = 7 THEN '' ELSE '24-10-40538-' || e.id || '-' || i END,
				CASE WHEN e.protocol_version = 0 OR i %% 8 = 0 OR e.id %% 50 = 7 THEN NULL ELSE e.held_on + 10 END
			FROM exams e, LATERAL generate_series(1, CASE WHEN e.number = 'Э-большой' THEN %d ELSE %d END) i`, benchLargeExam, benchInExam),
		`INSERT INTO scans (application_id, version, file_name, file_sha, clean_sha, blank_number, source, loaded_at)
			SELECT id, 1, 'скан.pdf', repeat('0', 64), repeat('0', 64), id::text, 'person', now()
			FROM applications WHERE registration_number <> '' AND exam_id % 50 <> 9`,
		`UPDATE applications AS a SET scan_id = s.id, handed_on = a.issued_on + 5 FROM scans s WHERE s.application_id = a.id`,
		`VACUUM ANALYZE`,
	} {
		if _, err := st.i.db.Bun().ExecContext(ctx, q); err != nil {
			return fmt.Errorf("fill: %w", err)
		}
	}
	return nil
}
