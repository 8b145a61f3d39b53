package pgserver_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"flowbot/db/pgserver"

	"github.com/jackc/pgx/v5"
)

// holdVar makes this test's binary hold a server: it is the directory.
const holdVar = "PGSERVER_TEST_HOLD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(holdVar); dir != "" {
		if err := hold(dir); err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// hold opens the server, says its address and closes it when told to.
func hold(dir string) error {
	s, err := pgserver.Open(context.Background(), dir, pgserver.Options{Fast: true})
	if err != nil {
		return err
	}
	fmt.Println(s.URL())
	if _, err := io.ReadAll(os.Stdin); err != nil {
		return err
	}
	return s.Close()
}

// holder is another process that uses the server.
type holder struct {
	cmd *exec.Cmd
	in  io.Closer
	url string
}

func startHolder(t *testing.T, dir, binary string, as *syscall.Credential) holder {
	t.Helper()
	h := holder{cmd: exec.Command(binary)}
	h.cmd.Env = append(os.Environ(), holdVar+"="+dir)
	h.cmd.Dir = "/"
	h.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	in, err := h.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	h.in = in
	out, err := h.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := h.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.cmd.Process.Kill() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || strings.HasPrefix(line, "error") {
		t.Fatalf("holder: %q, %v", line, err)
	}
	h.url = strings.TrimSpace(line)
	return h
}

func (h holder) close(t *testing.T) {
	t.Helper()
	_ = h.in.Close()
	if err := h.cmd.Wait(); err != nil {
		t.Fatalf("holder ended: %v", err)
	}
}

func (h holder) kill(t *testing.T) {
	t.Helper()
	if err := h.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = h.cmd.Wait()
}

func open(t *testing.T, dir string) *pgserver.Server {
	t.Helper()
	s, err := pgserver.Open(t.Context(), dir, pgserver.Options{Fast: true})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func closeServer(t *testing.T, s *pgserver.Server) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func pidOf(t *testing.T, dir string) int {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "data", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(raw), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

func count(t *testing.T, url, query string) int {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	var n int
	if err := conn.QueryRow(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func answers(url string) bool {
	conn, err := pgx.Connect(context.Background(), url)
	if err != nil {
		return false
	}
	_ = conn.Close(context.Background())
	return true
}

// newDir is a directory that every user of the machine can reach, unlike
// t.TempDir.
func newDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "pgserver-") //nolint:usetesting // t.TempDir lies under a directory closed to others
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func TestTheLastOfTwoHoldersStopsTheServer(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	first := open(t, dir)
	second := startHolder(t, dir, os.Args[0], nil)
	if !first.Started() || second.url != first.URL() {
		t.Fatalf("started %v at %s, the second found %s", first.Started(), first.URL(), second.url)
	}
	closeServer(t, first)
	if !answers(second.url) {
		t.Fatal("the server stopped while the second holder used it")
	}
	second.close(t)
	if answers(second.url) {
		t.Fatal("the server runs on without holders")
	}
}

func TestAKilledHolderLeavesTheServerToTheNext(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	killed := startHolder(t, dir, os.Args[0], nil)
	pid := pidOf(t, dir)
	killed.kill(t)
	if !answers(killed.url) {
		t.Fatal("the server died with its holder")
	}
	next := open(t, dir)
	if next.Started() || pidOf(t, dir) != pid {
		t.Fatalf("the next one started a server of its own")
	}
	closeServer(t, next)
	if answers(killed.url) {
		t.Fatal("the killed holder still counts")
	}
}

func TestAKilledServerIsStartedAgainWithItsData(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	s := open(t, dir)
	defer closeServer(t, s)
	conn, err := pgx.Connect(t.Context(), s.URL())
	if err != nil {
		t.Fatal(err)
	}
	// Asynchronous commits of a fast server may be lost; a checkpoint is not.
	for _, q := range []string{"CREATE TABLE kept AS SELECT 7 AS n", "CHECKPOINT"} {
		if _, err := conn.Exec(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Kill(pidOf(t, dir), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	again := open(t, dir)
	defer closeServer(t, again)
	if !again.Started() {
		t.Fatal("a dead server was adopted")
	}
	if n := count(t, again.URL(), "SELECT n FROM kept"); n != 7 {
		t.Fatalf("kept %d, want 7", n)
	}
}

func TestAPIDFileOfAnotherProcessIsNoServer(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	s := open(t, dir)
	pidFile := filepath.Join(dir, "data", "postmaster.pid")
	raw, err := os.ReadFile(pidFile)
	if err != nil {
		t.Fatal(err)
	}
	closeServer(t, s)
	// A process of the server's own user that has nothing to do with it, as after
	// a restart of a container.
	other := exec.Command("sleep", "600")
	info, err := os.Stat(filepath.Join(dir, "data"))
	if err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		owner := info.Sys().(*syscall.Stat_t)
		other.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: owner.Uid, Gid: owner.Gid}}
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Process.Kill(); _ = other.Wait() }()
	_, rest, _ := strings.Cut(string(raw), "\n")
	stale := strconv.Itoa(other.Process.Pid) + "\n" + rest
	if err := os.WriteFile(pidFile, []byte(stale), 0o600); err != nil {
		t.Fatal(err)
	}
	again := open(t, dir)
	if !again.Started() {
		t.Fatal("another process was taken for the server")
	}
	closeServer(t, again)
	if err := other.Process.Signal(syscall.Signal(0)); err != nil {
		t.Fatalf("the other process was touched: %v", err)
	}
}

// TestAServerOfAnotherContainerIsLeftAlone has a server whose process cannot be
// seen: a second one on the same files would destroy them.
func TestAServerOfAnotherContainerIsLeftAlone(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	s := open(t, dir)
	pidFile := filepath.Join(dir, "data", "postmaster.pid")
	raw, err := os.ReadFile(pidFile)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(raw), "\n")
	const nobody = "4194305" // above the highest number that Linux gives
	if err := os.WriteFile(pidFile, []byte(nobody+"\n"+rest), 0o600); err != nil {
		t.Fatal(err)
	}
	// On a busy machine the shorter ones end before it has looked.
	for patience := time.Second; ; patience *= 2 {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		_, err := pgserver.Open(ctx, dir, pgserver.Options{})
		cancel()
		if err != nil && strings.Contains(err.Error(), "another container") {
			break
		}
		if err == nil || patience > time.Minute {
			t.Errorf("got %v", err)
			break
		}
	}
	if !answers(s.URL()) {
		t.Error("the server was disturbed")
	}
	if err := os.WriteFile(pidFile, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	closeServer(t, s)
}

func TestALostSocketIsMadeAnew(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	killed := startHolder(t, dir, os.Args[0], nil)
	killed.kill(t)
	if err := os.Remove(filepath.Join(dir, "data", "socket", ".s.PGSQL.5432")); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir)
	if !answers(s.URL()) {
		t.Fatal("nobody can connect")
	}
	closeServer(t, s)
}

func TestALongPathHasAShortSocket(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(newDir(t), strings.Repeat("long/", 30))
	s := open(t, dir)
	if !answers(s.URL()) {
		t.Fatal("nobody can connect")
	}
	closeServer(t, s)
}

// TestAClosedParentDirectory has the server's user unable to pass a directory
// above, as in /root. A caller who is not root is the server's user, for whom
// no directory of its own is closed.
func TestAClosedParentDirectory(t *testing.T) {
	t.Parallel()
	parent := newDir(t)
	if err := os.Chmod(parent, 0o700); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(parent, "data")
	s := open(t, dir)
	where, err := filepath.EvalSymlinks(filepath.Join(dir, "data"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(where) })
	closeServer(t, s)
	again := open(t, dir)
	if !again.Started() || !answers(again.URL()) {
		t.Fatal("the cluster was not found again")
	}
	closeServer(t, again)
	if os.Geteuid() == 0 && strings.HasPrefix(where, parent) {
		t.Fatalf("the cluster lies in %s, closed to its user", where)
	}
	info, err := os.Stat(parent)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Fatalf("the parent was opened: %v, %v", info.Mode(), err)
	}
}

// TestAnotherUser starts a server by a user who is not root. Run by such a
// user, the other tests do it too.
func TestAnotherUser(t *testing.T) {
	t.Parallel()
	dir := newDir(t)
	binary := filepath.Join(dir, "holder")
	raw, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(binary, raw, 0o755); err != nil {
		t.Fatal(err)
	}
	var as *syscall.Credential
	home := filepath.Join(dir, "home")
	if err := os.Mkdir(home, 0o700); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 {
		u, err := user.Lookup("nobody")
		if err != nil {
			t.Fatal(err)
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		as = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		if err := os.Chown(home, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	h := startHolder(t, filepath.Join(home, "pg"), binary, as)
	// Root, or the user itself, adopts it.
	pg := filepath.Join(home, "pg")
	s := open(t, pg)
	if s.Started() || s.URL() != h.url {
		t.Fatalf("started %v at %s, want %s", s.Started(), s.URL(), h.url)
	}
	closeServer(t, s)
	h.close(t)
	if answers(h.url) {
		t.Fatal("the server runs on without holders")
	}
	// What root starts there, the user can go on with.
	s = open(t, pg)
	h = startHolder(t, pg, binary, as)
	closeServer(t, s)
	h.close(t)
	h = startHolder(t, pg, binary, as)
	h.close(t)
}

func TestTheCallersEnvironmentIsKeptFromTheServer(t *testing.T) {
	t.Setenv("TELEGRAM_TOKEN", "1:secret")
	dir := newDir(t)
	s := open(t, dir)
	defer closeServer(t, s)
	raw, err := os.ReadFile("/proc/" + strconv.Itoa(pidOf(t, dir)) + "/environ")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(raw), "secret") {
		t.Fatal("the server knows the bot's token")
	}
}
