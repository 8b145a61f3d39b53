package service

import (
	"context"
	"io"
	"time"
)

// File is a stored blob. Its name is its content: the same bytes are one file.
type File struct {
	SHA256    string    `bun:"sha256,pk"` // lower-case hex
	Size      int64     // bytes
	Type      string    // MIME type as found in the content
	CreatedAt time.Time // UTC
}

// FileQueries asks about stored files.
type FileQueries interface {
	// File returns NotFound for a file that no row speaks of.
	File(ctx context.Context, sha256 string) (*File, error)
}

// FileCommands records stored files.
type FileCommands interface {
	// SaveFile records a blob that already lies in the file store. Recording it
	// again changes nothing.
	SaveFile(ctx context.Context, f File) error
}

// ChatFiles gives the files that people send in chat.
type ChatFiles interface {
	// Fetch writes the file that the chat knows as ref to w and returns its size
	// in bytes. A file over max bytes is an Invalid error ReasonFileTooBig, one
	// that the chat no longer has ReasonFileGone.
	Fetch(ctx context.Context, ref string, w io.Writer, max int64) (int64, error)
}

// ReasonFileGone means that the chat does not give the file any more: it must be
// sent again.
const ReasonFileGone Reason = "file.gone"
