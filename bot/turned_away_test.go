package bot_test

import (
	"strings"
	"testing"

	"flowbot/service"
)

// TestWordsMeantForAnotherPlaceDecideNothing turns to something else while a
// reason is awaited, and then writes what the bot does not know.
func TestWordsMeantForAnotherPlaceDecideNothing(t *testing.T) {
	t.Parallel()
	for _, away := range []string{"/tasks", "Потоки", "Акты"} {
		t.Run(away, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			olga := d.hire("partner", "Север & <Ко>", "Ольга Петрова")
			roman := d.hire("operator", "Оператор", "Роман Проверкин")
			c := d.cohort("Север & <Ко>", "118", "2026-02-27", 1)
			d.generated(olga, c)
			d.quietly()

			d.says(olga, "Отменить акт")
			d.says(olga, away)
			d.says(olga, "спасибо")
			if got := d.status(); got != service.ActAwaitingJournal {
				t.Errorf("the act is %s", got)
			}
			d.says(olga, "Пригласить")
			d.says(olga, away)
			d.says(olga, "спасибо")
			if strings.Contains(d.tg.Transcript(), "start=") {
				t.Error("somebody is invited")
			}

			d.sent(olga, c)
			d.says(roman, "Взять на проверку")
			d.presses(roman, "Отклонить")
			d.says(roman, away)
			d.says(roman, "118")
			if got := d.status(); got != service.ActInApproval {
				t.Errorf("the act is %s", got)
			}
		})
	}
}

// TestLookingAtAPackageDoesNotEndItsRejection reads the history while the reason
// is awaited.
func TestLookingAtAPackageDoesNotEndItsRejection(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	olga := d.hire("partner", "Север & <Ко>", "Ольга Петрова")
	roman := d.hire("operator", "Оператор", "Роман Проверкин")
	c := d.cohort("Север & <Ко>", "118", "2026-02-27", 1)
	d.generated(olga, c)
	d.sent(olga, c)
	d.quietly()
	d.says(roman, "Взять на проверку")
	d.presses(roman, "Отклонить", "История")
	d.says(roman, "Нет страницы 3")
	if got := d.status(); got != service.ActRejected {
		t.Errorf("the act is %s", got)
	}
}
