package service_test

import (
	"bytes"
	"crypto/rand"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flowbot/service"
)

func (d *scanDesk) links() *service.UploadLinks {
	return service.NewUploadLinks(d.store, d.batches, rand.Reader, d.now)
}

// link gives somebody a link and returns its token.
func (d *scanDesk) link(l *service.UploadLinks, by service.Actor, e *service.Exam) (string, *service.UploadLink) {
	d.t.Helper()
	d.updates++
	token, made, err := l.Give(d.t.Context(), by, e.ID, d.updates)
	if err != nil {
		d.t.Fatal(err)
	}
	return token, made
}

// stored puts a file of pages into the file store.
func (d *scanDesk) stored(pages ...[]byte) (sha string, size int64) {
	d.t.Helper()
	sha, size, err := d.files.Put(d.t.Context(), bytes.NewReader(packed(d.t, pages...)))
	if err != nil {
		d.t.Fatal(err)
	}
	return sha, size
}

func TestAFileOfALinkJoinsTheBatchOnce(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	e, list := d.waiting(2)
	l := d.links()
	token, made := d.link(l, d.anna, e)
	sha, size := d.stored(d.scanned(list[0]), d.scanned(list[1]))
	in, at := service.UploadFile{LinkID: made.ID, Upload: "a", Name: "../скан\x00.zip", Size: size}, d.now().UTC()
	for range 2 {
		if err := l.Receive(t.Context(), in, sha); err != nil {
			t.Fatal(err)
		}
	}
	d.work()
	d.quiet()
	if diff := cmp.Diff([]string{"001", "002"}, d.loadedOf(e)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"scan_batch", "scan_report"}, d.told(d.anna)); diff != "" {
		t.Error(diff)
	}
	v, err := l.Visit(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	came, err := l.Files(t.Context(), v)
	if err != nil {
		t.Fatal(err)
	}
	want := []service.UploadFile{{LinkID: made.ID, Upload: "a", BatchID: came[0].BatchID, Name: "скан.zip", Size: size, AddedAt: at}}
	if diff := cmp.Diff(want, came); diff != "" {
		t.Error(diff)
	}
}

// TestALinkInUseHoldsItsBatchOpen has a batch wait for a file that takes long, and
// for the word that these were all.
func TestALinkInUseHoldsItsBatchOpen(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	e, list := d.waiting(2)
	l := d.links()
	token, made := d.link(l, d.anna, e)
	come := func(name string, a service.Application) {
		t.Helper()
		sha, size := d.stored(d.scanned(a))
		if err := l.Receive(t.Context(), service.UploadFile{LinkID: made.ID, Upload: name, Name: "скан.zip", Size: size}, sha); err != nil {
			t.Fatal(err)
		}
		d.work()
	}
	visit, err := l.Visit(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Coming(t.Context(), visit); err != nil { // there is no batch yet
		t.Fatal(err)
	}
	come("a", list[0])
	for range 10 {
		d.wait(service.SessionPause * 3 / 4)
		if err := l.Coming(t.Context(), visit); err != nil {
			t.Fatal(err)
		}
		d.due()
	}
	come("b", list[1])
	if got := d.loadedOf(e); got != nil {
		t.Errorf("before the end loaded are %q", got)
	}
	for range 2 { // pressed twice
		if err := l.Finish(t.Context(), token); err != nil {
			t.Fatal(err)
		}
	}
	d.work()
	if diff := cmp.Diff([]string{"001", "002"}, d.loadedOf(e)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"scan_batch", "scan_report"}, d.told(d.anna)); diff != "" {
		t.Error(diff)
	}
	if err := l.Coming(t.Context(), visit); err != nil { // it is settled
		t.Fatal(err)
	}
}

func TestALinkEndsAndEverybodyIsToldTheSame(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		end  func(d *scanDesk, l *service.UploadLinks, token string, made *service.UploadLink)
	}{
		{"it was never given", func(d *scanDesk, _ *service.UploadLinks, _ string, made *service.UploadLink) {
			d.exec(`UPDATE upload_links SET token_hash = '\x00' WHERE id = ?`, made.ID)
		}},
		{"it is used", func(d *scanDesk, l *service.UploadLinks, token string, _ *service.UploadLink) {
			for range 2 { // pressed twice
				if err := l.Finish(d.t.Context(), token); err != nil {
					d.t.Fatal(err)
				}
			}
		}},
		{"its time is over", func(d *scanDesk, _ *service.UploadLinks, _ string, _ *service.UploadLink) {
			d.wait(90 * time.Minute)
		}},
		{"another took its place", func(d *scanDesk, l *service.UploadLinks, _ string, made *service.UploadLink) {
			if _, again := d.link(l, d.anna, &service.Exam{ID: made.ExamID}); again.ID != made.ID {
				d.t.Errorf("link %d beside %d", again.ID, made.ID)
			}
		}},
		{"its person works there no more", func(d *scanDesk, _ *service.UploadLinks, _ string, _ *service.UploadLink) {
			d.exec(`UPDATE memberships SET removed_at = now() WHERE person_id = ?`, d.anna.PersonID)
		}},
		{"its person works elsewhere now", func(d *scanDesk, _ *service.UploadLinks, _ string, _ *service.UploadLink) {
			d.exec(`UPDATE memberships SET org_id = ? WHERE person_id = ?`, d.stranger.Seats[0].OrgID, d.anna.PersonID)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := newScanDesk(t)
			e, list := d.waiting(1)
			l := d.links()
			token, made := d.link(l, d.anna, e)
			if _, err := l.Visit(t.Context(), token); err != nil {
				t.Fatalf("before: %v", err)
			}
			tt.end(d, l, token, made)
			if _, err := l.Visit(t.Context(), token); service.ReasonOf(err) != service.ReasonUploadLink {
				t.Errorf("after it ended a visit gives %v", err)
			}
			if _, err := l.Visit(t.Context(), token+"x"); service.ReasonOf(err) != service.ReasonUploadLink {
				t.Errorf("another token gives %v", err)
			}
			if tt.name == "another took its place" || tt.name == "it was never given" {
				return // the link itself stands
			}
			sha, size := d.stored(d.scanned(list[0]))
			err := l.Receive(t.Context(), service.UploadFile{LinkID: made.ID, Upload: "a", Name: "a", Size: size}, sha)
			if service.ReasonOf(err) != service.ReasonUploadLink {
				t.Errorf("after it ended a file gives %v", err)
			}
		})
	}
}

func TestALinkIsGivenToStaffOfTheCenterAlone(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	e, _ := d.waiting(1)
	early := d.exam(1, passed)
	for _, tt := range []struct {
		name string
		by   service.Actor
		exam *service.Exam
		want service.Reason
	}{
		{"another center's", d.stranger, e, service.ReasonNotFound},
		{"an admin", d.admin, e, service.ReasonForbidden},
		{"before anybody has a number", d.anna, early, service.ReasonBatchEarly},
	} {
		if _, _, err := d.links().Give(t.Context(), tt.by, tt.exam.ID, 1); service.ReasonOf(err) != tt.want {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.want)
		}
	}
}

func TestWhatWasBegunInTimeMayEnd(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	e, list := d.waiting(1)
	l := d.links()
	token, made := d.link(l, d.anna, e)
	d.wait(30 * time.Minute)
	v, err := l.Visit(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.MayBegin(t.Context(), v); service.ReasonOf(err) != service.ReasonUploadLink {
		t.Errorf("a file may be begun late: %v", err)
	}
	sha, size := d.stored(d.scanned(list[0]))
	if err := l.Receive(t.Context(), service.UploadFile{LinkID: made.ID, Upload: "a", Name: "a", Size: size}, sha); err != nil {
		t.Error(err)
	}
	for _, tt := range []struct {
		after time.Duration
		want  []int64
	}{{59 * time.Minute, []int64{made.ID}}, {time.Minute, nil}} {
		d.wait(tt.after)
		living, err := l.Living(t.Context(), []int64{made.ID, made.ID + 1})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, living); diff != "" {
			t.Errorf("%s later: %s", tt.after, diff)
		}
	}
}

func TestALinkTakesSoManyFiles(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	e, list := d.waiting(1)
	l := d.links()
	token, made := d.link(l, d.anna, e)
	sha, size := d.stored(d.scanned(list[0]))
	if err := l.Receive(t.Context(), service.UploadFile{LinkID: made.ID, Upload: "0", Name: "a", Size: size}, sha); err != nil {
		t.Fatal(err)
	}
	d.exec(`INSERT INTO upload_files (link_id, upload, batch_id, name, size, added_at)
		SELECT link_id, n::text, batch_id, name, size, added_at FROM upload_files, generate_series(1, 299) AS n WHERE link_id = ?`, made.ID)
	v, err := l.Visit(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.MayBegin(t.Context(), v); service.ReasonOf(err) != service.ReasonUploadLinkFiles {
		t.Errorf("the 301st file gives %v", err)
	}
	d.wait(time.Minute)
	token, _ = d.link(l, d.anna, e)
	if v, err = l.Visit(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	if err := l.MayBegin(t.Context(), v); err != nil {
		t.Errorf("the first file of a new link gives %v", err)
	}
}
