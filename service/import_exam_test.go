package service_test

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/xuri/excelize/v2"

	"flowbot/service"
	"flowbot/templates"
)

// The headers of the contract.
var (
	centerHead = []any{
		"Центр тестирования", "Наименование в творительном падеже", "Адрес выдачи", "Должность подписанта", "ФИО подписанта", "Профиль бланка",
	}
	examHead        = []any{"Номер экзамена", "Центр тестирования", "Площадка", "Адрес проведения", "Дата и время"}
	applicationHead = []any{
		"Номер экзамена", "Номер заявки", "Уровень", "Фамилия", "Имя", "Отчество", "Фамилия латиницей", "Имя латиницей", "Отчество латиницей",
		"Дата рождения", "Пол", "Серия и номер документа", "Гражданство", "Телефон", "Язык",
	}
	resultHead = []any{"Номер заявки", "Результат", "Нарушения", "Комментарий"}
)

const most = "Центр тестирования «Мост»"

func centersTab(rows ...[]any) tab { return tab{"Центры", append([][]any{centerHead}, rows...)} }

func examsTab(rows ...[]any) tab { return tab{"Экзамены", append([][]any{examHead}, rows...)} }

func applicationsTab(rows ...[]any) tab {
	return tab{"Заявки", append([][]any{applicationHead}, rows...)}
}

func resultsTab(rows ...[]any) tab {
	return tab{"Результаты", append([][]any{resultHead}, rows...)}
}

func examCells(number string) []any {
	return []any{number, most, "Площадка № 1", "г. Тверь, ул. Лесная, д. 5", "24.02.2026 10:00"}
}

func applicationCells(exam, number string) []any {
	return []any{
		exam, number, "РВП", "Каримов", "Алишер", "Рустам угли", "KARIMOV", "ALISHER", "RUSTAM O‘G‘LI",
		"01.02.1990", "М", "FA 0123456", "Узбекистан", "8 (900) 123-45-67", "узбекский",
	}
}

// allApplications are all applications by number.
func (c *center) allApplications() []service.Application {
	c.t.Helper()
	var out []service.Application
	if err := c.store.Bun().NewSelect().Model(&out).Order("number").Scan(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
	return out
}

func (c *center) allExams() []service.Exam {
	c.t.Helper()
	var out []service.Exam
	err := c.store.Bun().NewSelect().Model(&out).ColumnExpr("exam.*").Order("number").Scan(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	return out
}

// events are the steps of a thing's history with their comments.
func (c *center) events(subject string, id int64) []string {
	c.t.Helper()
	steps, err := c.store.HistoryOf(c.t.Context(), subject, id, 100)
	if err != nil {
		c.t.Fatal(err)
	}
	var out []string
	for _, h := range steps {
		text := h.Event
		if h.FromStatus != h.ToStatus {
			text += " " + h.FromStatus + " > " + h.ToStatus
		}
		if h.Comment != "" {
			text += ": " + h.Comment
		}
		out = append(out, text)
	}
	return out
}

// register gives an application its registration number past the register.
func (c *center) register(number string) {
	c.t.Helper()
	_, err := c.store.Bun().NewRaw(`UPDATE applications SET outcome = 'passed', violations = 'none', registration_number = 'рег-' || number,
		issued_on = '2026-02-27' WHERE number = ?`, number).Exec(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
}

func TestOneWorkbookBringsCentersExamsApplicationsAndResults(t *testing.T) {
	t.Parallel()
	c := newCenter(t)
	path := workbook(t,
		resultsTab([]any{"З-1", "Сдала", "Нет", ""}, []any{"З-2", "не явился", "", "болен"}, []any{"З-3", "", "Да", "телефон"}),
		applicationsTab(
			applicationCells("Э-26", "З-1"),
			[]any{"Э-26", "З-2", "вид на жительство", "Ким", "Ен", "-", "", "", "", time.Date(1985, time.May, 9, 0, 0, 0, 0, time.UTC), "", "", "XX", "", ""},
			with(with(applicationCells("Э-26", "З-3"), 2, "Патент или разрешение на работу"), 12, "kg"),
		),
		examsTab(examCells("Э-26"), with(examCells("Э-27"), 4, time.Date(2026, time.February, 25, 9, 30, 0, 0, time.UTC))),
		centersTab([]any{most, "Центром тестирования «Мост»", "г. Тверь, ул. Мира, 1", "Директор", "Мостова Анна Ильинична", "vector-200"}),
	)
	dry, err := c.imports().Import(t.Context(), c.anna, path, true)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.allExams())+len(c.allApplications()) > 0 {
		t.Fatal("a dry run wrote something")
	}
	r := c.load(c.anna, path)
	want := map[string][4]int{"Центры": {1, 0, 0, 0}, "Экзамены": {2, 0, 0, 0}, "Заявки": {3, 0, 0, 0}, "Результаты": {3, 0, 0, 0}}
	if diff := cmp.Diff(want, counts(r)); diff != "" {
		t.Fatal(diff, bads(r))
	}
	if diff := cmp.Diff(want, counts(dry)); diff != "" {
		t.Errorf("the dry run told something else: %s", diff)
	}

	exams, applications := c.allExams(), c.allApplications()
	times := cmpopts.IgnoreTypes(time.Time{})
	wantExams := []service.Exam{
		{
			ID: exams[0].ID, Number: "Э-26", CenterID: c.org.ID, Venue: "Площадка № 1", Address: "г. Тверь, ул. Лесная, д. 5",
			HeldOn: day(t, "2026-02-24"), HeldAt: "10:00", ProtocolStatus: service.ProtocolMissing, Revision: 1,
			Applications: 3, Successful: 1, CertificateStatus: service.CertificatesNotReady,
		},
		{
			ID: exams[1].ID, Number: "Э-27", CenterID: c.org.ID, Venue: "Площадка № 1", Address: "г. Тверь, ул. Лесная, д. 5",
			HeldOn: day(t, "2026-02-25"), HeldAt: "09:30", ProtocolStatus: service.ProtocolMissing, Revision: 1,
			CertificateStatus: service.CertificatesNotReady,
		},
	}
	if diff := cmp.Diff(wantExams, exams, times); diff != "" {
		t.Error(diff)
	}
	karimov := service.Application{
		ID: applications[0].ID, Number: "З-1", ExamID: exams[0].ID, Level: service.LevelTemporary,
		LastName: "Каримов", FirstName: "Алишер", MiddleName: "Рустам угли",
		LastNameLatin: "KARIMOV", FirstNameLatin: "ALISHER", MiddleNameLatin: "RUSTAM O‘G‘LI", BornOn: day(t, "1990-02-01"), Gender: "m",
		IdentityDocument: "FA 0123456", Citizenship: "UZ", Phone: "79001234567", Language: "uz",
		Outcome: service.OutcomePassed, Violations: service.ViolationsNone, Revision: 1,
	}
	third := karimov
	third.ID, third.Number, third.Level, third.Citizenship = applications[2].ID, "З-3", service.LevelPatent, "KG"
	third.Outcome, third.Violations, third.ResultComment = service.OutcomeAwaited, service.ViolationsFound, "телефон"
	wantApplications := []service.Application{
		karimov,
		{
			ID: applications[1].ID, Number: "З-2", ExamID: exams[0].ID, Level: service.LevelPermanent, LastName: "Ким", FirstName: "Ен",
			BornOn: day(t, "1985-05-09"), Citizenship: "XX", Outcome: service.OutcomeAbsent, ResultComment: "болен", Revision: 1,
		},
		third,
	}
	if diff := cmp.Diff(wantApplications, applications, times); diff != "" {
		t.Error(diff)
	}
	known, err := c.store.Center(t.Context(), c.org.ID)
	if err != nil {
		t.Fatal(err)
	}
	wantCenter := &service.Center{
		OrgID: c.org.ID, NameInstrumental: "Центром тестирования «Мост»", IssueAddress: "г. Тверь, ул. Мира, 1",
		SignatoryPosition: "Директор", SignatoryName: "Мостова Анна Ильинична", BlankProfile: "vector-200", Revision: 1,
	}
	if diff := cmp.Diff(wantCenter, known, times); diff != "" {
		t.Error(diff)
	}
	for subject, want := range map[string][]string{
		service.SubjectExam:        {"create", "import_applications", "import_results"},
		service.SubjectApplication: {"mark_passed awaiting_result > awaiting_certificate"},
	} {
		id := map[string]int64{service.SubjectExam: exams[0].ID, service.SubjectApplication: applications[0].ID}[subject]
		if diff := cmp.Diff(want, c.events(subject, id)); diff != "" {
			t.Errorf("history of the %s: %s", subject, diff)
		}
	}

	again := c.load(c.anna, path)
	same := map[string][4]int{"Центры": {0, 0, 1, 0}, "Экзамены": {0, 0, 2, 0}, "Заявки": {0, 0, 3, 0}, "Результаты": {0, 0, 3, 0}}
	if diff := cmp.Diff(same, counts(again)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(exams, c.allExams()); diff != "" {
		t.Errorf("the same file again changed exams: %s", diff)
	}
	if diff := cmp.Diff(applications, c.allApplications()); diff != "" {
		t.Errorf("the same file again changed applications: %s", diff)
	}
}

func TestImportChangesWhatDiffersOfExams(t *testing.T) {
	t.Parallel()
	c := newCenter(t)
	c.load(c.anna, workbook(t, examsTab(examCells("1"), examCells("2"), examCells("3")),
		applicationsTab(applicationCells("1", "А"), applicationCells("1", "Б"), applicationCells("1", "В")),
		centersTab([]any{most, "Мостом", "Тверь", "Директор", "Иванов", ""})))
	before, exams := c.allApplications(), c.allExams()
	r := c.load(c.admin, workbook(t,
		tab{"Экзамены", [][]any{
			{"Дата и время", "Адрес проведения", "Номер экзамена", "ЦЕНТР ТЕСТИРОВАНИЯ"},
			{"26.02.2026", "г. Тверь, ул. Лесная, д. 5", "3", "Другой центр"},
		}},
		tab{"Заявки", [][]any{
			{"Телефон", "Номер заявки", "Номер экзамена", "Уровень", "Фамилия", "Имя", "Дата рождения"},
			{"", "А", "2", "РВП", "Каримов", "Алишер", "01.02.1990"},
			{"79001234567", "Б", "1", "ВНЖ", "Каримов", "Алишер", "01.02.1990"},
			{"+7 900 123-45-67", "В", "1", "РВП", "Каримов", "Алишер", "01.02.1990"},
		}},
		resultsTab([]any{"Б", "Не сдал", "", ""}),
		tab{"Центры", [][]any{centerHead, {most, "", "Тверь, ул. Мира", "", "", "ТИПОГРАФИЯ «Вектор», 200 × 145 мм"}}},
	))
	want := map[string][4]int{"Экзамены": {0, 1, 0, 0}, "Заявки": {0, 2, 1, 0}, "Результаты": {1, 0, 0, 0}}
	got := counts(r)
	centers := got["Центры"]
	delete(got, "Центры")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff, bads(r))
	}
	if centers != [4]int{0, 1, 0, 0} {
		t.Fatalf("centers %v, %v", centers, bads(r))
	}
	now := c.allExams()
	if e := now[2]; e.CenterID == c.org.ID || e.HeldOn != day(t, "2026-02-26") || e.HeldAt != "" || e.Venue != "Площадка № 1" || e.Revision != 2 {
		t.Errorf("exam 3 is %+v", e)
	}
	if now[0].Revision != 2 || now[1].Revision != 2 || now[0].Applications != 2 || now[1].Applications != 1 {
		t.Errorf("exams 1 and 2 are %+v", now[:2])
	}
	after := c.allApplications()
	wantA := before[0]
	wantA.ExamID, wantA.Phone, wantA.Revision = exams[1].ID, "", 2
	wantB := before[1]
	wantB.Level, wantB.Outcome, wantB.Revision = service.LevelPermanent, service.OutcomeFailed, 2
	times := cmpopts.IgnoreTypes(time.Time{})
	if diff := cmp.Diff([]service.Application{wantA, wantB, before[2]}, after, times); diff != "" {
		t.Error(diff)
	}
	for _, tt := range []struct {
		subject string
		id      int64
		want    []string
	}{
		{service.SubjectExam, exams[0].ID, []string{"create", "import_applications", "import_applications", "import_results"}},
		{service.SubjectExam, exams[1].ID, []string{"create", "import_applications"}},
		{service.SubjectExam, exams[2].ID, []string{"create", "change: Центр тестирования, Дата и время"}},
		{service.SubjectApplication, after[0].ID, []string{"change: Номер экзамена, Телефон"}},
		{service.SubjectApplication, after[1].ID, []string{"change: Уровень", "mark_failed awaiting_result > awaiting_violations_mark"}},
		{service.SubjectApplication, after[2].ID, nil},
		{service.SubjectCenter, c.org.ID, []string{
			"import: Наименование в творительном падеже, Адрес выдачи, Должность подписанта, ФИО подписанта", "import: Адрес выдачи, Профиль бланка",
		}},
	} {
		if diff := cmp.Diff(tt.want, c.events(tt.subject, tt.id)); diff != "" {
			t.Errorf("history of %s %d: %s", tt.subject, tt.id, diff)
		}
	}
}

func TestImportNamesEveryBadCellOfExams(t *testing.T) {
	t.Parallel()
	one := func(column int, value any) []tab {
		return []tab{examsTab(examCells("1")), applicationsTab(with(applicationCells("1", "А"), column, value))}
	}
	result := func(rows ...[]any) []tab {
		return []tab{examsTab(examCells("1")), applicationsTab(applicationCells("1", "А")), resultsTab(rows...)}
	}
	tests := []struct {
		name string
		tabs []tab
		want []string
	}{
		{"columns that are missing", []tab{
			{"Экзамены", [][]any{{"Номер экзамена"}, {"1"}}},
			{"Заявки", [][]any{{"Номер заявки", "Фамилия"}, {"А", "Ким"}}},
			{"Результаты", [][]any{{"Комментарий"}, {"х"}}},
			{"Центры", [][]any{{"Адрес выдачи"}, {"х"}}},
		}, []string{
			"Экзамены 1 Центр тестирования: import.column_missing", "Экзамены 1 Адрес проведения: import.column_missing",
			"Экзамены 1 Дата и время: import.column_missing", "Заявки 1 Номер экзамена: import.column_missing",
			"Заявки 1 Уровень: import.column_missing", "Заявки 1 Имя: import.column_missing", "Заявки 1 Дата рождения: import.column_missing",
			"Результаты 1 Номер заявки: import.column_missing", "Результаты 1 Результат: import.column_missing",
			"Центры 1 Центр тестирования: import.column_missing",
		}},
		{"a center that is not known", []tab{examsTab(with(examCells("1"), 1, "Центр")), centersTab([]any{"Центр", "x"})}, []string{
			"Экзамены 2 Центр тестирования: import.no_center", "Центры 2 Центр тестирования: import.no_center",
		}},
		{"a center that stands twice, by name and by INN", []tab{centersTab([]any{most, "x"}, []any{"7701234567", "y"})}, []string{
			"Центры 3 Центр тестирования: import.center_twice",
		}},
		{"a profile that is not known", []tab{centersTab([]any{most, "", "", "", "", "Гознак"})}, []string{
			"Центры 2 Профиль бланка: import.no_profile",
		}},
		{"days and times that are none", []tab{examsTab(
			with(examCells("1"), 4, "31.02.2026 10:00"), with(examCells("2"), 4, "24.02.2026 25:00"), with(examCells("3"), 4, "в среду"),
			with(examCells("4"), 4, 10.5), with(examCells("5"), 4, ""),
		)}, []string{
			"Экзамены 2 Дата и время: import.no_time", "Экзамены 3 Дата и время: import.no_time", "Экзамены 4 Дата и время: import.no_time",
			"Экзамены 5 Дата и время: import.far_day", "Экзамены 6 Дата и время: import.required",
		}},
		{"an exam that is not there", []tab{applicationsTab(applicationCells("404", "А"))}, []string{"Заявки 2 Номер экзамена: import.no_exam"}},
		{"an application of a bad exam is not bad, nor is its result", []tab{
			examsTab(with(examCells("1"), 4, "?")), applicationsTab(applicationCells("1", "А")), resultsTab([]any{"А", "Сдал"}),
		}, []string{"Экзамены 2 Дата и время: import.no_time"}},
		{"a result of a bad application is not bad", []tab{
			examsTab(examCells("1")), applicationsTab(with(applicationCells("1", "А"), 2, "?")), resultsTab([]any{"А", "Сдал"}),
		}, []string{"Заявки 2 Уровень: import.no_word"}},
		{"numbers that stand twice", []tab{
			examsTab(examCells("1"), examCells("1")), applicationsTab(applicationCells("1", "А"), applicationCells("1", "А")),
			resultsTab([]any{"А", "Сдал"}, []any{"А", "Не сдал"}),
		}, []string{
			"Экзамены 3 Номер экзамена: import.repeated", "Заявки 3 Номер заявки: import.repeated", "Результаты 3 Номер заявки: import.repeated",
		}},
		{"a level that is not known", one(2, "Гражданство"), []string{"Заявки 2 Уровень: import.no_word"}},
		{"letters of two alphabets in one word", one(3, "Kаримов"), []string{"Заявки 2 Фамилия: import.mixed"}},
		{"Cyrillic letters in a Latin name", one(6, "КARIMOV"), []string{"Заявки 2 Фамилия латиницей: import.not_latin"}},
		{"a nought in a Latin name", one(7, "ALI5HER"), []string{"Заявки 2 Имя латиницей: import.not_latin"}},
		{"born on the day of the exam", one(9, "24.02.2026"), []string{"Заявки 2 Дата рождения: import.born_at_exam"}},
		{"born in the future", one(9, "24.02.2027"), []string{"Заявки 2 Дата рождения: import.born_ahead"}},
		{"a gender that is not known", one(10, "?"), []string{"Заявки 2 Пол: import.no_word"}},
		{"a country that is not known", one(12, "Атлантида"), []string{"Заявки 2 Гражданство: import.no_country"}},
		{"a telephone that is none", one(13, "позвонить брату"), []string{"Заявки 2 Телефон: import.no_phone"}},
		{"a language without texts", one(14, "французский"), []string{"Заявки 2 Язык: import.no_word"}},
		{"nothing that must be there", []tab{examsTab(examCells("1")), applicationsTab([]any{"1", "А", "", "", "", "х"})}, []string{
			"Заявки 2 Уровень: import.required", "Заявки 2 Фамилия: import.required", "Заявки 2 Имя: import.required",
			"Заявки 2 Дата рождения: import.required",
		}},
		{"results that are none", result([]any{"А", "Отлично", "Может быть"}, []any{"Б", "Сдал"}), []string{
			"Результаты 2 Результат: import.no_word", "Результаты 2 Нарушения: import.no_word", "Результаты 3 Номер заявки: import.no_application",
		}},
		{"no result and no violations", result([]any{"А", "", "Нет"}), []string{"Результаты 2 Результат: import.required"}},
		{"a result before the exam", []tab{
			examsTab(with(examCells("1"), 4, "24.02.2027 10:00")), applicationsTab(applicationCells("1", "А")), resultsTab([]any{"А", "Сдал"}),
		}, []string{"Результаты 2 Результат: import.not_held"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newCenter(t)
			if _, err := c.store.Bun().NewRaw(`UPDATE orgs SET inn = '7701234567' WHERE id = ?`, c.org.ID).Exec(t.Context()); err != nil {
				t.Fatal(err)
			}
			r := c.load(service.CommandLine, workbook(t, tt.tabs...))
			if diff := cmp.Diff(tt.want, bads(r)); diff != "" {
				t.Error(diff)
			}
			if !r.Refused() || len(c.allExams())+len(c.allApplications()) > 0 {
				t.Error("a file with bad rows was loaded")
			}
		})
	}
}

func TestImportDoesNotChangeWhatHasItsRegistrationNumber(t *testing.T) {
	t.Parallel()
	c := newCenter(t)
	base := workbook(t, examsTab(examCells("1"), examCells("2")), applicationsTab(applicationCells("1", "А"), applicationCells("1", "Б")),
		resultsTab([]any{"А", "Сдал", "Нет", ""}, []any{"Б", "Сдал", "Нет", ""}))
	c.load(c.anna, base)
	c.register("А")
	if diff := cmp.Diff(map[string][4]int{"Экзамены": {0, 0, 2, 0}, "Заявки": {0, 0, 2, 0}, "Результаты": {0, 0, 2, 0}}, counts(c.load(c.anna, base))); diff != "" {
		t.Error(diff)
	}
	tests := []struct {
		name string
		tabs []tab
		want []string
	}{
		{"a name, the birth and the exam", []tab{applicationsTab(
			with(with(with(applicationCells("2", "А"), 3, "Каримова"), 9, "02.02.1990"), 13, "79001234568"),
		)}, []string{
			"Заявки 2 Номер экзамена: import.numbered", "Заявки 2 Фамилия: import.numbered",
		}},
		{"a birth on the day of the exam", []tab{applicationsTab(with(applicationCells("1", "А"), 9, "24.02.2026"))}, []string{
			"Заявки 2 Дата рождения: import.born_at_exam",
		}},
		{"the result", []tab{resultsTab([]any{"А", "Не сдал", "Да", ""}, []any{"Б", "Сдал", "Нет", ""})}, []string{
			"Результаты 2 Результат: import.result_frozen", "Результаты 2 Нарушения: import.result_frozen",
		}},
		{"the exam's day", []tab{examsTab(with(examCells("1"), 4, "23.02.2026 10:00"))}, []string{"Экзамены 2 Дата и время: import.exam_numbered"}},
		{"the exam's address", []tab{examsTab(with(examCells("1"), 3, "Тверь"))}, []string{"Экзамены 2 Адрес проведения: import.exam_numbered"}},
		{"the exam's center", []tab{examsTab(with(examCells("1"), 1, "Другой центр"))}, []string{"Экзамены 2 Центр тестирования: import.exam_numbered"}},
		{"the day of an exam with results goes ahead", []tab{
			examsTab(with(examCells("1"), 4, "23.02.2027 10:00")),
		}, []string{"Экзамены 2 Дата и время: import.exam_numbered"}},
	}
	before, exams := c.allApplications(), c.allExams()
	for _, tt := range tests {
		r := c.load(c.admin, workbook(t, tt.tabs...))
		if diff := cmp.Diff(tt.want, bads(r)); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
	if diff := cmp.Diff(before, c.allApplications()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(exams, c.allExams()); diff != "" {
		t.Error(diff)
	}
	// How to reach the candidate and the hour of the exam are no part of it.
	r := c.load(c.anna, workbook(t, examsTab(with(examCells("1"), 4, "24.02.2026 11:00")),
		applicationsTab(with(with(applicationCells("1", "А"), 13, "79001234568"), 14, "ru"))))
	if diff := cmp.Diff(map[string][4]int{"Экзамены": {0, 1, 0, 0}, "Заявки": {0, 1, 0, 0}}, counts(r)); diff != "" {
		t.Error(diff, bads(r))
	}
}

func TestADayOfBirthIsMendedUntilTheCandidateHasCome(t *testing.T) {
	t.Parallel()
	const born = 9
	c := newCenter(t)
	c.load(c.anna, workbook(t, examsTab(examCells("1")), applicationsTab(applicationCells("1", "А")), resultsTab([]any{"А", "Сдал", "Нет", ""})))
	c.register("А")
	if r := c.load(c.anna, workbook(t, applicationsTab(with(applicationCells("1", "А"), born, "10.02.1990")))); r.Refused() {
		t.Fatal(bads(r))
	}
	if got, want := c.allApplications()[0].BornOn, service.NewDay(1990, 2, 10); got != want {
		t.Errorf("born on %v, want %v", got, want)
	}
	_, err := c.store.Bun().NewRaw(`UPDATE applications SET person_id = ?, linked_at = now()`, c.boris.PersonID).Exec(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r := c.load(c.anna, workbook(t, applicationsTab(applicationCells("1", "А"))))
	if diff := cmp.Diff([]string{"Заявки 2 Дата рождения: import.numbered"}, bads(r)); diff != "" {
		t.Error(diff)
	}
}

func TestImportKeepsWhatAProtocolAndResultsRestOn(t *testing.T) {
	t.Parallel()
	c := newCenter(t)
	c.load(c.anna, workbook(t, examsTab(examCells("Э-1"), with(examCells("Э-2"), 4, "24.02.2027")), applicationsTab(applicationCells("Э-1", "А")),
		resultsTab([]any{"А", "Сдал", "Нет", ""})))
	for name, tt := range map[string]struct {
		tab  tab
		want string
	}{
		"the day of an exam with results": {
			examsTab(with(examCells("Э-1"), 4, "24.02.2027")), "Экзамены 2 Дата и время: import.exam_marked",
		},
		"an application with its result to an exam that lies ahead": {
			applicationsTab(applicationCells("Э-2", "А")), "Заявки 2 Номер экзамена: import.not_held",
		},
	} {
		if diff := cmp.Diff([]string{tt.want}, bads(c.load(c.anna, workbook(t, tt.tab)))); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	c.approve(&c.allExams()[0])
	r := c.load(c.admin, workbook(t, examsTab(with(examCells("Э-1"), 1, "Другой центр")), resultsTab([]any{"А", "Сдал", "", ""})))
	if diff := cmp.Diff([]string{
		"Экзамены 2 Центр тестирования: import.exam_protocol", "Результаты 2 Нарушения: import.unsettled",
	}, bads(r)); diff != "" {
		t.Error(diff)
	}
	r = c.load(c.anna, workbook(t, resultsTab([]any{"А", "Не сдал", "Нет", "апелляция"})))
	if r.Refused() || c.allApplications()[0].Outcome != service.OutcomeFailed {
		t.Errorf("a result is not corrected: %v", bads(r))
	}
	if diff := cmp.Diff([]string{
		"mark_passed awaiting_result > awaiting_certificate", "mark_failed awaiting_certificate > failed: апелляция",
	}, c.events(service.SubjectApplication, c.allApplications()[0].ID)); diff != "" {
		t.Error(diff)
	}
}

func TestAnApplicationOfALinkedCandidateDoesNotBecomeSomebodyElses(t *testing.T) {
	t.Parallel()
	c := newCenter(t)
	c.load(c.anna, workbook(t, examsTab(examCells("1")), applicationsTab(applicationCells("1", "А"))))
	_, err := c.store.Bun().NewRaw(`UPDATE applications SET person_id = ?, linked_at = now()`, c.boris.PersonID).Exec(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	other := with(with(applicationCells("1", "А"), 3, "Назаров"), 9, "03.04.1985")
	r := c.load(c.anna, workbook(t, applicationsTab(other)))
	if diff := cmp.Diff([]string{"Заявки 2 : import.linked"}, bads(r)); diff != "" {
		t.Error(diff)
	}
	otherwise := with(with(applicationCells("1", "А"), 3, "КАРИМОВ"), 11, "FA0123456")
	if r := c.load(c.anna, workbook(t, applicationsTab(otherwise))); r.Sheets[0].Changed != 1 {
		t.Errorf("written otherwise: %v, %v", counts(r), bads(r))
	}
	mended := with(with(applicationCells("1", "А"), 3, "Каримоф"), 13, "79001234568")
	if r := c.load(c.anna, workbook(t, applicationsTab(mended))); r.Sheets[0].Changed != 1 {
		t.Errorf("%v, %v", counts(r), bads(r))
	}
	if a := c.allApplications()[0]; a.PersonID != c.boris.PersonID || a.LinkedAt == nil || a.LastName != "Каримоф" {
		t.Errorf("the application is %+v", a)
	}
}

func TestANameOfALinkedCandidateIsMendedAndNotReplaced(t *testing.T) {
	t.Parallel()
	const last, first, middle, lastLatin, firstLatin = 3, 4, 5, 6, 7
	c := newCenter(t)
	cells := with(applicationCells("1", "А"), middle, "Рустамович")
	c.load(c.anna, workbook(t, examsTab(examCells("1")), applicationsTab(cells)))
	_, err := c.store.Bun().NewRaw(`UPDATE applications SET person_id = ?, linked_at = now()`, c.boris.PersonID).Exec(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name  string
		cells map[int]any
		other bool
	}{
		{"another row's name, the same day and document", map[int]any{last: "Рахимов", first: "Тимур", lastLatin: "RAKHIMOV", firstLatin: "TIMUR"}, true},
		{"another last name", map[int]any{last: "Рахимов"}, true},
		{"another first name", map[int]any{first: "Тимур"}, true},
		{"another patronymic", map[int]any{middle: "Бахромович"}, true},
		{"another Latin last name", map[int]any{lastLatin: "RAKHIMOV"}, true},
		{"another Latin first name", map[int]any{firstLatin: "TIMUR"}, true},
		{"a short name that shares a letter", map[int]any{first: "Али"}, true},
		{"a wrong letter", map[int]any{last: "Каремов"}, false},
		{"a missing letter", map[int]any{last: "Карамов", first: "Алиер"}, false},
		{"letters that changed places", map[int]any{first: "Алишре"}, false},
		{"a longer Latin ending", map[int]any{lastLatin: "KARIMOFF"}, false},
		{"no patronymic", map[int]any{middle: ""}, false},
		{"a patronymic again", map[int]any{middle: "Рустамович"}, false},
	}
	for _, test := range tests {
		row := cells
		for i, cell := range test.cells {
			row = with(row, i, cell)
		}
		r := c.load(c.anna, workbook(t, applicationsTab(row)))
		want := []string{"Заявки 2 : import.linked"}
		if !test.other {
			want = nil
		}
		if diff := cmp.Diff(want, bads(r)); diff != "" {
			t.Errorf("%s: %s", test.name, diff)
		}
		if r := c.load(c.anna, workbook(t, applicationsTab(cells))); r.Refused() {
			t.Errorf("back from %s: %v", test.name, bads(r))
		}
	}
}

func TestALinkDoesNotOutliveWhomItWasFor(t *testing.T) {
	t.Parallel()
	c := newCenter(t)
	c.load(c.anna, workbook(t, examsTab(examCells("1")), applicationsTab(applicationCells("1", "А"), applicationCells("1", "Б"))))
	links := map[string]string{}
	for _, a := range c.allApplications() {
		token, _, err := c.candidates().Invite(t.Context(), c.anna, a.ID, 0)
		if err != nil {
			t.Fatal(err)
		}
		links[a.Number] = token
	}
	other := with(with(applicationCells("1", "А"), 3, "Назаров"), 9, "03.04.1985")
	mended := with(applicationCells("1", "Б"), 3, "Каримоф")
	if r := c.load(c.anna, workbook(t, applicationsTab(other, mended))); r.Sheets[0].Changed != 2 {
		t.Fatalf("%v, %v", counts(r), bads(r))
	}
	for number, want := range map[string]service.Reason{"А": service.ReasonInvitationInvalid, "Б": ""} {
		_, err := c.arrives(service.AcceptInput{TelegramID: 71, Token: links[number]})
		refusedWith(t, number, err, want)
	}
}

func TestSheetsOfCentersAreForTheirStaffAndAdmins(t *testing.T) {
	t.Parallel()
	c := newCenter(t)
	c.load(c.admin, workbook(t, examsTab(examCells("1"), with(examCells("2"), 1, "Другой центр")),
		applicationsTab(applicationCells("1", "А"), applicationCells("2", "Б"))))
	operator := c.hire(service.Seat{Role: service.RoleOperatorRep, OrgID: c.house.org(service.OrgOperator, "Оператор").ID}, "Роман")
	both := c.hire(service.Seat{Role: service.RoleCenterStaff, OrgID: c.org.ID}, "Вера Двойная")
	tests := []struct {
		name string
		by   service.Actor
		tabs []tab
		want []string
	}{
		{"the own center", both, []tab{
			centersTab([]any{most, "Мостом"}), examsTab(examCells("3")), applicationsTab(applicationCells("3", "В")), resultsTab([]any{"А", "Сдал"}),
		}, nil},
		{"a foreign center is not there", c.anna, []tab{centersTab([]any{"Другой центр", "Другим"}), examsTab(with(examCells("4"), 1, "Другой центр"))}, []string{
			"Центры 2 Центр тестирования: import.no_center", "Экзамены 2 Центр тестирования: import.no_center",
		}},
		{"a foreign exam is not there", c.anna, []tab{applicationsTab(applicationCells("2", "Г"))}, []string{"Заявки 2 Номер экзамена: import.no_exam"}},
		{"an exam of no number gets the same answer", c.anna, []tab{applicationsTab(applicationCells("404", "Г"))}, []string{"Заявки 2 Номер экзамена: import.no_exam"}},
		{"a foreign exam's number", c.anna, []tab{examsTab(examCells("2")), applicationsTab(applicationCells("2", "Г"))}, []string{
			"Экзамены 2 Номер экзамена: import.exam_taken", "Заявки 2 Номер экзамена: import.no_exam",
		}},
		{"a foreign application's number", c.anna, []tab{applicationsTab(applicationCells("1", "Б")), resultsTab([]any{"Б", "Сдал"})}, []string{
			"Заявки 2 Номер заявки: import.number_taken", "Результаты 2 Номер заявки: import.no_application",
		}},
		{"a foreign result", c.anna, []tab{resultsTab([]any{"Б", "Сдал"})}, []string{"Результаты 2 Номер заявки: import.no_application"}},
		{"a result of no application gets the same answer", c.anna, []tab{resultsTab([]any{"Я", "Сдал"})}, []string{"Результаты 2 Номер заявки: import.no_application"}},
		{"cohorts from a center", c.anna, []tab{cohortsTab(cohortCells("118"))}, []string{"Потоки 2 : import.forbidden"}},
		{"exams from the operator", operator, []tab{
			centersTab([]any{most, "Мостом"}), examsTab(examCells("1")), applicationsTab(applicationCells("1", "А")), resultsTab([]any{"А", "Сдал"}),
		}, []string{
			"Центры 2 : import.forbidden", "Экзамены 2 : import.forbidden", "Заявки 2 : import.forbidden", "Результаты 2 : import.forbidden",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := c.load(tt.by, workbook(t, tt.tabs...))
			if diff := cmp.Diff(tt.want, bads(r)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTheRegistersAnswerIsLoadedElsewhere(t *testing.T) {
	t.Parallel()
	c := newCenter(t)
	const csv = "Фамилия;Имя;Отчество;Дата рождения;Реестровый номер;Дата выдачи\nКаримов;Алишер;;01.02.1990;24-10-40538-000002-1;27.02.2026\n"
	answer := tab{"Лист1", [][]any{{"Ответ ФИС ФРДО"}, {"ФИО", "Рег. номер", "Дата документа"}, {"Каримов Алишер", "24-10-40538-000002-1", "27.02.2026"}}}
	for name, tt := range map[string]struct {
		by   service.Actor
		path string
		want service.Reason
	}{
		"a text table":            {c.anna, upload(t, []byte(csv)), service.ReasonSheetRegister},
		"a workbook":              {c.anna, workbook(t, answer), service.ReasonSheetRegister},
		"from who has no exams":   {c.admin, workbook(t, answer), service.ReasonSheetUnknown},
		"a table of other things": {c.anna, workbook(t, tab{"Лист1", [][]any{{"Имя", "Возраст"}, {"Иван", "5"}}}), service.ReasonSheetUnknown},
	} {
		_, err := c.imports().Import(t.Context(), tt.by, tt.path, false)
		if got := service.ReasonOf(err); got != tt.want {
			t.Errorf("%s is refused for %q, want %q", name, got, tt.want)
		}
		if e := service.AsError(err); tt.want == service.ReasonSheetUnknown && tt.by.PersonID == c.anna.PersonID {
			if diff := cmp.Diff(service.SheetNames{Known: []string{"Центры", "Экзамены", "Заявки", "Результаты"}}, e.Data); diff != "" {
				t.Error(diff)
			}
		}
	}
}

func TestSheetsOfExamsAreKnownByTheirColumns(t *testing.T) {
	t.Parallel()
	c := newCenter(t)
	text := func(head []any, row []any) string {
		var b strings.Builder
		for _, cells := range [][]any{head, row} {
			var words []string
			for _, cell := range cells {
				words = append(words, fmt.Sprint(cell))
			}
			b.WriteString(strings.Join(words, ";") + "\n")
		}
		return b.String()
	}
	for _, tt := range []struct {
		name      string
		head, row []any
	}{
		{"Центры", centerHead, []any{most, "Мостом", "Тверь", "Директор", "Мостова А. И.", "blank-210"}},
		{"Экзамены", examHead, examCells("1")},
		{"Заявки", applicationHead, applicationCells("1", "А")},
		{"Результаты", resultHead, []any{"А", "Сдал", "Нет", ""}},
	} {
		r := c.load(c.anna, upload(t, []byte(text(tt.head, tt.row))))
		if diff := cmp.Diff(map[string][4]int{tt.name: {1, 0, 0, 0}}, counts(r)); diff != "" {
			t.Fatal(diff, bads(r))
		}
		r = c.load(c.anna, workbook(t, tab{"Лист1", [][]any{tt.head, tt.row}}))
		if diff := cmp.Diff(map[string][4]int{tt.name: {0, 0, 1, 0}}, counts(r)); diff != "" {
			t.Fatal(diff, bads(r))
		}
	}
}

func TestAnOwnProfileIsChosenByItsName(t *testing.T) {
	t.Parallel()
	c := newCenter(t)
	_, err := c.store.Bun().NewRaw(`INSERT INTO blank_profiles (center_id, code, name, source) VALUES (?, 'own-7-1', 'Своя типография', '{}')`, c.org.ID).Exec(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r := c.load(c.anna, workbook(t, centersTab([]any{most, "", "", "", "", "своя  типография"})))
	if r.Refused() {
		t.Fatal(bads(r))
	}
	known, err := c.store.Center(t.Context(), c.org.ID)
	if err != nil || known.BlankProfile != "own-7-1" {
		t.Errorf("the profile is %q, %v", known.BlankProfile, err)
	}
	r = c.load(c.admin, workbook(t, centersTab([]any{"Другой центр", "", "", "", "", "own-7-1"})))
	if diff := cmp.Diff([]string{"Центры 2 Профиль бланка: import.no_profile"}, bads(r)); diff != "" {
		t.Error(diff)
	}
}

// filled writes an empty workbook, fills the rows of its sheets by their titles
// and returns where it is.
func (c *center) filled(name string, sheets ...tab) string {
	c.t.Helper()
	hints, err := templates.SheetHints("ru")
	if err != nil {
		c.t.Fatal(err)
	}
	var out bytes.Buffer
	if err := c.imports().Blank(c.t.Context(), name, hints, &out); err != nil {
		c.t.Fatal(err)
	}
	f, err := excelize.OpenReader(&out)
	if err != nil {
		c.t.Fatal(err)
	}
	defer f.Close()
	for _, sh := range sheets {
		hinted, err := f.GetDataValidations(sh.name)
		if err != nil || len(hinted) != len(sh.rows[0]) || len(hints[sh.name]) != len(sh.rows[0]) {
			c.t.Errorf("%s has %d hints of %d for %d columns, %v", sh.name, len(hinted), len(hints[sh.name]), len(sh.rows[0]), err)
		}
		rows, err := f.GetRows(sh.name)
		if err != nil || len(rows) != 1 {
			c.t.Fatalf("%s has rows %q, %v", sh.name, rows, err)
		}
		var head []string
		for _, title := range sh.rows[0] {
			head = append(head, fmt.Sprint(title))
		}
		if diff := cmp.Diff(head, rows[0]); diff != "" {
			c.t.Errorf("the columns of %s: %s", sh.name, diff)
		}
		for i, row := range sh.rows[1:] {
			if err := f.SetSheetRow(sh.name, fmt.Sprint("A", i+2), &row); err != nil {
				c.t.Fatal(err)
			}
		}
	}
	b, err := f.WriteToBuffer()
	if err != nil {
		c.t.Fatal(err)
	}
	return upload(c.t, b.Bytes())
}

func TestEmptyWorkbooksOfCentersAreFilledAndImported(t *testing.T) {
	t.Parallel()
	c := newCenter(t)
	held := time.Date(2026, time.February, 24, 10, 30, 0, 0, time.UTC)
	for _, tt := range []struct {
		name string
		tabs []tab
		want map[string][4]int
	}{
		{"centers", []tab{centersTab([]any{most, "Мостом", "Тверь", "Директор", "Мостова А. И.", "blank-210"})}, map[string][4]int{"Центры": {1, 0, 0, 0}}},
		{
			"exams",
			[]tab{examsTab(with(examCells("1"), 4, held)), applicationsTab(applicationCells("1", "А"), applicationCells("1", "Б"))},
			map[string][4]int{"Экзамены": {1, 0, 0, 0}, "Заявки": {2, 0, 0, 0}},
		},
		{"results", []tab{resultsTab([]any{"А", "Сдал", "Нет", ""}, []any{"Б", "Не явился", "", ""})}, map[string][4]int{"Результаты": {2, 0, 0, 0}}},
	} {
		empty := c.filled(tt.name, func() (heads []tab) {
			for _, sh := range tt.tabs {
				heads = append(heads, tab{sh.name, sh.rows[:1]})
			}
			return heads
		}()...)
		for name, n := range counts(c.load(c.anna, empty)) {
			if n != [4]int{} {
				t.Errorf("an empty %s is loaded as %v", name, n)
			}
		}
		r := c.load(c.anna, c.filled(tt.name, tt.tabs...))
		if diff := cmp.Diff(tt.want, counts(r)); diff != "" {
			t.Fatal(diff, bads(r))
		}
		if len(r.IgnoredSheets) > 0 {
			t.Errorf("%s: passed over are %v", tt.name, r.IgnoredSheets)
		}
	}
	if e := c.allExams()[0]; e.HeldOn != day(t, "2026-02-24") || e.HeldAt != "10:30" {
		t.Errorf("the exam is held on %v at %q", e.HeldOn, e.HeldAt)
	}
	path := c.filled("frdo-response", tab{"Номера ФИС ФРДО", [][]any{
		{"Фамилия", "Имя", "Отчество", "Дата рождения", "Тип сертификата", "Реестровый номер", "Дата выдачи"},
		{"Каримов", "Алишер", "", "01.02.1990", "", "24-10-40538-000002-1", "27.02.2026"},
	}})
	if _, err := c.imports().Import(t.Context(), c.anna, path, false); service.ReasonOf(err) != service.ReasonSheetRegister {
		t.Errorf("a filled answer of the register: %v", err)
	}
}

func TestOneFileOfExamsImportedTwiceAtOnceIsLoadedOnce(t *testing.T) {
	t.Parallel()
	c := newCenter(t)
	path := workbook(t, examsTab(examCells("1")), applicationsTab(applicationCells("1", "А"), applicationCells("1", "Б")),
		resultsTab([]any{"А", "Сдал", "Нет", ""}), centersTab([]any{most, "Мостом"}))
	const at = 4
	reports := make(chan service.ImportReport, at)
	for range at {
		go func() {
			r, err := c.imports().Import(t.Context(), c.anna, path, false)
			if err != nil {
				t.Error(err)
			}
			reports <- r
		}()
	}
	total := map[string][4]int{}
	for range at {
		for name, n := range counts(<-reports) {
			sum := total[name]
			for i := range sum {
				sum[i] += n[i]
			}
			total[name] = sum
		}
	}
	want := map[string][4]int{
		"Центры": {1, 0, at - 1, 0}, "Экзамены": {1, 0, at - 1, 0}, "Заявки": {2, 0, 2 * (at - 1), 0}, "Результаты": {1, 0, at - 1, 0},
	}
	if diff := cmp.Diff(want, total); diff != "" {
		t.Error(diff)
	}
}

func TestImportOfManyApplicationsCountsThemInTheirExams(t *testing.T) {
	t.Parallel()
	c := newCenter(t)
	const n, exams = 3000, 7
	var all, sit, results [][]any
	for i := range exams {
		all = append(all, examCells(strconv.Itoa(i)))
	}
	for i := range n {
		number := fmt.Sprintf("%05d", i)
		sit = append(sit, applicationCells(strconv.Itoa(i%exams), number))
		results = append(results, []any{number, []string{"Сдал", "Не сдал", "Не явился"}[i%3], "Нет", ""})
	}
	slices.Reverse(sit)
	for _, want := range []map[string][4]int{
		{"Экзамены": {exams, 0, 0, 0}, "Заявки": {n, 0, 0, 0}, "Результаты": {n, 0, 0, 0}},
		{"Экзамены": {0, 0, exams, 0}, "Заявки": {0, 0, n, 0}, "Результаты": {0, 0, n, 0}},
	} {
		r := c.load(c.anna, workbook(t, examsTab(all...), applicationsTab(sit...), resultsTab(results...)))
		if diff := cmp.Diff(want, counts(r)); diff != "" {
			t.Fatal(diff)
		}
	}
	exam := map[int64]string{}
	total, passed := 0, 0
	for _, e := range c.allExams() {
		exam[e.ID] = e.Number
		total, passed = total+e.Applications, passed+e.Successful
	}
	if total != n || passed != n/3 {
		t.Errorf("exams count %d applications, %d successful", total, passed)
	}
	for i, a := range c.allApplications() {
		if exam[a.ExamID] != strconv.Itoa(i%exams) || a.Outcome != []service.Outcome{service.OutcomePassed, service.OutcomeFailed, service.OutcomeAbsent}[i%3] {
			t.Fatalf("application %s is %+v of exam %s", a.Number, a, exam[a.ExamID])
		}
		if steps := c.events(service.SubjectApplication, a.ID); i < 3 && len(steps) != 1 {
			t.Errorf("history of application %s is %v", a.Number, steps)
		}
	}
}
