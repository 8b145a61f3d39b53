package bot_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

	"flowbot/bot/emulator"
	"flowbot/service"
)

// abroad returns a new telephone whose Telegram speaks a language.
func (d *desk) abroad(name, language, number string) *emulator.Phone {
	d.t.Helper()
	p := d.tg.Phone(int64(1000+len(d.phones)), name, language)
	p.SetNumber(number)
	d.phones[name] = p
	return p
}

// slip makes a candidate's link past the chat.
func (d *desk) slip(number string) string {
	d.t.Helper()
	token, err := d.exams.Candidates.InviteByNumber(d.t.Context(), service.CommandLine, number)
	if err != nil {
		d.t.Fatal(err)
	}
	return token
}

// joined lets a telephone in by an application's link without a line in the
// transcript.
func (d *desk) joined(p *emulator.Phone, number string) {
	d.t.Helper()
	p.Start(d.slip(number))
	d.quietly()
	p.Say(d.born(number))
	d.quietly()
	if d.linkAwaits(p) == service.ClaimLinkDigits {
		p.Say(d.digits(number))
		d.quietly()
	}
}

// linkAwaits is what the bot awaits of a telephone about an application.
func (d *desk) linkAwaits(p *emulator.Phone) service.ClaimStep {
	d.t.Helper()
	c, err := d.exams.Candidates.Claim(d.t.Context(), p.ID())
	if err != nil {
		d.t.Fatal(err)
	}
	return c.Step
}

// digits are the last ones of the document in an application.
func (d *desk) digits(number string) string {
	d.t.Helper()
	document := d.application(number).IdentityDocument
	return document[len(document)-4:]
}

// born is the day of birth in an application, as its candidate writes it.
func (d *desk) born(number string) string {
	d.t.Helper()
	return d.application(number).BornOn.Russian()
}

// comes lets a telephone in by an application's link.
func (d *desk) comes(p *emulator.Phone, token, number string) {
	d.t.Helper()
	p.Start(token)
	d.settle()
	d.answers(p, number)
}

// answers says what a link of an application asks.
func (d *desk) answers(p *emulator.Phone, number string) {
	d.t.Helper()
	d.says(p, d.born(number))
	if d.linkAwaits(p) == service.ClaimLinkDigits {
		d.says(p, d.digits(number))
	}
}

// hireElsewhere lets somebody in who works in another center.
func (d *desk) hireElsewhere(name string) *emulator.Phone {
	d.t.Helper()
	org, err := d.people.AddOrg(d.t.Context(), service.CommandLine, service.NewOrg{Kind: service.OrgCenter, Name: "Другой центр"})
	if err != nil {
		d.t.Fatal(err)
	}
	d.orgs[org.Name] = org
	return d.hire("elsewhere", org.Name, name)
}

// daysApart gives each application of an exam a day of birth of its own, which is
// not the first of January.
func daysApart(n int, a *service.Application) { a.BornOn = service.NewDay(1991, time.April, 1+n) }

// linkIn takes the payload out of the link in the newest message.
func linkIn(t *testing.T, p *emulator.Phone) string {
	t.Helper()
	_, rest, found := strings.Cut(p.Last().Caption+p.Last().Text, "?start=")
	if !found {
		t.Fatalf("no link in %+v", p.Last())
	}
	token, _, _ := strings.Cut(rest, "\n")
	return token
}

// TestACandidateComesByALink is read best as testdata/candidate_link.golden.
func TestACandidateComesByALink(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	d.exam("Центр", "77", "2026-02-24", 3, passed, daysApart)
	d.says(anna, "Экзамен 77")
	d.presses(anna, "Заявки", "Каримов01 Алишер", "Пригласить сдающего")
	if anna.Last().File == nil || !anna.Last().File.Photo || anna.Last().Protected {
		t.Errorf("no picture of the link that can be forwarded: %+v", anna.Last())
	}
	token := linkIn(t, anna)
	ali, thief := d.abroad("ali", "ru", "+998 90 000 00 01"), d.abroad("thief", "en", "+1")
	thief.Start(token) // forwarded, or photographed
	d.settle()
	d.says(thief, "01.01.1980")
	d.comes(ali, token, "77-01")
	d.says(thief, d.born("77-01")) // guessed, too late
	thief.Start(token)
	d.settle()
	ali.Start(token) // the same one again
	d.settle()
	d.says(ali, "mening sertifikatim")
	d.says(ali, "Мой сертификат") // the base language works too
	d.says(ali, "привет")
	d.sends(ali, d.journal("журнал.pdf"))
	for _, command := range []string{"/help", "/tasks", "/cancel", "/staff"} {
		d.says(ali, command)
	}
	d.says(ali, "/settings")
	d.presses(ali, "English", "Language", "Кыргызча", "Тил", "Oʻzbekcha")
	if got := d.application("77-01"); got.PersonID == 0 {
		t.Error("not linked")
	}
	d.says(anna, "Экзамен 77")
	d.presses(anna, "Заявки", "Каримов01 Алишер")
	if slices.Contains(anna.Last().Labels(), "Пригласить сдающего") {
		t.Error("a linked application can be invited to")
	}
	golden(t, "candidate_link", d.tg.Transcript())
}

// family says of an exam that its first two candidates share a telephone, and that
// the third was there twice.
func family(n int, a *service.Application) {
	a.Phone = "79001234567"
	a.Language = ""
	if n == 3 {
		a.BornOn, a.IdentityDocument = service.NewDay(1990, time.January, 1), "FA 1000001"
	}
	if n == 4 {
		a.Phone = "79990000000"
	}
}

// TestACandidateFindsTheirApplicationByTelephone is read best as
// testdata/candidate_phone.golden.
func TestACandidateFindsTheirApplicationByTelephone(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.exam("Центр", "77", "2026-02-24", 4, family)
	ali := d.abroad("ali", "tg", "+7 900 123-45-67")
	d.starts(ali, "")
	d.presses(ali, "Ёфтани дархости ман")
	ali.SendContactOf("+7 900 123-45-67", 5) // a friend's
	d.settle()
	d.says(ali, "+7 900 123-45-67") // typed: nobody vouches for it
	ali.SendSticker()
	d.settle()
	d.restart()
	d.presses(ali, "Фиристодани рақами ман")
	for _, text := range []string{"вчера", "31.02.1990", "01.01.2126"} {
		d.says(ali, text)
	}
	d.says(ali, "01.01.1990")
	for _, text := range []string{"01", "FA 1000001", "12345"} {
		d.says(ali, text)
	}
	d.says(ali, "0002") // a relative's document
	d.says(ali, "01.01.1990")
	d.says(ali, "0001")
	for number, want := range map[string]bool{"77-01": true, "77-02": false, "77-03": true, "77-04": false} {
		if got := d.application(number).PersonID != 0; got != want {
			t.Errorf("%s linked: %v", number, got)
		}
	}

	wife := d.abroad("wife", "hy", "+7 900 123-45-67")
	wife.SendContact("+7 900 123-45-67") // without being asked
	d.settle()
	d.says(wife, "01.01.1990")
	d.says(wife, "0001") // the husband's: linked already, which is not told
	d.says(wife, "02.02.1990")
	d.says(wife, "0002")
	if d.application("77-02").PersonID == 0 || d.application("77-02").PersonID == d.application("77-01").PersonID {
		t.Error("the relatives are not told apart")
	}
	d.says(wife, "Գտնել իմ հայտը")
	d.says(wife, "/cancel")
	if keys := wife.Keys(); len(keys) != 0 {
		t.Errorf("the key stays: %v", keys)
	}
	golden(t, "candidate_phone", d.tg.Transcript())
}

// TestWhoGuessesIsSlowedDown is read best as testdata/candidate_guesses.golden.
func TestWhoGuessesIsSlowedDown(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.exam("Центр", "77", "2026-02-24", 1, family)
	p := d.abroad("guesser", "zh", "+7 900 123-45-67")
	p.SendContact("+7 900 123-45-67")
	d.settle()
	for i := range 5 {
		d.says(p, "01.01.1990")
		d.says(p, fmt.Sprintf("%04d", 1000+i))
	}
	d.says(p, "01.01.1990")
	d.says(p, "0001") // the right ones, too late
	if d.application("77-01").PersonID != 0 {
		t.Error("linked while slowed down")
	}
	d.pass(time.Hour+time.Minute, "over an hour later")
	d.says(p, "0001")
	if d.application("77-01").PersonID == 0 {
		t.Error("not linked after the wait")
	}
	golden(t, "candidate_guesses", d.tg.Transcript())
}

// TestACertificateReachesItsCandidate is read best as
// testdata/candidate_delivery.golden.
func TestACertificateReachesItsCandidate(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	e := d.exam("Центр", "77", "2026-02-24", 3, registered)
	d.approved(e)
	ali, late := d.abroad("ali", "uz", "+1"), d.abroad("late", "en", "+2")
	d.joined(ali, "77-01")
	d.says(ali, "/menu")
	d.presses(ali, "Mening sertifikatim")
	d.loaded(anna, "77-01", "1000000000001")
	d.loaded(anna, "77-02", "1000000000002")
	d.settle()
	d.presses(ali, "Menyuga", "Mening sertifikatim") // held
	d.pass(deliveryHold, "the hold is over")
	d.settle()
	if f := ali.Last().File; f == nil || ali.Last().Protected {
		t.Fatalf("no document that can be kept: %+v", ali.Last())
	}
	if d.application("77-01").DeliveredAt == nil {
		t.Error("not written down")
	}
	d.presses(ali, "Mening sertifikatim", "Nusxasini olish · 77-01")
	d.comes(late, d.slip("77-02"), "77-02")
	late.Start("wrong") // meanwhile
	d.settle()
	if late.Last().File == nil && d.application("77-02").DeliveredAt == nil {
		t.Error("who came late got nothing")
	}
	d.says(anna, "Экзамен 77")
	d.presses(anna, "Сдающие")
	var deliveries int
	if err := d.store.Bun().NewRaw(`SELECT count(*) FROM deliveries`).Scan(t.Context(), &deliveries); err != nil || deliveries != 3 {
		t.Errorf("%d deliveries, %v", deliveries, err)
	}
	golden(t, "candidate_delivery", d.tg.Transcript())
}

// TestAnApplicationIsTakenAway is read best as testdata/candidate_unlink.golden.
func TestAnApplicationIsTakenAway(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	e := d.exam("Центр", "77", "2026-02-24", 2, registered)
	d.approved(e)
	wrong, right := d.abroad("wrong", "en", "+1"), d.abroad("right", "en", "+2")
	d.joined(wrong, "77-01")
	spare := d.slip("77-02")
	d.says(wrong, "/menu")
	d.presses(wrong, "Mening sertifikatim")
	d.loaded(anna, "77-01", "1000000000001") // held still
	d.says(anna, "Экзамен 77")
	d.presses(anna, "Заявки", "Каримов01 Алишер", "Отвязать", "Назад", "Отвязать", "Да, отвязать")
	d.pass(deliveryHold, "the hold is over")
	d.settle()
	d.presses(wrong, "Menyuga")
	d.says(wrong, "Mening sertifikatim")
	if wrong.Last().File != nil || len(wrong.Commands()) != 0 {
		t.Error("the wrong person keeps something")
	}
	for _, m := range wrong.Messages() {
		if m.Bot && (strings.Contains(m.Text, "Каримов01") || strings.Contains(m.Text, "000001-1")) {
			t.Errorf("the wrong chat shows %q", m.Text)
		}
	}
	d.presses(anna, "Пригласить сдающего")
	d.comes(right, linkIn(t, anna), "77-01")
	if right.Last().File == nil {
		t.Error("the right person gets nothing")
	}
	d.says(anna, "Экзамен 77")
	d.presses(anna, "Заявки", "Каримов01 Алишер", "История")
	right.Block()
	d.settle()
	d.says(anna, "Экзамен 77")
	d.presses(anna, "Сдающие")
	d.comes(wrong, spare, "77-02")
	golden(t, "candidate_unlink", d.tg.Transcript())
}

// TestSlipsAreDrawnForThoseWhoAreNotLinked is read best as
// testdata/candidate_slips.golden.
func TestSlipsAreDrawnForThoseWhoAreNotLinked(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	admin := d.hire("admin", "", "Ада Админова")
	d.exam("Центр", "77", "2026-02-24", 3)
	d.joined(d.abroad("ali", "uz", "+1"), "77-01")
	d.says(anna, "Экзамен 77")
	d.presses(anna, "Листовки с QR")
	if f := anna.Last().File; f == nil || !strings.HasPrefix(string(f.Data), "%PDF-") {
		t.Fatalf("no PDF: %+v", anna.Last())
	}
	var open int
	err := d.store.Bun().NewRaw(`SELECT count(*) FROM invitations WHERE used_at IS NULL AND revoked_at IS NULL AND application_id IS NOT NULL`).Scan(t.Context(), &open)
	if err != nil || open != 2 {
		t.Errorf("%d links, %v", open, err)
	}
	transcript := d.tg.Transcript()
	d.joined(d.abroad("two", "en", "+2"), "77-02")
	d.joined(d.abroad("three", "en", "+3"), "77-03")
	d.presses(anna, "Сдающие")
	d.says(anna, "Листовки с QR · 77")
	d.says(admin, "Экзамен 77")
	d.presses(admin, "Сдающие")
	if slices.Contains(admin.Last().Labels(), "Листовки с QR") {
		t.Error("an admin can make links to certificates")
	}
	golden(t, "candidate_slips", transcript+d.tg.Transcript())
}

// TestWhoWorksHereCanBeACandidateToo is read best as
// testdata/candidate_and_staff.golden.
func TestWhoWorksHereCanBeACandidateToo(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hireElsewhere("Анна Центрова")
	d.exam("Центр", "77", "2026-02-24", 1)
	d.says(anna, "Язык") // not hers yet
	d.comes(anna, d.slip("77-01"), "77-01")
	d.says(anna, "/menu")
	d.presses(anna, "Мой сертификат", "В меню", "Язык", "English")
	d.says(anna, "Экзамены")
	d.says(anna, "My certificate")
	d.presses(anna, "To the menu")
	d.says(anna, "Language")
	d.says(anna, "/cancel")
	golden(t, "candidate_and_staff", d.tg.Transcript())
}

// TestAnAnswerThatNeverCameIsNotRepeated is read best as
// testdata/candidate_unknown.golden.
func TestAnAnswerThatNeverCameIsNotRepeated(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	admin := d.hire("admin", "", "Ада Админова")
	d.approved(d.exam("Центр", "77", "2026-02-24", 1, registered))
	ali := d.abroad("ali", "az", "+1")
	d.joined(ali, "77-01")
	d.loaded(anna, "77-01", "1000000000001")
	d.tg.Inject(emulator.Fault{Method: "sendDocument", Chat: ali.ID(), Drop: emulator.DropAfter, Times: 1})
	d.pass(deliveryHold, "the hold is over; the connection breaks after the scan has left")
	if _, err := d.sender.SendAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(d.log.String(), "outcome unknown") {
		t.Errorf("log: %s", d.log.String())
	}
	d.log.Reset()
	d.settle()
	ali.Block() // who comes back gets what they missed, but not what may have arrived
	d.settle()
	ali.Unblock()
	d.settle()
	files := 0
	for _, m := range ali.Messages() {
		if m.Bot && m.File != nil {
			files++
		}
	}
	if files != 1 {
		t.Errorf("%d documents", files)
	}
	d.says(anna, "Экзамен 77")
	d.presses(anna, "Сдающие")
	golden(t, "candidate_unknown", d.tg.Transcript())
	d.says(admin, "Неполадки") // with the machine's time
	if text := admin.Last().Text; !strings.Contains(text, "не подтверждено, могло дойти") {
		t.Errorf("troubles: %s", text)
	}
}

// TestWhoBlocksTheBotGetsTheirCertificateLater is read best as
// testdata/candidate_blocked.golden.
func TestWhoBlocksTheBotGetsTheirCertificateLater(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	d.approved(d.exam("Центр", "77", "2026-02-24", 2, registered, func(_ int, a *service.Application) { a.Language = "ky" }))
	ali := d.abroad("ali", "ky", "+1")
	d.joined(ali, "77-01")
	d.joined(ali, "77-02") // a second application of the same person
	ali.Block()
	d.settle()
	d.loaded(anna, "77-01", "1000000000001")
	d.loaded(anna, "77-02", "1000000000002")
	d.pass(deliveryHold, "the hold is over")
	d.settle()
	d.says(anna, "Экзамен 77")
	d.presses(anna, "Сдающие")
	d.pass(12*time.Hour, "in the night")
	ali.Unblock()
	d.says(ali, "/menu")
	d.pass(10*time.Hour, "in the morning")
	d.settle()
	for _, number := range []string{"77-01", "77-02"} {
		if d.application(number).DeliveredAt == nil {
			t.Errorf("%s not delivered", number)
		}
	}
	golden(t, "candidate_blocked", d.tg.Transcript())
}

// TestEveryWordToACandidateIsInTheirLanguage walks through all that candidates
// see, in a language that has no Cyrillic letters.
func TestEveryWordToACandidateIsInTheirLanguage(t *testing.T) {
	t.Parallel()
	for _, language := range []string{"uz", "az", "hy", "zh", "en"} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			anna := d.hire("center", "Центр", "Анна Центрова")
			d.approved(d.exam("Центр", "77", "2026-02-24", 4, registered, func(n int, a *service.Application) {
				a.Language, a.LastName, a.FirstName, a.MiddleName = "", "KARIMOV", "ALI", ""
				switch n {
				case 2:
					a.RegistrationNumber, a.IssuedOn, a.ValidUntil, a.Outcome = "", service.Day{}, service.Day{}, service.OutcomeFailed
				case 3:
					a.RegistrationNumber, a.IssuedOn, a.ValidUntil, a.Violations = "", service.Day{}, service.Day{}, service.ViolationsFound
				case 4:
					a.RegistrationNumber, a.IssuedOn, a.ValidUntil, a.Outcome = "", service.Day{}, service.Day{}, service.OutcomeAbsent
				}
			}))
			if err := d.bot.Announce(t.Context()); err != nil {
				t.Fatal(err)
			}
			d.loaded(anna, "77-01", "1000000000001")
			p := d.abroad("abroad", language, "+1")
			var commands []string
			look := func() {
				for _, c := range p.Commands() {
					commands = append(commands, c.Command+" "+c.Description)
				}
			}
			words := func(texts ...string) {
				for _, text := range texts {
					d.says(p, text)
				}
				look()
			}
			words("/start", "/start wrong", "/help", "/settings", "/cancel", "hello", "/cancel")
			p.PressData("cdf:0:0")
			d.settle()
			words("hello", "/cancel")
			p.PressData("exl:0:0")
			p.PressData("nonsense")
			d.settle()
			p.SendContactOf("+1", 7)
			d.settle()
			p.SendContact("+79000000001")
			d.settle()
			words("hello", "01.01.1990", "12", "1234")
			for range 4 {
				words("01.01.1990", "1234")
			}
			words("01.01.1990", "0001")
			d.pass(2*time.Hour, "later")
			words("0001", "/menu", "/tasks", "/settings", "/help", "/staff", "/cancel")
			for _, code := range []string{"mm", "mt", "pt", "cdm", "cdl", "cdf", "cdx", "cdd", "exl", "wx", "nonsense"} {
				p.PressData(code + ":0:0")
				d.settle()
				p.PressData(code + ":1:0")
				d.settle()
				if text := p.Toast().Text; cyrillic(text) {
					t.Errorf("%s: %q", code, text)
				}
			}
			for _, number := range []string{"77-02", "77-03", "77-04"} {
				p.Start(d.slip(number))
				d.settle()
				words("hello", "01.01.1980", "/cancel")
				d.comes(p, d.slip(number), number)
			}
			look()
			files := 0
			for _, m := range p.Messages() {
				if !m.Bot {
					continue
				}
				text := strings.Join(append(m.Labels(), m.Text, m.Caption), "\n")
				if m.File != nil {
					files++
					text += m.File.Name
				}
				for _, own := range []string{"Русский", "Тоҷикӣ", "Кыргызча", "Центр"} {
					text = strings.ReplaceAll(text, own, "")
				}
				if cyrillic(text) {
					t.Errorf("%q", text)
				}
			}
			if files == 0 || len(commands) == 0 || cyrillic(strings.Join(commands, "\n")) {
				t.Errorf("%d files, commands %q", files, commands)
			}
		})
	}
}

func cyrillic(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.Is(unicode.Cyrillic, r) })
}

// TestACandidateSeesNothingElse presses every button as a candidate, as another
// candidate and as a stranger, with ids that are there, and types every label.
func TestACandidateSeesNothingElse(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	anna := d.hire("center", "Центр", "Анна Центрова")
	e := d.exam("Центр", "77", "2026-02-24", 3, registered, func(n int, a *service.Application) {
		a.Language = "en"
		a.LastName = fmt.Sprintf("Тайный%02d", n)
	})
	d.approved(e)
	d.cohort("Юг", "118", "2026-02-27", 2)
	d.loaded(anna, "77-01", "1000000000001")
	first, second, stranger := d.abroad("first", "en", "+1"), d.abroad("second", "en", "+2"), d.abroad("stranger", "en", "+3")
	d.joined(first, "77-01")
	d.joined(second, "77-02")
	d.starts(stranger, "")
	d.pass(deliveryHold, "the hold is over")
	d.quietly()
	own := map[string]string{"first": "Тайный01", "second": "Тайный02"}
	state := func() (s string) {
		t.Helper()
		err := d.store.Bun().NewRaw(`SELECT concat(
			(SELECT string_agg(a::text, ';' ORDER BY id) FROM applications AS a),
			(SELECT string_agg(e::text, ';' ORDER BY id) FROM exams AS e),
			(SELECT string_agg(i::text, ';' ORDER BY id) FROM invitations AS i),
			(SELECT string_agg(m::text, ';' ORDER BY id) FROM memberships AS m),
			(SELECT count(*) FROM drafts), (SELECT count(*) FROM uploads))`).Scan(t.Context(), &s)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	before := state()
	for _, p := range []*emulator.Phone{first, second, stranger} {
		for _, code := range d.bot.Codes() {
			for _, id := range []int64{0, 1, 2, 3, -1} {
				for _, version := range []int{0, 1, 2} {
					p.PressData(fmt.Sprintf("%s:%d:%d", code, id, version))
				}
				d.serve()
			}
		}
		for _, label := range d.bot.Labels() {
			p.Say(label)
			p.Say(label + " · 77")
			d.serve()
		}
		for _, command := range []string{"/staff", "/tasks", "/settings", "/help", "/cancel", "/menu", "/start"} {
			p.Say(command)
			d.serve()
		}
		d.settle()
		for _, m := range p.Messages() {
			text := strings.Join(append(m.Labels(), m.Text, m.Caption), "\n")
			for _, secret := range []string{"Тайный01", "Тайный02", "Тайный03", "Анна", "Слушатель", "118", "Экзамены", "Сотрудники"} {
				if m.Bot && secret != own[p.Name()] && strings.Contains(text, secret) {
					t.Fatalf("%s reads %q", p.Name(), text)
				}
			}
			if m.Bot && m.File != nil && p != first {
				t.Fatalf("%s got %s", p.Name(), m.File.Name)
			}
		}
	}
	if after := state(); after != before {
		t.Errorf("changed:\n%s\n%s", before, after)
	}
}
