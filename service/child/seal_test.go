package child_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"flowbot/service/child"
)

// sealedVariable has this program seal itself and tell what it can still do.
const sealedVariable = "FLOWBOT_TEST_SEALED"

func TestMain(m *testing.M) {
	if os.Getenv(sealedVariable) != "" {
		os.Exit(sealed())
	}
	os.Exit(m.Run())
}

// deeds are what a sealed process must not be able to do; nil is done.
var deeds = map[string]func() error{
	"read a file": func() error { _, err := unix.Open("/proc/self/environ", unix.O_RDONLY, 0); return err },
	"write a file": func() error {
		_, err := unix.Open(os.Getenv(sealedVariable), unix.O_WRONLY|unix.O_CREAT, 0o600)
		return err
	},
	"make a directory":    func() error { return unix.Mkdir(os.Getenv(sealedVariable), 0o700) },
	"remove a file":       func() error { return unix.Unlink(os.Getenv(sealedVariable)) },
	"open a socket":       func() error { _, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0); return err },
	"open a local socket": func() error { _, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0); return err },
	"run a program":       func() error { return syscall.Exec("/bin/true", []string{"true"}, nil) },
	"start a process": func() error {
		_, _, errno := unix.RawSyscall(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0)
		return known(errno)
	},
	"signal its parent":    func() error { return unix.Kill(os.Getppid(), 0) },
	"signal other threads": func() error { return unix.Tgkill(os.Getppid(), os.Getppid(), 0) },
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

// sealed seals this process, with a thread that is older than that, and tells on
// standard output how each deed ended, on both threads.
func sealed() int {
	before, after := make(chan func()), make(chan struct{})
	go func() {
		runtime.LockOSThread()
		for do := range before {
			do()
			after <- struct{}{}
		}
	}()
	if err := child.Seal(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	out := map[string]string{}
	for name, deed := range deeds {
		out[name] = fmt.Sprint(deed())
		before <- func() { out[name+" on an older thread"] = fmt.Sprint(deed()) }
		<-after
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

func TestASealedProcessCanOnlyComputeAndAnswer(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), sealedVariable+"="+t.TempDir()+"/deed")
	var failure bytes.Buffer
	cmd.Stderr = &failure
	answer, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, failure.String())
	}
	got, want := map[string]string{}, map[string]string{}
	if err := json.Unmarshal(answer, &got); err != nil {
		t.Fatal(err)
	}
	for name := range deeds {
		want[name], want[name+" on an older thread"] = unix.EPERM.Error(), unix.EPERM.Error()
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
