package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flowbot/db"
	"flowbot/service"
)

// The exams of a center, one for each of the conversations below: 401 awaits its
// protocol; those of the others are approved. 402 awaits its numbers, 403 and 404
// have them. The candidate is linked to 404-01.
const (
	examOfProtocol, examOfNumbers, examOfPrinting, examOfScan = "401", "402", "403", "404"
	applicationsOf                                            = 3 // in each exam
)

// newExamPlay is newPlay with a center, its exams, a candidate and an admin.
func newExamPlay(t *testing.T) *play {
	t.Helper()
	p := newPlay(t)
	p.place = p.with("DELIVERY_HOLD=0s")
	files, err := db.OpenFiles(t.Context(), filepath.Join(p.data, "files"), db.S3{})
	if err != nil {
		t.Fatal(err)
	}
	scan, err := attachment("протокол прежний.pdf")
	if err != nil {
		t.Fatal(err)
	}
	sha, size, err := files.Put(t.Context(), bytes.NewReader(scan.Data))
	if err != nil {
		t.Fatal(err)
	}
	zone, err := daytime()
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []string{
		`INSERT INTO orgs (kind, name, zone) VALUES ('center', 'Центр «Мост»', ?0)`,
		`INSERT INTO people (name, telegram_id) VALUES (?1, 1004), (?2, 1005), (?3, 1006)`,
		`INSERT INTO memberships (person_id, org_id, role)
			SELECT p.id, CASE p.telegram_id WHEN 1004 THEN o.id END, (ARRAY['center_staff', 'candidate', 'admin'])[p.telegram_id - 1003]
			FROM people p, orgs o WHERE o.kind = 'center' AND p.telegram_id IN (1004, 1005, 1006)`,
		`INSERT INTO centers (org_id, name_instrumental, issue_address, signatory_position, signatory_name, blank_profile)
			SELECT id, 'Центром тестирования «Мост»', 'г. Тверь, ул. Лесная, д. 5', 'Директор', 'И. И. Мостова', 'blank-210' FROM orgs WHERE kind = 'center'`,
		`INSERT INTO exams (number, center_id, address, held_on) SELECT n::text, o.id, 'г. Тверь, ул. Лесная, д. 5', '2026-02-24'
			FROM orgs o, generate_series(401, 404) n WHERE o.kind = 'center' ORDER BY n`,
		`INSERT INTO applications (number, exam_id, level, last_name, first_name, middle_name, last_name_latin, first_name_latin, born_on,
				identity_document, citizenship, phone, outcome, violations)
			SELECT e.number || '-0' || i, e.id, 'patent', 'Каримов' || i, 'Алишер', 'Рустамович', 'KARIMOV', 'ALISHER', '1990-01-02'::date + i,
				'FA 773190' || i, 'UZ', '79001204' || i, 'passed', 'none' FROM exams e, generate_series(1, ?4) i ORDER BY e.number, i`,
		`INSERT INTO files (sha256, size, type) VALUES (?5, ?6, 'application/pdf')`,
		`UPDATE exams SET protocol_status = 'approved', protocol_version = 1 WHERE number <> '401'`,
		`INSERT INTO protocols (exam_id, version, number, dated_on, file_name, file_sha, clean_sha, pages, uploaded_by, uploaded_at)
			SELECT e.id, 1, '316/26', '2026-02-25', 'протокол прежний.pdf', ?5, ?5, 1, p.id, '2026-02-25' FROM exams e, people p
			WHERE e.number <> '401' AND p.telegram_id = 1004`,
		`UPDATE applications SET registration_number = '24-10-40538-0' || replace(number, '-', '') || '-1', issued_on = '2026-02-25', valid_until = '2029-02-25'
			WHERE number ~ '^40[34]-'`,
		`UPDATE applications SET person_id = p.id, linked_at = now() FROM people p WHERE p.telegram_id = 1005 AND number = '404-01'`,
	} {
		_, err := p.store.Bun().NewRaw(q, zone.String(), cast["center"].name, cast["candidate"].name, cast["admin"].name,
			applicationsOf, sha, size).Exec(t.Context())
		if err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// registerAnswer is the table with the numbers of an exam.
func registerAnswer() []byte {
	var b bytes.Buffer
	b.WriteString("Фамилия;Имя;Отчество;Дата рождения;Регистрационный номер;Дата выдачи\n")
	born := service.NewDay(1990, time.January, 2)
	for i := 1; i <= applicationsOf; i++ {
		fmt.Fprintf(&b, "Каримов%d;Алишер;Рустамович;%s;24-10-40538-04020%d-1;26.02.2026\n", i, born.AddDays(i).Russian(), i)
	}
	return b.Bytes()
}

// troubles is how many messages of unknown outcome an admin is shown.
func (p *play) troubles() int {
	p.t.Helper()
	p.run([]step{say("admin", "Неполадки")}, func(int) {})
	return strings.Count(p.phone("admin").Last().Text, "не подтверждено, могло дойти")
}

// load is the loading of the scan of an application, but for the last press.
func load(application, blank string) []step {
	return []step{
		say("center", "Загрузить сертификат · "+application), say("center", blank), press("center", "Верно"), press("center", "Верно"),
		send("center", "скан.png"), press("center", "Готово"), press("center", "Загрузить"),
	}
}

// examConversations are those of a center's staff.
var examConversations = []struct {
	name  string
	steps []step
}{
	{"a protocol", []step{
		say("center", "Загрузить протокол"), say("center", "317/26"), say("center", "25.02.2026"), send("center", "протокол.pdf"),
		press("center", "Готово"), press("center", "Взять протокол на проверку"), press("center", "Одобрить протокол"),
	}},
	{"numbers and what is printed", []step{
		say("center", "Импортировать сертификаты · "+examOfNumbers), send("center", "ответ.csv"), press("center", "Сгенерировать (3)"),
	}},
	{"a printing", []step{
		say("center", "Распечатать сертификаты · "+examOfPrinting), press("center", "Готово"), press("center", "Распечатать (3)"),
	}},
	{"a candidate's link", []step{
		say("center", "Заявка "+examOfNumbers+"-01"), press("center", "Пригласить сдающего"), follow("colleague", "center"),
		say("colleague", "01.01.1980"), say("colleague", "03.01.1990"),
	}},
	{"a scan and a handover", slices.Concat(load(examOfScan+"-02", "0777100000002"), []step{
		press("center", "Да, верно"), press("center", "Отметить выдачу"), press("center", "Сегодня"),
	})},
}

func TestConversationsOfACenterSurviveKill(t *testing.T) {
	t.Parallel()
	for _, c := range examConversations {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			surviveKill(t, c.name, newExamPlay, []step{say("center", "/start"), say("admin", "/start")}, c.steps)
		})
	}
}

// deliveries is what became of the delivery of the candidate's scan.
func (p *play) deliveries() (documents int, states []string) {
	p.t.Helper()
	for _, m := range p.phone("candidate").Messages() {
		if m.Bot && m.File != nil {
			documents++
		}
	}
	return documents, p.rows(`SELECT state FROM notices WHERE kind = 'delivery' ORDER BY id`)
}

// TestACertificateArrivesAtMostOnce kills the process around the moment in which
// a scan goes to its candidate, and starts it twice after that.
func TestACertificateArrivesAtMostOnce(t *testing.T) {
	t.Parallel()
	type death struct {
		name   string
		fatal  func(method string) bool
		at     int
		before bool
	}
	document := func(method string) bool { return method == "sendDocument" }
	deaths := []death{
		{"before it is sent", document, 1, true},
		{"when it was sent", document, 1, false},
	}
	random := rand.New(rand.NewPCG(3, 1))
	for n := range 2 * *rounds {
		deaths = append(deaths, death{fmt.Sprintf("at a random moment, %d", n), nil, 1 + random.IntN(40), random.IntN(2) == 0})
	}
	for _, tt := range deaths {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newExamPlay(t)
			p.begin()
			people := []step{say("admin", "/start"), say("center", "/start"), say("candidate", "/start")}
			p.run(slices.Concat(people, load(examOfScan+"-01", "0777100000001")), func(int) {})
			sprung := p.trap.setOn(tt.fatal, p.serve, tt.at, tt.before)
			p.do(press("center", "Да, верно"))
			if !p.settle(sprung) {
				p.serve.kill()
			}
			p.trap.set(nil, 0, false)
			for range 2 {
				p.begin()
				p.settle(nil)
				p.serve.kill()
			}
			p.begin()
			p.run([]step{say("candidate", "/start"), say("center", "Отметить выдачу · "+examOfScan+"-01"), press("center", "Сегодня")}, func(int) {})

			documents, became := p.deliveries()
			switch {
			case len(became) == 1 && became[0] == "sent" && documents == 1:
			case len(became) == 1 && became[0] == "unknown" && documents <= 1:
				if n := p.troubles(); n != 1 {
					t.Errorf("an admin is shown %d", n)
				}
			default:
				t.Errorf("%d documents, the notices are %q", documents, became)
			}
			if tt.fatal != nil && became[0] != "unknown" {
				t.Errorf("killed on the way, the notice is %q", became)
			}
			want := []string{"1 scan", "1 blank", "completed"}
			got := p.rows(`SELECT count(*) || ' scan' FROM scans UNION ALL SELECT count(*) || ' blank' FROM blanks
				UNION ALL SELECT application_status(outcome, violations, scan_id IS NOT NULL, handed_on IS NOT NULL) FROM applications WHERE number = '404-01'`)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("it ends elsewhere (-want +got):\n%s\n%s", diff, p.printed())
			}
			p.checkFiles()
			p.checkPrinted()
		})
	}
}
