package bot_test

import (
	"fmt"
	"math/rand/v2"
	"time"

	"flowbot/bot/post"
	"flowbot/service"
	"flowbot/service/foreign"
	"flowbot/service/ocr"
	"flowbot/templates"
)

// examServices are the use cases of testing centres.
type examServices struct {
	*service.Exams
	Protocols    *service.Protocols
	Centers      *service.Centers
	Frdo         *service.Frdo
	Certificates *service.Certificates
	Blanks       *service.Blanks
	Scans        *service.Scans
	Batches      *service.ScanBatches
	Questions    *service.ScanQuestions
	Candidates   *service.Candidates
	Deliveries   *service.Deliveries
	Uploads      *service.Uploads
	Links        *service.UploadLinks
}

// deliveryHold is how long a scan waits at a desk.
const deliveryHold = 10 * time.Minute

func newExamServices(d *desk, reader *foreign.Reader, sent service.ChatFiles, say service.Say, maxDownload int64, now service.Clock) *examServices {
	random := rand.NewChaCha8([32]byte{2})
	profiles := d.blankProfiles()
	e := &examServices{
		Exams:     service.NewExams(d.store, reader.Book(), now),
		Protocols: service.NewProtocols(d.store, d.files, now),
		Blanks:    service.NewBlanks(d.store, now),
		Uploads:   service.NewUploads(d.store, sent, reader, d.files, maxDownload, say, now),
	}
	e.Centers = service.NewCenters(d.store, reader.Book(), d.files, e.Uploads, profiles, now)
	e.Certificates = service.NewCertificates(d.store, d.printer, d.files, profiles, now)
	e.Frdo = service.NewFrdo(d.store, reader.Book(), d.files, e.Uploads, e.Certificates, say, now)
	e.Scans = service.NewScans(service.ScansConfig{
		Store: d.store, Files: d.files, Uploads: e.Uploads, Printer: d.printer, Recogniser: d.recogniser, Profiles: profiles,
		Hold: deliveryHold, Now: now,
	})
	e.Batches = service.NewScanBatches(service.ScanBatchesConfig{
		Store: d.store, Chat: sent, Foreign: reader, Files: d.files, Scans: e.Scans, Sheet: ocr.Sheet,
		MaxDownload: maxDownload, Say: say, Program: "test", Awaits: d.sessions, Now: now,
	})
	e.Links = service.NewUploadLinks(d.store, e.Batches, rand.NewChaCha8([32]byte{3}), now)
	e.Questions = service.NewScanQuestions(e.Batches)
	e.Candidates = service.NewCandidates(d.store, d.people, d.printer, d.files, random, now)
	e.Deliveries = service.NewDeliveries(d.store, gatedMessages{post.Messages{Chat: d.client}, d}, now)
	return e
}

// blankProfiles are the built-in ones.
func (d *desk) blankProfiles() []service.BlankProfile {
	d.t.Helper()
	tables, err := templates.BlankProfiles()
	if err != nil {
		d.t.Fatal(err)
	}
	profiles, err := service.BuildBlankProfiles(tables...)
	if err != nil {
		d.t.Fatal(err)
	}
	return profiles
}

// exam adds an exam of the center with applications NUMBER-01 and so on, whose
// results are awaited; fill may change each before it is added.
func (d *desk) exam(center, number, heldOn string, applications int, fill ...func(n int, a *service.Application)) *service.Exam {
	d.t.Helper()
	e := &service.Exam{
		Number: number, CenterID: d.orgs[center].ID, Venue: "Площадка № 1", Address: "г. Тверь, ул. Лесная, д. 5",
		HeldOn: d.day(heldOn), HeldAt: "10:00", ProtocolStatus: service.ProtocolMissing, Revision: 1,
	}
	if _, err := d.store.Bun().NewInsert().Model(e).ExcludeColumn("created_at", "updated_at").Returning("id").Exec(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
	for i := range applications {
		n := i + 1
		a := &service.Application{
			Number: fmt.Sprintf("%s-%02d", number, n), ExamID: e.ID, Level: service.Levels[i%len(service.Levels)],
			LastName: fmt.Sprintf("Каримов%02d", n), FirstName: "Алишер", MiddleName: "Рустамович",
			LastNameLatin: fmt.Sprintf("KARIMOV%02d", n), FirstNameLatin: "ALISHER",
			BornOn: service.NewDay(1990, time.Month(1+i%12), 1+i%28), Gender: "m",
			IdentityDocument: fmt.Sprintf("FA %07d", 1000000+n), Citizenship: "UZ", Phone: fmt.Sprintf("7900%07d", n), Language: "uz",
			Revision: 1,
		}
		for _, f := range fill {
			f(n, a)
		}
		if _, err := d.store.Bun().NewInsert().Model(a).ExcludeColumn("created_at", "updated_at").Exec(d.t.Context()); err != nil {
			d.t.Fatal(err)
		}
	}
	return e
}

// passed says of an application that it was passed without violations.
func passed(_ int, a *service.Application) {
	a.Outcome, a.Violations = service.OutcomePassed, service.ViolationsNone
}

// approved makes the protocol of an exam approved past the chat.
func (d *desk) approved(e *service.Exam) {
	d.t.Helper()
	_, err := d.store.Bun().NewRaw(`UPDATE exams SET protocol_status = 'approved', protocol_version = 1 WHERE id = ?`, e.ID).Exec(d.t.Context())
	if err == nil {
		_, err = d.store.Bun().NewRaw(`
			WITH f AS (INSERT INTO files (sha256, size, type) VALUES (repeat('0', 64), 1, 'application/pdf') ON CONFLICT DO NOTHING)
			SELECT 1`).Exec(d.t.Context())
	}
	if err == nil {
		_, err = d.store.Bun().NewRaw(`
			INSERT INTO protocols (exam_id, version, number, dated_on, file_name, file_sha, clean_sha, pages, uploaded_by, uploaded_at)
			SELECT ?, 1, '316/26', ?, 'протокол.pdf', repeat('0', 64), repeat('0', 64), 1, min(id), ? FROM people`,
			e.ID, e.HeldOn, d.at).Exec(d.t.Context())
	}
	if err != nil {
		d.t.Fatal(err)
	}
}

// application is one of an exam's applications as it stands now.
func (d *desk) application(number string) *service.Application {
	d.t.Helper()
	a, err := d.store.ApplicationByNumber(d.t.Context(), service.CommandLine, number)
	if err != nil {
		d.t.Fatal(err)
	}
	return a
}
