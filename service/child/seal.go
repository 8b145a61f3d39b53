package child

import (
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// auditArch names the numbering of the kernel's calls. Source: linux/audit.h.
var auditArch = map[string]uint32{"amd64": unix.AUDIT_ARCH_X86_64, "arm64": unix.AUDIT_ARCH_AARCH64}

// allowed are the calls that a sealed process may make with any arguments: those with
// which Go's runtime and the C library compute, keep memory and threads, tell the
// time, and use files that are open. Source: strace of a child that reads pages.
var allowed = []uint32{
	unix.SYS_READ, unix.SYS_PREAD64, unix.SYS_READV, unix.SYS_WRITE, unix.SYS_WRITEV, unix.SYS_CLOSE, unix.SYS_LSEEK, unix.SYS_FSTAT, unix.SYS_FCNTL,
	unix.SYS_MMAP, unix.SYS_MUNMAP, unix.SYS_MREMAP, unix.SYS_MADVISE, unix.SYS_MPROTECT, unix.SYS_BRK,
	unix.SYS_FUTEX, unix.SYS_SCHED_YIELD, unix.SYS_SCHED_GETAFFINITY, unix.SYS_SET_ROBUST_LIST, unix.SYS_RSEQ, unix.SYS_MEMBARRIER,
	unix.SYS_RT_SIGACTION, unix.SYS_RT_SIGPROCMASK, unix.SYS_RT_SIGRETURN, unix.SYS_SIGALTSTACK, unix.SYS_RESTART_SYSCALL,
	unix.SYS_CLOCK_GETTIME, unix.SYS_CLOCK_NANOSLEEP, unix.SYS_NANOSLEEP, unix.SYS_GETRANDOM, unix.SYS_GETRUSAGE,
	unix.SYS_GETPID, unix.SYS_GETTID, unix.SYS_EXIT, unix.SYS_EXIT_GROUP,
	unix.SYS_EPOLL_CREATE1, unix.SYS_EPOLL_CTL, unix.SYS_EPOLL_PWAIT, unix.SYS_EVENTFD2,
}

// Where the kernel shows a filter what is called, and with what first argument.
// Source: struct seccomp_data of linux/seccomp.h, on machines of least byte first.
const (
	seccompNumber = 0
	seccompArch   = 4
	seccompFirst  = 16
)

// Seal leaves all threads of this process nothing of the kernel but to compute, to
// start threads of its own, and to read and write what is open. It opens no file,
// starts no program, reaches no network and no other process. What it does call is
// refused with EPERM. There is no way back.
//
// A sealed process that somebody has taken over can still answer what he likes to
// whoever asks it, for as long as it is asked, and read what is in its memory.
func Seal() error {
	arch, known := auditArch[runtime.GOARCH]
	if !known {
		return fmt.Errorf("seal: no calls are known of %s", runtime.GOARCH)
	}
	filter := sealFilter(arch, uint32(os.Getpid()))                         //nolint:gosec // a number of a process is positive
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]} //nolint:gosec // a hundred steps
	// The right to install a filter is the thread's, and given to the others with it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("seal: give up privileges: %w", err)
	}
	thread, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC, uintptr(unsafe.Pointer(&program))) //nolint:gosec // the kernel takes it by its address
	switch {
	case errno != 0:
		return fmt.Errorf("seal: %w", errno)
	case thread != 0:
		return fmt.Errorf("seal: thread %d has a filter of its own", thread)
	}
	return nil
}

// sealFilter is the program that the kernel runs before each call.
func sealFilter(arch, pid uint32) []unix.SockFilter {
	load := func(at uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: at}
	}
	skipUnless := func(test uint16, k uint32, steps uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | test | unix.BPF_K, K: k, Jf: steps}
	}
	end := func(how uint32) unix.SockFilter { return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: how} }
	const (
		allow  = unix.SECCOMP_RET_ALLOW
		refuse = unix.SECCOMP_RET_ERRNO | uint32(unix.EPERM)
		absent = unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)
	)
	out := []unix.SockFilter{
		load(seccompArch),
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: arch, Jt: 1},
		end(unix.SECCOMP_RET_KILL_PROCESS), // numbers of another machine mean other calls
		load(seccompNumber),
	}
	for _, call := range allowed {
		out = append(out, skipUnless(unix.BPF_JEQ, call, 1), end(allow))
	}
	return append(out,
		// A thread, but no process. What clone3 is to make cannot be seen, and the C
		// library takes clone where it is absent.
		skipUnless(unix.BPF_JEQ, unix.SYS_CLONE3, 1), end(absent),
		skipUnless(unix.BPF_JEQ, unix.SYS_CLONE, 4),
		load(seccompFirst), skipUnless(unix.BPF_JSET, unix.CLONE_THREAD, 1), end(allow), end(refuse),
		// A signal to its own threads.
		skipUnless(unix.BPF_JEQ, unix.SYS_TGKILL, 4),
		load(seccompFirst), skipUnless(unix.BPF_JEQ, pid, 1), end(allow), end(refuse),
		end(refuse))
}
