package bot_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flowbot/bot/emulator"
	"flowbot/bot/post"
	"flowbot/service"
)

// supported says of the loaded scans of applications that readings of the machine
// support whose they are.
func (d *desk) supported(numbers ...string) {
	d.t.Helper()
	for _, number := range numbers {
		_, err := d.store.Bun().NewRaw(`UPDATE scans SET supported = true WHERE id = ?`, d.application(number).ScanID).Exec(d.t.Context())
		if err != nil {
			d.t.Fatal(err)
		}
	}
}

// scansOf counts the documents that stand in a chat.
func scansOf(p *emulator.Phone) int {
	n := 0
	for _, m := range p.Messages() {
		if m.Bot && m.File != nil {
			n++
		}
	}
	return n
}

// button finds a button of the newest message.
func button(t *testing.T, p *emulator.Phone, label string) (under int, data string) {
	t.Helper()
	for _, row := range p.Last().Buttons {
		for _, b := range row {
			if b.Label == label {
				return p.Last().ID, b.Data
			}
		}
	}
	t.Fatalf("no %q among %q", label, p.Last().Labels())
	return 0, ""
}

// pressesOld presses what a message once showed.
func (d *desk) pressesOld(p *emulator.Phone, under int, data string) {
	d.t.Helper()
	if err := p.PressOld(under, data); err != nil {
		d.t.Fatal(err)
	}
	d.settle()
}

// gatedMessages takes messages back between updates.
type gatedMessages struct {
	post.Messages
	desk *desk
}

// Withdraw implements service.ChatMessages.
func (m gatedMessages) Withdraw(ctx context.Context, telegramID, messageID int64) (service.RecallState, error) {
	m.desk.passGate()
	return m.Messages.Withdraw(ctx, telegramID, messageID)
}

// ofTheirTelegram leaves the language of a candidate to their telephone.
func ofTheirTelegram(_ int, a *service.Application) { a.Language = "" }

// TestTheDeliveriesOfAnExamArePaused is read best as
// testdata/delivery_paused.golden.
func TestTheDeliveriesOfAnExamArePaused(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna, boris := d.hire("center", "Центр", "Анна Центрова"), d.hire("center2", "Центр", "Борис Центров")
	d.approved(d.exam("Центр", "77", "2026-02-24", 3, registered, ofTheirTelegram))
	ali, late := d.abroad("ali", "uz", "+1"), d.abroad("late", "en", "+2")
	d.joined(ali, "77-01")
	slip := d.slip("77-02")
	d.loaded(anna, "77-01", "1000000000001")
	d.loaded(anna, "77-02", "1000000000002")
	d.quietly()

	d.says(boris, "Экзамен 77")
	d.presses(boris, "Сдающие")
	d.says(anna, "Экзамен 77")
	d.presses(anna, "Сдающие")
	under, data := button(t, anna, "Приостановить")
	d.presses(anna, "Приостановить")
	d.pressesOld(anna, under, data) // a double tap
	d.presses(boris, "Приостановить")
	d.pass(deliveryHold, "the hold is over")
	d.settle()
	d.says(ali, "/menu")
	d.presses(ali, "Mening sertifikatim")
	d.comes(late, slip, "77-02")
	d.says(anna, "Выдать сейчас")
	d.says(anna, "Выдать сейчас · 77")
	if n := scansOf(ali) + scansOf(late); n != 0 {
		t.Errorf("%d scans went out of a paused exam", n)
	}
	d.says(anna, "Экзамен 77")
	d.presses(anna, "Сдающие", "Возобновить выдачу")
	d.presses(boris, "Сдающие")
	d.presses(anna, "Экзамен", "История")
	if scansOf(ali) != 1 || scansOf(late) != 1 {
		t.Errorf("after the pause %d and %d scans came", scansOf(ali), scansOf(late))
	}
	golden(t, "delivery_paused", d.tg.Transcript())
}

// TestScansGoOutBeforeTheirTime is read best as testdata/delivery_now.golden.
func TestScansGoOutBeforeTheirTime(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	d.approved(d.exam("Центр", "77", "2026-02-24", 5, registered, ofTheirTelegram))
	phones := map[string]*emulator.Phone{}
	for _, number := range []string{"77-01", "77-03", "77-04", "77-05"} {
		phones[number] = d.abroad("p"+number[3:], "en", "+"+number[3:])
		d.joined(phones[number], number)
	}
	for i, number := range []string{"77-01", "77-02", "77-03", "77-04"} {
		d.loaded(anna, number, "100000000000"+string(rune('1'+i)))
	}
	d.supported("77-01", "77-02", "77-04") // that of 77-03 was loaded by a person
	phones["77-04"].Block()
	d.quietly()

	d.says(anna, "Экзамен 77")
	d.presses(anna, "Сдающие", "Выдать сейчас (1)", "Назад", "Выдать сейчас (1)")
	d.loaded(anna, "77-05", "1000000000005")
	d.supported("77-05")
	d.tg.Note("meanwhile another scan comes")
	d.presses(anna, "Да, выдать сейчас")
	under, data := button(t, anna, "Да, выдать сейчас")
	d.presses(anna, "Да, выдать сейчас")
	d.pressesOld(anna, under, data) // a double tap
	d.says(anna, "Выдать сейчас · 77")
	for number, want := range map[string]int{"77-01": 1, "77-03": 0, "77-04": 0, "77-05": 1} {
		if got := scansOf(phones[number]); got != want {
			t.Errorf("%s has %d scans, want %d", number, got, want)
		}
	}
	late := d.abroad("late", "en", "+9")
	d.comes(late, d.slip("77-02"), "77-02")
	if scansOf(late) != 1 {
		t.Error("who came after «Выдать сейчас» has to wait")
	}
	d.pass(deliveryHold, "the hold is over")
	d.settle()
	if scansOf(phones["77-03"]) != 1 {
		t.Error("what kept its hold did not come after it")
	}
	phones["77-04"].Unblock()
	d.settle()
	if scansOf(phones["77-04"]) != 1 {
		t.Error("who unblocked the bot has nothing")
	}
	d.says(anna, "Экзамен 77")
	d.presses(anna, "История")
	golden(t, "delivery_now", d.tg.Transcript())
}

// TestOnlyExamsForWhichItCanBeDoneAreOffered is read best as
// testdata/delivery_typed.golden.
func TestOnlyExamsForWhichItCanBeDoneAreOffered(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	for i, number := range []string{"71", "72", "73", "74", "75"} {
		d.approved(d.exam("Центр", number, fmt.Sprintf("2026-02-2%d", i+1), 1, registered, ofTheirTelegram, func(_ int, a *service.Application) {
			a.RegistrationNumber = fmt.Sprintf("24-10-40538-0009%02d-1", i)
		}))
	}
	for typed, want := range map[string]string{
		"Выдать сейчас":      "Сейчас нет сканов, которые можно выдать раньше срока.",
		"Приостановить":      "Сейчас ни один скан не ждёт отправки: приостанавливать нечего.",
		"Возобновить выдачу": "Выдача сканов нигде не приостановлена.",
	} {
		d.says(anna, typed)
		if got := anna.Last().Text; got != want {
			t.Errorf("%s: %q, want %q", typed, got, want)
		}
	}
	for i, number := range []string{"71", "72", "73", "74"} {
		if number != "73" { // whose candidate did not come yet
			d.joined(d.abroad("p"+number, "en", "+"+number), number+"-01")
		}
		d.loaded(anna, number+"-01", fmt.Sprintf("100000000000%d", i))
	}
	d.supported("71-01", "73-01", "74-01") // that of 72 was loaded by a person
	d.tg.Note("71 can go, 72 waits for its hold, 73 for its candidate, 74 can go, 75 has nothing")
	d.says(anna, "Выдать сейчас")
	d.says(anna, "Выдать сейчас · 72")
	d.says(anna, "Приостановить")
	d.presses(anna, "74 · 24.02.2026")
	d.says(anna, "Приостановить · 71")
	d.says(anna, "Выдать сейчас")
	d.says(anna, "Приостановить")
	d.says(anna, "Возобновить выдачу")
	d.presses(anna, "74 · 24.02.2026")
	d.says(anna, "Возобновить выдачу")
	d.says(anna, "Выдать сейчас")
	golden(t, "delivery_typed", d.tg.Transcript())
}

// TestAScanWaitsForAQuestionOfAnotherExam is read best as
// testdata/delivery_questioned.golden.
func TestAScanWaitsForAQuestionOfAnotherExam(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	d.centerFilled(anna)
	wrong := d.scanning("312", 1)
	e := d.scanning("313", 2, ofTheirTelegram, func(n int, a *service.Application) { a.RegistrationNumber = fmt.Sprintf("24-10-40538-00090%d-1", n) })
	ali := d.abroad("ali", "en", "+1")
	d.joined(ali, "313-01")
	d.scanned(anna, wrong, d.page(said{number: d.application("313-01").RegistrationNumber}))
	d.scanned(anna, e, d.certificate("313-01"), d.certificate("313-02"))

	d.says(anna, "Заявка 313-01")
	d.says(anna, "Выдать сейчас · 313")
	d.presses(anna, "Сдающие")
	d.pass(deliveryHold, "the hold is over")
	d.settle()
	if n := scansOf(ali); n != 0 {
		t.Errorf("%d scans came that a question contradicts", n)
	}
	d.presses(anna, "Нераспознанные · 312", "Не сертификат")
	if n := scansOf(ali); n != 1 {
		t.Errorf("%d scans came once it was answered", n)
	}
	golden(t, "delivery_questioned", d.tg.Transcript())
}

// TestALostDeliveryWaitsForAPerson is read best as testdata/delivery_lost.golden.
func TestALostDeliveryWaitsForAPerson(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna, boris := d.hire("center", "Центр", "Анна Центрова"), d.hire("center2", "Центр", "Борис Центров")
	d.hire("admin", "", "Ада Админова")
	d.approved(d.exam("Центр", "77", "2026-02-24", 1, registered, ofTheirTelegram))
	ali := d.abroad("ali", "az", "+1")
	d.joined(ali, "77-01")
	d.loaded(anna, "77-01", "1000000000001")
	d.loses(ali)
	d.says(anna, "Экзамен 77")
	d.presses(anna, "Сдающие", "Каримов01 Алишер · 77-01")
	d.tg.Note("Борис пробует отозвать: кнопка осталась от прежней отправки.")
	boris.PressData(fmt.Sprintf("dlc:%d:0", d.application("77-01").ID))
	d.settle()
	d.presses(boris, "Назад")
	d.presses(anna, "Считать неотправленным")
	under, data := button(t, boris, "Считать полученным")
	d.pressesOld(boris, under, data)                                   // of what is decided nothing is asked
	d.pressesOld(boris, under, strings.Replace(data, "dle", "dlg", 1)) // a colleague decides otherwise, too late
	d.presses(anna, "Назад", "Отправить снова", "Да, отправить снова")
	if scansOf(ali) != 2 || d.application("77-01").DeliveredAt == nil {
		t.Errorf("%d scans came", scansOf(ali))
	}
	d.says(anna, "Заявка 77-01")
	d.presses(anna, "История")
	golden(t, "delivery_lost", d.tg.Transcript())
}

// TestALostDeliveryHasArrived is read best as testdata/delivery_lost_arrived.golden.
func TestALostDeliveryHasArrived(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	d.hire("admin", "", "Ада Админова")
	d.approved(d.exam("Центр", "77", "2026-02-24", 1, registered, ofTheirTelegram))
	ali := d.abroad("ali", "az", "+1")
	d.joined(ali, "77-01")
	d.loaded(anna, "77-01", "1000000000001")
	d.loses(ali)
	d.says(anna, "Заявка 77-01")
	d.presses(anna, "Считать полученным", "Назад", "Считать полученным")
	under, data := button(t, anna, "Да, считать полученным")
	d.presses(anna, "Да, считать полученным")
	d.pressesOld(anna, under, data) // a double tap
	d.tg.Note("Анна хочет отозвать и это сообщение.")
	anna.PressData(fmt.Sprintf("dlc:%d:0", d.application("77-01").ID))
	d.settle()
	d.says(anna, "Сдающие")
	golden(t, "delivery_lost_arrived", d.tg.Transcript())
}

// loses has the scan of a candidate, whose hold ends, leave without an answer.
func (d *desk) loses(to *emulator.Phone) {
	d.t.Helper()
	d.quietly()
	d.tg.Inject(emulator.Fault{Method: "sendDocument", Chat: to.ID(), Drop: emulator.DropAfter})
	d.pass(deliveryHold, "the hold is over; the connection breaks after the scan has left")
	if _, err := d.sender.SendAll(d.t.Context()); err != nil {
		d.t.Fatal(err)
	}
	d.log.Reset() // it has told of the one that was lost
	d.settle()
}

// TestAReplacedScanGoesOutAsCorrected is read best as
// testdata/delivery_corrected.golden.
func TestAReplacedScanGoesOutAsCorrected(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	d.approved(d.exam("Центр", "77", "2026-02-24", 2, registered, ofTheirTelegram))
	had, hadNot := d.abroad("had", "en", "+1"), d.abroad("had_not", "en", "+2")
	d.joined(had, "77-01")
	d.joined(hadNot, "77-02")
	d.loaded(anna, "77-01", "1000000000001")
	d.pass(deliveryHold, "the hold is over")
	d.settle()
	d.loaded(anna, "77-02", "1000000000002")
	d.tg.Note("both scans are replaced")
	d.loaded(anna, "77-01", "1000000000003")
	d.loaded(anna, "77-02", "1000000000004")
	d.pass(deliveryHold, "their hold is over too")
	d.settle()
	if scansOf(had) != 2 || scansOf(hadNot) != 1 {
		t.Errorf("%d and %d scans came, want 2 and 1", scansOf(had), scansOf(hadNot))
	}
	golden(t, "delivery_corrected", d.tg.Transcript())
}

// TestAScanIsRecalledFromAWrongChat is read best as
// testdata/delivery_recalled.golden.
func TestAScanIsRecalledFromAWrongChat(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna, boris := d.hire("center", "Центр", "Анна Центрова"), d.hire("center2", "Центр", "Борис Центров")
	d.hire("admin", "", "Ада Админова")
	d.approved(d.exam("Центр", "77", "2026-02-24", 2, registered, ofTheirTelegram))
	wrong, right := d.abroad("wrong", "en", "+1"), d.abroad("right", "en", "+2")
	d.joined(wrong, "77-01")
	d.loaded(anna, "77-01", "1000000000001")
	d.pass(deliveryHold, "the hold is over")
	d.settle()
	d.says(wrong, "/menu")
	d.presses(wrong, "My certificate", "Get the copy · 77-01")
	if scansOf(wrong) != 2 {
		t.Fatalf("%d scans came", scansOf(wrong))
	}
	d.says(boris, "Заявка 77-01")
	d.presses(boris, "Отозвать скан")
	d.says(anna, "Заявка 77-01")
	d.presses(anna, "Отозвать скан", "Назад", "Отозвать скан")
	under, data := button(t, anna, "Да, отозвать")
	d.presses(anna, "Да, отозвать")
	d.pressesOld(anna, under, data) // a double tap
	d.presses(boris, "Да, отозвать")
	if scansOf(wrong) != 0 {
		t.Errorf("%d scans are left", scansOf(wrong))
	}
	d.says(wrong, "/menu")
	d.presses(wrong, "My certificate")
	d.pass(time.Hour, "nothing goes to that person again by itself")
	d.settle()
	d.presses(anna, "Отвязать", "Да, отвязать")
	d.comes(right, d.slip("77-01"), "77-01")
	d.pass(time.Hour, "nor to who is linked now")
	d.settle()
	if scansOf(wrong) != 0 || scansOf(right) != 0 {
		t.Errorf("%d scans in the wrong chat, %d in the right one before anybody has decided", scansOf(wrong), scansOf(right))
	}
	d.says(anna, "Экзамен 77")
	d.presses(anna, "Сдающие", "Каримов01 Алишер · 77-01", "Отправить снова", "Да, отправить снова")
	if scansOf(wrong) != 0 || scansOf(right) != 1 {
		t.Errorf("%d scans in the wrong chat, %d in the right one", scansOf(wrong), scansOf(right))
	}
	d.says(anna, "Заявка 77-01")
	d.presses(anna, "История")
	golden(t, "delivery_recalled", d.tg.Transcript())
}

// TestARecallCanFail is read best as testdata/delivery_recall_fails.golden.
func TestARecallCanFail(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	d.approved(d.exam("Центр", "77", "2026-02-24", 3, registered, ofTheirTelegram))
	phones := map[string]*emulator.Phone{}
	for i, number := range []string{"77-01", "77-02", "77-03"} {
		phones[number] = d.abroad("p"+number[3:], "en", "+"+number[3:])
		d.joined(phones[number], number)
		d.loaded(anna, number, "100000000000"+string(rune('1'+i)))
	}
	d.at = d.at.Add(deliveryHold)
	d.quietly()

	d.tg.Note("no answer comes to the deletion")
	d.tg.Inject(emulator.Fault{Method: "deleteMessage", Chat: phones["77-01"].ID(), Drop: emulator.DropAfter})
	d.says(anna, "Заявка 77-01")
	d.presses(anna, "Отозвать скан", "Да, отозвать")
	d.says(anna, "Заявка 77-01")

	d.tg.Note("the recipient has deleted the message")
	for _, m := range phones["77-02"].Messages() {
		if m.File != nil {
			if err := d.client.Delete(t.Context(), phones["77-02"].ID(), m.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
	d.says(anna, "Заявка 77-02")
	d.presses(anna, "Отозвать скан", "Да, отозвать")

	d.says(anna, "Заявка 77-03")
	d.presses(anna, "Отозвать скан")
	d.pass(49*time.Hour, "two days later")
	d.presses(anna, "Да, отозвать")
	d.says(anna, "Заявка 77-03")
	for number, want := range map[string]service.RecallState{
		"77-01": service.RecallUnknown, "77-02": service.RecallFailed, "77-03": service.RecallNone,
	} {
		list, err := d.store.DeliveriesOf(t.Context(), d.application(number).ID, 10)
		if err != nil || len(list) != 1 || list[0].Recall != want {
			t.Errorf("%s: %+v, %v; want %q", number, list, err, want)
		}
	}
	golden(t, "delivery_recall_fails", d.tg.Transcript())
}

// TestALostDeliveryIsNotRepeated loses the sender while a scan is on its way, and
// its candidate comes back meanwhile, which asks for what was missed.
func TestALostDeliveryIsNotRepeated(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna, ada := d.hire("center", "Центр", "Анна Центрова"), d.hire("admin", "", "Ада Админова")
	d.approved(d.exam("Центр", "77", "2026-02-24", 1, registered))
	ali := d.abroad("ali", "uz", "+1")
	d.joined(ali, "77-01")
	d.loaded(anna, "77-01", "1000000000001")
	d.quietly()
	d.at = d.at.Add(deliveryHold)

	batches, err := d.store.ClaimNotices(t.Context(), d.at, 10, time.Minute)
	if err != nil || len(batches) != 1 || batches[0].Kind != "delivery" {
		t.Fatalf("claimed %+v: %v", batches, err)
	}
	if ours, err := d.store.NoticesLeave(t.Context(), batches[0], d.at); !ours || err != nil {
		t.Fatalf("left: %v, %v", ours, err)
	}
	ali.Block()
	d.settle()
	ali.Unblock()
	d.settle()
	d.at = d.at.Add(2 * time.Minute)
	if _, err := d.sender.SendAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.log.Reset() // it has told of the one that was lost
	d.settle()

	for _, m := range ali.Messages() {
		if m.File != nil {
			t.Errorf("%s came, though it may have come before", m.File.Name)
		}
	}
	var states []string
	if err := d.store.Bun().NewRaw(`SELECT state FROM notices WHERE kind = 'delivery' ORDER BY id`).Scan(t.Context(), &states); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"unknown", "skipped"}, states); diff != "" {
		t.Errorf("notices (-want +got):\n%s", diff)
	}
	d.says(ada, "Неполадки")
	if text := ada.Last().Text; !strings.Contains(text, "не подтверждено, могло дойти") {
		t.Errorf("an admin reads %q", text)
	}
}
