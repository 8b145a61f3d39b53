package bot_test

import (
	"testing"

	"flowbot/service"
)

// A double tap on «Готово» answers its own question and no other.
func TestATapTooManyDecidesNothing(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.cohort("Север & <Ко>", "118", "2026-02-27", 2)
	olga := d.hire("partner", "Север & <Ко>", "Ольга Петрова")
	done := func() (under int, data string) {
		t.Helper()
		m := olga.Last()
		for _, row := range m.Buttons {
			for _, b := range row {
				if b.Label == "Готово" || b.Label == "Готово (2)" {
					return m.ID, b.Data
				}
			}
		}
		t.Fatalf("no «Готово» among %q", m.Labels())
		return 0, ""
	}
	twice := func() {
		t.Helper()
		under, data := done()
		for range 2 {
			if err := olga.PressOld(under, data); err != nil {
				t.Fatal(err)
			}
			d.settle()
		}
	}

	d.says(olga, "Сгенерировать акт")
	twice()
	if _, err := d.store.ActByNumber(t.Context(), service.CommandLine, "118/1"); service.AsError(err).Kind != service.NotFound {
		t.Errorf("a double tap has generated an act (%v)", err)
	}
	d.presses(olga, "Сгенерировать акт", "Журнал и скриншоты")
	d.sends(olga, d.journal("журнал.pdf"))
	d.sends(olga, d.screenshot("лист.png", 200))
	twice()
	if got := d.status(); got != service.ActAwaitingJournal {
		t.Errorf("after a double tap the act is %s", got)
	}
	d.presses(olga, "Отправить на согласование")
	if got := d.status(); got != service.ActInApproval {
		t.Errorf("at last the act is %s", got)
	}
}
