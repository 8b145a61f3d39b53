package ocr

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"runtime/debug"
	"strconv"
	"strings"

	"flowbot/service"
	"flowbot/service/child"
)

// childFiles is how many files a child may have open: its pipes, and the model of
// letters that Tesseract reads when the first list comes whose blanks have a series.
const childFiles = 32

// memoryVariable tells a child its limit of memory, in bytes.
const memoryVariable = "FLOWBOT_CHILD_MEMORY"

// Main is a child that reads pages: it limits itself and answers one message
// after the other, until in ends. It returns the exit status. There are no
// arguments. OMP_THREAD_LIMIT=1 must have stood in its environment from the
// start: Tesseract's threads would wait for each other.
func Main(args []string, in io.Reader, out io.Writer) int {
	if len(args) != 0 {
		return 2
	}
	memory, err := strconv.ParseInt(os.Getenv(memoryVariable), 10, 64)
	if err != nil || memory <= 0 {
		return 2
	}
	var d desk
	d.tools, err = newTools()
	if err == nil {
		// After Tesseract has read its model of digits: what a page may take is
		// counted from there.
		err = child.Limit(child.Limits{Memory: memory, Files: childFiles})
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
	tools  *tools
	reader *Reader   // of the list that came last; making another takes a third of a millisecond
	drawer *Pictures // of the profile that came last
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
	case q.Do == doList:
		if err := d.take(q); err != nil {
			a.Failure = err.Error()
		}
		return a, drawn
	case q.Do == doRead && d.reader != nil:
		a.Reading, drawn, err = d.read(page)
	case q.Do == doShow:
		drawn, err = d.show(q, page)
	default:
		a.Failure = "no such question"
		return a, drawn
	}
	if err != nil {
		a, drawn = answer{ID: q.ID, Unreadable: err.Error()}, pictures{}
	}
	if resident() > tiredAbove {
		debug.FreeOSMemory()
		a.Tired = resident() > tiredAbove
	}
	return a, drawn
}

// take makes a reader of another list.
func (d *desk) take(q question) (err error) {
	if d.reader, err = d.tools.reader(q.Profile, q.Certificates); err != nil {
		return err
	}
	return d.draws(q.Profile)
}

// draws makes the pictures of another profile.
func (d *desk) draws(profile service.BlankProfile) (err error) {
	if d.drawer != nil && reflect.DeepEqual(d.drawer.profile, profile) {
		return nil
	}
	d.drawer, err = NewPictures(profile)
	return err
}

func (d *desk) read(page []byte) (*service.PageReading, pictures, error) {
	var out pictures
	reading, err := d.reader.Read(context.Background(), page)
	if err != nil {
		return nil, out, err
	}
	if err := d.draws(d.reader.profile); err != nil {
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

func (d *desk) show(q question, page []byte) (pictures, error) {
	var out pictures
	err := d.draws(q.Profile)
	if err != nil {
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
func resident() int64 {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(b))
	if len(fields) < 2 {
		return 0
	}
	n, err := strconv.ParseInt(fields[1], 10, 64)
	if err != nil {
		return 0
	}
	return n * int64(os.Getpagesize())
}
