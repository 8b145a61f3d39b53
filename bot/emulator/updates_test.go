package emulator

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// short is what a test needs of an update.
type short struct {
	ID      int64 `json:"update_id"`
	Message *struct {
		Text  string `json:"text"`
		Album string `json:"media_group_id"`
	} `json:"message"`
	Edited *struct {
		Text string `json:"text"`
	} `json:"edited_message"`
	Member *struct {
		New struct {
			Status string `json:"status"`
		} `json:"new_chat_member"`
	} `json:"my_chat_member"`
	Query *struct {
		ID string `json:"id"`
	} `json:"callback_query"`
}

func (u short) String() string {
	what := "?"
	switch {
	case u.Message != nil:
		what = u.Message.Text
	case u.Edited != nil:
		what = "edited " + u.Edited.Text
	case u.Member != nil:
		what = "member " + u.Member.New.Status
	case u.Query != nil:
		what = "query"
	}
	return strconv.FormatInt(u.ID, 10) + " " + what
}

func (r *rig) updates(a args) []string {
	r.t.Helper()
	got := []string{}
	for _, u := range must[[]short](r, "getUpdates", a) {
		got = append(got, u.String())
	}
	return got
}

func TestUpdatesWaitUntilTheyAreConfirmed(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{FirstUpdate: 100})
	p := r.Phone(7, "person", "ru")
	for _, text := range []string{"a", "b", "c"} {
		p.Say(text)
	}
	steps := []struct {
		name string
		args args
		want []string
	}{
		{"all", nil, []string{"100 a", "101 b", "102 c"}},
		{"all again", nil, []string{"100 a", "101 b", "102 c"}},
		{"limited", args{"limit": "2"}, []string{"100 a", "101 b"}},
		{"the first confirmed", args{"offset": "101"}, []string{"101 b", "102 c"}},
		{"the newest, which forgets the others", args{"offset": "-1"}, []string{"102 c"}},
		{"still forgotten", nil, []string{"102 c"}},
		{"all confirmed", args{"offset": "103"}, []string{}},
	}
	for _, st := range steps {
		if diff := cmp.Diff(st.want, r.updates(st.args)); diff != "" {
			t.Errorf("%s: %s", st.name, diff)
		}
	}
	if r.Pending() != 0 {
		t.Errorf("%d pending", r.Pending())
	}
}

func TestPeopleMakeTheUpdatesThatTheirDeedsMake(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.Phone(7, "person", "ru")
	id := p.Say("a")
	if err := p.Edit(id, "b"); err != nil {
		t.Fatal(err)
	}
	p.Block()
	p.Block()
	p.Say("c")
	if !r.Repeat() {
		t.Error("there is no update to repeat")
	}
	g := r.Group(-5, "group")
	g.AddBot(p)
	if err := g.Say(p, "d"); err != nil {
		t.Fatal(err)
	}
	must[bool](r, "leaveChat", args{"chat_id": "-5"})
	if err := g.Say(p, "e"); !errors.Is(err, errOutside) || !g.Left() {
		t.Errorf("after leaving: %v", err)
	}
	want := []string{
		"1 a", "2 edited b", "3 member kicked", "4 member member", "5 c", "6 c",
		"7 member member", "8 ", "9 d", "10 member left",
	}
	if diff := cmp.Diff(want, r.updates(nil)); diff != "" {
		t.Error(diff)
	}
}

func TestOnlyWantedUpdatesCome(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.Phone(7, "person", "ru")
	r.updates(args{"allowed_updates": `["callback_query"]`})
	p.Say("unwanted")
	p.PressData("wanted")
	p.PressData("wanted too")
	if diff := cmp.Diff([]string{"1 query", "2 query"}, r.updates(nil)); diff != "" {
		t.Error(diff)
	}
	r.updates(args{"allowed_updates": `[]`, "offset": "3"})
	p.Say("wanted")
	if diff := cmp.Diff([]string{"3 wanted"}, r.updates(nil)); diff != "" {
		t.Error(diff)
	}
}

func TestAnAlbumIsSeveralUpdates(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.Phone(7, "person", "ru")
	photo := Attachment{Data: picture(t, 4, 3), Photo: true}
	file := Attachment{Name: "a.pdf", Data: []byte("x")}
	p.SendAlbum(append(slices.Repeat([]Attachment{photo}, 11), file, file)...)
	sizes := map[string]int{}
	for _, u := range must[[]short](r, "getUpdates", nil) {
		sizes[u.Message.Album]++
	}
	var got []int
	for _, n := range sizes {
		got = append(got, n)
	}
	slices.Sort(got)
	if diff := cmp.Diff([]int{1, 2, 10}, got); diff != "" {
		t.Error(diff)
	}
}

// polling starts a long poll and tells what it got.
func (r *rig) polling(a args) <-chan answer {
	out := make(chan answer, 1)
	go func() {
		got, raw := r.call("getUpdates", a)
		if got.Error == "" {
			got.Error = string(raw)
		}
		out <- got
	}()
	return out
}

// polled waits until somebody polls.
func (r *rig) polled() {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), 5*time.Minute)
	defer cancel()
	if err := r.WaitFor(ctx, func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.inbox.poller != nil
	}); err != nil {
		r.t.Fatal("nobody polls")
	}
}

func TestALongPollWakesWithAnUpdate(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.Phone(7, "person", "ru")
	poll := r.polling(args{"timeout": "50"})
	r.polled()
	p.Say("a")
	if got := <-poll; !strings.Contains(got.Error, `"text":"a"`) {
		t.Errorf("got %v", got)
	}
}

func TestTheSecondOfTwoPollersWins(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.Phone(7, "person", "ru")
	first := r.polling(args{"timeout": "50"})
	r.polled()
	second := r.polling(args{"timeout": "50"})
	want := answer{409, "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"}
	if diff := cmp.Diff(want, <-first); diff != "" {
		t.Error(diff)
	}
	p.Say("a")
	if got := <-second; !strings.Contains(got.Error, `"text":"a"`) {
		t.Errorf("the second got %v", got)
	}
}

func TestPollingAndAWebhookExcludeEachOther(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	poll := r.polling(args{"timeout": "50"})
	r.polled()
	must[bool](r, "setWebhook", args{"url": "https://127.0.0.1:9/x"})
	if got := <-poll; got.Status != http.StatusConflict {
		t.Errorf("the poller got %v", got)
	}
	got, _ := r.call("getUpdates", nil)
	want := answer{409, "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	must[bool](r, "deleteWebhook", nil)
	r.updates(nil)
}

func TestAWebhookGetsUpdatesInOrderUntilItTakesThem(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{WebhookRetry: time.Millisecond})
	type push struct{ text, secret string }
	pushes := make(chan push, 10)
	failures := 2
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			t.Error(err)
		}
		var u short
		if err := json.Unmarshal(body, &u); err != nil {
			t.Error(err)
		}
		pushes <- push{u.String(), req.Header.Get("X-Telegram-Bot-Api-Secret-Token")}
		if failures > 0 {
			failures--
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(hook.Close)
	t.Cleanup(r.Close)
	must[bool](r, "setWebhook", args{"url": hook.URL, "secret_token": "s3cret"})
	p := r.Phone(7, "person", "ru")
	p.Say("a")
	p.Say("b")
	var got []push
	for range 4 {
		got = append(got, <-pushes)
	}
	want := []push{{"1 a", "s3cret"}, {"1 a", "s3cret"}, {"1 a", "s3cret"}, {"2 b", "s3cret"}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(push{})); diff != "" {
		t.Error(diff)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	if err := r.WaitFor(ctx, func() bool { return r.Pending() == 0 }); err != nil {
		t.Fatal(err)
	}
	info := must[webhookInfo](r, "getWebhookInfo", nil)
	if info.URL != hook.URL || !strings.Contains(info.LastError, "503") {
		t.Errorf("%+v", info)
	}
}

func TestFaultsHitTheCallsTheyName(t *testing.T) {
	t.Parallel()
	r := stage(t)
	p := r.Phone(7, "", "")
	say := args{"chat_id": "7", "text": "x"}
	r.Inject(Fault{Method: "sendMessage", Chat: 7, Skip: 1, Times: 2, Status: 403})
	for i, want := range []answer{{200, ""}, {403, "Forbidden: bot was blocked by the user"}, {403, "Forbidden: bot was blocked by the user"}, {200, ""}} {
		got, _ := r.call("sendMessage", say)
		if got != want {
			t.Errorf("call %d: %v", i, got)
		}
	}
	r.Inject(Fault{Times: -1, Status: 500})
	if got, _ := r.call("getMe", nil); got != (answer{500, "Internal Server Error"}) {
		t.Errorf("getMe: %v", got)
	}
	r.updates(nil) // getUpdates fails only when it is named
	r.ClearFaults()
	must[botUser](r, "getMe", nil)

	before := len(p.Messages())
	for more, drop := range []Drop{DropBefore, DropAfter} {
		r.Inject(Fault{Method: "sendMessage", Drop: drop})
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url+"/bot1:test/sendMessage?chat_id=7&text=x", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			t.Errorf("drop %d: answered %s", drop, resp.Status)
			_ = resp.Body.Close()
		}
		before += more
		if got := len(p.Messages()); got != before {
			t.Errorf("drop %d: %d messages, want %d", drop, got, before)
		}
	}

	r.InjectRepeat(1)
	from := r.updates(args{"offset": "-1"})
	p.Say("дважды")
	p.Say("один раз")
	var texts []string
	for _, u := range r.updates(nil) {
		texts = append(texts, u[strings.IndexByte(u, ' ')+1:])
	}
	if diff := cmp.Diff([]string{"дважды", "дважды", "один раз"}, texts[len(from):]); diff != "" {
		t.Error(diff)
	}
}

func TestRatesAreThoseOfTelegram(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{Limits: RealLimits()})
	for id := range int64(40) {
		r.Phone(id+1, "person", "ru").Start("")
	}
	send := func(chat int) answer {
		t.Helper()
		got, _ := r.call("sendMessage", args{"chat_id": strconv.Itoa(chat), "text": "x"})
		return got
	}
	slow := answer{429, "Too Many Requests: retry after 1"}
	for i, want := range []answer{{200, ""}, {200, ""}, {200, ""}, slow} {
		if got := send(1); got != want {
			t.Errorf("message %d in one chat: %v", i, got)
		}
	}
	r.clock.move(time.Second)
	if got := send(1); got.Status != 200 {
		t.Errorf("a second later: %v", got)
	}
	var refused []int
	for chat := 2; chat <= 40; chat++ {
		if got := send(chat); got.Status != 200 {
			refused = append(refused, chat)
			if got != slow {
				t.Errorf("chat %d: %v", chat, got)
			}
		}
	}
	// 30 at once, one of which chat 1 has taken in this second.
	if len(refused) != 10 {
		t.Errorf("refused %v", refused)
	}
	must[bool](r, "sendChatAction", args{"chat_id": "40", "action": "typing"})
}

func TestPressesFindTheirButton(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{Transcript: true})
	p := r.Phone(7, "person", "ru")
	p.Start("")
	show := func(labels ...string) int {
		t.Helper()
		var rows []string
		for _, l := range labels {
			rows = append(rows, `[{"text":"`+l+`","callback_data":"`+strconv.Itoa(r.lastMsg+1)+`"}]`)
		}
		return must[wireMessage](r, "sendMessage", args{"chat_id": "7", "text": "x", "reply_markup": `{"inline_keyboard":[` + strings.Join(rows, ",") + `]}`}).MessageID
	}
	old := show("Журнал · поток 1", "Готово")
	show("Журнал и скриншоты", "Журнал (3)")
	for _, step := range []struct{ label, want string }{
		{"Журнал", "[Журнал (3)]"},
		{"Готово", "[Готово]"},
		{"Журнал · поток 1", "[Журнал · поток 1]"},
	} {
		r.ResetTranscript()
		if err := p.Press(step.label); err != nil {
			t.Fatal(err)
		}
		if got := r.Transcript(); !strings.HasSuffix(got, step.want+"\n") {
			t.Errorf("%s pressed %s", step.label, got)
		}
	}
	if err := p.Press("Жур"); err == nil || !strings.Contains(err.Error(), "Журнал (3)") {
		t.Errorf("a button that is not there: %v", err)
	}
	if err := p.PressMessage(old, "Журнал"); err != nil {
		t.Error(err)
	}
	must[bool](r, "deleteMessage", args{"chat_id": "7", "message_id": strconv.Itoa(old)})
	if err := p.PressOld(old, "old"); err != nil {
		t.Error(err)
	}
	must[wireMessage](r, "sendMessage", args{"chat_id": "7", "text": "x", "reply_markup": `{"inline_keyboard":[[{"text":"Войти","url":"https://t.me/` + DefaultBotName + `?start=abc"},{"text":"Сайт","url":"https://e.org"}]]}`})
	if err := p.Press("Войти"); err != nil || p.Messages()[len(p.Messages())-1].Text != "/start abc" {
		t.Errorf("a start link: %v", err)
	}
	if err := p.Press("Сайт"); err == nil {
		t.Error("a link to elsewhere was pressed")
	}
	must[wireMessage](r, "sendMessage", args{"chat_id": "7", "text": "x", "reply_markup": `{"keyboard":[[{"text":"Клавиша"}]]}`})
	if err := p.Press("Клавиша"); err != nil || p.Messages()[len(p.Messages())-1].Text != "Клавиша" {
		t.Errorf("a reply keyboard: %v", err)
	}
}

func TestMarkupIsShownInOneForm(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"<b>a <i>b</i></b>":                             "<b>a <i>b</i></b>",
		"  <strong> a</strong> ":                        "<b>a</b>",
		"<em>&quot;&#43;&lt;b&gt;&amp;</em>":            `<i>"+&lt;b&gt;&amp;</i>`,
		"😀<b>я</b>😀":                                    "😀<b>я</b>😀",
		`<a href="https://e.org?a=1&amp;b=2">x</a>`:     `<a href="https://e.org?a=1&amp;b=2">x</a>`,
		`<a href="javascript:x">x</a>`:                  "x",
		`<pre><code class="language-go">x</code></pre>`: `<pre><code class="language-go">x</code></pre>`,
		"<b></b>x":     "x",
		"<u>a\n</u>\n": "<u>a</u>",
	} {
		text, entities, err := parseHTML(in)
		if err != nil {
			t.Errorf("%s: %v", in, err)
		}
		if got := renderHTML(text, entities); got != want {
			t.Errorf("%s is shown as %s, want %s", in, got, want)
		}
	}
	text, entities, err := parseText("ab", "", []entity{{Type: "text_link", Offset: 0, Length: 1, URL: "javascript:x"}})
	if err != nil || renderHTML(text, entities) != "ab" {
		t.Errorf("a script became a link: %v %v", entities, err)
	}
	crossed := renderHTML("abc", []entity{{Type: "bold", Offset: 0, Length: 2}, {Type: "italic", Offset: 1, Length: 2}})
	if want := "<b>a<i>b</i></b><i>c</i>"; crossed != want {
		t.Errorf("crossed entities are shown as %s, want %s", crossed, want)
	}
}

func FuzzMarkup(f *testing.F) {
	for _, seed := range []string{"<b>x</b>", "a&amp;b", `<a href="https://e.org">x</a>`, "<", "&#1114112;", "<pre><code class=language-go>x</code></pre>"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, src string) {
		text, entities, err := parseHTML(src)
		if err != nil {
			return
		}
		again, _, err := parseHTML(renderHTML(text, entities))
		if err != nil {
			t.Fatalf("%q was read, its own form was not: %v", src, err)
		}
		if again != text {
			t.Fatalf("%q became %q, then %q", src, text, again)
		}
	})
}
