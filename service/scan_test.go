package service_test

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"flowbot/service"
)

// upload puts an accepted file before a person, for an application or an exam.
func (l *ledger) upload(by service.Actor, purpose service.UploadPurpose, subjectID int64, content string) int64 {
	l.t.Helper()
	sha, size, err := l.files.Put(l.t.Context(), bytes.NewReader([]byte(content)))
	if err != nil {
		l.t.Fatal(err)
	}
	u := &service.Upload{
		PersonID: by.PersonID, Purpose: purpose, SubjectID: subjectID, UpdateID: l.made.Add(1), Name: "скан.pdf",
		State: service.UploadAccepted, FileSHA: sha, CleanSHA: sha, Type: "application/pdf", Pages: 1, AddedAt: l.now(),
	}
	err = l.store.InTx(l.t.Context(), func(ctx context.Context, tx service.Tx) error {
		if err := tx.SaveFile(ctx, service.File{SHA256: sha, Size: size, Type: "application/pdf"}); err != nil {
			return err
		}
		_, err := tx.InsertUpload(ctx, u)
		return err
	})
	if err != nil {
		l.t.Fatal(err)
	}
	return u.ID
}

// loading is what loads the scan of an application on a blank, all of it right.
func (l *ledger) loading(by service.Actor, a service.Application, blank string) service.LoadInput {
	l.t.Helper()
	return service.LoadInput{
		ApplicationID: a.ID, Revision: a.Revision, UploadID: l.upload(by, service.UploadScan, a.ID, fmt.Sprintf("скан %d", l.made.Add(1))),
		Blank: service.BlankKey{Number: blank}, RegistrationNumber: a.RegistrationNumber, IssuedOn: a.IssuedOn, Confirmed: true,
	}
}

func (l *ledger) load(a service.Application, blank string) *service.Application {
	l.t.Helper()
	got, err := l.scans.Load(l.t.Context(), l.anna, l.loading(l.anna, a, blank))
	if err != nil {
		l.t.Fatal(err)
	}
	return got
}

func TestALoadIsHeldAgainstWhatIsKnown(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	list := l.applications(l.exam(4, numbered, func(n int, a *service.Application) {
		switch n {
		case 3:
			a.RegistrationNumber, a.IssuedOn, a.ValidUntil = "", service.Day{}, service.Day{}
		case 4:
			a.Outcome, a.RegistrationNumber, a.IssuedOn, a.ValidUntil = service.OutcomeFailed, "", service.Day{}, service.Day{}
		}
	}))
	l.load(list[1], "0000000000102")
	if _, err := l.blanks.Spoil(t.Context(), l.anna, l.org.ID, service.BlankKey{Number: "0000000000103"}, "порван"); err != nil {
		t.Fatal(err)
	}
	l.receive("0000000000101-0000000000200")
	tests := []struct {
		name   string
		of     int
		change func(in *service.LoadInput)
		by     service.Actor
		reason service.Reason
	}{
		{"another center's", 0, func(*service.LoadInput) {}, l.stranger, service.ReasonNotFound},
		{"an admin", 0, func(*service.LoadInput) {}, l.admin, service.ReasonForbidden},
		{"of an older revision", 0, func(in *service.LoadInput) { in.Revision-- }, l.anna, service.ReasonMovedOn},
		{"who failed", 3, func(in *service.LoadInput) { in.RegistrationNumber, in.IssuedOn = "24-1", day(t, "2026-02-25") }, l.anna, service.ReasonScanNotEntitled},
		{"another number", 0, func(in *service.LoadInput) { in.RegistrationNumber = "24-1" }, l.anna, service.ReasonScanOtherNumber},
		{"no number", 0, func(in *service.LoadInput) { in.RegistrationNumber = "нет" }, l.anna, service.ReasonScanNumber},
		{"a number of somebody else", 2, func(in *service.LoadInput) {
			in.RegistrationNumber, in.IssuedOn = list[0].RegistrationNumber, day(t, "2026-02-25")
		}, l.anna, service.ReasonScanNumberTaken},
		{"another day", 0, func(in *service.LoadInput) { in.IssuedOn = day(t, "2026-02-26") }, l.anna, service.ReasonScanOtherDay},
		{"a day to come", 2, func(in *service.LoadInput) { in.RegistrationNumber, in.IssuedOn = "24-1", day(t, "2030-01-01") }, l.anna, service.ReasonScanDayLate},
		{"a day before the exam", 2, func(in *service.LoadInput) { in.RegistrationNumber, in.IssuedOn = "24-1", day(t, "2026-02-23") }, l.anna, service.ReasonScanDayEarly},
		{"no day", 2, func(in *service.LoadInput) { in.RegistrationNumber = "24-1" }, l.anna, service.ReasonScanDay},
		{"a used blank", 0, func(in *service.LoadInput) { in.Blank.Number = "0000000000102" }, l.anna, service.ReasonBlankUsed},
		{"a spoiled blank", 0, func(in *service.LoadInput) { in.Blank.Number = "0000000000103" }, l.anna, service.ReasonBlankUsed},
		{"no blank", 0, func(in *service.LoadInput) { in.Blank.Number = " - " }, l.anna, service.ReasonBlankNumber},
		{"a blank of no range", 0, func(in *service.LoadInput) { in.Blank.Number = "0000000000201" }, l.anna, service.ReasonBlankOutside},
		{"somebody else's file", 0, func(in *service.LoadInput) {
			in.UploadID = l.upload(l.boris, service.UploadScan, list[0].ID, "чужой")
		}, l.anna, service.ReasonNotFound},
		{"a file of another application", 0, func(in *service.LoadInput) {
			in.UploadID = l.upload(l.anna, service.UploadScan, list[2].ID, "другой")
		}, l.anna, service.ReasonNotFound},
		{"a second scan", 1, func(*service.LoadInput) {}, l.anna, service.ReasonScanLoaded},
	}
	for _, tt := range tests {
		a, err := l.store.Application(t.Context(), service.CommandLine, list[tt.of].ID)
		if err != nil {
			t.Fatal(err)
		}
		in := l.loading(l.anna, *a, "0000000000101")
		tt.change(&in)
		if _, err := l.scans.Load(t.Context(), tt.by, in); service.ReasonOf(err) != tt.reason {
			t.Errorf("%s: %v, want %s", tt.name, err, tt.reason)
		}
		now, err := l.store.Application(t.Context(), service.CommandLine, a.ID)
		if diff := cmp.Diff(a, now); err != nil || diff != "" {
			t.Errorf("%s changes it: %v %s", tt.name, err, diff)
		}
	}
}

func TestALoadWritesEverythingAtOnce(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	e := l.exam(1, passed)
	a := l.applications(e)[0]
	in := l.loading(l.anna, a, "0000000000101")
	in.RegistrationNumber, in.IssuedOn = " 24 – 10-40538-000001-1", day(t, "2026-02-25")
	got, err := l.scans.Load(t.Context(), l.anna, in)
	if err != nil {
		t.Fatal(err)
	}
	now := l.applications(e)[0]
	at := l.now().Add(hold)
	want := a
	want.NumberTyped = true
	want.RegistrationNumber, want.IssuedOn, want.ValidUntil = "24-10-40538-000001-1", day(t, "2026-02-25"), day(t, "2029-02-25")
	want.ScanID, want.DeliverAt, want.Revision, want.UpdatedAt = got.ScanID, &at, a.Revision+1, now.UpdatedAt
	want.BlankNumber, want.BlankState, want.ScanSource = "0000000000101", service.BlankUsed, service.ScanByPerson
	if diff := cmp.Diff(want, now); diff != "" {
		t.Error(diff)
	}
	if s := now.Status(); s != service.ApplicationAwaitingHandover {
		t.Errorf("it is %s", s)
	}
	scan, err := l.store.Scan(t.Context(), now.ScanID)
	if err != nil || scan.Version != 1 || scan.Source != service.ScanByPerson || scan.LoadedBy != l.anna.PersonID || scan.FileName != "скан.pdf" {
		t.Errorf("the scan is %+v, %v", scan, err)
	}
	if u, err := l.uploads.Current(t.Context(), l.anna, service.UploadScan, a.ID); err != nil || u != nil {
		t.Errorf("the file still lies: %+v, %v", u, err)
	}
	_, doc, err := l.scans.Document(t.Context(), l.admin, a.ID)
	if err != nil || doc.Name != a.Number+".pdf" {
		t.Errorf("the document is %+v, %v", doc, err)
	}
	if _, _, err := l.scans.Document(t.Context(), l.stranger, a.ID); service.ReasonOf(err) != service.ReasonNotFound {
		t.Error(err)
	}
}

func TestAReplacedScanSpoilsItsBlank(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	a := l.load(l.applications(l.exam(1, numbered))[0], "0000000000101")
	a, err := l.scans.HandOver(t.Context(), l.anna, a.ID, a.Revision, day(t, "2026-02-26"))
	if err != nil {
		t.Fatal(err)
	}
	first := a.ScanID

	in := l.loading(l.boris, *a, "0000000000101")
	in.Replace = true
	again, err := l.scans.Load(t.Context(), l.boris, in)
	if err != nil {
		t.Fatal(err)
	}
	if again.Status() != service.ApplicationCompleted {
		t.Errorf("a better scan of the same paper makes it %s", again.Status())
	}
	in = l.loading(l.boris, *again, "0000000000102")
	in.Replace = true
	other, err := l.scans.Load(t.Context(), l.boris, in)
	if err != nil {
		t.Fatal(err)
	}
	if other.Status() != service.ApplicationAwaitingHandover {
		t.Errorf("another paper makes it %s", other.Status())
	}
	old, err := l.store.Scan(t.Context(), first)
	if err != nil || old.ReplacedAt == nil {
		t.Errorf("the first scan is %+v, %v", old, err)
	}
	b, err := l.store.Blank(t.Context(), service.BlankKey{Number: "0000000000101"})
	if err != nil || b.State != service.BlankSpoiled || b.Reason != service.BlankReplaced || b.ApplicationID != a.ID {
		t.Errorf("the old blank is %+v, %v", b, err)
	}
	scan, err := l.store.Scan(t.Context(), other.ScanID)
	if err != nil || scan.Version != 3 {
		t.Errorf("the newest scan is %+v, %v", scan, err)
	}
	var events []string
	steps, err := l.store.HistoryOf(t.Context(), service.SubjectApplication, a.ID, 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range steps {
		events = append(events, s.Event)
	}
	if diff := cmp.Diff([]string{"load_scan", "hand_over", "replace_scan", "replace_scan"}, events); diff != "" {
		t.Error(diff)
	}
}

func TestABlankMustBeOneOfTheCentersHouse(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	a := l.applications(l.exam(1, numbered))[0]
	for profile, numbers := range map[string]map[string]bool{
		"plain":  {"0000000000101": true, "000000000101": false, "АБ 0000000000101": false},
		"series": {"АБ 000101": true, "000101": false, "АБ 0000101": false},
	} {
		l.exec(`INSERT INTO centers (org_id, blank_profile) VALUES (?0, ?1) ON CONFLICT (org_id) DO UPDATE SET blank_profile = ?1`, l.org.ID, profile)
		for text, fits := range numbers {
			key, err := service.ReadBlank(text)
			if err != nil {
				t.Fatal(err)
			}
			_, err = l.scans.CheckBlank(t.Context(), l.anna, a.ID, key)
			if fits != (err == nil) || !fits && service.ReasonOf(err) != service.ReasonBlankPattern {
				t.Errorf("%s at %s: %v", text, profile, err)
			}
		}
	}
}

func (c *center) exec(query string, args ...any) {
	c.t.Helper()
	if _, err := c.store.Bun().NewRaw(query, args...).Exec(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
}

func TestOfTwoWhoLoadAtOnceOneWins(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	a := l.applications(l.exam(1, numbered))[0]
	errs := make([]error, 2)
	var wg sync.WaitGroup
	for i, by := range []service.Actor{l.anna, l.boris} {
		in := l.loading(by, a, fmt.Sprintf("000000000010%d", i))
		wg.Go(func() { _, errs[i] = l.scans.Load(t.Context(), by, in) })
	}
	wg.Wait()
	if (errs[0] == nil) == (errs[1] == nil) {
		t.Fatalf("%v, %v", errs[0], errs[1])
	}
	for _, err := range errs {
		if err != nil && service.ReasonOf(err) != service.ReasonMovedOn {
			t.Error(err)
		}
	}
	counts, err := l.store.BlankCounts(t.Context(), l.org.ID)
	if err != nil || counts.Used != 1 {
		t.Errorf("%+v, %v", counts, err)
	}
}

func TestPapersAreHandedOverOnce(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	e := l.exam(3, numbered)
	list := l.applications(e)
	if _, err := l.scans.HandOverAll(t.Context(), l.anna, e.ID, day(t, "2026-02-26")); service.ReasonOf(err) != service.ReasonHandedNobody {
		t.Error(err)
	}
	if _, err := l.scans.HandOver(t.Context(), l.anna, list[0].ID, list[0].Revision, day(t, "2026-02-26")); service.ReasonOf(err) != service.ReasonScanMissing {
		t.Error(err)
	}
	first, second := l.load(list[0], "0000000000101"), l.load(list[1], "0000000000102")
	for name, try := range map[string]struct {
		by     service.Actor
		on     string
		reason service.Reason
	}{
		"before it was issued": {l.anna, "2026-02-24", service.ReasonHandedEarly},
		"in the future":        {l.anna, "2030-01-01", service.ReasonScanDayLate},
		"by another center":    {l.stranger, "2026-02-26", service.ReasonNotFound},
		"by an admin":          {l.admin, "2026-02-26", service.ReasonForbidden},
	} {
		if _, err := l.scans.HandOver(t.Context(), try.by, first.ID, first.Revision, day(t, try.on)); service.ReasonOf(err) != try.reason {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := l.scans.HandOverAll(t.Context(), try.by, e.ID, day(t, try.on)); service.ReasonOf(err) != try.reason {
			t.Errorf("all %s: %v", name, err)
		}
	}
	handed, err := l.scans.HandOver(t.Context(), l.anna, first.ID, first.Revision, day(t, "2026-02-26"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.scans.HandOver(t.Context(), l.boris, first.ID, first.Revision, day(t, "2026-02-26")); service.ReasonOf(err) != service.ReasonMovedOn {
		t.Error(err)
	}
	if n, err := l.scans.HandOverAll(t.Context(), l.boris, e.ID, day(t, "2026-02-27")); err != nil || n != 1 {
		t.Errorf("%d, %v", n, err)
	}
	if _, err := l.scans.TakeBack(t.Context(), l.boris, second.ID, second.Revision); service.ReasonOf(err) != service.ReasonMovedOn {
		t.Error(err)
	}
	back, err := l.scans.TakeBack(t.Context(), l.boris, first.ID, handed.Revision)
	if err != nil || back.Status() != service.ApplicationAwaitingHandover {
		t.Errorf("%+v, %v", back, err)
	}
	if _, err := l.scans.TakeBack(t.Context(), l.boris, first.ID, back.Revision); service.ReasonOf(err) != service.ReasonHandedNot {
		t.Error(err)
	}
}
