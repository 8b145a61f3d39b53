package bot_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/signintech/gopdf"

	"flowbot/bot"
	"flowbot/bot/chat"
	"flowbot/bot/emulator"
	"flowbot/service"
	"flowbot/service/ocr"
	"flowbot/service/ocr/drawn"
	"flowbot/templates"
)

// linked lets a telephone in as the candidate of an application.
func (d *desk) linked(phone, number string) *emulator.Phone {
	d.t.Helper()
	p := d.phone(phone)
	d.joined(p, number)
	return p
}

// scanner is a center with an employee who scans.
func scanner(t *testing.T, o deskOptions) (*desk, *emulator.Phone) {
	t.Helper()
	if o.maxDownload == 0 {
		o.maxDownload = emulator.DefaultMaxDownload
	}
	d := newDeskWith(t, o)
	anna := d.hire("center", "Центр", "Анна Центрова")
	d.centerFilled(anna)
	return d, anna
}

// attached is the scan of each application of an exam, "" where there is none.
func (d *desk) attached(e *service.Exam) []string {
	d.t.Helper()
	var out []string
	err := d.store.Bun().NewRaw(`
		SELECT a.number || ' ' || CASE WHEN a.scan_id IS NULL THEN 'none' ELSE 'blank ' || s.blank_number || ' v' || s.version END
		FROM applications a LEFT JOIN scans s ON s.id = a.scan_id WHERE a.exam_id = ? ORDER BY a.number`, e.ID).Scan(d.t.Context(), &out)
	if err != nil {
		d.t.Fatal(err)
	}
	return out
}

// TestABatchOfScansIsLoaded sends a PDF while its pages are read slowly, photos
// join it, and the report names who is missing.
func TestABatchOfScansIsLoaded(t *testing.T) {
	t.Parallel()
	d, anna := scanner(t, deskOptions{})
	d.scanning("118", 7)
	candidate := d.linked("candidate", "118-01")

	d.says(anna, "Экзамен · 118")
	d.presses(anna, "Загрузить сканы")
	d.says(anna, "что сюда слать")
	d.presses(anna, "Готово")
	d.hold()
	pdf := d.bound("сканы.pdf", d.certificate("118-01"), d.certificate("118-02"), d.certificate("118-06"), d.certificate("118-03"))
	anna.SendDocument(pdf.Name, pdf.MIME, pdf.Data, "")
	d.tell()
	d.tg.Note("the first page is told at once, then every three seconds")
	d.read(1)
	d.read(1)
	d.pass(3*time.Second, "three seconds later")
	d.read(1)
	d.tg.Note("photos join, and a message of the person's own")
	anna.SendAlbum(shot(d.certificate("118-04")), shot(d.certificate("118-05")))
	anna.Say("/help")
	d.tell()
	d.pass(3*time.Second, "three seconds later")
	d.read(2)
	d.tg.Note("an empty page is the last")
	anna.SendPhoto(d.page(said{empty: true}), "")
	d.tell()
	d.release()
	d.settle()
	d.presses(anna, "Экзамен · 118")
	d.pass(deliveryHold, "the hold is over")
	d.settle()
	if got := candidate.Last(); !strings.Contains(fmt.Sprint(got), "118") {
		t.Errorf("the candidate has got %+v", got)
	}
	golden(t, "scan_batch_good", d.tg.Transcript())
}

// TestARealBatchIsRead has the project's own reader read drawn pages: photos,
// scans, one turned over, one whose number is blotted.
func TestARealBatchIsRead(t *testing.T) {
	t.Parallel()
	pool, err := ocr.NewPool(ocr.Options{Children: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pool.Close(); err != nil {
			t.Error(err)
		}
	})
	d, anna := scanner(t, deskOptions{recogniser: pool})
	names := [][3]string{
		{"Каримов", "Алишер", "KARIMOV"},
		{"Юсупова", "Лола", "YUSUPOVA"},
		{"Рахимов", "Фаррух", "RAKHIMOV"},
		{"Рахимов", "Бахром", "RAKHIMOV"},
		{"Ли", "Вэй", "LI"},
	}
	e := d.scanning("118", len(names), func(n int, a *service.Application) {
		a.LastName, a.FirstName, a.MiddleName, a.LastNameLatin = names[n-1][0], names[n-1][1], "", names[n-1][2]
	})
	d.quietly()
	upside := drawn.Clean
	upside.Upside = 1
	var sheets []drawn.Signed
	for n := range names {
		sheets = append(sheets, d.signed(e, n+1))
	}
	sheets[3].Blotted = true
	scans := d.drawn(drawn.Clean, sheets[:2]...)
	scans = append(scans, d.drawn(upside, sheets[2])...)
	scans = append(scans, d.drawn(drawn.Clean, sheets[3])...)
	// A photo taken with care, so that its numbers can be read.
	careful := drawn.Severity{
		Phone: true, DPI: []int{0}, Best: 1, Perspective: .015, Quality: [2]int{85, 85}, Faded: drawn.Range{From: 1, To: 1},
		Noise: drawn.Range{From: 2, To: 2}, Blur: drawn.Range{From: .3, To: .3}, Slope: drawn.Range{From: .1, To: .1}, Shadow: drawn.Range{From: .1, To: .1},
	}
	photos := d.drawn(careful, sheets[4])

	d.says(anna, "Загрузить сканы")
	d.sends(anna, d.bound("сканы.pdf", scans...))
	d.sends(anna, shot(photos[0]))
	golden(t, "scan_batch_real", d.tg.Transcript())
	for n, got := range d.attached(e) {
		a := d.application(fmt.Sprintf("118-%02d", n+1))
		if isBlotted := n == 3; (a.ScanID == 0) != isBlotted {
			t.Errorf("%s", got)
		}
		if a.BlankNumber != "" && a.BlankNumber != blankOf(a) {
			t.Errorf("%s is on blank %s", got, blankOf(a))
		}
	}
}

// signed is the certificate of an exam's n-th application on its blank.
func (d *desk) signed(e *service.Exam, n int) drawn.Signed {
	d.t.Helper()
	a := d.application(e.Number + "-" + fmt.Sprintf("%02d", n))
	return drawn.Signed{BlankNumber: blankOf(a), Certificate: service.Certificate{
		Application: a.Number, Level: a.Level, Name: a.Name(), NameLatin: a.NameLatin(), Institution: "Центром тестирования «Мост»",
		Address: "г. Тверь, ул. Лесная, д. 5", IssuedOn: a.IssuedOn, ValidUntil: a.ValidUntil, RegistrationNumber: a.RegistrationNumber,
		SignatoryPosition: "Директор", SignatoryName: "И. И. Мостова",
	}}
}

// drawn draws scans of certificates.
func (d *desk) drawn(v drawn.Severity, sheets ...drawn.Signed) [][]byte {
	d.t.Helper()
	for _, p := range d.blankProfiles() {
		if p.Code != "blank-210" {
			continue
		}
		scans, err := drawn.Scans(d.t.Context(), d.printer, p, 7, v, sheets, d.t.TempDir())
		if err != nil {
			d.t.Fatal(err)
		}
		var out [][]byte
		for _, s := range scans {
			out = append(out, s.JPEG)
		}
		return out
	}
	d.t.Fatal("no such profile")
	return nil
}

// TestABadBatchLosesNothing sends everything that goes wrong.
func TestABadBatchLosesNothing(t *testing.T) {
	t.Parallel()
	d, anna := scanner(t, deskOptions{})
	e := d.scanning("118", 7)
	d.scanning("119", 1, func(_ int, a *service.Application) { a.RegistrationNumber = "24-10-40538-000901-1" })
	good := d.bound("сканы.pdf", d.certificate("118-01"), d.certificate("118-02"))
	gone := d.certificate("118-07")
	if _, err := d.exams.Certificates.Order(t.Context(), d.actor(anna), service.PrintInput{ExamID: e.ID, UpdateID: -1}); err != nil {
		t.Fatal(err)
	}
	fails := d.application("118-07")
	pdf := func(name string, data []byte) emulator.Attachment {
		return emulator.Attachment{Name: name, MIME: "application/pdf", Data: data}
	}
	d.quietly()

	d.says(anna, "Загрузить сканы · 118")
	for _, bad := range []emulator.Attachment{
		pdf("не PDF.pdf", []byte("просто текст")),
		pdf("пустой.pdf", nil),
		pdf("с паролем.pdf", locked(t, good.Data)),
		pdf("бомба.pdf", bomb(t)),
		pdf("пять тысяч.pdf", d.blankPages(5000)),
		d.archive("бомба.zip", zipFile{"1.jpg", bytes.Repeat([]byte{0}, 64<<20)}, zipFile{"2.jpg", d.certificate("118-06")}),
		{Name: "вложен.zip", MIME: "application/zip", Data: d.archive("", zipFile{"внутри.zip", d.archive("", zipFile{"1.jpg", gone}).Data}).Data},
	} {
		d.sends(anna, bad)
	}
	d.tg.Note("a good file, cut; and again, whole")
	long := d.bound("долгий.pdf", d.certificate("118-03"), d.certificate("118-04"), d.page(said{number: "24-10-40538-000005-1"}))
	d.sends(anna, pdf("обрезан.pdf", long.Data[:len(long.Data)*5/6]))
	d.sends(anna, long)
	d.sends(anna, good)
	d.tg.Note("the same once more")
	d.sends(anna, good)
	d.tg.Note("a cat; another center's; another exam's; a blotted number; a name that is another; what nothing can be read on")
	d.sends(anna, d.bound("всё вместе.pdf",
		cat(t), d.page(said{number: "24-10-40538-777777-1"}), d.certificate("119-01"), d.page(said{number: "24-10-40538-00000?-1"}),
		d.page(said{number: "24-10-40538-000003-1", name: "24-10-40538-000006-1"}), d.page(said{poison: true}), d.page(said{empty: true})))
	d.tg.Note("one is entitled no more")
	if _, err := d.store.Bun().NewRaw(`UPDATE applications SET violations = 'found', registration_number = '', issued_on = NULL, valid_until = NULL WHERE id = ?`, fails.ID).Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.sends(anna, d.archive("архив.zip", zipFile{"сканы/лист 1.jpg", gone}, zipFile{"сканы/читай.txt", []byte("привет")}))
	golden(t, "scan_batch_bad", d.tg.Transcript())
	want := []string{
		"118-01 blank 4815162342001 v1", "118-02 blank 4815162342002 v1", "118-03 blank 4815162342003 v1", "118-04 blank 4815162342004 v1",
		"118-05 blank  v1", "118-06 blank 4815162342006 v1", "118-07 none",
	}
	if got := d.attached(e); strings.Join(got, "; ") != strings.Join(want, "; ") {
		t.Errorf("the scans are %q, want %q", got, want)
	}
}

// blankPages is a PDF of so many pages with nothing on them.
func (d *desk) blankPages(pages int) []byte {
	d.t.Helper()
	doc := &gopdf.GoPdf{}
	doc.Start(gopdf.Config{Unit: gopdf.UnitMM, PageSize: gopdf.Rect{W: 210, H: 297}})
	for range pages {
		doc.AddPage()
	}
	var out bytes.Buffer
	if _, err := doc.WriteTo(&out); err != nil {
		d.t.Fatal(err)
	}
	return out.Bytes()
}

// cat is a picture that is no certificate: all fur.
func cat(t *testing.T) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 320, 240))
	for i := range img.Pix {
		img.Pix[i] = uint8(i * i >> 3)
	}
	img.Set(1, 1, color.Black)
	var out bytes.Buffer
	if err := jpeg.Encode(&out, img, nil); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestScansOutOfTheBlueFindTheirExam sends files that nobody has asked for, of
// which only the pages tell what they are.
func TestScansOutOfTheBlueFindTheirExam(t *testing.T) {
	t.Parallel()
	d, anna := scanner(t, deskOptions{})
	d.scanning("118", 3)
	other := d.scanning("119", 3, func(n int, a *service.Application) { a.RegistrationNumber = fmt.Sprintf("24-10-40538-%06d-1", 900+n) })
	d.quietly()

	d.hold()
	d.sendsSlowly(anna, d.bound("скан.pdf", d.certificate("119-01"), d.certificate("119-02")))
	d.sendsSlowly(anna, d.bound("и ещё.pdf", d.page(said{empty: true})))
	if err := anna.Press("Это сканы сертификатов"); err != nil {
		t.Fatal(err)
	}
	d.tell()
	d.tg.Note("while it is read, more joins without a question")
	d.sendsSlowly(anna, shot(d.certificate("119-03")))
	d.release()
	d.settle()
	d.tg.Note("afterwards it is asked again")
	d.sends(anna, d.archive("118.zip", zipFile{"1.jpg", d.certificate("118-01")}))
	d.presses(anna, "Это сканы сертификатов")
	golden(t, "scan_batch_loose", d.tg.Transcript())
	if got := d.attached(other); strings.Contains(strings.Join(got, ";"), "none") {
		t.Errorf("the scans are %q", got)
	}
}

// sendsSlowly sends a file while others are still being read.
func (d *desk) sendsSlowly(p *emulator.Phone, f emulator.Attachment) {
	d.t.Helper()
	if f.Photo {
		p.SendPhoto(f.Data, "")
	} else {
		p.SendDocument(f.Name, f.MIME, f.Data, "")
	}
	d.tell()
}

// TestNobodyKnowsWhoseScansTheseAre asks of which exam a batch is, and takes an
// answer that no list has.
func TestNobodyKnowsWhoseScansTheseAre(t *testing.T) {
	t.Parallel()
	d, anna := scanner(t, deskOptions{})
	partner := d.hire("partner", "Юг", "Ольга Петрова")
	d.scanning("118", 2)
	d.scanning("119", 2, numberedFrom(900))
	d.ready("120", 1)
	d.quietly()

	d.sends(anna, d.bound("разное.pdf", d.certificate("118-01"), d.certificate("119-01"), d.page(said{number: "24-10-40538-00000?-1"})))
	d.presses(anna, "Это сканы сертификатов")
	question := anna.Last()
	d.presses(anna, "Другой экзамен")
	d.says(anna, "777")
	d.says(anna, "120")
	d.says(anna, "/cancel")
	d.presses(anna, "Загрузить сканы")
	d.tg.Note("the question can be answered later, by nobody outside the center, and once")
	partner.PressData(question.Buttons[0][0].Data)
	d.settle()
	if err := anna.PressOld(question.ID, question.Buttons[0][0].Data); err != nil {
		t.Fatal(err)
	}
	d.settle()
	d.presses(anna, "Назад", "119 · 24.02.2026 · 1 страница", "Всё равно")
	if err := anna.PressOld(question.ID, question.Buttons[1][0].Data); err != nil {
		t.Fatal(err)
	}
	d.settle()
	golden(t, "scan_batch_which", d.tg.Transcript())
}

// numberedFrom has the registration numbers of an exam begin after a number.
func numberedFrom(first int) func(n int, a *service.Application) {
	return func(n int, a *service.Application) { a.RegistrationNumber = fmt.Sprintf("24-10-40538-%06d-1", first+n) }
}

// TestAColleagueGoesOnWithABatch has one employee send scans of which nobody knows
// the exam, and another answer.
func TestAColleagueGoesOnWithABatch(t *testing.T) {
	t.Parallel()
	d, anna := scanner(t, deskOptions{})
	boris := d.hire("boris", "Центр", "Борис Центров")
	d.scanning("118", 3)
	d.scanning("119", 2, numberedFrom(900))
	d.scanning("120", 1, numberedFrom(800))
	d.quietly()
	loose := func(name string, pages ...[]byte) {
		d.sends(anna, d.bound(name, pages...))
		d.presses(anna, "Это сканы сертификатов")
	}

	loose("разное.pdf", d.certificate("118-01"), d.certificate("118-02"), d.certificate("119-01"))
	question := anna.Last()
	d.tg.Note("a colleague finds it, and looks at what is against each exam")
	d.says(boris, "Мои задачи")
	d.presses(boris, "Выбрать экзамен · 02.03.2026, 3 стр.", "120 · 24.02.2026", "Назад", "Другой экзамен")
	d.says(boris, "119")
	d.presses(boris, "Назад", "118 · 24.02.2026 · 2 страницы")
	warning := boris.Last()
	d.presses(boris, "Всё равно")
	d.tg.Note("the sender answers second; the colleague taps twice")
	if err := boris.PressOld(warning.ID, warning.Buttons[0][0].Data); err != nil {
		t.Fatal(err)
	}
	d.settle()
	if err := anna.PressOld(question.ID, question.Buttons[0][0].Data); err != nil {
		t.Fatal(err)
	}
	d.settle()
	d.says(anna, "Мои задачи")
	d.tg.Note("two at once are listed; the sender works there no more")
	loose("первый.pdf", d.page(said{number: "24-10-40538-00000?-1"}), d.page(said{empty: true}))
	d.sends(boris, shot(d.page(said{number: "24-10-40538-00000?-1"})))
	d.presses(boris, "Это сканы сертификатов")
	d.says(boris, "Выбрать экзамен")
	d.presses(boris, "02.03.2026 · 1 стр. · Борис Центров", "118 · 24.02.2026", "Всё равно")
	d.presses(anna, "Другой экзамен")
	if _, err := d.store.Bun().NewRaw(`UPDATE memberships SET removed_at = now() WHERE person_id = ?`, d.actor(anna).PersonID).Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.says(anna, "118")
	d.says(boris, "Данные центра")
	d.presses(boris, "Сканы без экзамена (1)", "Другой экзамен")
	d.says(boris, "/cancel")
	d.presses(boris, "118 · 24.02.2026", "Всё равно")
	d.says(boris, "Сканы без экзамена")
	golden(t, "scan_batch_colleague", d.tg.Transcript())
}

// TestARepeatedBatchLeadsToWhatItRepeats sends a file twice whose pages wait for a
// person still.
func TestARepeatedBatchLeadsToWhatItRepeats(t *testing.T) {
	t.Parallel()
	d, anna := scanner(t, deskOptions{})
	d.scanning("118", 3)
	twice := d.bound("сканы.pdf", d.certificate("118-01"), d.smudged("118-02"), d.smudged("118-03"))
	d.quietly()

	d.says(anna, "Загрузить сканы")
	d.sends(anna, twice)
	d.tg.Note("the same once more")
	d.sends(anna, twice)
	d.presses(anna, "Нераспознанные (2)", "Не сертификат")
	golden(t, "scan_batch_repeat", d.tg.Transcript())
}

// TestABatchIsCancelled takes scans back while they are read, while their exam is
// asked for, and too late.
func TestABatchIsCancelled(t *testing.T) {
	t.Parallel()
	d, anna := scanner(t, deskOptions{})
	boris := d.hire("boris", "Центр", "Борис Центров")
	e := d.scanning("118", 2)
	d.scanning("119", 1, numberedFrom(900))
	wrong := d.bound("не те.pdf", d.certificate("118-01"), d.certificate("118-02"))
	d.quietly()

	d.tg.Note("nothing is read yet")
	d.says(anna, "Отменить пачку")
	d.tg.Note("while its pages are read; the first answer is no")
	d.says(anna, "Загрузить сканы · 118")
	d.hold()
	d.sendsSlowly(anna, wrong)
	card := anna.Last()
	press := func(words string) {
		t.Helper()
		if err := anna.Press(words); err != nil {
			t.Fatal(err)
		}
		d.tell()
	}
	press("Отменить пачку")
	press("Назад")
	press("Отменить пачку")
	asked := anna.Last()
	d.read(1)
	press("Да, отменить пачку")
	d.tg.Note("a second tap, and what still stands on the card")
	if err := anna.PressOld(asked.ID, asked.Buttons[0][0].Data); err != nil {
		t.Fatal(err)
	}
	d.tell()
	d.release()
	d.settle()
	anna.PressData("sbc:1:0")
	d.settle()
	d.says(anna, "Готово")
	if got := d.attached(e); strings.Join(got, "; ") != "118-01 none; 118-02 none" {
		t.Errorf("the scans are %q", got)
	}
	d.tg.Note("the same again is no repetition; then it is too late")
	d.says(anna, "Загрузить сканы · 118")
	d.sends(anna, wrong)
	d.presses(anna, "Готово")
	anna.PressData("sbx:2:0")
	d.settle()
	d.tg.Note("a colleague cancels what somebody has sent of two exams")
	d.sends(anna, d.bound("разное.pdf", d.page(said{number: "24-10-40538-00000?-1"})))
	d.presses(anna, "Это сканы сертификатов")
	question := anna.Last()
	d.says(boris, "Выбрать экзамен")
	d.presses(boris, "Отменить пачку", "Назад", "Отменить пачку", "Да, отменить пачку")
	if err := anna.PressOld(question.ID, question.Buttons[0][0].Data); err != nil {
		t.Fatal(err)
	}
	d.settle()
	golden(t, "scan_batch_cancel", d.tg.Transcript())
	if card.ID == asked.ID {
		t.Error("the question stands where the card is renewed")
	}
}

// TestTwoScanAtOnce has two employees send scans of one exam, some of them twice.
func TestTwoScanAtOnce(t *testing.T) {
	t.Parallel()
	d, anna := scanner(t, deskOptions{})
	boris := d.hire("boris", "Центр", "Борис Центров")
	e := d.scanning("118", 3)
	second := d.certificate("118-02")
	d.quietly()

	d.says(anna, "Загрузить сканы")
	d.says(boris, "Загрузить сканы")
	d.hold()
	d.sendsSlowly(anna, d.bound("Анна.pdf", d.certificate("118-01"), second))
	d.sendsSlowly(boris, d.bound("Борис.pdf", second, d.certificate("118-03")))
	d.read(2)
	d.release()
	d.work()
	d.settle()
	// Which of them came first is anybody's guess; that each certificate is loaded
	// once is not.
	if got := d.attached(e); strings.Contains(strings.Join(got, ";"), "none") || strings.Contains(strings.Join(got, ";"), "v2") {
		t.Errorf("the scans are %q", got)
	}
	text := d.tg.Transcript()
	if n := strings.Count(text, "Повторы: "); n != 1 {
		t.Errorf("%d duplicates are told of:\n%s", n, text)
	}
}

// TestABatchOutlivesACrash has everything die while pages are read.
func TestABatchOutlivesACrash(t *testing.T) {
	t.Parallel()
	d, anna := scanner(t, deskOptions{})
	e := d.scanning("118", 6)
	d.quietly()

	d.says(anna, "Загрузить сканы")
	d.hold()
	var pages [][]byte
	for n := range 6 {
		pages = append(pages, d.certificate(fmt.Sprintf("118-%02d", n+1)))
	}
	d.sendsSlowly(anna, d.bound("сканы.pdf", pages[:5]...))
	d.read(2)
	d.tg.Note("everything dies and begins anew")
	d.crash()
	d.settle()
	d.tg.Note("the conversation goes on")
	d.sends(anna, shot(pages[5]))
	d.presses(anna, "Готово")
	golden(t, "scan_batch_crash", d.tg.Transcript())
	if got := d.attached(e); strings.Contains(strings.Join(got, ";"), "none") || strings.Contains(strings.Join(got, ";"), "v2") {
		t.Errorf("the scans are %q", got)
	}
}

// TestFilesOverTheLimitAreRefusedAtOnce sends what the chat cannot fetch.
func TestFilesOverTheLimitAreRefusedAtOnce(t *testing.T) {
	t.Parallel()
	const most = 64 << 10
	d, anna := scanner(t, deskOptions{maxDownload: most})
	d.scanning("118", 2)
	chief := d.hire("chief", "Центр", "Вера Главная")
	d.hire("chief", "", "Вера Главная")
	big := emulator.Attachment{Name: "сто страниц.pdf", MIME: "application/pdf", Data: make([]byte, 3*most)}
	d.quietly()

	d.sends(anna, big)
	d.says(anna, "Загрузить сканы")
	d.sends(anna, big)
	d.sends(anna, d.bound("часть.pdf", d.certificate("118-01")))
	d.presses(anna, "Готово")
	d.tg.Note("beside a file that can be taken")
	d.sends(anna, d.bound("ещё часть.pdf", d.certificate("118-02")))
	d.sends(anna, big)
	d.presses(anna, "Отмена")
	d.tg.Note("whoever is an admin, too, hears how to lift the limit")
	d.sends(chief, big)
	golden(t, "scan_batch_over", d.tg.Transcript())
}

// TestLooseFilesFindTheirPurpose sends single files that nobody has asked for: to
// an application, to a protocol, to nothing.
func TestLooseFilesFindTheirPurpose(t *testing.T) {
	t.Parallel()
	d, anna := scanner(t, deskOptions{})
	d.exam("Центр", "125", "2026-02-25", 1, passed)
	d.scanning("118", 2)
	d.scanning("119", 1, func(_ int, a *service.Application) { a.RegistrationNumber = "24-10-40538-000901-1" })
	d.quietly()

	d.sends(anna, d.screenshot("скан.png", 41))
	d.presses(anna, "Сертификат одной заявки")
	d.says(anna, "нет такой")
	d.says(anna, "118-02")
	d.presses(anna, "Назад", "Сертификат одной заявки", "Сертификат заявки · 118-02")
	d.says(anna, "4815162342002")
	d.presses(anna, "Верно", "Верно", "Готово", "Загрузить", "Да, верно")
	d.tg.Note("a protocol")
	d.sends(anna, d.journal("протокол.pdf"))
	card := anna.Last()
	d.presses(anna, "Это протокол · 125")
	d.says(anna, "316/26")
	d.says(anna, "25.02.2026")
	d.presses(anna, "Готово")
	d.tg.Note("an old button")
	if err := anna.PressOld(card.ID, card.Buttons[0][0].Data); err != nil {
		t.Fatal(err)
	}
	d.settle()
	d.tg.Note("nothing of it after all")
	d.sends(anna, d.journal("не то.pdf"))
	d.says(anna, "что?")
	d.presses(anna, "Отмена")
	golden(t, "scan_loose", d.tg.Transcript())
}

// TestALooseBatchOfSomebodyInTwoCenters asks once in which of them.
func TestALooseBatchOfSomebodyInTwoCenters(t *testing.T) {
	t.Parallel()
	d, anna := scanner(t, deskOptions{})
	second, err := d.people.AddOrg(t.Context(), service.CommandLine, service.NewOrg{Kind: service.OrgCenter, Name: "Второй центр"})
	if err != nil {
		t.Fatal(err)
	}
	d.orgs["Второй центр"] = second
	d.hire("center", "Второй центр", "Анна Центрова")
	d.scanning("118", 2)
	d.quietly()

	d.sends(anna, d.bound("скан.pdf", d.certificate("118-01")))
	d.presses(anna, "Это сканы сертификатов")
	card := anna.Last()
	d.presses(anna, "Центр")
	d.tg.Note("the other center has none that waits")
	anna.PressData("sbs:" + strconv.FormatInt(second.ID, 36) + ":0")
	d.settle()
	if err := anna.PressOld(card.ID, card.Buttons[1][0].Data); err != nil {
		t.Fatal(err)
	}
	d.settle()
	golden(t, "scan_batch_centers", d.tg.Transcript())
}

// TestAnAlbumOfPhotosIsOneBatch sends albums: out of the blue, and into the
// conversation, which is cancelled while they are read.
func TestAnAlbumOfPhotosIsOneBatch(t *testing.T) {
	t.Parallel()
	d, anna := scanner(t, deskOptions{})
	e := d.scanning("118", 5)
	d.quietly()

	d.sends(anna, shot(d.certificate("118-01")), shot(d.certificate("118-02")), shot(d.certificate("118-03")))
	d.presses(anna, "Это сканы сертификатов")
	d.tg.Note("into the conversation")
	d.says(anna, "Загрузить сканы")
	d.hold()
	anna.SendAlbum(shot(d.certificate("118-04")), shot(d.certificate("118-05")))
	d.tell()
	if err := anna.Press("Отмена"); err != nil {
		t.Fatal(err)
	}
	d.tell()
	anna.Say("Готово")
	d.tell()
	d.release()
	d.settle()
	golden(t, "scan_batch_album", d.tg.Transcript())
	if got := d.attached(e); strings.Contains(strings.Join(got, ";"), "none") {
		t.Errorf("the scans are %q", got)
	}
}

// TestTheReportOfALargeBatchIsOneMessage has everything in it that can be long.
func TestTheReportOfALargeBatchIsOneMessage(t *testing.T) {
	t.Parallel()
	texts, err := templates.Load("ru")
	if err != nil {
		t.Fatal(err)
	}
	name := func(n int) string { return strings.Repeat("<скан & копия> ", 17) + strconv.Itoa(n) + ".pdf" }
	v := &service.BatchView{Exam: &service.Exam{Number: "118"}, Found: 1500, Successful: 500, More: 480}
	for n := range 100 {
		f := service.ScanFile{Name: name(n), Pages: 15}
		v.Files = append(v.Files, f)
		f.State, f.Words = service.ScanFileRefused, strings.Repeat("ы", 150)
		v.Refused = append(v.Refused, f)
	}
	for range 20 {
		v.Missing = append(v.Missing, service.Application{
			LastName: strings.Repeat("Ж", 40), FirstName: strings.Repeat("Ж", 20), Number: "24-118-001234",
		})
	}
	v.TakenOff = v.Missing
	for _, rule := range []service.MatchRule{
		service.MatchEmpty, service.PageRuleDuplicate, service.PageRuleUnreadable, service.PageRuleNotEntitled, service.PageRuleNoScan, service.PageRuleRescan,
	} {
		g := service.AsideGroup{Rule: rule}
		for n := range 100 { // the empty backs of sheets
			g.Pages = append(g.Pages, service.PagePlace{File: name(n / 50), Number: 2 * (n%50 + 1), Of: 100})
		}
		v.AsideBy = append(v.AsideBy, g)
	}
	for _, rule := range []service.MatchRule{service.PageRuleNotScan, service.PageRuleNested, service.PageRuleLocked} {
		g := service.AsideGroup{Rule: rule}
		for n := range 500 {
			g.Pages = append(g.Pages, service.PagePlace{File: name(0), Name: name(n), Number: 1, Of: 1})
		}
		v.EntriesBy = append(v.EntriesBy, g)
	}
	v.After, v.Sender, v.ChosenBy = &service.ScanBatch{CreatedAt: time.Now()}, strings.Repeat("Ж", 60), strings.Repeat("Ж", 60)
	v.Repeats = v.AsideBy[1].Pages
	words, err := texts.HTML("scans_report", bot.ReportScreen(v))
	if err != nil {
		t.Fatal(err)
	}
	plain := templates.Plain(words)
	if n := len(utf16.Encode([]rune(plain))); n > chat.MaxText {
		t.Errorf("%d letters in\n%s", n, plain)
	}
	for _, want := range []string{"и ещё 480", "Файл с паролем, пришлите его без пароля: 500", "стр. 2, 4, 6, 8, 10, 12, 14, 16, 18, 20 и ещё 40 файла «<скан & копия>", "Не принято ещё файлов: 97."} {
		if !strings.Contains(plain, want) {
			t.Errorf("no %q in\n%s", want, plain)
		}
	}
}

// TestScansAreReachedByWords types what stands on buttons, with a number and
// without, as somebody who may and as somebody who may not.
func TestScansAreReachedByWords(t *testing.T) {
	t.Parallel()
	d, anna := scanner(t, deskOptions{})
	d.scanning("118", 3)
	d.scanning("119", 1, func(_ int, a *service.Application) { a.RegistrationNumber = "24-10-40538-000901-1" })
	d.linked("candidate", "118-01")
	partner := d.hire("partner", "Юг", "Ольга Петрова")
	admin := d.hire("admin", "", "Ада Админова")
	d.scansOf(anna, &service.Exam{Number: "118"}, d.certificate("118-01"), d.smudged("118-02"))
	d.quietly()

	for _, words := range []string{
		"Загрузить сканы", "Загрузить сканы · 118", "Нераспознанные", "Нераспознанные · 118", "нераспознанные 119", "Выдать сейчас",
		"Выдать сейчас · 118", "Приостановить · 118", "Приостановить · 118", "Выдать сейчас · 118", "Возобновить выдачу · 118",
		"Загрузить сканы · 999",
	} {
		d.says(anna, words)
	}
	d.tg.Note("none of it is a partner's")
	for _, words := range []string{"Загрузить сканы · 118", "Нераспознанные", "Выдать сейчас · 118", "Приостановить"} {
		d.says(partner, words)
	}
	d.tg.Note("nor an admin's")
	d.says(admin, "Загрузить сканы")
	d.says(admin, "Нераспознанные · 118")
	golden(t, "scan_words", d.tg.Transcript())
}
