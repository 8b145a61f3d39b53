package bot_test

import (
	"testing"
	"time"

	"flowbot/bot/emulator"
	"flowbot/service"
)

// TestALargeFileGoesThroughThePage is read best as testdata/upload_link.golden.
// What happens at the page itself is told by the tests of web.
func TestALargeFileGoesThroughThePage(t *testing.T) {
	t.Parallel()
	const most = 64 << 10
	d, anna := scanner(t, deskOptions{maxDownload: most, publicURL: "https://bot.example.org/"})
	d.scanning("118", 2)
	other, err := d.people.AddOrg(t.Context(), service.CommandLine, service.NewOrg{Kind: service.OrgCenter, Name: "Другой центр"})
	if err != nil {
		t.Fatal(err)
	}
	d.orgs[other.Name] = other
	boris := d.hire("boris", other.Name, "Борис Центров")
	big := emulator.Attachment{Name: "сто страниц.pdf", MIME: "application/pdf", Data: make([]byte, 3*most)}
	d.quietly()

	d.sends(anna, big)
	_, data := button(t, anna, "Загрузить через страницу")
	d.presses(anna, "Загрузить через страницу")
	d.tg.Note("into the conversation: files of the chat go on beside the page")
	d.says(anna, "Загрузить сканы")
	d.sends(anna, big)
	d.presses(anna, "Загрузить через страницу")
	d.sends(anna, d.bound("часть.pdf", d.certificate("118-01")))
	d.says(anna, "Готово")
	d.tg.Note("by its words, and by somebody of another centre")
	d.says(anna, "Загрузить через страницу · 118")
	d.says(boris, "Загрузить через страницу · 118")
	d.pressesOld(boris, boris.Last().ID, data)
	d.tg.Note("several exams wait, one of them for its numbers")
	d.scanning("119", 1, func(_ int, a *service.Application) { a.RegistrationNumber = "24-10-40538-000901-1" })
	d.exam("Центр", "120", "2026-02-24", 1)
	d.sends(anna, big)
	d.presses(anna, "119")
	d.presses(anna, "Отмена")
	d.says(anna, "Загрузить через страницу · 120")
	d.says(anna, "Загрузить через страницу")
	golden(t, "upload_link", d.tg.Transcript())
}

// TestWithoutAPageForLargeFilesItsWordsSaySo types the words of a button that is
// not shown.
func TestWithoutAPageForLargeFilesItsWordsSaySo(t *testing.T) {
	t.Parallel()
	d, anna := scanner(t, deskOptions{})
	d.quietly()
	d.says(anna, "Загрузить через страницу")
	golden(t, "upload_link_none", d.tg.Transcript())
}

// TestScansAtNight has a batch come when candidates sleep.
func TestScansAtNight(t *testing.T) {
	t.Parallel()
	d, anna := scanner(t, deskOptions{})
	d.scanning("118", 2)
	d.linked("candidate", "118-01")
	d.pass(10*time.Hour, "late in the evening")
	d.quietly()

	d.says(anna, "Загрузить сканы · 118")
	d.sends(anna, d.bound("сканы.pdf", d.certificate("118-01"), d.certificate("118-02")))
	d.presses(anna, "Выдать сейчас", "Да, выдать сейчас")
	d.pass(deliveryHold, "the hold is over, the night is not")
	d.settle()
	d.pass(11*time.Hour, "in the morning")
	d.settle()
	golden(t, "delivery_night", d.tg.Transcript())
}

// TestSomebodyOfAPartnerAndOfACenterSendsScans has nobody wait for a journal.
func TestSomebodyOfAPartnerAndOfACenterSendsScans(t *testing.T) {
	t.Parallel()
	d, anna := scanner(t, deskOptions{})
	d.hire("center", "Юг", "Анна Центрова")
	d.scanning("118", 2)
	d.quietly()

	d.says(anna, "/menu")
	d.sends(anna, shot(d.certificate("118-01")), shot(d.certificate("118-02")))
	d.presses(anna, "Это сканы сертификатов")
	golden(t, "scan_batch_roles", d.tg.Transcript())
}
