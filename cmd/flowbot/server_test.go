package main

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path"
	"slices"
	"testing"

	"flowbot/bot/emulator"
)

// bare stands before a double and answers, as Telegram does for what it does not
// know, that there is no such method.
func bare(t *testing.T, api string, without ...string) string {
	t.Helper()
	u, err := url.Parse(api)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(u)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if slices.Contains(without, path.Base(r.URL.Path)) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write([]byte(`{"ok":false,"error_code":404,"description":"Not Found"}`))
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestServeAnswersOverAServerThatLacksMethods(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	telegram, api := telegram(t, emulator.Options{})
	api = bare(t, api, "getMe", "setMyCommands", "setChatMenuButton", "deleteWebhook", "sendChatAction")
	p.with(append(serving(api), "BOT_NAME=flowbot_test_bot")...).start("serve")
	come(t, p, telegram.Phone(7, "Анна", "ru"), "Анна Петрова")
}
