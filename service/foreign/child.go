package foreign

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"

	"flowbot/service"
	"flowbot/service/child"
)

// The questions that a child answers.
const (
	doCheckPDF     = "check_pdf"
	doCleanImage   = "clean_image"
	doContactSheet = "contact_sheet"
	doReadSheets   = "read_sheets"
	doMarkSheets   = "mark_sheets"
	doPages        = "pages"
)

// ready is what a child says once it is limited and before it reads a file.
const ready = "ready\n"

// outFile is the name under which the child leaves what it drew.
const outFile = "out"

// maxWritten is the largest file that a child may write, in bytes. Source: 60
// megapixels of noise are 180 MB of PNG.
const maxWritten = 256 << 20

// maxFiles is the number of files that a child may have open: its own few, and
// those of poppler with its fonts.
const maxFiles = 128

// question is what a child is asked, in JSON on its standard input.
type question struct {
	Do           string
	Items        []item
	Memory       int64 // bytes
	CPU          int64 // seconds
	Pages        int
	Pixels       int64
	PDFBytes     int64
	PictureBytes int64
	ScanBytes    int64
}

type item struct {
	Path    string // absolute
	Caption string
	Pages   int
}

// answer is what it says, in JSON on its standard output: a file, a refusal or
// a failure.
type answer struct {
	File    service.ForeignFile
	Refusal *verdict
	Failure string // ours, not the file's
}

// verdict is a refusal on its way through a pipe.
type verdict struct {
	Reason service.Reason
	Limit  int64
	Got    int64
	Item   int
	Cause  string // our words, never the file's

	isFinal bool // not about one page of many, but about all that is left
}

func (v *verdict) Error() string { return string(v.Reason) + ": " + v.Cause }

func refuse(r service.Reason, cause string) error { return &verdict{Reason: r, Cause: cause} }

func exceeds(r service.Reason, limit, got int64) error {
	return &verdict{Reason: r, Limit: limit, Got: got}
}

// Main is the child: it reads one question from in, limits itself and gives up the
// network and other processes, answers on out and returns the exit status, 0 for any
// answer. It works in the current directory, which it may fill. There are no
// arguments.
func Main(args []string, in io.Reader, out io.Writer) int {
	if len(args) != 0 {
		return 2
	}
	var q question
	d := json.NewDecoder(io.LimitReader(in, 1<<20))
	if err := d.Decode(&q); err != nil {
		return 2
	}
	if err := confine(q); err != nil {
		return 1
	}
	if _, err := io.WriteString(out, ready); err != nil {
		return 1
	}
	l := link{acks: bufio.NewReader(io.MultiReader(d.Buffered(), in)), notes: json.NewEncoder(out)}
	if err := l.notes.Encode(reply(q, l)); err != nil {
		return 1
	}
	return 0
}

// confine leaves the child, and the programs that it starts, what the question needs.
// Which files they see is the room's, in which the child was started.
func confine(q question) error {
	if err := child.Limit(child.Limits{Memory: q.Memory, CPU: q.CPU, Written: maxWritten, Files: maxFiles}); err != nil {
		return err
	}
	return child.Fence(q.mayStart())
}

// mayStart reports whether poppler may be needed.
func (q question) mayStart() bool {
	switch q.Do {
	case doCleanImage, doReadSheets, doMarkSheets:
		return false
	}
	return true
}

// link is how a child talks to its parent while it works on its answer.
type link struct {
	acks  *bufio.Reader
	notes *json.Encoder
}

// reply answers a question. A decoder that panics has met a broken file.
func reply(q question, l link) (a answer) {
	defer func() {
		if p := recover(); p != nil {
			a = answer{Refusal: &verdict{Reason: service.ReasonFileBroken, Cause: "a decoder panicked"}}
		}
	}()
	var err error
	ctx := context.Background()
	switch {
	case q.Do == doCheckPDF && len(q.Items) == 1:
		a.File, err = checkPDF(ctx, q, q.Items[0].Path)
	case q.Do == doCleanImage && len(q.Items) == 1:
		a.File, err = cleanImage(q, q.Items[0].Path)
	case q.Do == doContactSheet && len(q.Items) > 0:
		err = contactSheet(ctx, q)
	case q.Do == doReadSheets && len(q.Items) == 1:
		err = readSheets(q)
	case q.Do == doMarkSheets && len(q.Items) == 2:
		err = markSheets(q)
	case q.Do == doPages && len(q.Items) == 1:
		a.File, err = pages(ctx, q, l)
	default:
		err = fmt.Errorf("no such question: %d items", len(q.Items))
	}
	var v *verdict
	switch {
	case errors.As(err, &v):
		return answer{Refusal: v}
	case err != nil:
		return answer{Failure: err.Error()}
	}
	return a
}

// poppler runs one of poppler's programs and returns what it wrote and what it
// complained of. Its death is a verdict on the file.
func poppler(ctx context.Context, name string, args ...string) (out, complaints string, err error) {
	stdout, stderr := &child.Bounded{Limit: 1 << 20}, &child.Bounded{Limit: 256 << 10}
	cmd := exec.CommandContext(ctx, name, args...) //nolint:gosec // names are ours, paths are absolute
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	err = cmd.Run()
	out, complaints = stdout.String(), stderr.String()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return out, complaints, nil
	case isMissing(err):
		return "", "", fmt.Errorf("%s is not installed: %w", name, err)
	case !errors.As(err, &exit):
		return "", "", fmt.Errorf("run %s: %w", name, err)
	}
	status, _ := exit.Sys().(syscall.WaitStatus)
	heavy := isOutOfMemory(complaints)
	if limits := []syscall.Signal{syscall.SIGKILL, syscall.SIGXCPU, syscall.SIGXFSZ}; status.Signaled() {
		heavy = heavy || slices.Contains(limits, status.Signal())
	}
	switch {
	case heavy:
		return "", "", refuse(service.ReasonFileTooHeavy, name+" ran into its limits")
	case strings.Contains(complaints, "Incorrect password"):
		return "", "", refuse(service.ReasonFileEncrypted, name+" asks for a password")
	default:
		return "", "", refuse(service.ReasonFileBroken, name+" ended with "+exit.String())
	}
}

// isOutOfMemory tells whether a program's last words are about memory: those
// of poppler and of C++.
func isOutOfMemory(complaints string) bool {
	for _, words := range []string{"out of memory", "cannot allocate memory", "bad_alloc", "memory exhausted"} {
		if strings.Contains(strings.ToLower(complaints), words) {
			return true
		}
	}
	return false
}

// sniffed is as much of a file's beginning as says what it is.
const sniffed = 4096

// head opens a file and reads its beginning. An empty file is refused.
func head(path string) (f *os.File, beginning []byte, size int64, err error) {
	f, err = os.Open(path)
	if err != nil {
		return nil, nil, 0, err
	}
	info, err := f.Stat()
	if err != nil {
		_ = f.Close()
		return nil, nil, 0, err
	}
	if info.Size() == 0 {
		_ = f.Close()
		return nil, nil, 0, refuse(service.ReasonFileEmpty, "no bytes")
	}
	beginning = make([]byte, min(sniffed, info.Size()))
	if _, err := f.ReadAt(beginning, 0); err != nil {
		_ = f.Close()
		return nil, nil, 0, err
	}
	return f, beginning, info.Size(), nil
}

// isPDF tells whether a file begins as a PDF. Source: Adobe's implementation
// note to PDF 1.7: the header may stand anywhere in the first 1024 bytes.
func isPDF(beginning []byte) bool {
	return bytes.Contains(beginning[:min(1024, len(beginning))], []byte("%PDF-"))
}
