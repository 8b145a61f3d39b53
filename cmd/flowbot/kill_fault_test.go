package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"flowbot/bot/emulator"
)

// whole is the life of an act from its generation to the approval of its second
// package.
var whole = slices.Concat(taken, []step{
	press("operator", "Отклонить"), say("operator", "Нет подписи"), press("partner", "Заменить журнал"), press("partner", "Убрать журнал"),
	send("partner", "новый.pdf"), press("partner", "Готово"), press("partner", "Отправить на согласование"),
	say("operator", "Следующий"), press("operator", "Взять на проверку"), press("operator", "Согласовать"), press("operator", "Скачать пакет"),
})

// run plays steps, with something done before each. An answer can be lost; who
// sees no button to go on with does the step before again, as people do.
func (p *play) run(steps []step, before func(n int)) {
	p.t.Helper()
	for n, s := range steps {
		before(n)
		if err := s.do(p); err != nil && n > 0 {
			p.do(steps[n-1])
			p.settle(nil)
			p.do(s)
		} else if err != nil {
			p.t.Fatal(err)
		}
		p.settle(nil)
	}
}

// greet has everybody write first.
func (p *play) greet() {
	p.t.Helper()
	p.run([]step{say("operator", "/start"), say("partner", "/start")}, func(int) {})
}

func TestFaultsOfTheBotAPIChangeNothing(t *testing.T) {
	t.Parallel()
	steps := whole
	// Whoever asks sees how things stand, whatever answer was lost.
	asked := []step{say("partner", "/tasks"), say("operator", "/tasks")}
	want := sync.OnceValue(func() string {
		p := newPlay(t)
		p.begin()
		p.greet()
		p.run(steps, func(int) {})
		p.run(asked, func(int) {})
		return p.end()
	})()
	tests := []struct {
		name  string
		fault emulator.Fault
	}{
		{"cut before the call is executed", emulator.Fault{Drop: emulator.DropBefore}},
		{"cut after it", emulator.Fault{Drop: emulator.DropAfter}},
		{"asked to wait", emulator.Fault{Status: http.StatusTooManyRequests, RetryAfter: 1}},
		{"an HTML page", emulator.Fault{Status: http.StatusBadGateway, Body: "<html>Bad Gateway</html>"}},
		{"JSON that breaks off", emulator.Fault{Status: http.StatusOK, Body: `{"ok":true,"result":{"mess`}},
		{"a second poller", emulator.Fault{Method: "getUpdates", Status: http.StatusConflict}},
		{"no answer to a poll", emulator.Fault{Method: "getUpdates", Drop: emulator.DropBefore}},
		{"no bytes of a file", emulator.Fault{Method: "download", Drop: emulator.DropAfter}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newPlay(t)
			p.begin()
			p.greet()
			p.run(steps, func(n int) {
				p.telegram.ClearFaults()
				f := tt.fault
				switch {
				case f.Method == "": // the answer to the press, or what follows
					f.Skip = n % 2
				case f.Method == "getUpdates" && n%8 != 0: // each is followed by a pause
					return
				}
				p.telegram.Inject(f)
			})
			p.telegram.ClearFaults()
			p.run(asked, func(int) {})
			p.checkFiles()
			p.checkPrinted()
			if diff := cmp.Diff(want, p.end()); diff != "" {
				t.Errorf("it ends elsewhere (-without faults +with them):\n%s\n%s", diff, p.printed())
			}
		})
	}
}

// A client that is not sure whether a tap arrived sends it again.
func TestUpdatesThatComeTwiceAreDoneOnce(t *testing.T) {
	t.Parallel()
	p := newPlay(t)
	p.begin()
	p.greet()
	p.run(taken, func(int) {})
	p.run([]step{press("operator", "Согласовать"), press("operator", "История")}, func(int) { p.telegram.InjectRepeat(1) })
	want := []string{
		"generate  awaiting_journal", "submit awaiting_journal in_approval", "take in_approval in_approval", "approve in_approval approved",
	}
	got := p.rows(`SELECT concat_ws(' ', event, from_status, to_status) FROM history WHERE subject = 'act' ORDER BY id`)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
	if n := p.rows(`SELECT count(*)::text FROM notices WHERE kind = 'act_approved'`); n[0] != "1" {
		t.Errorf("%s notices of one approval", n)
	}
}

// What must not be sent twice, and may have been, is shown and not repeated.
func TestAnUnknownOutcomeIsShownAndNotRepeated(t *testing.T) {
	t.Parallel()
	p := newPlay(t)
	p.begin()
	p.greet()
	p.telegram.Inject(emulator.Fault{Method: "sendDocument", Chat: cast["partner"].id, Drop: emulator.DropAfter})
	p.run(generated, func(int) {})
	documents := func() (n int) {
		for _, m := range p.phone("partner").Messages() {
			if m.File != nil && !m.File.Photo && m.Bot {
				n++
			}
		}
		return n
	}
	for _, serving := range []string{"the first", "the next", "the one after"} {
		if diff := cmp.Diff([]string{"unknown 1"}, p.rows(`SELECT state || ' ' || attempts FROM notices WHERE kind = 'act_printed'`)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", serving, diff)
		}
		if n := documents(); n != 1 {
			t.Errorf("%s: the act came %d times", serving, n)
		}
		p.serve.kill()
		p.begin()
		p.run([]step{say("partner", "/tasks")}, func(int) {})
	}
}

// Two processes take the updates of one webhook in turns.
func TestTwoReplicasAreOne(t *testing.T) {
	t.Parallel()
	reference := newPlay(t)
	reference.begin()
	reference.greet()
	reference.run(whole, func(int) {})
	want := reference.end()

	p := newPlay(t)
	var turn atomic.Int64
	var mu sync.Mutex
	var replicas []*httputil.ReverseProxy
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if len(replicas) == 0 {
			http.Error(w, "nobody is here yet", http.StatusBadGateway)
			return
		}
		replicas[int(turn.Add(1))%len(replicas)].ServeHTTP(w, r)
	}))
	t.Cleanup(proxy.Close)
	p.place = p.with("TELEGRAM_MODE=webhook", "WEBHOOK_URL="+proxy.URL+"/hook", "WEBHOOK_SECRET=planted_secret")
	serve := func(of ...*process) {
		var to []*httputil.ReverseProxy
		for _, r := range of {
			u, err := url.Parse(r.address())
			if err != nil {
				t.Fatal(err)
			}
			proxy := httputil.NewSingleHostReverseProxy(u)
			proxy.ErrorLog = log.New(io.Discard, "", 0)
			to = append(to, proxy)
		}
		mu.Lock()
		defer mu.Unlock()
		replicas = to
	}
	p.begin()
	first := p.serve
	p.begin()
	second := p.serve
	serve(first, second)
	p.greet()
	p.run(whole, func(int) {})
	p.checkFiles()
	p.checkPrinted()
	if diff := cmp.Diff(want, p.end()); diff != "" {
		t.Errorf("two end elsewhere than one (-one +two):\n%s\n%s", diff, p.printed())
	}
	if p.telegram.Count("getUpdates") != 0 {
		t.Error("somebody polls beside the webhook")
	}

	// All at once, and one of the two dies in the middle. The other takes over
	// without a new start.
	const invited = 12
	var names []string
	for n := range invited {
		names = append(names, fmt.Sprintf("Гость %02d", n+1))
		for _, who := range []string{"partner", "operator"} {
			p.phone(who).Say("Пригласить")
			p.phone(who).Say(names[n])
		}
	}
	p.until(nil, func() bool { return len(p.rows(`SELECT name FROM invitations`)) > invited/2 })
	serve(second)
	if err := first.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	p.settle(nil)
	for _, role := range []string{"partner_rep", "operator_rep"} {
		got := p.rows(`SELECT name FROM invitations WHERE role = ? ORDER BY id`, role)
		if diff := cmp.Diff(names, got); diff != "" {
			t.Errorf("invitations of %s (-want +got):\n%s", role, diff)
		}
	}
	if aside := p.rows(`SELECT error FROM updates WHERE state <> 'done'`); len(aside) > 0 {
		t.Errorf("updates set aside: %q", aside)
	}
}
