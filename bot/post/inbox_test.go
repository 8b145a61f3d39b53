package post_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flowbot/bot/chat"
	"flowbot/bot/emulator"
	"flowbot/bot/post"
	"flowbot/db"
	"flowbot/db/dbtest"
	"flowbot/service"
)

func TestMain(m *testing.M) { os.Exit(dbtest.Main(m)) }

// house is a messenger, a database and what carries between them.
type house struct {
	tg     *emulator.Server
	chat   *chat.Telegram
	db     *db.DB
	inbox  *post.Inbox
	poller *post.Poller
	log    *slog.Logger
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{
		tg: emulator.New(emulator.Options{}), db: dbtest.New(t),
		log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	s := httptest.NewServer(h.tg)
	t.Cleanup(s.Close)
	t.Cleanup(h.tg.Close)
	h.chat = chat.New(chat.Config{Token: h.tg.Token(), URL: s.URL, Rate: 1000, ChatRate: 1000})
	h.inbox = post.NewInbox(h.db, h.log)
	h.poller = post.NewPoller(h.chat, h.db, h.inbox.Wake, h.log)
	return h
}

// drain polls until the messenger has nothing more.
func (h *house) drain(t *testing.T) int {
	t.Helper()
	sum := 0
	for {
		n, err := h.poller.Poll(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return sum
		}
		sum += n
	}
}

// textOf is what a person wrote.
func textOf(u service.Update) string {
	var w struct {
		Message struct {
			Text string `json:"text"`
		} `json:"message"`
	}
	_ = json.Unmarshal(u.Raw, &w)
	return w.Message.Text
}

// states tells what became of each update.
func (h *house) states(t *testing.T) map[int64]string {
	t.Helper()
	var rows []struct {
		UpdateID int64
		State    string
	}
	if err := h.db.Bun().NewRaw(`SELECT update_id, state FROM updates`).Scan(t.Context(), &rows); err != nil {
		t.Fatal(err)
	}
	out := map[int64]string{}
	for _, r := range rows {
		out[r.UpdateID] = r.State
	}
	return out
}

// duePauses lets retries come up now.
func (h *house) duePauses(t *testing.T) {
	t.Helper()
	if _, err := h.db.Bun().ExecContext(t.Context(), `UPDATE updates SET run_at = now() WHERE state = 'waiting'`); err != nil {
		t.Fatal(err)
	}
}

func TestAnUpdateIsConfirmedOnlyAfterItIsStored(t *testing.T) {
	t.Parallel()
	h := newHouse(t)

	anna := h.tg.Phone(101, "Анна", "ru")
	anna.Say("один")
	broken := failing{h.db}
	if _, err := post.NewPoller(h.chat, broken, func() {}, h.log).Poll(t.Context(), 0); err == nil {
		t.Fatal("a poll whose updates were not stored is no error")
	}
	if h.tg.Pending() != 1 {
		t.Fatalf("%d updates wait in the messenger, want the one that was not stored", h.tg.Pending())
	}
	anna.Say("два")
	if n := h.drain(t); n != 2 {
		t.Errorf("polled %d updates, want 2", n)
	}
	if h.tg.Pending() != 0 {
		t.Errorf("%d updates were stored and not confirmed", h.tg.Pending())
	}
}

// failing is an inbox whose database is away.
type failing struct{ service.Inbox }

func (failing) StoreUpdates(context.Context, []service.RawUpdate) (int, error) {
	return 0, errors.New("the database is away")
}

func TestARestartedPollerStoresNothingTwice(t *testing.T) {
	t.Parallel()
	h := newHouse(t)

	anna := h.tg.Phone(101, "Анна", "ru")
	anna.Say("один")
	if _, err := h.poller.Poll(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	// Stored and not confirmed: the process dies here.
	h.poller = post.NewPoller(h.chat, h.db, h.inbox.Wake, h.log)
	anna.Say("два")
	h.drain(t)
	var got []string
	n, err := h.inbox.WorkAll(t.Context(), func(_ context.Context, u service.Update) error {
		got = append(got, textOf(u))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"один", "два"}, got); diff != "" || n != 2 {
		t.Errorf("%d updates worked (-want +got):\n%s", n, diff)
	}
}

func TestWhatCannotBeReadIsStoredAndSpoilsNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)

	anna := h.tg.Phone(101, "Анна", "ru")
	h.tg.InjectUpdate("message", json.RawMessage(`{"message_id":"oops","chat":{"id":101},"text":17}`))
	h.tg.InjectUpdate("some_new_kind", json.RawMessage(`[1,2,3]`))
	h.tg.InjectUpdate("callback_query", json.RawMessage(`{"id":"1","from":{"id":101},"inline_message_id":"abc","data":"x"}`))
	h.tg.InjectUpdate("message", json.RawMessage(`{"message_id":5,"chat":{"id":101},"text":"a\u0000\ud800"}`))
	anna.Say("последнее")
	if n := h.drain(t); n != 5 {
		t.Fatalf("polled %d updates, want 5", n)
	}
	chats := map[int64]int64{}
	if _, err := h.inbox.WorkAll(t.Context(), func(_ context.Context, u service.Update) error {
		chats[u.ID] = u.ChatID
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[int64]int64{1: 101, 2: 0, 3: 101, 4: 101, 5: 101}, chats); diff != "" {
		t.Errorf("chats of the updates (-want +got):\n%s", diff)
	}
}

func TestAPoisonedUpdateIsSetAsideAndItsChatGoesOn(t *testing.T) {
	t.Parallel()
	h := newHouse(t)

	anna := h.tg.Phone(101, "Анна", "ru")
	for _, text := range []string{"яд", "паника", "хлеб"} {
		anna.Say(text)
	}
	h.drain(t)
	var got []string
	handle := func(_ context.Context, u service.Update) error {
		got = append(got, textOf(u))
		switch textOf(u) {
		case "яд":
			return errors.New("no digestion")
		case "паника":
			panic("help")
		}
		return nil
	}
	for range 2 * service.MaxUpdateAttempts {
		if _, err := h.inbox.WorkAll(t.Context(), handle); err != nil {
			t.Fatal(err)
		}
		h.duePauses(t)
	}
	want := append(slices.Repeat([]string{"яд"}, 3), append(slices.Repeat([]string{"паника"}, 3), "хлеб")...)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("worked (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[int64]string{1: "set_aside", 2: "set_aside", 3: "done"}, h.states(t)); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
}

func TestWhatBecomesOfAnUpdateDependsOnTheError(t *testing.T) {
	t.Parallel()

	tests := []struct {
		name     string
		err      error
		attempts int // before this one
		state    string
		wait     time.Duration // until the next try
	}{
		{"the person has blocked the bot", fmt.Errorf("answer: %w", chat.ErrBlocked), 0, "done", 0},
		{"the messenger wants quiet", &chat.RateError{After: 40 * time.Second}, 0, "waiting", 40 * time.Second},
		{"the messenger still wants quiet", &chat.RateError{After: 40 * time.Second}, 10, "waiting", 40 * time.Second},
		{"the messenger will never be quiet", &chat.RateError{After: 40 * time.Second}, 19, "set_aside", 0},
		{"the first fault", errors.New("x"), 0, "waiting", 2 * time.Second},
		{"the second fault", errors.New("x"), 1, "waiting", 30 * time.Second},
		{"the third fault", errors.New("x"), 2, "set_aside", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.tg.Phone(101, "Анна", "ru").Say("один")
			h.drain(t)
			if _, err := h.db.Bun().ExecContext(t.Context(), `UPDATE updates SET attempts = ?, error = 'earlier'`, tt.attempts); err != nil {
				t.Fatal(err)
			}
			// One try: the pause after it may be over before a busy machine looks again.
			once, stop := context.WithCancel(t.Context())
			defer stop()
			before := h.clock(t)
			_, err := h.inbox.WorkAll(once, func(context.Context, service.Update) error { stop(); return tt.err })
			if !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
			after := h.clock(t)
			var state string
			var next time.Time
			if err := h.db.Bun().NewRaw(`SELECT state, run_at FROM updates`).Scan(t.Context(), &state, &next); err != nil {
				t.Fatal(err)
			}
			if state != tt.state {
				t.Errorf("%s, want %s", state, tt.state)
			}
			if state == "waiting" && (next.Before(before.Add(tt.wait)) || next.After(after.Add(tt.wait))) {
				t.Errorf("tried between %s and %s, and again at %s: want %s later", before, after, next, tt.wait)
			}
		})
	}
}

// clock is what the database holds for now.
func (h *house) clock(t *testing.T) time.Time {
	t.Helper()
	var at time.Time
	if err := h.db.Bun().NewRaw(`SELECT clock_timestamp()`).Scan(t.Context(), &at); err != nil {
		t.Fatal(err)
	}
	return at
}

func TestAnUpdateThatKillsItsWorkersIsSetAsideUnseen(t *testing.T) {
	t.Parallel()
	h := newHouse(t)

	h.tg.Phone(101, "Анна", "ru").Say("яд")
	h.drain(t)
	for range service.MaxUpdateAttempts { // three processes die with it
		if us, err := h.db.ClaimUpdates(t.Context(), 0, 1, -time.Second); err != nil || len(us) != 1 {
			t.Fatalf("%d updates claimed: %v", len(us), err)
		}
	}
	if _, err := h.inbox.WorkAll(t.Context(), func(context.Context, service.Update) error {
		t.Error("worked again")
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[int64]string{1: "set_aside"}, h.states(t)); diff != "" {
		t.Errorf("states (-want +got):\n%s", diff)
	}
}

// TestRunWorksChatsSideBySideAndEachInOrder holds one chat up until another has
// been worked, and stops while work is going on.
func TestRunWorksChatsSideBySideAndEachInOrder(t *testing.T) {
	t.Parallel()
	h := newHouse(t)

	const people, each = 5, 6
	var mu sync.Mutex
	got := map[int64][]string{}
	other := make(chan struct{})
	last := make(chan struct{})
	total := 0
	handle := func(_ context.Context, u service.Update) error {
		if u.ChatID == 101 && textOf(u) == "0" {
			<-other
		}
		mu.Lock()
		defer mu.Unlock()
		got[u.ChatID] = append(got[u.ChatID], textOf(u))
		if total++; total == people*each-each {
			close(other) // all but the one that waits are through
		}
		if total == people*each {
			close(last)
		}
		return nil
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { h.poller.Run(ctx) })
	wg.Go(func() { h.inbox.Run(ctx, handle) })
	for i := range each {
		for p := range int64(people) {
			h.tg.Phone(101+p, fmt.Sprint("Человек ", p), "ru").Say(strconv.Itoa(i))
		}
	}
	<-last
	cancel()
	wg.Wait()
	want := []string{"0", "1", "2", "3", "4", "5"}
	for p := range int64(people) {
		if diff := cmp.Diff(want, got[101+p]); diff != "" {
			t.Errorf("chat %d (-want +got):\n%s", 101+p, diff)
		}
	}
	for id, state := range h.states(t) {
		if state != "done" {
			t.Errorf("update %d is %s after a stop in order", id, state)
		}
	}
}

func TestThePollerOutlivesFaults(t *testing.T) {
	t.Parallel()
	h := newHouse(t)

	h.tg.Inject(emulator.Fault{Method: "getUpdates", Status: http.StatusBadGateway, Body: "<html>Bad Gateway</html>"})
	h.tg.Inject(emulator.Fault{Method: "deleteWebhook", Status: http.StatusTooManyRequests, RetryAfter: 1})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); h.poller.Run(ctx) }()
	h.tg.Phone(101, "Анна", "ru").Say("один")
	if err := h.tg.WaitFor(t.Context(), func() bool { return h.tg.Pending() == 0 }); err != nil {
		t.Fatal(err)
	}
	cancel()
	<-done
}

func TestTheWebhookStoresBeforeItAnswers(t *testing.T) {
	t.Parallel()
	h := newHouse(t)

	if _, err := post.NewWebhook("", h.db, h.inbox.Wake, h.log); err == nil {
		t.Error("a webhook without a secret is made")
	}
	hook, err := post.NewWebhook("s3cret", h.db, h.inbox.Wake, h.log)
	if err != nil {
		t.Fatal(err)
	}
	away, err := post.NewWebhook("s3cret", failing{h.db}, h.inbox.Wake, h.log)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name    string
		handler http.Handler
		method  string
		secret  string
		body    string
		code    int
		stored  int
	}{
		{"an update", hook, http.MethodPost, "s3cret", `{"update_id":1,"message":{"chat":{"id":5}}}`, 200, 1},
		{"a repeated one", hook, http.MethodPost, "s3cret", `{"update_id":1,"message":{"chat":{"id":5}}}`, 200, 1},
		{"a wrong secret", hook, http.MethodPost, "s3cret0", `{"update_id":2}`, 404, 1},
		{"no secret", hook, http.MethodPost, "", `{"update_id":2}`, 404, 1},
		{"another method", hook, http.MethodGet, "s3cret", "", 404, 1},
		{"no JSON: it would come again for a day", hook, http.MethodPost, "s3cret", "?", 200, 1},
		{"too long", hook, http.MethodPost, "s3cret", strings.Repeat("x", 2<<20), 413, 1},
		{"the database is away", away, http.MethodPost, "s3cret", `{"update_id":3}`, 503, 1},
		{"an update without a chat", hook, http.MethodPost, "s3cret", `{"update_id":4,"poll":{}}`, 200, 2},
	}
	for _, tt := range tests { // one after another: each looks at what is stored
		r := httptest.NewRequestWithContext(t.Context(), tt.method, "/", strings.NewReader(tt.body))
		if tt.secret != "" {
			r.Header.Set("X-Telegram-Bot-Api-Secret-Token", tt.secret)
		}
		w := httptest.NewRecorder()
		tt.handler.ServeHTTP(w, r)
		if stored := len(h.states(t)); w.Code != tt.code || stored != tt.stored {
			t.Errorf("%s: %d with %d updates stored, want %d with %d", tt.name, w.Code, stored, tt.code, tt.stored)
		}
	}
}
