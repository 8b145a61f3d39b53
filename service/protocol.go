package service

import (
	"context"
	"time"
)

// ProtocolStatus is where the protocol of an exam stands.
type ProtocolStatus string

// The statuses, in the order of the domain.
const (
	ProtocolMissing  ProtocolStatus = "missing"
	ProtocolToCheck  ProtocolStatus = "to_check"
	ProtocolInCheck  ProtocolStatus = "in_check"
	ProtocolApproved ProtocolStatus = "approved"
	ProtocolRejected ProtocolStatus = "rejected"
)

// Protocol is one version of the commission's record of an exam. No version is
// ever changed or destroyed; a newer one takes its place.
type Protocol struct {
	ExamID     int64  `bun:",pk"`
	Version    int    `bun:",pk"` // from 1
	Number     string // such as 316/24
	DatedOn    Day    `bun:"type:date"`
	FileName   string // as the sender called it
	FileSHA    string // the original as it came
	CleanSHA   string // what others get
	Pages      int
	UploadedBy int64
	UploadedAt time.Time // UTC
}

// ProtocolQueries asks about protocols.
type ProtocolQueries interface {
	// Protocol returns a version of an exam's protocol, or NotFound.
	Protocol(ctx context.Context, examID int64, version int) (*Protocol, error)
	// Protocols lists every version of an exam's protocol, oldest first.
	Protocols(ctx context.Context, examID int64) ([]Protocol, error)
}

// ProtocolCommands changes protocols.
type ProtocolCommands interface {
	InsertProtocol(ctx context.Context, p *Protocol) error
}

// Protocols holds the use cases around the protocols of exams.
type Protocols struct {
	store Store
	files FileStore
	now   Clock
}

// NewProtocols returns the use cases over store.
func NewProtocols(store Store, files FileStore, now Clock) *Protocols {
	return &Protocols{store: store, files: files, now: now}
}
