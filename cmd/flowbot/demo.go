package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"flowbot/bot/emulator"
	"flowbot/service"
)

type demoCommand struct {
	Addr string `help:"Where the page is served; another port when this one is taken." default:"127.0.0.1:8081"`
}

// demoBot is what the demo's bot is called.
const demoBot = "flowbot_demo_bot"

// demoHold is how long a scan waits before it goes to its candidate: long enough
// to press «Приостановить», short enough to wait for it.
const demoHold = 90 * time.Second

// Run plays Telegram on a page and serves the bot to it, until the context ends.
func (c *demoCommand) Run(ctx context.Context, p *program) (err error) {
	listener, err := listenNear(ctx, c.Addr)
	if err != nil {
		return err
	}
	address := "http://" + listener.Addr().String()
	now := time.Now()
	telegram := emulator.New(emulator.Options{
		BotName: demoBot,
		// Above whatever an earlier run has given: the database remembers.
		FirstUpdate: now.UnixMilli(), FirstMessage: int(now.UnixMilli() / 100),
	})
	s, err := demoSettings(telegram, address)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	log := newLog(p.stderr, s.LogLevel, s.secrets())
	alone, err := takeDemo(s.DataDir)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	defer alone.Close()
	err = telegram.Keep(filepath.Join(s.DataDir, "chats"), func(err error) {
		log.WarnContext(ctx, "the chats on the page are not kept", "err", err)
	})
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	page := &http.Server{Handler: telegram, ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn)}
	go func() { _ = page.Serve(listener) }() // ends with Close
	defer func() {
		telegram.Close()
		err = errors.Join(err, page.Close())
	}()

	own, err := demoOwn(ctx, &s)
	if err != nil {
		return err
	}
	defer own.Close()
	i, err := open(ctx, s, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, i.Close()) }()
	i.listener = own
	dir, err := i.loadSample(ctx)
	if err != nil {
		return err
	}
	operator, err := i.db.OperatorOrg(ctx)
	if err != nil {
		return err
	}
	zone := operator.Zone
	list, err := os.ReadFile(filepath.Join(dir, sampleList)) // a sample of an older version has none
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	// Before anything is sent: nobody gets a message who has not begun.
	for _, known := range demoPhones(telegram) {
		if len(known.Messages()) == 0 { // else it goes on where an earlier run has left it
			known.Say("/start")
		}
	}
	drawing, drawn := context.WithCancel(ctx)
	var scans sync.WaitGroup
	defer func() { drawn(); scans.Wait() }()
	return i.serve(ctx, allRoles, func() {
		scans.Go(func() {
			if err := i.drawSampleScans(drawing, dir); err != nil && drawing.Err() == nil {
				log.WarnContext(ctx, "no scans to send are drawn", "err", err)
			}
		})
		_, err := fmt.Fprintf(
			p.out, "Page with the phones: %s\nFiles to send from them: %s\n%sTimes in the texts are those of %s.\nStop with Ctrl-C; the data stay in %s.\n",
			address, dir, list, zone, s.DataDir,
		)
		if err != nil {
			log.WarnContext(ctx, "the page's address is not printed", "err", err)
		}
	})
}

// takeDemo makes sure that one demonstration runs on the data: two would share
// the bot's messages between their pages. The lock ends with the process.
func takeDemo(dataDir string) (*os.File, error) {
	if err := os.MkdirAll(dataDir, 0o755); err != nil { //nolint:gosec // the private PostgreSQL's user passes through it
		return nil, fmt.Errorf("DATA_DIR: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dataDir, "demo.lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("DATA_DIR: %w", err)
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = errors.New("another demo runs on it: stop that one, or set DATA_DIR to another place")
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", dataDir, err), f.Close())
	}
	return f, nil
}

// demoSettings are the settings from the environment, pointed at the emulator.
func demoSettings(telegram *emulator.Server, address string) (Settings, error) {
	s, err := readSettings()
	if err != nil {
		return s, err
	}
	s.Token, s.APIURL, s.BotName, s.Mode = telegram.Token(), address, telegram.BotName(), modePoll
	if os.Getenv("LISTEN_ADDR") == "" {
		s.ListenAddr = "127.0.0.1:0" // another program may be at home on the usual port
	}
	if os.Getenv("DELIVERY_HOLD") == "" {
		s.DeliveryHold = demoHold
	}
	if os.Getenv("LOG_LEVEL") == "" {
		s.LogLevel = slog.LevelWarn
	}
	return s, nil
}

// demoOwn listens where the bot serves its own pages and, unless the environment
// says otherwise, lets people on this machine come there.
func demoOwn(ctx context.Context, s *Settings) (net.Listener, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.ListenAddr)
	if err != nil {
		return nil, fmt.Errorf("LISTEN_ADDR: %w", err)
	}
	if s.PublicURL == "" {
		s.PublicURL = "http://" + l.Addr().String()
	}
	return l, nil
}

// listenNear listens at the address or, when its port is taken, at another port.
func listenNear(ctx context.Context, address string) (net.Listener, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		if host, _, serr := net.SplitHostPort(address); serr == nil {
			l, err = (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort(host, "0"))
		}
	}
	if err != nil {
		return nil, fmt.Errorf("--addr: %w", err)
	}
	return l, nil
}

// demoPhones puts the phones on the page and returns those whose person is known
// to the bot.
func demoPhones(telegram *emulator.Server) []*emulator.Phone {
	var known []*emulator.Phone
	for _, p := range samplePeople {
		language := p.language
		if language == "" {
			language = service.Languages[0]
		}
		phone := telegram.Phone(p.telegram, p.phone, language)
		if p.number != "" {
			phone.SetNumber(p.number)
		}
		if p.role != "" {
			known = append(known, phone)
		}
	}
	return known
}

// sampleDir is where the demo's files to send lie.
func (s *Settings) sampleDir() (string, error) { return filepath.Abs(filepath.Join(s.DataDir, "demo")) }

// loadSample fills an empty installation with invented data, and the directory
// with files to send. One that holds a whole sample already stays as it is, and
// any other is left alone.
func (i *installation) loadSample(ctx context.Context) (dir string, err error) {
	if dir, err = i.settings.sampleDir(); err != nil {
		return "", err
	}
	mark := filepath.Join(dir, ".loaded") // written last
	_, orgs, err := i.people.Orgs(ctx, service.CommandLine, 0, 1)
	if err != nil {
		return "", err
	}
	if orgs > 0 {
		if _, err := os.Stat(mark); err != nil {
			return "", fmt.Errorf("the data in %s are not a whole demo: remove them, or set DATA_DIR to another place", i.settings.DataDir)
		}
		return dir, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // for the visitor's file dialog
		return "", err
	}
	if err := i.makeSample(ctx, dir, time.Now()); err != nil {
		return "", fmt.Errorf("load the sample: %w", err)
	}
	return dir, os.WriteFile(mark, nil, 0o600)
}
