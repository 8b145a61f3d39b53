package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"flowbot/bot/post"
	"flowbot/cron"
	"flowbot/db"
)

// The roles of a serving process.
const (
	roleBot    = "bot"    // takes updates and answers them
	roleSender = "sender" // sends what waits in the outbox
	roleWorker = "worker" // works the job queue
	roleClock  = "clock"  // fires the timetable
)

var allRoles = []string{roleBot, roleSender, roleWorker, roleClock}

type serveCommand struct {
	Roles []string `help:"Some of bot,sender,worker,clock; all when left out." placeholder:"ROLE,..."`
}

// Run serves until the context ends.
func (c *serveCommand) Run(ctx context.Context, p *program) (err error) {
	roles := c.Roles
	if len(roles) == 0 {
		roles = allRoles
	}
	for _, r := range roles {
		if !slices.Contains(allRoles, r) {
			return usageError(fmt.Sprintf("--roles: no role %q; there are %s", r, strings.Join(allRoles, ",")))
		}
	}
	s, err := readSettings()
	if err != nil {
		return err
	}
	if err := s.checkServe(); err != nil {
		return err
	}
	i, err := open(ctx, s, newLog(p.stderr, s.LogLevel, s.secrets()))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, i.Close()) }()
	return i.serve(ctx, roles, func() {})
}

// stopTimeout bounds stopping one part in order; then it is left behind.
const stopTimeout = 40 * time.Second

// serve runs the parts that the roles ask for until ctx ends or one of them
// fails, and stops them in the reverse order. Ready is called once all run.
func (i *installation) serve(ctx context.Context, roles []string, ready func()) (err error) {
	m := newMetrics(i.db)
	s := &server{i: i, failed: make(chan error, 1)}
	has := func(role string) bool { return slices.Contains(roles, role) }
	alive := &liveness{needsChat: has(roleBot), now: time.Now}
	t, err := i.talker(m, alive)
	if err != nil {
		return err
	}
	holder, err := i.db.Attend(ctx, i.log)
	if err != nil {
		return err
	}
	left, err := s.inherit(ctx, t)
	if err != nil {
		holder.Leave()
		return err
	}
	defer func() { left(); holder.Leave() }() // after all parts
	defer func() { err = errors.Join(err, s.stop(context.WithoutCancel(ctx))) }()
	var hook http.Handler
	if has(roleBot) && i.settings.Mode == modeWebhook {
		if hook, err = post.NewWebhook(i.settings.WebhookSecret, i.db, t.inbox.Wake, i.log); err != nil {
			return err
		}
	}
	if err := s.startHTTP(ctx, m, alive, hook); err != nil {
		return err
	}
	if has(roleClock) {
		clock, err := cron.NewClock(i.ticks, time.Now, i.log, cron.Timetable())
		if err != nil {
			return err
		}
		s.run(ctx, "clock", func(ctx context.Context) error { clock.Run(ctx); return nil })
	}
	if has(roleWorker) {
		done := func(d cron.JobDone) {
			m.jobDone(d)
			t.sender.Wake() // most jobs end with a notice
		}
		if err := s.startWorkers(ctx, holder.Name(), done); err != nil {
			return err
		}
	}
	if has(roleSender) {
		s.startSender(ctx, t)
	}
	if has(roleBot) {
		s.startBot(ctx, t)
	}
	i.log.InfoContext(ctx, "serving", "roles", roles, "listen", s.address, "mode", i.settings.Mode)
	ready()
	select {
	case <-ctx.Done():
		i.log.InfoContext(context.WithoutCancel(ctx), "stopping")
		return nil
	case err := <-s.failed:
		return err
	}
}

// server is the parts that run, in the order of their start.
type server struct {
	i       *installation
	parts   []part
	failed  chan error // the first part that ended by itself
	address string     // where HTTP is served
}

// part is something that runs until it is stopped.
type part struct {
	name string
	stop func(ctx context.Context) error
}

func (s *server) add(name string, stop func(ctx context.Context) error) {
	s.parts = append(s.parts, part{name, stop})
}

// run starts a loop as a part. One that ends with an error, or by itself, ends
// the whole process: whoever supervises it starts it again.
func (s *server) run(ctx context.Context, name string, loop func(ctx context.Context) error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		err := s.guard(ctx, name, loop)
		if err == nil && ctx.Err() == nil {
			err = errors.New("ended by itself")
		}
		if err != nil && ctx.Err() == nil {
			select {
			case s.failed <- fmt.Errorf("%s: %w", name, err):
			default:
			}
		}
	}()
	s.add(name, func(stop context.Context) error {
		cancel()
		select {
		case <-done:
			return nil
		case <-stop.Done():
			return stop.Err()
		}
	})
}

// guard turns a panic of a loop into an error. The value is not told: it may
// hold anything.
func (s *server) guard(ctx context.Context, name string, loop func(ctx context.Context) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			s.i.log.ErrorContext(ctx, "panic", "part", name, "trace", string(debug.Stack()))
			err = errors.New("panicked")
		}
	}()
	return loop(ctx)
}

// stop stops what runs, the last started first.
func (s *server) stop(ctx context.Context) error {
	var all []error
	for _, p := range slices.Backward(s.parts) {
		ctx, cancel := context.WithTimeout(ctx, stopTimeout)
		begun := time.Now()
		if err := p.stop(ctx); err != nil {
			all = append(all, fmt.Errorf("stop %s: %w", p.name, err))
		}
		cancel()
		s.i.log.InfoContext(ctx, "stopped", "part", p.name, "took", time.Since(begun).String())
	}
	s.parts = nil
	return errors.Join(all...)
}

// startWorkers begins to work the job queue under a name that no other process
// has or had.
func (s *server) startWorkers(ctx context.Context, name string, done func(cron.JobDone)) error {
	workers, err := cron.NewWorkers(cron.WorkersConfig{
		Pool: s.i.db.Pool(), ID: name, Log: s.i.log, Done: done,
	}, cron.Works(s.i.jobs()))
	if err != nil {
		return err
	}
	if err := workers.Start(ctx); err != nil {
		return err
	}
	s.add("workers", workers.Stop)
	return nil
}

// inheritEvery is how often processes that have died are looked for. Looking
// costs one query on a table with a row for each process.
const inheritEvery = 2 * time.Second

// inherit frees what dead processes held, now and again and again until what it
// returns is called.
func (s *server) inherit(ctx context.Context, t *talker) (stop func(), err error) {
	if err := s.release(ctx, t); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	over := make(chan struct{})
	go func() {
		defer close(over)
		tick := time.NewTicker(inheritEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
			if err := s.release(ctx, t); err != nil && ctx.Err() == nil {
				s.i.log.ErrorContext(ctx, "look for processes that have died", "err", err)
			}
		}
	}()
	return func() { cancel(); <-over }, nil
}

func (s *server) release(ctx context.Context, t *talker) error {
	freed, err := s.i.db.ReleaseDead(ctx)
	if err != nil {
		return err
	}
	if freed != (db.Freed{}) {
		s.i.log.WarnContext(ctx, "took over from a process that died", "updates", freed.Updates, "notices", freed.Notices, "jobs", freed.Jobs)
		t.inbox.Wake()
		t.sender.Wake()
	}
	return nil
}
