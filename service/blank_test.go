package service_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flowbot/service"
	"flowbot/service/pdf"
)

func TestABlankIsReadAsPeopleTypeIt(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text   string
		want   service.BlankKey
		reason service.Reason
	}{
		{"0000000000123", service.BlankKey{Number: "0000000000123"}, ""},
		{" 000 000 0000123 ", service.BlankKey{Number: "0000000000123"}, ""},
		{"-0000123-", service.BlankKey{Number: "0000123"}, ""},
		{"АБ 000123", service.BlankKey{Series: "АБ", Number: "000123"}, ""},
		{"аб000123", service.BlankKey{Series: "АБ", Number: "000123"}, ""},
		{"AB-000123", service.BlankKey{Series: "АВ", Number: "000123"}, ""},
		{"FА 000123", service.BlankKey{Series: "FA", Number: "000123"}, ""},
		{"7734 № 000123", service.BlankKey{Series: "7734", Number: "000123"}, ""},
		{"№ 000123", service.BlankKey{Number: "000123"}, ""},
		{"7Б 000123", service.BlankKey{Series: "7Б", Number: "000123"}, ""},
		{"ЖF 000123", service.BlankKey{}, service.ReasonBlankSeries},
		{"АБВГДЕЖЗИКЛ 1", service.BlankKey{}, service.ReasonBlankSeries},
		{"АБ+ 1", service.BlankKey{}, service.ReasonBlankSeries},
		{"٠٠١", service.BlankKey{}, service.ReasonBlankNumber},
		{"００１", service.BlankKey{}, service.ReasonBlankNumber},
		{"0001x", service.BlankKey{}, service.ReasonBlankNumber},
		{"000-001", service.BlankKey{}, service.ReasonBlankNumber},
		{"1234567890123456789", service.BlankKey{}, service.ReasonBlankNumber},
		{"АБ", service.BlankKey{}, service.ReasonBlankNumber},
		{"", service.BlankKey{}, service.ReasonBlankNumber},
		{"–", service.BlankKey{}, service.ReasonBlankNumber},
	}
	for _, tt := range tests {
		got, err := service.ReadBlank(tt.text)
		if got != tt.want || service.ReasonOf(err) != tt.reason {
			t.Errorf("%q is %+v, %v", tt.text, got, err)
		}
	}
}

func TestARangeOfBlanksIsReadAsPeopleTypeIt(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text   string
		want   service.BlankRange
		reason service.Reason
	}{
		{"0000000000101–0000000000200", service.BlankRange{First: "0000000000101", Last: "0000000000200", Count: 100}, ""},
		{"101-101", service.BlankRange{First: "101", Last: "101", Count: 1}, ""},
		{"АБ 000101 — 000110", service.BlankRange{Series: "АБ", First: "000101", Last: "000110", Count: 10}, ""},
		{"серия № 1-2", service.BlankRange{Series: "СЕРИЯ", First: "1", Last: "2", Count: 2}, ""},
		{"101 200", service.BlankRange{First: "101", Last: "200", Count: 100}, ""},
		{"200-101", service.BlankRange{}, service.ReasonBlankRange},
		{"1-0101", service.BlankRange{}, service.ReasonBlankRange},
		{"101", service.BlankRange{}, service.ReasonBlankRange},
		{"101 до 200", service.BlankRange{}, service.ReasonBlankRange},
		{"101-200 шт", service.BlankRange{}, service.ReasonBlankRange},
		{"0000000-1000000", service.BlankRange{}, service.ReasonBlankRangeLong},
		{"١-٢", service.BlankRange{}, service.ReasonBlankRange},
	}
	for _, tt := range tests {
		got, err := service.ReadBlankRange(tt.text)
		if diff := cmp.Diff(tt.want, got); diff != "" || service.ReasonOf(err) != tt.reason {
			t.Errorf("%q: %v %s", tt.text, err, diff)
		}
	}
}

// ledger is a center with its blanks and scans.
type ledger struct {
	*center
	blanks  *service.Blanks
	scans   *service.Scans
	uploads *service.Uploads
}

const hold = 10 * time.Minute

func newLedger(t *testing.T) *ledger {
	t.Helper()
	l := &ledger{center: newCenter(t)}
	l.blanks = service.NewBlanks(l.store, l.now)
	say := func(r service.Reason, _ any) (string, error) { return string(r), nil }
	l.uploads = service.NewUploads(l.store, nil, nil, l.files, 20<<20, say, l.now)
	profiles := []service.BlankProfile{{Code: "plain", Digits: 13}, {Code: "series", Digits: 6, Series: true}}
	printer, err := pdf.New()
	if err != nil {
		t.Fatal(err)
	}
	l.scans = service.NewScans(service.ScansConfig{
		Store: l.store, Files: l.files, Uploads: l.uploads, Printer: printer, Profiles: profiles, Hold: hold, Now: l.now,
	})
	if _, err := l.store.Bun().NewRaw(`INSERT INTO centers (org_id, blank_profile) SELECT id, 'plain' FROM orgs WHERE kind = 'center'`).Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	return l
}

// receive records a range of the center.
func (l *ledger) receive(text string) *service.BlankRange {
	l.t.Helper()
	r, err := service.ReadBlankRange(text)
	if err != nil {
		l.t.Fatal(err)
	}
	got, err := l.blanks.Receive(l.t.Context(), l.anna, service.ReceiveBlanks{CenterID: l.org.ID, Range: r, ReceivedOn: day(l.t, "2026-02-20")})
	if err != nil {
		l.t.Fatal(err)
	}
	return got
}

func TestTwoRangesNeverShareABlank(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	l.receive("АБ 0101-0200")
	for text, free := range map[string]bool{
		"АБ 0001-0100": true, "АБ 0201-0300": true, "АВ 0101-0200": true, "0101-0200": true, "АБ 101-200": true,
		"АБ 0200-0201": false, "АБ 0050-0101": false, "АБ 0150-0150": false, "АБ 0001-0999": false,
	} {
		r, err := service.ReadBlankRange(text)
		if err != nil {
			t.Fatal(err)
		}
		_, err = l.blanks.CheckRange(t.Context(), l.anna, l.org.ID, r)
		var e *service.Error
		if free != (err == nil) || !free && (!errors.As(err, &e) || e.Reason != service.ReasonBlankOverlap || e.Data.(service.BlankRange).String() != "АБ 0101–0200") {
			t.Errorf("%s: %v", text, err)
		}
	}
	const tries = 4
	errs := make([]error, tries)
	var wg sync.WaitGroup
	for i := range tries {
		wg.Go(func() {
			_, errs[i] = l.blanks.Receive(t.Context(), l.anna, service.ReceiveBlanks{
				CenterID: l.org.ID, Range: service.BlankRange{Series: "АБ", First: "0500", Last: "0600"}, ReceivedOn: day(t, "2026-02-20"),
			})
		})
	}
	wg.Wait()
	won := 0
	for _, err := range errs {
		switch {
		case err == nil:
			won++
		case service.ReasonOf(err) != service.ReasonBlankOverlap:
			t.Error(err)
		}
	}
	if won != 1 {
		t.Errorf("%d of them record the range", won)
	}
}

// TestOfTwoWhoUseABlankOneWins uses the same blank in two centers at one moment.
func TestOfTwoWhoUseABlankOneWins(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	elsewhere := l.stranger.Orgs(service.RoleCenterStaff)[0]
	mine := l.applications(l.exam(1, numbered))[0]
	theirs := l.applications(l.examOf(elsewhere, 1, numbered, func(_ int, a *service.Application) { a.RegistrationNumber += "-2" }))[0]
	const number = "0000000000101"
	errs := make([]error, 2)
	var wg sync.WaitGroup
	for i, try := range []struct {
		by service.Actor
		a  service.Application
	}{{l.anna, mine}, {l.stranger, theirs}} {
		in := l.loading(try.by, try.a, number)
		wg.Go(func() { _, errs[i] = l.scans.Load(t.Context(), try.by, in) })
	}
	wg.Wait()
	if (errs[0] == nil) == (errs[1] == nil) {
		t.Fatalf("%v, %v", errs[0], errs[1])
	}
	lost := errors.Join(errs...)
	if service.ReasonOf(lost) != service.ReasonBlankUsed {
		t.Error(lost)
	}
	var e *service.Error
	if errors.As(lost, &e) {
		if fault, ok := e.Data.(service.BlankFault); ok && fault.Application != "" {
			t.Errorf("it tells of %s", fault.Application)
		}
	}
	if b, err := l.store.Blank(t.Context(), service.BlankKey{Number: number}); err != nil || b == nil || b.State != service.BlankUsed {
		t.Errorf("the blank is %+v, %v", b, err)
	}
}

func TestOnlyTheCentersStaffAccountForItsBlanks(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	r := l.receive("101-200")
	key := service.BlankKey{Number: "101"}
	for name, by := range map[string]service.Actor{"another center's": l.stranger, "an admin": l.admin} {
		for deed, try := range map[string]func() error{
			"looks": func() error { _, err := l.blanks.View(t.Context(), by, l.org.ID); return err },
			"lists": func() error { _, err := l.blanks.Ranges(t.Context(), by, l.org.ID, 0, 10); return err },
			"reads": func() error { _, err := l.blanks.List(t.Context(), by, l.org.ID, 0, 10); return err },
			"opens": func() error { _, err := l.blanks.Range(t.Context(), by, r.ID); return err },
			"receives": func() error {
				_, err := l.blanks.Receive(t.Context(), by, service.ReceiveBlanks{CenterID: l.org.ID, Range: service.BlankRange{First: "1", Last: "2"}, ReceivedOn: day(t, "2026-02-20")})
				return err
			},
			"removes": func() error { _, err := l.blanks.RemoveRange(t.Context(), by, r.ID); return err },
			"spoils":  func() error { _, err := l.blanks.Spoil(t.Context(), by, l.org.ID, key, "порван"); return err },
			"asks":    func() error { _, err := l.blanks.Check(t.Context(), by, l.org.ID, key); return err },
			"names":   func() error { _, err := l.scans.Unnamed(t.Context(), by, l.org.ID, 0, 10); return err },
		} {
			if reason := service.ReasonOf(try()); reason != service.ReasonForbidden && reason != service.ReasonNotFound {
				t.Errorf("%s %s: %q", name, deed, reason)
			}
		}
	}
}

func TestARangeGoesOnlyWhileNothingOfItIsUsed(t *testing.T) {
	t.Parallel()
	l := newLedger(t)
	spoiled, whole := l.receive("101-200"), l.receive("301-400")
	b, err := l.blanks.Spoil(t.Context(), l.anna, l.org.ID, service.BlankKey{Number: "150"}, "порван")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.blanks.RemoveRange(t.Context(), l.boris, spoiled.ID); service.ReasonOf(err) != service.ReasonBlankRangeUsed {
		t.Error(err)
	}
	if _, err := l.blanks.RemoveRange(t.Context(), l.boris, whole.ID); err != nil {
		t.Error(err)
	}
	if _, err := l.blanks.RemoveRange(t.Context(), l.boris, whole.ID); service.ReasonOf(err) != service.ReasonNotFound {
		t.Error(err)
	}
	counts, err := l.store.BlankCounts(t.Context(), l.org.ID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(service.BlankCounts{Received: 100, Spoiled: 1, Free: 99}, counts); diff != "" {
		t.Error(diff)
	}
	steps, err := l.store.HistoryOf(t.Context(), service.SubjectBlank, b.ID, 10)
	if err != nil || len(steps) != 1 || steps[0].Event != "spoil" || steps[0].Comment != "порван" || steps[0].PersonID != l.anna.PersonID {
		t.Errorf("the history is %+v, %v", steps, err)
	}
	for _, reason := range []string{"", " \u200b", strings.Repeat("я", 2001)} {
		if _, err := l.blanks.Spoil(t.Context(), l.anna, l.org.ID, service.BlankKey{Number: "151"}, reason); err == nil {
			t.Errorf("%d letters are a reason", len(reason))
		}
	}
}
