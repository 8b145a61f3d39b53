package bot_test

import (
	"testing"

	"flowbot/bot/emulator"
	"flowbot/service"
)

// Two certificates that a test takes for each other.
const (
	firstNumber, firstBlank   = "26-10-40538-316001-1", "4815162342007"
	secondNumber, secondBlank = "26-10-40538-316002-1", "4815162342008"
)

// loadsWrong has the whole paper of 316-02 loaded for 316-01.
func (d *desk) loadsWrong(p *emulator.Phone) {
	d.t.Helper()
	d.says(p, "Загрузить сертификат · 316-01")
	d.says(p, secondBlank)
	d.says(p, secondNumber)
	d.says(p, "25.02.2026")
	d.sends(p, d.bound("скан.pdf", d.page(said{number: secondNumber, blank: secondBlank})))
	d.presses(p, "Готово", "Загрузить", "Да, верно")
}

// TestAWrongTypedNumberIsTypedAnew repairs what was typed from another's paper, by
// the paper that is right: both get what is theirs.
func TestAWrongTypedNumberIsTypedAnew(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna, boris := d.frdoDesk()
	e := d.ready("316", 2)
	d.loadsWrong(anna)
	d.tg.Note("its owner can have neither the blank nor the number")
	d.says(boris, "Загрузить сертификат · 316-02")
	d.says(boris, secondBlank)
	d.says(boris, firstBlank)
	d.says(boris, secondNumber)
	d.says(boris, "/cancel")

	d.tg.Note("replaced by the right paper")
	d.says(anna, "Загрузить сертификат · 316-01")
	d.presses(anna, "Да, заменить")
	d.says(anna, firstBlank)
	d.says(anna, "по ошибке")
	d.says(anna, "/cancel")
	d.says(anna, "Заявка · 316-01")
	d.presses(anna, "Заменить скан", "Да, заменить")
	d.says(anna, firstBlank)
	d.presses(anna, "Да, испорчен", "Назад", "Верно", "Указан по ошибке")
	d.says(anna, "нет")
	d.says(anna, firstNumber)
	d.presses(anna, "Назад", "Верно")
	d.says(anna, "24.02.2026")
	d.sends(anna, d.bound("верный.pdf", d.page(said{number: firstNumber, blank: firstBlank})))
	d.presses(anna, "Готово")
	check := anna.Last()
	d.presses(anna, "Загрузить")
	d.presses(anna, "Да, верно")
	if err := anna.PressOld(check.ID, check.Buttons[0][0].Data); err != nil {
		t.Fatal(err)
	}
	d.settle()
	d.presses(anna, "История")

	d.tg.Note("the answer of ФИС ФРДО gives the other theirs")
	d.says(boris, "Импортировать сертификаты · 316")
	d.sends(boris, d.numbers("ответ.csv", e, []int{1, 2}, func(n int, line []string) {
		line[4], line[5] = []string{firstNumber, secondNumber}[n-1], "24.02.2026"
	}))
	d.presses(boris, "Сверить введённые вручную (1)", "Назад", "Сгенерировать (1)")
	d.says(boris, "Загрузить сертификат · 316-02")
	d.says(boris, secondBlank)
	d.presses(boris, "Верно", "Верно")
	d.sends(boris, d.bound("скан.pdf", d.page(said{number: secondNumber, blank: secondBlank})))
	d.presses(boris, "Готово", "Загрузить")
	for number, want := range map[string]string{"316-01": firstNumber + " " + firstBlank, "316-02": secondNumber + " " + secondBlank} {
		if a := d.application(number); a.RegistrationNumber+" "+a.BlankNumber != want {
			t.Errorf("%s has %s on %s, want %s", number, a.RegistrationNumber, a.BlankNumber, want)
		}
	}
	golden(t, "scan_retyped", d.tg.Transcript())
}

// TestAnAnswerCorrectsATypedNumber repairs the same by the answer of ФИС ФРДО.
func TestAnAnswerCorrectsATypedNumber(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna, boris := d.frdoDesk()
	e := d.ready("316", 2)
	d.loadsWrong(anna)
	answer := func(n int, line []string) { line[4] = []string{firstNumber, secondNumber}[n-1] }
	d.tg.Note("the answer says otherwise")
	d.says(anna, "Импортировать сертификаты · 316")
	d.sends(anna, d.numbers("ответ.csv", e, []int{1, 2}, answer))
	d.says(anna, "Сгенерировать")
	d.presses(anna, "Сверить введённые вручную (1)")
	d.says(anna, "да")
	ask := anna.Last()
	d.presses(anna, "Назад", "Сверить введённые вручную (1)")
	d.says(anna, "/cancel")
	if err := anna.PressOld(ask.ID, ask.Buttons[0][0].Data); err != nil {
		t.Fatal(err)
	}
	d.settle()
	d.tg.Note("a colleague has it corrected")
	d.says(boris, "Импортировать сертификаты · 316")
	d.sends(boris, d.numbers("ответ.csv", e, []int{1, 2}, answer))
	d.says(anna, "Импортировать сертификаты · 316")
	d.presses(anna, "Сверить введённые вручную (1)")
	d.presses(boris, "Сверить введённые вручную (1)")
	ask = boris.Last()
	d.presses(boris, "Записать по ФИС ФРДО")
	if err := boris.PressOld(ask.ID, ask.Buttons[0][0].Data); err != nil { // tapped twice
		t.Fatal(err)
	}
	d.settle()
	d.presses(anna, "Записать по ФИС ФРДО", "Отмена")
	d.presses(boris, "Заявка · 316-01", "История", "Заявка · 316-01")
	if a := d.application("316-01"); a.RegistrationNumber != firstNumber || a.NumberTyped || a.DeliverAt != nil {
		t.Errorf("316-01 has %s, typed: %v, goes out: %v", a.RegistrationNumber, a.NumberTyped, a.DeliverAt)
	}
	d.says(boris, "Импортировать сертификаты · 316")
	d.presses(boris, "Сгенерировать (1)")

	d.tg.Note("its scan is replaced, and its blank is the other's")
	d.says(boris, "Загрузить сертификат · 316-01")
	d.presses(boris, "Да, заменить")
	d.says(boris, firstBlank)
	d.presses(boris, "Да, испорчен", "Верно", "Верно")
	d.sends(boris, d.bound("верный.pdf", d.page(said{number: firstNumber, blank: firstBlank})))
	d.presses(boris, "Готово", "Загрузить")
	d.says(boris, "Загрузить сертификат · 316-02")
	d.says(boris, secondBlank)
	d.says(boris, "/cancel")
	d.says(boris, "Бланки")
	d.presses(boris, "Вернуть испорченный")
	d.says(boris, secondBlank)
	d.presses(boris, "Да, снять отметку")
	d.says(boris, "Загрузить сертификат · 316-02")
	d.says(boris, secondBlank)
	d.presses(boris, "Верно", "Верно")
	d.sends(boris, d.bound("скан.pdf", d.page(said{number: secondNumber, blank: secondBlank})))
	d.presses(boris, "Готово", "Загрузить")
	if a := d.application("316-02"); a.BlankNumber != secondBlank || a.RegistrationNumber != secondNumber {
		t.Errorf("316-02 has %s on %s", a.RegistrationNumber, a.BlankNumber)
	}
	golden(t, "frdo_typed", d.tg.Transcript())
}

// TestASpoiledBlankIsTakenBack takes back what was said of blanks by mistake.
func TestASpoiledBlankIsTakenBack(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	boris := d.hire("second", "Центр", "Борис Центров")
	other, err := d.people.AddOrg(t.Context(), service.CommandLine, service.NewOrg{Kind: service.OrgCenter, Name: "Другой центр"})
	if err != nil {
		t.Fatal(err)
	}
	d.orgs["Другой центр"] = other
	semyon := d.hire("elsewhere", "Другой центр", "Семён Чужой")
	d.approved(d.exam("Центр", "118", "2026-02-24", 2, registered))
	d.loaded(anna, "118-01", "0000000000101")
	d.quietly()

	d.says(anna, "Бланк не испорчен · 118-01")
	d.says(anna, "Бланк испорчен · 118-01")
	d.presses(anna, "Замятие бумаги")
	d.presses(anna, "Бланк не испорчен")
	d.says(anna, "да")
	d.presses(anna, "Отмена", "Бланк не испорчен")
	ask := anna.Last()
	d.tg.Note("a colleague was faster")
	d.says(boris, "Бланк не испорчен · 118-01")
	d.presses(boris, "Да, снять отметку")
	d.presses(anna, "Да, снять отметку")
	if err := anna.PressOld(ask.ID, ask.Buttons[0][0].Data); err != nil {
		t.Fatal(err)
	}
	d.settle()
	d.says(anna, "История заявки · 118-01")
	d.tg.Note("by number")
	d.says(anna, "Испорчен")
	d.says(anna, "0000000000150")
	d.presses(anna, "Повреждён", "Вернуть испорченный")
	d.says(anna, "нет номера")
	d.says(anna, "0000000000999")
	d.says(anna, "0000000000101")
	d.says(anna, "0000000000150")
	d.says(semyon, "Вернуть испорченный")
	d.says(semyon, "0000000000150")
	d.says(semyon, "/cancel")
	d.presses(anna, "Да, снять отметку")
	if counts := blankCounts(t, d, "Центр"); counts.Used != 1 || counts.Spoiled != 0 {
		t.Errorf("the center has %+v", counts)
	}
	golden(t, "blank_unspoiled", d.tg.Transcript())
}
