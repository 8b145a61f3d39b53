package bot_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"flowbot/bot/emulator"
	"flowbot/service"
)

// centerFilled fills in everything that the certificates of a center need, past
// the chat.
func (d *desk) centerFilled(p *emulator.Phone) {
	d.t.Helper()
	ctx, org := d.t.Context(), d.orgs["Центр"].ID
	for _, f := range []struct {
		field service.CenterField
		value string
	}{
		{service.CenterInstitution, "Центром тестирования «Мост»"},
		{service.CenterAddress, "г. Тверь, ул. Лесная, д. 5"},
		{service.CenterPosition, "Директор"},
		{service.CenterSignatory, "И. И. Мостова"},
		{service.CenterProfile, "blank-210"},
	} {
		c, err := d.store.Center(ctx, org)
		if err == nil {
			err = d.exams.Centers.Set(ctx, d.actor(p), org, c.Revision, f.field, f.value)
		}
		if err != nil {
			d.t.Fatal(err)
		}
	}
}

// ready is an exam that waits for its numbers.
func (d *desk) ready(number string, applications int, fill ...func(int, *service.Application)) *service.Exam {
	d.t.Helper()
	e := d.exam("Центр", number, "2026-02-24", applications, append([]func(int, *service.Application){passed}, fill...)...)
	d.approved(e)
	return e
}

// numbers is a table of ФИС ФРДО about applications of an exam with these
// ordinals, from 1; a change may spoil a line.
func (d *desk) numbers(name string, e *service.Exam, ordinals []int, change ...func(n int, line []string)) emulator.Attachment {
	d.t.Helper()
	var b bytes.Buffer
	b.WriteString("Фамилия;Имя;Отчество;Дата рождения;Регистрационный номер;Дата выдачи\n")
	for _, n := range ordinals {
		a := d.application(fmt.Sprintf("%s-%02d", e.Number, n))
		line := []string{a.LastName, a.FirstName, a.MiddleName, a.BornOn.Russian(), fmt.Sprintf("24-10-40538-%06d-1", a.ID), "25.02.2026"}
		for _, f := range change {
			f(n, line)
		}
		b.WriteString(strings.Join(line, ";") + "\n")
	}
	return emulator.Attachment{Name: name, MIME: "text/csv", Data: b.Bytes()}
}

func (d *desk) frdoDesk() (*emulator.Phone, *emulator.Phone) {
	d.t.Helper()
	anna, boris := d.hire("center", "Центр", "Анна Центрова"), d.hire("second", "Центр", "Борис Центров")
	d.centerFilled(anna)
	d.quietly()
	return anna, boris
}

// TestNumbersComeInTwoFiles is read best as testdata/frdo_numbers.golden.
func TestNumbersComeInTwoFiles(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna, _ := d.frdoDesk()
	e := d.ready("24-118", 5)

	d.says(anna, "Импортировать сертификаты")
	d.says(anna, "Сгенерировать")
	d.says(anna, "готово")
	d.sends(anna, d.numbers("ответ.csv", e, []int{1, 2, 3, 4}, func(n int, line []string) {
		if n == 4 {
			line[4] = "см. письмо"
		}
	}))
	d.says(anna, "готово")
	d.presses(anna, "Сгенерировать (3)")
	d.presses(anna, "Импортировать сертификаты")
	d.sends(anna, d.numbers("ещё.csv", e, []int{1, 2, 3, 4, 5}))
	d.says(anna, "Сгенерировать")
	d.says(anna, "Импортировать сертификаты · 24-118")
	d.says(anna, "История экзамена · 24-118")
	d.says(anna, "История заявки · 24-118-05")

	for n := range 5 {
		if a := d.application(fmt.Sprintf("24-118-%02d", n+1)); a.RegistrationNumber == "" {
			t.Errorf("%s has no number", a.Number)
		}
	}
	golden(t, "frdo_numbers", d.tg.Transcript())
}

func TestATableThatDoesNotFitIsRefused(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna, _ := d.frdoDesk()
	e := d.ready("24-118", 3)
	other := d.ready("24-119", 4, func(_ int, a *service.Application) { a.LastName = "Юсупов" + a.LastName })

	d.says(anna, "Импортировать сертификаты · 24-118")
	d.tg.Note("файл другого экзамена")
	d.sends(anna, d.numbers("не тот.csv", other, []int{1, 2, 3, 4}))
	d.says(anna, "Сгенерировать")
	d.presses(anna, "Убрать «не тот.csv»")
	d.tg.Note("два файла сразу")
	d.sends(anna, d.numbers("один.csv", e, []int{1}), d.numbers("два.csv", e, []int{2}))
	d.tg.Note("второй файл за первым")
	d.sends(anna, d.numbers("один.csv", e, []int{1}))
	d.sends(anna, d.numbers("два.csv", e, []int{2}))
	d.presses(anna, "Убрать «один.csv»")
	d.tg.Note("старый формат")
	d.sends(anna, emulator.Attachment{
		Name: "ответ.xls", MIME: "application/vnd.ms-excel", Data: append([]byte{0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1}, make([]byte, 600)...),
	})
	d.tg.Note("нет столбца с номерами")
	d.sends(anna, emulator.Attachment{Name: "без номеров.csv", MIME: "text/csv", Data: []byte("ФИО;Дата рождения;Дата выдачи\nЛи;17.05.1990;25.02.2026\n")})
	d.tg.Note("только ФИО")
	d.sends(anna, emulator.Attachment{Name: "имена.csv", MIME: "text/csv", Data: []byte("ФИО;Рег. номер;Дата выдачи\nЛи;АБ-123;25.02.2026\n")})
	d.tg.Note("не таблица")
	d.sends(anna, d.screenshot("снимок.png", 90))
	d.says(anna, "/cancel")
	d.says(anna, "Сгенерировать")

	golden(t, "frdo_refused", d.tg.Transcript())
}

func TestEveryRowHasItsVerdict(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna, _ := d.frdoDesk()
	d.ready("24-117", 1, func(_ int, a *service.Application) {
		a.RegistrationNumber, a.IssuedOn = "24-10-40538-000777-1", d.day("2026-02-20")
	})
	e := d.ready("24-118", 10, func(n int, a *service.Application) {
		switch n {
		case 1:
			a.RegistrationNumber, a.IssuedOn = "24-10-40538-000555-1", d.day("2026-02-25")
		case 2, 3: // two applications of one person
			a.LastName, a.BornOn, a.IdentityDocument = "Двойной", d.day("1990-05-17"), "FA 7777777"
		case 4:
			a.Outcome = service.OutcomeFailed
		}
	})
	d.says(anna, "Импортировать сертификаты · 24-118")
	d.sends(anna, d.numbers("ответ.csv", e, []int{1, 2, 4, 5, 6, 7, 8, 9, 10}, func(n int, line []string) {
		switch n {
		case 5:
			line[4] = "24-10-40538-000777-1"
		case 6, 7:
			line[4] = "24-10-40538-000888-1"
		case 8:
			line[5] = "03.03.2026"
		case 9:
			line[5] = "23.02.2026"
		}
	}))
	d.presses(anna, "Сгенерировать (1)")
	golden(t, "frdo_verdicts", d.tg.Transcript())
}

func TestTwoEmployeesImportAtOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna, boris := d.frdoDesk()
	e := d.ready("24-118", 2)

	d.says(anna, "Импортировать сертификаты")
	d.sends(anna, d.numbers("у Анны.csv", e, []int{1, 2}))
	d.says(boris, "Импортировать сертификаты")
	d.sends(boris, d.numbers("у Бориса.csv", e, []int{1, 2}))
	card := anna.Last()
	d.presses(anna, "Сгенерировать (2)")
	d.tg.Note("второе нажатие")
	if err := anna.PressOld(card.ID, card.Buttons[0][0].Data); err != nil {
		t.Fatal(err)
	}
	d.settle()
	d.presses(boris, "Сгенерировать (2)")
	d.says(boris, "Сгенерировать")
	d.presses(boris, "Отмена")

	golden(t, "frdo_two", d.tg.Transcript())
}

func TestNothingIsGeneratedBeforeItsTime(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	d.exam("Центр", "24-116", "2026-02-24", 2)
	e := d.ready("24-118", 2)
	d.ready("24-120", 1, func(_ int, a *service.Application) { a.Outcome = service.OutcomeFailed })
	d.quietly()

	d.says(anna, "Импортировать сертификаты · 24-116")
	d.says(anna, "Импортировать сертификаты · 24-120")
	d.says(anna, "Импортировать сертификаты · 99-999")
	d.says(anna, "Импортировать сертификаты")
	d.sends(anna, d.numbers("ответ.csv", e, []int{1, 2}))
	d.presses(anna, "Сгенерировать (2)")
	d.centerFilled(anna)
	d.tg.Note("данные центра заполнены")
	d.presses(anna, "Сгенерировать (2)")
	golden(t, "frdo_early", d.tg.Transcript())
}

func TestAnOldGenerateButtonDoesNothing(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna, _ := d.frdoDesk()
	e := d.ready("24-118", 2)

	d.says(anna, "Импортировать сертификаты")
	d.sends(anna, d.numbers("ответ.csv", e, []int{1, 2}))
	card := anna.Last()
	d.says(anna, "/cancel")
	d.tg.Note("кнопка карточки, которой уже нет")
	if err := anna.PressOld(card.ID, card.Buttons[0][0].Data); err != nil {
		t.Fatal(err)
	}
	d.settle()
	d.says(anna, "Импортировать сертификаты")
	d.tg.Note("она же, когда импорт открыт снова")
	if err := anna.PressOld(card.ID, card.Buttons[0][0].Data); err != nil {
		t.Fatal(err)
	}
	d.settle()
	if a := d.application("24-118-01"); a.RegistrationNumber != "" {
		t.Errorf("%s is written", a.RegistrationNumber)
	}
	golden(t, "frdo_old_button", d.tg.Transcript())
}

func TestAnExamIsExportedForTheRegister(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	ada := d.hire("admin", "", "Ада Админова")
	d.exam("Центр", "24-116", "2026-02-24", 1)
	d.ready("24-118", 3, func(n int, a *service.Application) {
		if n == 2 {
			a.IdentityDocument = ""
		}
	})
	d.quietly()

	d.says(anna, "Экзамен 24-118")
	d.presses(anna, "Выгрузить для ФИС ФРДО")
	d.centerFilled(anna)
	if _, err := d.store.Bun().NewRaw(`UPDATE applications SET identity_document = 'FA 1' WHERE number = '24-118-02'`).Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.tg.Note("данные заполнены")
	d.presses(anna, "Выгрузить для ФИС ФРДО")
	d.says(anna, "Выгрузить для ФИС ФРДО · 24-118")
	d.says(anna, "Выгрузить для ФИС ФРДО · 24-116")
	d.says(ada, "Выгрузить для ФИС ФРДО · 24-118")
	d.ready("24-119", 250)
	d.says(anna, "Выгрузить для ФИС ФРДО · 24-119")
	_, err := d.store.Bun().NewRaw(`UPDATE applications SET registration_number = 'АБ-' || id, issued_on = '2026-02-25' WHERE number LIKE '24-118-%'`).Exec(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d.tg.Note("номера получены")
	d.says(anna, "Выгрузить для ФИС ФРДО · 24-118")
	d.presses(anna, "Выгрузить всех (3)")

	golden(t, "frdo_export", d.tg.Transcript())
}
