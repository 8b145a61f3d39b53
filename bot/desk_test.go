package bot_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"log/slog"
	"strconv"
	"sync"
	"testing"
	"time"

	"flowbot/bot"
	"flowbot/bot/chat"
	"flowbot/bot/emulator"
	"flowbot/bot/post"
	"flowbot/cron"
	"flowbot/db"
	"flowbot/service"
	"flowbot/service/foreign"
	"flowbot/service/pdf"
	"flowbot/service/sheet"
	"flowbot/templates"
)

// desk is an office in which a partner sends packages to the operator, with the
// workers and the sender at work. Every deed is followed by settle, so that
// transcripts come out the same each time.
type desk struct {
	*office
	acts  *service.Acts
	tasks *service.Tasks
	exams *examServices
	pages *fakePages
	// recogniser reads the pages of scans: pages, unless the options say otherwise.
	recogniser service.Recogniser
	files      service.FileStore
	printer    service.Printer
	sender     *post.Sender
	workers    *cron.Workers
	sessions   bool          // batches wait for more files that may follow
	boot       func()        // starts bot, sender and workers
	done       chan struct{} // a run of a job has ended
	gate       sync.RWMutex  // held while updates are handled: what jobs do comes after
}

// serve handles what waits, before any job goes on.
func (d *desk) serve() {
	d.t.Helper()
	d.gate.Lock()
	defer d.gate.Unlock()
	d.office.serve()
}

// passGate waits until no update is being handled.
func (d *desk) passGate() {
	d.gate.RLock()
	defer d.gate.RUnlock()
}

// gatedPrinter prints between updates.
type gatedPrinter struct {
	service.Printer
	desk *desk
}

// Act implements service.Printer.
func (p gatedPrinter) Act(ctx context.Context, f service.ActForm) ([]byte, error) {
	p.desk.passGate()
	return p.Printer.Act(ctx, f)
}

// deskOptions are the limits of a desk; zeros are the product's own.
type deskOptions struct {
	foreign     foreign.Options
	maxDownload int64              // bytes
	recogniser  service.Recogniser // nil: pages are read by pages of a desk
	publicURL   string             // of our own server; "": there is no page for large files
	sessions    bool               // batches of scans wait for more files that may follow
}

// printer is that of all desks: it has read the fonts.
var printer = sync.OnceValues(pdf.New)

func newDesk(t *testing.T) *desk {
	t.Helper()
	return newDeskWith(t, deskOptions{maxDownload: emulator.DefaultMaxDownload})
}

func newDeskWith(t *testing.T, o deskOptions) *desk {
	t.Helper()
	d := &desk{office: newOffice(t), done: make(chan struct{}, 1000), pages: newFakePages(), sessions: o.sessions}
	if d.recogniser = o.recogniser; d.recogniser == nil {
		d.recogniser = d.pages
	}
	now := func() time.Time { return d.at }
	var err error
	if d.files, err = db.OpenFiles(t.Context(), t.TempDir(), db.S3{}); err != nil {
		t.Fatal(err)
	}
	texts, err := templates.Load("ru")
	if err != nil {
		t.Fatal(err)
	}
	years, err := templates.CalendarYears()
	if err != nil {
		t.Fatal(err)
	}
	calendar, err := service.BuildCalendar(years...)
	if err != nil {
		t.Fatal(err)
	}
	calendars := service.NewCalendars(d.store, calendar)
	if d.printer, err = printer(); err != nil {
		t.Fatal(err)
	}
	o.foreign.TempDir = t.TempDir()
	reader, err := foreign.New(o.foreign)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(&d.log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	d.acts = service.NewActs(d.store, calendars.Current, gatedPrinter{d.printer, d}, d.files, now)
	sent := sentFiles{d.client, d.passGate}
	journals := service.NewJournals(d.store, sent, reader, d.files, o.maxDownload, now)
	archives := service.NewArchives(d.store, d.acts, d.files, func(key, arg string) (string, error) { return texts.Label(key, arg) })
	imports := service.NewImports(d.store, sheet.Book{}, importKnown(t), now)
	tables := service.NewImportJobs(d.store, imports, sent, d.files, func(r service.Reason, data any) (string, error) {
		return texts.HTML(string(r), data)
	})
	troubles := service.NewTroubles(d.store, now)
	d.tasks = service.NewTasks(d.store, calendars.Current, now)
	say := func(r service.Reason, data any) (string, error) {
		text, err := texts.HTML(string(r), data)
		return templates.Plain(text), err
	}
	d.exams = newExamServices(d, reader, sent, say, o.maxDownload, now)
	d.boot = func() {
		var err error
		d.bot, err = bot.New(d.client, bot.Services{
			Exams: d.exams.Exams, Protocols: d.exams.Protocols, Centers: d.exams.Centers, Frdo: d.exams.Frdo,
			Certificates: d.exams.Certificates, Blanks: d.exams.Blanks, Scans: d.exams.Scans, Batches: d.exams.Batches,
			Questions: d.exams.Questions, Candidates: d.exams.Candidates, Deliveries: d.exams.Deliveries, Uploads: d.exams.Uploads,
			Links: d.exams.Links, PublicURL: o.publicURL,
			People: d.people, Acts: d.acts, Journals: journals, Drafts: service.NewDrafts(d.store, now),
			Queue: service.NewQueue(d.store, now), Cards: service.NewCards(d.store, now), Archives: archives,
			Tasks: d.tasks, Imports: tables, Troubles: troubles, BotName: "flowbot",
		}, texts, log, now)
		if err != nil {
			t.Fatal(err)
		}
		blocked := func(ctx context.Context, personID int64) error { return d.people.MarkUnreachable(ctx, personID, now()) }
		d.sender = post.NewSender(d.store, d.store, blocked, d.client, d.bot.Renderers(), now, log)
		d.workers, err = cron.NewWorkers(cron.WorkersConfig{
			Pool: d.store.Pool(), ID: "test", Log: log, Done: func(cron.JobDone) { d.done <- struct{}{} },
		}, cron.Works(cron.Services{
			Acts: d.acts, Journals: journals, Archives: archives, Imports: tables, Tasks: d.tasks,
			Upkeep:  service.NewUpkeep(d.store, d.store, d.store, d.files, now),
			Uploads: d.exams.Uploads, Protocols: d.exams.Protocols, Frdo: d.exams.Frdo, Certificates: d.exams.Certificates,
			Scans: d.exams.Scans, Batches: d.exams.Batches, Candidates: d.exams.Candidates, Deliveries: d.exams.Deliveries,
		}))
		if err != nil {
			t.Fatal(err)
		}
		if err := d.workers.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	d.boot()
	atEnd(t, d.stop)
	return d
}

// stop stops the workers.
func (d *desk) stop() {
	if err := d.workers.Stop(context.WithoutCancel(d.t.Context())); err != nil {
		d.t.Error(err)
	}
}

// sentFiles gives the service what people send in chat.
type sentFiles struct {
	chat chat.Client
	pass func() // waits until no update is being handled
}

// Fetch implements service.ChatFiles.
func (s sentFiles) Fetch(ctx context.Context, ref string, w io.Writer, most int64) (int64, error) {
	s.pass()
	n, err := s.chat.Fetch(ctx, ref, w, most)
	if errors.Is(err, chat.ErrTooBig) {
		err = &service.Error{
			Kind: service.Invalid, Reason: service.ReasonFileOverLimit, Err: err, Data: service.FileBound{Limit: most, Got: n},
		}
	}
	return n, err
}

// settle handles what waits: updates, then jobs, then notices, until nothing
// does.
func (d *desk) settle() {
	d.t.Helper()
	for {
		d.serve()
		d.work()
		n, err := d.sender.SendAll(d.t.Context())
		if err != nil {
			d.t.Fatal(err)
		}
		if n == 0 && d.tg.Pending() == 0 {
			return
		}
	}
}

// work waits until no job is left.
func (d *desk) work() {
	d.t.Helper()
	for {
		var left int
		err := d.store.Bun().NewRaw(`SELECT count(*) FROM river_job WHERE state IN ('available', 'running', 'pending', 'retryable')`).
			Scan(d.t.Context(), &left)
		if err != nil {
			d.t.Fatal(err)
		}
		if left == 0 {
			return
		}
		select {
		case <-d.done:
		case <-time.After(50 * time.Millisecond): // the run has ended, its row follows
		case <-d.t.Context().Done():
			d.t.Fatal("jobs do not end")
		}
	}
}

func (d *desk) says(p *emulator.Phone, text string) {
	d.t.Helper()
	p.Say(text)
	d.settle()
}

func (d *desk) presses(p *emulator.Phone, labels ...string) {
	d.t.Helper()
	for _, label := range labels {
		if err := p.Press(label); err != nil {
			d.t.Fatal(err)
		}
		d.settle()
	}
}

func (d *desk) sends(p *emulator.Phone, files ...emulator.Attachment) {
	d.t.Helper()
	switch {
	case len(files) > 1:
		p.SendAlbum(files...)
	case files[0].Photo:
		p.SendPhoto(files[0].Data, "")
	default:
		p.SendDocument(files[0].Name, files[0].MIME, files[0].Data, "")
	}
	d.settle()
}

// cohort adds a cohort of the partner with learners whose papers are complete.
func (d *desk) cohort(partner, number, end string, learners int) *service.Cohort {
	d.t.Helper()
	c := &service.Cohort{
		Number: number, PartnerID: d.orgs[partner].ID, Program: "Русский язык как иностранный", ProgramKind: "Повышение квалификации",
		Hours: 72, StartOn: d.day("2024-01-15"), EndOn: d.day(end), Revision: 1,
	}
	if _, err := d.store.Bun().NewInsert().Model(c).Returning("id").Exec(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
	for i := range learners {
		l := &service.Learner{
			CohortID: c.ID, Number: fmt.Sprintf("%s-%03d", number, i+1),
			LastName: fmt.Sprintf("Слушатель%03d", i+1), FirstName: "Иван", MiddleName: "Петрович", Finished: true,
			DocumentType: service.DocumentQualification, DocumentSeries: "АБ", DocumentNumber: strconv.Itoa(1000 + i),
			RegistrationNumber: fmt.Sprintf("р-%d", i+1), DocumentOn: d.day(end), Revision: 1,
		}
		if _, err := d.store.Bun().NewInsert().Model(l).Exec(d.t.Context()); err != nil {
			d.t.Fatal(err)
		}
	}
	return c
}

func (d *desk) day(s string) service.Day {
	d.t.Helper()
	day, err := service.ParseDay(s)
	if err != nil {
		d.t.Fatal(err)
	}
	return day
}

// journal is a PDF as a partner would send it.
func (d *desk) journal(name string) emulator.Attachment {
	d.t.Helper()
	form := service.ActForm{
		Number: name, Version: 1, Date: d.day("2026-02-28"), Partner: "Журнал", Cohort: "1", Program: "П", Hours: 1,
		Start: d.day("2026-01-12"), End: d.day("2026-02-27"),
		Learners: []service.ActFormLearner{{Number: "1", Name: "Иванов Иван", DocType: 1, DocTypeName: "Удостоверение", DocNumber: "1", RegistrationNumber: "1", IssuedOn: d.day("2026-02-27")}},
	}
	data, err := d.printer.Act(d.t.Context(), form)
	if err != nil {
		d.t.Fatal(err)
	}
	return emulator.Attachment{Name: name, MIME: "application/pdf", Data: data}
}

// screenshot is a picture; the shade makes two of them differ.
func (d *desk) screenshot(name string, shade uint8) emulator.Attachment {
	d.t.Helper()
	img := image.NewGray(image.Rect(0, 0, 320, 200))
	for i := range img.Pix {
		img.Pix[i] = color.Gray{Y: shade}.Y
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		d.t.Fatal(err)
	}
	return emulator.Attachment{Name: name, MIME: "image/png", Data: b.Bytes()}
}

func photo(a emulator.Attachment) emulator.Attachment {
	a.Photo = true
	return a
}

// actor is who has a telephone.
func (d *desk) actor(p *emulator.Phone) service.Actor {
	d.t.Helper()
	by, err := d.people.Actor(d.t.Context(), p.ID())
	if err != nil {
		d.t.Fatal(err)
	}
	return by
}

// generated makes an act past the chat, for everybody who is eligible or for
// the learners with these ordinals, from 1.
func (d *desk) generated(p *emulator.Phone, c *service.Cohort, learners ...int) *service.Act {
	d.t.Helper()
	ctx, by := d.t.Context(), d.actor(p)
	v, err := d.acts.Cohort(ctx, by, c.ID)
	if err != nil {
		d.t.Fatal(err)
	}
	in := service.GenerateInput{CohortID: c.ID, Revision: v.Cohort.Revision}
	list, err := d.store.LearnersPage(ctx, c.ID, 0, 0, 1000)
	if err != nil {
		d.t.Fatal(err)
	}
	for _, n := range learners {
		for i := range list {
			if list[i].Number == fmt.Sprintf("%s-%03d", c.Number, n) {
				in.Learners = append(in.Learners, list[i].ID)
			}
		}
	}
	a, err := d.acts.Generate(ctx, by, in)
	if err != nil {
		d.t.Fatal(err)
	}
	d.work() // acts are printed in their order
	return a
}

// sent sends a package of a cohort past the chat: a journal and a screenshot.
func (d *desk) sent(p *emulator.Phone, c *service.Cohort) {
	d.t.Helper()
	ctx, by := d.t.Context(), d.actor(p)
	v, err := d.acts.Cohort(ctx, by, c.ID)
	if err != nil {
		d.t.Fatal(err)
	}
	journal, screenshot := d.journal("журнал.pdf"), d.screenshot("снимок.png", 90)
	d.lay(p, c, service.KindJournal, journal.Name, journal.MIME, journal.Data)
	d.lay(p, c, service.KindScreenshot, screenshot.Name, screenshot.MIME, screenshot.Data)
	if _, err := d.acts.Submit(ctx, by, service.SubmitInput{CohortID: c.ID, BaseVersion: v.Cohort.JournalVersion}); err != nil {
		d.t.Fatal(err)
	}
}

// lay puts an accepted file into a person's conversation about a cohort.
func (d *desk) lay(p *emulator.Phone, c *service.Cohort, kind service.JournalKind, name, mime string, data []byte) {
	d.t.Helper()
	ctx, by := d.t.Context(), d.actor(p)
	sha, size, err := d.files.Put(ctx, bytes.NewReader(data))
	if err != nil {
		d.t.Fatal(err)
	}
	f := &service.DraftFile{
		PersonID: by.PersonID, CohortID: c.ID, Kind: kind, Name: name, Size: size,
		State: service.DraftAccepted, FileSHA: sha, CleanSHA: sha, Pages: 1, AddedAt: d.at,
	}
	err = d.store.InTx(ctx, func(ctx context.Context, tx service.Tx) error {
		if err := tx.SaveFile(ctx, service.File{SHA256: sha, Size: size, Type: mime}); err != nil {
			return err
		}
		return tx.InsertDraftFile(ctx, f)
	})
	if err != nil {
		d.t.Fatal(err)
	}
}

// quietly settles what has been done past the chat and forgets its lines.
func (d *desk) quietly() {
	d.t.Helper()
	d.settle()
	d.tg.ResetTranscript()
}

// pass moves the clock.
func (d *desk) pass(by time.Duration, note string) {
	d.t.Helper()
	d.at = d.at.Add(by)
	d.tg.Note(note)
}

// status is the state of the first act of the cohort 118, as the table has it.
func (d *desk) status() service.ActStatus {
	d.t.Helper()
	a, err := d.store.ActByNumber(d.t.Context(), service.CommandLine, "118/1")
	if err != nil {
		d.t.Fatal(err)
	}
	return a.Status
}

// TestAJournalIsApproved is read best as testdata/act_approved.golden.
func TestAJournalIsApproved(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.cohort("Север & <Ко>", "118", "2026-02-27", 3)
	olga := d.hire("partner", "Север & <Ко>", "Ольга Петрова")
	roman := d.hire("operator", "Оператор", "Роман Проверкин")

	d.says(olga, "/tasks")
	d.presses(olga, "Сгенерировать акт · поток 118", "Готово", "Сгенерировать акт")
	d.presses(olga, "Журнал и скриншоты")
	d.sends(olga, d.journal("журнал.pdf"))
	d.sends(olga, d.screenshot("первый.png", 200), d.screenshot("второй.png", 100))
	d.presses(olga, "Готово", "Отправить на согласование")

	d.says(roman, "Следующий")
	d.presses(roman, "Взять на проверку", "Отклонить", "Нет подписи")
	d.presses(olga, "Заменить журнал", "Убрать журнал")
	d.sends(olga, d.journal("журнал с подписью.pdf"))
	d.says(olga, "готово")
	d.presses(olga, "Отправить на согласование")

	d.says(roman, "/tasks")
	d.says(roman, "Взять на проверку")
	d.presses(roman, "Согласовать")
	d.presses(olga, "История")

	if got := d.status(); got != service.ActApproved {
		t.Errorf("the act is %s", got)
	}
	golden(t, "act_approved", d.tg.Transcript())
}
