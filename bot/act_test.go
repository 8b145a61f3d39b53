package bot_test

import (
	"strings"
	"testing"
	"time"

	"flowbot/service"
)

// TestALearnersListOfThreeHundredIsPaged chooses some of 300 learners, presses
// twice at the end, and makes the act anew.
func TestALearnersListOfThreeHundredIsPaged(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.cohort("Север & <Ко>", "118", "2026-02-27", 300)
	olga := d.hire("partner", "Север & <Ко>", "Ольга Петрова")

	d.says(olga, "Сгенерировать акт")
	d.presses(olga, "Снять всех", "Готово", "Дальше →", "○ Слушатель010 Иван Петрович · 118-010")
	d.presses(olga, "← Раньше", "○ Слушатель001 Иван Петрович · 118-001", "✓ Слушатель001 Иван Петрович · 118-001")
	d.says(olga, "слушатель29")
	d.presses(olga, "Выбрать всех", "Дальше →", "Снять всех")
	d.says(olga, "118-300")
	d.presses(olga, "○ Слушатель300 Иван Петрович · 118-300")
	d.says(olga, "<никого> & \"таких\"")
	d.presses(olga, "Показать весь список")
	d.presses(olga, "Готово", "Назад", "Готово")
	card := olga.Last()
	d.presses(olga, "Сгенерировать акт")
	if err := olga.PressOld(card.ID, card.Buttons[0][0].Data); err != nil {
		t.Fatal(err)
	}
	d.settle()

	d.says(olga, "Перегенерировать акт")
	d.presses(olga, "Выбрать всех", "Готово", "Перегенерировать акт")
	d.says(olga, "/cancel")
	golden(t, "act_learners", d.tg.Transcript())
}

// TestAnActIsCancelledWithAReason also tries comments that cannot be taken.
func TestAnActIsCancelledWithAReason(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	c := d.cohort("Север & <Ко>", "118", "2026-02-27", 2)
	olga := d.hire("partner", "Север & <Ко>", "Ольга Петрова")
	d.generated(olga, c, 1)
	d.generated(olga, c, 2)
	d.quietly()

	d.says(olga, "Отменить акт")
	d.presses(olga, "Акт 118/1")
	d.sends(olga, d.screenshot("причина.png", 10))
	d.says(olga, strings.Repeat("я", 2001))
	d.says(olga, " \u200b ")
	olga.SendSticker()
	d.settle()
	d.presses(olga, "Отмена")
	d.says(olga, "Отменить акт · 118/1")
	d.presses(olga, "Отмена")
	d.says(olga, "Отменить акт · 118/1")
	d.says(olga, "Ошибка в <списке> & \"датах\" 🙂")
	d.presses(olga, "История")
	d.says(olga, "Отменить акт · 118/1")
	if got := d.status(); got != service.ActCancelled {
		t.Errorf("the act is %s", got)
	}
	golden(t, "act_cancel", d.tg.Transcript())
}

// TestOneJournalServesAllActsOfACohort follows two acts through the rejection
// of one, a new act beside them and the approval of all.
func TestOneJournalServesAllActsOfACohort(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	c := d.cohort("Север & <Ко>", "118", "2026-02-27", 4)
	olga := d.hire("partner", "Север & <Ко>", "Ольга Петрова")
	roman := d.hire("operator", "Оператор", "Роман Проверкин")
	rita := d.hire("second", "Оператор", "Рита Вторая")
	d.generated(olga, c, 1)
	d.generated(olga, c, 2)
	d.sent(olga, c)
	d.quietly()

	d.says(olga, "Поток 118")
	d.says(roman, "Акт 118/1")
	d.presses(roman, "Взять на проверку")
	d.says(rita, "Акт 118/2")
	d.presses(rita, "Взять на проверку")
	d.says(olga, "Заменить журнал")
	d.says(olga, "Заменить журнал · поток 118")
	d.tg.Note("one is rejected, the other falls")
	d.says(roman, "Отклонить")
	d.says(roman, "Лист 2 не читается")
	d.presses(rita, "Согласовать")

	d.tg.Note("a new act cannot go with a rejected journal")
	d.says(olga, "Сгенерировать акт")
	d.presses(olga, "✓ Слушатель004 Иван Петрович · 118-004", "Готово", "Сгенерировать акт")
	d.sent(olga, c)
	d.settle()

	d.tg.Note("one more goes with the journal that stands")
	d.says(olga, "Сгенерировать акт")
	d.presses(olga, "Готово", "Сгенерировать акт")
	d.says(olga, "Отправить с журналом версии 1")
	d.presses(olga, "Отправить с журналом версии 2")
	for range 4 {
		d.says(roman, "Следующий")
		d.presses(roman, "Взять на проверку", "Согласовать")
	}
	d.says(roman, "Следующий")
	d.says(olga, "Отправить с журналом версии 2")
	d.presses(olga, "В меню", "Акты")
	golden(t, "act_one_journal", d.tg.Transcript())
}

// TestOldButtonsTellWhatHappened presses what a card showed before others moved
// the act.
func TestOldButtonsTellWhatHappened(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	c := d.cohort("Север & <Ко>", "118", "2026-02-27", 1)
	olga := d.hire("partner", "Север & <Ко>", "Ольга Петрова")
	ivan := d.hire("colleague", "Север & <Ко>", "Иван Второй")
	roman := d.hire("operator", "Оператор", "Роман Проверкин")
	rita := d.hire("second", "Оператор", "Рита Вторая")
	d.generated(olga, c)
	d.sent(olga, c)
	d.quietly()

	d.says(olga, "Акт 118/1")
	old := olga.Last()
	press := func(label string) {
		t.Helper()
		for _, row := range old.Buttons {
			for _, b := range row {
				if strings.HasPrefix(b.Label, label) {
					if err := olga.PressOld(old.ID, b.Data); err != nil {
						t.Fatal(err)
					}
					d.settle()
					return
				}
			}
		}
		t.Fatalf("no button %q in %q", label, old.Labels())
	}
	d.says(roman, "Акт 118/1")
	d.says(rita, "Акт 118/1")
	d.tg.Note("two reviewers at one moment")
	for _, p := range []string{"operator", "second"} {
		if err := d.phone(p).Press("Взять на проверку"); err != nil {
			t.Fatal(err)
		}
	}
	d.settle()
	d.tg.Note("what a partner's old card does while it is taken")
	press("Перегенерировать акт")
	press("Отменить акт")
	press("Заменить журнал")
	d.presses(roman, "Снять с себя")
	d.tg.Note("a colleague cancels it meanwhile")
	d.says(ivan, "Отменить акт")
	d.says(olga, "Перегенерировать акт")
	d.says(ivan, "Не те даты")
	d.presses(olga, "Готово", "Перегенерировать акт")
	press("Отменить акт")
	golden(t, "act_old_buttons", d.tg.Transcript())
}

// TestAReviewExpires gives a package back after a day.
func TestAReviewExpires(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	c := d.cohort("Север & <Ко>", "118", "2026-02-27", 1)
	olga := d.hire("partner", "Север & <Ко>", "Ольга Петрова")
	roman := d.hire("operator", "Оператор", "Роман Проверкин")
	d.generated(olga, c)
	d.sent(olga, c)
	d.quietly()
	d.says(roman, "Акт 118/1")
	d.presses(roman, "Взять на проверку")
	d.pass(24*time.Hour+time.Minute, "a day and a minute later")
	if _, err := d.acts.ExpireReviews(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.settle()
	d.presses(roman, "Согласовать")
	golden(t, "act_review_expires", d.tg.Transcript())
}

// TestAnActIsMadeAnew regenerates while it is in approval and after a rejection,
// and sends it again with the files that were right.
func TestAnActIsMadeAnew(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	c := d.cohort("Север & <Ко>", "118", "2026-02-27", 3)
	olga := d.hire("partner", "Север & <Ко>", "Ольга Петрова")
	roman := d.hire("operator", "Оператор", "Роман Проверкин")
	d.generated(olga, c)
	d.sent(olga, c)
	d.quietly()
	d.says(olga, "Перегенерировать акт")
	d.presses(olga, "✓ Слушатель003 Иван Петрович · 118-003", "Готово", "Перегенерировать акт")
	d.says(roman, "Взять на проверку")
	d.says(olga, "Перегенерировать акт · 118/1")
	d.presses(roman, "Отклонить", "Не тот поток")
	d.says(olga, "Перегенерировать акт")
	d.presses(olga, "Выбрать всех", "Готово", "Перегенерировать акт")
	d.presses(olga, "Заменить журнал", "Готово", "Отправить на согласование")
	d.says(olga, "История · 118/1")
	if got := d.status(); got != service.ActInApproval {
		t.Errorf("the act is %s", got)
	}
	golden(t, "act_made_anew", d.tg.Transcript())
}

// TestAnUnprintableLetterIsNamed tells whoever generated the act which one it is.
func TestAnUnprintableLetterIsNamed(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	c := d.cohort("Север & <Ко>", "118", "2026-02-27", 1)
	d.sql("UPDATE learners SET last_name = 'Ли 李' WHERE cohort_id = ?", c.ID)
	olga := d.hire("partner", "Север & <Ко>", "Ольга Петрова")
	d.says(olga, "Сгенерировать акт")
	d.presses(olga, "Готово", "Сгенерировать акт")
	d.says(olga, "Скачать пакет")
	d.settle()
	golden(t, "act_unprintable", d.tg.Transcript())
}

// TestAnActWaitsForTheEndOfItsCohort shows a cohort on its last day and after.
func TestAnActWaitsForTheEndOfItsCohort(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.cohort("Север & <Ко>", "118", "2026-03-02", 1)
	d.cohort("Север & <Ко>", "119", "2026-02-01", 0)
	d.cohort("Юг", "200", "2026-02-01", 1)
	olga := d.hire("partner", "Север & <Ко>", "Ольга Петрова")
	d.says(olga, "Сгенерировать акт")
	d.says(olga, "Поток 118")
	d.says(olga, "Поток 119")
	d.says(olga, "Поток 200")
	d.says(olga, "Потоки")
	d.pass(15*time.Hour, "the next day")
	d.says(olga, "Сгенерировать акт")
	golden(t, "act_not_ended", d.tg.Transcript())
}

// TestACohortOfManyActsFitsItsCard looks at a cohort with more acts than its
// card names.
func TestACohortOfManyActsFitsItsCard(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	c := d.cohort("Север & <Ко>", "118", "2026-02-27", 25)
	olga := d.hire("partner", "Север & <Ко>", "Ольга Петрова")
	for i := range 25 {
		d.generated(olga, c, i+1)
	}
	d.quietly()
	d.says(olga, "Поток 118")
	golden(t, "act_many", d.tg.Transcript())
}
