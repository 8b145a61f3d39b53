package bot_test

import (
	"strings"
	"testing"
	"time"

	"flowbot/service"
)

// remind does what the clock does at a quarter of an hour.
func (d *desk) remind(at time.Time) {
	d.t.Helper()
	d.at = at
	d.tg.Note(at.Format("2006-01-02 15:04 UTC"))
	if err := d.tasks.Remind(d.t.Context(), service.Remind{At: at}); err != nil {
		d.t.Fatal(err)
	}
	d.settle()
}

// TestTasksLeadStraightIn opens each task of each role by its button.
func TestTasksLeadStraightIn(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	olga := d.hire("partner", "Север & <Ко>", "Ольга Петрова")
	roman := d.hire("operator", "Оператор", "Роман Проверкин")
	klara := d.hire("center", "Центр", "Клара Экзамен")
	rejected := d.cohort("Север & <Ко>", "101", "2026-02-10", 1)
	waiting := d.cohort("Север & <Ко>", "102", "2026-02-11", 2)
	free := d.cohort("Север & <Ко>", "103", "2026-02-12", 1)
	taken := d.cohort("Север & <Ко>", "104", "2026-02-13", 1)
	d.cohort("Север & <Ко>", "105", "2026-02-14", 2)
	d.cohort("Север & <Ко>", "106", "2026-03-14", 2)
	d.cohort("Юг", "107", "2026-02-14", 2)
	for _, c := range []*service.Cohort{rejected, free, taken} {
		d.generated(olga, c)
		d.sent(olga, c)
	}
	d.generated(olga, waiting, 1)
	by := d.actor(roman)
	a, err := d.store.ActByNumber(t.Context(), by, "101/1")
	if err != nil {
		t.Fatal(err)
	}
	if a, err = d.acts.Move(t.Context(), by, a.ID, a.Revision, service.ActTake); err != nil {
		t.Fatal(err)
	}
	if _, err = d.acts.Reject(t.Context(), by, a.ID, a.Revision, "Нечитаемо"); err != nil {
		t.Fatal(err)
	}
	if a, err = d.store.ActByNumber(t.Context(), by, "104/1"); err != nil {
		t.Fatal(err)
	}
	if _, err = d.acts.Move(t.Context(), by, a.ID, a.Revision, service.ActTake); err != nil {
		t.Fatal(err)
	}
	d.quietly()
	for _, button := range []string{"Заменить журнал · поток 101", "Журнал и скриншоты · поток 102", "Сгенерировать акт · поток 105"} {
		d.says(olga, "/tasks")
		d.presses(olga, button)
	}
	for _, button := range []string{"Проверить · 104/1", "Пакеты на согласовании (1)"} {
		d.says(roman, "мои задачи")
		d.presses(roman, button)
	}
	d.says(klara, "/tasks")
	golden(t, "task_buttons", d.tg.Transcript())
}

// TestRemindersComeInTheMorning moves the clock over the days on which somebody
// is reminded, over quiet hours and past a muted telephone.
func TestRemindersComeInTheMorning(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	olga := d.hire("partner", "Север & <Ко>", "Ольга Петрова")
	ivan := d.hire("muted", "Север & <Ко>", "Иван Тихий")
	roman := d.hire("operator", "Оператор", "Роман Проверкин")
	late := d.cohort("Север & <Ко>", "101", "2026-02-10", 1)
	d.cohort("Север & <Ко>", "102", "2026-03-03", 1)
	d.cohort("Север & <Ко>", "103", "2026-03-03", 1)
	d.generated(olga, late)
	d.says(ivan, "/settings")
	d.presses(ivan, "Отключить напоминания")
	d.quietly()

	// 09:00 in Moscow is 06:00 UTC.
	d.remind(time.Date(2026, 3, 4, 5, 45, 0, 0, time.UTC))
	d.remind(time.Date(2026, 3, 4, 6, 0, 0, 0, time.UTC))
	d.remind(time.Date(2026, 3, 4, 6, 15, 0, 0, time.UTC))
	d.presses(olga, "Мои задачи")
	d.tg.Note("a package comes in the night, and is told of in the morning")
	d.at = time.Date(2026, 3, 4, 19, 30, 0, 0, time.UTC)
	d.sent(olga, late)
	d.settle()
	d.at = time.Date(2026, 3, 5, 6, 0, 1, 0, time.UTC)
	d.tg.Note("2026-03-05 09:00 in Moscow")
	d.settle()
	d.tg.Note("a decision comes at any hour")
	d.at = time.Date(2026, 3, 5, 19, 30, 0, 0, time.UTC)
	d.says(roman, "Взять на проверку")
	d.presses(roman, "Отклонить", "Нет подписи")
	d.tg.Note("the partner's three working days pass: due on 11.03, 09.03 is a holiday")
	for _, day := range []int{6, 7, 9, 10, 11, 12, 13} {
		d.remind(time.Date(2026, 3, day, 6, 0, 0, 0, time.UTC))
	}
	d.sent(olga, late)
	d.settle()
	d.tg.Note("the operator's fifteen working days pass")
	for _, day := range []int{2, 3, 4, 5, 6} {
		d.remind(time.Date(2026, 4, day, 6, 0, 0, 0, time.UTC))
	}
	golden(t, "task_reminders", d.tg.Transcript())
}

// TestDecisionsAreGathered approves several packages while nothing is sent.
func TestDecisionsAreGathered(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	olga := d.hire("partner", "Север & <Ко>", "Ольга Петрова")
	roman := d.hire("operator", "Оператор", "Роман Проверкин")
	c := d.cohort("Север & <Ко>", "118", "2026-02-10", 12)
	for i := range 12 {
		d.generated(olga, c, i+1)
	}
	d.sent(olga, c)
	d.quietly()
	by := d.actor(roman)
	for {
		list, err := d.acts.ActList(t.Context(), by, service.ActTake, "", 0, 1)
		if err != nil {
			t.Fatal(err)
		}
		if len(list) == 0 {
			break
		}
		a, err := d.acts.Move(t.Context(), by, list[0].ID, list[0].Revision, service.ActTake)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.acts.Move(t.Context(), by, a.ID, a.Revision, service.ActApprove); err != nil {
			t.Fatal(err)
		}
	}
	d.settle()
	if got := strings.Count(d.tg.Transcript(), "Согласованы акты"); got != 1 {
		t.Errorf("%d messages about twelve approvals", got)
	}
	golden(t, "task_decisions", d.tg.Transcript())
}
