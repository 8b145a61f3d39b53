package child

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

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

// Seal leaves all threads of this process nothing of the kernel but to compute, to
// start threads of its own, and to read and write what is open. It opens no file,
// starts no program, reaches no network and no other process. What it does call is
// refused with EPERM. There is no way back.
//
// A sealed process that somebody has taken over can still answer what he likes to
// whoever asks it, for as long as it is asked, and read what is in its memory.
func Seal() error {
	arch, err := machine()
	if err == nil {
		err = install(sealFilter(arch, uint32(os.Getpid()))) //nolint:gosec // a number of a process is positive
	}
	if err != nil {
		return fmt.Errorf("seal: %w", err)
	}
	return nil
}

// sealFilter is the program that the kernel runs before each call of a sealed process.
func sealFilter(arch, pid uint32) []unix.SockFilter {
	out := startFilter(arch)
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
