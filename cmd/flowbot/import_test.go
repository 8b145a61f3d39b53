package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// importedExam is what the command shows of an exam, as far as an import goes.
type importedExam struct {
	Number            string           `json:"number"`
	Date              string           `json:"date"`
	CertificateStatus string           `json:"certificate_status"`
	Applications      []importedResult `json:"applications"`
}

type importedResult struct {
	Number string `json:"number"`
	Status string `json:"status"`
}

// imports runs the command and returns the lines of its report.
func (p *place) imports(args ...string) []string {
	p.t.Helper()
	return strings.Split(strings.TrimSpace(p.must(append([]string{"import"}, args...)...)), "\n")
}

func TestWorkbooksOfACenterAreFilledAndImported(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.must("org", "add", "--kind", "center", "--name", "Центр «Мост»", "--inn", "7701234567")
	dir := t.TempDir()
	empty := func(name string) string {
		path := filepath.Join(dir, name+".xlsx")
		p.must("sheet", name, path)
		return path
	}
	centers, exams, results := empty("centers"), empty("exams"), empty("results")
	fill(t, centers, map[string][]map[string]string{"Центры": {{
		"Центр тестирования": "7701234567", "Наименование в творительном падеже": "Центром «Мост»", "Адрес выдачи": "г. Тверь, ул. Мира, 1",
		"Должность подписанта": "Директор", "ФИО подписанта": "Мостова Анна Ильинична", "Профиль бланка": "blank-210",
	}}})
	application := map[string]string{
		"Номер экзамена": "316", "Номер заявки": "316-1", "Уровень": "РВП", "Фамилия": "Каримов", "Имя": "Алишер", "Отчество": "Рустамович",
		"Фамилия латиницей": "KARIMOV", "Имя латиницей": "ALISHER", "Отчество латиницей": "", "Дата рождения": "01.02.1990", "Пол": "М",
		"Серия и номер документа": "FA 0123456", "Гражданство": "Узбекистан", "Телефон": "+7 900 123-45-67", "Язык": "узбекский",
	}
	second := map[string]string{
		"Номер экзамена": "316", "Номер заявки": "316-2", "Уровень": "ВНЖ", "Фамилия": "Ким", "Имя": "Ен", "Дата рождения": "03.04.1985",
	}
	fill(t, exams, map[string][]map[string]string{
		"Экзамены": {{
			"Номер экзамена": "316", "Центр тестирования": "Центр «Мост»", "Площадка": "Площадка № 1",
			"Адрес проведения": "г. Тверь, ул. Лесная, д. 5", "Дата и время": "16.12.2024 10:00",
		}},
		"Заявки": {application, second},
	})
	fill(t, results, map[string][]map[string]string{"Результаты": {
		{"Номер заявки": "316-1", "Результат": "Сдал", "Нарушения": "Нет"}, {"Номер заявки": "316-2", "Результат": "Не явился", "Нарушения": ""},
	}})

	fresh := []string{"Экзамены: new 1, changed 0, unchanged 0, bad 0", "Заявки: new 2, changed 0, unchanged 0, bad 0"}
	if diff := cmp.Diff(append(fresh, "dry run: nothing was changed"), p.imports(exams, "--dry-run")); diff != "" {
		t.Errorf("a dry run (-want +got):\n%s", diff)
	}
	if r := p.run("show", "exam", "316", "--json"); r.status != 1 {
		t.Errorf("a dry run has written: %s", r.out)
	}
	for _, step := range []struct {
		file string
		want []string
	}{
		{centers, []string{"Центры: new 1, changed 0, unchanged 0, bad 0"}},
		{centers, []string{"Центры: new 0, changed 0, unchanged 1, bad 0"}},
		{exams, fresh},
		{results, []string{"Результаты: new 2, changed 0, unchanged 0, bad 0"}},
		{exams, []string{"Экзамены: new 0, changed 0, unchanged 1, bad 0", "Заявки: new 0, changed 0, unchanged 2, bad 0"}},
		{results, []string{"Результаты: new 0, changed 0, unchanged 2, bad 0"}},
	} {
		if diff := cmp.Diff(step.want, p.imports(step.file)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", filepath.Base(step.file), diff)
		}
	}
	want := importedExam{
		Number: "316", Date: "2024-12-16", CertificateStatus: "not_ready",
		Applications: []importedResult{{"316-1", "awaiting_certificate"}, {"316-2", "absent"}},
	}
	var got importedExam
	before := p.must("show", "exam", "316", "--json")
	if err := json.Unmarshal([]byte(before), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the exam (-want +got):\n%s", diff)
	}

	application["Фамилия"], application["Дата рождения"] = "Рахимов", "31.02.1990"
	fill(t, exams, map[string][]map[string]string{"Заявки": {application}})
	r := p.run("import", exams)
	if r.status != 1 || strings.Count(r.err, "\n") != 1 || !strings.Contains(r.out, "Заявки, row 2, Дата рождения: ") {
		t.Errorf("status %d, error %q, output %q", r.status, r.err, r.out)
	}
	if diff := cmp.Diff(before, p.must("show", "exam", "316", "--json")); diff != "" {
		t.Errorf("a file with a bad row has changed something (-want +got):\n%s", diff)
	}
}
