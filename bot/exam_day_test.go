package bot_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"flowbot/bot/emulator"
	"flowbot/service"
)

// examDayBook is a workbook with one exam and the applications for it.
func examDayBook(t *testing.T) emulator.Attachment {
	t.Helper()
	return workbook(t, "экзамен 24-118.xlsx",
		[]string{
			"Экзамены", "Номер экзамена;Центр тестирования;Площадка;Адрес проведения;Дата и время",
			"24-118;Центр;Площадка № 1;г. Тверь, ул. Лесная, д. 5;28.02.2026 10:00",
		},
		[]string{
			"Заявки", "Номер экзамена;Номер заявки;Уровень;Фамилия;Имя;Отчество;Фамилия латиницей;Имя латиницей;Отчество латиницей;" +
				"Дата рождения;Пол;Серия и номер документа;Гражданство;Телефон;Язык",
			"24-118;24-118-01;Патент;Каримов;Алишер;Рустамович;KARIMOV;ALISHER;;08.03.1991;М;FA 1204417;UZ;+998 90 123-45-67;uz",
			"24-118;24-118-02;РВП;Рахимова;Нилуфар;Шухратовна;RAKHIMOVA;NILUFAR;;21.11.1988;Ж;FB 7731902;UZ;+998 91 555-10-20;uz",
			"24-118;24-118-03;ВНЖ;Ли;Вэй;;LI;WEI;;30.09.1990;М;E81234507;CN;+86 138 0013 8000;zh",
			"24-118;24-118-04;Патент;Саидов;Фирдавс;Назарович;SAIDOV;FIRDAVS;;14.05.1993;М;400214821;TJ;+992 90 111-22-33;tg",
			"24-118;24-118-05;РВП;Тургунов;Жасур;Ботирович;TURGUNOV;JASUR;;02.10.1992;М;FB 1029384;UZ;+998 94 321-00-11;uz",
			"24-118;24-118-06;ВНЖ;Исмоилов;Фаррух;Комилович;ISMOILOV;FARRUKH;;27.06.1986;М;400551209;TJ;+992 93 210-98-76;tg",
			"24-118;24-118-07;Патент;Асанов;Бакыт;Токтогулович;ASANOV;BAKYT;;12.12.1984;М;AC 3320981;KG;+996 555 12-34-56;ky",
		})
}

// filledIn is the table of results as somebody sends it back: with a result in
// some rows and without the others.
func filledIn(t *testing.T, table *emulator.File, results map[string]string) emulator.Attachment {
	t.Helper()
	const sheet = "Результаты"
	f, err := excelize.OpenReader(bytes.NewReader(table.Data))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := f.GetRows(sheet)
	if err != nil {
		t.Fatal(err)
	}
	for n := len(rows); n > 1; n-- {
		result := results[rows[n-1][0]]
		if result == "" {
			err = f.RemoveRow(sheet, n)
		} else {
			err = f.SetCellValue(sheet, fmt.Sprintf("C%d", n), result)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	if err := f.Write(&out); err != nil {
		t.Fatal(err)
	}
	return emulator.Attachment{Name: table.Name, Data: out.Bytes()}
}

// stands says how the applications of an exam stand.
func (d *desk) stands(number string) []string {
	d.t.Helper()
	ctx := d.t.Context()
	v, err := d.exams.ViewByNumber(ctx, service.CommandLine, number)
	if err != nil {
		d.t.Fatal(err)
	}
	list, err := d.store.Applications(ctx, v.Exam.ID)
	if err != nil {
		d.t.Fatal(err)
	}
	out := []string{fmt.Sprintf("%s %s %s", v.Exam.Number, v.Exam.ProtocolStatus, v.Exam.CertificateStatus)}
	for i := range list {
		a := &list[i]
		line := []string{a.Number, string(a.Status())}
		if a.RegistrationNumber != "" {
			line = append(line, a.RegistrationNumber)
		}
		for _, day := range []service.Day{a.IssuedOn, a.ValidUntil, a.HandedOn} {
			if !day.IsZero() {
				line = append(line, day.Russian())
			}
		}
		if a.Unlimited() {
			line = append(line, "unlimited")
		}
		if a.ScanID != 0 {
			line = append(line, "loaded", a.BlankNumber)
		}
		if a.DeliveredAt != nil {
			line = append(line, "delivered")
		}
		out = append(out, strings.Join(line, " "))
	}
	return out
}

// TestADayOfACenter is read best as testdata/exam_day.golden: an exam from the
// list of its applications to certificates that are printed, delivered and handed
// over.
func TestADayOfACenter(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	boris := d.hire("second", "Центр", "Борис Центров")
	ali := d.abroad("ali", "uz", "+998 90 123-45-67")

	d.sends(anna, examDayBook(t))
	d.tg.Note("the candidate comes by the link of his slip")
	d.comes(ali, d.slip("24-118-01"), "24-118-01")

	d.tg.Note("results: a table, and two by hand")
	d.says(anna, "Мои задачи")
	d.presses(anna, "Внести результаты · 24-118", "Скачать таблицу")
	d.sends(anna, filledIn(t, anna.Last().File, map[string]string{
		"24-118-01": "Сдал", "24-118-02": "Сдал", "24-118-03": "Сдал", "24-118-05": "Не сдал",
	}))
	d.presses(anna, "Загрузить результаты", "Отмечать по одному", "Саидов Фирдавс · 24-118-04", "Сдал")
	d.presses(anna, "Пропустить", "Не явился") // the next by name is Асанов
	d.says(anna, "Нарушений нет")

	d.tg.Note("the protocol: a result is missing")
	d.says(anna, "Загрузить протокол")
	d.says(anna, "316/26")
	d.says(anna, "28.02.2026")
	d.sends(anna, d.journal("протокол 316.pdf"))
	d.presses(anna, "Готово")
	d.presses(boris, "Взять протокол на проверку", "Одобрить протокол")
	d.presses(boris, "Загрузить результаты (1)", "Отмечать по одному", "Асанов Бакыт · 24-118-07", "Не явился", "Экзамен · 24-118", "Протокол")
	d.presses(boris, "Одобрить протокол")

	d.tg.Note("export: the center's data are missing")
	d.says(anna, "Мои задачи")
	d.presses(anna, "Экзамен · 24-118", "Выгрузить для ФИС ФРДО", "Данные центра", "Адрес выдачи")
	d.says(anna, "г. Тверь, ул. Лесная, д. 5")
	d.presses(anna, "ФИО подписанта")
	d.says(anna, "И. И. Мостова")
	d.says(anna, "Выгрузить для ФИС ФРДО")

	d.tg.Note("numbers for all but one")
	e, err := d.store.ExamByNumber(t.Context(), service.CommandLine, "24-118")
	if err != nil {
		t.Fatal(err)
	}
	d.presses(anna, "Экзамен · 24-118", "Импортировать сертификаты")
	issued := func(_ int, line []string) { line[5] = "02.03.2026" }
	d.sends(anna, d.numbers("ответ.csv", e, []int{1, 2, 3}, issued))
	d.presses(anna, "Сгенерировать (3)", "Данные центра", "Наименование центра")
	d.says(anna, "Центром тестирования «Мост»")
	d.presses(anna, "Должность подписанта")
	d.says(anna, "Директор")
	d.presses(anna, "Типография", "○ Бланк 210 × 158 мм")
	d.says(anna, "Импортировать сертификаты")
	d.presses(anna, "Сгенерировать (3)")

	d.tg.Note("the last number")
	d.says(anna, "Мои задачи")
	d.presses(anna, "Экзамен · 24-118", "Импортировать сертификаты")
	d.sends(anna, d.numbers("ещё ответ.csv", e, []int{1, 2, 3, 4}, issued))
	d.presses(anna, "Сгенерировать (1)")

	d.tg.Note("one blank came out badly")
	d.says(anna, "Заявка 24-118-02")
	d.presses(anna, "Распечатать сертификат", "Распечатать (1)")

	d.tg.Note("a signed certificate is scanned")
	d.says(anna, "Мои задачи")
	d.presses(anna, "Экзамен · 24-118", "Загрузить сертификат", "Каримов Алишер · 24-118-01")
	d.says(anna, "0777100000001")
	d.presses(anna, "Верно", "Верно")
	d.sends(anna, d.bound("скан.pdf", d.page(said{number: d.application("24-118-01").RegistrationNumber})))
	d.presses(anna, "Готово", "Загрузить")
	d.presses(ali, "Menyuga", "Mening sertifikatim")
	d.pass(deliveryHold, "the hold is over")
	d.settle()
	if f := ali.Last().File; f == nil {
		t.Errorf("no document: %+v", ali.Last())
	}
	d.tg.Note("the paper is handed over")
	d.says(anna, "Отметить выдачу")
	d.presses(anna, "Сегодня", "Отметить выдачу (1)")
	d.presses(ali, "Mening sertifikatim")
	d.says(anna, "Экзамен 24-118")
	d.presses(anna, "Заявки (7)")

	want := []string{
		"24-118 approved partly_loaded",
		"24-118-07 absent",
		"24-118-06 absent",
		"24-118-01 completed 24-10-40538-000001-1 02.03.2026 02.03.2029 02.03.2026 loaded 0777100000001 delivered",
		"24-118-03 awaiting_certificate 24-10-40538-000003-1 02.03.2026 unlimited",
		"24-118-02 awaiting_certificate 24-10-40538-000002-1 02.03.2026 02.03.2029",
		"24-118-04 awaiting_certificate 24-10-40538-000004-1 02.03.2026 02.03.2029",
		"24-118-05 failed",
	}
	if diff := cmp.Diff(want, d.stands("24-118")); diff != "" {
		t.Errorf("it ends elsewhere (-want +got):\n%s", diff)
	}
	if strings.Contains(d.log.String(), "Каримов") {
		t.Error("the log tells a name")
	}
	golden(t, "exam_day", d.tg.Transcript())
}
