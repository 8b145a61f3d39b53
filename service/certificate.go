package service

import (
	"context"
	"encoding/json"
	"time"
)

// Printing is one PDF made for strict blanks. It is kept for ever: blanks are
// accountable.
type Printing struct {
	ID           int64 `bun:",pk,autoincrement"`
	ExamID       int64
	Applications []int64         `bun:",array"`     // in the order of the pages
	Form         json.RawMessage `bun:"type:jsonb"` // CertificateForm, as it was when ordered
	FileSHA      string          `bun:",nullzero"`  // "" until a worker has drawn it
	Reprint      bool            // one of them at least was printed before
	OrderedBy    int64
	OrderedAt    time.Time // UTC
	UpdateID     int64     // of the chat; the same one again is the same printing; 0: none
}

// CertificateForm is everything that a PDF of certificates says and how it lies
// on the blanks.
type CertificateForm struct {
	Exam         string // number
	Date         Day    // that the file itself carries
	Profile      BlankProfile
	RightBy      int // tenths of a millimetre by which everything moves to the right, for the printer
	DownBy       int // tenths of a millimetre by which everything moves down
	Certificates []Certificate
}

// Certificate is one page: what is printed on one blank.
type Certificate struct {
	Application        string // number; it is not printed
	Level              Level
	Name               string // as the papers have it; printed in capitals
	NameLatin          string
	Institution        string // in the instrumental case
	Address            string
	IssuedOn           Day
	ValidUntil         Day // zero: without limit
	RegistrationNumber string
	SignatoryPosition  string
	SignatoryName      string
}

// CertificateQueries asks about printings, printers and blank profiles.
type CertificateQueries interface{}

// CertificateCommands changes printings, printers and blank profiles.
type CertificateCommands interface{}

// Certificates prints certificates on strict blanks.
type Certificates struct {
	store    Store
	printer  Printer
	files    FileStore
	profiles []BlankProfile // built in
	now      Clock
}

// NewCertificates returns the use cases over store. Profiles are the built-in
// blank profiles.
func NewCertificates(store Store, printer Printer, files FileStore, profiles []BlankProfile, now Clock) *Certificates {
	return &Certificates{store: store, printer: printer, files: files, profiles: profiles, now: now}
}

// PrintInput says which certificates are printed.
type PrintInput struct {
	ExamID       int64
	Applications []int64 // nil: all of the exam that have their number
	UpdateID     int64   // of the chat; the same one again is the same printing
}

// orderPrinting has a worker draw certificates of the scene's exam, which must
// all have their registration number, and writes the printing down in the
// history of each. It refuses what cannot be printed, see the reasons.
func (s *Certificates) orderPrinting(_ context.Context, _ *examScene, _ []Application, _ int64) (*Printing, error) {
	return nil, refuse(Internal, ReasonInternal)
}
