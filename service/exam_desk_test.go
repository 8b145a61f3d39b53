package service_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"flowbot/db"
	"flowbot/service"
	"flowbot/service/sheet"
)

// center is a house with a testing centre, its staff and another center's.
type center struct {
	*house
	exams    *service.Exams
	files    service.FileStore
	org      *service.Org
	anna     service.Actor // works in the center
	boris    service.Actor // works in the center, too
	stranger service.Actor // works in another center
	admin    service.Actor
	made     atomic.Int64
}

func newCenter(t *testing.T) *center {
	t.Helper()
	c := &center{house: newHouse(t)}
	c.org = c.house.org(service.OrgCenter, "Центр тестирования «Мост»")
	elsewhere := c.house.org(service.OrgCenter, "Другой центр")
	seat := service.Seat{Role: service.RoleCenterStaff, OrgID: c.org.ID}
	c.anna = c.hire(seat, "Анна Центрова")
	c.boris = c.hire(seat, "Борис Центров")
	c.stranger = c.hire(service.Seat{Role: service.RoleCenterStaff, OrgID: elsewhere.ID}, "Семён Чужой")
	c.admin = c.hire(service.Seat{Role: service.RoleAdmin}, "Ада Админова")
	c.exams = service.NewExams(c.store, sheet.Book{}, c.now)
	var err error
	if c.files, err = db.OpenFiles(t.Context(), t.TempDir(), db.S3{}); err != nil {
		t.Fatal(err)
	}
	return c
}

// exam adds an exam of the center, held on 2026-02-24, with applications; fill
// may change each before it is added.
func (c *center) exam(applications int, fill ...func(n int, a *service.Application)) *service.Exam {
	c.t.Helper()
	return c.examOf(c.org.ID, applications, fill...)
}

func (c *center) examOf(centerID int64, applications int, fill ...func(n int, a *service.Application)) *service.Exam {
	c.t.Helper()
	e := &service.Exam{
		Number: fmt.Sprintf("Э-%d", c.made.Add(1)), CenterID: centerID, Venue: "Площадка № 1", Address: "г. Тверь, ул. Лесная, д. 5",
		HeldOn: day(c.t, "2026-02-24"), HeldAt: "10:00", ProtocolStatus: service.ProtocolMissing, Revision: 1,
	}
	if _, err := c.store.Bun().NewInsert().Model(e).ExcludeColumn("created_at", "updated_at").Returning("id").Exec(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
	for i := range applications {
		n := i + 1
		a := &service.Application{
			Number: fmt.Sprintf("%s-%03d", e.Number, n), ExamID: e.ID, Level: service.Levels[i%len(service.Levels)],
			LastName: fmt.Sprintf("Каримов%03d", n), FirstName: "Алишер", MiddleName: "Рустамович",
			LastNameLatin: fmt.Sprintf("KARIMOV%03d", n), FirstNameLatin: "ALISHER",
			BornOn: service.NewDay(1990, time.Month(1+i%12), 1+i%28), Gender: "m",
			IdentityDocument: fmt.Sprintf("FA %07d", 1000000+n), Citizenship: "UZ", Phone: fmt.Sprintf("7900%07d", n), Language: "uz",
			Revision: 1,
		}
		for _, f := range fill {
			f(n, a)
		}
		if _, err := c.store.Bun().NewInsert().Model(a).ExcludeColumn("created_at", "updated_at").Exec(c.t.Context()); err != nil {
			c.t.Fatal(err)
		}
	}
	return e
}

// passed says of an application that it was passed without violations.
func passed(_ int, a *service.Application) {
	a.Outcome, a.Violations = service.OutcomePassed, service.ViolationsNone
}

// approve makes the exam's protocol approved without its review.
func (c *center) approve(e *service.Exam) {
	c.t.Helper()
	for _, q := range []string{
		`INSERT INTO files (sha256, size, type) VALUES (repeat('0', 64), 1, 'application/pdf') ON CONFLICT DO NOTHING`,
		`INSERT INTO protocols (exam_id, version, number, dated_on, file_name, file_sha, clean_sha, pages, uploaded_by, uploaded_at)
			SELECT ?0, 1, '316/26', held_on, 'протокол.pdf', repeat('0', 64), repeat('0', 64), 1, ?1, now() FROM exams WHERE id = ?0`,
		`UPDATE exams SET protocol_status = 'approved', protocol_version = 1 WHERE id = ?0`,
	} {
		if _, err := c.store.Bun().NewRaw(q, e.ID, c.anna.PersonID).Exec(c.t.Context()); err != nil {
			c.t.Fatal(err)
		}
	}
}

// now is the exam as it stands.
func (c *center) current(e *service.Exam) *service.Exam {
	c.t.Helper()
	out, err := c.store.Exam(c.t.Context(), service.CommandLine, e.ID)
	if err != nil {
		c.t.Fatal(err)
	}
	return out
}

// applications are the exam's as they stand.
func (c *center) applications(e *service.Exam) []service.Application {
	c.t.Helper()
	list, err := c.store.Applications(c.t.Context(), e.ID)
	if err != nil {
		c.t.Fatal(err)
	}
	return list
}
