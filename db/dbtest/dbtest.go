// Package dbtest gives each test a PostgreSQL database of its own.
//
// The server is the one at TEST_DATABASE_URL or, without that, a private one
// under .cache/pg in the repository, which the test binaries of a run share. The
// schema is migrated once, into a template that is kept until the migrations
// change; each database is a copy of it, some tens of milliseconds.
package dbtest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"flowbot/db"
	"flowbot/db/pgserver"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// maxConns serves test binaries of some packages side by side, each with some
// parallel tests and their pools.
const maxConns = 400

// timeout bounds what a test waits for the server, the template included: far
// above what a busy machine needs.
const timeout = 10 * time.Minute

// server is where this process makes its databases.
type server struct {
	private  *pgserver.Server // nil with TEST_DATABASE_URL
	admin    *pgxpool.Pool    // on the maintenance database
	strategy string           // how CREATE DATABASE copies
}

// shared is the server once a test has asked for it.
var shared = sync.OnceValues(func() (*server, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	s := new(server)
	address := os.Getenv("TEST_DATABASE_URL")
	if address == "" {
		root, err := repository()
		if err != nil {
			return nil, err
		}
		s.private, err = pgserver.Open(ctx, filepath.Join(root, ".cache", "pg"), pgserver.Options{
			Database: "postgres", Fast: true, MaxConns: maxConns,
		})
		if err != nil {
			return nil, fmt.Errorf("no PostgreSQL for the tests: %w", err)
		}
		address = s.private.URL()
	}
	cfg, err := pgxpool.ParseConfig(address)
	if err != nil {
		return nil, fmt.Errorf("read TEST_DATABASE_URL: %w", err)
	}
	cfg.MaxConns = 4
	if s.admin, err = pgxpool.NewWithConfig(ctx, cfg); err != nil {
		return nil, fmt.Errorf("no PostgreSQL for the tests: %w", err)
	}
	if err := s.admin.Ping(ctx); err != nil {
		return nil, fmt.Errorf("no PostgreSQL for the tests at TEST_DATABASE_URL: %w", err)
	}
	if s.private == nil {
		return s, nil
	}
	// Without fsync, copying the files takes 5 to 15 ms where writing the copy to
	// the log takes 10 to 20. Older servers know only the first.
	var version int
	if err := s.admin.QueryRow(ctx, "SELECT current_setting('server_version_num')::int").Scan(&version); err != nil {
		return nil, fmt.Errorf("ask PostgreSQL for its version: %w", err)
	}
	if version >= 150000 {
		s.strategy = " STRATEGY FILE_COPY"
	}
	if s.private.Started() {
		// Nobody else is at work: what is there was left by killed tests.
		return s, s.sweep(ctx)
	}
	return s, nil
})

// asked tells Main whether shared was called.
var (
	asked   bool
	askedMu sync.Mutex
)

// New returns a fresh, migrated database, closed and dropped when the test ends.
// It fails the test when there is no server: a skipped database test is a lie.
func New(tb testing.TB) *db.DB {
	tb.Helper()
	return Open(tb, URL(tb))
}

// Open returns a handle on the database at url, closed when the test ends.
func Open(tb testing.TB, url string) *db.DB {
	tb.Helper()
	d, err := db.Open(tb.Context(), url, db.Options{MaxConns: 8})
	if err != nil {
		tb.Fatal(err)
	}
	closing := d
	tb.Cleanup(func() {
		if err := closing.Close(); err != nil {
			tb.Errorf("close the database: %v", err)
		}
		closing = nil // package testing keeps this function until the last test has ended
	})
	return d
}

// URL returns the address of a fresh, migrated database, dropped when the test
// ends, for tests that open it themselves or in another process.
func URL(tb testing.TB) string {
	tb.Helper()
	return create(tb, func(ctx context.Context, s *server, name string) error {
		return s.copyTemplate(ctx, name)
	})
}

// EmptyURL returns the address of a fresh database without any schema, dropped
// when the test ends.
func EmptyURL(tb testing.TB) string {
	tb.Helper()
	return create(tb, func(ctx context.Context, s *server, name string) error {
		_, err := s.admin.Exec(ctx, "CREATE DATABASE "+name+" TEMPLATE template0")
		return err
	})
}

func create(tb testing.TB, make func(ctx context.Context, s *server, name string) error) string {
	tb.Helper()
	askedMu.Lock()
	asked = true
	askedMu.Unlock()
	s, err := shared()
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	name := testPrefix + strings.ToLower(rand.Text()[:16])
	if err := make(ctx, s, name); err != nil {
		tb.Fatalf("make a database for the test: %v", err)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), timeout)
		defer cancel()
		if _, err := s.admin.Exec(ctx, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			tb.Errorf("drop the test's database: %v", err)
		}
	})
	return s.url(name)
}

// Main runs the tests of a package that uses databases and gives the server
// back. A TestMain calls os.Exit with what it returns.
func Main(m *testing.M) int {
	code := m.Run()
	askedMu.Lock()
	defer askedMu.Unlock()
	if !asked {
		return code
	}
	s, err := shared()
	if err != nil {
		return code // the tests have said so
	}
	s.admin.Close()
	if s.private != nil {
		if err := s.private.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return max(code, 1)
		}
	}
	return code
}

// Names of databases. Nothing else is ever dropped.
const (
	testPrefix     = "flowbot_test_"
	templatePrefix = "flowbot_template_"
)

// templateLock is the advisory lock under which a template is made, an
// arbitrary number that nobody else uses.
const templateLock = 7025148830142

// copyTemplate creates a database from the template, and the template before
// that if it is missing or another version of the migrations has replaced it.
func (s *server) copyTemplate(ctx context.Context, name string) error {
	id, err := db.SchemaID()
	if err != nil {
		return err
	}
	template := templatePrefix + id
	const unknown = "3D000" // database does not exist
	for {
		_, err := s.admin.Exec(ctx, "CREATE DATABASE "+name+" TEMPLATE "+template+s.strategy)
		var pg *pgconn.PgError
		if !errors.As(err, &pg) || pg.Code != unknown {
			return err
		}
		if err := s.makeTemplate(ctx, template); err != nil {
			return err
		}
	}
}

func (s *server) makeTemplate(ctx context.Context, template string) error {
	conn, err := s.admin.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock($1)", int64(templateLock)); err != nil {
		return fmt.Errorf("wait for the template: %w", err)
	}
	defer func() {
		_, _ = conn.Exec(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", int64(templateLock))
	}()
	var there bool
	err = conn.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)", template).Scan(&there)
	if err != nil || there {
		return err
	}
	// Older templates go; whoever still wants one makes it again. On this connection:
	// those who wait for the template may hold all others of the pool.
	if err := drop(ctx, conn, templatePrefix); err != nil {
		return err
	}
	// Made under another name, so that a kill leaves nothing that looks ready.
	unfinished := template + "_new"
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+unfinished+" TEMPLATE template0"); err != nil {
		return fmt.Errorf("make the template: %w", err)
	}
	if _, err := db.Migrate(ctx, s.url(unfinished), db.Up); err != nil {
		return fmt.Errorf("make the template: %w", err)
	}
	if _, err := conn.Exec(ctx, "ALTER DATABASE "+unfinished+" RENAME TO "+template); err != nil {
		return fmt.Errorf("make the template: %w", err)
	}
	return nil
}

// sweep drops the databases of tests that were killed.
func (s *server) sweep(ctx context.Context) error { return drop(ctx, s.admin, testPrefix) }

// asker is a connection or a pool of them.
type asker interface {
	Query(ctx context.Context, query string, args ...any) (pgx.Rows, error)
	Exec(ctx context.Context, query string, args ...any) (pgconn.CommandTag, error)
}

// drop drops all databases whose names begin with prefix.
func drop(ctx context.Context, on asker, prefix string) error {
	rows, err := on.Query(ctx, "SELECT datname FROM pg_database WHERE starts_with(datname, $1)", prefix)
	if err != nil {
		return fmt.Errorf("list old databases: %w", err)
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("list old databases: %w", err)
	}
	for _, name := range names {
		if _, err := on.Exec(ctx, "DROP DATABASE IF EXISTS "+pgx.Identifier{name}.Sanitize()+" WITH (FORCE)"); err != nil {
			return fmt.Errorf("drop %s: %w", name, err)
		}
	}
	return nil
}

// url is the address of another database of the same server.
func (s *server) url(name string) string {
	if s.private != nil {
		return s.private.URLOf(name)
	}
	u, err := url.Parse(os.Getenv("TEST_DATABASE_URL"))
	if err != nil {
		return ""
	}
	u.Path = "/" + name
	return u.String()
}

// repository finds the directory of go.mod above the package under test.
func repository() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("no go.mod above the test; set TEST_DATABASE_URL")
		}
		dir = up
	}
}
