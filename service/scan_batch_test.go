package service_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

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
				return [][]byte{d.scanned(l[0], blotted, func(r *service.PageReading) { r.NumberSecond = l[0].RegistrationNumber })}
			},
			want: []string{"matched readers+name 001"}, loaded: []string{"001"},
		},
		{
			name:  "another name",
			pages: func(d *scanDesk, l apps) [][]byte { return [][]byte{d.scanned(l[0], misnamed)} },
			want:  []string{"question name differs"},
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
			before: func(d *scanDesk, e *service.Exam, l apps) {
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
