package db

import (
	"context"
	"time"

	"github.com/uptrace/bun"

	"flowbot/service"
)

var (
	_ service.TickQueries  = queries{}
	_ service.TickCommands = tx{}
)

// LastTick implements service.TickQueries.
func (q queries) LastTick(ctx context.Context, name string) (time.Time, error) {
	var at bun.NullTime
	if err := q.NewRaw("SELECT max(at) FROM ticks WHERE name = ?", name).Scan(ctx, &at); err != nil {
		return time.Time{}, explain(err)
	}
	return at.UTC(), nil
}

// InsertTick implements service.TickCommands.
func (t tx) InsertTick(ctx context.Context, name string, at time.Time) (bool, error) {
	res, err := t.NewRaw("INSERT INTO ticks (name, at) VALUES (?, ?) ON CONFLICT DO NOTHING", name, at.UTC()).Exec(ctx)
	if err != nil {
		return false, explain(err)
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

// PruneTicks implements service.TickCommands.
func (t tx) PruneTicks(ctx context.Context, before time.Time) (int, error) {
	res, err := t.NewRaw(`
		DELETE FROM ticks AS old WHERE at < ?
		AND EXISTS (SELECT 1 FROM ticks AS newer WHERE newer.name = old.name AND newer.at > old.at)`, before.UTC()).Exec(ctx)
	if err != nil {
		return 0, explain(err)
	}
	n, err := res.RowsAffected()
	return int(n), err
}
