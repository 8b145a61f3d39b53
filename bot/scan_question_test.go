package bot_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flowbot/bot"
	"flowbot/bot/emulator"
	"flowbot/service"
	"flowbot/templates"
)

// blots makes the digits of a registration number unsure that tell applications
// apart.
func blots(number string) string { return number[:len(number)-5] + "????" + number[len(number)-1:] }

// smudged is a page of an application on which the name is read and the number is
// not.
func (d *desk) smudged(number string) []byte {
	d.t.Helper()
	a := d.application(number)
	return d.page(said{number: blots(a.RegistrationNumber), name: a.RegistrationNumber, blank: blankOf(a)})
}

// nobodys is a page on which nothing speaks for anybody.
func (d *desk) nobodys(number string) []byte {
	d.t.Helper()
	return d.page(said{number: blots(d.application(number).RegistrationNumber), name: "-"})
}

// scanned sends pages past the chat and settles what comes of them.
func (d *desk) scanned(p *emulator.Phone, e *service.Exam, pages ...[]byte) {
	d.t.Helper()
	d.scansOf(p, e, pages...)
	d.quietly()
}

// scansOf sends a PDF of pages for an exam.
func (d *desk) scansOf(p *emulator.Phone, e *service.Exam, pages ...[]byte) {
	d.t.Helper()
	d.says(p, "Загрузить сканы · "+e.Number)
	d.sends(p, d.bound("сканы.pdf", pages...))
	d.says(p, "Готово")
}

// TestQuestionsAreResolved is read best as testdata/scan_question.golden.
func TestQuestionsAreResolved(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	d.centerFilled(anna)
	e := d.scanning("118", 6)
	d.scanned(anna, e, d.smudged("118-01"), d.smudged("118-02"), d.nobodys("118-03"), d.nobodys("118-04"), d.nobodys("118-05"))

	d.says(anna, "/tasks")
	d.presses(anna, "Нераспознанные (5)")
	d.presses(anna, "Каримов01 А. Р.")
	d.presses(anna, "Отменить: Каримов01 Алишер")
	d.presses(anna, "Каримов01 А. Р.")
	d.presses(anna, "Пропустить", "Другой")
	d.says(anna, "петров")
	anna.SendSticker()
	d.settle()
	d.says(anna, "karimov03")
	d.presses(anna, "Каримов03 А. Р.")
	d.presses(anna, "Назад", "Другой")
	d.says(anna, "03-1")
	d.presses(anna, "Каримов03 А. Р.", "Да, верно")
	d.presses(anna, "Не сертификат")
	d.presses(anna, "Пересканировать")
	d.at = d.at.Add(time.Second)
	d.presses(anna, "Каримов02 А. Р.")
	d.presses(anna, "Отменить: Каримов02 Алишер")
	d.presses(anna, "Каримов02 А. Р.")
	golden(t, "scan_question", d.tg.Transcript())
}

// TestAChoiceAgainstTheNameIsTold is read best as
// testdata/scan_question_other_name.golden.
func TestAChoiceAgainstTheNameIsTold(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	d.centerFilled(anna)
	e := d.scanning("118", 3)
	d.scanning("119", 1, func(_ int, a *service.Application) { a.RegistrationNumber = "24-10-40538-000900-1" })
	d.scanned(anna, e, d.smudged("118-01"), d.page(said{number: d.application("119-01").RegistrationNumber}))

	d.says(anna, "/tasks")
	d.presses(anna, "Нераспознанные (2)")
	d.presses(anna, "Другой")
	d.says(anna, "karimov03")
	d.presses(anna, "Каримов03 А. Р.", "Пропустить", "Другой")
	d.says(anna, "karimov03")
	d.presses(anna, "Каримов03 А. Р.")
	golden(t, "scan_question_other_name", d.tg.Transcript())
}

// TestAPageOfTwoCertificatesIsNobodys is read best as
// testdata/scan_question_several.golden.
func TestAPageOfTwoCertificatesIsNobodys(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	d.centerFilled(anna)
	e := d.scanning("118", 2)
	d.scanned(anna, e, d.page(said{several: true}), d.certificate("118-02"))

	d.says(anna, "Нераспознанные")
	d.presses(anna, "Пересканировать")
	d.tg.Note("То же самое по одной заявке.")
	d.says(anna, "Загрузить сертификат · 118-01")
	d.says(anna, "4815162342001")
	d.presses(anna, "Верно", "Верно")
	d.sends(anna, d.bound("два.pdf", d.page(said{several: true})))
	d.presses(anna, "Готово")
	d.says(anna, "Загрузить")
	d.presses(anna, "Убрать «два.pdf»")
	d.tg.Note("Страница без бланка уходит целиком.")
	d.sends(anna, d.bound("лист.pdf", drawnPage(t, 1<<12)))
	d.presses(anna, "Готово", "Загрузить")
	golden(t, "scan_question_several", d.tg.Transcript())
}

// TestNamesakesAreToldOf is read best as testdata/scan_question_namesakes.golden.
func TestNamesakesAreToldOf(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	d.centerFilled(anna)
	e := d.scanning("118", 3, func(n int, a *service.Application) {
		if n < 3 {
			a.LastName, a.LastNameLatin = "Каримов", "KARIMOV"
		}
	})
	first, second := d.application("118-01"), d.application("118-02")
	d.scanned(anna, e, d.page(said{number: blots(first.RegistrationNumber), name: first.RegistrationNumber, also: second.RegistrationNumber}))

	d.says(anna, "Нераспознанные")
	d.presses(anna, "Каримов А. Р. · …0002-1", "Каримов03 А. Р.")
	d.tg.Note("loaded for one of them by itself")
	d.says(anna, "Загрузить сертификат · 118-02")
	d.says(anna, "4815162342001")
	d.presses(anna, "Верно", "Верно")
	d.sends(anna, d.bound("скан.pdf", d.page(said{number: blots(first.RegistrationNumber), name: first.RegistrationNumber, also: second.RegistrationNumber})))
	d.presses(anna, "Готово")
	d.says(anna, "Загрузить")
	d.says(anna, "/cancel")
	d.tg.Note("once the certificate of the other has come")
	before := d.tg.Transcript()
	d.scanned(anna, e, d.certificate("118-01"))
	d.says(anna, "Нераспознанные")
	d.presses(anna, "Каримов А. Р. · …0002-1")
	golden(t, "scan_question_namesakes", before+d.tg.Transcript())
}

// TestQuestionsOfSeveralExamsAreCounted is read best as
// testdata/scan_question_exams.golden.
func TestQuestionsOfSeveralExamsAreCounted(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	d.centerFilled(anna)
	first := d.scanning("118", 2)
	second := d.scanning("119", 1, numberedFrom(900))
	d.scanned(anna, first, d.smudged("118-01"), d.smudged("118-02"))
	d.scanned(anna, second, d.smudged("119-01"))

	d.says(anna, "Нераспознанные")
	d.presses(anna, "119 · 24.02.2026 · 1 вопрос")
	golden(t, "scan_question_exams", d.tg.Transcript())
}

// TestTheNumberOfOneWithTheNameOfAnotherIsTold is read best as
// testdata/scan_question_named.golden.
func TestTheNumberOfOneWithTheNameOfAnotherIsTold(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	d.centerFilled(anna)
	e := d.scanning("118", 4)
	mixed := func(number, name string) []byte {
		return d.page(said{number: d.application(number).RegistrationNumber, name: d.application(name).RegistrationNumber})
	}
	d.scanned(anna, e, mixed("118-01", "118-02"), d.certificate("118-04"), mixed("118-03", "118-04"))

	d.says(anna, "Нераспознанные")
	d.presses(anna, "Каримов01 А. Р.", "Каримов02 А. Р.", "Назад", "Пропустить")
	d.presses(anna, "Каримов03 А. Р.", "Каримов04 А. Р.")
	golden(t, "scan_question_named", d.tg.Transcript())
}

func TestTheReportOfABatchOpensItsOwnQuestions(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	d.centerFilled(anna)
	e := d.scanning("118", 4)
	d.scanned(anna, e, d.smudged("118-01"), d.smudged("118-02"))

	d.says(anna, "Загрузить сканы · 118")
	d.sends(anna, d.bound("ещё.pdf", d.smudged("118-03"), d.smudged("118-04")))
	d.presses(anna, "Нераспознанные (4)")
	if text := anna.Last().Caption; !strings.Contains(text, "вопрос 3 из 4") || !strings.Contains(text, "ещё.pdf") {
		t.Errorf("the report opens %q", text)
	}
	d.presses(anna, "Пропустить", "Пропустить")
	if text := anna.Last().Caption; !strings.Contains(text, "вопрос 1 из 4") {
		t.Errorf("after its last question comes %q", text)
	}
}

// TestTwoColleaguesDecideAtOnce is read best as
// testdata/scan_question_colleagues.golden.
func TestTwoColleaguesDecideAtOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	boris := d.hire("boris", "Центр", "Борис Центров")
	d.centerFilled(anna)
	e := d.scanning("118", 3)
	d.scanned(anna, e, d.smudged("118-01"), d.smudged("118-02"))

	d.says(anna, "Нераспознанные")
	d.says(boris, "Нераспознанные")
	choice := anna.Last().Buttons[0][0].Data
	d.presses(anna, "Каримов01 А. Р.")
	d.presses(boris, "Каримов01 А. Р.")
	d.tg.Note("Анна нажимает старую кнопку ещё раз.")
	anna.PressData(choice)
	d.settle()
	d.presses(boris, "Нераспознанные")
	d.presses(anna, "Другой")
	d.presses(boris, "Каримов02 А. Р.")
	d.says(anna, "каримов03")
	d.presses(anna, "Каримов03 А. Р.")
	d.says(anna, "Нераспознанные · 118")
	golden(t, "scan_question_colleagues", d.tg.Transcript())
}

// TestBlanksAreAskedAbout is read best as testdata/scan_question_blanks.golden.
func TestBlanksAreAskedAbout(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	d.centerFilled(anna)
	e := d.scanning("118", 4)
	by := d.actor(anna)
	first, second := d.application("118-01"), d.application("118-02")
	if _, err := d.exams.Blanks.Spoil(t.Context(), by, e.CenterID, service.BlankKey{Number: blankOf(first)}, "порван"); err != nil {
		t.Fatal(err)
	}
	third := d.page(said{number: d.application("118-03").RegistrationNumber, blank: blankOf(second)})
	d.scanned(anna, e, d.certificate("118-01"), d.certificate("118-02"))
	d.scanned(anna, e, third, d.smudged("118-04"))
	_, err := d.exams.Blanks.Receive(t.Context(), by, service.ReceiveBlanks{
		CenterID: e.CenterID, Range: service.BlankRange{First: "0000000200001", Last: "0000000200100"}, ReceivedOn: d.day("2026-02-01"),
	})
	if err != nil {
		t.Fatal(err)
	}

	d.says(anna, "Нераспознанные")
	d.presses(anna, "Каримов01 А. Р.", "Другой номер бланка")
	d.says(anna, "/cancel")
	d.presses(anna, "Каримов01 А. Р.", "Другой номер бланка")
	d.says(anna, blankOf(second))
	d.says(anna, "0000000100077")
	d.presses(anna, "Верно")
	d.presses(anna, "Каримов03 А. Р.", "Без номера бланка")
	d.presses(anna, "Каримов04 А. Р.", "Назад", "Каримов04 А. Р.", "Номер верный")
	golden(t, "scan_question_blanks", d.tg.Transcript())
}

// TestAScanIsReplacedByAPage is read best as
// testdata/scan_question_replaced.golden.
func TestAScanIsReplacedByAPage(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	d.centerFilled(anna)
	e := d.scanning("118", 2, func(_ int, a *service.Application) { a.Gender = "f" })
	d.scanned(anna, e, d.certificate("118-01"))
	a := d.application("118-01")
	d.scanned(anna, e, d.page(said{number: blots(a.RegistrationNumber), name: a.RegistrationNumber, blank: "0000000100099"}))

	d.says(anna, "Нераспознанные")
	d.presses(anna, "Каримов01 А. Р.", "Назад", "Каримов01 А. Р.", "Заменить, прежний бланк испорчен")
	d.presses(anna, "Отменить: Каримов01 Алишер")
	d.presses(anna, "Другой")
	d.says(anna, "Каримов02")
	d.presses(anna, "Каримов02 А. Р.")
	golden(t, "scan_question_replaced", d.tg.Transcript())
}

// TestTwoPagesOfOneApplication is read best as testdata/scan_question_twice.golden.
func TestTwoPagesOfOneApplication(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	d.centerFilled(anna)
	e := d.scanning("118", 2)
	a := d.application("118-01")
	page := func(blank string) []byte { return d.page(said{number: a.RegistrationNumber, blank: blank}) }
	d.scanned(anna, e, page("0000000100001"), page("0000000100002"))

	d.says(anna, "Нераспознанные")
	d.presses(anna, "Разобрать нижнюю", "Разобрать нижнюю", "Верна нижняя")
	d.presses(anna, "Каримов01 А. Р.", "Назад", "Повтор")
	d.says(anna, "Заявка 118-01")
	d.presses(anna, "Проверить скан", "Вернуть в вопросы")
	golden(t, "scan_question_twice", d.tg.Transcript())
}

// TestScansThatABatchTakesOffAreTold is read best as
// testdata/scan_question_taken_off.golden.
func TestScansThatABatchTakesOffAreTold(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	d.centerFilled(anna)
	e := d.scanning("118", 7)
	pages := func(from int) [][]byte {
		var out [][]byte
		for i := range 6 {
			number := d.application(fmt.Sprintf("118-%02d", i+1)).RegistrationNumber
			out = append(out, d.page(said{number: number, blank: fmt.Sprintf("%013d", from+i)}))
		}
		return out
	}
	d.scanned(anna, e, pages(100001)...)
	d.scansOf(anna, e, pages(100011)...)
	d.says(anna, "Заявка 118-01")
	d.presses(anna, "История")
	golden(t, "scan_question_taken_off", d.tg.Transcript())
}

// TestPagesAreTakenBackAndReadAgain is read best as
// testdata/scan_question_again.golden.
func TestPagesAreTakenBackAndReadAgain(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	d.centerFilled(anna)
	e := d.scanning("118", 3)
	first := d.certificate("118-01")
	other := d.page(said{number: d.application("118-02").RegistrationNumber, name: "-"})
	d.scanned(anna, e, first, first, d.page(said{empty: true}), d.page(said{poison: true}), other, d.nobodys("118-03"))

	d.says(anna, "Нераспознанные")
	d.pages.mu.Lock()
	for n, s := range d.pages.said {
		if s.name == "-" && s.number == d.application("118-02").RegistrationNumber {
			s.name = ""
			d.pages.said[n] = s
		}
	}
	d.pages.mu.Unlock()
	d.presses(anna, "Прочитать ещё раз", "Назад")
	d.readsAgain(anna)
	d.readsAgain(anna)
	d.says(anna, "Нераспознанные")
	d.presses(anna, "Не сертификат")
	d.says(anna, "Нераспознанные")
	d.presses(anna, "Отложенные страницы", "Стр. 4 · сканы.pdf", "Отложенные страницы", "Стр. 3 · сканы.pdf", "Вернуть в вопросы")
	golden(t, "scan_question_again", d.tg.Transcript())
}

// TestAllQuestionsAreReadAgain is read best as
// testdata/scan_question_again_all.golden.
func TestAllQuestionsAreReadAgain(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	d.centerFilled(anna)
	e := d.scanning("118", 4)
	third := func(blank string) []byte {
		return d.page(said{number: d.application("118-03").RegistrationNumber, blank: blank})
	}
	d.scanned(anna, e, d.nobodys("118-01"), d.smudged("118-02"), third("0000000100001"), third("0000000100002"), d.certificate("118-04"))
	d.says(anna, "Заявка 118-04")
	d.presses(anna, "Проверить скан", "Вернуть в вопросы")
	d.quietly()

	d.says(anna, "Нераспознанные · 118")
	d.presses(anna, "Прочитать ещё раз", "Все вопросы (2)")
	golden(t, "scan_question_again_all", d.tg.Transcript())
}

// readsAgain has the page of the card read once more. The answer comes before the
// page is read.
func (d *desk) readsAgain(p *emulator.Phone) {
	d.t.Helper()
	d.presses(p, "Прочитать ещё раз")
	d.hold()
	if err := p.Press("Эту страницу"); err != nil {
		d.t.Fatal(err)
	}
	d.serve()
	d.release()
	d.settle()
}

// TestPagesThatConcernOthersToo is read best as testdata/scan_question_others.golden.
func TestPagesThatConcernOthersToo(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	d.centerFilled(anna)
	e := d.scanning("118", 2)
	d.scanning("119", 1, func(_ int, a *service.Application) { a.RegistrationNumber = "24-10-40538-000900-1" })
	blank := blankOf(d.application("118-01"))
	page := func(number string) []byte {
		return d.page(said{number: d.application(number).RegistrationNumber, blank: blank})
	}
	d.scanned(anna, e, page("118-01"), page("118-02"), d.certificate("119-01"))

	d.says(anna, "Нераспознанные")
	d.presses(anna, "Каримов01 А. Р.", "Номер верный", "Каримов02 А. Р.", "Другой номер бланка")
	d.tg.Note("Анна передумала и нажимает кнопку под картинкой: разговор о бланке закрыт.")
	d.presses(anna, "Без номера бланка")
	d.says(anna, "0000000100002")
	d.says(anna, "Нераспознанные")
	d.presses(anna, "Каримов01 А. Р.", "Отменить: Каримов01 Алишер")
	golden(t, "scan_question_others", d.tg.Transcript())
}

// TestThePageOfAScanIsARepeat is read best as testdata/scan_question_repeat.golden.
func TestThePageOfAScanIsARepeat(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	d.centerFilled(anna)
	wrong := d.scanning("118", 1)
	e := d.scanning("119", 1, func(_ int, a *service.Application) { a.RegistrationNumber = "24-10-40538-000900-1" })
	page := d.certificate("119-01")
	d.scanned(anna, wrong, page)
	d.scanned(anna, e, page)

	d.says(anna, "Нераспознанные · 118")
	d.presses(anna, "Каримов01 А. Р. · …0900-1")
	d.says(anna, "Заявка 119-01")
	d.tg.Note("Та же страница приходит в чужой экзамен ещё раз.")
	d.scansOf(anna, wrong, page)
	golden(t, "scan_question_repeat", d.tg.Transcript())
}

// TestEveryRuleOfAPageHasWords fills the card of a page with each reason that it
// can have.
func TestEveryRuleOfAPageHasWords(t *testing.T) {
	t.Parallel()
	texts, err := templates.Load("ru")
	if err != nil {
		t.Fatal(err)
	}
	general := ""
	for _, rule := range []service.MatchRule{
		"a rule of a newer program",
		service.MatchNotFound, service.MatchEmpty, service.MatchNoNumber, service.MatchUnsure, service.MatchDisagree, service.MatchForeign,
		service.MatchNameDiffers, service.MatchNumberShared, service.PageRuleTwice, service.PageRuleLoaded, service.PageRuleBlankSpoiled,
		service.PageRuleBlankUsed, service.PageRuleBlankOutside, service.PageRuleBlankTwice, service.PageRuleNotEntitled,
		service.PageRuleOtherExam, service.PageRuleDuplicate, service.PageRuleUnreadable, service.PageRuleTakenBack,
	} {
		card := bot.QuestionScreen(&service.QuestionView{Page: service.ScanPageLine{ScanPage: service.ScanPage{Rule: rule}}})
		words, err := texts.HTML("question_why", card)
		if err != nil || words == "" {
			t.Errorf("%s: %q, %v", rule, words, err)
		}
		if general == "" {
			general = words
		} else if words == general {
			t.Errorf("%s has no words of its own", rule)
		}
	}
}

func TestTheButtonOfAChoiceNamesPageApplicationAndRevision(t *testing.T) {
	t.Parallel()
	for _, want := range [][4]int64{{1, 1, 1, 0}, {123_456, 7_654_321, 12, 31}, {1<<31 - 1, 1<<31 - 1, 1 << 25, 9}} {
		data := bot.ChoiceData(want[0], want[1], int(want[2]), int(want[3]))
		p, err := bot.ParsePress(data)
		if err != nil || len(data) > 64 {
			t.Fatalf("%q: %v", data, err)
		}
		if got := bot.ReadChoice(p); got != want {
			t.Errorf("%q is %v, want %v", data, got, want)
		}
	}
}

func TestNamesakesAreToldApartByTheirNumbers(t *testing.T) {
	t.Parallel()
	person := func(last, number string) service.Application {
		return service.Application{LastName: last, FirstName: "Али", RegistrationNumber: number}
	}
	tests := []struct {
		name string
		list []service.Application
		want []string
	}{
		{
			"numbers one digit apart",
			[]service.Application{person("Каримов", "24-10-40538-000021-1"), person("Каримов", "24-10-40538-000022-1")},
			[]string{"Каримов А. 0021-1", "Каримов А. 0022-1"},
		},
		{
			"numbers that differ far from their end",
			[]service.Application{person("Каримов", "24-10-40538-000021-1"), person("Каримов", "24-10-40539-000021-1")},
			[]string{"Каримов А. 8-000021-1", "Каримов А. 9-000021-1"},
		},
		{
			"a last name that would push the number off a phone's button",
			[]service.Application{person("Абдурахмонжонзода", "24-10-40538-000021-1")},
			[]string{"Абдурахмонжон… А. 0021-1"},
		},
		{"a number that is short", []service.Application{person("Каримов", "АБ12")}, []string{"Каримов А. АБ12"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, bot.OwnerLabels(tt.list)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
