package bot_test

import (
	"fmt"
	"testing"
)

// TestExamsAreFound follows the list of exams through its filters, pages, period
// and search down to an application.
func TestExamsAreFound(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	d.says(anna, "Экзамены")
	for i := range 10 {
		e := d.exam("Центр", fmt.Sprintf("Э-%d", i+1), fmt.Sprintf("2026-02-%02d", i+10), i%3, passed)
		if i < 5 {
			d.approved(e)
		}
	}
	d.presses(anna, "В меню", "Экзамены", "Дальше →", "Требуется генерация (3)", "Э-5", "Экзамены")
	d.says(anna, "Не требуются (2)")
	d.presses(anna, "За день или период")
	d.says(anna, "вчера")
	d.says(anna, "14.02.2026-10.02.2026")
	d.says(anna, "10.02.2026 — 13.02.2026")
	d.presses(anna, "Требуется генерация (2)", "Все экзамены", "Найти по номеру")
	d.says(anna, "№ э-4")
	d.says(anna, "Найти по номеру")
	d.says(anna, "Э-1")
	d.presses(anna, "Экзамены")
	d.says(anna, "Найти экзамен")
	d.says(anna, "Э-3-02")
	d.presses(anna, "История", "Заявка · Э-3-02", "Заявки (2)", "Найти в экзамене")
	d.says(anna, "каримов02 али")
	d.presses(anna, "Каримов02 Алишер · Э-3-02", "Экзамен · Э-3", "История", "Экзамен · Э-3")
	d.says(anna, "Заявка · Э-6-01")
	d.says(anna, "Экзамен · Э-6")
	d.says(anna, "Экзамен")
	d.says(anna, "Экзамен · Э-99")
	golden(t, "exam_found", d.tg.Transcript())
}
