package main

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestAnExamIsShown imports an exam, writes down what comes after it and compares
// what is shown.
func TestAnExamIsShown(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.must("org", "add", "--kind", "center", "--name", "Центр «Мост» <&>")
	book := filepath.Join(t.TempDir(), "exams.xlsx")
	p.must("sheet", "exams", book)
	application := func(number, level, name string) map[string]string {
		return map[string]string{
			"Номер экзамена": "24-118", "Номер заявки": number, "Уровень": level, "Фамилия": name, "Имя": "Алишер",
			"Дата рождения": "01.02.1990", "Гражданство": "UZ",
		}
	}
	fill(t, book, map[string][]map[string]string{
		"Экзамены": {{
			"Номер экзамена": "24-118", "Центр тестирования": "Центр «Мост» <&>", "Площадка": "Площадка № 1",
			"Адрес проведения": "г. Тверь, ул. Лесная, д. 5", "Дата и время": "24.02.2025 10:00",
		}, {
			"Номер экзамена": "24-119", "Центр тестирования": "Центр «Мост» <&>", "Адрес проведения": "г. Тверь", "Дата и время": "25.02.2025",
		}},
		"Заявки": {
			application("24-118-01", "ВНЖ", "Авазов"), application("24-118-02", "Патент", "Бобоев"),
			application("24-118-03", "РВП", "Валиев"), application("24-118-04", "Патент", "Гафуров"),
		},
	})
	p.must("import", book)
	results := filepath.Join(t.TempDir(), "results.xlsx")
	p.must("sheet", "results", results)
	fill(t, results, map[string][]map[string]string{"Результаты": {
		{"Номер заявки": "24-118-01", "Результат": "Сдал", "Нарушения": "Нет"},
		{"Номер заявки": "24-118-02", "Результат": "Сдал", "Нарушения": "Нет"},
		{"Номер заявки": "24-118-03", "Результат": "Не явился"},
	}})
	p.must("import", results)

	s := Settings{
		DataDir: p.data, DatabaseURL: strings.TrimPrefix(p.env[len(p.env)-1], "DATABASE_URL="), Migrate: "off",
		MaxDownload: 20 << 20, SendRate: 30, SendRateOfChat: 1,
	}
	i, err := open(t.Context(), s, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer i.Close()
	for _, q := range []string{
		`INSERT INTO files (sha256, size, type) VALUES (repeat('a', 64), 1, 'application/pdf')`,
		`INSERT INTO people (name) VALUES ('Анна')`,
		`INSERT INTO protocols (exam_id, version, number, dated_on, file_name, file_sha, clean_sha, pages, uploaded_by, uploaded_at)
			SELECT id, 1, '316/25', held_on, 'п.pdf', repeat('a', 64), repeat('a', 64), 1, (SELECT id FROM people), '2025-02-25 09:00Z' FROM exams WHERE number = '24-118'`,
		`UPDATE exams SET protocol_status = 'to_check', protocol_version = 1 WHERE number = '24-118'`,
		`UPDATE applications SET registration_number = 'Р-' || number, issued_on = '2025-03-01',
			valid_until = CASE WHEN level = 'patent' THEN date '2028-03-01' END WHERE outcome = 'passed'`,
		`INSERT INTO scans (application_id, version, file_name, file_sha, clean_sha, blank_series, blank_number, source, loaded_at)
			SELECT id, 1, 'с.pdf', repeat('a', 64), repeat('a', 64), 'АБ', '0000000000017', 'person', now() FROM applications WHERE number = '24-118-01'`,
		`UPDATE applications AS a SET scan_id = s.id, handed_on = '2025-03-05', deliver_at = '2025-03-02 08:29Z', delivered_at = '2025-03-02 08:30Z'
			FROM scans s WHERE s.application_id = a.id`,
		`INSERT INTO deliveries (application_id, scan_id, person_id, message_id, sent_at, recall, recalled_by, recalled_at)
			SELECT application_id, id, (SELECT id FROM people), 7, '2025-03-02 07:30Z', 'done', (SELECT id FROM people), '2025-03-02 08:00Z' FROM scans`,
		`INSERT INTO deliveries (application_id, scan_id, person_id, message_id, sent_at)
			SELECT application_id, id, (SELECT id FROM people), 0, '2025-03-02 08:30Z' FROM scans`,
		`INSERT INTO scan_batches (center_id, exam_id, person_id, state, created_at, newest_at, settled_at)
			SELECT center_id, id, (SELECT id FROM people), 'settled', now(), now(), now() FROM exams WHERE number = '24-118'`,
		`INSERT INTO scan_files (batch_id, name, size, state, pages, added_at) SELECT id, 'скан.pdf', 1, 'taken_apart', 2, now() FROM scan_batches`,
		`INSERT INTO scan_pages (batch_id, file_id, number, exam_id, state, rule, application_id, scan_id, sha, evidence, program, decided_at, added_at, read_at)
			SELECT f.batch_id, f.id, 1, a.exam_id, 'matched', 'number+name', a.id, a.scan_id, repeat('a', 64), jsonb_build_object(
				'Located', true, 'Turn', 180, 'Resolution', 299.8, 'Number', 'Р-24-118-01', 'BlankCode', '0000000000017', 'BlankDigits', '0000000000017',
				'Candidates', jsonb_build_array(jsonb_build_object('ApplicationID', a.id, 'Digits', 0.97, 'Name', 0.93, 'Latin', 0.91, 'IssuedOn', 0.9))
			), 'abc123', '2025-03-02 08:00Z', '2025-03-02 08:00Z', '2025-03-02 08:00Z' FROM scan_files AS f, applications AS a WHERE a.scan_id IS NOT NULL`,
		`INSERT INTO scan_pages (batch_id, file_id, number, exam_id, state, rule, evidence, program, decided_by, decided_at, added_at, read_at)
			SELECT batch_id, file_id, 2, exam_id, 'aside', 'rescan', '{"Located": true, "Number": "Р-24-118-??", "NumberSecond": "Р-24-118-02"}', 'abc123',
				(SELECT id FROM people), '2025-03-02 08:05Z', added_at, read_at FROM scan_pages`,
		`INSERT INTO scan_files (batch_id, name, size, state, pages, added_at) SELECT id, 'сканы.zip', 1, 'taken_apart', 1, now() FROM scan_batches`,
		`INSERT INTO scan_pages (batch_id, file_id, number, name, exam_id, state, rule, application_id, named_id, added_at)
			SELECT f.batch_id, f.id, 1, other.number || '.pdf', a.exam_id, 'question', 'name of file', a.id, other.id, now()
			FROM scan_files AS f, applications AS a, applications AS other
			WHERE f.name = 'сканы.zip' AND a.number = '24-118-02' AND other.number = '24-118-03'`,
		`UPDATE exams SET paused_at = '2025-03-02 09:00Z', paused_by = (SELECT id FROM people) WHERE number = '24-118'`,
	} {
		if _, err := i.db.Bun().ExecContext(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	for name, number := range map[string]string{"show_exam.golden": "24-118", "show_exam_empty.golden": "24-119"} {
		r := p.run("show", "exam", number, "--json")
		if r.status != 0 || r.err != "" {
			t.Fatalf("status %d, error %q", r.status, r.err)
		}
		var pretty bytes.Buffer
		if err := json.Indent(&pretty, []byte(r.out), "", "  "); err != nil {
			t.Fatal(err)
		}
		golden(t, name, regexp.MustCompile(`"at": "[^"]+"`).ReplaceAllString(pretty.String(), `"at": "NOW"`))
	}
}
