// Package foreign reads files that people sent. Decoders of PDFs and pictures
// have bugs, and a small file can ask for all memory there is, so nothing is
// decoded in the process that serves: Reader starts a child, gives it limits,
// a directory of its own, no environment, no network and, where the kernel can do
// that, no other file than the one in question, and takes back a verdict in JSON
// and, for pictures, a file that the child wrote. Main is the child.
package foreign

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"flowbot/service"
	"flowbot/service/child"
)

// The limits that stand where Options names none.
const (
	// DefaultMemory is what the decoders get beyond what a child takes at its
	// start, in bytes. Source: a picture of 60 megapixels is 240 MB in memory,
	// once as it was decoded and once turned; a progressive JPEG of that size
	// with full colour takes 900 MB.
	DefaultMemory = 1 << 30
	// DefaultCPU is the processor time of the child, and of each program that it
	// starts. Source: poppler draws 13 scanned pages a second at the size of a
	// thumbnail (A4 in colour at 300 dpi, JPEG), so 500 pages are read in time; a
	// picture of 60 megapixels takes 3 seconds.
	DefaultCPU = 60 * time.Second
	// DefaultWall is the time that a person waits at most.
	DefaultWall = 90 * time.Second
	// DefaultPages is the number of pages of a PDF. A journal of 300 learners has
	// about 30.
	DefaultPages = 500
	// DefaultPixels is the area of a picture, 60 megapixels.
	DefaultPixels = 60_000_000
	// DefaultBytes is the size of a file: what the Bot API's getFile gives.
	DefaultBytes = 20 << 20
	// DefaultScanPages is the number of pages of a file of scans. A large exam has
	// 500.
	DefaultScanPages = 1000
	// DefaultScanBytes is the size of a file of scans, which comes through our own
	// page for uploads. A hundred pages in colour are 30 to 100 MB.
	DefaultScanBytes = 2 << 30
	// DefaultScanTime bounds what a file of scans costs: the processor time of the
	// child, and the time that it is waited for. Source: a thousand pages of
	// pictures that must be written anew take a second each.
	DefaultScanTime = 30 * time.Minute
)

// Options are the limits of a child. A zero means the default.
type Options struct {
	Command      []string      // program and arguments that come to Main; default: this program with "child"
	Memory       int64         // bytes, for the child and for each program it starts
	CPU          time.Duration // whole seconds, likewise
	Wall         time.Duration // for the whole question
	Pages        int           // of a PDF
	Pixels       int64         // of a picture
	PDFBytes     int64         // of a PDF
	PictureBytes int64         // of a picture
	ScanPages    int           // of a file of scans
	ScanBytes    int64         // of a file of scans
	ScanTime     time.Duration // for a file of scans, whole seconds; Wall bounds each of its pages
	Children     int           // at once, and as many again for files of scans; others wait. Default: the number of processors
	TempDir      string        // where children get their directories; default: the system's. New clears it of dead ones
}

// Reader asks children. It implements service.Foreign.
type Reader struct {
	options Options
	free    chan struct{} // a token for each child that may run
	scans   chan struct{} // likewise for files of scans, which take long: nobody else waits for them
}

var _ service.Foreign = (*Reader)(nil)

// New returns a Reader. It fails if this program cannot find itself.
func New(o Options) (*Reader, error) {
	if len(o.Command) == 0 {
		var err error
		if o.Command, err = child.Self(); err != nil {
			return nil, err
		}
	}
	o.Memory = orDefault(o.Memory, DefaultMemory)
	o.CPU = orDefault(o.CPU, DefaultCPU)
	o.Wall = orDefault(o.Wall, DefaultWall)
	o.Pages = orDefault(o.Pages, DefaultPages)
	o.Pixels = orDefault(o.Pixels, DefaultPixels)
	o.PDFBytes = orDefault(o.PDFBytes, DefaultBytes)
	o.PictureBytes = orDefault(o.PictureBytes, DefaultBytes)
	o.ScanPages = orDefault(o.ScanPages, DefaultScanPages)
	o.ScanBytes = orDefault(o.ScanBytes, DefaultScanBytes)
	o.ScanTime = orDefault(o.ScanTime, DefaultScanTime)
	o.Children = orDefault(o.Children, runtime.NumCPU())
	if o.TempDir == "" {
		o.TempDir = os.TempDir()
	}
	if err := sweep(o.TempDir); err != nil {
		return nil, fmt.Errorf("sweep what dead programs left: %w", err)
	}
	return &Reader{options: o, free: make(chan struct{}, o.Children), scans: make(chan struct{}, o.Children)}, nil
}

// dirPrefix begins the names of children's directories.
const dirPrefix = "flowbot-child-"

// sweep removes the directories of children whose parent was killed before it
// could: a parent holds a lock on each of its own.
func sweep(temp string) error {
	dirs, err := filepath.Glob(filepath.Join(temp, dirPrefix+"*"))
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		unlock, err := lock(dir)
		if errors.Is(err, syscall.EWOULDBLOCK) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
			continue
		}
		if err != nil {
			return err
		}
		err = os.RemoveAll(dir)
		unlock()
		if err != nil && !errors.Is(err, fs.ErrPermission) {
			return err
		}
	}
	return nil
}

// lock holds a directory until unlock is called or the process ends. Children
// do not inherit it.
func lock(dir string) (unlock func(), err error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", dir, err), f.Close())
	}
	return func() { _ = f.Close() }, nil
}

func orDefault[T int | int64 | time.Duration](v, otherwise T) T {
	if v == 0 {
		return otherwise
	}
	return v
}

// CheckPDF implements service.Foreign.
func (r *Reader) CheckPDF(ctx context.Context, path string) (service.ForeignFile, error) {
	a, err := r.ask(ctx, question{Do: doCheckPDF, Items: []item{{Path: path}}}, nil)
	if err != nil {
		return service.ForeignFile{}, fmt.Errorf("check pdf: %w", err)
	}
	return a.File, nil
}

// CleanImage implements service.Foreign.
func (r *Reader) CleanImage(ctx context.Context, path string, w io.Writer) (service.ForeignFile, error) {
	a, err := r.ask(ctx, question{Do: doCleanImage, Items: []item{{Path: path}}}, w)
	if err != nil {
		return service.ForeignFile{}, fmt.Errorf("clean image: %w", err)
	}
	return a.File, nil
}

// ContactSheet implements service.Foreign.
func (r *Reader) ContactSheet(ctx context.Context, items []service.ContactItem, w io.Writer) error {
	q := question{Do: doContactSheet}
	for _, i := range items {
		q.Items = append(q.Items, item{Path: i.Path, Caption: i.Caption, Pages: i.Pages})
	}
	if _, err := r.ask(ctx, q, w); err != nil {
		return fmt.Errorf("draw contact sheet: %w", err)
	}
	return nil
}

// ask puts one question to one child. What the child wrote is copied to w.
func (r *Reader) ask(ctx context.Context, q question, w io.Writer) (answer, error) {
	dir, done, err := r.prepare(ctx, &q, r.free)
	if err != nil {
		return answer{}, err
	}
	defer done()
	a, err := r.run(ctx, q, dir)
	if err != nil {
		return answer{}, err
	}
	if w == nil {
		return a, nil
	}
	return a, hand(filepath.Join(dir, outFile), w)
}

// prepare completes a question, waits until a child may run and makes a
// directory for it. done gives both back.
func (r *Reader) prepare(ctx context.Context, q *question, free chan struct{}) (dir string, done func(), err error) {
	if err := locate(q.Items); err != nil {
		return "", nil, err
	}
	q.Memory, q.CPU = r.options.Memory, seconds(r.options.CPU)
	q.Pages, q.Pixels = r.options.Pages, r.options.Pixels
	q.PDFBytes, q.PictureBytes = r.options.PDFBytes, r.options.PictureBytes
	select {
	case free <- struct{}{}:
	case <-ctx.Done():
		return "", nil, ctx.Err()
	}
	dir, err = os.MkdirTemp(r.options.TempDir, dirPrefix)
	if err != nil {
		<-free
		return "", nil, fmt.Errorf("make the child's directory: %w", err)
	}
	unlock, err := lock(dir)
	if err != nil {
		<-free
		return "", nil, errors.Join(err, os.RemoveAll(dir))
	}
	return dir, func() {
		_ = os.RemoveAll(dir) // what cannot be removed now is swept at the next start
		unlock()
		<-free
	}, nil
}

// locate makes the paths of items absolute, for the child works elsewhere.
func locate(items []item) error {
	for i := range items {
		path, err := filepath.Abs(items[i].Path)
		if err != nil {
			return err
		}
		if info, err := os.Stat(path); err != nil {
			return err
		} else if !info.Mode().IsRegular() {
			return fmt.Errorf("item %d is no regular file", i)
		}
		items[i].Path = path
	}
	return nil
}

// seconds is a limit of processor time as the system counts it.
func seconds(d time.Duration) int64 { return int64(max(d, time.Second) / time.Second) }

// hand copies what the child wrote.
func hand(path string, w io.Writer) error {
	f, _, err := written(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	if _, err := io.Copy(w, io.LimitReader(f, maxWritten)); err != nil {
		return fmt.Errorf("copy what the child wrote: %w", err)
	}
	return nil
}

// written opens what the child wrote. The child may have been taken over by the
// file it read, so only a plain file of a bearable size is believed.
func written(path string) (f *os.File, size int64, err error) {
	f, err = os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, 0, fmt.Errorf("open what the child wrote: %w", err)
	}
	info, err := f.Stat()
	if err == nil && (!info.Mode().IsRegular() || info.Size() == 0 || info.Size() > maxWritten) {
		err = fmt.Errorf("%v of %d bytes", info.Mode().Type(), info.Size())
	}
	if err != nil {
		return nil, 0, errors.Join(fmt.Errorf("look at what the child wrote: %w", err), f.Close())
	}
	return f, info.Size(), nil
}

// command is a child that is ready to start in dir. It dies with ctx, and
// whatever it started with it.
func (r *Reader) command(ctx context.Context, q question, dir string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, r.options.Command[0], r.options.Command[1:]...) //nolint:gosec // the command is the program itself, chosen by cmd
	cmd.Dir = dir
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), // to find poppler
		"HOME=" + dir, "TMPDIR=" + dir, "LANG=C.UTF-8",
		fmt.Sprintf("GOMEMLIMIT=%d", q.Memory/8*7),
		"GOMAXPROCS=1", // so many children as there are processors
		"GOTRACEBACK=none",
	}
	child.Bind(cmd)
	return cmd
}

// room is what a child sees of this machine's files.
func room(q question, dir string) child.Room {
	r := child.Room{Own: dir}
	for _, i := range q.Items {
		r.Read = append(r.Read, i.Path)
	}
	return r
}

// run starts the child and turns its end into an answer or an error.
func (r *Reader) run(ctx context.Context, q question, dir string) (answer, error) {
	ask, err := json.Marshal(q)
	if err != nil {
		return answer{}, fmt.Errorf("write question: %w", err)
	}
	timed, cancel := context.WithTimeout(ctx, r.options.Wall)
	defer cancel()
	out, complaints := &child.Bounded{Limit: 64 << 10}, &child.Bounded{Limit: 8 << 10}
	cmd := r.command(timed, q, dir)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(ask), out, complaints
	leave, err := room(q, dir).Start(cmd)
	if err != nil {
		return answer{}, fmt.Errorf("start child: %w", err)
	}
	defer leave()
	err = cmd.Wait()
	// Whatever the child left running. There being nothing is the usual case.
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	said, isReady := bytes.CutPrefix(out.Bytes(), []byte(ready))
	switch {
	case ctx.Err() != nil:
		return answer{}, ctx.Err()
	case timed.Err() != nil:
		return answer{}, refused(verdict{Reason: service.ReasonFileTooHeavy}, q, errors.New("out of time"))
	case err != nil:
		return answer{}, died(isReady, complaints.String(), q, err)
	case !isReady:
		return answer{}, errNotOurs
	}
	var a answer
	if err := json.Unmarshal(said, &a); err != nil {
		return answer{}, fmt.Errorf("read the child's answer: %w", err)
	}
	return a, a.err(q)
}

var errNotOurs = errors.New("child: it is none of ours")

// err is what an answer means if it is none to the question.
func (a answer) err(q question) error {
	if a.Failure != "" {
		return errors.New(a.Failure)
	}
	if a.Refusal != nil {
		return refused(*a.Refusal, q, nil)
	}
	return nil
}

// died explains a child that ended without an answer. If it never came to read
// the file, that is our fault. Else the file did it: a decoder's own errors are
// answers, so what is left are the limits, and of those Go's runtime dies in
// more ways than can be told apart; only a stack without end has a name.
func died(wasReady bool, complaints string, q question, err error) error {
	switch {
	case !wasReady:
		// What it complained of is not repeated: it may quote the file.
		return fmt.Errorf("child: %w", err)
	case strings.Contains(complaints, "stack overflow"), strings.Contains(complaints, "stack exceeds"),
		strings.Contains(complaints, "signal arrived during cgo execution"): // a fault of a decoder written in C
		return refused(verdict{Reason: service.ReasonFileBroken}, q, err)
	default:
		return refused(verdict{Reason: service.ReasonFileTooHeavy}, q, err)
	}
}

// refused is a child's verdict as the service knows refusals.
func refused(v verdict, q question, cause error) error {
	e := &service.Error{Kind: service.Invalid, Reason: v.Reason, Err: cause}
	if cause == nil && v.Cause != "" {
		e.Err = errors.New(v.Cause)
	}
	bound := service.FileBound{Limit: v.Limit, Got: v.Got}
	switch {
	case q.Do == doContactSheet:
		e.Data = service.ContactFault{Item: v.Item, Bound: bound}
	case bound != service.FileBound{}:
		e.Data = bound
	}
	return e
}

// isMissing tells that a program is not installed.
func isMissing(err error) bool {
	return errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist)
}
