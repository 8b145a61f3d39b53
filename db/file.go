package db

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"flowbot/service"

	"golang.org/x/sys/unix"
)

// S3 is what a bucket's address does not say.
type S3 struct {
	Endpoint string // such as https://storage.example.org; "" is Amazon's
	Region   string // "" asks the endpoint
	// Key and Secret are the account's. Empty: they come from the usual AWS_
	// variables or the usual files.
	Key, Secret string
}

// OpenFiles returns the file store at address: s3://BUCKET, s3://BUCKET/PREFIX,
// or a directory, which is made if it is missing.
func OpenFiles(ctx context.Context, address string, o S3) (service.FileStore, error) {
	if rest, ok := strings.CutPrefix(address, "s3://"); ok {
		return openBucket(ctx, rest, o)
	}
	return openDirectory(strings.TrimPrefix(address, "file://"))
}

// directory keeps blobs in files: DIR/ab/cd/abcd…, two levels so that no
// directory grows beyond what people can list.
//
//	DIR/tmp    unfinished writes
//	DIR/lock   held shared while a blob is put in place, exclusively while one is swept
type directory struct{ root string }

func openDirectory(root string) (*directory, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, fmt.Errorf("directory of files: %w", err)
	}
	d := &directory{root: root}
	if err := os.MkdirAll(d.tmp(), 0o700); err != nil {
		return nil, fmt.Errorf("directory of files: %w", err)
	}
	return d, nil
}

func (d *directory) tmp() string { return filepath.Join(d.root, "tmp") }

func (d *directory) path(sha string) string {
	return filepath.Join(d.root, sha[:2], sha[2:4], sha)
}

// Put implements service.FileStore.
func (d *directory) Put(ctx context.Context, r io.Reader) (sha string, size int64, err error) {
	f, sha, size, err := spool(ctx, d.tmp(), r)
	if err != nil {
		return "", 0, err
	}
	defer func() {
		_ = f.Close()
		_ = os.Remove(f.Name()) // gone already if it was moved
	}()
	if err := f.Sync(); err != nil {
		return "", 0, fmt.Errorf("store a file: %w", err)
	}
	unlock, err := d.lock(ctx, unix.LOCK_SH)
	if err != nil {
		return "", 0, err
	}
	defer unlock()
	final := d.path(sha)
	if info, err := os.Stat(final); err == nil && info.Size() == size {
		now := time.Now()
		if err := os.Chtimes(final, now, now); err != nil { // young again for Sweep
			return "", 0, fmt.Errorf("store file %s: %w", sha, err)
		}
		return sha, size, nil
	}
	if err := os.MkdirAll(filepath.Dir(final), 0o700); err != nil {
		return "", 0, fmt.Errorf("store file %s: %w", sha, err)
	}
	if err := os.Rename(f.Name(), final); err != nil {
		return "", 0, fmt.Errorf("store file %s: %w", sha, err)
	}
	// The name, and the names of directories that may be new, up to the root.
	for dir := filepath.Dir(final); ; dir = filepath.Dir(dir) {
		if err := syncDir(dir); err != nil {
			return "", 0, fmt.Errorf("store file %s: %w", sha, err)
		}
		if dir == d.root {
			return sha, size, nil
		}
	}
}

// Open implements service.FileStore.
func (d *directory) Open(_ context.Context, sha string) (io.ReadSeekCloser, error) {
	if !isSHA(sha) {
		return nil, noFile(sha, nil)
	}
	f, err := os.Open(d.path(sha))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, noFile(sha, err)
	}
	if err != nil {
		return nil, fmt.Errorf("open file %s: %w", sha, err)
	}
	return f, nil
}

// Local implements service.FileStore.
func (d *directory) Local(ctx context.Context, sha string) (string, func(), error) {
	has, err := d.Has(ctx, sha)
	if err != nil {
		return "", nil, err
	}
	if !has {
		return "", nil, noFile(sha, nil)
	}
	return d.path(sha), func() {}, nil
}

// Has implements service.FileStore.
func (d *directory) Has(_ context.Context, sha string) (bool, error) {
	if !isSHA(sha) {
		return false, nil
	}
	_, err := os.Stat(d.path(sha))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for file %s: %w", sha, err)
	}
	return true, nil
}

// Each implements service.FileStore.
func (d *directory) Each(ctx context.Context, fn func(sha256 string, size int64) error) error {
	return d.walk(ctx, func(sha string, info fs.FileInfo) error { return fn(sha, info.Size()) })
}

func (d *directory) walk(ctx context.Context, fn func(sha string, info fs.FileInfo) error) error {
	return filepath.WalkDir(d.root, func(path string, e fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, fs.ErrNotExist):
			return nil // swept meanwhile
		case err != nil:
			return fmt.Errorf("list the files: %w", err)
		case e.IsDir() && path == d.tmp():
			return fs.SkipDir
		case !e.Type().IsRegular() || !isSHA(e.Name()):
			return nil
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("list the files: %w", err)
		}
		return fn(e.Name(), info)
	})
}

// Sweep implements service.FileStore.
func (d *directory) Sweep(ctx context.Context, age time.Duration, known func(context.Context, string) (bool, error)) (int, error) {
	before := time.Now().Add(-age)
	removed := 0
	err := d.walk(ctx, func(sha string, info fs.FileInfo) error {
		if info.ModTime().After(before) {
			return nil
		}
		gone, err := d.sweepOne(ctx, sha, before, known)
		if gone {
			removed++
		}
		return err
	})
	if err != nil {
		return removed, err
	}
	left, err := os.ReadDir(d.tmp())
	if err != nil {
		return removed, fmt.Errorf("list unfinished files: %w", err)
	}
	for _, e := range left {
		if info, err := e.Info(); err == nil && info.ModTime().Before(before) {
			_ = os.Remove(filepath.Join(d.tmp(), e.Name())) // its writer is dead
		}
	}
	return removed, nil
}

func (d *directory) sweepOne(ctx context.Context, sha string, before time.Time, known func(context.Context, string) (bool, error)) (bool, error) {
	keep, err := known(ctx, sha)
	if err != nil || keep {
		return false, err
	}
	unlock, err := d.lock(ctx, unix.LOCK_EX)
	if err != nil {
		return false, err
	}
	defer unlock()
	// Looked at again under the lock: it may have been put once more, and its row
	// committed, since the question was asked.
	info, err := os.Stat(d.path(sha))
	if errors.Is(err, fs.ErrNotExist) || (err == nil && info.ModTime().After(before)) {
		return false, nil
	}
	if err == nil {
		err = os.Remove(d.path(sha))
	}
	if err != nil {
		return false, fmt.Errorf("sweep file %s: %w", sha, err)
	}
	return true, nil
}

// lock holds writers and sweepers of all processes apart.
func (d *directory) lock(ctx context.Context, how int) (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(d.root, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the files: %w", err)
	}
	for {
		// Held for a rename or an unlink only, so waiting in the kernel is short.
		err = unix.Flock(int(f.Fd()), how)
		if !errors.Is(err, unix.EINTR) || ctx.Err() != nil {
			break
		}
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("lock the files: %w", err)
	}
	return func() { _ = f.Close() }, nil
}

// spool writes r to a temporary file in dir, which the caller closes and
// removes, and names the content.
func spool(ctx context.Context, dir string, r io.Reader) (f *os.File, sha string, size int64, err error) {
	if f, err = os.CreateTemp(dir, "put-*"); err != nil {
		return nil, "", 0, fmt.Errorf("store a file: %w", err)
	}
	h := sha256.New()
	size, err = io.Copy(io.MultiWriter(f, h), reader{ctx, r})
	if err != nil {
		_ = f.Close()
		_ = os.Remove(f.Name())
		return nil, "", 0, fmt.Errorf("store a file: %w", err)
	}
	return f, sumOf(h), size, nil
}

// reader stops reading when ctx ends.
type reader struct {
	ctx context.Context //nolint:containedctx // io.Reader has no parameter for it
	r   io.Reader
}

func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}

func sumOf(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }

// isSHA reports whether s is a name that this store gives.
func isSHA(s string) bool {
	return len(s) == 2*sha256.Size && strings.Trim(s, "0123456789abcdef") == ""
}

func noFile(sha string, cause error) error {
	return &service.Error{
		Kind: service.NotFound, Reason: service.ReasonNotFound,
		Err: errors.Join(fmt.Errorf("no file %.64q", sha), cause),
	}
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
