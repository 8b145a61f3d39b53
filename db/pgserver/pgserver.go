// Package pgserver runs a private PostgreSQL for as long as somebody uses it.
//
// The first process that opens a directory starts the server; others adopt it;
// the last one that closes it stops it. A process that dies without closing
// leaves the server running for the next one. Who uses it is known by shared
// locks on one file, which the kernel lets go with the process, so nothing has
// to be cleaned up after a kill.
//
//	DIR/use.lock     held shared by every user
//	DIR/start.lock   held exclusively while the server is started or stopped
//	DIR/server.lock  held by the server's own processes
//	DIR/data         the cluster, or a link to it (see place)
//	DIR/log          what the server says
package pgserver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"golang.org/x/sys/unix"
)

// User is the superuser of the cluster and the only one.
const User = "flowbot"

// Options tune a server. The zero value serves a program's own data.
type Options struct {
	// Database is created if it is missing; "" is User's.
	Database string
	// Fast gives up safety against a power cut. Only for tests.
	Fast bool
	// MaxConns is the server's max_connections; 0 is 100. It counts when the
	// server is started and not when it is adopted.
	MaxConns int
}

// Server is one user's hold on a private PostgreSQL.
type Server struct {
	c       cluster
	use     *os.File // the shared lock
	sock    string   // directory of the socket
	db      string
	started bool
}

// startTimeout bounds starting and recovery after a crash, stopTimeout bounds a
// fast shutdown, which writes what is in memory to the disk.
const (
	startTimeout = 2 * time.Minute
	stopTimeout  = time.Minute
)

// Open starts the PostgreSQL in dir, or adopts it if it runs already. The first
// start creates the cluster, about a second. Close gives it back.
func Open(ctx context.Context, dir string, o Options) (*Server, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("place of the private PostgreSQL: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // the server's user has to pass; the cluster itself is 0700
		return nil, fmt.Errorf("place of the private PostgreSQL: %w", err)
	}
	s := &Server{db: o.Database}
	if s.db == "" {
		s.db = User
	}
	start, err := lock(ctx, dir, "start.lock", unix.LOCK_EX)
	if err != nil {
		return nil, err
	}
	defer start.Close()
	if s.use, err = lock(ctx, dir, "use.lock", unix.LOCK_SH); err != nil {
		return nil, err
	}
	if err := s.open(ctx, dir, o); err != nil {
		_ = s.use.Close()
		return nil, err
	}
	return s, nil
}

func (s *Server) open(ctx context.Context, dir string, o Options) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	var err error
	if s.c, err = prepare(ctx, dir, o); err != nil {
		return err
	}
	if s.sock, err = s.c.running(ctx); err != nil {
		return err
	}
	if s.sock != "" {
		conn, err := s.adopt(ctx)
		if err != nil {
			return err
		}
		if conn != nil {
			return s.createDatabase(ctx, conn)
		}
	}
	s.started = true
	if s.sock, err = s.c.start(ctx, o); err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, s.URLOf("postgres"))
	if err != nil {
		return fmt.Errorf("connect to the private PostgreSQL: %w", err)
	}
	return s.createDatabase(ctx, conn)
}

// adopt connects to a running server. One that dies or stops meanwhile is
// waited out; no connection and no error means that it is gone.
func (s *Server) adopt(ctx context.Context) (*pgx.Conn, error) {
	const (
		shutdown  = "57P01" // it stops, or somebody ended our connection
		crash     = "57P02"
		cannotNow = "57P03" // it starts, stops or recovers
	)
	for {
		conn, err := pgx.Connect(ctx, s.URLOf("postgres"))
		if err == nil {
			return conn, nil
		}
		var pg *pgconn.PgError
		if errors.As(err, &pg) && pg.Code != shutdown && pg.Code != crash && pg.Code != cannotNow {
			return nil, fmt.Errorf("connect to the private PostgreSQL: %w", err)
		}
		if waited := pause(ctx); waited != nil {
			return nil, fmt.Errorf("connect to the private PostgreSQL: %w", err)
		}
		if s.sock, err = s.c.running(ctx); err != nil || s.sock == "" {
			return nil, err
		}
	}
}

// URL is the address of the database.
func (s *Server) URL() string { return s.URLOf(s.db) }

// URLOf is the address of another database of the server.
func (s *Server) URLOf(database string) string {
	u := url.URL{Scheme: "postgres", User: url.User(User), Path: "/" + database}
	u.RawQuery = url.Values{"host": {s.sock}, "port": {port}, "sslmode": {"disable"}}.Encode()
	return u.String()
}

// Started reports whether this Open started the server, which nobody else used
// then.
func (s *Server) Started() bool { return s.started }

// Close gives the server back, and stops it if nobody else uses it.
func (s *Server) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	start, err := lock(ctx, s.c.dir, "start.lock", unix.LOCK_EX)
	if err != nil {
		return errors.Join(err, s.use.Close())
	}
	defer start.Close()
	defer s.use.Close()
	// Turning the shared lock into an exclusive one succeeds for the last alone.
	if err := unix.Flock(int(s.use.Fd()), unix.LOCK_EX|unix.LOCK_NB); errors.Is(err, unix.EWOULDBLOCK) {
		return nil
	} else if err != nil {
		return fmt.Errorf("count the users of the private PostgreSQL: %w", err)
	}
	return s.c.stop(ctx)
}

func (s *Server) createDatabase(ctx context.Context, conn *pgx.Conn) error {
	defer func() { _ = conn.Close(ctx) }()
	var there bool
	if err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)", s.db).Scan(&there); err != nil {
		return fmt.Errorf("look for database %s: %w", s.db, err)
	}
	if there {
		return nil
	}
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{s.db}.Sanitize()); err != nil {
		return fmt.Errorf("create database %s: %w", s.db, err)
	}
	return nil
}

// lock opens the file and waits for the lock. Closing the file lets it go.
func lock(ctx context.Context, dir, name string, how int) (*os.File, error) {
	f, err := openFile(dir, name, os.O_RDWR)
	if err != nil {
		return nil, fmt.Errorf("lock of the private PostgreSQL: %w", err)
	}
	for {
		err := unix.Flock(int(f.Fd()), how|unix.LOCK_NB)
		if err == nil {
			return f, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			_ = f.Close()
			return nil, fmt.Errorf("lock %s: %w", name, err)
		}
		if err := pause(ctx); err != nil {
			_ = f.Close()
			return nil, fmt.Errorf("wait for %s: %w", name, err)
		}
	}
}

// pause waits a moment between two looks at something that tells nobody when it
// changes.
func pause(ctx context.Context) error {
	t := time.NewTimer(20 * time.Millisecond)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// tail returns the end of a file, for an error message.
func tail(name string) string {
	f, err := os.Open(name)
	if err != nil {
		return ""
	}
	defer f.Close()
	const most = 1500
	if info, err := f.Stat(); err == nil && info.Size() > most {
		if _, err := f.Seek(-most, io.SeekEnd); err != nil {
			return ""
		}
	}
	b, err := io.ReadAll(f)
	if err != nil {
		return ""
	}
	return string(b)
}
