package bot_test

import (
	"strconv"
	"testing"
	"time"

	"flowbot/bot/emulator"
	"flowbot/service"
)

// protocolStatus is the state of an exam's protocol, as the table has it.
func (d *desk) protocolStatus(number string) service.ProtocolStatus {
	d.t.Helper()
	e, err := d.store.ExamByNumber(d.t.Context(), service.CommandLine, number)
	if err != nil {
		d.t.Fatal(err)
	}
	return e.ProtocolStatus
}

// mark writes the results of an exam past the chat.
func (d *desk) mark(e *service.Exam, set string) {
	d.t.Helper()
	if _, err := d.store.Bun().NewRaw("UPDATE applications SET "+set+" WHERE exam_id = ?", e.ID).Exec(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
}

// TestAProtocolIsApproved is read best as testdata/protocol_approved.golden.
func TestAProtocolIsApproved(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	boris := d.hire("boris", "Центр", "Борис Центров")
	d.exam("Центр", "24-12", "2026-02-24", 3, passed)
	d.quietly()

	d.says(anna, "Экзамен 24-12")
	d.presses(anna, "Протокол", "Загрузить протокол")
	d.tg.Note("wrong numbers and dates ask again")
	d.says(anna, "—")
	d.says(anna, "это очень длинный номер протокола, который никуда не поместится 316/24")
	d.says(anna, "№ 316/24")
	d.says(anna, "31.02.2026")
	d.says(anna, "23.02.2026")
	d.says(anna, "25.02.2036")
	d.says(anna, "25.02.2026")
	d.says(anna, "Готово")
	d.sends(anna, d.journal("протокол & подписи.pdf"))
	d.presses(anna, "Готово")

	d.tg.Note("a colleague has been told and goes on")
	d.presses(boris, "Взять протокол на проверку", "Скачать протокол")
	d.says(boris, "Одобрить протокол")
	d.says(boris, "Протокол 24-12")
	if got := d.protocolStatus("24-12"); got != service.ProtocolApproved {
		t.Errorf("the protocol is %s", got)
	}
	golden(t, "protocol_approved", d.tg.Transcript())
}

// TestAProtocolIsRejectedAndReplaced keeps the number, and then the scan.
func TestAProtocolIsRejectedAndReplaced(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	boris := d.hire("boris", "Центр", "Борис Центров")
	e := d.exam("Центр", "24-12", "2026-02-24", 1, passed)
	d.uploaded(anna, e)
	d.quietly()

	d.says(boris, "Взять протокол на проверку")
	d.presses(boris, "Отклонить протокол", "Отмена", "Отклонить протокол")
	d.sends(boris, d.screenshot("смотрите.png", 10))
	d.says(boris, "   ")
	d.presses(boris, "Нет подписи")

	d.tg.Note("another scan, the same number and date")
	d.presses(anna, "Заменить протокол", "Оставить 316/24", "Назад", "Оставить 316/24", "Оставить 25.02.2026")
	d.sends(anna, photo(d.screenshot("", 60)))
	d.presses(anna, "Готово")

	d.tg.Note("another number, the same scan")
	d.presses(boris, "Взять протокол на проверку", "Отклонить протокол")
	d.says(boris, "Номер <317/24>")
	d.presses(anna, "Заменить протокол")
	d.says(anna, "317/24")
	d.presses(anna, "Оставить 25.02.2026", "Оставить прежний скан")
	d.says(boris, "Взять протокол на проверку")
	d.presses(boris, "Одобрить протокол")
	d.presses(anna, "Версия 1")
	d.says(anna, "Экзамен 24-12")
	d.presses(anna, "История")

	d.tg.Note("an approved protocol can be replaced until certificates have their numbers")
	d.says(anna, "Протокол 24-12")
	d.presses(anna, "Заменить протокол", "Отмена")
	d.mark(e, "registration_number = '24-10-40538-000002-1', issued_on = '2026-03-02'")
	d.presses(anna, "Заменить протокол")
	d.says(anna, "Протокол 24-12")
	golden(t, "protocol_replaced", d.tg.Transcript())
}

// uploaded uploads a protocol past the chat.
func (d *desk) uploaded(p *emulator.Phone, e *service.Exam) {
	d.t.Helper()
	d.says(p, "Экзамен "+e.Number)
	d.presses(p, "Протокол", "Загрузить протокол")
	d.says(p, "316/24")
	d.says(p, "25.02.2026")
	d.sends(p, d.journal("протокол.pdf"))
	d.presses(p, "Готово")
}

// TestAProtocolLacksResults is refused with names until every result is there.
func TestAProtocolLacksResults(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	e := d.exam("Центр", "24-12", "2026-02-24", 14, func(n int, a *service.Application) {
		switch n {
		case 1:
			a.LastName, a.Outcome = "<Каримова>", service.OutcomePassed
		case 2:
			a.Outcome = service.OutcomeAbsent
		case 3:
			passed(n, a)
		}
	})
	d.exam("Центр", "24-13", "2026-02-24", 0)
	d.exam("Центр", "24-14", "2026-03-24", 1)
	d.uploaded(anna, e)
	d.quietly()

	d.says(anna, "Одобрить протокол")
	d.presses(anna, "Взять протокол на проверку", "Одобрить протокол")
	d.mark(e, "outcome = CASE WHEN outcome = '' THEN 'passed' ELSE outcome END")
	d.mark(e, "violations = 'none'")
	d.presses(anna, "Одобрить протокол")
	d.tg.Note("an exam without applications, and one that is to be held")
	d.says(anna, "Протокол")
	d.says(anna, "Загрузить протокол 24-14")
	d.says(anna, "Протокол 24-14")
	golden(t, "protocol_lacks", d.tg.Transcript())
}

// TestWrongFilesAreNoProtocol sends what cannot be a protocol, and comes back
// after /cancel.
func TestWrongFilesAreNoProtocol(t *testing.T) {
	t.Parallel()
	const most = 1 << 20
	d := newDeskWith(t, deskOptions{maxDownload: most})
	anna := d.hire("center", "Центр", "Анна Центрова")
	d.exam("Центр", "24-12", "2026-02-24", 1, passed)
	d.quietly()

	d.says(anna, "Загрузить протокол")
	d.tg.Note("a scan that comes early waits for its step")
	d.sends(anna, emulator.Attachment{Name: "протокол.xlsx", Data: []byte("PK\x03\x04 и больше ничего")})
	d.says(anna, "316/24")
	d.says(anna, "25.02.2026")
	good := d.journal("протокол.pdf")
	d.sends(anna, d.journal("один.pdf"), d.journal("другой.pdf"), d.journal("третий.pdf"))
	d.sends(anna, emulator.Attachment{Name: "большой.pdf", MIME: "application/pdf", Data: make([]byte, most+1)})
	d.sends(anna, emulator.Attachment{Name: "с паролем.pdf", MIME: "application/pdf", Data: locked(t, good.Data)})
	d.says(anna, "готово")
	anna.SendVoice()
	d.settle()
	d.tg.Note("the word comes while the file is looked at")
	anna.SendDocument(good.Name, good.MIME, good.Data, "")
	anna.Say("Готово")
	d.settle()
	d.sends(anna, d.journal("второй.pdf"))
	d.sends(anna, d.journal("и ещё.pdf"), d.journal("один.pdf"))
	d.tg.Note("cancel keeps the file")
	d.says(anna, "/cancel")
	d.presses(anna, "Загрузить протокол")
	d.says(anna, "316/24")
	d.says(anna, "25.02.2026")
	d.presses(anna, "Убрать «протокол.pdf»")
	d.sends(anna, photo(d.screenshot("", 120)))
	d.says(anna, "в меню")
	d.says(anna, "Загрузить протокол")
	d.says(anna, "/cancel")
	d.says(anna, "Загрузить протокол")
	d.says(anna, "317/24")
	d.presses(anna, "Назад")
	d.says(anna, "316/24")
	d.says(anna, "25.02.2026")
	d.presses(anna, "Готово")
	if got := d.protocolStatus("24-12"); got != service.ProtocolToCheck {
		t.Errorf("the protocol is %s", got)
	}
	golden(t, "protocol_wrong_files", d.tg.Transcript())
}

// TestTwoEmployeesAndOneProtocol has them press at once, with old buttons, and
// lets a review run out.
func TestTwoEmployeesAndOneProtocol(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	boris := d.hire("boris", "Центр", "Борис Центров")
	other, err := d.people.AddOrg(t.Context(), service.CommandLine, service.NewOrg{Kind: service.OrgCenter, Name: "Другой центр"})
	if err != nil {
		t.Fatal(err)
	}
	d.orgs["Другой центр"] = other
	semyon := d.hire("semyon", "Другой центр", "Семён Чужой")
	ada := d.hire("admin", "", "Ада Админова")
	e := d.exam("Центр", "24-12", "2026-02-24", 1, passed)
	d.quietly()

	d.tg.Note("both upload: the second is told by whom")
	for _, p := range []*emulator.Phone{anna, boris} {
		d.says(p, "Загрузить протокол")
		d.says(p, "316/24")
		d.says(p, "25.02.2026")
		d.sends(p, d.journal("протокол "+p.Name()+".pdf"))
	}
	d.presses(anna, "Готово")
	d.presses(boris, "Готово")
	d.tg.Note("both take it in one moment")
	d.says(anna, "Протокол")
	d.says(boris, "Протокол")
	if err := anna.Press("Взять протокол на проверку"); err != nil {
		t.Fatal(err)
	}
	if err := boris.Press("Взять протокол на проверку"); err != nil {
		t.Fatal(err)
	}
	d.settle()
	d.says(boris, "Одобрить протокол")
	d.says(boris, "Отклонить протокол")
	d.says(boris, "Заменить протокол 24-12")
	d.tg.Note("a tap that comes twice")
	d.says(anna, "Протокол")
	last := anna.Last()
	for range 2 {
		if err := anna.PressMessage(last.ID, "Снять протокол с себя"); err != nil {
			d.tg.Note("the button is gone")
		}
	}
	d.settle()
	d.says(anna, "Взять протокол на проверку")
	d.tg.Note("another center sees nothing, an admin looks")
	d.says(semyon, "Протокол 24-12")
	semyon.PressData("epa:" + strconv.FormatInt(e.ID, 36) + ":5")
	d.settle()
	d.says(ada, "Протокол 24-12")
	ada.PressData("epa:" + strconv.FormatInt(e.ID, 36) + ":5")
	d.settle()
	d.at = d.at.Add(24*time.Hour + time.Minute)
	d.tg.Note("a day later")
	if n, err := d.exams.Protocols.Expire(t.Context()); n != 1 || err != nil {
		t.Fatalf("expired %d: %v", n, err)
	}
	d.settle()
	golden(t, "protocol_two", d.tg.Transcript())
}

// TestAScanOutOfTheBlueFindsItsProtocol sends files that nobody has asked for.
func TestAScanOutOfTheBlueFindsItsProtocol(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	d.sends(anna, d.journal("ни к чему.pdf"))
	e := d.exam("Центр", "24-12", "2026-02-24", 1, passed)
	d.exam("Центр", "24-14", "2026-03-24", 1)
	d.tg.Note("one exam has been held and waits for its protocol")
	d.sends(anna, d.journal("протокол.pdf"))
	d.says(anna, "316/24")
	d.says(anna, "25.02.2026")
	d.presses(anna, "Готово")
	d.tg.Note("two wait, and then certificates are scanned, too")
	d.exam("Центр", "24-15", "2026-02-25", 1, passed)
	d.exam("Центр", "24-16", "2026-02-26", 1, passed)
	d.sends(anna, photo(d.screenshot("", 30)))
	d.says(anna, "Взять протокол на проверку")
	d.presses(anna, "Одобрить протокол")
	d.mark(e, "registration_number = '24-10-40538-000002-1', issued_on = '2026-03-02'")
	d.sends(anna, d.journal("скан.pdf"), d.journal("скан 2.pdf"))
	golden(t, "protocol_loose", d.tg.Transcript())
}
