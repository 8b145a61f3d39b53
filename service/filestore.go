package service

import (
	"context"
	"io"
	"time"
)

// FileStore keeps blobs under the SHA-256 of their content, in lower-case hex.
// A blob never changes. First the blob is put, then a row is committed that
// speaks of it; Sweep removes those that no row came to speak of. It is safe for
// concurrent use.
type FileStore interface {
	// Put stores what r gives and returns its name and its size in bytes. When
	// it returns, a power cut loses nothing. Storing the same content again
	// changes nothing but protects it from the next Sweep.
	Put(ctx context.Context, r io.Reader) (sha256 string, size int64, err error)
	// Open returns the blob, or NotFound. The caller closes it.
	Open(ctx context.Context, sha256 string) (io.ReadSeekCloser, error)
	// Local returns a path under which a child process can read the blob until
	// release is called, or NotFound. Nobody writes to it.
	Local(ctx context.Context, sha256 string) (path string, release func(), err error)
	// Has reports whether the blob is there.
	Has(ctx context.Context, sha256 string) (bool, error)
	// Each calls fn for every blob, in no order, until fn returns an error.
	Each(ctx context.Context, fn func(sha256 string, size int64) error) error
	// Sweep removes the blobs that were last put longer ago than age and are not
	// known, and what killed writers left. It returns how many blobs it removed.
	Sweep(ctx context.Context, age time.Duration, known func(ctx context.Context, sha256 string) (bool, error)) (int, error)
}

// putFrom stores what write writes, as it comes: nothing holds the whole. When
// either side fails the other ends, too.
func putFrom(ctx context.Context, files FileStore, write func(io.Writer) error) (sha256 string, size int64, err error) {
	r, w := io.Pipe()
	go func() { _ = w.CloseWithError(write(w)) }() // always nil, see io.PipeWriter
	sha256, size, err = files.Put(ctx, r)
	_ = r.CloseWithError(err) // always nil, see io.PipeReader
	return sha256, size, err
}
