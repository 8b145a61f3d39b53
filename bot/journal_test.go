package bot_test

import (
	"fmt"
	"strings"
	"testing"

	"flowbot/bot/emulator"
	"flowbot/service"
)

// TestAPackageIsCollectedInAnyOrder begins with a photo, goes on with an album,
// sorts out a second PDF, takes files away and comes back after /cancel.
func TestAPackageIsCollectedInAnyOrder(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	c := d.cohort("Север & <Ко>", "118", "2026-02-27", 1)
	olga := d.hire("partner", "Север & <Ко>", "Ольга Петрова")
	d.generated(olga, c)
	d.quietly()

	d.tg.Note("a photo out of the blue finds the only cohort that waits")
	d.sends(olga, photo(d.screenshot("", 10)))
	d.says(olga, "готово")
	album := []emulator.Attachment{d.journal("журнал.pdf")}
	for i := range 9 {
		album = append(album, d.screenshot(fmt.Sprintf("снимок %d.png", i+1), uint8(20+i)))
	}
	d.sends(olga, album...)
	d.presses(olga, "Убрать 10", "Убрать 9", "Убрать 1")
	d.tg.Note("a second PDF is asked about")
	d.sends(olga, d.journal("ещё один.pdf"))
	d.says(olga, "готово")
	d.presses(olga, "Это новый журнал")
	d.sends(olga, d.journal("страница ФРДО.pdf"))
	d.says(olga, "это скриншот")
	d.says(olga, "убрать 99")
	d.says(olga, "убрать 2")
	d.tg.Note("back, menu and cancel lose nothing")
	d.presses(olga, "Готово", "Назад", "Готово")
	d.says(olga, "в меню")
	d.says(olga, "Журнал и скриншоты")
	d.says(olga, "/cancel")
	d.presses(olga, "Журнал и скриншоты")
	d.says(olga, "назад")
	d.says(olga, "Журнал и скриншоты · поток 118")
	d.presses(olga, "Готово")
	d.tg.Note("one more file at the last question goes back")
	d.sends(olga, photo(d.screenshot("", 77)))
	d.presses(olga, "Готово")
	d.says(olga, "да")
	d.presses(olga, "Отправить на согласование")
	if got := d.status(); got != service.ActInApproval {
		t.Errorf("the act is %s", got)
	}
	golden(t, "journal_any_order", d.tg.Transcript())
}

// TestAPackageThatIsNotWholeIsNotSent presses too early and sends too much.
func TestAPackageThatIsNotWholeIsNotSent(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	c := d.cohort("Север & <Ко>", "118", "2026-02-27", 1)
	old := d.cohort("Север & <Ко>", "90", "2024-12-31", 1)
	olga := d.hire("partner", "Север & <Ко>", "Ольга Петрова")
	d.generated(olga, c)
	d.generated(olga, old)
	d.quietly()

	d.says(olga, "Журнал и скриншоты")
	d.presses(olga, "Поток 118 · до 27.02.2026")
	d.says(olga, "готово")
	d.sends(olga, d.journal("журнал.pdf"))
	d.says(olga, "Отправить на согласование")
	d.tg.Note("files that are still looked at")
	olga.SendDocument("поздний.png", "image/png", d.screenshot("", 50).Data, "")
	olga.Say("Готово")
	d.settle()
	d.tg.Note("one screenshot too many")
	var many []emulator.Attachment
	for i := range 20 {
		many = append(many, d.screenshot(fmt.Sprintf("снимок %d.png", i+1), uint8(60+i)))
	}
	d.sends(olga, many...)
	d.says(olga, "готово")
	d.presses(olga, "Убрать 21", "Готово", "Отправить на согласование")

	d.tg.Note("a cohort of 2024 needs no screenshots")
	d.says(olga, "Журнал и скриншоты")
	d.sends(olga, d.journal("журнал 2024.pdf"))
	d.presses(olga, "Готово", "Отправить на согласование")
	golden(t, "journal_not_whole", d.tg.Transcript())
}

// TestFilesOutOfTheBlueAskForTheirCohort sends files while several cohorts wait,
// while one does, and while none does.
func TestFilesOutOfTheBlueAskForTheirCohort(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	first := d.cohort("Север & <Ко>", "118", "2026-02-27", 1)
	second := d.cohort("Север & <Ко>", "119", "2026-02-28", 1)
	olga := d.hire("partner", "Север & <Ко>", "Ольга Петрова")
	roman := d.hire("operator", "Оператор", "Роман Проверкин")
	d.sends(olga, d.journal("рано.pdf"))
	d.sends(roman, d.journal("чужое.pdf"))
	d.generated(olga, first)
	d.generated(olga, second)
	d.settle()

	d.sends(olga, d.journal("журнал.pdf"), d.screenshot("первый.png", 1), d.screenshot("второй.png", 2))
	d.says(olga, "это к 118")
	d.presses(olga, "Убрать «второй.png»")
	d.sends(olga, emulator.Attachment{Name: "список.docx", Data: []byte("PK\x03\x04 not a pdf")})
	d.presses(olga, "Поток 118 · до 27.02.2026")
	d.presses(olga, "Готово", "Отправить на согласование")
	d.sends(olga, d.journal("для 119.pdf"))
	d.says(olga, "/cancel")
	golden(t, "journal_loose", d.tg.Transcript())
}

// TestAReplacementKeepsWhatIsRight starts from the files of the version before,
// and tells who was faster.
func TestAReplacementKeepsWhatIsRight(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	c := d.cohort("Север & <Ко>", "118", "2026-02-27", 1)
	olga := d.hire("partner", "Север & <Ко>", "Ольга Петрова")
	ivan := d.hire("colleague", "Север & <Ко>", "Иван Второй")
	roman := d.hire("operator", "Оператор", "Роман Проверкин")
	d.generated(olga, c)
	d.sent(olga, c)
	d.quietly()

	d.says(olga, "Заменить журнал")
	d.presses(olga, "Убрать 1")
	d.sends(olga, photo(d.screenshot("", 33)))
	d.presses(olga, "Готово")
	d.tg.Note("a colleague is faster")
	d.says(ivan, "Заменить журнал")
	d.presses(ivan, "Готово", "Отправить на согласование")
	d.presses(olga, "Отправить на согласование")
	d.presses(olga, "Заменить журнал")
	d.presses(olga, "Готово")
	d.tg.Note("a reviewer is faster")
	d.says(roman, "Взять на проверку")
	d.presses(olga, "Отправить на согласование")
	d.presses(olga, "Мои задачи")
	golden(t, "journal_replace", d.tg.Transcript())
}

// TestTooManyFilesAreRefused sends more files than a conversation holds.
func TestTooManyFilesAreRefused(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	c := d.cohort("Север & <Ко>", "118", "2026-02-27", 1)
	olga := d.hire("partner", "Север & <Ко>", "Ольга Петрова")
	d.generated(olga, c)
	d.quietly()
	d.says(olga, "Журнал и скриншоты")
	var many []emulator.Attachment
	for i := range 27 {
		many = append(many, d.screenshot(fmt.Sprintf("снимок %d.png", i+1), uint8(60+i)))
	}
	d.sends(olga, many...)
	if m := olga.Last(); !strings.Contains(m.Text, "Скриншоты: 25") || strings.Contains(m.Text, "снимок 26.png") || strings.Contains(m.Text, "Готово") {
		t.Errorf("the card says %q", m.Text)
	}
	if !strings.Contains(d.tg.Transcript(), "Больше 25 файлов сразу нельзя. Уберите лишние.") {
		t.Error("nobody is told that there are too many")
	}
	cards := 0
	for _, m := range olga.Messages() {
		if m.Bot && strings.Contains(m.Text, "Поток 118: журнал и скриншоты") {
			cards++
		}
	}
	if cards != 1 {
		t.Errorf("%d cards stand in the chat", cards)
	}
}
