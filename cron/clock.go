package cron

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/robfig/cron/v3"

	"flowbot/service"
)

// Line is one line of the timetable.
type Line struct {
	Name string // stable: planned moments are remembered under it
	Spec string // minute, hour, day of month, month, day of week; in UTC
	// Replay is how many missed moments are made up for, the newest ones. 1 is for
	// deeds that do not depend on when they are done.
	Replay int
	Job    func(at time.Time) service.Job // of a planned moment
}

// Timetable lists what is done by the clock.
func Timetable() []Line {
	return []Line{
		{"expire_reviews", "* * * * *", 1, func(time.Time) service.Job { return service.ExpireReviews{} }},
		{"expire_protocols", "* * * * *", 1, func(time.Time) service.Job { return service.ExpireProtocols{} }},
		{"give_up_scans", "* * * * *", 1, func(time.Time) service.Job { return service.GiveUpScans{} }},
		// The local hour of some zones begins at a quarter of an hour in UTC.
		{"remind", "*/15 * * * *", 12 * 4, func(at time.Time) service.Job { return service.Remind{At: at} }},
		{"sweep_files", "40 0 * * *", 1, func(time.Time) service.Job { return service.SweepFiles{} }},
		{"prune_updates", "30 0 * * *", 1, func(time.Time) service.Job { return service.PruneUpdates{} }},
		{"prune_notices", "35 0 * * *", 1, func(time.Time) service.Job { return service.PruneNotices{} }},
		{"prune_claims", "45 0 * * *", 1, func(time.Time) service.Job { return service.PruneClaims{} }},
		{"prune_ticks", "50 0 * * *", 1, func(time.Time) service.Job { return service.PruneTicks{} }},
	}
}

// maxGap is how far back missed moments are looked for.
const maxGap = 7 * 24 * time.Hour

// retryTick is the pause before a moment is tried again that could not be
// claimed, because the database was away for example.
const retryTick = 5 * time.Second

// Clock turns the planned moments of a timetable into jobs. Every replica may
// run one: each moment acts once.
type Clock struct {
	ticks *service.Ticks
	now   service.Clock
	log   *slog.Logger
	lines []plannedLine
}

type plannedLine struct {
	Line
	schedule cron.Schedule
}

// NewClock returns a clock over a timetable. A line whose spec is wrong, or that
// would never fire, is an error.
func NewClock(ticks *service.Ticks, now service.Clock, log *slog.Logger, lines []Line) (*Clock, error) {
	c := &Clock{ticks: ticks, now: now, log: log}
	names := map[string]bool{}
	for _, l := range lines {
		schedule, err := parse(l.Spec)
		if err != nil {
			return nil, fmt.Errorf("timetable line %s: %w", l.Name, err)
		}
		if schedule.Next(now().UTC()).IsZero() {
			return nil, fmt.Errorf("timetable line %s never fires", l.Name)
		}
		if l.Name == "" || names[l.Name] || l.Replay < 1 || l.Job == nil {
			return nil, fmt.Errorf("timetable line %q is not whole", l.Name)
		}
		names[l.Name] = true
		c.lines = append(c.lines, plannedLine{l, schedule})
	}
	return c, nil
}

// parse reads a spec. The library panics on some wrong ones.
func parse(spec string) (s cron.Schedule, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("spec %q: %v", spec, r)
		}
	}()
	return cron.ParseStandard(spec)
}

// Run makes up for missed moments, then fires each planned one until ctx ends,
// and waits for what is under way.
func (c *Clock) Run(ctx context.Context) {
	table := cron.New(cron.WithLocation(time.UTC), cron.WithChain(cron.SkipIfStillRunning(cron.DiscardLogger)))
	for _, l := range c.lines {
		var id cron.EntryID
		id = table.Schedule(l.schedule, cron.FuncJob(func() { c.insist(ctx, l, table.Entry(id).Prev) }))
	}
	// Planned moments first, so that none is lost between the two.
	table.Start()
	for _, l := range c.lines {
		c.insist(ctx, l, c.now().UTC())
	}
	<-ctx.Done()
	<-table.Stop().Done()
}

// insist is CatchUp, tried until it is done or ctx ends.
func (c *Clock) insist(ctx context.Context, l plannedLine, until time.Time) {
	for {
		err := c.catchUp(ctx, l, until)
		if err == nil || ctx.Err() != nil {
			return
		}
		c.log.ErrorContext(ctx, "tick not claimed", "line", l.Name, "err", err)
		pause := time.NewTimer(retryTick)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return
		}
	}
}

// CatchUp fires what every line has planned since it last acted, up to and
// including the moment until.
func (c *Clock) CatchUp(ctx context.Context, until time.Time) error {
	for _, l := range c.lines {
		if err := c.catchUp(ctx, l, until); err != nil {
			return err
		}
	}
	return nil
}

func (c *Clock) catchUp(ctx context.Context, l plannedLine, until time.Time) error {
	last, err := c.ticks.Last(ctx, l.Name)
	if err != nil {
		return err
	}
	replay := l.Replay
	if last.IsZero() {
		replay = 1 // a new installation has missed nothing, but must begin
	}
	until = until.UTC()
	if earliest := until.Add(-maxGap); last.Before(earliest) {
		last = earliest
	}
	var planned []time.Time
	for at := l.schedule.Next(last); !at.IsZero() && !at.After(until); at = l.schedule.Next(at) {
		if len(planned) == replay {
			planned = planned[1:]
		}
		planned = append(planned, at)
	}
	for _, at := range planned {
		if _, err := c.ticks.Fire(ctx, l.Name, at, l.Job(at)); err != nil {
			return err
		}
	}
	return nil
}
