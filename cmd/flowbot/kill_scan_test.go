package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"flowbot/service"
	"flowbot/service/ocr/drawn"
)

// scansOf are the scans of the exam 404 in one PDF: those of its three candidates,
// the second's number under ink, and the first once more, on the same blank.
var scansOf = sync.OnceValues(func() ([]byte, error) {
	var sheets []drawn.Signed
	for _, n := range []int{1, 2, 3, 1} {
		sheets = append(sheets, drawn.Signed{
			Certificate: service.Certificate{
				Application: fmt.Sprintf("404-0%d", n), Level: service.LevelPatent, Name: fmt.Sprintf("Каримов%d Алишер Рустамович", n), NameLatin: "KARIMOV ALISHER",
				Institution: "Центром тестирования «Мост»", Address: "г. Тверь, ул. Лесная, д. 5", SignatoryPosition: "Директор", SignatoryName: "И. И. Мостова",
				IssuedOn: service.NewDay(2026, 2, 25), ValidUntil: service.NewDay(2029, 2, 25), RegistrationNumber: fmt.Sprintf("24-10-40538-04040%d-1", n),
			},
			BlankNumber: fmt.Sprintf("077710000000%d", n), Blotted: n == 2,
		})
	}
	pages, err := drawSample(context.Background(), 7, sampleScanner, sheets)
	if err != nil {
		return nil, err
	}
	return bindSample(pages)
})

// scanned is where a batch has ended: its pages, what was loaded, and what was
// told.
func (p *play) scanned() []string {
	p.t.Helper()
	var out []string
	for _, query := range []string{
		`SELECT concat_ws(' | ', 'batch', state, exam_id IS NOT NULL) FROM scan_batches ORDER BY id`,
		`SELECT concat_ws(' | ', 'file', name, state, reason, pages) FROM scan_files ORDER BY id`,
		`SELECT concat_ws(' | ', 'page', p.number, p.state, p.rule, a.number, p.scan_id IS NOT NULL, p.sha, p.clean_sha, p.thumb_sha)
			FROM scan_pages p LEFT JOIN applications a ON a.id = p.application_id ORDER BY p.file_id, p.number`,
		`SELECT concat_ws(' | ', 'scan', a.number, s.version, s.file_sha, s.blank_number, s.replaced_at IS NULL, a.scan_id = s.id)
			FROM scans s JOIN applications a ON a.id = s.application_id ORDER BY 1`,
		`SELECT concat_ws(' | ', 'blank', b.number, b.state, a.number) FROM blanks b JOIN applications a ON a.id = b.application_id ORDER BY 1`,
		`SELECT concat_ws(' | ', 'step', h.subject, h.event, h.to_status, count(*)) FROM history h
			WHERE h.subject IN ('application', 'scan_page', 'blank') AND h.event <> 'delivered' GROUP BY h.subject, h.event, h.to_status ORDER BY 1`,
		`SELECT concat_ws(' | ', 'notice', kind, count(*)) FROM notices WHERE kind IN ('scan_report', 'delivery') GROUP BY kind ORDER BY 1`,
		`SELECT concat_ws(' | ', 'job', kind, state) FROM river_job WHERE state NOT IN ('completed', 'cancelled')`,
	} {
		out = append(out, p.rows(query)...)
	}
	return out
}

// sendsScans plays a batch; each death says at which request of the process it
// dies. It returns how many requests the last life took.
func (p *play) sendsScans(deaths []int) int {
	p.t.Helper()
	file, err := scansOf()
	if err != nil {
		p.t.Fatal(err)
	}
	p.begin()
	p.run([]step{say("center", "/start"), say("candidate", "/start"), say("center", "Экзамен · 404"), press("center", "Загрузить сканы")}, func(int) {})
	p.do(step{"center sends the scans", func(p *play) error {
		p.phone("center").SendDocument("сканы.pdf", "application/pdf", file, "")
		return p.phone("center").Press("Готово")
	}})
	for _, at := range deaths {
		sprung := p.trap.set(p.serve, at, at%2 == 0)
		if !p.settle(sprung) {
			p.serve.kill()
		}
		p.trap.set(nil, 0, false)
		p.begin()
	}
	p.trap.set(nil, 0, false)
	p.settle(nil)
	return p.trap.count()
}

// TestABatchSurvivesKill kills the process while it takes a batch apart, reads and
// settles it, less often than a job is tried: everything is there once, and nothing
// is sent twice.
func TestABatchSurvivesKill(t *testing.T) {
	t.Parallel()
	p := newExamPlay(t)
	requests := p.sendsScans(nil)
	p.checkFiles()
	p.checkPrinted()
	want := p.scanned()
	if documents, _ := p.deliveries(); documents != 1 {
		t.Fatalf("%d documents came to the candidate:\n%s", documents, p.rest())
	}
	for seed := range 2 * *rounds {
		t.Run(fmt.Sprintf("killed on the way, %d", seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 11))
			var deaths []int
			for range 4 {
				deaths = append(deaths, 1+random.IntN(max(1, requests/2)))
			}
			p := newExamPlay(t)
			p.sendsScans(deaths)
			p.checkFiles()
			p.checkPrinted()
			if diff := cmp.Diff(want, p.scanned()); diff != "" {
				t.Errorf("killed at %v it ends elsewhere (-without kills +with them):\n%s\n%s", deaths, diff, p.printed())
			}
			documents, became := p.deliveries()
			if documents > 1 || documents == 0 && !slices.Contains(became, "unknown") {
				t.Errorf("killed at %v the candidate gets %d documents, the notices are %q", deaths, documents, became)
			}
		})
	}
}
