package bot_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"image/jpeg"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flowbot/bot/emulator"
	"flowbot/service"
)

// registered says of an application that it was passed and has its number of ФИС
// ФРДО.
func registered(n int, a *service.Application) {
	passed(n, a)
	a.RegistrationNumber = fmt.Sprintf("24-10-40538-%06d-1", n)
	a.IssuedOn = service.NewDay(2026, time.February, 25)
	a.ValidUntil = a.Level.ValidUntil(a.IssuedOn)
}

// zipFile is a file of an archive made by a test.
type zipFile struct {
	name string
	data []byte
}

// archive is a zip as somebody would send it.
func (d *desk) archive(name string, files ...zipFile) emulator.Attachment {
	d.t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range files {
		w, err := z.Create(f.name)
		if err == nil {
			_, err = w.Write(f.data)
		}
		if err != nil {
			d.t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		d.t.Fatal(err)
	}
	return emulator.Attachment{Name: name, MIME: "application/zip", Data: b.Bytes()}
}

// knownBlanks chooses the blanks of the center past the chat, unless some are chosen.
func (d *desk) knownBlanks(profile string) {
	d.t.Helper()
	_, err := d.store.Bun().NewRaw(`INSERT INTO centers (org_id, blank_profile) VALUES (?, ?)
		ON CONFLICT (org_id) DO UPDATE SET blank_profile = excluded.blank_profile WHERE centers.blank_profile = ''`,
		d.orgs["Центр"].ID, profile).Exec(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
}

// loaded loads the scan of an application past the chat.
func (d *desk) loaded(p *emulator.Phone, number, blank string) {
	d.t.Helper()
	d.knownBlanks("blank-210")
	a := d.application(number)
	by := d.actor(p)
	shade := uint8(a.ID)
	if a.ScanID != 0 {
		shade += 100
	}
	f := d.screenshot(number+".png", shade)
	sha, size, err := d.files.Put(d.t.Context(), bytes.NewReader(f.Data))
	if err != nil {
		d.t.Fatal(err)
	}
	_, err = d.store.Bun().NewRaw(`INSERT INTO files (sha256, size, type) VALUES (?, ?, 'image/png') ON CONFLICT DO NOTHING`, sha, size).Exec(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	var upload int64
	err = d.store.Bun().NewRaw(`
		INSERT INTO uploads (person_id, purpose, subject_id, update_id, chat_ref, name, state, file_sha, clean_sha, added_at)
		VALUES (?, 'scan', ?, -(SELECT count(*) + 1 FROM uploads), '', ?, 'accepted', ?, ?, ?) RETURNING id`,
		by.PersonID, a.ID, f.Name, sha, sha, d.at).Scan(d.t.Context(), &upload)
	if err != nil {
		d.t.Fatal(err)
	}
	_, err = d.exams.Scans.Load(d.t.Context(), by, service.LoadInput{
		ApplicationID: a.ID, Revision: a.Revision, UploadID: upload, Blank: service.BlankKey{Number: blank},
		RegistrationNumber: a.RegistrationNumber, IssuedOn: a.IssuedOn, Outside: true, Replace: a.ScanID != 0, Confirmed: true,
	})
	if err != nil {
		d.t.Fatal(err)
	}
}

// TestACertificateIsLoaded loads the scan of one application, giving wrong answers
// on the way, leaves and comes back to the file, and hands the paper over.
func TestACertificateIsLoaded(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	boris := d.hire("second", "Центр", "Борис Центров")
	e := d.exam("Центр", "118", "2026-02-24", 3, registered, func(n int, a *service.Application) {
		if n == 3 {
			*a = service.Application{ID: a.ID, Number: a.Number, ExamID: a.ExamID, Level: a.Level, LastName: a.LastName, FirstName: a.FirstName, BornOn: a.BornOn, Revision: 1}
			a.Outcome, a.Violations = service.OutcomeFailed, service.ViolationsNone
		}
	})
	d.approved(e)
	d.loaded(anna, "118-02", "0000000000105")
	d.quietly()

	d.says(anna, "Загрузить сертификат · 118-03")
	d.says(anna, "Загрузить сертификат")
	d.presses(anna, "Каримов01 Алишер · 118-01")
	d.says(anna, "٠٠٠٠٠٠٠٠٠٠١٠١")
	d.says(anna, "0000000000105")
	d.sends(anna, d.screenshot("скан.png", 40))
	d.says(anna, " 000 000 000 0101- ")
	d.says(anna, "24-10-40538-000002-1")
	d.presses(anna, "Верно")
	d.says(anna, "26.02.2026")
	d.says(anna, "25.02.2026")
	d.sends(anna, emulator.Attachment{Name: "скан.txt", MIME: "text/plain", Data: []byte("не скан")})
	d.sends(anna, d.screenshot("скан.png", 40))
	d.says(anna, "/cancel")
	d.tg.Note("the file is kept")
	d.says(anna, "Загрузить сертификат · 118-01")
	d.says(anna, "0000000000101")
	d.presses(anna, "Верно", "Верно", "Готово", "Изменить бланк")
	d.says(anna, "0000000000102")
	d.presses(anna, "Загрузить")
	card := anna.Last()
	d.presses(anna, "Да, верно")
	if err := anna.PressOld(card.ID, card.Buttons[0][0].Data); err != nil {
		t.Fatal(err)
	}
	d.settle()
	d.presses(anna, "Скачать скан", "Заявка · 118-01", "История", "Заявка · 118-01")

	d.tg.Note("the paper is handed over")
	d.presses(anna, "Отметить выдачу")
	d.says(anna, "вчера")
	d.says(anna, "24.02.2026")
	d.says(anna, "01.03.2027")
	d.presses(anna, "Сегодня", "Отменить отметку")
	d.says(boris, "Отметить выдачу")
	d.presses(boris, "Выбрать одного", "Каримов02 Алишер · 118-02")
	d.says(boris, "26.02.2026")
	d.says(anna, "Отметить выдачу")
	d.presses(anna, "Сегодня", "Отметить выдачу (1)")
	if got := d.application("118-01").Status(); got != service.ApplicationCompleted {
		t.Errorf("the application is %s", got)
	}
	golden(t, "scan_loaded", d.tg.Transcript())
}

// TestANumberIsTakenFromTheCertificate loads a certificate of which nothing is
// known yet.
func TestANumberIsTakenFromTheCertificate(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	d.approved(d.exam("Центр", "117", "2026-02-20", 1, registered))
	d.approved(d.exam("Центр", "118", "2026-02-24", 1, passed))
	d.knownBlanks("vector-200")
	d.quietly()

	d.says(anna, "Загрузить сертификат · 118-01")
	d.says(anna, "аб 0 000 123")
	d.says(anna, "нет номера")
	d.says(anna, "24-10-40538-000001-1")
	d.says(anna, "24 — 10 - 40538 - 000009 - 1")
	d.says(anna, "23.02.2026")
	d.presses(anna, "Сегодня", "Назад", "Верно")
	d.sends(anna, d.screenshot("скан.png", 40))
	d.presses(anna, "Готово", "Загрузить", "Да, верно")
	golden(t, "scan_number", d.tg.Transcript())
}

// TestALoadedCertificateIsReplaced replaces a scan by that of another blank.
func TestALoadedCertificateIsReplaced(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	boris := d.hire("second", "Центр", "Борис Центров")
	d.approved(d.exam("Центр", "118", "2026-02-24", 2, registered))
	d.loaded(anna, "118-01", "0000000000101")
	d.quietly()

	d.says(anna, "Заявка · 118-01")
	d.says(boris, "Заявка · 118-01")
	d.presses(anna, "Бланк испорчен", "Замятие бумаги")
	d.presses(boris, "Бланк испорчен")
	d.says(boris, "Опечатка в имени")
	d.presses(anna, "Заменить скан", "Да, заменить")
	d.says(anna, "0000000000101")
	d.says(anna, "0000000000103")
	d.presses(anna, "Верно", "Верно")
	d.sends(anna, d.screenshot("новый.png", 41), d.screenshot("второй.png", 42))
	d.sends(anna, d.screenshot("новый.png", 41))
	d.presses(anna, "Готово", "Загрузить", "Да, верно")
	d.says(boris, "Загрузить сертификат · 118-02")
	d.says(boris, "0000000000103")
	d.says(boris, "0000000000101")
	d.says(boris, "/menu")
	d.tg.Note("once more, after the handover")
	d.says(anna, "Отметить выдачу · 118-01")
	d.presses(anna, "Сегодня", "Заменить скан", "Да, заменить")
	d.says(anna, "0000000000104")
	d.presses(anna, "Да, испорчен", "Верно", "Верно")
	d.sends(anna, d.screenshot("118-02.png", 43))
	d.presses(anna, "Готово", "Загрузить", "Да, верно", "В меню", "Бланки", "Использованные и испорченные")
	golden(t, "scan_replaced", d.tg.Transcript())
}

// TestTwoLoadAtOnce has two employees load the same application, and the same
// blank for two.
func TestTwoLoadAtOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	boris := d.hire("second", "Центр", "Борис Центров")
	d.approved(d.exam("Центр", "118", "2026-02-24", 2, registered))
	d.knownBlanks("blank-210")
	for _, p := range []*emulator.Phone{anna, boris} {
		d.says(p, "Загрузить сертификат · 118-01")
		d.says(p, "0000000000101")
		d.presses(p, "Верно", "Верно")
		d.sends(p, d.screenshot("скан.png", 40))
		d.presses(p, "Готово")
	}
	d.quietly()
	d.presses(anna, "Загрузить")
	d.presses(boris, "Загрузить")
	d.presses(anna, "Да, верно")
	d.presses(boris, "Да, верно")
	d.tg.Note("the same blank for another")
	d.says(boris, "Загрузить сертификат · 118-02")
	d.says(boris, "0000000000102")
	d.presses(boris, "Верно", "Верно")
	d.sends(boris, d.screenshot("скан.png", 41))
	d.presses(boris, "Готово")
	_, err := d.exams.Blanks.Spoil(t.Context(), d.actor(anna), d.orgs["Центр"].ID, service.BlankKey{Number: "0000000000102"}, "Опечатка")
	if err != nil {
		t.Fatal(err)
	}
	d.presses(boris, "Загрузить", "Да, верно", "Назад", "Изменить бланк")
	d.says(boris, "0000000000103")
	d.presses(boris, "Загрузить", "Да, верно")
	golden(t, "scan_two", d.tg.Transcript())
}

// TestAnArchiveIsABatchWhateverItIsCalled has words and buttons of old cards that
// spoke of archives, and archives out of the blue.
func TestAnArchiveIsABatchWhateverItIsCalled(t *testing.T) {
	t.Parallel()
	d, anna := scanner(t, deskOptions{})
	scans := d.archive("сканы.zip", zipFile{"118-01.jpg", d.page(said{empty: true})})
	d.sends(anna, scans)
	e := d.scanning("118", 2)
	d.scanning("119", 2, func(n int, a *service.Application) { a.RegistrationNumber = fmt.Sprintf("24-10-40538-0009%02d-1", n) })
	d.says(anna, "Загрузить архив сканов")
	d.says(anna, "Загрузить архив сканов · 119")
	d.says(anna, "/cancel")
	d.tg.Note("under an old card of exam 118")
	anna.PressData(fmt.Sprintf("sca:%d:0", e.ID))
	d.settle()
	d.sends(anna, d.archive("по заявкам.zip", zipFile{"118-01.jpg", d.certificate("118-01")}))
	d.presses(anna, "Готово")
	d.tg.Note("out of the blue")
	d.sends(anna, d.archive("ещё.zip", zipFile{"118-02.jpg", d.certificate("118-02")}))
	d.presses(anna, "Это сканы сертификатов")
	d.sends(anna, d.archive("и ещё.zip", zipFile{"119-01.jpg", d.certificate("119-01")}))
	d.says(anna, "Имена файлов — номера заявок · 118")
	golden(t, "scan_archive", d.tg.Transcript())
	for _, number := range []string{"118-01", "118-02", "119-01"} {
		if a := d.application(number); a.ScanSource != service.ScanByPage {
			t.Errorf("the scan of %s came by %q", number, a.ScanSource)
		}
	}
}

// TestAnExamCanBeNamedForItsScans is read best as testdata/scan_typed.golden.
func TestAnExamCanBeNamedForItsScans(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	d.approved(d.exam("Центр", "24-118", "2026-02-24", 2, passed))
	d.approved(d.exam("Центр", "24-119", "2026-02-24", 2, passed))
	d.knownBlanks("blank-210")
	d.says(anna, "Загрузить сертификат · 24-118")
	d.says(anna, "Загрузить сертификат · 24-118-02")
	d.says(anna, "/cancel")
	d.says(anna, "Отметить выдачу · 24-118")
	d.says(anna, "Загрузить сертификат · 77-77")
	golden(t, "scan_typed", d.tg.Transcript())
}

// TestAWrongScanIsNotLoadedByHand sends scans of others, of nobody, and of two.
func TestAWrongScanIsNotLoadedByHand(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	boris := d.hire("second", "Центр", "Борис Центров")
	d.centerFilled(anna)
	e := d.scanning("118", 4)
	d.scanning("119", 1, func(_ int, a *service.Application) { a.RegistrationNumber = "24-10-40538-000901-1" })
	first, second := d.application("118-01").RegistrationNumber, d.application("118-02").RegistrationNumber
	d.quietly()

	d.says(anna, "Загрузить сертификат · 118-01")
	d.says(anna, "4815162342001")
	d.presses(anna, "Верно", "Верно")
	d.tg.Note("two certificates in one file, and an archive")
	d.sends(anna, d.bound("два.pdf", d.certificate("118-01"), d.certificate("118-02")))
	d.sends(anna, d.archive("сканы.zip", zipFile{"118-01.jpg", d.certificate("118-01")}))
	d.tg.Note("another's certificate")
	d.sends(anna, d.bound("скан.pdf", d.certificate("118-02")))
	d.presses(anna, "Готово")
	d.says(anna, "Загрузить")
	d.presses(anna, "Убрать «скан.pdf»")
	d.sends(anna, d.bound("скан.pdf", d.page(said{number: d.application("119-01").RegistrationNumber})))
	d.presses(anna, "Готово", "Убрать «скан.pdf»")
	d.tg.Note("the number of another, and this one's name")
	d.sends(anna, d.bound("скан.pdf", d.page(said{number: second, name: first})))
	d.presses(anna, "Готово", "Загрузить", "Назад")
	d.presses(anna, "Назад", "Убрать «скан.pdf»")
	d.tg.Note("the name of another, and no number")
	d.sends(anna, d.bound("скан.pdf", d.page(said{number: "??-??-?????-??????-?", name: second})))
	d.presses(anna, "Готово")
	d.says(anna, "Загрузить")
	d.presses(anna, "Убрать «скан.pdf»")
	d.tg.Note("nothing can be read: the person compares")
	d.sends(anna, d.bound("плохой.pdf", d.page(said{number: blots(first), name: "нет", blank: "4815162342009"})))
	d.presses(anna, "Готово")
	check := anna.Last()
	d.presses(anna, "Загрузить")
	if err := anna.PressOld(check.ID, check.Buttons[0][0].Data); err != nil { // tapped twice
		t.Fatal(err)
	}
	d.settle()
	d.says(anna, "Да, верно")
	d.says(anna, "Готово")
	d.presses(anna, "Назад", "Загрузить")
	d.says(anna, "/cancel")
	d.says(anna, "Загрузить сертификат · 118-01")
	d.says(anna, "4815162342001")
	d.presses(anna, "Верно", "Верно", "Готово", "Загрузить")
	looked := anna.Last()
	d.presses(anna, "Да, верно")
	if err := anna.PressOld(looked.ID, looked.Buttons[0][0].Data); err != nil {
		t.Fatal(err)
	}
	d.settle()
	d.tg.Note("the same file for another")
	d.says(boris, "Загрузить сертификат · 118-03")
	d.says(boris, "4815162342003")
	d.presses(boris, "Верно", "Верно")
	d.sends(boris, d.bound("плохой.pdf", drawnPage(t, len(d.pages.said))))
	d.presses(boris, "Готово", "Отмена")
	d.tg.Note("its own, with an empty page behind it")
	d.says(boris, "Загрузить сертификат · 118-02")
	d.says(boris, "4815162342002")
	d.presses(boris, "Верно", "Верно")
	d.sends(boris, d.bound("скан.pdf", d.certificate("118-02"), d.page(said{empty: true})))
	d.presses(boris, "Готово", "Загрузить")
	want := []string{"118-01 blank 4815162342001 v1", "118-02 blank 4815162342002 v1", "118-03 none", "118-04 none"}
	if diff := cmp.Diff(want, d.attached(e)); diff != "" {
		t.Error(diff)
	}
	golden(t, "scan_wrong", d.tg.Transcript())
}

// drawnPage is a page that was drawn before.
func drawnPage(t *testing.T, n int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, drawPattern(n), nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
