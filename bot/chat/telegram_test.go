package chat_test

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"flowbot/bot/chat"
	"flowbot/bot/emulator"
)

// room is a messenger with one person in it, who has begun.
type room struct {
	tg   *emulator.Server
	chat *chat.Telegram
	anna *emulator.Phone
}

func newRoom(t *testing.T) *room {
	t.Helper()
	tg := emulator.New(emulator.Options{MaxDownload: 1000})
	s := httptest.NewServer(tg)
	t.Cleanup(s.Close)
	t.Cleanup(tg.Close)
	r := &room{tg: tg, chat: chat.New(chat.Config{Token: tg.Token(), URL: s.URL, Rate: 1000, ChatRate: 1000}), anna: tg.Phone(101, "Анна", "ru")}
	r.anna.Say("/start")
	return r
}

func (r *room) send(t *testing.T, m chat.Message) int {
	t.Helper()
	m.ChatID = 101
	id, err := r.chat.Send(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func picture(t *testing.T) *chat.Upload {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 40, 30))); err != nil {
		t.Fatal(err)
	}
	return &chat.Upload{Name: "лист.png", Photo: true, Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b.Bytes())), nil }}
}

// line is what a person sees of a message.
type line struct {
	HTML    string
	Buttons string // labels
	File    string // name, "photo" for a picture
	Edited  bool
}

func seen(p *emulator.Phone) []line {
	var out []line
	for _, m := range p.Messages() {
		if !m.Bot || m.Deleted {
			continue
		}
		l := line{HTML: m.HTML, Edited: m.Edited}
		for _, row := range m.Buttons {
			for _, b := range row {
				l.Buttons += "[" + b.Label + "]"
			}
		}
		if m.File != nil {
			l.File = m.File.Name
			if m.File.Photo {
				l.File = "photo"
			}
		}
		out = append(out, l)
	}
	return out
}

var buttons = [][]chat.Button{{{Label: "Взять", Data: "take:1:0"}, {Label: "Сайт", URL: "https://example.org/?a=1&b=2"}}, {{Label: "В меню", Data: "menu"}}}

func TestMessagesArriveAsMeant(t *testing.T) {
	t.Parallel()

	long := strings.Repeat("строка &lt;один&gt;\n", 300) // 13 units each
	tests := []struct {
		name string
		m    chat.Message
		want []line
	}{
		{"a text with buttons", chat.Message{HTML: "<b>Акт</b> &lt;1&gt;", Keyboard: buttons}, []line{{HTML: "<b>Акт</b> &lt;1&gt;", Buttons: "[Взять][Сайт][В меню]"}}},
		{"a document with a caption", chat.Message{HTML: "Акт № 1", File: document(), Protect: true, Silent: true}, []line{{HTML: "Акт № 1", File: "акт.pdf"}}},
		{"a document alone", chat.Message{File: document()}, []line{{File: "акт.pdf"}}},
		{"a picture with buttons", chat.Message{HTML: "<i>Лист</i>", File: picture(t), Photo: true, Keyboard: buttons[1:]}, []line{{HTML: "<i>Лист</i>", File: "photo", Buttons: "[В меню]"}}},
		{
			"a long text in parts, the buttons under the last",
			chat.Message{HTML: "<b>" + long + "</b>", Keyboard: buttons[1:]},
			[]line{
				{HTML: "<b>" + strings.TrimSpace(strings.Repeat("строка &lt;один&gt;\n", 292)) + "</b>"},
				{HTML: "<b>" + strings.TrimSpace(strings.Repeat("строка &lt;один&gt;\n", 8)) + "</b>", Buttons: "[В меню]"},
			},
		},
		{
			"a long caption in a caption and a text",
			chat.Message{HTML: long, File: document(), Keyboard: buttons[1:]},
			[]line{
				{HTML: strings.TrimSpace(strings.Repeat("строка &lt;один&gt;\n", 73)), File: "акт.pdf"},
				{HTML: strings.TrimSpace(strings.Repeat("строка &lt;один&gt;\n", 227)), Buttons: "[В меню]"},
			},
		},
		{"an answer to a message that is gone", chat.Message{HTML: "Да", ReplyTo: 999}, []line{{HTML: "Да"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRoom(t)
			id := r.send(t, tt.m)
			if diff := cmp.Diff(tt.want, seen(r.anna)); diff != "" {
				t.Errorf("the chat (-want +got):\n%s", diff)
			}
			if last := r.anna.Last(); last.ID != id || last.Protected != tt.m.Protect {
				t.Errorf("message %d is returned, the last is %+v", id, last)
			}
		})
	}
}

func TestAnAlbumIsCutIntoTens(t *testing.T) {
	t.Parallel()

	for _, n := range []int{1, 2, 10, 11, 12, 20, 21} {
		t.Run(fmt.Sprintf("%d files", n), func(t *testing.T) {
			t.Parallel()
			r := newRoom(t)
			var files []chat.Upload
			for range n {
				files = append(files, *document())
			}
			ids, err := r.chat.SendAlbum(t.Context(), 101, files)
			if err != nil {
				t.Fatal(err)
			}
			if got := len(seen(r.anna)); got != n || len(ids) != n {
				t.Errorf("%d messages, %d ids, want %d", got, len(ids), n)
			}
		})
	}
}

func TestAnEditMakesTheMessageLookLikeTheNewOne(t *testing.T) {
	t.Parallel()

	tests := []struct {
		name    string
		from    chat.Message
		to      chat.Message
		want    line
		refused error
	}{
		{"a text", chat.Message{HTML: "а", Keyboard: buttons}, chat.Message{HTML: "<b>б</b>", Keyboard: buttons[1:]}, line{HTML: "<b>б</b>", Buttons: "[В меню]", Edited: true}, nil},
		{"its buttons are taken away", chat.Message{HTML: "а", Keyboard: buttons}, chat.Message{HTML: "б"}, line{HTML: "б", Edited: true}, nil},
		{"the buttons alone", chat.Message{HTML: "а", Keyboard: buttons}, chat.Message{Keyboard: buttons[1:]}, line{HTML: "а", Buttons: "[В меню]", Edited: true}, nil},
		{"nothing", chat.Message{HTML: "а", Keyboard: buttons}, chat.Message{HTML: "а", Keyboard: buttons}, line{HTML: "а", Buttons: "[Взять][Сайт][В меню]"}, nil},
		{"a caption", chat.Message{HTML: "а", File: document()}, chat.Message{HTML: "б", Caption: true, Keyboard: buttons[1:]}, line{HTML: "б", File: "акт.pdf", Buttons: "[В меню]", Edited: true}, nil},
		{"a file", chat.Message{HTML: "а", File: document()}, chat.Message{HTML: "б", File: picture(t), Photo: true}, line{HTML: "б", File: "photo", Edited: true}, nil},
		{"a text that is too long is cut", chat.Message{HTML: "а"}, chat.Message{HTML: strings.Repeat("стр\n", 2000)}, line{HTML: strings.Repeat("стр\n", 1023) + "…", Edited: true}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := newRoom(t)
			id := r.send(t, tt.from)
			tt.to.ChatID = 101
			if err := r.chat.Edit(t.Context(), id, tt.to); err != nil {
				t.Fatal(err)
			}
			got := seen(r.anna)
			if len(got) == 1 {
				got[0].Edited = tt.want.Edited // a person sees it in texts only
			}
			if diff := cmp.Diff([]line{tt.want}, got); diff != "" {
				t.Errorf("the chat (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatIsGoneIsGone(t *testing.T) {
	t.Parallel()
	r := newRoom(t)

	id := r.send(t, chat.Message{HTML: "а"})
	for range 2 { // the second time there is nothing to delete
		if err := r.chat.Delete(t.Context(), 101, id); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.chat.Edit(t.Context(), id, chat.Message{ChatID: 101, HTML: "б"}); !errors.Is(err, chat.ErrGone) {
		t.Errorf("an edit of a deleted message: %v", err)
	}
	if got := seen(r.anna); len(got) != 0 {
		t.Errorf("the chat: %+v", got)
	}
	r.anna.Block()
	if _, err := r.chat.Send(t.Context(), chat.Message{ChatID: 101, HTML: "а"}); !errors.Is(err, chat.ErrBlocked) {
		t.Errorf("a message to somebody who has blocked the bot: %v", err)
	}
	if _, err := r.chat.Send(t.Context(), chat.Message{ChatID: 555, HTML: "а"}); !errors.Is(err, chat.ErrBlocked) {
		t.Errorf("a message to a stranger: %v", err)
	}
}

func TestAPressIsReadAndAnswered(t *testing.T) {
	t.Parallel()
	r := newRoom(t)

	r.send(t, chat.Message{HTML: "Пакет", Keyboard: buttons})
	if err := r.anna.Press("Взять"); err != nil {
		t.Fatal(err)
	}
	raws, err := r.chat.Updates(t.Context(), 0, 0)
	if err != nil || len(raws) != 2 {
		t.Fatalf("%d updates: %v", len(raws), err)
	}
	u, err := chat.Decode(raws[1])
	if err != nil || u.Press != "take:1:0" {
		t.Fatalf("%+v, %v", u, err)
	}
	if err := r.chat.Answer(t.Context(), u.PressID, strings.Repeat("ж", 300), true); err != nil {
		t.Fatal(err)
	}
	if got := r.anna.Toast(); !got.Alert || got.Text != strings.Repeat("ж", 200) {
		t.Errorf("toast %+v", got)
	}
	if err := r.chat.Answer(t.Context(), "12345", "", false); err != nil {
		t.Errorf("an answer to a press that is too old: %v", err)
	}
}

func TestASentFileIsFetched(t *testing.T) {
	t.Parallel()
	r := newRoom(t)

	small, large := bytes.Repeat([]byte("ab"), 500), make([]byte, 1001)
	r.anna.SendDocument("журнал.pdf", "application/pdf", small, "")
	r.anna.SendDocument("большой.pdf", "application/pdf", large, "")
	raws, err := r.chat.Updates(t.Context(), 0, 0)
	if err != nil || len(raws) != 3 {
		t.Fatalf("%d updates: %v", len(raws), err)
	}
	var refs []string
	for _, raw := range raws[1:] {
		u, err := chat.Decode(raw)
		if err != nil || u.File == nil {
			t.Fatalf("%+v, %v", u, err)
		}
		refs = append(refs, u.File.Ref)
	}
	var got bytes.Buffer
	if n, err := r.chat.Fetch(t.Context(), refs[0], &got, 1000); err != nil || n != 1000 || !bytes.Equal(got.Bytes(), small) {
		t.Errorf("fetched %d bytes: %v", n, err)
	}
	if _, err := r.chat.Fetch(t.Context(), refs[0], io.Discard, 999); !errors.Is(err, chat.ErrTooBig) {
		t.Errorf("over our limit: %v", err)
	}
	if _, err := r.chat.Fetch(t.Context(), refs[1], io.Discard, 1<<20); !errors.Is(err, chat.ErrTooBig) {
		t.Errorf("over the messenger's limit: %v", err)
	}
	if _, err := r.chat.Fetch(t.Context(), "nonsense", io.Discard, 1<<20); !errors.Is(err, chat.ErrGone) {
		t.Errorf("no such file: %v", err)
	}
	r.tg.Inject(emulator.Fault{Method: "download", Times: -1, Drop: emulator.DropBefore})
	if _, err := r.chat.Fetch(t.Context(), refs[0], io.Discard, 1000); err == nil {
		t.Error("a download that was cut is no error")
	}
}

func TestTheMenuIsSetForOneChat(t *testing.T) {
	t.Parallel()
	r := newRoom(t)

	if err := r.chat.SetCommands(t.Context(), 0, "", []chat.Command{{Name: "start", Text: "Начать"}}); err != nil {
		t.Fatal(err)
	}
	if err := r.chat.SetCommands(t.Context(), 101, "", []chat.Command{{Name: "tasks", Text: "Мои задачи"}}); err != nil {
		t.Fatal(err)
	}
	if err := r.chat.SetMenuButton(t.Context(), 101); err != nil {
		t.Fatal(err)
	}
	if err := r.chat.Typing(t.Context(), 101); err != nil {
		t.Fatal(err)
	}
	if got := r.anna.Commands(); len(got) != 1 || fmt.Sprint(got[0]) != "{tasks Мои задачи}" {
		t.Errorf("commands %v", got)
	}
	if got := r.anna.MenuButton(); got != "commands" {
		t.Errorf("menu button %q", got)
	}
	if name, err := r.chat.Me(t.Context()); err != nil || name != r.tg.BotName() {
		t.Errorf("Me: %q, %v", name, err)
	}
}

func TestAWebhookIsSetWithItsSecret(t *testing.T) {
	t.Parallel()
	r := newRoom(t)

	got := make(chan string, 10)
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		got <- req.Header.Get("X-Telegram-Bot-Api-Secret-Token")
	}))
	t.Cleanup(hook.Close)
	if err := r.chat.SetWebhook(t.Context(), hook.URL, "s3cret"); err != nil {
		t.Fatal(err)
	}
	r.anna.Say("один")
	if secret := <-got; secret != "s3cret" {
		t.Errorf("secret %q", secret)
	}
	if _, err := r.chat.Updates(t.Context(), 0, 0); !errors.Is(err, chat.ErrConflict) {
		t.Errorf("polling beside a webhook: %v", err)
	}
	if err := r.chat.DeleteWebhook(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestAPauseThatIsShortIsSatOutByAnAnswer(t *testing.T) {
	t.Parallel()
	r := newRoom(t)

	for _, bulk := range []bool{false, true} {
		r.tg.Inject(emulator.Fault{Method: "sendMessage", Status: http.StatusTooManyRequests, RetryAfter: 1})
		var c chat.Client = r.chat
		if bulk {
			c = c.Bulk()
		}
		_, err := c.Send(t.Context(), chat.Message{ChatID: 101, HTML: "а"})
		if s := sortOf(err); (s.After != 0) != bulk {
			t.Errorf("bulk %v: %v", bulk, err)
		}
	}
}
