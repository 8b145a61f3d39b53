package db

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"

	"flowbot/migrations"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

// Direction is what Migrate does to a schema.
type Direction string

// The directions.
const (
	Up     Direction = "up"     // apply everything that is pending
	Down   Direction = "down"   // take the newest step back
	Reset  Direction = "reset"  // take everything back, with all data
	Status Direction = "status" // change nothing
)

// Step is one step of the schema.
type Step struct {
	Name    string // of its file; the job queue's own schema is one step, "river"
	Applied bool
}

// Migrate changes the schema of the database at url and returns all steps as
// they stand afterwards. Replicas that start together wait for each other; a
// killed one leaves the steps that it has finished, and no lock.
//
// The job queue brings its own schema and keeps its own count of it; Up brings
// it to the library's version, and only Reset removes it.
func Migrate(ctx context.Context, url string, do Direction) (steps []Step, err error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("read the database's address: %w", err)
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	defer pool.Close()
	std := stdlib.OpenDBFromPool(pool)
	defer std.Close()

	m, err := newMigrator(pool, std)
	if err != nil {
		return nil, err
	}
	if do != Status {
		conn, err := std.Conn(ctx)
		if err != nil {
			return nil, fmt.Errorf("connect to the database: %w", err)
		}
		defer conn.Close()
		// One lock around both schemas. It belongs to the session, so it ends with
		// a killed process.
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 600))
		if err != nil {
			return nil, fmt.Errorf("lock the schema: %w", err)
		}
		if err := locker.SessionLock(ctx, conn); err != nil {
			return nil, fmt.Errorf("lock the schema: %w", err)
		}
		defer func() {
			err = errors.Join(err, locker.SessionUnlock(context.WithoutCancel(ctx), conn))
		}()
	}
	switch do {
	case Up:
		err = m.up(ctx)
	case Down:
		_, err = m.goose.Down(ctx)
		if errors.Is(err, goose.ErrNoNextVersion) {
			err = nil // nothing is left to take back
		}
	case Reset:
		err = m.reset(ctx)
	case Status:
	}
	if err != nil {
		return nil, fmt.Errorf("migrate %s: %w", do, err)
	}
	return m.status(ctx)
}

// migrator knows both schemas.
type migrator struct {
	goose *goose.Provider
	river *rivermigrate.Migrator[pgx.Tx]
}

func newMigrator(pool *pgxpool.Pool, std *sql.DB) (*migrator, error) {
	own, err := goose.NewProvider(goose.DialectPostgres, std, migrations.Files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return nil, fmt.Errorf("read the migrations: %w", err)
	}
	jobs, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, fmt.Errorf("read the job queue's migrations: %w", err)
	}
	return &migrator{goose: own, river: jobs}, nil
}

func (m *migrator) up(ctx context.Context) error {
	if _, err := m.river.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("job queue: %w", err)
	}
	_, err := m.goose.Up(ctx)
	return err
}

func (m *migrator) reset(ctx context.Context) error {
	if _, err := m.goose.DownTo(ctx, 0); err != nil {
		return err
	}
	if _, err := m.river.Migrate(ctx, rivermigrate.DirectionDown, &rivermigrate.MigrateOpts{TargetVersion: -1}); err != nil {
		return fmt.Errorf("job queue: %w", err)
	}
	return nil
}

func (m *migrator) status(ctx context.Context) ([]Step, error) {
	jobs, err := m.river.ExistingVersions(ctx)
	if err != nil {
		return nil, fmt.Errorf("status of the job queue's schema: %w", err)
	}
	steps := []Step{{Name: "river", Applied: len(jobs) == len(m.river.AllVersions())}}
	own, err := m.goose.Status(ctx)
	if err != nil {
		return nil, fmt.Errorf("status of the schema: %w", err)
	}
	for _, s := range own {
		steps = append(steps, Step{Name: s.Source.Path, Applied: s.State == goose.StateApplied})
	}
	return steps, nil
}

// SchemaID changes whenever the schema does: it is a hash of the steps and of
// the job queue's version.
func SchemaID() (string, error) {
	h := sha256.New()
	names, err := fs.Glob(migrations.Files, "*.sql")
	if err != nil {
		return "", fmt.Errorf("read the migrations: %w", err)
	}
	for _, name := range names {
		text, err := migrations.Files.ReadFile(name)
		if err != nil {
			return "", fmt.Errorf("read the migrations: %w", err)
		}
		_, _ = fmt.Fprintf(h, "%s %d\n%s", name, len(text), text)
	}
	jobs, err := rivermigrate.New(riverpgxv5.New(nil), nil)
	if err != nil {
		return "", fmt.Errorf("read the job queue's migrations: %w", err)
	}
	_, _ = fmt.Fprintf(h, "river %d\n", len(jobs.AllVersions()))
	return hex.EncodeToString(h.Sum(nil)[:8]), nil
}
