package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"flowbot/bot/chat"
	"flowbot/service/foreign"
	"flowbot/web"
)

// startHTTP serves health, metrics, the pages for people if they can reach them
// and, in that mode, the webhook.
// Hook takes the updates of the webhook; nil without one.
func (s *server) startHTTP(ctx context.Context, m *metrics, alive *liveness, hook http.Handler) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok\n") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
		defer cancel()
		err := s.i.db.Ping(ctx)
		if err != nil {
			err = errors.New("the database does not answer")
		} else {
			err = alive.check()
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, "ok\n")
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	if hook != nil {
		u, err := url.Parse(s.i.settings.WebhookURL)
		if err != nil {
			return errors.New("WEBHOOK_URL: want an address such as https://HOST")
		}
		path := u.EscapedPath()
		if path == "" {
			path = "/"
		}
		if path == "/" {
			path = "/{$}"
		}
		mux.Handle("POST "+path, hook)
	}
	pages, err := s.i.pages()
	if err != nil {
		return err
	}
	listener := s.i.listener
	if listener == nil {
		if listener, err = (&net.ListenConfig{}).Listen(ctx, "tcp", s.i.settings.ListenAddr); err != nil {
			return fmt.Errorf("LISTEN_ADDR: %w", err)
		}
	}
	s.address = listener.Addr().String()
	server := &http.Server{
		Handler: mux, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: time.Minute,
		ErrorLog: slog.NewLogLogger(s.i.log.Handler(), slog.LevelWarn),
	}
	if pages != nil {
		pages.Handle(mux)
		server.RegisterOnShutdown(pages.Stop)
		s.run(ctx, "pages", func(ctx context.Context) error { pages.Run(ctx); return nil })
	}
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			select {
			case s.failed <- fmt.Errorf("http: %w", err):
			default:
			}
		}
	}()
	s.add("http", server.Shutdown)
	return nil
}

// pages are those of our own server, nil when nobody outside can reach it.
func (i *installation) pages() (*web.Server, error) {
	if i.settings.PublicURL == "" {
		return nil, nil //nolint:nilnil // without an address there are no pages, which is no error
	}
	return web.New(web.Config{
		Links: i.links, Files: i.files, Dir: filepath.Join(i.settings.DataDir, "uploads"), Most: foreign.DefaultScanBytes,
		Say: i.say, Now: time.Now, Log: i.log,
	})
}

// liveness tells whether updates keep coming in.
type liveness struct {
	needsChat bool
	now       func() time.Time
	polled    atomic.Int64 // Unix nanoseconds of the last answer to a poll
	hooked    atomic.Bool  // the webhook is registered, which needs no further sign
}

// maxSilence is how old the last sign of life of polling may be: a long poll and
// some patience.
const maxSilence = 2 * time.Minute

func (l *liveness) seen() { l.polled.Store(l.now().UnixNano()) }

func (l *liveness) check() error {
	if !l.needsChat || l.hooked.Load() {
		return nil
	}
	if last := l.polled.Load(); last == 0 || l.now().Sub(time.Unix(0, last)) > maxSilence {
		return errors.New("the Bot API does not answer")
	}
	return nil
}

// watchedChat notes when polling works.
type watchedChat struct {
	chat.Client
	alive *liveness
}

// Updates implements chat.Client.
func (c watchedChat) Updates(ctx context.Context, offset int64, timeout time.Duration) ([]json.RawMessage, error) {
	out, err := c.Client.Updates(ctx, offset, timeout)
	if err == nil {
		c.alive.seen()
	}
	return out, err
}
