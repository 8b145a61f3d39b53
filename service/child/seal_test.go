package child_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"flowbot/service/child"
)

// asVariable has this program bound itself, as the word says, and tell what it can
// still do.
const asVariable = "FLOWBOT_TEST_AS"

// outsideVariable names a directory that is none of such a process's own.
const outsideVariable = "FLOWBOT_TEST_OUTSIDE"

func TestMain(m *testing.M) {
	switch os.Getenv(asVariable) {
	case "sealed":
		os.Exit(bound(child.Seal))
	case "fenced":
		os.Exit(bound(func() error { return child.Fence(false) }))
	case "fenced with programs":
		os.Exit(bound(func() error { return child.Fence(true) }))
	}
	os.Exit(m.Run())
}

// outside is a path where a bounded process has no business.
func outside(name string) string { return filepath.Join(os.Getenv(outsideVariable), name) }

// deeds are what a sealed process must not be able to do; nil is done.
var deeds = map[string]func() error{
	"read a file":      func() error { return opened(outside("secret"), unix.O_RDONLY) },
	"write a file":     func() error { return opened(outside("new"), unix.O_WRONLY|unix.O_CREAT) },
	"change a file":    func() error { return opened(outside("secret"), unix.O_WRONLY) },
	"empty a file":     func() error { return unix.Truncate(outside("secret"), 0) },
	"make a directory": func() error { return unix.Mkdir(outside("deed"), 0o700) },
	"remove a file":    func() error { return unix.Unlink(outside("secret")) },
	"read its parent's environment": func() error {
		_, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", os.Getppid()))
		return err
	},
	"read a file of its own":  func() error { return opened("given", unix.O_RDONLY) },
	"write a file of its own": func() error { return opened("own", unix.O_WRONLY|unix.O_CREAT) },
	"read a system's file":    func() error { return opened("/usr/bin/env", unix.O_RDONLY) },
	"open a socket":           func() error { _, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0); return err },
	"open a local socket":     func() error { _, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0); return err },
	"run a program":           func() error { return exec.Command("/bin/true").Run() },
	"start a process": func() error {
		pid, _, errno := unix.RawSyscall(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0)
		if errno == 0 && pid == 0 {
			unix.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0)
		}
		return known(errno)
	},
	"start a process in a world of its own": func() error {
		pid, _, errno := unix.RawSyscall(unix.SYS_CLONE, uintptr(unix.SIGCHLD)|unix.CLONE_NEWUSER, 0, 0)
		if errno == 0 && pid == 0 {
			unix.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0)
		}
		return known(errno)
	},
	"leave for another world": func() error { return unix.Unshare(unix.CLONE_NEWUSER) },
	"signal its parent":       func() error { return unix.Kill(os.Getppid(), 0) },
	"signal other threads":    func() error { return unix.Tgkill(os.Getppid(), os.Getppid(), 0) },
	"trace its parent": func() error {
		_, _, errno := unix.Syscall(unix.SYS_PTRACE, unix.PTRACE_ATTACH, uintptr(os.Getppid()), 0)
		return known(errno)
	},
	"limit its parent": func() error { return unix.Prlimit(os.Getppid(), unix.RLIMIT_CPU, nil, &unix.Rlimit{}) },
	"read its parent": func() error {
		_, err := unix.ProcessVMReadv(os.Getppid(), []unix.Iovec{}, []unix.RemoteIovec{}, 0)
		return err
	},
}

func known(errno syscall.Errno) error {
	if errno == 0 {
		return nil
	}
	return errno
}

// opened opens a file and closes it.
func opened(path string, flags int) error {
	fd, err := unix.Open(path, flags, 0o600)
	if err != nil {
		return err
	}
	return unix.Close(fd)
}

// answer is what a bounded process tells.
type answer struct {
	Deeds   map[string]string
	Threads []map[string]string
}

// openThreads opens what the kernel says of each thread of this process.
func openThreads() ([]*os.File, error) {
	paths, err := filepath.Glob("/proc/self/task/*/status")
	if err != nil {
		return nil, err
	}
	var out []*os.File
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, nil
}

// rightsIn picks the lines about bounds.
func rightsIn(status string) map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(status) {
		if name, value, _ := strings.Cut(line, ":"); name == "NoNewPrivs" || name == "Seccomp" {
			out[name] = strings.TrimSpace(value)
		}
	}
	return out
}

// bound bounds this process, with a thread that is older than that, and tells on
// standard output how each deed ended, on both threads.
func bound(bind func() error) int {
	before, after := make(chan func()), make(chan struct{})
	go func() {
		runtime.LockOSThread()
		for do := range before {
			do()
			after <- struct{}{}
		}
	}()
	status, err := openThreads()
	if err == nil {
		err = bind()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	out := answer{Deeds: map[string]string{}}
	for _, name := range slices.Sorted(maps.Keys(deeds)) {
		deed := deeds[name]
		out.Deeds[name] = word(deed())
		before <- func() { out.Deeds[name+" on an older thread"] = word(deed()) }
		<-after
	}
	for _, f := range status {
		b := make([]byte, 4096)
		n, err := f.ReadAt(b, 0)
		if err != nil && !errors.Is(err, io.EOF) {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		out.Threads = append(out.Threads, rightsIn(string(b[:n])))
	}
	// It goes on computing: memory, threads, collection.
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			runtime.LockOSThread()
			_ = bytes.Repeat([]byte{1}, 1<<20)
			runtime.GC()
		})
	}
	all.Wait()
	if err := json.NewEncoder(os.Stdout).Encode(out); err != nil {
		return 1
	}
	return 0
}

// word is how a deed ended: done, refused by whom, or otherwise in vain.
func word(err error) string {
	switch {
	case err == nil:
		return done
	case errors.Is(err, unix.EPERM):
		return refused
	case errors.Is(err, unix.EACCES), errors.Is(err, unix.EXDEV):
		return closed
	}
	return err.Error()
}

const (
	done    = "done"
	refused = "refused" // the call
	closed  = "closed"  // the file
)

// answerOf has this program bound itself in a room, and returns what it tells. The
// room's own directory has a file "given"; outside there is a file "secret".
func answerOf(t *testing.T, as string) answer {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	own, other := t.TempDir(), t.TempDir()
	for _, path := range []string{filepath.Join(own, "given"), filepath.Join(other, "secret")} {
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Dir = own
	cmd.Env = append(os.Environ(), asVariable+"="+as, outsideVariable+"="+other)
	var out, failure bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &failure
	child.Bind(cmd)
	leave, err := child.Room{Own: own}.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	defer leave()
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v: %s", err, failure.String())
	}
	var got answer
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	return got
}

// onBoth is what is wanted on both threads: of every deed the same, but for some.
func onBoth(usual string, but map[string]string) map[string]string {
	want := map[string]string{}
	for name := range deeds {
		how := usual
		if other, isOther := but[name]; isOther {
			how = other
		}
		want[name], want[name+" on an older thread"] = how, how
	}
	return want
}

func TestASealedProcessCanOnlyComputeAndAnswer(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff(onBoth(refused, nil), answerOf(t, "sealed").Deeds); diff != "" {
		t.Error(diff)
	}
}

// TestAFencedProcessReachesItsOwnFilesAlone has processes that open files, and start
// programs if they may.
func TestAFencedProcessReachesItsOwnFilesAlone(t *testing.T) {
	t.Parallel()
	but := map[string]string{
		"read a file of its own": done, "write a file of its own": done, "read a system's file": done, "start a process": done,
		"read a file": closed, "write a file": closed, "change a file": closed, "empty a file": closed, "make a directory": closed,
		"remove a file": closed, "read its parent's environment": closed,
		"signal its parent": refused, "signal other threads": refused,
	}
	if !child.HasRooms() {
		for _, name := range []string{
			"read a file", "write a file", "change a file", "empty a file", "make a directory", "remove a file", "read its parent's environment",
			"signal its parent", "signal other threads",
		} {
			but[name] = done
		}
	}
	for as, isAllowed := range map[string]bool{"fenced": false, "fenced with programs": true} {
		but["run a program"] = refused
		if isAllowed {
			but["run a program"] = done
		}
		if diff := cmp.Diff(onBoth(refused, but), answerOf(t, as).Deeds); diff != "" {
			t.Errorf("%s:\n%s", as, diff)
		}
	}
}

// TestBoundsHoldOnEveryThread asks the kernel.
func TestBoundsHoldOnEveryThread(t *testing.T) {
	t.Parallel()
	for _, as := range []string{"sealed", "fenced"} {
		told := answerOf(t, as).Threads
		if len(told) < 2 {
			t.Errorf("%s: there are %d threads", as, len(told))
		}
		for _, thread := range told {
			if diff := cmp.Diff(map[string]string{"NoNewPrivs": "1", "Seccomp": "2"}, thread); diff != "" {
				t.Errorf("%s:\n%s", as, diff)
			}
		}
	}
}
