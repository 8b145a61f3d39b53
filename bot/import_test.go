package bot_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/charmap"

	"flowbot/bot/emulator"
	"flowbot/service"
	"flowbot/templates"
)

// The headers of the sheets.
const (
	cohortHead  = "Номер потока;Программа;Вид программы;Часов;Образовательный партнёр;Дата начала;Дата окончания"
	learnerHead = "Номер потока;Номер заявки;Фамилия;Имя;Отчество;Дата рождения;Завершил успешно;Тип документа;" +
		"Серия бланка;Номер бланка;Регистрационный номер;Дата документа;Дата направления;Внесено в ФИС ФРДО"
)

// workbook is a table as a person would send it: sheets by name, rows as lines
// with semicolons.
func workbook(t *testing.T, name string, sheets ...[]string) emulator.Attachment {
	t.Helper()
	f := excelize.NewFile()
	for i, rows := range sheets {
		if i == 0 {
			if err := f.SetSheetName("Sheet1", rows[0]); err != nil {
				t.Fatal(err)
			}
		} else if _, err := f.NewSheet(rows[0]); err != nil {
			t.Fatal(err)
		}
		for j, row := range rows[1:] {
			cells := strings.Split(row, ";")
			if err := f.SetSheetRow(rows[0], fmt.Sprint("A", j+1), &cells); err != nil {
				t.Fatal(err)
			}
		}
	}
	var out bytes.Buffer
	if err := f.Write(&out); err != nil {
		t.Fatal(err)
	}
	return emulator.Attachment{Name: name, MIME: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", Data: out.Bytes()}
}

// cells reads a sheet of a workbook.
func cells(t *testing.T, data []byte, sheet string) string {
	t.Helper()
	f, err := excelize.OpenReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := f.GetRows(sheet)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for _, row := range rows {
		out.WriteString(strings.Join(row, "|") + "\n")
	}
	return out.String()
}

// TestTablesAreLoadedInChat sends good and bad tables as those who may load
// them and as those who may not.
func TestTablesAreLoadedInChat(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.cohort("Юг", "300", "2026-02-01", 0)
	anna := d.hire("admin", "", "Анна Админ")
	roman := d.hire("operator", "Оператор", "Роман Проверкин")
	olga := d.hire("partner", "Север & <Ко>", "Ольга Петрова")
	klara := d.hire("center", "Центр", "Клара Экзамен")
	stranger := d.phone("stranger")

	cohorts := []string{"Потоки", cohortHead, "118;Русский язык;Повышение квалификации;72;Север & <Ко>;12.01.2026;27.02.2026"}
	learners := []string{
		"Слушатели", learnerHead,
		"118;А-1;Иванов;Иван;Иванович;01.02.1990;Да;1;АБ;1000;Р-1;27.02.2026;;Да",
		"118;А-2;Петрова;Анна;;03.04.1991;Да;1;АБ;1001;Р-2;27.02.2026;;Нет",
	}
	good := workbook(t, "потоки и слушатели.xlsx", cohorts, learners)
	d.sends(anna, good)
	d.sends(roman, good)
	d.tg.Note("a bad row changes nothing")
	bad := []string{
		"Слушатели", learnerHead,
		"118;А-3;Сидоров;Пётр;;31.02.1990;Да;9;АБ;1002;Р-3;27.02.2026;;Да",
		"118;А-4;Кузнецов;Олег;;01.02.1990;Да;1;АБ;1003;Р-4;27.02.2026;;Да",
		"118;А-4;Кузнецов;Олег;;01.02.1990;Да;1;АБ;1003;Р-4;27.02.2026;;Да",
	}
	d.sends(anna, workbook(t, "с ошибками.xlsx", bad))
	marked := cells(t, anna.Last().File.Data, "Слушатели")
	if !strings.Contains(marked, "Ошибка") || !strings.Contains(marked, "нет такой даты") {
		t.Errorf("the mistakes are not marked:\n%s", marked)
	}
	d.tg.Note("a partner loads learners of the own cohorts, and nothing else")
	own := []string{"Слушатели", learnerHead, "118;А-5;Новый;Игорь;;05.06.1992;Да;1;АБ;1005;Р-5;27.02.2026;;Да"}
	d.sends(olga, workbook(t, "<мои> & слушатели.xlsx", own))
	foreign := []string{"Слушатели", learnerHead, "300;А-6;Чужой;Игорь;;05.06.1992;Да;1;АБ;1006;Р-6;27.02.2026;;Да"}
	d.sends(olga, workbook(t, "чужой поток.xlsx", foreign))
	d.sends(olga, workbook(t, "потоки.xlsx", cohorts))
	d.tg.Note("other forms")
	latin, err := charmap.Windows1251.NewEncoder().String(learnerHead + "\r\n118;А-7;Сиви;Мария;;05.06.1992;Да;1;АБ;1007;Р-7;27.02.2026;;Да\r\n")
	if err != nil {
		t.Fatal(err)
	}
	d.sends(olga, emulator.Attachment{Name: "Слушатели.csv", MIME: "text/csv", Data: []byte(latin)})
	d.sends(olga, emulator.Attachment{Name: "старая.xls", Data: []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + strings.Repeat("\x00", 600))})
	d.sends(olga, emulator.Attachment{Name: "битая.xlsx", Data: []byte("PK\x03\x04 и больше ничего")})
	d.sends(olga, emulator.Attachment{Name: "пустая.csv", Data: []byte("")})
	d.sends(olga, emulator.Attachment{Name: "журнал.xlsx", Data: d.journal("").Data})
	d.tg.Note("whose sheets these are not")
	d.sends(klara, good)
	d.sends(stranger, good)
	golden(t, "import_chat", d.tg.Transcript())
}

// The headers of the sheets of testing centres.
const (
	centerHead      = "Центр тестирования;Наименование в творительном падеже;Адрес выдачи;Должность подписанта;ФИО подписанта;Профиль бланка"
	examHead        = "Номер экзамена;Центр тестирования;Площадка;Адрес проведения;Дата и время"
	applicationHead = "Номер экзамена;Номер заявки;Уровень;Фамилия;Имя;Отчество;Фамилия латиницей;Имя латиницей;Отчество латиницей;" +
		"Дата рождения;Пол;Серия и номер документа;Гражданство;Телефон;Язык"
	resultHead = "Номер заявки;Результат;Нарушения;Комментарий"
)

// TestTablesOfCentersAreLoadedInChat sends the sheets of testing centres as their
// staff, good ones, bad ones and those of another center.
func TestTablesOfCentersAreLoadedInChat(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	klara := d.hire("center", "Центр", "Клара Экзамен")
	other, err := d.people.AddOrg(t.Context(), service.CommandLine, service.NewOrg{Kind: service.OrgCenter, Name: "Другой центр"})
	if err != nil {
		t.Fatal(err)
	}
	d.orgs["Другой центр"] = other
	egor := d.hire("elsewhere", "Другой центр", "Егор Соседов")

	exams := []string{"Экзамены", examHead, "316;Центр;Площадка № 1;г. Тверь, ул. Лесная, д. 5;24.02.2026 10:00"}
	applications := []string{
		"Заявки", applicationHead,
		"316;316-1;Патент;Каримов;Алишер;Рустамович;KARIMOV;ALISHER;;01.02.1990;М;FA 1234567;Узбекистан;8 900 123-45-67;узбекский",
		"316;316-2;ВНЖ;Ким;Ен;;KIM;YEN;;03.04.1985;Ж;M 7654321;KP;;",
	}
	results := []string{"Результаты", resultHead, "316-1;Сдал;Нет;", "316-2;Не явилась;;"}
	centers := []string{"Центры", centerHead, "Центр;Центром тестирования;г. Тверь, ул. Мира, 1;Директор;Мостова Анна Ильинична;blank-210"}
	d.sends(klara, workbook(t, "экзамен.xlsx", centers, exams, applications))
	d.sends(klara, workbook(t, "результаты.xlsx", results))
	d.sends(klara, workbook(t, "всё ещё раз.xlsx", results, applications, exams, centers))
	d.tg.Note("a bad row changes nothing")
	d.sends(klara, workbook(t, "с ошибками.xlsx", []string{
		"Заявки", applicationHead,
		"316;316-3;Гражданство;Kаримова;Лола;;КАРИМОВА;LOLA;;25.02.2026;ж;;Узбекистон;12-34;фарси",
		"404;316-4;РВП;Назаров;Али;;;;;01.02.1990;;;;;",
	}, []string{"Результаты", resultHead, "316-1;Отлично;;", "316-9;Сдал;Нет;"}))
	if marked := cells(t, klara.Last().File.Data, "Результаты"); !strings.Contains(marked, "нужно одно из значений") {
		t.Errorf("the mistakes are not marked:\n%s", marked)
	}
	d.tg.Note("another center's")
	d.sends(egor, workbook(t, "чужое.xlsx", exams, applications, results))
	d.sends(egor, workbook(t, "чужой центр.xlsx", centers))
	d.tg.Note("the answer of the register, and tables of nobody")
	answer := "Фамилия;Имя;Отчество;Дата рождения;Тип сертификата;Реестровый номер;Дата выдачи"
	d.sends(klara, workbook(t, "ответ ФРДО.xlsx", []string{"Лист1", answer, "Каримов;Алишер;Рустамович;01.02.1990;;24-10-40538-000002-1;27.02.2026"}))
	d.sends(klara, emulator.Attachment{Name: "ответ.csv", MIME: "text/csv", Data: []byte(answer + "\nКаримов;Алишер;;01.02.1990;;24-10-40538-000002-1;27.02.2026\n")})
	d.sends(klara, workbook(t, "зарплата.xlsx", []string{"Лист1", "Месяц;Сумма", "Май;1"}))
	golden(t, "import_center", d.tg.Transcript())
	if a := d.application("316-1"); a.Outcome != service.OutcomePassed || a.Phone != "79001234567" {
		t.Errorf("application 316-1 is %+v", a)
	}
}

// importKnown is what imports know beside the database.
func importKnown(tb testing.TB) service.ImportKnown {
	tb.Helper()
	var out service.ImportKnown
	countries, err := templates.Countries("ru")
	if err != nil {
		tb.Fatal(err)
	}
	for _, c := range countries {
		out.Countries = append(out.Countries, service.Country(c))
	}
	profiles, err := templates.BlankProfiles()
	if err != nil {
		tb.Fatal(err)
	}
	if out.Profiles, err = service.BuildBlankProfiles(profiles...); err != nil {
		tb.Fatal(err)
	}
	return out
}
