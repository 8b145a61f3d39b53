package bot_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"flowbot/bot/emulator"
	"flowbot/service"
)

// numbered is an application that has its registration number.
func numbered(n int, a *service.Application) {
	passed(n, a)
	a.RegistrationNumber = "26-10-40538-" + a.Number + "-1"
	a.IssuedOn = service.NewDay(2026, time.February, 25)
	a.ValidUntil = a.Level.ValidUntil(a.IssuedOn)
}

// centerData fills in the data of the center past the chat.
func (d *desk) centerData(p *emulator.Phone) {
	d.t.Helper()
	by, org := d.actor(p), d.orgs["Центр"].ID
	for _, set := range []struct {
		field service.CenterField
		value string
	}{
		{service.CenterInstitution, "Центром тестирования «Мост»"},
		{service.CenterAddress, "г. Тверь, ул. Лесная, д. 5"},
		{service.CenterPosition, "Директор"},
		{service.CenterSignatory, "И. И. Мостова"},
		{service.CenterProfile, "blank-210"},
	} {
		v, err := d.exams.Centers.View(d.t.Context(), by, org)
		if err == nil {
			err = d.exams.Centers.Set(d.t.Context(), by, org, v.Center.Revision, set.field, set.value)
		}
		if err != nil {
			d.t.Fatal(err)
		}
	}
}

// lastData is what a button under the newest message says.
func lastData(t *testing.T, p *emulator.Phone, label string) (under int, data string) {
	t.Helper()
	m := p.Last()
	for _, row := range m.Buttons {
		for _, b := range row {
			if b.Label == label {
				return m.ID, b.Data
			}
		}
	}
	t.Fatalf("no %q among %q", label, m.Labels())
	return 0, ""
}

// TestACenterIsFilledInAfterARefusal is read best as its golden.
func TestACenterIsFilledInAfterARefusal(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	d.approved(d.exam("Центр", "24-118", "2026-02-24", 2, numbered))

	d.says(anna, "Распечатать сертификаты")
	d.presses(anna, "Данные центра", "Наименование центра")
	anna.SendSticker()
	d.settle()
	d.says(anna, strings.Repeat("Автономной ", 30))
	d.says(anna, "/cancel")
	d.says(anna, "Данные центра")
	d.presses(anna, "Наименование центра")
	d.says(anna, "  Центром тестирования\n«Мост» <b>")
	d.presses(anna, "Адрес выдачи")
	d.says(anna, "г. Тверь, ул. Лесная, д. 5")
	d.presses(anna, "Должность подписанта")
	d.says(anna, "Директор")
	d.says(anna, "ФИО подписанта")
	d.presses(anna, "Отмена")
	d.says(anna, "Пробная печать")
	d.presses(anna, "Данные центра", "Типография", "○ Бланк 210 × 158 мм", "Данные центра")
	d.says(anna, "Распечатать сертификаты")
	d.presses(anna, "Данные центра", "ФИО подписанта")
	d.says(anna, "И. И. Мостова")
	d.presses(anna, "История", "Данные центра", "Адрес выдачи")
	d.says(anna, "г. Тверь, ул. Новая, д. 1")
	d.says(anna, "Распечатать сертификаты")
	golden(t, "center_filled", d.tg.Transcript())
}

// TestPrintersHaveOffsets is read best as its golden.
func TestPrintersHaveOffsets(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	boris := d.hire("colleague", "Центр", "Борис Центров")
	d.centerData(anna)

	d.says(anna, "вправо 0,3")
	d.says(anna, "Принтеры")
	d.presses(anna, "Добавить принтер")
	d.says(anna, "HP в кабинете 5")
	under, data := lastData(t, anna, "→ 0,1")
	d.presses(anna, "→ 0,1")
	if err := anna.PressOld(under, data); err != nil { // the same tap, resent
		t.Fatal(err)
	}
	d.settle()
	d.presses(anna, "← 1,0", "↓ 0,1")
	d.says(anna, "вправо 0,3")
	d.says(anna, "вверх 1")
	d.says(anna, "вверх")
	d.says(anna, "вниз 0,25")
	d.says(anna, "влево 20")
	d.presses(anna, "Пробная печать", "Данные центра", "Принтеры", "Добавить принтер")
	d.says(anna, "hp в кабинете 5")
	d.says(anna, "Xerox")
	d.presses(anna, "→ 1,0", "Принтеры", "✓ HP в кабинете 5")

	d.says(boris, "Принтеры")
	d.presses(boris, "✓ HP в кабинете 5", "↑ 0,1")
	d.presses(anna, "→ 1,0") // of the card before Boris moved it
	d.presses(anna, "Принтеры", "○ Xerox", "Печатать на этом принтере", "Принтеры", "○ HP в кабинете 5", "Печатать на этом принтере")
	d.presses(anna, "Принтеры", "○ Xerox", "Убрать принтер", "Назад", "Убрать принтер", "Да, убрать принтер")
	d.says(anna, "История центра")
	golden(t, "center_printers", d.tg.Transcript())
}

// TestAProfileIsEditedAndSentBack is read best as its golden.
func TestAProfileIsEditedAndSentBack(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	d.centerData(anna)

	d.says(anna, "Типография")
	d.presses(anna, "Скачать профиль")
	var table string
	for _, p := range d.blankProfiles() {
		if p.Code != "blank-210" {
			continue
		}
		p.Name = "Наша типография"
		var b bytes.Buffer
		for _, row := range p.Table() {
			b.WriteString(strings.Join(row, ";") + "\n")
		}
		table = b.String()
	}
	csv := func(name, data string) emulator.Attachment {
		return emulator.Attachment{Name: name, MIME: "text/csv", Data: []byte(data)}
	}
	d.presses(anna, "Загрузить профиль")
	d.says(anna, "вот она")
	d.sends(anna, csv("профиль.csv", strings.Replace(table, "поле;ФИО;112,2", "поле;ФИО;сто", 1)))
	d.presses(anna, "Отмена")
	d.says(anna, "Загрузить профиль")
	d.sends(anna, csv("профиль 2.csv", table))
	d.sends(anna, csv("профиль 3.csv", table))
	d.presses(anna, "Готово", "Пробная печать", "Данные центра", "Типография", "○ Бланк 210 × 158 мм")
	golden(t, "center_profile", d.tg.Transcript())
}

// TestACenterBelongsToItsStaff shows who is refused, and who must choose.
func TestACenterBelongsToItsStaff(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	other, err := d.people.AddOrg(t.Context(), service.CommandLine, service.NewOrg{Kind: service.OrgCenter, Name: "Другой центр"})
	if err != nil {
		t.Fatal(err)
	}
	d.orgs["Другой центр"] = other
	anna := d.hire("center", "Центр", "Анна Центрова")
	semyon := d.hire("stranger", "Другой центр", "Семён Чужой")
	olga := d.hire("partner", "Север & <Ко>", "Ольга Петрова")
	d.approved(d.exam("Центр", "24-118", "2026-02-24", 2, numbered))
	d.centerData(anna)

	d.says(anna, "Данные центра")
	_, card := lastData(t, anna, "Адрес выдачи")
	_, trial := lastData(t, anna, "Пробная печать")
	d.says(anna, "Распечатать сертификаты")
	d.presses(anna, "Готово", "Распечатать (2)")
	d.says(anna, "История печати")
	_, file := lastData(t, anna, "Файл печати № 1")
	d.quietly()

	d.says(semyon, "Данные центра")
	for _, data := range []string{card, trial, file, "ctp:1:0", "cto:1:0", "ctl:1:0", "cec:" + card[len("ce2:"):], "cei:1:0", "ce2:zzz:0", "ctt:zzz:0"} {
		semyon.PressData(data)
		d.settle()
	}
	d.says(olga, "Данные центра")
	d.says(olga, "Распечатать сертификаты")
	olga.PressData(file)
	d.settle()

	anna.Start(d.link("Другой центр", "Анна Центрова"))
	d.settle()
	d.says(anna, "Данные центра")
	d.presses(anna, "Другой центр")
	d.says(anna, "Пробная печать")
	d.presses(anna, "Центр")
	golden(t, "center_others", d.tg.Transcript())
}
