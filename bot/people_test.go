package bot_test

import (
	"bytes"
	"context"
	"image"
	_ "image/png" // the QR picture
	"log/slog"
	"math/rand/v2"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/skip2/go-qrcode"

	"flowbot/bot"
	"flowbot/bot/chat"
	"flowbot/bot/emulator"
	"flowbot/db"
	"flowbot/db/dbtest"
	"flowbot/service"
	"flowbot/templates"
)

// office is a bot with its people and their phones. Every deed on a phone is
// followed by serve, so that transcripts come out the same each time.
type office struct {
	t      *testing.T
	store  *db.DB
	people *service.People
	tg     *emulator.Server
	client chat.Client
	bot    *bot.Bot
	at     time.Time
	offset int64
	orgs   map[string]*service.Org
	phones map[string]*emulator.Phone
	log    bytes.Buffer
}

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{
		t: t, store: dbtest.New(t), at: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC),
		orgs: map[string]*service.Org{}, phones: map[string]*emulator.Phone{},
	}
	now := func() time.Time { return o.at }
	o.tg = emulator.New(emulator.Options{Transcript: true, Now: now, BotName: "flowbot"})
	srv := httptest.NewServer(o.tg)
	atEnd(t, func() {
		o.tg.Close()
		srv.Close()
	})
	o.client = chat.New(chat.Config{Token: o.tg.Token(), URL: srv.URL, Rate: 1e6, ChatRate: 1e6})
	o.people = service.NewPeople(o.store, now, rand.NewChaCha8([32]byte{1}))
	o.restart()
	for _, in := range []service.NewOrg{
		{Kind: service.OrgPartner, Name: "Север & <Ко>"},
		{Kind: service.OrgPartner, Name: "Юг"},
		{Kind: service.OrgOperator, Name: "Оператор"},
		{Kind: service.OrgCenter, Name: "Центр"},
	} {
		org, err := o.people.AddOrg(t.Context(), service.CommandLine, in)
		if err != nil {
			t.Fatal(err)
		}
		o.orgs[in.Name] = org
	}
	return o
}

// restart makes a new bot over what is stored.
func (o *office) restart() {
	o.t.Helper()
	now := func() time.Time { return o.at }
	texts, err := templates.Load("ru")
	if err != nil {
		o.t.Fatal(err)
	}
	calendar := func(context.Context) (*service.Calendar, error) { return service.NewCalendar(), nil }
	o.bot, err = bot.New(o.client, bot.Services{
		People:     o.people,
		Acts:       service.NewActs(o.store, calendar, nil, nil, now),
		Drafts:     service.NewDrafts(o.store, now),
		Cards:      service.NewCards(o.store, now),
		Candidates: service.NewCandidates(o.store, o.people, nil, nil, rand.NewChaCha8([32]byte{3}), now),
	}, texts, slog.New(slog.NewTextHandler(&o.log, nil)), now)
	if err != nil {
		o.t.Fatal(err)
	}
}

// seat is the place of those who work in an organisation, of admins for "".
func (o *office) seat(org string) service.Seat {
	if org == "" {
		return service.Seat{Role: service.RoleAdmin}
	}
	return service.Seat{Role: o.orgs[org].Kind.Staff(), OrgID: o.orgs[org].ID}
}

// link makes a link past the chat, as the command line does.
func (o *office) link(org, name string) string {
	o.t.Helper()
	token, _, err := o.people.Invite(o.t.Context(), service.CommandLine, o.seat(org), name)
	if err != nil {
		o.t.Fatal(err)
	}
	return token
}

// phone returns a telephone; new ones have nobody behind them yet.
func (o *office) phone(name string) *emulator.Phone {
	if o.phones[name] == nil {
		o.phones[name] = o.tg.Phone(int64(1000+len(o.phones)), name, "ru")
	}
	return o.phones[name]
}

// hire lets a telephone in without a line in the transcript.
func (o *office) hire(phone, org, name string) *emulator.Phone {
	o.t.Helper()
	p := o.phone(phone)
	p.Start(o.link(org, name))
	o.serve()
	o.tg.ResetTranscript()
	return p
}

// serve handles what waits.
func (o *office) serve() {
	o.t.Helper()
	for o.tg.Pending() > 0 {
		raw, err := o.client.Updates(o.t.Context(), o.offset, 0)
		if err != nil {
			o.t.Fatal(err)
		}
		for _, r := range raw {
			u, err := chat.Decode(r)
			if err != nil {
				o.t.Fatal(err)
			}
			if err := o.bot.Handle(o.t.Context(), u); err != nil {
				o.t.Fatalf("update %d: %v", u.ID, err)
			}
			o.offset = u.ID + 1
		}
	}
	if o.log.Len() > 0 {
		o.t.Errorf("log: %s", o.log.String())
		o.log.Reset()
	}
}

func (o *office) says(p *emulator.Phone, text string) {
	o.t.Helper()
	p.Say(text)
	o.serve()
}

func (o *office) presses(p *emulator.Phone, labels ...string) {
	o.t.Helper()
	for _, label := range labels {
		if err := p.Press(label); err != nil {
			o.t.Fatal(err)
		}
		o.serve()
	}
}

func (o *office) starts(p *emulator.Phone, payload string) {
	o.t.Helper()
	p.Start(payload)
	o.serve()
}

// payload reads the token out of the newest invitation on a telephone.
func (o *office) payload(p *emulator.Phone) string {
	o.t.Helper()
	const before = "https://t.me/flowbot?start="
	_, rest, ok := strings.Cut(p.Last().Caption, before)
	if !ok {
		o.t.Fatalf("no link in %q", p.Last().Caption)
	}
	token, _, _ := strings.Cut(rest, "\n")
	return token
}

func TestAnEmployeeInvitesAColleague(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	olga, ivan := o.hire("partner", "Север & <Ко>", "Ольга Петрова"), o.phone("newcomer")

	o.says(ivan, "/start")
	o.says(ivan, "Здравствуйте, я Иван")
	o.says(olga, "/menu")
	o.presses(olga, "Пригласить")
	o.says(olga, " ")
	olga.SendSticker()
	o.serve()
	o.says(olga, "Иван <b> Новый 👩\u200d🏫")
	token := o.payload(olga)
	o.starts(ivan, token)
	o.starts(ivan, token)
	o.presses(ivan, "Сотрудники", "Ольга Петрова", "Назад", "В меню")
	o.says(o.phone("thief"), "/start "+token)
	golden(t, "people_invite", o.tg.Transcript())
}

func TestAnInvitationCanBeScanned(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	olga := o.hire("partner", "Север & <Ко>", "Ольга Петрова")
	o.says(olga, "Пригласить")
	o.says(olga, "Иван Новый")
	m := olga.Last()
	if m.File == nil || !m.File.Photo {
		t.Fatalf("no picture in %+v", m)
	}
	if m.Protected {
		t.Error("an invitation cannot be forwarded")
	}
	picture, _, err := image.Decode(bytes.NewReader(m.File.Data))
	if err != nil {
		t.Fatal(err)
	}
	code, err := qrcode.New("https://t.me/flowbot?start="+o.payload(olga), qrcode.Medium)
	if err != nil {
		t.Fatal(err)
	}
	want := code.Image(picture.Bounds().Dx())
	for y := range picture.Bounds().Dy() {
		for x := range picture.Bounds().Dx() {
			if dark(picture, x, y) != dark(want, x, y) {
				t.Fatalf("the picture is not the link's: pixel %d, %d", x, y)
			}
		}
	}
}

func dark(m image.Image, x, y int) bool {
	r, _, _, _ := m.At(x, y).RGBA()
	return r < 1<<15
}

func TestLinksThatLeadNowhereReadTheSame(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	olga := o.hire("partner", "Север & <Ко>", "Ольга Петрова")
	used := o.link("Юг", "Первый")
	o.starts(o.phone("first"), used)
	expired := o.link("Юг", "Второй")
	o.at = o.at.Add(8 * 24 * time.Hour)
	o.says(olga, "Пригласить")
	o.says(olga, "Третий")
	revoked := o.payload(olga)
	o.presses(olga, "Отозвать приглашение")
	o.tg.ResetTranscript()

	read := map[string][]string{}
	for name, token := range map[string]string{
		"used": used, "expired": expired, "revoked": revoked, "wrong": "AAAAAAAAAAAAAAAAAAAAAA", "odd": "../../etc",
	} {
		p := o.phone(name)
		o.starts(p, token)
		if commands := p.Commands(); len(commands) != 0 {
			t.Errorf("%s: a stranger sees the commands %v", name, commands)
		}
		m := p.Last()
		read[m.HTML+strings.Join(m.Labels(), "|")] = append(read[m.HTML+strings.Join(m.Labels(), "|")], name)
	}
	if len(read) != 1 {
		t.Errorf("answers differ: %v", read)
	}
	o.tg.ResetTranscript()
	o.starts(olga, used) // somebody who is known already
	o.starts(o.phone("wrong"), "")
	golden(t, "people_refused_links", o.tg.Transcript())
}

func TestAnInvitationIsRevoked(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	olga := o.hire("partner", "Север & <Ко>", "Ольга Петрова")
	o.link("Север & <Ко>", "Из командной строки")
	o.says(olga, "Пригласить")
	o.says(olga, "Не тот человек")
	card := olga.Last().ID
	o.presses(olga, "Сотрудники", "Приглашения", "Отозвать приглашение · Не тот человек")
	if err := olga.PressMessage(card, "Отозвать приглашение"); err != nil {
		t.Fatal(err)
	}
	o.serve()
	o.presses(olga, "Сотрудники", "Приглашения", "Отозвать приглашение · Из командной строки")
	golden(t, "people_revoke", o.tg.Transcript())
}

func TestSomebodyIsRemoved(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	olga := o.hire("partner", "Север & <Ко>", "Ольга Петрова")
	ivan := o.hire("colleague", "Север & <Ко>", "Иван Новый")
	o.says(ivan, "/staff")
	screen := ivan.Last().ID
	o.presses(olga, "Сотрудники", "Ольга Петрова", "Убрать из сотрудников", "Назад", "Назад")
	o.presses(olga, "Иван Новый", "Убрать из сотрудников")
	o.presses(olga, "Да, убрать")
	if err := ivan.PressMessage(screen, "Ольга Петрова"); err != nil {
		t.Fatal(err)
	}
	o.serve()
	if commands := ivan.Commands(); len(commands) != 0 {
		t.Errorf("the removed still see the commands %v", commands)
	}
	o.presses(olga, "Ольга Петрова", "Убрать из сотрудников", "Да, убрать")
	golden(t, "people_remove", o.tg.Transcript())
}

func TestNobodyIsRemovedTwice(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	olga := o.hire("partner", "Юг", "Ольга Петрова")
	anna := o.hire("second", "Юг", "Анна Вторая")
	o.hire("colleague", "Юг", "Иван Новый")
	for _, p := range []*emulator.Phone{olga, anna} {
		o.says(p, "Сотрудники")
		o.presses(p, "Иван Новый", "Убрать из сотрудников")
	}
	o.tg.ResetTranscript()
	o.presses(olga, "Да, убрать")
	o.presses(anna, "Да, убрать")
	golden(t, "people_removed_twice", o.tg.Transcript())
}

func TestSomebodyLeavesAlone(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.hire("colleague", "Юг", "Иван Новый")
	olga := o.hire("partner", "Юг", "Ольга Петрова")
	o.starts(olga, o.link("Оператор", "Ольга Петрова"))
	o.tg.ResetTranscript()
	for _, place := range []string{"Юг", "Оператор"} {
		o.says(olga, "Сотрудники")
		if place == "Юг" { // two places: the list asks
			o.hire("reserve", "Оператор", "Мария Орлова")
			o.presses(olga, place)
		}
		o.presses(olga, "Ольга Петрова", "Убрать из сотрудников", "Да, убрать")
	}
	o.says(olga, "/menu")
	golden(t, "people_leave", o.tg.Transcript())
}

func TestAnAdminGoesThroughThePlaces(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	for i := range 8 {
		_, err := o.people.AddOrg(t.Context(), service.CommandLine, service.NewOrg{
			Kind: service.OrgPartner, Name: "Партнёр " + string(rune('А'+i)),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	admin := o.hire("admin", "", "Анна Админова")
	for i := range 9 {
		o.hire("staff"+string(rune('0'+i)), "Центр", "Сотрудник "+string(rune('1'+i)))
	}
	o.says(admin, "/staff")
	o.presses(admin, "Дальше →", "← Раньше", "Центр", "Дальше →", "Сотрудник 9", "Убрать из сотрудников", "Да, убрать")
	o.says(admin, "пригласить")
	o.presses(admin, "Администраторы", "Отмена")
	o.says(admin, "Пригласить")
	o.presses(admin, "Дальше →", "Юг")
	o.says(admin, "Новый человек")
	golden(t, "people_admin", o.tg.Transcript())
}

func TestSettings(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	olga := o.hire("partner", "Юг", "Ольга Петрова")
	o.says(olga, "/settings")
	o.presses(olga, "Отключить напоминания")
	if p, err := o.store.PersonByTelegram(t.Context(), olga.ID()); err != nil || !p.Muted {
		t.Errorf("not muted: %+v, %v", p, err)
	}
	o.presses(olga, "Включить напоминания", "В меню", "Настройки")
	if p, err := o.store.PersonByTelegram(t.Context(), olga.ID()); err != nil || p.Muted {
		t.Errorf("still muted: %+v, %v", p, err)
	}
	golden(t, "people_settings", o.tg.Transcript())
}

func TestHelpSaysWhatThisPersonCanDo(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	for phone, org := range map[string]string{"partner": "Юг", "operator": "Оператор", "center": "Центр", "admin": ""} {
		o.hire(phone, org, "Сотрудник "+phone)
	}
	for _, phone := range []string{"partner", "operator", "center", "admin"} {
		o.says(o.phones[phone], "/help")
	}
	golden(t, "people_help", o.tg.Transcript())
}

func TestWhoBlocksTheBotIsSeenAsUnreachable(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	olga := o.hire("partner", "Юг", "Ольга Петрова")
	ivan := o.hire("colleague", "Юг", "Иван Новый")
	see := func() string {
		t.Helper()
		o.says(olga, "/staff")
		return olga.Last().Text
	}
	ivan.Block()
	o.serve()
	if text := see(); !strings.Contains(text, "Иван Новый, с 02.03.2026; не получает сообщений с 02.03.2026") {
		t.Errorf("blocked: %s", text)
	}
	ivan.Unblock()
	o.serve()
	if text := see(); strings.Contains(text, "не получает") {
		t.Errorf("let in again: %s", text)
	}
	// A refusal that only the sender has met ends with the person's next word.
	p, err := o.store.PersonByTelegram(t.Context(), ivan.ID())
	if err != nil {
		t.Fatal(err)
	}
	if err := o.people.MarkUnreachable(t.Context(), p.ID, o.at); err != nil {
		t.Fatal(err)
	}
	o.says(ivan, "/menu")
	if text := see(); strings.Contains(text, "не получает") {
		t.Errorf("has written again: %s", text)
	}
}

func TestCommandsFitThePerson(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	if err := o.bot.Announce(t.Context()); err != nil {
		t.Fatal(err)
	}
	names := func(p *emulator.Phone) string {
		var out []string
		for _, c := range p.Commands() {
			out = append(out, c.Command)
		}
		return strings.Join(out, " ")
	}
	olga, stranger := o.hire("partner", "Юг", "Ольга Петрова"), o.phone("stranger")
	if got := names(stranger); got != "start" {
		t.Errorf("a stranger sees %s", got)
	}
	if got := names(olga); got != "tasks menu staff settings help cancel" {
		t.Errorf("an employee sees %s", got)
	}
	if got := olga.MenuButton(); got != "commands" {
		t.Errorf("menu button %s", got)
	}
}

func TestABotLeavesGroups(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	olga := o.hire("partner", "Юг", "Ольга Петрова")
	g := o.tg.Group(-5, "Рабочий чат")
	g.AddBot(olga)
	o.serve()
	if !g.Left() {
		t.Error("the bot stays in a group")
	}
	for _, m := range g.Messages() {
		if m.Bot {
			t.Errorf("the bot wrote %q", m.Text)
		}
	}
}

// TestAnInvitationOutlivesRestarts makes a new bot before each step.
func TestAnInvitationOutlivesRestarts(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	olga := o.hire("partner", "Юг", "Ольга Петрова")
	for _, step := range []func(){
		func() { o.says(olga, "Пригласить") },
		func() { o.says(olga, "") },
		func() { o.says(olga, "Иван Новый") },
	} {
		o.restart()
		step()
	}
	o.restart()
	o.starts(o.phone("newcomer"), o.payload(olga))
	if a, err := o.people.Actor(t.Context(), o.phone("newcomer").ID()); err != nil || a.Name != "Иван Новый" {
		t.Errorf("came in: %+v, %v", a, err)
	}
}

// TestForgedButtonsOfPeopleChangeNothing presses every button of this subject
// as somebody who may not, with ids that are there, that are not, and numbers
// out of range.
func TestForgedButtonsOfPeopleChangeNothing(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.hire("olga", "Север & <Ко>", "Ольга Тайная")
	o.hire("ivan", "Север & <Ко>", "Иван Тайный")
	o.hire("admin", "", "Анна Тайная")
	o.link("Север & <Ко>", "Гость Тайный")
	foreign, stranger := o.hire("foreign", "Юг", "Сергей Южный"), o.phone("stranger")
	o.starts(stranger, "")
	o.says(foreign, "/menu")
	state := func() (s string) {
		t.Helper()
		err := o.store.Bun().NewRaw(`SELECT
			(SELECT string_agg(m::text, ';' ORDER BY id) FROM memberships AS m) ||
			(SELECT string_agg(i::text, ';' ORDER BY id) FROM invitations AS i) ||
			(SELECT string_agg(p::text, ';' ORDER BY id) FROM people AS p WHERE telegram_id <> ?)`, foreign.ID()).Scan(t.Context(), &s)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	before := state()
	for _, p := range []*emulator.Phone{stranger, foreign} {
		for _, do := range []string{"ps", "pi", "po", "pn", "pv", "px", "pc", "pq", "pr", "pt", "pm", "pu"} {
			for _, id := range []string{"1", "2", "3", "5", "-1", "-9", "zz", "1y2p0ij32e8e7"} {
				if id == "2" && (do == "pi" || do == "ps" || do == "pv") {
					continue // the foreign person's own place
				}
				for _, version := range []string{"0", "1", "-1", "zik0zj"} {
					p.PressData(do + ":" + id + ":" + version)
					o.serve()
				}
			}
		}
		for _, m := range p.Messages() {
			for _, text := range append(m.Labels(), m.Text, m.Caption) {
				if strings.Contains(text, "Тайн") || strings.Contains(text, "Север") {
					t.Fatalf("%s learned %q", p.Name(), text)
				}
			}
		}
		if text := p.Toast().Text; strings.Contains(text, "Тайн") {
			t.Errorf("%s learned %q", p.Name(), text)
		}
	}
	if after := state(); after != before {
		t.Errorf("changed:\n%s\n%s", before, after)
	}
}
