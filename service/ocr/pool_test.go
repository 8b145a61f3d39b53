package ocr_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"flowbot/service"
	"flowbot/service/ocr"
	"flowbot/service/ocr/drawn"
	"flowbot/service/ocr/ocrtest"
)

// newPool is a pool whose children are known by the directory that they are
// called from. They are gone when the test ends.
func newPool(t *testing.T, o ocr.Options) *testPool {
	t.Helper()
	p := &testPool{t: t, mark: t.TempDir()}
	if o.Command == nil {
		o.Command = []string{filepath.Join(p.mark, "child")}
		if err := os.Symlink(ocrtest.Program(t), o.Command[0]); err != nil {
			t.Fatal(err)
		}
	}
	if o.Wall == 0 {
		o.Wall = 5 * time.Minute // the machine may be busy with other tests
	}
	var err error
	if p.Pool, err = ocr.NewPool(o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		if left := p.children(); len(left) != 0 {
			t.Errorf("processes %v are left", left)
		}
	})
	return p
}

type testPool struct {
	*ocr.Pool
	t    *testing.T
	mark string
}

// children lists the processes of the pool.
func (p *testPool) children() []int {
	p.t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		p.t.Fatal(err)
	}
	var out []int
	for _, f := range files {
		b, err := os.ReadFile(f) // it may have gone since
		if err != nil || !strings.Contains(string(b), p.mark) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(f)))
		if err != nil {
			p.t.Fatal(err)
		}
		out = append(out, pid)
	}
	return out
}

// coarse is a clean page in the least resolution that offices use, for tests that
// speak of something else than how well pages are read.
var coarse = drawn.Severity{Name: "coarse", DPI: []int{150}, Best: 1, Quality: [2]int{85, 85}, Faded: drawn.Range{From: 1, To: 1}}

// exam is the pages of one of two exams, a page each application.
func exam(t *testing.T, n int) (*drawn.Corpus, *service.PageList) {
	t.Helper()
	c := ocrtest.Corpus(t, profile(t, "blank-210"), uint64(62+n), drawn.Order{Applications: 4, Severity: coarse, Symbology: drawn.Code128})
	return c, &service.PageList{Key: strconv.Itoa(n), Profile: c.Profile, Certificates: c.Certificates}
}

// mustMatch reads a page and checks that it finds its application.
func mustMatch(t *testing.T, r service.Recogniser, list *service.PageList, page *drawn.Page) *service.RecognisedPage {
	t.Helper()
	got, err := r.Recognise(t.Context(), list, page.JPEG)
	if err != nil {
		t.Error(err)
		return nil
	}
	if id, rule := service.MatchPage(list.Certificates, &got.Reading); id != page.ApplicationID {
		t.Errorf("a page of %d matched %d by %q", page.ApplicationID, id, rule)
	}
	return got
}

func TestPagesAreReadInChildrenThatLiveOn(t *testing.T) {
	t.Parallel()
	p := newPool(t, ocr.Options{Children: 2})
	if left := p.children(); len(left) != 0 {
		t.Errorf("%v work before the first page", left)
	}
	c, list := exam(t, 0)
	var all sync.WaitGroup
	for range 3 {
		for i := range c.Pages {
			all.Go(func() {
				got := mustMatch(t, p, list, &c.Pages[i])
				if got == nil {
					return
				}
				for what, b := range map[string][]byte{"page": got.Clean, "small page": got.Thumb} {
					if _, err := jpeg.DecodeConfig(bytes.NewReader(b)); err != nil {
						t.Errorf("the %s is no picture: %v", what, err)
					}
				}
			})
		}
	}
	all.Wait()
	if n := len(p.children()); n < 1 || n > 2 {
		t.Errorf("%d children work, want 1 or 2", n)
	}
}

func TestAPageIsShownAsAPersonNeedsIt(t *testing.T) {
	t.Parallel()
	p := newPool(t, ocr.Options{Children: 1})
	c, list := exam(t, 0)
	got := mustMatch(t, p, list, &c.Pages[0])
	for _, reading := range []*service.PageReading{&got.Reading, {Width: got.Reading.Width, Height: got.Reading.Height}} {
		shown, err := p.Show(t.Context(), &list.Profile, c.Pages[0].JPEG, reading)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := jpeg.DecodeConfig(bytes.NewReader(shown.View)); err != nil {
			t.Error(err)
		}
		if hasLines := shown.Lines != nil; hasLines != reading.Located {
			t.Errorf("a page with a blank %t shows its lines %t", reading.Located, hasLines)
		}
	}
}

// TestEachListHasAChildOfItsOwn asks for pages of two exams in turns: none comes to a
// child that a page of the other exam was in, and the second page of each pair is
// nobody's on the other's list.
func TestEachListHasAChildOfItsOwn(t *testing.T) {
	t.Parallel()
	p := newPool(t, ocr.Options{Children: 1})
	one, list := exam(t, 0)
	other, otherList := exam(t, 1)
	var last []int
	isNew := func() {
		t.Helper()
		now := p.children()
		if len(now) != 1 || slices.Equal(now, last) {
			t.Errorf("children %v work, and did %v before with another list", now, last)
		}
		last = now
	}
	for range 2 {
		mustMatch(t, p, list, &one.Pages[0])
		isNew()
		mustMatch(t, p, otherList, &other.Pages[0])
		isNew()
		stray, err := p.Recognise(t.Context(), otherList, one.Pages[0].JPEG)
		if err != nil {
			t.Fatal(err)
		}
		if id, rule := service.MatchPage(otherList.Certificates, &stray.Reading); id != 0 {
			t.Errorf("a page of another exam matched %d by %q", id, rule)
		}
		if now := p.children(); !slices.Equal(now, last) {
			t.Errorf("children %v work, and did %v before with the same list", now, last)
		}
		if _, err := p.Show(t.Context(), &list.Profile, one.Pages[0].JPEG, &stray.Reading); err != nil {
			t.Fatal(err)
		}
		if now := p.children(); !slices.Equal(now, last) {
			t.Errorf("children %v are there after a page was shown, want those that read, %v", now, last)
		}
	}
}

func TestAPageOutlivesTheChildThatWorkedOnIt(t *testing.T) {
	t.Parallel()
	p := newPool(t, ocr.Options{Children: 1})
	c, list := exam(t, 0)
	mustMatch(t, p, list, &c.Pages[0])
	before := p.children()
	// Stopped, it is in the middle of the page when it is killed.
	signal(t, before, syscall.SIGSTOP)
	done := make(chan struct{})
	go func() {
		defer close(done)
		mustMatch(t, p, list, &c.Pages[1])
	}()
	waitUntilFull(t, before[0])
	signal(t, before, syscall.SIGKILL)
	<-done
	if after := p.children(); len(after) != 1 || after[0] == before[0] {
		t.Errorf("children are %v, were %v", after, before)
	}
	// One that died between two pages is no page's fault.
	signal(t, p.children(), syscall.SIGKILL)
	mustMatch(t, p, list, &c.Pages[0])
}

func signal(t *testing.T, pids []int, s syscall.Signal) {
	t.Helper()
	for _, pid := range pids {
		if err := syscall.Kill(pid, s); err != nil {
			t.Fatal(err)
		}
	}
}

// waitUntilFull waits until somebody has written into a stopped process's input.
func waitUntilFull(t *testing.T, pid int) {
	t.Helper()
	in, err := os.OpenFile(fmt.Sprintf("/proc/%d/fd/0", pid), os.O_RDONLY, 0)
	if err != nil {
		t.Error(err)
		return
	}
	defer in.Close()
	for {
		_, err := unix.Poll([]unix.PollFd{{Fd: int32(in.Fd()), Events: unix.POLLIN}}, -1)
		if err == nil {
			return
		}
		if !errors.Is(err, unix.EINTR) {
			t.Error(err)
			return
		}
	}
}

// said is a message of a child without pictures.
func said(head string) string {
	return "\x00\x00\x00" + string(rune(len(head))) + strings.Repeat("\x00", 8) + head
}

func TestAPageThatKillsItsChildrenIsUnreadable(t *testing.T) {
	t.Parallel()
	for name, then := range map[string]string{
		"dies":                       `kill -9 $$`,
		"ends":                       `exit 0`,
		"answers another question":   `cat "$2"; exec tail -f /dev/null`,
		"answers in no known way":    `exec yes`,
		"does not answer for long":   `exec tail -f /dev/null`,
		"answers half and then dies": `head -c 13 "$2"`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for name, text := range map[string]string{"hello": said(`{"ID":0}`), "answer": said(`{"ID":99}`)} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			wall := 5 * time.Minute
			if name == "does not answer for long" {
				wall = 5 * time.Second
			}
			p := newPool(t, ocr.Options{Wall: wall, Command: []string{
				"/bin/sh", "-c", `PATH=/usr/bin:/bin; cat "$1"; head -c 1 >/dev/null; ` + then, "sh", filepath.Join(dir, "hello"), filepath.Join(dir, "answer"),
			}})
			_, err := p.Show(t.Context(), &service.BlankProfile{}, []byte("page"), &service.PageReading{})
			mustBeUnreadable(t, err)
		})
	}
}

func mustBeUnreadable(t *testing.T, err error) {
	t.Helper()
	var refusal *service.Error
	if !errors.As(err, &refusal) || refusal.Kind != service.Invalid || refusal.Reason != service.ReasonPageUnreadable {
		t.Errorf("the error is %v", err)
	}
}

func TestWhatIsNoPageIsUnreadable(t *testing.T) {
	t.Parallel()
	p := newPool(t, ocr.Options{Children: 1})
	c, list := exam(t, 0)
	for name, page := range map[string][]byte{
		"nothing": nil, "text": []byte("certificate"), "a head alone": c.Pages[0].JPEG[:600],
	} {
		_, err := p.Recognise(t.Context(), list, page)
		if name != "a head alone" || err != nil { // the decoder may find it whole but gray
			mustBeUnreadable(t, err)
		}
	}
	mustMatch(t, p, list, &c.Pages[0])
}

func TestAPageThatNeedsTooMuchMemoryIsUnreadable(t *testing.T) {
	t.Parallel()
	p := newPool(t, ocr.Options{Children: 2, Memory: 32 << 20})
	list := &service.PageList{Key: "1"}
	_, err := p.Recognise(t.Context(), list, ocrtest.White(t, image.Pt(9000, 6000)))
	mustBeUnreadable(t, err)
	if _, err := p.Recognise(t.Context(), list, ocrtest.White(t, image.Pt(900, 600))); err != nil {
		t.Error(err)
	}
}

func TestAChildThatCannotStartIsNoPagesFault(t *testing.T) {
	t.Parallel()
	for name, command := range map[string][]string{
		"no program":      {filepath.Join(t.TempDir(), "none")},
		"another program": {"/bin/true"},
		"one that fails":  {"/bin/sh", "-c", `printf '%b{"Failure":"model"}' '\0\0\0\023\0\0\0\0\0\0\0\0'`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPool(t, ocr.Options{Command: command})
			_, err := p.Recognise(t.Context(), &service.PageList{Key: "1"}, []byte("page"))
			var refusal *service.Error
			if err == nil || errors.As(err, &refusal) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

// TestMissingDataOfTesseractIsNoPagesFault leaves a child without any data of
// languages, and then with that of digits alone.
func TestMissingDataOfTesseractIsNoPagesFault(t *testing.T) {
	t.Parallel()
	program := ocrtest.Program(t)
	eng, err := filepath.Glob("/usr/share/tesseract-ocr/*/tessdata/eng.traineddata")
	if err != nil || len(eng) == 0 {
		t.Fatalf("no data of Tesseract, which tools/install brings: %v", err)
	}
	list := &service.PageList{Key: "1", Profile: profile(t, "vector-200")} // whose blanks have a series
	for name, files := range map[string][]string{"tesseract-ocr-eng": nil, "tesseract-ocr-rus": eng[:1]} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for _, f := range files {
				if err := os.Symlink(f, filepath.Join(dir, filepath.Base(f))); err != nil {
					t.Fatal(err)
				}
			}
			p := newPool(t, ocr.Options{Command: []string{"/bin/sh", "-c", `TESSDATA_PREFIX="$0" exec "$1" "$2"`, dir, program}})
			_, err := p.Recognise(t.Context(), list, []byte("page"))
			if refusal := (*service.Error)(nil); err == nil || errors.As(err, &refusal) || !strings.Contains(err.Error(), name) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

func TestWhoNoLongerWaitsIsLetGo(t *testing.T) {
	t.Parallel()
	p := newPool(t, ocr.Options{Children: 1})
	c, list := exam(t, 0)
	mustMatch(t, p, list, &c.Pages[0])
	signal(t, p.children(), syscall.SIGSTOP) // it will not answer
	ctx, cancel := context.WithCancel(t.Context())
	stopped := p.children()
	go func() {
		defer cancel()
		waitUntilFull(t, stopped[0])
	}()
	if _, err := p.Recognise(ctx, list, c.Pages[0].JPEG); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	if slices.Equal(p.children(), stopped) {
		t.Error("the child that was asked lives on, and would answer the next question")
	}
	mustMatch(t, p, list, &c.Pages[1])
}

func TestClosingEndsAlsoWhoIsBusy(t *testing.T) {
	t.Parallel()
	p := newPool(t, ocr.Options{Children: 2})
	c, list := exam(t, 0)
	mustMatch(t, p, list, &c.Pages[0])
	stopped := p.children()
	signal(t, stopped, syscall.SIGSTOP)
	failed := make(chan error, 1)
	go func() {
		_, err := p.Recognise(t.Context(), list, c.Pages[0].JPEG)
		failed <- err
	}()
	waitUntilFull(t, stopped[0])
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	var refusal *service.Error
	if err := <-failed; err == nil || errors.As(err, &refusal) {
		t.Errorf("a page in work at the end: %v", err)
	}
	if _, err := p.Recognise(t.Context(), list, c.Pages[0].JPEG); err == nil {
		t.Error("a page was read after the end")
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

func TestAChildIsReplacedAfterItsPages(t *testing.T) {
	t.Parallel()
	p := newPool(t, ocr.Options{Children: 1, Pages: 2})
	c, list := exam(t, 0)
	var seen []int
	for range 4 {
		mustMatch(t, p, list, &c.Pages[0])
		for _, pid := range p.children() {
			if !slices.Contains(seen, pid) {
				seen = append(seen, pid)
			}
		}
	}
	if len(p.children()) != 0 || len(seen) != 2 {
		t.Errorf("children %v were seen, %v are left; want two of two pages each", seen, p.children())
	}
}

func TestAChildHasNothingOfItsParents(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "environ")
	p := newPool(t, ocr.Options{Command: []string{"/bin/sh", "-c", `/usr/bin/tr '\0' '\n' < /proc/$$/environ > "$0"`, file}})
	if _, err := p.Recognise(t.Context(), &service.PageList{}, nil); err == nil {
		t.Fatal("a shell read a page")
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		name, _, _ := strings.Cut(line, "=")
		if !slices.Contains([]string{
			"OMP_THREAD_LIMIT", "LANG", "GOTRACEBACK", "GOMAXPROCS", "GOMEMLIMIT", "FLOWBOT_CHILD_MEMORY", "TESSDATA_PREFIX",
			"GOGC", "MALLOC_ARENA_MAX", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_",
		}, name) {
			t.Errorf("a child has %s", name)
		}
	}
}
