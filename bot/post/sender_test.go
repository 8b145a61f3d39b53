package post_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flowbot/bot/chat"
	"flowbot/bot/emulator"
	"flowbot/bot/post"
	"flowbot/service"
)

// letter is a notice of the tests: what it says is in it.
type letter struct {
	Text string
	kind string
	lane service.Lane
}

func (l letter) NoticeKind() string       { return l.kind }
func (l letter) NoticeLane() service.Lane { return l.lane }
func (l letter) NoticeKey() string        { return "" }

// clock is set by hand.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// office is a house with a sender and people who are written to.
type office struct {
	*house
	clock  *clock
	sender *post.Sender
	anna   *emulator.Phone // person 1 in Moscow
	boris  *emulator.Phone // person 2 in Kamchatka, muted
	people *service.People
}

// newOffice begins at noon in Moscow. Kinds: "plain" must not be repeated,
// "card" may be; both gather the texts of what waits together.
func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{house: newHouse(t), clock: &clock{at: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}}
	for _, q := range []string{
		`INSERT INTO orgs (kind, name, zone) VALUES ('partner', 'Москва', 'Europe/Moscow'), ('partner', 'Камчатка', 'Asia/Kamchatka')`,
		`INSERT INTO people (name, telegram_id, muted) VALUES ('Анна', 101, false), ('Борис', 102, true), ('Никто', 103, false)`,
		`INSERT INTO memberships (person_id, org_id, role) VALUES (1, 1, 'partner_rep'), (2, 2, 'partner_rep')`,
	} {
		if _, err := o.db.Bun().ExecContext(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	o.anna, o.boris = o.tg.Phone(101, "Анна", "ru"), o.tg.Phone(102, "Борис", "ru")
	o.anna.Say("/start")
	o.boris.Say("/start")
	o.people = service.NewPeople(o.db, o.clock.now, strings.NewReader(""))
	text := func(_ context.Context, _ service.Actor, _ int64, batch []service.QueuedNotice) (post.Outgoing, error) {
		var lines []string
		for _, n := range batch {
			var l letter
			if err := json.Unmarshal(n.Payload, &l); err != nil {
				return post.Outgoing{}, err
			}
			lines = append(lines, l.Text)
		}
		return post.Outgoing{Message: chat.Message{HTML: strings.Join(lines, "\n")}}, nil
	}
	o.with(map[string]post.Renderer{"plain": {Render: text}, "card": {Render: text, Repeat: true}})
	return o
}

// with gives the office a sender with other renderers.
func (o *office) with(rs map[string]post.Renderer) {
	o.sender = post.NewSender(o.db, o.db, func(ctx context.Context, person int64) error {
		return o.people.MarkUnreachable(ctx, person, o.clock.now())
	}, o.chat, rs, o.clock.now, o.log)
}

func (o *office) enqueue(t *testing.T, person int64, letters ...letter) {
	t.Helper()
	err := o.db.InTx(t.Context(), func(ctx context.Context, tx service.Tx) error {
		for _, l := range letters {
			if err := tx.Enqueue(ctx, person, l, time.Time{}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (o *office) sendAll(t *testing.T) {
	t.Helper()
	if _, err := o.sender.SendAll(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// texts are the bot's messages in a chat.
func texts(p *emulator.Phone) []string {
	var out []string
	for _, m := range p.Messages() {
		if m.Bot && !m.Deleted {
			out = append(out, m.Text)
		}
	}
	return out
}

// notice is a row as tests look at it.
type notice struct {
	State    string
	Attempts int
	Wait     float64 // seconds until the next try, of queued ones
}

func (o *office) notices(t *testing.T) []notice {
	t.Helper()
	var out []notice
	err := o.db.Bun().NewRaw(`
		SELECT state, attempts, CASE WHEN state = 'queued' AND run_at > ?0 THEN round(extract(epoch FROM run_at - ?0)) ELSE 0 END AS wait
		FROM notices ORDER BY id`, o.clock.now().UTC()).Scan(t.Context(), &out)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestWhatWaitsTogetherIsOneMessage(t *testing.T) {
	t.Parallel()
	o := newOffice(t)

	o.enqueue(t, 1, letter{"один", "plain", service.LaneNews}, letter{"карта", "card", service.LaneNews}, letter{"два", "plain", service.LaneNews})
	o.enqueue(t, 2, letter{"решение", "plain", service.LaneDecision})
	o.sendAll(t)
	if diff := cmp.Diff([]string{"один\nдва", "карта"}, texts(o.anna)); diff != "" {
		t.Errorf("Анна (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"решение"}, texts(o.boris)); diff != "" {
		t.Errorf("Борис (-want +got):\n%s", diff)
	}
	var ids []int64
	if err := o.db.Bun().NewRaw(`SELECT message_id FROM notices WHERE state = 'sent' ORDER BY id`).Scan(t.Context(), &ids); err != nil {
		t.Fatal(err)
	}
	if len(ids) != 4 || ids[0] != ids[2] || ids[0] == 0 {
		t.Errorf("messages of the notices: %v", ids)
	}
}

func TestWhatBecomesOfANoticeDependsOnTheAnswer(t *testing.T) {
	t.Parallel()

	tests := []struct {
		name  string
		kind  string
		lane  service.Lane
		fault *emulator.Fault
		want  notice
		sees  int // messages that the person has got
	}{
		{"sent", "plain", 0, nil, notice{"sent", 1, 0}, 1},
		{"told to be quiet", "plain", 0, &emulator.Fault{Status: http.StatusTooManyRequests, RetryAfter: 33}, notice{"queued", 1, 33}, 0},
		{"blocked", "plain", 0, &emulator.Fault{Status: http.StatusForbidden}, notice{"failed", 1, 0}, 0},
		{"refused", "plain", 0, &emulator.Fault{Status: http.StatusBadRequest, Description: "Bad Request: BUTTON_DATA_INVALID"}, notice{"failed", 1, 0}, 0},
		{"a proxy's page", "plain", 0, &emulator.Fault{Status: http.StatusBadGateway, Body: "<html>"}, notice{"unknown", 1, 0}, 0},
		{"cut after it was sent", "plain", 0, &emulator.Fault{Drop: emulator.DropAfter}, notice{"unknown", 1, 0}, 1},
		{"a card, cut after it was sent", "card", 0, &emulator.Fault{Drop: emulator.DropAfter}, notice{"queued", 1, 5}, 1},
		{"a kind that nobody knows", "ghost", 0, nil, notice{"failed", 1, 0}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			if tt.fault != nil {
				f := *tt.fault
				f.Method = "sendMessage"
				o.tg.Inject(f)
			}
			o.enqueue(t, 1, letter{"один", tt.kind, tt.lane})
			o.sendAll(t)
			if diff := cmp.Diff([]notice{tt.want}, o.notices(t)); diff != "" {
				t.Errorf("notices (-want +got):\n%s", diff)
			}
			if got := len(texts(o.anna)); got != tt.sees {
				t.Errorf("the person has got %d messages, want %d", got, tt.sees)
			}
		})
	}
}

func TestSomebodyWhoBlockedTheBotIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	o := newOffice(t)

	o.anna.Block()
	o.enqueue(t, 1, letter{"один", "plain", service.LaneAnswer})
	o.sendAll(t)
	o.enqueue(t, 1, letter{"два", "plain", service.LaneDecision}, letter{"три", "card", service.LaneReminder})
	before := o.tg.Count("sendMessage")
	o.sendAll(t)
	if n := o.tg.Count("sendMessage") - before; n != 0 {
		t.Errorf("%d more requests", n)
	}
	want := []notice{{"failed", 1, 0}, {"failed", 1, 0}, {"skipped", 1, 0}}
	if diff := cmp.Diff(want, o.notices(t)); diff != "" {
		t.Errorf("notices (-want +got):\n%s", diff)
	}
	p, err := o.db.Person(t.Context(), 1)
	if err != nil || p.UnreachableAt == nil {
		t.Errorf("the person: %+v, %v", p, err)
	}
}

func TestNightIsKeptInTheZoneOfTheReader(t *testing.T) {
	t.Parallel()
	o := newOffice(t) // noon in Moscow, nine in the evening in Kamchatka

	for person := int64(1); person <= 2; person++ {
		o.enqueue(t, person, letter{"новость", "plain", service.LaneNews}, letter{"карта", "card", service.LaneNews}, letter{"решение", "plain", service.LaneDecision})
	}
	o.enqueue(t, 2, letter{"напоминание", "card", service.LaneReminder})
	o.sendAll(t)
	if diff := cmp.Diff([]string{"решение", "новость", "карта"}, texts(o.anna)); diff != "" {
		t.Errorf("Анна (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"решение"}, texts(o.boris)); diff != "" {
		t.Errorf("Борис at night (-want +got):\n%s", diff)
	}
	o.clock.move(12 * time.Hour)
	o.sendAll(t)
	if diff := cmp.Diff([]string{"решение", "новость", "карта"}, texts(o.boris)); diff != "" {
		t.Errorf("Борис, who is muted, in the morning (-want +got):\n%s", diff)
	}
	for i, n := range o.notices(t) {
		want := "sent"
		if i == 6 {
			want = "skipped"
		}
		if n.State != want {
			t.Errorf("notice %d: %s, want %s", i+1, n.State, want)
		}
	}
}

func TestPausesGrowUntilANoticeFails(t *testing.T) {
	t.Parallel()
	o := newOffice(t)

	fails := 0
	o.with(map[string]post.Renderer{"plain": {Render: func(context.Context, service.Actor, int64, []service.QueuedNotice) (post.Outgoing, error) {
		if fails++; fails == 2 {
			panic("no words")
		}
		return post.Outgoing{}, errors.New("no words")
	}}})
	o.enqueue(t, 1, letter{"один", "plain", service.LaneAnswer})
	var waits []float64
	for range 10 {
		o.sendAll(t)
		n := o.notices(t)[0]
		waits = append(waits, n.Wait)
		o.clock.move(time.Duration(n.Wait) * time.Second)
	}
	if diff := cmp.Diff([]float64{5, 20, 45, 80, 125, 180, 245, 320, 405, 0}, waits); diff != "" {
		t.Errorf("pauses (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]notice{{"failed", 10, 0}}, o.notices(t)); diff != "" {
		t.Errorf("notices (-want +got):\n%s", diff)
	}
}

func TestWhatIsNoLongerTrueIsNotSent(t *testing.T) {
	t.Parallel()
	o := newOffice(t)

	o.with(map[string]post.Renderer{"plain": {Render: func(context.Context, service.Actor, int64, []service.QueuedNotice) (post.Outgoing, error) {
		return post.Outgoing{Skip: true}, nil
	}}})
	o.enqueue(t, 1, letter{"один", "plain", service.LaneAnswer})
	o.enqueue(t, 3, letter{"без прав", "plain", service.LaneAnswer})
	o.sendAll(t)
	if diff := cmp.Diff([]notice{{"skipped", 1, 0}, {"skipped", 1, 0}}, o.notices(t)); diff != "" || len(texts(o.anna)) != 0 {
		t.Errorf("notices (-want +got):\n%s", diff)
	}
}

func TestWhatWasInAChatIsToldToWhoLostTheirRights(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	gone := o.tg.Phone(103, "Никто", "ru")
	gone.Say("/start")
	var to service.Actor
	o.with(map[string]post.Renderer{"plain": {Anybody: true, Render: func(_ context.Context, a service.Actor, _ int64, _ []service.QueuedNotice) (post.Outgoing, error) {
		to = a
		return post.Outgoing{Message: chat.Message{HTML: "о чате"}}, nil
	}}})
	o.enqueue(t, 3, letter{"о чате", "plain", service.LaneAnswer})
	o.sendAll(t)
	if diff := cmp.Diff([]string{"о чате"}, texts(gone)); diff != "" {
		t.Errorf("the chat shows (-want +got):\n%s", diff)
	}
	if to.PersonID != 3 || to.Name != "Никто" || len(to.Seats) != 0 {
		t.Errorf("it was rendered for %+v", to)
	}
}

func TestACardIsEditedOrSentAnewAndRemembered(t *testing.T) {
	t.Parallel()

	tests := []struct {
		name    string
		out     post.Outgoing
		deleted bool // the card is gone
		want    []string
		newID   bool
	}{
		{"edited", post.Outgoing{}, false, []string{"новая", "хвост"}, false},
		{"gone, so sent anew", post.Outgoing{}, true, []string{"хвост", "новая"}, true},
		{"gone, and only to be edited", post.Outgoing{EditOnly: true}, true, []string{"хвост"}, false},
		{"moved down", post.Outgoing{DropID: 1}, false, []string{"хвост", "перед", "новая"}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := newOffice(t)
			card, err := o.chat.Send(t.Context(), chat.Message{ChatID: 101, HTML: "старая"})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := o.chat.Send(t.Context(), chat.Message{ChatID: 101, HTML: "хвост"}); err != nil {
				t.Fatal(err)
			}
			if tt.deleted {
				if err := o.chat.Delete(t.Context(), 101, card); err != nil {
					t.Fatal(err)
				}
			}
			told := 0
			out := tt.out
			out.Message.HTML = "новая"
			if out.DropID != 0 {
				out.DropID = card
				out.Before = []chat.Message{{HTML: "перед"}}
			} else {
				out.EditID = card
			}
			out.Sent = func(_ context.Context, id int) error { told = id; return nil }
			o.with(map[string]post.Renderer{"plain": {Render: func(context.Context, service.Actor, int64, []service.QueuedNotice) (post.Outgoing, error) {
				return out, nil
			}}})
			o.enqueue(t, 1, letter{"", "plain", service.LaneAnswer})
			o.sendAll(t)
			if diff := cmp.Diff(tt.want, texts(o.anna)); diff != "" {
				t.Errorf("the chat (-want +got):\n%s", diff)
			}
			if !tt.out.EditOnly && (told != card) != tt.newID {
				t.Errorf("told message %d, the card was %d", told, card)
			}
			if diff := cmp.Diff([]notice{{"sent", 1, 0}}, o.notices(t)); diff != "" {
				t.Errorf("notices (-want +got):\n%s", diff)
			}
		})
	}
}

// TestAKilledSenderRepeatsOnlyWhatItMay stops a process between claim and
// request, and between request and note, and begins again.
func TestAKilledSenderRepeatsOnlyWhatItMay(t *testing.T) {
	t.Parallel()
	o := newOffice(t)

	o.enqueue(t, 1, letter{"скан", "plain", service.LaneAnswer})
	o.enqueue(t, 2, letter{"карта", "card", service.LaneAnswer})
	bs, err := o.db.ClaimNotices(t.Context(), o.clock.now(), 10, time.Minute)
	if err != nil || len(bs) != 2 {
		t.Fatalf("%d batches: %v", len(bs), err)
	}
	for _, b := range bs {
		if _, err := o.db.NoticesLeave(t.Context(), b, o.clock.now()); err != nil {
			t.Fatal(err)
		}
	}
	o.enqueue(t, 1, letter{"после", "plain", service.LaneAnswer})
	o.sendAll(t)
	if got := len(texts(o.anna)) + len(texts(o.boris)); got != 0 {
		t.Fatalf("%d messages while the lease stands", got)
	}
	o.clock.move(2 * time.Minute)
	o.sendAll(t)
	if diff := cmp.Diff([]string{"после"}, texts(o.anna)); diff != "" {
		t.Errorf("Анна (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"карта"}, texts(o.boris)); diff != "" {
		t.Errorf("Борис (-want +got):\n%s", diff)
	}
	want := []notice{{"unknown", 1, 0}, {"sent", 2, 0}, {"sent", 1, 0}}
	if diff := cmp.Diff(want, o.notices(t)); diff != "" {
		t.Errorf("notices (-want +got):\n%s", diff)
	}
}

func TestRunSendsInOrderAndStopsInOrder(t *testing.T) {
	t.Parallel()
	o := newOffice(t)

	var want []string
	for i := range 5 {
		kind := []string{"plain", "card"}[i%2] // other kinds are not gathered
		want = append(want, strconv.Itoa(i))
		o.enqueue(t, 1, letter{want[i], kind, service.LaneAnswer})
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); o.sender.Run(ctx) }()
	if err := o.tg.WaitFor(t.Context(), func() bool { return strings.Contains(strings.Join(texts(o.anna), "\n"), "3") }); err != nil {
		t.Fatal(err)
	}
	cancel()
	<-done
	if diff := cmp.Diff([]string{"0\n2\n4", "1\n3"}, texts(o.anna)); diff != "" {
		t.Errorf("Анна (-want +got):\n%s", diff)
	}
	for i, n := range o.notices(t) {
		if n.State != "sent" {
			t.Errorf("notice %d: %s after a stop in order", i+1, n.State)
		}
	}
}

func TestTroublesCanBeRetriedAndDismissedByAdminsAlone(t *testing.T) {
	t.Parallel()
	o := newOffice(t)

	admin, err := o.db.ActorByID(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	troubles := service.NewTroubles(o.db, o.clock.now)
	if _, err := troubles.Counts(t.Context(), admin); service.ReasonOf(err) != service.ReasonForbidden {
		t.Errorf("a partner counts troubles: %v", err)
	}
	if err := troubles.Retry(t.Context(), admin, service.TroubleNotice, 1); service.ReasonOf(err) != service.ReasonForbidden {
		t.Errorf("a partner retries: %v", err)
	}
	if _, err := o.db.Bun().ExecContext(t.Context(), `INSERT INTO memberships (person_id, role) VALUES (1, 'admin')`); err != nil {
		t.Fatal(err)
	}
	if admin, err = o.db.ActorByID(t.Context(), 1); err != nil {
		t.Fatal(err)
	}

	o.drain(t) // both have said /start
	o.tg.Inject(emulator.Fault{Method: "sendMessage", Times: 2, Status: http.StatusBadGateway, Body: "<html>"})
	o.enqueue(t, 1, letter{"один", "plain", service.LaneAnswer})
	o.enqueue(t, 2, letter{"два", "plain", service.LaneAnswer})
	o.sendAll(t)
	for range service.MaxUpdateAttempts {
		if _, err := o.inbox.WorkAll(t.Context(), func(context.Context, service.Update) error { return errors.New("no digestion") }); err != nil {
			t.Fatal(err)
		}
		o.duePauses(t)
	}
	c, err := troubles.Counts(t.Context(), admin)
	if diff := cmp.Diff(service.TroubleCounts{Updates: 2, Notices: 2}, c); diff != "" || err != nil {
		t.Errorf("counts, %v (-want +got):\n%s", err, diff)
	}
	for _, kind := range []service.TroubleKind{service.TroubleUpdate, service.TroubleNotice} {
		page, err := troubles.Page(t.Context(), admin, kind, 0, 10)
		if err != nil || len(page) != 2 || page[0].Error == "" || page[0].Unknown != (kind == service.TroubleNotice) {
			t.Fatalf("%s: %+v, %v", kind, page, err)
		}
		if err := troubles.Dismiss(t.Context(), admin, kind, page[0].ID); err != nil {
			t.Error(err)
		}
		if err := troubles.Retry(t.Context(), admin, kind, page[1].ID); err != nil {
			t.Error(err)
		}
		if err := troubles.Retry(t.Context(), admin, kind, page[1].ID); service.ReasonOf(err) != service.ReasonNotFound {
			t.Errorf("%s retried twice: %v", kind, err)
		}
	}
	o.sendAll(t)
	n, err := o.inbox.WorkAll(t.Context(), func(context.Context, service.Update) error { return nil })
	if err != nil || n != 1 {
		t.Errorf("%d updates worked again: %v", n, err)
	}
	if diff := cmp.Diff([]string{"один"}, texts(o.anna)); diff != "" {
		t.Errorf("Анна (-want +got):\n%s", diff)
	}
	if c, err = troubles.Counts(t.Context(), admin); c != (service.TroubleCounts{}) || err != nil {
		t.Errorf("counts in the end: %+v, %v", c, err)
	}
}
