package service_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"flowbot/db"
	"flowbot/db/dbtest"
	"flowbot/service"
)

// house is an installation with its people, and a clock that a test moves.
type house struct {
	*service.People
	t     *testing.T
	store *db.DB
	mu    sync.Mutex
	at    time.Time
	next  int64 // Telegram user
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, store: dbtest.New(t), at: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), next: 1000}
	h.People = service.NewPeople(h.store, h.now, rand.Reader)
	return h
}

func (h *house) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.at
}

func (h *house) wait(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.at = h.at.Add(d)
}

func (h *house) org(kind service.OrgKind, name string) *service.Org {
	h.t.Helper()
	o, err := h.AddOrg(h.t.Context(), service.CommandLine, service.NewOrg{Kind: kind, Name: name})
	if err != nil {
		h.t.Fatalf("add %s: %v", name, err)
	}
	return o
}

func (h *house) link(by service.Actor, seat service.Seat, name string) string {
	h.t.Helper()
	token, _, err := h.Invite(h.t.Context(), by, seat, name)
	if err != nil {
		h.t.Fatalf("invite %s: %v", name, err)
	}
	return token
}

// hire lets a new Telegram user into a seat.
func (h *house) hire(seat service.Seat, name string) service.Actor {
	h.t.Helper()
	h.next++
	return h.enter(h.next, h.link(service.CommandLine, seat, name))
}

func (h *house) enter(telegramID int64, token string) service.Actor {
	h.t.Helper()
	in, err := h.Accept(h.t.Context(), service.AcceptInput{TelegramID: telegramID, Token: token})
	if err != nil {
		h.t.Fatalf("accept: %v", err)
	}
	return in.Actor
}

// sits returns the id of an actor's membership.
func (h *house) sits(a service.Actor, seat service.Seat) int64 {
	h.t.Helper()
	page, err := h.Colleagues(h.t.Context(), service.CommandLine, seat, 0, 1000)
	if err != nil {
		h.t.Fatalf("colleagues: %v", err)
	}
	for _, c := range page.List {
		if c.PersonID == a.PersonID {
			return c.MembershipID
		}
	}
	h.t.Fatalf("%s does not sit in %v", a.Name, seat)
	return 0
}

// again is the actor as the next press will see them.
func (h *house) again(a service.Actor) service.Actor {
	h.t.Helper()
	now, err := h.store.ActorByID(h.t.Context(), a.PersonID)
	if err != nil && service.AsError(err).Kind != service.NotFound {
		h.t.Fatalf("actor: %v", err)
	}
	return now
}

func (h *house) events(subject string, id int64) []string {
	h.t.Helper()
	rows, err := h.store.HistoryOf(h.t.Context(), subject, id, 100)
	if err != nil {
		h.t.Fatalf("history: %v", err)
	}
	var out []string
	for _, r := range rows {
		by := r.By
		if by == "" {
			by = "-"
		}
		out = append(out, strings.Join(strings.Fields(fmt.Sprintf("%s %s %s>%s %s", by, r.Event, r.FromStatus, r.ToStatus, r.Comment)), " "))
	}
	return out
}

func wantReason(t *testing.T, err error, want service.Reason) {
	t.Helper()
	if got := service.ReasonOf(err); got != want {
		t.Errorf("refused with %q (%v), want %q", got, err, want)
	}
}

func TestOrganisationsAreChecked(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	partner := h.org(service.OrgPartner, "Школа русского языка")
	rep := h.hire(service.Seat{Role: service.RolePartnerRep, OrgID: partner.ID}, "Ольга Петрова")
	admin := h.hire(service.Seat{Role: service.RoleAdmin}, "Анна Админова")

	tests := []struct {
		name   string
		by     service.Actor
		in     service.NewOrg
		want   service.Org // ID and CreatedAt aside
		reason service.Reason
	}{
		{
			"an admin adds with all that there is", admin,
			service.NewOrg{Kind: service.OrgCenter, Name: " Центр  тестирования\n", INN: "7701234567", Zone: "Asia/Yekaterinburg"},
			service.Org{Kind: service.OrgCenter, Name: "Центр тестирования", INN: "7701234567", Zone: "Asia/Yekaterinburg"},
			"",
		},
		{
			"the zone is Moscow by default", service.CommandLine,
			service.NewOrg{Kind: service.OrgPartner, Name: "Учебный центр <&> «Друг» 🎓"},
			service.Org{Kind: service.OrgPartner, Name: "Учебный центр <&> «Друг» 🎓", Zone: "Europe/Moscow"},
			"",
		},
		{
			"one name can be of two kinds", service.CommandLine,
			service.NewOrg{Kind: service.OrgCenter, Name: "Школа русского языка"},
			service.Org{Kind: service.OrgCenter, Name: "Школа русского языка", Zone: "Europe/Moscow"},
			"",
		},
		{"an employee may not", rep, service.NewOrg{Kind: service.OrgPartner, Name: "Своя"}, service.Org{}, service.ReasonForbidden},
		{"a stranger may not", service.Actor{}, service.NewOrg{Kind: service.OrgPartner, Name: "Своя"}, service.Org{}, service.ReasonForbidden},
		{"an unknown kind", admin, service.NewOrg{Kind: "school", Name: "Школа"}, service.Org{}, service.ReasonOrgKindUnknown},
		{"no name", admin, service.NewOrg{Kind: service.OrgPartner, Name: " \u202e\t"}, service.Org{}, service.ReasonOrgName},
		{"a name of 301 letters", admin, service.NewOrg{Kind: service.OrgPartner, Name: strings.Repeat("ж", 301)}, service.Org{}, service.ReasonOrgName},
		{"an INN of nine digits", admin, service.NewOrg{Kind: service.OrgPartner, Name: "Иная", INN: "770708389"}, service.Org{}, service.ReasonOrgINN},
		{"an unknown zone", admin, service.NewOrg{Kind: service.OrgPartner, Name: "Иная", Zone: "Moscow"}, service.Org{}, service.ReasonOrgZone},
		{"the machine's own zone", admin, service.NewOrg{Kind: service.OrgPartner, Name: "Иная", Zone: "Local"}, service.Org{}, service.ReasonOrgZone},
		{"the same name again", admin, service.NewOrg{Kind: service.OrgPartner, Name: "Школа русского  языка"}, service.Org{}, service.ReasonOrgExists},
		{"the same INN again", admin, service.NewOrg{Kind: service.OrgCenter, Name: "Другой центр", INN: "7701234567"}, service.Org{}, service.ReasonOrgINNTaken},
		{
			"the operator", admin,
			service.NewOrg{Kind: service.OrgOperator, Name: "Оператор"},
			service.Org{Kind: service.OrgOperator, Name: "Оператор", Zone: "Europe/Moscow"},
			"",
		},
		{"a second operator", admin, service.NewOrg{Kind: service.OrgOperator, Name: "Второй оператор"}, service.Org{}, service.ReasonOrgOneOperator},
	}
	for _, tt := range tests { // in this order: some rely on what stands above
		got, err := h.AddOrg(t.Context(), tt.by, tt.in)
		if service.ReasonOf(err) != tt.reason {
			t.Errorf("%s: refused with %v, want %q", tt.name, err, tt.reason)
			continue
		}
		if err != nil {
			continue
		}
		kept, err := h.store.Org(t.Context(), got.ID)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(got, kept); diff != "" {
			t.Errorf("%s: returned and kept differ: %s", tt.name, diff)
		}
		kept.ID, kept.CreatedAt = 0, time.Time{}
		if diff := cmp.Diff(&tt.want, kept); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}

func TestTaxpayerNumbers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		inn  string
		want bool
	}{
		{"7812345678", true},
		{"770123456789", true},
		{"7701234567", true},
		{"770708389", false},
		{"77012345670", false},
		{"770708389a", false},
		{"７７０７０８３８９３", false}, // full-width digits
		{"", false},
	}
	for _, tt := range tests {
		if got := service.ValidINN(tt.inn); got != tt.want {
			t.Errorf("ValidINN(%q) = %v", tt.inn, got)
		}
	}
}

func TestNamesAreKeptAsTyped(t *testing.T) {
	t.Parallel()
	tests := []struct{ in, want string }{
		{"Иванов <b> & \"Ко\"", "Иванов <b> & \"Ко\""},
		{"  Анна \t Мария\nде ла Крус ", "Анна Мария де ла Крус"},
		{"abc\u202efdp.exe\u2066", "abcfdp.exe"},
		{"a\x00b\x07c\ufeff\u200b", "abc"},
		{"👩\u200d🏫 Ольга", "👩\u200d🏫 Ольга"},
		{"\xff\xfeж", "ж"},
		{"\u00a0\u2003\u2028", ""},
	}
	for _, tt := range tests {
		if got := service.PlainName(tt.in); got != tt.want {
			t.Errorf("PlainName(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

// town has one organisation of each kind, two of the partners, and somebody in
// every role.
type town struct {
	*house
	north, south, operator, center          *service.Org
	admin, northRep, southRep, opRep, staff service.Actor
}

func newTown(t *testing.T) *town {
	t.Helper()
	h := newHouse(t)
	w := &town{
		house: h,
		north: h.org(service.OrgPartner, "Север"), south: h.org(service.OrgPartner, "Юг"),
		operator: h.org(service.OrgOperator, "Оператор"), center: h.org(service.OrgCenter, "Центр"),
	}
	w.admin = h.hire(service.Seat{Role: service.RoleAdmin}, "Анна Админова")
	w.northRep = h.hire(w.seat(w.north), "Ольга Петрова")
	w.southRep = h.hire(w.seat(w.south), "Сергей Южный")
	w.opRep = h.hire(w.seat(w.operator), "Мария Орлова")
	w.staff = h.hire(w.seat(w.center), "Пётр Центров")
	return w
}

func (w *town) seat(o *service.Org) service.Seat {
	return service.Seat{Role: o.Kind.Staff(), OrgID: o.ID}
}

func TestWhoInvitesWhom(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	admin := service.Seat{Role: service.RoleAdmin}
	tests := []struct {
		name   string
		by     service.Actor
		seat   service.Seat
		whom   string
		reason service.Reason
	}{
		{"the command line an admin", service.CommandLine, admin, "Второй админ", ""},
		{"an admin an admin", w.admin, admin, "Второй админ", ""},
		{"an admin anybody", w.admin, w.seat(w.center), "Новичок", ""},
		{"a partner's representative into the own organisation", w.northRep, w.seat(w.north), "Новичок", ""},
		{"an operator's representative", w.opRep, w.seat(w.operator), "Новичок", ""},
		{"a center's employee", w.staff, w.seat(w.center), "Новичок", ""},
		{"into another organisation", w.northRep, w.seat(w.south), "Новичок", service.ReasonForbidden},
		{"into another role of the own organisation", w.northRep, service.Seat{Role: service.RoleOperatorRep, OrgID: w.north.ID}, "Новичок", service.ReasonForbidden},
		{"into an organisation that is not there", w.northRep, service.Seat{Role: service.RolePartnerRep, OrgID: 777}, "Новичок", service.ReasonForbidden},
		{"an employee an admin", w.opRep, admin, "Новичок", service.ReasonForbidden},
		{"a stranger", service.Actor{}, w.seat(w.north), "Новичок", service.ReasonForbidden},
		{"the clock", service.System, admin, "Новичок", service.ReasonForbidden},
		{"somebody who claims a seat", service.Actor{PersonID: w.southRep.PersonID, Seats: []service.Seat{w.seat(w.north)}}, w.seat(w.north), "Новичок", service.ReasonForbidden},
		{"without a name", w.northRep, w.seat(w.north), " ", service.ReasonPersonName},
		{"with a name of 121 letters", w.northRep, w.seat(w.north), strings.Repeat("я", 121), service.ReasonPersonName},
		{"with a name of 120 letters", w.northRep, w.seat(w.north), strings.Repeat("я", 120), ""},
		{"a candidate", service.CommandLine, service.Seat{Role: service.RoleCandidate}, "Сдающий", service.ReasonInvitationCandidate},
		{"an unknown role", service.CommandLine, service.Seat{Role: "boss"}, "Новичок", service.ReasonRoleUnknown},
		{"a role without its organisation", service.CommandLine, service.Seat{Role: service.RolePartnerRep}, "Новичок", service.ReasonRoleNeedsOrg},
		{"an admin with an organisation", service.CommandLine, service.Seat{Role: service.RoleAdmin, OrgID: w.north.ID}, "Новичок", service.ReasonRoleNeedsNoOrg},
		{"a role in an organisation of another kind", service.CommandLine, service.Seat{Role: service.RoleCenterStaff, OrgID: w.north.ID}, "Новичок", service.ReasonRoleOrg},
		{"an organisation that is not there, by an admin", w.admin, service.Seat{Role: service.RolePartnerRep, OrgID: 777}, "Новичок", service.ReasonNotFound},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			token, inv, err := w.Invite(t.Context(), tt.by, tt.seat, tt.whom)
			wantReason(t, err, tt.reason)
			if err != nil {
				return
			}
			if len(token) != 22 || strings.Trim(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") != "" {
				t.Errorf("token %q does not fit a start payload", token)
			}
			if want := w.now().Add(7 * 24 * time.Hour); !inv.ExpiresAt.Equal(want) || inv.Name != tt.whom || inv.CreatedBy != tt.by.PersonID {
				t.Errorf("invitation %+v, want until %v by %d", inv, want, tt.by.PersonID)
			}
		})
	}
}

func TestALinkLetsOnePersonIn(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	token := w.link(w.northRep, w.seat(w.north), "Иван Новый")

	got, err := w.Accept(t.Context(), service.AcceptInput{TelegramID: 55, Language: "kk", Token: token})
	if err != nil {
		t.Fatal(err)
	}
	want := service.Arrival{
		Actor: service.Actor{
			PersonID: got.Actor.PersonID, Name: "Иван Новый", Language: "ru",
			Zone: "Europe/Moscow", Seats: []service.Seat{w.seat(w.north)},
		},
		Seat: w.seat(w.north), Org: w.north,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	actor, err := w.Actor(t.Context(), 55)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.Actor, actor); diff != "" {
		t.Errorf("the next press: %s", diff)
	}

	if diff := cmp.Diff([]string{
		"- added >partner",
		"- invited >partner_rep Ольга Петрова",
		"Ольга Петрова joined >partner_rep",
		"Ольга Петрова invited >partner_rep Иван Новый",
		"Иван Новый joined >partner_rep",
	}, w.events(service.SubjectOrg, w.north.ID)); diff != "" {
		t.Errorf("history of the organisation: %s", diff)
	}
	if diff := cmp.Diff([]string{"Иван Новый joined >partner_rep"}, w.events(service.SubjectPerson, actor.PersonID)); diff != "" {
		t.Errorf("history of the person: %s", diff)
	}

	var kept int
	err = w.store.Bun().NewRaw(`SELECT count(*) FROM invitations AS i WHERE i::text LIKE ?`, "%"+token+"%").Scan(t.Context(), &kept)
	if err != nil || kept != 0 {
		t.Errorf("the token stands in %d rows (%v)", kept, err)
	}
}

func TestOneMoreSeatForTheSamePerson(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	first := w.enter(55, w.link(service.CommandLine, w.seat(w.north), "Иван Новый"))
	second := w.enter(55, w.link(service.CommandLine, w.seat(w.operator), "И. Новый"))

	want := first
	want.Seats = []service.Seat{w.seat(w.north), w.seat(w.operator)}
	if diff := cmp.Diff(want, second); diff != "" {
		t.Error(diff)
	}

	token := w.link(service.CommandLine, w.seat(w.north), "Иван Новый")
	in, err := w.Accept(t.Context(), service.AcceptInput{TelegramID: 55, Token: token})
	if err != nil || !in.Already {
		t.Errorf("a seat that they have: %+v, %v", in, err)
	}
	if diff := cmp.Diff(want, in.Actor); diff != "" {
		t.Error(diff)
	}
	_, err = w.Accept(t.Context(), service.AcceptInput{TelegramID: 56, Token: token})
	wantReason(t, err, service.ReasonInvitationInvalid) // it is used up all the same
	if got := w.events(service.SubjectPerson, first.PersonID); len(got) != 2 {
		t.Errorf("history = %q, want two seats", got)
	}
}

func TestAWelcomeCanBeRepeated(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	token := w.link(service.CommandLine, w.seat(w.north), "Иван Новый")
	first := w.enter(55, token)

	in, err := w.Accept(t.Context(), service.AcceptInput{TelegramID: 55, Token: token})
	if err != nil || !in.Already || in.Actor.PersonID != first.PersonID {
		t.Errorf("the same press again: %+v, %v", in, err)
	}
	if _, err := w.Remove(t.Context(), w.northRep, w.sits(first, w.seat(w.north))); err != nil {
		t.Fatal(err)
	}
	_, err = w.Accept(t.Context(), service.AcceptInput{TelegramID: 55, Token: token})
	wantReason(t, err, service.ReasonInvitationInvalid) // an old link is no way back
}

// TestRefusedLinksLookTheSame compares whole errors: whoever tries learns
// nothing from a difference.
func TestRefusedLinksLookTheSame(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	used := w.link(service.CommandLine, w.seat(w.north), "Иван Новый")
	w.enter(55, used)
	expired := w.link(service.CommandLine, w.seat(w.north), "Опоздавший")
	w.wait(7 * 24 * time.Hour)
	revoked, inv, err := w.Invite(t.Context(), w.northRep, w.seat(w.north), "Лишний")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Revoke(t.Context(), w.northRep, inv.ID); err != nil {
		t.Fatal(err)
	}
	right := w.link(service.CommandLine, w.seat(w.north), "Верный")
	for range 3 {
		_, _ = w.Accept(t.Context(), service.AcceptInput{TelegramID: 900, Token: "nonsense"})
	}

	tests := []struct {
		name  string
		by    int64
		token string
	}{
		{"wrong", 901, "AAAAAAAAAAAAAAAAAAAAAA"},
		{"empty", 902, ""},
		{"too long", 903, strings.Repeat("A", 65)},
		{"not a payload", 904, "' OR 1=1 --\x00"},
		{"used", 905, used},
		{"expired", 906, expired},
		{"revoked", 907, revoked},
		{"right, in another case", 908, strings.ToLower(right)},
		{"right, by somebody who guesses", 900, right},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			in, err := w.Accept(t.Context(), service.AcceptInput{TelegramID: tt.by, Token: tt.token})
			if diff := cmp.Diff(service.Arrival{}, in); diff != "" {
				t.Errorf("told %s", diff)
			}
			want := &service.Error{Kind: service.Invalid, Reason: service.ReasonInvitationInvalid}
			var got *service.Error
			if !errors.As(err, &got) || *got != *want {
				t.Errorf("refused with %#v, want %#v", err, want)
			}
			if _, err := w.Actor(t.Context(), tt.by); service.AsError(err).Kind != service.NotFound {
				t.Errorf("a stranger is now somebody: %v", err)
			}
		})
	}
}

func TestGuessesAreSlowedDown(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	right := w.link(service.CommandLine, w.seat(w.north), "Верный")
	try := func(by int64, token string) bool {
		t.Helper()
		_, err := w.Accept(t.Context(), service.AcceptInput{TelegramID: by, Token: token})
		if err != nil {
			wantReason(t, err, service.ReasonInvitationInvalid)
		}
		return err == nil
	}
	guesses := func() (g service.Guesses) {
		t.Helper()
		err := w.store.Bun().NewRaw("SELECT * FROM guesses WHERE telegram_id = 900").Scan(t.Context(), &g)
		if err != nil {
			t.Fatal(err)
		}
		return g
	}

	waits := []time.Duration{0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60} // minutes after each wrong one
	for i, minutes := range waits {
		try(900, "nonsense")
		g := guesses()
		if got := g.NextAt.Sub(w.now()); got != minutes*time.Minute || g.Count != i+1 {
			t.Fatalf("wrong one %d: count %d, wait %v, want %v", i+1, g.Count, got, minutes*time.Minute)
		}
		if minutes == 0 {
			continue
		}
		w.wait(minutes*time.Minute - time.Second)
		if try(900, right) {
			t.Fatalf("the right token helped while slowed down after %d wrong ones", i+1)
		}
		if diff := cmp.Diff(g, guesses()); diff != "" {
			t.Errorf("a press while slowed down counts: %s", diff)
		}
		w.wait(time.Second)
	}
	if !try(900, right) {
		t.Fatal("the right token does not help after the wait")
	}
	for range 2 {
		try(900, "nonsense") // from the start again
	}
	if g := guesses(); g.Count != 2 || g.NextAt.After(w.now()) {
		t.Errorf("after a right one: %+v", g)
	}
	if other := w.link(service.CommandLine, w.seat(w.south), "Другой"); !try(901, other) {
		t.Error("one person's guesses slow down another")
	}
}

// TestTwoPeoplePressOneLink lets them press at one moment: one gets in.
func TestTwoPeoplePressOneLink(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	for round := range 10 {
		token := w.link(service.CommandLine, w.seat(w.north), "Иван Новый")
		var wg sync.WaitGroup
		reasons := make([]service.Reason, 4)
		for i := range reasons {
			wg.Go(func() {
				_, err := w.Accept(t.Context(), service.AcceptInput{TelegramID: int64(100*round + 5000 + i), Token: token})
				reasons[i] = service.ReasonOf(err)
			})
		}
		wg.Wait()
		in := 0
		for _, r := range reasons {
			if r == "" {
				in++
			} else if r != service.ReasonInvitationInvalid {
				t.Errorf("a loser was told %q", r)
			}
		}
		if in != 1 {
			t.Errorf("round %d: %d people got in: %q", round, in, reasons)
		}
	}
}

// TestOnePersonPressesTwoLinks lets a new Telegram user press two links at one
// moment: they become one person with two seats.
func TestOnePersonPressesTwoLinks(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	tokens := []string{
		w.link(service.CommandLine, w.seat(w.north), "Иван Новый"),
		w.link(service.CommandLine, w.seat(w.operator), "Иван Новый"),
	}
	var wg sync.WaitGroup
	for _, token := range tokens {
		wg.Go(func() {
			if _, err := w.Accept(t.Context(), service.AcceptInput{TelegramID: 55, Token: token}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	a, err := w.Actor(t.Context(), 55)
	if err != nil || len(a.Seats) != 2 {
		t.Errorf("actor %+v, %v", a, err)
	}
}

func TestRemoving(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	seat := w.seat(w.north)
	ivan := w.hire(seat, "Иван Новый")
	id := w.sits(ivan, seat)
	last := w.sits(w.southRep, w.seat(w.south))

	for name, by := range map[string]service.Actor{
		"somebody of another organisation": w.southRep, "the operator": w.opRep, "a stranger": {},
	} {
		_, err := w.Remove(t.Context(), by, id)
		if service.ReasonOf(err) != service.ReasonNotFound {
			t.Errorf("%s: %v", name, err)
		}
		_, missing := w.Remove(t.Context(), by, 1_000_000)
		if service.ReasonOf(missing) != service.ReasonOf(err) {
			t.Errorf("%s can tell a membership that is there from one that is not: %v, %v", name, err, missing)
		}
	}
	for _, by := range []service.Actor{w.southRep, w.admin, service.CommandLine} {
		_, err := w.Remove(t.Context(), by, last)
		wantReason(t, err, service.ReasonLastOne)
	}
	_, err := w.Remove(t.Context(), w.admin, w.sits(w.admin, service.Seat{Role: service.RoleAdmin}))
	wantReason(t, err, service.ReasonLastOne)

	gone, err := w.Remove(t.Context(), w.northRep, id)
	if err != nil {
		t.Fatal(err)
	}
	if gone.Person.Name != "Иван Новый" || gone.Org.Name != "Север" || gone.Membership.RemovedBy != w.northRep.PersonID {
		t.Errorf("told %+v", gone)
	}
	if a := w.again(ivan); len(a.Seats) != 0 {
		t.Errorf("after removal %+v", a)
	}
	_, err = w.Remove(t.Context(), w.admin, id)
	wantReason(t, err, service.ReasonAlreadyRemoved)
	if diff := cmp.Diff(service.Gone{Name: "Иван Новый", On: service.NewDay(2026, 3, 2), By: "Ольга Петрова"}, service.AsError(err).Data); diff != "" {
		t.Error(diff)
	}
	_, _, err = w.Invite(t.Context(), ivan, seat, "Мой человек") // with the rights of the press before
	wantReason(t, err, service.ReasonForbidden)
	_, err = w.Remove(t.Context(), ivan, w.sits(w.northRep, seat))
	wantReason(t, err, service.ReasonForbidden)

	back := w.enter(w.next, w.link(w.northRep, seat, "Иван Новый"))
	if back.PersonID != ivan.PersonID || !back.In(seat.Role, seat.OrgID) {
		t.Errorf("hired again: %+v", back)
	}
	if diff := cmp.Diff([]string{
		"Иван Новый joined >partner_rep", "Ольга Петрова removed partner_rep>", "Иван Новый joined >partner_rep",
	}, w.events(service.SubjectPerson, ivan.PersonID)); diff != "" {
		t.Error(diff)
	}
}

func TestOneSeatEndsTheOthersStay(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	ivan := w.enter(55, w.link(service.CommandLine, w.seat(w.north), "Иван"))
	w.enter(55, w.link(service.CommandLine, w.seat(w.south), "Иван"))
	if _, err := w.Remove(t.Context(), w.northRep, w.sits(ivan, w.seat(w.north))); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]service.Seat{w.seat(w.south)}, w.again(ivan).Seats); diff != "" {
		t.Error(diff)
	}
}

// TestLinksOfTheRemovedEnd closes the way back: a person who expects to be
// removed could keep links of their own making.
func TestLinksOfTheRemovedEnd(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	w.enter(55, w.link(service.CommandLine, w.seat(w.north), "Иван"))
	ivan := w.enter(55, w.link(service.CommandLine, w.seat(w.south), "Иван"))
	lost := w.link(ivan, w.seat(w.north), "Запасной вход")
	kept := w.link(ivan, w.seat(w.south), "Коллега")
	others := w.link(w.northRep, w.seat(w.north), "Коллега Ольги")
	if _, err := w.Remove(t.Context(), w.northRep, w.sits(ivan, w.seat(w.north))); err != nil {
		t.Fatal(err)
	}
	_, err := w.Accept(t.Context(), service.AcceptInput{TelegramID: 55, Token: lost})
	wantReason(t, err, service.ReasonInvitationInvalid)
	w.enter(56, kept)
	w.enter(57, others)
	events := w.events(service.SubjectOrg, w.north.ID)
	if got, want := events[len(events)-3], "Ольга Петрова revoked >partner_rep Запасной вход"; got != want {
		t.Errorf("history %q, want %q", got, want)
	}
}

// TestTwoPeopleRemoveEachOther lets the last two press at one moment: one of
// them stays, and is told that they are the last, or that they have no right to.
func TestTwoPeopleRemoveEachOther(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	for _, seat := range []service.Seat{w.seat(w.north), {Role: service.RoleAdmin}} {
		for round := range 10 {
			pair := []service.Actor{w.hire(seat, "Первый"), w.hire(seat, "Второй")}
			for { // leave these two
				page, err := w.Colleagues(t.Context(), service.CommandLine, seat, 0, 1)
				if err != nil {
					t.Fatal(err)
				}
				if page.Total == 2 {
					break
				}
				all, err := w.Colleagues(t.Context(), service.CommandLine, seat, 0, 100)
				if err != nil {
					t.Fatal(err)
				}
				for _, c := range all.List {
					if c.PersonID != pair[0].PersonID && c.PersonID != pair[1].PersonID {
						if _, err := w.Remove(t.Context(), service.CommandLine, c.MembershipID); err != nil {
							t.Fatal(err)
						}
					}
				}
			}
			ids := []int64{w.sits(pair[1], seat), w.sits(pair[0], seat)} // the other's
			var wg sync.WaitGroup
			reasons := make([]service.Reason, 2)
			for i := range pair {
				wg.Go(func() {
					_, err := w.Remove(t.Context(), pair[i], ids[i])
					reasons[i] = service.ReasonOf(err)
				})
			}
			wg.Wait()
			if (reasons[0] == "") == (reasons[1] == "") {
				t.Errorf("round %d: %q, want one winner", round, reasons)
			}
			page, err := w.Colleagues(t.Context(), service.CommandLine, seat, 0, 10)
			if err != nil || page.Total != 1 {
				t.Errorf("round %d: %d stay (%v), want one", round, page.Total, err)
			}
		}
	}
}

// TestTwoLastOnesAreRemovedAtOnce lets somebody from elsewhere, who sits in no
// seat that could be held, remove both of the last two at one moment.
func TestTwoLastOnesAreRemovedAtOnce(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	seat := w.seat(w.north)
	first := w.northRep
	for round := range 10 {
		second := w.hire(seat, "Второй")
		ids := []int64{w.sits(first, seat), w.sits(second, seat)}
		var wg sync.WaitGroup
		reasons := make([]service.Reason, 2)
		for i := range ids {
			wg.Go(func() {
				_, err := w.Remove(t.Context(), service.CommandLine, ids[i])
				reasons[i] = service.ReasonOf(err)
			})
		}
		wg.Wait()
		switch {
		case reasons[0] == "" && reasons[1] == service.ReasonLastOne:
			first = second
		case reasons[1] == "" && reasons[0] == service.ReasonLastOne:
		default:
			t.Fatalf("round %d: %q, want one winner", round, reasons)
		}
	}
}

func TestColleaguesComeInPages(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	seat := w.seat(w.north)
	for i := range 7 {
		w.hire(seat, fmt.Sprintf("Сотрудник %d", i))
	}
	blocked := w.hire(seat, "Яков")
	since := w.now().Add(time.Hour)
	if err := w.MarkUnreachable(t.Context(), blocked.PersonID, since); err != nil {
		t.Fatal(err)
	}
	w.link(w.northRep, seat, "Ещё один")

	var names []string
	for offset := 0; ; offset += 4 {
		page, err := w.Colleagues(t.Context(), w.northRep, seat, offset, 4)
		if err != nil {
			t.Fatal(err)
		}
		if page.Total != 9 || page.Open != 1 || page.Org.Name != "Север" {
			t.Errorf("page %+v", page)
		}
		for _, c := range page.List {
			names = append(names, c.Name)
			if c.PersonID == blocked.PersonID && (c.UnreachableAt == nil || !c.UnreachableAt.Equal(since)) {
				t.Errorf("unreachable since %v, want %v", c.UnreachableAt, since)
			}
			if !c.Since.Equal(w.now()) {
				t.Errorf("since %v", c.Since)
			}
		}
		if len(page.List) < 4 {
			break
		}
	}
	if diff := cmp.Diff([]string{
		"Ольга Петрова", "Сотрудник 0", "Сотрудник 1", "Сотрудник 2", "Сотрудник 3",
		"Сотрудник 4", "Сотрудник 5", "Сотрудник 6", "Яков",
	}, names); diff != "" {
		t.Error(diff)
	}

	for name, by := range map[string]service.Actor{"another partner": w.southRep, "the operator": w.opRep, "a stranger": {}} {
		_, err := w.Colleagues(t.Context(), by, seat, 0, 10)
		_, missing := w.Colleagues(t.Context(), by, service.Seat{Role: seat.Role, OrgID: 777}, 0, 10)
		if service.ReasonOf(err) != service.ReasonNotFound || service.ReasonOf(missing) != service.ReasonNotFound {
			t.Errorf("%s: %v, %v", name, err, missing)
		}
		if _, err := w.Colleague(t.Context(), by, w.sits(blocked, seat)); service.ReasonOf(err) != service.ReasonNotFound {
			t.Errorf("%s sees a person: %v", name, err)
		}
		if _, _, err := w.Invitations(t.Context(), by, seat, 0, 10); service.ReasonOf(err) != service.ReasonNotFound {
			t.Errorf("%s sees invitations: %v", name, err)
		}
	}
}

// TestInvitingWhileBeingRemoved lets a person make a link at the moment of their
// removal: whichever comes first, no link of theirs is left.
func TestInvitingWhileBeingRemoved(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	seat := w.seat(w.north)
	for range 10 {
		ivan := w.hire(seat, "Иван")
		id := w.sits(ivan, seat)
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, _, err := w.Invite(t.Context(), ivan, seat, "Запасной вход"); err != nil {
				wantReason(t, err, service.ReasonForbidden)
			}
		})
		wg.Go(func() {
			if _, err := w.Remove(t.Context(), w.northRep, id); err != nil {
				t.Error(err)
			}
		})
		wg.Wait()
		if _, n, err := w.Invitations(t.Context(), w.northRep, seat, 0, 10); err != nil || n != 0 {
			t.Fatalf("%d links are left (%v)", n, err)
		}
	}
}

func TestOrganisationsAreListedForAdmins(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	if _, _, err := w.Orgs(t.Context(), w.northRep, 0, 10); service.ReasonOf(err) != service.ReasonForbidden {
		t.Errorf("an employee lists organisations: %v", err)
	}
	orgs, n, err := w.Orgs(t.Context(), w.admin, 1, 2)
	if err != nil || n != 4 || len(orgs) != 2 || orgs[0].Name != "Оператор" || orgs[1].Name != "Север" {
		t.Errorf("organisations %v of %d, %v", orgs, n, err)
	}
}

func TestPlaces(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	w.enter(55, w.link(service.CommandLine, w.seat(w.south), "Двое"))
	two := w.enter(55, w.link(service.CommandLine, w.seat(w.north), "Двое"))
	name := func(p service.Place) string {
		if p.Org == nil {
			return string(p.Seat.Role)
		}
		return string(p.Seat.Role) + " " + p.Org.Name
	}
	tests := []struct {
		name          string
		by            service.Actor
		offset, limit int
		total         int
		want          []string
	}{
		{"an employee's own", w.northRep, 0, 10, 1, []string{"partner_rep Север"}},
		{"all of somebody with two", two, 0, 10, 2, []string{"partner_rep Юг", "partner_rep Север"}},
		{"a page of them", two, 1, 1, 2, []string{"partner_rep Север"}},
		{"beyond the end", two, 5, 1, 2, nil},
		{"a stranger's", service.Actor{}, 0, 10, 0, nil},
		{"an admin's", w.admin, 0, 10, 5, []string{"admin", "center_staff Центр", "operator_rep Оператор", "partner_rep Север", "partner_rep Юг"}},
		{"an admin's first page", w.admin, 0, 2, 5, []string{"admin", "center_staff Центр"}},
		{"an admin's second page", w.admin, 2, 2, 5, []string{"operator_rep Оператор", "partner_rep Север"}},
		{"an admin's last page", w.admin, 4, 2, 5, []string{"partner_rep Юг"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			list, n, err := w.Places(t.Context(), tt.by, tt.offset, tt.limit)
			if err != nil || n != tt.total {
				t.Errorf("%d in all (%v), want %d", n, err, tt.total)
			}
			var got []string
			for _, p := range list {
				got = append(got, name(p))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}

	one := []struct {
		name string
		by   service.Actor
		org  int64
		want string // "": NotFound
	}{
		{"the own", w.northRep, w.north.ID, "partner_rep Север"},
		{"another's", w.northRep, w.south.ID, ""},
		{"the admins', by an employee", w.northRep, 0, ""},
		{"the admins', by an admin", w.admin, 0, "admin"},
		{"any, by an admin", w.admin, w.center.ID, "center_staff Центр"},
		{"one that is not there", w.admin, 777, ""},
		{"one that is not there, by an employee", w.opRep, 777, ""},
		{"any, by a stranger", service.Actor{}, w.north.ID, ""},
	}
	for _, tt := range one {
		t.Run("one: "+tt.name, func(t *testing.T) {
			t.Parallel()
			p, err := w.Place(t.Context(), tt.by, tt.org)
			switch {
			case tt.want == "" && service.ReasonOf(err) != service.ReasonNotFound:
				t.Errorf("got %v, %v, want NotFound", p, err)
			case tt.want != "" && (err != nil || name(p) != tt.want):
				t.Errorf("got %v, %v, want %s", p, err, tt.want)
			}
		})
	}
}

func TestOpenInvitationsAreListedAndRevoked(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	seat := w.seat(w.north)
	names := func() []string {
		t.Helper()
		list, n, err := w.Invitations(t.Context(), w.northRep, seat, 0, 10)
		if err != nil || n != len(list) {
			t.Fatalf("%d of %d invitations, %v", len(list), n, err)
		}
		var out []string
		for _, i := range list {
			out = append(out, i.Name+" / "+i.By)
		}
		return out
	}
	w.link(w.northRep, seat, "Первый")
	w.wait(24 * time.Hour)
	token, second, err := w.Invite(t.Context(), w.admin, seat, "Второй")
	if err != nil {
		t.Fatal(err)
	}
	w.link(w.southRep, w.seat(w.south), "Чужой")
	third := w.link(service.CommandLine, seat, "Третий")
	if diff := cmp.Diff([]string{"Третий / ", "Второй / Анна Админова", "Первый / Ольга Петрова"}, names()); diff != "" {
		t.Error(diff)
	}
	w.enter(55, third)
	w.wait(6 * 24 * time.Hour)
	if diff := cmp.Diff([]string{"Второй / Анна Админова"}, names()); diff != "" {
		t.Errorf("used and expired ones are listed: %s", diff)
	}

	for _, by := range []service.Actor{w.southRep, w.opRep, {}} {
		_, err := w.Revoke(t.Context(), by, second.ID)
		wantReason(t, err, service.ReasonNotFound)
	}
	for range 2 { // the second press changes nothing
		got, err := w.Revoke(t.Context(), w.northRep, second.ID)
		if err != nil || got.RevokedBy != w.northRep.PersonID {
			t.Errorf("revoke: %+v, %v", got, err)
		}
	}
	if diff := cmp.Diff([]string(nil), names()); diff != "" {
		t.Error(diff)
	}
	_, err = w.Accept(t.Context(), service.AcceptInput{TelegramID: 56, Token: token})
	wantReason(t, err, service.ReasonInvitationInvalid)

	var used int64
	err = w.store.Bun().NewRaw("SELECT id FROM invitations WHERE name = 'Третий'").Scan(t.Context(), &used)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Revoke(t.Context(), w.northRep, used)
	wantReason(t, err, service.ReasonInvitationEnded)
}

func TestReachability(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	id := w.northRep.PersonID
	first := w.now().Add(time.Minute)
	for _, at := range []time.Time{first, first.Add(time.Hour)} {
		if err := w.MarkUnreachable(t.Context(), id, at); err != nil {
			t.Fatal(err)
		}
	}
	p, err := w.store.Person(t.Context(), id)
	if err != nil || p.UnreachableAt == nil || !p.UnreachableAt.Equal(first) {
		t.Fatalf("unreachable since %v (%v), want the first refusal", p.UnreachableAt, err)
	}
	if !w.again(w.northRep).Unreachable {
		t.Error("the actor does not know")
	}
	for range 2 {
		if err := w.MarkReachable(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	if w.again(w.northRep).Unreachable {
		t.Error("still unreachable")
	}
	if diff := cmp.Diff([]string{
		"Ольга Петрова joined >partner_rep", "- unreachable >", "- reachable >",
	}, w.events(service.SubjectPerson, id)); diff != "" {
		t.Error(diff)
	}
}

func TestOwnSettings(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	for range 2 {
		p, err := w.SetMuted(t.Context(), w.northRep, true)
		if err != nil || !p.Muted {
			t.Fatalf("muted: %+v, %v", p, err)
		}
	}
	if p, err := w.Settings(t.Context(), w.northRep); err != nil || !p.Muted {
		t.Errorf("settings: %+v, %v", p, err)
	}
	if p, err := w.SetMuted(t.Context(), w.northRep, false); err != nil || p.Muted {
		t.Errorf("unmuted: %+v, %v", p, err)
	}
	_, err := w.SetLanguage(t.Context(), w.northRep, "xx")
	wantReason(t, err, service.ReasonLanguageUnknown)
	if p, err := w.SetLanguage(t.Context(), w.northRep, "ru"); err != nil || p.Language != "ru" {
		t.Errorf("language: %+v, %v", p, err)
	}
	_, err = w.SetMuted(t.Context(), service.Actor{}, true)
	wantReason(t, err, service.ReasonNotFound)
	if diff := cmp.Diff([]string{
		"Ольга Петрова joined >partner_rep", "Ольга Петрова muted >", "Ольга Петрова unmuted >",
	}, w.events(service.SubjectPerson, w.northRep.PersonID)); diff != "" {
		t.Error(diff)
	}
}

func TestNoTokenWithoutRandomness(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	broken := service.NewPeople(h.store, h.now, iotest.ErrReader(errors.New("no entropy")))
	_, _, err := broken.Invite(context.WithoutCancel(t.Context()), service.CommandLine, service.Seat{Role: service.RoleAdmin}, "Админ")
	wantReason(t, err, service.ReasonInternal)
	if _, n, err := h.Invitations(t.Context(), service.CommandLine, service.Seat{Role: service.RoleAdmin}, 0, 10); err != nil || n != 0 {
		t.Errorf("%d invitations (%v), want none", n, err)
	}
}
