package bot_test

import (
	"testing"
	"time"

	"flowbot/bot/emulator"
	"flowbot/service"
)

// later has the workers do what was to be done later, once a time has passed.
func (d *desk) later(by time.Duration, note string) {
	d.t.Helper()
	d.pass(by, note)
	d.sql(`UPDATE river_job SET state = 'available', scheduled_at = now() WHERE state = 'scheduled'`)
	d.settle()
}

// saysBefore has a person say something that is answered before the batches of an
// exam are settled, as it is where they do not end at once.
func (d *desk) saysBefore(p *emulator.Phone, text, exam string) {
	d.t.Helper()
	tx, err := d.store.Bun().BeginTx(d.t.Context(), nil)
	if err == nil {
		_, err = tx.NewRaw(`SELECT FROM exams WHERE number = ? FOR UPDATE`, exam).Exec(d.t.Context())
	}
	if err != nil {
		d.t.Fatal(err)
	}
	p.Say(text)
	d.serve()
	if err := tx.Rollback(); err != nil {
		d.t.Fatal(err)
	}
	d.settle()
}

// TestFilesOfAConversationAreOneBatch sends files one after another, slowly, good and
// bad: they are one batch until «Готово», or until nothing comes any more.
func TestFilesOfAConversationAreOneBatch(t *testing.T) {
	t.Parallel()
	d, anna := scanner(t, deskOptions{sessions: true})
	d.scanning("118", 6)
	d.quietly()

	d.says(anna, "Загрузить сканы · 118")
	d.sends(anna, d.bound("первый.pdf", d.certificate("118-01"), d.smudged("118-02")))
	d.later(15*time.Second, "a while later: nothing is settled")
	d.sends(anna, shot(d.certificate("118-03")))
	anna.SendDocument("прайс.docx", "application/octet-stream", []byte("не скан"), "")
	d.settle()
	d.pass(3*time.Second, "three seconds later")
	d.tg.Note("asking to cancel ends neither the batch nor the conversation")
	d.presses(anna, "Отменить пачку", "Назад")
	d.sends(anna, shot(d.certificate("118-04")))
	d.tg.Note("these were all: the report comes at once")
	d.saysBefore(anna, "Готово", "118")
	d.tg.Note("a page more, and nobody says that it is the last")
	d.says(anna, "Загрузить сканы · 118")
	d.sends(anna, shot(d.certificate("118-05")))
	d.later(service.SessionPause, "nothing has come since")
	d.tg.Note("a file that is none alone; what waits for a person is told all the same")
	anna.SendDocument("прайс.docx", "application/octet-stream", []byte("не скан"), "")
	d.settle()
	d.presses(anna, "Готово")
	golden(t, "scan_session", d.tg.Transcript())
}

// TestAColleagueSeesABatchGoOn has an employee send scans of two exams, and two others
// say which it is: who loses looks at the progress, and sees its end.
func TestAColleagueSeesABatchGoOn(t *testing.T) {
	t.Parallel()
	d, anna := scanner(t, deskOptions{})
	boris, vera := d.hire("boris", "Центр", "Борис Центров"), d.hire("vera", "Центр", "Вера Центрова")
	d.scanning("118", 3)
	d.scanning("119", 2, numberedFrom(900))
	d.quietly()

	d.sends(anna, d.bound("разное.pdf", d.certificate("118-01"), d.certificate("119-01")))
	d.presses(anna, "Это сканы сертификатов")
	d.says(vera, "Сканы без экзамена")
	d.presses(vera, "118 · 24.02.2026 · 1 страница")
	question := vera.Last()
	d.says(boris, "Сканы без экзамена")
	d.presses(boris, "118 · 24.02.2026 · 1 страница")
	d.hold()
	press := func(do func() error) {
		t.Helper()
		if err := do(); err != nil {
			t.Fatal(err)
		}
		d.tell()
	}
	warning := boris.Last()
	press(func() error { return boris.Press("Всё равно") })
	press(func() error { return boris.PressOld(warning.ID, warning.Buttons[0][0].Data) })
	d.tg.Note("another is too late, and sees how it goes on")
	press(func() error { return vera.PressOld(question.ID, question.Buttons[0][0].Data) })
	d.release()
	d.settle()
	d.tg.Note("who turns to something else is left alone")
	d.sends(anna, d.bound("ещё.pdf", d.certificate("118-02"), d.certificate("119-02")))
	d.presses(anna, "Это сканы сертификатов")
	d.says(vera, "Сканы без экзамена")
	d.presses(vera, "118 · 24.02.2026 · 1 страница")
	question = vera.Last()
	d.says(boris, "Сканы без экзамена")
	d.presses(boris, "118 · 24.02.2026 · 1 страница")
	d.hold()
	press(func() error { return boris.Press("Всё равно") })
	press(func() error { return vera.PressOld(question.ID, question.Buttons[0][0].Data) })
	press(func() error { return vera.Press("Экзамен · 118") })
	d.release()
	d.settle()
	golden(t, "scan_batch_watched", d.tg.Transcript())
}
