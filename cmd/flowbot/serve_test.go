package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flowbot/bot/emulator"
)

// serving is the environment of a serve against a double.
func serving(api string) []string {
	return []string{"TELEGRAM_TOKEN=" + testToken, "TELEGRAM_API_URL=" + api, "LOG_LEVEL=debug"}
}

// address is where a serving process listens for HTTP.
func (r *process) address() string {
	r.t.Helper()
	r.wait(r.err, `"msg":"serving"`)
	for line := range strings.Lines(r.err.String()) {
		var l struct {
			Message string `json:"msg"`
			Listen  string `json:"listen"`
		}
		if err := json.Unmarshal([]byte(line), &l); err == nil && l.Message == "serving" {
			return "http://" + l.Listen
		}
	}
	r.t.Fatal("the process does not say where it listens")
	return ""
}

// come lets an admin in by a new link and waits until the bot has welcomed them.
func come(t *testing.T, p *place, phone *emulator.Phone, name string) {
	t.Helper()
	link := p.must("invite", "--role", "admin", "--name", name)
	_, token, found := strings.Cut(link, "start=")
	if !found {
		t.Fatalf("no link: %q", link)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	phone.Start(token)
	if _, err := phone.Await(ctx, name); err != nil {
		t.Fatal(err)
	}
}

// order lists the parts in the order in which the log says they stopped.
func (r *process) order() []string {
	var out []string
	for _, m := range regexp.MustCompile(`"msg":"stopped","part":"([a-z]+)"`).FindAllStringSubmatch(r.err.String(), -1) {
		out = append(out, m[1])
	}
	return out
}

func TestServeAnswersTellsItsHealthAndStopsInOrder(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	telegram, api := telegram(t, emulator.Options{})
	serve := p.with(serving(api)...).start("serve")
	address := serve.address()

	phone := telegram.Phone(7, "Анна", "ru")
	come(t, p, phone, "Анна Петрова")
	// The answer to the next one comes after the first is written down as worked.
	asked := phone.Say("/help")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := telegram.WaitFor(ctx, func() bool { return phone.Last().ID > asked }); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		if status, body := get(t, address+path); status != http.StatusOK {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	_, metrics := get(t, address+"/metrics")
	for _, want := range []string{
		`flowbot_updates_total{outcome="done"}`, `flowbot_answer_seconds_count`, `flowbot_queue_depth{queue="updates",state="waiting"}`,
		`flowbot_queue_depth{queue="notices",state="failed"}`, `flowbot_queue_depth{queue="jobs",state="discarded"}`,
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("the metrics do not have %s", want)
		}
	}
	if strings.Contains(metrics, "Анна") {
		t.Error("the metrics tell a name")
	}
	if status := serve.signal(syscall.SIGTERM); status != 0 {
		t.Errorf("exit status %d", status)
	}
	want := []string{"intake", "inbox", "sender", "workers", "clock", "http"}
	if diff := cmp.Diff(want, serve.order()); diff != "" {
		t.Errorf("the parts stopped in the wrong order (-want +got):\n%s", diff)
	}
	if out := serve.out.String(); out != "" {
		t.Errorf("standard output holds %q", out)
	}
}

func TestRolesServeApart(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	telegram, api := telegram(t, emulator.Options{})
	others := p.with(serving(api)...).start("serve", "--roles", "sender,worker,clock")
	if status, body := get(t, others.address()+"/readyz"); status != http.StatusOK {
		t.Errorf("without the bot: %d %s", status, body)
	}
	answers := p.with(serving(api)...).start("serve", "--roles", "bot")
	answers.address()
	come(t, p, telegram.Phone(7, "Анна", "ru"), "Анна Петрова")
	for r, want := range map[*process][]string{
		others: {"sender", "workers", "clock", "http"}, answers: {"intake", "inbox", "http"},
	} {
		if status := r.signal(syscall.SIGTERM); status != 0 {
			t.Errorf("exit status %d", status)
		}
		if diff := cmp.Diff(want, r.order()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func TestAWrongTokenEndsServe(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	_, api := telegram(t, emulator.Options{})
	r := p.with("TELEGRAM_TOKEN=1:wrong", "TELEGRAM_API_URL="+api, "LOG_LEVEL=error").run("serve")
	if r.status != 1 || !strings.Contains(r.err, "TELEGRAM_TOKEN") || strings.Contains(r.err, "1:wrong") {
		t.Errorf("status %d, error %q", r.status, r.err)
	}
}

func TestServeWaitsForABotAPIThatIsAway(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	serve := p.with("TELEGRAM_TOKEN="+testToken, "TELEGRAM_API_URL=http://127.0.0.1:1").start("serve")
	address := serve.address()
	serve.wait(serve.err, "the Bot API does not answer")
	if status, _ := get(t, address+"/healthz"); status != http.StatusOK {
		t.Errorf("alive: %d", status)
	}
	if status, body := get(t, address+"/readyz"); status != http.StatusServiceUnavailable {
		t.Errorf("ready: %d %s", status, body)
	}
	if status := serve.signal(syscall.SIGTERM); status != 0 {
		t.Errorf("exit status %d", status)
	}
}

func TestTheWebhookTakesUpdatesWithTheSecretAlone(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	telegram, api := telegram(t, emulator.Options{})
	serve := p.with(append(serving(api), "TELEGRAM_MODE=webhook", "WEBHOOK_URL=https://127.0.0.1:9/hook/here", "WEBHOOK_SECRET=planted_secret")...).start("serve")
	address := serve.address()
	phone := telegram.Phone(7, "Анна", "ru")
	phone.Say("/start") // the emulator's own delivery to that address fails
	bring := func(path, secret string, id int) int {
		body := fmt.Sprintf(`{"update_id":%d,"message":{"message_id":1,"date":1,"chat":{"id":7,"type":"private"},"from":{"id":7,"is_bot":false,"first_name":"A"},"text":"/start"}}`, id)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Telegram-Bot-Api-Secret-Token", secret)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		return resp.StatusCode
	}
	if status := bring("/hook/here", "wrong", 900); status == http.StatusOK {
		t.Error("a wrong secret is taken")
	}
	if status := bring("/elsewhere", "planted_secret", 901); status != http.StatusNotFound {
		t.Errorf("another path: %d", status)
	}
	if status := bring("/hook/here", "planted_secret", 902); status != http.StatusOK {
		t.Errorf("with the secret: %d", status)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := telegram.WaitFor(ctx, func() bool { return phone.Last().ID != 0 }); err != nil {
		t.Fatal("the update is not answered")
	}
	if err := telegram.WaitFor(ctx, func() bool { return telegram.Count("setWebhook") > 0 }); err != nil {
		t.Fatal("the webhook is not registered")
	}
	if status := serve.signal(syscall.SIGTERM); status != 0 {
		t.Errorf("exit status %d: %s", status, serve.err.String())
	}
	if telegram.Count("getUpdates") != 0 {
		t.Error("it polls beside the webhook")
	}
	if strings.Contains(serve.err.String(), "planted_secret") {
		t.Error("the log tells the webhook's secret")
	}
}

// postmaster is the process of a place's private PostgreSQL, 0 when none runs.
func (p *place) postmaster() int {
	p.t.Helper()
	b, err := os.ReadFile(filepath.Join(p.data, "pg", "data", "postmaster.pid"))
	if err != nil {
		return 0
	}
	var pid int
	if _, err := fmt.Sscan(string(b), &pid); err != nil || syscall.Kill(pid, 0) != nil {
		return 0
	}
	return pid
}

func TestAKilledServeLeavesItsPostgreSQLToTheNext(t *testing.T) {
	t.Parallel()
	p := newPrivatePlace(t)
	telegram, api := telegram(t, emulator.Options{})
	first := p.with(serving(api)...).start("serve")
	first.address()
	phone := telegram.Phone(7, "Анна", "ru")
	come(t, p, phone, "Анна Петрова")
	server := p.postmaster()
	if server == 0 {
		t.Fatal("no PostgreSQL runs")
	}
	first.signal(syscall.SIGKILL)
	if p.postmaster() != server {
		t.Fatal("the PostgreSQL has died with serve")
	}
	asked := phone.Say("/help") // while nobody serves

	second := p.with(serving(api)...).start("serve")
	second.address()
	if p.postmaster() != server {
		t.Error("the next serve has not adopted the PostgreSQL")
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := telegram.WaitFor(ctx, func() bool { return phone.Last().ID > asked }); err != nil {
		t.Fatal("what was said while nobody served is not answered")
	}
	if status := second.signal(syscall.SIGTERM); status != 0 {
		t.Errorf("exit status %d", status)
	}
	if p.postmaster() != 0 {
		t.Error("the last one has not stopped the PostgreSQL")
	}
	// The third one starts it again and finds what the first has left.
	if r := p.run("org", "add", "--kind", "partner", "--name", "Партнёр"); r.status != 0 || p.postmaster() != 0 {
		t.Errorf("afterwards: status %d, %q", r.status, r.err)
	}
}

func TestASignalThatComesTwiceStopsInOrder(t *testing.T) {
	t.Parallel()
	p := newPrivatePlace(t)
	_, api := telegram(t, emulator.Options{})
	serve := p.with(serving(api)...).start("serve")
	serve.address()
	if err := serve.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if status := serve.signal(syscall.SIGINT); status != 0 {
		t.Errorf("exit status %d", status)
	}
	if p.postmaster() != 0 {
		t.Error("the PostgreSQL was left running")
	}
}

func TestNothingPersonalIsPrinted(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	telegram, api := telegram(t, emulator.Options{})
	serve := p.with(serving(api)...).start("serve")
	address := serve.address()
	const cyrillic, latin = "Заветная-Фамилия", "Zebulonovich"
	phone := telegram.Phone(7, cyrillic+" "+latin, "ru")
	phone.SetUsername(latin)
	come(t, p, phone, cyrillic+" "+latin)

	// Everything that makes the program complain: refused and broken updates,
	// files of wrong kinds, calls that fail, an answer that is no JSON.
	phone.SendDocument(cyrillic+" "+latin+".pdf", "application/pdf", []byte("%PDF-1.7 "+cyrillic), latin)
	phone.SendDocument(cyrillic+".xlsx", "", []byte("PK\x03\x04"+latin), "")
	phone.PressData("zz:" + latin)
	phone.Start(latin)
	telegram.Inject(emulator.Fault{Method: "sendMessage", Times: 2, Status: 500, Description: cyrillic})
	phone.Say(cyrillic + " " + latin)
	telegram.Inject(emulator.Fault{Method: "getUpdates", Status: 502, Body: "<html>" + latin})
	telegram.InjectUpdate("message", json.RawMessage(`{"message_id":"`+latin+`","chat":{"id":7,"type":"private"},"from":{"id":7,"first_name":"`+latin+`"}}`))
	phone.Say("/help")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := telegram.WaitFor(ctx, func() bool { return telegram.Pending() == 0 }); err != nil {
		t.Fatal(err)
	}
	serve.wait(serve.err, `"level":"WARN"`)
	_, metrics := get(t, address+"/metrics")
	if status := serve.signal(syscall.SIGTERM); status != 0 {
		t.Errorf("exit status %d", status)
	}
	for what, text := range map[string]string{"the log": serve.err.String(), "the output": serve.out.String(), "the metrics": metrics} {
		for _, secret := range []string{cyrillic, "Заветная", latin, testToken, strings.TrimPrefix(testToken, "4839201755:")} {
			if at := strings.Index(text, secret); at >= 0 {
				t.Errorf("%s tells %q: …%s", what, secret, text[max(0, at-300):min(len(text), at+100)])
			}
		}
	}
}

func TestTheLogTakesSecretsAndNamesOut(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	log := newLog(&b, -4, []string{testToken, `pass"word`, "abc"})
	log.InfoContext(t.Context(), "call failed",
		"err", fmt.Errorf(`Post "http://host/bot%s/getMe": no such column «Иванов И. И.»`, testToken),
		"url", "http://host/bot4839201755%3AAAHplantedTokenOfTheTestsX9-_q/x",
		"quoted", `pass"word`, "short", "abc")
	var line map[string]string
	if err := json.Unmarshal(b.Bytes(), &line); err != nil {
		t.Fatalf("the line is no JSON any more: %v\n%s", err, b.String())
	}
	delete(line, "time")
	want := map[string]string{
		"level": "INFO", "msg": "call failed", "quoted": "[hidden]", "short": "abc",
		"err": `Post "http://host/bot[hidden]/getMe": no such column «[hidden]`,
		"url": "http://host/bot[hidden]/x",
	}
	if diff := cmp.Diff(want, line); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The defaults are a promise to whoever runs an older configuration.
func TestTheSettingsAreTheContracts(t *testing.T) {
	t.Parallel()
	want := []Setting{
		{"TELEGRAM_TOKEN", ""},
		{"TELEGRAM_API_URL", "https://api.telegram.org"},
		{"BOT_NAME", ""},
		{"TELEGRAM_MODE", "poll"},
		{"WEBHOOK_URL", ""},
		{"WEBHOOK_SECRET", ""},
		{"LISTEN_ADDR", "127.0.0.1:8080"},
		{"PUBLIC_URL", ""},
		{"DATABASE_URL", ""},
		{"DATA_DIR", "./data"},
		{"FILES_URL", "DATA_DIR/files"},
		{"DELIVERY_HOLD", "10m"},
		{"MAX_DOWNLOAD", "20MiB"},
	}
	have := SettingsTable()
	for _, w := range want {
		if !slices.Contains(have, w) {
			t.Errorf("%s with the default %q is not among the settings", w.Name, w.Default)
		}
	}
}

func TestTheDemoPlaysAndGoesOn(t *testing.T) {
	t.Parallel()
	p := newPrivatePlace(t)
	page := func(r *process) {
		r.wait(r.out, "Stop with Ctrl-C")
		m := regexp.MustCompile(`http://\S+`).FindString(r.out.String())
		if status, body := get(t, m); status != http.StatusOK || !strings.Contains(body, "<html") {
			t.Errorf("the page: %d", status)
		}
	}
	first := p.start("demo", "--addr", "127.0.0.1:0")
	page(first)
	files, err := os.ReadDir(filepath.Join(p.data, "demo"))
	if err != nil || len(files) < 5 {
		t.Errorf("%d files to send (%v)", len(files), err)
	}
	// Beside it a command and a second demo, which finds another port.
	want := p.must("show", "act", "204/1", "--json")
	if status := first.signal(syscall.SIGINT); status != 0 {
		t.Errorf("exit status %d: %s", status, first.err)
	}
	if p.postmaster() != 0 {
		t.Error("the demo has left its PostgreSQL")
	}

	second := p.start("demo", "--addr", "127.0.0.1:0")
	page(second)
	if diff := cmp.Diff(want, p.must("show", "act", "204/1", "--json")); diff != "" {
		t.Errorf("the second start has other data (-want +got):\n%s", diff)
	}
	if status := second.signal(syscall.SIGINT); status != 0 {
		t.Errorf("exit status %d", status)
	}
}

func TestTheDemoLeavesRealDataAlone(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.must("org", "add", "--kind", "partner", "--name", "Настоящий партнёр")
	r := p.run("demo", "--addr", "127.0.0.1:0")
	oneLineOnly(t, r)
	if r.status != 1 || !strings.Contains(r.err, "DATA_DIR") {
		t.Errorf("status %d, error %q", r.status, r.err)
	}
}

func TestTheSampleLivesWhereItIsDay(t *testing.T) {
	t.Parallel()
	for _, day := range []time.Time{time.Date(2026, 1, 15, 0, 30, 0, 0, time.UTC), time.Date(2026, 7, 15, 0, 30, 0, 0, time.UTC)} {
		for hour := range 24 {
			now := day.Add(time.Duration(hour) * time.Hour)
			zone, err := sampleZone(now)
			if err != nil {
				t.Fatal(err)
			}
			if at := now.In(zone).Hour(); at < 9 || at >= 19 {
				t.Errorf("at %s UTC it is %d o'clock in %s", now.Format("02.01. 15:04"), at, zone)
			}
		}
	}
}

func TestWhatIsUnderWayAtTheEndIsAnsweredOnce(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	telegram, api := telegram(t, emulator.Options{})
	first := p.with(serving(api)...).start("serve")
	first.address()
	phone := telegram.Phone(7, "Анна", "ru")
	come(t, p, phone, "Анна Петрова")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := telegram.WaitFor(ctx, func() bool { return telegram.Pending() == 0 }); err != nil {
		t.Fatal(err)
	}
	const many = 8
	telegram.Inject(emulator.Fault{Method: "sendMessage", Times: many, Delay: 300 * time.Millisecond})
	asked := 0
	for range many {
		asked = phone.Say("/help")
	}
	// All are stored, some are being answered, most still wait for their turn.
	if err := telegram.WaitFor(ctx, func() bool { return telegram.Pending() == 0 }); err != nil {
		t.Fatal(err)
	}
	if status := first.signal(syscall.SIGTERM); status != 0 {
		t.Errorf("exit status %d", status)
	}
	second := p.with(serving(api)...).start("serve")
	second.address()
	answers := func() int {
		n := 0
		for _, m := range phone.Messages() {
			if m.Bot && m.ID > asked {
				n++
			}
		}
		return n
	}
	if err := telegram.WaitFor(ctx, func() bool { return answers() >= many }); err != nil {
		t.Fatalf("%d of %d are answered: %v", answers(), many, err)
	}
	// Whatever else waited has been answered before this one.
	last := phone.Say("/menu")
	if err := telegram.WaitFor(ctx, func() bool { return phone.Last().ID > last }); err != nil {
		t.Fatal(err)
	}
	if n := answers(); n != many+1 {
		t.Errorf("%d answers, want %d", n, many+1)
	}
}
