package ocr

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strconv"
	"strings"

	"flowbot/service"
	"flowbot/service/child"
)

// childFiles is how many files a child may have open: its pipes, and its own account
// of its memory.
const childFiles = 8

// memoryVariable tells a child its limit of memory, in bytes.
const memoryVariable = "FLOWBOT_CHILD_MEMORY"

// What a child is for: the one argument it gets.
const (
	argRead = "read" // reads the pages of one list, which it is told first
	argShow = "show" // draws pages that were read
)

// Main is a child that reads pages, or draws them: it answers one message after the
// other, until in ends. It returns the exit status. OMP_THREAD_LIMIT=1 must have
// stood in its environment from the start: Tesseract's threads would wait for each
// other.
//
// Before the first page comes it has opened all it needs and gives up everything
// else, see child.Limit and child.Seal. A page that takes it over finds no file, no
// network and no other program, but can falsify what is said of the pages that come
// after it; what those are, Pool bounds.
func Main(args []string, in io.Reader, out io.Writer) int {
	memory, err := strconv.ParseInt(os.Getenv(memoryVariable), 10, 64)
	if err != nil || memory <= 0 || len(args) != 1 || args[0] != argRead && args[0] != argShow {
		return 2
	}
	d := &desk{memory: memory}
	if args[0] == argRead {
		d.tools, err = newTools()
	} else {
		err = d.seal()
	}
	var hello answer
	if err != nil {
		hello.Failure = err.Error()
	}
	if err := reply(out, hello); err != nil || hello.Failure != "" {
		return 1
	}
	for {
		var q question
		parts, err := receive(in, &q)
		if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return 0
		}
		if err != nil {
			return 1
		}
		a, drawn := d.answer(q, parts[0])
		if err := reply(out, a, drawn[:]...); err != nil {
			return 1
		}
	}
}

func reply(out io.Writer, a answer, drawn ...[]byte) error {
	m, err := encode(a, drawn...)
	if err != nil { // a reading that is not a number, for instance
		if m, err = encode(answer{ID: a.ID, Unreadable: err.Error()}); err != nil {
			return err
		}
	}
	return m.send(out)
}

// desk is what a child works with.
type desk struct {
	memory  int64 // bytes, beyond what it has when it is sealed
	account *os.File
	tools   *tools  // nil in a child that draws
	reader  *Reader // nil before its list has come
	drawer  *Pictures
}

// seal gives up what a page does not need. It comes when Tesseract has read its
// models: what a page may take is counted from there.
func (d *desk) seal() (err error) {
	if d.account, err = os.Open("/proc/self/statm"); err != nil {
		return err
	}
	if err := child.Limit(child.Limits{Memory: d.memory, Files: childFiles}); err != nil {
		return err
	}
	return child.Seal()
}

// answer works on a question. Whatever goes wrong with a page is the page's fault:
// Tesseract has shown that it works before the first one came.
func (d *desk) answer(q question, page []byte) (a answer, drawn pictures) {
	defer func() {
		if p := recover(); p != nil { // in what state it has left everything, nobody knows
			a, drawn = answer{ID: q.ID, Unreadable: "a decoder panicked", Tired: true}, pictures{}
		}
	}()
	a.ID = q.ID
	var err error
	switch {
	case q.Do == doList && d.tools != nil && d.reader == nil:
		if err := d.take(q); err != nil {
			a.Failure = err.Error()
		}
		return a, drawn
	case q.Do == doRead && d.reader != nil:
		a.Reading, drawn, err = d.read(page)
	case q.Do == doShow && d.tools == nil:
		drawn, err = d.show(q, page)
	default:
		a.Failure = "no such question"
		return a, drawn
	}
	if err != nil {
		a, drawn = answer{ID: q.ID, Unreadable: err.Error()}, pictures{}
	}
	if d.resident() > tiredAbove {
		debug.FreeOSMemory()
		a.Tired = d.resident() > tiredAbove
	}
	return a, drawn
}

// take makes a reader of the list, and seals the child for its pages.
func (d *desk) take(q question) (err error) {
	if d.reader, err = d.tools.reader(q.Profile, q.Certificates); err != nil {
		return err
	}
	if d.drawer, err = NewPictures(q.Profile); err != nil {
		return err
	}
	return d.seal()
}

func (d *desk) read(page []byte) (*service.PageReading, pictures, error) {
	var out pictures
	reading, err := d.reader.Read(context.Background(), page)
	if err != nil {
		return nil, out, err
	}
	if out[0], err = d.drawer.Clean(page, reading); err != nil {
		return nil, out, fmt.Errorf("clean a page: %w", err)
	}
	if out[1], err = d.drawer.Thumb(page, reading); err != nil {
		return nil, out, fmt.Errorf("draw a small page: %w", err)
	}
	return reading, out, nil
}

func (d *desk) show(q question, page []byte) (out pictures, err error) {
	if d.drawer, err = NewPictures(q.Profile); err != nil {
		return out, err
	}
	if out[0], err = d.drawer.View(page, q.Reading); err != nil {
		return out, fmt.Errorf("draw a page: %w", err)
	}
	if out[1], err = d.drawer.Lines(page, q.Reading); err != nil {
		return out, fmt.Errorf("draw lines of a page: %w", err)
	}
	return out, nil
}

// resident is how much memory this process holds, in bytes; 0 if nobody says.
func (d *desk) resident() int64 {
	var b [256]byte // seven numbers
	n, err := d.account.ReadAt(b[:], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0
	}
	fields := strings.Fields(string(b[:n]))
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}
