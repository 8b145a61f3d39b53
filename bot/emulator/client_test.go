package emulator_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	tg "github.com/go-telegram-bot-api/telegram-bot-api/v5"
	"github.com/google/go-cmp/cmp"

	"flowbot/bot/emulator"
)

// echo is a bot of a few lines over the real client: it answers texts with a
// keyboard, presses with an edit, files with their size.
func echo(t *testing.T, s *emulator.Server, base string) {
	t.Helper()
	api, err := tg.NewBotAPIWithAPIEndpoint(s.Token(), base+"/bot%s/%s")
	if err != nil {
		t.Error(err)
		return
	}
	ok := func(c tg.Chattable) {
		if _, err := api.Request(c); err != nil {
			t.Error(err)
		}
	}
	offset := 0
	for {
		updates, err := api.GetUpdates(tg.UpdateConfig{Offset: offset, Timeout: 30})
		if err != nil || len(updates) == 0 {
			return // the server is closed
		}
		for _, u := range updates {
			offset = u.UpdateID + 1
			switch {
			case u.CallbackQuery != nil:
				ok(tg.NewCallback(u.CallbackQuery.ID, "принято"))
				ok(tg.NewEditMessageText(u.CallbackQuery.From.ID, u.CallbackQuery.Message.MessageID, "нажато "+u.CallbackQuery.Data))
			case u.Message != nil && u.Message.Document != nil:
				f, err := api.GetFile(tg.FileConfig{FileID: u.Message.Document.FileID})
				if err != nil {
					t.Error(err)
					return
				}
				resp, err := http.Get(base + "/file/bot" + s.Token() + "/" + f.FilePath)
				if err != nil {
					t.Error(err)
					return
				}
				data, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if err != nil {
					t.Error(err)
				}
				ok(tg.NewDocument(u.Message.Chat.ID, tg.FileBytes{Name: "обратно.txt", Bytes: append(data, '!')}))
				ok(tg.NewMediaGroup(u.Message.Chat.ID, []any{
					tg.NewInputMediaDocument(tg.FileBytes{Name: "a.txt", Bytes: []byte("a")}),
					tg.NewInputMediaDocument(tg.FileID(u.Message.Document.FileID)),
				}))
			case u.Message != nil:
				m := tg.NewMessage(u.Message.Chat.ID, "<i>"+u.Message.Text+"</i>")
				m.ParseMode = tg.ModeHTML
				m.ReplyMarkup = tg.NewInlineKeyboardMarkup(tg.NewInlineKeyboardRow(tg.NewInlineKeyboardButtonData("Да (2)", "yes")))
				ok(m)
			}
		}
	}
}

func TestTheRealClientServesAConversation(t *testing.T) {
	t.Parallel()
	s := emulator.New(emulator.Options{Transcript: true})
	srv := httptest.NewServer(s)
	done := make(chan struct{})
	go func() {
		defer close(done)
		echo(t, s, srv.URL)
	}()
	t.Cleanup(func() {
		s.Close()
		<-done
		srv.Close()
	})
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	p := s.Phone(42, "person", "ru")
	await := func(texts ...string) emulator.Message {
		t.Helper()
		m, err := p.Await(ctx, texts...)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	p.Say("привет")
	if m := await("привет", "Да (2)"); m.HTML != "<i>привет</i>" {
		t.Errorf("shown as %q", m.HTML)
	}
	if err := p.Press("Да"); err != nil {
		t.Fatal(err)
	}
	await("нажато yes")
	p.SendDocument("файл.txt", "", []byte("bytes"), "")
	if err := s.WaitFor(ctx, func() bool { return len(p.Messages()) == 6 }); err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, m := range p.Messages() {
		if m.Bot && m.File != nil {
			files = append(files, m.File.Name+" "+string(m.File.Data))
		}
	}
	if diff := cmp.Diff([]string{"обратно.txt bytes!", "a.txt a", "файл.txt bytes"}, files); diff != "" {
		t.Error(diff)
	}
	want := `person     > привет
person     < <i>привет</i>
person       [Да (2)]
person     > [Да (2)]
person     ! принято
person     ~ нажато yes
person     > file "файл.txt" (TXT, 5 Б)
person     < file "обратно.txt"
person     < file "a.txt"
person     < file "файл.txt"
`
	if diff := cmp.Diff(want, s.Transcript()); diff != "" {
		t.Error(diff)
	}
}

func TestTheRealClientSeesErrorsAsTelegramGivesThem(t *testing.T) {
	t.Parallel()
	s := emulator.New(emulator.Options{})
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	t.Cleanup(s.Close)
	api, err := tg.NewBotAPIWithAPIEndpoint(s.Token(), srv.URL+"/bot%s/%s")
	if err != nil {
		t.Fatal(err)
	}
	p := s.Phone(42, "person", "ru")
	p.Start("")
	tests := []struct {
		name    string
		prepare func()
		want    tg.Error
	}{
		{"a blocked bot", p.Block, tg.Error{Code: 403, Message: "Forbidden: bot was blocked by the user"}},
		{
			"too many requests",
			func() {
				p.Unblock()
				s.Inject(emulator.Fault{Method: "sendMessage", Status: 429, RetryAfter: 7})
			},
			tg.Error{Code: 429, Message: "Too Many Requests: retry after 7", ResponseParameters: tg.ResponseParameters{RetryAfter: 7}},
		},
	}
	for _, tt := range tests { //nolint:paralleltest // one server, in order
		t.Run(tt.name, func(t *testing.T) {
			tt.prepare()
			_, err := api.Send(tg.NewMessage(42, "x"))
			var got *tg.Error
			if !errors.As(err, &got) {
				t.Fatalf("got %v", err)
			}
			if diff := cmp.Diff(tt.want, *got); diff != "" {
				t.Error(diff)
			}
		})
	}
	s.Inject(emulator.Fault{Status: 502, Body: "<html>Bad Gateway</html>"})
	if _, err := api.Send(tg.NewMessage(42, "x")); err == nil || !strings.Contains(err.Error(), "invalid character") {
		t.Errorf("a page instead of JSON: %v", err)
	}
	s.Inject(emulator.Fault{Drop: emulator.DropAfter})
	if _, err := api.Send(tg.NewMessage(42, "дошло")); err == nil {
		t.Error("a cut connection gave no error")
	}
	if got := p.Last().Text; got != "дошло" {
		t.Errorf("after a cut answer the person sees %q", got)
	}
}
