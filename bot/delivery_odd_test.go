package bot_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flowbot/bot/emulator"
	"flowbot/service"
)

// TestNamesakesGetTheirOwnScans is read best as
// testdata/delivery_namesakes.golden.
func TestNamesakesGetTheirOwnScans(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	d.centerFilled(anna)
	e := d.scanning("77", 3, ofTheirTelegram, func(n int, a *service.Application) {
		if n < 3 {
			a.LastName, a.LastNameLatin = "Каримов", "KARIMOV"
		}
	})
	first, second := d.abroad("first", "en", "+1"), d.abroad("second", "en", "+2")
	d.joined(first, "77-01")
	d.joined(second, "77-02")
	d.scanned(anna, e, d.smudged("77-01"), d.certificate("77-02"))

	d.says(anna, "Нераспознанные · 77")
	d.presses(anna, "Другой")
	d.says(anna, "каримов")
	d.presses(anna, "Каримов А. Р. · …0001-1")
	d.pass(deliveryHold, "the hold is over")
	d.settle()
	if scansOf(first) != 1 || scansOf(second) != 1 {
		t.Errorf("%d and %d scans came, want one each", scansOf(first), scansOf(second))
	}
	golden(t, "delivery_namesakes", d.tg.Transcript())
}

// TestWhoSatTwoExamsGetsBothScans is read best as
// testdata/delivery_two_exams.golden.
func TestWhoSatTwoExamsGetsBothScans(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	same := func(number string) func(int, *service.Application) {
		return func(_ int, a *service.Application) { a.Language, a.RegistrationNumber = "", number }
	}
	d.approved(d.exam("Центр", "77", "2026-02-24", 1, registered, same("24-10-40538-000771-1")))
	d.approved(d.exam("Центр", "78", "2026-02-25", 1, registered, same("24-10-40538-000781-1")))
	ali := d.abroad("ali", "en", "+1")
	d.joined(ali, "77-01")
	d.joined(ali, "78-01")
	d.loaded(anna, "77-01", "1000000000001")
	d.loaded(anna, "78-01", "1000000000002")
	d.quietly()
	d.tg.Note("the connection breaks while the second of the two is on its way")
	d.pass(deliveryHold, "the hold of both is over")
	d.tg.Inject(emulator.Fault{Method: "sendDocument", Chat: ali.ID(), Skip: 1, Drop: emulator.DropAfter})
	d.sendsAll()
	d.log.Reset() // it has told of the one that was lost
	d.settle()
	d.says(anna, "Заявка 77-01")
	d.says(anna, "Заявка 78-01")
	d.presses(anna, "Считать полученным", "Да, считать полученным")
	d.says(anna, "Заявка 77-01")
	d.presses(anna, "Отозвать скан", "Да, отозвать")
	d.says(ali, "/menu")
	d.presses(ali, "My certificate")
	if scansOf(ali) != 1 {
		t.Errorf("%d scans are left, want that of the other exam", scansOf(ali))
	}
	golden(t, "delivery_two_exams", d.tg.Transcript())
}

// TestOneGivesAndOnePauses is read best as testdata/delivery_give_paused.golden.
func TestOneGivesAndOnePauses(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna, boris := d.hire("center", "Центр", "Анна Центрова"), d.hire("center2", "Центр", "Борис Центров")
	d.approved(d.exam("Центр", "77", "2026-02-24", 2, registered, ofTheirTelegram))
	ali := d.abroad("ali", "en", "+1")
	d.joined(ali, "77-01")
	d.loaded(anna, "77-01", "1000000000001")
	d.supported("77-01")
	d.quietly()

	d.says(anna, "Выдать сейчас · 77")
	d.says(boris, "Приостановить · 77")
	d.presses(anna, "Да, выдать сейчас")
	d.pass(deliveryHold, "the hold is over, too")
	d.settle()
	if n := scansOf(ali); n != 0 {
		t.Errorf("%d scans came out of a paused exam", n)
	}
	d.says(anna, "Заявка 77-01")
	d.says(anna, "Возобновить выдачу · 77")
	if n := scansOf(ali); n != 1 {
		t.Errorf("%d scans came once it was resumed", n)
	}
	golden(t, "delivery_give_paused", d.tg.Transcript())
}

// TestWhoIsUnlinkedFirstIsToldOfTheRecall is read best as
// testdata/delivery_unlinked_recalled.golden.
func TestWhoIsUnlinkedFirstIsToldOfTheRecall(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	d.approved(d.exam("Центр", "77", "2026-02-24", 1, registered, ofTheirTelegram))
	wrong, right := d.abroad("wrong", "uz", "+1"), d.abroad("right", "en", "+2")
	d.joined(wrong, "77-01")
	d.loaded(anna, "77-01", "1000000000001")
	d.pass(deliveryHold, "the hold is over")
	d.quietly()

	d.says(anna, "Заявка 77-01")
	d.presses(anna, "Отвязать", "Да, отвязать")
	d.pass(time.Hour, "the right candidate comes before the wrong copy is recalled")
	d.comes(right, d.slip("77-01"), "77-01")
	d.says(anna, "Заявка 77-01")
	d.presses(anna, "Отозвать скан")
	d.presses(anna, anna.Last().Buttons[1][0].Label) // the earlier of the two copies
	if scansOf(wrong) != 0 || scansOf(right) != 1 {
		t.Errorf("%d scans in the wrong chat, %d in the right one", scansOf(wrong), scansOf(right))
	}
	var told []string
	if err := d.store.Bun().NewRaw(`SELECT state FROM notices WHERE kind = 'withdrawn'`).Scan(t.Context(), &told); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"sent"}, told); diff != "" {
		t.Errorf("what the wrong chat was told (-want +got):\n%s", diff)
	}
	golden(t, "delivery_unlinked_recalled", d.tg.Transcript())
}

// TestWhatIsSentAtNightSaysWhenItGoes is read best as testdata/delivery_again_at_night.golden.
func TestWhatIsSentAtNightSaysWhenItGoes(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	d.approved(d.exam("Центр", "77", "2026-02-24", 2, registered, ofTheirTelegram))
	ali, olim := d.abroad("ali", "en", "+1"), d.abroad("olim", "en", "+2")
	d.joined(ali, "77-01")
	d.joined(olim, "77-02")
	d.loaded(anna, "77-01", "1000000000001")
	d.pass(deliveryHold, "the hold is over")
	d.settle()
	d.says(anna, "Заявка 77-01")
	d.presses(anna, "Отозвать скан", "Да, отозвать")
	d.at = time.Date(2026, 3, 2, 17, 58, 0, 0, time.UTC)
	d.quietly()
	d.loaded(anna, "77-02", "1000000000002")
	d.tg.Note("two minutes before the night; the hold of the second scan ends in it")
	d.says(anna, "Заявка 77-02")
	d.says(anna, "Сдающие · 77")
	d.pass(time.Hour, "it is night")
	d.says(anna, "Заявка 77-01")
	d.presses(anna, "Отправить снова", "Да, отправить снова")
	d.says(anna, "Заявка 77-02")
	d.says(anna, "Сдающие · 77")
	if scansOf(ali) != 0 || scansOf(olim) != 0 {
		t.Errorf("at night %d and %d scans came", scansOf(ali), scansOf(olim))
	}
	d.at = time.Date(2026, 3, 3, 6, 0, 0, 0, time.UTC)
	d.tg.Note("09:00 in Moscow")
	d.settle()
	if scansOf(ali) != 1 || scansOf(olim) != 1 {
		t.Errorf("in the morning %d and %d scans came", scansOf(ali), scansOf(olim))
	}
	golden(t, "delivery_again_at_night", d.tg.Transcript())
}
