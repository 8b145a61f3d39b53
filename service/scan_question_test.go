package service_test

import (
	"bytes"
	"fmt"
	"image/jpeg"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flowbot/service"
)

// questions are the use cases over a desk.
func (d *scanDesk) questions() *service.ScanQuestions { return service.NewScanQuestions(d.batches) }

// unread says that neither number nor name speak for anybody.
func unread(r *service.PageReading) {
	r.Number = "26-10-40538-0000??-?-???"
	misnamed(r)
}

// ask sends pages and returns the questions that come of them, in order.
func (d *scanDesk) ask(e *service.Exam, pages ...[]byte) []service.ScanPageLine {
	d.t.Helper()
	b := d.sends(d.anna, e, pages...)
	d.work()
	list, err := d.store.PageLines(d.t.Context(), b.ID, []service.PageState{service.PageQuestion}, 0, 1000)
	if err != nil {
		d.t.Fatal(err)
	}
	return list
}

// askOne is ask for one page, which must become a question by the rule.
func (d *scanDesk) askOne(e *service.Exam, page []byte, rule service.MatchRule) service.ScanPageLine {
	d.t.Helper()
	list := d.ask(e, page)
	if len(list) != 1 || list[0].Rule != rule {
		d.t.Fatalf("the page became %+v, want one question by %q", list, rule)
	}
	return list[0]
}

// line is a page as it stands.
func (d *scanDesk) line(id int64) *service.ScanPageLine {
	d.t.Helper()
	l, err := d.store.PageLine(d.t.Context(), id)
	if err != nil {
		d.t.Fatal(err)
	}
	return l
}

// as is an application as it stands.
func (d *scanDesk) as(a service.Application) *service.Application {
	d.t.Helper()
	out, err := d.store.Application(d.t.Context(), service.CommandLine, a.ID)
	if err != nil {
		d.t.Fatal(err)
	}
	return out
}

// chosen chooses an application for a page, at once.
func (d *scanDesk) chosen(p service.ScanPageLine, a service.Application, words ...func(*service.ChoosePage)) *service.ScanPageLine {
	d.t.Helper()
	l, err := d.choose(d.anna, p, a, words...)
	if err != nil {
		d.t.Fatal(err)
	}
	return l
}

func (d *scanDesk) choose(by service.Actor, p service.ScanPageLine, a service.Application, words ...func(*service.ChoosePage)) (*service.ScanPageLine, error) {
	d.t.Helper()
	in := service.ChoosePage{PageID: p.ID, Revision: p.Revision, ApplicationID: a.ID}
	for _, w := range words {
		w(&in)
	}
	return d.questions().Choose(d.t.Context(), by, in)
}

// What a person says about a choice.
func confirmed(in *service.ChoosePage) { in.Confirmed = true }
func replacing(in *service.ChoosePage) { in.Replace = true }
func outside(in *service.ChoosePage)   { in.Outside = true }
func unnamed(in *service.ChoosePage)   { in.Unnamed = true }

func typed(number string) func(*service.ChoosePage) {
	return func(in *service.ChoosePage) { in.Blank = service.BlankKey{Number: number} }
}

func TestAQuestionTellsWhatWasReadAndWhoIsLikely(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	e, list := d.waiting(5)
	p := d.askOne(e, d.scanned(list[2], blotted, onBlank("0000000000101")), service.MatchNoNumber)

	v, err := d.questions().Question(t.Context(), d.anna, p.ID)
	if err != nil {
		t.Fatal(err)
	}
	if len(v.Likely) != 3 || v.Likely[0].ID != list[2].ID || !v.Likely[0].Supported || v.Likely[0].Likeness != service.NameAgrees ||
		v.Likely[1].Supported || v.Likely[1].Likeness != service.NameOther {
		t.Errorf("likely are %+v", v.Likely)
	}
	if v.Count != 1 || v.Place != 1 || v.Blank.Number != "0000000000101" || v.Held != nil || v.Undo != nil || !v.Again ||
		!strings.HasSuffix(v.Reading.Number, "?") {
		t.Errorf("the view is %+v", v)
	}
}

func TestAChoiceMakesThePageTheScanOfItsApplication(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		change  func(*service.PageReading)
		rule    service.MatchRule
		words   []func(*service.ChoosePage)
		want    service.MatchRule
		support bool
	}{
		{"that a reading supports", blotted, service.MatchNoNumber, nil, service.PageRuleSupported, true},
		{"that a person compared", unread, service.MatchNoNumber, []func(*service.ChoosePage){confirmed}, service.PageRulePerson, false},
		{"of a page on which no blank was found", noBlank, service.MatchNotFound, []func(*service.ChoosePage){confirmed}, service.PageRulePerson, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := newScanDesk(t)
			e, list := d.waiting(3)
			p := d.askOne(e, d.scanned(list[1], tt.change), tt.rule)

			l := d.chosen(p, list[1], tt.words...)
			if l.State != service.PageMatched || l.Rule != tt.want || l.ApplicationID != list[1].ID || l.By != "Анна Центрова" {
				t.Errorf("the page is %+v", l.ScanPage)
			}
			a := d.as(list[1])
			scan, err := d.store.Scan(t.Context(), a.ScanID)
			if err != nil {
				t.Fatal(err)
			}
			if scan.ID != l.ScanID || scan.Source != service.ScanByPage || scan.Supported != tt.support || scan.CleanSHA != l.CleanSHA ||
				scan.FileSHA != l.SHA || scan.LoadedBy != d.anna.PersonID || a.DeliverAt == nil || !a.DeliverAt.Equal(d.now().Add(hold)) {
				t.Errorf("the scan is %+v, delivery at %v", scan, a.DeliverAt)
			}
			if diff := cmp.Diff([]string{"002"}, d.loadedOf(e)); diff != "" {
				t.Error(diff)
			}
			steps, err := d.store.HistoryOf(t.Context(), service.SubjectPage, l.ID, 10)
			if err != nil {
				t.Fatal(err)
			}
			if last := steps[len(steps)-1]; last.Event != string(service.PageEventChoose) || last.By != "Анна Центрова" || last.Comment != string(tt.want) {
				t.Errorf("the last step is %+v", last)
			}
		})
	}
}

func TestAChoiceIsRefused(t *testing.T) {
	t.Parallel()
	const free, used = "0000000000101", "0000000000102"
	type scene struct {
		d    *scanDesk
		e    *service.Exam
		list []service.Application
		page service.ScanPageLine
	}
	question := func(s *scene, changes ...func(*service.PageReading)) {
		s.page = s.d.ask(s.e, s.d.scanned(s.list[0], changes...))[0]
	}
	load := func(s *scene, a service.Application, blank string) {
		s.d.sends(s.d.anna, s.e, s.d.scanned(a, onBlank(blank)))
		s.d.work()
	}
	tests := []struct {
		name   string
		before func(s *scene)
		by     func(s *scene) service.Actor // nil: Anna
		choice func(s *scene) service.Application
		words  []func(*service.ChoosePage)
		want   service.Reason
	}{
		{
			name: "that no reading supports", before: func(s *scene) { question(s, unread) }, want: service.ReasonQuestionUnsupported,
		},
		{
			name: "of somebody else than was read", before: func(s *scene) { question(s, blotted) },
			choice: func(s *scene) service.Application { return s.list[1] }, want: service.ReasonScanAnothers,
		},
		{
			name: "that would replace a scan", before: func(s *scene) { question(s, blotted); load(s, s.list[0], free) }, want: service.ReasonScanLoaded,
		},
		{
			name: "of whom a certificate is due no more", before: func(s *scene) {
				question(s, blotted)
				s.d.exec(`UPDATE applications SET violations = 'found', registration_number = '', issued_on = NULL, valid_until = NULL WHERE id = ?`, s.list[0].ID)
			}, words: []func(*service.ChoosePage){confirmed}, want: service.ReasonScanNotEntitled,
		},
		{
			name: "of another exam", before: func(s *scene) { question(s, blotted) },
			choice: func(s *scene) service.Application { _, other := s.d.waiting(1, elsewhere); return other[0] },
			words:  []func(*service.ChoosePage){confirmed}, want: service.ReasonQuestionOtherExam,
		},
		{
			name: "of another center's exam", before: func(s *scene) { question(s, blotted) },
			choice: func(s *scene) service.Application {
				return s.d.applications(s.d.examOf(s.d.stranger.Seats[0].OrgID, 1, numbered, elsewhere))[0]
			}, want: service.ReasonNotFound,
		},
		{
			name: "on a blank of another", before: func(s *scene) { load(s, s.list[1], used); question(s, blotted, onBlank(used)) },
			want: service.ReasonBlankUsed,
		},
		{
			name: "on a spoiled blank", before: func(s *scene) { s.d.spoil(used); question(s, blotted, onBlank(used)) }, want: service.ReasonBlankUsed,
		},
		{
			name: "on a blank that was not received", before: func(s *scene) {
				s.d.received("0000000000201", "0000000000300")
				question(s, blotted, onBlank(free))
			}, want: service.ReasonBlankOutside,
		},
		{
			name: "on a blank that was read on another page too", before: func(s *scene) {
				s.page = s.d.ask(s.e, s.d.scanned(s.list[0], onBlank(free)), s.d.scanned(s.list[1], onBlank(free)))[0]
			}, want: service.ReasonQuestionBlankTwice,
		},
		{
			name: "with a typed blank of another", before: func(s *scene) { load(s, s.list[1], used); question(s, blotted) },
			words: []func(*service.ChoosePage){typed(used)}, want: service.ReasonBlankUsed,
		},
		{
			name: "with a typed blank that the house has not", before: func(s *scene) { question(s, blotted) },
			words: []func(*service.ChoosePage){typed("12")}, want: service.ReasonBlankPattern,
		},
		{
			name: "of an older button", before: func(s *scene) { question(s, blotted); s.page.Revision-- }, want: service.ReasonMovedOn,
		},
		{
			name: "of a page that is decided", before: func(s *scene) {
				question(s, blotted)
				s.d.chosen(s.page, s.list[0])
				s.page = *s.d.line(s.page.ID)
			}, words: []func(*service.ChoosePage){replacing}, want: service.ReasonMovedOn,
		},
		{
			name: "by a stranger", before: func(s *scene) { question(s, blotted) },
			by: func(s *scene) service.Actor { return s.d.stranger }, want: service.ReasonNotFound,
		},
		{
			name: "by an admin", before: func(s *scene) { question(s, blotted) },
			by: func(s *scene) service.Actor { return s.d.admin }, want: service.ReasonForbidden,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := &scene{d: newScanDesk(t)}
			s.e, s.list = s.d.waiting(3)
			tt.before(s)
			loaded := s.d.loadedOf(s.e)
			by, a := s.d.anna, s.list[0]
			if tt.by != nil {
				by = tt.by(s)
			}
			if tt.choice != nil {
				a = tt.choice(s)
			}
			before := s.d.line(s.page.ID)
			_, err := s.d.choose(by, s.page, a, tt.words...)
			if got := service.ReasonOf(err); got != tt.want {
				t.Fatalf("refused with %q (%v), want %q", got, err, tt.want)
			}
			if diff := cmp.Diff(before, s.d.line(s.page.ID)); diff != "" {
				t.Errorf("the page has changed: %s", diff)
			}
			if diff := cmp.Diff(loaded, s.d.loadedOf(s.e)); diff != "" {
				t.Errorf("the scans have changed: %s", diff)
			}
		})
	}
}

// received records a range of blanks.
func (d *scanDesk) received(first, last string) {
	d.t.Helper()
	_, err := d.blanks.Receive(d.t.Context(), d.anna, service.ReceiveBlanks{
		CenterID: d.org.ID, Range: service.BlankRange{First: first, Last: last}, ReceivedOn: service.NewDay(2026, time.February, 1),
	})
	if err != nil {
		d.t.Fatal(err)
	}
}

func TestADoubtfulBlankIsSaidByThePerson(t *testing.T) {
	t.Parallel()
	const read, right = "0000000000102", "0000000000103"
	tests := []struct {
		name   string
		before func(d *scanDesk)
		rule   service.MatchRule
		words  []func(*service.ChoosePage)
		want   string
	}{
		{"a spoiled one is typed right", func(d *scanDesk) { d.spoil(read) }, service.PageRuleBlankSpoiled, []func(*service.ChoosePage){typed(right)}, "001 " + right},
		{"a spoiled one is left for later", func(d *scanDesk) { d.spoil(read) }, service.PageRuleBlankSpoiled, []func(*service.ChoosePage){unnamed}, "001"},
		{
			"one that was not received is right", func(d *scanDesk) { d.received("0000000000201", "0000000000300") },
			service.PageRuleBlankOutside,
			[]func(*service.ChoosePage){outside},
			"001 " + read,
		},
	}
	t.Run("one that two pages bear is right on one", func(t *testing.T) {
		t.Parallel()
		d := newScanDesk(t)
		e, list := d.waiting(2)
		both := d.ask(e, d.scanned(list[0], onBlank(read)), d.scanned(list[1], onBlank(read)))
		d.chosen(both[0], list[0], outside)
		if _, err := d.choose(d.anna, both[1], list[1], outside); service.ReasonOf(err) != service.ReasonBlankUsed {
			t.Errorf("the other: %v", err)
		}
		d.chosen(both[1], list[1], typed(right))
		if diff := cmp.Diff([]string{"001 " + read, "002 " + right}, d.loadedOf(e)); diff != "" {
			t.Error(diff)
		}
	})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := newScanDesk(t)
			e, list := d.waiting(2)
			tt.before(d)
			p := d.askOne(e, d.scanned(list[0], onBlank(read)), tt.rule)
			d.chosen(p, list[0], tt.words...)
			if diff := cmp.Diff([]string{tt.want}, d.loadedOf(e)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAReplacedScanStaysAndComesBackWhenItIsTakenBack(t *testing.T) {
	t.Parallel()
	const old, fresh = "0000000000101", "0000000000102"
	d := newScanDesk(t)
	e, list := d.waiting(2)
	d.sends(d.anna, e, d.scanned(list[0], onBlank(old)))
	d.work()
	first := d.as(list[0])
	p := d.ask(e, d.scanned(list[0], blotted, onBlank(fresh)))[0]

	l := d.chosen(p, list[0], replacing)
	if diff := cmp.Diff([]string{"001 " + fresh}, d.loadedOf(e)); diff != "" {
		t.Error(diff)
	}
	if b, err := d.store.Blank(t.Context(), service.BlankKey{Number: old}); err != nil || b == nil || b.State != service.BlankSpoiled {
		t.Errorf("the old blank is %+v, %v", b, err)
	}
	scan, err := d.store.Scan(t.Context(), first.ScanID)
	if err != nil || scan.ReplacedAt == nil {
		t.Errorf("the old scan is %+v, %v", scan, err)
	}

	back, err := d.questions().Undo(t.Context(), d.anna, l.ID, l.Revision)
	if err != nil {
		t.Fatal(err)
	}
	if back.State != service.PageQuestion || back.Rule != service.MatchNoNumber || back.ApplicationID != 0 || back.ScanID != 0 {
		t.Errorf("the page is %+v", back.ScanPage)
	}
	if diff := cmp.Diff([]string{"001 " + old}, d.loadedOf(e)); diff != "" {
		t.Error(diff)
	}
	if got := d.as(list[0]); got.ScanID != first.ScanID {
		t.Errorf("the scan is %d, want %d again", got.ScanID, first.ScanID)
	}
	if b, err := d.store.Blank(t.Context(), service.BlankKey{Number: fresh}); err != nil || b != nil {
		t.Errorf("the new blank is %+v, %v, want a free one", b, err)
	}
}

func TestOfTwoColleaguesTheSecondHearsWhoDecided(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	e, list := d.waiting(3)
	p := d.askOne(e, d.scanned(list[0], blotted), service.MatchNoNumber)
	d.chosen(p, list[0])

	if _, err := d.choose(d.anna, p, list[0]); err != nil {
		t.Errorf("the same tap again: %v", err)
	}
	_, err := d.choose(d.boris, p, list[0])
	moved, ok := service.AsError(err).Data.(service.Moved)
	if service.ReasonOf(err) != service.ReasonMovedOn || !ok || moved.By != "Анна Центрова" || moved.Subject != service.SubjectPage || moved.ID != p.ID {
		t.Errorf("the colleague hears %v: %+v", err, moved)
	}
	_, err = d.questions().Dismiss(t.Context(), d.anna, p.ID, p.Revision, service.PageRuleNoScan)
	if service.ReasonOf(err) != service.ReasonMovedOn {
		t.Errorf("another decision of the same person by an old button: %v", err)
	}
	if diff := cmp.Diff([]string{"001"}, d.loadedOf(e)); diff != "" {
		t.Error(diff)
	}
}

// TestOfManyWhoDecideAtOnceOneWins has every decision about two pages of one
// application made at one moment, a wrong one among them.
func TestOfManyWhoDecideAtOnceOneWins(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	e, list := d.waiting(2)
	both := d.ask(e, d.scanned(list[0], onBlank("0000000000101")), d.scanned(list[0], onBlank("0000000000102")))
	q := d.questions()
	choose := func(by service.Actor, p service.ScanPageLine, a service.Application) func() error {
		return func() error {
			_, err := q.Choose(t.Context(), by, service.ChoosePage{PageID: p.ID, Revision: p.Revision, ApplicationID: a.ID, Confirmed: true})
			return err
		}
	}
	deeds := []func() error{
		choose(d.anna, both[0], list[0]), choose(d.boris, both[0], list[1]), choose(d.boris, both[1], list[0]), choose(d.anna, both[1], list[0]),
		func() error {
			_, err := q.Dismiss(t.Context(), d.boris, both[0].ID, both[0].Revision, service.PageRuleNoScan)
			return err
		},
		func() error {
			_, err := q.Dismiss(t.Context(), d.anna, both[1].ID, both[1].Revision, service.PageRuleRescan)
			return err
		},
	}
	const wrong = 1 // what is read on the page is the other application's
	errs := make([]error, len(deeds))
	var done sync.WaitGroup
	for i, deed := range deeds {
		done.Go(func() { errs[i] = deed() })
	}
	done.Wait()
	for i, err := range errs {
		allowed := []service.Reason{"", service.ReasonMovedOn, service.ReasonScanLoaded}
		if i == wrong {
			allowed = []service.Reason{service.ReasonScanAnothers, service.ReasonMovedOn}
		}
		if got := service.ReasonOf(err); !slices.Contains(allowed, got) {
			t.Errorf("deed %d: %q, want one of %q: %v", i, got, allowed, err)
		}
	}
	scans := map[int64]int64{}
	for _, p := range both {
		l := d.line(p.ID)
		if l.State == service.PageQuestion && d.as(list[0]).ScanID == 0 || l.Revision > p.Revision+1 {
			t.Errorf("page %d is %s at revision %d", p.ID, l.State, l.Revision)
		}
		if l.State == service.PageMatched {
			scans[l.ApplicationID]++
			if d.as(service.Application{ID: l.ApplicationID}).ScanID != l.ScanID {
				t.Errorf("page %d is matched, and its scan stands nowhere", p.ID)
			}
		}
	}
	for a, n := range scans {
		if n > 1 {
			t.Errorf("application %d has %d scans", a, n)
		}
	}
}

func TestOfTwoPagesOfOneApplicationTheOtherStaysAQuestion(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	e, list := d.waiting(2)
	both := d.ask(e, d.scanned(list[0], onBlank("0000000000101")), d.scanned(list[0], onBlank("0000000000102")))
	if len(both) != 2 || both[0].Rule != service.PageRuleTwice || both[0].TwinID != both[1].ID {
		t.Fatalf("the pages are %+v", both)
	}
	v, err := d.questions().Question(t.Context(), d.anna, both[0].ID)
	if err != nil || v.Beside == nil || v.Beside.ID != both[1].ID || v.Again {
		t.Fatalf("the question is %+v, %v", v, err)
	}
	for _, p := range both {
		if _, err := d.questions().Again(t.Context(), d.anna, p.ID, p.Revision); service.ReasonOf(err) != service.ReasonQuestionPair {
			t.Errorf("one of a pair read alone: %v", err)
		}
	}
	d.chosen(both[1], list[0])
	if l := d.line(both[0].ID); l.State != service.PageQuestion {
		t.Errorf("the other page is %s", l.State)
	}
	if _, err := d.choose(d.anna, both[0], list[0]); service.ReasonOf(err) != service.ReasonScanLoaded {
		t.Errorf("the other page for the same application: %v", err)
	}
	l, err := d.questions().Dismiss(t.Context(), d.anna, both[0].ID, both[0].Revision, service.PageRuleDuplicate)
	if err != nil || l.State != service.PageAside || l.Rule != service.PageRuleDuplicate {
		t.Errorf("the other page is %+v, %v", l, err)
	}
	if diff := cmp.Diff([]string{"001 0000000000102"}, d.loadedOf(e)); diff != "" {
		t.Error(diff)
	}
}

func TestADecisionIsTakenBack(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	e, list := d.waiting(3)
	b := d.sends(d.anna, e, d.scanned(list[0], onBlank("0000000000101")), d.scanned(list[1], blotted), d.scanned(list[2], empty))
	d.work()
	pages, err := d.store.PageLines(t.Context(), b.ID, []service.PageState{service.PageMatched, service.PageQuestion, service.PageAside}, 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	q := d.questions()
	for _, rule := range []service.MatchRule{service.PageRuleNoScan, service.PageRuleRescan} {
		p := d.line(pages[1].ID)
		l, err := q.Dismiss(t.Context(), d.anna, p.ID, p.Revision, rule)
		if err != nil || l.State != service.PageAside || l.Rule != rule {
			t.Fatalf("dismissed: %+v, %v", l, err)
		}
		if again, err := q.Dismiss(t.Context(), d.anna, p.ID, p.Revision, rule); err != nil || again.Revision != l.Revision {
			t.Errorf("the same tap again: %+v, %v", again, err)
		}
		last, err := q.LastDecided(t.Context(), d.anna, e.ID)
		if err != nil || last == nil || last.ID != p.ID {
			t.Fatalf("the last decision is %+v, %v", last, err)
		}
		if l, err = q.Undo(t.Context(), d.anna, p.ID, l.Revision); err != nil || l.State != service.PageQuestion || l.Rule != pages[1].Rule {
			t.Fatalf("taken back: %+v, %v", l, err)
		}
	}
	// What the machine decided is taken back, too: by whoever looks.
	for i, rule := range map[int]service.MatchRule{0: service.PageRuleTakenBack, 2: service.MatchEmpty} {
		l, err := q.Undo(t.Context(), d.boris, pages[i].ID, pages[i].Revision)
		if err != nil || l.State != service.PageQuestion || l.By != "Борис Центров" || l.Rule != rule {
			t.Fatalf("taken back: %+v, %v", l, err)
		}
	}
	if got := d.loadedOf(e); got != nil {
		t.Errorf("loaded are %v", got)
	}
	if got, err := d.store.Blank(t.Context(), service.BlankKey{Number: "0000000000101"}); err != nil || got != nil {
		t.Errorf("the blank is %+v, %v, want a free one", got, err)
	}
	if a := d.as(list[0]); a.DeliverAt != nil {
		t.Errorf("it is delivered at %v", a.DeliverAt)
	}
	// A page on which the machine saw nothing is somebody's scan as it came.
	l := d.chosen(*d.line(pages[2].ID), list[2], confirmed)
	if l.CleanSHA == "" || l.State != service.PageMatched {
		t.Errorf("the page is %+v", l.ScanPage)
	}
}

func TestADecisionIsNotTakenBackOnceTheScanIsOut(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		out  string
		want service.Reason
	}{
		{"delivered", `UPDATE applications SET delivered_at = now() WHERE id = ?`, service.ReasonPageDelivered},
		{"handed over", `UPDATE applications SET handed_on = '2026-03-01' WHERE id = ?`, service.ReasonHandedAlready},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := newScanDesk(t)
			e, list := d.waiting(1)
			l := d.chosen(d.askOne(e, d.scanned(list[0], blotted), service.MatchNoNumber), list[0])
			d.exec(tt.out, list[0].ID)
			if _, err := d.questions().Undo(t.Context(), d.anna, l.ID, l.Revision); service.ReasonOf(err) != tt.want {
				t.Errorf("taken back: %v, want %s", err, tt.want)
			}
			if diff := cmp.Diff([]string{"001"}, d.loadedOf(e)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestQuestionsAreReadAgain(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	e, list := d.waiting(4)
	corrected := false
	better := func(a service.Application) []byte {
		return d.scanned(a, func(r *service.PageReading) {
			if !corrected {
				misnamed(r)
			}
		})
	}
	asked := d.ask(e, better(list[0]), better(list[1]), d.scanned(list[2], blotted))
	if len(asked) != 3 {
		t.Fatalf("asked are %+v", asked)
	}
	corrected = true
	q := d.questions()
	if l, err := q.Again(t.Context(), d.anna, asked[0].ID, asked[0].Revision); err != nil || l.State != service.PageWaiting {
		t.Fatalf("read again: %+v, %v", l, err)
	}
	if _, err := q.Again(t.Context(), d.anna, asked[0].ID, asked[0].Revision); err != nil {
		t.Errorf("the same tap again: %v", err)
	}
	d.work()
	if diff := cmp.Diff([]string{"001"}, d.loadedOf(e)); diff != "" {
		t.Error(diff)
	}
	if n, err := q.AgainAll(t.Context(), d.boris, e.ID); err != nil || n.Read != 2 || n.Left() != 0 {
		t.Fatalf("%+v are read again, %v", n, err)
	}
	d.work()
	if diff := cmp.Diff([]string{"001", "002"}, d.loadedOf(e)); diff != "" {
		t.Error(diff)
	}
	left := d.line(asked[2].ID)
	if left.State != service.PageQuestion {
		t.Errorf("the third page is %s", left.State)
	}
	// What a person has taken back is not believed again unasked.
	first := d.line(asked[0].ID)
	if _, err := q.Undo(t.Context(), d.anna, first.ID, first.Revision); err != nil {
		t.Fatal(err)
	}
	// Nor are two pages that contradict each other.
	pair := d.ask(e, d.scanned(list[3], onBlank("0000000000108")), d.scanned(list[3], onBlank("0000000000109")))
	if len(pair) != 2 {
		t.Fatalf("of two pages of one application asked are %+v", pair)
	}
	want := service.AgainCount{Read: 1, Pair: 2, TakenBack: 1}
	if n, err := q.PlanAgain(t.Context(), d.anna, e.ID); err != nil || n != want {
		t.Errorf("%+v would be read again, %v, want %+v", n, err, want)
	}
	if n, err := q.AgainAll(t.Context(), d.anna, e.ID); err != nil || n != want {
		t.Errorf("%+v are read again, %v, want %+v", n, err, want)
	}
	d.work()
	if l := d.line(asked[0].ID); l.State != service.PageQuestion {
		t.Errorf("what was taken back is %s", l.State)
	}
	if _, err := q.AgainAll(t.Context(), d.stranger, e.ID); service.ReasonOf(err) != service.ReasonNotFound {
		t.Errorf("a stranger reads again: %v", err)
	}
}

func TestAPageOfAnotherExamIsChosenThere(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	e, _ := d.waiting(1)
	other, list := d.waiting(1, elsewhere)
	p := d.askOne(e, d.scanned(list[0]), service.PageRuleOtherExam)
	v, err := d.questions().Question(t.Context(), d.anna, p.ID)
	if err != nil || v.Other != other.Number || len(v.Likely) != 1 || v.Likely[0].ID != list[0].ID {
		t.Fatalf("the question is %+v, %v", v, err)
	}
	l := d.chosen(p, list[0], confirmed)
	if l.ExamID != other.ID || l.State != service.PageMatched || l.AskedIn != e.ID {
		t.Errorf("the page is %+v", l)
	}
	if diff := cmp.Diff([]string{"001"}, d.loadedOf(other)); diff != "" {
		t.Error(diff)
	}
	last, err := d.questions().LastDecided(t.Context(), d.anna, e.ID)
	if err != nil || last == nil || last.ID != p.ID {
		t.Fatalf("the last decision is %+v, %v", last, err)
	}
	if l, err = d.questions().Undo(t.Context(), d.anna, p.ID, l.Revision); err != nil || l.ExamID != e.ID || l.State != service.PageQuestion {
		t.Errorf("taken back: %+v, %v", l, err)
	}
	again, err := d.questions().Question(t.Context(), d.anna, p.ID)
	if err != nil {
		t.Fatal(err)
	}
	if again.Page.Rule != v.Page.Rule || again.Other != v.Other || again.Page.By != "Анна Центрова" || len(again.Likely) != 1 || again.Likely[0].ID != list[0].ID {
		t.Errorf("it is asked again as %+v, was %+v", again, v)
	}
	if got := d.loadedOf(other); got != nil {
		t.Errorf("loaded are %v", got)
	}
}

// TestThePageOfAScanReplacesNothing has the page that is a scan asked about before
// the scan came, and come again after it.
func TestThePageOfAScanReplacesNothing(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	wrong, _ := d.waiting(1)
	e, list := d.waiting(2, elsewhere)
	page := d.scanned(list[0])
	before := d.askOne(wrong, page, service.PageRuleOtherExam)
	d.sends(d.anna, e, page)
	d.work()
	scan := d.as(list[0]).ScanID

	l := d.chosen(before, list[0])
	if l.State != service.PageAside || l.Rule != service.PageRuleDuplicate || l.TwinID == 0 {
		t.Errorf("the page became %+v", l.ScanPage)
	}
	if again := d.chosen(before, list[0]); again.Revision != l.Revision {
		t.Errorf("the same tap again: %+v", again)
	}

	byHand := d.scanned(list[1])
	if _, err := d.load(list[1], d.byHand(d.anna, list[1], byHand), "0000000000107"); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		of   *service.Exam
		page []byte
		want string
	}{{wrong, page, "aside duplicate 001"}, {e, byHand, "aside duplicate 002"}, {wrong, byHand, "aside duplicate 002"}} {
		b := d.sends(d.anna, tt.of, tt.page)
		d.work()
		if diff := cmp.Diff([]string{tt.want}, d.fates(b)); diff != "" {
			t.Errorf("of exam %s (-want +got):\n%s", tt.of.Number, diff)
		}
	}
	if got := d.as(list[0]).ScanID; got != scan {
		t.Errorf("the scan is %d, was %d", got, scan)
	}
}

func TestQuestionsFollowEachOther(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	const pages = 300
	e, list := d.waiting(1)
	var drawn [][]byte
	for range pages {
		drawn = append(drawn, d.scanned(list[0], unread))
	}
	asked := d.ask(e, drawn...)
	if len(asked) != pages {
		t.Fatalf("%d questions", len(asked))
	}
	q := d.questions()
	if n, err := q.Count(t.Context(), d.boris, e.ID); err != nil || n != pages {
		t.Errorf("counted %d, %v", n, err)
	}
	seen := map[int64]bool{}
	after := int64(0)
	for i := range pages {
		v, err := q.Next(t.Context(), d.boris, e.ID, after)
		if err != nil || v == nil || v.Place != i+1 || v.Count != pages {
			t.Fatalf("question %d: %+v, %v", i+1, v, err)
		}
		seen[v.Page.ID], after = true, v.Page.ID
	}
	if v, err := q.Next(t.Context(), d.boris, e.ID, after); err != nil || v.Place != 1 || len(seen) != pages {
		t.Errorf("after the last comes %+v, %v; %d were seen", v, err, len(seen))
	}
	later := d.ask(e, d.scanned(list[0], unread))[0]
	for batch, want := range map[int64]int{later.BatchID: pages + 1, asked[0].BatchID: 1, later.BatchID + 1: 1} {
		if v, err := q.First(t.Context(), d.boris, e.ID, batch); err != nil || v.Place != want {
			t.Errorf("told of batch %d the first is %+v, %v, want question %d", batch, v, err, want)
		}
	}
	tasks := service.NewTasks(d.store, nil, d.now)
	due, err := tasks.List(t.Context(), d.boris)
	if err != nil || due[0].Kind != service.TaskQuestions || due[0].Count != service.TaskCap || due[0].ExamID != e.ID || due[0].Exam != e.Number {
		t.Errorf("due is %+v, %v", due, err)
	}
	for _, tt := range []struct {
		by   service.Actor
		want service.Reason
	}{{d.stranger, service.ReasonNotFound}, {d.admin, service.ReasonForbidden}} {
		if _, err := q.Next(t.Context(), tt.by, e.ID, 0); service.ReasonOf(err) != tt.want {
			t.Errorf("next: %v, want %s", err, tt.want)
		}
		if _, err := q.Question(t.Context(), tt.by, asked[0].ID); service.ReasonOf(err) != tt.want {
			t.Errorf("question: %v, want %s", err, tt.want)
		}
		if _, err := q.Picture(t.Context(), tt.by, asked[0].ID, 0); service.ReasonOf(err) != tt.want {
			t.Errorf("picture: %v, want %s", err, tt.want)
		}
		if _, err := q.Search(t.Context(), tt.by, asked[0].ID, "Каримов", 0, 8); service.ReasonOf(err) != tt.want {
			t.Errorf("search: %v, want %s", err, tt.want)
		}
	}
}

func TestTheOwnerOfAPageIsSearched(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	e, list := d.waiting(12, func(n int, a *service.Application) {
		switch n {
		case 3:
			a.LastName, a.LastNameLatin = "Ёлкин", "YOLKIN"
		case 4:
			a.Outcome, a.RegistrationNumber, a.IssuedOn, a.ValidUntil = service.OutcomeFailed, "", service.Day{}, service.Day{}
		}
	})
	p := d.askOne(e, d.scanned(list[0], unread), service.MatchNoNumber)
	_, other := d.waiting(1, elsewhere)
	tests := []struct {
		text string
		want string
	}{
		{"ёлкин", "003"},
		{"ЕЛКИН алишер", "003"},
		{"yolk", "003"},
		{"Каримов004", ""},                // no certificate is due
		{e.Number + "-005", "005"},        // number of the application
		{"40538-000007-1", "007"},         // a part of the registration number
		{"0000071007", "007"},             // its last digits, without what stands between them
		{"8 1 008", "008"},                // the same with spaces
		{"Каримов 10%", ""},               // what has a meaning in a pattern has none here
		{other[0].RegistrationNumber, ""}, // another exam's
		{"каримов012", "012"},
	}
	for _, tt := range tests {
		found, err := d.questions().Search(t.Context(), d.anna, p.ID, tt.text, 0, 8)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, a := range found.Items {
			got = append(got, a.Number[len(a.Number)-3:])
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%q finds %v, want %q", tt.text, got, tt.want)
		}
	}
	all, err := d.questions().Search(t.Context(), d.anna, p.ID, "каримов", 8, 8)
	if err != nil || len(all.Items) != 2 || all.More {
		t.Errorf("the second page of a search is %+v, %v", all, err)
	}
}

func TestThePicturesOfAPageAreDrawnWhenTheyAreWanted(t *testing.T) {
	t.Parallel()
	d := newScanDesk(t)
	e, list := d.waiting(2)
	b := d.sends(d.anna, e, d.scanned(list[0]), d.scanned(list[1], blotted), d.unreadable())
	d.work()
	pages, err := d.store.PageLines(t.Context(), b.ID, []service.PageState{service.PageMatched, service.PageQuestion, service.PageAside}, 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	if pages[0].ViewSHA != "" || pages[1].ViewSHA == "" {
		t.Fatalf("drawn are %q and %q", pages[0].ViewSHA, pages[1].ViewSHA)
	}
	size := func(doc *service.Document) string {
		t.Helper()
		r, err := doc.Open(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		c, err := jpeg.DecodeConfig(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf("%s %dx%d", doc.Name, c.Width, c.Height)
	}
	q := d.questions()
	alone, err := q.Picture(t.Context(), d.anna, pages[0].ID, 0)
	if err != nil || size(alone.View) != "page.jpg 64x64" || alone.Lines == nil {
		t.Errorf("the picture is %+v, %v", alone, err)
	}
	if l := d.line(pages[0].ID); l.ViewSHA == "" || l.Revision != pages[0].Revision {
		t.Errorf("the page is %+v", l.ScanPage)
	}
	both, err := q.Picture(t.Context(), d.anna, pages[0].ID, pages[1].ID)
	if err != nil || size(both.View) != "page.jpg 64x144" {
		t.Errorf("both pictures are %+v, %v", both, err)
	}
}
