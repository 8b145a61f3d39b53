package bot_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"flowbot/bot"
	"flowbot/service"
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
	d.presses(anna, "За день или период", "Отмена", "Требуется генерация (2)", "Все экзамены", "Найти по номеру")
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

// TestASearchThatFindsNothingGoesOn is read best as
// testdata/exam_search_missed.golden.
func TestASearchThatFindsNothingGoesOn(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	d.exam("Центр", "77", "2026-02-24", 2)
	d.exam("Центр", "78", "2026-02-25", 1)
	d.says(anna, "Найти по номеру")
	d.says(anna, "<нет такого>")
	anna.SendSticker()
	d.settle()
	d.says(anna, "99")
	d.says(anna, "7")
	d.presses(anna, "Найти по номеру")
	d.says(anna, "99")
	d.presses(anna, "Отмена")
	d.says(anna, "Найти в экзамене · 77")
	d.says(anna, "Иванов")
	d.says(anna, "каримов02")
	d.presses(anna, "Найти в экзамене")
	d.says(anna, "Иванов")
	d.says(anna, "/cancel")
	golden(t, "exam_search_missed", d.tg.Transcript())
}

// TestExamsAreLookedAtByWhoMay shows exams to an admin and to the staff of two
// centers, and to nobody else; and presses what nobody has drawn.
func TestExamsAreLookedAtByWhoMay(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	second, err := d.people.AddOrg(t.Context(), service.CommandLine, service.NewOrg{Kind: service.OrgCenter, Name: "Центр <Юг & Ко>"})
	if err != nil {
		t.Fatal(err)
	}
	d.orgs[second.Name] = second
	south := d.hire("south", second.Name, "Юлия Южная")
	ada := d.hire("admin", "", "Ада Админова")
	olga := d.hire("partner", "Юг", "Ольга Петрова")
	e := d.exam("Центр", "24-118", "2026-02-24", 2)
	foreign := d.exam(second.Name, "24-119", "2026-02-25", 1)
	d.quietly()

	d.says(olga, "Экзамены")
	d.says(olga, "Требуется генерация (3)")
	d.says(olga, "Экзамен · 24-118")
	d.says(olga, "Загрузить результаты")
	olga.PressData(bot.Press{Do: "exc", ID: e.ID}.Data())
	d.settle()
	olga.PressData(bot.Press{Do: "exp"}.Data())
	d.settle()
	olga.PressData(bot.Press{Do: "exa", ID: 1}.Data())
	d.settle()
	d.says(ada, "Экзамены")
	d.presses(ada, "24-119 · 25.02.2026 · Не готовы к генерации", "Заявки (1)", "Каримов01 Алишер · 24-119-01")
	d.says(south, "Экзамены")
	for _, p := range []bot.Press{
		{Do: "exc", ID: e.ID},
		{Do: "ext", ID: e.ID},
		{Do: "exh", ID: e.ID},
		{Do: "exq", ID: e.ID},
		{Do: "erl", ID: e.ID},
		{Do: "erq", ID: e.ID},
		{Do: "ern", ID: e.ID},
		{Do: "err", ID: e.ID},
		{Do: "ery", ID: e.ID, Version: 2},
		{Do: "erd", ID: e.ID},
	} {
		south.PressData(p.Data())
		d.settle()
	}
	d.tg.Note("what nobody has drawn")
	for _, p := range []bot.Press{
		{Do: "exl", ID: -1},
		{Do: "exl", ID: 1 << 62},
		{Do: "exp", Version: 99},
		{Do: "ext", ID: foreign.ID, Version: 1 << 30},
		{Do: "exh", ID: foreign.ID, Version: -5},
		{Do: "erp", ID: -7, Version: 1},
		{Do: "ery", ID: foreign.ID, Version: -1},
	} {
		south.PressData(p.Data())
		d.settle()
	}
	if a := d.application("24-118-01"); a.Outcome != service.OutcomeAwaited {
		t.Errorf("%+v", a)
	}
	golden(t, "exam_rights", d.tg.Transcript())
}

// TestQuestionsAboutExamsAreLeft leaves each conversation at each step.
func TestQuestionsAboutExamsAreLeft(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	d.exam("Центр", "24-118", "2026-02-24", 2)
	d.quietly()
	for _, begin := range []string{"За день или период", "Найти по номеру", "Найти в экзамене"} {
		d.says(anna, begin)
		old := anna.Last()
		d.says(anna, "/cancel")
		if err := anna.PressOld(old.ID, old.Buttons[0][0].Data); err != nil {
			t.Fatal(err)
		}
		d.settle()
		d.says(anna, begin)
		d.sends(anna, d.screenshot("снимок.png", 10))
		d.says(anna, "Мои задачи")
		d.says(anna, "24.02.2026")
	}
	golden(t, "exam_left", d.tg.Transcript())
}

// TestAListOfAnExamOpensAtItsFirstPage: an exam that has changed often is no
// further page of what is chosen for it.
func TestAListOfAnExamOpensAtItsFirstPage(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	for _, number := range []string{"Э-1", "Э-2"} {
		d.approved(d.exam("Центр", number, "2026-02-24", 20, passed))
	}
	if _, err := d.store.Bun().NewRaw(`UPDATE exams SET revision = 3`).Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, deed := range []string{"Заявки", "Сдающие"} {
		for _, narrowed := range []bool{true, false} {
			if narrowed {
				d.says(anna, deed+" · Э-1")
			} else {
				d.says(anna, deed)
				d.presses(anna, "Э-1")
			}
			if !slices.ContainsFunc(anna.Last().Labels(), func(l string) bool { return strings.HasPrefix(l, "Каримов01") }) {
				t.Errorf("%s, by its number %v: %s %q", deed, narrowed, anna.Last().Text, anna.Last().Labels())
			}
		}
	}
}
