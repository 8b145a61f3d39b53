package ocr

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/jpeg"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"flowbot/service"
	"flowbot/service/child"
)

// The limits that stand where Options names none.
const (
	// DefaultMemory is what reading pages may take in each child beyond what it
	// has at its start, in bytes. Source: a child holds 60 MB at its start and up
	// to 220 MB with pages of 9 megapixels, A4 in 300 dpi; one of 60 megapixels
	// takes 320 MB. What would take more than is allowed, such as that size
	// as a progressive JPEG in full colour, is too heavy for any child.
	DefaultMemory = 400 << 20
	// DefaultWall is how long a page may take. An honest one takes a tenth of a
	// second, the largest a second; the rest is for a machine that is busy.
	DefaultWall = 30 * time.Second
	// DefaultPages is after how many pages a child that reads is replaced, for what
	// they may have done to it, and for what Tesseract's wrapper leaks: 0.4 kB a line
	// and 2 kB where it is asked for single letters, of which a page has one and two.
	// Source: a new one takes a quarter of a second, 200 pages twenty seconds and more.
	DefaultPages = 200
)

// heavyAbove is the area of a page, in pixels, above which it is worked alone, so
// that all children together never hold much more than one may. Source: A4 in 400
// dpi is 15 megapixels, a photo 12.
const heavyAbove = 16_000_000

// tiredAbove is how much memory a child may hold between two pages, in bytes. One
// that has given back what it can, and holds more, asks to be replaced.
const tiredAbove = 220 << 20

// Options are the limits of a Pool. A zero means the default.
type Options struct {
	Command  []string      // program and arguments, one more of which comes to Main; default: this program with "child recognise"
	Children int           // at once; default: the number of processors
	Memory   int64         // bytes, as DefaultMemory
	Wall     time.Duration // for a page, as DefaultWall
	Pages    int           // as DefaultPages
}

// Pool reads pages in children that outlive a page: Tesseract takes a tenth of a
// second to start, and a page no longer than that to read. They start when they are
// first needed, have no environment but what they need, limits of memory and files,
// are sealed before their first page, and die with the program. It implements
// service.Recogniser.
//
// A page is what somebody sent. One that takes its child over by a fault of a decoder
// reaches nothing but that child, which is trusted with little: it reads pages of one
// list alone, some hundreds at most, or draws one page for a person and is gone. It
// can still say what it likes of itself and of later pages of the same list, until it
// is replaced; nothing here sees that.
type Pool struct {
	options Options
	closed  context.Context    // ends when Close is called, and each child with it
	end     context.CancelFunc // of closed
	free    chan struct{}      // a token for each child that may work
	heavy   chan struct{}      // one token, for who collects all of those
	shows   chan struct{}      // one token, for who draws: beside those that read
	asked   atomic.Int64       // questions

	mu   sync.Mutex
	idle []*process // those that read, the one that has waited longest first
	busy int        // those that read and are at work, or about to start
}

var _ service.Recogniser = (*Pool)(nil)

// NewPool returns a Pool; nothing is started yet. It fails if this program cannot
// find itself. Close ends it.
func NewPool(o Options) (*Pool, error) {
	if len(o.Command) == 0 {
		var err error
		if o.Command, err = child.Self("recognise"); err != nil {
			return nil, err
		}
	}
	if o.Children == 0 {
		o.Children = runtime.NumCPU()
	}
	if o.Memory == 0 {
		o.Memory = DefaultMemory
	}
	if o.Wall == 0 {
		o.Wall = DefaultWall
	}
	if o.Pages == 0 {
		o.Pages = DefaultPages
	}
	p := &Pool{options: o, free: make(chan struct{}, o.Children), heavy: make(chan struct{}, 1), shows: make(chan struct{}, 1)}
	p.closed, p.end = context.WithCancel(context.Background())
	return p, nil
}

// Close ends all children, also those that work, and returns when they are gone.
// What they worked on is an error. Closing twice does nothing.
func (p *Pool) Close() error {
	p.mu.Lock()
	isOpen := p.closed.Err() == nil
	p.end()
	p.mu.Unlock()
	if !isOpen {
		return nil
	}
	for range p.options.Children { // whoever works comes back
		p.free <- struct{}{}
	}
	for _, c := range p.idle {
		c.kill()
	}
	return nil
}

// Recognise implements service.Recogniser.
func (p *Pool) Recognise(ctx context.Context, list *service.PageList, page []byte) (*service.RecognisedPage, error) {
	a, pictures, err := p.ask(ctx, list, question{Do: doRead}, page)
	if err == nil && a.Reading == nil {
		err = errNoAnswer
	}
	if err != nil {
		return nil, fmt.Errorf("recognise a page: %w", err)
	}
	return &service.RecognisedPage{Reading: *a.Reading, Clean: pictures[0], Thumb: pictures[1]}, nil
}

// Show implements service.Recogniser.
func (p *Pool) Show(ctx context.Context, profile *service.BlankProfile, page []byte, r *service.PageReading) (*service.ShownPage, error) {
	_, pictures, err := p.ask(ctx, nil, question{Do: doShow, Profile: *profile, Reading: r}, page)
	if err != nil {
		return nil, fmt.Errorf("show a page: %w", err)
	}
	return &service.ShownPage{View: pictures[0], Lines: pictures[1]}, nil
}

var (
	errClosed   = errors.New("the recogniser is closed")
	errDied     = errors.New("a child died of a page")
	errNoAnswer = errors.New("a child did not answer what it was asked")
)

// mostDeaths is how many children a page may cost: the first may have died of
// something else.
const mostDeaths = 2

// ask has a child work on a page, and another one if that dies of it.
func (p *Pool) ask(ctx context.Context, list *service.PageList, q question, page []byte) (answer, pictures, error) {
	if len(page) > maxPart {
		return answer{}, pictures{}, unreadable(errTooLong)
	}
	q.ID = p.asked.Add(1)
	m, err := encode(q, page)
	if err != nil {
		return answer{}, pictures{}, err
	}
	done, err := p.wait(ctx, page)
	if err != nil {
		return answer{}, pictures{}, err
	}
	defer done()
	var died error
	for range mostDeaths {
		a, drawn, err := p.try(ctx, list, m, q.ID)
		switch {
		case ctx.Err() != nil:
			return answer{}, pictures{}, ctx.Err()
		case p.closed.Err() != nil:
			return answer{}, pictures{}, errClosed
		case errors.Is(err, errDied):
			died = err
			continue
		case err != nil:
			return answer{}, pictures{}, err
		case a.Unreadable != "":
			return answer{}, pictures{}, unreadable(errors.New(a.Unreadable))
		}
		return a, drawn, nil
	}
	return answer{}, pictures{}, unreadable(died)
}

// wait waits until a page may be worked; done lets the next one.
func (p *Pool) wait(ctx context.Context, page []byte) (done func(), err error) {
	if !isHeavy(page) {
		return p.collect(ctx, p.free, 1)
	}
	alone, err := p.collect(ctx, p.heavy, 1) // two would wait for each other
	if err != nil {
		return nil, err
	}
	all, err := p.collect(ctx, p.free, p.options.Children)
	if err != nil {
		alone()
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.idle) > 1 {
		last := len(p.idle) - 1
		p.idle[last].kill()
		p.idle = p.idle[:last]
	}
	return func() { all(); alone() }, nil
}

// isHeavy reports whether a page is large. What is no picture is not.
func isHeavy(page []byte) bool {
	head, err := jpeg.DecodeConfig(bytes.NewReader(page))
	return err == nil && head.Width*head.Height > heavyAbove
}

// collect waits for n tokens; done gives them back.
func (p *Pool) collect(ctx context.Context, from chan struct{}, n int) (done func(), err error) {
	got := 0
	done = func() {
		for range got {
			<-from
		}
	}
	for got < n {
		select {
		case from <- struct{}{}:
			got++
		case <-ctx.Done():
			done()
			return nil, ctx.Err()
		case <-p.closed.Done():
			done()
			return nil, errClosed
		}
	}
	return done, nil
}

func unreadable(err error) error {
	return &service.Error{Kind: service.Invalid, Reason: service.ReasonPageUnreadable, Err: err}
}

// try has one child work on a page: one that reads the pages of the list, or a new one
// that draws if there is no list. It is errDied if it did not live to answer.
func (p *Pool) try(ctx context.Context, list *service.PageList, m *message, id int64) (answer, pictures, error) {
	if list == nil {
		return p.tryShow(ctx, m, id)
	}
	c := p.takeIdle(list.Key)
	defer func() { p.giveBack(c) }()
	if c == nil {
		var err error
		if c, err = p.startReader(ctx, list); err != nil { // no page was touched, so that it is our fault
			return answer{}, pictures{}, err
		}
	}
	return p.work(ctx, c, m, id)
}

// tryShow has a new child draw a page.
func (p *Pool) tryShow(ctx context.Context, m *message, id int64) (answer, pictures, error) {
	done, err := p.collect(ctx, p.shows, 1)
	if err != nil {
		return answer{}, pictures{}, err
	}
	defer done()
	c, err := start(ctx, p.closed, p.options, argShow)
	if err != nil {
		return answer{}, pictures{}, err
	}
	defer c.kill()
	return p.work(ctx, c, m, id)
}

// work has a child work on a page. One that is of no more use is killed.
func (p *Pool) work(ctx context.Context, c *process, m *message, id int64) (answer, pictures, error) {
	c.pages++
	a, drawn, err := c.ask(ctx, p.options.Wall, m, id)
	if err != nil {
		c.kill()
		return answer{}, pictures{}, fmt.Errorf("%w: %w", errDied, err)
	}
	if a.Tired || c.pages >= p.options.Pages {
		c.kill()
	}
	return a, drawn, a.failure()
}

// startReader starts a child that reads the pages of a list.
func (p *Pool) startReader(ctx context.Context, list *service.PageList) (*process, error) {
	q := question{ID: p.asked.Add(1), Do: doList, Profile: list.Profile, Certificates: list.Certificates}
	m, err := encode(q)
	if err != nil {
		return nil, err
	}
	c, err := start(ctx, p.closed, p.options, argRead)
	if err != nil {
		return nil, err
	}
	a, _, err := c.ask(ctx, p.options.Wall, m, q.ID)
	if err == nil {
		err = a.failure()
	}
	if err != nil {
		c.kill()
		return nil, fmt.Errorf("give a child its list: %w", err)
	}
	c.list = list.Key
	return c, nil
}

// takeIdle returns a child of that list which nobody uses, nil if there is none. Then
// it has made room for another one.
func (p *Pool) takeIdle(key string) *process {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = slices.DeleteFunc(p.idle, func(c *process) bool {
		if !c.isDead() {
			return false
		}
		c.kill() // lets go of its pipes
		return true
	})
	p.busy++
	i := slices.IndexFunc(p.idle, func(c *process) bool { return c.list == key })
	if i >= 0 {
		c := p.idle[i]
		p.idle = slices.Delete(p.idle, i, i+1)
		return c
	}
	if len(p.idle)+p.busy > p.options.Children {
		p.idle[0].kill()
		p.idle = slices.Delete(p.idle, 0, 1)
	}
	return nil
}

// giveBack takes back what takeIdle let go: a child, or nil if none came to life.
func (p *Pool) giveBack(c *process) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.busy--
	if c != nil && !c.isDead() {
		p.idle = append(p.idle, c)
	}
}

// thrifty has a child give back the memory of a page sooner: Go's by collecting when
// half as much as is needed has become garbage, the C library's by keeping one heap
// for all threads and by giving back what a page's pictures took, which it would keep
// in ever larger pieces. Source: mallopt(3); a batch of 27 pages took as much
// processor time with it as without, and 519 MB of memory instead of 582 MB, counted
// for each process.
var thrifty = []string{"GOGC=50", "MALLOC_ARENA_MAX=1", "MALLOC_MMAP_THRESHOLD_=1048576", "MALLOC_TRIM_THRESHOLD_=1048576"}

// process is a child. It is not safe for concurrent use.
type process struct {
	in    *os.File
	out   *os.File
	stop  context.CancelFunc
	dead  chan struct{} // closed when the process is gone
	list  string        // key of the list it reads against; "" of one that draws
	pages int           // it has worked on
}

// start starts a child to read or to draw, which lives until it is killed or closed
// ends, and waits until it is ready.
func start(ctx, closed context.Context, o Options, as string) (*process, error) {
	theirIn, in, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start a child: %w", err)
	}
	out, theirOut, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start a child: %w", err), theirIn.Close(), in.Close())
	}
	lives, stop := context.WithCancel(closed)
	cmd := exec.CommandContext(lives, o.Command[0], append(slices.Clone(o.Command[1:]), as)...) //nolint:gosec // the command is the program itself, chosen by cmd
	cmd.Dir = "/"
	cmd.Env = []string{
		"OMP_THREAD_LIMIT=1", "LANG=C.UTF-8", "GOTRACEBACK=none",
		"GOMAXPROCS=1", // so many children as there are processors
		fmt.Sprintf("GOMEMLIMIT=%d", o.Memory/8*7),
		fmt.Sprintf("%s=%d", memoryVariable, o.Memory),
	}
	cmd.Env = append(cmd.Env, thrifty...)
	if models := os.Getenv("TESSDATA_PREFIX"); models != "" {
		cmd.Env = append(cmd.Env, "TESSDATA_PREFIX="+models)
	}
	cmd.Stdin, cmd.Stdout = theirIn, theirOut
	child.Bind(cmd)
	err = cmd.Start()
	_, _ = theirIn.Close(), theirOut.Close() // the child has its own
	c := &process{in: in, out: out, stop: stop, dead: make(chan struct{})}
	if err != nil {
		close(c.dead)
		c.kill()
		return nil, fmt.Errorf("start a child: %w", err)
	}
	go func() {
		_ = cmd.Wait() // how it ended, the one who waits for its answer finds out
		close(c.dead)
	}()
	hello, _, err := c.ask(ctx, o.Wall, nil, 0)
	if err == nil {
		err = hello.failure()
	}
	if err != nil {
		c.kill()
		return nil, fmt.Errorf("start a child: %w", err)
	}
	return c, nil
}

// kill ends the child and waits until it is gone.
func (c *process) kill() {
	c.stop()
	<-c.dead
	_, _ = c.in.Close(), c.out.Close() // only pipes
}

func (c *process) isDead() bool {
	select {
	case <-c.dead:
		return true
	default:
		return false
	}
}

// ask puts a question to the child, none if m is nil, and waits for the answer of
// that number. After an error the child is good for nothing but to be killed.
func (c *process) ask(ctx context.Context, wall time.Duration, m *message, id int64) (answer, pictures, error) {
	timed, cancel := context.WithTimeout(ctx, wall)
	defer cancel()
	spared := context.AfterFunc(timed, c.stop)
	a, drawn, err := c.exchange(m)
	switch {
	case !spared(): // it is being killed, whatever it said
		return answer{}, pictures{}, timed.Err()
	case err != nil:
		return answer{}, pictures{}, err
	case a.ID != id:
		return answer{}, pictures{}, errNoAnswer
	}
	return a, drawn, nil
}

func (c *process) exchange(m *message) (a answer, drawn pictures, err error) {
	if m != nil {
		if err := m.send(c.in); err != nil {
			return a, drawn, err
		}
	}
	drawn, err = receive(c.out, &a)
	return a, drawn, err
}
