package pgserver

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// port only names the socket file; nothing listens on the network.
const port = "5432"

// maxSocket is the longest path of a Unix socket in bytes.
// Source: sun_path in linux/un.h, 108 with the final NUL.
const maxSocket = 107

// cluster is a cluster on the disk and what is needed to run it.
type cluster struct {
	dir  string              // ours
	data string              // the cluster, without links
	bin  string              // where initdb and postgres are
	as   *syscall.Credential // whom the server runs as; nil is the caller
	fast bool                // Options.Fast
}

// prepare finds the binaries and creates the cluster if there is none.
func prepare(ctx context.Context, dir string, o Options) (cluster, error) {
	c := cluster{dir: dir, fast: o.Fast}
	var err error
	if os.Geteuid() == 0 {
		if c.as, err = serverUser(dir); err != nil {
			return c, err
		}
	}
	link := filepath.Join(dir, "data")
	if c.data, err = filepath.EvalSymlinks(link); err == nil {
		if c.bin, err = binaries(c.data); err != nil {
			return c, err
		}
		return c, c.reachable(ctx)
	}
	if !errors.Is(err, os.ErrNotExist) {
		return c, fmt.Errorf("look at the private PostgreSQL: %w", err)
	}
	if target, err := os.Readlink(link); err == nil {
		return c, fmt.Errorf("the private PostgreSQL of %s lay in %s, which is gone; put it back, or remove the link %s to begin anew", dir, target, link)
	}
	if c.bin, err = binaries(""); err != nil {
		return c, err
	}
	return c, c.create(ctx, link)
}

// serverUser picks whom a server started by root runs as, for PostgreSQL
// refuses root: the owner of the cluster or of its directory, so that this
// owner can go on without root, else the system's postgres, else nobody.
func serverUser(dir string) (*syscall.Credential, error) {
	for _, name := range []string{filepath.Join(dir, "data"), dir} {
		if st, ok := owner(name); ok && st.Uid != 0 {
			return &syscall.Credential{Uid: st.Uid, Gid: st.Gid}, nil
		}
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			continue
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		if err != nil {
			continue
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("PostgreSQL does not run as root, and this machine has neither a user postgres nor nobody; start as another user or set DATABASE_URL")
}

func owner(name string) (*syscall.Stat_t, bool) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	return st, ok
}

// openFile opens a file of dir for writing. What root creates belongs to the
// owner of dir.
func openFile(dir, name string, flags int) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, name), flags|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if st, ok := owner(dir); ok && os.Geteuid() == 0 {
		if err := f.Chown(int(st.Uid), int(st.Gid)); err != nil {
			_ = f.Close()
			return nil, err
		}
	}
	return f, nil
}

// Program finds one of PostgreSQL's programs, such as pg_dump: that of the major
// version, or the newest for 0 and where the version is not installed.
func Program(name string, major int) (string, error) {
	bin, err := newest(name, major)
	if err != nil {
		return "", err
	}
	return filepath.Join(bin, name), nil
}

// newest finds the directory of a program of PostgreSQL, in Debian's layout and
// on the path.
func newest(name string, want int) (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if err != nil {
		return "", fmt.Errorf("look for PostgreSQL: %w", err)
	}
	if p, err := exec.LookPath(name); err == nil {
		if p, err = filepath.EvalSymlinks(p); err == nil && filepath.Base(p) == name {
			found = append(found, p)
		}
	}
	if len(found) == 0 {
		return "", fmt.Errorf("PostgreSQL's %s is not installed: run tools/install program, or apt-get install postgresql", name)
	}
	slices.SortStableFunc(found, func(a, b string) int { return majorOf(b) - majorOf(a) })
	for _, p := range found {
		if want != 0 && majorOf(p) == want {
			return filepath.Dir(p), nil
		}
	}
	return filepath.Dir(found[0]), nil
}

// majorOf reads the major version from a path in Debian's layout; 0 elsewhere.
func majorOf(program string) int {
	n, err := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(program))))
	if err != nil {
		return 0
	}
	return n
}

// binaries finds PostgreSQL's programs: those of the cluster's own major
// version, or the newest for a cluster that does not exist yet.
func binaries(data string) (string, error) {
	if data == "" {
		return newest("initdb", 0)
	}
	raw, err := os.ReadFile(filepath.Join(data, "PG_VERSION"))
	if errors.Is(err, os.ErrPermission) {
		return "", foreign(data)
	}
	if err != nil {
		return "", fmt.Errorf("%s is not a PostgreSQL cluster: %w", data, err)
	}
	version := strings.TrimSpace(string(raw))
	want, err := strconv.Atoi(version)
	if err != nil {
		return "", fmt.Errorf("%s is not a PostgreSQL cluster of a version that is known: %q", data, version)
	}
	bin, err := newest("initdb", want)
	if err != nil {
		return "", err
	}
	// A directory outside of Debian's layout does not tell its version; the
	// server itself refuses a wrong one.
	if found := majorOf(filepath.Join(bin, "initdb")); found != want && found != 0 {
		return "", fmt.Errorf("%s was made by PostgreSQL %d, which is not installed: apt-get install postgresql-%d", data, want, want)
	}
	return bin, nil
}

// foreign is the refusal to work with the cluster of another user.
func foreign(data string) error {
	return fmt.Errorf("the private PostgreSQL in %s belongs to another user: work as the one who began it, or set DATABASE_URL", data)
}

// create makes the cluster beside its place and moves it there, so that a kill
// leaves no half of one.
func (c *cluster) create(ctx context.Context, link string) error {
	const pattern = "data.new-*"
	if halves, err := filepath.Glob(filepath.Join(c.dir, pattern)); err == nil {
		for _, h := range halves {
			_ = os.RemoveAll(h) // of a kill in the midst of this
		}
	}
	var err error
	if c.data, err = os.MkdirTemp(c.dir, pattern); err != nil {
		return fmt.Errorf("create the private PostgreSQL: %w", err)
	}
	if err := c.own(c.data); err != nil {
		return err
	}
	elsewhere := c.reachable(ctx) != nil
	if elsewhere {
		_ = os.Remove(c.data)
		if err := c.place(ctx); err != nil {
			return err
		}
	}
	args := []string{"-D", c.data, "-U", User, "-E", "UTF8", "--locale=C.UTF-8", "--auth=trust", "--no-instructions"}
	if c.fast {
		args = append(args, "--no-sync")
	}
	if out, err := c.command(ctx, "initdb", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("create the private PostgreSQL in %s: %w: %s", c.data, err, bytes.TrimSpace(out))
	}
	// Whoever may enter the socket's directory is trusted, and that is the
	// server's user and root; see socketDir.
	hba := []byte("local all all trust\n")
	if err := os.WriteFile(filepath.Join(c.data, "pg_hba.conf"), hba, 0o600); err != nil {
		return fmt.Errorf("create the private PostgreSQL: %w", err)
	}
	if elsewhere {
		err = os.Symlink(c.data, link)
	} else {
		err = os.Rename(c.data, link)
	}
	if err != nil {
		return fmt.Errorf("create the private PostgreSQL: %w", err)
	}
	if c.data, err = filepath.EvalSymlinks(link); err != nil {
		return fmt.Errorf("create the private PostgreSQL: %w", err)
	}
	return nil
}

// state is where clusters lie that cannot lie under the caller's directory.
const state = "/var/lib/flowbot"

// place finds another place for a cluster whose user cannot pass one of the
// directories above, such as /root. Opening these to others is not ours to do,
// so the cluster goes to /var/lib/flowbot, and DIR/data is a link to it.
func (c *cluster) place(ctx context.Context) error {
	if err := os.MkdirAll(state, 0o755); err != nil { //nolint:gosec // the server's user has to pass
		return fmt.Errorf("place of the private PostgreSQL: %w", err)
	}
	made, err := os.MkdirTemp(state, "postgres-")
	if err != nil {
		return fmt.Errorf("place of the private PostgreSQL: %w", err)
	}
	c.data = made
	if err := c.own(made); err != nil {
		return err
	}
	return c.reachable(ctx)
}

// own gives a file of ours to the server's user.
func (c *cluster) own(name string) error {
	if c.as == nil {
		return nil
	}
	if err := os.Chown(name, int(c.as.Uid), int(c.as.Gid)); err != nil {
		return fmt.Errorf("give %s to PostgreSQL's user: %w", name, err)
	}
	return nil
}

// reachable asks whether the server's user can get to the cluster.
func (c *cluster) reachable(ctx context.Context) error {
	cmd := c.commandPath(ctx, "/bin/sh", "-c", `test -x "$1" && test -w "$1"`, "sh", c.data)
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("PostgreSQL's user cannot get to %s: it or a directory above is closed to that user (%w)", c.data, err)
	}
	return nil
}

// command runs one of PostgreSQL's programs as the server's user.
func (c *cluster) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	return c.commandPath(ctx, filepath.Join(c.bin, name), args...)
}

func (c *cluster) commandPath(ctx context.Context, path string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, path, args...) //nolint:gosec // programs of the system, our arguments
	cmd.Dir = "/"                                  // the caller's directory may be closed to that user
	// Nothing of the caller's environment: it holds the bot's token.
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "HOME=/"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c.as}
	return cmd
}

// running returns the socket directory of the cluster's server, or "" if none
// runs. It waits for one that is starting, stopping or dying.
func (c *cluster) running(ctx context.Context) (string, error) {
	for {
		p, err := c.readPID()
		if err != nil {
			return "", err
		}
		switch {
		case p.pid != 0 && c.isOurs(p.pid):
			if p.status != "ready" {
				break
			}
			if _, err := os.Stat(filepath.Join(p.sock, ".s.PGSQL."+port)); err == nil {
				return p.sock, nil
			}
			// Somebody has cleaned the socket away: nobody can connect any more.
			if err := c.stop(ctx); err != nil {
				return "", err
			}
			continue
		default:
			free, err := c.lockServer()
			if err != nil {
				return "", err
			}
			if free == nil {
				break // a server that was killed, whose processes have not noticed yet
			}
			_ = free.Close()
			// A kill left the file. The server itself recovers from that, unless
			// the number has been given to another process of the same user, as
			// happens in containers.
			if err := os.Remove(c.pidFile()); err != nil && !errors.Is(err, os.ErrNotExist) {
				return "", fmt.Errorf("remove the trace of a killed PostgreSQL: %w", err)
			}
			return "", nil
		}
		if err := pause(ctx); err != nil {
			return "", fmt.Errorf("the private PostgreSQL in %s is busy, or another container runs it: %w", c.data, err)
		}
	}
}

// lockServer takes the lock that every process of a running server holds, or
// returns nil if one does. Numbers of processes mean nothing in another
// container; this lock does.
func (c *cluster) lockServer() (*os.File, error) {
	f, err := openFile(c.dir, "server.lock", os.O_RDWR)
	if err != nil {
		return nil, fmt.Errorf("lock of the private PostgreSQL: %w", err)
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		return f, nil
	}
	_ = f.Close()
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, nil //nolint:nilnil // held is an answer
	}
	return nil, fmt.Errorf("lock of the private PostgreSQL: %w", err)
}

// pidFile of the server. Source: PostgreSQL, utils/pidfile.h.
func (c *cluster) pidFile() string { return filepath.Join(c.data, "postmaster.pid") }

type pidFile struct {
	pid    int
	sock   string
	status string // starting, ready, stopping, standby
}

func (c *cluster) readPID() (pidFile, error) {
	raw, err := os.ReadFile(c.pidFile())
	if errors.Is(err, os.ErrNotExist) {
		return pidFile{}, nil
	}
	if errors.Is(err, os.ErrPermission) {
		return pidFile{}, foreign(c.data)
	}
	if err != nil {
		return pidFile{}, fmt.Errorf("look for the private PostgreSQL: %w", err)
	}
	lines := strings.Split(string(raw), "\n")
	line := func(n int) string {
		if n > len(lines) {
			return ""
		}
		return strings.TrimSpace(lines[n-1])
	}
	pid, err := strconv.Atoi(line(1))
	if err != nil {
		return pidFile{}, nil //nolint:nilerr // written to just now, or cut off: no server can be told from it
	}
	return pidFile{pid: pid, sock: line(5), status: line(8)}, nil
}

// isOurs reports whether pid is the server of this cluster: a server's working
// directory is its cluster.
func (c *cluster) isOurs(pid int) bool {
	if err := unix.Kill(pid, 0); err != nil {
		return false
	}
	cwd, err := os.Readlink("/proc/" + strconv.Itoa(pid) + "/cwd")
	if errors.Is(err, os.ErrNotExist) {
		_, noProc := os.Stat("/proc/self/cwd")
		return noProc != nil // without /proc the number must do
	}
	return err == nil && cwd == c.data
}

// start starts the server in a session of its own, where no signal meant for
// the caller reaches it, and waits until it answers.
func (c *cluster) start(ctx context.Context, o Options) (string, error) {
	sock, err := c.socketDir()
	if err != nil {
		return "", err
	}
	logName := filepath.Join(c.dir, "log")
	log, err := openFile(c.dir, "log", os.O_WRONLY|os.O_TRUNC)
	if err != nil {
		return "", fmt.Errorf("start the private PostgreSQL: %w", err)
	}
	defer log.Close()

	alive, err := c.lockServer()
	if err != nil {
		return "", err
	}
	if alive == nil {
		return "", fmt.Errorf("the private PostgreSQL in %s is run by somebody else", c.data)
	}
	defer alive.Close()

	// Not bound to ctx: the server outlives the call.
	cmd := c.command(context.WithoutCancel(ctx), "postgres", append([]string{"-D", c.data}, settings(sock, o)...)...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.ExtraFiles = []*os.File{alive} // the server and all its processes inherit the lock
	cmd.SysProcAttr.Setsid = true
	if err := cmd.Start(); err != nil {
		return "", fmt.Errorf("start the private PostgreSQL: %w", err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // how it ended stands in its log
		close(ended)
	}()
	for {
		p, err := c.readPID()
		if err != nil {
			return "", err
		}
		if p.pid == cmd.Process.Pid && p.status == "ready" {
			return sock, nil
		}
		select {
		case <-ended:
			return "", fmt.Errorf("the private PostgreSQL does not start; the end of %s:\n%s", logName, tail(logName))
		default:
		}
		if err := pause(ctx); err != nil {
			_ = cmd.Process.Signal(syscall.SIGINT)
			return "", fmt.Errorf("the private PostgreSQL is not ready: %w; the end of %s:\n%s", err, logName, tail(logName))
		}
	}
}

// settings are those that differ from PostgreSQL's own.
func settings(sock string, o Options) []string {
	conns := o.MaxConns
	if conns == 0 {
		conns = 100
	}
	set := []string{
		"listen_addresses=", // the socket alone
		"unix_socket_directories=" + sock,
		"unix_socket_permissions=0700",
		"port=" + port,
		"max_connections=" + strconv.Itoa(conns),
		"timezone=UTC",
		"log_timezone=UTC",
		// Parallel queries need /dev/shm, which containers keep at 64 MB, and a
		// chat bot's queries are short.
		"max_parallel_workers_per_gather=0",
		"max_parallel_maintenance_workers=0",
		"dynamic_shared_memory_type=sysv",
		// Statements hold people's names, the log must not.
		"log_min_error_statement=panic",
		"log_statement=none",
		"log_min_messages=fatal",
	}
	if o.Fast {
		set = append(set, "fsync=off", "full_page_writes=off", "synchronous_commit=off",
			"max_wal_size=4GB", "checkpoint_timeout=1h", "autovacuum=off")
	}
	args := make([]string, 0, 2*len(set))
	for _, s := range set {
		args = append(args, "-c", s)
	}
	return args
}

// socketDir makes the directory of the socket, which nobody but the server's
// user and root can enter: in the cluster's own directory, or, where that would
// be too long a path, under a short one that follows from it.
func (c *cluster) socketDir() (string, error) {
	sock := filepath.Join(c.data, "socket")
	if len(sock)+len("/.s.PGSQL."+port) > maxSocket {
		sum := sha256.Sum256([]byte(c.data))
		sock = filepath.Join(os.TempDir(), "flowbot-"+hex.EncodeToString(sum[:8]))
	}
	err := os.Mkdir(sock, 0o700)
	if err != nil && !errors.Is(err, os.ErrExist) {
		return "", fmt.Errorf("socket of the private PostgreSQL: %w", err)
	}
	info, err := os.Lstat(sock)
	if err != nil {
		return "", fmt.Errorf("socket of the private PostgreSQL: %w", err)
	}
	want := uint32(os.Geteuid()) //nolint:gosec // a user's number is not negative
	if c.as != nil {
		want = c.as.Uid
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	mine := ok && (st.Uid == want || st.Uid == uint32(os.Geteuid())) //nolint:gosec // as above
	if !info.IsDir() || !mine || info.Mode().Perm() != 0o700 {
		return "", fmt.Errorf("socket of the private PostgreSQL: %s belongs to somebody else; remove it", sock)
	}
	return sock, c.own(sock)
}

// stop ends the server quickly and in order: open transactions are rolled back,
// everything committed is on the disk.
func (c *cluster) stop(ctx context.Context) error {
	p, err := c.readPID()
	if err != nil {
		return err
	}
	if p.pid == 0 || !c.isOurs(p.pid) {
		return nil
	}
	if err := unix.Kill(p.pid, unix.SIGINT); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("stop the private PostgreSQL: %w", err)
	}
	for c.isOurs(p.pid) {
		if err := pause(ctx); err != nil {
			return fmt.Errorf("the private PostgreSQL in %s does not stop: %w", c.data, err)
		}
	}
	return nil
}
