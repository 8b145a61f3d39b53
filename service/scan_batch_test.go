package service_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"flowbot/service"
)

func TestABatchFindsItsApplications(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	e, list := d.waiting(4)
	b := d.sends(d.anna, e,
		d.scanned(list[0], onBlank("0000000000101")), d.scanned(list[1]), d.scanned(list[2], blotted), d.scanned(list[3], empty))
	d.work()
	want := []string{"matched number+name 001", "matched number+name 002", "question no number", "aside empty"}
	if diff := cmp.Diff(want, d.fates(b)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"001 0000000000101", "002"}, d.loadedOf(e)); diff != "" {
		t.Error(diff)
	}
	v := d.view(b)
	if v.Batch.State != service.BatchSettled || v.Found != 4 || v.Read != 4 || v.Matched != 2 || v.Questions != 1 || v.Aside != 1 ||
		v.Loaded != 2 || v.Successful != 4 || len(v.Missing) != 2 {
		t.Errorf("the view is %+v", v)
	}
	if diff := cmp.Diff([]string{"scan_batch", "scan_report"}, d.told(d.anna)); diff != "" {
		t.Error(diff)
	}
}

// spoil marks a blank of the center as spoiled.
func (d *scanDesk) spoil(number string) {
	d.t.Helper()
	if _, err := d.blanks.Spoil(d.t.Context(), d.anna, d.org.ID, service.BlankKey{Number: number}, "порван"); err != nil {
		d.t.Fatal(err)
	}
}

// elsewhere gives an application a number that no other exam of a test has.
func elsewhere(n int, a *service.Application) {
	a.RegistrationNumber = fmt.Sprintf("26-10-77777-%06d-1", n)
}

func TestEachPageIsDecidedByItsRule(t *testing.T) {
	t.Parallel()
	const b1, b2 = "0000000000101", "0000000000102"
	type apps = []service.Application
	tests := []struct {
		name   string
		before func(d *scanDesk, e *service.Exam, list apps) // what happened earlier
		pages  func(d *scanDesk, list apps) [][]byte
		after  func(d *scanDesk, e *service.Exam, list apps) // what happens between reading and settling
		want   []string
		loaded []string
	}{
		{
			name: "the number by two readers",
			pages: func(d *scanDesk, l apps) [][]byte {
				return [][]byte{d.scanned(l[0], blotted, func(r *service.PageReading) {
					r.NumberSecond, r.NumberLikely = l[0].RegistrationNumber, l[0].RegistrationNumber
				})}
			},
			want: []string{"matched readers+name 001"}, loaded: []string{"001"},
		},
		{
			name:  "another name",
			pages: func(d *scanDesk, l apps) [][]byte { return [][]byte{d.scanned(l[0], misnamed)} },
			want:  []string{"question name differs 001"},
		},
		{
			name:  "no blank on it",
			pages: func(d *scanDesk, l apps) [][]byte { return [][]byte{d.scanned(l[0], noBlank)} },
			want:  []string{"question no blank"},
		},
		{
			name: "empty, and one that kills its reader",
			pages: func(d *scanDesk, l apps) [][]byte {
				return [][]byte{d.scanned(l[0], empty), d.unreadable(), d.scanned(l[0])}
			},
			want: []string{"aside empty", "aside unreadable", "matched number+name 001"}, loaded: []string{"001"},
		},
		{
			name: "a number of nobody",
			pages: func(d *scanDesk, l apps) [][]byte {
				return [][]byte{d.scanned(l[0], func(r *service.PageReading) { r.Number = "26-10-40538-999999-1" })}
			},
			want: []string{"question number not listed"},
		},
		{
			name: "another exam of the center",
			pages: func(d *scanDesk, l apps) [][]byte {
				_, other := d.waiting(1, elsewhere)
				return [][]byte{d.scanned(l[0], func(r *service.PageReading) { r.Number = other[0].RegistrationNumber })}
			},
			want: []string{"question other exam 001"},
		},
		{
			name: "another center's",
			pages: func(d *scanDesk, l apps) [][]byte {
				other := d.applications(d.examOf(d.stranger.Seats[0].OrgID, 1, numbered, elsewhere))
				return [][]byte{d.scanned(l[0], func(r *service.PageReading) { r.Number = other[0].RegistrationNumber })}
			},
			want: []string{"question number not listed"},
		},
		{
			name: "no longer entitled",
			before: func(d *scanDesk, e *service.Exam, _ apps) {
				if _, err := d.order(d.anna, e); err != nil {
					d.t.Fatal(err)
				}
			},
			pages: func(d *scanDesk, l apps) [][]byte { return [][]byte{d.scanned(l[0]), d.scanned(l[1])} },
			after: func(d *scanDesk, _ *service.Exam, l apps) {
				d.exec(`UPDATE applications SET violations = 'found', registration_number = '', issued_on = NULL, valid_until = NULL WHERE id = ?`, l[0].ID)
			},
			want: []string{"aside not entitled 001", "matched number+name 002"}, loaded: []string{"002"},
		},
		{
			name:  "a name that was corrected after the page was read",
			pages: func(d *scanDesk, l apps) [][]byte { return [][]byte{d.scanned(l[0]), d.scanned(l[1])} },
			after: func(d *scanDesk, _ *service.Exam, l apps) {
				d.exec(`UPDATE applications SET last_name = 'Петров' WHERE id = ?`, l[0].ID)
			},
			want: []string{"question name differs 001", "matched number+name 002"}, loaded: []string{"002"},
		},
		{
			name: "a name that was corrected after it was printed",
			before: func(d *scanDesk, e *service.Exam, l apps) {
				if _, err := d.order(d.anna, e); err != nil {
					d.t.Fatal(err)
				}
				d.exec(`UPDATE applications SET last_name = 'Петров' WHERE id = ?`, l[0].ID)
				d.exec(`UPDATE applications SET registration_number = '26-10-40538-900002-1' WHERE id = ?`, l[1].ID)
			},
			pages: func(d *scanDesk, l apps) [][]byte {
				return [][]byte{d.scanned(l[0]), d.scanned(l[1]), d.scanned(l[2])}
			},
			want:   []string{"question name differs 001", "question name differs 002", "matched number+name 003"},
			loaded: []string{"003"},
		},
		{
			name: "a scan for which only a person spoke is taken back",
			before: func(d *scanDesk, e *service.Exam, l apps) {
				p := d.askOne(e, d.scanned(l[1], unread), service.MatchNoNumber)
				d.chosen(p, l[0], confirmed)
			},
			pages: func(d *scanDesk, l apps) [][]byte { return [][]byte{d.scanned(l[0])} },
			want:  []string{"question application twice 001"},
		},
		{
			name: "the same page twice",
			pages: func(d *scanDesk, l apps) [][]byte {
				p := d.scanned(l[0])
				return [][]byte{p, p}
			},
			want: []string{"matched number+name 001", "aside duplicate 001"}, loaded: []string{"001"},
		},
		{
			name: "two scans of one certificate on one blank",
			pages: func(d *scanDesk, l apps) [][]byte {
				return [][]byte{d.scanned(l[0], onBlank(b1)), d.scanned(l[0], onBlank(b1))}
			},
			want: []string{"matched number+name 001", "aside duplicate 001"}, loaded: []string{"001 " + b1},
		},
		{
			name: "two scans of one certificate on two blanks",
			pages: func(d *scanDesk, l apps) [][]byte {
				return [][]byte{d.scanned(l[0], onBlank(b1)), d.scanned(l[0], onBlank(b2))}
			},
			want: []string{"question application twice 001", "question application twice 001"},
		},
		{
			name: "two scans of one certificate, one of an unread blank",
			pages: func(d *scanDesk, l apps) [][]byte {
				return [][]byte{d.scanned(l[0], onBlank(b1)), d.scanned(l[0])}
			},
			want: []string{"question application twice 001", "question application twice 001"},
		},
		{
			name: "a third page of two that wait as questions",
			before: func(d *scanDesk, e *service.Exam, l apps) {
				d.sends(d.anna, e, d.scanned(l[0], onBlank(b1)), d.scanned(l[0], onBlank(b2)))
			},
			pages: func(d *scanDesk, l apps) [][]byte { return [][]byte{d.scanned(l[0], onBlank(b1)), d.scanned(l[1])} },
			want:  []string{"question application twice 001", "matched number+name 002"}, loaded: []string{"002"},
		},
		{
			name: "another page that waits surely bears the number",
			before: func(d *scanDesk, e *service.Exam, l apps) {
				d.sends(d.anna, e, d.scanned(l[0], misnamed), d.scanned(l[1], misnamed, onBlank(b1)))
			},
			pages: func(d *scanDesk, l apps) [][]byte {
				return [][]byte{d.scanned(l[0], onBlank(b2)), d.scanned(l[1], onBlank(b1))}
			},
			want:   []string{"question application twice 001", "matched number+name 002"},
			loaded: []string{"002 " + b1},
		},
		{
			name: "another page of the batch surely bears the number",
			pages: func(d *scanDesk, l apps) [][]byte {
				return [][]byte{d.scanned(l[0], onBlank(b1)), d.scanned(l[0], misnamed)}
			},
			want: []string{"question application twice 001", "question name differs 001"},
		},
		{
			name: "a page whose blank is in question, and another on a blank that is not",
			before: func(d *scanDesk, e *service.Exam, l apps) {
				d.spoil(b1)
				d.sends(d.anna, e, d.scanned(l[0], onBlank(b1)))
			},
			pages: func(d *scanDesk, l apps) [][]byte { return [][]byte{d.scanned(l[0], onBlank(b2))} },
			want:  []string{"question application twice 001"},
		},
		{
			name:   "the same certificate in an earlier batch",
			before: func(d *scanDesk, e *service.Exam, l apps) { d.sends(d.anna, e, d.scanned(l[0], onBlank(b1))) },
			pages:  func(d *scanDesk, l apps) [][]byte { return [][]byte{d.scanned(l[0], onBlank(b1))} },
			want:   []string{"aside duplicate 001"}, loaded: []string{"001 " + b1},
		},
		{
			name:   "another blank than in an earlier batch takes that back",
			before: func(d *scanDesk, e *service.Exam, l apps) { d.sends(d.anna, e, d.scanned(l[0], onBlank(b1))) },
			pages:  func(d *scanDesk, l apps) [][]byte { return [][]byte{d.scanned(l[0], onBlank(b2))} },
			want:   []string{"question application twice 001"},
		},
		{
			name: "a scan that a person loaded stands",
			before: func(d *scanDesk, _ *service.Exam, l apps) {
				l0 := &ledger{center: d.center, blanks: d.blanks, scans: d.scans, uploads: d.uploads}
				l0.load(l[0], b1)
			},
			pages: func(d *scanDesk, l apps) [][]byte { return [][]byte{d.scanned(l[0], onBlank(b2))} },
			want:  []string{"question scan loaded 001"}, loaded: []string{"001 " + b1},
		},
		{
			name: "a scan that has gone out stands",
			before: func(d *scanDesk, e *service.Exam, l apps) {
				d.sends(d.anna, e, d.scanned(l[0], onBlank(b1)))
				d.work()
				d.exec(`UPDATE applications SET delivered_at = now() WHERE id = ?`, l[0].ID)
			},
			pages: func(d *scanDesk, l apps) [][]byte { return [][]byte{d.scanned(l[0])} },
			want:  []string{"question scan loaded 001"}, loaded: []string{"001 " + b1},
		},
		{
			name: "a scan whose paper was handed over stands",
			before: func(d *scanDesk, e *service.Exam, l apps) {
				d.sends(d.anna, e, d.scanned(l[0], onBlank(b1)))
				d.work()
				d.exec(`UPDATE applications SET handed_on = '2026-03-01' WHERE id = ?`, l[0].ID)
			},
			pages: func(d *scanDesk, l apps) [][]byte { return [][]byte{d.scanned(l[0], onBlank(b2))} },
			want:  []string{"question scan loaded 001"}, loaded: []string{"001 " + b1},
		},
		{
			name:   "a spoiled blank",
			before: func(d *scanDesk, _ *service.Exam, _ apps) { d.spoil(b1) },
			pages:  func(d *scanDesk, l apps) [][]byte { return [][]byte{d.scanned(l[0], onBlank(b1))} },
			want:   []string{"question blank spoiled 001"},
		},
		{
			name:   "a blank of another certificate",
			before: func(d *scanDesk, e *service.Exam, l apps) { d.sends(d.anna, e, d.scanned(l[1], onBlank(b1))) },
			pages:  func(d *scanDesk, l apps) [][]byte { return [][]byte{d.scanned(l[0], onBlank(b1))} },
			want:   []string{"question blank used 001"}, loaded: []string{"002 " + b1},
		},
		{
			name: "a blank of no range",
			before: func(d *scanDesk, _ *service.Exam, _ apps) {
				l := &ledger{center: d.center, blanks: d.blanks}
				l.receive("0000000000102-0000000000200")
			},
			pages: func(d *scanDesk, l apps) [][]byte {
				return [][]byte{d.scanned(l[0], onBlank(b1)), d.scanned(l[1], onBlank(b2))}
			},
			want: []string{"question blank outside 001", "matched number+name 002"}, loaded: []string{"002 " + b2},
		},
		{
			name: "one blank on the certificates of two",
			pages: func(d *scanDesk, l apps) [][]byte {
				return [][]byte{d.scanned(l[0], onBlank(b1)), d.scanned(l[1], onBlank(b1))}
			},
			want: []string{"question blank twice 001", "question blank twice 002"},
		},
		{
			name: "a number that no blank of the house has counts as unread, and so does one of two readings",
			pages: func(d *scanDesk, l apps) [][]byte {
				return [][]byte{d.scanned(l[0], onBlank("77")), d.scanned(l[1], func(r *service.PageReading) { r.BlankCode = b1 })}
			},
			want: []string{"matched number+name 001", "matched number+name 002"}, loaded: []string{"001", "002"},
		},
		{
			name: "a page that a person sent to be scanned again does not count as there",
			before: func(d *scanDesk, e *service.Exam, l apps) {
				b := d.sends(d.anna, e, d.scanned(l[0], blotted))
				d.work()
				d.exec(`UPDATE scan_pages SET state = 'aside', rule = 'rescan' WHERE batch_id = ?`, b.ID)
				d.reader.pages[d.pages] = func(*service.PageList) (*service.PageReading, error) { return &service.PageReading{Empty: true}, nil }
			},
			pages: func(d *scanDesk, _ apps) [][]byte { return [][]byte{drawPattern(d.t, d.pages)} },
			want:  []string{"aside empty"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := newScanDesk(t)
			e, list := d.waiting(3)
			if tt.before != nil {
				tt.before(d, e, list)
				d.work()
			}
			b := d.sends(d.anna, e, tt.pages(d, list)...)
			reading := func(kind string) bool { return kind != service.SettleBatch{}.Kind() }
			for d.workOne(reading) {
			}
			if tt.after != nil {
				tt.after(d, e, list)
			}
			d.work()
			if diff := cmp.Diff(tt.want, d.fates(b)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tt.loaded, d.loadedOf(e)); diff != "" {
				t.Error(diff)
			}
			if v := d.view(b); v.Batch.State != service.BatchSettled {
				t.Errorf("the batch is %s", v.Batch.State)
			}
		})
	}
}

// isSettling tells the job that decides.
func isSettling(kind string) bool { return kind == service.SettleBatch{}.Kind() }

// readAll does all jobs but the last, which settles.
func (d *scanDesk) readAll() {
	d.t.Helper()
	for d.workOne(func(kind string) bool { return !isSettling(kind) }) {
	}
}

func TestScansFindTheirExam(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	e, list := d.waiting(2)
	d.waiting(2, elsewhere)
	b := d.sends(d.anna, nil, d.scanned(list[0]), d.scanned(list[1], blotted), d.scanned(list[1], empty))
	if b.ExamID != 0 {
		t.Fatalf("the exam is %d before a page was read", b.ExamID)
	}
	d.work()
	v := d.view(b)
	if v.Exam == nil || v.Exam.ID != e.ID || v.Batch.State != service.BatchSettled {
		t.Fatalf("the view is %+v", v)
	}
	want := []string{"matched number+name 001", "question no number", "aside empty"}
	if diff := cmp.Diff(want, d.fates(b)); diff != "" {
		t.Error(diff)
	}
}

func TestTheExamIsAskedForWhenPagesDoNotAgree(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	first, list := d.waiting(2)
	second, others := d.waiting(2, elsewhere)
	tests := []struct {
		name  string
		pages [][]byte
		sure  map[int64]int // pages by exam
		want  []string      // after the first exam was chosen
	}{
		{"none says anything", [][]byte{d.scanned(list[1], blotted)}, map[int64]int{}, []string{"question no number"}},
		{
			"they are of two",
			[][]byte{d.scanned(others[0]), d.scanned(list[0])},
			map[int64]int{first.ID: 1, second.ID: 1},
			[]string{"question other exam 001", "matched number+name 001"},
		},
	}
	for _, tt := range tests {
		b := d.sends(d.anna, nil, tt.pages...)
		d.work()
		if v := d.view(b); v.Batch.State != service.BatchChoosing || v.Exam != nil {
			t.Fatalf("%s: the batch is %+v", tt.name, v.Batch)
		}
		if diff := cmp.Diff([]string{"scan_batch", "scan_choose"}, d.told(d.anna)); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
		choices, err := d.batches.ExamsToChoose(t.Context(), d.anna, b.ID)
		if err != nil || len(choices) != 2 {
			t.Fatalf("%s: %v, %v", tt.name, choices, err)
		}
		for _, c := range choices {
			if c.Pages != tt.sure[c.ID] {
				t.Errorf("%s: exam %s has %d sure pages", tt.name, c.Number, c.Pages)
			}
		}
		d.chooses(d.anna, b, first)
		if err := d.tryChoose(d.anna, b, second); service.ReasonOf(err) != service.ReasonMovedOn {
			t.Errorf("%s: it is chosen twice: %v", tt.name, err)
		}
		d.work()
		if diff := cmp.Diff(tt.want, d.fates(b)); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
		d.exec(`DELETE FROM notices`)
	}
}

func TestAChosenExamIsReadAgainstItsOwnList(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	d.waiting(1)
	loaded, others := d.waiting(1, elsewhere)
	d.sends(d.anna, loaded, d.scanned(others[0], onBlank("0000000000101")))
	d.work()
	if s := d.current(loaded).CertificateStatus; s != service.CertificatesLoaded {
		t.Fatalf("the exam is %s", s)
	}
	b := d.sends(d.anna, nil, d.scanned(others[0], onBlank("0000000000101"))) // of an exam that waits for nothing
	d.work()
	page := d.pages
	if diff := cmp.Diff([]string{"read number not listed"}, d.fates(b)); diff != "" {
		t.Fatal(diff)
	}
	d.chooses(d.anna, b, loaded)
	d.work()
	if diff := cmp.Diff([]string{"aside duplicate 001"}, d.fates(b)); diff != "" {
		t.Error(diff)
	}
	if d.reader.read[page] != 2 {
		t.Errorf("the page was read %d times", d.reader.read[page])
	}
}

func TestFilesJoinUntilTheBatchIsSettled(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	e, list := d.waiting(3)
	other, _ := d.waiting(1, elsewhere)
	b := d.sends(d.anna, e, d.scanned(list[0]))
	d.readAll()
	again := d.sends(d.anna, e, d.scanned(list[1]))
	loose := d.sends(d.anna, nil, d.scanned(list[2]))
	if again.ID != b.ID || loose.ID != b.ID {
		t.Errorf("files came to the batches %d, %d and %d", b.ID, again.ID, loose.ID)
	}
	if of := d.sends(d.anna, other, d.scanned(list[2], empty)); of.ID == b.ID {
		t.Error("a file of another exam joined")
	}
	if of := d.sends(d.boris, e, d.scanned(list[2], empty)); of.ID == b.ID {
		t.Error("a file of somebody else joined")
	}
	repeated := service.ReceiveScans{ExamID: e.ID, UpdateID: d.updates, ChatRef: "scan", Name: "скан.jpg", Size: 1}
	if _, err := d.batches.Receive(t.Context(), d.boris, repeated); err != nil {
		t.Fatal(err)
	}
	d.work()
	if v := d.view(b); len(v.Files) != 3 || v.Matched != 3 || v.Loaded != 3 || v.More+len(v.Missing) != 0 {
		t.Errorf("the view is %+v", v)
	}
	if late := d.sends(d.anna, e, d.scanned(list[0])); late.ID == b.ID {
		t.Error("a file joined what was settled")
	}
}

func TestAFileThatJoinsCanSayWhichExamItIs(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	e, list := d.waiting(2)
	b := d.sends(d.anna, nil, d.scanned(list[0], blotted))
	d.work()
	if next := d.sends(d.anna, nil, d.scanned(list[1])); next.ID != b.ID {
		t.Fatal("it did not join")
	}
	if s := d.view(b).Batch.State; s != service.BatchOpen {
		t.Errorf("the batch is %s", s)
	}
	d.work()
	if v := d.view(b); v.Batch.State != service.BatchSettled || v.Batch.ExamID != e.ID || v.Matched != 1 || v.Questions != 1 {
		t.Errorf("the view is %+v", v)
	}
}

func TestWhoMaySendScans(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	e, list := d.waiting(1)
	early := d.exam(1, passed)
	page := d.scanned(list[0])
	second := service.Seat{Role: service.RoleCenterStaff, OrgID: d.stranger.Seats[0].OrgID}
	tests := []struct {
		name string
		by   service.Actor
		exam *service.Exam
		file []byte
		want service.Reason
	}{
		{"staff", d.anna, e, page, ""},
		{"another center's staff", d.stranger, e, page, service.ReasonNotFound},
		{"an admin", d.admin, e, page, service.ReasonForbidden},
		{"an admin, without an exam", d.admin, nil, page, service.ReasonForbidden},
		{"before there are numbers", d.anna, early, page, service.ReasonBatchEarly},
		{"no exam waits", d.stranger, nil, page, service.ReasonBatchNoExam},
		{"too large for the chat", d.anna, e, make([]byte, maxDownload+1), service.ReasonFileOverLimit},
	}
	for _, tt := range tests {
		if _, err := d.trySend(tt.by, tt.exam, tt.file, false); service.ReasonOf(err) != tt.want {
			t.Errorf("%s: %v", tt.name, err)
		}
		if tt.exam == nil {
			continue
		}
		want := tt.want
		if want == service.ReasonFileOverLimit {
			want = ""
		}
		if _, err := d.batches.Begin(t.Context(), tt.by, tt.exam.ID); service.ReasonOf(err) != want {
			t.Errorf("%s begins: %v", tt.name, err)
		}
	}
	twice := d.anna
	twice.Seats = append(twice.Seats, second)
	if _, err := d.trySend(twice, nil, page, false); service.ReasonOf(err) != service.ReasonBatchCenter {
		t.Errorf("in two centers: %v", err)
	}
}

func TestWhoMaySeeABatch(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	e, list := d.waiting(1)
	b := d.sends(d.anna, e, d.scanned(list[0]))
	d.work()
	for name, by := range map[string]service.Actor{"another center's staff": d.stranger, "an admin": d.admin} {
		if _, err := d.batches.Batch(t.Context(), by, b.ID); service.ReasonOf(err) != service.ReasonNotFound {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := d.batches.Sheet(t.Context(), by, b.ID, 0); service.ReasonOf(err) != service.ReasonNotFound {
			t.Errorf("%s sees the pages: %v", name, err)
		}
	}
	if _, err := d.batches.Batch(t.Context(), d.boris, b.ID); err != nil {
		t.Errorf("a colleague: %v", err)
	}
	if err := d.batches.Shown(t.Context(), d.boris, b.ID, 5); service.ReasonOf(err) != service.ReasonNotFound {
		t.Errorf("a colleague moves the card: %v", err)
	}
	sheet, err := d.batches.Sheet(t.Context(), d.boris, b.ID, 0)
	if err != nil || string(sheet) != "1" {
		t.Errorf("the picture is %q, %v", sheet, err)
	}
	if sheet, err := d.batches.Sheet(t.Context(), d.boris, b.ID, 1); err != nil || sheet != nil {
		t.Errorf("the picture after the last page is %q, %v", sheet, err)
	}
}

func TestWhatCannotBeReadIsToldAndTheRestGoesOn(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	e, list := d.waiting(2)
	whole := packed(t, d.scanned(list[0]), d.scanned(list[1]))
	b, err := d.trySend(d.anna, e, whole, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range [][]byte{[]byte("не скан"), whole[:len(whole)/2], {}} {
		if _, err := d.trySend(d.anna, e, file, false); err != nil {
			t.Fatal(err)
		}
	}
	d.sends(d.anna, e, drawPattern(t, 0))
	gone := d.updates
	delete(d.chat.files, fmt.Sprintf("scan-%d", gone))
	d.work()
	v := d.view(b)
	if v.Batch.State != service.BatchSettled || v.Matched != 2 || len(v.Files) != 5 || len(v.Refused) != 4 {
		t.Fatalf("the view is %+v", v)
	}
	for _, f := range v.Refused {
		if f.Reason == "" || f.Words != string(f.Reason) {
			t.Errorf("file %s is refused with %q, %q", f.Name, f.Reason, f.Words)
		}
	}
	if last := v.Refused[3]; last.Reason != service.ReasonFileGone {
		t.Errorf("a file that is gone is refused with %q", last.Reason)
	}
}

func TestAFileOfTooManyPagesIsRefusedBeforeTheFirst(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	e, _ := d.waiting(1)
	b := d.sends(d.anna, e, slices.Repeat([][]byte{drawPattern(t, 0)}, 5000)...)
	d.work()
	v := d.view(b)
	if v.Found != 0 || len(v.Refused) != 1 || v.Refused[0].Reason != service.ReasonFileTooManyPages {
		t.Errorf("the view is %+v", v)
	}
}

func TestALooseFileWithoutAPageAsksNothing(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	_, list := d.waiting(1)
	for name, pages := range map[string][][]byte{
		"no scan":              {[]byte("не скан")},
		"an empty sheet":       {d.scanned(list[0], empty)},
		"kills every reader":   {d.unreadable()},
		"both of these, twice": {d.unreadable(), d.scanned(list[0], empty)},
	} {
		b := d.sends(d.anna, nil, pages...)
		d.work()
		if v := d.view(b); v.Batch.State != service.BatchSettled || v.Exam != nil || v.Matched+v.Questions > 0 || v.Aside != v.Found {
			t.Errorf("%s: the view is %+v", name, v)
		}
	}
}

func TestWhoseRightsEndedSendsNothing(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	e, list := d.waiting(1)
	b := d.sends(d.boris, e, d.scanned(list[0]))
	d.exec(`UPDATE memberships SET removed_at = now() WHERE person_id = ?`, d.boris.PersonID)
	d.work()
	if v := d.view(b); v.Batch.State != service.BatchSettled || v.Found != 0 || len(v.Refused) != 1 || v.Refused[0].Reason != service.ReasonForbidden {
		t.Errorf("the view is %+v", v)
	}
}

func TestWhatIsGivenUpDoesNotHoldTheRestUp(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	e, list := d.waiting(2)
	b := d.sends(d.anna, e, d.scanned(list[0]), d.scanned(list[1]))
	d.chat.down = errors.New("no answer")
	d.sends(d.anna, e, d.scanned(list[1]))
	files, err := d.store.ScanFiles(t.Context(), b.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.batches.TakeApart(t.Context(), service.TakeApart{FileID: files[1].ID}); err == nil || service.AsError(err).Kind != service.Internal {
		t.Errorf("a chat that does not answer: %v", err)
	}
	d.chat.down = nil
	if err := d.batches.TakeApart(t.Context(), service.TakeApart{FileID: files[0].ID}); err != nil {
		t.Fatal(err)
	}
	if err := d.batches.GiveUpTakeApart(t.Context(), service.TakeApart{FileID: files[1].ID}); err != nil {
		t.Fatal(err)
	}
	pages, err := d.store.ScanPages(t.Context(), b.ID, nil, 0, 10)
	if err != nil || len(pages) != 2 {
		t.Fatal(pages, err)
	}
	if err := d.batches.GiveUpReadPage(t.Context(), service.ReadPage{PageID: pages[0].ID}); err != nil {
		t.Fatal(err)
	}
	d.work()
	if diff := cmp.Diff([]string{"aside unreadable", "matched number+name 002"}, d.fates(b)); diff != "" {
		t.Error(diff)
	}
	v := d.view(b)
	if v.Batch.State != service.BatchSettled || len(v.Refused) != 1 || v.Refused[0].Reason != service.ReasonFileUnread {
		t.Errorf("the view is %+v", v)
	}
	if err := d.batches.GiveUpSettle(t.Context(), service.SettleBatch{BatchID: b.ID}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"scan_batch", "scan_report", "failed"}, d.told(d.anna)); diff != "" {
		t.Error(diff)
	}
}

// TestWhatDiedWithItsLastTryIsGivenUp stands for a process that is killed again and
// again: the last time nobody is left to give the job up.
func TestWhatDiedWithItsLastTryIsGivenUp(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	e, list := d.waiting(2)
	b := d.sends(d.anna, e, d.scanned(list[0]), d.scanned(list[1]))
	strays := func(want int) {
		t.Helper()
		if n, err := d.batches.GiveUpStrays(t.Context()); err != nil || n != want {
			t.Errorf("%d strays, %v, want %d", n, err, want)
		}
	}
	dies := func(kind string, wait string) {
		t.Helper()
		d.exec(`UPDATE river_job SET state = 'discarded', finalized_at = now() - ?::interval
			WHERE id = (SELECT min(id) FROM river_job WHERE kind = ? AND state = 'available')`, wait, kind)
	}
	strays(0)
	d.sends(d.anna, e, d.scanned(list[1], empty))
	d.workOne(func(kind string) bool { return kind == service.TakeApart{}.Kind() })
	strays(0)
	dies(service.TakeApart{}.Kind(), "0")
	dies(service.ReadPage{}.Kind(), "0")
	strays(2)
	d.readAll()
	dies(service.SettleBatch{}.Kind(), "1 minute")
	strays(0)
	d.exec(`UPDATE river_job SET finalized_at = now() - interval '1 hour' WHERE kind = 'settle_batch'`)
	strays(1)
	d.work()
	strays(0)
	if diff := cmp.Diff([]string{"aside unreadable", "matched number+name 002"}, d.fates(b)); diff != "" {
		t.Error(diff)
	}
	if v := d.view(b); v.Batch.State != service.BatchSettled || len(v.Refused) != 1 {
		t.Errorf("the view is %+v", v)
	}
}

// TestABatchThatCannotBeSettledIsToldOfOnce has the clock try it again and again,
// and then a page that is read anew fail in its turn.
func TestABatchThatCannotBeSettledIsToldOfOnce(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	e, list := d.waiting(1)
	b := d.sends(d.anna, e, d.scanned(list[0], misnamed))
	d.readAll()
	fails := func(times, want int) {
		t.Helper()
		for range times {
			if err := d.batches.GiveUpSettle(t.Context(), service.SettleBatch{BatchID: b.ID}); err != nil {
				t.Fatal(err)
			}
		}
		told := slices.DeleteFunc(d.told(d.anna), func(kind string) bool { return kind != service.FailedNotice{}.NoticeKind() })
		if len(told) != want {
			t.Errorf("it is told of %d times, want %d", len(told), want)
		}
	}
	fails(3, 1)
	d.work()
	if v := d.view(b); v.Batch.State != service.BatchSettled || v.Batch.GivenUpAt != nil {
		t.Fatalf("the batch is %+v", v.Batch)
	}
	fails(3, 2)
}

// TestAPageReadAnewIsNotLeftWithItsJob has the last job die that decides a page which
// was read anew, long after its batch was reported.
func TestAPageReadAnewIsNotLeftWithItsJob(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	e, list := d.waiting(1)
	p := d.askOne(e, d.scanned(list[0], misnamed), service.MatchNameDiffers)
	if _, err := d.questions().Again(t.Context(), d.anna, p.ID, p.Revision); err != nil {
		t.Fatal(err)
	}
	d.readAll()
	d.exec(`UPDATE river_job SET state = 'discarded', finalized_at = now() - interval '1 hour' WHERE kind = 'settle_batch'`)
	if n, err := d.batches.GiveUpStrays(t.Context()); err != nil || n != 1 {
		t.Errorf("%d strays, %v", n, err)
	}
	d.work()
	if l := d.line(p.ID); l.State != service.PageQuestion {
		t.Errorf("the page is %s", l.State)
	}
}

// TestJobsThatRunAgainChangeNothing stands for workers that are killed and their
// jobs taken over by others.
func TestJobsThatRunAgainChangeNothing(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	e, list := d.waiting(3)
	b := d.sends(d.anna, e, d.scanned(list[0], onBlank("0000000000101")), d.scanned(list[1]), d.scanned(list[2], blotted))
	files, err := d.store.ScanFiles(t.Context(), b.ID)
	if err != nil {
		t.Fatal(err)
	}
	taken := service.TakeApart{FileID: files[0].ID}
	// It is killed after its second page.
	d.exec(`CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'killed'; END $$`)
	d.exec(`CREATE TRIGGER stop BEFORE INSERT ON scan_pages FOR EACH ROW WHEN (NEW.number = 3) EXECUTE FUNCTION stop()`)
	if err := d.batches.TakeApart(t.Context(), taken); err == nil {
		t.Fatal("it was not killed")
	}
	d.exec(`DROP TRIGGER stop ON scan_pages`)
	if n := len(d.fates(b)); n != 2 {
		t.Fatalf("%d pages lie there", n)
	}
	d.readAll()
	for range 2 {
		if err := d.batches.TakeApart(t.Context(), taken); err != nil {
			t.Fatal(err)
		}
	}
	pages, err := d.store.ScanPages(t.Context(), b.ID, nil, 0, 10)
	if err != nil || len(pages) != 3 {
		t.Fatal(pages, err)
	}
	again := func() {
		for _, p := range pages {
			if err := d.batches.ReadPage(t.Context(), service.ReadPage{PageID: p.ID}); err != nil {
				t.Fatal(err)
			}
		}
	}
	again()
	again()
	for range 3 {
		if err := d.batches.Settle(t.Context(), service.SettleBatch{BatchID: b.ID}); err != nil {
			t.Fatal(err)
		}
		again()
	}
	d.work()
	want := []string{"matched number+name 001", "matched number+name 002", "question no number"}
	if diff := cmp.Diff(want, d.fates(b)); diff != "" {
		t.Error(diff)
	}
	var scans int
	if err := d.store.Bun().NewRaw(`SELECT count(*) FROM scans`).Scan(t.Context(), &scans); err != nil || scans != 2 {
		t.Errorf("there are %d scans, %v", scans, err)
	}
	if diff := cmp.Diff([]string{"scan_batch", "scan_report"}, d.told(d.anna)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"load_scan awaiting_certificate > awaiting_handover: 0000000000101"}, d.events(service.SubjectApplication, list[0].ID)); diff != "" {
		t.Error(diff)
	}
}

func TestTheSameBatchTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	e, list := d.waiting(2)
	pages := [][]byte{d.scanned(list[0], onBlank("0000000000101")), d.scanned(list[1], blotted), d.scanned(list[1])}
	first := d.sends(d.anna, e, pages...)
	d.work()
	before := d.applications(e)
	b := d.sends(d.boris, e, pages...)
	d.work()
	want := []string{"aside duplicate 001", "aside duplicate", "aside duplicate 002"}
	if diff := cmp.Diff(want, d.fates(b)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(before, d.applications(e)); diff != "" {
		t.Error(diff)
	}
	v := d.view(b)
	if len(v.Repeats) != 1 || v.Repeats[0].Name != "стр002.jpg" || v.RepeatsOf != first.ID {
		t.Errorf("of what waits for a person it repeats %+v of batch %d", v.Repeats, v.RepeatsOf)
	}
	if len(v.AsideBy) != 1 || v.AsideBy[0].Rule != service.PageRuleDuplicate || len(v.AsideBy[0].Pages) != 3 || v.AsideBy[0].Pages[2].Name != "стр003.jpg" {
		t.Errorf("set aside are %+v", v.AsideBy)
	}
}

// TestScansThatABatchTakesOffAreTold sends certificates on other blanks than those
// that are loaded.
func TestScansThatABatchTakesOffAreTold(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	e, list := d.waiting(3)
	first := d.sends(d.anna, e, d.scanned(list[0], onBlank("0000000000101")), d.scanned(list[1], onBlank("0000000000102")),
		d.scanned(list[2], onBlank("0000000000103")))
	d.work()
	second := d.sends(d.boris, e, d.scanned(list[1], onBlank("0000000000202")), d.scanned(list[0], onBlank("0000000000201")))
	d.work()
	takenOff := func(b *service.ScanBatch) []string {
		var out []string
		for _, a := range d.view(b).TakenOff {
			out = append(out, a.Number)
		}
		return out
	}
	if diff := cmp.Diff([]string{list[0].Number, list[1].Number}, takenOff(second)); diff != "" {
		t.Error(diff)
	}
	if got := takenOff(first); got != nil {
		t.Errorf("the first batch took off %v", got)
	}
	want := []string{
		"load_scan awaiting_certificate > awaiting_handover: 0000000000101",
		"contradict_scan awaiting_handover > awaiting_certificate: 0000000000101",
	}
	if diff := cmp.Diff(want, d.events(service.SubjectApplication, list[0].ID)); diff != "" {
		t.Error(diff)
	}
}

// TestThePageThatIsDecidedFirstIsTheOriginal settles the later of two batches with
// one page first: the other does not contradict what it repeats.
func TestThePageThatIsDecidedFirstIsTheOriginal(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	e, list := d.waiting(2)
	page := d.scanned(list[0])
	loose := d.sends(d.boris, nil, page, d.scanned(list[1], blotted))
	d.readAll()
	b := d.sends(d.anna, e, page)
	d.readAll()
	for _, id := range []int64{b.ID, loose.ID} {
		if err := d.batches.Settle(t.Context(), service.SettleBatch{BatchID: id}); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"matched number+name 001"}, d.fates(b)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"aside duplicate 001", "question no number"}, d.fates(loose)); diff != "" {
		t.Error(diff)
	}
}

func TestTwoBatchesAtOnceAreSettledOneAfterTheOther(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	e, list := d.waiting(6)
	var batches []*service.ScanBatch
	for i, by := range []service.Actor{d.anna, d.boris} {
		var pages [][]byte
		for k, a := range list {
			if k < 5 || i == 0 {
				pages = append(pages, d.scanned(a, onBlank(fmt.Sprintf("00000000001%02d", k))))
			}
		}
		batches = append(batches, d.sends(by, e, pages...))
	}
	d.readAll()
	var wg sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		wg.Go(func() { errs[i] = d.batches.Settle(t.Context(), service.SettleBatch{BatchID: batches[i%2].ID}) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	one, two := d.view(batches[0]), d.view(batches[1])
	if one.Matched+two.Matched != 6 || one.Aside+two.Aside != 5 || one.Questions+two.Questions != 0 {
		t.Errorf("the batches are %+v and %+v", one, two)
	}
	if n := len(d.loadedOf(e)); n != 6 {
		t.Errorf("%d are loaded", n)
	}
}

func TestAnAlbumIsAwaited(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	e, list := d.waiting(2)
	b, err := d.trySend(d.anna, e, d.scanned(list[0]), true)
	if err != nil {
		t.Fatal(err)
	}
	d.readAll()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := d.batches.Settle(ctx, service.SettleBatch{BatchID: b.ID}); !errors.Is(err, context.Canceled) {
		t.Errorf("it does not wait: %v", err)
	}
	if next, err := d.trySend(d.anna, e, d.scanned(list[1]), true); err != nil || next.ID != b.ID {
		t.Fatalf("the next of the album came to %+v, %v", next, err)
	}
	d.wait(3 * time.Second)
	d.work()
	if v := d.view(b); v.Batch.State != service.BatchSettled || v.Matched != 2 {
		t.Errorf("the view is %+v", v)
	}
}

// TestFilesThatFollowOneAnotherAreAwaited has a file come while the batch waits for
// it.
func TestFilesThatFollowOneAnotherAreAwaited(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	e, list := d.waiting(2)
	b, err := d.trySend(d.anna, e, d.scanned(list[0]), true)
	if err != nil {
		t.Fatal(err)
	}
	d.readAll()
	second := d.scanned(list[1])
	ctx, cancel := context.WithCancel(t.Context())
	asked, config := 0, d.config
	config.Now = func() time.Time {
		switch asked++; asked {
		case 1:
			d.wait(service.FilesPause)
			if next, err := d.trySend(d.anna, e, second, true); err != nil || next.ID != b.ID {
				t.Errorf("the next file came to %+v, %v", next, err)
			}
			d.readAll()
		case 2:
			cancel()
		}
		return d.now()
	}
	err = service.NewScanBatches(config).Settle(ctx, service.SettleBatch{BatchID: b.ID})
	if v := d.view(b); !errors.Is(err, context.Canceled) || v.Batch.State != service.BatchOpen {
		t.Errorf("after the second file it waits no longer: %v, the batch is %s", err, v.Batch.State)
	}
}

func TestTheCardIsRenewedAtMostEveryThreeSeconds(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	e, list := d.waiting(4)
	due := func() time.Duration {
		t.Helper()
		var at time.Time
		err := d.store.Bun().NewRaw(`SELECT run_at FROM notices WHERE kind = 'scan_batch' AND state = 'queued'`).Scan(t.Context(), &at)
		if err != nil {
			t.Fatal(err)
		}
		return max(0, at.Sub(d.now()))
	}
	sent := func(b *service.ScanBatch) {
		t.Helper()
		d.exec(`UPDATE notices SET state = 'sent'`)
		if err := d.batches.Shown(t.Context(), d.anna, b.ID, 77); err != nil {
			t.Fatal(err)
		}
	}
	one := func() { d.workOne(func(string) bool { return true }) }
	b := d.sends(d.anna, e, d.scanned(list[0]), d.scanned(list[1]), d.scanned(list[2]), d.scanned(list[3]))
	if due() != 0 {
		t.Errorf("the card comes after %s", due())
	}
	sent(b)
	one()
	if due() != 3*time.Second {
		t.Errorf("pages that were found are shown after %s", due())
	}
	one()
	if due() != 0 {
		t.Errorf("the first result is shown after %s", due())
	}
	sent(b)
	d.wait(time.Second)
	one()
	if due() != 2*time.Second {
		t.Errorf("the second is shown after %s", due())
	}
	one()
	one()
	d.wait(4 * time.Second)
	if due() != 0 {
		t.Errorf("the rest is shown after %s", due())
	}
	d.work()
	if diff := cmp.Diff([]string{"scan_batch", "scan_report"}, d.told(d.anna)); diff != "" {
		t.Error(diff)
	}
}

// TestOneScanForEachApplication draws batches in which pages are misread, repeated
// and mixed, and holds what is loaded against what must never be.
func TestOneScanForEachApplication(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	rapid.Check(t, func(rt *rapid.T) {
		e, list := d.waiting(4, func(n int, a *service.Application) {
			a.RegistrationNumber = fmt.Sprintf("26-10-%05d-%06d-1", d.made.Load(), n)
		})
		var drawn [][]byte
		for range rapid.IntRange(1, 3).Draw(rt, "batches") {
			var pages [][]byte
			for range rapid.IntRange(1, 6).Draw(rt, "pages") {
				if len(drawn) > 0 && rapid.IntRange(0, 4).Draw(rt, "again") == 0 {
					pages = append(pages, rapid.SampledFrom(drawn).Draw(rt, "which"))
					continue
				}
				a := rapid.SampledFrom(list).Draw(rt, "whose")
				var changes []func(*service.PageReading)
				if n := rapid.IntRange(0, 3).Draw(rt, "blank"); n > 0 {
					changes = append(changes, onBlank(fmt.Sprintf("%07d%06d", e.ID, n)))
				}
				if rapid.IntRange(0, 5).Draw(rt, "bad") == 0 {
					changes = append(changes, rapid.SampledFrom([]func(*service.PageReading){blotted, empty, misnamed, noBlank}).Draw(rt, "how"))
				}
				pages = append(pages, d.scanned(a, changes...))
			}
			drawn = append(drawn, pages...)
			d.sends(d.anna, e, pages...)
			if rapid.Bool().Draw(rt, "at once") {
				d.work()
			}
		}
		d.work()
		d.holds(rt, e)
	})
}

// holds asks what must be true of an exam whatever was sent.
func (d *scanDesk) holds(t interface{ Errorf(string, ...any) }, e *service.Exam) {
	d.t.Helper()
	for wrong, query := range map[string]string{
		"applications with two scans that stand": `SELECT count(*) FROM (
			SELECT application_id FROM scans WHERE replaced_at IS NULL GROUP BY 1 HAVING count(*) > 1) AS x`,
		"scans that stand and are nobody's": `SELECT count(*) FROM scans AS s JOIN applications AS a ON a.id = s.application_id
			WHERE s.replaced_at IS NULL AND a.scan_id IS DISTINCT FROM s.id`,
		"applications whose scan was replaced": `SELECT count(*) FROM applications AS a JOIN scans AS s ON s.id = a.scan_id
			WHERE s.replaced_at IS NOT NULL OR s.application_id <> a.id`,
		"files that are the scan of two": `SELECT count(*) FROM (
			SELECT s.file_sha FROM scans AS s JOIN applications AS a ON a.scan_id = s.id GROUP BY 1 HAVING count(*) > 1) AS x`,
		"blanks of two": `SELECT count(*) FROM (SELECT blank_series, blank_number FROM scans AS s
			WHERE replaced_at IS NULL AND blank_number <> '' GROUP BY 1, 2 HAVING count(*) > 1) AS x`,
		"blanks that bear no scan": `SELECT count(*) FROM blanks AS b WHERE b.state = 'used' AND NOT EXISTS (
			SELECT 1 FROM scans AS s WHERE s.blank_number = b.number AND s.application_id = b.application_id AND s.replaced_at IS NULL)`,
		"scans on blanks that are not noted": `SELECT count(*) FROM scans AS s WHERE s.replaced_at IS NULL AND s.blank_number <> '' AND NOT EXISTS (
			SELECT 1 FROM blanks AS b WHERE b.state = 'used' AND s.blank_number = b.number AND s.application_id = b.application_id)`,
		"matched pages without their scan": `SELECT count(*) FROM scan_pages AS p JOIN applications AS a ON a.id = p.application_id
			WHERE p.state = 'matched' AND a.scan_id IS DISTINCT FROM p.scan_id`,
		"scans without a matched page": `SELECT count(*) FROM scans AS s WHERE s.replaced_at IS NULL AND s.source = 'page' AND NOT EXISTS (
			SELECT 1 FROM scan_pages AS p WHERE p.scan_id = s.id AND p.state = 'matched')`,
		"pages that are not decided": `SELECT count(*) FROM scan_pages WHERE state IN ('waiting', 'read')`,
		"scans that nobody delivers": `SELECT count(*) FROM applications WHERE (scan_id IS NULL) <> (deliver_at IS NULL)`,
	} {
		var n int
		if err := d.store.Bun().NewRaw(query).Scan(d.t.Context(), &n); err != nil || n != 0 {
			t.Errorf("exam %s: %d %s, %v", e.Number, n, wrong, err)
		}
	}
}

func TestTheSchemaKnowsTheStatesOfBatchesAndPages(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	for constraint, inTable := range map[string][]string{
		"scan_batches_state": stringsOf(service.BatchStates()), "scan_pages_state": stringsOf(service.PageStates()),
	} {
		var check string
		if err := d.store.Bun().NewRaw("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = ?", constraint).Scan(t.Context(), &check); err != nil {
			t.Fatal(err)
		}
		var inSchema []string
		for _, m := range regexp.MustCompile(`'([a-z_]+)'`).FindAllStringSubmatch(check, -1) {
			inSchema = append(inSchema, m[1])
		}
		slices.Sort(inSchema)
		slices.Sort(inTable)
		if diff := cmp.Diff(inTable, inSchema); diff != "" {
			t.Errorf("%s: %s", constraint, diff)
		}
	}
}

func stringsOf[S ~string](list []S) []string {
	out := make([]string, 0, len(list))
	for _, s := range list {
		out = append(out, string(s))
	}
	return out
}

// TestFilesThatComeLateAreMoreOfTheBatchBefore sends more when the first is settled,
// soon after, much later, and as somebody else.
func TestFilesThatComeLateAreMoreOfTheBatchBefore(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	e, list := d.waiting(3)
	other, _ := d.waiting(1, elsewhere)
	first := d.sends(d.anna, e, d.scanned(list[0]))
	d.work()
	after := func(by service.Actor, of *service.Exam) int64 {
		t.Helper()
		b := d.sends(by, of, d.scanned(list[1], empty))
		d.work()
		if v := d.view(b); v.After != nil {
			return v.After.ID
		}
		return 0
	}
	if v := d.view(first); v.After != nil {
		t.Errorf("the first comes after %+v", v.After)
	}
	if got := after(d.boris, e); got != 0 {
		t.Errorf("a colleague's comes after %d", got)
	}
	if got := after(d.anna, other); got != 0 {
		t.Errorf("another exam's comes after %d", got)
	}
	d.wait(10 * time.Minute)
	if got := after(d.anna, e); got != first.ID {
		t.Errorf("the next comes after %d, want %d", got, first.ID)
	}
	d.wait(31 * time.Minute)
	if got := after(d.anna, e); got != 0 {
		t.Errorf("a late one comes after %d", got)
	}
}
