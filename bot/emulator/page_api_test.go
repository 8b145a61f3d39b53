package emulator

import (
	"bytes"
	"context"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// ask sends a request as the page, or as somebody else, and returns the status
// and the body.
func (r *rig) ask(method, path, origin, kind, body string) (int, http.Header, string) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.url+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Content-Type", kind)
	if origin != "" {
		req.Header.Set("Origin", origin)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	return resp.StatusCode, resp.Header, string(readAll(r.t, resp.Body))
}

func TestOnlyThePageActsForPeople(t *testing.T) {
	t.Parallel()
	r := stage(t)
	const kind = "application/json"
	for _, x := range []struct {
		name, path, origin, body string
		status                   int
		answer                   string
	}{
		{"the page", "/phone/7/say", r.url, `{"text":"a"}`, 204, ""},
		{"a program without a page", "/phone/7/say", "", `{"text":"a"}`, 204, ""},
		{"another site", "/phone/7/say", "https://evil.example", `{"text":"a"}`, 403, "запрос с другой страницы\n"},
		{"a page from a file", "/phone/7/say", "null", `{"text":"a"}`, 403, "запрос с другой страницы\n"},
		{"a phone that is not there", "/phone/6/say", r.url, `{"text":"a"}`, 404, "нет такого телефона\n"},
		{"a phone that is no number", "/phone/x/say", r.url, `{"text":"a"}`, 404, "нет такого телефона\n"},
		{"nothing said", "/phone/7/say", r.url, `{"text":" "}`, 400, "пустое сообщение\n"},
		{"a press", "/phone/7/press", r.url, `{"message":2,"data":"y"}`, 204, ""},
		{"a press of what was there before", "/phone/7/press", r.url, `{"message":3,"data":"y"}`, 204, ""},
		{"a press on nothing", "/phone/7/press", r.url, `{"message":99,"data":"y"}`, 400, "нет такой кнопки\n"},
		{"a nameless phone", "/phone/new", r.url, `{"name":" "}`, 400, "имя: от 1 до 64 знаков\n"},
		{"a new phone", "/phone/new", r.url, `{"name":"Гость"}`, 204, ""},
		{"an unknown fault", "/phone/fault", r.url, `{"kind":"war"}`, 400, "нет такой неполадки\n"},
	} {
		status, _, body := r.ask(http.MethodPost, x.path, x.origin, kind, x.body)
		if status != x.status || body != x.answer {
			t.Errorf("%s: %d %q", x.name, status, body)
		}
	}
	if p := r.Phone(firstStranger, "", ""); p.Name() != "Гость" {
		t.Errorf("the new phone is %q", p.Name())
	}
}

func TestThePageCutsLongTextsAndChecksFiles(t *testing.T) {
	t.Parallel()
	r := stage(t)
	p := r.Phone(7, "", "")
	before := len(p.Messages())
	r.ask(http.MethodPost, "/phone/7/say", r.url, "application/json", `{"text":"`+strings.Repeat("я", 5000)+`"}`)
	all := p.Messages()[before:]
	if len(all) != 2 || utf16Len(all[0].Text) != 4096 || utf16Len(all[1].Text) != 904 {
		t.Errorf("a text of 5000 became %d messages", len(all))
	}
	send := func(caption string, photos bool) (int, string) {
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		part, err := w.CreateFormFile("file", "лист.png")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write(picture(t, 30, 20)); err != nil {
			t.Fatal(err)
		}
		fields := args{"caption": caption}
		if photos {
			fields["photos"] = "1"
		}
		for k, v := range fields {
			if err := w.WriteField(k, v); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		status, _, body := r.ask(http.MethodPost, "/phone/7/files", r.url, w.FormDataContentType(), b.String())
		return status, body
	}
	if status, body := send(strings.Repeat("я", 1025), false); status != 400 || !strings.HasPrefix(body, "подпись длиннее") {
		t.Errorf("a long caption: %d %s", status, body)
	}
	if status, _ := send("подпись", false); status != 204 {
		t.Errorf("a file: %d", status)
	}
	got := p.Messages()
	m := got[len(got)-1]
	if m.File == nil || m.File.Name != "лист.png" || m.Caption != "подпись" || m.Album != "" {
		t.Errorf("a file came as %+v", m)
	}
	status, header, body := r.ask(http.MethodGet, "/phone/7/files/3", "", "", "")
	if status != 200 || body != "pdf" || header.Get("Content-Disposition") != "attachment; filename*=UTF-8''a.pdf" || header.Get("Content-Type") != "application/octet-stream" {
		t.Errorf("a download: %d %v", status, header)
	}
	status, header, _ = r.ask(http.MethodGet, "/phone/7/files/4", "", "", "")
	if status != 200 || header.Get("Content-Type") != "image/jpeg" {
		t.Errorf("a photo: %d %v", status, header)
	}
	for _, path := range []string{"/phone/7/files/5", "/phone/7/files/1", "/phone/7/files/x", "/phone/6/files/3", "/other"} {
		if status, _, _ := r.ask(http.MethodGet, path, "", "", ""); status != 404 {
			t.Errorf("%s: %d", path, status)
		}
	}
}

func TestAPageThatLagsIsCutOff(t *testing.T) {
	t.Parallel()
	r := stage(t)
	slow := make(chan []byte, 1)
	r.mu.Lock()
	r.hub.pages = map[chan []byte]struct{}{slow: {}}
	r.mu.Unlock()
	r.Phone(7, "", "").Say("a")
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.hub.pages) != 0 {
		t.Error("the page is still served")
	}
	<-slow
	if _, open := <-slow; open {
		t.Error("the stream of the page is still open")
	}
}

func TestALostConnectionCutsThePollUnderWay(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.Phone(7, "person", "ru")
	cut := make(chan error, 1)
	go func() {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.url+"/bot1:test/getUpdates?timeout=50", http.NoBody)
		if err == nil {
			var resp *http.Response
			if resp, err = http.DefaultClient.Do(req); err == nil {
				_ = resp.Body.Close()
			}
		}
		cut <- err
	}()
	r.polled()
	r.ask(http.MethodPost, "/phone/fault", r.url, "application/json", `{"kind":"offline"}`)
	if err := <-cut; err == nil {
		t.Error("the poll was answered over a lost connection")
	}
	p.Say("a")
	r.ask(http.MethodPost, "/phone/fault", r.url, "application/json", `{"kind":"clear"}`)
	if diff := cmp.Diff([]string{"1 a"}, r.updates(nil)); diff != "" {
		t.Error(diff)
	}
}

func TestAnAnswerCanOpenALinkToTheBot(t *testing.T) {
	t.Parallel()
	r := stage(t)
	p := r.Phone(7, "", "")
	press := func() string {
		t.Helper()
		if err := p.Press("Да"); err != nil {
			t.Fatal(err)
		}
		return must[[]short](r, "getUpdates", args{"offset": "-1"})[0].Query.ID
	}
	got, _ := r.call("answerCallbackQuery", args{"callback_query_id": press(), "url": "https://e.org"})
	if diff := cmp.Diff(answer{400, bad("URL_INVALID")}, got); diff != "" {
		t.Error(diff)
	}
	must[bool](r, "answerCallbackQuery", args{"callback_query_id": press(), "url": "https://t.me/" + DefaultBotName + "?start=abc"})
	all := p.Messages()
	if text := all[len(all)-1].Text; text != "/start abc" {
		t.Errorf("the person said %q", text)
	}
}

func TestALoadTestHearsOfEachCall(t *testing.T) {
	t.Parallel()
	calls := make(chan string, 10)
	r := newRig(t, Options{OnCall: func(method string, _ int64) { calls <- method }})
	r.updates(nil)
	must[botUser](r, "getMe", nil)
	if got := <-calls; got != "getMe" || r.Count("getMe") != 1 {
		t.Errorf("heard of %s", got)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	if err := r.WaitFor(ctx, func() bool { return false }); err == nil {
		t.Error("a wait for nothing has ended well")
	}
}
