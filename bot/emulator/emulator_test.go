package emulator

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// clock is moved by tests.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// rig is a server under test, reached over HTTP; each answer is compared with
// the specification.
type rig struct {
	*Server
	t     *testing.T
	clock *clock
	url   string
}

func newRig(t *testing.T, opt Options) *rig {
	t.Helper()
	r := &rig{t: t, clock: newClock()}
	opt.Now = r.clock.now
	r.Server = New(opt)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		keep := &keeper{ResponseWriter: w}
		r.ServeHTTP(keep, req)
		if strings.HasPrefix(req.URL.Path, "/bot") {
			r.compare(path.Base(req.URL.Path), keep.body.Bytes())
		}
	}))
	t.Cleanup(func() {
		r.Close()
		srv.Close()
	})
	r.url = srv.URL
	return r
}

// keeper remembers an answer and passes streams through.
type keeper struct {
	http.ResponseWriter
	body bytes.Buffer
}

func (k *keeper) Write(b []byte) (int, error) {
	k.body.Write(b)
	return k.ResponseWriter.Write(b)
}

func (k *keeper) Flush() { k.ResponseWriter.(http.Flusher).Flush() }

func (r *rig) compare(method string, body []byte) {
	var e envelope
	if json.Unmarshal(body, &e) != nil || !e.OK {
		return
	}
	if err := r.spec.answers(r.spec.methods[strings.ToLower(method)], e.Result); err != nil {
		r.t.Errorf("%s answers against the specification: %v\n%s", method, err, e.Result)
	}
}

// answer is what a call got; Retry and Result stand for what most tests ignore.
type answer struct {
	Status int
	Error  string
}

// call sends a form, with files when some are given.
func (r *rig) call(method string, args map[string]string, files ...upload) (answer, json.RawMessage) {
	r.t.Helper()
	kind := "application/x-www-form-urlencoded"
	values := url.Values{}
	for k, v := range args {
		values.Set(k, v)
	}
	var body io.Reader = strings.NewReader(values.Encode())
	if len(files) > 0 {
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		for k, v := range args {
			if err := w.WriteField(k, v); err != nil {
				r.t.Fatal(err)
			}
		}
		for _, f := range files {
			part, err := w.CreateFormFile(f.mime, f.name) // mime holds the field's name in tests
			if err != nil {
				r.t.Fatal(err)
			}
			if _, err := part.Write(f.data); err != nil {
				r.t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			r.t.Fatal(err)
		}
		body, kind = &b, w.FormDataContentType()
	}
	return r.post("/bot"+r.Token()+"/"+method, kind, body)
}

func (r *rig) post(path, kind string, body io.Reader) (answer, json.RawMessage) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, r.url+path, body)
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Content-Type", kind)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var e envelope
	if err := json.NewDecoder(resp.Body).Decode(&e); err != nil {
		r.t.Fatal(err)
	}
	if e.ErrorCode != 0 && e.ErrorCode != resp.StatusCode {
		r.t.Errorf("HTTP status %d differs from error_code %d", resp.StatusCode, e.ErrorCode)
	}
	return answer{resp.StatusCode, e.Description}, e.Result
}

// must is call for what has to succeed; it decodes the result.
func must[T any](r *rig, method string, args map[string]string, files ...upload) T {
	r.t.Helper()
	got, raw := r.call(method, args, files...)
	if got.Status != http.StatusOK {
		r.t.Fatalf("%s: %v", method, got)
	}
	var v T
	if err := json.Unmarshal(raw, &v); err != nil {
		r.t.Fatal(err)
	}
	return v
}

type args = map[string]string

// with returns the arguments with others added.
func with(a args, more args) args {
	out := maps.Clone(a)
	maps.Copy(out, more)
	return out
}

func TestAPersonTalksWithABot(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{Transcript: true})
	keeper := r.Phone(7, "keeper", "ru")
	keeper.Start("abc")
	m := must[wireMessage](r, "sendMessage", args{
		"chat_id": "7", "text": "<b>Журнал</b> &lt;1&gt;\nстрока", "parse_mode": "HTML",
		"reply_markup": `{"inline_keyboard":[[{"text":"Да · 3","callback_data":"y:3"},{"text":"Нет","callback_data":"n"}]]}`,
	})
	if err := keeper.Press("Да"); err != nil {
		t.Fatal(err)
	}
	updates := must[[]struct {
		ID    int64         `json:"update_id"`
		Query callbackQuery `json:"callback_query"`
	}](r, "getUpdates", args{"offset": "2"})
	if len(updates) != 1 || updates[0].Query.Data != "y:3" || updates[0].Query.Message.MessageID != m.MessageID {
		t.Fatalf("the press came as %+v", updates)
	}
	must[bool](r, "answerCallbackQuery", args{"callback_query_id": updates[0].Query.ID, "text": "Готово"})
	must[wireMessage](r, "editMessageText", args{"chat_id": "7", "message_id": "2", "text": "иначе"})
	keeper.SendDocument("лист.pdf", "", make([]byte, 12<<10), "подпись")
	must[bool](r, "deleteMessage", args{"chat_id": "7", "message_id": "2"})
	want := `keeper     > /start abc
keeper     < <b>Журнал</b> &lt;1&gt;
keeper       строка
keeper       [Да · 3] [Нет]
keeper     > [Да · 3]
keeper     ! Готово
keeper     ~ иначе
keeper     > file "лист.pdf" (PDF, 12 КБ)
keeper       подпись
keeper     x иначе
`
	if diff := cmp.Diff(want, r.Transcript()); diff != "" {
		t.Error(diff)
	}
	if got := keeper.Toast(); got != (Toast{Text: "Готово"}) {
		t.Errorf("toast %+v", got)
	}
}

func decode[T any](t *testing.T, raw []byte) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// readAll reads a body to its end.
func readAll(t *testing.T, body io.Reader) []byte {
	t.Helper()
	data, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
