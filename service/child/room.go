package child

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Room is what a program sees of this machine's files: the programs, libraries and
// fonts that are installed, and what is named here. It changes nothing but what is
// in its own directory. Those whom it starts see no more.
type Room struct {
	Own  string   // a directory that it may read and fill
	Read []string // files that it may read
}

// installed are the directories where a system keeps its programs, libraries and
// fonts, with Nix's and Guix's. What is in them is anybody's to read.
var installed = []string{"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/nix/store", "/gnu/store"}

// known are the files and directories by which programs find their libraries and
// fonts, the time, and themselves. Of other processes /proc shows nothing to those in
// a room.
var known = []string{"/etc/ld.so.cache", "/etc/ld.so.preload", "/etc/fonts", "/etc/localtime", "/var/cache/fontconfig", "/proc", "/dev/urandom", "/dev/zero"}

// Rights over files. Source: linux/landlock.h.
const (
	ofFiles = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_READ_FILE |
		unix.LANDLOCK_ACCESS_FS_TRUNCATE | unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	toRead = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR
	toRun  = toRead | unix.LANDLOCK_ACCESS_FS_EXECUTE
	toFill = toRead | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_TRUNCATE | unix.LANDLOCK_ACCESS_FS_MAKE_REG |
		unix.LANDLOCK_ACCESS_FS_MAKE_DIR | unix.LANDLOCK_ACCESS_FS_MAKE_FIFO | unix.LANDLOCK_ACCESS_FS_MAKE_SYM | unix.LANDLOCK_ACCESS_FS_REMOVE_FILE | unix.LANDLOCK_ACCESS_FS_REMOVE_DIR
)

// HasRooms reports whether this machine's kernel can keep a program in its Room:
// Linux from 5.13 with Landlock, which some systems and containers leave out. Where
// it cannot, programs see what this one sees.
func HasRooms() bool { return roomVersion() > 0 }

// roomVersion is the version of Landlock, 0 without.
func roomVersion() int {
	version, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return 0
	}
	return int(version)
}

// Start starts a command inside the room, if the kernel has rooms. Whoever calls it
// waits for the command as ever and then calls leave, before which it must not: a
// command that Bind has made dies with its room.
func (r Room) Start(cmd *exec.Cmd) (leave func(), err error) {
	started, left := make(chan error, 1), make(chan struct{})
	// A room is the thread's, and what it starts inherits it.
	go onOwnThread(func() {
		err := r.enter(cmd.Path)
		if err == nil {
			err = cmd.Start()
		}
		started <- err
		if err == nil {
			<-left
		}
	})
	if err := <-started; err != nil {
		return nil, err
	}
	return func() { close(left) }, nil
}

// onOwnThread does something on a thread that ends with it, so that nobody else gets
// the thread. The first one of a process does not end, and says to others what the
// process may: it is never that one.
func onOwnThread(do func()) {
	runtime.LockOSThread()
	if unix.Gettid() != os.Getpid() {
		do()
		return
	}
	isElsewhere := make(chan struct{})
	go func() { // not here, as long as this thread is kept
		runtime.LockOSThread()
		close(isElsewhere)
		do()
	}()
	<-isElsewhere
	runtime.UnlockOSThread()
}

// enter puts this thread into the room, with the program that is to be started.
func (r Room) enter(program string) (err error) {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("give up privileges: %w", err)
	}
	if err := dropRights(); err != nil {
		return fmt.Errorf("give up an administrator's rights: %w", err)
	}
	version := roomVersion()
	if version == 0 {
		return nil
	}
	handled := rightsOf(version)
	rules, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&handled)), unsafe.Sizeof(handled), 0) //nolint:gosec // the kernel takes it by its address
	if errno != 0 {
		return fmt.Errorf("make a room: %w", errno)
	}
	defer func() { err = errors.Join(err, unix.Close(int(rules))) }()
	add := func(rights uint64, isNeeded bool, paths ...string) error {
		for _, path := range paths {
			err := addRule(int(rules), path, rights&handled.Handled_access_fs)
			if err != nil && (isNeeded || !errors.Is(err, fs.ErrNotExist)) {
				return fmt.Errorf("make a room with %s: %w", path, err)
			}
		}
		return nil
	}
	err = errors.Join(
		add(toRun, false, installed...),
		add(toRead, false, known...),
		add(toRead|unix.LANDLOCK_ACCESS_FS_WRITE_FILE, false, "/dev/null"),
		add(toRun, true, program),
		add(toRead, true, r.Read...),
		add(toFill, true, r.Own),
	)
	if err != nil {
		return err
	}
	if _, _, errno := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, rules, 0, 0); errno != 0 {
		return fmt.Errorf("enter a room: %w", errno)
	}
	return nil
}

// dropRights takes the rights of an administrator away from this thread, who could
// read other processes from inside a room, and from what it starts. What is left, if
// it was there, is the right to read files that belong to others: it lets programs
// find those of the room.
func dropRights() error {
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var now [2]unix.CapUserData // of 32 rights each
	if err := unix.Capget(&head, &now[0]); err != nil {
		return err
	}
	kept := now[0].Permitted & (1 << unix.CAP_DAC_READ_SEARCH)
	left := [2]unix.CapUserData{{Effective: kept, Permitted: kept}}
	return unix.Capset(&head, &left[0])
}

// rightsOf are those that a version of Landlock can take away. Source: the kernel's
// userspace-api/landlock.
func rightsOf(version int) unix.LandlockRulesetAttr {
	var r unix.LandlockRulesetAttr
	r.Handled_access_fs = unix.LANDLOCK_ACCESS_FS_MAKE_SYM<<1 - 1
	if version >= 2 {
		r.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_REFER
	}
	if version >= 3 {
		r.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_TRUNCATE
	}
	if version >= 4 {
		r.Handled_access_net = unix.LANDLOCK_ACCESS_NET_BIND_TCP | unix.LANDLOCK_ACCESS_NET_CONNECT_TCP
	}
	if version >= 5 {
		r.Handled_access_fs |= unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	}
	if version >= 6 {
		r.Scoped = unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET
		// Before this was repaired, a thread in a room could not signal the others of
		// its process, by which Go's runtime stops them.
		errata, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_ERRATA)
		const ofSignals = 1 << 1 // the second of the list
		if errno == 0 && errata&ofSignals != 0 {
			r.Scoped |= unix.LANDLOCK_SCOPE_SIGNAL
		}
	}
	return r
}

// addRule gives rights over a file, or over all that is in a directory.
func addRule(rules int, path string, rights uint64) (err error) {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unix.Close(fd)) }()
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return err
	}
	if stat.Mode&unix.S_IFMT != unix.S_IFDIR {
		rights &= ofFiles
	}
	rule := unix.LandlockPathBeneathAttr{Allowed_access: rights, Parent_fd: int32(fd)}                                                                 //nolint:gosec // a small number
	_, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, uintptr(rules), unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&rule)), 0, 0, 0) //nolint:gosec // likewise, by its address
	if errno != 0 {
		return errno
	}
	return nil
}
