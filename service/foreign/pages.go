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
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"

	"flowbot/service"
	"flowbot/service/child"
)

// maxNote is the longest line that a child writes about a page, in bytes.
const maxNote = 64 << 10

// note is a line that the child writes: a page that is out, in the file
// pageFile names, or, as the last, its answer.
type note struct {
	Page *service.ForeignPage `json:",omitempty"`
	answer
}

// pageFile is the name under which a child leaves a page. It writes to another
// name and renames, and the parent removes what it took.
func pageFile(number int) string { return "page-" + strconv.Itoa(number) }

// Pages implements service.Foreign.
func (r *Reader) Pages(ctx context.Context, path string, take func(service.ForeignPage, io.Reader) error) (service.ForeignFile, error) {
	q := question{Do: doPages, Items: []item{{Path: path}}}
	dir, done, err := r.prepare(ctx, &q, r.scans)
	if err != nil {
		return service.ForeignFile{}, fmt.Errorf("take pages: %w", err)
	}
	defer done()
	q.CPU, q.Pages = seconds(r.options.ScanTime), r.options.ScanPages
	q.ScanBytes, q.PictureBytes = r.options.ScanBytes, maxWritten
	a, err := r.converse(ctx, q, dir, take)
	if err != nil {
		return service.ForeignFile{}, fmt.Errorf("take pages: %w", err)
	}
	return a.File, nil
}

// converse starts a child and takes its pages one after another.
func (r *Reader) converse(ctx context.Context, q question, dir string, take func(service.ForeignPage, io.Reader) error) (answer, error) {
	ask, err := json.Marshal(q)
	if err != nil {
		return answer{}, fmt.Errorf("write question: %w", err)
	}
	mortal, kill := context.WithCancel(ctx)
	defer kill()
	cmd, complaints := r.command(mortal, q, dir), &child.Bounded{Limit: 8 << 10}
	cmd.Stderr = complaints
	in, err := cmd.StdinPipe()
	if err != nil {
		return answer{}, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return answer{}, err
	}
	leave, err := room(q, dir).Start(cmd)
	if err != nil {
		return answer{}, fmt.Errorf("start child: %w", err)
	}
	defer leave()
	var outOfTime atomic.Bool
	c := &conversation{
		dir: dir, notes: bufio.NewReaderSize(out, maxNote), acks: in, take: take,
		most: q.Pages, wall: r.options.Wall, patience: time.AfterFunc(r.options.Wall, func() {
			outOfTime.Store(true)
			kill()
		}),
	}
	defer c.patience.Stop()
	_, _ = in.Write(append(ask, '\n')) // a child that does not listen is told by what it says
	a, err := c.listen()
	if err != nil && !errors.Is(err, errSilent) {
		kill()
	}
	c.patience.Reset(r.options.Wall)
	ended := cmd.Wait()
	// Whatever the child left running. There being nothing is the usual case.
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	switch {
	case ctx.Err() != nil:
		return answer{}, ctx.Err()
	case outOfTime.Load():
		return answer{}, refused(verdict{Reason: service.ReasonFileTooHeavy}, q, errors.New("out of time"))
	case err == nil:
		return a, a.err(q)
	case errors.Is(err, errSilent):
		return answer{}, died(c.isReady, complaints.String(), q, errors.Join(err, ended))
	default:
		return answer{}, err
	}
}

// errSilent tells that a child ended without an answer.
var errSilent = errors.New("the child ended without an answer")

// conversation is what a parent hears from a child.
type conversation struct {
	dir      string
	notes    *bufio.Reader
	acks     io.Writer
	take     func(service.ForeignPage, io.Reader) error
	most     int // pages
	wall     time.Duration
	patience *time.Timer // ends a child that lets its parent wait for longer than wall; what take takes does not count
	isReady  bool
}

// listen takes pages until the child answers.
func (c *conversation) listen() (answer, error) {
	for number := 1; ; number++ {
		n, err := c.next()
		if err != nil {
			return answer{}, err
		}
		if n.Page == nil {
			return n.answer, nil
		}
		// The child may have been taken over by the file it read, so its bounds are
		// asked once more.
		if n.Page.Number != number || number > c.most {
			return answer{}, errors.New("the child wrote pages that it may not")
		}
		if err := c.hand(*n.Page); err != nil {
			return answer{}, err
		}
		_, _ = io.WriteString(c.acks, "\n") // a child that does not listen any more is told by what it says
	}
}

// next waits for a line of the child.
func (c *conversation) next() (note, error) {
	c.patience.Reset(c.wall)
	defer c.patience.Stop()
	if !c.isReady {
		line, err := c.line()
		if err != nil {
			return note{}, err
		}
		if string(line) != ready {
			return note{}, errNotOurs
		}
		c.isReady = true
	}
	line, err := c.line()
	if err != nil {
		return note{}, err
	}
	var n note
	if err := json.Unmarshal(line, &n); err != nil {
		return note{}, fmt.Errorf("read the child's note: %w", err)
	}
	return n, nil
}

func (c *conversation) line() ([]byte, error) {
	line, err := c.notes.ReadSlice('\n')
	if errors.Is(err, io.EOF) {
		return nil, errSilent
	}
	return line, err
}

// hand gives a page to take and removes it.
func (c *conversation) hand(p service.ForeignPage) error {
	if p.Name != "" {
		p.Name = service.SafeName(p.Name)
	}
	if p.Refusal != "" {
		return c.take(service.ForeignPage{Number: p.Number, Name: p.Name, Refusal: p.Refusal}, bytes.NewReader(nil))
	}
	path := filepath.Join(c.dir, pageFile(p.Number))
	f, size, err := written(path)
	if err != nil {
		return err
	}
	err = c.take(p, io.LimitReader(f, size))
	return errors.Join(err, f.Close(), os.Remove(path))
}
