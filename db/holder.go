package db

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/uptrace/bun"
)

// holderLocks is the first half of the advisory locks of holders, an arbitrary
// number that nobody else uses; the second is the holder's id.
const holderLocks = 70251488

// relock is the pause before a lost session is replaced again.
const relock = time.Second

// parting is how long a process that leaves waits until the server has ended its
// session: much longer than a busy server was seen to take.
const parting = 10 * time.Second

// Holder is this process among those that work on one database. What it takes
// from the inbox, the outbox and the job queue carries its id, and while it
// lives it holds a lock of a session of its own. The server lets go of the lock
// when the process dies, so what the process held is free at once, where a
// lease alone would have to run out.
//
// The leases stay: they are for a host that is cut off and whose session the
// server believes in.
type Holder struct {
	db   *DB
	id   int32
	log  *slog.Logger
	stop context.CancelFunc
	done chan struct{}
}

// Attend enters this process among the holders, until Leave. There is at most
// one holder for a DB at a time.
func (d *DB) Attend(ctx context.Context, log *slog.Logger) (*Holder, error) {
	conn, err := d.connectHolder(ctx)
	if err != nil {
		return nil, err
	}
	h := &Holder{db: d, log: log, done: make(chan struct{})}
	// The row is seen by others only when the lock is held.
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, `INSERT INTO holders DEFAULT VALUES RETURNING id`).Scan(&h.id); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `SELECT pg_advisory_lock($1, $2)`, holderLocks, h.id)
		return err
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("enter the holders: %w", err), conn.Close(ctx))
	}
	d.holder.Store(h.id)
	ctx, h.stop = context.WithCancel(context.WithoutCancel(ctx))
	go h.keep(ctx, conn)
	return h, nil
}

// connectHolder opens a session outside the pool, which ends when its process
// does or, soon, when its host is cut off.
func (d *DB) connectHolder(ctx context.Context) (*pgx.Conn, error) {
	cfg := d.pool.Config().ConnConfig.Copy()
	// Source: PostgreSQL documentation, "Connections and Authentication"; the
	// server ignores them on a local socket. Seconds.
	for name, value := range map[string]string{
		"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3",
	} {
		cfg.RuntimeParams[name] = value
	}
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to the database: %w", err)
	}
	return conn, nil
}

// Name is the id under which this process works the job queue.
func (h *Holder) Name() string { return holderName(h.id) }

func holderName(id int32) string { return fmt.Sprintf("flowbot-%d", id) }

// keep watches the session and replaces it when it is lost.
func (h *Holder) keep(ctx context.Context, conn *pgx.Conn) {
	defer close(h.done)
	for {
		// Nobody notifies: this ends with the session.
		_, err := conn.WaitForNotification(ctx)
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), relock)
		_ = conn.Close(closing) // says goodbye, so that the lock goes now
		cancel()
		for ctx.Err() == nil {
			h.log.WarnContext(ctx, "the session of this process is lost, opened anew", "holder", h.id, "err", err)
			if conn, err = h.again(ctx); err == nil {
				break
			}
			pause := time.NewTimer(relock)
			select {
			case <-pause.C:
			case <-ctx.Done():
				pause.Stop()
			}
		}
		if ctx.Err() != nil {
			if err == nil {
				_ = conn.Close(context.WithoutCancel(ctx))
			}
			return
		}
	}
}

// again takes the lock in a new session. The row may have been taken for that of
// a dead process meanwhile.
func (h *Holder) again(ctx context.Context) (*pgx.Conn, error) {
	conn, err := h.db.connectHolder(ctx)
	if err != nil {
		return nil, err
	}
	// Waits, up to lock_timeout, while the server still believes in the old one.
	_, err = conn.Exec(ctx, `SELECT pg_advisory_lock($1, $2)`, holderLocks, h.id)
	if err == nil {
		_, err = conn.Exec(ctx, `INSERT INTO holders (id) OVERRIDING SYSTEM VALUE VALUES ($1) ON CONFLICT DO NOTHING`, h.id)
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close(context.WithoutCancel(ctx)))
	}
	return conn, nil
}

// Leave ends the process's work. What it holds all the same is free for others when
// it returns, or, from a server that does not notice, when that does.
func (h *Holder) Leave() {
	h.stop()
	<-h.done
	h.db.holder.Store(0)
	// The server ends a session in its own time, also one that was said goodbye to.
	ctx, cancel := context.WithTimeout(context.Background(), parting)
	defer cancel()
	err := h.db.inTx(ctx, func(ctx context.Context, t tx) error {
		_, err := t.NewRaw(`SELECT pg_advisory_xact_lock(?, ?)`, holderLocks, h.id).Exec(ctx)
		return err
	})
	if err != nil {
		h.log.WarnContext(ctx, "the session of this process is not known to have ended", "holder", h.id, "err", err)
	}
}

// Freed counts what ReleaseDead has let go of.
type Freed struct {
	Updates, Notices, Jobs int
}

// ReleaseDead frees what processes hold that have died: their updates are worked
// again, their notices are settled by the sender as those of a lost one, their
// jobs are put back. Several replicas may call it at a time.
func (d *DB) ReleaseDead(ctx context.Context) (Freed, error) {
	var freed Freed
	err := d.inTx(ctx, func(ctx context.Context, t tx) error {
		freed = Freed{}
		var dead []int32
		// Whoever gets the lock of a holder knows that it is dead, and keeps its
		// session from coming back until all is freed.
		err := t.NewRaw(`SELECT id FROM holders WHERE id <> ? AND pg_try_advisory_xact_lock(?, id)`,
			d.holder.Load(), holderLocks).Scan(ctx, &dead)
		if err != nil {
			return explain(err)
		}
		for _, id := range dead {
			if err := t.release(ctx, id, &freed); err != nil {
				return fmt.Errorf("release holder %d: %w", id, err)
			}
		}
		return nil
	})
	return freed, err
}

func (t tx) release(ctx context.Context, id int32, freed *Freed) error {
	for _, step := range []struct {
		count *int
		query *bun.RawQuery
	}{
		{&freed.Updates, t.NewRaw(`
			UPDATE updates SET run_at = least(run_at, now()), holder = NULL WHERE state = 'waiting' AND holder = ?`, id)},
		{&freed.Notices, t.NewRaw(`
			UPDATE notices SET run_at = ?, holder = NULL WHERE state = 'sending' AND holder = ?`, atOnce, id)},
		{new(int), t.NewRaw(`DELETE FROM holders WHERE id = ?`, id)},
		// Its leader's seat in the job queue, which would stay taken for a while.
		{new(int), t.NewRaw(`DELETE FROM river_leader WHERE leader_id = ?`, holderName(id))},
	} {
		res, err := step.query.Exec(ctx)
		if err != nil {
			return explain(err)
		}
		n, err := res.RowsAffected()
		if err != nil {
			return err
		}
		*step.count += int(n)
	}
	n, err := putBackJobs(ctx, t, holderName(id))
	freed.Jobs += n
	return err
}
