package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"flowbot/bot/emulator"
	"flowbot/service"
	"flowbot/service/ocr/drawn"
)

// The batch: what an office scans after a day of exams.
const (
	batchApplications = 102
	batchExtra        = 1 // of each: another exam's, empty, scanned twice
	batchPages        = batchApplications + 3*batchExtra
	batchPatience     = 5 * time.Minute
)

// batchSample is between two looks at the memory.
const batchSample = 20 * time.Millisecond

// batch measures one batch of an office through the real jobs of a serving
// process: from the moment its file is stored to the report in the chat.
func (b scanBench) batch(ctx context.Context, p *program) (err error) {
	s, err := newScanStage("blank-210")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	path := filepath.Join(s.dir, "batch.pdf")
	d, truth, err := s.bind(ctx, b.Seed+200, path)
	if err != nil {
		return err
	}
	st, err := newStage(ctx, p)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.close()) }()
	exam, by, err := st.populateScans(ctx, d)
	if err != nil {
		return err
	}
	if err := st.play(ctx, emulator.RealLimits()); err != nil {
		return err
	}
	st.phones[0].Say("/tasks") // a bot cannot write first
	if err := st.telegram.WaitFor(ctx, func() bool { return st.answers() > 0 }); err != nil {
		return err
	}
	r := &batchRun{st: st, by: by, exam: exam}
	if err := r.run(ctx, path); err != nil {
		return err
	}
	return r.print(ctx, p, truth)
}

// bind draws the batch into a PDF and returns what is true of its pages.
func (s *scanStage) bind(ctx context.Context, seed uint64, path string) (_ *drawn.Drawing, _ []drawn.Page, err error) {
	o := drawn.Order{
		Applications: batchApplications, Foreign: batchExtra, Duplicates: batchExtra, Empty: batchExtra,
		Severity: drawn.Office, Symbology: drawn.Code128, Dir: s.dir,
	}
	d, err := drawn.NewDrawing(ctx, s.press, s.blank, seed, o)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	f, err := os.Create(path)
	if err != nil {
		return nil, nil, err
	}
	pages, err := d.Bind(ctx, f)
	return d, pages, errors.Join(err, f.Close())
}

// populateScans writes the exam that was drawn, its center and its staff.
func (st *stage) populateScans(ctx context.Context, d *drawn.Drawing) (*service.Exam, service.Actor, error) {
	none := service.Actor{}
	for _, q := range []string{
		`INSERT INTO orgs (kind, name) VALUES ('center', 'Центр')`,
		`INSERT INTO memberships (person_id, org_id, role) SELECT p.id, o.id, 'center_staff' FROM people AS p, orgs AS o
			WHERE p.telegram_id = ` + strconv.Itoa(firstBenchChat+1) + ` AND o.kind = 'center'`,
		`INSERT INTO centers (org_id, blank_profile, revision) SELECT id, '` + d.Profile.Code + `', 1 FROM orgs WHERE kind = 'center'`,
		`INSERT INTO files (sha256, size, type) VALUES (repeat('0', 64), 1, 'application/pdf')`,
		`INSERT INTO exams (number, center_id, address, held_on, protocol_status, protocol_version)
			SELECT 'Э-1', id, 'г. Образцовск', '2026-01-20', 'approved', 1 FROM orgs WHERE kind = 'center'`,
		`INSERT INTO protocols (exam_id, version, number, dated_on, file_name, file_sha, clean_sha, pages, uploaded_by, uploaded_at)
			SELECT id, 1, '1/26', held_on, 'протокол.pdf', repeat('0', 64), repeat('0', 64), 1, 1, now() FROM exams`,
	} {
		if _, err := st.i.db.Bun().ExecContext(ctx, q); err != nil {
			return nil, none, fmt.Errorf("populate: %w", err)
		}
	}
	for i := range d.Form.Certificates {
		c := &d.Form.Certificates[i]
		last, rest, _ := strings.Cut(c.Name, " ")
		lastLatin, restLatin, _ := strings.Cut(c.NameLatin, " ")
		var until any
		if !c.ValidUntil.IsZero() {
			until = c.ValidUntil
		}
		_, err := st.i.db.Bun().NewRaw(`INSERT INTO applications (number, exam_id, level, last_name, first_name, last_name_latin, first_name_latin,
				born_on, outcome, violations, registration_number, issued_on, valid_until)
			SELECT ?, id, ?, ?, ?, ?, ?, '1990-01-01', 'passed', 'none', ?, ?, ? FROM exams`,
			"З-"+c.Application, c.Level, last, rest, lastLatin, restLatin, c.RegistrationNumber, c.IssuedOn, until).Exec(ctx)
		if err != nil {
			return nil, none, fmt.Errorf("populate: %w", err)
		}
	}
	e, err := st.i.db.ExamByNumber(ctx, service.CommandLine, "Э-1")
	if err != nil {
		return nil, none, err
	}
	by, err := st.i.db.ActorByTelegram(ctx, firstBenchChat+1)
	return e, by, err
}

// batchRun is a batch on its way.
type batchRun struct {
	st    *stage
	by    service.Actor
	exam  *service.Exam
	id    int64
	size  int64
	begun time.Time
	most  float64 // MB, of the serving process and its children together, what they share counted once
	each  float64 // MB, the same, what they share counted for each
	own   float64 // MB, of the serving process alone
}

// run stores the file and waits for the report.
func (r *batchRun) run(ctx context.Context, path string) (err error) {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	sha, size, err := r.st.i.files.Put(ctx, f)
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	r.size, r.begun = size, time.Now()
	err = r.st.i.db.InTx(ctx, func(ctx context.Context, tx service.Tx) error {
		b, err := r.st.i.batches.ReceiveStored(ctx, tx, r.by, service.StoredScans{ExamID: r.exam.ID, SHA: sha, Name: "скан.pdf", Size: size})
		if err == nil {
			r.id = b.ID
		}
		return err
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, batchPatience)
	defer cancel()
	tick := time.NewTicker(batchSample)
	defer tick.Stop()
	for n := 0; ; n++ {
		if err := r.look(); err != nil {
			return err
		}
		if n%10 == 0 {
			reported, err := r.sent(ctx, service.BatchReportNotice{}, r.begun)
			if err != nil || !reported.IsZero() {
				return err
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("no report came: %w", ctx.Err())
		}
	}
}

// look notes the memory of the serving process and what it has started.
func (r *batchRun) look() error {
	own, _, err := memory(r.st.serving.Process.Pid)
	if err != nil {
		return err
	}
	all, once := 0.0, 0.0
	for _, pid := range append(childrenOf(r.st.serving.Process.Pid), r.st.serving.Process.Pid) {
		if now, _, err := memory(pid); err == nil { // it may be gone by now
			all += now
		}
		if now, err := sharedMemory(pid); err == nil {
			once += now
		}
	}
	r.own, r.each, r.most = max(r.own, own), max(r.each, all), max(r.most, once)
	return nil
}

// sharedMemory is what a process holds in MB, of what it shares with others, such as
// this program and its libraries, its part of it. Source: proc(5), Pss of
// smaps_rollup in kB.
func sharedMemory(pid int) (float64, error) {
	rollup, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0, fmt.Errorf("memory of process %d: %w", pid, err)
	}
	for line := range strings.Lines(string(rollup)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "Pss:" {
			kb, err := strconv.ParseFloat(f[1], 64)
			return kb / 1024, err
		}
	}
	return 0, fmt.Errorf("memory of process %d: no Pss", pid)
}

// childrenOf lists a process's children and theirs. Source: proc(5),
// /proc/PID/task/TID/children.
func childrenOf(pid int) []int {
	var out []int
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		return nil
	}
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err != nil {
			continue // the thread is gone
		}
		for _, word := range strings.Fields(string(text)) {
			if child, err := strconv.Atoi(word); err == nil {
				out = append(append(out, child), childrenOf(child)...)
			}
		}
	}
	return out
}

// sent is when the first notice of a kind after a moment was confirmed by the
// chat, zero before.
func (r *batchRun) sent(ctx context.Context, n service.Notice, after time.Time) (time.Time, error) {
	var at *time.Time
	err := r.st.i.db.Bun().NewRaw(`SELECT min(ended_at) FROM notices WHERE kind = ? AND state = 'sent' AND ended_at > ?`, n.NoticeKind(), after).
		Scan(ctx, &at)
	if err != nil || at == nil {
		return time.Time{}, err
	}
	return *at, nil
}

// print tells what was measured, and fails when a page went to somebody else.
func (r *batchRun) print(ctx context.Context, p *program, truth []drawn.Page) error {
	var at struct{ Apart, First, Settled time.Time }
	err := r.st.i.db.Bun().NewRaw(`SELECT max(p.added_at) AS apart, min(p.read_at) AS first, max(b.settled_at) AS settled
		FROM scan_pages AS p JOIN scan_batches AS b ON b.id = p.batch_id WHERE b.id = ?`, r.id).Scan(ctx, &at)
	if err != nil {
		return err
	}
	shown, err := r.sent(ctx, service.BatchNotice{}, at.First)
	if err != nil {
		return err
	}
	reported, err := r.sent(ctx, service.BatchReportNotice{}, at.Settled)
	if err != nil {
		return err
	}
	v, err := r.st.i.batches.Batch(ctx, r.by, r.id)
	if err != nil {
		return err
	}
	wrong, err := r.wrong(ctx, truth)
	if err != nil {
		return err
	}
	w := newTable(p.out)
	w.row("a batch of %d pages, %.1f MB\tafter the file was stored", v.Found, float64(r.size)/1e6)
	for _, line := range []struct {
		what string
		at   time.Time
	}{
		{"the first page is read", at.First},
		{"and shown in the chat", shown},
		{"the last page is out of the file", at.Apart},
		{"every page is decided", at.Settled},
		{"the report is in the chat", reported},
	} {
		w.row("%s\t%.2f s", line.what, line.at.Sub(r.begun).Seconds())
	}
	w.row("memory at most\t%.0f MB, what the processes share counted once; %.0f MB counted for each, %.0f MB of it of the serving process", r.most, r.each, r.own)
	w.row("pages\t%d matched, %d wrongly, %d questions, %d set aside", v.Matched, wrong, v.Questions, v.Aside)
	var rules []struct {
		State service.PageState
		Rule  service.MatchRule
		Pages int
	}
	err = r.st.i.db.Bun().NewRaw(`SELECT state, rule, count(*) AS pages FROM scan_pages WHERE batch_id = ? GROUP BY 1, 2 ORDER BY 1, 2`, r.id).
		Scan(ctx, &rules)
	if err != nil {
		return err
	}
	for _, rule := range rules {
		w.row("%s, %s\t%d", rule.State, rule.Rule, rule.Pages)
	}
	if err := w.print(); err != nil {
		return err
	}
	if wrong > 0 {
		return fmt.Errorf("%d pages went to somebody else", wrong)
	}
	return nil
}

// wrong counts the pages that became the scan of another than whose they are.
func (r *batchRun) wrong(ctx context.Context, truth []drawn.Page) (int, error) {
	var pages []struct {
		Number             int
		RegistrationNumber string
	}
	err := r.st.i.db.Bun().NewRaw(`SELECT p.number, a.registration_number FROM scan_pages AS p JOIN applications AS a ON a.id = p.application_id
		WHERE p.batch_id = ? AND p.state = 'matched'`, r.id).Scan(ctx, &pages)
	if err != nil {
		return 0, err
	}
	wrong := 0
	for _, m := range pages {
		if t := &truth[m.Number-1]; t.ApplicationID == 0 || t.Number != m.RegistrationNumber {
			wrong++
		}
	}
	return wrong, nil
}
