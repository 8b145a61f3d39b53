// Package db keeps the service's data in PostgreSQL and its files in a
// directory or a bucket. It implements the store interfaces of package service
// and decides nothing.
package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"flowbot/service"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/jinzhu/inflection"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/schema"
)

// Options tune a database handle. The zero value serves.
type Options struct {
	// MaxConns is the most connections held open; 0 means 4 for each processor
	// and at least 10.
	MaxConns int
	// Log is where the job queue tells what it survives; nil: nowhere.
	Log *slog.Logger
}

// Limits of a session. A request that waits longer is better refused than
// queued behind a forgotten transaction.
const (
	lockTimeout = 10 * time.Second // waiting for one row
	idleTimeout = time.Minute      // a transaction in which nothing happens
)

// maxTries bounds how often a transaction that lost a race is run.
const maxTries = 3

// DB is the database. It implements service.Store and is safe for concurrent
// use. Every read query is also a method of DB, outside of any transaction.
type DB struct {
	queries
	bun  *bun.DB
	pool *pgxpool.Pool
	jobs *river.Client[pgx.Tx] // inserts, never works

	holder atomic.Int32 // id of this process's Holder, 0 without one
}

var _ service.Store = (*DB)(nil)

// Open returns the database at url, a postgres:// URL or a list of libpq
// settings. It connects once, so that a wrong address is found at start.
func Open(ctx context.Context, url string, o Options) (*DB, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("read the database's address: %w", err)
	}
	cfg.MaxConns = int32(max(10, 4*runtime.GOMAXPROCS(0))) //nolint:gosec // a count of processors fits
	if o.MaxConns > 0 {
		cfg.MaxConns = int32(min(o.MaxConns, 10_000))
	}
	// bun writes the arguments into the statement, so preparing each one costs a
	// round trip and is never used again.
	cfg.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	for name, value := range map[string]string{
		"application_name":                    "flowbot",
		"timezone":                            "UTC",
		"lock_timeout":                        strconv.FormatInt(lockTimeout.Milliseconds(), 10),
		"idle_in_transaction_session_timeout": strconv.FormatInt(idleTimeout.Milliseconds(), 10),
	} {
		cfg.ConnConfig.RuntimeParams[name] = value
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("connect to the database: %w", err)
	}
	log := o.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	// Left to itself River logs to standard output.
	jobs, err := river.NewClient(riverpgxv5.New(pool), &river.Config{Logger: log})
	if err != nil {
		pool.Close()
		return nil, fmt.Errorf("open the job queue: %w", err)
	}
	nameTables()
	b := bun.NewDB(stdlib.OpenDBFromPool(pool), dialect{pgdialect.New()})
	return &DB{queries: queries{b}, bun: b, pool: pool, jobs: jobs}, nil
}

// Close lets the connections go. Nothing may use the DB afterwards.
func (d *DB) Close() error {
	err := d.bun.Close()
	d.pool.Close()
	return err
}

// Ping asks the server for a sign of life.
func (d *DB) Ping(ctx context.Context) error { return d.pool.Ping(ctx) }

// Bun gives tests and benchmarks the raw handle.
func (d *DB) Bun() *bun.DB { return d.bun }

// Pool gives the job workers their connections.
func (d *DB) Pool() *pgxpool.Pool { return d.pool }

// InTx implements service.Store. A transaction that lost a race against another
// (a serialization failure or a deadlock) is run again, at most three times in
// all, so fn keeps no state outside.
func (d *DB) InTx(ctx context.Context, fn func(ctx context.Context, tx service.Tx) error) error {
	return d.inTx(ctx, func(ctx context.Context, t tx) error { return fn(ctx, t) })
}

func (d *DB) inTx(ctx context.Context, fn func(ctx context.Context, t tx) error) error {
	for try := 1; ; try++ {
		err := d.once(ctx, fn)
		if try == maxTries || !lostRace(err) {
			return err
		}
		// Random, so that two losers do not meet again.
		pause := time.NewTimer(time.Duration(try) * (5 + rand.N(10*time.Millisecond))) //nolint:gosec // no secret
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return err
		}
	}
}

func (d *DB) once(ctx context.Context, fn func(ctx context.Context, t tx) error) (err error) {
	conn, err := d.bun.Conn(ctx)
	if err != nil {
		return fmt.Errorf("take a connection: %w", err)
	}
	defer func() { err = errors.Join(err, closed(conn.Close())) }()

	t := tx{jobs: d.jobs}
	// Not the caller's context: when that ends, database/sql rolls back in a
	// goroutine of its own, at the same moment as River may be writing on the
	// connection, and pgx panics. Each query has the caller's context, and this
	// function rolls back.
	begun, err := conn.BeginTx(context.WithoutCancel(ctx), nil)
	if err != nil {
		return fmt.Errorf("begin a transaction: %w", err)
	}
	done := false
	defer func() {
		if !done { // an error or a panic of fn
			_ = begun.Rollback()
		}
	}()
	t.queries = queries{begun}
	err = conn.Raw(func(driverConn any) error {
		c, ok := driverConn.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("connection of type %T, want pgx", driverConn)
		}
		t.pgx = pgxTx{c.Conn()}
		return nil
	})
	if err != nil {
		return err
	}
	if err := fn(ctx, t); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	done = true
	return explain(begun.Commit())
}

// closed is the error of closing a connection, unless the pool has done it.
func closed(err error) error {
	if errors.Is(err, sql.ErrConnDone) {
		return nil
	}
	return err
}

// queries answers questions, on the pool or inside a transaction.
type queries struct{ bun.IDB }

// tx changes things. Every command is a method of tx: a change outside of a
// transaction cannot be written.
type tx struct {
	queries
	pgx  pgx.Tx // the same transaction, for River
	jobs *river.Client[pgx.Tx]
}

var _ service.Tx = tx{}

// dialect strips NUL from text: PostgreSQL cannot hold it, and people's files
// and messages do contain it.
type dialect struct{ *pgdialect.Dialect }

// AppendString implements schema.Dialect.
func (d dialect) AppendString(b []byte, s string) []byte {
	return d.Dialect.AppendString(b, strings.ReplaceAll(s, "\x00", ""))
}

// tables names the tables of types whose plural is not the table's name. The
// left side is the type's name in snake case.
var tables = map[string]string{
	"center_printer": "printers",
	"guesses":        "guesses",
	"history":        "history",
	"own_profile":    "blank_profiles",
	"queued_notice":  "notices",
}

// nameTables tells bun about tables. Its setting is global.
var nameTables = sync.OnceFunc(func() {
	plural := func(model string) string {
		if name, ok := tables[model]; ok {
			return name
		}
		return inflection.Plural(model)
	}
	schema.SetTableNameInflector(plural)
})
