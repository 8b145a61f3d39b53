package chat_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flowbot/bot/chat"
)

const secret = "123456:SECRET-TOKEN"

// against returns a client of a server that answers every call with h.
func against(t *testing.T, h http.HandlerFunc) *chat.Telegram {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return chat.New(chat.Config{Token: secret, URL: s.URL, Rate: 1000, ChatRate: 1000})
}

func says(code int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

func document() *chat.Upload {
	return &chat.Upload{Name: "акт.pdf", Open: func() (io.ReadCloser, error) {
		return io.NopCloser(strings.NewReader("x")), nil
	}}
}

// What an error is, apart from its words.
type sort struct {
	Blocked, Gone, TooBig, Conflict bool
	After                           time.Duration
	Unknown                         bool
	Refused                         int
}

func sortOf(err error) sort {
	var rate *chat.RateError
	var unknown *chat.UnknownOutcomeError
	var refused *chat.RefusedError
	s := sort{
		Blocked: errors.Is(err, chat.ErrBlocked), Gone: errors.Is(err, chat.ErrGone),
		TooBig: errors.Is(err, chat.ErrTooBig), Conflict: errors.Is(err, chat.ErrConflict),
		Unknown: errors.As(err, &unknown),
	}
	if errors.As(err, &rate) {
		s.After = rate.After
	}
	if errors.As(err, &refused) {
		s.Refused = refused.Code
	}
	return s
}

func TestEachRefusalHasItsError(t *testing.T) {
	t.Parallel()

	send := func(ctx context.Context, c chat.Client) error {
		_, err := c.Send(ctx, chat.Message{ChatID: 1, HTML: "x"})
		return err
	}
	upload := func(ctx context.Context, c chat.Client) error {
		_, err := c.Send(ctx, chat.Message{ChatID: 1, File: document()})
		return err
	}
	edit := func(ctx context.Context, c chat.Client) error {
		return c.Edit(ctx, 5, chat.Message{ChatID: 1, HTML: "x"})
	}
	drop := func(ctx context.Context, c chat.Client) error { return c.Delete(ctx, 1, 5) }
	withdraw := func(ctx context.Context, c chat.Client) error { return c.Withdraw(ctx, 1, 5) }
	answer := func(ctx context.Context, c chat.Client) error { return c.Answer(ctx, "1", "", false) }
	fetch := func(ctx context.Context, c chat.Client) error {
		_, err := c.Fetch(ctx, "file", io.Discard, 10)
		return err
	}
	poll := func(ctx context.Context, c chat.Client) error {
		_, err := c.Updates(ctx, 0, 0)
		return err
	}
	refusal := func(code int, text string) string {
		j, _ := json.Marshal(map[string]any{"ok": false, "error_code": code, "description": text})
		return string(j)
	}
	const slow = `{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 17","parameters":{"retry_after":17}}`
	tests := []struct {
		name string
		call func(context.Context, chat.Client) error
		code int
		body string
		want sort
	}{
		{"too many messages", send, 429, slow, sort{After: 17 * time.Second}},
		{"too many uploads, whose code the library loses", upload, 429, slow, sort{After: 17 * time.Second}},
		{"blocked", send, 403, refusal(403, "Forbidden: bot was blocked by the user"), sort{Blocked: true}},
		{"blocked, told to an upload", upload, 403, refusal(403, "Forbidden: bot was blocked by the user"), sort{Blocked: true}},
		{"never began", send, 400, refusal(400, "Bad Request: chat not found"), sort{Blocked: true}},
		{"bad markup", send, 400, refusal(400, "Bad Request: can't parse entities"), sort{Refused: 400}},
		{"a proxy's page", send, 502, "<html>Bad Gateway</html>", sort{Unknown: true}},
		{"a proxy's page, told to an upload", upload, 502, "<html>Bad Gateway</html>", sort{Unknown: true}},
		{"a proxy that knows nothing of it", send, 404, "<html>Not Found</html>", sort{}},
		{"an accident inside", send, 500, refusal(500, "Internal Server Error"), sort{Unknown: true, Refused: 500}},
		{"an answer that cannot be read", send, 200, `{"ok":true,"result":"?"}`, sort{Unknown: true}},
		{"an upload too large", upload, 413, refusal(413, "Request Entity Too Large"), sort{TooBig: true}},
		{"an edit that changes nothing", edit, 400, refusal(400, "Bad Request: message is not modified: specified new message content and reply markup are exactly the same"), sort{}},
		{"an edit of a deleted message", edit, 400, refusal(400, "Bad Request: message to edit not found"), sort{Gone: true}},
		{"an edit of an old message", edit, 400, refusal(400, "Bad Request: message can't be edited"), sort{Gone: true}},
		{"a deletion of a deleted message", drop, 400, refusal(400, "Bad Request: message to delete not found"), sort{}},
		{"a deletion of an old message", drop, 400, refusal(400, "Bad Request: message can't be deleted for everyone"), sort{}},
		{"a message that was gone before it was taken back", withdraw, 400, refusal(400, "Bad Request: message to delete not found"), sort{Gone: true}},
		{"a message too old to be taken back", withdraw, 400, refusal(400, "Bad Request: message can't be deleted for everyone"), sort{Gone: true}},
		{"a proxy's page, told to who takes back", withdraw, 502, "<html>Bad Gateway</html>", sort{Unknown: true}},
		{"an answer too late", answer, 400, refusal(400, "Bad Request: query is too old and response timeout expired or query ID is invalid"), sort{}},
		{"a file over the messenger's limit", fetch, 400, refusal(400, "Bad Request: file is too big"), sort{TooBig: true}},
		{"a file over ours", fetch, 200, `{"ok":true,"result":{"file_id":"file","file_size":11,"file_path":"a"}}`, sort{TooBig: true}},
		{"no such file", fetch, 400, refusal(400, "Bad Request: invalid file_id"), sort{Gone: true}},
		{"two who poll", poll, 409, refusal(409, "Conflict: terminated by other getUpdates request"), sort{Conflict: true}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := tt.call(t.Context(), against(t, says(tt.code, tt.body)))
			if diff := cmp.Diff(tt.want, sortOf(err)); diff != "" {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestOneUpdateThatCannotBeReadSpoilsNoOther(t *testing.T) {
	t.Parallel()

	c := against(t, says(200, `{"ok":true,"result":[{"update_id":1,"message":{"message_id":"oops"}},{"update_id":2,"message_reaction":{"chat":{"id":1}}}]}`))
	got, err := c.Updates(t.Context(), 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	want := []json.RawMessage{
		json.RawMessage(`{"update_id":1,"message":{"message_id":"oops"}}`),
		json.RawMessage(`{"update_id":2,"message_reaction":{"chat":{"id":1}}}`),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("updates (-want +got):\n%s", diff)
	}
}

// TestNothingIsUnknownUntilItHasLeft cuts connections before, in the middle of
// and after a request.
func TestNothingIsUnknownUntilItHasLeft(t *testing.T) {
	t.Parallel()

	t.Run("nobody listens", func(t *testing.T) {
		t.Parallel()
		s := httptest.NewServer(nil)
		url := s.URL
		s.Close()
		_, err := chat.New(chat.Config{Token: secret, URL: url}).Send(t.Context(), chat.Message{ChatID: 1, HTML: "x"})
		clean(t, err)
		if sortOf(err).Unknown {
			t.Errorf("a request that found nobody has an unknown outcome: %v", err)
		}
	})
	t.Run("the server hangs up after the request", func(t *testing.T) {
		t.Parallel()
		c := against(t, func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			panic(http.ErrAbortHandler)
		})
		_, err := c.Send(t.Context(), chat.Message{ChatID: 1, HTML: "x"})
		clean(t, err)
		if !sortOf(err).Unknown {
			t.Errorf("%v, want an unknown outcome", err)
		}
	})
	t.Run("the caller gives up while the server thinks", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		c := against(t, func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			cancel()
			<-r.Context().Done()
		})
		_, err := c.Send(ctx, chat.Message{ChatID: 1, HTML: "x"})
		clean(t, err)
		if !sortOf(err).Unknown || !errors.Is(err, context.Canceled) {
			t.Errorf("%v, want an unknown outcome because of the context", err)
		}
	})
	t.Run("the file breaks off in the middle of an upload", func(t *testing.T) {
		t.Parallel()
		c := against(t, says(200, `{"ok":true,"result":{"message_id":1}}`))
		broken := &chat.Upload{Name: "a", Open: func() (io.ReadCloser, error) {
			return io.NopCloser(io.MultiReader(bytes.NewReader(make([]byte, 1<<20)), broken{})), nil
		}}
		_, err := c.Send(t.Context(), chat.Message{ChatID: 1, File: broken})
		clean(t, err)
		if err == nil || sortOf(err).Unknown {
			t.Errorf("%v, want an error with a known outcome", err)
		}
	})
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("disk on fire") }

func TestARequestThatHasNotLeftIsTriedAgain(t *testing.T) {
	t.Parallel()

	c := against(t, says(200, `{"ok":true,"result":{"message_id":8}}`))
	opened := 0
	id, err := c.Send(t.Context(), chat.Message{ChatID: 1, File: &chat.Upload{Name: "a", Open: func() (io.ReadCloser, error) {
		if opened++; opened < 3 {
			return nil, errors.New("not mounted yet")
		}
		return io.NopCloser(strings.NewReader("x")), nil
	}}})
	if err != nil || id != 8 || opened != 3 {
		t.Errorf("message %d after %d tries: %v", id, opened, err)
	}
}

func TestNoErrorHoldsTheToken(t *testing.T) {
	t.Parallel()

	redirect := against(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://127.0.0.1:1"+r.URL.Path, http.StatusTemporaryRedirect)
	})
	local := against(t, says(200, `{"ok":true,"result":{"file_path":"/nowhere/`+secret+`/documents/file_1.pdf"}}`))
	badPath := against(t, says(200, `{"ok":true,"result":{"file_path":"a b%zz"}}`))
	badBase := chat.New(chat.Config{Token: secret, URL: "http://127.0.0.1:99999"})
	for name, c := range map[string]chat.Client{"redirect": redirect, "local": local, "bad path": badPath, "bad base": badBase} {
		_, err := c.Fetch(t.Context(), "file", io.Discard, 10)
		if err == nil {
			t.Errorf("%s: no error", name)
		}
		clean(t, err)
	}
}

func clean(t *testing.T, err error) {
	t.Helper()
	if err != nil && strings.Contains(err.Error(), "SECRET") {
		t.Errorf("the token stands in an error: %v", err)
	}
}

func TestFetchReadsFromTheConfiguredBaseOrALocalServersFile(t *testing.T) {
	t.Parallel()

	path := filepath.Join(t.TempDir(), "file_1.pdf")
	if err := os.WriteFile(path, []byte("local"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, answer, want string
	}{
		{"a path below the base", `{"file_path":"documents/file_1.pdf","file_size":6}`, "remote"},
		{"an absolute path", `{"file_path":"` + path + `","file_size":5}`, "local"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := against(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/file/bot"+secret+"/documents/file_1.pdf" {
					_, _ = io.WriteString(w, "remote")
					return
				}
				_, _ = io.WriteString(w, `{"ok":true,"result":`+tt.answer+`}`)
			})
			var got bytes.Buffer
			n, err := c.Fetch(t.Context(), "file", &got, 100)
			if err != nil {
				t.Fatal(err)
			}
			if got.String() != tt.want || n != int64(len(tt.want)) {
				t.Errorf("fetched %d bytes %q, want %q", n, &got, tt.want)
			}
		})
	}
}

func TestFetchStopsAtTheLimit(t *testing.T) {
	t.Parallel()

	c := against(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/file/") {
			_, _ = w.Write(make([]byte, 1000))
			return
		}
		_, _ = io.WriteString(w, `{"ok":true,"result":{"file_path":"a"}}`) // no size is told
	})
	for _, limit := range []int64{999, 1000} {
		_, err := c.Fetch(t.Context(), "file", io.Discard, limit)
		if got, want := errors.Is(err, chat.ErrTooBig), limit < 1000; got != want {
			t.Errorf("limit %d: %v, too big is to be %v", limit, err, want)
		}
	}
}
