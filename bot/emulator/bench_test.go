package emulator_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"flowbot/bot/emulator"
)

// BenchmarkSendMessage measures a text with a keyboard over HTTP, as a load
// test of a bot would call it: all of it is the cost of the double.
func BenchmarkSendMessage(b *testing.B) {
	s := emulator.New(emulator.Options{})
	srv := httptest.NewServer(s)
	b.Cleanup(srv.Close)
	b.Cleanup(s.Close)
	s.Phone(7, "person", "ru").Start("")
	body := "chat_id=7&parse_mode=HTML&text=%3Cb%3E%D0%90%D0%BA%D1%82%3C%2Fb%3E&reply_markup=%7B%22inline_keyboard%22%3A%5B%5B%7B%22text%22%3A%22%D0%94%D0%B0%22%2C%22callback_data%22%3A%22y%22%7D%5D%5D%7D"
	b.ReportAllocs()
	for b.Loop() {
		req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, srv.URL+"/bot1:test/sendMessage", strings.NewReader(body))
		if err != nil {
			b.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			b.Fatal(err)
		}
		if err := resp.Body.Close(); err != nil || resp.StatusCode != http.StatusOK {
			b.Fatal(resp.Status, err)
		}
	}
}

// BenchmarkSay measures a text of a person, which becomes an update.
func BenchmarkSay(b *testing.B) {
	s := emulator.New(emulator.Options{})
	b.Cleanup(s.Close)
	p := s.Phone(7, "person", "ru")
	b.ReportAllocs()
	for b.Loop() {
		p.Say("текст")
	}
}
