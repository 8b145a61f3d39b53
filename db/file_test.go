package db_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"flowbot/db"
	"flowbot/service"

	"github.com/google/go-cmp/cmp"
	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
)

func sha(content string) string {
	sum := sha256.Sum256([]byte(content))
	return hex.EncodeToString(sum[:])
}

// place is a kind of file store and the ways in which a test can meddle with it
// behind its back.
type place struct {
	open   func(t *testing.T) service.FileStore
	damage func(t *testing.T, sha, content string) // replaces a blob's content
	past   func(t *testing.T, do func())           // does something to an empty store as if 25 hours ago
}

// inDirectory and inBucket return a place for one test.
func inDirectory(t *testing.T) place {
	t.Helper()
	root := t.TempDir()
	return place{
		open: func(t *testing.T) service.FileStore {
			t.Helper()
			return openFiles(t, root, db.S3{})
		},
		damage: func(t *testing.T, sha, content string) {
			t.Helper()
			if err := os.WriteFile(filepath.Join(root, sha[:2], sha[2:4], sha), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		},
		past: func(t *testing.T, do func()) {
			t.Helper()
			do()
			err := filepath.WalkDir(root, func(path string, _ os.DirEntry, err error) error {
				then := time.Now().Add(-25 * time.Hour)
				return errors.Join(err, os.Chtimes(path, then, then))
			})
			if err != nil {
				t.Fatal(err)
			}
		},
	}
}

func inBucket(t *testing.T) place {
	t.Helper()
	clock := gofakes3.FixedTimeSource(time.Now())
	backend := s3mem.New(s3mem.WithTimeSource(clock))
	if err := backend.CreateBucket("files"); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(gofakes3.New(backend, gofakes3.WithTimeSource(clock), gofakes3.WithTimeSkewLimit(0)).Server())
	t.Cleanup(server.Close)
	return place{
		open: func(t *testing.T) service.FileStore {
			t.Helper()
			return openFiles(t, "s3://files/flowbot", db.S3{Endpoint: server.URL, Region: "us-east-1", Key: "test", Secret: "test"})
		},
		damage: func(t *testing.T, sha, content string) {
			t.Helper()
			_, err := backend.PutObject("files", "flowbot/"+sha, map[string]string{}, strings.NewReader(content), int64(len(content)), nil)
			if err != nil {
				t.Fatal(err)
			}
		},
		past: func(_ *testing.T, do func()) {
			clock.Advance(-25 * time.Hour)
			do()
			clock.Advance(25 * time.Hour)
		},
	}
}

func openFiles(t *testing.T, address string, o db.S3) service.FileStore {
	t.Helper()
	s, err := db.OpenFiles(t.Context(), address, o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestFileStore holds both kinds to the same promises.
func TestFileStore(t *testing.T) {
	t.Parallel()
	promises := []struct {
		name string
		kept func(t *testing.T, p place)
	}{
		{"what was put comes back", comesBack},
		{"what is not there is not found", isNotFound},
		{"a failed write leaves nothing", leavesNothing},
		{"each blob is listed once", isListed},
		{"the sweep takes old unknown blobs alone", isSwept},
		{"a blob put again is young again", isYoung},
		{"writers do not disturb each other", writersAgree},
	}
	for kind, where := range map[string]func(*testing.T) place{"directory": inDirectory, "bucket": inBucket} {
		for _, p := range promises {
			t.Run(kind+": "+p.name, func(t *testing.T) {
				t.Parallel()
				p.kept(t, where(t))
			})
		}
	}
}

func put(t *testing.T, s service.FileStore, content string) string {
	t.Helper()
	name, size, err := s.Put(t.Context(), strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	if name != sha(content) || size != int64(len(content)) {
		t.Fatalf("put as %s with %d bytes, want %s with %d", name, size, sha(content), len(content))
	}
	return name
}

func get(t *testing.T, s service.FileStore, name string) string {
	t.Helper()
	r, err := s.Open(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func has(t *testing.T, s service.FileStore, name string) bool {
	t.Helper()
	ok, err := s.Has(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return ok
}

func comesBack(t *testing.T, p place) {
	t.Helper()
	s := p.open(t)
	for _, content := range []string{"", "Журнал № 118", strings.Repeat("0123456789abcdef", 400_000)} {
		name := put(t, s, content)
		put(t, s, content)
		if !has(t, s, name) || get(t, p.open(t), name) != content {
			t.Errorf("%d bytes did not come back", len(content))
		}
		path, release, err := s.Local(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil || string(got) != content {
			t.Errorf("%d bytes are not at the local path: %v", len(content), err)
		}
		release()
		if !has(t, s, name) {
			t.Error("releasing the path removed the blob")
		}
	}
	r, err := s.Open(t.Context(), sha("Журнал № 118"))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := r.Seek(-3, io.SeekEnd); err != nil {
		t.Fatal(err)
	}
	if end, err := io.ReadAll(r); err != nil || string(end) != "118" {
		t.Errorf("the end reads %q, %v", end, err)
	}
}

func isNotFound(t *testing.T, p place) {
	t.Helper()
	s := p.open(t)
	put(t, s, "something")
	for _, name := range []string{sha("nothing"), "", "..", "../../etc/passwd", strings.ToUpper(sha("something")), sha("something") + "0"} {
		if has(t, s, name) {
			t.Errorf("has %q", name)
		}
		if _, err := s.Open(t.Context(), name); service.ReasonOf(err) != service.ReasonNotFound {
			t.Errorf("open %q: %v", name, err)
		}
		if _, _, err := s.Local(t.Context(), name); service.ReasonOf(err) != service.ReasonNotFound {
			t.Errorf("local %q: %v", name, err)
		}
	}
}

// failing gives some bytes and then an error.
type failing struct{ r io.Reader }

var errFailing = errors.New("the line broke")

func (f failing) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	if errors.Is(err, io.EOF) {
		return n, errFailing
	}
	return n, err
}

func leavesNothing(t *testing.T, p place) {
	t.Helper()
	s := p.open(t)
	if _, _, err := s.Put(t.Context(), failing{strings.NewReader("half")}); !errors.Is(err, errFailing) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := s.Put(ctx, strings.NewReader("cancelled")); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if diff := cmp.Diff([]string(nil), list(t, s)); diff != "" {
		t.Errorf("left behind: %s", diff)
	}
}

func list(t *testing.T, s service.FileStore) []string {
	t.Helper()
	var out []string
	err := s.Each(t.Context(), func(sha string, _ int64) error {
		out = append(out, sha)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return out
}

func isListed(t *testing.T, p place) {
	t.Helper()
	s := p.open(t)
	var want []string
	for _, content := range []string{"a", "b", "c", "a"} {
		want = append(want, put(t, s, content))
	}
	slices.Sort(want)
	if diff := cmp.Diff(slices.Compact(want), list(t, s)); diff != "" {
		t.Error(diff)
	}
	stop := errors.New("stop")
	calls := 0
	err := s.Each(t.Context(), func(string, int64) error { calls++; return stop })
	if !errors.Is(err, stop) || calls != 1 {
		t.Errorf("%d calls, %v, want one and its error", calls, err)
	}
}

func isSwept(t *testing.T, p place) {
	t.Helper()
	s := p.open(t)
	known, orphan := sha("known"), sha("orphan")
	p.past(t, func() {
		put(t, s, "known")
		put(t, s, "orphan")
	})
	young := put(t, s, "young")
	isKnown := func(_ context.Context, sha string) (bool, error) { return sha == known, nil }
	n, err := s.Sweep(t.Context(), 24*time.Hour, isKnown)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{known: true, orphan: false, young: true}
	got := map[string]bool{known: has(t, s, known), orphan: has(t, s, orphan), young: has(t, s, young)}
	if diff := cmp.Diff(want, got); diff != "" || n != 1 {
		t.Errorf("swept %d, want 1: %s", n, diff)
	}
}

func isYoung(t *testing.T, p place) {
	t.Helper()
	s := p.open(t)
	p.past(t, func() { put(t, s, "again") })
	name := put(t, s, "again")
	n, err := s.Sweep(t.Context(), 24*time.Hour, func(context.Context, string) (bool, error) { return false, nil })
	if err != nil || n != 0 || !has(t, s, name) {
		t.Errorf("swept %d, %v, has %v", n, err, has(t, s, name))
	}
}

func writersAgree(t *testing.T, p place) {
	t.Helper()
	s := p.open(t)
	content := bytes.Repeat([]byte("x"), 1<<20)
	errs := make(chan error)
	for range 8 {
		go func() {
			_, _, err := s.Put(t.Context(), bytes.NewReader(content))
			errs <- err
		}()
	}
	for range 8 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if get(t, s, sha(string(content))) != string(content) {
		t.Error("the content is not what was written")
	}
}

func TestADamagedObjectIsNotGiven(t *testing.T) {
	t.Parallel()
	p := inBucket(t)
	s := p.open(t)
	name := put(t, s, "true")
	p.damage(t, name, "false")
	if _, err := s.Open(t.Context(), name); err == nil || service.ReasonOf(err) == service.ReasonNotFound {
		t.Errorf("got %v, want the damage", err)
	}
}

func TestACutOffFileIsMendedByTheNextPut(t *testing.T) {
	t.Parallel()
	p := inDirectory(t)
	s := p.open(t)
	name := put(t, s, "whole")
	p.damage(t, name, "wh")
	put(t, s, "whole")
	if got := get(t, s, name); got != "whole" {
		t.Errorf("got %q", got)
	}
}

func TestABucketThatDoesNotExist(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(gofakes3.New(s3mem.New()).Server())
	defer server.Close()
	_, err := db.OpenFiles(t.Context(), "s3://nowhere", db.S3{Endpoint: server.URL, Region: "us-east-1", Key: "test", Secret: "test"})
	if err == nil || !strings.Contains(err.Error(), "bucket nowhere does not exist") {
		t.Errorf("got %v", err)
	}
}
