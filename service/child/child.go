// Package child is what processes have in common that read what people sent:
// how this program starts itself as one, and how such a process takes rights
// away from itself.
package child

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Self is this program, called as a child, with the arguments that say as which.
func Self(as ...string) ([]string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	return append([]string{self, "child"}, as...), nil
}

// Bind makes a command, before it starts, the head of a process group that dies
// as a whole when the command is cancelled or this program dies, however it dies.
func Bind(cmd *exec.Cmd) {
	// The signal comes when the thread that started the child ends. Go keeps its
	// threads, but for those that a goroutine has locked and not let go of.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 2 * time.Second
}

// Limits are what a child may use, and the programs that it starts, each for
// itself.
type Limits struct {
	Memory  int64 // bytes, beyond what the child has when it is limited
	CPU     int64 // seconds; 0: no limit, for a process that lives long
	Written int64 // bytes, the longest file
	Files   int64 // open at once
}

// Limit takes away from this process what the limits do not leave it. Programs that
// are started later inherit them.
func Limit(l Limits) error {
	space, data, err := memoryNow()
	if err != nil {
		return err
	}
	// Go and the C library reserve addresses that they never use, so the limit of
	// data, which counts what can be written to, is the sharp one; the limit of
	// addresses stands behind it.
	const reserve = 1 << 30
	values := map[int]int64{
		unix.RLIMIT_DATA:   data + l.Memory,
		unix.RLIMIT_AS:     space + l.Memory + reserve,
		unix.RLIMIT_FSIZE:  l.Written,
		unix.RLIMIT_NOFILE: l.Files,
		unix.RLIMIT_CORE:   0,
	}
	if l.CPU != 0 {
		values[unix.RLIMIT_CPU] = l.CPU
	}
	for resource, value := range values {
		v := uint64(value) //nolint:gosec // limits are positive
		if err := unix.Prlimit(0, resource, &unix.Rlimit{Cur: v, Max: v}, nil); err != nil {
			return fmt.Errorf("limit %d: %w", resource, err)
		}
	}
	debug.SetMaxStack(64 << 20) // a page tree that contains itself ends sooner
	return nil
}

// memoryNow returns the bytes of addresses and of writable data in use.
func memoryNow() (space, data int64, err error) {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, 0, err
	}
	fields := strings.Fields(string(b))
	if len(fields) < 6 {
		return 0, 0, errors.New("statm is too short")
	}
	page := int64(os.Getpagesize())
	for i, to := range map[int]*int64{0: &space, 5: &data} {
		n, err := strconv.ParseInt(fields[i], 10, 64)
		if err != nil {
			return 0, 0, fmt.Errorf("statm: %w", err)
		}
		*to = n * page
	}
	return space, data, nil
}

// Bounded keeps the first bytes that are written to it and drops the rest.
type Bounded struct {
	bytes.Buffer
	Limit int
}

// Write never fails.
func (b *Bounded) Write(p []byte) (int, error) {
	if room := b.Limit - b.Len(); room > 0 {
		b.Buffer.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}
