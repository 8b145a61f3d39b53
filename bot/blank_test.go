package bot_test

import (
	"testing"

	"flowbot/service"
)

// TestBlanksAreAccountedFor records ranges, spoils blanks by their numbers and
// takes a range back.
func TestBlanksAreAccountedFor(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	other, err := d.people.AddOrg(t.Context(), service.CommandLine, service.NewOrg{Kind: service.OrgCenter, Name: "Другой центр"})
	if err != nil {
		t.Fatal(err)
	}
	d.orgs["Другой центр"] = other
	semyon := d.hire("elsewhere", "Другой центр", "Семён Чужой")
	d.approved(d.exam("Центр", "118", "2026-02-24", 1, registered))

	d.says(anna, "Бланки")
	d.presses(anna, "Получены бланки")
	d.says(anna, "с первого по сотый")
	d.says(anna, "0000000000200–0000000000101")
	d.says(anna, "101–0000000000200")
	d.says(anna, "0000000000001-9999999999999")
	d.says(anna, "0000000000101 – 0000000000200")
	d.says(anna, "01.01.2027")
	d.says(anna, "31.02.2026")
	d.says(anna, "20.02.2026")
	card := anna.Last()
	d.presses(anna, "Записать 100 бланков")
	if err := anna.PressOld(card.ID, card.Buttons[0][0].Data); err != nil {
		t.Fatal(err)
	}
	d.settle()
	d.presses(anna, "Получены бланки")
	d.says(anna, "0000000000200-0000000000300")
	d.says(anna, "AB № 000101–000110")
	d.presses(anna, "Сегодня", "Записать 10 бланков")

	d.tg.Note("spoiled by number")
	d.presses(anna, "Испорчен")
	d.says(anna, "АБ")
	d.says(anna, "0000000000150")
	d.presses(anna, "Замятие бумаги", "Испорчен")
	d.says(anna, "0000000000150")
	d.says(anna, "0000000000999")
	d.says(anna, "Залит <чаем> & высох")
	d.loaded(anna, "118-01", "0000000000101")
	d.presses(anna, "Испорчен")
	d.says(anna, "0000000000101")
	d.presses(anna, "Ошибка печати")
	d.presses(anna, "Использованные и испорченные", "Бланки", "Полученные бланки")
	d.presses(anna, "0000000000101–0000000000200 · 20.02.2026", "Полученные бланки", "АВ 000101–000110 · 02.03.2026")
	d.presses(anna, "Убрать из полученных")

	d.tg.Note("another center hears nothing of it")
	d.says(semyon, "Испорчен")
	d.says(semyon, "0000000000101")
	d.says(semyon, "/cancel")
	if counts := blankCounts(t, d, "Центр"); counts.Used != 0 || counts.Spoiled != 3 || counts.Free != 98 {
		t.Errorf("the center has %+v", counts)
	}
	golden(t, "blank_account", d.tg.Transcript())
}

func blankCounts(t *testing.T, d *desk, center string) service.BlankCounts {
	t.Helper()
	counts, err := d.store.BlankCounts(t.Context(), d.orgs[center].ID)
	if err != nil {
		t.Fatal(err)
	}
	return counts
}

// TestABlankOutsideTheRangesIsAskedAboutTwice loads a certificate on a blank that
// was never received.
func TestABlankOutsideTheRangesIsAskedAboutTwice(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	d.approved(d.exam("Центр", "118", "2026-02-24", 1, registered))
	_, err := d.exams.Blanks.Receive(t.Context(), d.actor(anna), service.ReceiveBlanks{
		CenterID: d.orgs["Центр"].ID, Range: service.BlankRange{First: "0000000000101", Last: "0000000000200"}, ReceivedOn: d.day("2026-02-20"),
	})
	if err != nil {
		t.Fatal(err)
	}
	d.knownBlanks("blank-210")
	d.quietly()
	d.says(anna, "Загрузить сертификат · 118-01")
	d.says(anna, "0000000000201")
	d.says(anna, "0000000000202")
	d.presses(anna, "Верно", "Верно", "Верно")
	d.sends(anna, d.screenshot("скан.png", 40))
	d.presses(anna, "Готово", "Загрузить", "Да, верно")
	golden(t, "blank_outside", d.tg.Transcript())
}
