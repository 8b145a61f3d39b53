package bot_test

import (
	"strings"
	"testing"
	"time"

	"flowbot/bot/chat"
	"flowbot/bot/emulator"
	"flowbot/service"
)

// TestASwappedSlipBringsNothing is read best as testdata/candidate_swapped.golden.
func TestASwappedSlipBringsNothing(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	d.approved(d.exam("Центр", "77", "2026-02-24", 2, registered, daysApart))
	d.loaded(anna, "77-01", "1000000000001")
	d.loaded(anna, "77-02", "1000000000002")
	d.pass(deliveryHold, "the hold is over")
	d.quietly()
	ali, vali := d.abroad("ali", "uz", "+1"), d.abroad("vali", "ru", "+2")
	first, second := d.slip("77-01"), d.slip("77-02")
	ali.Start(second)
	d.settle()
	vali.Start(first)
	d.settle()
	d.says(ali, d.born("77-01"))
	d.says(vali, d.born("77-02"))
	for _, number := range []string{"77-01", "77-02"} {
		if d.application(number).PersonID != 0 {
			t.Errorf("%s is linked by a swapped slip", number)
		}
	}
	d.comes(ali, first, "77-01") // without waiting for the centre
	d.restart()
	d.comes(vali, second, "77-02")
	for _, p := range []string{"ali", "vali"} {
		for _, m := range d.phones[p].Messages() {
			text := m.Text + m.Caption
			if m.Bot && (p == "ali" && strings.Contains(text, "Каримов02") || p == "vali" && strings.Contains(text, "Каримов01")) {
				t.Errorf("%s reads %q", p, text)
			}
		}
		if scansOf(d.phones[p]) != 1 {
			t.Errorf("%s has %d scans", p, scansOf(d.phones[p]))
		}
	}
	golden(t, "candidate_swapped", d.tg.Transcript())
}

// TestTheQuestionOfALink is read best as testdata/candidate_born.golden.
func TestTheQuestionOfALink(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.hire("center", "Центр", "Анна Центрова")
	d.exam("Центр", "77", "2026-02-24", 4, daysApart)
	ali, other := d.abroad("ali", "de", "+1"), d.abroad("other", "en", "+2")
	spent := d.slip("77-04")
	d.joined(other, "77-04")

	d.tg.Note("answers that are none")
	ali.Start(d.slip("77-01"))
	d.settle()
	d.presses(ali, "English") // the question comes in a language that they read
	d.says(ali, "hello")
	ali.SendSticker()
	d.settle()
	d.sends(ali, d.journal("журнал.pdf"))
	d.says(ali, "31.02.1990")

	d.tg.Note("cancelled in both ways, and again")
	d.says(ali, "/cancel")
	d.says(ali, "/cancel")
	d.says(ali, d.born("77-01"))
	token := d.slip("77-01")
	ali.Start(token)
	d.settle()
	under, cancel := button(t, ali, "Cancel")
	d.presses(ali, "Cancel")
	d.pressesOld(ali, under, cancel) // once more
	d.says(ali, d.born("77-01"))

	d.tg.Note("two links, one after another; then one that was used; then a wrong one")
	ali.Start(token)
	ali.Start(d.slip("77-02"))
	d.settle()
	d.says(ali, d.born("77-01"))
	ali.Start(spent)
	d.settle()
	d.says(ali, d.born("77-02"))
	ali.Start("wrong")
	d.settle()

	d.tg.Note("its application is linked before the answer")
	third := d.slip("77-03")
	ali.Start(third)
	d.settle()
	d.comes(other, third, "77-03")
	d.says(ali, d.born("77-03"))

	d.tg.Note("a link that expires before the answer")
	ali.Start(token)
	d.settle()
	if _, err := d.store.Bun().NewRaw(`UPDATE invitations SET expires_at = ?`, d.at).Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.says(ali, d.born("77-01"))

	d.tg.Note("the same tap twice, the same answer twice")
	again := d.slip("77-01")
	ali.Start(again)
	ali.Start(again)
	d.settle()
	d.restart()
	ali.Say(d.born("77-01"))
	ali.Say(d.born("77-01"))
	d.settle()
	ali.Start(again)
	d.settle()
	for number, want := range map[string]bool{"77-01": true, "77-02": false, "77-03": true, "77-04": true} {
		if got := d.application(number).PersonID != 0; got != want {
			t.Errorf("%s linked: %t", number, got)
		}
	}
	golden(t, "candidate_born", d.tg.Transcript())
}

// TestWhoGuessesTheDayOfBirthIsSlowedDown is read best as
// testdata/candidate_born_guessed.golden.
func TestWhoGuessesTheDayOfBirthIsSlowedDown(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.exam("Центр", "77", "2026-02-24", 1, daysApart)
	p := d.abroad("guesser", "ru", "+1")
	p.Start(d.slip("77-01"))
	d.settle()
	for n := range 5 {
		d.says(p, service.NewDay(1980, time.March, 5+n).Russian())
		if n == 0 { // the same once more is no new try
			d.says(p, service.NewDay(1980, time.March, 5).Russian())
		}
	}
	d.says(p, d.born("77-01")) // right, too late
	p.Start(d.slip("77-01"))   // another link is no way around
	d.settle()
	d.says(p, d.born("77-01"))
	if d.application("77-01").PersonID != 0 {
		t.Error("linked while slowed down")
	}
	d.pass(time.Hour+time.Minute, "over an hour later")
	d.says(p, d.born("77-01"))
	if d.application("77-01").PersonID == 0 {
		t.Error("not linked after the wait")
	}
	golden(t, "candidate_born_guessed", d.tg.Transcript())
}

func TestAnAnswerThatIsHandledOnceMoreCountsOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.exam("Центр", "77", "2026-02-24", 1, daysApart)
	ali := d.abroad("ali", "ru", "+1")
	ali.Start(d.slip("77-01"))
	d.settle()
	d.unsaid(ali, "05.03.1980")
	if n := d.tries(ali.ID()); n != 1 {
		t.Errorf("%d wrong answers", n)
	}
	d.unsaid(ali, d.born("77-01"))
	if !strings.Contains(ali.Last().Text, "Каримов01") || d.application("77-01").PersonID == 0 {
		t.Errorf("the right answer: %+v", ali.Last())
	}
}

// TestStaffHearThatTheLinksOfAnApplicationEnded is read best as
// testdata/candidate_born_ended.golden.
func TestStaffHearThatTheLinksOfAnApplicationEnded(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	d.exam("Центр", "77", "2026-02-24", 2, daysApart)
	ali := d.abroad("ali", "ru", "+1")
	finder, other := d.abroad("finder", "uz", "+2"), d.abroad("other", "en", "+3")
	d.joined(finder, "77-02")
	token := d.slip("77-01")
	for _, p := range []*emulator.Phone{finder, other} {
		p.Start(token)
		d.settle()
		for n := range 5 {
			d.says(p, service.NewDay(1980, time.March, 5+n).Russian())
		}
	}
	d.presses(anna, "Пригласить сдающего")
	link := linkIn(t, anna)
	d.tg.Note("the candidate comes with the slip that has ended, and with the new link")
	ali.Start(token)
	d.settle()
	d.comes(ali, link, "77-01")
	d.presses(anna, "Заявка · 77-01", "История")
	if d.application("77-01").PersonID == 0 {
		t.Error("not linked by the new link")
	}
	golden(t, "candidate_born_ended", d.tg.Transcript())
}

// TestTwinsAreToldApartByTheirDocuments is read best as
// testdata/candidate_twins.golden.
func TestTwinsAreToldApartByTheirDocuments(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	d.approved(d.exam("Центр", "77", "2026-02-24", 3, registered, func(n int, a *service.Application) {
		a.BornOn = service.NewDay(1991, time.April, 2)
		if n == 3 {
			a.IdentityDocument = ""
		}
	}))
	d.loaded(anna, "77-01", "1000000000001")
	d.pass(deliveryHold, "the hold is over")
	d.quietly()
	hasan, husan := d.abroad("hasan", "uz", "+1"), d.abroad("husan", "en", "+2")
	d.says(anna, "Экзамен 77")
	d.presses(anna, "Заявки", "Каримов01 Алишер", "Пригласить сдающего")
	link := linkIn(t, anna)
	d.tg.Note("the link of 77-01 is forwarded to the twin")
	husan.Start(link)
	d.settle()
	d.says(husan, d.born("77-02"))
	d.says(husan, "2")
	d.presses(husan, "Русский")
	d.says(husan, d.digits("77-02"))
	d.says(husan, d.born("77-02"))
	d.says(husan, "/cancel")
	d.says(husan, d.digits("77-01")) // guessed, too late
	if d.application("77-01").PersonID != 0 || scansOf(d.phones["husan"]) != 0 {
		t.Error("the twin has the application")
	}
	d.comes(hasan, link, "77-01")
	if scansOf(d.phones["hasan"]) != 1 {
		t.Error("the candidate has no scan")
	}
	d.tg.Note("without a document")
	d.says(anna, "Экзамен 77")
	d.presses(anna, "Заявки", "Каримов03 Алишер", "Пригласить сдающего")
	d.says(anna, "Экзамен 77")
	d.presses(anna, "Листовки с QR")
	golden(t, "candidate_twins", d.tg.Transcript())
}

func TestAnswersThatAreHandledOnceMoreAreAskedForOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.exam("Центр", "77", "2026-02-24", 1) // of the first of January
	ali := d.abroad("ali", "en", "+1")
	ali.Start(d.slip("77-01"))
	d.settle()
	for _, tt := range []struct{ says, reads string }{
		{d.born("77-01"), "the last four digits"},
		{"0000", "The date of birth or the digits of the document do not match"},
		{d.born("77-01"), "the last four digits"},
		{d.digits("77-01"), "Каримов01"},
	} {
		d.unsaid(ali, tt.says)
		if last := ali.Last().Text; !strings.Contains(last, tt.reads) || strings.Contains(last, "Exactly") {
			t.Errorf("%s: %q", tt.says, last)
		}
	}
	if n := d.tries(ali.ID()); n != 0 || d.application("77-01").PersonID == 0 {
		t.Errorf("%d tries", n)
	}
}

// TestStaffDoNotUseUpTheLinkOfACandidate is read best as
// testdata/candidate_link_staff.golden.
func TestStaffDoNotUseUpTheLinkOfACandidate(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	admin := d.hire("admin", "", "Ада Админова")
	d.exam("Центр", "77", "2026-02-24", 1, daysApart)
	token := d.slip("77-01")
	for _, p := range []*emulator.Phone{anna, admin} {
		p.Start(token)
		d.settle()
		d.says(p, d.born("77-01"))
	}
	if d.application("77-01").PersonID != 0 {
		t.Error("linked")
	}
	d.comes(d.abroad("ali", "ru", "+1"), token, "77-01")
	golden(t, "candidate_link_staff", d.tg.Transcript())
}

// TestStaffWhoOpenACandidatesLinkAreNotHeldUp is read best as
// testdata/candidate_born_staff.golden.
func TestStaffWhoOpenACandidatesLinkAreNotHeldUp(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hireElsewhere("Анна Центрова")
	d.exam("Центр", "77", "2026-02-24", 1, daysApart)
	token := d.slip("77-01")
	opens := func(note string) {
		d.tg.Note(note)
		anna.Start(token)
		d.settle()
	}
	opens("/cancel")
	d.says(anna, "/cancel")
	d.says(anna, "01.01.1980")
	opens("a label")
	d.says(anna, "Экзамены")
	d.says(anna, "01.01.1980")
	opens("a button")
	d.presses(anna, "Отменить")
	d.presses(anna, "Экзамены")
	opens("a file")
	d.sends(anna, d.journal("журнал.pdf"))
	opens("another conversation")
	d.says(anna, "Пригласить")
	d.says(anna, "01.01.1980")
	opens("a wrong answer, and another link")
	d.says(anna, "01.01.1980")
	anna.Start("wrong")
	d.settle()
	if a := d.application("77-01"); a.PersonID != 0 {
		t.Error("linked")
	}
	if n := d.tries(anna.ID()); n != 1 {
		t.Errorf("%d wrong answers", n)
	}
	golden(t, "candidate_born_staff", d.tg.Transcript())
}

// unsaid has what is said handled while nothing can be sent, and then once more.
func (d *desk) unsaid(p *emulator.Phone, text string) {
	d.t.Helper()
	p.Say(text)
	raw, err := d.client.Updates(d.t.Context(), d.offset, 0)
	if err != nil || len(raw) != 1 {
		d.t.Fatalf("%d updates, %v", len(raw), err)
	}
	d.tg.Inject(emulator.Fault{Method: "sendMessage", Chat: p.ID(), Status: 400, Description: "Bad Request: no luck", Times: -1})
	if err := d.bot.Work(d.t.Context(), service.Update{Raw: raw[0], Attempts: 1}); err == nil {
		d.t.Error("sent while nothing can be")
	}
	d.tg.ClearFaults()
	if err := d.bot.Work(d.t.Context(), service.Update{Raw: raw[0], Attempts: 2}); err != nil {
		d.t.Fatal(err)
	}
	u, err := chat.Decode(raw[0])
	if err != nil {
		d.t.Fatal(err)
	}
	d.offset = u.ID + 1
}

// tries is how many wrong answers of a Telegram user are counted.
func (d *desk) tries(telegramID int64) int {
	d.t.Helper()
	c, err := d.store.Claim(d.t.Context(), telegramID)
	if err != nil {
		d.t.Fatal(err)
	}
	return c.Tries
}
