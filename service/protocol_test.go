package service_test

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flowbot/service"
)

// commission is a center that reviews protocols.
type commission struct {
	*counter
	protocols *service.Protocols
}

func newCommission(t *testing.T) *commission {
	t.Helper()
	c := &commission{counter: newCounter(t)}
	c.protocols = service.NewProtocols(c.store, c.files, c.now)
	return c
}

// send uploads the next version of an exam's protocol.
func (c *commission) send(by service.Actor, e *service.Exam, number string) error {
	c.t.Helper()
	u := c.get(by, c.input(e, "протокол.pdf", paper(c.t, int(c.updates))))
	_, err := c.protocols.Upload(c.t.Context(), by, service.ProtocolInput{
		ExamID: e.ID, Revision: c.current(e).Revision, Number: number, DatedOn: day(c.t, "2026-02-25"), UploadID: u.ID,
	})
	return err
}

func (c *commission) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *commission) move(by service.Actor, e *service.Exam, ev service.ProtocolEvent) error {
	_, err := c.protocols.Move(c.t.Context(), by, e.ID, c.current(e).Revision, ev)
	return err
}

func (c *commission) reject(by service.Actor, e *service.Exam, comment string) error {
	_, err := c.protocols.Reject(c.t.Context(), by, e.ID, c.current(e).Revision, comment)
	return err
}

// brought makes an exam whose protocol stands in a status; boris holds it where
// somebody does.
func (c *commission) brought(status service.ProtocolStatus, fill ...func(int, *service.Application)) *service.Exam {
	c.t.Helper()
	e := c.exam(2, fill...)
	if status == service.ProtocolMissing {
		return e
	}
	c.must(c.send(c.anna, e, "316/24"))
	if status == service.ProtocolToCheck {
		return e
	}
	c.must(c.move(c.boris, e, service.ProtocolTake))
	switch status {
	case service.ProtocolApproved:
		c.must(c.move(c.boris, e, service.ProtocolApprove))
	case service.ProtocolRejected:
		c.must(c.reject(c.boris, e, "Нет подписи"))
	case service.ProtocolMissing, service.ProtocolToCheck, service.ProtocolInCheck:
	}
	return e
}

// history lists the steps of an exam as "event from to version".
func (c *commission) history(e *service.Exam) []string {
	c.t.Helper()
	steps, err := c.store.HistoryOf(c.t.Context(), service.SubjectExam, e.ID, 100)
	c.must(err)
	var out []string
	for _, h := range steps {
		out = append(out, strings.Join([]string{h.Event, h.FromStatus, h.ToStatus, h.Comment}, " "))
	}
	return out
}

func TestTheSchemaKnowsTheStatesOfAProtocol(t *testing.T) {
	t.Parallel()
	c := newCommission(t)
	var check string
	err := c.store.Bun().NewRaw("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'exams_protocol_status'").Scan(t.Context(), &check)
	c.must(err)
	var inSchema, inTable []string
	for _, m := range regexp.MustCompile(`'([a-z_]+)'`).FindAllStringSubmatch(check, -1) {
		inSchema = append(inSchema, m[1])
	}
	for _, s := range service.ProtocolStates() {
		inTable = append(inTable, string(s))
	}
	slices.Sort(inSchema)
	slices.Sort(inTable)
	if diff := cmp.Diff(inTable, inSchema); diff != "" {
		t.Error(diff)
	}
}

func TestAProtocolMovesByItsTable(t *testing.T) {
	t.Parallel()
	c := newCommission(t)
	sends := func(by service.Actor, e *service.Exam) error { return c.send(by, e, "317/24") }
	rejects := func(by service.Actor, e *service.Exam) error { return c.reject(by, e, "Нечитаемо") }
	does := func(ev service.ProtocolEvent) func(service.Actor, *service.Exam) error {
		return func(by service.Actor, e *service.Exam) error { return c.move(by, e, ev) }
	}
	tests := []struct {
		name string
		from service.ProtocolStatus
		do   func(service.Actor, *service.Exam) error
		by   service.Actor
		want service.ProtocolStatus
		why  service.Reason // "" when the move is made
	}{
		{"the first one is uploaded", service.ProtocolMissing, sends, c.anna, service.ProtocolToCheck, ""},
		{"nothing can be taken", service.ProtocolMissing, does(service.ProtocolTake), c.anna, service.ProtocolMissing, service.ReasonMovedOn},
		{"whoever uploaded may take", service.ProtocolToCheck, does(service.ProtocolTake), c.anna, service.ProtocolInCheck, ""},
		{"replaced before anybody takes it", service.ProtocolToCheck, sends, c.boris, service.ProtocolToCheck, ""},
		{"approved without taking", service.ProtocolToCheck, does(service.ProtocolApprove), c.boris, service.ProtocolToCheck, service.ReasonProtocolNotTaken},
		{"rejected without taking", service.ProtocolToCheck, rejects, c.boris, service.ProtocolToCheck, service.ReasonProtocolNotTaken},
		{"an admin takes", service.ProtocolToCheck, does(service.ProtocolTake), c.admin, service.ProtocolToCheck, service.ReasonForbidden},
		{"another center takes", service.ProtocolToCheck, does(service.ProtocolTake), c.stranger, service.ProtocolToCheck, service.ReasonNotFound},
		{"taken twice", service.ProtocolInCheck, does(service.ProtocolTake), c.anna, service.ProtocolInCheck, service.ReasonMovedOn},
		{"replaced while it is checked", service.ProtocolInCheck, sends, c.anna, service.ProtocolInCheck, service.ReasonMovedOn},
		{"approved by the holder", service.ProtocolInCheck, does(service.ProtocolApprove), c.boris, service.ProtocolApproved, ""},
		{"approved by another", service.ProtocolInCheck, does(service.ProtocolApprove), c.anna, service.ProtocolInCheck, service.ReasonProtocolTaken},
		{"rejected by another", service.ProtocolInCheck, rejects, c.anna, service.ProtocolInCheck, service.ReasonProtocolTaken},
		{"rejected by the holder", service.ProtocolInCheck, rejects, c.boris, service.ProtocolRejected, ""},
		{"released by the holder", service.ProtocolInCheck, does(service.ProtocolRelease), c.boris, service.ProtocolToCheck, ""},
		{"released by another", service.ProtocolInCheck, does(service.ProtocolRelease), c.anna, service.ProtocolInCheck, service.ReasonProtocolTaken},
		{"replaced after a rejection", service.ProtocolRejected, sends, c.anna, service.ProtocolToCheck, ""},
		{"approved after a rejection", service.ProtocolRejected, does(service.ProtocolApprove), c.boris, service.ProtocolRejected, service.ReasonMovedOn},
		{"replaced after the approval", service.ProtocolApproved, sends, c.anna, service.ProtocolToCheck, ""},
		{"rejected after the approval", service.ProtocolApproved, rejects, c.boris, service.ProtocolApproved, service.ReasonMovedOn},
		{"expired by a person", service.ProtocolInCheck, does(service.ProtocolExpire), c.boris, service.ProtocolInCheck, service.ReasonForbidden},
	}
	for _, tt := range tests {
		e := c.brought(tt.from, passed)
		before := c.current(e)
		steps := len(c.history(e))
		if got := service.ReasonOf(tt.do(tt.by, e)); got != tt.why {
			// Nobody of another center can even send a file.
			t.Errorf("%s: %q, want %q", tt.name, got, tt.why)
		}
		now := c.current(e)
		if now.ProtocolStatus != tt.want {
			t.Errorf("%s: the protocol is %s", tt.name, now.ProtocolStatus)
		}
		if tt.why != "" {
			if diff := cmp.Diff(before, now); diff != "" || len(c.history(e)) != steps {
				t.Errorf("%s: something changed: %s", tt.name, diff)
			}
		} else if len(c.history(e)) != steps+1 || now.Revision != before.Revision+1 {
			t.Errorf("%s: %d steps, revision %d after %d", tt.name, len(c.history(e))-steps, now.Revision, before.Revision)
		}
	}
}

func TestAProtocolIsApprovedOnceEveryResultIsThere(t *testing.T) {
	t.Parallel()
	c := newCommission(t)
	tests := []struct {
		name       string
		outcome    service.Outcome
		violations service.Violations
		ready      bool
	}{
		{"no result", service.OutcomeAwaited, service.ViolationsUnmarked, false},
		{"no result but no violations", service.OutcomeAwaited, service.ViolationsNone, false},
		{"passed without a mark", service.OutcomePassed, service.ViolationsUnmarked, false},
		{"failed without a mark", service.OutcomeFailed, service.ViolationsUnmarked, false},
		{"not come", service.OutcomeAbsent, service.ViolationsUnmarked, true},
		{"failed", service.OutcomeFailed, service.ViolationsNone, true},
		{"violations", service.OutcomePassed, service.ViolationsFound, true},
		{"passed", service.OutcomePassed, service.ViolationsNone, true},
	}
	for _, tt := range tests {
		e := c.brought(service.ProtocolInCheck, func(n int, a *service.Application) {
			passed(n, a)
			if n == 2 {
				a.Outcome, a.Violations = tt.outcome, tt.violations
			}
		})
		err := c.move(c.boris, e, service.ProtocolApprove)
		if (err == nil) != tt.ready {
			t.Errorf("%s: %v", tt.name, err)
		}
		if tt.ready {
			continue
		}
		lack, ok := service.AsError(err).Data.(service.ProtocolLack)
		if !ok || len(lack.Applications) != 1 || lack.More != 0 || lack.Applications[0].Number != e.Number+"-002" {
			t.Errorf("%s: lacks %+v", tt.name, lack)
		}
	}
	many := c.exam(25)
	c.must(c.send(c.anna, many, "1"))
	c.must(c.move(c.anna, many, service.ProtocolTake))
	err := c.move(c.anna, many, service.ProtocolApprove)
	if lack, ok := service.AsError(err).Data.(service.ProtocolLack); !ok || len(lack.Applications) != 10 || lack.More != 15 {
		t.Errorf("of 25: %v", err)
	}
	none := c.exam(0)
	c.must(c.send(c.anna, none, "1"))
	c.must(c.move(c.anna, none, service.ProtocolTake))
	if err := c.move(c.anna, none, service.ProtocolApprove); service.ReasonOf(err) != service.ReasonProtocolNobody {
		t.Errorf("without applications: %v", err)
	}
}

func TestAProtocolIsCheckedBeforeItIsWritten(t *testing.T) {
	t.Parallel()
	c := newCommission(t)
	ctx := t.Context()
	e := c.exam(1)
	future := c.exam(1)
	_, err := c.store.Bun().NewRaw("UPDATE exams SET held_on = '2026-04-01' WHERE id = ?", future.ID).Exec(ctx)
	c.must(err)
	u := c.get(c.anna, c.input(e, "протокол.pdf", paper(t, 1)))
	foreign := c.get(c.boris, c.input(e, "чужой.pdf", paper(t, 2)))
	waiting, err := c.uploads.Receive(ctx, c.boris, c.input(future, "не проверен.pdf", paper(t, 3)))
	c.must(err)
	good := service.ProtocolInput{ExamID: e.ID, Revision: e.Revision, Number: "316/24", DatedOn: day(t, "2026-02-25"), UploadID: u.ID}
	tests := []struct {
		name string
		make func(in service.ProtocolInput) service.ProtocolInput
		by   service.Actor
		want service.Reason
	}{
		{"no number", func(in service.ProtocolInput) service.ProtocolInput { in.Number = " \u200b№ "; return in }, c.anna, service.ReasonProtocolNumber},
		{"a long number", func(in service.ProtocolInput) service.ProtocolInput { in.Number = strings.Repeat("1", 51); return in }, c.anna, service.ReasonProtocolNumber},
		{"before the exam", func(in service.ProtocolInput) service.ProtocolInput { in.DatedOn = day(t, "2026-02-23"); return in }, c.anna, service.ReasonProtocolBefore},
		{"in the future", func(in service.ProtocolInput) service.ProtocolInput { in.DatedOn = day(t, "2030-01-01"); return in }, c.anna, service.ReasonProtocolFuture},
		{"no scan", func(in service.ProtocolInput) service.ProtocolInput { in.UploadID = 0; return in }, c.anna, service.ReasonUploadMissing},
		{"a colleague's scan", func(in service.ProtocolInput) service.ProtocolInput { in.UploadID = foreign.ID; return in }, c.anna, service.ReasonNotFound},
		{"another exam's scan", func(in service.ProtocolInput) service.ProtocolInput { in.UploadID = waiting.ID; return in }, c.boris, service.ReasonNotFound},
		{"an older revision", func(in service.ProtocolInput) service.ProtocolInput { in.Revision--; return in }, c.anna, service.ReasonMovedOn},
		{"another center's staff", func(in service.ProtocolInput) service.ProtocolInput { return in }, c.stranger, service.ReasonNotFound},
		{"an admin", func(in service.ProtocolInput) service.ProtocolInput { return in }, c.admin, service.ReasonForbidden},
	}
	for _, tt := range tests {
		if _, err := c.protocols.Upload(ctx, tt.by, tt.make(good)); service.ReasonOf(err) != tt.want {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
	if _, err := c.protocols.Offered(ctx, c.anna, future.ID, future.Revision, service.ProtocolUpload); service.ReasonOf(err) != service.ReasonProtocolTooEarly {
		t.Errorf("before the exam: %v", err)
	}
	if n := c.count("SELECT count(*) FROM protocols"); n != 0 {
		t.Errorf("%d versions were written", n)
	}
	if got := c.upload(u.ID).State; got != service.UploadAccepted {
		t.Errorf("the scan is %s", got)
	}
	good.Number = " №  316/24\n"
	if _, err := c.protocols.Upload(ctx, c.anna, good); err != nil {
		t.Fatal(err)
	}
	if p, err := c.store.Protocol(ctx, e.ID, 1); err != nil || p.Number != "316/24" || p.Uploader != "Анна Центрова" || p.FileSHA != u.FileSHA {
		t.Errorf("%+v, %v", p, err)
	}
	if _, err := c.protocols.Upload(ctx, c.anna, good); service.ReasonOf(err) != service.ReasonMovedOn {
		t.Errorf("the same press again: %v", err)
	}
}

func TestEveryVersionOfAProtocolStays(t *testing.T) {
	t.Parallel()
	c := newCommission(t)
	ctx := t.Context()
	e := c.brought(service.ProtocolRejected, passed)
	first, err := c.store.Protocol(ctx, e.ID, 1)
	c.must(err)
	kept := service.ProtocolInput{ExamID: e.ID, Revision: c.current(e).Revision, Number: "317/24", DatedOn: day(t, "2026-02-26")}
	_, err = c.protocols.Upload(ctx, c.boris, kept)
	c.must(err)
	c.must(c.send(c.anna, e, "318/24"))
	c.must(c.move(c.anna, e, service.ProtocolTake))
	c.must(c.move(c.anna, e, service.ProtocolApprove))

	v, err := c.protocols.View(ctx, c.admin, e.ID)
	c.must(err)
	if len(v.Versions) != 3 || v.Newest().Number != "318/24" || len(v.Offers) != 0 || v.Decided.By != "Анна Центрова" {
		t.Errorf("the admin sees %+v", v)
	}
	if diff := cmp.Diff(*first, v.Versions[0]); diff != "" {
		t.Errorf("version 1 changed: %s", diff)
	}
	if v.Versions[1].FileSHA != first.FileSHA || v.Versions[1].UploadedBy != c.boris.PersonID {
		t.Errorf("version 2 has another scan: %+v", v.Versions[1])
	}
	want := []string{
		"protocol_upload missing to_check ", "protocol_take to_check in_check ", "protocol_reject in_check rejected Нет подписи",
		"protocol_replace rejected to_check ", "protocol_replace to_check to_check ",
		"protocol_take to_check in_check ", "protocol_approve in_check approved ",
	}
	if diff := cmp.Diff(want, c.history(e)); diff != "" {
		t.Error(diff)
	}
	for version, name := range map[int]string{0: "318-24.pdf", 1: "316-24.pdf", 2: "317-24.pdf"} {
		d, err := c.protocols.Document(ctx, c.boris, e.ID, version)
		if err != nil || d.Name != name {
			t.Errorf("version %d: %v", version, err)
		}
	}
	if _, err := c.protocols.Document(ctx, c.stranger, e.ID, 1); service.ReasonOf(err) != service.ReasonNotFound {
		t.Errorf("another center downloads: %v", err)
	}
	_, err = c.store.Bun().NewRaw("UPDATE applications SET registration_number = number, issued_on = '2026-03-01' WHERE exam_id = ?", e.ID).Exec(ctx)
	c.must(err)
	if err := c.send(c.anna, e, "319/24"); service.ReasonOf(err) != service.ReasonProtocolNumbered {
		t.Errorf("replaced with certificates: %v", err)
	}
}

func TestAReviewOfAProtocolExpires(t *testing.T) {
	t.Parallel()
	c := newCommission(t)
	ctx := t.Context()
	long, left, fresh := c.brought(service.ProtocolInCheck), c.brought(service.ProtocolInCheck), c.brought(service.ProtocolInCheck)
	for _, q := range []struct {
		sql string
		arg any
	}{
		{"UPDATE exams SET taken_at = taken_at - interval '24 hours' WHERE id = ?", long.ID},
		{"UPDATE exams SET reviewer_id = (SELECT person_id FROM memberships WHERE role = 'admin' LIMIT 1) WHERE id = ?", left.ID},
	} {
		_, err := c.store.Bun().NewRaw(q.sql, q.arg).Exec(ctx)
		c.must(err)
	}
	if n, err := c.protocols.Expire(ctx); n != 2 || err != nil {
		t.Fatalf("%d ended: %v", n, err)
	}
	if n, err := c.protocols.Expire(ctx); n != 0 || err != nil {
		t.Fatalf("%d ended again: %v", n, err)
	}
	for e, want := range map[*service.Exam]service.ProtocolStatus{
		long: service.ProtocolToCheck, left: service.ProtocolToCheck, fresh: service.ProtocolInCheck,
	} {
		if got := c.current(e).ProtocolStatus; got != want {
			t.Errorf("exam %s: %s, want %s", e.Number, got, want)
		}
	}
	if n := c.count("SELECT count(*) FROM notices WHERE kind = 'protocol_review_ended' AND person_id = ?", c.boris.PersonID); n != 1 {
		t.Errorf("the reviewer is told %d times", n)
	}
}

func TestColleaguesAreToldOfProtocols(t *testing.T) {
	t.Parallel()
	c := newCommission(t)
	told := func(kind string) []int64 {
		t.Helper()
		var ids []int64
		err := c.store.Bun().NewRaw("SELECT person_id FROM notices WHERE kind = ? ORDER BY person_id", kind).Scan(t.Context(), &ids)
		c.must(err)
		return ids
	}
	c.brought(service.ProtocolApproved, passed)
	if diff := cmp.Diff([]int64{c.boris.PersonID}, told("protocol_to_check")); diff != "" {
		t.Errorf("waits for a check: %s", diff)
	}
	if diff := cmp.Diff([]int64{c.anna.PersonID}, told("protocol_approved")); diff != "" {
		t.Errorf("approved: %s", diff)
	}
	c.brought(service.ProtocolRejected)
	if diff := cmp.Diff([]int64{c.anna.PersonID}, told("protocol_rejected")); diff != "" {
		t.Errorf("rejected: %s", diff)
	}
}

func TestOfTwoWhoPressAtOnceOneWins(t *testing.T) {
	t.Parallel()
	c := newCommission(t)
	e := c.brought(service.ProtocolToCheck, passed)
	revision := c.current(e).Revision
	errs := make([]error, 8)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() {
			by := []service.Actor{c.anna, c.boris}[i%2]
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
			defer cancel()
			_, errs[i] = c.protocols.Move(ctx, by, e.ID, revision, service.ProtocolTake)
		})
	}
	all.Wait()
	won := 0
	for _, err := range errs {
		moved, lost := service.AsError(err).Data.(service.Moved)
		switch {
		case err == nil:
			won++
		case !lost || moved.Event != string(service.ProtocolTake) || moved.By == "":
			t.Errorf("the loser is told %v", err)
		}
	}
	if won != 1 {
		t.Errorf("%d have taken it", won)
	}
}

func TestANumberOfAProtocolLooksLikeOne(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"316/24": "316/24", " № 316/24\n": "316/24", "12-П": "12-П", "ЦТ-7 (доп.)": "ЦТ-7 (доп.)", "5": "5", `3\16`: `3\16`,
		"": "", "№": "", "без номера": "", "прилагаю": "", "316 🙂": "", "316?": "", "٣١٦": "", "第5": "", "<b>5</b>": "",
		strings.Repeat("1", 50): strings.Repeat("1", 50), strings.Repeat("1", 51): "",
	} {
		got, err := service.CheckProtocolNumber(text)
		if got != want || want == "" && service.ReasonOf(err) != service.ReasonProtocolNumber || want != "" && err != nil {
			t.Errorf("%q is %q, %v", text, got, err)
		}
	}
}
