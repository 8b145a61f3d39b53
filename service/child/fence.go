package child

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// fenced are the calls that no program needs to read a file and to draw what is in
// it: the network, other processes, other rights than files have, and the machine's
// own settings. Source: linux/syscalls.h.
var fenced = []uint32{
	unix.SYS_SOCKET, unix.SYS_SOCKETPAIR, unix.SYS_CONNECT, unix.SYS_BIND, unix.SYS_LISTEN, unix.SYS_ACCEPT, unix.SYS_ACCEPT4,
	unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER, // makes any other call, unseen by a filter
	unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_PROCESS_MADVISE, unix.SYS_PIDFD_GETFD, unix.SYS_KCMP,
	unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN, unix.SYS_USERFAULTFD, unix.SYS_SYSLOG,
	unix.SYS_KEYCTL, unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY,
	unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_CHROOT, unix.SYS_MOVE_MOUNT, unix.SYS_OPEN_TREE,
	unix.SYS_FSOPEN, unix.SYS_FSCONFIG, unix.SYS_FSMOUNT, unix.SYS_FSPICK, unix.SYS_MOUNT_SETATTR, unix.SYS_UNSHARE, unix.SYS_SETNS,
	unix.SYS_OPEN_BY_HANDLE_AT, unix.SYS_NAME_TO_HANDLE_AT, unix.SYS_FANOTIFY_INIT, unix.SYS_MKNODAT,
	unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE, unix.SYS_DELETE_MODULE, unix.SYS_KEXEC_LOAD, unix.SYS_REBOOT, unix.SYS_SWAPON, unix.SYS_SWAPOFF,
	unix.SYS_SETHOSTNAME, unix.SYS_SETDOMAINNAME, unix.SYS_SETTIMEOFDAY, unix.SYS_CLOCK_SETTIME, unix.SYS_ADJTIMEX, unix.SYS_CLOCK_ADJTIME,
	unix.SYS_ACCT, unix.SYS_QUOTACTL, unix.SYS_VHANGUP,
	unix.SYS_SHMGET, unix.SYS_SHMAT, unix.SYS_MSGGET, unix.SYS_SEMGET, unix.SYS_MQ_OPEN,
}

// namespaces are the flags of clone with which a process gets a world of its own, in
// which it has all rights.
const namespaces = unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWUSER |
	unix.CLONE_NEWPID | unix.CLONE_NEWNET

// otherNumbers is the bit of a call's number by which a machine of amd64 makes the
// calls of a second list, which no filter here knows. Source: __X32_SYSCALL_BIT.
const otherNumbers = 0x40000000

// Fence takes the network and other processes away from all threads of this process
// and, where it may start any, from the programs that it starts. Such calls are
// refused with EPERM. It can go on opening files, as far as its Room has them. There
// is no way back. It is for those who cannot be sealed, see Seal.
func Fence(mayStart bool) error {
	arch, err := machine()
	if err == nil {
		err = install(fenceFilter(arch, mayStart))
	}
	if err != nil {
		return fmt.Errorf("fence: %w", err)
	}
	return nil
}

// fenceFilter is the program that the kernel runs before each call of a fenced process.
func fenceFilter(arch uint32, mayStart bool) []unix.SockFilter {
	out := append(startFilter(arch), skipUnless(unix.BPF_JGE, otherNumbers, 1), end(refuse))
	calls := fenced
	if !mayStart {
		calls = append([]uint32{unix.SYS_EXECVE, unix.SYS_EXECVEAT}, calls...)
	}
	for _, call := range calls {
		out = append(out, skipUnless(unix.BPF_JEQ, call, 1), end(refuse))
	}
	return append(out,
		// What clone3 is to make cannot be seen, and whoever calls it takes clone where
		// it is absent.
		skipUnless(unix.BPF_JEQ, unix.SYS_CLONE3, 1), end(absent),
		skipUnless(unix.BPF_JEQ, unix.SYS_CLONE, 4),
		load(seccompFirst), skipUnless(unix.BPF_JSET, namespaces, 1), end(refuse), end(allow),
		// Its own limits: of itself it speaks as of process 0.
		skipUnless(unix.BPF_JEQ, unix.SYS_PRLIMIT64, 4),
		load(seccompFirst), skipUnless(unix.BPF_JEQ, 0, 1), end(allow), end(refuse),
		end(allow))
}
