package service_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"flowbot/service"
)

func TestATypedNumberMayBeTypedAnew(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	e := l.exam(3, passed)
	list := l.applications(e)
	in := l.loading(l.anna, list[0], "0000000000101")
	in.RegistrationNumber, in.IssuedOn = "24-10-40538-000902-1", day(t, "2026-02-25")
	a, err := l.scans.Load(t.Context(), l.anna, in)
	if err != nil || !a.NumberTyped {
		t.Fatalf("%+v, %v", a, err)
	}
	taken := l.loading(l.anna, list[1], "0000000000102")
	taken.RegistrationNumber, taken.IssuedOn = "24-10-40538-000902-1", day(t, "2026-02-25")
	_, err = l.scans.Load(t.Context(), l.anna, taken)
	fault := faultIn(err)
	if service.ReasonOf(err) != service.ReasonScanNumberTaken || fault.Application != list[0].Number || !fault.Typed {
		t.Errorf("%v says %+v", err, fault)
	}

	again := l.loading(l.anna, *a, "0000000000103")
	again.Replace, again.RegistrationNumber, again.IssuedOn = true, "24-10-40538-000901-1", day(t, "2026-02-26")
	for name, change := range map[string]func(*service.LoadInput){
		"no number":          func(in *service.LoadInput) { in.RegistrationNumber = "нет" },
		"a day to come":      func(in *service.LoadInput) { in.IssuedOn = day(t, "2030-01-01") },
		"before the exam":    func(in *service.LoadInput) { in.IssuedOn = day(t, "2026-02-01") },
		"an older revision":  func(in *service.LoadInput) { in.Revision-- },
		"without being told": func(in *service.LoadInput) { in.Replace = false },
	} {
		wrong := again
		change(&wrong)
		if _, err := l.scans.Load(t.Context(), l.anna, wrong); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	if a, err = l.scans.Load(t.Context(), l.anna, again); err != nil {
		t.Fatal(err)
	}
	now := l.applications(e)[0]
	if now.RegistrationNumber != "24-10-40538-000901-1" || now.IssuedOn != day(t, "2026-02-26") || now.ValidUntil != day(t, "2029-02-26") || !now.NumberTyped {
		t.Errorf("it is %+v", now)
	}
	if _, err := l.scans.Load(t.Context(), l.anna, taken); err != nil {
		t.Errorf("the number is free for its owner: %v", err)
	}
	want := []string{
		"type_number 24-10-40538-000902-1 от 25.02.2026", "load_scan 0000000000101",
		"retype_number 24-10-40538-000902-1 от 25.02.2026 → 24-10-40538-000901-1 от 26.02.2026", "replace_scan 0000000000103",
	}
	if diff := cmp.Diff(want, l.steps(a.ID)); diff != "" {
		t.Error(diff)
	}
}

// steps are the events of an application with their comments.
func (l *ledger) steps(applicationID int64) []string {
	l.t.Helper()
	list, err := l.store.HistoryOf(l.t.Context(), service.SubjectApplication, applicationID, 50)
	if err != nil {
		l.t.Fatal(err)
	}
	var out []string
	for _, h := range list {
		out = append(out, h.Event+" "+h.Comment)
	}
	return out
}

func TestOnlyWhatAPersonTypedMayBeTypedAnew(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	_, list := d.waiting(3)
	d.exec(`UPDATE applications SET number_typed = true WHERE id = ANY (ARRAY[?0::bigint, ?1::bigint])`, list[1].ID, list[2].ID)
	_, err := d.certificates.Order(t.Context(), d.anna, service.PrintInput{ExamID: list[1].ExamID, Applications: []int64{list[1].ID}})
	if err != nil {
		t.Fatal(err)
	}
	for i, tt := range []struct {
		name        string
		number, day service.Reason
		typed       bool
	}{
		{"imported", service.ReasonScanOtherNumber, service.ReasonScanOtherDay, false},
		{"typed and printed", service.ReasonScanOtherNumber, service.ReasonScanOtherDay, true},
		{"typed", "", "", false},
	} {
		id := list[i].ID
		_, err := d.scans.CheckNumber(t.Context(), d.anna, id, "24-10-40538-000901-1")
		fault := faultIn(err)
		if service.ReasonOf(err) != tt.number || fault.Typed != tt.typed {
			t.Errorf("another number where it is %s: %v says %+v", tt.name, err, fault)
		}
		if err := d.scans.CheckIssued(t.Context(), d.anna, id, day(t, "2026-02-27")); service.ReasonOf(err) != tt.day {
			t.Errorf("another day where it is %s: %v", tt.name, err)
		}
		if got, err := d.scans.CheckNumber(t.Context(), d.anna, id, list[i].RegistrationNumber); err != nil || got != list[i].RegistrationNumber {
			t.Errorf("its own where it is %s: %s, %v", tt.name, got, err)
		}
	}
}

func TestAReplacedBlankIsFreeIfItWasSaidByMistake(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	list := l.applications(l.exam(2, numbered))
	a := l.load(list[0], "0000000000108")
	known, err := l.scans.CheckBlank(t.Context(), l.anna, a.ID, service.BlankKey{Number: "0000000000107"})
	if err != nil || cmp.Diff([]service.BlankKey{{Number: "0000000000108"}}, known.Left) != "" {
		t.Fatalf("%+v, %v", known, err)
	}
	in := l.loading(l.anna, *a, "0000000000107")
	in.Replace, in.Mistaken = true, true
	if a, err = l.scans.Load(t.Context(), l.anna, in); err != nil {
		t.Fatal(err)
	}
	if b, err := l.store.Blank(t.Context(), service.BlankKey{Number: "0000000000108"}); err != nil || b != nil {
		t.Errorf("the blank is %+v, %v", b, err)
	}
	want := []string{"load_scan 0000000000108", "free_blank 0000000000108", "replace_scan 0000000000107"}
	if diff := cmp.Diff(want, l.steps(a.ID)); diff != "" {
		t.Error(diff)
	}
	l.load(list[1], "0000000000108")
}

func TestASpoiledBlankIsTakenBack(t *testing.T) {
	t.Parallel()
	const replaced, own, loose = "0000000000101", "0000000000102", "0000000000150"
	key := func(number string) service.BlankKey { return service.BlankKey{Number: number} }
	l := newLedger(t)
	list := l.applications(l.exam(2, numbered))
	a := l.load(list[0], replaced)
	in := l.loading(l.anna, *a, own)
	in.Replace = true
	a, err := l.scans.Load(t.Context(), l.anna, in)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.blanks.SpoilOf(t.Context(), l.anna, a.ID, a.Revision, "опечатка"); err != nil {
		t.Fatal(err)
	}
	if _, err := l.blanks.Spoil(t.Context(), l.anna, l.org.ID, key(loose), "замятие"); err != nil {
		t.Fatal(err)
	}
	for number, bears := range map[string]bool{replaced: false, own: true, loose: false} {
		seen, err := l.blanks.Spoiled(t.Context(), l.anna, l.org.ID, key(number))
		if err != nil || seen.Bears != bears {
			t.Fatalf("%s: %+v, %v", number, seen, err)
		}
		if _, err := l.blanks.Unspoil(t.Context(), l.anna, l.org.ID, key(number), seen.Revision-1); service.ReasonOf(err) != service.ReasonMovedOn {
			t.Errorf("%s as it was before: %v", number, err)
		}
		for _, by := range []service.Actor{l.stranger, l.admin} {
			if _, err := l.blanks.Unspoil(t.Context(), by, l.org.ID, key(number), seen.Revision); err == nil {
				t.Errorf("%s: %d may", number, by.PersonID)
			}
			if _, err := l.blanks.Spoiled(t.Context(), by, l.org.ID, key(number)); service.ReasonOf(err) != service.ReasonForbidden {
				t.Errorf("%s: %d sees: %v", number, by.PersonID, err)
			}
		}
		if _, err := l.blanks.Unspoil(t.Context(), l.anna, l.org.ID, key(number), seen.Revision); err != nil {
			t.Fatal(err)
		}
		if _, err := l.blanks.Unspoil(t.Context(), l.anna, l.org.ID, key(number), seen.Revision); service.ReasonOf(err) != service.ReasonBlankSound {
			t.Errorf("%s twice: %v", number, err)
		}
		b, err := l.store.Blank(t.Context(), key(number))
		if err != nil || (b != nil) != bears || bears && (b.State != service.BlankUsed || b.ApplicationID != a.ID || b.Reason != "") {
			t.Errorf("%s is %+v, %v", number, b, err)
		}
	}
	want := []string{"spoil_blank " + own, "unspoil_blank " + replaced, "unspoil_blank " + own}
	got := l.steps(a.ID)[2:]
	if len(got) != len(want) {
		t.Errorf("the history has %v", got)
	}
	l.load(list[1], replaced)
}

func TestOfTwoWhoTakeASpoiledBlankBackOneWins(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	a := l.load(l.applications(l.exam(1, numbered))[0], "0000000000101")
	b, err := l.blanks.SpoilOf(t.Context(), l.anna, a.ID, a.Revision, "опечатка")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	errs := make([]error, 2)
	for i, by := range []service.Actor{l.anna, l.boris} {
		wg.Go(func() { _, errs[i] = l.blanks.Unspoil(t.Context(), by, l.org.ID, b.Key(), b.Revision) })
	}
	wg.Wait()
	done := 0
	for _, err := range errs {
		switch service.ReasonOf(err) {
		case "":
			done++
		case service.ReasonBlankSound, service.ReasonMovedOn:
		default:
			t.Error(err)
		}
	}
	if done != 1 {
		t.Errorf("%d have taken it back: %v", done, errs)
	}
}

// typedNumbers says what people typed as numbers of applications: none has "".
func typedNumbers(numbers ...string) func(int, *service.Application) {
	return func(n int, a *service.Application) {
		if number := numbers[n-1]; number != "" {
			a.RegistrationNumber, a.NumberTyped = number, true
			a.IssuedOn = service.NewDay(2026, 2, 25)
			a.ValidUntil = a.Level.ValidUntil(a.IssuedOn)
		}
	}
}

func TestAnAnswerDecidesOnTypedNumbers(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	r.filled()
	number := func(n int) string { return fmt.Sprintf("24-10-40538-%06d-1", n) }
	// The first two have each other's, the third is right, the fourth has the one of
	// the fifth, and the sixth a wrong day.
	e := r.ready(6, typedNumbers(number(2), number(1), number(3), number(5), "", number(6)))
	r.exec(`UPDATE applications SET deliver_at = now() WHERE id = (SELECT min(id) FROM applications)`)
	r.exec(`UPDATE applications SET issued_on = '2026-02-26' WHERE id = (SELECT max(id) FROM applications)`)
	apps := r.applications(e)
	table := numbersOf(apps, func(n int, line []string) { line[4] = number(n) })
	u := r.sent(r.anna, e, "ответ.csv", table)
	report := r.report(r.anna, u)
	var verdicts []service.NumberVerdict
	for i := range report.Rows {
		verdicts = append(verdicts, report.Rows[i].Verdict)
	}
	want := []service.NumberVerdict{
		service.NumberTyped, service.NumberTyped, service.NumberSame, service.NumberTyped, service.NumberTaken, service.NumberTyped,
	}
	if diff := cmp.Diff(want, verdicts); diff != "" {
		t.Fatal(diff)
	}
	if row := report.Rows[4]; row.Holder != apps[3].Number || !row.HolderTyped {
		t.Errorf("the holder of the number is %+v", row)
	}
	if report.Reconcilable() != 5 || report.Confirmed() != 1 || report.Matched != 0 {
		t.Errorf("the report counts %d, %d, %d", report.Reconcilable(), report.Confirmed(), report.Matched)
	}
	in := service.NumbersInput{ExamID: e.ID, UploadID: u.ID, Digest: report.Digest}
	if _, err := r.generate(r.anna, u, report); service.ReasonOf(err) != service.ReasonFrdoNothing {
		t.Errorf("generating writes typed numbers: %v", err)
	}
	old := in
	old.Digest++
	if _, err := r.frdo.Reconcile(t.Context(), r.anna, old); service.ReasonOf(err) != service.ReasonFrdoChanged {
		t.Errorf("by another report: %v", err)
	}
	if _, err := r.frdo.Reconcile(t.Context(), r.stranger, in); err == nil {
		t.Error("anybody may")
	}
	if diff := cmp.Diff(apps, r.applications(e)); diff != "" {
		t.Fatal(diff)
	}
	made, err := r.frdo.Reconcile(t.Context(), r.anna, in)
	if err != nil {
		t.Fatal(err)
	}
	if len(made.Corrected) != 4 || made.Confirmed != 1 || made.Matched != 1 {
		t.Errorf("it makes %+v", made)
	}
	for i, a := range r.applications(e) {
		want := number(i + 1)
		if i == 4 {
			want = ""
		}
		if a.RegistrationNumber != want || a.NumberTyped || want != "" && a.IssuedOn != day(t, "2026-02-25") {
			t.Errorf("%d: %s of %s, typed: %v", i+1, a.RegistrationNumber, a.IssuedOn, a.NumberTyped)
		}
	}
	if steps := r.steps(service.SubjectApplication, apps[0].ID, "correct_number"); len(steps) != 1 ||
		steps[0].Comment != number(2)+" от 25.02.2026 → "+number(1)+" от 25.02.2026" {
		t.Errorf("the history has %+v", steps)
	}
	if _, err := r.frdo.Reconcile(t.Context(), r.anna, in); service.ReasonOf(err) != service.ReasonFrdoChanged {
		t.Errorf("twice: %v", err)
	}
	if report, err = r.generate(r.anna, u, r.report(r.anna, u)); err != nil || report.Matched != 1 {
		t.Errorf("the rest: %+v, %v", report, err)
	}
}

func TestAScanOfACorrectedNumberStays(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		set      string
		withheld int
	}{
		"on its way":     {`deliver_at = now()`, 1},
		"delivered":      {`deliver_at = now(), delivered_at = now()`, 0},
		"recalled":       {`deliver_at = NULL`, 0},
		"of a wrong day": {`deliver_at = now(), registration_number = '24-10-40538-000001-1', issued_on = '2026-02-26'`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRegistry(t)
			e := r.ready(1, typedNumbers("24-10-40538-000009-1"))
			r.exec(`INSERT INTO files (sha256, size, type) VALUES (repeat('a', 64), 1, 'application/pdf')`)
			r.exec(`INSERT INTO scans (application_id, version, file_name, file_sha, clean_sha, source, loaded_at)
				SELECT id, 1, 'скан.pdf', repeat('a', 64), repeat('a', 64), 'person', now() FROM applications`)
			r.exec(`UPDATE applications SET scan_id = (SELECT max(id) FROM scans), ` + tt.set)
			before := r.applications(e)[0]
			u := r.sent(r.anna, e, "ответ.csv", numbersOf([]service.Application{before}, func(_ int, line []string) { line[4] = "24-10-40538-000001-1" }))
			made, err := r.frdo.Reconcile(t.Context(), r.anna, service.NumbersInput{ExamID: e.ID, UploadID: u.ID, Digest: r.report(r.anna, u).Digest})
			if err != nil {
				t.Fatal(err)
			}
			now := r.applications(e)[0]
			if made.Withheld != tt.withheld || (now.DeliverAt != nil) != (before.DeliverAt != nil && tt.withheld == 0) || now.ScanID != before.ScanID {
				t.Errorf("it makes %+v of %+v", made, now)
			}
			if now.RegistrationNumber != "24-10-40538-000001-1" || now.NumberTyped {
				t.Errorf("it has %s", now.RegistrationNumber)
			}
			if u, err = r.uploads.Current(t.Context(), r.anna, service.UploadNumbers, e.ID); err != nil || u != nil {
				t.Errorf("the table lies there: %+v, %v", u, err)
			}
		})
	}
}

func TestOnlyTypedNumbersOpenAnExamThatHasItsNumbers(t *testing.T) {
	t.Parallel()
	r := newRegistry(t)
	typedAll := r.ready(1, typedNumbers("24-10-40538-000009-1"))
	imported := r.ready(1, numbered)
	if err := r.frdo.WhyNoNumbers(t.Context(), r.anna, typedAll.ID); err != nil {
		t.Error(err)
	}
	if err := r.frdo.WhyNoNumbers(t.Context(), r.anna, imported.ID); service.ReasonOf(err) != service.ReasonFrdoNumbered {
		t.Error(err)
	}
}

// faultIn is what a refusal says of a certificate.
func faultIn(err error) service.ScanFault {
	if err == nil {
		return service.ScanFault{}
	}
	fault, _ := service.AsError(err).Data.(service.ScanFault)
	return fault
}
