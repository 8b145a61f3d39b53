package child

import (
	"fmt"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// auditArch names the numbering of the kernel's calls. Source: linux/audit.h.
var auditArch = map[string]uint32{"amd64": unix.AUDIT_ARCH_X86_64, "arm64": unix.AUDIT_ARCH_AARCH64}

// Where the kernel shows a filter what is called, and with what first argument.
// Source: struct seccomp_data of linux/seccomp.h, on machines of least byte first.
const (
	seccompNumber = 0
	seccompArch   = 4
	seccompFirst  = 16
)

// What a filter says of a call.
const (
	allow  = unix.SECCOMP_RET_ALLOW
	refuse = unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)
	absent = unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)
)

// load takes a word of what the kernel shows.
func load(at uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: at}
}

// skipUnless goes on if the word passes a test, and skips so many steps if not.
func skipUnless(test uint16, k uint32, steps uint8) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_JMP | test | unix.BPF_K, K: k, Jf: steps}
}

// end is the last step of a call.
func end(how uint32) unix.SockFilter {
	return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: how}
}

// startFilter ends whoever calls by the numbers of another machine, where they mean other
// calls, and loads the number of the call.
func startFilter(arch uint32) []unix.SockFilter {
	return []unix.SockFilter{
		load(seccompArch),
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: arch, Jt: 1},
		end(unix.SECCOMP_RET_KILL_PROCESS),
		load(seccompNumber),
	}
}

// install has the kernel run a filter before each call of all threads of this
// process and of the programs that they start, none of which gains rights by its
// file's mode. There is no way back.
func install(filter []unix.SockFilter) error {
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]} //nolint:gosec // two hundred steps
	// The right to install a filter is the thread's, and given to the others with it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("give up privileges: %w", err)
	}
	thread, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&program))) //nolint:gosec // the kernel takes it by its address
	switch {
	case errno != 0:
		return errno
	case thread != 0:
		return fmt.Errorf("thread %d has a filter of its own", thread)
	}
	return nil
}

// machine is the numbering of this machine's calls.
func machine() (uint32, error) {
	arch, known := auditArch[runtime.GOARCH]
	if !known {
		return 0, fmt.Errorf("no calls are known of %s", runtime.GOARCH)
	}
	return arch, nil
}
