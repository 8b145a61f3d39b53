package service_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"flowbot/db"
	"flowbot/service"
	"flowbot/service/pdf"
)

// desk is a house in which a partner sends packages to the operator.
type desk struct {
	*house
	acts      *service.Acts
	queue     *service.Queue
	files     service.FileStore
	partner   *service.Org
	operator  *service.Org
	rep       service.Actor // represents the partner
	colleague service.Actor // represents the partner, too
	reviewer  service.Actor // represents the operator
	other     service.Actor // represents the operator, too
	both      service.Actor // represents both
	stranger  service.Actor // represents another partner
	made      atomic.Int64
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	return newDeskIn(t, "", "")
}

// newDeskIn is newDesk with the zones of the partner and the operator.
func newDeskIn(t *testing.T, partner, operator string) *desk {
	t.Helper()
	d := &desk{house: newHouse(t)}
	add := func(kind service.OrgKind, name, zone string) *service.Org {
		o, err := d.AddOrg(t.Context(), service.CommandLine, service.NewOrg{Kind: kind, Name: name, Zone: zone})
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	d.partner = add(service.OrgPartner, "Учебный центр «Друг»", partner)
	d.operator = add(service.OrgOperator, "Федеральный оператор", operator)
	elsewhere := add(service.OrgPartner, "Другой партнёр", "")
	sends := service.Seat{Role: service.RolePartnerRep, OrgID: d.partner.ID}
	checks := service.Seat{Role: service.RoleOperatorRep, OrgID: d.operator.ID}
	d.rep = d.hire(sends, "Ольга Петрова")
	d.colleague = d.hire(sends, "Павел Коллегов")
	d.reviewer = d.hire(checks, "Роман Проверкин")
	d.other = d.hire(checks, "Вера Вторая")
	d.both = d.hire(sends, "Борис Двойной")
	d.both = d.enter(d.next, d.link(service.CommandLine, checks, "Борис Двойной"))
	d.stranger = d.hire(service.Seat{Role: service.RolePartnerRep, OrgID: elsewhere.ID}, "Семён Чужой")

	printer, err := pdf.New()
	if err != nil {
		t.Fatal(err)
	}
	if d.files, err = db.OpenFiles(t.Context(), t.TempDir(), db.S3{}); err != nil {
		t.Fatal(err)
	}
	calendar := russianCalendar(t)
	current := func(context.Context) (*service.Calendar, error) { return calendar, nil }
	d.acts = service.NewActs(d.store, current, printer, d.files, d.now)
	d.queue = service.NewQueue(d.store, d.now)
	return d
}

// cohort adds a cohort of the partner that ended last Friday, with eligible
// learners.
func (d *desk) cohort(learners int) *service.Cohort {
	d.t.Helper()
	return d.cohortOf(d.partner.ID, learners)
}

func (d *desk) cohortOf(partnerID int64, learners int) *service.Cohort {
	d.t.Helper()
	n := d.made.Add(1)
	c := &service.Cohort{
		Number: strconv.FormatInt(100+n, 10), PartnerID: partnerID, Program: "Русский язык", ProgramKind: "повышение квалификации",
		Hours: 72, StartOn: day(d.t, "2026-02-02"), EndOn: day(d.t, "2026-02-27"), Revision: 1,
	}
	if _, err := d.store.Bun().NewInsert().Model(c).Returning("id").Exec(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
	for i := range learners {
		d.learner(service.Learner{
			CohortID: c.ID, Number: fmt.Sprintf("%s-%03d", c.Number, i+1), LastName: fmt.Sprintf("Слушатель%03d", i+1), FirstName: "Иван",
			Finished: true, DocumentType: service.DocumentQualification, DocumentSeries: "АБ", DocumentNumber: strconv.Itoa(i + 1),
			RegistrationNumber: fmt.Sprintf("р-%d", i+1), DocumentOn: day(d.t, "2026-02-27"), Revision: 1,
		})
	}
	return c
}

func (d *desk) learner(l service.Learner) int64 {
	d.t.Helper()
	if _, err := d.store.Bun().NewInsert().Model(&l).Returning("id").Exec(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
	return l.ID
}

func (d *desk) learners(c *service.Cohort) []int64 {
	d.t.Helper()
	var ids []int64
	err := d.store.Bun().NewSelect().Model((*service.Learner)(nil)).Column("id").
		Where("cohort_id = ?", c.ID).Order("id").Scan(d.t.Context(), &ids)
	if err != nil {
		d.t.Fatal(err)
	}
	return ids
}

func (d *desk) exec(query string, args ...any) {
	d.t.Helper()
	if _, err := d.store.Bun().NewRaw(query, args...).Exec(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
}

// current is the cohort as it stands now.
func (d *desk) current(c *service.Cohort) *service.Cohort {
	d.t.Helper()
	now, err := d.store.Cohort(d.t.Context(), service.CommandLine, c.ID)
	if err != nil {
		d.t.Fatal(err)
	}
	return now
}

// act is an act as it stands now.
func (d *desk) act(id int64) *service.Act {
	d.t.Helper()
	a, err := d.store.Act(d.t.Context(), service.CommandLine, id)
	if err != nil {
		d.t.Fatal(err)
	}
	return a
}

// generate makes an act for learners of the cohort, nobody named: for all.
func (d *desk) generate(c *service.Cohort, learners ...int64) *service.Act {
	d.t.Helper()
	a, err := d.acts.Generate(d.t.Context(), d.rep, service.GenerateInput{
		CohortID: c.ID, Revision: d.current(c).Revision, Learners: learners,
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return a
}

// blob records a file and returns its name.
func (d *desk) blob(content, mime string) string {
	d.t.Helper()
	sum := sha256.Sum256([]byte(content))
	name := hex.EncodeToString(sum[:])
	err := d.store.InTx(d.t.Context(), func(ctx context.Context, tx service.Tx) error {
		return tx.SaveFile(ctx, service.File{SHA256: name, Size: int64(len(content)), Type: mime, CreatedAt: d.now()})
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return name
}

// lay puts an accepted file into the person's conversation about the cohort.
func (d *desk) lay(by service.Actor, c *service.Cohort, kind service.JournalKind) *service.DraftFile {
	d.t.Helper()
	n := d.made.Add(1)
	name, mime := fmt.Sprintf("журнал %d.pdf", n), "application/pdf"
	if kind == service.KindScreenshot {
		name, mime = fmt.Sprintf("снимок %d.png", n), "image/png"
	}
	sha := d.blob(name, mime)
	f := &service.DraftFile{
		PersonID: by.PersonID, CohortID: c.ID, UpdateID: 1_000_000 + n, ChatRef: "ref", Kind: kind, Name: name,
		State: service.DraftAccepted, FileSHA: sha, CleanSHA: sha, Pages: 1, AddedAt: d.now(),
	}
	err := d.store.InTx(d.t.Context(), func(ctx context.Context, tx service.Tx) error { return tx.InsertDraftFile(ctx, f) })
	if err != nil {
		d.t.Fatal(err)
	}
	return f
}

// trySend lays a fresh package and submits it.
func (d *desk) trySend(by service.Actor, c *service.Cohort) (*service.Journal, error) {
	d.t.Helper()
	files, err := d.store.DraftFiles(d.t.Context(), by.PersonID, c.ID)
	if err != nil {
		d.t.Fatal(err)
	}
	if len(files) == 0 {
		d.lay(by, c, service.KindJournal)
		d.lay(by, c, service.KindScreenshot)
	}
	return d.acts.Submit(d.t.Context(), by, service.SubmitInput{CohortID: c.ID, BaseVersion: d.current(c).JournalVersion})
}

func (d *desk) send(by service.Actor, c *service.Cohort) *service.Journal {
	d.t.Helper()
	j, err := d.trySend(by, c)
	if err != nil {
		d.t.Fatal(err)
	}
	return j
}

// move makes a move that must succeed, with the act's newest revision.
func (d *desk) move(by service.Actor, id int64, ev service.ActEvent) *service.Act {
	d.t.Helper()
	a, err := d.acts.Move(d.t.Context(), by, id, d.act(id).Revision, ev)
	if err != nil {
		d.t.Fatal(err)
	}
	return a
}

// reject takes the act and rejects it.
func (d *desk) reject(by service.Actor, id int64, comment string) *service.Act {
	d.t.Helper()
	a := d.move(by, id, service.ActTake)
	a, err := d.acts.Reject(d.t.Context(), by, id, a.Revision, comment)
	if err != nil {
		d.t.Fatal(err)
	}
	return a
}

// in brings a fresh act into a state; "taken" is in approval and taken by the
// reviewer.
func (d *desk) in(state string) *service.Act {
	d.t.Helper()
	c := d.cohort(2)
	a := d.generate(c)
	if state == "awaiting_journal" {
		return a
	}
	if state == "cancelled" {
		out, err := d.acts.Cancel(d.t.Context(), d.rep, a.ID, a.Revision, "ошибка")
		if err != nil {
			d.t.Fatal(err)
		}
		return out
	}
	d.send(d.rep, c)
	switch state {
	case "taken":
		d.move(d.reviewer, a.ID, service.ActTake)
	case "rejected":
		d.reject(d.reviewer, a.ID, "Нет подписи")
	case "approved":
		d.move(d.reviewer, a.ID, service.ActTake)
		d.move(d.reviewer, a.ID, service.ActApprove)
	case "in_approval":
	default:
		d.t.Fatalf("no way into %q", state)
	}
	return d.act(a.ID)
}

// life lists an act's history: who, event, from, to, comment, versions.
func (d *desk) life(id int64) []string {
	d.t.Helper()
	rows, err := d.store.HistoryOf(d.t.Context(), service.SubjectAct, id, 1000)
	if err != nil {
		d.t.Fatal(err)
	}
	var out []string
	for _, h := range rows {
		by := h.By
		if by == "" {
			by = "—"
		}
		out = append(out, fmt.Sprintf("%s: %s %s>%s v%d j%d %s", by, h.Event, h.FromStatus, h.ToStatus, h.Version, h.JournalVersion, h.Comment))
	}
	return out
}

// notices lists what waits in the outbox as "name kind event", sorted, and
// empties it. The silent renewals of the queue's card are left out.
func (d *desk) notices() []string {
	d.t.Helper()
	var out []string
	for _, n := range d.outbox() {
		if !strings.HasSuffix(n, " queue_changed") {
			out = append(out, n)
		}
	}
	return out
}

// outbox is notices with everything.
func (d *desk) outbox() []string {
	d.t.Helper()
	var rows []struct {
		Name    string
		Kind    string
		Payload json.RawMessage
	}
	err := d.store.Bun().NewRaw(`SELECT p.name, n.kind, n.payload FROM notices AS n JOIN people AS p ON p.id = n.person_id`).
		Scan(d.t.Context(), &rows)
	if err != nil {
		d.t.Fatal(err)
	}
	var out []string
	for _, r := range rows {
		var n struct{ Event string }
		if err := json.Unmarshal(r.Payload, &n); err != nil {
			d.t.Fatal(err)
		}
		out = append(out, strings.TrimSpace(r.Name+" "+r.Kind+" "+n.Event))
	}
	slices.Sort(out)
	d.exec("DELETE FROM notices")
	return out
}

// clock sets the clock to a moment.
func (d *desk) clock(s string) {
	d.t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		d.t.Fatal(err)
	}
	d.wait(at.Sub(d.now()))
}
