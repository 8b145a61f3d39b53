package bot_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

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

// loaded loads the scan of an application past the chat.
func (d *desk) loaded(p *emulator.Phone, number, blank string) {
	d.t.Helper()
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
		RegistrationNumber: a.RegistrationNumber, IssuedOn: a.IssuedOn, Outside: true, Replace: a.ScanID != 0,
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
	card := anna.Last()
	d.presses(anna, "Загрузить")
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
	d.quietly()

	d.says(anna, "Загрузить сертификат · 118-01")
	d.says(anna, "аб 000 123")
	d.says(anna, "нет номера")
	d.says(anna, "24-10-40538-000001-1")
	d.says(anna, "24 — 10 - 40538 - 000009 - 1")
	d.says(anna, "23.02.2026")
	d.presses(anna, "Сегодня", "Назад", "Верно")
	d.sends(anna, d.screenshot("скан.png", 40))
	d.presses(anna, "Готово", "Загрузить")
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
	d.presses(anna, "Готово", "Загрузить")
	d.says(boris, "Загрузить сертификат · 118-02")
	d.says(boris, "0000000000103")
	d.says(boris, "0000000000101")
	d.says(boris, "/menu")
	d.tg.Note("once more, after the handover")
	d.says(anna, "Отметить выдачу · 118-01")
	d.presses(anna, "Сегодня", "Заменить скан", "Да, заменить")
	d.says(anna, "0000000000104")
	d.presses(anna, "Верно", "Верно")
	d.sends(anna, d.screenshot("118-02.png", 43))
	d.presses(anna, "Готово", "Загрузить", "В меню", "Бланки", "Использованные и испорченные")
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
	d.presses(boris, "Загрузить", "Изменить бланк")
	d.says(boris, "0000000000103")
	d.presses(boris, "Загрузить")
	golden(t, "scan_two", d.tg.Transcript())
}

// TestAnArchiveOfScansIsLoaded sends an archive of which some files can be loaded.
func TestAnArchiveOfScansIsLoaded(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	e := d.exam("Центр", "118/1", "2026-02-24", 8, registered, func(n int, a *service.Application) {
		switch n {
		case 6:
			a.Outcome, a.RegistrationNumber, a.IssuedOn, a.ValidUntil = service.OutcomeFailed, "", service.Day{}, service.Day{}
		case 7:
			a.RegistrationNumber, a.IssuedOn, a.ValidUntil = "", service.Day{}, service.Day{}
		}
	})
	d.approved(e)
	d.exam("Центр", "119", "2026-02-24", 1, registered, func(_ int, a *service.Application) { a.RegistrationNumber = "х-1" })
	d.loaded(anna, "118/1-08", "0000000000108")
	d.quietly()
	scan := func(shade uint8) []byte { return d.screenshot("", shade).Data }
	pdf := d.journal("скан.pdf").Data

	d.says(anna, "Загрузить архив сканов")
	d.sends(anna, d.screenshot("скан.png", 1))
	d.sends(anna, d.archive("сканы.zip",
		zipFile{"118-1-01.pdf", pdf}, zipFile{"118-1-02.PNG", scan(2)}, zipFile{"118-1-03.jpg", scan(3)},
		zipFile{"118-1-04.png", scan(4)}, zipFile{"118-1-04.pdf", pdf}, zipFile{"118-1-05.pdf", []byte("%PDF-1.7\nобрезан")},
		zipFile{"118-1-06.png", scan(6)}, zipFile{"118-1-07.png", scan(7)}, zipFile{"118-1-08.png", scan(8)},
		zipFile{"119-01.png", scan(9)}, zipFile{"опись.txt", []byte("опись")}, zipFile{"118-1-05.txt", []byte("опись")},
		zipFile{"__MACOSX/._118-1-01.pdf", []byte("x")}, zipFile{".DS_Store", []byte("x")},
	))
	d.presses(anna, "Готово")
	d.says(anna, "/cancel")
	d.says(anna, "Загрузить архив сканов · 118/1")
	d.presses(anna, "Готово")
	card := anna.Last()
	d.tg.Note("one is loaded meanwhile")
	d.loaded(anna, "118/1-02", "0000000000102")
	d.presses(anna, "Загрузить (3)", "Загрузить (2)")
	if err := anna.PressOld(card.ID, card.Buttons[0][0].Data); err != nil {
		t.Fatal(err)
	}
	d.settle()
	d.tg.Note("the blank is written down later")
	d.says(anna, "Мои задачи")
	d.says(anna, "Заявка · 118/1-01")
	d.presses(anna, "Указать бланк")
	d.says(anna, "0000000000108")
	d.says(anna, "0000000000101")
	d.loaded(anna, "118/1-04", "0000000000104")
	d.says(anna, "Бланки")
	d.presses(anna, "Указать бланки (1)")
	d.says(anna, "0000000000103")
	d.says(anna, "Указать бланки")
	if got := d.application("118/1-03").Status(); got != service.ApplicationAwaitingHandover {
		t.Errorf("the application is %s", got)
	}
	golden(t, "scan_archive", d.tg.Transcript())
}

// TestABadArchiveIsRefused sends what is no archive of scans.
func TestABadArchiveIsRefused(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	d.approved(d.exam("Центр", "118", "2026-02-24", 2, registered))
	d.quietly()
	pdf := d.journal("скан.pdf").Data
	inner := d.archive("сканы.zip", zipFile{"118-01.pdf", pdf})
	many := make([]zipFile, 601)
	for i := range many {
		many[i] = zipFile{fmt.Sprintf("%d.pdf", i), []byte("x")}
	}
	locked := d.archive("сканы.zip", zipFile{"118-01.pdf", pdf})
	for _, header := range []string{"PK\x03\x04", "PK\x01\x02"} { // the flag of a password, bit 0
		at := bytes.Index(locked.Data, []byte(header))
		locked.Data[at+map[string]int{"PK\x03\x04": 6, "PK\x01\x02": 8}[header]] |= 1
	}

	d.says(anna, "Загрузить архив сканов")
	for _, a := range []emulator.Attachment{
		{Name: "сканы.rar", MIME: "application/x-rar", Data: []byte("Rar!\x1a\x07\x00")},
		d.archive("пусто.zip"),
		d.archive("папка.zip", zipFile{"сканы/118-01.pdf", pdf}),
		d.archive("путь.zip", zipFile{"../../etc/118-01.pdf", pdf}),
		d.archive("корень.zip", zipFile{"/118-01.pdf", pdf}),
		d.archive("диск.zip", zipFile{`C:\118-01.pdf`, pdf}),
		d.archive("вложен.zip", zipFile{"118-01.pdf", inner.Data}),
		d.archive("дважды.zip", zipFile{"118-01.pdf", pdf}, zipFile{"118-01.PDF", pdf}),
		d.archive("бомба.zip", zipFile{"118-01.pdf", bytes.Repeat([]byte{0}, 8<<20)}),
		d.archive("много.zip", many...),
		locked,
		d.archive("чужие.zip", zipFile{"777-01.pdf", pdf}, zipFile{"778-01.pdf", pdf}),
	} {
		d.sends(anna, a)
	}
	d.presses(anna, "Готово", "Отмена")
	if got := d.application("118-01").ScanID; got != 0 {
		t.Errorf("a scan %d is loaded", got)
	}
	golden(t, "scan_archive_bad", d.tg.Transcript())
}

// TestALargeArchiveIsCounted sends an archive whose files take a while.
func TestALargeArchiveIsCounted(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	d.approved(d.exam("Центр", "118", "2026-02-24", 26, registered))
	d.quietly()
	var files []zipFile
	for i := range 26 {
		files = append(files, zipFile{fmt.Sprintf("118-%02d.png", i+1), d.screenshot("", uint8(i)).Data})
	}
	d.says(anna, "Загрузить архив сканов")
	d.sends(anna, d.archive("сканы.zip", files...))
	d.presses(anna, "Готово", "Загрузить (26)")
	if got := strings.Count(d.tg.Transcript(), "Загружено сканов: 26"); got != 1 {
		t.Errorf("told %d times", got)
	}
	golden(t, "scan_archive_large", d.tg.Transcript())
}

// TestAnArchiveOutOfTheBlue may be scans to be recognised, or files with the
// numbers of applications: of the only exam that waits, or of the chosen one.
func TestAnArchiveOutOfTheBlue(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	scans := d.archive("сканы.zip", zipFile{"118-01.png", d.screenshot("", 1).Data})
	d.sends(anna, scans)
	d.approved(d.exam("Центр", "118", "2026-02-24", 1, registered))
	d.sends(anna, scans)
	d.presses(anna, "Имена файлов — номера заявок", "Готово", "Отмена")
	d.approved(d.exam("Центр", "119", "2026-02-24", 1, passed))
	d.sends(anna, scans)
	d.presses(anna, "Имена файлов — номера заявок", "Имена файлов — номера заявок · 119")
	golden(t, "scan_archive_loose", d.tg.Transcript())
}

// TestAnExamCanBeNamedForItsScans is read best as testdata/scan_typed.golden.
func TestAnExamCanBeNamedForItsScans(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	d.approved(d.exam("Центр", "24-118", "2026-02-24", 2, passed))
	d.approved(d.exam("Центр", "24-119", "2026-02-24", 2, passed))
	d.says(anna, "Загрузить сертификат · 24-118")
	d.says(anna, "Загрузить сертификат · 24-118-02")
	d.says(anna, "/cancel")
	d.says(anna, "Отметить выдачу · 24-118")
	d.says(anna, "Загрузить сертификат · 77-77")
	golden(t, "scan_typed", d.tg.Transcript())
}
