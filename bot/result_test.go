package bot_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"flowbot/bot"
	"flowbot/bot/emulator"
	"flowbot/service"
)

// TestResultsAreMarkedInChat marks the results of an exam: one by one, the rest
// at once, violations, and corrections before and after the protocol is approved.
func TestResultsAreMarkedInChat(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	e := d.exam("Центр", "24-118", "2026-02-24", 6)

	d.says(anna, "Загрузить результаты")
	d.presses(anna, "Отмечать по одному", "Каримов02 Алишер · 24-118-02", "Не сдал", "Есть нарушения")
	anna.SendVoice()
	d.settle()
	d.presses(anna, "Отмена", "Есть нарушения")
	d.says(anna, "Пользовался <телефоном>")
	d.presses(anna, "Пропустить", "Не явился", "Исправить: Каримов05 Алишер")
	d.says(anna, "Загрузить результаты · 24-118")
	d.presses(anna, "Остальные сдали (3)", "Да, сдали (3)", "Нарушений нет (4)")
	d.says(anna, "Нарушений нет")
	d.says(anna, "Заявка · 24-118-02")
	d.presses(anna, "Исправить результат", "Сдал", "Исправить результат", "Есть нарушения")
	d.says(anna, "/cancel")
	d.presses(anna, "История")
	d.approved(e)
	d.says(anna, "Заявка · 24-118-05")
	d.presses(anna, "Исправить результат", "Сдал")
	d.says(anna, "не знаю")
	d.presses(anna, "Не было", "Отмена")
	d.presses(anna, "Исправить результат", "Сдал", "Не было")
	d.says(anna, "Опечатка в ведомости")
	d.presses(anna, "Экзамен · 24-118", "История")
	if a := d.application("24-118-05"); a.Status() != service.ApplicationAwaitingCertificate {
		t.Errorf("%+v", a)
	}
	golden(t, "result_marked", d.tg.Transcript())
}

// TestResultsAreGuarded lets two mark at once, presses old buttons, and tries what
// is not allowed.
func TestResultsAreGuarded(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	boris := d.hire("second", "Центр", "Борис Центров")
	ada := d.hire("admin", "", "Ада Админова")
	e := d.exam("Центр", "24-118", "2026-02-24", 3)
	d.exam("Центр", "24-119", "2026-03-15", 1)

	d.says(anna, "Заявка · 24-118-01")
	d.says(boris, "Заявка · 24-118-01")
	d.presses(anna, "Сдал")
	d.presses(boris, "Не явился")
	d.says(anna, "Остальные сдали")
	d.says(boris, "Сдал · 24-118-02")
	d.presses(anna, "Да, сдали (2)", "Назад")
	d.says(anna, "Сдал")
	d.says(anna, "Сдал · 24-118-99")
	d.says(anna, "Загрузить результаты · 24-119")
	d.says(anna, "Заявка · 24-119-01")
	d.says(ada, "Загрузить результаты · 24-118")
	d.says(ada, "Сдал · 24-118-03")
	d.says(ada, "Заявка · 24-118-03")
	d.says(anna, "Нарушений нет")
	d.says(anna, "Заявка · 24-118-02")
	d.approved(e)
	_, err := d.store.Bun().NewRaw(`UPDATE applications SET registration_number = '24-10-40538-000002-1', issued_on = '2026-02-27' WHERE number = '24-118-02'`).Exec(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	d.presses(anna, "Исправить результат")
	d.says(anna, "Снять отметку · 24-118-02")
	golden(t, "result_guarded", d.tg.Transcript())
}

// TestALongExamIsMarked pages through those who await a result.
func TestALongExamIsMarked(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	d.exam("Центр", "24-118", "2026-02-24", 17)
	d.says(anna, "Отмечать по одному")
	d.presses(anna, "Дальше →", "Каримов09 Алишер · 24-118-09", "К списку", "Каримов09 Алишер · 24-118-09", "Пропустить")
	for range 16 {
		d.presses(anna, "Сдал")
	}
	if text := anna.Last().Text; !strings.Contains(text, "Каримов09") {
		t.Errorf("the one who was skipped comes last: %q", text)
	}
	d.presses(anna, "Сдал")
	if text := anna.Last().Text; !strings.Contains(text, "Результаты есть у всех") {
		t.Errorf("the last says %q", text)
	}
}

// TestTheQueueOfResultsIsShared has two go through one exam: a second tap goes on,
// and what another has marked is told or passed over.
func TestTheQueueOfResultsIsShared(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	boris := d.hire("second", "Центр", "Борис Центров")
	e := d.exam("Центр", "24-118", "2026-02-24", 5)
	d.quietly()
	d.says(anna, "Отмечать по одному")
	d.presses(anna, "Каримов01 Алишер · 24-118-01")
	d.tg.Note("two quick taps")
	for range 2 {
		if err := anna.Press("Сдал"); err != nil {
			t.Fatal(err)
		}
	}
	d.settle()
	d.says(boris, "Отмечать по одному")
	d.presses(boris, "Каримов02 Алишер · 24-118-02", "Не сдал")
	d.tg.Note("a colleague was faster")
	d.presses(anna, "Не явился", "Экзамен · 24-118")
	d.presses(boris, "Пропустить", "Сдал", "Сдал", "Есть нарушения")
	d.says(boris, "/cancel")
	d.says(boris, "Сдал, следующий · 24-118-03")
	d.presses(boris, "Сдал")
	d.tg.Note("more have come than the button says")
	d.presses(anna, "Нарушений нет (2)", "Нарушений нет (5)")
	for _, p := range []bot.Press{
		{Do: "ern", ID: e.ID, Version: 5},
		{Do: "ers", ID: 1},
		{Do: "ert", ID: 1},
		{Do: "er4", ID: 1, Version: 1},
		{Do: "ers"},
	} {
		anna.PressData(p.Data())
		d.settle()
	}
	golden(t, "result_shared", d.tg.Transcript())
}

// TestResultsComeInATable downloads the table of an exam, fills it in and sends
// it back.
func TestResultsComeInATable(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	d.exam("Центр", "24/118", "2026-02-24", 4, func(n int, a *service.Application) {
		if n == 1 {
			passed(n, a)
		}
		if n == 2 {
			a.Outcome = service.OutcomeFailed
		}
	})
	d.says(anna, "Скачать таблицу")
	d.presses(anna, "Загрузить результаты", "Скачать таблицу")
	sent := anna.Last().File
	want := "Номер заявки|Сдающий|Результат|Нарушения|Комментарий\n" +
		"24/118-02|Каримов02 Алишер Рустамович|Не сдал\n24/118-03|Каримов03 Алишер Рустамович\n24/118-04|Каримов04 Алишер Рустамович\n"
	if diff := cmp.Diff(want, cells(t, sent.Data, "Результаты")); diff != "" {
		t.Error(diff)
	}
	f, err := excelize.OpenReader(bytes.NewReader(sent.Data))
	if err != nil {
		t.Fatal(err)
	}
	for cell, value := range map[string]string{"D2": "Нет", "C3": "Сдал", "D3": "Нет", "C4": "Не явился"} {
		if err := f.SetCellValue("Результаты", cell, value); err != nil {
			t.Fatal(err)
		}
	}
	var filled bytes.Buffer
	if err := f.Write(&filled); err != nil {
		t.Fatal(err)
	}
	d.sends(anna, emulator.Attachment{Name: sent.Name, Data: filled.Bytes()})
	d.sends(anna, emulator.Attachment{Name: sent.Name, Data: filled.Bytes()})
	d.says(anna, "Экзамен · 24/118")
	d.presses(anna, "История")
	golden(t, "result_table", d.tg.Transcript())
}
