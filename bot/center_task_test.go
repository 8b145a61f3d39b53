package bot_test

import (
	"testing"
	"time"

	"flowbot/service"
)

// TestTheStaffOfACenterAreTold is read best as testdata/task_center.golden.
func TestTheStaffOfACenterAreTold(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	d.says(anna, "/tasks")
	d.exam("Центр", "301", "2026-02-24", 2)
	d.exam("Центр", "302", "2026-02-25", 2)
	d.approved(d.exam("Центр", "303", "2026-02-20", 1, passed))
	d.approved(d.exam("Центр", "304", "2026-02-20", 2, passed))
	d.exam("Центр", "305", "2026-02-19", 1, passed)
	d.says(anna, "/tasks")
	d.presses(anna, "Протокол · 305", "Мои задачи", "Внести результаты (2)")
	d.says(anna, "/tasks")
	d.presses(anna, "Требуется генерация (2)")

	morning := time.Date(2026, 3, 3, 6, 0, 0, 0, time.UTC) // nine o'clock in Moscow
	d.pass(morning.Sub(d.at), "на следующее утро")
	if err := d.tasks.Remind(t.Context(), service.Remind{At: morning}); err != nil {
		t.Fatal(err)
	}
	d.settle()
	golden(t, "task_center", d.tg.Transcript())
}

// TestCertificatesWaitForTheirCenter is read best as testdata/center_no_profile.golden.
func TestCertificatesWaitForTheirCenter(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	boris := d.hire("second", "Центр", "Борис Центров")
	olga := d.hire("admin", "", "Ольга Главная")
	d.approved(d.exam("Центр", "118", "2026-02-24", 2, registered))

	d.says(anna, "/tasks")
	d.says(anna, "Загрузить сканы · 118")
	d.says(anna, "Загрузить сертификат · 118-01")
	d.sends(anna, d.screenshot("скан.png", 40))
	d.says(olga, "/tasks")
	d.presses(olga, "Данные центра")
	d.says(boris, "Загрузить сертификат · 118-02")
	late, chooses := lastData(t, boris, "Типография")

	d.presses(anna, "Типография", "○ Бланк 210 × 158 мм")
	if err := boris.PressOld(late, chooses); err != nil {
		t.Fatal(err)
	}
	d.settle()
	d.says(olga, "/tasks")
	d.says(anna, "/tasks")
	d.says(anna, "Загрузить сертификат · 118-01")
	d.says(anna, "/cancel")
	d.says(anna, "Загрузить сканы · 118")
	golden(t, "center_no_profile", d.tg.Transcript())
}
