package service_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"flowbot/service"
)

// result is what an application's facts say.
type result struct {
	outcome    service.Outcome
	violations service.Violations
	comment    string
	status     service.ApplicationStatus
}

func resultOf(a *service.Application) result {
	return result{a.Outcome, a.Violations, a.ResultComment, a.Status()}
}

// TestResultsAreMarked marks one application, from each state of it and of its
// exam.
func TestResultsAreMarked(t *testing.T) {
	t.Parallel()
	c := newCenter(t)
	facts := func(o service.Outcome, v service.Violations, comment string) func(int, *service.Application) {
		return func(_ int, a *service.Application) { a.Outcome, a.Violations, a.ResultComment = o, v, comment }
	}
	numbered := func(n int, a *service.Application) {
		passed(n, a)
		a.RegistrationNumber, a.IssuedOn = "р-"+a.Number, day(t, "2026-02-27")
	}
	awaited := facts("", "", "")
	type mark struct {
		outcome    service.Outcome
		violations service.Violations
		comment    string
	}
	tests := []struct {
		name     string
		by       *service.Actor // Anna when nil
		from     func(int, *service.Application)
		approved bool
		heldOn   string // 2026-02-24 when ""
		old      bool   // the revision is an older one
		mark     mark
		want     result
		reason   service.Reason
	}{
		{name: "passed", from: awaited, mark: mark{outcome: "passed"}, want: result{"passed", "", "", service.ApplicationAwaitingViolationsMark}},
		{name: "passed without violations", from: awaited, mark: mark{outcome: "passed", violations: "none"}, want: result{"passed", "none", "", service.ApplicationAwaitingCertificate}},
		{name: "failed", from: awaited, mark: mark{outcome: "failed"}, want: result{"failed", "", "", service.ApplicationAwaitingViolationsMark}},
		{name: "not come", from: awaited, mark: mark{outcome: "absent"}, want: result{"absent", "", "", service.ApplicationAbsent}},
		{name: "violations before the result", from: awaited, mark: mark{violations: "found", comment: "подсказки"}, want: result{"", "found", "подсказки", service.ApplicationViolated}},
		{name: "violations without words", from: awaited, mark: mark{violations: "found"}, want: result{"", "", "", service.ApplicationAwaitingResult}, reason: service.ReasonViolationsWhy},
		{name: "violations in blanks", from: awaited, mark: mark{violations: "found", comment: " \n"}, want: result{"", "", "", service.ApplicationAwaitingResult}, reason: service.ReasonCommentRequired},
		{name: "violations in too many words", from: awaited, mark: mark{violations: "found", comment: strings.Repeat("Ж", 2001)}, want: result{"", "", "", service.ApplicationAwaitingResult}, reason: service.ReasonCommentTooLong},
		{name: "no violations", from: facts("failed", "", ""), mark: mark{violations: "none"}, want: result{"failed", "none", "", service.ApplicationFailed}},
		{name: "no violations after all", from: facts("passed", "found", "подсказки"), mark: mark{violations: "none"}, want: result{"passed", "none", "", service.ApplicationAwaitingCertificate}},
		{name: "violations of one who did not come", from: facts("absent", "", ""), mark: mark{violations: "found", comment: "подсказки"}, want: result{"absent", "", "", service.ApplicationAbsent}, reason: service.ReasonResultAbsentMark},
		{name: "no violations of one who did not come", from: facts("absent", "", ""), mark: mark{violations: "none"}, want: result{"absent", "", "", service.ApplicationAbsent}, reason: service.ReasonResultAbsentMark},
		{name: "not come after all", from: facts("passed", "found", "подсказки"), mark: mark{outcome: "absent"}, want: result{"absent", "", "", service.ApplicationAbsent}},
		{name: "failed with violations, corrected after approval", from: facts("failed", "found", "подсказки"), approved: true, mark: mark{outcome: "passed", comment: "описка"}, want: result{"passed", "found", "подсказки", service.ApplicationViolated}},
		{name: "other violations after approval", from: facts("failed", "found", "подсказки"), approved: true, mark: mark{violations: "found", comment: "телефон"}, want: result{"failed", "found", "телефон", service.ApplicationViolated}},
		{name: "come after all", from: facts("absent", "", ""), mark: mark{outcome: "failed"}, want: result{"failed", "", "", service.ApplicationAwaitingViolationsMark}},
		{name: "passed after all keeps the mark", from: facts("failed", "none", ""), mark: mark{outcome: "passed"}, want: result{"passed", "none", "", service.ApplicationAwaitingCertificate}},
		{name: "nothing", from: facts("passed", "none", "пересдача"), mark: mark{}, want: result{"passed", "none", "пересдача", service.ApplicationAwaitingCertificate}},
		{name: "the same", from: facts("passed", "none", "пересдача"), mark: mark{outcome: "passed"}, want: result{"passed", "none", "пересдача", service.ApplicationAwaitingCertificate}},
		{name: "frozen", from: numbered, approved: true, mark: mark{outcome: "failed", comment: "ошибка"}, want: result{"passed", "none", "", service.ApplicationAwaitingCertificate}, reason: service.ReasonResultFrozen},
		{name: "after approval without the reason", from: passed, approved: true, mark: mark{outcome: "failed"}, want: result{"passed", "none", "", service.ApplicationAwaitingCertificate}, reason: service.ReasonResultWhy},
		{name: "after approval with the reason", from: passed, approved: true, mark: mark{outcome: "failed", comment: "описка"}, want: result{"failed", "none", "описка", service.ApplicationFailed}},
		{name: "after approval incomplete", from: facts("absent", "", ""), approved: true, mark: mark{outcome: "passed", comment: "описка"}, want: result{"absent", "", "", service.ApplicationAbsent}, reason: service.ReasonResultIncomplete},
		{name: "after approval complete", from: facts("absent", "", ""), approved: true, mark: mark{outcome: "passed", violations: "none", comment: "описка"}, want: result{"passed", "none", "описка", service.ApplicationAwaitingCertificate}},
		{name: "before the exam", from: awaited, heldOn: "2026-03-03", mark: mark{outcome: "absent"}, want: result{"", "", "", service.ApplicationAwaitingResult}, reason: service.ReasonResultEarly},
		{name: "on the day of the exam", from: awaited, heldOn: "2026-03-02", mark: mark{outcome: "absent"}, want: result{"absent", "", "", service.ApplicationAbsent}},
		{name: "an older revision", from: awaited, old: true, mark: mark{outcome: "passed"}, want: result{"", "", "", service.ApplicationAwaitingResult}, reason: service.ReasonMovedOn},
		{name: "an admin only looks", by: &c.admin, from: awaited, mark: mark{outcome: "passed"}, want: result{"", "", "", service.ApplicationAwaitingResult}, reason: service.ReasonForbidden},
		{name: "the staff of another center", by: &c.stranger, from: awaited, mark: mark{outcome: "passed"}, want: result{"", "", "", service.ApplicationAwaitingResult}, reason: service.ReasonNotFound},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := c.exam(1, tt.from)
			if tt.heldOn != "" {
				if _, err := c.store.Bun().NewRaw(`UPDATE exams SET held_on = ? WHERE id = ?`, tt.heldOn, e.ID).Exec(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if tt.approved {
				c.approve(e)
			}
			before := c.applications(e)[0]
			by, revision := c.anna, before.Revision
			if tt.by != nil {
				by = *tt.by
			}
			if tt.old {
				revision--
			}
			got, err := c.exams.Mark(t.Context(), by, service.MarkInput{
				ApplicationID: before.ID, Revision: revision, Outcome: tt.mark.outcome, Violations: tt.mark.violations, Comment: tt.mark.comment,
			})
			if reason := service.ReasonOf(err); reason != tt.reason {
				t.Fatalf("refused as %q: %v", reason, err)
			}
			after := c.applications(e)[0]
			if diff := cmp.Diff(tt.want, resultOf(&after), cmp.AllowUnexported(result{})); diff != "" {
				t.Error(diff)
			}
			steps, err := c.store.HistoryOf(t.Context(), service.SubjectApplication, before.ID, 10)
			if err != nil {
				t.Fatal(err)
			}
			changed := after.Revision - before.Revision
			if changed != len(steps) || changed > 1 || (changed == 1) != (resultOf(&before) != resultOf(&after)) {
				t.Errorf("the revision went from %d to %d with %d steps", before.Revision, after.Revision, len(steps))
			}
			if changed == 1 && (got.Revision != after.Revision || steps[0].FromStatus != string(before.Status()) ||
				steps[0].ToStatus != string(after.Status()) || steps[0].PersonID != by.PersonID || steps[0].Comment != tt.mark.comment) {
				t.Errorf("revision %d, the step is %+v", got.Revision, steps[0])
			}
			ofExam, err := c.store.HistoryOf(t.Context(), service.SubjectExam, e.ID, 10)
			if err != nil {
				t.Fatal(err)
			}
			if corrected := len(ofExam) == 1; corrected != (tt.approved && changed == 1) {
				t.Errorf("the exam's history: %+v", ofExam)
			}
		})
	}
}

// TestAResultIsTakenBack takes back what was marked by mistake.
func TestAResultIsTakenBack(t *testing.T) {
	t.Parallel()
	c := newCenter(t)
	e := c.exam(2, passed)
	list := c.applications(e)
	a, err := c.exams.Unmark(t.Context(), c.anna, list[0].ID, list[0].Revision)
	if err != nil || a.Status() != service.ApplicationAwaitingResult {
		t.Errorf("%+v, %v", a, err)
	}
	if _, err := c.exams.Unmark(t.Context(), c.boris, list[0].ID, list[0].Revision); service.ReasonOf(err) != service.ReasonMovedOn {
		t.Errorf("the second is refused as %v", err)
	}
	if _, err := c.exams.Mark(t.Context(), c.boris, service.MarkInput{ApplicationID: a.ID, Revision: a.Revision, Outcome: service.OutcomeAbsent}); err != nil {
		t.Error(err)
	}
	third := c.applications(c.exam(1))[0]
	if a, err := c.exams.Unmark(t.Context(), c.anna, third.ID, third.Revision); err != nil || a.Revision != third.Revision {
		t.Errorf("what was not marked is taken back: %+v, %v", a, err)
	}
	c.approve(e)
	if _, err := c.exams.Unmark(t.Context(), c.anna, list[1].ID, list[1].Revision); service.ReasonOf(err) != service.ReasonResultIncomplete {
		t.Errorf("after approval it is refused as %v", err)
	}
}

// mixed is an exam with an application of each kind.
func (c *center) mixed() *service.Exam {
	kinds := []struct {
		outcome    service.Outcome
		violations service.Violations
	}{{"", ""}, {"passed", ""}, {"failed", ""}, {"absent", ""}, {"passed", "found"}, {"", "found"}, {"passed", "none"}, {"", ""}}
	return c.exam(len(kinds), func(n int, a *service.Application) {
		a.Outcome, a.Violations = kinds[n-1].outcome, kinds[n-1].violations
	})
}

func (c *center) statuses(e *service.Exam) []service.ApplicationStatus {
	var out []service.ApplicationStatus
	for _, a := range c.applications(e) {
		out = append(out, a.Status())
	}
	return out
}

// TestManyAreMarkedAtOnce marks those it concerns and nobody else.
func TestManyAreMarkedAtOnce(t *testing.T) {
	t.Parallel()
	c := newCenter(t)
	e := c.mixed()
	if _, err := c.exams.PassRest(t.Context(), c.anna, e.ID, 3); service.ReasonOf(err) != service.ReasonResultsChanged {
		t.Errorf("another number is refused as %v", err)
	}
	if n, err := c.exams.PassRest(t.Context(), c.anna, e.ID, 2); n != 2 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if n, err := c.exams.PassRest(t.Context(), c.anna, e.ID, 2); n != 0 || err != nil {
		t.Errorf("once more: %d, %v", n, err)
	}
	if _, err := c.exams.NoViolations(t.Context(), c.boris, e.ID, 2); service.ReasonOf(err) != service.ReasonResultsChanged {
		t.Errorf("another number is refused as %v", err)
	}
	if n, err := c.exams.NoViolations(t.Context(), c.boris, e.ID, 4); n != 4 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	for _, unmarked := range []int{4, service.AnyNumber} {
		if n, err := c.exams.NoViolations(t.Context(), c.boris, e.ID, unmarked); n != 0 || err != nil {
			t.Errorf("once more: %d, %v", n, err)
		}
	}
	want := []service.ApplicationStatus{
		service.ApplicationAwaitingCertificate, service.ApplicationAwaitingCertificate, service.ApplicationFailed, service.ApplicationAbsent,
		service.ApplicationViolated, service.ApplicationViolated, service.ApplicationAwaitingCertificate, service.ApplicationAwaitingCertificate,
	}
	if diff := cmp.Diff(want, c.statuses(e)); diff != "" {
		t.Error(diff)
	}
	steps, err := c.store.HistoryOf(t.Context(), service.SubjectExam, e.ID, 10)
	if err != nil || len(steps) != 2 || steps[0].Comment != "2" || steps[1].Comment != "4" || steps[1].PersonID != c.boris.PersonID {
		t.Errorf("%+v, %v", steps, err)
	}
	first := c.applications(e)[0]
	if steps, err = c.store.HistoryOf(t.Context(), service.SubjectApplication, first.ID, 10); err != nil || len(steps) != 2 {
		t.Errorf("%+v, %v", steps, err)
	}
	for name, by := range map[string]service.Actor{"admin": c.admin, "stranger": c.stranger} {
		if _, err := c.exams.NoViolations(t.Context(), by, e.ID, service.AnyNumber); err == nil {
			t.Errorf("%s may mark", name)
		}
		if _, err := c.exams.PassRest(t.Context(), by, e.ID, 0); err == nil {
			t.Errorf("%s may pass", name)
		}
	}
}

// TestResultsAreAwaitedByName goes from one whose result is awaited to the next.
func TestResultsAreAwaitedByName(t *testing.T) {
	t.Parallel()
	c := newCenter(t)
	e := c.mixed() // the first and the last are awaited
	list := c.applications(e)
	for _, tt := range []struct{ from, at int }{{0, 0}, {1, 7}, {6, 7}, {7, 7}} {
		q, err := c.exams.ResultQueue(t.Context(), c.anna, list[tt.from].ID)
		if err != nil || len(q.Items) != 2 || q.Items[q.At].ID != list[tt.at].ID {
			t.Errorf("from %d: %+v, %v", tt.from, q, err)
		}
	}
	if _, err := c.exams.ResultQueue(t.Context(), c.stranger, list[0].ID); service.ReasonOf(err) != service.ReasonNotFound {
		t.Errorf("the staff of another center are refused as %v", err)
	}
	last := list[7]
	if _, err := c.exams.Mark(t.Context(), c.anna, service.MarkInput{ApplicationID: last.ID, Revision: last.Revision, Outcome: service.OutcomeAbsent}); err != nil {
		t.Fatal(err)
	}
	if q, err := c.exams.ResultQueue(t.Context(), c.anna, last.ID); err != nil || q.Items[q.At].ID != list[0].ID {
		t.Errorf("behind the last: %+v, %v", q, err)
	}
	if _, err := c.exams.PassRest(t.Context(), c.anna, e.ID, 1); err != nil {
		t.Fatal(err)
	}
	if q, err := c.exams.ResultQueue(t.Context(), c.anna, last.ID); err != nil || len(q.Items) != 0 || q.At != 0 {
		t.Errorf("nobody: %+v, %v", q, err)
	}
}

// TestOneOfTwoWhoMarkWins lets two press at one moment.
func TestOneOfTwoWhoMarkWins(t *testing.T) {
	t.Parallel()
	c := newCenter(t)
	e := c.exam(8)
	var group sync.WaitGroup
	var mu sync.Mutex
	won, moved := map[int64]int{}, 0
	for _, a := range c.applications(e) {
		for i, by := range []service.Actor{c.anna, c.boris, c.anna, c.boris} {
			group.Go(func() {
				outcome := []service.Outcome{service.OutcomePassed, service.OutcomeFailed}[i%2]
				_, err := c.exams.Mark(t.Context(), by, service.MarkInput{ApplicationID: a.ID, Revision: a.Revision, Outcome: outcome})
				mu.Lock()
				defer mu.Unlock()
				switch service.ReasonOf(err) {
				case "":
					won[a.ID]++
				case service.ReasonMovedOn:
					moved++
				default:
					t.Error(err)
				}
			})
		}
	}
	group.Wait()
	for id, n := range won {
		if n != 1 {
			t.Errorf("application %d was marked %d times", id, n)
		}
	}
	if len(won) != 8 || moved != 24 {
		t.Errorf("%d were marked, %d refused", len(won), moved)
	}
	if got := c.current(e); got.Unsettled != 8 {
		t.Errorf("%+v", got)
	}
}

// TestExamsAreSeenByTheirStaffAndAdmins asks every question as each.
func TestExamsAreSeenByTheirStaffAndAdmins(t *testing.T) {
	t.Parallel()
	c := newCenter(t)
	e := c.exam(3)
	a := c.applications(e)[0]
	former := c.hire(service.Seat{Role: service.RoleCenterStaff, OrgID: c.org.ID}, "Фёдор Бывший")
	if _, err := c.store.Bun().NewRaw(`UPDATE memberships SET removed_at = now() WHERE person_id = ?`, former.PersonID).Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		by   service.Actor
		sees bool
	}{{"staff", c.anna, true}, {"admin", c.admin, true}, {"staff elsewhere", c.stranger, false}, {"former staff", former, false}, {"nobody", service.Actor{}, false}} {
		ask := map[string]func() (bool, error){
			"view": func() (bool, error) { _, err := c.exams.View(t.Context(), tt.by, e.ID); return err == nil, err },
			"number": func() (bool, error) {
				_, err := c.exams.ViewByNumber(t.Context(), tt.by, e.Number)
				return err == nil, err
			},
			"history": func() (bool, error) { _, _, err := c.exams.History(t.Context(), tt.by, e.ID); return err == nil, err },
			"steps": func() (bool, error) {
				_, _, err := c.exams.ApplicationHistory(t.Context(), tt.by, a.ID)
				return err == nil, err
			},
			"table": func() (bool, error) {
				_, err := c.exams.Applications(t.Context(), tt.by, e.ID, service.ApplicationFilter{}, 0, 8)
				return err == nil, err
			},
			"application": func() (bool, error) { _, err := c.exams.Application(t.Context(), tt.by, a.ID); return err == nil, err },
			"application by number": func() (bool, error) {
				_, err := c.exams.ApplicationByNumber(t.Context(), tt.by, a.Number)
				return err == nil, err
			},
		}
		for what, f := range ask {
			if sees, err := f(); sees != tt.sees || (err != nil && service.AsError(err).Kind != service.NotFound) {
				t.Errorf("%s, %s: %v", tt.name, what, err)
			}
		}
		list, err := c.exams.List(t.Context(), tt.by, service.ExamFilter{}, 0, 8)
		if err != nil || (len(list) == 1) != tt.sees {
			t.Errorf("%s lists %d exams: %v", tt.name, len(list), err)
		}
		counts, err := c.exams.Counts(t.Context(), tt.by, service.ExamFilter{})
		if err != nil || (counts[service.CertificatesNotReady] == 1) != tt.sees {
			t.Errorf("%s counts %v: %v", tt.name, counts, err)
		}
		found, err := c.exams.Find(t.Context(), tt.by, "№ "+strings.ToLower(e.Number), 8)
		if err != nil || (found.ExamID == e.ID) != tt.sees {
			t.Errorf("%s finds %+v: %v", tt.name, found, err)
		}
	}
	if list, err := c.exams.List(t.Context(), c.admin, service.ExamFilter{Own: true}, 0, 8); err != nil || len(list) != 0 {
		t.Errorf("an admin's own exams: %v, %v", list, err)
	}
}

// TestExamsAreFound asks the list with each filter.
func TestExamsAreFound(t *testing.T) {
	t.Parallel()
	c := newCenter(t)
	var exams []*service.Exam
	for i := range 5 {
		e := c.exam(2, passed)
		exams = append(exams, e)
		_, err := c.store.Bun().NewRaw(`UPDATE exams SET number = ?, held_on = ? WHERE id = ?`, fmt.Sprintf("ТВ_24-%d", i), fmt.Sprintf("2026-02-2%d", i), e.ID).Exec(t.Context())
		if err != nil {
			t.Fatal(err)
		}
	}
	c.approve(exams[3])
	tests := map[string]struct {
		filter service.ExamFilter
		want   []string
	}{
		"all":                {service.ExamFilter{}, []string{"ТВ_24-4", "ТВ_24-3", "ТВ_24-2", "ТВ_24-1", "ТВ_24-0"}},
		"a day":              {service.ExamFilter{From: day(t, "2026-02-21"), To: day(t, "2026-02-21")}, []string{"ТВ_24-1"}},
		"a period":           {service.ExamFilter{From: day(t, "2026-02-21"), To: day(t, "2026-02-22")}, []string{"ТВ_24-2", "ТВ_24-1"}},
		"a status":           {service.ExamFilter{Certificates: []service.CertificateStatus{service.CertificatesToGenerate}}, []string{"ТВ_24-3"}},
		"how it begins":      {service.ExamFilter{Search: "тв_24-2"}, []string{"ТВ_24-2"}},
		"no signs of LIKE":   {service.ExamFilter{Search: "ТВ%"}, nil},
		"a protocol":         {service.ExamFilter{Protocols: []service.ProtocolStatus{service.ProtocolApproved}}, []string{"ТВ_24-3"}},
		"another's own ones": {service.ExamFilter{Own: true, Number: "ТВ_24-0"}, []string{"ТВ_24-0"}},
	}
	for name, tt := range tests {
		list, err := c.exams.List(t.Context(), c.anna, tt.filter, 0, 10)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range list {
			got = append(got, e.Number)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	counts, err := c.exams.Counts(t.Context(), c.anna, service.ExamFilter{From: day(t, "2026-02-22"), Certificates: []service.CertificateStatus{service.CertificatesLoaded}})
	if diff := cmp.Diff(map[service.CertificateStatus]int{service.CertificatesNotReady: 2, service.CertificatesToGenerate: 1}, counts); diff != "" || err != nil {
		t.Errorf("%s, %v", diff, err)
	}
	found, err := c.exams.Find(t.Context(), c.anna, "тв_24", 3)
	if err != nil || len(found.Exams) != 3 || !found.More || found.ExamID != 0 {
		t.Errorf("%+v, %v", found, err)
	}
	if found, err = c.exams.Find(t.Context(), c.anna, " № ", 3); err != nil || found.ExamID != 0 || len(found.Exams) != 0 {
		t.Errorf("%+v, %v", found, err)
	}
}

// TestTheTableIsPagedAndSearched asks for pages of an exam's applications.
func TestTheTableIsPagedAndSearched(t *testing.T) {
	t.Parallel()
	c := newCenter(t)
	e := c.exam(20, func(n int, a *service.Application) {
		if n%2 == 0 {
			passed(n, a)
		}
		if n == 20 {
			a.LastName, a.LastNameLatin = "Семёнов", "SEMENOV"
		}
	})
	c.exam(3)
	tests := map[string]struct {
		filter        service.ApplicationFilter
		offset, limit int
		want          int
		first         string
		more          bool
	}{
		"the first page":   {service.ApplicationFilter{}, 0, 8, 8, "Каримов001 Алишер Рустамович", true},
		"the last page":    {service.ApplicationFilter{}, 16, 8, 4, "Каримов017 Алишер Рустамович", false},
		"behind the last":  {service.ApplicationFilter{}, 24, 8, 0, "", false},
		"before the first": {service.ApplicationFilter{}, -8, 8, 8, "Каримов001 Алишер Рустамович", true},
		"a status":         {service.ApplicationFilter{Status: service.ApplicationAwaitingCertificate}, 0, 8, 8, "Каримов002 Алишер Рустамович", true},
		"a name":           {service.ApplicationFilter{Search: "каримов01"}, 0, 20, 10, "Каримов010 Алишер Рустамович", false},
		"a number":         {service.ApplicationFilter{Search: "№ " + e.Number + "-007"}, 0, 8, 1, "Каримов007 Алишер Рустамович", false},
		"a name without Ё": {service.ApplicationFilter{Search: "семенов"}, 0, 8, 1, "Семёнов Алишер Рустамович", false},
		"a name in Latin":  {service.ApplicationFilter{Search: "Karimov007"}, 0, 8, 1, "Каримов007 Алишер Рустамович", false},
		"signs of LIKE":    {service.ApplicationFilter{Search: "%"}, 0, 8, 0, "", false},
	}
	for name, tt := range tests {
		list, err := c.exams.Applications(t.Context(), c.anna, e.ID, tt.filter, tt.offset, tt.limit)
		if err != nil {
			t.Fatal(err)
		}
		if len(list.Items) != tt.want || list.More != tt.more || (tt.want > 0 && list.Items[0].Name() != tt.first) {
			t.Errorf("%s: %d, more %t, %+v", name, len(list.Items), list.More, list.Items)
		}
	}
}

// TestPeriodsAreRead reads what people write for days.
func TestPeriodsAreRead(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text     string
		from, to string
		reason   service.Reason
	}{
		{"24.02.2026", "2026-02-24", "2026-02-24", ""},
		{" 24.02.2026–26.02.2026 ", "2026-02-24", "2026-02-26", ""},
		{"24.02.2026 - 26.02.2026", "2026-02-24", "2026-02-26", ""},
		{"24.02.2026 — 26.02.2026", "2026-02-24", "2026-02-26", ""},
		{"26.02.2026–24.02.2026", "", "", service.ReasonPeriodBackwards},
		{"30.02.2026", "", "", service.ReasonPeriodUnreadable},
		{"24.02.2026–", "", "", service.ReasonPeriodUnreadable},
		{"24.02.2026–25.02.2026–26.02.2026", "", "", service.ReasonPeriodUnreadable},
		{"сегодня", "", "", service.ReasonPeriodUnreadable},
		{"", "", "", service.ReasonPeriodUnreadable},
	}
	for _, tt := range tests {
		from, to, err := service.ParsePeriod(tt.text)
		if service.ReasonOf(err) != tt.reason || from.String() != tt.from || to.String() != tt.to {
			t.Errorf("%q: from %s to %s, %v", tt.text, from, to, err)
		}
	}
}
