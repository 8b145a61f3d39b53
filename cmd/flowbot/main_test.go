package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"flowbot/bot/emulator"
	"flowbot/db/dbtest"
)

var update = flag.Bool("update", false, "rewrite golden files")

// flowbot is the program, built once for all tests.
var flowbot string

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(testMain(m))
}

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "flowbot-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	flowbot = filepath.Join(dir, "flowbot")
	build := exec.Command("go", "build", "-o", flowbot, ".")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "build the program:", err)
		return 1
	}
	return dbtest.Main(m)
}

// place is an installation for one test: a database and a data directory.
type place struct {
	t    *testing.T
	env  []string
	data string
}

// newPlace is an installation with a database of its own on the tests' server.
func newPlace(t *testing.T) *place {
	t.Helper()
	p := newPrivatePlace(t)
	p.env = append(p.env, "DATABASE_URL="+dbtest.URL(t))
	return p
}

// newPrivatePlace is an installation whose PostgreSQL is its own.
func newPrivatePlace(t *testing.T) *place {
	t.Helper()
	p := &place{t: t, data: t.TempDir()}
	// Open to the user as whom PostgreSQL runs when root runs the tests: else the
	// cluster would go to another place and outlive the test.
	for _, dir := range []string{filepath.Dir(p.data), p.data} {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		// What a killed process has left is adopted and, by the last one, stopped.
		if p.postmaster() != 0 {
			stop := exec.Command(flowbot, "migrate", "status")
			stop.Env = p.env
			if out, err := stop.CombinedOutput(); err != nil {
				t.Errorf("stop the test's PostgreSQL: %v\n%s", err, out)
			}
		}
	})
	p.env = []string{"DATA_DIR=" + p.data, "PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "LISTEN_ADDR=127.0.0.1:0"}
	return p
}

// with is the same installation with more environment.
func (p *place) with(env ...string) *place {
	more := *p
	more.env = append(append([]string(nil), p.env...), env...)
	return &more
}

// result is what a finished command left.
type result struct {
	status int
	out    string
	err    string
}

// run runs a command to its end.
func (p *place) run(args ...string) result {
	p.t.Helper()
	cmd := exec.CommandContext(p.t.Context(), flowbot, args...)
	cmd.Env = p.env
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		p.t.Fatalf("flowbot %v: %v", args, err)
	}
	return result{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
}

// must runs a command that has to succeed and returns its answer without the
// last line end.
func (p *place) must(args ...string) string {
	p.t.Helper()
	r := p.run(args...)
	if r.status != 0 {
		p.t.Fatalf("flowbot %v: status %d\n%s", args, r.status, r.err)
	}
	return strings.TrimSuffix(r.out, "\n")
}

// output gathers what a process prints and tells when it has printed more.
type output struct {
	mu   sync.Mutex
	b    bytes.Buffer
	more chan struct{}
}

func newOutput() *output { return &output{more: make(chan struct{})} }

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.more)
	o.more = make(chan struct{})
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

func (o *output) changed() <-chan struct{} {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.more
}

// process is a command that runs.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	out  *output
	err  *output
	done chan struct{}
}

// patience bounds every wait of these tests: far above what a busy machine
// needs, so that only what never comes fails.
const patience = 5 * time.Minute

// start starts a command that runs until it is stopped. It is killed when the
// test ends.
func (p *place) start(args ...string) *process {
	p.t.Helper()
	r := &process{t: p.t, out: newOutput(), err: newOutput(), done: make(chan struct{})}
	r.cmd = exec.Command(flowbot, args...)
	r.cmd.Env = p.env
	r.cmd.Stdout, r.cmd.Stderr = r.out, r.err
	if err := r.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	go func() {
		defer close(r.done)
		_ = r.cmd.Wait()
	}()
	p.t.Cleanup(func() {
		_ = r.cmd.Process.Kill()
		<-r.done
	})
	return r
}

// wait waits until what the process prints holds the text.
func (r *process) wait(o *output, text string) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	for {
		changed := o.changed()
		if strings.Contains(o.String(), text) {
			return
		}
		select {
		case <-changed:
		case <-r.done:
			if strings.Contains(o.String(), text) {
				return
			}
			r.t.Fatalf("the process has ended without %q; it printed:\n%s\n%s", text, r.out, r.err)
		case <-ctx.Done():
			r.t.Fatalf("the process does not print %q; it printed:\n%s\n%s", text, r.out, r.err)
		}
	}
}

// signal sends a signal and returns the exit status, -1 after a kill.
func (r *process) signal(s syscall.Signal) int {
	r.t.Helper()
	if err := r.cmd.Process.Signal(s); err != nil {
		r.t.Fatal(err)
	}
	select {
	case <-r.done:
	case <-time.After(patience):
		r.t.Fatalf("the process does not end; it printed:\n%s\n%s", r.out, r.err)
	}
	return r.cmd.ProcessState.ExitCode()
}

// testToken is the token of the tests' bot: long and of a shape of its own, so
// that it cannot be in an output by chance.
const testToken = "4839201755:AAHplantedTokenOfTheTestsX9-_q"

// telegram is a Bot API double over HTTP.
func telegram(t *testing.T, o emulator.Options) (*emulator.Server, string) {
	t.Helper()
	o.Token = testToken
	e := emulator.New(o)
	server := httptest.NewServer(e)
	t.Cleanup(func() {
		e.Close()
		server.Close()
	})
	return e, server.URL
}

// get asks the process's HTTP server.
func get(t *testing.T, address string) (status int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, b.String()
}
